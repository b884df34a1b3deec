//! What the features of a window tell about its target, over a sample of its rows.
//!
//! Of every feature by itself: AUC, weight of evidence and mutual information against classes, R² against numbers; and of all of
//! them together the contribution of each ([`Contributions`]). Rows without a target are left out, and of each feature those
//! without a value. The readings are closed, plain and bounded, so that a baseline keeps those of its windows: what a window is
//! compared with is cross-fitted from them, see [`crate::predictive::cross_fit`].

mod contributions;
mod power;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use contributions::{Contributions, MAX_CONTRIBUTING};
use contributions::{Encoded, Rows};
pub(crate) use power::Told;
pub use power::{BinEvidence, Evidence, Measured, PowerMeasure};

use crate::association::ABSENT;
use crate::bins::NumericBins;
use crate::predictive::correlation::{Correlation, correlation};
use crate::predictive::effect_size::{EffectSize, effect_size};
use crate::predictive::{self, Auc, ClassTable, NotComputed};
use crate::ranks::Ranks;

/// The most classes that a target is told apart in: of more the rarest are one.
pub const MAX_TARGET_CLASSES: usize = 10;

/// The target in the rows of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target<'a> {
    /// The class of each row, below `classes`; [`ABSENT`] where it is not known. The last one is that of all names that the baseline
    /// does not tell apart, also of those that it does not have.
    Classes {
        /// One code a row.
        codes: &'a [u32],
        /// How many classes there are.
        classes: usize,
    },
    /// A number for each row, NaN where it is not known.
    Numbers(&'a [f64]),
}

/// A feature in the rows of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Predictor<'a> {
    /// Numbers, NaN where there is none.
    Numeric {
        /// One a row.
        values: &'a [f64],
        /// The baseline's bins, over which weight of evidence and mutual information are counted.
        bins: &'a NumericBins,
    },
    /// Categories.
    Categorical {
        /// The code of each row, below `categories`; [`ABSENT`] where there is none.
        codes: &'a [u32],
        /// How many categories there are.
        categories: usize,
    },
}

/// What one feature by itself tells about the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reading {
    /// A number about classes.
    Ranks {
        /// With larger values speaking for every class.
        larger: Auc,
        /// Coarse bins by classes.
        table: ClassTable,
        /// How much of its variance lies between the classes.
        effect: Result<EffectSize, NotComputed>,
    },
    /// A category about classes.
    Categories {
        /// Categories by classes.
        table: ClassTable,
    },
    /// A number about a number.
    Line(Correlation),
    /// A category about a number: how much of the number's variance lies between the categories.
    Groups(EffectSize),
}

/// What the features of a window tell about its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// The target's column.
    pub target: String,
    /// Rows of the sample whose target is known.
    pub rows: u64,
    /// Every feature that was sampled, by its name.
    pub features: Vec<(String, Result<Reading, NotComputed>)>,
    /// What each brings to all of them together.
    pub contributions: Result<Contributions, NotComputed>,
}

impl Performance {
    /// Of a sample of rows in which every column has an entry, each feature with its name.
    pub fn new<'a>(
        column: &str,
        target: Target<'_>,
        features: &[(&'a str, Predictor<'_>)],
    ) -> Self {
        let rows = Rows::of(target);
        let read = |(name, feature): &(&'a str, Predictor<'_>)| {
            let ranks = match feature {
                Predictor::Numeric { values, .. } => Ranks::of(values),
                Predictor::Categorical { .. } => Ranks::default(),
            };
            let reading = read(target, feature, &ranks);
            let encoded = Encoded::new(&rows, feature, &ranks);
            (((*name).to_owned(), reading), (*name, encoded))
        };
        let (readings, encoded): (Vec<_>, Vec<_>) = features.par_iter().map(read).unzip();
        Performance {
            target: column.to_owned(),
            rows: target.known() as u64,
            features: readings,
            contributions: contributions::contributions(target, &rows, &encoded),
        }
    }

    /// The reading of a feature; `None` where it was not sampled.
    pub fn reading(&self, feature: &str) -> Option<&Result<Reading, NotComputed>> {
        let found = self.features.iter().find(|(name, _)| name == feature);
        found.map(|(_, reading)| reading)
    }
}

