//! Values that should not be: missing, impossible, filled in, against a business rule.

use harness::chain::Case;
use serde_json::json;

use crate::shop::{FEATURE, FILLED_IN, Fault};

/// What goes wrong, one after the other.
pub fn cases() -> Vec<Case<Fault>> {
    let (case, answers) = (Case::new, Fault::Answers);
    vec![
        case(
            "30 % nulls in one feature",
            answers(json!({"nulls": {FEATURE: 0.3}})),
            &[("FeatureMissingData", "critical", FEATURE, None)],
            &["FeatureMissingPatterns", "FeatureSegmentDrift"],
        ),
        case(
            "a small segment has lost half of a feature",
            answers(json!({"nulls_where": {FEATURE: ["household_size", "5+", 0.5]}})),
            &[("FeatureSegmentDrift", "critical", FEATURE, None)],
            &[],
        ),
        case(
            "as many nulls as before, in other rows",
            answers(json!({"moved_gaps": {"marital_status": 0.9}})),
            &[
                ("FeatureMissingPatterns", "critical", "", None),
                ("FeatureSegmentDrift", "critical", "marital_status", None),
            ],
            &[],
        ),
        case(
            "a category that never occurred",
            answers(json!({"unseen": {"home_store": 0.3}})),
            &[("FeatureInvalidValues", "critical", "home_store", None)],
            &["FeatureDrift", "FeatureSegmentDrift"],
        ),
        case(
            "NaN in one feature, and another out of its range",
            answers(json!({"nans": {FEATURE: 0.1}, "set": {"weekend_share_91d": [0.1, 1.2]}})),
            &[
                ("FeatureInvalidValues", "critical", FEATURE, None),
                (
                    "FeatureInvalidValues",
                    "critical",
                    "weekend_share_91d",
                    None,
                ),
            ],
            &[
                "FeatureDrift",
                "FeatureImputed",
                "FeatureOutliers",
                "FeatureSegmentDrift",
            ],
        ),
        case(
            "one value of ten is filled in",
            answers(json!({"set": {FEATURE: [0.1, 87.125]}})),
            &[("FeatureImputed", "critical", FEATURE, None)],
            &[
                "FeatureDrift",
                "FeatureOutliers",
                "FeatureCorrelationChanged",
                "FeatureSegmentDrift",
            ],
        ),
        case(
            "a third is missing, filled in and flagged",
            answers(json!({"nulls": {FILLED_IN: 0.3}})),
            &[("FeatureImputed", "critical", FILLED_IN, None)],
            &["FeatureCorrelationChanged"],
        ),
        case(
            "one row of a hundred that a business rule forbids",
            answers(json!({"set": {FEATURE: [0.01, -1]}})),
            &[(
                "FeatureRuleViolated",
                "critical",
                "",
                Some("non-negative-spend"),
            )],
            &[],
        ),
        // A rule over whole numbers, which are never zero before.
        case(
            "values of which a business rule cannot be computed",
            answers(json!({"set": {"frequency_total": [0.002, 0]}})),
            &[("FeatureRuleBroken", "warning", "", Some("evaluation"))],
            &[],
        ),
    ]
}
