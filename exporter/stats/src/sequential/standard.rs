//! Standardisation of a series by its baseline: innovations of an autoregression of first order.
//!
//! Windows that follow on each other are alike, and a chart for independent values takes that for shifts: at ρ = 0.6 an
//! EWMA with λ = 0.1 has more than three times the variance that its limit is made for. Of the two cures, wider limits for
//! the values and the usual limits for the innovations e_t = (x_t − μ) − φ(x_{t−1} − μ), the second is taken: Lu and
//! Reynolds (1999) found both to detect alike at low and moderate autocorrelation, and innovations are independent, so
//! that one theory of run lengths serves every chart and every φ. Its price is stated by them too: a shift by δ is seen
//! as δ(1−φ), after a first window that sees all of it.
//!
//! φ is always fitted. A test whether it is 0 would let through, at 100 points, what doubles the false alarms. A series that
//! is no such autoregression, above all a seasonal one, is to be freed of its season first.

use serde::{Deserialize, Serialize};

use super::Absent;
use super::run_length::Estimation;

/// Fewest windows with a value in a baseline.
pub const MIN_POINTS: u64 = 100;
/// Fewest windows in a baseline that follow directly on another with a value.
pub const MIN_PAIRS: u64 = 75;
/// The largest variance of the logarithm of a scale that is estimated: above, the baseline says nearly nothing. With 100
/// points φ is then 0.9.
const MOST_SCALE_VARIANCE: f64 = 0.2;
/// Values beyond have squares that overflow when they are added up.
const LARGEST: f64 = 1e150;
/// A spread below this part of the values is rounding.
const ROUNDING: f64 = 1e-12;
/// |φ| is at most this.
const LARGEST_AUTOCORRELATION: f64 = 0.99;
/// Innovations are cut here, so that the charts' sums stay numbers.
const LARGEST_INNOVATION: f64 = 1e9;
/// The most that one window moves a chart by, in standard deviations of the innovations: what Lucas and Crosier (1982) take for an
/// outlier of a CUSUM. Of normal windows one in 16,000 is beyond.
pub const LARGEST_STEP: f64 = 4.0;

/// Mean, autocorrelation and innovations' deviation of a series without change. Frozen with the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Standard {
    mean: f64,
    autocorrelation: f64,
    deviation: f64,
    points: u64,
    pairs: u64,
}

/// The last value that a series had, and how many windows ago.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Innovations {
    last: Option<f64>,
    missed: u32,
}

impl Standard {
    /// Fits x_t − μ = φ(x_{t−1} − μ) + e_t by least squares over the pairs of neighbours; `baseline` has one entry a
    /// window, in order, `None` (or what is not finite) where a window has no value. φ̂ is corrected for its bias of
    /// −(1+3φ)/n (Marriott and Pope 1954).
    ///
    /// # Errors
    /// When there are fewer than [`MIN_POINTS`] values or [`MIN_PAIRS`] pairs, when there is no spread, when the values
    /// are beyond ±1e150, or when φ is so near to 1 that this baseline does not tell it.
    pub fn fit(baseline: &[Option<f64>]) -> Result<Self, Absent> {
        let finite = |value: &Option<f64>| value.filter(|value| value.is_finite());
        let values: Vec<f64> = baseline.iter().filter_map(finite).collect();
        let points = values.len() as u64;
        if points < MIN_POINTS {
            return Err(Absent::TooFewPoints {
                have: points,
                need: MIN_POINTS,
            });
        }
        let largest = values
            .iter()
            .fold(0.0f64, |most, value| most.max(value.abs()));
        if largest > LARGEST {
            return Err(Absent::Overflow);
        }
        let mean = mean(values.iter().copied());
        let pairs: Vec<(f64, f64)> = baseline
            .iter()
            .zip(baseline.iter().skip(1))
            .filter_map(|(before, after)| Some((finite(before)? - mean, finite(after)? - mean)))
            .collect();
        let count = pairs.len() as u64;
        if count < MIN_PAIRS {
            return Err(Absent::TooFewPairs {
                have: count,
                need: MIN_PAIRS,
            });
        }
        let rounding = (ROUNDING * largest).max(1.0 / LARGEST);
        let n = count as f64;
        let before = self::mean(pairs.iter().map(|pair| pair.0));
        let after = self::mean(pairs.iter().map(|pair| pair.1));
        let squares: f64 = pairs.iter().map(|pair| (pair.0 - before).powi(2)).sum();
        let products: f64 = pairs
            .iter()
            .map(|pair| (pair.0 - before) * (pair.1 - after))
            .sum();
        if (squares / n).sqrt() <= rounding {
            return Err(Absent::ZeroSpread);
        }
        let found = products / squares;
        let autocorrelation = (found + (1.0 + 3.0 * found) / n)
            .clamp(-LARGEST_AUTOCORRELATION, LARGEST_AUTOCORRELATION);
        let residuals: f64 = pairs
            .iter()
            .map(|(before, after)| (after - autocorrelation * before).powi(2))
            .sum();
        let deviation = (residuals / (n - 2.0)).sqrt();
        let standard = Standard {
            mean,
            autocorrelation,
            deviation,
            points,
            pairs: count,
        };
        if standard.estimation().scale.powi(2) > MOST_SCALE_VARIANCE {
            return Err(Absent::TooPersistent { autocorrelation });
        }
        if deviation <= rounding {
            return Err(Absent::ZeroSpread);
        }
        Ok(standard)
    }

