//! Whether the mean of a number has moved slowly, and stays: EWMA and CUSUM of the windows' means, against how they moved when the
//! baseline was frozen.

use serde::{Deserialize, Serialize};

use super::{ALWAYS, CheckSettings, Reference, verdict};
use crate::baseline::FrozenFeature;
use crate::column::Kind;
use crate::distance::{NotComputed, Statistic};
use crate::limits::{self, Alpha, Limit, LimitPart};
use crate::seasonal::Phase;
use crate::sequential::run_length::RANGE;
use crate::sequential::{
    Absent, ChartLimits, ChartReading, Charts, Direction, MIN_PAIRS, MIN_POINTS,
};
use crate::shift::FrozenShift;
use crate::summary::Summary;
use crate::verdict::{BySeverity, Check, Verdict};

/// Limits are solved again once the run length that the budget gives has moved by more than this factor: solving takes as long as
/// judging ten thousand windows, and the number of tests may differ a little from window to window.
const SOLVED_AGAIN: f64 = 1.25;

/// The test of one feature.
#[derive(Debug, Clone)]
pub(super) struct ShiftTest {
    frozen: FrozenShift,
    settings: CheckSettings,
}

impl ShiftTest {
    pub(super) fn of(
        feature: &FrozenFeature,
        on: bool,
        moving: bool,
        settings: CheckSettings,
    ) -> Result<Self, NotComputed> {
        if !on {
            return Err(NotComputed::Disabled);
        }
        if feature.kind != Kind::Numeric {
            return Err(NotComputed::NotForKind {
                statistic: Statistic::Ewma,
                kind: feature.kind,
            });
        }
        let limits = settings.limits;
        let moving = moving && limits.warning.is_none() && limits.critical.is_none();
        let too_few = |have, need| Err(NotComputed::TooFewWindows { have, need });
        match &feature.shift {
            // Of few windows no feature has charts, whether it moves or not.
            None => too_few((feature.windows.len() as u64).min(MIN_POINTS), MIN_POINTS),
            Some(Err(Absent::TooFewPoints { have, .. })) => too_few(*have, MIN_POINTS),
            Some(Err(Absent::TooFewPairs { have, .. })) => too_few(*have, MIN_PAIRS),
            Some(_) if moving => Err(NotComputed::Moving),
            Some(Ok(frozen)) => Ok(ShiftTest {
                frozen: frozen.clone(),
                settings,
            }),
            Some(Err(Absent::ZeroSpread)) => Err(NotComputed::NoSpreadOfMeans),
            Some(Err(Absent::TooPersistent { .. })) => Err(NotComputed::TooPersistent),
            Some(Err(Absent::Overflow | Absent::RunLength { .. })) => Err(NotComputed::Overflow),
        }
    }

    /// The limits of its charts at each severity by itself: of each half of `alpha`. Where the manifest gives one, the EWMA alone
    /// alarms, at both severities, so that critical does not come before warning by a chart that has no number.
    fn solve(&self, run_length: BySeverity<f64>) -> Result<BySeverity<ChartLimits>, Absent> {
        let estimation = self.frozen.standard().estimation();
        let given = self.settings.limits;
        let charts = |run_length: f64| ChartLimits::solve(run_length, estimation);
        if given == BySeverity::default() {
            return Ok(BySeverity {
                warning: charts(run_length.warning)?,
                critical: charts(run_length.critical)?,
            });
        }
        let alone = |run_length: f64, given: Option<f64>| {
            let ewma = match given {
                Some(ewma) => ewma,
                None => charts(run_length)?.ewma,
            };
            Ok(ChartLimits { ewma, cusum: None })
        };
        Ok(BySeverity {
            warning: alone(run_length.warning, given.warning)?,
            critical: alone(run_length.critical, given.critical)?,
        })
    }

    /// These limits with where each comes from, critical at least at warning.
    fn limits(&self, solved: BySeverity<ChartLimits>) -> Limits {
        let parts = self.settings.limits.map(|given| match given {
            Some(_) => LimitPart::Manifest,
            None => LimitPart::RunLength,
        });
        let of = |values: BySeverity<f64>| limits::of_chart(values.zip(parts));
        Limits {
            ewma: of(solved.map(|charts| charts.ewma)),
            cusum: match (solved.warning.cusum, solved.critical.cusum) {
                (Some(warning), Some(critical)) => Some(of(BySeverity { warning, critical })),
                _ => None,
            },
        }
    }
}

/// The limits of both charts.
struct Limits {
    ewma: BySeverity<Limit>,
    /// `None` where it does not alarm.
    cusum: Option<BySeverity<Limit>>,
}

impl Limits {
    /// Their values alone.
    fn charts(&self) -> BySeverity<ChartLimits> {
        let cusum = self.cusum.map_or(BySeverity::default(), |cusum| {
            cusum.map(|limit| Some(limit.value))
        });
        self.ewma.zip(cusum).map(|(ewma, cusum)| ChartLimits {
            ewma: ewma.value,
            cusum,
        })
    }
}

