//! A window's summary of one feature in little space, for baselines of many windows.
//!
//! What a baseline's window is needed for is its place in the pool: rows, moments, and counts over the frozen bins. Only bins
//! that hold something are kept, ten bytes each: an hour of sixty rows takes less than a kilobyte, and no window more than
//! about eleven.

use serde::{Deserialize, Serialize};

use crate::bins::Bins;
use crate::imputed::Imputed;
use crate::summary::{Counts, Moments, Summary, Tail, is_zero};

/// A summary without names, quantiles and empty bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptSummary {
    rows: u64,
    nulls: u64,
    nans: u64,
    infinities: u64,
    zeros: u64,
    invalid: u64,
    outliers: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    imputed: Option<Imputed>,
    moments: Option<Moments>,
    distinct: f64,
    counts: Option<KeptCounts>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum KeptCounts {
    Numeric {
        fine: Sparse,
        mean: f64,
        below: Tail,
        above: Tail,
    },
    Categorical {
        top: Sparse,
        other: u64,
        unseen: u64,
        #[serde(default, skip_serializing_if = "is_zero")]
        alone: u64,
    },
}

/// Counts, of which those that are 0 are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sparse {
    length: u16,
    places: Vec<u16>,
    counts: Vec<u64>,
}

impl Sparse {
    /// `None` for more bins than there ever are.
    fn of(counts: &[u64]) -> Option<Self> {
        let filled = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let places: Option<Vec<u16>> = filled
            .clone()
            .map(|(place, _)| u16::try_from(place).ok())
            .collect();
        Some(Sparse {
            length: u16::try_from(counts.len()).ok()?,
            places: places?,
            counts: filled.map(|(_, count)| *count).collect(),
        })
    }

    fn counts(&self) -> Vec<u64> {
        let mut all = vec![0; usize::from(self.length)];
        for (place, count) in self.places.iter().zip(&self.counts) {
            if let Some(found) = all.get_mut(usize::from(*place)) {
                *found = *count;
            }
        }
        all
    }
}

impl KeptSummary {
    /// What is kept of a summary.
    pub fn of(summary: &Summary) -> Self {
        let counts = match &summary.counts {
            Some(Counts::Numeric {
                fine,
                mean,
                below,
                above,
            }) => Sparse::of(fine).map(|fine| KeptCounts::Numeric {
                fine,
                mean: *mean,
                below: *below,
                above: *above,
            }),
            Some(Counts::Categorical {
                top,
                other,
                unseen,
                alone,
            }) => Sparse::of(top).map(|top| KeptCounts::Categorical {
                top,
                other: *other,
                unseen: *unseen,
                alone: *alone,
            }),
            None => None,
        };
        KeptSummary {
            rows: summary.rows,
            nulls: summary.nulls,
            nans: summary.nans,
            infinities: summary.infinities,
            zeros: summary.zeros,
            invalid: summary.invalid,
            outliers: summary.outliers,
            imputed: summary.imputed,
            moments: summary.moments,
            distinct: summary.distinct,
            counts,
        }
    }

    /// The summary again, of a feature with these bins: without names and quantiles, which a pool of windows reads off the counts.
    pub fn summary(&self, bins: &Bins) -> Summary {
        let counts = self.counts.as_ref().map(|counts| match counts {
            KeptCounts::Numeric {
                fine,
                mean,
                below,
                above,
            } => Counts::Numeric {
                fine: fine.counts(),
                mean: *mean,
                below: *below,
                above: *above,
            },
            KeptCounts::Categorical {
                top,
                other,
                unseen,
                alone,
            } => Counts::Categorical {
                top: top.counts(),
                other: *other,
                unseen: *unseen,
                alone: *alone,
            },
        });
        Summary {
            kind: bins.kind(),
            rows: self.rows,
            nulls: self.nulls,
            nans: self.nans,
            infinities: self.infinities,
            zeros: self.zeros,
            invalid: self.invalid,
            outliers: self.outliers,
            imputed: self.imputed,
            moments: self.moments,
            quantiles: None,
            distinct: self.distinct,
            top: Vec::new(),
            top_error: 0,
            counts,
        }
    }

    /// Mean of the finite values; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        self.moments.map(|moments| moments.mean)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Column, FeatureProfile, FrozenFeature, Kind, Validity};

    fn numbers(values: &[f64], bins: Option<&std::sync::Arc<Bins>>) -> FeatureProfile {
        let mut profile = FeatureProfile::new(Kind::Numeric, bins.cloned());
        let column = Column::Numeric {
            values,
            validity: Validity::all(values.len()),
        };
        profile.update(&column).unwrap();
        profile
    }

    #[test]
    fn names_come_back_by_their_bins() {
        let counts = Counts::Categorical {
            top: vec![0, 7, 0, 1],
            other: 2,
            unseen: 3,
            alone: 1,
        };
        let bins = Bins::Categorical(crate::CategoryBins::new(
            ["a", "b", "c", "d"]
                .map(|name| (name.to_owned(), 1))
                .to_vec(),
            None,
        ));
        let summary = Summary {
            counts: Some(counts.clone()),
            ..numbers(&[], None).close()
        };
        let text = serde_json::to_string(&KeptSummary::of(&summary)).unwrap();
        let kept: KeptSummary = serde_json::from_str(&text).unwrap();
        let found = kept.summary(&bins);
        assert_eq!(
            (found.counts, found.kind),
            (Some(counts), Kind::Categorical)
        );
    }

    proptest! {
        /// What a pool of windows says of them is the same, whether they were kept whole or in little space.
        #[test]
        fn a_pool_of_kept_windows_is_that_of_the_windows(windows in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0.0), -3.0..3.0f64, Just(f64::INFINITY)], 0..80), 1..6)) {
            let all: Vec<f64> = windows.concat();
            let bins = std::sync::Arc::new(numbers(&all, None).freeze_bins());
            let whole: Vec<Summary> = windows.iter().map(|values| numbers(values, Some(&bins)).close()).collect();
            let kept: Vec<Summary> = whole.iter().map(|window| KeptSummary::of(window).summary(&bins)).collect();
            let pool = |windows| FrozenFeature::new("x", "Float64", bins.clone(), windows).reference;
            prop_assert_eq!(pool(whole), pool(kept));
        }
    }
}
