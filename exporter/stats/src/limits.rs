//! Where a limit comes from: effect floor, sampling null, between-window bound, or the manifest.
//!
//! limit = max(effect floor, sampling null at α, between-window bound at α), the bound capped at twice the
//! critical floor; a number in the manifest replaces the whole limit. Where windows resemble the one before, the baseline's
//! own differ less from each other than a later one will from them, and the bound is stretched: see [`Between::stretched`].

use serde::{Deserialize, Serialize};

use crate::bins;
use crate::distance::Statistic;
use crate::sample;
use crate::tail::{self, PearsonIii};
use crate::verdict::BySeverity;

/// The least and the largest α: below, a limit would rest on tails that nothing has tested; above, a check would
/// alarm in every twentieth window.
pub const ALPHA_RANGE: (f64, f64) = (1e-9, 0.05);
/// Fewest baseline windows from which a between-window bound is made.
pub const MIN_WINDOWS: usize = 4;
/// How many windows the pooled variance weighs at most against a feature's own.
const PRIOR: f64 = 20.0;
/// Fewest baseline windows from which it is told how much a window resembles the one before.
pub(crate) const MIN_SERIES: usize = 8;
/// The most that it is taken to do.
pub(crate) const MOST_ALIKE: f64 = 0.9;
/// Distances are taken to be at least this before their logarithm, so that equal windows do not count as
/// infinitely steady.
const LEAST_DISTANCE: f64 = 1e-4;

/// Which part of a limit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LimitPart {
    /// A number in the manifest.
    Manifest,
    /// The critical limit would have been below the warning limit and was raised to it.
    RaisedToWarning,
    /// The least change that is worth an alarm.
    EffectFloor,
    /// What two finite samples differ by when nothing changed.
    SamplingNull,
    /// The run length of a chart between false alarms.
    RunLength,
    /// What the baseline's own windows differ by.
    BetweenWindows,
    /// What the baseline's own windows differ by, cut at twice the critical floor: the budget is not promised.
    BetweenWindowsCapped,
}

impl std::fmt::Display for LimitPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            LimitPart::Manifest => "a number in the manifest",
            LimitPart::RaisedToWarning => "the warning limit, below which critical cannot lie",
            LimitPart::EffectFloor => "the effect floor",
            LimitPart::SamplingNull => "the sampling null at the budget's α",
            LimitPart::RunLength => "the run length between false alarms that the budget's α gives",
            LimitPart::BetweenWindows => "the spread between the baseline's windows at the budget's α",
            LimitPart::BetweenWindowsCapped => {
                "the spread between the baseline's windows, capped: the false-alarm budget is not promised"
            }
        })
    }
}

/// One limit and its parts, in the unit of the statistic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The limit in force.
    pub value: f64,
    /// Which part holds.
    pub part: LimitPart,
    /// The effect floor.
    pub floor: f64,
    /// The sampling null at α, binning error included; `None` without an α.
    pub null: Option<f64>,
    /// The between-window bound at α before the cap; `None` below four baseline windows.
    pub bound: Option<f64>,
    /// Whether the bound was cut at twice the critical floor.
    pub capped: bool,
}

/// The probability at which one test may alarm falsely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Alpha {
    /// In force, in `1e-9..=0.05`.
    pub value: f64,
    /// What the budget asked for.
    pub asked: f64,
}

impl Alpha {
    /// The share of one test in a budget of expected false alarms per window; `None` without a test.
    pub fn share(budget: f64, tests: usize) -> Option<Alpha> {
        (tests > 0).then(|| {
            let asked = budget / tests as f64;
            Alpha {
                value: asked.clamp(ALPHA_RANGE.0, ALPHA_RANGE.1),
                asked,
            }
        })
    }

    /// The budget allows more false alarms than α = 0.05 makes: it is not used up.
    pub fn too_loose(&self) -> bool {
        self.asked > ALPHA_RANGE.1
    }

