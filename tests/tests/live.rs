//! The chain as it runs: a Flight server with the weekly customers, an exporter, and a Prometheus with the rules that
//! `render` writes. One thing goes wrong after the other; each is told by its alert and by nothing that is not written
//! beside it, and ends after repair. Beside it a second monitor, whose data never changes, alerts about nothing.
//!
//! Time is short, not mocked: a week takes ten seconds, features and rules are evaluated every second.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harness::customers::Customers;
use harness::exporter::Exporter;
use harness::prometheus::{Firing, Prometheus};
use serde_json::{Value, json};

const WEEK_SECONDS: u64 = 10;
const MONITOR: &str = "customer-segmentation";
const QUIET: &str = "quiet";
/// How long an alert may take on a busy machine. It waits for a window to be complete and then to hold for some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

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
    /// What must fire.
    told: &'static [Told],
    /// What may fire too, since it is a consequence: names.
    with: &'static [&'static str],
}

/// A source that is down brings no newer events, and windows wait for it.
const WAITING: &[&str] = &[
    "FeatureDataStale",
    "FeatureStale",
    "FeatureMonitorFallingBehind",
];

/// A column that is not there has no newer events, and cannot be judged.
const GONE: &[&str] = &["FeatureStale", "FeatureMonitorNotJudging"];

fn cases() -> Vec<Case> {
    const FEATURE: &str = "monetary_28d";
    let answers = Fault::Answers;
    let down: &[Told] = &[("FeatureMonitorSourceDown", "critical", "", None)];
    let case = |what, fault, told, with| Case {
        what,
        fault,
        told,
        with,
    };
    vec![
        case("the server is killed", Fault::ServerDies, down, WAITING),
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
            &["FeatureStale", "FeatureMonitorNotJudging"],
        ),
        case(
            "30 % nulls in one feature",
            answers(json!({"nulls": {FEATURE: 0.3}})),
            &[("FeatureMissingData", "critical", FEATURE, None)],
            &[],
        ),
        case(
            "a feature is shifted",
            answers(json!({"shift": {FEATURE: 50}})),
            &[("FeatureDrift", "critical", FEATURE, None)],
            &[],
        ),
        case(
            "a category that never occurred",
            answers(json!({"unseen": {"home_store": 0.3}})),
            &[("FeatureDrift", "critical", "home_store", None)],
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
    home: tempfile::TempDir,
}

impl Chain {
    fn start() -> Self {
        let (customers, quiet) = (
            Customers::unchanging(2, WEEK_SECONDS),
            Customers::unchanging(2, WEEK_SECONDS),
        );
        for one in [&customers, &quiet] {
            // A server that hangs is given up soon.
            one.edit("timeout: 60s", "timeout: 2s");
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
        let prometheus = Prometheus::start(home.path());
        let chain = Self {
            customers,
            exporter,
            quiet,
            still,
            prometheus,
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

#[test]
fn every_fault_is_told_by_its_alert_and_ends_with_it() {
    let mut chain = Chain::start();
    let begun = Instant::now();
    chain.wait("nothing fires before", |firing| firing.is_empty());
    let mut lines = String::new();
    for case in cases() {
        let injected = Instant::now();
        chain.inject(&case.fault);
        let told = |firing: &[Firing]| {
            let one = |told| firing.iter().any(|alert| is(alert, told));
            case.told.iter().all(one)
        };
        let detected = chain.wait(case.what, told);
        for alert in chain.firing() {
            says_what_it_should(&alert);
        }
        chain.repair(&case.fault);
        let ended = chain.wait(&format!("{} and is repaired", case.what), |firing| {
            firing.is_empty()
        });
        let expected: BTreeSet<&str> = case.told.iter().map(|told| told.0).collect();
        for (name, severity) in chain.fired(MONITOR, injected.elapsed()) {
            let known = expected.contains(name.as_str()) || case.with.contains(&name.as_str());
            assert!(known, "{}: {name} ({severity}) fired too", case.what);
        }
        let names: Vec<&str> = expected.into_iter().collect();
        lines.push_str(&format!(
            "{:<32} {:<52} {:>8.1} s {:>8.1} s\n",
            case.what,
            names.join(", "),
            detected.as_secs_f64(),
            ended.as_secs_f64()
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
        "{:<32} {:<52} {:>10} {:>10}\n",
        "fault", "alert", "detected", "ended"
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
