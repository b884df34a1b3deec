//! The driver: one evaluation of one monitor, from what is due to what is known afterwards.
//!
//! ```text
//! load saved state -> freeze a baseline if there is none -> pull what is due -> judge, in order
//!                  -> save -> Snapshot
//! ```
//!
//! An evaluation that fails changes nothing but its own outcome: the last good results stay.

mod freeze;
mod frozen;
pub mod replay;
mod targets;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::sync::Arc;

use crds::valid::{self, Query};
use jiff::Timestamp;
use stats::{FeatureProfile, Summary};

use crate::archive;
use crate::baseline::{Baseline, Definition, SAVED_AS};
use crate::contaminated::{self, WHOLE};
use crate::freshness;
use crate::labelled::{self, Labels};
use crate::names::Unmatched;
use crate::pipeline::{self, PullError, Pulled, Request, Slot, WindowCounting};
use crate::progress::{self, Columns, JudgedState, Progress, Reach};
use crate::rules::{self, Before, Measure, Outcome, Rule};
use crate::season::Clock;
use crate::segments::UsualSegments;
use crate::settings::windows_a_day;
use crate::snapshot::{Alarms, Breaches, Evaluation, Failure, OpenWindow, Snapshot};
use crate::source::{FlightSource, Reason};
use crate::store::{Store, StoreError};
use crate::view;
use crate::window::{Due, Grid, Span, WindowId, due};

use freeze::Pool;
use frozen::Frozen;

/// Complete windows that one evaluation judges. It bounds the profiles held at a time; more windows
/// wait for the next evaluation, which then follows at once.
pub const WINDOWS_AT_ONCE: usize = 4;

/// A monitor and all that it knows.
pub struct Monitor {
    config: Arc<valid::Monitor>,
    config_hash: String,
    rules: Arc<[Rule]>,
    source: FlightSource,
    store: Store,
    loaded: bool,
    /// Whether the last attempt to save failed.
    unsaved: bool,
    baseline: Option<Frozen>,
    /// The saved baseline that the next one replaces.
    replaced: Option<Baseline>,
    progress: Progress,
    /// What of the overrides no column has, as it was last logged.
    unmatched: Vec<Unmatched>,
    open: Option<OpenWindow>,
    pending: u64,
    /// How many windows wait whose target is known by now.
    labels_pending: u64,
    /// Whether windows are judged by their target later than by all else.
    labels_later: bool,
    source_up: Option<bool>,
    evaluation: Option<Evaluation>,
    last_failure: Option<Evaluation>,
    last_success: Option<Timestamp>,
}

/// What an evaluation moved, for the log and the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pulls that completed.
    pub pulls: u64,
    /// Batches received.
    pub batches: u64,
    /// Rows received.
    pub rows: u64,
    /// Rows of no wanted window.
    pub rows_outside: u64,
    /// Bytes of Arrow data on the wire.
    pub bytes: u64,
    /// Windows judged.
    pub windows_judged: u64,
    /// Alarms that began.
    pub alarms: Alarms,
    /// Windows given up because they are too far back.
    pub windows_skipped: u64,
}

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The pull failed.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// Saved state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The pinned windows are not over yet.
    #[error(
        "the baseline's windows end at {end}, which with spec.data.window.allowedLateness is still to come: no baseline before that"
    )]
    BaselineAhead {
        /// End of the last baseline window.
        end: Timestamp,
    },
    /// A pinned window is empty.
    #[error(
        "the source holds no row of the baseline window from {} to {}: choose spec.baseline.pinned where there is data, or let the source serve it",
        .span.start, .span.end
    )]
    BaselineEmpty {
        /// The window.
        span: Span,
    },
}

impl EvaluationError {
    /// The reason, from a closed set.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Pull(error) => error.reason(),
            Self::Store(_) => Reason::State,
            Self::BaselineAhead { .. } | Self::BaselineEmpty { .. } => Reason::Baseline,
        }
    }

    fn source_answered(&self) -> Option<bool> {
        match self {
            Self::Pull(PullError::Source(_)) => Some(false),
            Self::Pull(_) | Self::BaselineEmpty { .. } => Some(true),
            Self::Store(_) | Self::BaselineAhead { .. } => None,
        }
    }
}

