//! Where the exporter keeps the frozen baseline and what it judged.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::QuantityText;
use crate::secret::NameRef;

/// Where state is kept. Exactly one of the three.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("[has(self.volumeClaim), has(self.url), has(self.ephemeral)].exists_one(given, given)")
        .message("exactly one of volumeClaim, url and ephemeral is needed: write one of them, and only one")
)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// A PersistentVolumeClaim that the operator makes. An exporter that is run by hand keeps a folder in its place.
    /// Default: none, another place is used. Example: `{size: 1Gi}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_claim: Option<VolumeClaimState>,

    /// A bucket of an object store. Default: none, another place is used. Example: `{value: s3://ml-state/feature-monitor}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlState>,

    /// Memory only: a restart freezes a new baseline, from data that may have drifted already. For trying things out.
    /// Default: none, another place is used. Example: `{}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<EphemeralState>,
}

/// A PersistentVolumeClaim.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct VolumeClaimState {
    /// How large the volume is, 1Mi to 1Ti; it can grow where the storage class lets it, and never shrink. A baseline takes
    /// some ten kilobytes a feature and window. Default: `1Gi`. Example: `1Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<QuantityText>,

    /// Name of the StorageClass, at most 253 characters. Default: that of the cluster. Example: `standard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub storage_class_name: Option<String>,

    /// Whether the claim stays when the monitor is deleted. A monitor of the same name takes it up again.
    /// Default: `false`. Example: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain: Option<bool>,
}

/// A bucket of an object store.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UrlState {
    /// Bucket and prefix, at most 1,024 characters: `s3://bucket/prefix` (Amazon S3 and all that speak its protocol),
    /// `gs://bucket/prefix` (Google Cloud Storage) or `az://container/prefix` (Azure Blob Storage). No default.
    /// Example: `s3://ml-state/feature-monitor`.
    #[schemars(
        length(min = 6, max = 1024),
        regex(pattern = r"^(s3|gs|az)://[a-z0-9][-a-z0-9._]{1,61}[a-z0-9](/[^?#\s]*)?$")
    )]
    pub value: String,

    /// A Secret whose keys are settings of the object store, one file each: `aws_access_key_id`, `aws_secret_access_key`,
    /// `endpoint`, `region`, `google_service_account_key`, `azure_storage_account_name`, … .
    /// Default: what the environment offers (variables, instance or workload identity).
    /// Example: `{secretRef: {name: state-bucket}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

/// Credentials of an object store.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The Secret. No default. Example: `{name: state-bucket}`.
    pub secret_ref: NameRef,
}

/// Memory only. It has no settings.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
pub struct EphemeralState {}
