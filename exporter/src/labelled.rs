//! Targets that become known later: what a window said once they were.
//!
//! Every other check judges a window when it is complete. Where `spec.data.target.delay` says that the target is known later, the
//! window is pulled again by then, and what its features tell about the target is judged on its own.

use std::collections::BTreeMap;

use crds::valid;
use serde::{Deserialize, Serialize};
use stats::{
    BySeverity, Check, FeatureReport, NotComputed, PerformanceReport, Power, Report, Streak,
    Verdict,
};

use crate::settings::check_of;
use crate::snapshot::{Breaches, Standing};
use crate::window::{Span, WindowId};

/// The windows whose target is known, as far as they were judged.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Labels {
    /// The first window that is not judged by its target yet; nothing before the first.
    pub next: Option<WindowId>,
    /// The last one that was.
    pub judged: Option<Labelled>,
    /// How many in a row stay out of what features tell in a baseline that goes along.
    #[serde(default)]
    left_out: u32,
}

impl Labels {
    /// Notes a window and says whether what it tells stays out of a baseline that goes along: where some feature passed its
    /// critical limit, in however many windows in a row, at most so many times in a row.
    pub fn leaves_out(&mut self, labelled: &Labelled, most: u32) -> bool {
        // What stands from before says nothing of the rows of this window.
        let passed = |told: &LabelledFeature| {
            let verdict = told.verdict.as_ref();
            verdict.is_ok_and(|verdict| verdict.over.critical)
        };
        let contaminated = labelled.features.values().any(passed);
        let out = contaminated && self.left_out < most;
        self.left_out = match (contaminated, out) {
            (false, _) => 0,
            (true, out) => self.left_out + u32::from(out),
        };
        out
    }
}

/// A window that was judged by its target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Labelled {
    /// Its time.
    pub span: Span,
    /// What its features together tell; nothing where it has no target.
    pub performance: Option<PerformanceReport>,
    features: BTreeMap<String, LabelledFeature>,
}

/// What a feature of such a window tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LabelledFeature {
    verdict: Result<Verdict, NotComputed>,
    power: Option<Power>,
    breached: Option<BySeverity<bool>>,
    /// The verdict of before that an alarm rests on, where this window has none.
    #[serde(default)]
    standing: Option<Verdict>,
}

impl LabelledFeature {
    /// At which severities it alarms, and the verdict that this rests on; nothing without an alarm.
    fn alarm(&self) -> Option<(BySeverity<bool>, &Verdict)> {
        let breached = self.breached.filter(|b| *b != BySeverity::default())?;
        Some((
            breached,
            self.verdict.as_ref().ok().or(self.standing.as_ref())?,
        ))
    }
}

impl Labelled {
    /// What a report says about the target, its verdicts counted into `streaks`. Where it has none since there is too little in
    /// it, an alarm of the window `before` stands.
    pub fn new(
        span: Span,
        report: Report,
        config: &valid::Monitor,
        streaks: &mut Streak,
        before: Option<&Labelled>,
    ) -> Self {
        let check = check_of(config, Check::Performance);
        let features = report.features.into_iter().map(|feature| {
            let verdict = feature.verdicts.performance;
            let (breached, standing) = match &verdict {
                Ok(verdict) => {
                    let consecutive = check.limits_for(&feature.name).consecutive;
                    let name = &feature.name;
                    let breached =
                        streaks.observe(name, Check::Performance, verdict.over, consecutive);
                    (Some(breached), None)
                }
                Err(reason) if !reason.is_of_the_window() => (None, None),
                Err(_) => {
                    let before = before.and_then(|before| before.features.get(&feature.name));
                    before.and_then(LabelledFeature::alarm).unzip()
                }
            };
            let told = LabelledFeature {
                verdict,
                power: feature.power,
                breached,
                standing: standing.cloned(),
            };
            (feature.name, told)
        });
        Self {
            span,
            features: features.collect(),
            performance: report.performance,
        }
    }

    /// How many alarms of calibrated limits begin with it: what is breached and was not in the window before it.
    pub fn begun(&self, before: Option<&Labelled>) -> BySeverity<u64> {
        let breached = |of: &LabelledFeature| of.breached.unwrap_or_default();
        let begun = self.features.iter().map(|(name, now)| {
            let was = before.and_then(|before| before.features.get(name));
            let was = was.map(breached).unwrap_or_default();
            let calibrated = now.verdict.as_ref().map(Verdict::calibrated);
            breached(now)
                .zip(was)
                .zip(calibrated.unwrap_or_default())
                .map(|((is, was), calibrated)| u64::from(is && !was && calibrated))
        });
        begun.fold(BySeverity::default(), |sum, begins| {
            sum.zip(begins).map(|(sum, more)| sum + more)
        })
    }

    /// Puts what it says of a feature into the report, the breaches and the alarms that stand of a window that was judged since.
    pub fn complete(
        &self,
        report: &mut FeatureReport,
        breached: &mut Breaches,
        standing: &mut Standing,
    ) {
        if let Some(told) = self.features.get(&report.name) {
            report.verdicts.performance = told.verdict.clone();
            report.power = told.power.clone();
            breached.performance = told.breached;
            standing.performance.clone_from(&told.standing);
        }
    }
}

/// Takes out of a report what it says about a target that is not known yet.
pub fn not_yet(report: &mut Report) {
    report.performance = None;
    for feature in &mut report.features {
        feature.power = None;
        if feature.verdicts.performance != Err(NotComputed::Disabled) {
            feature.verdicts.performance = Err(NotComputed::TargetPending);
        }
    }
}
