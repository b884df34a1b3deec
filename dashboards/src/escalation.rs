//! Alerts about alerts that go on: a rule for each level of `notifications.escalation`.
//!
//! Alertmanager has no escalation, and a rule survives the restart of Prometheus and can be tested. It reads `ALERTS`, the
//! series that Prometheus itself keeps of what fires; a rule's name replaces `alertname`, so that the first alert's stands in
//! `source_alertname`, and two alerts that go on never become one.

use std::time::Duration;

use crds::valid::notifications::{Escalation, Match, Notifications};
use metrics::Label::{Check, Severity};

use crate::alerts::ESCALATED;
use crate::promql::{Matcher, Reach};

/// The label with the level: an alert that did not escalate has none.
pub const LEVEL: &str = "escalation_level";
/// The label with the name of the alert that goes on.
pub const SOURCE: &str = "source_alertname";

/// A level that a monitor's alerts can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// From 2.
    pub level: u32,
    /// Holds while there is a series.
    pub query: String,
    /// How long it must hold.
    pub lasts: Duration,
}

/// The levels of a monitor that a team owns.
pub fn rungs(reach: Reach<'_>, notifications: &Notifications, team: &str) -> Vec<Rung> {
    let of_team = |one: &&Escalation| one.matches.of_team(team);
    let all = notifications.escalations.iter().filter(of_team);
    all.map(|one| Rung {
        level: one.level,
        query: query(reach, &one.matches),
        lasts: one.after,
    })
    .collect()
}

fn query(reach: Reach<'_>, matches: &Match) -> String {
    let about: Vec<&str> = matches.about.iter().map(|about| about.name()).collect();
    let mut matchers = Vec::new();
    matchers.extend(
        matches
            .severity
            .map(|one| Matcher::Is(Severity, one.name())),
    );
    if !about.is_empty() {
        matchers.push(Matcher::Among(Check, &about));
    }
    let firing = reach.firing(ESCALATED, &matchers);
    // Prometheus' own label of the series is none of the alert.
    format!(
        "max without (alertname, alertstate) (label_replace({firing}, \"{SOURCE}\", \"$1\", \"alertname\", \"(.+)\"))"
    )
}
