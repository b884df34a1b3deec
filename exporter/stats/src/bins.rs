//! Bins frozen from a baseline's pooled sample, never taken from the data that is judged.
//!
//! Fine bins: 1,024 equal-frequency bins, refined towards both ends; a value that holds at least 1/1,024 of the
//! sample has a point bin `[v, next_up(v))` of its own; with at most 50 distinct values every value has one. The
//! end bins are open. Coarse bins are unions of fine ones: deciles, a value that holds at least a tenth apart;
//! with at most 50 distinct values a bin per value. KS and Wasserstein read the fine bins, the others the coarse.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::association::ABSENT;
use crate::column::Kind;
use crate::grid::Grid;
use crate::sample::interpolate;

/// Equal-frequency fine bins, and the part of a baseline's sample that a value must hold to have a point bin.
pub(crate) const FINE: usize = 1024;
/// Equal-frequency coarse bins.
const COARSE: usize = 10;
/// A feature with at most this many distinct values has a bin per value.
const VALUE_BINS: usize = 50;
/// More edges than freezing can make: quantiles, points with two edges each, deciles, refinements of the ends.
const MAX_EDGES: usize = 8192;

/// One feature's frozen bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Bins {
    /// Of a numeric feature.
    Numeric(NumericBins),
    /// Of a categorical feature.
    Categorical(CategoryBins),
}

impl Bins {
    /// Numeric or categorical.
    pub fn kind(&self) -> Kind {
        match self {
            Bins::Numeric(_) => Kind::Numeric,
            Bins::Categorical(_) => Kind::Categorical,
        }
    }
}

/// Bins that were saved cannot be what freezing made.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("damaged bins: {0}")]
pub struct DamagedBins(&'static str);

/// The bins of a numeric feature: bin 0 lies below `edges[0]`, bin `i` is `[edges[i−1], edges[i])`, the last one
/// is open above.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "FrozenNumbers", into = "FrozenNumbers")]
pub struct NumericBins {
    frozen: FrozenNumbers,
    grid: Grid,
}

/// What is saved of numeric bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FrozenNumbers {
    /// Strictly rising and finite.
    edges: Vec<f64>,
    /// Indices into `edges` where a new coarse bin begins, rising.
    coarse: Vec<u32>,
    /// The unit of Wasserstein: interquartile range of the pooled sample, else its standard deviation.
    spread: Option<f64>,
}

impl PartialEq for NumericBins {
    fn eq(&self, other: &Self) -> bool {
        self.frozen == other.frozen
    }
}

impl From<NumericBins> for FrozenNumbers {
    fn from(bins: NumericBins) -> Self {
        bins.frozen
    }
}

impl TryFrom<FrozenNumbers> for NumericBins {
    type Error = DamagedBins;

    fn try_from(frozen: FrozenNumbers) -> Result<Self, DamagedBins> {
        if frozen.edges.len() > MAX_EDGES {
            return Err(DamagedBins("more edges than freezing makes"));
        }
        if frozen.edges.iter().any(|edge| !edge.is_finite())
            || !frozen.edges.is_sorted_by(|a, b| a < b)
        {
            return Err(DamagedBins("edges do not rise"));
        }
        if !frozen.coarse.is_sorted_by(|a, b| a < b)
            || frozen
                .coarse
                .last()
                .is_some_and(|&last| last as usize >= frozen.edges.len())
        {
            return Err(DamagedBins("coarse bins do not lie on the edges"));
        }
        if frozen
            .spread
            .is_some_and(|spread| !(spread > 0.0 && spread.is_finite()))
        {
            return Err(DamagedBins("the spread is not a positive number"));
        }
        let grid = Grid::new(&frozen.edges);
        Ok(NumericBins { frozen, grid })
    }
}

impl NumericBins {
    /// Freezes bins from a sample of finite values. Without a value there is one bin.
    pub fn freeze(mut sample: Vec<f64>) -> Self {
        sample.retain(|value| value.is_finite());
        sample.iter_mut().for_each(|value| *value += 0.0);
        sample.sort_unstable_by(f64::total_cmp);
        let runs: Vec<(f64, usize)> = sample
            .chunk_by(|a, b| a == b)
            .map(|run| (run[0], run.len()))
            .collect();
        let (mut fine, mut coarse) = (Vec::new(), Vec::new());
        if runs.len() <= VALUE_BINS {
            fine = point_edges(runs.iter().map(|(value, _)| *value));
            coarse = fine.clone();
        } else {
            let total = sample.len();
            let heavy = |bins: usize| {
                point_edges(
                    runs.iter()
                        .filter(|(_, n)| n * bins >= total)
                        .map(|(value, _)| *value),
                )
            };
            coarse.extend((1..COARSE).map(|k| quantile(&sample, k as f64 / COARSE as f64)));
            coarse.extend(heavy(COARSE));
            fine.extend((1..FINE).map(|k| quantile(&sample, k as f64 / FINE as f64)));
            fine.extend(end_edges(&sample));
            fine.extend(heavy(FINE));
            fine.extend(&coarse);
        }
        let (fine, coarse) = (rising(fine), rising(coarse));
        let coarse = coarse
            .iter()
            .map(|edge| fine.partition_point(|fine| fine < edge) as u32)
            .collect();
        let grid = Grid::new(&fine);
        NumericBins {
            frozen: FrozenNumbers {
                edges: fine,
                coarse,
                spread: spread(&sample),
            },
            grid,
        }
    }

