//! Rules as Prometheus reads them.

use std::collections::BTreeMap;
use std::time::Duration;

use crds::valid;
use serde::Serialize;

use crate::alerts::{self, Alert, ESCALATED, Subject};
use crate::escalation::{self, Rung};
use crate::links::{Board, Links};
use crate::promql::Reach;
use crate::records::{self, Record};
use crate::slos;
use crate::timing::{self, Pace};

/// How often rules are evaluated where nothing else is said.
pub const INTERVAL: Duration = Duration::from_secs(30);

/// A file of rules, and the spec of a PrometheusRule.
#[derive(Serialize, Clone, Debug, PartialEq, Eq, Default)]
pub struct Rules {
    /// Groups: the rules of one are evaluated one after the other.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated together.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name, one of its kind in a Prometheus.
    pub name: String,
    /// Time from one evaluation to the next.
    pub interval: String,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(untagged)]
pub enum Rule {
    /// Records the result of a query as series.
    Record {
        /// Name of the series.
        record: String,
        /// The query.
        expr: String,
        /// Labels beside those of the query.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<&'static str, String>,
    },
    /// Alerts while a query has a result.
    Alert {
        /// Name of the alert.
        alert: &'static str,
        /// The query.
        expr: String,
        /// How long it must have one.
        #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
        lasts: Option<String>,
        /// How long the alert goes on afterwards.
        #[serde(skip_serializing_if = "Option::is_none")]
        keep_firing_for: Option<String>,
        /// Labels beside those of the query.
        labels: BTreeMap<&'static str, String>,
        /// What it says.
        annotations: BTreeMap<&'static str, String>,
    },
}

/// The rules of one monitor.
pub fn of_monitor(monitor: &valid::Monitor, links: &Links, interval: Duration) -> Rules {
    let (namespace, name) = (monitor.namespace.as_str(), monitor.name.as_str());
    let subject = Subject {
        reach: Reach::Monitor { namespace, name },
        pace: Pace {
            rules: interval,
            features: monitor.schedule.every,
        },
        timeout: monitor.source.timeout,
    };
    let team = [("team", monitor.owner.team.clone())];
    let alerts = alerts::of_monitor(subject);
    let records = records::of_monitor(subject.reach);
    let group = |what: &str, rules| Group {
        name: format!("feature-monitor.{namespace}.{name}.{what}"),
        interval: timing::text(interval),
        rules,
    };
    let mut groups = vec![
        group("records", records.into_iter().map(recorded).collect()),
        group(
            "alerts",
            alerts.iter().map(|a| alert(a, links, &team)).collect(),
        ),
    ];
    for slo in &monitor.slos {
        // One after the other: each record rests on those before it.
        let records = slos::records(subject, slo).into_iter().map(recorded);
        let alerts = slos::alerts(subject, slo);
        let alerts = alerts.iter().map(|one| {
            let own = [
                ("sloth_slo", slo.name.clone()),
                ("sloth_severity", slos::severity(one.level)),
            ];
            alert(one, links, &[&team[..], &own[..]].concat())
        });
        groups.push(group(
            &format!("slo.{}", slo.name),
            records.chain(alerts).collect(),
        ));
    }
    if let Some(notifications) = &monitor.notifications {
        let rungs = escalation::rungs(subject.reach, notifications, &monitor.owner.team);
        if !rungs.is_empty() {
            let rules = rungs.iter().map(|rung| escalated(rung, links, interval));
            groups.push(group("escalation", rules.collect()));
        }
    }
    Rules { groups }
}

/// Every label is that of the alert that goes on.
fn escalated(rung: &Rung, links: &Links, interval: Duration) -> Rule {
    let after = timing::text(rung.lasts);
    let says = [
        (
            "summary",
            Some("An alert goes on, and nobody has ended it.".to_owned()),
        ),
        (
            "description",
            Some(format!(
                "{{{{ $labels.source_alertname }}}} of {{{{ $labels.namespace }}}}/{{{{ $labels.monitor }}}}\
                 {{{{ with $labels.feature }}}}, feature {{{{ . }}}},{{{{ end }}}} has fired for {after} and more."
            )),
        ),
        ("runbook_url", links.runbook(ESCALATED)),
        ("dashboard_url", links.board(Board::Monitor)),
    ];
    Rule::Alert {
        alert: ESCALATED,
        expr: rung.query.clone(),
        lasts: Some(after),
        keep_firing_for: Some(timing::text(interval * 2)),
        labels: BTreeMap::from([(escalation::LEVEL, rung.level.to_string())]),
        annotations: annotations(says),
    }
}

fn annotations(says: [(&'static str, Option<String>); 4]) -> BTreeMap<&'static str, String> {
    let said = |(name, text): (_, Option<String>)| Some((name, text?));
    says.into_iter().filter_map(said).collect()
}

/// The rules that concern all monitors. `namespace` is that of the operator: alerts about it have no other.
pub fn of_all(namespace: &str, links: &Links, interval: Duration) -> Rules {
    let pace = Pace {
        rules: interval,
        features: interval,
    };
    let own = [("namespace", namespace.to_owned())];
    let alerts = alerts::of_all(pace);
    let rules = alerts.iter().map(|one| {
        // What is shown by the board of one monitor has the namespace of that.
        let labels: &[_] = if one.board.variables().is_empty() {
            &own
        } else {
            &[]
        };
        alert(one, links, labels)
    });
    Rules {
        groups: vec![Group {
            name: "feature-monitor".to_owned(),
            interval: timing::text(interval),
            rules: rules.collect(),
        }],
    }
}

/// The rules that concern all monitors as a file of the chart, which fills in what its values say: `GRAFANA_URL`,
/// `RUNBOOKS_URL` and `NAMESPACE`.
///
/// # Errors
/// When they have no form in YAML, which a test excludes.
pub fn chart_yaml() -> Result<String, serde_saphyr::ser::Error> {
    let links = Links {
        grafana: Some("GRAFANA_URL".to_owned()),
        runbooks: Some("RUNBOOKS_URL".to_owned()),
    };
    let yaml = serde_saphyr::to_string(&of_all("NAMESPACE", &links, INTERVAL))?;
    Ok(format!(
        "# Generated from dashboards/src/alerts.rs by `make generate`; a test holds it equal to them.\n{yaml}"
    ))
}

fn recorded(record: Record) -> Rule {
    Rule::Record {
        record: record.name,
        expr: record.query,
        labels: record.labels,
    }
}

fn alert(alert: &Alert, links: &Links, labels: &[(&'static str, String)]) -> Rule {
    let time = |time: Duration| (!time.is_zero()).then(|| timing::text(time));
    let about = alert.about.map(|about| ("check", about.name().to_owned()));
    let own = [Some(("severity", alert.level.name().to_owned())), about];
    let says = [
        ("summary", Some(alert.summary.to_owned())),
        ("description", Some(alert.description.clone())),
        ("runbook_url", links.runbook(alert.name)),
        ("dashboard_url", links.board(alert.board)),
    ];
    Rule::Alert {
        alert: alert.name,
        expr: alert.query.clone(),
        lasts: time(alert.lasts),
        keep_firing_for: time(alert.keeps_firing),
        labels: own
            .into_iter()
            .flatten()
            .chain(labels.iter().cloned())
            .collect(),
        annotations: annotations(says),
    }
}
