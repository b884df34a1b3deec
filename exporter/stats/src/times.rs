//! When the events of a window's rows were, in one pass and bounded memory.
//!
//! How old they are is a matter of the clock, which comes later: what is kept answers how many rows are up to any time, long
//! after the rows are gone.

use serde::{Deserialize, Serialize};

use crate::sample::{self, Sample};

/// Most points of the distribution that are kept of a window.
pub const TIME_POINTS: usize = 1_000;
/// Which quantiles are kept besides.
const PROBABILITIES: [f64; 3] = [0.01, 0.05, 0.5];
/// The draw is the same in every run.
const SEED: u64 = 19;

/// Event times of a window while its rows arrive: a uniform sample, every one of them up to 80,000.
#[derive(Debug, Clone)]
pub struct TimeSample {
    sample: Sample,
    rows: u64,
    chunk: Vec<f64>,
}

impl Default for TimeSample {
    fn default() -> Self {
        TimeSample {
            sample: Sample::new(SEED),
            rows: 0,
            chunk: Vec::new(),
        }
    }
}

impl TimeSample {
    /// Takes in rows by their times, in microseconds since the epoch; `None` where a row has none.
    pub fn update(&mut self, times: impl Iterator<Item = Option<i64>>) {
        self.chunk.clear();
        // Exact up to the year 2255. A row without a time takes part in the draw and is never kept.
        let numbers = times.map(|time| time.map_or(f64::NAN, |time| time as f64));
        self.chunk.extend(numbers);
        self.rows += self.chunk.iter().filter(|time| !time.is_nan()).count() as u64;
        self.sample.update(&self.chunk);
    }

    /// What is kept of them, at most so many points of the distribution; `None` where no row has a time.
    pub fn close(self, points: usize) -> Option<Times> {
        let mut kept = self.sample.into_values();
        let [p01, p05, p50] = sample::quantiles(&mut kept, PROBABILITIES)?;
        kept.sort_unstable_by(f64::total_cmp);
        let count = kept.len().min(points);
        // Each point stands for as many rows, and is the middle one of them; so few rows are all there.
        let rank = |point: usize| (2 * point + 1) * kept.len() / (2 * count);
        let points = (0..count).filter_map(|point| kept.get(rank(point)).map(|time| *time as i64));
        Some(Times {
            rows: self.rows,
            p01: p01.round() as i64,
            p05: p05.round() as i64,
            p50: p50.round() as i64,
            points: points.collect(),
        })
    }
}

/// The distribution of a window's event times. All times are in microseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// Rows that have one.
    pub rows: u64,
    /// The first percentile: 99 % of the rows are newer.
    pub p01: i64,
    /// The fifth percentile.
    pub p05: i64,
    /// The median.
    pub p50: i64,
    /// Rising; each stands for as many rows.
    points: Vec<i64>,
}

impl Times {
    /// The share of rows whose event was at `time` or before. Exact up to as many rows as points are kept, within half of what a
    /// point stands for (of 1,000 points 0.0005) up to 80,000; beyond those the error of the sample comes on top, at most 0.01 with 99.9 % confidence.
    pub fn share_until(&self, time: i64) -> f64 {
        let until = self.points.partition_point(|point| *point <= time);
        // There is a point where there is a row.
        until as f64 / self.points.len().max(1) as f64
    }
}
