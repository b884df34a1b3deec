//! From verdicts to alarms, limits and a patch: without a source, on windows made up here.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use exporter::calibrate::calibration::{Calibration, NoLimit, Proposal, Test, Why, calibration};
use exporter::calibrate::count::{Count, Holds};
use exporter::calibrate::patch::{Patch, patch};
use exporter::monitor::replay::{Ewma, MeanReading, Replay, Replayed, Watched};
use exporter::snapshot::BaselineInfo;
use exporter::window::Span;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stats::association::Measure;
use stats::limits::{Between, Pooled, autocorrelation_at_most};
use stats::sequential::told_by_ewma;
use stats::{
    Alpha, ByCheck, BySeverity, Check, Distance, FeatureReport, Limit, LimitPart, NotComputed,
    PairTest, Scope, Severity, Statistic, Verdict, score,
};

/// Weekly windows, one false warning in 7 d and one false critical alarm in 30 d.
const EXAMPLE: &str = include_str!("../../crds/examples/customer-segmentation.yaml");
const ROWS: u64 = 2_400;
const TESTS: usize = 38;
/// Steady but for three weeks apart from each other, which are three alarms.
const JUMPY: [f64; 12] = [
    0.03, 0.02, 0.08, 0.03, 0.02, 0.09, 0.03, 0.02, 0.03, 0.08, 0.02, 0.03,
];
const STEADY: [f64; 12] = [
    0.03, 0.02, 0.03, 0.02, 0.03, 0.02, 0.03, 0.02, 0.03, 0.02, 0.03, 0.02,
];

/// The values of one check of a feature in each window; nothing where it was not computed.
struct Feature {
    name: String,
    check: Check,
    statistic: Statistic,
    values: Vec<Option<f64>>,
    limits: BySeverity<f64>,
    moving: bool,
    rows: u64,
}

/// The drift of a feature.
fn feature(name: &str, values: &[f64]) -> Feature {
    Feature {
        name: name.to_owned(),
        check: Check::Drift,
        statistic: Statistic::Ks,
        values: values.iter().copied().map(Some).collect(),
        limits: BySeverity {
            warning: 0.05,
            critical: 0.1,
        },
        moving: false,
        rows: ROWS,
    }
}

/// Another check of a feature, or of the window as a whole.
fn of(check: Check, statistic: Statistic, values: &[f64]) -> Feature {
    let name = match check.scope() {
        Scope::Feature => format!("{} {statistic}", check.name()),
        Scope::Window => String::new(),
    };
    Feature {
        check,
        statistic,
        ..feature(&name, values)
    }
}

impl Feature {
    fn report(&self, window: usize) -> FeatureReport {
        let statistic = self.statistic;
        let value = self.values[window];
        let distance = value.map(|value| Distance {
            statistic,
            value,
            effect: value,
            p_value: None,
            adjusted_p_value: None,
            error: 0.0,
            compared: (6 * ROWS, self.rows),
            minimum: 20,
        });
        let too_few = NotComputed::TooFewRows { have: 0, need: 20 };
        let verdict = match value {
            _ if self.moving => Err(NotComputed::Moving),
            None if self.check == Check::Performance => Err(NotComputed::TargetPending),
            None => Err(too_few),
            Some(value) => Ok(self.verdict(value)),
        };
        FeatureReport {
            name: self.name.clone(),
            distances: vec![(statistic, distance.ok_or(too_few))],
            verdicts: ByCheck::from_fn(|check| match check == self.check {
                true => verdict.clone(),
                false => Err(NotComputed::Disabled),
            }),
            pair: None,
            pair_laid_elsewhere: None,
            power: None,
            segment: None,
            moving: self.moving,
        }
    }

    /// The mean, of which the values are how far it lies off.
    fn reading(&self, window: usize) -> MeanReading {
        let value = self.values[window];
        let limits = self.limits.map(limit);
        match self.check {
            Check::Level => MeanReading {
                level: value,
                ewma: None,
            },
            Check::Shift => MeanReading {
                level: None,
                ewma: value.map(|value| Ewma { value, limits }),
            },
            _ => MeanReading::default(),
        }
    }

