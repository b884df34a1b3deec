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
/// Square of a t of which the next term of atanh's series, t⁸/9 of t, is lost in rounding.
const LITTLE: f64 = 1e-4;

/// Correlation with the target, signed, so that a flip is seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// r, in −1..=1.
    pub r: f64,
    /// Standard error of z = atanh r by the jackknife (Tukey 1958), √((n−1)/n·Σ(zᵢ − z̄)²) with zᵢ that of all rows but one: about
    /// 1/√(n−3) of normal values, more where tails are heavy. The influence function of r is too small there, since it takes the standard
    /// deviations for known, to which a row far out adds most; the jackknife is no smaller than the truth on average (Efron and Stein 1981).
    pub z_error: f64,
    /// Skewness of z by the same, Σ(z̄ − zᵢ)³ ÷ (Σ(z̄ − zᵢ)²)^1.5: six times the acceleration of Efron (1987). About 0 of normal values, and
    /// taken for it in what was saved without.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub z_skewness: f64,
    /// R² = r².
    pub r_squared: f64,
    /// 95 % interval of R²: the squares of tanh(z ± 1.96 `z_error`), which is Fisher's (1921) interval of r for normal values, and wider
    /// where tails are heavy.
    pub r_squared_interval: Interval,
    /// Rows.
    pub rows: u64,
}

impl Correlation {
    /// Of a feature that has one value in all rows and so tells nothing: R² is 0, as sure as that of a normal one that tells nothing.
    ///
    /// # Errors
    /// Fewer than 4 rows.
    pub fn of_a_constant(rows: u64) -> Result<Self, NotComputed> {
        if rows < MIN_ROWS {
            return Err(NotComputed::TooFewRows {
                have: rows,
                need: MIN_ROWS,
            });
        }
        Ok(Self::new(0.0, Spread::normal(rows as f64), rows))
    }

