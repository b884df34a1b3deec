//! Jensen–Shannon distance √(½KL(p‖m) + ½KL(q‖m)), m = (p+q)/2, logarithm base 2, in 0..=1 (Lin 1991; a metric
//! by Endres and Schindelin 2003). Others use natural logarithms (maximum 0.833) or the divergence, its square.

use std::f64::consts::LN_2;

use super::table::Table;
use crate::tail::PearsonIii;

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

/// P(distance ≥ value) when nothing changed, by the law of [`Divergence`].
pub fn p_value(table: &Table, value: f64) -> f64 {
    Divergence::of(table).map_or(1.0, |law| law.sf(value * value / unit(table)))
}

/// The distance that is exceeded with probability `alpha` when nothing changed.
pub fn null(table: &Table, alpha: f64) -> f64 {
    Divergence::of(table).map_or(0.0, |law| (law.isf(alpha) * unit(table)).sqrt())
}

fn unit(table: &Table) -> f64 {
    table.noise() / (8.0 * LN_2)
}

/// The divergence of two samples in units of (1/N + 1/M)/(8 ln 2) when nothing changed: χ²_{B−1} to first order. Where bins expect few
/// values it is larger and its tail longer, a law of Pearson's type III with the mean (B−1)(1 − s/8 + t/2 + 0.4·t²), the variance
/// 2(B−1)(1 − 1.15·s + 2.5·t + 3·t²) and the third central moment 8(B−1)(1 − 3.8·s + 7.5·t + 7.5·t²): s the
/// [sparseness](Table::sparseness), at most that of four values a bin on the smaller side, and t = s·(N² + M²)/(N + M)².
///
/// −s/8 + t/2 is Taylor's series of the mean, for N → ∞ that of Read and Cressie (1988); the other numbers are simulated, with 2 to 20
/// bins of equal and unequal shares that expect five values and more on either side, and references of 1 to 28 windows.
struct Divergence {
    mean: f64,
    deviation: f64,
    standard: PearsonIii,
}

impl Divergence {
    /// `None` of a single bin, over which nothing differs.
    fn of(table: &Table) -> Option<Self> {
        let degrees = table.degrees();
        if degrees <= 0.0 {
            return None;
        }
        let (n, m) = (table.reference_total, table.current_total);
        let s = table.sparseness().min(0.25 * (1.0 + n.min(m) / n.max(m)));
        let t = s * (n * n + m * m) / (n + m).powi(2);
        let variance = 2.0 * degrees * (1.0 - 1.15 * s + 2.5 * t + 3.0 * t * t);
        let third = 8.0 * degrees * (1.0 - 3.8 * s + 7.5 * t + 7.5 * t * t);
        Some(Divergence {
            mean: degrees * (1.0 - s / 8.0 + t / 2.0 + 0.4 * t * t),
            deviation: variance.sqrt(),
            standard: PearsonIii::new(third / variance.powf(1.5)),
        })
    }

    fn sf(&self, value: f64) -> f64 {
        self.standard.sf((value - self.mean) / self.deviation)
    }

    fn isf(&self, alpha: f64) -> f64 {
        (self.mean + self.deviation * self.standard.isf(alpha)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, number, table, tables};
    use proptest::prelude::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

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
        let one = Table::new(&[5], &[7]);
        assert_eq!((null(&one, 0.01), p_value(&one, 0.0)), (0.0, 1.0));
    }

    /// A segment of 75 rows against one of 600: ten bins, and nulls, of which four are expected. At 0.0016, which is a warning's α of
    /// 160 tests in four segments, a χ² that is only as much larger as the divergence is would be exceeded 1.2 times as often as it says.
    #[test]
    fn false_alarms_of_few_values_a_bin() {
        let mut rng = SmallRng::seed_from_u64(1);
        let mut draw = |rows: u32| {
            let mut counts = [0u64; 11];
            for _ in 0..rows {
                let bin = match rng.random::<f64>() < 0.05 {
                    true => 10,
                    false => rng.random_range(0..10),
                };
                counts[bin] += 1;
            }
            counts
        };
        for (before, now) in [(600, 75), (150, 75), (75, 75)] {
            let alphas = [0.05, 0.0016];
            let (mut over, runs) = ([0u32; 2], 30_000);
            for _ in 0..runs {
                let table = Table::new(&draw(before), &draw(now));
                let p = p_value(&table, distance(&table));
                for (over, alpha) in over.iter_mut().zip(alphas) {
                    *over += u32::from(p <= alpha);
                }
            }
            let rates = [0, 1].map(|at| f64::from(over[at]) / f64::from(runs) / alphas[at]);
            println!("{before} and {now} rows: {rates:.2?}");
            // Of the second some 48 are expected.
            assert!((rates[0] - 1.0).abs() <= 0.1, "{rates:?}");
            assert!((rates[1] - 1.0).abs() <= 0.4, "{rates:?}");
        }
    }
}
