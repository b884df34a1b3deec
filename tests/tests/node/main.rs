//! `make cluster`, and then the life of a monitor in it: real pods, images, Services and volumes on a real node.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod monitoring;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use harness::cluster::Cluster;
use harness::exporter::Metrics;
use harness::{http, tools};
use serde_json::{Value, json};

const NAMESPACE: &str = "ml-prod";
const MONITOR: &str = "customer-segmentation";
const EXPORTER: &str = "customer-segmentation-exporter";
/// The operator's namespace, and the release of its chart.
const OPERATOR: &str = "feature-monitor";
/// How long one step may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// One test: a cluster, its images and the chart take as long as all that happens in it.
#[test]
fn the_life_of_a_monitor_on_a_node() {
    let port = http::free_port();
    let mut said = String::new();
    let cluster = Cluster::node_started_by(|folder| {
        let arguments = ["--owner", &std::process::id().to_string()];
        let up = make_cluster(folder, "up", port, &arguments);
        said = text(&up.stdout);
        let errors = text(&up.stderr);
        assert!(up.status.success(), "{said}\n{errors}");
    });
    let Some(cluster) = cluster else {
        return;
    };
    let story = Story { cluster, said };
    story.is_ready_as_make_cluster_says(port);
    story.is_scraped_and_judged_by_its_rules();
    story.has_its_routes_in_force();
    story.tells_of_a_fault_by_its_routes();
    story.says_which_secret_of_a_receiver_is_missing();
    story.survives_the_end_of_its_pod();
    story.takes_up_a_new_config_in_the_same_pod();
    story.gets_a_new_pod_when_the_pod_changes();
    story.names_the_secret_that_is_missing();
    story.says_that_the_source_is_down();
    story.says_that_an_image_cannot_be_pulled();
    story.leaves_nothing_when_it_is_deleted();
    story.has_neither_rules_nor_routes();
    story.happens_in_a_cluster_that_exists();
    story.ends(port);
}

struct Story {
    cluster: Cluster,
    /// What `make cluster` said.
    said: String,
}

impl Story {
    fn is_ready_as_make_cluster_says(&self, port: u16) {
        let monitor = self.monitor();
        let created = time(&monitor["metadata"]["creationTimestamp"]);
        let ready = time(&self.condition("Ready").unwrap()["lastTransitionTime"]);
        let seconds = (ready - created).get_seconds();
        assert!(seconds <= 60, "it was ready after {seconds} s");
        for about in [
            "SpecValid",
            "ChildrenApplied",
            "ExporterAvailable",
            "ConfigInForce",
            "ReferencesResolved",
            "SourceReachable",
            "BaselineReady",
            "Evaluated",
            "IntegrationsApplied",
        ] {
            let condition = self.condition(about).unwrap();
            assert_eq!(condition["status"], "True", "{condition}");
        }
        assert_eq!(monitor["status"]["features"]["summary"], "38/38");

        for part in [
            "38/38",
            "featuremonitor_source_up{",
            "featuremonitor_baseline_rows{",
            "make cluster-down",
            &format!("http://localhost:{port}/"),
        ] {
            assert!(
                self.said.contains(part),
                "`{part}` is not in\n{}",
                self.said
            );
        }
        let columns = |arguments: &[&str]| {
            let table = self.kubectl(&[&["get", "fm", MONITOR], arguments].concat());
            let lines: Vec<Vec<String>> = table
                .lines()
                .map(|line| line.split_whitespace().map(str::to_owned).collect())
                .collect();
            lines
        };
        let table = columns(&[]);
        let head = ["NAME", "READY", "REASON", "FEATURES", "SOURCE", "AGE"];
        assert_eq!(table[0], head);
        let uri = "grpc://customer-features.ml-prod.svc:8815";
        assert_eq!(table[1][..5], [MONITOR, "True", "Ready", "38/38", uri]);
        let wide = columns(&["--output=wide"]);
        assert!(wide[0].len() > head.len(), "{wide:?}");

        // The strictest Pod Security, and two operators.
        for namespace in [OPERATOR, NAMESPACE] {
            let namespace = self.cluster.get(&["namespace", namespace]).unwrap();
            let enforced = "pod-security.kubernetes.io/enforce";
            assert_eq!(namespace["metadata"]["labels"][enforced], "restricted");
        }
        let of_operator = format!("--namespace={OPERATOR}");
        let operator = ["deployment", "feature-monitor-operator", &of_operator];
        let operator = self.cluster.get(&operator).unwrap();
        assert_eq!(operator["status"]["availableReplicas"], 2);

        // Through the Service: by the API server, and by the address that `make cluster` opened.
        let metrics = Metrics::parse(&self.ask("/metrics").unwrap());
        assert_eq!(metrics.find("featuremonitor_source_up"), Some(1.0));
        assert_eq!(metrics.find("featuremonitor_baseline_rows"), Some(13_874.0));
        // The baseline that the FeatureMonitor names is the one that is compared with.
        let named = self.wait("its status names the baseline", || {
            self.monitor()["status"].get("baseline").cloned()
        });
        let infos = metrics.labels("featuremonitor_baseline_info");
        let [info] = &infos[..] else {
            panic!("{infos:?}");
        };
        assert_eq!(named["digest"], info["digest"].as_str());
        assert_eq!(named["version"].to_string(), info["version"]);
        assert_eq!(named["revision"].to_string(), info["revision"]);
        let page = http::get(port, "/").unwrap();
        assert!(page.contains("<title>") && page.contains(MONITOR), "{page}");
        let events = self.kubectl(&["events", "--for=featuremonitor/customer-segmentation"]);
        assert!(events.contains("Features are pulled"), "{events}");
    }

