//! One window against one baseline: every distance, every limit, every verdict.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::baseline::{FrozenFeature, without};
use crate::bins::Bins;
use crate::column::Kind;
use crate::distance::{Distance, NotComputed, Statistic, wasserstein};
use crate::limits::{self, Alpha, Between, Limit, Parts, floors};
use crate::measure::{Measured, measure};
use crate::multiplicity::benjamini_hochberg;
use crate::summary::{Counts, Summary};
use crate::validity::Acceptable;
use crate::verdict::{ByCheck, BySeverity, Check, Verdict, score};

/// The statistics that alarm about drift. χ² and the missing share cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftSettings {
    /// For numeric features.
    pub numeric: Statistic,
    /// For categorical features; KS and Wasserstein need an order and cannot.
    pub categorical: Statistic,
}

impl Default for DriftSettings {
    fn default() -> Self {
        DriftSettings {
            numeric: Statistic::Ks,
            categorical: Statistic::Psi,
        }
    }
}

/// How it is learnt which values are acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QualitySettings {
    /// How far beyond the baseline's smallest and largest value a number may lie, in units of their distance.
    pub tolerance: f64,
}

/// What the manifest says about one check on one feature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CheckSettings {
    /// Whether this feature is judged. A feature that is not still counts as a test, so that an override moves
    /// no other limit.
    pub enabled: bool,
    /// Limits from the manifest, in the unit of the alarming statistic (for missing: an increase of the share).
    pub limits: BySeverity<Option<f64>>,
    /// The least number of rows on which the check may alarm.
    pub min_rows: u64,
}

impl Default for CheckSettings {
    fn default() -> Self {
        CheckSettings {
            enabled: true,
            limits: BySeverity::default(),
            min_rows: 200,
        }
    }
}

/// Everything from the manifest that a verdict depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Expected false alarms per window, all features together.
    pub budget: BySeverity<f64>,
    /// Which statistics alarm about drift; `None` when the check is off.
    pub drift: Option<DriftSettings>,
    /// Whether the missing check is on.
    pub missing: bool,
    /// How quality is judged; `None` when the check is off.
    pub quality: Option<QualitySettings>,
    /// What is acceptable of features of which the manifest says so.
    pub acceptable: BTreeMap<String, Acceptable>,
    /// Per feature; a feature that is not here has `default`.
    pub features: BTreeMap<String, ByCheck<CheckSettings>>,
    /// For all other features.
    pub default: ByCheck<CheckSettings>,
}

/// All that one window says about one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureReport {
    /// Column name.
    pub name: String,
    /// Every distance of the feature's kind, in the order of [`Statistic::distances`].
    pub distances: Vec<(Statistic, Result<Distance, NotComputed>)>,
    /// What each check says.
    #[serde(flatten, deserialize_with = "known_checks")]
    pub verdicts: ByCheck<Result<Verdict, NotComputed>>,
    /// The feature moves by construction.
    pub moving: bool,
}

/// Reads verdicts that may have been saved before a check was there: of that nothing is known until the next window.
fn known_checks<'de, D: serde::Deserializer<'de>>(
    saved: D,
) -> Result<ByCheck<Result<Verdict, NotComputed>>, D::Error> {
    let mut saved = ByCheck::<Option<Result<Verdict, NotComputed>>>::deserialize(saved)?;
    Ok(ByCheck::from_fn(|check| {
        let verdict = saved.get_mut(check).take();
        verdict.unwrap_or(Err(NotComputed::Disabled))
    }))
}

/// A baseline and its settings, prepared once so that judging one window is cheap. It owns what it needs.
#[derive(Debug, Clone)]
pub struct Reference {
    tests: ByCheck<usize>,
    alpha: BySeverity<Option<Alpha>>,
    features: Vec<Prepared>,
}

