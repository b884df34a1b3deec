//! The windows of a seasonal baseline: of each phase the newest so many, each feature in little space.
//!
//! At most 2,048 windows are kept (`crds::valid::MAX_SEASONAL_WINDOWS`). A numeric feature takes 0.2 kB and ten bytes for each
//! of its bins that holds something: an hour of sixty rows less than a kilobyte, a window with values in all bins eleven.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats::seasonal::{MIN_CYCLES, Phase, Point};
use stats::sequential::Absent;
use stats::{
    Alone, FrozenFeature, FrozenShift, KeptSummary, Keys, Reference, Season, Settings, Step,
    Summary, WindowSummary,
};

use crate::contaminated::WHOLE;
use crate::progress::Found;
use crate::season::{Clock, Moment};
use crate::window::Span;

/// All windows that are kept, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    windows: Vec<KeptWindow>,
    /// Every feature in all windows since the bins were frozen: what is acceptable follows from it.
    whole: Vec<Summary>,
    /// Whether some phase ever had windows of enough days to judge by.
    ready: bool,
    /// The window that the baseline's features are chosen for.
    faced: Option<Span>,
}

/// One window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct KeptWindow {
    span: Span,
    rows: u64,
    keys: Option<Keys>,
    /// In the order of the baseline's features; nothing of those that it does not have, or that are left out.
    features: Vec<Option<KeptSummary>>,
}

/// The windows that one is compared with.
pub struct Chosen {
    /// Their times.
    pub spans: Vec<Span>,
    /// Their rows.
    pub rows: Vec<u64>,
    /// Each as a whole.
    pub windows: Vec<WindowSummary>,
    /// Of each feature of the baseline those that have it.
    pub features: Vec<Vec<Summary>>,
}

impl History {
    /// Without any window.
    pub fn new(features: &[FrozenFeature]) -> Self {
        Self {
            windows: Vec::new(),
            whole: features.iter().map(|feature| feature.pooled(&[])).collect(),
            ready: false,
            faced: None,
        }
    }

    /// How many windows there are.
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// Rows of all windows.
    pub fn rows(&self) -> u64 {
        self.windows.iter().map(|window| window.rows).sum()
    }

    /// From the start of the oldest window to the end of the newest one.
    pub fn span(&self) -> Option<Span> {
        Some(Span {
            start: self.windows.first()?.span.start,
            end: self.windows.last()?.span.end,
        })
    }

    /// Whether windows are judged: some phase has had windows of enough days.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Leaves out the features for which `keep` is false.
    pub fn retain(&mut self, keep: &[bool]) {
        retain(&mut self.whole, keep);
        for window in &mut self.windows {
            retain(&mut window.features, keep);
        }
    }

    /// Takes in the next window without the features in `except`, and without its keys where [`WHOLE`] is in it; lets go of the oldest
    /// of its phase.
    pub fn take(
        &mut self,
        clock: &Clock,
        features: &[FrozenFeature],
        (span, rows): (Span, u64),
        found: &Found,
        except: &BTreeSet<String>,
    ) {
        let summary = |feature: &FrozenFeature| {
            let summary = found.summary(&feature.name);
            summary
                .filter(|summary| summary.kind == feature.kind && !except.contains(&feature.name))
        };
        for (feature, whole) in features.iter().zip(&mut self.whole) {
            if let Some(summary) = summary(feature) {
                *whole = feature.pooled(&[whole.clone(), summary.clone()]);
            }
        }
        let kept = |feature| summary(feature).map(KeptSummary::of);
        self.windows.push(KeptWindow {
            span,
            rows,
            keys: found.window.keys.filter(|_| !except.contains(WHOLE)),
            features: features.iter().map(kept).collect(),
        });
        let (moments, own) = (self.moments(clock), clock.moment(span));
        self.ready |= chosen_phase(&moments, &own).1 >= MIN_CYCLES as u64;
        let same: Vec<usize> = moments
            .iter()
            .enumerate()
            .filter(|(_, moment)| moment.phases.first() == own.phases.first())
            .map(|(place, _)| place)
            .collect();
        for place in same
            .iter()
            .take(same.len().saturating_sub(clock.cycles()))
            .rev()
        {
            self.windows.remove(*place);
        }
    }

    /// Tells the windows of a feature, `alone` for each of these times, which of their rows have a name that no other window has:
    /// they count as not seen, and where `learnt` as not acceptable; and which have a name that is frequent by luck.
    pub fn set_alone(
        &mut self,
        (place, feature): (usize, &FrozenFeature),
        spans: &[Span],
        alone: &[Alone],
        learnt: bool,
    ) {
        let of: BTreeMap<Timestamp, Alone> = spans
            .iter()
            .map(|span| span.start)
            .zip(alone.iter().copied())
            .collect();
        for window in &mut self.windows {
            let kept = window.features.get_mut(place).and_then(Option::as_mut);
            if let Some((kept, alone)) = kept.zip(of.get(&window.span.start)) {
                let summary = kept.summary(&feature.bins);
                *kept = KeptSummary::of(&alone.apart(summary, learnt));
            }
        }
        if let Some(whole) = self.whole.get_mut(place) {
            *whole = Alone::sum(alone).apart(whole.clone(), learnt);
        }
    }

