//! One feature over one window while its batches arrive: one pass, bounded memory, mergeable.

use std::collections::HashSet;
use std::sync::Arc;

use thiserror::Error;

use crate::association::{ABSENT, Collapse};
use crate::bins::{Bins, CategoryBins, NumericBins};
use crate::categories::{self, TopNames};
use crate::column::{Categories, Column, ColumnError, Kind, Validity};
use crate::hash;
use crate::hll::Hll;
use crate::imputed::{Flagged, Imputed};
use crate::moments::Accumulator;
use crate::outliers::Fences;
use crate::performance::MAX_TARGET_CLASSES;
use crate::rows::{Choice, RowSample, RowValues};
use crate::sample::{self, Sample};
use crate::summary::{Counts, PROBABILITIES, Quantiles, Summary, Tail};
use crate::validity::{self, Acceptable};

/// Rows that every kernel passes while they are in the first-level cache: 4 KiB of values.
pub(crate) const CHUNK: usize = 512;
/// Hashes of seen names that are kept for freezing.
const SEEN_CAP: usize = 65_536;
/// Dictionaries up to this size keep each code's hash and bin while their generation stays.
const RESOLVED_CAP: usize = 65_536;

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

/// One feature, one window, accumulating. At most about 0.7 MB for numbers and 5 MB for names, whatever the rows.
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
        let mut counts: Vec<u64> = names.top.top().iter().map(|(_, _, count)| *count).collect();
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

#[derive(Debug, Clone)]
struct Numbers {
    rows: u64,
    nulls: u64,
    nans: u64,
    zeros: u64,
    infinities: [u64; 2],
    /// The smallest and largest acceptable number; without, all that are finite.
    within: Option<(f64, f64)>,
    /// Rows that are not within, nulls included.
    not_within: u64,
    /// Beyond these a number is an outlier.
    fences: Option<(f64, f64)>,
    /// Rows that are not between the fences, nulls, NaN and infinities included.
    not_fenced: u64,
    moments: Accumulator,
    distinct: Hll,
    sample: Sample,
    bins: Option<Arc<Bins>>,
    /// One count per fine bin and the trash bin.
    counts: Vec<u64>,
    /// Two histograms of one batch.
    batch: Vec<u32>,
}

impl Numbers {
    fn new(bins: Option<Arc<Bins>>) -> Self {
        let slots = numeric(&bins).map_or(0, |bins| bins.grid().slots());
        Numbers {
            rows: 0,
            nulls: 0,
            nans: 0,
            zeros: 0,
            infinities: [0; 2],
            within: None,
            not_within: 0,
            fences: None,
            not_fenced: 0,
            moments: Accumulator::EMPTY,
            distinct: Hll::new(),
            // Any constant will do: the draw must be independent of the values, not of other features' draws.
            sample: Sample::new(0x66_6d),
            counts: vec![0; slots],
            batch: vec![0; 2 * slots],
            bins,
        }
    }

    fn update(&mut self, values: &[f64], validity: &Validity<'_>) {
        // The batch histograms are u32: a slice of 2³¹ values at a time cannot overflow them.
        for (part, values) in values.chunks(1 << 31).enumerate() {
            let first_block = part << 25;
            pulp::Arch::new().dispatch(Update {
                numbers: self,
                values,
                validity,
                first_block,
            });
            self.distinct.settle();
            let slots = self.counts.len();
            let (even, odd) = self.batch.split_at_mut(slots);
            for ((count, even), odd) in self.counts.iter_mut().zip(even).zip(odd) {
                *count += u64::from(std::mem::take(even)) + u64::from(std::mem::take(odd));
            }
        }
    }

    #[inline(always)]
    fn update_blocks<S: pulp::Simd>(
        &mut self,
        simd: S,
        values: &[f64],
        validity: &Validity<'_>,
        first_block: usize,
    ) {
        let mut copy = [0.0; CHUNK];
        for (number, chunk) in values.chunks(CHUNK).enumerate() {
            let block = first_block + number * (CHUNK / 64);
            let nulls = if validity.is_all() {
                0
            } else {
                nulls_to_nan(chunk, validity, block, &mut copy)
            };
            let chunk = if nulls == 0 {
                chunk
            } else {
                &copy[..chunk.len()]
            };
            self.update_chunk(simd, chunk, nulls);
        }
    }

