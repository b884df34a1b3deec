//! A baseline with what follows from it.

use std::sync::Arc;

use crds::valid;
use stats::{Bins, Reference};

use crate::baseline::Baseline;
use crate::joint::{Asked, Joint};
use crate::pipeline::{Counting, WindowCounting};
use crate::season::Clock;
use crate::settings::settings;

/// A baseline with what follows from it.
pub(super) struct Frozen {
    pub(super) baseline: Baseline,
    pub(super) digest: String,
    pub(super) reference: Reference,
    pub(super) counting: Arc<WindowCounting>,
    /// Whether it is saved as it is.
    pub(super) saved: bool,
}

impl Frozen {
    pub(super) fn new(mut baseline: Baseline, config: &valid::Monitor) -> Self {
        baseline.freeze_shifts(Clock::of(config).as_ref());
        let features = &baseline.features;
        let settings = settings(config, features);
        let reference = match (&baseline.history, Clock::of(config)) {
            (Some(history), Some(clock)) => {
                history.reference(&clock, features, &baseline.windows, &settings)
            }
            _ => Reference::new(features, &baseline.windows, &settings),
        };
        if config.checks.drift.check.enabled {
            baseline.freeze_moving(|feature| reference.moving(feature));
        }
        Self {
            digest: baseline.digest(),
            counting: counting_of(config, &baseline, Some(&reference)),
            reference,
            baseline,
            saved: false,
        }
    }
}

/// How windows are counted over a baseline; what follows from a reference is known once there is one. Without one they are the
/// baseline's own, whose names are remembered.
pub(super) fn counting_of(
    config: &valid::Monitor,
    baseline: &Baseline,
    reference: Option<&Reference>,
) -> Arc<WindowCounting> {
    let target = baseline
        .target
        .as_ref()
        .filter(|target| target.serves(&config.data));
    let asked = Asked {
        associations: config.checks.correlation.enabled,
        missingness: config.checks.missing_patterns.enabled,
        target: target
            .filter(|_| config.checks.performance.enabled)
            .cloned(),
        segments: baseline
            .segments
            .iter()
            .filter(|segments| segments.serves(&config.data))
            .cloned()
            .collect(),
    };
    let over = |column: &str, bins: &Arc<Bins>| {
        let counting = Counting {
            bins: bins.clone(),
            acceptable: None,
            fences: None,
        };
        (column.to_owned(), counting)
    };
    let of_target = target.map(|target| over(&target.column, &target.bins));
    let of_segments: Vec<(String, Counting)> = asked
        .segments
        .iter()
        .map(|segments| over(&segments.column, &segments.bins))
        .collect();
    let counting = baseline
        .features
        .iter()
        .enumerate()
        .map(|(place, feature)| {
            let acceptable = reference.and_then(|reference| reference.acceptable(place).ok());
            let counting = Counting {
                bins: feature.bins.clone(),
                acceptable: acceptable.cloned(),
                fences: reference.and_then(|reference| reference.fences(place).ok()),
            };
            (feature.name.clone(), counting)
        });
    Arc::new(WindowCounting {
        // A column that is a feature too is counted as one.
        features: of_segments
            .into_iter()
            .chain(of_target)
            .chain(counting)
            .collect(),
        names: reference.is_none(),
        // What features say together in so many windows would take more room than all else.
        joint: match Clock::of(config) {
            Some(_) => Joint::default(),
            None => Joint::of(&baseline.features, asked),
        },
    })
}
