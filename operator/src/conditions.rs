//! What holds of a monitor, as conditions: a pure function of what was found and done.
//!
//! Each condition has its own reason and a sentence that says what to do. `Ready` sums up those that it needs.

use crds::handoff::ExporterStatus;
use crds::valid::Violations;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use crate::apply::Outcome;
use crate::ask::Answer;
use crate::child::{ChildKind, MONITORING};
use crate::children::Rollout;
use crate::complaints::Standing;
use crate::pods::PodTrouble;
use crate::reason::Reason;
use crate::words::{camel_case, cut};

/// The condition that sums up the others.
pub const READY: &str = "Ready";
const EXPORTER_AVAILABLE: &str = "ExporterAvailable";

/// Longest message; the API allows 32,768 characters, and a person reads fewer.
const MAX_MESSAGE: usize = 2000;

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody knows yet.
    Unknown,
}

impl Holds {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Holds::True => "True",
            Holds::False => "False",
            Holds::Unknown => "Unknown",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is asked.
    pub about: &'static str,
    /// The answer.
    pub holds: Holds,
    /// Why, in one word.
    pub reason: String,
    /// Why, and what to do, in sentences.
    pub message: String,
    /// Whether `Ready` needs it.
    pub needed: bool,
}

/// What was found and done.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What is wrong with the spec.
    pub violations: Option<&'a Violations>,
    /// What holds and may not be what somebody expects.
    pub notes: &'a [String],
    /// What came of each child; empty when the spec is wrong.
    pub outcomes: &'a [(ChildKind, Outcome)],
    /// Of each kind that is for another program: whether its API exists, and whether it is wanted.
    pub integrations: &'a [(ChildKind, Integration)],
    /// Names of the times in which nobody is to be told, and which an AlertmanagerConfig cannot have.
    pub unzoned: &'a [String],
    /// What the Prometheus operator says of what it refuses.
    pub refused: &'a [(ChildKind, Standing)],
    /// How the pods are; `None` without a Deployment.
    pub rollout: Option<&'a Rollout>,
    /// What a pod that does not start says.
    pub trouble: Option<&'a PodTrouble>,
    /// What the exporter said last.
    pub answer: Option<&'a Answer>,
    /// The hash of the config that it shall run; `None` when the spec is wrong.
    pub config_hash: Option<&'a str>,
    /// The uri of the source.
    pub source: &'a str,
    /// Whether the monitor is paused.
    pub paused: bool,
    /// The conditions as they were last.
    pub before: &'a [Condition],
    /// The generation of the spec.
    pub generation: Option<i64>,
}

/// How it is with an optional API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integration {
    /// It is there.
    Present,
    /// It is not.
    Absent,
    /// The operator is configured not to use it.
    Off,
}

/// All findings, `Ready` first.
pub fn findings(found: Found<'_>) -> Vec<Finding> {
    let mut all = vec![
        spec_valid(found),
        children_applied(found),
        exporter_available(found),
        config_in_force(found),
        references_resolved(found),
        source_reachable(found),
        baseline_ready(found),
        evaluated(found),
        integrations_applied(found),
    ];
    all.insert(0, ready(&all, found.paused));
    all
}

fn finding(
    about: &'static str,
    holds: Holds,
    reason: impl Into<String>,
    message: impl Into<String>,
) -> Finding {
    Finding {
        about,
        holds,
        reason: reason.into(),
        message: cut(&message.into(), MAX_MESSAGE),
        needed: true,
    }
}

fn ready(all: &[Finding], paused: bool) -> Finding {
    let first = |holds| all.iter().find(|f| f.needed && f.holds == holds);
    let what = |f: &Finding| format!("{}: {}", f.about, f.message);
    match (first(Holds::False), first(Holds::Unknown)) {
        (Some(f), _) => finding(READY, Holds::False, f.reason.clone(), what(f)),
        (None, Some(f)) => finding(READY, Holds::Unknown, f.reason.clone(), what(f)),
        (None, None) if paused => finding(
            READY,
            Holds::True,
            Reason::Paused,
            "Features are pulled, compared and served. The monitor is paused: changes of its spec wait until spec.paused is removed.",
        ),
        (None, None) => finding(
            READY,
            Holds::True,
            Reason::Ready,
            "Features are pulled, compared and served as the spec says.",
        ),
    }
}

