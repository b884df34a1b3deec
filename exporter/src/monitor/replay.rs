//! Windows of the past against the baseline, as an evaluation would have judged them. Nothing is saved.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use stats::{
    Alpha, ByCheck, BySeverity, FeatureProfile, FeatureReport, Kind, Limit, PairTest, Reference,
    Statistic,
};

use super::targets::newest_known;
use super::{EvaluationError, Monitor, Tally, WINDOWS_AT_ONCE};
use crate::baseline::{Baseline, Definition};
use crate::progress::Columns;
use crate::season::Clock;
use crate::settings::settings;
use crate::snapshot::BaselineInfo;
use crate::store::Store;
use crate::window::{Due, Grid, MAX_CATCH_UP, Span, WindowId};

/// Most windows that are replayed when nobody says how many.
const MOST_BY_DEFAULT: i64 = 52;

/// Which windows are replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest complete ones after the baseline.
    AfterBaseline,
    /// The newest complete ones, so many.
    Newest(u32),
    /// Those that lie wholly between two instants.
    Between(Timestamp, Timestamp),
}

/// What a replay found.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What the windows were compared with; of a baseline that rolls, the last one.
    pub baseline: BaselineInfo,
    /// The tests of one window that share the budget, by check.
    pub tests: ByCheck<usize>,
    /// α of one test; nothing without tests.
    pub alpha: BySeverity<Option<Alpha>>,
    /// The features of the baseline, and last, with the empty name, the window as a whole.
    pub features: Vec<Watched>,
    /// The windows that had rows, oldest first.
    pub windows: Vec<Replayed>,
    /// Windows without a row, in which nothing could alarm.
    pub empty: usize,
    /// Windows that were left out because the baseline is made of them, or was not complete before them.
    pub left_out: usize,
}

impl Replay {
    /// Windows that were not judged by their target, since it is not known yet.
    pub fn target_pending(&self) -> usize {
        self.windows.iter().filter(|w| !w.labelled).count()
    }
}

/// A feature of the baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Its name.
    pub name: String,
    /// Which statistic alarms about its drift; nothing when that check is off.
    pub statistic: Option<Statistic>,
}

/// One window and its verdicts. Its values are not kept.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Its time.
    pub span: Span,
    /// Its rows.
    pub rows: u64,
    /// Whether its target is known, so that it was judged by it too.
    pub labelled: bool,
    /// What it says about each feature, in the order of the baseline's, and last about itself as a whole; with distances only
    /// of features that move.
    pub reports: Vec<FeatureReport>,
    /// What the verdicts about each feature leave out, in the order of the baseline's.
    pub means: Vec<MeanReading>,
    /// The pairs of features, by their places in the baseline.
    pub pairs: Vec<PairTest>,
}

/// Where the mean of a feature lies in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeanReading {
    /// Above where it usually is at this time, in its deviations; negative below. Nothing without a verdict on its level.
    pub level: Option<f64>,
    /// Its chart; nothing without a verdict on its shift.
    pub ewma: Option<Ewma>,
}

/// The EWMA of a feature's mean, whichever chart speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ewma {
    /// In its standard deviations; negative below the mean of the baseline.
    pub value: f64,
    /// Its limits.
    pub limits: BySeverity<Limit>,
}

