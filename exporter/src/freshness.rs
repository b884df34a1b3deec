//! How old the newest event is, judged by the clock at every evaluation. Freshness has no false-alarm
//! budget: a limit is a duration, from the manifest or from the window's length.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crds::valid::ResolvedCheck;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats::{BySeverity, Times};

use crate::segments::SegmentTimes;

/// How far ahead of the exporter's clock an event may be: two clocks differ, and rows come while a pull goes on.
const AHEAD: Duration = Duration::from_secs(300);

/// Which events are in the future at `now`: those after this, in microseconds since the epoch. What counts is up to five minutes
/// ahead, and no more than `pace` (the length of a window; without windows the interval of evaluations), so that an event that is
/// ahead hides at most one window without events.
pub fn horizon(now: Timestamp, pace: Duration) -> i64 {
    let ahead = i64::try_from(AHEAD.min(pace).as_micros()).unwrap_or(i64::MAX);
    now.as_microsecond().saturating_add(ahead)
}

/// The freshness of a monitor's data, or of one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Freshness {
    /// The newest event time seen.
    pub newest: Timestamp,
    /// Its age at the evaluation, in seconds; negative when its clock is ahead of the exporter's.
    pub age_seconds: f64,
    /// The age, in seconds, from which on it is too old; nothing where the check has no such limit.
    pub limits: BySeverity<Option<f64>>,
    /// Age ÷ limit; 1 and above is too old.
    pub scores: BySeverity<Option<f64>>,
    /// Whether the age is at or past each limit.
    pub over: BySeverity<bool>,
}

/// The events of the rows that are served: of the newest window that has any.
#[derive(Clone, Debug, PartialEq)]
pub struct Served {
    /// When they were.
    pub times: Times,
    /// The share of rows whose event is at or past each limit; nothing where the check has no such limit.
    pub stale: BySeverity<Option<f64>>,
    /// The same of each segment.
    pub segments: Vec<ServedSegment>,
}

/// The events of the rows of one segment.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedSegment {
    /// The segment, and when they were.
    pub events: SegmentTimes,
    /// The share of its rows whose event is at or past each limit; nothing where the check has no such limit.
    pub stale: BySeverity<Option<f64>>,
}

/// Says how many of the rows are too old at `now`.
pub fn served(
    times: Times,
    segments: Vec<SegmentTimes>,
    now: Timestamp,
    check: &ResolvedCheck<Duration>,
) -> Served {
    let stale = |times: &Times| {
        let share = |limit: Duration| {
            let limit = i64::try_from(limit.as_micros()).unwrap_or(i64::MAX);
            times.share_until(now.as_microsecond().saturating_sub(limit))
        };
        BySeverity {
            warning: check.warning.map(share),
            critical: check.critical.map(share),
        }
    };
    let segments = segments.into_iter().map(|events| ServedSegment {
        stale: stale(&events.times),
        events,
    });
    Served {
        segments: segments.collect(),
        stale: stale(&times),
        times,
    }
}

/// Judges the newest event at `now`.
pub fn judge(newest: Timestamp, now: Timestamp, check: &ResolvedCheck<Duration>) -> Freshness {
    let age_seconds = (now.as_microsecond() - newest.as_microsecond()) as f64 / 1e6;
    let limits = BySeverity {
        warning: check.warning.map(|limit| limit.as_secs_f64()),
        critical: check.critical.map(|limit| limit.as_secs_f64()),
    };
    let scores = limits.map(|limit| limit.map(|limit| stats::score(age_seconds, limit)));
    Freshness {
        newest,
        age_seconds,
        limits,
        scores,
        over: scores.map(|score| score.is_some_and(|score| score >= 1.0)),
    }
}

/// For how many evaluations in a row the events have been too old, by feature; the data as a whole
/// stands under the empty name, which no column has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Runs(BTreeMap<String, BySeverity<u32>>);

impl Runs {
    /// Counts one evaluation; says whether the breach has lasted for `consecutive` of them.
    pub fn observe(
        &mut self,
        name: &str,
        over: BySeverity<bool>,
        consecutive: NonZeroU32,
    ) -> BySeverity<bool> {
        let run = self.0.entry(name.to_owned()).or_default();
        *run = run
            .zip(over)
            .map(|(length, over)| if over { length.saturating_add(1) } else { 0 });
        run.map(|length| length >= consecutive.get())
    }

    /// Forgets features that are gone.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|name, _| name.is_empty() || keep(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn check(consecutive: u32) -> ResolvedCheck<Duration> {
        ResolvedCheck {
            enabled: true,
            warning: Some(10 * DAY),
            critical: Some(14 * DAY),
            min_rows: 1,
            consecutive: NonZeroU32::new(consecutive).unwrap(),
        }
    }

    #[test]
    fn an_event_is_stale_from_the_limit_on() {
        let now: Timestamp = "2026-01-15T00:00:00Z".parse().unwrap();
        let judged = judge("2026-01-05T00:00:00Z".parse().unwrap(), now, &check(1));
        assert!(judged.over.warning && !judged.over.critical);
        assert_eq!(judged.age_seconds, 10.0 * 86_400.0);
        let ahead = judge("2026-01-16T00:00:00Z".parse().unwrap(), now, &check(1));
        assert_eq!(ahead.scores.warning, Some(0.0));
        assert!(ahead.age_seconds < 0.0);
    }

    #[test]
    fn what_is_ahead_by_more_than_clocks_differ_is_in_the_future() {
        let now: Timestamp = "2026-01-15T00:00:00Z".parse().unwrap();
        let ahead = |pace| (horizon(now, pace) - now.as_microsecond()) / 1_000_000;
        assert_eq!(ahead(DAY), 300);
        assert_eq!(ahead(Duration::from_secs(30)), 30);
        assert_eq!(
            horizon(Timestamp::MAX, DAY),
            Timestamp::MAX.as_microsecond() + 300_000_000
        );
    }

    #[test]
    fn a_breach_counts_once_it_has_lasted() {
        let over = BySeverity {
            warning: true,
            critical: false,
        };
        let mut runs = Runs::default();
        let two = check(2).consecutive;
        assert!(!runs.observe("a", over, two).warning);
        assert!(runs.observe("a", over, two).warning);
        assert!(!runs.observe("a", BySeverity::default(), two).warning);
    }
}
