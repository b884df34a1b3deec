//! Numbers of one feature over one window, while they arrive.

use std::sync::Arc;

use super::CHUNK;
use crate::bins::{Bins, NumericBins};
use crate::column::{Kind, Validity};
use crate::hash;
use crate::hll::Hll;
use crate::imputed::Imputed;
use crate::moments::Accumulator;
use crate::sample::{self, Sample};
use crate::summary::{Counts, PROBABILITIES, Quantiles, Summary, Tail};
use crate::validity;

/// What is counted of numbers.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    pub(super) rows: u64,
    nulls: u64,
    nans: u64,
    zeros: u64,
    infinities: [u64; 2],
    /// The smallest and largest acceptable number; without, all that are finite.
    pub(super) within: Option<(f64, f64)>,
    /// Rows that are not within, nulls included.
    not_within: u64,
    /// Beyond these a number is an outlier.
    pub(super) fences: Option<(f64, f64)>,
    /// Rows that are not between the fences, nulls, NaN and infinities included.
    not_fenced: u64,
    moments: Accumulator,
    distinct: Hll,
    pub(super) sample: Sample,
    pub(super) bins: Option<Arc<Bins>>,
    /// One count per fine bin and the trash bin.
    counts: Vec<u64>,
    /// Two histograms of one batch.
    batch: Vec<u32>,
}

impl Numbers {
    pub(super) fn new(bins: Option<Arc<Bins>>) -> Self {
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

    pub(super) fn update(&mut self, values: &[f64], validity: &Validity<'_>) {
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

    pub(super) fn merge(&mut self, other: Numbers) {
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

    pub(super) fn close(self) -> Summary {
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
            distinct: self
                .distinct
                .distinct_of(self.rows - self.nulls - self.nans),
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
