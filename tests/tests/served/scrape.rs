//! The full scrape: what promtool says to it, what is in it, and what must not be.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use exporter::process::{Outcome, Process};
use exporter::scrape::{SERIES_BUDGET, families, scrape};
use exporter::snapshot::{Evaluation, Failure, Snapshot};
use exporter::source::Reason;
use harness::tools::{self, promtool};
use metrics::{Format, table};

use super::fixture;

/// A scrape as the server puts it together.
fn full(snapshot: &Snapshot, format: Format) -> String {
    let Snapshot { monitor, .. } = snapshot;
    let process = Process::new(&monitor.namespace, &monitor.name, fixture::now());
    process.config_loaded(&snapshot.config_hash, fixture::now());
    process.evaluated(Outcome::Success, Duration::from_millis(410));
    process.evaluated(Outcome::Failure, Duration::from_secs(60));
    process.evaluation_failed(Reason::Timeout);
    process.received(1_234_567, 2_311, 3, 17);
    process.windows_judged(4);
    let samples = scrape(snapshot, &process);
    samples.text(format) + &process.samples(fixture::now()).text(format) + format.end()
}

#[test]
fn promtool_has_no_objection() {
    for snapshot in [fixture::snapshot(), fixture::empty()] {
        let text = full(&snapshot, Format::Classic);
        assert_eq!(promtool(&["check", "metrics"], &text), Ok(()));
    }
}

#[test]
fn every_query_of_the_table_parses() {
    let rules: Vec<String> = table::ALL
        .iter()
        .enumerate()
        .map(|(i, family)| {
            let query = serde_json::to_string(family.usage.query).expect("text is JSON");
            format!("  - record: usage:{i}\n    expr: {query}\n")
        })
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("rules.yaml");
    let text = format!("groups:\n- name: usage\n  rules:\n{}", rules.concat());
    std::fs::write(&path, text).expect("the folder is writable");
    let promtool = tools::tool("promtool").unwrap_or_else(|error| panic!("{error}"));
    let output = Command::new(promtool)
        .args(["check", "rules"])
        .arg(&path)
        .output()
        .expect("promtool starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_family_of_the_table_is_served_once_everything_has_happened() {
    let mut snapshot = fixture::snapshot();
    snapshot.source_up = Some(true);
    let text = full(&snapshot, Format::OpenMetrics);
    let absent: Vec<&str> = table::ALL
        .iter()
        // The operator's are served by another program.
        .filter(|family| !family.name.starts_with("featuremonitor_operator_"))
        .filter(|family| !text.contains(&format!("# TYPE {} ", family.open_metrics_name())))
        .map(|family| family.name)
        .collect();
    assert!(absent.is_empty(), "{absent:?}");
}

/// The samples of a scrape, and that no series is there twice.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
        let value = value.parse().expect("a value is a number");
        assert_eq!(
            samples.insert(series.to_owned(), value),
            None,
            "{series} is there twice"
        );
    }
    samples
}

fn series(family: &metrics::Definition, labels: &str) -> String {
    let common = "namespace=\"ml-prod\",monitor=\"customer-segmentation\"";
    match labels {
        "" => format!("{}{{{common}}}", family.name),
        labels => format!("{}{{{common},{labels}}}", family.name),
    }
}

