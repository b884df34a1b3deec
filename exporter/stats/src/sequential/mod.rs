//! Detectors of slow shifts on a series that has one value a window: EWMA and two-sided CUSUM.
//!
//! A limit on one window is blind to a shift that is small and stays. These charts add windows up: of independent windows a
//! shift of half a standard deviation is found in about thirty. Their limits are solved from the mean number of windows
//! between false alarms that is wanted ([`run_length`]), with the error that a baseline of so many windows makes taken
//! into account ([`Standard`]).
//!
//! **What follows a signal.** It stands until its chart is back at 0, and is told until nothing has stood for a day ([`Charts`]). A
//! chart does not adapt to a new level: a shift that lasts alarms for as long as it lasts. Whoever accepts the level fits anew.
//!
//! **What is promised** is a rate of beginnings, on average over baselines. Simulated with 400 baselines of 100 windows and one
//! false alarm in 200, EWMA and CUSUM make 0.81 and 0.90 of it on independent windows, 0.68 and 0.67 at an autocorrelation of
//! 0.6, 0.52 and 0.46 at 0.8: what the autocorrelation is estimated wrongly by is taken at its effect in the long run, of which a
//! chart sees a part, and a signal that stands cannot begin. At one in 20,000 and independent windows they make 0.93 and 0.91
//! (standard error 0.09, 2,400 baselines). One baseline may do far better or worse: the longer the run length, the more of the
//! rate is that of the few bad ones, and a baseline of 500 windows serves better than one of 100.
//!
//! **What a gap does.** A window without a value leaves both charts as they are.

mod charts;
pub mod run_length;
mod standard;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use charts::{ChartLimits, ChartReading, Charts, Direction, told_by_ewma};
pub use run_length::Estimation;
pub use standard::{Innovations, MIN_PAIRS, MIN_POINTS, Standard};

/// Why a series has no detectors.
#[derive(Debug, Clone, Copy, PartialEq, Error, Serialize, Deserialize)]
pub enum Absent {
    /// The baseline has too few windows with a value.
    #[error("too few windows with a value in the baseline: {have} where {need} are needed")]
    TooFewPoints {
        /// Windows with a finite value.
        have: u64,
        /// Windows that are needed.
        need: u64,
    },
    /// The baseline has too few windows that follow directly on another one.
    #[error(
        "too few windows in the baseline that follow directly on another with a value: {have} where {need} are needed"
    )]
    TooFewPairs {
        /// Pairs of neighbours.
        have: u64,
        /// Pairs that are needed.
        need: u64,
    },
    /// The baseline's values are all the same, so that there is no unit of deviation.
    #[error("the baseline's values have no spread")]
    ZeroSpread,
    /// The values remember so long that a baseline of this length does not say how they move.
    #[error(
        "a window is like the one before (autocorrelation {autocorrelation:.2}): the baseline is too short to tell a \
         shift from that"
    )]
    TooPersistent {
        /// φ.
        autocorrelation: f64,
    },
    /// Squares of the values are beyond the range of floating-point numbers.
    #[error("the values are beyond the range in which their spread can be computed")]
    Overflow,
    /// No limit is solved for such a run length.
    #[error("a run length of {asked} windows is not within {least} to {most}")]
    RunLength {
        /// The wanted mean number of windows between false alarms.
        asked: f64,
        /// The least.
        least: f64,
        /// The largest.
        most: f64,
    },
}
