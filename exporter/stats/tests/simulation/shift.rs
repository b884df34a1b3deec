//! False alarms of the check of slow shifts while nothing changes.

use rand::SeedableRng;
use rand::rngs::SmallRng;
use stats::seasonal::Phase;
use stats::sequential::Absent;
use stats::{
    BySeverity, Check, CheckSettings, FrozenShift, Reference, Settings, ShiftState, Step, Summary,
    judge_shift,
};

use super::means::{self, feature, normal, one_row, profiled};

/// An autoregression of first order with variance 1, and a season of the day on top where there is one.
pub struct Series {
    rng: SmallRng,
    rho: f64,
    last: f64,
}

impl Series {
    pub fn new(seed: u64, rho: f64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let last = normal(&mut rng);
        Series { rng, rho, last }
    }

    pub fn next(&mut self) -> f64 {
        self.last =
            self.rho * self.last + (1.0 - self.rho * self.rho).sqrt() * normal(&mut self.rng);
        self.last
    }
}

pub fn window(value: f64) -> Summary {
    profiled(&[value]).close()
}

/// α of 0.01 at warning and 0.002 at critical, of one test.
fn settings(own: CheckSettings) -> Settings {
    let budget = BySeverity {
        warning: 0.01,
        critical: 0.002,
    };
    means::settings(Check::Shift, budget, own)
}

pub fn reference(shift: Result<FrozenShift, Absent>, own: CheckSettings) -> Reference {
    let mut feature = feature("a");
    feature.shift = Some(shift);
    Reference::new(&[feature], &[], &settings(own))
}

/// The hours of a day, of which each usually lies elsewhere.
pub fn hours() -> Vec<[Phase; 1]> {
    (0..24).map(|hour| [Phase::HourOfDay(hour)]).collect()
}

fn season(hour: usize) -> f64 {
    10.0 * (std::f64::consts::TAU * hour as f64 / 24.0).sin()
}

/// A baseline of so many windows; where it is seasonal, of so many hours of days.
pub fn frozen(series: &mut Series, windows: usize, seasonal: bool) -> FrozenShift {
    let hours = hours();
    let step = |window: usize| Step {
        phases: if seasonal { &hours[window % 24] } else { &[] },
        mean: Some(series.next() + if seasonal { season(window % 24) } else { 0.0 }),
    };
    let steps: Vec<Step<'_>> = (0..windows).map(step).collect();
    FrozenShift::fit(&steps).unwrap()
}

/// Alarms that begin, against each baseline that is drawn, and how many the budget gives the check against all of them. The correlation
/// of a window with the one before is `rho`.
pub fn undrifted(
    seed: u64,
    rho: f64,
    windows: usize,
    seasonal: bool,
) -> BySeverity<(Vec<u32>, f64)> {
    const BASELINES: usize = 60;
    const JUDGED: usize = 4_800;
    let hours = hours();
    let mut series = Series::new(seed, rho);
    let mut counts = BySeverity::<Vec<u32>>::default();
    for _ in 0..BASELINES {
        let reference = reference(Ok(frozen(&mut series, windows, seasonal)), one_row());
        assert_eq!(reference.tests_of(Check::Shift), 1);
        let mut state = ShiftState::default();
        let mut before = BySeverity::<bool>::default();
        let mut begun = BySeverity::<u32>::default();
        for at in 0..JUDGED {
            let hour = at % 24;
            let phases: &[Phase] = if seasonal { &hours[hour] } else { &[] };
            let value = series.next() + if seasonal { season(hour) } else { 0.0 };
            let summary = window(value);
            let day = if seasonal { 24 } else { 1 };
            let verdict =
                judge_shift(&reference, 0, &mut state, Some(&summary), phases, day).unwrap();
            let begins = verdict
                .over
                .zip(before)
                .map(|(is, was)| u32::from(is && !was));
            begun = begun.zip(begins).map(|(sum, more)| sum + more);
            before = verdict.over;
        }
        counts.warning.push(begun.warning);
        counts.critical.push(begun.critical);
    }
    let judged = (BASELINES * JUDGED) as f64;
    counts.zip(settings(one_row()).budget.map(|alpha| alpha * judged))
}
