//! Events: one for each transition of a condition, with the finding's own sentences. A pure function says which, and a
//! recorder writes them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event as Recorded;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::events::{Event, EventType};
use serde_json::json;

use crate::conditions::READY;
use crate::plan::MANAGER;
use crate::reason::Reason;

/// Longest note that the API takes, in bytes.
const MAX_NOTE: usize = 1024;

/// Steps on the way that every monitor takes.
const STEPS: [Reason; 3] = [Reason::RollingOut, Reason::NoBaseline, Reason::Reloading];

/// The events of the step from some conditions to others. What is not known yet, and what becomes unknown, is no event:
/// it would say what is not the case. `Ready` has one only when it becomes true, since what it lacks has its own.
pub fn transitions(before: &[Condition], after: &[Condition]) -> Vec<Event> {
    let was = |new: &Condition| before.iter().find(|old| old.type_ == new.type_);
    after
        .iter()
        .filter(|new| match was(new) {
            Some(old) if old.status == new.status => new.status == "False" && old.reason != new.reason,
            Some(old) => new.status == "False" || (new.status == "True" && old.status == "False"),
            // That an optional API was never there is no trouble of a monitor.
            None => new.status == "False" && new.reason != Reason::ApiAbsent.as_str(),
        } || became_ready(was(new), new))
        .filter(|new| new.type_ != READY || new.status == "True")
        .filter(|new| !STEPS.map(Reason::as_str).contains(&new.reason.as_str()))
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

/// How long an event that comes again is counted in the first one.
const SERIES: Duration = Duration::from_secs(360);
/// How many events are known at most; when there are more, repetitions have events of their own.
const MOST: usize = 4096;

/// Writes events. kube's own recorder takes two events for one when only their notes differ, and keeps the first note:
/// the second mistake in a spec would be named by the first.
pub struct Recorder {
    client: Client,
    identity: String,
    written: Mutex<HashMap<Occasion, Written>>,
}

/// What makes an event the same as one before: whom it is about, its reason and its note.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Occasion {
    uid: Option<String>,
    reason: String,
    note: Option<String>,
}

#[derive(Clone, Debug)]
struct Written {
    name: String,
    times: i32,
    last: Instant,
}

impl Recorder {
    /// A recorder that has written nothing; `identity` is that of this operator.
    pub fn new(client: Client, identity: String) -> Self {
        Self {
            client,
            identity,
            written: Mutex::default(),
        }
    }

    /// Writes an event, or counts it in the one of the same occasion.
    ///
    /// # Errors
    /// When the API server does not take it.
    pub async fn publish(
        &self,
        event: &Event,
        regarding: &ObjectReference,
    ) -> Result<(), kube::Error> {
        let occasion = Occasion {
            uid: regarding.uid.clone(),
            reason: event.reason.clone(),
            note: event.note.clone(),
        };
        let namespace = regarding.namespace.as_deref().unwrap_or("default");
        let api: Api<Recorded> = Api::namespaced(self.client.clone(), namespace);
        let now = Timestamp::now();
        if let Some(before) = self.before(&occasion) {
            let times = before.times.saturating_add(1);
            let series = json!({"series": {"count": times, "lastObservedTime": MicroTime(now)}});
            let params = PatchParams::default();
            match api
                .patch(&before.name, &params, &Patch::Merge(series))
                .await
            {
                Ok(_) => {
                    self.note(occasion, before.name, times);
                    return Ok(());
                }
                // It has expired, or somebody deleted it.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(error),
            }
        }
        let subject = regarding.name.as_deref().unwrap_or(MANAGER);
        let name = format!("{subject}.{:x}", now.as_nanosecond());
        let recorded = Recorded {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            action: Some(event.action.clone()),
            reason: Some(event.reason.clone()),
            note: event.note.clone(),
            type_: Some(
                match event.type_ {
                    EventType::Normal => "Normal",
                    EventType::Warning => "Warning",
                }
                .to_owned(),
            ),
            event_time: Some(MicroTime(now)),
            regarding: Some(regarding.clone()),
            reporting_controller: Some(MANAGER.to_owned()),
            reporting_instance: Some(self.identity.clone()),
            ..Recorded::default()
        };
        api.create(&PostParams::default(), &recorded).await?;
        self.note(occasion, name, 1);
        Ok(())
    }

    fn before(&self, occasion: &Occasion) -> Option<Written> {
        let mut written = self.lock();
        written.retain(|_, event| event.last.elapsed() < SERIES);
        written.get(occasion).cloned()
    }

    fn note(&self, occasion: Occasion, name: String, times: i32) {
        let mut written = self.lock();
        if written.len() >= MOST {
            written.clear();
        }
        let last = Instant::now();
        written.insert(occasion, Written { name, times, last });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Occasion, Written>> {
        // Entries are replaced whole, so a panic while it was held cannot have left half of one.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
