//! Whether a feature has become constant: all its values in a window are one, where so many would not be so by chance.
//!
//! Were each of n values drawn by itself, and were one of them drawn with probability p, all would be that one with probability
//! pⁿ: the binomial distribution at n of n. A feature has become constant where n·ln(1/p) > [`IMPROBABLE`].
//!
//! p is the largest share that one value had in a window of the baseline, and not its share of all windows together: the rows of
//! a window need not be independent of each other. The weekday, or a rate of the day, is one value in each window of a day and
//! differs from window to window; with p = 1 in any of them a window with one value is nothing new.

use crate::column::Kind;
use crate::summary::{Counts, Summary};

/// What n·ln(1/p) has to exceed: a probability below e⁻²⁰ ≈ 2·10⁻⁹.
pub const IMPROBABLE: f64 = 20.0;

/// Windows with fewer values say nothing: one value is always one.
const FEWEST: u64 = 2;

/// Whether a window of a feature has one value in all its rows that have one, and the windows of its baseline, each with its
/// counts over the frozen bins, make that improbable. A baseline of which no window says how often its values are found
/// makes nothing improbable.
pub fn became_constant(baseline: &[Summary], window: &Summary) -> bool {
    let alike = baseline.iter().all(|was| was.kind == window.kind);
    let most = baseline.iter().filter_map(top_share).reduce(f64::max);
    let improbable = most.is_some_and(|most| surprise(window.values(), most) > IMPROBABLE);
    alike && improbable && is_constant(window)
}

/// n·ln(1/p), in nats: how improbable it is that each of n values is one that is drawn with probability p, in (0, 1]. 0 where
/// that is certain.
pub fn surprise(values: u64, share: f64) -> f64 {
    values as f64 * (1.0 / share).ln()
}

/// The largest share that one value can have of a window's, by its most frequent name or its fullest bin, whichever says more: at
/// least what its most frequent value has. Names without a bin of their own are taken together, since of one of them a part may stand
/// for names that were not seen. `None` of fewer than two values, and of a window that was not counted.
pub fn top_share(window: &Summary) -> Option<f64> {
    let binned = match &window.counts {
        Some(Counts::Numeric { fine, .. }) => fine.iter().max().copied(),
        Some(Counts::Categorical {
            top, other, unseen, ..
        }) => top.iter().copied().chain([other + unseen]).max(),
        None => None,
    };
    // Names that are not listed have at most the count of the last one that is, and its error.
    let named = window.top.first();
    let named = named.map(|(_, count)| count.saturating_add(window.top_error));
    let most = binned.into_iter().chain(named).min()?;
    let values = window.values();
    (values >= FEWEST && most > 0).then(|| (most as f64 / values as f64).min(1.0))
}