impl Monitor {
    /// A monitor that knows nothing yet; the first evaluation reads what was saved.
    pub fn new(
        config: Arc<valid::Monitor>,
        config_hash: String,
        source: FlightSource,
        store: Store,
    ) -> Self {
        let mut monitor = Self {
            rules: rules::read(&config).into(),
            config,
            config_hash,
            source,
            store,
            loaded: false,
            unsaved: false,
            baseline: None,
            replaced: None,
            progress: Progress::default(),
            unmatched: Vec::new(),
            open: None,
            pending: 0,
            labels_pending: 0,
            labels_later: false,
            source_up: None,
            evaluation: None,
            last_failure: None,
            last_success: None,
        };
        monitor.labels_later = monitor.target_delay().is_some();
        monitor
    }

    /// Whether complete windows wait, so that the next evaluation should follow at once.
    pub fn is_behind(&self) -> bool {
        self.pending + self.labels_pending > 0
            && self
                .evaluation
                .as_ref()
                .is_some_and(|e| e.failure.is_none())
    }

    /// Evaluates once. `clock` is read at the start and at the end.
    pub async fn evaluate(&mut self, clock: &dyn Fn() -> Timestamp) -> Tally {
        let start = clock();
        let mut tally = Tally::default();
        let outcome = self.attempt(start, &mut tally).await;
        self.warn_of_overrides();
        let end = clock();
        match &outcome {
            Ok(()) => {
                self.source_up = Some(true);
                self.last_success = Some(end);
                self.progress.behind = self.pending > 0;
            }
            Err(error) => self.source_up = error.source_answered().or(self.source_up),
        }
        self.progress.judge_freshness(&self.config, end);
        let looked = outcome.is_ok() && self.pending == 0;
        let open_rows = self.open.map_or(0, |open| open.rows);
        let open_rows = looked.then_some(open_rows);
        self.progress.judge_supply(&self.config, open_rows, end);
        let evaluation = Evaluation {
            at: end,
            duration_seconds: (end.as_microsecond() - start.as_microsecond()) as f64 / 1e6,
            failure: outcome.err().map(|error| Failure {
                reason: error.reason(),
                message: error.to_string(),
            }),
        };
        if evaluation.failure.is_some() {
            self.last_failure = Some(evaluation.clone());
        }
        self.evaluation = Some(evaluation);
        tally
    }

    /// Logs the overrides that change nothing, when the columns are first known and when that changes.
    fn warn_of_overrides(&mut self) {
        let unmatched = self.progress.unmatched(&self.config);
        if unmatched == self.unmatched {
            return;
        }
        for other in &unmatched {
            tracing::warn!("an override changes nothing: {other}");
        }
        self.unmatched = unmatched;
    }

    /// What is known now.
    pub fn snapshot(&self) -> Snapshot {
        view::snapshot(view::Parts {
            config: &self.config,
            config_hash: &self.config_hash,
            rules: &self.rules,
            baseline: self.baseline.as_ref().map(|frozen| view::BaselineView {
                baseline: &frozen.baseline,
                digest: &frozen.digest,
                reference: &frozen.reference,
            }),
            progress: &self.progress,
            open: self.open,
            pending: self.pending,
            source_up: self.source_up,
            evaluation: self.evaluation.as_ref(),
            last_failure: self.last_failure.as_ref(),
            last_success: self.last_success,
        })
    }