    fn verdict(&self, value: f64) -> Verdict {
        let value = match self.check {
            Check::Level | Check::Shift | Check::Correlation => value.abs(),
            _ => value,
        };
        let scores = self.limits.map(|limit| score(value, limit));
        Verdict {
            check: self.check,
            statistic: self.statistic,
            value,
            rows: self.rows,
            min_rows: 200,
            limits: self.limits.map(limit),
            scores,
            over: scores.map(|score| score >= 1.0 && self.rows >= 200),
        }
    }
}

fn limit(value: f64) -> Limit {
    Limit {
        value,
        part: LimitPart::EffectFloor,
        floor: value,
        null: None,
        bound: None,
        capped: false,
    }
}

fn replay(features: &[Feature]) -> Replay {
    let start: Timestamp = "2017-05-07T06:00:00Z".parse().unwrap();
    let week = |weeks: i64| start + SignedDuration::from_hours(7 * 24 * weeks);
    let windows = features.first().map_or(0, |feature| feature.values.len());
    let span = |weeks| Span {
        start: week(weeks),
        end: week(weeks + 1),
    };
    Replay {
        baseline: BaselineInfo {
            kind: "Pinned",
            version: 1,
            revision: 1,
            digest: "sha256:0".to_owned(),
            frozen_at: start,
            reloaded: false,
            span: span(-1),
            windows: 1,
            rows: ROWS,
            features: features.len() as u32,
            phase: None,
        },
        tests: ByCheck {
            drift: TESTS,
            ..ByCheck::default()
        },
        alpha: BySeverity {
            warning: Alpha::share(1.0, TESTS),
            critical: Alpha::share(7.0 / 30.0, TESTS),
        },
        features: features
            .iter()
            .map(|feature| Watched {
                name: feature.name.clone(),
                statistic: Some(Statistic::Ks),
            })
            .collect(),
        windows: (0..windows)
            .map(|window| Replayed {
                span: span(window as i64),
                rows: ROWS,
                labelled: true,
                reports: features
                    .iter()
                    .map(|feature| feature.report(window))
                    .collect(),
                means: features
                    .iter()
                    .map(|feature| feature.reading(window))
                    .collect(),
                pairs: Vec::new(),
            })
            .collect(),
        empty: 0,
        left_out: 0,
    }
}

fn calibrated(manifest: &str, features: &[Feature]) -> (Calibration, Option<Patch>) {
    found(manifest, &replay(features))
}

fn found(manifest: &str, replay: &Replay) -> (Calibration, Option<Patch>) {
    let loaded = crds::manifest::load(manifest).unwrap();
    let calibration = calibration(&loaded.monitor, replay);
    let patch = patch(&loaded.config.spec, &calibration);
    (calibration, patch)
}

fn test<'a>(calibration: &'a Calibration, feature: &str) -> &'a Test {
    let mut tests = calibration.tests.iter();
    tests.find(|test| test.feature == feature).unwrap()
}

fn why(test: &Test, severity: Severity) -> Option<Why> {
    test.at
        .get(severity)
        .finding
        .as_ref()
        .map(|found| found.why)
}

fn proposal(test: &Test, severity: Severity) -> Proposal {
    test.at.get(severity).finding.as_ref().unwrap().proposal
}

