//! Logs for people or machines, and traces to an OpenTelemetry collector where one is named.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::cli::Log;

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines a person reads.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `--log.level` is not a filter.
    #[error(
        "--log.level {given:?} is not a level or filter, such as `info` or `exporter=debug,info`: {source}"
    )]
    Level {
        /// What was given.
        given: String,
        /// What is wrong with it.
        source: ParseError,
    },
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
    let filter = EnvFilter::try_new(level).map_err(|source| TelemetryError::Level {
        given: level.to_owned(),
        source,
    })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let provider = log.otlp_endpoint.as_deref().map(provider).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("feature-monitor-exporter"))
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
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
