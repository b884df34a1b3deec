//! The snapshot as metrics: a pure function from what is known to families of samples.
//!
//! What is not known has no sample. A feature that disappears from the snapshot disappears from the scrape.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use metrics::{Family, Label, Samples, table};
use sha2::{Digest as _, Sha256};
use stats::association::{self, Measure, Vif};
use stats::{
    AssociationReport, Bins, BySeverity, Check, Counts, Distance, FeatureReport, LimitPart,
    NotComputed, Scope, Severity, Statistic, Summary, UsualGap, Verdict,
};

use crate::freshness::Freshness;
use crate::process::{DropReason, Process};
use crate::rules::{Judgement, Outcome};
use crate::schema::Problem;
use crate::settings::check_of;
use crate::snapshot::{BaselineState, Breaches, FeatureState, Judged, RuleState, Snapshot};
use crate::updates::Supply;

/// Series that one monitor may have: some 400 features with everything there is to say about them. A
/// Prometheus server holds a series in a few kilobytes of memory, so that a monitor costs it at most some
/// 100 MB.
pub const SERIES_BUDGET: usize = 50_000;

/// Longest label value in bytes; Prometheus' own limits are unset by default, and indexes hold every value.
const LABEL_BYTES: usize = 128;

/// The samples of a snapshot, and how many did not fit into the budget.
#[derive(Clone, Debug)]
pub struct Scrape {
    /// What is served.
    pub samples: Samples,
    /// Series left out because the monitor has more than [`SERIES_BUDGET`].
    pub dropped: u64,
}

/// The samples of a snapshot; what does not fit is counted by the process.
pub fn scrape(snapshot: &Snapshot, process: &Process) -> Samples {
    let scrape = families(snapshot, SERIES_BUDGET);
    process.series_dropped(DropReason::Budget, scrape.dropped);
    scrape.samples
}

/// The samples of a snapshot, at most `budget`. What matters most goes in first: the monitor, then every
/// feature's verdicts, then its statistics, then its bins.
pub fn families(snapshot: &Snapshot, budget: usize) -> Scrape {
    let mut out = Out {
        samples: Samples::new(&snapshot.monitor.namespace, &snapshot.monitor.name),
        budget,
        dropped: 0,
    };
    monitor(&mut out, snapshot);
    let names: Vec<Cow<'_, str>> = snapshot.features.iter().map(|f| label(&f.name)).collect();
    for (feature, name) in snapshot.features.iter().zip(&names) {
        identity(&mut out, snapshot, feature, name);
        verdicts(&mut out, snapshot, feature, name);
    }
    for (feature, name) in snapshot.features.iter().zip(&names) {
        profile(&mut out, feature, name);
        drift(&mut out, feature, name);
    }
    for (feature, name) in snapshot.features.iter().zip(&names) {
        bins(&mut out, feature, name);
    }
    Scrape {
        samples: out.samples,
        dropped: out.dropped,
    }
}

/// Samples up to a budget.
struct Out {
    samples: Samples,
    budget: usize,
    dropped: u64,
}

impl Out {
    fn add<const N: usize>(&mut self, family: &Family<N>, labels: [(Label, &str); N], value: f64) {
        if self.room() > 0 {
            self.samples.add(family, labels, value);
        } else {
            self.dropped += 1;
        }
    }

    fn add_some<const N: usize>(
        &mut self,
        family: &Family<N>,
        labels: [(Label, &str); N],
        value: Option<f64>,
    ) {
        if let Some(value) = value {
            self.add(family, labels, value);
        }
    }

    fn room(&self) -> usize {
        self.budget.saturating_sub(self.samples.len())
    }
}