#[test]
fn numbers_are_those_of_the_snapshot() {
    let snapshot = fixture::snapshot();
    let samples = samples(&full(&snapshot, Format::Classic));
    let check = |family: &metrics::Definition, labels: &str, expected: Option<f64>| {
        let series = series(family, labels);
        assert_eq!(samples.get(&series).copied(), expected, "{series}");
    };
    let spend = "feature=\"basket_mean\"";
    let feature = snapshot.features.iter().find(|f| f.name == "basket_mean");
    let feature = feature.expect("the fixture has it");
    let moments = feature
        .summary
        .as_ref()
        .and_then(|s| s.moments)
        .expect("it has values");
    check(table::FEATURE_MEAN.definition(), spend, Some(moments.mean));
    check(
        table::FEATURE_STDDEV.definition(),
        spend,
        moments.variance.map(f64::sqrt),
    );
    check(table::FEATURE_ROWS.definition(), spend, Some(2_000.0));
    check(table::FEATURE_PRESENT.definition(), spend, Some(1.0));
    let drift = feature
        .report
        .as_ref()
        .and_then(|r| r.verdicts.drift.as_ref().ok())
        .expect("judged");
    let of = "feature=\"basket_mean\",check=\"drift\"";
    check(table::CHECK_VALUE.definition(), of, Some(drift.value));
    check(table::DRIFT_KS.definition(), spend, Some(drift.value));
    for (severity, word) in [
        (stats::Severity::Warning, "warning"),
        (stats::Severity::Critical, "critical"),
    ] {
        let of = format!("{of},severity=\"{word}\"");
        check(
            table::CHECK_LIMIT.definition(),
            &of,
            Some(drift.limits.get(severity).value),
        );
        check(
            table::CHECK_SCORE.definition(),
            &of,
            Some(*drift.scores.get(severity)),
        );
        check(table::CHECK_BREACHED.definition(), &of, Some(1.0));
    }
    // Under no feature's name those of what features say together.
    let left_out = table::BASELINE_LEFT_OUT_WINDOWS.definition();
    check(left_out, "feature=\"monetary_28d\"", Some(1.0));
    check(left_out, "", Some(2.0));
    check(table::WINDOW_ROWS.definition(), "", Some(2_000.0));
    check(
        table::SOURCE_RECEIVED_BYTES.definition(),
        "",
        Some(1_234_567.0),
    );
}

/// The shares that a score is made of, and the scores: see the fixture's last window.
#[test]
fn what_can_be_used_is_a_number() {
    let samples = samples(&full(&fixture::snapshot(), Format::Classic));
    let check = |family: &metrics::Definition, feature: &str, expected: Option<f64>| {
        let labels = match feature {
            "" => String::new(),
            feature => format!("feature=\"{feature}\""),
        };
        let series = series(family, &labels);
        let found = samples.get(&series).copied();
        let near = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
            (found, expected) => found == expected,
        };
        assert!(near, "{series}: {found:?} where {expected:?} is expected");
    };
    let (quality, invalid) = (
        table::FEATURE_QUALITY_RATIO.definition(),
        table::FEATURE_INVALID_RATIO.definition(),
    );
    for (feature, missing, refused, usable) in [
        // 680 of 2,000 are null, and 132 of the others beyond the range.
        ("discount_share", 0.34, 0.1, 0.594),
        ("age", 0.667, 0.0, 0.333),
        ("visits_7d", 0.96, 0.0, 0.04),
        ("basket_mean", 0.0, 0.0005, 0.9995),
        ("home_store", 0.0, 0.0, 1.0),
    ] {
        let nulls = table::FEATURE_MISSING_RATIO.definition();
        check(nulls, feature, Some(missing));
        check(invalid, feature, Some(refused));
        check(quality, feature, Some(usable));
    }
    // What is gone has no shares, and nothing of it can be used.
    for gone in ["weekday", "coupon_share", "loyalty_tier"] {
        check(invalid, gone, None);
        check(quality, gone, Some(0.0));
    }
    let outliers = table::FEATURE_OUTLIER_RATIO.definition();
    // None of evenly spread numbers is far out, the tenth apart is; of categories nothing is.
    check(outliers, "share_produce", Some(0.0));
    check(outliers, "discount_share", Some(0.1));
    check(outliers, "basket_mean", Some(0.119));
    check(outliers, "home_store", None);
    check(table::DUPLICATE_KEY_RATIO.definition(), "", Some(0.018));
    check(table::MISSING_KEY_RATIO.definition(), "", Some(0.0));
    let features = (8.0 + 0.9995 + 0.594 + 0.333 + 0.04) / 15.0;
    let whole = table::QUALITY_RATIO.definition();
    check(whole, "", Some(features * 0.982));
}

