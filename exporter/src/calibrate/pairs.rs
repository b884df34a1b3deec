//! The pairs of features in replayed windows. A number in the manifest for a feature is the limit of all of its pairs, of two numbers the
//! larger one, so that it has to do for the pair that asks for most. A window in which a pair is laid to its other feature says
//! nothing of a number for this one: what the other one does is for a number of its own. Pure.

use std::collections::BTreeMap;

use stats::limits::{Between, Pooled, autocorrelation_at_most};
use stats::{BySeverity, PairSpread, PairTest, Severity, laid_to, pooled_spreads, score};

/// Limits of the pairs of features, by the feature's place in the baseline.
pub type Numbers = BTreeMap<usize, BySeverity<Option<f64>>>;

/// All pairs of all windows.
#[derive(Debug)]
pub struct Pairs<'a> {
    /// Of each window.
    windows: Vec<&'a [PairTest]>,
    /// For each feature the rows that a pair needs to alarm for it.
    min_rows: Vec<u64>,
    /// For each feature its pairs.
    own: BTreeMap<usize, Vec<Pair>>,
}

/// A pair of a feature, in the windows in which it is not laid to the other one.
#[derive(Debug)]
struct Pair {
    /// By how many α is divided.
    partners: usize,
    /// The largest limits of the windows.
    in_force: BySeverity<f64>,
    /// How much its windows differ from the baseline; nothing below four.
    between: Option<Between>,
    /// What pairs with its measure say about that.
    pooled: Pooled,
}

impl<'a> Pairs<'a> {
    /// Those of windows in their order, for features that need so many rows.
    pub fn new(windows: Vec<&'a [PairTest]>, min_rows: Vec<u64>) -> Self {
        let mut found: BTreeMap<(usize, (usize, usize)), Vec<&PairTest>> = BTreeMap::new();
        let mut laid_to_none: BTreeMap<(usize, usize), Vec<&PairTest>> = BTreeMap::new();
        for pairs in &windows {
            let causes = laid_to(pairs, &min_rows);
            for (pair, cause) in pairs.iter().zip(causes) {
                let features = [pair.features.0, pair.features.1].into_iter();
                let of_it = features.filter(|of| is_for(pair, cause, *of, &min_rows));
                let of_it: Vec<usize> = of_it.collect();
                if cause.is_none() && !of_it.is_empty() {
                    laid_to_none.entry(pair.features).or_default().push(pair);
                }
                for feature in of_it {
                    let of = found.entry((feature, pair.features));
                    of.or_default().push(pair);
                }
            }
        }
        let series: Vec<Vec<f64>> = found.values().map(|windows| deltas(windows)).collect();
        let all: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
        let alike = autocorrelation_at_most(&all);
        let pooled = pooled(&laid_to_none);
        let mut own: BTreeMap<usize, Vec<Pair>> = BTreeMap::new();
        for (((feature, features), windows), deltas) in found.iter().zip(&series) {
            let larger = |a: BySeverity<f64>, b| a.zip(b).map(|(a, b): (f64, f64)| a.max(b));
            let in_force = windows.iter().map(|pair| pair.limits);
            own.entry(*feature).or_default().push(Pair {
                partners: windows.first().map_or(1, |pair| pair.partners).max(1),
                in_force: in_force.fold(BySeverity::default(), larger),
                between: Between::differences(deltas).map(|between| between.stretched(alike)),
                pooled: pooled.get(features).copied().unwrap_or_default(),
            });
        }
        Pairs {
            windows,
            min_rows,
            own,
        }
    }

    fn of(&self, feature: usize) -> impl Iterator<Item = &Pair> {
        self.own.get(&feature).into_iter().flatten()
    }

    /// The largest limit of a feature's pairs; 0 without one.
    pub fn in_force(&self, feature: usize, severity: Severity) -> f64 {
        let limits = self.of(feature).map(|pair| *pair.in_force.get(severity));
        limits.fold(0.0, f64::max)
    }

    /// The largest bound of a feature's pairs at α, which its pairs share; nothing where none has four windows.
    pub fn bound(&self, feature: usize, alpha: f64) -> Option<f64> {
        let bound = |pair: &Pair| {
            // The difference may have either sign.
            let alpha = alpha / pair.partners as f64 / 2.0;
            Some(pair.between?.bound(pair.pooled, alpha))
        };
        self.of(feature).filter_map(bound).reduce(f64::max)
    }

    /// Whether each window is over the limit for a feature, with these numbers in the manifest beside what it has: each at least as large
    /// as the limits of the pairs that its feature alarms for.
    pub fn over(&self, feature: usize, severity: Severity, numbers: &Numbers) -> Vec<bool> {
        let over = |window: &&[PairTest]| {
            let pairs: Vec<PairTest> = window.iter().map(|pair| with(pair, numbers)).collect();
            let causes = laid_to(&pairs, &self.min_rows);
            pairs.iter().zip(causes).any(|(pair, cause)| {
                is_for(pair, cause, feature, &self.min_rows)
                    && score(pair.delta.abs(), *pair.limits.get(severity)) >= 1.0
            })
        };
        self.windows.iter().map(over).collect()
    }
}

/// What the pairs of its measure say about how much each pair differs, by the windows in which they are laid to no feature: what one
/// feature does to its pairs is no measure of what others do. Nothing of a pair with less than four such windows.
fn pooled(pairs: &BTreeMap<(usize, usize), Vec<&PairTest>>) -> BTreeMap<(usize, usize), Pooled> {
    let spread = |(features, windows): (&(usize, usize), &Vec<&PairTest>)| {
        let mean = |of: &dyn Fn(&PairTest) -> f64| {
            windows.iter().map(|pair| of(pair)).sum::<f64>() / windows.len() as f64
        };
        let spread = PairSpread {
            between: Between::differences(&deltas(windows))?,
            measure: windows.first()?.measure,
            rows: mean(&|pair| pair.rows as f64),
            chance: mean(&|pair| pair.chance),
        };
        Some((*features, spread))
    };
    let (features, spreads): (Vec<_>, Vec<_>) = pairs.iter().filter_map(spread).unzip();
    let pooled = pooled_spreads(&spreads);
    features.into_iter().zip(pooled).collect()
}

fn deltas(windows: &[&PairTest]) -> Vec<f64> {
    windows.iter().map(|pair| pair.delta).collect()
}

/// Whether a feature may alarm for a pair that is laid to `cause`.
fn is_for(pair: &PairTest, cause: Option<usize>, feature: usize, min_rows: &[u64]) -> bool {
    (feature == pair.features.0 || feature == pair.features.1)
        && min_rows.get(feature).is_some_and(|need| pair.rows >= *need)
        && cause.is_none_or(|cause| cause == feature)
}

/// A pair with the limits that these numbers give it.
fn with(pair: &PairTest, numbers: &Numbers) -> PairTest {
    let of = |feature: usize| numbers.get(&feature).copied().unwrap_or_default();
    let given = of(pair.features.0).zip(of(pair.features.1));
    let limits = pair.limits.zip(given);
    let mut limits = limits.map(|(own, (one, other))| match (one, other) {
        (Some(one), Some(other)) => one.max(other),
        (one, other) => one.or(other).unwrap_or(own),
    });
    limits.critical = limits.critical.max(limits.warning);
    PairTest { limits, ..*pair }
}