/// Whether all values of a window are one. One that is not a number, or infinite, is not the same as another.
fn is_constant(window: &Summary) -> bool {
    match (window.kind, &window.moments) {
        (Kind::Numeric, Some(moments)) => {
            window.nans + window.infinities == 0 && moments.min == moments.max
        }
        (Kind::Numeric, None) => false,
        (Kind::Categorical, _) => window.top.len() == 1 && window.top_error == 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::oracle::{check, rows};
    use crate::{Bins, Categories, Column, FeatureProfile, KeptSummary, Validity};

    fn profile(column: &Column<'_>, bins: Option<&Arc<Bins>>) -> FeatureProfile {
        let mut profile = FeatureProfile::new(column.kind(), bins.cloned());
        profile.update(column).unwrap();
        profile
    }

    fn numbers(values: &[f64]) -> Column<'_> {
        Column::Numeric {
            values,
            validity: Validity::all(values.len()),
        }
    }

    /// Windows of numbers, counted over the bins of the first `of` of them.
    fn windows(of: usize, values: &[Vec<f64>]) -> Vec<Summary> {
        let all = values[..of].concat();
        let bins = Arc::new(profile(&numbers(&all), None).freeze_bins());
        let windows = values.iter();
        windows
            .map(|values| profile(&numbers(values), Some(&bins)).close())
            .collect()
    }

    /// Whether the last of some windows has become constant by the others.
    fn found(values: &[Vec<f64>]) -> bool {
        let windows = windows(values.len() - 1, values);
        let (window, baseline) = windows.split_last().unwrap();
        became_constant(baseline, window)
    }

    #[test]
    fn the_probability_is_the_binomial_one() {
        for row in rows("all of one value") {
            check(surprise(row[0] as u64, row[1]), row[2], 1e-13);
        }
        assert_eq!(surprise(1000, 1.0), 0.0);
    }

    /// Of two values that are equally frequent 28 alike are no finding, and 29 are: 2⁻²⁹ < e⁻²⁰ < 2⁻²⁸.
    #[test]
    fn enough_values_alike_are_a_finding() {
        let both: Vec<f64> = (0..100).map(|row| f64::from(row % 2)).collect();
        let of = |rows| found(&[both.clone(), both.clone(), vec![1.0; rows]]);
        assert_eq!(
            [0, 1, 28, 29, 1000].map(of),
            [false, false, false, true, true]
        );
    }

    /// The rate of the day and the hour of a day: in each window one value, or many, that are others than in the next.
    #[test]
    fn what_is_constant_in_each_window_has_not_become_so() {
        let day = |day: u32| vec![1.1 + f64::from(day) / 100.0; 1000];
        let hours = || {
            (0..1000)
                .map(|row| f64::from(row % 24))
                .collect::<Vec<f64>>()
        };
        let rates: Vec<Vec<f64>> = (0..8).map(day).collect();
        assert!(!found(&rates));
        assert!(found(&[hours(), hours(), vec![7.0; 1000]]));
        assert!(!found(&[hours(), vec![3.0; 1000], vec![7.0; 1000]]));
        assert!(!found(&[hours(), hours(), hours()]));
    }

    /// A window with a NaN or an infinity beside its only number holds more than one value.
    #[test]
    fn what_is_no_number_is_another_value() {
        let both: Vec<f64> = (0..100).map(|row| f64::from(row % 2)).collect();
        for other in [f64::NAN, f64::INFINITY] {
            let mut values = vec![1.0; 999];
            values.push(other);
            assert!(!found(&[both.clone(), values]), "{other}");
        }
    }

    #[test]
    fn names_are_as_frequent_as_they_are_and_not_as_all_that_are_rare() {
        let dictionary: Vec<String> = (0..200).map(|code| format!("n{code:03}")).collect();
        let profile = |codes: &[i32], bins: Option<&Arc<Bins>>| {
            let column = Column::Categorical {
                codes,
                validity: Validity::all(codes.len()),
                categories: Categories {
                    generation: 1,
                    len: dictionary.len(),
                    name: &|code| dictionary.get(code).map(String::as_str),
                },
            };
            profile(&column, bins)
        };
        // Often enough that the most frequent of them have bins.
        let ids: Vec<i32> = (0..2_000).map(|row| row % 200).collect();
        let bins = Arc::new(profile(&ids, None).freeze_bins());
        let whole = profile(&ids, Some(&bins)).close();
        assert_eq!(top_share(&whole), Some(1.0 / 200.0));
        // Kept in little space the names are gone, and what is not in the top may be one.
        let kept = KeptSummary::of(&whole).summary(&bins);
        assert_eq!(top_share(&kept), Some(150.0 / 200.0));
        let one = profile(&[1; 200], Some(&bins)).close();
        assert!(became_constant(std::slice::from_ref(&whole), &one));
        assert!(became_constant(std::slice::from_ref(&kept), &one));
        assert!(!became_constant(&[whole.clone(), one.clone()], &one));
        assert!(!became_constant(&[], &one));
        let number = windows(1, &[vec![1.0; 200]]).remove(0);
        assert!(!became_constant(&[whole], &number), "another kind");
    }

    /// Of the rows of one name a part may stand for names that were not seen; it is as frequent as it was.
    #[test]
    fn a_name_is_no_rarer_where_a_part_of_it_counts_as_not_seen() {
        let counted = windows(1, &[vec![1.0; 200]]).remove(0);
        let window = Summary {
            kind: Kind::Categorical,
            top: vec![("of the day".to_owned(), 200)],
            counts: Some(Counts::Categorical {
                top: vec![0; 50],
                other: 80,
                unseen: 120,
                alone: 0,
            }),
            ..counted
        };
        assert_eq!(top_share(&window), Some(1.0));
    }

    proptest! {
        /// A further window of the baseline can end a finding and never begins one, and the order of its windows is nothing.
        #[test]
        fn a_longer_baseline_finds_no_more(values in prop::collection::vec(prop::collection::vec(0u8..4, 2..60), 3..8), rows in 1usize..80) {
            let values: Vec<Vec<f64>> = values.iter().map(|window| window.iter().map(|value| f64::from(*value)).collect()).collect();
            let known = values.len();
            let all = [values, vec![vec![1.0; rows]]].concat();
            let windows = windows(known, &all);
            let (window, baseline) = windows.split_last().unwrap();
            let (found, fewer) = (became_constant(baseline, window), became_constant(&baseline[1..], window));
            prop_assert!(fewer || !found);
            let turned: Vec<Summary> = baseline.iter().rev().cloned().collect();
            prop_assert_eq!(became_constant(&turned, window), found);
            let constant = [baseline, std::slice::from_ref(window)].concat();
            prop_assert!(rows < 2 || !became_constant(&constant, window));
        }
    }
}
