//! States in words and colours: a number is never shown where it stands for a word.

use std::collections::BTreeMap;

use crate::grafana::field::{Mapped, Mapping};

/// What a number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The number.
    pub value: i8,
    /// The word.
    pub text: &'static str,
    /// Its colour.
    pub color: &'static str,
}

// Blue, orange and purple are told apart by those who see no red or green, and each also differs in brightness.

/// The colour of what is well.
pub const GOOD: &str = "blue";
/// The colour of what is well as far as it is known.
pub const PARTLY: &str = "super-light-blue";
/// The colour of what should be looked at.
pub const WARNING: &str = "orange";
/// The colour of what needs somebody now.
pub const CRITICAL: &str = "dark-purple";
/// The colour of what is not known: of no verdict, which is not a good one.
pub const UNKNOWN: &str = "#8e8e8e";
/// Colours of series whose names are known, as many as there are checks: each differs from the others also in brightness or in blue.
pub const SERIES: [&str; 14] = [
    "blue",
    "orange",
    "purple",
    "semi-dark-yellow",
    "#8e8e8e",
    "dark-blue",
    "dark-orange",
    "dark-purple",
    "super-light-blue",
    "light-purple",
    "super-light-orange",
    "dark-yellow",
    "light-blue",
    "super-light-purple",
];

/// The colour of what is compared with.
pub const REFERENCE: &str = "#8e8e8e";

const fn state(value: i8, text: &'static str, color: &'static str) -> State {
    State { value, text, color }
}

/// Verdicts of a check, or the worst of several. What is over no limit, and not judged by all checks, is not called ok.
pub const VERDICTS: &[State] = &[
    state(-1, "no verdict", UNKNOWN),
    state(0, "ok", GOOD),
    state(1, "partly judged", PARTLY),
    state(2, "warning", WARNING),
    state(3, "critical", CRITICAL),
];

/// How far a monitor is from giving verdicts.
pub const WATCHED: &[State] = &[
    state(0, "exporter down", CRITICAL),
    state(1, "source down", CRITICAL),
    state(2, "evaluation fails", CRITICAL),
    state(3, "yes", GOOD),
    state(4, "starting", UNKNOWN),
];

/// What becomes of a source, by the state's place in the label's closed set.
pub const SUPPLIED: &[State] = &[
    state(0, "not known", UNKNOWN),
    state(1, "goes on", GOOD),
    state(2, "no event time", UNKNOWN),
    state(3, "no newer events", WARNING),
    state(4, "not materialised", CRITICAL),
];

/// Two states of a flag.
pub const fn flag(no: &'static str, bad: &'static str, yes: &'static str) -> [State; 2] {
    [state(0, no, bad), state(1, yes, GOOD)]
}

/// The words and colours of states.
pub fn mappings(states: &[State]) -> Vec<Mapping> {
    let mapped = states.iter().zip(0..).map(|(state, index)| {
        let mapped = Mapped {
            text: state.text.to_owned(),
            color: Some(state.color.to_owned()),
            index,
        };
        (state.value.to_string(), mapped)
    });
    vec![Mapping::Value(mapped.collect::<BTreeMap<_, _>>())]
}
