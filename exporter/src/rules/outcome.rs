//! What a window says about each rule: held, violated, unknown, or not to be known.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion_common::{DataFusionError, ScalarValue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::measure::{Measure, RowCounts, incomputable};
use super::plan::WindowPlan;
use super::{Rule, RuleError};
use crate::window::Span;

/// What is known of a rule after a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It was judged.
    Judged(Judgement),
    /// It could not be judged in this window, and may be in the next.
    NotJudged(Unjudged),
    /// It cannot be judged before somebody acts.
    Broken(RuleError),
}

/// A judgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Judgement {
    /// Of a rule over rows.
    Rows {
        /// Rows for which it is true or false.
        rows: u64,
        /// Those for which it is false.
        violations: u64,
        /// Rows for which it is neither, which count for nothing.
        unknown: u64,
        /// Whether the share of violations is above the tolerance.
        breached: bool,
    },
    /// Of a rule over the window.
    Window {
        /// Whether it is false.
        breached: bool,
        /// The values that it speaks of; none where they must not be shown.
        values: Vec<AggregateValue>,
    },
}

/// The value of an aggregate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AggregateValue {
    /// The aggregate.
    pub aggregate: String,
    /// In the window; nothing for a null.
    pub now: Option<String>,
    /// In the window before, where the rule asks for it; nothing for a null.
    pub before: Option<String>,
}

/// Why a rule was not judged in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unjudged {
    /// The window has no row.
    NoRows,
    /// The expression is null: for the window, or for every row of it.
    Unknown,
    /// Of the window before nothing is remembered.
    NoPrevious,
}

impl Unjudged {
    /// The value of the label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Unjudged::NoRows => "no_rows",
            Unjudged::Unknown => "unknown",
            Unjudged::NoPrevious => "no_previous",
        }
    }
}

impl Judgement {
    /// Whether the rule is violated.
    pub fn breached(&self) -> bool {
        match self {
            Self::Rows { breached, .. } | Self::Window { breached, .. } => *breached,
        }
    }

    /// The share of violating rows among those of which the rule is true or false; nothing for a rule over the window.
    pub fn ratio(&self) -> Option<f64> {
        match self {
            Self::Rows {
                rows, violations, ..
            } => (*rows > 0).then(|| *violations as f64 / *rows as f64),
            Self::Window { .. } => None,
        }
    }
}

/// The rules of the window judged last, and its aggregates, which the next one may ask for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JudgedRules {
    /// Outcomes by rule, each with the text that it is of.
    pub outcomes: BTreeMap<String, (String, Outcome)>,
    /// What the next window may ask for.
    pub before: Option<Before>,
}

/// Aggregates of a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    /// Its end.
    pub end: Timestamp,
    /// Values as text by what the aggregate says, with its casts; nothing for a null. What an earlier release has saved as
    /// `values` went by words that left casts out, and is not read.
    #[serde(default)]
    pub aggregates: BTreeMap<String, Option<String>>,
}

impl JudgedRules {
    /// What is known of a rule as it is now.
    pub fn outcome(&self, name: &str, text: &str) -> Option<&Outcome> {
        let (of, outcome) = self.outcomes.get(name)?;
        (of == text).then_some(outcome)
    }
}

impl Before {
    /// Those of a window that ends at `end`.
    pub fn of(end: Timestamp, measures: &[Measure]) -> Self {
        let mut aggregates = BTreeMap::new();
        for measure in measures {
            let Measure::Window(plan, found) = measure else {
                continue;
            };
            for (aggregate, value) in plan.aggregates.iter().zip(found) {
                if aggregate.looked_back
                    && let Ok(text) = text(value)
                {
                    aggregates.insert(aggregate.text.clone(), text);
                }
            }
        }
        Self { end, aggregates }
    }
}

/// Judges the rules of one window. The window before counts only where it ends when this one begins.
pub fn judge(
    rules: &[Rule],
    measures: &[Measure],
    span: Span,
    before: Option<&Before>,
) -> BTreeMap<String, (String, Outcome)> {
    let before = before.filter(|before| before.end == span.start);
    let judged = rules.iter().zip(measures).map(|(rule, measure)| {
        let outcome = match measure {
            Measure::Rows(counts) => rows(counts, rule.tolerance),
            Measure::Window(plan, values) => {
                window(plan, values, before, rule.sensitive).unwrap_or_else(Outcome::Broken)
            }
            Measure::NoColumns => Outcome::NotJudged(Unjudged::NoRows),
            Measure::Broken(error) => Outcome::Broken(error.clone()),
        };
        (rule.name.clone(), (rule.text.clone(), outcome))
    });
    judged.collect()
}

