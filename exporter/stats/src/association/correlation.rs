//! Pearson's and Spearman's correlation of two numeric columns, with the variance of both.
//!
//! Spearman's is Pearson's of mid-ranks (Spearman 1904; Kendall 1945 for ties). The variance is that of the influence
//! function of r, x·y − r(x² + y²)/2 for standardised x and y (Devlin, Gnanadesikan, Kettenring 1975), on the scale of
//! atanh r: it is 1 for normal data, more where extremes come together, and counts ties as they are. Ranks are
//! taken as if they were values; see [`RANKS`] for what that leaves out.

use rayon::prelude::*;

use super::measure::{Association, MIN_ROWS, Measure, NotComputed, round, round_variance};
use super::values::{ABSENT, Numeric, Prepared};
use crate::mid_ranks::{LANES, MidRanks, Table};
use crate::power_sums::PowerSums;

/// What ranks being estimated adds to Spearman's variance, as a multiple of r². On bivariate normal data n times the
/// variance of atanh r is 1, 1.03, 1.06, 1.20 and 1.37 at ρ = 0, 0.3, 0.5, 0.8 and 0.95 (simulated); the influence
/// function alone gives 1, 1.01, 1.04, 1.12 and 1.18, and with this factor both are within 3 %. The constant 1.06 of
/// Fieller, Hartley and Pearson (1957) is right at ρ = 0.5 only.
const RANKS: f64 = 0.16;
/// Less of a mean square than this left by the mean would be rounding.
const CANCELLED: f64 = 1e-4;
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

/// Spearman's correlation over the rows in which both have a value, with room for the mid-ranks of both.
pub(super) fn spearman(
    x: &Numeric,
    y: &Numeric,
    (of_x, of_y): &mut (MidRanks, MidRanks),
) -> Result<Association, NotComputed> {
    let n = x.absent.neither(&y.absent);
    enough(n)?;
    of_x.of(&x.ranks, &y.absent, n);
    of_y.of(&y.ranks, &x.absent, n);
    let (count, unit_x, unit_y) = (n as f64, of_x.unit(), of_y.unit());
    let (unit_x, unit_y) = unit_x.zip(unit_y).ok_or(NotComputed::Constant)?;
    let [xy, xxyy, xxxy, xyyy] = pulp::Arch::new().dispatch(MixedProducts {
        x: &x.ranks.rows,
        of_x,
        y: &y.ranks.rows,
        of_y,
    });
    let products = Products {
        xy: xy / count * unit_x * unit_y,
        xxyy: xxyy / count * (unit_x * unit_y).powi(2),
        xxxy: xxxy / count * unit_x.powi(3) * unit_y,
        xyyy: xyyy / count * unit_x * unit_y.powi(3),
        xxxx: of_x.mean_fourth(),
        yyyy: of_y.mean_fourth(),
    };
    Ok(products.association(Measure::Spearman, n))
}

/// Sums of xy, x²y², x³y and xy³ over the rows, with the doubled mid-ranks x and y. A row that has no value of both adds nothing
/// to any of them.
struct MixedProducts<'a> {
    x: &'a [u32],
    of_x: &'a MidRanks,
    y: &'a [u32],
    of_y: &'a MidRanks,
}

impl pulp::WithSimd for MixedProducts<'_> {
    type Output = [f64; 4];

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> [f64; 4] {
        let MixedProducts { x, of_x, y, of_y } = self;
        let (of_x, of_y) = (of_x.table(), of_y.table());
        let mut sums = [[0.0; LANES]; 4];
        let ((blocks_x, rest_x), (blocks_y, rest_y)) = (x.as_chunks(), y.as_chunks());
        for block in 0..blocks_x.len().min(blocks_y.len()) {
            add_products(&mut sums, &blocks_x[block], of_x, &blocks_y[block], of_y);
        }
        let (mut last_x, mut last_y) = ([ABSENT; LANES], [ABSENT; LANES]);
        last_x[..rest_x.len()].copy_from_slice(rest_x);
        last_y[..rest_y.len()].copy_from_slice(rest_y);
        add_products(&mut sums, &last_x, of_x, &last_y, of_y);
        sums.map(|lanes| lanes.iter().sum())
    }
}

