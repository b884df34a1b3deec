//! Who is told of alerts, with every text parsed and every name resolved.

use std::collections::BTreeSet;
use std::time::Duration;

use super::FileRef;
pub use crate::notifications::{About, Severity, Weekday};

/// Who is told of alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct Notifications {
    /// Who can be told; their names differ.
    pub receivers: Vec<Receiver>,
    /// Who is told of what: the first route that matches counts.
    pub routes: Vec<Route>,
    /// Who is told when an alert goes on, the soonest first.
    pub escalations: Vec<Escalation>,
    /// When nobody is told; their names differ.
    pub mutes: Vec<Mute>,
    /// How long alerts are collected before the first message.
    pub group_wait: Duration,
    /// How long after a message the next one comes at the soonest.
    pub group_interval: Duration,
    /// How long after a message it is sent again.
    pub repeat_interval: Duration,
    /// What holds and may not be what somebody expects: a sentence each.
    pub notes: Vec<String>,
}

/// Somebody who can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// The name.
    pub name: String,
    /// How.
    pub channel: Channel,
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// By Slack.
    Slack {
        /// The incoming webhook's address.
        url: FileRef,
        /// Another channel than the webhook's.
        channel: Option<String>,
    },
    /// By PagerDuty.
    PagerDuty {
        /// The integration key.
        routing_key: FileRef,
        /// Another address than the usual one.
        url: Option<String>,
    },
    /// By Opsgenie.
    Opsgenie {
        /// The key.
        api_key: FileRef,
        /// Another address than the usual one.
        url: Option<String>,
    },
    /// By e-mail.
    Email {
        /// Who gets it.
        to: Vec<String>,
        /// Who it comes from.
        from: String,
        /// `host:port`.
        smarthost: String,
        /// User name and password there.
        login: Option<(String, FileRef)>,
        /// Whether the connection must be encrypted.
        require_tls: bool,
    },
    /// By Microsoft Teams.
    Teams {
        /// The workflow's address.
        url: FileRef,
    },
    /// By Alertmanager's JSON.
    Webhook {
        /// Where to.
        url: WebhookUrl,
        /// A bearer token.
        bearer: Option<FileRef>,
    },
}

/// The address of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookUrl {
    /// For everyone to see.
    Plain(String),
    /// In a Secret.
    Secret(FileRef),
}

/// Which alerts of a monitor: those that have everything; nothing is any.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Match {
    /// How bad they are.
    pub severity: Option<Severity>,
    /// What they are about.
    pub about: BTreeSet<About>,
    /// Which teams own the monitor.
    pub teams: BTreeSet<String>,
}

impl Match {
    /// Whether it matches an alert of the team's monitor.
    pub fn holds(&self, (severity, about): Sort, team: &str) -> bool {
        self.of_team(team)
            && self.severity.is_none_or(|wanted| wanted == severity)
            && (self.about.is_empty() || self.about.contains(&about))
    }

    /// Whether it matches any alert of the team's monitor.
    pub fn of_team(&self, team: &str) -> bool {
        self.teams.is_empty() || self.teams.contains(team)
    }
}

/// A sort of alerts: all that routes tell apart within a monitor.
pub type Sort = (Severity, About);

/// Every sort.
pub fn sorts() -> impl Iterator<Item = Sort> + Clone {
    let of = |severity| About::ALL.map(move |about| (severity, about));
    Severity::ALL.into_iter().flat_map(of)
}

/// Who is told of some alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which.
    pub matches: Match,
    /// Names of receivers.
    pub to: Vec<String>,
}

/// Who is told when an alert goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// Its level, from 2: the first message is level 1.
    pub level: u32,
    /// How long the alert has fired by then.
    pub after: Duration,
    /// Which.
    pub matches: Match,
    /// Names of receivers.
    pub to: Vec<String>,
}

