//! From the texts and options of a spec to the values and enums of a monitor, noting what is wrong on the way.
//!
//! What the schema bounds (lengths, counts, "exactly one of") is not checked again here: where it does not hold, the
//! parts are `None` or clamped, and the schema's own violation refuses the resource.

mod checks;
mod idle;
mod names;
mod notifications;
mod rules;
mod season;
mod slos;
mod source;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use super::{
    Baseline, BaselineKind, Data, FalseAlarms, FeatureOverride, FeatureSelection,
    MAX_BASELINE_WINDOWS, MIN_ROLLING_WINDOWS, Monitor, Owner, Patterns, Pod, Rate, Schedule,
    Segments, State, Target, Window,
};
use crate::alarms::{self, RateText};
use crate::duration::{self, DAY, DurationText};
use crate::exporter::Exporter;
use crate::labels::Labels;
use crate::timestamp::{self, TimestampText};
use crate::violation::{Violation, quote};
use crate::{FeatureMonitor, FeatureMonitorSpec, baseline, data, quantity, state};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

const DEFAULT_CRITICAL: Rate = Rate {
    count: 1.0,
    per: Duration::from_secs(30 * 86_400),
};
const DEFAULT_WARNING: Rate = Rate {
    count: 1.0,
    per: Duration::from_secs(7 * 86_400),
};
const DEFAULT_SLO_WINDOW: Duration = Duration::from_secs(30 * 86_400);
/// How many values of a column are segments of their own.
const DEFAULT_SEGMENTS: i32 = 10;
const DEFAULT_STATE_SIZE: &str = "1Gi";

/// Takes a spec in and keeps what is wrong with it.
#[derive(Default)]
pub(super) struct Door {
    pub(super) violations: Vec<Violation>,
    /// Paths of lists of which it is said here, with the entry, what a rule of the schema says of the list.
    pub(super) said: Vec<String>,
}

impl Door {
    /// The monitor, or `None` when a part of it is missing; then a violation says which, here or from the schema.
    pub(super) fn monitor(&mut self, resource: &FeatureMonitor) -> Option<Monitor> {
        let spec = &resource.spec;
        let name = resource.metadata.name.clone();
        if name.is_none() {
            self.refuse(
                "metadata.name",
                "the name is missing",
                "write a name of lower-case letters, digits and '-'",
            );
        }
        let every = self.duration(
            "spec.schedule.every",
            &spec.schedule.every,
            SECOND,
            DAY * 30,
        );
        let data = self.data(&spec.data);
        let window = data.as_ref().and_then(|data| data.window.as_ref());
        let source = self.flight(&spec.source.flight, spec.data.window.is_some());
        let baseline = self.baseline(&spec.baseline, window);
        let false_alarms = self.false_alarms(spec);
        let checks = self.checks(spec, window, every);
        if let Some(given) = &spec.checks {
            self.idle(given, data.as_ref(), baseline.as_ref());
        }
        if let (Some(data), Some(baseline)) = (&data, &baseline) {
            self.idle_segments(spec.checks.as_ref(), data, baseline);
        }
        let rules = self.rules(spec, data.as_ref());
        let slos = self.slos(spec, every, checks.as_ref());
        let given = spec.notifications.as_ref();
        let notifications = given.map(|given| self.notifications(given, &spec.owner.team));
        let exporter = spec.exporter.clone().unwrap_or_default();
        let state = self.state(&exporter.state.clone().unwrap_or_else(|| state::State {
            volume_claim: Some(state::VolumeClaimState::default()),
            ..state::State::default()
        }));
        let pod = self.pod(exporter);
        let integrations = spec.integrations.clone().unwrap_or_default();
        let integration_labels = self.labels("spec.integrations.labels", integrations.labels);
        Some(Monitor {
            namespace: resource
                .metadata
                .namespace
                .clone()
                .unwrap_or_else(|| "default".to_owned()),
            name: name?,
            owner: Owner {
                team: spec.owner.team.clone(),
                contact: spec.owner.contact.clone(),
            },
            source: source?,
            data: data?,
            schedule: Schedule { every: every? },
            baseline: baseline?,
            false_alarms: false_alarms?,
            checks: checks?,
            rules,
            slos,
            notifications: match notifications {
                Some(read) => Some(read?),
                None => None,
            },
            state: state?,
            pod,
            integration_labels,
            paused: spec.paused.unwrap_or(false),
        })
    }

