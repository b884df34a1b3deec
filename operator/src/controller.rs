//! The driver: one reconciliation of one monitor, from what is known to what is written.
//!
//! ```text
//! dereference -> validate -> plan (pure) -> apply -> conditions (pure) -> status, events
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crds::FeatureMonitor;
use crds::handoff::ExporterConfig;
use crds::status::FeatureMonitorStatus;
use crds::valid::{self, Monitor};
use futures::future::{self, BoxFuture};
use futures::{FutureExt, Stream, StreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::controller::{Action, Config as ControllerConfig};
use kube::runtime::events::{Event, EventType};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::{self, watcher};
use kube::runtime::{Controller, Predicate, WatchStreamExt, predicates};
use kube::{Client, Resource, ResourceExt};
use rand::Rng;
use tokio::sync::{broadcast, watch};
use tracing::Instrument;

use crate::apis::Apis;
use crate::apply::{Applier, For, Outcome};
use crate::ask::{Answer, Asker, Pace};
use crate::child::ChildKind;
use crate::children::{Children, Rollout};
use crate::complaints::{self, Complaints, Standing};
use crate::conditions::{Finding, Found, Holds, Integration, READY, findings, in_trouble};
use crate::events::{Recorder, transitions};
use crate::key::Key;
use crate::plan::{Wanted, child_key, plan};
use crate::pods::{self, PodTrouble};
use crate::process::{self, Process};
use crate::reason::Reason;
use crate::settings::Settings;
use crate::status::{Statuses, status};
use crate::watch::{Guarded, Scope};
use crate::words;

/// Changes of one monitor that come close together are acted on once.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// First and longest wait after a failure, per monitor.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// How long a pod may start before its own words are looked for.
const STARTING: Duration = Duration::from_secs(5);
/// When what others must change is looked at again, where no watch would tell.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What a reconciliation works with.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// Settings of what is made.
    pub settings: Settings,
    /// What is known of the children.
    pub children: Arc<Children>,
    /// What the Prometheus operator says of them.
    pub complaints: Arc<Complaints>,
    /// Which optional APIs exist.
    pub apis: watch::Receiver<Apis>,
    /// Who asks the exporters.
    pub asker: Arc<Asker>,
    /// The statuses.
    pub statuses: Statuses,
    /// Who writes events.
    pub recorder: Recorder,
    /// What is counted.
    pub process: Arc<Process>,
    /// How long one call of the API server may take.
    pub deadline: Duration,
    /// The time.
    pub clock: fn() -> jiff::Timestamp,
    /// Failures in a row of each monitor.
    pub failures: Mutex<HashMap<Key, u32>>,
}

/// Why a reconciliation is tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A child could not be written.
    #[error("the {} could not be written: {message}", .kind.name())]
    Child {
        /// Which.
        kind: ChildKind,
        /// What happened.
        message: String,
        /// How long the API server wants to be left alone, in seconds.
        retry_after: Option<u64>,
    },
    /// The API server could not be asked.
    #[error("{doing}: {}", words::chain(.source))]
    Api {
        /// What we were doing.
        doing: &'static str,
        /// What happened.
        source: kube::Error,
    },
    /// It took too long.
    #[error("the API server did not answer within {} s", .0.as_secs())]
    Deadline(Duration),
}

impl Error {
    fn retry_after(&self) -> Option<Duration> {
        let seconds = match self {
            Error::Child { retry_after, .. } => *retry_after,
            Error::Api {
                source: kube::Error::Api(status),
                ..
            } => status
                .details
                .as_ref()
                .map(|details| u64::from(details.retry_after_seconds)),
            _ => None,
        };
        seconds
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs)
    }
}

/// How the controllers run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the monitors are.
    pub scope: Scope,
    /// How many are reconciled at a time, in one place.
    pub concurrency: u16,
}

/// Reconciles until `stop`, and then what is running.
pub async fn run(
    context: Arc<Context>,
    options: Options,
    changed: impl Stream<Item = Key> + Send + 'static,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    // Every controller hears of every change and takes those of its own place.
    let (say, _) = broadcast::channel(65_536);
    let stop = stop.boxed().shared();
    let controllers = options.scope.places().into_iter().map(|place| {
        let heard = heard(say.subscribe(), place.clone());
        controller(context.clone(), &options, place, heard, stop.clone())
    });
    let controllers = future::join_all(controllers.collect::<Vec<_>>());
    let telling = changed.for_each(move |key| {
        // Nobody listens only when the controllers have ended.
        let _ = say.send(key);
        future::ready(())
    });
    tokio::select! {
        _ = controllers => {}
        () = telling => {}
    }
}

