//! `--web.config.file`: TLS, client certificates, basic authentication and headers, in the form of Prometheus'
//! exporter-toolkit (https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md).
//!
//! The file, the certificates and the key are read again when they change on disk, so that renewed
//! certificates and changed users need no restart. A change that cannot be used is logged, and what was in
//! force stays. Only turning TLS on or off needs a restart, since it changes what the port speaks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::auth::{Users, UsersError};
use super::tls::{self, TlsError};

/// What guards the server. Cheap to ask on every connection and request.
#[derive(Debug)]
pub struct Web {
    file: Option<PathBuf>,
    current: Mutex<Stamped>,
}

#[derive(Clone, Debug)]
struct Stamped {
    loaded: Arc<Loaded>,
    stamps: Vec<Stamp>,
}

/// A web configuration in force.
#[derive(Debug, Default)]
pub struct Loaded {
    /// TLS, where it is configured.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Who may ask; everybody, where nobody is named.
    pub users: Users,
    /// Headers of every response.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Every file that was read, the web configuration first.
    files: Vec<PathBuf>,
}

/// Why a web configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file has another form, or a field that does not exist.
    #[error("{} is not a web configuration: {message}", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What the parser said, with the field's name and its line.
        message: String,
    },
    /// A header that may not be set here.
    #[error("http_server_config.headers: {name:?} cannot be set; these can: {}", ALLOWED_HEADERS.join(", "))]
    Header {
        /// The header.
        name: String,
    },
    /// A header's value is no header value.
    #[error("http_server_config.headers.{name}: the value is not a header value")]
    HeaderValue {
        /// The header.
        name: String,
    },
    /// TLS cannot be used.
    #[error("tls_server_config")]
    Tls(#[from] TlsError),
    /// The users cannot be used.
    #[error("basic_auth_users")]
    Users(#[from] UsersError),
    /// TLS was turned on or off.
    #[error("TLS cannot be turned on or off while the exporter runs: restart it")]
    TlsTurned,
}

/// The headers that exporter-toolkit lets the file set.
const ALLOWED_HEADERS: [&str; 5] = [
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    tls_server_config: Option<tls::File>,
    http_server_config: HttpServer,
    basic_auth_users: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HttpServer {
    http2: bool,
    headers: Option<BTreeMap<String, String>>,
}

impl Default for HttpServer {
    fn default() -> Self {
        HttpServer {
            http2: true,
            headers: None,
        }
    }
}

impl Web {
    /// No file: plain HTTP for everybody.
    pub fn open() -> Self {
        Web {
            file: None,
            current: Mutex::new(Stamped {
                loaded: Arc::default(),
                stamps: Vec::new(),
            }),
        }
    }

    /// Reads the file and everything that it names.
    pub fn read(file: &Path) -> Result<Self, WebConfigError> {
        Ok(Web {
            file: Some(file.to_owned()),
            current: Mutex::new(Stamped::read(file)?),
        })
    }

    /// What is in force, after a look at whether the files have changed.
    pub fn current(&self) -> Arc<Loaded> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &self.file
            && current.stamps != stamps(&current.loaded.files)
        {
            match Stamped::read(file).and_then(|new| new.replacing(&current)) {
                Ok(new) => {
                    tracing::info!(file = %file.display(), "read the web configuration again");
                    *current = new;
                }
                Err(error) => {
                    tracing::error!(
                        file = %file.display(),
                        error = %program::chain(&error),
                        "cannot use the changed web configuration; the one before stays in force"
                    );
                    // The stamps are kept, so that the next look is for the next change.
                    current.stamps = stamps(&current.loaded.files);
                }
            }
        }
        Arc::clone(&current.loaded)
    }
}

impl Stamped {
    fn read(file: &Path) -> Result<Self, WebConfigError> {
        // The stamps of the files named inside are taken after reading: a change in between is seen as one,
        // because the first stamp, the configuration's own, is taken before and compared below.
        let before = stamp(file);
        let loaded = Loaded::read(file)?;
        let mut stamps = stamps(&loaded.files);
        if let Some(first) = stamps.first_mut() {
            *first = before;
        }
        Ok(Stamped {
            loaded: Arc::new(loaded),
            stamps,
        })
    }

    fn replacing(self, current: &Stamped) -> Result<Self, WebConfigError> {
        if self.loaded.tls.is_some() == current.loaded.tls.is_some() {
            Ok(self)
        } else {
            Err(WebConfigError::TlsTurned)
        }
    }
}

impl Loaded {
    fn read(path: &Path) -> Result<Self, WebConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| WebConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let file: File = if text.trim().is_empty() {
            File::default()
        } else {
            serde_saphyr::from_str(&text).map_err(|error| WebConfigError::Form {
                path: path.to_owned(),
                message: error.to_string(),
            })?
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut files = vec![path.to_owned()];
        let tls = match file.tls_server_config {
            Some(tls) => {
                let tls = tls.below(folder);
                files.extend(tls.files().map(Path::to_owned));
                Some(Arc::new(tls::server(&tls, file.http_server_config.http2)?))
            }
            None => None,
        };
        Ok(Loaded {
            tls,
            users: Users::new(file.basic_auth_users.unwrap_or_default())?,
            headers: headers(file.http_server_config.headers.unwrap_or_default())?,
            files,
        })
    }
}

fn headers(
    written: BTreeMap<String, String>,
) -> Result<Vec<(HeaderName, HeaderValue)>, WebConfigError> {
    written
        .into_iter()
        .map(|(name, value)| {
            let known = ALLOWED_HEADERS
                .iter()
                .find(|allowed| allowed.eq_ignore_ascii_case(&name));
            let header = known
                .and_then(|name| HeaderName::try_from(*name).ok())
                .ok_or_else(|| WebConfigError::Header { name: name.clone() })?;
            let value =
                HeaderValue::try_from(value).map_err(|_| WebConfigError::HeaderValue { name })?;
            Ok((header, value))
        })
        .collect()
}

/// What tells one content of a file from another without reading it. Secrets that Kubernetes mounts change by
/// swapping a symbolic link, which changes all of it; a file that is gone has no stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp(Option<(SystemTime, u64)>);

fn stamp(path: &Path) -> Stamp {
    let read = || {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    Stamp(read())
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|file| stamp(file)).collect()
}
