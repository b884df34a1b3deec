//! One pull from wire to profiles, over all cores, in memory that does not grow with the rows.
//!
//! ```text
//! source (decode) -> route (rows to windows) -> workers, each with its own share of the features
//!            bounded channel            bounded channel each
//! ```
//!
//! Work is split by feature, not by row: a feature's profile has one owner, so nothing is locked and
//! nothing is merged at the end. Both channels are short, so a slow worker slows the source down
//! instead of filling memory.

mod owned;
mod workers;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use stats::{Acceptable, Bins, Choice, FeatureProfile, Fences, RowSampler, WindowSummary};
use tokio::sync::mpsc;

use crate::columns::{ColumnProblem, FeatureColumn, Layout, SlotRows, Times, split};
use crate::complete::SharedGaps;
use crate::joint::Joint;
use crate::rules::{Measure, Rule};
use crate::segments::SegmentTimes;
use crate::source::{FlightSource, Message, PullReport, Reason, SourceError};
use crate::window::Span;
use workers::Workers;

/// Batches on their way from the source: enough to keep decoding while one is being routed.
const DECODED_BATCHES: usize = 1;

/// Which slot the rows of one event time belong to; nothing for rows that are not wanted.
pub type SlotOf = Arc<dyn Fn(i64) -> Option<usize> + Send + Sync>;

/// What one pull is for.
#[derive(Clone)]
pub struct Request {
    /// Fills `${window_start}` and `${window_end}`.
    pub span: Option<Span>,
    /// How many slots `slot_of` knows.
    pub slots: NonZeroUsize,
    /// Sorts rows into slots by the window column, in microseconds since the epoch. Without it all
    /// rows belong to slot 0.
    pub slot_of: Option<SlotOf>,
    /// Events after this, in microseconds since the epoch, are in the future, and are taken as none; nothing where that does not
    /// matter.
    pub horizon: Option<i64>,
    /// Whether each slot covers one unbroken span of time, so that the ends of a batch speak for all of it.
    pub unbroken: bool,
    /// How windows are counted over the baseline; nothing is while a baseline is made.
    pub counting: Arc<WindowCounting>,
    /// The business rules to measure; none while a baseline's bins are made.
    pub rules: Arc<[Rule]>,
}

/// How a window is counted over a baseline.
#[derive(Debug, Default)]
pub struct WindowCounting {
    /// Each of the baseline's features, and its target, by name.
    pub features: HashMap<String, Counting>,
    /// Which of them are sampled row by row.
    pub joint: Joint,
    /// Whether the names of each window are remembered, as they are while a baseline is made.
    pub names: bool,
}

impl WindowCounting {
    /// How a column is counted: one that the baseline has with this kind.
    fn of(&self, column: &FeatureColumn) -> Option<&Counting> {
        let known = self.features.get(&column.name);
        known.filter(|counting| counting.bins.kind() == column.kind)
    }
}

/// How the values of a feature are counted.
#[derive(Clone, Debug)]
pub struct Counting {
    /// The baseline's frozen bins.
    pub bins: Arc<Bins>,
    /// Which values are acceptable; nothing where that is not known.
    pub acceptable: Option<Acceptable>,
    /// Beyond which numbers are outliers; nothing where that is not known.
    pub fences: Option<Fences>,
}

/// What one pull brought.
#[derive(Debug)]
pub struct Pulled<T> {
    /// What the stream's columns are.
    pub layout: Layout,
    /// One entry a slot.
    pub slots: Vec<Slot<T>>,
    /// Rows of no wanted window.
    pub rows_outside: u64,
    /// The newest event time of all rows, in microseconds since the epoch; of those that are not in the future.
    pub newest_event: Option<i64>,
    /// How many rows have an event time that is not in the future.
    pub rows_with_event: u64,
    /// How many rows have an event time that is in the future.
    pub rows_in_future: u64,
    /// What went over the wire.
    pub report: PullReport,
}