/// One feature, prepared.
#[derive(Debug, Clone)]
struct Prepared {
    name: String,
    bins: Arc<Bins>,
    rows: u64,
    nulls: u64,
    counts: Option<Counts>,
    settings: ByCheck<CheckSettings>,
    missing_on: bool,
    /// The alarming statistic, when drift is on.
    statistic: Option<Statistic>,
    leave_one_out: Vec<f64>,
    moving: bool,
    drift_bound: BySeverity<Option<f64>>,
    missing_bound: BySeverity<Option<f64>>,
    /// What is acceptable, and the baseline's values that are not.
    acceptable: Result<Acceptable, NotComputed>,
    invalid: u64,
    filled: u64,
    quality_bound: BySeverity<Option<f64>>,
    /// Only when Wasserstein alarms.
    null: Option<wasserstein::Null>,
}

impl Reference {
    /// Prepares `features` under `settings`.
    pub fn new(features: &[FrozenFeature], settings: &Settings) -> Self {
        let mut prepared: Vec<Prepared> = features
            .iter()
            .map(|feature| Prepared::new(feature, settings))
            .collect();
        let drifts = prepared
            .iter()
            .filter(|feature| feature.has_alarming_statistic())
            .count();
        let missing = prepared
            .iter()
            .filter(|feature| settings.missing && feature.rows > 0)
            .count();
        let quality = prepared
            .iter()
            .filter(|feature| settings.quality.is_some() && feature.filled > 0)
            .count();
        let tests = ByCheck {
            drift: drifts,
            missing,
            quality,
        };
        let all = tests.iter().map(|(_, tests)| tests).sum();
        let alpha = settings.budget.map(|budget| Alpha::share(budget, all));
        let at = |between: Option<Between>, pooled: f64| {
            alpha.map(|alpha| Some(between?.bound(pooled, alpha?.value)))
        };

        let drift: Vec<Option<Between>> = prepared
            .iter()
            .map(|feature| Between::distances(&feature.leave_one_out))
            .collect();
        let pooled = |statistic: Option<Statistic>| {
            let same = prepared
                .iter()
                .zip(&drift)
                .filter(|(feature, _)| feature.statistic == statistic);
            limits::pooled_variance(same.filter_map(|(_, between)| between.as_ref()))
        };
        let drift_bounds: Vec<_> = prepared
            .iter()
            .zip(&drift)
            .map(|(feature, between)| at(*between, pooled(feature.statistic)))
            .collect();

        let between = |shares: &dyn Fn(&FrozenFeature, &Prepared) -> Vec<Share>| {
            let of = |(feature, prepared)| {
                Between::differences(&differences(&shares(feature, prepared)))
            };
            features.iter().zip(&prepared).map(of).collect::<Vec<_>>()
        };
        let missing = between(&|feature, _| feature.windows.iter().map(Share::missing).collect());
        let invalid = between(&|feature, prepared| prepared.invalid_shares(feature));
        let pooled = [&missing, &invalid].map(|all| limits::pooled_variance(all.iter().flatten()));
        let bounds = drift_bounds.into_iter().zip(missing).zip(invalid);
        for (feature, ((drift, missing), invalid)) in prepared.iter_mut().zip(bounds) {
            feature.drift_bound = drift;
            feature.missing_bound = at(missing, pooled[0]);
            feature.quality_bound = at(invalid, pooled[1]);
        }
        Reference {
            tests,
            alpha,
            features: prepared,
        }
    }

    /// Number of tests that share the budget: drift and missing of every feature that has them, whatever overrides
    /// say.
    pub fn tests(&self) -> usize {
        self.tests.iter().map(|(_, tests)| tests).sum()
    }

    /// How many of them are tests of one check.
    pub fn tests_of(&self, check: Check) -> usize {
        *self.tests.get(check)
    }

    /// α of one test; `None` without any test.
    pub fn alpha(&self) -> BySeverity<Option<Alpha>> {
        self.alpha
    }

    /// What values of a feature are acceptable.
    ///
    /// # Errors
    /// When neither the manifest nor the baseline says so.
    pub fn acceptable(&self, feature: usize) -> Result<&Acceptable, NotComputed> {
        let feature = self.features.get(feature).ok_or(NotComputed::Absent)?;
        feature.acceptable.as_ref().map_err(|reason| *reason)
    }

