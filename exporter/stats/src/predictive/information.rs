//! Weight of evidence and information value of each class against the rest, and mutual information, from a table of
//! bins by classes.

use serde::{Deserialize, Serialize};

use super::effect_size::second_order;
use super::{ClassTable, Estimate, NotComputed};

/// How much an information value is taken to say, by the conventional bands (Siddiqi 2006, Credit Risk Scorecards).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Band {
    /// Below 0.02.
    Unpredictive,
    /// From 0.02.
    Weak,
    /// From 0.1.
    Medium,
    /// From 0.3.
    Strong,
    /// From 0.5: so strong that the feature may know the target.
    Suspicious,
}

impl Band {
    /// The band of an information value.
    pub fn of(value: f64) -> Self {
        match value {
            value if value >= 0.5 => Band::Suspicious,
            value if value >= 0.3 => Band::Strong,
            value if value >= 0.1 => Band::Medium,
            value if value >= 0.02 => Band::Weak,
            _ => Band::Unpredictive,
        }
    }
}

/// What the bins tell about one class against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassInformation {
    /// Weight of evidence of each bin in nats: ln of the bin's share of the class over its share of the rest.
    /// Positive speaks for the class. `None` for a bin without a row.
    pub weights: Vec<Option<f64>>,
    /// Information value, at least 0.
    pub value: f64,
    /// What it is expected to be in so many rows when the bins tell nothing: (B−1)(1/G + 1/R), B bins with rows.
    /// A value that is not well above it says nothing, whatever its band.
    pub noise: f64,
    /// Its band.
    pub band: Band,
}

/// WoE and IV of each class against the rest; `None` for a class without a row inside or outside of it.
///
/// WoE_i = ln[((g_i+½)/G)/((r_i+½)/R)] and IV = Σ(g_i/G − r_i/R)·WoE_i (Siddiqi 2006, with ½ added where it would be
/// infinite): of the class G rows, g_i in bin i; of the rest R and r_i. Without a difference IV ≈ (1/G + 1/R)·χ²_{B−1},
/// as PSI, which it is between class and rest. The ½ can carry the sum of a small class slightly below 0: it is cut
/// there.
///
/// # Errors
/// Fewer than two classes with rows.
pub fn information_value(table: &ClassTable) -> Result<Vec<Option<ClassInformation>>, NotComputed> {
    let totals = table.class_totals();
    let rows: u64 = totals.iter().sum();
    if totals.iter().filter(|total| **total > 0).count() < 2 {
        return Err(NotComputed::OneClass);
    }
    let of_class = |(class, &total): (usize, &u64)| {
        let (inside, outside) = (total as f64, (rows - total) as f64);
        (inside > 0.0 && outside > 0.0).then(|| {
            let bins = || {
                table.by_bin().map(move |bin| {
                    let (g, all) = (
                        bin.get(class).copied().unwrap_or(0),
                        bin.iter().sum::<u64>(),
                    );
                    let (g, r) = (g as f64, (all - g) as f64);
                    let weight = ((g + 0.5) / inside).ln() - ((r + 0.5) / outside).ln();
                    let weight = (all > 0).then_some(weight);
                    (g / inside - r / outside, weight)
                })
            };
            let terms = bins().filter_map(|(share, weight)| Some(share * weight?));
            let value = terms.sum::<f64>().max(0.0);
            let filled = bins().filter(|(_, weight)| weight.is_some()).count();
            ClassInformation {
                weights: bins().map(|(_, weight)| weight).collect(),
                value,
                noise: filled.saturating_sub(1) as f64 * (1.0 / inside + 1.0 / outside),
                band: Band::of(value),
            }
        })
    };
    Ok(totals.iter().enumerate().map(of_class).collect())
}

/// How much bins and classes tell about each other, in nats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MutualInformation {
    /// The plug-in value, which is too large in small samples.
    pub plug_in: f64,
    /// With Miller and Madow's correction and its standard error. By chance it may be below 0, so that its mean is 0
    /// where bins and classes are independent; what is shown may be cut there.
    pub corrected: Estimate,
    /// Uncertainty coefficient U(class | bin) = plug-in / H(class), in 0..=1 (Theil 1970): the part of the class's
    /// entropy that the bin takes away. As large in small samples as the plug-in.
    pub uncertainty_coefficient: f64,
}

/// Mutual information of bins and classes.
///
/// I = Σ p_ij ln(p_ij/(p_i p_j)); corrected by (m_ij − m_i − m_j + 1)/(2n) with m the cells, bins and classes that
/// have rows (Miller 1955; Roulston 1999). Variance: V/n, V the variance of ln(p_ij/(p_i p_j)) over rows (Moddemeijer
/// 1989). Where bins and classes are independent 2nI is χ² with d = (m_i−1)(m_j−1) degrees of freedom: then V/n is
/// d/n² by chance and the variance d/(2n²), so that d/(2n²) is taken off V/n, and d/(2n²) is the least.
///
/// # Errors
/// Fewer than two classes with rows.
pub fn mutual_information(table: &ClassTable) -> Result<MutualInformation, NotComputed> {
    let totals = table.class_totals();
    let rows: u64 = totals.iter().sum();
    let classes = totals.iter().filter(|total| **total > 0).count();
    if classes < 2 {
        return Err(NotComputed::OneClass);
    }
    let n = rows as f64;
    let (mut sum, mut squares) = (0.0f64, 0.0f64);
    let (mut cells, mut bins) = (0usize, 0usize);
    for bin in table.by_bin() {
        let of_bin = bin.iter().sum::<u64>() as f64;
        bins += usize::from(of_bin > 0.0);
        for (&count, &total) in bin.iter().zip(&totals).filter(|(count, _)| **count > 0) {
            let count = count as f64;
            let log = (count / of_bin).ln() - (total as f64 / n).ln();
            cells += 1;
            sum += count / n * log;
            squares += count / n * log * log;
        }
    }
    let entropy: f64 = totals
        .iter()
        .filter(|total| **total > 0)
        .map(|&total| total as f64 / n)
        .map(|share| -share * share.ln())
        .sum();
    let plug_in = sum.clamp(0.0, entropy);
    let (cells, bins, classes) = (cells as f64, bins as f64, classes as f64);
    let variance = (squares - sum * sum).max(0.0) / n;
    let null = (bins - 1.0) * (classes - 1.0) / (2.0 * n * n);
    Ok(MutualInformation {
        plug_in,
        corrected: Estimate {
            value: plug_in - (cells - bins - classes + 1.0) / (2.0 * n),
            standard_error: second_order(variance, null).sqrt(),
        },
        uncertainty_coefficient: plug_in / entropy,
    })
}
