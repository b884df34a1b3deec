//! A value with its standard error, and the interval around it.

use serde::{Deserialize, Serialize};

/// z of a two-sided 95 % interval.
pub(super) const Z_95: f64 = 1.959_963_984_540_054;

/// A value and its standard error, in the same unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its standard error, from sampling rows alone.
    pub standard_error: f64,
}

/// Both ends of a 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// value ± 1.96 standard errors on the logit scale, so that it stays within 0..1: the standard error there is
    /// SE/(v(1−v)) by the delta method (Pepe 2003, The Statistical Evaluation of Medical Tests, 5.2.2). `None` where
    /// the value is an end of the scale or the standard error is 0.
    pub(super) fn logit_interval(&self) -> Option<Interval> {
        let spread = self.value * (1.0 - self.value);
        (spread > 0.0 && self.standard_error > 0.0).then(|| {
            let centre = (self.value / (1.0 - self.value)).ln();
            let half = Z_95 * self.standard_error / spread;
            Interval {
                low: logistic(centre - half),
                high: logistic(centre + half),
            }
        })
    }
}

impl Interval {
    /// Whether `value` is in it, its ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
