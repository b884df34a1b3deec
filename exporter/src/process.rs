//! What the process counts while it lives: evaluations, what came from the source and for how long it was there, the
//! configuration.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use metrics::{Counters, Label, Samples, table};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use stats::Check;

use crate::snapshot::Alarms;
use crate::source::Reason;

/// Upper ends of the duration's buckets, in seconds: from a small table on the same host to the longest
/// `timeout` that the manifest allows for one pull.
const DURATION_BUCKETS_SECONDS: [f64; 14] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0,
];

/// How an evaluation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was complete.
    Success,
    /// It was given up.
    Failure,
}

impl Outcome {
    const ALL: [Outcome; 2] = [Outcome::Success, Outcome::Failure];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
        }
    }
}

/// Why series were left out of a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// The monitor has more series than one monitor may have.
    Budget,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [DropReason; 1] = [DropReason::Budget];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            DropReason::Budget => "budget",
        }
    }
}

/// Whether the source could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourceState {
    Up,
    Down,
    Unknown,
}

impl SourceState {
    const ALL: [SourceState; 3] = [SourceState::Up, SourceState::Down, SourceState::Unknown];

    /// The label value.
    const fn as_str(self) -> &'static str {
        match self {
            SourceState::Up => "up",
            SourceState::Down => "down",
            SourceState::Unknown => "unknown",
        }
    }
}

/// For how long the source was in which state.
#[derive(Clone, Copy, Debug)]
struct SourceTime {
    state: SourceState,
    /// Up to when it is counted.
    until: Timestamp,
    /// In the order of [`SourceState::ALL`].
    seconds: [f64; 3],
}

impl SourceTime {
    /// Counts up to `now`, which changes nothing where it is before.
    fn advance(&mut self, now: Timestamp) {
        let micros = now.as_microsecond() - self.until.as_microsecond();
        if micros > 0 {
            self.seconds[self.state as usize] += micros as f64 / 1e6;
            self.until = now;
        }
    }
}

/// One label whose value is from a closed set.
type Labels = [(&'static str, &'static str); 1];

/// What the process counts.
#[derive(Debug)]
pub struct Process {
    namespace: String,
    monitor: String,
    counters: Counters,
    evaluations: Family<Labels, Counter>,
    evaluation_duration: Histogram,
    evaluation_errors: Family<Labels, Counter>,
    received_bytes: Counter,
    rows: Counter,
    batches: Counter,
    rows_outside_windows: Counter,
    windows_judged: Counter,
    alarms: Family<[(&'static str, &'static str); 2], Counter>,
    series_dropped: Family<Labels, Counter>,
    source: Mutex<SourceTime>,
    config: Mutex<Option<ConfigState>>,
}

#[derive(Clone, Debug)]
struct ConfigState {
    hash: String,
    loaded_at: Timestamp,
    newest_accepted: bool,
}

impl Process {
    /// Nothing counted yet. Every counter with a closed set of reasons starts at 0 for each of them, so that
    /// its first increase is an increase.
    pub fn new(namespace: &str, monitor: &str, started: Timestamp) -> Self {
        let labels = [
            (Label::Namespace.name(), namespace.to_owned()),
            (Label::Monitor.name(), monitor.to_owned()),
        ];
        let mut process = Process {
            namespace: namespace.to_owned(),
            monitor: monitor.to_owned(),
            evaluations: by(Label::Outcome, Outcome::ALL.map(Outcome::as_str)),
            evaluation_duration: Histogram::new(DURATION_BUCKETS_SECONDS),
            evaluation_errors: by(Label::Reason, Reason::ALL.map(Reason::as_str)),
            received_bytes: Counter::default(),
            rows: Counter::default(),
            batches: Counter::default(),
            rows_outside_windows: Counter::default(),
            windows_judged: Counter::default(),
            alarms: Family::default(),
            series_dropped: by(Label::Reason, DropReason::ALL.map(DropReason::as_str)),
            source: Mutex::new(SourceTime {
                state: SourceState::Unknown,
                until: started,
                seconds: [0.0; 3],
            }),
            config: Mutex::new(None),
            counters: Counters::with_labels(labels),
        };
        let counters = &mut process.counters;
        counters.register(&table::EVALUATION_DURATION, &process.evaluation_duration);
        counters.register(&table::EVALUATIONS, &process.evaluations);
        counters.register(&table::EVALUATION_ERRORS, &process.evaluation_errors);
        counters.register(&table::SOURCE_RECEIVED_BYTES, &process.received_bytes);
        counters.register(&table::ROWS, &process.rows);
        counters.register(&table::BATCHES, &process.batches);
        counters.register(&table::ROWS_OUTSIDE_WINDOWS, &process.rows_outside_windows);
        counters.register(&table::WINDOWS_JUDGED, &process.windows_judged);
        counters.register(&table::ALARMS, &process.alarms);
        counters.register(&table::SERIES_DROPPED, &process.series_dropped);
        process.alarmed(Alarms::default());
        process
    }

