//! How the features are missing together, and how that changed: which patterns grew and shrank, which features go together,
//! and what missing values say of the others. No value of anybody is shown, so that a sensitive feature is named too.

use maud::{Markup, html};
use stats::missingness::{McarTest, NotComputed};
use stats::{
    CoMissingPair, CompleteEntities, Completeness, Difference, MissingnessReport, PatternChange,
};

use super::breakable;
use crate::snapshot::{EntitiesState, Snapshot};
use crate::words;

/// The section; nothing where nothing was compared.
pub fn section(snapshot: &Snapshot) -> Markup {
    let whole = &snapshot.whole;
    let Some((report, features)) = whole.missingness.as_ref().zip(whole.complete_in) else {
        return html! {};
    };
    let of_patterns = report.features as u64;
    html! {
        h2 { "Missing together" }
        div.whole {
            p.why {
                (words::percent(report.current.complete)) " of the rows are complete in all "
                (words::plural(features, "feature")) " (baseline "
                (words::percent(report.reference.complete)) "); a row has "
                (words::percent(report.current.filled)) " of them on average (baseline "
                (words::percent(report.reference.filled)) ")."
                @if let Some(entities) = &whole.entities { (of_entities(entities)) }
                @if of_patterns < features {
                    " What is missing together is that of the first " (words::count(of_patterns)) " of them."
                }
            }
            p.why { (mcar(&report.mcar)) }
            div.tables {
                (patterns(report))
                @if !report.pairs.is_empty() { (pairs(&report.pairs)) }
                (differences(report))
            }
        }
    }
}

/// How many entities are complete; an empty text where there is none.
fn of_entities(entities: &EntitiesState) -> String {
    let share = |side: &CompleteEntities| side.share().map(words::percent);
    let Some(current) = share(&entities.current) else {
        return String::new();
    };
    let reference = entities.reference.as_ref().and_then(share);
    let reference = reference.map_or_else(String::new, |share| format!(" (baseline {share})"));
    format!(" {current} of the entities have each of them in some row{reference}.")
}

/// What Little's test says.
fn mcar(test: &Result<McarTest, NotComputed>) -> String {
    match test {
        Ok(test) => {
            let says = match test.p_value < stats::missingness::SIGNIFICANT {
                true => {
                    "values are not missing completely at random: rows with gaps differ from the others"
                }
                false => "nothing says that values are not missing completely at random",
            };
            format!(
                "Little's test: {says} (χ² {} with {} of freedom, p {}, over {} of {}).",
                words::number(test.statistic),
                words::plural(test.degrees, "degree"),
                words::probability(test.p_value),
                words::plural(test.patterns, "pattern"),
                words::plural(test.columns, "numeric feature"),
            )
        }
        Err(reason) => format!("Little's test of values missing completely at random: {reason}."),
    }
}

fn patterns(report: &MissingnessReport) -> Markup {
    let number = |side: &Completeness| {
        let more = if side.patterns.exact { "" } else { " or more" };
        format!("{}{more}", words::count(side.patterns.count))
    };
    html! {
        div {
            h3 { "Patterns that grew and shrank" }
            @if report.changed.is_empty() {
                p.soft { "None: every pattern is as frequent as in the baseline." }
            } @else {
                table {
                    thead { tr { th { "missing" } th { "baseline" } th { "this window" } th { "change" } } }
                    tbody {
                        @for change in &report.changed {
                            tr {
                                td.text { (breakable(&pattern(change))) }
                                td { (words::percent(change.reference)) }
                                td { (words::percent(change.current)) }
                                td { (words::points(change.delta())) }
                            }
                        }
                    }
                }
            }
            p.soft {
                "A pattern is what a row misses. The baseline has " (number(&report.reference)) ", this window "
                (number(&report.current)) " of them, over " (words::plural(report.current.rows, "row")) "."
            }
        }
    }
}

/// What is missing in rows of this pattern.
fn pattern(change: &PatternChange) -> String {
    if change.missing.is_empty() {
        return "nothing".to_owned();
    }
    words::names(change.missing.iter().map(String::as_str))
}

fn pairs(pairs: &[CoMissingPair]) -> Markup {
    html! {
        div {
            h3 { "Missing in the same rows" }
            table {
                thead { tr { th {} th { "φ, baseline" } th { "φ, this window" } th { "rows without both" } } }
                tbody {
                    @for pair in pairs {
                        tr {
                            td { (breakable(&pair.features.0)) "\u{a0}· " (breakable(&pair.features.1)) }
                            td { (pair.reference.map_or(words::NOTHING.to_owned(), words::measure)) }
                            td { (words::measure(pair.current)) }
                            td { (words::count(pair.both)) }
                        }
                    }
                }
            }
            p.soft { "φ: 1 always together, 0 on their own, below 0 one where the other is not." }
        }
    }
}

fn differences(report: &MissingnessReport) -> Markup {
    let (compared, significant) = report.compared;
    if compared == 0 {
        return html! {};
    }
    html! {
        div {
            h3 { "Different where another is missing" }
            @if !report.differences.is_empty() {
                table {
                    thead { tr { th { "feature" } th { "where missing" } th { "difference" } th { "p, adjusted" } } }
                    tbody {
                        @for difference in &report.differences {
                            (row(difference))
                        }
                    }
                }
            }
            p.soft {
                (words::count(significant)) " of " (words::plural(compared, "pair"))
                " differ. A difference is that of the means in standard deviations, by Welch's test; of two constants, one where the "
                "other feature is missing and one where it is not, there is no deviation. It says why values may be missing, and "
                "alarms nothing."
            }
        }
    }
}

fn row(difference: &Difference) -> Markup {
    html! {
        tr {
            td { (breakable(&difference.value)) }
            td.other { (breakable(&difference.missing)) }
            td { (difference.effect.map_or("two constants".to_owned(), words::measure)) }
            td { (words::probability(difference.adjusted_p_value)) }
        }
    }
}
