//! Hellinger distance √(½Σ(√p−√q)²), in 0..=1 (Hellinger 1909).

use super::table::Table;
use crate::tail;

/// Distance of the table's shares.
pub fn distance(table: &Table) -> f64 {
    let sum: f64 = table
        .shares()
        .map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2))
        .sum();
    (0.5 * sum).clamp(0.0, 1.0).sqrt()
}

/// The distance after the expectation of its square under no change, (B−1)/8·(1/N + 1/M), is taken off.
pub fn effect(table: &Table, value: f64) -> f64 {
    (value * value - table.degrees() * table.noise() / 8.0)
        .max(0.0)
        .sqrt()
}

/// P(distance ≥ value) when nothing changed: its square is (1/N + 1/M)/8·χ²_{B−1} to second order.
pub fn p_value(table: &Table, value: f64) -> f64 {
    tail::chi_squared_sf(8.0 * value * value / table.noise(), table.degrees())
}

/// The distance that is exceeded with probability `alpha` when nothing changed.
pub fn null(table: &Table, alpha: f64) -> f64 {
    (table.noise() / 8.0 * tail::chi_squared_isf(alpha, table.degrees())).sqrt()
}
