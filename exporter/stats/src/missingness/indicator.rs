//! Which rows of one column are missing, a bit a row.
//!
//! A bitmap and not `&[bool]`: the sample of 33,000 rows and 256 columns is 1 MB instead of 8, the rows that two
//! columns miss are counted 64 at a time, and Arrow's validity, which is where it comes from, is a bitmap too.

use crate::column::Validity;

/// Missing rows of one column: row `i` is missing when its bit is 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indicator {
    /// Row `64·w + i` at bit `i` of word `w`; bits beyond the end are 0.
    words: Vec<u64>,
    rows: usize,
}

impl Indicator {
    /// The rows that a validity says are null.
    pub fn of_validity(validity: &Validity<'_>) -> Self {
        let rows = validity.len();
        let words = (0..rows.div_ceil(64))
            .map(|word| !validity.word(word) & mask(rows - 64 * word))
            .collect();
        Indicator { words, rows }
    }

    /// The rows that are NaN.
    pub fn of_values(values: &[f64]) -> Self {
        values.iter().map(|value| value.is_nan()).collect()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of missing rows.
    pub fn count(&self) -> u64 {
        self.words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// Whether a row is missing; a row beyond the end is not.
    pub fn get(&self, row: usize) -> bool {
        self.words
            .get(row / 64)
            .is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Number of rows that are missing in both.
    pub fn both(&self, other: &Indicator) -> u64 {
        self.words
            .iter()
            .zip(&other.words)
            .map(|(a, b)| u64::from((a & b).count_ones()))
            .sum()
    }

    /// Number of rows that are missing in neither; both have the same rows.
    pub fn neither(&self, other: &Indicator) -> u64 {
        self.rows as u64 + self.both(other) - self.count() - other.count()
    }

    /// The missing rows, in rising order.
    pub fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        self.words
            .iter()
            .enumerate()
            .flat_map(|(at, &word)| ones(word).map(move |bit| 64 * at + bit))
    }

    /// The rows that are not missing, in rising order.
    pub fn present(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            ones(!word & mask(self.rows - 64 * at)).map(move |bit| 64 * at + bit)
        })
    }
}

impl Extend<bool> for Indicator {
    /// One more row an item, `true` for missing.
    fn extend<I: IntoIterator<Item = bool>>(&mut self, missing: I) {
        let filled = self.rows % 64;
        let mut word = if filled == 0 {
            0
        } else {
            self.words.pop().unwrap_or(0)
        };
        let mut bit = filled;
        for missing in missing {
            word |= u64::from(missing) << bit;
            bit += 1;
            if bit == 64 {
                self.words.push(word);
                (word, bit) = (0, 0);
            }
        }
        if bit > 0 {
            self.words.push(word);
        }
        self.rows = 64 * (self.words.len() - usize::from(bit > 0)) + bit;
    }
}

impl FromIterator<bool> for Indicator {
    /// One row an item, `true` for missing.
    fn from_iter<I: IntoIterator<Item = bool>>(missing: I) -> Self {
        let mut found = Indicator::default();
        found.extend(missing);
        found
    }
}

/// The lowest `bits` bits of a word, all of them from 64 on.
pub(super) fn mask(bits: usize) -> u64 {
    if bits >= 64 {
        u64::MAX
    } else {
        (1 << bits) - 1
    }
}

/// Positions of the bits that are 1, in rising order.
pub(super) fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros() as usize;
            word &= word - 1;
            bit
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_form_says_the_same(a in prop::collection::vec(any::<bool>(), 0..300), offset in 0usize..9) {
            let found: Indicator = a.iter().copied().collect();
            let (first, rest) = a.split_at(offset.min(a.len()));
            let mut grown: Indicator = first.iter().copied().collect();
            grown.extend(rest.iter().copied());
            prop_assert_eq!(&grown, &found);
            let values: Vec<f64> = a.iter().map(|missing| if *missing { f64::NAN } else { f64::INFINITY }).collect();
            prop_assert_eq!(&Indicator::of_values(&values), &found);
            let mut bits = vec![0xffu8; (a.len() + offset) / 8 + 1];
            a.iter().enumerate().filter(|(_, missing)| **missing).for_each(|(row, _)| bits[(row + offset) / 8] &= !(1 << ((row + offset) % 8)));
            let validity = Validity::bitmap(&bits, offset, a.len()).unwrap();
            prop_assert_eq!(&Indicator::of_validity(&validity), &found);
            prop_assert_eq!(found.rows(), a.len());
            prop_assert_eq!(found.missing().collect::<Vec<_>>(), (0..a.len()).filter(|&row| a[row]).collect::<Vec<_>>());
            prop_assert_eq!(found.present().collect::<Vec<_>>(), (0..a.len()).filter(|&row| !a[row]).collect::<Vec<_>>());
            prop_assert_eq!(found.count() as usize, found.missing().count());
            prop_assert!((0..a.len() + 70).all(|row| found.get(row) == a.get(row).copied().unwrap_or(false)));
            prop_assert_eq!(found.both(&found), found.count());
            let shifted: Indicator = a.iter().skip(offset).copied().chain(vec![true; offset.min(a.len())]).collect();
            prop_assert_eq!(found.neither(&shifted) as usize, (0..a.len()).filter(|&row| !a[row] && !shifted.get(row)).count());
        }
    }

    #[test]
    fn all_valid_is_never_missing() {
        let found = Indicator::of_validity(&Validity::all(130));
        assert_eq!((found.rows(), found.count()), (130, 0));
        assert_eq!(found.present().count(), 130);
    }
}
