//! What is known about a monitor at one moment: an immutable value that the page, the metrics and
//! the status are drawn from. It is replaced whole, never changed.

use std::sync::Arc;

use jiff::Timestamp;
use stats::association::{Collapse, Matrix};
use stats::sequential::{ChartReading, Standard};
use stats::{
    Acceptable, Alpha, AssociationReport, Bins, ByCheck, BySeverity, CompleteEntities,
    FeatureReport, Fences, Keys, Kind, MissingnessReport, PerformanceReport, Scope, SegmentsReport,
    Severity, Summary, Usual, Verdict,
};

use crate::freshness::{Freshness, Served};
use crate::names::Unmatched;
use crate::quality::{FeatureQuality, MonitorQuality};
use crate::rules::{Judgement, Outcome};
use crate::schema::Problem;
use crate::source::Reason;
use crate::target::FrozenTarget;
use crate::updates::{Interval, Supply};
use crate::window::Span;

/// All that is known about a monitor.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What is watched, and how.
    pub monitor: Arc<crds::valid::Monitor>,
    /// Hash of the configuration in force.
    pub config_hash: String,
    /// The last evaluation; nothing before the first one has ended.
    pub evaluation: Option<Evaluation>,
    /// The last evaluation that failed since the exporter started, with its failure.
    pub last_failure: Option<Evaluation>,
    /// When an evaluation last succeeded.
    pub last_success: Option<Timestamp>,
    /// Whether the last pull reached the source; nothing before the first.
    pub source_up: Option<bool>,
    /// What windows are compared with.
    pub baseline: BaselineState,
    /// How the false-alarm budget is shared; nothing without a baseline.
    pub budget: Option<Budget>,
    /// The window that the features' summaries and verdicts speak of.
    pub judged: Option<JudgedWindow>,
    /// The window in progress; nothing for a monitor without windows.
    pub open: Option<OpenWindow>,
    /// Complete windows that wait to be judged.
    pub windows_pending: u64,
    /// Freshness of the data as a whole; nothing without `data.eventTime`, before the first event, and while the newest rows wait
    /// until older windows are caught up.
    pub freshness: Option<Judged<Freshness>>,
    /// The share of rows whose event is in the future, among those with an event time; nothing under the same conditions.
    pub future_events: Option<f64>,
    /// How old the rows are that are served; nothing under the same conditions.
    pub served: Option<Served>,
    /// Whether the source goes on; nothing without `data.eventTime`, with the check off, and before the first evaluation.
    pub updates: Option<UpdatesState>,
    /// The judged window as a whole.
    pub whole: WholeState,
    /// The business rules, in the manifest's order.
    pub rules: Vec<RuleState>,
    /// What of the overrides no column has; nothing before columns are known.
    pub unmatched: Vec<Unmatched>,
    /// Every expected feature and every feature found, by name.
    pub features: Vec<FeatureState>,
}

/// How the source is filled, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpdatesState {
    /// Whether it goes on.
    pub supply: Supply,
    /// When the newest event was first seen; nothing before the first.
    pub seen: Option<Timestamp>,
    /// How far apart updates are; nothing before two have followed each other.
    pub interval: Option<Interval>,
}

/// The judged window as a whole: what is about no single feature.
#[derive(Clone, Debug, Default)]
pub struct WholeState {
    /// Its entity keys.
    pub keys: Option<Keys>,
    /// What can be used of what is served.
    pub quality: Option<MonitorQuality>,
    /// How its features hang together, and the baseline's; nothing where no pair can be compared.
    pub pairs: Option<PairsState>,
    /// What its features tell about the target; nothing where there is none.
    pub performance: Option<PerformanceReport>,
    /// The target as the baseline knows it; nothing where it has none.
    pub target: Option<FrozenTarget>,
    /// The last window that was judged by a target which is known later than the window is complete; of it `performance`, and what
    /// is said of each feature's, is.
    pub labelled: Option<Span>,
    /// How its features are missing together, and the baseline's; nothing where that cannot be compared.
    pub missingness: Option<MissingnessReport>,
    /// In how many features rows are complete, of which it tells; patterns are of the first of them.
    pub complete_in: Option<u64>,
    /// How many of its entities are complete; nothing where that was not counted.
    pub entities: Option<EntitiesState>,
    /// What it is within segments, compared with the baseline; none where nothing divides the rows.
    pub segments: Vec<SegmentsReport>,
    /// Windows that are left out of the baseline of what features say together, in a row until now.
    pub left_out: u32,
    /// The verdicts.
    pub report: Option<FeatureReport>,
    /// Which checks are breached.
    pub breached: Breaches,
    /// The verdicts of before, where an alarm stands without one.
    pub standing: Standing,
}

