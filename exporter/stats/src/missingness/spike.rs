//! Is there a value that is filled in where values are missing? Look for one that became frequent.
//!
//! A value is suspected when its share of the window exceeds its share of the baseline by at least a floor, and by
//! more than two samples of one share do with probability α: Fisher's exact test, one-sided (Fisher 1935), that is
//! the binomial null of both samples with their total given. α is divided by the number of values that could
//! reach the floor (Bonferroni). A value that was frequent before, such as 0, is not suspected for being frequent;
//! whether its share rose because of imputation or because the feature changed, no test can tell: the baseline's
//! share stands beside it.

use serde::{Deserialize, Serialize};
use statrs::function::factorial::ln_binomial;

use super::NotComputed;

/// The fewest values on either side.
pub const MIN_VALUES: u64 = 20;

/// A value that became frequent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spike {
    /// The value.
    pub value: f64,
    /// Its number in the baseline and in the window.
    pub counts: (u64, u64),
    /// Its share of the baseline's and of the window's values.
    pub shares: (f64, f64),
    /// Probability that it is so frequent in the window when nothing changed, not adjusted.
    pub p_value: f64,
    /// Share of the window's values that were replaced by it, if that is all that happened: (q − p)/(1 − p).
    pub imputed_share: f64,
}

/// What the search found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The suspected value whose share rose most; of two with the same rise the smaller.
    pub spike: Option<Spike>,
    /// How many values are suspected.
    pub suspected: u64,
    /// The values of baseline and window that were compared.
    pub compared: (u64, u64),
}

/// Looks for a value whose share rose by at least `floor` (in 0..=1, at least 0.001) and more than by chance at
/// `alpha`, over the whole search. NaN is missing; −0 and 0 are one value; infinities are values.
///
/// # Errors
/// When there are fewer than [`MIN_VALUES`] values on either side.
pub fn search(
    baseline: &[f64],
    current: &[f64],
    floor: f64,
    alpha: f64,
) -> Result<Search, NotComputed> {
    let (before, now) = (sorted(baseline), sorted(current));
    let (n, m) = (before.len() as u64, now.len() as u64);
    let need = MIN_VALUES;
    if n < need {
        return Err(NotComputed::NoReference { have: n, need });
    }
    if m < need {
        return Err(NotComputed::TooFewRows { have: m, need });
    }
    let floor = floor.max(0.001);
    let mut found = Search {
        spike: None,
        suspected: 0,
        compared: (n, m),
    };
    for same in now.chunk_by(|a, b| a == b) {
        let (Some(&value), c) = (same.first(), same.len() as u64) else {
            continue;
        };
        let q = c as f64 / m as f64;
        if q < floor {
            continue;
        }
        let below = before.partition_point(|x| *x < value);
        let a = before.partition_point(|x| *x <= value) - below;
        let p = a as f64 / n as f64;
        if q - p < floor {
            continue;
        }
        let p_value = at_least(a as u64, n, c, m);
        // At most 1/floor values hold at least the floor.
        if p_value > alpha * floor {
            continue;
        }
        found.suspected += 1;
        let rise = |spike: &Spike| spike.shares.1 - spike.shares.0;
        if found.spike.is_none_or(|best| q - p > rise(&best)) {
            found.spike = Some(Spike {
                value,
                counts: (a as u64, c),
                shares: (p, q),
                p_value,
                imputed_share: (q - p) / (1.0 - p),
            });
        }
    }
    Ok(found)
}

