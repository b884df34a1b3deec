//! `profile`: one window, compared with the baseline, as a table for people or JSON for programs.

mod segments;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table, TableComponent};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use stats::missingness::McarTest;
use stats::{
    BySeverity, Check, CoMissingPair, Completeness, Difference, FeatureReport, Keys, Kind,
    LimitPart, MissingnessReport, NotComputed, PatternChange, Scope, Severity, Statistic, Summary,
    Verdict,
};

use segments::Segments;

use crate::cli::{Output, Profile};
use crate::page;
use crate::rules::{AggregateValue, Judgement, Outcome, RuleError, Unjudged};
use crate::run;
use crate::snapshot::{
    BaselineInfo, BaselineState, Breaches, Budget, FeatureState, JudgedWindow, RuleState, Snapshot,
};

/// Pulls one window and gives the text to print, or what went wrong.
pub async fn profile(args: &Profile, now: Timestamp) -> Result<String, String> {
    let mut monitor = run::open(&args.input).map_err(|error| error.to_string())?;
    let snapshot = monitor
        .profile(args.window, now)
        .await
        .map_err(|error| error.to_string())?;
    match args.output {
        Output::Table => Ok(tables(&snapshot, now)),
        Output::Json => json(&snapshot, now).map_err(|error| error.to_string()),
    }
}

/// What `profile --output json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    namespace: &'a str,
    name: &'a str,
    window: Option<Window>,
    baseline: Option<Baseline<'a>>,
    budget: Option<SharedBudget>,
    quality: Option<f64>,
    keys: Option<Keys>,
    missingness: Option<Missing<'a>>,
    segments: Vec<Segments<'a>>,
    checks: Checks<'a>,
    rules: Vec<Rule<'a>>,
    features: Vec<Feature<'a>>,
}

/// How the features are missing together.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Missing<'a> {
    features: usize,
    reference: Completeness,
    current: Completeness,
    p_value: f64,
    changed: &'a [PatternChange],
    pairs: &'a [CoMissingPair],
    mcar: Known<'a, McarTest>,
    differences: &'a [Difference],
}

impl<'a> Missing<'a> {
    fn of(report: &'a MissingnessReport) -> Self {
        Self {
            features: report.features,
            reference: report.reference,
            current: report.current,
            p_value: report.p_value,
            changed: &report.changed,
            pairs: &report.pairs,
            mcar: match &report.mcar {
                Ok(test) => Known::Computed(test),
                Err(reason) => Known::NotComputed {
                    statistic: None,
                    because: reason.to_string(),
                },
            },
            differences: &report.differences,
        }
    }
}

/// A business rule: whether it is breached, with what it is made of, or why that is not known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    name: &'a str,
    expr: &'a str,
    over: crds::valid::Over,
    severity: crds::valid::Severity,
    tolerance: f64,
    breached: Option<bool>,
    rows: Option<u64>,
    violations: Option<u64>,
    unknown: Option<u64>,
    ratio: Option<f64>,
    values: &'a [AggregateValue],
    not_judged: Option<Unjudged>,
    broken: Option<&'a RuleError>,
}

impl<'a> Rule<'a> {
    fn of(state: &'a RuleState) -> Self {
        let rule = &state.rule;
        let mut document = Self {
            name: &rule.name,
            expr: &rule.expr,
            over: rule.over,
            severity: rule.severity,
            tolerance: rule.tolerance,
            breached: state.breached(),
            rows: None,
            violations: None,
            unknown: None,
            ratio: None,
            values: &[],
            not_judged: None,
            broken: None,
        };
        match &state.outcome {
            None => {}
            Some(Outcome::NotJudged(reason)) => document.not_judged = Some(*reason),
            Some(Outcome::Broken(error)) => document.broken = Some(error),
            Some(Outcome::Judged(judgement)) => {
                document.ratio = judgement.ratio();
                match judgement {
                    Judgement::Rows {
                        rows,
                        violations,
                        unknown,
                        ..
                    } => {
                        document.rows = Some(*rows);
                        document.violations = Some(*violations);
                        document.unknown = Some(*unknown);
                    }
                    Judgement::Window { values, .. } => document.values = values,
                }
            }
        }
        document
    }
}

