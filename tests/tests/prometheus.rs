//! A real Prometheus scrapes a real exporter, and promtool has no complaint about what it finds there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use harness::customers::Customers;
use harness::exporter::Exporter;
use harness::prometheus::Prometheus;
use harness::{http, tools};

#[test]
fn prometheus_scrapes_what_the_exporter_serves() {
    let customers = Customers::replay(2, 600);
    let mut exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
    exporter.wait_for_metric("featuremonitor_windows_judged_total", |judged| {
        judged >= 2.0
    });
    let prometheus = Prometheus::start(customers.home(), None);
    prometheus.scrape(&[(exporter.port(), &[])]);
    let mut value = |query: &str| exporter.wait_for(query, |_| prometheus.value(query));
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