/// What is not NaN, in rising order, with −0 as 0.
fn sorted(values: &[f64]) -> Vec<f64> {
    let numbers = values.iter().filter(|value| !value.is_nan());
    let mut sorted: Vec<f64> = numbers.map(|value| value + 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// P(C ≥ c) when of a + c rows with the value, drawn from n + m without it being known which, C are of the m:
/// the hypergeometric tail.
fn at_least(a: u64, n: u64, c: u64, m: u64) -> f64 {
    let total = a + c;
    let ln_first = ln_binomial(m, c) + ln_binomial(n, a) - ln_binomial(n + m, total);
    let (mut term, mut sum) = (1.0, 1.0);
    for x in c..total.min(m) {
        // P(x + 1)/P(x).
        let (left, rest) = ((total - x) as f64, (m - x) as f64);
        term *= left * rest / ((x + 1) as f64 * (n + x + 1 - total) as f64);
        sum += term;
        if term < 1e-17 * sum {
            break;
        }
    }
    (ln_first.exp() * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::rows;
    use proptest::prelude::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    proptest! {
        #[test]
        fn laws(a in prop::collection::vec(0..6i32, 20..200), c in prop::collection::vec(0..6i32, 20..200), fill in 0usize..200) {
            let of = |values: &[i32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
            let (a, mut c) = (of(&a), of(&c));
            prop_assert_eq!(search(&a, &a, 0.01, 0.05).unwrap().spike, None);
            if let Some(spike) = search(&a, &c, 0.01, 0.05).unwrap().spike {
                let count = |values: &[f64]| values.iter().filter(|value| **value == spike.value).count() as u64;
                prop_assert_eq!(spike.counts, (count(&a), count(&c)));
                prop_assert!((0.0..=1.0).contains(&spike.p_value) && spike.imputed_share > 0.0 && spike.imputed_share <= 1.0);
                prop_assert!(spike.shares.1 - spike.shares.0 >= 0.01);
            }
            // More rows with a new value never make it less suspect; the order of rows is nothing.
            let more = fill.min(c.len());
            c[..more].fill(99.0);
            let found = search(&a, &c, 0.01, 0.05).unwrap();
            c.reverse();
            prop_assert_eq!(search(&a, &c, 0.01, 0.05).unwrap(), found);
            if more == c.len() {
                prop_assert_eq!(found.spike.unwrap().value, 99.0);
            }
        }
    }

    #[test]
    fn the_tail_is_scipys() {
        for row in rows("fisher greater") {
            let [a, n, c, m] = [0, 1, 2, 3].map(|at| row[at] as u64);
            let found = at_least(a, n, c, m);
            assert!((found - row[4]).abs() <= 1e-9 * row[4], "{row:?} {found}");
        }
    }

    #[test]
    fn what_cannot_be_compared_says_so() {
        let (few, many) = ([1.0; 19], [1.0; 20]);
        assert_eq!(
            search(&few, &many, 0.01, 0.05),
            Err(NotComputed::NoReference { have: 19, need: 20 })
        );
        assert_eq!(
            search(&many, &few, 0.01, 0.05),
            Err(NotComputed::TooFewRows { have: 19, need: 20 })
        );
        assert_eq!(
            search(&[], &[], 0.01, 0.05),
            Err(NotComputed::NoReference { have: 0, need: 20 })
        );
        let gaps: Vec<f64> = (0..40)
            .map(|i| if i < 30 { f64::NAN } else { 1.0 })
            .collect();
        assert_eq!(
            search(&many, &gaps, 0.01, 0.05),
            Err(NotComputed::TooFewRows { have: 10, need: 20 })
        );
    }

    #[test]
    fn zeros_of_both_signs_are_one_value_and_an_infinity_can_be_a_fill() {
        let before: Vec<f64> = (0..100).map(f64::from).collect();
        let signs: Vec<f64> = (0..100)
            .map(|i| if i % 2 == 0 { 0.0 } else { -0.0 })
            .collect();
        let spike = search(&before, &signs, 0.01, 0.05).unwrap().spike.unwrap();
        assert_eq!((spike.value, spike.counts), (0.0, (1, 100)));
        let infinite = search(&before, &[f64::INFINITY; 30], 0.01, 0.05)
            .unwrap()
            .spike
            .unwrap();
        assert_eq!(
            (infinite.value, infinite.imputed_share),
            (f64::INFINITY, 1.0)
        );
    }

    /// Mostly 0, and the rest either whole numbers or not: nothing changes, and nothing is suspected more often
    /// than α promises. 3 % of values filled with the mean are found, and so is what share they are.
    #[test]
    fn a_natural_point_mass_is_no_imputation_and_a_fill_is_found() {
        let mut rng = SmallRng::seed_from_u64(5);
        for whole in [true, false] {
            let mut draw = |rows: usize| -> Vec<f64> {
                let mut one = || {
                    let value = 30.0 * rng.random::<f64>();
                    if rng.random::<f64>() < 0.4 {
                        0.0
                    } else if whole {
                        value.floor()
                    } else {
                        value
                    }
                };
                (0..rows).map(|_| one()).collect()
            };
            let before = draw(3000);
            let alarms = (0..300)
                .filter(|_| search(&before, &draw(500), 0.001, 0.05).unwrap().suspected > 0)
                .count();
            assert!(alarms <= 20, "{alarms}");
            let mut now = draw(2000);
            now.iter_mut().step_by(33).for_each(|value| *value = 9.123);
            let found = search(&before, &now, 0.01, 1e-6).unwrap();
            let spike = found.spike.unwrap();
            assert_eq!((found.suspected, spike.value), (1, 9.123));
            assert!((spike.imputed_share - 61.0 / 2000.0).abs() < 1e-12);
        }
    }
}
