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

/// P(distance ≥ value) when nothing changed: its square is (1/N + 1/M)/8·χ²_{B−1} to second order, and more where
/// bins expect few values.
pub fn p_value(table: &Table, value: f64) -> f64 {
    tail::chi_squared_sf(value * value / unit(table), table.degrees())
}

/// The distance that is exceeded with probability `alpha` when nothing changed.
pub fn null(table: &Table, alpha: f64) -> f64 {
    (unit(table) * tail::chi_squared_isf(alpha, table.degrees())).sqrt()
}

/// With 1 + 0.4·s + 3·s² for bins that expect few values, s the [sparseness](Table::sparseness), at most ¼. Simulated with 2 to 20 bins
/// of equal and unequal shares that expect five values and more, references of eight windows, and α from 0.05 to 0.0015; against a
/// reference of one window the null is too careful.
fn unit(table: &Table) -> f64 {
    let s = table.sparseness().min(0.25);
    table.noise() / 8.0 * (1.0 + 0.4 * s + 3.0 * s * s)
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
            prop_assert!((0.0..=1.0).contains(&distance(&ac)));
            prop_assert!((distance(&ac) - distance(&ca)).abs() <= 1e-12);
            prop_assert_eq!(distance(&aa), 0.0);
        }
    }

    #[test]
    fn reference_values() {
        check(distance(&table()), number("Hellinger"), 1e-12);
        check(distance(&Table::new(&[5, 0], &[0, 7])), 1.0, 1e-15);
        check(p_value(&table(), null(&table(), 0.01)), 0.01, 1e-9);
    }
}
