//! One window against one baseline: every distance, every limit, every verdict.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::association::Matrix;
use crate::baseline::FrozenFeature;
use crate::column::Kind;
use crate::distance::{Distance, NotComputed, Statistic};
use crate::imputed::{Imputed, ImputedBy};
use crate::limits::{self, Alpha, Limit};
use crate::multiplicity::benjamini_hochberg;
use crate::outliers::Fences;
use crate::summary::Summary;
use crate::validity::Acceptable;
use crate::verdict::{ByCheck, BySeverity, Check, Scope, Verdict, score};
use crate::window::WindowSummary;

mod association;
mod counted;
mod drift;
mod level;
mod patterns;
mod performance;
mod segments;
mod share;
mod shift;

pub use association::{
    AssociationReport, MOST_CHANGED, PairChange, PairSpread, PairTest, laid_to, pooled_spreads,
};
pub use level::{Season, Usual};
pub use patterns::{
    CoMissingPair, Completeness, Difference, MOST_TOLD, MissingnessReport, PatternChange,
};
pub use performance::{MOST_EVIDENT, PerformanceReport, Power};
pub use segments::{FeatureSplit, MIN_SEGMENT_ROWS, SegmentChange, SegmentsReport, Split};
pub use shift::{ShiftState, judge as judge_shift};

use association::AssociationTests;
use drift::DriftTest;
use level::LevelTest;
use patterns::PatternTest;
use performance::PerformanceTests;
use segments::SegmentTests;
use share::{Share, ShareTest};
use shift::ShiftTest;

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

impl Default for QualitySettings {
    fn default() -> Self {
        QualitySettings { tolerance: 0.5 }
    }
}

/// What the manifest says about one check on one feature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CheckSettings {
    /// Whether this feature is judged. A feature that is not still counts as a test, so that an override moves
    /// no other limit.
    pub enabled: bool,
    /// Limits from the manifest, in the unit of the alarming statistic (for shares: an increase).
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
    /// Which checks are on.
    pub on: ByCheck<bool>,
    /// Which statistics alarm about drift.
    pub drift: DriftSettings,
    /// How quality is judged.
    pub quality: QualitySettings,
    /// What is acceptable of features of which the manifest says so.
    pub acceptable: BTreeMap<String, Acceptable>,
    /// Per feature; a feature that is not here, and the window as a whole, has `default`.
    pub features: BTreeMap<String, ByCheck<CheckSettings>>,
    /// For all else.
    pub default: ByCheck<CheckSettings>,
}

/// What each check says, or why it says nothing.
pub type Verdicts = ByCheck<Result<Verdict, NotComputed>>;

/// All that one window says.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// About each feature, in the baseline's order.
    pub features: Vec<FeatureReport>,
    /// About itself as a whole, under the empty name.
    pub window: FeatureReport,
    /// About how its features hang together; `None` where no pair can be compared.
    pub associations: Option<AssociationReport>,
    /// About what its features tell about the target; `None` where there is none.
    pub performance: Option<PerformanceReport>,
    /// About how its values are missing together; `None` where that cannot be compared.
    pub missingness: Option<MissingnessReport>,
    /// About the segments of each column that divides the rows; none where that cannot be compared.
    pub segments: Vec<SegmentsReport>,
}

/// All that one window says about one feature, or about itself as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureReport {
    /// Column name; empty for the window as a whole.
    pub name: String,
    /// Every distance of the feature's kind, in the order of [`Statistic::distances`].
    pub distances: Vec<(Statistic, Result<Distance, NotComputed>)>,
    /// What each check says; those of another [`Scope`](crate::Scope) say that they are switched off.
    #[serde(flatten, deserialize_with = "known_checks")]
    pub verdicts: Verdicts,
    /// The feature moves by construction.
    pub moving: bool,
    /// The pair that the check of its associations judges.
    #[serde(default)]
    pub pair: Option<PairChange>,
    /// A pair that changed more against its limits, and is laid to another feature, which alarms for it.
    #[serde(default)]
    pub pair_laid_elsewhere: Option<PairChange>,
    /// What it tells about the target; `None` where that is not known.
    #[serde(default)]
    pub power: Option<Power>,
    /// The segment that the check of its segments judges.
    #[serde(default)]
    pub segment: Option<SegmentChange>,
}

