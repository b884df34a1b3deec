//! What the operator says about a monitor. It holds no times but those of conditions, no counters, and nothing that grows
//! with the data, so that it is written only when something changed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::handoff::FeaturesStatus;

/// What the operator says about a monitor.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct FeatureMonitorStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// What holds. `Ready` sums up the others: it is true when features are pulled, compared and served as the spec says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,

    /// How many features are expected, and how many of them the last pull had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeaturesStatus>,

    /// The baseline in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// The baseline in force.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// Counts the baselines of this monitor, from 1.
    pub version: i64,
    /// The spec's `baseline.revision` that it was frozen for.
    pub revision: i64,
    /// `sha256:` and the hash of its content.
    pub digest: String,
}
