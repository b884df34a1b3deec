//! What a monitor knows besides its baseline, and keeps over a restart: which window comes next, what
//! was judged last, which columns and events were seen last, how long breaches have lasted.

use std::collections::BTreeMap;

use crds::valid;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats::{
    AssociationReport, BySeverity, Check, FeatureReport, Kind, MissingnessReport,
    PerformanceReport, Report, SegmentsReport, ShiftState, Streak, Summary, Times, Verdict,
    WindowSummary,
};

use crate::columns::{ColumnProblem, Layout};
use crate::contaminated::Contaminated;
use crate::freshness::{self, Freshness, Runs, Served};
use crate::labelled::Labels;
use crate::names::{self, Unmatched};
use crate::pipeline::{Pulled, Slot};
use crate::rules::JudgedRules;
use crate::segments::{self, SegmentTimes, UsualSegments};
use crate::settings::check_of;
use crate::snapshot::{Alarms, Breaches, Judged, Standing};
use crate::updates::{Supply, Updates};
use crate::window::{Span, WindowId};

/// What it is saved as.
pub const SAVED_AS: &str = "progress.json";

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// How many baselines this monitor has frozen.
    pub version: u32,
    /// The first window that was not judged yet; nothing before the first and without windows.
    pub next: Option<WindowId>,
    /// The last window judged.
    pub judged: Option<JudgedState>,
    /// The columns of the newest window that had rows, complete or not.
    pub latest: Option<Found>,
    /// For how many windows in a row limits were passed.
    pub streaks: Streak,
    /// The charts of the features' means.
    #[serde(default)]
    pub shifts: BTreeMap<String, ShiftState>,
    /// Which windows stay out of the baseline.
    #[serde(default)]
    pub contaminated: Contaminated,
    /// Rows of the newest complete window.
    #[serde(default)]
    pub complete_rows: Option<u64>,
    /// When new events came.
    #[serde(default)]
    pub updates: Updates,
    /// The business rules of the last window.
    #[serde(default)]
    pub rules: JudgedRules,
    /// What was judged later, when its target was known.
    #[serde(default)]
    pub labels: Labels,
    events: Events,
    runs: Runs,
    /// Freshness at the last evaluation; a matter of the clock, so it is not kept.
    #[serde(skip)]
    pub freshness: BTreeMap<String, Judged<Freshness>>,
    /// How old the rows are, as little kept.
    #[serde(skip)]
    pub served: Option<Served>,
    /// Whether the source goes on, as little kept.
    #[serde(skip)]
    pub supply: Option<Supply>,
    /// Whether the newest rows wait until older windows are caught up: how fresh they are is not known until then.
    #[serde(skip)]
    pub behind: bool,
}

/// Where in time the rows of a pull are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Of windows of the past, while newer ones wait.
    Past,
    /// Up to the newest rows.
    Newest {
        /// The slot of the window in progress; nothing where every slot is complete.
        open: Option<usize>,
    },
}

/// The newest event times seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Events {
    /// Of all rows.
    newest: Option<Timestamp>,
    /// Per feature, of the rows in which it is not null.
    features: BTreeMap<String, Timestamp>,
    /// Rows with an event time in the pull that brought them.
    rows: u64,
    /// The share of rows whose event is in the future, among those with an event time, in the last pull that brought any.
    #[serde(default)]
    future: Option<f64>,
    /// All of the newest window that has any.
    #[serde(default)]
    times: Option<Times>,
    /// Those of each segment, in the newest window that has enough of it.
    #[serde(default)]
    segments: Vec<SegmentTimes>,
}

/// A window that was judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JudgedState {
    /// Its time.
    pub span: Span,
    /// Its rows.
    pub rows: u64,
    /// Its columns.
    pub found: Found,
    /// The verdicts, in the order of the baseline's features at that time, and last, under the empty name, those of the
    /// window as a whole.
    pub reports: Vec<FeatureReport>,
    /// How the features hang together, compared with the baseline; nothing where no pair can be.
    #[serde(default)]
    pub associations: Option<AssociationReport>,
    /// What the features tell about the target; nothing where there is none.
    #[serde(default)]
    pub performance: Option<PerformanceReport>,
    /// How its features are missing together, compared with the baseline; nothing where that cannot be.
    #[serde(default)]
    pub missingness: Option<MissingnessReport>,
    /// What it is within segments, compared with the baseline; none where nothing divides the rows.
    #[serde(default)]
    pub segments: Vec<SegmentsReport>,
    /// Which of them have lasted long enough to alarm, by feature; of a check without a verdict what was last.
    pub breached: BTreeMap<String, Breaches>,
    /// The verdicts that the latter rest on, by feature; none of one without such an alarm.
    #[serde(default)]
    pub standing: BTreeMap<String, Standing>,
}

