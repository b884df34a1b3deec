//! What is as it shall be is not written, and what changes is written once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Place, content, ephemeral};

const SUCCESSES: &str = "featuremonitor_operator_reconciliations_total{outcome=\"success\"}";
/// What is written for a monitor, but its status.
const WRITTEN: &str = "serviceaccounts,configmaps,persistentvolumeclaims,deployments,services,networkpolicies,servicemonitors,prometheusrules,alertmanagerconfigs";

#[test]
fn a_hundred_reconciliations_write_nothing() {
    const MONITORS: usize = 10;
    let mut place = Place::new("quiet");
    for i in 0..MONITORS {
        place.apply(&format!("shop-{i}"), |manifest| {
            // A claim, without a class, waits for a volume for ever.
            if i > 0 {
                ephemeral(manifest);
            }
        });
    }
    let settled = |place: &Place| {
        for i in 0..MONITORS {
            let monitor = format!("shop-{i}");
            place.wait_until_applied(&monitor);
            let (status, reason) = match i {
                0 => ("False", "Unschedulable"),
                _ => ("True", "Available"),
            };
            place.wait_for_condition(&monitor, "ExporterAvailable", status, reason);
            if i > 0 {
                let (status, reason) = ("Unknown", "ExporterUnreachable");
                place.wait_for_condition(&monitor, "ConfigInForce", status, reason);
            }
        }
    };
    settled(&place);
    let (writes, objects) = (place.release.writes(), versions(&place));
    let said = statuses(&place);
    for round in 0..10 {
        let before = place.operator.reconciliations();
        let forced = format!("round={round}");
        let force = [
            "annotate",
            "featuremonitors",
            "--all",
            "--overwrite",
            &forced,
        ];
        place.kubectl(&force).unwrap();
        let operator = &mut place.operator;
        operator.wait_for_metric(SUCCESSES, |count| count >= before + MONITORS as f64);
    }
    assert_eq!(place.release.writes()[writes.len()..], []);
    assert_eq!(versions(&place), objects);
    assert_eq!(statuses(&place), said);

    // An operator that has just started knows nothing of what the one before it wrote. The first that comes after the
    // children's creation notes once whose their fields are; nothing else changes, and the next one changes nothing.
    let content = contents(&place);
    let mut versions_then = None;
    for _ in 0..2 {
        let Place { release, operator } = place;
        operator.terminate();
        let mut operator = release.start(&crate::BRISK);
        operator.wait_until_it_leads();
        place = Place { release, operator };
        let operator = &mut place.operator;
        operator.wait_for_metric(SUCCESSES, |count| count >= MONITORS as f64);
        // Until each exporter has been asked, which is no change either and cannot be waited for.
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(statuses(&place), said);
        assert_eq!(contents(&place), content);
        let now = versions(&place);
        assert_eq!(*versions_then.get_or_insert_with(|| now.clone()), now);
    }
    place.end();
}

fn items(place: &Place, kinds: &str) -> Vec<Value> {
    let list = place.kubectl(&["get", kinds, "--output=json"]).unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    list["items"].as_array().unwrap().clone()
}

fn statuses(place: &Place) -> Vec<Value> {
    let monitors = items(place, "featuremonitors");
    monitors.iter().map(|item| item["status"].clone()).collect()
}

fn contents(place: &Place) -> Vec<Value> {
    items(place, WRITTEN).iter().map(content).collect()
}

/// Of the children's objects: their name and version.
fn versions(place: &Place) -> Vec<(Value, Value)> {
    let items = items(place, WRITTEN);
    let versions = items.iter().map(|item| {
        let meta = &item["metadata"];
        (meta["name"].clone(), meta["resourceVersion"].clone())
    });
    versions.collect()
}

#[test]
fn one_edit_is_reconciled_at_most_twice() {
    let place = Place::new("edit");
    place.apply("shop", ephemeral);
    place.wait_until_applied("shop");
    place.wait_for_condition("shop", "ConfigInForce", "Unknown", "ExporterUnreachable");
    let rows = |rows| json!({"spec": {"checks": {"drift": {"minRows": rows}}}});
    let every = |every| json!({"spec": {"schedule": {"every": every}}});
    let edits = [
        // Only the exporter's file, and for the first time: what was set by POST is made an apply's.
        (rows(300), 2.0, 3),
        (rows(400), 2.0, 2),
        // The alerts too, whose patience follows from the schedule.
        (every("2h"), 2.0, 4),
        (every("3h"), 2.0, 3),
        // Only our own record: generation and status.
        (json!({"spec": {"paused": false}}), 2.0, 1),
    ];
    for (edit, reconciliations, writes) in edits {
        let before = (place.operator.reconciliations(), place.release.writes());
        place.merge("featuremonitor", "shop", &edit);
        place.wait_until_applied("shop");
        // What should not come cannot be waited for: a debounce and more.
        std::thread::sleep(Duration::from_secs(2));
        let more = place.operator.reconciliations() - before.0;
        assert!((1.0..=reconciliations).contains(&more), "{more} for {edit}");
        let written = place.release.writes();
        let written = &written[before.1.len()..];
        assert!(written.len() <= writes, "{written:?} for {edit}");
    }
    place.end();
}
