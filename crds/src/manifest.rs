//! Reading a document from YAML: every violation, each with its line and column.
//!
//! A file may hold a `FeatureMonitor`, as a person writes it, or an `ExporterConfig`, as the operator mounts it. Unlike an
//! API server, which drops a field that it does not know, a file's unknown field is a violation with the nearest name.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{NonFiniteFloatPolicy, Spanned};

use crate::FeatureMonitor;
use crate::handoff::{self, ExporterConfig};
use crate::rules::Over;
use crate::schema::{self, Finding};
use crate::valid::{self, Monitor};
use crate::violation::{Location, Violation, Violations, quote};

/// Largest document that is read: an API server stores no larger one, and a ConfigMap holds no larger one.
pub const MAX_BYTES: usize = 1 << 20;

/// A document that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The monitor, ready to run.
    pub monitor: Monitor,
    /// The document in the form that the operator hands over, whichever it was.
    pub config: ExporterConfig,
    /// Hash of `config`, as in [`ExporterConfig::hash`].
    pub hash: String,
}

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The text is too large to be a manifest.
    #[error("the document has {bytes} bytes, more than {MAX_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The text is no YAML, or not one document.
    #[error("the file is not one YAML document{}: {message}", at(location))]
    Syntax {
        /// Where.
        location: Option<Location>,
        /// What is wrong there.
        message: String,
    },
    /// The document says something that does not hold.
    #[error("{0}")]
    Violations(#[from] Violations),
}

fn at(location: &Option<Location>) -> String {
    location.map_or_else(String::new, |location| format!(" at {location}"))
}

/// Reads a `FeatureMonitor` or an `ExporterConfig`.
///
/// # Errors
/// The place of a syntax error, or every violation in the order of the text.
pub fn load(text: &str) -> Result<Loaded, LoadError> {
    if text.len() > MAX_BYTES {
        return Err(LoadError::TooLarge { bytes: text.len() });
    }
    let mut seen = Seen::default();
    let value = parse(text)?.into_value("", &mut seen);
    let Seen { places, endless } = seen;
    let result = if value["kind"] == handoff::KIND {
        check(&value, handoff::schema(), ExporterConfig::validate)
    } else {
        check(&value, schema::manifest_schema(), valid::validate).map(
            |(resource, monitor): (FeatureMonitor, _)| (ExporterConfig::from(&resource), monitor),
        )
    };
    let endless: Vec<Violation> = endless.into_iter().map(finite).collect();
    let result = match result {
        Ok(_) if !endless.is_empty() => Err(endless),
        Err(mut violations) => {
            // The number is left out of what was checked, and nothing that follows from that is said.
            violations.retain(|other| {
                !endless
                    .iter()
                    .any(|number| is_within(&other.path, &number.path))
            });
            violations.extend(endless);
            Err(violations)
        }
        result => result,
    };
    match result {
        Ok((config, monitor)) => Ok(Loaded {
            monitor,
            hash: config.hash(),
            config,
        }),
        Err(mut violations) => {
            for violation in &mut violations {
                violation.location = locate(&violation.path, &places);
            }
            violations.sort_by_key(|v| {
                v.location
                    .map_or((0, 0), |place| (place.line, place.column))
            });
            Err(Violations::of(violations).into())
        }
    }
}

/// The place of a path in a text, or of the nearest thing above it that stands there; nothing in a text that is no YAML.
pub fn location(text: &str, path: &str) -> Option<Location> {
    let mut seen = Seen::default();
    parse(text).ok()?.into_value("", &mut seen);
    locate(path, &seen.places)
}

/// A business rule's expression in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenExpression {
    /// Path of the field.
    pub path: String,
    /// What is written there.
    pub expr: String,
    /// What the rule is over.
    pub over: Over,
}

/// The expressions of a document's business rules, also where something else in it does not hold. One that is no text, or whose
/// rule does not say what it is over, is left out, and so are all in a text that is no YAML.
pub fn expressions(text: &str) -> Vec<WrittenExpression> {
    let Ok(node) = parse(text) else {
        return Vec::new();
    };
    let value = node.into_value("", &mut Seen::default());
    let rules = value["spec"]["rules"].as_array().into_iter().flatten();
    let written = rules.enumerate().filter_map(|(i, rule)| {
        Some(WrittenExpression {
            path: format!("spec.rules[{i}].expr"),
            expr: rule["expr"].as_str()?.to_owned(),
            over: Over::deserialize(&rule["over"]).ok()?,
        })
    });
    written.collect()
}

/// What to say of a number that YAML has and JSON has not.
fn finite((path, number): (String, f64)) -> Violation {
    let found = match number {
        number if number.is_nan() => "found .nan",
        number if number > 0.0 => "found .inf",
        _ => "found -.inf",
    };
    Violation {
        path,
        found: format!("{found}, and a number must be finite"),
        write: "write a finite number".to_owned(),
        location: None,
    }
}

