//! EWMA and two-sided CUSUM at two severities, with signals that last as long as what they found.
//!
//! [`Ewma`](super::Ewma) and [`Cusum`](super::Cusum) start again at each signal, and say of a shift that stays that it is found again
//! and again. Here it is found once: a signal stands until its chart is back at 0, the EWMA by having changed its sign, a side of the
//! CUSUM by being 0. Then the chart is as it was at its start, so that signals begin at most as often as those of a chart that starts
//! again at once: 1/N. So that a side of the CUSUM comes back at all, it is held at most at the larger limit.
//!
//! One window is no shift, however far away it is: of an innovation the charts take [`LARGEST_STEP`] at most, which reaches no limit of
//! a run length above about a hundred windows.

use serde::{Deserialize, Serialize};

use super::run_length::{self, LAMBDA, RANGE, REFERENCE_VALUE, ewma_deviation};
use super::standard::LARGEST_STEP;
use super::{Absent, Direction, Estimation, Innovations, Standard};
use crate::verdict::BySeverity;

/// The limits of both charts at one severity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChartLimits {
    /// L of the EWMA, in its standard deviations.
    pub ewma: f64,
    /// h of the CUSUM, in standard deviations of the innovations; `None` where it does not alarm.
    pub cusum: Option<f64>,
}

impl ChartLimits {
    /// Limits with which each chart makes a false alarm in so many windows on average; a run length beyond
    /// [`RANGE`] is taken at its end.
    ///
    /// Takes some tens of milliseconds.
    ///
    /// # Errors
    /// When no limit is found.
    pub fn solve(run_length: f64, estimation: Estimation) -> Result<Self, Absent> {
        let run_length = run_length.clamp(RANGE.0, RANGE.1);
        Ok(ChartLimits {
            ewma: run_length::ewma_limit(run_length, estimation)?,
            cusum: Some(run_length::cusum_limit(run_length, estimation)?),
        })
    }
}

/// Where a chart stands, at one severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    ewma: Option<Direction>,
    upper: bool,
    lower: bool,
}

impl Standing {
    fn direction(self) -> Option<Direction> {
        match (self.upper, self.lower) {
            _ if self.ewma.is_some() => self.ewma,
            (true, _) => Some(Direction::Up),
            (false, true) => Some(Direction::Down),
            (false, false) => None,
        }
    }
}

/// What the charts of one series remember.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Charts {
    innovations: Innovations,
    ewma: f64,
    upper: f64,
    lower: f64,
    standing: BySeverity<Standing>,
}

/// What one window did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChartReading {
    /// The standardised innovation, with mean 0 and variance 1 while nothing changes.
    pub innovation: f64,
    /// The EWMA in units of its standard deviation.
    pub ewma: f64,
    /// The upper side of the CUSUM, ≥ 0.
    pub upper: f64,
    /// The lower side of the CUSUM, ≥ 0.
    pub lower: f64,
    /// Where to the series has shifted, as long as a signal stands.
    pub shifted: BySeverity<Option<Direction>>,
}

