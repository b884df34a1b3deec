//! What happens to a running exporter: restarts, damage, new manifests, a source that fails or changes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use harness::customers::Customers;
use harness::exporter::{self, Exporter, Metrics};
use harness::http;
use serde_json::{Value, json};

/// Long enough that no window becomes complete during a test that does not want one.
const SLOW: u64 = 600;
/// Short enough that a test can wait for a window.
const FAST: u64 = 5;

fn judged(exporter: &mut Exporter, windows: f64) -> Metrics {
    exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= windows)
}

fn status(port: u16) -> Value {
    serde_json::from_str(&http::get(port, "/-/status").unwrap()).unwrap()
}

fn digest(metrics: &Metrics) -> String {
    let labels = metrics.labels("featuremonitor_baseline_info");
    assert_eq!(labels.len(), 1);
    labels[0]["digest"].clone()
}

#[test]
fn a_restart_continues_where_it_was() {
    let customers = Customers::replay(3, SLOW);
    let start = || Exporter::run(&customers.manifest(), customers.home(), &[]);
    let mut first = start();
    let before = judged(&mut first, 3.0);
    first.terminate();

    let mut second = start();
    let after = second.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 1.0);
    assert_eq!(digest(&after), digest(&before));
    assert_eq!(after.find("featuremonitor_windows_judged_total"), Some(0.0));
    for family in [
        "featuremonitor_feature_mean",
        "featuremonitor_drift_ks_statistic",
    ] {
        let monetary = [("feature", "monetary_28d")];
        assert!(after.get(family, &monetary).is_some(), "{family}");
        assert_eq!(after.get(family, &monetary), before.get(family, &monetary));
    }
    assert!(second.log().contains("using the saved baseline"));
    second.terminate();
}

#[test]
fn damaged_state_is_an_error_and_stays_as_it_is() {
    let customers = Customers::replay(1, SLOW);
    let start = || Exporter::run(&customers.manifest(), customers.home(), &[]);
    let mut first = start();
    judged(&mut first, 1.0);
    first.terminate();
    let file = find(&customers.home().join("state"), "baseline.json");
    let mut text = std::fs::read_to_string(&file).unwrap();
    let middle = text.len() / 2;
    let cut = (middle..).find(|i| text.is_char_boundary(*i)).unwrap();
    text.truncate(cut);
    std::fs::write(&file, &text).unwrap();

    let mut second = start();
    let metrics = second.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 0.0);
    assert_eq!(metrics.find("featuremonitor_baseline_present"), Some(0.0));
    let last = &status(second.port())["lastEvaluation"];
    assert_eq!(last["reason"], "state", "{last}");
    assert!(second.log().contains("is damaged"), "{}", second.log());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    second.terminate();
}

/// No row comes between the old manifest and the new one, so that what is known of the columns is from before.
/// As the message about damaged state advises. What is not damaged goes on.
#[test]
fn a_baseline_that_was_removed_is_frozen_anew_under_the_next_version() {
    let customers = Customers::replay(3, SLOW);
    let start = || Exporter::run(&customers.manifest(), customers.home(), &[]);
    let version =
        |metrics: &Metrics| metrics.labels("featuremonitor_baseline_info")[0]["version"].clone();
    let mut first = start();
    judged(&mut first, 3.0);
    first.terminate();
    customers.edit("revision: 1", "revision: 2");
    let mut second = start();
    let before = judged(&mut second, 1.0);
    assert_eq!(version(&before), "2");
    second.terminate();

    let state = customers.home().join("state");
    let remove = |name: &str| std::fs::remove_file(find(&state, name)).unwrap();
    remove("baseline.json");
    let mut third = start();
    let after = judged(&mut third, 1.0);
    assert_eq!(version(&after), "3");
    assert_eq!(digest(&after), digest(&before));
    // Only the last window is judged once more; the others are not alarmed again.
    let end = "featuremonitor_window_end_timestamp_seconds";
    assert_eq!(after.find(end), before.find(end));
    let total = "featuremonitor_windows_judged_total";
    assert_eq!(after.find(total), Some(1.0));
    let log = third.log();
    assert!(
        log.contains("no baseline is saved, and there were some"),
        "{log}"
    );
    third.terminate();
    let versions = |list: &Value| -> Vec<u64> {
        let baselines = list["baselines"].as_array().unwrap().iter();
        baselines.map(|b| b["version"].as_u64().unwrap()).collect()
    };
    assert_eq!(versions(&list(&customers, 0)), [3, 1]);

    // Without the progress the kept ones say which version is next, and all windows are judged.
    remove("baseline.json");
    remove("progress.json");
    let mut fourth = start();
    let anew = judged(&mut fourth, 3.0);
    assert_eq!(version(&anew), "2");
    fourth.terminate();
    assert_eq!(versions(&list(&customers, 0)), [2, 1]);
}

