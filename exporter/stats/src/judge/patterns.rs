//! How often which features are missing together in a row, compared with the baseline: one test of the window.
//!
//! Its value is the Jensen–Shannon distance of the frequencies over the frequent patterns of both together, see
//! [`pattern_bins`](crate::missingness::pattern_bins). Features that the window does not have take no part: that a column is
//! gone is no pattern.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counted::Component;
use super::{ALWAYS, CheckSettings, Settings, verdict};
use crate::baseline::FrozenFeature;
use crate::distance::table::Table;
use crate::distance::{NotComputed, Statistic, jensen_shannon};
use crate::limits::{self, Alpha, Limit, Parts, floors};
use crate::missingness::co_missing::{JointCounts, co_missing};
use crate::missingness::pattern_bins::PatternBins;
use crate::missingness::patterns::{Distinct, Patterns};
use crate::missingness::{self, McarTest, Missingness, summary};
use crate::verdict::{BySeverity, Check, Verdict};
use crate::window::WindowSummary;

/// How many patterns and pairs of a window are told of.
pub const MOST_TOLD: usize = 10;

/// One pattern: the features that are missing in a row while all others are there; before and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatternChange {
    /// The features; none where nothing is missing.
    pub missing: Vec<String>,
    /// Its share of the baseline's rows.
    pub reference: f64,
    /// Its share of the window's.
    pub current: f64,
}

impl PatternChange {
    /// Now less before.
    pub fn delta(&self) -> f64 {
        self.current - self.reference
    }
}

/// Two features and how strongly they are missing in the same rows, before and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoMissingPair {
    /// Both, in the baseline's order.
    pub features: (String, String),
    /// φ in the baseline; nothing where one of them was never, or always, missing.
    pub reference: Option<f64>,
    /// φ in the window.
    pub current: f64,
    /// Rows of the window that miss both.
    pub both: u64,
}

/// A numeric feature that is different where another one is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The one that is missing.
    pub missing: String,
    /// The one whose values are compared.
    pub value: String,
    /// By how many standard deviations its mean is larger where the other one is missing; `None` where it is one constant there, and
    /// another where the other one is not missing, so that there is no deviation.
    pub effect: Option<f64>,
    /// Welch's p-value, adjusted over all pairs of the window that have one; 0 where there is no deviation.
    pub adjusted_p_value: f64,
}

/// How complete the rows of one side are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Completeness {
    /// Rows of the sample.
    pub rows: u64,
    /// Share of rows in which nothing is missing.
    pub complete: f64,
    /// Mean share of the features that are filled in a row.
    pub filled: f64,
    /// Different patterns.
    pub patterns: Distinct,
}

/// What a window says about how values are missing together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissingnessReport {
    /// How many features took part.
    pub features: usize,
    /// The baseline.
    pub reference: Completeness,
    /// The window.
    pub current: Completeness,
    /// Probability of a distance at least as large as the check's when nothing changed.
    pub p_value: f64,
    /// The patterns whose share changed most, at most [`MOST_TOLD`], by falling change.
    pub changed: Vec<PatternChange>,
    /// The pairs that are most strongly missing together, at most [`MOST_TOLD`], by falling |φ|.
    pub pairs: Vec<CoMissingPair>,
    /// Whether the window's values are missing completely at random.
    pub mcar: Result<McarTest, missingness::NotComputed>,
    /// The features that differ most where others are missing, at most [`MOST_TOLD`]: those that are two constants, then by rising
    /// p-value; those alone that differ significantly.
    pub differences: Vec<Difference>,
    /// How many pairs of features were compared so, and how many differ significantly, those that are two constants among both.
    pub compared: (u64, u64),
}

/// What a window is judged by, and told of.
pub(super) type Judged = (Result<Verdict, NotComputed>, Option<MissingnessReport>);

/// The test of the window.
#[derive(Debug, Clone)]
pub(super) struct PatternTest {
    /// The features that every window of the baseline has.
    names: Vec<String>,
    patterns: Patterns,
    joint: JointCounts,
    /// Over the frequent patterns of the baseline's windows together, as many as a window has rows for on average.
    between: Option<Component>,
    settings: CheckSettings,
}

