//! Mean run lengths of the charts on normal values, and the limits that a wanted run length needs.
//!
//! The run length N(u) of a chart that stands at u solves a Fredholm equation of the second kind, N = 1 + KN (Page
//! 1954 for CUSUM; Crowder 1987 for EWMA). It is solved at the nodes of a Gauss–Legendre rule (Nyström's method), which
//! converges faster than any power of their number. The tests compare it with Markov chains (Brook and Evans 1972; Lucas
//! and Saccucci 1990) and with published tables.
//!
//! **Estimated parameters.** With mean and deviation from 100 windows, an EWMA with the textbook's limit makes 1.7 times the
//! false alarms at a run length of 500 and 2.7 times at 4,100 (Jones, Champ and Rigdon 2001; for CUSUM 2004). A budget is a rate, and a chart that
//! starts again after each alarm has the long-run rate 1/N; so the limit is solved from the mean of 1/N over what the
//! estimates may be: the location normal, the scale log-normal, [`Estimation`] says how wide.

use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ContinuousCDF, Normal};

use super::Absent;
use crate::tail;

/// λ of the EWMA.
pub const LAMBDA: f64 = 0.1;
/// k of the CUSUM: it is best at shifts of 2k = 1 standard deviation.
pub const REFERENCE_VALUE: f64 = 0.5;
/// Run lengths for which limits are solved, in windows. Below, a chart alarms all the time; above, it rests on tails
/// that nothing has tested.
pub const RANGE: (f64, f64) = (20.0, 1e7);

/// The standard errors with which a baseline tells what the charts stand on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimation {
    /// Of the mean, in standard deviations of the innovations.
    pub location: f64,
    /// Of the logarithm of the standard deviation.
    pub scale: f64,
}

impl Estimation {
    /// Mean and deviation are known.
    pub const KNOWN: Estimation = Estimation {
        location: 0.0,
        scale: 0.0,
    };
}

/// √(λ/(2−λ)), the standard deviation of the EWMA in the steady state.
pub(super) fn ewma_deviation() -> f64 {
    (LAMBDA / (2.0 - LAMBDA)).sqrt()
}

/// Mean number of windows until an EWMA with limit L and λ = 0.1 signals, from 0, on independent normal values with mean
/// `shift` and variance 1. `None` where it is beyond what can be computed (about 1e13), or for numbers that make no chart.
pub fn ewma(limit: f64, shift: f64) -> Option<f64> {
    length(ewma_rate(limit, shift))
}

/// Mean number of windows until a two-sided CUSUM with limit h and k = 0.5 signals, from 0; as for [`ewma`]. The sides'
/// rates add up, 1/N = 1/N⁺ + 1/N⁻ (Van Dobben de Bruyn 1968).
pub fn cusum(limit: f64, shift: f64) -> Option<f64> {
    length(cusum_rate(limit, REFERENCE_VALUE, shift) + cusum_rate(limit, REFERENCE_VALUE, -shift))
}

/// L of the EWMA for a mean of `run_length` windows between false alarms.
///
/// # Errors
/// When the run length is not within [`RANGE`].
pub fn ewma_limit(run_length: f64, estimation: Estimation) -> Result<f64, Absent> {
    // Values whose deviation is taken for `scale` times what it is are judged by a limit that is as much wider.
    let rate = |limit: f64, location: f64, scale: f64| ewma_rate(limit * scale, location);
    solve(run_length, estimation, rate, (0.25, 4.0))
}

/// h of the two-sided CUSUM for a mean of `run_length` windows between false alarms.
///
/// # Errors
/// When the run length is not within [`RANGE`].
pub fn cusum_limit(run_length: f64, estimation: Estimation) -> Result<f64, Absent> {
    let rate = |limit: f64, location: f64, scale: f64| {
        let one = |shift| cusum_rate(limit * scale, REFERENCE_VALUE * scale, shift);
        one(location) + one(-location)
    };
    solve(run_length, estimation, rate, (0.25, 6.0))
}

/// The limit at which `rate(limit, location, scale)` is 1/`run_length` on average: first as if both were known, from there
/// by the secant of ln rate, which is nearly straight.
fn solve(
    run_length: f64,
    estimation: Estimation,
    rate: impl Fn(f64, f64, f64) -> f64,
    bracket: (f64, f64),
) -> Result<f64, Absent> {
    let (least, most) = RANGE;
    if !(run_length >= least && run_length <= most) {
        return Err(Absent::RunLength {
            asked: run_length,
            least,
            most,
        });
    }
    let wanted = 1.0 / run_length;
    let known = tail::invert(|limit| rate(limit, 0.0, 1.0), wanted, bracket);
    let mean = |limit: f64| expected(estimation, |location, scale| rate(limit, location, scale));
    let gap = |limit: f64| (mean(limit) / wanted).ln();
    let (mut before, mut limit) = (known, 1.05 * known);
    let (mut gap_before, mut gap_now) = (gap(before), gap(limit));
    for _ in 0..20 {
        if gap_before.abs() < 1e-7 {
            return Ok(before);
        }
        let step = gap_now * (limit - before) / (gap_now - gap_before);
        let next = limit - step;
        if !(next > 0.0 && next < 10.0 * known) {
            break;
        }
        (before, gap_before) = (limit, gap_now);
        (limit, gap_now) = (next, gap(next));
        if gap_now.abs() < 1e-7 {
            return Ok(limit);
        }
    }
    Ok(tail::invert(mean, wanted, bracket))
}