#[test]
fn an_excluded_feature_is_gone_at_once() {
    let customers = Customers::replay(1, SLOW);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let before = judged(&mut exporter, 1.0);
    let of = |metrics: &Metrics| {
        let families = ["feature_info", "check_breached", "schema_finding"];
        let about = families.iter().flat_map(|family| {
            let labels = metrics.labels(&format!("featuremonitor_{family}"));
            labels.into_iter().filter(|labels| {
                labels
                    .get("feature")
                    .is_some_and(|name| name == "monetary_28d")
            })
        });
        about.count()
    };
    assert!(of(&before) > 3);
    customers.edit("include:", "exclude: [monetary_28d]\n      include:");
    let after = exporter.wait_for_metric("featuremonitor_statistical_tests", |n| n < 282.0);
    assert_eq!(of(&after), 0);
    exporter.terminate();
}

/// The volume cannot be written when the baseline is frozen, and later it can: what is judged then is judged against the
/// same baseline after a restart too.
#[test]
fn what_could_not_be_saved_is_saved_later() {
    let customers = Customers::replay(1, SLOW);
    let start = || Exporter::run(&customers.manifest(), customers.home(), &[]);
    let mut first = start();
    judged(&mut first, 1.0);
    first.terminate();
    let state = customers.home().join("state");
    let file = find(&state, "baseline.json");
    std::fs::remove_file(find(&state, "progress.json")).unwrap();
    std::fs::remove_file(&file).unwrap();
    // A folder in the file's place: there is nothing to read, and nothing can be written over it.
    std::fs::create_dir(&file).unwrap();

    let mut second = start();
    second.wait_for_metric("featuremonitor_baseline_present", |present| present == 1.0);
    let failing = second.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 0.0);
    assert_eq!(status(second.port())["lastEvaluation"]["reason"], "state");
    std::fs::remove_dir(&file).unwrap();
    second.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 1.0);
    assert!(file.is_file());
    second.terminate();

    let mut third = start();
    let after = third.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 1.0);
    assert_eq!(digest(&after), digest(&failing));
    assert!(third.log().contains("using the saved baseline"));
    third.terminate();
}

fn find(folder: &std::path::Path, name: &str) -> std::path::PathBuf {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.file_name().is_some_and(|file| file == name) {
                return path;
            }
        }
    }
    panic!("no {name}");
}

