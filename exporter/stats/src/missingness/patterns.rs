//! Which columns are missing at once: the frequency of each row's mask of missing columns.
//!
//! Source: Little and Rubin, "Statistical Analysis with Missing Data" (3rd edition 2019), section 1.2.
//!
//! At most [`KEPT`] different masks are kept, those with the most rows; the rows of all others are counted as
//! `other`. Within that bound every count is exact and pooling has no order. Beyond it a kept count is never too
//! large and at most [`Patterns::error`] too small, whatever the order: a mask that was cut may come again and is
//! then counted from zero. [`Patterns::pool`] cuts once, after adding all windows up, and so has no order either;
//! a chain of [`Patterns::merge`] cuts at each step, where only the bound holds. Rows, complete rows, filled cells
//! are always exact.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::indicator::ones;
use super::{Indicator, MAX_COLUMNS, NotComputed, rows};

/// The most different masks that are kept.
pub const KEPT: usize = 1024;

/// The columns that one row misses: column `64·w + i` at bit `i` of word `w`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mask(Box<[u64]>);

impl Mask {
    /// The missing columns, in rising order.
    pub fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.0
            .iter()
            .enumerate()
            .flat_map(|(at, &word)| ones(word).map(move |bit| 64 * at + bit))
    }

    /// The same of some columns, in this order.
    fn of(&self, columns: &[usize]) -> Self {
        let mut words = vec![0u64; columns.len().div_ceil(64)];
        for (place, column) in columns.iter().enumerate() {
            let missing = self.0.get(column / 64);
            let missing = missing.is_some_and(|word| word >> (column % 64) & 1 == 1);
            words[place / 64] |= u64::from(missing) << (place % 64);
        }
        Mask(words.into())
    }

    /// Whether no column is missing.
    pub fn is_complete(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

/// Frequencies of the masks of a window's rows. Compact, serialisable, and pooled over windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patterns {
    columns: usize,
    rows: u64,
    complete: u64,
    filled: u64,
    distinct: Distinct,
    /// By falling count, then by mask.
    kept: Vec<(Mask, u64)>,
    other: u64,
    error: u64,
}

/// How many different patterns there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distinct {
    /// Their number.
    pub count: u64,
    /// Whether that is their number, or at least so many are known: after a cut, windows that are pooled may have
    /// cut the same or different ones.
    pub exact: bool,
}

impl Patterns {
    /// Counts the rows of one window, one indicator a column.
    ///
    /// # Errors
    /// When there are more than [`MAX_COLUMNS`] columns or their lengths differ.
    pub fn count(columns: &[Indicator]) -> Result<Self, NotComputed> {
        Self::count_keeping(columns, KEPT)
    }

    fn count_keeping(columns: &[Indicator], most: usize) -> Result<Self, NotComputed> {
        let rows = rows(columns.iter().map(Indicator::rows))?;
        let words = columns.len().div_ceil(64);
        let mut masks = vec![0u64; rows * words];
        let mut filled = 0;
        for (column, indicator) in columns.iter().enumerate() {
            filled += rows as u64 - indicator.count();
            indicator
                .missing()
                .for_each(|row| masks[row * words + column / 64] |= 1 << (column % 64));
        }
        let mut counts: BTreeMap<&[u64], u64> = BTreeMap::new();
        if words > 0 {
            masks
                .chunks_exact(words)
                .for_each(|mask| *counts.entry(mask).or_default() += 1);
        }
        let distinct = counts.len() as u64;
        let complete = |mask: &[u64]| mask.iter().all(|word| *word == 0);
        let mut found = Patterns {
            columns: columns.len(),
            rows: rows as u64,
            complete: counts
                .iter()
                .find(|(mask, _)| complete(mask))
                .map_or(0, |(_, count)| *count),
            filled,
            distinct: Distinct {
                count: distinct,
                exact: true,
            },
            kept: Vec::new(),
            other: 0,
            error: 0,
        };
        found.keep(
            counts
                .into_iter()
                .map(|(mask, count)| (Mask(mask.into()), count))
                .collect(),
            most,
        );
        Ok(found)
    }

    /// Keeps the most frequent masks and counts the rows of the others.
    fn keep(&mut self, mut all: Vec<(Mask, u64)>, most: usize) {
        all.sort_unstable_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        // The first that is cut is the largest, and bounds what any cut mask may have had.
        self.error += all.get(most).map_or(0, |(_, count)| *count);
        self.other += all
            .drain(most.min(all.len())..)
            .map(|(_, count)| count)
            .sum::<u64>();
        self.kept = all;
    }

