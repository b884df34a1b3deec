//! What the features of a window say together: which of them are sampled row by row, and what is made of the sample.

use std::collections::HashMap;
use std::sync::Arc;

use stats::association::{ABSENT, Collapse, Values};
use stats::performance::{Performance, Predictor};
use stats::{
    Associations, Bins, FrozenFeature, Kind, MAX_FEATURES, Missingness, RowSample, RowValues,
    Segmented,
};

use crate::columns::FeatureColumn;
use crate::segments::{FrozenSegments, SegmentTimes};
use crate::target::FrozenTarget;

/// The features of a baseline whose values are sampled; none where no check asks for them.
#[derive(Clone, Debug, Default)]
pub struct Joint {
    features: Vec<Sampled>,
    asked: Asked,
}

/// What is to be made of a sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// How features hang together.
    pub associations: bool,
    /// How they are missing together.
    pub missingness: bool,
    /// What they tell about this target.
    pub target: Option<FrozenTarget>,
    /// What they are within these segments.
    pub segments: Vec<FrozenSegments>,
}

/// The sampled rows of one window.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The values of each column that is sampled, by its name.
    pub columns: HashMap<String, RowSample>,
    /// The event time of each row, in microseconds since the epoch; none where the stream has none.
    pub times: Vec<Option<i64>>,
}

/// What was made of the sample of one window; nothing of what was not asked, and of a window without a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Together {
    /// How features hang together.
    pub associations: Option<Associations>,
    /// How they are missing together.
    pub missingness: Option<Missingness>,
    /// What they tell about the target.
    pub performance: Option<Performance>,
    /// What they are within the segments of each column that divides the rows.
    pub segments: Vec<Segmented>,
    /// When the events of each segment were.
    pub times: Vec<SegmentTimes>,
}

#[derive(Clone, Debug)]
struct Sampled {
    name: String,
    kind: Kind,
    bins: Arc<Bins>,
    /// Of categories, which are joined.
    collapse: Option<Collapse>,
}

impl Joint {
    /// The first features of a baseline. Of categories that were frozen before it was learnt which to join nothing is said.
    pub fn of(features: &[FrozenFeature], asked: Asked) -> Self {
        if asked == Asked::default() {
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
            asked,
        }
    }

    /// Whether nothing is sampled.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Whether it is asked how complete rows are.
    pub fn counts_complete_rows(&self) -> bool {
        self.asked.missingness
    }

    /// Whether a column is sampled: one that is of the baseline's kind.
    pub fn samples(&self, column: &FeatureColumn) -> bool {
        let features = self.features.iter();
        let features = features.map(|sampled| (&sampled.name, sampled.kind));
        let target = self.asked.target.iter();
        let target = target.map(|target| (&target.column, target.kind));
        let segments = self.asked.segments.iter();
        let segments = segments.map(|segments| (&segments.column, Kind::Categorical));
        let mut all = features.chain(target).chain(segments);
        all.any(|(name, kind)| *name == column.name && kind == column.kind)
    }

