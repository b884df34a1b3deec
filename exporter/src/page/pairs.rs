//! How the features hang together, and how that changed: a picture of all pairs, the ones that changed most, and the features that
//! the others tell.

use maud::{Markup, html};
use stats::association::{Association, Matrix, Measure};
use stats::{AssociationReport, BySeverity, PairChange, Severity};

use super::breakable;
use crate::snapshot::PairsState;
use crate::words;

/// Most features of which it is listed how well the others tell them.
const LISTED: usize = 20;
/// Steps of colour from nothing to one.
const STEPS: f64 = 5.0;
/// Most features whose names stand beside the picture.
const NAMED: usize = 60;
/// Size of a cell: large enough for names beside it, else as many as fit.
const CELL: f64 = 14.0;
const WIDTH: f64 = 640.0;
/// The most letters of a name beside the picture, and the room that one takes.
const LETTERS: usize = 32;
const LETTER: f64 = 6.2;

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
                (words::measure(report.largest)) ", the Frobenius norm of all changes "
                (words::measure(report.frobenius)) "."
            }
            div.tables {
                (changes(pairs))
                (matrix(pairs))
                (inflation(report))
            }
        }
    }
}

fn changes(pairs: &PairsState) -> Markup {
    html! {
        div {
            h3 { "Most changed pairs" }
            table {
                thead {
                    tr { th {} th { "baseline" } th { "this window" } th { "change" } th { "÷\u{a0}limit" } th { "measure" } th { "rows" } th { "Pearson" } }
                }
                tbody {
                    @for pair in &pairs.report.most_changed {
                        tr class=(over(pair.scores)) {
                            td { (breakable(&pair.features.0)) "\u{a0}· " (breakable(&pair.features.1)) }
                            td { (words::measure(pair.reference)) }
                            td { (words::measure(pair.current)) }
                            td { (words::measure(pair.delta())) }
                            td { (words::times(pair.scores.warning)) }
                            td { (measure(pair.measure)) }
                            td { (words::count(pair.rows)) }
                            td { (pearson(pairs, pair).unwrap_or_else(|| words::NOTHING.to_owned())) }
                        }
                    }
                }
            }
            p.soft {
                "Spearman's rank correlation of numbers, Cramér's V of categories, the correlation ratio of ranks between both. "
                "A change alarms at the limits of its features' check. Pearson's correlation stands beside it and alarms nothing."
            }
        }
    }
}

/// Pearson's correlation of a pair, before and now; nothing where it is not known of both.
fn pearson(pairs: &PairsState, pair: &PairChange) -> Option<String> {
    let column = |name: &str| pairs.features.iter().position(|own| own == name);
    let (first, second) = (column(&pair.features.0)?, column(&pair.features.1)?);
    let of = |matrix: &Matrix| Some(matrix.pair(first, second)?.pearson?.ok()?.value);
    let (before, now) = (of(&pairs.reference)?, of(&pairs.current)?);
    Some(format!(
        "{} → {}",
        words::measure(before),
        words::measure(now)
    ))
}

/// How well the other numbers tell each in this window, those first that they tell best.
fn inflation(report: &AssociationReport) -> Markup {
    let mut factors: Vec<(&str, f64)> = report
        .inflation
        .iter()
        .filter_map(|(name, vif)| Some((name.as_str(), vif.as_ref().ok()?.value())))
        .collect();
    if factors.is_empty() {
        return html! {};
    }
    factors.sort_by(|a, b| b.1.total_cmp(&a.1));
    let left = factors.len().saturating_sub(LISTED);
    let follow = !report.relations.is_empty();
    html! {
        div {
            h3 { "Told by the other numbers" }
            table {
                thead { tr { th {} th { "VIF" } th { "told" } @if follow { th { "follows from" } } } }
                tbody {
                    @for (name, factor) in factors.into_iter().take(LISTED) {
                        tr {
                            td { (breakable(name)) }
                            td { (inflated(factor)) }
                            td { (words::percent(1.0 - 1.0 / factor)) }
                            @if follow {
                                td.text { (breakable(&follows_from(report, name).unwrap_or_else(|| words::NOTHING.to_owned()))) }
                            }
                        }
                    }
                }
            }
            @if left > 0 {
                p.soft { "… and " (words::plural(left as u64, "feature")) " of which they tell less." }
            }
            p.soft {
                "The variance inflation factor is 1 where the others tell nothing of a feature along straight lines, 5 where they tell "
                "four fifths of it, and ∞ where it follows from them."
            }
        }
    }
}

/// A variance inflation factor, with two digits behind the point, so that they line up.
fn inflated(factor: f64) -> String {
    match factor {
        factor if !factor.is_finite() => "∞".to_owned(),
        factor if factor >= 1000.0 => words::number(factor.round()),
        factor => format!("{factor:.2}"),
    }
}

/// What a feature follows from; of several such sets of features the smallest.
fn follows_from(report: &AssociationReport, name: &str) -> Option<String> {
    let own = report.relations.iter();
    let own = own.filter(|relation| relation.iter().any(|other| other == name));
    let others = own.min_by_key(|relation| relation.len())?.iter();
    let others: Vec<&str> = others
        .map(String::as_str)
        .filter(|other| *other != name)
        .collect();
    Some(words::names(others.into_iter()))
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
    let has_names = p <= NAMED;
    let letters = |name: &String| name.chars().count().min(LETTERS);
    let longest = pairs.features.iter().map(letters).max().unwrap_or(0);
    let margin = if has_names {
        6.0 + LETTER * longest as f64
    } else {
        0.0
    };
    let whole = side + margin;
    html! {
        div.matrix {
            h3 { "Baseline below the diagonal, this window above it" }
            svg width=(whole) height=(whole) viewBox={ (-margin) " " (-margin) " " (whole) " " (whole) } role="img" {
                title { "Associations of all pairs of features" }
                @for level in levels() {
                    @let cells = path(pairs, level, size);
                    @if !cells.is_empty() {
                        path class=(class(level)) d=(cells) {}
                    }
                }
                path.diagonal d={ "M0 0 " (side) " " (side) } {}
                @if has_names {
                    @for (place, name) in pairs.features.iter().enumerate() {
                        @let middle = (place as f64 + 0.5) * size;
                        text.row-name x="-6" y=(middle) { (short(name)) }
                        text x="6" y=(middle) transform="rotate(-90)" { (short(name)) }
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
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let start: String = name.chars().take(LETTERS - 1).collect();
    format!("{start}…")
}