    /// One chunk in which every null is NaN.
    #[inline(always)]
    fn update_chunk<S: pulp::Simd>(&mut self, simd: S, chunk: &[f64], nulls: u64) {
        self.rows += chunk.len() as u64;
        self.nulls += nulls;
        let tally = self.moments.update(simd, chunk);
        self.nans += tally.nans - nulls;
        self.zeros += tally.zeros;
        if tally.finite + tally.nans != chunk.len() as u64 {
            self.infinities[0] += chunk
                .iter()
                .filter(|value| **value == f64::NEG_INFINITY)
                .count() as u64;
            self.infinities[1] += chunk
                .iter()
                .filter(|value| **value == f64::INFINITY)
                .count() as u64;
        }
        if let Some(ends) = self.within {
            self.not_within += validity::not_within(chunk, ends);
        }
        if let Some(ends) = self.fences {
            self.not_fenced += validity::not_within(chunk, ends);
        }
        count_distinct(&mut self.distinct, chunk);
        self.sample.update(chunk);
        if let Some(Bins::Numeric(bins)) = self.bins.as_deref() {
            bins.grid().count::<CHUNK>(chunk, &mut self.batch);
        }
    }

    fn merge(&mut self, other: Numbers) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.nans += other.nans;
        self.zeros += other.zeros;
        self.infinities[0] += other.infinities[0];
        self.infinities[1] += other.infinities[1];
        self.not_within += other.not_within;
        self.not_fenced += other.not_fenced;
        self.moments.merge(&other.moments);
        self.distinct.merge(&other.distinct);
        self.sample.merge(other.sample);
        self.counts
            .iter_mut()
            .zip(other.counts)
            .for_each(|(mine, theirs)| *mine += theirs);
    }

    fn close(self) -> Summary {
        let rank_error = if self.sample.is_complete() {
            0.0
        } else {
            sample::RANK_ERROR
        };
        let counts = numeric(&self.bins).map(|bins| {
            let edges = bins.edges();
            let (first, last) = (edges.first().copied(), edges.last().copied());
            let mean = |edge: Option<f64>, side: fn(f64, f64) -> bool| {
                // Without an edge there is one bin and no tail.
                let Some(edge) = edge else { return 0.0 };
                let mut beyond = Accumulator::EMPTY;
                let mut chunk = Vec::with_capacity(CHUNK);
                for value in self
                    .sample
                    .values()
                    .iter()
                    .copied()
                    .filter(|value| side(*value, edge))
                {
                    chunk.push(value);
                    if chunk.len() == CHUNK {
                        beyond.update(pulp::Scalar, &chunk);
                        chunk.clear();
                    }
                }
                beyond.update(pulp::Scalar, &chunk);
                // A tail too thin for the sample is taken to lie at the edge, which understates the distance.
                beyond.moments().map_or(edge, |moments| moments.mean)
            };
            Counts::Numeric {
                fine: self.counts[..bins.len()].to_vec(),
                mean: self.moments.moments().map_or(0.0, |moments| moments.mean),
                below: Tail {
                    infinite: self.infinities[0],
                    mean: mean(first, |value, edge| value < edge),
                },
                above: Tail {
                    infinite: self.infinities[1],
                    mean: mean(last, |value, edge| value >= edge),
                },
            }
        });
        let imputed = numeric(&self.bins)
            .map(|bins| Imputed::by_value(self.sample.values(), &self.counts[..bins.len()], bins));
        let infinities = self.infinities[0] + self.infinities[1];
        Summary {
            kind: Kind::Numeric,
            rows: self.rows,
            nulls: self.nulls,
            nans: self.nans,
            infinities,
            zeros: self.zeros,
            invalid: match self.within {
                Some(_) => self.not_within - self.nulls,
                None => self.nans + infinities,
            },
            outliers: match self.fences {
                Some(_) => self.not_fenced - self.nulls - self.nans - infinities,
                None => 0,
            },
            imputed,
            moments: self.moments.moments(),
            distinct: self.distinct.estimate(),
            quantiles: sample::quantiles(&mut self.sample.into_values(), PROBABILITIES)
                .map(|values| Quantiles { values, rank_error }),
            top: Vec::new(),
            top_error: 0,
            counts,
        }
    }
}