/// Whether a test takes part in the budget: an override, and that a feature moves, change no other limit.
pub(super) fn counts(test: &Result<ShiftTest, NotComputed>) -> bool {
    test.is_ok()
}

/// What the charts of a feature remember from window to window, with the limits that were solved for them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShiftState {
    charts: Charts,
    solved: Option<Solved>,
    reading: Option<ChartReading>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Solved {
    run_length: BySeverity<f64>,
    given: BySeverity<Option<f64>>,
    limits: BySeverity<ChartLimits>,
}

impl ShiftState {
    /// What the last window with a value did.
    pub fn reading(&self) -> Option<&ChartReading> {
        self.reading.as_ref()
    }

    pub(super) fn ewma_limits(&self, test: &ShiftTest) -> Option<BySeverity<Limit>> {
        Some(test.limits(self.solved?.limits).ewma)
    }

    fn limits(
        &mut self,
        test: &ShiftTest,
        alpha: BySeverity<Alpha>,
    ) -> Result<Limits, NotComputed> {
        // Two charts share α.
        let wanted = alpha.map(|alpha| (2.0 / alpha.value).clamp(RANGE.0, RANGE.1));
        let near = |(known, wanted): (f64, f64)| {
            known / wanted <= SOLVED_AGAIN && wanted / known <= SOLVED_AGAIN
        };
        let given = test.settings.limits;
        if let Some(solved) = self.solved.filter(|solved| {
            let near = solved.run_length.zip(wanted).map(near);
            solved.given == given && near.warning && near.critical
        }) {
            return Ok(test.limits(solved.limits));
        }
        let limits = test.solve(wanted).map_err(|_| NotComputed::Overflow)?;
        self.solved = Some(Solved {
            run_length: wanted,
            given,
            limits,
        });
        Ok(test.limits(limits))
    }
}

/// Takes the next window into the charts of a feature and says whether its mean has shifted. Each window is to be taken once, in
/// order; `phases` are those of the window, none where the baseline is not seasonal, and `day` is how many windows a day has, at least 1.
///
/// # Errors
/// When the feature has no charts, or the window no value: then the charts stay as they are.
pub fn judge(
    reference: &Reference,
    feature: usize,
    state: &mut ShiftState,
    window: Option<&Summary>,
    phases: &[Phase],
    day: u32,
) -> Result<Verdict, NotComputed> {
    let feature = reference.features.get(feature).ok_or(NotComputed::Absent)?;
    let test = feature.shift.as_ref().map_err(|reason| *reason)?;
    if !test.settings.enabled {
        return Err(NotComputed::Disabled);
    }
    let alpha = BySeverity {
        warning: reference.alpha.warning.ok_or(NotComputed::Disabled)?,
        critical: reference.alpha.critical.ok_or(NotComputed::Disabled)?,
    };
    let limits = state.limits(test, alpha)?;
    let moments = window.and_then(|window| window.moments);
    let rows = moments.map_or(0, |moments| moments.count);
    let enough = moments.filter(|moments| moments.count >= test.settings.min_rows);
    let value = enough.and_then(|moments| test.frozen.value(phases, moments.mean));
    let standard = test.frozen.standard();
    let reading = state.charts.update(standard, limits.charts(), value, day);
    let Some(reading) = reading else {
        return Err(match (window, enough) {
            (None, _) => NotComputed::Absent,
            (Some(_), None) => NotComputed::TooFewRows {
                have: rows,
                need: test.settings.min_rows,
            },
            (Some(_), Some(_)) => NotComputed::UnknownPhase,
        });
    };
    state.reading = Some(reading);
    let said = spoken(&reading, limits);
    let verdict = verdict(
        Check::Shift,
        said.statistic,
        said.value,
        rows,
        test.settings.min_rows,
        said.limits,
        ALWAYS,
    );
    Ok(Verdict {
        // A signal ends once its charts have been back at 0 for a day.
        over: reading.shifted.map(|direction| direction.is_some()),
        ..verdict
    })
}

/// The chart that speaks.
struct Spoken {
    statistic: Statistic,
    value: f64,
    limits: BySeverity<Limit>,
}

/// The chart that is nearer to its limit, or further beyond.
fn spoken(reading: &ChartReading, limits: Limits) -> Spoken {
    let ewma = Spoken {
        statistic: Statistic::Ewma,
        value: reading.ewma.abs(),
        limits: limits.ewma,
    };
    let Some(limits) = limits.cusum else {
        return ewma;
    };
    let cusum = Spoken {
        statistic: Statistic::Cusum,
        value: reading.upper.max(reading.lower),
        limits,
    };
    let score = |spoken: &Spoken| spoken.value / spoken.limits.warning.value;
    match score(&ewma) >= score(&cusum) {
        true => ewma,
        false => cusum,
    }
}

impl ShiftState {
    /// Where to the feature has shifted, by the warning limits; `None` while it has not.
    pub fn direction(&self) -> Option<Direction> {
        let shifted = self.reading?.shifted;
        shifted.critical.or(shifted.warning)
    }
}