#[derive(Serialize)]
struct Window {
    start: jiff::Timestamp,
    end: jiff::Timestamp,
    /// Whether its time is over.
    complete: bool,
    rows: u64,
}

/// The baseline as answers for programs have it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Baseline<'a> {
    kind: &'a str,
    revision: u32,
    digest: &'a str,
    windows: u32,
    rows: u64,
    start: jiff::Timestamp,
    end: jiff::Timestamp,
}

impl<'a> Baseline<'a> {
    pub(crate) fn of(info: &'a BaselineInfo) -> Self {
        Self {
            kind: info.kind,
            revision: info.revision,
            digest: &info.digest,
            windows: info.windows,
            rows: info.rows,
            start: info.span.start,
            end: info.span.end,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SharedBudget {
    tests: usize,
    alarms_per_window: BySeverity<f64>,
    alpha: BySeverity<Option<f64>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Feature<'a> {
    name: &'a str,
    kind: Option<Kind>,
    data_type: Option<&'a str>,
    sensitive: bool,
    state: String,
    problem: Option<String>,
    moving: bool,
    current: Option<Summary>,
    reference: Option<Summary>,
    distances: Vec<Known<'a, stats::Distance>>,
    quality: Option<f64>,
    checks: Checks<'a>,
}

type Checks<'a> = BTreeMap<&'static str, Known<'a, Verdict>>;

/// The verdicts of the checks that judge this, by name.
fn checks(report: Option<&FeatureReport>, scope: Scope) -> Checks<'_> {
    let verdicts = report
        .into_iter()
        .flat_map(|report| report.verdicts.of(scope));
    let known = verdicts.map(|(check, verdict)| (check.name(), Known::of(None, verdict)));
    known.collect()
}

/// A value, or the sentence that says why there is none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Known<'a, T> {
    Computed(&'a T),
    NotComputed {
        statistic: Option<Statistic>,
        #[serde(rename = "notComputed")]
        because: String,
    },
}

impl<'a, T> Known<'a, T> {
    fn of(statistic: Option<Statistic>, result: &'a Result<T, NotComputed>) -> Self {
        match result {
            Ok(value) => Self::Computed(value),
            Err(reason) => Self::NotComputed {
                statistic,
                because: reason.to_string(),
            },
        }
    }
}

/// The JSON document. Sensitive features come without values.
fn json(snapshot: &Snapshot, now: Timestamp) -> serde_json::Result<String> {
    let baseline = match &snapshot.baseline {
        BaselineState::Ready(info) => Some(Baseline::of(info)),
        BaselineState::Absent | BaselineState::Forming { .. } => None,
    };
    let shown = |summary: &Option<Summary>, sensitive: bool| {
        summary.as_ref().map(|summary| {
            if sensitive {
                summary.without_values()
            } else {
                summary.clone()
            }
        })
    };
    let document = Document {
        namespace: &snapshot.monitor.namespace,
        name: &snapshot.monitor.name,
        window: snapshot.judged.map(|judged| Window {
            start: judged.span.start,
            end: judged.span.end,
            complete: judged.span.end <= now,
            rows: judged.rows,
        }),
        baseline,
        budget: snapshot.budget.map(|budget| SharedBudget {
            tests: budget.tests,
            alarms_per_window: budget.per_window,
            alpha: budget.alpha.map(|alpha| alpha.map(|alpha| alpha.value)),
        }),
        quality: snapshot.whole.quality.map(|quality| quality.score()),
        keys: snapshot.whole.keys,
        missingness: snapshot.whole.missingness.as_ref().map(Missing::of),
        segments: snapshot.whole.segments.iter().map(Segments::of).collect(),
        checks: checks(snapshot.whole.report.as_ref(), Scope::Window),
        rules: snapshot.rules.iter().map(Rule::of).collect(),
        features: snapshot
            .features
            .iter()
            .map(|feature| Feature {
                name: &feature.name,
                kind: feature.kind,
                data_type: feature.data_type.as_deref(),
                sensitive: feature.sensitive,
                state: state(feature),
                problem: feature.problem.as_ref().map(ToString::to_string),
                current: shown(&feature.summary, feature.sensitive),
                reference: shown(&feature.reference, feature.sensitive),
                moving: feature.report.as_ref().is_some_and(|report| report.moving),
                distances: feature
                    .report
                    .iter()
                    .flat_map(|report| &report.distances)
                    .map(|(statistic, distance)| Known::of(Some(*statistic), distance))
                    .collect(),
                quality: feature.quality.map(|quality| quality.score()),
                checks: checks(feature.report.as_ref(), Scope::Feature),
            })
            .collect(),
    };
    serde_json::to_string_pretty(&camel_case(serde_json::to_value(document)?))
}

/// The same with field names as the rest of our JSON has them; saved state keeps Rust's.
fn camel_case(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let mut parts = name.split('_');
                let mut camel = parts.next().unwrap_or_default().to_owned();
                for part in parts {
                    let (head, tail) = part.split_at(part.len().min(1));
                    camel.push_str(&head.to_uppercase());
                    camel.push_str(tail);
                }
                (camel, camel_case(value))
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(camel_case).collect(),
        scalar => scalar,
    }
}

/// The tables: what the window holds, and how each verdict came about.
fn tables(snapshot: &Snapshot, now: Timestamp) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", heading(snapshot, now));
    let _ = writeln!(text, "\n{}", values(&snapshot.features));
    let _ = writeln!(text, "\n{}", verdicts(snapshot));
    if !snapshot.rules.is_empty() {
        let _ = writeln!(text, "\n{}", rules(&snapshot.rules));
    }
    let reports = snapshot.features.iter().map(|own| own.report.as_ref());
    let reports = reports.chain([snapshot.whole.report.as_ref()]).flatten();
    let notes: Vec<String> = reports.filter_map(note).collect();
    if !notes.is_empty() {
        let _ = writeln!(text, "\n{}", notes.join("\n"));
    }
    let _ = writeln!(text, "\n{}", summary(&subjects(snapshot)));
    text
}

