//! What a window's report says: verdicts, the parts of limits, and why there is no number.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use stats::{
    ByCheck, BySeverity, Categories, CheckSettings, Column, DriftSettings, FeatureProfile,
    FeatureReport, FrozenFeature, Kind, LimitPart, NotComputed, QualitySettings, Reference,
    Settings, Statistic, Summary, Validity, WindowSummary, judge,
};

/// Rows of one window: the i-th value from a function of i, without random numbers.
fn numbers(rows: usize, value: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..rows)
        .map(|i| value((i as f64 + 1.0) * 0.618_033_988_749_895 % 1.0))
        .collect()
}

fn profile(values: &[f64], nulls: usize, bins: Option<Arc<stats::Bins>>) -> FeatureProfile {
    let mut bits = vec![0xffu8; values.len().div_ceil(8)];
    (0..nulls).for_each(|row| bits[row / 8] &= !(1 << (row % 8)));
    let mut profile = FeatureProfile::new(Kind::Numeric, bins);
    let validity = Validity::bitmap(&bits, 0, values.len()).unwrap();
    profile
        .update(&Column::Numeric { values, validity })
        .unwrap();
    profile
}

/// A feature from its windows' values, none of them null.
fn feature(name: &str, windows: &[Vec<f64>]) -> FrozenFeature {
    let bins = Arc::new(profile(&windows.concat(), 0, None).freeze_bins());
    let summaries = windows
        .iter()
        .map(|values| profile(values, 0, Some(bins.clone())).close())
        .collect();
    FrozenFeature::new(name, "double", bins, summaries)
}

fn window(feature: &FrozenFeature, values: &[f64], nulls: usize) -> Summary {
    profile(values, nulls, Some(feature.bins.clone())).close()
}

/// Six windows that differ a little.
fn steady(name: &str) -> FrozenFeature {
    let windows: Vec<Vec<f64>> = (0..6)
        .map(|k| numbers(1000, |u| u + 0.005 * f64::from(k % 3)))
        .collect();
    feature(name, &windows)
}

/// A running total: each window lies beyond the last.
fn total(name: &str) -> FrozenFeature {
    let windows: Vec<Vec<f64>> = (0..6)
        .map(|k| numbers(1000, |u| u + 0.5 * f64::from(k)))
        .collect();
    feature(name, &windows)
}

fn settings(features: &[(&str, ByCheck<CheckSettings>)]) -> Settings {
    Settings {
        budget: BySeverity {
            warning: 1.0,
            critical: 7.0 / 30.0,
        },
        on: ByCheck {
            drift: true,
            missing: true,
            ..ByCheck::default()
        },
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: features
            .iter()
            .map(|(name, settings)| ((*name).to_owned(), *settings))
            .collect::<BTreeMap<_, _>>(),
        default: ByCheck::default(),
    }
}

fn drift_limits(warning: Option<f64>, critical: Option<f64>) -> ByCheck<CheckSettings> {
    let drift = CheckSettings {
        limits: BySeverity { warning, critical },
        ..CheckSettings::default()
    };
    ByCheck {
        drift,
        ..ByCheck::default()
    }
}

fn only(
    features: &[FrozenFeature],
    settings: &Settings,
    current: Option<&Summary>,
) -> FeatureReport {
    let reference = Reference::new(features, &[], settings);
    let mut report = judge(&reference, &[current], &WindowSummary::default());
    report.features.swap_remove(0)
}

/// Of a baseline that goes along with the windows it was frozen whether a feature always moves; the windows that came later do not tell.
#[test]
fn whether_it_moves_may_have_been_frozen() {
    let next = |feature: &FrozenFeature| window(feature, &numbers(1000, |u| u + 3.0), 0);
    for (built, frozen, judged) in [
        (total("a"), None, false),
        (total("a"), Some(false), true),
        (steady("a"), None, true),
        (steady("a"), Some(true), false),
    ] {
        let feature = FrozenFeature {
            moving: frozen,
            ..built
        };
        let report = only(
            std::slice::from_ref(&feature),
            &settings(&[]),
            Some(&next(&feature)),
        );
        assert_eq!(report.moving, !judged, "{frozen:?}");
        match judged {
            true => assert!(report.verdicts.drift.unwrap().over.critical),
            false => assert_eq!(report.verdicts.drift, Err(NotComputed::Moving)),
        }
    }
}

