//! Mid-ranks of a numeric column over some of its rows.

use crate::missingness::Indicator;
use crate::ranks::Ranks;

/// How many sums are kept side by side, so that a processor adds several at once.
pub(crate) const LANES: usize = 16;

/// Mid-ranks of a column's distinct values over some of its rows, less their mean. They are kept doubled, which makes them
/// whole; the room that they take is used again.
#[derive(Default)]
pub(crate) struct MidRanks {
    /// One entry a distinct value, and a 0.
    twice: Vec<i32>,
    n: f64,
    /// Sums over the rows of the squares and of the fourth powers of these.
    squares: f64,
    fourths: f64,
}

impl MidRanks {
    /// Of a column without the rows that are missing in `others`, which leaves `n` with a value.
    pub fn of(&mut self, ranks: &Ranks, others: &Indicator, n: u64) {
        let MidRanks { twice, .. } = self;
        // First how often each occurs.
        twice.clear();
        twice.extend(ranks.counts.iter().map(|count| *count as i32));
        for row in others.missing() {
            // A row that has no value here has no rank.
            let rank = ranks.rows.get(row);
            if let Some(count) = rank.and_then(|rank| twice.get_mut(*rank as usize)) {
                *count -= 1;
            }
        }
        self.n = n as f64;
        (self.squares, self.fourths) = pulp::Arch::new().dispatch(Ranked {
            counts: twice,
            n: n as i32,
        });
        twice.push(0);
    }

    /// To look them up.
    #[inline(always)]
    pub fn table(&self) -> Table<'_> {
        Table {
            twice: &self.twice,
            last: self.twice.len().saturating_sub(1),
        }
    }

    /// What [`Table::twice`] times this has a mean square of 1; `None` when only one value occurs.
    pub fn unit(&self) -> Option<f64> {
        (self.squares > 0.0).then(|| (self.n / self.squares).sqrt())
    }

    /// The mean fourth power in that unit.
    pub fn mean_fourth(&self) -> f64 {
        self.fourths * self.n / (self.squares * self.squares)
    }
}

/// Doubled mid-ranks by the position of a value among the distinct ones.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    twice: &'a [i32],
    last: usize,
}

impl Table<'_> {
    /// Of the value with this position, less the mean; 0 for no value.
    #[inline(always)]
    pub fn twice(self, rank: u32) -> i32 {
        // What is beyond the last is the last, which is 0: without a branch.
        let entry = self.twice.get((rank as usize).min(self.last));
        entry.copied().unwrap_or(0)
    }
}

/// Makes doubled mid-ranks less their mean of how often each value occurs; gives the sums of their squares and fourth powers.
struct Ranked<'a> {
    counts: &'a mut [i32],
    n: i32,
}

impl pulp::WithSimd for Ranked<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> (f64, f64) {
        let Ranked { counts, n } = self;
        let mut sums = ([0.0; LANES], [0.0; LANES]);
        let mut below = 0;
        let (blocks, rest) = counts.as_chunks_mut();
        for block in blocks {
            rank(block, &mut below, n, &mut sums);
        }
        let mut last = [0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        rank(&mut last, &mut below, n, &mut sums);
        rest.copy_from_slice(&last[..rest.len()]);
        (sums.0.iter().sum(), sums.1.iter().sum())
    }
}

/// Ranks some values, of which `below` rows are below the first.
#[inline(always)]
fn rank(
    block: &mut [i32; LANES],
    below: &mut i32,
    n: i32,
    (squares, fourths): &mut ([f64; LANES], [f64; LANES]),
) {
    let counts = *block;
    for lane in 0..LANES {
        block[lane] = 2 * *below + counts[lane] - n;
        *below += counts[lane];
    }
    for lane in 0..LANES {
        let (count, rank) = (f64::from(counts[lane]), f64::from(block[lane]));
        let square = rank * rank;
        squares[lane] += count * square;
        fourths[lane] += count * square * square;
    }
}
