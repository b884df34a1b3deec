//! What comes, and when: events, rows and targets that do not come in time, or come twice.
//!
//! The target of this shop is a number, and known twenty seconds after its window is complete: in newer rows it is null, of which
//! nobody is told.

use harness::chain::{Case, Told};
use serde_json::{Value, json};

use crate::shop::{FEATURE, Fault};

/// What the model predicts: a number.
const TARGET: &str = "monetary_91d";
/// What is written in the manifest in place of what.
pub const EDITS: &[(&str, &str)] = &[
    ("column: segment", "column: monetary_91d"),
    ("kind: Class", "kind: Number\n      delay: 20s"),
];

/// What the server always answers.
pub fn always() -> Value {
    json!({"unknown_for": {TARGET: 20}})
}

/// What goes wrong, one after the other.
pub fn cases() -> Vec<Case<Fault>> {
    let (case, answers) = (Case::new, Fault::Answers);
    let stale: &[Told] = &[("FeatureDataStale", "critical", "", None)];
    vec![
        // Before the next one: of a source that has stood still for long it is usual.
        Case {
            says: "not_advancing",
            ..case(
                "rows come, and no newer events",
                Fault::FromNowOn("events_until"),
                stale,
                &["FeatureStale", "FeatureSegmentStale"],
            )
        },
        Case {
            says: "not_materialised",
            ..case(
                "the data stands still",
                Fault::FromNowOn("freeze"),
                stale,
                &[
                    "FeatureStale",
                    "FeatureSegmentStale",
                    "FeatureMonitorNotJudging",
                ],
            )
        },
        case(
            "one segment stands still",
            answers(json!({"late": {"household_size": ["5+", 60]}})),
            &[("FeatureSegmentStale", "critical", "", None)],
            &[],
        ),
        case(
            "every second row does not come",
            answers(json!({"only": 0.5})),
            &[("FeatureRuleViolated", "critical", "", Some("volume"))],
            &[],
        ),
        case(
            "rows are served twice",
            answers(json!({"twice": 0.1})),
            &[("FeatureDuplicateKeys", "critical", "", None)],
            &[],
        ),
        // All features that told much have lost it, in one message. What is told is told of windows whose target is known.
        case(
            "targets that come late are of other rows",
            answers(json!({"shuffle": [TARGET]})),
            &[("FeaturePerformanceDegraded", "critical", FEATURE, None)],
            &[],
        ),
        case(
            "targets do not come in time",
            answers(json!({"unknown_for": {TARGET: 3600}})),
            &[(
                "FeatureMonitorNotJudging",
                "warning",
                "",
                Some("too_few_rows"),
            )],
            &[],
        ),
    ]
}
