//! Pulls the rows of one query from an Arrow Flight server.
//!
//! ```text
//! secrets -> connect (-> log in) -> GetFlightInfo -> DoGet, several endpoints at once -> decode -> channel
//!                                   not for tickets
//! ```
//!
//! A pull is one attempt, because a server may serve a ticket only once: whoever wants another attempt
//! pulls again, after [`backoff`]. What a server says about an answer beforehand (schema, rows, bytes)
//! is not used: many say nothing, or not the truth. The schema is the stream's.

mod backoff;
mod clean;
mod decode;
mod error;
mod places;
mod secrets;
mod session;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{FlightDescriptor, FlightEndpoint, Ticket};
use crds::valid::{Flight, Query};
use jiff::Timestamp;
use prost::Message as _;
use tokio::sync::mpsc::Sender;
use tokio::task::{JoinError, JoinSet};

pub use backoff::backoff;
pub use error::{Reason, SourceError, Stage};
pub use secrets::{Secret, SecretsDir};

use decode::{Decoded, Decoder};
use places::Place;
use session::{Header, Session};

/// Endpoints that are fetched at once: enough to keep both ends busy, few enough for their batches to
/// fit in memory.
const MOST_AT_ONCE: usize = 4;
/// Endpoints of one answer; an engine with one per bucket has hundreds.
const MOST_ENDPOINTS: usize = 4096;

/// A Flight server and the query to ask it.
#[derive(Debug)]
pub struct FlightSource {
    flight: Flight,
    headers: Vec<Header>,
    secrets: SecretsDir,
}

/// What a pull sends, in this order: the schema once, then the batches.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The columns. Without a field where the server sent no columns at all, which some do for an empty
    /// result.
    Schema(SchemaRef),
    /// Rows; never an empty batch.
    Batch(RecordBatch),
}

/// What a complete pull brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PullReport {
    /// Batches sent on.
    pub batches: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of Arrow data on the wire, dictionaries included.
    pub bytes: u64,
    /// Endpoints fetched.
    pub endpoints: usize,
    /// From the first file read to the last batch sent on, so it includes waiting for the receiver.
    pub elapsed: Duration,
}

impl FlightSource {
    /// Takes a valid source; nothing is read or dialled yet.
    pub fn new(flight: Flight, secrets: SecretsDir) -> Result<Self, SourceError> {
        let headers = session::headers(&flight.headers)?;
        Ok(Self {
            flight,
            headers,
            secrets,
        })
    }

    /// Pulls once: sends the schema, then every batch, and says how much it was.
    ///
    /// `window` fills the query's placeholders. After an error the receiver throws away what it got.
    /// Stops with [`SourceError::Cancelled`] when the receiver is dropped. Dropping the future stops
    /// the server's work as well.
    pub async fn pull(
        &self,
        window: Option<(Timestamp, Timestamp)>,
        sink: Sender<Message>,
    ) -> Result<PullReport, SourceError> {
        let started = Instant::now();
        let outlet = Arc::new(Outlet::new(sink));
        let attempt = self.attempt(window, Arc::clone(&outlet), started + self.flight.timeout);
        let endpoints = match tokio::time::timeout(self.flight.timeout, attempt).await {
            Ok(outcome) => outcome?,
            Err(_) => {
                return Err(SourceError::Timeout {
                    stage: outlet.stage(),
                    after: self.flight.timeout,
                    rows: outlet.rows.load(Ordering::Relaxed),
                });
            }
        };
        Ok(PullReport {
            batches: outlet.batches.load(Ordering::Relaxed),
            rows: outlet.rows.load(Ordering::Relaxed),
            bytes: outlet.bytes.load(Ordering::Relaxed),
            endpoints,
            elapsed: started.elapsed(),
        })
    }

    async fn attempt(
        &self,
        window: Option<(Timestamp, Timestamp)>,
        outlet: Arc<Outlet>,
        deadline: Instant,
    ) -> Result<usize, SourceError> {
        let enter = |stage| outlet.enter(stage);
        let session =
            Session::open(&self.flight, &self.headers, &self.secrets, deadline, enter).await?;
        outlet.enter(Stage::Discovering);
        let answer = self.discover(&session, window).await?;
        outlet.enter(Stage::Receiving);
        let endpoints = answer.endpoints.len();
        fetch_all(answer, Arc::new(session), &outlet).await?;
        outlet.finish().await?;
        Ok(endpoints)
    }

