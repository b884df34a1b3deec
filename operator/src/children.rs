//! What is known of the children: what was seen of each by watching, and what was last written to it.
//!
//! Both are kept as hashes, so that ten thousand monitors fit into little memory. A child is as it shall be when what we
//! last wrote is what we would write now, and what we see is what the API server made of it then. That needs no
//! comparison of our words with the server's, which fills in defaults and rewrites amounts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::child::ChildKind;
use crate::fields;
use crate::key::Key;
use crate::plan::{MONITOR, monitor_name};

/// SHA-256.
pub type Hash = [u8; 32];

/// Annotations that controllers of Kubernetes keep on objects of others; a change of them is no change of a child.
const CONTROLLERS_OWN: [&str; 4] = [
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
];

/// What was seen of a child.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its identity.
    pub uid: String,
    /// Its resource version, which grows with each write.
    pub version: u64,
    /// When somebody last changed what it asks for, to the second.
    pub changed: Option<Timestamp>,
    /// The identity of its controller.
    pub controller: Option<String>,
    /// The controller in words, for who asks whose it is.
    pub controller_name: Option<String>,
    /// The monitor that its label names.
    pub monitor: Option<String>,
    /// Everything of it that is not its status.
    pub content: Hash,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether an apply would leave fields that are not intended, since it is not ours that they are.
    pub estranged: bool,
    /// How its pods are, of a Deployment.
    pub rollout: Option<Rollout>,
}

/// How a Deployment's pods are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Whether the Deployment's controller has seen its newest form.
    pub observed: bool,
    /// Pods of the newest form.
    pub updated: i32,
    /// Pods of any form.
    pub total: i32,
    /// Pods that are ready.
    pub available: i32,
    /// Why pods cannot be made, or take too long: a reason and a message.
    pub failure: Option<(String, String)>,
}

impl Rollout {
    /// Whether the one pod that shall be is there, of the newest form, and ready.
    pub fn is_current(&self) -> bool {
        self.observed && self.updated >= 1 && self.total == self.updated && self.available >= 1
    }
}

/// What was last written to a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What we wrote.
    pub intent: Hash,
    /// What the API server made of it.
    pub content: Hash,
}

/// A child as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// What was seen of it.
    pub seen: Option<Seen>,
    /// What was last written to it.
    pub written: Option<Written>,
    /// Since when its rollout is as it is.
    pub rollout_since: Option<Instant>,
}

/// Everything known of all children.
#[derive(Debug, Default)]
pub struct Children {
    entries: Mutex<HashMap<(ChildKind, Key), Known>>,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, HashMap<(ChildKind, Key), Known>> {
        // No entry is ever left half changed, so a panic while the lock was held does no harm.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of one child; `key` is the child's own.
    pub fn known(&self, kind: ChildKind, key: &Key) -> Known {
        self.lock()
            .get(&(kind, key.clone()))
            .cloned()
            .unwrap_or_default()
    }

    /// Notes what was written and what came of it.
    pub fn wrote(&self, kind: ChildKind, key: Key, intent: Hash, object: &DynamicObject) {
        let seen = seen(kind, object);
        let mut entries = self.lock();
        let entry = entries.entry((kind, key)).or_default();
        entry.written = Some(Written {
            intent,
            content: seen.content,
        });
        // The answer to a write is as good as an event, and comes first.
        if entry
            .seen
            .as_ref()
            .is_none_or(|known| known.version <= seen.version)
        {
            entry.see(Some(seen));
        }
    }

    /// Forgets what was written to the children of a monitor that is gone.
    pub fn forget(&self, child: &Key) {
        let mut entries = self.lock();
        for kind in ChildKind::ALL {
            if let Some(entry) = entries.get_mut(&(kind, child.clone())) {
                entry.written = None;
                if entry.seen.is_none() {
                    entries.remove(&(kind, child.clone()));
                }
            }
        }
    }

    /// Takes in what a watch of one kind says. Gives the monitors whose children are not as they were left.
    pub fn watched(&self, watch: &mut Watched, event: &Event<DynamicObject>) -> Vec<Key> {
        match event {
            Event::Init => {
                watch.listed.clear();
                Vec::new()
            }
            Event::InitApply(object) => {
                watch.listed.insert(Key::of(object.meta()));
                self.apply(watch.kind, object).into_iter().collect()
            }
            Event::Apply(object) => self.apply(watch.kind, object).into_iter().collect(),
            Event::Delete(object) => {
                let key = Key::of(object.meta());
                self.remove(watch.kind, &key, Some(object.uid().unwrap_or_default()))
                    .into_iter()
                    .collect()
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut watch.listed);
                let gone: Vec<Key> = self
                    .lock()
                    .iter()
                    .filter(|((kind, key), entry)| {
                        *kind == watch.kind
                            && watch.namespace.as_ref().is_none_or(|n| *n == key.namespace)
                            && entry.seen.is_some()
                            && !listed.contains(key)
                    })
                    .map(|((_, key), _)| key.clone())
                    .collect();
                gone.iter()
                    .filter_map(|key| self.remove(watch.kind, key, None))
                    .collect()
            }
        }
    }

    /// Forgets what was seen of a kind whose API is gone.
    pub fn clear(&self, kind: ChildKind) {
        self.lock().retain(|(other, _), _| *other != kind);
    }

