//! What a column divides the rows of a window into, and how every feature is distributed in each part of them.
//!
//! Counted over a sample of the rows, in the baseline's coarse bins with one more for values that are missing, so that a
//! feature that one segment has lost is a change of its distribution there. It is closed, plain and bounded: a baseline keeps
//! that of its windows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::association::ABSENT;
use crate::decomposition::Segment;
use crate::performance::Predictor;

/// Values of one feature in one segment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SegmentValues {
    /// Rows in each coarse bin (of categories: in each that is told apart), and last those without a value.
    pub counts: Vec<u64>,
    /// Finite numbers.
    pub finite: u64,
    /// Their mean; 0 without one.
    pub mean: f64,
}

impl SegmentValues {
    /// Share of the rows without a value; `None` without a row.
    pub fn missing(&self) -> Option<f64> {
        let rows: u64 = self.counts.iter().sum();
        let missing = self.counts.last().copied().unwrap_or(0);
        (rows > 0).then(|| missing as f64 / rows as f64)
    }

    /// The mean of its finite numbers; `None` without one.
    pub fn mean(&self) -> Option<f64> {
        (self.finite > 0).then_some(self.mean)
    }

    fn merge(&mut self, more: &SegmentValues) {
        let bins = self.counts.len().max(more.counts.len());
        self.counts.resize(bins, 0);
        let counts = self.counts.iter_mut().zip(&more.counts);
        counts.for_each(|(mine, theirs)| *mine += theirs);
        self.finite += more.finite;
        if more.finite > 0 {
            self.mean += (more.mean - self.mean) * (more.finite as f64 / self.finite as f64);
        }
    }
}

/// The rows of a window by the values of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segmented {
    column: String,
    features: Vec<String>,
    /// Rows of each segment, and its values of each feature.
    parts: Vec<(Segment, u64, Vec<SegmentValues>)>,
}

impl Segmented {
    /// Of a sample of rows in which every column has an entry. `segments` has the code of each row: the first `names` are those
    /// of the segments, all above are together, and [`ABSENT`] is null.
    pub fn new(
        column: &str,
        names: &[String],
        segments: &[u32],
        features: &[(&str, Predictor<'_>)],
    ) -> Self {
        let places: Vec<usize> = segments
            .iter()
            .map(|code| place(*code, names.len()))
            .collect();
        let named = names.iter().cloned().map(Segment::Value);
        let mut parts: Vec<(Segment, u64, Vec<SegmentValues>)> = named
            .chain([Segment::Other, Segment::Null])
            .map(|segment| (segment, 0, Vec::with_capacity(features.len())))
            .collect();
        for place in &places {
            if let Some((_, rows, _)) = parts.get_mut(*place) {
                *rows += 1;
            }
        }
        let counted = features.par_iter();
        let counted = counted.map(|(_, feature)| count(feature, &places, parts.len()));
        for of_feature in counted.collect::<Vec<_>>() {
            for ((_, _, all), values) in parts.iter_mut().zip(of_feature) {
                all.push(values);
            }
        }
        parts.retain(|(_, rows, _)| *rows > 0);
        Segmented {
            column: column.to_owned(),
            features: features
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            parts,
        }
    }

    /// The column that divides.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Its segments with a row, and how many they have.
    pub fn segments(&self) -> impl Iterator<Item = (&Segment, u64)> {
        self.parts.iter().map(|(segment, rows, _)| (segment, *rows))
    }

    /// Rows of all segments.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|(_, rows, _)| rows).sum()
    }

    /// The features, in the order in which they were counted.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// The values of a feature in each segment.
    pub fn of(&self, feature: &str) -> impl Iterator<Item = (&Segment, &SegmentValues)> {
        let place = self.features.iter().position(|name| name == feature);
        let parts = self.parts.iter();
        parts.filter_map(move |(segment, _, values)| Some((segment, values.get(place?)?)))
    }

    /// All windows together; `None` without one. Features that one of them does not have are left out.
    pub fn pool<'a>(windows: impl Iterator<Item = &'a Segmented> + Clone) -> Option<Segmented> {
        let first = windows.clone().next()?;
        let in_all = |name: &&String| windows.clone().all(|window| window.features.contains(name));
        let features: Vec<String> = first.features.iter().filter(in_all).cloned().collect();
        let mut parts: BTreeMap<Segment, (u64, Vec<SegmentValues>)> = BTreeMap::new();
        let empty = || (0, vec![SegmentValues::default(); features.len()]);
        for window in windows {
            for (segment, rows) in window.segments() {
                parts.entry(segment.clone()).or_insert_with(empty).0 += rows;
            }
            for (place, feature) in features.iter().enumerate() {
                for (segment, more) in window.of(feature) {
                    let (_, pooled) = parts.entry(segment.clone()).or_insert_with(empty);
                    if let Some(values) = pooled.get_mut(place) {
                        values.merge(more);
                    }
                }
            }
        }
        let parts = parts.into_iter();
        Some(Segmented {
            column: first.column.clone(),
            parts: parts
                .map(|(segment, (rows, values))| (segment, rows, values))
                .collect(),
            features,
        })
    }
}

/// Where the rows of a code belong: `named` segments by their code, then all others, then null.
pub fn place(code: u32, named: usize) -> usize {
    match code {
        ABSENT => named + 1,
        code => (code as usize).min(named),
    }
}

/// The values of one feature at each place.
fn count(feature: &Predictor<'_>, places: &[usize], len: usize) -> Vec<SegmentValues> {
    let (codes, bins) = match feature {
        Predictor::Numeric { values, bins } => {
            (Cow::Owned(bins.coarse_codes(values)), bins.coarse_len())
        }
        Predictor::Categorical { codes, categories } => (Cow::Borrowed(*codes), *categories),
    };
    let mut all = vec![
        SegmentValues {
            counts: vec![0; bins + 1],
            ..SegmentValues::default()
        };
        len
    ];
    for (place, code) in places.iter().zip(codes.iter()) {
        let bin = if *code == ABSENT {
            bins
        } else {
            *code as usize
        };
        let values = all.get_mut(*place);
        if let Some(count) = values.and_then(|values| values.counts.get_mut(bin)) {
            *count += 1;
        }
    }
    if let Predictor::Numeric { values, .. } = feature {
        for (place, value) in places.iter().zip(*values) {
            if let Some(own) = all.get_mut(*place).filter(|_| value.is_finite()) {
                own.finite += 1;
                own.mean += (value - own.mean) / own.finite as f64;
            }
        }
    }
    all
}