    /// Where the data is. A ticket needs no asking.
    async fn discover(
        &self,
        session: &Session,
        window: Option<(Timestamp, Timestamp)>,
    ) -> Result<Answer, SourceError> {
        let (query, descriptor) = match &self.flight.query {
            Query::Ticket(template) => return Ok(Answer::ticket(template.render(window))),
            Query::Path(path) => ("path", FlightDescriptor::new_path(path.clone())),
            Query::Command(template) => (
                "command",
                FlightDescriptor::new_cmd(template.render(window)),
            ),
            Query::Sql(template) => {
                let statement = CommandStatementQuery {
                    query: template.render(window),
                    transaction_id: None,
                };
                (
                    "sql",
                    FlightDescriptor::new_cmd(statement.as_any().encode_to_vec()),
                )
            }
        };
        // A server's clock may be behind ours, which makes every new ticket look expired: asking
        // anew once is enough, and then the server decides.
        let first = ask(session, query, descriptor.clone()).await?;
        if first.has_expired(SystemTime::now()) {
            ask(session, query, descriptor).await
        } else {
            Ok(first)
        }
    }
}

async fn ask(
    session: &Session,
    query: &'static str,
    descriptor: FlightDescriptor,
) -> Result<Answer, SourceError> {
    let info = session
        .discover(descriptor)
        .await?
        .map_err(|message| SourceError::NoDiscovery { query, message })?;
    if info.endpoint.len() > MOST_ENDPOINTS {
        return Err(SourceError::TooManyEndpoints {
            found: info.endpoint.len(),
            limit: MOST_ENDPOINTS,
        });
    }
    Ok(Answer {
        endpoints: info.endpoint,
        ordered: info.ordered,
    })
}

/// Where the parts of an answer are.
#[derive(Debug)]
struct Answer {
    endpoints: Vec<FlightEndpoint>,
    /// Whether the order of the endpoints is the order of the rows.
    ordered: bool,
}

impl Answer {
    fn ticket(ticket: String) -> Self {
        let ticket = Some(Ticket {
            ticket: ticket.into(),
        });
        Self {
            endpoints: vec![FlightEndpoint {
                ticket,
                ..Default::default()
            }],
            ordered: false,
        }
    }

    fn has_expired(&self, now: SystemTime) -> bool {
        self.endpoints
            .iter()
            .any(|endpoint| places::expired(endpoint, now))
    }
}

/// Fetches all endpoints: several at once, or one after the other where their order matters.
async fn fetch_all(
    answer: Answer,
    session: Arc<Session>,
    outlet: &Arc<Outlet>,
) -> Result<(), SourceError> {
    // Tickets that came expired say nothing about how long they last.
    let heed_expiry = !answer.has_expired(SystemTime::now());
    let at_once = if answer.ordered { 1 } else { MOST_AT_ONCE };
    let mut waiting = answer.endpoints.into_iter();
    // Dropped on the first error, which stops the others.
    let mut running = JoinSet::new();
    loop {
        while running.len() < at_once
            && let Some(endpoint) = waiting.next()
        {
            if heed_expiry && places::expired(&endpoint, SystemTime::now()) {
                return Err(SourceError::Expired);
            }
            running.spawn(fetch(endpoint, Arc::clone(&session), Arc::clone(outlet)));
        }
        match running.join_next().await {
            None => return Ok(()),
            Some(Ok(outcome)) => outcome?,
            Some(Err(stopped)) => return Err(crashed(stopped)),
        }
    }
}

/// Fetches one endpoint and sends its batches on.
async fn fetch(
    endpoint: FlightEndpoint,
    session: Arc<Session>,
    outlet: Arc<Outlet>,
) -> Result<(), SourceError> {
    let elsewhere = match places::place(&endpoint.location, session.home()) {
        Place::Here => Vec::new(),
        Place::Elsewhere(addresses) => addresses,
    };
    let mut stream = session
        .get(endpoint.ticket.unwrap_or_default(), &elsewhere)
        .await?;
    let mut decoder = Decoder::new(session.max_message_bytes());
    while let Some(data) = session.next(&mut stream).await? {
        outlet
            .bytes
            .fetch_add(data.data_body.len() as u64, Ordering::Relaxed);
        match decoder.decode(data)? {
            Decoded::Nothing => {}
            Decoded::Schema(schema) => outlet.schema(schema).await?,
            Decoded::Batch(batch) => outlet.batch(batch).await?,
        }
    }
    Ok(())
}

