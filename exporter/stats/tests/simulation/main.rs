//! What the false-alarm budget promises, tried on data in which nothing changes, and what a real change does.
//! `make calibration-report` does the same at length.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod trial;

use stats::Check;
use trial::{BUDGET, CHANGES, Outcome, Trial, found, undrifted};

/// All checks together keep to the budget, and each to its part of it as surely as so few alarms tell: what they surely are,
/// the lower end of the exact interval of their number, is at most 1.25 times of what is promised.
fn within_the_budget(outcome: &Outcome) {
    // The checks of time have no test without a seasonal baseline or a long one: `level.rs` and `shift.rs` try them.
    let tested = Check::ALL
        .into_iter()
        .filter(|check| *outcome.tests.get(*check) > 0);
    for check in tested {
        let expected = outcome.expected(check);
        let rate = outcome.alarms.get(check).zip(expected);
        let rate = rate.map(|(alarms, expected)| f64::from(alarms) / expected);
        let name = check.name();
        println!("{name} uses {rate:.2?} of its part of the budget");
        let surely = outcome.alarms.get(check).zip(expected);
        let surely = surely.map(|(alarms, expected)| {
            stats::poisson::interval(u64::from(alarms), 0.95).low / expected
        });
        assert!(
            surely.warning <= 1.25 && surely.critical <= 1.25,
            "{name}: {rate:?}"
        );
    }
    let all = outcome.all().zip(BUDGET);
    let all = all.map(|(alarms, budget)| f64::from(alarms) / budget / f64::from(outcome.judged));
    println!("all checks use {all:.2?} of the budget");
    assert!(all.warning <= 1.25 && all.critical <= 1.25, "{all:?}");
}

/// Windows of 300 rows, where noise and not the effect floor makes the limits; and the KS null without the rest.
#[test]
fn small_undrifted_windows_stay_within_the_budget() {
    let outcome = undrifted(
        1,
        Trial {
            rows: 300,
            wandering: false,
            baselines: 120,
            windows: 5,
        },
    );
    within_the_budget(&outcome);
    let alarms = outcome.all().warning;
    assert!(alarms > 100, "limits are far too wide: {alarms} alarms");
    let null = outcome.beyond_null;
    assert!((null.warning - 1.0).abs() <= 0.25, "{null:?}");
}

/// Windows of 5,000 rows against baselines of 40,000: nothing is found where nothing changed, and what changed is.
#[test]
fn large_undrifted_windows_stay_within_the_budget() {
    let trial = Trial {
        rows: 5_000,
        wandering: false,
        baselines: 20,
        windows: 2,
    };
    within_the_budget(&undrifted(2, trial));
}

#[test]
fn what_changes_is_found() {
    for change in CHANGES {
        let power = found(3, change, 20);
        assert!(power >= 0.95, "{}: {power}", change.what);
    }
}

/// Windows that resemble the one before.
#[test]
fn windows_that_resemble_each_other_stay_within_the_budget() {
    let outcome = undrifted(
        4,
        Trial {
            rows: 1_000,
            wandering: true,
            baselines: 40,
            windows: 12,
        },
    );
    within_the_budget(&outcome);
    let alarms = outcome.alarms.drift.warning;
    assert!(alarms > 40, "limits are far too wide: {alarms} alarms");
}
