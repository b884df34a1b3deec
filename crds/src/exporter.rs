//! Settings of the exporter that runs a monitor: where it keeps its state, and its pod.

use k8s_openapi::api::core::v1::{Affinity, Toleration};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::labels::{Amounts, Annotations, Labels};
use crate::state::State;

/// Settings of the exporter. What shapes the pod is used by the operator alone; an exporter that is run by hand has no pod.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Exporter {
    /// Where the exporter keeps the frozen baseline and what it judged, so that a restart continues. Exactly one of
    /// `volumeClaim`, `url` and `ephemeral`. Default: `{volumeClaim: {size: 1Gi}}`. An exporter that is run by hand has a
    /// folder (`--state-dir`) in place of the claim. Example: `{url: {value: "s3://bucket/monitors"}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,

    /// Processor and memory of the exporter. Default: what the operator is configured with.
    /// Example: `{requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 1Gi}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,

    /// Labels that a node must have to run the exporter, at most 32. Default: none. Example: `{kubernetes.io/arch: amd64}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<Labels>,

    /// Taints of nodes that the exporter tolerates, at most 32. Default: none.
    /// Example: `[{key: dedicated, operator: Equal, value: ml, effect: NoSchedule}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub tolerations: Option<Vec<Toleration>>,

    /// Which nodes, and next to which pods, the exporter prefers or needs to run. Default: none.
    /// Example: `{nodeAffinity: {…}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,

    /// Name of the exporter's PriorityClass, at most 253 characters. Default: that of the cluster. Example: `monitoring`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub priority_class_name: Option<String>,

    /// More labels of the exporter's pod, at most 32. Default: those that the operator is configured with.
    /// Example: `{cost-center: ml}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_labels: Option<Labels>,

    /// More annotations of the exporter's pod, at most 32. Default: those that the operator is configured with.
    /// Example: `{sidecar.istio.io/inject: "false"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_annotations: Option<Annotations>,
}

/// Processor and memory of a container.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What a node must have free, by resource. Default: the limits. Example: `{cpu: 500m, memory: 512Mi}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Amounts>,

    /// What the exporter may use at most, by resource. Default: no limit. Example: `{memory: 1Gi}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Amounts>,
}

/// How the monitor's other children are found by what they are made for.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Integrations {
    /// Labels of ServiceMonitor, PrometheusRule and AlertmanagerConfig, at most 32, so that the selectors of a Prometheus and
    /// an Alertmanager find them. They win over those that the operator is configured with. Default: none.
    /// Example: `{release: kube-prometheus-stack}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
}
