//! What each check says, or why it says nothing.

use metrics::{Label, table};
use stats::{
    BySeverity, Check, FeatureReport, LimitPart, NotComputed, Scope, Severity, Statistic, Verdict,
};
use stats::{association, predictive, seasonal};

use super::{Out, flag};
use crate::freshness::Freshness;
use crate::settings::check_of;
use crate::snapshot::{BaselineState, Breaches, FeatureState, Judged, Snapshot, Standing};

/// Why a check of a feature has no verdict.
#[derive(Clone, Copy)]
pub(super) enum NoVerdict {
    /// There is nothing to compare with.
    NoBaseline,
    /// The baseline does not have the feature: its column is a new one, of which the schema check tells.
    NotInBaseline,
    /// No complete window was judged yet.
    NoWindow,
    /// No row with an event time was seen, or fewer than the check asks for.
    NoEvent,
    /// The newest rows wait until older windows are caught up.
    CatchingUp,
    /// The statistic says why.
    NotComputed(NotComputed),
}

impl NoVerdict {
    /// The reason as a label value; nothing for a check that is switched off, or is not about features like this one: that
    /// has no samples at all.
    fn reason(self) -> Option<&'static str> {
        Some(match self {
            NoVerdict::NoBaseline => "no_baseline",
            NoVerdict::NotInBaseline => "not_in_baseline",
            NoVerdict::NoWindow => "no_window",
            NoVerdict::NoEvent => "no_event",
            NoVerdict::CatchingUp => "catching_up",
            NoVerdict::NotComputed(reason) => match reason {
                NotComputed::TooFewRows { .. } => "too_few_rows",
                NotComputed::NoReference { .. } => "too_few_baseline_rows",
                NotComputed::ZeroSpread => "zero_spread",
                NotComputed::TooManyCategories => "too_many_categories",
                NotComputed::GivenForOtherKind { .. } => "given_for_other_kind",
                NotComputed::KindChanged { .. } => "kind_changed",
                NotComputed::OtherBins => "other_bins",
                NotComputed::Absent => "absent",
                NotComputed::Moving => "moving",
                NotComputed::Overflow => "overflow",
                NotComputed::NoKeys | NotComputed::NoKeysInBaseline => "no_keys",
                NotComputed::NoSample => "no_sample",
                NotComputed::NoFlag => "no_flag",
                NotComputed::Pairs(association::NotComputed::TooFewRows { .. }) => "too_few_rows",
                NotComputed::PredictiveInBaseline(predictive::NotComputed::TooFewRows {
                    ..
                }) => "too_few_baseline_rows",
                NotComputed::Predictive(reason) | NotComputed::PredictiveInBaseline(reason) => {
                    of_target(reason)
                }
                NotComputed::TooManyFeatures { .. } => "too_many_features",
                NotComputed::NoTarget | NotComputed::NoTargetInBaseline => "no_target",
                NotComputed::NoSegments | NotComputed::NoSegmentsInBaseline => "no_segments",
                NotComputed::NoSegmentOfWindow => "too_few_rows",
                NotComputed::NotInBaseline => "not_counted_in_baseline",
                NotComputed::TooFewCycles { .. } => "too_few_cycles",
                NotComputed::NoSpreadOfMeans => "zero_spread",
                NotComputed::TooPersistent => "too_persistent",
                NotComputed::UnknownPhase => "unknown_phase",
                NotComputed::Season(seasonal::Absent::TooFewCycles { .. }) => "too_few_cycles",
                NotComputed::Season(seasonal::Absent::ZeroSpread) => "zero_spread",
                NotComputed::Season(_) => "overflow",
                NotComputed::NotForKind { .. }
                | NotComputed::ZeroDeviation
                | NotComputed::NoOtherFeature
                | NotComputed::NoSegmentOfBaseline { .. }
                // A baseline of few windows is the choice of who wrote it.
                | NotComputed::TooFewWindows { .. }
                | NotComputed::NotSeasonal
                | NotComputed::Seasonal
                | NotComputed::Pairs(_)
                | NotComputed::TellsNothing
                | NotComputed::TargetPending
                | NotComputed::Disabled => return None,
            },
        })
    }
}

