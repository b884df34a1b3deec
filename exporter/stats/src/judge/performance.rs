//! The test of what each feature tells about the target: whether it tells less than in the baseline.
//!
//! What a window is compared with is cross-fitted from the readings of the baseline's windows, and so are the differences
//! between windows in which nothing changed. A feature that tells nothing in the baseline cannot tell less: it is no test.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ALWAYS, CheckSettings, Settings, verdict};
use crate::baseline::FrozenFeature;
use crate::distance::{NotComputed, Statistic};
use crate::limits::{self, Alpha, Parts, floors};
use crate::performance::{Evidence, Measured, Performance, PowerMeasure, Reading, Told};
use crate::predictive::correlation::Correlation;
use crate::predictive::cross_fit::{self, CrossFit};
use crate::predictive::effect_size::EffectSize;
use crate::predictive::{self, Auc, CategoryScores, ClassTable, Orientation};
use crate::predictive::{null, ranking};
use crate::verdict::{BySeverity, Check, Verdict};
use crate::window::{WindowSummary, not_sampled};

/// Of how many features it is told what their bins say.
pub const MOST_EVIDENT: usize = 3;

/// What a feature by itself tells about the target in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// By which measure it is judged; none where it tells nothing in the baseline, or that does not say enough.
    pub judged: Option<PowerMeasure>,
    /// What that was in the baseline: of an AUC over the classes that the window has too.
    pub reference: Option<f64>,
    /// Every measure that there is: the judged one first, or the one by which it would be if it told something in the baseline.
    pub values: Vec<(PowerMeasure, Measured)>,
    /// Uncertainty coefficient, beside mutual information.
    #[serde(default)]
    pub uncertainty: Option<f64>,
    /// Rows in which both feature and target are known.
    pub rows: u64,
}

/// What all features of a window together tell about the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PerformanceReport {
    /// The target's column.
    pub target: String,
    /// Rows of the sample whose target is known.
    pub rows: u64,
    /// R² of the regression on all features that share.
    pub r_squared: Result<f64, predictive::NotComputed>,
    /// What each feature brings of it, largest first.
    pub contributions: Vec<(String, f64)>,
    /// How far the features' ranking is that of the baseline: NDCG, 1 when it is. `None` where one of both is not known.
    pub rank_stability: Option<f64>,
    /// What the bins of some features say of a class: of the [`MOST_EVIDENT`] where they say the most, largest first.
    #[serde(default)]
    pub evidence: Vec<(String, Evidence)>,
}

/// The tests of all features.
#[derive(Debug, Clone)]
pub(super) struct PerformanceTests {
    target: String,
    names: Vec<String>,
    /// One a feature of the baseline.
    features: Vec<Result<PerformanceTest, NotComputed>>,
    /// Of each whether the manifest has it judged.
    enabled: Vec<bool>,
    /// What each feature brings in the baseline, the mean over its windows by their rows.
    contributions: Vec<f64>,
}

/// The test of one feature.
#[derive(Debug, Clone)]
struct PerformanceTest {
    before: Before,
    value: f64,
    /// Whether it tells something in the baseline; a feature that does not is no test.
    tells: bool,
    differences: Vec<f64>,
    bound: BySeverity<Option<f64>>,
    settings: CheckSettings,
}

/// What the baseline's windows teach about a feature.
#[derive(Debug, Clone)]
enum Before {
    Ranks(CrossFit<Vec<Orientation>>),
    Categories(CrossFit<CategoryScores>),
    Line(null::Line),
    Groups(null::Groups),
}

/// A window's reading of a feature, as its test has it.
enum Now {
    Auc(Auc),
    /// R², negative where the slope turned, and how it varies.
    Line(Measured, null::Line),
    /// ε², as it is told, and how it varies.
    Groups(Measured, null::Groups),
}

