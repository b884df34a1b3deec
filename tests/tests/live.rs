//! The chain as it runs: a Flight server with the weekly customers, an exporter, a Prometheus with the rules and an
//! Alertmanager with the routes that `render` writes, and somebody who is told. One thing goes wrong after the other; of each
//! the right one is told once when it begins and once when it ends, by its alert and by nothing else: what fires too, and is
//! written beside it, is inhibited. Beside it a second monitor, whose data never changes, alerts about nothing.
//!
//! Time is short, not mocked: a week takes ten seconds, features and rules are evaluated every second.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harness::alertmanager::Alertmanager;
use harness::customers::Customers;
use harness::exporter::Exporter;
use harness::http;
use harness::prometheus::{Firing, Prometheus};
use harness::sink::{Message, Sink};
use serde_json::{Value, json};

const WEEK_SECONDS: u64 = 10;
const MONITOR: &str = "customer-segmentation";
const QUIET: &str = "quiet";
/// How long an alert may take on a busy machine. It waits for a window to be complete and then to hold for some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

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
      - {match: {severity: Critical, team: [growth-ml]}, to: [page]}
      - {match: {severity: Warning}, to: [chat]}
    escalation:
      - {after: 30s, match: {severity: Critical, check: [Availability]}, to: [lead]}
";

/// What must hold besides.
const RULES: &str = "
  rules:
    - {name: non-negative-spend, expr: monetary_28d >= 0, over: Rows, severity: Critical}
";
const ESCALATED: &str = "FeatureAlertEscalated";

/// What goes wrong.
enum Fault {
    /// The server answers with a fault, by its control file.
    Answers(Value),
    /// Nothing new arrives any more.
    Freeze,
    /// The server is killed.
    ServerDies,
    /// The exporter is killed.
    ExporterDies,
}

/// Alert, severity, feature, and reason where it has one.
type Told = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

struct Case {
    what: &'static str,
    fault: Fault,
    /// What must fire, and be told.
    told: &'static [Told],
    /// What may fire too, since it is a consequence, and is not told: names.
    with: &'static [&'static str],
    /// Whether it goes on for so long that it escalates.
    escalates: bool,
}

/// A source that is down brings no newer events, and windows wait for it.
const WAITING: &[&str] = &[
    "FeatureDataStale",
    "FeatureStale",
    "FeatureSegmentStale",
    "FeatureMonitorFallingBehind",
];

/// A column that is not there has no newer events, and cannot be judged.
const GONE: &[&str] = &[
    "FeatureStale",
    "FeatureMonitorNotJudging",
    "FeatureRuleBroken",
];

