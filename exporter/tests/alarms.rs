//! What a monitor knows between windows: alarms that stand, and how fresh the data is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use exporter::columns::{FeatureColumn, ImputedFlag, Layout};
use exporter::labelled::Labelled;
use exporter::pipeline::{Finished, Pulled, Slot};
use exporter::progress::{Columns, Found, JudgedState, Progress, Reach};
use exporter::snapshot::{Breaches, Standing};
use exporter::source::PullReport;
use exporter::window::Span;
use jiff::{SignedDuration, Timestamp};
use stats::{
    ByCheck, BySeverity, Check, FeatureProfile, FeatureReport, Kind, Limit, LimitPart, NotComputed,
    Report, Statistic, Streak, Summary, TimeSample, Verdict, WindowSummary,
};

fn config() -> crds::valid::Monitor {
    let manifest = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crds/examples/customer-segmentation.yaml"
    ));
    crds::manifest::load(&manifest.unwrap()).unwrap().monitor
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-01-15T12:00:00Z")
}

fn layout() -> Layout {
    Layout {
        names: vec!["basket_mean".to_owned()],
        features: vec![FeatureColumn {
            name: "basket_mean".to_owned(),
            index: 0,
            kind: Kind::Numeric,
            data_type: "double".to_owned(),
            imputed: ImputedFlag::None,
        }],
        skipped: Vec::new(),
        window: None,
        event_time: None,
        target: None,
        segments: Vec::new(),
        keys: None,
        problems: Vec::new(),
    }
}

/// A window of 100 rows with an event every second, the newest at this time; of one without it, none.
fn slot(newest: Option<Timestamp>) -> Slot<Summary> {
    let micros = newest.map(Timestamp::as_microsecond);
    let mut sample = TimeSample::default();
    let all = micros.map(|newest| (0..100).map(move |row| Some(newest - row * 1_000_000)));
    sample.update(all.into_iter().flatten());
    Slot {
        rows: micros.map_or(0, |_| 100),
        newest_event: micros,
        events: sample.close(100),
        features: vec![Finished {
            value: FeatureProfile::new(Kind::Numeric, None).close(),
            newest_event: micros,
        }],
        beside: Vec::new(),
        segments: Vec::new(),
        window: WindowSummary::default(),
        rules: Vec::new(),
    }
}

/// A pull of one window, with so many rows whose event is in the future.
fn pulled(newest: Option<Timestamp>, rows_in_future: u64) -> Pulled<Summary> {
    let rows_with_event = newest.map_or(0, |_| 100);
    Pulled {
        layout: layout(),
        slots: vec![slot(newest)],
        rows_outside: 0,
        newest_event: newest.map(Timestamp::as_microsecond),
        rows_with_event,
        rows_in_future,
        report: PullReport {
            batches: 1,
            rows: rows_with_event + rows_in_future,
            bytes: 0,
            endpoints: 1,
            elapsed: Duration::ZERO,
        },
    }
}

const NEWEST: Reach = Reach::Newest { open: None };

/// The ages in seconds of all rows and of the feature; nothing where there is no verdict.
fn ages(progress: &mut Progress) -> [Option<f64>; 2] {
    progress.judge_freshness(&config(), now());
    ["", "basket_mean"].map(|name| {
        let judged = progress.freshness.get(name)?;
        Some(judged.value.age_seconds)
    })
}

#[test]
fn events_in_the_future_are_told_and_count_as_none() {
    let mut progress = Progress::default();
    assert_eq!(progress.future_events(), None);
    let old = now() - SignedDuration::from_hours(50);
    progress.see(&pulled(Some(old), 25), NEWEST, &[]);
    assert_eq!(progress.future_events(), Some(0.2));
    assert_eq!(ages(&mut progress), [Some(180_000.0); 2]);
    // Only such: what was seen before is as old as before.
    progress.see(&pulled(None, 100), NEWEST, &[]);
    assert_eq!(progress.future_events(), Some(1.0));
    assert_eq!(ages(&mut progress), [Some(180_000.0); 2]);
    // A pull without events says nothing.
    progress.see(&pulled(None, 0), NEWEST, &[]);
    assert_eq!(progress.future_events(), Some(1.0));
    progress.see(&pulled(Some(now()), 0), NEWEST, &[]);
    assert_eq!(progress.future_events(), Some(0.0));
    assert_eq!(ages(&mut progress), [Some(0.0); 2]);
}

