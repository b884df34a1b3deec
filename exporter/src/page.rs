//! The page for people: what is wrong first, in words and in colour, and why.
//!
//! It is one document without scripts and without anything loaded from elsewhere. A feature marked as
//! sensitive shows statistics only: no category, no value of somebody, no edge of a bin.

mod detail;
mod missing;
mod pairs;
mod performance;
mod picture;
mod rules;
mod segments;
mod state;

use std::cmp::Reverse;
use std::sync::LazyLock;
use std::time::Duration;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crds::valid::{Query, Rate};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use stats::{Alpha, BySeverity, LimitPart, Scope, Severity, Statistic};

use crate::freshness::{Freshness, Served};
use crate::schema::Problem;
use crate::snapshot::{BaselineState, Budget, FeatureState, Judged, Snapshot, UpdatesState};
use crate::updates::Supply;
use crate::words;
pub(crate) use rules::found as rule_in_words;
use state::State;
pub(crate) use state::not_about;

const STYLE: &str = include_str!("page/style.css");

/// The page renews itself at the pace of the evaluations, within these bounds: faster is restless, slower
/// looks stuck.
const REFRESH: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(60));

/// What the page may load: its own style sheet, by its digest, and nothing else.
pub fn content_security_policy() -> HeaderValue {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let digest = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        // The policy is ASCII without control characters; were it not, the strictest one holds.
        HeaderValue::try_from(policy)
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
    });
    POLICY.clone()
}

/// What a page is made from.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What is known about the monitor.
    pub snapshot: &'a Snapshot,
    /// Why a newer configuration was refused.
    pub config_error: Option<&'a str>,
    /// The time to count ages from.
    pub now: Timestamp,
    /// Whether it renews itself.
    pub refresh: Refresh,
}

/// Whether a page renews itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Again and again.
    On,
    /// Never, for somebody who reads in peace.
    Off,
}

/// The page.
pub fn render(page: Page<'_>) -> Markup {
    let snapshot = page.snapshot;
    let monitor = &snapshot.monitor;
    let mut features: Vec<(State, &FeatureState)> = snapshot
        .features
        .iter()
        .map(|feature| (State::of(feature, snapshot), feature))
        .collect();
    features.sort_by_key(|(state, feature)| (*state, Reverse(thousandths(feature))));
    let every = monitor.schedule.every.clamp(REFRESH.0, REFRESH.1);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if page.refresh == Refresh::On {
                    meta http-equiv="refresh" content=(every.as_secs());
                }
                link rel="icon" href="data:,";
                title { (title(&features)) (monitor.name) " · feature-monitor" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    div.title {
                        div {
                            h1 { (monitor.name) }
                            p.soft {
                                "namespace " (monitor.namespace) " · owned by " (monitor.owner.team)
                                @if let Some(contact) = &monitor.owner.contact { ", " (contact) }
                            }
                        }
                        (counts(&features))
                    }
                    (notices(page))
                    (facts(page))
                }
                main {
                    h2 { "Features" }
                    (list(page, &features))
                    (detail::whole(snapshot))
                    (rules::section(&snapshot.rules))
                    (performance::section(snapshot))
                    (pairs::pairs(snapshot.whole.pairs.as_ref()))
                    (missing::section(snapshot))
                    (segments::section(&snapshot.whole.segments, snapshot.served.as_ref()))
                }
                (footer(page, every))
            }
        }
    }
}

/// The worst score of a feature, for the order within a state.
fn thousandths(feature: &FeatureState) -> u64 {
    let verdicts = feature
        .report
        .iter()
        .flat_map(|report| report.verdicts.of(Scope::Feature))
        .filter_map(|(_, verdict)| verdict.as_ref().ok());
    let scores = verdicts.map(|verdict| verdict.scores.critical);
    let freshness = feature
        .freshness
        .iter()
        .filter_map(|judged| judged.value.scores.critical);
    (scores.chain(freshness).fold(0.0, f64::max) * 1000.0) as u64
}

