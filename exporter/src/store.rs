//! Where a monitor's baseline and progress are kept: a directory, an object store, or memory.
//!
//! Every object is one JSON envelope with a format, a version and the SHA-256 of its payload, so that
//! a damaged, foreign or newer object is told from a good one. It is never taken for "nothing saved":
//! that would silently start a new baseline.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crds::valid::State;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// What the objects are.
const FORMAT: &str = "feature-monitor-state";
/// The version that is written; older ones would be read here too.
const VERSION: u32 = 1;

/// An open store, below one monitor's prefix.
#[derive(Clone, Debug)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Key,
    /// The place in words, without credentials.
    place: String,
}

/// Why state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be made or opened.
    #[error("the state directory {} cannot be used: {source}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting of the object store cannot be read.
    #[error("the object store's settings in {name:?} of the secrets directory cannot be read: {source}")]
    Settings {
        /// Name of the Secret.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The URL or the settings do not describe an object store.
    #[error("the state URL {url} cannot be used: {message}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        message: String,
    },
    /// The store did not answer a read.
    #[error("reading {object}: {message}")]
    Read {
        /// The object.
        object: String,
        /// What the store said.
        message: String,
    },
    /// The store did not take a write.
    #[error("writing {object}: {message}")]
    Write {
        /// The object.
        object: String,
        /// What the store said.
        message: String,
    },
    /// The object is not what was written.
    #[error(
        "the saved state {object} is damaged ({what}): restore it, or remove it so that a new baseline is made"
    )]
    Damaged {
        /// The object.
        object: String,
        /// What does not fit.
        what: String,
    },
    /// The object was written by a newer release.
    #[error(
        "the saved state {object} has version {found}, this release reads up to {VERSION}: run the newer release, or remove it so that a new baseline is made"
    )]
    Newer {
        /// The object.
        object: String,
        /// Its version.
        found: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    format: String,
    version: u32,
    sha256: String,
    #[serde(borrow)]
    payload: &'a RawValue,
}

impl Store {
    /// Opens the store of the monitor `namespace/name`. Object store settings are files named after
    /// them (`aws_access_key_id`, `endpoint`, …) in the folder of the Secret below `secrets`.
    pub fn open(
        state: &State,
        secrets: &Path,
        namespace: &str,
        name: &str,
    ) -> Result<Self, StoreError> {
        let (objects, base, place): (Arc<dyn ObjectStore>, Key, String) = match state {
            State::Ephemeral => (Arc::new(InMemory::new()), Key::default(), "memory".into()),
            State::Directory { path } => {
                let failed = |source| StoreError::Directory {
                    path: path.clone(),
                    source,
                };
                std::fs::create_dir_all(path).map_err(failed)?;
                let files = LocalFileSystem::new_with_prefix(path)
                    .map_err(|error| failed(std::io::Error::other(error)))?;
                (Arc::new(files), Key::default(), path.display().to_string())
            }
            State::Url { url, credentials } => {
                let options = match credentials {
                    Some(secret) => settings(secrets, secret)?,
                    None => std::env::vars()
                        .filter(|(name, _)| {
                            ["AWS_", "GOOGLE_", "AZURE_"]
                                .iter()
                                .any(|prefix| name.starts_with(prefix))
                        })
                        .map(|(name, value)| (name.to_lowercase(), value))
                        .collect(),
                };
                let (objects, base) = remote(url, options)?;
                (Arc::from(objects), base, url.clone())
            }
        };
        Ok(Self {
            objects,
            prefix: base.join(namespace).join(name),
            place,
        })
    }

    /// An empty store that forgets with the process.
    pub fn in_memory() -> Self {
        Self {
            objects: Arc::new(InMemory::new()),
            prefix: Key::default(),
            place: "memory".to_owned(),
        }
    }

    /// Reads an object; nothing when there is none.
    pub async fn load<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let failed = |error: object_store::Error| StoreError::Read {
            object: self.name(key),
            message: error.to_string(),
        };
        let bytes = match self.objects.get(&self.prefix.clone().join(key)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
            Ok(found) => found.bytes().await.map_err(failed)?,
        };
        let damaged = |what: String| StoreError::Damaged {
            object: self.name(key),
            what,
        };
        let envelope: Envelope<'_> = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("it is not complete: {error}")))?;
        if envelope.format != FORMAT {
            return Err(damaged(format!("its format is {:?}", envelope.format)));
        }
        if envelope.version > VERSION {
            return Err(StoreError::Newer {
                object: self.name(key),
                found: envelope.version,
            });
        }
        if hexadecimal(envelope.payload.get()) != envelope.sha256 {
            return Err(damaged("its content does not fit its checksum".into()));
        }
        serde_json::from_str(envelope.payload.get())
            .map(Some)
            .map_err(|error| damaged(format!("its content does not fit: {error}")))
    }

    /// Writes an object whole, in the place of an older one.
    pub async fn save<T: Serialize>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        let failed = |message: String| StoreError::Write {
            object: self.name(key),
            message,
        };
        let payload =
            serde_json::value::to_raw_value(value).map_err(|error| failed(error.to_string()))?;
        let envelope = Envelope {
            format: FORMAT.to_owned(),
            version: VERSION,
            sha256: hexadecimal(payload.get()),
            payload: &payload,
        };
        let bytes = serde_json::to_vec(&envelope).map_err(|error| failed(error.to_string()))?;
        self.objects
            .put(&self.prefix.clone().join(key), PutPayload::from(bytes))
            .await
            .map(drop)
            .map_err(|error| failed(error.to_string()))
    }

    fn name(&self, key: &str) -> String {
        format!("{}/{}", self.place, self.prefix.clone().join(key))
    }
}

/// The store that a URL and its settings name. Plain HTTP only where an endpoint asks for it.
fn remote(
    url: &str,
    mut options: Vec<(String, String)>,
) -> Result<(Box<dyn ObjectStore>, Key), StoreError> {
    let failed = |message: String| StoreError::Url {
        url: url.to_owned(),
        message,
    };
    if options.iter().any(|(name, value)| {
        name.ends_with("endpoint") && value.starts_with("http://")
    }) {
        options.push(("allow_http".into(), "true".into()));
    }
    let parsed = url
        .parse()
        .map_err(|error| failed(format!("it is no URL: {error}")))?;
    object_store::parse_url_opts(&parsed, options).map_err(|error| failed(error.to_string()))
}

/// The settings in a Secret's folder, one a file.
fn settings(secrets: &Path, name: &str) -> Result<Vec<(String, String)>, StoreError> {
    let failed = |source| StoreError::Settings {
        name: name.to_owned(),
        source,
    };
    let mut settings = Vec::new();
    for entry in std::fs::read_dir(secrets.join(name)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let key = entry.file_name().to_string_lossy().to_lowercase();
        // A mounted Secret has its generations in hidden folders beside the keys.
        if key.starts_with('.') || !entry.path().is_file() {
            continue;
        }
        let value = std::fs::read_to_string(entry.path()).map_err(failed)?;
        settings.push((key, value.trim_end_matches(['\r', '\n']).to_owned()));
    }
    Ok(settings)
}

fn hexadecimal(text: &str) -> String {
    use std::fmt::Write;
    let mut digest = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}