#[test]
fn what_was_not_computed_is_absent_and_has_a_reason() {
    let samples = samples(&full(&fixture::snapshot(), Format::Classic));
    let check = |feature: &str, check: &str, reason: &str| {
        let of = format!("feature=\"{feature}\",check=\"{check}\"");
        let valid = series(table::CHECK_VALID.definition(), &of);
        assert_eq!(samples.get(&valid), Some(&0.0), "{valid}");
        let info = series(
            table::CHECK_INVALID_INFO.definition(),
            &format!("{of},reason=\"{reason}\""),
        );
        assert_eq!(samples.get(&info), Some(&1.0), "{info}");
        let judged = |series: &&String| {
            series.contains(&of) && !series.starts_with(&valid) && !series.starts_with(&info)
        };
        assert_eq!(samples.keys().find(judged), None);
    };
    check("weekday", "drift", "absent");
    check("tenure_days", "drift", "moving");
    check("coupon_ratio", "missing", "not_in_baseline");
    assert!(samples.values().all(|value| !value.is_nan()));
    let mean = series(table::FEATURE_MEAN.definition(), "feature=\"weekday\"");
    assert_eq!(samples.get(&mean), None);
}

/// The check of such a window is not valid, and the alarm has the numbers that it rests on.
#[test]
fn an_alarm_stands_over_a_window_without_a_verdict() {
    let mut snapshot = fixture::snapshot();
    let mut verdicts = snapshot.features.iter().filter_map(|feature| {
        Some(
            feature
                .report
                .as_ref()?
                .verdicts
                .drift
                .as_ref()
                .ok()?
                .clone(),
        )
    });
    let verdict = verdicts.next().expect("some feature is judged");
    let absent = snapshot.features.iter_mut().find(|f| f.name == "weekday");
    let absent = absent.expect("it is expected");
    absent.breached.drift = Some(stats::BySeverity {
        warning: true,
        critical: false,
    });
    absent.standing.drift = Some(verdict.clone());
    let samples = samples(&full(&snapshot, Format::Classic));
    let of = "feature=\"weekday\",check=\"drift\"";
    let check = |family, labels: &str, expected| {
        let series = series(family, &format!("{of}{labels}"));
        assert_eq!(samples.get(&series), Some(&expected), "{series}");
    };
    check(table::CHECK_VALID.definition(), "", 0.0);
    check(
        table::CHECK_INVALID_INFO.definition(),
        ",reason=\"absent\"",
        1.0,
    );
    check(table::CHECK_VALUE.definition(), "", verdict.value);
    for (severity, breached) in [("warning", 1.0), ("critical", 0.0)] {
        let severity = format!(",severity=\"{severity}\"");
        check(table::CHECK_BREACHED.definition(), &severity, breached);
    }
}

/// How fresh the newest rows are is not known before they were looked at, and nobody is told that it is well.
#[test]
fn freshness_waits_while_windows_are_caught_up() {
    let mut snapshot = fixture::snapshot();
    snapshot.freshness = None;
    for feature in &mut snapshot.features {
        feature.freshness = None;
    }
    for (pending, reason) in [(12, "catching_up"), (0, "no_event")] {
        snapshot.windows_pending = pending;
        let samples = samples(&full(&snapshot, Format::Classic));
        let of = "check=\"freshness\"";
        let whole = series(table::CHECK_VALID.definition(), of);
        assert_eq!(samples.get(&whole), Some(&0.0), "{whole}");
        let why = format!("{of},reason=\"{reason}\"");
        let why = series(table::CHECK_INVALID_INFO.definition(), &why);
        assert_eq!(samples.get(&why), Some(&1.0), "{why}");
        let breached = table::CHECK_BREACHED.definition().name;
        let said = |series: &&String| series.starts_with(breached) && series.contains(of);
        assert_eq!(samples.keys().find(said), None);
    }
}