/// The columns of a stream, without their values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    features: Vec<(String, Kind, String)>,
    /// Selected columns of types that are not watched, with their types.
    pub unsupported: Vec<(String, String)>,
    /// Columns that the manifest gives a role and that the stream lacks.
    pub absent: Vec<String>,
    /// Columns that the manifest says hold a time, and their types, which do not.
    pub not_a_time: Vec<(String, String)>,
    /// Columns that the manifest says are flags, and their types, which are not those of one.
    #[serde(default)]
    pub not_a_flag: Vec<(String, String)>,
    /// The names of all columns; none of what was saved before they were kept.
    #[serde(default)]
    pub names: Vec<String>,
}

/// The columns of a window, with their values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The columns.
    pub columns: Columns,
    summaries: BTreeMap<String, Summary>,
    /// The window as a whole.
    #[serde(default)]
    pub window: WindowSummary,
}

impl Columns {
    /// Those of a stream's layout.
    pub fn of(layout: &Layout) -> Self {
        let mut columns = Self {
            features: layout
                .features
                .iter()
                .map(|f| (f.name.clone(), f.kind, f.data_type.clone()))
                .collect(),
            unsupported: layout
                .skipped
                .iter()
                .map(|s| (s.name.clone(), s.data_type.clone()))
                .collect(),
            names: layout.names.clone(),
            ..Self::default()
        };
        for problem in layout.problems.iter().cloned() {
            match problem {
                ColumnProblem::Absent { column, .. } => columns.absent.push(column),
                ColumnProblem::NotAValue {
                    column, data_type, ..
                } => columns.unsupported.push((column, data_type)),
                ColumnProblem::NotATime {
                    column, data_type, ..
                } => columns.not_a_time.push((column, data_type)),
                ColumnProblem::NotAFlag { column, data_type } => {
                    columns.not_a_flag.push((column, data_type));
                }
            }
        }
        columns
    }

    /// These columns with the values of one window.
    pub fn with(&self, slot: &Slot<Summary>) -> Found {
        let names = self.features.iter().map(|(name, ..)| name.clone());
        let summaries = slot.features.iter().map(|finished| finished.value.clone());
        Found {
            columns: self.clone(),
            summaries: names.zip(summaries).collect(),
            window: slot.window.clone(),
        }
    }
}

impl Found {
    /// A feature's values.
    pub fn summary(&self, feature: &str) -> Option<&Summary> {
        self.summaries.get(feature)
    }

    /// Name, kind, type and values of each feature, in the stream's order.
    pub fn features(&self) -> impl Iterator<Item = (&str, Kind, &str, &Summary)> {
        self.columns
            .features
            .iter()
            .filter_map(|(name, kind, data_type)| {
                let summary = self.summaries.get(name)?;
                Some((name.as_str(), *kind, data_type.as_str(), summary))
            })
    }
}

impl JudgedState {
    /// A window with its verdicts, which are counted into `streaks`. Where it has none since there is too little in
    /// it, an alarm of the window `before` stands.
    pub fn new(
        span: Span,
        rows: u64,
        found: Found,
        report: Report,
        config: &valid::Monitor,
        streaks: &mut Streak,
        before: Option<&JudgedState>,
    ) -> Self {
        let mut reports = report.features;
        reports.push(report.window);
        streaks.retain(|name| reports.iter().any(|report| report.name == name));
        let (mut breached, mut standing) = (BTreeMap::new(), BTreeMap::new());
        for report in &reports {
            let name = report.name.as_str();
            let mut stands = Standing::default();
            let breaches = Breaches::from_fn(|check| match report.verdicts.get(check) {
                Ok(verdict) => {
                    let consecutive = check_of(config, check).limits_for(name).consecutive;
                    Some(streaks.observe(name, check, verdict.over, consecutive))
                }
                Err(reason) if !reason.is_of_the_window() => None,
                Err(_) => {
                    let (verdict, breached) = before?.alarm(name, check)?;
                    *stands.get_mut(check) = Some(verdict.clone());
                    Some(breached)
                }
            });
            if stands != Standing::default() {
                standing.insert(name.to_owned(), stands);
            }
            breached.insert(name.to_owned(), breaches);
        }
        Self {
            span,
            rows,
            found,
            reports,
            associations: report.associations,
            performance: report.performance,
            missingness: report.missingness,
            segments: report.segments,
            breached,
            standing,
        }
    }

