//! What the detectors of slow shifts promise, tried on series in which nothing changes, and what a real shift does.
//!
//! The baseline of 100 windows is redrawn in each replication: one baseline alone would make any rate look right or
//! wrong by luck.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "simulation/normal.rs"]
mod normal;

use normal::pair;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use stats::BySeverity;
use stats::sequential::{ChartLimits, ChartReading, Charts, Direction, Standard};

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
    pair(rng).0
}

/// A series' charts: the EWMA at warning, the CUSUM at critical, so that what each of them says is told apart.
struct Detectors {
    standard: Standard,
    limits: BySeverity<ChartLimits>,
    charts: Charts,
}

impl Detectors {
    fn fit(baseline: &[Option<f64>], run_length: f64) -> Self {
        let standard = Standard::fit(baseline).unwrap();
        let both = ChartLimits::solve(run_length, standard.estimation()).unwrap();
        let limits = BySeverity {
            warning: ChartLimits {
                cusum: None,
                ..both
            },
            critical: ChartLimits {
                ewma: f64::INFINITY,
                ..both
            },
        };
        Detectors {
            standard,
            limits,
            charts: Charts::default(),
        }
    }

    fn update(&mut self, value: Option<f64>) -> Option<ChartReading> {
        self.charts.update(&self.standard, self.limits, value, 1)
    }
}

/// Alarms of EWMA and CUSUM that begin, as a part of what is promised.
fn achieved(seed: u64, rho: f64, baseline: usize, run_length: f64) -> (f64, f64) {
    let (replications, windows) = (70, 5_000);
    let (mut ewma, mut cusum) = (0u32, 0u32);
    let mut series = Series::new(seed, rho);
    for _ in 0..replications {
        let mut detectors = Detectors::fit(&series.take(baseline), run_length);
        let mut stood = BySeverity::default();
        for _ in 0..windows {
            let shifted = detectors.update(Some(series.next())).unwrap().shifted;
            let begins = shifted
                .zip(stood)
                .map(|(now, before)| now.is_some() && now != before);
            ewma += u32::from(begins.warning);
            cusum += u32::from(begins.critical);
            stood = shifted;
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
    // By 400 baselines 0.68 and 0.67; 70 baselines have a standard error of about 0.1.
    assert!((0.45..=1.25).contains(&ewma) && (0.45..=1.25).contains(&cusum));
}

#[test]
fn false_alarms_are_as_many_as_promised_with_a_long_baseline() {
    let (ewma, cusum) = achieved(3, 0.6, 1000, 500.0);
    assert!((0.75..=1.25).contains(&ewma) && (0.75..=1.25).contains(&cusum));
}

/// A shift of one standard deviation that stays, with a baseline of 200 windows and a false alarm in 500.
#[test]
fn a_shift_is_found_soon_and_stands() {
    for (rho, most, least) in [(0.0, 20.0, 0.95), (0.6, 70.0, 0.7)] {
        let mut series = Series::new(4, rho);
        let (mut delays, mut standing, mut wrong) = (0u32, 0, 0);
        let (replications, windows) = (30, 400);
        for replication in 0..replications {
            let (shift, direction) = match replication % 2 {
                0 => (1.0, Direction::Up),
                _ => (-1.0, Direction::Down),
            };
            let mut detectors = Detectors::fit(&series.take(200), 500.0);
            let mut first = None;
            for window in 1..=windows {
                let reading = detectors.update(Some(series.next() + shift)).unwrap();
                match reading.shifted.warning {
                    Some(found) if found != direction => wrong += 1,
                    Some(_) => {
                        standing += 1;
                        first.get_or_insert(window);
                    }
                    None => {}
                }
            }
            delays += first.unwrap_or(windows);
        }
        let delay = f64::from(delays) / f64::from(replications);
        let after = f64::from(replications * windows - delays);
        let stands = f64::from(standing) / after;
        println!(
            "ρ = {rho}: a shift by σ is found after {delay:.1} windows, and stands {stands:.2} of those that follow"
        );
        assert!(delay < most, "{delay}");
        assert!(stands > least && wrong * 100 < standing, "{stands} {wrong}");
    }
}

/// A pattern of the day that grew with a shift takes a side of the CUSUM that is held back to 0 within each day.
#[test]
fn a_shift_with_a_pattern_of_the_day_is_told_once() {
    let fields = serde_json::json!({"mean": 10.0, "autocorrelation": 0.0, "deviation": 1.0, "points": 100, "pairs": 99});
    let standard: Standard = serde_json::from_value(fields).unwrap();
    let limits = ChartLimits {
        ewma: 3.5,
        cusum: Some(6.0),
    };
    let limits = BySeverity {
        warning: limits,
        critical: limits,
    };
    // 28 days of 40 have it.
    let told = |day: u32| {
        let (mut charts, mut begun, mut before) = (Charts::default(), 0, None);
        for hour in 0..40 * 24 {
            let shift = f64::from(u8::from((2..30).contains(&(hour / 24))));
            let pattern = (std::f64::consts::TAU * f64::from(hour) / 24.0).sin();
            let value = Some(10.0 + shift * (0.3 + 2.0 * pattern));
            let reading = charts.update(&standard, limits, value, day).unwrap();
            let now = reading.shifted.critical;
            begun += u32::from(now.is_some() && before.is_none());
            before = now;
        }
        assert_eq!(before, None, "it ends");
        begun
    };
    assert!(told(1) >= 20, "{}", told(1));
    assert_eq!(told(24), 1);
}

#[test]
fn what_is_saved_and_read_back_goes_on_as_before() {
    let mut series = Series::new(5, 0.3);
    let mut detectors = Detectors::fit(&series.take(100), 100.0);
    detectors.update(Some(series.next())).unwrap();
    assert_eq!(detectors.update(None), None);
    let saved = serde_json::to_string(&detectors.charts).unwrap();
    let read: Charts = serde_json::from_str(&saved).unwrap();
    assert_eq!(read, detectors.charts);
    let mut again = Detectors {
        charts: read,
        ..detectors
    };
    for _ in 0..300 {
        let value = Some(2.0 * series.next());
        assert_eq!(again.update(value), detectors.update(value));
    }
}
