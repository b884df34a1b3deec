//! The threads that own the profiles, each with its share of the columns and of the rules, and one of them with the keys and the
//! event times. Columns that are no features are profiled as features behind all others.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use stats::{CompleteRows, FeatureProfile, TIME_POINTS};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::owned::{FinishedColumn, OwnedColumn, OwnedKeys, OwnedTimes};
use super::{Part, PullError, Request, Slot, WindowCounting};
use crate::columns::Layout;
use crate::complete;
use crate::joint::Sample;
use crate::rules::{Measure, Measuring};

/// Batches waiting for one worker.
const ROUTED_BATCHES: usize = 1;

/// All workers of one pull.
pub(super) struct Workers<T> {
    inputs: Vec<mpsc::Sender<Arc<Part>>>,
    running: Vec<JoinHandle<Result<Share<T>, PullError>>>,
    counting: Arc<WindowCounting>,
}

/// One of them, with what it owns.
struct Worker {
    columns: Vec<OwnedColumn>,
    keys: Option<OwnedKeys>,
    events: Option<OwnedTimes>,
    /// What it found of complete rows, one entry a slot, with the columns that it looks at.
    complete: Vec<CompleteRows>,
    rules: Measuring,
}

/// What became of what a worker owned.
struct Share<T> {
    columns: Vec<FinishedColumn<T>>,
    keys: Option<OwnedKeys>,
    events: Option<OwnedTimes>,
    complete: Vec<CompleteRows>,
    /// Per rule: its place in the request, and what was found in each slot.
    rules: Vec<(usize, Vec<Measure>)>,
}

impl<T: Send + 'static> Workers<T> {
    pub(super) fn start(
        schema: &SchemaRef,
        entity_keys: &[String],
        layout: &Layout,
        request: &Request,
        finish: fn(FeatureProfile) -> T,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let count = cores.clamp(1, layout.columns().count().max(1));
        let slots = request.slots.get();
        // The keys of a baseline's windows are counted with its bins, and its event times too.
        let counted = !request.counting.features.is_empty();
        let (mut inputs, mut running) = (Vec::new(), Vec::new());
        for place in 0..count {
            let own = layout.columns().enumerate().skip(place).step_by(count);
            let columns: Vec<OwnedColumn> = own
                .map(|(place, column)| OwnedColumn::new(place, column, layout, request))
                .collect();
            let complete = CompleteRows {
                columns: columns.iter().filter(|column| column.counts()).count() as u64,
                ..CompleteRows::default()
            };
            // The last worker has the fewest columns.
            let more = counted && place + 1 == count;
            let keys = layout.keys.as_ref().filter(|_| more);
            let events = layout.event_time.filter(|_| more);
            let mut worker = Worker {
                columns,
                keys: keys.map(|keys| OwnedKeys::new(keys.clone(), layout, request)),
                events: events.map(|_| OwnedTimes::new(slots)),
                complete: vec![complete; slots],
                rules: Measuring::new(
                    &request.rules,
                    |rule| rule % count == place,
                    schema,
                    entity_keys,
                    slots,
                ),
            };
            let (input, mut parts) = mpsc::channel::<Arc<Part>>(ROUTED_BATCHES);
            inputs.push(input);
            running.push(tokio::task::spawn_blocking(move || {
                while let Some(part) = parts.blocking_recv() {
                    worker.update(&part)?;
                }
                Ok(worker.finish(finish))
            }));
        }
        Self {
            inputs,
            running,
            counting: request.counting.clone(),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.inputs.len()
    }

    /// Gives a part to every worker; false when one has ended.
    pub(super) async fn send(&self, part: Part) -> bool {
        let part = Arc::new(part);
        for input in &self.inputs {
            if input.send(part.clone()).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Why a worker ended before its input did.
    pub(super) async fn failure(self) -> PullError {
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

    /// Waits for all workers, and gives each slot what they made of it: features, other columns and rules in their order.
    pub(super) async fn finish(
        self,
        slots: &mut [Slot<T>],
        layout: &Layout,
    ) -> Result<(), PullError> {
        let counting = self.counting.clone();
        let mut samples = vec![Sample::default(); slots.len()];
        let (mut columns, mut rules) = (Vec::new(), Vec::new());
        for share in self.finished().await? {
            columns.extend(share.columns);
            rules.extend(share.rules);
            if counting.joint.counts_complete_rows() {
                for (slot, found) in slots.iter_mut().zip(share.complete) {
                    complete::add(slot.window.complete.get_or_insert_default(), found);
                }
            }
            for (slot, found) in slots
                .iter_mut()
                .zip(share.keys.iter().flat_map(OwnedKeys::close))
            {
                (slot.window.keys, slot.window.entities) = (Some(found.0), found.1);
            }
            let events = share.events.into_iter().flat_map(OwnedTimes::into_slots);
            for ((slot, sample), (all, sampled)) in slots.iter_mut().zip(&mut samples).zip(events) {
                slot.events = all.close(TIME_POINTS);
                sample.times = sampled;
            }
        }
        columns.sort_unstable_by_key(|column| column.place);
        rules.sort_unstable_by_key(|(place, _)| *place);
        for column in columns {
            for (sample, values) in samples.iter_mut().zip(column.samples) {
                sample.columns.insert(column.name.clone(), values);
            }
            for (slot, finished) in slots.iter_mut().zip(column.slots) {
                match column.place < layout.features.len() {
                    true => slot.features.push(finished),
                    false => slot.beside.push(finished.value),
                }
            }
        }
        for (_, measures) in rules {
            for (slot, measure) in slots.iter_mut().zip(measures) {
                slot.rules.push(measure);
            }
        }
        let summaries: Vec<_> = samples
            .into_iter()
            .map(|sample| {
                let counting = counting.clone();
                tokio::task::spawn_blocking(move || counting.joint.summarise(sample))
            })
            .collect();
        for (slot, summary) in slots.iter_mut().zip(summaries) {
            let summary = summary.await;
            let together = summary.map_err(|error| PullError::Worker(error.to_string()))?;
            slot.window.associations = together.associations;
            slot.window.missingness = together.missingness;
            slot.window.performance = together.performance;
            slot.window.segments = together.segments;
            slot.segments = together.times;
        }
        Ok(())
    }
}

impl Worker {
    fn update(&mut self, part: &Part) -> Result<(), PullError> {
        let mut gaps = part.gaps.as_ref().map(|shared| (shared, shared.own()));
        for column in &mut self.columns {
            column.update(part, gaps.as_mut().map(|(_, own)| own))?;
        }
        if let Some((shared, own)) = gaps {
            complete::add(&mut self.complete[part.slot], shared.settle(&own));
        }
        if let Some(keys) = &mut self.keys {
            keys.update(part)?;
        }
        if let Some(events) = &mut self.events {
            events.update(part);
        }
        let measured = self.rules.update(part.slot, &part.batch);
        measured.map_err(PullError::Rules)
    }

    fn finish<T>(self, finish: fn(FeatureProfile) -> T) -> Share<T> {
        let columns = self.columns.into_iter();
        Share {
            columns: columns.map(|column| column.finish(finish)).collect(),
            keys: self.keys,
            events: self.events,
            complete: self.complete,
            rules: self.rules.finish(),
        }
    }
}
