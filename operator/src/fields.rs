//! Whose the fields of a child are, by its `managedFields`.
//!
//! An apply takes back only what an apply of ours has set. What was set by our own creation of the child, and what
//! somebody else has added (a second port, a variable, a container by another name), it would leave. So the record is
//! changed first: those fields become an apply's of ours, as `kubectl apply --server-side` does with its own past.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use kube::api::DynamicObject;
use serde_json::{Map, Value};

use crate::plan::MANAGER;

/// Who writes into children by right: it binds claims and notes revisions.
const CONTROLLERS: &str = "kube-controller-manager";

/// What others may add: labels and annotations, by which a `kubectl rollout restart` works too; and the volume that a
/// claim is bound to. A path ends where all below it is theirs.
const THEIRS: [&[&str]; 4] = [
    &["f:metadata"],
    &["f:status"],
    &["f:spec", "f:template", "f:metadata"],
    &["f:spec", "f:volumeName"],
];

/// The record of a child as it must be before an apply; nothing when it is so already.
pub fn taken_back(child: &DynamicObject) -> Option<Vec<ManagedFieldsEntry>> {
    let version = child.types.as_ref().map(|types| types.api_version.as_str());
    let mut ours = Map::new();
    let mut others = Vec::new();
    let mut changed = false;
    for entry in child.metadata.managed_fields.iter().flatten() {
        let fields = entry.fields_v1.as_ref().and_then(|all| all.0.as_object());
        let Some(fields) = fields.filter(|_| {
            entry.subresource.is_none()
                && entry.manager.as_deref() != Some(CONTROLLERS)
                && entry.api_version.as_deref() == version
        }) else {
            others.push(entry.clone());
            continue;
        };
        if entry.manager.as_deref() == Some(MANAGER) {
            changed |= entry.operation.as_deref() != Some("Apply");
            unite(&mut ours, fields);
            continue;
        }
        let (theirs, taken) = divide(fields, &THEIRS);
        changed |= !taken.is_empty();
        unite(&mut ours, &taken);
        if !theirs.is_empty() {
            others.push(ManagedFieldsEntry {
                fields_v1: Some(FieldsV1(Value::Object(theirs))),
                ..entry.clone()
            });
        }
    }
    changed.then(|| {
        let ours = ManagedFieldsEntry {
            manager: Some(MANAGER.to_owned()),
            operation: Some("Apply".to_owned()),
            api_version: version.map(str::to_owned),
            fields_type: Some("FieldsV1".to_owned()),
            fields_v1: Some(FieldsV1(Value::Object(ours))),
            ..ManagedFieldsEntry::default()
        };
        std::iter::once(ours).chain(others).collect()
    })
}

/// Adds one set of fields to another. A set is a tree whose leaves are empty.
fn unite(all: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (name, below) in more {
        let known = all
            .entry(name.clone())
            .or_insert_with(|| Value::Object(Map::new()));
        if let (Value::Object(known), Value::Object(below)) = (known, below) {
            unite(known, below);
        }
    }
}

/// A set of fields as those on the paths and the rest.
fn divide(
    fields: &Map<String, Value>,
    paths: &[&[&str]],
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut on, mut off) = (Map::new(), Map::new());
    for (name, below) in fields {
        let deeper: Vec<&[&str]> = paths
            .iter()
            .filter_map(|path| path.split_first())
            .filter(|(first, _)| *first == name)
            .map(|(_, rest)| rest)
            .collect();
        if deeper.iter().any(|rest| rest.is_empty()) {
            on.insert(name.clone(), below.clone());
            continue;
        }
        let Value::Object(inner) = below else {
            continue;
        };
        if deeper.is_empty() || inner.is_empty() {
            off.insert(name.clone(), below.clone());
            continue;
        }
        let (inner_on, inner_off) = divide(inner, &deeper);
        for (set, inner) in [(&mut on, inner_on), (&mut off, inner_off)] {
            if !inner.is_empty() {
                set.insert(name.clone(), Value::Object(inner));
            }
        }
    }
    (on, off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(entries: Value, expected: Option<Value>) {
        let child = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "a", "managedFields": entries},
        });
        let child: DynamicObject = serde_json::from_value(child).expect("it is an object");
        let found = taken_back(&child).map(|entries| json!(entries));
        assert_eq!(found, expected);
    }

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({
            "manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        })
    }

    #[test]
    fn what_is_ours_or_a_controllers_stays() {
        let applied = entry(MANAGER, "Apply", json!({"f:spec": {"f:replicas": {}}}));
        let controllers = entry(
            CONTROLLERS,
            "Update",
            json!({"f:spec": {"f:volumeName": {}}}),
        );
        let restart = json!({"f:spec": {"f:template": {"f:metadata": {"f:annotations": {"f:restarted": {}}}}}});
        let restarted = entry("kubectl-rollout", "Update", restart);
        check(json!([applied, controllers, restarted]), None);
    }

    #[test]
    fn what_we_created_and_others_added_is_taken_back() {
        let created = entry(
            MANAGER,
            "Update",
            json!({"f:spec": {"f:replicas": {}, "f:strategy": {"f:type": {}}}}),
        );
        let edited = entry(
            "kubectl-edit",
            "Update",
            json!({
                "f:metadata": {"f:labels": {"f:team": {}}},
                "f:spec": {
                    "f:strategy": {"f:rollingUpdate": {"f:maxSurge": {}}},
                    "f:template": {"f:metadata": {"f:labels": {"f:team": {}}}, "f:spec": {"f:hostNetwork": {}}},
                },
            }),
        );
        let ours = entry(
            MANAGER,
            "Apply",
            json!({"f:spec": {
                "f:replicas": {},
                "f:strategy": {"f:type": {}, "f:rollingUpdate": {"f:maxSurge": {}}},
                "f:template": {"f:spec": {"f:hostNetwork": {}}},
            }}),
        );
        let theirs = entry(
            "kubectl-edit",
            "Update",
            json!({
                "f:metadata": {"f:labels": {"f:team": {}}},
                "f:spec": {"f:template": {"f:metadata": {"f:labels": {"f:team": {}}}}},
            }),
        );
        check(json!([created, edited]), Some(json!([ours, theirs])));
    }
}