/// The rows of one window.
#[derive(Debug)]
pub struct Slot<T> {
    /// How many rows.
    pub rows: u64,
    /// Their newest event time, in microseconds since the epoch.
    pub newest_event: Option<i64>,
    /// When their events were; nothing where none has a time, and while a baseline is made.
    pub events: Option<stats::Times>,
    /// One entry a feature, in the order of `layout.features`.
    pub features: Vec<Finished<T>>,
    /// What `finish` made of the columns that are no features, in the order of `layout.beside()`.
    pub beside: Vec<T>,
    /// When the events of each segment were; none where none has a time, and while a baseline is made.
    pub segments: Vec<SegmentTimes>,
    /// What is about all columns.
    pub window: WindowSummary,
    /// One entry a rule, in the order of `Request::rules`.
    pub rules: Vec<Measure>,
}

impl<T> Default for Slot<T> {
    /// Without a row.
    fn default() -> Self {
        Self {
            rows: 0,
            newest_event: None,
            events: None,
            features: Vec::new(),
            beside: Vec::new(),
            segments: Vec::new(),
            window: WindowSummary::default(),
            rules: Vec::new(),
        }
    }
}

/// One feature in one window.
#[derive(Debug)]
pub struct Finished<T> {
    /// What `finish` made of the profile.
    pub value: T,
    /// The newest event time among the rows in which the feature is not null, in microseconds.
    pub newest_event: Option<i64>,
}

/// Why a pull gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The window column cannot be used, so no row can be given to a window.
    #[error(transparent)]
    Window(ColumnProblem),
    /// A column could not be read as its type says.
    #[error("reading the column {column:?}: {source}")]
    Column {
        /// The column's name.
        column: String,
        /// Arrow's account of it.
        source: ArrowError,
    },
    /// A column of a rule could not be read as its type says.
    #[error("reading the columns that spec.rules name: {0}")]
    Rules(#[source] ArrowError),
    /// The server sent batches and no schema before them.
    #[error("the stream held a batch before any schema")]
    NoSchema,
    /// A worker ended before its input did.
    #[error("a profiling worker ended early: {0}")]
    Worker(String),
}

impl PullError {
    /// The closed-set reason, as counted in metrics.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Source(error) => error.reason(),
            Self::Window(_) => Reason::Schema,
            Self::Column { .. } | Self::Rules(_) | Self::NoSchema => Reason::Decode,
            Self::Worker(_) => Reason::Internal,
        }
    }
}

/// Pulls once and gives each finished profile to `finish`, on the worker that owns it.
pub async fn pull<T: Send + 'static>(
    source: &FlightSource,
    data: &crds::valid::Data,
    request: Request,
    finish: fn(FeatureProfile) -> T,
) -> Result<Pulled<T>, PullError> {
    let (sender, receiver) = mpsc::channel(DECODED_BATCHES);
    let span = request.span.map(|span| (span.start, span.end));
    let (pulled, routed) = tokio::join!(
        source.pull(span, sender),
        route(receiver, data, request, finish)
    );
    // When routing ends early the source only knows that nobody listens any more: what happened in
    // routing is the cause. When the source fails, what was routed is partial and is dropped.
    let routed = match (routed, &pulled) {
        (Err(PullError::NoSchema), Err(_)) => None,
        (Err(error), _) => return Err(error),
        (Ok(routed), _) => Some(routed),
    };
    let report = pulled?;
    let Some(routed) = routed else {
        return Err(PullError::NoSchema);
    };
    Ok(Pulled { report, ..routed })
}

/// The rows of one batch that belong to one slot.
struct Part {
    slot: usize,
    batch: RecordBatch,
    times: Option<Times>,
    newest_event: Option<i64>,
    /// Which rows are sampled; nothing where no column is.
    choice: Option<Choice>,
    /// Which rows miss a feature; nothing where that is not asked.
    gaps: Option<SharedGaps>,
}

