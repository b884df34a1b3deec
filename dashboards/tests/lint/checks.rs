//! The checks, one function each.

use std::collections::BTreeSet;

use dashboards::rules::{Rule, Rules};
use promql_parser::label::MatchOp;
use promql_parser::parser::{self, Expr, LabelModifier};
use regex::Regex;

use crate::query::{labels, labels_of, parts, selectors};

/// Which check complains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It does not parse (`promql/syntax`).
    Syntax,
    /// A metric that the table does not have, or a label that its series do not have.
    Name,
    /// An alert without a condition (`alerts/comparison`).
    Comparison,
    /// Less than two evaluations of the rules (`alerts/for`).
    For,
    /// A template that names labels that the result does not have, or a label with a value in it (`alerts/template`).
    Template,
    /// Two vectors whose labels happen to be the same, or a series that a restart replaces (`promql/fragile`).
    Fragile,
    /// It has no result, ever (`promql/impossible`).
    Impossible,
    /// A division by what may be 0 (`promql/nan`).
    Nan,
    /// A regular expression that is none, or has anchors, which it has anyway (`promql/regexp`).
    Regexp,
    /// A group that is evaluated too rarely for a range of five minutes (`rule/interval`).
    Interval,
    /// Two rules that make the same series (`rule/duplicate`).
    Duplicate,
    /// An annotation that every alert has is missing, or has not its form (`alerts/annotation`).
    Annotation,
}

/// What a check says.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "shown when a test fails")]
pub struct Complaint {
    /// The check.
    pub kind: Kind,
    /// The rule.
    pub rule: String,
    /// What is wrong.
    pub words: String,
}

/// What Prometheus itself keeps of what fires.
const ALERTS: &str = "ALERTS";

/// What is wrong with rules.
pub fn all(rules: &Rules) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for group in &rules.groups {
        let interval = milliseconds(&group.interval);
        if !(1..=300_000).contains(&interval) {
            found.push(complaint(Kind::Interval, &group.name, &group.interval));
        }
        for rule in &group.rules {
            let (name, expr) = match rule {
                Rule::Record { record, expr, .. } => (record.as_str(), expr),
                Rule::Alert { alert, expr, .. } => (*alert, expr),
            };
            let is_alert = matches!(rule, Rule::Alert { .. });
            found.extend(query(name, expr, is_alert));
            let identity = match rule {
                Rule::Record { labels, .. } => format!("{name} {labels:?}"),
                Rule::Alert { labels, .. } => format!("{name} {labels:?} {expr}"),
            };
            if !seen.insert(identity) {
                found.push(complaint(Kind::Duplicate, name, "it is there twice"));
            }
            if is_alert {
                found.extend(alert(rule, interval));
            }
        }
    }
    found
}

/// What is wrong with a query; of an alert more is asked.
pub fn query(rule: &str, text: &str, is_alert: bool) -> Vec<Complaint> {
    let query = match parser::parse(text) {
        Ok(query) => query,
        Err(error) => return vec![complaint(Kind::Syntax, rule, &format!("{error}: {text}"))],
    };
    let mut found = Vec::new();
    found.extend(names(&query).map(|words| complaint(Kind::Name, rule, &words)));
    found.extend(regexps(&query).map(|words| complaint(Kind::Regexp, rule, &words)));
    for part in parts(&query) {
        let all = [
            (Kind::Nan, divides_by_zero(part)),
            (Kind::Impossible, impossible(part)),
            (Kind::Fragile, matched_by_chance(part)),
        ];
        for (kind, words) in all {
            found.extend(words.map(|words| complaint(kind, rule, &words)));
        }
    }
    if is_alert {
        if !is_condition(&query) {
            found.push(complaint(Kind::Comparison, rule, "it holds always"));
        }
        // Series of a scrape have labels of the pod, and an alert would end and begin with it.
        if labels_of_scrape(&query) {
            found.push(complaint(
                Kind::Fragile,
                rule,
                "its labels are those of the scrape",
            ));
        }
    }
    found
}

fn complaint(kind: Kind, rule: &str, words: &str) -> Complaint {
    Complaint {
        kind,
        rule: rule.to_owned(),
        words: words.to_owned(),
    }
}

