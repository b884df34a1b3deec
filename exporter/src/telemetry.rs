//! Logs for people or machines, and traces to an OpenTelemetry collector where one is named.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use program::log::{LevelError, lines};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

use crate::cli::Log;

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `--log.level` is not a filter.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// `--otlp.endpoint` cannot be used.
    #[error("--otlp.endpoint {given:?} cannot be used: {source}")]
    Endpoint {
        /// What was given.
        given: String,
        /// What is wrong with it.
        source: ExporterBuildError,
    },
}

/// Sends what is still buffered when it is dropped at the end of the program.
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Starts logging to standard error and, with an endpoint, tracing over OTLP/gRPC. Called once,
/// inside the async runtime.
pub fn start(log: &Log, quiet: bool) -> Result<Telemetry, TelemetryError> {
    let usual = if quiet { "warn" } else { "info" };
    let level = log.level.as_deref().unwrap_or(usual);
    let lines = lines(log.format, level)?;
    let provider = log.otlp_endpoint.as_deref().map(provider).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("feature-monitor-exporter"))
    });
    tracing_subscriber::registry()
        .with(lines)
        .with(traces.with_filter(EnvFilter::new("exporter=info")))
        .init();
    Ok(Telemetry(provider))
}

fn provider(endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(|source| TelemetryError::Endpoint {
            given: endpoint.to_owned(),
            source,
        })?;
    let resource = Resource::builder()
        .with_service_name("feature-monitor-exporter")
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}
