//! What the Prometheus operator refuses. It leaves the object out, and says so in an event about it alone: where a route or a
//! rule is left out nobody would be told of anything.
//!
//! It says it once, when it looks at the object, and an API server forgets an event after an hour; it never says that all is
//! well again. So while a complaint stands the object is touched from time to time, by an annotation, for it to be looked at
//! again: then the complaint is heard anew, or is over.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// How long the Prometheus operator may take to look at an object and say something.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was said of an object, last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// When, to the second.
    pub at: Timestamp,
    /// What.
    pub message: String,
}

/// What is said of an object as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What was said.
    pub complaint: Complaint,
    /// What its annotation shall be, to have it looked at again.
    pub asked: Option<String>,
    /// After how long there is something to do or to see.
    pub next: Duration,
}

#[derive(Debug)]
struct Known {
    complaint: Complaint,
    /// Since when it is known.
    since: Instant,
    /// When the object was last touched because of this complaint.
    touched: Option<Instant>,
    /// The annotation that the object has from its last touch.
    asked: Option<String>,
}

/// Everything that was said and that the API server still knows.
#[derive(Debug)]
pub struct Complaints {
    /// How often an object is touched.
    again: Duration,
    known: Mutex<HashMap<(ChildKind, Key), Known>>,
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
    /// Nothing is known yet. What is refused is asked about so often.
    pub fn new(again: Duration) -> Self {
        Self {
            again,
            known: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(ChildKind, Key), Known>> {
        // No entry is ever left half changed, so a panic while the lock was held does no harm.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is said of a child, by the child's key and the time of its last change. What was said long ago is to be asked
    /// again; after that touch it still stands until the Prometheus operator had time to look.
    pub fn of(&self, kind: ChildKind, child: &Key, changed: Option<Timestamp>) -> Option<Standing> {
        let mut all = self.lock();
        let known = all.get_mut(&(kind, child.clone()))?;
        let touched = known.touched.map(|touched| touched.elapsed());
        let looking = touched.is_some_and(|touched| touched < PATIENCE);
        // An event's time has whole seconds, and so has a child's.
        if changed.is_some_and(|changed| known.complaint.at < changed) && !looking {
            return None;
        }
        let next = match touched {
            None if known.since.elapsed() >= self.again => {
                known.touched = Some(Instant::now());
                known.asked = Some(known.complaint.at.to_string());
                PATIENCE
            }
            None => self.again.saturating_sub(known.since.elapsed()),
            Some(age) if looking => PATIENCE.saturating_sub(age),
            // It was not written: the monitor is paused, or its spec is not valid.
            Some(_) => self.again,
        };
        Some(Standing {
            complaint: known.complaint.clone(),
            asked: known.asked.clone(),
            // By then it is over.
            next: next + Duration::from_millis(100),
        })
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
        let mut all = self.lock();
        let before = all.get(&child);
        // Several events may be about one object, each with its own words: the newest counts. A list tells all again.
        if before.is_some_and(|known| known.complaint.at >= at) {
            return None;
        }
        let message = cut(said.message.as_deref().unwrap_or_default(), 500);
        let known = Known {
            complaint: Complaint { at, message },
            since: Instant::now(),
            touched: None,
            asked: before.and_then(|known| known.asked.clone()),
        };
        all.insert(child, known);
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
