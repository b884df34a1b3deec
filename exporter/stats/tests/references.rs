//! Two baselines of one feature, each with bins of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use stats::{
    Categories, Column, FeatureProfile, FrozenFeature, Kind, NotComputed, ReferenceDistance,
    Statistic, Validity,
};

fn reference(key: &str) -> f64 {
    let values: Value = serde_json::from_str(include_str!("reference/values.json")).unwrap();
    values[key].as_f64().unwrap()
}

fn numbers(values: &[f64]) -> FrozenFeature {
    let profiled = |bins| {
        let mut profile = FeatureProfile::new(Kind::Numeric, bins);
        let validity = Validity::all(values.len());
        profile
            .update(&Column::Numeric { values, validity })
            .unwrap();
        profile
    };
    let bins = Arc::new(profiled(None).freeze_bins());
    let summary = profiled(Some(bins.clone())).close();
    FrozenFeature::new("x", "double", bins, vec![summary])
}

/// So many rows of each category.
fn names(counts: &[(&str, usize)]) -> FrozenFeature {
    let codes: Vec<i32> = counts
        .iter()
        .enumerate()
        .flat_map(|(code, (_, count))| std::iter::repeat_n(code as i32, *count))
        .collect();
    let name = |code: usize| counts.get(code).map(|(name, _)| *name);
    let profiled = |bins| {
        let mut profile = FeatureProfile::new(Kind::Categorical, bins);
        let categories = Categories {
            generation: 1,
            len: counts.len(),
            name: &name,
        };
        let column = Column::Categorical {
            codes: &codes,
            validity: Validity::all(codes.len()),
            categories,
        };
        profile.update(&column).unwrap();
        profile
    };
    let bins = Arc::new(profiled(None).freeze_bins());
    let summary = profiled(Some(bins.clone())).close();
    FrozenFeature::new("x", "string", bins, vec![summary])
}

fn u(n: u32, s: u32) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| f64::from(i + 1 + s) * ((5f64.sqrt() - 1.0) / 2.0) % 1.0)
}

/// KS on the values themselves, by its definition.
fn exact(a: &[f64], c: &[f64]) -> f64 {
    let until = |values: &[f64], at: f64| {
        values.iter().filter(|value| **value <= at).count() as f64 / values.len() as f64
    };
    let all = a.iter().chain(c);
    all.map(|at| (until(a, *at) - until(c, *at)).abs())
        .fold(0.0, f64::max)
}

#[test]
fn ks_is_scipys_within_its_error() {
    let a: Vec<f64> = u(400, 0).map(|u| -(1.0 - u).ln()).collect();
    let c: Vec<f64> = u(150, 1000).map(|u| -1.15 * (1.0 - u).ln()).collect();
    let found = ReferenceDistance::between(&numbers(&a), &numbers(&c)).unwrap();
    assert_eq!(found.statistic, Statistic::Ks);
    let expected = reference("KS D");
    assert!(
        found.value <= expected + 1e-12 && expected <= found.value + found.error + 1e-12,
        "{found:?} {expected}"
    );
    assert!(found.error < 0.02, "{found:?}");
}

#[test]
fn psi_is_scipys_over_the_categories_that_both_name() {
    let from = names(&[("a", 100), ("b", 200), ("c", 300), ("d", 400)]);
    let to = names(&[("a", 30), ("b", 90), ("c", 60), ("d", 120)]);
    let found = ReferenceDistance::between(&from, &to).unwrap();
    assert_eq!((found.statistic, found.error), (Statistic::Psi, 0.0));
    let expected = reference("PSI with ½");
    assert!(
        (found.value / expected - 1.0).abs() < 1e-12,
        "{found:?} {expected}"
    );
    // A category that is gone counts 0, in the order of neither.
    let to = names(&[("c", 90), ("d", 120), ("b", 90)]);
    let found = ReferenceDistance::between(&from, &to).unwrap();
    let expected = reference("PSI with an empty bin");
    assert!(
        (found.value / expected - 1.0).abs() < 1e-12,
        "{found:?} {expected}"
    );
}

#[test]
fn categories_without_a_name_of_their_own_are_together() {
    // 60 names of 10 rows each, of which 50 have a bin; in the other baseline they are named otherwise.
    let of = |first: usize| -> Vec<(String, usize)> {
        let named = (first..first + 60).map(|name| (format!("n{name:03}"), 10));
        named.chain([("all".to_owned(), 400)]).collect()
    };
    let borrowed = |all: &[(String, usize)]| {
        let all: Vec<(&str, usize)> = all.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        names(&all)
    };
    let (from, to) = (borrowed(&of(0)), borrowed(&of(100)));
    let found = ReferenceDistance::between(&from, &to).unwrap();
    // Nothing says that the names which only one has a bin for do not occur in the other.
    assert_eq!(found.value, 0.0);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let (some, few) = (numbers(&[1.0; 30]), numbers(&[1.0; 19]));
    assert_eq!(
        ReferenceDistance::between(&some, &few),
        Err(NotComputed::NoReference { have: 19, need: 20 })
    );
    assert_eq!(
        ReferenceDistance::between(&some, &names(&[("a", 30)])),
        Err(NotComputed::KindChanged {
            baseline: Kind::Numeric,
            window: Kind::Categorical
        })
    );
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        2 => (-50i32..50).prop_map(|whole| f64::from(whole) / 4.0),
        3 => -20.0..20.0f64,
        1 => Just(0.0),
    ];
    prop::collection::vec(value, 20..1_500)
}

proptest! {
    #[test]
    fn the_exact_ks_is_within_the_bounds_whatever_the_bins(a in values(), c in values()) {
        let found = ReferenceDistance::between(&numbers(&a), &numbers(&c)).unwrap();
        let exact = exact(&a, &c);
        prop_assert!(found.value <= exact + 1e-12, "{:?} {}", found, exact);
        prop_assert!(exact <= found.value + found.error + 1e-12, "{:?} {}", found, exact);
        let back = ReferenceDistance::between(&numbers(&c), &numbers(&a)).unwrap();
        prop_assert!((found.value - back.value).abs() < 1e-12);
        prop_assert!((found.error - back.error).abs() < 1e-12);
    }

    #[test]
    fn a_baseline_is_at_no_distance_from_itself(a in values()) {
        let found = ReferenceDistance::between(&numbers(&a), &numbers(&a)).unwrap();
        prop_assert_eq!(found.value, 0.0);
    }
}
