//! What is checked: limits compared, overrides resolved.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{DAY, Door, MILLISECOND};
use crate::FeatureMonitorSpec;
use crate::checks::{self, CategoricalStatistic, NumericStatistic};
use crate::duration::{self, DurationText};
use crate::valid::{
    Acceptable, AlarmOn, Check, Checks, DriftCheck, Override, QualityCheck, SchemaCheck, Window,
    at_least,
};

/// A distance or a missing share of fewer rows moves by chance alone.
const DEFAULT_MIN_ROWS: u64 = 200;

/// A segment is a part of the rows, and its limit knows how few they are.
const DEFAULT_MIN_SEGMENT_ROWS: u64 = 50;

/// The next value may be half as far out again as all before it.
const DEFAULT_TOLERANCE: f64 = 0.5;

/// The settings that every check has, still as options.
struct Given<T> {
    enabled: Option<bool>,
    warning: Option<T>,
    critical: Option<T>,
    min_rows: Option<i64>,
    consecutive: Option<i32>,
}

/// The settings of a check, or of an override of one: the types differ, and the fields have the same names.
macro_rules! given {
    ($of:expr) => {
        given!($of, $of.warning, $of.critical)
    };
    ($of:expr, $warning:expr, $critical:expr) => {
        Given {
            enabled: $of.enabled,
            warning: $warning,
            critical: $critical,
            min_rows: $of.min_rows,
            consecutive: $of.consecutive,
        }
    };
}

impl Door {
    pub(super) fn checks(
        &mut self,
        spec: &FeatureMonitorSpec,
        window: Option<&Window>,
        every: Option<Duration>,
    ) -> Option<Checks> {
        let given = spec.checks.clone().unwrap_or_default();
        let schema = SchemaCheck {
            enabled: given.schema.and_then(|check| check.enabled).unwrap_or(true),
        };
        let mut freshness = self.freshness(&given.freshness.unwrap_or_default());
        let drift = self.drift(&given.drift.unwrap_or_default());
        let missing = self.change("spec.checks.missing", &given.missing.unwrap_or_default());
        let quality = self.quality(&given.quality.unwrap_or_default());
        let outliers = self.change("spec.checks.outliers", &given.outliers.unwrap_or_default());
        let correlation = self.change(
            "spec.checks.correlation",
            &given.correlation.unwrap_or_default(),
        );
        let mut performance = self.change(
            "spec.checks.performance",
            &given.performance.unwrap_or_default(),
        );
        performance.enabled &= spec.data.target.is_some();
        let given_segments = given.segments.unwrap_or_default();
        let mut segments = self.change("spec.checks.segments", &given_segments);
        segments.enabled &= spec.data.segments.is_some();
        if given_segments.min_rows.is_none() {
            segments.min_rows = DEFAULT_MIN_SEGMENT_ROWS;
        }
        let level = self.deviation("spec.checks.level", &given.level.unwrap_or_default());
        let shift = self.deviation("spec.checks.shift", &given.shift.unwrap_or_default());
        let duplicates = given.duplicates.unwrap_or_default();
        let duplicates = check(given!(duplicates), DEFAULT_MIN_ROWS, Vec::new());
        let patterns = given.missing_patterns.unwrap_or_default();
        let missing_patterns = check(given!(patterns), DEFAULT_MIN_ROWS, Vec::new());
        let imputation = self.change(
            "spec.checks.imputation",
            &given.imputation.unwrap_or_default(),
        );
        let (warning, critical) = match window {
            Some(window) => (window.length * 3 / 2, window.length * 2),
            None => (every? * 2, every? * 4),
        };
        freshness.enabled &= spec.data.event_time.is_some();
        // A default that contradicts the one limit which is given would refuse a manifest for what it does not say.
        if freshness.warning.is_none() {
            freshness.warning = Some(
                freshness
                    .critical
                    .map_or(warning, |critical| critical.min(warning)),
            );
        }
        freshness.critical = at_least(
            freshness.critical.or(Some(critical)),
            freshness.warning.as_ref(),
        );
        Some(Checks {
            schema,
            freshness,
            drift,
            missing,
            quality,
            outliers,
            correlation,
            performance,
            segments,
            level,
            shift,
            duplicates,
            missing_patterns,
            imputation,
        })
    }

    fn freshness(&mut self, spec: &checks::FreshnessCheck) -> Check<Duration> {
        const PATH: &str = "spec.checks.freshness";
        let (warning, critical) = self.ages(PATH, spec.warning.as_ref(), spec.critical.as_ref());
        let given = given!(spec, warning, critical);
        let mut overrides = Vec::new();
        for (i, other) in spec.overrides.iter().flatten().enumerate() {
            let path = format!("{PATH}.overrides[{i}]");
            let (warning, critical) =
                self.ages(&path, other.warning.as_ref(), other.critical.as_ref());
            let given = given!(other, warning, critical);
            overrides.extend(self.other(&path, &other.features, given));
        }
        check(given, 1, overrides)
    }

    /// The two limits of the freshness check, compared.
    fn ages(
        &mut self,
        path: &str,
        warning: Option<&DurationText>,
        critical: Option<&DurationText>,
    ) -> (Option<Duration>, Option<Duration>) {
        let most = DAY * 3660;
        let warning_path = format!("{path}.warning");
        let warning =
            warning.and_then(|text| self.duration(&warning_path, text, MILLISECOND, most));
        let critical = critical
            .and_then(|text| self.duration(&format!("{path}.critical"), text, MILLISECOND, most));
        if let (Some(warning), Some(critical)) = (warning, critical)
            && warning > critical
        {
            let found = format!(
                "warning {} is above critical {}",
                duration::display(warning),
                duration::display(critical)
            );
            self.refuse(
                &warning_path,
                found,
                "write a warning that is at most critical",
            );
        }
        (warning, critical)
    }

