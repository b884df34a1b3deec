//! Which windows there are, which are complete, and which are to be judged next.
//!
//! Windows are tumbling, anchored and half-open: window `k` covers
//! `[anchor + k·length, anchor + (k+1)·length)`. A window is complete once its end plus the allowed
//! lateness has passed; it is judged once, then, and missed windows are caught up in order.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far back missed windows are caught up. The bound keeps a monitor that was off for a year, with
/// short windows, from pulling thousands of windows nobody will look at; what is left out is counted.
pub const MAX_CATCH_UP: i64 = 1_000;

/// A window's number on its grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WindowId(pub i64);

impl WindowId {
    /// The window after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A half-open span of time, `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First instant of the span.
    pub start: Timestamp,
    /// First instant after the span.
    pub end: Timestamp,
}

impl Span {
    /// How many windows of this length are missing between the end of another one and the start of this one; at most 512, beyond which
    /// nothing of the one is left in the other.
    pub fn missing_since(&self, before: Span) -> usize {
        let length = self.end.duration_since(self.start).as_micros().max(1);
        let gap = self.start.duration_since(before.end).as_micros().max(0);
        usize::try_from(gap / length).map_or(512, |gap| gap.min(512))
    }

    /// Whether an instant lies in both.
    pub fn overlaps(&self, other: &Span) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// The grid of windows that `spec.data.window` describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    anchor_micros: i64,
    length_micros: i64,
    lateness_micros: i64,
}

impl Grid {
    /// The grid of a valid window: its length is at least one microsecond (`crds::valid` bounds it).
    pub fn new(window: &crds::valid::Window) -> Self {
        Self {
            anchor_micros: window.anchor.as_microsecond(),
            length_micros: micros(window.length).max(1),
            lateness_micros: micros(window.allowed_lateness),
        }
    }

    /// The window that holds an instant given in microseconds since the Unix epoch.
    pub fn containing(&self, micros: i64) -> WindowId {
        WindowId(
            micros
                .saturating_sub(self.anchor_micros)
                .div_euclid(self.length_micros),
        )
    }

    /// The window that holds an instant.
    pub fn at(&self, instant: Timestamp) -> WindowId {
        self.containing(instant.as_microsecond())
    }

    /// Start and end of a window, clamped to what a timestamp can hold.
    pub fn span(&self, window: WindowId) -> Span {
        let start = window
            .0
            .saturating_mul(self.length_micros)
            .saturating_add(self.anchor_micros);
        Span {
            start: timestamp(start),
            end: timestamp(start.saturating_add(self.length_micros)),
        }
    }

    /// The newest window that is complete at `now`.
    pub fn newest_complete(&self, now: Timestamp) -> WindowId {
        let open = self.containing(now.as_microsecond().saturating_sub(self.lateness_micros));
        WindowId(open.0 - 1)
    }
}

/// What is to be pulled now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Complete windows that were not judged yet, oldest first.
    pub complete: Vec<WindowId>,
    /// How many more complete windows wait behind `complete`.
    pub pending: u64,
    /// How many windows were given up because they lie more than [`MAX_CATCH_UP`] windows back.
    pub skipped: u64,
    /// The newest window that is not complete, whose progress is shown.
    pub open: WindowId,
}

/// Decides which windows an evaluation at `now` judges, at most `batch` of them, given the first
/// window that was not judged yet.
pub fn due(grid: &Grid, next: WindowId, now: Timestamp, batch: usize) -> Due {
    let newest = grid.newest_complete(now);
    let oldest = WindowId(newest.0.saturating_sub(MAX_CATCH_UP - 1));
    let first = next.max(oldest);
    let waiting = (newest.0 - first.0 + 1).max(0) as u64;
    let taken = waiting.min(batch as u64);
    Due {
        complete: (0..taken as i64).map(|i| WindowId(first.0 + i)).collect(),
        pending: waiting - taken,
        skipped: (first.0 - next.0) as u64,
        open: grid.at(now),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekly() -> Grid {
        Grid {
            anchor_micros: at("2017-01-01T06:00:00Z").as_microsecond(),
            length_micros: 7 * 86_400_000_000,
            lateness_micros: 6 * 3_600_000_000,
        }
    }

    #[test]
    fn windows_are_half_open_and_anchored() {
        let grid = weekly();
        assert_eq!(grid.at(at("2017-01-01T05:59:59.999999Z")), WindowId(-1));
        assert_eq!(grid.at(at("2017-01-01T06:00:00Z")), WindowId(0));
        assert_eq!(grid.at(at("2017-05-07T00:00:00Z")), WindowId(17));
        assert_eq!(grid.span(WindowId(17)).end, at("2017-05-07T06:00:00Z"));
    }

    #[test]
    fn a_window_is_complete_only_after_its_lateness() {
        let grid = weekly();
        assert_eq!(
            grid.newest_complete(at("2017-05-07T11:59:59Z")),
            WindowId(16)
        );
        assert_eq!(
            grid.newest_complete(at("2017-05-07T12:00:00Z")),
            WindowId(17)
        );
    }

    #[test]
    fn missed_windows_are_caught_up_in_order_and_in_parts() {
        let grid = weekly();
        let now = at("2017-06-04T13:00:00Z");
        let plan = due(&grid, WindowId(18), now, 3);
        assert_eq!(plan.complete, [WindowId(18), WindowId(19), WindowId(20)]);
        assert_eq!((plan.pending, plan.skipped), (1, 0));
        assert_eq!(plan.open, WindowId(22));
        let caught_up = due(&grid, WindowId(22), now, 3);
        assert_eq!((caught_up.complete.len(), caught_up.pending), (0, 0));
    }

    #[test]
    fn windows_too_far_back_are_skipped_and_counted() {
        let grid = weekly();
        let plan = due(&grid, WindowId(-2_000), at("2017-06-04T13:00:00Z"), 1);
        assert_eq!(plan.complete, [WindowId(21 - MAX_CATCH_UP + 1)]);
        assert_eq!(plan.skipped, (2_000 + 21 - MAX_CATCH_UP + 1) as u64);
    }
}
