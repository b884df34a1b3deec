//! How much a numeric feature tells about a numeric target along a straight line: R² = r², r Pearson's correlation.

use serde::{Deserialize, Serialize};

use super::NotComputed;
use super::effect_size::scaled;
use super::estimate::{Interval, Z_95};
use super::table::{check_finite, check_lengths};

/// Least number of rows: Fisher's z has the variance 1/(n−3).
const MIN_ROWS: u64 = 4;
/// What of a target is left by a line that tells all of it.
const ROUNDING: f64 = 1e-9;

/// Correlation with the target, signed, so that a flip is seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// r, in −1..=1.
    pub r: f64,
    /// 95 % interval of r by Fisher's z: tanh(atanh r ± 1.96/√(n−3)) (Fisher 1921). Good for values that are about
    /// normal; heavy tails make it too narrow.
    pub interval: Interval,
    /// Standard error of z = atanh r, √(mean ψ²/(n−3))/(1 − r²) with ψ = xy − r(x² + y²)/2 of values in standard deviations, the
    /// influence function of r (Devlin, Gnanadesikan and Kettenring 1975): 1/√(n−3) of normal values, more where tails are heavy.
    pub z_error: f64,
    /// R² = r².
    pub r_squared: f64,
    /// 95 % interval of R²: the squares of the interval of r.
    pub r_squared_interval: Interval,
    /// Rows.
    pub rows: u64,
}

/// Correlation of feature and target, one of each a row.
///
/// # Errors
/// Different lengths, NaN or an infinity, fewer than 4 rows, a constant feature or target.
pub fn correlation(values: &[f64], targets: &[f64]) -> Result<Correlation, NotComputed> {
    check_lengths(values.len(), targets.len())?;
    check_finite(values)?;
    check_finite(targets)?;
    let rows = values.len() as u64;
    if rows < MIN_ROWS {
        return Err(NotComputed::TooFewRows {
            have: rows,
            need: MIN_ROWS,
        });
    }
    let x = centred(values).ok_or(NotComputed::ConstantFeature)?;
    let y = centred(targets).ok_or(NotComputed::ConstantTarget)?;
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let spread = (dot(&x, &x) * dot(&y, &y)).sqrt();
    let r = (dot(&x, &y) / spread).clamp(-1.0, 1.0);
    let n = rows as f64;
    let unit = |values: &[f64]| (dot(values, values) / n).sqrt();
    let (of_x, of_y) = (unit(&x), unit(&y));
    let influences = x.iter().zip(&y).map(|(x, y)| {
        let (x, y) = (x / of_x, y / of_y);
        x * y - 0.5 * r * (x * x + y * y)
    });
    let squares: f64 = influences.map(|own| own * own).sum();
    let half = Z_95 / (n - 3.0).sqrt();
    // At ±1 atanh is infinite, and so are both ends.
    let interval = Interval {
        low: (r.atanh() - half).tanh(),
        high: (r.atanh() + half).tanh(),
    };
    let (low, high) = (interval.low.powi(2), interval.high.powi(2));
    Ok(Correlation {
        r,
        interval,
        // Near ±1 what is left to vary is rounding.
        z_error: match 1.0 - r * r {
            left if left > ROUNDING => (squares / n / (n - 3.0)).sqrt() / left,
            _ => (n - 3.0).powf(-0.5),
        },
        r_squared: r * r,
        r_squared_interval: Interval {
            low: if interval.contains(0.0) {
                0.0
            } else {
                low.min(high)
            },
            high: low.max(high),
        },
        rows,
    })
}

