//! What the operator counts while it lives, and what it knows of each monitor, as metrics.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{Counters, Label, Samples, table};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use crate::child::ChildKind;
use crate::conditions::{Finding, Holds};
use crate::key::Key;

/// Upper ends of the duration's buckets, in seconds: from nothing to do to an API server that throttles.
const DURATION_BUCKETS_SECONDS: [f64; 10] =
    [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0];

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed.
    Patch,
    /// It is removed.
    Delete,
}

impl Verb {
    const ALL: [Verb; 3] = [Verb::Create, Verb::Patch, Verb::Delete];

    const fn as_str(self) -> &'static str {
        match self {
            Verb::Create => "create",
            Verb::Patch => "patch",
            Verb::Delete => "delete",
        }
    }
}

/// How a reconciliation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Success,
    /// It is tried again.
    Failure,
    /// The resource cannot be read.
    Unreadable,
}

impl Outcome {
    const ALL: [Outcome; 3] = [Outcome::Success, Outcome::Failure, Outcome::Unreadable];

    const fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Unreadable => "unreadable",
        }
    }
}

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// What the operator counts.
#[derive(Debug)]
pub struct Process {
    counters: Counters,
    reconciliations: Family<Labels<1>, Counter>,
    reconciliation_duration: Histogram,
    writes: Family<Labels<2>, Counter>,
    watch_errors: Family<Labels<1>, Counter>,
    answers: Family<Labels<1>, Counter>,
    leading: AtomicBool,
    monitors: Mutex<HashMap<Key, Vec<(&'static str, Holds)>>>,
}

impl Default for Process {
    fn default() -> Self {
        Self::new()
    }
}

impl Process {
    /// Nothing counted yet. Every counter starts at 0, so that its first increase is an increase.
    pub fn new() -> Self {
        let mut process = Self {
            counters: Counters::default(),
            reconciliations: Family::default(),
            reconciliation_duration: Histogram::new(DURATION_BUCKETS_SECONDS),
            writes: Family::default(),
            watch_errors: Family::default(),
            answers: Family::default(),
            leading: AtomicBool::new(false),
            monitors: Mutex::default(),
        };
        for outcome in Outcome::ALL {
            drop(
                process
                    .reconciliations
                    .get_or_create(&[(Label::Outcome.name(), outcome.as_str())]),
            );
        }
        drop(
            process
                .watch_errors
                .get_or_create(&[(Label::Kind.name(), "FeatureMonitor")]),
        );
        for kind in ChildKind::ALL {
            drop(
                process
                    .watch_errors
                    .get_or_create(&[(Label::Kind.name(), kind.name())]),
            );
            for verb in Verb::ALL {
                drop(process.writes.get_or_create(&[
                    (Label::Kind.name(), kind.name()),
                    (Label::Verb.name(), verb.as_str()),
                ]));
            }
        }
        for code in CODES {
            drop(process.answers.get_or_create(&[(Label::Code.name(), code)]));
        }
        let counters = &mut process.counters;
        counters.register(&table::OPERATOR_RECONCILIATIONS, &process.reconciliations);
        counters.register(
            &table::OPERATOR_RECONCILIATION_DURATION,
            &process.reconciliation_duration,
        );
        counters.register(&table::OPERATOR_WRITES, &process.writes);
        counters.register(&table::OPERATOR_WATCH_ERRORS, &process.watch_errors);
        counters.register(&table::OPERATOR_API_ANSWERS, &process.answers);
        process
    }

    /// A reconciliation ended.
    pub fn reconciled(&self, outcome: Outcome, took: Duration) {
        self.reconciliations
            .get_or_create(&[(Label::Outcome.name(), outcome.as_str())])
            .inc();
        self.reconciliation_duration.observe(took.as_secs_f64());
    }

    /// A child is about to be written.
    pub fn wrote(&self, kind: ChildKind, verb: Verb) {
        self.writes
            .get_or_create(&[
                (Label::Kind.name(), kind.name()),
                (Label::Verb.name(), verb.as_str()),
            ])
            .inc();
    }

    /// A watch broke off and begins anew.
    pub fn watch_failed(&self, kind: &'static str) {
        self.watch_errors
            .get_or_create(&[(Label::Kind.name(), kind)])
            .inc();
    }

    /// The API server answered.
    pub fn answered(&self, code: u16) {
        let class = match code {
            200..=299 => "2xx",
            300..=399 => "3xx",
            409 => "409",
            429 => "429",
            400..=499 => "4xx",
            _ => "5xx",
        };
        self.answers
            .get_or_create(&[(Label::Code.name(), class)])
            .inc();
    }

    /// The API server did not answer.
    pub fn unanswered(&self) {
        self.answers
            .get_or_create(&[(Label::Code.name(), "none")])
            .inc();
    }

    /// Whether this operator is the one that writes.
    pub fn leads(&self, leads: bool) {
        self.leading.store(leads, Ordering::Relaxed);
    }

    /// What holds of a monitor.
    pub fn found(&self, key: &Key, findings: &[Finding]) {
        let holds = findings.iter().map(|f| (f.about, f.holds)).collect();
        self.lock().insert(key.clone(), holds);
    }

    /// A monitor is gone, and its series with it.
    pub fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    /// Everything counted and known up to now.
    pub fn samples(&self) -> Samples {
        // No family of the operator is about one monitor alone, so the samples have none of their own.
        let mut samples = Samples::new("", "");
        samples.add(
            &table::OPERATOR_BUILD_INFO,
            [
                (Label::Version, env!("CARGO_PKG_VERSION")),
                (
                    Label::Revision,
                    option_env!("FEATURE_MONITOR_REVISION").unwrap_or("unknown"),
                ),
            ],
            1.0,
        );
        let leading = self.leading.load(Ordering::Relaxed);
        samples.add(&table::OPERATOR_LEADING, [], f64::from(u8::from(leading)));
        let monitors = self.lock().clone();
        samples.add(&table::OPERATOR_MONITORS, [], monitors.len() as f64);
        let mut monitors: Vec<_> = monitors.into_iter().collect();
        monitors.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (key, findings) in &monitors {
            for (about, holds) in findings {
                let labels = [
                    (Label::Namespace, key.namespace.as_str()),
                    (Label::Monitor, key.name.as_str()),
                    (Label::Condition, *about),
                ];
                let value = match holds {
                    Holds::True => Some(1.0),
                    Holds::False => Some(0.0),
                    Holds::Unknown => None,
                };
                samples.add_some(&table::OPERATOR_MONITOR_CONDITION, labels, value);
            }
        }
        self.counters.add_to(&mut samples);
        samples
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Vec<(&'static str, Holds)>>> {
        // Entries are replaced whole, so a panic while it was held cannot have left half of one.
        self.monitors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Classes of answers; `none` is an answer that did not come.
const CODES: [&str; 7] = ["2xx", "3xx", "4xx", "409", "429", "5xx", "none"];
