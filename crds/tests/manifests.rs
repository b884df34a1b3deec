//! Every example passes; every refused manifest is refused for the reason that stands in its first line, and by the
//! one who can know it: `schema/` by the CRD alone, `operator/` by `valid` alone. Where an API server says less of it, the second
//! line is its words, which the test of a cluster holds.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test says by panicking what is wrong.

use std::path::{Path, PathBuf};

use crds::manifest::{self, LoadError};
use crds::valid;
use crds::{FeatureMonitor, schema};
use kube::core::cel::Validator;
use serde_json::Value;

fn manifests(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no manifests", folder.display());
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

/// The reason in a refused manifest's first line.
fn reason(text: &str) -> &str {
    text.lines()
        .next()
        .and_then(|line| line.strip_prefix("# refused: "))
        .expect("the first line is # refused: <reason>")
}

/// What an API server says of an object: the committed CRD's schema by a JSON Schema validator and its CEL rules, both
/// of other people's making, unknown fields and list uniqueness as in strict field validation.
fn api_server(text: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("generated/featuremonitors.featuremonitor.io.yaml");
    let crd: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let object: Value = serde_saphyr::from_str(text).unwrap();
    let mut strict = schema.clone();
    be_strict(&mut strict);
    strict["properties"]["apiVersion"] = serde_json::json!({"const": "featuremonitor.io/v1alpha1"});
    strict["properties"]["kind"] = serde_json::json!({"const": "FeatureMonitor"});
    strict["properties"]["metadata"] = serde_json::json!({"type": "object"});
    let structural = jsonschema::options()
        .should_validate_formats(true)
        .build(&strict)
        .unwrap();
    let mut refusals: Vec<String> = structural
        .iter_errors(&object)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    // An API server evaluates the rules of an object whose form is right.
    if refusals.is_empty()
        && let Err(errors) = Validator::new().validate(schema, &object, None)
    {
        refusals.extend(errors.iter().map(ToString::to_string));
    }
    refusals
}

/// Says in JSON Schema's words what a structural schema says in Kubernetes' words.
fn be_strict(schema: &mut Value) {
    if let Some(fields) = schema.as_object_mut() {
        if fields.get("x-kubernetes-int-or-string") == Some(&true.into()) {
            fields.insert("type".to_owned(), serde_json::json!(["integer", "string"]));
        }
        if let Some(values) = fields.get_mut("additionalProperties") {
            be_strict(values);
        } else if fields.get("type") == Some(&"object".into()) {
            fields.insert("additionalProperties".to_owned(), false.into());
        }
        // JSON Schema has no uniqueness by key: see the test of the CRD alone.
        if let Some("set") = fields.get("x-kubernetes-list-type").and_then(Value::as_str) {
            fields.insert("uniqueItems".to_owned(), true.into());
        }
        if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
            properties.values_mut().for_each(be_strict);
        }
        if let Some(items) = fields.get_mut("items") {
            be_strict(items);
        }
    }
}

/// The violations of a refused manifest, as lines `path: found; write`.
fn violations(path: &Path, text: &str) -> Vec<String> {
    match manifest::load(text) {
        Err(LoadError::Violations(violations)) => {
            for violation in violations.as_slice() {
                assert!(
                    violation.location.is_some(),
                    "{}: {violation} has no place",
                    path.display()
                );
            }
            violations
                .as_slice()
                .iter()
                .map(|v| format!("{}: {}; {}", v.path, v.found, v.write))
                .collect()
        }
        other => panic!(
            "{} is not refused by its content: {other:?}",
            path.display()
        ),
    }
}

#[test]
fn every_example_is_accepted() {
    for (path, text) in manifests("examples") {
        if let Err(error) = manifest::load(&text) {
            panic!("{}:\n{error}", path.display());
        }
        assert_eq!(
            api_server(&text),
            Vec::<String>::new(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn every_refused_manifest_has_its_reason_and_no_other() {
    for folder in ["invalid/schema", "invalid/operator"] {
        for (path, text) in manifests(folder) {
            let said = violations(&path, &text);
            assert_eq!(
                said.len(),
                1,
                "{} has one reason: {said:#?}",
                path.display()
            );
            assert!(
                said[0].starts_with(reason(&text)),
                "{}:\n{}\n{}",
                path.display(),
                reason(&text),
                said[0]
            );
        }
    }
}

#[test]
fn the_crd_alone_refuses_what_stands_in_schema() {
    for (path, text) in manifests("invalid/schema") {
        // Uniqueness by key is the one thing that JSON Schema cannot say; `manifest` walks the same schema and says it.
        let by_key = [
            "header",
            "receiver",
            "rule",
            "seasonal-class",
            "segments",
            "slo",
        ]
        .map(|what| format!("{what}-twice.yaml"));
        if !by_key.iter().any(|name| path.ends_with(name)) {
            assert!(
                !api_server(&text).is_empty(),
                "{} passes the CRD",
                path.display()
            );
        }
    }
}

#[test]
fn only_valid_refuses_what_stands_in_operator() {
    for (path, text) in manifests("invalid/operator") {
        assert_eq!(
            api_server(&text),
            Vec::<String>::new(),
            "{}",
            path.display()
        );
        // As the operator meets it: an object that an API server accepted, read into its type.
        let resource: FeatureMonitor = serde_saphyr::from_str(&text).unwrap();
        let refused = valid::validate(&resource).expect_err("only valid can know");
        let said = &refused.as_slice()[0];
        let said = format!("{}: {}; {}", said.path, said.found, said.write);
        assert!(
            said.starts_with(reason(&text)),
            "{}: {said}",
            path.display()
        );
    }
}

#[test]
fn there_are_enough_refused_manifests() {
    let count = manifests("invalid/schema").len() + manifests("invalid/operator").len();
    assert!(count >= 30, "{count}");
}

#[test]
fn every_rule_is_refused_by_some_manifest() {
    let mut unused: Vec<String> = rules(schema::openapi());
    for (path, text) in manifests("invalid/schema") {
        // Of an entry of a list more is said here than a rule can say.
        let said = violations(&path, &text).concat() + &api_server(&text).concat();
        unused.retain(|message| {
            let (found, _) = message.split_once(": ").unwrap();
            !said.contains(found)
        });
    }
    // Rules that are written for several fields of the same shape are shown by one of them; these are the others.
    unused.retain(|message| {
        !message.starts_with("the target is the event time")
            && !message.starts_with("the target is an entity key")
    });
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn every_rule_says_what_is_wrong_and_what_to_write() {
    for message in rules(schema::openapi()) {
        let (found, write) = message
            .split_once(": ")
            .unwrap_or_else(|| panic!("{message}"));
        assert!(
            ["write ", "remove ", "add "]
                .iter()
                .any(|verb| write.starts_with(verb)),
            "{message}"
        );
        assert!(!found.is_empty());
    }
}

/// The messages of all CEL rules.
fn rules(schema: &Value) -> Vec<String> {
    let mut messages = Vec::new();
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "x-kubernetes-validations" {
                    messages.extend(
                        value
                            .as_array()
                            .unwrap()
                            .iter()
                            .map(|rule| rule["message"].as_str().unwrap().to_owned()),
                    );
                } else {
                    messages.extend(rules(value));
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| messages.extend(rules(item))),
        _ => {}
    }
    messages
}
