//! How much the windows of a baseline differ from each other, of counts over the same bins.

use crate::distance::Statistic;
use crate::distance::jensen_shannon;
use crate::distance::table::Table;
use crate::limits::{MIN_SERIES, MIN_WINDOWS, MOST_ALIKE, stretch};
use crate::tail;

/// What windows differ by beyond chance, of a test that no other one is like: the variance component between them, as the moments
/// of their Jensen–Shannon divergences tell it (after DerSimonian and Laird 1986).
///
/// The logarithm of a distance has no law to go by here: where windows move along one line it is below the mean for long, and then
/// far above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Component {
    windows: usize,
    /// Of a window about the mean of all, in units of the divergence.
    variance: f64,
    /// By what the deviation of a later window is larger, see [`stretch`].
    stretch: f64,
}

impl Component {
    /// Of each window's counts, of which `all` has the sums. `None` below four windows that have rows enough.
    ///
    /// σ² = (n−1)/n · mean(dᵢ² − bᵢ) with dᵢ the distance of a window to the others together and bᵢ what chance makes of its
    /// square, and twice the error that chance leaves in that mean, √(2/(n(B−1)))·b̄, on top. The autocorrelation that the
    /// deviation is stretched by is von Neumann's ratio (1941) of the same, 1 − mean(δᵢ² − bᵢ)/2σ² with δᵢ the distance of a
    /// window to the next, over 1 − 3/n for its bias; 0 below eight windows.
    pub(super) fn of(all: &[u64], windows: &[Vec<u64>]) -> Option<Self> {
        let rows = |own: &[u64]| own.iter().sum::<u64>();
        let need = Statistic::JensenShannon.minimum();
        let enough: Vec<&Vec<u64>> = windows.iter().filter(|own| rows(own) >= need).collect();
        let to_others = enough.iter().filter_map(|own| {
            let others = less(all, own);
            (rows(&others) >= need).then(|| Table::new(&others, own))
        });
        let (found, chance) = means(to_others)?;
        let windows = enough.len();
        if windows < MIN_WINDOWS {
            return None;
        }
        let n = windows as f64;
        let degrees = all.iter().filter(|count| **count > 0).count() as f64 - 1.0;
        let scale = (n - 1.0) / n;
        let variance = scale * (found - chance);
        let error = scale * chance * (2.0 / (n * degrees.max(1.0))).sqrt();
        let successive = enough.iter().zip(enough.iter().skip(1));
        let successive = means(successive.map(|(own, next)| Table::new(own, next)));
        let alike = match successive {
            Some((found, chance)) if windows >= MIN_SERIES && variance > 0.0 => {
                (1.0 - (found - chance) / (2.0 * variance)) / (1.0 - 3.0 / n)
            }
            _ => 0.0,
        };
        Some(Component {
            windows,
            variance: (variance + 2.0 * error).max(0.0),
            stretch: stretch(windows, alike.clamp(0.0, MOST_ALIKE)),
        })
    }

    /// √(null² + t²·(1 + 1/n)·σ²), t the upper α/2-quantile of Student's distribution with n − 1 degrees of freedom: as if all windows
    /// moved along one line, either way. Along several they would be as far away less often.
    pub(super) fn bound(&self, null: f64, alpha: f64) -> f64 {
        let n = self.windows as f64;
        let t = tail::student_isf(alpha / 2.0, n - 1.0) * self.stretch;
        (null * null + t * t * (1.0 + 1.0 / n) * self.variance).sqrt()
    }
}

/// The means of the squared distances and of what chance makes of them; nothing without a table.
fn means(tables: impl Iterator<Item = Table>) -> Option<(f64, f64)> {
    let each = tables.map(|table| {
        let distance = jensen_shannon::distance(&table);
        (distance * distance, jensen_shannon::bias(&table))
    });
    let (count, found, chance) = each.fold((0.0, 0.0, 0.0), |(count, found, chance), (d, b)| {
        (count + 1.0, found + d, chance + b)
    });
    (count > 0.0).then(|| (found / count, chance / count))
}

/// The others together.
fn less(all: &[u64], own: &[u64]) -> Vec<u64> {
    let both = all.iter().zip(own);
    both.map(|(all, own)| all.saturating_sub(*own)).collect()
}

/// The Jensen–Shannon distance of each window from the others together, of which `all` has the sums; of those windows alone
/// that have rows enough.
pub(super) fn to_others(all: &[u64], windows: &[Vec<u64>]) -> Vec<f64> {
    let need = Statistic::JensenShannon.minimum();
    let distance = |own: &Vec<u64>| {
        let others = less(all, own);
        let enough = [own, &others].map(|side| side.iter().sum::<u64>() >= need);
        (enough == [true, true]).then(|| jensen_shannon::distance(&Table::new(&others, own)))
    };
    windows.iter().filter_map(distance).collect()
}

/// The share of each bin, window by window. Distances have no sign, so that they do not tell how much windows resemble each
/// other; the shares do.
pub(super) fn shares(windows: &[Vec<u64>], bins: usize) -> Vec<Vec<f64>> {
    let of_bin = |bin: usize| {
        let share = |own: &Vec<u64>| {
            let (count, rows) = (own.get(bin).copied()?, own.iter().sum::<u64>());
            (rows > 0).then(|| count as f64 / rows as f64)
        };
        windows.iter().filter_map(share).collect()
    };
    (0..bins).map(of_bin).collect()
}
