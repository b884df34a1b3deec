//! Everything known about one feature, behind its row.

use maud::{Markup, html};
use stats::sequential::{Direction, Standard};
use stats::{
    BySeverity, Check, FeatureReport, ImputedBy, Keys, Kind, NotComputed, PROBABILITIES,
    PairChange, Scope, Severity, Statistic, Summary, Verdict,
};

use super::pairs::measure;
use super::picture::{self, Bar};
use super::segments::in_words;
use super::state::not_about;
use super::{statistic, tone};
use crate::snapshot::{BaselineState, Breaches, FeatureState, PairsState, Snapshot};
use crate::words;

/// Most bins that are listed; a category beyond them is in the picture only.
const BINS: usize = 24;

/// Why the feature is in its state, and all its numbers.
pub fn detail(snapshot: &Snapshot, feature: &FeatureState) -> Markup {
    let basis = Basis::of_feature(snapshot, feature);
    html! {
        ul.why {
            @for (tone, reason) in reasons(snapshot, feature) {
                li class=(tone) { (reason) }
            }
        }
        div.tables {
            (statistics(feature))
            div.stack {
                (limits(feature.report.as_ref(), Scope::Feature, &feature.breached, basis.as_ref()))
                div.pair {
                    (distances(feature))
                    (bins(feature))
                }
            }
        }
    }
}

/// The judged window as a whole.
pub fn whole(snapshot: &Snapshot) -> Markup {
    let whole = &snapshot.whole;
    let mut reasons: Vec<(&str, String)> = Vec::new();
    if let Some(quality) = &whole.quality {
        let unique = match quality.unique {
            1.0 => String::new(),
            unique => format!(
                ", of which {} have a key of their own",
                words::percent(unique)
            ),
        };
        let text = format!(
            "Usable: {} of what is served: the expected features hold a usable value in {} of the rows{unique}.",
            words::percent(quality.score()),
            words::percent(quality.features),
        );
        reasons.push(("", text));
    }
    reasons.extend(whole.keys.as_ref().map(|keys| ("", keyed(keys))));
    if let Some(report) = &whole.report {
        for (check, verdict) in report.verdicts.of(Scope::Window) {
            reasons.extend(judgement(check, verdict, *whole.breached.get(check)));
        }
    }
    let together = "the baseline of what features say together";
    let breached = "as one of correlation, performance, segments, duplicates and missing patterns breached a critical limit in them";
    reasons.extend(left_out(together, whole.left_out, breached).map(|text| ("", text)));
    let basis = Basis::of_window(&snapshot.baseline);
    html! {
        @if !reasons.is_empty() {
            h2 { "The window as a whole" }
            div.whole {
                ul.why {
                    @for (tone, reason) in &reasons {
                        li class=(tone) { (reason) }
                    }
                }
                div.tables { (limits(whole.report.as_ref(), Scope::Window, &whole.breached, basis.as_ref())) }
            }
        }
    }
}

/// How many of the rows have a key of their own.
fn keyed(keys: &Keys) -> String {
    let none = match keys.nulls {
        1 => "1 row has none".to_owned(),
        many => format!("{} have none", words::plural(many, "row")),
    };
    let Some(share) = keys.duplicate_share() else {
        return match keys.rows {
            0 => "Keys: the window has no rows.".to_owned(),
            _ => format!("Keys: {none}."),
        };
    };
    let sampled = match keys.sampled_rows + keys.nulls == keys.rows {
        true => String::new(),
        false => format!(" (of a sample of {} keys)", words::count(keys.sampled_keys)),
    };
    format!(
        "Keys: {} of the rows have the key of a row before them{sampled}; {none}.",
        words::percent(share)
    )
}