fn names(query: &Expr) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    for selector in selectors(query) {
        let name = selector.name.as_deref().unwrap_or_default();
        let Some(known) = labels_of(name) else {
            found.push(format!("there is no metric {name:?}"));
            continue;
        };
        for matcher in &selector.matchers.matchers {
            if !known.contains(&matcher.name) {
                found.push(format!("{name} has no label {}", matcher.name));
            }
        }
    }
    for part in parts(query) {
        let Expr::Aggregate(aggregate) = part else {
            continue;
        };
        let (Some(LabelModifier::Include(kept)), Some(inner)) =
            (&aggregate.modifier, labels(&aggregate.expr))
        else {
            continue;
        };
        for label in kept.labels.iter().filter(|label| !inner.contains(*label)) {
            found.push(format!("{} has no label {label}", aggregate.expr));
        }
    }
    found.into_iter()
}

fn regexps(query: &Expr) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    for selector in selectors(query) {
        for matcher in &selector.matchers.matchers {
            if !matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_)) {
                continue;
            }
            let value = &matcher.value;
            let plain = !value.contains(['|', '.', '*', '+', '?', '[', '(', '\\', '{']);
            let anchored = value.starts_with('^') || value.ends_with('$');
            if plain || anchored || value == ".*" || value == ".+" {
                found.push(format!("{}=~{value:?}", matcher.name));
            }
        }
    }
    found.into_iter()
}

fn divides_by_zero(part: &Expr) -> Option<String> {
    let Expr::Binary(binary) = part else {
        return None;
    };
    if !["/", "%"].contains(&binary.op.to_string().as_str()) {
        return None;
    }
    let mut divisor = &*binary.rhs;
    while let Expr::Paren(paren) = divisor {
        divisor = &paren.expr;
    }
    let holds = match divisor {
        Expr::NumberLiteral(number) => number.val != 0.0,
        Expr::Binary(guarded) => {
            let zero = matches!(&*guarded.rhs, Expr::NumberLiteral(number) if number.val >= 0.0);
            zero && [">", "!="].contains(&guarded.op.to_string().as_str())
        }
        _ => false,
    };
    (!holds).then(|| format!("{divisor} may be 0"))
}

fn impossible(part: &Expr) -> Option<String> {
    if let Expr::VectorSelector(selector) = part {
        let matchers = &selector.matchers.matchers;
        let twice = matchers.iter().find(|one| {
            let other = |other: &&promql_parser::label::Matcher| {
                other.name == one.name && other.value != one.value
            };
            one.op == MatchOp::Equal
                && matchers
                    .iter()
                    .filter(|m| m.op == MatchOp::Equal)
                    .any(|m| other(&m))
        });
        return twice.map(|matcher| format!("{} has two values", matcher.name));
    }
    let Expr::Binary(binary) = part else {
        return None;
    };
    if let (Expr::NumberLiteral(_), Expr::NumberLiteral(_)) = (&*binary.lhs, &*binary.rhs)
        && binary.op.is_comparison_operator()
    {
        return Some(format!("{part} is always the same"));
    }
    let Some(LabelModifier::Include(on)) = binary.modifier.as_ref()?.matching.as_ref() else {
        return None;
    };
    let sides = [labels(&binary.lhs)?, labels(&binary.rhs)?];
    let lacks = |label: &&String| sides.iter().any(|side| !side.contains(*label));
    let label = on.labels.iter().find(lacks)?;
    Some(format!("on ({label}), which one side does not have"))
}

/// Two vectors without `on` or `ignoring`, whose labels are not the same by their aggregations.
fn matched_by_chance(part: &Expr) -> Option<String> {
    let Expr::Binary(binary) = part else {
        return None;
    };
    let (left, right) = (labels(&binary.lhs)?, labels(&binary.rhs)?);
    let set = ["or"].contains(&binary.op.to_string().as_str());
    let matching = binary
        .modifier
        .as_ref()
        .and_then(|modifier| modifier.matching.as_ref());
    let by_aggregation = !labels_of_scrape(&binary.lhs) && !labels_of_scrape(&binary.rhs);
    let same = left == right && by_aggregation;
    (!set && matching.is_none() && !same).then(|| format!("{part} matches by chance"))
}