impl PerformanceTests {
    pub(super) fn new(
        features: &[FrozenFeature],
        windows: &[WindowSummary],
        settings: &Settings,
    ) -> Result<Self, NotComputed> {
        if !settings.on.performance {
            return Err(NotComputed::Disabled);
        }
        // Of the newest windows of a baseline that goes along the target may not be known yet.
        let known: Vec<&Performance> = windows
            .iter()
            .filter_map(|window| window.performance.as_ref())
            .collect();
        if known.is_empty() {
            return Err(NotComputed::NoTargetInBaseline);
        }
        let own = |feature: &FrozenFeature| {
            let own = settings.features.get(&feature.name);
            own.unwrap_or(&settings.default).performance
        };
        let test = |feature: &FrozenFeature| {
            let readings = known
                .iter()
                .map(|window| {
                    let reading = window.reading(&feature.name);
                    reading.ok_or(not_sampled(
                        window.features.len(),
                        NotComputed::NotInBaseline,
                    ))
                })
                .collect::<Result<Vec<_>, _>>()?;
            PerformanceTest::new(&readings, own(feature))
        };
        let contributed = |name: &str| {
            let windows = known.iter().filter_map(|window| {
                Some((window.rows as f64, window.contributions.as_ref().ok()?))
            });
            let (rows, sum) = windows.fold((0.0, 0.0), |(rows, sum), (more, found)| {
                (rows + more, sum + more * found.of(name))
            });
            if rows > 0.0 { sum / rows } else { 0.0 }
        };
        Ok(PerformanceTests {
            target: known
                .first()
                .map_or(String::new(), |window| window.target.clone()),
            names: features
                .iter()
                .map(|feature| feature.name.clone())
                .collect(),
            features: features.iter().map(test).collect(),
            enabled: features
                .iter()
                .map(|feature| own(feature).enabled)
                .collect(),
            contributions: features
                .iter()
                .map(|feature| contributed(&feature.name))
                .collect(),
        })
    }

    /// How many features take part in the budget: those that tell something in the baseline.
    pub(super) fn count(&self) -> usize {
        let tells = |test: &&Result<PerformanceTest, NotComputed>| {
            test.as_ref().is_ok_and(|test| test.tells)
        };
        self.features.iter().filter(tells).count()
    }

    /// Gives the tests of one statistic their bounds between windows, each with the spread of all of them beside its own.
    pub(super) fn bind(&mut self, alpha: BySeverity<Option<Alpha>>) {
        for statistic in [Statistic::AucFall, Statistic::ExplainedFall] {
            let mut tests: Vec<&mut PerformanceTest> = self
                .features
                .iter_mut()
                .filter_map(|test| test.as_mut().ok())
                .filter(|test| test.tells && test.before.statistic() == statistic)
                .collect();
            let series: Vec<&[f64]> = tests.iter().map(|test| &*test.differences).collect();
            let bounds = limits::bounds(&series, alpha);
            for (test, bound) in tests.iter_mut().zip(bounds) {
                test.bound = bound;
            }
        }
    }

    /// Judges a window: of each feature the verdict and what it tells, in the baseline's order, and all of them together.
    pub(super) fn judge(
        &self,
        window: &WindowSummary,
        alpha: BySeverity<Option<Alpha>>,
    ) -> (Vec<Judged>, Option<PerformanceReport>) {
        let window = window.performance.as_ref();
        let Some(window) = window.filter(|window| window.target == self.target) else {
            let nothing = (Err(NotComputed::NoTarget), None);
            return (vec![nothing; self.features.len()], None);
        };
        let features = self.names.par_iter().zip(&self.features).zip(&self.enabled);
        let judged = features.map(|((name, test), enabled)| {
            let reading = window.reading(name).map(Result::as_ref);
            let (test, reason) = match test {
                Ok(test) => (Some(test), NotComputed::TellsNothing),
                Err(reason) => (None, *reason),
            };
            let now = test
                .zip(reading)
                .and_then(|(test, reading)| test.now(reading.ok()?));
            let told = match reading {
                Some(Ok(reading)) => Some(Told::of(reading)),
                Some(Err(_)) | None => None,
            };
            let power = told.as_ref().map(|told| power(test, now.as_ref(), told));
            let evidence = told.and_then(|told| Some((name.clone(), told.evidence?)));
            // What is wrong with the baseline holds for every window.
            let verdict = match (test.filter(|test| test.tells), reading, now) {
                _ if !enabled => Err(NotComputed::Disabled),
                (None, _, _) => Err(reason),
                (Some(_), None, _) => Err(NotComputed::NoSample),
                (Some(_), Some(Err(reason)), _) => Err(NotComputed::Predictive(*reason)),
                (Some(_), Some(Ok(_)), None) => Err(NotComputed::OtherBins),
                (Some(test), Some(Ok(reading)), Some(now)) => {
                    test.judge(&now, reading.rows(), alpha)
                }
            };
            ((verdict, power), evidence)
        });
        let (judged, evidence): (Vec<Judged>, Vec<Option<(String, Evidence)>>) = judged.unzip();
        let evidence = evidence.into_iter().flatten().collect();
        (judged, Some(self.together(window, evidence)))
    }

