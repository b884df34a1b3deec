//! What is checked. The checks have one shape: `enabled`, `warning`, `critical`, `minRows`, `consecutive`, `overrides`.
//! A limit that is not given is calibrated from `falseAlarms`; a number that is given replaces the whole limit.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;

/// What is checked. All checks are on by default.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    /// Are the columns those of the baseline: none missing, new, renamed, of another type, or constant all of a sudden?
    /// Default: on. Example: `{enabled: false}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaCheck>,

    /// Is the newest event recent? Needs `data.eventTime`. Default: on, with limits that follow from the window's length or
    /// the schedule. Example: `{warning: 10d, critical: 14d}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freshness: Option<FreshnessCheck>,

    /// Are the values distributed as in the baseline? Default: on, with calibrated limits.
    /// Example: `{minRows: 500, overrides: [{features: [home_store], critical: 0.5}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftCheck>,

    /// Are more values missing than in the baseline? Default: on, with calibrated limits.
    /// Example: `{overrides: [{features: ["basket_*"], critical: 0.1}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<ChangeCheck>,

    /// Are more values than in the baseline not acceptable: not a number, infinite, outside of their range, or of a category
    /// that is not allowed? Default: on, with ranges and categories learnt from the baseline, and calibrated limits.
    /// Example: `{overrides: [{features: [age], range: {min: 0, max: 120}}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityCheck>,

    /// Are more numbers than in the baseline far from its median: further than 3.5 of its scaled median absolute deviations?
    /// The value is the increase of their share. Default: on, with calibrated limits.
    /// Example: `{overrides: [{features: ["spend_*"], enabled: false}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers: Option<ChangeCheck>,

    /// Do the features hang together as in the baseline? The value is the difference of the association of a feature with another
    /// one: of the pair that is worst against its limit. Default: on, with calibrated limits.
    /// Example: `{overrides: [{features: [home_store], warning: 0.3}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<ChangeCheck>,

    /// Does each feature by itself tell as much about `data.target` as in the baseline? The value is by how much it fell: the AUC,
    /// macro average of each class against the rest, or the explained share of a target of numbers. Default: on where there is a
    /// target, with calibrated limits. Example: `{overrides: [{features: [home_store], warning: 0.1}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance: Option<ChangeCheck>,

    /// Is each feature within each segment of `data.segments` distributed as there in the baseline, missing values among the others?
    /// The value is the Jensen–Shannon distance of the segment that is worst against its limit. Default: on where there are segments,
    /// with calibrated limits, and `minRows` of a segment 50. Example: `{overrides: [{features: [home_store], warning: 0.3}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<ChangeCheck>,

    /// Is the mean of a number where it usually is at this time? The value is its distance from the median of the windows of the
    /// same phase, in their deviations. Only a seasonal baseline has phases; with another one `drift` says it.
    /// Default: on, with calibrated limits. Example: `{overrides: [{features: [queue_length], critical: 8}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<DeviationCheck>,

    /// Has the mean of a number moved slowly, and stays? EWMA and CUSUM of the windows' means, less what is usual of their phase where
    /// the baseline is seasonal, against how they moved when the baseline was frozen, in at least 100 windows. A number given is a
    /// limit of the EWMA, in its deviations. Default: on, with calibrated limits. Example: `{overrides: [{features: [age], enabled: false}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<DeviationCheck>,

    /// Do more rows than in the baseline have the `data.entityKeys` of another row of the same window? The value is the
    /// increase of their share. Default: on, with calibrated limits. Example: `{critical: 0.01}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<WindowCheck>,

    /// Are the same features missing together as in the baseline? The value is the distance of how often which features are
    /// missing in the same row: Jensen–Shannon, 0 to 1. Default: on, with calibrated limits. Example: `{critical: 0.3}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_patterns: Option<WindowCheck>,

    /// Are more values than in the baseline filled in: by the flag that `data.features.overrides` names, else by one number that the
    /// baseline does not know as a frequent one? The value is the increase of their share. Default: on, with calibrated limits.
    /// Example: `{overrides: [{features: ["spend_*"], enabled: false}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imputation: Option<ChangeCheck>,
}

