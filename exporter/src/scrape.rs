//! The snapshot as metrics: a pure function from what is known to families of samples.
//!
//! What is not known has no sample. A feature that disappears from the snapshot disappears from the scrape.

mod bins;
mod distances;
mod missingness;
mod performance;
mod rules;
mod segments;
mod verdicts;

use std::borrow::Cow;

use jiff::Timestamp;
use metrics::{Family, Label, Samples, table};
use sha2::{Digest as _, Sha256};
use stats::association::Measure;
use stats::{AssociationReport, Scope, Summary, UsualGap};

use crate::process::{DropReason, Process};
use crate::schema::Problem;
use crate::snapshot::{BaselineState, FeatureState, Snapshot};
use crate::updates::Supply;

use bins::bins;
pub(crate) use bins::coarse;
use distances::drift;
use missingness::missingness;
use rules::business_rule;
use verdicts::{NoVerdict, freshness_verdict, judged, verdicts};

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
    out.add_some(&table::FUTURE_EVENT_RATIO, [], snapshot.future_events);
    served(out, snapshot);
    updates(out, snapshot);
    whole(out, snapshot);
    for rule in &snapshot.rules {
        business_rule(out, rule);
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
    for segment in &served.segments {
        segments::served(out, segment);
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
    let labelled = whole.labelled.map(|span| seconds(span.end));
    out.add_some(&table::TARGET_WINDOW_END_TIMESTAMP, [], labelled);
    if let Some(report) = &whole.performance {
        performance::together(out, report);
    }
    if let Some(report) = &whole.missingness {
        missingness(out, report);
    }
    if let Some(entities) = &whole.entities {
        let reference = entities.reference.and_then(|reference| reference.share());
        out.add_some(&table::COMPLETE_ENTITY_RATIO, [], entities.current.share());
        out.add_some(&table::REFERENCE_COMPLETE_ENTITY_RATIO, [], reference);
    }
    for report in &whole.segments {
        segments::divided(out, report);
    }
    left_out(out, whole.left_out, "");
    let unjudged = match snapshot.baseline {
        BaselineState::Absent | BaselineState::Forming { .. } => NoVerdict::NoBaseline,
        BaselineState::Ready(_) => NoVerdict::NoWindow,
    };
    let report = whole.report.as_ref().ok_or(unjudged);
    let alarms = (&whole.breached, &whole.standing);
    judged(out, snapshot, (Scope::Window, ""), report, alarms);
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
        let feature = label(feature);
        out.add_some(
            &table::FEATURE_VARIANCE_INFLATION,
            [(Label::Feature, &*feature)],
            inflation.as_ref().ok().map(|vif| vif.value()),
        );
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

/// Statistics of the judged window. Those that are single values of somebody (minimum, maximum, quantiles)
/// are left out for a sensitive feature.
fn profile(out: &mut Out, feature: &FeatureState, name: &str) {
    let labels = [(Label::Feature, name)];
    let power = feature.report.as_ref();
    if let Some(power) = power.and_then(|report| report.power.as_ref()) {
        performance::power(out, power, name);
    }
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
    if let Some(usual) = &feature.usual {
        out.add(&table::FEATURE_USUAL_MEAN, labels, usual.centre);
        out.add(&table::FEATURE_USUAL_DEVIATION, labels, usual.deviation);
    }
    left_out(out, feature.left_out, name);
    if let Some(charts) = &feature.charts {
        out.add(&table::SHIFT_EWMA, labels, charts.ewma);
        out.add(&table::SHIFT_CUSUM_UPPER, labels, charts.upper);
        out.add(&table::SHIFT_CUSUM_LOWER, labels, charts.lower);
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
    imputed(out, feature, name);
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

/// How many windows a baseline leaves out: a feature's, or under the empty name that of what features say together.
fn left_out(out: &mut Out, windows: u32, name: &str) {
    if windows > 0 {
        let labels = [(Label::Feature, name)];
        let windows = f64::from(windows);
        out.add(&table::BASELINE_LEFT_OUT_WINDOWS, labels, windows);
    }
}

/// What was filled in, where that is told.
fn imputed(out: &mut Out, feature: &FeatureState, name: &str) {
    let labels = [(Label::Feature, name)];
    let of = |summary: &Option<Summary>| summary.as_ref().and_then(|summary| summary.imputed);
    let Some(current) = of(&feature.summary) else {
        return;
    };
    out.add_some(&table::FEATURE_IMPUTED_RATIO, labels, current.share());
    let reference = of(&feature.reference).and_then(|imputed| imputed.share());
    out.add_some(&table::FEATURE_REFERENCE_IMPUTED_RATIO, labels, reference);
    if let Some(distortion) = current.distortion {
        out.add(&table::FEATURE_IMPUTED_KS, labels, distortion.distance);
        let variance = distortion.variance_ratio;
        out.add_some(&table::FEATURE_IMPUTED_VARIANCE, labels, variance);
        out.add_some(&table::FEATURE_IMPUTED_SPREAD, labels, distortion.spread);
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