    /// The budget asks for fewer false alarms than α = 1e-9 makes: it cannot be promised.
    pub fn too_tight(&self) -> bool {
        self.asked < ALPHA_RANGE.0
    }
}

/// The effect floors, the one table of them; `None` for a statistic that cannot alarm.
pub fn floors(statistic: Statistic) -> Option<BySeverity<f64>> {
    let (warning, critical) = match statistic {
        Statistic::Ks => (0.05, 0.10),
        Statistic::Psi => (0.10, 0.25),
        Statistic::JensenShannon | Statistic::Hellinger | Statistic::Wasserstein => (0.10, 0.20),
        Statistic::MissingShare => (0.02, 0.05),
        Statistic::InvalidShare | Statistic::DuplicateShare => (0.01, 0.05),
        Statistic::OutlierShare => (0.02, 0.05),
        Statistic::AssociationChange => (0.10, 0.20),
        Statistic::PatternDistance | Statistic::SegmentDistance => (0.10, 0.20),
        Statistic::ImputedShare => (0.02, 0.05),
        Statistic::AucFall | Statistic::ExplainedFall => (0.02, 0.05),
        Statistic::LevelDeviation => (3.0, 4.0),
        Statistic::ChiSquared | Statistic::Ewma | Statistic::Cusum => return None,
    };
    Some(BySeverity { warning, critical })
}

/// How much a feature's baseline windows differ from each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Between {
    windows: usize,
    /// Mean of the logarithms for distances, 0 for signed differences.
    centre: f64,
    /// The feature's own variance around the centre.
    variance: f64,
    scale: Scale,
    /// By what the bound is multiplied.
    stretch: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Scale {
    Log,
    Plain,
}

impl Between {
    /// From the distance of each window to the others pooled: l = ln max(d, 1e-4), their mean and variance
    /// (denominator n−1). `None` below four windows.
    pub fn distances(leave_one_out: &[f64]) -> Option<Self> {
        let logs: Vec<f64> = leave_one_out
            .iter()
            .map(|d| d.max(LEAST_DISTANCE).ln())
            .collect();
        let n = logs.len() as f64;
        let centre = logs.iter().sum::<f64>() / n;
        let variance = logs.iter().map(|l| (l - centre).powi(2)).sum::<f64>() / (n - 1.0);
        (logs.len() >= MIN_WINDOWS).then_some(Between {
            windows: logs.len(),
            centre,
            variance,
            scale: Scale::Log,
            stretch: 1.0,
        })
    }

    /// From the signed difference of each window to the others pooled: mean 0, variance their mean square.
    /// `None` below four windows.
    pub fn differences(leave_one_out: &[f64]) -> Option<Self> {
        let n = leave_one_out.len();
        let variance = leave_one_out.iter().map(|d| d * d).sum::<f64>() / n as f64;
        (n >= MIN_WINDOWS).then_some(Between {
            windows: n,
            centre: 0.0,
            variance,
            scale: Scale::Plain,
            stretch: 1.0,
        })
    }

    /// The same for windows of which each resembles the one before with the correlation `rho`: the bound is multiplied by
    /// √[(1 + v)/(1 − v)·(n − 1)/(n + 1)] with v = (1 + 2Σ(1 − k/n)ρᵏ)/n the variance of the mean of n such windows, in units of
    /// theirs. √[(1 + v)/(1 − v)] is as the ratio of how far a window much later is from that mean to how far one of the n is from the
    /// others; without any likeness v is 1/n, and the bound has that already, as √(1 + 1/n).
    pub fn stretched(self, rho: f64) -> Self {
        Between {
            stretch: stretch(self.windows, rho),
            ..self
        }
    }

