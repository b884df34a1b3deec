//! Which values of a window were filled in where they were missing, and what that did to the distribution.
//!
//! A flag beside the values says it, or a number does that is in many rows and that the baseline does not know as a frequent one:
//! a default, a mean, a code for "unknown". A number with a fine bin of its own in the baseline is one of its usual values, such
//! as 0 of a feature that mostly is 0. Where all that a tenth of the rows had are gone the values have moved, and the number that became frequent is
//! one of them on its new place.

use serde::{Deserialize, Serialize};

use crate::bins::NumericBins;
use crate::missingness::Indicator;
use crate::missingness::imputation::{Imputation, compare, rows_with};
use crate::sample::Sample;

/// The least share of a window's numbers that one number must hold to be taken for a fill value.
pub const FILL_SHARE: f64 = 0.01;

/// The rows of a window whose value was filled in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Imputed {
    /// How they are told.
    pub by: ImputedBy,
    /// The number that is filled in; `None` by a flag, and where no number is frequent enough.
    pub value: Option<f64>,
    /// Rows that were filled in.
    pub count: u64,
    /// Of how many: of all rows by a flag, of the finite numbers by a value, at most 80,000 of them.
    pub rows: u64,
    /// How they compare with the others; `None` where either are too few, and for categories.
    pub distortion: Option<Distortion>,
}

/// How it is told that a value was filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImputedBy {
    /// By a column that says so.
    Flag,
    /// By a number that became frequent.
    Value,
}

/// How values that were filled in compare with the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distortion {
    /// Kolmogorov–Smirnov distance of the filled-in from the other values.
    pub distance: f64,
    /// Variance of the filled-in over that of the other values; `None` where these do not vary.
    pub variance_ratio: Option<f64>,
    /// Standard deviation of all values over that of the others; `None` where these do not vary.
    pub spread: Option<f64>,
}

impl Imputed {
    /// Share of the rows, `None` without one.
    pub fn share(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.count as f64 / self.rows as f64)
    }

    /// Those of several windows together; `None` where they are told in different ways, or not in all of them.
    pub(crate) fn pooled(windows: impl Iterator<Item = Option<Imputed>>) -> Option<Imputed> {
        let windows: Vec<Imputed> = windows.collect::<Option<_>>()?;
        let by = windows.first()?.by;
        windows
            .iter()
            .all(|window| window.by == by)
            .then(|| Imputed {
                by,
                value: None,
                count: windows.iter().map(|window| window.count).sum(),
                rows: windows.iter().map(|window| window.rows).sum(),
                distortion: None,
            })
    }

    /// By the most frequent number that has no bin of its own: `values` are a window's, counted in `fine`.
    pub(crate) fn by_value(values: &[f64], fine: &[u64], bins: &NumericBins) -> Imputed {
        let least = FILL_SHARE * fine.iter().sum::<u64>() as f64;
        let full = |bin: usize| {
            let count = fine.get(bin).copied().unwrap_or(0);
            count > 0 && count as f64 >= least && !bins.is_point(bin)
        };
        // Those that a tenth of the baseline's rows had are coarse bins too.
        let coarse = bins.coarse_edges();
        let mut usual = (0..fine.len())
            .filter(|bin| bins.is_point(*bin))
            .filter(|bin| {
                let from = bin.checked_sub(1).and_then(|edge| bins.edges().get(edge));
                from.is_some_and(|from| coarse.contains(from) && coarse.contains(&from.next_up()))
            })
            .peekable();
        let moved = usual.peek().is_some() && usual.all(|bin| fine.get(bin) == Some(&0));
        let bin_of = |value: f64| bins.edges().partition_point(|edge| *edge <= value);
        // A number that is in so many rows makes its bin that full.
        let mut close: Vec<f64> = match !moved && (0..fine.len()).any(full) {
            true => values
                .iter()
                .filter(|value| full(bin_of(**value)))
                .map(|value| value + 0.0)
                .collect(),
            false => Vec::new(),
        };
        close.sort_unstable_by(f64::total_cmp);
        let rows = values.len() as u64;
        let runs = close.chunk_by(|a, b| a == b);
        // Of two that are as frequent the smaller one.
        let most = runs.reduce(|most, run| if run.len() > most.len() { run } else { most });
        let fill = most.filter(|run| run.len() as f64 >= FILL_SHARE * rows as f64);
        let found = fill.and_then(|run| Some((*run.first()?, run.len() as u64)));
        Imputed {
            by: ImputedBy::Value,
            value: found.map(|(value, _)| value),
            count: found.map_or(0, |(_, count)| count),
            rows,
            distortion: found.and_then(|(value, _)| distortion(values, &rows_with(values, value))),
        }
    }
}

/// Rows of a numeric column that a flag says were filled in, while they arrive.
#[derive(Debug, Clone)]
pub(crate) struct Flagged {
    count: u64,
    imputed: Sample,
    observed: Sample,
}

impl Flagged {
    pub(crate) fn new() -> Self {
        Flagged {
            count: 0,
            imputed: Sample::new(0x66_69),
            observed: Sample::new(0x66_6f),
        }
    }

    /// Counts the rows of a batch; a value that is null is NaN.
    pub(crate) fn update(&mut self, flags: impl Iterator<Item = (bool, f64)>) {
        let (mut imputed, mut observed) = (Vec::new(), Vec::new());
        for (flag, value) in flags {
            self.count += u64::from(flag);
            match flag {
                true => imputed.push(value),
                false => observed.push(value),
            }
        }
        self.imputed.update(&imputed);
        self.observed.update(&observed);
    }

    pub(crate) fn merge(&mut self, other: Flagged) {
        self.count += other.count;
        self.imputed.merge(other.imputed);
        self.observed.merge(other.observed);
    }

    pub(crate) fn close(&self, rows: u64) -> Imputed {
        let (imputed, observed) = (self.imputed.values(), self.observed.values());
        let values = [imputed, observed].concat();
        let flags: Indicator = (0..values.len()).map(|row| row < imputed.len()).collect();
        Imputed {
            by: ImputedBy::Flag,
            value: None,
            count: self.count,
            rows,
            distortion: distortion(&values, &flags),
        }
    }
}

fn distortion(values: &[f64], imputed: &Indicator) -> Option<Distortion> {
    let Imputation {
        difference,
        variance_ratio,
        distortion,
        ..
    } = compare(values, imputed).ok()?;
    let number = |value: f64| Some(value).filter(|value| value.is_finite());
    Some(Distortion {
        distance: difference.ok()?.distance,
        variance_ratio: variance_ratio.ok().and_then(number),
        spread: distortion.ok().and_then(number),
    })
}
