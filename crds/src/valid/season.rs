//! Which windows a seasonal baseline compares with each other.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::Date;

pub use crate::seasonal::Period;

/// Fewest windows of a phase: a median and a spread of fewer say nothing.
pub const MIN_CYCLES: u32 = 4;

/// Most windows of a phase.
pub const MAX_CYCLES: u32 = 64;

/// Most windows that a seasonal baseline keeps, each with a summary of every feature.
pub const MAX_SEASONAL_WINDOWS: u32 = 2_048;

/// The last windows of the same phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Season {
    /// What comes again.
    pub period: Period,
    /// How many windows of each phase: [`MIN_CYCLES`] to [`MAX_CYCLES`].
    pub cycles: u32,
    /// IANA name of the zone of the clock; `UTC` where none is given.
    pub zone: String,
    /// Days that are no ordinary ones; no day is in two classes.
    pub calendar: Vec<CalendarClass>,
}

/// Days that are like each other and unlike all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarClass {
    /// Its name, one of its kind.
    pub name: String,
    /// Its days by the zone's clock.
    pub days: BTreeSet<Date>,
}

impl Period {
    /// Its name in a manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Period::HourOfDay => "HourOfDay",
            Period::DayOfWeek => "DayOfWeek",
            Period::HourOfWeek => "HourOfWeek",
            Period::DayOfMonth => "DayOfMonth",
        }
    }

    /// How many phases it has.
    pub const fn phases(self) -> u32 {
        match self {
            Period::HourOfDay => 24,
            Period::DayOfWeek => 7,
            Period::HourOfWeek => 168,
            Period::DayOfMonth => 31,
        }
    }

    /// How many windows a day has.
    pub const fn windows_a_day(self) -> u32 {
        match self {
            Period::HourOfDay | Period::HourOfWeek => 24,
            Period::DayOfWeek | Period::DayOfMonth => 1,
        }
    }

    /// How long a window is.
    pub const fn window(self) -> Duration {
        Duration::from_secs(86_400 / self.windows_a_day() as u64)
    }
}

impl Season {
    /// How many windows one round of the period has.
    pub fn round(&self) -> u32 {
        self.period.phases()
    }

    /// How many windows are kept at most: `cycles` of every phase, those of the calendar included.
    pub fn most_windows(&self) -> u32 {
        let classes = self.calendar.len() as u32 * self.period.windows_a_day();
        self.cycles.saturating_mul(self.period.phases() + classes)
    }
}
