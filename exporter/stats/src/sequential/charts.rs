//! EWMA and two-sided CUSUM on standardised values, at two severities.
//!
//! *EWMA*: Z ← (1−λ)Z + λx with λ = 0.1 (Roberts 1959). It signals when |Z| > L·√(λ/(2−λ)): the limit of the steady state from the
//! first window on, as in the run lengths of Lucas and Saccucci (1990).
//!
//! *CUSUM*: C⁺ ← max(0, C⁺ + x − k), C⁻ ← max(0, C⁻ − x − k) with k = 0.5 (Page 1954; Montgomery, *Introduction to Statistical
//! Quality Control*, 9.1). It signals when one of them is > h.
//!
//! Textbook charts start again from 0 at each signal, and say of a shift that stays that it is found again and again. Here a signal
//! stands until its chart is back at 0, the EWMA by having changed its sign, a side of the CUSUM by being 0. Then
//! the chart is as it was at its start, so that signals begin at most as often as those of a chart that starts again at once: 1/N. So
//! that a side of the CUSUM comes back at all, it is held at most at the larger limit.
//!
//! A shift that stays is told once: a signal ends when nothing has stood for as many windows as a day has. Where windows are shorter
//! than a day, a shift shows a pattern of the day that grew with it, and a side that is held is back at 0 within some windows of each
//! day. What is told is a part of what stands by itself, so that it begins no more often. Of windows of a day or longer one is a day.
//!
//! One window is no shift, however far away it is: of an innovation the charts take [`LARGEST_STEP`] at most, which reaches no limit of
//! a run length above about a hundred windows.

use serde::{Deserialize, Serialize};

use super::run_length::{self, LAMBDA, RANGE, REFERENCE_VALUE, ewma_deviation};
use super::standard::LARGEST_STEP;
use super::{Absent, Estimation, Innovations, Standard};
use crate::verdict::BySeverity;

/// Where a series went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// To larger values.
    Up,
    /// To smaller values.
    Down,
}

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

/// What is told at one severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    direction: Option<Direction>,
    /// For how many windows nothing has stood.
    back: u32,
}

impl Told {
    /// After a window in which this stands; a signal ends once nothing has stood for `day` windows.
    fn after(self, standing: Option<Direction>, day: u32) -> Self {
        let back = self.back.saturating_add(1);
        match standing {
            Some(_) => Told {
                direction: standing,
                back: 0,
            },
            None if back < day && self.direction.is_some() => Told { back, ..self },
            None => Told::default(),
        }
    }
}

/// Where an EWMA of this value stands, which stood there before.
fn ewma_stands(before: Option<Direction>, value: f64, limit: f64) -> Option<Direction> {
    let back = match before {
        Some(Direction::Up) => value <= 0.0,
        Some(Direction::Down) => value >= 0.0,
        None => true,
    };
    let beyond = (value.abs() > limit).then_some(match value > 0.0 {
        true => Direction::Up,
        false => Direction::Down,
    });
    if back { beyond } else { before }
}

/// Whether a shift is told in each window, by its EWMA alone, of these values, and with this limit in place of the one that they were
/// held against. `day` is how many windows a day has, at least 1.
pub fn told_by_ewma(values: impl Iterator<Item = f64>, limit: f64, day: u32) -> Vec<bool> {
    let (mut standing, mut told) = (None, Told::default());
    let shifted = values.map(|value| {
        standing = ewma_stands(standing, value, limit);
        told = told.after(standing, day);
        told.direction.is_some()
    });
    shifted.collect()
}

/// What the charts of one series remember.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Charts {
    innovations: Innovations,
    ewma: f64,
    upper: f64,
    lower: f64,
    standing: BySeverity<Standing>,
    #[serde(default)]
    told: BySeverity<Told>,
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
    /// Where to the series has shifted, until nothing has stood for a day.
    pub shifted: BySeverity<Option<Direction>>,
}