fn monitor(out: &mut Out, snapshot: &Snapshot) {
    out.add_some(&table::SOURCE_UP, [], snapshot.source_up.map(flag));
    out.add(
        &table::EVALUATION_INTERVAL,
        [],
        snapshot.monitor.schedule.every.as_secs_f64(),
    );
    if let Some(evaluation) = &snapshot.evaluation {
        let success = evaluation.failure.is_none();
        out.add(&table::EVALUATION_SUCCESS, [], flag(success));
        out.add(&table::EVALUATION_TIMESTAMP, [], seconds(evaluation.at));
    }
    out.add_some(
        &table::EVALUATION_LAST_SUCCESS_TIMESTAMP,
        [],
        snapshot.last_success.map(seconds),
    );
    windows(out, snapshot);
    baseline(out, snapshot);
    if let Some(freshness) = &snapshot.freshness {
        let newest = seconds(freshness.value.newest);
        out.add(&table::NEWEST_EVENT_TIMESTAMP, [], newest);
    }
    freshness_verdict(out, snapshot, snapshot.freshness.as_ref(), "", true);
    served(out, snapshot);
    updates(out, snapshot);
    whole(out, snapshot);
    for rule in &snapshot.rules {
        business_rule(out, rule);
    }
}

/// What is known of a business rule.
fn business_rule(out: &mut Out, state: &RuleState) {
    let rule = &state.rule;
    let name = [(Label::Rule, rule.name.as_str())];
    let severity = (Label::Severity, rule.severity.name());
    out.add(
        &table::RULE_INFO,
        [name[0], (Label::Kind, rule.over.name()), severity],
        1.0,
    );
    if rule.over == crds::valid::Over::Rows {
        out.add(&table::RULE_TOLERANCE_RATIO, name, rule.tolerance);
    }
    let reason = match &state.outcome {
        Some(Outcome::Judged(_)) => None,
        Some(Outcome::NotJudged(reason)) => Some(reason.as_str()),
        Some(Outcome::Broken(error)) => Some(error.fault.as_str()),
        None => Some("no_window"),
    };
    let broken = matches!(state.outcome, Some(Outcome::Broken(_)));
    out.add(&table::RULE_BROKEN, name, flag(broken));
    out.add(&table::RULE_VALID, name, flag(reason.is_none()));
    if let Some(reason) = reason {
        let why = [name[0], (Label::Reason, reason)];
        out.add(&table::RULE_INVALID_INFO, why, 1.0);
    }
    let Some(Outcome::Judged(judgement)) = &state.outcome else {
        return;
    };
    let breached = flag(judgement.breached());
    out.add(&table::RULE_BREACHED, [name[0], severity], breached);
    out.add_some(&table::RULE_VIOLATION_RATIO, name, judgement.ratio());
    if let Judgement::Rows {
        rows,
        violations,
        unknown,
        ..
    } = judgement
    {
        out.add(&table::RULE_ROWS, name, *rows as f64);
        out.add(&table::RULE_VIOLATING_ROWS, name, *violations as f64);
        out.add(&table::RULE_UNKNOWN_ROWS, name, *unknown as f64);
    }
}

/// How old the rows are that are served.
fn served(out: &mut Out, snapshot: &Snapshot) {
    let Some(served) = &snapshot.served else {
        return;
    };
    for (family, micros) in [
        (&table::EVENT_P50_TIMESTAMP, served.times.p50),
        (&table::EVENT_P05_TIMESTAMP, served.times.p05),
        (&table::EVENT_P01_TIMESTAMP, served.times.p01),
    ] {
        out.add(family, [], micros as f64 / 1e6);
    }
    for (severity, share) in served.stale.iter() {
        let labels = [(Label::Severity, severity.name())];
        out.add_some(&table::STALE_ROW_RATIO, labels, *share);
    }
}

/// Whether the source goes on, and how far apart its updates are.
fn updates(out: &mut Out, snapshot: &Snapshot) {
    let Some(updates) = &snapshot.updates else {
        return;
    };
    for state in Supply::ALL {
        let holds = flag(state == updates.supply);
        out.add(
            &table::UPDATE_STATE,
            [(Label::State, state.as_str())],
            holds,
        );
    }
    out.add_some(&table::UPDATE_TIMESTAMP, [], updates.seen.map(seconds));
    let Some(interval) = &updates.interval else {
        return;
    };
    out.add(&table::UPDATE_INTERVAL, [], interval.last.seconds);
    out.add(
        &table::UPDATE_EVENT_INTERVAL,
        [],
        interval.last.event_seconds,
    );
    let usual = |pick: fn(UsualGap) -> f64| interval.usual.map(pick);
    out.add_some(&table::UPDATE_MEDIAN_INTERVAL, [], usual(|gap| gap.median));
    out.add_some(&table::UPDATE_USUAL_INTERVAL, [], usual(|gap| gap.limit));
}

