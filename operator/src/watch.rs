//! Watches the children, and says which monitors' children are not as they were left.

use std::sync::Arc;
use std::time::Duration;

use crds::FeatureMonitor;
use futures::stream::{self, SelectAll, StreamExt};
use futures::{Stream, future};
use k8s_openapi::api::core::v1::Event as Said;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::core::DeserializeGuard;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;

use crate::apis::Apis;
use crate::child::ChildKind;
use crate::children::{Children, Watched};
use crate::complaints::{self, Complaints};
use crate::key::Key;
use crate::plan::managed_by;
use crate::process::Process;

/// How many objects are listed at a time: a page is in memory whole, once for each kind.
const PAGE: u32 = 100;
/// The same for rules and routes, which are several times as large as other children.
const PAGE_OF_RULES: u32 = 20;

/// A monitor as it comes from the API server: one that cannot be read stops no other.
pub type Guarded = DeserializeGuard<FeatureMonitor>;

/// Where the operator looks.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The namespaces; empty is all.
    pub namespaces: Vec<String>,
    /// How long a watch may last before it is renewed.
    pub timeout: Duration,
}

impl Scope {
    /// One entry a watch: a namespace, or `None` for all.
    pub fn places(&self) -> Vec<Option<String>> {
        match self.namespaces.as_slice() {
            [] => vec![None],
            namespaces => namespaces.iter().cloned().map(Some).collect(),
        }
    }

    /// The API of FeatureMonitors in one place.
    pub fn monitors(client: &Client, place: Option<&str>) -> Api<Guarded> {
        match place {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        }
    }

    /// How watches are made.
    pub fn config(&self) -> watcher::Config {
        // An API server takes at most 294 s: with more, a watch is cut by the client's own timeout.
        let seconds = u32::try_from(self.timeout.as_secs())
            .unwrap_or(u32::MAX)
            .clamp(1, 290);
        watcher::Config::default().timeout(seconds).page_size(PAGE)
    }
}

/// What watching needs.
#[derive(Clone)]
pub struct Watching {
    /// The API server.
    pub client: Client,
    /// Where to look.
    pub scope: Scope,
    /// Where what is seen goes.
    pub children: Arc<Children>,
    /// Which optional APIs exist.
    pub apis: watch::Receiver<Apis>,
    /// What is counted.
    pub process: Arc<Process>,
}

/// Watches every kind in every place, for ever: the keys of monitors whose children changed. Watches of a kind whose API
/// is optional live as long as the API.
pub fn changes(watching: &Watching) -> impl Stream<Item = Key> + Send + 'static + use<> {
    let mut all = SelectAll::new();
    for kind in ChildKind::ALL {
        for place in watching.scope.places() {
            let watching = watching.clone();
            let stream = match kind.is_optional() {
                false => one(watching, kind, place).boxed(),
                true => while_there(watching, kind, place).boxed(),
            };
            all.push(stream);
        }
    }
    all
}

/// Watches what the Prometheus operator says of what it refuses, for ever: the keys of monitors that it is about.
pub fn complaints(
    watching: &Watching,
    complaints: &Arc<Complaints>,
) -> impl Stream<Item = Key> + Send + 'static + use<> {
    let mut all = SelectAll::new();
    for place in watching.scope.places() {
        let api: Api<Said> = match &place {
            Some(namespace) => Api::namespaced(watching.client.clone(), namespace),
            None => Api::all(watching.client.clone()),
        };
        let config = watching.scope.config().fields(complaints::SELECTOR);
        let (complaints, process) = (complaints.clone(), watching.process.clone());
        let mut watched = complaints::Watched::new(place);
        let stream = watcher(api, config)
            .default_backoff()
            .map(move |event| match event {
                Ok(event) => complaints.watched(&mut watched, &event),
                Err(error) => {
                    failed(&process, "Event", &error);
                    Vec::new()
                }
            })
            .flat_map(stream::iter);
        all.push(stream.boxed());
    }
    all
}

fn failed(process: &Process, kind: &'static str, error: &watcher::Error) {
    process.watch_failed(kind);
    tracing::warn!(kind, error = %crate::words::chain(error), "watching; it begins anew");
}

/// Watches one kind in one place.
fn one(
    watching: Watching,
    kind: ChildKind,
    place: Option<String>,
) -> impl Stream<Item = Key> + Send {
    let api: Api<DynamicObject> = match &place {
        Some(namespace) => {
            Api::namespaced_with(watching.client.clone(), namespace, &kind.resource())
        }
        None => Api::all_with(watching.client.clone(), &kind.resource()),
    };
    let page = match kind {
        ChildKind::PrometheusRule | ChildKind::AlertmanagerConfig => PAGE_OF_RULES,
        _ => PAGE,
    };
    let config = watching
        .scope
        .config()
        .labels(&managed_by())
        .page_size(page);
    let mut watched = Watched::new(kind, place);
    watcher(api, config)
        .default_backoff()
        .map(move |event| match event {
            Ok(event) => watching.children.watched(&mut watched, &event),
            Err(error) => {
                failed(&watching.process, kind.name(), &error);
                Vec::new()
            }
        })
        .flat_map(stream::iter)
}

/// Watches a kind while its API exists.
fn while_there(
    watching: Watching,
    kind: ChildKind,
    place: Option<String>,
) -> impl Stream<Item = Key> + Send {
    let apis = watching.apis.clone();
    stream::unfold((apis, watching), move |(mut apis, watching)| {
        let place = place.clone();
        async move {
            apis.wait_for(|apis| apis.has(kind)).await.ok()?;
            let mut gone = apis.clone();
            let until = async move {
                // An error means that nobody looks for APIs any more: the program ends.
                let _ = gone.wait_for(|apis| !apis.has(kind)).await;
            };
            let children = watching.children.clone();
            let cleared = stream::once(future::lazy(move |_| {
                children.clear(kind);
                Vec::new()
            }))
            .flat_map(stream::iter);
            let events = one(watching.clone(), kind, place)
                .take_until(Box::pin(until))
                .chain(cleared);
            Some((events.boxed(), (apis, watching)))
        }
    })
    .flatten()
}
