//! Population stability index, Σ(p−q)·ln(p/q) over smoothed shares.
//!
//! p_i = (a_i + ½)/(N + B/2), q_i likewise (Jeffreys' prior), because one empty bin moves an unsmoothed PSI to
//! infinity. When nothing changed, PSI ≈ (1/N + 1/M)·χ²_{B−1} (Yurdakul 2018, two-sample form).

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::table::Table;
use crate::tail;

/// Above this number of bins many counts are small, and the χ² null does not hold: it is bootstrapped.
const CHI_SQUARED_BINS: usize = 60;
/// Replications of the bootstrap.
const REPLICATIONS: usize = 2000;

/// PSI of the table.
pub fn distance(table: &Table) -> f64 {
    let half = 0.5 * table.bins() as f64;
    let (n, m) = (table.reference_total + half, table.current_total + half);
    let smoothed = table
        .reference
        .iter()
        .zip(&table.current)
        .map(|(a, c)| ((a + 0.5) / n, (c + 0.5) / m));
    divergence(smoothed)
}

/// Σ(p−q)·ln(p/q) of positive shares, as they are.
pub fn divergence(shares: impl Iterator<Item = (f64, f64)>) -> f64 {
    shares
        .map(|(p, q)| (p - q) * (p / q).ln())
        .sum::<f64>()
        .max(0.0)
}

/// What is left of PSI after its expectation under no change, (B−1)(1/N + 1/M), is taken off.
pub fn effect(table: &Table, value: f64) -> f64 {
    (value - table.degrees() * table.noise()).max(0.0)
}

/// P(PSI ≥ value) when nothing changed.
pub fn p_value(table: &Table, value: f64) -> f64 {
    tail::chi_squared_sf(value / table.noise(), table.degrees())
}

/// The value that PSI exceeds with probability `alpha` when nothing changed.
pub fn null(table: &Table, alpha: f64) -> f64 {
    if table.bins() > CHI_SQUARED_BINS {
        bootstrap(table, alpha)
    } else {
        table.noise() * tail::chi_squared_isf(alpha, table.degrees())
    }
}

/// Both samples drawn anew from the reference's shares, with a fixed seed, so that the same window has the same
/// limit. Below the resolution of the replications the tail is that of a scaled χ² with their mean and variance.
fn bootstrap(table: &Table, alpha: f64) -> f64 {
    let mut rng = SmallRng::seed_from_u64(table.bins() as u64);
    let mut drawn = table.clone();
    let mut values: Vec<f64> = (0..REPLICATIONS)
        .map(|_| {
            for (bin, (a, _)) in table.shares().enumerate() {
                drawn.reference[bin] = poisson(&mut rng, a * table.reference_total);
                drawn.current[bin] = poisson(&mut rng, a * table.current_total);
            }
            let used: (Vec<f64>, Vec<f64>) = drawn
                .reference
                .iter()
                .zip(&drawn.current)
                .filter(|(a, c)| *a + *c > 0.0)
                .map(|(a, c)| (*a, *c))
                .unzip();
            distance(&Table {
                reference_total: used.0.iter().sum(),
                current_total: used.1.iter().sum(),
                reference: used.0,
                current: used.1,
            })
        })
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    let beyond = alpha * REPLICATIONS as f64;
    if beyond >= 20.0 {
        return values[REPLICATIONS - 1 - (beyond as usize).min(REPLICATIONS - 1)];
    }
    let mean = values.iter().sum::<f64>() / REPLICATIONS as f64;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / (REPLICATIONS - 1) as f64;
    if variance <= 0.0 {
        return mean;
    }
    // a·χ²_ν has mean aν and variance 2a²ν.
    let scale = variance / (2.0 * mean);
    scale * tail::chi_squared_isf(alpha, mean / scale)
}

/// A Poisson count: by inversion for small means, rounded normal for large ones.
fn poisson(rng: &mut SmallRng, mean: f64) -> f64 {
    if mean > 64.0 {
        let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        return (mean + mean.sqrt() * normal).round().max(0.0);
    }
    let (mut left, mut count, mut term) = (rng.random::<f64>(), 0.0, (-mean).exp());
    while left >= term && count < 1000.0 {
        left -= term;
        count += 1.0;
        term *= mean / count;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, number, table, tables};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn laws((a, c) in tables()) {
            let (ac, ca, aa) = (Table::new(&a, &c), Table::new(&c, &a), Table::new(&a, &a));
            prop_assert!(distance(&ac) >= 0.0 && distance(&ac).is_finite());
            prop_assert!((distance(&ac) - distance(&ca)).abs() <= 1e-12 * distance(&ac));
            prop_assert_eq!(distance(&aa), 0.0);
        }
    }

    #[test]
    fn reference_values() {
        check(
            divergence(table().shares()),
            number("PSI unsmoothed"),
            1e-12,
        );
        check(
            distance(&Table::new(&[100, 200, 300, 400], &[0, 90, 90, 120])),
            number("PSI with an empty bin"),
            1e-12,
        );
        check(null(&table(), 0.05), number("PSI null at 0.05"), 1e-9);
        check(p_value(&table(), number("PSI null at 0.05")), 0.05, 1e-9);
    }

    /// With large counts the χ² form holds, so the bootstrap must find it again.
    #[test]
    fn the_bootstrap_agrees_with_chi_squared_on_large_counts() {
        let table = Table::new(&[4000; 80], &[1000; 80]);
        let theory = |alpha| table.noise() * tail::chi_squared_isf(alpha, table.degrees());
        check(bootstrap(&table, 0.05), theory(0.05), 0.03);
        check(bootstrap(&table, 0.003), theory(0.003), 0.04);
        assert_eq!(bootstrap(&table, 0.003), null(&table, 0.003));
    }
}
