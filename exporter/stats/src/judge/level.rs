//! Where the mean of a number lies, against where it usually lies at this time of the day, the week or the month.

use std::collections::BTreeMap;

use super::{ALWAYS, CheckSettings, Settings, verdict};
use crate::baseline::FrozenFeature;
use crate::column::Kind;
use crate::distance::{NotComputed, Statistic};
use crate::limits::{self, Alpha, Parts, floors};
use crate::seasonal::{Absent, Level, MIN_CYCLES, Phase, Point, Seasons, Width};
use crate::summary::Summary;
use crate::verdict::{BySeverity, Check, Verdict};

/// What a seasonal baseline knows beside the windows of the phase that a window is compared with.
#[derive(Debug, Clone)]
pub struct Season<'a> {
    /// The phases of the window that is judged, from the finest to the coarsest.
    pub phases: &'a [Phase],
    /// On how many days the phase was found with which the window is compared.
    pub cycles: u64,
    /// The features in all windows of all phases pooled, in the baseline's order.
    pub whole: &'a [Summary],
    /// The mean of each feature in every window of the baseline that has one, in order of time.
    pub means: &'a [Vec<Point<'a, Phase>>],
}

impl Season<'_> {
    /// Why no window of this phase is judged.
    pub(super) fn too_few(&self) -> Option<NotComputed> {
        let need = MIN_CYCLES as u64;
        (self.cycles < need).then_some(NotComputed::TooFewCycles {
            have: self.cycles,
            need,
        })
    }
}

/// What is usual of the mean of a feature at the time of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// Median of the means of the phase's windows.
    pub centre: f64,
    /// The unit of the deviation: 1.4826·MAD of them, at least a quarter of that of all phases.
    pub deviation: f64,
    /// How many windows they rest on.
    pub windows: u64,
}

/// The test of one feature at one phase.
#[derive(Debug, Clone)]
pub(super) struct LevelTest {
    centre: f64,
    /// 1.4826·MAD of the phase, at least the floor.
    deviation: f64,
    /// How many windows they rest on.
    values: usize,
    /// By what limits are multiplied, since a window resembles the one before it of the same phase.
    stretch: f64,
    settings: CheckSettings,
}

impl LevelTest {
    pub(super) fn usual(&self) -> Usual {
        Usual {
            centre: self.centre,
            deviation: self.deviation,
            windows: self.values as u64,
        }
    }
}

/// The tests of all features, or why there is none.
pub(super) fn tests(
    features: &[FrozenFeature],
    settings: &Settings,
    season: Option<&Season<'_>>,
) -> Vec<Result<LevelTest, NotComputed>> {
    let none = |reason| features.iter().map(|_| Err(reason)).collect();
    if !settings.on.level {
        return none(NotComputed::Disabled);
    }
    let Some(season) = season else {
        return none(NotComputed::NotSeasonal);
    };
    if let Some(reason) = season.too_few() {
        return none(reason);
    }
    let series: Vec<Vec<f64>> = season
        .means
        .iter()
        .flat_map(|means| phased(means))
        .collect();
    let alike = limits::autocorrelation(series.iter().map(Vec::as_slice));
    let test = |(place, feature): (usize, &FrozenFeature)| {
        if feature.kind != Kind::Numeric {
            return Err(NotComputed::NotForKind {
                statistic: Statistic::LevelDeviation,
                kind: feature.kind,
            });
        }
        let means = season.means.get(place).map_or(&[][..], Vec::as_slice);
        let band = Seasons::new(means)
            .band(season.phases, Width::Deviations(1.0))
            .map_err(NotComputed::Season)?;
        if band.level == Level::All {
            // What is usual at other hours says nothing about this one.
            return Err(NotComputed::TooFewCycles {
                have: days(means, season.phases),
                need: MIN_CYCLES as u64,
            });
        }
        let own = settings.features.get(&feature.name);
        let values = usize::try_from(band.values).unwrap_or(usize::MAX);
        Ok(LevelTest {
            centre: band.centre,
            deviation: band.half_width,
            values,
            stretch: limits::stretch(values, alike),
            settings: own.unwrap_or(&settings.default).level,
        })
    };
    features.iter().enumerate().map(test).collect()
}

/// The values of each phase in order of time.
fn phased(means: &[Point<'_, Phase>]) -> Vec<Vec<f64>> {
    let mut phases: BTreeMap<Phase, Vec<f64>> = BTreeMap::new();
    for point in means.iter().filter(|point| !point.excluded) {
        if let Some(finest) = point.phases.first() {
            phases.entry(*finest).or_default().push(point.value);
        }
    }
    phases.into_values().collect()
}

/// On how many days the coarsest of these phases has a value.
fn days(means: &[Point<'_, Phase>], phases: &[Phase]) -> u64 {
    let Some(coarsest) = phases.last() else {
        return 0;
    };
    let with = means.iter().filter(|point| point.phases.contains(coarsest));
    let days: std::collections::BTreeSet<i64> = with.map(|point| point.day).collect();
    days.len() as u64
}

/// Judges a window by a test, or says why there is none.
pub(super) fn judge(
    test: &Result<LevelTest, NotComputed>,
    window: &Summary,
    alpha: BySeverity<Option<Alpha>>,
) -> Result<Verdict, NotComputed> {
    let test = test.as_ref().map_err(|reason| *reason)?;
    if !test.settings.enabled {
        return Err(NotComputed::Disabled);
    }
    let statistic = Statistic::LevelDeviation;
    let too_few = NotComputed::TooFewRows { have: 0, need: 1 };
    let moments = window.moments.ok_or(too_few)?;
    let value = (moments.mean - test.centre).abs() / test.deviation;
    if !value.is_finite() {
        return Err(NotComputed::Overflow);
    }
    let floors = floors(statistic).ok_or(NotComputed::Disabled)?;
    let bound = alpha.map(|alpha| {
        let factor = Width::Alpha(alpha?.value).factor(test.values)?;
        Some(factor * test.stretch)
    });
    if [bound.warning, bound.critical].contains(&None) {
        return Err(NotComputed::Season(Absent::Overflow));
    }
    let parts = Parts::both(BySeverity::default(), bound, test.settings.limits);
    let limits = limits::uncapped(floors, parts);
    Ok(verdict(
        Check::Level,
        statistic,
        value,
        moments.count,
        test.settings.min_rows,
        limits,
        ALWAYS,
    ))
}