    /// The feature's own variance.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// centre + t₁₋α,n−1+w · s · √(1 + 1/n) with s² = (w·s₀² + (n−1)·s_i²)/(n−1+w), on the logarithm for distances. `pooled` has
    /// s₀², the mean variance of all features with the same statistic, and its weight w.
    pub fn bound(&self, pooled: Pooled, alpha: f64) -> f64 {
        let n = self.windows as f64;
        let degrees = n - 1.0 + pooled.weight;
        let s = ((pooled.weight * pooled.variance + (n - 1.0) * self.variance) / degrees).sqrt();
        let bound = self.centre + tail::student_isf(alpha, degrees) * s * (1.0 + 1.0 / n).sqrt();
        match self.scale {
            // A bound beyond any distance is cut by the cap; it only has to stay a number.
            Scale::Log => (bound.exp() * self.stretch).min(f64::MAX),
            Scale::Plain => bound * self.stretch,
        }
    }
}

/// By what a bound from so many windows is multiplied, of which each resembles the one before with the correlation `rho`: see
/// [`Between::stretched`].
pub(crate) fn stretch(windows: usize, rho: f64) -> f64 {
    let n = windows as f64;
    let rho = rho.clamp(0.0, MOST_ALIKE);
    let sum: f64 = (1..windows)
        .map(|k| (1.0 - k as f64 / n) * rho.powi(k as i32))
        .sum();
    let v = (1.0 + 2.0 * sum) / n;
    ((1.0 + v) / (1.0 - v) * (n - 1.0) / (n + 1.0))
        .sqrt()
        .max(1.0)
}

/// How much a window resembles the one before: the mean over all series, each a number a window, of their autocorrelation at
/// lag 1, r = Σ eᵢeᵢ₊₁/Σ eᵢ² with e = x − x̄, corrected for its bias −(1 + 3ρ)/n (Marriott and Pope 1954). 0 below eight windows,
/// where it cannot be told, and where it is negative.
pub fn autocorrelation<'a>(series: impl Iterator<Item = &'a [f64]>) -> f64 {
    let one = |series: &[f64]| {
        let n = series.len();
        let mean = series.iter().sum::<f64>() / n as f64;
        let squares: f64 = series.iter().map(|x| (x - mean).powi(2)).sum();
        let pairs = series.iter().zip(series.iter().skip(1));
        let products: f64 = pairs.map(|(a, b)| (a - mean) * (b - mean)).sum();
        let n = n as f64;
        (n >= MIN_SERIES as f64 && squares > 0.0)
            .then(|| (products / squares + 1.0 / n) / (1.0 - 3.0 / n))
    };
    let (count, sum) = series
        .filter_map(one)
        .fold((0u64, 0.0), |(count, sum), r| (count + 1, sum + r));
    match count {
        0 => 0.0,
        count => (sum / count as f64).clamp(0.0, MOST_ALIKE),
    }
}

/// [`autocorrelation`] and two of its standard errors on top, √((1 − r²)/(kn)) with k the number of series that are independent: few windows
/// of what moves in all features at once do not tell how much they resemble each other.
pub fn autocorrelation_at_most(series: &[&[f64]]) -> f64 {
    let windows = series.iter().map(|own| own.len()).max().unwrap_or(0);
    if windows < MIN_SERIES {
        return 0.0;
    }
    let r = autocorrelation(series.iter().copied());
    let told = independent(series.iter().copied()) * windows as f64;
    let error = ((1.0 - r * r) / told.max(1.0)).sqrt();
    (r + 2.0 * error).min(MOST_ALIKE)
}

/// What all features with the same statistic together say about how much windows differ.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pooled {
    variance: f64,
    weight: f64,
}