/// Why it is not known what a feature tells about the target.
fn of_target(reason: predictive::NotComputed) -> &'static str {
    use predictive::NotComputed::*;
    match reason {
        TooFewRows { .. } => "too_few_rows",
        TooFewFolds { .. } => "too_few_baseline_windows",
        OneClass => "one_class",
        NoClass | NoCommonClass => "no_common_class",
        ConstantFeature => "constant_feature",
        ConstantTarget => "constant_target",
        TooManyClasses { .. } | TooManyCategories { .. } => "too_many_categories",
        LengthsDiffer { .. } | UnknownCode { .. } => "other_bins",
        NotANumber { .. }
        | Infinite { .. }
        | TooManyRows
        | NoFeature
        | TooManyPredictors { .. }
        | NotACorrelation { .. }
        | NotPositiveSemidefinite
        | NegativeContribution { .. }
        | NoContribution
        | NotAProbability
        | Overflow => "overflow",
    }
}

pub(super) fn verdicts(out: &mut Out, snapshot: &Snapshot, feature: &FeatureState, name: &str) {
    let checks = &snapshot.monitor.checks;
    let report = feature.report.as_ref();
    let report = report.ok_or_else(|| unjudged(snapshot, feature));
    judged(
        out,
        snapshot,
        (Scope::Feature, name),
        report,
        (&feature.breached, &feature.standing),
    );
    let here = feature.present == Some(true);
    freshness_verdict(out, snapshot, feature.freshness.as_ref(), name, here);
    if let Some(breached) = feature.schema_breached(checks.schema.enabled) {
        valid(out, true, name, "schema");
        for (severity, breached) in breached.iter() {
            let labels = of(name, "schema", severity);
            out.add(&table::CHECK_SCORE, labels, flag(*breached));
            out.add(&table::CHECK_BREACHED, labels, flag(*breached));
        }
    }
}

fn unjudged(snapshot: &Snapshot, feature: &FeatureState) -> NoVerdict {
    match &snapshot.baseline {
        BaselineState::Absent | BaselineState::Forming { .. } => NoVerdict::NoBaseline,
        BaselineState::Ready(_) if feature.bins.is_none() => NoVerdict::NotInBaseline,
        BaselineState::Ready(_) => NoVerdict::NoWindow,
    }
}

/// The verdicts of all checks that judge this. An alarm that stands over a window without one keeps the verdict it rests on,
/// which is not valid for this window.
pub(super) fn judged(
    out: &mut Out,
    snapshot: &Snapshot,
    (scope, name): (Scope, &str),
    report: Result<&FeatureReport, NoVerdict>,
    (breached, standing): (&Breaches, &Standing),
) {
    for check in Check::of(scope) {
        if !check_of(&snapshot.monitor, check).enabled {
            continue;
        }
        match report.map(|report| report.verdicts.get(check)) {
            Ok(Ok(verdict)) => {
                valid(out, true, name, check.name());
                statistical_verdict(out, verdict, *breached.get(check), name);
            }
            Ok(Err(reason)) => {
                let reason = NoVerdict::NotComputed(*reason);
                invalid(out, reason, name, check.name());
                if let Some(verdict) = standing.get(check) {
                    statistical_verdict(out, verdict, *breached.get(check), name);
                }
            }
            Err(reason) => invalid(out, reason, name, check.name()),
        }
    }
}

fn statistical_verdict(
    out: &mut Out,
    verdict: &Verdict,
    breached: Option<BySeverity<bool>>,
    name: &str,
) {
    let check = verdict.check.name();
    let feature_check = [(Label::Feature, name), (Label::Check, check)];
    out.add(&table::CHECK_VALUE, feature_check, verdict.value);
    out.add(&table::CHECK_ROWS, feature_check, verdict.rows as f64);
    for (severity, limit) in verdict.limits.iter() {
        out.add(&table::CHECK_LIMIT, of(name, check, severity), limit.value);
        out.add(
            &table::CHECK_LIMIT_PART_INFO,
            [
                (Label::Feature, name),
                (Label::Check, check),
                (Label::Severity, severity.name()),
                (Label::Part, part_name(limit.part)),
                (Label::Statistic, statistic_name(verdict.statistic)),
            ],
            1.0,
        );
    }
    for (severity, score) in verdict.scores.iter() {
        out.add(&table::CHECK_SCORE, of(name, check, severity), *score);
    }
    for (severity, breached) in breached.iter().flat_map(BySeverity::iter) {
        let labels = of(name, check, severity);
        out.add(&table::CHECK_BREACHED, labels, flag(*breached));
    }
}