    fn refuse(&mut self, path: &str, found: impl Into<String>, write: impl Into<String>) {
        let violation = Violation {
            path: path.to_owned(),
            found: found.into(),
            write: write.into(),
            location: None,
        };
        self.violations.push(violation);
    }

    /// The value of a parsed text, or a violation that quotes the text.
    fn take<T>(&mut self, path: &str, text: &str, parsed: Result<T, String>) -> Option<T> {
        parsed
            .map_err(|write| self.refuse(path, format!("found {}", quote(text)), write))
            .ok()
    }

    fn duration(
        &mut self,
        path: &str,
        text: &DurationText,
        least: Duration,
        most: Duration,
    ) -> Option<Duration> {
        let parsed = duration::parse(&text.0).and_then(|d| duration::within(d, least, most));
        self.take(path, &text.0, parsed)
    }

    fn timestamp(&mut self, path: &str, text: &TimestampText) -> Option<Timestamp> {
        self.take(path, &text.0, timestamp::parse(&text.0))
    }

    fn rate(&mut self, path: &str, text: &RateText) -> Option<Rate> {
        self.take(path, &text.0, alarms::parse(&text.0))
    }

    fn patterns(&mut self, path: &str, texts: &[String]) -> Option<Patterns> {
        let compiled = Patterns::compile(texts);
        compiled
            .map_err(|refused| {
                for (i, reason) in refused {
                    let found = format!("{} is no glob: {reason}", quote(&texts[i]));
                    self.refuse(
                        &format!("{path}[{i}]"),
                        found,
                        "write a column name, or a glob such as basket_*",
                    );
                }
            })
            .ok()
    }

    fn data(&mut self, spec: &data::Data) -> Option<Data> {
        let window = spec.window.as_ref().map(|window| self.window(window));
        self.names(spec);
        let features = self.features(spec);
        let target = spec.target.as_ref().map(|target| self.target(target));
        let segments = self.segments(spec, features.as_ref());
        Some(Data {
            entity_keys: spec.entity_keys.clone(),
            event_time: spec.event_time.clone(),
            window: match window {
                Some(window) => Some(window?),
                None => None,
            },
            target: match target {
                Some(target) => Some(target?),
                None => None,
            },
            segments,
            features: features?,
        })
    }

    /// The columns that divide the rows; their values are shown.
    fn segments(
        &mut self,
        spec: &data::Data,
        features: Option<&FeatureSelection>,
    ) -> Vec<Segments> {
        let mut segments = Vec::new();
        for (i, given) in spec.segments.iter().flatten().enumerate() {
            let column = &given.column;
            if features.is_some_and(|features| features.sensitive(column)) {
                let found = format!(
                    "{} is sensitive, and the names of segments are shown",
                    quote(column)
                );
                self.refuse(
                    &format!("spec.data.segments[{i}].column"),
                    found,
                    "remove it from segments, or write sensitive: false for it",
                );
            }
            if features.and_then(|features| features.overridden_kind(column))
                == Some(data::FeatureKind::Numeric)
            {
                let found = format!("{} is a feature of type Numeric", quote(column));
                self.refuse(
                    &format!("spec.data.segments[{i}].column"),
                    found,
                    "name a column of categories, or write type: Categorical for it",
                );
            }
            segments.push(Segments {
                column: column.clone(),
                top: usize::try_from(given.top.unwrap_or(DEFAULT_SEGMENTS)).unwrap_or(1),
            });
        }
        segments
    }

    fn target(&mut self, spec: &data::Target) -> Option<Target> {
        let delay = match &spec.delay {
            Some(text) => self.duration("spec.data.target.delay", text, Duration::ZERO, DAY * 366),
            None => Some(Duration::ZERO),
        };
        Some(Target {
            column: spec.column.clone(),
            kind: spec.kind,
            delay: delay?,
        })
    }

    fn window(&mut self, spec: &data::Window) -> Option<Window> {
        const PATH: &str = "spec.data.window";
        let length = self.duration(&format!("{PATH}.length"), &spec.length, SECOND, DAY * 366);
        let anchor = match &spec.anchor {
            Some(text) => self.timestamp(&format!("{PATH}.anchor"), text),
            None => Some(Timestamp::UNIX_EPOCH),
        };
        let allowed_lateness = match &spec.allowed_lateness {
            Some(text) => self.duration(
                &format!("{PATH}.allowedLateness"),
                text,
                Duration::ZERO,
                DAY * 366,
            ),
            None => Some(Duration::ZERO),
        };
        Some(Window {
            column: spec.column.clone(),
            length: length?,
            anchor: anchor?,
            allowed_lateness: allowed_lateness?,
        })
    }

