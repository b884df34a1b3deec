//! How large a change of an association chance alone makes, given the baseline's.
//!
//! *Correlations.* atanh r is normal with variance v/(n − 3) (Fisher 1921), v from the data: see
//! [`Association::variance`]. Both samples err: the variances of baseline and window are added. On the plain scale the
//! change is not symmetric around 0, so both of its tails are added up.
//!
//! *V and the correlation ratio.* Near independence N·scale·w + degrees, with w the square before it is cut at 0, is a
//! noncentral χ² with λ = N·scale·w; where the association is stronger, its linear part varies by a factor τ more or less
//! than that of a noncentral χ², which v tells. So in units of χ² of a window with N rows
//!
//! - its variance is 4λτ + 2·degrees;
//! - its third moment is 8·degrees + 24λτ², which is that of (√λ + √τ·Z)² and χ² beside it;
//! - the baseline, from which λ is taken, errs as a mean of M/N windows does, M being its rows: with both errors the
//!   variance is (1 + N/M) times as large, and the third moment (1 + N/M)² times, since a baseline that is large by luck makes
//!   λ large too, as in a normal distribution of the root.
//!
//! The difference of the squares then has the tails of Pearson's type III with these moments (Pearson 1959). A table whose cells
//! expect few rows is more skewed than that: its upper tail is taken to be, by its reciprocal shares.
//!
//! A square that is 0 or below gives the value 0, whatever it is. Where that happens by chance more often than falls
//! may alarm, no fall can be told from chance, and rises get what falls leave over.

use super::measure::{Association, Independence, NEARLY_ONE, PARTS};
use crate::tail::{self, PearsonIii};

/// The part of α that is for falls of V or the correlation ratio. With α growing, falls come in when the chance of the
/// value 0 is this part of it, and up to there rises have had the rest alone: at least 0.8 × α is always used.
const FALLS: f64 = 0.2;
/// How much a table whose cells expect few rows adds to the third moment of the difference's upper tail, to the part under
/// independence and to that of λ, for the sum of the reciprocals of what its cells expect ÷ degrees (simulated).
const SPARSE_CELLS: (f64, f64) = (1.0, 3.0);
/// λ is taken to be above its estimate where that is near 0, by a part of its variance under independence: at 0 and at 1 the
/// rate of false alarms is then about as far below α as above it (simulated).
const NEAR_NOTHING: f64 = 1.0 / 3.0;

/// The changes that a window exceeds by chance, both above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Null {
    /// The largest rise of the value.
    pub rise: f64,
    /// The largest fall of the value; more than the value where no fall can be told from chance.
    pub fall: f64,
}

impl Null {
    /// The one for a change of this sign.
    pub fn of(&self, delta: f64) -> f64 {
        if delta < 0.0 { self.fall } else { self.rise }
    }
}

/// The changes one of which a window of `n` complete rows exceeds with probability `alpha` when nothing changed since
/// `reference`, each in 0..=2. `None` when n or the reference's n is below 4, or `alpha` is not within 0 and 1.
///
/// How often they are exceeded, as a multiple of α, is simulated in `docs/calibration.md`: at 0.05 within 0.75 and 1.25 of it
/// but for tables with cells that expect a few rows only. A cell that expects less than one row breaks it: see
/// [`Collapse`](super::Collapse). A correlation ratio of values instead of ranks would not hold: no sample tells the fourth
/// moment of a heavy tail.
pub fn null(reference: &Association, n: u64, alpha: f64) -> Option<Null> {
    if !(alpha > 0.0 && alpha < 1.0) || n < 4 || reference.n < 4 {
        return None;
    }
    Some(match reference.independence {
        Some(near) => Square::new(reference, near, n).null(alpha),
        None => {
            let correlation = Correlation::new(reference, n);
            let exceeded = |change: f64| correlation.exceeded(change);
            let either = tail::invert(exceeded, alpha, (0.0, 1.0)).min(2.0);
            Null {
                rise: either,
                fall: either,
            }
        }
    })
}

/// A window's correlation: normal around z = atanh of the baseline's.
struct Correlation {
    value: f64,
    z: f64,
    error: f64,
}

impl Correlation {
    fn new(reference: &Association, n: u64) -> Self {
        let part = |n: u64| 1.0 / (n as f64 - 3.0);
        Correlation {
            value: reference.value,
            z: reference.value.clamp(-NEARLY_ONE, NEARLY_ONE).atanh(),
            error: (reference.variance * (part(reference.n) + part(n))).sqrt(),
        }
    }

    /// Probability of a change at least as large, of either sign.
    fn exceeded(&self, change: f64) -> f64 {
        let (high, low) = (self.value + change, self.value - change);
        let above = if high < 1.0 {
            tail::normal_sf((high.atanh() - self.z) / self.error)
        } else {
            0.0
        };
        let below = if low > -1.0 {
            tail::normal_sf((self.z - low.atanh()) / self.error)
        } else {
            0.0
        };
        above + below
    }
}

/// A window's square around the baseline's.
struct Square {
    value: f64,
    square: f64,
    error: f64,
    above: PearsonIii,
    below: PearsonIii,
}

impl Square {
    fn new(reference: &Association, near: Independence, n: u64) -> Self {
        let (many, few) = (reference.n as f64, n as f64);
        let (degrees, scale) = (f64::from(near.degrees), f64::from(near.scale.max(1)));
        let both = 1.0 + few / many;
        // In units of χ²: what a square of 1 is.
        let unit = few * scale;
        let found = unit * near.square;
        let noise = 2.0 * degrees * few / many;
        let lambda = 0.5 * (found + (found * found + NEAR_NOTHING * noise).sqrt());
        // The quotient of two numbers that are both about 0 near independence: it is drawn towards 1.
        let linear = (unit * scale * reference.variance).max(0.0);
        let tau = (linear + 2.0 * degrees) / (4.0 * found.max(0.0) + 2.0 * degrees);
        let variance = (4.0 * lambda * tau + 2.0 * degrees) * both;
        let sparse = f64::from(near.reciprocal_shares) / (few * degrees.max(1.0));
        let skewness = |sparse: f64| {
            let independent = 8.0 * degrees * (1.0 + SPARSE_CELLS.0 * sparse);
            let shifted = 24.0 * lambda * tau * tau * (1.0 + SPARSE_CELLS.1 * sparse);
            (independent + shifted) * both * both / variance.powf(1.5)
        };
        Square {
            value: reference.value,
            square: near.square,
            error: variance.sqrt() / unit,
            above: PearsonIii::new(skewness(sparse)),
            below: PearsonIii::new(skewness(0.0)),
        }
    }

    fn null(&self, alpha: f64) -> Null {
        let falls = FALLS * alpha;
        let nothing = self.at_most(0.0);
        if nothing > falls {
            let rises = alpha.min(nothing * (1.0 - FALLS) / FALLS);
            return Null {
                rise: self.rise(rises),
                fall: self.value + 1.0 / PARTS,
            };
        }
        let fallen = self.square + self.error * self.below.quantile(falls);
        let fall = self.value - fallen.max(0.0).sqrt();
        Null {
            rise: self.rise(alpha - falls),
            fall: fall.max(1.0 / PARTS),
        }
    }

    /// The rise that is exceeded with this probability.
    fn rise(&self, alpha: f64) -> f64 {
        let square = (self.square + self.error * self.above.isf(alpha)).clamp(0.0, 1.0);
        (square.sqrt() - self.value).max(1.0 / PARTS)
    }

    /// Probability of a square at most as large.
    fn at_most(&self, square: f64) -> f64 {
        self.below.cdf((square - self.square) / self.error)
    }
}
