//! The arithmetic of service-level objectives: which burn rates are worth an alert.
//!
//! Multi-window, multi-burn-rate alerts as in the Site Reliability Workbook, chapter 5
//! (<https://sre.google/workbook/alerting-on-slos/>): an alert fires while the error budget burns `rate` times as fast as
//! it may, both over a long window, so that it matters, and over a short one, so that it ends soon after the trouble does.

use std::time::Duration;

use crate::duration::DAY;
pub use crate::slos::Indicator;

/// A service-level objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// Its name.
    pub name: String,
    /// What it promises.
    pub indicator: Indicator,
    /// Share in which it is to hold, 0.5 to 0.9999.
    pub objective: f64,
    /// Time over which the share is counted.
    pub window: Duration,
    /// What is alerted about, the fastest first; never empty.
    pub burns: Vec<Burn>,
    /// What is not alerted about, and why: a sentence each.
    pub notes: Vec<String>,
}

/// A burn rate that is alerted about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    /// Whether somebody must act now.
    pub critical: bool,
    /// The long window.
    pub long: Duration,
    /// The short window.
    pub short: Duration,
    /// How many times as fast as it may the error budget burns.
    pub rate: f64,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Share of the budget that is used up when the alert comes, long and short window, and whether it is critical.
pub const BURN_RECIPE: [(f64, Duration, Duration, bool); 4] = [
    (0.02, HOUR, MINUTE.saturating_mul(5), true),
    (
        0.05,
        HOUR.saturating_mul(6),
        MINUTE.saturating_mul(30),
        true,
    ),
    (0.10, DAY, HOUR.saturating_mul(2), false),
    (0.10, DAY.saturating_mul(3), HOUR.saturating_mul(6), false),
];

/// The burn rates worth an alert, and what is left out of the recipe and why.
///
/// `cadence` is the time from one event to the next where events are counted: a short window needs two of them.
pub fn burns(
    objective: f64,
    window: Duration,
    cadence: Option<Duration>,
) -> (Vec<Burn>, Vec<String>) {
    let (mut kept, mut notes) = (Vec::new(), Vec::new());
    // The budget burns fastest when everything is bad.
    let fastest = 1.0 / (1.0 - objective);
    let shown = |rate: f64| (rate * 1e3).round() / 1e3;
    for (share, long, short, critical) in BURN_RECIPE {
        let rate = share * window.as_secs_f64() / long.as_secs_f64();
        let hours = long.as_secs() / 3600;
        if rate < 1.0 {
            // It would alert while the promise is kept.
            continue;
        }
        if rate >= fastest {
            notes.push(format!(
                "a burn rate of {} over {hours} h can never be reached: with an objective of {objective} everything bad burns {} times as fast as it may",
                shown(rate),
                shown(fastest)
            ));
        } else if cadence.is_some_and(|cadence| short < cadence * 2) {
            notes.push(format!(
                "a burn rate of {} over {hours} h cannot be seen: its short window of {} min has less than two evaluations",
                shown(rate),
                short.as_secs() / 60
            ));
        } else {
            kept.push(Burn {
                critical,
                long,
                short,
                rate,
            });
        }
    }
    (kept, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(objective: f64, days: u32, cadence: Option<Duration>) -> (Vec<f64>, usize) {
        let (burns, notes) = burns(objective, DAY * days, cadence);
        (burns.iter().map(|burn| burn.rate).collect(), notes.len())
    }

    /// Table 5-8 of the Workbook, chapter 5, for 99.9 % over 30 days.
    #[test]
    fn the_rates_are_those_of_the_workbook() {
        let (found, left_out) = rates(0.999, 30, None);
        let expected = [14.4, 6.0, 3.0, 1.0];
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
        assert_eq!(left_out, 0);
    }

    /// 14.4 × (1 − 0.9306) = 1: above that share everything bad is not enough.
    #[test]
    fn what_can_never_fire_is_left_out_and_said() {
        assert_eq!(rates(0.931, 30, None).0.len(), 4);
        let (found, left_out) = rates(0.93, 30, None);
        assert_eq!((found.len(), left_out), (3, 1));
        assert_eq!(rates(0.5, 30, None).0, [1.0]);
    }

    #[test]
    fn what_would_alert_while_the_promise_is_kept_is_left_out() {
        let (found, left_out) = rates(0.99, 7, None);
        assert_eq!((found.len(), left_out), (2, 0));
        assert!(found.iter().all(|rate| *rate >= 1.0), "{found:?}");
    }

    #[test]
    fn rare_evaluations_need_long_windows() {
        let (found, left_out) = rates(0.99, 30, Some(HOUR));
        assert_eq!((found.len(), left_out), (2, 2));
        assert!(rates(0.99, 30, Some(DAY)).0.is_empty());
    }
}