/// What `baselines list` says of the saved state, and that it ends with this code.
fn list(customers: &Customers, code: i32) -> Value {
    let output = exporter::command()
        .args(["baselines", "list", "--output", "json", "-f"])
        .arg(customers.manifest())
        .arg("--state-dir")
        .arg(customers.home().join("state"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_bad_manifest_is_refused_and_a_new_revision_freezes_anew() {
    let customers = Customers::replay(2, SLOW);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let first = judged(&mut exporter, 2.0);
    let hash = status(exporter.port())["configHash"].clone();

    customers.edit("every: 1s", "every: soon");
    exporter.wait_for_metric("featuremonitor_config_reload_success", |ok| ok == 0.0);
    let refused = status(exporter.port());
    assert_eq!(refused["configHash"], hash);
    let error = refused["configError"].as_str().unwrap();
    assert!(error.contains("spec.schedule.every"), "{error}");
    assert_eq!(http::get(exporter.port(), "/-/ready").map(drop), Ok(()));

    customers.edit("every: soon", "every: 1s");
    customers.edit("revision: 1", "revision: 2");
    let second = exporter.wait_for("the second baseline", |port| {
        let metrics = Metrics::parse(&http::get(port, "/metrics").ok()?);
        let labels = metrics.labels("featuremonitor_baseline_info");
        let anew = labels.first().is_some_and(|info| info["version"] == "2");
        anew.then(|| metrics.clone())
    });
    assert_eq!(
        second.find("featuremonitor_config_reload_success"),
        Some(1.0)
    );
    assert_ne!(status(exporter.port())["configHash"], hash);
    // The same windows make the same baseline, and the last window is judged against it once more.
    assert_eq!(digest(&second), digest(&first));
    let again = judged(&mut exporter, 3.0);
    let end = "featuremonitor_window_end_timestamp_seconds";
    assert_eq!(again.find(end), first.find(end));
    exporter.terminate();

    // The replaced one can be looked at; damaged, it stands in nobody's way.
    let baselines = &list(&customers, 0)["baselines"];
    let of = |version: usize, field: &str| baselines[version][field].clone();
    assert_eq!((of(0, "version"), of(1, "version")), (json!(2), json!(1)));
    assert_eq!(
        (of(0, "standing"), of(1, "standing")),
        (json!("inForce"), json!("replaced"))
    );
    assert_eq!((of(0, "revision"), of(1, "revision")), (json!(2), json!(1)));
    assert_eq!(of(1, "digest"), json!(digest(&first)));
    let state = customers.home().join("state");
    let damaged = find(&state, "baseline-replaced-1.json");
    std::fs::write(damaged, "half a fi").unwrap();
    customers.edit("revision: 2", "revision: 3");
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let third = judged(&mut exporter, 1.0);
    assert_eq!(
        third.labels("featuremonitor_baseline_info")[0]["version"],
        "3"
    );
    exporter.terminate();
    let listed = list(&customers, 1);
    assert_eq!(listed["baselines"].as_array().unwrap().len(), 2);
    assert_eq!(listed["unreadable"].as_array().unwrap().len(), 1);
}

#[test]
fn a_new_name_is_refused() {
    let customers = Customers::replay(1, SLOW);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    judged(&mut exporter, 1.0);
    let hash = status(exporter.port())["configHash"].clone();
    customers.edit("name: customer-segmentation", "name: another");
    exporter.wait_for_metric("featuremonitor_config_reload_success", |ok| ok == 0.0);
    let refused = status(exporter.port());
    assert_eq!(refused["configHash"], hash);
    let error = refused["configError"].as_str().unwrap();
    assert!(
        error.contains("ml-prod/customer-segmentation") && error.contains("ml-prod/another"),
        "{error}"
    );
    exporter.terminate();
}

#[test]
fn a_baseline_in_memory_outlives_a_new_manifest() {
    let customers = Customers::replay(2, SLOW);
    customers.edit("volumeClaim:\n        size: 1Gi", "ephemeral: {}");
    let (manifest, home) = (customers.manifest(), customers.home());
    let mut exporter = Exporter::run_where_the_manifest_says(&manifest, home, &[]);
    let before = judged(&mut exporter, 2.0);
    let hash = status(exporter.port())["configHash"].clone();
    customers.edit("every: 1s", "every: 2s");
    exporter.wait_for("the new manifest is in force and was evaluated", |port| {
        let status = status(port);
        let done = status["configHash"] != hash && status["lastEvaluation"]["success"] == true;
        done.then_some(())
    });
    let after = exporter.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 1.0);
    assert_eq!(digest(&after), digest(&before));
    for series in [
        "featuremonitor_baseline_frozen_timestamp_seconds",
        "featuremonitor_windows_judged_total",
    ] {
        assert_eq!(after.find(series), before.find(series), "{series}");
    }
    exporter.terminate();
}

#[test]
fn an_answer_without_rows_may_lack_columns() {
    let customers = Customers::replay(1, SLOW);
    customers.faults(&json!({"bare": true}));
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let metrics = judged(&mut exporter, 1.0);
    let metrics = match metrics.find("featuremonitor_evaluation_success") {
        Some(1.0) => metrics,
        _ => exporter.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 1.0),
    };
    assert_eq!(
        metrics.find("featuremonitor_open_window_rows"),
        Some(0.0),
        "the window in progress has none"
    );
    assert_eq!(metrics.labels("featuremonitor_schema_finding").len(), 0);
    exporter.terminate();
}

#[test]
fn a_column_of_lists_is_named_and_breaches_nothing() {
    let customers = Customers::replay(1, SLOW);
    customers.faults(&json!({"nested": ["visits"]}));
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let metrics = judged(&mut exporter, 1.0);
    let visits = [("feature", "visits")];
    let labels = metrics.labels("featuremonitor_feature_info");
    let info = labels.iter().find(|info| info["feature"] == "visits");
    let info = info.expect("it is said to be there");
    assert_eq!(info["note"], "type is not watched");
    assert_eq!(info["data_type"], "list");
    for severity in ["warning", "critical"] {
        let schema = [visits[0], ("check", "schema"), ("severity", severity)];
        let breached = metrics.get("featuremonitor_check_breached", &schema);
        assert_eq!(breached, Some(0.0), "{severity}");
    }
    assert_eq!(metrics.get("featuremonitor_feature_mean", &visits), None);
    exporter.terminate();
}

#[test]
fn freshness_needs_enough_rows_with_an_event_time() {
    let customers = Customers::replay(1, SLOW);
    let breached = |metrics: &Metrics| {
        let all = metrics.labels("featuremonitor_check_breached");
        all.iter().filter(|of| of["check"] == "freshness").count()
    };
    customers.edit("    freshness:\n", "    freshness:\n      minRows: 2000\n");
    customers.faults(&json!({"nulls": {"last_event_ts": 0.9}}));
    let run = || {
        let home = tempfile::tempdir().unwrap();
        let mut exporter = Exporter::run(&customers.manifest(), home.path(), &[]);
        let metrics = judged(&mut exporter, 1.0);
        exporter.terminate();
        breached(&metrics)
    };
    assert_eq!(run(), 0, "few rows have an event time");
    customers.faults(&json!({}));
    assert!(run() > 0, "all have");
}

#[test]
fn a_source_that_is_down_leaves_the_last_good_results() {
    let mut customers = Customers::replay(1, SLOW);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let good = judged(&mut exporter, 1.0);
    let mean = |metrics: &Metrics| {
        metrics.get(
            "featuremonitor_feature_mean",
            &[("feature", "monetary_28d")],
        )
    };

    customers.stop();
    let down = exporter.wait_for_metric("featuremonitor_source_up", |up| up == 0.0);
    assert_eq!(down.find("featuremonitor_evaluation_success"), Some(0.0));
    assert_eq!(mean(&down), mean(&good));
    let source = status(exporter.port())["source"].clone();
    assert_eq!(
        (&source["up"], &source["reason"]),
        (&json!(false), &json!("unavailable"))
    );

    customers.start();
    exporter.wait_for_metric("featuremonitor_source_up", |up| up == 1.0);
    let back = exporter.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 1.0);
    assert!(
        back.find("featuremonitor_evaluations_total{outcome=\"failure\"}")
            .unwrap()
            >= 1.0
    );
    exporter.terminate();
}

