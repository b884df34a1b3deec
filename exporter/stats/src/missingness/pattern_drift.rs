//! Whether the patterns of missing values changed: the baseline's frequent patterns and `other` as bins, and
//! the current rows counted over the same bins.
//!
//! Distances, χ² and their nulls are those of [`crate::distance`]. A pattern has a bin of its own when it holds at least
//! [`FLOOR`] of the baseline's rows and [`EXPECTED`] rows of a window: χ² is not the null of bins with fewer. There are at most
//! 100 such patterns, and no cut by rank, which would choose among equally frequent ones by luck. The floor is needed:
//! of many equally rare patterns the most frequent ones are frequent by luck, and will not be so in the next
//! window. Simulated at α = 0.05 with 100 columns that each miss 1 % at random, 4,000 rows on both sides: without
//! the floor the χ² test rejects 58 % of windows in which nothing changed, with it 6 %. What is left of this is
//! large only where many patterns hold just about the floor and the baseline is not larger than a window.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::NotComputed;
use super::patterns::{Mask, Patterns};
use crate::distance::table::Table;
use crate::distance::{Statistic, chi_squared, jensen_shannon, psi};

/// The least share of the baseline's rows for a bin of its own.
pub const FLOOR: f64 = 0.01;
/// The fewest rows that a window is expected to have in a bin of its own.
pub const EXPECTED: f64 = 10.0;

/// One bin: a pattern, or all others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bin {
    /// The columns that are missing, in rising order; `None` for all other patterns.
    pub missing: Option<Vec<usize>>,
    /// Rows of the baseline.
    pub reference: u64,
    /// Rows of the window.
    pub current: u64,
}

/// One distance between the patterns of window and baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Its value.
    pub value: f64,
    /// What is left of it once the noise of two finite samples is taken off.
    pub effect: f64,
    /// Probability of a value at least as large when nothing changed.
    pub p_value: f64,
    /// The value that is exceeded with probability α when nothing changed.
    pub null: f64,
}

/// How far the patterns of a window are from the baseline's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatternDrift {
    /// The bins that were compared, by falling count in the baseline, `other` last.
    pub bins: Vec<Bin>,
    /// Different patterns of the baseline that have no bin of their own; at least so many.
    pub unbinned: u64,
    /// By how much the count of a bin in the window may be too small, because the window has more patterns than
    /// are kept; that much may be in `other` instead.
    pub error: u64,
    /// Population stability index, see [`psi`].
    pub psi: Reading,
    /// Jensen–Shannon distance, see [`jensen_shannon`].
    pub jensen_shannon: Reading,
    /// χ² of homogeneity after pooling.
    pub chi_squared: f64,
    /// Its degrees of freedom.
    pub degrees: f64,
    /// Its p-value.
    pub p_value: f64,
    /// Cramér's V, corrected for bias.
    pub cramers_v: f64,
}

/// Compares a window's patterns with the baseline's, with nulls at `alpha`.
///
/// # Errors
/// When the sides have different columns, or either has fewer than 20 rows.
pub fn drift(
    reference: &Patterns,
    current: &Patterns,
    alpha: f64,
) -> Result<PatternDrift, NotComputed> {
    if reference.columns() != current.columns() {
        return Err(NotComputed::OtherColumns {
            have: reference.columns(),
            need: current.columns(),
        });
    }
    let need = Statistic::Psi.minimum();
    if reference.rows() < need {
        let have = reference.rows();
        return Err(NotComputed::NoReference { have, need });
    }
    if current.rows() < need {
        let have = current.rows();
        return Err(NotComputed::TooFewRows { have, need });
    }
    let bins = bins(reference, current);
    let count = |side: fn(&Bin) -> u64| bins.iter().map(side).collect::<Vec<u64>>();
    let table = Table::new(&count(|bin| bin.reference), &count(|bin| bin.current));
    let (p, j) = (psi::distance(&table), jensen_shannon::distance(&table));
    let test = chi_squared::test(&table);
    Ok(PatternDrift {
        unbinned: reference
            .distinct()
            .count
            .saturating_sub(bins.len() as u64 - 1),
        error: current.error(),
        psi: Reading {
            value: p,
            effect: psi::effect(&table, p),
            p_value: psi::p_value(&table, p),
            null: psi::null(&table, alpha),
        },
        jensen_shannon: Reading {
            value: j,
            effect: jensen_shannon::effect(&table, j),
            p_value: jensen_shannon::p_value(&table, j),
            null: jensen_shannon::null(&table, alpha),
        },
        chi_squared: test.statistic,
        degrees: test.degrees,
        p_value: test.p_value,
        cramers_v: test.effect,
        bins,
    })
}

