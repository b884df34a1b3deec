//! What the features of a window say together: which of them are sampled row by row, and what is made of the sample.

use std::collections::HashMap;

use stats::association::{ABSENT, Collapse, Values};
use stats::{Associations, FrozenFeature, Kind, MAX_FEATURES, RowValues};

use crate::columns::FeatureColumn;

/// The features of a baseline whose values are sampled; none where no check asks for them.
#[derive(Clone, Debug, Default)]
pub struct Joint(Vec<Sampled>);

#[derive(Clone, Debug)]
struct Sampled {
    name: String,
    kind: Kind,
    /// Of categories, which are joined.
    collapse: Option<Collapse>,
}

impl Joint {
    /// The first features of a baseline. Of categories that were frozen before it was learnt which to join nothing is said.
    pub fn of(features: &[FrozenFeature]) -> Self {
        let known =
            |feature: &&FrozenFeature| feature.kind == Kind::Numeric || feature.collapse.is_some();
        let sampled = features
            .iter()
            .filter(known)
            .take(MAX_FEATURES)
            .map(|feature| Sampled {
                name: feature.name.clone(),
                kind: feature.kind,
                collapse: feature.collapse.clone(),
            });
        Self(sampled.collect())
    }

    /// Whether nothing is sampled.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a column is sampled: one that is of the baseline's kind.
    pub fn samples(&self, column: &FeatureColumn) -> bool {
        self.0
            .iter()
            .any(|sampled| sampled.name == column.name && sampled.kind == column.kind)
    }

    /// How the features hang together in the sampled rows of one window, given by name; one that is not there has no value in
    /// any row. `None` without a row.
    pub fn summarise(&self, mut sample: HashMap<String, RowValues>) -> Option<Associations> {
        let rows = sample.values().map(|values| values.values().rows()).max();
        let rows = rows.filter(|rows| *rows > 0)?;
        let columns: Vec<(&str, RowValues)> = self
            .0
            .iter()
            .map(|sampled| {
                let values = sample.remove(&sampled.name).unwrap_or(match sampled.kind {
                    Kind::Numeric => RowValues::Numeric(vec![f64::NAN; rows]),
                    Kind::Categorical => RowValues::Categorical(vec![ABSENT; rows]),
                });
                (
                    sampled.name.as_str(),
                    values.joined(sampled.collapse.as_ref()),
                )
            })
            .collect();
        let columns: Vec<(&str, Values<'_>)> = columns
            .iter()
            .map(|(name, values)| (*name, values.values()))
            .collect();
        // Every column has a value, or none, for each row of the same sample.
        Associations::new(&columns).ok()
    }
}