/// The judged window as a whole.
fn whole(out: &mut Out, snapshot: &Snapshot) {
    let whole = &snapshot.whole;
    let quality = whole.quality.map(|quality| quality.score());
    out.add_some(&table::QUALITY_RATIO, [], quality);
    if let Some(keys) = &whole.keys {
        out.add_some(&table::DUPLICATE_KEY_RATIO, [], keys.duplicate_share());
        let nulls = (keys.rows > 0).then(|| keys.nulls as f64 / keys.rows as f64);
        out.add_some(&table::MISSING_KEY_RATIO, [], nulls);
    }
    if let Some(pairs) = &whole.pairs {
        associations(out, &pairs.report);
    }
    let unjudged = match snapshot.baseline {
        BaselineState::Absent | BaselineState::Forming { .. } => NoVerdict::NoBaseline,
        BaselineState::Ready(_) => NoVerdict::NoWindow,
    };
    let report = whole.report.as_ref().ok_or(unjudged);
    judged(out, snapshot, (Scope::Window, ""), report, &whole.breached);
}

/// How the features hang together: the whole, and the pairs that changed most.
fn associations(out: &mut Out, report: &AssociationReport) {
    out.add(&table::ASSOCIATION_LARGEST_CHANGE, [], report.largest);
    out.add(&table::ASSOCIATION_DISTANCE, [], report.frobenius);
    for pair in &report.most_changed {
        let (feature, partner) = (label(&pair.features.0), label(&pair.features.1));
        let labels = [
            (Label::Feature, &*feature),
            (Label::Partner, &*partner),
            (Label::Statistic, measure_name(pair.measure)),
        ];
        out.add(&table::PAIR_ASSOCIATION, labels, pair.current);
        out.add(&table::PAIR_REFERENCE_ASSOCIATION, labels, pair.reference);
        out.add(&table::PAIR_ASSOCIATION_SCORE, labels, pair.scores.warning);
    }
    for (feature, inflation) in &report.inflation {
        if let Ok(Vif::Factor { value, .. }) = inflation {
            let feature = label(feature);
            out.add(
                &table::FEATURE_VARIANCE_INFLATION,
                [(Label::Feature, &*feature)],
                *value,
            );
        }
    }
}

fn measure_name(measure: Measure) -> &'static str {
    match measure {
        Measure::Pearson => "pearson",
        Measure::Spearman => "spearman",
        Measure::CramersV => "cramers_v",
        Measure::CorrelationRatio => "correlation_ratio",
    }
}

/// The verdicts of all checks that judge this.
fn judged(
    out: &mut Out,
    snapshot: &Snapshot,
    (scope, name): (Scope, &str),
    report: Result<&FeatureReport, NoVerdict>,
    breached: &Breaches,
) {
    for check in Check::of(scope) {
        if !check_of(&snapshot.monitor, check).enabled {
            continue;
        }
        match report.map(|report| report.verdicts.get(check)) {
            Ok(Ok(verdict)) => statistical_verdict(out, verdict, *breached.get(check), name),
            Ok(Err(reason)) => invalid(out, NoVerdict::NotComputed(*reason), name, check.name()),
            Err(reason) => invalid(out, reason, name, check.name()),
        }
    }
}

fn windows(out: &mut Out, snapshot: &Snapshot) {
    if let Some(judged) = snapshot.judged {
        let span = judged.span;
        out.add(&table::WINDOW_START_TIMESTAMP, [], seconds(span.start));
        out.add(&table::WINDOW_END_TIMESTAMP, [], seconds(span.end));
        out.add(&table::WINDOW_ROWS, [], judged.rows as f64);
    }
    if snapshot.judged.is_some() || snapshot.open.is_some() {
        let complete = flag(snapshot.judged.is_some());
        out.add(&table::WINDOW_COMPLETE, [], complete);
    }
    let open = snapshot.open.map(|open| open.rows as f64);
    out.add_some(&table::OPEN_WINDOW_ROWS, [], open);
    if snapshot.evaluation.is_some() {
        out.add(&table::WINDOWS_PENDING, [], snapshot.windows_pending as f64);
    }
}

