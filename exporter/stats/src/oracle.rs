//! Inputs and values of `tests/reference/values.json`, which numpy and scipy made; for tests only.

use serde_json::Value;

use crate::bins::NumericBins;
use crate::distance::table::Table;

/// u(n, s)_i = frac((i + 1 + s)·(√5 − 1)/2).
pub(crate) fn u(n: u32, s: u32) -> Vec<f64> {
    (0..n)
        .map(|i| f64::from(i + 1 + s) * ((5f64.sqrt() - 1.0) / 2.0) % 1.0)
        .collect()
}

pub(crate) fn reference() -> Vec<f64> {
    u(400, 0).iter().map(|u| -(1.0 - u).ln()).collect()
}

pub(crate) fn current() -> Vec<f64> {
    u(150, 1000)
        .iter()
        .map(|u| -1.15 * (1.0 - u).ln())
        .collect()
}

/// Bins with a point for every value of both samples, and the counts of each.
pub(crate) fn binned() -> (NumericBins, Vec<u64>, Vec<u64>) {
    let bins = NumericBins::freeze([reference(), current()].concat());
    let count = |values: Vec<f64>| {
        let mut counts = vec![0; bins.len()];
        values
            .into_iter()
            .for_each(|value| counts[bins.edges().partition_point(|edge| value >= *edge)] += 1);
        counts
    };
    let (a, c) = (count(reference()), count(current()));
    (bins, a, c)
}

pub(crate) fn table() -> Table {
    Table::new(&[100, 200, 300, 400], &[30, 90, 60, 120])
}

fn value(key: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../tests/reference/values.json")).unwrap();
    all[key].clone()
}

pub(crate) fn number(key: &str) -> f64 {
    value(key)
        .as_f64()
        .unwrap_or_else(|| panic!("no number {key}"))
}

pub(crate) fn rows(key: &str) -> Vec<Vec<f64>> {
    serde_json::from_value(value(key)).unwrap()
}

pub(crate) fn row(key: &str) -> Vec<f64> {
    serde_json::from_value(value(key)).unwrap()
}

/// Holds a found value to the expected one, relative to its size.
#[track_caller]
pub(crate) fn check(found: f64, expected: f64, precision: f64) {
    assert!(
        (found - expected).abs() <= precision * expected.abs(),
        "found {found:e}, expected {expected:e}"
    );
}

/// Tables of counts that every law of a distance over coarse bins is held on.
pub(crate) fn tables() -> impl proptest::strategy::Strategy<Value = (Vec<u64>, Vec<u64>)> {
    use proptest::prelude::*;
    (2usize..60).prop_flat_map(|bins| {
        let side = || prop::collection::vec(prop_oneof![Just(0u64), 0u64..20, 0u64..100_000], bins);
        (side(), side()).prop_filter("a side without values has no shares", |(a, c)| {
            a.iter().sum::<u64>() > 0 && c.iter().sum::<u64>() > 0
        })
    })
}
