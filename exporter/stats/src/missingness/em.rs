//! Mean and covariance of a multivariate normal distribution from rows with missing values, by maximum likelihood.
//!
//! Expectation–maximisation (Dempster, Laird and Rubin 1977; Little and Rubin 2019, section 11.2): missing values
//! are replaced by their regression on those that are there, with the regression's residual covariance added, and
//! moments are taken anew. Rows of one pattern share their regression, so that a step works on count, mean and
//! cross products of each pattern and costs the same for any number of rows.

use nalgebra::{DMatrix, DVector};

use super::NotComputed;
use super::semidefinite::Factor;

/// The most iterations.
const ITERATIONS: u32 = 2000;
/// The estimate has settled when no mean and no covariance of the standardised columns changes by more than this.
pub(super) const TOLERANCE: f64 = 1e-6;

/// The rows of one pattern, of columns with mean about 0 and variance about 1.
#[derive(Debug, Clone)]
pub(super) struct PatternMoments {
    /// Columns that are there, in rising order; at least one.
    pub(super) observed: Vec<usize>,
    /// The other columns.
    pub(super) missing: Vec<usize>,
    /// Number of rows.
    pub(super) rows: f64,
    /// Means of the observed columns, at their position among all; 0 for missing columns.
    pub(super) mean: DVector<f64>,
    /// Σ(y − ȳ)(y − ȳ)ᵀ of the observed columns, likewise.
    pub(super) products: DMatrix<f64>,
}

impl PatternMoments {
    /// Sums up rows that have the observed columns.
    pub(super) fn of(
        columns: usize,
        observed: Vec<usize>,
        rows: &[usize],
        values: &[Vec<f64>],
    ) -> Self {
        let n = rows.len() as f64;
        let table = DMatrix::from_fn(rows.len(), observed.len(), |row, column| {
            values[observed[column]][rows[row]]
        });
        let means: Vec<f64> = table.column_iter().map(|column| column.sum() / n).collect();
        let centred = DMatrix::from_fn(rows.len(), observed.len(), |row, column| {
            table[(row, column)] - means[column]
        });
        let cross = centred.transpose() * &centred;
        let mut mean = DVector::zeros(columns);
        let mut products = DMatrix::zeros(columns, columns);
        for (i, &row) in observed.iter().enumerate() {
            mean[row] = means[i];
            for (j, &column) in observed.iter().enumerate() {
                products[(row, column)] = cross[(i, j)];
            }
        }
        PatternMoments {
            missing: (0..columns)
                .filter(|column| !observed.contains(column))
                .collect(),
            observed,
            rows: n,
            mean,
            products,
        }
    }
}

/// The estimate.
#[derive(Debug, Clone)]
pub(super) struct Normal {
    pub(super) mean: DVector<f64>,
    /// With denominator n.
    pub(super) covariance: DMatrix<f64>,
    pub(super) iterations: u32,
}

/// Fits all patterns, which together observe each of the columns.
///
/// # Errors
/// [`NotComputed::NotConverged`] when the estimate has not settled after 2,000 iterations.
pub(super) fn fit(
    patterns: &[PatternMoments],
    columns: usize,
    tolerance: f64,
) -> Result<Normal, NotComputed> {
    let mut found = start(patterns, columns);
    let mut change = f64::INFINITY;
    while found.iterations < ITERATIONS {
        let next = step(patterns, &found);
        change = (&next.mean - &found.mean)
            .amax()
            .max((&next.covariance - &found.covariance).amax());
        found = next;
        if change <= tolerance {
            return Ok(found);
        }
    }
    Err(NotComputed::NotConverged {
        iterations: found.iterations,
        // A change that is not a number says no more than the largest.
        change: if change.is_finite() { change } else { f64::MAX },
    })
}

/// Where to begin: the complete rows where they are many, so that columns that depend on each other do so from the
/// beginning, else independent columns.
fn start(patterns: &[PatternMoments], columns: usize) -> Normal {
    let many = (10 * columns).max(50) as f64;
    let complete = patterns
        .iter()
        .find(|pattern| pattern.missing.is_empty() && pattern.rows >= many);
    let (mean, covariance) = match complete {
        Some(pattern) => (pattern.mean.clone(), &pattern.products / pattern.rows),
        None => (DVector::zeros(columns), DMatrix::identity(columns, columns)),
    };
    Normal {
        mean,
        covariance,
        iterations: 0,
    }
}

/// One expectation and one maximisation.
fn step(patterns: &[PatternMoments], at: &Normal) -> Normal {
    let total: f64 = patterns.iter().map(|pattern| pattern.rows).sum();
    let filled: Vec<(DVector<f64>, DMatrix<f64>)> =
        patterns.iter().map(|pattern| fill(pattern, at)).collect();
    let mut mean = DVector::zeros(at.mean.len());
    for (pattern, (filled, _)) in patterns.iter().zip(&filled) {
        mean.axpy(pattern.rows / total, filled, 1.0);
    }
    let mut covariance = DMatrix::zeros(mean.len(), mean.len());
    for (pattern, (filled, products)) in patterns.iter().zip(&filled) {
        let from = filled - &mean;
        covariance += products;
        covariance.ger(pattern.rows, &from, &from, 1.0);
    }
    covariance /= total;
    Normal {
        mean,
        covariance,
        iterations: at.iterations + 1,
    }
}

/// Mean of a pattern's rows with the missing values filled in, and their expected cross products about it.
fn fill(pattern: &PatternMoments, at: &Normal) -> (DVector<f64>, DMatrix<f64>) {
    let (mut mean, mut products) = (pattern.mean.clone(), pattern.products.clone());
    let (missing, n) = (&pattern.missing, pattern.rows);
    if missing.is_empty() {
        return (mean, products);
    }
    let mut residual = at.covariance.select_rows(missing).select_columns(missing);
    let mut regressed = DMatrix::zeros(missing.len(), missing.len());
    let mut expected = at.mean.select_rows(missing);
    if let Some(Factor { kept, cholesky }) = Factor::of(&at.covariance, &pattern.observed) {
        let covariance = at.covariance.select_rows(&kept).select_columns(missing);
        let slopes = cholesky.solve(&covariance);
        residual -= slopes.tr_mul(&covariance);
        expected += slopes.tr_mul(&(pattern.mean.select_rows(&kept) - at.mean.select_rows(&kept)));
        // Cross products of what is filled in with every observed column, and with itself.
        let across = slopes.tr_mul(&pattern.products.select_rows(&kept));
        regressed = across.select_columns(&kept) * &slopes;
        for (i, &row) in missing.iter().enumerate() {
            for &column in &pattern.observed {
                products[(row, column)] = across[(i, column)];
                products[(column, row)] = across[(i, column)];
            }
        }
    }
    for (i, &row) in missing.iter().enumerate() {
        mean[row] = expected[i];
        for (j, &column) in missing.iter().enumerate() {
            products[(row, column)] = regressed[(i, j)] + n * residual[(i, j)];
        }
    }
    (mean, products)
}
