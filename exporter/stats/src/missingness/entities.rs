//! How many entities of a window are complete: those of which each column is filled in at least one of their rows.
//!
//! An entity may have several rows, of which each may miss what another one has. Entities are sampled by a threshold of the hash
//! of their key, all their rows with them, as in [`KeySample`](crate::KeySample) (Gibbons, "Distinct Sampling for Highly-Accurate
//! Answers to Distinct Values Queries and Event Reports", VLDB 2001): of a sampled entity it is known exactly, and the share is
//! exact where there are no more than [`CAP`] entities.

use serde::{Deserialize, Serialize};

use super::indicator::ones;
use crate::column::Validity;
use crate::keys::{ByKey, KeyHash};

/// The most entities that are kept: with the bits of 1,000 columns 2 MB. Of 8,192 a share has a standard error of at most 0.0055.
pub const CAP: usize = 1 << 14;

/// The columns that each row of a batch misses, of those rows that are asked for.
#[derive(Debug, Clone)]
pub struct RowGaps {
    /// Words a row: column `64·w + i` at bit `i` of word `w`.
    width: usize,
    /// Row by row; empty while no row misses anything.
    words: Vec<u64>,
    rows: usize,
    /// The rows that are asked for: row `64·w + i` at bit `i` of word `w`.
    asked: Vec<u64>,
}

impl RowGaps {
    /// Of a batch with so many rows and columns, before any column, and whether a row is asked for.
    pub fn new(rows: usize, columns: usize, asked: impl Fn(usize) -> bool) -> Self {
        let word = |block: usize| {
            let rows = 64 * block..rows.min(64 * block + 64);
            rows.fold(0, |word, row| word | u64::from(asked(row)) << (row % 64))
        };
        RowGaps {
            width: columns.div_ceil(64),
            words: Vec::new(),
            rows,
            asked: (0..rows.div_ceil(64)).map(word).collect(),
        }
    }

    /// Takes in a column of these rows; a row beyond its end is missing, and a column beyond those that were announced is left out.
    pub fn add(&mut self, column: usize, validity: &Validity<'_>) {
        let misses_nothing = validity.is_all() && validity.len() >= self.rows;
        if misses_nothing || column / 64 >= self.width {
            return;
        }
        for (block, asked) in self.asked.iter().enumerate() {
            let missing = !validity.word(block) & asked;
            if missing == 0 {
                continue;
            }
            self.words.resize(self.rows * self.width, 0);
            for bit in ones(missing) {
                let row = 64 * block + bit;
                self.words[row * self.width + column / 64] |= 1 << (column % 64);
            }
        }
    }

    /// The columns that a row misses; nothing of a row that misses none, or is not asked for.
    pub fn row(&self, row: usize) -> &[u64] {
        let words = row * self.width..(row + 1) * self.width;
        let words = self.words.get(words).unwrap_or_default();
        match words.iter().all(|word| *word == 0) {
            true => &[],
            false => words,
        }
    }
}

/// Entities of a window while its rows arrive.
#[derive(Debug, Clone, Default)]
pub struct EntitySample {
    /// The columns that no row of an entity has so far; nothing of one that is complete.
    missing: ByKey<Box<[u64]>, CAP>,
}

impl EntitySample {
    /// Whether rows of this key are taken in; of one that is not, none ever is again.
    pub fn samples(&self, key: KeyHash) -> bool {
        self.missing.samples(key)
    }

    /// Takes in one row by its key and the columns that it misses, as [`RowGaps::row`] has them.
    pub fn insert(&mut self, key: KeyHash, missing: &[u64]) {
        let more = |known: &mut Box<[u64]>| {
            let own = missing.iter().copied().chain(std::iter::repeat(0));
            known.iter_mut().zip(own).for_each(|(all, own)| *all &= own);
            if known.iter().all(|word| *word == 0) {
                *known = Box::default();
            }
        };
        self.missing.update(key, || missing.into(), more);
    }

    /// The counts, with so many columns looked at.
    pub fn close(&self, columns: u64) -> CompleteEntities {
        let entities = self.missing.values();
        CompleteEntities {
            sampled: entities.len() as u64,
            complete: entities.filter(|missing| missing.is_empty()).count() as u64,
            columns,
        }
    }
}

/// How many entities of a window are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteEntities {
    /// Entities that were sampled: all, while they are at most [`CAP`].
    pub sampled: u64,
    /// Those of them of which each column is filled in some row.
    pub complete: u64,
    /// Columns that were looked at.
    pub columns: u64,
}

impl CompleteEntities {
    /// Adds up several windows, in any order; an entity counts in each that has it. `None` without a window, and where they have
    /// different numbers of columns.
    pub fn pool(windows: impl IntoIterator<Item = CompleteEntities>) -> Option<Self> {
        let mut windows = windows.into_iter();
        let mut sum = windows.next()?;
        for window in windows {
            if window.columns != sum.columns {
                return None;
            }
            sum.sampled += window.sampled;
            sum.complete += window.complete;
        }
        Some(sum)
    }