/// When nobody is told of some alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mute {
    /// The name.
    pub name: String,
    /// The times, each within a day.
    pub spans: Vec<Span>,
    /// Their zone, by its IANA name; `None` is UTC.
    pub zone: Option<String>,
    /// Which.
    pub matches: Match,
}

/// A time of some days of the week, in minutes since midnight: `[from, to)`, with `from < to <= 1440`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The days.
    pub days: BTreeSet<Weekday>,
    /// The first minute.
    pub from: u16,
    /// The minute after the last.
    pub to: u16,
}

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// A time that begins on some days, within days: one that goes past midnight is two.
pub fn spans(days: &BTreeSet<Weekday>, from: u16, to: u16) -> Vec<Span> {
    let span = |days: BTreeSet<Weekday>, from, to| Span { days, from, to };
    if from < to {
        return vec![span(days.clone(), from, to)];
    }
    let tomorrow = days.iter().map(|day| day.next()).collect();
    let mut spans = vec![span(days.clone(), from, DAY_MINUTES)];
    if to > 0 {
        spans.push(span(tomorrow, 0, to));
    }
    spans
}

impl Notifications {
    /// Mutes that an AlertmanagerConfig cannot have, since it knows UTC alone.
    pub fn zoned(&self) -> impl Iterator<Item = &Mute> {
        self.mutes.iter().filter(|mute| mute.zone.is_some())
    }
}

/// What may not be what somebody expects of routes: alerts that nobody is told of, and what is never used.
pub(super) fn notes(
    receivers: &[Receiver],
    routes: &[Route],
    escalations: &[Escalation],
    mutes: &[Mute],
    team: &str,
) -> Vec<String> {
    let mut notes = Vec::new();
    let takes = |sort: Sort| routes.iter().position(|r| r.matches.holds(sort, team));
    for severity in Severity::ALL {
        let untold = About::ALL
            .into_iter()
            .filter(|&about| takes((severity, about)).is_none());
        let untold: Vec<&str> = untold.map(About::name).collect();
        if !untold.is_empty() {
            notes.push(format!(
                "nobody is told of {} alerts about {}: no route matches them",
                severity.name(),
                untold.join(", ")
            ));
        }
    }
    let taken: BTreeSet<usize> = sorts().filter_map(takes).collect();
    for (i, route) in routes
        .iter()
        .enumerate()
        .filter(|(i, _)| !taken.contains(i))
    {
        let why = match route.matches.of_team(team) {
            true => "the ones before it take all that it matches".to_owned(),
            false => format!("the monitor is owned by {team}"),
        };
        notes.push(format!("routes[{i}] is never taken: {why}"));
    }
    let named: BTreeSet<&str> = routes
        .iter()
        .flat_map(|route| &route.to)
        .chain(escalations.iter().flat_map(|escalation| &escalation.to))
        .map(String::as_str)
        .collect();
    for receiver in receivers {
        if !named.contains(receiver.name.as_str()) {
            notes.push(format!("receiver {} is in no route", receiver.name));
        }
    }
    for mute in mutes.iter().filter(|mute| !mute.matches.of_team(team)) {
        notes.push(format!(
            "mute {} mutes nothing: the monitor is owned by {team}",
            mute.name
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_is_the_end_of_one_day_and_the_start_of_the_next() {
        let friday = BTreeSet::from([Weekday::Friday]);
        let saturday = BTreeSet::from([Weekday::Saturday]);
        let check = |from, to, expected: &[(&BTreeSet<Weekday>, u16, u16)]| {
            let found = spans(&friday, from, to);
            let found: Vec<_> = found.iter().map(|s| (&s.days, s.from, s.to)).collect();
            assert_eq!(found, expected);
        };
        check(540, 600, &[(&friday, 540, 600)]);
        check(1200, 420, &[(&friday, 1200, 1440), (&saturday, 0, 420)]);
        check(1200, 0, &[(&friday, 1200, 1440)]);
        check(0, 1440, &[(&friday, 0, 1440)]);
    }
}
