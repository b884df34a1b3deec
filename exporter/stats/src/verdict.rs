//! One check's verdict on one feature: value against limit, and whether that lasted.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::distance::Statistic;
use crate::limits::{Limit, LimitPart};

/// A check whose limit follows from the false-alarm budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Check {
    /// The distribution moved away from the baseline.
    Drift,
    /// The share of nulls rose above the baseline's.
    Missing,
    /// The share of values that are not acceptable rose above the baseline's.
    Quality,
    /// The share of numbers far from the baseline's median rose above the baseline's.
    Outliers,
    /// Its association with another feature is not the baseline's.
    Correlation,
    /// It tells less about the target than in the baseline.
    Performance,
    /// The mean is not where it usually is at this time.
    Level,
    /// The mean has moved slowly, and stays.
    Shift,
    /// The share of rows with the key of another row rose above the baseline's.
    Duplicates,
    /// Other features than in the baseline are missing in the same rows.
    MissingPatterns,
    /// The share of values that were filled in rose above the baseline's.
    Imputation,
    /// The distribution within a segment moved away from the baseline's.
    Segments,
}

impl Check {
    /// Every check.
    pub const ALL: [Check; 12] = [
        Check::Drift,
        Check::Missing,
        Check::Quality,
        Check::Outliers,
        Check::Correlation,
        Check::Performance,
        Check::Level,
        Check::Shift,
        Check::Duplicates,
        Check::MissingPatterns,
        Check::Imputation,
        Check::Segments,
    ];

    /// Its name as metrics and pages have it.
    pub const fn name(self) -> &'static str {
        match self {
            Check::Drift => "drift",
            Check::Missing => "missing",
            Check::Quality => "quality",
            Check::Outliers => "outliers",
            Check::Correlation => "correlation",
            Check::Performance => "performance",
            Check::Level => "level",
            Check::Shift => "shift",
            Check::Duplicates => "duplicates",
            Check::MissingPatterns => "missing_patterns",
            Check::Imputation => "imputation",
            Check::Segments => "segments",
        }
    }

    /// Its name in words, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Check::MissingPatterns => "missing patterns",
            check => check.name(),
        }
    }

    /// What it judges.
    pub const fn scope(self) -> Scope {
        match self {
            Check::Drift
            | Check::Missing
            | Check::Quality
            | Check::Outliers
            | Check::Correlation
            | Check::Performance
            | Check::Level
            | Check::Shift
            | Check::Imputation
            | Check::Segments => Scope::Feature,
            Check::Duplicates | Check::MissingPatterns => Scope::Window,
        }
    }

    /// The checks that judge this.
    pub fn of(scope: Scope) -> impl Iterator<Item = Check> {
        Check::ALL
            .into_iter()
            .filter(move |check| check.scope() == scope)
    }
}

/// What a check judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Each feature on its own.
    Feature,
    /// A window as a whole, which has the empty name where features have theirs.
    Window,
}

/// One value for each check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByCheck<T> {
    /// The value of drift.
    pub drift: T,
    /// The value of missing.
    pub missing: T,
    /// The value of quality.
    pub quality: T,
    /// The value of outliers.
    pub outliers: T,
    /// The value of correlation.
    pub correlation: T,
    /// The value of performance.
    pub performance: T,
    /// The value of level.
    pub level: T,
    /// The value of shift.
    pub shift: T,
    /// The value of duplicates.
    pub duplicates: T,
    /// The value of missing patterns.
    pub missing_patterns: T,
    /// The value of imputation.
    pub imputation: T,
    /// The value of segments.
    pub segments: T,
}

impl<T> ByCheck<T> {
    /// The value that a function gives of each check.
    pub fn from_fn(mut of: impl FnMut(Check) -> T) -> Self {
        ByCheck {
            drift: of(Check::Drift),
            missing: of(Check::Missing),
            quality: of(Check::Quality),
            outliers: of(Check::Outliers),
            correlation: of(Check::Correlation),
            performance: of(Check::Performance),
            level: of(Check::Level),
            shift: of(Check::Shift),
            duplicates: of(Check::Duplicates),
            missing_patterns: of(Check::MissingPatterns),
            imputation: of(Check::Imputation),
            segments: of(Check::Segments),
        }
    }

    /// The value of one check.
    pub fn get(&self, check: Check) -> &T {
        match check {
            Check::Drift => &self.drift,
            Check::Missing => &self.missing,
            Check::Quality => &self.quality,
            Check::Outliers => &self.outliers,
            Check::Correlation => &self.correlation,
            Check::Performance => &self.performance,
            Check::Level => &self.level,
            Check::Shift => &self.shift,
            Check::Duplicates => &self.duplicates,
            Check::MissingPatterns => &self.missing_patterns,
            Check::Imputation => &self.imputation,
            Check::Segments => &self.segments,
        }
    }

    /// The value of one check, to be changed.
    pub fn get_mut(&mut self, check: Check) -> &mut T {
        match check {
            Check::Drift => &mut self.drift,
            Check::Missing => &mut self.missing,
            Check::Quality => &mut self.quality,
            Check::Outliers => &mut self.outliers,
            Check::Correlation => &mut self.correlation,
            Check::Performance => &mut self.performance,
            Check::Level => &mut self.level,
            Check::Shift => &mut self.shift,
            Check::Duplicates => &mut self.duplicates,
            Check::MissingPatterns => &mut self.missing_patterns,
            Check::Imputation => &mut self.imputation,
            Check::Segments => &mut self.segments,
        }
    }

    /// Every check with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Check, &T)> {
        Check::ALL.into_iter().map(|check| (check, self.get(check)))
    }

    /// The checks that judge this, each with its value.
    pub fn of(&self, scope: Scope) -> impl Iterator<Item = (Check, &T)> {
        self.iter().filter(move |(check, _)| check.scope() == scope)
    }
}

