//! What a team promises about its features.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;

/// A service-level objective: how often something is to hold, over a time. Alerts follow from how fast the rest, the error
/// budget, is used up.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    // As a rule, since an API server writes bounds without their decimals.
    validation = Rule::new("self.objective >= 0.5 && self.objective <= 0.9999")
        .message("the objective is not between 0.5 and 0.9999: write a share such as 0.995")
        .field_path(".objective")
)]
#[serde(rename_all = "camelCase")]
pub struct Slo {
    /// Name, one of its kind in the monitor: lower-case letters, digits and `-`, starting with a letter, at most 30
    /// characters. No default. Example: `fresh`.
    #[schemars(
        length(min = 1, max = 30),
        regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,

    /// What is promised. No default. Example: `Freshness`.
    pub indicator: Indicator,

    /// Share of the time in which it is to hold (of the evaluations, for `Evaluations`), 0.5 to 0.9999. No default.
    /// Example: `0.995`.
    #[schemars(range(min = 0, max = 1))]
    pub objective: f64,

    /// Time over which the share is counted, 7d to 90d. Prometheus must keep its data that long. Default: `30d`.
    /// Example: `28d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<DurationText>,
}

/// What a service-level objective promises. What nothing is known of counts as broken.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[schemars(inline, transform = crate::schema::undescribed)]
pub enum Indicator {
    /// The source can be read: counted by time.
    Availability,
    /// The newest event is younger than the critical limit of `checks.freshness`: counted by time.
    Freshness,
    /// No column is missing or of another type: counted by time.
    Schema,
    /// No feature has drifted beyond its critical limit: counted by time.
    Drift,
    /// No feature misses more values than its critical limit allows: counted by time.
    Missing,
    /// No feature has more unacceptable values than its critical limit allows: counted by time.
    Quality,
    /// Evaluations succeed: counted by evaluations.
    Evaluations,
}
