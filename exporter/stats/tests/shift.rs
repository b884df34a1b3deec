//! The check of slow shifts: false alarms while nothing changes, and what a shift that stays does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "simulation/means.rs"]
mod means;
#[path = "simulation/normal.rs"]
mod normal;
#[path = "simulation/shift.rs"]
mod simulated;

use means::{one_row, profiled};
use simulated::{Series, frozen, hours, reference, undrifted, window};
use stats::seasonal::Phase;
use stats::sequential::{Absent, Direction};
use stats::{
    BySeverity, CheckSettings, LimitPart, NotComputed, ShiftState, Statistic, Verdict, judge_shift,
};

#[test]
fn undrifted_windows_stay_within_the_budget() {
    for (seed, rho, windows, seasonal) in [
        (1, 0.0, 100, false),
        (2, 0.6, 100, false),
        (3, 0.0, 8 * 24, true),
        (4, 0.6, 8 * 24, true),
    ] {
        let used = undrifted(seed, rho, windows, seasonal)
            .map(|(alarms, expected)| f64::from(alarms.iter().sum::<u32>()) / expected);
        println!("ρ = {rho}, {windows} windows, seasonal {seasonal}: {used:.2?} of the budget");
        assert!(used.warning <= 1.25 && used.critical <= 1.25, "{used:?}");
        assert!(used.warning > 0.1, "limits are far too wide: {used:?}");
    }
}

/// A shift of one standard deviation that stays is found once, stands, and ends when it is over.
#[test]
fn a_shift_that_stays_is_found_once_and_ends() {
    let mut series = Series::new(7, 0.0);
    let reference = reference(Ok(frozen(&mut series, 200, false)), one_row());
    let mut state = ShiftState::default();
    let mut judge = |shift: f64, windows: usize| -> Vec<bool> {
        let verdict = |_| {
            let summary = window(series.next() + shift);
            let found = judge_shift(&reference, 0, &mut state, Some(&summary), &[], 1).unwrap();
            assert!(matches!(
                found.statistic,
                Statistic::Ewma | Statistic::Cusum
            ));
            assert_eq!(found.limits.warning.part, LimitPart::RunLength);
            found.over.critical
        };
        (0..windows).map(verdict).collect()
    };
    assert!(judge(0.0, 50).iter().all(|over| !over));
    let shifted = judge(-1.0, 200);
    let first = shifted.iter().position(|over| *over).unwrap();
    assert!(first < 40, "{first}");
    let stands = shifted[first..].iter().filter(|over| **over).count();
    assert!(stands * 100 >= 95 * (200 - first), "{stands}");
    let after = judge(0.0, 200);
    let last = after.iter().rposition(|over| *over).unwrap();
    assert!(last < 60, "{last}");
    assert_eq!(state.direction(), None);
}

/// What is saved and read back goes on as before; a window without a value is a gap.
#[test]
fn a_restart_goes_on() {
    let mut series = Series::new(8, 0.3);
    let reference = reference(Ok(frozen(&mut series, 150, false)), one_row());
    let (mut state, mut saved) = (ShiftState::default(), ShiftState::default());
    for at in 0..80 {
        let summary = match at % 17 {
            3 => profiled(&[]).close(),
            _ => window(series.next() + 0.7),
        };
        let first = judge_shift(&reference, 0, &mut state, Some(&summary), &[], 1);
        saved = serde_json::from_str(&serde_json::to_string(&saved).unwrap()).unwrap();
        let second = judge_shift(&reference, 0, &mut saved, Some(&summary), &[], 1);
        assert_eq!(first, second);
        if at % 17 == 3 {
            let none = Err(NotComputed::TooFewRows { have: 0, need: 1 });
            assert_eq!(first, none);
        }
    }
    assert_eq!(saved, state);
    assert_eq!(state.direction(), Some(Direction::Up));
}

