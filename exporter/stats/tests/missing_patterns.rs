//! How often which features are missing together, judged against the baseline.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::{
    ByCheck, BySeverity, CheckSettings, Column, DriftSettings, FeatureProfile, FrozenFeature, Kind,
    LimitPart, Missingness, NotComputed, QualitySettings, Reference, Report, RowSample, RowSampler,
    Settings, Statistic, Validity, WindowSummary, judge,
};

const NAMES: [&str; 4] = ["age", "income", "spend", "visits"];
const ROWS: usize = 2_000;

/// A column of random numbers of which some rows are null.
fn column(rng: &mut SmallRng, nulls: &[bool]) -> RowSample {
    let values: Vec<f64> = nulls.iter().map(|_| rng.random()).collect();
    numbers(&values, nulls)
}

/// A column of these numbers, of which some rows are null.
fn numbers(values: &[f64], nulls: &[bool]) -> RowSample {
    let mut bits = vec![0u8; nulls.len().div_ceil(8)];
    let there = nulls.iter().enumerate().filter(|(_, null)| !**null);
    there.for_each(|(row, _)| bits[row / 8] |= 1 << (row % 8));
    let column = Column::Numeric {
        values,
        validity: Validity::bitmap(&bits, 0, nulls.len()).unwrap(),
    };
    let mut sample = RowSample::new(Kind::Numeric);
    let choice = RowSampler::default().choose(nulls.len());
    FeatureProfile::new(Kind::Numeric, None).pick(&column, &choice, &mut sample);
    sample
}

/// A window of these columns, of whose rows a function says which are null.
fn window(
    rng: &mut SmallRng,
    names: &[&str],
    rows: usize,
    null: impl Fn(&mut SmallRng) -> [bool; 4],
) -> WindowSummary {
    let masks: Vec<[bool; 4]> = (0..rows).map(|_| null(rng)).collect();
    let columns: Vec<(&str, RowSample)> = names
        .iter()
        .map(|name| {
            let place = NAMES.iter().position(|own| own == name).unwrap();
            let nulls: Vec<bool> = masks.iter().map(|mask| mask[place]).collect();
            (*name, column(rng, &nulls))
        })
        .collect();
    let columns: Vec<(&str, &RowSample)> = columns.iter().map(|(name, c)| (*name, c)).collect();
    WindowSummary {
        missingness: Some(Missingness::new(&columns).unwrap()),
        ..WindowSummary::default()
    }
}

/// Age and income are each missing in a tenth of the rows, on their own.
fn apart(rng: &mut SmallRng) -> [bool; 4] {
    [
        rng.random::<f64>() < 0.1,
        rng.random::<f64>() < 0.1,
        false,
        false,
    ]
}

/// They are missing as often, in the same rows.
fn together(rng: &mut SmallRng) -> [bool; 4] {
    let both = rng.random::<f64>() < 0.1;
    [both, both, false, false]
}

fn features() -> Vec<FrozenFeature> {
    let frozen = |name: &&str| {
        let bins = Arc::new(FeatureProfile::new(Kind::Numeric, None).freeze_bins());
        FrozenFeature::new(*name, "double", bins, Vec::new())
    };
    NAMES.iter().map(frozen).collect()
}

fn settings(own: CheckSettings) -> Settings {
    Settings {
        budget: BySeverity {
            warning: 1.0,
            critical: 7.0 / 30.0,
        },
        on: ByCheck {
            missing_patterns: true,
            ..ByCheck::default()
        },
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: BTreeMap::new(),
        default: ByCheck {
            missing_patterns: own,
            ..ByCheck::default()
        },
    }
}

fn baseline(rng: &mut SmallRng) -> Vec<WindowSummary> {
    (0..6).map(|_| window(rng, &NAMES, ROWS, apart)).collect()
}

fn reference(rng: &mut SmallRng) -> Reference {
    Reference::new(
        &features(),
        &baseline(rng),
        &settings(CheckSettings::default()),
    )
}

fn judged(reference: &Reference, window: &WindowSummary) -> Report {
    judge(reference, &[], window)
}

