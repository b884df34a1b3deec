//! The schema of the resource: written once by the types, enforced by the API server, and walked here for files that
//! never met one.

use std::sync::OnceLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use kube::core::cel::{CompiledSchema, ErrorKind, Validator, compile_schema};
use serde_json::Value;

use crate::violation::{Violation, quote};
use crate::{API_VERSION, FeatureMonitor, timestamp};

/// The CustomResourceDefinition, as `kubectl apply` takes it.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = FeatureMonitor::crd();
    for version in &mut crd.spec.versions {
        // An API server removes a null where null is not allowed, and CEL's `has` is then false: null means "not given".
        if let Some(schema) = &mut version.schema
            && let Some(root) = &mut schema.open_api_v3_schema
            && let Ok(mut value) = serde_json::to_value(&*root)
        {
            strip(&mut value);
            if let Ok(stripped) = serde_json::from_value(value) {
                *root = stripped;
            }
        }
    }
    crd
}

/// The CustomResourceDefinition as the YAML file that is committed and shipped.
///
/// # Errors
/// When a value of it has no form in YAML, which a test excludes.
pub fn crd_yaml() -> Result<String, serde_saphyr::ser::Error> {
    let yaml = serde_saphyr::to_string(&crd())?;
    Ok(format!(
        "# Generated from the types in crds/src by `make generate`; a test holds it equal to them.\n{yaml}"
    ))
}

/// Removes `nullable`, and the line breaks of the source code from descriptions, which `kubectl explain` breaks itself.
fn strip(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("type") {
                fields.remove("nullable");
            }
            // An API server knows no unsigned formats, and warns of them; the bounds say the same.
            if fields
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|f| f.starts_with("uint"))
            {
                fields.remove("format");
            }
            if let Some(Value::String(description)) = fields.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// The OpenAPI schema of the resource.
pub fn openapi() -> &'static Value {
    &compiled().0
}

/// The schema with its CEL rules compiled, once for the process.
fn compiled() -> &'static (Value, CompiledSchema) {
    static SCHEMA: OnceLock<(Value, CompiledSchema)> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let crd = crd();
        let root = crd
            .spec
            .versions
            .first()
            .and_then(|version| version.schema.as_ref());
        let schema =
            serde_json::to_value(root.and_then(|schema| schema.open_api_v3_schema.as_ref()))
                .unwrap_or(Value::Null);
        let compiled = compile_schema(&schema);
        (schema, compiled)
    })
}

/// Leaves the description of a type out of its schema, for types whose fields say more.
pub(crate) fn undescribed(schema: &mut schemars::Schema) {
    schema.remove("description");
}

/// A violation of the schema.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) violation: Violation,
    /// Whether the value cannot be read into its type, or would be dropped silently.
    pub(crate) unreadable: bool,
    /// Whether a CEL rule says it.
    pub(crate) by_rule: bool,
}

/// Violations of a resource that has been read.
pub(crate) fn check_resource(resource: &FeatureMonitor) -> Vec<Finding> {
    match serde_json::to_value(resource) {
        Ok(value) => {
            // Metadata is a Kubernetes type, checked where it was read; the rules about the name are CEL's.
            let mut walk = Walk {
                findings: Vec::new(),
            };
            walk.node(&value["spec"], &openapi()["properties"]["spec"], "spec");
            walk.findings.extend(rules(&value));
            walk.findings
        }
        Err(error) => vec![Finding {
            violation: violation(
                "",
                format!("the resource cannot be written as JSON: {error}"),
                "write finite numbers",
            ),
            unreadable: true,
            by_rule: false,
        }],
    }
}

/// Violations of the CEL rules.
fn rules(value: &Value) -> Vec<Finding> {
    let Err(errors) = Validator::new().validate_compiled(&compiled().1, value, None) else {
        return Vec::new();
    };
    errors
        .into_vec()
        .into_iter()
        // A rule that cannot be evaluated reads a field that is not there, which is a violation of its own.
        .filter(|error| error.kind == ErrorKind::ValidationFailure)
        .map(|error| {
            // Every rule's message has the form "what is wrong: what to write"; a test holds it.
            let (found, write) = error
                .message
                .split_once(": ")
                .unwrap_or((&error.message, "see kubectl explain"));
            // A rule of the whole object is about its name: a CRD's schema has no other field for it to name.
            let path = match error.field_path.trim_start_matches('.') {
                "" => "metadata.name",
                path => path,
            };
            Finding {
                violation: violation(path, found.to_owned(), write),
                unreadable: false,
                by_rule: true,
            }
        })
        .collect()
}