    fn drift(&mut self, spec: &checks::DriftCheck) -> DriftCheck {
        const PATH: &str = "spec.checks.drift";
        let alarm_on = spec.alarm_on.clone().unwrap_or_default();
        let alarm_on = AlarmOn {
            numeric: alarm_on.numeric.unwrap_or(NumericStatistic::KS),
            categorical: alarm_on.categorical.unwrap_or(CategoricalStatistic::PSI),
        };
        self.reachable(
            PATH,
            [("warning", spec.warning), ("critical", spec.critical)],
            alarm_on,
        );
        let given = given!(spec);
        let mut overrides = Vec::new();
        for (i, other) in spec.overrides.iter().flatten().enumerate() {
            let path = format!("{PATH}.overrides[{i}]");
            self.reachable(
                &path,
                [("warning", other.warning), ("critical", other.critical)],
                alarm_on,
            );
            let given = given!(other);
            overrides.extend(self.other(&path, &other.features, given));
        }
        DriftCheck {
            check: check(given, DEFAULT_MIN_ROWS, overrides),
            alarm_on,
        }
    }

    /// Refuses a limit that no distance can reach, because those that alarm end at 1.
    fn reachable(&mut self, path: &str, limits: [(&str, Option<f64>); 2], alarm_on: AlarmOn) {
        let numeric = matches!(
            alarm_on.numeric,
            NumericStatistic::KS | NumericStatistic::JensenShannon | NumericStatistic::Hellinger
        );
        let categorical = matches!(
            alarm_on.categorical,
            CategoricalStatistic::JensenShannon | CategoricalStatistic::Hellinger
        );
        for (name, limit) in limits {
            if let Some(limit) = limit
                && numeric
                && categorical
                && limit > 1.0
            {
                let found = format!(
                    "the limit {limit} is never reached: the statistics of alarmOn end at 1"
                );
                self.refuse(
                    &format!("{path}.{name}"),
                    found,
                    "write a limit that is at most 1",
                );
            }
        }
    }

    /// A check of changes from 0 to 1.
    fn change(&mut self, path: &str, spec: &checks::ChangeCheck) -> Check<f64> {
        let given = given!(spec);
        let mut overrides = Vec::new();
        for (i, other) in spec.overrides.iter().flatten().enumerate() {
            let given = given!(other);
            overrides.extend(self.other(&format!("{path}.overrides[{i}]"), &other.features, given));
        }
        check(given, DEFAULT_MIN_ROWS, overrides)
    }

    /// A check of a number that comes once a window, in deviations.
    fn deviation(&mut self, path: &str, spec: &checks::DeviationCheck) -> Check<f64> {
        let given = given!(spec);
        let mut overrides = Vec::new();
        for (i, other) in spec.overrides.iter().flatten().enumerate() {
            let given = given!(other);
            overrides.extend(self.other(&format!("{path}.overrides[{i}]"), &other.features, given));
        }
        // What windows of few rows differ by is in the baseline's windows too.
        check(given, 1, overrides)
    }

    fn quality(&mut self, spec: &checks::QualityCheck) -> QualityCheck {
        const PATH: &str = "spec.checks.quality";
        let given = given!(spec);
        let (mut overrides, mut acceptable) = (Vec::new(), Vec::new());
        for (i, other) in spec.overrides.iter().flatten().enumerate() {
            let given = given!(other);
            let other_settings =
                self.other(&format!("{PATH}.overrides[{i}]"), &other.features, given);
            let said = match (&other.range, &other.allowed) {
                (Some(range), _) => Some(Acceptable::Range {
                    min: range.min,
                    max: range.max,
                }),
                (None, Some(allowed)) => {
                    Some(Acceptable::Allowed(allowed.iter().cloned().collect()))
                }
                (None, None) => None,
            };
            if let Some(settings) = other_settings {
                acceptable.extend(said.map(|said| (settings.features.clone(), said)));
                overrides.push(settings);
            }
        }
        QualityCheck {
            check: check(given, DEFAULT_MIN_ROWS, overrides),
            tolerance: spec.tolerance.unwrap_or(DEFAULT_TOLERANCE),
            acceptable,
        }
    }

    fn other<T>(
        &mut self,
        path: &str,
        features: &[String],
        given: Given<T>,
    ) -> Option<Override<T>> {
        let features = self.patterns(&format!("{path}.features"), features)?;
        Some(Override {
            features,
            enabled: given.enabled,
            warning: given.warning,
            critical: given.critical,
            min_rows: given.min_rows.map(i64::unsigned_abs),
            consecutive: given
                .consecutive
                .and_then(|n| NonZeroU32::new(n.unsigned_abs())),
        })
    }
}

/// A check with its defaults.
fn check<T>(given: Given<T>, min_rows: u64, overrides: Vec<Override<T>>) -> Check<T> {
    Check {
        enabled: given.enabled.unwrap_or(true),
        warning: given.warning,
        critical: given.critical,
        min_rows: given.min_rows.map_or(min_rows, i64::unsigned_abs),
        consecutive: given
            .consecutive
            .and_then(|n| NonZeroU32::new(n.unsigned_abs()))
            .unwrap_or(NonZeroU32::MIN),
        overrides,
    }
}
