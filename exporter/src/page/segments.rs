//! The segments of the rows: how many rows and how old, which features moved within them, and why features changed as a whole.

use maud::{Markup, html};
use stats::decomposition::Segment;
use stats::{SegmentChange, SegmentsReport, Split};

use super::breakable;
use super::pairs::over;
use crate::freshness::{Served, ServedSegment};
use crate::segments;
use crate::words;

/// Most features whose change is told apart.
const LISTED: usize = 10;

/// The section; nothing where nothing divides the rows.
pub fn section(reports: &[SegmentsReport], served: Option<&Served>) -> Markup {
    html! {
        @for report in reports {
            h2 { "By " (report.column) }
            div.whole {
                div.tables {
                    (rows(report, served))
                    (changes(&report.most_changed))
                    (causes(report))
                }
            }
        }
    }
}

/// The value of a segment, or what stands for all others and for none, for people.
fn value(segment: &Segment) -> &str {
    match segment {
        Segment::Value(value) => value,
        Segment::Null => "no value",
        Segment::Other => "all others",
    }
}

/// A segment by its column, for people.
pub fn in_words(column: &str, segment: &Segment) -> String {
    match segment {
        Segment::Value(value) => format!("{column}={value}"),
        Segment::Null => format!("the rows without {column}"),
        Segment::Other => format!("the other values of {column}"),
    }
}

/// How many rows each segment has, and how many of them are too old.
fn rows(report: &SegmentsReport, served: Option<&Served>) -> Markup {
    let (before, now) = report
        .segments
        .iter()
        .fold((0, 0), |sum, (_, before, now)| {
            (sum.0 + before, sum.1 + now)
        });
    let share = |own: u64, all: u64| match all {
        0 => words::NOTHING.to_owned(),
        all => words::percent(own as f64 / all as f64),
    };
    let stale = |name: &str| {
        let all = served.iter().flat_map(|served| &served.segments);
        let own: Option<&ServedSegment> = all.clone().find(|own| own.events.name == name);
        own.and_then(|own| own.stale.warning)
    };
    html! {
        div {
            h3 { "Rows" }
            table {
                thead { tr { th {} th { "baseline" } th { "this window" } th { "too old" } } }
                tbody {
                    @for (segment, own_before, own_now) in &report.segments {
                        @let name = segments::name(&report.column, segment);
                        tr {
                            td { (value(segment)) }
                            td { (share(*own_before, before)) }
                            td { (share(*own_now, now)) }
                            td { (stale(&name).map_or_else(|| words::NOTHING.to_owned(), words::percent)) }
                        }
                    }
                }
            }
            p.soft { "Shares of the sampled rows. Too old: rows of the newest window whose event is past the warning limit of freshness." }
        }
    }
}

/// Which features moved most in which segments.
fn changes(changes: &[SegmentChange]) -> Markup {
    let number = |value: f64| words::measure(value);
    html! {
        div {
            h3 { "Most changed within a segment" }
            table {
                thead { tr { th {} th { "segment" } th { "rows" } th { "distance" } th { "÷\u{a0}limit" } th { "mean" } th { "missing" } } }
                tbody {
                    @for change in changes {
                        tr class=(over(change.scores)) {
                            td { (breakable(&change.feature)) }
                            td { (value(&change.segment)) }
                            td { (words::count(change.rows)) }
                            td { (number(change.distance)) }
                            td { (words::times(change.scores.warning)) }
                            td {
                                @match change.means {
                                    Some((before, now)) => { (words::number(before)) " → " (words::number(now)) }
                                    None => { (words::NOTHING) }
                                }
                            }
                            td { (words::percent(change.missing.0)) " → " (words::percent(change.missing.1)) }
                        }
                    }
                }
            }
            p.soft { "Each segment is compared with the same one of the baseline, missing values among the others; the worst against their limits are shown." }
        }
    }
}

/// Why features changed: those that changed most.
fn causes(report: &SegmentsReport) -> Markup {
    let total = |split: Option<Split>| split.map_or(0.0, |split| split.total);
    let mut features: Vec<_> = report.features.iter().collect();
    features.sort_by(|a, b| total(b.distance).total_cmp(&total(a.distance)));
    html! {
        div {
            h3 { "Why features changed" }
            table {
                thead {
                    tr { th {} th.group colspan="3" { "distance" } th.group colspan="3" { "mean" } }
                    tr { th {} th { "whole" } th { "mix" } th { "within" } th { "whole" } th { "mix" } th { "within" } }
                }
                tbody {
                    @for split in features.iter().take(LISTED) {
                        tr {
                            td { (breakable(&split.feature)) }
                            @for value in distance(split.distance) { td { (value) } }
                            @for value in mean(split.mean) { td { (value) } }
                        }
                    }
                }
            }
            p.soft {
                "Because the segments weigh more or less (mix), or because of what is within them. The parts of a mean add up to the whole; "
                "those of a distance to the whole or more, since they may go in different directions."
            }
        }
    }
}

/// A distance and its parts.
fn distance(split: Option<Split>) -> [String; 3] {
    split.map_or_else(nothing, |split| parts(split).map(words::measure))
}

/// The change of a mean and its parts.
fn mean(split: Option<Split>) -> [String; 3] {
    split.map_or_else(nothing, |split| words::changes(parts(split)))
}

fn parts(split: Split) -> [f64; 3] {
    [split.total, split.mix, split.within]
}

fn nothing() -> [String; 3] {
    [(); 3].map(|()| words::NOTHING.to_owned())
}
