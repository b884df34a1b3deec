//! Windows whose target is known by now: pulled again, and judged by what their features tell about it.

use jiff::{SignedDuration, Timestamp};
use stats::{FeatureProfile, Summary};

use super::frozen::Frozen;
use super::{EvaluationError, Monitor, Tally, WINDOWS_AT_ONCE};
use crate::contaminated;
use crate::labelled::Labelled;
use crate::pipeline::Request;
use crate::progress::{Columns, Found};
use crate::window::{Due, Grid, Span, WindowId, due};

impl Monitor {
    /// How long after a window is complete its target is known, where that is later.
    pub(super) fn target_delay(&self) -> Option<SignedDuration> {
        let target = self.config.data.target.as_ref();
        let target = target.filter(|_| self.config.checks.performance.enabled)?;
        SignedDuration::try_from(target.delay)
            .ok()
            .filter(|delay| delay.is_positive())
    }

    /// Whether the target of a window is known at an instant.
    pub(super) fn knows_target(&self, grid: &Grid, window: WindowId, at: Timestamp) -> bool {
        let delay = self.target_delay();
        delay.is_none_or(|delay| window <= newest_known(grid, delay, at))
    }

    /// Judges the windows whose target has become known, at most four of them.
    pub(super) async fn attempt_targets(
        &mut self,
        grid: &Grid,
        now: Timestamp,
        tally: &mut Tally,
    ) -> Result<(), EvaluationError> {
        let (Some(delay), Some(next)) = (self.target_delay(), self.progress.next) else {
            return Ok(());
        };
        let known = now.checked_sub(delay).unwrap_or(Timestamp::MIN);
        let Some(first) = self
            .progress
            .labels
            .next
            .or(self.first_labelled(grid, delay))
        else {
            return Ok(());
        };
        let mut plan = due(grid, first, known, WINDOWS_AT_ONCE);
        // What is not judged by anything else yet comes later.
        plan.complete.retain(|window| *window < next);
        self.labels_pending = plan.pending + plan.complete.len() as u64;
        for (windows, request) in self.label_requests(grid, plan, now) {
            let pulled = self.pull(request, tally, FeatureProfile::close).await?;
            let columns = Columns::of(&pulled.layout);
            for (window, slot) in windows.into_iter().zip(pulled.slots) {
                self.label(grid.span(window), &columns.with(&slot), tally);
                self.progress.labels.next = Some(window.next());
                self.labels_pending = self.labels_pending.saturating_sub(1);
                self.save().await?;
            }
        }
        Ok(())
    }

    /// The first window of the baseline whose target was not known when it was frozen, else the one behind it.
    fn first_labelled(&self, grid: &Grid, delay: SignedDuration) -> Option<WindowId> {
        let baseline = &self.baseline.as_ref()?.baseline;
        let known = newest_known(grid, delay, baseline.frozen_at);
        let mut spans = baseline.spans.iter();
        let first = spans.find(|span| grid.at(span.start) > known);
        first
            .map(|span| grid.at(span.start))
            .or(baseline.newest.map(WindowId::next))
    }

    fn label_requests(
        &self,
        grid: &Grid,
        plan: Due,
        now: Timestamp,
    ) -> Vec<(Vec<WindowId>, Request)> {
        let plan = Due {
            // The open window is none of them.
            pending: plan.pending.max(1),
            ..plan
        };
        let requests = self.requests(grid, &plan, now).into_iter();
        requests
            .filter(|(windows, _)| !windows.is_empty())
            .map(|(windows, request)| {
                // Rules were judged when the window was complete.
                let rules = [].into();
                (windows, Request { rules, ..request })
            })
            .collect()
    }

    /// Judges one window by its target, and gives that to a baseline that has the window.
    fn label(&mut self, span: Span, found: &Found, tally: &mut Tally) {
        let Some(frozen) = &mut self.baseline else {
            return;
        };
        let stays = frozen.baseline.definition.windows.rolling().is_none();
        let mut stays_out = false;
        // A window of a baseline that stays is compared with nothing.
        if frozen.baseline.is_complete() && !(stays && frozen.baseline.spans.contains(&span)) {
            let features = frozen.baseline.features.iter();
            let current: Vec<Option<&Summary>> = features
                .map(|feature| found.summary(&feature.name))
                .collect();
            let report = stats::judge(&frozen.reference, &current, &found.window);
            let before = self.progress.labels.judged.as_ref();
            let streaks = &mut self.progress.streaks;
            let labelled = Labelled::new(span, report, &self.config, streaks, before);
            let begun = labelled.begun(before);
            let alarms = &mut tally.alarms.performance;
            *alarms = alarms.zip(begun).map(|(sum, more)| sum + more);
            let most = contaminated::most_left_out(&frozen.baseline.definition.windows);
            stays_out = self.progress.labels.leaves_out(&labelled, most);
            self.progress.labels.judged = Some(labelled);
        }
        let mut times = frozen.baseline.windows_at.iter();
        if let Some(place) = times.position(|own| *own == span)
            && !stays_out
            && let Some(window) = frozen.baseline.windows.get(place)
        {
            let mut baseline = frozen.baseline.clone();
            let mut window = window.clone();
            window.performance = found.window.performance.clone();
            if let Some(slot) = baseline.windows.get_mut(place) {
                *slot = window;
            }
            *frozen = Frozen::new(baseline, &self.config);
        }
    }
}

/// The newest window whose target is known at an instant, so long after it is complete.
pub(super) fn newest_known(grid: &Grid, delay: SignedDuration, at: Timestamp) -> WindowId {
    grid.newest_complete(at.checked_sub(delay).unwrap_or(Timestamp::MIN))
}
