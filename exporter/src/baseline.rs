//! The baseline as it is kept: frozen features with the windows they came from, saved under a digest,
//! replaced only when its definition or `spec.baseline.revision` changes.

use std::collections::BTreeSet;

use crds::valid;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats::predictive::cross_fit::MIN_FOLDS;
use stats::sequential::MIN_POINTS;
use stats::{Alone, FrozenFeature, FrozenShift, NamesByWindow, Step, Summary, WindowSummary};

use crate::contaminated::WHOLE;
use crate::history::History;
use crate::progress::Found;
use crate::season::Clock;
use crate::segments::FrozenSegments;
use crate::snapshot::{BaselineInfo, PhaseInfo};
use crate::store::sha256;
use crate::target::FrozenTarget;
use crate::window::{Span, WindowId};

/// Where the one in use is saved.
pub const SAVED_AS: &str = "baseline.json";

// A manifest that asks fewer windows for what they cannot say is refused.
const _: () = assert!(valid::MIN_SHIFT_WINDOWS as u64 == MIN_POINTS);
const _: () = assert!(valid::MIN_PERFORMANCE_WINDOWS as usize == MIN_FOLDS);

/// What a baseline is made of, as the manifest says. A saved baseline with another definition is not
/// used: it would answer another question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Which windows.
    pub windows: Windows,
    /// `spec.baseline.revision`.
    pub revision: u32,
    /// Times whose windows are left out.
    #[serde(default)]
    pub excluded: Vec<Span>,
    /// The grid: column, length in microseconds, anchor. Nothing without windows.
    pub grid: Option<(String, i64, Timestamp)>,
}

/// Which windows a baseline is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Windows {
    /// Those of a fixed time.
    Pinned(Span),
    /// The newest ones before the window that is judged.
    Rolling(u32),
    /// The one before the window that is judged.
    Previous,
    /// The newest ones of the phase of the window that is judged. Days of the calendar are no part of it, so that a year may be
    /// added without a new baseline.
    Seasonal {
        /// What comes again, as the manifest names it.
        period: String,
        /// Phases of the period.
        phases: u32,
        /// Windows of each phase.
        cycles: u32,
        /// IANA name of the clock's zone.
        zone: String,
    },
}

impl Windows {
    /// The name of this choice in the manifest.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pinned(_) => "Pinned",
            Self::Rolling(_) => "Rolling",
            Self::Previous => "Previous",
            Self::Seasonal { .. } => "Seasonal",
        }
    }

    /// How many windows to keep, where they change over time.
    pub fn rolling(&self) -> Option<u32> {
        match self {
            Self::Pinned(_) => None,
            Self::Rolling(windows) => Some(*windows),
            Self::Previous => Some(1),
            Self::Seasonal { phases, cycles, .. } => Some(phases * cycles),
        }
    }

    /// How many windows the first verdict needs, where they change over time.
    pub fn needed(&self) -> Option<u32> {
        match self {
            Self::Seasonal { period, phases, .. } => {
                // The same hour of all days stands in for an hour of the week.
                let hourly = period == valid::Period::HourOfWeek.name();
                let period = valid::Period::HourOfDay;
                let least = if hourly { period.phases() } else { *phases };
                Some(least * valid::MIN_CYCLES)
            }
            other => other.rolling(),
        }
    }
}

impl Definition {
    /// Whether a window is left out.
    pub fn excludes(&self, window: Span) -> bool {
        self.excluded.iter().any(|time| time.overlaps(&window))
    }

    /// The definition in a manifest.
    pub fn new(monitor: &valid::Monitor) -> Self {
        let windows = match &monitor.baseline.kind {
            valid::BaselineKind::Pinned { from, to } => Windows::Pinned(Span {
                start: *from,
                end: *to,
            }),
            valid::BaselineKind::Rolling { windows } => Windows::Rolling(windows.get()),
            valid::BaselineKind::Previous => Windows::Previous,
            valid::BaselineKind::Seasonal(season) => Windows::Seasonal {
                period: season.period.name().to_owned(),
                phases: season.round(),
                cycles: season.cycles,
                zone: season.zone.clone(),
            },
        };
        let grid = monitor.data.window.as_ref().map(|window| {
            let micros = i64::try_from(window.length.as_micros()).unwrap_or(i64::MAX);
            (window.column.clone(), micros, window.anchor)
        });
        Self {
            windows,
            revision: monitor.baseline.revision,
            excluded: monitor
                .baseline
                .excluded
                .iter()
                .map(|&(start, end)| Span { start, end })
                .collect(),
            grid,
        }
    }
}

