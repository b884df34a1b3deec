//! What can be known of a query without running it.

use std::collections::BTreeSet;

use dashboards::foreign::{self, Series};
use dashboards::{records, slos};
use metrics::{Definition, Kind, table};
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorSelector};

/// Labels that series can have.
pub type Labels = BTreeSet<String>;

/// Every part of a query, outermost first.
pub fn parts(query: &Expr) -> Vec<&Expr> {
    let mut all = vec![query];
    all.extend(inner(query).into_iter().flat_map(parts));
    all
}

/// What a query is made of, one level down.
pub fn inner(query: &Expr) -> Vec<&Expr> {
    match query {
        Expr::Aggregate(AggregateExpr { expr, param, .. }) => param
            .iter()
            .map(|param| &**param)
            .chain([&**expr])
            .collect(),
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Expr::Paren(paren) => vec![&paren.expr],
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::Call(call) => call.args.args.iter().map(|argument| &**argument).collect(),
        _ => Vec::new(),
    }
}

/// The selectors in a query.
pub fn selectors(query: &Expr) -> Vec<&VectorSelector> {
    let mut found = Vec::new();
    for part in parts(query) {
        match part {
            Expr::VectorSelector(selector) => found.push(selector),
            Expr::MatrixSelector(matrix) => found.push(&matrix.vs),
            _ => {}
        }
    }
    found
}

/// A family by the name of a sample, which has a suffix where it is a histogram.
pub fn family(name: &str) -> Option<&'static Definition> {
    let plain = ["_bucket", "_sum", "_count"]
        .into_iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name);
    table::ALL.iter().copied().find(|family| match family.kind {
        Kind::Histogram => family.name == plain && plain != name,
        _ => family.name == name,
    })
}

/// Labels of a series by its name, without those of the scrape; nothing when there is no such series.
pub fn labels_of(name: &str) -> Option<Labels> {
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    if let Some(series) = foreign_series(name) {
        let mut labels: Labels = names(series.labels)?;
        if name != series.name {
            labels.insert("le".to_owned());
        }
        return Some(labels);
    }
    match name {
        records::BREACHED | records::SCORE => {
            return names(&["namespace", "monitor", "check", "severity"]);
        }
        records::VALID => return names(&["namespace", "monitor", "check"]),
        records::FEATURE_VERDICT => return names(&["namespace", "monitor", "feature"]),
        records::PRESENT | records::MONITOR_VERDICT => return names(&["namespace", "monitor"]),
        name if slos::RECORDED.contains(&name) || is_error_rate(name) => {
            return names(&[
                "namespace",
                "monitor",
                "sloth_id",
                "sloth_service",
                "sloth_slo",
                "sloth_window",
            ]);
        }
        _ => {}
    }
    let family = family(name)?;
    let own = family.scope.labels().iter().chain(family.labels);
    let mut labels: Labels = own.map(|label| label.name().to_owned()).collect();
    if name.ends_with("_bucket") {
        labels.insert("le".to_owned());
    }
    Some(labels)
}

/// Series of others by the name of a sample, which has a suffix where they are a histogram.
fn foreign_series(name: &str) -> Option<Series> {
    let is = |series: &&Series| match series.histogram {
        true => name.strip_suffix("_bucket") == Some(series.name),
        false => name == series.name,
    };
    foreign::ALL.iter().find(is).copied()
}

/// Whether a series is the share that was bad in a window, which is a part of its name.
fn is_error_rate(name: &str) -> bool {
    let written = |window| name == slos::rate(window);
    let window = name.strip_prefix("slo:sli_error:ratio_rate");
    window.is_some_and(|window| crds::duration::parse(window).is_ok_and(written))
}

/// Labels of a query's result. `None`: it is a number, or a vector without labels of which nothing is known.
pub fn labels(query: &Expr) -> Option<Labels> {
    match query {
        Expr::VectorSelector(selector) => labels_of(selector.name.as_deref()?),
        Expr::MatrixSelector(matrix) => labels_of(matrix.vs.name.as_deref()?),
        Expr::Paren(paren) => labels(&paren.expr),
        Expr::Unary(unary) => labels(&unary.expr),
        Expr::Subquery(subquery) => labels(&subquery.expr),
        Expr::Aggregate(aggregate) => Some(match &aggregate.modifier {
            Some(LabelModifier::Include(kept)) => kept.labels.iter().cloned().collect(),
            Some(LabelModifier::Exclude(dropped)) => {
                let inner = labels(&aggregate.expr)?;
                inner
                    .into_iter()
                    .filter(|label| !dropped.labels.contains(label))
                    .collect()
            }
            None => match aggregate.op.to_string().as_str() {
                "topk" | "bottomk" => labels(&aggregate.expr)?,
                _ => Labels::new(),
            },
        }),
        Expr::Call(call) => labels_of_call(call),
        Expr::Binary(binary) => labels_of_binary(binary),
        _ => None,
    }
}

fn labels_of_call(call: &Call) -> Option<Labels> {
    let arguments = &call.args.args;
    match call.func.name {
        "absent" | "absent_over_time" => {
            let equal = |matcher: &&Matcher| matcher.op == MatchOp::Equal;
            let selectors = selectors(arguments.first()?);
            let matchers = &selectors.first()?.matchers.matchers;
            Some(
                matchers
                    .iter()
                    .filter(equal)
                    .map(|m| m.name.clone())
                    .collect(),
            )
        }
        "vector" => Some(Labels::new()),
        "label_replace" => {
            let mut inner = labels(arguments.first()?)?;
            if let Some(Expr::StringLiteral(name)) = arguments.get(1).map(|name| &**name) {
                inner.insert(name.val.clone());
            }
            Some(inner)
        }
        "histogram_quantile" => {
            let mut inner = labels(arguments.last()?)?;
            inner.remove("le");
            Some(inner)
        }
        _ => arguments.iter().find_map(|argument| labels(argument)),
    }
}

fn labels_of_binary(binary: &BinaryExpr) -> Option<Labels> {
    let (left, right) = (labels(&binary.lhs), labels(&binary.rhs));
    let (Some(left), Some(right)) = (left.clone(), right.clone()) else {
        return left.or(right);
    };
    Some(match binary.op.to_string().as_str() {
        "and" | "unless" => left,
        // What holds for both.
        "or" => left.intersection(&right).cloned().collect(),
        _ => {
            let modifier = binary.modifier.clone().unwrap_or_default();
            match (&modifier.card, modifier.matching) {
                (promql_parser::parser::VectorMatchCardinality::ManyToOne(more), _) => left
                    .into_iter()
                    .chain(more.labels.iter().cloned())
                    .collect(),
                (promql_parser::parser::VectorMatchCardinality::OneToMany(more), _) => right
                    .into_iter()
                    .chain(more.labels.iter().cloned())
                    .collect(),
                (_, Some(LabelModifier::Include(on))) => on.labels.iter().cloned().collect(),
                _ => left,
            }
        }
    })
}