    fn survives_the_end_of_its_pod(&self) {
        let (before, pod) = (self.status(), self.pod().unwrap());
        self.kubectl(&["delete", "pod", &pod.name, "--now"]);
        let new = self.wait("another pod runs", || {
            self.pod().filter(|new| new.uid != pod.uid)
        });
        let status = self.wait("its exporter has evaluated", || {
            self.ask_pod(&new).filter(evaluated)
        });
        assert_eq!(before["baseline"]["version"], 1);
        assert_eq!(status["baseline"], before["baseline"]);
        self.wait_until_ready();
    }

    fn takes_up_a_new_config_in_the_same_pod(&self) {
        let (before, pod) = (self.status(), self.pod().unwrap());
        let deployment = self.get("deployment");
        self.patch(json!({"owner": {"team": "retention"}}));
        self.wait_for_condition("ConfigInForce", "True", "InForce");
        self.wait_until_ready();
        let after = self.status();
        assert_ne!(after["configHash"], before["configHash"]);
        assert_eq!(after["baseline"], before["baseline"]);
        let metrics = self.ask("/metrics").unwrap();
        assert!(metrics.contains("team=\"retention\""), "the new config");
        // Neither another pod nor another container, and nothing to roll out.
        assert_eq!(self.pod().unwrap(), pod);
        let metadata = &self.get("deployment")["metadata"];
        assert_eq!(metadata["generation"], deployment["metadata"]["generation"]);
    }

    fn gets_a_new_pod_when_the_pod_changes(&self) {
        let (before, pod) = (self.status(), self.pod().unwrap());
        self.patch(json!({"exporter": {"podLabels": {"cost-center": "ml"}}}));
        let new = self.wait("another pod runs", || {
            self.pod().filter(|new| new.uid != pod.uid)
        });
        let labels = &self.get(&format!("pod/{}", new.name))["metadata"]["labels"];
        assert_eq!(labels["cost-center"], "ml");
        self.wait_until_ready();
        let after = self.status();
        assert_eq!(after["configHash"], before["configHash"]);
        assert_eq!(after["baseline"], before["baseline"]);
    }

    fn names_the_secret_that_is_missing(&self) {
        let reference = json!({"name": "flight-credentials", "key": "token"});
        let flight = json!({"auth": {"bearer": {"secretRef": reference}}});
        self.patch(json!({"source": {"flight": flight}}));
        let condition = self.wait_for_condition("ReferencesResolved", "False", "ReferenceMissing");
        let message = condition["message"].as_str().unwrap();
        let missing = "the Secret flight-credentials with the key token";
        assert!(message.contains(missing), "{message}");
        let pod = self.wait("a pod with the Secret's volume runs", || self.pod());
        let credentials = ["secret", "generic", "flight-credentials"];
        let key = ["--from-literal=token=canary-2f7c"];
        self.kubectl(&[&["create"], &credentials[..], &key].concat());
        self.wait_for_condition("ReferencesResolved", "True", "Resolved");
        self.wait_until_ready();
        // Taken up where it runs: the Secret came into the pod that was there.
        assert_eq!(self.pod().unwrap(), pod);
        let said = self.kubectl(&["logs", &pod.name]);
        assert!(!said.contains("canary-2f7c"), "{said}");
    }

