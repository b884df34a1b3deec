//! Values that were filled in, judged against the baseline.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::{
    Bins, ByCheck, BySeverity, CheckSettings, Column, DriftSettings, FeatureProfile, FrozenFeature,
    ImputedBy, Kind, NotComputed, QualitySettings, Reference, Settings, Statistic, Summary,
    Validity, Verdict, WindowSummary, judge,
};

const ROWS: usize = 2_000;

/// Amounts of which 40 % are 0, and all others different.
fn amounts(rng: &mut SmallRng) -> Vec<f64> {
    let one = |rng: &mut SmallRng| match rng.random::<f64>() < 0.4 {
        true => 0.0,
        false => 100.0 * rng.random::<f64>(),
    };
    (0..ROWS).map(|_| one(rng)).collect()
}

/// The same with a number in every so manieth row.
fn filled(mut values: Vec<f64>, every: usize, with: f64) -> Vec<f64> {
    values
        .iter_mut()
        .step_by(every)
        .for_each(|value| *value = with);
    values
}

/// A profile of values, of which a flag may say which were filled in.
fn profile(
    values: &[f64],
    bins: Option<Arc<Bins>>,
    flag: Option<&dyn Fn(usize) -> bool>,
) -> FeatureProfile {
    let profile = FeatureProfile::new(Kind::Numeric, bins);
    let mut profile = match flag {
        Some(_) => profile.flagged(true),
        None => profile,
    };
    // In two batches, as they may come.
    let (first, second) = values.split_at(values.len() / 3);
    for (from, part) in [(0, first), (first.len(), second)] {
        let column = Column::Numeric {
            values: part,
            validity: Validity::all(part.len()),
        };
        profile.update(&column).unwrap();
        if let Some(flag) = flag {
            profile.flag(&column, |row| flag(from + row));
        }
    }
    profile
}

type Flag<'a> = Option<&'a dyn Fn(usize) -> bool>;

fn frozen(windows: &[Vec<f64>], flag: Flag<'_>) -> FrozenFeature {
    let mut pooled = profile(&windows[0], None, flag);
    for window in &windows[1..] {
        pooled.merge(profile(window, None, flag)).unwrap();
    }
    let bins = Arc::new(pooled.freeze_bins());
    let close = |window: &Vec<f64>| profile(window, Some(bins.clone()), flag).close();
    FrozenFeature::new(
        "spend",
        "double",
        bins.clone(),
        windows.iter().map(close).collect(),
    )
}

fn baseline(rng: &mut SmallRng) -> Vec<Vec<f64>> {
    (0..6).map(|_| amounts(rng)).collect()
}

fn settings(on: bool) -> Settings {
    Settings {
        budget: BySeverity {
            warning: 1.0,
            critical: 7.0 / 30.0,
        },
        on: ByCheck {
            imputation: on,
            ..ByCheck::default()
        },
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: BTreeMap::new(),
        default: ByCheck::<CheckSettings>::default(),
    }
}

fn reference(feature: &FrozenFeature) -> Reference {
    Reference::new(std::slice::from_ref(feature), &[], &settings(true))
}

fn judged(reference: &Reference, window: &Summary) -> Result<Verdict, NotComputed> {
    let mut report = judge(reference, &[Some(window)], &WindowSummary::default());
    report.features.remove(0).verdicts.imputation
}

#[test]
fn a_number_that_became_frequent_is_told_and_a_usual_one_is_not() {
    let mut rng = SmallRng::seed_from_u64(1);
    let feature = frozen(&baseline(&mut rng), None);
    let reference = reference(&feature);
    assert_eq!(reference.tests(), 1);
    let close = |values: &[f64]| profile(values, Some(feature.bins.clone()), None).close();

    let same = close(&amounts(&mut rng));
    let imputed = same.imputed.unwrap();
    assert_eq!(
        (imputed.by, imputed.value, imputed.count, imputed.rows),
        (ImputedBy::Value, None, 0, 2_000)
    );
    let verdict = judged(&reference, &same).unwrap();
    assert_eq!(
        (verdict.statistic, verdict.value),
        (Statistic::ImputedShare, 0.0)
    );
    assert!(!verdict.over.warning);

    // Every tenth value is 47.11.
    let now = close(&filled(amounts(&mut rng), 10, 47.11));
    let imputed = now.imputed.unwrap();
    assert_eq!((imputed.value, imputed.count), (Some(47.11), 200));
    let verdict = judged(&reference, &now).unwrap();
    assert!(
        (verdict.value - 0.1).abs() < 1e-12 && verdict.over.critical,
        "{verdict:?}"
    );
    let distortion = imputed.distortion.unwrap();
    assert_eq!(distortion.variance_ratio, Some(0.0));
    // 40 % of the others are 0, and of the rest about half are below 47.11.
    assert!(
        (distortion.distance - (0.4 + 0.6 * 0.4711)).abs() < 0.03,
        "{distortion:?}"
    );
    assert!(distortion.spread.unwrap() < 1.0);
    assert_eq!(now.without_values().imputed.unwrap().value, None);

    // More zeros are not suspected: that is drift.
    let zeros = close(&filled(amounts(&mut rng), 10, 0.0));
    assert_eq!(zeros.imputed.unwrap().count, 0);
    // A number in fewer than a hundredth of the rows is not looked at.
    assert_eq!(
        close(&filled(amounts(&mut rng), 111, 47.11))
            .imputed
            .unwrap()
            .count,
        0
    );
}

