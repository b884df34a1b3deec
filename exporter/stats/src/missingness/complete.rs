//! How many rows of a window are complete, that is, miss no column, and how many of their cells are filled.
//!
//! Counted of all rows and all columns, where [`patterns`](super::patterns) are those of a sample of rows and of the first
//! columns: a bit a row, set by each column that misses the row, and counted once all columns of a batch have come. It takes an
//! eighth of a byte a row of one batch, and four numbers a window.

use serde::{Deserialize, Serialize};

use super::indicator::mask;
use crate::column::Validity;

/// The rows of one batch that miss a column, while columns come, in any order and parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gaps {
    /// Row `64·w + i` at bit `i` of word `w`.
    words: Vec<u64>,
    rows: usize,
    filled: u64,
}

impl Gaps {
    /// Of a batch with so many rows, before any column.
    pub fn new(rows: usize) -> Self {
        Gaps {
            words: vec![0; rows.div_ceil(64)],
            rows,
            filled: 0,
        }
    }

    /// Takes in a column of these rows; a row beyond its end is missing.
    pub fn add(&mut self, validity: &Validity<'_>) {
        if validity.is_all() && validity.len() >= self.rows {
            self.filled += self.rows as u64;
            return;
        }
        for (block, word) in self.words.iter_mut().enumerate() {
            let valid = validity.word(block) & mask(self.rows - 64 * block);
            self.filled += u64::from(valid.count_ones());
            *word |= !valid & mask(self.rows - 64 * block);
        }
    }

    /// The rows that miss a column: row `64·w + i` at bit `i` of word `w`.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Cells of the columns that are filled.
    pub fn filled(&self) -> u64 {
        self.filled
    }
}

/// How complete the rows of a window are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteRows {
    /// Rows of the window.
    pub rows: u64,
    /// Columns that were looked at.
    pub columns: u64,
    /// Rows that miss none of them.
    pub complete: u64,
    /// Cells that are filled, of rows × columns.
    pub filled: u64,
}

impl CompleteRows {
    /// Adds up several windows, in any order. `None` without one, and where they have different numbers of columns.
    pub fn pool(windows: impl IntoIterator<Item = CompleteRows>) -> Option<Self> {
        let mut windows = windows.into_iter();
        let mut sum = windows.next()?;
        for window in windows {
            if window.columns != sum.columns {
                return None;
            }
            sum.rows += window.rows;
            sum.complete += window.complete;
            sum.filled += window.filled;
        }
        Some(sum)
    }

    /// Share of the rows in which nothing is missing; `None` without a row or a column.
    pub fn complete_share(&self) -> Option<f64> {
        (self.rows > 0 && self.columns > 0).then(|| self.complete as f64 / self.rows as f64)
    }

    /// Mean share of the columns that are filled in a row; `None` without a row or a column.
    pub fn filled_share(&self) -> Option<f64> {
        let cells = self.rows as f64 * self.columns as f64;
        (cells > 0.0).then(|| self.filled as f64 / cells)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::missingness::patterns::Patterns;
    use crate::missingness::tests::indicators;
    use crate::missingness::{Indicator, MAX_COLUMNS};

    /// Bits of the rows that are not missing, from bit `offset` on.
    fn bits(missing: &[bool], offset: usize) -> Vec<u8> {
        let mut bits = vec![0u8; (offset + missing.len()).div_ceil(8)];
        let there = missing.iter().enumerate().filter(|(_, missing)| !**missing);
        there.for_each(|(row, _)| bits[(offset + row) / 8] |= 1 << ((offset + row) % 8));
        bits
    }

    /// The rows of a batch with these columns.
    fn count(rows: usize, columns: &[Vec<bool>]) -> CompleteRows {
        let mut gaps = Gaps::new(rows);
        for missing in columns {
            match missing.contains(&true) {
                true => gaps.add(&Validity::bitmap(&bits(missing, 3), 3, rows).unwrap()),
                false => gaps.add(&Validity::all(rows)),
            }
        }
        let missing: u32 = gaps.words().iter().map(|word| word.count_ones()).sum();
        CompleteRows {
            rows: rows as u64,
            columns: columns.len() as u64,
            complete: rows as u64 - u64::from(missing),
            filled: gaps.filled(),
        }
    }

    #[test]
    fn complete_rows_by_hand() {
        let columns = ["..x.x.x", "..x...x", "......."];
        let columns = columns.map(|column| column.chars().map(|c| c == 'x').collect());
        let found = count(7, &columns);
        let patterns = Patterns::count(&indicators(&["..x.x.x", "..x...x", "......."])).unwrap();
        assert_eq!((found.complete, found.filled), (4, 16));
        assert_eq!(found.complete_share(), patterns.complete_share());
        assert_eq!(found.filled_share(), Some(16.0 / 21.0));
        let nothing = CompleteRows::default();
        assert_eq!(
            (nothing.complete_share(), nothing.filled_share()),
            (None, None)
        );
        assert_eq!(CompleteRows::pool([found, nothing]), None);
        assert_eq!(CompleteRows::pool([]), None);
    }

    /// Patterns have a bound; the column behind it counts here all the same.
    #[test]
    fn columns_beyond_those_of_patterns_count() {
        let mut columns = vec![vec![false; 100]; MAX_COLUMNS + 4];
        columns.push((0..100).map(|row| row % 2 == 1).collect());
        let found = count(100, &columns);
        assert_eq!(found.complete_share(), Some(0.5));
        assert_eq!(found.filled, 100 * 260 + 50);
    }

    proptest! {
        /// It is what patterns of all rows say, whatever the parts in which rows come, and pooling has no order.
        #[test]
        fn rows_are_complete_as_patterns_are(masks in prop::collection::vec(0u8..64, 1..300), cut in 0usize..300) {
            let columns = |masks: &[u8]| -> Vec<Vec<bool>> {
                (0..6).map(|column| masks.iter().map(|mask| mask >> column & 1 == 1).collect()).collect()
            };
            let whole = count(masks.len(), &columns(&masks));
            let indicators: Vec<Indicator> = columns(&masks).iter().map(|column| column.iter().copied().collect()).collect();
            let patterns = Patterns::count(&indicators).unwrap();
            prop_assert_eq!(whole.complete_share(), patterns.complete_share());
            prop_assert_eq!(Some(whole.filled as f64 / masks.len() as f64), patterns.mean_filled());
            let (first, second) = masks.split_at(cut.min(masks.len()));
            let parts = [first, second].map(|masks| count(masks.len(), &columns(masks)));
            prop_assert_eq!(CompleteRows::pool(parts), Some(whole));
            prop_assert_eq!(CompleteRows::pool([parts[1], parts[0]]), Some(whole));
        }
    }
}