/// How many features are in a state that somebody should look at, for the browser's tab.
fn title(features: &[(State, &FeatureState)]) -> String {
    let bad = features
        .iter()
        .filter(|(state, _)| *state <= State::Warning)
        .count();
    match bad {
        0 => String::new(),
        bad => format!("({bad}) "),
    }
}

fn counts(features: &[(State, &FeatureState)]) -> Markup {
    let count = |state| features.iter().filter(|(of, _)| *of == state).count();
    html! {
        ul.counts aria-label="Features by state" {
            @for state in State::ALL {
                @let count = count(state);
                @if count > 0 {
                    li { (badge(state, Some(count))) }
                }
            }
        }
    }
}

/// A state as a mark, a colour and a word.
fn badge(state: State, count: Option<usize>) -> Markup {
    html! {
        span class=(format!("state {}", state.class())) {
            (mark(state))
            @if let Some(count) = count { (count) " " }
            (state.words())
        }
    }
}

/// A mark with a shape of its own for each state, so that colour is never needed to tell them apart.
fn mark(state: State) -> Markup {
    html! {
        svg viewBox="0 0 10 10" aria-hidden="true" {
            @match state {
                State::Critical => path d="M5 0 10 5 5 10 0 5Z" stroke="none" {},
                State::Missing => path d="M1.5 1.5 8.5 8.5M8.5 1.5 1.5 8.5" stroke-width="2.4" fill="none" {},
                State::Warning => path d="M5 .5 10 9.5H0Z" stroke="none" {},
                State::NoData => circle cx="5" cy="5" r="3.8" stroke-width="1.8" fill="none" {},
                State::TooFewRows => path d="M1 5H9" stroke-width="2.4" {},
                State::NotJudged => path d="M1 3.2H9M1 6.8H9" stroke-width="1.8" fill="none" {},
                State::New => path d="M5 .8V9.2M.8 5H9.2" stroke-width="2.4" fill="none" {},
                State::Moving => path d="M1 9 8 2M3 1.6H8.4V7" stroke-width="1.9" fill="none" {},
                State::Ok => circle cx="5" cy="5" r="4.4" stroke="none" {},
            }
        }
    }
}

/// What stands in the way of trusting the numbers below.
fn notices(page: Page<'_>) -> Markup {
    let snapshot = page.snapshot;
    let failure = snapshot
        .evaluation
        .as_ref()
        .and_then(|evaluation| Some((evaluation.at, evaluation.failure.as_ref()?)));
    html! {
        @if let Some((at, failure)) = failure {
            div.notice.critical role="status" {
                p {
                    strong { "The last evaluation failed" } " " (words::ago(at, page.now)) " ("
                    (failure.reason.as_str().replace('_', " ")) "): " (failure.message)
                }
                @if let Some(success) = snapshot.last_success {
                    p.soft { "What is shown is from " (words::ago(success, page.now)) "." }
                }
            }
        }
        @if !snapshot.unmatched.is_empty() {
            div.notice role="status" {
                p { strong { "Overrides that change nothing" } }
                @for other in &snapshot.unmatched { p { (other.to_string()) } }
            }
        }
        @if let Some(error) = page.config_error {
            div.notice role="status" {
                p { strong { "The changed manifest is refused" } "; the one before stays in force. " (error) }
            }
        }
    }
}

