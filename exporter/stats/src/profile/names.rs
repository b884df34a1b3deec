//! Names of one feature over one window, while they arrive.

use std::collections::HashSet;
use std::sync::Arc;

use super::CHUNK;
use crate::association::ABSENT;
use crate::bins::{Bins, CategoryBins};
use crate::categories::{self, TopNames};
use crate::column::{Categories, ColumnError, Kind, Validity};
use crate::hash;
use crate::hll::Hll;
use crate::summary::{Counts, Summary};
use crate::unseen::WindowNames;

/// Dictionaries up to this size keep each code's hash and bin while their generation stays.
const RESOLVED_CAP: usize = 65_536;
/// Hashes of seen names that are kept for freezing.
const SEEN_CAP: usize = 65_536;
/// What is known about a dictionary code.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Code {
    Unknown,
    Null,
    Name { hash: u64, bin: u32, allowed: bool },
}

/// What is counted of names.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) rows: u64,
    pub(super) nulls: u64,
    distinct: Hll,
    pub(super) top: TopNames,
    /// Hashes of all names; only without bins, `None` once they are too many.
    seen: Option<HashSet<u64>>,
    pub(super) bins: Option<Arc<Bins>>,
    /// Hashes of the names that are allowed; without, those that the bins have seen.
    pub(super) allowed: Option<Arc<HashSet<u64>>>,
    refused: u64,
    /// The rows of each name that the bins have seen; only while a baseline is made.
    remembered: Option<WindowNames>,
    counts: Vec<u64>,
    generation: Option<u64>,
    codes: Vec<Code>,
    /// Rows per code of one batch, then nulls, then codes out of range.
    batch: Vec<u32>,
}

impl Names {
    pub(super) fn new(bins: Option<Arc<Bins>>) -> Self {
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
            remembered: None,
            generation: None,
            codes: Vec::new(),
            batch: Vec::new(),
        }
    }

    pub(super) fn update(
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
                // The last bin is that of names that were not seen.
                let seen = bin as usize + 1 < self.counts.len();
                if let Some(remembered) = self.remembered.as_mut().filter(|_| seen) {
                    remembered.add(hash, count);
                }
            }
            _ => self.nulls += count,
        }
    }

    /// The bin of a valid code's name, [`ABSENT`] where the dictionary has a null.
    pub(super) fn bin(&self, code: i32, categories: &Categories<'_>) -> u32 {
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

    pub(super) fn merge(&mut self, other: Names) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.refused += other.refused;
        self.remembered = match (self.remembered.take(), other.remembered) {
            (Some(mut mine), Some(theirs)) => {
                mine.merge(theirs);
                Some(mine)
            }
            _ => None,
        };
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

    /// Remembers the rows of each name, where the bins are of more names than have one of their own.
    pub(super) fn remember(&mut self) {
        let open = categorical(&self.bins).is_some_and(CategoryBins::is_open);
        self.remembered = open.then(WindowNames::default);
    }

    /// What was remembered.
    pub(super) fn take_names(&mut self) -> Option<WindowNames> {
        self.remembered.take()
    }

    pub(super) fn freeze(&self) -> CategoryBins {
        let top = self
            .top
            .binned()
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

    pub(super) fn close(self) -> Summary {
        let counts = categorical(&self.bins).map(|bins| {
            let top = bins.names().len();
            Counts::Categorical {
                top: self.counts[..top].to_vec(),
                other: self.counts[top],
                unseen: self.counts[top + 1],
                alone: 0,
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
            distinct: self.distinct.distinct_of(self.rows - self.nulls),
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
