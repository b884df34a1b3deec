//! How features hang together, judged against the baseline.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::association::{self, Measure, Values};
use stats::{
    Associations, ByCheck, BySeverity, CheckSettings, Column, DriftSettings, FeatureProfile,
    FrozenFeature, Kind, LimitPart, MAX_FEATURES, NotComputed, QualitySettings, Reference, Report,
    Settings, Statistic, Summary, Validity, WindowSummary, judge,
};

const ROWS: usize = 1_000;

/// Values of one column.
#[derive(Clone)]
enum Cells {
    Numbers(Vec<f64>),
    Codes(Vec<u32>),
}

/// The columns of one window, by name.
type Window = Vec<(&'static str, Cells)>;

/// Four numbers that hang together, each with the one before more than with the others, and a category that follows the first.
fn window(rng: &mut SmallRng) -> Window {
    window_of(rng, ROWS)
}

fn window_of(rng: &mut SmallRng, rows: usize) -> Window {
    let normal = |rng: &mut SmallRng| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
    let mut columns: [Vec<f64>; 4] = Default::default();
    let mut codes = Vec::new();
    for _ in 0..rows {
        let mut value = normal(rng);
        codes.push(u32::from(value > 0.0) + u32::from(value > 1.0));
        for column in &mut columns {
            column.push(value);
            value = 0.9 * value + 0.44 * normal(rng);
        }
    }
    let [a, b, c, d] = columns.map(Cells::Numbers);
    vec![
        ("a", a),
        ("b", b),
        ("c", c),
        ("class", Cells::Codes(codes)),
        ("d", d),
    ]
}

/// Gives the values of a column to other rows.
fn shuffled(mut window: Window, name: &str) -> Window {
    let column = window.iter_mut().find(|(own, _)| *own == name).unwrap();
    match &mut column.1 {
        Cells::Numbers(values) => {
            let third = values.len() / 3;
            values.rotate_left(third);
        }
        Cells::Codes(codes) => {
            let third = codes.len() / 3;
            codes.rotate_left(third);
        }
    }
    window
}

fn whole(window: &Window) -> WindowSummary {
    let columns: Vec<(&str, Values<'_>)> = window
        .iter()
        .map(|(name, values)| match values {
            Cells::Numbers(values) => (*name, Values::Numeric(values)),
            Cells::Codes(codes) => (
                *name,
                Values::Categorical {
                    codes,
                    categories: 3,
                },
            ),
        })
        .collect();
    WindowSummary {
        associations: Some(Associations::new(&columns).unwrap()),
        ..WindowSummary::default()
    }
}

/// A summary that other checks could be made of; its values are no matter here.
fn summary(kind: Kind) -> Summary {
    let mut profile = FeatureProfile::new(kind, None);
    if kind == Kind::Numeric {
        let column = Column::Numeric {
            values: &[1.0, 2.0, 3.0],
            validity: Validity::all(3),
        };
        profile.update(&column).unwrap();
    }
    profile.close()
}

fn feature(name: &str) -> FrozenFeature {
    let kind = match name {
        "class" => Kind::Categorical,
        _ => Kind::Numeric,
    };
    let bins = Arc::new(FeatureProfile::new(kind, None).freeze_bins());
    FrozenFeature::new(name, "double", bins, vec![summary(kind)])
}

fn features() -> Vec<FrozenFeature> {
    ["a", "b", "c", "class", "d"].map(feature).to_vec()
}

fn settings(own: &[(&str, CheckSettings)]) -> Settings {
    Settings {
        budget: BySeverity {
            warning: 1.0,
            critical: 7.0 / 30.0,
        },
        on: ByCheck {
            correlation: true,
            ..ByCheck::default()
        },
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: own
            .iter()
            .map(|(name, own)| {
                let checks = ByCheck {
                    correlation: *own,
                    ..ByCheck::default()
                };
                ((*name).to_owned(), checks)
            })
            .collect(),
        default: ByCheck::default(),
    }
}

fn limit(warning: f64) -> CheckSettings {
    CheckSettings {
        limits: BySeverity {
            warning: Some(warning),
            critical: None,
        },
        ..CheckSettings::default()
    }
}

fn judged(reference: &Reference, window: &WindowSummary) -> Report {
    let summaries = summaries(&features());
    let current: Vec<Option<&Summary>> = summaries.iter().map(Some).collect();
    judge(reference, &current, window)
}

fn summaries(features: &[FrozenFeature]) -> Vec<Summary> {
    let kinds = features.iter().map(|feature| feature.kind);
    kinds.map(summary).collect()
}

/// The features whose pairs are over their warning limit.
fn told(report: &Report) -> Vec<&str> {
    let over = report.features.iter().filter(|feature| {
        let verdict = feature.verdicts.correlation.as_ref();
        verdict.is_ok_and(|verdict| verdict.over.warning)
    });
    over.map(|feature| feature.name.as_str()).collect()
}

fn baseline(rng: &mut SmallRng) -> Vec<WindowSummary> {
    (0..6).map(|_| whole(&window(rng))).collect()
}

#[test]
fn of_values_in_the_wrong_rows_their_feature_is_told_and_no_partner() {
    let mut rng = SmallRng::seed_from_u64(1);
    let reference = Reference::new(&features(), &baseline(&mut rng), &settings(&[]));
    assert_eq!(reference.tests(), 5);
    let same = judged(&reference, &whole(&window(&mut rng)));
    assert!(told(&same).is_empty());
    for name in ["b", "class"] {
        let window = shuffled(window(&mut rng), name);
        let report = judged(&reference, &whole(&window));
        assert_eq!(told(&report), [name]);
        let place = ["a", "b", "c", "class", "d"]
            .iter()
            .position(|own| *own == name)
            .unwrap();
        let feature = &report.features[place];
        let verdict = feature.verdicts.correlation.as_ref().unwrap();
        assert_eq!(verdict.statistic, Statistic::AssociationChange);
        assert!(verdict.value > 0.3 && verdict.over.critical, "{verdict:?}");
        let pair = feature.pair.as_ref().unwrap();
        assert_eq!(pair.features.0, name);
        assert!((pair.delta().abs() - verdict.value).abs() < 1e-12);
        assert!(pair.reference > 0.5 && pair.current.abs() < 0.2, "{pair:?}");
        let associations = report.associations.as_ref().unwrap();
        assert_eq!(associations.pairs, 10);
        assert!(
            associations
                .most_changed
                .iter()
                .take(4)
                .all(|pair| { pair.features.0 == name || pair.features.1 == name })
        );
        // Every other one of the five still hangs together as before, and shows that; beside it stands the pair that changed.
        let partner = &report.features[0];
        let verdict = partner.verdicts.correlation.as_ref().unwrap();
        assert!(verdict.scores.warning < 1.0, "{verdict:?}");
        let judged = partner.pair.as_ref().unwrap();
        assert_eq!(judged.laid_to, None);
        let laid = partner.pair_laid_elsewhere.as_ref().unwrap();
        assert_eq!(laid.features, ("a".to_owned(), name.to_owned()));
        assert_eq!(laid.laid_to.as_deref(), Some(name));
        assert!(laid.scores.warning >= 1.0 && laid.delta().abs() > judged.delta().abs());
        assert_eq!(pair.laid_to.as_deref(), Some(name));
        assert_eq!(feature.pair_laid_elsewhere, None);
    }
}

#[test]
fn a_pair_apart_is_told_of_both() {
    let mut rng = SmallRng::seed_from_u64(2);
    let windows: Vec<Window> = (0..7).map(|_| window(&mut rng)).collect();
    let only = |window: &Window| -> Window {
        window
            .iter()
            .filter(|(name, _)| ["a", "d"].contains(name))
            .cloned()
            .collect()
    };
    let baseline: Vec<WindowSummary> = windows[..6].iter().map(|w| whole(&only(w))).collect();
    let pair = [feature("a"), feature("d")];
    let reference = Reference::new(&pair, &baseline, &settings(&[]));
    let now = whole(&only(&shuffled(windows[6].clone(), "a")));
    let summaries = [summary(Kind::Numeric), summary(Kind::Numeric)];
    let report = judge(
        &reference,
        &[Some(&summaries[0]), Some(&summaries[1])],
        &now,
    );
    assert_eq!(told(&report), ["a", "d"]);
}

/// The same with a column that nearly is the first, of which 97 % are null.
fn with_sparse(rng: &mut SmallRng, rows: usize) -> Window {
    let mut window = window_of(rng, rows);
    let Cells::Numbers(first) = &window[0].1 else {
        unreachable!("the first column is one of numbers");
    };
    let there = first.iter().map(|value| match rng.random::<f64>() < 0.03 {
        true => value + 0.1 * rng.random::<f64>(),
        false => f64::NAN,
    });
    let sparse = Cells::Numbers(there.collect());
    window.push(("sparse", sparse));
    window
}

fn judged_with_sparse(reference: &Reference, window: &Window) -> Report {
    let summaries = summaries(&features_with_sparse());
    let current: Vec<Option<&Summary>> = summaries.iter().map(Some).collect();
    judge(reference, &current, &whole(window))
}

fn features_with_sparse() -> Vec<FrozenFeature> {
    let mut features = features();
    features.push(feature("sparse"));
    features
}

/// A partner that is seldom there changes the most, on too few rows for an alarm: the others are there to say it.
#[test]
fn a_sparse_partner_keeps_no_feature_silent() {
    let mut rng = SmallRng::seed_from_u64(6);
    let rows = 5_000;
    let windows: Vec<WindowSummary> = (0..6)
        .map(|_| whole(&with_sparse(&mut rng, rows)))
        .collect();
    let reference = Reference::new(&features_with_sparse(), &windows, &settings(&[]));
    let same = judged_with_sparse(&reference, &with_sparse(&mut rng, rows));
    assert!(told(&same).is_empty());

    let now = shuffled(with_sparse(&mut rng, rows), "a");
    let report = judged_with_sparse(&reference, &now);
    assert_eq!(told(&report), ["a"]);
    let feature = &report.features[0];
    let verdict = feature.verdicts.correlation.as_ref().unwrap();
    assert!(
        verdict.over.critical && verdict.rows == rows as u64,
        "{verdict:?}"
    );
    let pair = feature.pair.as_ref().unwrap();
    assert_ne!(pair.features.1, "sparse");
    // The pair of both changed more.
    let associations = report.associations.as_ref().unwrap();
    let most = &associations.most_changed[0];
    let (first, second) = (most.features.0.as_str(), most.features.1.as_str());
    assert_eq!((first, second), ("a", "sparse"));
    assert!(most.rows < 200 && most.scores.warning > pair.scores.warning);
}

/// Chance makes pairs on few rows differ more from window to window; that is no spread of the others.
#[test]
fn a_sparse_column_widens_no_limit_of_the_others() {
    let mut rng = SmallRng::seed_from_u64(8);
    let rows = 5_000;
    let windows: Vec<WindowSummary> = (0..6)
        .map(|_| whole(&with_sparse(&mut rng, rows)))
        .collect();
    let reference = Reference::new(&features_with_sparse(), &windows, &settings(&[]));
    let report = judged_with_sparse(&reference, &with_sparse(&mut rng, rows));
    for feature in &report.features[..5] {
        let verdict = feature.verdicts.correlation.as_ref().unwrap();
        let limit = verdict.limits.critical;
        let (null, bound) = (limit.null.unwrap(), limit.bound.unwrap());
        assert!(bound < 1.6 * null, "{}: {limit:?}", feature.name);
    }
}

/// Where only pairs on too few rows changed, no partner's change is laid to a feature that cannot alarm for it.
#[test]
fn a_feature_that_cannot_alarm_takes_no_change_from_its_partners() {
    let mut rng = SmallRng::seed_from_u64(7);
    let rows = 5_000;
    let windows: Vec<WindowSummary> = (0..6)
        .map(|_| whole(&with_sparse(&mut rng, rows)))
        .collect();
    // The sparse one needs more rows than it ever has, its partners are content with fewer.
    let need = |min_rows| CheckSettings {
        min_rows,
        ..CheckSettings::default()
    };
    let own = ["a", "b", "c", "class", "d"].map(|name| (name, need(50)));
    let reference = Reference::new(&features_with_sparse(), &windows, &settings(&own));
    let mut now = with_sparse(&mut rng, rows);
    if let Cells::Numbers(values) = &mut now[5].1 {
        let there: Vec<f64> = values
            .iter()
            .copied()
            .filter(|value| !value.is_nan())
            .collect();
        let turned = there.iter().cycle().skip(there.len() / 3);
        let slots = values.iter_mut().filter(|value| !value.is_nan());
        slots.zip(turned).for_each(|(slot, value)| *slot = *value);
    }
    let report = judged_with_sparse(&reference, &now);
    assert_eq!(told(&report), ["a", "b", "c", "class", "d"]);
}

#[test]
fn the_number_of_one_feature_holds_for_its_pairs_and_of_two_the_larger() {
    let mut rng = SmallRng::seed_from_u64(3);
    let windows = baseline(&mut rng);
    let now = whole(&shuffled(window(&mut rng), "b"));
    let with = |own: &[(&str, CheckSettings)]| {
        let reference = Reference::new(&features(), &windows, &settings(own));
        assert_eq!(reference.tests(), 5, "an override moves no other limit");
        judged(&reference, &now)
    };
    let of_b = |report: &Report| report.features[1].verdicts.correlation.clone().unwrap();
    let wide = of_b(&with(&[("b", limit(0.95))]));
    assert_eq!(wide.limits.warning.part, LimitPart::Manifest);
    assert!(!wide.over.warning && wide.limits.warning.value == 0.95);
    // Its partners do not tell of what is allowed.
    assert!(told(&with(&[("b", limit(0.95))])).is_empty());
    let partner = with(&[("b", limit(0.3)), ("a", limit(0.99))]);
    let pairs = &partner.associations.as_ref().unwrap().most_changed;
    let score = |other: &str| {
        let pair = pairs.iter().find(|pair| {
            let (first, second) = (pair.features.0.as_str(), pair.features.1.as_str());
            [first, second].contains(&"b") && [first, second].contains(&other)
        });
        let pair = pair.unwrap();
        pair.delta().abs() / pair.scores.warning
    };
    assert!((score("a") - 0.99).abs() < 1e-9 && (score("c") - 0.3).abs() < 1e-9);
    let off = CheckSettings {
        enabled: false,
        ..CheckSettings::default()
    };
    let report = with(&[("b", off)]);
    assert_eq!(
        report.features[1].verdicts.correlation,
        Err(NotComputed::Disabled)
    );
    assert!(told(&report).is_empty(), "its partners are not told for it");
}

#[test]
fn what_is_not_known_says_why() {
    let mut rng = SmallRng::seed_from_u64(4);
    let windows = baseline(&mut rng);
    let reference = Reference::new(&features(), &windows, &settings(&[]));
    let of = |report: &Report, place: usize| report.features[place].verdicts.correlation.clone();

    let nothing = judged(&reference, &WindowSummary::default());
    assert_eq!(of(&nothing, 0), Err(NotComputed::NoSample));
    assert!(nothing.associations.is_none());

    let mut constant = window(&mut rng);
    constant[0].1 = Cells::Numbers(vec![1.0; ROWS]);
    let report = judged(&reference, &whole(&constant));
    let reason = NotComputed::Pairs(association::NotComputed::Constant);
    assert_eq!(of(&report, 0), Err(reason));
    assert!(
        told(&report).is_empty(),
        "the others hang together as before"
    );

    let mut empty = window(&mut rng);
    empty[0].1 = Cells::Numbers(vec![f64::NAN; ROWS]);
    let report = judged(&reference, &whole(&empty));
    let reason = association::NotComputed::TooFewRows { have: 0, need: 30 };
    assert_eq!(of(&report, 0), Err(NotComputed::Pairs(reason)));

    // A window before this was counted, or none at all.
    for old in [
        vec![windows[0].clone(), WindowSummary::default()],
        Vec::new(),
    ] {
        let reference = Reference::new(&features(), &old, &settings(&[]));
        assert_eq!(reference.tests(), 0);
        let report = judged(&reference, &windows[0]);
        assert_eq!(of(&report, 0), Err(NotComputed::NotInBaseline));
        assert_eq!(
            reference.associations().unwrap_err(),
            NotComputed::NotInBaseline
        );
    }
    // A feature that came later.
    let mut later = features();
    later.push(feature("e"));
    let reference = Reference::new(&later, &windows, &settings(&[]));
    let summaries = summaries(&later);
    let current: Vec<Option<&Summary>> = summaries.iter().map(Some).collect();
    let report = judge(&reference, &current, &windows[0]);
    assert_eq!(of(&report, 5), Err(NotComputed::NotInBaseline));
    assert_eq!(reference.tests(), 5);
    // One alone has nothing to hang together with.
    let alone: Window = window(&mut rng).into_iter().take(1).collect();
    let reference = Reference::new(&[feature("a")], &[whole(&alone)], &settings(&[]));
    let report = judge(&reference, &[Some(&summaries[0])], &whole(&alone));
    assert_eq!(of(&report, 0), Err(NotComputed::NoOtherFeature));
}

/// The window's features may be more, or in another order; those that were sampled are the first of the baseline.
#[test]
fn columns_are_found_by_name_and_the_first_so_many_count() {
    let mut rng = SmallRng::seed_from_u64(5);
    let windows = baseline(&mut rng);
    let reference = Reference::new(&features(), &windows, &settings(&[]));
    let mut turned = window(&mut rng);
    let straight = judged(&reference, &whole(&turned));
    turned.reverse();
    assert_eq!(
        judged(&reference, &whole(&turned)).features,
        straight.features
    );
    let (names, matrix) = reference.associations().unwrap();
    assert_eq!(names, ["a", "b", "c", "class", "d"]);
    let measures: Vec<Measure> = matrix
        .pairs()
        .map(|(_, _, pair)| pair.alarming.unwrap().measure)
        .collect();
    assert!(measures.contains(&Measure::Spearman) && measures.contains(&Measure::CorrelationRatio));

    let names: Vec<String> = (0..=MAX_FEATURES)
        .map(|place| format!("f{place:03}"))
        .collect();
    let all: Vec<FrozenFeature> = names.iter().map(|name| feature(name)).collect();
    let values: Vec<f64> = (0..40).map(f64::from).collect();
    let sampled: Vec<(&str, Values<'_>)> = names[..MAX_FEATURES]
        .iter()
        .map(|name| (name.as_str(), Values::Numeric(&values)))
        .collect();
    let window = WindowSummary {
        associations: Some(Associations::new(&sampled).unwrap()),
        ..WindowSummary::default()
    };
    let reference = Reference::new(&all, std::slice::from_ref(&window), &settings(&[]));
    assert_eq!(reference.tests(), MAX_FEATURES);
    let summaries = summaries(&all);
    let current: Vec<Option<&Summary>> = summaries.iter().map(Some).collect();
    let mut report = judge(&reference, &current, &window);
    // All of them are the same: each follows from the first.
    let relations = report.associations.unwrap().relations;
    assert_eq!(relations.len(), MAX_FEATURES - 1);
    assert_eq!(relations[0], ["f000", "f001"]);
    let last = report.features.pop().unwrap();
    let most = MAX_FEATURES;
    assert_eq!(
        last.verdicts.correlation,
        Err(NotComputed::TooManyFeatures { most })
    );
}