    fn says_that_the_source_is_down(&self) {
        let folder = self.cluster.folder();
        let pid = std::fs::read_to_string(folder.join("pid/flight-server")).unwrap();
        let killed = Command::new("kill").arg(pid.trim()).status().unwrap();
        assert!(killed.success());
        let condition = self.wait_for_condition("SourceReachable", "False", "Unavailable");
        let message = condition["message"].as_str().unwrap();
        let uri = "grpc://customer-features.ml-prod.svc:8815 failed: ";
        assert!(message.contains(uri), "{message}");
        let ready = self.wait_for_condition("Ready", "False", "Unavailable");
        let message = ready["message"].as_str().unwrap();
        assert!(message.starts_with("SourceReachable: "), "{message}");
        // The last good results are served on, and the pod stays: it must still be scraped.
        let metrics = Metrics::parse(&self.ask("/metrics").unwrap());
        assert_eq!(metrics.find("featuremonitor_source_up"), Some(0.0));
        assert_eq!(
            self.condition("ExporterAvailable").unwrap()["status"],
            "True"
        );

        let started = Command::new(folder.join("flight-server")).status().unwrap();
        assert!(started.success());
        self.wait_for_condition("SourceReachable", "True", "Reachable");
        self.wait_until_ready();
    }

    fn says_that_an_image_cannot_be_pulled(&self) {
        let before = self.status();
        self.upgrade(&["--set=exporter.image.tag=of-a-typing-error"]);
        let condition = self.wait_for_condition("ExporterAvailable", "False", "ImagePullBackOff");
        let message = condition["message"].as_str().unwrap();
        let image =
            "The image localhost/feature-monitor-exporter:of-a-typing-error cannot be pulled";
        assert!(message.contains(image), "{message}");
        let ready = self.wait_for_condition("Ready", "False", "ImagePullBackOff");
        let message = ready["message"].as_str().unwrap();
        assert!(message.starts_with("ExporterAvailable: "), "{message}");

        self.upgrade(&["--set=exporter.image.tag=checkout"]);
        self.wait_for_condition("ExporterAvailable", "True", "Available");
        self.wait_until_ready();
        assert_eq!(self.status()["baseline"], before["baseline"]);
    }

    fn leaves_nothing_when_it_is_deleted(&self) {
        self.kubectl(&["delete", "fm", MONITOR, "--wait=false"]);
        let kinds = "all,configmap,persistentvolumeclaim,serviceaccount,networkpolicy,servicemonitor,prometheusrule,alertmanagerconfig";
        let selector = format!("--selector=featuremonitor.io/monitor={MONITOR}");
        self.wait("everything of it is gone", || {
            let left = self.kubectl(&["get", kinds, &selector, "--output=name"]);
            left.is_empty().then_some(())
        });
        // What was there before is not touched.
        self.get("secret/flight-credentials");
        self.get("service/customer-features");
    }

