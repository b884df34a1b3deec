//! Makes a baseline: bins of all its windows together, then the counts of each over them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use stats::{FeatureProfile, FrozenFeature, NamesByWindow, Summary, WindowNames};

use super::frozen::{Frozen, counting_of};
use super::{EvaluationError, Monitor, Tally, WINDOWS_AT_ONCE, whole};
use crate::baseline::{Baseline, Definition, Windows};
use crate::columns::{FeatureColumn, Layout};
use crate::contaminated::Contaminated;
use crate::history::History;
use crate::pipeline::{Finished, Pulled, Request, Slot, SlotOf};
use crate::progress::{Columns, Reach};
use crate::rules::Before;
use crate::season::Clock;
use crate::segments::FrozenSegments;
use crate::settings::settings;
use crate::target::FrozenTarget;
use crate::window::{Grid, MAX_CATCH_UP, Span, WindowId};

impl Monitor {
    /// Makes the baseline of a monitor with windows from windows up to `newest`: one pass for the
    /// bins, one for the counts.
    pub(super) async fn freeze_windows(
        &mut self,
        grid: &Grid,
        newest: WindowId,
        now: Timestamp,
        tally: &mut Tally,
    ) -> Result<(), EvaluationError> {
        let definition = Definition::new(&self.config);
        let normal = |window: &WindowId| !definition.excludes(grid.span(*window));
        // The newest so many, oldest first.
        let last = |count: u32| {
            let mut windows: Vec<WindowId> = (0..MAX_CATCH_UP.max(2 * i64::from(count)))
                .map(|back| WindowId(newest.0 - back))
                .filter(normal)
                .take(count as usize)
                .collect();
            windows.reverse();
            windows
        };
        let windows: Vec<WindowId> = match &definition.windows {
            Windows::Pinned(span) => {
                let last = WindowId(grid.at(span.end).0 - 1);
                if last > newest {
                    return Err(EvaluationError::BaselineAhead { end: span.end });
                }
                let all = (grid.at(span.start).0..=last.0).map(WindowId);
                all.filter(normal).collect()
            }
            Windows::Rolling(count) => last(*count),
            Windows::Previous => last(1),
            Windows::Seasonal { phases, cycles, .. } => last(phases * cycles),
        };
        tracing::info!(
            windows = windows.len(),
            kind = definition.windows.kind(),
            "freezing a baseline"
        );
        let mut pool = Pool::default();
        if self.takes_window() {
            for window in &windows {
                let request = self.request(grid, &[*window], None, now);
                pool.add(self.pull(request, tally, |profile| profile).await?);
            }
        } else {
            let request = pooled(grid, &windows);
            pool.add(self.pull(request, tally, |profile| profile).await?);
        }
        let need = u32::try_from(windows.len()).unwrap_or(u32::MAX);
        let mut frozen = self.frozen(pool, now, need);
        // What is acceptable follows from these windows, or is read off their counts.
        let counting = counting_of(&self.config, &frozen, None);
        let (clock, except) = (Clock::of(&self.config), BTreeSet::new());
        let groups: Vec<&[WindowId]> = if self.takes_window() {
            windows.chunks(1).collect()
        } else {
            windows.chunks(WINDOWS_AT_ONCE).collect()
        };
        let mut names = Names::default();
        for group in groups {
            let request = self.request(grid, group, Some(counting.clone()), now);
            let close = FeatureProfile::close_with_names;
            let pulled = self.pull(request, tally, close).await?;
            self.progress.see(&pulled, Reach::Past, &[]);
            let columns = Columns::of(&pulled.layout);
            for (window, slot) in group.iter().zip(pulled.slots) {
                let span = grid.span(*window);
                let (slot, seen) = apart(slot);
                if slot.rows == 0 && definition.windows.rolling().is_none() {
                    return Err(EvaluationError::BaselineEmpty { span });
                }
                let mut found = columns.with(&slot);
                if !self.knows_target(grid, *window, now) {
                    found.window.performance = None;
                }
                self.progress.complete_rows = Some(slot.rows);
                // The first window that is judged may ask for it.
                self.progress.rules.before = Some(Before::of(span.end, &slot.rules));
                if slot.rows > 0 {
                    let taken = (span, slot.rows);
                    frozen.roll(clock.as_ref(), taken, Some(*window), &found, &except);
                    names.take(span, &pulled.layout, seen);
                    self.progress.latest = Some(found);
                }
            }
        }
        if frozen.is_empty() {
            // No window has rows yet: the bins of a rolling baseline wait for the first one that has.
            return Ok(());
        }
        let given = settings(&self.config, &frozen.features).acceptable;
        for (feature, windows) in &names.0 {
            let learnt = !given.contains_key(feature);
            frozen.set_alone(feature, &windows.spans, &windows.names, learnt);
        }
        if let Windows::Pinned(span) = &definition.windows {
            // What is excluded at its end is as little to be judged as what is not.
            frozen.newest = Some(WindowId(grid.at(span.end).0 - 1));
        }
        // What was judged against the old baseline is judged once more against the new one.
        self.progress.next = self
            .progress
            .next
            .map(|next| WindowId(next.0 - 1))
            .filter(|again| frozen.newest.is_none_or(|newest| *again > newest));
        self.adopt(frozen);
        self.save().await
    }

    pub(super) fn adopt(&mut self, baseline: Baseline) {
        self.progress.version = baseline.version;
        self.progress.shifts.clear();
        self.progress.contaminated = Contaminated::default();
        let frozen = Frozen::new(baseline, &self.config);
        tracing::info!(
            version = frozen.baseline.version,
            revision = frozen.baseline.definition.revision,
            digest = %frozen.digest,
            windows = frozen.baseline.len(),
            features = frozen.baseline.features.len(),
            rows = frozen.baseline.all_rows(),
            "baseline frozen"
        );
        self.baseline = Some(frozen);
    }

