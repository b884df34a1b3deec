//! `check`: whether manifests are valid, for people or programs.

use std::path::Path;

use crds::manifest::LoadError;
use serde::Serialize;

use crate::cli::{Check, Output};
use crate::config::{self, ConfigError};

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
pub fn check(args: &Check) -> (String, bool) {
    let answers: Vec<Answer<'_>> = args.files.iter().map(|file| answer(file)).collect();
    let valid = answers.iter().all(|answer| answer.valid);
    let text = match args.output {
        // Answers are made of texts, numbers and lists, all of which JSON has.
        Output::Json => serde_json::to_string_pretty(&answers).unwrap_or_default() + "\n",
        Output::Table => answers.iter().map(lines).collect(),
    };
    (text, valid)
}

fn answer(file: &Path) -> Answer<'_> {
    let mut notes = Vec::new();
    let problems = match config::load(file) {
        Ok(loaded) => {
            notes = loaded.monitor.notes();
            Vec::new()
        }
        Err(ConfigError::Invalid {
            source: LoadError::Violations(violations),
            ..
        }) => violations
            .into_vec()
            .into_iter()
            .map(|violation| Problem {
                path: Some(violation.path),
                line: violation.location.map(|place| place.line),
                column: violation.location.map(|place| place.column),
                found: violation.found,
                write: Some(violation.write),
            })
            .collect(),
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