/// Freshness of the monitor, with an empty name, or of a feature.
pub(super) fn freshness_verdict(
    out: &mut Out,
    snapshot: &Snapshot,
    judged: Option<&Judged<Freshness>>,
    name: &str,
    expected: bool,
) {
    let check = &snapshot.monitor.checks.freshness;
    let enabled = match name {
        "" => check.enabled,
        name => check.limits_for(name).enabled,
    };
    if !enabled || snapshot.monitor.data.event_time.is_none() {
        return;
    }
    let Some(judged) = judged else {
        if expected && snapshot.evaluation.is_some() {
            let behind = snapshot.freshness.is_none() && snapshot.windows_pending > 0;
            let reason = match behind {
                true => NoVerdict::CatchingUp,
                false => NoVerdict::NoEvent,
            };
            invalid(out, reason, name, "freshness");
        }
        return;
    };
    valid(out, true, name, "freshness");
    let freshness = &judged.value;
    out.add(
        &table::CHECK_VALUE,
        [(Label::Feature, name), (Label::Check, "freshness")],
        freshness.age_seconds,
    );
    for severity in [Severity::Warning, Severity::Critical] {
        let labels = of(name, "freshness", severity);
        let Some(limit) = *freshness.limits.get(severity) else {
            continue;
        };
        out.add(&table::CHECK_LIMIT, labels, limit);
        out.add_some(&table::CHECK_SCORE, labels, *freshness.scores.get(severity));
        let breached = flag(*judged.breached.get(severity));
        out.add(&table::CHECK_BREACHED, labels, breached);
    }
}

fn valid(out: &mut Out, valid: bool, name: &str, check: &str) {
    out.add(
        &table::CHECK_VALID,
        [(Label::Feature, name), (Label::Check, check)],
        flag(valid),
    );
}

fn invalid(out: &mut Out, reason: NoVerdict, name: &str, check: &str) {
    let Some(reason) = reason.reason() else {
        return;
    };
    valid(out, false, name, check);
    out.add(
        &table::CHECK_INVALID_INFO,
        [
            (Label::Feature, name),
            (Label::Check, check),
            (Label::Reason, reason),
        ],
        1.0,
    );
}

fn of<'a>(name: &'a str, check: &'a str, severity: Severity) -> [(Label, &'a str); 3] {
    [
        (Label::Feature, name),
        (Label::Check, check),
        (Label::Severity, severity.name()),
    ]
}

fn statistic_name(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Ks => "ks",
        Statistic::Psi => "psi",
        Statistic::JensenShannon => "jensen_shannon",
        Statistic::Hellinger => "hellinger",
        Statistic::Wasserstein => "wasserstein",
        Statistic::ChiSquared => "chi_squared",
        Statistic::MissingShare => "missing_share",
        Statistic::InvalidShare => "invalid_share",
        Statistic::OutlierShare => "outlier_share",
        Statistic::AssociationChange => "association_change",
        Statistic::AucFall => "auc_fall",
        Statistic::ExplainedFall => "explained_fall",
        Statistic::LevelDeviation => "level_deviation",
        Statistic::Ewma => "ewma",
        Statistic::Cusum => "cusum",
        Statistic::DuplicateShare => "duplicate_share",
        Statistic::PatternDistance => "pattern_distance",
        Statistic::ImputedShare => "imputed_share",
        Statistic::SegmentDistance => "segment_distance",
    }
}

