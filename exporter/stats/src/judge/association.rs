//! How the associations of a window differ from the baseline's: one test a feature, of its worst pair.
//!
//! A feature's α is divided by the number of its partners (Bonferroni), so that its test alarms falsely at most as often as
//! any other test of the budget, however its pairs depend on each other.
//!
//! A feature whose values no longer belong to their rows changes the association with all that it hung together with, and
//! each of these sees a changed pair too. So a pair over its limit is laid to the feature with the most such pairs, and the
//! others do not alarm for it (the greedy cover of the graph of changed pairs). A pair apart is laid to both.
//!
//! A pair on fewer rows than `minRows` of a feature cannot alarm for it. It is neither its worst pair, where another has enough, nor
//! among those by which changed pairs are laid to it: a column that is seldom there must not keep its partners silent.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{CheckSettings, Settings, verdict};
use crate::association::{
    self, Association, Change, Changes, Matrix, Measure, Pair, Relation, Vif, pool, vif,
};
use crate::baseline::FrozenFeature;
use crate::distance::{NotComputed, Statistic};
use crate::limits::{self, Alpha, Between, Limit, Parts, Pooled, floors};
use crate::tail;
use crate::verdict::{BySeverity, Check, Verdict, score};
use crate::window::{Associations, WindowSummary, not_sampled};

/// How many of the pairs of a window are told of.
pub const MOST_CHANGED: usize = 10;

/// One pair of features, before and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairChange {
    /// Both features; in a feature's report it comes first.
    pub features: (String, String),
    /// What is compared.
    pub measure: Measure,
    /// In the baseline.
    pub reference: f64,
    /// In the window.
    pub current: f64,
    /// Rows of the window in which both have a value.
    pub rows: u64,
    /// |current − reference| ÷ limit, see [`score`].
    pub scores: BySeverity<f64>,
    /// The feature that alarms for it; `None` where it is over no limit, or alone, so that both do.
    #[serde(default)]
    pub laid_to: Option<String>,
}

impl PairChange {
    /// Now less before.
    pub fn delta(&self) -> f64 {
        self.current - self.reference
    }
}

/// A pair of features in a window, as a test holds it against its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairTest {
    /// The places of both features in the baseline.
    pub features: (usize, usize),
    /// What is compared.
    pub measure: Measure,
    /// In the window less in the baseline.
    pub delta: f64,
    /// Rows of the window in which both have a value.
    pub rows: u64,
    /// What |delta| is held against.
    pub limits: BySeverity<f64>,
    /// By how many the α of a test is divided for it.
    pub partners: usize,
    /// The variance of `delta` that chance makes of so many rows.
    pub chance: f64,
}

/// The feature that each pair of a window is laid to by its warning limit, by its place in the baseline; `None` of a pair that is over
/// no limit, or apart. `min_rows` has for each place the rows that a pair needs to alarm for that feature.
pub fn laid_to(pairs: &[PairTest], min_rows: &[u64]) -> Vec<Option<usize>> {
    causes(pairs.iter().map(|pair| {
        let score = score(pair.delta.abs(), pair.limits.warning);
        Seen::new(pair.features, pair.rows, score, min_rows)
    }))
}

/// What a window says about the associations of all features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssociationReport {
    /// The pairs with the highest scores, at most [`MOST_CHANGED`], highest first.
    pub most_changed: Vec<PairChange>,
    /// How many pairs were compared.
    pub pairs: usize,
    /// The largest |current − reference|.
    pub largest: f64,
    /// The Frobenius norm of the difference of both matrices.
    pub frobenius: f64,
    /// The variance inflation of each numeric feature in this window, by its name.
    pub inflation: Vec<(String, Result<Vif, association::NotComputed>)>,
    /// Features of which each follows from the others in this window, by their names: one group for each feature that could be left
    /// out without a loss.
    #[serde(default)]
    pub relations: Vec<Vec<String>>,
}

/// What a feature's worst pair says.
pub(super) type Judged = Result<(Verdict, JudgedPairs), NotComputed>;

/// The pairs of a feature that are told of.
#[derive(Debug, Clone)]
pub(super) struct JudgedPairs {
    /// The one that is judged: the worst that is not laid to another feature, where there is such a one.
    pub(super) judged: PairChange,
    /// The worst of those that are laid to another feature, where it is worse than the judged one.
    pub(super) laid_elsewhere: Option<PairChange>,
}

