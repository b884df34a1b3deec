//! Where a monitor's baseline and progress are kept: a directory, an object store, or memory.
//!
//! Every object is one JSON envelope with a format, a version and the SHA-256 of its payload's bytes, so that a damaged,
//! foreign or newer object is told from a good one. It is never taken for "nothing saved": that would silently start a
//! new baseline.

mod remote;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{baseline, progress};

/// What the objects are.
const FORMAT: &str = "feature-monitor-state";
/// The version that is written; older ones would be read here too.
const VERSION: u32 = 1;
/// Largest object that is read: a baseline of 512 windows of some hundred features stays well below, and a foreign object
/// must not fill the memory.
const MAX_BYTES: u64 = 1 << 30;

/// Where one monitor's state is kept. It is opened when it is first used, and again after a failure: what was missing,
/// such as a Secret, may be there then, and credentials may have changed.
pub struct Store {
    place: Place,
    secrets: PathBuf,
    below: [String; 2],
    opened: Mutex<Option<Opened>>,
}

/// What a store is opened on.
#[derive(Clone, Debug)]
pub enum Place {
    /// A directory, absolute or relative to the working directory. It is created when something is first written; until then
    /// nothing is saved there.
    Directory(PathBuf),
    /// An object store.
    Url {
        /// `s3://…`, `gs://…` or `az://…`.
        url: String,
        /// Name of the Secret with the store's settings, one file each (`aws_access_key_id`, `endpoint`, …); `None` for
        /// variables of the environment (`AWS_ACCESS_KEY_ID`, …).
        credentials: Option<String>,
    },
    /// Nothing outlives the process.
    Memory(Arc<InMemory>),
}

/// An open store, below one monitor's prefix.
#[derive(Clone)]
struct Opened {
    objects: Arc<dyn ObjectStore>,
    prefix: Key,
    /// The directory, when the store is one.
    directory: Option<PathBuf>,
    /// The place in words, without credentials.
    place: String,
    secrets: Secrets,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("place", &self.place)
            .field("below", &self.below)
            .finish_non_exhaustive()
    }
}

/// Why state could not be read or written. No message repeats a credential.
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
    #[error(
        "the object store's settings in {name:?} of the secrets directory cannot be read: {source}"
    )]
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
    #[error("reading the saved state {object}: {message}")]
    Read {
        /// The object.
        object: String,
        /// What the store said.
        message: String,
    },
    /// The store did not take a write.
    #[error("saving the state {object}: {message}")]
    Write {
        /// The object.
        object: String,
        /// What the store said.
        message: String,
    },
    /// The object is not what was written.
    #[error("the saved state {object} is damaged ({what}): restore it, or {}", without(.object))]
    Damaged {
        /// The object.
        object: String,
        /// What does not fit.
        what: String,
    },
    /// The object is not one of ours.
    #[error(
        "{object} is no state of a feature monitor ({what}): move it away, or keep the state somewhere else"
    )]
    Foreign {
        /// The object.
        object: String,
        /// What it is.
        what: String,
    },
    /// The object was written by a newer release.
    #[error(
        "the saved state {object} has version {found}, this release reads up to {VERSION}: run the newer release, or {}",
        without(.object)
    )]
    Newer {
        /// The object.
        object: String,
        /// Its version.
        found: u64,
    },
}

/// What to do without an object that cannot be read, and what follows from it.
fn without(object: &str) -> &'static str {
    let name = object.rsplit('/').next().unwrap_or(object);
    match name {
        baseline::SAVED_AS => "remove it so that a new baseline is made",
        progress::SAVED_AS => {
            "remove it: the baseline stays, its later windows are judged again, and alarms, charts and the updates of the source start \
             anew"
        }
        _ => {
            "remove it: a baseline that was replaced is kept to be looked at, and nothing is judged by it"
        }
    }
}

/// Values that no message may repeat.
#[derive(Clone, Default)]
struct Secrets(Vec<String>);

