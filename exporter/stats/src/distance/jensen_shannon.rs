//! Jensen–Shannon distance √(½KL(p‖m) + ½KL(q‖m)), m = (p+q)/2, logarithm base 2, in 0..=1 (Lin 1991; a metric
//! by Endres and Schindelin 2003). Others use natural logarithms (maximum 0.833) or the divergence, its square.

use std::f64::consts::LN_2;
use std::iter;

use super::table::Table;
use crate::tail::PearsonIii;

/// The sparseness of five values a bin of a much smaller side.
const SPARSE: f64 = 0.2;
/// With a variance of more the part of a bin is χ².
const MANY: f64 = 50.0;
/// What adds nothing to a sum of about 1.
const NOTHING: f64 = 1e-16;

/// Distance of the table's shares.
pub fn distance(table: &Table) -> f64 {
    let divergence: f64 = table.shares().map(|(p, q)| of_bin(p, q)).sum();
    divergence.clamp(0.0, 1.0).sqrt()
}

/// What a bin adds to the divergence.
fn of_bin(p: f64, q: f64) -> f64 {
    let m = 0.5 * (p + q);
    let half = |p: f64| {
        if p > 0.0 {
            0.5 * p * (p / m).log2()
        } else {
            0.0
        }
    };
    half(p) + half(q)
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
/// [sparseness](Table::sparseness) and t = s·(N² + M²)/(N + M)².
///
/// −s/8 + t/2 is Taylor's series of the mean, for N → ∞ that of Read and Cressie (1988); the other numbers are simulated, with 2 to 20
/// bins of equal and unequal shares that expect five values and more on either side, and references of 1 to 28 windows. Of tables that
/// are [sparser](SPARSE) than that the moments are counted.
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
        let s = table.sparseness();
        let sparse = s > SPARSE * (1.0 + n.min(m) / n.max(m));
        if let Some(counted) = sparse.then(|| Self::counted(table)).flatten() {
            return Some(counted);
        }
        let t = s * (n * n + m * m) / (n + m).powi(2);
        Some(Self::new(
            degrees * (1.0 - s / 8.0 + t / 2.0 + 0.4 * t * t),
            2.0 * degrees * (1.0 - 1.15 * s + 2.5 * t + 3.0 * t * t),
            8.0 * degrees * (1.0 - 3.8 * s + 7.5 * t + 7.5 * t * t),
        ))
    }

    fn new(mean: f64, variance: f64, third: f64) -> Self {
        Divergence {
            mean,
            deviation: variance.sqrt(),
            standard: PearsonIii::new(third / variance.powf(1.5)),
        }
    }

    /// By the moments of each bin's part, where of its values as many are of the reference as a binomial law says, which all of them
    /// together hold to the reference's total: that takes off the part that goes along with the total, of the mean to second order and of
    /// the other moments a bin's share of the total's variance. `None` where the divergence cannot vary, of a value a bin.
    fn counted(table: &Table) -> Option<Self> {
        let both = table.reference.iter().zip(&table.current);
        let bins: Vec<BinMoments> = both.map(|(a, c)| BinMoments::of(a + c, table)).collect();
        let sum = |of: fn(&BinMoments) -> f64| bins.iter().map(of).sum::<f64>();
        let total = sum(|bin| bin.aa);
        let slope = sum(|bin| bin.fa) / total;
        let mean =
            sum(|bin| bin.f) - 0.5 * (sum(|bin| bin.faa) - slope * sum(|bin| bin.aaa)) / total;
        let (variance, third) = bins.iter().fold((0.0, 0.0), |(variance, third), bin| {
            let left = 1.0 - bin.aa / total;
            let second = bin.ff - 2.0 * slope * bin.fa + slope * slope * bin.aa;
            let own = bin.fff - 3.0 * slope * bin.ffa + 3.0 * slope * slope * bin.faa
                - slope.powi(3) * bin.aaa;
            (variance + left * second, third + left * own)
        });
        (variance > NOTHING).then(|| Self::new(mean, variance, third))
    }

    fn sf(&self, value: f64) -> f64 {
        self.standard.sf((value - self.mean) / self.deviation)
    }

    fn isf(&self, alpha: f64) -> f64 {
        (self.mean + self.deviation * self.standard.isf(alpha)).max(0.0)
    }
}

/// Central moments of a bin's part f of the divergence, in the unit of [`Divergence`], and of how many of its values are of the
/// reference, a; of f itself the mean.
#[derive(Debug, Clone, Copy)]
struct BinMoments {
    f: f64,
    ff: f64,
    fa: f64,
    aa: f64,
    fff: f64,
    ffa: f64,
    faa: f64,
    aaa: f64,
}