    /// Judges one window and saves nothing: the one that holds `at`, else the newest complete one;
    /// without windows, what the source serves now. A saved baseline is used; without one a baseline
    /// is made for this call.
    pub async fn profile(
        &mut self,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Snapshot, EvaluationError> {
        self.load().await?;
        self.store = Store::in_memory();
        self.roll_in_judged();
        self.progress.judged = None;
        // The window's target is taken as it is known now.
        self.labels_later = false;
        self.progress.labels = Labels::default();
        // A window of any time is none that follows on the last one.
        self.progress.shifts.clear();
        let mut tally = Tally::default();
        match self.config.data.window.as_ref().map(Grid::new) {
            None => {
                // The first pull without a baseline only makes one.
                for _ in 0..2 {
                    if self.progress.judged.is_none() {
                        self.attempt_pull(now, &mut tally).await?;
                    }
                }
            }
            Some(grid) => {
                let window = at.map_or_else(|| grid.newest_complete(now), |at| grid.at(at));
                if self.rolling().is_some() {
                    // What came before the window, whatever was saved since.
                    self.baseline = None;
                    self.freeze_windows(&grid, WindowId(window.0 - 1), now, &mut tally)
                        .await?;
                } else if self.baseline.is_none() {
                    self.freeze_windows(&grid, grid.newest_complete(now), now, &mut tally)
                        .await?;
                }
                if rules::look_back(&self.rules) {
                    let before = WindowId(window.0 - 1);
                    let request = self.request(&grid, &[before], self.counting(), now);
                    let pulled = self
                        .pull(request, &mut tally, FeatureProfile::close)
                        .await?;
                    let end = grid.span(before).end;
                    let slot = pulled.slots.first();
                    self.progress.rules.before = slot.map(|slot| Before::of(end, &slot.rules));
                }
                let plan = Due {
                    complete: vec![window],
                    pending: 1,
                    skipped: 0,
                    open: WindowId(i64::MAX),
                };
                self.progress.forget_events();
                for (windows, request) in self.requests(&grid, &plan, now) {
                    let pulled = self
                        .pull(request, &mut tally, FeatureProfile::close)
                        .await?;
                    self.take(&grid, &plan, &windows, pulled, &mut tally)
                        .await?;
                }
            }
        }
        self.pending = 0;
        self.source_up = Some(true);
        // A window that was asked for by its time is looked at as when it was complete.
        let judged = self.progress.judged.as_ref().filter(|_| at.is_some());
        let as_of = judged.map_or(now, |judged| judged.span.end);
        self.progress.judge_freshness(&self.config, as_of);
        self.warn_of_overrides();
        Ok(self.snapshot())
    }

    async fn attempt(&mut self, now: Timestamp, tally: &mut Tally) -> Result<(), EvaluationError> {
        if !self.loaded {
            self.load().await?;
            self.loaded = true;
        }
        match self.config.data.window.as_ref().map(Grid::new) {
            Some(grid) => {
                self.attempt_windows(&grid, now, tally).await?;
                self.attempt_targets(&grid, now, tally).await?;
            }
            None => self.attempt_pull(now, tally).await?,
        }
        // While older windows are caught up, the newest rows were not looked at.
        if self.pending == 0 && self.progress.look(&self.config, now) {
            self.unsaved = true;
        }
        if self.unsaved {
            self.save().await?;
        }
        Ok(())
    }

    /// Evaluates a monitor with windows.
    async fn attempt_windows(
        &mut self,
        grid: &Grid,
        now: Timestamp,
        tally: &mut Tally,
    ) -> Result<(), EvaluationError> {
        if self.baseline.is_none() {
            self.freeze_windows(grid, grid.newest_complete(now), now, tally)
                .await?;
        }
        let next = self.next_window(grid, now);
        let plan = due(grid, next, now, WINDOWS_AT_ONCE);
        if plan.skipped > 0 {
            tracing::warn!(
                windows = plan.skipped,
                "windows too far back are not caught up"
            );
            tally.windows_skipped += plan.skipped;
        }
        self.pending = plan.pending + plan.complete.len() as u64;
        for (windows, request) in self.requests(grid, &plan, now) {
            let pulled = self.pull(request, tally, FeatureProfile::close).await?;
            self.take(grid, &plan, &windows, pulled, tally).await?;
        }
        Ok(())
    }

    /// Evaluates a monitor without windows: one pull is one window, from the previous one to now.
    async fn attempt_pull(
        &mut self,
        now: Timestamp,
        tally: &mut Tally,
    ) -> Result<(), EvaluationError> {
        if self.baseline.is_none() {
            // The bins come from this pull, the first window from the next.
            let mut pool = Pool::default();
            pool.add(
                self.pull(whole(None, &[]), tally, |profile| profile)
                    .await?,
            );
            let frozen = self.frozen(pool, now, self.rolling().unwrap_or(1));
            self.adopt(frozen);
        }
        let pulled = self
            .pull(
                Request {
                    horizon: self.horizon(now),
                    ..whole(self.counting(), &self.rules)
                },
                tally,
                FeatureProfile::close,
            )
            .await?;
        let start = self.progress.judged.as_ref().map_or_else(
            || now - jiff::SignedDuration::try_from(self.config.schedule.every).unwrap_or_default(),
            |judged| judged.span.end,
        );
        let reach = Reach::Newest { open: None };
        self.progress.see(&pulled, reach, &self.usual_segments());
        let columns = Columns::of(&pulled.layout);
        let span = Span { start, end: now };
        for slot in pulled.slots {
            self.close(None, span, &columns, slot, tally);
        }
        self.unsaved = true;
        Ok(())
    }

    /// The pulls of an evaluation, each with the windows that its slots stand for: one a window where
    /// the query takes the window's time, else one for all.
    fn requests(&self, grid: &Grid, plan: &Due, now: Timestamp) -> Vec<(Vec<WindowId>, Request)> {
        let mut windows = plan.complete.clone();
        if plan.pending == 0 {
            windows.push(plan.open);
        }
        let groups: Vec<Vec<WindowId>> = if self.takes_window() {
            windows.into_iter().map(|window| vec![window]).collect()
        } else {
            vec![windows]
        };
        groups
            .into_iter()
            .map(|group| {
                let request = self.request(grid, &group, self.counting(), now);
                (group, request)
            })
            .collect()
    }

    fn request(
        &self,
        grid: &Grid,
        windows: &[WindowId],
        counting: Option<Arc<WindowCounting>>,
        now: Timestamp,
    ) -> Request {
        let slots: HashMap<WindowId, usize> =
            windows.iter().enumerate().map(|(i, w)| (*w, i)).collect();
        let of = grid.clone();
        Request {
            span: windows.first().map(|first| Span {
                start: grid.span(*first).start,
                end: grid.span(*windows.last().unwrap_or(first)).end,
            }),
            slots: NonZeroUsize::new(windows.len()).unwrap_or(NonZeroUsize::MIN),
            slot_of: Some(Arc::new(move |micros| {
                slots.get(&of.containing(micros)).copied()
            })),
            horizon: self.horizon(now),
            unbroken: true,
            // Rules are about windows that are judged, and those before them.
            rules: match counting {
                Some(_) => self.rules.clone(),
                None => [].into(),
            },
            counting: counting.unwrap_or_default(),
        }
    }

    /// Which events are in the future at `now`; nothing where none has a time.
    fn horizon(&self, now: Timestamp) -> Option<i64> {
        let data = &self.config.data;
        let window = data.window.as_ref().map(|window| window.length);
        let pace = window.unwrap_or(self.config.schedule.every);
        let horizon = freshness::horizon(now, pace);
        data.event_time.as_ref().map(|_| horizon)
    }

    /// How the rows of the baseline are divided; nothing without one.
    fn usual_segments(&self) -> Vec<UsualSegments> {
        let frozen = self.baseline.as_ref();
        frozen.map_or_else(Vec::new, |frozen| {
            UsualSegments::of(&frozen.baseline.windows, &self.config.data)
        })
    }

    fn takes_window(&self) -> bool {
        match &self.config.source.query {
            Query::Path(_) => false,
            Query::Command(text) | Query::Ticket(text) | Query::Sql(text) => text.has_window(),
        }
    }

    fn counting(&self) -> Option<Arc<WindowCounting>> {
        self.baseline.as_ref().map(|frozen| frozen.counting.clone())
    }

    async fn pull<T: Send + 'static>(
        &self,
        request: Request,
        tally: &mut Tally,
        finish: fn(FeatureProfile) -> T,
    ) -> Result<Pulled<T>, EvaluationError> {
        let pulled = pipeline::pull(&self.source, &self.config.data, request, finish).await?;
        tally.pulls += 1;
        tally.batches += pulled.report.batches;
        tally.rows += pulled.report.rows;
        tally.rows_outside += pulled.rows_outside;
        tally.bytes += pulled.report.bytes;
        Ok(pulled)
    }

