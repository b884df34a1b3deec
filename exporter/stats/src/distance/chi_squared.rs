//! χ² test of homogeneity on the 2×k table of reference and current counts, without Yates' correction.
//!
//! Both sides are samples, so a category that the reference never had does not make it infinite. Bins are pooled
//! until at most 20 % of the expected counts are below 5 and all are at least 1 (Cochran 1954); a 2×2 table with
//! an expected count below 10 takes its p-value from Fisher's exact test.

use statrs::function::factorial::ln_binomial;

use super::table::Table;
use crate::tail;

/// The test's outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// χ² after pooling.
    pub statistic: f64,
    /// k − 1 after pooling.
    pub degrees: f64,
    /// Probability of a table at least as uneven when nothing changed.
    pub p_value: f64,
    /// Cramér's V with Bergsma's (2013) correction for bias, in 0..=1: how strongly the sides differ.
    pub effect: f64,
}

/// Tests whether both sides have the same shares.
pub fn test(table: &Table) -> Test {
    let columns = pool(table);
    let n = table.reference_total + table.current_total;
    let (row_a, row_c) = (table.reference_total / n, table.current_total / n);
    let statistic: f64 = columns
        .iter()
        .map(|&(a, c)| {
            let (expected_a, expected_c) = ((a + c) * row_a, (a + c) * row_c);
            (a - expected_a).powi(2) / expected_a + (c - expected_c).powi(2) / expected_c
        })
        .sum();
    let degrees = columns.len().saturating_sub(1) as f64;
    let least = columns
        .iter()
        .map(|(a, c)| (a + c) * row_a.min(row_c))
        .fold(f64::INFINITY, f64::min);
    let p_value = match columns[..] {
        [(a, c), (b, d)] if least < 10.0 => fisher(a as u64, b as u64, c as u64, d as u64),
        _ => tail::chi_squared_sf(statistic, degrees),
    };
    // φ̃² = max(0, φ² − (k−1)/(n−1)), r̃ and k̃ alike, V = √(φ̃²/min(r̃−1, k̃−1)), with r = 2 rows.
    let phi = (statistic / n - degrees / (n - 1.0)).max(0.0);
    let (rows, kinds) = (
        1.0 - 1.0 / (n - 1.0),
        degrees - degrees * degrees / (n - 1.0),
    );
    let effect = if degrees > 0.0 && rows.min(kinds) > 0.0 {
        (phi / rows.min(kinds)).sqrt().min(1.0)
    } else {
        0.0
    };
    Test {
        statistic,
        degrees,
        p_value,
        effect,
    }
}

/// Joins the two columns with the smallest totals until the expected counts are large enough, or two are left: of those
/// Fisher's test needs none.
fn pool(table: &Table) -> Vec<(f64, f64)> {
    let mut columns: Vec<(f64, f64)> = table
        .reference
        .iter()
        .copied()
        .zip(table.current.iter().copied())
        .collect();
    let n = table.reference_total + table.current_total;
    let shares = [table.reference_total / n, table.current_total / n];
    // Sorted by falling total, so that the smallest two stand at the end.
    columns.sort_by(|x, y| (y.0 + y.1).total_cmp(&(x.0 + x.1)));
    while columns.len() > 2 {
        let expected = || {
            columns
                .iter()
                .flat_map(|(a, c)| shares.map(|share| (a + c) * share))
        };
        let small = expected().filter(|&e| e < 5.0).count();
        if small * 5 <= 2 * columns.len() && expected().all(|e| e >= 1.0) {
            break;
        }
        let (Some(x), Some(y)) = (columns.pop(), columns.pop()) else {
            break;
        };
        let joined = (x.0 + y.0, x.1 + y.1);
        let at = columns.partition_point(|c| c.0 + c.1 >= joined.0 + joined.1);
        columns.insert(at, joined);
    }
    columns
}

/// Two-sided exact p of the table [[a, b], [c, d]]: the probability of all tables with the same margins that are
/// at most as likely as this one (with scipy's relative slack of 1e-7 for ties).
pub fn fisher(a: u64, b: u64, c: u64, d: u64) -> f64 {
    let (row, column, n) = (a + b, a + c, a + b + c + d);
    let total = ln_binomial(n, row);
    let ln_p = |x: u64| ln_binomial(column, x) + ln_binomial(n - column, row - x) - total;
    let at_most = ln_p(a) + 1e-7;
    let range = (row + column).saturating_sub(n)..=row.min(column);
    range
        .map(ln_p)
        .filter(|&p| p <= at_most)
        .map(f64::exp)
        .sum::<f64>()
        .min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, number, rows, table, tables};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn laws((a, c) in tables()) {
            let (found, turned, same) = (test(&Table::new(&a, &c)), test(&Table::new(&c, &a)), test(&Table::new(&a, &a)));
            prop_assert!(found.statistic >= 0.0 && found.statistic.is_finite());
            prop_assert!((0.0..=1.0).contains(&found.p_value) && (0.0..=1.0).contains(&found.effect));
            prop_assert!((found.statistic - turned.statistic).abs() <= 1e-9 * found.statistic);
            prop_assert!(same.statistic <= 1e-9 && same.p_value > 0.999, "{:?}", same);
        }
    }

    #[test]
    fn reference_values() {
        let found = test(&table());
        check(found.statistic, number("chi2"), 1e-12);
        check(found.p_value, number("chi2 p"), 1e-9);
        check(found.degrees, number("chi2 df"), 0.0);
        check(found.effect, number("Cramer V, corrected"), 1e-9);
        for t in rows("fisher") {
            check(
                fisher(t[0] as u64, t[1] as u64, t[2] as u64, t[3] as u64),
                t[4],
                1e-9,
            );
        }
    }

    #[test]
    fn sparse_columns_are_pooled_and_two_small_ones_take_fishers_test() {
        let counts = [500, 3, 2, 1, 1];
        assert_eq!(test(&Table::new(&counts, &counts)).degrees, 1.0);
        let small = test(&Table::new(&[1, 11], &[9, 3]));
        check(small.p_value, fisher(1, 11, 9, 3), 1e-12);
        let rare = test(&Table::new(&[5, 995], &[30, 70]));
        check(rare.p_value, fisher(5, 995, 30, 70), 1e-12);
        assert!(rare.p_value < 1e-20);
        let tiny = test(&Table::new(&[1, 1], &[1, 0]));
        assert_eq!((tiny.degrees, tiny.p_value), (1.0, 1.0));
    }
}
