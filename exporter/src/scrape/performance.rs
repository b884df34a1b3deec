//! What features tell about the target.

use metrics::{Label, table};
use stats::{PerformanceReport, Power};

use super::{Out, label};

/// All features together.
pub(super) fn together(out: &mut Out, report: &PerformanceReport) {
    out.add(&table::TARGET_ROWS, [], report.rows as f64);
    let explained = report.r_squared.as_ref().ok();
    out.add_some(&table::TARGET_EXPLAINED_RATIO, [], explained.copied());
    out.add_some(&table::CONTRIBUTION_STABILITY, [], report.rank_stability);
    for (feature, share) in &report.contributions {
        let feature = label(feature);
        let labels = [(Label::Feature, &*feature)];
        out.add(&table::FEATURE_CONTRIBUTION_RATIO, labels, *share);
    }
}

/// One feature by itself.
pub(super) fn power(out: &mut Out, power: &Power, name: &str) {
    for (measure, measured) in &power.values {
        let labels = [(Label::Feature, name), (Label::Statistic, measure.name())];
        out.add(&table::FEATURE_POWER, labels, measured.value);
        out.add(&table::FEATURE_POWER_LOWER_BOUND, labels, measured.low);
        out.add(&table::FEATURE_POWER_UPPER_BOUND, labels, measured.high);
    }
    if let Some((measure, reference)) = power.judged.zip(power.reference) {
        let labels = [(Label::Feature, name), (Label::Statistic, measure.name())];
        out.add(&table::FEATURE_REFERENCE_POWER, labels, reference);
    }
}