/// The tests of all features.
#[derive(Debug, Clone)]
pub(super) struct AssociationTests {
    /// The columns of the matrices.
    names: Vec<String>,
    /// For each feature of the baseline its column.
    columns: Vec<Result<usize, NotComputed>>,
    /// For each feature of the baseline what the manifest says.
    settings: Vec<CheckSettings>,
    reference: Matrix,
    /// For each column how many other columns the baseline has it with.
    partners: Vec<usize>,
    /// For each column the numbers that the manifest has for its feature.
    numbers: Vec<BySeverity<Option<f64>>>,
    /// For each column the rows that a pair needs to alarm for its feature.
    min_rows: Vec<u64>,
    /// For each pair of the matrix how much the baseline's windows differ, and what pairs with its measure say about that.
    between: Vec<(Option<Between>, Pooled)>,
}

impl AssociationTests {
    pub(super) fn new(
        features: &[FrozenFeature],
        windows: &[WindowSummary],
        settings: &Settings,
    ) -> Result<Self, NotComputed> {
        if !settings.on.correlation {
            return Err(NotComputed::Disabled);
        }
        let known: Option<Vec<&Associations>> = windows
            .iter()
            .map(|window| window.associations.as_ref())
            .collect();
        let known = known.ok_or(NotComputed::NotInBaseline)?;
        let in_all = |name: &str| known.iter().all(|window| window.column(name).is_some());
        let names: Vec<String> = features
            .iter()
            .map(|feature| feature.name.clone())
            .filter(|name| in_all(name))
            .collect();
        let matrices: Vec<Matrix> = known.iter().map(|window| window.of(&names)).collect();
        let pooled = pool(&matrices).map_err(|_| NotComputed::NotInBaseline)?;
        let column = |feature: &FrozenFeature| {
            let column = names.iter().position(|name| *name == feature.name);
            column.ok_or(not_sampled(names.len(), NotComputed::NotInBaseline))
        };
        let own = |name: &String| {
            let own = settings.features.get(name);
            own.unwrap_or(&settings.default).correlation
        };
        let mut partners = vec![0; names.len()];
        for (first, second, pair) in pooled.matrix.pairs() {
            for column in [first, second] {
                if let Some(count) = partners.get_mut(column) {
                    *count += usize::from(pair.alarming.is_ok());
                }
            }
        }
        Ok(AssociationTests {
            columns: features.iter().map(column).collect(),
            settings: features.iter().map(|feature| own(&feature.name)).collect(),
            numbers: names.iter().map(|name| own(name).limits).collect(),
            min_rows: names.iter().map(|name| own(name).min_rows).collect(),
            between: spreads(&pooled.matrix, &pooled.differences),
            reference: pooled.matrix,
            partners,
            names,
        })
    }

    /// How many features take part in the budget: those with a pair.
    pub(super) fn count(&self) -> usize {
        self.partners.iter().filter(|count| **count > 0).count()
    }

    /// What the baseline says about the pair of two features.
    pub(super) fn reference(&self) -> (&[String], &Matrix) {
        (&self.names, &self.reference)
    }