/// Why nothing was replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Saved state, the baseline or a pull failed.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The monitor has no windows.
    #[error(
        "spec.data.window is missing: calibrate replays windows of the past, and without it one pull is one window, which cannot be pulled again. Add data.window, or look at single pulls with `profile`"
    )]
    NoWindows,
    /// Nothing is complete after the baseline.
    #[error(
        "no window after the baseline, which ends at {end}, is complete: say which windows to replay with --windows N (the newest N) or --from TIME --to TIME"
    )]
    NothingAfterBaseline {
        /// The end of the baseline.
        end: Timestamp,
    },
    /// The baseline goes along, so that nothing lies after it.
    #[error(
        "a {kind} baseline goes along with the windows, so none lies after it: say which windows to replay with --windows N (the newest N) or --from TIME --to TIME"
    )]
    BaselineGoesAlong {
        /// `Rolling`, `Previous` or `Seasonal`.
        kind: &'static str,
    },
    /// The times hold no complete window.
    #[error(
        "no complete window lies wholly between {from} and {to}: a window starts at {} and ends at {}, and the newest complete one ends at {newest}. Write --from and --to further apart, or earlier",
        .near.start, .near.end
    )]
    NothingBetween {
        /// `--from`.
        from: Timestamp,
        /// `--to`.
        to: Timestamp,
        /// The window in which `--from` lies.
        near: Span,
        /// The end of the newest complete window.
        newest: Timestamp,
    },
    /// More windows than anybody can wait for.
    #[error(
        "{windows} windows lie between --from and --to, and at most {MAX_CATCH_UP} are replayed: write them closer together"
    )]
    TooMany {
        /// How many.
        windows: i64,
    },
    /// All windows are the baseline's.
    #[error(
        "all windows from {} to {} are the baseline's own, which say nothing about its false alarms: choose others with --windows N or --from TIME --to TIME",
        .span.start, .span.end
    )]
    OnlyBaseline {
        /// Their time.
        span: Span,
    },
    /// The source holds nothing.
    #[error(
        "the source holds no row of the {windows} windows from {} to {}: choose windows for which it serves data with --from TIME --to TIME",
        .span.start, .span.end
    )]
    NoRows {
        /// How many windows.
        windows: usize,
        /// Their time.
        span: Span,
    },
    /// A baseline that goes along never had all its windows.
    #[error(
        "the baseline needs {need} windows with rows before the first one that is judged, and found {have}: start the replay later"
    )]
    BaselineForming {
        /// How many it found.
        have: usize,
        /// How many it needs.
        need: u32,
    },
}

impl Monitor {
    /// Judges windows of the past, at most [`WINDOWS_AT_ONCE`] of them in memory at a time, and saves nothing. A saved
    /// baseline is used; without one, or with one that goes along with the windows, a baseline is made for this call. A window
    /// is judged by its target as that is known now, where `spec.data.target.delay` has passed since it was complete.
    ///
    /// # Errors
    /// When there is no such window, or the baseline or a pull fails.
    pub async fn replay(&mut self, which: Which, now: Timestamp) -> Result<Replay, ReplayError> {
        let window = self.config.data.window.as_ref();
        let grid = Grid::new(window.ok_or(ReplayError::NoWindows)?);
        let newest = grid.newest_complete(now);
        self.load().await?;
        self.store = Store::in_memory();
        self.progress.judged = None;
        self.progress.shifts.clear();
        let mut tally = Tally::default();
        let chosen = if self.rolling().is_some() {
            let kind = Definition::new(&self.config).windows.kind();
            let none_after = ReplayError::BaselineGoesAlong { kind };
            let chosen = choose(&grid, which, newest, Err(none_after))?;
            // What came before the windows, whatever was saved since.
            self.baseline = None;
            self.freeze_windows(&grid, WindowId(chosen.start() - 1), now, &mut tally)
                .await?;
            chosen
        } else {
            if self.baseline.is_none() {
                self.freeze_windows(&grid, newest, now, &mut tally).await?;
            }
            choose(&grid, which, newest, Ok(self.baseline_end()))?
        };
        let own: Vec<WindowId> = self.pinned_windows(&grid);
        let windows: Vec<WindowId> = chosen
            .clone()
            .map(WindowId)
            .filter(|window| !own.contains(window))
            .collect();
        let span = Span {
            start: grid.span(WindowId(*chosen.start())).start,
            end: grid.span(WindowId(*chosen.end())).end,
        };
        if windows.is_empty() {
            return Err(ReplayError::OnlyBaseline { span });
        }
        let labelled = self.newest_labelled(&grid, now);
        let mut empty = 0;
        let mut replayed = Vec::new();
        for group in windows.chunks(WINDOWS_AT_ONCE) {
            empty += self
                .replay_group(&grid, group, (labelled, now), &mut replayed, &mut tally)
                .await?;
        }
        if empty == windows.len() {
            let windows = windows.len();
            return Err(ReplayError::NoRows { windows, span });
        }
        let left_out = chosen.count() - empty - replayed.len();
        self.replayed(replayed, empty, left_out)
    }

