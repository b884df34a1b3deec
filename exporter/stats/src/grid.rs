//! Which bin a number falls into, in a handful of instructions: a monotone map of the value to one of 4,096
//! cells, a table of the edges below each cell, and a comparison with the one or two edges inside the cell.
//!
//! Because the map is monotone, also in floating point, all edges of lower cells are at or below the value and
//! all edges of higher cells are above it: the answer is exact, whatever the map. A good map only makes it fast.

/// Number of cells.
const CELLS: usize = 4096;
/// Adding this to a number in `0..2³²` leaves its rounded integer in the low bits of the sum.
const ROUNDER: f64 = 4_503_599_627_370_496.0;

/// A monotone map from values to cells.
#[derive(Debug, Clone, Copy, PartialEq)]
enum CellMap {
    /// Equal steps between two values.
    Linear { low: f64, scale: f64 },
    /// Equal steps in the ordered bits of the value, roughly its logarithm: for skewed features.
    Bits { low: i32, high: i32, shift: u32 },
}

/// The lookup for one feature's edges.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    map: CellMap,
    /// Number of edges in lower cells, per cell; one more cell for NaN leads to the trash bin.
    first: Box<[u16; CELLS + 1]>,
    /// The edges, then NaN, which no value reaches.
    edges: Vec<f64>,
    bins: usize,
}

impl Grid {
    /// A lookup over strictly rising, finite edges, at most `u16::MAX − 2` of them.
    pub(crate) fn new(edges: &[f64]) -> Self {
        let candidates = [0.0, 0.005, 0.02, 0.1]
            .into_iter()
            .filter_map(|cut| linear(edges, cut))
            .chain(bits(edges));
        let map = candidates
            .min_by_key(|map| crowding(edges, *map))
            .unwrap_or(CellMap::Linear {
                low: 0.0,
                scale: 1.0,
            });
        let mut first = Box::new([0u16; CELLS + 1]);
        let mut below = 0;
        for (cell, first) in first[..CELLS].iter_mut().enumerate() {
            while below < edges.len() && (map.cell(edges[below]) as usize) < cell {
                below += 1;
            }
            *first = below as u16;
        }
        let bins = edges.len() + 1;
        first[CELLS] = bins as u16;
        let mut padded = edges.to_vec();
        padded.extend([f64::NAN; 5]);
        Grid {
            map,
            first,
            edges: padded,
            bins,
        }
    }

    /// Number of bins; the index `bins()` is the trash bin of NaN.
    pub(crate) fn bins(&self) -> usize {
        self.bins
    }

    /// Adds every value to the count of its bin. `counts` holds two histograms of [`Grid::slots`] each, one after
    /// the other, so that repeated values do not wait for each other's store.
    #[inline(always)]
    pub(crate) fn count<const CHUNK: usize>(&self, values: &[f64], counts: &mut [u32]) {
        let mut cells = [0u32; CHUNK];
        self.map.cells(values, &mut cells);
        let (even, odd) = counts.split_at_mut(self.slots());
        let first = &*self.first;
        let edges = self.edges.as_slice();
        let mut pairs = values.chunks_exact(2).zip(cells.chunks_exact(2));
        for (pair, cell) in &mut pairs {
            even[locate(pair[0], cell[0], first, edges)] += 1;
            odd[locate(pair[1], cell[1], first, edges)] += 1;
        }
        if let [last] = values.chunks_exact(2).remainder() {
            even[locate(*last, cells[values.len() - 1], first, edges)] += 1;
        }
    }

    /// Calls `each` with the bin of every value, in their order.
    pub(crate) fn each(&self, values: &[f64], mut each: impl FnMut(usize)) {
        let mut cells = [0; 128];
        for chunk in values.chunks(cells.len()) {
            self.map.cells(chunk, &mut cells);
            for (value, cell) in chunk.iter().zip(cells) {
                each(locate(*value, cell, &self.first, &self.edges));
            }
        }
    }

    /// Length of one histogram: the bins and the trash bin.
    pub(crate) fn slots(&self) -> usize {
        self.bins + 1
    }
}

/// Edges at or below the value, given those in lower cells.
#[inline(always)]
fn locate(value: f64, cell: u32, first: &[u16; CELLS + 1], edges: &[f64]) -> usize {
    let below = usize::from(first[(cell as usize).min(CELLS)]);
    let bin = below + usize::from(value >= edges[below]) + usize::from(value >= edges[below + 1]);
    if value >= edges[bin] {
        crowded(value, bin, edges)
    } else {
        bin
    }
}

/// A cell with three edges or more: search the rest.
#[inline(never)]
fn crowded(value: f64, bin: usize, edges: &[f64]) -> usize {
    bin + edges[bin..].partition_point(|edge| value >= *edge)
}

impl CellMap {
    fn cell(self, value: f64) -> u32 {
        let mut cell = [0u32];
        self.cells(&[value], &mut cell);
        cell[0]
    }

