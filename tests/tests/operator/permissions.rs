//! One cluster from the chart's installation to its end, with a ClusterRole: what the chart grants is what the operator
//! uses. And what changes for a whole cluster: optional APIs that come and go, and resources that cannot be read.

use std::collections::BTreeSet;

use harness::cluster::{Cluster, Size};
use harness::operator::{NAME, Operator, Release, monitoring_crd};
use serde_json::{Value, json};

use crate::{
    BRISK, CHILDREN, MONITORING, PATIENCE, Place, condition, crds, ephemeral, established, monitor,
    shared,
};

const CRD: &str = "featuremonitors.featuremonitor.io";
const NAMESPACE: &str = "ml-prod";

/// Group, resource and verb.
type Permission = (String, String, String);

#[test]
fn what_is_granted_is_used_from_installation_to_end() {
    let cluster = Cluster::start(Size::Control);
    cluster.play_nodes(1);
    let release = Release::install(&cluster, "feature-monitor", &[]);
    established(&cluster, CRD);
    cluster
        .kubectl(&["create", "namespace", NAMESPACE])
        .unwrap();
    let mut operator = start(&release);

    optional_apis_come_and_go(&cluster, &operator);
    the_unreadable_stops_nobody(&cluster, &release, &mut operator);
    what_lost_its_label_is_looked_at(&cluster);
    a_mistake_is_repeated(&cluster);
    // The played node has no volume for the claim.
    wait_for_condition(
        &cluster,
        "shop",
        "ExporterAvailable",
        "False",
        "Unschedulable",
    );
    let state = json!({"spec": {"exporter": {"state": {"volumeClaim": null, "ephemeral": {}}}}});
    merge(&cluster, "shop", &state);
    wait_until_gone(&cluster, "persistentvolumeclaim");

    // An upgrade that switches children off, to be heard by the operator's next pod.
    operator.terminate();
    const FIELDS: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    an_older_release_had_the_crd_without(&cluster, FIELDS, "paused");
    release.upgrade(&[
        "--set=exporter.networkPolicy.enabled=false",
        "--set=exporter.serviceMonitor.enabled=false",
        "--set=exporter.prometheusRule.enabled=false",
        "--set=exporter.alertmanagerConfig.enabled=false",
        "--set=serviceMonitor.enabled=true",
        "--set=prometheusRule.enabled=true",
        "--set=links.grafana=https://grafana.example.com",
    ]);
    let crd = cluster.get(&["crd", CRD]).unwrap();
    let fields = crd.pointer(FIELDS).unwrap();
    assert!(fields["paused"].is_object(), "the CRD is upgraded too");
    release.object("servicemonitor", NAME);
    // What promtool accepts, the API server does too, with the links that the values give.
    let rules = release.object("prometheusrule", NAME)["spec"].to_string();
    assert!(
        rules.contains("https://grafana.example.com/d/featuremonitor-health"),
        "{rules}"
    );
    assert!(
        !rules.contains("GRAFANA_URL") && !rules.contains("RUNBOOKS_URL"),
        "{rules}"
    );
    let operator = start(&release);
    wait_until_gone(&cluster, "networkpolicy");
    wait_until_gone(&cluster, "servicemonitor");
    wait_until_gone(&cluster, "prometheusrule");
    wait_until_gone(&cluster, "alertmanagerconfig");
    wait_for_condition(&cluster, "shop", "IntegrationsApplied", "True", "Off");
    operator.terminate();

    let granted = granted(&release);
    let requests = release.requests();
    let refused: Vec<_> = requests
        .iter()
        .filter(|request| !request.permitted)
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    let used: BTreeSet<Permission> = requests
        .into_iter()
        .map(|request| (request.group, request.resource, request.verb))
        .collect();
    let unused: Vec<_> = granted.difference(&used).collect();
    assert!(unused.is_empty(), "granted and not used: {unused:?}");
    let more: Vec<_> = used.difference(&granted).collect();
    assert!(more.is_empty(), "used and not granted: {more:?}");

    release.uninstall();
    assert!(cluster.get(&["clusterrole", NAME]).is_none());
    assert!(cluster.get(&["crd", CRD]).is_some(), "the CRD is kept");
    assert!(get(&cluster, "featuremonitor", "shop").is_some());
    assert!(child(&cluster, "deployment").is_some());
}

