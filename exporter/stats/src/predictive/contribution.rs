//! How much of R² each predictor brings: the LMG shares (Lindeman, Merenda and Gold 1980; Grömping 2006), which are
//! the Shapley values of R² over sets of predictors.
//!
//! R² of a set is read off the correlations: a Cholesky factor that grows by one predictor at a time gives what the
//! predictor adds. It is our own because whole factorisations of `nalgebra` neither grow in place nor go on past a
//! dependent column.

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::NotComputed;
use super::table::{check_finite, check_lengths};

/// Up to so many predictors all sets are looked at; above, permutations are drawn.
pub const MAX_EXACT: usize = 15;
/// Most predictors.
pub const MAX_PREDICTORS: usize = 128;
/// Pairs of permutations that are drawn, each with its reverse.
const PAIRS: usize = 256;
/// A predictor of which the others leave less than this part of its variance unexplained adds nothing. It is above
/// the rounding of correlations that were saved as `f32`.
const DEPENDENT: f64 = 1e-6;

/// One predictor's share of R².
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// In 0..=1.
    pub value: f64,
    /// Standard error that drawing permutations brings; `None` where all sets were looked at. The sampling error of
    /// the rows is not in it.
    pub standard_error: Option<f64>,
}

/// All shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// One a predictor, in their order; their sum is R².
    pub shares: Vec<Share>,
    /// R² of all predictors.
    pub r_squared: f64,
    /// Predictors that are a linear combination of those before them (up to a millionth of their variance): the rank
    /// is deficient by their number. They share with what they depend on, a duplicate by halves.
    pub dependent: Vec<usize>,
    /// Permutations that were drawn; `None` where all sets were looked at.
    pub permutations: Option<usize>,
}

/// LMG shares from the correlations of p predictors, row by row (p×p), and their correlations with the target (p).
///
/// Up to [`MAX_EXACT`] predictors exact, over all 2^p sets. Above, the mean over 512 permutations from a fixed seed,
/// each with its reverse, which lessens the variance (Castro, Gómez and Tejada 2009; Mitchell and others 2022).
///
/// # Errors
/// No or more than [`MAX_PREDICTORS`] predictors, lengths that do not fit, what is not a matrix of correlations, or
/// correlations that contradict each other, as those made of different rows can.
pub fn lmg(correlations: &[f64], with_target: &[f64]) -> Result<Contribution, NotComputed> {
    let matrix = Matrix::new(correlations, with_target)?;
    let mut factor = Factor::default();
    let mut dependent = Vec::new();
    for predictor in 0..matrix.size() {
        if !factor.push(&matrix, predictor)? {
            dependent.push(predictor);
        }
    }
    if matrix.size() > MAX_EXACT {
        return sampled(&matrix, dependent);
    }
    let shares = exact(&matrix)?;
    Ok(Contribution {
        r_squared: factor.explained.clamp(0.0, 1.0),
        shares: shares
            .into_iter()
            .map(|value| Share {
                value,
                standard_error: None,
            })
            .collect(),
        dependent,
        permutations: None,
    })
}

/// Σ over sets S without j of |S|!(p−|S|−1)!/p! · (R²(S ∪ j) − R²(S)).
fn exact(matrix: &Matrix) -> Result<Vec<f64>, NotComputed> {
    let size = matrix.size();
    let mut explained = vec![0.0; 1 << size];
    every_set(matrix, &mut Factor::default(), 0, 0, &mut explained)?;
    // |S|!(p−|S|−1)!/p! = 1/(p·C(p−1, |S|)).
    let mut weights = vec![1.0 / size as f64];
    for chosen in 1..size {
        let last = weights.last().copied().unwrap_or(0.0);
        weights.push(last * chosen as f64 / (size - chosen) as f64);
    }
    let share = |predictor: usize| {
        let bit = 1usize << predictor;
        let without = explained
            .iter()
            .enumerate()
            .filter(|(set, _)| set & bit == 0);
        without
            .map(|(set, before)| {
                let weight = weights.get(set.count_ones() as usize).copied();
                let after = explained.get(set | bit).copied().unwrap_or(*before);
                weight.unwrap_or(0.0) * (after - before)
            })
            .sum()
    };
    Ok((0..size).map(share).collect())
}

