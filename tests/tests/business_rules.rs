//! Business rules on real data: weekly customer features from a pyarrow Flight server, through the program, against what DuckDB
//! says of the same rows; and what `check` says of rules when it may ask the source.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use harness::customers::{Customers, python};
use harness::exporter::{self, Exporter};
use harness::http;
use serde_json::{Value, json};

/// Rules over rows, each in words that DuckDB and the exporter both understand.
const ROWS: [(&str, &str); 18] = [
    ("spend", "monetary_28d >= 0"),
    ("mean", "basket_value_mean_28d > 20"),
    ("both", "monetary_28d <= monetary_91d and recency_days < 60"),
    ("either", "monetary_28d > 100 or basket_value_mean_28d > 30"),
    (
        "neither",
        "not (monetary_28d > 100 or basket_value_mean_28d > 30)",
    ),
    ("age", "age in ('25-34', '35-44')"),
    ("married", "marital_status = 'Married' and age is not null"),
    ("like", "income like '%-%' or income like 'Under%'"),
    ("nan", "monetary_91d >= 0 and not isnan(monetary_91d)"),
    ("greatest", "monetary_91d > 1e9"),
    (
        "coalesce",
        "coalesce(basket_value_mean_28d, 0) * 4 < monetary_28d + 1",
    ),
    (
        "case",
        "case when age is null then income is null else income is not null end",
    ),
    ("between", "tenure_days between 30 and 400"),
    ("divided", "monetary_28d / nullif(monetary_91d, 0) <= 1"),
    ("whole", "recency_days / nullif(tenure_days, 0) < 0.1"),
    (
        "guarded",
        "tenure_days = 0 or recency_days / tenure_days < 0.25",
    ),
    ("time", "last_event_ts < snapshot_ts"),
    ("text", "length(age) = 5 and starts_with(age, '4')"),
];

/// Rules over the window, and what they are in a query over `now` and `before`.
const WINDOW: [(&str, &str, &str); 9] = [
    (
        "volume",
        "count(*) > previous(count(*))",
        "(select count(*) from now) > (select count(*) from before)",
    ),
    (
        "half",
        "count(*) > 0.5 * previous(count(*))",
        "(select count(*) from now) > 0.5 * (select count(*) from before)",
    ),
    (
        "mean-moved",
        "avg(monetary_28d) < previous(avg(monetary_28d))",
        "(select avg(monetary_28d) from now) < (select avg(monetary_28d) from before)",
    ),
    (
        "spread",
        "stddev(monetary_28d) > avg(monetary_28d) and min(recency_days) < 1",
        "(select stddev(monetary_28d) > avg(monetary_28d) and min(recency_days) < 1 from now)",
    ),
    (
        "filtered",
        "count(*) filter (where age is null) > 0.6 * count(*)",
        "(select count(*) filter (where age is null) > 0.6 * count(*) from now)",
    ),
    (
        "share",
        "count(*) filter (where age is null) / count(*) < 0.1",
        "(select count(*) filter (where age is null) / count(*) < 0.1 from now)",
    ),
    (
        "names",
        "max(marital_status) = 'Unmarried' and previous(min(marital_status)) = 'Married'",
        "(select max(marital_status) from now) = 'Unmarried' and (select min(marital_status) from before) = 'Married'",
    ),
    (
        "together",
        "corr(monetary_28d, monetary_91d) > 0.9 or bool_and(monetary_28d >= 0)",
        "(select corr(monetary_28d, monetary_91d) > 0.9 or bool_and(monetary_28d >= 0) from now)",
    ),
    (
        "null",
        "sum(monetary_28d) filter (where tenure_days < 0) > 0",
        "(select sum(monetary_28d) filter (where tenure_days < 0) > 0 from now)",
    ),
];

fn manifest() -> String {
    let rows = ROWS.iter().map(|(name, expr)| (*name, *expr, "Rows"));
    let window = WINDOW
        .iter()
        .map(|(name, expr, _)| (*name, *expr, "Window"));
    let rules: Vec<Value> = rows
        .chain(window)
        .map(|(name, expr, over)| json!({"name": name, "expr": expr, "over": over, "severity": "Warning"}))
        .collect();
    format!("\n  rules: {}\n", Value::from(rules))
}

fn expected(week: &str, faults: &Value) -> BTreeMap<String, Value> {
    let rows: BTreeMap<&str, &str> = ROWS.into();
    let window: BTreeMap<&str, &str> = WINDOW.map(|(name, _, query)| (name, query)).into();
    let rules = json!({"rows": rows, "window": window}).to_string();
    let found = python(
        "data/business_rules.py",
        &[week, &rules, "--faults", &faults.to_string()],
    );
    serde_json::from_str(&found).unwrap()
}

