//! State in a bucket, against an S3 server of other people's making.
#![allow(clippy::unwrap_used)] // A test says by panicking what is wrong.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use exporter::archive;
use exporter::baseline::{Baseline, Definition, SAVED_AS, Windows};
use exporter::store::{Place, Store, StoreError};
use harness::process::Process;
use tempfile::TempDir;

const SECRET: &str = "canary-secret-key";

/// A versitygw that keeps its buckets in a folder. Dropping it ends the process.
struct Gateway {
    process: Process,
    port: u16,
    buckets: TempDir,
    secrets: TempDir,
    _sidecar: TempDir,
}

impl Gateway {
    fn start() -> Self {
        let program = harness::tools::tool("versitygw").unwrap_or_else(|error| panic!("{error}"));
        let buckets = tempfile::tempdir().unwrap();
        let sidecar = tempfile::tempdir().unwrap();
        std::fs::create_dir(buckets.path().join("ml-state")).unwrap();
        // The port is free until the gateway takes it.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = Command::new(program)
            .args([
                "--port",
                &format!("127.0.0.1:{port}"),
                "--access",
                "tester",
                "--secret",
                SECRET,
                "--quiet",
            ])
            // Not every file system of a temporary folder has the extended attributes that it would use otherwise.
            .args(["posix", "--sidecar"])
            .args([sidecar.path(), buckets.path()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let secrets = tempfile::tempdir().unwrap();
        let mut gateway = Self {
            process: Process(process),
            port,
            buckets,
            secrets,
            _sidecar: sidecar,
        };
        gateway.give("bucket", SECRET);
        gateway.wait();
        gateway
    }

    /// Waits until it listens: it says so nowhere that can be read.
    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("versitygw ended with {status} before it listened");
            }
            assert!(
                Instant::now() < deadline,
                "versitygw does not listen after 20 s"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Writes a Secret with the settings of this gateway.
    fn give(&self, name: &str, key: &str) {
        let folder = self.secrets.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, content) in [
            ("aws_access_key_id", "tester"),
            ("aws_secret_access_key", key),
            ("endpoint", &format!("http://127.0.0.1:{}", self.port)),
            ("region", "us-east-1"),
        ] {
            // As editors leave it.
            std::fs::write(folder.join(file), format!("{content}\n")).unwrap();
        }
    }

    fn open(&self, url: &str, credentials: &str) -> Store {
        let place = Place::Url {
            url: url.to_owned(),
            credentials: Some(credentials.to_owned()),
        };
        Store::new(place, self.secrets.path(), "ml-prod", "customers")
    }

    fn object(&self, path: &str) -> PathBuf {
        self.buckets.path().join("ml-state").join(path)
    }

    fn stop(&mut self) {
        self.process.end();
    }
}

const OBJECT: &str = "feature-monitor/ml-prod/customers/baseline.json";
const URL: &str = "s3://ml-state/feature-monitor";

fn without_secrets(error: &StoreError) -> String {
    let said = format!("{error} {error:?}");
    assert!(!said.contains("canary"), "{said}");
    error.to_string()
}

#[tokio::test]
async fn a_bucket_keeps_state_for_the_next_process() {
    let gateway = Gateway::start();
    let store = gateway.open(URL, "bucket");
    assert_eq!(store.load::<Vec<f64>>("baseline.json").await.unwrap(), None);
    store
        .save("baseline.json", &vec![0.25, 1e300])
        .await
        .unwrap();
    store
        .save("baseline.json", &vec![0.5, 1e300])
        .await
        .unwrap();
    let next = gateway.open(&format!("{URL}/"), "bucket");
    assert_eq!(
        next.load("baseline.json").await.unwrap(),
        Some(vec![0.5, 1e300])
    );
    assert!(
        gateway.object(OBJECT).is_file(),
        "it stands where the URL says"
    );

    // As a bucket's owner might do by hand; the length stays, which the gateway remembers.
    let text = std::fs::read_to_string(gateway.object(OBJECT)).unwrap();
    std::fs::write(gateway.object(OBJECT), text.replace("0.5", "0.6")).unwrap();
    let error = next.load::<Vec<f64>>("baseline.json").await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("s3://ml-state/{OBJECT}")),
        "{error}"
    );
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_not_an_empty_one() {
    let gateway = Gateway::start();
    let store = gateway.open("s3://ml-stale/feature-monitor", "bucket");
    let error = store.load::<Vec<f64>>("baseline.json").await.unwrap_err();
    assert!(matches!(error, StoreError::Read { .. }), "{error}");
    assert!(
        without_secrets(&error).contains("the bucket does not exist"),
        "{error}"
    );
    let error = store.save("baseline.json", &[1.0]).await.unwrap_err();
    assert!(
        without_secrets(&error).contains("the bucket does not exist"),
        "{error}"
    );
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_not_repeated() {
    let gateway = Gateway::start();
    gateway.give("other", "canary-wrong-key");
    let error = gateway
        .open(URL, "other")
        .load::<Vec<f64>>("baseline.json")
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Read { .. }), "{error}");
    assert!(
        without_secrets(&error).contains("SignatureDoesNotMatch"),
        "{error}"
    );
}

#[tokio::test]
async fn a_store_that_is_gone_is_an_error_in_bounded_time() {
    let mut gateway = Gateway::start();
    let store = gateway.open(URL, "bucket");
    store.save("baseline.json", &[1.0]).await.unwrap();
    gateway.stop();
    let started = Instant::now();
    let error = store.load::<Vec<f64>>("baseline.json").await.unwrap_err();
    assert!(
        started.elapsed() < Duration::from_secs(40),
        "{:?}",
        started.elapsed()
    );
    assert!(without_secrets(&error).contains(OBJECT), "{error}");
}

/// The baseline in use and those that it replaced, the newest first, whatever one of them holds now.
#[tokio::test]
async fn replaced_baselines_are_read_back() {
    let gateway = Gateway::start();
    let store = gateway.open("s3://ml-state/monitors", "bucket");
    let baseline = |version| Baseline {
        definition: Definition {
            windows: Windows::Previous,
            revision: version,
            excluded: Vec::new(),
            grid: None,
        },
        version,
        frozen_at: jiff::Timestamp::UNIX_EPOCH,
        spans: Vec::new(),
        need: 1,
        rows: Vec::new(),
        windows: Vec::new(),
        windows_at: Vec::new(),
        newest: None,
        target: None,
        segments: Vec::new(),
        features: Vec::new(),
        history: None,
        reloaded: false,
    };
    for version in 1..=6 {
        archive::keep(&store, &baseline(version)).await.unwrap();
    }
    store.save(SAVED_AS, &baseline(7)).await.unwrap();
    let damaged = gateway.object("monitors/ml-prod/customers/baseline-replaced-4.json");
    std::fs::write(damaged, "half a fi").unwrap();
    let saved = archive::load(&store).await.unwrap();
    assert_eq!(saved.current.map(|current| current.version), Some(7));
    let replaced: Vec<u32> = saved.replaced.iter().map(|old| old.version).collect();
    assert_eq!(replaced, [6, 5, 3, 2]);
    let [StoreError::Damaged { object, .. }] = &saved.unreadable[..] else {
        panic!("{:?}", saved.unreadable);
    };
    assert!(object.ends_with("baseline-replaced-4.json"), "{object}");
}