    /// A baseline with bins and no windows yet, complete once it has `need` of them.
    pub(super) fn frozen(&self, pool: Pool, now: Timestamp, need: u32) -> Baseline {
        let definition = Definition::new(&self.config);
        // A cell of a table expects one row where each side has this share.
        let least = |profile: &FeatureProfile| {
            let rows = profile.rows() / u64::from(need.max(1));
            1.0 / (rows.clamp(1, stats::PAIR_ROWS as u64) as f64).sqrt()
        };
        let beside = |name: &str| pool.beside.iter().find(|(column, _)| column.name == name);
        let target = self.config.data.target.as_ref();
        let target = target.and_then(|target| {
            let (column, profile) = beside(&target.column)?;
            Some(FrozenTarget::freeze(column, profile, least(profile)))
        });
        let segments = self.config.data.segments.iter().filter_map(|given| {
            let feature = pool.features.get(&given.column);
            let (_, profile) = feature.or(beside(&given.column))?;
            Some(FrozenSegments {
                column: given.column.clone(),
                top: given.top,
                bins: Arc::new(profile.freeze_bins()),
            })
        });
        let segments: Vec<FrozenSegments> = segments.collect();
        let features: Vec<FrozenFeature> = pool
            .features
            .into_iter()
            .map(|(name, (column, profile))| {
                let bins = Arc::new(profile.freeze_bins());
                FrozenFeature::new(name, column.data_type, bins, Vec::new())
                    .collapsing(profile.collapse(least(&profile)))
            })
            .collect();
        Baseline {
            definition,
            version: self.progress.version + 1,
            frozen_at: now,
            spans: Vec::new(),
            need,
            rows: Vec::new(),
            windows: Vec::new(),
            windows_at: Vec::new(),
            newest: None,
            history: Clock::of(&self.config).map(|_| History::new(&features)),
            features,
            target,
            segments,
            reloaded: false,
        }
    }
}

/// The names of each feature, while the windows of a baseline are counted.
#[derive(Default)]
struct Names(BTreeMap<String, NamesOfFeature>);

/// The names of one feature.
#[derive(Default)]
struct NamesOfFeature {
    /// The windows that have the feature, oldest first.
    spans: Vec<Span>,
    names: NamesByWindow,
}

impl Names {
    /// Takes in the next window, whose features are in the order of the layout.
    fn take(&mut self, span: Span, layout: &Layout, seen: Vec<Option<WindowNames>>) {
        for (column, seen) in layout.features.iter().zip(seen) {
            let feature = self.0.entry(column.name.clone()).or_default();
            feature.spans.push(span);
            feature.names.take(seen);
        }
    }
}

/// A window, and the names of its features.
fn apart(slot: Slot<(Summary, Option<WindowNames>)>) -> (Slot<Summary>, Vec<Option<WindowNames>>) {
    let (features, names) = slot
        .features
        .into_iter()
        .map(|finished| {
            let (value, names) = finished.value;
            let newest_event = finished.newest_event;
            let finished = Finished {
                value,
                newest_event,
            };
            (finished, names)
        })
        .unzip();
    let slot = Slot {
        rows: slot.rows,
        newest_event: slot.newest_event,
        events: slot.events,
        features,
        beside: slot.beside.into_iter().map(|(value, _)| value).collect(),
        segments: slot.segments,
        window: slot.window,
        rules: slot.rules,
    };
    (slot, names)
}

/// The profiles of all baseline windows together.
#[derive(Default)]
pub(super) struct Pool {
    features: BTreeMap<String, (FeatureColumn, FeatureProfile)>,
    /// Those that are no features.
    beside: Vec<(FeatureColumn, FeatureProfile)>,
}

impl Pool {
    pub(super) fn add(&mut self, pulled: Pulled<FeatureProfile>) {
        let beside: Vec<FeatureColumn> = pulled.layout.beside().cloned().collect();
        let columns = pulled.layout.features;
        for slot in pulled.slots {
            for (column, finished) in columns.iter().cloned().zip(slot.features) {
                match self.features.get_mut(&column.name) {
                    None => {
                        let name = column.name.clone();
                        self.features.insert(name, (column, finished.value));
                    }
                    Some(pooled) => merge(pooled, finished.value),
                }
            }
            for (column, more) in beside.iter().zip(slot.beside) {
                let mut known = self.beside.iter_mut();
                match known.find(|(known, _)| known.name == column.name) {
                    Some(pooled) => merge(pooled, more),
                    None => self.beside.push((column.clone(), more)),
                }
            }
        }
    }
}

fn merge((column, pooled): &mut (FeatureColumn, FeatureProfile), more: FeatureProfile) {
    if let Err(error) = pooled.merge(more) {
        tracing::warn!(column = %column.name, %error, "the baseline's windows disagree about a column; its first type stands");
    }
}

/// A pull whose rows of several windows belong to one slot.
fn pooled(grid: &Grid, windows: &[WindowId]) -> Request {
    let of = grid.clone();
    let unbroken = windows.is_sorted_by(|a, b| a.next() == *b);
    let windows: HashSet<WindowId> = windows.iter().copied().collect();
    let slot_of: SlotOf =
        Arc::new(move |micros| windows.contains(&of.containing(micros)).then_some(0));
    Request {
        slot_of: Some(slot_of),
        unbroken,
        ..whole(None, &[])
    }
}