    /// Judges a window: what each feature's worst pair says, in the baseline's order, and all pairs together.
    pub(super) fn judge(
        &self,
        window: &WindowSummary,
        alpha: BySeverity<Option<Alpha>>,
    ) -> (Vec<Judged>, Option<AssociationReport>) {
        let nothing = |reason| (vec![Err(reason); self.columns.len()], None);
        let Some(window) = &window.associations else {
            return nothing(NotComputed::NoSample);
        };
        let current = window.of(&self.names);
        let Ok(changes) = Changes::new(&self.reference, &current) else {
            return nothing(NotComputed::NoSample);
        };
        let pairs = self.pairs(&changes, alpha);
        let causes = causes(pairs.iter().map(|pair| {
            let (columns, rows) = (pair.change.columns, pair.change.current.n);
            Seen::new(columns, rows, pair.scores.warning, &self.min_rows)
        }));
        let features = self.columns.iter().zip(&self.settings);
        let judged = features.map(|(column, settings)| {
            if !settings.enabled {
                return Err(NotComputed::Disabled);
            }
            let column = (*column)?;
            let worst = |laid_to_it: bool| {
                let own = pairs.iter().zip(&causes).filter(|(pair, cause)| {
                    pair.has(column) && laid_to_it == cause.is_none_or(|cause| cause == column)
                });
                let enough = |pair: &JudgedPair<'_>| pair.enough(settings.min_rows);
                own.max_by(|(a, _), (b, _)| {
                    let by_rows = enough(a).cmp(&enough(b));
                    by_rows.then_with(|| a.compare(b))
                })
            };
            let (judged, laid_elsewhere) = match (worst(true), worst(false)) {
                (Some(worst), other) => {
                    let other = other.filter(|(other, _)| {
                        other.enough(settings.min_rows) && other.compare(worst.0).is_gt()
                    });
                    (worst, other)
                }
                // All of its pairs changed, for which others alarm.
                (None, Some(worst)) => (worst, None),
                (None, None) => return Err(reason(&changes, column)),
            };
            let may_alarm = judged.1.is_none_or(|cause| cause == column);
            let told = |(pair, cause): (&JudgedPair<'_>, &Option<usize>)| {
                self.told(pair, pair.seen_from(column), *cause)
            };
            let verdict = self.verdict(judged.0, settings, may_alarm);
            let pairs = JudgedPairs {
                judged: told(judged),
                laid_elsewhere: laid_elsewhere.map(told),
            };
            Ok((verdict, pairs))
        });
        let judged = judged.collect();
        let report = changes.largest().map(|largest| {
            let vifs = vif(&current);
            AssociationReport {
                most_changed: self.most_changed(&pairs, &causes),
                pairs: pairs.len(),
                largest: largest.delta().abs(),
                frobenius: changes.frobenius().unwrap_or(0.0),
                relations: vifs.relations.iter().map(|one| self.named(one)).collect(),
                inflation: self.names.iter().cloned().zip(vifs.columns).collect(),
            }
        });
        (judged, report)
    }

    /// All pairs of a window with their limits; none where it has no sample.
    pub(super) fn tests(
        &self,
        window: &WindowSummary,
        alpha: BySeverity<Option<Alpha>>,
    ) -> Vec<PairTest> {
        let current = window.associations.as_ref();
        let current = current.map(|current| current.of(&self.names));
        let changes = current.and_then(|current| Changes::new(&self.reference, &current).ok());
        let Some(changes) = changes else {
            return Vec::new();
        };
        let place = |column: usize| self.columns.iter().position(|own| *own == Ok(column));
        let places: Vec<Option<usize>> = (0..self.names.len()).map(place).collect();
        let test = |pair: &JudgedPair<'_>| {
            let columns = pair.change.columns;
            let place = |column: usize| places.get(column).copied().flatten();
            Some(PairTest {
                features: (place(columns.0)?, place(columns.1)?),
                measure: pair.change.current.measure,
                delta: pair.change.delta(),
                rows: pair.change.current.n,
                limits: pair.limits.map(|limit| limit.value),
                partners: self.partners(columns),
                chance: chance(&pair.change.reference, pair.change.current.n),
            })
        };
        let pairs = self.pairs(&changes, alpha);
        pairs.iter().filter_map(test).collect()
    }

    fn pairs<'a>(
        &self,
        changes: &'a Changes,
        alpha: BySeverity<Option<Alpha>>,
    ) -> Vec<JudgedPair<'a>> {
        let pairs = changes.computed.par_iter();
        pairs.map(|change| self.pair(change, alpha)).collect()
    }

    /// By how many the α of a test is divided for a pair: both of its features must be allowed to say that it changed.
    fn partners(&self, columns: (usize, usize)) -> usize {
        let partners = |column: usize| self.partners.get(column).copied().unwrap_or(1).max(1);
        partners(columns.0).max(partners(columns.1))
    }

    fn named(&self, relation: &Relation) -> Vec<String> {
        let columns = relation.columns.iter();
        let names = columns.filter_map(|column| self.names.get(*column));
        names.cloned().collect()
    }

    fn pair<'a>(&self, change: &'a Change, alpha: BySeverity<Option<Alpha>>) -> JudgedPair<'a> {
        let limits = self.limits(change, alpha);
        JudgedPair {
            change,
            limits,
            scores: limits.map(|limit| score(change.delta().abs(), limit.value)),
        }
    }

    /// The limits of a pair.
    fn limits(&self, change: &Change, alpha: BySeverity<Option<Alpha>>) -> BySeverity<Limit> {
        let floors = floors(Statistic::AssociationChange).unwrap_or_default();
        let (first, second) = change.columns;
        let partners = self.partners(change.columns) as f64;
        let between = self.reference.position(first, second);
        let between = between.and_then(|at| self.between.get(at));
        let numbers = |column: usize| self.numbers.get(column).copied().unwrap_or_default();
        let numbers = numbers(first).zip(numbers(second));
        let parts = alpha.zip(numbers).map(|(alpha, numbers)| {
            let share = alpha.map(|alpha| alpha.value / partners);
            Parts {
                null: share.and_then(|share| {
                    let null = association::null(&change.reference, change.current.n, share)?;
                    Some(null.of(change.delta()))
                }),
                // The difference may have either sign.
                bound: share.zip(between).and_then(|(share, (between, pooled))| {
                    Some((*between)?.bound(*pooled, share / 2.0))
                }),
                manifest: match numbers {
                    (Some(one), Some(other)) => Some(one.max(other)),
                    (one, other) => one.or(other),
                },
            }
        });
        limits::limits(floors, parts)
    }

    fn verdict(
        &self,
        worst: &JudgedPair<'_>,
        settings: &CheckSettings,
        may_alarm: bool,
    ) -> Verdict {
        verdict(
            Check::Correlation,
            Statistic::AssociationChange,
            worst.change.delta().abs(),
            worst.change.current.n,
            settings.min_rows,
            worst.limits,
            BySeverity {
                warning: may_alarm,
                critical: may_alarm,
            },
        )
    }

    fn told(
        &self,
        pair: &JudgedPair<'_>,
        columns: (usize, usize),
        cause: Option<usize>,
    ) -> PairChange {
        let name = |column: usize| self.names.get(column).cloned().unwrap_or_default();
        let change = pair.change;
        PairChange {
            features: (name(columns.0), name(columns.1)),
            measure: change.current.measure,
            reference: change.reference.value,
            current: change.current.value,
            rows: change.current.n,
            scores: pair.scores,
            laid_to: cause.map(name),
        }
    }

    fn most_changed(&self, pairs: &[JudgedPair<'_>], causes: &[Option<usize>]) -> Vec<PairChange> {
        let mut pairs: Vec<(&JudgedPair<'_>, &Option<usize>)> = pairs.iter().zip(causes).collect();
        pairs.sort_by(|(a, _), (b, _)| b.compare(a));
        let told = pairs.into_iter().take(MOST_CHANGED);
        told.map(|(pair, cause)| self.told(pair, pair.change.columns, *cause))
            .collect()
    }
}

/// A pair with its limits.
struct JudgedPair<'a> {
    change: &'a Change,
    limits: BySeverity<Limit>,
    scores: BySeverity<f64>,
}

