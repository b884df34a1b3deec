//! What current features are compared with.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::seasonal::SeasonalBaseline;
use crate::timestamp::TimestampText;

/// What current features are compared with. Exactly one of `pinned`, `rolling`, `previous` and `seasonal`. The baseline is
/// frozen and saved with a digest, so a restart compares with the same one.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("[has(self.pinned), has(self.rolling), has(self.previous), has(self.seasonal)].exists_one(given, given)")
        .message("exactly one of pinned, rolling, previous and seasonal is needed: write one of them, and only one")
)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// Fixed windows of the past. Needs `data.window`. Default: none, another kind of baseline is used.
    /// Example: `{from: 2017-03-26T06:00:00Z, to: 2017-05-07T06:00:00Z}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<PinnedBaseline>,

    /// The last windows before the current one. Default: none, another kind of baseline is used. Example: `{windows: 8}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<RollingBaseline>,

    /// The one window before the current one. One window has no spread between windows, so limits rest on sampling alone.
    /// Default: none, another kind of baseline is used. Example: `{}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousBaseline>,

    /// The last windows of the same hour or day: for features that have a daily, weekly or monthly season. Needs
    /// `data.window`. Default: none, another kind of baseline is used. Example: `{period: HourOfWeek, cycles: 8}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seasonal: Option<SeasonalBaseline>,

    /// Times that are no normal, at most 64: incidents, a sale, a holiday. A window that overlaps one does not go into the
    /// baseline, and is judged as any other. Needs `data.window`. A change freezes the baseline anew. Default: none.
    /// Example: `[{from: 2017-04-09T06:00:00Z, to: 2017-04-16T06:00:00Z}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub excluded: Option<Vec<ExcludedTime>>,

    /// Raise it to freeze the baseline anew: `rolling`, `previous` and `seasonal` from the windows before now, so that a
    /// legitimate change is accepted; `pinned` from the same windows, whose data was corrected. To accept a change there, move `from`
    /// and `to` to windows that have it. 1 to 1,000,000. Default: `1`. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub revision: Option<i32>,
}

/// A time whose windows do not go into the baseline.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("self.from < self.to")
        .message("the time does not end after it starts: write a time after from")
        .field_path(".to")
)]
#[serde(rename_all = "camelCase")]
pub struct ExcludedTime {
    /// Its start. RFC 3339. No default. Example: `2017-04-09T06:00:00Z`.
    pub from: TimestampText,

    /// Its end, excluded. RFC 3339. No default. Example: `2017-04-16T06:00:00Z`.
    pub to: TimestampText,
}

/// Fixed windows of the past, 1 to 512. Four or more let the limits learn how much windows differ when nothing is wrong.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("self.from < self.to")
        .message("the baseline does not end after it starts: write a time after from")
        .field_path(".to")
)]
#[serde(rename_all = "camelCase")]
pub struct PinnedBaseline {
    /// Start of the first window. RFC 3339; must be the start of a window. No default. Example: `2017-03-26T06:00:00Z`.
    pub from: TimestampText,

    /// End of the last window. RFC 3339; must be the start of a window, which is no longer part of the baseline.
    /// No default. Example: `2017-05-07T06:00:00Z`.
    pub to: TimestampText,
}

/// The last windows before the current one.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RollingBaseline {
    /// How many windows, 4 to 512. Fewer than four say nothing about how much windows differ (write `previous: {}` for
    /// one); the upper bound keeps the saved state small. No default. Example: `8`.
    #[schemars(range(min = 4, max = 512))]
    pub windows: i32,
}

/// The one window before the current one. It has no settings.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
pub struct PreviousBaseline {}
