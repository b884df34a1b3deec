//! Which numbers are far from the baseline's median: the robust z-score 0.6745·(x − median)/MAD beyond ±3.5 (Iglewicz and
//! Hoaglin, "How to Detect and Handle Outliers", 1993).
//!
//! Median and MAD, the median absolute deviation from it, are read off the baseline's fine bins, so that they need no second
//! look at the values.

use crate::baseline::FrozenFeature;
use crate::bins::{Bins, NumericBins};
use crate::column::Kind;
use crate::distance::{NotComputed, Statistic};
use crate::summary::Summary;
use crate::validity::values_outside;

/// The robust z-score beyond which a number is an outlier.
pub const THRESHOLD: f64 = 3.5;
/// MAD of a standard normal distribution: Φ⁻¹(3/4).
const NORMAL_MAD: f64 = 0.674_489_750_196_081_7;
/// Halvings of the interval in which the MAD lies: more than a number has digits.
const HALVINGS: u32 = 64;

/// The numbers between which none is an outlier, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fences {
    low: f64,
    high: f64,
}

impl Fences {
    /// Those of a baseline.
    ///
    /// # Errors
    /// When the feature is not numeric, the baseline has no finite number, or its MAD is 0.
    pub fn of(feature: &FrozenFeature) -> Result<Self, NotComputed> {
        let Bins::Numeric(bins) = &*feature.bins else {
            return Err(NotComputed::NotForKind {
                statistic: Statistic::OutlierShare,
                kind: Kind::Categorical,
            });
        };
        let reference = &feature.reference;
        let none = NotComputed::NoReference { have: 0, need: 1 };
        let moments = reference.moments.ok_or(none)?;
        let median = reference.quantiles.ok_or(none)?.median();
        let deviation = deviation(reference, bins, median, moments.max - moments.min);
        if deviation <= 0.0 {
            return Err(NotComputed::ZeroDeviation);
        }
        let far = THRESHOLD * deviation / NORMAL_MAD;
        // A fence beyond the range of numbers keeps every number in.
        Ok(Fences {
            low: (median - far).max(f64::MIN),
            high: (median + far).min(f64::MAX),
        })
    }

    /// The lower and the upper fence.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// How many numbers of a baseline window lie beyond, read off its counts.
    pub(crate) fn beyond(&self, window: &Summary, bins: &Bins) -> u64 {
        match bins {
            Bins::Numeric(bins) => values_outside(window, bins, self.ends()).round() as u64,
            Bins::Categorical(_) => 0,
        }
    }
}

/// The median of |x − median|: the half width of the interval around it that holds half of the finite values; 0 where the
/// median itself does.
fn deviation(reference: &Summary, bins: &NumericBins, median: f64, width: f64) -> f64 {
    let half = reference.finite() as f64 / 2.0;
    let beyond = |width: f64| values_outside(reference, bins, (median - width, median + width));
    if beyond(0.0) <= half {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, width.min(f64::MAX));
    for _ in 0..HALVINGS {
        let middle = low + (high - low) / 2.0;
        if beyond(middle) > half {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
