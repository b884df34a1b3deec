//! The windows of a seasonal baseline: which are kept, and with which one is compared.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use crds::valid::{CalendarClass, Period, Season};
use exporter::baseline::{Baseline, Definition, Windows};
use exporter::columns::{FeatureColumn, Layout};
use exporter::history::History;
use exporter::pipeline::{Finished, Slot};
use exporter::progress::{Columns, Found};
use exporter::season::Clock;
use exporter::window::Span;
use jiff::{SignedDuration, Timestamp};
use stats::seasonal::Phase;
use stats::{
    Bins, Categories, Column, Counts, FeatureProfile, FrozenFeature, Kind, NamesByWindow, Summary,
    Validity, WindowSummary,
};

fn clock(period: Period, cycles: u32) -> Clock {
    Clock::new(Season {
        period,
        cycles,
        zone: "UTC".to_owned(),
        calendar: vec![CalendarClass {
            name: "sale".to_owned(),
            days: BTreeSet::from(["2026-01-09".parse().unwrap()]),
        }],
    })
}

fn profile(values: &[f64], bins: Option<Arc<Bins>>) -> FeatureProfile {
    let mut profile = FeatureProfile::new(Kind::Numeric, bins);
    let validity = Validity::all(values.len());
    profile
        .update(&Column::Numeric { values, validity })
        .unwrap();
    profile
}

fn feature(name: &str) -> FrozenFeature {
    let all: Vec<f64> = (0..2_000).map(f64::from).collect();
    let bins = Arc::new(profile(&all, None).freeze_bins());
    FrozenFeature::new(name, "Float64", bins, Vec::new())
}

/// A window in which every one of these features has the same values.
fn found(features: &[&FrozenFeature], values: &[f64]) -> Found {
    let column = |feature: &&FrozenFeature| FeatureColumn {
        index: 0,
        imputed: exporter::columns::ImputedFlag::None,
        name: feature.name.clone(),
        kind: Kind::Numeric,
        data_type: "Float64".to_owned(),
    };
    let layout = Layout {
        names: Vec::new(),
        target: None,
        segments: Vec::new(),
        features: features.iter().map(column).collect(),
        skipped: Vec::new(),
        window: None,
        event_time: None,
        keys: None,
        problems: Vec::new(),
    };
    let finished = |feature: &&FrozenFeature| Finished {
        value: profile(values, Some(feature.bins.clone())).close(),
        newest_event: None,
    };
    let slot: Slot<Summary> = Slot {
        beside: Vec::new(),
        segments: Vec::new(),
        rows: values.len() as u64,
        newest_event: None,
        events: None,
        features: features.iter().map(finished).collect(),
        window: WindowSummary::default(),
        rules: Vec::new(),
    };
    Columns::of(&layout).with(&slot)
}

/// The hour that begins so many hours after Monday, 5 January 2026.
fn hour(after: i64) -> Span {
    let monday: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
    let start = monday + SignedDuration::from_hours(after);
    Span {
        start,
        end: start + SignedDuration::from_hours(1),
    }
}

/// A history of all hours of some days; every value is the number of its hour.
fn history(clock: &Clock, features: &[FrozenFeature], hours: i64) -> History {
    let mut history = History::new(features);
    let names: Vec<&FrozenFeature> = features.iter().collect();
    for after in 0..hours {
        let found = found(&names, &[after as f64]);
        history.take(clock, features, (hour(after), 1), &found, &BTreeSet::new());
    }
    history
}

#[test]
fn of_each_hour_the_newest_days_are_kept() {
    let (clock, features) = (clock(Period::HourOfDay, 4), [feature("x")]);
    // Friday is a sale: the hours of the other days of a week.
    let mut history = history(&clock, &features, 7 * 24);
    assert_eq!(history.len(), 4 * 24 + 24);
    assert!(history.is_ready());
    let chosen = history.face(&clock, &features, hour(7 * 24 + 3));
    let days: Vec<Span> = [2, 3, 5, 6].map(|day| hour(day * 24 + 3)).to_vec();
    assert_eq!(chosen.spans, days);
    let means: Vec<f64> = chosen.features[0]
        .iter()
        .map(|window| window.moments.unwrap().mean)
        .collect();
    assert_eq!(means, [51.0, 75.0, 123.0, 147.0]);
    assert_eq!(history.compared(&clock), Some((Phase::HourOfDay(3), 4)));
}