impl BinMoments {
    /// Of a bin with so many values on both sides together.
    fn of(values: f64, table: &Table) -> Self {
        let (n, m) = (table.reference_total, table.current_total);
        let part = n / (n + m);
        let aa = values * part * (1.0 - part);
        if aa > MANY {
            // χ² of one degree.
            return BinMoments {
                f: 1.0,
                ff: 2.0,
                fa: 0.0,
                aa,
                fff: 8.0,
                ffa: 0.0,
                faa: 2.0 * aa,
                aaa: aa * (1.0 - 2.0 * part),
            };
        }
        let unit = unit(table);
        let own = |a: f64| of_bin(a / n, (values - a) / m) / unit;
        let law = binomial(values, part);
        let mean = law.iter().map(|(a, share)| share * own(*a)).sum::<f64>();
        let moment = |of: fn(f64, f64) -> f64| {
            let terms = law.iter();
            let terms = terms.map(|(a, share)| share * of(own(*a) - mean, a - values * part));
            terms.sum::<f64>()
        };
        BinMoments {
            f: mean,
            ff: moment(|f, _| f * f),
            fa: moment(|f, a| f * a),
            aa,
            fff: moment(|f, _| f * f * f),
            ffa: moment(|f, a| f * f * a),
            faa: moment(|f, a| f * a * a),
            aaa: moment(|_, a| a * a * a),
        }
    }
}

/// The numbers that a binomial law gives more than next to nothing, each with its probability.
fn binomial(values: f64, part: f64) -> Vec<(f64, f64)> {
    let odds = part / (1.0 - part);
    let mode = ((values + 1.0) * part).floor().min(values);
    let kept = |(at, share): (f64, f64)| (share > NOTHING).then_some((at, share));
    let up = |(a, share): &(f64, f64)| kept((a + 1.0, share * (values - a) / (a + 1.0) * odds));
    let down = |(a, share): &(f64, f64)| kept((a - 1.0, share * a / ((values - a + 1.0) * odds)));
    let above = iter::successors(Some((mode, 1.0)), up);
    let below = iter::successors(Some((mode, 1.0)), down).skip(1);
    let all: Vec<(f64, f64)> = above.chain(below).collect();
    let total: f64 = all.iter().map(|(_, share)| share).sum();
    all.into_iter()
        .map(|(a, share)| (a, share / total))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{check, number, rows, table, tables};
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

    /// How often the p-value of such tables is at most each α, as a multiple of it.
    fn rates(mut tables: impl FnMut() -> Table, alphas: [f64; 2], runs: u32) -> [f64; 2] {
        let mut over = [0u32; 2];
        for _ in 0..runs {
            let table = tables();
            let p = p_value(&table, distance(&table));
            for (over, alpha) in over.iter_mut().zip(alphas) {
                *over += u32::from(p <= alpha);
            }
        }
        [0, 1].map(|at| f64::from(over[at]) / f64::from(runs) / alphas[at])
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
        for (before, now) in [(600, 75), (150, 75), (75, 75), (75, 150), (75, 600)] {
            let tables = || Table::new(&draw(before), &draw(now));
            let rates = rates(tables, [0.05, 0.0016], 30_000);
            println!("{before} and {now} rows: {rates:.2?}");
            // Of the second some 48 are expected.
            assert!((rates[0] - 1.0).abs() <= 0.1, "{rates:?}");
            assert!((rates[1] - 1.0).abs() <= 0.4, "{rates:?}");
        }
    }

    #[test]
    fn moments_of_few_values_are_scipys() {
        for row in rows("JS of few values") {
            let (counts, moments) = row.split_at(row.len() - 3);
            let counts: Vec<u64> = counts.iter().map(|count| *count as u64).collect();
            let (a, c) = counts.split_at(counts.len() / 2);
            let found = Divergence::counted(&Table::new(a, c)).unwrap();
            check(found.mean, moments[0], 1e-10);
            check(found.deviation, moments[1], 1e-10);
            let law = PearsonIii::new(moments[2]);
            check(found.standard.isf(0.01), law.isf(0.01), 1e-9);
        }
    }

    /// Two values a bin on the smaller side, which is the reference or the window. The law that is simulated for five and more would be
    /// exceeded up to 1.9 times as often as 0.05 says.
    #[test]
    fn false_alarms_of_two_values_a_bin() {
        let mut rng = SmallRng::seed_from_u64(2);
        let mut draw = |rows: u32| {
            let mut counts = [0u64; 20];
            for _ in 0..rows {
                counts[rng.random_range(0..20)] += 1;
            }
            counts
        };
        for (before, now) in [(320, 40), (40, 40), (40, 80), (40, 320)] {
            let tables = || Table::new(&draw(before), &draw(now));
            let rates = rates(tables, [0.05, 0.01], 20_000);
            println!("{before} and {now} rows: {rates:.2?}");
            assert!((rates[0] - 1.0).abs() <= 0.15, "{rates:?}");
            assert!((rates[1] - 1.0).abs() <= 0.25, "{rates:?}");
        }
    }

    /// Counted, the moments are about those that were simulated where bins expect six values; and where no bin has two values, nothing
    /// can be counted.
    #[test]
    fn both_laws_meet() {
        let table = Table::new(&[48; 10], &[6; 10]);
        let (fitted, counted) = (
            Divergence::of(&table).unwrap(),
            Divergence::counted(&table).unwrap(),
        );
        check(fitted.mean, counted.mean, 0.02);
        check(fitted.deviation, counted.deviation, 0.03);
        for alpha in [0.05, 0.001] {
            check(fitted.isf(alpha), counted.isf(alpha), 0.03);
        }
        let single = Table::new(&[1, 0, 1, 0], &[0, 1, 0, 1]);
        assert!(Divergence::counted(&single).is_none());
        assert!(null(&single, 0.01).is_finite() && p_value(&single, 1.0) <= 1.0);
    }
}