fn facts(page: Page<'_>) -> Markup {
    let Page { snapshot, now, .. } = page;
    let monitor = &snapshot.monitor;
    html! {
        dl.facts {
            div {
                dt { "Window judged" }
                @match snapshot.judged {
                    Some(judged) => {
                        dd { (words::between(judged.span.start, judged.span.end)) }
                        dd {
                            (words::plural(judged.rows, "row"))
                            @if snapshot.windows_pending > 0 {
                                " · " (words::plural(snapshot.windows_pending, "complete window")) " to be judged"
                            }
                        }
                    }
                    None => dd { "none yet" }
                }
            }
            div {
                dt { "Window in progress" }
                @match snapshot.open {
                    Some(open) => {
                        dd { (words::between(open.span.start, open.span.end)) }
                        dd { (words::plural(open.rows, "row")) " so far, not complete and not judged" }
                    }
                    None if monitor.data.window.is_none() => dd { "none: every pull is a window" }
                    None => dd { "not looked at yet" }
                }
            }
            div {
                dt { "Last evaluation" }
                @match &snapshot.evaluation {
                    Some(evaluation) => {
                        dd {
                            (words::ago(evaluation.at, now)) ", "
                            @if evaluation.failure.is_none() { "succeeded" } @else { "failed" }
                            " in " (words::span(evaluation.duration_seconds))
                        }
                        dd { "every " (words::duration(monitor.schedule.every)) }
                    }
                    None => dd { "none has ended yet" }
                }
                (last_error(snapshot, now))
            }
            div {
                dt { "Newest event" }
                (newest(snapshot, now))
            }
            @if let Some(served) = &snapshot.served {
                div {
                    dt { "Rows served" }
                    (rows_served(served, now))
                }
            }
            @if let Some(updates) = &snapshot.updates {
                div {
                    dt { "Updates of the source" }
                    (updates_of(updates, now))
                }
            }
            div {
                dt { "Baseline" }
                (baseline(snapshot, now))
            }
            div.wide {
                dt { "False alarms accepted" }
                dd {
                    "critical " (rate(&monitor.false_alarms.critical))
                    ", warning " (rate(&monitor.false_alarms.warning))
                    ", all features together"
                }
                @if let Some(budget) = &snapshot.budget { (alpha(budget)) }
            }
            div {
                dt { "Source" }
                dd { code { (monitor.source.uri) } }
                dd {
                    (query(&monitor.source.query))
                    @match snapshot.source_up {
                        Some(true) => " · answers",
                        Some(false) => " · does not answer",
                        None => "",
                    }
                }
            }
        }
    }
}

/// The last error, where it is not the one that stands above everything else.
fn last_error(snapshot: &Snapshot, now: Timestamp) -> Markup {
    let over = snapshot
        .evaluation
        .as_ref()
        .is_some_and(|last| last.failure.is_none());
    let failed = snapshot.last_failure.as_ref().filter(|_| over);
    let failed = failed.and_then(|failed| Some((failed.at, failed.failure.as_ref()?)));
    html! {
        @if let Some((at, failure)) = failed {
            dd {
                "last error " (words::ago(at, now)) " (" (failure.reason.as_str().replace('_', " ")) "): "
                (failure.message)
            }
        }
    }
}

fn newest(snapshot: &Snapshot, now: Timestamp) -> Markup {
    let Some(judged) = &snapshot.freshness else {
        return html! {
            dd {
                @match &snapshot.monitor.data.event_time {
                    None => "no event time in the data",
                    Some(column) => (no_event(snapshot, column)),
                }
            }
            (in_future(snapshot))
        };
    };
    html! {
        dd { span class=(tone(judged.breached)) { (words::ago(judged.value.newest, now)) } }
        dd { (words::moment(judged.value.newest)) " UTC" (freshness_limits(&judged.value)) }
        (in_future(snapshot))
    }
}

/// How many events are in the future, where some are.
fn in_future(snapshot: &Snapshot) -> Markup {
    let share = snapshot.future_events.filter(|share| *share > 0.0);
    html! {
        @if let Some(share) = share {
            dd { (words::percent(share)) " of the events are in the future, and count as none" }
        }
    }
}

/// Why no event is known.
fn no_event(snapshot: &Snapshot, column: &str) -> String {
    let mut features = snapshot.features.iter();
    let found = features.find(|feature| feature.name == column);
    match found.and_then(|feature| feature.problem.as_ref()) {
        Some(Problem::Missing) => format!("no event time: the source has no column {column}"),
        Some(problem @ Problem::Unfit { .. }) => format!("no event time: {problem}"),
        _ if snapshot.windows_pending > 0 => {
            "not known until older windows are caught up".to_owned()
        }
        _ => "none seen yet, or not checked".to_owned(),
    }
}