/// A baseline, complete or still forming.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// What it is made of.
    pub definition: Definition,
    /// How many times this monitor froze a baseline, this one included.
    pub version: u32,
    /// When its bins were frozen.
    pub frozen_at: Timestamp,
    /// The time of each window, oldest first.
    pub spans: Vec<Span>,
    /// How many windows it needs before anything is judged.
    pub need: u32,
    /// Rows of each window.
    pub rows: Vec<u64>,
    /// Each window as a whole; empty in a baseline that was saved before this was counted.
    #[serde(default)]
    pub windows: Vec<WindowSummary>,
    /// The time of each of these: where one was left out as a whole there is an older one in its place.
    #[serde(default)]
    pub windows_at: Vec<Span>,
    /// The newest window of the grid that went in; nothing without windows.
    pub newest: Option<WindowId>,
    /// Its features; of a seasonal one with the windows of the phase that was judged last.
    pub features: Vec<FrozenFeature>,
    /// Its target; nothing where the manifest named none, and in a baseline that was saved before it was frozen too.
    #[serde(default)]
    pub target: Option<FrozenTarget>,
    /// What divides its rows; none where the manifest named none, and in a baseline that was saved before that was frozen too.
    #[serde(default)]
    pub segments: Vec<FrozenSegments>,
    /// All windows of a seasonal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// Whether it was read back from saved state.
    #[serde(skip)]
    pub reloaded: bool,
}

impl Baseline {
    /// Whether windows are judged by it: it has all its windows, or as a seasonal one enough of some phase.
    pub fn is_complete(&self) -> bool {
        match &self.history {
            Some(history) => history.is_ready(),
            None => self.spans.len() >= self.need as usize,
        }
    }

    /// Number of windows in it.
    pub fn len(&self) -> usize {
        self.history.as_ref().map_or(self.spans.len(), History::len)
    }

    /// Whether it has no window.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From the start of its oldest window to the end of its newest one.
    pub fn span(&self) -> Option<Span> {
        match &self.history {
            Some(history) => history.span(),
            None => Some(Span {
                start: self.spans.first()?.start,
                end: self.spans.last()?.end,
            }),
        }
    }

    /// Rows of all its windows.
    pub fn all_rows(&self) -> u64 {
        match &self.history {
            Some(history) => history.rows(),
            None => self.rows.iter().sum(),
        }
    }

    /// Whether it still is what the manifest asks for: the same definition, and the kinds that
    /// `spec.data.features.overrides` now forces.
    pub fn serves(&self, monitor: &valid::Monitor) -> bool {
        let kept_kind = |feature: &FrozenFeature| {
            monitor
                .data
                .features
                .forced_kind(&feature.name)
                .is_none_or(|forced| crate::columns::kind(forced) == feature.kind)
        };
        self.definition == Definition::new(monitor) && self.features.iter().all(kept_kind)
    }

    /// Leaves out the features that the manifest no longer selects.
    pub fn select(&mut self, data: &valid::Data) {
        let keep: Vec<bool> = self
            .features
            .iter()
            .map(|feature| data.features.selects(&feature.name))
            .collect();
        self.features.retain(|f| data.features.selects(&f.name));
        if let Some(history) = &mut self.history {
            history.retain(&keep);
        }
    }

    /// `sha256:…` over features, windows, target and segments, in the form they are saved in.
    pub fn digest(&self) -> String {
        // They hold only finite numbers and string keys, which JSON always takes.
        let mut bytes = serde_json::to_vec(&self.features).unwrap_or_default();
        if !self.windows.is_empty() {
            bytes.extend(serde_json::to_vec(&self.windows).unwrap_or_default());
        }
        if let Some(target) = &self.target {
            bytes.extend(serde_json::to_vec(target).unwrap_or_default());
        }
        if !self.segments.is_empty() {
            bytes.extend(serde_json::to_vec(&self.segments).unwrap_or_default());
        }
        if let Some(history) = &self.history {
            bytes.extend(serde_json::to_vec(history).unwrap_or_default());
        }
        format!("sha256:{}", sha256(&bytes))
    }

    /// The same with all the windows of a seasonal one, of whatever phase, in place of those of one phase: to be looked at, and not to
    /// judge by.
    pub fn of_all_phases(mut self) -> Self {
        let Some(history) = &self.history else {
            return self;
        };
        let (spans, rows, references) = history.pooled(&self.features);
        (self.spans, self.rows) = (spans, rows);
        for (feature, reference) in self.features.iter_mut().zip(references) {
            feature.windows.clear();
            feature.reference = reference;
        }
        self
    }

    /// What the page, the metrics and the status say about it; nothing while it has no window.
    pub fn info(&self, digest: String, clock: Option<&Clock>) -> Option<BaselineInfo> {
        let history = self.history.as_ref().zip(clock);
        let compared = history.and_then(|(history, clock)| {
            let (phase, days) = history.compared(clock)?;
            Some(PhaseInfo {
                name: clock.words(phase),
                windows: self.spans.len() as u32,
                days: days as u32,
            })
        });
        Some(BaselineInfo {
            kind: self.definition.windows.kind(),
            version: self.version,
            revision: self.definition.revision,
            digest,
            frozen_at: self.frozen_at,
            reloaded: self.reloaded,
            span: self.span()?,
            windows: self.len() as u32,
            rows: self.all_rows(),
            features: self.features.len() as u32,
            phase: compared,
        })
    }

