//! Detectors of slow shifts on a series that has one value a window: EWMA and two-sided CUSUM.
//!
//! A limit on one window is blind to a shift that is small and stays. These charts add windows up: of independent windows a
//! shift of half a standard deviation is found in about thirty. Their limits are solved from the mean number of windows
//! between false alarms that is wanted ([`run_length`]), with the error that a baseline of so many windows makes taken
//! into account ([`Standard`]).
//!
//! **What follows a signal.** The chart that signalled starts again from 0, the other one goes on, and what is known of
//! the series' last value stays. A shift that lasts is therefore signalled again and again, each time as fast as the
//! chart finds it; a chart does not adapt to a new level. Whoever accepts the level fits anew.
//!
//! **What is promised** is a rate, on average over baselines. Simulated with 400 baselines of 100 windows and one false alarm
//! in 200, EWMA and CUSUM make 0.97 and 0.92 of it on independent windows, 0.83 and 0.71 at an autocorrelation of 0.6, 0.56
//! and 0.41 at 0.8: what the autocorrelation is estimated wrongly by is taken at its effect in the long run, of which a chart
//! sees a part. At one in 20,000 and independent windows they make 1.06 and 1.10 (standard error 0.09, 2,400 baselines). One
//! baseline may do far better or worse: the longer the run length, the more of the rate is that of the few bad ones, and a
//! baseline of 500 windows serves better than one of 100.
//!
//! **What a gap does.** A window without a value leaves both charts as they are.

mod chart;
mod charts;
pub mod run_length;
mod standard;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use chart::{Cusum, Direction, Ewma};
pub use charts::{ChartLimits, ChartReading, Charts};
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

/// Both charts of one series, and all that they remember.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Detectors {
    standard: Standard,
    innovations: Innovations,
    ewma: Ewma,
    cusum: Cusum,
}

/// What one window's value did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The standardised innovation, with mean 0 and variance 1 while nothing changes.
    pub innovation: f64,
    /// The EWMA in units of its standard deviation, as it was judged.
    pub ewma: f64,
    /// The upper and the lower CUSUM, as they were judged; both ≥ 0.
    pub cusum: (f64, f64),
    /// Whether the EWMA signalled.
    pub ewma_signal: Option<Direction>,
    /// Whether the CUSUM signalled.
    pub cusum_signal: Option<Direction>,
}

impl Detectors {
    /// Fits the standardisation and solves both limits. `baseline` has one entry a window, in order, `None` (or what is
    /// not finite) where a window has no value. `run_length` is the wanted mean number of windows between two false
    /// alarms of **each** chart: two charts on one series make twice as many.
    ///
    /// Takes some tens of milliseconds, [`update`](Self::update) some nanoseconds.
    ///
    /// # Errors
    /// When the baseline does not allow a standardisation, or the run length has no limit.
    pub fn fit(baseline: &[Option<f64>], run_length: f64) -> Result<Self, Absent> {
        let standard = Standard::fit(baseline)?;
        let estimation = standard.estimation();
        Ok(Detectors {
            standard,
            innovations: Innovations::default(),
            ewma: Ewma::new(run_length::ewma_limit(run_length, estimation)?),
            cusum: Cusum::new(run_length::cusum_limit(run_length, estimation)?),
        })
    }

    /// Takes in the next window. `None` when it has no finite value.
    pub fn update(&mut self, value: Option<f64>) -> Option<Reading> {
        let innovation = self.standard.innovation(&mut self.innovations, value)?;
        let (ewma, ewma_signal) = self.ewma.update(innovation);
        let (cusum, cusum_signal) = self.cusum.update(innovation);
        Some(Reading {
            innovation,
            ewma,
            cusum,
            ewma_signal,
            cusum_signal,
        })
    }

    /// How values are standardised.
    pub fn standard(&self) -> &Standard {
        &self.standard
    }

    /// L of the EWMA and h of the CUSUM.
    pub fn limits(&self) -> (f64, f64) {
        (self.ewma.limit(), self.cusum.limit())
    }
}
