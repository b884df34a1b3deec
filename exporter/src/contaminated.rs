//! Which windows stay out of a baseline that goes along, since something was wrong in them.
//!
//! A window in which a feature passed a critical limit, in however many windows in a row, or became constant, does not become part of what that feature is
//! compared with: else an incident would make the next one usual. Other features of the window are taken in. What the features
//! say together (how they hang together, about the target, in segments, how they are missing, and the keys) is of the window as a
//! whole, and stays out as a whole when one of these checks breached. What lasts is no incident: after half as many windows in a
//! row as the baseline has of that kind (with a season, of that phase, and so many that four are left), the next ones are taken
//! in although they breach, and become usual by and by. A slow shift ([`Check::Shift`]) keeps no window out: its charts have what
//! was frozen, and a baseline that goes along is there to follow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stats::seasonal::{MIN_CYCLES, Phase};
use stats::{Check, FrozenFeature, Scope, Summary, became_constant};

use crate::baseline::Windows;
use crate::snapshot::Breaches;

/// How many windows in a row were left out, by feature and phase; one entry without a phase where the baseline has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contaminated {
    runs: BTreeMap<String, Vec<(Option<Phase>, u32)>>,
}

/// What stands for a window as a whole where features have their names.
pub const WHOLE: &str = "";

/// Whether a window is contaminated as a whole, by what is breached for each feature and for itself: some check of what features
/// say together is, at critical.
pub fn is_contaminated_as_a_whole<'a>(mut breaches: impl Iterator<Item = &'a Breaches>) -> bool {
    let together = |check| {
        matches!(
            check,
            Check::Correlation
                | Check::Performance
                | Check::Segments
                | Check::Duplicates
                | Check::MissingPatterns
        )
    };
    breaches.any(|breaches| {
        let mut checks = breaches.iter().filter(|(check, _)| together(*check));
        checks.any(|(_, breached)| breached.is_some_and(|breached| breached.critical))
    })
}

/// Whether some check of a feature but that of slow shifts is breached at critical.
fn is_contaminated(breaches: &Breaches) -> bool {
    let mut checks = breaches.of(Scope::Feature);
    checks.any(|(check, breached)| {
        check != Check::Shift && breached.is_some_and(|breached| breached.critical)
    })
}

/// Whether a window is contaminated for a feature that is compared with others: by what is breached, or since it has become constant.
/// With one such window among them the next one would be nothing new.
pub fn contaminates(
    feature: &FrozenFeature,
    window: Option<&Summary>,
    breaches: Option<&Breaches>,
) -> bool {
    let constant = window.is_some_and(|window| became_constant(&feature.windows, window));
    constant || breaches.is_some_and(is_contaminated)
}

/// How many windows in a row are left out at most.
pub fn most_left_out(windows: &Windows) -> u32 {
    match windows {
        // The one window before is not to become an older one.
        Windows::Pinned(_) | Windows::Previous => 0,
        Windows::Rolling(windows) => windows / 2,
        Windows::Seasonal { cycles, .. } => {
            let spare = cycles.saturating_sub(MIN_CYCLES as u32);
            spare.min(cycles / 2)
        }
    }
}

impl Contaminated {
    /// Notes a window and says whether it stays out for this feature.
    pub fn leaves_out(
        &mut self,
        feature: &str,
        phase: Option<Phase>,
        contaminated: bool,
        most: u32,
    ) -> bool {
        let known = self.runs.get_mut(feature);
        let run = known.and_then(|runs| runs.iter_mut().find(|(other, _)| *other == phase));
        match (contaminated, run) {
            (false, None) => false,
            (false, Some(_)) => {
                if let Some(runs) = self.runs.get_mut(feature) {
                    runs.retain(|(other, _)| *other != phase);
                    if runs.is_empty() {
                        self.runs.remove(feature);
                    }
                }
                false
            }
            (true, None) if most > 0 => {
                let runs = self.runs.entry(feature.to_owned()).or_default();
                runs.push((phase, 1));
                true
            }
            (true, None) => false,
            (true, Some((_, run))) if *run < most => {
                *run += 1;
                true
            }
            // It lasts: it is taken in.
            (true, Some(_)) => false,
        }
    }

    /// How many windows are left out of a feature's baseline since the last ones that were not, all phases together.
    pub fn left_out(&self, feature: &str) -> u32 {
        let runs = self.runs.get(feature);
        runs.map_or(0, |runs| runs.iter().map(|(_, run)| run).sum())
    }

