//! Makes the children what the plan says: first decides what to do about each, in a pure function, then does it.
//!
//! A child is created by POST, which fails when somebody else has the name, and changed by server-side apply of the whole
//! intent with its identity, so that what is not ours is never taken over.

use std::time::Duration;

use futures::future::join_all;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use crate::child::ChildKind;
use crate::children::{Children, Hash, Known, Seen, hash, seen};
use crate::fields;
use crate::key::Key;
use crate::plan::{MANAGER, Plan, child_key};
use crate::process::{Process, Verb};

/// What to do about one child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is as it shall be.
    Keep,
    /// It is not there.
    Create,
    /// It is there, and not as it shall be.
    Update {
        /// Its identity.
        uid: String,
        /// Whether fields of it are to be made ours first.
        estranged: bool,
        /// Its resource version.
        version: u64,
    },
    /// It is there and shall not be.
    Delete {
        /// Its identity.
        uid: String,
    },
    /// It is being deleted; the next one can be made when it is gone.
    Wait,
    /// Somebody else has the name.
    Leave {
        /// Whose it is, in words.
        owner: String,
    },
}

/// What came of one child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it shall be.
    Done,
    /// It would be written, and the monitor is paused.
    Paused,
    /// It is being deleted.
    BeingDeleted,
    /// Somebody else has the name.
    Foreign {
        /// Whose it is, in words.
        owner: String,
    },
    /// The API server refused it, and will again until something changes.
    Refused {
        /// What it said.
        message: String,
    },
    /// The API server could not be asked, or asks for patience.
    Failed {
        /// What happened.
        message: String,
        /// How long it wants to be left alone, in seconds.
        retry_after: Option<u64>,
    },
}

/// What to do about a child that shall be, or not be (`intent` is its hash), for the monitor with this identity.
pub fn step(
    kind: ChildKind,
    intent: Option<Hash>,
    known: &Known,
    owner: &str,
    monitor: &str,
) -> Step {
    let Some(found) = &known.seen else {
        return match intent {
            Some(_) => Step::Create,
            None => Step::Keep,
        };
    };
    if !is_ours(kind, found, owner, monitor) {
        return match intent {
            Some(_) => Step::Leave {
                owner: whose(found),
            },
            None => Step::Keep,
        };
    }
    let Some(intent) = intent else {
        // A claim that is retained is never deleted: it has no owner.
        return match found.deleting || found.controller.is_none() {
            true => Step::Keep,
            false => Step::Delete {
                uid: found.uid.clone(),
            },
        };
    };
    if found.deleting {
        return Step::Wait;
    }
    let as_written = known
        .written
        .as_ref()
        .is_some_and(|written| written.intent == intent && written.content == found.content);
    match as_written {
        true => Step::Keep,
        false => Step::Update {
            uid: found.uid.clone(),
            estranged: found.estranged,
            version: found.version,
        },
    }
}

/// Whether an object belongs to the monitor: it is its controller; or it is a claim that nobody controls and that has its
/// label, left by a monitor of the same name.
fn is_ours(kind: ChildKind, found: &Seen, owner: &str, monitor: &str) -> bool {
    match &found.controller {
        Some(controller) => controller == owner,
        None => kind == ChildKind::Claim && found.monitor.as_deref() == Some(monitor),
    }
}

fn whose(found: &Seen) -> String {
    match &found.controller_name {
        Some(name) => format!("it belongs to the {name}"),
        None => "nobody controls it".to_owned(),
    }
}

/// Where children are written.
pub struct Applier<'a> {
    /// The API server.
    pub client: &'a Client,
    /// What is known of the children.
    pub children: &'a Children,
    /// What is counted.
    pub process: &'a Process,
    /// How long the calls about one child may take.
    pub deadline: Duration,
}

/// The monitor whose children are written.
#[derive(Clone, Copy, Debug)]
pub struct For<'a> {
    /// Its namespace and name.
    pub key: &'a Key,
    /// Its identity.
    pub uid: &'a str,
    /// Whether nothing is to be written.
    pub paused: bool,
}

