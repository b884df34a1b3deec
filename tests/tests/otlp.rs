//! A real OpenTelemetry collector receives the trace of each evaluation.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::customers::Customers;
use harness::exporter::Exporter;
use harness::process::Process;
use harness::{http, tools};

/// Ends with the test.
struct Collector {
    _process: Process,
    port: u16,
    log: PathBuf,
}

impl Collector {
    /// Takes traces over gRPC and prints each span.
    fn start(home: &Path) -> Self {
        let port = http::free_port();
        let (config, log) = (home.join("collector.yaml"), home.join("collector.log"));
        std::fs::write(
            &config,
            format!(
                "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{port}'}}}}}}}}\n\
                 exporters: {{debug: {{verbosity: detailed}}}}\n\
                 service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}\n"
            ),
        )
        .unwrap();
        let child = Command::new(tools::tool("otelcol").unwrap_or_else(|error| panic!("{error}")))
            .arg(format!("--config={}", config.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self {
            _process: Process(child),
            port,
            log,
        }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

#[test]
fn a_collector_receives_the_trace_of_an_evaluation() {
    let customers = Customers::replay(1, 600);
    let collector = Collector::start(customers.home());
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let mut exporter = Exporter::run(
        &customers.manifest(),
        customers.home(),
        &["--otlp.endpoint", &endpoint],
    );
    let said = exporter.wait_for("the collector has a span", |_| {
        let said = collector.said();
        said.contains(": evaluation").then_some(said)
    });
    for wanted in [
        "service.name: Str(feature-monitor-exporter)",
        "monitor: Str(customer-segmentation)",
    ] {
        assert!(said.contains(wanted), "no {wanted:?} in\n{said}");
    }
    // What is still buffered at the end is sent: the last evaluation is not lost.
    let before = said.matches(": evaluation").count();
    exporter.wait_for("one more evaluation", |port| {
        let metrics = http::get(port, "/metrics").ok()?;
        let line = metrics.lines().find(|line| {
            line.starts_with("featuremonitor_evaluations_total{")
                && line.contains("outcome=\"success\"")
        })?;
        let count: f64 = line.rsplit(' ').next()?.parse().ok()?;
        (count as usize > before).then_some(())
    });
    exporter.terminate();
    let after = collector.said().matches(": evaluation").count();
    assert!(
        after > before,
        "{before} spans before the end, {after} after"
    );
}
