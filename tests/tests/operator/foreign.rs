//! An object of somebody else that has a child's name.

use serde_json::json;

use crate::{CHILDREN, Place, content, ephemeral, uid};

/// Objects of others, named as the children of the monitors `KIND-monitor`.
const FOREIGN: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: serviceaccount-monitor-exporter}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: configmap-monitor-exporter}
data: {monitor.json: theirs}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: persistentvolumeclaim-monitor-exporter}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: deployment-monitor-exporter}
spec:
  selector: {matchLabels: {app: theirs}}
  template:
    metadata: {labels: {app: theirs}}
    spec: {containers: [{name: theirs, image: 'theirs:1'}]}
---
apiVersion: v1
kind: Service
metadata: {name: service-monitor-exporter}
spec: {selector: {app: theirs}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: networkpolicy-monitor-exporter}
spec: {podSelector: {}}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: servicemonitor-monitor-exporter}
spec: {selector: {}, endpoints: []}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: prometheusrule-monitor-exporter}
spec: {groups: []}
---
apiVersion: monitoring.coreos.com/v1alpha1
kind: AlertmanagerConfig
metadata: {name: alertmanagerconfig-monitor-exporter}
spec: {route: {receiver: theirs}, receivers: [{name: theirs}]}
";

#[test]
fn objects_of_others_are_reported_and_left_alone() {
    let place = Place::new("foreign");
    let in_namespace = ["apply", "-f", "-", "--namespace", place.namespace()];
    let apply = |manifests: &str| {
        place
            .cluster()
            .kubectl_input(&in_namespace, manifests)
            .unwrap();
    };
    apply(FOREIGN);
    let monitor_of = |kind: &str| format!("{kind}-monitor");
    let before = CHILDREN.map(|kind| content(&place.child(kind, &monitor_of(kind)).unwrap()));
    for kind in CHILDREN {
        place.apply(&monitor_of(kind), |_| {});
    }
    let about = |kind: &str| match kind {
        "servicemonitor" | "prometheusrule" | "alertmanagerconfig" => "IntegrationsApplied",
        _ => "ChildrenApplied",
    };
    for kind in CHILDREN {
        let said = place.wait_for_condition(&monitor_of(kind), about(kind), "False", "NameTaken");
        let said = said.to_lowercase();
        assert!(said.starts_with(&format!("a {kind} ")), "{said}");
        assert!(said.contains("nobody controls it"), "{said}");
        // The others are made.
        for other in CHILDREN.into_iter().filter(|other| *other != kind) {
            place.wait_for(&format!("a {other} beside the {kind}"), || {
                place.child(other, &monitor_of(kind))
            });
        }
    }
    let after = CHILDREN.map(|kind| content(&place.child(kind, &monitor_of(kind)).unwrap()));
    assert_eq!(after, before);

    // Nobody watches what lacks our label; it is looked at again, and at once when the monitor is touched.
    for kind in CHILDREN {
        let name = format!("{kind}-monitor-exporter");
        place.kubectl(&["delete", kind, &name]).unwrap();
    }
    let touch = ["annotate", "featuremonitors", "--all", "touched=1"];
    place.kubectl(&touch).unwrap();
    for kind in CHILDREN {
        place.wait_until_applied(&monitor_of(kind));
    }

    // Another monitor's child, and one that somebody else labelled as ours, are foreign too.
    place.apply("first", ephemeral);
    place.wait_until_applied("first");
    let first = place.child("configmap", "first").unwrap();
    let mut theirs = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "second-exporter",
            "labels": first["metadata"]["labels"],
            "ownerReferences": first["metadata"]["ownerReferences"],
        },
    });
    theirs["metadata"]["labels"]["featuremonitor.io/monitor"] = json!("second");
    apply(&theirs.to_string());
    let theirs = uid(&place.child("configmap", "second").unwrap());
    place.apply("second", ephemeral);
    let said = place.wait_for_condition("second", "ChildrenApplied", "False", "NameTaken");
    assert!(said.contains("FeatureMonitor first"), "{said}");
    place
        .kubectl(&["delete", "configmap", "second-exporter"])
        .unwrap();
    place.wait_until_applied("second");
    assert_ne!(uid(&place.child("configmap", "second").unwrap()), theirs);
    place.end();
}
