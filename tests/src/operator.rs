//! The operator as a cluster has it: the chart installed by Helm, and the program run as a process with what the chart's
//! Deployment gives its pods: arguments, settings, and a token of its service account.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::Cluster;
use crate::customers::workspace;
use crate::exporter::Metrics;
use crate::process::{Process, Program};
use crate::{http, tools};

/// The name of everything that the chart makes, and of the service account.
pub const NAME: &str = "feature-monitor-operator";
/// The release.
const RELEASE: &str = "feature-monitor";
/// How long a test waits for an operator to get somewhere.
const PATIENCE: Duration = Duration::from_secs(60);

/// An installed chart.
#[derive(Debug)]
pub struct Release<'a> {
    cluster: &'a Cluster,
    namespace: String,
}

impl<'a> Release<'a> {
    /// Installs the chart into a namespace of its own.
    ///
    /// # Panics
    ///
    /// When Helm cannot; its words are in the message.
    pub fn install(cluster: &'a Cluster, namespace: &str, values: &[&str]) -> Self {
        let release = Self {
            cluster,
            namespace: namespace.to_owned(),
        };
        release.helm(&[&["install", "--create-namespace"], values].concat());
        release
    }

    /// Installs the chart so that it watches its own namespace alone: several of these share a cluster, whose CRD is there
    /// already.
    ///
    /// # Panics
    ///
    /// As [`Self::install`].
    pub fn install_alone(cluster: &'a Cluster, namespace: &str, values: &[&str]) -> Self {
        let watched = format!("watchNamespaces=[\"{namespace}\"]");
        let alone = ["--set=crds.enabled=false", "--set-json", &watched];
        Self::install(cluster, namespace, &[&alone, values].concat())
    }

    /// Upgrades the chart to other values; those that are not given are the chart's own.
    ///
    /// # Panics
    ///
    /// As [`Self::install`].
    pub fn upgrade(&self, values: &[&str]) {
        self.helm(&[&["upgrade"], values].concat());
    }

    /// Uninstalls the chart.
    ///
    /// # Panics
    ///
    /// As [`Self::install`].
    pub fn uninstall(self) {
        let mut helm = self.cluster.command("helm");
        helm.args(["uninstall", RELEASE, "--namespace", &self.namespace]);
        must(helm);
    }

    fn helm(&self, arguments: &[&str]) {
        let mut helm = self.cluster.command("helm");
        helm.arg(arguments[0])
            .arg(RELEASE)
            .arg(chart())
            .args(["--namespace", &self.namespace])
            .args(&arguments[1..]);
        must(helm);
    }

    /// The namespace of the chart.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The cluster.
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// Who the operator is to the API server.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{NAME}", self.namespace)
    }

    /// What the operator asked of the API server so far.
    ///
    /// # Panics
    ///
    /// As [`Cluster::audit`].
    pub fn requests(&self) -> Vec<Request> {
        let user = self.user();
        let events = self.cluster.audit();
        let own = events
            .iter()
            .filter(|event| event["user"]["username"] == user.as_str());
        own.filter_map(Request::of).collect()
    }

    /// Its writes so far, but those of leases.
    ///
    /// # Panics
    ///
    /// As [`Cluster::audit`].
    pub fn writes(&self) -> Vec<Request> {
        let mut all = self.requests();
        all.retain(|request| {
            !["get", "list", "watch"].contains(&request.verb.as_str())
                && request.resource != "leases"
        });
        all
    }

    /// The objects that the chart made, as the API server has them.
    ///
    /// # Panics
    ///
    /// When one is not there.
    pub fn object(&self, kind: &str, name: &str) -> Value {
        self.cluster
            .get(&[kind, name, "--namespace", &self.namespace])
            .unwrap_or_else(|| panic!("the chart made no {kind} {name}"))
    }

    /// Starts an operator by the chart's Deployment, with more flags.
    ///
    /// # Panics
    ///
    /// When it cannot be started or ends; its log is in the message.
    pub fn start(&self, flags: &[&str]) -> Operator {
        let kubeconfig = self
            .cluster
            .service_account_kubeconfig(&self.namespace, NAME);
        self.start_with(&kubeconfig, flags)
    }

    /// As [`Self::start`], with another kubeconfig.
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    pub fn start_with(&self, kubeconfig: &Path, flags: &[&str]) -> Operator {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let pod = format!("{NAME}-{count}");
        let port = http::free_port();
        let log = self.cluster.folder().join(format!("log/{pod}.log"));
        let settings = self.object("configmap", NAME)["data"]["settings.yaml"].clone();
        let settings = settings.as_str().expect("the chart writes settings");
        let file = self.cluster.folder().join(format!("{pod}.settings.yaml"));
        std::fs::write(&file, settings).expect("the folder of the cluster can be written");
        let deployment = self.object("deployment", NAME);
        let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
            .as_array()
            .expect("the chart gives arguments")
            .iter()
            .filter_map(Value::as_str)
            .map(|argument| match argument.split_once('=') {
                Some(("--settings", _)) => format!("--settings={}", file.display()),
                Some(("--web.listen-address", _)) => {
                    format!("--web.listen-address=127.0.0.1:{port}")
                }
                Some(("--log.format", _)) => "--log.format=text".to_owned(),
                _ => argument.to_owned(),
            });
        let program = tools::operator().unwrap_or_else(|error| panic!("{error}"));
        let output = std::fs::File::create(&log).expect("the folder of the cluster can be written");
        let child = self
            .cluster
            .command(program)
            .args(arguments)
            .args(flags)
            .env("KUBECONFIG", kubeconfig)
            .env("POD_NAME", &pod)
            .stdin(Stdio::null())
            .stderr(output)
            .spawn()
            .expect("the operator starts");
        let mut operator = Operator {
            program: Program {
                process: Process(child),
                port,
                log,
                patience: PATIENCE,
            },
            pod,
        };
        operator.wait_for("it serves", |port| http::get(port, "/-/healthy").ok());
        operator
    }
}