impl Applier<'_> {
    /// Makes the children what the plan says, as far as the API server lets us. The Deployment comes last, since its pod
    /// needs the others.
    pub async fn apply(&self, plan: Plan, monitor: For<'_>) -> Vec<(ChildKind, Outcome)> {
        let (last, first): (Vec<_>, Vec<_>) = plan
            .into_children()
            .into_iter()
            .partition(|(kind, _)| *kind == ChildKind::Deployment);
        let mut outcomes = Vec::new();
        for children in [first, last] {
            let done = children.into_iter().map(|(kind, intent)| async move {
                let child = self.child(kind, intent, monitor);
                let outcome = match tokio::time::timeout(self.deadline, child).await {
                    Ok(outcome) => outcome,
                    Err(_) => Outcome::Failed {
                        message: format!("no answer within {} s", self.deadline.as_secs()),
                        retry_after: None,
                    },
                };
                (kind, outcome)
            });
            outcomes.extend(join_all(done).await);
        }
        outcomes.sort_by_key(|(kind, _)| *kind);
        outcomes
    }

    async fn child(&self, kind: ChildKind, intent: Option<Value>, monitor: For<'_>) -> Outcome {
        let key = child_key(monitor.key);
        let known = self.children.known(kind, &key);
        let hash = intent.as_ref().map(hash);
        let step = step(kind, hash, &known, monitor.uid, &monitor.key.name);
        let written = match (step, intent) {
            (Step::Keep, _) => return Outcome::Done,
            (Step::Wait, _) => return Outcome::BeingDeleted,
            (Step::Leave { owner }, _) => return Outcome::Foreign { owner },
            _ if monitor.paused => return Outcome::Paused,
            (Step::Delete { uid }, _) => self.delete(kind, &key, uid).await,
            (_, None) => return Outcome::Done,
            (Step::Create, Some(intent)) => match self.create(kind, &key, &intent).await {
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    // It was not among what we watch, so it lacks our label, or is about to appear.
                    return self.taken(kind, &key, intent, monitor).await;
                }
                written => written,
            },
            (
                Step::Update {
                    uid,
                    estranged,
                    version,
                },
                Some(intent),
            ) => {
                self.update(kind, &key, intent, uid, estranged, version)
                    .await
            }
        };
        written.map_or_else(outcome, |()| Outcome::Done)
    }

    /// Looks at the object that has the name.
    async fn taken(&self, kind: ChildKind, key: &Key, intent: Value, monitor: For<'_>) -> Outcome {
        let found = match self.api(kind, key).get(&key.name).await {
            Ok(found) => seen(kind, &found),
            Err(error) => return outcome(error),
        };
        if !is_ours(kind, &found, monitor.uid, &monitor.key.name) {
            return Outcome::Foreign {
                owner: whose(&found),
            };
        }
        if found.deleting {
            return Outcome::BeingDeleted;
        }
        let written = self.update(kind, key, intent, found.uid, found.estranged, found.version);
        written.await.map_or_else(outcome, |()| Outcome::Done)
    }

    async fn create(&self, kind: ChildKind, key: &Key, intent: &Value) -> Result<(), kube::Error> {
        let object: DynamicObject =
            serde_json::from_value(intent.clone()).map_err(kube::Error::SerdeError)?;
        let params = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        self.process.wrote(kind, Verb::Create);
        let written = self.api(kind, key).create(&params, &object).await?;
        self.children
            .wrote(kind, key.clone(), hash(intent), &written);
        tracing::info!(kind = kind.name(), %key, "created");
        Ok(())
    }

    async fn update(
        &self,
        kind: ChildKind,
        key: &Key,
        mut intent: Value,
        uid: String,
        estranged: bool,
        version: u64,
    ) -> Result<(), kube::Error> {
        let api = self.api(kind, key);
        if estranged {
            self.take_back(kind, key).await?;
        }
        let wanted = hash(&intent);
        intent["metadata"]["uid"] = json!(uid);
        self.process.wrote(kind, Verb::Patch);
        let params = PatchParams::apply(MANAGER).force();
        let written = api
            .patch(&key.name, &params, &Patch::Apply(&intent))
            .await?;
        let changed = crate::children::version(&written) != version;
        self.children.wrote(kind, key.clone(), wanted, &written);
        if changed {
            tracing::info!(kind = kind.name(), %key, "changed");
        }
        Ok(())
    }

    /// Makes the fields of a child ours, so that the apply that follows takes back what is not intended.
    async fn take_back(&self, kind: ChildKind, key: &Key) -> Result<(), kube::Error> {
        let api = self.api(kind, key);
        let found = api.get(&key.name).await?;
        let Some(fields) = fields::taken_back(&found) else {
            return Ok(());
        };
        // Only of the very object that was read.
        let patch = json!([
            {"op": "replace", "path": "/metadata/resourceVersion", "value": found.metadata.resource_version},
            {"op": "replace", "path": "/metadata/managedFields", "value": fields},
        ]);
        let patch = serde_json::from_value(patch).map_err(kube::Error::SerdeError)?;
        self.process.wrote(kind, Verb::Patch);
        api.patch(
            &key.name,
            &PatchParams::default(),
            &Patch::Json::<()>(patch),
        )
        .await?;
        Ok(())
    }

    async fn delete(&self, kind: ChildKind, key: &Key, uid: String) -> Result<(), kube::Error> {
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: Some(uid),
            ..Preconditions::default()
        });
        self.process.wrote(kind, Verb::Delete);
        match self.api(kind, key).delete(&key.name, &params).await {
            Ok(_) => tracing::info!(kind = kind.name(), %key, "deleted"),
            // It is gone already, or another one has its place.
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn api(&self, kind: ChildKind, key: &Key) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &key.namespace, &kind.resource())
    }
}

/// What an error of a write means.
fn outcome(error: kube::Error) -> Outcome {
    match error {
        kube::Error::Api(status) if is_refusal(status.code) => Outcome::Refused {
            message: status.message.clone(),
        },
        kube::Error::Api(status) => Outcome::Failed {
            retry_after: status
                .details
                .as_ref()
                .map(|details| u64::from(details.retry_after_seconds))
                .filter(|seconds| *seconds > 0),
            message: status.message.clone(),
        },
        other => Outcome::Failed {
            message: crate::words::chain(&other),
            retry_after: None,
        },
    }
}

/// Whether a code means that the same request will be refused again: 400, 403, 404 (of the namespace or API), 413, 422.
fn is_refusal(code: u16) -> bool {
    matches!(code, 400 | 403 | 404 | 405 | 413 | 415 | 422)
}
