//! The measures of association, and one reading of one pair.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::column::Kind;

/// Fewest complete rows of a pair from which a measure is computed.
pub const MIN_ROWS: u64 = 30;
/// Most categories that occur in a column whose pairs are computed.
pub const MAX_CATEGORIES: u32 = 256;
/// Values are rounded to whole parts of this many in one, so that a saved matrix is short and equals the one that was
/// saved. The sampling error of 33,000 rows is 5,000 times as large.
pub(super) const PARTS: f64 = 1e6;
/// The largest correlation that has a finite z: it still rounds to 1.
pub(super) const NEARLY_ONE: f64 = 1.0 - 2.5e-7;

/// A number that says how strongly two columns hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// Pearson's correlation of two numeric columns, in −1..=1; rows with an infinite value are left out.
    Pearson,
    /// Spearman's rank correlation of two numeric columns, in −1..=1: Pearson's of mid-ranks. Infinities are extremes.
    Spearman,
    /// Cramér's V of two categorical columns with Bergsma's (2013) correction for bias, in 0..=1.
    CramersV,
    /// Correlation ratio of the mid-ranks of a numeric by a categorical column, √max(0, ε²) with Kelley's (1935) ε², in
    /// 0..=1. Infinities are extremes.
    CorrelationRatio,
}

impl Measure {
    /// The measure that alarms for columns of these kinds, in either order.
    pub fn of(first: Kind, second: Kind) -> Measure {
        match (first, second) {
            (Kind::Numeric, Kind::Numeric) => Measure::Spearman,
            (Kind::Categorical, Kind::Categorical) => Measure::CramersV,
            _ => Measure::CorrelationRatio,
        }
    }

    /// Whether it has a sign and is compared on Fisher's z scale.
    pub fn is_correlation(self) -> bool {
        matches!(self, Measure::Pearson | Measure::Spearman)
    }
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Measure::Pearson => "Pearson correlation",
            Measure::Spearman => "Spearman correlation",
            Measure::CramersV => "Cramér's V",
            Measure::CorrelationRatio => "correlation ratio",
        })
    }
}

/// One measure of one pair of columns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// Which measure.
    pub measure: Measure,
    /// Its value, rounded to six decimals.
    pub value: f64,
    /// The complete rows that it rests on.
    pub n: u64,
    /// n times its variance by the delta method: of atanh r for a correlation, of the square (V², ε²) for the others, with what
    /// chance alone makes of it in so many rows; rounded to three significant digits.
    pub variance: f64,
    /// What V and the correlation ratio do near independence; `None` for a correlation.
    pub independence: Option<Independence>,
}

/// How the square of V or of the correlation ratio varies when the columns are independent: by chance alone it is
/// about χ²/(scale·n) with these degrees of freedom, less its mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Independence {
    /// (r−1)(k−1) of V, k−1 of the correlation ratio, with the categories that occur in the complete rows.
    pub degrees: u32,
    /// min(r, k) − 1 of V, 1 of the correlation ratio.
    pub scale: u32,
    /// The square (V², ε²) before it is cut at 0, which has no bias; rounded to six decimals.
    pub square: f64,
    /// n² times the third cumulant of the square by the delta method, with what chance alone makes of it in so many rows; rounded
    /// to three significant digits.
    pub third: f64,
    /// n times what the variance and the third cumulant of n·scale·V² have beyond 2·degrees and 8·degrees since cells expect few rows,
    /// rounded. Of V alone, both 0 of the correlation ratio.
    pub cells: (i64, i64),
    /// Windows that are pooled in it, 1 of a window's own. It is not saved.
    pub windows: u32,
}

/// Why a pair or a column has no number. It is never 0 instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum NotComputed {
    /// Too few rows in which both have a value.
    #[error("too few rows in which both have a value: {have} where {need} are needed")]
    TooFewRows {
        /// Complete rows.
        have: u64,
        /// Complete rows that are needed: [`MIN_ROWS`], and twice the number of categories.
        need: u64,
    },
    /// A side has a single value in the complete rows.
    #[error("a side has a single value in the rows in which both have one")]
    Constant,
    /// A side has too many categories.
    #[error("a side has too many categories: {have} where {most} are the most")]
    TooManyCategories {
        /// Categories that occur in the column.
        have: u32,
        /// The most, [`MAX_CATEGORIES`].
        most: u32,
    },
    /// The column is not numeric.
    #[error("the column is not numeric")]
    NotNumeric,
    /// The column has no correlation with some of the others.
    #[error("the column's correlation with other columns was not computed")]
    Unrelated,
    /// The column's correlations rest on different rows and cannot all hold at once.
    #[error("the column's correlations rest on different rows and cannot all hold at once")]
    Inconsistent,
}

/// Why columns or matrices were not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InputError {
    /// A column has another number of rows than the first.
    #[error("column {column} has {rows} rows where the first has {expected}")]
    Rows {
        /// Position of the column.
        column: usize,
        /// Its rows.
        rows: usize,
        /// Rows of the first column.
        expected: usize,
    },
    /// A code that no category has.
    #[error("column {column} has the code {code}, and {categories} categories")]
    Code {
        /// Position of the column.
        column: usize,
        /// The code.
        code: u32,
        /// The number of categories.
        categories: u32,
    },
    /// More rows than are counted.
    #[error("{rows} rows are more than the {most} that are taken")]
    TooManyRows {
        /// Rows handed in.
        rows: usize,
        /// The most.
        most: usize,
    },
    /// Two matrices are not about the same columns.
    #[error("the matrices are not about columns of the same number and kinds")]
    OtherColumns,
    /// What was saved is not a matrix.
    #[error("what was saved is not a matrix of associations")]
    Damaged,
    /// There is no matrix.
    #[error("there is no matrix to pool")]
    NoMatrix,
}

/// Rounds a value to six decimals.
pub(super) fn round(value: f64) -> f64 {
    (value * PARTS).round() / PARTS
}

/// Rounds a variance or a third cumulant to three significant digits.
pub(super) fn round_variance(variance: f64) -> f64 {
    // The decimal point is found by the formatter; what it wrote can always be read.
    format!("{variance:.2e}").parse().unwrap_or(variance)
}
