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
    /// `--otlp.endpoint` is of a protocol that is not spoken.
    #[error("--otlp.endpoint {given:?} cannot be used: {found}: write http://HOST:4317")]
    Protocol {
        /// What was given.
        given: String,
        /// What was found.
        found: &'static str,
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
    let found = match endpoint.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => None,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
            Some("https:// is not supported")
        }
        Some(_) => Some("its scheme is unknown"),
        None => Some("it is no URL"),
    };
    if let Some(found) = found {
        return Err(TelemetryError::Protocol {
            given: endpoint.to_owned(),
            found,
        });
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_protocol_is_refused_in_words() {
        for (endpoint, words) in [
            ("https://collector:4317", "https:// is not supported"),
            ("HTTPS://collector:4317", "https:// is not supported"),
            ("unix:///run/collector", "its scheme is unknown"),
            ("collector:4317", "it is no URL"),
            ("", "it is no URL"),
        ] {
            let error = provider(endpoint).err().unwrap().to_string();
            let said = format!(
                "--otlp.endpoint {endpoint:?} cannot be used: {words}: write http://HOST:4317"
            );
            assert_eq!(error, said);
        }
    }
}
