//! What the Prometheus operator refuses. It leaves the object out, and says so in an event about it alone: where a route or a
//! rule is left out nobody would be told of anything.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::Event as Said;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::watcher::Event;

use crate::child::ChildKind;
use crate::children::monitor;
use crate::key::Key;
use crate::words::cut;

/// What selects such events, as a field selector.
pub const SELECTOR: &str = "type=Warning,reason=InvalidConfiguration";

/// The kinds that it refuses so.
pub const KINDS: [ChildKind; 2] = [ChildKind::PrometheusRule, ChildKind::AlertmanagerConfig];

/// What was said of an object, last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// When, to the second.
    pub at: Timestamp,
    /// What.
    pub message: String,
}

/// Everything that was said. An API server forgets an event after an hour, and so does this.
#[derive(Debug, Default)]
pub struct Complaints {
    known: Mutex<HashMap<(ChildKind, Key), Complaint>>,
}

/// One watch: in one namespace or all.
#[derive(Debug)]
pub struct Watched {
    namespace: Option<String>,
    listed: HashSet<(ChildKind, Key)>,
}

impl Watched {
    /// A watch that has not begun.
    pub fn new(namespace: Option<String>) -> Self {
        Self {
            namespace,
            listed: HashSet::new(),
        }
    }
}

impl Complaints {
    fn lock(&self) -> MutexGuard<'_, HashMap<(ChildKind, Key), Complaint>> {
        // No entry is ever left half changed, so a panic while the lock was held does no harm.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was said of a child that has not changed since, by the child's key.
    pub fn of(
        &self,
        kind: ChildKind,
        child: &Key,
        changed: Option<Timestamp>,
    ) -> Option<Complaint> {
        let known = self.lock();
        let complaint = known.get(&(kind, child.clone()))?;
        // An event's time has whole seconds, and so has a child's.
        (changed.is_none_or(|changed| complaint.at >= changed)).then(|| complaint.clone())
    }

    /// Takes in what a watch says; gives the monitors that it is about.
    pub fn watched(&self, watch: &mut Watched, event: &Event<Said>) -> Vec<Key> {
        match event {
            Event::Init => {
                watch.listed.clear();
                Vec::new()
            }
            Event::InitApply(said) => {
                watch.listed.extend(about(said));
                self.apply(said).into_iter().collect()
            }
            Event::Apply(said) => self.apply(said).into_iter().collect(),
            Event::Delete(said) => about(said)
                .into_iter()
                .filter_map(|gone| self.remove(&gone))
                .collect(),
            Event::InitDone => {
                let listed = std::mem::take(&mut watch.listed);
                let here = |key: &Key| watch.namespace.as_ref().is_none_or(|n| *n == key.namespace);
                let gone: Vec<(ChildKind, Key)> = self
                    .lock()
                    .keys()
                    .filter(|known| here(&known.1) && !listed.contains(known))
                    .cloned()
                    .collect();
                gone.iter().filter_map(|gone| self.remove(gone)).collect()
            }
        }
    }

    fn apply(&self, said: &Said) -> Option<Key> {
        let child = about(said)?;
        let monitor = monitor(&child.1)?;
        let at = said.last_timestamp.as_ref().map(|time| time.0).or_else(|| {
            let series = said.series.as_ref()?;
            series.last_observed_time.as_ref().map(|time| time.0)
        });
        let at = at.or_else(|| said.metadata.creation_timestamp.as_ref().map(|time| time.0))?;
        let mut known = self.lock();
        // Several events may be about one object, each with its own words: the newest counts.
        if known.get(&child).is_some_and(|known| known.at > at) {
            return None;
        }
        let message = cut(said.message.as_deref().unwrap_or_default(), 500);
        known.insert(child, Complaint { at, message });
        Some(monitor)
    }

    fn remove(&self, gone: &(ChildKind, Key)) -> Option<Key> {
        self.lock().remove(gone)?;
        monitor(&gone.1)
    }
}

/// The child that an event is about.
fn about(said: &Said) -> Option<(ChildKind, Key)> {
    let object = &said.involved_object;
    let named = |kind: &ChildKind| object.kind.as_deref() == Some(kind.name());
    let kind = KINDS.into_iter().find(named)?;
    let key = Key {
        namespace: object.namespace.clone()?,
        name: object.name.clone()?,
    };
    monitor(&key)?;
    Some((kind, key))
}
