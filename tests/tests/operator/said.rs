//! What the operator says: conditions, events, metrics, logs.

use serde_json::{Value, json};

use crate::{Place, condition, crds, ephemeral};

#[test]
fn what_only_the_operator_can_refuse_is_said_in_a_condition() {
    let place = Place::new("refused");
    let mut files: Vec<_> = std::fs::read_dir(crds("invalid/operator"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut reasons = Vec::new();
    let mut manifests = String::new();
    for (i, file) in files.iter().enumerate() {
        let text = std::fs::read_to_string(file).unwrap();
        let reason = text.lines().next().unwrap();
        let reason = reason.strip_prefix("# refused: ").unwrap().to_owned();
        let mut manifest: Value = serde_saphyr::from_str(&text).unwrap();
        let name = format!("wrong-{i}");
        manifest["metadata"] = json!({"name": name, "namespace": place.namespace()});
        manifests.push_str(&format!("---\n{manifest}\n"));
        reasons.push((name, reason));
    }
    place.cluster().apply(&manifests).unwrap();
    for (name, reason) in &reasons {
        let said = place.wait_for_condition(name, "SpecValid", "False", "SpecInvalid");
        assert!(said.contains(reason), "{reason:?} is not in\n{said}");
        let said = place.wait_for_condition(name, "Ready", "False", "SpecInvalid");
        assert!(said.contains(reason), "{reason:?} is not in\n{said}");
        place.wait_for_condition(name, "ChildrenApplied", "Unknown", "SpecInvalid");
        assert!(place.child("deployment", name).is_none());
    }
    place.end();
}

#[test]
fn a_burn_rate_that_can_never_be_reached_is_said() {
    let place = Place::new("promises");
    place.apply("shop", |manifest| {
        ephemeral(manifest);
        manifest["spec"]["slos"] = json!([
            {"name": "steady", "indicator": "Availability", "objective": 0.99},
            {"name": "loose", "indicator": "Availability", "objective": 0.9},
        ]);
    });
    let said = place.wait_for_condition("shop", "SpecValid", "True", "Valid");
    assert!(!said.contains("steady"), "{said}");
    let note = "objective loose: a burn rate of 14.4 over 1 h can never be reached";
    assert!(said.contains(note), "{said}");
    let rule = place.wait_for("its rules are there", || {
        place.child("prometheusrule", "shop")
    });
    let groups = rule["spec"]["groups"].as_array().unwrap();
    let names: Vec<&str> = groups
        .iter()
        .filter_map(|group| group["name"].as_str())
        .collect();
    let namespace = place.namespace();
    let expected = ["records", "alerts", "slo.steady", "slo.loose"];
    let expected = expected.map(|what| format!("feature-monitor.{namespace}.shop.{what}"));
    assert_eq!(names, expected);
    place.end();
}

/// The Prometheus operator's event, as its client writes it; that it really says so is tested on a node.
#[test]
fn what_the_prometheus_operator_leaves_out_is_said() {
    let place = Place::with("left-out", &["--complaint-interval=3s"]);
    place.apply("shop", ephemeral);
    place.wait_until_applied("shop");
    let now = || {
        jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string()
    };
    let complain = |name: &str| {
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": place.namespace()},
            "involvedObject": {
                "apiVersion": "monitoring.coreos.com/v1alpha1",
                "kind": "AlertmanagerConfig",
                "name": "shop-exporter",
                "namespace": place.namespace(),
            },
            "type": "Warning",
            "reason": "InvalidConfiguration",
            "message": "AlertmanagerConfig shop-exporter was rejected: secrets \"slack\" not found",
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "count": 1,
        });
        place.cluster().apply(&event.to_string()).unwrap();
    };
    complain("first");
    let said = place.wait_for_condition("shop", "IntegrationsApplied", "False", "LeftOut");
    assert!(said.contains("secrets \"slack\" not found."), "{said}");
    assert_ne!(
        place.condition("shop", "Ready").unwrap()["reason"],
        "LeftOut"
    );

    // What is said of an object holds until the object changes. Times have whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let told = json!({"spec": {"notifications": {"groupWait": "1m"}}});
    place.merge("featuremonitor", "shop", &told);
    place.wait_until_applied("shop");
    let config = place.child("alertmanagerconfig", "shop").unwrap();
    assert_eq!(config["spec"]["route"]["groupWait"], "1m");

    // And until the event is forgotten.
    complain("second");
    place.wait_for_condition("shop", "IntegrationsApplied", "False", "LeftOut");
    let forget = ["delete", "event", "first", "second"];
    place.kubectl(&forget).unwrap();
    place.wait_until_applied("shop");

    // What stays as it is is asked about anew, and stands meanwhile; who has nothing more to say is taken at its word.
    let asked = || {
        let config = place.child("alertmanagerconfig", "shop").unwrap();
        let annotations = &config["metadata"]["annotations"];
        annotations["featuremonitor.io/asked-again-after"]
            .as_str()
            .map(str::to_owned)
    };
    assert_eq!(asked(), None);
    complain("third");
    let first = place.wait_for("the object is touched", asked);
    let condition = place.condition("shop", "IntegrationsApplied").unwrap();
    assert_eq!(condition["reason"], "LeftOut");
    complain("fourth");
    place.wait_for("it is touched again", || {
        asked().filter(|asked| *asked != first)
    });
    let condition = place.condition("shop", "IntegrationsApplied").unwrap();
    assert_eq!(condition["reason"], "LeftOut");
    place.wait_until_applied("shop");
    place.wait_for("nothing is asked any more", || {
        asked().is_none().then_some(())
    });
    place.end();
}