    /// Adds up the patterns of several windows, in any order. `None` without a window.
    ///
    /// # Errors
    /// When they have different numbers of columns.
    pub fn pool<'a>(
        windows: impl IntoIterator<Item = &'a Patterns>,
    ) -> Result<Option<Self>, NotComputed> {
        Self::pool_keeping(windows, KEPT)
    }

    fn pool_keeping<'a>(
        windows: impl IntoIterator<Item = &'a Patterns>,
        most: usize,
    ) -> Result<Option<Self>, NotComputed> {
        let mut windows = windows.into_iter();
        let Some(first) = windows.next() else {
            return Ok(None);
        };
        let mut sum = Patterns {
            kept: Vec::new(),
            ..first.clone()
        };
        let mut counts: BTreeMap<&Mask, u64> = first.kept.iter().map(|(m, n)| (m, *n)).collect();
        let mut cut = first.other > 0;
        for window in windows {
            if window.columns != sum.columns {
                return Err(NotComputed::OtherColumns {
                    have: window.columns,
                    need: sum.columns,
                });
            }
            sum.rows += window.rows;
            sum.complete += window.complete;
            sum.filled += window.filled;
            sum.other += window.other;
            sum.error += window.error;
            sum.distinct.count = sum.distinct.count.max(window.distinct.count);
            cut |= window.other > 0;
            for (mask, count) in &window.kept {
                *counts.entry(mask).or_default() += count;
            }
        }
        sum.distinct = Distinct {
            count: sum.distinct.count.max(counts.len() as u64),
            exact: !cut,
        };
        let all = counts.into_iter().map(|(mask, n)| (mask.clone(), n));
        sum.keep(all.collect(), most);
        Ok(Some(sum))
    }

    /// Adds the patterns of another window.
    ///
    /// # Errors
    /// When it has another number of columns; nothing is added then.
    pub fn merge(&mut self, other: &Patterns) -> Result<(), NotComputed> {
        if let Some(sum) = Self::pool([&*self, other])? {
            *self = sum;
        }
        Ok(())
    }

    /// The patterns of some columns, in this order, of which `filled` cells are filled. Rows whose pattern was not kept have no
    /// pattern of these columns either: then any count may be too small by all of them.
    pub(crate) fn of(&self, columns: &[usize], filled: u64) -> Self {
        if columns.iter().copied().eq(0..self.columns) {
            return self.clone();
        }
        let mut counts: BTreeMap<Mask, u64> = BTreeMap::new();
        if !columns.is_empty() {
            for (mask, count) in &self.kept {
                *counts.entry(mask.of(columns)).or_default() += count;
            }
        }
        let complete = counts.iter().find(|(mask, _)| mask.is_complete());
        let mut found = Patterns {
            columns: columns.len(),
            rows: self.rows,
            complete: complete.map_or(0, |(_, count)| *count),
            filled,
            distinct: Distinct {
                count: counts.len() as u64,
                exact: self.other == 0,
            },
            kept: Vec::new(),
            other: self.other,
            error: self.other,
        };
        found.keep(counts.into_iter().collect(), KEPT);
        found
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Share of rows in which nothing is missing, `None` without a row or a column.
    pub fn complete_share(&self) -> Option<f64> {
        (self.rows > 0 && self.columns > 0).then(|| self.complete as f64 / self.rows as f64)
    }

    /// Completeness: mean number of columns that are filled in a row, in `0..=columns`; `None` without a row.
    pub fn mean_filled(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.filled as f64 / self.rows as f64)
    }

    /// Number of different patterns.
    pub fn distinct(&self) -> Distinct {
        self.distinct
    }

    /// Rows whose mask was not kept.
    pub fn other(&self) -> u64 {
        self.other
    }

    /// By how much any count may be too small; a mask that is not kept has at most so many rows.
    pub fn error(&self) -> u64 {
        self.error
    }

    /// The masks that are kept with their counts, by falling count, then by mask.
    pub(crate) fn kept(&self) -> &[(Mask, u64)] {
        &self.kept
    }
}