/// What is shown of the windows judged, without what the clock moves.
fn judgements(metrics: &Metrics) -> Vec<(String, f64)> {
    let mut shown = Vec::new();
    for family in [
        "featuremonitor_window_end_timestamp_seconds",
        "featuremonitor_window_rows",
        "featuremonitor_windows_judged_total",
        "featuremonitor_baseline_rows",
        "featuremonitor_feature_rows",
        "featuremonitor_feature_mean",
        "featuremonitor_feature_missing_ratio",
        "featuremonitor_bin_ratio",
        "featuremonitor_drift_ks_statistic",
        "featuremonitor_drift_psi",
        "featuremonitor_check_value",
        "featuremonitor_newest_event_timestamp_seconds",
        "featuremonitor_feature_newest_event_timestamp_seconds",
    ] {
        for labels in metrics.labels(family) {
            if labels
                .get("check")
                .is_some_and(|check| check == "freshness")
            {
                continue;
            }
            let pairs: Vec<(&str, &str)> = labels
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let value = metrics.get(family, &pairs).unwrap();
            shown.push((format!("{family}{pairs:?}"), value));
        }
    }
    shown
}

/// How often evaluations failed, by reason, without those that never happened.
fn failures(metrics: &Metrics) -> BTreeMap<String, f64> {
    let family = "featuremonitor_evaluation_errors_total";
    let of = |reason: &String| metrics.get(family, &[("reason", reason)]).unwrap();
    let reasons = metrics.labels(family).into_iter();
    let counted = reasons.map(|labels| (labels["reason"].clone(), of(&labels["reason"])));
    counted.filter(|(_, count)| *count > 0.0).collect()
}