#[inline(always)]
fn add_products(
    [xy, xxyy, xxxy, xyyy]: &mut [[f64; LANES]; 4],
    ranks_x: &[u32; LANES],
    of_x: Table<'_>,
    ranks_y: &[u32; LANES],
    of_y: Table<'_>,
) {
    let (mut x, mut y) = ([0; LANES], [0; LANES]);
    for lane in 0..LANES {
        x[lane] = of_x.twice(ranks_x[lane]);
        y[lane] = of_y.twice(ranks_y[lane]);
    }
    for lane in 0..LANES {
        let (x, y) = (f64::from(x[lane]), f64::from(y[lane]));
        let product = x * y;
        xy[lane] += product;
        xxyy[lane] += product * product;
        xxxy[lane] += x * x * product;
        xyyy[lane] += y * y * product;
    }
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

/// The map to mean 0 and mean square 1.
pub(super) struct Standard {
    mean: f64,
    deviation: f64,
}

impl Standard {
    /// `None` when there is only one value.
    pub(super) fn of(values: impl Iterator<Item = f64> + Clone, n: u64) -> Option<Self> {
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

    pub(super) fn apply(&self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

/// All correlations of columns that have values in the same `n` rows: each is standardised once. Entry (i, j) of the answer
/// is found by [`Together::pair`].
pub(super) struct Together {
    measure: Measure,
    n: u64,
    constant: Vec<bool>,
    sums: PowerSums,
}

impl Together {
    pub fn new(measure: Measure, columns: &[&Numeric], n: u64) -> Self {
        let standard = columns.par_iter().map(|column| {
            let values = standardise(measure, column, n);
            let constant = values.is_none();
            let nothing = || vec![f64::NAN; column.values.len()];
            (constant, values.unwrap_or_else(nothing))
        });
        let (constant, standard): (Vec<bool>, Vec<Vec<f64>>) = standard.unzip();
        let standard: Vec<&[f64]> = standard.iter().map(Vec::as_slice).collect();
        Together {
            measure,
            n,
            constant,
            sums: PowerSums::of(&standard, &[(1..=3, 1), (2..=2, 2)]),
        }
    }

    /// The correlation of the i-th and the j-th of the columns.
    pub fn pair(&self, i: usize, j: usize) -> Result<Association, NotComputed> {
        enough(self.n)?;
        let constant = |column: usize| self.constant.get(column).copied().unwrap_or(true);
        if constant(i) || constant(j) {
            return Err(NotComputed::Constant);
        }
        let mean = |powers, columns| self.sums.get(powers, columns) / self.n as f64;
        let products = Products {
            xy: mean((1, 1), (i, j)),
            xxyy: mean((2, 2), (i, j)),
            xxxy: mean((3, 1), (i, j)),
            xyyy: mean((3, 1), (j, i)),
            xxxx: mean((2, 2), (i, i)),
            yyyy: mean((2, 2), (j, j)),
        };
        Ok(products.association(self.measure, self.n))
    }
}

/// Mean 0 and mean square 1 over the rows with a value, NaN in the others; `None` for a constant.
fn standardise(measure: Measure, column: &Numeric, n: u64) -> Option<Vec<f64>> {
    if measure == Measure::Spearman {
        let mut ranks = MidRanks::default();
        ranks.of(&column.ranks, &column.absent, n);
        let (unit, ranks) = (ranks.unit()?, ranks.table());
        let value = |rank: &u32| match *rank {
            ABSENT => f64::NAN,
            rank => f64::from(ranks.twice(rank)) * unit,
        };
        return Some(column.ranks.rows.iter().map(value).collect());
    }
    let finite = column.values.iter().copied().filter(|x| x.is_finite());
    let standard = Standard::of(finite, n)?;
    Some(column.values.iter().map(|x| standard.apply(*x)).collect())
}

/// Pearson's correlations of columns that have finite values in different rows, by sums of powers over the rows of each pair.
pub(super) struct Apart {
    /// For each column its place among the numeric ones.
    places: Vec<Option<usize>>,
    sums: PowerSums,
}

impl Apart {
    pub fn new(columns: &[Prepared]) -> Self {
        let (mut places, mut values) = (Vec::with_capacity(columns.len()), Vec::new());
        for column in columns {
            match column {
                Prepared::Numeric(column) => {
                    places.push(Some(values.len()));
                    values.push(column.values.as_slice());
                }
                Prepared::Categorical(_) => places.push(None),
            }
        }
        Apart {
            places,
            sums: PowerSums::of(&values, &[(0..=4, 0), (1..=3, 1), (2..=2, 2)]),
        }
    }

    /// The correlation of the i-th and the j-th of the columns; `None` where one of them varies so little in these rows that
    /// the sums do not tell it.
    pub fn pair(&self, i: usize, j: usize) -> Option<Result<Association, NotComputed>> {
        let (i, j) = ((*self.places.get(i)?)?, (*self.places.get(j)?)?);
        let n = self.sums.get((0, 0), (i, j));
        if let Err(few) = enough(n as u64) {
            return Some(Err(few));
        }
        let mean = |powers, columns| self.sums.get(powers, columns) / n;
        let of = |columns| [1, 2, 3, 4].map(|power| mean((power, 0), columns));
        let ([a, xx, xxx, xxxx], [b, yy, yyy, yyyy]) = (of((i, j)), of((j, i)));
        let (xy, xxyy) = (mean((1, 1), (i, j)), mean((2, 2), (i, j)));
        let (xxy, xyy) = (mean((2, 1), (i, j)), mean((2, 1), (j, i)));
        let (xxxy, xyyy) = (mean((3, 1), (i, j)), mean((3, 1), (j, i)));
        let variance = |square: f64, mean: f64| {
            let variance = square - mean * mean;
            (variance > CANCELLED * square).then_some(variance)
        };
        let (by_x, by_y) = (variance(xx, a)?, variance(yy, b)?);
        // The products of x − a and y − b, with the brackets opened.
        let third = |xxxy: f64, xxx: f64, xxy: f64, xx: f64, a: f64, b: f64| {
            xxxy - b * xxx - 3.0 * a * xxy + 3.0 * a * b * xx + 3.0 * a * a * (xy - a * b)
        };
        let fourth = |xxxx: f64, xxx: f64, xx: f64, a: f64| {
            xxxx - 4.0 * a * xxx + 6.0 * a * a * xx - 3.0 * a.powi(4)
        };
        let mixed = xxyy - 2.0 * (b * xxy + a * xyy)
            + b * b * xx
            + a * a * yy
            + a * b * (4.0 * xy - 3.0 * a * b);
        let unit = (by_x * by_y).sqrt();
        let products = Products {
            xy: (xy - a * b) / unit,
            xxyy: mixed / (by_x * by_y),
            xxxy: third(xxxy, xxx, xxy, xx, a, b) / (by_x * unit),
            xyyy: third(xyyy, yyy, xyy, yy, b, a) / (by_y * unit),
            xxxx: fourth(xxxx, xxx, xx, a) / (by_x * by_x),
            yyyy: fourth(yyyy, yyy, yy, b) / (by_y * by_y),
        };
        Some(Ok(products.association(Measure::Pearson, n as u64)))
    }
}
