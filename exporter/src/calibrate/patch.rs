//! What to write into the manifest: a JSON merge patch, as YAML for `kubectl patch --type merge`. Pure.

use std::collections::BTreeMap;

use crds::FeatureMonitorSpec;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value, json};
use stats::{Check, Scope};

use super::calibration::{At, Calibration};
use crate::settings::field;

/// What the API takes in one list of overrides, of features in one of them, and of characters in a name.
const MOST_OVERRIDES: usize = 256;
const MOST_FEATURES: usize = 64;
const LONGEST_NAME: usize = 256;

/// A merge patch of a FeatureMonitor.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// The patch.
    pub value: Value,
    /// Features for which it has no room: beyond 256 overrides of a check, or with a name of more than 256 characters.
    pub left_out: Vec<String>,
}

/// The limits that hold the budget, in the form of overrides; nothing when none is to change.
///
/// A merge patch replaces lists, so a check's list has the manifest's own overrides first, and then ours: of two that match,
/// the last one holds.
pub fn patch(spec: &FeatureMonitorSpec, calibration: &Calibration) -> Option<Patch> {
    // A spec is made of texts, numbers, lists and fields, all of which JSON has.
    let given = serde_json::to_value(&spec.checks).unwrap_or_default();
    let mut checks = Map::new();
    let mut left_out = Vec::new();
    for check in Check::ALL {
        let mut groups: BTreeMap<[Option<u64>; 2], Vec<String>> = BTreeMap::new();
        let of = calibration.tests.iter().filter(|test| test.check == check);
        for test in of {
            let limits = [&test.at.warning, &test.at.critical].map(At::patched);
            if limits == [None, None] {
                continue;
            }
            if check.scope() == Scope::Window {
                checks.insert(field(check).to_owned(), Value::Object(written(key(limits))));
                continue;
            }
            match glob(&test.feature) {
                Some(glob) => groups.entry(key(limits)).or_default().push(glob),
                None => left_out.push(test.feature.clone()),
            }
        }
        let own = given[field(check)]["overrides"].as_array();
        let mut overrides = own.cloned().unwrap_or_default();
        let before = overrides.len();
        for (limits, features) in groups {
            for features in features.chunks(MOST_FEATURES) {
                if overrides.len() < MOST_OVERRIDES {
                    overrides.push(entry(features, limits));
                } else {
                    left_out.extend_from_slice(features);
                }
            }
        }
        if overrides.len() > before {
            checks.insert(field(check).to_owned(), json!({ "overrides": overrides }));
        }
    }
    (!checks.is_empty()).then(|| Patch {
        value: json!({ "spec": { "checks": checks } }),
        left_out,
    })
}

impl Patch {
    /// As YAML, with the fields of an override in the order in which people write them.
    pub fn yaml(&self) -> Result<String, String> {
        serde_saphyr::to_string(&Written(&self.value)).map_err(|error| error.to_string())
    }
}

/// Limits as they are grouped and sorted by: of positive numbers the bits have the order of the numbers.
fn key(limits: [Option<f64>; 2]) -> [Option<u64>; 2] {
    limits.map(|limit| limit.map(f64::to_bits))
}

fn entry(features: &[String], limits: [Option<u64>; 2]) -> Value {
    let mut entry = written(limits);
    entry.insert("features".to_owned(), json!(features));
    Value::Object(entry)
}

fn written(limits: [Option<u64>; 2]) -> Map<String, Value> {
    let named = ["warning", "critical"].into_iter().zip(limits);
    named
        .filter_map(|(name, limit)| Some((name.to_owned(), json!(f64::from_bits(limit?)))))
        .collect()
}

/// A glob that matches this name alone; nothing when it is longer than the API takes.
fn glob(name: &str) -> Option<String> {
    let mut glob = String::new();
    for letter in name.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            glob.push('\\');
        }
        glob.push(letter);
    }
    (1..=LONGEST_NAME)
        .contains(&glob.chars().count())
        .then_some(glob)
}

/// A value whose maps begin with the fields that say what the others are about.
struct Written<'a>(&'a Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const FIRST: [&str; 4] = ["features", "enabled", "warning", "critical"];
        match self.0 {
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                let rank = |name: &str| FIRST.iter().position(|first| *first == name);
                fields.sort_by_key(|(name, _)| (rank(name).unwrap_or(FIRST.len()), *name));
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &Written(value))?;
                }
                map.end()
            }
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Written(item))?;
                }
                list.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}
