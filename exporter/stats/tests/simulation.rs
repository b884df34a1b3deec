//! What the false-alarm budget promises, tried on data in which nothing changes, and what a real change does.
//!
//! The baseline of eight windows is redrawn in each replication: one baseline alone estimates the spread between
//! windows with a large error, and would make any rate look right or wrong by luck.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::{
    Acceptable, Associations, Bins, ByCheck, BySeverity, Check, Column, DriftSettings,
    FeatureProfile, FeatureReport, FrozenFeature, Kind, QualitySettings, Reference, RowSampler,
    RowValues, Scope, Settings, Summary, Validity, WindowSummary, judge,
};

const FEATURES: usize = 20;
const WINDOWS: usize = 8;
const NULLS: f64 = 0.05;

/// It refuses 5 % of the values: of a share near 0 the effect floor would make the limit.
const ACCEPTABLE: Acceptable = Acceptable::Range {
    min: Some(-1.96),
    max: Some(1.96),
};

/// The example's budget: one false warning in 7 days and one false critical alarm in 30, windows of 7 days.
const BUDGET: BySeverity<f64> = BySeverity {
    warning: 1.0,
    critical: 7.0 / 30.0,
};

fn name(feature: usize) -> String {
    format!("f{feature:02}")
}

/// Rows of one feature in one window.
struct Rows {
    values: Vec<f64>,
    bits: Vec<u8>,
}

/// What a window is drawn from.
#[derive(Clone, Copy)]
struct Drawn {
    /// The mean of each feature, whose standard deviation is 1.
    means: [f64; FEATURES],
    /// The share of nulls of every feature.
    nulls: f64,
    /// The correlation of the first feature with every other one; these have one of 0.5 with each other.
    correlation: f64,
}

const UNCHANGED: Drawn = Drawn {
    means: [0.0; FEATURES],
    nulls: NULLS,
    correlation: 0.5,
};

