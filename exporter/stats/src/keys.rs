//! How many rows of a window have the key of another row, in one pass and bounded memory.
//!
//! Keys are sampled by a threshold of their hash, all rows of a sampled key with it: the counts of the sampled keys are exact,
//! and where there are no more than [`CAP`] keys so is the result (Gibbons, "Distinct Sampling for Highly-Accurate Answers
//! to Distinct Values Queries and Event Reports", VLDB 2001). A sketch of the number of keys could not tell a hundredth of
//! duplicates from its own error.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::hash;

/// Most keys that are kept.
pub const CAP: usize = 1 << 16;

/// The hash of a row's key, by which it is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(u64);

impl KeyHash {
    /// That of the bytes of a key: equal bytes for equal keys.
    pub fn of(key: &[u8]) -> Self {
        KeyHash(hash::bytes(key))
    }
}

/// A value of each sampled key: of all keys, while they are at most so many as `MOST`.
#[derive(Debug, Clone)]
pub(crate) struct ByKey<V, const MOST: usize> {
    /// Hashes up to this are kept.
    limit: u64,
    /// Hashed once more only to find their place, as cheaply as may be.
    values: FxHashMap<u64, V>,
}

impl<V, const MOST: usize> Default for ByKey<V, MOST> {
    fn default() -> Self {
        ByKey {
            limit: u64::MAX,
            values: FxHashMap::default(),
        }
    }
}

impl<V, const MOST: usize> ByKey<V, MOST> {
    /// Whether a key is sampled; one that is not never is again.
    pub(crate) fn samples(&self, KeyHash(hash): KeyHash) -> bool {
        hash <= self.limit
    }

    /// Takes in one more row of a key: its first one with `first`, a later one with `more`; none of a key that is not sampled.
    pub(crate) fn update(
        &mut self,
        key: KeyHash,
        first: impl FnOnce() -> V,
        more: impl FnOnce(&mut V),
    ) {
        if !self.samples(key) {
            return;
        }
        match self.values.entry(key.0) {
            Entry::Occupied(mut known) => more(known.get_mut()),
            Entry::Vacant(place) => {
                place.insert(first());
                self.shrink();
            }
        }
    }

    /// What is known of the sampled keys.
    pub(crate) fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.values.values()
    }

    fn shrink(&mut self) {
        while self.values.len() > MOST {
            self.keep(self.limit / 2);
        }
    }

    /// Keeps the keys whose hash is at most this.
    fn keep(&mut self, limit: u64) {
        self.limit = limit;
        self.values.retain(|hash, _| *hash <= limit);
    }
}

/// Keys of a window while its rows arrive: at most about 2 MB. Merging gives the same in any order.
#[derive(Debug, Clone, Default)]
pub struct KeySample {
    rows: u64,
    nulls: u64,
    /// How many rows each key has.
    counts: ByKey<u64, CAP>,
}

impl KeySample {
    /// Takes in one row by its key; `None` where a part of the key is null.
    pub fn insert(&mut self, key: Option<KeyHash>) {
        self.rows += 1;
        match key {
            Some(key) => self.counts.update(key, || 1, |count| *count += 1),
            None => self.nulls += 1,
        }
    }

    /// Takes in another sample, as if its rows had come here.
    pub fn merge(&mut self, other: KeySample) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.counts.keep(self.counts.limit.min(other.counts.limit));
        for (hash, count) in other.counts.values {
            self.counts
                .update(KeyHash(hash), || count, |own| *own += count);
        }
    }

    /// The counts.
    pub fn close(&self) -> Keys {
        Keys {
            rows: self.rows,
            nulls: self.nulls,
            sampled_rows: self.counts.values().sum(),
            sampled_keys: self.counts.values().len() as u64,
        }
    }
}

/// The keys of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Rows of the window.
    pub rows: u64,
    /// Rows in which a part of the key is null.
    pub nulls: u64,
    /// Rows with one of the sampled keys.
    pub sampled_rows: u64,
    /// Keys that were sampled: all, while they are at most [`CAP`].
    pub sampled_keys: u64,
}

impl Keys {
    /// Sampled rows beyond the first of each key.
    pub fn duplicates(&self) -> u64 {
        self.sampled_rows.saturating_sub(self.sampled_keys)
    }

    /// Share of the rows with a key that another row before them has; `None` without a row with a key.
    pub fn duplicate_share(&self) -> Option<f64> {
        (self.sampled_rows > 0).then(|| self.duplicates() as f64 / self.sampled_rows as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(keys: &[Option<u32>]) -> KeySample {
        let mut sample = KeySample::default();
        for key in keys {
            sample.insert(key.map(|key| KeyHash::of(&key.to_be_bytes())));
        }
        sample
    }

    proptest! {
        #[test]
        fn few_keys_are_counted_exactly_in_whatever_parts(keys in prop::collection::vec(prop::option::weighted(0.9, 0u32..300), 0..600), cut in 0usize..600) {
            let (first, second) = keys.split_at(cut.min(keys.len()));
            let mut merged = sample(second);
            merged.merge(sample(first));
            let distinct: std::collections::BTreeSet<u32> = keys.iter().flatten().copied().collect();
            let filled = keys.iter().flatten().count() as u64;
            let expected = Keys { rows: keys.len() as u64, nulls: keys.len() as u64 - filled, sampled_rows: filled, sampled_keys: distinct.len() as u64 };
            prop_assert_eq!(merged.close(), expected);
            prop_assert_eq!(sample(&keys).close(), expected);
        }
    }

    /// Of 400,000 keys one in fifty occurs twice: 8,000 of 408,000 rows are duplicates.
    #[test]
    fn many_keys_are_sampled_and_their_share_is_found() {
        let keys: Vec<Option<u32>> = (0..400_000).chain(0..8_000).map(Some).collect();
        let (first, second) = keys.split_at(123_456);
        let whole = sample(&keys).close();
        assert!(
            whole.sampled_keys as usize <= CAP && whole.sampled_keys as usize > CAP / 3,
            "{whole:?}"
        );
        // Binomial: the standard error on 50,000 keys is 0.0006.
        let found = whole.duplicate_share().unwrap();
        assert!((found - 8.0 / 408.0).abs() < 0.0025, "{found}");
        let (mut a, mut b) = (sample(first), sample(second));
        a.merge(sample(second));
        b.merge(sample(first));
        assert_eq!((a.close(), b.close()), (whole, whole));
    }

    #[test]
    fn without_a_key_there_is_no_share() {
        assert_eq!(sample(&[]).close().duplicate_share(), None);
        assert_eq!(sample(&[None, None]).close().duplicate_share(), None);
        assert_eq!(
            sample(&[Some(1), None, Some(1)]).close().duplicate_share(),
            Some(0.5)
        );
    }
}