fn cases() -> Vec<Case> {
    const FEATURE: &str = "monetary_28d";
    let answers = Fault::Answers;
    let down: &[Told] = &[("FeatureMonitorSourceDown", "critical", "", None)];
    let case = |what, fault, told, with| Case {
        what,
        fault,
        told,
        with,
        escalates: false,
    };
    vec![
        Case {
            escalates: true,
            ..case("the server is killed", Fault::ServerDies, down, WAITING)
        },
        case(
            "the server hangs",
            answers(json!({"hang": 60})),
            down,
            WAITING,
        ),
        case(
            "a wrong token",
            answers(json!({"fail": "unauthenticated"})),
            down,
            WAITING,
        ),
        case(
            "the data stands still",
            Fault::Freeze,
            &[("FeatureDataStale", "critical", "", None)],
            &[
                "FeatureStale",
                "FeatureSegmentStale",
                "FeatureMonitorNotJudging",
            ],
        ),
        case(
            "one segment stands still",
            answers(json!({"late": {"household_size": ["5+", 60]}})),
            &[("FeatureSegmentStale", "critical", "", None)],
            &[],
        ),
        case(
            "30 % nulls in one feature",
            answers(json!({"nulls": {FEATURE: 0.3}})),
            &[("FeatureMissingData", "critical", FEATURE, None)],
            &["FeatureMissingPatterns", "FeatureSegmentDrift"],
        ),
        case(
            "a small segment has lost half of a feature",
            answers(json!({"nulls_where": {FEATURE: ["household_size", "5+", 0.5]}})),
            &[("FeatureSegmentDrift", "critical", FEATURE, None)],
            &[],
        ),
        case(
            "as many nulls as before, in other rows",
            answers(json!({"moved_gaps": {"marital_status": 0.9}})),
            &[
                ("FeatureMissingPatterns", "critical", "", None),
                ("FeatureSegmentDrift", "critical", "marital_status", None),
            ],
            &[],
        ),
        case(
            "a category that never occurred",
            answers(json!({"unseen": {"home_store": 0.3}})),
            &[("FeatureInvalidValues", "critical", "home_store", None)],
            &["FeatureDrift", "FeatureSegmentDrift"],
        ),
        case(
            "numbers far out in one row of ten",
            answers(json!({"between": {FEATURE: [0.1, 550, 650]}})),
            &[
                ("FeatureOutliers", "critical", FEATURE, None),
                ("FeatureDrift", "warning", FEATURE, None),
            ],
            &["FeatureCorrelationChanged", "FeatureSegmentDrift"],
        ),
        case(
            "one value of ten is filled in",
            answers(json!({"set": {FEATURE: [0.1, 87.125]}})),
            &[("FeatureImputed", "critical", FEATURE, None)],
            &[
                "FeatureDrift",
                "FeatureOutliers",
                "FeatureCorrelationChanged",
                "FeatureSegmentDrift",
            ],
        ),
        case(
            "one row of a hundred that a business rule forbids",
            answers(json!({"set": {FEATURE: [0.01, -1]}})),
            &[("FeatureRuleViolated", "critical", "", None)],
            &[],
        ),
        case(
            "rows are served twice",
            answers(json!({"twice": 0.1})),
            &[("FeatureDuplicateKeys", "critical", "", None)],
            &[],
        ),
        case(
            "a feature has become constant",
            answers(json!({"set": {FEATURE: [1, 0]}})),
            &[("FeatureConstant", "critical", FEATURE, Some("constant"))],
            &[
                "FeatureDrift",
                "FeatureOutliers",
                "FeatureInvalidValues",
                "FeatureMissingData",
                "FeaturePerformanceDegraded",
                "FeatureSegmentDrift",
            ],
        ),
        case(
            "a feature is shifted",
            answers(json!({"shift": {FEATURE: 50}})),
            &[("FeatureDrift", "critical", FEATURE, None)],
            &["FeatureOutliers", "FeatureSegmentDrift"],
        ),
        case(
            "values go to the wrong rows",
            answers(json!({"shuffle": [FEATURE]})),
            &[("FeatureCorrelationChanged", "critical", FEATURE, None)],
            &["FeaturePerformanceDegraded", "FeatureSegmentDrift"],
        ),
        // Features that tell much have lost it all, in one message.
        case(
            "labels go to the wrong rows",
            answers(json!({"shuffle": ["segment"]})),
            &[(
                "FeaturePerformanceDegraded",
                "critical",
                "monetary_91d",
                None,
            )],
            &[],
        ),
        case(
            "a column is dropped",
            answers(json!({"drop": [FEATURE]})),
            &[("FeatureAbsent", "critical", FEATURE, Some("missing"))],
            GONE,
        ),
        case(
            "a column is renamed",
            answers(json!({"rename": {FEATURE: "spend_28d"}})),
            &[
                ("FeatureAbsent", "critical", FEATURE, Some("renamed")),
                ("FeatureSchemaChanged", "warning", "spend_28d", Some("new")),
            ],
            GONE,
        ),
        case(
            "a column has another type",
            answers(json!({"cast": {"frequency_28d": "float64"}})),
            &[(
                "FeatureSchemaChanged",
                "critical",
                "frequency_28d",
                Some("type_changed"),
            )],
            &[],
        ),
        case(
            "the exporter dies",
            Fault::ExporterDies,
            &[("FeatureMonitorExporterDown", "critical", "", None)],
            &[],
        ),
    ]
}

struct Chain {
    customers: Customers,
    exporter: Exporter,
    quiet: Customers,
    still: Exporter,
    prometheus: Prometheus,
    alertmanager: Alertmanager,
    sink: Sink,
    home: tempfile::TempDir,
}

