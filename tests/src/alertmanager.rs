//! A real Alertmanager.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Process, Program};
use crate::{http, tools};

/// A running Alertmanager. Dropping it ends the process.
#[derive(Debug)]
pub struct Alertmanager {
    program: Program,
}

/// An alert that Alertmanager has.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether another alert keeps it from being told.
    pub inhibited: bool,
}

impl Alertmanager {
    /// Starts one with a configuration; what it keeps goes into `home`.
    ///
    /// # Panics
    ///
    /// When there is none, it refuses the configuration, or `home` cannot be written.
    pub fn start(config: &Path, home: &Path) -> Self {
        let port = http::free_port();
        let log = home.join("alertmanager.log");
        let output = std::fs::File::create(&log).expect("the folder can be written");
        let child =
            Command::new(tools::tool("alertmanager").unwrap_or_else(|error| panic!("{error}")))
                .arg(format!("--config.file={}", config.display()))
                .arg(format!(
                    "--storage.path={}",
                    home.join("alertmanager").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg("--cluster.listen-address=")
                // A group that is empty is forgotten at once: what comes next waits for what inhibits it.
                .arg("--dispatch.maintenance-interval=1s")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(output)
                .spawn()
                .expect("alertmanager starts");
        let mut program = Program {
            process: Process(child),
            port,
            log,
            patience: Duration::from_secs(60),
        };
        program.wait_for("it is ready", |port| http::get(port, "/-/ready").ok());
        Self { program }
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.program.port
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// Tells it of alerts that fire from now on.
    ///
    /// # Panics
    ///
    /// When it does not take them.
    pub fn fire(&self, alerts: &[BTreeMap<String, String>]) {
        let alerts = alerts.iter().map(|labels| {
            json!({
                "labels": labels,
                "annotations": {
                    "summary": "A summary.",
                    "description": format!("What {} found.", labels["alertname"]),
                    "runbook_url": "https://git.example.com/runbook",
                    "dashboard_url": "https://grafana.example.com/board",
                },
            })
        });
        let alerts: Value = alerts.collect();
        http::post(self.port(), "/api/v2/alerts", &alerts.to_string())
            .unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
    }

    /// The alerts that it has, as soon as there are so many, and so many of them inhibited: what keeps others from being told
    /// is known a moment after it is held. What there is after a while, where it does not come to that.
    pub fn held(&self, count: usize, inhibited: usize) -> Vec<Held> {
        let begun = Instant::now();
        loop {
            let body = http::get(self.port(), "/api/v2/alerts").unwrap_or_default();
            let answer: Value = serde_json::from_str(&body).unwrap_or_default();
            let held = answer.as_array().into_iter().flatten().map(|alert| Held {
                labels: http::texts(&alert["labels"]),
                inhibited: alert["status"]["inhibitedBy"] != json!([]),
            });
            let held: Vec<Held> = held.collect();
            let kept = held.iter().filter(|alert| alert.inhibited).count();
            let settled = held.len() == count && kept >= inhibited;
            if settled || begun.elapsed() > Duration::from_secs(20) {
                return held;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
