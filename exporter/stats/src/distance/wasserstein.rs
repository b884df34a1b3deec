//! Wasserstein-1 distance ∫|F−G|dx, in units of the baseline's interquartile range, read off the fine bins.
//!
//! Inside a bin F and G are taken as straight lines. In the open end bins, where the reference's pooled sample had
//! nothing, the tail means give |p·(x̄_p−e) − q·(x̄_q−e)|, which is exact when one side's tail lies outside of the
//! other's. Infinite values have no distance and are left out.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::bins::NumericBins;
use crate::summary::Tail;
use crate::tail;

/// Replications of the null's simulation.
const REPLICATIONS: usize = 2000;
/// The simulated quantile from which smaller α are reached by the Gaussian tail.
const RESOLVED: f64 = 0.01;

/// One side's counts over the fine bins.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// One count per fine bin.
    pub fine: &'a [u64],
    /// Mean of the finite values.
    pub mean: f64,
    /// The open bin below.
    pub below: Tail,
    /// The open bin above.
    pub above: Tail,
}

impl Side<'_> {
    /// Number of finite values.
    pub fn finite(&self) -> u64 {
        let total: u64 = self.fine.iter().sum();
        total
            .saturating_sub(self.below.infinite)
            .saturating_sub(self.above.infinite)
    }

    fn finite_below(&self) -> u64 {
        self.fine
            .first()
            .map_or(0, |count| count.saturating_sub(self.below.infinite))
    }

    fn finite_above(&self) -> u64 {
        self.fine
            .last()
            .map_or(0, |count| count.saturating_sub(self.above.infinite))
    }
}

/// ∫|F−G|dx in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// The value, with straight lines inside of the bins.
    pub value: f64,
    /// Without binning it is at least this.
    pub least: f64,
    /// And at most this.
    pub most: f64,
}

/// Distance of two sides that both hold a finite value. The means bound it from below, since
/// ∫|F−G|dx ≥ |∫(F−G)dx| = |x̄ − ȳ|, with equality when one side lies above the other everywhere.
pub fn distance(bins: &NumericBins, reference: Side<'_>, current: Side<'_>) -> Distance {
    let (value, error) = between_edges(bins, reference, current);
    let means = (reference.mean - current.mean).abs();
    let least = (value - error).max(means).max(0.0);
    let most = (value + error).max(means);
    Distance {
        value: value.max(means),
        least,
        most,
    }
}

/// The integral with straight lines inside of the bins, and by how much it may be wrong either way.
fn between_edges(bins: &NumericBins, reference: Side<'_>, current: Side<'_>) -> (f64, f64) {
    let (n, m) = (reference.finite() as f64, current.finite() as f64);
    let edges = bins.edges();
    let (Some(&first), Some(&last)) = (edges.first(), edges.last()) else {
        return (0.0, 0.0);
    };
    let tail = |a: u64, a_length: f64, c: u64, c_length: f64| {
        let (p, q) = (
            a as f64 / n * a_length.max(0.0),
            c as f64 / m * c_length.max(0.0),
        );
        ((p - q).abs(), if a == 0 { 0.0 } else { 2.0 * p.min(q) })
    };
    let (low, high) = (
        tail(
            reference.finite_below(),
            first - reference.below.mean,
            current.finite_below(),
            first - current.below.mean,
        ),
        tail(
            reference.finite_above(),
            reference.above.mean - last,
            current.finite_above(),
            current.above.mean - last,
        ),
    );
    let (mut value, mut error) = (low.0 + high.0, low.1 + high.1);
    let (mut below_a, mut below_c) = (reference.finite_below(), current.finite_below());
    for (bin, edge) in edges.windows(2).enumerate() {
        let width = edge[1] - edge[0];
        let (a, c) = (reference.fine[bin + 1], current.fine[bin + 1]);
        let left = below_a as f64 / n - below_c as f64 / m;
        below_a += a;
        below_c += c;
        let right = below_a as f64 / n - below_c as f64 / m;
        if bins.is_point(bin + 1) {
            // All mass sits on the lower edge.
            value += width * right.abs();
        } else {
            value += width * line(left, right);
            error += width * inside(left, a as f64 / n, c as f64 / m);
        }
    }
    (value, error)
}

