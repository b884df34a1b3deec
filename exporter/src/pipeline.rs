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

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use stats::{
    Acceptable, Bins, Choice, Column, ColumnError, CompleteEntities, CompleteRows, EntitySample,
    FeatureProfile, Fences, Gaps, KeySample, RowGaps, RowSample, RowSampler, TIME_POINTS,
    TimeSample, WindowSummary,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::columns::{
    ColumnProblem, FeatureColumn, Flags, ImputedFlag, KeyReader, Layout, Reader, Times, nulls,
    split, validity,
};
use crate::complete::SharedGaps;
use crate::joint::{Joint, Sample};
use crate::rules::{Measure, Measuring, Rule};
use crate::segments::SegmentTimes;
use crate::source::{FlightSource, Message, PullReport, Reason, SourceError};
use crate::window::Span;

/// Batches on their way from the source: enough to keep decoding while one is being routed.
const DECODED_BATCHES: usize = 1;
/// Batches waiting for one worker.
const ROUTED_BATCHES: usize = 1;

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
            Self::Column { .. } | Self::NoSchema => Reason::Decode,
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
    Ok(Pulled {
        layout: routed.layout,
        slots: routed.slots,
        rows_outside: routed.rows_outside,
        newest_event: routed.newest_event,
        rows_with_event: routed.rows_with_event,
        rows_in_future: routed.rows_in_future,
        report,
    })
}

