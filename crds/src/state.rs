//! Settings of the exporter that runs a monitor: where it keeps the frozen baseline.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::secret::NameRef;

/// Settings of the exporter.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Exporter {
    /// Where the exporter keeps the frozen baseline and what it judged, so that a restart continues. Exactly one of
    /// `directory`, `url` and `ephemeral`. Default: the directory that the exporter is started with.
    /// Example: `{directory: {path: feature-monitor-state}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

/// Where state is kept. Exactly one of the three.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("[has(self.directory), has(self.url), has(self.ephemeral)].exists_one(given, given)")
        .message("exactly one of directory, url and ephemeral is needed: write one of them, and only one")
)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// A directory of the machine. Default: none, another place is used. Example: `{path: feature-monitor-state}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<DirectoryState>,

    /// A bucket of an object store. Default: none, another place is used. Example: `{value: s3://ml-state/feature-monitor}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlState>,

    /// Memory only: a restart freezes a new baseline, from data that may have drifted already. For trying things out.
    /// Default: none, another place is used. Example: `{}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<EphemeralState>,
}

/// A directory of the machine.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryState {
    /// Path, absolute or relative to the exporter's working directory, at most 1,024 characters. It is created when it is
    /// missing. No default. Example: `feature-monitor-state`.
    #[schemars(length(min = 1, max = 1024))]
    pub path: String,
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