    /// Number of features, in the baseline's order.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether the baseline has no feature.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Whether a feature moves by construction: the mean of its leave-one-out distances is above the warning floor
    /// and above the noise of such samples.
    pub fn moving(&self, feature: usize) -> bool {
        self.features
            .get(feature)
            .is_some_and(|feature| feature.moving)
    }

    /// Distance of each baseline window to the others pooled, by the alarming statistic; empty when it has none.
    pub fn leave_one_out(&self, feature: usize) -> &[f64] {
        self.features
            .get(feature)
            .map_or(&[], |feature| &feature.leave_one_out)
    }

    /// Limits of the drift check of a feature for this window, also for a moving feature.
    ///
    /// # Errors
    /// When the alarming statistic cannot be computed.
    pub fn drift_limits(
        &self,
        feature: usize,
        window: &Summary,
    ) -> Result<BySeverity<Limit>, NotComputed> {
        let feature = self.features.get(feature).ok_or(NotComputed::Absent)?;
        let statistic = feature.statistic.ok_or(NotComputed::Disabled)?;
        feature.drift_limits(&feature.measure(statistic, window)?, self.alpha)
    }

    /// α at which noise is taken off an effect.
    fn effect_alpha(&self) -> f64 {
        self.alpha
            .warning
            .map_or(limits::ALPHA_RANGE.1, |alpha| alpha.value)
    }
}

/// Judges one window. `current` is in the order of the baseline's features, `None` where the column is not there;
/// what it does not reach is absent too.
pub fn judge(reference: &Reference, current: &[Option<&Summary>]) -> Vec<FeatureReport> {
    let windows = current.iter().copied().chain(std::iter::repeat(None));
    let mut reports: Vec<FeatureReport> = reference
        .features
        .iter()
        .zip(windows)
        .map(|(feature, window)| feature.judge(window, reference))
        .collect();
    adjust(&mut reports);
    reports
}

