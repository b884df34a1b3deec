//! How far the ranking of features by their contributions has moved: normalised discounted cumulative gain.
//!
//! NDCG = DCG/ideal DCG over all places, DCG = Σ gain/log₂(place + 1), places from 1 (Järvelin and Kekäläinen 2002).
//! Gains are the baseline's contributions; places follow the current ones. Features with equal current contributions
//! share the mean of their places' discounts (McSherry and Najork 2008), so that no order has to be made up.

use super::NotComputed;
use super::table::{check_finite, check_lengths};

/// Below this the ranking is taken to have moved.
pub const STABLE: f64 = 0.90;

/// NDCG of the current ranking, in 0..=1; 1 is the baseline's ranking. Both slices hold a contribution a feature, in
/// the same order; a feature that is no longer there contributes 0.
///
/// # Errors
/// Different lengths, a contribution that is negative or not finite, no contribution in the baseline.
pub fn ndcg(baseline: &[f64], current: &[f64]) -> Result<f64, NotComputed> {
    check_lengths(baseline.len(), current.len())?;
    if baseline.is_empty() {
        return Err(NotComputed::NoFeature);
    }
    for side in [baseline, current] {
        check_finite(side)?;
        if let Some(index) = side.iter().position(|value| *value < 0.0) {
            return Err(NotComputed::NegativeContribution { index });
        }
    }
    // In units of the largest, so that no sum overflows; −0 is 0.
    let largest = baseline.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return Err(NotComputed::NoContribution);
    }
    let rank = |keys: &[f64]| -> Vec<(f64, f64)> {
        let gains = baseline.iter().map(|gain| gain / largest);
        let mut ranked: Vec<(f64, f64)> = keys.iter().map(|key| key + 0.0).zip(gains).collect();
        ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
        ranked
    };
    let ideal = dcg(&rank(baseline));
    Ok((dcg(&rank(current)) / ideal).clamp(0.0, 1.0))
}

/// DCG of (key, gain) in falling order of keys.
fn dcg(ranked: &[(f64, f64)]) -> f64 {
    let mut place = 1u32;
    let mut sum = 0.0;
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let mut discounts = 0.0;
        for _ in tied {
            place = place.saturating_add(1);
            discounts += 1.0 / f64::from(place).log2();
        }
        let gain: f64 = tied.iter().map(|(_, gain)| gain).sum();
        sum += gain * discounts / tied.len() as f64;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, rows};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn laws(pairs in prop::collection::vec((0u8..20, 0u8..20), 1..40), turn in 0usize..40) {
            let (a, c): (Vec<f64>, Vec<f64>) = pairs.iter().map(|(a, c)| (f64::from(*a), f64::from(*c))).unzip();
            prop_assume!(a.iter().any(|gain| *gain > 0.0));
            let found = ndcg(&a, &c).unwrap();
            prop_assert!(found > 0.0 && found <= 1.0);
            prop_assert!((ndcg(&a, &a).unwrap() - 1.0).abs() < 1e-12);
            // The order in which features are named does not matter, nor does the unit.
            let turned = |v: &[f64]| [&v[turn % v.len()..], &v[..turn % v.len()]].concat();
            prop_assert_eq!(ndcg(&turned(&a), &turned(&c)).unwrap(), found);
            let scaled: Vec<f64> = c.iter().map(|value| value * 4.0).collect();
            prop_assert_eq!(ndcg(&a, &scaled).unwrap(), found);
        }
    }

    #[test]
    fn the_values_are_scikit_learns() {
        let values = rows("ndcg");
        assert!(values.len() >= 8);
        for pair in values.chunks(3) {
            check(ndcg(&pair[0], &pair[1]).unwrap(), pair[2][0], 1e-12);
        }
    }

    #[test]
    fn what_has_no_ranking_is_said() {
        use NotComputed::*;
        assert_eq!(ndcg(&[], &[]), Err(NoFeature));
        assert_eq!(ndcg(&[1.0], &[]), Err(LengthsDiffer { left: 1, right: 0 }));
        assert_eq!(ndcg(&[0.0, -0.0], &[1.0, 2.0]), Err(NoContribution));
        assert_eq!(
            ndcg(&[1.0, 2.0], &[1.0, -1e-9]),
            Err(NegativeContribution { index: 1 })
        );
        assert_eq!(
            ndcg(&[1.0, f64::NAN], &[1.0, 1.0]),
            Err(NotANumber { index: 1 })
        );
        assert_eq!(
            ndcg(&[1.0, 1.0], &[f64::INFINITY, 1.0]),
            Err(Infinite { index: 0 })
        );
        assert_eq!(ndcg(&[3.0], &[0.0]), Ok(1.0));
        assert_eq!(ndcg(&[f64::MAX; 3], &[1.0; 3]), Ok(1.0));
    }
}