    /// Chooses the windows that one at `span` is compared with: those of its finest phase that has them on enough days, else of
    /// the finest one at all.
    pub fn face(&mut self, clock: &Clock, features: &[FrozenFeature], span: Span) -> Chosen {
        self.faced = Some(span);
        let moments = self.moments(clock);
        let phase = chosen_phase(&moments, &clock.moment(span)).0;
        let chosen: Vec<&KeptWindow> = self
            .windows
            .iter()
            .zip(&moments)
            .filter(|(_, moment)| phase.is_some_and(|phase| moment.phases.contains(&phase)))
            .map(|(window, _)| window)
            .collect();
        let of = |(place, feature): (usize, &FrozenFeature)| {
            let kept = chosen
                .iter()
                .filter_map(|window| window.features.get(place)?.as_ref());
            kept.map(|kept| kept.summary(&feature.bins)).collect()
        };
        // Of those that were left out nothing is known.
        let whole = |window: &&KeptWindow| WindowSummary {
            keys: window.keys,
            ..WindowSummary::default()
        };
        Chosen {
            spans: chosen.iter().map(|window| window.span).collect(),
            rows: chosen.iter().map(|window| window.rows).collect(),
            windows: chosen.iter().map(whole).collect(),
            features: features.iter().enumerate().map(of).collect(),
        }
    }

    /// All windows that are kept, of every phase: their times and rows, and each feature of the baseline pooled over them.
    pub fn pooled(&self, features: &[FrozenFeature]) -> (Vec<Span>, Vec<u64>, Vec<Summary>) {
        let of = |(place, feature): (usize, &FrozenFeature)| {
            let windows = self.windows.iter();
            let kept = windows.filter_map(|window| window.features.get(place)?.as_ref());
            kept.map(|kept| kept.summary(&feature.bins))
                .reduce(|all, next| feature.pooled(&[all, next]))
                .unwrap_or_else(|| feature.pooled(&[]))
        };
        (
            self.windows.iter().map(|window| window.span).collect(),
            self.windows.iter().map(|window| window.rows).collect(),
            features.iter().enumerate().map(of).collect(),
        )
    }

    /// The phase that the faced window is compared with, and on how many days it was found.
    pub fn compared(&self, clock: &Clock) -> Option<(Phase, u64)> {
        let moment = clock.moment(self.faced?);
        let (phase, days) = chosen_phase(&self.moments(clock), &moment);
        Some((phase?, days))
    }

    /// Limits for the faced window, of features whose windows are the chosen ones.
    pub fn reference(
        &self,
        clock: &Clock,
        features: &[FrozenFeature],
        windows: &[WindowSummary],
        settings: &Settings,
    ) -> Reference {
        let moments = self.moments(clock);
        let faced = self.faced.map(|span| clock.moment(span));
        let cycles = faced
            .as_ref()
            .map_or(0, |faced| chosen_phase(&moments, faced).1);
        let means: Vec<Vec<Point<'_, Phase>>> = (0..features.len())
            .map(|place| self.means(&moments, place))
            .collect();
        let season = Season {
            phases: faced.as_ref().map_or(&[], |faced| &faced.phases),
            cycles,
            whole: &self.whole,
            means: &means,
        };
        Reference::seasonal(features, windows, settings, &season)
    }

    /// How the means of each feature move; nothing before the windows that are kept span all cycles of the season.
    pub fn shifts(
        &self,
        clock: &Clock,
        features: usize,
    ) -> Option<Vec<Result<FrozenShift, Absent>>> {
        let (span, length) = (self.span()?, self.windows.first()?.span);
        let length = length.end.duration_since(length.start);
        if span.end.duration_since(span.start) < length * i32::try_from(clock.round()).ok()? {
            return None;
        }
        let moments = self.moments(clock);
        let of = |place: usize| {
            let mut steps: Vec<Step<'_>> = Vec::new();
            let mut before: Option<Span> = None;
            for (window, moment) in self.windows.iter().zip(&moments) {
                let missing = before.map_or(0, |before| window.span.missing_since(before));
                steps.extend((0..missing).map(|_| Step {
                    phases: &[],
                    mean: None,
                }));
                let kept = window.features.get(place).and_then(Option::as_ref);
                steps.push(Step {
                    phases: &moment.phases,
                    mean: kept.and_then(KeptSummary::mean),
                });
                before = Some(window.span);
            }
            FrozenShift::fit(&steps)
        };
        Some((0..features).map(of).collect())
    }

    /// A feature's mean in every window that has one.
    fn means<'a>(&self, moments: &'a [Moment], place: usize) -> Vec<Point<'a, Phase>> {
        let windows = self.windows.iter().zip(moments);
        let point = |(window, moment): (&KeptWindow, &'a Moment)| {
            Some(Point {
                day: moment.day,
                phases: &moment.phases,
                value: window.features.get(place)?.as_ref()?.mean()?,
                excluded: false,
            })
        };
        windows.filter_map(point).collect()
    }

    fn moments(&self, clock: &Clock) -> Vec<Moment> {
        let windows = self.windows.iter();
        windows.map(|window| clock.moment(window.span)).collect()
    }
}

/// The finest phase of `moment` that was there on enough days, else its finest; and on how many.
fn chosen_phase(moments: &[Moment], moment: &Moment) -> (Option<Phase>, u64) {
    let mut days: BTreeMap<Phase, BTreeSet<i64>> = BTreeMap::new();
    for known in moments {
        for phase in known
            .phases
            .iter()
            .filter(|phase| moment.phases.contains(phase))
        {
            days.entry(*phase).or_default().insert(known.day);
        }
    }
    let count = |phase: &Phase| days.get(phase).map_or(0, BTreeSet::len);
    let enough = moment
        .phases
        .iter()
        .find(|phase| count(phase) >= MIN_CYCLES);
    let phase = enough.or(moment.phases.first());
    (phase.copied(), phase.map_or(0, |phase| count(phase) as u64))
}

fn retain<T>(all: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter().copied();
    all.retain(|_| keep.next().unwrap_or(true));
}
