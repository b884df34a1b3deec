//! One statistic of one window's counts against the baseline's, with what its noise and its p-value need.

use crate::bins::{Bins, NumericBins};
use crate::distance::table::Table;
use crate::distance::wasserstein::{self, Side};
use crate::distance::{
    Distance, NotComputed, Statistic, chi_squared, hellinger, jensen_shannon, ks, psi,
};
use crate::summary::Counts;

/// A statistic's value; its numbers are finite.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) statistic: Statistic,
    pub(crate) value: f64,
    /// By how much the value without binning may be smaller, and larger.
    smaller: f64,
    larger: f64,
    /// Values of the baseline and of the window.
    pub(crate) compared: (u64, u64),
    basis: Basis,
}

/// What a statistic was computed on.
#[derive(Debug, Clone)]
enum Basis {
    /// The fine bins; the unit of the value.
    Fine { spread: f64 },
    /// The coarse bins.
    Coarse(Table),
}

impl Measured {
    fn new(
        statistic: Statistic,
        (value, smaller, larger): (f64, f64, f64),
        compared: (u64, u64),
        basis: Basis,
    ) -> Result<Self, NotComputed> {
        if ![value, smaller, larger]
            .iter()
            .all(|number| number.is_finite())
        {
            return Err(NotComputed::Overflow);
        }
        Ok(Measured {
            statistic,
            value,
            smaller,
            larger,
            compared,
            basis,
        })
    }

    /// The reading with effect and p-value; `alpha` is the level at which KS' noise is taken off.
    pub(crate) fn distance(&self, alpha: f64) -> Distance {
        let (value, (n, m)) = (self.value, self.compared);
        let (effect, p_value) = match (&self.basis, self.statistic) {
            (Basis::Fine { .. }, Statistic::Ks) => (
                ks::effect(value, alpha, n, m),
                Some(ks::p_value(value, n, m)),
            ),
            (Basis::Coarse(table), Statistic::Psi) => {
                (psi::effect(table, value), Some(psi::p_value(table, value)))
            }
            (Basis::Coarse(table), Statistic::JensenShannon) => (
                jensen_shannon::effect(table, value),
                Some(jensen_shannon::p_value(table, value)),
            ),
            (Basis::Coarse(table), Statistic::Hellinger) => (
                hellinger::effect(table, value),
                Some(hellinger::p_value(table, value)),
            ),
            (Basis::Coarse(table), Statistic::ChiSquared) => {
                let test = chi_squared::test(table);
                (test.effect, Some(test.p_value))
            }
            // Wasserstein: what is surely not binning error; theory gives no p-value.
            _ => ((value - self.smaller).max(0.0), None),
        };
        Distance {
            statistic: self.statistic,
            value,
            effect,
            p_value: p_value.filter(|p| p.is_finite()),
            adjusted_p_value: None,
            error: self.smaller.max(self.larger),
            compared: self.compared,
            minimum: self.statistic.minimum(),
        }
    }

    /// What the statistic exceeds with probability `alpha` when nothing changed, for these sample sizes; `None`
    /// when it has no null. `simulated` is Wasserstein's.
    pub(crate) fn null(&self, alpha: f64, simulated: Option<&wasserstein::Null>) -> Option<f64> {
        let (n, m) = self.compared;
        let null = match (self.statistic, &self.basis) {
            (Statistic::Ks, _) => ks::null(alpha, n, m),
            // By so much the binning may have raised the value, so it is added to the limit.
            (Statistic::Wasserstein, Basis::Fine { spread }) => {
                simulated?.limit(alpha, n, m) / spread + self.smaller
            }
            (Statistic::Psi, Basis::Coarse(table)) => psi::null(table, alpha),
            (Statistic::JensenShannon, Basis::Coarse(table)) => jensen_shannon::null(table, alpha),
            (Statistic::Hellinger, Basis::Coarse(table)) => hellinger::null(table, alpha),
            _ => return None,
        };
        Some(null).filter(|null| null.is_finite())
    }
}