    /// `evidence` has what the bins say of each feature.
    fn together(
        &self,
        window: &Performance,
        mut evidence: Vec<(String, Evidence)>,
    ) -> PerformanceReport {
        evidence.sort_by(|(_, a), (_, b)| b.value.total_cmp(&a.value));
        evidence.truncate(MOST_EVIDENT);
        let found = window.contributions.as_ref();
        let current = found.ok().map(|found| {
            let of = |name: &String| found.of(name);
            self.names.iter().map(of).collect::<Vec<f64>>()
        });
        PerformanceReport {
            target: window.target.clone(),
            rows: window.rows,
            r_squared: found.map(|found| found.r_squared).map_err(|reason| *reason),
            contributions: found.map_or(Vec::new(), |found| found.shares.clone()),
            rank_stability: current
                .and_then(|current| ranking::ndcg(&self.contributions, &current).ok()),
            evidence,
        }
    }
}

/// What is said of one feature.
pub(super) type Judged = (Result<Verdict, NotComputed>, Option<Power>);

impl PerformanceTest {
    fn new(
        readings: &[&Result<Reading, predictive::NotComputed>],
        settings: CheckSettings,
    ) -> Result<Self, NotComputed> {
        let known: Vec<&Reading> = readings
            .iter()
            .filter_map(|reading| reading.as_ref().ok())
            .collect();
        let too_few = NotComputed::PredictiveInBaseline(predictive::NotComputed::TooFewFolds {
            have: known.len(),
            need: cross_fit::MIN_FOLDS,
        });
        let (before, value, differences) = match known.first() {
            None => {
                let reason = readings.iter().find_map(|reading| reading.as_ref().err());
                return Err(
                    reason.map_or(too_few, |reason| NotComputed::PredictiveInBaseline(*reason))
                );
            }
            Some(Reading::Ranks { .. }) => {
                let folds = known.iter().filter_map(|reading| match reading {
                    Reading::Ranks { larger, .. } => Some(larger),
                    _ => None,
                });
                let found = cross_fit::numeric(&folds.collect::<Vec<&Auc>>());
                let found = found.map_err(NotComputed::PredictiveInBaseline)?;
                let (value, differences) = crossed(&found)?;
                (Before::Ranks(found), value, differences)
            }
            Some(Reading::Categories { .. }) => {
                let folds = known.iter().filter_map(|reading| match reading {
                    Reading::Categories { table } => Some(table),
                    _ => None,
                });
                let found = cross_fit::categorical(&folds.collect::<Vec<&ClassTable>>());
                let found = found.map_err(NotComputed::PredictiveInBaseline)?;
                let (value, differences) = crossed(&found)?;
                (Before::Categories(found), value, differences)
            }
            Some(Reading::Line(_)) if known.len() < cross_fit::MIN_FOLDS => return Err(too_few),
            Some(Reading::Line(_)) => {
                let lines: Vec<&Correlation> = known
                    .iter()
                    .filter_map(|reading| match reading {
                        Reading::Line(line) => Some(line),
                        _ => None,
                    })
                    .collect();
                lines_before(&lines)
            }
            Some(Reading::Groups(_)) if known.len() < cross_fit::MIN_FOLDS => return Err(too_few),
            Some(Reading::Groups(_)) => {
                let groups: Vec<&EffectSize> = known
                    .iter()
                    .filter_map(|reading| match reading {
                        Reading::Groups(effect) => Some(effect),
                        _ => None,
                    })
                    .collect();
                groups_before(&groups)
            }
        };
        let statistic = before.statistic();
        let floors = floors(statistic).ok_or(NotComputed::Disabled)?;
        let nothing = match statistic {
            Statistic::AucFall => 0.5,
            _ => 0.0,
        };
        Ok(PerformanceTest {
            before,
            value,
            tells: value >= nothing + floors.warning,
            differences,
            bound: BySeverity::default(),
            settings,
        })
    }

