//! Which of our crates may use which, and what each must never use, read from `cargo metadata`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// A crate, the crates of ours it may use, and crates it must not even reach through others.
struct Rule {
    name: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

const PURE: &[&str] = &[
    "arrow",
    "arrow-array",
    "tokio",
    "kube-client",
    "kube-runtime",
    "tonic",
];

const RULES: &[Rule] = &[
    Rule {
        name: "feature-monitor-stats",
        may_use: &[],
        never: PURE,
    },
    Rule {
        name: "feature-monitor-metrics",
        may_use: &[],
        never: PURE,
    },
    Rule {
        name: "feature-monitor-crds",
        may_use: &[],
        never: PURE,
    },
    Rule {
        name: "feature-monitor-dashboards",
        may_use: &["feature-monitor-crds", "feature-monitor-metrics"],
        never: PURE,
    },
    Rule {
        name: "feature-monitor-program",
        may_use: &["feature-monitor-metrics"],
        never: &[
            "arrow",
            "arrow-array",
            "kube-client",
            "kube-runtime",
            "tonic",
        ],
    },
    Rule {
        name: "feature-monitor-exporter",
        may_use: &[
            "feature-monitor-crds",
            "feature-monitor-metrics",
            "feature-monitor-program",
            "feature-monitor-stats",
        ],
        never: &["kube-client", "kube-runtime"],
    },
    Rule {
        name: "feature-monitor-operator",
        may_use: &[
            "feature-monitor-crds",
            "feature-monitor-dashboards",
            "feature-monitor-metrics",
            "feature-monitor-program",
        ],
        never: &["arrow", "arrow-array", "datafusion-common"],
    },
];

#[test]
fn crates_use_only_what_they_may() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = workspace_names(&metadata);
    for rule in RULES {
        let reached = reach(rule.name);
        for other in ours.iter().filter(|other| **other != rule.name) {
            assert!(
                !reached.contains(*other) || rule.may_use.contains(other),
                "{} uses {other}",
                rule.name
            );
        }
        for never in rule.never {
            assert!(!reached.contains(*never), "{} reaches {never}", rule.name);
        }
    }
    let ruled: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    let rest: Vec<&&str> = ours.iter().filter(|name| !ruled.contains(**name)).collect();
    assert_eq!(rest, [&"feature-monitor-tests"], "a crate without a rule");
}

#[test]
fn there_is_one_arrow() {
    let metadata = metadata();
    let versions: BTreeSet<&str> = packages(&metadata)
        .filter(|package| package["name"] == "arrow-array")
        .filter_map(|package| package["version"].as_str())
        .collect();
    assert_eq!(versions.len(), 1, "{versions:?}");
}

fn metadata() -> Value {
    // Of this platform alone: what only others need was never downloaded here.
    let platform = platform();
    let only = ["--format-version=1", "--filter-platform", &platform];
    serde_json::from_str(&cargo("metadata", &only)).unwrap()
}

/// What cargo says about what is here, without asking anybody.
fn cargo(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args([command, "--locked", "--offline"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The platform that cargo builds for here.
fn platform() -> String {
    let output = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.unwrap().to_owned()
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn workspace_names(metadata: &Value) -> BTreeSet<&str> {
    let members: BTreeSet<&str> = metadata["workspace_members"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    packages(metadata)
        .filter(|package| {
            package["id"]
                .as_str()
                .is_some_and(|id| members.contains(id))
        })
        .filter_map(|package| package["name"].as_str())
        .collect()
}

/// What a crate is built from, by name, when it is built alone: in a build of the whole workspace a dependency has the
/// features that anybody asks for. What only tests and build scripts need is left out.
fn reach(name: &str) -> BTreeSet<String> {
    let only = [
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
        "--package",
        name,
    ];
    let text = cargo("tree", &only);
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}
