//! From the texts and options of a spec to the values and enums of a monitor, noting what is wrong on the way.
//!
//! What the schema bounds (lengths, counts, "exactly one of") is not checked again here: where it does not hold, the
//! parts are `None` or clamped, and the schema's own violation refuses the resource.

mod notifications;
mod slos;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use super::{
    AlarmOn, Auth, Baseline, BaselineKind, Check, Checks, Data, DriftCheck, FalseAlarms,
    FeatureOverride, FeatureSelection, FileKind, FileRef, Flight, MAX_BASELINE_WINDOWS,
    MIN_ROLLING_WINDOWS, Monitor, Override, Owner, Patterns, Pod, Query, Rate, Schedule,
    SchemaCheck, State, Template, Tls, Window, at_least,
};
use crate::alarms::{self, RateText};
use crate::checks::{CategoricalStatistic, NumericStatistic};
use crate::duration::{self, DAY, DurationText};
use crate::exporter::Exporter;
use crate::labels::Labels;
use crate::secret::KeyRef;
use crate::timestamp::{self, TimestampText};
use crate::violation::{Violation, quote};
use crate::{
    FeatureMonitor, FeatureMonitorSpec, baseline, checks, data, quantity, source, state, uri,
};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const DEFAULT_MAX_MESSAGE_BYTES: u64 = 64 << 20;
const DEFAULT_CRITICAL: Rate = Rate {
    count: 1.0,
    per: Duration::from_secs(30 * 86_400),
};
const DEFAULT_WARNING: Rate = Rate {
    count: 1.0,
    per: Duration::from_secs(7 * 86_400),
};
const DEFAULT_SLO_WINDOW: Duration = Duration::from_secs(30 * 86_400);
const DEFAULT_STATE_SIZE: &str = "1Gi";
/// A distance or a missing share of fewer rows moves by chance alone.
const DEFAULT_MIN_ROWS: u64 = 200;

/// Names that gRPC and HTTP/2 use themselves.
const RESERVED_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Takes a spec in and keeps what is wrong with it.
#[derive(Default)]
pub(super) struct Door {
    pub(super) violations: Vec<Violation>,
}

/// The settings that every check has, still as options.
struct Given<T> {
    enabled: Option<bool>,
    warning: Option<T>,
    critical: Option<T>,
    min_rows: Option<i64>,
    consecutive: Option<i32>,
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

    fn flight(&mut self, spec: &source::FlightSource, has_window: bool) -> Option<Flight> {
        const PATH: &str = "spec.source.flight";
        let address = uri::parse(&spec.uri)
            .map_err(|(found, write)| self.refuse(&format!("{PATH}.uri"), found, write))
            .ok();
        for (i, header) in spec.headers.iter().flatten().enumerate() {
            let path = format!("{PATH}.headers[{i}].name");
            let found = format!(
                "the header {} is not a manifest's to set",
                quote(&header.name)
            );
            if header.name == "authorization" {
                self.refuse(
                    &path,
                    found,
                    "remove it, and refer to a Secret in auth.bearer or auth.basic",
                );
            } else if RESERVED_HEADERS.contains(&header.name.as_str())
                || header.name.starts_with("grpc-")
            {
                self.refuse(&path, found, "remove it: the protocol sets it itself");
            } else if header.name.ends_with("-bin") {
                self.refuse(
                    &path,
                    found,
                    "write a name that does not end in -bin, which gRPC keeps for bytes",
                );
            }
        }
        let auth = spec.auth.as_ref().map_or(Auth::None, auth);
        let tls = spec.tls.as_ref().map_or_else(Tls::default, tls);
        self.same_folder(&auth, &tls);
        let query = self.query(&spec.query, has_window);
        let timeout = match &spec.timeout {
            Some(text) => self.duration(&format!("{PATH}.timeout"), text, MILLISECOND * 100, HOUR),
            None => Some(DEFAULT_TIMEOUT),
        };
        let max_message_bytes = match &spec.max_message_size {
            Some(text) => {
                let parsed = quantity::parse_bytes(&text.0).and_then(|bytes| match bytes {
                    0x10_0000..=0x4000_0000 => Ok(bytes),
                    _ => Err("write a size between 1Mi and 1Gi".to_owned()),
                });
                self.take(&format!("{PATH}.maxMessageSize"), &text.0, parsed)
            }
            None => Some(DEFAULT_MAX_MESSAGE_BYTES),
        };
        let headers = spec
            .headers
            .iter()
            .flatten()
            .map(|h| (h.name.clone(), h.value.clone()))
            .collect();
        Some(Flight {
            uri: spec.uri.clone(),
            address: address?,
            query: query?,
            headers,
            auth,
            tls,
            timeout: timeout?,
            // At most 1 GiB, which fits a usize of 32 bits.
            max_message_bytes: usize::try_from(max_message_bytes?).ok()?,
        })
    }

