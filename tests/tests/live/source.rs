//! The source, and who reads it: a server or an exporter that is not there, columns that are not as they were.

use harness::chain::{Case, Told};
use serde_json::json;

use crate::shop::{FEATURE, Fault};

/// A source that is down brings no newer events, and windows wait for it.
const WAITING: &[&str] = &[
    "FeatureDataStale",
    "FeatureStale",
    "FeatureSegmentStale",
    "FeatureMonitorFallingBehind",
];

/// A column that is not there has no newer events, and cannot be judged.
const GONE: &[&str] = &[
    "FeatureStale",
    "FeatureMonitorNotJudging",
    "FeatureRuleBroken",
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
            "a column is dropped",
            answers(json!({"drop": [FEATURE]})),
            &[("FeatureAbsent", "critical", FEATURE, Some("missing"))],
            GONE,
        ),
        case(
            "a column is renamed",
            answers(json!({"rename": {FEATURE: "spend_28d"}})),
            &[
                ("FeatureAbsent", "critical", FEATURE, Some("renamed")),
                ("FeatureSchemaChanged", "warning", "spend_28d", Some("new")),
            ],
            GONE,
        ),
        case(
            "a column has another type",
            answers(json!({"cast": {"frequency_28d": "float64"}})),
            &[(
                "FeatureSchemaChanged",
                "critical",
                "frequency_28d",
                Some("type_changed"),
            )],
            &[],
        ),
        case(
            "the exporter dies",
            Fault::ExporterDies,
            &[("FeatureMonitorExporterDown", "critical", "", None)],
            &[],
        ),
    ]
}
