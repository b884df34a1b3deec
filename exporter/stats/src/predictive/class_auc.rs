//! AUC of one class, and how sure it is.

use serde::{Deserialize, Serialize};

use super::estimate::{Estimate, Interval, Z_95};

/// AUC of one class against the rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassAuc {
    /// AUC in 0..=1 and its standard error. 0 is the standard error where the class is separated from the rest
    /// without an overlap: then only the interval tells how sure that is.
    pub estimate: Estimate,
    /// Rows of the class.
    pub inside: u64,
    /// Rows of the other classes.
    pub outside: u64,
}

/// The fewest rows of a class, and of the others, with which it is one of those that an average is judged by. The AUC of
/// three rows says nothing, and would make the average of all classes as uncertain.
pub const MIN_CLASS_ROWS: u64 = 10;

impl ClassAuc {
    /// Whether it has rows enough to be judged by.
    pub fn is_steady(&self) -> bool {
        self.inside.min(self.outside) >= MIN_CLASS_ROWS
    }

    /// n₁n₀/(n₁+n₀), by which the variance of an AUC falls.
    pub(super) fn weight(&self) -> f64 {
        let (inside, outside) = (self.inside as f64, self.outside as f64);
        inside * outside / (inside + outside)
    }

    /// 95 % interval: on the logit scale by DeLong's standard error; where that is 0, all θ that the AUC is within
    /// 1.96 of Hanley and McNeil's standard errors of, those taken at θ (Newcombe 2006, method 5).
    pub fn interval(&self) -> Interval {
        if let Some(interval) = self.estimate.logit_interval() {
            return interval;
        }
        let value = self.estimate.value.clamp(0.0, 1.0);
        let inside = |theta: f64| (value - theta).abs() <= Z_95 * self.hanley_mcneil(theta);
        // The set is an interval with the value in it, so that its ends are found by halving.
        let end = |mut out: f64| {
            let mut within = value;
            for _ in 0..60 {
                let middle = 0.5 * (within + out);
                if inside(middle) {
                    within = middle;
                } else {
                    out = middle;
                }
            }
            within
        };
        Interval {
            low: end(0.0),
            high: end(1.0),
        }
    }

    /// Newcombe's (2006) form of Hanley and McNeil's (1982) standard error at an AUC of `theta`:
    /// θ(1−θ)/(n₁n₀)·[1 + (½(n₁+n₀) − 1)·((1−θ)/(2−θ) + θ/(1+θ))].
    fn hanley_mcneil(&self, theta: f64) -> f64 {
        let (inside, outside) = (self.inside as f64, self.outside as f64);
        let each = 0.5 * (inside + outside) - 1.0;
        let shape = (1.0 - theta) / (2.0 - theta) + theta / (1.0 + theta);
        (theta * (1.0 - theta) / (inside * outside) * (1.0 + each * shape)).sqrt()
    }
}
