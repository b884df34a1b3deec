//! Other ways to say what is compared with what: a rolling baseline, the previous pull, a path, and windows
//! of a query that knows nothing of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use harness::customers::{Customers, python};
use harness::exporter::{Exporter, Metrics};
use harness::http;
use serde_json::{Value, json};

/// Long enough that no window becomes complete during a test that does not want one.
const SLOW: u64 = 600;
/// Short enough that a test can wait for a window.
const FAST: u64 = 5;
/// The week whose window ends at the origin.
const ORIGIN_WEEK: u64 = 18;
/// Two exact computations of one number differ by rounding.
const EXACT: f64 = 1e-9;

#[track_caller]
fn check(what: &str, found: Option<f64>, expected: f64) {
    let found = found.unwrap_or_else(|| panic!("{what} is absent"));
    assert!(
        (found - expected).abs() <= EXACT * found.abs().max(expected.abs()),
        "{what}: {found} where {expected} is expected"
    );
}

fn of(metrics: &Metrics, family: &str, feature: &str) -> f64 {
    metrics
        .get(family, &[("feature", feature)])
        .unwrap_or_else(|| panic!("{family} of {feature} is absent"))
}

/// Replaces the pinned baseline of the manifest.
fn with_baseline(customers: &Customers, baseline: &str) {
    let text = std::fs::read_to_string(customers.manifest()).unwrap();
    let start = text.find("    pinned:").unwrap();
    let end = text.find("    revision:").unwrap();
    customers.edit(&text[start..end], &format!("    {baseline}\n"));
}

/// Takes care that nothing is critical, so that no window stays out of a baseline.
fn never_critical(customers: &Customers) {
    customers.edit("minRows: 200", "minRows: 200\n      critical: 1000");
    for check in [
        "missing",
        "quality",
        "outliers",
        "correlation",
        "performance",
        "segments",
        "imputation",
    ] {
        let (without, with) = (
            format!("    {check}: {{}}"),
            format!("    {check}: {{critical: 1}}"),
        );
        customers.edit(&without, &with);
    }
}

/// Of every window the four before it are the baseline, and are what is shown beside it.
#[test]
fn a_rolling_baseline_is_the_windows_before_the_one_that_is_judged() {
    let customers = Customers::replay(2, FAST);
    with_baseline(&customers, "rolling: {windows: 4}");
    never_critical(&customers);
    // The second time from what was saved.
    for _ in 0..2 {
        let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
        let metrics = exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= 2.0);
        let info = metrics.labels("featuremonitor_baseline_info")[0].clone();
        assert_eq!(
            (info["kind"].as_str(), info["version"].as_str()),
            ("Rolling", "1")
        );
        assert_eq!(metrics.find("featuremonitor_baseline_windows"), Some(4.0));
        let week = judged_week(&metrics, &customers);
        check_week(&metrics, week, &format!("{}-{}", week - 4, week - 1));
        exporter.terminate();
    }
}

/// A window in which a feature was critical is no part of what the feature is compared with, and of the other features it is.
#[test]
fn a_window_that_was_critical_is_left_out() {
    let customers = Customers::unchanging(2, FAST);
    with_baseline(&customers, "rolling: {windows: 8}");
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let quiet = exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= 2.0);
    let mean = |metrics: &Metrics| {
        of(
            metrics,
            "featuremonitor_feature_reference_mean",
            "monetary_28d",
        )
    };
    let left_out = |metrics: &Metrics, feature| {
        metrics.get(
            "featuremonitor_baseline_left_out_windows",
            &[("feature", feature)],
        )
    };
    assert_eq!(left_out(&quiet, "monetary_28d"), None);
    customers.faults(&json!({"shift": {"monetary_28d": 50}}));
    let critical = "featuremonitor_check_breached{feature=\"monetary_28d\",check=\"drift\",severity=\"critical\"}";
    let shifted = exporter.wait_for_metric(critical, |breached| breached == 1.0);
    // What was judged goes into the baseline with the next window.
    let judged = shifted.find("featuremonitor_windows_judged_total").unwrap();
    let after = exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n > judged);
    assert!(left_out(&after, "monetary_28d") >= Some(1.0));
    assert_eq!(left_out(&after, "monetary_91d"), None);
    // One of eight windows would have moved it by six; weeks differ by what is drawn of them.
    let moved = mean(&after) - mean(&quiet);
    assert!(
        moved.abs() < 1.0,
        "the mean of the baseline moved by {moved}"
    );
    exporter.terminate();
}