fn part_name(part: LimitPart) -> &'static str {
    match part {
        LimitPart::Manifest => "manifest",
        LimitPart::RaisedToWarning => "raised_to_warning",
        LimitPart::EffectFloor => "effect_floor",
        LimitPart::SamplingNull => "sampling_null",
        LimitPart::RunLength => "run_length",
        LimitPart::BetweenWindows => "between_windows",
        LimitPart::BetweenWindowsCapped => "between_windows_capped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check of a feature that is not judged is seen, unless it is not meant to be, and the alert's page says what to do.
    #[test]
    fn what_is_not_known_of_a_target_has_a_reason() {
        use predictive::NotComputed::*;
        let of = |reason| NoVerdict::NotComputed(reason).reason();
        for (reason, name) in [
            (TooFewRows { have: 0, need: 1 }, "too_few_rows"),
            (TooFewFolds { have: 1, need: 2 }, "too_few_baseline_windows"),
            (OneClass, "one_class"),
            (NoClass, "no_common_class"),
            (NoCommonClass, "no_common_class"),
            (ConstantTarget, "constant_target"),
            (
                TooManyCategories { have: 60, most: 50 },
                "too_many_categories",
            ),
            (LengthsDiffer { left: 2, right: 3 }, "other_bins"),
            (Overflow, "overflow"),
        ] {
            assert_eq!(of(NotComputed::Predictive(reason)), Some(name));
            let of_baseline = of(NotComputed::PredictiveInBaseline(reason));
            let in_baseline = match reason {
                TooFewRows { .. } => "too_few_baseline_rows",
                _ => name,
            };
            assert_eq!(of_baseline, Some(in_baseline));
            assert!(explained(name) && explained(in_baseline), "{name}");
        }
        assert_eq!(of(NotComputed::TellsNothing), None);
    }

    /// Of a new column the schema check tells, of what a baseline did not count this reason alone.
    #[test]
    fn what_the_baseline_did_not_count_is_no_new_column() {
        let counted = NoVerdict::NotComputed(NotComputed::NotInBaseline).reason();
        assert_eq!(counted, Some("not_counted_in_baseline"));
        assert_eq!(NoVerdict::NotInBaseline.reason(), Some("not_in_baseline"));
    }

    /// Whether the page of the alert about what is not judged has a row that begins with this reason.
    fn explained(reason: &str) -> bool {
        let page = include_str!("../../../docs/runbooks/FeatureMonitorNotJudging.md");
        let mut rows = page.lines().filter(|line| line.starts_with("| `"));
        rows.any(|row| {
            let names = row.split(" |").next().unwrap_or_default();
            names.contains(&format!("`{reason}`"))
        })
    }

    #[test]
    fn every_reason_is_explained() {
        let need = 30;
        let too_few_pairs = association::NotComputed::TooFewRows { have: 3, need };
        let cycles = seasonal::Absent::TooFewCycles { have: 3, need: 4 };
        let kind = stats::Kind::Numeric;
        let of_statistics = [
            NotComputed::TooFewRows { have: 0, need },
            NotComputed::NoReference { have: 0, need },
            NotComputed::ZeroSpread,
            NotComputed::TooManyCategories,
            NotComputed::GivenForOtherKind { given: kind, kind },
            NotComputed::KindChanged {
                baseline: kind,
                window: kind,
            },
            NotComputed::OtherBins,
            NotComputed::Absent,
            NotComputed::Moving,
            NotComputed::Overflow,
            NotComputed::NoKeys,
            NotComputed::NoKeysInBaseline,
            NotComputed::NoSample,
            NotComputed::NoFlag,
            NotComputed::Pairs(too_few_pairs),
            NotComputed::TooManyFeatures { most: 128 },
            NotComputed::NoTarget,
            NotComputed::NoTargetInBaseline,
            NotComputed::NoSegments,
            NotComputed::NoSegmentsInBaseline,
            NotComputed::NoSegmentOfWindow,
            NotComputed::NotInBaseline,
            NotComputed::TooFewCycles { have: 3, need: 4 },
            NotComputed::NoSpreadOfMeans,
            NotComputed::TooPersistent,
            NotComputed::UnknownPhase,
            NotComputed::Season(cycles),
        ];
        let others = [
            NoVerdict::NoBaseline,
            NoVerdict::NotInBaseline,
            NoVerdict::NoWindow,
            NoVerdict::NoEvent,
            NoVerdict::CatchingUp,
        ];
        for why in of_statistics
            .map(NoVerdict::NotComputed)
            .into_iter()
            .chain(others)
        {
            let reason = why.reason().unwrap();
            assert!(explained(reason), "{reason}");
        }
    }
}
