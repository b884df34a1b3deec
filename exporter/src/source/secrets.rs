//! Secrets and certificates: files `<secrets directory>/<name>/<key>`, read anew for each pull, so a
//! rotated credential is used without a restart.

use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use crds::valid::FileRef;

use super::error::SourceError;

/// Kubernetes refuses Secrets and ConfigMaps above 1 MiB, so nothing longer is one of them.
const LONGEST: u64 = 1 << 20;

/// The directory below which every Secret and ConfigMap is mounted as `<name>/<key>`.
#[derive(Debug, Clone)]
pub struct SecretsDir(PathBuf);

impl SecretsDir {
    /// A directory; that it exists is only needed once something is read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Whether a Secret is there with at least one key. One that is not there may be mounted as an empty folder.
    pub fn has(&self, name: &str) -> bool {
        let keys = std::fs::read_dir(self.0.join(name)).into_iter().flatten();
        keys.flatten()
            .any(|key| !key.file_name().to_string_lossy().starts_with('.'))
    }

    /// The content of a file, without white space around it (editors and `echo` leave a newline).
    pub fn read(&self, file: &FileRef) -> Result<Secret, SourceError> {
        let missing = || SourceError::SecretMissing {
            name: file.name.clone(),
            key: file.key.clone(),
        };
        let unusable = |problem| SourceError::SecretUnusable {
            name: file.name.clone(),
            key: file.key.clone(),
            problem,
        };
        let mut content = String::new();
        let read = std::fs::File::open(self.0.join(file.path()))
            .and_then(|opened| opened.take(LONGEST + 1).read_to_string(&mut content));
        match read {
            Ok(length) if length as u64 > LONGEST => Err(unusable("is longer than 1 MiB")),
            Ok(_) if content.trim().is_empty() => Err(unusable("is empty")),
            Ok(_) => Ok(Secret(content.trim().to_owned())),
            Err(e) if e.kind() == ErrorKind::InvalidData => Err(unusable("is not UTF-8 text")),
            Err(e) if e.kind() == ErrorKind::PermissionDenied => {
                Err(unusable("may not be read by the exporter"))
            }
            Err(_) => Err(missing()),
        }
    }
}

/// A value that no log line, page or error may show; `Debug` does not.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a value from being shown.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for whoever sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