/// Why a check says nothing, in a few words.
pub fn briefly(reason: &NotComputed) -> String {
    match reason {
        NotComputed::TooFewRows { have, need } => format!("{have} of {need} rows needed"),
        NotComputed::NoReference { have, need } => {
            format!("baseline has {have} of {need} rows needed")
        }
        NotComputed::ZeroSpread => "the baseline has no spread".to_owned(),
        NotComputed::ZeroDeviation => "half of the baseline is one value".to_owned(),
        NotComputed::NoKeys => "a key is not in the window".to_owned(),
        NotComputed::NoKeysInBaseline => "a key was not in the baseline".to_owned(),
        NotComputed::NoSample => "no rows were sampled".to_owned(),
        NotComputed::NoFlag => "its flag is not in the window".to_owned(),
        NotComputed::TooManyFeatures { most } => {
            format!("beyond the first {most} features by name")
        }
        NotComputed::NoOtherFeature => "no other feature".to_owned(),
        NotComputed::Pairs(reason) => reason.to_string(),
        NotComputed::NoTarget => "no target".to_owned(),
        NotComputed::NoTargetInBaseline => "no target in the baseline".to_owned(),
        NotComputed::NoSegments => "nothing divides the rows".to_owned(),
        NotComputed::NoSegmentsInBaseline => "nothing divided the baseline's rows".to_owned(),
        NotComputed::NoSegmentOfBaseline { need } => {
            format!("divides the rows itself, or no segment has {need} rows")
        }
        NotComputed::NoSegmentOfWindow => "too few rows in each segment".to_owned(),
        NotComputed::TargetPending => "the target is not known yet".to_owned(),
        NotComputed::TellsNothing => "tells nothing in the baseline".to_owned(),
        NotComputed::Predictive(reason) => reason.to_string(),
        NotComputed::PredictiveInBaseline(reason) => format!("in the baseline: {reason}"),
        NotComputed::NotInBaseline => "not counted in the baseline".to_owned(),
        NotComputed::TooFewCycles { have, need } => {
            format!("{have} of {need} days needed with this hour or day")
        }
        NotComputed::Season(reason) => reason.to_string(),
        NotComputed::TooFewWindows { have, need } => {
            format!("baseline has {have} of {need} windows needed")
        }
        NotComputed::NoSpreadOfMeans => "the baseline's means have no spread".to_owned(),
        NotComputed::TooPersistent => "windows are too much like the one before".to_owned(),
        NotComputed::UnknownPhase => "this hour or day was not in the baseline".to_owned(),
        NotComputed::NotSeasonal => "the baseline is not seasonal".to_owned(),
        NotComputed::Seasonal => "not against a seasonal baseline".to_owned(),
        NotComputed::NotForKind { .. } => "not defined for this kind".to_owned(),
        NotComputed::TooManyCategories => "too many categories to learn from".to_owned(),
        NotComputed::GivenForOtherKind { kind, .. } => {
            format!("what is acceptable is not written for {kind} values")
        }
        NotComputed::KindChanged { baseline, window } => format!("was {baseline}, is {window}"),
        NotComputed::OtherBins => "counted over other bins".to_owned(),
        NotComputed::Absent => "not in this window".to_owned(),
        NotComputed::Moving => "moves by construction".to_owned(),
        NotComputed::Disabled => "switched off".to_owned(),
        NotComputed::Overflow => "beyond what numbers can hold".to_owned(),
    }
}

