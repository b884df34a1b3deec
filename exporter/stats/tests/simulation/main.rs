//! What the false-alarm budget promises, tried on data in which nothing changes, and what a real change does.
//! `make calibration-report` does the same at length.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod explained;
mod normal;
mod rate;
mod rows;
mod trial;

use std::thread;

use stats::Check;
use trial::{BOUNDS, CHANGES, Judged, Outcome, TRIALS, Trial, Wanders, found, undrifted};

/// All checks together keep to the budget, and each to its part of it as surely as so few alarms tell: what they surely are, the
/// lower end of the interval of their number, is at most 1.25 times of what is promised.
fn within_the_budget(outcome: &Outcome) {
    assert_eq!(outcome.tested(), outcome.judged.checks());
    // The checks of time have no test without a seasonal baseline or a long one: `level.rs` and `shift.rs` try them.
    for check in outcome.tested() {
        let (used, name) = (outcome.used(&[check]), check.name());
        let share = outcome.judged_share(check);
        assert!(share >= 0.8, "{name}: {share} of its tests have a verdict");
        let alarms = used.map(|used| used.count);
        println!("{name}: {alarms:?} alarms, {used:.2?} of its part of the budget");
        assert!(
            !used.warning.surely_broken() && !used.critical.surely_broken(),
            "{name}: {used:?}"
        );
    }
    let all = outcome.used(&outcome.tested());
    println!("all checks use {all:.2?} of the budget");
    assert!(!all.warning.broken() && !all.critical.broken(), "{all:?}");
}

/// Windows of 300 rows, where noise and not the effect floor makes the limits; and the KS null without the rest.
#[test]
fn small_undrifted_windows_stay_within_the_budget() {
    let outcome = undrifted(
        1,
        Trial {
            rows: 300,
            judged: Judged::WithClasses,
            wanders: Wanders::Nothing,
            baselines: 120,
            windows: 5,
        },
    );
    within_the_budget(&outcome);
    let used = outcome.used(&outcome.tested()).warning;
    assert!(
        used.tells() && used.high > 0.25,
        "limits are far too wide: {used:?}"
    );
    let null = outcome.beyond_null(Check::Drift);
    assert!((null.warning.share - 1.0).abs() <= 0.25, "{null:?}");
    for check in outcome.tested() {
        let null = outcome.beyond_null(check).warning;
        let too_few = null.tells() && !BOUNDS.contains(&check) && null.surely_too_few();
        assert!(!null.surely_broken() && !too_few, "{check:?}: {null:?}");
    }
    let null = outcome.beyond_null_without_flag();
    assert!(null.warning.tells() && !null.warning.broken(), "{null:?}");
}

/// Of keys that come twice and of missing patterns, which have one test a window: their null alone, and the budget.
#[test]
fn what_has_one_test_a_window_stays_within_the_budget() {
    let of = |seed, rows, wanders| {
        let trial = Trial {
            rows,
            judged: Judged::Whole,
            wanders,
            baselines: 200,
            windows: 10,
        };
        let outcome = undrifted(seed, trial);
        within_the_budget(&outcome);
        outcome
    };
    let outcome = of(7, 300, Wanders::Nothing);
    for check in outcome.tested() {
        let null = outcome.beyond_null(check).warning;
        println!("{}: {null:.2?} beyond its null", check.name());
        assert!(null.tells() && (null.share - 1.0).abs() <= 0.25, "{null:?}");
    }
    of(8, 1_000, Wanders::Everything);
}

/// Windows of 5,000 rows against baselines of 40,000: nothing is found where nothing changed, and what changed is.
#[test]
fn large_undrifted_windows_stay_within_the_budget() {
    let trial = Trial {
        rows: 5_000,
        judged: Judged::WithClasses,
        wanders: Wanders::Nothing,
        baselines: 20,
        windows: 2,
    };
    within_the_budget(&undrifted(2, trial));
}

/// The page of the documentation is that of these trials.
#[test]
fn the_page_has_what_is_tried() {
    let page = include_str!("../../../../docs/calibration.md");
    let sections: Vec<&str> = page.split("\n## ").collect();
    for (what, trial) in TRIALS {
        let heading = format!("{what}\n");
        let of_it = sections
            .iter()
            .find(|section| section.starts_with(&heading));
        let of_it = of_it.unwrap_or_else(|| panic!("{what} is not on the page"));
        for check in trial.judged.checks() {
            let row = format!("\n| {} |", check.name());
            assert!(of_it.contains(&row), "{what} has no {}", check.name());
        }
    }
    for change in CHANGES {
        let row = format!("\n| {} |", change.what);
        assert!(page.contains(&row), "{} is not on the page", change.what);
    }
}

#[test]
fn what_changes_is_found() {
    for change in CHANGES {
        let shares = found(3, change, 20);
        let power = shares.iter().sum::<f64>() / shares.len() as f64;
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
            judged: Judged::WithClasses,
            wanders: Wanders::Means,
            baselines: 40,
            windows: 12,
        },
    );
    within_the_budget(&outcome);
    let used = outcome.used(&[Check::Drift]).warning;
    assert!(
        used.tells() && used.high > 0.25,
        "limits are far too wide: {used:?}"
    );
}

/// Windows that resemble the one before in shares, a correlation and an AUC too, which all features have in common. And each check
/// is tried: a test that can never be beyond its null keeps to any budget.
#[test]
fn windows_that_resemble_each_other_in_everything_stay_within_the_budget() {
    let outcome = undrifted(
        5,
        Trial {
            rows: 1_000,
            judged: Judged::WithClasses,
            wanders: Wanders::Everything,
            baselines: 30,
            windows: 12,
        },
    );
    within_the_budget(&outcome);
    for check in outcome.tested() {
        let beyond = outcome.beyond_null(check).warning;
        println!("{}: {beyond:.2?} beyond its null", check.name());
        assert!(beyond.count > 0, "{} tests nothing", check.name());
    }
}

/// A number in place of classes to tell.
#[test]
fn small_windows_with_a_number_to_tell_stay_within_the_budget() {
    let outcome = undrifted(
        6,
        Trial {
            rows: 300,
            judged: Judged::WithNumber,
            wanders: Wanders::Nothing,
            baselines: 30,
            windows: 5,
        },
    );
    within_the_budget(&outcome);
}

/// The sampling null of what a feature explains of a number, also where that is little, or a few rows make most of it.
#[test]
fn explained_shares_fall_beyond_their_null_as_often_as_promised() {
    use explained::Draw::{Groups, Heavy, Normal, SkewedGroups, Student};
    let draws = [
        Normal(0.27),
        Normal(0.8),
        Student(0.4),
        Heavy(0.27),
        Heavy(0.8),
        Groups(0.2),
        Groups(0.6),
        SkewedGroups(0.4),
    ];
    let running = draws.map(|draw| {
        let rates = thread::spawn(move || explained::rates(draw, 300, 1_000));
        (draw, rates)
    });
    for (draw, rates) in running {
        let rates = rates.join().unwrap();
        println!("{draw:?}: {rates:.2?}");
        for rate in [rates.warning, rates.critical] {
            assert!((rate - 1.0).abs() <= 0.25, "{draw:?}: {rates:?}");
        }
    }
}
