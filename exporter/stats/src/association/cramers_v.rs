//! Cramér's V of two categorical columns with the correction for bias of Bergsma (2013).
//!
//! φ² = χ²/n, φ̃² = max(0, φ² − (r−1)(k−1)/(n−1)), r̃ = r − (r−1)²/(n−1), k̃ likewise, V = √(φ̃²/min(r̃−1, k̃−1)), with
//! the r and k categories that occur in the complete rows. The variance of φ² is that of its influence function L,
//! 2q_ij − E(q|i) − E(q|j) with q_ij = p_ij/(p_i·p_j), which is the delta method of Bishop, Fienberg and Holland (1975,
//! 11.3) written by cells. Its third cumulant is E L³ + 3·D², D² the second derivative of φ² where every cell's share grows as
//! L (Hall 1992).

use super::measure::{
    Association, Independence, MAX_CATEGORIES, MIN_ROWS, Measure, NotComputed, round,
    round_variance,
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

/// A mean by row and by column.
struct Means {
    rows: Vec<f64>,
    columns: Vec<f64>,
}

impl Means {
    fn of(&self, i: usize, j: usize) -> (f64, f64) {
        let at = |means: &[f64], at: usize| means.get(at).copied().unwrap_or(0.0);
        (at(&self.rows, i), at(&self.columns, j))
    }
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

    /// n times what n·scale·V² has, under independence, beyond the variance and the third cumulant of its limit: those of a sum of squares
    /// of cells that are skewed and not of normal kurtosis, with sums of 1/p_i and 1/p_j over the rows and columns that occur.
    fn cells(&self) -> (i64, i64) {
        let side = |counts: &[u64]| {
            let occur = counts.iter().filter(|count| **count > 0);
            let levels = occur.clone().count() as f64;
            let sum: f64 = occur.map(|count| self.n as f64 / *count as f64).sum();
            [
                sum - levels * levels - 2.0 * levels + 2.0,
                sum - levels * levels,
                sum - 3.0 * levels + 2.0,
            ]
        };
        let ([a, b, c], [d, e, f]) = (side(&self.rows), side(&self.columns));
        let variance = a * d;
        let third = 12.0 * variance + 6.0 * b * e + 4.0 * c * f;
        (variance.round() as i64, third.round() as i64)
    }

    /// χ²/n.
    fn phi_squared(&self) -> f64 {
        let sum: f64 = self.ratios().map(|(_, _, share, q)| share * q).sum();
        (sum - 1.0).max(0.0)
    }

    /// Of values times the shares of their cells, the mean value in each row and in each column.
    fn conditional(&self, values: impl Iterator<Item = (usize, usize, f64)>) -> Means {
        let (mut rows, mut columns) = (vec![0.0; self.rows.len()], vec![0.0; self.columns.len()]);
        for (i, j, value) in values {
            if let (Some(row), Some(column)) = (rows.get_mut(i), columns.get_mut(j)) {
                *row += value;
                *column += value;
            }
        }
        let n = self.n as f64;
        let mean = |sums: &mut [f64], totals: &[u64]| {
            for (sum, total) in sums.iter_mut().zip(totals) {
                *sum *= n / (*total).max(1) as f64;
            }
        };
        mean(&mut rows, &self.rows);
        mean(&mut columns, &self.columns);
        Means { rows, columns }
    }

    /// n times the variance of φ², and n² times its third cumulant.
    fn cumulants(&self) -> (f64, f64) {
        let q = self.conditional(self.ratios().map(|(i, j, share, q)| (i, j, share * q)));
        let influence = |(i, j, share, ratio): (usize, usize, f64, f64)| {
            let (row, column) = q.of(i, j);
            (i, j, share, ratio, 2.0 * ratio - row - column)
        };
        let influences = || self.ratios().map(influence);
        let grown = self.conditional(influences().map(|(i, j, share, _, own)| (i, j, share * own)));
        influences().fold((0.0, 0.0), |(variance, third), (i, j, share, q, own)| {
            let (row, column) = grown.of(i, j);
            let both = row + column;
            let second = 2.0 * q * (own * (own - 2.0 * both) + both * both - row * column);
            (
                variance + share * own * own,
                third + share * (own.powi(3) + 3.0 * second),
            )
        })
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
        let (variance, third) = self.cumulants();
        let unit = f64::from(scale);
        Ok(Association {
            measure: Measure::CramersV,
            value: round(square.max(0.0).sqrt()),
            n: self.n,
            variance: round_variance(variance / unit.powi(2)),
            independence: Some(Independence {
                degrees,
                scale,
                square: round(square),
                third: round_variance(third / unit.powi(3)),
                cells: self.cells(),
                windows: 1,
            }),
        })
    }
}
