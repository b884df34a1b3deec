//! What is promised: objectives whose alerts can fire.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{DAY, DEFAULT_SLO_WINDOW, Door};
use crate::FeatureMonitorSpec;
use crate::valid::{Checks, Indicator, Slo, slo};

/// The objectives about which an alert can fire, as the schema's rule has them.
const OBJECTIVES: RangeInclusive<f64> = 0.5..=0.9999;

/// The share that somebody means who writes percent; nothing where that is no objective either.
fn share(percent: f64) -> Option<f64> {
    // Rounded to what an objective can have, since a hundredth of 99.9 is not 0.999 in binary.
    let share = (percent * 100.0).round() / 10_000.0;
    OBJECTIVES.contains(&share).then_some(share)
}

impl Door {
    pub(super) fn slos(
        &mut self,
        spec: &FeatureMonitorSpec,
        every: Option<Duration>,
        checks: Option<&Checks>,
    ) -> Vec<Slo> {
        let mut slos = Vec::new();
        for (i, slo) in spec.slos.iter().flatten().enumerate() {
            let path = format!("spec.slos[{i}]");
            // Without verdicts everything would count as broken.
            let check = checks.and_then(|checks| match slo.indicator {
                // Without an event time the schema says what is wrong.
                Indicator::Freshness if spec.data.event_time.is_none() => None,
                Indicator::Freshness => Some(("freshness", checks.freshness.enabled)),
                Indicator::Schema => Some(("schema", checks.schema.enabled)),
                Indicator::Drift => Some(("drift", checks.drift.check.enabled)),
                Indicator::Missing => Some(("missing", checks.missing.enabled)),
                Indicator::Quality => Some(("quality", checks.quality.check.enabled)),
                Indicator::Availability | Indicator::Evaluations => None,
            });
            if let Some((check, false)) = check {
                let found = format!("it rests on checks.{check}, which is off");
                let write = format!("write checks.{check}.enabled: true, or remove the objective");
                self.refuse(&format!("{path}.indicator"), found, write);
            }
            let window = match &slo.window {
                Some(window) => self.duration(&format!("{path}.window"), window, DAY * 7, DAY * 90),
                None => Some(DEFAULT_SLO_WINDOW),
            };
            let Some(window) = window else { continue };
            if !OBJECTIVES.contains(&slo.objective) {
                let found = format!(
                    "found {}: an objective is a share between {} and {}",
                    slo.objective,
                    OBJECTIVES.start(),
                    OBJECTIVES.end()
                );
                let write = share(slo.objective)
                    .map_or("write one such as 0.995".to_owned(), |share| {
                        format!("write {share}")
                    });
                self.refuse(&format!("{path}.objective"), found, write);
                continue;
            }
            let cadence = every.filter(|_| slo.indicator == Indicator::Evaluations);
            let (burns, notes) = slo::burns(slo.objective, window, cadence);
            if burns.is_empty() {
                let found = format!("no alert about it can ever fire: {}", notes.join("; "));
                let (field, write) = match slo::burns(slo.objective, window, None).0.is_empty() {
                    true => ("objective", "write a higher one, or a shorter window"),
                    false => (
                        "indicator",
                        "write a schedule that evaluates more often, or promise Availability",
                    ),
                };
                self.refuse(&format!("{path}.{field}"), found, write);
                continue;
            }
            slos.push(Slo {
                name: slo.name.clone(),
                indicator: slo.indicator,
                objective: slo.objective,
                window,
                burns,
                notes,
            });
        }
        slos
    }
}