/// What features say together is of a window as a whole: where it was critical, the baseline of all pairs stays what it was.
#[test]
fn what_was_critical_together_is_left_out() {
    let customers = Customers::unchanging(3, FAST);
    with_baseline(&customers, "rolling: {windows: 8}");
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= 2.0);
    customers.faults(&json!({"shuffle": ["monetary_28d"]}));
    let critical = "featuremonitor_check_breached{feature=\"monetary_28d\",check=\"correlation\",severity=\"critical\"}";
    let first = exporter.wait_for_metric(critical, |breached| breached == 1.0);
    let judged = first.find("featuremonitor_windows_judged_total").unwrap();
    let second = exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n > judged);
    let left_out = second.labels("featuremonitor_baseline_left_out_windows");
    assert!(
        left_out
            .iter()
            .any(|labels| !labels.contains_key("feature"))
    );
    let references = |metrics: &Metrics| -> BTreeMap<(String, String), f64> {
        let family = "featuremonitor_pair_reference_association";
        let pairs = metrics.labels(family).into_iter().map(|labels| {
            let own = [
                ("feature", &*labels["feature"]),
                ("partner", &*labels["partner"]),
            ];
            let value = metrics.get(family, &own).unwrap();
            (
                (labels["feature"].clone(), labels["partner"].clone()),
                value,
            )
        });
        pairs.collect()
    };
    let (first, second) = (references(&first), references(&second));
    let both: Vec<_> = first
        .keys()
        .filter(|pair| second.contains_key(*pair))
        .collect();
    assert!(both.len() > 3, "{first:?} {second:?}");
    for pair in both {
        assert_eq!(first[pair], second[pair], "{pair:?}");
    }
    exporter.terminate();
}

/// Of a target that is known later a baseline that goes along has the windows whose target is known, and not those that told less.
#[test]
fn a_rolling_baseline_judges_by_the_targets_that_are_known() {
    let customers = Customers::unchanging(2, FAST);
    with_baseline(&customers, "rolling: {windows: 8}");
    customers.edit("kind: Class", "kind: Class\n      delay: 12s");
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let value = "featuremonitor_check_value{feature=\"monetary_91d\",check=\"performance\"}";
    let quiet = exporter.wait_for_metric(value, |fall| fall.abs() < 0.05);
    let known_before = |metrics: &Metrics| {
        let family = "featuremonitor_feature_reference_predictive_power";
        let labels = [("feature", "monetary_91d"), ("statistic", "auc")];
        metrics.get(family, &labels).unwrap()
    };
    customers.faults(&json!({"shuffle": ["segment"]}));
    let critical = "featuremonitor_check_breached{feature=\"monetary_91d\",check=\"performance\",severity=\"critical\"}";
    let fallen = exporter.wait_for_metric(critical, |breached| breached == 1.0);
    let newest = "featuremonitor_target_window_end_timestamp_seconds";
    let first = fallen.find(newest).unwrap();
    let two_more = first + 2.0 * FAST as f64;
    let later = exporter.wait_for_metric(newest, |end| end >= two_more);
    assert_eq!(later.find(critical), Some(1.0));
    // One of eight windows in which nothing is told would have moved it by more than that.
    let moved = known_before(&later) - known_before(&quiet);
    assert!(moved.abs() < 0.01, "the baseline moved by {moved}");
    exporter.terminate();
}

/// A time that was no normal one is in no baseline: of pinned windows the others stay, of the last ones there is one more before.
#[test]
fn an_excluded_window_is_not_in_the_baseline() {
    // The last seconds of a window, and no more, are enough.
    let exclude = |customers: &Customers, week: u64, length: u64| {
        let end = customers.origin() - (ORIGIN_WEEK - week) * length;
        let end = jiff::Timestamp::from_second(end as i64).unwrap();
        let start = end - jiff::Span::new().seconds(2);
        let excluded = format!("    excluded: [{{from: {start}, to: {end}}}]\n    revision:");
        customers.edit("    revision:", &excluded);
    };
    let run = |customers: &Customers| {
        let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
        let judged = "featuremonitor_windows_judged_total";
        let metrics = exporter.wait_for_metric(judged, |n| n >= 1.0);
        exporter.terminate();
        metrics
    };
    let customers = Customers::replay(1, SLOW);
    exclude(&customers, 17, SLOW);
    check_week(&run(&customers), ORIGIN_WEEK + 1, "13-16,18");

    let customers = Customers::replay(2, FAST);
    with_baseline(&customers, "rolling: {windows: 4}");
    never_critical(&customers);
    exclude(&customers, ORIGIN_WEEK, FAST);
    let metrics = run(&customers);
    let week = judged_week(&metrics, &customers);
    let before = (0..week).rev().filter(|other| *other != ORIGIN_WEEK);
    let weeks: Vec<String> = before.take(4).map(|week| week.to_string()).collect();
    assert!(week - 4 <= ORIGIN_WEEK, "week {week} is too late to tell");
    check_week(&metrics, week, &weeks.join(","));
}

