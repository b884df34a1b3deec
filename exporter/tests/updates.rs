//! When new events came to a source, and whether it goes on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use exporter::updates::{Supply, Updates};
use jiff::{SignedDuration, Timestamp};
use stats::BySeverity;

const HOUR: Duration = Duration::from_secs(3600);
const NO_LIMITS: BySeverity<Option<f64>> = BySeverity {
    warning: None,
    critical: None,
};

/// So many hours after the beginning.
fn at(hours: f64) -> Timestamp {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    begin + SignedDuration::from_secs_f64(hours * 3600.0)
}

/// A source whose newest event is two hours old at each update, every `every` hours, looked at every hour.
fn regular(updates: &mut Updates, hours: std::ops::Range<u32>, every: u32) {
    for hour in hours {
        let event = at(f64::from(hour / every * every) - 2.0);
        updates.look(Some(event), at(f64::from(hour)), HOUR);
    }
}

#[test]
fn gaps_are_by_the_clock_and_by_the_events() {
    let mut updates = Updates::default();
    assert_eq!(updates.interval(HOUR), None);
    assert!(updates.look(Some(at(-2.0)), at(0.0), HOUR), "the first");
    assert!(!updates.look(Some(at(-2.0)), at(1.0), HOUR), "the same");
    assert!(!updates.look(None, at(2.0), HOUR), "no event");
    assert!(updates.look(Some(at(0.5)), at(3.0), HOUR), "a newer one");
    // Nobody knows when the first one came.
    assert_eq!(updates.interval(HOUR), None);
    assert!(updates.look(Some(at(4.5)), at(5.0), HOUR));
    let last = updates.interval(HOUR).unwrap().last;
    assert_eq!((last.seconds, last.event_seconds), (7200.0, 14_400.0));
    assert_eq!(updates.seen(), Some(at(5.0)));
}

#[test]
fn what_came_while_nobody_looked_makes_no_gap() {
    let mut updates = Updates::default();
    regular(&mut updates, 0..100, 5);
    let known = updates.interval(HOUR).unwrap().gaps;
    // Down for two days: the next update is seen late, and was not the only one.
    updates.look(Some(at(140.0)), at(148.0), HOUR);
    updates.look(Some(at(149.0)), at(149.0), HOUR);
    assert_eq!(updates.interval(HOUR).unwrap().gaps, known);
    // Down, and nothing came meanwhile: that gap is known as well as any other.
    updates.look(Some(at(149.0)), at(170.0), HOUR);
    updates.look(Some(at(171.0)), at(171.0), HOUR);
    let interval = updates.interval(HOUR).unwrap();
    assert_eq!(
        (interval.gaps, interval.last.seconds),
        (known + 1, 79_200.0)
    );
    // Older events are those of another table.
    updates.look(Some(at(3.0)), at(172.0), HOUR);
    updates.look(Some(at(4.0)), at(173.0), HOUR);
    assert_eq!(updates.interval(HOUR).unwrap().gaps, known + 1);
}

#[test]
fn a_source_that_stops_is_told_from_one_without_rows() {
    let mut updates = Updates::default();
    let supply = |updates: &Updates, rows, hours| updates.supply(rows, NO_LIMITS, at(hours), HOUR);
    assert_eq!(supply(&updates, 0, 0.0), Supply::NotMaterialised);
    assert_eq!(supply(&updates, 7, 0.0), Supply::NoEventTime);
    regular(&mut updates, 0..251, 5);
    let usual = updates.interval(HOUR).unwrap().usual.unwrap();
    // Every gap is five hours; looks are an hour apart.
    assert_eq!((usual.median, usual.limit), (5.0 * 3600.0, 9.0 * 3600.0));
    assert_eq!(supply(&updates, 7, 259.0), Supply::Advancing);
    assert_eq!(supply(&updates, 7, 259.1), Supply::NotAdvancing);
    assert_eq!(supply(&updates, 0, 259.1), Supply::NotMaterialised);
    updates.look(Some(at(259.0)), at(260.0), HOUR);
    assert_eq!(supply(&updates, 7, 260.0), Supply::Advancing);
}

#[test]
fn while_nothing_is_usual_the_limits_say_what_is_too_long() {
    let limits = BySeverity {
        warning: None,
        critical: Some(10.0 * 3600.0),
    };
    let mut updates = Updates::default();
    updates.look(Some(at(-8.0)), at(0.0), HOUR);
    let supply = |updates: &Updates, hours| updates.supply(7, limits, at(hours), HOUR);
    // Of the first one the events alone say when it came.
    assert_eq!(supply(&updates, 1.9), Supply::Advancing);
    assert_eq!(supply(&updates, 2.0), Supply::NotAdvancing);
    // Old events that come all the time are late, but come.
    updates.look(Some(at(-7.0)), at(3.0), HOUR);
    assert_eq!(supply(&updates, 12.9), Supply::Advancing);
    assert_eq!(supply(&updates, 13.0), Supply::NotAdvancing);
    let without = updates.supply(7, NO_LIMITS, at(1000.0), HOUR);
    assert_eq!(without, Supply::Advancing);
}

#[test]
fn what_is_kept_is_bounded_and_outlives_a_restart() {
    let mut updates = Updates::default();
    regular(&mut updates, 0..3000, 2);
    assert_eq!(updates.interval(HOUR).unwrap().gaps, 256);
    let saved = serde_json::to_string(&updates).unwrap();
    assert!(saved.len() < 20_000, "{}", saved.len());
    let restored: Updates = serde_json::from_str(&saved).unwrap();
    assert_eq!(restored, updates);
}