/// One call of the kernels, compiled for each vector width and chosen by what the processor has.
struct Update<'a, 'b> {
    numbers: &'a mut Numbers,
    values: &'a [f64],
    validity: &'a Validity<'b>,
    first_block: usize,
}

impl pulp::WithSimd for Update<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        self.numbers
            .update_blocks(simd, self.values, self.validity, self.first_block);
    }
}

fn numeric(bins: &Option<Arc<Bins>>) -> Option<&NumericBins> {
    match bins.as_deref() {
        Some(Bins::Numeric(bins)) => Some(bins),
        _ => None,
    }
}

/// Copies a chunk with NaN in place of nulls and returns their number. Without a null nothing is copied.
#[inline(always)]
fn nulls_to_nan(
    chunk: &[f64],
    validity: &Validity<'_>,
    block: usize,
    copy: &mut [f64; CHUNK],
) -> u64 {
    let mut words = [0u64; CHUNK / 64];
    let mut valid = 0;
    for (number, word) in words.iter_mut().enumerate() {
        *word = validity.word(block + number);
        valid += u64::from(word.count_ones());
    }
    // Rows beyond the end of a short last chunk are not valid, and not in the chunk.
    let nulls = (chunk.len() as u64).saturating_sub(valid);
    if nulls > 0 {
        for ((values, copies), word) in chunk.chunks(64).zip(copy.chunks_mut(64)).zip(words) {
            for (row, (value, copy)) in values.iter().zip(copies).enumerate() {
                *copy = if word >> row & 1 == 1 {
                    *value
                } else {
                    f64::NAN
                };
            }
        }
    }
    nulls
}

/// Hashes every value; NaN is replaced by another value of the chunk, which changes no distinct count.
#[inline(always)]
pub(crate) fn count_distinct(distinct: &mut Hll, chunk: &[f64]) {
    let Some(stand_in) = chunk.iter().copied().find(|value| !value.is_nan()) else {
        return;
    };
    let mut hashes = [0u64; CHUNK];
    for (hash, &value) in hashes.iter_mut().zip(chunk) {
        *hash = hash::number(if value.is_nan() { stand_in } else { value });
    }
    let idle = distinct.idle_bits();
    if idle == 0 {
        hashes[..chunk.len()]
            .iter()
            .for_each(|&hash| distinct.insert(hash));
        return;
    }
    // Most hashes cannot change a register any more: move the others to the front, without a branch per value.
    let mut busy = 0;
    for row in 0..chunk.len() {
        let hash = hashes[row];
        hashes[busy] = hash;
        busy += usize::from(hash & idle == 0);
    }
    hashes[..busy]
        .iter()
        .for_each(|&hash| distinct.insert(hash));
}

/// What is known about a dictionary code.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Code {
    Unknown,
    Null,
    Name { hash: u64, bin: u32, allowed: bool },
}

#[derive(Debug, Clone)]
struct Names {
    rows: u64,
    nulls: u64,
    distinct: Hll,
    top: TopNames,
    /// Hashes of all names; only without bins, `None` once they are too many.
    seen: Option<HashSet<u64>>,
    bins: Option<Arc<Bins>>,
    /// Hashes of the names that are allowed; without, those that the bins have seen.
    allowed: Option<Arc<HashSet<u64>>>,
    refused: u64,
    counts: Vec<u64>,
    generation: Option<u64>,
    codes: Vec<Code>,
    /// Rows per code of one batch, then nulls, then codes out of range.
    batch: Vec<u32>,
}

