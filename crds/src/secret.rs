//! References to Secrets and ConfigMaps. Their contents never stand in a manifest: the programs find them as
//! files `<name>/<key>` below the secrets directory.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// One key of a Secret or ConfigMap in the monitor's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    /// Name of the Secret or ConfigMap, a DNS subdomain of at most 253 characters. No default. Example: `flight`.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,

    /// Key in it, which is a file name: letters, digits, `-`, `_` and `.`, at most 253 characters. No default.
    /// Example: `token`.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$")
    )]
    pub key: String,
}

/// A whole Secret in the monitor's namespace; which keys are read is said where it is used.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NameRef {
    /// Name of the Secret, a DNS subdomain of at most 253 characters. No default. Example: `flight`.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
}

/// A text that is a key of a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FromSecret {
    /// The Secret's key that holds it. No default. Example: `{name: flight, key: token}`.
    pub secret_ref: KeyRef,
}