impl Secrets {
    /// A message of a foreign library or server: one line, cut at 300 characters, without credentials.
    fn clean(&self, message: &str) -> String {
        let mut message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        // A shorter value would blank out parts of words, and is no credential.
        for secret in self.0.iter().filter(|secret| secret.len() >= 4) {
            message = message.replace(secret.as_str(), "***");
        }
        match message.char_indices().nth(300) {
            Some((cut, _)) => format!("{}…", &message[..cut]),
            None => message,
        }
    }
}

/// What is written. The fields are in this order, so that a person sees first what the file is.
#[derive(Serialize)]
struct Envelope<'a> {
    format: &'a str,
    version: u32,
    sha256: String,
    payload: &'a RawValue,
}

/// What is read first, of whatever release.
#[derive(Deserialize)]
struct Label<'a> {
    format: Option<String>,
    version: Option<u64>,
    sha256: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl Store {
    /// The store of the monitor `namespace/name`, whose Secrets are folders below `secrets`.
    pub fn new(place: Place, secrets: &Path, namespace: &str, name: &str) -> Self {
        Self {
            place,
            secrets: secrets.to_owned(),
            below: [namespace.to_owned(), name.to_owned()],
            opened: Mutex::default(),
        }
    }

    /// An empty store that forgets with the process.
    pub fn in_memory() -> Self {
        let memory = Arc::new(InMemory::new());
        Self::new(Place::Memory(memory), Path::new(""), "", "")
    }

    /// Opens the store, unless it is open.
    fn opened(&self) -> Result<Opened, StoreError> {
        let mut opened = self.lock();
        if let Some(opened) = &*opened {
            return Ok(opened.clone());
        }
        let [namespace, name] = &self.below;
        let mut store = Opened::new(&self.place, &self.secrets)?;
        store.prefix = store.prefix.join(namespace.as_str()).join(name.as_str());
        *opened = Some(store.clone());
        Ok(store)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Opened>> {
        // It is only ever replaced whole, so a panic while it was held has left nothing half done.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads an object; nothing when there is none.
    ///
    /// # Errors
    /// When the store cannot be opened or does not answer, and when the object is damaged, not one of ours, or of a
    /// newer release.
    pub async fn load<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        if self.place.is_missing() {
            return Ok(None);
        }
        let loaded = self.opened()?.load(key).await;
        if loaded.is_err() {
            *self.lock() = None;
        }
        loaded
    }

    /// Writes an object whole, in the place of an older one: a reader, and a restart after a crash, finds the one or the
    /// other.
    ///
    /// # Errors
    /// When the store cannot be opened or does not take it.
    pub async fn save<T: Serialize>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        let saved = self.opened()?.save(key, value).await;
        if saved.is_err() {
            *self.lock() = None;
        }
        saved
    }
}

/// Whether a directory is not there. Of one that cannot be looked at, opening it says why it cannot be used.
pub fn is_missing(directory: &Path) -> bool {
    directory.try_exists().is_ok_and(|exists| !exists)
}

impl Place {
    /// Whether it is a directory that is not there yet.
    fn is_missing(&self) -> bool {
        match self {
            Place::Directory(path) => is_missing(path),
            Place::Url { .. } | Place::Memory(_) => false,
        }
    }
}

impl Opened {
    fn new(place: &Place, secrets: &Path) -> Result<Self, StoreError> {
        match place {
            Place::Memory(memory) => Ok(Self {
                objects: memory.clone(),
                prefix: Key::default(),
                directory: None,
                place: "memory".to_owned(),
                secrets: Secrets::default(),
            }),
            Place::Directory(path) => Self::in_directory(path),
            Place::Url { url, credentials } => {
                let (settings, required) = match credentials {
                    Some(name) => (
                        remote::from_secret(secrets, name)?,
                        remote::Required::ByName(name),
                    ),
                    None => (remote::from_environment(), remote::Required::No),
                };
                let (objects, prefix) = remote::open(url, &settings, required)?;
                Ok(Self {
                    objects,
                    place: url.split('/').take(3).collect::<Vec<_>>().join("/"),
                    prefix,
                    directory: None,
                    secrets: remote::secrets(&settings),
                })
            }
        }
    }

