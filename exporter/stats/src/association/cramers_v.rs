//! Cramér's V of two categorical columns with the correction for bias of Bergsma (2013).
//!
//! φ² = χ²/n, φ̃² = max(0, φ² − (r−1)(k−1)/(n−1)), r̃ = r − (r−1)²/(n−1), k̃ likewise, V = √(φ̃²/min(r̃−1, k̃−1)), with
//! the r and k categories that occur in the complete rows. The variance of φ² is that of its influence function,
//! 2q_ij − E(q|i) − E(q|j) with q_ij = p_ij/(p_i·p_j), which is the delta method of Bishop, Fienberg and Holland (1975,
//! 11.3) written by cells.

use super::measure::{
    Association, Independence, MAX_CATEGORIES, MIN_ROWS, Measure, NotComputed, influence_noise,
    round, round_variance,
};
use super::values::{ABSENT, Categorical};

/// V over the rows in which both have a value.
pub(super) fn cramers_v(x: &Categorical, y: &Categorical) -> Result<Association, NotComputed> {
    for levels in [x.levels, y.levels] {
        if levels > MAX_CATEGORIES {
            return Err(NotComputed::TooManyCategories {
                have: levels,
                most: MAX_CATEGORIES,
            });
        }
    }
    Counts::new(x, y).association()
}

/// The table of both.
struct Counts {
    cells: Vec<u64>,
    rows: Vec<u64>,
    columns: Vec<u64>,
    n: u64,
}

impl Counts {
    fn new(x: &Categorical, y: &Categorical) -> Self {
        let (r, k) = (x.levels as usize, y.levels as usize);
        let mut cells = vec![0u64; r * k];
        for (x, y) in x.codes.iter().zip(&y.codes) {
            if *x == ABSENT || *y == ABSENT {
                continue;
            }
            if let Some(cell) = cells.get_mut(*x as usize * k + *y as usize) {
                *cell += 1;
            }
        }
        let (mut rows, mut columns) = (vec![0u64; r], vec![0u64; k]);
        for (cells, row) in cells.chunks(k.max(1)).zip(&mut rows) {
            for (cell, column) in cells.iter().zip(&mut columns) {
                *row += cell;
                *column += cell;
            }
        }
        Counts {
            n: rows.iter().sum(),
            cells,
            rows,
            columns,
        }
    }

    /// Every cell that can be filled, as its share and q = p_ij/(p_i·p_j), by row and column.
    fn ratios(&self) -> impl Iterator<Item = (usize, usize, f64, f64)> {
        let n = self.n as f64;
        let k = self.columns.len().max(1);
        let cells = self.cells.chunks(k).zip(&self.rows).enumerate();
        cells.flat_map(move |(i, (cells, row))| {
            let cells = cells.iter().zip(&self.columns).enumerate();
            cells
                .filter(|(_, (cell, _))| **cell > 0)
                .map(move |(j, (cell, column))| {
                    let cell = *cell as f64;
                    (i, j, cell / n, cell * n / (*row as f64 * *column as f64))
                })
        })
    }

    /// Σ 1/(p_i·p_j) over the rows and columns that occur.
    fn reciprocal_shares(&self) -> u32 {
        let sum = |counts: &[u64]| {
            let occur = counts.iter().filter(|count| **count > 0);
            occur
                .map(|count| self.n as f64 / *count as f64)
                .sum::<f64>()
        };
        (sum(&self.rows) * sum(&self.columns)).round() as u32
    }

    /// χ²/n.
    fn phi_squared(&self) -> f64 {
        let sum: f64 = self.ratios().map(|(_, _, share, q)| share * q).sum();
        (sum - 1.0).max(0.0)
    }

    /// n times the variance of φ².
    fn variance(&self) -> f64 {
        let n = self.n as f64;
        let (mut by_row, mut by_column) =
            (vec![0.0; self.rows.len()], vec![0.0; self.columns.len()]);
        for (i, j, share, q) in self.ratios() {
            if let (Some(row), Some(column)) = (by_row.get_mut(i), by_column.get_mut(j)) {
                *row += share * q;
                *column += share * q;
            }
        }
        let conditional = |sums: &mut [f64], totals: &[u64]| {
            for (sum, total) in sums.iter_mut().zip(totals) {
                *sum *= n / (*total).max(1) as f64;
            }
        };
        conditional(&mut by_row, &self.rows);
        conditional(&mut by_column, &self.columns);
        self.ratios()
            .map(|(i, j, share, q)| {
                let row = by_row.get(i).copied().unwrap_or(0.0);
                let column = by_column.get(j).copied().unwrap_or(0.0);
                share * (2.0 * q - row - column).powi(2)
            })
            .sum()
    }

    fn association(&self) -> Result<Association, NotComputed> {
        let occur = |counts: &[u64]| counts.iter().filter(|count| **count > 0).count() as u32;
        let (r, k) = (occur(&self.rows), occur(&self.columns));
        let need = MIN_ROWS.max(2 * u64::from(r.max(k)));
        if self.n < need {
            return Err(NotComputed::TooFewRows { have: self.n, need });
        }
        if r < 2 || k < 2 {
            return Err(NotComputed::Constant);
        }
        let (degrees, scale) = ((r - 1) * (k - 1), r.min(k) - 1);
        let rest = self.n as f64 - 1.0;
        let corrected = |levels: u32| f64::from(levels - 1) - f64::from(levels - 1).powi(2) / rest;
        let phi = self.phi_squared() - f64::from(degrees) / rest;
        let square = (phi / corrected(r).min(corrected(k))).min(1.0);
        let lambda = self.n as f64 * f64::from(scale) * square;
        Ok(Association {
            measure: Measure::CramersV,
            value: round(square.max(0.0).sqrt()),
            n: self.n,
            variance: round_variance(
                (self.variance() - influence_noise(degrees, lambda, self.n))
                    / f64::from(scale).powi(2),
            ),
            independence: Some(Independence {
                degrees,
                scale,
                square: round(square),
                reciprocal_shares: self.reciprocal_shares(),
            }),
        })
    }
}