    /// What the sampled rows of one window say.
    pub fn summarise(&self, sample: Sample) -> Together {
        let Sample {
            columns: mut sample,
            times,
        } = sample;
        let rows = sample.values().map(RowSample::rows).max();
        let Some(rows) = rows.filter(|rows| *rows > 0) else {
            return Together::default();
        };
        let target = self.asked.target.as_ref().and_then(|target| {
            let values = sample.remove(&target.column)?.into_values();
            Some((target, target.joined(values)))
        });
        let segments = self.asked.segments.iter().filter_map(|frozen| {
            let codes = match sample.get(&frozen.column)?.values() {
                RowValues::Categorical(codes) => codes.clone(),
                RowValues::Numeric(_) => return None,
            };
            Some((frozen, codes))
        });
        let segments: Vec<(&FrozenSegments, Vec<u32>)> = segments.collect();
        let missingness = match self.asked.missingness {
            true => self.missingness(&sample),
            false => None,
        };
        let columns = self.columns(rows, sample);
        let predictors = self.features.iter().zip(&columns);
        let predictors: Vec<(&str, Predictor<'_>)> = predictors
            .filter_map(|(sampled, (name, values))| Some((*name, sampled.predictor(values)?)))
            .collect();
        let divided = segments.iter().map(|(frozen, codes)| {
            Segmented::new(&frozen.column, frozen.names(), codes, &predictors)
        });
        let when = segments
            .iter()
            .flat_map(|(frozen, codes)| frozen.times(codes, &times));
        Together {
            missingness,
            performance: target.and_then(|(target, values)| {
                let values = target.values(&values)?;
                Some(Performance::new(&target.column, values, &predictors))
            }),
            segments: divided.collect(),
            times: when.collect(),
            associations: match self.asked.associations {
                true => associations(&columns),
                false => None,
            },
        }
    }

    /// How the features are missing together. One that is not there takes no part: that a column is gone is no pattern.
    fn missingness(&self, sample: &HashMap<String, RowSample>) -> Option<Missingness> {
        let features = self.features.iter();
        let columns: Vec<(&str, &RowSample)> = features
            .filter_map(|sampled| Some((sampled.name.as_str(), sample.get(&sampled.name)?)))
            .collect();
        // There are at most so many columns as are looked at together, with the same rows.
        Missingness::new(&columns).ok()
    }

    /// The values of every feature, rare categories joined; one that is not there has no value in any row.
    fn columns(
        &self,
        rows: usize,
        mut sample: HashMap<String, RowSample>,
    ) -> Vec<(&str, RowValues)> {
        let features = self.features.iter();
        let columns = features.map(|sampled| {
            let values = sample.remove(&sampled.name).map(RowSample::into_values);
            let values = values.unwrap_or(match sampled.kind {
                Kind::Numeric => RowValues::Numeric(vec![f64::NAN; rows]),
                Kind::Categorical => RowValues::Categorical(vec![ABSENT; rows]),
            });
            (
                sampled.name.as_str(),
                values.joined(sampled.collapse.as_ref()),
            )
        });
        columns.collect()
    }
}

/// How the features hang together.
fn associations(columns: &[(&str, RowValues)]) -> Option<Associations> {
    let columns: Vec<(&str, Values<'_>)> = columns
        .iter()
        .map(|(name, values)| (*name, values.values()))
        .collect();
    // Every column has a value, or none, for each row of the same sample.
    Associations::new(&columns).ok()
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
    use stats::{Categories, Column, FeatureProfile, RowSampler, Validity};

    use super::*;
    use crate::columns::ImputedFlag;
    use crate::profiled;

    fn feature(name: &str, kind: Kind) -> FrozenFeature {
        let profile = match kind {
            Kind::Numeric => profiled::numbers(&[1.0, 2.0], None),
            Kind::Categorical => FeatureProfile::new(kind, None),
        };
        let bins = Arc::new(profile.freeze_bins());
        FrozenFeature::new(name, "", bins, Vec::new()).collapsing(profile.collapse(0.1))
    }

    const BOTH: Asked = Asked {
        associations: true,
        missingness: true,
        target: None,
        segments: Vec::new(),
    };

    fn of(columns: HashMap<String, RowSample>) -> Sample {
        Sample {
            columns,
            times: Vec::new(),
        }
    }

    /// Numbers, null where there is none.
    fn numbers(values: &[Option<f64>]) -> RowSample {
        let mut bits = vec![0u8; values.len().div_ceil(8)];
        let there = values.iter().enumerate().filter(|(_, v)| v.is_some());
        there.for_each(|(row, _)| bits[row / 8] |= 1 << (row % 8));
        let numbers: Vec<f64> = values.iter().map(|value| value.unwrap_or(0.0)).collect();
        let column = Column::Numeric {
            values: &numbers,
            validity: Validity::bitmap(&bits, 0, numbers.len()).unwrap(),
        };
        let (mut sampler, mut sample) = (RowSampler::default(), RowSample::new(Kind::Numeric));
        let choice = sampler.choose(numbers.len());
        FeatureProfile::new(Kind::Numeric, None).pick(&column, &choice, &mut sample);
        sample
    }

    /// One category in so many rows.
    fn category(rows: usize) -> RowSample {
        let column = Column::Categorical {
            codes: &vec![0; rows],
            validity: Validity::all(rows),
            categories: Categories {
                generation: 1,
                len: 1,
                name: &|_| Some("only"),
            },
        };
        let mut profile = FeatureProfile::new(Kind::Categorical, None);
        profile.update(&column).unwrap();
        let bins = Arc::new(profile.freeze_bins());
        let mut profile = FeatureProfile::new(Kind::Categorical, Some(bins));
        profile.update(&column).unwrap();
        let (mut sampler, mut sample) = (RowSampler::default(), RowSample::new(Kind::Categorical));
        let choice = sampler.choose(rows);
        profile.pick(&column, &choice, &mut sample);
        sample
    }

    fn column(name: &str, kind: Kind) -> FeatureColumn {
        FeatureColumn {
            name: name.to_owned(),
            index: 0,
            kind,
            data_type: String::new(),
            imputed: ImputedFlag::None,
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
        let joint = Joint::of(&features, BOTH);
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
        assert!(Joint::of(&features, Asked::default()).is_empty());
    }

    #[test]
    fn a_column_that_is_not_there_has_no_value_in_any_row() {
        let features = [
            feature("a", Kind::Numeric),
            feature("b", Kind::Numeric),
            feature("class", Kind::Categorical),
        ];
        let joint = Joint::of(&features, BOTH);
        let values: Vec<Option<f64>> = (0..40).map(|row| Some(f64::from(row))).collect();
        let sample = HashMap::from([
            ("a".to_owned(), numbers(&values)),
            ("class".to_owned(), category(40)),
        ]);
        let found = joint.summarise(of(sample)).associations.unwrap();
        assert_eq!(found.features(), ["a", "b", "class"]);
        let pair = |first, second| found.matrix().pair(first, second).unwrap().alarming;
        let too_few = association::NotComputed::TooFewRows { have: 0, need: 30 };
        assert_eq!(pair(0, 1), Err(too_few));
        assert_eq!(pair(0, 2), Err(association::NotComputed::Constant));
        let both = HashMap::from(["a", "b"].map(|name| (name.to_owned(), numbers(&values))));
        let found = joint.summarise(of(both)).associations.unwrap();
        let pair = found.matrix().pair(0, 1).unwrap().alarming.unwrap();
        assert_eq!(
            (pair.measure, pair.value, pair.n),
            (Measure::Spearman, 1.0, 40)
        );
        assert_eq!(joint.summarise(Sample::default()), Together::default());
        let empty = HashMap::from([("a".to_owned(), numbers(&[]))]);
        assert_eq!(
            joint.summarise(of(empty)),
            Together::default(),
            "a window without a row says nothing"
        );
    }

    #[test]
    fn what_is_null_is_missing_and_a_column_that_is_not_there_is_not() {
        let features = [
            feature("a", Kind::Numeric),
            feature("b", Kind::Numeric),
            feature("class", Kind::Categorical),
        ];
        let asked = Asked {
            missingness: true,
            ..Asked::default()
        };
        let joint = Joint::of(&features, asked);
        let mut values = vec![Some(f64::NAN); 40];
        values[..10].fill(None);
        let sample = HashMap::from([
            ("a".to_owned(), numbers(&values)),
            ("class".to_owned(), category(40)),
        ]);
        let found = joint.summarise(of(sample));
        assert_eq!(found.associations, None);
        let found = found.missingness.unwrap();
        assert_eq!(found.features(), ["a", "class"]);
        assert_eq!(found.patterns().complete_share(), Some(0.75));
    }
}