impl Pooled {
    /// Of features that move by themselves; nothing of one feature alone.
    pub fn of<'a>(features: impl Iterator<Item = &'a Between>) -> Self {
        let all: Vec<&Between> = features.collect();
        Self::weighted(&all, all.len() as f64)
    }

    /// Of series that may move together, each with what it says by itself.
    pub fn of_series<'a>(
        series: impl Iterator<Item = &'a [f64]> + Clone,
        all: impl Iterator<Item = &'a Between>,
    ) -> Self {
        let all: Vec<&Between> = all.collect();
        Self::weighted(&all, independent(series))
    }

    /// With the weight of the others in windows, of `series` that are independent of each other: each tells as much as its windows
    /// less 1, and all together at most 20.
    fn weighted(all: &[&Between], series: f64) -> Self {
        let windows = all.iter().map(|between| between.windows).max();
        let sum: f64 = all.iter().map(|between| between.variance).sum();
        Pooled {
            variance: sum / (all.len() as f64).max(1.0),
            weight: ((series - 1.0) * (windows.unwrap_or(1) as f64 - 1.0)).clamp(0.0, PRIOR),
        }
    }

    /// With the same weight, and this in place of the mean variance: of features that chance moves by different amounts.
    pub fn with_variance(self, variance: f64) -> Self {
        Pooled { variance, ..self }
    }

    /// The mean variance.
    pub fn variance(&self) -> f64 {
        self.variance
    }
}

/// As how many independent ones m series count, each a number a window: m/(1 + (m−1)·ρ²), of which the mean of their variances varies
/// as much (Satterthwaite 1946), with ρ² their mean squared correlation less what chance makes of it in so many windows, 1/(n−1). Those
/// that do not move, and those that are shorter than the longest, are not counted.
fn independent<'a>(series: impl Iterator<Item = &'a [f64]> + Clone) -> f64 {
    let windows = series.clone().map(<[f64]>::len).max().unwrap_or(0);
    let mut products = vec![0.0; windows * windows];
    let mut count = 0.0;
    for own in series.filter(|own| own.len() == windows) {
        let mean = own.iter().sum::<f64>() / windows as f64;
        let squares: f64 = own.iter().map(|value| (value - mean).powi(2)).sum();
        if squares > 0.0 {
            count += 1.0;
            let pairs = own
                .iter()
                .flat_map(|a| own.iter().map(move |b| (a - mean) * (b - mean)));
            for (sum, product) in products.iter_mut().zip(pairs) {
                *sum += product / squares;
            }
        }
    }
    if count < 2.0 || windows < 3 {
        return count;
    }
    // The squares of all correlations, each series with itself among them.
    let all: f64 = products.iter().map(|product| product * product).sum();
    let mean = (all - count) / (count * (count - 1.0));
    let chance = 1.0 / (windows as f64 - 1.0);
    let rho = ((mean - chance) / (1.0 - chance)).clamp(0.0, 1.0);
    count / (1.0 + (count - 1.0) * rho)
}

/// The increase of a share, of which the reference has `counted` of N rows and the window some of M, that is exceeded with
/// probability `alpha` when nothing changed: x₁₋α·SE, SE = √(r(1−r)(1/N + 1/M)), r = (counted + ½)/(N + 1), and x of
/// Pearson's type III with the skewness (1−2r)/(r(1−r))·SE. That is √(1 + M/N) times the skewness of a window's share, since a
/// reference that is large by luck makes SE large too.
pub fn share_null(alpha: f64, counted: u64, reference: u64, current: u64) -> f64 {
    let rate = (counted as f64 + 0.5) / (reference as f64 + 1.0);
    let variance = rate * (1.0 - rate);
    let error = (variance * (1.0 / reference as f64 + 1.0 / current as f64)).sqrt();
    PearsonIii::new((1.0 - 2.0 * rate) / variance * error).isf(alpha) * error
}

/// The increase of the share of the most frequent number without a point bin of its own, of which the reference has `counted` of N
/// numbers and the window some of M, that is reached with a probability of at most `alpha` when nothing changed. It is the larger one of
/// [`share_null`] and of c/M − `counted`/N: a number without a point bin was at most b = ⌈N/1,024⌉ − 1 times among the N numbers, or
/// the 40,000 at least of them that bins are made of, and no more than N/b numbers were. How often one of these is among M others is
/// negative binomial with b + ½ and N/(N + M), as a Poisson rate with Jeffreys' prior tells (Gelman et al. 2013, section 2.6), and c is
/// the least count that each of them reaches with a probability of at most `alpha`·b/N (Bonferroni).
pub fn fill_null(alpha: f64, counted: u64, reference: u64, current: u64) -> f64 {
    let sampled = reference.min(sample::CAP as u64 / 2);
    let most = sampled.div_ceil(bins::FINE as u64).saturating_sub(1);
    let (numbers, rows) = (sampled as f64 / most.max(1) as f64, current as f64);
    let known = sampled as f64 / (sampled as f64 + rows);
    let fewest = tail::negative_binomial_isf(alpha / numbers, most as f64 + 0.5, known);
    let fills = fewest as f64 / rows - counted as f64 / reference as f64;
    share_null(alpha, counted, reference, current).max(fills)
}

