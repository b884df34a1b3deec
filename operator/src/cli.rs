//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use program::log::LogFormat;
use program::{answer, exit_code, stopped};

use crate::settings::RuleInterval;
use crate::{offline, run};

/// Turns FeatureMonitor resources into running exporters and says how they are.
///
/// It makes, for each FeatureMonitor, an exporter with everything around it, keeps that as the resource says, and writes
/// into the resource's status what holds and what to do. The chart installs it; `plan` shows what it would make, without a
/// cluster.
#[derive(Debug, Parser)]
#[command(name = "feature-monitor-operator", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to log.
    #[command(flatten)]
    pub log: Log,
}

const EXAMPLES: &str = "\
Examples:
  feature-monitor-operator plan -f monitor.yaml     print every object that a monitor gets
  feature-monitor-operator render -f monitor.yaml -o prometheus
                                                    write the rules for a Prometheus without its operator
  feature-monitor-operator crd | kubectl apply -f - define FeatureMonitor in a cluster
  feature-monitor-operator run                      reconcile the cluster that KUBECONFIG names

Exit codes: 0 fine, 1 something is wrong with the input, 2 wrong usage.";

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile: in a pod by its service account, elsewhere by KUBECONFIG.
    ///
    /// Serves /metrics, /-/healthy and /-/ready. With several replicas the one that holds the lease writes; the others
    /// stand by. On SIGTERM it finishes what is running, gives the lease back and ends with 0; when the lease is lost it
    /// ends with 1, so that there is one writer.
    Run(Box<Run>),
    /// Print every object that FeatureMonitors get, as YAML, without a cluster: for review and GitOps.
    ///
    /// What only a cluster knows is left out: owner references, and whether the APIs of the Prometheus operator exist,
    /// which are taken as given.
    Plan(Plan),
    /// Write what Prometheus, Alertmanager and Grafana load where there is no Prometheus operator: rules of FeatureMonitors,
    /// rules about all of them, a configuration with their routes, and the boards.
    ///
    /// Files of the same input are the same to the byte, so that they can be kept in version control. A target of the
    /// scrape must have the labels `namespace` and `monitor` of its FeatureMonitor.
    Render(Render),
    /// Print the CustomResourceDefinition of FeatureMonitor.
    Crd,
}

/// `run`
#[derive(Debug, Args)]
pub struct Run {
    /// Settings of what is made (YAML); without, the defaults.
    #[arg(long = "settings", value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Only FeatureMonitors of these namespaces, separated by commas; without, of all.
    #[arg(
        long = "watch-namespaces",
        value_name = "NAMESPACES",
        value_delimiter = ','
    )]
    pub watch_namespaces: Vec<String>,
    /// Address to serve on, as `host:port` or `:port`.
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = ":9465"
    )]
    pub listen_address: String,
    /// Name of the Lease.
    #[arg(
        long = "lease.name",
        value_name = "NAME",
        default_value = "feature-monitor-operator"
    )]
    pub lease_name: String,
    /// Namespace of the Lease; without, that of the pod or the kubeconfig.
    #[arg(long = "lease.namespace", value_name = "NAMESPACE")]
    pub lease_namespace: Option<String>,
    /// Who this is among several operators; without, POD_NAME, or the host's name.
    #[arg(long = "lease.identity", value_name = "NAME")]
    pub lease_identity: Option<String>,
    /// How long the lease holds without being renewed: an operator that crashed is replaced after that.
    #[arg(
        long = "lease.duration",
        value_name = "DURATION",
        default_value = "15s"
    )]
    pub lease_duration: Span,
    /// Reconcile without a lease: only where there is one operator.
    #[arg(long = "lease.disabled")]
    pub lease_disabled: bool,
    /// How many monitors are reconciled at a time, in each watched namespace or all together.
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,
    /// How often an exporter is asked for its status; one that gets ready is asked more often.
    #[arg(
        long = "status-interval",
        value_name = "DURATION",
        default_value = "30s"
    )]
    pub status_interval: Span,
    /// How often is looked for optional APIs, which may come and go.
    #[arg(
        long = "discovery-interval",
        value_name = "DURATION",
        default_value = "30s"
    )]
    pub discovery_interval: Span,
    /// How often the Prometheus operator is made to look again at a rule or route that it refused.
    #[arg(
        long = "complaint-interval",
        value_name = "DURATION",
        default_value = "10m"
    )]
    pub complaint_interval: Span,
    /// How long a watch may last; one that says nothing for a fifth longer is broken off.
    #[arg(
        long = "watch-timeout",
        value_name = "DURATION",
        default_value = "200s"
    )]
    pub watch_timeout: Span,
    /// How long one call of the API server may take.
    #[arg(
        long = "request-timeout",
        value_name = "DURATION",
        default_value = "15s"
    )]
    pub request_timeout: Span,
}

