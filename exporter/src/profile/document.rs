//! What `profile --output json` prints.

use std::collections::BTreeMap;

use crds::valid;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use stats::missingness::McarTest;
use stats::{
    BySeverity, CoMissingPair, Completeness, Difference, FeatureReport, Keys, Kind,
    MissingnessReport, NotComputed, PatternChange, Scope, Statistic, Summary, Verdict,
};

use super::segments::Segments;
use super::{because, state};
use crate::rules::{AggregateValue, Judgement, Outcome, RuleError, Unjudged};
use crate::snapshot::{BaselineInfo, BaselineState, RuleState, Snapshot};

/// All of it.
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
fn checks<'a>(
    monitor: &valid::Monitor,
    report: Option<&'a FeatureReport>,
    scope: Scope,
) -> Checks<'a> {
    let verdicts = report
        .into_iter()
        .flat_map(|report| report.verdicts.of(scope));
    let known = verdicts.map(|(check, verdict)| {
        let known = match verdict {
            Ok(verdict) => Known::Computed(verdict),
            Err(reason) => Known::NotComputed {
                statistic: None,
                because: because(monitor, check, reason),
            },
        };
        (check.name(), known)
    });
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

impl<'a> Known<'a, stats::Distance> {
    fn of(statistic: Statistic, result: &'a Result<stats::Distance, NotComputed>) -> Self {
        match result {
            Ok(value) => Self::Computed(value),
            Err(reason) => Self::NotComputed {
                statistic: Some(statistic),
                because: reason.to_string(),
            },
        }
    }
}

/// The JSON document. Sensitive features come without values.
pub(super) fn json(snapshot: &Snapshot, now: Timestamp) -> serde_json::Result<String> {
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
    let monitor = &snapshot.monitor;
    let document = Document {
        namespace: &monitor.namespace,
        name: &monitor.name,
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
        checks: checks(monitor, snapshot.whole.report.as_ref(), Scope::Window),
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
                    .map(|(statistic, distance)| Known::of(*statistic, distance))
                    .collect(),
                quality: feature.quality.map(|quality| quality.score()),
                checks: checks(monitor, feature.report.as_ref(), Scope::Feature),
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
