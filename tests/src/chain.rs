//! A Prometheus with the rules and an Alertmanager with the routes that `render` writes, and somebody who is told: what stands
//! between exporters and people. A fault goes in, and it is asked who was told of it, when it began and when it ended.
//!
//! Time is short, not mocked: rules are evaluated every second.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use crate::alertmanager::Alertmanager;
use crate::prometheus::{Firing, Prometheus};
use crate::sink::{Message, Sink};
use crate::{http, operator};

/// Where all monitors of a chain are.
const NAMESPACE: &str = "ml-prod";
/// How long an alert may take on a busy machine. It waits for a window to be complete and then to hold for some seconds.
const PATIENCE: Duration = Duration::from_secs(120);
const ESCALATED: &str = "FeatureAlertEscalated";

/// Who is told of what, at which path of the listener.
const NOTIFICATIONS: &str = "
  notifications:
    groupWait: 5s
    groupInterval: 1s
    receivers:
      - {name: page, webhook: {url: http://127.0.0.1:PORT/MONITOR/page}}
      - {name: chat, webhook: {url: http://127.0.0.1:PORT/MONITOR/chat}}
      - {name: lead, webhook: {url: http://127.0.0.1:PORT/MONITOR/lead}}
    routes:
      - {match: {severity: Critical, team: [TEAM]}, to: [page]}
      - {match: {severity: Warning}, to: [chat]}
    escalation:
      - {after: 60s, match: {severity: Critical, check: [Availability]}, to: [lead]}
";

/// A monitor of a chain.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// Its name.
    pub monitor: &'static str,
    /// Whose it is.
    pub team: &'static str,
}

impl Watched {
    /// Who is told of its alerts: a part of its manifest's spec.
    pub fn notifications(&self, sink: &Sink) -> String {
        NOTIFICATIONS
            .replace("PORT", &sink.port.to_string())
            .replace("MONITOR", self.monitor)
            .replace("TEAM", self.team)
    }

    /// Templates are expanded, and lead to the board with what the alert is about.
    fn says_what_it_should(&self, alert: &Firing) {
        let says = |name: &str| alert.annotations[name].clone();
        let description = says("description");
        for bad in ["{{", "<no value>", "not known", "error", "NaN"] {
            assert!(!description.contains(bad), "{description}");
        }
        let named = format!("{NAMESPACE}/{}", self.monitor);
        assert!(description.contains(&named), "{description}");
        let url = says("dashboard_url");
        let var = format!("var-monitor={}", self.monitor);
        assert!(url.contains(&var), "{url}");
        assert!(says("runbook_url").contains(&alert.labels["alertname"]));
        assert_eq!(alert.labels["team"], self.team);
        assert_eq!(alert.labels["namespace"], NAMESPACE);
        if let Some(feature) = alert.labels.get("feature") {
            assert!(url.contains(&format!("var-feature={feature}")), "{url}");
        }
    }
}

/// An alert: its name, its severity, its feature, and the reason or the rule that tells it from others of its name.
pub type Told = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

/// One thing that goes wrong.
#[derive(Debug)]
pub struct Case<F> {
    /// What it is, in words.
    pub what: &'static str,
    /// What is done to the world.
    pub fault: F,
    /// What must fire, and be told.
    pub told: &'static [Told],
    /// What may fire too, since it is a consequence, and is not told: names.
    pub with: &'static [&'static str],
    /// What each that is told must say.
    pub says: &'static str,
    /// Whether it goes on for so long that it escalates.
    pub escalates: bool,
}

/// A message in short: who was told, of which alert, and whether it began or ended.
type Short = (String, String, String);

impl<F> Case<F> {
    /// One that does not escalate.
    pub fn new(
        what: &'static str,
        fault: F,
        told: &'static [Told],
        with: &'static [&'static str],
    ) -> Self {
        Self {
            what,
            fault,
            told,
            with,
            says: "",
            escalates: false,
        }
    }

    /// Whether all fires that must.
    fn holds(&self, firing: &[Firing]) -> bool {
        let one = |told: &Told| {
            let says = |alert: &Firing| alert.annotations["description"].contains(self.says);
            firing.iter().any(|alert| is(alert, told) && says(alert))
        };
        let escalated = |alert: &Firing| alert.labels["alertname"] == ESCALATED;
        self.told.iter().all(one) && (!self.escalates || firing.iter().any(escalated))
    }

    /// The messages that it must lead to, and no other.
    fn messages(&self, monitor: &str) -> Vec<Short> {
        let mut all = Vec::new();
        let mut told = |receiver: &str, name: &str| {
            for status in ["firing", "resolved"] {
                let path = format!("/{monitor}/{receiver}");
                all.push((path, name.to_owned(), status.to_owned()));
            }
        };
        // Of several features there is one message.
        let names: BTreeSet<(&str, &str)> = self.told.iter().map(|told| (told.0, told.1)).collect();
        for (name, severity) in names {
            let receiver = match severity {
                "critical" => "page",
                _ => "chat",
            };
            told(receiver, name);
        }
        if self.escalates {
            told("lead", ESCALATED);
        }
        all.sort();
        all
    }

    /// Of all that fired by name and severity, what nobody was to be told of.
    fn inhibited(&self, fired: BTreeSet<(String, String)>) -> Vec<String> {
        let mut inhibited = Vec::new();
        for (name, severity) in fired {
            let named = self.told.iter().any(|told| told.0 == name);
            let known = named || self.with.contains(&name.as_str());
            assert!(
                known || (self.escalates && name == ESCALATED),
                "{}: {name} ({severity}) fired too",
                self.what
            );
            let told = |told: &Told| told.0 == name && told.1 == severity;
            if name != ESCALATED && !self.told.iter().any(told) {
                inhibited.push(format!("{name} ({severity})"));
            }
        }
        inhibited
    }
}

fn is(alert: &Firing, told: &Told) -> bool {
    let (name, severity, feature, which) = *told;
    let label = |name: &str| alert.labels.get(name).map_or("", String::as_str);
    label("alertname") == name
        && label("severity") == severity
        && label("feature") == feature
        && which.is_none_or(|which| [label("reason"), label("rule")].contains(&which))
}

fn short(message: &Message) -> Short {
    let body = message.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        message.path.clone(),
        text(&body["groupLabels"]["alertname"]),
        text(&body["status"]),
    )
}

/// What came since a moment, in short. Prometheus tells of what has ended for a quarter of an hour, and where the same alert
/// then begins of another feature, Alertmanager repeats its message with that: this is no other message.
fn since(messages: &[Message], moment: Timestamp) -> Vec<Short> {
    let mut all: Vec<Short> = Vec::new();
    for message in messages {
        let body = message.json();
        let of_before = |alert: &Value| {
            let began: Option<Timestamp> = alert["startsAt"].as_str()?.parse().ok();
            Some(began? < moment)
        };
        let repeats = body["alerts"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|alert| of_before(alert) == Some(true));
        let short = short(message);
        if !(repeats && all.contains(&short)) {
            all.push(short);
        }
    }
    all
}

/// What faults are done to.
pub trait World {
    /// What can go wrong.
    type Fault;

    /// Lets something go wrong.
    fn begin(&mut self, fault: &Self::Fault);

    /// Repairs it. An exporter that was started anew is to be scraped.
    fn end(&mut self, fault: &Self::Fault, chain: &Chain);

    /// What is shown where an alert does not come.
    fn log(&self) -> String;
}

/// What a case led to, as a line of a table.
#[derive(Debug)]
pub struct Line {
    what: &'static str,
    alerts: String,
    detected: Duration,
    messages: usize,
    ended: Duration,
    inhibited: String,
}

impl Line {
    /// The head of the table.
    pub fn head() -> String {
        format!(
            "{:<50} {:<46} {:>8} {:>9} {:>8}  {}",
            "fault", "alert", "detected", "messages", "ended", "inhibited"
        )
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<50} {:<46} {:>6.1} s {:>9} {:>6.1} s  {}",
            self.what,
            self.alerts,
            self.detected.as_secs_f64(),
            self.messages,
            self.ended.as_secs_f64(),
            self.inhibited
        )
    }
}

