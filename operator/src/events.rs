//! Events: one for each transition of a condition, with the finding's own sentences. A pure function says which.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::{Event, EventType};

use crate::conditions::READY;

/// Longest note that the API takes, in bytes.
const MAX_NOTE: usize = 1024;

/// The events of the step from some conditions to others. What is not known yet, and what becomes unknown, is no event:
/// it would say what is not the case. `Ready` has one only when it becomes true, since what it lacks has its own.
pub fn transitions(before: &[Condition], after: &[Condition]) -> Vec<Event> {
    let was = |new: &Condition| before.iter().find(|old| old.type_ == new.type_);
    after
        .iter()
        .filter(|new| match was(new) {
            Some(old) if old.status == new.status => new.status == "False" && old.reason != new.reason,
            Some(old) => new.status == "False" || (new.status == "True" && old.status == "False"),
            None => new.status == "False",
        } || became_ready(was(new), new))
        .filter(|new| new.type_ != READY || new.status == "True")
        // Steps on the way that every monitor takes.
        .filter(|new| !matches!(new.reason.as_str(), "RollingOut" | "NoBaseline" | "Reloading"))
        .map(|new| Event {
            type_: match new.status.as_str() {
                "True" => EventType::Normal,
                _ => EventType::Warning,
            },
            reason: new.reason.clone(),
            note: Some(note(&format!("{}: {}", new.type_, new.message))),
            action: "Reconcile".to_owned(),
            secondary: None,
        })
        .collect()
}

fn became_ready(old: Option<&Condition>, new: &Condition) -> bool {
    new.type_ == READY && new.status == "True" && old.is_none_or(|old| old.status != "True")
}

fn note(text: &str) -> String {
    if text.len() <= MAX_NOTE {
        return text.to_owned();
    }
    let mut end = MAX_NOTE - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