#[test]
fn an_unchanged_window_is_quiet_and_a_shifted_one_is_critical() {
    let features = [steady("a")];
    let quiet = only(
        &features,
        &settings(&[]),
        Some(&window(&features[0], &numbers(1000, |u| u), 0)),
    );
    let drift = quiet.verdicts.drift.unwrap();
    assert_eq!(
        (drift.statistic, drift.over, quiet.moving),
        (Statistic::Ks, BySeverity::default(), false)
    );
    let shifted = only(
        &features,
        &settings(&[]),
        Some(&window(&features[0], &numbers(1000, |u| u + 0.3), 0)),
    );
    let drift = shifted.verdicts.drift.unwrap();
    assert_eq!(
        drift.over,
        BySeverity {
            warning: true,
            critical: true
        }
    );
    assert!(
        (drift.value - 0.3).abs() < 0.01 && drift.scores.critical > 1.0,
        "{drift:?}"
    );
    for (statistic, distance) in &shifted.distances {
        let distance = distance.unwrap();
        assert!(
            distance.value > 0.0 && distance.effect > 0.0,
            "{statistic} {distance:?}"
        );
        assert_eq!(
            distance.p_value.is_none(),
            *statistic == Statistic::Wasserstein
        );
        assert_eq!(distance.p_value, distance.adjusted_p_value);
    }
}

#[test]
fn a_rise_of_nulls_is_missing_and_a_fall_is_not() {
    let bins = Arc::new(profile(&numbers(6000, |u| u), 0, None).freeze_bins());
    let windows = (0..6)
        .map(|_| profile(&numbers(1000, |u| u), 100, Some(bins.clone())).close())
        .collect();
    let features = [FrozenFeature::new("a", "double", bins, windows)];
    let missing = |nulls| {
        only(
            &features,
            &settings(&[]),
            Some(&window(&features[0], &numbers(1000, |u| u), nulls)),
        )
        .verdicts
        .missing
        .unwrap()
    };
    let (risen, fallen) = (missing(200), missing(20));
    assert_eq!((risen.over.critical, risen.rows), (true, 1000));
    assert!((risen.value - 0.1).abs() < 1e-12 && risen.limits.warning.null.unwrap() > 0.0);
    assert_eq!((fallen.scores.warning, fallen.over.warning), (0.0, false));
}

#[test]
fn what_moves_by_construction_alarms_only_by_the_manifests_number() {
    let features = [total("total"), steady("a")];
    let next = window(&features[0], &numbers(1000, |u| u + 3.0), 0);
    let report = only(&features, &settings(&[]), Some(&next));
    assert!(report.moving && report.verdicts.drift == Err(NotComputed::Moving));
    // Of six windows no feature has charts of its mean, whether it moves or not.
    let mut charts = settings(&[]);
    charts.on.shift = true;
    let report = only(&features, &charts, Some(&next));
    assert!(matches!(
        report.verdicts.shift,
        Err(NotComputed::TooFewWindows { have: 6, .. })
    ));
    let report = only(
        &features,
        &settings(&[("total", drift_limits(Some(0.4), None))]),
        Some(&next),
    );
    let verdict = report.verdicts.drift.unwrap();
    assert_eq!(
        verdict.over,
        BySeverity {
            warning: true,
            critical: false
        }
    );
    assert_eq!(
        (verdict.limits.warning.part, verdict.limits.critical.part),
        (LimitPart::Manifest, LimitPart::RaisedToWarning)
    );
    let limits = Reference::new(&features, &[], &settings(&[]))
        .drift_limits(0, &next)
        .unwrap();
    assert!(
        limits.warning.capped && limits.warning.part == LimitPart::BetweenWindowsCapped,
        "{limits:?}"
    );
}

#[test]
fn an_override_moves_no_other_limit() {
    let features = [steady("a"), steady("b"), total("total")];
    let off = ByCheck {
        drift: CheckSettings {
            enabled: false,
            ..CheckSettings::default()
        },
        ..ByCheck::default()
    };
    let current = window(&features[1], &numbers(1000, |u| u), 0);
    let plain = Reference::new(&features, &[], &settings(&[]));
    let changed = Reference::new(
        &features,
        &[],
        &settings(&[("a", off), ("total", drift_limits(Some(0.9), None))]),
    );
    assert_eq!((plain.tests(), changed.tests()), (6, 6));
    assert_eq!(
        plain.drift_limits(1, &current),
        changed.drift_limits(1, &current)
    );
    assert_eq!(
        judge(&changed, &[Some(&current)], &WindowSummary::default()).features[0]
            .verdicts
            .drift,
        Err(NotComputed::Disabled)
    );
}

