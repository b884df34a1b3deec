//! Mid-ranks of a numeric column over the rows of a pair.

use super::values::Numeric;
use crate::missingness::Indicator;

/// How many sums are kept side by side, so that a processor adds several at once.
pub(super) const LANES: usize = 16;

/// Mid-ranks of a column's distinct values over some of its rows, less their mean. They are kept doubled, which makes them
/// whole; the room that they take is used again.
#[derive(Default)]
pub(super) struct MidRanks {
    /// One entry a distinct value.
    twice: Vec<i32>,
    n: f64,
    /// Sums over the rows of the squares and of the fourth powers of these.
    squares: f64,
    fourths: f64,
}

impl MidRanks {
    /// Of a column without the rows that are absent in another one, which leaves `n`.
    pub fn of(&mut self, column: &Numeric, other: &Indicator, n: u64) {
        let MidRanks { twice, .. } = self;
        // First how often each occurs.
        twice.clear();
        twice.extend(column.ranks.counts.iter().map(|count| *count as i32));
        for row in other.missing() {
            // A row that is absent here too has no rank.
            let rank = column.ranks.rows.get(row);
            if let Some(count) = rank.and_then(|rank| twice.get_mut(*rank as usize)) {
                *count -= 1;
            }
        }
        self.n = n as f64;
        (self.squares, self.fourths) = pulp::Arch::new().dispatch(
            #[inline(always)]
            || ranked(twice, n as i32),
        );
    }

    /// Twice the mid-rank of the value with this position less the mean; 0 for no value.
    #[inline(always)]
    pub fn twice(&self, rank: u32) -> f64 {
        f64::from(self.twice.get(rank as usize).copied().unwrap_or(0))
    }

    /// What [`MidRanks::twice`] times this has a mean square of 1; `None` when only one value occurs.
    pub fn unit(&self) -> Option<f64> {
        (self.squares > 0.0).then(|| (self.n / self.squares).sqrt())
    }

    /// The mean fourth power in that unit.
    pub fn mean_fourth(&self) -> f64 {
        self.fourths * self.n / (self.squares * self.squares)
    }
}

/// Makes doubled mid-ranks less their mean of how often each value occurs; gives the sums of their squares and fourth powers.
#[inline(always)]
fn ranked(counts: &mut [i32], n: i32) -> (f64, f64) {
    let (mut squares, mut fourths) = ([0.0f64; LANES], [0.0f64; LANES]);
    let mut below = 0;
    for block in counts.chunks_mut(LANES) {
        let (mut occur, mut ranks) = ([0; LANES], [0; LANES]);
        for lane in 0..block.len() {
            let count = block[lane];
            block[lane] = 2 * below + count - n;
            below += count;
            (occur[lane], ranks[lane]) = (count, block[lane]);
        }
        for lane in 0..LANES {
            let (count, rank) = (f64::from(occur[lane]), f64::from(ranks[lane]));
            let square = rank * rank;
            squares[lane] += count * square;
            fourths[lane] += count * square * square;
        }
    }
    (squares.iter().sum(), fourths.iter().sum())
}
