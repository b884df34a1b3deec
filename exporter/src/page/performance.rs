//! What the features tell about the target: each by itself, and what each brings to all of them together.

use maud::{Markup, html};
use stats::performance::{Measured, PowerMeasure};
use stats::predictive::information::Band;
use stats::predictive::ranking::STABLE;
use stats::{PerformanceReport, Power};

use super::words;
use crate::snapshot::{FeatureState, WholeState};

/// Most features that are listed.
const LISTED: usize = 20;

/// The section; nothing where there is no target.
pub fn section(whole: &WholeState, features: &[FeatureState]) -> Markup {
    let Some(report) = &whole.performance else {
        return html! {};
    };
    let mut powers: Vec<(&FeatureState, &Power)> = features
        .iter()
        .filter_map(|feature| Some((feature, feature.report.as_ref()?.power.as_ref()?)))
        .collect();
    powers.sort_by(|a, b| strength(b.1).total_cmp(&strength(a.1)));
    let left = powers.len().saturating_sub(LISTED);
    html! {
        h2 { "What features tell about " (report.target) }
        div.whole {
            @if let Some(span) = whole.labelled {
                p.why { "In the last window whose target is known, that which ended at " (words::moment(span.end)) "." }
            }
            p.why { (together(report)) }
            div.tables {
                div {
                    table {
                        thead {
                            tr { th {} th { "judged by" } th { "baseline" } th { "this window" } th { "95 % interval" } th { "÷ limit" } th { "information value" } th { "contribution" } }
                        }
                        tbody {
                            @for (feature, power) in powers.iter().take(LISTED) {
                                (row(feature, power, report))
                            }
                        }
                    }
                    @if left > 0 {
                        p.soft { "… and " (words::plural(left as u64, "feature")) " that tell less; the rows above name them all." }
                    }
                    p.soft {
                        "By itself: the area under the ROC curve (0.5 tells nothing), or the share of a number that is explained. "
                        "The contribution is a feature's part of what all of them explain together, in a regression of ranks."
                    }
                }
            }
        }
    }
}

fn together(report: &PerformanceReport) -> String {
    let mut text = format!(
        "{} of the sample with a known target. ",
        words::plural(report.rows, "row")
    );
    match &report.r_squared {
        Ok(explained) => text.push_str(&format!(
            "Together the features explain {} of it.",
            words::percent(*explained)
        )),
        Err(reason) => text.push_str(&format!("Together: not computed, {reason}.")),
    }
    if let Some(stability) = report.rank_stability {
        let moved = match stability < STABLE {
            true => "another one than in the baseline",
            false => "that of the baseline",
        };
        text.push_str(&format!(
            " Their ranking is {moved} (NDCG {}).",
            words::measure(stability)
        ));
    }
    text
}

fn row(feature: &FeatureState, power: &Power, report: &PerformanceReport) -> Markup {
    let value = |measure: PowerMeasure| {
        let found = power.values.iter().find(|(own, _)| *own == measure);
        found.map(|(_, measured)| *measured)
    };
    let judged = power.judged.and_then(value);
    let score = feature.report.as_ref().and_then(|report| {
        let verdict = report.verdicts.performance.as_ref().ok()?;
        Some(words::times(verdict.scores.warning))
    });
    let contribution = report.contributions.iter();
    let contribution = contribution.clone().find(|(name, _)| *name == feature.name);
    let nothing = || words::NOTHING.to_owned();
    html! {
        tr {
            td { (feature.name) }
            td { (power.judged.map_or_else(nothing, |measure| measure.to_string())) }
            td { (power.reference.map_or_else(nothing, words::measure)) }
            td { (judged.map_or_else(nothing, |measured| words::measure(measured.value))) }
            td { (judged.map_or_else(nothing, interval)) }
            td { (score.unwrap_or_else(nothing)) }
            td { (value(PowerMeasure::InformationValue).map_or_else(nothing, information)) }
            td { (contribution.map_or_else(nothing, |(_, share)| words::percent(*share))) }
        }
    }
}

fn interval(measured: Measured) -> String {
    format!(
        "{} to {}",
        words::measure(measured.low),
        words::measure(measured.high)
    )
}

fn information(measured: Measured) -> String {
    let band = match Band::of(measured.value) {
        Band::Unpredictive => "unpredictive",
        Band::Weak => "weak",
        Band::Medium => "medium",
        Band::Strong => "strong",
        Band::Suspicious => "suspiciously strong",
    };
    format!("{}, {band}", words::measure(measured.value))
}

/// How much a feature tells, for the order: what is judged comes first.
fn strength(power: &Power) -> f64 {
    let first = power
        .values
        .first()
        .map_or(0.0, |(_, measured)| measured.value);
    match power.judged {
        Some(_) => 1.0 + first,
        None => 0.0,
    }
}