/// How many entities are complete, before and now.
#[derive(Clone, Copy, Debug)]
pub struct EntitiesState {
    /// The baseline; nothing where it was frozen before that was counted, and where it has other features than the window.
    pub reference: Option<CompleteEntities>,
    /// The judged window.
    pub current: CompleteEntities,
}

/// How features hang together, before and now.
#[derive(Clone, Debug)]
pub struct PairsState {
    /// What changed.
    pub report: AssociationReport,
    /// The columns of both matrices.
    pub features: Vec<String>,
    /// The baseline.
    pub reference: Matrix,
    /// The judged window.
    pub current: Matrix,
}

/// A business rule, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleState {
    /// The rule.
    pub rule: crds::valid::Rule,
    /// What the last window said of it; nothing before the first.
    pub outcome: Option<Outcome>,
}

impl RuleState {
    /// Whether it is violated; nothing where it was not judged.
    pub fn breached(&self) -> Option<bool> {
        match &self.outcome {
            Some(Outcome::Judged(judgement)) => Some(Judgement::breached(judgement)),
            _ => None,
        }
    }
}

/// How an evaluation ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, in seconds.
    pub duration_seconds: f64,
    /// Why it failed; nothing when it succeeded.
    pub failure: Option<Failure>,
}

/// Why an evaluation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The reason, from a closed set.
    pub reason: Reason,
    /// The reason in words, without credentials.
    pub message: String,
}

/// What windows are compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum BaselineState {
    /// There is none yet; the evaluation's failure says why, where there is one.
    Absent,
    /// A rolling or seasonal baseline that has not seen enough windows.
    Forming {
        /// Windows it has.
        have: u32,
        /// Windows it needs.
        need: u32,
    },
    /// It is complete.
    Ready(BaselineInfo),
}

/// A complete baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineInfo {
    /// `Pinned`, `Rolling`, `Previous` or `Seasonal`.
    pub kind: &'static str,
    /// How many times this monitor froze a baseline.
    pub version: u32,
    /// `spec.baseline.revision` when it was frozen.
    pub revision: u32,
    /// `sha256:…` over its features.
    pub digest: String,
    /// When it was frozen.
    pub frozen_at: Timestamp,
    /// Whether it was read back from saved state.
    pub reloaded: bool,
    /// From the start of the oldest window to the end of the newest one.
    pub span: Span,
    /// Number of windows.
    pub windows: u32,
    /// Rows of all windows.
    pub rows: u64,
    /// Number of features.
    pub features: u32,
    /// What the judged window is compared with, of a seasonal baseline.
    pub phase: Option<PhaseInfo>,
}

/// The windows of a seasonal baseline that the judged window is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseInfo {
    /// The phase in words, such as `Monday 03:00`.
    pub name: String,
    /// Number of windows.
    pub windows: u32,
    /// On how many days they are.
    pub days: u32,
}

/// How the false-alarm budget is shared among the tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Expected false alarms a window, all tests together.
    pub per_window: BySeverity<f64>,
    /// Number of tests.
    pub tests: usize,
    /// Significance level of one test; nothing without tests.
    pub alpha: BySeverity<Option<Alpha>>,
}

/// A complete window that was judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedWindow {
    /// Its time; for a monitor without windows, from the previous pull to this one.
    pub span: Span,
    /// Its rows.
    pub rows: u64,
}

/// The window in progress.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenWindow {
    /// Its time.
    pub span: Span,
    /// Its rows so far.
    pub rows: u64,
}