/// Reads a value into its type and validates it; the error is never empty.
fn check<T: DeserializeOwned>(
    value: &Value,
    schema: &Value,
    validate: impl FnOnce(&T) -> Result<Monitor, Violations>,
) -> Result<(T, Monitor), Vec<Violation>> {
    let findings = schema::check(value, schema);
    // What the schema refuses is left out, so that one unreadable field does not hide what is wrong with the others.
    let read: Result<T, _> =
        serde_json::from_value(schema::readable(value, schema).unwrap_or_default());
    let validated = match read {
        Ok(document) => validate(&document).map(|monitor| (document, monitor)),
        Err(_) if !findings.is_empty() => return Err(merge(findings, Vec::new())),
        Err(error) => Err(Violations::one(
            "spec",
            format!("the document cannot be read: {error}"),
            "see the examples".to_owned(),
        )),
    };
    match validated {
        Ok(valid) if findings.is_empty() => Ok(valid),
        Ok(_) => Err(findings
            .into_iter()
            .map(|finding| finding.violation)
            .collect()),
        Err(violations) => Err(merge(findings, violations.into_vec())),
    }
}

/// What the schema found in the text, and what validation found in the rest of it, each thing once.
fn merge(findings: Vec<Finding>, violations: Vec<Violation>) -> Vec<Violation> {
    let hidden = |violation: &Violation| {
        findings.iter().any(|finding| {
            let known = &finding.violation.path;
            // A field that was left out makes rules above it fail, and they would be said twice.
            finding.unreadable
                && (is_within(known, &violation.path) || is_within(&violation.path, known))
        })
    };
    let mut merged: Vec<Violation> = violations
        .into_iter()
        .filter(|violation| !hidden(violation))
        .collect();
    for finding in findings {
        if !merged
            .iter()
            .any(|known| known.path == finding.violation.path)
        {
            merged.push(finding.violation);
        }
    }
    merged
}

/// Whether a path is another one or below it.
fn is_within(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The place of a path, or of the nearest thing above it that stands in the text.
fn locate(path: &str, places: &HashMap<String, Location>) -> Option<Location> {
    let mut path = path;
    loop {
        if let Some(place) = places.get(path) {
            return Some(*place);
        }
        path = &path[..path.rfind(['.', '['])?];
    }
}

fn parse(text: &str) -> Result<Node, LoadError> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let location = error.location().map(place);
        let mut message = match error.without_snippet() {
            serde_saphyr::Error::MultipleDocuments { .. } => {
                "found a second document: write one FeatureMonitor a file".to_owned()
            }
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("{} is there twice: remove one", quote(key))
            }
            error => error.to_string(),
        };
        // The place stands apart from the message, so it need not stand in it too.
        if let Some(cut) = location.and_then(|place| message.find(&format!(" at {place}"))) {
            message.truncate(cut);
        }
        LoadError::Syntax { location, message }
    })
}

fn place(location: serde_saphyr::Location) -> Location {
    Location {
        line: location.line(),
        column: location.column(),
    }
}

/// A YAML value that knows where its parts stand.
enum Node {
    Scalar(Value),
    /// A number that JSON has not.
    Endless(f64),
    List(Vec<Spanned<Node>>),
    Fields(Vec<(Spanned<String>, Node)>),
}

/// What is noted of a document while its value is taken.
#[derive(Default)]
struct Seen {
    /// The place of each part, by its path.
    places: HashMap<String, Location>,
    /// The paths of numbers that are not finite.
    endless: Vec<(String, f64)>,
}

impl Node {
    /// The value, with the place of each part noted under its path: of a field its name's, of an entry its own. A number that is
    /// not finite is noted too, and null.
    fn into_value(self, path: &str, seen: &mut Seen) -> Value {
        match self {
            Self::Scalar(value) => value,
            Self::Endless(number) => {
                seen.endless.push((path.to_owned(), number));
                Value::Null
            }
            Self::List(items) => {
                let items = items.into_iter().enumerate().map(|(i, item)| {
                    let path = format!("{path}[{i}]");
                    seen.places.insert(path.clone(), place(item.referenced));
                    item.value.into_value(&path, seen)
                });
                items.collect()
            }
            Self::Fields(fields) => {
                let fields = fields.into_iter().map(|(name, value)| {
                    let path = schema::child(path, &name.value);
                    seen.places.insert(path.clone(), place(name.referenced));
                    (name.value, value.into_value(&path, seen))
                });
                fields.collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        let number = serde_json::Number::from_f64(value);
        Ok(number.map_or(Node::Endless(value), |number| Node::Scalar(number.into())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = access.next_key()? {
            fields.push((name, access.next_value()?));
        }
        Ok(Node::Fields(fields))
    }
}