/// Are the columns those of the baseline? It has no limit: a finding is a finding.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct SchemaCheck {
    /// Whether the check alarms. Default: `true`. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Is the newest event recent? The value is the age of the newest event time; a limit is a duration.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct FreshnessCheck {
    /// Whether the check alarms. Default: `true`. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Age from which on the check warns, 1ms to 3660d. Default: 1.5 × `data.window.length`, without a window
    /// 2 × `schedule.every`. Example: `10d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<DurationText>,

    /// Age from which on the check is critical, 1ms to 3660d, at least `warning`. Default: 2 × `data.window.length`,
    /// without a window 4 × `schedule.every`; never less than `warning`. Example: `14d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<DurationText>,

    /// Fewest rows with an event time that allow a verdict, 1 to 1,000,000,000. Default: `1`. Example: `100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many evaluations in a row must be over the limit before it counts, 1 to 100. Default: `1`. Example: `3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,

    /// Other settings for some features, at most 256; where several match, the last one that says something about a field
    /// holds. Default: none. Example: `[{features: ["basket_*"], critical: 30d}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub overrides: Option<Vec<FreshnessOverride>>,
}

/// Other freshness settings for some features.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("has(self.enabled) || has(self.warning) || has(self.critical) || has(self.minRows) || has(self.consecutive)")
        .message("the override changes nothing: write enabled, warning, critical, minRows or consecutive, or remove it")
)]
#[serde(rename_all = "camelCase")]
pub struct FreshnessOverride {
    /// The features: 1 to 64 names or globs, of at most 256 characters. No default. Example: `["basket_*"]`.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 256)))]
    pub features: Vec<String>,

    /// Whether the check alarms for them. Default: the check's. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Age from which on the check warns, 1ms to 3660d. Default: the check's. Example: `20d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<DurationText>,

    /// Age from which on the check is critical, 1ms to 3660d, at least `warning`. Default: the check's. Example: `30d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<DurationText>,

    /// Fewest rows with an event time that allow a verdict, 1 to 1,000,000,000. Default: the check's. Example: `100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many evaluations in a row must be over the limit, 1 to 100. Default: the check's. Example: `3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,
}

/// Are the values distributed as in the baseline? The value is a distance; a limit is a number in the unit of the
/// statistic that alarms.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("!has(self.warning) || !has(self.critical) || self.warning <= self.critical")
        .message("warning is above critical: write a warning that is at most critical")
        .field_path(".warning")
)]
#[serde(rename_all = "camelCase")]
pub struct DriftCheck {
    /// Whether the check alarms; distances are computed and shown in any case. Default: `true`. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Which statistic alarms; the others are computed and shown. Default: `{numeric: KS, categorical: PSI}`.
    /// Example: `{numeric: Wasserstein}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_on: Option<AlarmOn>,

    /// Distance from which on the check warns, 0 to 1,000, in the unit of the alarming statistic. It replaces the
    /// calibrated limit of every feature. Default: calibrated. Example: `0.15`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub warning: Option<f64>,

    /// Distance from which on the check is critical, 0 to 1,000, at least `warning`. It replaces the calibrated limit of
    /// every feature. Default: calibrated. Example: `0.3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub critical: Option<f64>,

    /// Fewest rows of a window with a value of the feature that allow a verdict, 1 to 1,000,000,000. Small samples differ by
    /// chance. Default: `200`. Example: `1000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many windows in a row must be over the limit before it counts, 1 to 100. Default: `1`. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,

    /// Other settings for some features, at most 256; where several match, the last one that says something about a field
    /// holds. Default: none. Example: `[{features: [home_store], critical: 0.5}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub overrides: Option<Vec<DriftOverride>>,
}

