//! What the features tell about the target: each by itself, what each brings to all of them together, and which of their bins
//! speak for a class.

use maud::{Markup, html};
use stats::association::Collapse;
use stats::performance::{BinEvidence, Evidence, Measured, PowerMeasure};
use stats::predictive::information::Band;
use stats::predictive::ranking::STABLE;
use stats::{Bins, PerformanceReport, Power};

use super::{picture, words};
use crate::snapshot::{FeatureState, Snapshot};

/// Most features that are listed.
const LISTED: usize = 20;

/// Most bins of a feature that are listed.
const BINS: usize = 24;

/// The section; nothing where there is no target.
pub fn section(snapshot: &Snapshot) -> Markup {
    let whole = &snapshot.whole;
    let Some(report) = &whole.performance else {
        return html! {};
    };
    let mut powers: Vec<(&FeatureState, &Power)> = snapshot
        .features
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
                            tr { th {} th { "judged by" } th { "baseline" } th { "this window" } th { "95 % interval" } th { "÷ limit" } th { "information value" } th { "mutual information" } th { "ε², ω²" } th { "contribution" } }
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
                        "Beside mutual information, in nats, is the part of the target's uncertainty that it takes away. ε² and ω² are the "
                        "part of the variance that lies between groups, less what chance puts there. "
                        "The contribution is a feature's part of what all of them explain together, in a regression of ranks."
                    }
                }
                @for (name, evidence) in &report.evidence {
                    (weights(snapshot, name, evidence))
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
            td { (beside(value(PowerMeasure::MutualInformation), power.uncertainty.map(words::percent))) }
            td { (beside(value(PowerMeasure::EpsilonSquared), power.omega_squared.map(shown))) }
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

/// A measure, and what stands beside it.
fn beside(measured: Option<Measured>, other: Option<String>) -> String {
    let measured = measured.map(|measured| words::measure(measured.value));
    let both: Vec<String> = measured.into_iter().chain(other).collect();
    match both.is_empty() {
        true => words::NOTHING.to_owned(),
        false => both.join(", "),
    }
}

/// A share of the variance, which by chance may be below 0.
fn shown(share: f64) -> String {
    words::measure(share.max(0.0))
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

/// The weight of evidence of each bin of a feature for a class; nothing where the bins are not those of the baseline.
fn weights(snapshot: &Snapshot, name: &str, evidence: &Evidence) -> Markup {
    let feature = snapshot.features.iter().find(|own| own.name == name);
    let named = feature.and_then(|own| {
        let bins = own.bins.as_deref()?;
        Some(groups(bins, own.collapse.as_ref(), own.sensitive))
    });
    let Some(named) = named.filter(|named| named.len() == evidence.bins.len()) else {
        return html! {};
    };
    let bins = named.iter().zip(&evidence.bins);
    let bins: Vec<(&String, &BinEvidence, f64)> = bins
        .filter_map(|(name, bin)| Some((name, bin, bin.weight?)))
        .collect();
    let left = bins.len().saturating_sub(BINS);
    html! {
        div {
            h3 { "Bins of " (name) ", for " (class(snapshot, evidence.class)) }
            table {
                thead { tr { th {} th { "of the class" } th { "of the others" } th { "WoE" } } }
                tbody {
                    @for (bin, shares, weight) in bins.into_iter().take(BINS) {
                        tr {
                            td.category { (bin) }
                            td { (words::percent(shares.of_class)) }
                            td { (words::percent(shares.of_rest)) }
                            td { (words::measure(weight)) }
                        }
                    }
                    @if left > 0 {
                        tr { td { "and " (left) " more" } td {} td {} td {} }
                    }
                }
            }
            p.soft { "Weight of evidence: above 0 the bin speaks for the class, below 0 against it." }
        }
    }
}

/// What a class of the target is called, or its number alone.
fn class(snapshot: &Snapshot, class: usize) -> String {
    let target = snapshot.whole.target.as_ref();
    let shown = target.filter(|target| !snapshot.monitor.data.features.sensitive(&target.column));
    let named = shown.map(|target| groups(&target.bins, target.classes.as_ref(), false));
    let name = named.and_then(|named| named.into_iter().nth(class));
    name.unwrap_or_else(|| format!("class {}", class + 1))
}

/// What is in each bin of a table by classes: of categories those that are not joined, and last all others.
fn groups(bins: &Bins, joined: Option<&Collapse>, sensitive: bool) -> Vec<String> {
    let names = picture::names(bins, sensitive);
    let Some(joined) = joined else {
        return names;
    };
    let kept = joined.kept().filter_map(|bin| names.get(bin).cloned());
    kept.chain(["all others".to_owned()]).collect()
}
