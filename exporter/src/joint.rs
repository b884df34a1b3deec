//! What the features of a window say together: which of them are sampled row by row, and what is made of the sample.

use std::collections::HashMap;
use std::sync::Arc;

use stats::association::{ABSENT, Collapse, Values};
use stats::performance::{Performance, Predictor};
use stats::{Associations, Bins, FrozenFeature, Kind, MAX_FEATURES, RowValues};

use crate::columns::FeatureColumn;
use crate::target::FrozenTarget;

/// The features of a baseline whose values are sampled; none where no check asks for them.
#[derive(Clone, Debug, Default)]
pub struct Joint {
    features: Vec<Sampled>,
    /// What they are to tell about; nothing where no check asks for it.
    target: Option<FrozenTarget>,
    /// Whether they are compared with each other.
    associated: bool,
}

#[derive(Clone, Debug)]
struct Sampled {
    name: String,
    kind: Kind,
    bins: Arc<Bins>,
    /// Of categories, which are joined.
    collapse: Option<Collapse>,
}

/// What a sample of rows says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Together {
    /// How the features hang together; nothing where they are not compared with each other.
    pub associations: Option<Associations>,
    /// What they tell about the target; nothing where there is none.
    pub performance: Option<Performance>,
}

impl Joint {
    /// The first features of a baseline. Of categories that were frozen before it was learnt which to join nothing is said.
    pub fn of(features: &[FrozenFeature], target: Option<&FrozenTarget>, associated: bool) -> Self {
        if target.is_none() && !associated {
            return Self::default();
        }
        let known =
            |feature: &&FrozenFeature| feature.kind == Kind::Numeric || feature.collapse.is_some();
        let sampled = features
            .iter()
            .filter(known)
            .take(MAX_FEATURES)
            .map(|feature| Sampled {
                name: feature.name.clone(),
                kind: feature.kind,
                bins: feature.bins.clone(),
                collapse: feature.collapse.clone(),
            });
        Self {
            features: sampled.collect(),
            target: target.cloned(),
            associated,
        }
    }

    /// Whether nothing is sampled.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Whether a column is sampled: one that is of the baseline's kind.
    pub fn samples(&self, column: &FeatureColumn) -> bool {
        let features = self.features.iter();
        let features = features.map(|sampled| (&sampled.name, sampled.kind));
        let target = self
            .target
            .iter()
            .map(|target| (&target.column, target.kind));
        let mut all = features.chain(target);
        all.any(|(name, kind)| *name == column.name && kind == column.kind)
    }

    /// What the sampled rows of one window say, given by column; a feature that is not there has no value in any row. Nothing
    /// without a row.
    pub fn summarise(&self, mut sample: HashMap<String, RowValues>) -> Together {
        let rows = sample.values().map(|values| values.values().rows()).max();
        let Some(rows) = rows.filter(|rows| *rows > 0) else {
            return Together::default();
        };
        let target = self.target.as_ref();
        let target =
            target.and_then(|target| Some((target, target.joined(sample.remove(&target.column)?))));
        let columns: Vec<(&str, RowValues)> = self
            .features
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
        let performance = target.and_then(|(target, values)| {
            let predictors = self.features.iter().zip(&columns);
            let predictors: Vec<(&str, Predictor<'_>)> = predictors
                .filter_map(|(sampled, (name, values))| Some((*name, sampled.predictor(values)?)))
                .collect();
            let values = target.values(&values)?;
            Some(Performance::new(&target.column, values, &predictors))
        });
        let columns: Vec<(&str, Values<'_>)> = columns
            .iter()
            .map(|(name, values)| (*name, values.values()))
            .collect();
        Together {
            // Every column has a value, or none, for each row of the same sample.
            associations: match self.associated {
                true => Associations::new(&columns).ok(),
                false => None,
            },
            performance,
        }
    }
}

impl Sampled {
    /// Its values, as what may tell of a target; nothing of another kind.
    fn predictor<'a>(&'a self, values: &'a RowValues) -> Option<Predictor<'a>> {
        match (values, self.bins.as_ref(), &self.collapse) {
            (RowValues::Numeric(values), Bins::Numeric(bins), _) => {
                Some(Predictor::Numeric { values, bins })
            }
            (RowValues::Categorical(codes), _, Some(collapse)) => Some(Predictor::Categorical {
                codes,
                categories: collapse.categories() as usize,
            }),
            _ => None,
        }
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
        let features = [
            feature("a", Kind::Numeric),
            feature("class", Kind::Categorical),
            old,
        ];
        let joint = Joint::of(&features, None, true);
        assert!(Joint::of(&features, None, false).is_empty());
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
        let features = [
            feature("a", Kind::Numeric),
            feature("b", Kind::Numeric),
            feature("class", Kind::Categorical),
        ];
        let joint = Joint::of(&features, None, true);
        let values: Vec<f64> = (0..40).map(f64::from).collect();
        let sample = HashMap::from([
            ("a".to_owned(), RowValues::Numeric(values.clone())),
            ("class".to_owned(), RowValues::Categorical(vec![1; 40])),
        ]);
        let found = joint.summarise(sample).associations.unwrap();
        assert_eq!(found.features(), ["a", "b", "class"]);
        let pair = |first, second| found.matrix().pair(first, second).unwrap().alarming;
        let too_few = association::NotComputed::TooFewRows { have: 0, need: 30 };
        assert_eq!(pair(0, 1), Err(too_few));
        assert_eq!(pair(0, 2), Err(association::NotComputed::Constant));
        let both = HashMap::from(
            ["a", "b"].map(|name| (name.to_owned(), RowValues::Numeric(values.clone()))),
        );
        let found = joint.summarise(both).associations.unwrap();
        let pair = found.matrix().pair(0, 1).unwrap().alarming.unwrap();
        assert_eq!(
            (pair.measure, pair.value, pair.n),
            (Measure::Spearman, 1.0, 40)
        );
        assert_eq!(joint.summarise(HashMap::new()), Together::default());
        let empty = HashMap::from([("a".to_owned(), RowValues::Numeric(Vec::new()))]);
        assert_eq!(
            joint.summarise(empty),
            Together::default(),
            "a window without a row says nothing"
        );
    }
}