    /// `make cluster CLUSTER=existing`, for which this cluster is one that somebody has.
    fn happens_in_a_cluster_that_exists(&self) {
        const DEMO: &str = "feature-monitor-demo";
        let folder = self.cluster.folder();
        let namespaces = || {
            let maker = "--selector=app.kubernetes.io/created-by=make-cluster";
            let kubectl = |arguments: &[&str]| self.cluster.kubectl(arguments).unwrap();
            kubectl(&["get", "namespaces", maker, "--output=name"])
        };
        let down = self.existing("down", &[]);
        assert!(down.status.success(), "{}", text(&down.stderr));
        assert_eq!(namespaces(), "");
        let definition = ["crd", "featuremonitors.featuremonitor.io"];
        assert!(self.cluster.get(&definition).is_none());

        let images: [(&str, &str); 2] = [
            (
                "OPERATOR_IMAGE",
                "localhost/feature-monitor-operator:checkout",
            ),
            (
                "EXPORTER_IMAGE",
                "localhost/feature-monitor-exporter:checkout",
            ),
        ];
        let refused = |given: &[(&str, &str)], words: &[&str]| {
            let up = self.existing("up", given);
            let errors = text(&up.stderr);
            assert!(!up.status.success());
            for word in words {
                assert!(errors.contains(word), "`{word}` is not in\n{errors}");
            }
        };
        refused(
            &[],
            &[
                "OPERATOR_IMAGE and EXPORTER_IMAGE are not set",
                "docker buildx build",
            ],
        );
        refused(&images, &["SERVER_IMAGE=", "SOURCE=grpc://HOST:8815"]);
        self.cluster
            .kubectl(&["create", "namespace", DEMO])
            .unwrap();
        refused(
            &images,
            &[DEMO, "not from `make cluster`, so nothing was changed"],
        );
        self.cluster
            .kubectl(&["delete", "namespace", DEMO])
            .unwrap();
        assert!(self.cluster.get(&definition).is_none());

        // The Flight server beside the node is one that somebody started, with these times.
        let start = std::fs::read_to_string(folder.join("flight-server")).unwrap();
        let (_, origin) = start.split_once("--origin ").unwrap();
        let origin = origin.split_whitespace().next().unwrap();
        let source = [("SOURCE", "grpc://10.99.0.1:8815"), ("ORIGIN", origin)];
        let up = self.existing("up", &[&images[..], &source].concat());
        let said = text(&up.stdout);
        assert!(up.status.success(), "{said}\n{}", text(&up.stderr));
        for part in [
            "38/38",
            "port-forward",
            "make cluster-down CLUSTER=existing",
        ] {
            assert!(said.contains(part), "`{part}` is not in\n{said}");
        }
        let monitor = [MONITOR, "--namespace", DEMO];
        let monitor = self
            .cluster
            .get(&[&["featuremonitor"][..], &monitor].concat());
        let source = &monitor.unwrap()["spec"]["source"]["flight"]["uri"];
        assert_eq!(source, "grpc://10.99.0.1:8815");

        let down = self.existing("down", &[]);
        assert!(down.status.success(), "{}", text(&down.stderr));
        assert!(text(&down.stdout).contains("Removed, with the CustomResourceDefinition."));
        assert_eq!(namespaces(), "");
        assert!(self.cluster.get(&definition).is_none());
        let again = self.existing("down", &[]);
        assert!(text(&again.stdout).contains("nothing to do"));
    }

    fn existing(&self, what: &str, given: &[(&str, &str)]) -> Output {
        let mut command = self.cluster.command(tools::python().unwrap());
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/cluster.py"));
        command.arg(what).env("CLUSTER", "existing");
        command.env("CLUSTER_DIR", self.cluster.folder());
        for name in [
            "OPERATOR_IMAGE",
            "EXPORTER_IMAGE",
            "SERVER_IMAGE",
            "SOURCE",
            "ORIGIN",
        ] {
            command.env_remove(name);
        }
        command.envs(given.iter().copied());
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn ends(self, port: u16) {
        let folder = self.cluster.folder().to_owned();
        assert!(processes_of(&folder).len() > 10, "they are seen");
        let down = make_cluster(&folder, "down", port, &[]);
        assert!(down.status.success(), "{}", text(&down.stderr));
        assert!(!folder.exists());
        let free = std::net::TcpListener::bind(("127.0.0.1", port));
        assert!(free.is_ok(), "the page's port is free again: {free:?}");
        assert_eq!(processes_of(&folder), Vec::<String>::new());
        let again = make_cluster(&folder, "down", port, &[]);
        let said = text(&again.stdout);
        assert!(
            again.status.success() && said.contains("nothing to do"),
            "{said}"
        );
    }

    /// The port of what `make cluster` has opened.
    fn port(&self, what: &str) -> u16 {
        let mut lines = self.said.lines();
        let line = lines.find_map(|line| line.trim_start().strip_prefix(what));
        let port = line.and_then(|line| line.split(&[':', '/'][..]).nth(4));
        let port = port.and_then(|port| port.parse().ok());
        port.unwrap_or_else(|| panic!("no {what} is in\n{}", self.said))
    }

    /// Runs kubectl in the monitor's namespace.
    fn kubectl(&self, arguments: &[&str]) -> String {
        let arguments = [arguments, &["--namespace", NAMESPACE]].concat();
        self.cluster
            .kubectl(&arguments)
            .unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// A child of the monitor by its kind, or any resource of the namespace.
    fn get(&self, resource: &str) -> Value {
        let child = format!("{resource}/{EXPORTER}");
        let resource = if resource.contains('/') {
            resource
        } else {
            &child
        };
        let found = self.cluster.get(&[resource, "--namespace", NAMESPACE]);
        found.unwrap_or_else(|| panic!("there is no {resource}"))
    }

    fn monitor(&self) -> Value {
        self.get(&format!("fm/{MONITOR}"))
    }

    /// A condition, if it speaks of the newest spec.
    fn condition(&self, about: &str) -> Option<Value> {
        let monitor = self.monitor();
        let conditions = monitor["status"]["conditions"].as_array()?;
        let found = conditions.iter().find(|one| one["type"] == about)?;
        let newest = found["observedGeneration"] == monitor["metadata"]["generation"];
        newest.then(|| found.clone())
    }

    fn wait_for_condition(&self, about: &str, status: &str, reason: &str) -> Value {
        let (started, mut last) = (Instant::now(), None);
        let what = format!("{about} is {status}, {reason}");
        let found = self.wait(&what, || {
            let condition = self.condition(about)?;
            let holds = condition["status"] == status && condition["reason"] == reason;
            if !holds && last.as_ref() != Some(&condition) {
                println!("{about}: {} {}", condition["status"], condition["message"]);
                last = Some(condition.clone());
            }
            holds.then_some(condition)
        });
        let seconds = started.elapsed().as_secs_f64();
        println!("{what} after {seconds:.1} s: {}", found["message"]);
        found
    }

    fn wait_until_ready(&self) {
        self.wait_for_condition("Ready", "True", "Ready");
    }

    fn wait<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        self.cluster.wait_for(what, PATIENCE, ask)
    }

    fn patch(&self, spec: Value) {
        let patch = json!({"spec": spec}).to_string();
        self.kubectl(&["patch", "fm", MONITOR, "--type=merge", "--patch", &patch]);
    }

    /// `helm upgrade` with the values of before and these; returns when the operators run.
    fn upgrade(&self, values: &[&str]) {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/feature-monitor");
        let mut helm = self.cluster.command("helm");
        helm.args(["upgrade", OPERATOR]).arg(chart);
        helm.args(["--namespace", OPERATOR, "--reuse-values", "--wait"]);
        let done = helm.args(values).stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
    }

    /// What the exporter answers, through its Service.
    fn ask(&self, path: &str) -> Result<String, String> {
        let service = format!("/api/v1/namespaces/{NAMESPACE}/services/{EXPORTER}:metrics");
        let raw = format!("--raw={service}/proxy{path}");
        self.cluster.kubectl(&["get", &raw])
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.ask("/-/status").unwrap()).unwrap()
    }

