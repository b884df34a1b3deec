//! A baseline that knows the time of day, of the week, of the month, and the days that are no ordinary ones.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The last windows of the same phase: of the same hour of the day or of the week, or the same day of the week or of the
/// month, by the clock of `timeZone`. Needs `data.window`, with a length of 1h for hours and of 1d for days. A window is judged
/// once four windows of its phase, of different days, are known. The windows that are kept are at most 2,048: `cycles` times the
/// phases of the period, and of each class of `calendar` those of a day.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SeasonalBaseline {
    /// What comes again: `HourOfDay`, `DayOfWeek`, `HourOfWeek` or `DayOfMonth`. While an hour of the week has too few windows,
    /// the same hour of all days stands in for it. No default. Example: `HourOfWeek`.
    pub period: Period,

    /// How many windows of each phase, the newest ones, 4 to 64. More make tighter limits and follow a change more slowly.
    /// No default. Example: `8`.
    #[schemars(range(min = 4, max = 64))]
    pub cycles: i32,

    /// Time zone of the clock and of the calendar, by its IANA name. Default: `UTC`. Example: `Europe/Zurich`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 64),
        regex(pattern = r"^[A-Za-z][-+/_A-Za-z0-9]*$")
    )]
    pub time_zone: Option<String>,

    /// Days that are no ordinary ones, at most 8 classes: holidays, sales. A window on such a day is compared with those of its
    /// class alone, and ordinary windows are not compared with it. Default: none.
    /// Example: `[{name: christmas, days: ["2025-12-25", "2026-12-25"]}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    pub calendar: Option<Vec<CalendarClass>>,
}

/// What comes again.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[schemars(inline, transform = crate::schema::undescribed)]
pub enum Period {
    /// The 24 hours of a day.
    HourOfDay,
    /// The seven days of a week.
    DayOfWeek,
    /// The 168 hours of a week.
    HourOfWeek,
    /// The days of a month, 1 to 31.
    DayOfMonth,
}

/// Days that are like each other and unlike all others.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CalendarClass {
    /// Its name, one of its kind: 1 to 30 lower-case letters, digits and `-`. No default. Example: `christmas`.
    #[schemars(
        length(min = 1, max = 30),
        regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,

    /// Its days, 1 to 64, as `YYYY-MM-DD`, past ones too: windows are compared with those of the days before.
    /// No default. Example: `["2025-12-25", "2026-12-25"]`.
    #[schemars(
        length(min = 1, max = 64),
        inner(
            length(min = 10, max = 10),
            regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
        )
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub days: Vec<String>,
}
