//! The quality score: the share of what is served that can be used.
//!
//! Of a feature, the share of the window's rows that hold a value which is acceptable and of the expected type: the product
//! of its parts, so that the part that is low says why the score is. Of a monitor, the mean of its expected features, times
//! the share of rows whose key no row before them has.

use stats::{Keys, Summary};

use crate::schema::Problem;

/// The parts of a feature's score, each a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeatureQuality {
    /// Rows that hold a value.
    pub complete: f64,
    /// Values that are acceptable.
    pub valid: f64,
    /// Whether the column is there with the baseline's type: 1 or 0.
    pub conforming: f64,
}

impl FeatureQuality {
    /// That of a feature in a window; nothing where nothing of it was counted and it is not known to be gone.
    pub fn of(summary: Option<&Summary>, problem: Option<&Problem>) -> Option<Self> {
        let conforming = match problem {
            Some(
                Problem::Missing
                | Problem::Renamed { .. }
                | Problem::TypeChanged { .. }
                | Problem::Unfit { .. },
            ) => 0.0,
            Some(Problem::New | Problem::Unsupported { .. } | Problem::Constant { .. }) | None => {
                1.0
            }
        };
        let Some(summary) = summary else {
            return (conforming == 0.0).then_some(Self {
                complete: 0.0,
                valid: 0.0,
                conforming,
            });
        };
        Some(Self {
            complete: 1.0 - summary.missing_share()?,
            // Of no values none is wrong; what is missing is counted above.
            valid: 1.0 - summary.invalid_share().unwrap_or(0.0),
            conforming,
        })
    }

    /// The score.
    pub fn score(&self) -> f64 {
        self.complete * self.valid * self.conforming
    }
}

/// The parts of a monitor's score, each a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonitorQuality {
    /// Mean score of the expected features.
    pub features: f64,
    /// Rows whose key no row before them has; 1 where keys are not named or cannot be counted.
    pub unique: f64,
}

impl MonitorQuality {
    /// From the scores of the expected features and the keys; nothing without a score.
    pub fn of(scores: impl Iterator<Item = f64>, keys: Option<&Keys>) -> Option<Self> {
        let (count, sum) = scores.fold((0u32, 0.0), |(count, sum), score| (count + 1, sum + score));
        (count > 0).then(|| Self {
            features: sum / f64::from(count),
            unique: 1.0 - keys.and_then(Keys::duplicate_share).unwrap_or(0.0),
        })
    }

    /// The score.
    pub fn score(&self) -> f64 {
        self.features * self.unique
    }
}
