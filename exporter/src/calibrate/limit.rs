//! The limit that replayed windows ask for, by the recipe that makes limits of the baseline's own windows.

use stats::Statistic;
use stats::limits::{Between, Pooled, autocorrelation_at_most};

/// How much the values of a statistic differ from window to window; nothing below four windows, or where there is no limit by itself.
pub fn spread(statistic: Statistic, values: &[f64]) -> Option<Between> {
    use Statistic::*;
    match statistic {
        Ks | Psi | JensenShannon | Hellinger | Wasserstein | PatternDistance | SegmentDistance => {
            Between::distances(values)
        }
        MissingShare | InvalidShare | OutlierShare | DuplicateShare | ImputedShare | AucFall
        | ExplainedFall | LevelDeviation | Ewma => Between::differences(values),
        // Of a number for a feature all of its pairs say something; and of what the CUSUM is there is none.
        AssociationChange | Cusum | ChiSquared => None,
    }
}

/// What all tests of a statistic together say about how much its values differ: each its values, and what they say by themselves.
pub fn pooled<'a>(
    statistic: Statistic,
    tests: impl Iterator<Item = (&'a [f64], &'a Between)> + Clone,
) -> Pooled {
    let between = tests.clone().map(|(_, between)| between);
    match is_signed(statistic) {
        // Features are null in the same rows, and all of them tell less about a target that is noise.
        true => Pooled::of_series(tests.map(|(values, _)| values), between),
        false => Pooled::of(between),
    }
}

/// How much a window is like the one before, by the values of all tests of a statistic; 0 of distances.
pub fn alike(statistic: Statistic, series: &[&[f64]]) -> f64 {
    match is_signed(statistic) {
        true => autocorrelation_at_most(series),
        false => 0.0,
    }
}

/// Whether values have a sign: those of distances do not say where to a window went.
fn is_signed(statistic: Statistic) -> bool {
    use Statistic::*;
    match statistic {
        MissingShare | InvalidShare | OutlierShare | DuplicateShare | ImputedShare | AucFall
        | ExplainedFall | LevelDeviation | Ewma | Cusum | AssociationChange => true,
        Ks | Psi | JensenShannon | Hellinger | Wasserstein | PatternDistance | SegmentDistance
        | ChiSquared => false,
    }
}

/// In how many directions a value may pass its limit.
pub fn sides(statistic: Statistic) -> f64 {
    use Statistic::*;
    match statistic {
        AssociationChange | LevelDeviation | Ewma | Cusum => 2.0,
        Ks | Psi | JensenShannon | Hellinger | Wasserstein | ChiSquared | PatternDistance
        | SegmentDistance | MissingShare | InvalidShare | OutlierShare | DuplicateShare
        | ImputedShare | AucFall | ExplainedFall => 1.0,
    }
}

/// At which number a limit of a statistic ends: its largest value, which as a limit would never be passed, or the most that a manifest
/// takes.
pub fn largest(statistic: Statistic) -> f64 {
    use Statistic::*;
    match statistic {
        // A number whose slope turns tells less than nothing, so that what is explained may fall by more.
        Ks | JensenShannon | Hellinger | MissingShare | InvalidShare | OutlierShare
        | DuplicateShare | PatternDistance | ImputedShare | SegmentDistance | AssociationChange
        | AucFall | ExplainedFall => 1.0,
        Psi | Wasserstein | ChiSquared | LevelDeviation | Ewma | Cusum => 1000.0,
    }
}

/// The least number with two significant digits that is not below `value`.
pub fn round_up(value: f64) -> f64 {
    let text = format!("{value:.1e}");
    let near: f64 = text.parse().unwrap_or(value);
    if near >= value || !value.is_finite() {
        return near;
    }
    // One more in the second digit: "6.2e-2" becomes 63e-3.
    let up = text.split_once('e').and_then(|(digits, exponent)| {
        let digits: i64 = digits.replace('.', "").parse().ok()?;
        let exponent: i64 = exponent.parse().ok()?;
        format!("{}e{}", digits + 1, exponent - 1).parse().ok()
    });
    up.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_two_digits_and_are_never_rounded_down() {
        let check = |value, expected: f64| assert_eq!(round_up(value), expected, "{value}");
        check(0.1, 0.1);
        check(0.062_286, 0.063);
        check(0.062_000_000_000_000_1, 0.063);
        check(0.062, 0.062);
        check(0.996, 1.0);
        check(9.95, 10.0);
        check(123.0, 130.0);
        check(1e-9, 1e-9);
        check(0.0, 0.0);
        check(-0.062_286, -0.062);
        assert_eq!(round_up(f64::INFINITY), f64::INFINITY);
        assert!(round_up(f64::NAN).is_nan());
        // Over many sizes; 1.1 is the widest step of two digits.
        for i in 1..5_000 {
            let value = f64::from(i).powf(1.7) * 1e-5;
            let up = round_up(value);
            assert!(value <= up && up <= value * 1.1, "{value} {up}");
            assert_eq!(up, format!("{up:.1e}").parse::<f64>().unwrap());
        }
    }
}
