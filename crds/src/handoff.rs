//! Documents that pass between operator and exporter: [`ExporterConfig`] one way, [`ExporterStatus`] the other.
//!
//! Both carry a version. A program that meets a newer one says so and keeps what it has.

use std::sync::OnceLock;

use jiff::Timestamp;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::exporter::Exporter;
use crate::valid::{self, Monitor};
use crate::violation::Violations;
use crate::{API_VERSION, FeatureMonitor, FeatureMonitorSpec, schema};

/// Kind of the document that the operator mounts.
pub const KIND: &str = "ExporterConfig";

/// Version of both documents that this release writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// What the operator mounts and the exporter runs: a validated spec with the resource's identity. The exporter validates
/// it again at its own door.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExporterConfig {
    /// Always [`API_VERSION`].
    pub api_version: String,
    /// Always [`KIND`].
    pub kind: String,
    /// Version of the document's form, at most [`VERSION`].
    pub version: u32,
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
    /// Its spec.
    pub spec: FeatureMonitorSpec,
}

impl From<&FeatureMonitor> for ExporterConfig {
    fn from(resource: &FeatureMonitor) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            version: VERSION,
            namespace: resource
                .metadata
                .namespace
                .clone()
                .unwrap_or_else(|| "default".to_owned()),
            name: resource.metadata.name.clone().unwrap_or_default(),
            spec: for_exporter(&resource.spec),
        }
    }
}

/// The spec without what only the operator acts on: a change of that is no change for the exporter.
fn for_exporter(spec: &FeatureMonitorSpec) -> FeatureMonitorSpec {
    let state = spec
        .exporter
        .as_ref()
        .and_then(|exporter| exporter.state.clone());
    FeatureMonitorSpec {
        exporter: state.map(|state| Exporter {
            state: Some(state),
            ..Exporter::default()
        }),
        integrations: None,
        slos: None,
        notifications: None,
        paused: None,
        ..spec.clone()
    }
}

impl ExporterConfig {
    /// Makes a monitor of it, or says everything that is wrong with it.
    ///
    /// # Errors
    /// As [`valid::validate`], with `name` and `namespace` where a resource has `metadata.name` and `metadata.namespace`.
    pub fn validate(&self) -> Result<Monitor, Violations> {
        let mut resource = FeatureMonitor::new(&self.name, self.spec.clone());
        resource.metadata.namespace = Some(self.namespace.clone());
        valid::validate(&resource).map_err(|violations| {
            let mut violations = violations.into_vec();
            for violation in &mut violations {
                if let Some(path) = violation.path.strip_prefix("metadata.") {
                    violation.path = path.to_owned();
                }
            }
            Violations::of(violations)
        })
    }

    /// SHA-256 of the document as canonical JSON (fields sorted by name, no space), in hexadecimal. Two configs have the
    /// same hash exactly when they are the same.
    pub fn hash(&self) -> String {
        let mut text = String::new();
        // A config is made of texts, numbers, lists and fields, all of which JSON has.
        write_canonical(
            &serde_json::to_value(self).unwrap_or(Value::Null),
            &mut text,
        );
        let digest = Sha256::digest(text);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// JSON whose fields are sorted whatever map type serde_json was built with.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (i, (name, value)) in fields.into_iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// The schema of an [`ExporterConfig`], around the schema of the resource's spec.
pub(crate) fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        serde_json::json!({
            "type": "object",
            "required": ["apiVersion", "kind", "version", "namespace", "name", "spec"],
            "properties": {
                "apiVersion": {"type": "string", "enum": [API_VERSION]},
                "kind": {"type": "string", "enum": [KIND]},
                "version": {
                    "type": "integer",
                    "format": "int32",
                    "minimum": 1,
                    "maximum": VERSION,
                    "description": "Version of the document's form; a newer one needs a newer exporter.",
                },
                "namespace": {"type": "string", "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
                "name": {"type": "string", "minLength": 1, "maxLength": 52},
                "spec": schema::openapi()["properties"]["spec"],
            },
        })
    })
}

/// What an exporter says about itself, at `/-/status`. It holds no credentials, no values of features and nothing that
/// grows with the data.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExporterStatus {
    /// Version of the document's form.
    pub version: u32,
    /// Version of the exporter itself, such as `0.1.0`.
    pub exporter_version: String,
    /// Namespace of the monitor.
    pub namespace: String,
    /// Name of the monitor.
    pub name: String,
    /// Hash of the config in force, as in [`ExporterConfig::hash`].
    pub config_hash: String,
    /// Why a newer config was refused; absent when the newest one is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_error: Option<String>,
    /// Files of Secrets and ConfigMaps that the config refers to and that are not there.
    pub references_missing: Vec<MissingReference>,
    /// Whether the last pull succeeded.
    pub source: SourceStatus,
    /// The baseline in force; absent until one is frozen or loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineStatus>,
    /// Features of the baseline, and those of them that the last pull had.
    pub features: FeaturesStatus,
    /// Outcome of the last evaluation; absent until one has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_evaluation: Option<EvaluationStatus>,
}

/// A file that is not there.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct MissingReference {
    /// `Secret` or `ConfigMap`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The key that is missing; absent when all of it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Whether the source answers.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// Whether the last pull succeeded; absent before the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<bool>,
    /// Whether newer events come, from a closed set, such as `advancing` or `not_materialised`; absent where freshness is not
    /// checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply: Option<String>,
    /// Why not, from a closed set, such as `Unreachable` or `Unauthenticated`; absent when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why not, for people: cut, cleaned, and without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The baseline in force.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BaselineStatus {
    /// `Pinned`, `Rolling` or `Previous`.
    pub kind: String,
    /// Counts the baselines of this monitor, from 1.
    pub version: u64,
    /// The manifest's `revision` that it was frozen for.
    pub revision: u32,
    /// `sha256:` and the hash of its content.
    pub digest: String,
    /// How many windows it is made of.
    pub windows: u32,
    /// How many rows they have together.
    pub rows: u64,
}

/// Which features are there.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FeaturesStatus {
    /// Features that are expected: those of the baseline and those that `include` names.
    pub expected: u32,
    /// Those of them that the last pull had.
    pub present: u32,
    /// Both as text, `present/expected`, since a printer column shows one field.
    pub summary: String,
}

impl FeaturesStatus {
    /// With the summary that belongs to the two numbers.
    pub fn new(expected: u32, present: u32) -> Self {
        Self {
            expected,
            present,
            summary: format!("{present}/{expected}"),
        }
    }
}

/// Outcome of an evaluation.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct EvaluationStatus {
    /// Whether it published a result.
    pub success: bool,
    /// Why it did not, from a closed set; absent when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it did not, for people: cut, cleaned, and without credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it ended.
    pub timestamp: Timestamp,
    /// Start of the window that was evaluated; absent without windows or when none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_start: Option<Timestamp>,
    /// End of that window, excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_end: Option<Timestamp>,
}