#[test]
fn an_hour_of_the_week_falls_back_to_the_hour_of_the_day() {
    let (clock, features) = (clock(Period::HourOfWeek, 4), [feature("x")]);
    let mut few = history(&clock, &features, 3 * 7 * 24);
    let chosen = few.face(&clock, &features, hour(3 * 7 * 24 + 5));
    let (phase, days) = few.compared(&clock).unwrap();
    assert_eq!((phase, days), (Phase::HourOfDay(5), 20));
    assert_eq!(chosen.spans.len(), 20);
    let mut enough = history(&clock, &features, 6 * 7 * 24);
    let chosen = enough.face(&clock, &features, hour(6 * 7 * 24 + 5));
    assert_eq!(enough.compared(&clock), Some((Phase::HourOfWeek(5), 4)));
    let mondays = [2, 3, 4, 5].map(|week| hour(week * 7 * 24 + 5));
    assert_eq!(chosen.spans, mondays);
    // 168 hours and the 24 of the one sale, which are fewer than four days of it.
    assert_eq!(enough.len(), 4 * 168 + 24);
}

/// No hour of the week is there on four days yet, but hours of the day are.
#[test]
fn an_hour_of_the_week_is_judged_from_the_fourth_day_on() {
    let (clock, features) = (clock(Period::HourOfWeek, 4), [feature("x")]);
    assert!(!history(&clock, &features, 3 * 24).is_ready());
    // Friday is a sale and no ordinary day.
    assert!(history(&clock, &features, 3 * 24 + 1).is_ready());
}

/// Whatever window it was chosen for last.
#[test]
fn what_is_looked_at_has_all_phases() {
    let (clock, features) = (clock(Period::HourOfDay, 4), [feature("x")]);
    let mut history = history(&clock, &features, 3 * 24);
    let baseline = |history: History| Baseline {
        definition: Definition {
            windows: Windows::Seasonal {
                period: "HourOfDay".to_owned(),
                phases: 24,
                cycles: 4,
                zone: "UTC".to_owned(),
            },
            revision: 1,
            excluded: Vec::new(),
            grid: None,
        },
        version: 1,
        frozen_at: hour(72).end,
        spans: Vec::new(),
        need: 96,
        rows: Vec::new(),
        windows: Vec::new(),
        windows_at: Vec::new(),
        newest: None,
        features: features.to_vec(),
        target: None,
        segments: Vec::new(),
        history: Some(history),
        reloaded: false,
    };
    let before = baseline(history.clone()).of_all_phases();
    history.face(&clock, &features, hour(80));
    let mut faced = baseline(history);
    faced.face(&clock, hour(80));
    assert_eq!(faced.features[0].reference.rows, 3);
    let whole = faced.of_all_phases();
    assert_eq!((whole.spans.len(), whole.rows.len()), (72, 72));
    let reference = &whole.features[0].reference;
    assert_eq!(reference.rows, 72);
    assert_eq!(reference.moments.unwrap().mean, 35.5);
    assert_eq!(whole.features, before.features);
}

#[test]
fn a_day_of_the_calendar_is_compared_with_its_like_alone() {
    let (clock, features) = (clock(Period::HourOfDay, 4), [feature("x")]);
    let mut history = history(&clock, &features, 4 * 24);
    // Friday, the sale, has none before it.
    let chosen = history.face(&clock, &features, hour(4 * 24 + 8));
    assert!(chosen.spans.is_empty() && chosen.features[0].is_empty());
    assert_eq!(
        history.compared(&clock),
        Some((Phase::Class(0, Some(8)), 0))
    );
    // Saturday has four ordinary days before it.
    let chosen = history.face(&clock, &features, hour(5 * 24 + 8));
    assert_eq!(chosen.spans.len(), 4);
}

#[test]
fn what_is_saved_is_read_back_and_features_may_go() {
    let clock = clock(Period::HourOfDay, 4);
    let mut features = vec![feature("a"), feature("b")];
    let mut history = history(&clock, &features, 4 * 24);
    // In the next window only one of them is there, and it is left out in the one after.
    let lacks = found(&[&features[0]], &[1.0]);
    let none = BTreeSet::new();
    history.take(&clock, &features, (hour(5 * 24), 1), &lacks, &none);
    let all: Vec<&FrozenFeature> = features.iter().collect();
    let both = found(&all, &[2.0]);
    let without = BTreeSet::from(["a".to_owned()]);
    history.take(&clock, &features, (hour(6 * 24), 1), &both, &without);
    let text = serde_json::to_string(&history).unwrap();
    let mut read: History = serde_json::from_str(&text).unwrap();
    assert_eq!(read, history);
    let chosen = read.face(&clock, &features, hour(7 * 24));
    assert_eq!(chosen.spans.len(), 4);
    assert_eq!(
        chosen.features.iter().map(Vec::len).collect::<Vec<_>>(),
        [3, 3]
    );
    read.retain(&[false, true]);
    features.remove(0);
    let again = read.face(&clock, &features, hour(7 * 24));
    assert_eq!(again.features, chosen.features[1..]);
}