/// What a pull brings, but for the report of what went over the wire: the source has it when all is sent.
async fn route<T: Send + 'static>(
    mut messages: mpsc::Receiver<Message>,
    data: &crds::valid::Data,
    request: Request,
    finish: fn(FeatureProfile) -> T,
) -> Result<Pulled<T>, PullError> {
    let Some(Message::Schema(schema)) = messages.recv().await else {
        return Err(PullError::NoSchema);
    };
    let layout = layout(&schema, data, &request)?;
    let workers = Workers::start(&schema, &data.entity_keys, &layout, &request, finish);
    let count = request.slots.get();
    let mut slots: Vec<Slot<T>> = (0..count).map(|_| Slot::default()).collect();
    let (mut rows_outside, mut newest_event) = (0, None);
    let (mut rows_with_event, mut rows_in_future) = (0, 0);
    let horizon = request.horizon.unwrap_or(i64::MAX);
    let sampled = !request.counting.joint.is_empty();
    let asked = request.counting.joint.counts_complete_rows();
    let mut samplers = vec![RowSampler::default(); count];

    while let Some(message) = messages.recv().await {
        let Message::Batch(batch) = message else {
            continue;
        };
        if batch.num_rows() == 0 {
            continue;
        }
        let events = times(&batch, layout.event_time)?.map(|events| {
            let (events, in_future) = events.until(horizon);
            newest_event = newest_event.max(events.newest());
            rows_with_event += events.count();
            rows_in_future += in_future;
            events
        });
        let parts = match (&request.slot_of, times(&batch, layout.window)?) {
            (Some(slot_of), Some(windows)) => {
                let schema = batch.schema();
                let (parts, outside) =
                    split(batch, events, &windows, slot_of.as_ref(), request.unbroken)
                        .map_err(|source| column_error(&schema, layout.window, source))?;
                rows_outside += outside;
                parts
            }
            _ => vec![SlotRows {
                slot: 0,
                batch,
                events,
            }],
        };
        for part in parts {
            let SlotRows {
                slot,
                batch,
                events: times,
            } = part;
            let newest_event = times.as_ref().and_then(Times::newest);
            let own = &mut slots[slot];
            own.rows += batch.num_rows() as u64;
            own.newest_event = own.newest_event.max(newest_event);
            let choice = sampled.then(|| samplers[slot].choose(batch.num_rows()));
            let gaps = asked.then(|| SharedGaps::new(batch.num_rows(), workers.count()));
            let part = Part {
                slot,
                batch,
                times,
                newest_event,
                choice,
                gaps,
            };
            if !workers.send(part).await {
                return Err(workers.failure().await);
            }
        }
    }

    workers.finish(&mut slots, &layout).await?;
    Ok(Pulled {
        layout,
        slots,
        rows_outside,
        newest_event,
        rows_with_event,
        rows_in_future,
        report: PullReport::default(),
    })
}

fn layout(
    schema: &SchemaRef,
    data: &crds::valid::Data,
    request: &Request,
) -> Result<Layout, PullError> {
    let layout = Layout::new(schema, data);
    if schema.fields().is_empty() {
        // What some servers say of a result without rows: nothing is known of its columns.
        return Ok(layout);
    }
    if request.slot_of.is_some() && layout.window.is_none() {
        let window_column = data.window.as_ref().map(|w| w.column.clone());
        let problem = layout
            .problems
            .iter()
            .find(|problem| match problem {
                ColumnProblem::Absent { column, .. } | ColumnProblem::NotATime { column, .. } => {
                    Some(column) == window_column.as_ref()
                }
                ColumnProblem::NotAValue { .. } | ColumnProblem::NotAFlag { .. } => false,
            })
            .cloned()
            .unwrap_or(ColumnProblem::Absent {
                field: "spec.data.window.column",
                column: window_column.unwrap_or_default(),
            });
        return Err(PullError::Window(problem));
    }
    Ok(layout)
}

fn times(batch: &RecordBatch, column: Option<usize>) -> Result<Option<Times>, PullError> {
    column
        .map(|index| Times::new(batch.column(index)))
        .transpose()
        .map_err(|source| column_error(batch.schema_ref(), column, source))
}