#[test]
fn a_rule_is_judged_or_says_why_not() {
    let samples = samples(&full(&fixture::snapshot(), Format::Classic));
    let check = |definition, labels: &str, expected: Option<f64>| {
        let series = series(definition, labels);
        assert_eq!(samples.get(&series).copied(), expected, "{series}");
    };
    let breached = table::RULE_BREACHED.definition();
    check(
        breached,
        "rule=\"violated\",severity=\"critical\"",
        Some(1.0),
    );
    check(breached, "rule=\"holds\",severity=\"critical\"", Some(0.0));
    check(breached, "rule=\"volume\",severity=\"warning\"", Some(1.0));
    check(breached, "rule=\"broken\",severity=\"critical\"", None);
    let ratio = table::RULE_VIOLATION_RATIO.definition();
    check(ratio, "rule=\"violated\"", Some(0.1));
    check(ratio, "rule=\"volume\"", None);
    let unknown = table::RULE_UNKNOWN_ROWS.definition();
    check(unknown, "rule=\"violated\"", Some(10.0));
    let why = table::RULE_INVALID_INFO.definition();
    check(why, "rule=\"broken\",reason=\"column\"", Some(1.0));
    check(why, "rule=\"all-null\",reason=\"unknown\"", Some(1.0));
    let broken = table::RULE_BROKEN.definition();
    check(broken, "rule=\"broken\"", Some(1.0));
    check(broken, "rule=\"all-null\"", Some(0.0));
}

#[test]
fn a_failure_leaves_the_last_values() {
    let mut snapshot = fixture::snapshot();
    let before = samples(&full(&snapshot, Format::Classic));
    snapshot.evaluation = Some(Evaluation {
        at: fixture::now(),
        duration_seconds: 60.0,
        failure: Some(Failure {
            reason: Reason::Timeout,
            message: "not complete within 60 s".to_owned(),
        }),
    });
    snapshot.source_up = Some(false);
    let after = samples(&full(&snapshot, Format::Classic));
    let differing: Vec<&String> = before
        .keys()
        .filter(|key| before.get(*key) != after.get(*key))
        .collect();
    let changed = [
        table::EVALUATION_SUCCESS.definition(),
        table::EVALUATION_TIMESTAMP.definition(),
        table::SOURCE_UP.definition(),
    ]
    .map(|family| series(family, ""));
    assert_eq!(differing.len(), changed.len());
    assert!(
        differing.iter().all(|series| changed.contains(series)),
        "{differing:?}"
    );
    assert_eq!(after.get(&changed[0]), Some(&0.0));
}

#[test]
fn a_sensitive_feature_shows_statistics_only() {
    for format in [Format::Classic, Format::OpenMetrics] {
        let text = full(&fixture::snapshot(), format);
        assert!(!text.contains(fixture::CANARY));
        assert!(!text.contains(&fixture::CANARY_NUMBER.to_string()));
    }
    let samples = samples(&full(&fixture::snapshot(), Format::Classic));
    let absent = [
        table::FEATURE_MIN.definition(),
        table::FEATURE_MAX.definition(),
        table::FEATURE_P50.definition(),
    ];
    for family in absent {
        assert_eq!(samples.get(&series(family, "feature=\"income\"")), None);
    }
    let mean = series(table::FEATURE_MEAN.definition(), "feature=\"income\"");
    assert!(samples.contains_key(&mean));
    let bin = series(table::BIN_RATIO.definition(), "feature=\"age\",bin=\"1\"");
    assert!(samples.contains_key(&bin), "{bin}");
}

#[test]
fn what_does_not_fit_is_counted_and_verdicts_stay() {
    let snapshot = fixture::snapshot();
    let everything = families(&snapshot, SERIES_BUDGET);
    assert_eq!(everything.dropped, 0);
    let total = everything.samples.len();
    let most = total - 200;
    let cut = families(&snapshot, most);
    assert!(cut.samples.len() <= most && cut.dropped > 0);
    assert_eq!(cut.samples.len() + cut.dropped as usize, total);
    let verdicts = |text: String| {
        text.matches(table::CHECK_BREACHED.definition().name)
            .count()
    };
    assert_eq!(
        verdicts(cut.samples.text(Format::Classic)),
        verdicts(everything.samples.text(Format::Classic))
    );
}

#[test]
fn long_names_are_cut_and_stay_apart() {
    let mut snapshot = fixture::snapshot();
    let long = "x".repeat(500);
    snapshot.features[0].name = format!("{long}a");
    snapshot.features[1].name = format!("{long}b");
    let text = full(&snapshot, Format::Classic);
    assert!(samples(&text).keys().all(|series| series.len() < 600));
    assert_eq!(promtool(&["check", "metrics"], &text), Ok(()));
}
