//! By how much a measure falls from the baseline to a window when nothing changed.

use serde::{Deserialize, Serialize};

use super::{Auc, Estimate, NotComputed};
use crate::tail;

/// z₁₋α·√(SE₀² + SE₁²): the fall from the baseline's value to the window's that is exceeded with probability `alpha`
/// when nothing changed, both values being about normal around one truth, and from different rows.
///
/// # Errors
/// α not between 0 and 1, a standard error that is negative or not finite.
pub fn drop(alpha: f64, baseline: Estimate, current: Estimate) -> Result<f64, NotComputed> {
    check(alpha, &[baseline, current])?;
    let error = baseline.standard_error.hypot(current.standard_error);
    Ok(tail::normal_isf(alpha) * error)
}

/// The same for an AUC, by z₁₋α·√(SE₀² + SE₁²) of its logit, given as the fall of the AUC itself.
///
/// The distribution of a small window's AUC leans towards ½, and its standard error grows as it falls. On the plain
/// scale the second outweighs: at an AUC of 0.9, 300 rows and α = 0.01 half of the promised alarms come. The logit
/// evens out both. Where an AUC is 0 or 1 it has no logit, and [`drop`] holds.
///
/// # Errors
/// As [`drop`].
pub fn auc_drop(alpha: f64, baseline: Estimate, current: Estimate) -> Result<f64, NotComputed> {
    check(alpha, &[baseline, current])?;
    let spread = |auc: Estimate| auc.value * (1.0 - auc.value);
    let (before, now) = (spread(baseline), spread(current));
    if !(before > 0.0 && now > 0.0) {
        return drop(alpha, baseline, current);
    }
    let error = (baseline.standard_error / before).hypot(current.standard_error / now);
    let logit = (baseline.value / (1.0 - baseline.value)).ln();
    let least = logit - tail::normal_isf(alpha) * error;
    Ok(baseline.value - 1.0 / (1.0 + (-least).exp()))
}

/// A window's AUC against the baseline's, over the classes that both have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Degradation {
    /// Macro average of the baseline.
    pub baseline: Estimate,
    /// Macro average of the window.
    pub current: Estimate,
    /// By how much it fell; below 0 when it rose.
    pub drop: f64,
    /// The fall that is exceeded with probability α when nothing changed.
    pub null: f64,
    /// Number of classes compared.
    pub classes: usize,
}

/// Compares the macro averages over the classes that have an AUC on both sides: one class more or less would move
/// the average though no class changed. `baseline` is that of [`super::cross_fit`], `current` is read by its
/// orientations or scores.
///
/// # Errors
/// No class in common, α not between 0 and 1.
pub fn degradation(alpha: f64, baseline: &Auc, current: &Auc) -> Result<Degradation, NotComputed> {
    let common = |class: usize| baseline.class(class).is_some() && current.class(class).is_some();
    let averages = (
        baseline.macro_average_over(common),
        current.macro_average_over(common),
    );
    let (Some(before), Some(now)) = averages else {
        return Err(NotComputed::NoCommonClass);
    };
    Ok(Degradation {
        baseline: before,
        current: now,
        drop: before.value - now.value,
        null: auc_drop(alpha, before, now)?,
        classes: (0..baseline.classes().len())
            .filter(|class| common(*class))
            .count(),
    })
}

fn check(alpha: f64, estimates: &[Estimate]) -> Result<(), NotComputed> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(NotComputed::NotAProbability);
    }
    let wrong = estimates.iter().position(|e| {
        !(e.value.is_finite() && e.standard_error.is_finite() && e.standard_error >= 0.0)
    });
    match wrong {
        Some(index) => Err(NotComputed::NotANumber { index }),
        None => Ok(()),
    }
}
