//! What can be known of the Dockerfile and the workflows without a container engine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

#[test]
fn what_is_copied_is_there() {
    let ignored = read(".dockerignore");
    let ignored: Vec<&str> = ignored
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    for line in read("Dockerfile").lines() {
        let Some(arguments) = line.strip_prefix("COPY ") else {
            continue;
        };
        let mut words = arguments.split(' ');
        let source = words.next().unwrap();
        if source.starts_with("--from=") {
            continue;
        }
        assert!(root().join(source).exists(), "{line}");
        assert!(!ignored.contains(&source), "{line}: ignored");
    }
    // Cargo wants every member of the workspace, also those that are not built.
    let workspace = read("Cargo.toml");
    let members = workspace
        .lines()
        .find_map(|line| line.strip_prefix("members = "))
        .unwrap();
    let members: Vec<String> = serde_json::from_str(members).unwrap();
    assert!(members.len() > 3);
    for member in members {
        assert!(
            !ignored
                .iter()
                .any(|path| Path::new(&member).starts_with(path)),
            "{member} is ignored"
        );
    }
}

#[test]
fn compiled_by_the_oldest_rust_that_is_allowed() {
    let workspace = read("Cargo.toml");
    let rust = workspace
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .unwrap()
        .trim_end_matches('"');
    assert!(
        read("Dockerfile").contains(&format!("/rust:{rust}-")),
        "{rust}"
    );
}

#[test]
fn workflows_run_what_a_person_runs() {
    let workflow = |name: &str| -> Value {
        serde_saphyr::from_str(&read(&format!(".github/workflows/{name}"))).unwrap()
    };
    let ci = workflow("ci.yaml");
    let steps = ci["jobs"]["test"]["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["run"] == "make test"), "{ci}");
    let release = workflow("release.yaml");
    let targets = &release["jobs"]["images"]["strategy"]["matrix"]["program"];
    let dockerfile = read("Dockerfile");
    for target in targets.as_array().unwrap() {
        let stage = format!("FROM base AS {}\n", target.as_str().unwrap());
        assert!(dockerfile.contains(&stage), "{target}");
    }
    // Nothing is released that was not tested.
    let needs = release["jobs"]["images"]["needs"].as_array().unwrap();
    assert!(needs.iter().any(|job| job == "test"));
}
