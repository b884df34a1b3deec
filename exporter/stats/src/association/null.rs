//! How large a change of an association chance alone makes, given the baseline's.
//!
//! *Correlations.* atanh r is normal with variance v/(n − 3) (Fisher 1921), v from the data: see
//! [`Association::variance`]. Both samples err: the variances of baseline and window are added. On the plain scale the
//! change is not symmetric around 0, so both of its tails are added up.
//!
//! *V and the correlation ratio.* The square w before it is cut at 0 is, near independence, about a noncentral χ² over N·scale with
//! λ = N·scale·w, less its degrees; elsewhere it varies by its linear part, whose variance v and third cumulant t the baseline tells.
//! So in units of χ² of a window with N rows, a baseline of M rows in m windows having λ = N·scale·w:
//!
//! - the variance of a window is 2·degrees + v, which is 2·degrees + 4λ where χ² holds, and its third cumulant is 8·degrees + t, there
//!   8·degrees + 24λ. Where cells expect few rows, χ² of independence has more of both (Haldane 1940);
//! - the baseline errs as well, by 2·degrees·m(N/M)² + v·N/M, and a baseline that is large by luck makes v large too. What comes with
//!   the square of a limit acts as a third cumulant does (Cornish and Fisher 1938): with this t is (1 + N/M)² times as large;
//! - v and t of a sample are too large by 4 and 24 times its degrees near independence, and by less where the association is
//!   stronger: that is taken off.
//!
//! The difference of the squares has the tails of Pearson's type III with these moments (Pearson 1959). A correlation ratio is not
//! compared by its square but by −ln(1 − ε²), which is to χ² what the likelihood ratio of the normal is: a share that nears 1
//! is less skewed than a χ².
//!
//! A square that is 0 or below gives the value 0, whatever it is. Where that happens by chance more often than falls
//! may alarm, no fall can be told from chance, and rises get what falls leave over.

use super::measure::{Association, Independence, Measure, NEARLY_ONE, PARTS};
use crate::tail::{self, PearsonIii};

/// The part of α that is for falls of V or the correlation ratio. With α growing, falls come in when the chance of the
/// value 0 is this part of it, and up to there rises have had the rest alone: at least 0.8 × α is always used.
const FALLS: f64 = 0.2;
/// λ of V and of the correlation ratio is taken to be above its estimate by this part of its standard error under independence: near
/// it the error of λ makes the null too small as often as too large, but the one adds more to how often it is exceeded than the
/// other takes off (simulated).
const ABOVE: (f64, f64) = (0.55, 0.7);
/// λ is taken to be at least this part of its degrees below 0: what the baseline has less than that is chance (simulated).
const BELOW: f64 = 0.2;
/// By how many of its degrees the variance of χ² is smaller at most since cells expect few rows, of which there are 2 else.
const LESS_BY_CELLS: f64 = 0.5;
/// What a sample adds to the variance and to the third cumulant of the linear part falls from its amount under independence to 0 where
/// the square is one to this, and below 0 beyond (simulated).
const FADES: (f64, f64) = (7.0, 12.0);

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
/// How often they are exceeded, as a multiple of α, is simulated in `docs/calibration.md`: from 0.05 to 0.001 within 0.75 and 1.25
/// of it, but for tables of two by two and those with cells that expect a few rows only. A cell that expects less than one row breaks
/// it: see [`Collapse`](super::Collapse). A correlation ratio of values instead of ranks would not hold: no sample tells the
/// fourth moment of a heavy tail.
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
    scale: Scale,
    centre: f64,
    error: f64,
    law: PearsonIii,
}

/// What squares are compared by.
#[derive(Debug, Clone, Copy)]
enum Scale {
    /// Themselves.
    Plain,
    /// −ln(1 − w).
    Log,
}

impl Scale {
    fn back(self, at: f64) -> f64 {
        let square = match self {
            Scale::Plain => at,
            Scale::Log => -(-at).exp_m1(),
        };
        square.clamp(0.0, 1.0)
    }
}

/// What a window's square varies by where it is not independence that makes it, in units of χ².
struct Linear {
    variance: f64,
    third: f64,
}

