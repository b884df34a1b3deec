//! The rules as `feature-monitor-operator render` writes them: promtool accepts them, and each alert fires, does not fire,
//! and ends, in a Prometheus' own evaluation.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use harness::customers::workspace;
use harness::tools;
use serde_json::Value;

const LINKS: [&str; 4] = [
    "--grafana-url",
    "https://grafana.example.com",
    "--runbook-url",
    "https://git.example.com/runbooks",
];

fn render(folder: &Path, arguments: &[&str]) -> Output {
    let example = |name: &str| workspace().join("crds/examples").join(name);
    harness::operator::command()
        .args(["render", "-f"])
        .arg(example("customer-segmentation.yaml"))
        .arg(example("warehouse-sql.yaml"))
        .arg("-o")
        .arg(folder)
        .args(LINKS)
        .args(arguments)
        .output()
        .unwrap()
}

fn promtool_test(files: &[PathBuf]) {
    let output = Command::new(tools::tool("promtool").unwrap_or_else(|error| panic!("{error}")))
        .args(["test", "rules"])
        .args(files)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

/// The files that a rendering names, all of which are there.
fn written(output: &Output) -> Vec<PathBuf> {
    assert!(output.status.success(), "{output:?}");
    let names = String::from_utf8(output.stdout.clone()).unwrap();
    let files: Vec<PathBuf> = names.lines().map(PathBuf::from).collect();
    assert!(files.iter().all(|file| file.is_file()), "{files:?}");
    files
}

fn is_of_rules(file: &Path) -> bool {
    file.parent().unwrap().ends_with("rules")
}

#[test]
fn promtool_accepts_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let files = written(&render(folder.path(), &[]));
    let names: Vec<&str> = files
        .iter()
        .map(|file| {
            let below = file.strip_prefix(folder.path()).unwrap();
            below.to_str().unwrap()
        })
        .collect();
    assert_eq!(
        names,
        [
            "rules/feature-monitor.yaml",
            "rules/ml-prod.customer-segmentation.yaml",
            "rules/ml-prod.churn-features.yaml",
            "alertmanager.yaml",
            "boards/featuremonitor-overview.json",
            "boards/featuremonitor-monitor.json",
            "boards/featuremonitor-feature.json",
            "boards/featuremonitor-slo.json",
            "boards/featuremonitor-alerts.json",
            "boards/featuremonitor-health.json",
        ]
    );
    for file in files.iter().filter(|file| is_of_rules(file)) {
        tools::promtool_accepts(&std::fs::read_to_string(file).unwrap());
    }

    let again = tempfile::tempdir().unwrap();
    for (one, other) in files.iter().zip(written(&render(again.path(), &[]))) {
        assert_eq!(std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
    }
}

/// By tests/rules, where every alert has a case in which it fires and says what it says, and moments in which it does not.
#[test]
fn every_alert_fires_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--operator-namespace", "monitoring"];
    let files = written(&render(folder.path(), &arguments));
    let mut cases = Vec::new();
    let (mut fires, mut ends) = (BTreeSet::new(), BTreeSet::new());
    for entry in std::fs::read_dir(workspace().join("tests/rules")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let case = folder.path().join(path.file_name().unwrap());
        std::fs::write(&case, &text).unwrap();
        cases.push(case);
        let parsed: Value = serde_saphyr::from_str(&text).unwrap();
        for test in parsed["tests"].as_array().unwrap() {
            let mut fired = Vec::new();
            for moment in test["alert_rule_test"].as_array().unwrap() {
                let name = moment["alertname"].as_str().unwrap();
                let expected = moment["exp_alerts"].as_array().unwrap();
                for alert in expected {
                    let severity = alert["exp_labels"]["severity"].as_str().unwrap();
                    fired.push((name.to_owned(), severity.to_owned()));
                }
                if expected.is_empty() {
                    ends.extend(fired.clone());
                }
            }
            fires.extend(fired);
        }
    }
    promtool_test(&cases);

    let mut alerts = BTreeSet::new();
    for file in files.iter().filter(|file| is_of_rules(file)) {
        let rules: Value = serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for group in rules["groups"].as_array().unwrap() {
            for rule in group["rules"].as_array().unwrap() {
                if let Some(name) = rule["alert"].as_str() {
                    // An escalation has that of the alert that goes on: of the examples, those of critical ones.
                    let severity = rule["labels"]["severity"].as_str().unwrap_or("critical");
                    alerts.insert((name.to_owned(), severity.to_owned()));
                }
            }
        }
    }
    assert_eq!(fires, alerts);
    // It always fires.
    alerts.remove(&("Watchdog".to_owned(), "none".to_owned()));
    assert_eq!(ends, alerts);
}

#[test]
fn what_cannot_be_rendered_is_said_before_a_file_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], code: i32, words: &str| {
        let output = render(folder.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "`{words}` is not in {said}");
        assert!(!folder.path().join("rules").exists());
    };
    let example = workspace().join("crds/examples/customer-segmentation.yaml");
    let example = example.to_str().unwrap();
    refused(
        &["-f", example],
        1,
        "ml-prod/customer-segmentation is in two files",
    );
    refused(&["-f", "absent.yaml"], 1, "absent.yaml");
    refused(&["--rule-interval", "6m"], 2, "--rule-interval");
    let invalid = workspace().join("crds/invalid/operator/include-bad-glob.yaml");
    refused(
        &["-f", invalid.to_str().unwrap()],
        1,
        "spec.data.features.include",
    );
}