/// Fills in R² of `set` and of all sets that extend it by predictors from `next` on.
fn every_set(
    matrix: &Matrix,
    factor: &mut Factor,
    next: usize,
    set: usize,
    explained: &mut [f64],
) -> Result<(), NotComputed> {
    if let Some(at) = explained.get_mut(set) {
        *at = factor.explained;
    }
    for predictor in next..matrix.size() {
        let before = factor.explained;
        let grown = factor.push(matrix, predictor)?;
        let with = set | 1 << predictor;
        every_set(matrix, factor, predictor + 1, with, explained)?;
        if grown {
            factor.rows.pop();
        }
        factor.explained = before;
    }
    Ok(())
}

fn sampled(matrix: &Matrix, dependent: Vec<usize>) -> Result<Contribution, NotComputed> {
    let size = matrix.size();
    let twins = matrix.twins();
    let mut rng = SmallRng::seed_from_u64(size as u64);
    let mut order: Vec<usize> = (0..size).collect();
    // Running mean and sum of squared deviations of each share over pairs (Welford 1962).
    let mut running = vec![(0.0f64, 0.0f64); size];
    for pair in 1..=PAIRS {
        order.shuffle(&mut rng);
        let mut added = vec![0.0; size];
        for _ in 0..2 {
            order.reverse();
            let mut factor = Factor::default();
            for &predictor in &order {
                let before = factor.explained;
                factor.push(matrix, predictor)?;
                if let Some(share) = added.get_mut(predictor) {
                    *share += 0.5 * (factor.explained - before);
                }
            }
        }
        // What no set tells apart has equal shares; their mean is as right as each, and says so.
        for group in &twins {
            let of = |twin: &usize| added.get(*twin).copied().unwrap_or(0.0);
            let mean = group.iter().map(of).sum::<f64>() / group.len() as f64;
            for twin in group {
                if let Some(share) = added.get_mut(*twin) {
                    *share = mean;
                }
            }
        }
        for ((mean, squares), share) in running.iter_mut().zip(added) {
            let delta = share - *mean;
            *mean += delta / pair as f64;
            *squares += delta * (share - *mean);
        }
    }
    let pairs = PAIRS as f64;
    Ok(Contribution {
        // Permutations may differ by what is left of dependent predictors; their mean is what the shares sum up to.
        r_squared: running.iter().map(|(mean, _)| mean).sum(),
        shares: running
            .iter()
            .map(|(mean, squares)| Share {
                value: *mean,
                standard_error: Some((squares / (pairs - 1.0) / pairs).sqrt()),
            })
            .collect(),
        dependent,
        permutations: Some(2 * PAIRS),
    })
}

/// Checked correlations.
struct Matrix<'a> {
    correlations: &'a [f64],
    with_target: &'a [f64],
}

impl<'a> Matrix<'a> {
    fn new(correlations: &'a [f64], with_target: &'a [f64]) -> Result<Self, NotComputed> {
        let size = with_target.len();
        if size == 0 {
            return Err(NotComputed::NoFeature);
        }
        if size > MAX_PREDICTORS {
            return Err(NotComputed::TooManyPredictors {
                have: size,
                most: MAX_PREDICTORS,
            });
        }
        check_lengths(correlations.len(), size * size)?;
        check_finite(correlations)?;
        check_finite(with_target)?;
        let matrix = Matrix {
            correlations,
            with_target,
        };
        let wrong = |(index, value): (usize, &f64)| {
            let (row, column) = (index / size, index % size);
            let expected = if row == column {
                1.0
            } else {
                matrix.at(column, row)
            };
            let fits = (value - expected).abs() <= DEPENDENT && value.abs() <= 1.0 + DEPENDENT;
            (!fits).then_some(index)
        };
        if let Some(index) = correlations.iter().enumerate().find_map(wrong) {
            return Err(NotComputed::NotACorrelation { index });
        }
        let beyond = with_target.iter().position(|r| r.abs() > 1.0 + DEPENDENT);
        match beyond {
            Some(index) => Err(NotComputed::NotACorrelation { index }),
            None => Ok(matrix),
        }
    }

    fn size(&self) -> usize {
        self.with_target.len()
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        let at = row * self.size() + column;
        self.correlations.get(at).copied().unwrap_or(0.0)
    }

