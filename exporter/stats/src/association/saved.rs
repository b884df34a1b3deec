//! The form in which a matrix is saved: values in millionths in flat lists, and runs where values repeat.

use serde::{Deserialize, Serialize};

use super::matrix::{Matrix, Pair, positions};
use super::measure::{Association, Independence, InputError, Measure, NotComputed, PARTS};
use crate::column::Kind;

/// A matrix as it is saved, the upper triangle row by row.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Saved {
    kinds: Vec<Kind>,
    alarming: Readings,
    /// Of the numeric pairs only.
    pearson: Readings,
    /// Of the pairs with a categorical column: degrees and scale, the square in millionths, its third cumulant, and what cells that
    /// expect few rows add.
    independence: Vec<Run<(u32, u32)>>,
    squares: Vec<i64>,
    thirds: Vec<f64>,
    cells: Vec<Run<(i64, i64)>>,
}

/// A value and how often it comes in a row.
type Run<T> = (T, u32);

/// One measure of many pairs; where it was not computed the lists hold 0.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Readings {
    values: Vec<i64>,
    variances: Vec<f64>,
    n: Vec<Run<u64>>,
    not_computed: Vec<(u32, NotComputed)>,
}

impl Readings {
    fn push(&mut self, reading: &Result<Association, NotComputed>) {
        let at = self.values.len() as u32;
        let (value, variance, n) = match reading {
            Ok(found) => (found.value, found.variance, found.n),
            Err(reason) => {
                self.not_computed.push((at, *reason));
                (0.0, 0.0, 0)
            }
        };
        self.values.push(parts(value));
        self.variances.push(variance);
        push(&mut self.n, n);
    }

    /// All readings; `None` when the lists do not fit each other.
    fn read(&self, len: usize) -> Option<Vec<Result<Reading, NotComputed>>> {
        let n = unroll(&self.n, len)?;
        if self.values.len() != len || self.variances.len() != len {
            return None;
        }
        let lists = self.values.iter().zip(&self.variances).zip(n);
        let mut readings: Vec<_> = lists
            .map(|((value, variance), n)| {
                Ok(Reading {
                    value: *value as f64 / PARTS,
                    variance: *variance,
                    n,
                })
            })
            .collect();
        for (at, reason) in &self.not_computed {
            *readings.get_mut(*at as usize)? = Err(*reason);
        }
        Some(readings)
    }
}

/// An association without what follows from its place.
#[derive(Clone, Copy)]
struct Reading {
    value: f64,
    variance: f64,
    n: u64,
}

impl Reading {
    fn of(self, measure: Measure, independence: Option<Independence>) -> Association {
        Association {
            measure,
            value: self.value,
            n: self.n,
            variance: self.variance,
            independence,
        }
    }
}

fn parts(value: f64) -> i64 {
    (value * PARTS).round() as i64
}

fn push<T: PartialEq>(runs: &mut Vec<Run<T>>, value: T) {
    match runs.last_mut() {
        Some((last, count)) if *last == value => *count += 1,
        _ => runs.push((value, 1)),
    }
}

/// The values of all runs; `None` when they are not `len`.
fn unroll<T: Copy>(runs: &[Run<T>], len: usize) -> Option<Vec<T>> {
    let total: u64 = runs.iter().map(|(_, count)| u64::from(*count)).sum();
    (total == len as u64).then(|| {
        runs.iter()
            .flat_map(|(value, count)| std::iter::repeat_n(*value, *count as usize))
            .collect()
    })
}

impl From<Matrix> for Saved {
    fn from(matrix: Matrix) -> Self {
        let mut saved = Saved {
            kinds: matrix.kinds,
            alarming: Readings::default(),
            pearson: Readings::default(),
            independence: Vec::new(),
            squares: Vec::new(),
            thirds: Vec::new(),
            cells: Vec::new(),
        };
        for pair in &matrix.pairs {
            saved.alarming.push(&pair.alarming);
            match &pair.pearson {
                Some(pearson) => saved.pearson.push(pearson),
                None => {
                    let near = pair.alarming.ok().and_then(|found| found.independence);
                    let square = near.map_or(0.0, |near| near.square);
                    let third = near.map_or(0.0, |near| near.third);
                    let cells = near.map_or((0, 0), |near| near.cells);
                    let near = near.map_or((0, 0), |near| (near.degrees, near.scale));
                    push(&mut saved.independence, near);
                    push(&mut saved.cells, cells);
                    saved.thirds.push(third);
                    saved.squares.push(parts(square));
                }
            }
        }
        saved
    }
}

impl TryFrom<Saved> for Matrix {
    type Error = InputError;

    fn try_from(saved: Saved) -> Result<Self, InputError> {
        read(&saved).ok_or(InputError::Damaged)
    }
}

fn read(saved: &Saved) -> Option<Matrix> {
    let kinds = &saved.kinds;
    let p = kinds.len();
    let measures: Vec<Measure> = positions(p)
        .filter_map(|(i, j)| Some(Measure::of(*kinds.get(i)?, *kinds.get(j)?)))
        .collect();
    let numeric = measures.iter().filter(|m| m.is_correlation()).count();
    let mut pearson = saved.pearson.read(numeric)?.into_iter();
    let others = measures.len() - numeric;
    let mut near = unroll(&saved.independence, others)?.into_iter();
    let mut cells = unroll(&saved.cells, others)?.into_iter();
    if saved.squares.len() != others || saved.thirds.len() != others {
        return None;
    }
    let (mut squares, mut thirds) = (saved.squares.iter(), saved.thirds.iter());
    let alarming = saved.alarming.read(measures.len())?;
    let pairs = measures.iter().zip(alarming).map(|(measure, alarming)| {
        if measure.is_correlation() {
            let pearson = pearson.next()?;
            return Some(Pair {
                alarming: alarming.map(|reading| reading.of(*measure, None)),
                pearson: Some(pearson.map(|reading| reading.of(Measure::Pearson, None))),
            });
        }
        let (degrees, scale) = near.next()?;
        let near = Independence {
            degrees,
            scale,
            square: *squares.next()? as f64 / PARTS,
            third: *thirds.next()?,
            cells: cells.next()?,
            windows: 1,
        };
        Some(Pair {
            alarming: alarming.map(|reading| reading.of(*measure, Some(near))),
            pearson: None,
        })
    });
    Some(Matrix {
        pairs: pairs.collect::<Option<_>>()?,
        kinds: saved.kinds.clone(),
    })
}
