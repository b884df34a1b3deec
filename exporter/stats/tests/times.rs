//! Event times of a window, and how far apart updates usually are: numpy's and scipy's values, and bounds.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use stats::{MIN_GAPS, TimeSample, Times, UsualGap};

/// 2017-05-07T06:00:00Z in microseconds.
const END: i64 = 1_494_136_800_000_000;
const WEEK: f64 = 604_800e6;

fn reference(key: &str) -> Value {
    let values: Value = serde_json::from_str(include_str!("reference/values.json")).unwrap();
    values[key].clone()
}

fn u(n: u32, s: u32) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| f64::from(i + 1 + s) * ((5f64.sqrt() - 1.0) / 2.0) % 1.0)
}

fn times(times: &[Option<i64>], chunk: usize) -> Option<Times> {
    let mut sample = TimeSample::default();
    for chunk in times.chunks(chunk) {
        sample.update(chunk.iter().copied());
    }
    sample.close(stats::TIME_POINTS)
}

#[test]
fn quantiles_and_shares_are_numpys() {
    let all = u(700, 3).map(|u| Some(END - (WEEK * u).trunc() as i64));
    let mut all: Vec<Option<i64>> = all.collect();
    // Rows without a time are in neither.
    all.extend([None; 50]);
    let found = times(&all, 64).unwrap();
    assert_eq!(found.rows, 700);
    let expected: [f64; 3] = serde_json::from_value(reference("quantiles of times")).unwrap();
    for (found, expected) in [found.p01, found.p05, found.p50].iter().zip(expected) {
        assert!(
            (*found as f64 - expected).abs() <= 1.0,
            "{found} {expected}"
        );
    }
    let expected: Vec<(i64, f64)> = serde_json::from_value(reference("shares until")).unwrap();
    for (until, share) in expected {
        let found = found.share_until(until);
        assert!((found - share).abs() < 1e-12, "{found} {share}");
    }
}

#[test]
fn without_a_time_there_is_nothing_to_say() {
    assert_eq!(times(&[], 1), None);
    assert_eq!(times(&[None; 100_000], 1000), None);
}

proptest! {
    /// Up to 80,000 rows a share is off by 0.0005 at most, whatever the times are and however often they occur.
    #[test]
    fn shares_are_within_the_stated_error(
        all in prop::collection::vec(-500i64..500, 1..5_000), at in -510i64..510, chunk in 1usize..400,
    ) {
        let rows: Vec<Option<i64>> = all.iter().copied().map(Some).collect();
        let found = times(&rows, chunk).unwrap().share_until(at);
        let exact = all.iter().filter(|time| **time <= at).count() as f64 / all.len() as f64;
        let error = if all.len() <= 1_000 { 1e-12 } else { 0.0005 + 1e-12 };
        prop_assert!((found - exact).abs() <= error, "{found} {exact}");
    }

    #[test]
    fn how_rows_are_cut_into_batches_does_not_matter(
        all in prop::collection::vec(prop::option::of(any::<i32>()), 1..2_000), chunk in 1usize..300,
    ) {
        let rows: Vec<Option<i64>> = all.iter().map(|time| time.map(i64::from)).collect();
        prop_assert_eq!(times(&rows, chunk), times(&rows, rows.len()));
    }
}

/// Of more rows than are kept, one percent of rank is the most that is lost.
#[test]
fn shares_of_many_rows_are_within_the_error_of_the_sample() {
    let n = 1_000_000i64;
    let rows: Vec<Option<i64>> = (0..n).map(|i| Some((i * 7_919 + 13) % n)).collect();
    let found = times(&rows, 8_192).unwrap();
    assert_eq!(found.rows, n as u64);
    for at in (0..n).step_by(9_973) {
        let (share, exact) = (found.share_until(at), (at + 1) as f64 / n as f64);
        assert!((share - exact).abs() <= 0.0105, "{share} {exact}");
    }
    for (quantile, p) in [(found.p01, 0.01), (found.p05, 0.05), (found.p50, 0.5)] {
        assert!((quantile as f64 / n as f64 - p).abs() <= 0.01, "{quantile}");
    }
}

#[test]
fn a_usual_gap_is_scipys() {
    let mut gaps: Vec<f64> = u(50, 11).map(|u| 3600.0 * (1.0 + 0.2 * u)).collect();
    gaps[7] = 72_000.0;
    let [median, robust, covering]: [f64; 3] =
        serde_json::from_value(reference("usual gap")).unwrap();
    let check = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    };
    let found = UsualGap::of(&gaps, 1.0).unwrap();
    check(found.median, median);
    check(found.limit, robust.max(covering));
    assert!(robust > covering, "the outage is not in the limit");
    // Gaps are known no better than evaluations are apart.
    check(
        UsualGap::of(&gaps, 3600.0).unwrap().limit,
        median + 4.0 * 3600.0,
    );
    assert_eq!(UsualGap::of(&gaps[..MIN_GAPS - 1], 1.0), None);
    // Every weekend is a long gap, and none is longer than usual.
    let week = [1.0, 1.0, 1.0, 1.0, 3.0].map(|days| days * 86_400.0);
    let found = UsualGap::of(&week.repeat(10), 60.0).unwrap();
    assert_eq!((found.median, found.limit), (86_400.0, 3.0 * 86_400.0));
}

/// What is promised of the next gap: at most one in twenty is longer than usual, whatever the distribution; of normal ones
/// far fewer.
#[test]
fn few_gaps_are_longer_than_usual() {
    let mut random = SmallRng::seed_from_u64(7);
    let exponential = |random: &mut SmallRng| -(1.0 - random.random::<f64>()).ln();
    // Twelve uniform numbers: σ is 1, at a mean of 24.
    let normal =
        |random: &mut SmallRng| 18.0 + (0..12).map(|_| random.random::<f64>()).sum::<f64>();
    // One in five is long, as at weekends, at random.
    let mixed = |random: &mut SmallRng| match random.random::<f64>() < 0.2 {
        true => 3.0 + random.random::<f64>(),
        false => 1.0,
    };
    type Draw<'a> = &'a dyn Fn(&mut SmallRng) -> f64;
    let cases: [(&str, Draw<'_>, usize, f64); 6] = [
        ("exponential", &exponential, 19, 0.05),
        ("exponential", &exponential, 256, 0.05),
        ("normal", &normal, 64, 0.003),
        ("normal", &normal, 256, 0.001),
        ("mixed", &mixed, 19, 0.05),
        ("mixed", &mixed, 256, 0.05),
    ];
    const ROUNDS: u32 = 20_000;
    for (name, draw, n, most) in cases {
        let mut longer = 0u32;
        for _ in 0..ROUNDS {
            let gaps: Vec<f64> = (0..n).map(|_| draw(&mut random)).collect();
            let usual = UsualGap::of(&gaps, 0.001).unwrap();
            longer += u32::from(draw(&mut random) > usual.limit);
        }
        let share = f64::from(longer) / f64::from(ROUNDS);
        println!("{name}, {n} gaps: {share}");
        // Four standard errors of a share of so many rounds.
        let noise = 4.0 * (most / f64::from(ROUNDS)).sqrt();
        assert!(share <= most + noise, "{name} of {n}: {share}");
    }
}