    /// Groups of predictors that are the same but for sign and unit.
    fn twins(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for predictor in 0..self.size() {
            let same = |group: &&mut Vec<usize>| {
                let first = group.first();
                first.is_some_and(|first| self.at(*first, predictor).abs() >= 1.0 - DEPENDENT / 2.0)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(predictor),
                None => groups.push(vec![predictor]),
            }
        }
        groups.retain(|group| group.len() > 1);
        groups
    }
}

/// Cholesky factor of the correlations of the predictors taken in so far, and R² of them.
#[derive(Default)]
struct Factor {
    rows: Vec<Row>,
    explained: f64,
}

struct Row {
    predictor: usize,
    /// The row of the factor, its diagonal last.
    entries: Vec<f64>,
    /// Correlation of the target with what this predictor has beyond those before it.
    target: f64,
}

impl Factor {
    /// Takes in a predictor; `false` when it depends on the others, and so adds nothing.
    fn push(&mut self, matrix: &Matrix, predictor: usize) -> Result<bool, NotComputed> {
        let mut entries = Vec::with_capacity(self.rows.len() + 1);
        let mut left = 1.0;
        let mut target = matrix.with_target.get(predictor).copied().unwrap_or(0.0);
        for row in &self.rows {
            let known: f64 = row.entries.iter().zip(&entries).map(|(a, b)| a * b).sum();
            let diagonal = row.entries.last().copied().unwrap_or(1.0);
            let entry = (matrix.at(row.predictor, predictor) - known) / diagonal;
            left -= entry * entry;
            target -= entry * row.target;
            entries.push(entry);
        }
        if left < -DEPENDENT {
            return Err(NotComputed::NotPositiveSemidefinite);
        }
        if left <= DEPENDENT {
            return Ok(false);
        }
        let diagonal = left.sqrt();
        entries.push(diagonal);
        let target = target / diagonal;
        if self.explained + target * target > 1.0 + DEPENDENT {
            return Err(NotComputed::NotPositiveSemidefinite);
        }
        self.explained += target * target;
        self.rows.push(Row {
            predictor,
            entries,
            target,
        });
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Rows;
    use super::*;
    use crate::oracle::{check, number, row, rows};
    use proptest::prelude::*;

    fn sum(found: &Contribution) -> f64 {
        found.shares.iter().map(|share| share.value).sum()
    }

    /// Correlations of random rows of `size` predictors, which depend on each other, and a target.
    fn random(seed: u64, size: usize, rows: usize) -> (Vec<f64>, Vec<f64>) {
        let mut random = Rows::new(seed);
        let columns: Vec<Vec<f64>> = (0..rows)
            .map(|_| {
                let common = random.normal();
                let mut row: Vec<f64> = (0..size).map(|_| common + random.normal()).collect();
                let signal: f64 = row
                    .iter()
                    .enumerate()
                    .map(|(i, x)| x / (1.0 + i as f64))
                    .sum();
                row.push(signal + 2.0 * random.normal());
                row
            })
            .collect();
        let column = |j: usize| {
            let mean = columns.iter().map(|row| row[j]).sum::<f64>() / rows as f64;
            columns
                .iter()
                .map(|row| row[j] - mean)
                .collect::<Vec<f64>>()
        };
        let all: Vec<Vec<f64>> = (0..=size).map(column).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let r = |i: usize, j: usize| {
            dot(&all[i], &all[j]) / (dot(&all[i], &all[i]) * dot(&all[j], &all[j])).sqrt()
        };
        let matrix = (0..size).flat_map(|i| (0..size).map(move |j| (i, j)));
        (
            matrix
                .map(|(i, j)| if i == j { 1.0 } else { r(i.min(j), i.max(j)) })
                .collect(),
            (0..size).map(|i| r(i, size)).collect(),
        )
    }

    fn ar(size: usize) -> (Vec<f64>, Vec<f64>) {
        let r = |i: usize, j: usize| 0.5f64.powi(i.abs_diff(j) as i32);
        let weight = |j: usize| if j.is_multiple_of(5) { 0.35 } else { -0.05 };
        (
            (0..size * size).map(|at| r(at / size, at % size)).collect(),
            (0..size)
                .map(|i| (0..size).map(|j| r(i, j) * weight(j)).sum())
                .collect(),
        )
    }

    #[test]
    fn the_values_are_numpys() {
        let found = lmg(&rows("LMG correlations").concat(), &row("LMG with target")).unwrap();
        for (share, expected) in found.shares.iter().zip(row("LMG")) {
            check(share.value, expected, 1e-9);
            assert_eq!(share.standard_error, None);
        }
        check(found.r_squared, number("R2"), 1e-11);
        assert!((sum(&found) - found.r_squared).abs() < 1e-12);
        assert!(found.dependent.is_empty() && found.permutations.is_none());
    }

    /// Sixteen predictors are drawn; the exact shares are known.
    #[test]
    fn drawn_shares_are_within_their_standard_errors() {
        let (matrix, with_target) = ar(16);
        let found = lmg(&matrix, &with_target).unwrap();
        assert_eq!(found.permutations, Some(512));
        assert!((sum(&found) - found.r_squared).abs() < 1e-12);
        let mut squares = 0.0;
        for (share, expected) in found.shares.iter().zip(row("LMG of 16")) {
            let error = share.standard_error.unwrap();
            assert!(error > 0.0 && error < 0.004, "{error}");
            let z = (share.value - expected) / error;
            assert!(z.abs() < 4.0, "{share:?} {expected}");
            squares += z * z / 16.0;
        }
        assert!((0.2..2.5).contains(&squares), "{squares}");
        assert_eq!(
            lmg(&matrix, &with_target).unwrap(),
            found,
            "from a fixed seed"
        );
    }

    #[test]
    fn predictors_that_depend_on_each_other() {
        let (matrix, with_target) = random(3, 4, 200);
        let single = lmg(&matrix, &with_target).unwrap();
        // Predictor 4 is predictor 1 with its sign turned.
        let at = |i: usize, j: usize| matrix[i * 4 + j];
        let duplicate = |size: usize, i: usize| if i + 1 == size { (1, -1.0) } else { (i, 1.0) };
        let extend = |matrix: &dyn Fn(usize, usize) -> f64, target: &[f64]| {
            let size = target.len() + 1;
            let entries = (0..size * size).map(|entry| {
                let ((i, a), (j, b)) =
                    (duplicate(size, entry / size), duplicate(size, entry % size));
                a * b * matrix(i, j)
            });
            (
                entries.collect::<Vec<f64>>(),
                [target, &[-target[1]]].concat(),
            )
        };
        let (doubled, target) = extend(&at, &with_target);
        let found = lmg(&doubled, &target).unwrap();
        assert_eq!(found.dependent, [4]);
        assert!((found.shares[1].value - found.shares[4].value).abs() < 1e-12);
        assert!((sum(&found) - single.r_squared).abs() < 1e-12);
        assert!((found.r_squared - single.r_squared).abs() < 1e-12);
        // Drawn, too, it has an equal share.
        let (matrix, with_target) = random(4, 19, 400);
        let at = |i: usize, j: usize| matrix[i * 19 + j];
        let (doubled, target) = extend(&at, &with_target);
        let found = lmg(&doubled, &target).unwrap();
        assert_eq!(found.dependent, [19]);
        assert!((found.shares[1].value - found.shares[19].value).abs() < 1e-15);
        assert!((sum(&found) - found.r_squared).abs() < 1e-12);
        let single = lmg(&matrix, &with_target).unwrap();
        assert!((found.r_squared - single.r_squared).abs() < 1e-9);
    }

    /// A sum of two others, with correlations rounded as they are saved.
    #[test]
    fn a_sum_of_others_does_not_explode() {
        let (matrix, with_target) = random(5, 3, 300);
        let at = |i: usize, j: usize| matrix[i * 3 + j];
        // x₀ + x₁ of unit variance each.
        let size = (2.0 + 2.0 * at(0, 1)).sqrt();
        let with_sum = |j: usize| (at(0, j) + at(1, j)) / size;
        let mut rounded = Vec::new();
        for i in 0..4 {
            for j in 0..4 {
                rounded.push(match (i, j) {
                    (3, 3) => 1.0,
                    (3, j) | (j, 3) => with_sum(j),
                    (i, j) => at(i, j),
                });
            }
        }
        let mut target = with_target.clone();
        target.push((with_target[0] + with_target[1]) / size);
        let round = |values: &[f64]| {
            values
                .iter()
                .map(|v| f64::from(*v as f32))
                .collect::<Vec<_>>()
        };
        let found = lmg(&round(&rounded), &round(&target)).unwrap();
        assert_eq!(found.dependent, [3]);
        let single = lmg(&matrix, &with_target).unwrap();
        assert!((found.r_squared - single.r_squared).abs() < 1e-5);
        assert!(found.shares.iter().all(|share| share.value >= 0.0));
    }

    proptest! {
        #[test]
        fn laws(seed in 0u64..1000, size in 1usize..9, turn in 0usize..9) {
            let (matrix, with_target) = random(seed, size, 40);
            let found = lmg(&matrix, &with_target).unwrap();
            prop_assert!((sum(&found) - found.r_squared).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&found.r_squared));
            prop_assert!(found.shares.iter().all(|share| share.value >= -1e-12));
            // The order in which predictors are named does not matter, nor does a sign.
            let place = |i: usize| (i + turn) % size;
            let sign = |i: usize| if place(i).is_multiple_of(2) { 1.0 } else { -1.0 };
            let turned: Vec<f64> = (0..size * size)
                .map(|at| (at / size, at % size))
                .map(|(i, j)| sign(i) * sign(j) * matrix[place(i) * size + place(j)])
                .collect();
            let target: Vec<f64> = (0..size).map(|i| sign(i) * with_target[place(i)]).collect();
            let again = lmg(&turned, &target).unwrap();
            for (i, share) in again.shares.iter().enumerate() {
                prop_assert!((share.value - found.shares[place(i)].value).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn uncorrelated_predictors_have_their_squares() {
        let identity = |size: usize| -> Vec<f64> {
            (0..size * size)
                .map(|at| f64::from(u8::from(at / size == at % size)))
                .collect()
        };
        let found = lmg(&identity(3), &[0.5, -0.6, 0.0]).unwrap();
        for (share, expected) in found.shares.iter().zip([0.25, 0.36, 0.0]) {
            assert!((share.value - expected).abs() < 1e-15);
        }
        // Drawing them brings no error, since every order says the same.
        let found = lmg(&identity(40), &[0.1; 40]).unwrap();
        for share in &found.shares {
            check(share.value, 0.01, 1e-12);
            assert!(share.standard_error.unwrap() < 1e-12);
        }
    }

    #[test]
    fn what_are_no_correlations_is_said() {
        use NotComputed::*;
        assert_eq!(lmg(&[], &[]), Err(NoFeature));
        assert_eq!(
            lmg(&[1.0], &[0.5, 0.5]),
            Err(LengthsDiffer { left: 1, right: 4 })
        );
        assert_eq!(lmg(&[0.9], &[0.5]), Err(NotACorrelation { index: 0 }));
        assert_eq!(lmg(&[1.0], &[1.5]), Err(NotACorrelation { index: 0 }));
        assert_eq!(
            lmg(&[1.0, 0.1, 0.2, 1.0], &[0.5; 2]),
            Err(NotACorrelation { index: 1 })
        );
        assert_eq!(
            lmg(&[1.0, 1.1, 1.1, 1.0], &[0.5; 2]),
            Err(NotACorrelation { index: 1 })
        );
        assert_eq!(lmg(&[f64::NAN], &[0.5]), Err(NotANumber { index: 0 }));
        assert_eq!(
            lmg(&[], &[0.0; 129]),
            Err(TooManyPredictors {
                have: 129,
                most: 128
            })
        );
        // Two predictors that are the same but for the sign cannot both rise with the target.
        let contrary = [1.0, -0.9, -0.9, 1.0];
        assert_eq!(lmg(&contrary, &[0.9, 0.9]), Err(NotPositiveSemidefinite));
        let (a, b) = (0.9, -0.9);
        let contrary = [1.0, a, a, a, 1.0, b, a, b, 1.0];
        assert_eq!(lmg(&contrary, &[0.1; 3]), Err(NotPositiveSemidefinite));
        // The whole of the target.
        check(lmg(&[1.0], &[-1.0]).unwrap().r_squared, 1.0, 1e-15);
    }
}