/// How old the rows are, from the age that half of them exceed to that of the last one in a hundred.
fn rows_served(served: &Served, now: Timestamp) -> Markup {
    let age = |micros: i64| {
        let seconds = (now.as_microsecond() - micros) as f64 / 1e6;
        words::span(seconds.max(0.0))
    };
    let times = &served.times;
    html! {
        dd { "half are older than " (age(times.p50)) ", 5 % than " (age(times.p05)) ", 1 % than " (age(times.p01)) }
        dd {
            (words::plural(times.rows, "row")) " with an event time"
            @for (severity, share) in served.stale.iter() {
                @if let Some(share) = share { ", " (words::percent(*share)) " past the " (severity.name()) " limit" }
            }
        }
    }
}

/// Whether the source goes on, and how far apart its updates are.
fn updates_of(updates: &UpdatesState, now: Timestamp) -> Markup {
    let tone = match updates.supply {
        Supply::NotAdvancing | Supply::NotMaterialised => "warning",
        Supply::Advancing | Supply::NoEventTime | Supply::Unknown => "",
    };
    html! {
        dd {
            span class=(format!("value over {tone}")) { (supply(updates.supply)) }
            @if let Some(seen) = updates.seen { ", the last newer event came " (words::ago(seen, now)) }
        }
        @if let Some(interval) = &updates.interval {
            dd {
                "one after " (words::span(interval.last.seconds)) " the last time"
                @match interval.usual {
                    Some(usual) => {
                        ", usually after " (words::span(usual.median)) ", at most " (words::span(usual.limit))
                    }
                    None => {
                        ", " (interval.gaps) " of " (stats::MIN_GAPS) " gaps that tell what is usual"
                    }
                }
            }
        }
    }
}

/// What a source is, in words.
fn supply(supply: Supply) -> &'static str {
    match supply {
        Supply::Advancing => "goes on",
        Supply::NotAdvancing => "rows come, but no newer events",
        Supply::NotMaterialised => "no rows: not materialised",
        Supply::NoEventTime => "rows come without an event time",
        Supply::Unknown => "not known",
    }
}

fn freshness_limits(freshness: &Freshness) -> Markup {
    html! {
        @for (severity, limit) in freshness.limits.iter() {
            @if let Some(limit) = limit { ", " (severity.name()) " from " (words::span(*limit)) }
        }
    }
}

fn baseline(snapshot: &Snapshot, now: Timestamp) -> Markup {
    match &snapshot.baseline {
        BaselineState::Absent => html! { dd { "none yet: nothing is judged" } },
        BaselineState::Forming { have, need } => html! {
            dd { "forming: " (have) " of " (words::plural((*need).into(), "window")) }
            dd { "nothing is judged before it is complete" }
        },
        BaselineState::Ready(info) => {
            let digest = info.digest.get(..19).unwrap_or(&info.digest);
            html! {
                dd {
                    (info.kind.to_lowercase()) ", version " (info.version) ": "
                    (words::plural(info.windows.into(), "window")) ", "
                    (words::plural(info.rows, "row"))
                }
                @if let Some(phase) = &info.phase {
                    dd {
                        "this window is compared with " (words::plural(phase.windows.into(), "window"))
                        " of " (phase.name)
                    }
                }
                dd {
                    (words::between(info.span.start, info.span.end)) " · revision "
                    (info.revision) ", frozen " (words::ago(info.frozen_at, now))
                    @if info.reloaded { ", read back from saved state" }
                    " · " code title=(info.digest) { (digest) "…" }
                }
            }
        }
    }
}

fn rate(rate: &Rate) -> String {
    format!(
        "{} per {}",
        words::number(rate.count),
        words::span(rate.per.as_secs_f64())
    )
}

/// The budget's share of one test, and where it cannot be kept.
fn alpha(budget: &Budget) -> Markup {
    let part =
        |alpha: Option<Alpha>| alpha.map_or(words::NOTHING.to_owned(), |a| words::small(a.value));
    let off = [
        ("critical", budget.alpha.critical),
        ("warning", budget.alpha.warning),
    ];
    html! {
        dd {
            (budget.tests) " tests a window; one may alarm falsely with α = "
            (part(budget.alpha.critical)) " at critical, " (part(budget.alpha.warning)) " at warning"
        }
        @for (severity, alpha) in off {
            @if alpha.is_some_and(|alpha| alpha.too_loose()) {
                dd { "The " (severity) " budget is looser than α = 0.05 makes use of." }
            }
            @if alpha.is_some_and(|alpha| alpha.too_tight()) {
                dd { "The " (severity) " budget is tighter than can be promised." }
            }
        }
    }
}