/// Mean of |y| on a straight line from `left` to `right`.
fn line(left: f64, right: f64) -> f64 {
    let (l, r) = (left.abs(), right.abs());
    if left * right >= 0.0 {
        0.5 * (l + r)
    } else {
        0.5 * (l * l + r * r) / (l + r)
    }
}

/// How far the mean of |F−G| in a bin may be from the straight line: F−G stays between `left − q` and `left + p`.
fn inside(left: f64, p: f64, q: f64) -> f64 {
    let (low, high) = (left - q, left + p);
    let largest = low.abs().max(high.abs());
    let smallest = if low <= 0.0 && high >= 0.0 {
        0.0
    } else {
        low.abs().min(high.abs())
    };
    let straight = line(left, left + p - q);
    (largest - straight).max(straight - smallest)
}

/// The distribution of ∫|F−G|dx when nothing changed, for any sample sizes: √(1/N + 1/M)·∫|B(F(x))|dx with B a
/// Brownian bridge (del Barrio, Giné and Matrán 1999).
#[derive(Debug, Clone, PartialEq)]
pub struct Null {
    /// Sorted draws of ∫|B(F(x))|dx.
    draws: Vec<f64>,
    /// Standard deviation of the values, which bounds the tail.
    sigma: f64,
}

impl Null {
    /// Simulates the bridge over the reference's fine bins with a fixed seed.
    pub fn simulate(bins: &NumericBins, reference: &[u64], sigma: f64) -> Self {
        let total = reference.iter().sum::<u64>() as f64;
        let deviations: Vec<f64> = reference
            .iter()
            .map(|&count| (count as f64 / total).sqrt())
            .collect();
        let shares: Vec<f64> = reference
            .iter()
            .map(|&count| count as f64 / total)
            .collect();
        let mut rng = SmallRng::seed_from_u64(0x57_31);
        let mut walk = vec![0.0; reference.len()];
        let mut draws: Vec<f64> = (0..REPLICATIONS)
            .map(|_| {
                let mut position = 0.0;
                for (step, deviation) in walk.iter_mut().zip(&deviations) {
                    if *deviation > 0.0 {
                        position += deviation * normal(&mut rng);
                    }
                    *step = position;
                }
                let (mut cumulative, mut area) = (shares[0], 0.0);
                let mut left = walk[0] - cumulative * position;
                for (bin, edge) in bins.edges().windows(2).enumerate() {
                    cumulative += shares[bin + 1];
                    let right = walk[bin + 1] - cumulative * position;
                    let mean = if bins.is_point(bin + 1) {
                        right.abs()
                    } else {
                        line(left, right)
                    };
                    area += (edge[1] - edge[0]) * mean;
                    left = right;
                }
                area
            })
            .collect();
        draws.sort_unstable_by(f64::total_cmp);
        Null { draws, sigma }
    }

    /// The value exceeded with probability `alpha` for N and M values. Beyond the resolution of the simulation the
    /// tail is bounded by q(α) ≤ q(α₀) + σ·(z_α − z_α₀): ∫|B|dx moves by at most σ per standard deviation of the
    /// underlying noise, since Var ∫B(F(x))dx = Var X (Gaussian isoperimetry; Borell 1975).
    pub fn limit(&self, alpha: f64, reference: u64, current: u64) -> f64 {
        let resolved = alpha.max(RESOLVED);
        let at = ((1.0 - resolved) * (self.draws.len() - 1) as f64).ceil() as usize;
        let beyond = if alpha < RESOLVED {
            self.sigma * (tail::normal_isf(alpha) - tail::normal_isf(RESOLVED))
        } else {
            0.0
        };
        (1.0 / reference as f64 + 1.0 / current as f64).sqrt() * (self.draws[at] + beyond)
    }
}

