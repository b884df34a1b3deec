//! What filling in missing values did: how many are filled in, how far they are from the others, and how much the
//! distribution is distorted.
//!
//! Which rows are imputed is said by a flag column, or suspected by a fill value ([`rows_with`]).
//!
//! *Variance ratio* without an interval: imputed values follow a rule (the mean, a model, the last value) and are
//! no random sample of anything, so that an interval would claim what nobody knows; with one fill value it is 0.
//! The F test would need normal distributions besides.
//! *Distortion* is the standard deviation of all values over that of the observed ones: below 1 where imputation
//! hides variation, as filling in the mean does (Little and Rubin 2019, section 4.2).

use serde::{Deserialize, Serialize};

use super::scaled::{moments, standardised};
use super::{Indicator, NotComputed};
use crate::distance::ks;

/// The fewest imputed and the fewest observed values that are compared.
pub const MIN_VALUES: u64 = 20;

/// Kolmogorov–Smirnov distance of the imputed from the observed values, on the values themselves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// D = sup|F − G|.
    pub distance: f64,
    /// Probability of a distance at least as large when both are samples of one distribution, see [`ks`].
    pub p_value: f64,
}

/// How imputed values compare with observed ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Imputation {
    /// All rows.
    pub rows: u64,
    /// Rows that are imputed.
    pub imputed: u64,
    /// Rows that are said to be imputed but hold no finite value.
    pub imputed_without_value: u64,
    /// Share of all rows that are imputed, `None` without a row.
    pub share: Option<f64>,
    /// Finite values that were compared: imputed and observed.
    pub compared: (u64, u64),
    /// Distance of the imputed from the observed values.
    pub difference: Result<Difference, NotComputed>,
    /// Variance of the imputed values over that of the observed ones.
    pub variance_ratio: Result<f64, NotComputed>,
    /// Standard deviation of all values over that of the observed ones.
    pub distortion: Result<f64, NotComputed>,
}

/// The rows that hold a suspected fill value, as a flag column would say it. −0 is 0; a fill value of NaN is in no
/// row.
pub fn rows_with(values: &[f64], fill: f64) -> Indicator {
    values.iter().map(|value| *value == fill).collect()
}

/// Compares the rows that `imputed` has set with the others. NaN is missing; infinities are left out.
///
/// # Errors
/// When both have different numbers of rows; what cannot be computed of them is said in its field.
pub fn compare(values: &[f64], imputed: &Indicator) -> Result<Imputation, NotComputed> {
    if values.len() != imputed.rows() {
        return Err(NotComputed::Lengths {
            column: 1,
            have: imputed.rows(),
            need: values.len(),
        });
    }
    let (rows, count) = (values.len() as u64, imputed.count());
    // In one unit, so that no variance overflows; all ratios are free of it.
    let scaled = standardised(values);
    let side = |flagged: bool| -> Vec<f64> {
        let rows = values.iter().enumerate();
        let finite = rows.filter(|(row, value)| value.is_finite() && imputed.get(*row) == flagged);
        finite
            .map(|(row, _)| scaled.as_ref().map_or(0.0, |scaled| scaled[row]))
            .collect()
    };
    let (filled, observed) = (side(true), side(false));
    let compared = (filled.len() as u64, observed.len() as u64);
    let have = compared.0.min(compared.1);
    let enough = if have < MIN_VALUES {
        Err(NotComputed::TooFewRows {
            have,
            need: MIN_VALUES,
        })
    } else {
        Ok(())
    };
    let seen = variance(&observed).filter(|variance| *variance > 0.0);
    let spread = enough.and(seen.ok_or(NotComputed::ZeroSpread));
    let all = scaled.map_or(0.0, |_| 1.0);
    Ok(Imputation {
        rows,
        imputed: count,
        imputed_without_value: count - compared.0,
        share: (rows > 0).then(|| count as f64 / rows as f64),
        compared,
        difference: enough.map(|()| difference(filled.clone(), observed)),
        variance_ratio: spread.map(|seen| variance(&filled).unwrap_or(0.0) / seen),
        distortion: spread.map(|seen| (all / seen).sqrt()),
    })
}

/// Variance with denominator n − 1; 0 of equal values.
fn variance(values: &[f64]) -> Option<f64> {
    let found = moments(values)?;
    if found.min == found.max {
        return Some(0.0);
    }
    found.variance
}