/// What a limit is made of, at one severity.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Parts {
    /// Sampling null at α.
    pub null: Option<f64>,
    /// Between-window bound at α, not capped.
    pub bound: Option<f64>,
    /// The manifest's number.
    pub manifest: Option<f64>,
}

impl Parts {
    /// Both severities' parts.
    pub fn both(
        null: BySeverity<Option<f64>>,
        bound: BySeverity<Option<f64>>,
        manifest: BySeverity<Option<f64>>,
    ) -> BySeverity<Parts> {
        let parts = null.zip(bound).zip(manifest);
        parts.map(|((null, bound), manifest)| Parts {
            null,
            bound,
            manifest,
        })
    }
}

/// The bounds between windows of several series of signed differences, each a number a window, at `alpha`: each with the
/// spread of all of them beside its own, by how many of them move by themselves, and stretched by how much windows resemble the one before.
pub fn bounds(series: &[&[f64]], alpha: BySeverity<Option<Alpha>>) -> Vec<BySeverity<Option<f64>>> {
    let alike = autocorrelation_at_most(series);
    let between: Vec<Option<Between>> = series
        .iter()
        .map(|differences| Some(Between::differences(differences)?.stretched(alike)))
        .collect();
    let pooled = Pooled::of_series(series.iter().copied(), between.iter().flatten());
    let bound = |between: &Option<Between>| {
        alpha.map(|alpha| Some((*between)?.bound(pooled, alpha?.value)))
    };
    between.iter().map(bound).collect()
}

/// The limits of a statistic from their parts: the largest part holds, the manifest before all of them, and
/// critical is never below warning.
pub fn limits(floors: BySeverity<f64>, parts: BySeverity<Parts>) -> BySeverity<Limit> {
    below(2.0 * floors.critical, floors, parts)
}

/// The same without the cap: for values in units of what the bound is made of, so that a wide bound says that little is known and
/// not that the feature moves.
pub fn uncapped(floors: BySeverity<f64>, parts: BySeverity<Parts>) -> BySeverity<Limit> {
    below(f64::INFINITY, floors, parts)
}

/// The limits of a chart, of each severity where it comes from: it has no other parts. Critical is never below warning.
pub fn of_chart(limits: BySeverity<(f64, LimitPart)>) -> BySeverity<Limit> {
    raised(limits.map(|(value, part)| Limit {
        value,
        part,
        floor: 0.0,
        null: None,
        bound: None,
        capped: false,
    }))
}

fn below(cap: f64, floors: BySeverity<f64>, parts: BySeverity<Parts>) -> BySeverity<Limit> {
    raised(floors.zip(parts).map(|(floor, parts)| {
        let capped = parts.bound.is_some_and(|bound| bound > cap);
        let mut limit = Limit {
            value: floor,
            part: LimitPart::EffectFloor,
            floor,
            null: parts.null,
            bound: parts.bound,
            capped,
        };
        let between = if capped {
            LimitPart::BetweenWindowsCapped
        } else {
            LimitPart::BetweenWindows
        };
        let calibrated = [
            (parts.null, LimitPart::SamplingNull),
            (parts.bound.map(|bound| bound.min(cap)), between),
        ];
        for (value, part) in calibrated {
            if let Some(value) = value.filter(|value| *value > limit.value) {
                (limit.value, limit.part) = (value, part);
            }
        }
        if let Some(number) = parts.manifest {
            (limit.value, limit.part) = (number, LimitPart::Manifest);
        }
        limit
    }))
}