/// A standard normal draw (Box and Muller 1958).
fn normal(rng: &mut SmallRng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{binned, check, current, number, reference};
    use proptest::prelude::*;

    type Counted = (Vec<u64>, f64, Tail, Tail);

    fn count(bins: &NumericBins, values: &[f64]) -> Counted {
        let mut counts = vec![0; bins.len()];
        values
            .iter()
            .for_each(|value| counts[bins.edges().partition_point(|edge| value >= edge)] += 1);
        let (first, last) = (bins.edges()[0], bins.edges()[bins.edges().len() - 1]);
        let mean = |keep: &dyn Fn(f64) -> bool| {
            let kept: Vec<f64> = values
                .iter()
                .copied()
                .filter(|value| keep(*value))
                .collect();
            Tail {
                infinite: 0,
                mean: kept.iter().sum::<f64>() / (kept.len() as f64).max(1.0),
            }
        };
        (
            counts,
            mean(&|_| true).mean,
            mean(&|value| value < first),
            mean(&|value| value >= last),
        )
    }

    fn side((fine, mean, below, above): &Counted) -> Side<'_> {
        Side {
            fine,
            mean: *mean,
            below: *below,
            above: *above,
        }
    }

    /// ∫|F−G|dx over the sorted union of both samples.
    fn exact(a: &[f64], c: &[f64]) -> f64 {
        let mut all = [a, c].concat();
        all.sort_by(f64::total_cmp);
        let share = |side: &[f64], x: f64| {
            side.iter().filter(|value| **value <= x).count() as f64 / side.len() as f64
        };
        all.windows(2)
            .map(|x| (x[1] - x[0]) * (share(a, x[0]) - share(c, x[0])).abs())
            .sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn laws(values in prop::collection::vec(-3.0..3.0f64, 2600), split in 1100usize..2500, shift in -2.0..2.0f64, power in prop::sample::select(vec![1, 3])) {
            let values: Vec<f64> = values.iter().map(|value| value.powi(power)).collect();
            let (a, c) = values.split_at(split);
            let c: Vec<f64> = c.iter().map(|value| value + shift).collect();
            let bins = NumericBins::freeze(a.to_vec());
            let (f, g) = (count(&bins, a), count(&bins, &c));
            let found = distance(&bins, side(&f), side(&g));
            let exact = exact(a, &c);
            prop_assert!(found.least <= exact + 1e-9 && exact <= found.most + 1e-9, "{:?} {}", found, exact);
            prop_assert!(found.least <= found.value && found.value <= found.most, "{:?}", found);
            let turned = distance(&bins, side(&g), side(&f));
            prop_assert!((turned.value - found.value).abs() <= 1e-12);
            prop_assert_eq!(distance(&bins, side(&f), side(&f)).value, 0.0);
        }
    }

    #[test]
    fn reference_values() {
        let (bins, a, c) = binned();
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let side = |fine, mean| Side {
            fine,
            mean,
            below: Tail::default(),
            above: Tail::default(),
        };
        let found = distance(
            &bins,
            side(&a, mean(reference())),
            side(&c, mean(current())),
        );
        check(found.value, number("W1"), 1e-9);
        assert_eq!((found.least, found.most), (found.value, found.value));
        let iqr = NumericBins::freeze(reference()).spread().unwrap();
        check(found.value / iqr, number("W1/IQR"), 1e-9);
    }

    /// Uniform values: ∫|B|dt has mean √(π/32) and its 99 % point is 0.7518 (Johnson and Killeen 1983).
    #[test]
    fn the_null_of_uniform_values_is_known() {
        let bins = NumericBins::freeze((0..20_000).map(|i| f64::from(i) / 19_999.0).collect());
        let null = Null::simulate(&bins, &vec![10; bins.len()], 12f64.sqrt().recip());
        let mean = null.draws.iter().sum::<f64>() / null.draws.len() as f64;
        check(mean, (std::f64::consts::PI / 32.0).sqrt(), 0.03);
        check(null.limit(0.01, 2, 2), 0.7518, 0.05);
        assert!(null.limit(1e-9, 2, 2) > null.limit(1e-4, 2, 2));
    }
}