    /// Share of the entities that are complete; `None` without an entity or a column.
    pub fn share(&self) -> Option<f64> {
        (self.sampled > 0 && self.columns > 0).then(|| self.complete as f64 / self.sampled as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::missingness::Gaps;

    /// Rows of a key and the columns that they miss, in batches of so many rows.
    fn sample(rows: &[(u32, Vec<usize>)], columns: usize, batch: usize) -> EntitySample {
        let mut sample = EntitySample::default();
        for rows in rows.chunks(batch) {
            let hash = |key: &u32| KeyHash::of(&key.to_be_bytes());
            let asked = |row: usize| sample.samples(hash(&rows[row].0));
            let mut gaps = RowGaps::new(rows.len(), columns, asked);
            for column in 0..columns {
                let mut bits = vec![0u8; rows.len().div_ceil(8)];
                let there = rows.iter().enumerate();
                let there = there.filter(|(_, (_, missing))| !missing.contains(&column));
                there.for_each(|(row, _)| bits[row / 8] |= 1 << (row % 8));
                gaps.add(column, &Validity::bitmap(&bits, 0, rows.len()).unwrap());
            }
            for (row, (key, _)) in rows.iter().enumerate() {
                sample.insert(hash(key), gaps.row(row));
            }
        }
        sample
    }

    /// What is asked for does not hang on what is asked for besides.
    #[test]
    fn rows_that_are_not_asked_for_are_not_looked_at() {
        let bits = [0b0110_1011u8, 0, 0, 0, 0, 0, 0, 0, 0b10];
        let gaps = |asked: fn(usize) -> bool| {
            let mut gaps = RowGaps::new(66, 65, asked);
            for column in [0, 64] {
                gaps.add(column, &Validity::bitmap(&bits, 0, 66).unwrap());
            }
            gaps
        };
        let (all, some) = (gaps(|_| true), gaps(|row| row % 3 == 1));
        for row in 0..66 {
            let missing = bits[row / 8] >> (row % 8) & 1 == 0;
            let words: &[u64] = if missing { &[1, 1] } else { &[] };
            assert_eq!(all.row(row), words, "{row}");
            let asked = if row % 3 == 1 { words } else { &[] };
            assert_eq!(some.row(row), asked, "{row}");
        }
        assert_eq!(gaps(|_| false).row(2), &[] as &[u64]);
    }

    /// As in [`Gaps`], whether it has a bitmap or not.
    #[test]
    fn a_row_beyond_the_end_of_a_column_is_missing() {
        let all = [0xff_u8; 9];
        for short in [Validity::all(65), Validity::bitmap(&all, 0, 65).unwrap()] {
            let (mut gaps, mut rows) = (Gaps::new(66), RowGaps::new(66, 2, |_| true));
            gaps.add(&short);
            rows.add(1, &short);
            assert_eq!(gaps.words(), [0, 0b10]);
            assert_eq!((rows.row(64), rows.row(65)), (&[][..], &[0b10][..]));
        }
    }

    /// By hand, as pandas says: `frame.groupby("id").agg("last").notna().all(axis=1)`, of which the last value that is there is.
    #[test]
    fn entities_by_hand() {
        let rows = [
            (1, vec![0]),  // 1 has column 0 in its other row, and column 70 in this one.
            (2, vec![70]), // 2 never has column 70.
            (1, vec![70]),
            (3, vec![]), // 3 has all in one row, and nothing in the other.
            (2, vec![0, 70]),
            (3, (0..71).collect()),
            (4, vec![70]), // 4 has one row.
        ];
        for batch in [1, 2, 7] {
            let found = sample(&rows, 71, batch).close(71);
            assert_eq!((found.sampled, found.complete), (4, 2), "{batch}");
            assert_eq!(found.share(), Some(0.5));
        }
        let nothing = EntitySample::default().close(71);
        assert_eq!(nothing.share(), None);
        assert_eq!(sample(&rows, 0, 7).close(0).share(), None);
    }

    /// Of 100,000 entities with two rows each one in four never has its only column.
    #[test]
    fn many_entities_are_sampled_and_their_share_is_found() {
        let row = |key: u32| {
            (
                key,
                if key.is_multiple_of(4) {
                    vec![0]
                } else {
                    vec![]
                },
            )
        };
        let rows: Vec<(u32, Vec<usize>)> = (0..100_000).chain(0..100_000).map(row).collect();
        let found = sample(&rows, 1, 8_192).close(1);
        assert!(
            found.sampled as usize <= CAP && found.sampled as usize > CAP / 3,
            "{found:?}"
        );
        // Binomial: the standard error on 12,500 entities is 0.004.
        let share = found.share().unwrap();
        assert!((share - 0.75).abs() < 0.016, "{share}");
        let pooled = CompleteEntities::pool([found, found]).unwrap();
        assert_eq!(pooled.share(), Some(share));
        let other = CompleteEntities {
            columns: 2,
            ..found
        };
        assert_eq!(CompleteEntities::pool([found, other]), None);
    }

    proptest! {
        /// It is the intersection of what its rows miss, in whatever order and batches they come.
        #[test]
        fn an_entity_misses_what_all_its_rows_miss(rows in prop::collection::vec((0u32..20, prop::collection::vec(0usize..70, 0..70)), 1..100), batch in 1usize..100) {
            let mut known: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for (key, missing) in &rows {
                known
                    .entry(*key)
                    .and_modify(|all| all.retain(|column| missing.contains(column)))
                    .or_insert_with(|| missing.clone());
            }
            let found = sample(&rows, 70, batch).close(70);
            let complete = known.values().filter(|missing| missing.is_empty()).count() as u64;
            prop_assert_eq!((found.sampled, found.complete), (known.len() as u64, complete));
            let turned: Vec<(u32, Vec<usize>)> = rows.iter().rev().cloned().collect();
            prop_assert_eq!(sample(&turned, 70, batch).close(70), found);
        }
    }
}
