//! The committed CRD: fresh, small, structural, bounded everywhere, described everywhere.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test says by panicking what is wrong.

use crds::schema;
use kube::core::cel::{compile_schema, estimate_rule_cost};
use serde_json::Value;

#[test]
fn the_committed_crd_is_what_the_types_say() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/generated/featuremonitors.featuremonitor.io.yaml"
    );
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == schema::crd_yaml().unwrap(),
        "{path} is stale: run `make generate`"
    );
    // `kubectl apply` keeps an object in an annotation, and all annotations together may have 262,144 bytes.
    assert!(committed.len() < 240_000, "{} bytes", committed.len());
}

/// Kubernetes' own types, as they are in its API: neither bounded nor described in our way, and no rule reads them.
const EMBEDDED: [&str; 2] = ["spec.exporter.affinity", "spec.exporter.tolerations[]"];

/// Calls `visit` with each node of our own of a schema below the root and its path.
fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    if EMBEDDED.contains(&path) {
        return;
    }
    visit(path, schema);
    if schema["additionalProperties"].is_object() {
        walk(&schema["additionalProperties"], &format!("{path}.*"), visit);
    }
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        walk(child, &format!("{path}.{name}"), visit);
    }
    if schema["items"].is_object() {
        walk(&schema["items"], &format!("{path}[]"), visit);
    }
}

#[test]
fn every_node_is_structural_and_bounded() {
    walk(
        &schema::openapi()["properties"]["spec"],
        "spec",
        &mut |path, node| {
            let has = |key: &str| !node[key].is_null();
            match node["type"].as_str() {
                Some("string") => assert!(has("maxLength") || has("enum"), "{path} is not bounded"),
                Some("array") => assert!(has("maxItems") && has("items"), "{path} is not bounded"),
                Some("integer" | "number") => {
                    assert!(has("minimum") && has("maximum"), "{path} is not bounded")
                }
                Some("object") => assert!(
                    has("properties")
                        || path.ends_with("previous")
                        || path.ends_with("ephemeral")
                        || (has("additionalProperties") && has("maxProperties")),
                    "{path} is a map without bounds"
                ),
                Some("boolean") => {}
                None if node["x-kubernetes-int-or-string"] == true => {
                    assert!(has("maxLength"), "{path} is not bounded");
                    return;
                }
                other => panic!("{path} has the type {other:?}, which is not structural"),
            }
            for key in [
                "oneOf", "anyOf", "allOf", "not", "$ref", "nullable", "default",
            ] {
                assert!(!has(key), "{path} has {key}");
            }
        },
    );
}

#[test]
fn every_field_is_described_with_its_default_and_an_example() {
    walk(
        &schema::openapi()["properties"]["spec"],
        "spec",
        &mut |path, node| {
            let is_entry = path.ends_with("[]") || path.ends_with(".*");
            if path == "spec" || (is_entry && node["type"] != "object") {
                return;
            }
            let description = node["description"]
                .as_str()
                .unwrap_or_else(|| panic!("{path} has no description"));
            assert!(!description.contains('\n'), "{path}");
            if !path.ends_with("[]") {
                assert!(
                    description.contains("efault"),
                    "{path} does not say its default: {description}"
                );
                assert!(
                    description.contains("Example: `") && description.contains("`."),
                    "{path} has no example: {description}"
                );
            }
        },
    );
}

#[test]
fn every_rule_compiles() {
    fn compile(path: &str, schema: &kube::core::cel::CompiledSchema) {
        assert!(
            schema.compilation_errors().is_empty(),
            "{path}: {:?}",
            schema.compilation_errors()
        );
        for (name, child) in &schema.properties {
            compile(&format!("{path}.{name}"), child);
        }
        if let Some(items) = &schema.items {
            compile(&format!("{path}[]"), items);
        }
    }
    compile("", &compile_schema(schema::openapi()));
}

#[test]
fn no_rule_is_dear() {
    walk(schema::openapi(), "", &mut |path, node| {
        let compiled = compile_schema(node);
        for rule in node["x-kubernetes-validations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let warnings = estimate_rule_cost(rule["rule"].as_str().unwrap(), &compiled);
            assert!(warnings.is_empty(), "{path}: {warnings:?}");
        }
    });
}

#[test]
fn every_rule_names_a_field_that_exists() {
    walk(schema::openapi(), "", &mut |path, node| {
        for rule in node["x-kubernetes-validations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let Some(field) = rule["fieldPath"].as_str() else {
                continue;
            };
            let found = field
                .trim_start_matches('.')
                .split('.')
                .fold(node, |node, name| &node["properties"][name]);
            assert!(found.is_object(), "{path}: {field}");
        }
    });
}

#[test]
fn examples_in_descriptions_of_texts_match_their_patterns() {
    walk(
        &schema::openapi()["properties"]["spec"],
        "spec",
        &mut |path, node| {
            let (Some(pattern), Some(description)) =
                (node["pattern"].as_str(), node["description"].as_str())
            else {
                return;
            };
            let example = description
                .rsplit_once("Example: `")
                .unwrap()
                .1
                .split_once('`')
                .unwrap()
                .0
                .trim_matches('"');
            assert!(
                regex::Regex::new(pattern).unwrap().is_match(example),
                "{path}: {example} does not match {pattern}"
            );
        },
    );
}
