//! The temperatures of two airports on a Flight server, moved so that windows of 2010 are over just now, with their manifest.
//!
//! An hour cannot be made shorter, so it is not waited for: windows that are over are complete once `allowedLateness` has passed,
//! and a test that makes it shorter lets the next ones be judged.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::customers::workspace;
use crate::file;
use crate::server::Server;

const EXAMPLE: &str = "crds/examples/hourly-temperatures.yaml";
/// 2010-01-01T00:00:00Z, with which the first hour begins.
const YEAR: u64 = 1_262_304_000;
const DAY: u64 = 86_400;

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// One row.
    Hour,
    /// The rows of 24 hours.
    Day,
}

impl Length {
    /// In seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Length::Hour => DAY / 24,
            Length::Day => DAY,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Length::Hour => "1h",
            Length::Day => "1d",
        }
    }
}

/// The server, the manifest to run, and a folder for everything else.
#[derive(Debug)]
pub struct Temperatures {
    home: tempfile::TempDir,
    length: Length,
    ahead: u64,
    start: u64,
    moved: i64,
    _server: Server,
}

impl Temperatures {
    /// Serves them so that all windows of the year before the one with the number `next` are complete, and `ahead` more are over:
    /// these are judged by and by, see [`Self::pass`].
    ///
    /// # Panics
    ///
    /// When a part of the test's environment is missing.
    pub fn replay(length: Length, next: u64, ahead: u64) -> Self {
        let home = tempfile::tempdir().expect("there is room for a temporary folder");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the clock is past 1970");
        // Half a window ago, so that none ends during a test.
        let over = now.as_secs() - length.seconds() / 2;
        let start = over - ahead * length.seconds();
        let moved = start as i64 - (YEAR + next * length.seconds()) as i64;
        let faults = home.path().join("faults.json").display().to_string();
        let server = Server::python(
            "temperatures.py",
            &["--moved", &moved.to_string(), "--faults", &faults],
        );
        let port = server.port();
        let temperatures = Self {
            home,
            length,
            ahead,
            start,
            moved,
            _server: server,
        };
        temperatures.write_manifest(port);
        temperatures
    }

    fn write_manifest(&self, port: u16) {
        let example = std::fs::read_to_string(workspace().join(EXAMPLE));
        file::write(&self.manifest(), &example.expect("the example is there"));
        self.edit("localhost:8815", &format!("127.0.0.1:{port}"));
        self.edit("every: 10m", "every: 1s");
        let (length, lateness) = (self.length.text(), self.lateness());
        let anchor = clock(self.start % DAY);
        let window = format!("length: {length}\n      anchor: {anchor}\n      {lateness}");
        self.edit("length: 1h", &window);
    }

    fn lateness(&self) -> String {
        format!("allowedLateness: {}s", self.ahead * self.length.seconds())
    }

    /// Lets so many more windows be complete.
    ///
    /// # Panics
    ///
    /// When fewer are over.
    pub fn pass(&mut self, windows: u64) {
        let before = self.lateness();
        let ahead = self.ahead.checked_sub(windows);
        self.ahead = ahead.expect("so many windows are over");
        self.edit(&before, &self.lateness());
    }

    /// The folder that goes with the test.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The manifest.
    pub fn manifest(&self) -> PathBuf {
        self.home().join("monitor.yaml")
    }

    /// The Unix time at which the first of the windows that are judged by and by begins.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// How many seconds later than in 2010 all hours are.
    pub fn moved(&self) -> i64 {
        self.moved
    }

    /// Changes the manifest's text.
    ///
    /// # Panics
    ///
    /// When it does not hold `from`.
    pub fn edit(&self, from: &str, to: &str) {
        file::edit(&self.manifest(), from, to);
    }

    /// Adds to the manifest's spec.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn append(&self, more: &str) {
        file::append(&self.manifest(), more);
    }

    /// Makes the server answer with faults, as JSON; `{}` for none.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn faults(&self, faults: &Value) {
        file::write(&self.home().join("faults.json"), &faults.to_string());
    }
}

/// A time of the day of the Unix epoch.
fn clock(seconds: u64) -> String {
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("1970-01-01T{hour:02}:{minute:02}:{second:02}Z")
}
