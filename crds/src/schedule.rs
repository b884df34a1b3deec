//! How often a monitor pulls, and who answers for it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;

/// Who answers for the features.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The team, at most 63 characters. It becomes a label of alerts, which route on it. No default. Example: `growth-ml`.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-zA-Z0-9]([-_. a-zA-Z0-9]*[a-zA-Z0-9])?$")
    )]
    pub team: String,

    /// Where to reach the team, at most 256 characters; shown, never used as an address.
    /// Default: none. Example: `"#growth-ml"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub contact: Option<String>,
}

/// How often the source is pulled.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Time between the starts of two pulls, 1s to 30d. Windows are judged once however often their source is pulled, so
    /// a short time costs the source only. No default. Example: `1h`.
    pub every: DurationText,
}