impl Chain {
    fn start() -> Self {
        let (customers, quiet) = (
            Customers::unchanging(2, WEEK_SECONDS),
            Customers::unchanging(2, WEEK_SECONDS),
        );
        let sink = Sink::start();
        for (one, name) in [(&customers, MONITOR), (&quiet, QUIET)] {
            // A server that hangs is given up soon.
            one.edit("timeout: 60s", "timeout: 2s");
            // Both limits are passed by the same evaluation: between them a group that does not wait any more would tell of the
            // first.
            one.edit("warning: 14286ms", "warning: 20s");
            // One limit for all: which features are a little above a calibrated one differs from week to week.
            one.edit(
                "performance: {}",
                "performance: {warning: 0.2, critical: 0.2}",
            );
            let told = NOTIFICATIONS.replace("PORT", &sink.port.to_string());
            one.append(&told.replace("MONITOR", name));
            one.append(RULES);
        }
        quiet.edit(&format!("name: {MONITOR}"), &format!("name: {QUIET}"));
        let home = tempfile::tempdir().unwrap();
        let rendered = harness::operator::command()
            .args(["render", "-f"])
            .args([customers.manifest(), quiet.manifest()])
            .arg("-o")
            .arg(home.path())
            .args(["--rule-interval", "1s"])
            .args(["--grafana-url", "https://grafana.example.com"])
            .output()
            .unwrap();
        assert!(rendered.status.success(), "{rendered:?}");
        // There is no operator to be alerted about.
        std::fs::remove_file(home.path().join("rules/feature-monitor.yaml")).unwrap();
        let run = |one: &Customers| Exporter::run(&one.manifest(), one.home(), &[]);
        let (mut exporter, mut still) = (run(&customers), run(&quiet));
        for exporter in [&mut exporter, &mut still] {
            exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= 2.0);
        }
        let config = home.path().join("alertmanager.yaml");
        let alertmanager = Alertmanager::start(&config, home.path());
        let prometheus = Prometheus::start(home.path(), Some(alertmanager.port()));
        let chain = Self {
            customers,
            exporter,
            quiet,
            still,
            prometheus,
            alertmanager,
            sink,
            home,
        };
        chain.scrape();
        chain
    }

    fn scrape(&self) {
        let labels = |monitor| [("namespace", "ml-prod"), ("monitor", monitor)];
        self.prometheus.scrape(&[
            (self.exporter.port(), &labels(MONITOR)),
            (self.still.port(), &labels(QUIET)),
        ]);
    }

    fn inject(&mut self, fault: &Fault) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        match fault {
            Fault::Answers(faults) => self.customers.faults(faults),
            Fault::Freeze => self.customers.faults(&json!({"freeze": now.as_secs_f64()})),
            Fault::ServerDies => self.customers.stop(),
            Fault::ExporterDies => self.exporter.process.end(),
        }
    }

    fn repair(&mut self, fault: &Fault) {
        match fault {
            Fault::Answers(_) | Fault::Freeze => self.customers.faults(&json!({})),
            Fault::ServerDies => self.customers.start(),
            Fault::ExporterDies => {
                let (manifest, folder) = (self.customers.manifest(), self.customers.home());
                self.exporter = Exporter::run(&manifest, folder, &[]);
                // At another address, as a new pod has it.
                self.scrape();
            }
        }
    }

    /// What fires of the monitor.
    fn firing(&self) -> Vec<Firing> {
        let firing = self.prometheus.firing().unwrap_or_default();
        let own = |alert: &Firing| alert.labels["monitor"] == MONITOR;
        firing.into_iter().filter(own).collect()
    }

    /// Waits until what fires satisfies `holds`; how long that took.
    fn wait(&self, what: &str, holds: impl Fn(&[Firing]) -> bool) -> Duration {
        let begun = Instant::now();
        loop {
            let firing = self.firing();
            if holds(&firing) {
                return begun.elapsed();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: {firing:#?}\n{}",
                self.exporter.log()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Names and severities of everything that fired of a monitor within some seconds.
    fn fired(&self, monitor: &str, within: Duration) -> BTreeSet<(String, String)> {
        // Whole seconds, so that it does not reach back to the fault before.
        let seconds = within.as_secs();
        let all = format!("ALERTS{{monitor=\"{monitor}\",alertstate=\"firing\"}}[{seconds}s]");
        let query = format!("count by (alertname, severity) (count_over_time({all}))");
        let found = self.prometheus.query(&query).unwrap();
        let named = found.into_iter().map(|(labels, _)| {
            let label = |name: &str| labels[name].clone();
            (label("alertname"), label("severity"))
        });
        named.collect()
    }
}

fn is(alert: &Firing, told: &Told) -> bool {
    let (name, severity, feature, reason) = *told;
    let label = |name: &str| alert.labels.get(name).map_or("", String::as_str);
    label("alertname") == name
        && label("severity") == severity
        && label("feature") == feature
        && reason.is_none_or(|reason| label("reason") == reason)
}

/// A message in short: who was told, of which alert, and whether it began or ended.
type Short = (String, String, String);

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
fn since(messages: &[Message], moment: jiff::Timestamp) -> Vec<Short> {
    let mut all: Vec<Short> = Vec::new();
    for message in messages {
        let body = message.json();
        let of_before = |alert: &Value| {
            let began: Option<jiff::Timestamp> = alert["startsAt"].as_str()?.parse().ok();
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

/// The messages that a case must lead to, and no other.
fn expected(case: &Case) -> Vec<Short> {
    let mut all = Vec::new();
    let mut told = |receiver: &str, name: &str| {
        for status in ["firing", "resolved"] {
            let path = format!("/{MONITOR}/{receiver}");
            all.push((path, name.to_owned(), status.to_owned()));
        }
    };
    for (name, severity, ..) in case.told {
        let receiver = match *severity {
            "critical" => "page",
            _ => "chat",
        };
        told(receiver, name);
    }
    if case.escalates {
        told("lead", ESCALATED);
    }
    all.sort();
    all
}

#[test]
fn every_fault_is_told_by_its_alert_and_ends_with_it() {
    let mut chain = Chain::start();
    let begun = Instant::now();
    chain.wait("nothing fires before", |firing| firing.is_empty());
    let mut lines = String::new();
    for case in cases() {
        let (injected, moment) = (Instant::now(), jiff::Timestamp::now());
        let before = chain.sink.messages().len();
        chain.inject(&case.fault);
        let told = |firing: &[Firing]| {
            let one = |told| firing.iter().any(|alert| is(alert, told));
            let escalated = |alert: &Firing| alert.labels["alertname"] == ESCALATED;
            case.told.iter().all(one) && (!case.escalates || firing.iter().any(escalated))
        };
        let detected = chain.wait(case.what, told);
        for alert in chain.firing() {
            says_what_it_should(&alert);
        }
        let expected = expected(&case);
        let firing = expected.iter().filter(|(.., status)| status == "firing");
        let firing: Vec<&Short> = firing.collect();
        chain.sink.wait(case.what, |messages| {
            let came = since(&messages[before..], moment);
            firing.iter().all(|message| came.contains(message))
        });
        chain.repair(&case.fault);
        let ended = chain.wait(&format!("{} and is repaired", case.what), |firing| {
            firing.is_empty()
        });
        let messages = chain.sink.wait(case.what, |messages| {
            let came = since(&messages[before..], moment);
            expected.iter().all(|message| came.contains(message))
        });
        let mut came = since(&messages[before..], moment);
        came.sort();
        let alerts: Vec<Value> = messages[before..]
            .iter()
            .map(|message| message.json()["alerts"].clone())
            .collect();
        let log = chain.alertmanager.log();
        assert_eq!(came, expected, "{}\n{alerts:#?}\n{log}", case.what);
        for message in &messages[before..] {
            for alert in message.json()["alerts"].as_array().unwrap() {
                says_what_it_should(&Firing {
                    labels: http::texts(&alert["labels"]),
                    annotations: http::texts(&alert["annotations"]),
                });
            }
        }
        let names: BTreeSet<&str> = case.told.iter().map(|told| told.0).collect();
        let mut inhibited = BTreeSet::new();
        for (name, severity) in chain.fired(MONITOR, injected.elapsed()) {
            let known = names.contains(name.as_str()) || case.with.contains(&name.as_str());
            assert!(
                known || (case.escalates && name == ESCALATED),
                "{}: {name} ({severity}) fired too",
                case.what
            );
            let told = |told: &Told| told.0 == name && told.1 == severity;
            if name != ESCALATED && !case.told.iter().any(told) {
                inhibited.insert(format!("{name} ({severity})"));
            }
        }
        let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
        lines.push_str(&format!(
            "{:<34} {:<44} {:>6.1} s {:>9} {:>6.1} s  {}\n",
            case.what,
            list(names.into_iter().map(str::to_owned).collect()),
            detected.as_secs_f64(),
            came.len(),
            ended.as_secs_f64(),
            list(inhibited)
        ));
    }
    let quiet = chain.fired(QUIET, begun.elapsed());
    assert!(
        quiet.is_empty(),
        "nothing changed, and these fired: {quiet:?}"
    );
    let judged = chain
        .still
        .wait_for_metric("featuremonitor_windows_judged_total", |n| n > 2.0);
    let judged = judged.find("featuremonitor_windows_judged_total").unwrap();
    // Past the test runner, which shows the output of tests that fail only.
    let head = format!(
        "{:<34} {:<44} {:>8} {:>9} {:>8}  {}\n",
        "fault", "alert", "detected", "messages", "ended", "inhibited"
    );
    let _ = write!(
        std::io::stderr(),
        "\n{head}{lines}nothing changed for {:.0} s and {judged} windows: no alert\n\n",
        begun.elapsed().as_secs_f64()
    );
    drop(chain.quiet);
    drop(chain.home);
}

/// Templates are expanded, and lead to the board with what the alert is about.
fn says_what_it_should(alert: &Firing) {
    let says = |name: &str| alert.annotations[name].clone();
    let description = says("description");
    for bad in ["{{", "<no value>", "not known", "error", "NaN"] {
        assert!(!description.contains(bad), "{description}");
    }
    assert!(description.contains(MONITOR), "{description}");
    let url = says("dashboard_url");
    assert!(url.contains(&format!("var-monitor={MONITOR}")), "{url}");
    assert!(says("runbook_url").contains(&alert.labels["alertname"]));
    assert_eq!(alert.labels["team"], "growth-ml");
    assert_eq!(alert.labels["namespace"], "ml-prod");
    if let Some(feature) = alert.labels.get("feature") {
        assert!(url.contains(&format!("var-feature={feature}")), "{url}");
    }
}