/// A running chain. Dropping it ends it.
#[derive(Debug)]
pub struct Chain {
    prometheus: Prometheus,
    alertmanager: Alertmanager,
    sink: Sink,
    /// At which ports exporters are scraped, by monitor.
    scraped: Mutex<BTreeMap<&'static str, u16>>,
    _home: tempfile::TempDir,
}

impl Chain {
    /// Starts one for some monitors, whose manifests tell the sink.
    ///
    /// # Panics
    ///
    /// When a part of the test's environment is missing, or a manifest is refused.
    pub fn start(sink: Sink, manifests: &[PathBuf]) -> Self {
        let home = tempfile::tempdir().expect("there is room for a temporary folder");
        let rendered = operator::command()
            .args(["render", "-f"])
            .args(manifests)
            .arg("-o")
            .arg(home.path())
            .args(["--rule-interval", "1s"])
            .args(["--grafana-url", "https://grafana.example.com"])
            .output()
            .expect("the operator starts");
        assert!(rendered.status.success(), "{rendered:?}");
        // There is no operator to be alerted about.
        std::fs::remove_file(home.path().join("rules/feature-monitor.yaml"))
            .expect("there are rules about all monitors");
        let config = home.path().join("alertmanager.yaml");
        let alertmanager = Alertmanager::start(&config, home.path());
        Self {
            prometheus: Prometheus::start(home.path(), Some(alertmanager.port())),
            alertmanager,
            sink,
            scraped: Mutex::default(),
            _home: home,
        }
    }

