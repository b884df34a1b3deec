//! A real Prometheus scrapes a real exporter, and promtool has no complaint about what it finds there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Stdio};

use harness::customers::Customers;
use harness::exporter::Exporter;
use harness::process::Process;
use harness::{http, tools};
use serde_json::Value;

/// Ends with the test.
struct Prometheus {
    _process: Process,
    port: u16,
}

impl Prometheus {
    /// Scrapes `target` every second.
    fn scraping(target: u16, home: &std::path::Path) -> Self {
        let config = home.join("prometheus.yml");
        std::fs::write(
            &config,
            format!(
                "scrape_configs:\n- job_name: exporter\n  scrape_interval: 1s\n  honor_labels: true\n  static_configs:\n  - targets: ['127.0.0.1:{target}']\n"
            ),
        )
        .unwrap();
        let port = http::free_port();
        let child =
            Command::new(tools::tool("prometheus").unwrap_or_else(|error| panic!("{error}")))
                .arg(format!("--config.file={}", config.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    home.join("tsdb").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
        Self {
            _process: Process(child),
            port,
        }
    }

    /// The value of a query that has one, or nothing yet.
    fn query(&self, query: &str) -> Option<f64> {
        let escaped: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let body = http::get(self.port, &format!("/api/v1/query?query={escaped}")).ok()?;
        let answer: Value = serde_json::from_str(&body).ok()?;
        answer["data"]["result"][0]["value"][1]
            .as_str()?
            .parse()
            .ok()
    }
}

#[test]
fn prometheus_scrapes_what_the_exporter_serves() {
    let customers = Customers::replay(2, 600);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    exporter.wait_for_metric("featuremonitor_windows_judged_total", |judged| {
        judged >= 2.0
    });
    let prometheus = Prometheus::scraping(exporter.port(), customers.home());
    let mut value = |query: &str| exporter.wait_for(query, |_| prometheus.query(query));
    assert_eq!(value("up"), 1.0);
    assert_eq!(
        value("featuremonitor_source_up{namespace=\"ml-prod\",monitor=\"customer-segmentation\"}"),
        1.0
    );
    assert_eq!(value("count(featuremonitor_feature_rows)"), 38.0);
    assert_eq!(value("featuremonitor_windows_judged_total"), 2.0);
    assert_eq!(value("count(featuremonitor_drift_moving == 1)"), 1.0);
    // Everything that was scraped was stored: nothing twice, nothing out of order, nothing refused.
    assert_eq!(
        value("scrape_samples_scraped - scrape_samples_post_metric_relabeling"),
        0.0
    );
    let scrape = http::get(exporter.port(), "/metrics").unwrap();
    assert!(
        scrape.contains("\nfeaturemonitor_feature_rows{"),
        "{scrape}"
    );
    let checked = tools::promtool(&["check", "metrics"], &scrape);
    assert_eq!(checked, Ok(()));
    exporter.terminate();
}