impl Names {
    fn new(bins: Option<Arc<Bins>>) -> Self {
        let slots = categorical(&bins).map_or(0, CategoryBins::len);
        Names {
            rows: 0,
            nulls: 0,
            distinct: Hll::new(),
            top: TopNames::default(),
            seen: bins.is_none().then(HashSet::new),
            counts: vec![0; slots],
            bins,
            allowed: None,
            refused: 0,
            generation: None,
            codes: Vec::new(),
            batch: Vec::new(),
        }
    }

    fn update(
        &mut self,
        codes: &[i32],
        validity: &Validity<'_>,
        categories: &Categories<'_>,
    ) -> Result<(), ColumnError> {
        if self.generation != Some(categories.generation) || self.codes.len() > categories.len {
            self.generation = Some(categories.generation);
            self.codes.clear();
        }
        self.codes
            .resize(categories.len.min(RESOLVED_CAP), Code::Unknown);
        for (part, codes) in codes.chunks(1 << 31).enumerate() {
            self.update_part(codes, validity, part << 25, categories)?;
        }
        Ok(())
    }

    fn update_part(
        &mut self,
        codes: &[i32],
        validity: &Validity<'_>,
        first_block: usize,
        categories: &Categories<'_>,
    ) -> Result<(), ColumnError> {
        let (null, strange) = (categories.len, categories.len + 1);
        let lanes = if categories.len <= CHUNK { 4 } else { 1 };
        let slots = categories.len + 2;
        self.batch.resize(lanes * slots, 0);
        count_codes(
            codes,
            validity,
            first_block,
            categories.len,
            lanes,
            &mut self.batch,
        );
        let (first, others) = self.batch.split_at_mut(slots);
        for lane in others.chunks_mut(slots) {
            first
                .iter_mut()
                .zip(lane)
                .for_each(|(sum, count)| *sum += std::mem::take(count));
        }
        if self.batch[strange] > 0 {
            let rows = u64::from(self.batch[strange]);
            self.batch[..slots].fill(0);
            return Err(ColumnError::Code {
                rows,
                categories: categories.len,
            });
        }
        self.rows += codes.len() as u64;
        self.nulls += u64::from(std::mem::take(&mut self.batch[null]));
        if categories.len <= codes.len() {
            (0..categories.len).for_each(|code| self.flush(code, categories));
        } else {
            // A dictionary larger than the batch: visit the codes that occur.
            for &code in codes {
                if let Some(code) = usize::try_from(code)
                    .ok()
                    .filter(|&code| code < categories.len)
                {
                    self.flush(code, categories);
                }
            }
        }
        self.distinct.settle();
        Ok(())
    }

    /// Moves the batch's count of one code to its name.
    #[inline]
    fn flush(&mut self, code: usize, categories: &Categories<'_>) {
        let count = u64::from(std::mem::take(&mut self.batch[code]));
        if count == 0 {
            return;
        }
        let name = (categories.name)(code);
        let known = self.codes.get(code).copied().unwrap_or(Code::Unknown);
        let resolved = if known == Code::Unknown {
            self.resolve(name)
        } else {
            known
        };
        if let Some(slot) = self.codes.get_mut(code) {
            *slot = resolved;
        }
        match (resolved, name) {
            (Code::Name { hash, bin, allowed }, Some(name)) => {
                self.top.add(hash, name, count);
                self.refused += if allowed { 0 } else { count };
                if let Some(slot) = self.counts.get_mut(bin as usize) {
                    *slot += count;
                }
            }
            _ => self.nulls += count,
        }
    }

    /// The bin of a valid code's name, [`ABSENT`] where the dictionary has a null.
    fn bin(&self, code: i32, categories: &Categories<'_>) -> u32 {
        let code = code as u32 as usize;
        match self.codes.get(code) {
            Some(Code::Name { bin, .. }) => *bin,
            Some(Code::Null) => ABSENT,
            Some(Code::Unknown) | None => {
                let bins = categorical(&self.bins);
                (categories.name)(code).map_or(ABSENT, |name| {
                    bins.map_or(0, |bins| bins.bin(hash::name(name)) as u32)
                })
            }
        }
    }