/// Sentences, each with the style of what it tells.
fn reasons(snapshot: &Snapshot, feature: &FeatureState) -> Vec<(&'static str, String)> {
    let mut reasons = Vec::new();
    if let Some(problem) = &feature.problem {
        let breached = feature
            .schema_breached(snapshot.monitor.checks.schema.enabled)
            .unwrap_or_default();
        reasons.push((tone(breached), format!("Schema: {problem}.")));
    }
    match &feature.report {
        Some(report) => {
            for (check, verdict) in report.verdicts.of(Scope::Feature) {
                reasons.extend(judgement(check, verdict, *feature.breached.get(check)));
            }
        }
        None if feature.summary.is_none() && feature.reference.is_none() => {
            reasons.push(("", "Nothing is known about its values.".to_owned()));
        }
        None if feature.bins.is_none() => {
            let text = "The baseline does not have it, so there is nothing to compare with. Raise spec.baseline.revision to take it in.";
            reasons.push(("", text.to_owned()));
        }
        None => reasons.push(("", "No complete window was judged yet.".to_owned())),
    }
    reasons.extend(
        feature
            .report
            .as_ref()
            .and_then(most_changed)
            .map(|text| ("", text)),
    );
    if let Some(change) = feature
        .report
        .as_ref()
        .and_then(|report| report.segment.as_ref())
    {
        let text = format!(
            "Of all segments it moved most in {}: the distance is {} over {} rows.",
            in_words(&change.column, &change.segment),
            words::measure(change.distance),
            words::count(change.rows),
        );
        reasons.push(("", text));
    }
    if let (Some(acceptable), false) = (&feature.acceptable, feature.sensitive) {
        let quality = &snapshot.monitor.checks.quality;
        let said = quality.acceptable_for(&feature.name).is_some();
        let origin = if said { "the manifest" } else { "the baseline" };
        let text = format!("Acceptable by {origin}: {}.", words::acceptable(acceptable));
        reasons.push(("", text));
    }
    if let (Some(fences), false) = (&feature.fences, feature.sensitive) {
        let (low, high) = fences.ends();
        let text = format!(
            "Far out by the baseline: below {} or above {}.",
            words::number(low),
            words::number(high)
        );
        reasons.push(("", text));
    }
    let breached = "as it breached a critical limit in them";
    reasons.extend(left_out("its baseline", feature.left_out, breached).map(|text| ("", text)));
    if let Some(direction) = feature.charts.and_then(|charts| charts.shifted.warning) {
        let to = match direction {
            Direction::Up => "larger",
            Direction::Down => "smaller",
        };
        let text = format!(
            "Its mean has shifted to {to} values than when the baseline was frozen. That stands until its charts have \
             been back at 0 for a day; spec.baseline.revision accepts the new level."
        );
        reasons.push(("", text));
    }
    if let (Some(usual), false) = (&feature.usual, feature.sensitive) {
        let text = format!(
            "Usual at this time, by {} of the baseline: a mean of {}, give or take {}.",
            words::plural(usual.windows, "window"),
            words::number(usual.centre),
            words::number(usual.deviation)
        );
        reasons.push(("", text));
    }
    reasons.extend(filled_in(snapshot, feature).map(|text| ("", text)));
    if let Some(quality) = &feature.quality
        && quality.score() < 1.0
    {
        let conforming = match quality.conforming {
            0.0 => ", and its column is not that of the baseline",
            _ => "",
        };
        let text = format!(
            "Usable: {} of its rows: {} are filled, {} of those acceptable{conforming}.",
            words::percent(quality.score()),
            words::percent(quality.complete),
            words::percent(quality.valid),
        );
        reasons.push(("", text));
    }
    if let Some(judged) = &feature.freshness
        && judged.value.over != BySeverity::default()
    {
        let text = format!(
            "Freshness: at the last evaluation its newest event was {} old.",
            words::span(judged.value.age_seconds)
        );
        reasons.push((tone(judged.breached), text));
    }
    if feature.sensitive {
        let text = "Sensitive: its values, categories and bin edges are not shown.";
        reasons.push(("", text.to_owned()));
    }
    reasons
}

/// The pair of a feature that changed most against its limits, and who alarms for it where another feature does; nothing where no
/// pair was judged.
fn most_changed(report: &FeatureReport) -> Option<String> {
    let pair = report.pair.as_ref()?;
    let change = format!(
        "{} {} where the baseline has {}, over {} rows",
        measure(pair.measure),
        words::measure(pair.current),
        words::measure(pair.reference),
        words::count(pair.rows),
    );
    let partner = &pair.features.1;
    let laid_elsewhere = pair.laid_to.as_ref().filter(|other| *other == partner);
    let laid = |pair: &PairChange| {
        let (first, second) = &pair.features;
        let change = words::measure(pair.delta().abs());
        let cause = pair.laid_to.as_deref().unwrap_or(second);
        format!("{first} · {second} ({change}) is laid to {cause}")
    };
    Some(match (&report.pair_laid_elsewhere, laid_elsewhere) {
        (Some(larger), _) => format!(
            "Of its pairs that are not laid to another feature, that with {partner} changed most: {change}; {}.",
            laid(larger)
        ),
        (None, Some(other)) => format!(
            "Its most changed pair is that with {partner}: {change}; it is laid to {other}, as all of its pairs are to others."
        ),
        (None, None) => format!("Its most changed pair is that with {partner}: {change}."),
    })
}

