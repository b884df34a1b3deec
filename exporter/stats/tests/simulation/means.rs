//! What the simulations of the checks of means, `level.rs` and `shift.rs`, have in common: windows of a row or a few.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use rand::rngs::SmallRng;
use stats::{
    Bins, ByCheck, BySeverity, Check, CheckSettings, Column, DriftSettings, FeatureProfile,
    FrozenFeature, Kind, QualitySettings, Settings, Validity,
};

use crate::normal::pair;

pub fn normal(rng: &mut SmallRng) -> f64 {
    pair(rng).0
}

pub fn profiled(values: &[f64]) -> FeatureProfile {
    let mut profile = FeatureProfile::new(Kind::Numeric, None);
    let validity = Validity::all(values.len());
    profile
        .update(&Column::Numeric { values, validity })
        .unwrap();
    profile
}

/// Any bins: checks of means do not read them.
static BINS: LazyLock<Arc<Bins>> = LazyLock::new(|| {
    let values: Vec<f64> = (0..100).map(f64::from).collect();
    Arc::new(profiled(&values).freeze_bins())
});

pub fn feature(name: &str) -> FrozenFeature {
    FrozenFeature::new(name, "double", BINS.clone(), Vec::new())
}

/// Of one check alone.
pub fn settings(check: Check, budget: BySeverity<f64>, own: CheckSettings) -> Settings {
    Settings {
        budget,
        on: ByCheck::from_fn(|other| other == check),
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: BTreeMap::new(),
        default: ByCheck::from_fn(|_| own),
    }
}

pub fn one_row() -> CheckSettings {
    CheckSettings {
        min_rows: 1,
        ..CheckSettings::default()
    }
}