/// `plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// FeatureMonitor manifests (YAML or JSON).
    #[arg(short = 'f', long = "file", value_name = "FILE", required = true, num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// Settings of what is made (YAML); without, the defaults.
    #[arg(long = "settings", value_name = "FILE")]
    pub settings: Option<PathBuf>,
}

/// `render`
#[derive(Debug, Args)]
pub struct Render {
    /// FeatureMonitor manifests (YAML or JSON).
    #[arg(short = 'f', long = "file", value_name = "FILE", required = true, num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// Folder to write to; it is made.
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    pub output: PathBuf,
    /// Settings of what is made (YAML); without, the defaults.
    #[arg(long = "settings", value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Address of Grafana, for the links of alerts; wins over the settings.
    #[arg(long = "grafana-url", value_name = "URL")]
    pub grafana_url: Option<String>,
    /// Address of the runbooks, for the links of alerts; wins over the settings.
    #[arg(long = "runbook-url", value_name = "URL")]
    pub runbook_url: Option<String>,
    /// Time from one evaluation of the rules to the next, 1s to 5m; wins over the settings.
    #[arg(long = "rule-interval", value_name = "DURATION")]
    pub rule_interval: Option<RuleInterval>,
    /// Folder in which Alertmanager finds its secrets, each as NAMESPACE/SECRET/KEY.
    #[arg(
        long = "secrets-dir",
        value_name = "DIR",
        default_value = "/etc/alertmanager/secrets"
    )]
    pub secrets_dir: PathBuf,
    /// Namespace that alerts about the operator name.
    #[arg(
        long = "operator-namespace",
        value_name = "NAMESPACE",
        default_value = "feature-monitor"
    )]
    pub operator_namespace: String,
}

/// How to log.
#[derive(Debug, Args)]
pub struct Log {
    /// Form of the log lines on standard error.
    #[arg(long = "log.format", value_enum, default_value_t, global = true)]
    pub format: LogFormat,
    /// Level (error, warn, info, debug, trace) or a filter such as `operator=debug,info`.
    #[arg(
        long = "log.level",
        value_name = "LEVEL",
        default_value = "info",
        global = true
    )]
    pub level: String,
}

/// A duration in Prometheus' form, at least one second.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Duration);

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let span = crds::duration::parse(text)?;
        match span >= Duration::from_secs(1) {
            true => Ok(Self(span)),
            false => Err("write at least 1s".to_owned()),
        }
    }
}

/// Does what a command asks; the exit code is 0, or 1 when something is wrong with the input.
pub async fn execute(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Run(mut args) => {
            args.lease_namespace = args.lease_namespace.or_else(run::own_namespace);
            run::run(*args, stopped())
                .await
                .map_err(|error| error.to_string())
        }
        Command::Plan(args) => offline::plan(&args).and_then(|text| answer(&text)),
        Command::Render(args) => offline::render(&args).and_then(|text| answer(&text)),
        Command::Crd => offline::crd().and_then(|text| answer(&text)),
    };
    exit_code(outcome)
}