    /// Secrets and ConfigMaps are mounted as folders side by side, so one of each cannot have the same name.
    fn same_folder(&mut self, auth: &Auth, tls: &Tls) {
        let secret = match auth {
            Auth::None => return,
            Auth::Bearer { token: file }
            | Auth::Basic { username: file, .. }
            | Auth::MutualTls {
                certificate: file, ..
            } => file,
        };
        if let Some(ca) = &tls.ca
            && ca.kind != secret.kind
            && ca.name == secret.name
        {
            self.refuse(
                "spec.source.flight.tls.ca.configMapRef.name",
                format!("a Secret and a ConfigMap are both named {}", quote(&ca.name)),
                "write the name of a ConfigMap that no Secret here has: both are mounted as folders side by side",
            );
        }
    }

    fn query(&mut self, spec: &source::Query, has_window: bool) -> Option<Query> {
        const PATH: &str = "spec.source.flight.query";
        let command = spec
            .command
            .as_ref()
            .map(|text| self.template(&format!("{PATH}.command"), text, has_window));
        let ticket = spec
            .ticket
            .as_ref()
            .map(|text| self.template(&format!("{PATH}.ticket"), text, has_window));
        let sql = spec
            .sql
            .as_ref()
            .map(|text| self.template(&format!("{PATH}.sql"), text, has_window));
        match (&spec.path, command, ticket, sql) {
            (Some(path), None, None, None) => Some(Query::Path(path.clone())),
            (None, Some(command), None, None) => command.map(Query::Command),
            (None, None, Some(ticket), None) => ticket.map(Query::Ticket),
            (None, None, None, Some(sql)) => sql.map(Query::Sql),
            _ => None,
        }
    }

    fn template(&mut self, path: &str, text: &str, has_window: bool) -> Option<Template> {
        const KNOWN: &str = "write ${window_start} or ${window_end}, the only ones";
        let template = Template::parse(text)
            .map_err(|unknown| {
                self.refuse(
                    path,
                    format!("the placeholder {} does not exist", quote(&unknown)),
                    KNOWN,
                )
            })
            .ok()?;
        if template.has_window() && !has_window {
            let found = "the query has the bounds of a window, and data.window is missing";
            self.refuse(
                path,
                found,
                "add data.window, or remove ${window_start} and ${window_end}",
            );
        }
        Some(template)
    }

