//! What somebody edits or deletes is as it shall be again within seconds.

use serde_json::{Value, json};

use crate::{CHILDREN, Place, REPAIR, content, uid};

/// What is edited, one after the other: a kind, and a JSON patch.
fn edits() -> Vec<(&'static str, Value)> {
    let mut edits = Vec::new();
    // What every kind has.
    for kind in CHILDREN {
        edits.extend([
            (
                kind,
                json!([{"op": "remove", "path": "/metadata/labels/app.kubernetes.io~1managed-by"}]),
            ),
            (
                kind,
                json!([{"op": "replace", "path": "/metadata/labels/featuremonitor.io~1monitor", "value": "another"}]),
            ),
            (
                kind,
                json!([{"op": "replace", "path": "/metadata/labels/app.kubernetes.io~1name", "value": "another"}]),
            ),
        ]);
    }
    let set = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let container = "/spec/template/spec/containers/0";
    edits.extend([
        (
            "serviceaccount",
            set("/automountServiceAccountToken", json!(true)),
        ),
        ("configmap", set("/data/monitor.json", json!("{}"))),
        (
            "configmap",
            json!([{"op": "remove", "path": "/data/monitor.json"}]),
        ),
        ("configmap", set("/data/more.json", json!("{}"))),
        ("deployment", set("/spec/replicas", json!(0))),
        (
            "deployment",
            set("/spec/strategy", json!({"type": "RollingUpdate"})),
        ),
        ("deployment", set(&format!("{container}/image"), json!("x"))),
        (
            "deployment",
            set(&format!("{container}/args"), json!(["check"])),
        ),
        (
            "deployment",
            set(&format!("{container}/name"), json!("another")),
        ),
        (
            "deployment",
            set(
                &format!("{container}/env"),
                json!([{"name": "HTTPS_PROXY", "value": "http://example.com"}]),
            ),
        ),
        (
            "deployment",
            set(&format!("{container}/ports/0/containerPort"), json!(8080)),
        ),
        (
            "deployment",
            set(
                &format!("{container}/securityContext/readOnlyRootFilesystem"),
                json!(false),
            ),
        ),
        (
            "deployment",
            set(
                &format!("{container}/resources/limits/memory"),
                json!("512Mi"),
            ),
        ),
        (
            "deployment",
            json!([{"op": "remove", "path": format!("{container}/livenessProbe")}]),
        ),
        (
            "deployment",
            set(
                "/spec/template/spec/volumes/0/configMap/name",
                json!("another"),
            ),
        ),
        (
            "deployment",
            set("/spec/template/spec/serviceAccountName", json!("default")),
        ),
        (
            "deployment",
            set("/spec/template/spec/hostNetwork", json!(true)),
        ),
        (
            "deployment",
            set(
                "/spec/template/metadata/labels/app.kubernetes.io~1part-of",
                json!("another"),
            ),
        ),
        ("service", set("/spec/selector", json!({"app": "another"}))),
        ("service", set("/spec/ports/0/targetPort", json!(80))),
        ("service", set("/spec/ports/0/port", json!(80))),
        ("service", set("/spec/type", json!("NodePort"))),
        ("networkpolicy", set("/spec/ingress", json!([{}]))),
        ("networkpolicy", set("/spec/podSelector", json!({}))),
        (
            "networkpolicy",
            set("/spec/policyTypes", json!(["Ingress", "Egress"])),
        ),
        (
            "servicemonitor",
            set("/spec/endpoints/0/interval", json!("1h")),
        ),
        ("servicemonitor", set("/spec/selector", json!({}))),
        ("servicemonitor", set("/spec/jobLabel", json!("another"))),
        (
            "prometheusrule",
            set("/spec/groups/0/interval", json!("1h")),
        ),
        ("prometheusrule", set("/spec/groups/1/rules", json!([]))),
    ]);
    edits
}

#[test]
fn what_is_edited_is_repaired() {
    let place = Place::new("edited");
    place.apply("shop", |_| {});
    place.wait_until_applied("shop");
    let mut wrong = Vec::new();
    for (kind, patch) in edits() {
        let before = content(&place.child(kind, "shop").unwrap());
        let text = patch.to_string();
        let arguments = ["patch", kind, "shop-exporter", "--type=json", "--patch"];
        let edited = place.kubectl(&[&arguments[..], &[&text]].concat()).unwrap();
        assert!(!edited.contains("no change"), "{kind} {text}: {edited}");
        let begun = std::time::Instant::now();
        let mut now = Value::Null;
        while begun.elapsed() < REPAIR && now != before {
            now = content(&place.child(kind, "shop").unwrap());
        }
        if now != before {
            wrong.push(format!("{kind} {text}:\n{now}\nwas\n{before}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    place.end();
}

#[test]
fn what_is_deleted_is_made_anew() {
    let place = Place::new("deleted");
    place.apply("shop", |_| {});
    place.wait_until_applied("shop");
    // A claim goes only when nothing uses it any more: another test.
    for kind in CHILDREN
        .into_iter()
        .filter(|kind| *kind != "persistentvolumeclaim")
    {
        let before = place.child(kind, "shop").unwrap();
        let delete = ["delete", kind, "shop-exporter", "--wait=false"];
        place.kubectl(&delete).unwrap();
        let after = place.within(REPAIR, &format!("the {kind} is there again"), || {
            place.child(kind, "shop").filter(|now| {
                uid(now) != uid(&before) && now["metadata"]["deletionTimestamp"].is_null()
            })
        });
        let same = |object: &Value| {
            let content = content(object);
            (
                content["metadata"]["labels"].clone(),
                content["metadata"]["ownerReferences"].clone(),
            )
        };
        assert_eq!(same(&after), same(&before));
    }
    place.end();
}