#[test]
fn a_time_zone_that_cannot_be_said_mutes_nothing() {
    let place = Place::new("zoned");
    place.apply("shop", |manifest| {
        ephemeral(manifest);
        let night = json!([{"from": "20:00", "to": "07:00"}]);
        manifest["spec"]["notifications"]["mute"] = json!([
            {"name": "nights", "times": night, "timeZone": "Europe/Berlin"},
            {"name": "nights-in-utc", "times": night},
        ]);
    });
    let said = place.wait_for_condition("shop", "IntegrationsApplied", "False", "ZoneUnknown");
    assert!(said.contains("people are told: nights. "), "{said}");
    let config = place.child("alertmanagerconfig", "shop").unwrap();
    let mutes = config["spec"]["muteTimeIntervals"].as_array().unwrap();
    assert_eq!(mutes.len(), 1);
    assert_eq!(mutes[0]["name"], "nights-in-utc");
    place.end();
}

#[test]
fn alerts_that_nobody_is_told_of_are_said() {
    let place = Place::new("untold");
    place.apply("shop", |manifest| {
        ephemeral(manifest);
        let critical = json!([{"match": {"severity": "Critical"}, "to": ["chat"]}]);
        manifest["spec"]["notifications"]["routes"] = critical;
    });
    let said = place.wait_for_condition("shop", "SpecValid", "True", "Valid");
    let note = "notifications: nobody is told of warning alerts about availability, schema, freshness, drift, missing";
    assert!(said.contains(note), "{said}");
    place.end();
}

#[test]
fn what_nobody_knows_is_unknown() {
    let place = Place::new("unknown");
    place.apply("shop", ephemeral);
    place.wait_for_condition("shop", "ExporterAvailable", "True", "Available");
    // The played pod answers nobody.
    for kind in [
        "ConfigInForce",
        "ReferencesResolved",
        "SourceReachable",
        "BaselineReady",
        "Evaluated",
        "Ready",
    ] {
        let said = place.wait_for_condition("shop", kind, "Unknown", "ExporterUnreachable");
        assert!(said.contains("cannot be asked"), "{said}");
    }
    let metrics = place.operator.metrics();
    let of = |kind| {
        let labels = [("monitor", "shop"), ("condition", kind)];
        metrics.get("featuremonitor_operator_monitor_condition", &labels)
    };
    assert_eq!(of("ExporterAvailable"), Some(1.0));
    assert_eq!(of("Ready"), None, "not knowing is no value");

    // The series go with the monitor.
    place
        .kubectl(&["delete", "featuremonitor", "shop"])
        .unwrap();
    place.wait_for("no series is about it", || {
        (!place.operator.metrics_text().contains("shop")).then_some(())
    });
    assert_eq!(
        place.operator.metric("featuremonitor_operator_monitors"),
        0.0
    );
    place.end();
}

