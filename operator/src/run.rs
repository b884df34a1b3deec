//! `run`: waits for the lease, reconciles while it is held, and gives it back at the end.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use kube::Client;
use tokio::sync::{oneshot, watch};

use crate::apis::{self, Apis};
use crate::ask::Asker;
use crate::children::Children;
use crate::cli::Run;
use crate::client::{ClientError, client};
use crate::complaints::Complaints;
use crate::controller::{self, Context, Options};
use crate::events::Recorder;
use crate::http::{self, Stage};
use crate::lease::{self, Held, Lost, Terms};
use crate::plan::MANAGER;
use crate::process::Process;
use crate::settings::{Settings, SettingsError};
use crate::status::Statuses;
use crate::watch::{Scope, Watching, changes, complaints};

/// How long running reconciliations may take after a signal to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Where a pod finds its own namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Why the operator ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There is no way to the API server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The address is taken or not ours.
    #[error("--web.listen-address {address:?} cannot be listened on: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server failed while it ran.
    #[error("serving: {0}")]
    Serve(std::io::Error),
    /// Another operator may write now, so this one must not.
    #[error("{0}: ending, so that there is one writer")]
    Lost(#[from] Lost),
}

/// Runs until `shutdown`, or until the lease is lost.
///
/// # Errors
/// When it cannot start, or must not go on.
pub async fn run(args: Run, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    let settings = match &args.settings {
        Some(file) => Settings::read(file)?,
        None => Settings::default(),
    };
    let process = Arc::new(Process::new());
    // A watch is renewed at its timeout at the latest; a connection that is silent for longer hangs.
    let silence = args.watch_timeout.0.mul_f64(1.2) + Duration::from_secs(1);
    let (client, namespace) = client(silence, process.clone()).await?;
    let listen = |source| RunError::Listen {
        address: args.listen_address.clone(),
        source,
    };
    let listener = program::listen(&args.listen_address).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let (stage, stages) = watch::channel(Stage::Starting);
    let (stop_serving, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(listener, process.clone(), stages, async {
        // An error means that the sender is gone, which is also the end.
        let _ = stopped.await;
    }));
    tracing::info!(%address, "serving");

    let mut shutdown = pin!(shutdown);
    let worked = tokio::select! {
        worked = work(&args, settings, client, namespace, process, &stage, shutdown.as_mut()) => worked,
        served = server => return match served {
            Ok(Err(error)) => Err(RunError::Serve(error)),
            Ok(Ok(())) => Ok(()),
            Err(error) => Err(RunError::Serve(std::io::Error::other(error))),
        },
    };
    drop(stop_serving);
    worked
}

/// Waits for the lease and reconciles.
async fn work(
    args: &Run,
    settings: Settings,
    client: Client,
    namespace: String,
    process: Arc<Process>,
    stage: &watch::Sender<Stage>,
    mut shutdown: std::pin::Pin<&mut impl Future<Output = ()>>,
) -> Result<(), RunError> {
    let apis = tokio::select! {
        apis = reach(&client, args.request_timeout.0) => apis,
        () = &mut shutdown => return Ok(()),
    };
    let identity = identity(args);
    let mut held = None;
    if !args.lease_disabled {
        stage.send_replace(Stage::StandingBy);
        let terms = Terms {
            namespace: args.lease_namespace.clone().unwrap_or(namespace),
            name: args.lease_name.clone(),
            identity: identity.clone(),
            duration: args.lease_duration.0,
        };
        tracing::info!(namespace = %terms.namespace, lease = %terms.name, %identity, "standing by");
        tokio::select! {
            lease = lease::acquire(client.clone(), terms) => held = Some(lease),
            () = &mut shutdown => return Ok(()),
        }
    }
    stage.send_replace(Stage::Leading);
    process.leads(true);
    tracing::info!(%identity, "leading");

    let (stop, stopping) = oneshot::channel::<()>();
    let reconciling = pin!(reconcile(
        args,
        settings,
        client,
        apis,
        identity,
        process.clone(),
        async {
            // An error means that the sender is gone, which is also the end.
            let _ = stopping.await;
        }
    ));
    let mut reconciling = reconciling;
    let lost = tokio::select! {
        () = &mut reconciling => None,
        lost = keep(held.as_mut()) => Some(lost),
        () = &mut shutdown => None,
    };
    if let Some(lost) = lost {
        // Whatever is being written must not be finished: another one may be at work.
        return Err(lost.into());
    }
    tracing::info!("stopping: finishing what is running");
    drop(stop);
    let finished = async {
        tokio::select! {
            () = &mut reconciling => None,
            lost = keep(held.as_mut()) => Some(lost),
        }
    };
    match tokio::time::timeout(GRACE, finished).await {
        Ok(None) => {}
        Ok(Some(lost)) => return Err(lost.into()),
        Err(_) => tracing::warn!(
            seconds = GRACE.as_secs(),
            "some reconciliations did not end in time"
        ),
    }
    process.leads(false);
    if let Some(held) = held
        && let Err(error) = held.release().await
    {
        tracing::warn!(%error, "the lease could not be given back; it expires");
    }
    Ok(())
}

