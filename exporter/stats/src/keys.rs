//! How many rows of a window have the key of another row, in one pass and bounded memory.
//!
//! Keys are sampled by a threshold of their hash, all rows of a sampled key with it: the counts of the sampled keys are exact,
//! and where there are no more than [`CAP`] keys so is the result (Gibbons, "Distinct Sampling for Highly-Accurate Answers
//! to Distinct Values Queries and Event Reports", VLDB 2001). A sketch of the number of keys could not tell a hundredth of
//! duplicates from its own error.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::hash;

/// Most keys that are kept.
pub const CAP: usize = 1 << 16;

/// Keys of a window while its rows arrive: at most about 2 MB. Merging gives the same in any order.
#[derive(Debug, Clone)]
pub struct KeySample {
    rows: u64,
    nulls: u64,
    /// Hashes up to this are kept.
    limit: u64,
    counts: HashMap<u64, u64>,
}

impl Default for KeySample {
    fn default() -> Self {
        KeySample {
            rows: 0,
            nulls: 0,
            limit: u64::MAX,
            counts: HashMap::new(),
        }
    }
}

impl KeySample {
    /// Takes in one row by the bytes of its key; `None` where a part of the key is null.
    pub fn insert(&mut self, key: Option<&[u8]>) {
        self.rows += 1;
        let Some(key) = key else {
            self.nulls += 1;
            return;
        };
        let hash = hash::bytes(key);
        if hash <= self.limit {
            *self.counts.entry(hash).or_default() += 1;
            self.shrink();
        }
    }

    /// Takes in another sample, as if its rows had come here.
    pub fn merge(&mut self, other: KeySample) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.limit = self.limit.min(other.limit);
        for (hash, count) in other.counts {
            *self.counts.entry(hash).or_default() += count;
        }
        let limit = self.limit;
        self.counts.retain(|hash, _| *hash <= limit);
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.counts.len() > CAP {
            self.limit /= 2;
            let limit = self.limit;
            self.counts.retain(|hash, _| *hash <= limit);
        }
    }

    /// The counts.
    pub fn close(&self) -> Keys {
        Keys {
            rows: self.rows,
            nulls: self.nulls,
            sampled_rows: self.counts.values().sum(),
            sampled_keys: self.counts.len() as u64,
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
            let bytes = key.map(u32::to_be_bytes);
            sample.insert(bytes.as_ref().map(<[u8; 4]>::as_slice));
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