#[test]
fn features_that_begin_to_be_missing_together_are_found_though_no_share_changes() {
    let mut rng = SmallRng::seed_from_u64(1);
    let reference = reference(&mut rng);
    assert_eq!(reference.tests(), 1);
    let same = judged(&reference, &window(&mut rng, &NAMES, ROWS, apart));
    let verdict = same.window.verdicts.missing_patterns.unwrap();
    assert_eq!(
        (verdict.statistic, verdict.rows),
        (Statistic::PatternDistance, 2_000)
    );
    assert!(!verdict.over.warning && verdict.value < 0.05, "{verdict:?}");
    assert_eq!(verdict.limits.warning.part, LimitPart::EffectFloor);

    let report = judged(&reference, &window(&mut rng, &NAMES, ROWS, together));
    let verdict = report.window.verdicts.missing_patterns.unwrap();
    assert!(verdict.over.critical, "{verdict:?}");
    let told = report.missingness.unwrap();
    assert!(told.p_value < 1e-9);
    assert_eq!(told.features, 4);
    // 0.81 of the rows were complete, 0.09 missed either, 0.01 both; now 0.9 are, and 0.1 miss both.
    let about = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 0.02, "{found} for {expected}")
    };
    about(told.reference.complete, 0.81);
    about(told.current.complete, 0.9);
    about(told.current.filled, 0.95);
    assert_eq!(
        (told.reference.patterns.count, told.current.patterns.count),
        (4, 2)
    );
    let changed: Vec<&[String]> = told.changed.iter().map(|c| c.missing.as_slice()).collect();
    assert_eq!(changed.len(), 4);
    assert!(
        changed.contains(&&["age".to_owned(), "income".to_owned()][..]),
        "{changed:?}"
    );
    let changes: Vec<f64> = told
        .changed
        .iter()
        .map(|change| change.delta().abs())
        .collect();
    assert!(changes.is_sorted_by(|a, b| a >= b), "{changes:?}");
    let pair = &told.pairs[0];
    assert_eq!(pair.features, ("age".to_owned(), "income".to_owned()));
    assert!(pair.current > 1.0 - 1e-12, "{pair:?}");
    about(pair.reference.unwrap(), 0.0);
    // What is missing says nothing of the values.
    assert!(told.mcar.unwrap().p_value > 1e-4);
    assert_eq!(told.compared.1, 0);
}

#[test]
fn a_column_that_is_gone_is_no_pattern() {
    let mut rng = SmallRng::seed_from_u64(2);
    let reference = reference(&mut rng);
    let rest = ["age", "spend", "visits"];
    let report = judged(&reference, &window(&mut rng, &rest, ROWS, apart));
    let verdict = report.window.verdicts.missing_patterns.unwrap();
    assert!(!verdict.over.warning, "{verdict:?}");
    let told = report.missingness.unwrap();
    assert_eq!(told.features, 3);
    assert!((told.reference.complete - 0.9).abs() < 0.02);
    let none = WindowSummary {
        missingness: Some(Missingness::new(&[]).unwrap()),
        ..WindowSummary::default()
    };
    assert_eq!(
        judged(&reference, &none).window.verdicts.missing_patterns,
        Err(NotComputed::Absent)
    );
}

#[test]
fn numbers_of_the_manifest_hold_and_few_rows_do_not_alarm() {
    let mut rng = SmallRng::seed_from_u64(3);
    let own = CheckSettings {
        limits: BySeverity {
            warning: Some(0.001),
            critical: Some(0.9),
        },
        ..CheckSettings::default()
    };
    let windows = baseline(&mut rng);
    let reference = Reference::new(&features(), &windows, &settings(own));
    let verdict = |rows, rng: &mut SmallRng| {
        let report = judged(&reference, &window(rng, &NAMES, rows, together));
        report.window.verdicts.missing_patterns
    };
    let found = verdict(ROWS, &mut rng).unwrap();
    assert_eq!((found.over.warning, found.over.critical), (true, false));
    assert_eq!(found.limits.critical.part, LimitPart::Manifest);
    let few = verdict(199, &mut rng).unwrap();
    assert!(few.scores.warning > 1.0 && !few.over.warning, "{few:?}");
    assert_eq!(
        verdict(19, &mut rng),
        Err(NotComputed::TooFewRows { have: 19, need: 20 })
    );
}

