//! The check of the level: where the mean of a window lies, against the windows of the same hour.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "simulation/means.rs"]
mod means;
#[path = "simulation/normal.rs"]
mod normal;
#[path = "simulation/level.rs"]
mod simulated;

use means::{feature, one_row, profiled};
use simulated::{Days, HOURS, hours, points, reference, settings, undrifted};
use stats::seasonal::{Phase, Point};
use stats::{
    BySeverity, CheckSettings, LimitPart, NotComputed, Reference, Statistic, Verdict,
    WindowSummary, judge,
};

fn verdict(reference: &Reference, values: &[f64]) -> Result<Verdict, NotComputed> {
    let window = profiled(values).close();
    let mut report = judge(reference, &[Some(&window)], &WindowSummary::default());
    report.features.swap_remove(0).verdicts.level
}

fn stays_within_the_budget(seed: u64, cycles: usize, rho: f64) {
    let used = undrifted(seed, cycles, rho)
        .map(|(alarms, expected)| f64::from(alarms.iter().sum::<u32>()) / expected);
    println!("{cycles} cycles, ρ = {rho}: {used:.2?} of the budget");
    assert!(used.warning <= 1.25 && used.critical <= 1.25, "{used:?}");
    assert!(used.warning > 0.1, "limits are far too wide: {used:?}");
}

#[test]
fn undrifted_windows_stay_within_the_budget() {
    for (seed, cycles) in [(1, 4), (2, 8), (3, 14), (4, 28)] {
        stays_within_the_budget(seed, cycles, 0.0);
    }
}

/// Each hour resembles the same hour of the day before.
#[test]
fn windows_that_resemble_the_day_before_stay_within_the_budget() {
    for (seed, cycles) in [(5, 8), (6, 14), (7, 28)] {
        stays_within_the_budget(seed, cycles, 0.6);
    }
}

/// By hand: of an hour the median and 1.4826 times the median absolute deviation.
#[test]
fn a_value_is_its_distance_in_deviations() {
    let hours = hours();
    let (one, other) = (hours[2], hours[3]);
    let at = |day: i64, phases, value| Point {
        day,
        phases,
        value,
        excluded: false,
    };
    let mut means: Vec<_> = [3.0, 5.0, 6.0, 9.0, 4.0]
        .iter()
        .zip(0..)
        .map(|(value, day)| at(day, &one[..], *value))
        .collect();
    means.extend((0..5).map(|day| at(day, &other[..], 100.0 + day as f64)));
    let all = [means];
    let here = reference(&all, &one, 5, &settings(one_row()));
    let usual = here.usual(0).unwrap();
    assert_eq!((usual.centre, usual.windows), (5.0, 5));
    assert!((usual.deviation - 1.4826).abs() < 1e-12);
    // What is far from the median of one hour is ordinary at another.
    let found = verdict(&here, &[100.0, 104.0]).unwrap();
    assert!((found.value - 97.0 / 1.4826).abs() < 1e-9);
    assert_eq!(
        (found.statistic, found.rows),
        (Statistic::LevelDeviation, 2)
    );
    assert_eq!(found.limits.critical.part, LimitPart::BetweenWindows);
    let there = reference(&all, &other, 5, &settings(one_row()));
    assert_eq!(verdict(&there, &[102.0]).unwrap().value, 0.0);
    // Below is as bad as above, and a number of the manifest replaces the limit.
    let own = CheckSettings {
        limits: BySeverity {
            warning: Some(2.0),
            critical: None,
        },
        ..one_row()
    };
    let given = verdict(&reference(&all, &one, 5, &settings(own)), &[1.0]).unwrap();
    assert_eq!(given.limits.warning.part, LimitPart::Manifest);
    assert!(given.over.warning && given.value > 2.0);
}

/// What no window says is said in words, and takes no part in the budget.
#[test]
fn what_is_not_judged_says_why() {
    let hours = hours();
    let days: Vec<[f64; HOURS]> = {
        let mut days = Days::new(9, 0.0);
        (0..6).map(|_| days.next()).collect()
    };
    let means = [points(&days, &hours)];
    let settings = settings(one_row());
    let ready = reference(&means, &hours[1], 6, &settings);
    assert_eq!(
        verdict(&ready, &[]),
        Err(NotComputed::TooFewRows { have: 0, need: 1 })
    );
    let unknown = [Phase::HourOfDay(23)];
    let too_few = |have| Err(NotComputed::TooFewCycles { have, need: 4 });
    let of = |cycles| verdict(&reference(&means, &unknown, cycles, &settings), &[1.0]);
    assert_eq!(of(3), too_few(3));
    // The window has enough of its like, and this feature was in none of them.
    assert_eq!(of(4), too_few(0));
    assert_eq!(
        reference(&means, &unknown, 3, &settings).tests(),
        0,
        "nothing is tested"
    );
    let text = of(3).unwrap_err().to_string();
    assert!(text.contains("3 where 4 are needed"), "{text}");
    // Another baseline knows no hours.
    let pinned = Reference::new(&[feature("f0")], &[], &settings);
    assert_eq!(verdict(&pinned, &[1.0]), Err(NotComputed::NotSeasonal));
    assert_eq!(pinned.tests(), 0);
    // A feature that is the same at every hour of every day has no unit.
    let constant = [vec![[1.0; HOURS]; 8]].map(|days| points(&days, &hours));
    let of = reference(&constant, &hours[1], 8, &settings);
    assert!(matches!(verdict(&of, &[2.0]), Err(NotComputed::Season(_))));
}

/// A value of another hour is found, and so is a shift of one hour by a few deviations.
#[test]
fn what_does_not_belong_to_its_hour_is_found() {
    let hours = hours();
    let mut days = Days::new(11, 0.6);
    let history: Vec<[f64; HOURS]> = (0..28).map(|_| days.next()).collect();
    let means = [points(&history, &hours)];
    let today = days.next();
    for (hour, phase) in hours.iter().enumerate() {
        let reference = reference(&means, phase, 28, &settings(one_row()));
        let of = |value: f64| verdict(&reference, &[value]).unwrap().over.warning;
        assert!(!of(today[hour]), "{hour}");
        assert!(of(today[(hour + 1) % HOURS]), "{hour}");
        assert!(of(today[hour] + 8.0 * (1.0 + hour as f64)), "{hour}");
    }
}
