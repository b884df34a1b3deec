//! The bins over which the patterns of missing values are compared: the frequent patterns of all sides together, and all others as one.
//!
//! A pattern has a bin of its own when it is among the [`MOST`] most frequent ones, holds one in [`FLOOR`] of the rows of all sides
//! together, and so many that the smallest side expects [`EXPECTED`] of them.
//!
//! Frequent is what all sides are together, and not one alone: of many patterns about as frequent, those that one side has most of are
//! above a bound by luck, and will not be so on the other. Given how many rows of each pattern both sides have together, how these fall
//! on them is chance when nothing changed, whatever those sums chose; and that is what the null of the Jensen–Shannon distance is the law
//! of. So they also choose by rank and by bounds that many patterns are close to. Simulated with 40 columns that each miss 2 % at random,
//! 6,000 rows and 1,000, the null is exceeded 0.99 times as often as α = 0.05 says and 0.9 times as often as 0.001. With bins for the
//! patterns that hold 1 % of the first side it is 2.5 and 6 times as often, and 0.5 % as a bound of the first side alone only makes
//! other columns those that are close to it.
//!
//! A side knows of at most [`KEPT`](super::patterns::KEPT) patterns. One that it does not know has less than one in 1,024 of its rows, of
//! windows that are pooled less than twice that, and these rows are among the others. So less than 0.2 % of a side's rows are missing in
//! the bin of a pattern, and with 0.7 % of all rows none is too rare for a bin because of them. Of some of the columns that patterns
//! were counted of, it is up to all rows whose pattern is not known.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::patterns::{Mask, Patterns};

/// The most patterns with a bin of their own.
const MOST: usize = 100;
/// Of so many rows of all sides one at least is of a pattern with a bin of its own.
const FLOOR: u64 = 200;
/// The fewest rows of a bin of its own that the smallest side expects.
const EXPECTED: u64 = 5;

/// The patterns that have a bin of their own: the frequent ones of all sides together. All others have one bin together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatternBins(Vec<Mask>);

impl PatternBins {
    /// Those of these sides, of which the smallest has so many rows.
    pub(crate) fn of(sides: &[&Patterns], smallest: u64) -> Self {
        let all: u64 = sides.iter().map(|side| side.rows()).sum();
        let mut both: BTreeMap<&Mask, u64> = BTreeMap::new();
        for (mask, count) in sides.iter().flat_map(|side| side.kept()) {
            *both.entry(mask).or_default() += count;
        }
        let frequent = |count: u64| FLOOR * count >= all && smallest * count >= EXPECTED * all;
        let mut own: Vec<(&Mask, u64)> = both.into_iter().filter(|(_, n)| frequent(*n)).collect();
        own.sort_by_key(|(_, count)| Reverse(*count));
        let own = own.into_iter().take(MOST);
        PatternBins(own.map(|(mask, _)| mask.clone()).collect())
    }

    /// How many rows each of them has on a side, by falling count on all sides together, and last all other rows.
    pub(crate) fn counts(&self, side: &Patterns) -> Vec<u64> {
        let known: BTreeMap<&Mask, u64> = side.kept().iter().map(|(m, n)| (m, *n)).collect();
        let own = self.0.iter().map(|mask| known.get(mask).copied());
        let mut counts: Vec<u64> = own.map(Option::unwrap_or_default).collect();
        counts.push(side.rows().saturating_sub(counts.iter().sum()));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missingness::tests::counted;
    use proptest::prelude::*;

    /// The bins of two sides, and both counts.
    fn of_both(a: &Patterns, c: &Patterns) -> (Vec<u64>, Vec<u64>) {
        let bins = PatternBins::of(&[a, c], a.rows().min(c.rows()));
        assert_eq!(bins, PatternBins::of(&[c, a], a.rows().min(c.rows())));
        (bins.counts(a), bins.counts(c))
    }

    /// Patterns of these rows.
    fn patterns(rows: &[usize]) -> Patterns {
        let of = |pattern: usize| rows.iter().filter(|own| **own == pattern).count() as u64;
        counted(&(0..64).map(of).collect::<Vec<u64>>())
    }

    proptest! {
        #[test]
        fn each_row_is_in_one_bin(a in prop::collection::vec(0u64..200, 1..40), c in prop::collection::vec(0u64..200, 1..64)) {
            let (a, c) = (counted(&a), counted(&c));
            let (before, now) = of_both(&a, &c);
            for (side, counts) in [(&a, &before), (&c, &now)] {
                prop_assert!(counts.len() <= 101);
                prop_assert_eq!(counts.iter().sum::<u64>(), side.rows());
            }
            let both: Vec<u64> = before.iter().zip(&now).map(|(a, c)| a + c).collect();
            let own = &both[..both.len() - 1];
            prop_assert!(own.is_sorted_by(|more, less| more >= less), "{:?}", both);
            prop_assert!(own.iter().all(|count| count * 200 >= both.iter().sum()), "{:?}", both);
        }

        /// However the same rows fall on both sides, the bins are the same: that is why the null holds.
        #[test]
        fn the_sums_of_both_sides_choose_the_bins(rows in prop::collection::vec(0usize..64, 2..600), part in 0.0..1.0, turn in 0usize..600) {
            let first = (part * rows.len() as f64) as usize;
            let smallest = first.min(rows.len() - first) as u64;
            let mut turned = rows.clone();
            turned.rotate_left(turn % rows.len());
            let bins = |rows: &[usize]| {
                let (a, c) = rows.split_at(first);
                PatternBins::of(&[&patterns(a), &patterns(c)], smallest)
            };
            prop_assert_eq!(bins(&turned), bins(&rows));
            prop_assert_eq!(PatternBins::of(&[&patterns(&rows)], smallest), bins(&rows));
        }
    }

    #[test]
    fn a_new_pattern_has_a_bin_and_a_rare_one_has_none() {
        let (before, now) = (counted(&[990, 9, 1]), counted(&[700, 0, 0, 300]));
        assert_eq!(
            of_both(&before, &now),
            (vec![990, 0, 10], vec![700, 300, 0])
        );
        // One in 200 of the rows of both sides is enough for a bin, and five that the smaller one expects.
        let before = counted(&[970, 20, 10]);
        let many = |rare: u64| counted(&[1_000 - rare, 0, rare]);
        assert_eq!(of_both(&before, &many(0)).0, [970, 20, 10, 0]);
        assert_eq!(of_both(&counted(&[971, 20, 9]), &many(0)).0, [971, 20, 9]);
        assert_eq!(
            of_both(&counted(&[971, 20, 9]), &many(1)).0,
            [971, 20, 9, 0]
        );
        let few = |rare: u64| counted(&[250 - rare, 0, rare]);
        assert_eq!(of_both(&before, &few(15)).0, [970, 10, 20]);
        assert_eq!(of_both(&before, &few(14)).0, [970, 30]);
    }
}