    /// A name's hash and bin; a name that is resolved was seen.
    fn resolve(&mut self, name: Option<&str>) -> Code {
        let Some(name) = name else { return Code::Null };
        let hash = hash::name(name);
        self.distinct.insert(hash);
        if let Some(seen) = &mut self.seen {
            seen.insert(hash);
        }
        if self.seen.as_ref().is_some_and(|seen| seen.len() > SEEN_CAP) {
            self.seen = None;
        }
        Code::Name {
            hash,
            bin: categorical(&self.bins).map_or(0, |bins| bins.bin(hash) as u32),
            allowed: self
                .allowed
                .as_ref()
                .is_none_or(|allowed| allowed.contains(&hash)),
        }
    }

    fn merge(&mut self, other: Names) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.refused += other.refused;
        self.distinct.merge(&other.distinct);
        self.top.merge(other.top);
        self.counts
            .iter_mut()
            .zip(other.counts)
            .for_each(|(mine, theirs)| *mine += theirs);
        self.seen = match (self.seen.take(), other.seen) {
            (Some(mut mine), Some(theirs)) => {
                mine.extend(theirs);
                Some(mine).filter(|seen| seen.len() <= SEEN_CAP)
            }
            _ => None,
        };
    }

    fn freeze(&self) -> CategoryBins {
        let top = self
            .top
            .top()
            .into_iter()
            .map(|(name, hash, _)| (name.to_owned(), hash))
            .collect();
        CategoryBins::new(
            top,
            self.seen
                .as_ref()
                .map(|seen| seen.iter().copied().collect()),
        )
    }

    fn close(self) -> Summary {
        let counts = categorical(&self.bins).map(|bins| {
            let top = bins.names().len();
            Counts::Categorical {
                top: self.counts[..top].to_vec(),
                other: self.counts[top],
                unseen: self.counts[top + 1],
            }
        });
        let unseen = match &counts {
            Some(Counts::Categorical { unseen, .. }) => *unseen,
            _ => 0,
        };
        Summary {
            kind: Kind::Categorical,
            rows: self.rows,
            nulls: self.nulls,
            nans: 0,
            infinities: 0,
            zeros: 0,
            outliers: 0,
            imputed: None,
            invalid: match self.allowed {
                Some(_) => self.refused,
                None => unseen,
            },
            moments: None,
            quantiles: None,
            distinct: self.distinct.estimate(),
            top: self
                .top
                .top()
                .into_iter()
                .map(|(name, _, count)| (name.to_owned(), count))
                .collect(),
            top_error: self.top.error(),
            counts,
        }
    }
}

fn categorical(bins: &Option<Arc<Bins>>) -> Option<&CategoryBins> {
    match bins.as_deref() {
        Some(Bins::Categorical(bins)) => Some(bins),
        _ => None,
    }
}

const _: () = assert!(
    categories::SHOWN == 50,
    "the documentation of Summary::top and of the bins says 50"
);

/// Counts codes into `lanes` histograms of `len + 2` slots each: the codes, nulls, and codes out of range.
fn count_codes(
    codes: &[i32],
    validity: &Validity<'_>,
    first_block: usize,
    len: usize,
    lanes: usize,
    counts: &mut [u32],
) {
    let slots = len + 2;
    let lane_mask = lanes - 1;
    let slot = |code: i32| (code as u32 as usize).min(len + 1);
    for (block, rows) in codes.chunks(64).enumerate() {
        let word = validity.word(first_block + block);
        if rows.len() == 64 && word == u64::MAX {
            for (row, &code) in rows.iter().enumerate() {
                // A code equal to `len` is out of range too, and must not count as a null.
                let slot = slot(code);
                let slot = if slot == len { len + 1 } else { slot };
                counts[(row & lane_mask) * slots + slot] += 1;
            }
        } else {
            for (row, &code) in rows.iter().enumerate() {
                let slot = slot(code);
                let slot = if slot == len { len + 1 } else { slot };
                let slot = if word >> row & 1 == 1 { slot } else { len };
                counts[(row & lane_mask) * slots + slot] += 1;
            }
        }
    }
}