struct Routed<T> {
    layout: Layout,
    slots: Vec<Slot<T>>,
    rows_outside: u64,
    newest_event: Option<i64>,
    rows_with_event: u64,
    rows_in_future: u64,
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

async fn route<T: Send + 'static>(
    mut messages: mpsc::Receiver<Message>,
    data: &crds::valid::Data,
    request: Request,
    finish: fn(FeatureProfile) -> T,
) -> Result<Routed<T>, PullError> {
    let Some(Message::Schema(schema)) = messages.recv().await else {
        return Err(PullError::NoSchema);
    };
    let layout = layout(&schema, data, &request)?;
    let workers = Workers::start(&schema, &data.entity_keys, &layout, &request, finish);
    let slots = request.slots.get();
    let (mut rows, mut newest) = (vec![0u64; slots], vec![None; slots]);
    let (mut rows_outside, mut newest_event) = (0, None);
    let (mut rows_with_event, mut rows_in_future) = (0, 0);
    let horizon = request.horizon.unwrap_or(i64::MAX);
    let sampled = !request.counting.joint.is_empty();
    let asked = request.counting.joint.counts_complete_rows();
    let mut samplers = vec![RowSampler::default(); slots];

    while let Some(message) = messages.recv().await {
        let Message::Batch(batch) = message else {
            continue;
        };
        if batch.num_rows() == 0 {
            continue;
        }
        if let Some(events) = times(&batch, layout.event_time)? {
            let (events, in_future) = events.until(horizon);
            newest_event = newest_event.max(events.newest());
            rows_with_event += events.count();
            rows_in_future += in_future;
        }
        let parts = match (&request.slot_of, times(&batch, layout.window)?) {
            (Some(slot_of), Some(windows)) => {
                let (parts, outside) = split(&batch, &windows, slot_of.as_ref(), request.unbroken)
                    .map_err(|source| column_error(&batch, layout.window, source))?;
                rows_outside += outside;
                parts
            }
            _ => vec![(0, batch)],
        };
        for (slot, batch) in parts {
            let times = times(&batch, layout.event_time)?.map(|times| times.until(horizon).0);
            let newest_event = times.as_ref().and_then(Times::newest);
            rows[slot] += batch.num_rows() as u64;
            newest[slot] = newest[slot].max(newest_event);
            let choice = sampled.then(|| samplers[slot].choose(batch.num_rows()));
            let gaps = asked.then(|| SharedGaps::new(batch.num_rows(), workers.inputs.len()));
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

    let finished = workers.finish(slots, &layout, request.rules.len()).await?;
    Ok(Routed {
        layout,
        slots: finished
            .into_iter()
            .zip(rows.into_iter().zip(newest))
            .map(|(worked, (rows, newest_event))| Slot {
                rows,
                newest_event,
                events: worked.events,
                features: worked.features,
                beside: worked.beside,
                segments: worked.segments,
                window: worked.window,
                rules: worked.rules,
            })
            .collect(),
        rows_outside,
        newest_event,
        rows_with_event,
        rows_in_future,
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
        .map_err(|source| column_error(batch, column, source))
}

fn column_error(batch: &RecordBatch, column: Option<usize>, source: ArrowError) -> PullError {
    let column = column.map_or_else(String::new, |index| {
        batch.schema_ref().field(index).name().clone()
    });
    PullError::Column { column, source }
}

/// The threads that own the profiles, each with its share of the features and of the rules, and one of them with the keys and
/// event times. Columns that are no features are profiled as features behind all others.
struct Workers<T> {
    inputs: Vec<mpsc::Sender<Arc<Part>>>,
    running: Vec<JoinHandle<Result<Share<T>, PullError>>>,
    counting: Arc<WindowCounting>,
}

/// What a worker owned.
struct Share<T> {
    features: Vec<FinishedFeature<T>>,
    /// The keys, one sample a slot.
    keys: Option<OwnedKeys>,
    /// The event times, one sample a slot.
    events: Option<Vec<EventTimes>>,
    /// What it found of complete rows, one entry a slot, with the columns that it looked at.
    complete: Vec<CompleteRows>,
    /// Per rule: its place in the request, and what was found in each slot.
    rules: Vec<(usize, Vec<Measure>)>,
}

/// What the workers made of one slot.
struct Worked<T> {
    features: Vec<Finished<T>>,
    beside: Vec<T>,
    segments: Vec<SegmentTimes>,
    window: WindowSummary,
    events: Option<stats::Times>,
    rules: Vec<Measure>,
}

/// What became of one feature.
struct FinishedFeature<T> {
    /// Its place in the layout.
    place: usize,
    name: String,
    /// One entry a slot.
    slots: Vec<Finished<T>>,
    /// Its values in the sampled rows of each slot; none where it is not sampled.
    samples: Vec<RowSample>,
}

impl<T: Send + 'static> Workers<T> {
    fn start(
        schema: &SchemaRef,
        entity_keys: &[String],
        layout: &Layout,
        request: &Request,
        finish: fn(FeatureProfile) -> T,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let columns = layout.columns().count();
        let count = cores.clamp(1, columns.max(1));
        // The keys of a baseline's windows are counted with its bins, and its event times too.
        let counted = !request.counting.features.is_empty();
        let mut keys = layout
            .keys
            .clone()
            .filter(|_| counted)
            .map(|keys| OwnedKeys::new(keys, layout, request));
        let mut events = layout
            .event_time
            .filter(|_| counted)
            .map(|_| vec![EventTimes::default(); request.slots.get()]);
        let (mut inputs, mut running) = (Vec::new(), Vec::new());
        for worker in 0..count {
            let mut owned: Vec<Owned> = layout
                .columns()
                .enumerate()
                .skip(worker)
                .step_by(count)
                .map(|(place, column)| {
                    let owned = Owned::new(place, column, request);
                    Owned {
                        counts: owned.counts && place < layout.features.len(),
                        ..owned
                    }
                })
                .collect();
            // The last worker has the fewest features.
            let last = worker + 1 == count;
            let mut keys = last.then(|| keys.take()).flatten();
            let mut events = last.then(|| events.take()).flatten();
            let mut rules = Measuring::new(
                &request.rules,
                |place| place % count == worker,
                schema,
                entity_keys,
                request.slots.get(),
            );
            let mut complete = vec![CompleteRows::default(); request.slots.get()];
            let columns = owned.iter().filter(|feature| feature.counts).count() as u64;
            complete
                .iter_mut()
                .for_each(|complete| complete.columns = columns);
            let (input, mut parts) = mpsc::channel::<Arc<Part>>(ROUTED_BATCHES);
            inputs.push(input);
            running.push(tokio::task::spawn_blocking(move || {
                while let Some(part) = parts.blocking_recv() {
                    let mut gaps = part.gaps.as_ref().map(|shared| (shared, shared.own()));
                    for feature in &mut owned {
                        feature.update(&part, gaps.as_mut().map(|(_, own)| own))?;
                    }
                    if let Some((shared, own)) = gaps {
                        add(&mut complete[part.slot], shared.settle(&own));
                    }
                    if let Some(keys) = &mut keys {
                        keys.update(&part)?;
                    }
                    if let (Some(events), Some(times)) = (&mut events, &part.times) {
                        events[part.slot].update(times, part.choice.as_ref());
                    }
                    let measured = rules.update(part.slot, &part.batch);
                    measured.map_err(|source| PullError::Column {
                        column: "of a rule".to_owned(),
                        source,
                    })?;
                }
                Ok(Share {
                    features: owned.into_iter().map(|o| o.finish(finish)).collect(),
                    keys,
                    events,
                    complete,
                    rules: rules.finish(),
                })
            }));
        }
        Self {
            inputs,
            running,
            counting: request.counting.clone(),
        }
    }

    /// Gives a part to every worker; false when one has ended.
    async fn send(&self, part: Part) -> bool {
        let part = Arc::new(part);
        for input in &self.inputs {
            if input.send(part.clone()).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Why a worker ended before its input did.
    async fn failure(self) -> PullError {
        match self.finished().await {
            Err(error) => error,
            Ok(_) => PullError::Worker("no worker says why".to_owned()),
        }
    }

    /// Waits for all workers.
    async fn finished(self) -> Result<Vec<Share<T>>, PullError> {
        drop(self.inputs);
        let mut shares = Vec::with_capacity(self.running.len());
        for running in self.running {
            let share = running.await;
            shares.push(share.map_err(|error| PullError::Worker(error.to_string()))??);
        }
        Ok(shares)
    }

    /// Waits for all workers; gives each slot, with its features and rules in their order.
    async fn finish(
        self,
        slots: usize,
        layout: &Layout,
        rules: usize,
    ) -> Result<Vec<Worked<T>>, PullError> {
        let columns = layout.columns().count();
        let mut by_place: Vec<Option<Vec<Finished<T>>>> = (0..columns).map(|_| None).collect();
        let mut by_rule: Vec<Vec<Measure>> = vec![Vec::new(); rules];
        let mut samples: Vec<Sample> = vec![Sample::default(); slots];
        let mut worked: Vec<Worked<T>> = (0..slots)
            .map(|_| Worked {
                features: Vec::with_capacity(columns),
                beside: Vec::new(),
                segments: Vec::new(),
                window: WindowSummary::default(),
                events: None,
                rules: Vec::with_capacity(rules),
            })
            .collect();
        let counting = self.counting.clone();
        for share in self.finished().await? {
            for feature in share.features {
                for (samples, values) in samples.iter_mut().zip(feature.samples) {
                    samples.columns.insert(feature.name.clone(), values);
                }
                if let Some(entry) = by_place.get_mut(feature.place) {
                    *entry = Some(feature.slots);
                }
            }
            for (place, measures) in share.rules {
                if let Some(entry) = by_rule.get_mut(place) {
                    *entry = measures;
                }
            }
            if counting.joint.counts_complete_rows() {
                for (slot, found) in worked.iter_mut().zip(share.complete) {
                    add(slot.window.complete.get_or_insert_default(), found);
                }
            }
            if let Some(keys) = share.keys {
                let slots = worked.iter_mut().zip(&keys.slots);
                slots.for_each(|(slot, keys)| slot.window.keys = Some(keys.close()));
                for (slot, entities) in worked.iter_mut().zip(keys.entities()) {
                    slot.window.entities = Some(entities);
                }
            }
            let slots = worked.iter_mut().zip(&mut samples);
            for ((slot, sample), events) in slots.zip(share.events.into_iter().flatten()) {
                slot.events = events.all.close(TIME_POINTS);
                sample.times = events.sampled;
            }
        }
        let summaries: Vec<_> = samples
            .into_iter()
            .map(|sample| {
                let counting = counting.clone();
                tokio::task::spawn_blocking(move || counting.joint.summarise(sample))
            })
            .collect();
        for (slot, summary) in worked.iter_mut().zip(summaries) {
            let summary = summary.await;
            let together = summary.map_err(|error| PullError::Worker(error.to_string()))?;
            slot.window.associations = together.associations;
            slot.window.missingness = together.missingness;
            slot.window.performance = together.performance;
            slot.window.segments = together.segments;
            slot.segments = together.times;
        }
        let beside = by_place.split_off(layout.features.len());
        for finished in beside.into_iter().flatten() {
            for (slot, column) in worked.iter_mut().zip(finished) {
                slot.beside.push(column.value);
            }
        }
        for finished in by_place.into_iter().flatten() {
            for (slot, value) in worked.iter_mut().zip(finished) {
                slot.features.push(value);
            }
        }
        for measures in by_rule {
            for (slot, measure) in worked.iter_mut().zip(measures) {
                slot.rules.push(measure);
            }
        }
        Ok(worked)
    }
}

/// Adds what one worker found of some rows to what others found of them, or of other rows.
fn add(sum: &mut CompleteRows, found: CompleteRows) {
    sum.rows += found.rows;
    sum.columns += found.columns;
    sum.complete += found.complete;
    sum.filled += found.filled;
}

/// The event times of one slot.
#[derive(Clone, Default)]
struct EventTimes {
    all: TimeSample,
    /// Those of the sampled rows; none where no row is sampled.
    sampled: Vec<Option<i64>>,
}

impl EventTimes {
    fn update(&mut self, times: &Times, choice: Option<&Choice>) {
        self.all.update(times.iter());
        if let Some(choice) = choice {
            choice.apply(&mut self.sampled, |row| times.get(row));
        }
    }
}

/// The entity keys, one sample a slot.
struct OwnedKeys {
    reader: KeyReader,
    slots: Vec<KeySample>,
    /// Which entities have which features, one sample a slot; none where it is not asked what is complete.
    entities: Vec<EntitySample>,
    /// The features that an entity is complete with.
    features: Vec<FeatureColumn>,
}

impl OwnedKeys {
    fn new(reader: KeyReader, layout: &Layout, request: &Request) -> Self {
        let slots = request.slots.get();
        let asked = request.counting.joint.counts_complete_rows();
        let features = layout.features.iter();
        let features = features.filter(|column| request.counting.of(column).is_some());
        Self {
            reader,
            slots: vec![KeySample::default(); slots],
            entities: vec![EntitySample::default(); if asked { slots } else { 0 }],
            features: features.cloned().collect(),
        }
    }

    fn update(&mut self, part: &Part) -> Result<(), PullError> {
        let sample = &mut self.slots[part.slot];
        let gaps = match self.entities.get_mut(part.slot) {
            Some(entities) => Some((entities, gaps(&self.features, &part.batch)?)),
            None => None,
        };
        let read = match gaps {
            None => self.reader.read(&part.batch, |key| sample.insert(key)),
            Some((entities, gaps)) => {
                let mut row = 0;
                self.reader.read(&part.batch, |key| {
                    sample.insert(key);
                    if let Some(key) = key {
                        entities.insert(key, gaps.row(row));
                    }
                    row += 1;
                })
            }
        };
        read.map_err(|source| PullError::Column {
            column: self.reader.name(),
            source,
        })
    }

    /// What is known of the entities of each slot.
    fn entities(&self) -> impl Iterator<Item = CompleteEntities> + '_ {
        let columns = self.features.len() as u64;
        self.entities
            .iter()
            .map(move |sample| sample.close(columns))
    }
}

/// Which features each row of a batch misses.
fn gaps(features: &[FeatureColumn], batch: &RecordBatch) -> Result<RowGaps, PullError> {
    let rows = batch.num_rows();
    let mut gaps = RowGaps::new(rows, features.len());
    for (place, feature) in features.iter().enumerate() {
        let failed = |source| PullError::Column {
            column: feature.name.clone(),
            source,
        };
        if let Some(nulls) = nulls(feature, batch).map_err(failed)? {
            gaps.add(place, &validity(Some(&nulls), rows).map_err(failed)?);
        }
    }
    Ok(gaps)
}

/// One feature's profiles, one a slot.
struct Owned {
    place: usize,
    column: FeatureColumn,
    reader: Reader,
    slots: Vec<(FeatureProfile, Option<i64>)>,
    /// Whether rows without it are not complete: a feature of the baseline, of its kind.
    counts: bool,
    /// One entry a slot; none where the feature is not sampled.
    samples: Vec<RowSample>,
}

impl Owned {
    fn new(place: usize, column: &FeatureColumn, request: &Request) -> Self {
        // Bins of the other kind mean that the type changed: the column is profiled as what it is
        // now, without bins, and the schema check says what happened.
        let counting = request.counting.of(column);
        let profile = FeatureProfile::new(column.kind, counting.map(|c| c.bins.clone()));
        let profile = match counting.and_then(|counting| counting.acceptable.as_ref()) {
            Some(acceptable) => profile.accepting(acceptable),
            None => profile,
        };
        let profile = match counting.and_then(|counting| counting.fences) {
            Some(fences) => profile.fenced(fences),
            None => profile,
        };
        let profile = match request.counting.names {
            true => profile.remembering(),
            false => profile,
        };
        let profile = match column.imputed {
            ImputedFlag::None => profile,
            ImputedFlag::Unusable => profile.flagged(false),
            ImputedFlag::At(_) => profile.flagged(true),
        };
        Self {
            place,
            column: column.clone(),
            reader: Reader::default(),
            counts: counting.is_some(),
            slots: (0..request.slots.get())
                .map(|_| (profile.clone(), None))
                .collect(),
            samples: match request.counting.joint.samples(column) {
                true => vec![RowSample::new(column.kind); request.slots.get()],
                false => Vec::new(),
            },
        }
    }

    fn update(&mut self, part: &Part, gaps: Option<&mut Gaps>) -> Result<(), PullError> {
        let mut gaps = gaps.filter(|_| self.counts);
        let (profile, newest) = &mut self.slots[part.slot];
        let failed = |source| PullError::Column {
            column: self.column.name.clone(),
            source,
        };
        let flags = match self.column.imputed {
            ImputedFlag::At(index) => Some(Flags::new(part.batch.column(index)).map_err(failed)?),
            ImputedFlag::None | ImputedFlag::Unusable => None,
        };
        let mut sample = self.samples.get_mut(part.slot).zip(part.choice.as_ref());
        let update = |column: &Column<'_>| {
            profile.update(column)?;
            if let Some(flags) = &flags {
                profile.flag(column, |row| flags.is_set(row));
            }
            if let Some((values, choice)) = &mut sample {
                profile.pick(column, choice, values);
            }
            if let Some(gaps) = &mut gaps {
                gaps.add(column.validity());
            }
            Ok(())
        };
        self.reader
            .read(&self.column, &part.batch, update)
            .map_err(failed)?
            .map_err(|mismatch: ColumnError| PullError::Worker(mismatch.to_string()))?;
        // A scan is needed only where the batch could hold something newer than what was seen.
        if part.newest_event > *newest
            && let Some(times) = &part.times
        {
            let column = part.batch.column(self.column.index);
            *newest = (*newest).max(times.newest_where_valid(column));
        }
        Ok(())
    }

    fn finish<T>(self, finish: fn(FeatureProfile) -> T) -> FinishedFeature<T> {
        let slots = self
            .slots
            .into_iter()
            .map(|(profile, newest_event)| Finished {
                value: finish(profile),
                newest_event,
            })
            .collect();
        FinishedFeature {
            place: self.place,
            name: self.column.name,
            slots,
            samples: self.samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Float64Array, Int64Array};
    use arrow::datatypes::{Field, Schema};
    use stats::{FrozenFeature, Kind, Validity};

    use super::*;
    use crate::joint::Asked;

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

        let mut profile = FeatureProfile::new(Kind::Numeric, None);
        let two = Column::Numeric {
            values: &[1.0, 2.0],
            validity: Validity::all(2),
        };
        profile.update(&two).unwrap();
        let bins = Arc::new(profile.freeze_bins());
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