    fn in_directory(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Directory {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(path).map_err(failed)?;
        let files = LocalFileSystem::new_with_prefix(path)
            .map_err(|error| failed(std::io::Error::other(error)))?;
        Ok(Self {
            objects: Arc::new(files),
            prefix: Key::default(),
            directory: Some(path.to_owned()),
            place: path.display().to_string(),
            secrets: Secrets::default(),
        })
    }

    async fn load<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let failed = |error: object_store::Error| StoreError::Read {
            object: self.name(key),
            message: self.said(&error),
        };
        let found = match self.objects.get(&self.key(key)).await {
            // A bucket that is not there holds nothing because it is misspelt, not because nothing was saved.
            Err(error @ object_store::Error::NotFound { .. }) if is_missing_bucket(&error) => {
                return Err(failed(error));
            }
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
            Ok(found) => found,
        };
        if found.meta.size > MAX_BYTES {
            return Err(StoreError::Foreign {
                object: self.name(key),
                what: format!("it has {} bytes", found.meta.size),
            });
        }
        let bytes = found.bytes().await.map_err(failed)?;
        let value = open_envelope(&bytes, self.name(key))?;
        Ok(Some(value))
    }

    async fn save<T: Serialize>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        let failed = |message: String| StoreError::Write {
            object: self.name(key),
            message: self.secrets.clean(&message),
        };
        let payload =
            serde_json::value::to_raw_value(value).map_err(|error| failed(error.to_string()))?;
        let envelope = Envelope {
            format: FORMAT,
            version: VERSION,
            sha256: sha256(payload.get().as_bytes()),
            payload: &payload,
        };
        let bytes = serde_json::to_vec(&envelope).map_err(|error| failed(error.to_string()))?;
        let written = self
            .objects
            .put(&self.key(key), PutPayload::from(bytes))
            .await;
        written.map_err(|error| failed(self.said(&error)))?;
        if let Some(directory) = &self.directory {
            let file = directory.join(self.key(key).as_ref());
            let synced = tokio::task::spawn_blocking(move || sync(&file)).await;
            let synced = synced.unwrap_or_else(|error| Err(std::io::Error::other(error)));
            synced.map_err(|error| failed(error.to_string()))?;
        }
        Ok(())
    }

    fn said(&self, error: &object_store::Error) -> String {
        if is_missing_bucket(error) {
            return "the bucket does not exist: create it, or correct the URL".to_owned();
        }
        self.secrets.clean(&summary(&error.to_string()))
    }

    fn key(&self, key: &str) -> Key {
        self.prefix.clone().join(key)
    }

    fn name(&self, key: &str) -> String {
        format!("{}/{}", self.place, self.key(key))
    }
}

/// What a server says in XML after the client's own words: its code and its message. The rest of it repeats the request,
/// with the name of the key that signed it.
fn summary(message: &str) -> String {
    let field = |name: &str| {
        let (_, after) = message.split_once(&format!("<{name}>"))?;
        Some(after.split_once(&format!("</{name}>"))?.0)
    };
    match (
        message.find("<?xml").or_else(|| message.find("<Error")),
        field("Code"),
    ) {
        (Some(body), Some(code)) => {
            format!(
                "{code}: {} ({})",
                field("Message").unwrap_or_default(),
                message[..body].trim()
            )
        }
        _ => message.to_owned(),
    }
}

