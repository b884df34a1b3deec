//! Logs, for people or machines.

use std::io::IsTerminal;

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogFormat {
    /// Lines a person reads.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `--log.level` is not a filter.
#[derive(Debug, thiserror::Error)]
#[error(
    "--log.level {given:?} is not a level or filter, such as `info` or `exporter=debug,operator=debug,info`: {source}"
)]
pub struct LevelError {
    given: String,
    source: ParseError,
}

/// The layer that logs to standard error, in a form and from a level on.
///
/// # Errors
/// When the level is none.
pub fn lines(
    format: LogFormat,
    level: &str,
) -> Result<Box<dyn Layer<Registry> + Send + Sync>, LevelError> {
    let filter = EnvFilter::try_new(level).map_err(|source| LevelError {
        given: level.to_owned(),
        source,
    })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    Ok(match format {
        LogFormat::Text => lines.with_target(false).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    })
}