    /// Pulls and judges a few windows, by their target up to the window `newest_labelled`, or all of them where there is none;
    /// how many of them had no row.
    async fn replay_group(
        &mut self,
        grid: &Grid,
        group: &[WindowId],
        (newest_labelled, now): (Option<WindowId>, Timestamp),
        replayed: &mut Vec<Replayed>,
        tally: &mut Tally,
    ) -> Result<usize, EvaluationError> {
        let mut empty = 0;
        let plan = Due {
            complete: group.to_vec(),
            // The window in progress is not asked for while others wait.
            pending: 1,
            skipped: 0,
            open: WindowId(i64::MAX),
        };
        for (windows, request) in self.requests(grid, &plan, now) {
            let pulled = self.pull(request, tally, FeatureProfile::close).await?;
            let columns = Columns::of(&pulled.layout);
            for (window, slot) in windows.into_iter().zip(pulled.slots) {
                let rows = slot.rows;
                if rows == 0 {
                    empty += 1;
                    continue;
                }
                let before = tally.windows_judged;
                let labelled = newest_labelled.is_none_or(|newest| window <= newest);
                self.labels_later = !labelled;
                self.close(Some(window), grid.span(window), &columns, slot, tally);
                if tally.windows_judged == before {
                    continue;
                }
                let (means, pairs) = self.beside_verdicts();
                if let Some(judged) = &mut self.progress.judged {
                    replayed.push(Replayed {
                        span: judged.span,
                        rows,
                        labelled,
                        reports: judged.reports.iter().map(kept).collect(),
                        means,
                        pairs,
                    });
                    if newest_labelled.is_some() {
                        // A baseline that rolls took the window in before its target was known.
                        for breached in judged.breached.values_mut() {
                            breached.performance = None;
                        }
                    }
                }
            }
        }
        Ok(empty)
    }

    /// What the last window judged says beside its verdicts: of each feature, and of its pairs.
    fn beside_verdicts(&self) -> (Vec<MeanReading>, Vec<PairTest>) {
        let (Some(frozen), Some(judged)) = (&self.baseline, &self.progress.judged) else {
            return Default::default();
        };
        let reference = &frozen.reference;
        let reading = |(place, report): (usize, &FeatureReport)| {
            let level = || {
                report.verdicts.level.as_ref().ok()?;
                let usual = reference.usual(place).ok()?;
                let mean = judged.found.summary(&report.name)?.moments?.mean;
                Some((mean - usual.centre) / usual.deviation)
            };
            let ewma = || {
                report.verdicts.shift.as_ref().ok()?;
                let state = self.progress.shifts.get(&report.name)?;
                Some(Ewma {
                    value: state.reading()?.ewma,
                    limits: reference.ewma_limits(place, state)?,
                })
            };
            MeanReading {
                level: level(),
                ewma: ewma(),
            }
        };
        let means = judged.reports.iter().enumerate().map(reading).collect();
        (means, reference.pairs(&judged.found.window))
    }