/// Reads verdicts that may have been saved before a check was there: of that nothing is known until the next window.
fn known_checks<'de, D: serde::Deserializer<'de>>(saved: D) -> Result<Verdicts, D::Error> {
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
    correlation: Result<AssociationTests, NotComputed>,
    performance: Result<PerformanceTests, NotComputed>,
    duplicates: Result<ShareTest, NotComputed>,
    on: ByCheck<bool>,
    /// Why nothing is compared with it.
    unready: Option<NotComputed>,
    patterns: Result<PatternTest, NotComputed>,
    segments: Result<SegmentTests, NotComputed>,
}

/// One feature, prepared. A test that cannot be made says why.
#[derive(Debug, Clone)]
struct Prepared {
    name: String,
    drift: DriftTest,
    missing: Result<ShareTest, NotComputed>,
    quality: Result<ShareTest, NotComputed>,
    outliers: Result<ShareTest, NotComputed>,
    level: Result<LevelTest, NotComputed>,
    shift: Result<ShiftTest, NotComputed>,
    imputation: Result<ShareTest, NotComputed>,
    /// How its baseline tells which values were filled in.
    imputed_by: Option<ImputedBy>,
    acceptable: Result<Acceptable, NotComputed>,
    fences: Result<Fences, NotComputed>,
}

impl Reference {
    /// Prepares `features` and the baseline's `windows` as wholes, oldest first, under `settings`.
    pub fn new(features: &[FrozenFeature], windows: &[WindowSummary], settings: &Settings) -> Self {
        Self::prepared(features, windows, settings, None)
    }

    /// Prepares the windows of one phase: those in `features`, and `windows` as wholes. `season` says what is known beside them.
    pub fn seasonal(
        features: &[FrozenFeature],
        windows: &[WindowSummary],
        settings: &Settings,
        season: &Season<'_>,
    ) -> Self {
        Self::prepared(features, windows, settings, Some(season))
    }

    fn prepared(
        features: &[FrozenFeature],
        windows: &[WindowSummary],
        settings: &Settings,
        season: Option<&Season<'_>>,
    ) -> Self {
        let mut prepared: Vec<Prepared> = features
            .par_iter()
            .zip(level::tests(features, settings, season))
            .enumerate()
            .map(|(place, (feature, level))| {
                let whole = season.and_then(|season| season.whole.get(place));
                Prepared::new(feature, whole, level, settings)
            })
            .collect();
        let correlation = match season {
            Some(_) => Err(NotComputed::Seasonal),
            None => AssociationTests::new(features, windows, settings),
        };
        let mut performance = match season {
            Some(_) => Err(NotComputed::Seasonal),
            None => PerformanceTests::new(features, windows, settings),
        };
        let segments = match season {
            Some(_) => Err(NotComputed::Seasonal),
            None => {
                let moving = prepared.iter().map(|feature| feature.drift.moving());
                SegmentTests::new(features, moving, windows, settings)
            }
        };
        let mut duplicates = duplicates(windows, settings);
        let patterns = match season {
            Some(_) => Err(NotComputed::Seasonal),
            None => PatternTest::new(features, windows, settings),
        };
        let count = |has: &dyn Fn(&FrozenFeature, &Prepared) -> bool| {
            let all = features.iter().zip(&prepared);
            all.filter(|(feature, prepared)| has(feature, prepared))
                .count()
        };
        let on = settings.on;
        // An override, and what a test of a feature finds that moves, change no other limit.
        let tests = ByCheck {
            drift: count(&|_, prepared| prepared.drift.counts()),
            missing: count(&|feature, _| on.missing && feature.reference.rows > 0),
            quality: count(&|feature, _| on.quality && feature.reference.filled() > 0),
            outliers: count(&|_, prepared| on.outliers && counts(&prepared.fences)),
            correlation: correlation.as_ref().map_or(0, AssociationTests::count),
            performance: performance.as_ref().map_or(0, PerformanceTests::count),
            level: count(&|_, prepared| prepared.level.is_ok()),
            shift: count(&|_, prepared| shift::counts(&prepared.shift)),
            duplicates: usize::from(duplicates.is_ok()),
            missing_patterns: usize::from(patterns.is_ok()),
            imputation: count(&|_, prepared| counts(&prepared.imputation)),
            segments: segments.as_ref().map_or(0, SegmentTests::count),
        };
        let all = tests.iter().map(|(_, tests)| tests).sum();
        let alpha = settings.budget.map(|budget| Alpha::share(budget, all));

        drift::bind(prepared.iter_mut().map(|feature| &mut feature.drift), alpha);
        type Of = fn(&mut Prepared) -> &mut Result<ShareTest, NotComputed>;
        let shares: [Of; 4] = [
            |feature| &mut feature.missing,
            |feature| &mut feature.quality,
            |feature| &mut feature.outliers,
            |feature| &mut feature.imputation,
        ];
        for of in shares {
            share::bind(prepared.iter_mut().map(of), alpha);
        }
        if let Ok(performance) = &mut performance {
            performance.bind(alpha);
        }
        share::bind(std::iter::once(&mut duplicates), alpha);
        Reference {
            tests,
            alpha,
            features: prepared,
            correlation,
            performance,
            duplicates,
            on,
            unready: season.and_then(Season::too_few),
            patterns,
            segments,
        }
    }

