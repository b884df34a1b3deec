//! Which values of a feature are acceptable, and how many are not.
//!
//! Given by the manifest, or learnt from the baseline: for numbers its range, widened on both sides; for categories the
//! names that it has seen. A null is neither; NaN and infinities are never acceptable.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::baseline::FrozenFeature;
use crate::bins::{Bins, NumericBins};
use crate::column::Kind;
use crate::distance::NotComputed;
use crate::summary::{Counts, Moments, Summary};

/// What values of a feature are acceptable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Acceptable {
    /// Finite numbers from `min` to `max`, both included; without one, that side is open.
    Range {
        /// The smallest.
        min: Option<f64>,
        /// The largest.
        max: Option<f64>,
    },
    /// These categories.
    Names(BTreeSet<String>),
    /// The categories that the baseline has seen.
    Seen,
}

impl Acceptable {
    /// Whether it is about numbers or about categories.
    pub fn kind(&self) -> Kind {
        match self {
            Acceptable::Range { .. } => Kind::Numeric,
            Acceptable::Names(_) | Acceptable::Seen => Kind::Categorical,
        }
    }

    /// What follows from a baseline: of numbers its smallest and largest value, each moved outwards by `tolerance` times
    /// their distance, or every finite number where it has only one; of categories those that it has seen.
    ///
    /// # Errors
    /// When the baseline has no value, or more categories than are remembered.
    pub fn learnt(feature: &FrozenFeature, tolerance: f64) -> Result<Self, NotComputed> {
        match &*feature.bins {
            Bins::Numeric(_) => {
                let none = NotComputed::NoReference { have: 0, need: 1 };
                let Moments { min, max, .. } = feature.reference.moments.ok_or(none)?;
                let slack = tolerance * (max - min);
                // An end beyond the range of numbers is open, and a constant has none.
                let end = |value: f64| Some(value).filter(|value| value.is_finite() && min < max);
                Ok(Acceptable::Range {
                    min: end(min - slack),
                    max: end(max + slack),
                })
            }
            Bins::Categorical(bins) if bins.tells_unseen() => Ok(Acceptable::Seen),
            Bins::Categorical(_) => Err(NotComputed::TooManyCategories),
        }
    }

    /// The smallest and largest acceptable number.
    pub(crate) fn ends(&self) -> Option<(f64, f64)> {
        match self {
            Acceptable::Range { min, max } => {
                Some((min.unwrap_or(f64::MIN), max.unwrap_or(f64::MAX)))
            }
            _ => None,
        }
    }

    /// How many values of a baseline window are not acceptable, read off its counts: exact where an end lies outside of
    /// the window's values or on a fine bin's edge, else by the part of the bin that is cut off. Names outside of the
    /// baseline's top are taken to be acceptable; where what is acceptable is learnt, what stands for names that were not seen
    /// ([`Alone`](crate::Alone)) is not.
    pub fn refused(&self, window: &Summary, bins: &Bins) -> u64 {
        let strange = window.nans + window.infinities;
        match (self, bins, &window.counts) {
            (Acceptable::Range { .. }, Bins::Numeric(bins), Some(Counts::Numeric { .. })) => {
                let outside = self.ends().map(|ends| values_outside(window, bins, ends));
                strange + outside.unwrap_or(0.0).round() as u64
            }
            (
                Acceptable::Names(names),
                Bins::Categorical(bins),
                Some(Counts::Categorical { top, .. }),
            ) => {
                let named = bins.names().iter().zip(top);
                let refused = named.filter(|(name, _)| !names.contains(*name));
                refused.map(|(_, count)| count).sum()
            }
            (Acceptable::Seen, _, Some(Counts::Categorical { unseen, alone, .. })) => {
                unseen + alone
            }
            _ => strange,
        }
    }
}

/// How many finite values of a window lie outside of `min` to `max`, by its counts; 0 where it was counted over other bins.
pub(crate) fn values_outside(window: &Summary, bins: &NumericBins, (min, max): (f64, f64)) -> f64 {
    let (
        Some(Counts::Numeric {
            fine, below, above, ..
        }),
        Some(moments),
    ) = (&window.counts, window.moments)
    else {
        return 0.0;
    };
    if fine.len() != bins.len() {
        return 0.0;
    }
    let infinite = |bin: usize| {
        let first = if bin == 0 { below.infinite } else { 0 };
        let last = bin + 1 == fine.len();
        first + if last { above.infinite } else { 0 }
    };
    let edges = bins.edges();
    let cut = fine.iter().enumerate().map(|(bin, count)| {
        let low = bin.checked_sub(1).map_or(moments.min, |edge| edges[edge]);
        let high = edges.get(bin).copied().unwrap_or(moments.max);
        let (low, high) = (low.max(moments.min), high.min(moments.max));
        let finite = count.saturating_sub(infinite(bin)) as f64;
        finite * outside(low, high, min, max)
    });
    cut.sum()
}

/// The part of a bin from `low` to `high` that lies outside of `min` to `max`.
fn outside(low: f64, high: f64, min: f64, max: f64) -> f64 {
    if low >= min && high <= max {
        return 0.0;
    }
    // A bin of one value, or of none.
    if high <= low.next_up() {
        return f64::from(u8::from(low < min || low > max));
    }
    let inside = (high.min(max) - low.max(min)).max(0.0);
    (1.0 - inside / (high - low)).clamp(0.0, 1.0)
}

/// How many values of a chunk are not within `min` to `max`; NaN is not.
#[inline(always)]
pub(crate) fn not_within(chunk: &[f64], (min, max): (f64, f64)) -> u64 {
    let within = |value: &f64| u64::from(*value >= min && *value <= max);
    chunk.len() as u64 - chunk.iter().map(within).sum::<u64>()
}
