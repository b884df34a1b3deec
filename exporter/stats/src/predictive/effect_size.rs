//! How much of a numeric feature's variance lies between the classes: η², and ε² and ω², which take off what chance
//! alone puts there.
//!
//! SS_b between, SS_w within, SS_t = SS_b + SS_w, k classes, n rows, MS_w = SS_w/(n−k): η² = SS_b/SS_t (Fisher 1925),
//! ε² = (SS_b − (k−1)MS_w)/SS_t (Kelley 1935), ω² = (SS_b − (k−1)MS_w)/(SS_t + MS_w) (Hays 1963).
//!
//! Standard error and interval are large-sample ones by the influence function of η² = 1 − W/T, which is
//! ((1−η²)(x−μ)² − (x−μ_c)²)/T, so that neither normal values nor equal variances are taken for granted, as the
//! noncentral F does. The rows' classes are taken as drawn too.

use serde::{Deserialize, Serialize};

use super::NotComputed;
use super::estimate::{Estimate, Interval, Z_95};
use super::table::{check_classes, check_codes, check_finite, check_lengths};

/// Effect sizes of one way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EffectSize {
    /// η², in 0..=1; too large in small samples, by about (k−1)/n.
    pub eta_squared: f64,
    /// ε² and its standard error: what windows are compared by. By chance it may be below 0, so that its mean is
    /// right; what is shown may be cut there.
    pub epsilon_squared: Estimate,
    /// ω²; may be below 0 too.
    pub omega_squared: f64,
    /// 95 % interval of the true η², within 0..1: ±1.96 standard errors on the scale of η, which is steady near 0,
    /// then what chance puts there is taken off. For many classes and no effect it is too wide rather than too narrow.
    pub interval: Interval,
    /// Rows.
    pub rows: u64,
    /// Classes with rows.
    pub classes: usize,
}

/// Effect sizes of a numeric feature by class, one value and target a row.
///
/// # Errors
/// Different lengths, NaN or an infinity, a target beyond `classes`, fewer than two classes with rows, not more than
/// one row more than classes, a constant feature.
pub fn effect_size(
    values: &[f64],
    targets: &[u32],
    classes: usize,
) -> Result<EffectSize, NotComputed> {
    check_classes(classes)?;
    check_lengths(values.len(), targets.len())?;
    check_codes(targets, classes)?;
    check_finite(values)?;
    let values = scaled(values).ok_or(NotComputed::ConstantFeature)?;
    let mut groups = vec![Moments::default(); classes];
    let mut all = Moments::default();
    for (value, class) in values.iter().zip(targets) {
        all.add(*value);
        if let Some(group) = groups.get_mut(*class as usize) {
            group.add(*value);
        }
    }
    let filled = groups.iter().filter(|group| group.count > 0.0).count();
    if filled < 2 {
        return Err(NotComputed::OneClass);
    }
    let rows = values.len() as u64;
    let (n, degrees) = (all.count, (filled - 1) as f64);
    let free = n - filled as f64;
    // One row more than classes leaves no variance to tell the standard error from.
    if free < 2.0 {
        return Err(NotComputed::TooFewRows {
            have: rows,
            need: filled as u64 + 2,
        });
    }
    if all.squares <= 0.0 {
        return Err(NotComputed::ConstantFeature);
    }
    // From the groups' means, not as a difference, which would lose a small effect.
    let between: f64 = groups
        .iter()
        .map(|group| group.count * (group.mean - all.mean).powi(2))
        .sum();
    let within: f64 = groups.iter().map(|group| group.squares).sum();
    let total = between + within;
    let eta_squared = between / total;
    let influence = values.iter().zip(targets).map(|(value, class)| {
        let own = groups.get(*class as usize).map_or(0.0, |group| group.mean);
        ((1.0 - eta_squared) * (value - all.mean).powi(2) - (value - own).powi(2)) * n / total
    });
    // The mean of the influences is 0.
    let variance = influence.map(|row| row * row).sum::<f64>() / (n * n);
    let chance = degrees * within / free;
    Ok(EffectSize {
        eta_squared,
        epsilon_squared: Estimate {
            value: (between - chance) / total,
            standard_error: second_order(variance, 2.0 * degrees / (n * n)).sqrt(),
        },
        omega_squared: (between - chance) / (total + within / free),
        interval: interval(eta_squared, variance, n, free),
        rows,
        classes: filled,
    })
}

/// Variance of a statistic that is χ²-like where there is no effect: there the first-order variance is 0 in truth,
/// its estimate twice `null` by chance, and the variance `null`. For noncentral χ² with d degrees of freedom and
/// noncentrality λ: 2d + 4λ, of which χ² itself, with mean d + λ, estimates 4(d + λ).
pub(super) fn second_order(first_order: f64, null: f64) -> f64 {
    (first_order - null).max(null)
}

/// On the scale of η, then ε² of both ends.
fn interval(eta_squared: f64, variance: f64, n: f64, free: f64) -> Interval {
    let eta = eta_squared.sqrt();
    // Where the feature says nothing at all the standard error of η is that of a normal variable's size.
    let error = if eta_squared > 0.0 {
        variance.sqrt() / (2.0 * eta)
    } else {
        1.0 / n.sqrt()
    };
    let unbiased = |eta: f64| {
        let squared = eta.clamp(0.0, 1.0).powi(2);
        (1.0 - (1.0 - squared) * (n - 1.0) / free).clamp(0.0, 1.0)
    };
    Interval {
        low: unbiased(eta - Z_95 * error),
        high: unbiased(eta + Z_95 * error),
    }
}

/// Values moved and divided so that their squares neither overflow nor vanish; `None` when all are the same.
pub(super) fn scaled(values: &[f64]) -> Option<Vec<f64>> {
    let (min, max) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| {
            (min.min(*value), max.max(*value))
        });
    if values.is_empty() || min >= max {
        return None;
    }
    // Halves first, since the distance of the ends may be beyond the range of numbers.
    let (middle, half) = (0.5 * min + 0.5 * max, 0.5 * max - 0.5 * min);
    if half <= 0.0 {
        // Neighbours at the lower end of the range.
        return Some(
            values
                .iter()
                .map(|value| f64::from(u8::from(*value > min)))
                .collect(),
        );
    }
    Some(values.iter().map(|value| (value - middle) / half).collect())
}

/// Count, mean and sum of squared deviations, updated by Welford's (1962) formula.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
}
