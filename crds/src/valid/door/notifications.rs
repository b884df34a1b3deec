//! Who is told of alerts: names resolved, times put in order.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{DAY, Door, SECOND};
use crate::notifications as given;
use crate::secret::FromSecret;
use crate::valid::notifications::{
    Channel, DAY_MINUTES, Escalation, Match, Mute, Notifications, Receiver, Route, WebhookUrl,
    notes, spans,
};
use crate::valid::{FileKind, FileRef};
use crate::violation::quote;

const PATH: &str = "spec.notifications";
const MINUTE: Duration = Duration::from_secs(60);

impl Door {
    /// `None` where a part of it cannot be read; then a violation says which, here or from the schema.
    pub(super) fn notifications(
        &mut self,
        spec: &given::Notifications,
        team: &str,
    ) -> Option<Notifications> {
        let receivers: Vec<Receiver> = spec.receivers.iter().filter_map(receiver).collect();
        let names: Vec<&str> = spec.receivers.iter().map(|one| one.name.as_str()).collect();
        let routes = spec.routes.iter().map(|route| Route {
            matches: matches(route.matches.as_ref()),
            to: route.to.clone(),
        });
        let routes: Vec<Route> = routes.collect();
        for (i, route) in routes.iter().enumerate() {
            self.known_receivers(&format!("{PATH}.routes[{i}].to"), &route.to, &names);
        }
        let escalations = self.escalations(spec.escalation.as_deref().unwrap_or_default(), &names);
        let mutes = self.mutes(spec.mute.as_deref().unwrap_or_default());
        let mut time =
            |field: &str, text: &Option<_>, [least, most, default]: [Duration; 3]| match text {
                Some(text) => self.duration(&format!("{PATH}.{field}"), text, least, most),
                None => Some(default),
            };
        let (second, hour) = (SECOND, MINUTE * 60);
        let group_wait = time(
            "groupWait",
            &spec.group_wait,
            [Duration::ZERO, hour, second * 30],
        );
        let group_interval = time(
            "groupInterval",
            &spec.group_interval,
            [second, DAY, MINUTE * 5],
        );
        let repeat = [MINUTE, DAY * 30, hour * 12];
        let repeat_interval = time("repeatInterval", &spec.repeat_interval, repeat);
        let (escalations, mutes) = (escalations?, mutes?);
        Some(Notifications {
            notes: notes(&receivers, &routes, &escalations, &mutes, team),
            receivers,
            routes,
            escalations,
            mutes,
            group_wait: group_wait?,
            group_interval: group_interval?,
            repeat_interval: repeat_interval?,
        })
    }

