//! Two-sample Kolmogorov–Smirnov distance D = sup|F−G|, read off the fine bins.
//!
//! At the edges F and G are known exactly, so the binned D is a lower bound: it is what is judged, and binning
//! never raises an alarm. Inside a bin with shares p and q the difference can be larger by at most min(p, q);
//! point bins lose nothing.

use super::kstwo;
use crate::bins::NumericBins;

/// D on the fine bins, and by how much D on the values themselves may be larger.
pub fn distance(bins: &NumericBins, reference: &[u64], current: &[u64]) -> (f64, f64) {
    let (n, m) = (
        reference.iter().sum::<u64>() as f64,
        current.iter().sum::<u64>() as f64,
    );
    let (mut below_a, mut below_c) = (0u64, 0u64);
    let (mut lower, mut upper) = (0.0f64, 0.0f64);
    for (bin, (a, c)) in reference.iter().zip(current).enumerate() {
        let (f_low, g_low) = (below_a as f64 / n, below_c as f64 / m);
        below_a += a;
        below_c += c;
        let (f_high, g_high) = (below_a as f64 / n, below_c as f64 / m);
        lower = lower.max((f_high - g_high).abs());
        if !bins.is_point(bin) {
            upper = upper.max(f_high - g_low).max(g_high - f_low);
        }
    }
    // Where a side is empty in a bin the other's steps are all seen at the edges.
    let slack = reference
        .iter()
        .zip(current)
        .enumerate()
        .filter(|(bin, _)| !bins.is_point(*bin));
    let most = slack
        .map(|(_, (&a, &c))| (a as f64 / n).min(c as f64 / m))
        .fold(0.0, f64::max);
    (lower, (upper - lower).clamp(0.0, most))
}

/// round(NM/(N+M)), the sample size of the one-sample form.
pub fn effective_size(reference: u64, current: u64) -> u64 {
    let (n, m) = (reference as f64, current as f64);
    // Half to even, as numpy rounds.
    (n * m / (n + m)).round_ties_even() as u64
}

/// P(D ≥ value) when nothing changed, by the asymptotic two-sample form.
pub fn p_value(value: f64, reference: u64, current: u64) -> f64 {
    kstwo::sf(value, effective_size(reference, current))
}

/// The value that D exceeds with probability `alpha` when nothing changed.
pub fn null(alpha: f64, reference: u64, current: u64) -> f64 {
    kstwo::isf(alpha, effective_size(reference, current))
}

/// max(0, D − c(α)·√((N+M)/(NM))) with c = √(−½ ln(α/2)): what is left above the noise.
pub fn effect(value: f64, alpha: f64, reference: u64, current: u64) -> f64 {
    let (n, m) = (reference as f64, current as f64);
    (value - (-0.5 * (alpha / 2.0).ln()).sqrt() * ((n + m) / (n * m)).sqrt()).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{binned, check, number};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn laws(values in prop::collection::vec(-5.0..5.0f64, 1500), split in 100usize..1400, round in prop::sample::select(vec![1e9, 20.0])) {
            let values: Vec<f64> = values.iter().map(|value| (value * round).round() / round).collect();
            let (a, c) = values.split_at(split);
            let bins = NumericBins::freeze(a.to_vec());
            let count = |values: &[f64]| {
                let mut counts = vec![0; bins.len()];
                values.iter().for_each(|value| counts[bins.edges().partition_point(|edge| value >= edge)] += 1);
                counts
            };
            let (f, g) = (count(a), count(c));
            let (d, error) = distance(&bins, &f, &g);
            prop_assert_eq!(distance(&bins, &g, &f), (d, error));
            prop_assert_eq!(distance(&bins, &f, &f).0, 0.0);
            let share = |side: &[f64], x: f64| side.iter().filter(|value| **value <= x).count() as f64 / side.len() as f64;
            let exact = values.iter().map(|&x| (share(a, x) - share(c, x)).abs()).fold(0.0, f64::max);
            prop_assert!(d <= exact + 1e-12 && exact <= d + error + 1e-12, "{} {} {}", d, exact, error);
        }
    }

    #[test]
    fn reference_values() {
        let (bins, a, c) = binned();
        assert_eq!(distance(&bins, &a, &c), (number("KS D"), 0.0));
        check(p_value(number("KS D"), 400, 150), number("KS p"), 1e-9);
    }
}