/// A number of the manifest is a limit of the EWMA.
#[test]
fn a_number_of_the_manifest_limits_the_ewma() {
    let mut series = Series::new(9, 0.0);
    let own = CheckSettings {
        limits: BySeverity {
            warning: Some(1.0),
            critical: None,
        },
        ..one_row()
    };
    let reference = reference(Ok(frozen(&mut series, 150, false)), own);
    let mut state = ShiftState::default();
    let verdicts: Vec<Verdict> = (0..30)
        .map(|_| {
            let summary = window(series.next() + 1.0);
            judge_shift(&reference, 0, &mut state, Some(&summary), &[], 1).unwrap()
        })
        .collect();
    assert!(
        verdicts
            .iter()
            .all(|found| found.statistic == Statistic::Ewma)
    );
    let last = verdicts.last().unwrap();
    assert_eq!(
        (last.limits.warning.value, last.limits.warning.part),
        (1.0, LimitPart::Manifest)
    );
    assert!(last.over.warning);
}

/// Critical does not come before warning where the manifest has one of them only, and no chart alarms unseen beside it.
#[test]
fn with_one_number_warning_still_comes_first() {
    for (warning, critical, expected) in [
        (
            Some(8.0),
            None,
            (8.0, LimitPart::Manifest, 8.0, LimitPart::RaisedToWarning),
        ),
        (
            Some(8.0),
            Some(5.0),
            (8.0, LimitPart::Manifest, 8.0, LimitPart::RaisedToWarning),
        ),
        (
            Some(4.0),
            Some(5.0),
            (4.0, LimitPart::Manifest, 5.0, LimitPart::Manifest),
        ),
    ] {
        let own = CheckSettings {
            limits: BySeverity { warning, critical },
            ..one_row()
        };
        let mut series = Series::new(9, 0.0);
        let reference = reference(Ok(frozen(&mut series, 150, false)), own);
        let mut state = ShiftState::default();
        for _ in 0..60 {
            let summary = window(series.next() + 1.5);
            let found = judge_shift(&reference, 0, &mut state, Some(&summary), &[], 1).unwrap();
            let limits = found.limits;
            let shown = (
                limits.warning.value,
                limits.warning.part,
                limits.critical.value,
                limits.critical.part,
            );
            assert_eq!(shown, expected);
            assert!(found.over.warning || !found.over.critical, "{found:?}");
        }
    }
    // Where critical alone has a number, warning keeps the limit of its run length.
    for (critical, part) in [
        (8.0, LimitPart::Manifest),
        (0.5, LimitPart::RaisedToWarning),
    ] {
        let own = CheckSettings {
            limits: BySeverity {
                warning: None,
                critical: Some(critical),
            },
            ..one_row()
        };
        let mut series = Series::new(9, 0.0);
        let reference = reference(Ok(frozen(&mut series, 150, false)), own);
        let (mut state, summary) = (ShiftState::default(), window(series.next()));
        let found = judge_shift(&reference, 0, &mut state, Some(&summary), &[], 1);
        let limits = found.unwrap().limits;
        assert_eq!(limits.warning.part, LimitPart::RunLength);
        assert_eq!(
            (limits.critical.value, limits.critical.part),
            (limits.warning.value.max(critical), part)
        );
        assert!((0.5..8.0).contains(&limits.warning.value), "{limits:?}");
    }
}

#[test]
fn what_has_no_chart_says_why_and_takes_no_part_in_the_budget() {
    let mut state = ShiftState::default();
    let mut of = |shift| {
        let reference = reference(shift, one_row());
        assert_eq!(reference.tests(), 0);
        judge_shift(&reference, 0, &mut state, Some(&window(1.0)), &[], 1).unwrap_err()
    };
    let few = Absent::TooFewPoints { have: 7, need: 100 };
    assert_eq!(
        of(Err(few)),
        NotComputed::TooFewWindows { have: 7, need: 100 }
    );
    assert_eq!(of(Err(Absent::ZeroSpread)), NotComputed::NoSpreadOfMeans);
    let slow = Absent::TooPersistent {
        autocorrelation: 0.95,
    };
    assert_eq!(of(Err(slow)), NotComputed::TooPersistent);
    // An hour that was not there when the charts were made.
    let mut series = Series::new(10, 0.0);
    let hours = hours();
    let reference = reference(Ok(frozen(&mut series, 8 * 24, true)), one_row());
    let unknown = [Phase::HourOfDay(30)];
    let found = judge_shift(&reference, 0, &mut state, Some(&window(1.0)), &unknown, 1);
    assert_eq!(found, Err(NotComputed::UnknownPhase));
    assert!(judge_shift(&reference, 0, &mut state, Some(&window(1.0)), &hours[1], 1).is_ok());
}
