//! Which numbers are far out, by the baseline's median and MAD.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use stats::{
    Bins, ByCheck, BySeverity, Categories, CheckSettings, Column, DriftSettings, FeatureProfile,
    Fences, FrozenFeature, Kind, NotComputed, QualitySettings, Reference, Settings, Statistic,
    Summary, Validity, Verdict, WindowSummary, judge,
};

fn profiled(values: &[f64], bins: Option<Arc<Bins>>, fences: Option<Fences>) -> FeatureProfile {
    let profile = FeatureProfile::new(Kind::Numeric, bins);
    let mut profile = match fences {
        Some(fences) => profile.fenced(fences),
        None => profile,
    };
    let validity = Validity::all(values.len());
    profile
        .update(&Column::Numeric { values, validity })
        .unwrap();
    profile
}

fn feature(windows: &[Vec<f64>]) -> FrozenFeature {
    let bins = Arc::new(profiled(&windows.concat(), None, None).freeze_bins());
    let summary = |values: &Vec<f64>| profiled(values, Some(bins.clone()), None).close();
    let summaries = windows.iter().map(summary).collect();
    FrozenFeature::new("a", "double", bins, summaries)
}

/// The k-th of so many numbers from 0 to 1, without random numbers.
fn uniform(rows: usize) -> Vec<f64> {
    (0..rows)
        .map(|i| (i as f64 + 1.0) * 0.618_033_988_749_895 % 1.0)
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

/// By the definition, on the values themselves.
fn by_hand(values: &[f64]) -> (f64, f64) {
    let middle = median(values.to_vec());
    let deviation = median(values.iter().map(|value| (value - middle).abs()).collect());
    let far = 3.5 * deviation / 0.674_489_750_196_081_7;
    (middle - far, middle + far)
}

fn settings(own: CheckSettings) -> Settings {
    Settings {
        budget: BySeverity {
            warning: 1.0,
            critical: 7.0 / 30.0,
        },
        on: ByCheck {
            outliers: true,
            ..ByCheck::default()
        },
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: BTreeMap::new(),
        default: ByCheck {
            outliers: own,
            ..ByCheck::default()
        },
    }
}

fn outliers(reference: &Reference, window: &Summary) -> Result<Verdict, NotComputed> {
    let mut report = judge(reference, &[Some(window)], &WindowSummary::default());
    report.features.swap_remove(0).verdicts.outliers
}

proptest! {
    /// The bins are fine enough: a fence is where the values put it, but for the width of a bin.
    #[test]
    fn fences_are_those_of_the_values(values in prop::collection::vec(-50.0..50.0f64, 400..1500), skew in prop::sample::select(vec![1.0, 3.0])) {
        let values: Vec<f64> = values.iter().map(|value| value.signum() * value.abs().powf(skew)).collect();
        let (low, high) = Fences::of(&feature(std::slice::from_ref(&values))).unwrap().ends();
        let expected = by_hand(&values);
        let width = expected.1 - expected.0;
        prop_assert!((low - expected.0).abs() < 0.04 * width && (high - expected.1).abs() < 0.04 * width, "{low} {high} {expected:?}");
    }

    #[test]
    fn outliers_are_counted_as_one_by_one(
        values in prop::collection::vec(prop_oneof![8 => -3.0..3.0f64, 1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300])], 0..1500),
        cut in 0usize..1500,
    ) {
        let fences = Fences::of(&feature(&[uniform(1000)])).unwrap();
        let (low, high) = fences.ends();
        let expected = values.iter().filter(|value| value.is_finite() && (**value < low || **value > high)).count() as u64;
        prop_assert_eq!(profiled(&values, None, Some(fences)).close().outliers, expected);
        let (first, second) = values.split_at(cut.min(values.len()));
        let mut merged = profiled(second, None, Some(fences));
        merged.merge(profiled(first, None, Some(fences))).unwrap();
        prop_assert_eq!(merged.close().outliers, expected);
    }
}