fn spec_valid(found: Found<'_>) -> Finding {
    const ABOUT: &str = "SpecValid";
    match found.violations {
        None => {
            let words = ["The spec is valid."].into_iter();
            let said: Vec<&str> = words
                .chain(found.notes.iter().map(String::as_str))
                .collect();
            finding(ABOUT, Holds::True, Reason::Valid, said.join(" Note: "))
        }
        Some(violations) => {
            let said: Vec<String> = violations
                .as_slice()
                .iter()
                .map(ToString::to_string)
                .collect();
            finding(ABOUT, Holds::False, Reason::SpecInvalid, said.join(". "))
        }
    }
}

fn children_applied(found: Found<'_>) -> Finding {
    const ABOUT: &str = "ChildrenApplied";
    if found.violations.is_some() {
        return finding(
            ABOUT,
            Holds::Unknown,
            Reason::SpecInvalid,
            "The spec is not valid, so nothing was changed: what was made for the last valid spec goes on.",
        );
    }
    outcomes(
        ABOUT,
        found
            .outcomes
            .iter()
            .filter(|(kind, _)| !kind.is_optional()),
        "Every object that belongs to the monitor is there, as it shall be.",
    )
}

/// What the outcomes of some children say together: the worst of them.
fn outcomes<'a>(
    about: &'static str,
    all: impl Iterator<Item = &'a (ChildKind, Outcome)> + Clone,
    good: &str,
) -> Finding {
    let named = |wanted: fn(&Outcome) -> bool| {
        let names: Vec<&str> = all
            .clone()
            .filter(|(_, outcome)| wanted(outcome))
            .map(|(kind, _)| kind.name())
            .collect();
        names.join(", ")
    };
    for (kind, outcome) in all.clone() {
        if let Outcome::Foreign { owner } = outcome {
            let message = format!(
                "A {} of the name that this monitor needs is there already, and {owner}. It is left as it is: rename or delete it, or give the monitor another name.",
                kind.name()
            );
            return finding(about, Holds::False, Reason::NameTaken, message);
        }
    }
    for (kind, outcome) in all.clone() {
        if let Outcome::Refused { message } = outcome {
            let message = format!(
                "The API server refuses the {}: {message}. Change the spec, or the policy or permission that forbids it.",
                kind.name()
            );
            return finding(about, Holds::False, Reason::Refused, message);
        }
    }
    for (kind, outcome) in all.clone() {
        if let Outcome::Failed { message, .. } = outcome {
            let message = format!(
                "The {} could not be written: {message}. It is tried again.",
                kind.name()
            );
            return finding(about, Holds::False, Reason::WriteFailed, message);
        }
    }
    let gone = named(|outcome| *outcome == Outcome::BeingDeleted);
    if !gone.is_empty() {
        let message = format!(
            "Somebody deleted what belongs to the monitor ({gone}), and it is not gone yet. It is made anew when it is; a claim goes when the exporter's pod does."
        );
        return finding(about, Holds::False, Reason::BeingDeleted, message);
    }
    let waiting = named(|outcome| *outcome == Outcome::Paused);
    if !waiting.is_empty() {
        let message = format!(
            "The monitor is paused, and changes wait ({waiting}): remove spec.paused to apply them."
        );
        return finding(about, Holds::False, Reason::Paused, message);
    }
    finding(about, Holds::True, Reason::Applied, good)
}