/// What a feature, the window as a whole, or a rule comes to.
struct Subject<'a> {
    name: &'a str,
    /// The worst breach.
    worst: Option<Severity>,
    /// Whether something was said of it.
    judged: bool,
}

/// All that is judged, in the order in which it is shown.
fn subjects(snapshot: &Snapshot) -> Vec<Subject<'_>> {
    let judged = |report: Option<&FeatureReport>, scope| {
        let mut verdicts = report
            .into_iter()
            .flat_map(|report| report.verdicts.of(scope));
        verdicts.any(|(_, verdict)| verdict.is_ok())
    };
    let schema = snapshot.monitor.checks.schema.enabled;
    let features = snapshot.features.iter().map(|feature| Subject {
        name: &feature.name,
        worst: feature.worst(schema),
        judged: judged(feature.report.as_ref(), Scope::Feature),
    });
    let breaches = snapshot.whole.breached.of(Scope::Window);
    let breaches: Vec<BySeverity<bool>> = breaches.filter_map(|(_, own)| *own).collect();
    let whole = snapshot.whole.report.as_ref().map(|report| Subject {
        name: subject(""),
        worst: if breaches.iter().any(|own| own.critical) {
            Some(Severity::Critical)
        } else if breaches.iter().any(|own| own.warning) {
            Some(Severity::Warning)
        } else {
            None
        },
        judged: judged(Some(report), Scope::Window),
    });
    let rules = snapshot.rules.iter().map(|state| Subject {
        name: &state.rule.name,
        worst: state
            .breached()
            .filter(|breached| *breached)
            .map(|_| match state.rule.severity {
                crds::valid::Severity::Critical => Severity::Critical,
                crds::valid::Severity::Warning => Severity::Warning,
            }),
        judged: state.breached().is_some(),
    });
    features.chain(whole).chain(rules).collect()
}