    /// The fine edges, strictly rising; there is one bin more than edges.
    pub fn edges(&self) -> &[f64] {
        &self.frozen.edges
    }

    /// The coarse edges, strictly rising; there is one coarse bin more than edges.
    pub fn coarse_edges(&self) -> Vec<f64> {
        self.frozen
            .coarse
            .iter()
            .map(|&edge| self.frozen.edges[edge as usize])
            .collect()
    }

    /// Number of coarse bins.
    pub fn coarse_len(&self) -> usize {
        self.frozen.coarse.len() + 1
    }

    /// The coarse bin of every value, [`ABSENT`] for NaN.
    pub fn coarse_codes(&self, values: &[f64]) -> Vec<u32> {
        let edges = &self.frozen.coarse;
        let of_bin = |bin: usize| edges.partition_point(|&edge| (edge as usize) < bin) as u32;
        let mut of_bins: Vec<u32> = (0..self.grid.bins()).map(of_bin).collect();
        of_bins.push(ABSENT);
        let mut codes = Vec::with_capacity(values.len());
        self.grid.each(values, |bin| codes.push(of_bins[bin]));
        codes
    }

    /// Sums counts of fine bins into counts of coarse bins.
    pub fn coarse(&self, fine: &[u64]) -> Vec<u64> {
        let mut from = 0;
        let ends = self
            .frozen
            .coarse
            .iter()
            .map(|&edge| edge as usize + 1)
            .chain([usize::MAX]);
        ends.map(|end| {
            let end = end.min(fine.len());
            let sum = fine[from.min(end)..end].iter().sum();
            from = end;
            sum
        })
        .collect()
    }

    /// Whether fine bin `bin` holds one value only, so that counting loses nothing there.
    pub fn is_point(&self, bin: usize) -> bool {
        let edges = &self.frozen.edges;
        bin > 0 && bin < edges.len() && edges[bin] <= edges[bin - 1].next_up()
    }

    /// Whether fine bin `bin` has no end below or above.
    pub fn is_open(&self, bin: usize) -> bool {
        bin == 0 || bin >= self.frozen.edges.len()
    }

    /// Number of fine bins.
    pub fn len(&self) -> usize {
        self.grid.bins()
    }

    /// Whether there is nothing to tell apart: a baseline without a value.
    pub fn is_empty(&self) -> bool {
        self.frozen.edges.is_empty()
    }

    /// The unit of Wasserstein, frozen with the edges: interquartile range, else standard deviation; `None` when
    /// both are 0.
    pub fn spread(&self) -> Option<f64> {
        self.frozen.spread
    }

    pub(crate) fn grid(&self) -> &Grid {
        &self.grid
    }
}

/// Both edges of a point bin, for each value.
fn point_edges(values: impl Iterator<Item = f64>) -> Vec<f64> {
    values.flat_map(|value| [value, value.next_up()]).collect()
}

/// The smallest value, the edge above the largest, and between them and the outermost quantiles bins of half the
/// share each, down to one value: a heavy tail would otherwise put all its length into one bin.
fn end_edges(sample: &[f64]) -> Vec<f64> {
    let mut edges: Vec<f64> = sample
        .first()
        .into_iter()
        .chain(sample.last())
        .copied()
        .collect();
    edges.extend(sample.last().map(|largest| largest.next_up()));
    let mut share = 0.5 / FINE as f64;
    while share * sample.len() as f64 >= 1.0 {
        edges.extend([quantile(sample, share), quantile(sample, 1.0 - share)]);
        share *= 0.5;
    }
    edges
}

/// Linear interpolation between order statistics, as [`crate::Quantiles`]; `sample` is sorted and not empty.
fn quantile(sample: &[f64], p: f64) -> f64 {
    let h = p * (sample.len() - 1) as f64;
    let low = h.floor() as usize;
    interpolate(
        sample[low],
        sample[(low + 1).min(sample.len() - 1)],
        h - h.floor(),
    )
}

fn rising(mut edges: Vec<f64>) -> Vec<f64> {
    edges.retain(|edge| edge.is_finite());
    edges.iter_mut().for_each(|edge| *edge += 0.0);
    edges.sort_unstable_by(f64::total_cmp);
    edges.dedup();
    edges
}

/// Interquartile range, else standard deviation (denominator n), else nothing; `sample` is sorted.
fn spread(sample: &[f64]) -> Option<f64> {
    if sample.is_empty() {
        return None;
    }
    let iqr = quantile(sample, 0.75) - quantile(sample, 0.25);
    let n = sample.len() as f64;
    let mean = sample.iter().map(|value| value / n).sum::<f64>();
    let sigma = || {
        (sample
            .iter()
            .map(|value| (value - mean).powi(2) / n)
            .sum::<f64>())
        .sqrt()
    };
    let spread = if iqr > 0.0 {
        iqr
    } else if sample[0] < sample[sample.len() - 1] {
        sigma()
    } else {
        0.0
    };
    (spread > 0.0 && spread.is_finite()).then_some(spread)
}