    /// The window's reading by what the baseline teaches; `None` of another kind or shape.
    fn now(&self, reading: &Reading) -> Option<Now> {
        match (&self.before, reading) {
            (Before::Ranks(before), Reading::Ranks { larger, .. }) => {
                let same = larger.classes().len() == before.learnt.len();
                same.then(|| Now::Auc(larger.clone().oriented(&before.learnt)))
            }
            (Before::Categories(before), Reading::Categories { table }) => {
                let read = predictive::auc::categorical(table, &before.learnt);
                read.ok().map(Now::Auc)
            }
            (Before::Line(before), Reading::Line(line)) => {
                let (low, high) = (line.r_squared_interval.low, line.r_squared_interval.high);
                let turned = before.r * line.r < 0.0;
                let (sign, (low, high)) = match turned {
                    true => (-1.0, (-high, -low)),
                    false => (1.0, (low, high)),
                };
                let value = sign * line.r_squared;
                Some(Now::Line(Measured { value, low, high }, line_of(&[line])))
            }
            (Before::Groups(_), Reading::Groups(effect)) => {
                let measured = Measured::epsilon_squared(effect);
                Some(Now::Groups(measured, groups_of(&[effect])))
            }
            _ => None,
        }
    }

    fn judge(
        &self,
        now: &Now,
        rows: u64,
        alpha: BySeverity<Option<Alpha>>,
    ) -> Result<Verdict, NotComputed> {
        let statistic = self.before.statistic();
        let floors = floors(statistic).ok_or(NotComputed::Disabled)?;
        let need = statistic.minimum();
        if rows < need {
            return Err(NotComputed::TooFewRows { have: rows, need });
        }
        type NullOf<'a> = Box<dyn Fn(f64) -> Option<f64> + 'a>;
        let (fall, null): (f64, NullOf<'_>) = match (now, &self.before) {
            (Now::Auc(now), Before::Ranks(CrossFit { baseline, .. }))
            | (Now::Auc(now), Before::Categories(CrossFit { baseline, .. })) => {
                let found = null::degradation(baseline, now).map_err(NotComputed::Predictive)?;
                (found.drop, Box::new(move |alpha| found.null(alpha).ok()))
            }
            (Now::Line(measured, now), Before::Line(line)) => (
                self.value - measured.value,
                Box::new(|alpha| Some(line.drop(alpha, now))),
            ),
            (Now::Groups(_, now), Before::Groups(groups)) => (
                self.value - now.share,
                Box::new(|alpha| Some(groups.drop(alpha, now))),
            ),
            // A reading of another kind is none by this test.
            _ => return Err(NotComputed::OtherBins),
        };
        let null = alpha.map(|alpha| null(alpha?.value));
        let parts = Parts::both(null, self.bound, self.settings.limits);
        let limits = limits::limits(floors, parts);
        Ok(verdict(
            Check::Performance,
            statistic,
            fall,
            rows,
            self.settings.min_rows,
            limits,
            ALWAYS,
        ))
    }
}

impl Before {
    fn statistic(&self) -> Statistic {
        match self {
            Before::Ranks(_) | Before::Categories(_) => Statistic::AucFall,
            Before::Line(_) | Before::Groups(_) => Statistic::ExplainedFall,
        }
    }

    /// What the AUC of a window is compared with.
    fn auc(&self) -> Option<&Auc> {
        match self {
            Before::Ranks(found) => Some(&found.baseline),
            Before::Categories(found) => Some(&found.baseline),
            Before::Line(_) | Before::Groups(_) => None,
        }
    }

    fn measure(&self) -> PowerMeasure {
        match self {
            Before::Ranks(_) | Before::Categories(_) => PowerMeasure::Auc,
            Before::Line(_) => PowerMeasure::RSquared,
            Before::Groups(_) => PowerMeasure::EpsilonSquared,
        }
    }
}

fn power(test: Option<&PerformanceTest>, now: Option<&Now>, told: &Told) -> Power {
    let tells = test.filter(|test| test.tells);
    let mut reference = tells.map(|test| test.value);
    let own = match (now, test.and_then(|test| test.before.auc())) {
        (Some(Now::Auc(auc)), Some(before)) => {
            // Both over the same classes, so that their difference is the fall.
            let common = |class: usize| before.is_steady(class) && auc.is_steady(class);
            let average = before.macro_average_over(common).map(|auc| auc.value);
            reference = tells.and(average);
            Measured::auc(auc, common)
        }
        // The slope of what told nothing has no sign to turn.
        (Some(Now::Line(measured, _) | Now::Groups(measured, _)), _) => tells.map(|_| *measured),
        _ => None,
    };
    let own = test.map(|test| test.before.measure()).zip(own);
    let others = told.measures.iter().copied();
    let others = others.filter(|(measure, _)| own.is_none_or(|(own, _)| own != *measure));
    Power {
        judged: tells.map(|test| test.before.measure()),
        reference,
        values: own.into_iter().chain(others).collect(),
        uncertainty: told.uncertainty,
        rows: told.rows,
    }
}

