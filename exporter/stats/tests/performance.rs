//! What features tell about the target, judged against the baseline.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::association::{ABSENT, Collapse};
use stats::performance::{BinEvidence, Performance, PowerMeasure, Predictor, Target};
use stats::predictive;
use stats::{
    Bins, ByCheck, BySeverity, CheckSettings, Column, DriftSettings, FeatureProfile, FrozenFeature,
    Kind, LimitPart, MAX_FEATURES, MOST_EVIDENT, NotComputed, QualitySettings, Reference, Report,
    Settings, Statistic, Summary, Validity, WindowSummary, judge,
};

const ROWS: usize = 2_000;
const WINDOWS: usize = 6;

/// One window: a number that the target follows, one that it runs against, one that tells nothing, a category that the target
/// follows, and the target as a number and as three classes.
#[derive(Clone)]
struct Window {
    numbers: [Vec<f64>; 3],
    codes: Vec<u32>,
    value: Vec<f64>,
    class: Vec<u32>,
}

fn window(rng: &mut SmallRng) -> Window {
    let normal = |rng: &mut SmallRng| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
    let mut window = Window {
        numbers: Default::default(),
        codes: Vec::new(),
        value: Vec::new(),
        class: Vec::new(),
    };
    for _ in 0..ROWS {
        let value = normal(rng);
        let noise = [1.0, -1.0, 0.0].map(|part| part * value + normal(rng));
        for (column, number) in window.numbers.iter_mut().zip(noise) {
            column.push(number);
        }
        window
            .codes
            .push(((value + normal(rng)).clamp(-1.9, 1.9) + 2.0) as u32);
        window.value.push(value);
        window
            .class
            .push(u32::from(value > -0.5) + u32::from(value > 1.0));
    }
    window
}

const NAMES: [&str; 4] = ["with", "against", "nothing", "kind"];

#[derive(Clone, Copy)]
enum About {
    Classes,
    Numbers,
}

fn bins(window: &Window) -> Vec<Arc<Bins>> {
    let mut bins: Vec<Arc<Bins>> = window
        .numbers
        .iter()
        .map(|values| Arc::new(profile(values, None).freeze_bins()))
        .collect();
    bins.push(Arc::new(
        FeatureProfile::new(Kind::Categorical, None).freeze_bins(),
    ));
    bins
}

fn profile(values: &[f64], bins: Option<Arc<Bins>>) -> FeatureProfile {
    let mut profile = FeatureProfile::new(Kind::Numeric, bins);
    let column = Column::Numeric {
        values,
        validity: Validity::all(values.len()),
    };
    profile.update(&column).unwrap();
    profile
}