    /// Scrapes the exporter of a monitor at this port from now on, and at no other.
    ///
    /// # Panics
    ///
    /// When the folder cannot be written.
    pub fn scrape(&self, of: Watched, port: u16) {
        // Held until it is written: what comes later is also written later.
        let mut scraped = self.scraped.lock().unwrap_or_else(PoisonError::into_inner);
        scraped.insert(of.monitor, port);
        let labels: Vec<[(&str, &str); 2]> = scraped
            .keys()
            .map(|monitor| [("namespace", NAMESPACE), ("monitor", *monitor)])
            .collect();
        let targets: Vec<(u16, &[(&str, &str)])> = scraped
            .values()
            .zip(&labels)
            .map(|(port, labels)| (*port, labels.as_slice()))
            .collect();
        self.prometheus.scrape(&targets);
    }

    /// What fires of a monitor.
    pub fn firing(&self, of: Watched) -> Vec<Firing> {
        let firing = self.prometheus.firing().unwrap_or_default();
        let own = |alert: &Firing| alert.labels["monitor"] == of.monitor;
        firing.into_iter().filter(own).collect()
    }

    /// Waits until a monitor is scraped and nothing fires of it, and what would fire would be told.
    ///
    /// # Panics
    ///
    /// When it does not come to that in time.
    pub fn is_quiet(&self, of: Watched, world: &impl World) {
        let up = format!("up{{monitor=\"{}\"}}", of.monitor);
        self.wait("it is scraped, and nothing fires", of, world, |firing| {
            let scraped = self.prometheus.value(&up) == Some(1.0);
            scraped && firing.is_empty() && self.prometheus.tells_somebody()
        });
    }

    /// What was told of a monitor so far, oldest first.
    pub fn messages(&self, of: Watched) -> Vec<Message> {
        told_of(of, &self.sink.messages())
    }