fn query(query: &Query) -> Markup {
    match query {
        Query::Path(path) => html! { "path " code { (path.join("/")) } },
        Query::Command(_) => html! { "command" },
        Query::Ticket(_) => html! { "ticket" },
        Query::Sql(_) => html! { "SQL" },
    }
}

fn list(page: Page<'_>, features: &[(State, &FeatureState)]) -> Markup {
    if features.is_empty() {
        let succeeded = page.snapshot.last_success.is_some();
        return html! {
            div.features {
                p.empty {
                    @if succeeded { "No rows came yet, so its columns are not known." }
                    @else { "No feature was seen yet. The first evaluation shows them." }
                }
            }
        };
    }
    html! {
        ul.features {
            li.row.head aria-hidden="true" {
                span { "State" }
                span { "Feature" }
                span { "Values" span.key {} "baseline" span.key.now {} "now" }
                span { "Drift" }
                span { "Missing" }
                span.age { "Newest event" }
            }
            @for (state, feature) in features {
                li {
                    details {
                        summary.row { (row(page, *state, feature)) }
                        div.more { (detail::detail(page.snapshot, feature)) }
                    }
                }
            }
        }
    }
}

fn row(page: Page<'_>, state: State, feature: &FeatureState) -> Markup {
    let bars = picture::bars(feature).filter(|bars| !bars.is_empty());
    html! {
        span.is {
            (badge(state, None))
            @let breached = breached(page.snapshot, feature);
            @if !breached.is_empty() { small { (breached.join(", ")) } }
        }
        span.name {
            (breakable(&feature.name))
            small { (kind(feature)) }
        }
        span.shape {
            @match bars {
                Some(bars) => (picture::distribution(&feature.name, &bars)),
                None => small { "no picture without a baseline" },
            }
        }
        span.drift { span.label { "Drift" } (drift(feature)) }
        span.missing { span.label { "Missing" } (missing(feature)) }
        span.age { span.label { "Newest event" } (age(feature.freshness.as_ref(), page.now)) }
    }
}

/// A name that may go on in the next line after each underscore, and not within a word.
fn breakable(name: &str) -> Markup {
    html! {
        @for (place, part) in name.split_inclusive('_').enumerate() {
            @if place > 0 { wbr; }
            (part)
        }
    }
}

/// The checks that are breached.
fn breached(snapshot: &Snapshot, feature: &FeatureState) -> Vec<&'static str> {
    let schema = feature.schema_breached(snapshot.monitor.checks.schema.enabled);
    let freshness = feature.freshness.as_ref().map(|judged| judged.breached);
    let statistical = feature.breached.of(Scope::Feature);
    let statistical = statistical.map(|(check, breached)| (check.words(), *breached));
    std::iter::once(("schema", schema))
        .chain(statistical)
        .chain([("freshness", freshness)])
        .filter(|(_, breached)| breached.is_some_and(|b| b.warning || b.critical))
        .map(|(check, _)| check)
        .collect()
}

fn kind(feature: &FeatureState) -> String {
    let kind = match feature.kind {
        Some(stats::Kind::Numeric) => "numeric",
        Some(stats::Kind::Categorical) => "categorical",
        None => "never seen",
    };
    let sensitive = if feature.sensitive {
        " · sensitive"
    } else {
        ""
    };
    match &feature.data_type {
        Some(data_type) => format!("{kind} · {data_type}{sensitive}"),
        None => format!("{kind}{sensitive}"),
    }
}

