//! Tails of the normal, Student, χ², Pearson's type III, binomial and negative binomial distributions, and inverses.
//!
//! Tail probabilities come from `statrs`; its inverses stop at about 1e-8, so the inverses here are solved from
//! the tails themselves, on the logarithm, which keeps their relative precision at α = 1e-9.

use statrs::distribution::{
    Binomial, ChiSquared, ContinuousCDF, DiscreteCDF, NegativeBinomial, Normal, StudentsT,
};

/// P(Z > z).
pub(crate) fn normal_sf(z: f64) -> f64 {
    Normal::standard().sf(z)
}

/// z with P(Z > z) = `alpha`.
pub(crate) fn normal_isf(alpha: f64) -> f64 {
    invert(normal_sf, alpha, (-9.0, 9.0))
}

/// t with P(T > t) = `alpha` for Student's distribution.
pub(crate) fn student_isf(alpha: f64, degrees: f64) -> f64 {
    // The parameters of a standard Student distribution with positive degrees of freedom are always accepted.
    StudentsT::new(0.0, 1.0, degrees).map_or(f64::NAN, |student| {
        invert(|x| student.sf(x), alpha, (0.0, 64.0))
    })
}

/// P(T > t) for Student's distribution with positive degrees of freedom.
pub(crate) fn student_sf(t: f64, degrees: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees).map_or(f64::NAN, |student| student.sf(t))
}

/// P(χ² ≥ x); with no degree of freedom χ² is 0.
pub(crate) fn chi_squared_sf(x: f64, degrees: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    ChiSquared::new(degrees).map_or(0.0, |chi_squared| chi_squared.sf(x))
}

/// x with P(χ² > x) = `alpha`; with no degree of freedom it is 0.
pub(crate) fn chi_squared_isf(alpha: f64, degrees: f64) -> f64 {
    if degrees <= 0.0 {
        return 0.0;
    }
    invert(
        |x| chi_squared_sf(x, degrees),
        alpha,
        (0.0, 2.0 * degrees + 64.0),
    )
}

/// P(X ≥ `least`), X of `trials` that each have the probability `p`.
pub(crate) fn binomial_sf(least: u64, trials: u64, p: f64) -> f64 {
    let Some(below) = least.checked_sub(1) else {
        return 1.0;
    };
    // A probability within 0 and 1 is always accepted.
    Binomial::new(p, trials).map_or(0.0, |law| law.sf(below))
}

/// The least count c with P(X ≥ c) ≤ `alpha`, X negative binomial: failures before `successes` (which need not be whole) of
/// probability `p`.
pub(crate) fn negative_binomial_isf(alpha: f64, successes: f64, p: f64) -> u64 {
    // Positive successes and a probability are always accepted.
    let Ok(law) = NegativeBinomial::new(successes, p) else {
        return 0;
    };
    let rare = |count: u64| count > 0 && law.sf(count - 1) <= alpha;
    let (mut low, mut high) = (0, 1);
    while !rare(high) && high < u64::MAX / 2 {
        (low, high) = (high, 2 * high);
    }
    // `low` is not rare and `high` is.
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match rare(middle) {
            true => high = middle,
            false => low = middle,
        }
    }
    high
}

/// The law of Pearson's type III (Pearson 1895) with mean 0 and variance 1: (χ² − k)/√(2k) with k = 8 ÷ skewness² degrees of
/// freedom, turned round for a negative skewness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PearsonIii {
    skewness: f64,
}

impl PearsonIii {
    /// Below this skewness k is two millions, and the cube root of χ² is normal as far as numbers go (Wilson and Hilferty 1931).
    const LEAST: f64 = 0.002;
    /// The most that the skewness is taken to be: k is half a degree.
    const MOST: f64 = 4.0;

    /// With this skewness, of at most 4.
    pub fn new(skewness: f64) -> Self {
        PearsonIii {
            skewness: skewness.clamp(-Self::MOST, Self::MOST),
        }
    }

    /// x with P(X > x) = `alpha`.
    pub fn isf(&self, alpha: f64) -> f64 {
        let skewness = self.skewness;
        if skewness.abs() < Self::LEAST {
            return from_normal(normal_isf(alpha), skewness);
        }
        let (degrees, unit) = self.chi_squared();
        if skewness > 0.0 {
            return (chi_squared_isf(alpha, degrees) - degrees) / unit;
        }
        // Downwards, so that what is inverted falls.
        let below = |negative: f64| chi_squared_cdf(-negative, degrees);
        (degrees + invert(below, alpha, (-degrees - 16.0 * unit, 0.0))) / unit
    }

    /// x with P(X < x) = `alpha`.
    pub fn quantile(&self, alpha: f64) -> f64 {
        -PearsonIii::new(-self.skewness).isf(alpha)
    }

    /// P(X > x).
    pub fn sf(&self, x: f64) -> f64 {
        PearsonIii::new(-self.skewness).cdf(-x)
    }

    /// P(X < x).
    pub fn cdf(&self, x: f64) -> f64 {
        let skewness = self.skewness;
        if skewness.abs() < Self::LEAST {
            return Normal::standard().cdf(to_normal(x, skewness));
        }
        let (degrees, unit) = self.chi_squared();
        if skewness > 0.0 {
            chi_squared_cdf(degrees + x * unit, degrees)
        } else {
            chi_squared_sf(degrees - x * unit, degrees)
        }
    }

    /// k and √(2k).
    fn chi_squared(&self) -> (f64, f64) {
        let degrees = 8.0 / (self.skewness * self.skewness);
        (degrees, (2.0 * degrees).sqrt())
    }
}