/// With critical raised to warning where it would be below.
fn raised(mut limits: BySeverity<Limit>) -> BySeverity<Limit> {
    if limits.critical.value < limits.warning.value {
        (limits.critical.value, limits.critical.part) =
            (limits.warning.value, LimitPart::RaisedToWarning);
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::u;

    fn parts(null: f64, bound: f64, manifest: Option<f64>) -> Parts {
        Parts {
            null: Some(null),
            bound: Some(bound),
            manifest,
        }
    }

    #[test]
    fn the_largest_part_holds_and_the_manifest_before_all() {
        let ks = floors(Statistic::Ks).unwrap();
        let check = |warning: Parts, critical: Parts, expected: [(f64, LimitPart); 2]| {
            let found = limits(ks, BySeverity { warning, critical });
            assert_eq!(
                [
                    (found.warning.value, found.warning.part),
                    (found.critical.value, found.critical.part)
                ],
                expected
            );
        };
        use LimitPart::*;
        check(
            parts(0.01, 0.02, None),
            parts(0.01, 0.02, None),
            [(0.05, EffectFloor), (0.1, EffectFloor)],
        );
        check(
            parts(0.06, 0.02, None),
            parts(0.07, 0.12, None),
            [(0.06, SamplingNull), (0.12, BetweenWindows)],
        );
        check(
            parts(0.06, 0.3, None),
            parts(0.3, 0.4, None),
            [(0.2, BetweenWindowsCapped), (0.3, SamplingNull)],
        );
        check(
            parts(0.06, 0.3, Some(0.15)),
            parts(0.01, 0.01, None),
            [(0.15, Manifest), (0.15, RaisedToWarning)],
        );
        check(
            parts(0.06, 0.3, Some(0.0)),
            parts(0.01, 0.01, Some(0.02)),
            [(0.0, Manifest), (0.02, Manifest)],
        );
    }

    #[test]
    fn a_budget_outside_of_the_range_is_clamped_and_said_to_be() {
        assert_eq!(Alpha::share(1.0, 0), None);
        let alpha = Alpha::share(1.0, 76).unwrap();
        assert_eq!(
            (alpha.value, alpha.too_loose(), alpha.too_tight()),
            (1.0 / 76.0, false, false)
        );
        let alpha = Alpha::share(100.0, 76).unwrap();
        assert_eq!((alpha.value, alpha.too_loose()), (0.05, true));
        assert!(Alpha::share(1e-12, 76).unwrap().too_tight());
    }

    #[test]
    fn series_that_move_together_count_as_one() {
        let one = [1.0, -2.0, 0.5, 1.5, -1.0, 0.0];
        let larger = one.map(|value| 3.0 * value);
        let still = [0.0; 6];
        let same: [&[f64]; 3] = [&one, &larger, &still];
        assert!((independent(same.into_iter()) - 1.0).abs() < 1e-12);
        let between = same.map(Between::differences);
        let pooled = Pooled::of_series(same.into_iter(), between.iter().flatten());
        assert!(pooled.weight.abs() < 1e-9 && pooled.variance > 0.0);
        // What is drawn by itself counts by itself, as far as six windows tell.
        let drawn: Vec<Vec<f64>> = (0..40)
            .map(|series| u(6, 37 * series).iter().map(|u| u - 0.5).collect())
            .collect();
        let counted = independent(drawn.iter().map(Vec::as_slice));
        assert!(counted > 5.0, "{counted}");
        let of = |series: &[&[f64]]| independent(series.iter().copied());
        assert_eq!((of(&[]), of(&[&one])), (0.0, 1.0));
    }

    #[test]
    fn three_windows_make_no_bound() {
        assert_eq!(Between::distances(&[0.1; 3]), None);
        assert_eq!(Between::differences(&[0.1; 3]), None);
        assert_eq!(Pooled::of([].into_iter()), Pooled::default());
    }
}