fn drift(feature: &FeatureState) -> Markup {
    let Some(report) = &feature.report else {
        return html! { span.soft { "not judged" } };
    };
    let verdict = match &report.verdicts.drift {
        Ok(verdict) => verdict,
        Err(reason) => {
            return html! { span.soft { (detail::briefly(reason)) } };
        }
    };
    let tone = tone(feature.breached.drift.unwrap_or_default());
    let severity = match tone {
        "warning" => Severity::Warning,
        _ => Severity::Critical,
    };
    let limit = verdict.limits.get(severity);
    html! {
        span.line {
            span class=(format!("value over {tone}")) { (statistic(verdict.statistic)) " " (words::measure(verdict.value)) }
            span.soft { (severity.name()) " from " (words::measure(limit.value)) }
        }
        (picture::meter(verdict.value, &verdict.limits, if tone.is_empty() { "ok" } else { tone }))
        span.below { (part(limit.part)) }
    }
}

fn missing(feature: &FeatureState) -> Markup {
    let share = feature
        .summary
        .as_ref()
        .and_then(|summary| summary.missing_share());
    let reference = feature
        .reference
        .as_ref()
        .and_then(|summary| summary.missing_share());
    let tone = tone(feature.breached.missing.unwrap_or_default());
    html! {
        span class=(format!("value over {tone}")) {
            (share.map_or(words::NOTHING.to_owned(), words::percent))
        }
        @if let Some(reference) = reference {
            span.below { "baseline " (words::percent(reference)) }
        }
    }
}

fn age(judged: Option<&Judged<Freshness>>, now: Timestamp) -> Markup {
    let Some(judged) = judged else {
        return html! { span.soft { (words::NOTHING) } };
    };
    let tone = tone(judged.breached);
    let limits = judged.value.limits;
    let shown = match (tone, limits.critical) {
        ("warning", _) | (_, None) => (Severity::Warning, limits.warning),
        (_, critical) => (Severity::Critical, critical),
    };
    html! {
        span class=(format!("value over {tone}")) { (words::ago(judged.value.newest, now)) }
        @if let (severity, Some(limit)) = shown {
            span.below { (severity.name()) " from " (words::span(limit)) }
        }
    }
}

fn footer(page: Page<'_>, every: Duration) -> Markup {
    html! {
        footer {
            nav {
                @match page.refresh {
                    Refresh::On => span {
                        "This page renews itself every " (words::duration(every)) ". "
                        a href="/?refresh=off" { "Stop" }
                    },
                    Refresh::Off => span { "This page does not renew itself. " a href="/" { "Let it" } },
                }
                a href="/metrics" { "Metrics" }
                a href="/-/status" { "Status as JSON" }
                span { "feature-monitor " (env!("CARGO_PKG_VERSION")) " · shown " (words::moment(page.now)) " UTC" }
            }
        }
    }
}

/// The style of something that is breached, empty when it is not.
fn tone(breached: BySeverity<bool>) -> &'static str {
    if breached.critical {
        "critical"
    } else if breached.warning {
        "warning"
    } else {
        ""
    }
}

/// A statistic in the fewest letters that still name it.
fn statistic(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Psi => "PSI",
        Statistic::Ks => "KS",
        Statistic::JensenShannon => "Jensen–Shannon",
        Statistic::Wasserstein => "Wasserstein",
        Statistic::Hellinger => "Hellinger",
        Statistic::ChiSquared => "χ²",
        Statistic::MissingShare
        | Statistic::InvalidShare
        | Statistic::OutlierShare
        | Statistic::DuplicateShare
        | Statistic::ImputedShare => "increase",
        Statistic::AssociationChange => "change of the association",
        Statistic::AucFall => "fall of the AUC",
        Statistic::ExplainedFall => "fall of the explained share",
        Statistic::LevelDeviation => "deviation of the mean",
        Statistic::Ewma => "EWMA of the mean",
        Statistic::Cusum => "CUSUM of the mean",
        Statistic::PatternDistance | Statistic::SegmentDistance => "distance",
    }
}

/// What holds a limit, in a few words.
fn part(part: LimitPart) -> &'static str {
    match part {
        LimitPart::Manifest => "set in the manifest",
        LimitPart::RaisedToWarning => "raised to the warning limit",
        LimitPart::EffectFloor => "from the effect floor",
        LimitPart::SamplingNull => "from sampling noise",
        LimitPart::RunLength => "from the run length of its chart",
        LimitPart::BetweenWindows => "from the baseline's own spread",
        LimitPart::BetweenWindowsCapped => "from the baseline's spread, capped",
    }
}