    fn replayed(
        &self,
        windows: Vec<Replayed>,
        empty: usize,
        left_out: usize,
    ) -> Result<Replay, ReplayError> {
        let forming = |have, need| ReplayError::BaselineForming { have, need };
        let Some(frozen) = &self.baseline else {
            return Err(forming(0, self.rolling().unwrap_or(1)));
        };
        let baseline = &frozen.baseline;
        let short = || forming(baseline.len(), baseline.need);
        let clock = Clock::of(&self.config);
        let info = baseline.info(frozen.digest.clone(), clock.as_ref());
        let info = info.ok_or_else(short)?;
        if windows.is_empty() {
            return Err(short());
        }
        let reference: &Reference = &frozen.reference;
        let settings = settings(&self.config, &baseline.features);
        let watched = |feature: &stats::FrozenFeature| Watched {
            name: feature.name.clone(),
            statistic: settings.on.drift.then_some(match feature.kind {
                Kind::Numeric => settings.drift.numeric,
                Kind::Categorical => settings.drift.categorical,
            }),
        };
        let whole = Watched {
            name: String::new(),
            statistic: None,
        };
        Ok(Replay {
            baseline: info,
            tests: ByCheck::from_fn(|check| reference.tests_of(check)),
            alpha: reference.alpha(),
            features: baseline
                .features
                .iter()
                .map(watched)
                .chain([whole])
                .collect(),
            windows,
            empty,
            left_out,
        })
    }

    /// The newest window that can be judged by its target, where that is known later than all else; before all windows while a
    /// baseline that stays has one that lacks its own.
    fn newest_labelled(&self, grid: &Grid, now: Timestamp) -> Option<WindowId> {
        let delay = self.target_delay()?;
        let baseline = self.baseline.as_ref().map(|frozen| &frozen.baseline);
        let stays = |baseline: &&Baseline| baseline.definition.windows.rolling().is_none();
        let lacks = baseline.filter(stays).is_some_and(|baseline| {
            let frozen = newest_known(grid, delay, baseline.frozen_at);
            // A saved baseline has got those that became known since.
            let since = self.progress.labels.next.map(|next| WindowId(next.0 - 1));
            let newest = since.map_or(frozen, |since| since.max(frozen));
            let mut spans = baseline.spans.iter();
            spans.any(|span| grid.at(span.start) > newest)
        });
        Some(match lacks {
            true => WindowId(i64::MIN),
            false => newest_known(grid, delay, now),
        })
    }

    /// The last window of the baseline; nothing when it has none.
    fn baseline_end(&self) -> Option<WindowId> {
        self.baseline.as_ref()?.baseline.newest
    }

    /// The windows that a baseline which stays is made of.
    fn pinned_windows(&self, grid: &Grid) -> Vec<WindowId> {
        let stays = self.rolling().is_none();
        let frozen = self.baseline.iter().filter(|_| stays);
        frozen
            .flat_map(|frozen| &frozen.baseline.spans)
            .map(|span| grid.at(span.start))
            .collect()
    }
}

/// What is kept of a report: its verdicts, and distances only where they stand in for a verdict.
fn kept(report: &FeatureReport) -> FeatureReport {
    FeatureReport {
        name: report.name.clone(),
        distances: if report.moving {
            report.distances.clone()
        } else {
            Vec::new()
        },
        verdicts: report.verdicts.clone(),
        moving: report.moving,
        pair: None,
        pair_laid_elsewhere: None,
        power: None,
        segment: None,
    }
}