/// What the module says of the room that a window takes.
#[test]
fn a_window_takes_little_room() {
    let (clock, features) = (clock(Period::HourOfDay, 4), [feature("x")]);
    let size = |values: &[f64]| {
        let mut history = History::new(&features);
        let found = found(&[&features[0]], values);
        let mut length = |window| {
            let taken = (hour(window), values.len() as u64);
            history.take(&clock, &features, taken, &found, &BTreeSet::new());
            serde_json::to_string(&history).unwrap().len()
        };
        // The first one also fills what is known of all windows together.
        let first = length(0);
        length(24) - first
    };
    let sixty: Vec<f64> = (0..60).map(|value| f64::from(value * 33)).collect();
    assert!(size(&sixty) < 2_000, "{}", size(&sixty));
    let many: Vec<f64> = (0..20_000).map(|value| f64::from(value % 2_000)).collect();
    assert!(size(&many) < 14_000, "{}", size(&many));
}

fn names(rows: &[u32], bins: Option<Arc<Bins>>) -> FeatureProfile {
    let mut profile = FeatureProfile::new(Kind::Categorical, bins).remembering();
    let texts: Vec<String> = rows.iter().map(ToString::to_string).collect();
    let codes: Vec<i32> = (0..rows.len() as i32).collect();
    let column = Column::Categorical {
        codes: &codes,
        validity: Validity::all(codes.len()),
        categories: Categories {
            generation: u64::from(rows[0]),
            len: texts.len(),
            name: &|code| texts.get(code).map(String::as_str),
        },
    };
    profile.update(&column).unwrap();
    profile
}

#[test]
fn what_one_window_alone_has_counts_as_not_seen_in_all_of_them() {
    let clock = clock(Period::HourOfDay, 4);
    // Fifty names in every hour, five that several hours have, and one of its own.
    let rows = |hour: u32| -> Vec<u32> {
        let common = (0..55).filter(|name| *name < 50 || hour.is_multiple_of(2));
        common.chain([1000 + hour]).collect()
    };
    let hours = 5 * 24u32;
    let all: Vec<u32> = (0..hours).flat_map(rows).collect();
    let bins = Arc::new(names(&all, None).freeze_bins());
    let features = [FrozenFeature::new("city", "Utf8", bins.clone(), Vec::new())];
    let layout = Layout {
        names: vec!["city".to_owned()],
        target: None,
        segments: Vec::new(),
        features: vec![FeatureColumn {
            index: 0,
            imputed: exporter::columns::ImputedFlag::None,
            name: "city".to_owned(),
            kind: Kind::Categorical,
            data_type: "Utf8".to_owned(),
        }],
        skipped: Vec::new(),
        window: None,
        event_time: None,
        keys: None,
        problems: Vec::new(),
    };
    let mut history = History::new(&features);
    let mut seen = NamesByWindow::default();
    let spans: Vec<Span> = (0..hours).map(|after| hour(i64::from(after))).collect();
    for (after, span) in spans.iter().enumerate() {
        let rows = rows(after as u32);
        let (value, remembered) = names(&rows, Some(bins.clone())).close_with_names();
        seen.take(remembered);
        let slot: Slot<Summary> = Slot {
            beside: Vec::new(),
            segments: Vec::new(),
            rows: rows.len() as u64,
            newest_event: None,
            events: None,
            features: vec![Finished {
                value,
                newest_event: None,
            }],
            window: WindowSummary::default(),
            rules: Vec::new(),
        };
        let found = Columns::of(&layout).with(&slot);
        let taken = (*span, rows.len() as u64);
        history.take(&clock, &features, taken, &found, &BTreeSet::new());
    }
    history.set_alone((0, &features[0]), &spans, &seen.alone(&bins), true);
    // The fifth day is the sale, and has hours of its own.
    let chosen = history.face(&clock, &features, hour(7 * 24 + 2));
    let unseen = |window: &Summary| match window.counts.as_ref().unwrap() {
        Counts::Categorical {
            other,
            unseen,
            alone,
            ..
        } => (*other, *unseen, *alone, window.invalid),
        Counts::Numeric { .. } => panic!("numbers"),
    };
    let found: Vec<_> = chosen.features[0].iter().map(unseen).collect();
    assert_eq!(found, [(5, 1, 0, 1); 4]);
}
