//! Pearson's and Spearman's correlation of two numeric columns, with the variance of both.
//!
//! Spearman's is Pearson's of mid-ranks (Spearman 1904; Kendall 1945 for ties). The variance is that of the influence
//! function of r, x·y − r(x² + y²)/2 for standardised x and y (Devlin, Gnanadesikan, Kettenring 1975), on the scale of
//! atanh r: it is 1 for normal data, more where extremes come together, and counts ties as they are. Ranks are
//! taken as if they were values; see [`RANKS`] for what that leaves out.

use nalgebra::DMatrix;

use super::measure::{Association, MIN_ROWS, Measure, NotComputed, round, round_variance};
use super::values::{ABSENT, Numeric};

/// What ranks being estimated adds to Spearman's variance, as a multiple of r². On bivariate normal data n times the
/// variance of atanh r is 1, 1.03, 1.06, 1.20 and 1.37 at ρ = 0, 0.3, 0.5, 0.8 and 0.95 (simulated); the influence
/// function alone gives 1, 1.01, 1.04, 1.12 and 1.18, and with this factor both are within 3 %. The constant 1.06 of
/// Fieller, Hartley and Pearson (1957) is right at ρ = 0.5 only.
const RANKS: f64 = 0.16;
/// Rows of a block of the products of all columns, which with 128 columns is 256 kB.
const BLOCK: usize = 256;
/// The variance is kept within these; less or more is what too few distinct values make.
const VARIANCES: (f64, f64) = (0.1, 1e6);

/// Mean products of two standardised columns.
struct Products {
    xy: f64,
    xxyy: f64,
    xxxy: f64,
    xyyy: f64,
    xxxx: f64,
    yyyy: f64,
}

impl Products {
    fn association(&self, measure: Measure, n: u64) -> Association {
        let r = self.xy.clamp(-1.0, 1.0);
        let influence = self.xxyy - r * (self.xxxy + self.xyyy)
            + 0.25 * r * r * (self.xxxx + 2.0 * self.xxyy + self.yyyy);
        let rest = (1.0 - r * r).powi(2);
        let mut variance = if rest > 1e-10 { influence / rest } else { 1.0 };
        if measure == Measure::Spearman {
            variance *= 1.0 + RANKS * r * r;
        }
        Association {
            measure,
            value: round(r),
            n,
            variance: round_variance(variance.clamp(VARIANCES.0, VARIANCES.1)),
            independence: None,
        }
    }
}

/// Spearman's correlation over the rows in which both have a value.
pub(super) fn spearman(x: &Numeric, y: &Numeric) -> Result<Association, NotComputed> {
    let (mut in_x, mut in_y) = (vec![0u32; x.distinct], vec![0u32; y.distinct]);
    let mut n = 0u64;
    for (x, y) in x.ranks.iter().zip(&y.ranks) {
        if *x == ABSENT || *y == ABSENT {
            continue;
        }
        if let (Some(x), Some(y)) = (in_x.get_mut(*x as usize), in_y.get_mut(*y as usize)) {
            (*x, *y, n) = (*x + 1, *y + 1, n + 1);
        }
    }
    enough(n)?;
    let by_x = standard_mid_ranks(&in_x, n).ok_or(NotComputed::Constant)?;
    let by_y = standard_mid_ranks(&in_y, n).ok_or(NotComputed::Constant)?;
    let pairs = x.ranks.iter().zip(&y.ranks).filter_map(|(x, y)| {
        // The code for no value is beyond both.
        Some((*by_x.get(*x as usize)?, *by_y.get(*y as usize)?))
    });
    Ok(products(pairs, n).association(Measure::Spearman, n))
}

/// Pearson's correlation over the rows in which both are finite.
pub(super) fn pearson(x: &Numeric, y: &Numeric) -> Result<Association, NotComputed> {
    let both = x.values.iter().zip(&y.values);
    let both = both.filter(|(x, y)| x.is_finite() && y.is_finite());
    let (x, y): (Vec<f64>, Vec<f64>) = both.unzip();
    let n = x.len() as u64;
    enough(n)?;
    let by_x = Standard::of(x.iter().copied(), n).ok_or(NotComputed::Constant)?;
    let by_y = Standard::of(y.iter().copied(), n).ok_or(NotComputed::Constant)?;
    let standard = x
        .iter()
        .zip(&y)
        .map(|(x, y)| (by_x.apply(*x), by_y.apply(*y)));
    Ok(products(standard, n).association(Measure::Pearson, n))
}

fn enough(have: u64) -> Result<(), NotComputed> {
    if have < MIN_ROWS {
        return Err(NotComputed::TooFewRows {
            have,
            need: MIN_ROWS,
        });
    }
    Ok(())
}

fn products(pairs: impl Iterator<Item = (f64, f64)>, n: u64) -> Products {
    let mut sums = [0.0; 6];
    for (x, y) in pairs {
        let (xx, yy, xy) = (x * x, y * y, x * y);
        let terms = [xy, xy * xy, xx * xy, xy * yy, xx * xx, yy * yy];
        sums.iter_mut()
            .zip(terms)
            .for_each(|(sum, term)| *sum += term);
    }
    let [xy, xxyy, xxxy, xyyy, xxxx, yyyy] = sums.map(|sum| sum / n as f64);
    Products {
        xy,
        xxyy,
        xxxy,
        xyyy,
        xxxx,
        yyyy,
    }
}