/// Violations of a schema by a value: everything that a structural schema can say, and unknown fields.
pub(crate) fn check(value: &Value, schema: &Value) -> Vec<Finding> {
    let mut walk = Walk {
        findings: Vec::new(),
    };
    walk.node(value, schema, "");
    walk.findings
}

/// The part of a value that can be read into its type: without fields that do not exist or have the wrong type, with
/// something blank for required ones. What is wrong about the blanks is not said, since they are violations already.
pub(crate) fn readable(value: &Value, schema: &Value) -> Option<Value> {
    match (schema["type"].as_str(), value) {
        (Some("object"), Value::Object(fields)) => {
            let Some(known) = schema["properties"].as_object() else {
                let values = &schema["additionalProperties"];
                let read = fields
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), readable(value, values)?)));
                return match values {
                    Value::Object(_) => Some(read.collect()),
                    _ => Some(value.clone()),
                };
            };
            let read = fields.iter().filter_map(|(name, value)| {
                Some((name.clone(), readable(value, known.get(name)?)?))
            });
            let mut fields: serde_json::Map<String, Value> = read.collect();
            for name in schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                fields
                    .entry(name)
                    .or_insert_with(|| blank(&schema["properties"][name]));
            }
            Some(Value::Object(fields))
        }
        // All entries or none, so that the index of an entry stays what it is in the text.
        (Some("array"), Value::Array(items)) => items
            .iter()
            .map(|item| readable(item, &schema["items"]))
            .collect(),
        (Some("string"), Value::String(_)) => {
            let allowed = schema["enum"].as_array();
            allowed
                .is_none_or(|allowed| allowed.contains(value))
                .then(|| value.clone())
        }
        (Some("integer"), Value::Number(number)) => {
            let largest = if schema["format"] == "int32" {
                i64::from(i32::MAX)
            } else {
                i64::MAX
            };
            number
                .as_i64()
                .filter(|n| n.unsigned_abs() <= largest.unsigned_abs())
                .map(Value::from)
        }
        (None, Value::Number(number)) if !schema["pattern"].is_null() => {
            number.is_u64().then(|| value.clone())
        }
        (None, _) if !schema["pattern"].is_null() => value.is_string().then(|| value.clone()),
        (Some("number"), Value::Number(_)) | (Some("boolean"), Value::Bool(_)) | (None, _) => {
            Some(value.clone())
        }
        _ => None,
    }
}

/// The least value of a schema's type.
fn blank(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            required
                .map(|name| (name.to_owned(), blank(&schema["properties"][name])))
                .collect()
        }
        Some("array") => Value::Array(Vec::new()),
        Some("string") => schema["enum"].get(0).cloned().unwrap_or_else(|| "".into()),
        Some("boolean") => false.into(),
        Some(_) => 0.into(),
        None => Value::Null,
    }
}

struct Walk {
    findings: Vec<Finding>,
}

fn violation(path: &str, found: String, write: impl Into<String>) -> Violation {
    Violation {
        path: path.to_owned(),
        found,
        write: write.into(),
        location: None,
    }
}

