//! The one word that a feature's row begins with.

use stats::{NotComputed, Severity};

use crate::schema::Problem;
use crate::snapshot::{FeatureState, Snapshot};

/// What a feature's row says first, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A check is breached at critical.
    Critical,
    /// The column is not in the data.
    Missing,
    /// A check is breached at warning.
    Warning,
    /// There is nothing to judge.
    NoData,
    /// There is too little to judge.
    TooFewRows,
    /// The column is not in the baseline.
    New,
    /// The feature moves by construction and is not judged.
    Moving,
    /// Nothing is wrong.
    Ok,
}

impl State {
    /// All of them, worst first.
    pub const ALL: [State; 8] = [
        State::Critical,
        State::Missing,
        State::Warning,
        State::NoData,
        State::TooFewRows,
        State::New,
        State::Moving,
        State::Ok,
    ];

    /// The state of a feature.
    pub fn of(feature: &FeatureState, snapshot: &Snapshot) -> State {
        let worst = feature.worst(snapshot.monitor.checks.schema.enabled);
        let gone = matches!(
            feature.problem,
            Some(Problem::Missing | Problem::Renamed { .. })
        );
        let drift = feature.report.as_ref().map(|report| &report.verdicts.drift);
        if gone || feature.present == Some(false) && feature.expected {
            State::Missing
        } else if worst == Some(Severity::Critical) {
            State::Critical
        } else if feature.problem == Some(Problem::New) {
            State::New
        } else if worst == Some(Severity::Warning) {
            State::Warning
        } else {
            match drift {
                Some(Err(NotComputed::Moving)) => State::Moving,
                Some(Err(NotComputed::TooFewRows { .. } | NotComputed::NoReference { .. })) => {
                    State::TooFewRows
                }
                Some(Err(NotComputed::Disabled)) if feature.summary.is_some() => State::Ok,
                Some(Ok(verdict)) if verdict.rows < verdict.min_rows => State::TooFewRows,
                Some(Ok(_)) => State::Ok,
                Some(Err(_)) | None => State::NoData,
            }
        }
    }

    /// The state in words.
    pub fn words(self) -> &'static str {
        match self {
            State::Critical => "critical",
            State::Missing => "missing column",
            State::Warning => "warning",
            State::NoData => "no data",
            State::TooFewRows => "too few rows",
            State::New => "new column",
            State::Moving => "moving",
            State::Ok => "ok",
        }
    }

    /// The style of the state: severe ones share a colour, their marks and words differ.
    pub fn class(self) -> &'static str {
        match self {
            State::Critical => "critical",
            State::Missing => "critical gone",
            State::Warning => "warning",
            State::NoData | State::TooFewRows => "none",
            State::New => "new",
            State::Moving => "moving",
            State::Ok => "ok",
        }
    }
}
