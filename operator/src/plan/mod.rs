//! What a monitor's children shall be: a pure function of its spec and the operator's settings.
//!
//! One resource, one function, one file.

mod alertmanager_config;
mod claim;
mod config_map;
mod deployment;
mod labels;
mod network_policy;
mod prometheus_rule;
mod service;
mod service_account;
mod service_monitor;

use crds::handoff::ExporterConfig;
use crds::valid::{Monitor, State};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{DynamicObject, TypeMeta};
use serde::Serialize;
use serde_json::Value;

use crate::apis::Apis;
use crate::child::ChildKind;
use crate::key::Key;
use crate::settings::Settings;

pub(crate) use labels::MANAGER;
pub use labels::{MANAGED_BY, MONITOR, managed_by, selector};

/// The port that an exporter serves on.
pub const PORT: u16 = 9464;
/// Its name.
pub(crate) const PORT_NAME: &str = "metrics";
/// What a child's name has more than its monitor's.
const SUFFIX: &str = "-exporter";

/// Everything that belongs to one monitor. `None` is a child that shall not be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Who the exporter is.
    pub service_account: ServiceAccount,
    /// What it runs.
    pub config_map: ConfigMap,
    /// Where it keeps its state, unless elsewhere.
    pub claim: Option<PersistentVolumeClaim>,
    /// The exporter.
    pub deployment: Deployment,
    /// How it is reached.
    pub service: Service,
    /// Who may reach it.
    pub network_policy: Option<NetworkPolicy>,
    /// How a Prometheus finds it, where that API exists.
    pub service_monitor: Option<DynamicObject>,
    /// What a Prometheus evaluates about it, where that API exists.
    pub prometheus_rule: Option<DynamicObject>,
    /// Whom an Alertmanager tells of it, where that API exists.
    pub alertmanager_config: Option<DynamicObject>,
}

/// What a plan is made of.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The monitor.
    pub monitor: &'a Monitor,
    /// What its exporter runs.
    pub config: &'a ExporterConfig,
    /// The resource as owner of its children; `None` outside a cluster, where it has no identity.
    pub owner: Option<&'a OwnerReference>,
    /// Settings of the operator.
    pub settings: &'a Settings,
    /// Which optional APIs exist.
    pub apis: Apis,
}

/// The name that all children of a monitor have.
pub fn child_name(monitor: &str) -> String {
    // A monitor's name has at most 52 characters, so that this one fits into the 63 of a Service's.
    format!("{monitor}{SUFFIX}")
}

/// The monitor whose children have a name.
pub fn monitor_name(child: &str) -> Option<&str> {
    child.strip_suffix(SUFFIX)
}

/// Namespace and name that all children of a monitor have.
pub fn child_key(monitor: &Key) -> Key {
    Key {
        namespace: monitor.namespace.clone(),
        name: child_name(&monitor.name),
    }
}

/// What a monitor's children shall be.
pub fn plan(wanted: Wanted<'_>) -> Plan {
    Plan {
        service_account: service_account::service_account(wanted),
        config_map: config_map::config_map(wanted),
        claim: claim::claim(wanted),
        deployment: deployment::deployment(wanted),
        service: service::service(wanted),
        network_policy: network_policy::network_policy(wanted),
        service_monitor: service_monitor::service_monitor(wanted),
        prometheus_rule: prometheus_rule::prometheus_rule(wanted),
        alertmanager_config: alertmanager_config::alertmanager_config(wanted),
    }
}

/// The annotation whose change makes another program look at an object again.
const ASKED: &str = "featuremonitor.io/asked-again-after";

impl Plan {
    /// Changes a child that is for the Prometheus operator in nothing but an annotation.
    pub fn touch(&mut self, kind: ChildKind, asked: &str) {
        let child = match kind {
            ChildKind::PrometheusRule => &mut self.prometheus_rule,
            ChildKind::AlertmanagerConfig => &mut self.alertmanager_config,
            _ => return,
        };
        if let Some(child) = child {
            let annotations = child.metadata.annotations.get_or_insert_default();
            annotations.insert(ASKED.to_owned(), asked.to_owned());
        }
    }

    /// Every child that can be, in the order of [`ChildKind::ALL`], as the JSON that an API server takes.
    pub fn into_children(self) -> Vec<(ChildKind, Option<Value>)> {
        let Plan {
            service_account,
            config_map,
            claim,
            deployment,
            service,
            network_policy,
            service_monitor,
            prometheus_rule,
            alertmanager_config,
        } = self;
        vec![
            (ChildKind::ServiceAccount, Some(json(&service_account))),
            (ChildKind::ConfigMap, Some(json(&config_map))),
            (ChildKind::Claim, claim.as_ref().map(json)),
            (ChildKind::Deployment, Some(json(&deployment))),
            (ChildKind::Service, Some(json(&service))),
            (ChildKind::NetworkPolicy, network_policy.as_ref().map(json)),
            (
                ChildKind::ServiceMonitor,
                service_monitor.as_ref().map(json),
            ),
            (
                ChildKind::PrometheusRule,
                prometheus_rule.as_ref().map(json),
            ),
            (
                ChildKind::AlertmanagerConfig,
                alertmanager_config.as_ref().map(json),
            ),
        ]
    }
}

/// Kubernetes' types consist of texts, numbers, lists and maps with text keys, all of which JSON has.
fn json(child: &impl Serialize) -> Value {
    serde_json::to_value(child).unwrap_or(Value::Null)
}

/// Metadata of a child that goes with its monitor.
fn meta(wanted: Wanted<'_>) -> ObjectMeta {
    ObjectMeta {
        name: Some(child_name(&wanted.monitor.name)),
        namespace: Some(wanted.monitor.namespace.clone()),
        labels: Some(labels::labels(&wanted.monitor.name)),
        owner_references: wanted.owner.map(|owner| vec![owner.clone()]),
        ..ObjectMeta::default()
    }
}

/// A child that another program finds by its labels: those of the settings, and those of the monitor, which win.
fn found_by_others(wanted: Wanted<'_>, kind: ChildKind, spec: Value) -> DynamicObject {
    let mut metadata = meta(wanted);
    let own = labels::labels(&wanted.monitor.name);
    let labels = metadata.labels.get_or_insert_default();
    let given = wanted.settings.labels.iter();
    for (name, value) in given.chain(&wanted.monitor.integration_labels) {
        // Our own labels stay what they are: by them the object is found again.
        if !own.contains_key(name) {
            labels.insert(name.clone(), value.clone());
        }
    }
    let resource = kind.resource();
    DynamicObject {
        types: Some(TypeMeta {
            api_version: resource.api_version,
            kind: resource.kind,
        }),
        metadata,
        data: serde_json::json!({"spec": spec}),
    }
}

/// Whether the exporter's state is on a claim.
fn has_claim(monitor: &Monitor) -> bool {
    matches!(monitor.state, State::VolumeClaim { .. })
}
