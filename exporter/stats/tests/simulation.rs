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
    Acceptable, Bins, ByCheck, BySeverity, Column, DriftSettings, FeatureProfile, FeatureReport,
    FrozenFeature, Kind, QualitySettings, Reference, Scope, Settings, Summary, Validity,
    WindowSummary, judge,
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

/// Normal values around `shift`, 5 % of them null.
fn draw(rng: &mut SmallRng, rows: usize, shift: f64) -> Rows {
    let mut bits = vec![0u8; rows.div_ceil(8)];
    (0..rows)
        .filter(|_| rng.random::<f64>() >= NULLS)
        .for_each(|row| bits[row / 8] |= 1 << (row % 8));
    let mut values = Vec::with_capacity(rows + 1);
    while values.len() < rows {
        let (radius, angle) = (
            (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt(),
            std::f64::consts::TAU * rng.random::<f64>(),
        );
        values.extend([shift + radius * angle.cos(), shift + radius * angle.sin()]);
    }
    values.truncate(rows);
    Rows { values, bits }
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

/// A baseline of eight windows with `rows` rows each.
fn baseline(rng: &mut SmallRng, rows: usize) -> Vec<FrozenFeature> {
    (0..FEATURES)
        .map(|feature| {
            let windows: Vec<Rows> = (0..WINDOWS).map(|_| draw(rng, rows, 0.0)).collect();
            let mut pooled = FeatureProfile::new(Kind::Numeric, None).accepting(&ACCEPTABLE);
            windows
                .iter()
                .for_each(|window| pooled.merge(profile(window, None)).unwrap());
            let bins = Arc::new(pooled.freeze_bins());
            let summaries = windows
                .iter()
                .map(|window| profile(window, Some(bins.clone())).close())
                .collect();
            FrozenFeature::new(name(feature), "double", bins, summaries)
        })
        .collect()
}

fn window(rng: &mut SmallRng, baseline: &[FrozenFeature], rows: usize, shift: f64) -> Vec<Summary> {
    baseline
        .iter()
        .map(|feature| profile(&draw(rng, rows, shift), Some(feature.bins.clone())).close())
        .collect()
}

fn reports(reference: &Reference, window: &[Summary]) -> Vec<FeatureReport> {
    let current: Vec<Option<&Summary>> = window.iter().map(Some).collect();
    judge(reference, &current, &WindowSummary::default()).features
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
        let baseline = baseline(&mut rng, rows);
        let reference = Reference::new(&baseline, &[], &settings());
        assert_eq!(reference.tests(), 4 * FEATURES);
        alpha = reference.alpha().map(|alpha| alpha.unwrap().value);
        for _ in 0..windows {
            let reports = reports(&reference, &window(&mut rng, &baseline, rows, 0.0));
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

/// Windows of 5,000 rows against a baseline of 40,000.
#[test]
fn large_windows_stay_within_the_budget_and_a_shift_of_a_fifth_of_sigma_is_found() {
    let (replications, rows) = (25, 5_000);
    let mut rng = SmallRng::seed_from_u64(2);
    let mut found = BySeverity {
        warning: 0,
        critical: 0,
    };
    let mut detected = 0;
    for _ in 0..replications {
        let baseline = baseline(&mut rng, rows);
        let reference = Reference::new(&baseline, &[], &settings());
        for _ in 0..2 {
            let undrifted = alarms(&reports(
                &reference,
                &window(&mut rng, &baseline, rows, 0.0),
            ));
            found = found.zip(undrifted).map(|(sum, more)| sum + more);
        }
        let drifted = reports(&reference, &window(&mut rng, &baseline, rows, 0.2));
        detected += drifted
            .iter()
            .filter(|report| report.verdicts.drift.as_ref().unwrap().over.warning)
            .count();
    }
    let rate = found
        .zip(BUDGET)
        .map(|(found, budget)| f64::from(found) / f64::from(2 * replications) / budget);
    let power = detected as f64 / (replications as usize * FEATURES) as f64;
    println!(
        "5,000 rows: achieved {rate:.2?} of the budget; a 0.2 σ shift is found in {power:.3} of runs"
    );
    assert!(rate.warning <= 1.25 && rate.critical <= 1.25, "{rate:?}");
    assert!(power >= 0.95, "{power}");
}
