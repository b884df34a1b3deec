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
        Output::Table => Ok(tables(&snapshot)),
        Output::Json => json(&snapshot).map_err(|error| error.to_string()),
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
fn json(snapshot: &Snapshot) -> serde_json::Result<String> {
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
fn tables(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", heading(snapshot));
    let _ = writeln!(text, "\n{}", values(&snapshot.features));
    let _ = writeln!(text, "\n{}", verdicts(snapshot));
    if !snapshot.rules.is_empty() {
        let _ = writeln!(text, "\n{}", rules(&snapshot.rules));
    }
    let notes: Vec<String> = snapshot.features.iter().filter_map(note).collect();
    if !notes.is_empty() {
        let _ = writeln!(text, "\n{}", notes.join("\n"));
    }
    text
}

fn heading(snapshot: &Snapshot) -> String {
    let monitor = &snapshot.monitor;
    let mut lines = vec![format!("{}/{}", monitor.namespace, monitor.name)];
    lines.push(match snapshot.judged {
        Some(JudgedWindow { span, rows }) => {
            format!("window    {} to {}, {rows} rows", span.start, span.end)
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
            "baseline  {kind}, {} to {}, {windows} windows, {rows} rows, {}",
            span.start,
            span.end,
            digest.get(..19).unwrap_or(digest)
        ),
        BaselineState::Forming { have, need } => {
            format!("baseline  forming: {have} of {need} windows")
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
            let mut row = vec![name.to_owned(), check.name().to_owned()];
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

/// What a person should do about a feature that a verdict alone does not explain.
fn note(feature: &FeatureState) -> Option<String> {
    let report = feature.report.as_ref()?;
    let capped = report.verdicts.drift.as_ref().ok().is_some_and(|verdict| {
        [verdict.limits.warning, verdict.limits.critical]
            .iter()
            .any(|limit| limit.part == LimitPart::BetweenWindowsCapped)
    });
    if report.moving {
        Some(format!(
            "{}: moves by construction, its baseline windows differ from each other by more than the effect floor. Exclude it, monitor its change per time, or give it a limit of its own.",
            feature.name
        ))
    } else if capped {
        Some(format!(
            "{}: its baseline windows differ so much that the limit is cut at twice the critical floor; the false-alarm budget is not promised for it.",
            feature.name
        ))
    } else {
        None
    }
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
}