/// The patterns that have a bin of their own: the baseline's frequent ones. All others have one bin together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternBins(Vec<Mask>);

impl PatternBins {
    /// Those of a baseline for windows of so many rows.
    pub fn freeze(reference: &Patterns, rows: u64) -> Self {
        let share = FLOOR.max(EXPECTED / rows.max(1) as f64);
        let least = share * reference.rows() as f64;
        let own = reference.kept().iter();
        let frequent = own.filter(|(_, count)| *count as f64 >= least);
        PatternBins(frequent.map(|(mask, _)| mask.clone()).collect())
    }

    /// How many rows each of them has in a window, by falling count in the baseline, and last all other rows.
    pub fn counts(&self, window: &Patterns) -> Vec<u64> {
        let known: BTreeMap<&Mask, u64> = window.kept().iter().map(|(m, n)| (m, *n)).collect();
        let own = self.0.iter().map(|mask| known.get(mask).copied());
        let mut counts: Vec<u64> = own.map(Option::unwrap_or_default).collect();
        counts.push(window.rows().saturating_sub(counts.iter().sum()));
        counts
    }
}

/// The baseline's frequent patterns and all others, with the rows of both sides.
fn bins(reference: &Patterns, current: &Patterns) -> Vec<Bin> {
    let bins = PatternBins::freeze(reference, current.rows());
    let masks = bins.0.iter().map(Some).chain([None]);
    let counts = bins.counts(reference).into_iter().zip(bins.counts(current));
    masks
        .zip(counts)
        .map(|(mask, (reference, current))| Bin {
            missing: mask.map(|mask| mask.columns().collect()),
            reference,
            current,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missingness::tests::columns;
    use crate::oracle::{check, number};
    use proptest::prelude::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    /// Patterns with the given counts: masks 0, 1, 2, ….
    fn counted(counts: &[u64]) -> Patterns {
        let masks: Vec<usize> = counts
            .iter()
            .enumerate()
            .flat_map(|(mask, count)| vec![mask; *count as usize])
            .collect();
        Patterns::count(&columns(6, masks.len(), |column, row| {
            masks[row] >> column & 1 == 1
        }))
        .unwrap()
    }

    fn random(rng: &mut SmallRng, many: usize, rows: usize, share: f64) -> Patterns {
        Patterns::count(&columns(many, rows, |_, _| rng.random::<f64>() < share)).unwrap()
    }

    proptest! {
        #[test]
        fn laws(a in prop::collection::vec(5u64..200, 1..40), c in prop::collection::vec(0u64..200, 1..64)) {
            prop_assume!(a.iter().sum::<u64>() >= 20 && c.iter().sum::<u64>() >= 20);
            let (a, c) = (counted(&a), counted(&c));
            let found = drift(&a, &c, 0.01).unwrap();
            prop_assert!(found.bins.len() <= 101);
            prop_assert_eq!(found.bins.iter().map(|bin| bin.reference).sum::<u64>(), a.rows());
            prop_assert_eq!(found.bins.iter().map(|bin| bin.current).sum::<u64>(), c.rows());
            for p in [found.psi.p_value, found.jensen_shannon.p_value, found.p_value, found.jensen_shannon.value, found.cramers_v] {
                prop_assert!((0.0..=1.0).contains(&p), "{:?}", found);
            }
            prop_assert!(found.psi.value.is_finite() && found.psi.effect <= found.psi.value);
            let same = drift(&a, &a, 0.01).unwrap();
            prop_assert!(same.psi.value == 0.0 && same.p_value > 0.999 && same.chi_squared < 1e-9);
        }
    }

    /// The crate's own reference table, as patterns.
    #[test]
    fn reference_values() {
        let found = drift(
            &counted(&[400, 300, 200, 100]),
            &counted(&[120, 60, 90, 30]),
            0.05,
        )
        .unwrap();
        check(found.chi_squared, number("chi2"), 1e-12);
        check(found.p_value, number("chi2 p"), 1e-9);
        check(found.jensen_shannon.value, number("JS"), 1e-12);
        check(found.psi.null, number("PSI null at 0.05"), 1e-9);
        assert_eq!(found.degrees, 3.0);
        let missing: Vec<_> = found.bins.into_iter().map(|bin| bin.missing).collect();
        let expected = [
            Some(vec![]),
            Some(vec![0]),
            Some(vec![1]),
            Some(vec![0, 1]),
            None,
        ];
        assert_eq!(missing, expected);
    }

    #[test]
    fn a_new_pattern_is_other_and_a_rare_one_has_no_bin() {
        let found = drift(&counted(&[995, 5]), &counted(&[700, 0, 300]), 0.01).unwrap();
        let bins: Vec<_> = found
            .bins
            .iter()
            .map(|bin| (bin.reference, bin.current))
            .collect();
        assert_eq!((bins, found.unbinned), (vec![(995, 700), (5, 300)], 1));
        assert!(found.p_value < 1e-9 && found.psi.value > found.psi.null);
    }

    #[test]
    fn what_cannot_be_compared_says_so() {
        let (few, many) = (counted(&[19]), counted(&[20]));
        assert_eq!(
            drift(&few, &many, 0.05),
            Err(NotComputed::NoReference { have: 19, need: 20 })
        );
        assert_eq!(
            drift(&many, &few, 0.05),
            Err(NotComputed::TooFewRows { have: 19, need: 20 })
        );
        let wide = Patterns::count(&columns(7, 30, |_, _| false)).unwrap();
        assert_eq!(
            drift(&wide, &many, 0.05),
            Err(NotComputed::OtherColumns { have: 7, need: 6 })
        );
        let same = drift(&many, &many, 0.05).unwrap();
        assert_eq!(
            (same.psi.value, same.psi.p_value, same.p_value),
            (0.0, 1.0, 1.0)
        );
    }

    /// Nothing changes; the test at 0.05 must keep its level, also of many rare patterns, and with half of the
    /// patterns near the floor where the baseline has six windows.
    #[test]
    fn the_level_holds_when_nothing_changes() {
        let mut rng = SmallRng::seed_from_u64(7);
        for (many, share, n, m) in [
            (20, 0.05, 2000, 2000),
            (100, 0.01, 1500, 1500),
            (40, 0.02, 6000, 1000),
        ] {
            let (mut psi, mut chi) = (0, 0);
            for _ in 0..200 {
                let (a, c) = (
                    random(&mut rng, many, n, share),
                    random(&mut rng, many, m, share),
                );
                let found = drift(&a, &c, 0.05).unwrap();
                psi += u32::from(found.psi.value > found.psi.null);
                chi += u32::from(found.p_value < 0.05);
            }
            // 0.05 is 10 of 200, with a standard deviation of 3.
            assert!(
                (1..=22).contains(&psi) && (1..=22).contains(&chi),
                "{many} {psi} {chi}"
            );
        }
    }

    #[test]
    fn two_columns_that_begin_to_miss_together_are_found() {
        let mut rng = SmallRng::seed_from_u64(8);
        let before = random(&mut rng, 5, 2000, 0.1);
        let masks: Vec<bool> = (0..2000).map(|_| rng.random::<f64>() < 0.1).collect();
        let joined = columns(5, 2000, |column, row| {
            if column < 2 {
                masks[row]
            } else {
                rng.random::<f64>() < 0.1
            }
        });
        let found = drift(&before, &Patterns::count(&joined).unwrap(), 0.001).unwrap();
        assert!(
            found.psi.value > found.psi.null && found.p_value < 1e-6,
            "{found:?}"
        );
    }
}
