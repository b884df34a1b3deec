//! When new events came to the source: how far apart its updates are, and whether it is filled and goes on.
//!
//! An update is a newest event time that was not there before. It is seen at an evaluation, so that the time between two of
//! them is known to the interval of evaluations.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats::{BySeverity, UsualGap};

/// Most gaps between updates that are kept: ten days of an hourly job, and far more than a usual gap needs.
const GAPS: usize = 256;
/// An update that was seen after a pause of more than this many intervals of evaluations came at a time that is not known.
const INTERVALS: u32 = 3;

/// The updates of a source, as far as they were seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Updates {
    /// The newest event time.
    newest: Option<Seen>,
    /// When the source was last looked at.
    looked: Option<Timestamp>,
    /// Gaps between updates, oldest first.
    gaps: VecDeque<Gap>,
}

/// A newest event time, when it was new.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    event: Timestamp,
    at: Timestamp,
    /// Whether it came while somebody looked.
    coming: bool,
}

/// The time between two updates that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// From the evaluation that first saw the one to that which first saw the other, in seconds.
    pub seconds: f64,
    /// From the newest event of the one to that of the other, in seconds.
    pub event_seconds: f64,
}

/// How far apart updates are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The last two.
    pub last: Gap,
    /// How many gaps are known.
    pub gaps: usize,
    /// What is usual; nothing while too few gaps are known.
    pub usual: Option<UsualGap>,
}

/// What the source holds, and whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// It has rows, and newer events came as late as usual.
    Advancing,
    /// It has rows, and for longer than usual none of them brought a newer event.
    NotAdvancing,
    /// It has no rows: none in the newest complete window and none in the one in progress, or none at all.
    NotMaterialised,
    /// It has rows and they have no event time.
    NoEventTime,
    /// It could not be looked at: the last evaluation failed, or older windows come first.
    Unknown,
}

impl Supply {
    /// Every one.
    pub const ALL: [Supply; 5] = [
        Supply::Advancing,
        Supply::NotAdvancing,
        Supply::NotMaterialised,
        Supply::NoEventTime,
        Supply::Unknown,
    ];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Supply::Advancing => "advancing",
            Supply::NotAdvancing => "not_advancing",
            Supply::NotMaterialised => "not_materialised",
            Supply::NoEventTime => "no_event_time",
            Supply::Unknown => "unknown",
        }
    }
}

impl Updates {
    /// Notes what one look at the newest rows found, at `now`, where looks are `every` apart. Says whether there was an
    /// update.
    pub fn look(&mut self, event: Option<Timestamp>, now: Timestamp, every: Duration) -> bool {
        let before = self.looked.replace(now);
        let Some(event) = event else {
            return false;
        };
        let Some(last) = self.newest else {
            self.newest = Some(Seen {
                event,
                at: now,
                coming: false,
            });
            return true;
        };
        if event == last.event {
            return false;
        }
        let pause = before.map_or(f64::INFINITY, |before| seconds(before, now));
        // An older one is of another table, or of one that was filled anew.
        let coming = event > last.event && pause <= (every * INTERVALS).as_secs_f64();
        if coming && last.coming {
            self.gaps.push_back(Gap {
                seconds: seconds(last.at, now).max(0.0),
                event_seconds: seconds(last.event, event),
            });
            let surplus = self.gaps.len().saturating_sub(GAPS);
            self.gaps.drain(..surplus);
        }
        self.newest = Some(Seen {
            event,
            at: now,
            coming,
        });
        true
    }

    /// When the newest event was first seen; nothing before the first.
    pub fn seen(&self) -> Option<Timestamp> {
        self.newest.map(|newest| newest.at)
    }

    /// How far apart updates are, where looks are `every` apart; nothing before two have followed each other.
    pub fn interval(&self, every: Duration) -> Option<Interval> {
        let last = *self.gaps.back()?;
        let gaps: Vec<f64> = self.gaps.iter().map(|gap| gap.seconds).collect();
        Some(Interval {
            last,
            gaps: gaps.len(),
            usual: UsualGap::of(&gaps, every.as_secs_f64()),
        })
    }

    /// What a source with so many rows is, at `now`. Where nothing is usual yet, the freshness limits (in seconds) say how
    /// long is too long; without any there is no too long.
    pub fn supply(
        &self,
        rows: u64,
        limits: BySeverity<Option<f64>>,
        now: Timestamp,
        every: Duration,
    ) -> Supply {
        let Some(newest) = self.newest.filter(|_| rows > 0) else {
            return match rows {
                0 => Supply::NotMaterialised,
                _ => Supply::NoEventTime,
            };
        };
        let usual = self.interval(every).and_then(|interval| interval.usual);
        let waits = match usual {
            Some(usual) => seconds(newest.at, now) > usual.limit,
            None => {
                // Of one that was there at the first look, nothing says when it came.
                let since = if newest.coming {
                    newest.at
                } else {
                    newest.event
                };
                let limit = limits.warning.or(limits.critical);
                limit.is_some_and(|limit| seconds(since, now) >= limit)
            }
        };
        match waits {
            true => Supply::NotAdvancing,
            false => Supply::Advancing,
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_microsecond() - from.as_microsecond()) as f64 / 1e6
}
