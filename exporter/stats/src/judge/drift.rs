//! The distance of a distribution from the baseline's.

use std::sync::Arc;

use super::{CheckSettings, Settings, verdict};
use crate::baseline::{FrozenFeature, without};
use crate::bins::Bins;
use crate::column::Kind;
use crate::distance::{NotComputed, Statistic, wasserstein};
use crate::limits::{self, Alpha, Between, Limit, Parts, Pooled, floors};
use crate::measure::{Measured, measure};
use crate::summary::{Counts, Summary};
use crate::verdict::{BySeverity, Check, Verdict};

/// The test of one feature; its distances are measured whether it is on or not.
#[derive(Debug, Clone)]
pub(super) struct DriftTest {
    bins: Arc<Bins>,
    counts: Option<Counts>,
    settings: CheckSettings,
    /// The alarming statistic, when drift is on.
    statistic: Option<Statistic>,
    leave_one_out: Vec<f64>,
    /// Where each window lies, one number each.
    places: Vec<f64>,
    moving: bool,
    bound: BySeverity<Option<f64>>,
    /// Only when Wasserstein alarms.
    null: Option<wasserstein::Null>,
}

impl DriftTest {
    /// The test of a feature. Its bound between windows follows with [`bind`].
    pub(super) fn new(feature: &FrozenFeature, settings: &Settings, own: CheckSettings) -> Self {
        let statistic = settings.on.drift.then_some(match feature.kind {
            Kind::Numeric => settings.drift.numeric,
            Kind::Categorical => settings.drift.categorical,
        });
        let pooled = feature.reference.counts.as_ref();
        let measured = |window: &Summary| {
            let others = without(pooled?, window.counts.as_ref()?)?;
            measure(
                statistic?,
                &feature.bins,
                Some(&others),
                window.counts.as_ref(),
            )
            .ok()
        };
        let measured: Vec<Measured> = feature.windows.iter().filter_map(measured).collect();
        let null = match (statistic, &*feature.bins, pooled, feature.reference.moments) {
            (
                Some(Statistic::Wasserstein),
                Bins::Numeric(bins),
                Some(Counts::Numeric { fine, .. }),
                Some(moments),
            ) => Some(wasserstein::Null::simulate(
                bins,
                fine,
                moments.variance.unwrap_or(0.0).sqrt(),
            )),
            _ => None,
        };
        let floors = statistic.and_then(floors);
        let moving = floors.is_some_and(|floors| {
            let tells = || moves(&measured, floors.warning, null.as_ref());
            feature.moving.unwrap_or_else(tells)
        });
        DriftTest {
            bins: feature.bins.clone(),
            counts: feature.reference.counts.clone(),
            settings: own,
            statistic,
            leave_one_out: measured.iter().map(|measured| measured.value).collect(),
            places: feature.windows.iter().filter_map(place).collect(),
            moving,
            bound: BySeverity::default(),
            null,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.bins.kind()
    }

    pub(super) fn moving(&self) -> bool {
        self.moving
    }

    pub(super) fn leave_one_out(&self) -> &[f64] {
        &self.leave_one_out
    }

    /// Whether it takes part in the budget: the reference suffices for the alarming statistic, whatever the window will hold.
    pub(super) fn counts(&self) -> bool {
        // The reference against itself fails for the same reasons as against any large window.
        let itself = self.counts.as_ref();
        self.statistic.is_some_and(|statistic| {
            floors(statistic).is_some() && measure(statistic, &self.bins, itself, itself).is_ok()
        })
    }

    pub(super) fn measure(
        &self,
        statistic: Statistic,
        window: &Summary,
    ) -> Result<Measured, NotComputed> {
        let (baseline, current) = (self.bins.kind(), window.kind);
        if baseline != current {
            return Err(NotComputed::KindChanged {
                baseline,
                window: current,
            });
        }
        measure(
            statistic,
            &self.bins,
            self.counts.as_ref(),
            window.counts.as_ref(),
        )
    }

    pub(super) fn judge(
        &self,
        window: &Summary,
        alpha: BySeverity<Option<Alpha>>,
    ) -> Result<Verdict, NotComputed> {
        let statistic = self
            .statistic
            .filter(|_| self.settings.enabled)
            .ok_or(NotComputed::Disabled)?;
        let measured = self.measure(statistic, window)?;
        let manifest = self.settings.limits;
        if self.moving && manifest.warning.is_none() && manifest.critical.is_none() {
            return Err(NotComputed::Moving);
        }
        let limits = self.limits(&measured, alpha)?;
        let may_alarm = manifest.map(|number| number.is_some() || !self.moving);
        Ok(verdict(
            Check::Drift,
            statistic,
            measured.value,
            measured.compared.1,
            self.settings.min_rows,
            limits,
            may_alarm,
        ))
    }

    pub(super) fn limits_for(
        &self,
        window: &Summary,
        alpha: BySeverity<Option<Alpha>>,
    ) -> Result<BySeverity<Limit>, NotComputed> {
        let statistic = self.statistic.ok_or(NotComputed::Disabled)?;
        self.limits(&self.measure(statistic, window)?, alpha)
    }

    fn limits(
        &self,
        measured: &Measured,
        alpha: BySeverity<Option<Alpha>>,
    ) -> Result<BySeverity<Limit>, NotComputed> {
        let (statistic, kind) = (measured.statistic, self.bins.kind());
        let floors = floors(statistic).ok_or(NotComputed::NotForKind { statistic, kind })?;
        let null = alpha.map(|alpha| measured.null(alpha?.value, self.null.as_ref()));
        let parts = Parts::both(null, self.bound, self.settings.limits);
        Ok(limits::limits(floors, parts))
    }
}

/// Gives tests their bounds between windows at `alpha`, each with the spread of all that have its statistic beside its own.
pub(super) fn bind<'a>(
    tests: impl Iterator<Item = &'a mut DriftTest>,
    alpha: BySeverity<Option<Alpha>>,
) {
    let tests: Vec<&mut DriftTest> = tests.collect();
    // Distances have no sign, so that they do not tell how much windows resemble each other; where they lie does.
    let still = tests.iter().filter(|test| !test.moving);
    let alike = limits::autocorrelation(still.map(|test| test.places.as_slice()));
    let mut tests: Vec<(&mut DriftTest, Option<Between>)> = tests
        .into_iter()
        .map(|test| {
            let between = Between::distances(&test.leave_one_out);
            (test, between.map(|between| between.stretched(alike)))
        })
        .collect();
    let pooled: Vec<Pooled> = tests
        .iter()
        .map(|(test, _)| {
            let same = tests
                .iter()
                .filter(|(other, _)| other.statistic == test.statistic);
            Pooled::of(same.filter_map(|(_, between)| between.as_ref()))
        })
        .collect();
    for ((test, between), pooled) in tests.iter_mut().zip(pooled) {
        test.bound = alpha.map(|alpha| Some((*between)?.bound(pooled, alpha?.value)));
    }
}

/// One number that moves with the distribution: the mean, or the share of the most frequent category.
fn place(window: &Summary) -> Option<f64> {
    match window.counts.as_ref()? {
        Counts::Numeric { .. } => window.moments.map(|moments| moments.mean),
        Counts::Categorical { top, .. } => {
            let values = window.values();
            (values > 0).then(|| {
                top.first()
                    .map_or(0.0, |first| *first as f64 / values as f64)
            })
        }
    }
}

/// Whether the baseline's own windows differ, on average, more than the warning floor and more than noise: of small
/// windows the noise alone is above the floor, and would make every feature one that moves by construction.
fn moves(leave_one_out: &[Measured], floor: f64, simulated: Option<&wasserstein::Null>) -> bool {
    let mean = |of: &dyn Fn(&Measured) -> f64| {
        leave_one_out.iter().map(of).sum::<f64>() / leave_one_out.len() as f64
    };
    let noise = |measured: &Measured| {
        measured
            .null(limits::ALPHA_RANGE.1, simulated)
            .unwrap_or(0.0)
    };
    let distance = mean(&|measured| measured.value);
    distance > floor && distance > mean(&noise)
}