impl Charts {
    /// Takes in the next window. Without a finite value both charts stay as they are, and `None` is returned. `day` is how many windows
    /// a day has, at least 1: a signal ends once nothing has stood for so many.
    pub fn update(
        &mut self,
        standard: &Standard,
        limits: BySeverity<ChartLimits>,
        value: Option<f64>,
        day: u32,
    ) -> Option<ChartReading> {
        let innovation = standard.innovation(&mut self.innovations, value)?;
        let x = innovation.clamp(-LARGEST_STEP, LARGEST_STEP);
        self.ewma = (1.0 - LAMBDA) * self.ewma + LAMBDA * x;
        let ewma = self.ewma / ewma_deviation();
        let upper = (self.upper + x - REFERENCE_VALUE).max(0.0);
        let lower = (self.lower - x - REFERENCE_VALUE).max(0.0);
        self.standing = self.standing.zip(limits).map(|(before, limits)| {
            let side = |stood: bool, sum: f64| {
                sum > 0.0 && (stood || limits.cusum.is_some_and(|limit| sum > limit))
            };
            Standing {
                ewma: ewma_stands(before.ewma, ewma, limits.ewma),
                upper: side(before.upper, upper),
                lower: side(before.lower, lower),
            }
        });
        let standing = self.standing.map(Standing::direction);
        let told = self.told.zip(standing);
        self.told = told.map(|(told, standing)| told.after(standing, day));
        let both = [limits.warning.cusum, limits.critical.cusum];
        let most = both.into_iter().flatten().fold(0.0, f64::max);
        let held = |sum: f64| if most > 0.0 { sum.min(most) } else { sum };
        (self.upper, self.lower) = (held(upper), held(lower));
        Some(ChartReading {
            innovation,
            ewma,
            upper,
            lower,
            shifted: self.told.map(|told| told.direction),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

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
            let reading = charts.update(&standard, limits(), Some(value), 1);
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
    fn a_signal_ends_once_nothing_has_stood_for_a_day() {
        let up = Some(Direction::Up);
        let mut told = Told::default();
        let mut after = |standing| {
            told = told.after(standing, 3);
            told.direction
        };
        let standing = [None, up, None, None, up, None, None, None, None];
        let expected = [None, up, up, up, up, up, up, None, None];
        assert_eq!(standing.map(&mut after), expected);
        assert_eq!(
            Told {
                direction: up,
                back: 0
            }
            .after(None, 1),
            Told::default()
        );
    }

    #[test]
    fn one_window_is_no_shift() {
        let mut rng = SmallRng::seed_from_u64(1);
        let drawn = (0..500).map(|_| Some((rng.random::<f64>() - 0.5) * 12f64.sqrt()));
        let standard = Standard::fit(&drawn.collect::<Vec<_>>()).unwrap();
        let mut charts = Charts::default();
        for value in [0.3, -0.8, 1e6, 0.1, -0.4, -50.0, 0.9, 0.2] {
            let reading = charts.update(&standard, limits(), Some(value), 1).unwrap();
            assert_eq!(reading.shifted, BySeverity::default(), "{value}");
        }
        // Two that are as far away are one.
        charts.update(&standard, limits(), Some(50.0), 1);
        let reading = charts.update(&standard, limits(), Some(50.0), 1).unwrap();
        let up = Some(Direction::Up);
        assert_eq!(
            (reading.shifted.warning, reading.shifted.critical),
            (up, up)
        );
        assert!(reading.innovation > 10.0, "{reading:?}");
    }

    /// Values that are their own innovations around 10.
    fn plain() -> Standard {
        let fields = serde_json::json!({"mean": 10.0, "autocorrelation": 0.0, "deviation": 1.0, "points": 100, "pairs": 99});
        serde_json::from_value(fields).unwrap()
    }

    /// Montgomery's example (tables 9.2 and 9.11): twenty observations around 10, then ten around 11.
    #[test]
    fn the_values_are_montgomerys() {
        let observations = [
            9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51,
            9.40, 10.08, 9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08,
            10.38, 11.62, 11.31, 10.52,
        ];
        let of = |ewma, cusum| ChartLimits { ewma, cusum };
        let limits = BySeverity {
            warning: of(2.7, None),
            critical: of(f64::INFINITY, Some(5.0)),
        };
        let mut charts = Charts::default();
        let found = observations.map(|value| {
            let reading = charts.update(&plain(), limits, Some(value), 1);
            reading.unwrap()
        });
        let at = |window: usize| &found[window - 1];
        for (window, upper, lower, ewma) in [
            (1, 0.0, 0.05, 9.945),
            (2, 0.0, 1.56, 9.7495),
            (5, 2.82, 0.0, 10.1253),
            (24, 2.79, 0.0, 10.3745),
            (28, 4.47, 0.0, 10.5731),
            (29, 5.28, 0.0, 10.6468),
        ] {
            let reading = at(window);
            let z = 10.0 + reading.ewma * ewma_deviation();
            assert!((reading.upper - upper).abs() < 1e-9, "{window} {reading:?}");
            assert!((reading.lower - lower).abs() < 1e-9, "{window} {reading:?}");
            assert!((z - ewma).abs() < 1e-4, "{window} {z}");
        }
        // The CUSUM's signal is the book's. Its EWMA has 10.6468 at 29, beyond 10 + 2.7·√(0.1/1.9) = 10.6194.
        let shifted = [28, 29].map(|window| at(window).shifted);
        let up = Some(Direction::Up);
        assert_eq!(shifted.map(|at| at.warning), [None, up]);
        assert_eq!(shifted.map(|at| at.critical), [None, up]);
        let begun = |of: &dyn Fn(&ChartReading) -> Option<Direction>| {
            found.iter().position(|reading| of(reading).is_some())
        };
        assert_eq!(begun(&|reading| reading.shifted.warning), Some(28));
        assert_eq!(begun(&|reading| reading.shifted.critical), Some(28));
    }

    proptest! {
        #[test]
        fn what_is_turned_round_shifts_the_other_way(values in prop::collection::vec(-4.0..4.0f64, 1..200)) {
            let turned = |shifted: Option<Direction>| shifted.map(|direction| match direction {
                Direction::Up => Direction::Down,
                Direction::Down => Direction::Up,
            });
            let (mut charts, mut mirrored) = (Charts::default(), Charts::default());
            for value in values {
                let found = charts.update(&plain(), limits(), Some(10.0 + value), 1).unwrap();
                let other = mirrored.update(&plain(), limits(), Some(10.0 - value), 1).unwrap();
                prop_assert!((found.ewma + other.ewma).abs() < 1e-9);
                prop_assert!((found.upper - other.lower).abs() < 1e-9 && (found.lower - other.upper).abs() < 1e-9);
                prop_assert!(found.upper >= 0.0 && found.lower >= 0.0);
                prop_assert_eq!(found.shifted, other.shifted.map(turned));
            }
        }

        #[test]
        fn a_window_without_a_value_leaves_the_charts(values in prop::collection::vec(-3.0..3.0f64, 1..40)) {
            let (standard, mut charts) = (standard(), Charts::default());
            for value in values {
                charts.update(&standard, limits(), Some(value), 1);
            }
            let before = charts;
            prop_assert_eq!(charts.update(&standard, limits(), None, 1), None);
            prop_assert_eq!((charts.ewma, charts.upper, charts.standing, charts.told), (before.ewma, before.upper, before.standing, before.told));
        }
    }
}
