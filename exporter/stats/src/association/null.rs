//! How large a change of an association chance alone makes.
//!
//! Both numbers answer for |Δ| on the plain scale, two-sided, given the baseline's value; Δ is not symmetric around it,
//! so both of its tails are added up.
//!
//! *Correlations.* atanh r is normal with variance v/(n − 3) (Fisher 1921), v from the data: see
//! [`Association::variance`]. Both samples err: the variances of baseline and window are added.
//!
//! *V and the correlation ratio.* Their squares, before they are cut at 0, differ by a variable of mean 0 and variance
//! v·(1/N + 1/M) + 2·degrees/scale²·(1/(N·M) + 1/M²): the delta method, and beside it the noise of χ² under
//! independence, which is all that there is near 0; together they are the variance of a noncentral χ². For a weak
//! association v is at least 4w/scale, which it is near independence, with w the square and one standard error. The
//! upper tail is the larger of the normal one and of a shifted χ² with the third moment of the noncentral χ² (Pearson
//! 1959), taken larger where shares are unequal; the lower tail is normal. A value cannot change below 0 or above 1.

use statrs::function::erf::erfc;

use super::measure::{Association, Measure, NEARLY_ONE, PARTS};
use crate::tail;

/// The most skewed that a difference of squares is taken to be: χ² with one degree of freedom.
const MOST_SKEWED: f64 = 2.828_427_124_746_190_3;

/// Up to so many standard deviations of χ² under independence an association is weak.
const WEAK: f64 = 3.0;

/// How much larger the third moment of V² is taken to be than that of the noncentral χ²: a table of unequal shares whose
/// least cell expects two rows has extremes of its own (simulated).
const UNEVEN_CELLS: f64 = 2.5;
/// The same of ε².
const UNEVEN_GROUPS: f64 = 1.5;

/// The |Δ| that a window of `n` complete rows exceeds with probability `alpha` when nothing changed since `reference`,
/// in 0..=2. `None` when n or the reference's n is below 4, or `alpha` is not within 0 and 1.
///
/// How often it is exceeded, as a multiple of α = 0.05, by simulation with windows of 300 rows and eight of them in the
/// baseline (`docs/calibration.md`): Spearman 0.9 to 1.05, also with ties and tails of Student's t with three degrees of
/// freedom, since the tails of one column alone are no matter to ranks; Cramér's V in tables of 2×2 and 4×5 0.35 to 0.95; the
/// correlation ratio of ranks 0.4 to 0.9, of log-normal values as of normal ones. A cell that expects less than one row breaks
/// it: see [`Collapse`](super::Collapse). A correlation ratio of values instead of ranks would not hold: no sample tells the
/// fourth moment of a heavy tail.
pub fn null(reference: &Association, n: u64, alpha: f64) -> Option<f64> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    let exceeded = Exceeded::new(reference, n)?;
    Some(tail::invert(|change| exceeded.probability(change), alpha, (0.0, 1.0)).min(2.0))
}

/// Probability of a change at least as large as that from `reference` to `current` when nothing changed; `None` as for
/// [`null`], or when the two are different measures.
pub fn p_value(reference: &Association, current: &Association) -> Option<f64> {
    if reference.measure != current.measure {
        return None;
    }
    let exceeded = Exceeded::new(reference, current.n)?;
    Some(exceeded.probability((current.value - reference.value).abs()))
}

/// The distribution of a window's value given the baseline's.
enum Exceeded {
    /// Normal around z = atanh of the value.
    Correlation { value: f64, z: f64, error: f64 },
    /// The square around the value's, with a standard error and a skewness.
    Square {
        value: f64,
        square: f64,
        error: f64,
        skewness: f64,
    },
}

impl Exceeded {
    fn new(reference: &Association, n: u64) -> Option<Self> {
        if n < 4 || reference.n < 4 {
            return None;
        }
        let (value, variance) = (reference.value, reference.variance);
        let (many, few) = (reference.n as f64, n as f64);
        let Some(near) = reference.independence else {
            let z = value.clamp(-NEARLY_ONE, NEARLY_ONE).atanh();
            let error = fisher_error(variance, reference.n, n);
            return Some(Exceeded::Correlation { value, z, error });
        };
        let (degrees, scale) = (f64::from(near.degrees), f64::from(near.scale.max(1)));
        let chance = 2.0 * degrees / (scale * scale);
        // A baseline of windows as large as this one: each adds its own noise of χ².
        let of_reference = chance / (many * few);
        // The baseline may have been small by luck: where the noise of χ² is not far below the square, one standard
        // error is added to it, and the variance is at least that of a noncentral χ².
        let likely = near.square.max(0.0) + (variance / many + of_reference).sqrt();
        let weak = likely.min(WEAK * chance.sqrt() / few);
        let variance = variance.max(4.0 * weak / scale);
        let spread = variance * (1.0 / many + 1.0 / few) + of_reference + chance / (few * few);
        // The third moment of a noncentral χ² is 8·degrees + 24λ, and its linear part has the variance 4λ, here with λ =
        // n·φ² = n·scale·w. Where that part varies more, so does what it is multiplied with.
        let linear = few * scale * (4.0 * likely).max(scale * variance);
        let uneven = match reference.measure {
            Measure::CramersV => UNEVEN_CELLS,
            _ => UNEVEN_GROUPS,
        };
        let third = (8.0 * degrees + uneven * 6.0 * linear) / (scale * few).powi(3);
        let error = spread.sqrt();
        let skewness = (third / error.powi(3)).min(MOST_SKEWED);
        Some(Exceeded::Square {
            value,
            square: near.square,
            error,
            skewness,
        })
    }

    fn probability(&self, change: f64) -> f64 {
        match *self {
            Exceeded::Correlation { value, z, error } => {
                let (high, low) = (value + change, value - change);
                let above = if high < 1.0 {
                    normal_sf((high.atanh() - z) / error)
                } else {
                    0.0
                };
                let below = if low > -1.0 {
                    normal_sf((z - low.atanh()) / error)
                } else {
                    0.0
                };
                above + below
            }
            Exceeded::Square {
                value,
                square,
                error,
                skewness,
            } => {
                let (high, low) = (value + change, value - change);
                let above = if high < 1.0 {
                    let x = (high * high - square) / error;
                    normal_sf(x).max(shifted_chi_squared_sf(x, skewness))
                } else {
                    0.0
                };
                // Many samples have the value 0, each with a change of the whole value: a limit that they do not reach is
                // a step above it.
                let below = if low > -1.0 / PARTS {
                    normal_sf((square - low.max(0.0).powi(2)) / error)
                } else {
                    0.0
                };
                above + below
            }
        }
    }
}

/// Standard error of the difference of two correlations on Fisher's z scale.
fn fisher_error(variance: f64, reference: u64, current: u64) -> f64 {
    (variance * (1.0 / (reference as f64 - 3.0) + 1.0 / (current as f64 - 3.0))).sqrt()
}

/// P(Z > z).
fn normal_sf(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// P(X > x) for X = (χ² − degrees)/√(2·degrees), the degrees being those with which it has the skewness √(8/degrees).
fn shifted_chi_squared_sf(x: f64, skewness: f64) -> f64 {
    if skewness < 0.02 {
        return normal_sf(x);
    }
    let degrees = 8.0 / (skewness * skewness);
    tail::chi_squared_sf(degrees + x * (2.0 * degrees).sqrt(), degrees)
}