#[test]
fn a_flag_says_which_values_were_filled_in() {
    let mut rng = SmallRng::seed_from_u64(2);
    let tenth = |row: usize| row.is_multiple_of(10);
    let windows: Vec<Vec<f64>> = baseline(&mut rng);
    let feature = frozen(&windows, Some(&tenth));
    assert_eq!(feature.reference.imputed.unwrap().share(), Some(0.1));
    let reference = reference(&feature);
    let close =
        |values: &[f64], flag: Flag<'_>| profile(values, Some(feature.bins.clone()), flag).close();
    let same = close(&amounts(&mut rng), Some(&tenth));
    let verdict = judged(&reference, &same).unwrap();
    assert_eq!((verdict.value, verdict.rows), (0.0, 2_000));
    // They are drawn as the others are.
    let distortion = same.imputed.unwrap().distortion.unwrap();
    assert!(distortion.distance < 0.12, "{distortion:?}");
    assert!(
        (distortion.spread.unwrap() - 1.0).abs() < 0.05,
        "{distortion:?}"
    );

    // Every fourth row, with the mean.
    let fourth = |row: usize| row.is_multiple_of(4);
    let values = filled(amounts(&mut rng), 4, 30.0);
    let now = close(&values, Some(&fourth));
    let imputed = now.imputed.unwrap();
    assert_eq!(
        (imputed.by, imputed.value, imputed.count),
        (ImputedBy::Flag, None, 500)
    );
    let verdict = judged(&reference, &now).unwrap();
    assert!(
        (verdict.value - 0.15).abs() < 1e-12 && verdict.over.critical,
        "{verdict:?}"
    );
    assert_eq!(imputed.distortion.unwrap().variance_ratio, Some(0.0));

    // Without the flag nothing is told, and nothing is guessed.
    let gone = FeatureProfile::new(Kind::Numeric, Some(feature.bins.clone()))
        .flagged(false)
        .close();
    assert_eq!(gone.imputed, None);
    assert_eq!(judged(&reference, &gone), Err(NotComputed::NoFlag));
    // A flag that came after the baseline cannot be compared with it.
    let old = frozen(&windows, None);
    let reference = Reference::new(&[old], &[], &settings(true));
    assert_eq!(judged(&reference, &now), Err(NotComputed::NotInBaseline));
}

#[test]
fn what_cannot_be_told_says_so() {
    let mut rng = SmallRng::seed_from_u64(3);
    let feature = frozen(&baseline(&mut rng), None);
    let window = profile(&amounts(&mut rng), Some(feature.bins.clone()), None).close();
    let off = Reference::new(std::slice::from_ref(&feature), &[], &settings(false));
    assert_eq!(judged(&off, &window), Err(NotComputed::Disabled));
    let mut before = feature.clone();
    before.reference.imputed = None;
    assert_eq!(
        judged(&reference(&before), &window),
        Err(NotComputed::NotInBaseline)
    );
    let names = FeatureProfile::new(Kind::Categorical, None);
    let bins = Arc::new(names.freeze_bins());
    let names = FrozenFeature::new(
        "class",
        "string",
        bins.clone(),
        vec![FeatureProfile::new(Kind::Categorical, Some(bins)).close()],
    );
    let found = judged(&reference(&names), &names.windows[0]);
    let statistic = Statistic::ImputedShare;
    assert_eq!(
        found,
        Err(NotComputed::NotForKind {
            statistic,
            kind: Kind::Categorical
        })
    );
    assert_eq!(reference(&names).tests(), 0);
}

/// The number that 40 % of the values have is another one then, and nobody filled it in.
#[test]
fn values_that_moved_are_not_filled_in() {
    let mut rng = SmallRng::seed_from_u64(9);
    let feature = frozen(&baseline(&mut rng), None);
    let told = |values: &[f64]| {
        let summary = profile(values, Some(feature.bins.clone()), None).close();
        summary.imputed.unwrap().count
    };
    let moved: Vec<f64> = amounts(&mut rng).iter().map(|value| value + 50.0).collect();
    assert_eq!(told(&moved), 0);
    assert_eq!(told(&filled(amounts(&mut rng), 10, 7.5)), 200);
}