pub(crate) fn child(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

impl Walk {
    fn unreadable(&mut self, path: &str, found: String, write: impl Into<String>) {
        self.findings.push(Finding {
            violation: violation(path, found, write),
            unreadable: true,
            by_rule: false,
        });
    }

    fn out_of_bounds(&mut self, path: &str, found: String, write: impl Into<String>) {
        self.findings.push(Finding {
            violation: violation(path, found, write),
            unreadable: false,
            by_rule: false,
        });
    }

    fn node(&mut self, value: &Value, schema: &Value, path: &str) {
        match (schema["type"].as_str(), value) {
            (Some("object"), Value::Object(fields)) => self.object(fields, schema, path),
            (Some("array"), Value::Array(items)) => self.array(items, schema, path),
            (Some("string"), Value::String(text)) => self.string(text, schema, path),
            (Some("number"), Value::Number(number)) => self.number(number, schema, path),
            (Some("integer"), Value::Number(number)) if number.is_i64() || number.is_u64() => {
                self.number(number, schema, path);
            }
            // Only an amount of a resource may be either.
            (None, Value::String(text)) => self.string(text, schema, path),
            (None, Value::Number(number)) if schema["pattern"].is_null() || number.is_u64() => {}
            (None, found) if !schema["pattern"].is_null() => self.unreadable(
                path,
                format!("found {}", describe(found)),
                "write an amount in quotes, such as \"500m\"",
            ),
            (Some("boolean"), Value::Bool(_)) | (None, _) => {}
            (Some(wanted), found) => {
                let example = schema["description"].as_str().and_then(example);
                let write = match (wanted, found) {
                    ("string", _) if !schema["pattern"].is_null() && example.is_some() => {
                        format!("write a text like {}", example.unwrap_or_default())
                    }
                    ("string", Value::Number(_) | Value::Bool(_)) => {
                        format!("write it in quotes: \"{found}\"")
                    }
                    ("number" | "integer", Value::String(_)) => {
                        "write a number, without quotes".to_owned()
                    }
                    ("integer", _) => "write a whole number".to_owned(),
                    ("boolean", _) => "write true or false".to_owned(),
                    ("array", _) => "write a list, such as [a, b]".to_owned(),
                    ("object", _) => "write fields, such as {name: value}".to_owned(),
                    ("string", _) => "write a text".to_owned(),
                    _ => "write a number".to_owned(),
                };
                let shown = match found {
                    Value::String(_) if may_hold_a_secret(path) => {
                        "found a text (not repeated here)".to_owned()
                    }
                    found => format!("found {}", describe(found)),
                };
                self.unreadable(path, shown, write);
            }
        }
    }

    fn object(&mut self, fields: &serde_json::Map<String, Value>, schema: &Value, path: &str) {
        for required in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if fields.get(required).is_none_or(Value::is_null) {
                let description = schema["properties"][required]["description"]
                    .as_str()
                    .unwrap_or_default();
                let write = match (example(description), description.split_once(". ")) {
                    (Some(example), _) => format!("add it, such as {required}: {example}"),
                    (None, Some((first, _))) => format!("add it: {first}"),
                    (None, None) => "add it".to_owned(),
                };
                self.unreadable(
                    &child(path, required),
                    "the field is missing".to_owned(),
                    write,
                );
            }
        }
        let Some(known) = schema["properties"].as_object() else {
            return self.map(fields, schema, path);
        };
        for (name, value) in fields {
            match known.get(name) {
                Some(_) if value.is_null() => {}
                Some(schema) => self.node(value, schema, &child(path, name)),
                None => {
                    let write = match nearest(name, known.keys()) {
                        Some(near) => format!("write {near}, or remove it"),
                        None if known.is_empty() => {
                            "remove it: no fields are known here".to_owned()
                        }
                        None => {
                            let known: Vec<&str> = known.keys().map(String::as_str).collect();
                            format!("remove it; known here: {}", known.join(", "))
                        }
                    };
                    self.unreadable(
                        &child(path, name),
                        "the field does not exist".to_owned(),
                        write,
                    );
                }
            }
        }
    }

    /// Fields whose names are the user's.
    fn map(&mut self, fields: &serde_json::Map<String, Value>, schema: &Value, path: &str) {
        let count = fields.len() as u64;
        if let Some(most) = schema["maxProperties"]
            .as_u64()
            .filter(|most| count > *most)
        {
            self.out_of_bounds(
                path,
                format!("found {count} entries"),
                format!("write at most {most}"),
            );
        }
        if schema["additionalProperties"].is_object() {
            for (name, value) in fields {
                self.node(value, &schema["additionalProperties"], &child(path, name));
            }
        }
    }

    fn array(&mut self, items: &[Value], schema: &Value, path: &str) {
        let count = items.len() as u64;
        if let Some(most) = schema["maxItems"].as_u64().filter(|most| count > *most) {
            self.out_of_bounds(
                path,
                format!("found {count} entries"),
                format!("write at most {most}"),
            );
        }
        if let Some(least) = schema["minItems"].as_u64().filter(|least| count < *least) {
            self.out_of_bounds(
                path,
                format!("found {count} entries"),
                format!("write at least {least}"),
            );
        }
        let keys: Vec<&str> = schema["x-kubernetes-list-map-keys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let is_set = schema["x-kubernetes-list-type"] == "set";
        for (i, item) in items.iter().enumerate() {
            let path = format!("{path}[{i}]");
            self.node(item, &schema["items"], &path);
            let same = |other: &Value| {
                (is_set && other == item)
                    || (!keys.is_empty()
                        && keys
                            .iter()
                            .all(|key| other[*key] == item[*key] && !item[*key].is_null()))
            };
            if items[..i].iter().any(same) {
                let found = match keys.first() {
                    Some(key) => format!("{key} {} stands here twice", describe(&item[*key])),
                    None => format!("{} stands here twice", describe(item)),
                };
                self.out_of_bounds(&path, found, "remove one of them");
            }
        }
    }

    fn string(&mut self, text: &str, schema: &Value, path: &str) {
        let shown = if may_hold_a_secret(path) {
            "the value (not repeated here)".to_owned()
        } else {
            format!("found {}", quote(text))
        };
        let length = text.chars().count() as u64;
        if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
            return self.out_of_bounds(
                path,
                format!("the text has {length} characters"),
                format!("write at most {most}"),
            );
        }
        if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
            let write = match least {
                1 => "write a text that is not empty".to_owned(),
                _ => format!("write at least {least} characters"),
            };
            return self.out_of_bounds(path, shown, write);
        }
        if let Some(allowed) = schema["enum"].as_array() {
            let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
            if !allowed.contains(&text) {
                let write = match allowed[..] {
                    [only] => format!("write {only}"),
                    _ => format!("write one of {}", allowed.join(", ")),
                };
                return self.unreadable(path, shown, write);
            }
        }
        if schema["format"] == "date-time"
            && let Err(write) = timestamp::parse(text)
        {
            return self.out_of_bounds(path, shown, write);
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && !matches(pattern, text)
        {
            let write = match schema["description"].as_str().and_then(example) {
                Some(example) => format!("write it like {example}"),
                None => format!("write a text that matches {pattern}"),
            };
            self.out_of_bounds(path, shown, write);
        }
    }

    fn number(&mut self, number: &serde_json::Number, schema: &Value, path: &str) {
        // Every bound of the schema is a small whole number, so the comparison as f64 is exact.
        let value = number.as_f64().unwrap_or(f64::INFINITY);
        if let Some(most) = schema["maximum"].as_f64().filter(|most| value > *most) {
            self.out_of_bounds(
                path,
                format!("found {value}"),
                format!("write at most {most}"),
            );
        }
        if let Some(least) = schema["minimum"].as_f64().filter(|least| value < *least) {
            self.out_of_bounds(
                path,
                format!("found {value}"),
                format!("write at least {least}"),
            );
        }
    }
}

