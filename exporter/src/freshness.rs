//! How old the newest event is, judged by the clock at every evaluation. Freshness has no false-alarm
//! budget: a limit is a duration, from the manifest or from the window's length.

use std::time::Duration;

use jiff::Timestamp;
use stats::BySeverity;

/// The freshness of a monitor's data, or of one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Freshness {
    /// The newest event time seen.
    pub newest: Timestamp,
    /// Its age at the evaluation, in seconds; negative when the event lies in the future.
    pub age_seconds: f64,
    /// The oldest age that is still fine, in seconds.
    pub limits: BySeverity<f64>,
    /// Age ÷ limit; 1 and above is too old.
    pub scores: BySeverity<f64>,
    /// Whether the age is at or past each limit.
    pub over: BySeverity<bool>,
}

/// Judges the newest event at `now`.
pub fn judge(newest: Timestamp, now: Timestamp, limits: BySeverity<Duration>) -> Freshness {
    let age_seconds = (now.as_microsecond() - newest.as_microsecond()) as f64 / 1e6;
    let limits = limits.map(|limit| limit.as_secs_f64());
    let scores = limits.map(|limit| (age_seconds / limit).max(0.0));
    Freshness {
        newest,
        age_seconds,
        limits,
        scores,
        over: scores.map(|score| score >= 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_stale_from_the_limit_on() {
        let now: Timestamp = "2026-01-15T00:00:00Z".parse().unwrap();
        let day = Duration::from_secs(86_400);
        let limits = BySeverity {
            warning: 10 * day,
            critical: 14 * day,
        };
        let judged = judge("2026-01-05T00:00:00Z".parse().unwrap(), now, limits);
        assert_eq!(judged.over.warning, true);
        assert_eq!(judged.over.critical, false);
        assert_eq!(judged.age_seconds, 10.0 * 86_400.0);
        let ahead = judge("2026-01-16T00:00:00Z".parse().unwrap(), now, limits);
        assert_eq!(ahead.scores.warning, 0.0);
        assert!(ahead.age_seconds < 0.0);
    }
}