    /// The first window that was not judged yet.
    fn next_window(&self, grid: &Grid, now: Timestamp) -> WindowId {
        let after_baseline = self
            .baseline
            .as_ref()
            .and_then(|frozen| frozen.baseline.newest)
            .map(WindowId::next);
        let started = self.progress.next.or(after_baseline);
        let next = started.unwrap_or_else(|| grid.newest_complete(now).next());
        // A rolling baseline that was saved just before a crash already holds the window that the
        // saved progress still waits for.
        match (self.rolling(), after_baseline) {
            (Some(_), Some(after)) => next.max(after),
            _ => next,
        }
    }

    fn rolling(&self) -> Option<u32> {
        Definition::new(&self.config).windows.rolling()
    }

    /// Takes in the windows of one pull, in order: judges the complete ones, shows the open one.
    async fn take(
        &mut self,
        grid: &Grid,
        plan: &Due,
        windows: &[WindowId],
        pulled: Pulled<Summary>,
        tally: &mut Tally,
    ) -> Result<(), EvaluationError> {
        let reach = match plan.pending {
            0 => Reach::Newest {
                open: windows.iter().position(|window| *window == plan.open),
            },
            _ => Reach::Past,
        };
        let usual = self.usual_segments();
        self.progress.see(&pulled, reach, &usual);
        let columns = Columns::of(&pulled.layout);
        for (window, slot) in windows.iter().zip(pulled.slots) {
            if *window == plan.open {
                self.open = Some(OpenWindow {
                    span: grid.span(*window),
                    rows: slot.rows,
                });
                if slot.rows > 0 {
                    self.progress.latest = Some(columns.with(&slot));
                }
            } else {
                self.close(Some(*window), grid.span(*window), &columns, slot, tally);
                self.progress.next = Some(window.next());
                self.pending = self.pending.saturating_sub(1);
                self.save().await?;
            }
        }
        Ok(())
    }