    /// μ.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// φ.
    pub fn autocorrelation(&self) -> f64 {
        self.autocorrelation
    }

    /// Standard deviation of the innovations.
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    /// Windows with a value that it was fitted on.
    pub fn points(&self) -> u64 {
        self.points
    }

    /// How well the baseline tells what the charts stand on. An error of μ̂ with variance σ_e²/((1−φ)²m) shifts the
    /// innovations by (1−φ) times that: their mean has variance 1/m. Their scale is off by the error of σ̂_e, and by that
    /// of φ̂, which leaves them correlated: slow charts see the long-run deviation (1−φ̂)/(1−φ), whose logarithm has
    /// variance (1+φ)/((1−φ)m).
    pub fn estimation(&self) -> Estimation {
        let (points, pairs, phi) = (self.points as f64, self.pairs as f64, self.autocorrelation);
        Estimation {
            location: points.powf(-0.5),
            scale: (0.5 / pairs + (1.0 + phi) / ((1.0 - phi) * pairs)).sqrt(),
        }
    }

    /// The next window's standardised innovation, `None` without a finite value. What is remembered of a window that is more than
    /// [`LARGEST_STEP`] away is one that is as far (Martin and Thomson 1982), so that the window after it is not taken for one as odd.
    /// After a gap of g windows the last value says φ^{g+1} of its deviation, and after none at all nothing; the innovation's
    /// deviation is wider accordingly.
    pub fn innovation(&self, memory: &mut Innovations, value: Option<f64>) -> Option<f64> {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            memory.missed = memory.missed.saturating_add(1);
            return None;
        };
        let phi = self.autocorrelation;
        let (expected, told) = match memory.last {
            Some(last) => {
                let told = phi.powf(1.0 + f64::from(memory.missed));
                (told * (last - self.mean), told)
            }
            None => (0.0, 0.0),
        };
        let deviation = self.deviation * ((1.0 - told * told) / (1.0 - phi * phi)).sqrt();
        let innovation = ((value - self.mean) - expected) / deviation;
        // Differences beyond the range of numbers may be without a sign.
        let innovation = if innovation.is_nan() { 0.0 } else { innovation };
        let innovation = innovation.clamp(-LARGEST_INNOVATION, LARGEST_INNOVATION);
        let farthest = innovation.signum() * LARGEST_STEP * deviation;
        let remembered = match innovation.abs() > LARGEST_STEP {
            true => self.mean + expected + farthest,
            false => value,
        };
        *memory = Innovations {
            last: Some(remembered),
            missed: 0,
        };
        Some(innovation)
    }
}