/// Every way in which a call can fail: also after a batch of rows, and by silence.
#[test]
fn a_pull_that_fails_or_breaks_off_or_hangs_shows_nothing_of_itself() {
    let customers = Customers::replay(1, FAST);
    customers.edit("timeout: 60s", "timeout: 5s");
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    judged(&mut exporter, 1.0);
    let mut reasons = BTreeSet::new();
    for (fault, reason) in [
        (json!({"fail": "unavailable"}), "unavailable"),
        (json!({"fail": "unauthenticated"}), "unauthenticated"),
        (json!({"fail": "internal"}), "server_error"),
        // pyarrow names no code for an error after the first batch.
        (json!({"fail": "midstream"}), "server_error"),
        (json!({"hang": 30}), "timeout"),
    ] {
        let what = fault.to_string();
        // Whatever rows come before the failure would be seen.
        let mut spoiled = fault;
        spoiled["shift"] = json!({"monetary_28d": 1_000_000});
        customers.faults(&spoiled);
        let failed = exporter.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 0.0);
        reasons.insert(reason.to_owned());
        // A window becomes complete, and is not judged.
        let waiting = exporter.wait_for_metric("featuremonitor_windows_pending", |n| n >= 1.0);
        assert_eq!(waiting.find("featuremonitor_evaluation_success"), Some(0.0));
        assert_eq!(
            waiting.find("featuremonitor_source_up"),
            Some(0.0),
            "{what}"
        );
        assert_eq!(judgements(&waiting), judgements(&failed), "{what}");
        let mean = [("feature", "monetary_28d")];
        let mean = waiting.get("featuremonitor_feature_mean", &mean).unwrap();
        assert!(mean < 100_000.0, "{what}: {mean}");
        let last = status(exporter.port())["lastEvaluation"].clone();
        assert_eq!(last["reason"], reason, "{what}: {last}");
        let counted: BTreeSet<String> = failures(&waiting).into_keys().collect();
        assert_eq!(counted, reasons, "{what}");

        customers.faults(&json!({}));
        let before = waiting.find("featuremonitor_windows_judged_total").unwrap();
        let back = exporter.wait_for("it recovers", |port| {
            let metrics = Metrics::parse(&http::get(port, "/metrics").ok()?);
            let judged = metrics.find("featuremonitor_windows_judged_total")?;
            let good = metrics.find("featuremonitor_evaluation_success")? == 1.0;
            (good && judged > before).then_some(metrics)
        });
        assert_eq!(back.find("featuremonitor_source_up"), Some(1.0));
        // Every window is judged once: what waited was not skipped.
        let end = |metrics: &Metrics| {
            let end = metrics.find("featuremonitor_window_end_timestamp_seconds");
            end.unwrap() / FAST as f64
        };
        let judged = back.find("featuremonitor_windows_judged_total").unwrap();
        assert_eq!(
            judged - before,
            (end(&back) - end(&waiting)).round(),
            "{what}"
        );
    }
    exporter.terminate();
}

