//! A uniform sample of a stream, for quantiles: every value up to 80,000, a random 40,000 to 80,000 beyond.
//!
//! Each value is kept with probability 2^−level: one at random of each block of 2^level rows. When the sample
//! overflows, one of each pair of neighbours is kept and the level rises; rows between two that are taken are
//! skipped without being looked at, so that a row costs nothing unless it is taken. With at least 40,000 values the rank error is at most 1 % with more than 99.9 %
//! confidence: P(sup|F̂−F| > ε) ≤ 2·exp(−2nε²) = 0.0007 (Dvoretzky–Kiefer–Wolfowitz with Massart's constant 1990).

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// The most values that are kept.
pub(crate) const CAP: usize = 80_000;
/// Rank error of a sample that is not complete, at 99.9 % confidence.
pub(crate) const RANK_ERROR: f64 = 0.01;

/// The sample. It allocates nothing before the first value.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    values: Vec<f64>,
    level: u32,
    /// Rows to pass before the next one is taken; only used from level 1 on.
    gap: u64,
    /// Rows of the block behind that one.
    block: u64,
    rng: SmallRng,
}

impl Sample {
    pub(crate) fn new(seed: u64) -> Self {
        Sample {
            values: Vec::new(),
            level: 0,
            gap: 0,
            block: 0,
            rng: SmallRng::seed_from_u64(seed),
        }
    }

    /// Takes in a chunk; what is not finite takes part in the draw but is never kept.
    pub(crate) fn update(&mut self, chunk: &[f64]) {
        let mut rest = chunk;
        while !rest.is_empty() {
            if self.values.len() >= CAP {
                self.halve();
                self.begin_block();
            }
            if self.level == 0 {
                let room = CAP - self.values.len();
                let (now, later) = rest.split_at(room.min(rest.len()));
                self.reserve(now.len());
                self.values
                    .extend(now.iter().filter(|value| value.is_finite()));
                rest = later;
            } else if self.gap >= rest.len() as u64 {
                self.gap -= rest.len() as u64;
                return;
            } else {
                // The gap is below the length of a slice here.
                let (taken, later) = (rest[self.gap as usize], &rest[self.gap as usize + 1..]);
                if taken.is_finite() {
                    self.values.push(taken);
                }
                let left = self.block;
                self.begin_block();
                self.gap = self.gap.saturating_add(left);
                rest = later;
            }
        }
    }

    /// Grows by doubling, but never beyond the cap.
    fn reserve(&mut self, more: usize) {
        let need = self.values.len() + more;
        if need > self.values.capacity() {
            let target = (2 * need).min(CAP);
            self.values.reserve_exact(target - self.values.len());
        }
    }

    /// Begins a block of 2^level rows: the row to take is any of them.
    fn begin_block(&mut self) {
        self.block = 1u64 << self.level.min(63);
        self.gap = self.rng.random::<u64>() & (self.block - 1);
        self.block -= self.gap + 1;
    }

    /// Keeps one of each pair of neighbours. Neighbours arrived together, so this is a stratified half, whose
    /// ranks err no more than those of a simple random half.
    fn halve(&mut self) {
        let pairs = self.values.len() / 2;
        let odd = (self.values.len() % 2 == 1).then(|| self.values[2 * pairs]);
        let mut bits = 0u64;
        for pair in 0..pairs {
            if pair % 64 == 0 {
                bits = self.rng.random();
            }
            self.values[pair] = self.values[2 * pair + (bits & 1) as usize];
            bits >>= 1;
        }
        self.values.truncate(pairs);
        if let Some(last) = odd
            && self.rng.random()
        {
            self.values.push(last);
        }
        self.level += 1;
    }

    /// Brings both to the higher level and joins them.
    pub(crate) fn merge(&mut self, mut other: Sample) {
        while self.level < other.level {
            self.halve();
        }
        while other.level < self.level {
            other.halve();
        }
        while self.values.len() + other.values.len() > CAP {
            self.halve();
            other.halve();
        }
        self.values.reserve_exact(other.values.len());
        self.values.append(&mut other.values);
        if self.level > 0 {
            self.begin_block();
        }
    }

    /// Whether every finite value was kept.
    pub(crate) fn is_complete(&self) -> bool {
        self.level == 0
    }

    /// The kept values, in no order.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The kept values, in no order, to be reordered.
    pub(crate) fn into_values(self) -> Vec<f64> {
        self.values
    }
}