/// The mean, corrected once by the mean of the deviations; 0 without a value.
fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = (values.clone().count() as f64).max(1.0);
    let rough = values.clone().sum::<f64>() / n;
    rough + values.map(|value| value - rough).sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, number, u};
    use proptest::prelude::*;

    fn some(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn the_values_are_numpys() {
        let mut values = u(200, 0);
        (1..values.len()).for_each(|i| values[i] += 0.5 * values[i - 1]);
        let standard = Standard::fit(&some(&values)).unwrap();
        check(standard.mean(), number("AR mean"), 1e-13);
        check(
            standard.autocorrelation(),
            number("AR autocorrelation"),
            1e-11,
        );
        check(standard.deviation(), number("AR deviation"), 1e-11);
    }

    proptest! {
        #[test]
        fn innovations_have_no_unit(values in prop::collection::vec(-1.0..1.0f64, 120), scale in prop::sample::select(vec![1e-6, 3.0, 1e9]), offset in -10.0..10.0f64) {
            let moved: Vec<f64> = values.iter().map(|value| scale * (value + offset)).collect();
            let (a, b) = (Standard::fit(&some(&values)).unwrap(), Standard::fit(&some(&moved)).unwrap());
            let (mut left, mut right) = (Innovations::default(), Innovations::default());
            for (value, moved) in values.iter().zip(&moved) {
                let (x, y) = (a.innovation(&mut left, Some(*value)).unwrap(), b.innovation(&mut right, Some(*moved)).unwrap());
                prop_assert!((x - y).abs() < 1e-9, "{} {}", x, y);
            }
        }

        #[test]
        fn any_series_has_an_answer(values in prop::collection::vec(prop_oneof![Just(None), any::<f64>().prop_map(Some), (-1.0..1.0f64).prop_map(Some)], 0..300), small in prop::collection::vec(-1.0..1.0f64, 100)) {
            let _ = Standard::fit(&values);
            let standard = Standard::fit(&some(&small)).unwrap();
            let mut memory = Innovations::default();
            for value in values {
                let found = standard.innovation(&mut memory, value);
                prop_assert_eq!(found.is_some(), value.is_some_and(f64::is_finite));
                prop_assert!(found.is_none_or(f64::is_finite));
            }
        }
    }

    #[test]
    fn what_has_no_standard_says_why() {
        let of = |values: &[f64]| Standard::fit(&some(values)).unwrap_err();
        assert_eq!(of(&[]), Absent::TooFewPoints { have: 0, need: 100 });
        assert_eq!(
            of(&u(99, 0)),
            Absent::TooFewPoints {
                have: 99,
                need: 100
            }
        );
        for constant in [0.0, 0.1, -1e100] {
            assert_eq!(of(&[constant; 150]), Absent::ZeroSpread);
        }
        assert_eq!(of(&[1e200; 150]), Absent::Overflow);
        let ramp: Vec<f64> = (0..150).map(f64::from).collect();
        assert!(matches!(of(&ramp), Absent::TooPersistent { .. }));
        let apart: Vec<Option<f64>> = u(150, 0)
            .into_iter()
            .flat_map(|value| [Some(value), None])
            .collect();
        assert_eq!(
            Standard::fit(&apart),
            Err(Absent::TooFewPairs { have: 0, need: 75 })
        );
        let mut strange = some(&u(99, 0));
        strange.extend([Some(f64::NAN), Some(f64::INFINITY)]);
        assert_eq!(
            Standard::fit(&strange),
            Err(Absent::TooFewPoints {
                have: 99,
                need: 100
            })
        );
    }

    #[test]
    fn after_a_gap_the_last_value_says_less() {
        let standard = Standard {
            mean: 10.0,
            autocorrelation: 0.5,
            deviation: 2.0,
            points: 100,
            pairs: 99,
        };
        let mut memory = Innovations::default();
        // Without a predecessor the deviation is that of the values, 2/√0.75.
        check(
            standard.innovation(&mut memory, Some(14.0)).unwrap(),
            2.0 * 0.75f64.sqrt(),
            1e-12,
        );
        check(
            standard.innovation(&mut memory, Some(14.0)).unwrap(),
            1.0,
            1e-12,
        );
        assert_eq!(standard.innovation(&mut memory, None), None);
        check(
            standard.innovation(&mut memory, Some(13.0)).unwrap(),
            1.0 / 1.25f64.sqrt(),
            1e-12,
        );
    }
}
