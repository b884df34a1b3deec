//! Settings of the whole operator: what the exporters that it makes have in common. The chart writes them from its values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crds::exporter::Resources;
use crds::labels::{Amount, Amounts};
use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use program::log::LogFormat;
use serde::Deserialize;

/// Settings as they stand in a file. Every field has a default; an unknown one is refused.
#[derive(Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// The exporters' pods.
    pub exporter: Exporter,
    /// Who may reach the exporters.
    pub network_policy: NetworkPolicy,
    /// How the Prometheus operator is told of the exporters.
    pub service_monitor: ServiceMonitor,
    /// What the Prometheus operator is told to evaluate.
    pub prometheus_rule: PrometheusRule,
    /// Whom the Prometheus operator is told to notify.
    pub alertmanager_config: AlertmanagerConfig,
    /// Where alerts send people.
    pub links: Links,
    /// Labels of what is made for other programs, so that their selectors find it.
    pub labels: BTreeMap<String, String>,
}

/// The exporters' pods.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Exporter {
    /// The image, with a tag or digest.
    pub image: String,
    /// When it is pulled: `Always`, `IfNotPresent` or `Never`.
    pub image_pull_policy: String,
    /// Names of Secrets in the monitor's namespace that pull it.
    pub image_pull_secrets: Vec<String>,
    /// Form of the log.
    pub log_format: LogFormat,
    /// The user; `None` leaves it to the cluster.
    pub run_as_user: Option<i64>,
    /// The group that volumes belong to; `None` leaves it to the cluster.
    pub fs_group: Option<i64>,
    /// Processor and memory where a monitor gives none.
    pub resources: Resources,
    /// Labels where a monitor gives none of the name.
    pub pod_labels: BTreeMap<String, String>,
    /// Annotations where a monitor gives none of the name.
    pub pod_annotations: BTreeMap<String, String>,
}

/// Who may reach the exporters.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NetworkPolicy {
    /// Whether there is one.
    pub enabled: bool,
    /// Who may; empty lets everyone.
    pub from: Vec<NetworkPolicyPeer>,
}

/// How the Prometheus operator is told of the exporters.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServiceMonitor {
    /// Whether it is, where its API exists.
    pub enabled: bool,
    /// Time between two scrapes, in Prometheus' form.
    pub interval: String,
}

/// What the Prometheus operator is told to evaluate.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PrometheusRule {
    /// Whether there are rules for each monitor, where the API exists.
    pub enabled: bool,
    /// Time from one evaluation of the rules to the next.
    pub interval: RuleInterval,
}

/// Whom the Prometheus operator is told to notify.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AlertmanagerConfig {
    /// Whether the routes of a monitor become one, where the API exists.
    pub enabled: bool,
}

/// Time from one evaluation of rules to the next, 1 s to 5 min: an alert looks at what is no older than that.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct RuleInterval(pub Duration);

impl FromStr for RuleInterval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let interval = crds::duration::parse(text)?;
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(300));
        crds::duration::within(interval, least, most).map(Self)
    }
}

impl TryFrom<String> for RuleInterval {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Where alerts send people. An empty address leaves its links out.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Links {
    /// Where Grafana is.
    pub grafana: String,
    /// Where the runbooks are.
    pub runbooks: String,
}

impl From<Links> for dashboards::links::Links {
    fn from(links: Links) -> Self {
        let given = |address: String| (!address.is_empty()).then_some(address);
        Self {
            grafana: given(links.grafana),
            runbooks: given(links.runbooks),
        }
    }
}

impl Default for Exporter {
    fn default() -> Self {
        let amounts = |amounts: &[(&str, &str)]| {
            let amounts = amounts
                .iter()
                .map(|(name, amount)| ((*name).to_owned(), Amount((*amount).to_owned())));
            Some(Amounts(amounts.collect()))
        };
        Self {
            image: concat!(
                "ghcr.io/feature-monitor/feature-monitor-exporter:",
                env!("CARGO_PKG_VERSION")
            )
            .to_owned(),
            image_pull_policy: "IfNotPresent".to_owned(),
            image_pull_secrets: Vec::new(),
            log_format: LogFormat::Json,
            // `nonroot` of the distroless images.
            run_as_user: Some(65532),
            fs_group: Some(65532),
            resources: Resources {
                requests: amounts(&[("cpu", "50m"), ("memory", "256Mi")]),
                limits: amounts(&[("memory", "1Gi")]),
            },
            pod_labels: BTreeMap::new(),
            pod_annotations: BTreeMap::new(),
        }
    }
}

impl Default for NetworkPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            from: Vec::new(),
        }
    }
}

impl Default for ServiceMonitor {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: "30s".to_owned(),
        }
    }
}

impl Default for PrometheusRule {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: RuleInterval(dashboards::rules::INTERVAL),
        }
    }
}

impl Default for AlertmanagerConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for Links {
    fn default() -> Self {
        Self {
            grafana: String::new(),
            runbooks: dashboards::links::RUNBOOKS.to_owned(),
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("--settings {}: {source}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It does not hold settings.
    #[error("--settings {}: {message}", .file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is no YAML, or has a field that does not exist or is of the wrong type.
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(file).map_err(|source| SettingsError::Read {
            file: file.to_owned(),
            source,
        })?;
        serde_saphyr::from_str(&text).map_err(|error| SettingsError::Content {
            file: file.to_owned(),
            message: error.to_string(),
        })
    }
}