#[test]
fn while_windows_are_caught_up_nothing_is_said_of_freshness() {
    let mut progress = Progress::default();
    let hours_ago = |hours| Some(now() - SignedDuration::from_hours(hours));
    progress.see(&pulled(hours_ago(60), 0), NEWEST, &[]);
    assert_eq!(ages(&mut progress)[0], Some(216_000.0));
    progress.behind = true;
    progress.see(&pulled(hours_ago(50), 0), Reach::Past, &[]);
    assert_eq!(ages(&mut progress), [None; 2]);
    assert!(progress.served.is_none());
    progress.behind = false;
    progress.see(&pulled(hours_ago(1), 0), NEWEST, &[]);
    assert_eq!(ages(&mut progress), [Some(3_600.0); 2]);
    assert!(progress.served.is_some());
}

#[test]
fn a_window_of_the_past_makes_nothing_older() {
    let mut progress = Progress::default();
    let hours_ago = |hours| Some(now() - SignedDuration::from_hours(hours));
    progress.see(&pulled(hours_ago(1), 0), NEWEST, &[]);
    ages(&mut progress);
    let served = progress.served.clone();
    progress.see(&pulled(hours_ago(50), 100), Reach::Past, &[]);
    assert_eq!(ages(&mut progress), [Some(3_600.0); 2]);
    assert_eq!(progress.served, served);
    assert_eq!(progress.future_events(), Some(0.0));
    // A table that was filled anew is as old as it is now.
    progress.see(&pulled(hours_ago(50), 0), NEWEST, &[]);
    assert_eq!(ages(&mut progress), [Some(180_000.0); 2]);
}

/// A verdict of the drift at a value, against calibrated limits of 0.1 and 0.2.
fn drift(value: f64) -> Verdict {
    let limit = |value| Limit {
        value,
        part: LimitPart::EffectFloor,
        floor: value,
        null: None,
        bound: None,
        capped: false,
    };
    let limits = BySeverity {
        warning: 0.1,
        critical: 0.2,
    };
    Verdict {
        check: Check::Drift,
        statistic: Statistic::JensenShannon,
        value,
        rows: 1_000,
        min_rows: 200,
        limits: limits.map(limit),
        scores: limits.map(|limit| value / limit),
        over: limits.map(|limit| value >= limit),
    }
}

fn report(drift: Result<Verdict, NotComputed>) -> Report {
    let of = |name: &str, drift| {
        let mut verdicts = ByCheck::from_fn(|_| Err(NotComputed::Disabled));
        verdicts.drift = drift;
        FeatureReport {
            name: name.to_owned(),
            distances: Vec::new(),
            verdicts,
            moving: false,
            pair: None,
            pair_laid_elsewhere: None,
            power: None,
            segment: None,
        }
    };
    Report {
        features: vec![of("basket_mean", drift)],
        window: of("", Err(NotComputed::Disabled)),
        associations: None,
        performance: None,
        missingness: None,
        segments: Vec::new(),
    }
}

fn found() -> Found {
    Columns::of(&layout()).with(&slot(Some(now())))
}

/// Of a window: at which severities the drift alarms, which value that rests on where the window has none, and how many alarms
/// begin.
type Told = (Option<[bool; 2]>, Option<f64>, [u64; 2]);

/// What windows say that come one after the other.
fn judged(windows: Vec<Result<Verdict, NotComputed>>) -> Vec<Told> {
    let both = |of: BySeverity<bool>| [of.warning, of.critical];
    let (config, mut streaks, mut before) = (config(), Streak::default(), None);
    let span = Span {
        start: now() - SignedDuration::from_hours(1),
        end: now(),
    };
    let windows = windows.into_iter().map(|drift| {
        let rows = drift.as_ref().map_or(0, |verdict| verdict.rows);
        let (report, streaks) = (report(drift), &mut streaks);
        let state = JudgedState::new(
            span,
            rows,
            found(),
            report,
            &config,
            streaks,
            before.as_ref(),
        );
        // It is saved in between.
        let saved = serde_json::to_string(&state).unwrap();
        let state: JudgedState = serde_json::from_str(&saved).unwrap();
        let begun = state.begun(before.as_ref()).drift;
        let breached = state.breached["basket_mean"].drift.map(both);
        let standing = state.standing.get("basket_mean");
        let standing = standing.and_then(|standing| Some(standing.drift.as_ref()?.value));
        before = Some(state);
        (breached, standing, [begun.warning, begun.critical])
    });
    windows.collect()
}

const EMPTY: NotComputed = NotComputed::TooFewRows { have: 0, need: 20 };

#[test]
fn a_window_without_a_verdict_neither_ends_an_alarm_nor_begins_one() {
    let windows = vec![
        Err(EMPTY),
        Ok(drift(0.15)),
        Err(EMPTY),
        Err(EMPTY),
        Ok(drift(0.25)),
        Err(EMPTY),
        Ok(drift(0.05)),
        Err(EMPTY),
    ];
    let (warning, critical) = (Some([true, false]), Some([true, true]));
    let expected = [
        (None, None, [0, 0]),
        (warning, None, [1, 0]),
        (warning, Some(0.15), [0, 0]),
        (warning, Some(0.15), [0, 0]),
        (critical, None, [0, 1]),
        (critical, Some(0.25), [0, 0]),
        (Some([false, false]), None, [0, 0]),
        // What did not alarm is not known, and is not taken for good.
        (None, None, [0, 0]),
    ];
    assert_eq!(judged(windows), expected);
}