/// The numbers of the windows that are asked for, never none. `baseline` is the baseline's last window, or why nothing lies
/// after it.
fn choose(
    grid: &Grid,
    which: Which,
    newest: WindowId,
    baseline: Result<Option<WindowId>, ReplayError>,
) -> Result<RangeInclusive<i64>, ReplayError> {
    match which {
        Which::Newest(windows) => Ok(newest.0 - i64::from(windows.max(1)) + 1..=newest.0),
        Which::AfterBaseline => {
            let Some(last) = baseline? else {
                return Ok(newest.0 - MOST_BY_DEFAULT + 1..=newest.0);
            };
            if last >= newest {
                let end = grid.span(last).end;
                return Err(ReplayError::NothingAfterBaseline { end });
            }
            Ok(last.next().0.max(newest.0 - MOST_BY_DEFAULT + 1)..=newest.0)
        }
        Which::Between(from, to) => {
            let inside = grid.at(from);
            // A window that has begun before is not wholly inside.
            let begun = i64::from(grid.span(inside).start < from);
            let first = inside.0 + begun;
            // The window that holds the end is not over by then.
            let last = newest.0.min(grid.at(to).0 - 1);
            let windows = last - first + 1;
            if windows < 1 {
                return Err(ReplayError::NothingBetween {
                    from,
                    to,
                    near: grid.span(inside),
                    newest: grid.span(newest).end,
                });
            }
            if windows > MAX_CATCH_UP {
                return Err(ReplayError::TooMany { windows });
            }
            Ok(first..=last)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::SignedDuration;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekly() -> Grid {
        Grid::new(&crds::valid::Window {
            column: "at".to_owned(),
            length: Duration::from_secs(7 * 86_400),
            anchor: at("2017-01-01T06:00:00Z"),
            allowed_lateness: Duration::ZERO,
        })
    }

    fn chosen(which: Which, newest: i64, baseline: Option<i64>) -> Result<Vec<i64>, ReplayError> {
        let baseline = Ok(baseline.map(WindowId));
        choose(&weekly(), which, WindowId(newest), baseline).map(Iterator::collect)
    }

    #[test]
    fn by_default_the_newest_windows_after_the_baseline_are_replayed() {
        let default = |newest| chosen(Which::AfterBaseline, newest, Some(17));
        assert_eq!(default(20).unwrap(), [18, 19, 20]);
        let many = default(400).unwrap();
        assert_eq!((many.len(), many[0], many[51]), (52, 349, 400));
        let none = default(17).unwrap_err().to_string();
        assert!(none.contains("2017-05-07T06:00:00Z"), "{none}");
        assert!(none.contains("--windows N"), "{none}");
    }

    #[test]
    fn windows_lie_wholly_between_two_times() {
        let between = |from, to| chosen(Which::Between(at(from), at(to)), 52, Some(17));
        // To the second.
        assert_eq!(
            between("2017-05-07T06:00:00Z", "2017-05-21T06:00:00Z").unwrap(),
            [18, 19]
        );
        assert_eq!(
            between("2017-05-07T06:00:01Z", "2017-05-21T06:00:00Z").unwrap(),
            [19]
        );
        assert_eq!(
            between("2017-05-07T06:00:00Z", "2017-05-21T05:59:59Z").unwrap(),
            [18]
        );
        // What is not complete is left out.
        let cut = between("2017-12-24T06:00:00Z", "2018-06-01T00:00:00Z");
        assert_eq!(cut.unwrap(), [51, 52]);
        for (from, to) in [
            ("2017-05-07T06:00:01Z", "2017-05-21T05:59:59Z"),
            ("2017-05-21T06:00:00Z", "2017-05-07T06:00:00Z"),
            ("2018-06-01T00:00:00Z", "2018-12-01T00:00:00Z"),
        ] {
            let none = between(from, to);
            assert!(
                matches!(none, Err(ReplayError::NothingBetween { .. })),
                "{from} {to}: {none:?}"
            );
        }
        let many = between("1970-01-01T00:00:00Z", "2018-01-01T00:00:00Z");
        assert!(matches!(many, Err(ReplayError::TooMany { .. })), "{many:?}");
    }

    #[test]
    fn a_target_is_known_so_long_after_its_window_is_complete() {
        // Window 17 ends on 2017-05-07 at 06:00.
        let delay = SignedDuration::from_hours(10 * 24);
        let known = |now| newest_known(&weekly(), delay, at(now));
        assert_eq!(known("2017-05-17T05:59:59Z"), WindowId(16));
        assert_eq!(known("2017-05-17T06:00:00Z"), WindowId(17));
    }

    #[test]
    fn a_number_of_windows_ends_with_the_newest() {
        assert_eq!(
            chosen(Which::Newest(3), 20, Some(17)).unwrap(),
            [18, 19, 20]
        );
        assert_eq!(chosen(Which::Newest(2), 12, Some(17)).unwrap(), [11, 12]);
    }
}
