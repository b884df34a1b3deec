//! A real Prometheus that scrapes what a test gives it and evaluates the rules that lie in its folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::http::texts;
use crate::process::Process;
use crate::{file, http, tools};

/// A running Prometheus. Dropping it ends the process.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    port: u16,
    targets: PathBuf,
}

/// Labels and values.
pub type Results = Vec<(BTreeMap<String, String>, f64)>;

/// An alert that fires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firing {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it says.
    pub annotations: BTreeMap<String, String>,
}

impl Prometheus {
    /// Starts one that scrapes [`Self::scrape`]'s targets every second, loads `home/rules/*.yaml`, and tells an Alertmanager
    /// at this port what fires.
    ///
    /// # Panics
    ///
    /// When there is no Prometheus, or the folder cannot be written.
    pub fn start(home: &Path, alertmanager: Option<u16>) -> Self {
        let targets = home.join("targets.json");
        std::fs::write(&targets, "[]").expect("the folder can be written");
        let config = home.join("prometheus.yml");
        let rules = home.join("rules/*.yaml");
        let alertmanagers = alertmanager
            .iter()
            .map(|port| json!({"static_configs": [{"targets": [format!("127.0.0.1:{port}")]}]}));
        let text = json!({
            "alerting": {"alertmanagers": alertmanagers.collect::<Value>()},
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [rules],
            "scrape_configs": [{
                "job_name": "exporter",
                "honor_labels": true,
                "file_sd_configs": [{"files": [targets], "refresh_interval": "1s"}],
            }],
        });
        std::fs::write(&config, text.to_string()).expect("the folder can be written");
        let port = http::free_port();
        let child =
            Command::new(tools::tool("prometheus").unwrap_or_else(|error| panic!("{error}")))
                .arg(format!("--config.file={}", config.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    home.join("tsdb").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                // Alertmanager goes on for four times as long with an alert that it hears no more of: a busy machine may be late.
                .arg("--rules.alert.resend-delay=30s")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("prometheus starts");
        Self {
            _process: Process(child),
            port,
            targets,
        }
    }

    /// Scrapes these ports from now on, each with its labels, and no other.
    ///
    /// # Panics
    ///
    /// When the folder cannot be written.
    pub fn scrape(&self, targets: &[(u16, &[(&str, &str)])]) {
        let groups: Vec<Value> = targets
            .iter()
            .map(|(port, labels)| {
                let labels: BTreeMap<_, _> = labels.iter().copied().collect();
                json!({"targets": [format!("127.0.0.1:{port}")], "labels": labels})
            })
            .collect();
        file::write(&self.targets, &json!(groups).to_string());
    }

    /// The results of a query, with their labels; nothing while Prometheus does not answer.
    pub fn query(&self, query: &str) -> Option<Results> {
        self::query(self.port, query)
    }

    /// The value of a query that has one, or nothing yet.
    pub fn value(&self, query: &str) -> Option<f64> {
        self.query(query)?.first().map(|(_, value)| *value)
    }

    /// Whether it tells an Alertmanager what fires: it knows none yet when it starts.
    pub fn tells_somebody(&self) -> bool {
        let known = ask(self.port, "alertmanagers");
        known.is_some_and(|known| known["activeAlertmanagers"] != json!([]))
    }

    /// What fires; nothing while Prometheus does not answer.
    pub fn firing(&self) -> Option<Vec<Firing>> {
        let data = ask(self.port, "alerts")?;
        let alerts = data["alerts"].as_array()?.iter();
        let firing = alerts.filter(|alert| alert["state"] == "firing");
        let firing = firing.map(|alert| Firing {
            labels: texts(&alert["labels"]),
            annotations: texts(&alert["annotations"]),
        });
        Some(firing.collect())
    }
}

/// The results of a query, with their labels, from the Prometheus that listens on a port of 127.0.0.1; nothing while it does
/// not answer.
pub fn query(port: u16, query: &str) -> Option<Results> {
    let data = ask(port, &format!("query?query={}", http::escaped(query)))?;
    let results = data["result"].as_array()?.iter().map(|result| {
        let value = result["value"][1].as_str()?.parse().ok()?;
        Some((texts(&result["metric"]), value))
    });
    results.collect()
}

/// What it answers to another question of its API, such as `rules`; nothing while it does not answer.
pub fn ask(port: u16, what: &str) -> Option<Value> {
    let body = http::get(port, &format!("/api/v1/{what}")).ok()?;
    let answer: Value = serde_json::from_str(&body).ok()?;
    Some(answer["data"].clone())
}