    /// Judges one complete window, or gives it to a baseline that is still forming.
    fn close(
        &mut self,
        window: Option<WindowId>,
        span: Span,
        columns: &Columns,
        slot: Slot<Summary>,
        tally: &mut Tally,
    ) {
        let rows = slot.rows;
        self.progress.complete_rows = Some(rows);
        let mut found = columns.with(&slot);
        if self.labels_later {
            // Of some rows it may be known already, and those are not like the others.
            found.window.performance = None;
        }
        if rows > 0 {
            self.progress.latest = Some(found.clone());
        }
        self.judge_rules(span, &slot.rules);
        self.roll_in_judged();
        let clock = Clock::of(&self.config);
        let Some(frozen) = &mut self.baseline else {
            return;
        };
        if let Some(clock) = &clock {
            let mut baseline = frozen.baseline.clone();
            baseline.face(clock, span);
            *frozen = Frozen::new(baseline, &self.config);
        }
        let complete = frozen.baseline.is_complete();
        if complete {
            let features = &frozen.baseline.features;
            let current: Vec<Option<&Summary>> = features
                .iter()
                .map(|feature| found.summary(&feature.name))
                .collect();
            let mut report = stats::judge(&frozen.reference, &current, &found.window);
            if self.labels_later {
                labelled::not_yet(&mut report);
            }
            let phases = clock.as_ref().map(|clock| clock.moment(span).phases);
            let phases = phases.unwrap_or_default();
            let day = windows_a_day(&self.config);
            // A chart of a feature that is no longer there remembers nothing.
            let names: BTreeSet<&str> = features.iter().map(|f| f.name.as_str()).collect();
            let shifts = &mut self.progress.shifts;
            shifts.retain(|name, _| names.contains(name.as_str()));
            let reports = report.features.iter_mut().enumerate();
            for ((place, report), window) in reports.zip(&current) {
                let state = shifts.entry(report.name.clone()).or_default();
                report.verdicts.shift =
                    stats::judge_shift(&frozen.reference, place, state, *window, &phases, day);
            }
            let judged = JudgedState::new(
                span,
                rows,
                found.clone(),
                report,
                &self.config,
                &mut self.progress.streaks,
                self.progress.judged.as_ref(),
            );
            let begun = judged.begun(self.progress.judged.as_ref());
            tally.alarms = Alarms::from_fn(|check| {
                let both = tally.alarms.get(check).zip(*begun.get(check));
                both.map(|(sum, more)| sum + more)
            });
            tally.windows_judged += 1;
            self.progress.judged = Some(judged);
        }
        if rows > 0 && !complete && !frozen.baseline.definition.excludes(span) {
            let mut baseline = frozen.baseline.clone();
            let except = BTreeSet::new();
            baseline.roll(clock.as_ref(), (span, rows), window, &found, &except);
            *frozen = Frozen::new(baseline, &self.config);
        }
    }