    /// Forgets features that are no longer in the baseline, which bounds the memory.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.runs.retain(|feature, _| keep(feature));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stats::BySeverity;

    use super::*;
    use crate::profiled::numbers;

    fn breaches(check: Check, warning: bool, critical: bool) -> Breaches {
        let mut breaches = Breaches::default();
        *breaches.get_mut(check) = Some(BySeverity { warning, critical });
        breaches
    }

    #[test]
    fn what_breaches_a_critical_limit_is_contaminated() {
        assert!(is_contaminated(&breaches(Check::Level, true, true)));
        assert!(is_contaminated(&breaches(Check::Missing, true, true)));
        assert!(!is_contaminated(&breaches(Check::Drift, true, false)));
        assert!(!is_contaminated(&breaches(Check::Shift, true, true)));
        assert!(!is_contaminated(&breaches(Check::Duplicates, true, true)));
        assert!(!is_contaminated(&Breaches::default()));
    }

    #[test]
    fn a_feature_that_became_constant_is_contaminated_without_a_breach() {
        let usual: Vec<f64> = (0..400).map(|row| f64::from(row % 7)).collect();
        let bins = Arc::new(numbers(&usual, None).freeze_bins());
        let window = |values: &[f64]| numbers(values, Some(&bins)).close();
        let windows = vec![window(&usual), window(&usual)];
        let mut feature = FrozenFeature::new("a", "float64", bins.clone(), windows);
        let (constant, none) = (window(&[3.0; 400]), Breaches::default());
        assert!(contaminates(&feature, Some(&constant), Some(&none)));
        assert!(!contaminates(&feature, Some(&window(&usual)), Some(&none)));
        assert!(!contaminates(&feature, None, None));
        let breached = breaches(Check::Drift, true, true);
        assert!(contaminates(
            &feature,
            Some(&window(&usual)),
            Some(&breached)
        ));
        // Once it is taken in, as it lasts, it is usual.
        feature.roll(constant.clone(), 2);
        assert!(!contaminates(&feature, Some(&constant), Some(&none)));
    }

    #[test]
    fn what_features_say_together_is_contaminated_as_a_whole() {
        let whole = |check, critical| {
            let all = [Breaches::default(), breaches(check, true, critical)];
            is_contaminated_as_a_whole(all.iter())
        };
        assert!(whole(Check::Duplicates, true) && whole(Check::Correlation, true));
        assert!(!whole(Check::Correlation, false) && !whole(Check::Drift, true));
    }

    #[test]
    fn what_lasts_is_taken_in() {
        let mut known = Contaminated::default();
        let found: Vec<bool> = [true, true, true, true, false, true]
            .iter()
            .map(|contaminated| known.leaves_out("a", None, *contaminated, 2))
            .collect();
        assert_eq!(found, [true, true, false, false, false, true]);
        assert_eq!((known.left_out("a"), known.left_out("b")), (1, 0));
        let text = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<Contaminated>(&text).unwrap(), known);
        known.retain(|feature| feature != "a");
        assert_eq!(known, Contaminated::default());
    }

    #[test]
    fn each_phase_has_its_own_run() {
        let mut known = Contaminated::default();
        let (three, four) = (Some(Phase::HourOfDay(3)), Some(Phase::HourOfDay(4)));
        assert!(known.leaves_out("a", three, true, 2));
        assert!(!known.leaves_out("a", four, false, 2));
        assert!(known.leaves_out("a", three, true, 2));
        assert!(known.leaves_out("a", four, true, 2));
        assert_eq!(known.left_out("a"), 3);
        assert!(!known.leaves_out("a", three, true, 2));
        assert!(!known.leaves_out("a", three, false, 2));
        assert_eq!(known.left_out("a"), 1);
    }

    #[test]
    fn enough_windows_are_left_to_judge_by() {
        let seasonal = |cycles| Windows::Seasonal {
            period: "HourOfDay".to_owned(),
            phases: 24,
            cycles,
            zone: "UTC".to_owned(),
        };
        let most = [4, 5, 8, 28].map(|cycles| most_left_out(&seasonal(cycles)));
        assert_eq!(most, [0, 1, 4, 14]);
        assert_eq!(most_left_out(&Windows::Rolling(8)), 4);
        assert_eq!(most_left_out(&Windows::Previous), 0);
    }
}