impl PatternTest {
    pub(super) fn new(
        features: &[FrozenFeature],
        windows: &[WindowSummary],
        settings: &Settings,
    ) -> Result<Self, NotComputed> {
        if !settings.on.missing_patterns {
            return Err(NotComputed::Disabled);
        }
        let known: Option<Vec<&Missingness>> = windows
            .iter()
            .map(|window| window.missingness.as_ref())
            .collect();
        let known = known.ok_or(NotComputed::NotInBaseline)?;
        let in_all = |name: &String| known.iter().all(|window| window.features().contains(name));
        let names: Vec<String> = features
            .iter()
            .map(|feature| feature.name.clone())
            .filter(in_all)
            .collect();
        let sides: Vec<(Patterns, JointCounts)> =
            known.iter().map(|window| window.of(&names)).collect();
        let pooled = pooled(&sides).filter(|_| !names.is_empty());
        let (patterns, joint) = pooled.ok_or(NotComputed::NotInBaseline)?;
        let (have, need) = (patterns.rows(), Statistic::PatternDistance.minimum());
        if have < need {
            return Err(NotComputed::NoReference { have, need });
        }
        let rows = patterns.rows() / sides.len().max(1) as u64;
        let bins = PatternBins::of(&[&patterns], rows);
        let windows: Vec<Vec<u64>> = sides.iter().map(|(own, _)| bins.counts(own)).collect();
        Ok(PatternTest {
            between: Component::of(&bins.counts(&patterns), &windows),
            names,
            patterns,
            joint,
            settings: settings.default.missing_patterns,
        })
    }

    pub(super) fn judge(&self, window: &WindowSummary, alpha: BySeverity<Option<Alpha>>) -> Judged {
        let Some(window) = &window.missingness else {
            return (Err(NotComputed::NoSample), None);
        };
        let here = |name: &String| window.features().contains(name);
        let columns = self.names.iter().enumerate().filter(|(_, name)| here(name));
        let (columns, names): (Vec<usize>, Vec<String>) =
            columns.map(|(column, name)| (column, name.clone())).unzip();
        if names.is_empty() {
            return (Err(NotComputed::Absent), None);
        }
        let reference = summary::of(&self.patterns, &self.joint, &columns);
        let current = window.of(&names);
        let table = compared(&reference.0, &current.0);
        let distance = jensen_shannon::distance(&table);
        let rows = current.0.rows();
        let (have, need) = (rows, Statistic::PatternDistance.minimum());
        let verdict = match have < need {
            true => Err(NotComputed::TooFewRows { have, need }),
            false => Ok(verdict(
                Check::MissingPatterns,
                Statistic::PatternDistance,
                distance,
                rows,
                self.settings.min_rows,
                self.limits(&table, alpha),
                ALWAYS,
            )),
        };
        let p_value = jensen_shannon::p_value(&table, distance);
        let report = report(&names, &reference, &current, window, p_value);
        (verdict, report)
    }

    fn limits(&self, table: &Table, alpha: BySeverity<Option<Alpha>>) -> BySeverity<Limit> {
        let floors = floors(Statistic::PatternDistance).unwrap_or_default();
        let parts = alpha.zip(self.settings.limits).map(|(alpha, manifest)| {
            let null = alpha.map(|alpha| jensen_shannon::null(table, alpha.value));
            let bound = |null| Some(self.between?.bound(null, alpha?.value));
            Parts {
                null,
                bound: null.and_then(bound),
                manifest,
            }
        });
        limits::limits(floors, parts)
    }
}

/// The patterns of both sides over the bins of both.
fn compared(reference: &Patterns, current: &Patterns) -> Table {
    let smallest = reference.rows().min(current.rows());
    let bins = PatternBins::of(&[reference, current], smallest);
    Table::new(&bins.counts(reference), &bins.counts(current))
}

/// All windows together.
fn pooled(sides: &[(Patterns, JointCounts)]) -> Option<(Patterns, JointCounts)> {
    let patterns = Patterns::pool(sides.iter().map(|(patterns, _)| patterns)).ok()??;
    let (_, first) = sides.first()?;
    let mut joint = first.clone();
    for (_, next) in sides.iter().skip(1) {
        joint.merge(next).ok()?;
    }
    Some((patterns, joint))
}

/// What is told of a window; nothing without a row.
fn report(
    names: &[String],
    reference: &(Patterns, JointCounts),
    current: &(Patterns, JointCounts),
    window: &Missingness,
    p_value: f64,
) -> Option<MissingnessReport> {
    let name = |column: usize| names.get(column).cloned().unwrap_or_default();
    let pairs = co_missing(&reference.1, &current.1, MOST_TOLD).ok()?;
    let pairs = pairs.pairs.into_iter().map(|pair| CoMissingPair {
        features: (name(pair.columns.0), name(pair.columns.1)),
        reference: pair.baseline.ok(),
        current: pair.phi,
        both: pair.counts.both,
    });
    let dependence = window.dependence();
    let own = |column: usize| window.features().get(column).cloned().unwrap_or_default();
    // Nothing separates more than two constants.
    let separated = dependence.separated.iter();
    let separated = separated.map(|(missing, value)| Difference {
        missing: own(*missing),
        value: own(*value),
        effect: None,
        adjusted_p_value: 0.0,
    });
    let splits = dependence.splits.iter();
    let significant = splits.filter(|split| split.adjusted_p_value <= missingness::SIGNIFICANT);
    let differences = separated.chain(significant.map(|split| Difference {
        missing: own(split.missing),
        value: own(split.value),
        effect: Some(split.test.effect),
        adjusted_p_value: split.adjusted_p_value,
    }));
    Some(MissingnessReport {
        features: names.len(),
        reference: completeness(&reference.0)?,
        current: completeness(&current.0)?,
        p_value,
        changed: changed(names, &reference.0, &current.0),
        pairs: pairs.collect(),
        mcar: window.mcar(),
        differences: differences.take(MOST_TOLD).collect(),
        compared: (
            dependence.tested + dependence.separated_pairs,
            dependence.significant + dependence.separated_pairs,
        ),
    })
}