/// How many are over a limit, and which; and of how many nothing is known, which is not that they are well.
fn summary(subjects: &[Subject<'_>]) -> String {
    let told = |severity: Severity| {
        let own = subjects.iter().filter(|own| own.worst == Some(severity));
        let names: Vec<&str> = own.map(|own| own.name).collect();
        let listed = match names.is_empty() {
            true => String::new(),
            false => format!(": {}", names.join(", ")),
        };
        format!("{} {}{listed}", names.len(), severity.name())
    };
    let unjudged = subjects
        .iter()
        .filter(|own| own.worst.is_none() && !own.judged)
        .count();
    let mut parts = vec![told(Severity::Critical), told(Severity::Warning)];
    if unjudged > 0 {
        parts.push(format!("{unjudged} without a verdict"));
    }
    parts.join("; ")
}

/// A number of things.
fn plural(number: u64, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        many => format!("{many} {thing}s"),
    }
}

/// When a window whose time is not over ends; nothing where it is.
fn ends(end: Timestamp, now: Timestamp) -> String {
    match end > now {
        true => format!("; not complete: ends at {end}"),
        false => String::new(),
    }
}

fn heading(snapshot: &Snapshot, now: Timestamp) -> String {
    let monitor = &snapshot.monitor;
    let mut lines = vec![format!("{}/{}", monitor.namespace, monitor.name)];
    lines.push(match snapshot.judged {
        Some(JudgedWindow { span, rows }) => {
            format!(
                "window    {} to {}, {}{}",
                span.start,
                span.end,
                plural(rows, "row"),
                ends(span.end, now)
            )
        }
        None => "window    none was judged".to_owned(),
    });
    lines.push(match &snapshot.baseline {
        BaselineState::Ready(BaselineInfo {
            kind,
            span,
            windows,
            rows,
            digest,
            ..
        }) => format!(
            "baseline  {kind}, {} to {}, {}, {}, {}",
            span.start,
            span.end,
            plural((*windows).into(), "window"),
            plural(*rows, "row"),
            digest.get(..19).unwrap_or(digest)
        ),
        BaselineState::Forming { have, need } => {
            format!(
                "baseline  forming: {have} of {}",
                plural((*need).into(), "window")
            )
        }
        BaselineState::Absent => "baseline  none".to_owned(),
    });
    if let Some(Budget {
        per_window,
        tests,
        alpha,
    }) = snapshot.budget
    {
        let alpha = |severity| {
            alpha
                .get(severity)
                .map_or_else(|| "none".to_owned(), |a| number(a.value))
        };
        lines.push(format!(
            "budget    false alarms expected a window: {} at warning, {} at critical; shared by {tests} tests: α = {} and {}",
            number(per_window.warning),
            number(per_window.critical),
            alpha(Severity::Warning),
            alpha(Severity::Critical)
        ));
    }
    lines.join("\n")
}

