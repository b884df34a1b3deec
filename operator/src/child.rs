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
}

impl ChildKind {
    /// Every kind, in the order in which children are shown.
    pub const ALL: [ChildKind; 8] = [
        ChildKind::ServiceAccount,
        ChildKind::ConfigMap,
        ChildKind::Claim,
        ChildKind::Deployment,
        ChildKind::Service,
        ChildKind::NetworkPolicy,
        ChildKind::ServiceMonitor,
        ChildKind::PrometheusRule,
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
            ChildKind::ServiceMonitor => monitoring("ServiceMonitor", "servicemonitors"),
            ChildKind::PrometheusRule => monitoring("PrometheusRule", "prometheusrules"),
        }
    }

    /// Whether clusters may be without the API of the kind.
    pub const fn is_optional(self) -> bool {
        matches!(self, ChildKind::ServiceMonitor | ChildKind::PrometheusRule)
    }
}

/// Group and version of the Prometheus operator's kinds.
pub const MONITORING: &str = "monitoring.coreos.com/v1";

fn monitoring(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: "monitoring.coreos.com".to_owned(),
        version: "v1".to_owned(),
        api_version: MONITORING.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}