    fn features(&mut self, spec: &data::Data) -> Option<FeatureSelection> {
        const PATH: &str = "spec.data.features";
        let features = spec.features.clone().unwrap_or_default();
        let include = features.include.unwrap_or_else(|| vec!["*".to_owned()]);
        let include = self.patterns(&format!("{PATH}.include"), &include);
        let exclude = self.patterns(
            &format!("{PATH}.exclude"),
            &features.exclude.unwrap_or_default(),
        );
        let mut no_features: std::collections::BTreeSet<String> =
            spec.entity_keys.iter().cloned().collect();
        no_features.extend(spec.event_time.clone());
        no_features.extend(spec.window.as_ref().map(|window| window.column.clone()));
        no_features.extend(spec.target.as_ref().map(|target| target.column.clone()));
        let mut overrides = Vec::new();
        let roles = no_features.clone();
        let flags = features.overrides.iter().flatten();
        no_features.extend(flags.filter_map(|spec| spec.imputed_flag.clone()));
        for (i, spec) in features.overrides.iter().flatten().enumerate() {
            if let Some(flag) = spec
                .imputed_flag
                .as_ref()
                .filter(|flag| roles.contains(*flag))
            {
                let found = format!(
                    "{} is a key, the event time, the window column or the target",
                    quote(flag)
                );
                self.refuse(
                    &format!("{PATH}.overrides[{i}].imputedFlag"),
                    found,
                    "write the column that says which values were filled in",
                );
            }
            let path = format!("{PATH}.overrides[{i}].names");
            for (j, name) in spec.names.iter().enumerate() {
                if no_features.contains(name) {
                    let found = format!(
                        "{} is no feature (a key, the event time, the window column, the target or a flag)",
                        quote(name)
                    );
                    self.refuse(
                        &format!("{path}[{j}]"),
                        found,
                        "remove it, or name a feature",
                    );
                }
            }
            if let Some(names) = self.patterns(&path, &spec.names) {
                overrides.push(FeatureOverride {
                    names,
                    kind: spec.kind,
                    sensitive: spec.sensitive,
                    imputed_flag: spec.imputed_flag.clone(),
                });
            }
        }
        let selection = FeatureSelection {
            include: include?,
            exclude: exclude?,
            no_features,
            segments: spec
                .segments
                .iter()
                .flatten()
                .map(|segments| segments.column.clone())
                .collect(),
            overrides,
        };
        for (i, name) in selection.include.texts().iter().enumerate() {
            let is_literal = selection.include.literals().any(|literal| literal == name);
            if is_literal && selection.flags().contains(name.as_str()) {
                let found = format!("{} is the flag of what was filled in", quote(name));
                self.refuse(
                    &format!("{PATH}.include[{i}]"),
                    found,
                    "remove it from include",
                );
            }
            if is_literal
                && selection.exclude.matches(name)
                && !selection.exclude.texts().contains(name)
            {
                let found = format!("{} is excluded by a glob in exclude", quote(name));
                self.refuse(
                    &format!("{PATH}.include[{i}]"),
                    found,
                    "remove it from include, or narrow exclude",
                );
            }
        }
        Some(selection)
    }