fn exporter_available(found: Found<'_>) -> Finding {
    const ABOUT: &str = EXPORTER_AVAILABLE;
    let Some(rollout) = found.rollout else {
        return finding(
            ABOUT,
            Holds::Unknown,
            Reason::NotDeployed,
            "There is no Deployment of the exporter yet.",
        );
    };
    if rollout.is_current() {
        return finding(
            ABOUT,
            Holds::True,
            Reason::Available,
            "The exporter's pod is ready, in its newest form.",
        );
    }
    match (found.trouble, &rollout.failure) {
        (Some(trouble), _) => finding(
            ABOUT,
            Holds::False,
            trouble.reason.clone(),
            trouble.message.clone(),
        ),
        (None, Some((reason, message))) => {
            let reason = Some(camel_case(reason)).filter(|reason| !reason.is_empty());
            let message = format!("Kubernetes says of the exporter's Deployment: {message}");
            finding(
                ABOUT,
                Holds::False,
                reason.unwrap_or_else(|| Reason::RolloutFailed.into()),
                message,
            )
        }
        (None, None) => finding(
            ABOUT,
            Holds::False,
            Reason::RollingOut,
            "The exporter's pod is starting.",
        ),
    }
}

/// What follows from the exporter's own words, or why there are none.
fn by_exporter(
    found: Found<'_>,
    about: &'static str,
    finding_of: impl FnOnce(&ExporterStatus) -> Finding,
) -> Finding {
    match found.answer {
        Some(Answer::Said(status)) => finding_of(status),
        Some(Answer::Silent(why)) => finding(
            about,
            Holds::Unknown,
            Reason::ExporterUnreachable,
            format!(
                "The exporter cannot be asked: {why}. Look at its pod, and at network policies between the operator and it."
            ),
        ),
        None => said_before(found, about).unwrap_or_else(|| {
            finding(
                about,
                Holds::Unknown,
                Reason::ExporterNotAsked,
                "The exporter has not been asked yet.",
            )
        }),
    }
}

/// What was found of the same spec by the operator that worked before this one: it holds until the exporter is asked. Not
/// so where the exporter was away in between: its new pod has said nothing yet.
fn said_before(found: Found<'_>, about: &'static str) -> Option<Finding> {
    let before = |about| {
        let mut all = found.before.iter();
        all.find(move |old| old.type_ == about && old.observed_generation == found.generation)
    };
    before(EXPORTER_AVAILABLE).filter(|old| old.status == Holds::True.as_str())?;
    let condition = before(about)?;
    let holds = match condition.status.as_str() {
        "True" => Holds::True,
        "False" => Holds::False,
        _ => Holds::Unknown,
    };
    Some(finding(
        about,
        holds,
        condition.reason.clone(),
        condition.message.clone(),
    ))
}

/// Whether a pod was in trouble by the last status: then its words are looked for at once, not only when it takes long.
pub fn in_trouble(before: &[Condition]) -> bool {
    before.iter().any(|condition| {
        condition.type_ == EXPORTER_AVAILABLE
            && condition.status == Holds::False.as_str()
            && condition.reason != Reason::RollingOut.as_str()
    })
}

fn config_in_force(found: Found<'_>) -> Finding {
    const ABOUT: &str = "ConfigInForce";
    by_exporter(found, ABOUT, |status| {
        match (found.config_hash, &status.config_error) {
            (None, _) => finding(
                ABOUT,
                Holds::False,
                Reason::SpecInvalid,
                "The exporter runs the last valid spec.",
            ),
            (Some(wanted), _) if wanted == status.config_hash => finding(
                ABOUT,
                Holds::True,
                Reason::InForce,
                "The exporter runs the spec as it is.",
            ),
            (Some(_), Some(error)) => finding(
                ABOUT,
                Holds::False,
                Reason::ConfigRefused,
                format!(
                    "The exporter refuses the new config and runs the old one: {error}. Operator and exporter may be of different releases."
                ),
            ),
            (Some(_), None) if found.paused => finding(
                ABOUT,
                Holds::False,
                Reason::Paused,
                "The monitor is paused, and the exporter runs an older spec: remove spec.paused to apply the new one.",
            ),
            (Some(_), None) => finding(
                ABOUT,
                Holds::False,
                Reason::Reloading,
                "The exporter still runs an older spec. The new one reaches it within about a minute, when the kubelet renews the file.",
            ),
        }
    })
}

