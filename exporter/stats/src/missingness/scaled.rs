//! One column with mean 0 and standard deviation 1, so that no sum over- or underflows and lengths mean the same
//! in every column.

use crate::moments::Accumulator;
use crate::summary::Moments;

/// Moments of the finite values.
pub(super) fn moments(values: &[f64]) -> Option<Moments> {
    pulp::Arch::new().dispatch(All(values)).moments()
}

/// All values, a chunk at a time.
struct All<'a>(&'a [f64]);

impl pulp::WithSimd for All<'_> {
    type Output = Accumulator;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> Accumulator {
        let mut all = Accumulator::EMPTY;
        for chunk in self.0.chunks(512) {
            all.update(simd, chunk);
        }
        all
    }
}

/// (x − mean)/sd of every finite value, NaN of every other; `None` when the finite values do not vary.
pub(super) fn standardised(values: &[f64]) -> Option<Vec<f64>> {
    let Moments { min, max, .. } = moments(values)?;
    if min == max {
        return None;
    }
    // A power of two, which rounds nothing; two steps, because 2^1074 is beyond the range.
    let exponent = min.abs().max(max.abs()).log2().floor() as i32;
    let (half, rest) = (-exponent / 2, -exponent - -exponent / 2);
    let (half, rest) = (2f64.powi(half), 2f64.powi(rest));
    let mut scaled: Vec<f64> = values
        .iter()
        .map(|value| {
            if value.is_finite() {
                value * half * rest
            } else {
                f64::NAN
            }
        })
        .collect();
    // Twice, because the first mean is rounded to the precision of values that may lie far from 0.
    let far = moments(&scaled)?.mean;
    scaled.iter_mut().for_each(|value| *value -= far);
    let Moments { mean, variance, .. } = moments(&scaled)?;
    let sd = variance?.sqrt();
    if sd.is_nan() || sd <= 0.0 {
        return None;
    }
    scaled
        .iter_mut()
        .for_each(|value| *value = (*value - mean) / sd);
    Some(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_unit_and_the_offset_are_gone(values in prop::collection::vec(-1e3..1e3f64, 3..100), exponent in -1000i32..900, offset in -1e3..1e3f64) {
            let found = standardised(&values).unwrap();
            let unit = 2f64.powi(exponent);
            let moved: Vec<f64> = values.iter().map(|value| (value + offset) * unit).collect();
            for (a, b) in found.iter().zip(standardised(&moved).unwrap()) {
                prop_assert!((a - b).abs() < 1e-9, "{} {}", a, b);
            }
            let Moments { mean, variance, .. } = moments(&found).unwrap();
            prop_assert!(mean.abs() < 1e-12 && (variance.unwrap() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        let third = 3f64.sqrt().recip();
        for end in [f64::MAX, f64::MIN_POSITIVE, 5e-324] {
            let found = standardised(&[-end, 0.0, end, f64::NAN, f64::INFINITY]).unwrap();
            assert!(
                (found[2] - 1.0).abs() < 1e-12 && (found[0] + 1.0).abs() < 1e-12,
                "{found:?}"
            );
            assert!(found[3].is_nan() && found[4].is_nan());
            assert!((standardised(&[end, end, 0.0]).unwrap()[0] - third).abs() < 1e-12);
        }
        assert_eq!(standardised(&[0.1; 700]), None);
        assert_eq!(standardised(&[f64::NAN, 1.0]), None);
        assert_eq!(standardised(&[]), None);
        let near = standardised(&[1.0, 1f64.next_up(), 1.0, 1f64.next_up()]).unwrap();
        assert!(near[1] > 0.5 && near[0] < -0.5);
    }
}