/// A task that panicked: arrow-ipc does so on some invalid streams, and the process must survive them.
fn crashed(stopped: JoinError) -> SourceError {
    let Ok(panic) = stopped.try_into_panic() else {
        return SourceError::Internal {
            message: "a task was stopped by the runtime".to_owned(),
        };
    };
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    SourceError::Decode {
        message: format!(
            "the decoder gave up: {}",
            clean::Redactor::default().clean(text)
        ),
    }
}

/// Where the batches of all endpoints go, and what went through.
struct Outlet {
    sink: Sender<Message>,
    /// The first schema with columns, once it was sent on.
    agreed: tokio::sync::Mutex<Option<SchemaRef>>,
    stage: Mutex<Stage>,
    batches: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Outlet {
    fn new(sink: Sender<Message>) -> Self {
        Self {
            sink,
            agreed: tokio::sync::Mutex::default(),
            stage: Mutex::new(Stage::Connecting),
            batches: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    fn enter(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the first schema on and holds later ones against it.
    async fn schema(&self, schema: SchemaRef) -> Result<(), SourceError> {
        // Some servers answer an empty part without any column; it agrees with every schema.
        if schema.fields().is_empty() {
            return Ok(());
        }
        let names = duplicates(&schema);
        if !names.is_empty() {
            return Err(SourceError::DuplicateColumns { names });
        }
        // Held while sending, so that no batch of another endpoint overtakes the schema.
        let mut agreed = self.agreed.lock().await;
        match agreed.as_ref() {
            Some(agreed) => match difference(agreed, &schema) {
                Some(difference) => Err(SourceError::SchemasDiffer { difference }),
                None => Ok(()),
            },
            None => {
                self.send(Message::Schema(Arc::clone(&schema))).await?;
                *agreed = Some(schema);
                Ok(())
            }
        }
    }

    async fn batch(&self, batch: RecordBatch) -> Result<(), SourceError> {
        // Servers send empty batches to keep a connection alive.
        if batch.num_rows() == 0 {
            return if self.sink.is_closed() {
                Err(SourceError::Cancelled)
            } else {
                Ok(())
            };
        }
        if batch.num_columns() == 0 {
            return Err(SourceError::Decode {
                message: format!("it holds {} rows without any column", batch.num_rows()),
            });
        }
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.rows
            .fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        self.send(Message::Batch(batch)).await
    }

    /// After the last endpoint: the receiver learns of an answer without any column, too.
    async fn finish(&self) -> Result<(), SourceError> {
        if self.agreed.lock().await.is_none() {
            self.send(Message::Schema(Arc::new(Schema::empty())))
                .await?;
        }
        Ok(())
    }

    async fn send(&self, message: Message) -> Result<(), SourceError> {
        self.sink
            .send(message)
            .await
            .map_err(|_| SourceError::Cancelled)
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// Column names that occur more than once, each once, in the order of the schema.
fn duplicates(schema: &Schema) -> Vec<String> {
    let mut seen = std::collections::HashMap::<&str, usize>::new();
    let mut names = Vec::new();
    for field in schema.fields() {
        let times = seen.entry(field.name()).or_default();
        *times += 1;
        if *times == 2 {
            names.push(field.name().clone());
        }
    }
    names
}

/// The first difference in number, names or types of the columns. Nullability and metadata may differ
/// from part to part.
fn difference(agreed: &Schema, other: &Schema) -> Option<String> {
    let (ours, theirs) = (agreed.fields(), other.fields());
    if ours.len() != theirs.len() {
        return Some(format!(
            "{} columns and {} columns",
            ours.len(),
            theirs.len()
        ));
    }
    ours.iter()
        .zip(theirs)
        .enumerate()
        .find_map(|(at, (our, their))| {
            if our.name() != their.name() {
                Some(format!(
                    "column {} is {:?} and {:?}",
                    at + 1,
                    our.name(),
                    their.name()
                ))
            } else if !our.data_type().equals_datatype(their.data_type()) {
                Some(format!(
                    "column {:?} is {} and {}",
                    our.name(),
                    our.data_type(),
                    their.data_type()
                ))
            } else {
                None
            }
        })
}