/// Adjusts the p-values of each statistic over all features.
fn adjust(reports: &mut [FeatureReport]) {
    for statistic in Statistic::distances(Kind::Numeric) {
        let mut tested: Vec<&mut Distance> = reports
            .iter_mut()
            .flat_map(|report| &mut report.distances)
            .filter_map(|(_, distance)| distance.as_mut().ok())
            .filter(|distance| distance.statistic == *statistic && distance.p_value.is_some())
            .collect();
        let p_values: Vec<f64> = tested
            .iter()
            .filter_map(|distance| distance.p_value)
            .collect();
        for (distance, adjusted) in tested.iter_mut().zip(benjamini_hochberg(&p_values)) {
            distance.adjusted_p_value = Some(adjusted);
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

/// Some of a window's rows.
#[derive(Debug, Clone, Copy)]
struct Share {
    counted: u64,
    rows: u64,
}

impl Share {
    fn missing(window: &Summary) -> Self {
        Share {
            counted: window.nulls,
            rows: window.rows,
        }
    }

    fn value(self) -> Option<f64> {
        (self.rows > 0).then(|| self.counted as f64 / self.rows as f64)
    }
}

/// Share of each window minus that of the others pooled.
fn differences(windows: &[Share]) -> Vec<f64> {
    let sum = |of: fn(&Share) -> u64| windows.iter().map(of).sum::<u64>();
    let (counted, rows) = (sum(|share| share.counted), sum(|share| share.rows));
    let difference = |window: &Share| {
        let others = Share {
            counted: counted - window.counted,
            rows: rows - window.rows,
        };
        Some(window.value()? - others.value()?)
    };
    windows.iter().filter_map(difference).collect()
}

impl Prepared {
    fn new(feature: &FrozenFeature, settings: &Settings) -> Self {
        let statistic = settings.drift.map(|drift| match feature.kind {
            Kind::Numeric => drift.numeric,
            Kind::Categorical => drift.categorical,
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
        let moving = statistic
            .and_then(floors)
            .is_some_and(|floors| moves(&measured, floors.warning, null.as_ref()));
        let leave_one_out = measured.iter().map(|measured| measured.value).collect();
        let acceptable = match (settings.acceptable.get(&feature.name), settings.quality) {
            (Some(given), _) if given.kind() == feature.kind => Ok(given.clone()),
            (Some(given), _) => Err(NotComputed::GivenForOtherKind {
                given: given.kind(),
                kind: feature.kind,
            }),
            // What moves leaves any range behind that it had.
            (None, Some(_)) if moving => Err(NotComputed::Moving),
            (None, Some(quality)) => Acceptable::learnt(feature, quality.tolerance),
            (None, None) => Err(NotComputed::Disabled),
        };
        let refused =
            |acceptable: &Acceptable| acceptable.refused(&feature.reference, &feature.bins);
        Prepared {
            name: feature.name.clone(),
            bins: feature.bins.clone(),
            rows: feature.reference.rows,
            nulls: feature.reference.nulls,
            counts: feature.reference.counts.clone(),
            settings: settings
                .features
                .get(&feature.name)
                .copied()
                .unwrap_or(settings.default),
            missing_on: settings.missing,
            statistic,
            leave_one_out,
            moving,
            drift_bound: BySeverity::default(),
            missing_bound: BySeverity::default(),
            invalid: acceptable.as_ref().map_or(0, refused),
            acceptable,
            filled: feature.reference.filled(),
            quality_bound: BySeverity::default(),
            null,
        }
    }

    /// Whether the reference suffices for the alarming statistic, whatever the window will hold.
    fn has_alarming_statistic(&self) -> bool {
        // The reference against itself fails for the same reasons as against any large window.
        self.statistic.is_some_and(|statistic| {
            floors(statistic).is_some()
                && measure(
                    statistic,
                    &self.bins,
                    self.counts.as_ref(),
                    self.counts.as_ref(),
                )
                .is_ok()
        })
    }

    fn judge(&self, window: Option<&Summary>, reference: &Reference) -> FeatureReport {
        let kind = self.bins.kind();
        let distance = |statistic| {
            let measured = self.measure(statistic, window.ok_or(NotComputed::Absent)?)?;
            Ok(measured.distance(reference.effect_alpha()))
        };
        FeatureReport {
            name: self.name.clone(),
            distances: Statistic::distances(kind)
                .iter()
                .map(|&statistic| (statistic, distance(statistic)))
                .collect(),
            verdicts: ByCheck::from_fn(|check| {
                let window = window.ok_or(NotComputed::Absent)?;
                match check {
                    Check::Drift => self.judge_drift(window, reference),
                    Check::Missing => self.judge_missing(window, reference),
                    Check::Quality => self.judge_quality(window, reference),
                }
            }),
            moving: self.moving,
        }
    }

    fn measure(&self, statistic: Statistic, window: &Summary) -> Result<Measured, NotComputed> {
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

    fn judge_drift(&self, window: &Summary, reference: &Reference) -> Result<Verdict, NotComputed> {
        let statistic = self
            .statistic
            .filter(|_| self.settings.drift.enabled)
            .ok_or(NotComputed::Disabled)?;
        let measured = self.measure(statistic, window)?;
        let manifest = self.settings.drift.limits;
        if self.moving && manifest.warning.is_none() && manifest.critical.is_none() {
            return Err(NotComputed::Moving);
        }
        let limits = self.drift_limits(&measured, reference.alpha)?;
        let may_alarm = manifest.map(|number| number.is_some() || !self.moving);
        Ok(verdict(
            Check::Drift,
            statistic,
            measured.value,
            measured.compared.1,
            self.settings.drift.min_rows,
            limits,
            may_alarm,
        ))
    }

    fn drift_limits(
        &self,
        measured: &Measured,
        alpha: BySeverity<Option<Alpha>>,
    ) -> Result<BySeverity<Limit>, NotComputed> {
        let (statistic, kind) = (measured.statistic, self.bins.kind());
        let floors = floors(statistic).ok_or(NotComputed::NotForKind { statistic, kind })?;
        let null = alpha.map(|alpha| measured.null(alpha?.value, self.null.as_ref()));
        let parts = null.zip(self.drift_bound).zip(self.settings.drift.limits);
        Ok(limits::limits(
            floors,
            parts.map(|((null, bound), manifest)| Parts {
                null,
                bound,
                manifest,
            }),
        ))
    }

    fn judge_missing(
        &self,
        window: &Summary,
        reference: &Reference,
    ) -> Result<Verdict, NotComputed> {
        let statistic = Statistic::MissingShare;
        if !(self.missing_on && self.settings.missing.enabled) {
            return Err(NotComputed::Disabled);
        }
        let reference_share = Share {
            counted: self.nulls,
            rows: self.rows,
        };
        let increase = Increase {
            check: Check::Missing,
            statistic,
            reference: reference_share,
            window: Share::missing(window),
            bound: self.missing_bound,
            settings: self.settings.missing,
        };
        increase.judge(reference.alpha, self.bins.kind())
    }

    fn judge_quality(
        &self,
        window: &Summary,
        reference: &Reference,
    ) -> Result<Verdict, NotComputed> {
        if !self.settings.quality.enabled {
            return Err(NotComputed::Disabled);
        }
        self.acceptable.as_ref().map_err(|reason| *reason)?;
        let (baseline, current) = (self.bins.kind(), window.kind);
        if baseline != current {
            return Err(NotComputed::KindChanged {
                baseline,
                window: current,
            });
        }
        let increase = Increase {
            check: Check::Quality,
            statistic: Statistic::InvalidShare,
            reference: Share {
                counted: self.invalid,
                rows: self.filled,
            },
            window: Share {
                counted: window.invalid,
                rows: window.filled(),
            },
            bound: self.quality_bound,
            settings: self.settings.quality,
        };
        increase.judge(reference.alpha, baseline)
    }

    /// The baseline's windows by their values that are not acceptable.
    fn invalid_shares(&self, feature: &FrozenFeature) -> Vec<Share> {
        let Ok(acceptable) = &self.acceptable else {
            return Vec::new();
        };
        let share = |window: &Summary| Share {
            counted: acceptable.refused(window, &feature.bins),
            rows: window.filled(),
        };
        feature.windows.iter().map(share).collect()
    }
}

/// A share of rows that may not rise.
struct Increase {
    check: Check,
    statistic: Statistic,
    reference: Share,
    window: Share,
    bound: BySeverity<Option<f64>>,
    settings: CheckSettings,
}

impl Increase {
    fn judge(self, alpha: BySeverity<Option<Alpha>>, kind: Kind) -> Result<Verdict, NotComputed> {
        let (statistic, need) = (self.statistic, self.statistic.minimum());
        let none = NotComputed::NoReference { have: 0, need };
        let before = self.reference.value().ok_or(none)?;
        let none = NotComputed::TooFewRows { have: 0, need };
        let now = self.window.value().ok_or(none)?;
        let floors = floors(statistic).ok_or(NotComputed::NotForKind { statistic, kind })?;
        let Share { counted, rows } = self.reference;
        let null = alpha.map(|alpha| {
            Some(limits::share_null(
                alpha?.value,
                counted,
                rows,
                self.window.rows,
            ))
        });
        let parts = null.zip(self.bound).zip(self.settings.limits);
        let limits = limits::limits(
            floors,
            parts.map(|((null, bound), manifest)| Parts {
                null,
                bound,
                manifest,
            }),
        );
        let always = BySeverity {
            warning: true,
            critical: true,
        };
        Ok(verdict(
            self.check,
            statistic,
            now - before,
            self.window.rows,
            self.settings.min_rows,
            limits,
            always,
        ))
    }
}

fn verdict(
    check: Check,
    statistic: Statistic,
    value: f64,
    rows: u64,
    min_rows: u64,
    limits: BySeverity<Limit>,
    may_alarm: BySeverity<bool>,
) -> Verdict {
    let scores = limits.map(|limit| score(value, limit.value));
    let over = scores
        .zip(may_alarm)
        .map(|(score, may)| may && score >= 1.0 && rows >= min_rows);
    Verdict {
        check,
        statistic,
        value,
        rows,
        min_rows,
        limits,
        scores,
        over,
    }
}
