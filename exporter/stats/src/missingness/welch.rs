//! Welch's t test: are the means of two groups with variances of their own the same?
//!
//! t = (x̄₁ − x̄₀)/√(s₁²/n₁ + s₀²/n₀), Student's t with (s₁²/n₁ + s₀²/n₀)²/((s₁²/n₁)²/(n₁−1) + (s₀²/n₀)²/(n₀−1))
//! degrees of freedom (Welch 1938 and 1947, Satterthwaite 1946).

use serde::{Deserialize, Serialize};

use super::NotComputed;
use crate::tail;

/// Count, mean and variance of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Number of values.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// Their variance, denominator n − 1.
    pub variance: f64,
}

/// The test's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Welch {
    /// The statistic, positive where the first group has the larger mean.
    pub t: f64,
    /// Degrees of freedom by Welch and Satterthwaite.
    pub degrees: f64,
    /// Two-sided probability of a statistic at least as far from 0 when the means are the same.
    pub p_value: f64,
    /// Standardised mean difference, (x̄₁ − x̄₀)/√((s₁² + s₀²)/2) (Austin 2009): what the test found, in standard
    /// deviations and without the number of rows.
    pub effect: f64,
}

/// Compares the first group with the second.
///
/// # Errors
/// When a group has fewer than two values, or both are constant.
pub fn test(first: &Group, second: &Group) -> Result<Welch, NotComputed> {
    let have = first.count.min(second.count);
    if have < 2 {
        return Err(NotComputed::TooFewRows { have, need: 2 });
    }
    let (n, m) = (first.count as f64, second.count as f64);
    let (a, b) = (first.variance / n, second.variance / m);
    if (a + b).is_nan() || a + b <= 0.0 {
        return Err(NotComputed::ZeroSpread);
    }
    let difference = first.mean - second.mean;
    let t = difference / (a + b).sqrt();
    // With shares of the whole, so that tiny variances do not underflow when squared.
    let (share_a, share_b) = (a / (a + b), b / (a + b));
    let degrees = 1.0 / (share_a * share_a / (n - 1.0) + share_b * share_b / (m - 1.0));
    Ok(Welch {
        t,
        degrees,
        p_value: (2.0 * tail::student_sf(t.abs(), degrees)).min(1.0),
        effect: difference / (0.5 * (first.variance + second.variance)).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missingness::scaled::moments;
    use crate::oracle::{check, current, reference, row};
    use proptest::prelude::*;

    fn group(values: &[f64]) -> Group {
        let m = moments(values).unwrap();
        Group {
            count: m.count,
            mean: m.mean,
            variance: m.variance.unwrap(),
        }
    }

    proptest! {
        #[test]
        fn laws(a in prop::collection::vec(-1e3..1e3f64, 2..50), b in prop::collection::vec(-1e3..1e3f64, 2..50), scale in prop::sample::select(vec![1e-120, 3.0, 1e120])) {
            let found = test(&group(&a), &group(&b)).unwrap();
            let turned = test(&group(&b), &group(&a)).unwrap();
            prop_assert_eq!((found.t, found.effect, found.p_value), (-turned.t, -turned.effect, turned.p_value));
            let least = (a.len().min(b.len()) - 1) as f64;
            prop_assert!(found.degrees >= least * (1.0 - 1e-12) && found.degrees <= (a.len() + b.len() - 2) as f64 * (1.0 + 1e-12));
            prop_assert!((0.0..=1.0).contains(&found.p_value));
            let scaled = |values: &[f64]| group(&values.iter().map(|value| value * scale).collect::<Vec<_>>());
            let other = test(&scaled(&a), &scaled(&b)).unwrap();
            prop_assert!((other.t - found.t).abs() <= 1e-9 * (1.0 + found.t.abs()) && (other.p_value - found.p_value).abs() < 1e-9);
        }
    }

    #[test]
    fn the_values_are_scipys() {
        let found = test(&group(&reference()), &group(&current())).unwrap();
        let values = [found.t, found.degrees, found.p_value, found.effect];
        for (found, expected) in values.into_iter().zip(row("Welch")) {
            check(found, expected, 1e-10);
        }
    }

    #[test]
    fn without_spread_there_is_no_test() {
        let flat = |mean, count| Group {
            count,
            mean,
            variance: 0.0,
        };
        assert_eq!(
            test(&flat(1.0, 30), &flat(2.0, 30)),
            Err(NotComputed::ZeroSpread)
        );
        assert_eq!(
            test(&flat(1.0, 1), &flat(2.0, 30)),
            Err(NotComputed::TooFewRows { have: 1, need: 2 })
        );
        // One constant group is enough of a test: its mean is known exactly.
        let found = test(&flat(1.0, 30), &group(&[0.0, 2.0, 4.0])).unwrap();
        assert_eq!(
            (found.degrees, found.t),
            (2.0, -1.0 / (4.0f64 / 3.0).sqrt())
        );
    }
}
