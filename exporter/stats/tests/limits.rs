//! The limits recipe on the weekly customer features: bounds and limits of every feature from its leave-one-out
//! distances, against the values that numpy and scipy found (`reference/limits.json`).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde::Deserialize;
use stats::distance::kstwo;
use stats::limits::{Between, Parts, Pooled, fill_null, floors, limits, share_null};
use stats::{Alpha, BySeverity, LimitPart, Statistic};

#[derive(Deserialize)]
struct Expected {
    tests: usize,
    alpha: [f64; 2],
    pooled_variance: BTreeMap<String, f64>,
    features: BTreeMap<String, Feature>,
}

#[derive(Deserialize)]
struct Feature {
    statistic: String,
    leave_one_out: Vec<f64>,
    moving: bool,
    warning: Part,
    critical: Part,
}

#[derive(Deserialize)]
struct Part {
    bound: f64,
    capped: bool,
    null: f64,
    limit: f64,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("reference/limits.json")).unwrap()
}

fn statistic(name: &str) -> Statistic {
    if name == "KS" {
        Statistic::Ks
    } else {
        Statistic::Psi
    }
}

#[track_caller]
fn check(found: f64, expected: f64, precision: f64) {
    assert!(
        (found - expected).abs() <= precision * expected.abs(),
        "found {found}, expected {expected}"
    );
}

#[test]
fn bounds_and_limits_are_the_recipes() {
    let expected = expected();
    // The weekly example: one false critical alarm in 30 days, one warning in 7, windows of 7 days.
    let alpha = BySeverity {
        warning: 1.0,
        critical: 7.0 / 30.0,
    }
    .map(|budget| Alpha::share(budget, expected.tests).unwrap().value);
    check(alpha.warning, expected.alpha[0], 1e-12);
    check(alpha.critical, expected.alpha[1], 1e-12);
    let pooled: BTreeMap<&str, Pooled> = ["KS", "PSI"]
        .map(|name| {
            let between: Vec<Between> = expected
                .features
                .values()
                .filter(|feature| feature.statistic == name)
                .map(|feature| Between::distances(&feature.leave_one_out).unwrap())
                .collect();
            (name, Pooled::of(between.iter()))
        })
        .into();
    for (name, variance) in &expected.pooled_variance {
        check(pooled[name.as_str()].variance(), *variance, 1e-9);
    }
    for (name, feature) in &expected.features {
        let floors = floors(statistic(&feature.statistic)).unwrap();
        let between = Between::distances(&feature.leave_one_out).unwrap();
        let bound =
            alpha.map(|alpha| Some(between.bound(pooled[feature.statistic.as_str()], alpha)));
        let null = BySeverity {
            warning: Some(feature.warning.null),
            critical: Some(feature.critical.null),
        };
        let found = limits(
            floors,
            null.zip(bound).map(|(null, bound)| Parts {
                null,
                bound,
                manifest: None,
            }),
        );
        for (found, expected) in [
            (found.warning, &feature.warning),
            (found.critical, &feature.critical),
        ] {
            check(found.bound.unwrap(), expected.bound, 1e-6);
            check(found.value, expected.limit, 1e-6);
            assert_eq!(
                (found.capped, found.part == LimitPart::BetweenWindowsCapped),
                (expected.capped, expected.capped),
                "{name}"
            );
        }
        let mean = feature.leave_one_out.iter().sum::<f64>() / feature.leave_one_out.len() as f64;
        assert_eq!(mean > floors.warning, feature.moving, "{name}");
    }
}

/// The file holds no sample sizes: the one that explains the warning null must explain the critical one.
#[test]
fn ks_nulls_are_kstwos() {
    let expected = expected();
    for (name, feature) in expected
        .features
        .iter()
        .filter(|(_, feature)| feature.statistic == "KS")
    {
        let at = |n: u64| kstwo::isf(expected.alpha[0], n);
        let sizes: Vec<u64> = (1..5000).collect();
        let first = sizes[sizes.partition_point(|&n| at(n) > feature.warning.null * (1.0 + 1e-6))];
        check(at(first), feature.warning.null, 1e-6);
        check(
            kstwo::isf(expected.alpha[1], first),
            feature.critical.null,
            1e-6,
        );
        assert!((1000..2500).contains(&first), "{name}: {first}");
    }
}

/// How often the most frequent of many numbers may be there by luck, as `docs/statistics.md` states it: with b = ⌈N/1,024⌉ − 1, N at most
/// 40,000, of `scipy.stats.nbinom(b + 0.5, N / (N + M))` the first count whose `sf(count - 1)` is at most α·b/N.
#[test]
fn the_most_frequent_number_is_there_as_often_as_luck_makes_it() {
    for (alpha, reference, current, by_luck) in [
        (0.05, 2_400, 300, 6.0),
        (0.05, 40_000, 5_000, 18.0),
        // Bins are surely made of no more than those.
        (0.05, 100_000, 5_000, 18.0),
        (1e-4, 15_000, 2_500, 18.0),
        // A number that comes twice has a bin of its own: those without one were there once at most.
        (0.05, 900, 100, 4.0),
    ] {
        let found = fill_null(alpha, 0, reference, current);
        check(found, by_luck / current as f64, 1e-12);
    }
    // What the baseline has is taken off.
    let found = fill_null(0.05, 12, 2_400, 300);
    check(found, 6.0 / 300.0 - 12.0 / 2_400.0, 1e-12);
    // `scipy.stats.pearson3` of a share that the baseline has more often than luck makes it.
    for (counted, null) in [(24, 0.0110550005818121), (48, 0.015117485706166603)] {
        check(fill_null(0.05, counted, 2_400, 300), null, 1e-9);
        check(share_null(0.05, counted, 2_400, 300), null, 1e-9);
    }
}