    /// Number of tests that share the budget: those of every feature that has them, and of the window, whatever overrides
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

    /// Beyond which numbers of a feature are outliers.
    ///
    /// # Errors
    /// When the baseline does not say so.
    pub fn fences(&self, feature: usize) -> Result<Fences, NotComputed> {
        self.features
            .get(feature)
            .ok_or(NotComputed::Absent)?
            .fences
    }

    /// What is usual of the mean of a feature at the time of the window that this is prepared for.
    ///
    /// # Errors
    /// When a baseline that is not seasonal, or too few windows, do not say so.
    pub fn usual(&self, feature: usize) -> Result<Usual, NotComputed> {
        let feature = self.features.get(feature).ok_or(NotComputed::Absent)?;
        let level = feature.level.as_ref().map_err(|reason| *reason)?;
        Ok(level.usual())
    }

    /// The features of which the baseline says how they hang together, and how.
    ///
    /// # Errors
    /// When it does not say so.
    pub fn associations(&self) -> Result<(&[String], &Matrix), NotComputed> {
        let tests = self.correlation.as_ref().map_err(|reason| *reason)?;
        Ok(tests.reference())
    }

    /// All pairs of features of a window with their limits, at most one for each two of the baseline's; none where that cannot be said.
    pub fn pairs(&self, window: &WindowSummary) -> Vec<PairTest> {
        let tests = self.correlation.as_ref();
        tests.map_or_else(|_| Vec::new(), |tests| tests.tests(window, self.alpha))
    }

    /// The limits of the EWMA of a feature's mean with which `state` took its last window in; nothing before it has taken one.
    pub fn ewma_limits(&self, feature: usize, state: &ShiftState) -> Option<BySeverity<Limit>> {
        state.ewma_limits(self.features.get(feature)?.shift.as_ref().ok()?)
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
        let feature = self.features.get(feature);
        feature.is_some_and(|feature| feature.drift.moving())
    }

    /// Distance of each baseline window to the others pooled, by the alarming statistic; empty when it has none.
    pub fn leave_one_out(&self, feature: usize) -> &[f64] {
        let feature = self.features.get(feature);
        feature.map_or(&[], |feature| feature.drift.leave_one_out())
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
        feature.drift.limits_for(window, self.alpha)
    }

    /// Why a check says nothing where the baseline has nothing to compare with.
    fn not_ready(&self, check: Check) -> Result<Verdict, NotComputed> {
        let reason = self.unready.filter(|_| *self.on.get(check));
        Err(reason.unwrap_or(NotComputed::Disabled))
    }

    /// α at which noise is taken off an effect.
    fn effect_alpha(&self) -> f64 {
        self.alpha
            .warning
            .map_or(limits::ALPHA_RANGE.1, |alpha| alpha.value)
    }
}

/// What is said of a window in which a target, or what divides its rows, was not found: without rows it has neither, and that is no
/// fault of the columns.
fn of_rows(
    window: &Summary,
    verdict: Result<Verdict, NotComputed>,
) -> Result<Verdict, NotComputed> {
    let need = match verdict {
        _ if window.rows > 0 => return verdict,
        Err(NotComputed::NoTarget) => Statistic::AucFall.minimum(),
        Err(NotComputed::NoSegments) => Statistic::SegmentDistance.minimum(),
        verdict => return verdict,
    };
    Err(NotComputed::TooFewRows { have: 0, need })
}

