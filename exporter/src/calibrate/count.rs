//! Alarms, counted as somebody is told of them, and held against what the budget gives.

use std::num::NonZeroU32;

use serde::Serialize;
use stats::poisson::{self, Interval};
use stats::{BySeverity, Check, Streak};

/// How sure an interval is.
const CONFIDENCE: f64 = 0.95;
/// Nobody waits for a verdict for more than so many times the windows there are.
const MOST_TIMES: usize = 10;

/// Alarms in some windows, and how many the budget gives them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Count {
    /// Windows in which there could have been an alarm.
    pub windows: usize,
    /// Alarms that are to be expected in them under the budget.
    pub expected: f64,
    /// Alarms that there were.
    pub alarms: u64,
    /// The exact 95 % interval for the number that was to be expected, judged by `alarms`.
    pub interval: Interval,
}

/// Whether a budget holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Holds {
    /// The whole interval is within what the budget gives.
    Within,
    /// The interval holds what the budget gives.
    NotEnoughWindows,
    /// The whole interval is over what the budget gives.
    Over,
}

impl Count {
    /// So many alarms, where the budget gives `expected`.
    pub fn new(windows: usize, expected: f64, alarms: u64) -> Self {
        Self {
            windows,
            expected,
            alarms,
            interval: poisson::interval(alarms, CONFIDENCE),
        }
    }

    /// Whether the budget holds.
    pub fn holds(&self) -> Holds {
        if self.interval.low > self.expected {
            Holds::Over
        } else if self.interval.high <= self.expected {
            Holds::Within
        } else {
            Holds::NotEnoughWindows
        }
    }

    /// After about how many windows it could be told that the budget holds, when alarms go on at this rate; nothing when it
    /// is told already, or would take more than ten times as many as there are.
    pub fn windows_to_tell(&self) -> Option<usize> {
        if self.holds() != Holds::NotEnoughWindows || self.windows == 0 {
            return None;
        }
        let after = |windows: usize| {
            let times = windows as f64 / self.windows as f64;
            let alarms = (self.alarms as f64 * times).round() as u64;
            Count::new(windows, self.expected * times, alarms)
        };
        let tells = |windows: usize| after(windows).holds() == Holds::Within;
        let mut high = self.windows;
        while !tells(high) {
            if high > MOST_TIMES * self.windows {
                return None;
            }
            high *= 2;
        }
        let mut low = high / 2;
        while low + 1 < high {
            let middle = low.midpoint(high);
            if tells(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        (high <= MOST_TIMES * self.windows).then_some(high)
    }
}

/// The number of alarms in windows in their order: runs of breached ones. A window in which nothing could be computed
/// (`None`) neither ends nor prolongs a run.
pub fn alarms(over: impl IntoIterator<Item = Option<bool>>, consecutive: NonZeroU32) -> u64 {
    let mut streak = Streak::default();
    let (mut alarms, mut breached) = (0, false);
    for over in over.into_iter().flatten() {
        let both = BySeverity {
            warning: over,
            critical: over,
        };
        let now = streak
            .observe("", Check::ALL[0], both, consecutive)
            .critical;
        alarms += u64::from(now && !breached);
        breached = now;
    }
    alarms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_breached_windows_is_one_alarm() {
        // o is over the limit, a dot is not, and of a space nothing is known.
        let check = |windows: &str, consecutive, expected| {
            let over = windows.chars().map(|c| match c {
                'o' => Some(true),
                '.' => Some(false),
                _ => None,
            });
            let consecutive = NonZeroU32::new(consecutive).unwrap();
            assert_eq!(alarms(over, consecutive), expected, "{windows:?}");
        };
        check("", 1, 0);
        check("....", 1, 0);
        check("oooo", 1, 1);
        check("o.oo.", 1, 2);
        check("oo  oo", 1, 1);
        check("o  .  o", 1, 2);
        check("o.o.o.", 2, 0);
        check("oo.ooo.o", 2, 2);
        check("o o.oo", 2, 2);
    }

    #[test]
    fn a_budget_holds_only_where_the_whole_interval_does() {
        let check = |expected, alarms, holds| {
            assert_eq!(Count::new(34, expected, alarms).holds(), holds, "{alarms}");
        };
        // The interval for no alarm ends at 3.6889, that for two begins at 0.2422.
        check(3.69, 0, Holds::Within);
        check(3.68, 0, Holds::NotEnoughWindows);
        check(0.25, 2, Holds::NotEnoughWindows);
        check(0.24, 2, Holds::Over);
        check(34.0, 34, Holds::NotEnoughWindows);
        check(0.0, 1, Holds::Over);
        check(0.0, 0, Holds::NotEnoughWindows);
    }

    #[test]
    fn it_is_said_when_a_verdict_is_to_be_expected() {
        // 3.6889 alarms are expected in 47.4 windows of 2.65/34 each.
        assert_eq!(Count::new(34, 2.65, 0).windows_to_tell(), Some(48));
        assert_eq!(Count::new(34, 3.69, 0).windows_to_tell(), None);
        // At just the rate of the budget, and without any, it will never be told.
        assert_eq!(Count::new(34, 34.0, 34).windows_to_tell(), None);
        assert_eq!(Count::new(34, 0.0, 0).windows_to_tell(), None);
        assert_eq!(Count::new(0, 0.0, 0).windows_to_tell(), None);
        let later = Count::new(34, 34.0, 27).windows_to_tell().unwrap();
        assert!((50..200).contains(&later), "{later}");
        assert_eq!(Count::new(34, 34.0, 33).windows_to_tell(), None);
    }
}