    fn apply(&self, kind: ChildKind, object: &DynamicObject) -> Option<Key> {
        let seen = seen(kind, object);
        let key = Key::of(object.meta());
        let monitor = monitor(&key);
        let mut entries = self.lock();
        let entry = entries.entry((kind, key)).or_default();
        if entry
            .seen
            .as_ref()
            .is_some_and(|known| known.uid == seen.uid && known.version > seen.version)
        {
            // Older than the answer to our own last write.
            return None;
        }
        let as_left = entry
            .written
            .as_ref()
            .is_some_and(|written| written.content == seen.content);
        let same = entry.seen.as_ref().is_some_and(|known| {
            known.uid == seen.uid
                && known.content == seen.content
                && known.rollout == seen.rollout
                && known.deleting == seen.deleting
        });
        let quiet = same || (as_left && !seen.deleting && entry.same_rollout(&seen));
        entry.see(Some(seen));
        monitor.filter(|_| !quiet)
    }

    fn remove(&self, kind: ChildKind, key: &Key, uid: Option<String>) -> Option<Key> {
        let mut entries = self.lock();
        let entry = entries.get_mut(&(kind, key.clone()))?;
        if let (Some(uid), Some(seen)) = (&uid, &entry.seen)
            && *uid != seen.uid
        {
            // The end of one that was replaced already.
            return None;
        }
        entry.seen.take()?;
        entries.remove(&(kind, key.clone()));
        monitor(key)
    }
}

impl Known {
    fn same_rollout(&self, seen: &Seen) -> bool {
        self.seen
            .as_ref()
            .is_some_and(|known| known.rollout == seen.rollout)
    }

    fn see(&mut self, seen: Option<Seen>) {
        let rollout = |seen: &Option<Seen>| seen.as_ref().and_then(|seen| seen.rollout.clone());
        if rollout(&self.seen) != rollout(&seen) || self.rollout_since.is_none() {
            self.rollout_since = Some(Instant::now());
        }
        self.seen = seen;
    }
}

/// One watch: of a kind, in one namespace or all.
#[derive(Debug)]
pub struct Watched {
    kind: ChildKind,
    namespace: Option<String>,
    listed: HashSet<Key>,
}

impl Watched {
    /// A watch that has not begun.
    pub fn new(kind: ChildKind, namespace: Option<String>) -> Self {
        Self {
            kind,
            namespace,
            listed: HashSet::new(),
        }
    }
}

/// The monitor whose child has a name. By the name, since labels can be edited.
pub fn monitor(child: &Key) -> Option<Key> {
    Some(Key {
        namespace: child.namespace.clone(),
        name: monitor_name(&child.name)?.to_owned(),
    })
}

/// What is to be known of an object.
pub fn seen(kind: ChildKind, object: &DynamicObject) -> Seen {
    let meta = object.meta();
    let controller = meta
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true));
    Seen {
        uid: meta.uid.clone().unwrap_or_default(),
        version: version(object),
        changed: changed(meta),
        controller: controller.map(|owner| owner.uid.clone()),
        controller_name: controller.map(|owner| format!("{} {}", owner.kind, owner.name)),
        monitor: meta
            .labels
            .as_ref()
            .and_then(|labels| labels.get(MONITOR))
            .cloned(),
        content: content(object),
        deleting: meta.deletion_timestamp.is_some(),
        estranged: fields::taken_back(object).is_some(),
        rollout: (kind == ChildKind::Deployment)
            .then(|| rollout(object))
            .flatten(),
    }
}

fn changed(meta: &ObjectMeta) -> Option<Timestamp> {
    let changes = meta.managed_fields.iter().flatten();
    changes
        .filter(|change| change.subresource.is_none())
        .filter_map(|change| Some(change.time.as_ref()?.0))
        .max()
}

/// Resource versions are whole numbers that grow, by contract since Kubernetes 1.35 and in practice always.
pub fn version(object: &impl Resource) -> u64 {
    let text = object.meta().resource_version.as_deref();
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// SHA-256 of JSON. An API server writes the fields of an object always in the same order.
pub fn hash(value: &Value) -> Hash {
    // A Value is always JSON.
    Sha256::digest(serde_json::to_vec(value).unwrap_or_default()).into()
}

/// Everything of an object that is not its status, its history, or a note of one of Kubernetes' own controllers.
fn content(object: &DynamicObject) -> Hash {
    let meta = object.meta();
    let annotations: BTreeMap<_, _> = meta
        .annotations
        .iter()
        .flatten()
        .filter(|(name, _)| !CONTROLLERS_OWN.iter().any(|own| name.starts_with(own)))
        .collect();
    let mut data = object.data.clone();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("status");
    }
    // The volume that a claim was bound to is no part of what the claim asks for.
    if let Some(spec) = data.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("volumeName");
    }
    hash(&serde_json::json!({
        "labels": meta.labels,
        "annotations": annotations,
        "owners": meta.owner_references,
        "data": data,
    }))
}

fn rollout(object: &DynamicObject) -> Option<Rollout> {
    let deployment: Deployment = object.clone().try_parse().ok()?;
    let status = deployment.status.unwrap_or_default();
    let failure = status.conditions.iter().flatten().find_map(|condition| {
        let failed = matches!(
            (condition.type_.as_deref(), condition.status.as_deref()),
            (Some("ReplicaFailure"), Some("True")) | (Some("Progressing"), Some("False"))
        );
        failed.then(|| {
            (
                condition.reason.clone().unwrap_or_default(),
                condition.message.clone().unwrap_or_default(),
            )
        })
    });
    Some(Rollout {
        observed: status.observed_generation >= deployment.metadata.generation,
        updated: status.updated_replicas.unwrap_or(0),
        total: status.replicas.unwrap_or(0),
        available: status.available_replicas.unwrap_or(0),
        failure,
    })
}