impl JudgedPair<'_> {
    fn has(&self, column: usize) -> bool {
        let (first, second) = self.change.columns;
        column == first || column == second
    }

    /// Whether it may alarm for a feature that needs so many rows.
    fn enough(&self, min_rows: u64) -> bool {
        self.change.current.n >= min_rows
    }

    /// Its columns, that of this feature first.
    fn seen_from(&self, column: usize) -> (usize, usize) {
        let (first, second) = self.change.columns;
        match column == first {
            true => (first, second),
            false => (second, first),
        }
    }

    /// Over the critical limit is worse than over the warning one, by however much.
    fn compare(&self, other: &Self) -> Ordering {
        let rank = |pair: &Self| (pair.scores.critical >= 1.0, pair.scores.warning);
        let (mine, theirs) = (rank(self), rank(other));
        mine.0.cmp(&theirs.0).then(mine.1.total_cmp(&theirs.1))
    }
}

/// A pair as it is laid to one of its columns.
struct Seen {
    columns: (usize, usize),
    /// Those of them for whose feature it has the rows to alarm.
    alarming: [Option<usize>; 2],
    /// Of warnings.
    score: f64,
}

impl Seen {
    fn new(columns: (usize, usize), rows: u64, score: f64, min_rows: &[u64]) -> Self {
        let enough = |column: &usize| min_rows.get(*column).is_some_and(|need| rows >= *need);
        Seen {
            columns,
            alarming: [columns.0, columns.1].map(|column| Some(column).filter(enough)),
            score,
        }
    }

    fn has(&self, column: usize) -> bool {
        column == self.columns.0 || column == self.columns.1
    }
}