/// Whether what is learnt takes part in the budget: where there is some, and where a feature moves, which moves no other limit.
fn counts<T>(learnt: &Result<T, NotComputed>) -> bool {
    matches!(learnt, Ok(_) | Err(NotComputed::Moving))
}

/// The test of the keys of windows.
fn duplicates(windows: &[WindowSummary], settings: &Settings) -> Result<ShareTest, NotComputed> {
    if !settings.on.duplicates {
        return Err(NotComputed::Disabled);
    }
    if windows.is_empty() {
        return Err(NotComputed::NotInBaseline);
    }
    let keys = windows.iter().filter_map(|window| window.keys.as_ref());
    let windows: Vec<Share> = keys.map(Share::duplicates).collect();
    if windows.is_empty() {
        return Err(NotComputed::NoKeysInBaseline);
    }
    Ok(ShareTest::new(
        Check::Duplicates,
        Share::pooled(&windows),
        &windows,
        settings.default.duplicates,
    ))
}

/// Judges one window. `current` is in the order of the baseline's features, `None` where the column is not there;
/// what it does not reach is absent too.
pub fn judge(
    reference: &Reference,
    current: &[Option<&Summary>],
    window: &WindowSummary,
) -> Report {
    let correlation = || match &reference.correlation {
        Ok(tests) => tests.judge(window, reference.alpha),
        Err(reason) => (vec![Err(*reason); reference.len()], None),
    };
    let performance = || match &reference.performance {
        Ok(tests) => tests.judge(window, reference.alpha),
        Err(reason) => (vec![(Err(*reason), None); reference.len()], None),
    };
    let patterns = || match &reference.patterns {
        Ok(test) => test.judge(window, reference.alpha),
        Err(reason) => (Err(*reason), None),
    };
    let there = reference.features.iter().enumerate();
    let there = there.map(|(place, feature)| {
        let summary = current.get(place).copied().flatten();
        summary.is_some_and(|summary| summary.kind == feature.drift.kind())
    });
    let there: Vec<bool> = there.collect();
    let segments = || match &reference.segments {
        Ok(tests) => tests.judge(window, &there, reference.alpha),
        Err(reason) => (vec![Err(*reason); reference.len()], Vec::new()),
    };
    let (
        ((pairs, associations), (powers, performance)),
        ((patterns, missingness), (parts, segments)),
    ) = rayon::join(
        || rayon::join(correlation, performance),
        || rayon::join(patterns, segments),
    );
    let together = pairs.into_iter().zip(powers).zip(parts);
    let together = together.map(|((pair, power), segment)| Jointly {
        pair,
        power,
        segment,
    });
    let together: Vec<Jointly> = together.collect();
    let mut features: Vec<FeatureReport> = reference
        .features
        .par_iter()
        .zip(together)
        .enumerate()
        .map(|(place, (feature, joint))| {
            let summary = current.get(place).copied().flatten();
            feature.judge(summary, joint, reference)
        })
        .collect();
    adjust(&mut features);
    let verdicts = ByCheck::from_fn(|check| match check {
        Check::Duplicates if reference.unready.is_some() => reference.not_ready(check),
        Check::Duplicates => {
            let keys = window.keys.as_ref().ok_or(NotComputed::NoKeys);
            share::judge(
                &reference.duplicates,
                keys.map(Share::duplicates),
                reference.alpha,
            )
        }
        Check::MissingPatterns => patterns.clone(),
        Check::Drift
        | Check::Missing
        | Check::Quality
        | Check::Outliers
        | Check::Correlation
        | Check::Performance
        | Check::Level
        | Check::Shift
        | Check::Imputation
        | Check::Segments => Err(NotComputed::Disabled),
    });
    let window = FeatureReport {
        name: String::new(),
        distances: Vec::new(),
        verdicts,
        moving: false,
        pair: None,
        pair_laid_elsewhere: None,
        power: None,
        segment: None,
    };
    Report {
        features,
        window,
        associations,
        performance,
        missingness,
        segments,
    }
}

