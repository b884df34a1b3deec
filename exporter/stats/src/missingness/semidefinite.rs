//! Covariance matrices whose columns may be linear combinations of each other.
//!
//! A column is redundant when what is left of its variance after regression on the columns before it, its pivot in
//! Cholesky's factorisation, is next to nothing. Solving with the other columns alone is a generalised inverse,
//! and for data that keep to the same combinations it gives what any other generalised inverse gives (Rao 1973,
//! section 1b.5).

use nalgebra::{Cholesky, DMatrix, Dyn};

/// A pivot of at most this is redundant: R² above 0.99999 of a column with variance 1.
const REDUNDANT: f64 = 1e-5;

/// The part of a covariance matrix that can be inverted.
pub(super) struct Factor {
    /// Columns of the matrix that are not redundant, in the order in which they were given.
    pub(super) kept: Vec<usize>,
    /// The factor of their covariance.
    pub(super) cholesky: Cholesky<f64, Dyn>,
}

impl Factor {
    /// Factors the covariance of some columns of `matrix`, whose diagonal is about 1. `None` when every column is
    /// redundant.
    pub(super) fn of(matrix: &DMatrix<f64>, columns: &[usize]) -> Option<Self> {
        let part = |columns: &[usize]| matrix.select_rows(columns).select_columns(columns);
        if columns.is_empty() {
            return None;
        }
        let whole = Cholesky::new(part(columns));
        if let Some(cholesky) = whole
            && cholesky
                .l_dirty()
                .diagonal()
                .iter()
                .all(|root| root * root > REDUNDANT)
        {
            return Some(Factor {
                kept: columns.to_vec(),
                cholesky,
            });
        }
        let kept = independent(part(columns), columns);
        if kept.is_empty() {
            return None;
        }
        let cholesky = Cholesky::new(part(&kept))?;
        Some(Factor { kept, cholesky })
    }
}

/// Gauss elimination column by column, leaving out columns without a pivot.
fn independent(mut left: DMatrix<f64>, columns: &[usize]) -> Vec<usize> {
    let mut kept = Vec::new();
    for (at, &column) in columns.iter().enumerate() {
        let pivot = left[(at, at)];
        if pivot.is_nan() || pivot <= REDUNDANT {
            continue;
        }
        kept.push(column);
        let by = left.column(at).clone_owned();
        left.ger(-1.0 / pivot, &by, &by, 1.0);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_combination_of_earlier_columns_is_left_out() {
        // x, y, (x + y)/√2, z, −x and a constant.
        let half = 0.5f64.sqrt();
        let rows = DMatrix::from_row_slice(
            6,
            3,
            &[
                1.0, 0.0, 0.0, 0.0, 1.0, 0.0, half, half, 0.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0,
                0.0, 0.0,
            ],
        );
        let covariance = &rows * rows.transpose();
        let kept = |columns: &[usize]| Factor::of(&covariance, columns).map(|factor| factor.kept);
        assert_eq!(kept(&[0, 1, 2, 3, 4, 5]), Some(vec![0, 1, 3]));
        assert_eq!(kept(&[4, 2, 0, 1]), Some(vec![4, 2]));
        assert_eq!(kept(&[3, 0]), Some(vec![3, 0]));
        assert_eq!((kept(&[5]), kept(&[])), (None, None));
        let nan = DMatrix::from_element(2, 2, f64::NAN);
        assert!(Factor::of(&nan, &[0, 1]).is_none());
    }
}
