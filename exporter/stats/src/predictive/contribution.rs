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
pub const MAX_PREDICTORS: usize = 256;
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