/// Deviations from the mean, in a unit in which their squares stay in range; `None` of a constant.
fn centred(values: &[f64]) -> Option<Vec<f64>> {
    let mut values = scaled(values)?;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Rows, spread};
    use super::*;
    use crate::oracle::{check, row, u};
    use proptest::prelude::*;

    #[test]
    fn the_values_are_scipys() {
        let (x, other, third) = (u(80, 0), u(80, 31), u(80, 57));
        let second = x.iter().zip(&other).map(|(a, b)| 0.7 * a + 0.3 * b);
        let noise = u(80, 99).into_iter().zip(u(80, 7));
        let y: Vec<f64> = second
            .zip(&third)
            .zip(noise)
            .map(|((second, third), (a, b))| second - 0.5 * third + 0.3 * (a - 0.5) + 0.3 * b)
            .collect();
        let found = correlation(&x, &y).unwrap();
        let expected = row("pearson");
        check(found.r, expected[0], 1e-11);
        check(found.interval.low, expected[1], 1e-9);
        check(found.interval.high, expected[2], 1e-9);
        check(found.r_squared, expected[0].powi(2), 1e-11);
        check(found.r_squared_interval.low, expected[1].powi(2), 1e-9);
        check(found.r_squared_interval.high, expected[2].powi(2), 1e-9);
    }

    proptest! {
        #[test]
        fn laws(pairs in prop::collection::vec((-5.0..5.0f64, -5.0..5.0f64), 4..60), scale in prop::sample::select(vec![8.0, 1e-300, 1e300])) {
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let found = correlation(&x, &y);
            prop_assume!(found.is_ok());
            let found = found.unwrap();
            prop_assert!((-1.0..=1.0).contains(&found.r) && found.interval.contains(found.r));
            prop_assert!(found.r_squared_interval.contains(found.r_squared));
            prop_assert!(found.r_squared_interval.low >= 0.0 && found.r_squared_interval.high <= 1.0);
            let turned = correlation(&y, &x).unwrap();
            prop_assert!((turned.r - found.r).abs() < 1e-12);
            let negative: Vec<f64> = x.iter().map(|value| -value * scale).collect();
            prop_assert!((correlation(&negative, &y).unwrap().r + found.r).abs() < 1e-9);
        }
    }

    #[test]
    fn the_ends() {
        use NotComputed::*;
        let line = [1.0, 2.0, 3.0, 4.0, 5.0];
        let found = correlation(&line, &line.map(|x| -2.0 * x)).unwrap();
        check(found.r, -1.0, 1e-15);
        check(found.z_error, 0.5f64.sqrt(), 1e-15);
        assert!(found.interval.low >= -1.0 && found.interval.high < -0.99);
        assert_eq!(correlation(&line, &[3.0; 5]), Err(ConstantTarget));
        assert_eq!(correlation(&[3.0; 5], &line), Err(ConstantFeature));
        assert_eq!(
            correlation(&line[..3], &line[..3]),
            Err(TooFewRows { have: 3, need: 4 })
        );
        assert_eq!(
            correlation(&line, &line[..4]),
            Err(LengthsDiffer { left: 5, right: 4 })
        );
        let with = |x: f64| [1.0, 2.0, x, 4.0, 5.0];
        assert_eq!(
            correlation(&with(f64::NAN), &line),
            Err(NotANumber { index: 2 })
        );
        assert_eq!(
            correlation(&line, &with(f64::INFINITY)),
            Err(Infinite { index: 2 })
        );
        let ends = [-f64::MAX, f64::MAX, 0.0, f64::MAX, -f64::MAX];
        check(correlation(&ends, &ends).unwrap().r, 1.0, 1e-15);
    }

    #[test]
    fn interval_and_standard_error_hold() {
        for (seed, rho) in [(1, 0.0f64), (2, 0.3), (3, 0.8)] {
            let (mut random, replications) = (Rows::new(seed), 2000);
            let drawn: Vec<Correlation> = (0..replications)
                .map(|_| {
                    let (x, y): (Vec<f64>, Vec<f64>) = (0..200)
                        .map(|_| {
                            let x = random.normal();
                            (x, rho * x + (1.0 - rho * rho).sqrt() * random.normal())
                        })
                        .unzip();
                    correlation(&x, &y).unwrap()
                })
                .collect();
            let share = |of: &dyn Fn(&Correlation) -> bool| {
                drawn.iter().filter(|d| of(d)).count() as f64 / f64::from(replications)
            };
            let covered = share(&|d| d.interval.contains(rho));
            assert!((0.935..=0.965).contains(&covered), "{rho}: {covered}");
            assert!(share(&|d| d.r_squared_interval.contains(rho * rho)) >= covered);
            let zs: Vec<f64> = drawn.iter().map(|d| d.r.atanh()).collect();
            let squares = drawn.iter().map(|d| d.z_error.powi(2));
            let error = (squares.sum::<f64>() / f64::from(replications)).sqrt();
            let ratio = error / spread(&zs).1;
            println!("{rho}: {ratio}");
            assert!((0.95..=1.05).contains(&ratio), "{rho}: {ratio}");
        }
    }
}