fn baseline(out: &mut Out, snapshot: &Snapshot) {
    let ready = matches!(snapshot.baseline, BaselineState::Ready(_));
    out.add(&table::BASELINE_PRESENT, [], flag(ready));
    if let BaselineState::Ready(info) = &snapshot.baseline {
        out.add(
            &table::BASELINE_INFO,
            [
                (Label::Kind, info.kind),
                (Label::Version, &info.version.to_string()),
                (Label::Revision, &info.revision.to_string()),
                (Label::Digest, &info.digest),
            ],
            1.0,
        );
        let frozen_at = seconds(info.frozen_at);
        out.add(&table::BASELINE_FROZEN_TIMESTAMP, [], frozen_at);
        out.add(&table::BASELINE_ROWS, [], info.rows as f64);
        out.add(&table::BASELINE_WINDOWS, [], f64::from(info.windows));
    }
    if let Some(budget) = &snapshot.budget {
        out.add(&table::TESTS, [], budget.tests as f64);
        for (severity, expected) in budget.per_window.iter() {
            let severity = [(Label::Severity, severity.name())];
            out.add(&table::FALSE_ALARM_BUDGET, severity, *expected);
        }
        for (severity, alpha) in budget.alpha.iter() {
            let severity = [(Label::Severity, severity.name())];
            out.add_some(&table::TEST_ALPHA, severity, alpha.map(|alpha| alpha.value));
        }
    }
}

fn identity(out: &mut Out, snapshot: &Snapshot, feature: &FeatureState, name: &str) {
    let owner = &snapshot.monitor.owner;
    let note = match (feature.expected, &feature.report) {
        _ if matches!(feature.problem, Some(Problem::Unsupported { .. })) => "type is not watched",
        (false, _) => "not in the baseline",
        (true, Some(report)) if report.moving => "moves by construction",
        (true, _) => "",
    };
    out.add(
        &table::FEATURE_INFO,
        [
            (Label::Feature, name),
            (Label::Kind, feature.kind.map_or("", kind_name)),
            (
                Label::DataType,
                &label(feature.data_type.as_deref().unwrap_or_default()),
            ),
            (Label::Team, &label(&owner.team)),
            (
                Label::Contact,
                &label(owner.contact.as_deref().unwrap_or_default()),
            ),
            (
                Label::Sensitive,
                if feature.sensitive { "true" } else { "false" },
            ),
            (Label::Note, note),
        ],
        1.0,
    );
    let present = feature.present.map(flag);
    out.add_some(&table::FEATURE_PRESENT, [(Label::Feature, name)], present);
    if let Some(problem) = &feature.problem {
        out.add(
            &table::SCHEMA_FINDING,
            [(Label::Feature, name), (Label::Reason, problem.as_str())],
            1.0,
        );
    }
    if let Some(report) = &feature.report {
        let moving = flag(report.moving);
        out.add(&table::DRIFT_MOVING, [(Label::Feature, name)], moving);
    }
    if let Some(freshness) = &feature.freshness {
        out.add(
            &table::FEATURE_NEWEST_EVENT_TIMESTAMP,
            [(Label::Feature, name)],
            seconds(freshness.value.newest),
        );
    }
}

/// Why a check of a feature has no verdict.
#[derive(Clone, Copy)]
enum NoVerdict {
    /// There is nothing to compare with.
    NoBaseline,
    /// The baseline does not have the feature.
    NotInBaseline,
    /// No complete window was judged yet.
    NoWindow,
    /// No row with an event time was seen, or fewer than the check asks for.
    NoEvent,
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
                NotComputed::NoKeys => "no_keys",
                NotComputed::NoSample => "no_sample",
                NotComputed::Pairs(association::NotComputed::TooFewRows { .. }) => "too_few_rows",
                NotComputed::NotInBaseline => "not_in_baseline",
                NotComputed::NotForKind { .. }
                | NotComputed::ZeroDeviation
                | NotComputed::TooManyFeatures { .. }
                | NotComputed::NoOtherFeature
                | NotComputed::Pairs(_)
                | NotComputed::Disabled => return None,
            },
        })
    }
}

