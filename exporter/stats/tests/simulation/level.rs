//! False alarms of the check of the level while nothing changes: means of windows of six hours of the day, each its own.

use rand::SeedableRng;
use rand::rngs::SmallRng;
use stats::seasonal::{Phase, Point};
use stats::{
    BySeverity, Check, CheckSettings, FrozenFeature, Reference, Season, Settings, Summary,
    WindowSummary, judge,
};

use super::means::{self, feature, normal, one_row, profiled};

pub const HOURS: usize = 6;

pub fn settings(own: CheckSettings) -> Settings {
    let budget = BySeverity {
        warning: 0.4,
        critical: 0.02,
    };
    means::settings(Check::Level, budget, own)
}

pub fn hours() -> Vec<[Phase; 1]> {
    (0..HOURS as u8)
        .map(|hour| [Phase::HourOfDay(hour)])
        .collect()
}

/// One value for each hour of each day; those of one hour resemble the day before by `rho`.
pub struct Days {
    rng: SmallRng,
    rho: f64,
    last: [f64; HOURS],
}

impl Days {
    pub fn new(seed: u64, rho: f64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let last = std::array::from_fn(|_| normal(&mut rng));
        Days { rng, rho, last }
    }

    /// Far more between the hours than within one.
    pub fn next(&mut self) -> [f64; HOURS] {
        for last in &mut self.last {
            *last = self.rho * *last + (1.0 - self.rho.powi(2)).sqrt() * normal(&mut self.rng);
        }
        std::array::from_fn(|hour| 50.0 * hour as f64 + (1.0 + hour as f64) * self.last[hour])
    }
}

pub fn points<'a>(days: &[[f64; HOURS]], hours: &'a [[Phase; 1]]) -> Vec<Point<'a, Phase>> {
    let of = |(day, values): (usize, &[f64; HOURS])| {
        let point = move |(hour, value): (usize, f64)| Point {
            day: day as i64,
            phases: &hours[hour][..],
            value,
            excluded: false,
        };
        values
            .iter()
            .copied()
            .enumerate()
            .map(point)
            .collect::<Vec<_>>()
    };
    days.iter().enumerate().flat_map(of).collect()
}

/// The references of every hour, of features with these means.
pub fn reference(
    means: &[Vec<Point<'_, Phase>>],
    phase: &[Phase],
    cycles: u64,
    settings: &Settings,
) -> Reference {
    let features: Vec<FrozenFeature> = (0..means.len())
        .map(|place| feature(&format!("f{place}")))
        .collect();
    let whole: Vec<Summary> = features.iter().map(|f| f.pooled(&[])).collect();
    let season = Season {
        phases: phase,
        cycles,
        whole: &whole,
        means,
    };
    Reference::seasonal(&features, &[], settings, &season)
}

/// False alarms against each baseline that is drawn, and how many the budget gives the check against all of them. A baseline has the
/// six hours of so many days of eight features, and the next day is judged by it; the correlation of an hour with that of the day before
/// is `rho`.
pub fn undrifted(seed: u64, cycles: usize, rho: f64) -> BySeverity<(Vec<u32>, f64)> {
    const FEATURES: usize = 8;
    const BASELINES: usize = 300;
    let (hours, settings) = (hours(), settings(one_row()));
    let mut all: Vec<Days> = (0..FEATURES as u64)
        .map(|feature| Days::new(seed * 1_000 + feature, rho))
        .collect();
    let mut counts = BySeverity::<Vec<u32>>::default();
    for _ in 0..BASELINES {
        let days: Vec<Vec<[f64; HOURS]>> = all
            .iter_mut()
            .map(|days| (0..=cycles).map(|_| days.next()).collect())
            .collect();
        let means: Vec<_> = days
            .iter()
            .map(|days| points(&days[..cycles], &hours))
            .collect();
        let mut over = BySeverity::<u32>::default();
        for (hour, phase) in hours.iter().enumerate() {
            let reference = reference(&means, phase, cycles as u64, &settings);
            assert_eq!(reference.tests_of(Check::Level), FEATURES);
            let windows: Vec<Summary> = days
                .iter()
                .map(|days| profiled(&[days[cycles][hour]]).close())
                .collect();
            let current: Vec<Option<&Summary>> = windows.iter().map(Some).collect();
            let report = judge(&reference, &current, &WindowSummary::default());
            for feature in &report.features {
                let verdict = feature.verdicts.level.as_ref().unwrap();
                over = over
                    .zip(verdict.over)
                    .map(|(sum, over)| sum + u32::from(over));
            }
        }
        counts.warning.push(over.warning);
        counts.critical.push(over.critical);
    }
    let judged = (BASELINES * HOURS) as f64;
    counts.zip(settings.budget.map(|budget| budget * judged))
}