/// What stands in a law of Pearson's type III with little skewness where z stands in the normal one.
fn from_normal(z: f64, skewness: f64) -> f64 {
    if skewness.abs() < NO_SKEWNESS {
        return z;
    }
    2.0 / skewness * ((1.0 + skewness * z / 6.0 - skewness * skewness / 36.0).powi(3) - 1.0)
}

fn to_normal(x: f64, skewness: f64) -> f64 {
    if skewness.abs() < NO_SKEWNESS {
        return x;
    }
    6.0 / skewness * ((1.0 + skewness * x / 2.0).cbrt() - 1.0 + skewness * skewness / 36.0)
}

/// Less than this changes nothing.
const NO_SKEWNESS: f64 = 1e-6;

/// P(χ² ≤ x).
fn chi_squared_cdf(x: f64, degrees: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    ChiSquared::new(degrees).map_or(1.0, |chi_squared| chi_squared.cdf(x))
}

/// x with `sf(x)` = `alpha` for a falling `sf`: a bracket, widened upwards as needed, then Chandrupatla's method on ln sf, which
/// interpolates where the last three points allow it and bisects elsewhere (Chandrupatla, "A new hybrid quadratic/bisection
/// algorithm for finding the zero of a nonlinear function without using derivatives", Advances in Engineering Software 28, 1997).
pub(crate) fn invert(sf: impl Fn(f64) -> f64, alpha: f64, (mut low, mut high): (f64, f64)) -> f64 {
    let target = alpha.ln();
    let gap = |x: f64| sf(x).max(f64::MIN_POSITIVE).ln() - target;
    let mut at_high = gap(high);
    while at_high > 0.0 && high < 1e12 {
        low = high;
        high *= 2.0;
        at_high = gap(high);
    }
    let at_low = gap(low);
    if at_low <= 0.0 {
        return low;
    }
    // The solution is between the newest point and the one across from it.
    let (mut newest, mut across) = ((low, at_low), (high, at_high));
    let mut step = 0.5;
    for _ in 0..200 {
        let x = newest.0 + step * (across.0 - newest.0);
        let found = (x, gap(x));
        let left_behind = if (found.1 > 0.0) == (newest.1 > 0.0) {
            newest
        } else {
            std::mem::replace(&mut across, newest)
        };
        newest = found;
        let width = (across.0 - newest.0).abs();
        let least = 2.0 * f64::EPSILON * x.abs().max(f64::MIN_POSITIVE) / width;
        if found.1 == 0.0 || least > 0.5 {
            break;
        }
        let interpolated = interpolated(newest, across, left_behind);
        step = interpolated.unwrap_or(0.5).clamp(least, 1.0 - least);
    }
    if newest.1.abs() < across.1.abs() {
        newest.0
    } else {
        across.0
    }
}

/// Where between `newest` and `across` the inverse quadratic through three points is 0, as a share of the way; nothing where it
/// may leave the way.
fn interpolated(newest: (f64, f64), across: (f64, f64), third: (f64, f64)) -> Option<f64> {
    let ((a, at_a), (b, at_b), (c, at_c)) = (newest, across, third);
    let way = (a - b) / (c - b);
    let fall = (at_a - at_b) / (at_c - at_b);
    let monotone = 1.0 - (1.0 - way).sqrt() < fall && fall < way.sqrt();
    monotone.then(|| {
        at_a / (at_b - at_a) * at_c / (at_b - at_c)
            + (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, rows};

    #[test]
    fn inverses_are_scipys() {
        for row in rows("normal isf") {
            let found = normal_isf(row[0]);
            assert!((found - row[1]).abs() < 1e-10, "{found} {row:?}");
        }
        rows("student isf")
            .iter()
            .for_each(|row| check(student_isf(row[1], row[0]), row[2], 1e-10));
        rows("student sf")
            .iter()
            .for_each(|row| check(student_sf(row[1], row[0]), row[2], 1e-9));
        rows("chi2 isf")
            .iter()
            .for_each(|row| check(chi_squared_isf(row[1], row[0]), row[2], 1e-10));
        rows("chi2 sf")
            .iter()
            .for_each(|row| check(chi_squared_sf(row[1], row[0]), row[2], 1e-9));
        for row in rows("negative binomial") {
            let found = negative_binomial_isf(row[0], row[1], row[2]);
            assert_eq!(found, row[3] as u64, "{row:?}");
        }
    }

    #[test]
    fn pearsons_type_iii_is_scipys() {
        for row in rows("pearson3") {
            let [skewness, alpha, isf, ppf, cdf] = row[..] else {
                panic!("five numbers");
            };
            let law = PearsonIii::new(skewness);
            check(law.isf(alpha), isf, 1e-7);
            check(law.quantile(alpha), ppf, 1e-7);
            check(law.cdf(0.3), cdf, 1e-8);
            check(law.sf(isf), alpha, 1e-7);
        }
        // Of no skewness it is normal.
        check(PearsonIii::new(0.0).isf(0.01), normal_isf(0.01), 1e-15);
        check(
            PearsonIii::new(1e-5).quantile(0.01),
            -normal_isf(0.01),
            1e-4,
        );
    }

    #[test]
    fn without_freedom_there_is_no_chi_squared() {
        assert_eq!(
            (chi_squared_isf(0.01, 0.0), chi_squared_sf(0.0, 0.0)),
            (0.0, 1.0)
        );
    }
}
