//! What the detectors of slow shifts promise, tried on series in which nothing changes, and what a real shift does.
//!
//! The baseline of 100 windows is redrawn in each replication: one baseline alone would make any rate look right or
//! wrong by luck.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::sequential::{Detectors, Direction};

/// An autoregression of first order with variance 1.
struct Series {
    rng: SmallRng,
    rho: f64,
    last: f64,
}

impl Series {
    fn new(seed: u64, rho: f64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let last = normal(&mut rng);
        Series { rng, rho, last }
    }

    fn take(&mut self, count: usize) -> Vec<Option<f64>> {
        (0..count).map(|_| Some(self.next())).collect()
    }

    fn next(&mut self) -> f64 {
        self.last =
            self.rho * self.last + (1.0 - self.rho * self.rho).sqrt() * normal(&mut self.rng);
        self.last
    }
}

fn normal(rng: &mut SmallRng) -> f64 {
    let (radius, angle) = (
        (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt(),
        std::f64::consts::TAU * rng.random::<f64>(),
    );
    radius * angle.cos()
}

/// Alarms of EWMA and CUSUM as a part of what is promised.
fn achieved(seed: u64, rho: f64, baseline: usize, run_length: f64) -> (f64, f64) {
    let (replications, windows) = (70, 5_000);
    let (mut ewma, mut cusum) = (0u32, 0u32);
    let mut series = Series::new(seed, rho);
    for _ in 0..replications {
        let mut detectors = Detectors::fit(&series.take(baseline), run_length).unwrap();
        for _ in 0..windows {
            let reading = detectors.update(Some(series.next())).unwrap();
            ewma += u32::from(reading.ewma_signal.is_some());
            cusum += u32::from(reading.cusum_signal.is_some());
        }
    }
    let promised = f64::from(replications * windows) / run_length;
    let rates = (f64::from(ewma) / promised, f64::from(cusum) / promised);
    println!(
        "ρ = {rho}, {baseline} windows of baseline, run length {run_length}: {rates:.2?} of the promised rate"
    );
    rates
}

#[test]
fn false_alarms_are_as_many_as_promised_on_independent_windows() {
    let (ewma, cusum) = achieved(1, 0.0, 100, 200.0);
    assert!((0.6..=1.25).contains(&ewma) && (0.6..=1.25).contains(&cusum));
}

#[test]
fn false_alarms_are_as_many_as_promised_on_autocorrelated_windows() {
    let (ewma, cusum) = achieved(2, 0.6, 100, 200.0);
    // By 400 baselines 0.83 and 0.71; 70 baselines have a standard error of about 0.1.
    assert!((0.45..=1.25).contains(&ewma) && (0.45..=1.25).contains(&cusum));
}

#[test]
fn false_alarms_are_as_many_as_promised_with_a_long_baseline() {
    let (ewma, cusum) = achieved(3, 0.6, 1000, 500.0);
    assert!((0.75..=1.25).contains(&ewma) && (0.75..=1.25).contains(&cusum));
}

/// A shift of one standard deviation that stays, with a baseline of 200 windows and a false alarm in 500.
#[test]
fn a_shift_that_stays_is_found_soon_and_again() {
    for (rho, most) in [(0.0, 20.0), (0.6, 70.0)] {
        let mut series = Series::new(4, rho);
        let (mut delays, mut again, mut wrong) = (0u32, 0, 0);
        let replications = 30;
        for replication in 0..replications {
            let (shift, direction) = match replication % 2 {
                0 => (1.0, Direction::Up),
                _ => (-1.0, Direction::Down),
            };
            let mut detectors = Detectors::fit(&series.take(200), 500.0).unwrap();
            let mut first = None;
            for window in 1..=400 {
                let reading = detectors.update(Some(series.next() + shift)).unwrap();
                match reading.ewma_signal {
                    Some(found) if found != direction => wrong += 1,
                    Some(_) if first.is_some() => again += 1,
                    Some(_) => first = Some(window),
                    None => {}
                }
            }
            delays += first.unwrap_or(400);
        }
        let delay = f64::from(delays) / f64::from(replications);
        println!(
            "ρ = {rho}: a shift by σ is found after {delay:.1} windows, and {again} times again"
        );
        assert!(delay < most, "{delay}");
        assert!(
            again > 3 * replications && wrong * 100 < again,
            "{again} {wrong}"
        );
    }
}

#[test]
fn what_is_saved_and_read_back_goes_on_as_before() {
    let mut series = Series::new(5, 0.3);
    let mut detectors = Detectors::fit(&series.take(100), 100.0).unwrap();
    detectors.update(Some(series.next())).unwrap();
    assert_eq!(detectors.update(None), None);
    let saved = serde_json::to_string(&detectors).unwrap();
    let mut read: Detectors = serde_json::from_str(&saved).unwrap();
    assert_eq!(read, detectors);
    for _ in 0..300 {
        let value = Some(2.0 * series.next());
        assert_eq!(read.update(value), detectors.update(value));
    }
}
