//! What the manifest says about verdicts, in the words of the statistics.

use std::collections::BTreeMap;
use std::time::Duration;

use crds::valid::{self, CategoricalStatistic, Monitor, NumericStatistic, Rate, ResolvedCheck};
use stats::{
    Acceptable, ByCheck, BySeverity, Check, CheckSettings, DriftSettings, FrozenFeature,
    QualitySettings, Settings, Statistic,
};

/// The settings of a monitor for the features of its baseline.
pub fn settings(monitor: &Monitor, features: &[FrozenFeature]) -> Settings {
    let checks = &monitor.checks;
    let of = |feature: &str| {
        ByCheck::from_fn(|check| settings_of(check_of(monitor, check).limits_for(feature)))
    };
    Settings {
        budget: budget_per_window(monitor),
        on: ByCheck::from_fn(|check| check_of(monitor, check).enabled),
        drift: DriftSettings {
            numeric: numeric(checks.drift.alarm_on.numeric),
            categorical: categorical(checks.drift.alarm_on.categorical),
        },
        quality: QualitySettings {
            tolerance: checks.quality.tolerance,
        },
        acceptable: features
            .iter()
            .filter_map(|feature| {
                let given = checks.quality.acceptable_for(&feature.name)?;
                Some((feature.name.clone(), acceptable(given)))
            })
            .collect(),
        features: features
            .iter()
            .map(|feature| (feature.name.clone(), of(&feature.name)))
            .collect::<BTreeMap<_, _>>(),
        // No feature has this name, so that no override matches: the checks' own settings.
        default: of(""),
    }
}

/// What the manifest says about a check.
pub fn check_of(monitor: &Monitor, check: Check) -> &valid::Check<f64> {
    match check {
        Check::Drift => &monitor.checks.drift.check,
        Check::Missing => &monitor.checks.missing,
        Check::Quality => &monitor.checks.quality.check,
        Check::Outliers => &monitor.checks.outliers,
        Check::Correlation => &monitor.checks.correlation,
        Check::Performance => &monitor.checks.performance,
        Check::Level => &monitor.checks.level,
        Check::Shift => &monitor.checks.shift,
        Check::Duplicates => &monitor.checks.duplicates,
        Check::MissingPatterns => &monitor.checks.missing_patterns,
        Check::Segments => &monitor.checks.segments,
        Check::Imputation => &monitor.checks.imputation,
    }
}

/// The name of a check in the manifest, below `spec.checks`.
pub fn field(check: Check) -> &'static str {
    match check {
        Check::MissingPatterns => "missingPatterns",
        Check::Segments => "segments",
        check => check.name(),
    }
}

/// Expected false alarms in one window, all tests together.
pub fn budget_per_window(monitor: &Monitor) -> BySeverity<f64> {
    let length = window_length(monitor).as_secs_f64();
    let per_window = |rate: &Rate| rate.count * length / rate.per.as_secs_f64();
    BySeverity {
        warning: per_window(&monitor.false_alarms.warning),
        critical: per_window(&monitor.false_alarms.critical),
    }
}

/// The length of a window; without windows one pull is one, so it is the schedule's.
pub fn window_length(monitor: &Monitor) -> Duration {
    monitor
        .data
        .window
        .as_ref()
        .map_or(monitor.schedule.every, |window| window.length)
}

/// How many windows a day has, the last one begun counted in: 1 of windows of a day or longer.
pub fn windows_a_day(monitor: &Monitor) -> u32 {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let length = window_length(monitor).as_nanos().max(1);
    u32::try_from(DAY.as_nanos().div_ceil(length)).unwrap_or(u32::MAX)
}

fn settings_of(resolved: ResolvedCheck<f64>) -> CheckSettings {
    CheckSettings {
        enabled: resolved.enabled,
        limits: BySeverity {
            warning: resolved.warning,
            critical: resolved.critical,
        },
        min_rows: resolved.min_rows,
    }
}

fn acceptable(given: &valid::Acceptable) -> Acceptable {
    match given {
        valid::Acceptable::Range { min, max } => Acceptable::Range {
            min: *min,
            max: *max,
        },
        valid::Acceptable::Allowed(names) => Acceptable::Names(names.clone()),
    }
}

fn numeric(statistic: NumericStatistic) -> Statistic {
    match statistic {
        NumericStatistic::KS => Statistic::Ks,
        NumericStatistic::Wasserstein => Statistic::Wasserstein,
        NumericStatistic::PSI => Statistic::Psi,
        NumericStatistic::JensenShannon => Statistic::JensenShannon,
        NumericStatistic::Hellinger => Statistic::Hellinger,
    }
}

fn categorical(statistic: CategoricalStatistic) -> Statistic {
    match statistic {
        CategoricalStatistic::PSI => Statistic::Psi,
        CategoricalStatistic::JensenShannon => Statistic::JensenShannon,
        CategoricalStatistic::Hellinger => Statistic::Hellinger,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_window_at_least_and_one_that_is_begun_counts() {
        let example = include_str!("../../crds/examples/hourly-temperatures.yaml");
        let mut monitor = crds::manifest::load(example).unwrap().monitor;
        assert_eq!(windows_a_day(&monitor), 24);
        for (hours, expected) in [(7, 4), (24, 1), (7 * 24, 1)] {
            let window = monitor.data.window.as_mut().unwrap();
            window.length = Duration::from_secs(hours * 60 * 60);
            assert_eq!(windows_a_day(&monitor), expected, "{hours} h");
        }
    }
}