// A mask of this many columns is at most four words.
const _: () = assert!(MAX_COLUMNS == 256);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missingness::tests::{columns, indicators};
    use proptest::prelude::*;

    /// Rows of masks over six columns, cut into windows.
    fn windows() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(
            prop::collection::vec(prop_oneof![Just(0u8), 0u8..64], 1..60),
            1..6,
        )
    }

    fn of(rows: &[u8], most: usize) -> Patterns {
        let columns: Vec<Indicator> = (0..6)
            .map(|column| rows.iter().map(|row| row >> column & 1 == 1).collect())
            .collect();
        Patterns::count_keeping(&columns, most).unwrap()
    }

    proptest! {
        #[test]
        fn pooling_has_no_order(parts in windows(), turn in 0usize..6) {
            let all = of(&parts.concat(), KEPT);
            let counted: Vec<Patterns> = parts.iter().map(|rows| of(rows, KEPT)).collect();
            let mut chain = counted[0].clone();
            counted[1..].iter().for_each(|window| chain.merge(window).unwrap());
            prop_assert_eq!(&chain, &all);
            let turned = turn % counted.len();
            prop_assert_eq!(&Patterns::pool(counted[turned..].iter().chain(&counted[..turned])).unwrap().unwrap(), &all);
        }

        #[test]
        fn beyond_the_bound_the_error_is_stated(parts in windows(), turn in 0usize..6, most in 1usize..12) {
            let exact = of(&parts.concat(), KEPT);
            let truth: BTreeMap<&Mask, u64> = exact.kept.iter().map(|(mask, n)| (mask, *n)).collect();
            let counted: Vec<Patterns> = parts.iter().map(|rows| of(rows, most)).collect();
            let turned = turn % counted.len();
            let mut order: Vec<&Patterns> = counted.iter().collect();
            let pooled = Patterns::pool_keeping(order.clone(), most).unwrap().unwrap();
            order.rotate_left(turned);
            prop_assert_eq!(&Patterns::pool_keeping(order.clone(), most).unwrap().unwrap(), &pooled);
            let mut chain = order[0].clone();
            order[1..].iter().for_each(|window| chain = Patterns::pool_keeping([&chain, *window], most).unwrap().unwrap());
            for found in [&pooled, &chain] {
                prop_assert!(found.kept.len() <= most);
                prop_assert_eq!(found.other + found.kept.iter().map(|(_, n)| n).sum::<u64>(), exact.rows);
                prop_assert_eq!((found.rows, found.complete, found.filled), (exact.rows, exact.complete, exact.filled));
                prop_assert!(found.distinct.count <= exact.distinct.count);
                prop_assert!(!found.distinct.exact || found.distinct == exact.distinct);
                for (mask, n) in &found.kept {
                    prop_assert!(*n <= truth[mask] && truth[mask] <= n + found.error);
                }
                for (mask, n) in &truth {
                    prop_assert!(found.kept.iter().any(|(kept, _)| kept == *mask) || *n <= found.error);
                }
            }
        }

        #[test]
        fn the_order_of_rows_is_nothing(mut rows in prop::collection::vec(0u8..64, 1..200)) {
            let found = of(&rows, KEPT);
            rows.sort_unstable();
            prop_assert_eq!(of(&rows, KEPT), found);
        }

        #[test]
        fn a_saved_value_is_the_same(rows in prop::collection::vec(0u8..64, 0..50)) {
            let found = of(&rows, 5);
            let saved: Patterns = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
            prop_assert_eq!(saved, found);
        }
    }

    /// The columns that are missing, and in how many rows.
    fn counted(found: &Patterns) -> Vec<(Vec<usize>, u64)> {
        let kept = found.kept().iter();
        kept.map(|(mask, count)| (mask.columns().collect(), *count))
            .collect()
    }

    #[test]
    fn patterns_by_hand() {
        let found = Patterns::count(&indicators(&["..x.x.x", "..x...x", "......."])).unwrap();
        assert_eq!(
            (found.rows(), found.columns(), found.other(), found.error()),
            (7, 3, 0, 0)
        );
        assert_eq!(found.complete_share(), Some(4.0 / 7.0));
        assert_eq!(found.mean_filled(), Some(16.0 / 7.0));
        assert_eq!(
            found.distinct(),
            Distinct {
                count: 3,
                exact: true
            }
        );
        assert_eq!(
            counted(&found),
            [(vec![], 4), (vec![0, 1], 2), (vec![0], 1)]
        );
    }

    #[test]
    fn columns_beyond_the_first_word_are_told_apart() {
        let mut many = vec![Indicator::from_iter([false, false, false]); MAX_COLUMNS];
        many[255] = [true, false, true].into_iter().collect();
        many[64] = [true, false, false].into_iter().collect();
        let found = Patterns::count(&many).unwrap();
        assert_eq!(
            counted(&found),
            [(vec![], 1), (vec![255], 1), (vec![64, 255], 1)]
        );
        many.push(Indicator::default());
        assert_eq!(
            Patterns::count(&many),
            Err(NotComputed::TooManyColumns {
                have: 257,
                most: 256
            })
        );
    }

    #[test]
    fn nothing_is_not_complete() {
        let none = Patterns::count(&[]).unwrap();
        assert_eq!(
            (none.complete_share(), none.mean_filled(), counted(&none)),
            (None, None, vec![])
        );
        let empty = Patterns::count(&indicators(&["", ""])).unwrap();
        assert_eq!((empty.complete_share(), empty.distinct().count), (None, 0));
        assert_eq!(Patterns::pool([]), Ok(None));
        let lengths = Patterns::count(&indicators(&["..", "."]));
        assert_eq!(
            lengths,
            Err(NotComputed::Lengths {
                column: 1,
                have: 1,
                need: 2
            })
        );
        let mut two = Patterns::count(&columns(2, 5, |_, _| false)).unwrap();
        let three = Patterns::count(&columns(3, 5, |_, _| false)).unwrap();
        assert_eq!(
            two.merge(&three),
            Err(NotComputed::OtherColumns { have: 3, need: 2 })
        );
    }

    /// 2¹¹ masks of equal count: half of them are cut, and that is said.
    #[test]
    fn too_many_patterns_are_counted_as_other() {
        let found =
            Patterns::count(&columns(11, 1 << 12, |column, row| row >> column & 1 == 1)).unwrap();
        assert_eq!(
            found.distinct(),
            Distinct {
                count: 2048,
                exact: true
            }
        );
        assert_eq!(
            (found.kept().len(), found.other(), found.error()),
            (KEPT, 2048, 2)
        );
        assert_eq!(found.complete_share(), Some(2.0 / 4096.0));
        assert_eq!(found.mean_filled(), Some(5.5));
    }
}