/// The statistic of `current` counts against `reference` counts over the same bins.
pub(crate) fn measure(
    statistic: Statistic,
    bins: &Bins,
    reference: Option<&Counts>,
    current: Option<&Counts>,
) -> Result<Measured, NotComputed> {
    let (Some(reference), Some(current)) = (reference, current) else {
        return Err(NotComputed::OtherBins);
    };
    match (statistic, bins, reference, current) {
        (
            Statistic::Ks | Statistic::Wasserstein,
            Bins::Numeric(bins),
            Counts::Numeric {
                fine: a,
                mean: a_mean,
                below: a_below,
                above: a_above,
            },
            Counts::Numeric {
                fine: c,
                mean: c_mean,
                below: c_below,
                above: c_above,
            },
        ) if a.len() == bins.len() && c.len() == bins.len() => {
            let side = |fine, mean, below, above| Side {
                fine,
                mean,
                below,
                above,
            };
            let (a, c) = (
                side(a, *a_mean, *a_below, *a_above),
                side(c, *c_mean, *c_below, *c_above),
            );
            if statistic == Statistic::Ks {
                measure_ks(bins, a, c)
            } else {
                measure_wasserstein(bins, a, c)
            }
        }
        (
            Statistic::Psi
            | Statistic::JensenShannon
            | Statistic::Hellinger
            | Statistic::ChiSquared,
            ..,
        ) => {
            let table = coarse_table(bins, reference, current).ok_or(NotComputed::OtherBins)?;
            let compared = (table.reference_total as u64, table.current_total as u64);
            enough(statistic, compared)?;
            let value = match statistic {
                Statistic::Psi => psi::distance(&table),
                Statistic::JensenShannon => jensen_shannon::distance(&table),
                Statistic::Hellinger => hellinger::distance(&table),
                _ => chi_squared::test(&table).statistic,
            };
            Measured::new(statistic, (value, 0.0, 0.0), compared, Basis::Coarse(table))
        }
        (Statistic::Ks | Statistic::Wasserstein, Bins::Numeric(_), ..) => {
            Err(NotComputed::OtherBins)
        }
        _ => Err(NotComputed::NotForKind {
            statistic,
            kind: bins.kind(),
        }),
    }
}

fn measure_ks(bins: &NumericBins, a: Side<'_>, c: Side<'_>) -> Result<Measured, NotComputed> {
    let compared = (a.fine.iter().sum(), c.fine.iter().sum());
    enough(Statistic::Ks, compared)?;
    let (value, larger) = ks::distance(bins, a.fine, c.fine);
    Measured::new(
        Statistic::Ks,
        (value, 0.0, larger),
        compared,
        Basis::Fine { spread: 1.0 },
    )
}

fn measure_wasserstein(
    bins: &NumericBins,
    a: Side<'_>,
    c: Side<'_>,
) -> Result<Measured, NotComputed> {
    let compared = (a.finite(), c.finite());
    enough(Statistic::Wasserstein, compared)?;
    let spread = bins.spread().ok_or(NotComputed::ZeroSpread)?;
    let found = wasserstein::distance(bins, a, c);
    let numbers = (
        found.value / spread,
        (found.value - found.least) / spread,
        (found.most - found.value) / spread,
    );
    Measured::new(
        Statistic::Wasserstein,
        numbers,
        compared,
        Basis::Fine { spread },
    )
}

fn enough(statistic: Statistic, (n, m): (u64, u64)) -> Result<(), NotComputed> {
    let need = statistic.minimum();
    if n < need {
        return Err(NotComputed::NoReference { have: n, need });
    }
    if m < need {
        Err(NotComputed::TooFewRows { have: m, need })
    } else {
        Ok(())
    }
}

/// Counts over the coarse bins, `None` when they do not belong to `bins`.
fn coarse_table(bins: &Bins, reference: &Counts, current: &Counts) -> Option<Table> {
    let coarse = |counts: &Counts| match (bins, counts) {
        (Bins::Numeric(bins), Counts::Numeric { fine, .. }) => {
            (fine.len() == bins.len()).then(|| bins.coarse(fine))
        }
        (
            Bins::Categorical(bins),
            Counts::Categorical {
                top, other, unseen, ..
            },
        ) => (top.len() + 2 == bins.len())
            .then(|| top.iter().chain([other, unseen]).copied().collect()),
        _ => None,
    };
    Some(Table::new(&coarse(reference)?, &coarse(current)?))
}
