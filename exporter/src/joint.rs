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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stats::association::{self, Measure};
    use stats::{Column, FeatureProfile, Validity};

    use super::*;

    fn feature(name: &str, kind: Kind) -> FrozenFeature {
        let mut profile = FeatureProfile::new(kind, None);
        if kind == Kind::Numeric {
            let column = Column::Numeric {
                values: &[1.0, 2.0],
                validity: Validity::all(2),
            };
            profile.update(&column).unwrap();
        }
        let bins = Arc::new(profile.freeze_bins());
        FrozenFeature::new(name, "", bins, Vec::new()).collapsing(profile.collapse(0.1))
    }

    fn column(name: &str, kind: Kind) -> FeatureColumn {
        FeatureColumn {
            name: name.to_owned(),
            index: 0,
            kind,
            data_type: String::new(),
        }
    }

    #[test]
    fn columns_of_the_baselines_kind_are_sampled() {
        let old = FrozenFeature {
            collapse: None,
            ..feature("old", Kind::Categorical)
        };
        let joint = Joint::of(&[
            feature("a", Kind::Numeric),
            feature("class", Kind::Categorical),
            old,
        ]);
        assert!(joint.samples(&column("a", Kind::Numeric)));
        assert!(joint.samples(&column("class", Kind::Categorical)));
        for (name, kind) in [
            ("a", Kind::Categorical),
            ("old", Kind::Categorical),
            ("b", Kind::Numeric),
        ] {
            assert!(!joint.samples(&column(name, kind)), "{name}");
        }
        assert!(Joint::default().is_empty());
    }

    #[test]
    fn a_column_that_is_not_there_has_no_value_in_any_row() {
        let joint = Joint::of(&[
            feature("a", Kind::Numeric),
            feature("b", Kind::Numeric),
            feature("class", Kind::Categorical),
        ]);
        let values: Vec<f64> = (0..40).map(f64::from).collect();
        let sample = HashMap::from([
            ("a".to_owned(), RowValues::Numeric(values.clone())),
            ("class".to_owned(), RowValues::Categorical(vec![1; 40])),
        ]);
        let found = joint.summarise(sample).unwrap();
        assert_eq!(found.features(), ["a", "b", "class"]);
        let pair = |first, second| found.matrix().pair(first, second).unwrap().alarming;
        let too_few = association::NotComputed::TooFewRows { have: 0, need: 30 };
        assert_eq!(pair(0, 1), Err(too_few));
        assert_eq!(pair(0, 2), Err(association::NotComputed::Constant));
        let both = HashMap::from(
            ["a", "b"].map(|name| (name.to_owned(), RowValues::Numeric(values.clone()))),
        );
        let found = joint.summarise(both).unwrap();
        let pair = found.matrix().pair(0, 1).unwrap().alarming.unwrap();
        assert_eq!(
            (pair.measure, pair.value, pair.n),
            (Measure::Spearman, 1.0, 40)
        );
        assert!(joint.summarise(HashMap::new()).is_none());
        let empty = HashMap::from([("a".to_owned(), RowValues::Numeric(Vec::new()))]);
        assert!(
            joint.summarise(empty).is_none(),
            "a window without a row says nothing"
        );
    }
}
