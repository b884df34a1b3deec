//! The kernels of a numeric profile one at a time, for the benches; a profile runs them together.

use crate::bins::Bins;
use crate::grid::Grid;
use crate::hll::Hll;
use crate::moments::Accumulator;
use crate::profile::{CHUNK, count_distinct};

/// One kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Moments, extremes and counts of what is not finite.
    Moments,
    /// Counts over the fine bins.
    Bins,
    /// HyperLogLog.
    Distinct,
}

/// All kernels.
pub const ALL: [Kernel; 3] = [Kernel::Moments, Kernel::Bins, Kernel::Distinct];

impl std::fmt::Display for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kernel::Moments => "moments",
            Kernel::Bins => "bins",
            Kernel::Distinct => "distinct",
        })
    }
}

/// What the kernels write to.
#[derive(Debug, Clone)]
pub struct State {
    moments: Accumulator,
    distinct: Hll,
    grid: Grid,
    counts: Vec<u32>,
}

impl State {
    /// Nothing counted yet; categorical bins are taken as one bin.
    pub fn new(bins: &Bins) -> Self {
        let grid = match bins {
            Bins::Numeric(bins) => bins.grid().clone(),
            Bins::Categorical(_) => Grid::new(&[]),
        };
        State {
            moments: Accumulator::EMPTY,
            distinct: Hll::new(),
            counts: vec![0; 2 * grid.slots()],
            grid,
        }
    }

    /// Runs one kernel over one batch without nulls.
    pub fn run(&mut self, kernel: Kernel, batch: &[f64]) {
        pulp::Arch::new().dispatch(Run {
            state: self,
            kernel,
            batch,
        });
        match kernel {
            // A batch cannot overflow the counts; many would.
            Kernel::Bins => self.counts.fill(0),
            Kernel::Distinct => self.distinct.settle(),
            Kernel::Moments => {}
        }
    }
}

struct Run<'a> {
    state: &'a mut State,
    kernel: Kernel,
    batch: &'a [f64],
}

impl pulp::WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let State {
            moments,
            distinct,
            grid,
            counts,
        } = self.state;
        for chunk in self.batch.chunks(CHUNK) {
            match self.kernel {
                Kernel::Moments => {
                    moments.update(simd, chunk);
                }
                Kernel::Bins => grid.count::<CHUNK>(chunk, counts),
                Kernel::Distinct => count_distinct(distinct, chunk),
            }
        }
    }
}
