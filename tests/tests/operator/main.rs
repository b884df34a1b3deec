//! The operator on a real API server with real controllers, with the chart's own permissions: what it makes, keeps, says
//! and leaves alone.
//!
//! The tests share one cluster. Each has a namespace with a release of the chart that watches nothing else, so that they
//! do not see each other. What changes a whole cluster has one of its own, in [`permissions`].

#![allow(clippy::unwrap_used)] // A test says by panicking what is wrong.

mod drift;
mod faults;
mod foreign;
mod lease;
mod life;
mod permissions;
mod quiet;
mod said;
mod state;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use harness::cluster::{Cluster, Size};
use harness::operator::{Operator, Release, monitoring_crd};
use serde_json::{Value, json};

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon an edited or deleted child is repaired.
const REPAIR: Duration = Duration::from_secs(20);
/// Every kind of child.
const CHILDREN: [&str; 9] = [
    "serviceaccount",
    "configmap",
    "persistentvolumeclaim",
    "deployment",
    "service",
    "networkpolicy",
    "servicemonitor",
    "prometheusrule",
    "alertmanagerconfig",
];
/// Kinds of the Prometheus operator that children have.
const MONITORING: [&str; 3] = ["servicemonitors", "prometheusrules", "alertmanagerconfigs"];

/// The cluster that tests share: with all CRDs, and a node that is played.
fn shared() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
        let cluster = Cluster::start(Size::Control);
        // Larger than what client-side apply can note in an annotation.
        let apply = ["apply", "--server-side", "-f", "-"];
        cluster
            .kubectl_input(&apply, &feature_monitor_crd())
            .unwrap();
        established(&cluster, "featuremonitors.featuremonitor.io");
        for kind in MONITORING {
            cluster
                .kubectl_input(&apply, &monitoring_crd(kind))
                .unwrap();
            established(&cluster, &format!("{kind}.monitoring.coreos.com"));
        }
        // A claim's class is filled in by the API server, and is nobody's to change.
        cluster.apply(CLASS).unwrap();
        cluster.play_nodes(1);
        cluster
    });
    &CLUSTER
}

const CLASS: &str = "
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: test, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
";

fn established(cluster: &Cluster, crd: &str) {
    let crd = format!("crd/{crd}");
    let wait = ["wait", "--for=condition=Established", "--timeout=60s", &crd];
    // kubectl takes it for an error that there are no conditions yet.
    cluster.wait_for(&format!("the {crd} is established"), PATIENCE, || {
        cluster.kubectl(&wait).ok()
    });
}

fn feature_monitor_crd() -> String {
    std::fs::read_to_string(crds("generated/featuremonitors.featuremonitor.io.yaml")).unwrap()
}

fn crds(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crds")
        .join(path)
}

/// Flags that make an operator look often enough for a test.
const BRISK: [&str; 3] = [
    "--status-interval=1s",
    "--discovery-interval=1s",
    "--lease.duration=6s",
];

/// A namespace with a release and its operator.
struct Place {
    release: Release<'static>,
    operator: Operator,
}

impl Place {
    fn new(namespace: &str) -> Self {
        Self::with(namespace, &[])
    }

    /// One whose operator has more flags.
    fn with(namespace: &str, flags: &[&str]) -> Self {
        let release = Release::install_alone(shared(), namespace, &[]);
        let mut operator = release.start(&[&BRISK, flags].concat());
        operator.wait_until_it_leads();
        Self { release, operator }
    }