/// The changes of one place. Where more come than are acted on, the oldest are lost; what they were about is looked at
/// with the next change, and all is looked at when a watch begins anew.
fn heard(
    receiver: broadcast::Receiver<Key>,
    place: Option<String>,
) -> impl Stream<Item = ObjectRef<Guarded>> + Send {
    futures::stream::unfold((receiver, place), |(mut receiver, place)| async move {
        loop {
            match receiver.recv().await {
                Ok(key) if place.as_ref().is_none_or(|place| *place == key.namespace) => {
                    let monitor = ObjectRef::new(&key.name).within(&key.namespace);
                    return Some((monitor, (receiver, place)));
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "more changes than can be acted on");
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
}

/// Reconciles the monitors of one place.
fn controller(
    context: Arc<Context>,
    options: &Options,
    place: Option<String>,
    heard: impl Stream<Item = ObjectRef<Guarded>> + Send + 'static,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) -> BoxFuture<'static, ()> {
    let (reader, writer) = reflector::store();
    let api = Scope::monitors(&context.client, place.as_deref());
    let (counting, taking, forgetting) = (context.clone(), context.clone(), context.clone());
    let late = context.clone();
    let mut present = Present::default();
    let monitors = watcher(api, options.scope.config())
        .default_backoff()
        .modify(move |monitor| {
            monitor.managed_fields_mut().clear();
            if let Ok(monitor) = &mut monitor.0 {
                taking.statuses.take(monitor);
            }
        })
        .inspect(move |event| match event {
            Ok(event) => {
                for key in present.gone(event) {
                    forgetting.forget(&key);
                }
            }
            Err(error) => {
                counting.process.watch_failed("FeatureMonitor");
                tracing::warn!(error = %words::chain(error), "watching FeatureMonitors; it begins anew");
            }
        })
        .reflect(writer)
        .applied_objects()
        // A status that we wrote ourselves is no reason to look again.
        .predicate_filter(
            predicates::generation.combine(predicates::annotations),
            Default::default(),
        );
    let apis = crate::apis::changes(context.apis.clone());
    let config = ControllerConfig::default()
        .debounce(DEBOUNCE)
        .concurrency(options.concurrency);
    Controller::for_stream(monitors, reader)
        .with_config(config)
        .reconcile_on(heard)
        .reconcile_all_on(apis)
        .graceful_shutdown_on(stop)
        .run(reconcile, error_policy, context)
        .for_each(move |done| {
            match done {
                // A reconciliation that was under way when its monitor went has said something of it since. The deletion of
                // its children brings us here.
                Err(kube::runtime::controller::Error::ObjectNotFound(gone)) => {
                    late.forget(&Key {
                        namespace: gone.namespace.unwrap_or_default(),
                        name: gone.name,
                    });
                }
                Err(kube::runtime::controller::Error::ReconcilerFailed(..)) | Ok(_) => {}
                Err(error) => tracing::debug!(error = %words::chain(&error), "queueing"),
            }
            future::ready(())
        })
        .boxed()
}

/// The monitors of one place that are there. A watch that begins anew does not say which went in between.
#[derive(Debug, Default)]
struct Present {
    all: HashSet<Key>,
    listed: HashSet<Key>,
}

impl Present {
    /// Takes an event; gives the monitors that are there no more.
    fn gone(&mut self, event: &watcher::Event<Guarded>) -> Vec<Key> {
        match event {
            watcher::Event::Apply(monitor) => {
                self.all.insert(Key::of(monitor.meta()));
                Vec::new()
            }
            watcher::Event::Delete(monitor) => {
                let key = Key::of(monitor.meta());
                self.all.remove(&key);
                vec![key]
            }
            watcher::Event::Init => {
                self.listed.clear();
                Vec::new()
            }
            watcher::Event::InitApply(monitor) => {
                self.listed.insert(Key::of(monitor.meta()));
                Vec::new()
            }
            watcher::Event::InitDone => {
                let before = std::mem::replace(&mut self.all, std::mem::take(&mut self.listed));
                before.difference(&self.all).cloned().collect()
            }
        }
    }
}

/// Makes what is there what the monitor says, and says how it is.
async fn reconcile(monitor: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Error> {
    let begun = Instant::now();
    let key = Key::of(monitor.meta());
    let span = tracing::info_span!("reconcile", monitor = %key);
    let (outcome, done) = match &monitor.0 {
        Err(invalid) => {
            context.unreadable(&key, invalid).await;
            // Nothing changes before the resource does.
            (process::Outcome::Unreadable, Ok(Action::await_change()))
        }
        Ok(monitor) => {
            let work = context.reconcile(monitor, &key).instrument(span);
            let done = match tokio::time::timeout(context.deadline * 4, work).await {
                Ok(done) => done,
                Err(_) => Err(Error::Deadline(context.deadline * 4)),
            };
            match &done {
                Ok(_) => {
                    context.failed(&key, false);
                    (process::Outcome::Success, done)
                }
                Err(_) => (process::Outcome::Failure, done),
            }
        }
    };
    context.process.reconciled(outcome, begun.elapsed());
    done
}

/// How long to wait after so many failures in a row, before the jitter of a fifth.
fn backoff(failures: u32) -> Duration {
    let (first, longest) = BACKOFF;
    let doublings = failures.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings).min(longest)
}

/// Each monitor has its own backoff, which starts over when it succeeds.
fn error_policy(monitor: Arc<Guarded>, error: &Error, context: Arc<Context>) -> Action {
    let key = Key::of(monitor.meta());
    let failures = context.failed(&key, true);
    let wait = backoff(failures).mul_f64(rand::rng().random_range(0.8..1.2));
    let wait = error.retry_after().map_or(wait, |asked| wait.max(asked));
    tracing::warn!(monitor = %key, %error, retry_seconds = wait.as_secs_f64(), "reconciling failed");
    Action::requeue(wait)
}

impl Context {
    async fn reconcile(&self, monitor: &FeatureMonitor, key: &Key) -> Result<Action, Error> {
        if monitor.metadata.deletion_timestamp.is_some() {
            // The garbage collector takes the children.
            return Ok(Action::await_change());
        }
        let valid = valid::validate(monitor);
        let config = ExporterConfig::from(monitor);
        let outcomes = match &valid {
            Ok(valid) => self.apply(monitor, valid, &config, key).await,
            Err(_) => Vec::new(),
        };
        let known = self.children.known(ChildKind::Deployment, &child_key(key));
        let rollout = known.seen.as_ref().and_then(|seen| seen.rollout.clone());
        let starting = rollout
            .as_ref()
            .filter(|rollout| !rollout.is_current())
            .and(known.rollout_since)
            .map(|since| since.elapsed());
        let before = self.statuses.current(key);
        let trouble = match starting {
            // Where there is no pod, none can say anything.
            Some(time)
                if rollout.as_ref().is_some_and(|rollout| rollout.total > 0)
                    && (time >= STARTING || in_trouble(&before.conditions)) =>
            {
                self.trouble(key).await?
            }
            _ => None,
        };
        if let (true, Some(since)) = (
            rollout.as_ref().is_some_and(Rollout::is_current),
            known.rollout_since,
        ) {
            self.asker.expect_anew(key, since);
        }
        let answer = self.asker.answer(key);
        let hash = config.hash();
        let refused = self.refused(key);
        let findings = findings(Found {
            violations: valid.as_ref().err(),
            notes: &valid.as_ref().map(Monitor::notes).unwrap_or_default(),
            outcomes: &outcomes,
            integrations: &self.integrations(valid.as_ref().ok()),
            unzoned: &unzoned(valid.as_ref().ok()),
            refused: &refused,
            rollout: rollout.as_ref(),
            trouble: trouble.as_ref(),
            answer: answer.as_ref(),
            config_hash: valid.is_ok().then_some(hash.as_str()),
            source: &monitor.spec.source.flight.uri,
            paused: monitor.spec.paused.unwrap_or(false),
            before: &before.conditions,
            generation: monitor.metadata.generation,
        });
        self.process.found(key, &findings);
        if rollout
            .as_ref()
            .is_some_and(|rollout| rollout.available >= 1)
        {
            self.asker.ask(key, pace(&findings));
        }
        self.say(monitor, &findings, answer.as_ref(), before)
            .await?;
        let refused = refused.iter().map(|(_, standing)| standing.next).min();
        after(&outcomes, starting, refused)
    }

    /// Plans and applies the children.
    async fn apply(
        &self,
        resource: &FeatureMonitor,
        monitor: &Monitor,
        config: &ExporterConfig,
        key: &Key,
    ) -> Vec<(ChildKind, Outcome)> {
        let owner = owner(resource);
        let mut plan = plan(Wanted {
            monitor,
            config,
            owner: Some(&owner),
            settings: &self.settings,
            apis: *self.apis.borrow(),
        });
        for (kind, standing) in self.refused(key) {
            if let Some(asked) = &standing.asked {
                plan.touch(kind, asked);
            }
        }
        let applier = Applier {
            client: &self.client,
            children: &self.children,
            process: &self.process,
            deadline: self.deadline,
        };
        let monitor = For {
            key,
            uid: &owner.uid,
            paused: monitor.paused,
        };
        applier.apply(plan, monitor).await
    }

    async fn trouble(&self, key: &Key) -> Result<Option<PodTrouble>, Error> {
        let trouble = self.within(
            "listing the exporter's pods",
            pods::trouble(&self.client, key),
        );
        trouble.await
    }

    /// How it is with each kind that is for another program, and that the monitor wants.
    fn integrations(&self, monitor: Option<&Monitor>) -> Vec<(ChildKind, Integration)> {
        let apis = *self.apis.borrow();
        let settings = &self.settings;
        let told = monitor.is_some_and(|monitor| monitor.notifications.is_some());
        let all = [
            (
                ChildKind::ServiceMonitor,
                settings.service_monitor.enabled,
                true,
            ),
            (
                ChildKind::PrometheusRule,
                settings.prometheus_rule.enabled,
                true,
            ),
            (
                ChildKind::AlertmanagerConfig,
                settings.alertmanager_config.enabled,
                told,
            ),
        ];
        let wanted = all.into_iter().filter(|(_, _, wanted)| *wanted);
        let how = wanted.map(|(kind, enabled, _)| {
            let how = match (enabled, apis.has(kind)) {
                (false, _) => Integration::Off,
                (true, false) => Integration::Absent,
                (true, true) => Integration::Present,
            };
            (kind, how)
        });
        how.collect()
    }

    /// What the Prometheus operator says of children as they are.
    fn refused(&self, key: &Key) -> Vec<(ChildKind, Standing)> {
        let child = child_key(key);
        let said = |kind| {
            let seen = self.children.known(kind, &child).seen?;
            Some((kind, self.complaints.of(kind, &child, seen.changed)?))
        };
        complaints::KINDS.into_iter().filter_map(said).collect()
    }

    /// Writes status and events, where something changed.
    async fn say(
        &self,
        monitor: &FeatureMonitor,
        findings: &[Finding],
        answer: Option<&Answer>,
        before: FeatureMonitorStatus,
    ) -> Result<(), Error> {
        let exporter = match answer {
            Some(Answer::Said(status)) => Some(status.as_ref()),
            _ => None,
        };
        let generation = monitor.metadata.generation;
        let new = status(findings, exporter, &before, generation, (self.clock)());
        if new == before {
            return Ok(());
        }
        let events = transitions(&before.conditions, &new.conditions);
        self.within(
            "writing the status",
            self.statuses.write(&self.client, monitor, new),
        )
        .await?;
        let reference = monitor.object_ref(&());
        for event in events {
            let publish = self.recorder.publish(&event, &reference);
            // The status says the same and is there to stay: an event that is lost is no reason to try all again.
            if let Err(error) = self.within("writing an event", publish).await {
                tracing::warn!(%error, "an event is lost");
            }
        }
        Ok(())
    }

    /// Says of a resource that cannot be read what is wrong with it. It has no status that we could write.
    async fn unreadable(&self, key: &Key, invalid: &InvalidObject) {
        tracing::warn!(monitor = %key, error = %invalid.error, "the resource cannot be read");
        let unreadable = Finding {
            about: READY,
            holds: Holds::False,
            reason: Reason::Unreadable.into(),
            message: invalid.error.clone(),
            needed: true,
        };
        self.process.found(key, &[unreadable]);
        let event = Event {
            type_: EventType::Warning,
            reason: Reason::Unreadable.into(),
            note: Some(words::cut(
                &format!(
                    "The resource does not fit its definition: {}. Correct it; the CustomResourceDefinition may be older than the operator.",
                    invalid.error
                ),
                900,
            )),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        let mut reference = k8s_openapi::api::core::v1::ObjectReference {
            api_version: Some(crds::API_VERSION.to_owned()),
            kind: Some("FeatureMonitor".to_owned()),
            ..Default::default()
        };
        reference.name = invalid.metadata.name.clone();
        reference.namespace = invalid.metadata.namespace.clone();
        reference.uid = invalid.metadata.uid.clone();
        if let Err(error) = self
            .within(
                "writing an event",
                self.recorder.publish(&event, &reference),
            )
            .await
        {
            tracing::warn!(%error, "an event is lost");
        }
    }

    /// A call of the API server, within the deadline.
    async fn within<T>(
        &self,
        doing: &'static str,
        call: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.deadline, call).await {
            Ok(done) => done.map_err(|source| Error::Api { doing, source }),
            Err(_) => Err(Error::Deadline(self.deadline)),
        }
    }

    /// Counts a failure, or starts over; gives the failures in a row.
    fn failed(&self, key: &Key, failed: bool) -> u32 {
        // Counters are replaced whole, so a panic while it was held cannot have left half of one.
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed {
            failures.remove(key);
            return 0;
        }
        let count = failures.entry(key.clone()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// Forgets a monitor that is gone.
    fn forget(&self, key: &Key) {
        self.children.forget(&child_key(key));
        self.asker.forget(key);
        self.statuses.forget(key);
        self.process.forget(key);
        self.failed(key, false);
    }
}

/// Names of the times that do not mute, since an AlertmanagerConfig cannot say their zone.
fn unzoned(monitor: Option<&Monitor>) -> Vec<String> {
    let told = monitor.and_then(|monitor| monitor.notifications.as_ref());
    let zoned = told.into_iter().flat_map(|told| told.zoned());
    zoned.map(|mute| mute.name.clone()).collect()
}

/// A monitor as the owner of its children. It does not block their deletion in the foreground: that would need a
/// permission on the resource's finalizers.
pub fn owner(resource: &FeatureMonitor) -> OwnerReference {
    OwnerReference {
        api_version: crds::API_VERSION.to_owned(),
        kind: "FeatureMonitor".to_owned(),
        name: resource.name_any(),
        uid: resource.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

/// An exporter that is not well is asked more often.
fn pace(findings: &[Finding]) -> Pace {
    let ready = findings
        .iter()
        .any(|f| f.about == READY && f.holds == Holds::True);
    match ready {
        true => Pace::Slow,
        false => Pace::Fast,
    }
}

/// What comes next: a failure is tried again, and what nobody would tell us of is looked at again.
fn after(
    outcomes: &[(ChildKind, Outcome)],
    starting: Option<Duration>,
    refused: Option<Duration>,
) -> Result<Action, Error> {
    for (kind, outcome) in outcomes {
        if let Outcome::Failed {
            message,
            retry_after,
        } = outcome
        {
            return Err(Error::Child {
                kind: *kind,
                message: message.clone(),
                retry_after: *retry_after,
            });
        }
    }
    let unseen = outcomes
        .iter()
        .any(|(_, outcome)| matches!(outcome, Outcome::Foreign { .. } | Outcome::Refused { .. }));
    let starting = starting.map(|time| (time / 2).clamp(STARTING, LOOK_AGAIN));
    let waits = [starting, unseen.then_some(LOOK_AGAIN), refused];
    let wait = waits.into_iter().flatten().min();
    Ok(wait.map_or_else(Action::await_change, Action::requeue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_five_minutes() {
        let waits = [1, 2, 3, 9, 10, u32::MAX].map(|failures| backoff(failures).as_secs());
        assert_eq!(waits, [1, 2, 4, 256, 300, 300]);
    }
}