/// How many windows stay out of a baseline that goes along, and why; nothing where none does.
fn left_out(of: &str, windows: u32, why: &str) -> Option<String> {
    let windows = match windows {
        0 => return None,
        1 => "1 window is".to_owned(),
        many => format!("{many} windows are"),
    };
    Some(format!(
        "Of {of} {windows} left out, {why}. What lasts is taken in by and by; spec.baseline.revision accepts it at once."
    ))
}

/// What was filled in, and what that did to the distribution; nothing where nothing was.
fn filled_in(snapshot: &Snapshot, feature: &FeatureState) -> Option<String> {
    let imputed = feature.summary.as_ref()?.imputed.filter(|i| i.count > 0)?;
    let flag = snapshot.monitor.data.features.imputed_flag(&feature.name);
    let told = match (imputed.by, imputed.value, feature.sensitive) {
        (ImputedBy::Flag, ..) => format!("by the column {}", flag.unwrap_or_default()),
        (ImputedBy::Value, Some(value), false) => {
            format!("told by the number {}", words::number(value))
        }
        (ImputedBy::Value, ..) => "told by one number".to_owned(),
    };
    let mut text = format!(
        "Filled in: {} of {}, {told}.",
        imputed
            .share()
            .map_or(words::NOTHING.to_owned(), words::percent),
        words::plural(
            imputed.rows,
            match imputed.by {
                ImputedBy::Flag => "row",
                ImputedBy::Value => "number",
            }
        ),
    );
    if let Some(distortion) = imputed.distortion {
        text.push_str(&format!(
            " They are {} (KS) from the others",
            words::measure(distortion.distance)
        ));
        if let Some(spread) = distortion.spread {
            text.push_str(&format!(
                "; the standard deviation of all values is {} times that of the others",
                words::number(spread)
            ));
        }
        text.push('.');
    }
    Some(text)
}

fn judgement(
    check: Check,
    judged: &Result<Verdict, NotComputed>,
    breached: Option<BySeverity<bool>>,
) -> Option<(&'static str, String)> {
    let check = match check {
        Check::Drift => "Drift",
        Check::Missing => "Missing",
        Check::Quality => "Quality",
        Check::Outliers => "Outliers",
        Check::Correlation => "Correlation",
        Check::Performance => "Performance",
        Check::Level => "Level",
        Check::Shift => "Shift",
        Check::Duplicates => "Duplicates",
        Check::MissingPatterns => "Missing patterns",
        Check::Imputation => "Imputation",
        Check::Segments => "Segments",
    };
    let verdict = match judged {
        Ok(verdict) => verdict,
        Err(reason) if not_about(reason) => return None,
        Err(reason) => {
            let alarm = tone(breached.unwrap_or_default());
            let stands = match alarm {
                "" => "",
                _ => " The alarm of the last window that was judged stands.",
            };
            return Some((alarm, format!("{check} is not judged: {reason}.{stands}")));
        }
    };
    let breached = breached.unwrap_or_default();
    let severity = if verdict.over.critical || !verdict.over.warning {
        Severity::Critical
    } else {
        Severity::Warning
    };
    let limit = verdict.limits.get(severity);
    let limited = format!(
        "the {} limit of {}, which is {}",
        severity.name(),
        value(verdict.statistic, limit.value),
        limit.part
    );
    let mut text = match risen(verdict) {
        Some(risen) => format!("{check}: {risen}. Only a fall alarms, by {limited}."),
        None => format!(
            "{check}: {} {} is {} {limited}.",
            statistic(verdict.statistic),
            value(verdict.statistic, verdict.value),
            words::times(*verdict.scores.get(severity)),
        ),
    };
    if verdict.rows < verdict.min_rows {
        text.push_str(&format!(
            " It cannot alarm on {}; {} are needed.",
            words::plural(verdict.rows, "row"),
            words::count(verdict.min_rows)
        ));
    }
    let waits = |severity| *verdict.over.get(severity) && !breached.get(severity);
    if waits(Severity::Warning) || waits(Severity::Critical) {
        text.push_str(" It has not lasted for as many windows as the check asks for.");
    }
    Some((tone(breached), text))
}

