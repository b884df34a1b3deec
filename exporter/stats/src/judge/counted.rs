//! How much the windows of a baseline differ from each other, of counts over the same bins.

use crate::distance::Statistic;
use crate::distance::jensen_shannon;
use crate::distance::table::Table;

/// The Jensen–Shannon distance of each window from the others together, of which `all` has the sums; of those windows alone
/// that have rows enough.
pub(super) fn to_others(all: &[u64], windows: &[Vec<u64>]) -> Vec<f64> {
    let need = Statistic::JensenShannon.minimum();
    let distance = |own: &Vec<u64>| {
        let others = all.iter().zip(own);
        let others: Vec<u64> = others.map(|(all, own)| all.saturating_sub(*own)).collect();
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