    /// Judges the business rules of a complete window, and logs keys of rows that violate one that asks for it.
    fn judge_rules(&mut self, span: Span, measures: &[Measure]) {
        let known = &mut self.progress.rules;
        known.outcomes = rules::judge(&self.rules, measures, span, known.before.as_ref());
        known.before = Some(Before::of(span.end, measures));
        for (rule, measure) in self.rules.iter().zip(measures) {
            match (known.outcome(&rule.name, &rule.text), measure) {
                (Some(Outcome::Broken(error)), _) => {
                    tracing::warn!(rule = %rule.name, reason = error.fault.as_str(), %error, "a rule cannot be judged");
                }
                (_, Measure::Rows(counts)) if !counts.keys.is_empty() => {
                    tracing::warn!(
                        rule = %rule.name,
                        window_start = %span.start,
                        violations = counts.violations,
                        keys = ?counts.keys,
                        "rows violate a rule; keys of the first of them"
                    );
                }
                _ => {}
            }
        }
    }

    /// Gives the window that was judged last to a baseline that rolls. That waits for the next window, so
    /// that until then a window is shown beside what it was judged against, and not beside itself.
    fn roll_in_judged(&mut self) {
        let (Some(frozen), Some(judged)) = (&mut self.baseline, self.progress.judged.as_ref())
        else {
            return;
        };
        let rolling = frozen.baseline.definition.windows.rolling().is_some();
        let newest = frozen.baseline.span().map(|span| span.end);
        // It is in already when the baseline was saved and the progress was not.
        let known = newest.is_some_and(|newest| newest >= judged.span.end);
        let excluded = frozen.baseline.definition.excludes(judged.span);
        if !rolling || known || excluded || judged.rows == 0 {
            return;
        }
        let mut baseline = frozen.baseline.clone();
        let window = self
            .config
            .data
            .window
            .as_ref()
            .map(|window| Grid::new(window).at(judged.span.start));
        let clock = Clock::of(&self.config);
        let phase = clock.as_ref().map(|clock| clock.moment(judged.span).phases);
        let phase = phase.and_then(|phases| phases.first().copied());
        let most = contaminated::most_left_out(&baseline.definition.windows);
        let known = &mut self.progress.contaminated;
        known.retain(|name| judged.breached.contains_key(name));
        let mut except = BTreeSet::new();
        // What stands from before says nothing of the rows of this window, and neither does how long an alarm waits.
        let own: BTreeMap<&str, Breaches> = judged
            .breached
            .keys()
            .filter_map(|name| Some((name.as_str(), judged.passed(name)?)))
            .collect();
        let whole = contaminated::is_contaminated_as_a_whole(own.values());
        if known.leaves_out(WHOLE, phase, whole, most) {
            except.insert(WHOLE.to_owned());
        }
        for feature in &baseline.features {
            let breaches = own.get(feature.name.as_str());
            let window = judged.found.summary(&feature.name);
            let found = contaminated::contaminates(feature, window, breaches);
            if known.leaves_out(&feature.name, phase, found, most) {
                except.insert(feature.name.clone());
            }
        }
        let taken = (judged.span, judged.rows);
        baseline.roll(clock.as_ref(), taken, window, &judged.found, &except);
        *frozen = Frozen::new(baseline, &self.config);
    }