    #[inline(always)]
    fn cells(self, values: &[f64], cells: &mut [u32]) {
        const LAST: f64 = (CELLS - 1) as f64;
        match self {
            CellMap::Linear { low, scale } => {
                for (cell, &value) in cells.iter_mut().zip(values) {
                    let step = (value - low) * scale;
                    let step = if step > 0.0 { step } else { 0.0 };
                    let step = if step < LAST { step } else { LAST };
                    let number = (step + ROUNDER).to_bits() as u32;
                    *cell = if value.is_nan() { CELLS as u32 } else { number };
                }
            }
            CellMap::Bits { low, high, shift } => {
                for (cell, &value) in cells.iter_mut().zip(values) {
                    let step = ordered(value).clamp(low, high).wrapping_sub(low) as u32;
                    *cell = if value.is_nan() {
                        CELLS as u32
                    } else {
                        step >> shift
                    };
                }
            }
        }
    }
}

/// The upper half of bits that rise with the value: sign, exponent and 20 bits of the fraction. −0 and 0 are one.
#[inline(always)]
fn ordered(value: f64) -> i32 {
    let bits = ((value + 0.0).to_bits() >> 32) as i32;
    bits ^ ((bits >> 31) as u32 >> 1) as i32
}

/// Equal steps over the edges without the outermost share `cut` on either side.
fn linear(edges: &[f64], cut: f64) -> Option<CellMap> {
    let skip = (edges.len() as f64 * cut) as usize;
    let (low, high) = (*edges.get(skip)?, *edges.get(edges.len() - 1 - skip)?);
    let scale = (CELLS - 1) as f64 / (high - low);
    (scale.is_finite() && scale > 0.0).then_some(CellMap::Linear { low, scale })
}

/// Equal steps over the ordered bits of the edges, a power of two wide.
fn bits(edges: &[f64]) -> Option<CellMap> {
    let (low, high) = (ordered(*edges.first()?), ordered(*edges.last()?));
    let span = high.wrapping_sub(low) as u32;
    let shift = (32 - span.leading_zeros()).saturating_sub(CELLS.trailing_zeros());
    Some(CellMap::Bits { low, high, shift })
}

/// How much slow work a map causes: each bin holds about the same share of values, so a cell with k > 2 edges
/// sends k bins' worth of values into a search.
fn crowding(edges: &[f64], map: CellMap) -> usize {
    let cells: Vec<u32> = edges.iter().map(|edge| map.cell(*edge)).collect();
    cells
        .chunk_by(|a, b| a == b)
        .map(<[u32]>::len)
        .filter(|&k| k > 2)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(mut edges: Vec<f64>, values: Vec<f64>) {
        edges.retain(|edge| edge.is_finite());
        edges.sort_by(f64::total_cmp);
        edges.dedup_by(|a, b| a == b);
        let grid = Grid::new(&edges);
        let mut counts = vec![0; 2 * grid.slots()];
        let mut expected = vec![0; grid.slots()];
        let values: Vec<f64> = values
            .into_iter()
            .chain(edges.iter().flat_map(|e| [e.next_down(), *e, e.next_up()]))
            .collect();
        let mut bins = Vec::new();
        grid.each(&values, |bin| bins.push(bin));
        assert_eq!(bins.len(), values.len());
        for (&value, found) in values.iter().zip(bins) {
            let bin = if value.is_nan() {
                grid.bins()
            } else {
                edges.iter().filter(|edge| value >= **edge).count()
            };
            assert_eq!(found, bin, "{value:e} among {edges:?}");
            expected[bin] += 1;
        }
        values
            .chunks(16)
            .for_each(|chunk| grid.count::<16>(chunk, &mut counts));
        let (even, odd) = counts.split_at(grid.slots());
        let found: Vec<u32> = even.iter().zip(odd).map(|(a, b)| a + b).collect();
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn every_value_finds_its_bin(edges in prop::collection::vec(any::<f64>(), 0..200), values in prop::collection::vec(any::<f64>(), 0..100)) {
            check(edges, values);
        }

        #[test]
        fn also_on_skewed_and_integer_edges(edges in prop::collection::vec(0u32..500, 0..200), power in prop::sample::select(vec![0.2, 1.0, 9.0]), values in prop::collection::vec(0.0..500.0f64, 0..100)) {
            check(edges.into_iter().map(|e| f64::from(e).powf(power)).collect(), values.into_iter().map(|v| v.powf(power)).collect());
        }
    }

    #[test]
    fn special_values_have_a_bin() {
        check(
            vec![],
            vec![0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY],
        );
        check(
            vec![0.0],
            vec![-0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY],
        );
        check(
            vec![-f64::MAX, f64::MAX],
            vec![-0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY],
        );
    }

    #[test]
    fn a_skewed_feature_takes_the_logarithmic_map() {
        let edges: Vec<f64> = (1..1024)
            .map(|i| (f64::from(i) / 128.0 - 4.0).exp().powi(3))
            .collect();
        assert!(matches!(Grid::new(&edges).map, CellMap::Bits { .. }));
    }
}