/// What is judged of a feature together with other columns.
struct Jointly {
    pair: association::Judged,
    power: performance::Judged,
    segment: segments::Judged,
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

impl Prepared {
    /// Of a seasonal baseline `whole` is the feature in all of its windows, from which it is learnt what is acceptable.
    fn new(
        feature: &FrozenFeature,
        whole: Option<&Summary>,
        level: Result<LevelTest, NotComputed>,
        settings: &Settings,
    ) -> Self {
        let name = &feature.name;
        let own = settings.features.get(name).unwrap_or(&settings.default);
        let drift = DriftTest::new(feature, settings, own.drift);
        let (on, reference, bins) = (settings.on, &feature.reference, &feature.bins);
        let learnt = |what: Check| match *on.get(what) {
            false => Err(NotComputed::Disabled),
            // What moves leaves behind any range that it had.
            true if whole.is_none() && drift.moving() => Err(NotComputed::Moving),
            true => Ok(()),
        };
        let of_all = whole.map(|whole| FrozenFeature {
            windows: Vec::new(),
            reference: whole.clone(),
            name: name.clone(),
            kind: feature.kind,
            data_type: String::new(),
            bins: bins.clone(),
            collapse: None,
            shift: None,
            moving: None,
        });
        let learnt_from = of_all.as_ref().unwrap_or(feature);
        let acceptable = match settings.acceptable.get(name) {
            Some(given) if given.kind() == feature.kind => Ok(given.clone()),
            Some(given) => Err(NotComputed::GivenForOtherKind {
                given: given.kind(),
                kind: feature.kind,
            }),
            None => learnt(Check::Quality)
                .and_then(|()| Acceptable::learnt(learnt_from, settings.quality.tolerance)),
        };
        let fences =
            Fences::of(learnt_from).and_then(|fences| learnt(Check::Outliers).map(|()| fences));
        let test = |check: Check, pooled: Share, of: &dyn Fn(&Summary) -> Share| {
            let windows: Vec<Share> = feature.windows.iter().map(of).collect();
            ShareTest::new(check, pooled, &windows, *own.get(check))
        };
        let missing = match on.missing {
            true => Ok(test(
                Check::Missing,
                Share::missing(reference),
                &Share::missing,
            )),
            false => Err(NotComputed::Disabled),
        };
        let quality = match (&acceptable, on.quality) {
            (_, false) => Err(NotComputed::Disabled),
            (Err(reason), true) => Err(*reason),
            (Ok(acceptable), true) => {
                let of = |window: &Summary| Share {
                    counted: acceptable.refused(window, bins),
                    rows: window.filled(),
                };
                Ok(test(Check::Quality, of(reference), &of))
            }
        };
        let outliers = fences.map(|fences| {
            let of = |window: &Summary| Share {
                counted: fences.beyond(window, bins),
                rows: window.finite(),
            };
            test(Check::Outliers, of(reference), &of)
        });
        // Of a seasonal baseline the windows of one phase say nothing of how the means move from window to window.
        let moving = whole.is_none() && drift.moving();
        let shift = ShiftTest::of(feature, on.shift, moving, own.shift);
        let imputed = reference.imputed;
        let imputation = imputation(feature, on.imputation)
            .and_then(|()| match imputed.map(|imputed| imputed.by) {
                // What moves has new numbers in every window.
                Some(ImputedBy::Value) => learnt(Check::Imputation),
                _ => Ok(()),
            })
            .and_then(|()| {
                let known: Option<Vec<Share>> = std::iter::once(reference)
                    .chain(&feature.windows)
                    .map(|window| window.imputed.as_ref().map(Share::imputed))
                    .collect();
                let known = known.ok_or(NotComputed::NotInBaseline)?;
                let (pooled, windows) = known.split_first().ok_or(NotComputed::NotInBaseline)?;
                let own = *own.get(Check::Imputation);
                let test = ShareTest::new(Check::Imputation, *pooled, windows, own);
                match imputed.map(|imputed| imputed.by) {
                    Some(ImputedBy::Value) => Ok(test.of_the_most_frequent()),
                    _ => Ok(test),
                }
            });
        Prepared {
            name: name.clone(),
            imputation,
            imputed_by: imputed.map(|imputed| imputed.by),
            drift,
            missing,
            quality,
            outliers,
            level,
            shift,
            acceptable,
            fences,
        }
    }