/// The distance of two samples that are not empty.
fn difference(mut a: Vec<f64>, mut c: Vec<f64>) -> Difference {
    a.sort_unstable_by(f64::total_cmp);
    c.sort_unstable_by(f64::total_cmp);
    let (n, m) = (a.len(), c.len());
    let (mut i, mut j, mut distance) = (0, 0, 0.0f64);
    while i < n && j < m {
        let at = a[i].min(c[j]);
        i += a[i..].iter().take_while(|value| **value <= at).count();
        j += c[j..].iter().take_while(|value| **value <= at).count();
        distance = distance.max((i as f64 / n as f64 - j as f64 / m as f64).abs());
    }
    Difference {
        distance,
        p_value: ks::p_value(distance, n as u64, m as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, current, number, reference, row};
    use proptest::prelude::*;

    /// Imputed values behind observed ones, with the flags.
    fn of(imputed: &[f64], observed: &[f64]) -> Imputation {
        let flags = (0..observed.len() + imputed.len()).map(|row| row >= observed.len());
        compare(&[observed, imputed].concat(), &flags.collect()).unwrap()
    }

    proptest! {
        #[test]
        fn laws(rows in prop::collection::vec((any::<bool>(), prop_oneof![6 => -1e3..1e3f64, 3 => (0..3i32).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]), 0..200), exponent in -900i32..900) {
            let (flags, values): (Vec<bool>, Vec<f64>) = rows.iter().copied().unzip();
            let found = compare(&values, &flags.iter().copied().collect()).unwrap();
            prop_assert_eq!(found.compared.0 + found.imputed_without_value, found.imputed);
            prop_assert_eq!(found.share.is_some(), !rows.is_empty());
            if let Ok(Difference { distance, p_value }) = found.difference {
                prop_assert!((0.0..=1.0).contains(&distance) && (0.0..=1.0).contains(&p_value));
                let side = |flag: bool, x: f64| {
                    let of: Vec<f64> = rows.iter().filter(|(is, value)| *is == flag && value.is_finite()).map(|(_, value)| *value).collect();
                    of.iter().filter(|value| **value <= x).count() as f64 / of.len() as f64
                };
                let exact = values.iter().filter(|x| x.is_finite()).map(|&x| (side(true, x) - side(false, x)).abs()).fold(0.0, f64::max);
                prop_assert!((exact - distance).abs() < 1e-12);
            }
            let scaled: Vec<f64> = values.iter().map(|value| value * 2f64.powi(exponent)).collect();
            let other = compare(&scaled, &flags.iter().copied().collect()).unwrap();
            prop_assert_eq!(other.difference.map(|d| d.distance), found.difference.map(|d| d.distance));
            if let (Ok(a), Ok(b)) = (other.variance_ratio, found.variance_ratio) {
                prop_assert!((a - b).abs() <= 1e-9 * b);
            }
        }
    }

    #[test]
    fn the_values_are_scipys() {
        let found = of(&current(), &reference());
        let difference = found.difference.unwrap();
        check(difference.distance, number("KS D"), 1e-12);
        check(difference.p_value, number("KS p"), 1e-9);
        let expected = row("imputed against observed");
        check(found.variance_ratio.unwrap(), expected[0], 1e-12);
        check(found.distortion.unwrap(), expected[1], 1e-12);
        assert_eq!(found.share, Some(150.0 / 550.0));
    }

    #[test]
    fn filling_in_the_mean_hides_variation() {
        let observed: Vec<f64> = (0..100).map(f64::from).collect();
        let found = of(&[49.5; 100], &observed);
        assert_eq!((found.share, found.variance_ratio), (Some(0.5), Ok(0.0)));
        assert_eq!(found.difference.unwrap().distance, 0.5);
        // Σ(x − x̄)² is as before, over 199 instead of 99.
        check(found.distortion.unwrap(), (99f64 / 199.0).sqrt(), 1e-12);
        let values = [&observed[..], &[49.5; 100]].concat();
        assert_eq!(compare(&values, &rows_with(&values, 49.5)).unwrap(), found);
        assert_eq!(rows_with(&[0.0, -0.0, f64::NAN], -0.0).count(), 2);
        assert_eq!(rows_with(&[0.0, f64::NAN], f64::NAN).count(), 0);
    }

    #[test]
    fn what_cannot_be_compared_says_so() {
        let few = NotComputed::TooFewRows { have: 19, need: 20 };
        let found = of(&[1.0; 19], &[2.0; 50]);
        assert_eq!(
            (found.difference, found.variance_ratio, found.distortion),
            (Err(few), Err(few), Err(few))
        );
        let flat = of(&[1.0; 30], &[2.0; 50]);
        assert_eq!(flat.difference.unwrap().distance, 1.0);
        assert_eq!(
            (flat.variance_ratio, flat.distortion),
            (Err(NotComputed::ZeroSpread), Err(NotComputed::ZeroSpread))
        );
        let none = of(&[], &[]);
        assert_eq!(
            (none.share, none.difference),
            (None, Err(NotComputed::TooFewRows { have: 0, need: 20 }))
        );
        let gone = of(&[f64::NAN; 30], &[1.0; 50]);
        assert_eq!((gone.imputed, gone.imputed_without_value), (30, 30));
        let wrong = compare(&[1.0], &Indicator::default());
        assert_eq!(
            wrong,
            Err(NotComputed::Lengths {
                column: 1,
                have: 0,
                need: 1
            })
        );
        let same = of(&[3.0; 30], &[3.0; 30]).difference.unwrap();
        assert_eq!((same.distance, same.p_value), (0.0, 1.0));
    }
}