    /// An evaluation ended.
    pub fn evaluated(&self, outcome: Outcome, took: Duration) {
        self.evaluations
            .get_or_create(&[(Label::Outcome.name(), outcome.as_str())])
            .inc();
        self.evaluation_duration.observe(took.as_secs_f64());
    }

    /// An evaluation failed.
    pub fn evaluation_failed(&self, reason: Reason) {
        self.evaluation_errors
            .get_or_create(&[(Label::Reason.name(), reason.as_str())])
            .inc();
    }

    /// From `at` on the source is known to be up or down, or nothing is known of it.
    pub fn source_seen(&self, up: Option<bool>, at: Timestamp) {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.advance(at);
        source.state = match up {
            Some(true) => SourceState::Up,
            Some(false) => SourceState::Down,
            None => SourceState::Unknown,
        };
    }

    /// Something came from the source: bytes over the wire, rows, batches, and how many of the rows are in
    /// no window that was asked for.
    pub fn received(&self, bytes: u64, rows: u64, batches: u64, rows_outside_windows: u64) {
        self.received_bytes.inc_by(bytes);
        self.rows.inc_by(rows);
        self.batches.inc_by(batches);
        self.rows_outside_windows.inc_by(rows_outside_windows);
    }

    /// Windows were judged.
    pub fn windows_judged(&self, windows: u64) {
        self.windows_judged.inc_by(windows);
    }

    /// Alarms began.
    pub fn alarmed(&self, alarms: Alarms) {
        for check in Check::ALL {
            for (severity, begun) in alarms.get(check).iter() {
                let labels = [
                    (Label::Check.name(), check.name()),
                    (Label::Severity.name(), severity.name()),
                ];
                self.alarms.get_or_create(&labels).inc_by(*begun);
            }
        }
    }

    /// Series were left out of the scrape.
    pub fn series_dropped(&self, reason: DropReason, series: u64) {
        self.series_dropped
            .get_or_create(&[(Label::Reason.name(), reason.as_str())])
            .inc_by(series);
    }

    /// A configuration came into force.
    pub fn config_loaded(&self, hash: &str, at: Timestamp) {
        *self.lock_config() = Some(ConfigState {
            hash: hash.to_owned(),
            loaded_at: at,
            newest_accepted: true,
        });
    }

    /// A newer configuration was refused; the one in force stays.
    pub fn config_refused(&self) {
        if let Some(config) = self.lock_config().as_mut() {
            config.newest_accepted = false;
        }
    }

    /// Everything counted up to `now`.
    pub fn samples(&self, now: Timestamp) -> Samples {
        let mut samples = Samples::new(&self.namespace, &self.monitor);
        let source = {
            let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
            source.advance(now);
            *source
        };
        for (state, seconds) in SourceState::ALL.into_iter().zip(source.seconds) {
            let state = [(Label::State, state.as_str())];
            samples.add(&table::SOURCE_SECONDS, state, seconds);
        }
        samples.add(
            &table::BUILD_INFO,
            [
                (Label::Version, env!("CARGO_PKG_VERSION")),
                (
                    Label::Revision,
                    option_env!("FEATURE_MONITOR_REVISION").unwrap_or("unknown"),
                ),
            ],
            1.0,
        );
        if let Some(config) = self.lock_config().clone() {
            samples.add(
                &table::CONFIG_RELOAD_SUCCESS,
                [],
                f64::from(u8::from(config.newest_accepted)),
            );
            samples.add(
                &table::CONFIG_RELOAD_TIMESTAMP,
                [],
                config.loaded_at.as_microsecond() as f64 / 1e6,
            );
            samples.add(&table::CONFIG_INFO, [(Label::Hash, &config.hash)], 1.0);
        }
        self.counters.add_to(&mut samples);
        samples
    }

