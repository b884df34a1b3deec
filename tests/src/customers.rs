//! The weekly customers on a Flight server, replayed at a chosen speed, with their manifest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::server::Server;
use crate::{file, http, tools};

/// The example of which these are the rows.
const EXAMPLE: &str = "crds/examples/customer-segmentation.yaml";

/// A replay: the server, the manifest to run, and a folder for everything else.
#[derive(Debug)]
pub struct Customers {
    home: tempfile::TempDir,
    arguments: Vec<String>,
    port: u16,
    origin: u64,
    server: Option<Server>,
}

impl Customers {
    /// Replays so that `weeks` windows after the baseline are complete now, and half of the next has
    /// passed; a week takes `seconds_per_week`.
    ///
    /// # Panics
    ///
    /// When a part of the test's environment is missing.
    pub fn replay(weeks: u64, seconds_per_week: u64) -> Self {
        Self::served(weeks, seconds_per_week, &[])
    }

    /// As [`Self::replay`], and the weeks after the baseline are all the same: nothing ever changes, for an hour of weeks
    /// of ten seconds.
    ///
    /// # Panics
    ///
    /// As [`Self::replay`].
    pub fn unchanging(weeks: u64, seconds_per_week: u64) -> Self {
        // A week of the baseline, so that nothing is further from it than it is from itself.
        let repeat = [("--repeat", "16"), ("--last", "380")];
        Self::served(weeks, seconds_per_week, &repeat)
    }

    fn served(weeks: u64, seconds_per_week: u64, more: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().expect("there is room for a temporary folder");
        let port = http::free_port();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the clock is past 1970");
        let origin = now.as_secs() - weeks * seconds_per_week - seconds_per_week / 2;
        let faults = home.path().join("faults.json");
        let arguments = [
            ("--port", port.to_string()),
            ("--origin", origin.to_string()),
            ("--seconds-per-week", seconds_per_week.to_string()),
            ("--faults", faults.display().to_string()),
        ]
        .into_iter()
        .chain(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        )
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect();
        let mut customers = Self {
            home,
            arguments,
            port,
            origin,
            server: None,
        };
        python(
            "demo/scaled.py",
            &[
                &workspace().join(EXAMPLE).display().to_string(),
                &customers.manifest().display().to_string(),
                &origin.to_string(),
                &seconds_per_week.to_string(),
                &format!("grpc://127.0.0.1:{port}"),
            ],
        );
        customers.start();
        customers
    }

    /// Starts the server, again after [`Self::stop`].
    pub fn start(&mut self) {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        self.server = Some(Server::python("customers.py", &arguments));
    }

    /// Ends the server.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// The folder that goes with the test.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The manifest.
    pub fn manifest(&self) -> PathBuf {
        self.home().join("monitor.yaml")
    }

    /// Where it serves.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The Unix time on which the end of the baseline falls.
    pub fn origin(&self) -> u64 {
        self.origin
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
    pub fn faults(&self, faults: &serde_json::Value) {
        file::write(&self.home().join("faults.json"), &faults.to_string());
    }
}

/// The checks of the example that are switched off where the reference knows of drift and missing values alone, and shares the budget
/// among those: what its text has, and what stands there instead.
pub const DRIFT_AND_MISSING_ALONE: [(&str, &str); 8] = [
    ("quality: {}", "quality: {enabled: false}"),
    ("outliers: {}", "outliers: {enabled: false}"),
    ("correlation: {}", "correlation: {enabled: false}"),
    ("performance: {}", "performance: {enabled: false}"),
    ("segments: {}", "segments: {enabled: false}"),
    ("duplicates: {}", "duplicates: {enabled: false}"),
    ("missingPatterns: {}", "missingPatterns: {enabled: false}"),
    ("imputation: {}", "imputation: {enabled: false}"),
];

/// The text of the example, in its own time, with a server at a port of this machine, and with edits: what is replaced, and by what.
///
/// # Panics
///
/// When it does not hold what is to be replaced.
pub fn example(port: u16, edits: &[(&str, &str)]) -> String {
    let text = std::fs::read_to_string(workspace().join(EXAMPLE)).expect("the example is there");
    let here = format!("grpc://127.0.0.1:{port}");
    let edits = [&[("grpc://localhost:8815", here.as_str())][..], edits].concat();
    edits.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "no {from:?} in\n{text}");
        text.replace(from, to)
    })
}

/// Runs a script below `tests/` to its end, with our programs as they were built; what it printed.
///
/// # Panics
///
/// When it fails; its errors are in the message.
pub fn python(script: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(tools::python().unwrap_or_else(|error| panic!("{error}")));
    // A script that needs them would otherwise build them, which cargo does not while it tests.
    for (variable, program) in [
        ("FM_EXPORTER", tools::exporter()),
        ("FM_OPERATOR", tools::operator()),
    ] {
        if let Ok(program) = program {
            command.env(variable, program);
        }
    }
    let output = command
        .arg(workspace().join("tests").join(script))
        .args(arguments)
        .output()
        .expect("python starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {errors}");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// The root of the project.
///
/// # Panics
///
/// Never: the tests' crate lies in it.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
}
