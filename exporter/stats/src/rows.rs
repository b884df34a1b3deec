//! A sample of whole rows of a window: what columns say together needs their values in the same rows.
//!
//! A row is chosen by the hash of its number in the window, so that every column can take its values on its own and the
//! same stream gives the same sample. While they are few all rows are chosen; each time they become more than [`CAP`],
//! the largest hash that is chosen is halved. Rows are chosen without a look at their values, so the sample is uniform.

use crate::association::{ABSENT, Collapse, Values};
use crate::column::Kind;
use crate::hash;
use crate::missingness::Indicator;

/// The most rows that are chosen: 256 kB of numbers. Once there are more than this in a window, between half of it and all
/// of it are.
pub const CAP: usize = 1 << 15;

/// Chooses rows while they arrive.
#[derive(Debug, Clone)]
pub struct RowSampler {
    rows: u64,
    /// Rows whose hash is at most this are chosen.
    limit: u64,
    /// The hashes of the chosen rows, in the order in which they came.
    chosen: Vec<u64>,
}

/// What becomes of a sample with the next batch of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Which rows of the sample stay, by their places in it, rising; `None` when all do.
    pub stay: Option<Vec<u32>>,
    /// Which rows of the batch come in behind them, by their places in it, rising.
    pub take: Vec<u32>,
}

impl Default for RowSampler {
    fn default() -> Self {
        RowSampler {
            rows: 0,
            limit: u64::MAX,
            chosen: Vec::new(),
        }
    }
}

impl RowSampler {
    /// Chooses among the next `rows` rows.
    pub fn choose(&mut self, rows: usize) -> Choice {
        let (first, limit) = (self.rows, self.limit);
        self.rows += rows as u64;
        let hashed = (first..self.rows).zip(0u32..);
        let mut taken: Vec<(u32, u64)> = hashed
            .map(|(number, place)| (place, hash::mix(number)))
            .filter(|(_, hash)| *hash <= limit)
            .collect();
        loop {
            let limit = self.limit;
            let old = self.chosen.iter().filter(|hash| **hash <= limit).count();
            taken.retain(|(_, hash)| *hash <= limit);
            if old + taken.len() <= CAP {
                break;
            }
            self.limit /= 2;
        }
        let stay = (self.limit < limit).then(|| {
            let places = self.chosen.iter().zip(0u32..);
            let kept = places.filter(|(hash, _)| **hash <= self.limit);
            kept.map(|(_, place)| place).collect()
        });
        self.chosen.retain(|hash| *hash <= self.limit);
        self.chosen.extend(taken.iter().map(|(_, hash)| *hash));
        Choice {
            stay,
            take: taken.into_iter().map(|(place, _)| place).collect(),
        }
    }

    /// Whether every row was chosen so far.
    pub fn is_complete(&self) -> bool {
        self.limit == u64::MAX
    }
}

/// The values of one column in the sampled rows.
#[derive(Debug, Clone, PartialEq)]
pub enum RowValues {
    /// Numbers, NaN where there is none.
    Numeric(Vec<f64>),
    /// Bins of categories, [`ABSENT`] where there is none.
    Categorical(Vec<u32>),
}

impl RowValues {
    /// Of no row.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Numeric => RowValues::Numeric(Vec::new()),
            Kind::Categorical => RowValues::Categorical(Vec::new()),
        }
    }

    /// The first of each `step` rows.
    pub fn every(step: usize, values: Values<'_>) -> Self {
        match values {
            Values::Numeric(values) => {
                RowValues::Numeric(values.iter().step_by(step).copied().collect())
            }
            Values::Categorical { codes, .. } => {
                RowValues::Categorical(codes.iter().step_by(step).copied().collect())
            }
        }
    }

    /// The same with rare categories joined; numbers stay as they are.
    pub fn joined(self, collapse: Option<&Collapse>) -> Self {
        match (self, collapse) {
            (RowValues::Categorical(bins), Some(collapse)) => {
                RowValues::Categorical(collapse.apply(&bins))
            }
            (values, _) => values,
        }
    }

    /// As a column of a table, its codes being those that occur.
    pub fn values(&self) -> Values<'_> {
        match self {
            RowValues::Numeric(values) => Values::Numeric(values),
            RowValues::Categorical(codes) => {
                let present = codes.iter().filter(|code| **code != ABSENT);
                Values::Categorical {
                    codes,
                    categories: present.max().map_or(0, |last| last + 1),
                }
            }
        }
    }
}

