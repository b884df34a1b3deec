//! Names of columns that contradict each other: a column has one part in the data.

use super::Door;
use crate::data;
use crate::violation::quote;

/// Where the schema's rules say that a list names a wrong column, and this says which one it is.
const LISTS: [&str; 3] = [
    "spec.data.segments",
    "spec.data.features.include",
    "spec.data.features.exclude",
];

impl Door {
    /// Refuses each name of a segment or a feature that has another part already.
    pub(super) fn names(&mut self, spec: &data::Data) {
        self.said.extend(LISTS.map(str::to_owned));
        for (i, segments) in spec.segments.iter().flatten().enumerate() {
            if let Some(part) = part(spec, &segments.column) {
                self.refuse(
                    &format!("spec.data.segments[{i}].column"),
                    format!("{} is {part}", quote(&segments.column)),
                    "write a column that divides the rows, such as a region",
                );
            }
        }
        let Some(features) = &spec.features else {
            return;
        };
        for (i, name) in features.include.iter().flatten().enumerate() {
            if let Some(part) = part(spec, name) {
                self.refuse(
                    &format!("spec.data.features.include[{i}]"),
                    format!("{} is {part}", quote(name)),
                    "remove it from include",
                );
            }
        }
        for (i, name) in features.exclude.iter().flatten().enumerate() {
            let path = format!("spec.data.features.exclude[{i}]");
            if let Some(part) = part(spec, name) {
                self.refuse(
                    &path,
                    format!("{} is {part}, and no feature anyway", quote(name)),
                    "remove it from exclude",
                );
            }
            if features.include.iter().flatten().any(|other| other == name) {
                self.refuse(
                    &path,
                    format!("{} stands in include too", quote(name)),
                    "remove it from one of them",
                );
            }
        }
    }
}

/// What a column is that is no feature.
fn part(spec: &data::Data, column: &str) -> Option<&'static str> {
    let is = |other: Option<&String>| other.is_some_and(|other| other == column);
    if spec.entity_keys.iter().any(|key| key == column) {
        Some("an entity key")
    } else if is(spec.event_time.as_ref()) {
        Some("the event time")
    } else if is(spec.window.as_ref().map(|window| &window.column)) {
        Some("the window column")
    } else if is(spec.target.as_ref().map(|target| &target.column)) {
        Some("the target")
    } else {
        None
    }
}
