//! Columns and values that may be, and are not as they were: gone, of another name or type, far out, shifted, all alike, of other
//! rows.

use harness::chain::Case;
use serde_json::json;

use crate::shop::{FEATURE, Fault};

/// A column that is not there has no newer events, and cannot be judged.
const GONE: &[&str] = &[
    "FeatureStale",
    "FeatureMonitorNotJudging",
    "FeatureRuleBroken",
];

/// What goes wrong, one after the other.
pub fn cases() -> Vec<Case<Fault>> {
    let (case, answers) = (Case::new, Fault::Answers);
    vec![
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
            "numbers far out in one row of ten",
            answers(json!({"between": {FEATURE: [0.1, 550, 650]}})),
            &[
                ("FeatureOutliers", "critical", FEATURE, None),
                ("FeatureDrift", "warning", FEATURE, None),
            ],
            &["FeatureCorrelationChanged", "FeatureSegmentDrift"],
        ),
        case(
            "a feature is shifted",
            answers(json!({"shift": {FEATURE: 50}})),
            &[("FeatureDrift", "critical", FEATURE, None)],
            &["FeatureOutliers", "FeatureSegmentDrift"],
        ),
        // It goes on to be shifted, and nothing below tells of it.
        case(
            "a feature is shifted, which is accepted",
            Fault::Accepted(json!({"shift": {"monetary_91d": 150}})),
            &[("FeatureDrift", "critical", "monetary_91d", None)],
            &["FeatureOutliers", "FeatureSegmentDrift"],
        ),
        case(
            "a feature has become constant",
            answers(json!({"set": {FEATURE: [1, 0]}})),
            &[("FeatureConstant", "critical", FEATURE, Some("constant"))],
            &[
                "FeatureDrift",
                "FeatureOutliers",
                "FeatureInvalidValues",
                "FeatureMissingData",
                "FeaturePerformanceDegraded",
                "FeatureSegmentDrift",
            ],
        ),
        case(
            "values go to the wrong rows",
            answers(json!({"shuffle": [FEATURE]})),
            &[("FeatureCorrelationChanged", "critical", FEATURE, None)],
            &["FeaturePerformanceDegraded", "FeatureSegmentDrift"],
        ),
        // Features that tell much have lost it all, in one message.
        case(
            "labels go to the wrong rows",
            answers(json!({"shuffle": ["segment"]})),
            &[(
                "FeaturePerformanceDegraded",
                "critical",
                "monetary_91d",
                None,
            )],
            &[],
        ),
    ]
}
