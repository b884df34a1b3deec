//! Which values are acceptable, how many are not, and what is judged of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use stats::{
    Acceptable, Bins, ByCheck, BySeverity, Categories, Column, DriftSettings, FeatureProfile,
    FeatureReport, FrozenFeature, Kind, NotComputed, QualitySettings, Reference, Settings,
    Statistic, Summary, Validity, Verdict, WindowSummary, judge,
};

/// One row of a numeric feature, `None` for null.
fn number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        8 => (-100.0..100.0f64).prop_map(Some),
        1 => Just(None),
        1 => prop::sample::select(vec![0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).prop_map(Some),
    ]
}

fn end() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![1 => Just(None), 3 => (-100.0..100.0f64).prop_map(Some)]
}

fn profiled(
    rows: &[Option<f64>],
    bins: Option<Arc<Bins>>,
    acceptable: Option<&Acceptable>,
) -> FeatureProfile {
    let profile = FeatureProfile::new(Kind::Numeric, bins);
    let mut profile = match acceptable {
        Some(acceptable) => profile.accepting(acceptable),
        None => profile,
    };
    let values: Vec<f64> = rows.iter().map(|row| row.unwrap_or(5.0)).collect();
    let mut bits = vec![0u8; rows.len() / 8 + 1];
    let filled = rows.iter().enumerate().filter(|(_, row)| row.is_some());
    filled.for_each(|(i, _)| bits[i / 8] |= 1 << (i % 8));
    let validity = Validity::bitmap(&bits, 0, rows.len()).unwrap();
    let column = Column::Numeric {
        values: &values,
        validity,
    };
    profile.update(&column).unwrap();
    profile
}

fn named(
    rows: &[&str],
    bins: Option<Arc<Bins>>,
    acceptable: Option<&Acceptable>,
) -> FeatureProfile {
    let profile = FeatureProfile::new(Kind::Categorical, bins);
    let mut profile = match acceptable {
        Some(acceptable) => profile.accepting(acceptable),
        None => profile,
    };
    let dictionary: Vec<&str> = rows
        .iter()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let code = |name: &&str| dictionary.binary_search(name).unwrap() as i32;
    let codes: Vec<i32> = rows.iter().map(code).collect();
    let categories = Categories {
        generation: 0,
        len: dictionary.len(),
        name: &|code| dictionary.get(code).copied(),
    };
    let column = Column::Categorical {
        codes: &codes,
        validity: Validity::all(codes.len()),
        categories,
    };
    profile.update(&column).unwrap();
    profile
}

fn refuses(value: f64, min: Option<f64>, max: Option<f64>) -> bool {
    !value.is_finite() || min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max)
}

proptest! {
    #[test]
    fn numbers_are_counted_as_one_by_one_in_whatever_parts(
        rows in prop::collection::vec(number(), 0..2000),
        cut in 0..2000usize,
        min in end(),
        max in end(),
    ) {
        let acceptable = Acceptable::Range { min, max };
        let expected = rows.iter().flatten().filter(|value| refuses(**value, min, max)).count() as u64;
        let whole = profiled(&rows, None, Some(&acceptable)).close();
        prop_assert_eq!(whole.invalid, expected);
        let (first, second) = rows.split_at(cut.min(rows.len()));
        let mut merged = profiled(second, None, Some(&acceptable));
        merged.merge(profiled(first, None, Some(&acceptable))).unwrap();
        prop_assert_eq!(merged.close().invalid, expected);
    }

    #[test]
    fn categories_are_counted_as_one_by_one(
        rows in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "d", ""]), 0..500),
        allowed in prop::collection::btree_set(prop::sample::select(vec!["a", "b", "c", ""]), 0..4),
    ) {
        let names: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let found = named(&rows, None, Some(&Acceptable::Names(names))).close();
        let expected = rows.iter().filter(|name| !allowed.contains(*name)).count() as u64;
        prop_assert_eq!(found.invalid, expected);
    }
}

/// The i-th of so many numbers from 0 to 1, without random numbers.
fn uniform(rows: usize) -> Vec<f64> {
    (0..rows)
        .map(|i| (i as f64 + 1.0) * 0.618_033_988_749_895 % 1.0)
        .collect()
}

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

fn feature(windows: &[Vec<f64>]) -> FrozenFeature {
    let bins = Arc::new(profiled(&some(&windows.concat()), None, None).freeze_bins());
    let summary = |values: &Vec<f64>| profiled(&some(values), Some(bins.clone()), None).close();
    let summaries = windows.iter().map(summary).collect();
    FrozenFeature::new("a", "double", bins, summaries)
}

