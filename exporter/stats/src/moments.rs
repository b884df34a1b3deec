//! Count, mean, variance, minimum and maximum of the finite values, and the counts of what is not finite.
//!
//! Each chunk is summed twice while it is in cache (the corrected two-pass algorithm of Chan, Golub and LeVeque
//! 1983), and chunks are merged by their pairwise formula with the mean held in two parts, so that the order of
//! merging changes nothing above rounding.

use pulp::Simd;

use crate::summary::Moments;

/// Values in the widest vector.
const WIDEST: usize = 8;

/// What one pass over a chunk counts besides the moments. Nulls are NaN by then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) nans: u64,
    pub(crate) finite: u64,
    pub(crate) zeros: u64,
}

/// Running moments. The mean is `mean + carry`, both finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Accumulator {
    count: u64,
    mean: f64,
    carry: f64,
    /// Sum of squared deviations from the mean; may overflow to infinity.
    squares: f64,
    min: f64,
    max: f64,
}

impl Accumulator {
    pub(crate) const EMPTY: Accumulator = Accumulator {
        count: 0,
        mean: 0.0,
        carry: 0.0,
        squares: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
    };

    /// Takes in one chunk of values.
    #[inline(always)]
    pub(crate) fn update<S: Simd>(&mut self, simd: S, values: &[f64]) -> Tally {
        let (chunk, tally) = summarise(simd, values);
        self.merge(&chunk);
        tally
    }

    /// Pairwise merge: δ = x̄_b − x̄_a, x̄ = x̄_a + δ·n_b/n, M₂ = M₂a + M₂b + δ²·n_a·n_b/n.
    pub(crate) fn merge(&mut self, other: &Accumulator) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let n = a + b;
        let delta = (other.mean - self.mean) + (other.carry - self.carry);
        let (mean, carry) = if delta.is_finite() {
            let (mean, error) = two_sum(self.mean, delta * (b / n));
            two_sum(mean, error + self.carry)
        } else {
            // Only means near the end of the range are this far apart.
            (self.mean * (a / n) + other.mean * (b / n), 0.0)
        };
        *self = Accumulator {
            count: self.count + other.count,
            mean,
            carry,
            squares: self.squares + other.squares + delta * delta * (a * (b / n)),
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        };
    }

    /// The moments, `None` without a value.
    pub(crate) fn moments(&self) -> Option<Moments> {
        (self.count > 0).then(|| {
            let variance = self.squares / (self.count as f64 - 1.0);
            Moments {
                count: self.count,
                // Rounding must not carry the mean of equal values beyond them.
                mean: (self.mean + self.carry).clamp(self.min, self.max),
                variance: (self.count > 1 && variance.is_finite()).then_some(variance),
                min: self.min,
                max: self.max,
            }
        })
    }

    /// The moments of a closed summary, to pool windows.
    pub(crate) fn of(moments: &Moments) -> Self {
        let squares = match moments.variance {
            Some(variance) => variance * (moments.count as f64 - 1.0),
            None if moments.count < 2 => 0.0,
            None => f64::INFINITY,
        };
        Accumulator {
            count: moments.count,
            mean: moments.mean,
            carry: 0.0,
            squares,
            min: moments.min,
            max: moments.max,
        }
    }
}

/// `a + b` as a rounded sum and its error (Knuth's TwoSum).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let virtual_b = sum - a;
    let error = (a - (sum - virtual_b)) + (b - virtual_b);
    (sum, if error.is_finite() { error } else { 0.0 })
}

/// First pass: sum, extremes and counts. Second pass: deviations from the mean of the first.
#[inline(always)]
fn summarise<S: Simd>(simd: S, values: &[f64]) -> (Accumulator, Tally) {
    let (body, rest) = S::as_simd_f64s(values);
    // What does not fill a vector is padded with NaN, which is counted off again.
    let mut padded = [f64::NAN; WIDEST];
    padded[..rest.len()].copy_from_slice(rest);
    let (ends, _) = S::as_simd_f64s(&padded);
    let first = First::of(simd, body.iter().chain(ends));
    let padding = (ends.len() * S::F64_LANES - rest.len()) as u64;
    let tally = Tally {
        nans: first.nans as u64 - padding,
        finite: first.finite as u64,
        zeros: first.zeros as u64,
    };
    if tally.finite == 0 {
        return (Accumulator::EMPTY, tally);
    }
    let n = first.finite;
    let rough = if first.sum.is_finite() {
        first.sum / n
    } else {
        values
            .iter()
            .filter(|value| value.is_finite())
            .map(|value| value / n)
            .sum()
    };
    let (deviation, squares) = deviations(simd, body.iter().chain(ends), rough);
    let (carry, correction) = if squares.is_finite() {
        (deviation / n, deviation * deviation / n)
    } else {
        (0.0, 0.0)
    };
    let chunk = Accumulator {
        count: tally.finite,
        mean: rough,
        carry,
        squares: (squares - correction).max(0.0),
        min: first.min,
        max: first.max,
    };
    (chunk, tally)
}

/// What the first pass finds; counts as floating point, which stays in the registers of the sums.
struct First {
    sum: f64,
    min: f64,
    max: f64,
    finite: f64,
    nans: f64,
    zeros: f64,
}