/// Makes a renamed file survive a power cut: its content, and its name in the folder.
fn sync(file: &Path) -> std::io::Result<()> {
    std::fs::File::open(file)?.sync_all()?;
    match file.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Whether "not found" is said of the bucket: S3's and Google's word for it, and Azure's.
fn is_missing_bucket(error: &object_store::Error) -> bool {
    let message = error.to_string();
    message.contains("NoSuchBucket") || message.contains("ContainerNotFound")
}

/// The payload of an object's bytes.
fn open_envelope<T: DeserializeOwned>(bytes: &[u8], object: String) -> Result<T, StoreError> {
    let label: Label<'_> = match serde_json::from_slice(bytes) {
        Ok(label) => label,
        Err(error) => {
            let what = format!("it is not complete: {error}");
            return Err(StoreError::Damaged { object, what });
        }
    };
    match label.format.as_deref() {
        Some(FORMAT) => {}
        Some(other) => {
            let what = format!(
                "its format is {:?}",
                other.chars().take(80).collect::<String>()
            );
            return Err(StoreError::Foreign { object, what });
        }
        None => {
            let what = "it does not say its format".to_owned();
            return Err(StoreError::Foreign { object, what });
        }
    }
    let damaged = |what: &str| StoreError::Damaged {
        object: object.clone(),
        what: what.to_owned(),
    };
    match label.version {
        Some(found) if found > u64::from(VERSION) => {
            return Err(StoreError::Newer { object, found });
        }
        Some(found) if found == u64::from(VERSION) => {}
        _ => return Err(damaged("it has no version that was ever written")),
    }
    let (Some(checksum), Some(payload)) = (label.sha256, label.payload) else {
        return Err(damaged("its checksum or its content is missing"));
    };
    if sha256(payload.get().as_bytes()) != checksum {
        return Err(damaged("its content does not fit its checksum"));
    }
    serde_json::from_str(payload.get())
        .map_err(|error| damaged(&format!("its content does not fit: {error}")))
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut digest = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Saved {
        name: String,
        values: Vec<f64>,
    }

    fn saved() -> Saved {
        Saved {
            name: "a \"quoted\" ü".to_owned(),
            values: vec![0.1, -1e-300, f64::MAX],
        }
    }

    fn open(path: &Path) -> Store {
        Store::new(
            Place::Directory(path.to_owned()),
            Path::new("."),
            "ml-prod",
            "customers",
        )
    }

    /// The error of reading what stands in the file instead of what was saved there.
    async fn refused(change: impl FnOnce(String) -> Vec<u8>) -> StoreError {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        store.save("baseline.json", &saved()).await.unwrap();
        let file = folder.path().join("ml-prod/customers/baseline.json");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, change(text)).unwrap();
        let error = open(folder.path())
            .load::<Saved>("baseline.json")
            .await
            .unwrap_err();
        let said = error.to_string();
        assert!(said.contains("ml-prod/customers/baseline.json"), "{said}");
        assert!(
            ["remove it", "move it away"]
                .iter()
                .any(|advice| said.contains(advice)),
            "{said}"
        );
        error
    }

    #[tokio::test]
    async fn another_process_finds_what_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("deep/er");
        assert_eq!(
            open(&state).load::<Saved>("baseline.json").await.unwrap(),
            None
        );
        assert!(!state.exists(), "reading makes no folder");
        open(&state)
            .save(
                "baseline.json",
                &Saved {
                    name: String::new(),
                    values: vec![],
                },
            )
            .await
            .unwrap();
        open(&state).save("baseline.json", &saved()).await.unwrap();
        assert_eq!(
            open(&state).load("baseline.json").await.unwrap(),
            Some(saved())
        );
        let files: Vec<_> = std::fs::read_dir(state.join("ml-prod/customers"))
            .unwrap()
            .collect();
        assert_eq!(files.len(), 1, "no half-written file stays: {files:?}");
    }

    #[tokio::test]
    async fn monitors_do_not_share_objects() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path())
            .save("baseline.json", &saved())
            .await
            .unwrap();
        let place = Place::Directory(folder.path().to_owned());
        let other = Store::new(place, Path::new("."), "ml-prod", "others");
        assert_eq!(other.load::<Saved>("baseline.json").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_changed_byte_is_damage() {
        let error = refused(|text| text.replace("0.1", "0.2").into()).await;
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        let error = refused(|text| text.replace("sha256", "sha257").into()).await;
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }

    #[test]
    fn what_cannot_be_read_says_what_follows_from_removing_it() {
        let said = |object: &str| {
            let error = StoreError::Damaged {
                object: format!("/state/ml-prod/customers/{object}"),
                what: "it is cut".to_owned(),
            };
            error.to_string()
        };
        let baseline = said(baseline::SAVED_AS);
        assert!(
            baseline.ends_with("remove it so that a new baseline is made"),
            "{baseline}"
        );
        let progress = said(progress::SAVED_AS);
        assert!(progress.contains("the baseline stays"), "{progress}");
        let replaced = said("baseline-replaced-3.json");
        assert!(replaced.contains("nothing is judged by it"), "{replaced}");
        let newer = StoreError::Newer {
            object: progress::SAVED_AS.to_owned(),
            found: 9,
        };
        let newer = newer.to_string();
        assert!(newer.contains("the baseline stays"), "{newer}");
    }

    #[tokio::test]
    async fn a_truncated_file_is_damage_wherever_it_ends() {
        for kept in [0, 1, 30, 90, 150] {
            let error = refused(|text| text[..kept].into()).await;
            assert!(
                matches!(error, StoreError::Damaged { .. }),
                "{kept}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_damage() {
        let error = refused(|_| vec![0xff, 0x00, 0xfe]).await;
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_foreign_file_is_left_alone() {
        for text in [
            "{}",
            "{\"format\": \"other\", \"version\": 1}",
            "{\"version\": 99}",
        ] {
            let error = refused(|_| text.into()).await;
            assert!(
                matches!(error, StoreError::Foreign { .. }),
                "{text}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn a_newer_release_s_file_is_told_as_such() {
        let text = "{\"format\": \"feature-monitor-state\", \"version\": 2, \"content\": []}";
        let error = refused(|_| text.into()).await;
        assert!(
            matches!(error, StoreError::Newer { found: 2, .. }),
            "{error}"
        );
        let error = refused(|text| text.replace("\"version\":1", "\"version\":0").into()).await;
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }

    #[tokio::test]
    async fn content_of_another_type_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path())
            .save("baseline.json", &[1, 2, 3])
            .await
            .unwrap();
        let error = open(folder.path())
            .load::<Saved>("baseline.json")
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let place = Place::Directory(file.path().join("state"));
        let error = Opened::new(&place, Path::new("."))
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains(&file.path().display().to_string()),
            "{error}"
        );
    }

    /// The error of opening a URL with a Secret that has these files.
    fn unopened(url: &str, files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join("bucket").join(name), content).unwrap();
        }
        let place = Place::Url {
            url: url.to_owned(),
            credentials: Some("bucket".to_owned()),
        };
        Opened::new(&place, folder.path())
            .map(|store| store.name(""))
            .unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn every_scheme_opens_with_its_own_settings() {
        let s3 = unopened(
            "s3://bucket/pre/fix",
            &[
                ("aws_access_key_id", "id\n"),
                ("aws_secret_access_key", "hunter2"),
            ],
        );
        assert_eq!(s3, "s3://bucket/pre/fix/");
        let az = unopened(
            "az://container",
            &[
                ("azure_storage_account_name", "account"),
                ("azure_storage_account_key", "aHVudGVyMg=="),
            ],
        );
        assert_eq!(az, "az://container/");
        let gs = unopened(
            "gs://bucket",
            &[("google_service_account_key", "{hunter2}")],
        );
        assert!(
            gs.starts_with("the state URL gs://bucket cannot be used: ") && !gs.contains("hunter2"),
            "{gs}"
        );
    }

    #[test]
    fn a_secret_without_a_setting_is_no_credential() {
        let error = unopened("s3://bucket", &[("access-key", "hunter2")]);
        assert!(
            error.contains("no file in \"bucket\"") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn a_secret_that_is_not_mounted_is_named() {
        let place = Place::Url {
            url: "s3://bucket".to_owned(),
            credentials: Some("gone".to_owned()),
        };
        let error = Opened::new(&place, Path::new("/nonexistent"))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("\"gone\""), "{error}");
    }

    #[test]
    fn a_server_s_words_come_first() {
        let message = "Error performing GET http://h/b - 403: <?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>No</Message><AWSAccessKeyId>id</AWSAccessKeyId></Error>";
        assert_eq!(
            summary(message),
            "AccessDenied: No (Error performing GET http://h/b - 403:)"
        );
        assert_eq!(summary("connection refused"), "connection refused");
    }

    #[test]
    fn a_message_is_one_line_without_credentials() {
        let secrets = Secrets(vec!["hunter2".to_owned(), "a".to_owned()]);
        assert_eq!(secrets.clean("bad\n  key hunter2!"), "bad key ***!");
        assert_eq!(secrets.clean(&"é".repeat(400)).chars().count(), 301);
    }
}