/// Quantiles at `probabilities` (rising) by linear interpolation between order statistics, numpy's default:
/// h = (n−1)·p, x₍⌊h⌋₎ + (h−⌊h⌋)·(x₍⌊h⌋+1₎ − x₍⌊h⌋₎). Reorders `values`; `None` when there is none.
pub(crate) fn quantiles<const K: usize>(
    values: &mut [f64],
    probabilities: [f64; K],
) -> Option<[f64; K]> {
    let last = values.len().checked_sub(1)?;
    let at = probabilities.map(|p| p * last as f64);
    let mut ranks: Vec<usize> = at
        .iter()
        .flat_map(|h| [h.floor() as usize, (h.floor() as usize + 1).min(last)])
        .collect();
    ranks.sort_unstable();
    ranks.dedup();
    place(values, 0, &ranks);
    Some(at.map(|h| {
        let low = h.floor() as usize;
        interpolate(values[low], values[(low + 1).min(last)], h - h.floor())
    }))
}

/// Puts the order statistics of `ranks` into their places, middle rank first, without sorting the rest.
fn place(values: &mut [f64], offset: usize, ranks: &[usize]) {
    let Some(&rank) = ranks.get(ranks.len() / 2) else {
        return;
    };
    let (left, _, right) = values.select_nth_unstable_by(rank - offset, f64::total_cmp);
    place(left, offset, &ranks[..ranks.len() / 2]);
    place(right, rank + 1, &ranks[ranks.len() / 2 + 1..]);
}

/// `low + t·(high − low)`, without leaving the range when the difference overflows.
pub(crate) fn interpolate(low: f64, high: f64, t: f64) -> f64 {
    let step = high - low;
    if step.is_finite() {
        (low + t * step).clamp(low, high)
    } else {
        low * (1.0 - t) + high * t
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_small_stream_is_kept_whole(a in prop::collection::vec(any::<f64>(), 0..300), b in prop::collection::vec(any::<f64>(), 0..300)) {
            let (mut left, mut right) = (Sample::new(1), Sample::new(2));
            a.chunks(7).for_each(|chunk| left.update(chunk));
            right.update(&b);
            left.merge(right);
            let mut expected: Vec<f64> = a.into_iter().chain(b).filter(|value| value.is_finite()).collect();
            let mut kept = left.values().to_vec();
            kept.sort_by(f64::total_cmp);
            expected.sort_by(f64::total_cmp);
            prop_assert!(left.is_complete());
            prop_assert_eq!(kept, expected);
        }
    }

    /// Ranks of a known permutation: the largest |F̂ − F| is within the stated error, alone and merged.
    #[test]
    fn ranks_of_a_long_stream_are_within_one_percent() {
        let n = 1_000_000u64;
        let value = |i: u64| ((i * 7_919 + 13) % n) as f64;
        let mut parts: Vec<Sample> = (0..3).map(Sample::new).collect();
        // Parts of very different length, and so of different levels.
        let cuts = [0, 30_000, 250_000, n];
        for (part, cut) in parts.iter_mut().zip(cuts.windows(2)) {
            let values: Vec<f64> = (cut[0]..cut[1]).map(value).collect();
            values.chunks(1000).for_each(|chunk| part.update(chunk));
        }
        let mut whole = parts.remove(2);
        parts.into_iter().for_each(|part| whole.merge(part));
        let mut kept = whole.into_values();
        assert!((40_000..=CAP).contains(&kept.len()), "{}", kept.len());
        kept.sort_by(f64::total_cmp);
        let m = kept.len() as f64;
        let worst = kept
            .iter()
            .enumerate()
            .map(|(i, v)| (i as f64 / m - v / n as f64).abs())
            .fold(0.0, f64::max);
        assert!(worst < RANK_ERROR, "{worst}");
    }

    #[test]
    fn quantiles_are_numpys() {
        let mut values = vec![3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        // numpy.quantile([3,1,4,1,5,9,2,6], [.01, .25, .5, .75, .99])
        let expected = [1.0, 1.75, 3.5, 5.25, 8.79];
        let found = quantiles(&mut values, [0.01, 0.25, 0.5, 0.75, 0.99]).unwrap();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        let found = quantiles(
            &mut crate::oracle::reference(),
            crate::summary::PROBABILITIES,
        )
        .unwrap();
        for (found, expected) in found
            .iter()
            .zip(crate::oracle::row("quantiles of reference"))
        {
            crate::oracle::check(*found, expected, 1e-12);
        }
        assert_eq!(quantiles::<1>(&mut [], [0.5]), None);
        assert_eq!(quantiles(&mut [f64::MAX, -f64::MAX], [0.5]), Some([0.0]));
    }
}