    fn new(r: f64, spread: Spread, rows: u64) -> Self {
        let interval = of_r(r, spread.error);
        let (low, high) = (interval.low.powi(2), interval.high.powi(2));
        Correlation {
            r,
            z_error: spread.error,
            z_skewness: spread.skewness,
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
        }
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// 95 % interval of r; at ±1 z is infinite, and so are both ends.
fn of_r(r: f64, z_error: f64) -> Interval {
    let half = Z_95 * z_error;
    Interval {
        low: (r.atanh() - half).tanh(),
        high: (r.atanh() + half).tanh(),
    }
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
    let sums = Sums {
        of_x: dot(&x, &x),
        of_y: dot(&y, &y),
        of_both: dot(&x, &y),
    };
    let r = sums.r().clamp(-1.0, 1.0);
    // Near ±1 what is left to vary is rounding.
    let spread = match 1.0 - r * r {
        left if left > ROUNDING => Spread::jackknife(&x, &y, sums),
        _ => Spread::normal(rows as f64),
    };
    Ok(Correlation::new(r, spread, rows))
}

/// Sums of the squares and products of deviations from the means.
#[derive(Debug, Clone, Copy)]
struct Sums {
    of_x: f64,
    of_y: f64,
    of_both: f64,
}

impl Sums {
    /// The correlation, by rounding also a little beyond ±1.
    fn r(&self) -> f64 {
        self.of_both / (self.of_x * self.of_y).sqrt()
    }
}

/// How z = atanh r varies.
#[derive(Debug, Clone, Copy)]
struct Spread {
    /// Standard error.
    error: f64,
    skewness: f64,
}

impl Spread {
    /// Of n rows of normal values (Fisher 1921).
    fn normal(rows: f64) -> Self {
        Spread {
            error: (rows - 3.0).powf(-0.5),
            skewness: 0.0,
        }
    }

    /// By the jackknife, of deviations from the means. Without a row the sum of squares of n rows is less by n/(n−1) times that of the row.
    fn jackknife(x: &[f64], y: &[f64], all: Sums) -> Self {
        let most = 1.0 - ROUNDING;
        let r = all.r().clamp(-most, most);
        let n = x.len() as f64;
        let times = n / (n - 1.0);
        let without = |(x, y): (&f64, &f64)| {
            let left = Sums {
                of_x: all.of_x - times * x * x,
                of_y: all.of_y - times * y * y,
                of_both: all.of_both - times * x * y,
            };
            // What a row alone makes vary tells nothing without it.
            match left.of_x > ROUNDING * all.of_x && left.of_y > ROUNDING * all.of_y {
                true => left.r().clamp(-most, most),
                false => 0.0,
            }
        };
        let sums = x.iter().zip(y).fold([0.0; 3], |sums, row| {
            let other = without(row);
            let moved = atanh((r - other) / (1.0 - r * other));
            let squared = moved * moved;
            [
                sums[0] + moved,
                sums[1] + squared,
                sums[2] + squared * moved,
            ]
        });
        let [mean, square, cube] = sums.map(|sum| sum / n);
        // They are about z itself, which is next to their mean.
        let second = (square - mean * mean).max(0.0);
        let third = cube - mean * (3.0 * square - 2.0 * mean * mean);
        Spread {
            error: ((n - 1.0) * second).sqrt(),
            skewness: match (n * second.powi(3)).sqrt() {
                unit if unit > 0.0 => (third / unit).clamp(-n.sqrt(), n.sqrt()),
                _ => 0.0,
            },
        }
    }
}

/// atanh, by the series where that is as exact and takes less time.
fn atanh(t: f64) -> f64 {
    let square = t * t;
    if square > LITTLE {
        return t.atanh();
    }
    t * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square / 7.0)))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
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
    use crate::oracle::{check, row, rows, u};
    use proptest::prelude::*;

    fn about_a_line() -> (Vec<f64>, Vec<f64>) {
        let (x, other, third) = (u(80, 0), u(80, 31), u(80, 57));
        let second = x.iter().zip(&other).map(|(a, b)| 0.7 * a + 0.3 * b);
        let noise = u(80, 99).into_iter().zip(u(80, 7));
        let y: Vec<f64> = second
            .zip(&third)
            .zip(noise)
            .map(|((second, third), (a, b))| second - 0.5 * third + 0.3 * (a - 0.5) + 0.3 * b)
            .collect();
        (x, y)
    }

    #[test]
    fn the_values_are_scipys() {
        let (x, y) = about_a_line();
        let found = correlation(&x, &y).unwrap();
        let expected = row("pearson");
        check(found.r, expected[0], 1e-11);
        check(found.r_squared, expected[0].powi(2), 1e-11);
        // Theirs is the interval for normal values.
        let normal = Correlation::new(found.r, Spread::normal(80.0), 80).r_squared_interval;
        check(normal.low, expected[1].powi(2), 1e-9);
        check(normal.high, expected[2].powi(2), 1e-9);
    }

    /// Of all rows but one each, of normal values and of ones with heavy tails.
    #[test]
    fn the_jackknife_leaves_out_each_row() {
        let (x, y) = about_a_line();
        let heavy = |z: f64| (3.0 * (z - 0.5)).tan();
        let other: Vec<f64> = x.iter().zip(&y).map(|(x, y)| heavy(x + 0.02 * y)).collect();
        let first: Vec<f64> = x.iter().copied().map(heavy).collect();
        for ((x, y), expected) in [(x, y), (first, other)].iter().zip(rows("jackknife of z")) {
            let found = correlation(x, y).unwrap();
            check(found.z_error, expected[0], 1e-9);
            check(found.z_skewness, expected[1], 1e-7);
        }
    }

    /// What was saved before its skewness was has that of normal values; it is saved as it was.
    #[test]
    fn a_saved_line_without_its_skewness_is_read() {
        let line = Correlation::new(0.5, Spread::normal(103.0), 103);
        let saved = serde_json::to_value(line).unwrap();
        assert!(saved.get("z_skewness").is_none());
        assert_eq!(serde_json::from_value::<Correlation>(saved).unwrap(), line);
        let skewed = Correlation {
            z_skewness: -0.2,
            ..line
        };
        let saved = serde_json::to_value(skewed).unwrap();
        assert_eq!(
            serde_json::from_value::<Correlation>(saved).unwrap(),
            skewed
        );
    }

    proptest! {
        #[test]
        fn the_series_of_atanh_is_exact(t in -0.03..0.03f64) {
            check(atanh(t), t.atanh(), 1e-13);
        }

        #[test]
        fn laws(pairs in prop::collection::vec((-5.0..5.0f64, -5.0..5.0f64), 4..60), scale in prop::sample::select(vec![8.0, 1e-300, 1e300])) {
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let found = correlation(&x, &y);
            prop_assume!(found.is_ok());
            let found = found.unwrap();
            prop_assert!((-1.0..=1.0).contains(&found.r) && of_r(found.r, found.z_error).contains(found.r));
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
        let interval = found.r_squared_interval;
        assert!(interval.low > 0.99 && interval.high <= 1.0);
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

    /// Of a constant there is no correlation to compute, and what it tells is nothing.
    #[test]
    fn a_constant_tells_nothing() {
        let found = Correlation::of_a_constant(103).unwrap();
        assert_eq!((found.r, found.r_squared, found.rows), (0.0, 0.0, 103));
        check(found.z_error, 0.1, 1e-12);
        assert_eq!(found.r_squared_interval.low, 0.0);
        assert_eq!(
            Correlation::of_a_constant(3),
            Err(NotComputed::TooFewRows { have: 3, need: 4 })
        );
    }

    fn draw(random: &mut Rows, rho: f64, of: fn(f64) -> f64) -> Vec<Correlation> {
        let one = |_| {
            let (x, y): (Vec<f64>, Vec<f64>) = (0..200)
                .map(|_| {
                    let x = random.normal();
                    let y = rho * x + (1.0 - rho * rho).sqrt() * random.normal();
                    (of(x), of(y))
                })
                .unzip();
            correlation(&x, &y).unwrap()
        };
        (0..2000).map(one).collect()
    }

    fn covered(drawn: &[Correlation], r: f64) -> f64 {
        let held = drawn.iter().filter(|d| of_r(d.r, d.z_error).contains(r));
        held.count() as f64 / drawn.len() as f64
    }

    #[test]
    fn interval_and_standard_error_hold() {
        for (seed, rho) in [(1, 0.0f64), (2, 0.3), (3, 0.8)] {
            let drawn = draw(&mut Rows::new(seed), rho, |x| x);
            let of_r = covered(&drawn, rho);
            assert!((0.93..=0.965).contains(&of_r), "{rho}: {of_r}");
            let squared = drawn
                .iter()
                .filter(|d| d.r_squared_interval.contains(rho * rho));
            assert!(squared.count() as f64 / 2000.0 >= of_r);
            let zs: Vec<f64> = drawn.iter().map(|d| d.r.atanh()).collect();
            let squares = drawn.iter().map(|d| d.z_error.powi(2));
            let error = (squares.sum::<f64>() / 2000.0).sqrt();
            let ratio = error / spread(&zs).1;
            println!("{rho}: {ratio}");
            assert!((0.95..=1.05).contains(&ratio), "{rho}: {ratio}");
        }
    }

    /// Log-normal values have the correlation (exp(ρσ²) − 1)/(exp(σ²) − 1); the interval for normal ones, 1/√(n−3) wide on the scale of z,
    /// covers it less often.
    #[test]
    fn the_interval_holds_where_tails_are_heavy() {
        for (seed, rho) in [(4, 0.3f64), (5, 0.8)] {
            let drawn = draw(&mut Rows::new(seed), rho, |x| (0.5 * x).exp());
            let r = (0.25 * rho).exp_m1() / 0.25f64.exp_m1();
            let normal = drawn
                .iter()
                .filter(|d| of_r(d.r, 197f64.powf(-0.5)).contains(r));
            let (normal, own) = (normal.count() as f64 / 2000.0, covered(&drawn, r));
            println!("{rho}: {own}, {normal} of the interval for normal values");
            assert!(own >= 0.91 && own > normal, "{rho}: {own} {normal}");
        }
    }
}