/// The manifest with a JSON merge patch (RFC 7396) applied, which must hold.
fn patched(manifest: &str, patch: &Patch) -> String {
    fn merge(target: &mut Value, patch: &Value) {
        let Value::Object(fields) = patch else {
            *target = patch.clone();
            return;
        };
        if !target.is_object() {
            *target = json!({});
        }
        for (name, value) in fields {
            merge(&mut target[name], value);
        }
    }
    let yaml = patch.yaml().unwrap();
    let read: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(read, patch.value, "{yaml}");
    let mut document: Value = serde_saphyr::from_str(manifest).unwrap();
    merge(&mut document, &read);
    let text = serde_saphyr::to_string(&document).unwrap();
    crds::manifest::load(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    text
}

#[test]
fn alarms_are_held_against_the_share_of_the_budget() {
    let features = [feature("jumpy", &JUMPY), feature("steady", &STEADY)];
    let (found, _) = calibrated(EXAMPLE, &features);
    let all = found.all.warning;
    // One a week; all tests are of drift.
    assert_eq!((all.windows, all.expected, all.alarms), (12, 12.0, 3));
    assert_eq!(all.holds(), Holds::Within, "{all:?}");
    let critical = found.all.critical;
    assert!((critical.expected - 12.0 * 7.0 / 30.0).abs() < 1e-12);
    assert_eq!(
        (critical.alarms, critical.holds()),
        (0, Holds::NotEnoughWindows)
    );
    assert_eq!(found.checks.drift, Some(found.all));
    assert_eq!(found.checks.missing, None);

    let jumpy = test(&found, "jumpy");
    assert_eq!(jumpy.at.warning.count.alarms, 3);
    assert!((jumpy.at.warning.count.expected - 12.0 / TESTS as f64).abs() < 1e-12);
    assert_eq!(why(jumpy, Severity::Warning), Some(Why::OverItsShare));
    assert_eq!(why(jumpy, Severity::Critical), None);
    let values = jumpy.values;
    assert_eq!((values.min, values.median, values.max), (0.02, 0.03, 0.09));
    let steady = test(&found, "steady");
    let at = &steady.at.warning;
    assert_eq!((at.over, &at.finding), (0, &None));
}

#[test]
fn the_limit_is_the_recipes_bound_pooled_over_features_and_rounded_up() {
    let features = [feature("jumpy", &JUMPY), feature("steady", &STEADY)];
    let (found, _) = calibrated(EXAMPLE, &features);
    let [jumpy, steady] = [JUMPY, STEADY].map(|values| Between::distances(&values).unwrap());
    let bound = jumpy.bound(Pooled::of([jumpy, steady].iter()), 1.0 / TESTS as f64);
    let Proposal::Limit { value, count } = proposal(test(&found, "jumpy"), Severity::Warning)
    else {
        panic!("no limit");
    };
    assert!(value >= bound && value < bound * 1.1, "{value} {bound}");
    assert_eq!(value, format!("{value:.1e}").parse::<f64>().unwrap());
    let over = JUMPY.iter().filter(|v| **v >= value).count() as u64;
    assert_eq!((count.alarms, count.windows), (over, 12));
}

/// Increases of shares spread around 0, on their own scale, and share no variance with distances.
#[test]
fn each_check_has_its_own_recipe_and_place_in_the_patch() {
    let missing = of(Check::Missing, Statistic::MissingShare, &JUMPY);
    let quality = of(Check::Quality, Statistic::InvalidShare, &STEADY);
    let duplicates = of(Check::Duplicates, Statistic::DuplicateShare, &JUMPY);
    let names = [&missing, &quality, &duplicates].map(|of| of.name.clone());
    let features = [feature("steady", &STEADY), missing, quality, duplicates];
    let (found, patch) = calibrated(EXAMPLE, &features);
    let [missing, quality, duplicates] = names.map(|name| test(&found, &name));
    assert_eq!(quality.at.warning.finding, None);
    let bound = bound(&JUMPY, 1.0 / TESTS as f64);
    for test in [missing, duplicates] {
        assert_eq!(test.at.warning.count.alarms, 3);
        assert_eq!(why(test, Severity::Warning), Some(Why::OverItsShare));
        let Proposal::Limit { value, .. } = proposal(test, Severity::Warning) else {
            panic!("no limit");
        };
        assert!(value >= bound && value < bound * 1.1, "{value} {bound}");
    }
    let patch = patch.unwrap();
    let checks = &patch.value["spec"]["checks"];
    assert_eq!(checks.as_object().unwrap().len(), 2, "{checks}");
    let limit = &checks["missing"]["overrides"][0]["warning"];
    assert!(limit.is_number(), "{checks}");
    // The window has no features to override.
    assert_eq!(&checks["duplicates"]["warning"], limit);
    patched(EXAMPLE, &patch);
}

/// What is high now and then is the same by its spread alone, in whichever order.
#[test]
fn shares_that_wander_ask_for_a_wider_limit() {
    let up = [0.04, 0.06, 0.04, 0.06, 0.04, 0.06];
    let wandering = [up, up.map(|value| -value)].concat().repeat(2);
    let mut mixed = wandering.clone();
    // Every fifth one of 24, which is each of them once.
    for (place, value) in mixed.iter_mut().enumerate() {
        *value = wandering[5 * place % 24];
    }
    let limit = |values: &[f64]| {
        let missing = of(Check::Missing, Statistic::MissingShare, values);
        let (name, features) = (missing.name.clone(), [missing]);
        let (found, _) = calibrated(EXAMPLE, &features);
        let found = test(&found, &name).at.warning.clone();
        match found.finding.map(|finding| finding.proposal) {
            Some(Proposal::Limit { value, .. }) => value,
            other => panic!("{other:?}"),
        }
    };
    let alike = [&wandering, &mixed].map(|values| autocorrelation_at_most(&[values]));
    assert!(alike[0] > alike[1] + 0.1, "{alike:?}");
    let [wide, narrow] = [limit(&wandering), limit(&mixed)];
    assert!(wide > narrow, "{wide} {narrow}");
}

/// What signed values of one series ask for at α.
fn bound(values: &[f64], alpha: f64) -> f64 {
    let alike = autocorrelation_at_most(&[values]);
    let between = Between::differences(values).unwrap().stretched(alike);
    between.bound(Pooled::default(), alpha)
}

/// The value that holds, and the alarms with it.
fn proposed(test: &Test, severity: Severity) -> (f64, u64) {
    match proposal(test, severity) {
        Proposal::Limit { value, count } => (value, count.alarms),
        none => panic!("{none:?}"),
    }
}

/// Values around 0, of which each of three pairs of neighbours far from it is one alarm.
const AROUND: [f64; 16] = [
    0.5, -0.9, 1.1, -5.0, -5.5, 0.3, 0.8, -0.2, 5.2, 0.4, -1.3, 0.7, -5.1, -0.6, 0.9, 0.1,
];

/// The mean may lie above and below what is usual, so that each side has half of α.
#[test]
fn a_limit_of_level_is_one_of_both_sides() {
    let mut level = of(Check::Level, Statistic::LevelDeviation, &AROUND);
    level.limits = BySeverity {
        warning: 3.0,
        critical: 7.0,
    };
    let name = level.name.clone();
    let (found, patch) = calibrated(EXAMPLE, &[level]);
    let test = test(&found, &name);
    assert_eq!(test.at.warning.count.alarms, 3);
    assert_eq!((test.values.min, test.values.max), (0.1, 5.5));
    let bound = bound(&AROUND, 0.5 / TESTS as f64);
    let (value, alarms) = proposed(test, Severity::Warning);
    assert!(value >= bound && value < bound * 1.1, "{value} {bound}");
    assert!(value > 5.5, "{value}");
    assert_eq!(alarms, 0);
    let overrides = &patch.unwrap().value["spec"]["checks"]["level"]["overrides"];
    assert_eq!(overrides[0]["warning"], value);
}

/// A number is a limit of the EWMA, whichever chart told of the shift, and a signal stands until the EWMA has changed its sign.
#[test]
fn a_limit_of_shift_is_one_of_the_ewma() {
    let up = [0.2, 0.8, 1.9, 3.1, 3.4, 2.9, 3.3, 2.2, 0.7, -0.4];
    let bumps = [1.0, -1.0, 0.7, -0.7].map(|size| up.map(|value| size * value));
    let values = bumps.concat();
    let mut shift = of(Check::Shift, Statistic::Cusum, &values);
    shift.limits = BySeverity {
        warning: 1.5,
        critical: 3.0,
    };
    let name = shift.name.clone();
    let (found, patch) = calibrated(EXAMPLE, &[shift]);
    let test = test(&found, &name);
    assert_eq!(test.statistic, Statistic::Ewma);
    assert_eq!(test.at.warning.count.alarms, 4);
    let (value, alarms) = proposed(test, Severity::Warning);
    let bound = bound(&values, 0.5 / TESTS as f64);
    assert!(value >= bound && value < bound * 1.1, "{value} {bound}");
    assert_eq!(alarms, 0);
    let overrides = &patch.unwrap().value["spec"]["checks"]["shift"]["overrides"];
    assert_eq!(overrides[0]["warning"], value);
    // Two windows beyond the limit within one signal are one alarm, and windows of an hour tell of it for a day.
    let told = |day| told_by_ewma(values.iter().copied(), 3.2, day);
    let begun = |told: &[bool]| {
        let begins = |pair: &&[bool]| !pair[0] && pair[1];
        told.windows(2).filter(begins).count()
    };
    assert_eq!(begun(&told(1)), 2);
    assert_eq!(told(1).iter().filter(|told| **told).count(), 5 + 5);
    assert_eq!(told(24)[4..], [true; 36]);
}

/// The pairs of three features in each window: how the first hangs together with the second, and the second with the third.
fn with_pairs(replay: &mut Replay, first: &[f64], second: &[f64], limits: BySeverity<f64>) {
    for (place, window) in replay.windows.iter_mut().enumerate() {
        let pair = |features, delta| PairTest {
            features,
            measure: Measure::Spearman,
            delta,
            rows: ROWS,
            limits,
            partners: 2,
            chance: 0.0,
        };
        window.pairs = vec![pair((0, 1), first[place]), pair((1, 2), second[place])];
    }
}

/// A number for a feature is the limit of all its pairs, so that it has to do for the one that asks for most; and a pair whose other
/// feature has none takes it too.
#[test]
fn a_limit_of_correlation_does_for_all_pairs_of_the_feature() {
    let limits = BySeverity {
        warning: 0.1,
        critical: 0.4,
    };
    let noise = STEADY.map(|value| value / 10.0);
    let mut wild = noise;
    (wild[2], wild[5], wild[8]) = (0.15, -0.18, 0.16);
    let largest = wild.map(f64::abs);
    let quiet = noise.map(f64::abs);
    let feature = |name: &str, values: &[f64]| Feature {
        name: name.to_owned(),
        limits,
        ..of(Check::Correlation, Statistic::AssociationChange, values)
    };
    let features = [
        feature("age", &largest),
        feature("income", &largest),
        feature("region", &quiet),
    ];
    let mut replay = replay(&features);
    with_pairs(&mut replay, &wild, &noise, limits);
    let (found, patch) = found(EXAMPLE, &replay);
    let [age, income, region] = ["age", "income", "region"].map(|name| test(&found, name));
    let series: [&[f64]; 2] = [&wild, &noise];
    let alike = autocorrelation_at_most(&series);
    let between = series.map(|own| Between::differences(own).unwrap().stretched(alike));
    // Two partners, and two sides.
    let bound = between[0].bound(Pooled::of(between.iter()), 0.25 / TESTS as f64);
    for test in [age, income] {
        assert_eq!(test.at.warning.count.alarms, 3);
        let (value, alarms) = proposed(test, Severity::Warning);
        assert!(value >= bound && value < bound * 1.1, "{value} {bound}");
        assert_eq!(alarms, 0);
    }
    assert_eq!(region.at.warning.finding, None);
    let patch = patch.unwrap();
    let overrides = &patch.value["spec"]["checks"]["correlation"]["overrides"];
    assert_eq!(overrides[0]["features"], json!(["age", "income"]));
    patched(EXAMPLE, &patch);
}

/// What is laid to another feature is no alarm of this one, before and with other limits.
#[test]
fn pairs_that_are_laid_to_another_feature_do_not_ask_for_alarms() {
    let limits = BySeverity {
        warning: 0.1,
        critical: 0.4,
    };
    let mut both = [0.02; 24];
    for window in [3, 9, 15, 21] {
        both[window] = 0.3;
    }
    let own = |name: &str, values: &[f64]| Feature {
        name: name.to_owned(),
        limits,
        ..of(Check::Correlation, Statistic::AssociationChange, values)
    };
    // The second feature changed with both others, and alarms for them.
    let features = [
        own("age", &[0.02; 24]),
        own("income", &both),
        own("region", &[0.02; 24]),
    ];
    let mut replay = replay(&features);
    with_pairs(&mut replay, &both, &both, limits);
    let (found, patch) = found(EXAMPLE, &replay);
    assert_eq!(test(&found, "age").at.warning.finding, None);
    let income = test(&found, "income");
    assert_eq!(income.at.warning.count.alarms, 4);
    let (value, alarms) = proposed(income, Severity::Warning);
    assert_eq!(alarms, if value > 0.3 { 0 } else { 4 });
    let overrides = &patch.unwrap().value["spec"]["checks"]["correlation"]["overrides"];
    assert_eq!(overrides.as_array().unwrap().len(), 1);
    assert_eq!(overrides[0]["features"], json!(["income"]));
}

/// A check that somebody asked for, and that never says anything, is not passed over.
#[test]
fn a_check_by_which_no_window_could_be_judged_is_said_with_its_reason() {
    let features = [feature("jumpy", &JUMPY), feature("steady", &STEADY)];
    let mut replay = replay(&features);
    for (place, window) in replay.windows.iter_mut().enumerate() {
        let [jumpy, steady] = &mut window.reports[..] else {
            panic!("two features");
        };
        jumpy.verdicts.shift = Err(NotComputed::TooPersistent);
        steady.verdicts.shift = Err(match place {
            0 => NotComputed::TooPersistent,
            _ => NotComputed::NoSpreadOfMeans,
        });
        jumpy.verdicts.level = Err(NotComputed::NotSeasonal);
        // Judged, and with too few rows to alarm.
        let few = features[0].verdict(0.2);
        jumpy.verdicts.missing = Ok(Verdict { rows: 150, ..few });
    }
    let monitor = crds::manifest::load(EXAMPLE).unwrap().monitor;
    let found = calibration(&monitor, &replay);
    let found: Vec<_> = found.untested.iter().map(|of| (of.check, of.why)).collect();
    let few = NotComputed::TooFewRows {
        have: 150,
        need: 200,
    };
    let expected = [
        (Check::Missing, few),
        (Check::Shift, NotComputed::TooPersistent),
    ];
    assert_eq!(found, expected);
}

/// Nothing can alarm there, so that nothing is expected there either.
#[test]
fn windows_whose_target_is_not_known_yet_do_not_count_for_performance() {
    let mut told = of(Check::Performance, Statistic::AucFall, &JUMPY);
    told.values[8..].fill(None);
    let features = [feature("steady", &STEADY), told];
    let mut replay = replay(&features);
    replay.tests = ByCheck {
        drift: TESTS / 2,
        performance: TESTS / 2,
        ..ByCheck::default()
    };
    for window in &mut replay.windows[8..] {
        window.labelled = false;
    }
    let monitor = crds::manifest::load(EXAMPLE).unwrap().monitor;
    let found = calibration(&monitor, &replay);
    let counted = |count: Option<BySeverity<Count>>| {
        let count = count.unwrap().warning;
        (count.windows, count.expected, count.alarms)
    };
    assert_eq!(replay.target_pending(), 4);
    assert_eq!(counted(found.checks.performance), (8, 4.0, 2));
    assert_eq!(counted(found.checks.drift), (12, 6.0, 0));
    assert_eq!(counted(Some(found.all)), (12, 10.0, 2));
    let told = test(&found, &features[1].name);
    assert_eq!(told.values.windows, 8);

    // Of a target that nobody knows yet nothing can be told, not even that the budget holds.
    for window in &mut replay.windows {
        window.labelled = false;
        window.reports[1].verdicts.performance = Err(NotComputed::TargetPending);
    }
    let none = calibration(&monitor, &replay).checks.performance;
    assert_eq!(counted(none), (0, 0.0, 0));
    assert_eq!(none.unwrap().warning.holds(), Holds::NotEnoughWindows);
}

/// Many steady features and windows make the bound a low one, and five windows are far above it.
#[test]
fn a_limit_is_never_below_the_one_in_force() {
    let values: Vec<f64> = (0..40)
        .map(|window| if window % 8 == 0 { 0.501 } else { 0.1 })
        .collect();
    let mut high = feature("high", &values);
    high.limits = BySeverity {
        warning: 0.5,
        critical: 0.6,
    };
    let mut features: Vec<Feature> = (0..20)
        .map(|i| feature(&format!("steady{i}"), &[0.02; 40]))
        .collect();
    features.push(high);
    let (found, patch) = calibrated(EXAMPLE, &features);
    let Proposal::Limit { value, count } = proposal(test(&found, "high"), Severity::Warning) else {
        panic!("no limit");
    };
    assert_eq!(value, 0.5);
    // Which helps nothing, so there is nothing to write.
    assert_eq!((count.alarms, count.holds()), (5, Holds::Over));
    assert_eq!(patch, None);
}

#[test]
fn too_few_windows_and_limits_beyond_the_largest_value_are_said() {
    let few = [0.2, 0.01, 0.2, 0.01, 0.2].map(Some);
    let mut short = feature("short", &[]);
    short.values = few.to_vec();
    // Of two windows nothing is known.
    short.values[1] = None;
    short.values[3] = None;
    let (found, patch) = calibrated(EXAMPLE, &[short]);
    // One run, since what is unknown ends none.
    assert_eq!(test(&found, "short").at.warning.count.alarms, 1);
    assert_eq!(patch, None);

    let wild: Vec<f64> = (0..12)
        .map(|i| if i % 2 == 0 { 0.9 } else { 0.001 })
        .collect();
    let (found, patch) = calibrated(EXAMPLE, &[feature("wild", &wild)]);
    let wild = test(&found, "wild");
    assert_eq!(wild.at.warning.count.alarms, 6);
    for severity in [Severity::Warning, Severity::Critical] {
        assert_eq!(
            proposal(wild, severity),
            Proposal::None(NoLimit::NoneHolds { largest: 1.0 })
        );
    }
    assert_eq!(patch, None);
}

/// What a target explains may fall by more than 1, and PSI has no largest value: the API takes 1 and 1,000.
#[test]
fn a_limit_that_the_api_would_refuse_is_not_proposed() {
    let wild = |most: f64| -> Vec<f64> {
        let of = |window| if window % 2 == 0 { most } else { 0.01 };
        (0..12).map(of).collect()
    };
    let psi = |most| of(Check::Drift, Statistic::Psi, &wild(most));
    let cases = [
        (of(Check::Performance, Statistic::AucFall, &wild(0.9)), 1.0),
        (
            of(Check::Performance, Statistic::ExplainedFall, &wild(1.9)),
            1.0,
        ),
        (psi(900.0), 1000.0),
        (
            of(Check::Drift, Statistic::Wasserstein, &wild(900.0)),
            1000.0,
        ),
    ];
    for (feature, largest) in cases {
        let (name, statistic) = (feature.name.clone(), feature.statistic);
        let (found, patch) = calibrated(EXAMPLE, &[feature]);
        let found = proposal(test(&found, &name), Severity::Warning);
        assert_eq!(
            found,
            Proposal::None(NoLimit::NoneHolds { largest }),
            "{statistic}"
        );
        assert_eq!(patch, None);
    }
    // A bound that is large, and that the API takes.
    let (found, patch) = calibrated(EXAMPLE, &[psi(2.0)]);
    let found = proposal(test(&found, "drift PSI"), Severity::Warning);
    assert!(
        matches!(found, Proposal::Limit { value, .. } if value > 1.0),
        "{found:?}"
    );
    patched(EXAMPLE, &patch.unwrap());
}

#[test]
fn what_moves_or_has_changed_for_good_is_not_for_the_patch() {
    let rising: Vec<f64> = (0..12).map(|i| 0.2 + 0.02 * f64::from(i)).collect();
    let mut moving = feature("tenure", &rising);
    moving.moving = true;
    let over = feature("over", &rising);
    let (found, patch) = calibrated(EXAMPLE, &[moving, over]);
    assert_eq!(patch, None);
    let tenure = test(&found, "tenure");
    assert_eq!(tenure.at.warning.count.alarms, 0);
    assert_eq!(tenure.at.warning.limit, None);
    assert_eq!(tenure.values.min, 0.2);
    let over = test(&found, "over");
    assert_eq!(
        (over.at.warning.over, over.at.warning.count.alarms),
        (12, 1)
    );
    for (test, expected) in [(tenure, Why::Moving), (over, Why::FromTheFirst)] {
        for severity in [Severity::Warning, Severity::Critical] {
            assert_eq!(why(test, severity), Some(expected));
            let Proposal::Limit { value, .. } = proposal(test, severity) else {
                panic!("{test:?}");
            };
            assert!(value > 0.42, "{value}");
        }
    }
}

#[test]
fn a_change_that_lasts_begins_after_a_window_that_was_as_it_should_be() {
    let mut values = [0.3; 12];
    values[0] = 0.01;
    let (found, patch) = calibrated(EXAMPLE, &[feature("changed", &values)]);
    assert_eq!(patch, None);
    let changed = test(&found, "changed");
    assert_eq!(
        (changed.at.warning.over, changed.at.warning.count.alarms),
        (11, 1)
    );
    for severity in [Severity::Warning, Severity::Critical] {
        assert_eq!(why(changed, severity), Some(Why::Lasting));
    }
}

#[test]
fn a_warning_that_passes_the_critical_limit_takes_it_along() {
    let mut close = feature("close", &JUMPY);
    close.limits.critical = 0.095;
    let (found, patch) = calibrated(EXAMPLE, &[close, feature("jumpy", &JUMPY)]);
    let close = test(&found, "close");
    assert_eq!(why(close, Severity::Warning), Some(Why::OverItsShare));
    assert_eq!(
        why(close, Severity::Critical),
        Some(Why::BelowTheNewWarning)
    );
    let patch = patch.unwrap();
    let text = patched(EXAMPLE, &patch);
    let monitor = crds::manifest::load(&text).unwrap().monitor;
    let limits = monitor.checks.drift.limits_for("close");
    assert!(
        limits.warning.unwrap() <= limits.critical.unwrap(),
        "{limits:?}"
    );
}

#[test]
fn windows_with_too_few_rows_count_for_nothing() {
    let mut small = feature("small", &JUMPY);
    small.rows = 150;
    let (found, patch) = calibrated(EXAMPLE, &[small]);
    assert!(found.tests.is_empty());
    assert_eq!(patch, None);
}

#[test]
fn consecutive_windows_are_counted_as_in_production() {
    let two = EXAMPLE.replace("consecutive: 1", "consecutive: 2");
    let (found, patch) = calibrated(&two, &[feature("jumpy", &JUMPY)]);
    let jumpy = test(&found, "jumpy");
    assert_eq!(
        (jumpy.at.warning.over, jumpy.at.warning.count.alarms),
        (3, 0)
    );
    assert_eq!(patch, None);
}

#[test]
fn the_patch_keeps_what_the_manifest_has_and_the_patched_manifest_holds() {
    let own = "overrides: [{features: ['*'], minRows: 300}, {features: [jumpy], warning: 0.04}]";
    let manifest = EXAMPLE.replace("consecutive: 1", &format!("consecutive: 1\n      {own}"));
    let names = ["jumpy", "same", "a*[b]{c}\\d?", "Größe"];
    let mut features: Vec<Feature> = names.map(|name| feature(name, &JUMPY)).into();
    features.extend((0..70).map(|i| feature(&format!("f{i}"), &JUMPY)));
    features.push(feature(&"x".repeat(257), &JUMPY));
    features.push(feature("steady", &STEADY));
    let (_, patch) = calibrated(&manifest, &features);
    let patch = patch.unwrap();
    assert_eq!(patch.left_out, ["x".repeat(257)]);
    let checks = patch.value["spec"]["checks"].as_object().unwrap();
    assert_eq!(checks.keys().collect::<Vec<_>>(), ["drift"]);
    let overrides = checks["drift"]["overrides"].as_array().unwrap();
    assert_eq!(
        overrides[..2],
        [
            json!({"features": ["*"], "minRows": 300}),
            json!({"features": ["jumpy"], "warning": 0.04})
        ]
    );
    // 74 features of one limit, 64 to an entry.
    assert_eq!(overrides.len(), 4, "{overrides:?}");
    assert_eq!(overrides[2]["features"].as_array().unwrap().len(), 64);
    let limit = overrides[2]["warning"].as_f64().unwrap();
    let yaml = patch.yaml().unwrap();
    let entry = yaml.split("- features:").nth(3).unwrap();
    assert!(
        entry.contains("warning:") && !entry.contains("enabled"),
        "{yaml}"
    );

    let text = patched(&manifest, &patch);
    let monitor = crds::manifest::load(&text).unwrap().monitor;
    for feature in &features {
        let expected = match feature.name.as_str() {
            "steady" => None,
            name if name.len() > 256 => None,
            _ => Some(limit),
        };
        let resolved = monitor.checks.drift.limits_for(&feature.name);
        assert_eq!(resolved.warning, expected, "{}", feature.name);
        assert_eq!(resolved.min_rows, 300);
    }
    // A glob would have matched it.
    assert_eq!(monitor.checks.drift.limits_for("axbcdx").warning, None);
}

#[test]
fn more_overrides_than_the_api_takes_are_said() {
    let own: Vec<Value> = (0..255)
        .map(|i| json!({"features": [format!("o{i}")], "minRows": 300}))
        .collect();
    let own = serde_json::to_string(&own).unwrap();
    let manifest = EXAMPLE.replace(
        "consecutive: 1",
        &format!("consecutive: 1\n      overrides: {own}"),
    );
    // Two limits, so two entries, and room for one.
    let higher = JUMPY.map(|value| value * 1.5);
    let features = [feature("jumpy", &JUMPY), feature("higher", &higher)];
    let (_, patch) = calibrated(&manifest, &features);
    let patch = patch.unwrap();
    assert_eq!(patch.left_out.len(), 1, "{:?}", patch.left_out);
    patched(&manifest, &patch);
}