/// The macro average of the baseline, and how much its windows differ.
fn crossed<L>(found: &CrossFit<L>) -> Result<(f64, Vec<f64>), NotComputed> {
    let none = NotComputed::PredictiveInBaseline(predictive::NotComputed::NoClass);
    let steady = |class| found.baseline.is_steady(class);
    let average = found.baseline.macro_average_over(steady).ok_or(none)?;
    Ok((average.value, found.differences()))
}

/// What a line counts in the mean of several.
fn weight(line: &Correlation) -> f64 {
    line.rows.saturating_sub(3) as f64
}

/// Its correlation on Fisher's scale, on which ±1 has no place: n rows do not tell more than 1 − 1/n.
fn fisher_z(line: &Correlation) -> f64 {
    let most = 1.0 - 1.0 / line.rows.max(2) as f64;
    line.r.clamp(-most, most).atanh()
}

/// What lines are together, their correlations and moments in the mean, by n − 3; the correlations on Fisher's scale.
fn line_of(lines: &[&Correlation]) -> null::Line {
    let rows = |line: &Correlation| line.rows as f64;
    let variance = |line: &Correlation| rows(line) * line.z_error.powi(2);
    let third = |line: &Correlation| rows(line).powi(2) * line.z_error.powi(3) * line.z_skewness;
    null::Line {
        r: mean(lines, weight, fisher_z).tanh(),
        variance: mean(lines, weight, variance),
        third: mean(lines, weight, third),
        rows: lines.iter().map(|line| rows(line)).sum(),
    }
}

/// What the baseline's lines are together, the square of their correlation, and of each window the square, signed, less that of the
/// others.
fn lines_before(lines: &[&Correlation]) -> (Before, f64, Vec<f64>) {
    let all = line_of(lines);
    let others = means_of_others(lines, weight, fisher_z);
    let differences = lines.iter().zip(others).map(|(line, others)| {
        let others = others.tanh();
        let sign = if others * line.r < 0.0 { -1.0 } else { 1.0 };
        sign * line.r * line.r - others * others
    });
    let differences = differences.collect();
    (Before::Line(all), all.r * all.r, differences)
}

fn rows_of(groups: &EffectSize) -> f64 {
    groups.rows as f64
}

fn share_of(groups: &EffectSize) -> f64 {
    groups.epsilon_squared.value
}

/// What groups are together, ε² and its moments in the mean by rows.
fn groups_of(groups: &[&EffectSize]) -> null::Groups {
    let degrees = |own: &EffectSize| own.classes as f64 - 1.0;
    let variance = |own: &EffectSize| rows_of(own) * own.epsilon_squared.standard_error.powi(2);
    null::Groups {
        share: mean(groups, rows_of, share_of),
        variance: mean(groups, rows_of, variance),
        degrees: mean(groups, rows_of, degrees),
        windows: groups.len() as f64,
        rows: groups.iter().map(|own| rows_of(own)).sum(),
    }
}

/// What the baseline's groups are together, their ε², and of each window its own less that of the others.
fn groups_before(groups: &[&EffectSize]) -> (Before, f64, Vec<f64>) {
    let all = groups_of(groups);
    let others = means_of_others(groups, rows_of, share_of);
    let differences = groups.iter().zip(others);
    let differences = differences.map(|(own, others)| share_of(own) - others);
    (Before::Groups(all), all.share, differences.collect())
}

/// The weighted mean.
fn mean<T>(of: &[&T], weight: impl Fn(&T) -> f64, value: impl Fn(&T) -> f64) -> f64 {
    let (weights, sum) = totals(of, weight, value);
    sum / weights
}

/// Of each the weighted mean of all others.
fn means_of_others<T>(
    of: &[&T],
    weight: impl Fn(&T) -> f64,
    value: impl Fn(&T) -> f64,
) -> Vec<f64> {
    let (weights, sum) = totals(of, &weight, &value);
    let others = |own: &&T| (sum - weight(own) * value(own)) / (weights - weight(own));
    of.iter().map(others).collect()
}

/// Sum of the weights, and of the weighted values.
fn totals<T>(of: &[&T], weight: impl Fn(&T) -> f64, value: impl Fn(&T) -> f64) -> (f64, f64) {
    of.iter().fold((0.0, 0.0), |(weights, sum), own| {
        (weights + weight(own), sum + weight(own) * value(own))
    })
}