/// The bins of a categorical feature: the most frequent names, `__other__`, `__unseen__`. A null is in none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FrozenNames", into = "FrozenNames")]
pub struct CategoryBins {
    frozen: FrozenNames,
    /// Hash and bin of each top name, sorted by hash.
    lookup: Vec<(u64, u32)>,
}

/// What is saved of category bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FrozenNames {
    /// Display names, cut at 256 bytes.
    names: Vec<String>,
    /// Hashes of the whole names.
    hashes: Vec<u64>,
    /// Hashes of all names seen, sorted.
    seen: Vec<u64>,
    /// Whether `seen` holds all of them.
    seen_complete: bool,
}

impl From<CategoryBins> for FrozenNames {
    fn from(bins: CategoryBins) -> Self {
        bins.frozen
    }
}

impl TryFrom<FrozenNames> for CategoryBins {
    type Error = DamagedBins;

    fn try_from(frozen: FrozenNames) -> Result<Self, DamagedBins> {
        if frozen.names.len() != frozen.hashes.len() {
            return Err(DamagedBins("names and hashes differ in number"));
        }
        if !frozen.seen.is_sorted_by(|a, b| a < b) {
            return Err(DamagedBins("seen names are not sorted"));
        }
        let mut lookup: Vec<(u64, u32)> = frozen.hashes.iter().copied().zip(0..).collect();
        lookup.sort_unstable();
        Ok(CategoryBins { frozen, lookup })
    }
}

impl CategoryBins {
    /// The names that have a bin, by falling count, then by name.
    pub fn names(&self) -> &[String] {
        &self.frozen.names
    }

    /// Whether a name that the baseline never saw can be told from one that it saw rarely: up to 65,536 names.
    /// Beyond that every such name counts as `__other__`.
    pub fn tells_unseen(&self) -> bool {
        self.frozen.seen_complete
    }

    /// Whether the baseline has names without a bin of their own, and remembers all: a later window may well have others still.
    pub(crate) fn is_open(&self) -> bool {
        self.frozen.seen_complete && self.frozen.seen.len() > self.frozen.names.len()
    }

    /// `top` are (name, hash) in order, `seen` the hashes of all names, `None` when they were too many.
    pub(crate) fn new(top: Vec<(String, u64)>, seen: Option<Vec<u64>>) -> Self {
        let (names, hashes): (Vec<String>, Vec<u64>) = top.into_iter().unzip();
        let mut lookup: Vec<(u64, u32)> = hashes.iter().copied().zip(0..).collect();
        lookup.sort_unstable();
        let seen_complete = seen.is_some();
        let mut seen = seen.unwrap_or_default();
        seen.sort_unstable();
        seen.dedup();
        CategoryBins {
            frozen: FrozenNames {
                names,
                hashes,
                seen,
                seen_complete,
            },
            lookup,
        }
    }

    /// Bin of a name's hash: its place in `names`, then `__other__`, then `__unseen__`.
    pub(crate) fn bin(&self, hash: u64) -> usize {
        let top = self.frozen.names.len();
        match self.lookup.binary_search_by_key(&hash, |(hash, _)| *hash) {
            Ok(at) => self.lookup[at].1 as usize,
            Err(_)
                if !self.frozen.seen_complete || self.frozen.seen.binary_search(&hash).is_ok() =>
            {
                top
            }
            Err(_) => top + 1,
        }
    }

    /// Number of bins: the names, `__other__` and `__unseen__`.
    pub fn len(&self) -> usize {
        self.frozen.names.len() + 2
    }

    /// Whether the baseline had no name.
    pub fn is_empty(&self) -> bool {
        self.frozen.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::u;

    /// As numpy's `digitize` over the coarse edges; among 2,000 values some lie on an edge.
    #[test]
    fn each_value_has_the_code_of_its_coarse_bin() {
        let mut values = u(2_000, 3);
        values[..300].fill(0.25);
        let bins = NumericBins::freeze(values.clone());
        let edges = bins.coarse_edges();
        values.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 9.0]);
        values.extend(&edges);
        let codes = bins.coarse_codes(&values);
        let expected = values.iter().map(|value| match value.is_nan() {
            true => ABSENT,
            false => edges.iter().filter(|edge| *value >= **edge).count() as u32,
        });
        assert_eq!(codes, expected.collect::<Vec<_>>());
        let largest = codes.iter().filter(|code| **code != ABSENT).max();
        assert_eq!(
            largest.map(|code| *code as usize + 1),
            Some(bins.coarse_len())
        );
        assert!(bins.coarse_len() < bins.len());
        let one = NumericBins::freeze(Vec::new());
        assert_eq!(one.coarse_codes(&[1.0, f64::NAN]), [0, ABSENT]);
    }
}
