//! The values of one column, and what is made of them once for all pairs.

use super::measure::InputError;
use crate::column::Kind;

/// A code that stands for "no value here".
pub const ABSENT: u32 = u32::MAX;
/// The most rows: mid-ranks and their sums of squares stay exact, and a table's counts fit 32 bits.
pub(super) const MAX_ROWS: usize = 1 << 24;

/// One column of a sample of rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values<'a> {
    /// Numbers; NaN is "no value here", ±∞ is a value.
    Numeric(&'a [f64]),
    /// Categories.
    Categorical {
        /// The code of each row, below `categories`; [`ABSENT`] is "no value here".
        codes: &'a [u32],
        /// How many codes there are; a code need not occur.
        categories: u32,
    },
}

impl Values<'_> {
    /// What the values are.
    pub fn kind(&self) -> Kind {
        match self {
            Values::Numeric(_) => Kind::Numeric,
            Values::Categorical { .. } => Kind::Categorical,
        }
    }

    /// Number of rows, with those without a value.
    pub fn rows(&self) -> usize {
        match self {
            Values::Numeric(values) => values.len(),
            Values::Categorical { codes, .. } => codes.len(),
        }
    }
}

/// A column made ready for its pairs.
pub(super) enum Prepared {
    Numeric(Numeric),
    Categorical(Categorical),
}

/// A numeric column.
pub(super) struct Numeric {
    /// For each row the position of its value among the distinct ones, [`ABSENT`] for NaN.
    pub ranks: Vec<u32>,
    /// How many distinct values there are.
    pub distinct: usize,
    /// The values by a power of two, so that no fourth power leaves the range, and less their mean; NaN where the value is
    /// not finite.
    pub values: Vec<f64>,
    /// Which rows have a value.
    pub present: Mask,
    /// Which rows have a finite value.
    pub finite: Mask,
}

/// A categorical column.
pub(super) struct Categorical {
    /// For each row the position of its code among those that occur, or [`ABSENT`].
    pub codes: Vec<u32>,
    /// How many codes occur.
    pub levels: u32,
}

/// A set of rows.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mask(Vec<u64>);

impl Mask {
    fn of(rows: impl ExactSizeIterator<Item = bool>) -> Self {
        let mut words = vec![0u64; rows.len().div_ceil(64)];
        for (row, is_in) in rows.enumerate() {
            if let Some(word) = words.get_mut(row / 64) {
                *word |= u64::from(is_in) << (row % 64);
            }
        }
        Mask(words)
    }

    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

impl Prepared {
    /// Makes a column ready; `column` is its position, for errors.
    pub fn new(column: usize, values: &Values<'_>) -> Result<Self, InputError> {
        Ok(match *values {
            Values::Numeric(values) => Prepared::Numeric(Numeric::new(values)),
            Values::Categorical { codes, categories } => {
                let wrong = |code: &&u32| **code != ABSENT && **code >= categories;
                if let Some(&code) = codes.iter().find(wrong) {
                    return Err(InputError::Code {
                        column,
                        code,
                        categories,
                    });
                }
                Prepared::Categorical(Categorical::new(codes))
            }
        })
    }
}

impl Numeric {
    fn new(values: &[f64]) -> Self {
        let (ranks, distinct) = dense_ranks(values);
        let largest = values
            .iter()
            .filter(|value| value.is_finite())
            .fold(0.0f64, |largest, value| largest.max(value.abs()));
        // A power of two rounds nothing.
        let exponent = if largest > 0.0 {
            largest.log2().floor()
        } else {
            0.0
        };
        let factor = (-exponent.clamp(-1000.0, 1023.0)).exp2();
        let finite = values.iter().filter(|value| value.is_finite());
        let (count, sum) = finite.fold((0.0, 0.0), |(count, sum), value| {
            (count + 1.0, sum + value * factor)
        });
        let mean = if count > 0.0 { sum / count } else { 0.0 };
        Numeric {
            distinct,
            present: Mask::of(ranks.iter().map(|rank| *rank != ABSENT)),
            finite: Mask::of(values.iter().map(|value| value.is_finite())),
            values: values
                .iter()
                .map(|value| {
                    if value.is_finite() {
                        value * factor - mean
                    } else {
                        f64::NAN
                    }
                })
                .collect(),
            ranks,
        }
    }
}

impl Categorical {
    fn new(codes: &[u32]) -> Self {
        let mut seen: Vec<u32> = codes.iter().copied().filter(|c| *c != ABSENT).collect();
        seen.sort_unstable();
        seen.dedup();
        let position = |code: &u32| {
            seen.binary_search(code)
                .map_or(ABSENT, |position| position as u32)
        };
        Categorical {
            codes: codes.iter().map(position).collect(),
            levels: seen.len() as u32,
        }
    }
}

/// For each value its position among the distinct ones, [`ABSENT`] for NaN; and how many distinct ones there are.
/// −0 and 0 are one value.
fn dense_ranks(values: &[f64]) -> (Vec<u32>, usize) {
    let mut order: Vec<(f64, u32)> = values
        .iter()
        .zip(0u32..)
        .filter(|(value, _)| !value.is_nan())
        .map(|(value, row)| (*value, row))
        .collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![ABSENT; values.len()];
    let mut distinct = 0u32;
    let mut last = None;
    for (value, row) in order {
        distinct += u32::from(last != Some(value));
        last = Some(value);
        if let Some(rank) = ranks.get_mut(row as usize) {
            *rank = distinct - 1;
        }
    }
    (ranks, distinct as usize)
}