/// That what can only alarm by its fall has risen; nothing where it has not.
fn risen(verdict: &Verdict) -> Option<String> {
    let what = match verdict.statistic {
        Statistic::AucFall => "the AUC",
        Statistic::ExplainedFall => "the explained share",
        _ => return None,
    };
    (verdict.value < 0.0).then(|| format!("{what} rose by {}", words::measure(-verdict.value)))
}

fn value(of: Statistic, value: f64) -> String {
    match of {
        Statistic::MissingShare
        | Statistic::InvalidShare
        | Statistic::OutlierShare
        | Statistic::DuplicateShare
        | Statistic::ImputedShare => words::points(value),
        _ => words::measure(value),
    }
}

fn statistics(feature: &FeatureState) -> Markup {
    let (reference, current) = (feature.reference.as_ref(), feature.summary.as_ref());
    let numeric = feature.kind == Some(Kind::Numeric);
    type Read = fn(&Summary) -> Option<String>;
    let mut rows: Vec<(String, Read)> = vec![
        ("rows".to_owned(), |s| Some(words::count(s.rows))),
        ("not acceptable".to_owned(), |s| {
            s.invalid_share().map(words::percent)
        }),
        ("missing".to_owned(), |s| {
            s.missing_share().map(words::percent)
        }),
        ("distinct, about".to_owned(), |s| {
            (s.values() > 0).then(|| words::count(s.distinct.round() as u64))
        }),
    ];
    if numeric {
        rows.extend([
            ("not a number".to_owned(), (|s| share(s, s.nans)) as Read),
            ("infinite".to_owned(), |s| share(s, s.infinities)),
            ("zero".to_owned(), |s| share(s, s.zeros)),
            ("mean".to_owned(), |s| Some(words::number(s.moments?.mean))),
            ("standard deviation".to_owned(), |s| {
                Some(words::number(s.moments?.variance?.sqrt()))
            }),
        ]);
    }
    html! {
        div {
            h3 { "Statistics" }
            table {
                thead { tr { th {} th { "baseline" } th { "this window" } } }
                tbody {
                    @for (name, read) in &rows {
                        (compared(name, reference.and_then(read), current.and_then(read)))
                    }
                    @if numeric && !feature.sensitive {
                        @let smallest = |s: &Summary| Some(words::number(s.moments?.min));
                        (compared("smallest", reference.and_then(smallest), current.and_then(smallest)))
                        @for (i, p) in PROBABILITIES.iter().enumerate() {
                            @let read = |s: &Summary| s.quantiles?.values.get(i).map(|v| words::number(*v));
                            (compared(&percentile(*p), reference.and_then(read), current.and_then(read)))
                        }
                        @let largest = |s: &Summary| Some(words::number(s.moments?.max));
                        (compared("largest", reference.and_then(largest), current.and_then(largest)))
                    }
                }
            }
        }
    }
}

fn percentile(p: f64) -> String {
    if p == 0.5 {
        "median".to_owned()
    } else {
        format!("{:.0}\u{a0}% below", p * 100.0)
    }
}

fn share(summary: &Summary, count: u64) -> Option<String> {
    (summary.rows > 0).then(|| words::percent(count as f64 / summary.rows as f64))
}