    /// The filled-in rows of a window, told as in the baseline.
    fn imputed(&self, window: &Summary) -> Result<Share, NotComputed> {
        let told: Option<&Imputed> = window.imputed.as_ref();
        let imputed = told.ok_or(match self.imputed_by {
            Some(ImputedBy::Flag) => NotComputed::NoFlag,
            _ => NotComputed::OtherBins,
        })?;
        match self.imputed_by == Some(imputed.by) {
            true => Ok(Share::imputed(imputed)),
            false => Err(NotComputed::NotInBaseline),
        }
    }

    fn judge(
        &self,
        window: Option<&Summary>,
        joint: Jointly,
        reference: &Reference,
    ) -> FeatureReport {
        let (performance, power) = joint.power;
        let kind = self.drift.kind();
        let distance = |statistic| {
            let window = window.ok_or(NotComputed::Absent)?;
            let measured = self.drift.measure(statistic, window)?;
            Ok(measured.distance(reference.effect_alpha()))
        };
        let distances = Statistic::distances(kind)
            .iter()
            .map(|&statistic| (statistic, distance(statistic)));
        let (correlation, pairs) = apart(joint.pair);
        let (segments, segment) = apart(joint.segment);
        FeatureReport {
            name: self.name.clone(),
            distances: distances.collect(),
            verdicts: ByCheck::from_fn(|check| {
                let window = window.ok_or(NotComputed::Absent)?;
                if reference.unready.is_some() && check.scope() == Scope::Feature {
                    return reference.not_ready(check);
                }
                let of_kind = |share: Share| match window.kind == kind {
                    true => Ok(share),
                    false => Err(NotComputed::KindChanged {
                        baseline: kind,
                        window: window.kind,
                    }),
                };
                let alpha = reference.alpha;
                match check {
                    Check::Drift => self.drift.judge(window, alpha),
                    Check::Missing => {
                        share::judge(&self.missing, Ok(Share::missing(window)), alpha)
                    }
                    Check::Quality => {
                        share::judge(&self.quality, of_kind(Share::invalid(window)), alpha)
                    }
                    Check::Outliers => {
                        share::judge(&self.outliers, of_kind(Share::outliers(window)), alpha)
                    }
                    Check::Correlation => {
                        of_kind(Share::default())?;
                        correlation.clone()
                    }
                    Check::Performance => {
                        of_kind(Share::default())?;
                        of_rows(window, performance.clone())
                    }
                    Check::Level => {
                        of_kind(Share::default())?;
                        level::judge(&self.level, window, alpha)
                    }
                    // Of the charts, which remember: see `judge_shift`.
                    Check::Shift => Err(self
                        .shift
                        .as_ref()
                        .err()
                        .copied()
                        .unwrap_or(NotComputed::Disabled)),
                    Check::Imputation => {
                        share::judge(&self.imputation, self.imputed(window), alpha)
                    }
                    Check::Segments => {
                        of_kind(Share::default())?;
                        of_rows(window, segments.clone())
                    }
                    Check::Duplicates | Check::MissingPatterns => Err(NotComputed::Disabled),
                }
            }),
            moving: self.drift.moving(),
            pair_laid_elsewhere: pairs
                .as_ref()
                .and_then(|pairs| pairs.laid_elsewhere.clone()),
            pair: pairs.map(|pairs| pairs.judged),
            power,
            segment,
        }
    }
}

/// A verdict, and what it is about.
fn apart<T>(
    judged: Result<(Verdict, T), NotComputed>,
) -> (Result<Verdict, NotComputed>, Option<T>) {
    match judged {
        Ok((verdict, about)) => (Ok(verdict), Some(about)),
        Err(reason) => (Err(reason), None),
    }
}

/// Whether it can be told of a feature which values were filled in.
fn imputation(feature: &FrozenFeature, on: bool) -> Result<(), NotComputed> {
    match (on, feature.kind, feature.reference.imputed) {
        (false, ..) => Err(NotComputed::Disabled),
        // Of names no one is told from a fill but by a flag.
        (_, Kind::Categorical, None) => Err(NotComputed::NotForKind {
            statistic: Statistic::ImputedShare,
            kind: Kind::Categorical,
        }),
        _ => Ok(()),
    }
}

/// Whether a check may alarm, where the budget holds for it in every window.
const ALWAYS: BySeverity<bool> = BySeverity {
    warning: true,
    critical: true,
};

/// What a value says under its limits. `may_alarm` is false where the budget would not hold.
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
