//! `run`: evaluates on schedule, serves what is known, and follows the manifest when it changes.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crds::valid::State;
use jiff::Timestamp;
use object_store::memory::InMemory;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::watch;
use tracing::Instrument;

use crate::cli::{Input, Run};
use crate::config::{self, Config, ConfigError, Watch};
use crate::http::{self, Rendered, Served, Site, Web, WebConfigError};
use crate::monitor::{Monitor, Tally};
use crate::process::{Outcome, Process};
use crate::scrape::scrape;
use crate::snapshot::Snapshot;
use crate::source::{FlightSource, SecretsDir, SourceError, backoff};
use crate::status::{references_missing, status};
use crate::store::{Place, Store, is_missing};

/// Where state is kept when the manifest wants a claim, which only a cluster has, and the command line names no folder.
const STATE_DIRECTORY: &str = "feature-monitor-state";

/// Why the program could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The manifest cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The web configuration cannot be used.
    #[error("--web.config.file: {}", program::chain(.0))]
    Web(#[from] WebConfigError),
    /// The manifest is one of another monitor.
    #[error(
        "metadata: this exporter runs {runs}, and its file holds {found} now: series, state and status are by name, so start it anew"
    )]
    Renamed {
        /// Namespace and name that it runs.
        runs: String,
        /// Namespace and name in the file.
        found: String,
    },
    /// The folder that the command line names is not there.
    #[error("there is no folder {}: write --state-dir as `run` has it", .path.display())]
    NoState {
        /// The folder.
        path: PathBuf,
    },
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
    /// The source cannot be asked at all.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Runs until `shutdown`.
pub async fn run(
    args: Run,
    clock: fn() -> Timestamp,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let mut watch = Watch::new(&args.input.file);
    let config = config::load(&args.input.file)?;
    let web = match &args.web_config {
        Some(file) => Web::read(file)?,
        None => Web::open(),
    };
    let listen = |source| RunError::Listen {
        address: args.listen_address.clone(),
        source,
    };
    let listener = program::listen(&args.listen_address).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let process = Arc::new(Process::new(
        &config.monitor.namespace,
        &config.monitor.name,
        clock(),
    ));
    let mut desk = Desk::open(config, &args.input, process.clone(), clock)?;
    let site = Site {
        served: desk.served.subscribe(),
        process,
        clock,
    };
    tracing::info!(%address, monitor = %desk.config.monitor.name, "serving");

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(listener, Arc::new(web), site, async {
        // An error means that the sender is gone, which is also the end.
        let _ = stopped.await;
    }));
    let mut server = pin!(server);
    let mut shutdown = pin!(shutdown);
    tokio::select! {
        () = desk.work(&mut watch, &args.input) => {}
        () = &mut shutdown => tracing::info!("stopping"),
        served = &mut server => {
            return served.map_err(|error| RunError::Serve(std::io::Error::other(error)))?.map_err(RunError::Serve);
        }
    }
    drop(stop);
    server
        .await
        .map_err(|error| RunError::Serve(std::io::Error::other(error)))?
        .map_err(RunError::Serve)
}

/// The monitor in force, and where what it knows is laid out.
struct Desk {
    config: Config,
    config_error: Option<String>,
    secrets: SecretsDir,
    monitor: Monitor,
    memory: Arc<InMemory>,
    served: watch::Sender<Served>,
    process: Arc<Process>,
    clock: fn() -> Timestamp,
    failures: u32,
    jitter: SmallRng,
}

impl Desk {
    fn open(
        config: Config,
        input: &Input,
        process: Arc<Process>,
        clock: fn() -> Timestamp,
    ) -> Result<Self, RunError> {
        let secrets = SecretsDir::new(&input.secrets_dir);
        let memory = Arc::default();
        let monitor = monitor(&config, input, &memory)?;
        process.config_loaded(&config.hash, clock());
        let served = serve(&monitor.snapshot(), None, &secrets, &process);
        Ok(Self {
            served: watch::Sender::new(served),
            config,
            config_error: None,
            secrets,
            monitor,
            memory,
            process,
            clock,
            failures: 0,
            jitter: SmallRng::from_os_rng(),
        })
    }