    /// The verdict that the alarm of a check rests on, and at which severities it alarms; nothing without an alarm.
    fn alarm(&self, name: &str, check: Check) -> Option<(&Verdict, BySeverity<bool>)> {
        let breached = (*self.breached.get(name)?.get(check))?;
        let own = self.report(name)?.verdicts.get(check).as_ref().ok();
        let before = || self.standing.get(name)?.get(check).as_ref();
        let verdict = own.or_else(before)?;
        (breached != BySeverity::default()).then_some((verdict, breached))
    }

    /// Which limits of a feature, or under the empty name of the window as a whole, this window itself passes, in however many
    /// windows in a row.
    pub fn passed(&self, name: &str) -> Option<Breaches> {
        let report = self.report(name)?;
        Some(Breaches::from_fn(|check| {
            let verdict = report.verdicts.get(check).as_ref().ok();
            verdict.map(|verdict| verdict.over)
        }))
    }

    /// The alarms of calibrated limits that begin with this window: what is breached and was not in the last window before it
    /// with a verdict, whose breaches those in between have taken over.
    pub fn begun(&self, before: Option<&JudgedState>) -> Alarms {
        let mut begun = Alarms::default();
        let breached = |state: &JudgedState, name: &str, check| {
            let breaches = state
                .breached
                .get(name)
                .map(|breaches| *breaches.get(check));
            breaches.flatten().unwrap_or_default()
        };
        for name in self.breached.keys() {
            for check in Check::ALL {
                let was = before.map_or_else(BySeverity::default, |b| breached(b, name, check));
                let verdict = self.report(name).map(|report| report.verdicts.get(check));
                let verdict = verdict.and_then(|verdict| verdict.as_ref().ok());
                let calibrated = verdict.map(Verdict::calibrated).unwrap_or_default();
                let begins = breached(self, name, check).zip(was).zip(calibrated);
                let begins = begins.map(|((is, was), calibrated)| is && !was && calibrated);
                let count = begun.get_mut(check);
                *count = count
                    .zip(begins)
                    .map(|(count, begins)| count + u64::from(begins));
            }
        }
        begun
    }

    /// What is said of a feature, or under the empty name of the window as a whole.
    pub fn report(&self, name: &str) -> Option<&FeatureReport> {
        self.reports.iter().find(|report| report.name == name)
    }
}

impl Progress {
    /// What of the overrides no column of the source has; nothing before columns are known.
    pub fn unmatched(&self, config: &valid::Monitor) -> Vec<Unmatched> {
        let latest = self.latest.iter();
        let columns: Vec<&str> = latest
            .flat_map(|found| found.columns.names.iter().map(String::as_str))
            .collect();
        match columns.is_empty() {
            true => Vec::new(),
            false => names::overrides(config, &columns),
        }
    }

    /// Forgets what was judged against a baseline that is no longer wanted. The next window stands
    /// only while the windows lie on the same grid.
    pub fn start_over(&mut self, same_grid: bool) {
        self.judged = None;
        self.labels = Labels::default();
        self.streaks = Streak::default();
        self.shifts.clear();
        self.contaminated = Contaminated::default();
        if !same_grid {
            self.next = None;
        }
    }

