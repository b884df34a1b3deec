//! Whether the mean of a number has moved slowly, and stays: EWMA and CUSUM of the windows' means, against how they moved when the
//! baseline was frozen.

use serde::{Deserialize, Serialize};

use super::{ALWAYS, CheckSettings, Reference, verdict};
use crate::baseline::FrozenFeature;
use crate::column::Kind;
use crate::distance::{NotComputed, Statistic};
use crate::limits::{Alpha, Limit, LimitPart};
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

    /// The limits of its charts: of each half of `alpha`. Where the manifest gives one, the EWMA alone alarms, at both severities, and
    /// at critical not before it does at warning.
    fn limits(&self, run_length: BySeverity<f64>) -> Result<BySeverity<ChartLimits>, Absent> {
        let estimation = self.frozen.standard().estimation();
        let given = self.settings.limits;
        let charts = |run_length: f64| ChartLimits::solve(run_length, estimation);
        if given.warning.is_none() && given.critical.is_none() {
            return Ok(BySeverity {
                warning: charts(run_length.warning)?,
                critical: charts(run_length.critical)?,
            });
        }
        let ewma = |run_length: f64, given: Option<f64>| match given {
            Some(ewma) => Ok(ewma),
            None => charts(run_length).map(|charts| charts.ewma),
        };
        let warning = ewma(run_length.warning, given.warning)?;
        let critical = ewma(run_length.critical, given.critical)?.max(warning);
        let alone = |ewma| ChartLimits { ewma, cusum: None };
        Ok(BySeverity { warning, critical }.map(alone))
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

    fn limits(
        &mut self,
        test: &ShiftTest,
        alpha: BySeverity<Alpha>,
    ) -> Result<BySeverity<ChartLimits>, NotComputed> {
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
            return Ok(solved.limits);
        }
        let limits = test.limits(wanted).map_err(|_| NotComputed::Overflow)?;
        self.solved = Some(Solved {
            run_length: wanted,
            given,
            limits,
        });
        Ok(limits)
    }
}

/// Takes the next window into the charts of a feature and says whether its mean has shifted. Each window is to be taken once, in
/// order; `phases` are those of the window, none where the baseline is not seasonal.
///
/// # Errors
/// When the feature has no charts, or the window no value: then the charts stay as they are.
pub fn judge(
    reference: &Reference,
    feature: usize,
    state: &mut ShiftState,
    window: Option<&Summary>,
    phases: &[Phase],
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
    let reading = state.charts.update(test.frozen.standard(), limits, value);
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
    let mut limits = said
        .limits
        .zip(test.settings.limits)
        .map(|(value, given)| Limit {
            value,
            part: match given {
                Some(_) => LimitPart::Manifest,
                None => LimitPart::RunLength,
            },
            floor: 0.0,
            null: Some(value),
            bound: None,
            capped: false,
        });
    let given = test.settings.limits;
    let raised = given.warning.is_some() && limits.critical.value <= limits.warning.value;
    if raised
        && given
            .critical
            .is_none_or(|given| given < limits.critical.value)
    {
        limits.critical.part = LimitPart::RaisedToWarning;
    }
    let verdict = verdict(
        Check::Shift,
        said.statistic,
        said.value,
        rows,
        test.settings.min_rows,
        limits,
        ALWAYS,
    );
    Ok(Verdict {
        // A signal stands until its chart is back at 0.
        over: reading.shifted.map(|direction| direction.is_some()),
        ..verdict
    })
}

/// The chart that speaks.
struct Spoken {
    statistic: Statistic,
    value: f64,
    limits: BySeverity<f64>,
}

/// The chart that is nearer to its limit, or further beyond.
fn spoken(reading: &ChartReading, limits: BySeverity<ChartLimits>) -> Spoken {
    let ewma = Spoken {
        statistic: Statistic::Ewma,
        value: reading.ewma.abs(),
        limits: limits.map(|limits| limits.ewma),
    };
    let (Some(warning), Some(critical)) = (limits.warning.cusum, limits.critical.cusum) else {
        return ewma;
    };
    let cusum = Spoken {
        statistic: Statistic::Cusum,
        value: reading.upper.max(reading.lower),
        limits: BySeverity { warning, critical },
    };
    match ewma.value * cusum.limits.warning >= cusum.value * ewma.limits.warning {
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
