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
/// The colour of what is compared with.
pub const REFERENCE: &str = "#8e8e8e";
/// Colours of series whose names are known, as many as there are checks: each differs from the others also in brightness or in blue,
/// and none is that of a warning, of what is critical, or of what is compared with.
pub const SERIES: [&str; 14] = [
    "blue",
    "semi-dark-yellow",
    "#1f9e9e",
    "super-light-blue",
    "light-purple",
    "dark-blue",
    "#967302",
    "#63c9c9",
    "#b0659a",
    "#c2a878",
    "light-blue",
    "super-light-purple",
    "dark-yellow",
    "semi-dark-blue",
];

/// The first colours of Grafana's own palette, which tell series apart whose names are not known: as many as a chart shows, and one.
pub const PALETTE: [&str; 9] = [
    "green",
    "semi-dark-yellow",
    "blue",
    "orange",
    "red",
    "purple",
    "dark-green",
    "dark-yellow",
    "dark-blue",
];

/// A state's colour as the ground of a text. Grafana writes dark on what is bright and white on the rest, and white cannot be read on
/// the orange and the grey of lines.
pub fn ground(color: &str) -> &str {
    match color {
        GOOD => "#2c6bcb",
        PARTLY => "#c0d8ff",
        WARNING => "#ffb357",
        CRITICAL => "#8f3bb8",
        UNKNOWN => "#6e6e6e",
        other => other,
    }
}

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
    let states = states.iter();
    mapped(states.map(|state| (state.value.to_string(), state.text, state.color)))
}

/// The words of states, and their colours as grounds.
pub fn grounds(states: &[State]) -> Vec<Mapping> {
    let states = states.iter();
    mapped(states.map(|state| (state.value.to_string(), state.text, ground(state.color))))
}

/// Severities, and their colours as grounds.
pub fn severities() -> Vec<Mapping> {
    let severities = [("critical", CRITICAL), ("warning", WARNING)].into_iter();
    mapped(severities.map(|(name, color)| (name.to_owned(), name, ground(color))))
}

/// What stands for each value: a text and a colour.
fn mapped<'a>(values: impl Iterator<Item = (String, &'a str, &'a str)>) -> Vec<Mapping> {
    let values = values.map(|(value, text, color)| (value, text, Some(color)));
    vec![Mapping::Value(texts(values))]
}

/// Names of statistics and of parts of limits as people write them.
pub fn words() -> Vec<Mapping> {
    let own = [
        ("auc_fall", "AUC fall"),
        ("cusum", "CUSUM"),
        ("ewma", "EWMA"),
        ("ks", "KS"),
        ("psi", "PSI"),
    ];
    let own = own.into_iter();
    let blank = Mapped {
        text: " ".to_owned(),
        color: None,
        index: 0,
    };
    vec![
        Mapping::Value(texts(own.map(|(name, text)| (name.to_owned(), text, None)))),
        Mapping::Regex {
            pattern: "/_/g".to_owned(),
            result: blank,
        },
    ]
}

fn texts<'a>(
    values: impl Iterator<Item = (String, &'a str, Option<&'a str>)>,
) -> BTreeMap<String, Mapped> {
    let mapped = values.zip(0..).map(|((value, text, color), index)| {
        let mapped = Mapped {
            text: text.to_owned(),
            color: color.map(str::to_owned),
            index,
        };
        (value, mapped)
    });
    mapped.collect()
}