/// Which column each pair is laid to; none where it is over no limit, or apart. A column has as many changed pairs as may alarm for
/// its feature; where those are the most, all that it is in are laid to it.
fn causes(pairs: impl ExactSizeIterator<Item = Seen>) -> Vec<Option<usize>> {
    let mut causes = vec![None; pairs.len()];
    let mut left: Vec<(usize, Seen)> = pairs
        .enumerate()
        .filter(|(_, pair)| pair.score >= 1.0)
        .collect();
    loop {
        let mut by_column: BTreeMap<usize, (usize, f64)> = BTreeMap::new();
        for (_, pair) in &left {
            for column in pair.alarming.into_iter().flatten() {
                let (count, sum) = by_column.entry(column).or_default();
                *count += 1;
                *sum += pair.score;
            }
        }
        let most = by_column
            .into_iter()
            .max_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let Some((cause, _)) = most.filter(|(_, (count, _))| *count > 1) else {
            return causes;
        };
        left.retain(|(at, pair)| {
            let of_it = pair.has(cause);
            if of_it && let Some(slot) = causes.get_mut(*at) {
                *slot = Some(cause);
            }
            !of_it
        });
    }
}

/// Why a column has no pair in the window: the reason of its first.
fn reason(changes: &Changes, column: usize) -> NotComputed {
    let own = |(columns, _): &&((usize, usize), _)| columns.0 == column || columns.1 == column;
    let first = changes.not_computed.iter().find(own);
    first.map_or(NotComputed::NoOtherFeature, |(_, reason)| {
        NotComputed::Pairs(*reason)
    })
}

/// How much windows differ in one pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairSpread {
    /// By the pair alone.
    pub between: Between,
    /// What is compared.
    pub measure: Measure,
    /// Rows of a window.
    pub rows: f64,
    /// The variance that chance alone makes.
    pub chance: f64,
}

/// What the pairs of its measure say about how much each of these pairs differs.
///
/// Pairs rest on different numbers of rows, and chance makes those on few differ more. So what is common to the pairs of a measure is
/// the variance beyond chance, by the mean of what their windows have beyond it, at least 0: each pair with the square of its rows for a
/// weight, since the error of its variance is about as large as that of chance. A pair's own share of chance comes on top.
pub fn pooled_spreads(pairs: &[PairSpread]) -> Vec<Pooled> {
    let beyond_chance = |measure: Measure| {
        let same = || pairs.iter().filter(move |own| own.measure == measure);
        let weights: f64 = same().map(|own| own.rows.powi(2)).sum();
        let beyond = |own: &PairSpread| own.rows.powi(2) * (own.between.variance() - own.chance);
        let sum: f64 = same().map(beyond).sum();
        let pooled = Pooled::of(same().map(|own| &own.between));
        (measure, pooled, (sum / weights.max(1.0)).max(0.0))
    };
    let measures = [
        Measure::Spearman,
        Measure::CramersV,
        Measure::CorrelationRatio,
    ]
    .map(beyond_chance);
    let of = |own: &PairSpread| {
        let mut measures = measures.iter();
        let found = measures.find(|(measure, ..)| *measure == own.measure);
        found.map_or(Pooled::default(), |(_, pooled, beyond)| {
            pooled.with_variance(own.chance + beyond)
        })
    };
    pairs.iter().map(of).collect()
}

/// For each pair how much the baseline's windows differ, with what the pairs of its measure say about that.
fn spreads(matrix: &Matrix, differences: &[Vec<f64>]) -> Vec<(Option<Between>, Pooled)> {
    let alike = limits::autocorrelation(differences.iter().map(Vec::as_slice));
    let spread = |((_, _, pair), own): ((usize, usize, &Pair), &Vec<f64>)| {
        let reading: Association = pair.alarming.ok()?;
        let between = Between::differences(own)?.stretched(alike);
        let rows = reading.n / (own.len() as u64).max(1);
        Some(PairSpread {
            between,
            measure: reading.measure,
            rows: rows as f64,
            chance: chance(&reading, rows),
        })
    };
    let all: Vec<_> = matrix.pairs().zip(differences).collect();
    let all: Vec<Option<PairSpread>> = all.into_par_iter().map(spread).collect();
    let known: Vec<PairSpread> = all.iter().copied().flatten().collect();
    let mut pooled = pooled_spreads(&known).into_iter();
    let with_pooled = |own: &Option<PairSpread>| match own {
        Some(own) => (Some(own.between), pooled.next().unwrap_or_default()),
        None => (None, Pooled::default()),
    };
    all.iter().map(with_pooled).collect()
}

/// The variance of the difference of a window of so many rows from the baseline when nothing changed: that of a normal variable which
/// is as often beyond the sampling null at α = 0.05.
fn chance(reference: &Association, rows: u64) -> f64 {
    const ALPHA: f64 = 0.05;
    let null = association::null(reference, rows, ALPHA);
    null.map_or(0.0, |null| {
        (null.rise / tail::normal_isf(ALPHA / 2.0)).powi(2)
    })
}