/// Writes the CRD as Helm would have, without one field.
fn an_older_release_had_the_crd_without(cluster: &Cluster, fields: &str, field: &str) {
    let mut crd = cluster.get(&["crd", CRD]).unwrap();
    let metadata = &crd["metadata"];
    crd["metadata"] = json!({
        "name": CRD,
        "labels": metadata["labels"],
        "annotations": metadata["annotations"],
    });
    crd.as_object_mut().unwrap().remove("status");
    let fields = crd.pointer_mut(fields).unwrap();
    assert!(fields.as_object_mut().unwrap().remove(field).is_some());
    let as_helm = ["--server-side", "--force-conflicts", "--field-manager=helm"];
    let arguments = [&["apply", "-f", "-"], &as_helm[..]].concat();
    cluster.kubectl_input(&arguments, &crd.to_string()).unwrap();
}

/// What the chart grants, as the API server has it.
fn granted(release: &Release) -> BTreeSet<Permission> {
    let all = release
        .cluster()
        .get(&["clusterrole", NAME])
        .expect("the chart makes a ClusterRole");
    let lease = release.object("role", &format!("{NAME}-lease"));
    let rules = [&all, &lease].map(|role| role["rules"].as_array().unwrap().clone());
    let texts = |rule: &Value, field: &str| -> Vec<String> {
        let texts = rule[field].as_array().unwrap().iter();
        texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let mut granted = BTreeSet::new();
    for rule in rules.iter().flatten() {
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                for verb in texts(rule, "verbs") {
                    granted.insert((group.clone(), resource.clone(), verb));
                }
            }
        }
    }
    granted
}

fn optional_apis_come_and_go(cluster: &Cluster, operator: &Operator) {
    apply(cluster, "shop", |_| {});
    wait_for_condition(cluster, "shop", "ChildrenApplied", "True", "Applied");
    wait_for_condition(cluster, "shop", "IntegrationsApplied", "False", "ApiAbsent");
    let resource = get(cluster, "featuremonitor", "shop").unwrap();
    let ready = condition(&resource, "Ready").unwrap();
    assert_ne!(ready["reason"], "ApiAbsent", "Ready does not need it");
    let make = |kind: &str| {
        let arguments = ["apply", "--server-side", "-f", "-"];
        cluster
            .kubectl_input(&arguments, &monitoring_crd(kind))
            .unwrap();
    };
    for _ in 0..2 {
        make("servicemonitors");
        cluster.wait_for("the others are named alone", PATIENCE, || {
            let resource = get(cluster, "featuremonitor", "shop")?;
            let said = condition(&resource, "IntegrationsApplied")?["message"].clone();
            let alone = said
                .as_str()?
                .starts_with("The cluster has no PrometheusRule, AlertmanagerConfig (");
            alone.then_some(())
        });
        make("prometheusrules");
        make("alertmanagerconfigs");
        wait_for_condition(cluster, "shop", "IntegrationsApplied", "True", "Applied");
        for kind in ["servicemonitor", "prometheusrule", "alertmanagerconfig"] {
            assert!(child(cluster, kind).is_some());
            // It is watched: what is deleted is made anew.
            kubectl(cluster, &["delete", kind, "shop-exporter"]);
            cluster.wait_for("it is there again", PATIENCE, || child(cluster, kind));
        }
        for kind in MONITORING {
            let crd = format!("{kind}.monitoring.coreos.com");
            cluster.kubectl(&["delete", "crd", &crd]).unwrap();
        }
        wait_for_condition(cluster, "shop", "IntegrationsApplied", "False", "ApiAbsent");
    }
    for kind in MONITORING {
        make(kind);
    }
    wait_for_condition(cluster, "shop", "IntegrationsApplied", "True", "Applied");
    let failures = "featuremonitor_operator_reconciliations_total{outcome=\"failure\"}";
    assert!(operator.metric(failures) <= 3.0, "{}", operator.log());
}