fn references_resolved(found: Found<'_>) -> Finding {
    const ABOUT: &str = "ReferencesResolved";
    by_exporter(found, ABOUT, |status| {
        if status.references_missing.is_empty() {
            return finding(
                ABOUT,
                Holds::True,
                Reason::Resolved,
                "Every Secret and ConfigMap that the spec names is there, with its keys.",
            );
        }
        let missing: Vec<String> = status
            .references_missing
            .iter()
            .map(|missing| match &missing.key {
                Some(key) => format!("the {} {} with the key {key}", missing.kind, missing.name),
                None => format!("the {} {}", missing.kind, missing.name),
            })
            .collect();
        let message = format!(
            "Missing: {}. Create what is missing in the monitor's namespace; the exporter takes it up within about a minute.",
            missing.join("; ")
        );
        finding(ABOUT, Holds::False, Reason::ReferenceMissing, message)
    })
}

fn source_reachable(found: Found<'_>) -> Finding {
    const ABOUT: &str = "SourceReachable";
    by_exporter(found, ABOUT, |status| match status.source.up {
        None => finding(
            ABOUT,
            Holds::Unknown,
            Reason::NotPulled,
            "No pull has ended yet.",
        ),
        Some(true) => finding(
            ABOUT,
            Holds::True,
            Reason::Reachable,
            format!("The last pull from {} succeeded.", found.source),
        ),
        Some(false) => {
            let reason = status.source.reason.as_deref().map(camel_case);
            let message = status
                .source
                .message
                .as_deref()
                .unwrap_or("it does not say why");
            finding(
                ABOUT,
                Holds::False,
                reason.unwrap_or_else(|| Reason::Unreachable.into()),
                format!("The last pull from {} failed: {message}.", found.source),
            )
        }
    })
}

fn baseline_ready(found: Found<'_>) -> Finding {
    const ABOUT: &str = "BaselineReady";
    by_exporter(found, ABOUT, |status| match &status.baseline {
        Some(baseline) => finding(
            ABOUT,
            Holds::True,
            Reason::Frozen,
            format!(
                "Version {} of {} windows, for revision {}.",
                baseline.version, baseline.windows, baseline.revision
            ),
        ),
        None => finding(
            ABOUT,
            Holds::False,
            Reason::NoBaseline,
            "There is no baseline yet, so nothing is judged. It is frozen once its windows are complete and were pulled.",
        ),
    })
}

fn evaluated(found: Found<'_>) -> Finding {
    const ABOUT: &str = "Evaluated";
    by_exporter(found, ABOUT, |status| match &status.last_evaluation {
        None => finding(
            ABOUT,
            Holds::Unknown,
            Reason::NotYet,
            "No evaluation has ended yet.",
        ),
        Some(evaluation) if evaluation.success => finding(
            ABOUT,
            Holds::True,
            Reason::Succeeded,
            "The last evaluation succeeded.",
        ),
        Some(evaluation) => {
            let reason = evaluation.reason.as_deref().map(camel_case);
            let message = evaluation
                .message
                .as_deref()
                .unwrap_or("it does not say why");
            finding(
                ABOUT,
                Holds::False,
                reason.unwrap_or_else(|| Reason::Failed.into()),
                format!(
                    "The last evaluation failed, and the last good results are served: {message}."
                ),
            )
        }
    })
}

