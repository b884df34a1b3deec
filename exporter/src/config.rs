//! The manifest in force: read, checked, and read again when its file changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crds::handoff::ExporterConfig;
use crds::manifest::{self, LoadError};
use crds::valid;

/// How often the file is looked at. It is small, and a mounted ConfigMap is swapped by a symbolic
/// link, which notifications of the file system miss.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A manifest that holds.
#[derive(Clone, Debug)]
pub struct Config {
    /// The monitor it describes.
    pub monitor: Arc<valid::Monitor>,
    /// The document it was made of, in the form that the operator hands over.
    pub document: Arc<ExporterConfig>,
    /// Its hash, as the operator computes it.
    pub hash: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("reading {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file does not hold a valid manifest.
    #[error("{}: {source}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong with it.
        source: LoadError,
    },
}

/// Reads and checks a manifest.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let loaded = manifest::load(text).map_err(|source| ConfigError::Invalid {
        path: path.to_owned(),
        source,
    })?;
    Ok(Config {
        monitor: Arc::new(loaded.monitor),
        document: Arc::new(loaded.config),
        hash: loaded.hash,
    })
}

/// Waits for a file to change.
pub struct Watch {
    path: PathBuf,
    seen: Option<String>,
}

impl Watch {
    /// Watches a file from its present content on.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            seen: std::fs::read_to_string(path).ok(),
        }
    }

    /// Waits until the file holds another text, and reads that. Each text is reported once. A file
    /// that is gone or unreadable for the moment, as while it is being replaced, is looked at again.
    ///
    /// Dropping the future loses nothing.
    pub async fn changed(&mut self) -> Result<Config, ConfigError> {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match tokio::fs::read_to_string(&self.path).await {
                Ok(text) if Some(&text) != self.seen.as_ref() => {
                    let parsed = parse(&self.path, &text);
                    self.seen = Some(text);
                    return parsed;
                }
                _ => {}
            }
        }
    }
}
