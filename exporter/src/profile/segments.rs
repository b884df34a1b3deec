//! Segments in the document that `profile --output json` prints.

use serde::Serialize;
use stats::{FeatureSplit, SegmentChange, SegmentsReport};

use crate::segments;

/// The segments of one column.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Segments<'a> {
    column: &'a str,
    segments: Vec<Rows>,
    features: &'a [FeatureSplit],
    most_changed: Vec<Change<'a>>,
}

/// The sampled rows of one segment.
#[derive(Serialize)]
struct Rows {
    segment: String,
    reference: u64,
    current: u64,
}

/// One feature in one segment.
#[derive(Serialize)]
struct Change<'a> {
    feature: &'a str,
    segment: String,
    rows: u64,
    distance: f64,
    mean: Option<Sides>,
    missing: Sides,
    score: f64,
}

/// Before and now.
#[derive(Serialize)]
struct Sides {
    reference: f64,
    current: f64,
}

impl<'a> Segments<'a> {
    pub(super) fn of(report: &'a SegmentsReport) -> Self {
        let rows = report.segments.iter();
        Self {
            column: &report.column,
            segments: rows
                .map(|(segment, reference, current)| Rows {
                    segment: segments::name(&report.column, segment),
                    reference: *reference,
                    current: *current,
                })
                .collect(),
            features: &report.features,
            most_changed: report.most_changed.iter().map(Change::of).collect(),
        }
    }
}

impl<'a> Change<'a> {
    fn of(change: &'a SegmentChange) -> Self {
        Self {
            feature: &change.feature,
            segment: segments::name(&change.column, &change.segment),
            rows: change.rows,
            distance: change.distance,
            mean: change.means.map(Sides::of),
            missing: Sides::of(change.missing),
            score: change.scores.warning,
        }
    }
}

impl Sides {
    fn of((reference, current): (f64, f64)) -> Self {
        Self { reference, current }
    }
}
