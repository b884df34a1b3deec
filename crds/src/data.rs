//! Which columns of the source mean what.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;
use crate::timestamp::TimestampText;

/// Which columns mean what. Keys, event time, window column and target are not features.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("!has(self.eventTime) || !(self.eventTime in self.entityKeys)")
        .message("eventTime names an entity key: write the column that holds a time, or remove eventTime")
        .field_path(".eventTime"),
    validation = Rule::new("!has(self.window) || !(self.window.column in self.entityKeys)")
        .message("the window column is an entity key: write the column that says which snapshot a row belongs to")
        .field_path(".window.column"),
    validation = Rule::new("!has(self.target) || !(self.target.column in self.entityKeys)")
        .message("the target is an entity key: write the column that the model predicts, or remove target")
        .field_path(".target.column"),
    validation = Rule::new("!has(self.target) || !has(self.window) || self.target.column != self.window.column")
        .message("the target is the window column: write the column that the model predicts, or remove target")
        .field_path(".target.column"),
    validation = Rule::new("!has(self.target) || !has(self.eventTime) || self.target.column != self.eventTime")
        .message("the target is the event time: write the column that the model predicts, or remove target")
        .field_path(".target.column"),
    validation = Rule::new("!has(self.target) || !has(self.target.delay) || has(self.window)")
        .message("delay needs window: write data.window, or remove delay, since a pull without a window cannot be pulled again")
        .field_path(".target.delay"),
    validation = Rule::new("!has(self.segments) || !self.segments.exists(segment, segment.column in self.entityKeys || (has(self.eventTime) && segment.column == self.eventTime) || (has(self.window) && segment.column == self.window.column) || (has(self.target) && segment.column == self.target.column))")
        .message("segments names an entity key, the event time, the window column or the target: write columns that divide the rows, such as a region")
        .field_path(".segments"),
    validation = Rule::new("!has(self.features) || !has(self.features.include) || !self.features.include.exists(name, name in self.entityKeys || (has(self.eventTime) && name == self.eventTime) || (has(self.window) && name == self.window.column) || (has(self.target) && name == self.target.column))")
        .message("include names a column that is no feature (an entity key, the event time, the window column or the target): remove it from include")
        .field_path(".features.include"),
    validation = Rule::new("!has(self.features) || !has(self.features.exclude) || !self.features.exclude.exists(name, name in self.entityKeys || (has(self.eventTime) && name == self.eventTime) || (has(self.window) && name == self.window.column) || (has(self.target) && name == self.target.column))")
        .message("exclude names a column that is no feature anyway (an entity key, the event time, the window column or the target): remove it from exclude")
        .field_path(".features.exclude")
)]
#[serde(rename_all = "camelCase")]
pub struct Data {
    /// Columns that name the entity of a row, 1 to 16, each once, of at most 256 characters. They are not features.
    /// No default. Example: `[household_id]`.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub entity_keys: Vec<String>,

    /// Column with the time at which a row's values were true, at most 256 characters; a timestamp or a date.
    /// Freshness reads it. Default: none, and freshness is not judged. Example: `last_event_ts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub event_time: Option<String>,

    /// How rows fall into windows of time. Each window is judged once, when it is complete.
    /// Default: none, and one pull is one window. Example: `{column: snapshot_ts, length: 7d}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,

    /// What the model predicts; it is sampled, and what each feature tells about it is judged by `checks.performance`.
    /// Default: none, and performance is not judged. Example: `{column: segment, kind: Class}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,

    /// Columns whose values divide the rows into parts, 1 to 4, each once. `checks.segments` compares each feature within each part,
    /// it is told how much of a feature's change is that the parts weigh more or less, and freshness is told for each. A column may
    /// be a feature as well, and is one of categories then. Their values are labels of metrics. A seasonal baseline keeps each
    /// feature by itself, and is refused with them. Default: none.
    /// Example: `[{column: region}, {column: device, top: 5}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["column".to_owned()]))]
    pub segments: Option<Vec<Segments>>,

    /// Which columns are features. Default: all that are not keys, event time, window column or target.
    /// Example: `{exclude: [tenure_days]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
}