fn compared(name: &str, reference: Option<String>, current: Option<String>) -> Markup {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| words::NOTHING.to_owned());
    html! {
        tr { td { (name) } td { (or_nothing(reference)) } td { (or_nothing(current)) } }
    }
}

/// The verdicts of all checks that judge this, with the parts of their limits.
fn limits(
    report: Option<&FeatureReport>,
    scope: Scope,
    breached: &Breaches,
    basis: Option<&Basis>,
) -> Markup {
    let Some(report) = report else {
        return html! {};
    };
    if report
        .verdicts
        .of(scope)
        .all(|(_, verdict)| verdict.is_err())
    {
        return html! {};
    }
    let some = |of: Statistic, known: Option<f64>| {
        known.map_or_else(|| words::NOTHING.to_owned(), |known| value(of, known))
    };
    html! {
        div {
            h3 { "Limits" }
            table {
                thead {
                    tr {
                        th { "check" } th { "value" } th { "limit" } th { "score" }
                        th { "effect floor" } th { "sampling noise" } th { "between windows" }
                    }
                }
                tbody {
                    @for (check, verdict) in report.verdicts.of(scope) {
                        @if let Ok(verdict) = verdict {
                            // A chart's limit has none.
                            @let floored = check != Check::Shift;
                            @for (severity, limit) in verdict.limits.iter() {
                                @let over = *breached.get(check).unwrap_or_default().get(severity);
                                tr class=(if over { format!("over {}", severity.name()) } else { String::new() }) {
                                    td { (check.words()) ", " (severity.name()) @if over { "\u{a0}◆" } }
                                    td { (value(verdict.statistic, verdict.value)) }
                                    td { (value(verdict.statistic, limit.value)) }
                                    td { (words::times(*verdict.scores.get(severity))) }
                                    td { (some(verdict.statistic, floored.then_some(limit.floor))) }
                                    td { (some(verdict.statistic, limit.null)) }
                                    td { (some(verdict.statistic, limit.bound)) @if limit.capped { ", capped" } }
                                }
                            }
                        }
                    }
                }
            }
            @if let Some(basis) = basis {
                @for (checks, text) in origins(report, scope, basis) {
                    p.soft { "Limit of " (checks) ": " (text) "." }
                }
            }
        }
    }
}

/// What limits that are not given rest on.
struct Basis {
    /// The windows that the judged one is compared with, in words.
    windows: String,
    /// Their rows; nothing where that is not known.
    rows: Option<u64>,
    /// By how many partners the α of the judged pair is divided.
    partners: Option<usize>,
    /// How many windows tell the usual mean.
    usual: Option<u64>,
    /// What the charts of the mean take for no change.
    standard: Option<Standard>,
}

impl Basis {
    /// That of the window as a whole; nothing without a baseline.
    fn of_window(baseline: &BaselineState) -> Option<Self> {
        let BaselineState::Ready(info) = baseline else {
            return None;
        };
        let number = |windows: u32| words::plural(windows.into(), "window");
        let (windows, rows) = match &info.phase {
            // The rows are those of all phases.
            Some(phase) => (format!("{} of {}", number(phase.windows), phase.name), None),
            None => (
                format!("{} of the baseline", number(info.windows)),
                Some(info.rows),
            ),
        };
        Some(Self {
            windows,
            rows,
            partners: None,
            usual: None,
            standard: None,
        })
    }

    /// That of a feature; nothing without a baseline.
    fn of_feature(snapshot: &Snapshot, feature: &FeatureState) -> Option<Self> {
        let report = feature.report.as_ref();
        let pair = report.and_then(|report| report.pair.as_ref());
        let pairs = snapshot.whole.pairs.as_ref();
        Some(Self {
            rows: feature.reference.as_ref().map(|reference| reference.rows),
            partners: pairs
                .zip(pair)
                .and_then(|(pairs, pair)| partners(pairs, pair)),
            usual: feature.usual.map(|usual| usual.windows),
            standard: feature.standard,
            ..Self::of_window(&snapshot.baseline)?
        })
    }
}

