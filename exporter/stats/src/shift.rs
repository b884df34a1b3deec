//! What is frozen of a feature's means, so that a slow shift away from it is found: how they move from window to window, and at
//! which phase they usually lie where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::seasonal::{MIN_CYCLES, Phase};
use crate::sequential::{Absent, Standard};

/// The series of a feature's means in a baseline, frozen with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrozenShift {
    standard: Standard,
    /// Median of each phase; none where the baseline is not seasonal.
    medians: Vec<(Phase, f64)>,
}

/// One window of a baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step<'a> {
    /// Its phases, from the finest to the coarsest; none where the baseline is not seasonal.
    pub phases: &'a [Phase],
    /// The mean in it; `None` without a value.
    pub mean: Option<f64>,
}

impl FrozenShift {
    /// From all windows of a baseline in order of time, without a gap: a window that is missing is a step without a value.
    ///
    /// Of a seasonal baseline it is the differences from the median of the **other** windows of the same phase: a window is not part
    /// of what it will be compared with, and differences from a median that it is part of are too small.
    ///
    /// # Errors
    /// When there are too few windows, no spread, or too much memory from window to window.
    pub fn fit(steps: &[Step<'_>]) -> Result<Self, Absent> {
        let mut phases: BTreeMap<Phase, Vec<f64>> = BTreeMap::new();
        for step in steps {
            if let (Some(mean), Some(finest)) = (step.mean, step.phases.first()) {
                phases.entry(*finest).or_default().push(mean);
            }
        }
        phases.retain(|_, means| {
            means.sort_unstable_by(f64::total_cmp);
            means.len() >= MIN_CYCLES
        });
        let value = |step: &Step<'_>| {
            let mean = step.mean?;
            let Some(finest) = step.phases.first() else {
                return Some(mean);
            };
            Some(mean - median_without(phases.get(finest)?, mean)?)
        };
        let values: Vec<Option<f64>> = steps.iter().map(value).collect();
        let medians = phases.iter();
        Ok(FrozenShift {
            standard: Standard::fit(&values)?,
            medians: medians
                .filter_map(|(phase, means)| Some((*phase, median(means)?)))
                .collect(),
        })
    }

    /// How the series moves.
    pub fn standard(&self) -> &Standard {
        &self.standard
    }

    /// The value of a window with this mean, less what is usual of its phase. `None` where nothing is known of any of its phases.
    pub fn value(&self, phases: &[Phase], mean: f64) -> Option<f64> {
        if phases.is_empty() {
            return Some(mean);
        }
        let known = |phase: &Phase| self.medians.iter().find(|(other, _)| other == phase);
        let (_, usual) = phases.iter().find_map(known)?;
        Some(mean - usual)
    }
}

/// Median of sorted values; `None` without any.
fn median(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    match sorted.len() % 2 {
        1 => Some(upper),
        _ => Some(0.5 * upper + 0.5 * *sorted.get(half.checked_sub(1)?)?),
    }
}

/// Median of sorted values but for one of them.
fn median_without(sorted: &[f64], value: f64) -> Option<f64> {
    let place = sorted.partition_point(|other| *other < value);
    let others: Vec<f64> = sorted
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != place)
        .map(|(_, value)| *value)
        .collect();
    median(&others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::u;

    #[test]
    fn the_median_of_the_others_is_that() {
        let sorted = [1.0, 2.0, 2.0, 5.0, 9.0];
        assert_eq!(median(&sorted), Some(2.0));
        assert_eq!(median_without(&sorted, 9.0), Some(2.0));
        assert_eq!(median_without(&sorted, 1.0), Some(3.5));
        assert_eq!(median_without(&sorted, 2.0), Some(3.5));
        assert_eq!(median_without(&[4.0], 4.0), None);
    }

    #[test]
    fn a_season_is_taken_off() {
        let hours: Vec<[Phase; 1]> = (0..24).map(|hour| [Phase::HourOfDay(hour)]).collect();
        let noise = u(24 * 10, 0);
        let step = |(i, noise): (usize, &f64)| Step {
            phases: &hours[i % 24],
            mean: Some(100.0 * (i % 24) as f64 + noise),
        };
        let steps: Vec<Step<'_>> = noise.iter().enumerate().map(step).collect();
        let shift = FrozenShift::fit(&steps).unwrap();
        // Uniform noise of standard deviation 0.29, and that of a median of nine.
        let deviation = shift.standard().deviation();
        assert!((0.25..0.40).contains(&deviation), "{deviation}");
        let value = shift.value(&hours[7], 700.5).unwrap();
        assert!(value.abs() < 0.5, "{value}");
        assert_eq!(shift.value(&[Phase::HourOfDay(30)], 1.0), None);
        // Without phases the season is all that there is.
        let plain: Vec<Step<'_>> = steps
            .iter()
            .map(|step| Step {
                phases: &[],
                ..*step
            })
            .collect();
        if let Ok(shift) = FrozenShift::fit(&plain) {
            assert!(shift.standard().deviation() > 10.0);
        }
    }

    #[test]
    fn too_few_windows_are_said() {
        let steps = [Step {
            phases: &[],
            mean: Some(1.0),
        }; 99];
        let few = FrozenShift::fit(&steps).unwrap_err();
        assert_eq!(
            few,
            Absent::TooFewPoints {
                have: 99,
                need: 100
            }
        );
    }
}
