//! Business rules: boolean SQL expressions that must hold of each row, or of a window as a whole.
//!
//! ```text
//! text -parse-> Expression -plan(columns)-> Plan -measure(batches)-> Measure -judge(window before)-> Outcome
//! ```
//!
//! DataFusion's parts plan and evaluate the expressions, a batch at a time; there is no query engine. What is wrong with one
//! rule breaks that rule alone, and is said of it.

mod expression;
mod functions;
mod measure;
mod outcome;
mod plan;

use arrow::datatypes::Schema;
use crds::manifest;
use crds::valid::{self, Monitor};
use serde::{Deserialize, Serialize};

pub use expression::Expression;
pub use measure::{Measure, Measuring};
pub use outcome::{AggregateValue, Before, JudgedRules, Judgement, Outcome, Unjudged, judge};
pub use plan::{Plan, plan};

/// A rule whose text has been read, once.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What it says, or why it says nothing.
    pub expression: Result<Expression, RuleError>,
    /// Share of rows that may violate it.
    pub tolerance: f64,
    /// How many keys of violating rows are kept for the log.
    pub keys: usize,
    /// Whether it reads a column whose values must not be shown.
    pub sensitive: bool,
}

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// The text is no SQL expression, or one that a rule cannot be.
    Syntax,
    /// It calls a function that there is not, or that gives another answer every time.
    Function,
    /// It has an aggregate where none may be, lacks one, or has one without a bound on its memory.
    Aggregate,
    /// It names a column that the source does not have.
    Column,
    /// Its types do not fit together, it is not boolean, or its constants or an aggregate can never be computed.
    Type,
    /// It could not be computed of the values that came.
    Evaluation,
}

impl Fault {
    /// The value of the label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Fault::Syntax => "syntax",
            Fault::Function => "function",
            Fault::Aggregate => "aggregate",
            Fault::Column => "column",
            Fault::Type => "type",
            Fault::Evaluation => "evaluation",
        }
    }
}

/// A place in a rule's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// Why a rule cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}; {write}", self.finding())]
pub struct RuleError {
    /// What kind of fault it is.
    pub fault: Fault,
    /// Where in the text; nothing where the text as a whole is meant.
    pub position: Option<Position>,
    /// What was found, without a value of a row.
    pub found: String,
    /// What to write.
    pub write: String,
}

impl RuleError {
    fn new(
        fault: Fault,
        position: Option<Position>,
        found: impl Into<String>,
        write: &str,
    ) -> Self {
        Self {
            fault,
            position,
            found: found.into(),
            write: write.to_owned(),
        }
    }

    /// What was found, with its place in the text.
    pub fn finding(&self) -> String {
        format!("{}{}", self.place(), self.found)
    }

    /// The place in words, with what follows it; empty where there is none.
    fn place(&self) -> String {
        match self.position {
            None => String::new(),
            Some(Position { line: 1, column }) => format!("at character {column}: "),
            Some(Position { line, column }) => format!("at line {line}, character {column}: "),
        }
    }
}

/// Reads the rules of a monitor.
pub fn read(monitor: &Monitor) -> Vec<Rule> {
    let sensitive = |column: &str| monitor.data.features.sensitive(column);
    monitor
        .rules
        .iter()
        .map(|rule| {
            let expression = Expression::parse(&rule.expr, rule.over);
            let reads = expression.as_ref().map(Expression::columns);
            let hides = reads.is_ok_and(|columns| columns.iter().any(|name| sensitive(name)));
            Rule {
                name: rule.name.clone(),
                text: rule.expr.clone(),
                expression,
                tolerance: rule.tolerance,
                keys: if hides { 0 } else { rule.sample_keys },
                sensitive: hides,
            }
        })
        .collect()
}

/// Something wrong with a rule of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path of the field.
    pub path: String,
    /// What is wrong.
    pub error: RuleError,
}

/// Everything that is wrong with the rules of a monitor; of columns and types only where `columns`, those of the source, are
/// known.
pub fn check(monitor: &Monitor, columns: Option<&Schema>) -> Vec<Finding> {
    let rules = read(monitor);
    let mut findings = Vec::new();
    for (i, (given, rule)) in monitor.rules.iter().zip(&rules).enumerate() {
        let error = match (&rule.expression, columns) {
            (Err(error), _) => Some(error.clone()),
            (Ok(expression), Some(columns)) => plan(expression, columns).err(),
            (Ok(_), None) => None,
        };
        findings.extend(error.map(|error| Finding {
            path: format!("spec.rules[{i}].expr"),
            error,
        }));
        findings.extend(hidden_keys(given, rule).map(|error| Finding {
            path: format!("spec.rules[{i}].sampleKeys"),
            error,
        }));
    }
    findings
}

/// Everything that is wrong with the expressions of a text whose other fields may not hold: what can be said without a monitor.
pub fn check_text(text: &str) -> Vec<Finding> {
    let written = manifest::expressions(text).into_iter();
    let findings = written.filter_map(|written| {
        let error = Expression::parse(&written.expr, written.over).err()?;
        Some(Finding {
            path: written.path,
            error,
        })
    });
    findings.collect()
}

/// Keys of rows that violate a rule about a sensitive feature say what its value is, or is not.
fn hidden_keys(given: &valid::Rule, rule: &Rule) -> Option<RuleError> {
    (given.sample_keys > 0 && rule.sensitive).then(|| {
        let found = "the rule reads a feature that is sensitive by data.features.overrides, and the keys of its violations would be logged";
        RuleError::new(Fault::Syntax, None, found, "remove sampleKeys")
    })
}

/// Whether a rule asks for the window before.
pub fn look_back(rules: &[Rule]) -> bool {
    let mut expressions = rules
        .iter()
        .filter_map(|rule| rule.expression.as_ref().ok());
    expressions.any(Expression::looks_back)
}
