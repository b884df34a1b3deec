//! One feature over one window while its batches arrive: one pass, bounded memory, mergeable.

mod names;
mod numbers;

use std::sync::Arc;

use thiserror::Error;

use crate::association::{ABSENT, Collapse};
use crate::bins::{Bins, NumericBins};
use crate::column::{Column, ColumnError, Kind, Validity};
use crate::hash;
use crate::imputed::Flagged;
use crate::outliers::Fences;
use crate::performance::MAX_TARGET_CLASSES;
use crate::rows::{Choice, RowSample, RowValues};
use crate::summary::Summary;
use crate::unseen::WindowNames;
use crate::validity::Acceptable;

pub(crate) use numbers::count_distinct;

use names::Names;
use numbers::Numbers;

/// Rows that every kernel passes while they are in the first-level cache: 4 KiB of values.
pub(crate) const CHUNK: usize = 512;

/// Why two profiles could not be merged. The profile is as it was before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MergeError {
    /// Numeric and categorical.
    #[error("a {mine} profile cannot take in a {other} one")]
    Kind {
        /// Kind of this profile.
        mine: Kind,
        /// Kind of the other.
        other: Kind,
    },
    /// Counted over other bins, or by another measure of what is acceptable.
    #[error("the profiles were counted over different bins or ranges")]
    Bins,
}

/// One feature, one window, accumulating. At most about 0.7 MB for numbers and 5 MB for names, whatever the rows; 7 MB where it
/// remembers the rows of each name.
#[derive(Debug, Clone)]
pub struct FeatureProfile(Inner, Told);

/// How it is told which values were filled in.
#[derive(Debug, Clone)]
enum Told {
    /// By a number that became frequent.
    Value,
    /// By a flag.
    Flag(Box<Flagged>),
    /// By a flag that is not there.
    Not,
}

#[derive(Debug, Clone)]
enum Inner {
    Numeric(Box<Numbers>),
    Categorical(Box<Names>),
}

impl FeatureProfile {
    /// An empty profile; `bins` are those of the baseline, `None` while the baseline is being frozen. Bins of the
    /// other kind are not counted.
    pub fn new(kind: Kind, bins: Option<Arc<Bins>>) -> Self {
        let bins = bins.filter(|bins| bins.kind() == kind);
        FeatureProfile(
            match kind {
                Kind::Numeric => Inner::Numeric(Box::new(Numbers::new(bins))),
                Kind::Categorical => Inner::Categorical(Box::new(Names::new(bins))),
            },
            Told::Value,
        )
    }

    /// The same profile, of which a flag says which values were filled in: [`FeatureProfile::flag`] is to be called with each
    /// batch. Without the flag, as it is `there` or not, nothing says so.
    pub fn flagged(mut self, there: bool) -> Self {
        self.1 = match there {
            true => Told::Flag(Box::new(Flagged::new())),
            false => Told::Not,
        };
        self
    }

    /// Counts the rows of a batch that was taken in of which the flag says that their value was filled in.
    pub fn flag(&mut self, column: &Column<'_>, flag: impl Fn(usize) -> bool) {
        let Told::Flag(flagged) = &mut self.1 else {
            return;
        };
        match column {
            Column::Numeric { values, validity } => {
                let value = |(row, value): (usize, &f64)| match validity.is_valid(row) {
                    true => (flag(row), *value),
                    false => (flag(row), f64::NAN),
                };
                flagged.update(values.iter().enumerate().map(value));
            }
            Column::Categorical { codes, .. } => {
                flagged.update((0..codes.len()).map(|row| (flag(row), f64::NAN)));
            }
        }
    }

    /// The same profile, which counts the values that are not acceptable. What is about the other kind is left out.
    pub fn accepting(mut self, acceptable: &Acceptable) -> Self {
        match &mut self.0 {
            Inner::Numeric(numbers) => numbers.within = acceptable.ends(),
            Inner::Categorical(names) => {
                if let Acceptable::Names(allowed) = acceptable {
                    let hashes = allowed.iter().map(|name| hash::name(name));
                    names.allowed = Some(Arc::new(hashes.collect()));
                }
            }
        }
        self
    }

    /// The same profile, which counts the numbers beyond these fences; categories have none.
    pub fn fenced(mut self, fences: Fences) -> Self {
        if let Inner::Numeric(numbers) = &mut self.0 {
            numbers.fences = Some(fences.ends());
        }
        self
    }

    /// The same profile, which remembers how many rows have each name, as it is needed while a baseline is made. It does so
    /// where the bins are of more names than have one of their own.
    pub fn remembering(mut self) -> Self {
        if let Inner::Categorical(names) = &mut self.0 {
            names.remember();
        }
        self
    }

    /// Takes in one batch.
    ///
    /// # Errors
    /// When the column is of the other kind or contradicts itself; nothing is counted then.
    pub fn update(&mut self, column: &Column<'_>) -> Result<(), ColumnError> {
        match (&mut self.0, column) {
            (Inner::Numeric(numbers), Column::Numeric { values, validity }) => {
                same_length(values.len(), validity)?;
                numbers.update(values, validity);
                Ok(())
            }
            (
                Inner::Categorical(names),
                Column::Categorical {
                    codes,
                    validity,
                    categories,
                },
            ) => {
                same_length(codes.len(), validity)?;
                names.update(codes, validity, categories)
            }
            _ => Err(ColumnError::Kind {
                expected: self.kind(),
                found: column.kind(),
            }),
        }
    }