    /// The status of the exporter in this pod, if it answers.
    fn ask_pod(&self, pod: &Pod) -> Option<Value> {
        let pod = format!("/api/v1/namespaces/{NAMESPACE}/pods/{}:9464", pod.name);
        let raw = format!("--raw={pod}/proxy/-/status");
        serde_json::from_str(&self.cluster.kubectl(&["get", &raw]).ok()?).ok()
    }

    /// The exporter's pod, when there is one and it is ready.
    fn pod(&self) -> Option<Pod> {
        let selector = format!("--selector=featuremonitor.io/monitor={MONITOR}");
        let namespace = format!("--namespace={NAMESPACE}");
        let pods = self.cluster.get(&["pods", &selector, &namespace])?;
        let [pod] = &pods["items"].as_array()?[..] else {
            return None;
        };
        let container = &pod["status"]["containerStatuses"][0];
        let runs = container["ready"] == true && pod["metadata"]["deletionTimestamp"].is_null();
        runs.then(|| Pod {
            name: pod["metadata"]["name"].as_str().unwrap().to_owned(),
            uid: pod["metadata"]["uid"].as_str().unwrap().to_owned(),
            restarts: container["restartCount"].as_u64().unwrap(),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pod {
    name: String,
    uid: String,
    restarts: u64,
}

fn evaluated(status: &Value) -> bool {
    status["lastEvaluation"]["success"] == true
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// What `make cluster` and `make cluster-down` run, with the programs that this test belongs to.
fn make_cluster(folder: &Path, what: &str, port: u16, arguments: &[&str]) -> Output {
    let given =
        |program: Result<PathBuf, String>| program.unwrap_or_else(|error| panic!("{error}"));
    Command::new(given(tools::python()))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/cluster.py"))
        .args([what, "--port", &port.to_string()])
        .args(arguments)
        .env("CLUSTER_DIR", folder)
        .env("FM_OPERATOR", given(tools::operator()))
        .env("FM_EXPORTER", given(tools::exporter()))
        .env_remove("CLUSTER")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Command lines that name this folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(folder.to_str().unwrap()))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
