//! The segments of the rows, and what changed within them.

use metrics::{Label, table};
use stats::{SegmentsReport, Split};

use super::{Out, label};
use crate::freshness::ServedSegment;
use crate::segments;

/// The segments of one column.
pub(super) fn divided(out: &mut Out, report: &SegmentsReport) {
    let sum = |rows: fn(&(u64, u64)) -> u64| {
        let all = report.segments.iter();
        all.map(|(_, before, now)| rows(&(*before, *now)))
            .sum::<u64>()
    };
    let (before, now) = (sum(|rows| rows.0), sum(|rows| rows.1));
    for (segment, own_before, own_now) in &report.segments {
        let name = segments::name(&report.column, segment);
        let name = label(&name);
        let labels = [(Label::Segment, &*name)];
        for (family, own, all) in [
            (&table::SEGMENT_ROW_RATIO, *own_now, now),
            (&table::SEGMENT_REFERENCE_ROW_RATIO, *own_before, before),
        ] {
            let share = (all > 0).then(|| own as f64 / all as f64);
            out.add_some(family, labels, share);
        }
    }
    for change in &report.most_changed {
        let segment = segments::name(&change.column, &change.segment);
        let (feature, segment) = (label(&change.feature), label(&segment));
        let labels = [(Label::Feature, &*feature), (Label::Segment, &*segment)];
        out.add(&table::SEGMENT_DISTANCE, labels, change.distance);
        out.add(&table::SEGMENT_SCORE, labels, change.scores.warning);
    }
    for split in &report.features {
        let (feature, column) = (label(&split.feature), label(&report.column));
        for (family, parts) in [
            (&table::FEATURE_MEAN_CHANGE, split.mean),
            (&table::FEATURE_DISTANCE_COMPONENT, split.distance),
        ] {
            let part = |of: fn(Split) -> f64| parts.map(of);
            for (component, value) in [
                ("mix", part(|split| split.mix)),
                ("within", part(|split| split.within)),
            ] {
                let labels = [
                    (Label::Feature, &*feature),
                    (Label::Column, &*column),
                    (Label::Component, component),
                ];
                out.add_some(family, labels, value);
            }
        }
    }
}

/// How old the rows of a segment are.
pub(super) fn served(out: &mut Out, segment: &ServedSegment) {
    let name = label(&segment.events.name);
    let median = segment.events.times.p50 as f64 / 1e6;
    let labels = [(Label::Segment, &*name)];
    out.add(&table::SEGMENT_EVENT_P50_TIMESTAMP, labels, median);
    for (severity, share) in segment.stale.iter() {
        let labels = [(Label::Segment, &*name), (Label::Severity, severity.name())];
        out.add_some(&table::SEGMENT_STALE_ROW_RATIO, labels, *share);
    }
}
