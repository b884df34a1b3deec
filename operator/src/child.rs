//! The kinds of objects that the operator makes for a monitor.

use k8s_openapi::Resource as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::ApiResource;

/// A kind of child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChildKind {
    /// Who the exporter is: nobody, without a token.
    ServiceAccount,
    /// What it runs.
    ConfigMap,
    /// Where it keeps its state.
    Claim,
    /// The exporter.
    Deployment,
    /// How it is reached.
    Service,
    /// Who may reach it.
    NetworkPolicy,
    /// How a Prometheus finds it.
    ServiceMonitor,
    /// What a Prometheus evaluates about it.
    PrometheusRule,
    /// Whom an Alertmanager tells of it.
    AlertmanagerConfig,
}

impl ChildKind {
    /// Every kind, in the order in which children are shown.
    pub const ALL: [ChildKind; 9] = [
        ChildKind::ServiceAccount,
        ChildKind::ConfigMap,
        ChildKind::Claim,
        ChildKind::Deployment,
        ChildKind::Service,
        ChildKind::NetworkPolicy,
        ChildKind::ServiceMonitor,
        ChildKind::PrometheusRule,
        ChildKind::AlertmanagerConfig,
    ];

    /// The kind's name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            ChildKind::ServiceAccount => ServiceAccount::KIND,
            ChildKind::ConfigMap => ConfigMap::KIND,
            ChildKind::Claim => PersistentVolumeClaim::KIND,
            ChildKind::Deployment => Deployment::KIND,
            ChildKind::Service => Service::KIND,
            ChildKind::NetworkPolicy => NetworkPolicy::KIND,
            ChildKind::ServiceMonitor => "ServiceMonitor",
            ChildKind::PrometheusRule => "PrometheusRule",
            ChildKind::AlertmanagerConfig => "AlertmanagerConfig",
        }
    }

    /// The kind's place in the API.
    pub fn resource(self) -> ApiResource {
        match self {
            ChildKind::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            ChildKind::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            ChildKind::Claim => ApiResource::erase::<PersistentVolumeClaim>(&()),
            ChildKind::Deployment => ApiResource::erase::<Deployment>(&()),
            ChildKind::Service => ApiResource::erase::<Service>(&()),
            ChildKind::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            ChildKind::ServiceMonitor => monitoring("v1", self.name(), "servicemonitors"),
            ChildKind::PrometheusRule => monitoring("v1", self.name(), "prometheusrules"),
            ChildKind::AlertmanagerConfig => {
                monitoring("v1alpha1", self.name(), "alertmanagerconfigs")
            }
        }
    }

    /// Whether clusters may be without the API of the kind.
    pub const fn is_optional(self) -> bool {
        matches!(
            self,
            ChildKind::ServiceMonitor | ChildKind::PrometheusRule | ChildKind::AlertmanagerConfig
        )
    }
}

/// Group of the Prometheus operator's kinds.
pub const MONITORING: &str = "monitoring.coreos.com";

fn monitoring(version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: MONITORING.to_owned(),
        version: version.to_owned(),
        api_version: format!("{MONITORING}/{version}"),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}