fn verdicts(out: &mut Out, snapshot: &Snapshot, feature: &FeatureState, name: &str) {
    let checks = &snapshot.monitor.checks;
    let report = feature.report.as_ref();
    let report = report.ok_or_else(|| unjudged(snapshot, feature));
    judged(
        out,
        snapshot,
        (Scope::Feature, name),
        report,
        &feature.breached,
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

fn statistical_verdict(
    out: &mut Out,
    verdict: &Verdict,
    breached: Option<BySeverity<bool>>,
    name: &str,
) {
    let check = verdict.check.name();
    valid(out, true, name, check);
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
fn freshness_verdict(
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
            invalid(out, NoVerdict::NoEvent, name, "freshness");
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

/// Statistics of the judged window. Those that are single values of somebody (minimum, maximum, quantiles)
/// are left out for a sensitive feature.
fn profile(out: &mut Out, feature: &FeatureState, name: &str) {
    let labels = [(Label::Feature, name)];
    if let Some(reference) = &feature.reference {
        out.add_some(
            &table::FEATURE_REFERENCE_MISSING_RATIO,
            labels,
            reference.missing_share(),
        );
        if let Some(moments) = &reference.moments {
            out.add(&table::FEATURE_REFERENCE_MEAN, labels, moments.mean);
            let stddev = moments.variance.map(f64::sqrt);
            out.add_some(&table::FEATURE_REFERENCE_STDDEV, labels, stddev);
        }
    }
    let quality = feature.quality.map(|quality| quality.score());
    out.add_some(&table::FEATURE_QUALITY_RATIO, labels, quality);
    let Some(summary) = &feature.summary else {
        return;
    };
    let share = |count: u64| (summary.rows > 0).then(|| count as f64 / summary.rows as f64);
    out.add(&table::FEATURE_ROWS, labels, summary.rows as f64);
    out.add_some(
        &table::FEATURE_INVALID_RATIO,
        labels,
        summary.invalid_share(),
    );
    out.add_some(
        &table::FEATURE_OUTLIER_RATIO,
        labels,
        summary.outlier_share().filter(|_| feature.fences.is_some()),
    );
    out.add_some(
        &table::FEATURE_MISSING_RATIO,
        labels,
        summary.missing_share(),
    );
    if summary.values() > 0 {
        out.add(&table::FEATURE_DISTINCT_VALUES, labels, summary.distinct);
    }
    if summary.kind == stats::Kind::Categorical {
        return;
    }
    out.add_some(&table::FEATURE_NAN_RATIO, labels, share(summary.nans));
    out.add_some(
        &table::FEATURE_INFINITE_RATIO,
        labels,
        share(summary.infinities),
    );
    out.add_some(&table::FEATURE_ZERO_RATIO, labels, share(summary.zeros));
    if let Some(moments) = &summary.moments {
        out.add(&table::FEATURE_MEAN, labels, moments.mean);
        let stddev = moments.variance.map(f64::sqrt);
        out.add_some(&table::FEATURE_STDDEV, labels, stddev);
        if !feature.sensitive {
            out.add(&table::FEATURE_MIN, labels, moments.min);
            out.add(&table::FEATURE_MAX, labels, moments.max);
        }
    }
    if let Some(quantiles) = summary.quantiles.filter(|_| !feature.sensitive) {
        // In the order of `stats::PROBABILITIES`.
        let families = [
            &table::FEATURE_P01,
            &table::FEATURE_P05,
            &table::FEATURE_P25,
            &table::FEATURE_P50,
            &table::FEATURE_P75,
            &table::FEATURE_P95,
            &table::FEATURE_P99,
        ];
        for (family, value) in families.into_iter().zip(quantiles.values) {
            out.add(family, labels, value);
        }
    }
}

fn drift(out: &mut Out, feature: &FeatureState, name: &str) {
    let distances = feature.report.iter().flat_map(|report| &report.distances);
    for distance in distances.filter_map(|(_, distance)| distance.as_ref().ok()) {
        let of = DistanceFamilies::of(distance.statistic);
        let Some(of) = of else { continue };
        let labels = [(Label::Feature, name)];
        let Distance {
            value,
            p_value,
            adjusted_p_value,
            error,
            ..
        } = *distance;
        out.add(of.value, labels, value);
        if let Some([p, adjusted]) = of.p_values {
            out.add_some(p, labels, p_value);
            out.add_some(adjusted, labels, adjusted_p_value);
        }
        if let Some(family) = of.error {
            out.add(family, labels, error);
        }
    }
}

/// The families of one distance.
struct DistanceFamilies {
    value: &'static Family<1>,
    p_values: Option<[&'static Family<1>; 2]>,
    error: Option<&'static Family<1>>,
}

impl DistanceFamilies {
    fn of(statistic: Statistic) -> Option<Self> {
        let with_p = |value, p, adjusted| DistanceFamilies {
            value,
            p_values: Some([p, adjusted]),
            error: None,
        };
        Some(match statistic {
            Statistic::Ks => DistanceFamilies {
                error: Some(&table::DRIFT_KS_BINNING_ERROR),
                ..with_p(
                    &table::DRIFT_KS,
                    &table::DRIFT_KS_P_VALUE,
                    &table::DRIFT_KS_ADJUSTED_P_VALUE,
                )
            },
            Statistic::Wasserstein => DistanceFamilies {
                value: &table::DRIFT_WASSERSTEIN,
                p_values: None,
                error: Some(&table::DRIFT_WASSERSTEIN_BINNING_ERROR),
            },
            Statistic::Psi => with_p(
                &table::DRIFT_PSI,
                &table::DRIFT_PSI_P_VALUE,
                &table::DRIFT_PSI_ADJUSTED_P_VALUE,
            ),
            Statistic::JensenShannon => with_p(
                &table::DRIFT_JENSEN_SHANNON,
                &table::DRIFT_JENSEN_SHANNON_P_VALUE,
                &table::DRIFT_JENSEN_SHANNON_ADJUSTED_P_VALUE,
            ),
            Statistic::Hellinger => with_p(
                &table::DRIFT_HELLINGER,
                &table::DRIFT_HELLINGER_P_VALUE,
                &table::DRIFT_HELLINGER_ADJUSTED_P_VALUE,
            ),
            Statistic::ChiSquared => with_p(
                &table::DRIFT_CHI_SQUARED,
                &table::DRIFT_CHI_SQUARED_P_VALUE,
                &table::DRIFT_CHI_SQUARED_ADJUSTED_P_VALUE,
            ),
            // It has families of its own: the shares, and the check's.
            Statistic::MissingShare
            | Statistic::InvalidShare
            | Statistic::OutlierShare
            | Statistic::AssociationChange
            | Statistic::DuplicateShare => return None,
        })
    }
}

/// Shares of the bins, all of a feature or none: a histogram with bins cut off would mislead.
fn bins(out: &mut Out, feature: &FeatureState, name: &str) {
    let Some(frozen) = &feature.bins else { return };
    let sides = [
        (&table::BIN_REFERENCE_RATIO, &feature.reference),
        (&table::BIN_RATIO, &feature.summary),
    ];
    for (family, summary) in sides {
        let counted = summary.as_ref().and_then(|summary| coarse(frozen, summary));
        let Some(counts) = counted else { continue };
        let total: u64 = counts.iter().sum();
        if total == 0 {
            continue;
        }
        // Two categories that were cut to the same text are shown as one.
        let mut shares: BTreeMap<String, f64> = BTreeMap::new();
        for (bin, count) in bin_names(frozen, feature.sensitive).into_iter().zip(counts) {
            *shares.entry(label(&bin).into_owned()).or_default() += count as f64 / total as f64;
        }
        if out.room() < shares.len() {
            out.dropped += shares.len() as u64;
            continue;
        }
        for (bin, share) in shares {
            out.add(family, [(Label::Feature, name), (Label::Bin, &bin)], share);
        }
    }
}

/// Counts over the coarse bins; nothing when the summary was not counted over these bins.
pub(crate) fn coarse(bins: &Bins, summary: &Summary) -> Option<Vec<u64>> {
    match (bins, summary.counts.as_ref()?) {
        (Bins::Numeric(bins), Counts::Numeric { fine, .. }) if fine.len() == bins.len() => {
            Some(bins.coarse(fine))
        }
        (Bins::Categorical(bins), Counts::Categorical { top, other, unseen })
            if top.len() == bins.names().len() =>
        {
            Some(top.iter().chain([other, unseen]).copied().collect())
        }
        _ => None,
    }
}

/// Names of the coarse bins in their order: the number of each, so that they sort, and its edges; or the
/// category. A sensitive feature's bins have numbers only.
fn bin_names(bins: &Bins, sensitive: bool) -> Vec<String> {
    let names: Vec<String> = match bins {
        Bins::Numeric(bins) => {
            let edges = bins.coarse_edges();
            let count = edges.len() + 1;
            let width = count.to_string().len();
            let digits = digits(&edges);
            (0..count)
                .map(|bin| match sensitive {
                    true => format!("{:0width$}", bin + 1),
                    false => format!("{:0width$} {}", bin + 1, range(&edges, bin, digits)),
                })
                .collect()
        }
        Bins::Categorical(bins) => {
            let width = bins.names().len().to_string().len();
            let named = bins.names().iter().enumerate().map(|(bin, name)| {
                if sensitive {
                    format!("{:0width$}", bin + 1)
                } else {
                    name.clone()
                }
            });
            let rest = ["__other__".to_owned(), "__unseen__".to_owned()];
            named.chain(rest).collect()
        }
    };
    names
}

/// How many significant digits tell ascending edges apart, at least five.
fn digits(edges: &[f64]) -> usize {
    let apart = |digits: &usize| {
        let ascends = |pair: &[f64]| match pair {
            // A bin of one value is named by that value.
            [start, end] => {
                *end <= start.next_up() || rounded(*start, *digits) < rounded(*end, *digits)
            }
            _ => true,
        };
        edges.windows(2).all(ascends)
    };
    (5..17).find(apart).unwrap_or(17)
}

/// A value with so many significant digits.
fn rounded(value: f64, digits: usize) -> f64 {
    // What was formatted as a number is one.
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

/// What lies in a coarse bin: one value, or a range whose ends have so many significant digits.
fn range(edges: &[f64], bin: usize, digits: usize) -> String {
    let edge = |place: Option<usize>| place.and_then(|place| edges.get(place)).copied();
    let (below, above) = (edge(bin.checked_sub(1)), edge(Some(bin)));
    // The bin before holds this value alone, and ends with the next number that there is.
    let only = edge(bin.checked_sub(2)).filter(|only| below <= Some(only.next_up()));
    let end = |end: f64| text(rounded(end, digits));
    let from = match (only, below) {
        (Some(only), _) => format!("({}", text(only)),
        (None, Some(below)) => format!("[{}", end(below)),
        (None, None) => "(-Inf".to_owned(),
    };
    match (below, above) {
        (Some(only), Some(above)) if above <= only.next_up() => text(only),
        (_, Some(above)) => format!("{from}, {})", end(above)),
        (_, None) => format!("{from}, +Inf)"),
    }
}

/// A number with all its digits, with an exponent where they would be many more without: the smallest number
/// above 0, where a bin of 0 alone ends, has 324 of them.
fn text(value: f64) -> String {
    let (plain, exponent) = (format!("{value}"), format!("{value:e}"));
    if plain.len() <= exponent.len() + 6 {
        plain
    } else {
        exponent
    }
}

/// A label value within its bound. A longer one is cut and gets a digest, so that two long names that begin
/// alike stay two.
fn label(value: &str) -> Cow<'_, str> {
    if value.len() <= LABEL_BYTES {
        return Cow::Borrowed(value);
    }
    let digest = Sha256::digest(value);
    let digest: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut end = LABEL_BYTES - digest.len() - 1;
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}~{digest}", &value[..end]))
}

fn flag(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn seconds(time: Timestamp) -> f64 {
    time.as_microsecond() as f64 / 1e6
}

fn kind_name(kind: stats::Kind) -> &'static str {
    match kind {
        stats::Kind::Numeric => "numeric",
        stats::Kind::Categorical => "categorical",
    }
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
        Statistic::DuplicateShare => "duplicate_share",
    }
}

fn part_name(part: LimitPart) -> &'static str {
    match part {
        LimitPart::Manifest => "manifest",
        LimitPart::RaisedToWarning => "raised_to_warning",
        LimitPart::EffectFloor => "effect_floor",
        LimitPart::SamplingNull => "sampling_null",
        LimitPart::BetweenWindows => "between_windows",
        LimitPart::BetweenWindowsCapped => "between_windows_capped",
    }
}
