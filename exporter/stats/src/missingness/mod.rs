//! How values are missing together in one window: which columns are missing at once, whether other columns are
//! different where one is missing, whether values are missing completely at random, and what imputation did.
//!
//! Everything here but what is complete is computed from a sample of rows (some 33,000) of at most [`MAX_COLUMNS`] columns,
//! which are named by their position. What is missing comes as one [`Indicator`] a column; numbers come as `&[f64]` with
//! NaN where a value is missing. What is capped is said by a field of the value that was capped.
//!
//! | file | question |
//! |---|---|
//! | [`CompleteRows`] | how many rows miss no column, of all rows and columns |
//! | [`CompleteEntities`] | how many entities have each column in some row |
//! | [`patterns`] | which columns are missing at once, and how often |
//! | [`co_missing`] | which two columns are missing together |
//! | [`dependence`] | is one column different where another is missing |
//! | [`mcar`] | are the values missing completely at random, all columns together |
//! | [`Missingness`] | what is kept of all this of one window |
//! | [`imputation`] | how many values were filled in, by which value, and what that did to the distribution |

pub mod co_missing;
mod complete;
pub mod dependence;
mod em;
mod entities;
pub mod imputation;
mod indicator;
pub mod mcar;
pub(crate) mod pattern_bins;
pub mod patterns;
mod scaled;
mod semidefinite;
pub(crate) mod summary;
pub mod welch;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use complete::{CompleteRows, Gaps};
pub use entities::{CompleteEntities, EntitySample, RowGaps};
pub use indicator::Indicator;
pub use summary::{McarTest, Missingness, SIGNIFICANT, SPLITS};

/// The most columns that are looked at together.
pub const MAX_COLUMNS: usize = 256;

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Error, Serialize, Deserialize)]
pub enum NotComputed {
    /// The window, or the group that is meant, holds too little.
    #[error("too few rows: {have} where {need} are needed")]
    TooFewRows {
        /// Rows that there are.
        have: u64,
        /// Rows that are needed.
        need: u64,
    },
    /// Columns of one table have different lengths.
    #[error("column {column} has {have} rows, the first column has {need}")]
    Lengths {
        /// Position of the column.
        column: usize,
        /// Its rows.
        have: usize,
        /// Rows of the first column.
        need: usize,
    },
    /// More than [`MAX_COLUMNS`] columns.
    #[error("{have} columns, at most {most} are looked at together")]
    TooManyColumns {
        /// Columns that there are.
        have: usize,
        /// The most that there may be.
        most: usize,
    },
    /// Both sides do not have the same number of columns.
    #[error("the other side has {have} columns, this one has {need}")]
    OtherColumns {
        /// Columns of the other side.
        have: usize,
        /// Columns of this side.
        need: usize,
    },
    /// A column has no missing value, or no other.
    #[error("a column is never or always missing, so that its indicator is constant")]
    ConstantIndicator,
    /// The values do not vary.
    #[error("the values have no spread")]
    ZeroSpread,
    /// The mean of no column is estimated from two patterns that can be compared.
    #[error("there are no two patterns of missing values whose means could be compared")]
    NoComparison,
    /// The estimate did not settle.
    #[error(
        "the estimate did not converge: after {iterations} iterations it still changes by {change}"
    )]
    NotConverged {
        /// Iterations done.
        iterations: u32,
        /// Largest change of a standardised mean or covariance in the last one.
        change: f64,
    },
}

/// The number of rows of a table's columns; 0 without a column.
///
/// # Errors
/// When there are too many columns, or their lengths differ.
fn rows(lengths: impl ExactSizeIterator<Item = usize>) -> Result<usize, NotComputed> {
    if lengths.len() > MAX_COLUMNS {
        return Err(NotComputed::TooManyColumns {
            have: lengths.len(),
            most: MAX_COLUMNS,
        });
    }
    let mut first = None;
    for (column, have) in lengths.enumerate() {
        let need = *first.get_or_insert(have);
        if have != need {
            return Err(NotComputed::Lengths { column, have, need });
        }
    }
    Ok(first.unwrap_or(0))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `many` columns whose cells a function says to be missing, asked column by column.
    pub(crate) fn columns(
        many: usize,
        rows: usize,
        mut missing: impl FnMut(usize, usize) -> bool,
    ) -> Vec<Indicator> {
        (0..many)
            .map(|column| (0..rows).map(|row| missing(column, row)).collect())
            .collect()
    }

    /// Patterns of six columns with the given counts: masks 0, 1, 2, ….
    pub(crate) fn counted(counts: &[u64]) -> patterns::Patterns {
        let masks: Vec<usize> = counts
            .iter()
            .enumerate()
            .flat_map(|(mask, count)| vec![mask; *count as usize])
            .collect();
        let missing = |column: usize, row: usize| masks[row] >> column & 1 == 1;
        patterns::Patterns::count(&columns(6, masks.len(), missing)).unwrap()
    }

    /// Columns drawn as text, `x` for missing.
    pub(crate) fn indicators(columns: &[&str]) -> Vec<Indicator> {
        let of = |column: &&str| column.chars().map(|c| c == 'x').collect();
        columns.iter().map(of).collect()
    }

    /// The table of the reference values: three columns, the second without every fifth row, the third without
    /// the fourth of every seven.
    pub(crate) fn little(rows: u32) -> Vec<Vec<f64>> {
        let u = |shift| crate::oracle::u(rows, shift);
        let x = u(0).iter().map(|u| 2.0 * u).collect();
        let mut y: Vec<f64> = u(0).iter().zip(u(13)).map(|(a, b)| a + b).collect();
        let mut z: Vec<f64> = u(29).iter().map(|u| 3.0 * u).collect();
        y.iter_mut().step_by(5).for_each(|y| *y = f64::NAN);
        z.iter_mut().skip(3).step_by(7).for_each(|z| *z = f64::NAN);
        vec![x, y, z]
    }
}