/// `/metrics` after two weeks, the second of which looks back to the first; and after a restart the same.
#[test]
fn verdicts_are_those_of_a_database() {
    let faults =
        json!({"nans": {"monetary_91d": 0.1}, "nulls": {"monetary_28d": 0.05}, "twice": 0.02});
    let customers = Customers::replay(2, 600);
    customers.append(&manifest());
    customers.faults(&faults);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let judged = "featuremonitor_windows_judged_total";
    exporter.wait_for_metric(judged, |judged| judged >= 2.0);
    exporter.terminate();
    // What was judged is saved.
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    let metrics = exporter.wait_for_metric("featuremonitor_source_up", |up| up == 1.0);

    for (name, expected) in expected("20", &faults) {
        let get = |family: &str| metrics.get(family, &[("rule", &name)]);
        let breached = get("featuremonitor_rule_breached");
        assert_eq!(get("featuremonitor_rule_broken"), Some(0.0), "{name}");
        if expected.is_object() {
            let count = |field: &str| expected[field].as_f64().unwrap();
            let (holds, violations) = (count("holds"), count("violations"));
            let rows = holds + violations;
            assert_eq!(get("featuremonitor_rule_rows"), Some(rows), "{name}");
            let found = get("featuremonitor_rule_violating_rows");
            assert_eq!(found, Some(violations), "{name}");
            let found = get("featuremonitor_rule_unknown_rows");
            assert_eq!(found, Some(count("unknown")), "{name}");
            let ratio = get("featuremonitor_rule_violation_ratio").unwrap();
            assert!((ratio - violations / rows).abs() < 1e-12, "{name}");
            assert_eq!(
                breached,
                Some(f64::from(u8::from(violations > 0.0))),
                "{name}"
            );
        } else {
            let holds = expected.as_bool();
            let expected = holds.map(|holds| f64::from(u8::from(!holds)));
            assert_eq!(breached, expected, "{name}");
            let why = [("rule", name.as_str()), ("reason", "unknown")];
            let unknown = metrics.get("featuremonitor_rule_invalid_info", &why);
            assert_eq!(unknown.is_some(), holds.is_none(), "{name}");
        }
    }
    exporter.terminate();
}

/// The first window that is judged looks back to the last one of the baseline; a window that is asked for by its time, to the one
/// before it.
#[test]
fn the_window_before_is_remembered() {
    let customers = Customers::replay(2, 600);
    customers.append(&manifest());
    let file = customers.manifest().display().to_string();
    let profile = |window: &[&str]| -> Value {
        let all = [&["profile", "-f", &file, "--output", "json"], window].concat();
        let output = exporter::command().args(all).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let newest = profile(&[]);
    let first = profile(&["--window", newest["baseline"]["end"].as_str().unwrap()]);
    for (document, week) in [(first, "19"), (newest, "20")] {
        let expected = expected(week, &json!({}));
        for rule in document["rules"].as_array().unwrap() {
            let name = rule["name"].as_str().unwrap();
            let holds = &expected[name];
            let breached = match holds.is_object() {
                true => Value::from(holds["violations"].as_u64() > Some(0)),
                false => holds.as_bool().map_or(Value::Null, |holds| (!holds).into()),
            };
            assert_eq!(rule["breached"], breached, "week {week}: {rule:#}");
        }
    }
}

/// Keys reach the log and nothing else, and not those of a rule about a sensitive feature.
#[test]
fn keys_of_violations_are_in_the_log_alone() {
    let customers = Customers::replay(1, 600);
    customers.append(
        "
  rules:
    - {name: tenure, expr: tenure_days < 0, over: Rows, severity: Warning, sampleKeys: 2}
    - {name: young, expr: \"age = 'canary'\", over: Rows, severity: Warning, sampleKeys: 2}\n",
    );
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    exporter.wait_for_metric("featuremonitor_windows_judged_total", |judged| {
        judged >= 1.0
    });
    let metrics = http::get(exporter.port(), "/metrics").unwrap();
    let page = http::get(exporter.port(), "/").unwrap();
    let log = exporter.end_by("-TERM");
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("rows violate a rule"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("tenure"), "{lines:?}");
    let keys = lines[0].matches("household_id=").count();
    assert_eq!(keys, 2, "{lines:?}");
    assert!(!metrics.contains("household_id=") && !page.contains("household_id="));
}

#[test]
fn check_asks_the_source_for_its_columns() {
    let customers = Customers::replay(1, 600);
    customers.append(
        "
  rules:
    - {name: fits, expr: monetary_28d >= 0, over: Rows, severity: Critical}
    - {name: misspelt, expr: 0 <= monetary_28, over: Rows, severity: Critical}
    - {name: ages, expr: avg(age) > 1, over: Window, severity: Critical}\n",
    );
    let file = customers.manifest().display().to_string();
    let check = |more: &[&str]| {
        let all = [&["check", "-f", &file, "--output", "json"], more].concat();
        let output = exporter::command().args(all).output().unwrap();
        let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), answers[0].clone())
    };
    assert_eq!(check(&[]).0, Some(0));
    let (code, answer) = check(&["--source"]);
    assert_eq!(code, Some(1));
    let problems = answer["problems"].as_array().unwrap();
    let part = |place: usize, field: &str| problems[place][field].as_str().unwrap();
    assert_eq!(problems.len(), 2, "{answer:#}");
    assert_eq!(part(0, "path"), "spec.rules[1].expr");
    assert_eq!(
        part(0, "found"),
        "at character 6: the source has no column monetary_28"
    );
    assert_eq!(part(0, "write"), "write monetary_28d, if that is meant");
    assert!(problems[0]["line"].is_u64() && problems[0]["column"].is_u64());
    assert_eq!(part(1, "path"), "spec.rules[2].expr");
    assert!(
        part(1, "found").starts_with("at character 1: "),
        "{answer:#}"
    );
}