fn settings(acceptable: &[(&str, Acceptable)]) -> Settings {
    let of = |(name, acceptable): &(&str, Acceptable)| ((*name).to_owned(), acceptable.clone());
    Settings {
        budget: BySeverity {
            warning: 1.0,
            critical: 7.0 / 30.0,
        },
        on: ByCheck {
            quality: true,
            ..ByCheck::default()
        },
        drift: DriftSettings::default(),
        quality: QualitySettings { tolerance: 0.5 },
        acceptable: acceptable.iter().map(of).collect(),
        features: BTreeMap::new(),
        default: ByCheck::default(),
    }
}

fn quality(reference: &Reference, window: &Summary) -> Result<Verdict, NotComputed> {
    let mut report = judge(reference, &[Some(window)], &WindowSummary::default());
    report.features.swap_remove(0).verdicts.quality
}

#[test]
fn a_range_is_learnt_with_room_on_both_sides() {
    let steady: Vec<Vec<f64>> = (0..6).map(|_| uniform(1000)).collect();
    let features = [feature(&steady)];
    let reference = Reference::new(&features, &[], &settings(&[]));
    assert_eq!(reference.tests(), 1);
    let Acceptable::Range {
        min: Some(min),
        max: Some(max),
    } = reference.acceptable(0).unwrap()
    else {
        panic!("{:?}", reference.acceptable(0));
    };
    assert!(
        (min + 0.5).abs() < 0.01 && (max - 1.5).abs() < 0.01,
        "{min} {max}"
    );
    // Cents instead of euros, in a fiftieth of the rows.
    let mut values = uniform(1000);
    values
        .iter_mut()
        .take(20)
        .for_each(|value| *value = 100.0 * (1.0 + *value));
    let acceptable = reference.acceptable(0).unwrap();
    let bins = features[0].bins.clone();
    let window = profiled(&some(&values), Some(bins.clone()), Some(acceptable)).close();
    let verdict = quality(&reference, &window).unwrap();
    assert_eq!(
        (verdict.statistic, verdict.rows),
        (Statistic::InvalidShare, 1000)
    );
    assert!((verdict.value - 0.02).abs() < 1e-12, "{verdict:?}");
    assert_eq!((verdict.over.warning, verdict.over.critical), (true, false));
    let quiet = profiled(&some(&uniform(1000)), Some(bins), Some(acceptable)).close();
    assert_eq!(quality(&reference, &quiet).unwrap().value, 0.0);
}

#[test]
fn what_is_not_acceptable_in_the_baseline_already_is_no_rise() {
    // A tenth of the baseline is above what the manifest says.
    let features = [feature(&(0..6).map(|_| uniform(1000)).collect::<Vec<_>>())];
    let given = Acceptable::Range {
        min: None,
        max: Some(0.9),
    };
    let refused = given.refused(&features[0].reference, &features[0].bins);
    assert!(refused.abs_diff(600) <= 3, "{refused} of 6000");
    let reference = Reference::new(&features, &[], &settings(&[("a", given.clone())]));
    let bins = features[0].bins.clone();
    let same = profiled(&some(&uniform(1000)), Some(bins.clone()), Some(&given)).close();
    let verdict = quality(&reference, &same).unwrap();
    assert!(
        verdict.value.abs() < 0.002 && !verdict.over.warning,
        "{verdict:?}"
    );
    // It rises to a fifth.
    let more: Vec<f64> = uniform(1000).iter().map(|u| u * 1.125).collect();
    let more = profiled(&some(&more), Some(bins), Some(&given)).close();
    let verdict = quality(&reference, &more).unwrap();
    assert!(
        (verdict.value - 0.1).abs() < 0.003 && verdict.over.critical,
        "{verdict:?}"
    );
    // Binomial, one-sided at 1 in the budget of one test: 1.6449 is the normal quantile at 0.05, to which α is cut, and the cube
    // root of χ² is normal (Wilson and Hilferty 1931).
    let (n, m): (f64, f64) = (6000.0, 1000.0);
    let rate = (refused as f64 + 0.5) / (n + 1.0);
    let error = (rate * (1.0 - rate) * (1.0 / n + 1.0 / m)).sqrt();
    let skewness = (1.0 - 2.0 * rate) / (rate * (1.0 - rate)) * error;
    let root = 1.0 + skewness * 1.644_853_6 / 6.0 - skewness * skewness / 36.0;
    let null = 2.0 / skewness * (root.powi(3) - 1.0) * error;
    let found = verdict.limits.warning.null.unwrap();
    assert!((found - null).abs() < 1e-5 * null, "{found} {null}");
}