/// How many others the baseline has the features of a pair with: of both the one that has more.
fn partners(pairs: &PairsState, pair: &PairChange) -> Option<usize> {
    let count = |name: &str| {
        let column = pairs.features.iter().position(|own| own == name)?;
        let own = pairs.reference.pairs().filter(|(first, second, pair)| {
            (*first == column || *second == column) && pair.alarming.is_ok()
        });
        Some(own.count())
    };
    count(&pair.features.0).max(count(&pair.features.1))
}

/// The checks that were judged, those together whose limits come from the same.
fn origins(report: &FeatureReport, scope: Scope, basis: &Basis) -> Vec<(String, String)> {
    let mut origins: Vec<(String, String)> = Vec::new();
    for (check, verdict) in report.verdicts.of(scope) {
        let Ok(verdict) = verdict else {
            continue;
        };
        let text = origin(check, verdict.rows, basis);
        match origins.iter_mut().find(|(_, other)| *other == text) {
            Some((checks, _)) => {
                checks.push_str(", ");
                checks.push_str(check.words());
            }
            None => origins.push((check.words().to_owned(), text)),
        }
    }
    origins
}

/// Where a limit of a check that is not given comes from, the check being measured on so many rows of the window.
fn origin(check: Check, rows: u64, basis: &Basis) -> String {
    const LARGEST: &str =
        "the largest of its three parts, the last two at the α of one test (above)";
    let windows = &basis.windows;
    let sampled = format!("{} of the judged window", words::count(rows));
    match check {
        Check::Drift
        | Check::Missing
        | Check::Quality
        | Check::Outliers
        | Check::Duplicates
        | Check::Imputation => {
            let with = |rows| format!(" with {}", words::plural(rows, "row"));
            let with = basis.rows.map_or(String::new(), with);
            format!("{LARGEST}, against {windows}{with}")
        }
        Check::MissingPatterns => {
            format!("{LARGEST}, over the sampled rows, {sampled}, against {windows}")
        }
        Check::Correlation => {
            let partners = match basis.partners {
                Some(partners) => format!("its {}", words::plural(partners as u64, "partner")),
                None => "the number of its partners".to_owned(),
            };
            format!(
                "of the worst pair {LARGEST} divided by {partners}, and between windows by 2 more as a change has two directions, \
                 over the sampled rows with both values, {sampled}, against {windows}"
            )
        }
        Check::Performance => format!(
            "{LARGEST}, over the sampled rows in which it and the target are known, {sampled}, \
             against such rows of {windows}"
        ),
        Check::Segments => format!(
            "of the worst segment {LARGEST} divided by the number of its segments, \
             over the sampled rows of the segment, {sampled}, against the same segment in {windows}"
        ),
        Check::Level => {
            let usual = basis.usual.map_or("the windows".to_owned(), |usual| {
                words::plural(usual, "window")
            });
            format!(
                "the larger of the effect floor and, between windows, half the width of the band of usual means at the α of one \
                 test (above), by {usual} of the same time; without sampling noise, and not capped"
            )
        }
        Check::Shift => {
            let told = |standard: Standard| {
                format!(
                    " (the autocorrelation of {}, {})",
                    words::plural(standard.points(), "window"),
                    words::measure(standard.autocorrelation())
                )
            };
            format!(
                "that with which its chart alarms falsely once in 2/α windows on average, α being that of one test (above), which \
                 its two charts share, wider by what the baseline does not tell of how the means move{}; it has none of the three \
                 parts",
                basis.standard.map_or(String::new(), told)
            )
        }
    }
}