fn completeness(patterns: &Patterns) -> Option<Completeness> {
    Some(Completeness {
        rows: patterns.rows(),
        complete: patterns.complete_share()?,
        filled: patterns.mean_filled()? / patterns.columns().max(1) as f64,
        patterns: patterns.distinct(),
    })
}

/// The patterns whose share changed most: of those that either side keeps, so that a new one is told by its name.
fn changed(names: &[String], reference: &Patterns, current: &Patterns) -> Vec<PatternChange> {
    let mut shares: BTreeMap<_, (f64, f64)> = BTreeMap::new();
    for (mask, count) in reference.kept() {
        shares.entry(mask).or_default().0 = *count as f64 / reference.rows().max(1) as f64;
    }
    for (mask, count) in current.kept() {
        shares.entry(mask).or_default().1 = *count as f64 / current.rows().max(1) as f64;
    }
    let mut shares: Vec<_> = shares.into_iter().collect();
    let change = |(before, now): &(f64, f64)| (now - before).abs();
    shares.sort_by(|(a, x), (b, y)| change(y).total_cmp(&change(x)).then_with(|| a.cmp(b)));
    let told = shares
        .into_iter()
        .filter(|(_, shares)| change(shares) > 0.0);
    told.take(MOST_TOLD)
        .map(|(mask, (reference, current))| PatternChange {
            missing: mask
                .columns()
                .filter_map(|column| names.get(column).cloned())
                .collect(),
            reference,
            current,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::missingness::tests::{columns, counted};
    use crate::oracle::{check, number};

    fn random(rng: &mut SmallRng, many: usize, rows: usize, share: f64) -> Patterns {
        Patterns::count(&columns(many, rows, |_, _| rng.random::<f64>() < share)).unwrap()
    }

    /// The crate's own reference table, as patterns.
    #[test]
    fn reference_values() {
        let (before, now) = (counted(&[400, 300, 200, 100]), counted(&[120, 60, 90, 30]));
        let table = compared(&before, &now);
        assert_eq!(table, Table::new(&[400, 300, 200, 100], &[120, 60, 90, 30]));
        check(jensen_shannon::distance(&table), number("JS"), 1e-12);
        let same = compared(&before, &before);
        assert_eq!(jensen_shannon::distance(&same), 0.0);
    }

    /// Nothing changes; the null at 0.05 is exceeded that often, also by many rare patterns, and where more patterns than have bins
    /// hold just about the least share of a bin.
    #[test]
    fn the_level_holds_when_nothing_changes() {
        let mut rng = SmallRng::seed_from_u64(7);
        for (many, share, n, m) in [
            (20, 0.05, 2000, 2000),
            (100, 0.01, 1500, 1500),
            (40, 0.02, 6000, 1000),
            (70, 0.014, 6000, 1000),
        ] {
            let (mut over, mut rare) = (0, 0);
            for _ in 0..200 {
                let before = random(&mut rng, many, n, share);
                let table = compared(&before, &random(&mut rng, many, m, share));
                let distance = jensen_shannon::distance(&table);
                over += u32::from(distance > jensen_shannon::null(&table, 0.05));
                rare += u32::from(jensen_shannon::p_value(&table, distance) < 0.05);
            }
            // 0.05 is 10 of 200, with a standard deviation of 3.
            assert!((1..=22).contains(&over), "{many}: {over}");
            assert_eq!(over, rare, "{many}");
        }
    }

    /// One in 20 rows of the window misses three features that were never missing together: a pattern that only the window has, and which
    /// has a bin of its own beside those of 20 and of 40 features that are each missing at random.
    #[test]
    fn a_pattern_that_only_the_window_has_is_found() {
        let mut rng = SmallRng::seed_from_u64(8);
        for (many, share) in [(20, 0.05), (40, 0.02)] {
            let mut found = 0;
            for _ in 0..50 {
                let before = random(&mut rng, many, 6000, share);
                let new: Vec<bool> = (0..1000).map(|_| rng.random::<f64>() < 0.05).collect();
                let now = columns(many, 1000, |column, row| match new[row] {
                    true => column < 3,
                    false => rng.random::<f64>() < share,
                });
                let table = compared(&before, &Patterns::count(&now).unwrap());
                let limit = jensen_shannon::null(&table, 0.002).max(0.1);
                found += u32::from(jensen_shannon::distance(&table) > limit);
            }
            assert!(found >= 47, "{many}: {found}");
        }
    }
}
