//! What a feature tells about a target, from a sample of rows of one window in which both are known.
//!
//! Each file holds one measure with its standard error. What compares a window with the baseline is in [`null`].
//! A caller leaves out the rows in which feature or target is unknown; whatever else it hands in gets an answer or a
//! [`NotComputed`]. Numeric features may be infinite where only their order counts (AUC), never NaN.

pub mod auc;
mod cells;
mod chance;
mod class_auc;
pub mod contribution;
pub mod correlation;
pub mod cross_fit;
pub mod effect_size;
mod estimate;
pub mod information;
pub mod null;
mod placements;
pub mod ranking;
mod scores;
mod table;

#[cfg(test)]
mod testing;

pub use auc::{Auc, Orientation};
pub(crate) use chance::Excess;
pub use class_auc::{ClassAuc, MIN_CLASS_ROWS};
pub use estimate::{Estimate, Interval};
pub use scores::CategoryScores;
pub use table::ClassTable;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Most classes that a target may have.
pub const MAX_CLASSES: usize = 50;
/// Most categories or bins that a feature may have.
pub const MAX_CATEGORIES: usize = 65_536;

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum NotComputed {
    /// Feature and target are not the same rows, or two tables have not the same shape.
    #[error("{left} values stand against {right}")]
    LengthsDiffer {
        /// Values, rows or cells of the one.
        left: usize,
        /// Values, rows or cells of the other.
        right: usize,
    },
    /// A value is NaN.
    #[error("value {index} is not a number")]
    NotANumber {
        /// Its place, from 0.
        index: usize,
    },
    /// A value is infinite, and the measure needs finite ones.
    #[error("value {index} is infinite")]
    Infinite {
        /// Its place, from 0.
        index: usize,
    },
    /// A code is not below the number of categories or classes.
    #[error("code {code} is not below {count}")]
    UnknownCode {
        /// The code.
        code: u32,
        /// The number of categories or classes.
        count: usize,
    },
    /// The target has more classes than are looked at.
    #[error("the target has {have} classes, at most {most} are looked at")]
    TooManyClasses {
        /// Classes of the target.
        have: usize,
        /// The most that are looked at.
        most: usize,
    },
    /// The feature has more categories than are looked at.
    #[error("the feature has {have} categories, at most {most} are looked at")]
    TooManyCategories {
        /// Categories of the feature.
        have: usize,
        /// The most that are looked at.
        most: usize,
    },
    /// There is too little to compute from.
    #[error("too few rows: {have} where {need} are needed")]
    TooFewRows {
        /// Rows that there are.
        have: u64,
        /// Rows that are needed.
        need: u64,
    },
    /// There are too few folds, windows of the baseline, that say something about the target.
    #[error("too few windows that say something about the target: {have} where {need} are needed")]
    TooFewFolds {
        /// Folds that there are.
        have: usize,
        /// Folds that are needed.
        need: usize,
    },
    /// Counts do not fit into what is exact in floating point.
    #[error("more than 2^53 rows")]
    TooManyRows,
    /// No class has rows inside and outside of it.
    #[error("fewer than two classes have rows")]
    OneClass,
    /// No class has rows enough.
    #[error("no class has {MIN_CLASS_ROWS} rows, and as many beside it")]
    NoClass,
    /// Baseline and window have no class with rows enough in common.
    #[error(
        "no class has {MIN_CLASS_ROWS} rows, and as many beside it, in both the baseline and the window"
    )]
    NoCommonClass,
    /// The feature has one value only.
    #[error("the feature is constant")]
    ConstantFeature,
    /// The target has one value only.
    #[error("the target is constant")]
    ConstantTarget,
    /// There is no feature.
    #[error("there is no feature")]
    NoFeature,
    /// More predictors than are looked at.
    #[error("{have} predictors, at most {most} are looked at")]
    TooManyPredictors {
        /// Predictors that there are.
        have: usize,
        /// The most that are looked at.
        most: usize,
    },
    /// The matrix is not one of correlations: not symmetric, a diagonal other than 1, or an entry beyond ±1.
    #[error("entry {index} is not that of a correlation matrix")]
    NotACorrelation {
        /// The entry's place, row by row.
        index: usize,
    },
    /// The correlations cannot be those of one set of rows.
    #[error("the correlations contradict each other: they are not those of one set of rows")]
    NotPositiveSemidefinite,
    /// A contribution is below 0.
    #[error("contribution {index} is negative")]
    NegativeContribution {
        /// Its place, from 0.
        index: usize,
    },
    /// No feature contributed anything in the baseline.
    #[error("no feature contributed anything in the baseline")]
    NoContribution,
    /// α is not a probability between 0 and 1.
    #[error("α is not between 0 and 1")]
    NotAProbability,
    /// The measure would be beyond the range of floating-point numbers.
    #[error("beyond the range of floating-point numbers")]
    Overflow,
}