/// Whether someone may have put a secret there, which is never repeated: the value of a header, and what names a receiver of
/// alerts.
fn may_hold_a_secret(path: &str) -> bool {
    const RECEIVER: [&str; 7] = [
        "url",
        "secretUrl",
        "routingKey",
        "apiKey",
        "password",
        "bearer",
        "secretRef",
    ];
    let (_, field) = path.rsplit_once('.').unwrap_or_default();
    let header = path.contains(".headers[") && field == "value";
    header || (path.contains(".notifications.receivers[") && RECEIVER.contains(&field))
}

/// What a value is, in words.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("the truth value {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => quote(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "fields".to_owned(),
    }
}

/// The example in a description, between back-ticks.
fn example(description: &str) -> Option<&str> {
    let (_, after) = description.rsplit_once("Example: `")?;
    Some(after.split_once('`')?.0)
}

/// Whether a text matches a pattern of the schema; the patterns are few, so they are compiled once and kept.
fn matches(pattern: &str, text: &str) -> bool {
    static PATTERNS: OnceLock<std::sync::Mutex<std::collections::BTreeMap<String, regex::Regex>>> =
        OnceLock::new();
    let Ok(mut patterns) = PATTERNS.get_or_init(Default::default).lock() else {
        return false;
    };
    if let Some(known) = patterns.get(pattern) {
        return known.is_match(text);
    }
    match regex::Regex::new(pattern) {
        Ok(compiled) => {
            let found = compiled.is_match(text);
            patterns.insert(pattern.to_owned(), compiled);
            found
        }
        Err(_) => false,
    }
}

/// The known name that someone most likely meant.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .map(|candidate| {
            (
                distance(&lower, &candidate.to_lowercase()),
                candidate.as_str(),
            )
        })
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters; of names that are cut at 64, since no field's name is longer.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The schema of a document with the fields of a manifest: group, kind and metadata, which a CRD's own schema leaves to
/// the API server, and the spec.
pub(crate) fn manifest_schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        serde_json::json!({
            "type": "object",
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "properties": {
                "apiVersion": {"type": "string", "enum": [API_VERSION]},
                "kind": {"type": "string", "enum": ["FeatureMonitor"]},
                "metadata": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string"},
                        "namespace": {
                            "type": "string",
                            "maxLength": 63,
                            "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
                        },
                        "labels": {"type": "object"},
                        "annotations": {"type": "object"},
                        // What `kubectl get -o yaml` adds.
                        "creationTimestamp": {"type": "string"},
                        "generation": {"type": "integer"},
                        "managedFields": {"type": "array", "items": {"type": "object"}},
                        "resourceVersion": {"type": "string"},
                        "uid": {"type": "string"},
                    },
                },
                "spec": openapi()["properties"]["spec"],
                "status": {"type": "object"},
            },
        })
    })
}