fn length(rate: f64) -> Option<f64> {
    (rate > 1e-13).then(|| 1.0 / rate)
}

/// Mean over a location N(0, location²) and a scale exp N(0, scale²), where `rate` is even in the location. Both by the
/// trapezoidal rule with step 5/4, whose error on a smooth function under the normal density is about exp(−2π²·16/25).
fn expected(estimation: Estimation, rate: impl Fn(f64, f64) -> f64) -> f64 {
    let nodes = |deviation: f64, from: i32, to: i32| {
        let (from, to) = if deviation > 0.0 { (from, to) } else { (0, 0) };
        (from..=to).map(move |z| {
            let z = 1.25 * f64::from(z);
            ((-0.5 * z * z).exp(), z * deviation)
        })
    };
    let (mut sum, mut total) = (0.0, 0.0);
    for (weight, location) in nodes(estimation.location, 0, 4) {
        let weight = if location > 0.0 { 2.0 * weight } else { weight };
        // A scale far too large has next to no weight, and next to no alarms.
        for (other, log_scale) in nodes(estimation.scale, -4, 2) {
            sum += weight * other * rate(location, log_scale.exp());
            total += weight * other;
        }
    }
    sum / total
}

/// 1/N of the EWMA: N(u) = 1 + (1/λ)∫ φ((x − (1−λ)u)/λ − δ) N(x) dx over |x| ≤ L·√(λ/(2−λ)) (Crowder 1987).
fn ewma_rate(limit: f64, shift: f64) -> f64 {
    let end = limit * ewma_deviation();
    let kernel = |u: f64, x: f64| density((x - (1.0 - LAMBDA) * u) / LAMBDA - shift) / LAMBDA;
    rate(-end, end, end / LAMBDA, kernel, |_| 0.0)
}

/// 1/N of the upper CUSUM: N(u) = 1 + Φ(k − u − δ)·N(0) + ∫ φ(x − u + k − δ) N(x) dx over 0 ≤ x ≤ h (Page 1954).
fn cusum_rate(limit: f64, reference: f64, shift: f64) -> f64 {
    let normal = Normal::standard();
    let kernel = |u: f64, x: f64| density(x - u + reference - shift);
    rate(0.0, limit, 0.5 * limit, kernel, |u| {
        normal.cdf(reference - u - shift)
    })
}

/// 1/N(0) of N(u) = 1 + atom(u)·N(0) + ∫ kernel(u, x)·N(x) dx over low ≤ x ≤ high. `width` is half the interval in
/// standard deviations of the kernel. The rate is exact to about 1e-14, and 0 where no number solves the equation.
fn rate(
    low: f64,
    high: f64,
    width: f64,
    kernel: impl Fn(f64, f64) -> f64,
    atom: impl Fn(f64) -> f64,
) -> f64 {
    if width.is_nan() || width <= 0.0 {
        return f64::NAN;
    }
    if width > 100.0 {
        return 0.0;
    }
    let nodes = legendre(12 + (3.0 * width).ceil() as usize);
    let half = 0.5 * (high - low);
    // The state 0 stands first; it has the weight of the atom only.
    let mut states = vec![(0.0, 0.0)];
    states.extend(
        nodes
            .iter()
            .map(|(x, weight)| (low + half * (x + 1.0), half * weight)),
    );
    let of = |state: usize| states.get(state).copied().unwrap_or_default();
    let matrix = DMatrix::from_fn(states.len(), states.len(), |row, column| {
        let ((u, _), (x, weight)) = (of(row), of(column));
        let jump = if column == 0 {
            atom(u)
        } else {
            weight * kernel(u, x)
        };
        f64::from(u8::from(row == column)) - jump
    });
    let ones = DVector::from_element(states.len(), 1.0);
    let solved = matrix.lu().solve(&ones);
    let length = solved.and_then(|lengths| lengths.iter().next().copied());
    // A run takes at least one window.
    length.map_or(0.0, |length| (1.0 / length).clamp(0.0, 1.0))
}

fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