#[test]
fn no_data_is_not_no_drift() {
    let features = [steady("a")];
    let check = |current: Option<&Summary>, expected: NotComputed| {
        let report = only(&features, &settings(&[]), current);
        assert_eq!(report.verdicts.drift, Err(expected));
        assert!(
            report
                .distances
                .iter()
                .all(|(_, distance)| *distance == Err(expected))
        );
        assert!(!expected.to_string().is_empty());
    };
    check(None, NotComputed::Absent);
    let mut names = FeatureProfile::new(Kind::Categorical, None);
    let name = |_: usize| Some("x");
    let categories = Categories {
        generation: 1,
        len: 1,
        name: &name,
    };
    names
        .update(&Column::Categorical {
            codes: &[0],
            validity: Validity::all(1),
            categories,
        })
        .unwrap();
    check(
        Some(&names.close()),
        NotComputed::KindChanged {
            baseline: Kind::Numeric,
            window: Kind::Categorical,
        },
    );
    check(
        Some(&profile(&[1.0; 30], 0, None).close()),
        NotComputed::OtherBins,
    );
    let report = only(
        &features,
        &settings(&[]),
        Some(&window(&features[0], &[], 0)),
    );
    assert_eq!(
        report.verdicts.drift,
        Err(NotComputed::TooFewRows { have: 0, need: 20 })
    );
    assert_eq!(
        report.verdicts.missing,
        Err(NotComputed::TooFewRows { have: 0, need: 1 })
    );
    let few = only(
        &features,
        &settings(&[]),
        Some(&window(&features[0], &numbers(150, |u| u + 1.0), 0)),
    )
    .verdicts
    .drift
    .unwrap();
    assert!(
        few.scores.critical > 1.0 && few.over == BySeverity::default(),
        "below min_rows"
    );
}

#[test]
fn a_constant_feature_has_no_unit_of_length() {
    let features = [feature("constant", &vec![vec![7.0; 100]; 5])];
    let alarm = DriftSettings {
        numeric: Statistic::Wasserstein,
        ..DriftSettings::default()
    };
    let report = only(
        &features,
        &Settings {
            drift: alarm,
            ..settings(&[])
        },
        Some(&window(&features[0], &[8.0; 300], 0)),
    );
    assert_eq!(report.verdicts.drift, Err(NotComputed::ZeroSpread));
    let ks = report
        .distances
        .iter()
        .find(|(statistic, _)| *statistic == Statistic::Ks)
        .unwrap()
        .1
        .unwrap();
    assert_eq!((ks.value, ks.error), (1.0, 0.0));
    let reference = Reference::new(
        &features,
        &[],
        &Settings {
            drift: alarm,
            ..settings(&[])
        },
    );
    assert_eq!(reference.tests(), 1, "only the missing share can be judged");
}

/// Mostly zeros in the baseline, half of the values positive now: every decile of the baseline is 0.
#[test]
fn a_point_mass_that_dissolves_is_found_by_every_statistic() {
    let mostly = |share: f64| move |u: f64| if u < share { 0.0 } else { (u * 1000.0).round() };
    let features = [feature(
        "campaigns",
        &(0..6)
            .map(|_| numbers(1000, mostly(0.93)))
            .collect::<Vec<_>>(),
    )];
    let current = window(&features[0], &numbers(1000, mostly(0.53)), 0);
    for numeric in [
        Statistic::Ks,
        Statistic::Wasserstein,
        Statistic::Psi,
        Statistic::JensenShannon,
        Statistic::Hellinger,
    ] {
        let alarm = DriftSettings {
            numeric,
            ..DriftSettings::default()
        };
        let verdict = only(
            &features,
            &Settings {
                drift: alarm,
                ..settings(&[])
            },
            Some(&current),
        )
        .verdicts
        .drift
        .unwrap();
        assert!(verdict.over.critical, "{verdict:?}");
    }
}

#[test]
fn a_rolling_baseline_keeps_its_bins_and_its_length() {
    let mut rolling = steady("a");
    let bins = rolling.bins.clone();
    let next = window(&rolling, &numbers(500, |u| u), 0);
    rolling.roll(next.clone(), 6);
    assert_eq!(
        (rolling.windows.len(), rolling.windows.last()),
        (6, Some(&next))
    );
    assert_eq!((rolling.reference.rows, rolling.bins == bins), (5500, true));
    rolling.roll(next, 1);
    assert_eq!(rolling.reference.rows, 500);
    let again: FrozenFeature =
        serde_json::from_str(&serde_json::to_string(&rolling).unwrap()).unwrap();
    assert_eq!(again, rolling);
}
