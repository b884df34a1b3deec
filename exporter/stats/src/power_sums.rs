//! Sums of products of columns, as matrix products by blocks of rows, over all cores.

use std::ops::RangeInclusive;

use nalgebra::DMatrix;
use rayon::prelude::*;

/// Rows of a block, which with 128 columns and five powers is 1.3 MB.
const BLOCK: usize = 256;
/// Rows whose products one thread sums. It is the same on any machine, so that sums are too.
const CHUNK: usize = 16 * BLOCK;

/// Of every two of p columns the sums over all rows of x^a·y^b. x⁰ is 1 where there is a value, and where there is none,
/// which is NaN, every power is 0.
#[derive(Debug, Clone)]
pub(crate) struct PowerSums {
    columns: usize,
    products: Vec<Products>,
}

/// The sums of some powers a with one power b, p rows each.
#[derive(Debug, Clone)]
struct Products {
    a: RangeInclusive<usize>,
    b: usize,
    sums: DMatrix<f64>,
}

impl PowerSums {
    /// Of columns of the same length, with these powers a and b.
    pub fn of(columns: &[&[f64]], wanted: &[(RangeInclusive<usize>, usize)]) -> Self {
        let p = columns.len();
        let rows = columns.first().map_or(0, |column| column.len());
        let ends = wanted.iter().flat_map(|(a, b)| [*a.start(), *a.end(), *b]);
        let (lowest, highest) = (ends.clone().min().unwrap_or(0), ends.max().unwrap_or(0));
        let zeros = || -> Vec<DMatrix<f64>> {
            let sums = wanted.iter();
            sums.map(|(a, _)| DMatrix::zeros(p * a.clone().count(), p))
                .collect()
        };
        let chunk = |first: usize| {
            let mut sums = zeros();
            for start in (first..rows.min(first + CHUNK)).step_by(BLOCK) {
                let len = BLOCK.min(rows - start);
                // A row of the table is a power of a column, so that those of one power lie together.
                let height = p * (highest - lowest + 1);
                let mut powers = DMatrix::zeros(height, len);
                for (at, column) in columns.iter().enumerate() {
                    let rows = powers.as_mut_slice().chunks_exact_mut(height);
                    for (powers, value) in rows.zip(column.iter().skip(start)) {
                        let mut power = to_the(*value, lowest);
                        for slot in powers[at..].iter_mut().step_by(p) {
                            *slot = power;
                            power *= if value.is_nan() { 0.0 } else { *value };
                        }
                    }
                }
                let of = |power: usize, count: usize| powers.rows(p * (power - lowest), p * count);
                for (sums, (a, b)) in sums.iter_mut().zip(wanted) {
                    let second = of(*b, 1).transpose();
                    sums.gemm(1.0, &of(*a.start(), a.clone().count()), &second, 1.0);
                }
            }
            sums
        };
        let firsts: Vec<usize> = (0..rows).step_by(CHUNK).collect();
        let chunks: Vec<Vec<DMatrix<f64>>> = firsts.into_par_iter().map(chunk).collect();
        // In their order, so that the same rows give the same sum.
        let mut sums = zeros();
        for chunk in chunks {
            let both = sums.iter_mut().zip(chunk);
            both.for_each(|(sum, more)| *sum += more);
        }
        let products = wanted.iter().zip(sums).map(|((a, b), sums)| Products {
            a: a.clone(),
            b: *b,
            sums,
        });
        PowerSums {
            columns: p,
            products: products.collect(),
        }
    }

    /// The sum of x_i^a·y_j^b; 0 for powers that were not wanted.
    pub fn get(&self, (a, b): (usize, usize), (i, j): (usize, usize)) -> f64 {
        let found = self.products.iter();
        let mut found = found.filter(|products| products.b == b && products.a.contains(&a));
        let sum = found.next().and_then(|products| {
            let row = (a - products.a.start()) * self.columns + i;
            products.sums.get((row, j))
        });
        sum.copied().unwrap_or(0.0)
    }
}

fn to_the(x: f64, power: usize) -> f64 {
    match power {
        _ if x.is_nan() => 0.0,
        0 => 1.0,
        _ => x.powi(power as i32),
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
        let found = PowerSums::of(&views, &[(0..=4, 0), (1..=3, 1), (2..=2, 2)]);
        for (a, b) in [(0, 0), (1, 0), (4, 0), (1, 1), (3, 1), (2, 2)] {
            for (i, x) in columns.iter().enumerate() {
                for (j, y) in columns.iter().enumerate() {
                    let both = x.iter().zip(y).filter(|(x, y)| !(*x * *y).is_nan());
                    let expected = both.map(|(x, y)| x.powi(a as i32) * y.powi(b as i32)).sum();
                    check(found.get((a, b), (i, j)), expected, 1e-12);
                }
            }
        }
        assert_eq!(found.get((4, 1), (0, 0)), 0.0);
        let none = PowerSums::of(&[], &[(1..=1, 1)]);
        assert_eq!(none.get((1, 1), (0, 0)), 0.0);
    }
}