#[test]
fn what_was_not_sampled_has_no_verdict() {
    let mut rng = SmallRng::seed_from_u64(4);
    let windows = baseline(&mut rng);
    let on = settings(CheckSettings::default());
    let reference = Reference::new(&features(), &windows, &on);
    let verdict = |reference: &Reference, window: &WindowSummary| {
        let report = judged(reference, window);
        assert_eq!(report.missingness, None);
        report.window.verdicts.missing_patterns
    };
    let nothing = WindowSummary::default();
    assert_eq!(verdict(&reference, &nothing), Err(NotComputed::NoSample));
    let mut old = windows.clone();
    old[2].missingness = None;
    for windows in [&old[..], &[]] {
        let reference = Reference::new(&features(), windows, &on);
        assert_eq!(reference.tests(), 0);
        assert_eq!(
            verdict(&reference, &old[0]),
            Err(NotComputed::NotInBaseline)
        );
    }
    let off = Settings {
        on: ByCheck::default(),
        ..on.clone()
    };
    let reference = Reference::new(&features(), &windows, &off);
    assert_eq!(verdict(&reference, &old[0]), Err(NotComputed::Disabled));
    // A feature that the manifest no longer selects is not looked at.
    let some = &features()[1..];
    let reference = Reference::new(some, &windows, &on);
    let told = judged(&reference, &windows[0]).missingness.unwrap();
    assert_eq!(told.features, 3);
}

/// Windows without anything missing differ in nothing, and one null too few alarms nobody.
#[test]
fn where_nothing_was_ever_missing_the_floor_holds() {
    let mut rng = SmallRng::seed_from_u64(5);
    let windows: Vec<WindowSummary> = (0..4)
        .map(|_| window(&mut rng, &NAMES, ROWS, |_| [false; 4]))
        .collect();
    let reference = Reference::new(&features(), &windows, &settings(CheckSettings::default()));
    let found = |share: f64, rng: &mut SmallRng| {
        let window = window(rng, &NAMES, ROWS, |rng| {
            [rng.random::<f64>() < share, false, false, false]
        });
        judged(&reference, &window)
            .window
            .verdicts
            .missing_patterns
            .unwrap()
    };
    assert_eq!(found(0.0, &mut rng).value, 0.0);
    let few = found(0.01, &mut rng);
    assert!(few.value > 0.0 && !few.over.warning, "{few:?}");
    assert!(found(0.05, &mut rng).over.warning);
}

/// A default that is written where another column is missing separates both sides, with no spread in either: the strongest dependence
/// there is, of which t is infinite.
#[test]
fn two_constants_are_told_before_all_that_differs() {
    let mut rng = SmallRng::seed_from_u64(6);
    let reference = reference(&mut rng);
    let nulls: Vec<bool> = (0..ROWS).map(|row| row % 10 == 0).collect();
    let there = vec![false; ROWS];
    let shifted = |by: f64, rng: &mut SmallRng| {
        let values = nulls.iter();
        let value = |null: &bool| rng.random::<f64>() + by * f64::from(u8::from(*null));
        numbers(&values.map(value).collect::<Vec<f64>>(), &there)
    };
    let constant = |null: &bool| if *null { -1.0 } else { 5.0 };
    let values: Vec<f64> = nulls.iter().map(constant).collect();
    let columns = [
        column(&mut rng, &nulls),
        numbers(&values, &there),
        shifted(1.0, &mut rng),
        shifted(0.0, &mut rng),
    ];
    let named: Vec<(&str, &RowSample)> = NAMES.into_iter().zip(&columns).collect();
    let window = WindowSummary {
        missingness: Some(Missingness::new(&named).unwrap()),
        ..WindowSummary::default()
    };
    let told = judged(&reference, &window).missingness.unwrap();
    assert_eq!(told.compared, (3, 2));
    let [first, second] = &told.differences[..] else {
        panic!("{:?}", told.differences);
    };
    for (difference, value) in [(first, "income"), (second, "spend")] {
        assert_eq!((&*difference.missing, &*difference.value), ("age", value));
    }
    assert_eq!((first.effect, first.adjusted_p_value), (None, 0.0));
    assert!(
        second.effect.is_some_and(|effect| effect > 2.0),
        "{second:?}"
    );
}
