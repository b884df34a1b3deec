//! How far apart the updates of a source usually are, and from when on a gap is longer than usual.
//!
//! Two bounds, of which the larger holds. Median + 4·max(1.4826·MAD, resolution) is four standard deviations where gaps are
//! normal, and stays where it is when a few of them were outages. But gaps need not be normal: a job that rests at weekends
//! has one long gap in five and no MAD. So a gap must also be longer than all but the longest twentieth of those known:
//! of n + 1 gaps in any order each is as likely the longest, and the next one exceeds the r-th smallest of n with
//! probability (n + 1 − r)/(n + 1), whatever their distribution (Wilks 1941, *Determination of sample sizes for setting
//! tolerance limits*).

use crate::sample::quantiles;

/// With fewer gaps nothing is usual.
pub const MIN_GAPS: usize = 8;
/// Deviations from the median.
const K: f64 = 4.0;
/// σ of a normal distribution in units of its MAD.
const SIGMA: f64 = 1.4826;
/// The share of gaps that are not longer than usual, whatever their distribution.
const COVERED: f64 = 0.95;

/// What is usual of the gaps between updates, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsualGap {
    /// Their median.
    pub median: f64,
    /// A gap above this is longer than usual.
    pub limit: f64,
}

impl UsualGap {
    /// Of gaps in seconds, each known to `resolution` seconds; `None` when there are fewer than [`MIN_GAPS`].
    pub fn of(gaps: &[f64], resolution: f64) -> Option<Self> {
        if gaps.len() < MIN_GAPS {
            return None;
        }
        let mut sorted = gaps.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let [median] = quantiles(&mut sorted.clone(), [0.5])?;
        let mut deviations: Vec<f64> = gaps.iter().map(|gap| (gap - median).abs()).collect();
        let [mad] = quantiles(&mut deviations, [0.5])?;
        let rank = (COVERED * (gaps.len() + 1) as f64).ceil() as usize;
        let covering = sorted.get(rank.min(sorted.len()).saturating_sub(1))?;
        let robust = median + K * (SIGMA * mad).max(resolution);
        Some(Self {
            median,
            limit: robust.max(*covering),
        })
    }
}