    fn cluster(&self) -> &'static Cluster {
        self.release.cluster()
    }

    fn namespace(&self) -> &str {
        self.release.namespace()
    }

    /// Runs kubectl in the namespace.
    fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let namespace = ["--namespace", self.namespace()];
        self.cluster().kubectl(&[arguments, &namespace].concat())
    }

    /// Applies a monitor: that of the example, with changes.
    fn apply(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let manifest = monitor(self.namespace(), name, change);
        self.cluster().apply(&manifest).unwrap();
    }

    /// Patches an object by a JSON merge patch.
    fn merge(&self, kind: &str, name: &str, patch: &Value) {
        let patch = patch.to_string();
        let arguments = ["patch", kind, name, "--type=merge", "--patch", &patch];
        self.kubectl(&arguments).unwrap();
    }

    fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let arguments = [kind, name, "--namespace", self.namespace()];
        self.cluster().get(&arguments)
    }

    /// A child of a monitor.
    fn child(&self, kind: &str, monitor: &str) -> Option<Value> {
        self.get(kind, &format!("{monitor}-exporter"))
    }

    fn condition(&self, monitor: &str, kind: &str) -> Option<Value> {
        condition(&self.get("featuremonitor", monitor)?, kind)
    }

    fn wait_for<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        self.within(PATIENCE, what, ask)
    }

    /// Asks again and again until there is an answer, which must come in time.
    fn within<T>(&self, most: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            if begun.elapsed() > most {
                let monitors = ["get", "featuremonitors", "--output=yaml"];
                let monitors = self.kubectl(&monitors).unwrap_or_else(|error| error);
                panic!("waited {most:?} until {what}:\n{monitors}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until a condition has a status and a reason; gives its message.
    fn wait_for_condition(&self, monitor: &str, kind: &str, status: &str, reason: &str) -> String {
        let what = format!("{kind} of {monitor} is {status} for {reason}");
        self.wait_for(&what, || {
            let found = self.condition(monitor, kind)?;
            let holds = found["status"] == status && found["reason"] == reason;
            holds.then(|| found["message"].as_str().unwrap().to_owned())
        })
    }

    /// Waits until all that belongs to a monitor is there.
    fn wait_until_applied(&self, monitor: &str) {
        self.wait_for(&format!("the children of {monitor} are there"), || {
            let resource = self.get("featuremonitor", monitor)?;
            let seen = resource["status"]["observedGeneration"].as_i64()?;
            (Some(seen) == resource["metadata"]["generation"].as_i64()).then_some(())?;
            ["ChildrenApplied", "IntegrationsApplied"]
                .iter()
                .all(|kind| {
                    condition(&resource, kind).is_some_and(|found| found["reason"] == "Applied")
                })
                .then_some(())
        });
    }

    /// Ends the operator as a kubelet would. The API server must have refused it nothing.
    fn end(self) -> Release<'static> {
        self.operator.terminate();
        let refused: Vec<_> = self
            .release
            .requests()
            .into_iter()
            .filter(|request| !request.permitted)
            .collect();
        assert_eq!(refused, [], "the API server refuses it something");
        self.release
    }
}

fn condition(resource: &Value, kind: &str) -> Option<Value> {
    let conditions = resource["status"]["conditions"].as_array()?;
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
        .cloned()
}

/// The manifest of the example with another name and place, somebody who is told, and changes.
fn monitor(namespace: &str, name: &str, change: impl FnOnce(&mut Value)) -> String {
    let text = std::fs::read_to_string(crds("examples/customer-segmentation.yaml")).unwrap();
    let mut manifest: Value = serde_saphyr::from_str(&text).unwrap();
    manifest["metadata"] = json!({"name": name, "namespace": namespace});
    manifest["spec"]["notifications"] = json!({
        "receivers": [{"name": "chat", "slack": {"url": {"secretRef": {"name": "slack", "key": "url"}}}}],
        "routes": [{"to": ["chat"]}],
    });
    change(&mut manifest);
    manifest.to_string()
}

/// Without a claim, so that the played node takes the pod.
fn ephemeral(manifest: &mut Value) {
    manifest["spec"]["exporter"]["state"] = json!({"ephemeral": {}});
}

/// What an object is, without its status, its history and the notes of Kubernetes' own controllers.
fn content(object: &Value) -> Value {
    let mut content = object.clone();
    content.as_object_mut().unwrap().remove("status");
    let meta = &object["metadata"];
    let mut annotations = meta["annotations"].clone();
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.retain(|name, _| {
            !name.starts_with("deployment.kubernetes.io/") && !name.contains("volume")
        });
    }
    content["metadata"] = json!({
        "name": meta["name"],
        "labels": meta["labels"],
        "annotations": annotations.as_object().filter(|all| !all.is_empty()),
        "ownerReferences": meta["ownerReferences"],
        "uid": meta["uid"],
    });
    content
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap().to_owned()
}