/// Which statistic alarms, by the type of the feature.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct AlarmOn {
    /// For numbers: `KS` (Kolmogorov–Smirnov), `Wasserstein` (divided by the interquartile range), `PSI`, `JensenShannon` or
    /// `Hellinger`. Default: `KS`. Example: `Wasserstein`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numeric: Option<NumericStatistic>,

    /// For categories: `PSI`, `JensenShannon` or `Hellinger`. Default: `PSI`. Example: `JensenShannon`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categorical: Option<CategoricalStatistic>,
}

/// A distance between two distributions of numbers.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[schemars(inline, transform = crate::schema::undescribed)]
pub enum NumericStatistic {
    /// Kolmogorov–Smirnov, 0 to 1.
    KS,
    /// Wasserstein-1 divided by the reference's interquartile range, 0 and above.
    Wasserstein,
    /// Population stability index, 0 and above.
    PSI,
    /// Jensen–Shannon distance with logarithms to base 2, 0 to 1.
    JensenShannon,
    /// Hellinger distance, 0 to 1.
    Hellinger,
}

/// A distance between two distributions of categories.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[schemars(inline, transform = crate::schema::undescribed)]
pub enum CategoricalStatistic {
    /// Population stability index, 0 and above.
    PSI,
    /// Jensen–Shannon distance with logarithms to base 2, 0 to 1.
    JensenShannon,
    /// Hellinger distance, 0 to 1.
    Hellinger,
}

/// Other drift settings for some features.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("has(self.enabled) || has(self.warning) || has(self.critical) || has(self.minRows) || has(self.consecutive)")
        .message("the override changes nothing: write enabled, warning, critical, minRows or consecutive, or remove it"),
    validation = Rule::new("!has(self.warning) || !has(self.critical) || self.warning <= self.critical")
        .message("warning is above critical: write a warning that is at most critical")
        .field_path(".warning")
)]
#[serde(rename_all = "camelCase")]
pub struct DriftOverride {
    /// The features: 1 to 64 names or globs, of at most 256 characters. No default. Example: `[home_store]`.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 256)))]
    pub features: Vec<String>,

    /// Whether the check alarms for them. Default: the check's. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Distance from which on the check warns, 0 to 1,000. Default: the check's. Example: `0.15`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub warning: Option<f64>,

    /// Distance from which on the check is critical, 0 to 1,000, at least `warning`. Default: the check's. Example: `0.5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub critical: Option<f64>,

    /// Fewest rows that allow a verdict, 1 to 1,000,000,000. Default: the check's. Example: `1000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many windows in a row must be over the limit, 1 to 100. Default: the check's. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,
}

/// A check of each feature against the baseline. The value is by how much a share or a coefficient has changed in the direction
/// that is bad; a limit is such a change, 0 to 1 (of a share, 0.05 is five percentage points).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("!has(self.warning) || !has(self.critical) || self.warning <= self.critical")
        .message("warning is above critical: write a warning that is at most critical")
        .field_path(".warning")
)]
#[serde(rename_all = "camelCase")]
pub struct ChangeCheck {
    /// Whether the check alarms; what it measures is shown in any case. Default: `true`. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Change from which on the check warns, 0 to 1. Default: calibrated. Example: `0.02`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub warning: Option<f64>,

    /// Change from which on the check is critical, 0 to 1, at least `warning`. Default: calibrated. Example: `0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub critical: Option<f64>,

    /// Fewest rows of a window that allow a verdict, 1 to 1,000,000,000. Default: `200`. Example: `1000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many windows in a row must be over the limit before it counts, 1 to 100. Default: `1`. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,

    /// Other settings for some features, at most 256; where several match, the last one that says something about a field
    /// holds. Default: none. Example: `[{features: ["basket_*"], critical: 0.1}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub overrides: Option<Vec<ChangeOverride>>,
}

/// Other settings of such a check for some features.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("has(self.enabled) || has(self.warning) || has(self.critical) || has(self.minRows) || has(self.consecutive)")
        .message("the override changes nothing: write enabled, warning, critical, minRows or consecutive, or remove it"),
    validation = Rule::new("!has(self.warning) || !has(self.critical) || self.warning <= self.critical")
        .message("warning is above critical: write a warning that is at most critical")
        .field_path(".warning")
)]
#[serde(rename_all = "camelCase")]
pub struct ChangeOverride {
    /// The features: 1 to 64 names or globs, of at most 256 characters. No default. Example: `["basket_*"]`.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 256)))]
    pub features: Vec<String>,