/// A resource of another release, say: its CRD takes what ours does not.
fn the_unreadable_stops_nobody(cluster: &Cluster, release: &Release, operator: &mut Operator) {
    let schema = |schema: &Value| {
        let path = "/spec/versions/0/schema/openAPIV3Schema";
        let patch = json!([{"op": "replace", "path": path, "value": schema}]).to_string();
        // As an argument it would be too long.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("patch.json");
        std::fs::write(&file, patch).unwrap();
        let file = file.to_str().unwrap();
        let patch = ["patch", "crd", CRD, "--type=json", "--patch-file", file];
        cluster.kubectl(&patch).unwrap();
    };
    let crd = cluster.get(&["crd", CRD]).unwrap();
    let ours = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    schema(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    cluster.wait_for("the CRD takes anything", PATIENCE, || {
        let broken = json!({
            "apiVersion": "featuremonitor.io/v1alpha1",
            "kind": "FeatureMonitor",
            "metadata": {"name": "broken", "namespace": NAMESPACE},
            "spec": {"data": 5},
        });
        cluster.apply(&broken.to_string()).ok()
    });
    operator.wait_for_metric(
        "featuremonitor_operator_reconciliations_total{outcome=\"unreadable\"}",
        |count| count >= 1.0,
    );
    let about = "featuremonitor_operator_monitor_condition{monitor=\"broken\",condition=\"Ready\"}";
    operator.wait_for_metric(about, |ready| ready == 0.0);
    apply(cluster, "fine", ephemeral);
    wait_for_condition(cluster, "fine", "ChildrenApplied", "True", "Applied");
    let event = cluster.wait_for("there is an event", PATIENCE, || {
        let namespace = ["--namespace", NAMESPACE];
        let events = cluster.get(&[&["events.events.k8s.io"], &namespace[..]].concat())?;
        let events = events["items"].as_array()?.clone();
        events
            .into_iter()
            .find(|event| event["regarding"]["name"] == "broken")
    });
    assert_eq!(event["reason"], "Unreadable");
    assert_eq!(event["type"], "Warning");
    // An operator that starts while it is there lists it, and works too.
    operator.signal("-TERM");
    assert!(operator.ended().success());
    *operator = start(release);
    operator.wait_for_metric(about, |ready| ready == 0.0);
    apply(cluster, "finer", ephemeral);
    wait_for_condition(cluster, "finer", "ChildrenApplied", "True", "Applied");
    kubectl(
        cluster,
        &["delete", "featuremonitor", "broken", "fine", "finer"],
    );
    operator.wait_for("no series is about it", |port| {
        let text = harness::http::get(port, "/metrics").ok()?;
        (!text.contains("broken")).then_some(())
    });
    schema(&ours);
}

/// Nobody watches a child that lost its label: it is found by its name.
fn what_lost_its_label_is_looked_at(cluster: &Cluster) {
    for kind in CHILDREN {
        let label = "app.kubernetes.io/managed-by";
        let remove = ["label", kind, "shop-exporter", &format!("{label}-")];
        kubectl(cluster, &remove);
        cluster.wait_for(&format!("the {kind} has its label"), PATIENCE, || {
            let child = child(cluster, kind)?;
            (child["metadata"]["labels"][label] == NAME).then_some(())
        });
    }
}

/// An event that comes again is counted in the first one.
fn a_mistake_is_repeated(cluster: &Cluster) {
    for _ in 0..2 {
        merge(
            cluster,
            "shop",
            &json!({"spec": {"schedule": {"every": "31d"}}}),
        );
        wait_for_condition(cluster, "shop", "SpecValid", "False", "SpecInvalid");
        merge(
            cluster,
            "shop",
            &json!({"spec": {"schedule": {"every": "1h"}}}),
        );
        wait_for_condition(cluster, "shop", "SpecValid", "True", "Valid");
    }
}

fn start(release: &Release) -> Operator {
    let mut operator = release.start(&BRISK);
    operator.wait_until_it_leads();
    operator
}

fn kubectl(cluster: &Cluster, arguments: &[&str]) -> String {
    let namespace = ["--namespace", NAMESPACE];
    cluster.kubectl(&[arguments, &namespace].concat()).unwrap()
}

fn get(cluster: &Cluster, kind: &str, name: &str) -> Option<Value> {
    cluster.get(&[kind, name, "--namespace", NAMESPACE])
}

fn child(cluster: &Cluster, kind: &str) -> Option<Value> {
    get(cluster, kind, "shop-exporter")
}

fn wait_until_gone(cluster: &Cluster, kind: &str) {
    cluster.wait_for(&format!("the {kind} is gone"), PATIENCE, || {
        child(cluster, kind).is_none().then_some(())
    });
}

fn apply(cluster: &Cluster, name: &str, change: impl FnOnce(&mut Value)) {
    cluster.apply(&monitor(NAMESPACE, name, change)).unwrap();
}

fn merge(cluster: &Cluster, name: &str, patch: &Value) {
    let patch = patch.to_string();
    let arguments = [
        "patch",
        "featuremonitor",
        name,
        "--type=merge",
        "--patch",
        &patch,
    ];
    kubectl(cluster, &arguments);
}

fn wait_for_condition(cluster: &Cluster, name: &str, kind: &str, status: &str, reason: &str) {
    let what = format!("{kind} of {name} is {status} for {reason}");
    cluster.wait_for(&what, PATIENCE, || {
        let resource = get(cluster, "featuremonitor", name)?;
        let observed = &resource["status"]["observedGeneration"];
        let found = condition(&resource, kind)?;
        let holds = found["status"] == status
            && found["reason"] == reason
            && *observed == resource["metadata"]["generation"];
        holds.then_some(())
    });
}

#[test]
fn an_operator_of_some_namespaces_asks_for_nothing_else() {
    let cluster = shared();
    let [own, second, elsewhere] = ["watched", "watched-too", "not-watched"];
    for namespace in [second, elsewhere] {
        cluster
            .kubectl(&["create", "namespace", namespace])
            .unwrap();
    }
    let watched = format!("watchNamespaces={}", json!([own, second]));
    let release = Release::install_alone(cluster, own, &["--set-json", &watched]);
    let mut operator = release.start(&BRISK);
    operator.wait_until_it_leads();
    for namespace in [elsewhere, second, own] {
        cluster
            .apply(&monitor(namespace, "shop", ephemeral))
            .unwrap();
    }
    let place = Place { release, operator };
    place.wait_until_applied("shop");
    let of = |namespace, kind, name| cluster.get(&[kind, name, "--namespace", namespace]);
    place.wait_for("the second namespace's monitor is reconciled too", || {
        let resource = of(second, "featuremonitor", "shop")?;
        let applied = condition(&resource, "ChildrenApplied")?;
        (applied["reason"] == "Applied").then_some(())
    });
    // A child there is watched too.
    let delete = ["delete", "service", "shop-exporter", "--namespace", second];
    cluster.kubectl(&delete).unwrap();
    place.wait_for("the Service is there again", || {
        of(second, "service", "shop-exporter")
    });
    assert!(of(elsewhere, "featuremonitor", "shop").unwrap()["status"].is_null());
    let of_chart = ["--selector=app.kubernetes.io/part-of=feature-monitor"];
    let cluster_wide = ["get", "clusterroles,clusterrolebindings", "--output=name"];
    let cluster_wide = cluster
        .kubectl(&[&cluster_wide[..], &of_chart].concat())
        .unwrap();
    assert_eq!(cluster_wide, "");
    let release = place.end();
    for request in release.requests() {
        assert!(
            [own, second].contains(&request.namespace.as_str()),
            "{request:?}"
        );
    }
}

/// What `plan` prints is what a person reviews, and what an API server takes.
#[test]
fn plans_of_the_examples_are_what_they_were_and_are_accepted() {
    let cluster = shared();
    cluster
        .kubectl(&["create", "namespace", NAMESPACE])
        .unwrap();
    for example in [
        "customer-segmentation",
        "hopsworks-mtls",
        "latest-table",
        "warehouse-sql",
    ] {
        let output = harness::operator::command()
            .args(["plan", "-f"])
            .arg(crds(&format!("examples/{example}.yaml")))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let plan = String::from_utf8(output.stdout).unwrap();
        insta::assert_snapshot!(example, plan);
        let dry = ["apply", "--dry-run=server", "--output=name", "-f", "-"];
        let accepted = cluster.kubectl_input(&dry, &plan).unwrap();
        assert_eq!(accepted.lines().count(), plan.matches("---\n").count());
    }
}