    /// Evaluates on schedule, for ever.
    async fn work(&mut self, watch: &mut Watch, input: &Input) {
        loop {
            let changed = {
                let turn = pin!(self.turn());
                tokio::select! {
                    never = turn => match never {},
                    changed = watch.changed() => changed,
                }
            };
            self.follow(changed, input);
        }
    }

    /// Evaluates and waits, again and again. Dropping the future between or within evaluations loses
    /// only what was not saved yet, which the next monitor pulls again.
    async fn turn(&mut self) -> std::convert::Infallible {
        loop {
            let started = tokio::time::Instant::now();
            let span = tracing::info_span!("evaluation", monitor = %self.config.monitor.name);
            let clock = self.clock;
            let tally = self.monitor.evaluate(&clock).instrument(span).await;
            let snapshot = self.monitor.snapshot();
            // First the values, then the counters: whoever sees that a window was judged finds its values.
            self.publish(&snapshot);
            self.count(&snapshot, tally);
            let delay = self.delay(&snapshot);
            tokio::time::sleep_until(started + delay).await;
        }
    }

    /// How long after the start of an evaluation the next one starts.
    fn delay(&mut self, snapshot: &Snapshot) -> Duration {
        let every = self.config.monitor.schedule.every;
        let failed = snapshot
            .evaluation
            .as_ref()
            .is_some_and(|evaluation| evaluation.failure.is_some());
        if failed {
            self.failures = self.failures.saturating_add(1);
            backoff(self.failures, &mut self.jitter).min(every)
        } else {
            self.failures = 0;
            if self.monitor.is_behind() {
                Duration::ZERO
            } else {
                every
            }
        }
    }

    /// Takes up a manifest that changed, or says why not.
    fn follow(&mut self, changed: Result<Config, ConfigError>, input: &Input) {
        let taken_up = changed.map_err(RunError::from).and_then(|config| {
            let [runs, found] = [&self.config, &config]
                .map(|config| format!("{}/{}", config.monitor.namespace, config.monitor.name));
            if runs != found {
                return Err(RunError::Renamed { runs, found });
            }
            let monitor = monitor(&config, input, &self.memory)?;
            Ok((config, monitor))
        });
        match taken_up {
            Ok((config, monitor)) => {
                tracing::info!(hash = %config.hash, "the manifest changed and is in force");
                self.process.config_loaded(&config.hash, (self.clock)());
                self.config = config;
                self.config_error = None;
                self.monitor = monitor;
                self.process.source_seen(None, (self.clock)());
                self.failures = 0;
            }
            Err(error) => {
                tracing::error!(%error, "the manifest changed and is refused; the old one stays in force");
                self.process.config_refused();
                self.config_error = Some(error.to_string());
            }
        }
        let snapshot = self.monitor.snapshot();
        self.publish(&snapshot);
    }

    fn publish(&self, snapshot: &Snapshot) {
        let served = serve(
            snapshot,
            self.config_error.clone(),
            &self.secrets,
            &self.process,
        );
        self.served.send_replace(served);
    }