fn column_error(schema: &SchemaRef, column: Option<usize>, source: ArrowError) -> PullError {
    let column = column.map_or_else(String::new, |index| schema.field(index).name().clone());
    PullError::Column { column, source }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Float64Array, Int64Array};
    use arrow::datatypes::{Field, Schema};
    use stats::{CompleteEntities, CompleteRows, FrozenFeature};

    use super::*;
    use crate::joint::Asked;
    use crate::profiled;

    const MANIFEST: &str = "
apiVersion: featuremonitor.io/v1alpha1
kind: FeatureMonitor
metadata: {name: wide}
spec:
  owner: {team: test}
  source: {flight: {uri: 'grpc://localhost:1', query: {path: [x]}}}
  data: {entityKeys: [id]}
  schedule: {every: 1h}
  baseline: {previous: {}}
";

    /// 141 numbers, more than are looked at together, of which the last is null in every second row. Each entity has two rows, so
    /// that every one has it.
    #[tokio::test]
    async fn rows_and_entities_are_complete_in_all_features() {
        let first = (0..140).map(|number| format!("f{number:03}"));
        let names: Vec<String> = first.chain(["zz".to_owned()]).collect();
        let column = |name: &String| -> ArrayRef {
            let rows = 0..300u32;
            let values = rows.map(|row| (name != "zz" || row % 2 == 0).then(|| f64::from(row)));
            Arc::new(values.collect::<Float64Array>())
        };
        let keys: ArrayRef = Arc::new(Int64Array::from_iter_values((0..300).map(|row| row / 2)));
        let columns: Vec<ArrayRef> = [keys].into_iter().chain(names.iter().map(column)).collect();
        let all = ["id"].into_iter().chain(names.iter().map(String::as_str));
        let fields = all.zip(&columns);
        let fields =
            fields.map(|(name, column)| Field::new(name, column.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();

        let bins = Arc::new(profiled::numbers(&[1.0, 2.0], None).freeze_bins());
        let frozen = |name: &String| FrozenFeature::new(name, "float64", bins.clone(), Vec::new());
        let features: Vec<FrozenFeature> = names.iter().map(frozen).collect();
        let counting = |feature: &FrozenFeature| Counting {
            bins: feature.bins.clone(),
            acceptable: None,
            fences: None,
        };
        let counted = features.iter();
        let counted = counted.map(|feature| (feature.name.clone(), counting(feature)));
        let asked = Asked {
            missingness: true,
            ..Asked::default()
        };
        let counting = WindowCounting {
            features: counted.collect(),
            joint: Joint::of(&features, asked),
            names: false,
        };
        let request = Request {
            span: None,
            slots: NonZeroUsize::MIN,
            slot_of: None,
            unbroken: true,
            horizon: None,
            counting: Arc::new(counting),
            rules: Arc::new([]),
        };
        let data = crds::manifest::load(MANIFEST).unwrap().monitor.data;
        let (sender, receiver) = mpsc::channel(3);
        // One entity has a row in either batch.
        for message in [
            Message::Schema(schema),
            Message::Batch(batch.slice(0, 101)),
            Message::Batch(batch.slice(101, 199)),
        ] {
            sender.send(message).await.unwrap();
        }
        drop(sender);
        let routed = route(receiver, &data, request, FeatureProfile::close).await;
        let routed = routed.unwrap();
        let window = &routed.slots[0].window;

        let rows = CompleteRows {
            rows: 300,
            columns: 141,
            complete: 150,
            filled: 140 * 300 + 150,
        };
        assert_eq!(window.complete, Some(rows));
        let entities = CompleteEntities {
            sampled: 150,
            complete: 150,
            columns: 141,
        };
        assert_eq!(window.entities, Some(entities));
        let patterns = window.missingness.as_ref().unwrap().patterns();
        assert_eq!(
            (patterns.columns(), patterns.complete_share()),
            (128, Some(1.0))
        );
    }
}