#[test]
fn times_move_with_the_status_and_every_transition_has_one_event() {
    let place = Place::new("events");
    place.apply("shop", ephemeral);
    place.wait_until_applied("shop");
    place.wait_for_condition("shop", "ConfigInForce", "Unknown", "ExporterUnreachable");
    let resource = || place.get("featuremonitor", "shop").unwrap();
    let since = |resource: &Value, kind: &str| {
        condition(resource, kind).unwrap()["lastTransitionTime"].clone()
    };
    let before = resource();
    assert!(before["status"].get("phase").is_none());

    // A change that leaves every status as it is moves the generation and no time.
    let change = |patch: Value| {
        let changed = resource()["metadata"]["generation"].as_i64().unwrap() + 1;
        place.merge("featuremonitor", "shop", &json!({"spec": patch}));
        place.wait_for("the change is observed", || {
            (resource()["status"]["observedGeneration"] == changed).then_some(())
        });
    };
    change(json!({"schedule": {"every": "2h"}}));
    let after = resource();
    for condition in after["status"]["conditions"].as_array().unwrap() {
        let kind = condition["type"].as_str().unwrap();
        assert_eq!(
            condition["observedGeneration"], after["status"]["observedGeneration"],
            "{kind}"
        );
        assert_eq!(since(&after, kind), since(&before, kind), "{kind}");
    }

    // A time has whole seconds: the next one must be another.
    std::thread::sleep(std::time::Duration::from_secs(1));
    for every in ["31d", "2h", "32d", "2h"] {
        change(json!({"schedule": {"every": every}}));
    }
    let last = resource();
    assert_ne!(since(&last, "SpecValid"), since(&before, "SpecValid"));
    assert_eq!(
        since(&last, "ExporterAvailable"),
        since(&before, "ExporterAvailable")
    );

    let notes = || {
        let events = place.kubectl(&["get", "events.events.k8s.io", "--output=json"]);
        let events: Value = serde_json::from_str(&events.unwrap()).unwrap();
        let mut notes: Vec<(String, i64, String)> = events["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["regarding"]["kind"] == "FeatureMonitor")
            .map(|event| {
                (
                    event["reason"].as_str().unwrap().to_owned(),
                    event["series"]["count"].as_i64().unwrap_or(1),
                    event["note"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        notes.sort();
        notes
    };
    let found = place.wait_for("the events are there", || {
        let notes = notes();
        let times: i64 = notes.iter().map(|(_, times, _)| times).sum();
        (times >= 5).then_some(notes)
    });
    let said: Vec<(&str, i64)> = found
        .iter()
        .map(|(reason, times, _)| (reason.as_str(), *times))
        .collect();
    assert_eq!(
        said,
        [
            ("Available", 1),
            ("SpecInvalid", 1),
            ("SpecInvalid", 1),
            ("Valid", 2)
        ],
        "{found:?}"
    );
    // Each mistake is named by its own event.
    assert!(found[1].2.contains("31d"), "{found:?}");
    assert!(found[2].2.contains("32d"), "{found:?}");
    place.end();
}

#[test]
fn no_secret_is_repeated() {
    const CANARY: &str = "canary-6b1f0a";
    let place = Place::new("canary");
    place
        .kubectl(&[
            "create",
            "secret",
            "generic",
            "flight",
            &format!("--from-literal=token={CANARY}"),
            &format!("--from-literal=ca.crt={CANARY}"),
        ])
        .unwrap();
    let with_secret = |manifest: &mut Value| {
        ephemeral(manifest);
        let flight = &mut manifest["spec"]["source"]["flight"];
        flight["uri"] = json!("grpc+tls://localhost:8815");
        let secret = |key: &str| json!({"secretRef": {"name": "flight", "key": key}});
        flight["auth"] = json!({"bearer": secret("token")});
        flight["tls"] = json!({"ca": secret("ca.crt")});
    };
    place.apply("shop", with_secret);
    place.apply("wrong", |manifest| {
        with_secret(manifest);
        manifest["spec"]["schedule"]["every"] = json!("31d");
    });
    place.wait_until_applied("shop");
    place.wait_for_condition("wrong", "SpecValid", "False", "SpecInvalid");
    let child = place.child("deployment", "shop").unwrap();
    assert!(child.to_string().contains("\"secretName\":\"flight\""));

    let kinds = "featuremonitors,serviceaccounts,configmaps,deployments,services,events,networkpolicies,servicemonitors,prometheusrules,alertmanagerconfigs,leases";
    let all = place.kubectl(&["get", kinds, "--output=json"]).unwrap();
    assert!(all.contains("shop-exporter"));
    let (metrics, log) = (place.operator.metrics_text(), place.operator.log());
    assert!(log.contains("shop"), "{log}");
    for text in [all, metrics, log] {
        assert!(!text.contains(CANARY), "{text}");
    }
    let requests = place.end().requests();
    assert!(requests.iter().all(|request| request.resource != "secrets"));
}
