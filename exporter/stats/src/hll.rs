//! Distinct count: HyperLogLog with 4,096 registers (p = 12), standard error 1.04/√4096 = 1.6 %.
//!
//! Flajolet, Fusy, Gandouet and Meunier (2007); estimated with the improved raw estimator of Ertl,
//! "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6, which needs neither a
//! bias table nor a switch to linear counting.

const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;
/// Hash bits that are left for the run of zeros.
const RUN_BITS: u32 = 64 - PRECISION;

/// The sketch. Merging takes the larger register: associative, commutative, idempotent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hll {
    registers: Box<[u8; REGISTERS]>,
    /// No register is below this, so a hash whose run is not longer changes nothing.
    lowest: u32,
}

impl Hll {
    pub(crate) fn new() -> Self {
        Hll {
            registers: Box::new([0; REGISTERS]),
            lowest: 0,
        }
    }

    /// Takes in one hash.
    #[inline(always)]
    pub(crate) fn insert(&mut self, hash: u64) {
        let register = (hash >> RUN_BITS) as usize;
        let run = (hash | 1 << RUN_BITS).trailing_zeros() as u8 + 1;
        if run > self.registers[register] {
            self.registers[register] = run;
        }
    }

    /// A hash with any of these bits set changes no register.
    #[inline(always)]
    pub(crate) fn idle_bits(&self) -> u64 {
        (1 << self.lowest) - 1
    }

    /// Finds the lowest register anew; called once per batch.
    pub(crate) fn settle(&mut self) {
        self.lowest = u32::from(
            self.registers
                .iter()
                .fold(u8::MAX, |lowest, &register| lowest.min(register)),
        );
    }

    /// The sketch of both sets' union.
    pub(crate) fn merge(&mut self, other: &Hll) {
        for (mine, theirs) in self.registers.iter_mut().zip(other.registers.iter()) {
            *mine = (*mine).max(*theirs);
        }
        self.settle();
    }

    /// Estimated number of distinct values among so many: a whole number, and no more than there are values.
    pub(crate) fn distinct_of(&self, values: u64) -> f64 {
        self.estimate().round().min(values as f64)
    }

    /// Estimated number of distinct hashes.
    pub(crate) fn estimate(&self) -> f64 {
        let longest = RUN_BITS as usize + 1;
        let mut counts = [0u32; RUN_BITS as usize + 2];
        for &register in self.registers.iter() {
            counts[usize::from(register)] += 1;
        }
        let m = REGISTERS as f64;
        let mut z = m * tau(1.0 - f64::from(counts[longest]) / m);
        for &count in counts[1..longest].iter().rev() {
            z = 0.5 * (z + f64::from(count));
        }
        z += m * sigma(f64::from(counts[0]) / m);
        // z is infinite exactly when every register is empty.
        m * m / (2.0 * std::f64::consts::LN_2) / z
    }
}

/// σ(x) = x + Σ x^(2^k)·2^(k−1), Ertl's equation 13; infinite at 1.
fn sigma(x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut weight, mut sum) = (x, 1.0, x);
    loop {
        x *= x;
        let next = sum + x * weight;
        weight *= 2.0;
        if next == sum {
            return sum;
        }
        sum = next;
    }
}

/// τ(x) = ⅓(1 − x − Σ (1 − x^(2^−k))²·2^−k), Ertl's equation 17.
fn tau(x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut x, mut weight, mut sum) = (x, 1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        weight *= 0.5;
        let next = sum - (1.0 - x).powi(2) * weight;
        if next == sum {
            return sum / 3.0;
        }
        sum = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;
    use proptest::prelude::*;

    fn sketch(values: impl IntoIterator<Item = u64>) -> Hll {
        let mut hll = Hll::new();
        values
            .into_iter()
            .for_each(|value| hll.insert(hash::mix(value)));
        hll.settle();
        hll
    }

    proptest! {
        #[test]
        fn merge_is_the_union(a in prop::collection::vec(any::<u64>(), 0..300), b in prop::collection::vec(any::<u64>(), 0..300)) {
            let mut ab = sketch(a.clone());
            ab.merge(&sketch(b.clone()));
            let mut ba = sketch(b.clone());
            ba.merge(&sketch(a.clone()));
            prop_assert_eq!(&ab, &ba);
            prop_assert_eq!(ab, sketch(a.into_iter().chain(b)));
        }
    }

    #[test]
    fn the_estimate_is_within_four_standard_errors() {
        assert_eq!(sketch([]).estimate(), 0.0);
        for n in [
            1u64, 10, 100, 1_000, 4_096, 10_000, 20_000, 100_000, 1_000_000,
        ] {
            let estimate = sketch(0..n).estimate();
            let error = (estimate / n as f64 - 1.0).abs();
            assert!(error < 4.0 * 0.0163, "{n}: {estimate}");
            assert!(
                n > 10 || (estimate - n as f64).abs() < 0.1,
                "{n}: {estimate}"
            );
        }
    }

    /// The estimate of 2,468 other values may be above or below; there are never more distinct values than values.
    #[test]
    fn distinct_values_are_whole_and_no_more_than_the_values() {
        assert_eq!(sketch([]).distinct_of(0), 0.0);
        assert_eq!(sketch(0..3).distinct_of(40), 3.0);
        for seed in 0..20u64 {
            let values = (0..2_468).map(|value| value + seed * 10_000);
            let distinct = sketch(values).distinct_of(2_468);
            assert!(distinct <= 2_468.0 && distinct.fract() == 0.0, "{distinct}");
        }
    }

    #[test]
    fn hashes_with_idle_bits_change_nothing() {
        let hll = sketch(0..200_000);
        assert!(hll.idle_bits() > 0);
        let mut next = hll.clone();
        (200_000..400_000u64)
            .map(hash::mix)
            .filter(|hash| hash & hll.idle_bits() != 0)
            .for_each(|hash| next.insert(hash));
        assert_eq!(next, hll);
    }
}