#[test]
fn a_first_pull_that_breaks_off_leaves_no_baseline() {
    let customers = Customers::replay(1, SLOW);
    customers.faults(&json!({"fail": "midstream"}));
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let failed = exporter.wait_for_metric(
        "featuremonitor_evaluation_errors_total{reason=\"server_error\"}",
        |n| n >= 2.0,
    );
    assert_eq!(failed.find("featuremonitor_baseline_present"), Some(0.0));
    assert_eq!(
        failed.find("featuremonitor_windows_judged_total"),
        Some(0.0)
    );
    assert_eq!(failed.labels("featuremonitor_feature_info").len(), 0);
    assert_eq!(judgements(&failed).len(), 1, "{:?}", judgements(&failed));

    customers.faults(&json!({}));
    let back = judged(&mut exporter, 1.0);
    assert_eq!(back.find("featuremonitor_baseline_present"), Some(1.0));
    assert_eq!(back.find("featuremonitor_baseline_windows"), Some(6.0));
    exporter.terminate();
}

#[test]
fn changed_columns_and_values_are_found_by_name() {
    let customers = Customers::replay(2, FAST);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let quiet = judged(&mut exporter, 2.0);
    assert_eq!(quiet.labels("featuremonitor_schema_finding").len(), 0);

    customers.faults(&json!({
        "drop": ["monetary_91d"],
        "rename": {"share_meat_91d": "meat_share"},
        "cast": {"frequency_28d": "float64"},
        "nulls": {"recency_days": 0.3},
        "shift": {"basket_value_mean_28d": 20},
        "unseen": {"top_department": 0.3},
    }));
    let finding = |feature: &str, reason: &str| {
        format!("featuremonitor_schema_finding{{feature=\"{feature}\",reason=\"{reason}\"}}")
    };
    // The columns are told by the next rows, the values by the next complete window.
    exporter.wait_for_metric(&finding("monetary_91d", "missing"), |found| found == 1.0);
    let metrics = exporter.wait_for_metric(
        "featuremonitor_check_breached{feature=\"recency_days\",check=\"missing\",severity=\"critical\"}",
        |breached| breached == 1.0,
    );
    for (feature, reason) in [
        ("monetary_91d", "missing"),
        ("share_meat_91d", "renamed"),
        ("meat_share", "new"),
        ("frequency_28d", "type_changed"),
    ] {
        assert_eq!(
            metrics.find(&finding(feature, reason)),
            Some(1.0),
            "{feature}"
        );
    }
    for (feature, check) in [
        ("basket_value_mean_28d", "drift"),
        ("top_department", "drift"),
        ("recency_days", "missing"),
        ("monetary_91d", "schema"),
    ] {
        let labels = [
            ("feature", feature),
            ("check", check),
            ("severity", "critical"),
        ];
        let breached = metrics.get("featuremonitor_check_breached", &labels);
        assert_eq!(breached, Some(1.0), "{check} of {feature}");
    }
    // A column that is gone has no numbers, rather than old ones or 0.
    let gone = [("feature", "monetary_91d")];
    assert_eq!(metrics.get("featuremonitor_feature_mean", &gone), None);
    assert_eq!(
        metrics.get("featuremonitor_feature_present", &gone),
        Some(0.0)
    );

    customers.faults(&json!({}));
    exporter.wait_for_metric(
        "featuremonitor_check_breached{feature=\"recency_days\",check=\"missing\",severity=\"critical\"}",
        |breached| breached == 0.0,
    );
    exporter.terminate();
}

#[test]
fn stale_events_are_found_by_the_clock() {
    let customers = Customers::replay(2, FAST);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    judged(&mut exporter, 2.0);
    // The example's limits are 10 and 14 days: 7.1 and 10 seconds here.
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    customers.faults(&json!({"freeze": now.as_secs_f64()}));
    for severity in ["warning", "critical"] {
        exporter.wait_for(severity, |port| {
            let metrics = Metrics::parse(&http::get(port, "/metrics").ok()?);
            let found = metrics
                .labels("featuremonitor_check_breached")
                .into_iter()
                .any(|labels| labels["check"] == "freshness" && labels["severity"] == severity);
            let of = [
                ("check", "freshness"),
                ("severity", severity),
                ("feature", "recency_days"),
            ];
            (found && metrics.get("featuremonitor_check_breached", &of) == Some(1.0)).then_some(())
        });
    }
    exporter.terminate();
}