/// What three windows tell one after the other of a target that is known later, of which the second has no verdict for this reason:
/// whether it alarms at both severities, how many critical alarms begin, and which value that rests on where there is no verdict.
fn labelled(reason: NotComputed) -> [(Option<bool>, u64, Option<f64>); 3] {
    let (config, mut streaks, mut before) = (config(), Streak::default(), None);
    let span = Span {
        start: now(),
        end: now(),
    };
    let windows = [Ok(drift(0.25)), Err(reason), Ok(drift(0.25))];
    windows.map(|verdict| {
        let judged = verdict.is_ok();
        let mut report = report(Err(NotComputed::Disabled));
        report.features[0].verdicts.performance = verdict;
        let labelled = Labelled::new(span, report, &config, &mut streaks, before.as_ref());
        let begun = labelled.begun(before.as_ref());
        let (mut shown, mut breached, mut standing) = (
            self::report(Err(NotComputed::Disabled)).features.remove(0),
            Breaches::default(),
            Standing::default(),
        );
        labelled.complete(&mut shown, &mut breached, &mut standing);
        before = Some(labelled);
        assert_eq!(shown.verdicts.performance.is_ok(), judged);
        let breached = breached.performance;
        let breached = breached.map(|breached| breached.warning && breached.critical);
        let standing = standing.performance.map(|verdict| verdict.value);
        (breached, begun.critical, standing)
    })
}

/// What features tell about a target that is known later is judged on its own, and stands on its own: whatever the labels of a
/// window lack.
#[test]
fn an_alarm_of_a_target_that_is_known_later_stands_too() {
    use stats::predictive::NotComputed::*;
    for reason in [
        TooFewRows { have: 0, need: 1 },
        OneClass,
        NoCommonClass,
        ConstantTarget,
    ] {
        let stands = [
            (Some(true), 1, None),
            (Some(true), 0, Some(0.25)),
            (Some(true), 0, None),
        ];
        assert_eq!(labelled(NotComputed::Predictive(reason)), stands);
        // Of a baseline it is no reason to think that the alarm still holds.
        let ends = [
            (Some(true), 1, None),
            (None, 0, None),
            (Some(true), 1, None),
        ];
        assert_eq!(labelled(NotComputed::PredictiveInBaseline(reason)), ends);
    }
}

#[test]
fn an_alarm_ends_with_its_check() {
    let of_baseline = stats::predictive::NotComputed::ConstantTarget;
    for reason in [
        NotComputed::Disabled,
        NotComputed::Moving,
        NotComputed::PredictiveInBaseline(of_baseline),
    ] {
        let windows = judged(vec![Ok(drift(0.15)), Err(reason)]);
        assert_eq!(windows[1], (None, None, [0, 0]), "{reason}");
    }
}

#[test]
fn an_alarm_that_stands_says_nothing_of_the_window_s_own_rows() {
    let (config, mut streaks) = (config(), Streak::default());
    let span = Span {
        start: now(),
        end: now(),
    };
    let mut judge = |drift, before: Option<&JudgedState>| {
        JudgedState::new(
            span,
            0,
            found(),
            report(drift),
            &config,
            &mut streaks,
            before,
        )
    };
    let first = judge(Ok(drift(0.25)), None);
    let second = judge(Err(EMPTY), Some(&first));
    let own = |state: &JudgedState| state.passed("basket_mean").unwrap().drift;
    assert!(own(&first).unwrap().critical);
    assert_eq!(own(&second), None);
}

/// An alarm waits for the second window, and a baseline that goes along is to have neither.
#[test]
fn a_window_over_a_limit_is_one_though_its_alarm_waits_for_the_next() {
    let manifest = include_str!("../../crds/examples/customer-segmentation.yaml");
    let manifest = manifest.replace("consecutive: 1", "consecutive: 2");
    let config = crds::manifest::load(&manifest).unwrap().monitor;
    let span = Span {
        start: now(),
        end: now(),
    };
    let first = JudgedState::new(
        span,
        300,
        found(),
        report(Ok(drift(0.25))),
        &config,
        &mut Streak::default(),
        None,
    );
    assert!(!first.breached["basket_mean"].drift.unwrap().critical);
    assert!(first.passed("basket_mean").unwrap().drift.unwrap().critical);
}
