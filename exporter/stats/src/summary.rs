//! What is known about one feature in one closed window: a plain value, small enough to keep and to show.
//!
//! Every number is finite, so that a summary survives JSON unchanged; what is not known is `None`.

use serde::{Deserialize, Serialize};

use crate::column::Kind;
use crate::imputed::Imputed;

/// The probabilities whose quantiles a summary holds.
pub const PROBABILITIES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// Moments of the finite values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Number of finite values, at least 1.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Variance with `count − 1` in the denominator; `None` below two values or beyond the range of `f64`.
    pub variance: Option<f64>,
    /// Smallest finite value.
    pub min: f64,
    /// Largest finite value.
    pub max: f64,
}

/// Quantiles of the finite values at [`PROBABILITIES`], with linear interpolation between order statistics
/// (numpy's default, type 7 of Hyndman and Fan 1996).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// In the order of [`PROBABILITIES`].
    pub values: [f64; 7],
    /// With 99.9 % confidence each rank is off by at most this share; 0 when every value was kept.
    pub rank_error: f64,
}

impl Quantiles {
    /// First quartile.
    pub fn lower_quartile(&self) -> f64 {
        self.values[2]
    }

    /// Median.
    pub fn median(&self) -> f64 {
        self.values[3]
    }

    /// Third quartile.
    pub fn upper_quartile(&self) -> f64 {
        self.values[4]
    }
}

/// What lies in an open end bin beyond the outermost frozen edge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// Infinite values in this bin; they have no distance and are left out of Wasserstein.
    pub infinite: u64,
    /// Mean of the finite values in this bin, 0 when there is none; estimated when the sample is not complete.
    pub mean: f64,
}

/// Counts over the baseline's frozen bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Counts {
    /// A numeric feature's fine bins, in the order of [`crate::NumericBins`].
    Numeric {
        /// One count per fine bin. Nulls and NaN are in none of them.
        fine: Vec<u64>,
        /// Mean of the finite values, 0 when there is none.
        mean: f64,
        /// The open bin below the first edge.
        below: Tail,
        /// The open bin from the last edge on.
        above: Tail,
    },
    /// A categorical feature's bins, in the order of [`crate::CategoryBins`].
    Categorical {
        /// One count per name of the baseline's top.
        top: Vec<u64>,
        /// Names that the baseline has seen outside of its top.
        other: u64,
        /// Names that the baseline has never seen; in a baseline's own window what stands for such ([`Alone`](crate::Alone)), where it
        /// has more names than bins.
        unseen: u64,
        /// What is counted in `top` and stands for names that were not seen; only in a baseline's own window.
        #[serde(default, skip_serializing_if = "is_zero")]
        alone: u64,
    },
}

/// Whether there is none.
pub(crate) fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One feature in one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Numeric or categorical.
    pub kind: Kind,
    /// Rows of the window, nulls included.
    pub rows: u64,
    /// Null rows. NaN is not null.
    pub nulls: u64,
    /// Rows that hold NaN.
    pub nans: u64,
    /// Rows that hold an infinity of either sign.
    pub infinities: u64,
    /// Rows that hold 0 (or −0).
    pub zeros: u64,
    /// Rows whose value is not acceptable; before a baseline says what is, those that hold NaN or an infinity.
    #[serde(default)]
    pub invalid: u64,
    /// Finite numbers far from the baseline's median; 0 before a baseline says what is far.
    #[serde(default)]
    pub outliers: u64,
    /// The rows whose value was filled in; `None` where nothing tells them, and before a baseline has bins.
    #[serde(default)]
    pub imputed: Option<Imputed>,
    /// Moments of the finite values; `None` when there is none, and for categories.
    pub moments: Option<Moments>,
    /// Quantiles of the finite values; `None` when there is none, and for categories.
    pub quantiles: Option<Quantiles>,
    /// Estimated number of distinct values or names (HyperLogLog, p = 12, standard error 1.6 %): a whole number, and no more than
    /// there are values.
    pub distinct: f64,
    /// The most frequent names with their counts, by falling count, then by name; at most 50. Empty for numbers.
    pub top: Vec<(String, u64)>,
    /// Each count in `top` may be too small by at most this; 0 while the window had at most 4,096 names.
    pub top_error: u64,
    /// Counts over the frozen bins; `None` when the profile was made without bins.
    pub counts: Option<Counts>,
}

impl Summary {
    /// Values that are neither null nor NaN: what drift compares.
    pub fn values(&self) -> u64 {
        self.rows
            .saturating_sub(self.nulls)
            .saturating_sub(self.nans)
    }

    /// Finite numbers.
    pub fn finite(&self) -> u64 {
        self.values().saturating_sub(self.infinities)
    }

    /// Share of the finite numbers that are far from the baseline's median; `None` without one, and for categories.
    pub fn outlier_share(&self) -> Option<f64> {
        let numbers = self.kind == Kind::Numeric && self.finite() > 0;
        numbers.then(|| self.outliers as f64 / self.finite() as f64)
    }

    /// Rows that are not null.
    pub fn filled(&self) -> u64 {
        self.rows.saturating_sub(self.nulls)
    }

    /// Share of the rows that are not null whose value is not acceptable, `None` where every row is null.
    pub fn invalid_share(&self) -> Option<f64> {
        (self.filled() > 0).then(|| self.invalid as f64 / self.filled() as f64)
    }

    /// Share of nulls, `None` for a window without rows.
    pub fn missing_share(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.nulls as f64 / self.rows as f64)
    }

    /// The same summary without anything that shows single values: no names, no quantiles, no moments
    /// (their minimum and maximum are values) and none of the counts' means. For features marked as sensitive.
    pub fn without_values(&self) -> Summary {
        let counts = self.counts.clone().map(|counts| match counts {
            Counts::Numeric {
                fine,
                mean: _,
                below,
                above,
            } => {
                let hide = |tail: Tail| Tail { mean: 0.0, ..tail };
                Counts::Numeric {
                    fine,
                    mean: 0.0,
                    below: hide(below),
                    above: hide(above),
                }
            }
            categorical @ Counts::Categorical { .. } => categorical,
        });
        Summary {
            imputed: self.imputed.map(|imputed| Imputed {
                value: None,
                ..imputed
            }),
            moments: None,
            quantiles: None,
            top: Vec::new(),
            counts,
            ..*self
        }
    }
}