    /// Takes in another profile of the same feature, as if its batches had come here.
    ///
    /// # Errors
    /// When kinds or bins differ.
    pub fn merge(&mut self, other: FeatureProfile) -> Result<(), MergeError> {
        let (mine, theirs) = (self.kind(), other.kind());
        let told = other.1;
        match (&mut self.0, other.0) {
            (Inner::Numeric(a), Inner::Numeric(b))
                if same_bins(&a.bins, &b.bins) && a.within == b.within && a.fences == b.fences =>
            {
                a.merge(*b)
            }
            (Inner::Categorical(a), Inner::Categorical(b))
                if same_bins(&a.bins, &b.bins) && a.allowed == b.allowed =>
            {
                a.merge(*b)
            }
            _ if mine == theirs => return Err(MergeError::Bins),
            _ => {
                return Err(MergeError::Kind {
                    mine,
                    other: theirs,
                });
            }
        }
        match (&mut self.1, told) {
            (Told::Flag(mine), Told::Flag(theirs)) => mine.merge(*theirs),
            (Told::Value, Told::Value) => {}
            (mine, _) => *mine = Told::Not,
        }
        Ok(())
    }

    /// Does what a choice of rows says to the sample of this column; the batch is the one that was taken in last. Of
    /// the other kind nothing is taken.
    pub fn pick(&self, column: &Column<'_>, choice: &Choice, sample: &mut RowSample) {
        let RowSample {
            values: sample,
            nulls,
        } = sample;
        let mut mark = |validity: &Validity<'_>| {
            choice.apply_marks(nulls, |row| !validity.is_valid(row));
        };
        match (&self.0, column, sample) {
            (
                Inner::Numeric(_),
                Column::Numeric { values, validity },
                RowValues::Numeric(sample),
            ) => {
                mark(validity);
                choice.apply(sample, |row| match values.get(row) {
                    Some(value) if validity.is_valid(row) => *value,
                    _ => f64::NAN,
                });
            }
            (
                Inner::Categorical(names),
                Column::Categorical {
                    codes,
                    validity,
                    categories,
                },
                RowValues::Categorical(sample),
            ) => {
                mark(validity);
                choice.apply(sample, |row| match codes.get(row) {
                    Some(code) if validity.is_valid(row) => names.bin(*code, categories),
                    _ => ABSENT,
                });
            }
            _ => {}
        }
    }

    /// Which rare categories are to be joined where features are compared with each other: those with less than this share
    /// of the rows. `None` for numbers. Made from a profile without bins, for the bins that it freezes.
    pub fn collapse(&self, least: f64) -> Option<Collapse> {
        Some(Collapse::learn(&self.category_counts()?, least))
    }

    /// Which classes of a target are to be joined: as [`collapse`](Self::collapse), and so many that at most
    /// [`MAX_TARGET_CLASSES`] are left.
    pub fn classes(&self, least: f64) -> Option<Collapse> {
        let counts = self.category_counts()?;
        let total = counts.iter().sum::<u64>().max(1) as f64;
        let mut largest = counts.clone();
        largest.sort_unstable_by(|a, b| b.cmp(a));
        // All that are as rare as the first one too many are joined.
        let first = largest.get(MAX_TARGET_CLASSES - 1).copied().unwrap_or(0);
        let bounded = if first > 0 {
            (first + 1) as f64 / total
        } else {
            0.0
        };
        Some(Collapse::learn(&counts, least.max(bounded)))
    }

    /// The count of each of the bins that a category profile freezes, the last two being other and unseen names.
    fn category_counts(&self) -> Option<Vec<u64>> {
        let Inner::Categorical(names) = &self.0 else {
            return None;
        };
        let top = names.top.binned();
        let mut counts: Vec<u64> = top.iter().map(|(_, _, count)| *count).collect();
        let other = (names.rows - names.nulls).saturating_sub(counts.iter().sum());
        counts.extend([other, 0]);
        Some(counts)
    }

    /// The plain value of everything counted.
    pub fn close(self) -> Summary {
        let rows = self.rows();
        let mut summary = match self.0 {
            Inner::Numeric(numbers) => numbers.close(),
            Inner::Categorical(names) => names.close(),
        };
        match self.1 {
            Told::Value => {}
            Told::Flag(flagged) => summary.imputed = Some(flagged.close(rows)),
            Told::Not => summary.imputed = None,
        }
        summary
    }

    /// The plain value of everything counted, and the names that were remembered.
    pub fn close_with_names(mut self) -> (Summary, Option<WindowNames>) {
        let names = match &mut self.0 {
            Inner::Categorical(names) => names.take_names(),
            Inner::Numeric(_) => None,
        };
        (self.close(), names)
    }

    /// Bins of what was counted, to count windows over. Made from a profile without bins: only such a profile
    /// remembers which names it has seen.
    pub fn freeze_bins(&self) -> Bins {
        match &self.0 {
            Inner::Numeric(numbers) => {
                Bins::Numeric(NumericBins::freeze(numbers.sample.values().to_vec()))
            }
            Inner::Categorical(names) => Bins::Categorical(names.freeze()),
        }
    }

    /// Numeric or categorical.
    pub fn kind(&self) -> Kind {
        match self.0 {
            Inner::Numeric(_) => Kind::Numeric,
            Inner::Categorical(_) => Kind::Categorical,
        }
    }

    /// Rows counted so far.
    pub fn rows(&self) -> u64 {
        match &self.0 {
            Inner::Numeric(numbers) => numbers.rows,
            Inner::Categorical(names) => names.rows,
        }
    }
}

fn same_length(values: usize, validity: &Validity<'_>) -> Result<(), ColumnError> {
    if values == validity.len() {
        Ok(())
    } else {
        Err(ColumnError::Length {
            values,
            validity: validity.len(),
        })
    }
}

fn same_bins(a: &Option<Arc<Bins>>, b: &Option<Arc<Bins>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
        (None, None) => true,
        _ => false,
    }
}