fn performance(window: &Window, bins: &[Arc<Bins>], about: About) -> Performance {
    let numbers = window.numbers.iter().zip(bins).map(|(values, bins)| {
        let Bins::Numeric(bins) = bins.as_ref() else {
            panic!("numbers have bins of numbers");
        };
        Predictor::Numeric { values, bins }
    });
    let kind = Predictor::Categorical {
        codes: &window.codes,
        categories: 4,
    };
    let features: Vec<(&str, Predictor<'_>)> =
        NAMES.into_iter().zip(numbers.chain([kind])).collect();
    let target = match about {
        About::Classes => Target::Classes {
            codes: &window.class,
            classes: 3,
        },
        About::Numbers => Target::Numbers(&window.value),
    };
    Performance::new("target", target, &features)
}

fn whole(performance: Performance) -> WindowSummary {
    WindowSummary {
        performance: Some(performance),
        ..WindowSummary::default()
    }
}

fn settings(own: CheckSettings) -> Settings {
    Settings {
        budget: BySeverity {
            warning: 0.2,
            critical: 0.02,
        },
        on: ByCheck {
            performance: true,
            ..ByCheck::default()
        },
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: BTreeMap::new(),
        default: ByCheck {
            performance: own,
            ..ByCheck::default()
        },
    }
}

/// A baseline, the bins it has, and what the judge of a window says.
struct Baseline {
    bins: Vec<Arc<Bins>>,
    about: About,
    reference: Reference,
}

impl Baseline {
    fn new(rng: &mut SmallRng, about: About, own: CheckSettings) -> Self {
        let windows: Vec<Window> = (0..WINDOWS).map(|_| window(rng)).collect();
        Self::of(&windows, about, own)
    }

    fn of(windows: &[Window], about: About, own: CheckSettings) -> Self {
        let bins = bins(&windows[0]);
        let wholes = windows
            .iter()
            .map(|window| whole(performance(window, &bins, about)));
        let features: Vec<FrozenFeature> = NAMES
            .iter()
            .zip(&bins)
            .map(|(name, bins)| FrozenFeature::new(*name, "", bins.clone(), Vec::new()))
            .collect();
        let wholes: Vec<WindowSummary> = wholes.collect();
        Baseline {
            reference: Reference::new(&features, &wholes, &settings(own)),
            bins,
            about,
        }
    }

    fn judge(&self, window: &Window) -> Report {
        self.judge_whole(window, &whole(performance(window, &self.bins, self.about)))
    }

    fn judge_whole(&self, window: &Window, whole: &WindowSummary) -> Report {
        let numbers = window.numbers.iter().zip(&self.bins);
        let mut summaries: Vec<Summary> = numbers
            .map(|(values, bins)| profile(values, Some(bins.clone())).close())
            .collect();
        summaries.push(FeatureProfile::new(Kind::Categorical, Some(self.bins[3].clone())).close());
        let current: Vec<Option<&Summary>> = summaries.iter().map(Some).collect();
        judge(&self.reference, &current, whole)
    }
}

/// The class that a row would have by chance.
fn relabelled(rng: &mut SmallRng, mut window: Window, share: f64) -> Window {
    for row in 0..ROWS {
        if rng.random::<f64>() < share {
            let other = rng.random_range(0..ROWS);
            window.class[row] = window.class[other];
            window.value[row] = window.value[other];
        }
    }
    window
}

fn values(report: &Report, feature: usize) -> BTreeMap<PowerMeasure, f64> {
    let power = report.features[feature].power.as_ref().unwrap();
    let values = power.values.iter();
    values
        .map(|(measure, measured)| (*measure, measured.value))
        .collect()
}

#[test]
fn features_that_tell_less_are_told() {
    for about in [About::Classes, About::Numbers] {
        let mut rng = SmallRng::seed_from_u64(1);
        let baseline = Baseline::new(&mut rng, about, CheckSettings::default());
        assert_eq!(
            baseline.reference.tests(),
            3,
            "what tells nothing is no test"
        );

        let same = baseline.judge(&window(&mut rng));
        let drawn = window(&mut rng);
        let less = baseline.judge(&relabelled(&mut rng, drawn, 0.5));
        for (feature, name) in NAMES.into_iter().enumerate() {
            let verdict = |report: &Report| report.features[feature].verdicts.performance.clone();
            if name == "nothing" {
                assert_eq!(verdict(&same), Err(NotComputed::TellsNothing));
                assert!(values(&same, feature).iter().all(|(measure, value)| {
                    let nothing = match measure {
                        PowerMeasure::Auc => 0.5,
                        _ => 0.0,
                    };
                    (value - nothing).abs() < 0.05
                }));
                continue;
            }
            let (same, less) = (verdict(&same).unwrap(), verdict(&less).unwrap());
            assert!(
                !same.over.warning && same.value.abs() < 0.04,
                "{name}: {same:?}"
            );
            assert!(less.over.critical && less.value > 0.08, "{name}: {less:?}");
            let statistic = match about {
                About::Classes => Statistic::AucFall,
                About::Numbers => Statistic::ExplainedFall,
            };
            assert_eq!((less.statistic, less.rows), (statistic, ROWS as u64));
            assert!(less.limits.warning.bound.is_some() && less.limits.warning.null.is_some());
        }
        let stability = same.performance.as_ref().unwrap().rank_stability.unwrap();
        assert!(stability > 0.95, "{stability}");
    }
}

/// What the page and the metrics show is consistent with itself.
#[test]
fn measures_have_their_intervals() {
    for (about, judged) in [
        (About::Classes, [PowerMeasure::Auc; 2]),
        (
            About::Numbers,
            [PowerMeasure::RSquared, PowerMeasure::EpsilonSquared],
        ),
    ] {
        let mut rng = SmallRng::seed_from_u64(2);
        let baseline = Baseline::new(&mut rng, about, CheckSettings::default());
        let report = baseline.judge(&window(&mut rng));
        let classes = matches!(about, About::Classes);
        for (feature, judged) in [(0, judged[0]), (1, judged[0]), (3, judged[1])] {
            let power = report.features[feature].power.as_ref().unwrap();
            assert_eq!(power.judged, Some(judged));
            assert_eq!(power.values[0].0, judged, "what is judged comes first");
            let reference = power.reference.unwrap();
            let first = power.values[0].1;
            assert!(
                (first.value - reference).abs() < 0.05,
                "{first:?} {reference}"
            );
            for (measure, measured) in &power.values {
                let inside = measured.low <= measured.value && measured.value <= measured.high;
                assert!(inside && measured.low > 0.0, "{measure:?}: {measured:?}");
            }
            assert_eq!(power.uncertainty.is_some(), classes);
            let of = |wanted: PowerMeasure| {
                let mut values = power.values.iter();
                let found = values.find(|(measure, _)| *measure == wanted);
                found.map(|(_, measured)| [measured.low, measured.value, measured.high])
            };
            let (epsilon, omega) = (
                of(PowerMeasure::EpsilonSquared),
                of(PowerMeasure::OmegaSquared),
            );
            assert_eq!(epsilon.is_some(), omega.is_some());
            // Both correct η², by n − 1 and by n.
            let n = power.rows as f64;
            for (epsilon, omega) in epsilon.into_iter().zip(omega) {
                for (epsilon, omega) in epsilon.into_iter().zip(omega) {
                    let expected = epsilon * (n - 1.0) / (n - epsilon);
                    assert!((omega - expected).abs() < 1e-12, "{omega} {expected}");
                }
            }
            assert!(
                power
                    .uncertainty
                    .is_none_or(|share| 0.0 < share && share < 1.0),
                "{power:?}"
            );
        }
        let together = report.performance.unwrap();
        assert_eq!(
            (together.rows, together.target.as_str()),
            (ROWS as u64, "target")
        );
        let sum: f64 = together.contributions.iter().map(|(_, share)| share).sum();
        assert!((sum - together.r_squared.unwrap()).abs() < 1e-9);
        assert_eq!(together.contributions.len(), 4);
        // Of numbers there is no evidence for one of them.
        let told = if classes { MOST_EVIDENT } else { 0 };
        assert_eq!(together.evidence.len(), told);
        let found = together.evidence.iter().map(|(_, found)| found);
        assert!(found.clone().is_sorted_by(|a, b| a.value >= b.value));
        for evidence in found {
            let sum = |of: fn(&BinEvidence) -> f64| evidence.bins.iter().map(of).sum::<f64>();
            for sum in [sum(|bin| bin.of_class), sum(|bin| bin.of_rest)] {
                assert!((sum - 1.0).abs() < 1e-9, "{evidence:?}");
            }
        }
    }
}

/// A slope that turned tells of something else than in the baseline, however straight the line.
#[test]
fn a_slope_that_turned_is_a_fall() {
    let mut rng = SmallRng::seed_from_u64(3);
    for about in [About::Classes, About::Numbers] {
        let baseline = Baseline::new(&mut rng, about, CheckSettings::default());
        let mut turned = window(&mut rng);
        turned.numbers[0]
            .iter_mut()
            .for_each(|value| *value = -*value);
        let report = baseline.judge(&turned);
        let verdict = report.features[0].verdicts.performance.as_ref().unwrap();
        assert!(verdict.over.critical && verdict.value > 0.5, "{verdict:?}");
        let other = report.features[1].verdicts.performance.as_ref().unwrap();
        assert!(!other.over.warning);
    }
}

#[test]
fn a_number_in_the_manifest_replaces_the_limit_and_few_rows_do_not_alarm() {
    let mut rng = SmallRng::seed_from_u64(4);
    let own = CheckSettings {
        limits: BySeverity {
            warning: Some(0.4),
            critical: None,
        },
        min_rows: 10 * ROWS as u64,
        ..CheckSettings::default()
    };
    let baseline = Baseline::new(&mut rng, About::Classes, own);
    let drawn = window(&mut rng);
    let report = baseline.judge(&relabelled(&mut rng, drawn, 1.0));
    let verdict = report.features[0].verdicts.performance.as_ref().unwrap();
    assert_eq!(verdict.limits.warning.part, LimitPart::Manifest);
    assert_eq!(verdict.limits.critical.part, LimitPart::RaisedToWarning);
    assert!(verdict.value > 0.1 && !verdict.over.critical, "{verdict:?}");
}

#[test]
fn what_is_not_known_is_not_fine() {
    let mut rng = SmallRng::seed_from_u64(5);
    let baseline = Baseline::new(&mut rng, About::Classes, CheckSettings::default());
    let of = |report: &Report| report.features[0].verdicts.performance.clone();
    let drawn = window(&mut rng);
    // No target at all.
    let report = baseline.judge_whole(&drawn, &WindowSummary::default());
    assert_eq!(of(&report), Err(NotComputed::NoTarget));
    assert!(report.performance.is_none() && report.features[0].power.is_none());
    // No row, and therefore no target.
    let none: Vec<Summary> = baseline
        .bins
        .iter()
        .take(3)
        .map(|bins| profile(&[], Some(bins.clone())).close())
        .collect();
    let none: Vec<Option<&Summary>> = none.iter().map(Some).collect();
    let few = NotComputed::TooFewRows { have: 0, need: 30 };
    let report = judge(&baseline.reference, &none, &WindowSummary::default());
    assert_eq!(of(&report), Err(few));
    // A target that is not known of any row yet.
    let mut unknown = drawn.clone();
    unknown.class = vec![ABSENT; ROWS];
    let none = predictive::NotComputed::TooFewRows { have: 0, need: 1 };
    let report = baseline.judge(&unknown);
    assert_eq!(of(&report), Err(NotComputed::Predictive(none)));
    assert_eq!(report.performance.unwrap().rows, 0);
    // Known of few rows.
    unknown.class[..20].copy_from_slice(&drawn.class[..20]);
    let few = NotComputed::TooFewRows { have: 20, need: 30 };
    assert_eq!(of(&baseline.judge(&unknown)), Err(few));
    // A baseline without a target.
    let features = [FrozenFeature::new(
        "with",
        "",
        baseline.bins[0].clone(),
        Vec::new(),
    )];
    let windows = vec![WindowSummary::default(); WINDOWS];
    let reference = Reference::new(&features, &windows, &settings(CheckSettings::default()));
    assert_eq!(reference.tests(), 0);
    let summary = profile(&drawn.numbers[0], Some(baseline.bins[0].clone())).close();
    let known = whole(performance(&drawn, &baseline.bins, About::Classes));
    for window in [&known, &WindowSummary::default()] {
        let report = judge(&reference, &[Some(&summary)], window);
        assert_eq!(of(&report), Err(NotComputed::NoTargetInBaseline));
    }
    assert!(NotComputed::NoTarget.is_of_the_window());
    assert!(!NotComputed::NoTargetInBaseline.is_of_the_window());
}

/// Why a window says nothing of a feature is that window's: labels that are all one, all others than in the baseline, or one number.
#[test]
fn why_a_target_says_nothing_is_said() {
    let mut rng = SmallRng::seed_from_u64(6);
    let reasons = |report: &Report| {
        let of = |feature: usize| match report.features[feature].verdicts.performance {
            Err(why @ NotComputed::Predictive(reason)) => {
                assert!(why.is_of_the_window(), "{why:?}");
                reason
            }
            ref other => panic!("{feature}: {other:?}"),
        };
        [of(0), of(3)]
    };
    let baseline = Baseline::new(&mut rng, About::Classes, CheckSettings::default());
    let drawn = window(&mut rng);
    let mut one = drawn.clone();
    one.class = vec![0; ROWS];
    let report = baseline.judge(&one);
    assert_eq!(reasons(&report), [predictive::NotComputed::OneClass; 2]);
    // Names that the baseline does not have are the last class.
    one.class = vec![2; ROWS];
    let report = baseline.judge(&one);
    assert_eq!(
        reasons(&report),
        [predictive::NotComputed::NoCommonClass; 2]
    );

    let baseline = Baseline::new(&mut rng, About::Numbers, CheckSettings::default());
    let mut one = drawn;
    one.value = vec![3.0; ROWS];
    let report = baseline.judge(&one);
    assert_eq!(
        reasons(&report),
        [predictive::NotComputed::ConstantTarget; 2]
    );
}

/// Why a baseline says nothing of a feature is the baseline's, whatever the window says.
#[test]
fn what_a_baseline_lacks_is_not_laid_to_the_window() {
    let mut rng = SmallRng::seed_from_u64(11);
    let known = window(&mut rng);
    let mut renamed = known.clone();
    renamed.class = vec![2; ROWS];
    renamed.value = vec![3.0; ROWS];
    // A class of nine rows in all windows together.
    let mut rare = known.clone();
    rare.class = (0..ROWS as u32).map(|row| u32::from(row < 3)).collect();
    let few = |have| predictive::NotComputed::TooFewFolds { have, need: 2 };
    let without = &renamed;
    for (about, windows, expected) in [
        (About::Classes, vec![&known, without], few(1)),
        (About::Numbers, vec![&known, without], few(1)),
        (
            About::Classes,
            vec![without; 3],
            predictive::NotComputed::NoCommonClass,
        ),
        (
            About::Classes,
            vec![without],
            predictive::NotComputed::NoCommonClass,
        ),
        (
            About::Numbers,
            vec![without],
            predictive::NotComputed::ConstantTarget,
        ),
        (
            About::Classes,
            vec![&rare; 3],
            predictive::NotComputed::NoClass,
        ),
    ] {
        let windows: Vec<Window> = windows.into_iter().cloned().collect();
        let baseline = Baseline::of(&windows, about, CheckSettings::default());
        for window in [&known, without] {
            let report = baseline.judge(window);
            for feature in [0, 3] {
                let why = report.features[feature].verdicts.performance.clone();
                let why = why.unwrap_err();
                assert_eq!(why, NotComputed::PredictiveInBaseline(expected));
                assert!(!why.is_of_the_window());
            }
        }
    }
    // A feature that the baseline's windows did not sample.
    let drawn = bins(&known);
    let unknown = FrozenFeature::new("unknown", "", drawn[0].clone(), Vec::new());
    let sampled = whole(performance(&known, &drawn, About::Classes));
    let own = settings(CheckSettings::default());
    let reference = Reference::new(&[unknown], &[sampled.clone(), sampled.clone()], &own);
    let summary = profile(&known.numbers[0], Some(drawn[0].clone())).close();
    let report = judge(&reference, &[Some(&summary)], &sampled);
    let why = report.features[0].verdicts.performance.clone();
    assert_eq!(why, Err(NotComputed::NotInBaseline));
}

/// A feature that is not to be judged, or told nothing before, is not said to lack something.
#[test]
fn what_is_not_to_be_judged_lacks_nothing() {
    let mut rng = SmallRng::seed_from_u64(10);
    let off = CheckSettings {
        enabled: false,
        ..CheckSettings::default()
    };
    let drawn = window(&mut rng);
    let mut one = drawn.clone();
    one.class = vec![0; ROWS];
    let baseline = Baseline::new(&mut rng, About::Classes, off);
    for window in [&drawn, &one] {
        let report = baseline.judge(window);
        for feature in &report.features {
            assert_eq!(feature.verdicts.performance, Err(NotComputed::Disabled));
        }
    }
    let baseline = Baseline::new(&mut rng, About::Classes, CheckSettings::default());
    let nothing = &baseline.judge(&one).features[2];
    assert_eq!(nothing.verdicts.performance, Err(NotComputed::TellsNothing));
}

/// A feature that has one value in a window tells nothing there, which is a fall.
#[test]
fn a_constant_feature_tells_nothing() {
    let mut rng = SmallRng::seed_from_u64(7);
    for about in [About::Classes, About::Numbers] {
        let baseline = Baseline::new(&mut rng, about, CheckSettings::default());
        let mut constant = window(&mut rng);
        constant.numbers[0] = vec![1.0; ROWS];
        constant.codes = vec![1; ROWS];
        let report = baseline.judge(&constant);
        for feature in [0, 3] {
            let judged = &report.features[feature];
            let verdict = judged.verdicts.performance.as_ref().unwrap();
            assert!(verdict.over.critical, "{verdict:?}");
            let power = judged.power.as_ref().unwrap();
            let nothing = match about {
                About::Classes => 0.5,
                About::Numbers => 0.0,
            };
            assert_eq!(power.values[0].1.value, nothing, "{power:?}");
        }
    }
}

/// What told nothing in the baseline and knows the target now is no test, but it is told.
#[test]
fn a_feature_that_begins_to_know_the_target_is_seen() {
    let mut rng = SmallRng::seed_from_u64(8);
    for (about, measure) in [
        (About::Classes, PowerMeasure::Auc),
        (About::Numbers, PowerMeasure::RSquared),
    ] {
        let baseline = Baseline::new(&mut rng, about, CheckSettings::default());
        let mut leaks = window(&mut rng);
        leaks.numbers[2] = leaks.value.clone();
        let report = baseline.judge(&leaks);
        let judged = &report.features[2];
        assert_eq!(judged.verdicts.performance, Err(NotComputed::TellsNothing));
        let power = judged.power.as_ref().unwrap();
        assert_eq!((power.judged, power.reference), (None, None));
        let (first, measured) = power.values[0];
        assert_eq!(first, measure);
        assert!(measured.low <= measured.value && measured.value <= measured.high);
        match about {
            // Which values speak for a class was hardly learnt, so that classes may lie on either side of a half.
            About::Classes => {
                assert!(measured.high < 0.5 || measured.low > 0.5, "{measured:?}");
                let value = values(&report, 2)[&PowerMeasure::InformationValue];
                assert!(value > 1.0, "{value}");
            }
            About::Numbers => assert_eq!(measured.value, 1.0),
        }
    }
}

/// A handful of rows of a class makes no feature tell something.
#[test]
fn classes_of_a_few_rows_are_left_out() {
    let mut rng = SmallRng::seed_from_u64(9);
    let baseline = Baseline::new(&mut rng, About::Classes, CheckSettings::default());
    let mut drawn = window(&mut rng);
    for (row, class) in drawn.class.iter_mut().enumerate() {
        *class = if row < 4 { 2 } else { row as u32 % 2 };
    }
    let report = baseline.judge(&drawn);
    for feature in 0..NAMES.len() {
        let value = values(&report, feature)[&PowerMeasure::InformationValue];
        assert!(value < 0.02, "{feature}: {value}");
    }
    let evidence = report.performance.unwrap().evidence;
    assert_eq!(evidence.len(), MOST_EVIDENT);
    assert!(evidence.iter().all(|(_, found)| found.class != 2));
}

/// Only the first features by name are looked at, and of the others that is said.
#[test]
fn features_beyond_the_most_are_told() {
    let names: Vec<String> = (0..=MAX_FEATURES)
        .map(|place| format!("f{place:03}"))
        .collect();
    let values: Vec<f64> = (0..60).map(f64::from).collect();
    let class: Vec<u32> = (0..60).map(|row| row / 30).collect();
    let bins = Arc::new(profile(&values, None).freeze_bins());
    let Bins::Numeric(numeric) = bins.as_ref() else {
        panic!("numbers have bins of numbers");
    };
    let predictor = Predictor::Numeric {
        values: &values,
        bins: numeric,
    };
    let sampled: Vec<(&str, Predictor<'_>)> = names[..MAX_FEATURES]
        .iter()
        .map(|name| (name.as_str(), predictor))
        .collect();
    let target = Target::Classes {
        codes: &class,
        classes: 3,
    };
    let window = whole(Performance::new("target", target, &sampled));
    let features: Vec<FrozenFeature> = names
        .iter()
        .map(|name| FrozenFeature::new(name, "", bins.clone(), Vec::new()))
        .collect();
    let windows = vec![window.clone(); 3];
    let reference = Reference::new(&features, &windows, &settings(CheckSettings::default()));
    assert_eq!(reference.tests(), MAX_FEATURES);
    let summary = profile(&values, Some(bins.clone())).close();
    let current = vec![Some(&summary); names.len()];
    let report = judge(&reference, &current, &window);
    assert!(report.features[0].verdicts.performance.is_ok());
    let most = MAX_FEATURES;
    assert_eq!(
        report.features[MAX_FEATURES].verdicts.performance,
        Err(NotComputed::TooManyFeatures { most })
    );
}

/// Of more classes than are told apart the rarest are one.
#[test]
fn classes_are_bounded() {
    let names: Vec<String> = (0..30).map(|class| format!("class {class}")).collect();
    let name = |code: usize| names.get(code).map(String::as_str);
    let codes: Vec<i32> = (0..30)
        .flat_map(|class| vec![class; 40 - class as usize])
        .collect();
    let mut profile = FeatureProfile::new(Kind::Categorical, None);
    let column = Column::Categorical {
        codes: &codes,
        validity: Validity::all(codes.len()),
        categories: stats::Categories {
            generation: 1,
            len: names.len(),
            name: &name,
        },
    };
    profile.update(&column).unwrap();
    let classes: Collapse = profile.classes(0.0).unwrap();
    assert_eq!(classes.categories(), 10);
    let joined = classes.apply(&(0..30).collect::<Vec<u32>>());
    assert_eq!(joined[..9], (0..9).collect::<Vec<u32>>());
    assert!(joined[9..].iter().all(|class| *class == 9));
    assert_eq!(
        profile.classes(0.044).unwrap().categories(),
        8,
        "what is rare is joined too"
    );
}