impl Target<'_> {
    fn known(&self) -> usize {
        match self {
            Target::Classes { codes, .. } => codes.iter().filter(|code| **code != ABSENT).count(),
            Target::Numbers(values) => values.iter().filter(|value| !value.is_nan()).count(),
        }
    }
}

impl Reading {
    /// Rows in which both feature and target are known.
    pub fn rows(&self) -> u64 {
        match self {
            Reading::Ranks { table, .. } | Reading::Categories { table } => table.rows(),
            Reading::Line(line) => line.rows,
            Reading::Groups(effect) => effect.rows,
        }
    }
}

/// What one feature by itself tells about the target, with the ranks of a number.
fn read(
    target: Target<'_>,
    feature: &Predictor<'_>,
    ranks: &Ranks,
) -> Result<Reading, NotComputed> {
    match (target, *feature) {
        (Target::Classes { codes, classes }, Predictor::Numeric { values, bins }) => {
            let (binned, known_codes) = known(&bins.coarse_codes(values), codes, is_code, is_code);
            check_classes(&known_codes, classes)?;
            let larger = predictive::auc::ranked(ranks, codes, classes)?;
            let (finite, their) = known(values, codes, |value| value.is_finite(), is_code);
            Ok(Reading::Ranks {
                larger,
                table: ClassTable::count(&binned, bins.coarse_len(), &known_codes, classes)?,
                effect: effect_size(&finite, &their, classes),
            })
        }
        (
            Target::Classes { codes, classes },
            Predictor::Categorical {
                codes: values,
                categories,
            },
        ) => {
            let (values, codes) = known(values, codes, is_code, is_code);
            check_classes(&codes, classes)?;
            let table = ClassTable::count(&values, categories, &codes, classes)?;
            Ok(Reading::Categories { table })
        }
        (Target::Numbers(target), Predictor::Numeric { values, .. }) => {
            let (values, target) = known(
                values,
                target,
                |value| value.is_finite(),
                |value| value.is_finite(),
            );
            let line = match correlation(&values, &target) {
                Err(NotComputed::ConstantFeature) if !is_one(&target) => {
                    Correlation::of_a_constant(values.len() as u64)
                }
                Err(NotComputed::ConstantFeature) => Err(NotComputed::ConstantTarget),
                found => found,
            };
            Ok(Reading::Line(line?))
        }
        (Target::Numbers(target), Predictor::Categorical { codes, categories }) => {
            let (codes, target) = known(codes, target, is_code, |value| value.is_finite());
            if codes.is_empty() {
                return Err(NotComputed::TooFewRows { have: 0, need: 1 });
            }
            // Here the categories are the classes, and the target is the number.
            let effect = match effect_size(&target, &codes, categories) {
                Err(NotComputed::OneClass) => Ok(EffectSize::of_one_class(codes.len() as u64)),
                Err(NotComputed::ConstantFeature) => Err(NotComputed::ConstantTarget),
                Err(NotComputed::TooManyClasses { have, most }) => {
                    Err(NotComputed::TooManyCategories { have, most })
                }
                found => found,
            };
            Ok(Reading::Groups(effect?))
        }
    }
}

/// Whether the rows with a feature have two classes of the target; else it is said what they lack.
fn check_classes(codes: &[u32], classes: usize) -> Result<(), NotComputed> {
    let Some(first) = codes.first() else {
        return Err(NotComputed::TooFewRows { have: 0, need: 1 });
    };
    match codes.iter().any(|code| code != first) {
        true => Ok(()),
        // None of the names that the baseline tells apart.
        false if *first as usize + 1 == classes => Err(NotComputed::NoCommonClass),
        false => Err(NotComputed::OneClass),
    }
}

/// Whether all numbers are the same.
fn is_one(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| Some(number) == numbers.first())
}

fn is_code(code: &u32) -> bool {
    *code != ABSENT
}

/// The rows in which both are known.
fn known<A: Copy, B: Copy>(
    first: &[A],
    second: &[B],
    is_first: impl Fn(&A) -> bool,
    is_second: impl Fn(&B) -> bool,
) -> (Vec<A>, Vec<B>) {
    let rows = first.iter().zip(second);
    rows.filter(|(first, second)| is_first(first) && is_second(second))
        .map(|(first, second)| (*first, *second))
        .unzip()
}