    fn baseline(&mut self, spec: &baseline::Baseline, window: Option<&Window>) -> Option<Baseline> {
        let kind = match (&spec.pinned, &spec.rolling, &spec.previous, &spec.seasonal) {
            (Some(pinned), None, None, None) => self.pinned(pinned, window),
            (None, Some(rolling), None, None) => {
                let windows = u32::try_from(rolling.windows).unwrap_or(0);
                let windows = windows.clamp(MIN_ROLLING_WINDOWS, MAX_BASELINE_WINDOWS);
                NonZeroU32::new(windows).map(|windows| BaselineKind::Rolling { windows })
            }
            (None, None, Some(_), None) => Some(BaselineKind::Previous),
            (None, None, None, Some(seasonal)) => {
                let season = self.season(seasonal, window);
                season.map(BaselineKind::Seasonal)
            }
            _ => None,
        };
        let revision = u32::try_from(spec.revision.unwrap_or(1)).unwrap_or(1);
        let mut excluded = Vec::new();
        for (i, time) in spec.excluded.iter().flatten().enumerate() {
            let path = format!("spec.baseline.excluded[{i}]");
            let from = self.timestamp(&format!("{path}.from"), &time.from);
            let to = self.timestamp(&format!("{path}.to"), &time.to);
            excluded.extend(from.zip(to));
        }
        if let (Some(BaselineKind::Pinned { from, to }), Some(window)) = (&kind, window)
            && windows_left(*from, *to, window, &excluded) == 0
        {
            let found = "every window of the pinned baseline is excluded".to_owned();
            self.refuse(
                "spec.baseline.excluded",
                found,
                "leave at least one of its windows",
            );
        }
        Some(Baseline {
            kind: kind?,
            excluded,
            revision,
        })
    }

    fn pinned(
        &mut self,
        spec: &baseline::PinnedBaseline,
        window: Option<&Window>,
    ) -> Option<BaselineKind> {
        let from = self.timestamp("spec.baseline.pinned.from", &spec.from);
        let to = self.timestamp("spec.baseline.pinned.to", &spec.to);
        let (from, to, window) = (from?, to?, window?);
        let from_aligned = self.on_boundary("spec.baseline.pinned.from", from, window);
        let to_aligned = self.on_boundary("spec.baseline.pinned.to", to, window);
        let span = to.as_nanosecond() - from.as_nanosecond();
        let windows = span / length_nanoseconds(window);
        if windows > i128::from(MAX_BASELINE_WINDOWS) {
            let found = format!(
                "the baseline has {windows} windows of {}",
                duration::display(window.length)
            );
            let write =
                format!("write times that are at most {MAX_BASELINE_WINDOWS} windows apart");
            self.refuse("spec.baseline.pinned.to", found, write);
            return None;
        }
        (from_aligned && to_aligned && windows > 0).then_some(BaselineKind::Pinned { from, to })
    }

    /// Whether a time is the start of a window; a violation names the nearest one otherwise.
    fn on_boundary(&mut self, path: &str, time: Timestamp, window: &Window) -> bool {
        let length = length_nanoseconds(window);
        let past = (time.as_nanosecond() - window.anchor.as_nanosecond()).rem_euclid(length);
        if past == 0 {
            return true;
        }
        let nearest = time.as_nanosecond() - past + if past * 2 < length { 0 } else { length };
        let write = match Timestamp::from_nanosecond(nearest) {
            Ok(nearest) => format!("write {nearest}, the nearest one"),
            Err(_) => "write a time at which a window starts".to_owned(),
        };
        let found = format!(
            "{time} is not a window's boundary (windows are {} long, from {})",
            duration::display(window.length),
            window.anchor
        );
        self.refuse(path, found, write);
        false
    }

    fn false_alarms(&mut self, spec: &FeatureMonitorSpec) -> Option<FalseAlarms> {
        let given = spec.false_alarms.clone().unwrap_or_default();
        let critical = match &given.critical {
            Some(text) => self.rate("spec.falseAlarms.critical", text),
            None => Some(DEFAULT_CRITICAL),
        };
        let warning = match &given.warning {
            Some(text) => self.rate("spec.falseAlarms.warning", text),
            None => Some(DEFAULT_WARNING),
        };
        let (critical, warning) = (critical?, warning?);
        if warning.per_second() < critical.per_second() {
            let found = "fewer false warnings than false critical alarms are accepted";
            self.refuse(
                "spec.falseAlarms.warning",
                found,
                "write a warning rate that is at least the critical one",
            );
        }
        Some(FalseAlarms { critical, warning })
    }