    /// Whether the check alarms for them. Default: the check's. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Change from which on the check warns, 0 to 1. Default: the check's. Example: `0.05`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub warning: Option<f64>,

    /// Change from which on the check is critical, 0 to 1, at least `warning`. Default: the check's. Example: `0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub critical: Option<f64>,

    /// Fewest rows that allow a verdict, 1 to 1,000,000,000. Default: the check's. Example: `1000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many windows in a row must be over the limit, 1 to 100. Default: the check's. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,
}

/// A check of a number that comes once a window. The value is in deviations: how far a window without any change is from what is
/// usual. A limit is a number of them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("!has(self.warning) || !has(self.critical) || self.warning <= self.critical")
        .message("warning is above critical: write a warning that is at most critical")
        .field_path(".warning")
)]
#[serde(rename_all = "camelCase")]
pub struct DeviationCheck {
    /// Whether the check alarms. Default: `true`. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Deviations from which on the check warns, 0 to 1,000. Default: calibrated. Example: `4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub warning: Option<f64>,

    /// Deviations from which on the check is critical, 0 to 1,000, at least `warning`. Default: calibrated. Example: `8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub critical: Option<f64>,

    /// Fewest values of a window that allow a verdict, 1 to 1,000,000,000. Default: `1`. Example: `100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many windows in a row must be over the limit before it counts, 1 to 100. Default: `1`. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,

    /// Other settings for some features, at most 256; where several match, the last one that says something about a field
    /// holds. Default: none. Example: `[{features: [queue_length], critical: 8}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub overrides: Option<Vec<DeviationOverride>>,
}

/// Other settings of such a check for some features.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("has(self.enabled) || has(self.warning) || has(self.critical) || has(self.minRows) || has(self.consecutive)")
        .message("the override changes nothing: write enabled, warning, critical, minRows or consecutive, or remove it"),
    validation = Rule::new("!has(self.warning) || !has(self.critical) || self.warning <= self.critical")
        .message("warning is above critical: write a warning that is at most critical")
        .field_path(".warning")
)]
#[serde(rename_all = "camelCase")]
pub struct DeviationOverride {
    /// The features: 1 to 64 names or globs, of at most 256 characters. No default. Example: `["queue_*"]`.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 256)))]
    pub features: Vec<String>,

    /// Whether the check alarms for them. Default: the check's. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Deviations from which on the check warns, 0 to 1,000. Default: the check's. Example: `4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub warning: Option<f64>,

    /// Deviations from which on the check is critical, 0 to 1,000, at least `warning`. Default: the check's. Example: `8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub critical: Option<f64>,

    /// Fewest values that allow a verdict, 1 to 1,000,000,000. Default: the check's. Example: `100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many windows in a row must be over the limit, 1 to 100. Default: the check's. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,
}

/// A check of the window as a whole against the baseline. The value is by how much a share or a coefficient has changed in the
/// direction that is bad, or how far frequencies are apart; a limit is such a change, 0 to 1 (of a share, 0.05 is five percentage
/// points).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("!has(self.warning) || !has(self.critical) || self.warning <= self.critical")
        .message("warning is above critical: write a warning that is at most critical")
        .field_path(".warning")
)]
#[serde(rename_all = "camelCase")]
pub struct WindowCheck {
    /// Whether the check alarms; what it measures is shown in any case. Default: `true`. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Change from which on the check warns, 0 to 1. Default: calibrated. Example: `0.02`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub warning: Option<f64>,

    /// Change from which on the check is critical, 0 to 1, at least `warning`. Default: calibrated. Example: `0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub critical: Option<f64>,

    /// Fewest rows of a window that allow a verdict, 1 to 1,000,000,000. Default: `200`. Example: `1000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many windows in a row must be over the limit before it counts, 1 to 100. Default: `1`. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,
}