fn distances(feature: &FeatureState) -> Markup {
    let Some(report) = &feature.report else {
        return html! {};
    };
    html! {
        div {
            h3 { "Distances from the baseline" }
            table {
                thead {
                    tr { th {} th { "value" } th { "effect" } th { "p" } th { "p, adjusted" } th { "error up to" } }
                }
                tbody {
                    @for (of, distance) in &report.distances {
                        tr {
                            td { (statistic(*of)) }
                            @match distance {
                                Ok(distance) => {
                                    td { (words::measure(distance.value)) }
                                    td { (words::measure(distance.effect)) }
                                    td { (distance.p_value.map_or(words::NOTHING.to_owned(), words::probability)) }
                                    td { (distance.adjusted_p_value.map_or(words::NOTHING.to_owned(), words::probability)) }
                                    td { @if distance.error > 0.0 { (words::measure(distance.error)) } @else { (words::NOTHING) } }
                                }
                                Err(reason) => td.text colspan="5" { (briefly(reason)) },
                            }
                        }
                    }
                }
            }
            @if feature.kind == Some(Kind::Numeric) {
                p.soft {
                    "Wasserstein is in interquartile ranges of the baseline, or in its standard deviations where that range is 0. "
                    "The others have no unit."
                }
            }
        }
    }
}

fn bins(feature: &FeatureState) -> Markup {
    let bars: Vec<Bar> = match picture::bars(feature) {
        Some(bars) if !bars.is_empty() => bars,
        _ => return html! {},
    };
    html! {
        div {
            h3 { "Bins" }
            table {
                thead { tr { th {} th { "baseline" } th { "this window" } } }
                tbody {
                    @for bar in bars.iter().take(BINS) {
                        tr {
                            td.category title=(bar.name) { (bar.name) }
                            td { (words::percent(bar.reference)) }
                            td { (bar.current.map_or(words::NOTHING.to_owned(), words::percent)) }
                        }
                    }
                    @if bars.len() > BINS {
                        tr { td { "and " (bars.len() - BINS) " more" } td {} td {} }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis() -> Basis {
        Basis {
            windows: "14 windows of Monday 03:00".to_owned(),
            rows: Some(840),
            partners: Some(37),
            usual: Some(12),
            standard: None,
        }
    }

    #[test]
    fn each_check_says_where_its_limit_comes_from() {
        let says = |check, words: &[&str]| {
            let text = origin(check, 1_234, &basis());
            for words in words {
                assert!(text.contains(words), "{words}: {text}");
            }
        };
        for check in Check::ALL {
            let text = origin(check, 1_234, &basis());
            // Neither has all three parts, nor rests on the baseline's rows.
            let other = matches!(check, Check::Level | Check::Shift);
            assert_eq!(text.contains("the largest of its three parts"), !other);
            assert_eq!(text.contains("14 windows"), !other);
            let sampled = matches!(
                check,
                Check::Correlation | Check::Performance | Check::MissingPatterns | Check::Segments
            );
            assert_eq!(text.contains("1,234 of the judged window"), sampled);
            assert_eq!(text.contains("840 rows"), !sampled && !other);
            let divided = matches!(check, Check::Correlation | Check::Segments);
            assert_eq!(text.contains("divided by"), divided);
        }
        says(Check::Correlation, &["divided by its 37 partners"]);
        says(Check::Segments, &["divided by the number of its segments"]);
        says(Check::Level, &["effect floor", "12 windows", "not capped"]);
        says(Check::Shift, &["once in 2/α windows"]);
        let moving: Vec<Option<f64>> = (0..120).map(|at| Some(f64::from(at * at % 17))).collect();
        let charted = Basis {
            standard: Standard::fit(&moving).ok(),
            ..basis()
        };
        let text = origin(Check::Shift, 1_234, &charted);
        assert!(
            text.contains("the autocorrelation of 120 windows, "),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let basis = Basis {
            rows: None,
            partners: None,
            usual: None,
            ..basis()
        };
        let text = origin(Check::Drift, 1, &basis);
        assert!(text.ends_with("against 14 windows of Monday 03:00"));
        let text = origin(Check::Correlation, 1, &basis);
        assert!(text.contains("divided by the number of its partners,"));
        assert!(origin(Check::Level, 1, &basis).contains("by the windows of the same time"));
    }
}
