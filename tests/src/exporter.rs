//! The exporter as a child process, and its metrics as values.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::process::{Process, Program};
use crate::{http, tools};

/// How long a test waits for the exporter to get somewhere.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running exporter. Dropping it ends the process.
#[derive(Debug)]
pub struct Exporter {
    program: Program,
}

impl Exporter {
    /// Starts `run` on a manifest, with its state and its log in `folder`, and waits until it serves.
    ///
    /// # Panics
    ///
    /// When it cannot be started or ends; its log is in the message.
    pub fn run(manifest: &Path, folder: &Path, arguments: &[&str]) -> Self {
        let state = folder.join("state").display().to_string();
        Self::run_where_the_manifest_says(
            manifest,
            folder,
            &[&["--state-dir", &state], arguments].concat(),
        )
    }

    /// As [`Self::run`], with its state where the manifest has it.
    ///
    /// # Panics
    ///
    /// As [`Self::run`].
    pub fn run_where_the_manifest_says(manifest: &Path, folder: &Path, arguments: &[&str]) -> Self {
        let port = http::free_port();
        let log = folder.join("exporter.log");
        let output = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .expect("the folder of the test can be written");
        let child = command()
            .arg("run")
            .arg("-f")
            .arg(manifest)
            .args(["--web.listen-address", &format!("127.0.0.1:{port}")])
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(output)
            .spawn()
            .expect("the exporter starts");
        let mut exporter = Self {
            program: Program {
                process: Process(child),
                port,
                log,
                patience: PATIENCE,
            },
        };
        exporter.wait_for("it serves", |port| http::get(port, "/-/healthy").ok());
        exporter
    }

    /// The port it serves on.
    pub fn port(&self) -> u16 {
        self.program.port
    }

    /// Waits until a metric, named with its labels as in the text, satisfies `holds`; gives all metrics
    /// of that scrape.
    ///
    /// # Panics
    ///
    /// As [`Self::wait_for`].
    pub fn wait_for_metric(&mut self, series: &str, holds: impl Fn(f64) -> bool) -> Metrics {
        self.wait_for(series, |port| {
            let metrics = Metrics::parse(&http::get(port, "/metrics").ok()?);
            let value = metrics.find(series)?;
            holds(value).then_some(metrics)
        })
    }

    /// Ends it as an operator would, by SIGTERM, and waits.
    ///
    /// # Panics
    ///
    /// When it does not end with exit code 0.
    pub fn terminate(self) {
        self.end_by("-TERM");
    }

    /// Ends it by a signal, `-TERM` or `-INT`, and waits; what it has logged.
    ///
    /// # Panics
    ///
    /// When it does not end with exit code 0.
    pub fn end_by(mut self, signal: &str) -> String {
        let kill = Command::new("kill")
            .args([signal, &self.program.process.id().to_string()])
            .status()
            .expect("kill starts");
        assert!(kill.success());
        let status = self.program.process.wait().expect("it was started here");
        let log = self.log();
        assert!(status.success(), "{status}\n{log}");
        log
    }
}

impl Deref for Exporter {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Exporter {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// The program, ready for arguments.
///
/// # Panics
///
/// When it has not been built.
pub fn command() -> Command {
    Command::new(tools::exporter().unwrap_or_else(|error| panic!("{error}")))
}

/// One scrape: values by family and labels.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Vec<(String, BTreeMap<String, String>, f64)>);

impl Metrics {
    /// Reads the classic text format as far as our own output needs it.
    ///
    /// # Panics
    ///
    /// When a line is not of that form.
    pub fn parse(text: &str) -> Self {
        let samples = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(samples.map(sample).collect())
    }

    /// The value of one family with these labels, whatever others it has; nothing when there is not
    /// exactly one such series.
    pub fn get(&self, family: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = self.0.iter().filter(|(name, has, _)| {
            name == family
                && labels
                    .iter()
                    .all(|(label, value)| has.get(*label).is_some_and(|v| v == value))
        });
        let first = found.next()?;
        found.next().is_none().then_some(first.2)
    }

    /// As [`Self::get`], with the labels as in `family{label="value"}`.
    pub fn find(&self, series: &str) -> Option<f64> {
        let (name, labels, _) = sample(&format!("{series} 0"));
        let labels: Vec<(&str, &str)> = labels
            .iter()
            .map(|(label, value)| (label.as_str(), value.as_str()))
            .collect();
        self.get(&name, &labels)
    }

    /// The labels of all series of a family.
    pub fn labels(&self, family: &str) -> Vec<&BTreeMap<String, String>> {
        let of = self.0.iter().filter(|(name, ..)| name == family);
        of.map(|(_, labels, _)| labels).collect()
    }
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a value stands last");
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse().expect("a value is a number"),
    };
    let Some((name, rest)) = series.split_once('{') else {
        return (series.to_owned(), BTreeMap::new(), value);
    };
    let mut labels = BTreeMap::new();
    let mut rest = rest.strip_suffix('}').expect("labels end with a brace");
    while let Some((label, after)) = rest.split_once("=\"") {
        let mut text = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().expect("a label's value ends") {
                (end, '"') => break end,
                (_, '\\') => text.push(match characters.next().expect("an escape has two") {
                    (_, 'n') => '\n',
                    (_, other) => other,
                }),
                (_, other) => text.push(other),
            }
        };
        labels.insert(label.trim_start_matches(',').to_owned(), text);
        rest = &after[end + 1..];
    }
    (name.to_owned(), labels, value)
}
