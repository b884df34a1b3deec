//! The baseline as it is kept: frozen features with the windows they came from, saved under a digest,
//! replaced only when its definition or `spec.baseline.revision` changes.

use crds::valid;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats::{FrozenFeature, WindowSummary};

use crate::progress::Found;
use crate::snapshot::BaselineInfo;
use crate::store::sha256;
use crate::target::FrozenTarget;
use crate::window::{Span, WindowId};

/// Where the one in use is saved.
pub const SAVED_AS: &str = "baseline.json";

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Windows {
    /// Those of a fixed time.
    Pinned(Span),
    /// The newest ones before the window that is judged.
    Rolling(u32),
    /// The one before the window that is judged.
    Previous,
}

impl Windows {
    /// The name of this choice in the manifest.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pinned(_) => "Pinned",
            Self::Rolling(_) => "Rolling",
            Self::Previous => "Previous",
        }
    }

    /// How many windows to keep, where they change over time.
    pub fn rolling(&self) -> Option<u32> {
        match self {
            Self::Pinned(_) => None,
            Self::Rolling(windows) => Some(*windows),
            Self::Previous => Some(1),
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
    /// The newest window of the grid that went in; nothing without windows.
    pub newest: Option<WindowId>,
    /// Its features.
    pub features: Vec<FrozenFeature>,
    /// Its target; nothing where the manifest named none, and in a baseline that was saved before it was frozen too.
    #[serde(default)]
    pub target: Option<FrozenTarget>,
    /// Whether it was read back from saved state.
    #[serde(skip)]
    pub reloaded: bool,
}

impl Baseline {
    /// Whether it has all its windows.
    pub fn is_complete(&self) -> bool {
        self.spans.len() >= self.need as usize
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
        self.features.retain(|f| data.features.selects(&f.name));
    }

    /// `sha256:…` over features, windows and target, in the form they are saved in.
    pub fn digest(&self) -> String {
        // They hold only finite numbers and string keys, which JSON always takes.
        let mut bytes = serde_json::to_vec(&self.features).unwrap_or_default();
        if !self.windows.is_empty() {
            bytes.extend(serde_json::to_vec(&self.windows).unwrap_or_default());
        }
        if let Some(target) = &self.target {
            bytes.extend(serde_json::to_vec(target).unwrap_or_default());
        }
        format!("sha256:{}", sha256(&bytes))
    }

    /// What the page, the metrics and the status say about it; nothing while it has no window.
    pub fn info(&self, digest: String) -> Option<BaselineInfo> {
        Some(BaselineInfo {
            kind: self.definition.windows.kind(),
            version: self.version,
            revision: self.definition.revision,
            digest,
            frozen_at: self.frozen_at,
            reloaded: self.reloaded,
            span: Span {
                start: self.spans.first()?.start,
                end: self.spans.last()?.end,
            },
            windows: self.spans.len() as u32,
            rows: self.rows.iter().sum(),
            features: self.features.len() as u32,
        })
    }

    /// Takes in the next window and, once complete, lets go of the oldest. Features that the window
    /// does not have keep the windows they have.
    pub fn roll(&mut self, span: Span, rows: u64, window: Option<WindowId>, found: &Found) {
        let keep = self.need as usize;
        for feature in &mut self.features {
            if let Some(summary) = found.summary(&feature.name) {
                feature.roll(summary.clone(), keep);
            }
        }
        // A baseline without them has windows before this one of which nothing is known.
        if self.windows.len() == self.spans.len() {
            self.windows.push(found.window.clone());
        }
        self.spans.push(span);
        self.rows.push(rows);
        let surplus = self.spans.len().saturating_sub(keep);
        self.spans.drain(..surplus);
        self.rows.drain(..surplus);
        let surplus = self.windows.len().saturating_sub(keep);
        self.windows.drain(..surplus);
        self.newest = window.or(self.newest);
    }
}