/// What is usual of a source's updates is learnt, kept over a restart, and what is later than that is said; no rows are told
/// from no newer events.
#[test]
fn a_source_that_goes_on_is_told_from_one_that_stands_and_one_that_is_empty() {
    const WEEK: u64 = 3;
    let customers = Customers::replay(2, WEEK);
    let state = |metrics: &Metrics, state: &str| {
        metrics.get("featuremonitor_update_state", &[("state", state)]) == Some(1.0)
    };
    let wait = |exporter: &mut Exporter, wanted: &str| {
        exporter.wait_for(wanted, |port| {
            let metrics = Metrics::parse(&http::get(port, "/metrics").ok()?);
            state(&metrics, wanted).then_some(metrics)
        })
    };
    let usual = "featuremonitor_update_usual_interval_seconds";
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let metrics = exporter.wait_for_metric(usual, |limit| limit > 0.0);
    assert!(state(&metrics, "advancing"));
    // Updates are seen at evaluations, a second apart.
    let median = metrics.find("featuremonitor_update_median_interval_seconds");
    assert!((median.unwrap() - WEEK as f64).abs() <= 1.5, "{median:?}");
    // The newest event of a week is within a day of its snapshot.
    let event = metrics.find("featuremonitor_update_event_interval_seconds");
    assert!((event.unwrap() - WEEK as f64).abs() <= 0.5, "{event:?}");
    exporter.terminate();

    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    customers.faults(&json!({"events_until": now.as_secs_f64()}));
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let standing = wait(&mut exporter, "not_advancing");
    assert!(standing.find(usual).is_some(), "it was learnt before");
    let rows = |metrics: &Metrics| metrics.find("featuremonitor_window_rows").unwrap();
    assert!(rows(&standing) > 0.0);
    let page = http::get(exporter.port(), "/").unwrap();
    assert!(page.contains("rows come, but no newer events"));
    assert_eq!(status(exporter.port())["source"]["supply"], "not_advancing");

    customers.faults(&json!({"freeze": now.as_secs_f64()}));
    let empty = wait(&mut exporter, "not_materialised");
    assert_eq!(rows(&empty), 0.0);
    customers.faults(&json!({"fail": "unavailable"}));
    let down = wait(&mut exporter, "unknown");
    let seconds = |metrics: &Metrics, state| {
        let of = [("state", state)];
        metrics
            .get("featuremonitor_source_seconds_total", &of)
            .unwrap()
    };
    assert!(seconds(&empty, "up") > 1.0 && seconds(&down, "up") >= seconds(&empty, "up"));
    let more = exporter.wait_for("seconds of the outage", |port| {
        let metrics = Metrics::parse(&http::get(port, "/metrics").ok()?);
        (seconds(&metrics, "down") > seconds(&down, "down") + 1.0).then_some(metrics)
    });
    assert_eq!(seconds(&more, "unknown"), seconds(&down, "unknown"));
    assert_eq!(seconds(&more, "up"), seconds(&down, "up"));
    exporter.terminate();
}

/// Rows in which a feature is null do not keep it fresh, also when they come in one batch with others.
#[test]
fn a_feature_that_is_null_in_the_newest_rows_is_older_than_the_others() {
    let customers = Customers::replay(1, SLOW);
    // The snapshot of week 19 is taken 578 seconds after the origin, and a second is 17 minutes of the data.
    let origin = customers.origin() as f64;
    let stopped = origin + 540.0;
    customers.faults(&json!({"null_since": {"recency_days": stopped}}));
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let metrics = judged(&mut exporter, 1.0);
    let newest = |feature: &str| {
        metrics
            .get(
                "featuremonitor_feature_newest_event_timestamp_seconds",
                &[("feature", feature)],
            )
            .unwrap()
    };
    let whole = metrics
        .find("featuremonitor_newest_event_timestamp_seconds")
        .unwrap();
    assert!(
        whole > stopped + 20.0 && whole < origin + 579.0,
        "{whole} where {stopped} is the time of the last value"
    );
    assert_eq!(newest("tenure_days"), whole);
    // Somebody buys something every few minutes.
    let old = newest("recency_days");
    assert!(
        old < stopped && old > stopped - 10.0,
        "{old} where {stopped} is the time of the last value"
    );
    let age = |feature: &str| {
        metrics
            .get(
                "featuremonitor_check_value",
                &[("feature", feature), ("check", "freshness")],
            )
            .unwrap()
    };
    let older = age("recency_days") - age("tenure_days");
    assert!(
        (older - (whole - old)).abs() < 1e-3,
        "{older} seconds older"
    );
    exporter.terminate();
}