/// For each distinct value its mid-rank with mean 0 and mean square 1 over the rows; `None` when only one occurs.
pub(super) fn standard_mid_ranks(counts: &[u32], n: u64) -> Option<Vec<f64>> {
    let centre = (n as f64 + 1.0) / 2.0;
    let mut below = 0.0;
    let mut ranks: Vec<f64> = counts
        .iter()
        .map(|count| {
            let count = f64::from(*count);
            below += count;
            below - count + (count + 1.0) / 2.0 - centre
        })
        .collect();
    let with_counts = ranks.iter().zip(counts);
    let squares: f64 = with_counts
        .map(|(rank, count)| f64::from(*count) * rank * rank)
        .sum();
    let deviation = (squares / n as f64).sqrt();
    (deviation > 0.0).then(|| {
        ranks.iter_mut().for_each(|rank| *rank /= deviation);
        ranks
    })
}

/// The map to mean 0 and mean square 1.
struct Standard {
    mean: f64,
    deviation: f64,
}

impl Standard {
    /// `None` when there is only one value.
    fn of(values: impl Iterator<Item = f64> + Clone, n: u64) -> Option<Self> {
        let n = n as f64;
        let (low, high) = values
            .clone()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let rough = values.clone().sum::<f64>() / n;
        let (sum, squares) = values.fold((0.0, 0.0), |(sum, squares), value| {
            let deviation = value - rough;
            (sum + deviation, squares + deviation * deviation)
        });
        let deviation = ((squares - sum * sum / n) / n).max(0.0).sqrt();
        (low < high && deviation > 0.0).then_some(Standard {
            mean: rough + sum / n,
            deviation,
        })
    }

    fn apply(&self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

/// All correlations of columns that have values in the same `n` rows: each is standardised once, and products of all
/// columns are matrix products by blocks of rows. Entry (i, j) of the answer is found by [`Correlations::pair`].
pub(super) struct Correlations {
    measure: Measure,
    n: u64,
    constant: Vec<bool>,
    /// Sums of xy, of x²y² and of x³y.
    sums: [DMatrix<f64>; 3],
}

impl Correlations {
    pub fn new(measure: Measure, columns: &[&Numeric], n: u64) -> Self {
        let p = columns.len();
        let mut found = Correlations {
            measure,
            n,
            constant: vec![false; p],
            sums: [(); 3].map(|()| DMatrix::zeros(p, p)),
        };
        if n < MIN_ROWS {
            return found;
        }
        let standard: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| standardise(measure, column, n).unwrap_or_default())
            .collect();
        found.constant = standard.iter().map(Vec::is_empty).collect();
        let rows = standard.iter().map(Vec::len).max().unwrap_or(0);
        for start in (0..rows).step_by(BLOCK) {
            let len = BLOCK.min(rows - start);
            let value = |row: usize, column: usize| {
                let column = standard.get(column);
                column
                    .and_then(|column| column.get(start + row))
                    .copied()
                    .unwrap_or(0.0)
            };
            let first = DMatrix::from_fn(len, p, value);
            let second = first.map(|x| x * x);
            let third = first.zip_map(&second, |x, xx| x * xx);
            let [xy, xxyy, xxxy] = &mut found.sums;
            xy.gemm(1.0, &first.transpose(), &first, 1.0);
            xxyy.gemm(1.0, &second.transpose(), &second, 1.0);
            xxxy.gemm(1.0, &third.transpose(), &first, 1.0);
        }
        found
    }

    /// The correlation of the i-th and the j-th of the columns.
    pub fn pair(&self, i: usize, j: usize) -> Result<Association, NotComputed> {
        enough(self.n)?;
        let constant = |column: usize| self.constant.get(column).copied().unwrap_or(true);
        if constant(i) || constant(j) {
            return Err(NotComputed::Constant);
        }
        let mean = |sums: &DMatrix<f64>, i: usize, j: usize| {
            sums.get((i, j)).copied().unwrap_or(0.0) / self.n as f64
        };
        let [xy, xxyy, xxxy] = &self.sums;
        let products = Products {
            xy: mean(xy, i, j),
            xxyy: mean(xxyy, i, j),
            xxxy: mean(xxxy, i, j),
            xyyy: mean(xxxy, j, i),
            xxxx: mean(xxyy, i, i),
            yyyy: mean(xxyy, j, j),
        };
        Ok(products.association(self.measure, self.n))
    }
}

/// Mean 0 and mean square 1 over the rows with a value, 0 in the others; `None` for a constant.
fn standardise(measure: Measure, column: &Numeric, n: u64) -> Option<Vec<f64>> {
    if measure == Measure::Spearman {
        let mut counts = vec![0u32; column.distinct];
        for rank in &column.ranks {
            if let Some(count) = counts.get_mut(*rank as usize) {
                *count += 1;
            }
        }
        let by_rank = standard_mid_ranks(&counts, n)?;
        let value = |rank: &u32| by_rank.get(*rank as usize).copied().unwrap_or(0.0);
        return Some(column.ranks.iter().map(value).collect());
    }
    let finite = column.values.iter().copied().filter(|x| x.is_finite());
    let standard = Standard::of(finite, n)?;
    let value = |x: &f64| {
        if x.is_finite() {
            standard.apply(*x)
        } else {
            0.0
        }
    };
    Some(column.values.iter().map(value).collect())
}
