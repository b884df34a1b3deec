//! Sums of products of columns, as matrix products by blocks of rows, over all cores.

use nalgebra::DMatrix;
use rayon::prelude::*;

/// Rows of a block of the products of all columns, which with 128 columns is 256 kB.
const BLOCK: usize = 256;
/// Rows whose products one thread sums. It is the same on any machine, so that sums are too.
const CHUNK: usize = 16 * BLOCK;

/// Of every two columns the sums over all rows of x^a·y^b, one matrix for each a and b; x⁰ is 1 where there is a value, and
/// where there is none, which is NaN, every power is 0. They are matrix products by blocks of rows.
pub(crate) fn power_sums<const N: usize>(
    columns: &[&[f64]],
    exponents: [(usize, usize); N],
) -> [DMatrix<f64>; N] {
    let (p, rows) = (columns.len(), columns.first().map_or(0, |c| c.len()));
    let zeros = || [(); N].map(|()| DMatrix::<f64>::zeros(p, p));
    let chunk = |first: usize| {
        let mut sums = zeros();
        for start in (first..rows.min(first + CHUNK)).step_by(BLOCK) {
            let len = BLOCK.min(rows - start);
            let value = |row: usize, column: usize| {
                let column = columns.get(column);
                let value = column.and_then(|column| column.get(start + row));
                value.copied().unwrap_or(f64::NAN)
            };
            let values = DMatrix::from_fn(len, p, value);
            let used = |power: usize| exponents.iter().any(|(a, b)| power == *a || power == *b);
            let powers: [DMatrix<f64>; 5] = std::array::from_fn(|power| match used(power) {
                true => values.map(|x| to_the(x, power)),
                false => DMatrix::zeros(0, 0),
            });
            let across = powers.each_ref().map(DMatrix::transpose);
            for (sum, (a, b)) in sums.iter_mut().zip(exponents) {
                if let (Some(first), Some(second)) = (across.get(a), powers.get(b)) {
                    sum.gemm(1.0, first, second, 1.0);
                }
            }
        }
        sums
    };
    let firsts: Vec<usize> = (0..rows).step_by(CHUNK).collect();
    let chunks: Vec<[DMatrix<f64>; N]> = firsts.into_par_iter().map(chunk).collect();
    // In their order, so that the same rows give the same sum.
    let mut sums = zeros();
    for chunk in chunks {
        sums.iter_mut()
            .zip(chunk)
            .for_each(|(sum, more)| *sum += more);
    }
    sums
}

/// Up to the fourth power; of what is not there 0.
#[inline]
fn to_the(x: f64, power: usize) -> f64 {
    match power {
        _ if x.is_nan() => 0.0,
        0 => 1.0,
        1 => x,
        2 => x * x,
        3 => x * x * x,
        _ => (x * x) * (x * x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, u};

    #[test]
    fn the_sums_are_those_of_the_rows() {
        let rows = 2 * CHUNK as u32 + 300;
        let mut columns = [u(rows, 3), u(rows, 7), u(rows, 11)];
        columns[1].iter_mut().step_by(3).for_each(|x| *x = f64::NAN);
        columns[2].iter_mut().step_by(5).for_each(|x| *x = f64::NAN);
        let views = columns.each_ref().map(Vec::as_slice);
        let exponents = [(0, 0), (1, 0), (4, 0), (3, 1), (2, 2)];
        let found = power_sums(&views, exponents);
        for ((a, b), found) in exponents.into_iter().zip(&found) {
            for (i, x) in columns.iter().enumerate() {
                for (j, y) in columns.iter().enumerate() {
                    let both = x.iter().zip(y).filter(|(x, y)| !(*x * *y).is_nan());
                    let expected = both.map(|(x, y)| x.powi(a as i32) * y.powi(b as i32)).sum();
                    check(found[(i, j)], expected, 1e-12);
                }
            }
        }
        assert_eq!(power_sums(&[], [(1, 1)])[0].len(), 0);
    }
}