    /// Waits until what fires of a monitor satisfies `holds`.
    fn wait(&self, what: &str, of: Watched, world: &impl World, holds: impl Fn(&[Firing]) -> bool) {
        let begun = Instant::now();
        loop {
            let firing = self.firing(of);
            if holds(&firing) {
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: {firing:#?}\n{}",
                world.log()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Names and severities of everything that fired of a monitor within some seconds.
    ///
    /// # Panics
    ///
    /// When Prometheus does not answer.
    pub fn fired(&self, of: Watched, within: Duration) -> BTreeSet<(String, String)> {
        // Whole seconds, so that it does not reach back to the fault before.
        let (monitor, seconds) = (of.monitor, within.as_secs());
        let all = format!("ALERTS{{monitor=\"{monitor}\",alertstate=\"firing\"}}[{seconds}s]");
        let query = format!("count by (alertname, severity) (count_over_time({all}))");
        let found = self.prometheus.query(&query).expect("Prometheus answers");
        let named = found.into_iter().map(|(labels, _)| {
            let label = |name: &str| labels[name].clone();
            (label("alertname"), label("severity"))
        });
        named.collect()
    }

    /// Lets a case happen to a monitor, and repairs it: who must be told is told once when it begins and once when it ends, and
    /// nobody of anything else. It may happen while something else does to another monitor.
    ///
    /// # Panics
    ///
    /// When it is otherwise.
    pub fn tells<W: World>(&self, of: Watched, world: &mut W, case: &Case<W::Fault>) -> Line {
        let (injected, moment) = (Instant::now(), Timestamp::now());
        let before = self.messages(of).len();
        world.begin(&case.fault);
        self.wait(case.what, of, &*world, |firing| case.holds(firing));
        let detected = injected.elapsed();
        for alert in self.firing(of) {
            of.says_what_it_should(&alert);
        }
        let expected = case.messages(of.monitor);
        let begins: Vec<Short> = expected
            .iter()
            .filter(|(.., status)| status == "firing")
            .cloned()
            .collect();
        self.told(of, case.what, before, moment, &begins);
        let repaired = Instant::now();
        world.end(&case.fault, self);
        let over = format!("{} and is repaired", case.what);
        self.wait(&over, of, &*world, |firing| firing.is_empty());
        let ended = repaired.elapsed();
        let messages = self.told(of, case.what, before, moment, &expected);
        let mut came = since(&messages, moment);
        came.sort();
        let alerts: Vec<Value> = messages.iter().map(alerts).collect();
        let log = self.alertmanager.log();
        assert_eq!(came, expected, "{}\n{alerts:#?}\n{log}", case.what);
        for alert in alerts.iter().filter_map(Value::as_array).flatten() {
            of.says_what_it_should(&Firing {
                labels: http::texts(&alert["labels"]),
                annotations: http::texts(&alert["annotations"]),
            });
        }
        let inhibited = case.inhibited(self.fired(of, injected.elapsed()));
        let names: BTreeSet<&str> = case.told.iter().map(|told| told.0).collect();
        Line {
            what: case.what,
            alerts: names.into_iter().collect::<Vec<_>>().join(", "),
            detected,
            messages: came.len(),
            ended,
            inhibited: inhibited.join(", "),
        }
    }

    /// Waits until all of these messages of a monitor came, after its first `before` and since a moment; all that came by then.
    fn told(
        &self,
        of: Watched,
        what: &str,
        before: usize,
        moment: Timestamp,
        all: &[Short],
    ) -> Vec<Message> {
        let messages = self.sink.wait(what, |messages| {
            let came = since(&told_of(of, messages)[before..], moment);
            all.iter().all(|message| came.contains(message))
        });
        told_of(of, &messages).split_off(before)
    }
}

/// Those of the messages that are about a monitor.
fn told_of(of: Watched, messages: &[Message]) -> Vec<Message> {
    let path = format!("/{}/", of.monitor);
    let own = messages
        .iter()
        .filter(|message| message.path.starts_with(&path));
    own.cloned().collect()
}

fn alerts(message: &Message) -> Value {
    message.json()["alerts"].clone()
}