impl First {
    #[inline(always)]
    fn of<'a, S: Simd>(simd: S, vectors: impl Iterator<Item = &'a S::f64s>) -> First {
        let (zero, one) = (simd.splat_f64s(0.0), simd.splat_f64s(1.0));
        let (infinity, minus_infinity) = (
            simd.splat_f64s(f64::INFINITY),
            simd.splat_f64s(f64::NEG_INFINITY),
        );
        let (mut sum, mut min, mut max) = (zero, infinity, minus_infinity);
        let (mut finite, mut numbers, mut zeros, mut all) = (zero, zero, zero, zero);
        for &value in vectors {
            let is_finite = simd.less_than_f64s(simd.abs_f64s(value), infinity);
            sum = simd.add_f64s(sum, simd.select_f64s(is_finite, value, zero));
            min = simd.min_f64s(min, simd.select_f64s(is_finite, value, infinity));
            max = simd.max_f64s(max, simd.select_f64s(is_finite, value, minus_infinity));
            finite = simd.add_f64s(finite, simd.select_f64s(is_finite, one, zero));
            numbers = simd.add_f64s(
                numbers,
                simd.select_f64s(simd.equal_f64s(value, value), one, zero),
            );
            zeros = simd.add_f64s(
                zeros,
                simd.select_f64s(simd.equal_f64s(value, zero), one, zero),
            );
            all = simd.add_f64s(all, one);
        }
        First {
            sum: simd.reduce_sum_f64s(sum),
            min: simd.reduce_min_f64s(min),
            max: simd.reduce_max_f64s(max),
            finite: simd.reduce_sum_f64s(finite),
            nans: simd.reduce_sum_f64s(all) - simd.reduce_sum_f64s(numbers),
            zeros: simd.reduce_sum_f64s(zeros),
        }
    }
}

/// Sum of the finite values' deviations from `centre`, and of their squares.
#[inline(always)]
fn deviations<'a, S: Simd>(
    simd: S,
    vectors: impl Iterator<Item = &'a S::f64s>,
    centre: f64,
) -> (f64, f64) {
    let (zero, infinity, centre) = (
        simd.splat_f64s(0.0),
        simd.splat_f64s(f64::INFINITY),
        simd.splat_f64s(centre),
    );
    let (mut sum, mut squares) = (zero, zero);
    for &value in vectors {
        let is_finite = simd.less_than_f64s(simd.abs_f64s(value), infinity);
        let deviation = simd.select_f64s(is_finite, simd.sub_f64s(value, centre), zero);
        sum = simd.add_f64s(sum, deviation);
        squares = simd.add_f64s(squares, simd.mul_f64s(deviation, deviation));
    }
    (simd.reduce_sum_f64s(sum), simd.reduce_sum_f64s(squares))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64], chunk: usize) -> Accumulator {
        let mut all = Accumulator::EMPTY;
        values.chunks(chunk).for_each(|chunk| {
            all.update(pulp::Scalar, chunk);
        });
        all
    }

    fn close(a: Moments, b: Moments, scale: f64) {
        assert_eq!((a.count, a.min, a.max), (b.count, b.min, b.max));
        assert!(
            (a.mean - b.mean).abs() <= 1e-15 * scale + 1e-12 * a.mean.abs(),
            "{a:?} {b:?}"
        );
        let (a, b) = (a.variance.unwrap_or(0.0), b.variance.unwrap_or(0.0));
        assert!((a - b).abs() <= 1e-12 * a.max(b), "{a} {b}");
    }

    proptest! {
        #[test]
        fn merging_has_no_order(values in prop::collection::vec(-1e3..1e3f64, 2..400), offset in prop::sample::select(vec![0.0, 1e6]), chunk in 1usize..70, cut in 0usize..400) {
            let values: Vec<f64> = values.iter().map(|value| value + offset).collect();
            let (a, b) = values.split_at(cut % values.len());
            let (mut ab, mut ba) = (of(a, chunk), of(b, 64));
            let (left, right) = (ab, ba);
            ab.merge(&right);
            ba.merge(&left);
            let whole = of(&values, 1024).moments().unwrap();
            close(ab.moments().unwrap(), whole, 1e3 + offset);
            close(ba.moments().unwrap(), whole, 1e3 + offset);
        }
    }

    #[test]
    fn values_of_known_moments() {
        let values: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 10)).collect();
        let moments = of(&values, 1024).moments().unwrap();
        assert_eq!(
            (moments.mean, moments.min, moments.max),
            (1e9 + 4.5, 1e9, 1e9 + 9.0)
        );
        assert!((moments.variance.unwrap() - 8.25 * 1000.0 / 999.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_finite_is_counted_apart() {
        let mut all = Accumulator::EMPTY;
        let tally = all.update(
            pulp::Scalar,
            &[f64::NAN, f64::INFINITY, -0.0, 0.0, 3.0, f64::NEG_INFINITY],
        );
        assert_eq!(
            tally,
            Tally {
                nans: 1,
                finite: 3,
                zeros: 2
            }
        );
        assert_eq!(
            all.moments().unwrap(),
            Moments {
                count: 3,
                mean: 1.0,
                variance: Some(3.0),
                min: 0.0,
                max: 3.0
            }
        );
        assert_eq!(of(&[f64::NAN, f64::INFINITY], 8).moments(), None);
    }

    #[test]
    fn the_ends_of_the_range_stay_finite() {
        let moments = of(&[f64::MAX, f64::MAX, -f64::MAX, f64::MAX], 1)
            .moments()
            .unwrap();
        assert!(moments.mean.is_finite() && moments.variance.is_none());
        let moments = of(&[f64::MAX; 40], 1024).moments().unwrap();
        assert_eq!(moments.mean, f64::MAX);
    }

    #[test]
    fn the_values_are_numpys() {
        let moments = of(&crate::oracle::reference(), 1024).moments().unwrap();
        crate::oracle::check(
            moments.mean,
            crate::oracle::number("mean of reference"),
            1e-14,
        );
        crate::oracle::check(
            moments.variance.unwrap(),
            crate::oracle::number("variance of reference"),
            1e-13,
        );
    }
}