/// How bad a breach is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// To be looked at.
    Warning,
    /// Worth a page.
    Critical,
}

impl Severity {
    /// Its name as metrics and pages have it.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// One value for each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BySeverity<T> {
    /// The value at warning.
    pub warning: T,
    /// The value at critical.
    pub critical: T,
}

impl<T> BySeverity<T> {
    /// The same function of both.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> BySeverity<U> {
        BySeverity {
            warning: f(self.warning),
            critical: f(self.critical),
        }
    }

    /// Both, with the other's at the same severity.
    pub fn zip<U>(self, other: BySeverity<U>) -> BySeverity<(T, U)> {
        BySeverity {
            warning: (self.warning, other.warning),
            critical: (self.critical, other.critical),
        }
    }

    /// The value at one severity.
    pub fn get(&self, severity: Severity) -> &T {
        match severity {
            Severity::Warning => &self.warning,
            Severity::Critical => &self.critical,
        }
    }

    /// Both with their severity, warning first.
    pub fn iter(&self) -> impl Iterator<Item = (Severity, &T)> {
        [
            (Severity::Warning, &self.warning),
            (Severity::Critical, &self.critical),
        ]
        .into_iter()
    }
}

/// The highest score there is: what a positive value scores against a limit of 0.
pub const SCORE_MAX: f64 = 1000.0;

/// `value ÷ limit` in the bad direction, in `0..=SCORE_MAX`; at limit 0 it is 0 for a value of 0 (or less),
/// else [`SCORE_MAX`]. A score of 1 and above is over the limit.
pub fn score(value: f64, limit: f64) -> f64 {
    if value <= 0.0 {
        0.0
    } else if limit <= 0.0 {
        SCORE_MAX
    } else {
        (value / limit).min(SCORE_MAX)
    }
}

/// What one check found on one feature in one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which check.
    pub check: Check,
    /// The statistic that alarms.
    pub statistic: Statistic,
    /// Its value in this window, in its own unit.
    pub value: f64,
    /// What it was measured on: rows for missing, duplicates and missing patterns, values for the others.
    pub rows: u64,
    /// The least number of rows on which this check may alarm.
    pub min_rows: u64,
    /// The limits in force.
    pub limits: BySeverity<Limit>,
    /// `value ÷ limit`, see [`score`].
    pub scores: BySeverity<f64>,
    /// Score at least 1 on at least `min_rows` rows, and allowed to alarm at this severity
    /// (a feature that moves by construction is not, unless the manifest gives it a number).
    pub over: BySeverity<bool>,
}

impl Verdict {
    /// Whether the limit in force follows from the budget, and is no number of the manifest.
    pub fn calibrated(&self) -> BySeverity<bool> {
        let warning = self.limits.warning.part != LimitPart::Manifest;
        let critical = match self.limits.critical.part {
            LimitPart::Manifest => false,
            LimitPart::RaisedToWarning => warning,
            _ => true,
        };
        BySeverity { warning, critical }
    }
}

/// Counts in how many windows in a row a feature was over a limit.
///
/// A window in which nothing could be computed is not to be observed: it neither ends nor prolongs a streak.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    runs: BTreeMap<String, BTreeMap<Check, BySeverity<u32>>>,
}

impl Streak {
    /// Counts one window and says, per severity, whether the check is breached: over in at least
    /// `consecutive` windows in a row, this one included.
    pub fn observe(
        &mut self,
        feature: &str,
        check: Check,
        over: BySeverity<bool>,
        consecutive: NonZeroU32,
    ) -> BySeverity<bool> {
        if !self.runs.contains_key(feature) {
            self.runs.insert(feature.to_owned(), BTreeMap::new());
        }
        let runs = self
            .runs
            .get_mut(feature)
            .map(|checks| checks.entry(check).or_default());
        let Some(run) = runs else {
            return BySeverity::default();
        };
        *run = run
            .zip(over)
            .map(|(length, over)| if over { length.saturating_add(1) } else { 0 });
        run.map(|length| length >= consecutive.get())
    }

    /// Drops features that are no longer in the baseline, which bounds the memory.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.runs.retain(|feature, _| keep(feature));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_value_over_limit() {
        let check = |value, limit, expected: f64| assert_eq!(score(value, limit), expected);
        check(0.05, 0.1, 0.5);
        check(0.1, 0.1, 1.0);
        check(-0.2, 0.1, 0.0);
        check(0.0, 0.0, 0.0);
        check(1e-9, 0.0, SCORE_MAX);
        check(1e300, 1e-300, SCORE_MAX);
    }

    #[test]
    fn a_streak_needs_consecutive_windows_and_survives_a_reload() {
        let two = NonZeroU32::new(2).unwrap();
        let over = |warning, critical| BySeverity { warning, critical };
        let mut streak = Streak::default();
        assert_eq!(
            streak.observe("a", Check::Drift, over(true, false), two),
            over(false, false)
        );
        assert_eq!(
            streak.observe("b", Check::Drift, over(true, false), two),
            over(false, false)
        );
        let mut streak: Streak =
            serde_json::from_str(&serde_json::to_string(&streak).unwrap()).unwrap();
        assert_eq!(
            streak.observe("a", Check::Drift, over(true, true), two),
            over(true, false)
        );
        assert_eq!(
            streak.observe("a", Check::Missing, over(true, true), two),
            over(false, false)
        );
        assert_eq!(
            streak.observe("a", Check::Drift, over(false, true), two),
            over(false, true)
        );
        streak.retain(|feature| feature != "a");
        assert_eq!(
            streak.observe("a", Check::Drift, over(true, true), two),
            over(false, false)
        );
    }
}