    fn known_receivers(&mut self, path: &str, to: &[String], names: &[&str]) {
        for (i, name) in to.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                self.refuse(
                    &format!("{path}[{i}]"),
                    format!("there is no receiver {}", quote(name)),
                    format!("write one of {}, or add it to receivers", names.join(", ")),
                );
            }
        }
    }

    fn escalations(
        &mut self,
        spec: &[given::Escalation],
        names: &[&str],
    ) -> Option<Vec<Escalation>> {
        let mut all = Vec::new();
        let mut complete = true;
        // The first message is level 1.
        for ((i, one), level) in spec.iter().enumerate().zip(2..) {
            let path = format!("{PATH}.escalation[{i}]");
            self.known_receivers(&format!("{path}.to"), &one.to, names);
            let after = self.duration(&format!("{path}.after"), &one.after, SECOND, DAY * 30);
            let Some(after) = after else {
                complete = false;
                continue;
            };
            let before = all.last().map(|before: &Escalation| before.after);
            if before.is_some_and(|before| after <= before) {
                let found = format!("it comes no later than escalation[{}]", i - 1);
                let write = "write a longer time than that before it, or change their order";
                self.refuse(&format!("{path}.after"), found, write);
            }
            all.push(Escalation {
                level,
                after,
                matches: matches(one.matches.as_ref()),
                to: one.to.clone(),
            });
        }
        complete.then_some(all)
    }

    fn mutes(&mut self, spec: &[given::Mute]) -> Option<Vec<Mute>> {
        let mut all = Vec::new();
        for (i, mute) in spec.iter().enumerate() {
            let path = format!("{PATH}.mute[{i}]");
            if let Some(zone) = &mute.time_zone
                && jiff::tz::TimeZone::get(zone).is_err()
            {
                let found = format!("there is no time zone {}", quote(zone));
                let write = "write an IANA name such as Europe/Berlin, or remove it for UTC";
                self.refuse(&format!("{path}.timeZone"), found, write);
            }
            let mut times = Vec::new();
            for (j, time) in mute.times.iter().enumerate() {
                let every = given::Weekday::ALL.to_vec();
                let days: BTreeSet<_> = time.days.clone().unwrap_or(every).into_iter().collect();
                let from = time.from.as_deref().map_or(Some(0), minutes)?;
                let to = time.to.as_deref().map_or(Some(DAY_MINUTES), minutes)?;
                if from == to {
                    let found = "it ends when it begins";
                    let write = "write another time, or remove from and to for whole days";
                    self.refuse(&format!("{path}.times[{j}].to"), found, write);
                    continue;
                }
                times.extend(spans(&days, from, to));
            }
            all.push(Mute {
                name: mute.name.clone(),
                spans: times,
                // Said or not, it is the same.
                zone: mute.time_zone.clone().filter(|zone| zone != "UTC"),
                matches: matches(mute.matches.as_ref()),
            });
        }
        Some(all)
    }
}

/// Minutes since midnight; nothing where the schema refuses the text.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    Some(hours.parse::<u16>().ok()?.checked_mul(60)? + minutes.parse::<u16>().ok()?)
}

fn matches(spec: Option<&given::Match>) -> Match {
    let spec = spec.cloned().unwrap_or_default();
    Match {
        severity: spec.severity,
        about: spec.check.unwrap_or_default().into_iter().collect(),
        teams: spec.team.unwrap_or_default().into_iter().collect(),
    }
}

fn receiver(spec: &given::Receiver) -> Option<Receiver> {
    let channel = if let Some(slack) = &spec.slack {
        Channel::Slack {
            url: file(&slack.url),
            channel: slack.channel.clone(),
        }
    } else if let Some(pagerduty) = &spec.pagerduty {
        Channel::PagerDuty {
            routing_key: file(&pagerduty.routing_key),
            url: pagerduty.url.clone(),
        }
    } else if let Some(opsgenie) = &spec.opsgenie {
        Channel::Opsgenie {
            api_key: file(&opsgenie.api_key),
            url: opsgenie.url.clone(),
        }
    } else if let Some(email) = &spec.email {
        let password = email.password.as_ref().map(file);
        Channel::Email {
            to: email.to.clone(),
            from: email.from.clone(),
            smarthost: email.smarthost.clone(),
            login: email.username.clone().zip(password),
            require_tls: email.require_tls.unwrap_or(true),
        }
    } else if let Some(teams) = &spec.teams {
        Channel::Teams {
            url: file(&teams.url),
        }
    } else {
        let webhook = spec.webhook.as_ref()?;
        let url = match (&webhook.url, &webhook.secret_url) {
            (Some(url), _) => WebhookUrl::Plain(url.clone()),
            (None, secret) => WebhookUrl::Secret(file(secret.as_ref()?)),
        };
        Channel::Webhook {
            url,
            bearer: webhook.bearer.as_ref().map(file),
        }
    };
    Some(Receiver {
        name: spec.name.clone(),
        channel,
    })
}

fn file(secret: &FromSecret) -> FileRef {
    FileRef {
        kind: FileKind::Secret,
        name: secret.secret_ref.name.clone(),
        key: secret.secret_ref.key.clone(),
    }
}
