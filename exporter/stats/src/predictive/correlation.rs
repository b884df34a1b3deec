//! How much a numeric feature tells about a numeric target along a straight line: R² = r², r Pearson's correlation.

use serde::{Deserialize, Serialize};

use super::NotComputed;
use super::effect_size::{scaled, second_order};
use super::estimate::{Estimate, Interval, Z_95};
use super::table::{check_finite, check_lengths};

/// Least number of rows: Fisher's z has the variance 1/(n−3).
const MIN_ROWS: u64 = 4;

/// Correlation with the target, signed, so that a flip is seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// r, in −1..=1.
    pub r: f64,
    /// 95 % interval of r by Fisher's z: tanh(atanh r ± 1.96/√(n−3)) (Fisher 1921). Good for values that are about
    /// normal; heavy tails make it too narrow.
    pub interval: Interval,
    /// R² = r² and its standard error: √(4r²(1−r²)²/n), and 2/n² of variance where r is 0.
    pub r_squared: Estimate,
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
    let half = Z_95 / (n - 3.0).sqrt();
    // At ±1 atanh is infinite, and so are both ends.
    let interval = Interval {
        low: (r.atanh() - half).tanh(),
        high: (r.atanh() + half).tanh(),
    };
    let (low, high) = (interval.low.powi(2), interval.high.powi(2));
    let first_order = 4.0 * r * r * (1.0 - r * r).powi(2) / n;
    let null = 2.0 / (n * n);
    Ok(Correlation {
        r,
        interval,
        r_squared: Estimate {
            value: r * r,
            standard_error: second_order(first_order, null).sqrt(),
        },
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
