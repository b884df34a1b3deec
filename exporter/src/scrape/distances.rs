//! Distances from the baseline: a family each.

use metrics::{Family, Label, table};
use stats::{Distance, Statistic};

use super::Out;
use crate::snapshot::FeatureState;

pub(super) fn drift(out: &mut Out, feature: &FeatureState, name: &str) {
    let distances = feature.report.iter().flat_map(|report| &report.distances);
    for distance in distances.filter_map(|(_, distance)| distance.as_ref().ok()) {
        let of = DistanceFamilies::of(distance.statistic);
        let Some(of) = of else { continue };
        let labels = [(Label::Feature, name)];
        let Distance {
            value,
            p_value,
            adjusted_p_value,
            error,
            ..
        } = *distance;
        out.add(of.value, labels, value);
        if let Some([p, adjusted]) = of.p_values {
            out.add_some(p, labels, p_value);
            out.add_some(adjusted, labels, adjusted_p_value);
        }
        if let Some(family) = of.error {
            out.add(family, labels, error);
        }
    }
}

/// The families of one distance.
struct DistanceFamilies {
    value: &'static Family<1>,
    p_values: Option<[&'static Family<1>; 2]>,
    error: Option<&'static Family<1>>,
}

impl DistanceFamilies {
    fn of(statistic: Statistic) -> Option<Self> {
        let with_p = |value, p, adjusted| DistanceFamilies {
            value,
            p_values: Some([p, adjusted]),
            error: None,
        };
        Some(match statistic {
            Statistic::Ks => DistanceFamilies {
                error: Some(&table::DRIFT_KS_BINNING_ERROR),
                ..with_p(
                    &table::DRIFT_KS,
                    &table::DRIFT_KS_P_VALUE,
                    &table::DRIFT_KS_ADJUSTED_P_VALUE,
                )
            },
            Statistic::Wasserstein => DistanceFamilies {
                value: &table::DRIFT_WASSERSTEIN,
                p_values: None,
                error: Some(&table::DRIFT_WASSERSTEIN_BINNING_ERROR),
            },
            Statistic::Psi => with_p(
                &table::DRIFT_PSI,
                &table::DRIFT_PSI_P_VALUE,
                &table::DRIFT_PSI_ADJUSTED_P_VALUE,
            ),
            Statistic::JensenShannon => with_p(
                &table::DRIFT_JENSEN_SHANNON,
                &table::DRIFT_JENSEN_SHANNON_P_VALUE,
                &table::DRIFT_JENSEN_SHANNON_ADJUSTED_P_VALUE,
            ),
            Statistic::Hellinger => with_p(
                &table::DRIFT_HELLINGER,
                &table::DRIFT_HELLINGER_P_VALUE,
                &table::DRIFT_HELLINGER_ADJUSTED_P_VALUE,
            ),
            Statistic::ChiSquared => with_p(
                &table::DRIFT_CHI_SQUARED,
                &table::DRIFT_CHI_SQUARED_P_VALUE,
                &table::DRIFT_CHI_SQUARED_ADJUSTED_P_VALUE,
            ),
            // It has families of its own: the shares, and the check's.
            Statistic::MissingShare
            | Statistic::InvalidShare
            | Statistic::OutlierShare
            | Statistic::AssociationChange
            | Statistic::AucFall
            | Statistic::ExplainedFall
            | Statistic::LevelDeviation
            | Statistic::Ewma
            | Statistic::Cusum
            | Statistic::DuplicateShare
            | Statistic::PatternDistance
            | Statistic::ImputedShare
            | Statistic::SegmentDistance => return None,
        })
    }
}