    fn lock_config(&self) -> std::sync::MutexGuard<'_, Option<ConfigState>> {
        // A panic while it was held cannot have left half a state: it is only ever replaced whole.
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A family of counters that starts with 0 for each value of its label.
fn by<const N: usize>(label: Label, values: [&'static str; N]) -> Family<Labels, Counter> {
    let family = Family::default();
    for value in values {
        drop(family.get_or_create(&[(label.name(), value)]));
    }
    family
}

#[cfg(test)]
mod tests {
    use metrics::{Definition, Format};

    use super::*;

    #[test]
    fn counters_start_at_zero_and_the_text_is_stable() {
        let now = Timestamp::UNIX_EPOCH;
        let process = Process::new("shop", "customers", now);
        process.config_loaded("abc", now);
        let text = process.samples(now).text(Format::Classic);
        assert_eq!(text, process.samples(now).text(Format::Classic));
        let line = |start: &str| text.lines().find(|line| line.starts_with(start));
        for family in [
            &table::EVALUATIONS,
            &table::EVALUATION_ERRORS,
            &table::SERIES_DROPPED,
            &table::SOURCE_SECONDS,
        ] {
            let family = family.definition();
            let sample = line(&format!("{}{{", family.name)).unwrap();
            assert!(sample.starts_with(&format!(
                "{}{{namespace=\"shop\",monitor=\"customers\",",
                family.name
            )));
            assert!(sample.ends_with(" 0"), "{sample}");
            assert_eq!(
                line(&format!("# TYPE {} ", family.name)),
                Some(format!("# TYPE {} counter", family.name).as_str())
            );
        }
        let duration = table::EVALUATION_DURATION.definition().name;
        assert!(text.contains(&format!("# TYPE {duration} histogram")));
        let last = line(&format!("{duration}_count{{"));
        assert!(last.is_some_and(|line| line.ends_with(" 0")), "{last:?}");
        assert!(text.contains("le=\"+Inf\""));
    }

    /// A clock that goes back takes nothing away, and a scrape in between changes no sum.
    #[test]
    fn the_seconds_of_a_source_are_those_between_evaluations() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let process = Process::new("shop", "customers", at(100));
        let seconds = |now| {
            let text = process.samples(at(now)).text(Format::Classic);
            ["up", "down", "unknown"].map(|state| {
                let state = format!("state=\"{state}\"}} ");
                let line = text.lines().find_map(|line| line.split_once(&state));
                line.unwrap().1.parse::<f64>().unwrap()
            })
        };
        process.source_seen(None, at(103));
        process.source_seen(Some(true), at(110));
        assert_eq!(seconds(130), [20.0, 0.0, 10.0]);
        process.source_seen(Some(false), at(140));
        assert_eq!(seconds(120), [30.0, 0.0, 10.0]);
        assert_eq!(seconds(145), [30.0, 5.0, 10.0]);
        process.source_seen(Some(true), at(150));
        assert_eq!(seconds(151), [31.0, 10.0, 10.0]);
    }

    #[test]
    fn a_refused_configuration_leaves_the_one_in_force() {
        let loaded = "2026-01-15T00:00:00Z".parse().unwrap();
        let process = Process::new("shop", "customers", loaded);
        process.config_loaded("abc", loaded);
        process.config_refused();
        let text = process.samples(loaded).text(Format::OpenMetrics);
        let value = |family: &Definition| {
            let line = text.lines().find(|line| line.starts_with(family.name));
            line.and_then(|line| line.rsplit_once(' '))
                .map(|(_, value)| value.to_owned())
        };
        assert_eq!(
            value(table::CONFIG_RELOAD_SUCCESS.definition()).as_deref(),
            Some("0")
        );
        assert_eq!(
            value(table::CONFIG_RELOAD_TIMESTAMP.definition()).as_deref(),
            Some("1768435200")
        );
        assert!(text.contains("hash=\"abc\""));
    }
}
