//! Jensen–Shannon distance √(½KL(p‖m) + ½KL(q‖m)), m = (p+q)/2, logarithm base 2, in 0..=1 (Lin 1991; a metric
//! by Endres and Schindelin 2003). Others use natural logarithms (maximum 0.833) or the divergence, its square.

use std::f64::consts::LN_2;

use super::table::Table;
use crate::tail;

/// Distance of the table's shares.
pub fn distance(table: &Table) -> f64 {
    let half = |p: f64, m: f64| {
        if p > 0.0 {
            0.5 * p * (p / m).log2()
        } else {
            0.0
        }
    };
    let divergence: f64 = table
        .shares()
        .map(|(p, q)| {
            let m = 0.5 * (p + q);
            half(p, m) + half(q, m)
        })
        .sum();
    divergence.clamp(0.0, 1.0).sqrt()
}

/// The divergence that two samples have on average when nothing changed, (B−1)/(8 ln 2)·(1/N + 1/M).
pub fn bias(table: &Table) -> f64 {
    table.degrees() * unit(table)
}

/// The distance after the bias of the divergence is taken off.
pub fn effect(table: &Table, value: f64) -> f64 {
    (value * value - bias(table)).max(0.0).sqrt()
}

/// P(distance ≥ value) when nothing changed: the divergence is (1/N + 1/M)/(8 ln 2)·χ²_{B−1} to second order, and
/// [`sparse`] times that.
pub fn p_value(table: &Table, value: f64) -> f64 {
    let unit = unit(table) * sparse(table);
    tail::chi_squared_sf(value * value / unit, table.degrees())
}

/// The distance that is exceeded with probability `alpha` when nothing changed.
pub fn null(table: &Table, alpha: f64) -> f64 {
    let unit = unit(table) * sparse(table);
    (unit * tail::chi_squared_isf(alpha, table.degrees())).sqrt()
}

fn unit(table: &Table) -> f64 {
    table.noise() / (8.0 * LN_2)
}

/// How much larger the quantiles are than those of χ² where bins expect few values: 1 + 0.35·s + 1.2·s², s the
/// [sparseness](Table::sparseness). Simulated with 2 to 20 bins of equal and unequal shares that expect five values and more, references
/// of eight windows, and α from 0.05 to 0.0015; against a reference of one window the null is too careful.
fn sparse(table: &Table) -> f64 {
    let s = table.sparseness();
    1.0 + 0.35 * s + 1.2 * s * s
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
            prop_assert!(distance(&aa) <= 1e-7);
        }
    }

    #[test]
    fn reference_values() {
        check(distance(&table()), number("JS"), 1e-12);
        check(distance(&Table::new(&[5, 0], &[0, 7])), 1.0, 1e-15);
        check(p_value(&table(), null(&table(), 0.01)), 0.01, 1e-9);
    }
}