/// Are more values than in the baseline not acceptable? The value is the increase of their share among the values that are not
/// null; a limit is an increase, 0 to 1 (0.05 is five percentage points).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("!has(self.warning) || !has(self.critical) || self.warning <= self.critical")
        .message("warning is above critical: write a warning that is at most critical")
        .field_path(".warning")
)]
#[serde(rename_all = "camelCase")]
pub struct QualityCheck {
    /// Whether the check alarms; the share is computed and shown in any case. Default: `true`. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Increase of the invalid share from which on the check warns, 0 to 1. Default: calibrated. Example: `0.02`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub warning: Option<f64>,

    /// Increase of the invalid share from which on the check is critical, 0 to 1, at least `warning`. Default: calibrated.
    /// Example: `0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub critical: Option<f64>,

    /// Fewest values of a window that allow a verdict, 1 to 1,000,000,000. Default: `200`. Example: `1000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many windows in a row must be over the limit before it counts, 1 to 100. Default: `1`. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,

    /// How far beyond the baseline's smallest and largest value a number may lie, as a multiple of the distance of those two,
    /// 0 to 1,000: for features without a `range`. Default: `0.5`. Example: `0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub tolerance: Option<f64>,

    /// Other settings for some features, at most 256; where several match, the last one that says something about a field
    /// holds. Default: none. Example: `[{features: [age], range: {min: 0, max: 120}}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub overrides: Option<Vec<QualityOverride>>,
}

/// Other quality settings for some features.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("has(self.enabled) || has(self.warning) || has(self.critical) || has(self.minRows) || has(self.consecutive) || has(self.range) || has(self.allowed)")
        .message("the override changes nothing: write enabled, warning, critical, minRows, consecutive, range or allowed, or remove it"),
    validation = Rule::new("!has(self.range) || !has(self.allowed)")
        .message("range is for numbers and allowed for categories: write one of them")
        .field_path(".allowed"),
    validation = Rule::new("!has(self.warning) || !has(self.critical) || self.warning <= self.critical")
        .message("warning is above critical: write a warning that is at most critical")
        .field_path(".warning")
)]
#[serde(rename_all = "camelCase")]
pub struct QualityOverride {
    /// The features: 1 to 64 names or globs, of at most 256 characters. No default. Example: `["basket_*"]`.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 256)))]
    pub features: Vec<String>,

    /// Whether the check alarms for them. Default: the check's. Example: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Increase of the invalid share from which on the check warns, 0 to 1. Default: the check's. Example: `0.05`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub warning: Option<f64>,

    /// Increase from which on the check is critical, 0 to 1, at least `warning`. Default: the check's. Example: `0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub critical: Option<f64>,

    /// Fewest values that allow a verdict, 1 to 1,000,000,000. Default: the check's. Example: `1000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_rows: Option<i64>,

    /// How many windows in a row must be over the limit, 1 to 100. Default: the check's. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub consecutive: Option<i32>,

    /// The numbers that are acceptable. Default: learnt from the baseline. Example: `{min: 0, max: 120}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<ValueRange>,

    /// The categories that are acceptable, 1 to 256 of at most 256 characters. Default: those that the baseline has seen.
    /// Example: `[bronze, silver, gold]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256), inner(length(max = 256)))]
    pub allowed: Option<Vec<String>>,
}

/// Numbers from one to another, both included.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[x_kube(
    validation = Rule::new("has(self.min) || has(self.max)")
        .message("the range allows every number: write min, max or both, or remove it"),
    validation = Rule::new("!has(self.min) || !has(self.max) || self.min <= self.max")
        .message("min is above max: write a min that is at most max")
        .field_path(".min")
)]
#[serde(rename_all = "camelCase")]
pub struct ValueRange {
    /// The smallest, -9e15 to 9e15. Default: no end. Example: `0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -9e15, max = 9e15))]
    pub min: Option<f64>,

    /// The largest, -9e15 to 9e15, at least `min`. Default: no end. Example: `120`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -9e15, max = 9e15))]
    pub max: Option<f64>,
}