/// Nodes in −1..1 and weights of the Gauss–Legendre rule, by Newton's method from Tricomi's approximation.
fn legendre(count: usize) -> Vec<(f64, f64)> {
    let n = count as f64;
    (0..count)
        .map(|i| {
            let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..10 {
                let (mut before, mut value) = (1.0, x);
                for k in 2..=count {
                    let k = k as f64;
                    (before, value) = (
                        value,
                        ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k,
                    );
                }
                slope = n * (before - x * value) / (1.0 - x * x);
                let step = value / slope;
                x -= step;
                if step.abs() < 1e-14 {
                    break;
                }
            }
            (x, 2.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, rows};

    #[test]
    fn the_rule_integrates_polynomials() {
        for count in [1, 2, 5, 40] {
            let nodes = legendre(count);
            for power in 0..(2 * count as i32).min(20) {
                let found: f64 = nodes.iter().map(|(x, weight)| weight * x.powi(power)).sum();
                let expected = if power % 2 == 0 {
                    2.0 / f64::from(power + 1)
                } else {
                    0.0
                };
                assert!((found - expected).abs() < 1e-13, "{count} {power} {found}");
            }
        }
    }

    /// Markov chains of Brook and Evans (1972), extrapolated to infinitely many states.
    #[test]
    fn run_lengths_are_those_of_markov_chains() {
        for row in rows("EWMA run length") {
            check(ewma(row[0], row[1]).unwrap(), row[2], 1e-6);
        }
        for row in rows("CUSUM run length") {
            check(cusum(row[0], row[1]).unwrap(), row[2], 1e-6);
        }
    }

    /// Lucas and Saccucci (1990), as in Montgomery's table 9.11; the last printed digit decides.
    #[test]
    fn run_lengths_of_ewma_are_published() {
        let shifts = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0];
        let published = [500.0, 106.0, 31.3, 15.9, 10.3, 6.1, 4.4, 3.4, 2.9, 2.2];
        for (shift, expected) in shifts.into_iter().zip(published) {
            check(ewma(2.814, shift).unwrap(), expected, 0.03);
        }
        let limit = ewma_limit(500.0, Estimation::KNOWN).unwrap();
        assert!((limit - 2.814).abs() < 0.001, "{limit}");
    }

    /// Montgomery's table 9.3 and, for h, the table 9.4 by Hawkins (1993).
    #[test]
    fn run_lengths_of_cusum_are_published() {
        let shifts = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0];
        let four = [168.0, 74.2, 26.6, 13.3, 8.38, 4.75, 3.34, 2.62, 2.19, 1.71];
        let five = [465.0, 139.0, 38.0, 17.0, 10.4, 5.75, 4.01, 3.11, 2.57, 2.01];
        for (limit, published) in [(4.0, four), (5.0, five)] {
            for (shift, expected) in shifts.into_iter().zip(published) {
                check(cusum(limit, shift).unwrap(), expected, 0.005);
            }
        }
        let limit = cusum_limit(370.0, Estimation::KNOWN).unwrap();
        assert!((limit - 4.77).abs() < 0.01, "{limit}");
    }

    #[test]
    fn limits_grow_with_the_run_length_and_with_the_error_of_the_baseline() {
        let baseline = |points: f64| Estimation {
            location: points.powf(-0.5),
            scale: (1.5 / points).sqrt(),
        };
        for limit in [ewma_limit, cusum_limit] {
            let at = |run_length, estimation| limit(run_length, estimation).unwrap();
            let known: Vec<f64> = [20.0, 100.0, 1e4, 1e7]
                .map(|run_length| at(run_length, Estimation::KNOWN))
                .to_vec();
            assert!(known.is_sorted_by(|a, b| a < b), "{known:?}");
            let errors: Vec<f64> = [1e12, 1e4, 1e3, 100.0]
                .map(|points| at(1000.0, baseline(points)))
                .to_vec();
            assert!(errors.is_sorted_by(|a, b| a < b), "{errors:?}");
            check(errors[0], at(1000.0, Estimation::KNOWN), 1e-4);
            for refused in [19.9, 2e7, f64::NAN, f64::INFINITY, -5.0] {
                assert!(limit(refused, Estimation::KNOWN).is_err(), "{refused}");
            }
        }
    }

    #[test]
    fn limits_give_their_run_length() {
        for run_length in [20.0, 370.0, 1e5, 1e7] {
            let limit = ewma_limit(run_length, Estimation::KNOWN).unwrap();
            check(ewma(limit, 0.0).unwrap(), run_length, 1e-6);
            let limit = cusum_limit(run_length, Estimation::KNOWN).unwrap();
            check(cusum(limit, 0.0).unwrap(), run_length, 1e-6);
        }
    }

    #[test]
    fn numbers_that_make_no_chart_have_no_run_length() {
        for limit in [f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!((ewma(limit, 0.0), cusum(limit, 0.0)), (None, None));
        }
        assert_eq!((ewma(0.0, 0.0), cusum(-1.0, 0.0)), (None, None));
        // Longer than can be computed.
        assert_eq!(ewma(9.0, 0.0), None);
    }
}