/// One column in the sampled rows: its values, and which of them are null. A null is not a NaN, so that a number needs a bit
/// beside it: 4 kB for all rows that are sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct RowSample {
    pub(crate) values: RowValues,
    pub(crate) nulls: Indicator,
}

impl RowSample {
    /// Of no row.
    pub fn new(kind: Kind) -> Self {
        RowSample {
            values: RowValues::new(kind),
            nulls: Indicator::default(),
        }
    }

    /// The values; what is null has none.
    pub fn values(&self) -> &RowValues {
        &self.values
    }

    /// The values themselves.
    pub fn into_values(self) -> RowValues {
        self.values
    }

    /// Which rows are null.
    pub fn nulls(&self) -> &Indicator {
        &self.nulls
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.nulls.rows()
    }
}

impl Choice {
    /// Does to the marks of one column what the choice says; `mark` gives that of a row of the batch.
    pub fn apply_marks(&self, sample: &mut Indicator, mark: impl Fn(usize) -> bool) {
        if let Some(stay) = &self.stay {
            let kept = stay.iter().map(|place| sample.get(*place as usize));
            *sample = kept.collect();
        }
        sample.extend(self.take.iter().map(|place| mark(*place as usize)));
    }

    /// Does to one column's values what the choice says; `value` gives that of a row of the batch.
    pub fn apply<T: Copy>(&self, sample: &mut Vec<T>, value: impl Fn(usize) -> T) {
        if let Some(stay) = &self.stay {
            let kept = stay.iter().filter_map(|place| sample.get(*place as usize));
            *sample = kept.copied().collect();
        }
        sample.extend(self.take.iter().map(|place| value(*place as usize)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the rows in the sample after batches of these lengths.
    fn sample(batches: &[usize]) -> (Vec<u64>, RowSampler) {
        let (mut sampler, mut sample, mut first) = (RowSampler::default(), Vec::new(), 0);
        for rows in batches {
            let choice = sampler.choose(*rows);
            choice.apply(&mut sample, |place| first + place as u64);
            first += *rows as u64;
        }
        (sample, sampler)
    }

    #[test]
    fn few_rows_are_all_chosen_and_many_alike_however_they_come() {
        let (few, sampler) = sample(&[3, 0, 100, CAP - 103]);
        assert_eq!(few, (0..CAP as u64).collect::<Vec<_>>());
        assert!(sampler.is_complete());
        let (many, sampler) = sample(&[200_000]);
        assert!(!sampler.is_complete());
        assert!(many.len() > CAP / 3 && many.len() <= CAP, "{}", many.len());
        let (parts, _) = sample(&[1; 1_000]);
        assert_eq!(parts.len(), 1_000);
        let thousands = [1_000; 200];
        assert_eq!(sample(&thousands).0, many);
    }

    #[test]
    fn marks_stay_with_their_values() {
        let (mut sampler, mut first) = (RowSampler::default(), 0u64);
        let (mut values, mut marks) = (Vec::new(), Indicator::default());
        for rows in [3, 40_000, 0, 70_000] {
            let choice = sampler.choose(rows);
            let number = |place: usize| first + place as u64;
            choice.apply(&mut values, number);
            choice.apply_marks(&mut marks, |place| number(place).is_multiple_of(3));
            first += rows as u64;
        }
        assert!(!sampler.is_complete());
        assert_eq!(marks.rows(), values.len());
        let marked = values.iter().enumerate();
        assert!(
            marked
                .into_iter()
                .all(|(row, number)| marks.get(row) == number.is_multiple_of(3))
        );
    }

    /// The expected number in each tenth of 300,000 rows is a tenth of the sample, with a standard deviation of some 43.
    #[test]
    fn rows_are_chosen_evenly() {
        let (rows, _) = sample(&[4_096; 74]);
        let tenth = rows.len() / 10;
        for part in 0..10u64 {
            let span = part * 30_310..(part + 1) * 30_310;
            let found = rows.iter().filter(|row| span.contains(row)).count();
            assert!(found.abs_diff(tenth) < 220, "{part}: {found} of {tenth}");
        }
    }
}