/// Tumbling windows of equal length: `[anchor + i·length, anchor + (i+1)·length)` for every integer i.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Column whose time says to which window a row belongs, at most 256 characters; a timestamp or a date.
    /// No default. Example: `snapshot_ts`.
    #[schemars(length(min = 1, max = 256))]
    pub column: String,

    /// Length of a window, 1s to 366d. No default. Example: `7d`.
    pub length: DurationText,

    /// A time at which a window starts; all others follow from it. RFC 3339.
    /// Default: the Unix epoch, `1970-01-01T00:00:00Z` (a Thursday). Example: `2017-01-01T06:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<TimestampText>,

    /// How long after a window's end its rows may still arrive, 0s to 366d. The window is complete, and judged, after
    /// that. Default: `0s`. Example: `6h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_lateness: Option<DurationText>,
}

/// What the model predicts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Column with the target, at most 256 characters. It is not a feature. No default. Example: `segment`.
    #[schemars(length(min = 1, max = 256))]
    pub column: String,

    /// What its values are: `Class`, of which the nine most frequent are told apart, or `Number`. Write `Class` where numbers
    /// such as 0 and 1 are classes. Default: `Number` for a column of numbers or times, else `Class`. Example: `Class`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TargetKind>,

    /// How long after a window is complete the target of its rows is known, 0s to 366d. The window is pulled again by then, and
    /// only then judged by what its features tell about the target. Needs `data.window`. Default: `0s`. Example: `30d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<DurationText>,
}

/// A column whose values divide the rows.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Segments {
    /// The column, at most 256 characters. Each of its values is a segment. No default. Example: `region`.
    #[schemars(length(min = 1, max = 256))]
    pub column: String,

    /// How many of its values are segments of their own, those that are most frequent in the baseline, 1 to 25; all others are one
    /// together. Default: `10`. Example: `5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 25))]
    pub top: Option<i32>,
}

/// What the values of a target are.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[schemars(inline, transform = crate::schema::undescribed)]
pub enum TargetKind {
    /// Classes, each told from the rest.
    Class,
    /// Numbers.
    Number,
}

/// Which columns are features, and what is known about them. Names are globs: `*` any characters, `?` one,
/// `[ab]` one of them, `{a,b}` either.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("!has(self.include) || !has(self.exclude) || !self.include.exists(name, name in self.exclude)")
        .message("a name stands in include and in exclude: remove it from one of them")
        .field_path(".exclude")
)]
#[serde(rename_all = "camelCase")]
pub struct Features {
    /// Columns that are features: 1 to 256 names or globs, each once, of at most 256 characters. A name without a
    /// wildcard is expected: the schema check reports it when it is missing.
    /// Default: `["*"]`. Example: `[age, "basket_*"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub include: Option<Vec<String>>,

    /// Columns that are none, although `include` matches them: at most 256 names or globs, each once, of at most 256
    /// characters. Default: none. Example: `[tenure_days, "tmp_*"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub exclude: Option<Vec<String>>,

    /// What is known about some features, at most 256 entries; where several match, the last one that says something
    /// about `type`, `sensitive` or `imputedFlag` holds. Default: none. Example: `[{names: [age, income], type: Categorical, sensitive: true}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub overrides: Option<Vec<FeatureOverride>>,
}

/// What is known about some features.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.type) || has(self.sensitive) || has(self.imputedFlag)")
        .message("the override changes nothing: write type, sensitive or imputedFlag, or remove it")
)]
#[serde(rename_all = "camelCase")]
pub struct FeatureOverride {
    /// The features: 1 to 64 names or globs, of at most 256 characters. No default. Example: `[age, "*_band"]`.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 256)))]
    pub names: Vec<String>,

    /// Treat the features as numbers or as categories. Default: what the column's Arrow type says. Example: `Categorical`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FeatureKind>,

    /// Show no values and no categories of the features anywhere (page, metrics, logs): only statistics.
    /// Default: `false`. Example: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,

    /// Column that says in which rows the features' values were filled in where they were missing, at most 256 characters: true
    /// or false, or a number, of which 0 is no. It is no feature then. Default: none, and numbers that become frequent are looked
    /// for. Example: `income_imputed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub imputed_flag: Option<String>,
}

/// How a feature is treated.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[schemars(inline, transform = crate::schema::undescribed)]
pub enum FeatureKind {
    /// By its value.
    Numeric,
    /// By its category.
    Categorical,
}
