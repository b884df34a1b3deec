//! How the features hang together, and how that changed: a picture of all pairs, and the ones that changed most.

use maud::{Markup, html};
use stats::association::{Association, Matrix, Measure};
use stats::{BySeverity, PairChange, Severity};

use super::words;
use crate::snapshot::PairsState;

/// Steps of colour from nothing to one.
const STEPS: f64 = 5.0;
/// Most features whose names stand beside the picture.
const NAMED: usize = 60;
/// Size of a cell: large enough for names beside it, else as many as fit.
const CELL: f64 = 14.0;
const WIDTH: f64 = 640.0;

/// The section; nothing where no pair was compared.
pub fn pairs(pairs: Option<&PairsState>) -> Markup {
    let Some(pairs) = pairs else {
        return html! {};
    };
    let report = &pairs.report;
    html! {
        h2 { "How features hang together" }
        div.whole {
            p.why {
                (words::plural(report.pairs as u64, "pair")) " compared with the baseline; the largest change is "
                (words::measure(report.largest)) "."
            }
            div.tables {
                (changes(&report.most_changed))
                (matrix(pairs))
            }
        }
    }
}

fn changes(changes: &[PairChange]) -> Markup {
    html! {
        div {
            h3 { "Most changed pairs" }
            table {
                thead {
                    tr { th {} th { "measure" } th { "baseline" } th { "this window" } th { "change" } th { "÷ limit" } th { "rows" } }
                }
                tbody {
                    @for pair in changes {
                        tr class=(over(pair.scores)) {
                            td { (pair.features.0) " · " (pair.features.1) }
                            td { (measure(pair.measure)) }
                            td { (words::measure(pair.reference)) }
                            td { (words::measure(pair.current)) }
                            td { (words::measure(pair.delta())) }
                            td { (words::times(pair.scores.warning)) }
                            td { (words::count(pair.rows)) }
                        }
                    }
                }
            }
            p.soft {
                "Spearman's rank correlation of numbers, Cramér's V of categories, the correlation ratio of ranks between both. "
                "A change alarms at the limits of its features' check."
            }
        }
    }
}

/// The style of a row whose value is over a limit.
pub fn over(scores: BySeverity<f64>) -> String {
    let worst = match scores {
        scores if scores.critical >= 1.0 => Severity::Critical,
        scores if scores.warning >= 1.0 => Severity::Warning,
        _ => return String::new(),
    };
    format!("over {}", worst.name())
}

/// A measure in the fewest letters that still name it.
pub fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::Pearson => "Pearson",
        Measure::Spearman => "Spearman",
        Measure::CramersV => "Cramér's V",
        Measure::CorrelationRatio => "correlation ratio",
    }
}

/// One square: below the diagonal the baseline, above it the window.
fn matrix(pairs: &PairsState) -> Markup {
    let p = pairs.features.len();
    let size = CELL.min(WIDTH / p.max(1) as f64);
    let side = size * p as f64;
    let named = p <= NAMED;
    let margin = if named { 170.0 } else { 0.0 };
    html! {
        div.matrix {
            h3 { "Baseline below the diagonal, this window above it" }
            svg width=(side + margin) height=(side) viewBox={ "0 0 " (side + margin) " " (side) } role="img" {
                title { "Associations of all pairs of features" }
                @for level in levels() {
                    @let cells = path(pairs, level, size);
                    @if !cells.is_empty() {
                        path class=(class(level)) d=(cells) {}
                    }
                }
                path.diagonal d={ "M0 0 " (side) " " (side) } {}
                @if named {
                    @for (row, name) in pairs.features.iter().enumerate() {
                        text x=(side + 6.0) y=((row as f64 + 0.5) * size) { (short(name)) }
                    }
                }
            }
            p.soft {
                "From "
                @for level in levels().filter(|level| *level != 0) {
                    svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true" { path class=(class(level)) d="M0 0h10v10h-10z" {} }
                }
                " −1 to 1; empty where it was not computed or is near 0."
            }
        }
    }
}

/// The steps of colour.
fn levels() -> impl Iterator<Item = i32> {
    -(STEPS as i32)..=STEPS as i32
}

fn class(level: i32) -> String {
    match level {
        level if level < 0 => format!("minus{}", -level),
        level => format!("plus{level}"),
    }
}

/// The cells of one step of colour. Step 0 is not drawn.
fn path(pairs: &PairsState, level: i32, size: f64) -> String {
    let mut path = String::new();
    if level == 0 {
        return path;
    }
    let p = pairs.features.len();
    for row in 0..p {
        for column in (0..p).filter(|column| *column != row) {
            let side = if row > column {
                &pairs.reference
            } else {
                &pairs.current
            };
            if found(side, row, column).map(step) == Some(level) {
                let (x, y) = (column as f64 * size, row as f64 * size);
                path.push_str(&format!("M{x:.1} {y:.1}h{size:.1}v{size:.1}h-{size:.1}z"));
            }
        }
    }
    path
}

fn found(matrix: &Matrix, row: usize, column: usize) -> Option<Association> {
    matrix.pair(row, column)?.alarming.ok()
}

fn step(found: Association) -> i32 {
    (found.value * STEPS).round() as i32
}

fn short(name: &str) -> String {
    const MOST: usize = 24;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    let start: String = name.chars().take(MOST - 1).collect();
    format!("{start}…")
}