    fn pod(&mut self, spec: Exporter) -> Pod {
        const PATH: &str = "spec.exporter";
        for (which, amounts) in [
            (
                "requests",
                spec.resources.as_ref().and_then(|r| r.requests.as_ref()),
            ),
            (
                "limits",
                spec.resources.as_ref().and_then(|r| r.limits.as_ref()),
            ),
        ] {
            for name in amounts.iter().flat_map(|amounts| amounts.0.keys()) {
                self.key(&format!("{PATH}.resources.{which}"), name, "cpu");
            }
        }
        let labels = self.labels(&format!("{PATH}.podLabels"), spec.pod_labels);
        let annotations = spec.pod_annotations.unwrap_or_default().0;
        for key in annotations.keys() {
            self.key(&format!("{PATH}.podAnnotations"), key, "example.com/note");
        }
        let node_selector = spec.node_selector.unwrap_or_default().0;
        for key in node_selector.keys() {
            self.key(&format!("{PATH}.nodeSelector"), key, "kubernetes.io/arch");
        }
        Pod {
            resources: spec.resources,
            node_selector,
            tolerations: spec.tolerations.unwrap_or_default(),
            affinity: spec.affinity,
            priority_class: spec.priority_class_name,
            labels,
            annotations,
        }
    }

    /// Labels that someone adds to a child; those that select it are not theirs.
    fn labels(&mut self, path: &str, labels: Option<Labels>) -> BTreeMap<String, String> {
        let labels = labels.unwrap_or_default().0;
        for key in labels.keys() {
            if key.starts_with("app.kubernetes.io/") {
                let found = format!("the label {} is the operator's", quote(key));
                self.refuse(&format!("{path}.{key}"), found, "remove it");
            } else {
                self.key(path, key, "example.com/cost-center");
            }
        }
        labels
    }

    fn key(&mut self, path: &str, key: &str, example: &str) {
        if !is_qualified_name(key) {
            let found = format!("{} is no name that Kubernetes knows here", quote(key));
            let write = format!("write letters, digits, '-', '_' and '.', such as {example}");
            self.refuse(&format!("{path}.{key}"), found, write);
        }
    }

    fn state(&mut self, spec: &state::State) -> Option<State> {
        match (&spec.volume_claim, &spec.url, &spec.ephemeral) {
            (Some(claim), None, None) => {
                let size = claim
                    .size
                    .clone()
                    .map_or_else(|| DEFAULT_STATE_SIZE.to_owned(), |size| size.0);
                let parsed = quantity::parse_bytes(&size).and_then(|bytes| match bytes {
                    0x10_0000..=0x100_0000_0000 => Ok(size.clone()),
                    _ => Err("write a size between 1Mi and 1Ti".to_owned()),
                });
                Some(State::VolumeClaim {
                    size: self.take("spec.exporter.state.volumeClaim.size", &size, parsed)?,
                    storage_class: claim.storage_class_name.clone(),
                    retain: claim.retain.unwrap_or(false),
                })
            }
            (None, Some(url), None) => {
                if url.value.split('/').any(|part| part == "." || part == "..") {
                    let found = format!("{} has a part . or ..", quote(&url.value));
                    self.refuse(
                        "spec.exporter.state.url.value",
                        found,
                        "write the prefix without them",
                    );
                }
                let credentials = url
                    .credentials
                    .as_ref()
                    .map(|credentials| credentials.secret_ref.name.clone());
                Some(State::Url {
                    url: url.value.clone(),
                    credentials,
                })
            }
            (None, None, Some(_)) => Some(State::Ephemeral),
            _ => None,
        }
    }
}

/// Whether a text is the key of a label or annotation: at most 63 characters, after an optional DNS name and a slash.
fn is_qualified_name(key: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    let (prefix, name) = match key.rsplit_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let is_name = (1..=63).contains(&name.len())
        && name.bytes().all(inner)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    is_name && prefix.is_none_or(|p| p.len() <= 253 && p.split('.').all(is_label))
}

/// How many windows from one boundary to another overlap no excluded time.
fn windows_left(
    from: Timestamp,
    to: Timestamp,
    window: &Window,
    excluded: &[(Timestamp, Timestamp)],
) -> u32 {
    let length = length_nanoseconds(window);
    let (mut start, end) = (from.as_nanosecond(), to.as_nanosecond());
    let mut left = 0;
    while start < end {
        let overlaps = |(from, to): &(Timestamp, Timestamp)| {
            from.as_nanosecond() < start + length && start < to.as_nanosecond()
        };
        left += u32::from(!excluded.iter().any(overlaps));
        start += length;
    }
    left
}

/// The length of a window; at least 1 s, so that it can divide.
fn length_nanoseconds(window: &Window) -> i128 {
    i128::try_from(window.length.as_nanos())
        .unwrap_or(i128::MAX)
        .max(1)
}