    fn data(&mut self, spec: &data::Data) -> Option<Data> {
        let window = spec.window.as_ref().map(|window| self.window(window));
        let features = self.features(spec);
        Some(Data {
            entity_keys: spec.entity_keys.clone(),
            event_time: spec.event_time.clone(),
            window: match window {
                Some(window) => Some(window?),
                None => None,
            },
            target: spec.target.as_ref().map(|target| target.column.clone()),
            features: features?,
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
        for (i, spec) in features.overrides.iter().flatten().enumerate() {
            let path = format!("{PATH}.overrides[{i}].names");
            for (j, name) in spec.names.iter().enumerate() {
                if no_features.contains(name) {
                    let found = format!(
                        "{} is no feature (a key, the event time, the window column or the target)",
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
                });
            }
        }
        let selection = FeatureSelection {
            include: include?,
            exclude: exclude?,
            no_features,
            overrides,
        };
        for (i, name) in selection.include.texts().iter().enumerate() {
            let is_literal = selection.include.literals().any(|literal| literal == name);
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
        let kind = match (&spec.pinned, &spec.rolling, &spec.previous) {
            (Some(pinned), None, None) => self.pinned(pinned, window),
            (None, Some(rolling), None) => {
                let windows = u32::try_from(rolling.windows).unwrap_or(0);
                let windows = windows.clamp(MIN_ROLLING_WINDOWS, MAX_BASELINE_WINDOWS);
                NonZeroU32::new(windows).map(|windows| BaselineKind::Rolling { windows })
            }
            (None, None, Some(_)) => Some(BaselineKind::Previous),
            _ => None,
        };
        let revision = u32::try_from(spec.revision.unwrap_or(1)).unwrap_or(1);
        Some(Baseline {
            kind: kind?,
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

    fn checks(
        &mut self,
        spec: &FeatureMonitorSpec,
        window: Option<&Window>,
        every: Option<Duration>,
    ) -> Option<Checks> {
        let given = spec.checks.clone().unwrap_or_default();
        let schema = SchemaCheck {
            enabled: given.schema.and_then(|check| check.enabled).unwrap_or(true),
        };
        let mut freshness = self.freshness(&given.freshness.unwrap_or_default());
        let drift = self.drift(&given.drift.unwrap_or_default());
        let missing = self.missing(&given.missing.unwrap_or_default());
        let (warning, critical) = match window {
            Some(window) => (window.length * 3 / 2, window.length * 2),
            None => (every? * 2, every? * 4),
        };
        freshness.enabled &= spec.data.event_time.is_some();
        // A default that contradicts the one limit which is given would refuse a manifest for what it does not say.
        if freshness.warning.is_none() {
            freshness.warning = Some(
                freshness
                    .critical
                    .map_or(warning, |critical| critical.min(warning)),
            );
        }
        freshness.critical = at_least(
            freshness.critical.or(Some(critical)),
            freshness.warning.as_ref(),
        );
        Some(Checks {
            schema,
            freshness,
            drift: drift?,
            missing: missing?,
        })
    }

    fn freshness(&mut self, spec: &checks::FreshnessCheck) -> Check<Duration> {
        const PATH: &str = "spec.checks.freshness";
        let (warning, critical) = self.ages(PATH, spec.warning.as_ref(), spec.critical.as_ref());
        let given = Given {
            enabled: spec.enabled,
            warning,
            critical,
            min_rows: spec.min_rows,
            consecutive: spec.consecutive,
        };
        let mut overrides = Vec::new();
        for (i, other) in spec.overrides.iter().flatten().enumerate() {
            let path = format!("{PATH}.overrides[{i}]");
            let (warning, critical) =
                self.ages(&path, other.warning.as_ref(), other.critical.as_ref());
            let given = Given {
                enabled: other.enabled,
                warning,
                critical,
                min_rows: other.min_rows,
                consecutive: other.consecutive,
            };
            overrides.extend(self.other(&path, &other.features, given));
        }
        check(given, 1, overrides)
    }

    /// The two limits of the freshness check, compared.
    fn ages(
        &mut self,
        path: &str,
        warning: Option<&DurationText>,
        critical: Option<&DurationText>,
    ) -> (Option<Duration>, Option<Duration>) {
        let most = DAY * 3660;
        let warning_path = format!("{path}.warning");
        let warning =
            warning.and_then(|text| self.duration(&warning_path, text, MILLISECOND, most));
        let critical = critical
            .and_then(|text| self.duration(&format!("{path}.critical"), text, MILLISECOND, most));
        if let (Some(warning), Some(critical)) = (warning, critical)
            && warning > critical
        {
            let found = format!(
                "warning {} is above critical {}",
                duration::display(warning),
                duration::display(critical)
            );
            self.refuse(
                &warning_path,
                found,
                "write a warning that is at most critical",
            );
        }
        (warning, critical)
    }

    fn drift(&mut self, spec: &checks::DriftCheck) -> Option<DriftCheck> {
        const PATH: &str = "spec.checks.drift";
        let alarm_on = spec.alarm_on.clone().unwrap_or_default();
        let alarm_on = AlarmOn {
            numeric: alarm_on.numeric.unwrap_or(NumericStatistic::KS),
            categorical: alarm_on.categorical.unwrap_or(CategoricalStatistic::PSI),
        };
        self.reachable(
            PATH,
            [("warning", spec.warning), ("critical", spec.critical)],
            alarm_on,
        );
        let given = Given {
            enabled: spec.enabled,
            warning: spec.warning,
            critical: spec.critical,
            min_rows: spec.min_rows,
            consecutive: spec.consecutive,
        };
        let mut overrides = Vec::new();
        for (i, other) in spec.overrides.iter().flatten().enumerate() {
            let path = format!("{PATH}.overrides[{i}]");
            self.reachable(
                &path,
                [("warning", other.warning), ("critical", other.critical)],
                alarm_on,
            );
            let given = Given {
                enabled: other.enabled,
                warning: other.warning,
                critical: other.critical,
                min_rows: other.min_rows,
                consecutive: other.consecutive,
            };
            overrides.extend(self.other(&path, &other.features, given));
        }
        Some(DriftCheck {
            check: check(given, DEFAULT_MIN_ROWS, overrides),
            alarm_on,
        })
    }

    /// Refuses a limit that no distance can reach, because those that alarm end at 1.
    fn reachable(&mut self, path: &str, limits: [(&str, Option<f64>); 2], alarm_on: AlarmOn) {
        let numeric = matches!(
            alarm_on.numeric,
            NumericStatistic::KS | NumericStatistic::JensenShannon | NumericStatistic::Hellinger
        );
        let categorical = matches!(
            alarm_on.categorical,
            CategoricalStatistic::JensenShannon | CategoricalStatistic::Hellinger
        );
        for (name, limit) in limits {
            if let Some(limit) = limit
                && numeric
                && categorical
                && limit > 1.0
            {
                let found = format!(
                    "the limit {limit} is never reached: the statistics of alarmOn end at 1"
                );
                self.refuse(
                    &format!("{path}.{name}"),
                    found,
                    "write a limit that is at most 1",
                );
            }
        }
    }

    fn missing(&mut self, spec: &checks::MissingCheck) -> Option<Check<f64>> {
        const PATH: &str = "spec.checks.missing";
        let given = Given {
            enabled: spec.enabled,
            warning: spec.warning,
            critical: spec.critical,
            min_rows: spec.min_rows,
            consecutive: spec.consecutive,
        };
        let mut overrides = Vec::new();
        for (i, other) in spec.overrides.iter().flatten().enumerate() {
            let given = Given {
                enabled: other.enabled,
                warning: other.warning,
                critical: other.critical,
                min_rows: other.min_rows,
                consecutive: other.consecutive,
            };
            overrides.extend(self.other(&format!("{PATH}.overrides[{i}]"), &other.features, given));
        }
        Some(check(given, DEFAULT_MIN_ROWS, overrides))
    }

    fn other<T>(
        &mut self,
        path: &str,
        features: &[String],
        given: Given<T>,
    ) -> Option<Override<T>> {
        let features = self.patterns(&format!("{path}.features"), features)?;
        Some(Override {
            features,
            enabled: given.enabled,
            warning: given.warning,
            critical: given.critical,
            min_rows: given.min_rows.map(i64::unsigned_abs),
            consecutive: given
                .consecutive
                .and_then(|n| NonZeroU32::new(n.unsigned_abs())),
        })
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

/// A check with its defaults.
fn check<T>(given: Given<T>, min_rows: u64, overrides: Vec<Override<T>>) -> Check<T> {
    Check {
        enabled: given.enabled.unwrap_or(true),
        warning: given.warning,
        critical: given.critical,
        min_rows: given.min_rows.map_or(min_rows, i64::unsigned_abs),
        consecutive: given
            .consecutive
            .and_then(|n| NonZeroU32::new(n.unsigned_abs()))
            .unwrap_or(NonZeroU32::MIN),
        overrides,
    }
}

fn auth(spec: &source::Auth) -> Auth {
    let file = |name: &str, key: &str| FileRef {
        kind: FileKind::Secret,
        name: name.to_owned(),
        key: key.to_owned(),
    };
    match (&spec.bearer, &spec.basic, &spec.mtls) {
        (Some(bearer), _, _) => Auth::Bearer {
            token: file(&bearer.secret_ref.name, &bearer.secret_ref.key),
        },
        (_, Some(basic), _) => Auth::Basic {
            username: file(&basic.secret_ref.name, "username"),
            password: file(&basic.secret_ref.name, "password"),
        },
        (_, _, Some(mtls)) => Auth::MutualTls {
            certificate: file(&mtls.secret_ref.name, "tls.crt"),
            key: file(&mtls.secret_ref.name, "tls.key"),
        },
        (None, None, None) => Auth::None,
    }
}

fn tls(spec: &source::Tls) -> Tls {
    let file = |kind, key: &KeyRef| FileRef {
        kind,
        name: key.name.clone(),
        key: key.key.clone(),
    };
    let ca = spec
        .ca
        .as_ref()
        .and_then(|ca| match (&ca.secret_ref, &ca.config_map_ref) {
            (Some(secret), _) => Some(file(FileKind::Secret, secret)),
            (None, Some(config_map)) => Some(file(FileKind::ConfigMap, config_map)),
            (None, None) => None,
        });
    Tls {
        ca,
        server_name: spec.server_name.clone(),
    }
}

/// The length of a window; at least 1 s, so that it can divide.
fn length_nanoseconds(window: &Window) -> i128 {
    i128::try_from(window.length.as_nanos())
        .unwrap_or(i128::MAX)
        .max(1)
}