fn rows(counts: &RowCounts, tolerance: f64) -> Outcome {
    let RowCounts {
        holds,
        violations,
        unknown,
        ..
    } = *counts;
    let rows = holds + violations;
    match (rows, unknown) {
        (0, 0) => Outcome::NotJudged(Unjudged::NoRows),
        (0, _) => Outcome::NotJudged(Unjudged::Unknown),
        _ => Outcome::Judged(Judgement::Rows {
            rows,
            violations,
            unknown,
            breached: violations as f64 / rows as f64 > tolerance,
        }),
    }
}

fn window(
    plan: &WindowPlan,
    now: &[ScalarValue],
    before: Option<&Before>,
    sensitive: bool,
) -> Result<Outcome, RuleError> {
    let mut earlier = Vec::new();
    for (aggregate, value) in plan.aggregates.iter().zip(now) {
        let data_type = value.data_type();
        let known = match aggregate.looked_back {
            true => before
                .and_then(|before| before.aggregates.get(&aggregate.text))
                .and_then(|text| read(text.as_deref(), &data_type)),
            // It is not asked for.
            false => ScalarValue::try_from(&data_type).ok(),
        };
        match known {
            Some(value) => earlier.push(value),
            None => return Ok(Outcome::NotJudged(Unjudged::NoPrevious)),
        }
    }
    let holds = holds(plan, now, &earlier).map_err(|error| incomputable(&error))?;
    let Some(holds) = holds else {
        return Ok(Outcome::NotJudged(Unjudged::Unknown));
    };
    let shown = plan.aggregates.iter().zip(now.iter().zip(&earlier));
    let values = shown.map(|(aggregate, (now, before))| AggregateValue {
        aggregate: aggregate.text.clone(),
        now: text(now).ok().flatten(),
        before: (aggregate.looked_back)
            .then(|| text(before).ok().flatten())
            .flatten(),
    });
    Ok(Outcome::Judged(Judgement::Window {
        breached: !holds,
        values: if sensitive {
            Vec::new()
        } else {
            values.collect()
        },
    }))
}

fn holds(
    plan: &WindowPlan,
    now: &[ScalarValue],
    before: &[ScalarValue],
) -> Result<Option<bool>, DataFusionError> {
    let values = now.iter().chain(before).map(ScalarValue::to_array);
    let values: Vec<ArrayRef> = values.collect::<Result<_, _>>()?;
    let batch = RecordBatch::try_new(plan.schema.clone(), values)?;
    let value = plan.holds.evaluate(&batch)?.into_array(1)?;
    let value = value.as_boolean_opt().filter(|value| value.is_valid(0));
    Ok(value.map(|value| value.value(0)))
}

/// A value as text that [`read`] understands; nothing for a null.
fn text(value: &ScalarValue) -> Result<Option<String>, DataFusionError> {
    if value.is_null() {
        return Ok(None);
    }
    match value.cast_to(&DataType::Utf8)? {
        ScalarValue::Utf8(text) => Ok(text),
        _ => Ok(None),
    }
}

/// The value of a type that a text stands for; nothing where it stands for none.
fn read(text: Option<&str>, data_type: &DataType) -> Option<ScalarValue> {
    match text {
        None => ScalarValue::try_from(data_type).ok(),
        Some(text) => ScalarValue::try_from_string(text.to_owned(), data_type).ok(),
    }
}

/// Whether values of a type come back from their text. Binary ones do not: they need not be text.
pub(super) fn is_remembered(data_type: &DataType) -> bool {
    if data_type.is_null() {
        return true;
    }
    let binary = data_type.is_binary() || matches!(data_type, DataType::FixedSizeBinary(_));
    let value = ScalarValue::new_default(data_type).ok();
    let text = value.as_ref().and_then(|value| text(value).ok().flatten());
    let read = text.and_then(|text| read(Some(&text), data_type));
    !binary && value.is_some() && read == value
}