    /// Reads what was saved. A saved baseline that answers another question than the manifest asks is
    /// left aside; one that cannot be read is an error. Where there is none, the next one follows all that are known.
    async fn load(&mut self) -> Result<(), EvaluationError> {
        let saved: Option<Baseline> = self.store.load(SAVED_AS).await?;
        let progress: Option<Progress> = self.store.load(progress::SAVED_AS).await?;
        self.progress = progress.unwrap_or_default();
        let Some(mut baseline) = saved else {
            self.progress.version = self.progress.version.max(self.newest_kept().await?);
            // A new manifest may have come at the same time: the window judged last is to be the one before the next.
            let before = self.progress.next.map(|next| WindowId(next.0 - 1));
            let grid = self.config.data.window.as_ref().map(Grid::new);
            let before = grid.zip(before).map(|(grid, window)| grid.span(window));
            let judged = self.progress.judged.as_ref().map(|judged| judged.span);
            let same_grid = before.is_some() && before == judged;
            self.progress.start_over(same_grid);
            if self.progress.version > 0 {
                tracing::info!(
                    version = self.progress.version + 1,
                    "no baseline is saved, and there were some: freezing anew"
                );
            }
            return Ok(());
        };
        self.progress.version = self.progress.version.max(baseline.version);
        if !baseline.serves(&self.config) {
            tracing::info!(
                version = baseline.version,
                revision = baseline.definition.revision,
                "the manifest asks for another baseline than the saved one: freezing anew"
            );
            self.progress
                .start_over(baseline.definition.grid == Definition::new(&self.config).grid);
            self.progress.version = self.progress.version.max(self.newest_kept().await?);
            self.replaced = Some(baseline);
            return Ok(());
        }
        baseline.reloaded = true;
        baseline.select(&self.config.data);
        let frozen = Frozen {
            saved: true,
            ..Frozen::new(baseline, &self.config)
        };
        tracing::info!(
            version = frozen.baseline.version,
            digest = %frozen.digest,
            windows = frozen.baseline.len(),
            features = frozen.baseline.features.len(),
            "using the saved baseline"
        );
        self.baseline = Some(frozen);
        Ok(())
    }

    /// The newest version among the replaced baselines that are kept, 0 without any. What of them cannot be read is said.
    async fn newest_kept(&self) -> Result<u32, EvaluationError> {
        let saved = archive::load(&self.store).await?;
        for error in &saved.unreadable {
            tracing::warn!(%error, "a replaced baseline cannot be read");
        }
        Ok(saved
            .replaced
            .iter()
            .map(|old| old.version)
            .max()
            .unwrap_or(0))
    }

    /// Saves what a closed window changed, and what could not be saved before.
    async fn save(&mut self) -> Result<(), EvaluationError> {
        self.unsaved = true;
        if let Some(frozen) = &mut self.baseline
            && !frozen.saved
        {
            // Nothing here rests on it, so that nothing here waits for it.
            if let Some(replaced) = self.replaced.take() {
                let version = replaced.version;
                match archive::keep(&self.store, &replaced).await {
                    Ok(true) => {}
                    Ok(false) => {
                        tracing::warn!(
                            version,
                            "the replaced baseline is not kept: another one of its version is"
                        );
                    }
                    Err(error) => {
                        tracing::warn!(version, %error, "the replaced baseline is not kept")
                    }
                }
            }
            self.store.save(SAVED_AS, &frozen.baseline).await?;
            frozen.saved = true;
        }
        self.store.save(progress::SAVED_AS, &self.progress).await?;
        self.unsaved = false;
        Ok(())
    }
}

/// A pull whose rows all belong to one slot.
fn whole(counting: Option<Arc<WindowCounting>>, rules: &[Rule]) -> Request {
    Request {
        span: None,
        slots: NonZeroUsize::MIN,
        slot_of: None,
        horizon: None,
        unbroken: true,
        rules: rules.into(),
        counting: counting.unwrap_or_default(),
    }
}