/// Whether other programs were told. `Ready` does not need it: features are watched without.
fn integrations_applied(found: Found<'_>) -> Finding {
    const ABOUT: &str = "IntegrationsApplied";
    let kinds = |wanted: Integration| {
        let such = found.integrations.iter().filter(|(_, how)| *how == wanted);
        let names: Vec<&str> = such.map(|(kind, _)| kind.name()).collect();
        names.join(", ")
    };
    let (present, absent) = (kinds(Integration::Present), kinds(Integration::Absent));
    let told = if found.violations.is_some() {
        finding(
            ABOUT,
            Holds::Unknown,
            Reason::SpecInvalid,
            "The spec is not valid, so nothing was changed.",
        )
    } else if present.is_empty() && absent.is_empty() {
        finding(
            ABOUT,
            Holds::True,
            Reason::Off,
            format!(
                "The operator is configured to make none of {}.",
                kinds(Integration::Off)
            ),
        )
    } else {
        let optional = found.outcomes.iter().filter(|(kind, _)| kind.is_optional());
        let made =
            format!("Everything for the Prometheus operator is there, as it shall be: {present}.");
        match outcomes(ABOUT, optional, &made) {
            // What went wrong with those that can be is more than that others cannot.
            made if made.holds != Holds::True => made,
            _ if !absent.is_empty() => finding(
                ABOUT,
                Holds::False,
                Reason::ApiAbsent,
                format!(
                    "The cluster has no {absent} ({MONITORING}), so none was made: install the Prometheus operator, or let Prometheus scrape the Service, and load what `feature-monitor-operator render` writes. It is made when the API appears."
                ),
            ),
            made => by_others(found, ABOUT, present.contains(ROUTES)).unwrap_or(made),
        }
    };
    Finding {
        needed: false,
        ..told
    }
}

/// The kind of the routes.
const ROUTES: &str = ChildKind::AlertmanagerConfig.name();

/// What is there, and does not do what was wanted.
fn by_others(found: Found<'_>, about: &'static str, routed: bool) -> Option<Finding> {
    if let Some((kind, Standing { complaint, .. })) = found.refused.first() {
        let message = format!(
            "The Prometheus operator leaves the {} out, and what it says is not done. It said: {} A Secret or key that is missing is created in the monitor's namespace. It is made to look again from time to time, so that this ends when all is well.",
            kind.name(),
            sentence(&complaint.message),
        );
        return Some(finding(about, Holds::False, Reason::LeftOut, message));
    }
    if routed && !found.unzoned.is_empty() {
        let message = format!(
            "In an AlertmanagerConfig times are of UTC, so these do not mute and people are told: {}. Write them in UTC, without spec.notifications.mute[].timeZone, or use the configuration of Alertmanager that `feature-monitor-operator render` writes.",
            found.unzoned.join(", ")
        );
        return Some(finding(about, Holds::False, Reason::ZoneUnknown, message));
    }
    None
}

/// A text of others as a sentence.
fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// The findings as conditions of the API. The time of a condition moves only when its status does.
pub fn conditions(
    findings: &[Finding],
    before: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    findings
        .iter()
        .map(|found| {
            let since = before
                .iter()
                .find(|old| old.type_ == found.about && old.status == found.holds.as_str())
                .map_or(Time(now), |old| old.last_transition_time.clone());
            Condition {
                type_: found.about.to_owned(),
                status: found.holds.as_str().to_owned(),
                reason: found.reason.clone(),
                message: found.message.clone(),
                last_transition_time: since,
                observed_generation: generation,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACHABLE: &str = "SourceReachable";

    fn reachable(available: Holds) -> Finding {
        let condition = |about: &str, holds: Holds| Condition {
            type_: about.to_owned(),
            status: holds.as_str().to_owned(),
            reason: Reason::Reachable.into(),
            message: "The last pull succeeded.".to_owned(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: Some(1),
        };
        let before = [
            condition(EXPORTER_AVAILABLE, available),
            condition(REACHABLE, Holds::True),
        ];
        source_reachable(Found {
            violations: None,
            notes: &[],
            outcomes: &[],
            integrations: &[],
            unzoned: &[],
            refused: &[],
            rollout: None,
            trouble: None,
            answer: None,
            config_hash: None,
            source: "grpc://features:8815",
            paused: false,
            before: &before,
            generation: Some(1),
        })
    }

    #[test]
    fn what_was_said_before_holds_only_while_the_exporter_stays() {
        assert_eq!(reachable(Holds::True).holds, Holds::True);
        let replaced = reachable(Holds::False);
        assert_eq!(replaced.holds, Holds::Unknown);
        assert_eq!(replaced.reason, Reason::ExporterNotAsked.as_str());
    }
}