    /// One line and a few counters an evaluation.
    fn count(&self, snapshot: &Snapshot, tally: Tally) {
        let Some(evaluation) = &snapshot.evaluation else {
            return;
        };
        let seconds = evaluation.duration_seconds.max(0.0);
        let outcome = match &evaluation.failure {
            None => Outcome::Success,
            Some(_) => Outcome::Failure,
        };
        self.process
            .evaluated(outcome, Duration::from_secs_f64(seconds));
        self.process.source_seen(snapshot.source_up, evaluation.at);
        self.process
            .received(tally.bytes, tally.rows, tally.batches, tally.rows_outside);
        self.process.windows_judged(tally.windows_judged);
        self.process.alarmed(tally.alarms);
        match &evaluation.failure {
            None => tracing::info!(
                seconds,
                pulls = tally.pulls,
                batches = tally.batches,
                rows = tally.rows,
                bytes = tally.bytes,
                windows_judged = tally.windows_judged,
                windows_pending = snapshot.windows_pending,
                features = snapshot.features.len(),
                breached = snapshot
                    .features
                    .iter()
                    .filter(|f| f.worst(snapshot.monitor.checks.schema.enabled).is_some())
                    .count(),
                "evaluated"
            ),
            Some(failure) => {
                self.process.evaluation_failed(failure.reason);
                tracing::warn!(
                    seconds,
                    reason = failure.reason.as_str(),
                    rows = tally.rows,
                    error = %failure.message,
                    "evaluation failed; the last good results stay"
                );
            }
        }
    }
}

/// The monitor of a manifest, which knows nothing yet. State that is to be kept nowhere else is in `memory`.
fn monitor(config: &Config, input: &Input, memory: &Arc<InMemory>) -> Result<Monitor, RunError> {
    let monitor = &config.monitor;
    let source = FlightSource::new(monitor.source.clone(), SecretsDir::new(&input.secrets_dir))?;
    let store = stored(config, input, memory);
    Ok(Monitor::new(
        config.monitor.clone(),
        config.hash.clone(),
        source,
        store,
    ))
}

fn place(config: &Config, input: &Input, memory: &Arc<InMemory>) -> Place {
    match (&input.state_dir, &config.monitor.state) {
        (Some(path), _) => Place::Directory(path.clone()),
        (None, State::VolumeClaim { .. }) => Place::Directory(STATE_DIRECTORY.into()),
        (None, State::Url { url, credentials }) => Place::Url {
            url: url.clone(),
            credentials: credentials.clone(),
        },
        (None, State::Ephemeral) => Place::Memory(memory.clone()),
    }
}

/// Where a manifest's monitor keeps its state.
fn stored(config: &Config, input: &Input, memory: &Arc<InMemory>) -> Store {
    let monitor = &config.monitor;
    Store::new(
        place(config, input, memory),
        &input.secrets_dir,
        &monitor.namespace,
        &monitor.name,
    )
}

/// A manifest, and where its monitor keeps its state.
///
/// # Errors
/// When the manifest cannot be used, and when the command line names a folder that is not there: nothing can have been saved
/// in it.
pub fn store(input: &Input) -> Result<(Config, Store), RunError> {
    let config = config::load(&input.file)?;
    if let Some(path) = input.state_dir.as_ref().filter(|path| is_missing(path)) {
        return Err(RunError::NoState { path: path.clone() });
    }
    let store = stored(&config, input, &Arc::default());
    Ok((config, store))
}

/// Opens the monitor that a manifest describes, for a single call.
pub fn open(input: &Input) -> Result<Monitor, RunError> {
    monitor(&config::load(&input.file)?, input, &Arc::default())
}

fn serve(
    snapshot: &Snapshot,
    config_error: Option<String>,
    secrets: &SecretsDir,
    process: &Process,
) -> Served {
    let missing = references_missing(&snapshot.monitor, secrets);
    Served {
        rendered: Arc::new(Rendered::new(scrape(snapshot, process))),
        status: Arc::new(status(snapshot, config_error, missing)),
        snapshot: Arc::new(snapshot.clone()),
        ready: Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_web_configuration_that_is_not_there_comes_with_its_cause() {
        let error = Web::read(Path::new("/nope/web.yml")).map_err(RunError::from);
        let said = error.err().unwrap().to_string();
        assert!(
            said.starts_with("--web.config.file: cannot read /nope/web.yml: No such file"),
            "{said}"
        );
    }
}