/// The week of the customers that was judged last, where a week lasts [`FAST`] seconds.
fn judged_week(metrics: &Metrics, customers: &Customers) -> u64 {
    let end = metrics.find("featuremonitor_window_end_timestamp_seconds");
    let weeks = (end.unwrap() - customers.origin() as f64) / FAST as f64;
    (ORIGIN_WEEK as f64 + weeks).round() as u64
}

/// One week against a baseline of others, as far as the statistics do not depend on when the bins were frozen.
fn check_week(metrics: &Metrics, week: u64, baseline: &str) {
    let expected = python(
        "data/expected.py",
        &[&week.to_string(), "--baseline", baseline],
    );
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let rows = metrics.find("featuremonitor_baseline_rows");
    check(
        "baseline rows",
        rows,
        expected["baseline_rows"].as_f64().unwrap(),
    );
    let features = expected["features"].as_object().unwrap();
    assert_eq!(features.len(), 38);
    for (feature, expected) in features {
        let what = |family: &str| format!("{family} of {feature} in week {week}");
        let get = |family: &str| metrics.get(family, &[("feature", feature)]);
        let (current, reference) = (&expected["current"], &expected["reference"]);
        let number = |value: &Value| value.as_f64().unwrap();
        let missing = |side: &Value| number(&side["nulls"]) / number(&side["rows"]);
        for (family, value) in [
            ("featuremonitor_feature_missing_ratio", missing(current)),
            (
                "featuremonitor_feature_reference_missing_ratio",
                missing(reference),
            ),
        ] {
            check(&what(family), get(family), value);
        }
        if expected["kind"] != "Numeric" {
            continue;
        }
        for (side, prefix) in [(current, ""), (reference, "reference_")] {
            for name in ["mean", "stddev"] {
                let family = format!("featuremonitor_feature_{prefix}{name}");
                check(&what(&family), get(&family), number(&side[name]));
            }
        }
        let raw = number(&expected["distances"]["ks"]["statistic"]);
        let binned = of(metrics, "featuremonitor_drift_ks_statistic", feature);
        let error = of(metrics, "featuremonitor_drift_ks_binning_error", feature);
        assert!(
            binned <= raw + EXACT && raw <= binned + error + EXACT,
            "KS of {feature} in week {week}: {binned} + {error} where {raw} is exact"
        );
    }
}

/// A table without windows, by its path: each pull is compared with the one before it.
#[test]
fn without_windows_each_pull_is_compared_with_the_one_before() {
    let customers = Customers::replay(1, SLOW);
    let text = std::fs::read_to_string(customers.manifest()).unwrap();
    let start = text.find("    window:").unwrap();
    let end = text.find("    target:").unwrap();
    customers.edit(&text[start..end], "");
    let start = text.find("        command:").unwrap();
    let end = text.find("      timeout:").unwrap();
    customers.edit(&text[start..end], "        path: [customer_features]\n");
    with_baseline(&customers, "previous: {}");
    // Which one window says nothing of.
    customers.edit("    performance: {}\n", "");
    // So long is each pull compared, before the next one is the same.
    customers.edit("every: 1s", "every: 3s");
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);

    let quiet = exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= 1.0);
    let kind = quiet.labels("featuremonitor_baseline_info")[0]["kind"].clone();
    assert_eq!(kind, "Previous");
    let rows = of(&quiet, "featuremonitor_feature_rows", "monetary_28d");
    // Weeks 13 to 19, and no window to leave a row out.
    assert!(rows > 6.0 * 2_300.0, "{rows} rows");
    assert_eq!(quiet.find("featuremonitor_baseline_rows"), Some(rows));
    assert_eq!(
        quiet.find("featuremonitor_rows_outside_windows_total"),
        Some(0.0)
    );
    let mean = "featuremonitor_feature_mean";
    let before = "featuremonitor_feature_reference_mean";
    let ks = "featuremonitor_drift_ks_statistic";
    let psi = "featuremonitor_drift_psi";
    for feature in ["monetary_28d", "recency_days", "frequency_total"] {
        assert_eq!(of(&quiet, ks, feature), 0.0, "{feature}");
        assert_eq!(of(&quiet, psi, feature), 0.0, "{feature}");
    }
    let was = of(&quiet, mean, "monetary_28d");
    check("mean before", Some(of(&quiet, before, "monetary_28d")), was);

    customers.faults(&json!({"shift": {"monetary_28d": 50}}));
    let breached = "featuremonitor_check_breached{feature=\"monetary_28d\",check=\"drift\",severity=\"critical\"}";
    let moved = exporter.wait_for_metric(breached, |breached| breached == 1.0);
    assert!(of(&moved, ks, "monetary_28d") > 0.1);
    check("mean", Some(of(&moved, mean, "monetary_28d")), was + 50.0);
    check("mean before", Some(of(&moved, before, "monetary_28d")), was);
    assert_eq!(of(&moved, ks, "recency_days"), 0.0);

    let again = exporter.wait_for_metric(breached, |breached| breached == 0.0);
    assert_eq!(of(&again, ks, "monetary_28d"), 0.0);
    for family in [mean, before] {
        check(family, Some(of(&again, family, "monetary_28d")), was + 50.0);
    }
    exporter.terminate();
}