fn values(features: &[FeatureState]) -> Table {
    let mut table = table([
        "feature",
        "type",
        "rows",
        "missing",
        "distinct",
        "mean",
        "std dev",
        "p05",
        "p50",
        "p95",
        "most frequent",
    ]);
    right(&mut table, 2..=9);
    for feature in features {
        let Some(summary) = &feature.summary else {
            table.add_row([
                feature.name.as_str(),
                feature.data_type.as_deref().unwrap_or(""),
            ]);
            continue;
        };
        let hidden = feature.sensitive;
        let moments = summary.moments.filter(|_| !hidden);
        let quantile = |i: usize| {
            let quantiles = summary.quantiles.filter(|_| !hidden);
            quantiles.map_or_else(String::new, |q| number(q.values[i]))
        };
        let top = summary.top.first().filter(|_| !hidden);
        table.add_row([
            feature.name.clone(),
            feature.data_type.clone().unwrap_or_default(),
            summary.rows.to_string(),
            summary.missing_share().map_or_else(String::new, percent),
            format!("{:.0}", summary.distinct),
            moments.map_or_else(String::new, |m| number(m.mean)),
            moments
                .and_then(|m| m.variance)
                .map_or_else(String::new, |v| number(v.sqrt())),
            quantile(1),
            quantile(3),
            quantile(5),
            match top {
                Some((name, count)) => format!("{name} ({count})"),
                None if hidden => "(sensitive)".to_owned(),
                None => String::new(),
            },
        ]);
    }
    table
}

fn verdicts(snapshot: &Snapshot) -> Table {
    let mut table = table([
        "feature",
        "check",
        "value",
        "p",
        "warning at",
        "because of",
        "critical at",
        "because of",
        "verdict",
    ]);
    right(&mut table, [2, 3, 4, 6]);
    for feature in &snapshot.features {
        let Some(report) = &feature.report else {
            table.add_row(
                [feature.name.clone(), "schema".into()]
                    .into_iter()
                    .chain(std::iter::repeat_n(String::new(), 6).chain([state(feature)])),
            );
            continue;
        };
        add(&mut table, report, Scope::Feature, &feature.breached);
    }
    if let Some(report) = &snapshot.whole.report {
        add(&mut table, report, Scope::Window, &snapshot.whole.breached);
    }
    table
}

/// A row for each business rule.
fn rules(rules: &[RuleState]) -> Table {
    let mut table = table(["rule", "severity", "breached", "found"]);
    for state in rules {
        table.add_row([
            state.rule.name.as_str(),
            state.rule.severity.name(),
            match state.breached() {
                Some(true) => "yes",
                Some(false) => "no",
                None => "not known",
            },
            &page::rule_in_words(state),
        ]);
    }
    table
}

/// A row for each check that judges this.
fn add(table: &mut Table, report: &FeatureReport, scope: Scope, breached: &Breaches) {
    for (check, verdict) in report.verdicts.of(scope) {
        // What is not about this feature, or not about a baseline like this one.
        let not_about = matches!(
            verdict,
            Err(NotComputed::NotForKind { .. }
                | NotComputed::NotSeasonal
                | NotComputed::Seasonal
                | NotComputed::TooFewWindows { .. })
        );
        if !not_about {
            table.add_row(verdict_row(report, breached, check, verdict));
        }
    }
}

fn verdict_row(
    report: &FeatureReport,
    breached: &Breaches,
    check: Check,
    verdict: &Result<Verdict, NotComputed>,
) -> Vec<String> {
    let name = subject(&report.name);
    let moving = report.moving && check == Check::Drift;
    match verdict {
        Ok(verdict) => {
            let p = report
                .distances
                .iter()
                .find(|(statistic, _)| *statistic == verdict.statistic)
                .and_then(|(_, distance)| distance.as_ref().ok()?.p_value)
                .map_or_else(String::new, number);
            let limits = &verdict.limits;
            vec![
                name.to_owned(),
                tested(check, verdict.statistic),
                number(verdict.value),
                p,
                number(limits.warning.value),
                part(limits.warning.part).to_owned(),
                number(limits.critical.value),
                part(limits.critical.part).to_owned(),
                breached
                    .get(check)
                    .map_or_else(String::new, |breached| word(breached, moving).to_owned()),
            ]
        }
        Err(reason) => {
            let mut row = vec![name.to_owned(), check.words().to_owned()];
            row.extend(std::iter::repeat_n(String::new(), 6));
            row.push(match reason {
                NotComputed::Moving => "moving".to_owned(),
                _ => reason.to_string(),
            });
            row
        }
    }
}

