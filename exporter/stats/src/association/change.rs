//! How the associations of a window differ from the baseline's.

use super::matrix::{Matrix, positions};
use super::measure::{Association, InputError, NotComputed};
use crate::verdict::score;

/// The alarming measure of one pair, before and now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Positions of the columns, the first below the second.
    pub columns: (usize, usize),
    /// In the baseline.
    pub reference: Association,
    /// In the window.
    pub current: Association,
}

impl Change {
    /// Now less before.
    pub fn delta(&self) -> f64 {
        self.current.value - self.reference.value
    }
}

/// Every pair that both sides have, and why the others are missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// In the order of the matrices' pairs.
    pub computed: Vec<Change>,
    /// Positions of the columns, and the baseline's reason, or else the window's.
    pub not_computed: Vec<((usize, usize), NotComputed)>,
}

impl Changes {
    /// From the baseline to a window.
    ///
    /// # Errors
    /// When the matrices are about different columns.
    pub fn new(reference: &Matrix, current: &Matrix) -> Result<Self, InputError> {
        if reference.kinds != current.kinds {
            return Err(InputError::OtherColumns);
        }
        let mut changes = Changes {
            computed: Vec::with_capacity(current.pairs.len()),
            not_computed: Vec::new(),
        };
        let pairs = reference.pairs.iter().zip(&current.pairs);
        for (columns, (reference, current)) in positions(current.kinds.len()).zip(pairs) {
            match (reference.alarming, current.alarming) {
                (Ok(reference), Ok(current)) => changes.computed.push(Change {
                    columns,
                    reference,
                    current,
                }),
                (Err(reason), _) | (_, Err(reason)) => {
                    changes.not_computed.push((columns, reason));
                }
            }
        }
        Ok(changes)
    }

    /// The pair with the largest |Δ|, of equal ones the first; `None` without a pair.
    pub fn largest(&self) -> Option<&Change> {
        let size = |change: &&Change| change.delta().abs();
        self.computed.iter().reduce(|largest, change| {
            if size(&change) > size(&largest) {
                change
            } else {
                largest
            }
        })
    }

    /// Frobenius norm of the difference of the two symmetric matrices, √(2·ΣΔ²) over the pairs that both have, whatever
    /// their measures; the diagonal does not change. `None` without a pair.
    pub fn frobenius(&self) -> Option<f64> {
        let squares = self.computed.iter().map(|change| change.delta().powi(2));
        (!self.computed.is_empty()).then(|| (2.0 * squares.sum::<f64>()).sqrt())
    }

    /// The `k` pairs with the largest |Δ| ÷ limit and that ratio (see [`score`]), largest first, of equal ones the
    /// first; a pair without a limit is left out.
    pub fn most_changed(
        &self,
        k: usize,
        limit: impl Fn(&Change) -> Option<f64>,
    ) -> Vec<(Change, f64)> {
        let ratio = |change: &Change| Some((*change, score(change.delta().abs(), limit(change)?)));
        let mut ratios: Vec<_> = self.computed.iter().filter_map(ratio).collect();
        ratios.sort_by(|a, b| b.1.total_cmp(&a.1));
        ratios.truncate(k);
        ratios
    }
}