/// A query that takes no window's time is asked once for all windows of an evaluation, and gives the same numbers.
#[test]
fn one_pull_serves_all_windows_of_a_query_without_placeholders() {
    const WINDOWS: f64 = 3.0;
    let customers = Customers::replay(3, SLOW);
    // One evaluation, so that its rows can be counted.
    customers.edit("every: 1s", "every: 1h");
    let judge = |name: &str| {
        let folder = customers.home().join(name);
        std::fs::create_dir(&folder).unwrap();
        let mut exporter = Exporter::run(&customers.manifest(), &folder, &[]);
        let metrics =
            exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= WINDOWS);
        exporter.terminate();
        metrics
    };
    let each = judge("each");
    customers.edit(
        ", \"from\": \"${window_start}\", \"to\": \"${window_end}\"",
        "",
    );
    let one = judge("one");

    let baseline = each.find("featuremonitor_baseline_rows").unwrap();
    let rows = |metrics: &Metrics| metrics.find("featuremonitor_rows_total").unwrap();
    let outside = |metrics: &Metrics| {
        metrics
            .find("featuremonitor_rows_outside_windows_total")
            .unwrap()
    };
    // The baseline is read twice: for its bins, and for the counts of its windows.
    let windows = rows(&each) - 2.0 * baseline;
    assert_eq!(outside(&each), 0.0);
    // One pull for the bins, one for four and one for two windows of the baseline, one for all that are judged.
    let table = baseline + windows;
    assert_eq!(rows(&one), 4.0 * table);
    assert_eq!(outside(&one), 4.0 * table - rows(&each));

    let digest =
        |metrics: &Metrics| metrics.labels("featuremonitor_baseline_info")[0]["digest"].clone();
    assert_eq!(digest(&one), digest(&each));
    let mut compared = 0;
    for family in [
        "featuremonitor_window_rows",
        "featuremonitor_window_end_timestamp_seconds",
        "featuremonitor_feature_rows",
        "featuremonitor_feature_missing_ratio",
        "featuremonitor_feature_mean",
        "featuremonitor_feature_stddev",
        "featuremonitor_feature_p50",
        "featuremonitor_feature_distinct_values",
        "featuremonitor_feature_newest_event_timestamp_seconds",
        "featuremonitor_bin_ratio",
        "featuremonitor_drift_ks_statistic",
        "featuremonitor_drift_psi",
        "featuremonitor_check_limit",
        "featuremonitor_check_breached",
    ] {
        let series = each.labels(family);
        assert!(!series.is_empty(), "{family}");
        assert_eq!(series.len(), one.labels(family).len(), "{family}");
        for labels in series {
            let labels: Vec<(&str, &str)> = labels
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let expected = each.get(family, &labels);
            // A check of the data as a whole has fewer labels, and is not one series by them.
            let Some(expected) = expected else { continue };
            check(
                &format!("{family}{labels:?}"),
                one.get(family, &labels),
                expected,
            );
            compared += 1;
        }
    }
    assert!(compared > 1_000, "{compared} series were compared");
}

/// Until it has all its windows there are no verdicts, and it is said why.
#[test]
fn a_rolling_baseline_that_forms_judges_nothing() {
    let customers = Customers::replay(1, SLOW);
    with_baseline(&customers, "rolling: {windows: 12}");
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    exporter.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 1.0);
    let metrics = Metrics::parse(&http::get(exporter.port(), "/metrics").unwrap());
    // Weeks 13 to 19 are there, five more are to come.
    assert_eq!(metrics.find("featuremonitor_baseline_present"), Some(0.0));
    assert_eq!(
        metrics.find("featuremonitor_windows_judged_total"),
        Some(0.0)
    );
    assert_eq!(metrics.labels("featuremonitor_drift_psi").len(), 0);
    let limits = metrics.labels("featuremonitor_check_limit");
    assert!(limits.iter().all(|of| of["check"] == "freshness"));
    for (reason, check) in [("no_baseline", "drift"), ("no_baseline", "missing")] {
        let because = [
            ("feature", "monetary_28d"),
            ("check", check),
            ("reason", reason),
        ];
        let invalid = metrics.get("featuremonitor_check_invalid_info", &because);
        assert_eq!(invalid, Some(1.0), "{check}");
    }
    exporter.terminate();
}