/// One request of the operator, by the audit log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// What was done.
    pub verb: String,
    /// The API group; empty is the core's.
    pub group: String,
    /// The resource, with its subresource: `featuremonitors/status`.
    pub resource: String,
    /// The namespace; empty is all.
    pub namespace: String,
    /// The object's name; empty is none in particular.
    pub name: String,
    /// How it was answered.
    pub code: u64,
    /// Whether it was permitted, which an answer 403 alone does not say.
    pub permitted: bool,
}

impl Request {
    /// Nothing for requests that are about no object, such as discovery.
    fn of(event: &Value) -> Option<Self> {
        let object = event.get("objectRef")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut resource = text(&object["resource"]);
        if let Some(sub) = object["subresource"].as_str() {
            resource = format!("{resource}/{sub}");
        }
        // A watch that has begun and not ended has no code yet.
        let code = event["responseStatus"]["code"].as_u64().unwrap_or(0);
        Some(Self {
            verb: text(&event["verb"]),
            group: text(&object["apiGroup"]),
            resource,
            namespace: text(&object["namespace"]),
            name: text(&object["name"]),
            code,
            permitted: event["annotations"]["authorization.k8s.io/decision"] == "allow",
        })
    }
}

/// A running operator. Dropping it ends the process, with its log on the terminal when the test fails.
#[derive(Debug)]
pub struct Operator {
    program: Program,
    pod: String,
}

impl Operator {
    /// Its name among several, as the lease has it.
    pub fn identity(&self) -> &str {
        &self.pod
    }

    /// Waits until it holds the lease.
    ///
    /// # Panics
    ///
    /// As [`Self::wait_for`].
    pub fn wait_until_it_leads(&mut self) {
        self.wait_for_metric("featuremonitor_operator_leading", |leads| leads == 1.0);
    }

    /// Its metrics.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub fn metrics(&self) -> Metrics {
        Metrics::parse(&self.metrics_text())
    }

    /// Its metrics in the classic text format.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub fn metrics_text(&self) -> String {
        http::get(self.program.port, "/metrics")
            .unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// A metric, named with its labels as in the text; 0 where there is none.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub fn metric(&self, series: &str) -> f64 {
        self.metrics().find(series).unwrap_or(0.0)
    }

    /// Waits until a metric, named with its labels as in the text, satisfies `holds`.
    ///
    /// # Panics
    ///
    /// As [`Self::wait_for`].
    pub fn wait_for_metric(&mut self, series: &str, holds: impl Fn(f64) -> bool) {
        self.wait_for(series, |port| {
            let metrics = Metrics::parse(&http::get(port, "/metrics").ok()?);
            holds(metrics.find(series)?).then_some(())
        });
    }

    /// Reconciliations so far, however they ended.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub fn reconciliations(&self) -> f64 {
        let metrics = self.metrics();
        let of = |outcome| {
            metrics.get(
                "featuremonitor_operator_reconciliations_total",
                &[("outcome", outcome)],
            )
        };
        ["success", "failure", "unreadable"]
            .into_iter()
            .filter_map(of)
            .sum()
    }

    /// Asks it to stop, as a kubelet does, by SIGTERM. Does not wait.
    ///
    /// # Panics
    ///
    /// When the signal cannot be sent.
    pub fn signal(&self, signal: &str) {
        let kill = Command::new("kill")
            .args([signal, &self.program.process.id().to_string()])
            .status()
            .expect("kill starts");
        assert!(kill.success());
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    ///
    /// When it has not within a minute.
    pub fn ended(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self
                .program
                .process
                .try_wait()
                .expect("it was started here")
            {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "it runs on\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it by SIGTERM and waits; gives its log.
    ///
    /// # Panics
    ///
    /// When it does not end with exit code 0.
    pub fn terminate(mut self) -> String {
        self.signal("-TERM");
        let status = self.ended();
        assert!(status.success(), "{status}\n{}", self.log());
        self.log()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.program.process.end();
        if std::thread::panicking() {
            eprintln!("log of {}:\n{}", self.pod, self.log());
        }
    }
}

impl Deref for Operator {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Operator {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// The program, ready for arguments.
///
/// # Panics
///
/// When it has not been built.
pub fn command() -> Command {
    Command::new(tools::operator().unwrap_or_else(|error| panic!("{error}")))
}

fn chart() -> PathBuf {
    workspace().join("charts/feature-monitor")
}

fn must(mut command: Command) {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A CustomResourceDefinition of the Prometheus operator, such as `servicemonitors`.
///
/// # Panics
///
/// When Go cannot fetch it; its words are in the message.
pub fn monitoring_crd(name: &str) -> String {
    let output = Command::new(workspace().join("tests/setup/monitoring-crd.sh"))
        .arg(name)
        .stdin(Stdio::null())
        .output()
        .expect("bash is there");
    let file = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the CRD of {name}: {errors}");
    std::fs::read_to_string(file.trim()).unwrap_or_else(|error| panic!("{file}: {error}"))
}