impl Linear {
    /// What the baseline tells, less what chance alone makes of it in one of its windows.
    fn new(reference: &Association, near: Independence, few: f64) -> Self {
        let (degrees, scale) = (f64::from(near.degrees), f64::from(near.scale.max(1)));
        let rows = reference.n as f64 / f64::from(near.windows.max(1));
        let some = near.square.clamp(0.0, 1.0);
        let by_chance =
            |fades: f64, power| degrees * (1.0 - fades * some) * (1.0 - some).powi(power);
        let variance = 4.0 * by_chance(FADES.0, 2) / (rows + degrees);
        let third = 24.0 * by_chance(FADES.1, 4) / rows;
        // Where less than what chance makes is found, there is none of it; and no less of the third cumulant than takes off what χ²
        // has of it at this square.
        Linear {
            variance: (few * (scale.powi(2) * reference.variance - variance)).max(0.0),
            third: (few * (scale.powi(3) * near.third - third)).max(-24.0 * few * scale * some),
        }
    }

    /// That of −ln(1 − w), with 1 − w and what a square of 1 is.
    fn of_logarithm(&self, left: f64, unit: f64) -> Self {
        let curved = 3.0 * self.variance.powi(2) / (unit * left.powi(4));
        Linear {
            variance: self.variance / left.powi(2),
            third: self.third / left.powi(3) + curved,
        }
    }
}

impl Square {
    fn new(reference: &Association, near: Independence, n: u64) -> Self {
        let (many, few) = (reference.n as f64, n as f64);
        let degrees = f64::from(near.degrees);
        // In units of χ²: what a square of 1 is.
        let unit = few * f64::from(near.scale.max(1));
        // What the baseline errs by, as parts of what a window does: of the linear part, and of χ².
        let errs = few / many;
        let errs_by_chance = f64::from(near.windows) * errs * errs;
        let square = near.square.min(1.0 - 1.0 / PARTS);
        let (found, left) = (unit * square.max(0.0), 1.0 - square.max(0.0));
        let linear = Linear::new(reference, near, few);
        // On the plain scale less is left for chance the larger the square is.
        let (scale, linear, centre, fades, above) = match reference.measure {
            Measure::CorrelationRatio => {
                let linear = linear.of_logarithm(left, unit);
                // A window's mean of a curve is above the curve at its mean, and the baseline's by so much less.
                let curved = 0.5 * (1.0 - errs) * linear.variance / unit.powi(2);
                (Scale::Log, linear, curved - (-square).ln_1p(), 1.0, ABOVE.1)
            }
            _ => (Scale::Plain, linear, square, left, ABOVE.0),
        };
        let error_of_chance = (2.0 * degrees * errs_by_chance).sqrt();
        let lambda = (unit * square + above * error_of_chance).max(-BELOW * degrees);
        let further = lambda - found;
        // Large tables with few rows have less of both than what is linear in 1/n says: a χ² keeps most of its own.
        let cells = (near.cells.0 as f64 / few, near.cells.1 as f64 / few);
        let chance = (2.0 * degrees + cells.0.max(-LESS_BY_CELLS * degrees)) * fades.powi(2);
        let own = linear.variance + 4.0 * further * fades.powi(2);
        let variance = chance * (1.0 + errs_by_chance) + own + errs * own.max(0.0);
        let chance = (8.0 * degrees + cells.1.max(0.0)) * fades.powi(3);
        let own = linear.third + 24.0 * further * fades.powi(3);
        let third =
            chance * (1.0 + errs_by_chance * (3.0 + 2.0 * errs)) + own * (1.0 + errs).powi(2);
        Square {
            value: reference.value,
            scale,
            centre,
            error: variance.sqrt() / unit,
            law: PearsonIii::new(third / variance.powf(1.5)),
        }
    }

    fn null(&self, alpha: f64) -> Null {
        let falls = FALLS * alpha;
        let nothing = self.law.cdf(-self.centre / self.error);
        if nothing > falls {
            let rises = alpha.min(nothing * (1.0 - FALLS) / FALLS);
            return Null {
                rise: self.rise(rises),
                fall: self.value + 1.0 / PARTS,
            };
        }
        let fallen = self.root(self.law.quantile(falls));
        Null {
            rise: self.rise(alpha - falls),
            fall: (self.value - fallen).max(1.0 / PARTS),
        }
    }

    /// The rise that is exceeded with this probability.
    fn rise(&self, alpha: f64) -> f64 {
        (self.root(self.law.isf(alpha)) - self.value).max(1.0 / PARTS)
    }

    /// The value so many standard errors above the baseline's.
    fn root(&self, errors: f64) -> f64 {
        self.scale.back(self.centre + self.error * errors).sqrt()
    }
}
