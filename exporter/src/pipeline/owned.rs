//! What a worker owns, one entry a slot: the profiles of a column, the entity keys, the event times.

use stats::{
    Column, ColumnError, CompleteEntities, EntitySample, FeatureProfile, Gaps, KeyHash, KeySample,
    Keys, RowGaps, RowSample, TimeSample,
};

use super::{Finished, Part, PullError, Request};
use crate::columns::{
    FeatureColumn, Flags, ImputedFlag, KeyReader, Layout, Reader, nulls, validity,
};

/// One column's profiles.
pub(super) struct OwnedColumn {
    place: usize,
    column: FeatureColumn,
    reader: Reader,
    slots: Vec<(FeatureProfile, Option<i64>)>,
    /// Whether rows without it are not complete: a feature of the baseline, of its kind.
    counts: bool,
    /// One entry a slot; none where the column is not sampled.
    samples: Vec<RowSample>,
}

/// What became of one column.
pub(super) struct FinishedColumn<T> {
    /// Its place in the layout.
    pub(super) place: usize,
    pub(super) name: String,
    /// One entry a slot.
    pub(super) slots: Vec<Finished<T>>,
    /// Its values in the sampled rows of each slot; none where it is not sampled.
    pub(super) samples: Vec<RowSample>,
}

impl OwnedColumn {
    pub(super) fn new(
        place: usize,
        column: &FeatureColumn,
        layout: &Layout,
        request: &Request,
    ) -> Self {
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
            counts: counting.is_some() && place < layout.features.len(),
            slots: vec![(profile, None); request.slots.get()],
            samples: match request.counting.joint.samples(column) {
                true => vec![RowSample::new(column.kind); request.slots.get()],
                false => Vec::new(),
            },
        }
    }

    /// Whether rows without it are not complete.
    pub(super) fn counts(&self) -> bool {
        self.counts
    }

    /// Takes in its values of one slot, and the rows that miss it into `gaps`.
    pub(super) fn update(&mut self, part: &Part, gaps: Option<&mut Gaps>) -> Result<(), PullError> {
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

    pub(super) fn finish<T>(self, finish: fn(FeatureProfile) -> T) -> FinishedColumn<T> {
        let slots = self
            .slots
            .into_iter()
            .map(|(profile, newest_event)| Finished {
                value: finish(profile),
                newest_event,
            })
            .collect();
        FinishedColumn {
            place: self.place,
            name: self.column.name,
            slots,
            samples: self.samples,
        }
    }
}

/// The entity keys.
pub(super) struct OwnedKeys {
    reader: KeyReader,
    slots: Vec<SlotKeys>,
    /// The features that an entity is complete with.
    features: Vec<FeatureColumn>,
    /// The hashes of the batch that is looked at, a row each; nothing where a part of the key is null.
    hashes: Vec<Option<KeyHash>>,
}

/// The keys of one slot.
#[derive(Clone, Default)]
struct SlotKeys {
    keys: KeySample,
    /// Which entities have which features; nothing where it is not asked what is complete.
    entities: Option<EntitySample>,
}

impl OwnedKeys {
    pub(super) fn new(reader: KeyReader, layout: &Layout, request: &Request) -> Self {
        let asked = request.counting.joint.counts_complete_rows();
        let features = layout.features.iter();
        let features = features.filter(|column| request.counting.of(column).is_some());
        let slot = SlotKeys {
            keys: KeySample::default(),
            entities: asked.then(EntitySample::default),
        };
        Self {
            reader,
            slots: vec![slot; request.slots.get()],
            features: features.cloned().collect(),
            hashes: Vec::new(),
        }
    }

    /// Takes in the keys of one slot, each hashed once.
    pub(super) fn update(&mut self, part: &Part) -> Result<(), PullError> {
        let hashes = &mut self.hashes;
        hashes.clear();
        self.reader
            .read(&part.batch, |key| hashes.push(key.map(KeyHash::of)))
            .map_err(|source| PullError::Column {
                column: self.reader.name(),
                source,
            })?;
        let slot = &mut self.slots[part.slot];
        hashes.iter().for_each(|key| slot.keys.insert(*key));
        let Some(entities) = &mut slot.entities else {
            return Ok(());
        };
        // Of all other rows it does not matter what they miss.
        let sampled = |row: usize| {
            let key = hashes.get(row).copied().flatten();
            key.is_some_and(|key| entities.samples(key))
        };
        let mut gaps = RowGaps::new(hashes.len(), self.features.len(), sampled);
        for (place, feature) in self.features.iter().enumerate() {
            let failed = |source| PullError::Column {
                column: feature.name.clone(),
                source,
            };
            if let Some(nulls) = nulls(feature, &part.batch).map_err(failed)? {
                let validity = validity(Some(&nulls), hashes.len()).map_err(failed)?;
                gaps.add(place, &validity);
            }
        }
        for (row, key) in hashes.iter().enumerate() {
            if let Some(key) = key {
                entities.insert(*key, gaps.row(row));
            }
        }
        Ok(())
    }

    /// The keys of each slot, and what is known of their entities.
    pub(super) fn close(&self) -> impl Iterator<Item = (Keys, Option<CompleteEntities>)> + '_ {
        let columns = self.features.len() as u64;
        self.slots.iter().map(move |slot| {
            let entities = slot.entities.as_ref();
            (
                slot.keys.close(),
                entities.map(|entities| entities.close(columns)),
            )
        })
    }
}

/// The event times.
pub(super) struct OwnedTimes {
    /// All of a slot, and those of its sampled rows; none where no row is sampled.
    slots: Vec<(TimeSample, Vec<Option<i64>>)>,
}

impl OwnedTimes {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots: vec![(TimeSample::default(), Vec::new()); slots],
        }
    }

    /// Takes in the times of one slot.
    pub(super) fn update(&mut self, part: &Part) {
        let Some(times) = &part.times else { return };
        let (all, sampled) = &mut self.slots[part.slot];
        all.update(times.iter());
        if let Some(choice) = &part.choice {
            choice.apply(sampled, |row| times.get(row));
        }
    }

    /// All times of each slot, and those of its sampled rows.
    pub(super) fn into_slots(self) -> Vec<(TimeSample, Vec<Option<i64>>)> {
        self.slots
    }
}
