//! Object stores by URL: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path as Key;
use object_store::{ObjectStore, RetryConfig};

use super::{Secrets, StoreError};

/// An evaluation waits for its state, so a store that does not answer must not hold it for minutes.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// Settings that may be shown. Every other one counts as a secret.
const PUBLIC: [&str; 8] = [
    "allow_http",
    "region",
    "endpoint",
    "bucket",
    "container_name",
    "account_name",
    "connect_timeout",
    "timeout",
];

/// Name and value of each setting, the name in lower case as `object_store` has it.
pub(super) type Settings = Vec<(String, String)>;

/// The settings that the environment has: `AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT`, ….
pub(super) fn from_environment() -> Settings {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| {
            ["AWS_", "GOOGLE_", "AZURE_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        })
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect()
}

/// The settings in the folder of a Secret, one file each.
pub(super) fn from_secret(secrets: &Path, name: &str) -> Result<Settings, StoreError> {
    let failed = |source| StoreError::Settings {
        name: name.to_owned(),
        source,
    };
    let mut settings = Vec::new();
    for entry in std::fs::read_dir(secrets.join(name)).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let key = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        // A mounted Secret has its generations in hidden folders beside the keys.
        if !key.starts_with('.') && path.is_file() {
            let value = std::fs::read_to_string(&path).map_err(failed)?;
            settings.push((key, value.trim_end_matches(['\r', '\n']).to_owned()));
        }
    }
    Ok(settings)
}

/// The values that no message may repeat.
pub(super) fn secrets(settings: &Settings) -> Secrets {
    let is_public = |name: &str, value: &str| {
        PUBLIC.iter().any(|public| name.ends_with(public)) && !value.contains('@')
    };
    let secret = settings
        .iter()
        .filter(|(name, value)| !is_public(name, value));
    Secrets(secret.map(|(_, value)| value.clone()).collect())
}

/// Opens the store that a URL names and the prefix in it. Plain HTTP is used only where an endpoint says so.
///
/// `required` says that one of the settings at least must be one of the store's: a Secret was named for them, and
/// without any the store would ask the machine's identity service instead.
pub(super) fn open(
    url: &str,
    settings: &Settings,
    required: Required,
) -> Result<(Arc<dyn ObjectStore>, Key), StoreError> {
    let failed = |message: String| StoreError::Url {
        url: url.to_owned(),
        message: secrets(settings).clean(&message),
    };
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| failed("it has no scheme".to_owned()))?;
    let prefix = rest.split_once('/').map_or("", |(_, prefix)| prefix);
    let prefix = Key::parse(prefix.trim_matches('/')).map_err(|error| failed(error.to_string()))?;
    let retry = RetryConfig {
        max_retries: RETRIES,
        retry_timeout: RETRY_TIMEOUT,
        ..RetryConfig::default()
    };
    let mut settings = settings.clone();
    if settings
        .iter()
        .any(|(name, value)| name.contains("endpoint") && value.starts_with("http://"))
    {
        settings.push(("allow_http".to_owned(), "true".to_owned()));
    }
    let (known, objects) = match scheme {
        "s3" => {
            let known = known::<AmazonS3ConfigKey>(&settings);
            let builder = AmazonS3Builder::new().with_url(url).with_retry(retry);
            let set = |builder: AmazonS3Builder, (key, value)| builder.with_config(key, value);
            let count = known.len();
            (count, known.into_iter().fold(builder, set).build().map(arc))
        }
        "gs" => {
            let known = known::<GoogleConfigKey>(&settings);
            let builder = GoogleCloudStorageBuilder::new()
                .with_url(url)
                .with_retry(retry);
            let set =
                |builder: GoogleCloudStorageBuilder, (key, value)| builder.with_config(key, value);
            let count = known.len();
            (count, known.into_iter().fold(builder, set).build().map(arc))
        }
        "az" => {
            let known = known::<AzureConfigKey>(&settings);
            let builder = MicrosoftAzureBuilder::new().with_url(url).with_retry(retry);
            let set =
                |builder: MicrosoftAzureBuilder, (key, value)| builder.with_config(key, value);
            let count = known.len();
            (count, known.into_iter().fold(builder, set).build().map(arc))
        }
        _ => return Err(failed("its scheme is none of s3, gs and az".to_owned())),
    };
    if let (Required::ByName(name), 0) = (required, known) {
        return Err(failed(format!(
            "no file in {name:?} of the secrets directory is named like a setting of the store, such as aws_access_key_id"
        )));
    }
    Ok((objects.map_err(|error| failed(error.to_string()))?, prefix))
}

/// Whether a store must be given settings.
#[derive(Clone, Copy)]
pub(super) enum Required<'a> {
    /// By the Secret of this name.
    ByName(&'a str),
    /// The machine may have an identity of its own.
    No,
}

/// The settings that a store knows.
fn known<K: FromStr>(settings: &Settings) -> Vec<(K, String)> {
    let known = settings
        .iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.clone())));
    known.collect()
}

fn arc(objects: impl ObjectStore) -> Arc<dyn ObjectStore> {
    Arc::new(objects)
}