impl Charts {
    /// Takes in the next window. Without a finite value all stays as it is, and `None` is returned.
    pub fn update(
        &mut self,
        standard: &Standard,
        limits: BySeverity<ChartLimits>,
        value: Option<f64>,
    ) -> Option<ChartReading> {
        let innovation = standard.innovation(&mut self.innovations, value)?;
        let x = innovation.clamp(-LARGEST_STEP, LARGEST_STEP);
        self.ewma = (1.0 - LAMBDA) * self.ewma + LAMBDA * x;
        let ewma = self.ewma / ewma_deviation();
        let upper = (self.upper + x - REFERENCE_VALUE).max(0.0);
        let lower = (self.lower - x - REFERENCE_VALUE).max(0.0);
        self.standing = self.standing.zip(limits).map(|(before, limits)| {
            let back = match before.ewma {
                Some(Direction::Up) => ewma <= 0.0,
                Some(Direction::Down) => ewma >= 0.0,
                None => true,
            };
            let beyond = (ewma.abs() > limits.ewma).then_some(match ewma > 0.0 {
                true => Direction::Up,
                false => Direction::Down,
            });
            let side = |stood: bool, sum: f64| {
                sum > 0.0 && (stood || limits.cusum.is_some_and(|limit| sum > limit))
            };
            Standing {
                ewma: if back { beyond } else { before.ewma },
                upper: side(before.upper, upper),
                lower: side(before.lower, lower),
            }
        });
        let both = [limits.warning.cusum, limits.critical.cusum];
        let most = both.into_iter().flatten().fold(0.0, f64::max);
        let held = |sum: f64| if most > 0.0 { sum.min(most) } else { sum };
        (self.upper, self.lower) = (held(upper), held(lower));
        Some(ChartReading {
            innovation,
            ewma,
            upper,
            lower,
            shifted: self.standing.map(Standing::direction),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::sequential::{Cusum, Ewma};

    fn standard() -> Standard {
        // Independent values that are their own innovations, nearly.
        let values: Vec<Option<f64>> = crate::oracle::u(200, 0)
            .into_iter()
            .map(|u| Some((u - 0.5) * 12f64.sqrt()))
            .collect();
        Standard::fit(&values).unwrap()
    }

    fn limits() -> BySeverity<ChartLimits> {
        let of = |ewma, cusum| ChartLimits {
            ewma,
            cusum: Some(cusum),
        };
        BySeverity {
            warning: of(2.5, 4.0),
            critical: of(3.5, 6.0),
        }
    }

    #[test]
    fn a_shift_stands_until_it_is_over() {
        let (standard, mut charts) = (standard(), Charts::default());
        let mut of = |value: f64| {
            let reading = charts.update(&standard, limits(), Some(value));
            reading.unwrap().shifted
        };
        let noise = [0.3, -0.8, 0.1, 0.9, -0.4, 0.2, -0.6, 0.5];
        for value in noise {
            assert_eq!(of(value), BySeverity::default());
        }
        let mut seen = Vec::new();
        for round in 0..10 {
            for value in noise {
                seen.push(of(value + 2.0).warning);
                assert!(round < 3 || seen.last().unwrap().is_some());
            }
        }
        // Found once, and then it stands.
        let changes = seen.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!((changes, seen.last()), (1, Some(&Some(Direction::Up))));
        let after: Vec<_> = (0..10)
            .flat_map(|_| noise)
            .map(|value| of(value).warning)
            .collect();
        assert_eq!(after.last(), Some(&None));
    }

    #[test]
    fn one_window_is_no_shift() {
        let mut rng = SmallRng::seed_from_u64(1);
        let drawn = (0..500).map(|_| Some((rng.random::<f64>() - 0.5) * 12f64.sqrt()));
        let standard = Standard::fit(&drawn.collect::<Vec<_>>()).unwrap();
        let mut charts = Charts::default();
        for value in [0.3, -0.8, 1e6, 0.1, -0.4, -50.0, 0.9, 0.2] {
            let reading = charts.update(&standard, limits(), Some(value)).unwrap();
            assert_eq!(reading.shifted, BySeverity::default(), "{value}");
        }
        // Two that are as far away are one.
        charts.update(&standard, limits(), Some(50.0));
        let reading = charts.update(&standard, limits(), Some(50.0)).unwrap();
        let up = Some(Direction::Up);
        assert_eq!(
            (reading.shifted.warning, reading.shifted.critical),
            (up, up)
        );
        assert!(reading.innovation > 10.0, "{reading:?}");
    }

    proptest! {
        /// Until the first signal the charts are those that start again.
        #[test]
        fn the_first_signal_is_that_of_the_plain_charts(values in prop::collection::vec(prop_oneof![-3.0..3.0f64, 0.0..3.0f64], 1..120)) {
            let (standard, mut charts) = (standard(), Charts::default());
            let (mut ewma, mut cusum) = (Ewma::new(2.5), Cusum::new(4.0));
            for value in values {
                let reading = charts.update(&standard, limits(), Some(value)).unwrap();
                let step = reading.innovation.clamp(-LARGEST_STEP, LARGEST_STEP);
                let (z, first) = ewma.update(step);
                let ((upper, lower), second) = cusum.update(step);
                prop_assert!((reading.ewma - z).abs() < 1e-9);
                prop_assert_eq!((reading.upper, reading.lower), (upper, lower));
                prop_assert_eq!(reading.shifted.warning.is_some(), first.is_some() || second.is_some());
                if first.is_some() || second.is_some() {
                    break;
                }
            }
        }

        #[test]
        fn a_window_without_a_value_leaves_the_charts(values in prop::collection::vec(-3.0..3.0f64, 1..40)) {
            let (standard, mut charts) = (standard(), Charts::default());
            for value in values {
                charts.update(&standard, limits(), Some(value));
            }
            let before = charts;
            prop_assert_eq!(charts.update(&standard, limits(), None), None);
            prop_assert_eq!((charts.ewma, charts.upper, charts.standing), (before.ewma, before.upper, before.standing));
        }
    }
}
