//! A monitor from its creation to its end.

use harness::operator::NAME;
use serde_json::{Value, json};

use crate::{CHILDREN, PATIENCE, Place, ephemeral};

#[test]
fn a_monitor_is_made_changed_paused_and_deleted() {
    let place = Place::new("life");
    place.apply("shop", |_| {});
    place.wait_until_applied("shop");
    let resource = place.get("featuremonitor", "shop").unwrap();
    for kind in CHILDREN {
        let child = place.child(kind, "shop").unwrap();
        let owner = &child["metadata"]["ownerReferences"][0];
        assert_eq!(owner["uid"], resource["metadata"]["uid"], "{kind}");
        assert_eq!(owner["controller"], true, "{kind}");
        let labels = &child["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/managed-by"], NAME, "{kind}");
    }

    // What only the exporter acts on reaches its file, and rolls no pod.
    let generation = |kind: &str| {
        place.child(kind, "shop").unwrap()["metadata"]["generation"]
            .as_i64()
            .unwrap()
    };
    let before = generation("deployment");
    place.merge(
        "featuremonitor",
        "shop",
        &json!({"spec": {"schedule": {"every": "2h"}}}),
    );
    let config = || -> Option<Value> {
        let child = place.child("configmap", "shop")?;
        serde_json::from_str(child["data"]["monitor.json"].as_str()?).ok()
    };
    place.wait_for("the file is changed", || {
        (config()?["spec"]["schedule"]["every"] == "2h").then_some(())
    });
    place.wait_until_applied("shop");
    assert_eq!(generation("deployment"), before);
    // What shapes the pod reaches the Deployment.
    let node = json!({"spec": {"exporter": {"nodeSelector": {"disk": "ssd"}}}});
    place.merge("featuremonitor", "shop", &node);
    place.wait_for("the pod is changed", || {
        let child = place.child("deployment", "shop")?;
        let pod = &child["spec"]["template"]["spec"];
        (pod["nodeSelector"] == json!({"disk": "ssd"})).then_some(())
    });
    // What is for others reaches the ServiceMonitor.
    let labels = json!({"spec": {"integrations": {"labels": {"release": "prometheus"}}}});
    place.merge("featuremonitor", "shop", &labels);
    place.wait_for("the ServiceMonitor is changed", || {
        let child = place.child("servicemonitor", "shop")?;
        (child["metadata"]["labels"]["release"] == "prometheus").then_some(())
    });
    place.wait_until_applied("shop");

    // A paused monitor's children are left as they are, whatever happens.
    let paused = json!({"spec": {"paused": true, "schedule": {"every": "3h"}}});
    place.merge("featuremonitor", "shop", &paused);
    let said = place.wait_for_condition("shop", "ChildrenApplied", "False", "Paused");
    assert!(said.contains("ConfigMap"), "{said}");
    let writes = |resource: &str| {
        let writes = place.release.writes();
        writes
            .iter()
            .filter(|write| write.resource == resource)
            .count()
    };
    let before = CHILDREN.map(|kind| writes(&format!("{kind}s")));
    place
        .kubectl(&["delete", "service", "shop-exporter"])
        .unwrap();
    place.wait_for("the status names the Service", || {
        let said = place.condition("shop", "ChildrenApplied")?;
        said["message"].as_str()?.contains("Service").then_some(())
    });
    assert_eq!(config().unwrap()["spec"]["schedule"]["every"], "2h");
    assert_eq!(CHILDREN.map(|kind| writes(&format!("{kind}s"))), before);
    place.merge("featuremonitor", "shop", &json!({"spec": {"paused": null}}));
    place.wait_until_applied("shop");
    assert_eq!(config().unwrap()["spec"]["schedule"]["every"], "3h");
    assert!(place.child("service", "shop").is_some());

    place
        .kubectl(&["delete", "featuremonitor", "shop"])
        .unwrap();
    wait_until_collected(&place, "shop");
    place.end();
}

fn wait_until_collected(place: &Place, monitor: &str) {
    for kind in CHILDREN {
        place.wait_for(&format!("the {kind} is collected"), || {
            place.child(kind, monitor).is_none().then_some(())
        });
    }
}

#[test]
fn deleting_needs_no_operator() {
    let place = Place::new("collected");
    place.apply("shop", |_| {});
    place.wait_until_applied("shop");
    let resource = place.get("featuremonitor", "shop").unwrap();
    assert!(resource["metadata"]["finalizers"].is_null());
    let Place { release, operator } = place;
    operator.terminate();
    let cluster = release.cluster();
    let shop = ["featuremonitor", "shop", "--namespace", release.namespace()];
    cluster.kubectl(&[&["delete"], &shop[..]].concat()).unwrap();
    for kind in CHILDREN {
        let child = [kind, "shop-exporter", "--namespace", release.namespace()];
        cluster.wait_for(&format!("the {kind} is collected"), PATIENCE, || {
            cluster.get(&child).is_none().then_some(())
        });
    }
}

/// A child is made by POST, whose fields a later apply would not take back.
#[test]
fn what_is_taken_out_of_the_spec_is_taken_out_of_the_children() {
    let place = Place::new("removed");
    place.apply("shop", |manifest| {
        ephemeral(manifest);
        manifest["spec"]["exporter"]["podLabels"] = json!({"team": "shop", "tier": "1"});
        manifest["spec"]["exporter"]["nodeSelector"] = json!({"disk": "ssd"});
        manifest["spec"]["exporter"]["tolerations"] = json!([{"operator": "Exists"}]);
        manifest["spec"]["exporter"]["resources"] =
            json!({"limits": {"cpu": "2", "memory": "2Gi"}});
        manifest["spec"]["integrations"] = json!({"labels": {"release": "prometheus"}});
    });
    place.wait_until_applied("shop");
    let pod = |pointer: &str| {
        let child = place.child("deployment", "shop").unwrap();
        child["spec"]["template"].pointer(pointer).cloned()
    };
    let applied_since = |before: &Value| {
        place.wait_for("the change is applied", || {
            let now = place.child("deployment", "shop")?;
            (now["metadata"]["generation"] != before["metadata"]["generation"]).then_some(())
        });
        place.wait_until_applied("shop");
    };
    let before = place.child("deployment", "shop").unwrap();
    let without = json!({"spec": {
        "exporter": {
            "podLabels": {"tier": null},
            "nodeSelector": null,
            "tolerations": null,
            "resources": {"limits": {"cpu": null}},
        },
        "integrations": null,
    }});
    place.merge("featuremonitor", "shop", &without);
    applied_since(&before);
    assert_eq!(pod("/metadata/labels/team"), Some(json!("shop")));
    assert_eq!(pod("/metadata/labels/tier"), None);
    assert_eq!(pod("/spec/nodeSelector"), None);
    assert_eq!(pod("/spec/tolerations"), None);
    assert_eq!(
        pod("/spec/containers/0/resources/limits"),
        Some(json!({"memory": "2Gi"}))
    );
    let labels = |kind: &str| place.child(kind, "shop").unwrap()["metadata"]["labels"].clone();
    assert_eq!(labels("servicemonitor")["release"], Value::Null);
    // The second change finds fields that were set by apply.
    let before = place.child("deployment", "shop").unwrap();
    let without = json!({"spec": {"exporter": {"podLabels": null}}});
    place.merge("featuremonitor", "shop", &without);
    applied_since(&before);
    assert_eq!(pod("/metadata/labels/team"), None);
    place.end();
}
