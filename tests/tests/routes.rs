//! Who is told of what: the configuration of Alertmanager that `feature-monitor-operator render` writes, judged by amtool and
//! by a real Alertmanager that sends to a listener of ours.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use harness::alertmanager::Alertmanager;
use harness::customers::workspace;
use harness::sink::{Message, Sink};
use harness::tools;
use serde_json::{Value, json};

const EVERYBODY: &str = "
  notifications:
    receivers:
      - {name: oncall, webhook: {url: http://127.0.0.1:9/oncall}}
      - {name: data, webhook: {url: http://127.0.0.1:9/data}}
      - {name: chat, webhook: {url: http://127.0.0.1:9/chat}}
      - {name: lead, webhook: {url: http://127.0.0.1:9/lead}}
      - {name: head, webhook: {url: http://127.0.0.1:9/head}}
    routes:
      - {match: {severity: Critical, check: [Schema, Missing]}, to: [data, oncall]}
      - {match: {severity: Critical}, to: [oncall]}
      - {match: {team: [risk]}, to: [head]}
      - {match: {severity: Warning, check: [Drift, Missing], team: [growth-ml, risk]}, to: [chat]}
    escalation:
      - {after: 30m, match: {severity: Critical}, to: [lead]}
      - {after: 2h, match: {severity: Critical, check: [Availability]}, to: [head, lead]}
    mute:
      - {name: nights, timeZone: Europe/Berlin, match: {check: [Drift]}, times: [{from: \"20:00\", to: \"07:00\"}]}
";

/// What `render` writes of some manifests; the configuration is checked by amtool.
fn render(folder: &Path, manifests: &[&Path]) -> PathBuf {
    let output = harness::operator::command()
        .args(["render", "-f"])
        .args(manifests)
        .arg("-o")
        .arg(folder)
        .arg("--secrets-dir")
        .arg(folder.join("secrets"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let config = folder.join("alertmanager.yaml");
    let said = amtool(&["check-config", config.to_str().unwrap()]);
    assert!(said.contains("SUCCESS"), "{said}");
    config
}

fn amtool(arguments: &[&str]) -> String {
    let output = Command::new(tools::tool("amtool").unwrap_or_else(|error| panic!("{error}")))
        .args(arguments)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

fn example(name: &str) -> PathBuf {
    workspace().join("crds/examples").join(name)
}

/// The customers' manifest with notifications.
fn customers(folder: &Path, notifications: &str) -> PathBuf {
    let text = std::fs::read_to_string(example("customer-segmentation.yaml")).unwrap();
    let manifest = folder.join("customers.yaml");
    std::fs::write(&manifest, text + notifications).unwrap();
    manifest
}

#[test]
fn every_sort_of_alert_goes_where_the_manifest_says() {
    let folder = tempfile::tempdir().unwrap();
    let customers = customers(folder.path(), EVERYBODY);
    let config = render(folder.path(), &[&customers, &example("warehouse-sql.yaml")]);
    let check = |monitor: &str, severity: &str, about: &str, level: &str, to: &[&str]| {
        let labels = [
            ("namespace", "ml-prod"),
            ("monitor", monitor),
            ("severity", severity),
            ("check", about),
            ("escalation_level", level),
        ];
        let labels = labels.iter().filter(|(_, value)| !value.is_empty());
        let labels: Vec<String> = labels
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let file = format!("--config.file={}", config.display());
        let mut arguments = vec!["config", "routes", "test", file.as_str()];
        arguments.extend(labels.iter().map(String::as_str));
        let expected: Vec<String> = match to {
            [] => vec!["nobody".to_owned()],
            to => to
                .iter()
                .map(|to| format!("ml-prod/{monitor}/{to}"))
                .collect(),
        };
        let found = amtool(&arguments);
        assert_eq!(found.trim(), expected.join(","), "{labels:?}");
    };
    let ours = |severity, about, level, to: &[&str]| {
        check("customer-segmentation", severity, about, level, to);
    };
    for about in ["availability", "freshness", "drift", "quality"] {
        ours("critical", about, "", &["oncall"]);
    }
    for about in ["schema", "missing"] {
        ours("critical", about, "", &["data", "oncall"]);
    }
    for about in ["drift", "missing"] {
        ours("warning", about, "", &["chat"]);
    }
    for about in ["availability", "schema", "freshness", "quality"] {
        ours("warning", about, "", &[]);
    }
    let all = [
        "availability",
        "schema",
        "freshness",
        "drift",
        "missing",
        "quality",
    ];
    for about in all {
        ours("critical", about, "2", &["lead"]);
        ours("critical", about, "3", &["head", "lead"]);
        // The other monitor's people are others, though both are in one namespace.
        check("churn-features", "critical", about, "", &["oncall", "chat"]);
        check("churn-features", "warning", about, "", &["chat"]);
        check("churn-features", "critical", about, "2", &["lead"]);
        check("somebody-elses", "critical", about, "", &[]);
    }
}

/// What a manifest says of times becomes intervals within days, muting what it names and nothing else.
#[test]
fn a_night_mutes_only_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let customers = customers(folder.path(), EVERYBODY);
    let config = render(folder.path(), &[&customers]);
    let config: Value = serde_saphyr::from_str(&std::fs::read_to_string(config).unwrap()).unwrap();
    let days: Vec<&str> = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ]
    .to_vec();
    let night = "ml-prod/customer-segmentation/nights";
    let interval = |from: &str, to: &str| {
        json!({
            "times": [{"start_time": from, "end_time": to}],
            "weekdays": days,
            "location": "Europe/Berlin",
        })
    };
    assert_eq!(
        config["time_intervals"],
        json!([{"name": night, "time_intervals": [interval("20:00", "24:00"), interval("00:00", "07:00")]}])
    );
    let mut muted = Vec::new();
    walk(&config["route"], &mut |route| {
        if route["mute_time_intervals"] == json!([night]) {
            muted.push(route["matchers"].to_string());
        }
    });
    let drift =
        |severity: &str| json!([format!("severity=\"{severity}\""), "check=\"drift\""]).to_string();
    // Both levels of the escalation, the critical route, and the warnings.
    assert!(muted.contains(&drift("critical")), "{muted:?}");
    assert!(muted.contains(&drift("warning")), "{muted:?}");
    assert!(
        muted
            .iter()
            .all(|matchers| matchers == "null" || matchers.contains("check=\\\"drift\\\"")),
        "{muted:?}"
    );
}

fn walk(route: &Value, visit: &mut impl FnMut(&Value)) {
    visit(route);
    for below in route["routes"].as_array().into_iter().flatten() {
        walk(below, visit);
    }
}

/// A whole day, whichever it is: what is muted is not told, the rest is.
#[test]
fn nobody_is_told_in_a_muted_time() {
    let sink = Sink::start();
    let folder = tempfile::tempdir().unwrap();
    let notifications = format!(
        "
  notifications:
    groupWait: 0s
    receivers:
      - {{name: all, webhook: {{url: http://127.0.0.1:{}/all}}}}
    routes: [{{to: [all]}}]
    mute:
      - {{name: always, match: {{severity: Warning}}, times: [{{from: \"00:00\", to: \"24:00\"}}]}}
",
        sink.port
    );
    let customers = customers(folder.path(), &notifications);
    let alertmanager = Alertmanager::start(&render(folder.path(), &[&customers]), folder.path());
    // A muted message is not sent later than one that is not.
    alertmanager.fire(&[alert("FeatureDrift", "warning", "drift", "age")]);
    alertmanager.fire(&[alert("FeatureStale", "critical", "freshness", "age")]);
    let messages = sink.wait("the critical one is told", |messages| !messages.is_empty());
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(sink.messages().len(), messages.len());
    assert_eq!(
        messages[0].json()["groupLabels"]["alertname"],
        "FeatureStale"
    );
}

fn alert(name: &str, severity: &str, about: &str, feature: &str) -> BTreeMap<String, String> {
    let labels = [
        ("alertname", name),
        ("namespace", "ml-prod"),
        ("monitor", "customer-segmentation"),
        ("severity", severity),
        ("check", about),
        ("team", "growth-ml"),
        ("feature", feature),
    ];
    let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
    labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn with(mut alert: BTreeMap<String, String>, label: &str, value: &str) -> BTreeMap<String, String> {
    alert.insert(label.to_owned(), value.to_owned());
    alert
}

/// What of some alerts is kept from being told, as `name severity check feature`.
#[test]
fn one_fault_is_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let customers = customers(folder.path(), EVERYBODY);
    let config = render(folder.path(), &[&customers]);
    let check = |alerts: Vec<(BTreeMap<String, String>, bool)>| {
        let home = tempfile::tempdir().unwrap();
        let alertmanager = Alertmanager::start(&config, home.path());
        let labels: Vec<_> = alerts.iter().map(|(labels, _)| labels.clone()).collect();
        alertmanager.fire(&labels);
        let inhibited = alerts.iter().filter(|(_, inhibited)| *inhibited).count();
        let held = alertmanager.held(alerts.len(), inhibited);
        assert_eq!(held.len(), alerts.len());
        for held in held {
            let expected = alerts.iter().find(|(labels, _)| *labels == held.labels);
            assert_eq!(held.inhibited, expected.unwrap().1, "{:?}", held.labels);
        }
    };
    let objective = |severity| {
        let burning = alert("FeatureSloBudgetBurning", severity, "drift", "");
        with(burning, "sloth_slo", "steady")
    };
    let escalated = |name: &str, severity, about, feature| {
        let on = with(
            alert("FeatureAlertEscalated", severity, about, feature),
            "source_alertname",
            name,
        );
        with(on, "escalation_level", "2")
    };
    let other = |alert| with(alert, "monitor", "another");
    // Worse than the same.
    check(vec![
        (alert("FeatureDrift", "critical", "drift", "age"), false),
        (alert("FeatureDrift", "warning", "drift", "age"), true),
        (alert("FeatureDrift", "warning", "drift", "income"), false),
        (
            alert("FeatureMissingData", "warning", "missing", "age"),
            false,
        ),
        (objective("warning"), false),
        (
            other(alert("FeatureDrift", "warning", "drift", "age")),
            false,
        ),
        (escalated("FeatureDrift", "critical", "drift", "age"), false),
    ]);
    // Values that should not be are distributed otherwise, too.
    check(vec![
        (
            alert("FeatureInvalidValues", "critical", "quality", "age"),
            false,
        ),
        (
            alert("FeatureInvalidValues", "warning", "quality", "age"),
            true,
        ),
        (alert("FeatureDrift", "critical", "drift", "age"), true),
        (alert("FeatureDrift", "warning", "drift", "age"), true),
        (alert("FeatureDrift", "critical", "drift", "income"), false),
        (
            other(alert("FeatureDrift", "critical", "drift", "age")),
            false,
        ),
        (
            alert("FeatureOutliers", "critical", "outliers", "age"),
            true,
        ),
    ]);
    // Where all of a distribution has moved, much of it is far out.
    check(vec![
        (alert("FeatureDrift", "critical", "drift", "age"), false),
        (
            alert("FeatureOutliers", "critical", "outliers", "age"),
            true,
        ),
        (
            alert("FeatureOutliers", "critical", "outliers", "income"),
            false,
        ),
    ]);
    // Alerts of other programs are left alone.
    let without_monitor = |severity| {
        let mut alert = alert("Theirs", severity, "", "");
        alert.remove("monitor");
        alert
    };
    check(vec![
        (without_monitor("critical"), false),
        (without_monitor("warning"), false),
    ]);
    // An exporter that is down hides all of its monitor.
    check(vec![
        (
            alert("FeatureMonitorExporterDown", "critical", "availability", ""),
            false,
        ),
        (
            alert("FeatureMonitorSourceDown", "critical", "availability", ""),
            true,
        ),
        (alert("FeatureMonitorNotReady", "warning", "", ""), true),
        (alert("FeatureDrift", "critical", "drift", "age"), true),
        (objective("critical"), false),
        (
            escalated("FeatureMonitorExporterDown", "critical", "availability", ""),
            false,
        ),
        (escalated("FeatureDrift", "critical", "drift", "age"), true),
        (
            other(alert("FeatureDrift", "critical", "drift", "age")),
            false,
        ),
    ]);
    // A source that is down hides what is said of features, and that windows wait.
    check(vec![
        (
            alert("FeatureMonitorSourceDown", "critical", "availability", ""),
            false,
        ),
        (
            alert("FeatureMonitorFallingBehind", "warning", "availability", ""),
            true,
        ),
        (alert("FeatureDataStale", "critical", "freshness", ""), true),
        (alert("FeatureAbsent", "critical", "schema", "age"), true),
        (objective("critical"), false),
    ]);
    // Stale data hides the rest that is said of values; a warning hides no more than warnings.
    check(vec![
        (
            alert("FeatureDataStale", "critical", "freshness", ""),
            false,
        ),
        (alert("FeatureStale", "critical", "freshness", "age"), true),
        (alert("FeatureDrift", "critical", "drift", "age"), true),
        (
            alert("FeatureMonitorNotJudging", "warning", "drift", ""),
            true,
        ),
        (alert("FeatureAbsent", "critical", "schema", "age"), false),
    ]);
    check(vec![
        (alert("FeatureDataStale", "warning", "freshness", ""), false),
        (alert("FeatureStale", "warning", "freshness", "age"), true),
        (alert("FeatureDrift", "critical", "drift", "age"), false),
        (alert("FeatureDrift", "warning", "drift", "income"), true),
    ]);
    // A column that is gone.
    let of_schema = |name: &str, reason| {
        let alert = alert(name, "critical", "schema", "age");
        with(alert, "reason", reason)
    };
    check(vec![
        (of_schema("FeatureAbsent", "missing"), false),
        (alert("FeatureStale", "critical", "freshness", "age"), true),
        (
            alert("FeatureStale", "critical", "freshness", "income"),
            false,
        ),
        (
            alert("FeatureMonitorNotJudging", "warning", "drift", ""),
            true,
        ),
        (alert("FeatureRuleBroken", "warning", "rules", ""), true),
    ]);
    // One that has become constant is still judged, and breaks no rule.
    check(vec![
        (of_schema("FeatureConstant", "constant"), false),
        (alert("FeatureDrift", "critical", "drift", "age"), true),
        (
            alert("FeatureMonitorNotJudging", "warning", "drift", ""),
            false,
        ),
        (alert("FeatureRuleBroken", "warning", "rules", ""), false),
    ]);
}

/// Each kind of receiver gets what its service takes, with its secret from a file, and a text that says what, how bad, whose
/// and where to look.
#[test]
fn every_kind_of_receiver_is_told() {
    let sink = Sink::start();
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| format!("http://127.0.0.1:{}/{path}", sink.port);
    let secrets = [
        ("slack/url", at("slack")),
        ("teams/url", at("teams")),
        ("pagerduty/routing-key", "the-routing-key".to_owned()),
        ("opsgenie/api-key", "the-api-key".to_owned()),
        ("smtp/password", "the-password".to_owned()),
        ("hook/url", at("secret-hook")),
        ("hook/token", "the-token".to_owned()),
    ];
    for (path, secret) in secrets {
        let file = folder.path().join("secrets/ml-prod").join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, secret).unwrap();
    }
    let notifications = format!(
        "
  notifications:
    groupWait: 1s
    groupInterval: 1s
    receivers:
      - {{name: slack, slack: {{url: {{secretRef: {{name: slack, key: url}}}}, channel: \"#growth-ml\"}}}}
      - {{name: teams, teams: {{url: {{secretRef: {{name: teams, key: url}}}}}}}}
      - {{name: pagerduty, pagerduty: {{routingKey: {{secretRef: {{name: pagerduty, key: routing-key}}}}, url: \"{}\"}}}}
      - {{name: opsgenie, opsgenie: {{apiKey: {{secretRef: {{name: opsgenie, key: api-key}}}}, url: \"{}\"}}}}
      - name: mail
        email:
          to: [lead@example.com, head@example.com]
          from: alerts@example.com
          smarthost: 127.0.0.1:{}
          username: alerts
          password: {{secretRef: {{name: smtp, key: password}}}}
          requireTLS: false
      - {{name: hook, webhook: {{url: \"{}\", bearer: {{secretRef: {{name: hook, key: token}}}}}}}}
      - {{name: secret-hook, webhook: {{secretUrl: {{secretRef: {{name: hook, key: url}}}}}}}}
    routes: [{{to: [slack, teams, pagerduty, opsgenie, mail, hook, secret-hook]}}]
",
        at("pagerduty"),
        at("opsgenie/"),
        sink.mail_port,
        at("hook"),
    );
    let manifest = customers(folder.path(), &notifications);
    let config = render(folder.path(), &[&manifest]);
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(!text.contains("the-"), "{text}");
    let alertmanager = Alertmanager::start(&config, folder.path());
    let many = (0..12).map(|number| {
        alert(
            "FeatureDrift",
            "critical",
            "drift",
            &format!("feature-{number}"),
        )
    });
    alertmanager.fire(&many.collect::<Vec<_>>());
    const PATHS: [&str; 7] = [
        "/slack",
        "/teams",
        "/pagerduty",
        "/opsgenie/v2/alerts",
        "smtp",
        "/hook",
        "/secret-hook",
    ];
    let find = |messages: &[Message], path: &str| messages.iter().find(|m| m.path == path).cloned();
    let messages = sink.wait("all are told", |messages| {
        PATHS.iter().all(|path| find(messages, path).is_some())
    });
    let message = |path: &str| find(&messages, path).unwrap();

    let title = "CRITICAL: FeatureDrift of ml-prod/customer-segmentation (12 alerts)";
    let says = |text: &str| {
        for part in [
            "A summary.",
            "What FeatureDrift found.",
            "Board: https://grafana.example.com/board",
            "and others: 12 in all.",
            "Runbook: https://git.example.com/runbook",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert_eq!(text.matches("What FeatureDrift found.").count(), 10);
    };
    let slack = message("/slack").json();
    assert_eq!(slack["channel"], "#growth-ml");
    assert_eq!(slack["attachments"][0]["title"], title);
    says(slack["attachments"][0]["text"].as_str().unwrap());

    let teams = message("/teams").json().to_string();
    assert!(teams.contains(title), "{teams}");

    let pagerduty = message("/pagerduty").json();
    assert_eq!(pagerduty["routing_key"], "the-routing-key");
    assert_eq!(pagerduty["event_action"], "trigger");
    assert_eq!(pagerduty["payload"]["severity"], "critical");
    assert_eq!(pagerduty["payload"]["summary"], title);
    says(
        pagerduty["payload"]["custom_details"]["what"]
            .as_str()
            .unwrap(),
    );

    let opsgenie = message("/opsgenie/v2/alerts");
    assert_eq!(opsgenie.headers["authorization"], "GenieKey the-api-key");
    assert_eq!(opsgenie.json()["priority"], "P1");
    assert_eq!(opsgenie.json()["message"], title);

    let mail = message("smtp");
    let login = base64::engine::general_purpose::STANDARD.encode("\0alerts\0the-password");
    assert_eq!(mail.headers["AUTH"], format!("AUTH PLAIN {login}"));
    assert!(mail.headers["MAIL"].contains("alerts@example.com"));
    for part in [
        "lead@example.com",
        "head@example.com",
        "Subject: CRITICAL: FeatureDrift",
    ] {
        assert!(mail.text.contains(part), "{part} is not in {}", mail.text);
    }

    let hook = message("/hook");
    assert_eq!(hook.headers["authorization"], "Bearer the-token");
    assert_eq!(hook.json()["alerts"].as_array().unwrap().len(), 12);
    assert_eq!(message("/secret-hook").json()["status"], "firing");
}