fn normals(rng: &mut SmallRng, rows: usize) -> Vec<f64> {
    let mut values = Vec::with_capacity(rows + 1);
    while values.len() < rows {
        let (radius, angle) = (
            (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt(),
            std::f64::consts::TAU * rng.random::<f64>(),
        );
        values.extend([radius * angle.cos(), radius * angle.sin()]);
    }
    values.truncate(rows);
    values
}

/// All features: normal values that have one factor in common.
fn draw(rng: &mut SmallRng, rows: usize, from: Drawn) -> Vec<Rows> {
    let factor = normals(rng, rows);
    let of_others = 0.5f64.sqrt();
    (0..FEATURES)
        .map(|feature| {
            let mut bits = vec![0u8; rows.div_ceil(8)];
            (0..rows)
                .filter(|_| rng.random::<f64>() >= from.nulls)
                .for_each(|row| bits[row / 8] |= 1 << (row % 8));
            let part = match feature {
                0 => from.correlation / of_others,
                _ => of_others,
            };
            let own = normals(rng, rows);
            let values = factor.iter().zip(own);
            let values = values.map(|(factor, own)| {
                from.means[feature] + part * factor + (1.0 - part * part).sqrt() * own
            });
            Rows {
                values: values.collect(),
                bits,
            }
        })
        .collect()
}

fn profile(rows: &Rows, bins: Option<Arc<Bins>>) -> FeatureProfile {
    let mut profile = FeatureProfile::new(Kind::Numeric, bins).accepting(&ACCEPTABLE);
    let validity = Validity::bitmap(&rows.bits, 0, rows.values.len()).unwrap();
    profile
        .update(&Column::Numeric {
            values: &rows.values,
            validity,
        })
        .unwrap();
    profile
}

/// What the features say together.
fn whole(window: &[Rows]) -> WindowSummary {
    let mut columns = Vec::new();
    for rows in window {
        let (mut sampler, mut sample) = (RowSampler::default(), RowValues::new(Kind::Numeric));
        let validity = Validity::bitmap(&rows.bits, 0, rows.values.len()).unwrap();
        let column = Column::Numeric {
            values: &rows.values,
            validity,
        };
        let choice = sampler.choose(rows.values.len());
        FeatureProfile::new(Kind::Numeric, None).pick(&column, &choice, &mut sample);
        columns.push(sample);
    }
    let names: Vec<String> = (0..FEATURES).map(name).collect();
    let named = names.iter().map(String::as_str);
    let columns: Vec<_> = named.zip(columns.iter().map(RowValues::values)).collect();
    WindowSummary {
        associations: Some(Associations::new(&columns).unwrap()),
        ..WindowSummary::default()
    }
}

/// A baseline of eight windows with `rows` rows each.
struct Baseline {
    features: Vec<FrozenFeature>,
    reference: Reference,
}

impl Baseline {
    fn draw(rng: &mut SmallRng, rows: usize) -> Self {
        Baseline::of((0..WINDOWS).map(|_| draw(rng, rows, UNCHANGED)).collect())
    }

    fn of(windows: Vec<Vec<Rows>>) -> Self {
        let features: Vec<FrozenFeature> = (0..FEATURES)
            .map(|feature| {
                let mut pooled = FeatureProfile::new(Kind::Numeric, None).accepting(&ACCEPTABLE);
                let windows = || windows.iter().map(|window| &window[feature]);
                windows().for_each(|window| pooled.merge(profile(window, None)).unwrap());
                let bins = Arc::new(pooled.freeze_bins());
                let summaries = windows()
                    .map(|window| profile(window, Some(bins.clone())).close())
                    .collect();
                FrozenFeature::new(name(feature), "double", bins, summaries)
            })
            .collect();
        let wholes: Vec<WindowSummary> = windows.iter().map(|window| whole(window)).collect();
        let reference = Reference::new(&features, &wholes, &settings());
        Baseline {
            features,
            reference,
        }
    }

    /// What a window says that is drawn from this.
    fn judge(&self, rng: &mut SmallRng, rows: usize, from: Drawn) -> Vec<FeatureReport> {
        let window = draw(rng, rows, from);
        let features = self.features.iter().zip(&window);
        let summaries: Vec<Summary> = features
            .map(|(feature, rows)| profile(rows, Some(feature.bins.clone())).close())
            .collect();
        let current: Vec<Option<&Summary>> = summaries.iter().map(Some).collect();
        judge(&self.reference, &current, &whole(&window)).features
    }
}

fn settings() -> Settings {
    Settings {
        budget: BUDGET,
        on: ByCheck::from_fn(|check| check.scope() == Scope::Feature),
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: (0..FEATURES)
            .map(|feature| (name(feature), ACCEPTABLE))
            .collect(),
        features: BTreeMap::new(),
        default: ByCheck::default(),
    }
}

/// Over-limit tests per window.
fn alarms(reports: &[FeatureReport]) -> BySeverity<u32> {
    let verdicts = || {
        reports
            .iter()
            .flat_map(|report| report.verdicts.of(Scope::Feature))
            .map(|(_, verdict)| verdict)
            .map(|verdict| verdict.as_ref().unwrap())
    };
    BySeverity {
        warning: verdicts().filter(|verdict| verdict.over.warning).count() as u32,
        critical: verdicts().filter(|verdict| verdict.over.critical).count() as u32,
    }
}

/// Windows of 300 rows, where noise and not the effect floor makes the limits; and the KS null without the rest.
#[test]
fn small_undrifted_windows_stay_within_the_budget() {
    let (replications, windows, rows) = (120, 5, 300);
    let mut rng = SmallRng::seed_from_u64(1);
    let mut found = BySeverity {
        warning: 0,
        critical: 0,
    };
    let mut beyond_null = BySeverity {
        warning: 0,
        critical: 0,
    };
    let mut alpha = BySeverity {
        warning: 0.0,
        critical: 0.0,
    };
    for _ in 0..replications {
        let baseline = Baseline::draw(&mut rng, rows);
        let reference = &baseline.reference;
        assert_eq!(reference.tests(), 5 * FEATURES);
        alpha = reference.alpha().map(|alpha| alpha.unwrap().value);
        for _ in 0..windows {
            let reports = baseline.judge(&mut rng, rows, UNCHANGED);
            found = found.zip(alarms(&reports)).map(|(sum, more)| sum + more);
            for verdict in reports
                .iter()
                .map(|report| report.verdicts.drift.as_ref().unwrap())
            {
                let beyond = verdict
                    .limits
                    .map(|limit| u32::from(verdict.value >= limit.null.unwrap()));
                beyond_null = beyond_null.zip(beyond).map(|(sum, more)| sum + more);
            }
        }
    }
    let judged = f64::from(replications * windows);
    let rate = found
        .zip(BUDGET)
        .map(|(found, budget)| f64::from(found) / judged / budget);
    let null = beyond_null
        .zip(alpha)
        .map(|(found, alpha)| f64::from(found) / (judged * FEATURES as f64) / alpha);
    println!("300 rows: achieved {rate:.2?} of the budget; KS null alone {null:.2?} of α");
    assert!(rate.warning <= 1.25 && rate.critical <= 1.25, "{rate:?}");
    assert!(rate.warning > 0.05, "limits are far too wide: {rate:?}");
    assert!((null.warning - 1.0).abs() <= 0.25, "{null:?}");
}

/// Windows of 5,000 rows against a baseline of 40,000: what is found at warning level, and that nothing is where nothing changed.
#[test]
fn large_windows_stay_within_the_budget_and_what_changes_is_found() {
    let (replications, rows) = (20, 5_000);
    let mut rng = SmallRng::seed_from_u64(2);
    let mut found = BySeverity {
        warning: 0,
        critical: 0,
    };
    let changes: [(&str, Drawn, Check, usize); 3] = [
        (
            "a shift by 0.2 σ",
            Drawn {
                means: [0.2; FEATURES],
                ..UNCHANGED
            },
            Check::Drift,
            FEATURES,
        ),
        (
            "10 % missing instead of 5 %",
            Drawn {
                nulls: 0.1,
                ..UNCHANGED
            },
            Check::Missing,
            FEATURES,
        ),
        (
            "a correlation of 0.35 instead of 0.5",
            Drawn {
                correlation: 0.35,
                ..UNCHANGED
            },
            Check::Correlation,
            1,
        ),
    ];
    let mut detected = [0; 3];
    for _ in 0..replications {
        let baseline = Baseline::draw(&mut rng, rows);
        for _ in 0..2 {
            let undrifted = alarms(&baseline.judge(&mut rng, rows, UNCHANGED));
            found = found.zip(undrifted).map(|(sum, more)| sum + more);
        }
        for ((_, from, check, _), detected) in changes.iter().zip(&mut detected) {
            let reports = baseline.judge(&mut rng, rows, *from);
            let over: Vec<&str> = reports
                .iter()
                .filter(|report| report.verdicts.get(*check).as_ref().unwrap().over.warning)
                .map(|report| report.name.as_str())
                .collect();
            *detected += over.len();
            // Nobody is told of the features that have it for a partner.
            if *check == Check::Correlation {
                assert!(over.iter().all(|name| *name == "f00"), "{over:?}");
            }
        }
    }
    let rate = found
        .zip(BUDGET)
        .map(|(found, budget)| f64::from(found) / f64::from(2 * replications) / budget);
    println!("5,000 rows: achieved {rate:.2?} of the budget");
    assert!(rate.warning <= 1.25 && rate.critical <= 1.25, "{rate:?}");
    for ((what, _, _, tests), detected) in changes.iter().zip(detected) {
        let power = detected as f64 / (replications as usize * tests) as f64;
        println!("5,000 rows: {what} is found in {power:.3} of runs");
        assert!(power >= 0.95, "{what}: {power}");
    }
}

/// Means that wander: each is 0.6 times the one before and something new, with this standard deviation over all windows.
struct Wandering {
    means: [f64; FEATURES],
}

impl Wandering {
    const RHO: f64 = 0.6;
    const DEVIATION: f64 = 0.08;

    fn start(rng: &mut SmallRng) -> Self {
        let start = normals(rng, FEATURES);
        Wandering {
            means: std::array::from_fn(|feature| Self::DEVIATION * start[feature]),
        }
    }

    fn next(&mut self, rng: &mut SmallRng) -> Drawn {
        let new = normals(rng, FEATURES);
        let part = Self::DEVIATION * (1.0 - Self::RHO.powi(2)).sqrt();
        for (mean, new) in self.means.iter_mut().zip(new) {
            *mean = Self::RHO * *mean + part * new;
        }
        Drawn {
            means: self.means,
            ..UNCHANGED
        }
    }
}

/// Windows that resemble the one before: an alarm is a run of windows over the limit.
#[test]
fn windows_that_resemble_each_other_stay_within_the_budget() {
    let (replications, windows, rows) = (40, 12, 1_000);
    let mut rng = SmallRng::seed_from_u64(3);
    let mut found = ByCheck::<BySeverity<u32>>::default();
    for _ in 0..replications {
        let mut wandering = Wandering::start(&mut rng);
        let baseline = (0..WINDOWS)
            .map(|_| {
                let from = wandering.next(&mut rng);
                draw(&mut rng, rows, from)
            })
            .collect();
        let baseline = Baseline::of(baseline);
        let mut before: Vec<ByCheck<BySeverity<bool>>> = vec![ByCheck::default(); FEATURES];
        for _ in 0..windows {
            let from = wandering.next(&mut rng);
            let reports = baseline.judge(&mut rng, rows, from);
            for (before, report) in before.iter_mut().zip(&reports) {
                let now = ByCheck::from_fn(|check| {
                    let verdict = report.verdicts.get(check).as_ref();
                    verdict.map_or_else(|_| BySeverity::default(), |verdict| verdict.over)
                });
                for (check, over) in now.iter() {
                    let begins = over.zip(*before.get(check));
                    let begins = begins.map(|(is, was)| u32::from(is && !was));
                    let found = found.get_mut(check);
                    *found = found.zip(begins).map(|(sum, more)| sum + more);
                }
                *before = now;
            }
        }
    }
    let judged = f64::from(replications * windows);
    // Each check has a fifth of the tests, and so of the budget.
    let part = BUDGET.map(|budget| budget / 5.0);
    for (check, found) in found.of(Scope::Feature) {
        let rate = found
            .zip(part)
            .map(|(found, part)| f64::from(found) / judged / part);
        let name = check.name();
        println!("windows with ρ = 0.6: {name} achieved {rate:.2?} of its part of the budget");
        assert!(
            rate.warning <= 1.25 && rate.critical <= 1.25,
            "{name}: {rate:?}"
        );
    }
    let alarms = found.drift.warning;
    assert!(alarms > 40, "limits are far too wide: {alarms} alarms");
}