    /// Takes in the next window and, once complete, lets go of the oldest. Features that the window
    /// does not have, or that are in `except`, keep the windows they have; so does what features say together where
    /// [`WHOLE`] is in it. `clock` is that of a seasonal baseline.
    pub fn roll(
        &mut self,
        clock: Option<&Clock>,
        (span, rows): (Span, u64),
        window: Option<WindowId>,
        found: &Found,
        except: &BTreeSet<String>,
    ) {
        if let (Some(history), Some(clock)) = (&mut self.history, clock) {
            history.take(clock, &self.features, (span, rows), found, except);
            self.newest = window.or(self.newest);
            return;
        }
        let keep = self.need as usize;
        for feature in &mut self.features {
            let wanted = found.summary(&feature.name);
            if let Some(summary) = wanted.filter(|_| !except.contains(&feature.name)) {
                feature.roll(summary.clone(), keep);
            }
        }
        // A baseline without them has windows before this one of which nothing is known.
        if self.windows.len() == self.spans.len() && !except.contains(WHOLE) {
            self.windows.push(found.window.clone());
            self.windows_at.push(span);
        }
        self.spans.push(span);
        self.rows.push(rows);
        let surplus = self.spans.len().saturating_sub(keep);
        self.spans.drain(..surplus);
        self.rows.drain(..surplus);
        let surplus = self.windows.len().saturating_sub(keep);
        self.windows.drain(..surplus);
        let surplus = self.windows_at.len().saturating_sub(keep);
        self.windows_at.drain(..surplus);
        self.newest = window.or(self.newest);
    }

    /// Tells a feature's windows, which were taken in at these times, which of their rows have a name that no other of them has:
    /// they count as not seen, and where `learnt` as not acceptable; and which have a name that is frequent by luck. Windows that follow are compared with what was seen as it is.
    pub fn set_alone(
        &mut self,
        feature: &str,
        windows: &[Span],
        names: &NamesByWindow,
        learnt: bool,
    ) {
        let mut features = self.features.iter_mut().enumerate();
        let Some((place, feature)) = features.find(|(_, known)| known.name == feature) else {
            return;
        };
        let alone = names.alone(&feature.bins);
        if Alone::sum(&alone) == Alone::default() {
            return;
        }
        match &mut self.history {
            Some(history) => history.set_alone((place, feature), windows, &alone, learnt),
            None => feature.set_alone(&alone, learnt),
        }
    }

    /// Freezes how the means of the features move, once it is complete. It stays as the windows go on: a chart that followed them
    /// would follow the shift that it is to find.
    pub fn freeze_shifts(&mut self, clock: Option<&Clock>) {
        let frozen = self.features.iter().any(|feature| feature.shift.is_some());
        if frozen || !self.is_complete() {
            return;
        }
        let all: Option<Vec<_>> = match (&self.history, clock) {
            (Some(history), Some(clock)) => history.shifts(clock, self.features.len()),
            // Of fewer windows nothing can be told, which is said without being kept.
            _ if (self.spans.len() as u64) < MIN_POINTS => None,
            _ => Some(self.features.iter().map(|f| self.shift(f)).collect()),
        };
        for (feature, shift) in self.features.iter_mut().zip(all.into_iter().flatten()) {
            feature.shift = Some(shift);
        }
    }

    /// Freezes of each feature whether it moves by construction, once it is complete, where it goes along with the windows: those that
    /// come later hold what there is to find, and a feature that is shifting would count as one that always moves.
    pub fn freeze_moving(&mut self, moving: impl Fn(usize) -> bool) {
        let frozen = self.features.iter().any(|feature| feature.moving.is_some());
        if frozen || !self.is_complete() || !matches!(self.definition.windows, Windows::Rolling(_))
        {
            return;
        }
        for (place, feature) in self.features.iter_mut().enumerate() {
            feature.moving = Some(moving(place));
        }
    }

    fn shift(&self, feature: &FrozenFeature) -> Result<FrozenShift, stats::sequential::Absent> {
        let mean = |window: &Summary| window.moments.map(|moments| moments.mean);
        // A feature that was not in all windows has those that it has.
        let aligned = feature.windows.len() == self.spans.len();
        let mut steps = Vec::new();
        let mut before: Option<Span> = None;
        for (place, window) in feature.windows.iter().enumerate() {
            let span = self.spans.get(place).copied().filter(|_| aligned);
            let gap = span.zip(before);
            let missing = gap.map_or(0, |(span, before)| span.missing_since(before));
            let none = Step {
                phases: &[],
                mean: None,
            };
            steps.extend((0..missing).map(|_| none));
            steps.push(Step {
                phases: &[],
                mean: mean(window),
            });
            before = span;
        }
        FrozenShift::fit(&steps)
    }

    /// Chooses the windows that one at `span` is compared with; only a seasonal baseline has a choice.
    pub fn face(&mut self, clock: &Clock, span: Span) {
        let Some(history) = &mut self.history else {
            return;
        };
        let chosen = history.face(clock, &self.features, span);
        for (feature, windows) in self.features.iter_mut().zip(chosen.features) {
            feature.set_windows(windows);
        }
        self.windows_at = chosen.spans.clone();
        self.spans = chosen.spans;
        self.rows = chosen.rows;
        self.windows = chosen.windows;
    }
}