/// scipy.stats.median_abs_deviation(range(1, 100)) is 25 and the median 50: every value has a bin of its own here.
#[test]
fn the_median_absolute_deviation_of_integers() {
    let values: Vec<f64> = (1..100).map(f64::from).collect();
    let (low, high) = Fences::of(&feature(&[values])).unwrap().ends();
    let far = 3.5 * 25.0 * 1.482_602_218_505_602;
    assert!(
        (low - (50.0 - far)).abs() < 2.0 && (high - (50.0 + far)).abs() < 2.0,
        "{low} {high}"
    );
}

#[test]
fn more_numbers_far_out_are_a_breach() {
    let features = [feature(&(0..6).map(|_| uniform(1000)).collect::<Vec<_>>())];
    let reference = Reference::new(&features, &[], &settings(CheckSettings::default()));
    assert_eq!(reference.tests(), 1);
    let fences = reference.fences(0).unwrap();
    let window =
        |values: &[f64]| profiled(values, Some(features[0].bins.clone()), Some(fences)).close();
    let quiet = outliers(&reference, &window(&uniform(1000))).unwrap();
    assert_eq!((quiet.value, quiet.over), (0.0, BySeverity::default()));
    let mut values = uniform(1000);
    values.iter_mut().take(30).for_each(|value| *value += 10.0);
    values.push(f64::NAN);
    let verdict = outliers(&reference, &window(&values)).unwrap();
    assert_eq!(
        (verdict.statistic, verdict.rows),
        (Statistic::OutlierShare, 1000)
    );
    assert!((verdict.value - 0.03).abs() < 1e-12, "{verdict:?}");
    assert_eq!((verdict.over.warning, verdict.over.critical), (true, false));
    let off = CheckSettings {
        enabled: false,
        ..CheckSettings::default()
    };
    let reference = Reference::new(&features, &[], &settings(off));
    assert_eq!(
        outliers(&reference, &window(&values)),
        Err(NotComputed::Disabled)
    );
    assert_eq!(reference.tests(), 1);
}

/// What is far out in the baseline already is no rise.
#[test]
fn the_share_of_the_baseline_is_not_a_breach() {
    let with_far = || -> Vec<f64> {
        let mut values = uniform(1000);
        values
            .iter_mut()
            .step_by(20)
            .for_each(|value| *value += 100.0);
        values
    };
    let features = [feature(&(0..6).map(|_| with_far()).collect::<Vec<_>>())];
    let reference = Reference::new(&features, &[], &settings(CheckSettings::default()));
    let fences = reference.fences(0).unwrap();
    let window = profiled(&with_far(), Some(features[0].bins.clone()), Some(fences)).close();
    assert_eq!(window.outliers, 50);
    let verdict = outliers(&reference, &window).unwrap();
    assert!(
        verdict.value.abs() < 0.002 && !verdict.over.warning,
        "{verdict:?}"
    );
}

#[test]
fn where_nothing_is_far_out_there_is_no_verdict() {
    let mut mostly = uniform(1000);
    mostly.iter_mut().take(600).for_each(|value| *value = 0.0);
    let features = [feature(&[mostly.clone(), mostly.clone()])];
    let reference = Reference::new(&features, &[], &settings(CheckSettings::default()));
    let window = profiled(&mostly, Some(features[0].bins.clone()), None).close();
    assert_eq!(
        outliers(&reference, &window),
        Err(NotComputed::ZeroDeviation)
    );
    assert_eq!(reference.tests(), 0);
    let none = [feature(&[vec![f64::NAN; 300]])];
    let reference = Reference::new(&none, &[], &settings(CheckSettings::default()));
    let missing = NotComputed::NoReference { have: 0, need: 1 };
    assert_eq!(outliers(&reference, &window), Err(missing));

    let mut names = FeatureProfile::new(Kind::Categorical, None);
    let categories = Categories {
        generation: 0,
        len: 1,
        name: &|_| Some("a"),
    };
    let codes = [0; 300];
    names
        .update(&Column::Categorical {
            codes: &codes,
            validity: Validity::all(300),
            categories,
        })
        .unwrap();
    let bins = Arc::new(names.freeze_bins());
    let named = FrozenFeature::new("a", "string", bins, vec![names.close()]);
    let kind = NotComputed::NotForKind {
        statistic: Statistic::OutlierShare,
        kind: Kind::Categorical,
    };
    assert_eq!(Fences::of(&named), Err(kind));
}