async fn keep(held: Option<&mut Held>) -> Lost {
    match held {
        Some(held) => held.keep().await,
        None => std::future::pending().await,
    }
}

/// Asks the API server until it answers.
async fn reach(client: &Client, deadline: Duration) -> Apis {
    let mut wait = Duration::from_secs(1);
    loop {
        match apis::discover(client, deadline).await {
            Ok(apis) => return apis,
            Err(error) => {
                tracing::warn!(
                    error,
                    retry_seconds = wait.as_secs(),
                    "the API server cannot be asked"
                );
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(30));
    }
}

/// Everything that only the one that leads does.
async fn reconcile(
    args: &Run,
    settings: Settings,
    client: Client,
    apis: Apis,
    identity: String,
    process: Arc<Process>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let scope = Scope {
        namespaces: args.watch_namespaces.clone(),
        timeout: args.watch_timeout.0,
    };
    let (found, apis) = watch::channel(apis);
    let following = tokio::spawn(apis::follow(
        client.clone(),
        args.discovery_interval.0,
        args.request_timeout.0,
        found,
    ));
    let children = Arc::new(Children::default());
    let (asker, answers) = Asker::new(args.status_interval.0);
    let watching = Watching {
        client: client.clone(),
        scope: scope.clone(),
        children: children.clone(),
        apis: apis.clone(),
        process: process.clone(),
    };
    let refused = Arc::new(Complaints::new(args.complaint_interval.0));
    let said = complaints(&watching, &refused);
    let changed = stream::select(stream::select(changes(&watching), said), answers);
    let context = Context {
        recorder: Recorder::new(client.clone(), identity),
        client,
        settings,
        children,
        complaints: refused,
        apis,
        asker,
        statuses: Statuses::default(),
        process,
        deadline: args.request_timeout.0,
        clock: jiff::Timestamp::now,
        failures: std::sync::Mutex::default(),
    };
    let options = Options {
        scope,
        concurrency: args.concurrency,
    };
    controller::run(Arc::new(context), options, changed.boxed(), stop).await;
    following.abort();
}

/// Who this operator is among the others.
fn identity(args: &Run) -> String {
    let given = args.lease_identity.clone();
    let pod = || {
        std::env::var("POD_NAME")
            .ok()
            .filter(|name| !name.is_empty())
    };
    let host = || {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(format!("{}-{}", name.trim(), std::process::id()))
    };
    given
        .or_else(pod)
        .or_else(host)
        .unwrap_or_else(|| format!("{MANAGER}-{}", std::process::id()))
}

/// The namespace of the pod that this runs in, if it does.
pub fn own_namespace() -> Option<String> {
    let text = std::fs::read_to_string(Path::new(NAMESPACE_FILE)).ok()?;
    Some(text.trim().to_owned()).filter(|name| !name.is_empty())
}