#[test]
fn new_categories_are_not_acceptable_unless_the_manifest_allows_them() {
    let rows = |of: &[(&'static str, usize)]| -> Vec<&'static str> {
        of.iter()
            .flat_map(|(name, count)| std::iter::repeat_n(*name, *count))
            .collect()
    };
    let base = rows(&[("a", 500), ("b", 490), ("c", 10)]);
    let bins = Arc::new(named(&base, None, None).freeze_bins());
    let windows = (0..6)
        .map(|_| named(&base, Some(bins.clone()), None).close())
        .collect();
    let features = [FrozenFeature::new("a", "string", bins.clone(), windows)];
    let now = rows(&[("a", 500), ("b", 400), ("d", 100)]);
    let judged = |settings: &Settings| {
        let reference = Reference::new(&features, &[], settings);
        let acceptable = reference.acceptable(0).unwrap();
        let window = named(&now, Some(bins.clone()), Some(acceptable)).close();
        quality(&reference, &window).unwrap()
    };
    let learnt = judged(&settings(&[]));
    assert!(
        (learnt.value - 0.1).abs() < 1e-12 && learnt.over.critical,
        "{learnt:?}"
    );
    let names = |names: &[&str]| Acceptable::Names(names.iter().map(|n| (*n).to_owned()).collect());
    let given = judged(&settings(&[("a", names(&["a", "b", "d"]))]));
    assert!(
        (given.value + 0.01).abs() < 1e-12 && !given.over.warning,
        "{given:?}"
    );
}

#[test]
fn where_nothing_can_be_learnt_there_is_no_verdict() {
    let constant = [feature(&vec![vec![7.0; 300]; 4])];
    let reference = Reference::new(&constant, &[], &settings(&[]));
    let window = profiled(&some(&[7.0; 300]), Some(constant[0].bins.clone()), None).close();
    // One value says nothing of a range.
    let everything = Acceptable::Range {
        min: None,
        max: None,
    };
    assert_eq!(reference.acceptable(0), Ok(&everything));
    assert_eq!(quality(&reference, &window).unwrap().value, 0.0);
    let nulls = [feature(&vec![vec![]; 4])];
    let reference = Reference::new(&nulls, &[], &settings(&[]));
    let none = NotComputed::NoReference { have: 0, need: 1 };
    assert_eq!(quality(&reference, &window), Err(none));
    assert_eq!(reference.tests(), 0);
    let names = Acceptable::Names(BTreeSet::from(["7".to_owned()]));
    let reference = Reference::new(&constant, &[], &settings(&[("a", names)]));
    let wrong = NotComputed::GivenForOtherKind {
        given: Kind::Categorical,
        kind: Kind::Numeric,
    };
    assert_eq!(quality(&reference, &window), Err(wrong));
    // A range holds for a constant too.
    let given = Acceptable::Range {
        min: Some(0.0),
        max: None,
    };
    let reference = Reference::new(&constant, &[], &settings(&[("a", given)]));
    assert_eq!(quality(&reference, &window).unwrap().value, 0.0);
    let off = Settings {
        on: ByCheck::default(),
        ..settings(&[])
    };
    let reference = Reference::new(&constant, &[], &off);
    assert_eq!(quality(&reference, &window), Err(NotComputed::Disabled));
    assert_eq!(reference.tests(), 0);
}

/// What moves by construction leaves any range behind that it had; a range that is given holds for it too.
#[test]
fn nothing_is_learnt_from_what_moves() {
    let total = |k: u32| {
        uniform(1000)
            .iter()
            .map(|u| u + 0.5 * f64::from(k))
            .collect()
    };
    let features = [feature(&(0..6).map(total).collect::<Vec<_>>())];
    let with_drift = |acceptable: &[(&str, Acceptable)]| Settings {
        on: ByCheck {
            drift: true,
            quality: true,
            ..ByCheck::default()
        },
        ..settings(acceptable)
    };
    let window = profiled(&some(&total(9)), Some(features[0].bins.clone()), None).close();
    let reference = Reference::new(&features, &[], &with_drift(&[]));
    assert!(reference.moving(0));
    assert_eq!(quality(&reference, &window), Err(NotComputed::Moving));
    assert_eq!(reference.tests(), 2);
    let given = Acceptable::Range {
        min: Some(0.0),
        max: None,
    };
    let reference = Reference::new(&features, &[], &with_drift(&[("a", given)]));
    assert_eq!(quality(&reference, &window).unwrap().value, 0.0);
}

/// State that an older release saved is not damaged.
#[test]
fn what_was_saved_before_there_was_quality_is_read() {
    let features = [feature(&(0..6).map(|_| uniform(1000)).collect::<Vec<_>>())];
    let reference = Reference::new(&features, &[], &settings(&[]));
    let report = judge(&reference, &[None], &WindowSummary::default())
        .features
        .swap_remove(0);
    let mut saved = serde_json::to_value(&report).unwrap();
    saved.as_object_mut().unwrap().remove("quality").unwrap();
    let read: FeatureReport = serde_json::from_value(saved).unwrap();
    assert_eq!(read.verdicts.quality, Err(NotComputed::Disabled));
    assert_eq!(read.verdicts.drift, report.verdicts.drift);
    let mut saved = serde_json::to_value(&features[0].reference).unwrap();
    saved.as_object_mut().unwrap().remove("invalid").unwrap();
    let read: Summary = serde_json::from_value(saved).unwrap();
    assert_eq!(read, features[0].reference);
}