    /// Notes the newest event times of a pull. A pull without rows says nothing about them, and one of the past nothing about
    /// newer rows that were seen before. `usual` is how the baseline's rows are divided.
    pub fn see<T>(&mut self, pulled: &Pulled<T>, reach: Reach, usual: &[UsualSegments]) {
        let time = |micros| Timestamp::from_microsecond(micros).ok();
        let events = &mut self.events;
        let known = events.newest;
        let seen = pulled.newest_event.and_then(time);
        // The table may be another one by now, with older rows: what is newest is what it has now.
        let newer = reach != Reach::Past || seen >= known;
        if let Some(newest) = seen.filter(|_| newer) {
            events.newest = Some(newest);
            events.rows = pulled.rows_with_event;
        }
        let all = pulled.rows_with_event + pulled.rows_in_future;
        if all > 0 && newer {
            events.future = Some(pulled.rows_in_future as f64 / all as f64);
        }
        let open = match reach {
            Reach::Newest { open } => open,
            Reach::Past => None,
        };
        for (place, slot) in pulled.slots.iter().enumerate().filter(|_| newer) {
            if slot.events.is_some() {
                events.times.clone_from(&slot.events);
                let known = std::mem::take(&mut events.segments);
                let complete = open != Some(place);
                events.segments = segments::renewed(known, &slot.segments, complete, usual);
            }
        }
        for (place, column) in pulled.layout.features.iter().enumerate() {
            let newest = pulled
                .slots
                .iter()
                .filter_map(|slot| slot.features.get(place)?.newest_event)
                .max();
            if let Some(newest) = newest.and_then(time) {
                let known = self.events.features.entry(column.name.clone());
                let known = known.or_insert(newest);
                *known = match reach {
                    Reach::Newest { .. } => newest,
                    Reach::Past => newest.max(*known),
                };
            }
        }
        if pulled.report.rows > 0 {
            let here = |name: &str| pulled.layout.features.iter().any(|f| f.name == name);
            let known = self.judged.as_ref();
            let known = |name: &str| known.is_some_and(|j| j.breached.contains_key(name));
            // A column that is neither here nor in the baseline will not come back under this name.
            self.events
                .features
                .retain(|name, _| here(name) || known(name));
            self.runs.retain(|name| here(name) || known(name));
        }
    }

    /// Forgets which events were seen: those of a window that is asked for by its time are to be the only ones.
    pub fn forget_events(&mut self) {
        self.events = Events::default();
    }

    /// The share of rows whose event is in the future, among those with an event time; nothing before the first.
    pub fn future_events(&self) -> Option<f64> {
        self.events.future
    }

    /// Judges freshness by the clock, for the data as a whole (under the empty name) and for each
    /// feature that was ever seen with an event time; nothing while the newest rows wait.
    pub fn judge_freshness(&mut self, config: &valid::Monitor, now: Timestamp) {
        self.freshness.clear();
        self.served = None;
        if self.behind {
            return;
        }
        let check = &config.checks.freshness;
        let whole = of_the_whole(check);
        let times = self.events.times.clone().filter(|_| whole.enabled);
        let segments = self.events.segments.clone();
        self.served = times.map(|times| freshness::served(times, segments, now, &whole));
        let features = self
            .events
            .features
            .iter()
            .map(|(name, newest)| (name.clone(), *newest, check.limits_for(name)));
        let all: Vec<_> = self
            .events
            .newest
            .map(|newest| (String::new(), newest, whole))
            .into_iter()
            .chain(features)
            .collect();
        for (name, newest, resolved) in all {
            if !resolved.enabled || self.events.rows < resolved.min_rows {
                continue;
            }
            let value = freshness::judge(newest, now, &resolved);
            let breached = self.runs.observe(&name, value.over, resolved.consecutive);
            self.freshness.insert(name, Judged { value, breached });
        }
    }

    /// Notes a look at the newest rows; says whether they brought a newer event.
    pub fn look(&mut self, config: &valid::Monitor, now: Timestamp) -> bool {
        let every = config.schedule.every;
        self.updates.look(self.events.newest, now, every)
    }

    /// Judges by the clock whether the source goes on; `open_rows` are those of the window in progress after a look at the
    /// newest rows, nothing where there was none.
    pub fn judge_supply(
        &mut self,
        config: &valid::Monitor,
        open_rows: Option<u64>,
        now: Timestamp,
    ) {
        let check = of_the_whole(&config.checks.freshness);
        let limits = BySeverity {
            warning: check.warning,
            critical: check.critical,
        };
        let limits = limits.map(|limit| limit.map(|limit| limit.as_secs_f64()));
        self.supply = Some(match open_rows {
            None => Supply::Unknown,
            Some(open) => {
                let rows = self.complete_rows.unwrap_or(0).saturating_add(open);
                let every = config.schedule.every;
                self.updates.supply(rows, limits, now, every)
            }
        });
    }
}

/// The freshness check of the data as a whole.
fn of_the_whole(
    check: &valid::Check<std::time::Duration>,
) -> valid::ResolvedCheck<std::time::Duration> {
    valid::ResolvedCheck {
        enabled: check.enabled,
        warning: check.warning,
        critical: check.critical,
        min_rows: check.min_rows,
        consecutive: check.consecutive,
    }
}