/// However many windows it lasts; when it comes again it is another.
#[test]
fn an_alarm_counts_once() {
    let customers = Customers::unchanging(2, FAST);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let drift = [("check", "drift"), ("severity", "critical")];
    let alarms = |metrics: &Metrics| metrics.get("featuremonitor_alarms_total", &drift);
    let windows = |metrics: &Metrics| metrics.find("featuremonitor_windows_judged_total").unwrap();
    let breached = "featuremonitor_check_breached{feature=\"monetary_28d\",check=\"drift\",severity=\"critical\"}";
    let quiet = judged(&mut exporter, 2.0);
    assert_eq!(alarms(&quiet), Some(0.0));
    for time in [1.0, 2.0] {
        customers.faults(&json!({"shift": {"monetary_28d": 50}}));
        let begun = exporter.wait_for_metric(breached, |breached| breached == 1.0);
        assert_eq!(alarms(&begun), Some(time));
        let later = judged(&mut exporter, windows(&begun) + 1.0);
        assert_eq!(later.find(breached), Some(1.0));
        assert_eq!(alarms(&later), Some(time));
        customers.faults(&json!({}));
        let ended = exporter.wait_for_metric(breached, |breached| breached == 0.0);
        assert_eq!(alarms(&ended), Some(time));
    }
    exporter.terminate();
}

/// All else is judged when a window is complete; what features tell about the target, when that is known.
#[test]
fn a_target_that_is_known_later_is_judged_later() {
    let customers = Customers::unchanging(2, FAST);
    // Ten windows: much longer than it takes to judge the first ones.
    customers.edit("kind: Class", "kind: Class\n      delay: 50s");
    let start = || Exporter::run(&customers.manifest(), customers.home(), &[]);
    let mut exporter = start();
    let of = |check| [("feature", "monetary_91d"), ("check", check)];
    let value = |metrics: &Metrics, check| metrics.get("featuremonitor_check_value", &of(check));
    let early = judged(&mut exporter, 2.0);
    assert!(value(&early, "drift").is_some());
    assert_eq!(value(&early, "performance"), None);
    assert_eq!(early.find("featuremonitor_target_sampled_rows"), None);

    const LABELLED: &str = "featuremonitor_target_window_end_timestamp_seconds";
    let known = exporter.wait_for_metric(LABELLED, |end| end > 0.0);
    assert!(value(&known, "performance").is_some_and(|fall| fall.abs() < 0.05));
    assert!(known.find("featuremonitor_target_sampled_rows") > Some(2000.0));
    let (newest, labelled) = (
        known.find("featuremonitor_window_end_timestamp_seconds"),
        known.find(LABELLED),
    );
    assert!(newest.unwrap() - labelled.unwrap() >= 9.0 * FAST as f64);
    assert_eq!(known.find("featuremonitor_windows_pending"), Some(0.0));

    // It is that of a window which all else has judged before.
    customers.faults(&json!({"shuffle": ["segment"]}));
    let breached = "featuremonitor_check_breached{feature=\"monetary_91d\",check=\"performance\",severity=\"critical\"}";
    let fallen = exporter.wait_for_metric(breached, |breached| breached == 1.0);
    let critical = [("check", "performance"), ("severity", "critical")];
    let alarms = |metrics: &Metrics| metrics.get("featuremonitor_alarms_total", &critical);
    assert!(alarms(&fallen) >= Some(1.0));
    let before = fallen.find(LABELLED).unwrap();
    let later = exporter.wait_for_metric(LABELLED, |end| end > before);
    assert_eq!(alarms(&later), alarms(&fallen), "an alarm counts once");
    exporter.terminate();

    let mut again = start();
    let after = again.wait_for_metric("featuremonitor_evaluation_success", |ok| ok == 1.0);
    assert_eq!(after.find(breached), Some(1.0));
    assert!(after.find(LABELLED) >= later.find(LABELLED));
    again.terminate();
}
