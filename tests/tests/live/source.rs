//! The source, and who reads it: a server or an exporter that is not there, or does not answer.

use harness::chain::{Case, Told};
use serde_json::json;

use crate::shop::Fault;

/// A source that is down brings no newer events, and windows wait for it.
const WAITING: &[&str] = &[
    "FeatureDataStale",
    "FeatureStale",
    "FeatureSegmentStale",
    "FeatureMonitorFallingBehind",
];

/// What goes wrong, one after the other.
pub fn cases() -> Vec<Case<Fault>> {
    let (case, answers) = (Case::new, Fault::Answers);
    let down: &[Told] = &[("FeatureMonitorSourceDown", "critical", "", None)];
    vec![
        Case {
            escalates: true,
            ..case("the server is killed", Fault::ServerDies, down, WAITING)
        },
        case(
            "the server hangs",
            answers(json!({"hang": 60})),
            down,
            WAITING,
        ),
        case(
            "a wrong token",
            answers(json!({"fail": "unauthenticated"})),
            down,
            WAITING,
        ),
        case(
            "the exporter dies",
            Fault::ExporterDies,
            &[("FeatureMonitorExporterDown", "critical", "", None)],
            &[],
        ),
    ]
}