/// A feature by its name, or the window as a whole.
pub(crate) fn subject(name: &str) -> &str {
    match name {
        "" => "(all rows)",
        name => name,
    }
}

/// What a check looks at, in words.
pub(crate) fn tested(check: Check, statistic: Statistic) -> String {
    match statistic {
        Statistic::MissingShare => "missing increase".to_owned(),
        Statistic::InvalidShare => "invalid increase".to_owned(),
        Statistic::OutlierShare => "outlier increase".to_owned(),
        Statistic::DuplicateShare => "duplicate increase".to_owned(),
        Statistic::LevelDeviation => "level".to_owned(),
        Statistic::PatternDistance => "missing patterns".to_owned(),
        Statistic::ImputedShare => "imputed increase".to_owned(),
        statistic => format!("{} {statistic}", check.name()),
    }
}

/// What a person should do about a feature, or the window as a whole, that a verdict alone does not explain.
fn note(report: &FeatureReport) -> Option<String> {
    let name = subject(&report.name);
    let moves = report.moving.then(|| {
        format!(
            "{name}: moves by construction, its baseline windows differ from each other by more than the effect floor. Exclude it, monitor its change per time, or give it a limit of its own."
        )
    });
    let limits = match capped(report).as_slice() {
        [] => None,
        [one] => Some(format!("the limit of {one} is")),
        [first @ .., last] => Some(format!("the limits of {} and {last} are", first.join(", "))),
    };
    let cut = limits.map(|limits| {
        format!(
            "{name}: its baseline windows differ so much that {limits} cut at twice the critical floor; the false-alarm budget is not promised for it."
        )
    });
    match (moves, cut) {
        (Some(moves), Some(cut)) => Some(format!("{moves}\n{cut}")),
        (moves, cut) => moves.or(cut),
    }
}

/// The checks whose limits are cut, in words.
fn capped(report: &FeatureReport) -> Vec<&'static str> {
    let judged = report.verdicts.iter();
    let cut = judged.filter(|(_, verdict)| {
        verdict.as_ref().is_ok_and(|verdict| {
            let limits = [verdict.limits.warning, verdict.limits.critical];
            limits
                .iter()
                .any(|limit| limit.part == LimitPart::BetweenWindowsCapped)
        })
    });
    cut.map(|(check, _)| check.words()).collect()
}

/// The state of a feature in a word or a sentence.
fn state(feature: &FeatureState) -> String {
    if let Some(problem) = &feature.problem {
        return problem.to_string();
    }
    let Some(report) = &feature.report else {
        return "not judged".to_owned();
    };
    let worst = feature.worst(true);
    match worst {
        Some(Severity::Critical) => "critical".to_owned(),
        Some(Severity::Warning) => "warning".to_owned(),
        None if report.moving => "moving".to_owned(),
        None => {
            let mut verdicts = report.verdicts.of(Scope::Feature);
            let not_judged = verdicts.find_map(|(_, v)| v.as_ref().err());
            not_judged.map_or_else(|| "ok".to_owned(), ToString::to_string)
        }
    }
}

fn word(breached: BySeverity<bool>, moving: bool) -> &'static str {
    match (breached.critical, breached.warning) {
        (true, _) => "critical",
        (_, true) => "warning",
        _ if moving => "moving",
        _ => "ok",
    }
}

/// Which part of a limit holds, in words.
pub(crate) fn part(part: LimitPart) -> &'static str {
    match part {
        LimitPart::Manifest => "manifest",
        LimitPart::RaisedToWarning => "raised to warning",
        LimitPart::EffectFloor => "effect floor",
        LimitPart::SamplingNull => "sampling noise",
        LimitPart::RunLength => "run length",
        LimitPart::BetweenWindows => "baseline's own spread",
        LimitPart::BetweenWindowsCapped => "own spread, cut",
    }
}

pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    table.set_header(header);
    table
}

pub(crate) fn right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A number with four significant digits.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e7).contains(&magnitude) {
        format!("{value:.2e}")
    } else {
        let digits = (3 - magnitude.log10().floor() as i64).clamp(0, 6) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let check = |value, expected: &str| assert_eq!(number(value), expected);
        check(0.0, "0");
        check(0.062_286, "0.06229");
        check(1234.5678, "1235");
        check(-12.0, "-12");
        check(0.1, "0.1");
        check(1.5e-7, "1.50e-7");
        check(123_456_789.0, "1.23e8");
    }

    #[test]
    fn a_window_whose_time_is_not_over_says_so() {
        let [end, now] = ["2017-06-04T06:00:00Z", "2017-06-03T12:00:00Z"]
            .map(|text| text.parse::<Timestamp>().unwrap());
        assert_eq!(
            ends(end, now),
            "; not complete: ends at 2017-06-04T06:00:00Z"
        );
        assert_eq!(ends(end, end), "");
    }

    #[test]
    fn one_thing_is_no_things() {
        assert_eq!(plural(1, "row"), "1 row");
        assert_eq!(plural(0, "row"), "0 rows");
        assert_eq!(plural(2345, "row"), "2345 rows");
    }

    #[test]
    fn the_last_line_sums_up() {
        let subject = |name, worst, judged| Subject {
            name,
            worst,
            judged,
        };
        let line = summary(&[
            subject("a", Some(Severity::Warning), true),
            subject("b", Some(Severity::Critical), true),
            subject("c", None, true),
            subject("d", Some(Severity::Warning), true),
            subject("e", None, false),
        ]);
        assert_eq!(line, "1 critical: b; 2 warning: a, d; 1 without a verdict");
        assert_eq!(
            summary(&[subject("c", None, true)]),
            "0 critical; 0 warning"
        );
    }

    /// Of whatever check the limit is cut, the budget does not hold for it.
    #[test]
    fn cut_limits_of_every_check_are_noted() {
        let limit = |part| stats::Limit {
            value: 0.2,
            part,
            floor: 0.1,
            null: None,
            bound: Some(0.3),
            capped: part == LimitPart::BetweenWindowsCapped,
        };
        let report = |cut: &[Check], moving| FeatureReport {
            name: "age".to_owned(),
            distances: Vec::new(),
            verdicts: stats::ByCheck::from_fn(|check| {
                let part = match cut.contains(&check) {
                    true => LimitPart::BetweenWindowsCapped,
                    false => LimitPart::EffectFloor,
                };
                Ok(Verdict {
                    check,
                    statistic: Statistic::Psi,
                    value: 0.05,
                    rows: 500,
                    min_rows: 200,
                    limits: BySeverity {
                        warning: limit(LimitPart::EffectFloor),
                        critical: limit(part),
                    },
                    scores: BySeverity::default(),
                    over: BySeverity::default(),
                })
            }),
            moving,
            pair: None,
            pair_laid_elsewhere: None,
            power: None,
            segment: None,
        };
        let cut = |limits: &str| {
            format!(
                "age: its baseline windows differ so much that {limits} cut at twice the critical floor; the false-alarm budget is not \
                 promised for it."
            )
        };
        assert_eq!(note(&report(&[], false)), None);
        let one = note(&report(&[Check::Missing], false));
        assert_eq!(one, Some(cut("the limit of missing is")));
        let checks = [Check::Drift, Check::Quality, Check::MissingPatterns];
        let many = cut("the limits of drift, quality and missing patterns are");
        assert_eq!(note(&report(&checks, false)), Some(many));
        let both = note(&report(&[Check::Missing], true)).unwrap();
        assert!(both.starts_with("age: moves by construction"), "{both}");
        assert!(both.ends_with(&cut("the limit of missing is")), "{both}");
    }
}
