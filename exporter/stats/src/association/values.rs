//! The values of one column, and what is made of them once for all pairs.

use super::correlation::Standard;
use super::measure::InputError;
use crate::column::Kind;
use crate::missingness::Indicator;
use crate::ranks::Ranks;

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
    /// Where each value stands among the others.
    pub ranks: Ranks,
    /// The values with mean 0 and mean square 1, so that no fourth power leaves the range; NaN where the value is not finite.
    /// All 0 of a constant.
    pub values: Vec<f64>,
    /// Which rows have no value.
    pub absent: Indicator,
    /// Which rows have no finite value.
    pub not_finite: Indicator,
}

/// A categorical column.
pub(super) struct Categorical {
    /// For each row the position of its code among those that occur, or [`ABSENT`].
    pub codes: Vec<u32>,
    /// How many codes occur.
    pub levels: u32,
    /// Which rows have no value.
    pub absent: Indicator,
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
        let not_finite: Indicator = values.iter().map(|value| !value.is_finite()).collect();
        let finite = values.len() as u64 - not_finite.count();
        let scaled = values.iter().filter(|value| value.is_finite());
        let standard = Standard::of(scaled.map(|value| value * factor), finite);
        let value = |value: &f64| match &standard {
            _ if !value.is_finite() => f64::NAN,
            Some(standard) => standard.apply(value * factor),
            None => 0.0,
        };
        Numeric {
            values: values.iter().map(value).collect(),
            absent: Indicator::of_values(values),
            not_finite,
            ranks: Ranks::of(values),
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
            absent: codes.iter().map(|code| *code == ABSENT).collect(),
        }
    }
}