/// Whether the result has the labels of a scrape, such as `pod`: nothing has aggregated them away.
fn labels_of_scrape(query: &Expr) -> bool {
    match query {
        Expr::VectorSelector(selector) => {
            let name = selector.name.as_deref().unwrap_or_default();
            // A recording rule has aggregated, and an alert has the labels of one.
            !name.contains(':') && name != ALERTS
        }
        Expr::MatrixSelector(_) => true,
        Expr::Paren(paren) => labels_of_scrape(&paren.expr),
        Expr::Unary(unary) => labels_of_scrape(&unary.expr),
        Expr::Aggregate(aggregate) => {
            let keeps = matches!(aggregate.modifier, Some(LabelModifier::Exclude(_)))
                || ["topk", "bottomk"].contains(&aggregate.op.to_string().as_str());
            keeps && labels_of_scrape(&aggregate.expr)
        }
        Expr::Call(call) => match call.func.name {
            "absent" | "absent_over_time" | "vector" => false,
            _ => call
                .args
                .args
                .iter()
                .any(|argument| labels_of_scrape(argument)),
        },
        Expr::Binary(binary) => match binary.op.to_string().as_str() {
            "and" | "unless" => labels_of_scrape(&binary.lhs),
            _ => labels_of_scrape(&binary.lhs) || labels_of_scrape(&binary.rhs),
        },
        _ => false,
    }
}

/// Whether a query has a result only sometimes.
fn is_condition(query: &Expr) -> bool {
    match query {
        Expr::Paren(paren) => is_condition(&paren.expr),
        Expr::Aggregate(aggregate) => is_condition(&aggregate.expr),
        Expr::Call(call) => match call.func.name {
            "absent" | "absent_over_time" => true,
            "label_replace" => call.args.first().is_some_and(|first| is_condition(&first)),
            _ => false,
        },
        // There while it fires.
        Expr::VectorSelector(selector) => selector.name.as_deref() == Some(ALERTS),
        Expr::Binary(binary) => {
            let both = [&binary.lhs, &binary.rhs];
            match binary.op.to_string().as_str() {
                "unless" => true,
                "and" => both.iter().any(|side| is_condition(side)),
                "or" => both.iter().all(|side| is_condition(side)),
                _ if binary.op.is_comparison_operator() => !binary.return_bool(),
                _ => both.iter().any(|side| is_condition(side)),
            }
        }
        _ => false,
    }
}

/// What is wrong with an alert beside its query.
fn alert(rule: &Rule, interval: u128) -> Vec<Complaint> {
    let Rule::Alert {
        alert,
        expr,
        lasts,
        labels: own,
        annotations,
        ..
    } = rule
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut say = |kind, words: String| found.push(complaint(kind, alert, &words));
    let lasts = lasts.as_deref().map_or(0, milliseconds);
    if lasts < 2 * interval {
        say(Kind::For, format!("{lasts} ms"));
    }
    let camel = Regex::new("^[A-Z][A-Za-z]{0,39}$").unwrap();
    if !camel.is_match(alert) {
        say(
            Kind::Annotation,
            "its name is not CamelCase of at most 40 characters".to_owned(),
        );
    }
    for name in ["summary", "description", "runbook_url", "dashboard_url"] {
        if !annotations.contains_key(name) {
            say(Kind::Annotation, format!("it has no {name}"));
        }
    }
    let summary = annotations.get("summary").map_or("", String::as_str);
    if summary.contains("{{") || !Regex::new(r"^[A-Z].*\.$").unwrap().is_match(summary) {
        say(Kind::Annotation, format!("summary {summary:?}"));
    }
    for (name, value) in own {
        if value.contains("{{") {
            say(
                Kind::Template,
                format!("the label {name} changes with its value"),
            );
        }
    }
    let result = parser::parse(expr)
        .ok()
        .and_then(|query| labels(&query))
        .unwrap_or_default();
    // An escalation keeps that of the alert that goes on.
    let severity = own.get("severity").map(String::as_str);
    let kept = severity.is_none() && result.contains("severity");
    if !kept && ![Some("critical"), Some("warning"), Some("none")].contains(&severity) {
        say(Kind::Template, format!("severity {severity:?}"));
    }
    if !result.contains("namespace") && !own.contains_key("namespace") {
        say(Kind::Template, "it has no label namespace".to_owned());
    }
    let named = Regex::new(r"\$labels\.([a-z_]+)").unwrap();
    for (annotation, text) in annotations {
        for capture in named.captures_iter(text) {
            if !result.contains(&capture[1]) {
                say(
                    Kind::Template,
                    format!(
                        "{annotation} names {}, which is no label of it",
                        &capture[1]
                    ),
                );
            }
        }
    }
    // Who reads it must know which one it is about.
    let description = annotations.get("description").map_or("", String::as_str);
    for label in ["monitor", "feature"] {
        if result.contains(label) && !description.contains(&format!("$labels.{label}")) {
            say(
                Kind::Template,
                format!("the description does not name the {label}"),
            );
        }
    }
    found
}

fn milliseconds(duration: &str) -> u128 {
    crds::duration::parse(duration).unwrap().as_millis()
}
