//! What the features tell about the target: each by itself, what each brings to all of them together, and which of their bins
//! speak for a class.

use maud::{Markup, html};
use stats::association::Collapse;
use stats::performance::{BinEvidence, Evidence, Measured, PowerMeasure};
use stats::predictive::information::Band;
use stats::predictive::ranking::STABLE;
use stats::{Bins, PerformanceReport, Power};

use super::{breakable, picture};
use crate::snapshot::{FeatureState, Snapshot};
use crate::target::FrozenTarget;
use crate::words;

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
    let by_strength = |a: (f64, f64), b: (f64, f64)| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1));
    powers.sort_by(|a, b| by_strength(strength(a, report), strength(b, report)));
    let two = whole.target.as_ref().is_some_and(two_classes);
    let called = two.then_some(band as Called);
    let evidence = report.evidence.iter();
    let evidence = evidence.filter_map(|(name, evidence)| weights(snapshot, name, evidence));
    let evidence: Vec<Markup> = evidence.collect();
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
                            tr { th {} th { "baseline" } th { "this window" } th { "÷\u{a0}limit" } th { "contribution" } th { "information value" } th { "mutual information" } th { "ε²" } }
                        }
                        tbody {
                            @for (feature, power) in powers.iter().take(LISTED) {
                                (row(feature, power, report, called))
                            }
                        }
                    }
                    @if powers.len() > LISTED {
                        p.soft { "The " (LISTED) " features that tell the most, of " (words::count(powers.len() as u64)) "." }
                    }
                    p.soft {
                        "Below each measure is its 95 % interval. By itself: the area under the ROC curve (0.5 tells nothing), or the share of a number that is explained. Not judged is "
                        "what told nothing in the baseline: which values speak for a class was hardly learnt then, so that its AUC tells something "
                        "on either side of 0.5, and of more than two classes the information value says it better. "
                        "Information value and mutual information are less what chance puts there. "
                        @if two {
                            "Of two classes an information value is called weak from 0.02, medium from 0.1, strong from 0.3, and from 0.5 "
                            "suspicious, as the feature may know the target. "
                        }
                        "Below mutual information, in nats, is also the part of the target's uncertainty that it takes away. ε² and ω² are the "
                        "part of the variance that lies between groups, less what chance puts there. "
                        "The contribution is a feature's part of what all of them explain together, in a regression of ranks."
                    }
                }
                @for weights in &evidence { (weights) }
                @if !evidence.is_empty() {
                    p.soft {
                        "WoE is the weight of evidence, and below it its 95 % interval: above 0 the bin speaks for the class, below 0 "
                        "against it. Where the interval holds 0 it may do either, and the weight is pale. Half a row is added on both "
                        "sides, so that of a class with few rows a bin without one of them may have a weight above 0."
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

/// What an information value is called.
type Called = fn(Measured) -> &'static str;

fn row(
    feature: &FeatureState,
    power: &Power,
    report: &PerformanceReport,
    called: Option<Called>,
) -> Markup {
    let value = |measure: PowerMeasure| {
        let found = power.values.iter().find(|(own, _)| *own == measure);
        found.map(|(_, measured)| *measured)
    };
    let main = power.judged.or_else(|| first(power));
    let by = main.map(|measure| match power.judged {
        Some(_) => measure.to_string(),
        None => format!("{measure}, not judged"),
    });
    let main = main.and_then(value);
    let score = feature.report.as_ref().and_then(|report| {
        let verdict = report.verdicts.performance.as_ref().ok()?;
        Some(words::times(verdict.scores.warning))
    });
    let contribution = contribution(report, &feature.name);
    let information = value(PowerMeasure::InformationValue);
    let called = information
        .zip(called)
        .map(|(information, called)| called(information).to_owned());
    let omega = value(PowerMeasure::OmegaSquared)
        .map(|omega| format!("ω² {}, {}", words::measure(omega.value), interval(omega)));
    let nothing = || words::NOTHING.to_owned();
    html! {
        tr {
            td { (breakable(&feature.name)) @if let Some(by) = by { small { (by) } } }
            td { (power.reference.map_or_else(nothing, words::measure)) }
            td { (measured(main, None)) }
            td { (score.unwrap_or_else(nothing)) }
            td { (contribution.map_or_else(nothing, words::percent)) }
            td { (measured(information, called)) }
            td { (measured(value(PowerMeasure::MutualInformation), power.uncertainty.map(words::percent))) }
            td { (measured(value(PowerMeasure::EpsilonSquared), omega)) }
        }
    }
}

fn interval(measured: Measured) -> String {
    let [low, high] = [measured.low, measured.high].map(words::measure);
    format!("{low} to {high}")
}

/// A measure, and below it its interval and what else there is to say.
fn measured(measured: Option<Measured>, other: Option<String>) -> Markup {
    let below = measured.map(interval).into_iter().chain(other);
    html! {
        (measured.map_or_else(|| words::NOTHING.to_owned(), |measured| words::measure(measured.value)))
        @for line in below { small { (line) } }
    }
}

/// Whether a target has two classes. What an information value is called is a custom of these: the mean over more of them, each
/// against the rest, is larger where each feature tells as much.
fn two_classes(target: &FrozenTarget) -> bool {
    match (target.bins.as_ref(), &target.classes) {
        (Bins::Categorical(bins), Some(classes)) => {
            bins.names().len() == 2 || classes.kept().count() == 1
        }
        _ => false,
    }
}

/// What an information value is called where there are two classes (Siddiqi 2006).
fn band(measured: Measured) -> &'static str {
    match Band::of(measured.value) {
        Band::Unpredictive => "unpredictive",
        Band::Weak => "weak",
        Band::Medium => "medium",
        Band::Strong => "strong",
        Band::Suspicious => "suspicious",
    }
}

/// By what a feature would be judged if it told something in the baseline.
fn first(power: &Power) -> Option<PowerMeasure> {
    let (measure, _) = power.values.first()?;
    matches!(measure, PowerMeasure::Auc | PowerMeasure::RSquared).then_some(*measure)
}

/// What a feature brings to all of them together, where it shares.
fn contribution(report: &PerformanceReport, feature: &str) -> Option<f64> {
    let mut shares = report.contributions.iter();
    shares
        .find(|(name, _)| name == feature)
        .map(|(_, share)| *share)
}

/// How much a feature tells, for the order, whether it is judged or not: by what it brings to all of them, and then by itself.
fn strength((feature, power): &(&FeatureState, &Power), report: &PerformanceReport) -> (f64, f64) {
    let value = |wanted: PowerMeasure| {
        let found = power.values.iter().find(|(own, _)| *own == wanted);
        found.map(|(_, measured)| measured.value)
    };
    let alone = value(PowerMeasure::InformationValue)
        .or_else(|| value(PowerMeasure::RSquared))
        .or_else(|| value(PowerMeasure::EpsilonSquared));
    let shared = contribution(report, &feature.name).unwrap_or(0.0);
    (shared, alone.unwrap_or(0.0))
}

/// The weight of evidence of each bin of a feature for a class; nothing where the bins are not those of the baseline.
fn weights(snapshot: &Snapshot, name: &str, evidence: &Evidence) -> Option<Markup> {
    let feature = snapshot.features.iter().find(|own| own.name == name);
    let named = feature.and_then(|own| {
        let bins = own.bins.as_deref()?;
        Some(groups(bins, own.collapse.as_ref(), own.sensitive))
    });
    let named = named.filter(|named| named.len() == evidence.bins.len())?;
    let bins = named.iter().zip(&evidence.bins);
    let bins: Vec<(&String, &BinEvidence, f64)> = bins
        .filter_map(|(name, bin)| Some((name, bin, bin.weight?)))
        .collect();
    let left = bins.len().saturating_sub(BINS);
    Some(html! {
        div {
            h3 { "Bins of " (breakable(name)) ", for " (class(snapshot, evidence.class)) }
            table {
                thead { tr { th {} th { "of the class" } th { "of the others" } th { "WoE" } } }
                tbody {
                    @for (bin, shares, weight) in bins.into_iter().take(BINS) {
                        tr {
                            td.category title=(bin) { (bin) }
                            td { (words::percent(shares.of_class)) }
                            td { (words::percent(shares.of_rest)) }
                            td class=[either(shares).then_some("soft")] {
                                (weight_of(weight))
                                @if let Some(interval) = shares.interval {
                                    small { (weight_of(interval.low)) " to " (weight_of(interval.high)) }
                                }
                            }
                        }
                    }
                    @if left > 0 {
                        tr { td { "and " (left) " more" } td {} td {} td {} }
                    }
                }
            }
        }
    })
}

/// A weight of evidence, with two digits behind the point: its interval is seldom as narrow as that.
fn weight_of(value: f64) -> String {
    format!("{value:.2}").replace('-', "−")
}

/// Whether a bin may speak for a class as well as against it.
fn either(bin: &BinEvidence) -> bool {
    bin.interval
        .is_some_and(|interval| interval.low <= 0.0 && interval.high >= 0.0)
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
