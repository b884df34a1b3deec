//! The FeatureMonitor API: what a person writes, what the programs accept, and what they hand to each other.
//!
//! One resource, `FeatureMonitor`, says where ML features come from, what they are compared with,
//! and how many false alarms their owner can bear. Read it in this order:
//!
//! - the spec, one file per noun: [`source`], [`data`], [`schedule`], [`baseline`], [`alarms`], [`checks`], [`rules`], [`slos`], [`notifications`],
//!   [`exporter`], [`state`];
//! - the [`status`] that the operator writes;
//! - [`valid`], the only door from a spec to a [`valid::Monitor`]: it reports every violation, not the first;
//! - [`manifest`], which reads YAML and adds the line and column to each violation;
//! - [`handoff`], the documents that pass between operator and exporter.
//!
//! Bounds and patterns are written once, in the schema that the types generate: the API server enforces it,
//! and [`valid`] walks the same schema for files that never met an API server.

pub mod alarms;
pub mod baseline;
pub mod checks;
pub mod data;
pub mod duration;
pub mod exporter;
pub mod handoff;
pub mod labels;
pub mod manifest;
pub mod notifications;
pub mod patterns;
pub mod quantity;
pub mod rules;
pub mod schedule;
pub mod schema;
pub mod seasonal;
pub mod secret;
pub mod slos;
pub mod source;
pub mod state;
pub mod status;
pub mod template;
pub mod timestamp;
pub mod uri;
pub mod valid;
pub mod violation;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// The API group of every kind of this crate.
pub const GROUP: &str = "featuremonitor.io";

/// Group and version of [`FeatureMonitor`], as a manifest's `apiVersion` has it.
pub const API_VERSION: &str = "featuremonitor.io/v1alpha1";

/// Watches the features of one model or table: pulls them on a schedule, compares them with a baseline,
/// and raises an alarm when they change more than chance explains.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "featuremonitor.io",
    version = "v1alpha1",
    kind = "FeatureMonitor",
    plural = "featuremonitors",
    namespaced,
    shortname = "fm",
    category = "monitoring",
    status = "status::FeatureMonitorStatus",
    derive = "PartialEq",
    doc = "Watches the features of one model or table: pulls them on a schedule from an Arrow Flight server, compares them with a baseline, and raises an alarm when they change more than chance explains.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Whether features are pulled, compared and served as the spec says.",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        description = "Why it is ready or not.",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(
        name = "Features",
        type_ = "string",
        description = "Features that the last pull had, of those expected.",
        json_path = ".status.features.summary"
    ),
    printcolumn(
        name = "Source",
        type_ = "string",
        description = "Where the features come from.",
        json_path = ".spec.source.flight.uri"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Every",
        type_ = "string",
        description = "How often the features are pulled.",
        json_path = ".spec.schedule.every",
        priority = 1
    ),
    printcolumn(
        name = "Baseline",
        type_ = "integer",
        description = "Version of the baseline in force.",
        json_path = ".status.baseline.version",
        priority = 1
    ),
    printcolumn(
        name = "Owner",
        type_ = "string",
        description = "The team that owns the monitor.",
        json_path = ".spec.owner.team",
        priority = 1
    ),
    validation = Rule::new("self.metadata.name.size() <= 52")
        .message("the name has more than 52 characters: write a shorter one, so that the names made from it fit into 63"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("the name is not a DNS label: write lower-case letters, digits and '-', starting with a letter")
)]
#[x_kube(
    validation = Rule::new("!has(self.baseline.excluded) || has(self.data.window)")
        .message("what is excluded are windows, and data.window is missing: add data.window, or remove excluded")
        .field_path(".baseline.excluded"),
    validation = Rule::new("!has(self.baseline.pinned) || has(self.data.window)")
        .message("a pinned baseline is made of windows, and data.window is missing: add data.window, or write baseline.previous: {}")
        .field_path(".baseline.pinned"),
    validation = Rule::new("!has(self.baseline.seasonal) || has(self.data.window)")
        .message("a seasonal baseline is made of windows, and data.window is missing: add data.window, or write baseline.previous: {}")
        .field_path(".baseline.seasonal"),
    validation = Rule::new("!has(self.checks) || !has(self.checks.freshness) || has(self.data.eventTime) || (!has(self.checks.freshness.warning) && !has(self.checks.freshness.critical))")
        .message("freshness has limits, and data.eventTime, which it judges, is missing: add data.eventTime, or remove the limits")
        .field_path(".checks.freshness"),
    validation = Rule::new("!has(self.slos) || has(self.data.eventTime) || !self.slos.exists(slo, slo.indicator == 'Freshness')")
        .message("an objective promises Freshness, and data.eventTime, which it judges, is missing: add data.eventTime, or another indicator")
        .field_path(".slos")
)]
#[serde(rename_all = "camelCase")]
pub struct FeatureMonitorSpec {
    /// Who answers for these features. The team becomes a label of alerts and of `featuremonitor_feature_info`.
    /// No default. Example: `{team: growth-ml, contact: "#growth-ml"}`.
    pub owner: schedule::Owner,

    /// Where the features come from. Exactly one kind; `flight` is the only one. No default.
    /// Example: `{flight: {uri: grpc://features:8815, query: {path: [customers]}}}`.
    pub source: source::Source,

    /// Which columns of the source mean what: keys, event time, window, features. No default.
    /// Example: `{entityKeys: [household_id], eventTime: last_event_ts}`.
    pub data: data::Data,

    /// How often the source is pulled. No default. Example: `{every: 1h}`.
    pub schedule: schedule::Schedule,

    /// What current features are compared with. Exactly one of `pinned`, `rolling`, `previous` and `seasonal`. No default.
    /// Example: `{pinned: {from: 2017-03-26T06:00:00Z, to: 2017-05-07T06:00:00Z}}`.
    pub baseline: baseline::Baseline,

    /// How many false alarms the owner accepts. Every limit that is not written in `checks` follows from it.
    /// Default: `{critical: 1 per 30d, warning: 1 per 7d}`. Example: `{critical: 1 per 90d}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_alarms: Option<alarms::FalseAlarms>,

    /// What is checked. Every check is on by default, with limits that follow from `falseAlarms`.
    /// Default: `{}`. Example: `{drift: {alarmOn: {numeric: Wasserstein}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<checks::Checks>,

    /// What must hold besides, at most 64 rules, each a boolean SQL expression over the rows or over a window.
    /// Default: none. Example: `[{name: non-negative-spend, expr: "monetary_28d >= 0", over: Rows, severity: Critical}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    pub rules: Option<Vec<rules::Rule>>,

    /// What is promised about the features, at most 16: each brings alerts on how fast its error budget burns.
    /// Default: none. Example: `[{name: fresh, indicator: Freshness, objective: 0.995}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    pub slos: Option<Vec<slos::Slo>>,

    /// Who is told of the alerts. Default: nobody by the operator's doing; alerts can be routed by their labels elsewhere.
    /// Example: `{receivers: [{name: chat, slack: {url: {secretRef: {name: slack, key: url}}}}], routes: [{to: [chat]}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<notifications::Notifications>,

    /// Settings of the exporter that runs this monitor.
    /// Default: `{}`. Example: `{state: {volumeClaim: {size: 5Gi}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exporter: Option<exporter::Exporter>,

    /// How other programs find what the operator makes for them.
    /// Default: `{}`. Example: `{labels: {release: kube-prometheus-stack}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrations: Option<exporter::Integrations>,

    /// Whether the operator leaves everything that belongs to this monitor as it is. The exporter goes on; changes of the
    /// spec wait, and the status says so. Default: `false`. Example: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}
