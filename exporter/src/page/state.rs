//! The one word that a feature's row begins with.

use stats::{FeatureReport, NotComputed, Scope, Severity};

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
    /// Drift gives no verdict, for another reason; where it is off, no check does.
    NotJudged,
    /// The column is not in the baseline.
    New,
    /// The feature moves by construction and is not judged.
    Moving,
    /// Nothing is wrong.
    Ok,
}

impl State {
    /// All of them, worst first.
    pub const ALL: [State; 9] = [
        State::Critical,
        State::Missing,
        State::Warning,
        State::NoData,
        State::TooFewRows,
        State::NotJudged,
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
        if gone || feature.present == Some(false) && feature.expected {
            State::Missing
        } else if worst == Some(Severity::Critical) {
            State::Critical
        } else if feature.problem == Some(Problem::New) {
            State::New
        } else if worst == Some(Severity::Warning) {
            State::Warning
        } else {
            match &feature.report {
                Some(report) => State::of_verdicts(report, feature, snapshot),
                None => State::NoData,
            }
        }
    }

    /// The state of a feature of which no check is breached.
    fn of_verdicts(report: &FeatureReport, feature: &FeatureState, snapshot: &Snapshot) -> State {
        match &report.verdicts.drift {
            Ok(verdict) if verdict.rows < verdict.min_rows => State::TooFewRows,
            Ok(_) => State::Ok,
            Err(NotComputed::Moving) => State::Moving,
            Err(NotComputed::TooFewRows { .. } | NotComputed::NoReference { .. }) => {
                State::TooFewRows
            }
            Err(NotComputed::Disabled) => State::without_drift(report, feature, snapshot),
            Err(NotComputed::Absent) => State::NoData,
            Err(_) => State::NotJudged,
        }
    }

    /// The state where drift is switched off: well is only what another check has judged.
    fn without_drift(report: &FeatureReport, feature: &FeatureState, snapshot: &Snapshot) -> State {
        let mut too_few = false;
        let mut judges_values = false;
        for (_, verdict) in report.verdicts.of(Scope::Feature) {
            match verdict {
                Ok(verdict) if verdict.rows >= verdict.min_rows => return State::Ok,
                Ok(_)
                | Err(
                    NotComputed::TooFewRows { .. }
                    | NotComputed::NoReference { .. }
                    | NotComputed::NoSample
                    | NotComputed::NoSegmentOfWindow,
                ) => too_few = true,
                Err(reason) => judges_values |= !not_about(reason),
            }
        }
        let others = [
            feature.schema_breached(snapshot.monitor.checks.schema.enabled),
            feature.freshness.as_ref().map(|judged| judged.breached),
        ];
        if too_few {
            State::TooFewRows
        } else if !judges_values && others.iter().any(Option::is_some) {
            State::Ok
        } else {
            State::NotJudged
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
            State::NotJudged => "not judged",
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
            State::NoData | State::TooFewRows | State::NotJudged => "none",
            State::New => "new",
            State::Moving => "moving",
            State::Ok => "ok",
        }
    }
}

/// Whether a check is off, or not about features like this one or a baseline like this one: that it says nothing needs no word.
pub fn not_about(reason: &NotComputed) -> bool {
    matches!(
        reason,
        NotComputed::Disabled
            | NotComputed::NotForKind { .. }
            | NotComputed::NoSegmentOfBaseline { .. }
            | NotComputed::TooFewWindows { .. }
            | NotComputed::NotSeasonal
            | NotComputed::Seasonal
    )
}
