//! `profile`: one window, compared with the baseline, as tables for people or JSON for programs.

mod document;
mod segments;
mod tables;

use crds::valid;
use jiff::Timestamp;
use stats::{Check, FeatureReport, NotComputed, Scope, Severity};

use crate::cli::{Output, Profile};
use crate::page;
use crate::run;
use crate::snapshot::FeatureState;

pub(crate) use document::Baseline;

/// Pulls one window and gives the text to print, or what went wrong.
pub async fn profile(args: &Profile, now: Timestamp) -> Result<String, String> {
    let mut monitor = run::open(&args.input).map_err(|error| error.to_string())?;
    let snapshot = monitor
        .profile(args.window, now)
        .await
        .map_err(|error| error.to_string())?;
    match args.output {
        Output::Table => Ok(tables::tables(&snapshot, now)),
        Output::Json => document::json(&snapshot, now).map_err(|error| error.to_string()),
    }
}

/// The state of a feature in a word or a sentence.
fn state(feature: &FeatureState) -> String {
    if let Some(problem) = &feature.problem {
        return problem.to_string();
    }
    let Some(report) = &feature.report else {
        return "not judged".to_owned();
    };
    let worst = feature.worst(true);
    match worst {
        Some(Severity::Critical) => "critical".to_owned(),
        Some(Severity::Warning) => "warning".to_owned(),
        None if report.moving => "moving".to_owned(),
        None => unjudged(report).map_or_else(|| "ok".to_owned(), ToString::to_string),
    }
}

/// Why the first check that is about a feature has no verdict; nothing where all of these have one.
fn unjudged(report: &FeatureReport) -> Option<&NotComputed> {
    let verdicts = report.verdicts.of(Scope::Feature);
    let mut reasons = verdicts.filter_map(|(_, verdict)| verdict.as_ref().err());
    reasons.find(|reason| !page::not_about(reason))
}

/// Why a check gives no verdict. One that the manifest gives nothing to judge by is not called switched off.
fn because(monitor: &valid::Monitor, check: Check, reason: &NotComputed) -> String {
    match (reason, check) {
        (NotComputed::Disabled, Check::Performance) if monitor.data.target.is_none() => {
            "no target in the manifest".to_owned()
        }
        (NotComputed::Disabled, Check::Segments) if monitor.data.segments.is_empty() => {
            "no segments in the manifest".to_owned()
        }
        (reason, _) => reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use stats::ByCheck;

    use super::*;

    /// Of a baseline without a season, which has no level.
    #[test]
    fn a_check_that_is_not_about_a_feature_says_nothing_of_its_state() {
        let too_few = NotComputed::TooFewRows { have: 3, need: 200 };
        let report = |quality: NotComputed| FeatureReport {
            name: "plan".to_owned(),
            distances: Vec::new(),
            verdicts: ByCheck::from_fn(|check| {
                Err(match check {
                    Check::Level => NotComputed::NotSeasonal,
                    Check::Quality => quality,
                    _ => NotComputed::Disabled,
                })
            }),
            moving: false,
            pair: None,
            pair_laid_elsewhere: None,
            power: None,
            segment: None,
        };
        assert_eq!(unjudged(&report(NotComputed::Disabled)), None);
        assert_eq!(unjudged(&report(too_few)), Some(&too_few));
    }
    #[test]
    fn what_the_manifest_does_not_give_is_not_called_switched_off() {
        let of = |more: &str| {
            let manifest = format!(
                "
apiVersion: featuremonitor.io/v1alpha1
kind: FeatureMonitor
metadata: {{name: test}}
spec:
  owner: {{team: test}}
  source: {{flight: {{uri: 'grpc://localhost:1', query: {{path: [x]}}}}}}
  data:
    entityKeys: [id]
    window: {{column: day, length: 7d}}
{more}
  schedule: {{every: 1h}}
  baseline: {{rolling: {{windows: 8}}}}
  checks: {{performance: {{enabled: false}}, segments: {{enabled: false}}}}
"
            );
            crds::manifest::load(&manifest).unwrap().monitor
        };
        let bare = of("");
        let given = of("    target: {column: label}\n    segments: [{column: region}]");
        let check = |monitor, check, reason, expected: &str| {
            assert_eq!(because(monitor, check, reason), expected);
        };
        let off = &NotComputed::Disabled;
        let is_off = "the check is switched off";
        check(&bare, Check::Performance, off, "no target in the manifest");
        check(&bare, Check::Segments, off, "no segments in the manifest");
        check(&bare, Check::Drift, off, is_off);
        check(&given, Check::Performance, off, is_off);
        check(&given, Check::Segments, off, is_off);
        let absent = &NotComputed::Absent;
        check(&bare, Check::Performance, absent, &absent.to_string());
    }
}
