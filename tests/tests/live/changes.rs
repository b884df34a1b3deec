//! Values that may be, and are not as they were: far out, shifted, one alone, those of other rows.

use harness::chain::Case;
use serde_json::json;

use crate::shop::{FEATURE, Fault};

/// What goes wrong, one after the other.
pub fn cases() -> Vec<Case<Fault>> {
    let (case, answers) = (Case::new, Fault::Answers);
    vec![
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