/// A judgement together with whether it has lasted long enough to alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<T> {
    /// The judgement.
    pub value: T,
    /// Over the limit for `consecutive` evaluations or windows.
    pub breached: BySeverity<bool>,
}

/// Which checks of a feature are breached; nothing where a check could not be judged. A window that is the reason why it could
/// not neither begins nor ends a breach: of it this is what was last.
pub type Breaches = ByCheck<Option<BySeverity<bool>>>;

/// The verdicts that alarms rest on which stand over a window without one: those of the last window that had one. Nothing of a
/// check that was judged, or of which no alarm stands.
pub type Standing = ByCheck<Option<Verdict>>;

/// How many alarms of each check began.
pub type Alarms = ByCheck<BySeverity<u64>>;

/// One feature.
#[derive(Clone, Debug)]
pub struct FeatureState {
    /// Its name.
    pub name: String,
    /// How it is compared: as found, else as in the baseline; nothing for a feature never seen.
    pub kind: Option<Kind>,
    /// Its type: as found, else as in the baseline.
    pub data_type: Option<String>,
    /// Whether values, categories and bin edges are hidden.
    pub sensitive: bool,
    /// Named by the manifest, or in the baseline.
    pub expected: bool,
    /// Whether the last pull that brought rows had it; nothing before the first.
    pub present: Option<bool>,
    /// What the schema check found.
    pub problem: Option<Problem>,
    /// Its values in the judged window.
    pub summary: Option<Summary>,
    /// Its values in the baseline.
    pub reference: Option<Summary>,
    /// The baseline's frozen bins.
    pub bins: Option<Arc<Bins>>,
    /// Which of its categories are joined where it is compared with other columns; nothing of numbers.
    pub collapse: Option<Collapse>,
    /// Which of its values are acceptable; nothing without a baseline, and where that cannot be told.
    pub acceptable: Option<Acceptable>,
    /// What can be used of it in the judged window.
    pub quality: Option<FeatureQuality>,
    /// Between which its numbers are no outliers; nothing where the baseline does not say so.
    pub fences: Option<Fences>,
    /// What is usual of its mean at this time; nothing without a seasonal baseline that says so.
    pub usual: Option<Usual>,
    /// Windows that are left out of its baseline since they breached a critical limit, in a row until now.
    pub left_out: u32,
    /// The charts of its mean after the last window with a value; nothing without charts.
    pub charts: Option<ChartReading>,
    /// What these charts take for no change; nothing where the baseline does not tell.
    pub standard: Option<Standard>,
    /// Distances and verdicts of the judged window.
    pub report: Option<FeatureReport>,
    /// Which checks of the judged window are breached.
    pub breached: Breaches,
    /// The verdicts of before, where an alarm stands without one.
    pub standing: Standing,
    /// Freshness of the rows in which it is not null.
    pub freshness: Option<Judged<Freshness>>,
}

impl FeatureState {
    /// The schema check's verdict; nothing where the check is off or nothing was pulled.
    pub fn schema_breached(&self, enabled: bool) -> Option<BySeverity<bool>> {
        if !enabled || self.present.is_none() {
            return None;
        }
        let severity = match &self.problem {
            // Nothing was promised of it: neither the baseline nor the manifest has it by name.
            Some(Problem::Unsupported { .. }) if !self.expected => None,
            problem => problem.as_ref().map(Problem::severity),
        };
        Some(BySeverity {
            warning: severity.is_some(),
            critical: severity == Some(Severity::Critical),
        })
    }

    /// The worst breach of all checks, or nothing when none is breached.
    pub fn worst(&self, schema_enabled: bool) -> Option<Severity> {
        let others = [
            self.schema_breached(schema_enabled),
            self.freshness.as_ref().map(|f| f.breached),
        ];
        let statistical = self
            .breached
            .of(Scope::Feature)
            .map(|(_, breached)| breached);
        let breaches: Vec<_> = others.iter().chain(statistical).flatten().collect();
        let any = |pick: fn(&BySeverity<bool>) -> bool| breaches.iter().any(|b| pick(b));
        if any(|b| b.critical) {
            Some(Severity::Critical)
        } else if any(|b| b.warning) {
            Some(Severity::Warning)
        } else {
            None
        }
    }
}
