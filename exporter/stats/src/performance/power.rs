//! How much a feature by itself tells about the target, in the usual measures, each with its interval.

use serde::{Deserialize, Serialize};

use super::Reading;
use crate::predictive::effect_size::EffectSize;
use crate::predictive::information::{ClassInformation, information_value, mutual_information};
use crate::predictive::{Auc, ClassTable, Excess, Interval};

/// A measure of how much a feature tells about the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PowerMeasure {
    /// Area under the ROC curve, each class with rows enough against the rest, macro average.
    Auc,
    /// R² of a straight line, with the sign that it had in the baseline.
    RSquared,
    /// ε² of a number between classes.
    EpsilonSquared,
    /// ω² of a number between classes.
    OmegaSquared,
    /// Information value, the mean over classes with rows enough, each against the rest, less what chance puts there.
    InformationValue,
    /// Mutual information in nats, less what chance puts there.
    MutualInformation,
}

impl PowerMeasure {
    /// Its name as metrics have it.
    pub const fn name(self) -> &'static str {
        match self {
            PowerMeasure::Auc => "auc",
            PowerMeasure::RSquared => "r_squared",
            PowerMeasure::EpsilonSquared => "epsilon_squared",
            PowerMeasure::OmegaSquared => "omega_squared",
            PowerMeasure::InformationValue => "information_value",
            PowerMeasure::MutualInformation => "mutual_information",
        }
    }
}

impl std::fmt::Display for PowerMeasure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            PowerMeasure::Auc => "AUC",
            PowerMeasure::RSquared => "R²",
            PowerMeasure::EpsilonSquared => "ε²",
            PowerMeasure::OmegaSquared => "ω²",
            PowerMeasure::InformationValue => "information value",
            PowerMeasure::MutualInformation => "mutual information",
        })
    }
}

/// A value with both ends of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What the bins of a feature say of one class of the target against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The class, by its place: that of which the bins say the most.
    pub class: usize,
    /// Their information value of it, less what chance puts there.
    pub value: f64,
    /// Each bin of the feature.
    pub bins: Vec<BinEvidence>,
}

/// What one bin says of a class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BinEvidence {
    /// Its share of the rows of the class.
    pub of_class: f64,
    /// Its share of the other rows.
    pub of_rest: f64,
    /// Its weight of evidence in nats; `None` where it has no row.
    pub weight: Option<f64>,
    /// 95 % interval of the weight.
    #[serde(default)]
    pub interval: Option<Interval>,
}

impl Measured {
    /// A value that by chance may be below 0, which is cut there as its interval is.
    fn from_zero(value: f64, interval: Interval) -> Self {
        Measured {
            value: value.max(0.0),
            low: interval.low,
            high: interval.high,
        }
    }

    /// ε².
    pub(crate) fn epsilon_squared(effect: &EffectSize) -> Self {
        Self::from_zero(effect.epsilon_squared.value, effect.interval)
    }

    /// ω².
    fn omega_squared(effect: &EffectSize) -> Self {
        Self::from_zero(effect.omega_squared, effect.omega_interval())
    }

    /// The macro average of an AUC over some of its classes.
    pub(crate) fn auc(auc: &Auc, wanted: impl Fn(usize) -> bool) -> Option<Self> {
        let (average, interval) = (
            auc.macro_average_over(&wanted)?,
            auc.macro_interval_over(&wanted)?,
        );
        Some(Measured {
            value: average.value,
            low: interval.low,
            high: interval.high,
        })
    }
}

/// What a reading says without a baseline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// Rows in which both feature and target are known.
    pub(crate) rows: u64,
    /// All measures but the AUC, which needs to know what speaks for which class.
    pub(crate) measures: Vec<(PowerMeasure, Measured)>,
    /// Uncertainty coefficient, where there are classes: the part of their entropy that the bins take away.
    pub(crate) uncertainty: Option<f64>,
    /// What the bins say of the class of which they say the most, of those with rows enough; nothing where there is none.
    pub(crate) evidence: Option<Evidence>,
}

impl Told {
    pub(crate) fn of(reading: &Reading) -> Self {
        let (table, effect, line) = match reading {
            Reading::Ranks { table, effect, .. } => (Some(table), effect.as_ref().ok(), None),
            Reading::Categories { table } => (Some(table), None, None),
            Reading::Line(line) => (None, None, Some(line)),
            Reading::Groups(effect) => (None, Some(effect), None),
        };
        let r_squared = line.map(|line| Measured {
            value: line.r_squared,
            low: line.r_squared_interval.low,
            high: line.r_squared_interval.high,
        });
        let classes = table.and_then(|table| information_value(table).ok());
        let classes = classes.unwrap_or_default();
        let mutual = table.and_then(|table| mutual_information(table).ok());
        let information = mutual
            .as_ref()
            .map(|found| Measured::from_zero(found.value, found.interval));
        let measures = [
            (PowerMeasure::RSquared, r_squared),
            (
                PowerMeasure::EpsilonSquared,
                effect.map(Measured::epsilon_squared),
            ),
            (
                PowerMeasure::OmegaSquared,
                effect.map(Measured::omega_squared),
            ),
            (PowerMeasure::InformationValue, mean_value(&classes)),
            (PowerMeasure::MutualInformation, information),
        ];
        let known = measures.into_iter();
        Told {
            rows: reading.rows(),
            measures: known
                .filter_map(|(measure, found)| Some((measure, found?)))
                .collect(),
            uncertainty: mutual.map(|found| found.uncertainty_coefficient),
            evidence: table.and_then(|table| evidence(table, classes)),
        }
    }
}

/// The mean information value over the classes with rows enough; `None` without one.
fn mean_value(classes: &[Option<ClassInformation>]) -> Option<Measured> {
    let known = classes.iter().flatten();
    let steady = known.filter(|class| class.is_steady());
    let all: Vec<Excess> = steady.map(|class| class.excess).collect();
    let mean = Excess::mean(&all)?;
    Some(Measured::from_zero(mean.value(), mean.interval()))
}

/// What the bins say of the class of which they say the most, of those with rows enough.
fn evidence(table: &ClassTable, classes: Vec<Option<ClassInformation>>) -> Option<Evidence> {
    let classes = classes.into_iter().enumerate();
    let known = classes.filter_map(|(class, found)| Some((class, found?)));
    let known = known.filter(|(_, found)| found.is_steady());
    let (class, found) = known.max_by(|(_, a), (_, b)| a.value.total_cmp(&b.value))?;
    let (inside, outside) = (found.inside, found.outside);
    let weights = found.weights.into_iter().zip(found.intervals);
    let bins = table
        .by_bin()
        .zip(weights)
        .map(|(bin, (weight, interval))| {
            let own = bin.get(class).copied().unwrap_or(0);
            let others = bin.iter().sum::<u64>() - own;
            BinEvidence {
                of_class: own as f64 / inside as f64,
                of_rest: others as f64 / outside as f64,
                weight,
                interval,
            }
        });
    Some(Evidence {
        class,
        value: found.value.max(0.0),
        bins: bins.collect(),
    })
}
