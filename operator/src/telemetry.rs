//! Logs, for people or machines.

use std::io::IsTerminal;

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

/// `--log.level` is not a filter.
#[derive(Debug, thiserror::Error)]
#[error(
    "--log.level {given:?} is not a level or filter, such as `info` or `operator=debug,info`: {source}"
)]
pub struct LevelError {
    given: String,
    source: ParseError,
}

/// Starts logging to standard error. Called once.
///
/// # Errors
/// When the level is none.
pub fn start(log: &Log) -> Result<(), LevelError> {
    let filter = EnvFilter::try_new(&log.level).map_err(|source| LevelError {
        given: log.level.clone(),
        source,
    })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
    Ok(())
}
