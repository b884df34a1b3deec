//! `check`: whether manifests are valid, for people or programs; with `--source` also whether the source has what they name.

use std::path::Path;

use arrow::datatypes::SchemaRef;
use crds::manifest::{self, LoadError};
use crds::valid::{Monitor, Violation};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::cli::{Check, Output};
use crate::config::{self, Config, ConfigError};
use crate::names::{self, Misfit};
use crate::rules::{self, Finding};
use crate::source::{FlightSource, Message, SecretsDir, SourceError};
use crate::window::Grid;

/// What is known about one file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    file: &'a Path,
    valid: bool,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    write: Option<String>,
}

/// Checks every file; the text to print, and whether all are valid.
pub async fn check(args: &Check, now: Timestamp) -> (String, bool) {
    let mut answers = Vec::new();
    for file in &args.files {
        answers.push(answer(file, args, now).await);
    }
    let valid = answers.iter().all(|answer| answer.valid);
    let text = match args.output {
        // Answers are made of texts, numbers and lists, all of which JSON has.
        Output::Json => serde_json::to_string_pretty(&answers).unwrap_or_default() + "\n",
        Output::Table => answers.iter().map(lines).collect(),
    };
    (text, valid)
}

async fn answer<'a>(file: &'a Path, args: &Check, now: Timestamp) -> Answer<'a> {
    let mut notes = Vec::new();
    let problems = match config::load(file) {
        Ok(loaded) => {
            notes = loaded.monitor.notes();
            of_columns(file, &loaded, args, now, &mut notes).await
        }
        Err(ConfigError::Invalid {
            source: LoadError::Violations(violations),
            ..
        }) => of_violations(file, violations.into_vec()),
        Err(ConfigError::Invalid { source, .. }) => vec![Problem::text(source.to_string())],
        Err(ConfigError::Read { source, .. }) => vec![Problem::text(source.to_string())],
    };
    Answer {
        file,
        valid: problems.is_empty(),
        problems,
        notes,
    }
}

/// What does not hold, and what is wrong with the expressions of rules where nothing else is: without a monitor of their columns
/// nothing is said.
fn of_violations(file: &Path, violations: Vec<Violation>) -> Vec<Problem> {
    let text = text_of(file);
    let mut misfits = of_rules(rules::check_text(&text));
    misfits.retain(|misfit| {
        let mut known = violations.iter();
        !known.any(|violation| violation.path == misfit.path)
    });
    let violations = violations.into_iter().map(|violation| Problem {
        path: Some(violation.path),
        line: violation.location.map(|place| place.line),
        column: violation.location.map(|place| place.column),
        found: violation.found,
        write: Some(violation.write),
    });
    let mut problems: Vec<Problem> = violations.chain(placed(misfits, &text)).collect();
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}

/// What is wrong with the names of columns and with the rules, and what could not be found out about them.
async fn of_columns(
    file: &Path,
    loaded: &Config,
    args: &Check,
    now: Timestamp,
    notes: &mut Vec<String>,
) -> Vec<Problem> {
    let monitor = &loaded.monitor;
    let mut problems = Vec::new();
    let mut known = None;
    if args.source {
        match columns(monitor, &args.secrets_dir, now).await {
            Ok(columns) if columns.fields().is_empty() => {
                notes.push(
                    "the source serves no column: names and rules were checked without them."
                        .into(),
                );
            }
            Ok(columns) => known = Some(columns),
            Err(error) => problems.push(Problem::text(format!(
                "the source was not asked for its columns: {error}"
            ))),
        }
    }
    let mut misfits = Vec::new();
    if let Some(columns) = &known {
        misfits.extend(names::misfits(monitor, columns));
        let names: Vec<&str> = columns.fields().iter().map(|f| f.name().as_str()).collect();
        let overrides = names::overrides(monitor, &names).into_iter();
        let (misspelt, globs): (Vec<_>, Vec<_>) = overrides.partition(|other| other.is_name);
        misfits.extend(misspelt.into_iter().map(|other| Misfit {
            found: other.found(),
            write: names::advice(other.near.as_deref()),
            path: other.path,
        }));
        let unmatched = globs.into_iter().chain(names::selections(monitor, &names));
        notes.extend(unmatched.map(|unmatched| format!("{unmatched}.")));
    }
    misfits.extend(of_rules(rules::check(monitor, known.as_deref())));
    let start = problems.len();
    problems.extend(placed(misfits, &text_of(file)));
    problems[start..].sort_by_key(|problem| (problem.line, problem.column));
    problems
}

fn of_rules(findings: Vec<Finding>) -> Vec<Misfit> {
    let findings = findings.into_iter();
    let misfits = findings.map(|finding| Misfit {
        path: finding.path,
        found: finding.error.finding(),
        write: finding.error.write,
    });
    misfits.collect()
}

/// The text of a file that was read a moment ago; where it is gone now, the places are what is missing.
fn text_of(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// Each with its place in the text.
fn placed(misfits: Vec<Misfit>, text: &str) -> impl Iterator<Item = Problem> {
    misfits.into_iter().map(move |misfit| {
        let place = manifest::location(text, &misfit.path);
        Problem {
            path: Some(misfit.path),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            found: misfit.found,
            write: Some(misfit.write),
        }
    })
}

/// The columns that the source serves for the newest complete window. No row is waited for.
async fn columns(
    monitor: &Monitor,
    secrets: &Path,
    now: Timestamp,
) -> Result<SchemaRef, SourceError> {
    let source = FlightSource::new(monitor.source.clone(), SecretsDir::new(secrets))?;
    let grid = monitor.data.window.as_ref().map(Grid::new);
    let span = grid.map(|grid| grid.span(grid.newest_complete(now)));
    let (sender, mut receiver) = mpsc::channel(1);
    // The receiver goes with the first message, which stops the pull.
    let first = async move { receiver.recv().await };
    let window = span.map(|span| (span.start, span.end));
    match tokio::join!(source.pull(window, sender), first) {
        (_, Some(Message::Schema(columns))) => Ok(columns),
        (Err(error), _) => Err(error),
        (Ok(_), _) => Ok(SchemaRef::new(arrow::datatypes::Schema::empty())),
    }
}

impl Problem {
    fn text(found: String) -> Self {
        Self {
            path: None,
            line: None,
            column: None,
            found,
            write: None,
        }
    }
}

fn lines(answer: &Answer<'_>) -> String {
    let file = answer.file.display();
    if answer.valid {
        let notes = answer.notes.iter().map(|note| format!("  note: {note}\n"));
        return format!("{file}: valid\n{}", notes.collect::<String>());
    }
    let mut text = format!(
        "{file}: {} {}\n",
        answer.problems.len(),
        if answer.problems.len() == 1 {
            "problem"
        } else {
            "problems"
        }
    );
    for problem in &answer.problems {
        let place = match (problem.line, problem.column) {
            (Some(line), Some(column)) => format!("{line}:{column} "),
            _ => String::new(),
        };
        let path = problem.path.as_deref().unwrap_or_default();
        let write = problem.write.as_deref().unwrap_or_default();
        let separator = if path.is_empty() { "" } else { ": " };
        text.push_str(&format!("  {place}{path}{separator}{}\n", problem.found));
        if !write.is_empty() {
            text.push_str(&format!("      {write}\n"));
        }
    }
    text
}
