//! How features are missing together: the whole, and the pairs that are most strongly so.

use metrics::{Label, table};
use stats::MissingnessReport;

use super::{Out, label};

pub(super) fn missingness(out: &mut Out, report: &MissingnessReport) {
    let (reference, current) = (&report.reference, &report.current);
    for (family, value) in [
        (&table::COMPLETE_ROW_RATIO, current.complete),
        (&table::REFERENCE_COMPLETE_ROW_RATIO, reference.complete),
        (&table::FILLED_FEATURE_RATIO, current.filled),
        (&table::REFERENCE_FILLED_FEATURE_RATIO, reference.filled),
        (&table::MISSING_PATTERNS, current.patterns.count as f64),
        (&table::MISSING_DEPENDENCES, report.compared.1 as f64),
    ] {
        out.add(family, [], value);
    }
    if let Ok(mcar) = &report.mcar {
        out.add(&table::MCAR_STATISTIC, [], mcar.statistic);
        out.add(&table::MCAR_DEGREES, [], mcar.degrees as f64);
        out.add(&table::MCAR_P_VALUE, [], mcar.p_value);
    }
    for pair in &report.pairs {
        let (feature, partner) = (label(&pair.features.0), label(&pair.features.1));
        let labels = [(Label::Feature, &*feature), (Label::Partner, &*partner)];
        out.add(&table::PAIR_CO_MISSING_PHI, labels, pair.current);
        out.add_some(
            &table::PAIR_REFERENCE_CO_MISSING_PHI,
            labels,
            pair.reference,
        );
    }
}
