//! The only door from a spec to a monitor that runs.
//!
//! [`validate`] reports every violation, not the first. It holds what the CRD holds (by walking the same schema and
//! evaluating the same CEL rules, so a file that never met an API server is held to the same), and what only code can
//! know: durations compared, times on window boundaries, globs, placeholders, addresses.

mod door;
pub mod notifications;
mod season;
mod slo;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Affinity, Toleration};

pub use crate::alarms::Rate;
pub use crate::checks::{CategoricalStatistic, NumericStatistic};
pub use crate::data::{FeatureKind as Kind, TargetKind};
pub use crate::exporter::Resources;
pub use crate::notifications::Severity;
pub use crate::patterns::Patterns;
pub use crate::rules::Over;
pub use crate::template::Template;
pub use crate::uri::Address;
pub use crate::violation::{Violation, Violations};
pub use notifications::Notifications;
pub use season::{CalendarClass, MAX_CYCLES, MAX_SEASONAL_WINDOWS, MIN_CYCLES, Period, Season};
pub use slo::{BURN_RECIPE, Burn, Indicator, Slo};

use crate::{FeatureMonitor, schema};
use door::Door;

/// Most windows of a baseline: each keeps a summary of every feature in memory and in the saved state.
pub const MAX_BASELINE_WINDOWS: u32 = 512;

/// Fewest windows of a rolling baseline: fewer say nothing about how much windows differ when nothing is wrong.
pub const MIN_ROLLING_WINDOWS: u32 = 4;

/// Fewest windows of a baseline against which performance is judged: what is read in one is learnt from the others.
pub const MIN_PERFORMANCE_WINDOWS: u32 = 2;

/// Fewest windows of a baseline against which a shift is judged: fewer do not say how a mean moves.
pub const MIN_SHIFT_WINDOWS: u32 = 100;

/// A monitor that can run: every text is parsed, every default is filled in, every reference between fields holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Monitor {
    /// Namespace, `default` when the manifest has none.
    pub namespace: String,
    /// Name, a DNS label.
    pub name: String,
    /// Who answers for the features.
    pub owner: Owner,
    /// Where the features come from.
    pub source: Flight,
    /// Which columns mean what.
    pub data: Data,
    /// When they are pulled.
    pub schedule: Schedule,
    /// What they are compared with.
    pub baseline: Baseline,
    /// How many false alarms are accepted.
    pub false_alarms: FalseAlarms,
    /// What is checked.
    pub checks: Checks,
    /// What must hold besides.
    pub rules: Vec<Rule>,
    /// What is promised.
    pub slos: Vec<Slo>,
    /// Who is told of alerts; `None` leaves that to others.
    pub notifications: Option<Notifications>,
    /// Where state is kept.
    pub state: State,
    /// The exporter's pod.
    pub pod: Pod,
    /// Labels of what is made for other programs.
    pub integration_labels: BTreeMap<String, String>,
    /// Whether the operator leaves everything as it is.
    pub paused: bool,
}

impl Monitor {
    /// What holds and may not be what somebody expects, a sentence each: burn rates that are not alerted about, alerts that
    /// nobody is told of, nothing that is judged.
    pub fn notes(&self) -> Vec<String> {
        let of = |slo: &Slo| {
            let name = slo.name.clone();
            slo.notes
                .clone()
                .into_iter()
                .map(move |note| format!("objective {name}: {note}."))
        };
        let told = self.notifications.iter().flat_map(|told| &told.notes);
        let told = told.map(|note| format!("notifications: {note}."));
        let idle = (self.checks.are_off() && self.rules.is_empty())
            .then(|| "all checks are off: nothing is ever judged.".to_owned());
        let notes = self.slos.iter().flat_map(of).chain(told);
        notes.chain(idle).collect()
    }

    /// What the overrides are for, each with the path of its list of names.
    pub fn overridden(&self) -> Vec<(String, &Patterns)> {
        let features = self.data.features.overrides.iter().enumerate();
        let features = features.map(|(i, other)| {
            let path = format!("spec.data.features.overrides[{i}].names");
            (path, &other.names)
        });
        let checks = self.checks.overridden().into_iter();
        let checks = checks.flat_map(|(check, all)| {
            let all = all.into_iter().enumerate();
            all.map(move |(i, names)| {
                let path = format!("spec.checks.{check}.overrides[{i}].features");
                (path, names)
            })
        });
        features.chain(checks).collect()
    }

    /// Every file of a Secret or ConfigMap that the source needs, in the order of the spec. The Secret of an object store
    /// ([`State::Url`]) has no fixed keys and is not among them.
    pub fn files(&self) -> Vec<&FileRef> {
        let auth: Vec<&FileRef> = match &self.source.auth {
            Auth::None => Vec::new(),
            Auth::Bearer { token } => vec![token],
            Auth::Basic { username, password } => vec![username, password],
            Auth::MutualTls { certificate, key } => vec![certificate, key],
        };
        auth.into_iter().chain(&self.source.tls.ca).collect()
    }
}

/// Who answers for the features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The team.
    pub team: String,
    /// Where to reach it.
    pub contact: Option<String>,
}

/// An Arrow Flight server and how to talk to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Flight {
    /// Address as written; without credentials.
    pub uri: String,
    /// The same, parsed.
    pub address: Address,
    /// What to ask for.
    pub query: Query,
    /// Headers of every call: lower-case name, printable value.
    pub headers: Vec<(String, String)>,
    /// How to prove who asks.
    pub auth: Auth,
    /// How to trust the server; of use only when the address has TLS.
    pub tls: Tls,
    /// Longest time for one pull.
    pub timeout: Duration,
    /// Largest Flight message, in bytes.
    pub max_message_bytes: usize,
}

/// What to ask a Flight server for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// Path of a descriptor.
    Path(Vec<String>),
    /// Command of a descriptor.
    Command(Template),
    /// Ticket, for DoGet alone.
    Ticket(Template),
    /// Statement of Flight SQL.
    Sql(Template),
}

/// How to prove who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// A token.
    Bearer {
        /// File with the token.
        token: FileRef,
    },
    /// User name and password, exchanged for a token.
    Basic {
        /// File with the user name.
        username: FileRef,
        /// File with the password.
        password: FileRef,
    },
    /// A client certificate.
    MutualTls {
        /// File with the certificate chain, PEM.
        certificate: FileRef,
        /// File with the private key, PEM.
        key: FileRef,
    },
}

/// How to trust the server.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tls {
    /// File with certificate authorities, PEM; `None` for the public ones.
    pub ca: Option<FileRef>,
    /// Host name that the certificate must have; `None` for the address's.
    pub server_name: Option<String>,
}

/// A file of a Secret or ConfigMap, at `<name>/<key>` below the secrets directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileRef {
    /// What it comes from.
    pub kind: FileKind,
    /// Name of the Secret or ConfigMap: no path separator, no leading dot.
    pub name: String,
    /// Key: no path separator, not `.` or `..`.
    pub key: String,
}

/// What a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
}

impl FileRef {
    /// Path below the secrets directory.
    pub fn path(&self) -> PathBuf {
        [&self.name, &self.key].iter().collect()
    }
}

/// Which columns mean what.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Columns that name the entity.
    pub entity_keys: Vec<String>,
    /// Column with the time at which values were true.
    pub event_time: Option<String>,
    /// How rows fall into windows; `None`: one pull is one window.
    pub window: Option<Window>,
    /// What the model predicts.
    pub target: Option<Target>,
    /// Which columns divide the rows.
    pub segments: Vec<Segments>,
    /// Which columns are features.
    pub features: FeatureSelection,
}

/// What the model predicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its column.
    pub column: String,
    /// What its values are; `None` when the column's type decides.
    pub kind: Option<TargetKind>,
    /// How long after a window is complete it is known; nothing but 0 without windows.
    pub delay: Duration,
}

/// A column whose values divide the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// The column.
    pub column: String,
    /// How many of its values are told apart: 1 to 25.
    pub top: usize,
}

/// Tumbling windows `[anchor + i·length, anchor + (i+1)·length)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Column whose time says to which window a row belongs.
    pub column: String,
    /// Length, 1 s to 366 d, whole milliseconds.
    pub length: Duration,
    /// A time at which a window starts.
    pub anchor: Timestamp,
    /// How long after its end a window is complete.
    pub allowed_lateness: Duration,
}

/// Which columns are features, and what is known about them.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSelection {
    include: Patterns,
    exclude: Patterns,
    /// Keys, event time, window column, target, and flags of what was filled in.
    no_features: BTreeSet<String>,
    /// Columns that divide the rows, which makes categories of them.
    segments: BTreeSet<String>,
    overrides: Vec<FeatureOverride>,
}

#[derive(Clone, Debug, PartialEq)]
struct FeatureOverride {
    names: Patterns,
    kind: Option<Kind>,
    sensitive: Option<bool>,
    imputed_flag: Option<String>,
}

impl FeatureSelection {
    /// Whether a column is a feature.
    pub fn selects(&self, column: &str) -> bool {
        !self.no_features.contains(column)
            && self.include.matches(column)
            && !self.exclude.matches(column)
    }

    /// Whether the manifest gives a column a part beside that of a feature: a key, a time, the target, a flag, or what divides the
    /// rows.
    pub fn gives_part(&self, column: &str) -> bool {
        self.no_features.contains(column) || self.segments.contains(column)
    }

    /// The kind that the manifest demands for a feature, `None` when the column's type decides.
    pub fn forced_kind(&self, feature: &str) -> Option<Kind> {
        let divides = self.segments.contains(feature).then_some(Kind::Categorical);
        divides.or_else(|| self.overridden_kind(feature))
    }

    fn overridden_kind(&self, feature: &str) -> Option<Kind> {
        self.overrides
            .iter()
            .rev()
            .filter(|o| o.names.matches(feature))
            .find_map(|o| o.kind)
    }

    /// Whether a feature's values and categories must not be shown.
    pub fn sensitive(&self, feature: &str) -> bool {
        self.overrides
            .iter()
            .rev()
            .filter(|o| o.names.matches(feature))
            .find_map(|o| o.sensitive)
            .unwrap_or(false)
    }

    /// The column that says which values of a feature were filled in, `None` where the manifest names none.
    pub fn imputed_flag(&self, feature: &str) -> Option<&str> {
        self.overrides
            .iter()
            .rev()
            .filter(|o| o.names.matches(feature))
            .find_map(|o| o.imputed_flag.as_deref())
    }

    /// The columns that say which values were filled in, each once.
    pub fn flags(&self) -> BTreeSet<&str> {
        self.flag_fields().map(|(_, flag)| flag).collect()
    }

    /// The columns that say which values were filled in, each with the path of the field that names it.
    pub fn flag_fields(&self) -> impl Iterator<Item = (String, &str)> {
        let overrides = self.overrides.iter().enumerate();
        overrides.filter_map(|(i, other)| {
            let path = format!("spec.data.features.overrides[{i}].imputedFlag");
            Some((path, other.imputed_flag.as_deref()?))
        })
    }

    /// The names and globs of `include`, as they were written; `*` where there is none.
    pub fn included(&self) -> &Patterns {
        &self.include
    }

    /// The names and globs of `exclude`, as they were written.
    pub fn excluded(&self) -> &Patterns {
        &self.exclude
    }

    /// Features that are named without a wildcard, and so are expected even before a baseline exists.
    pub fn literal_names(&self) -> Vec<&str> {
        self.include
            .literals()
            .filter(|name| self.selects(name))
            .collect()
    }
}

/// When the source is pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time between the starts of two pulls.
    pub every: Duration,
}

/// What current features are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// Which windows.
    pub kind: BaselineKind,
    /// From and to of the times whose windows are left out, in the manifest's order.
    pub excluded: Vec<(Timestamp, Timestamp)>,
    /// A higher one freezes anew.
    pub revision: u32,
}

/// Which windows a baseline is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaselineKind {
    /// Those from one window boundary to another: at least one, at most [`MAX_BASELINE_WINDOWS`].
    Pinned {
        /// Start of the first.
        from: Timestamp,
        /// End of the last, excluded.
        to: Timestamp,
    },
    /// The last ones before the current one.
    Rolling {
        /// How many: [`MIN_ROLLING_WINDOWS`] to [`MAX_BASELINE_WINDOWS`].
        windows: NonZeroU32,
    },
    /// The one before the current one.
    Previous,
    /// The last ones of the same phase.
    Seasonal(Season),
}

/// How many false alarms are accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct FalseAlarms {
    /// Critical ones.
    pub critical: Rate,
    /// Warnings.
    pub warning: Rate,
}

/// What is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Checks {
    /// Are the columns those of the baseline?
    pub schema: SchemaCheck,
    /// Is the newest event recent? Off when the data has no event time. Its limits are never `None`.
    pub freshness: Check<Duration>,
    /// Are the values distributed as in the baseline?
    pub drift: DriftCheck,
    /// Are more values missing than in the baseline? Limits are increases of the share.
    pub missing: Check<f64>,
    /// Are more values than in the baseline not acceptable? Limits are increases of the share.
    pub quality: QualityCheck,
    /// Are more numbers than in the baseline far from its median? Limits are increases of the share.
    pub outliers: Check<f64>,
    /// Do the features hang together as in the baseline? Limits are differences of an association.
    pub correlation: Check<f64>,
    /// Does each feature tell as much about the target as in the baseline? Off without a target. Limits are falls of the AUC or
    /// of the explained share.
    pub performance: Check<f64>,
    /// Is each feature within each segment distributed as there in the baseline? Off without segments. Limits are Jensen–Shannon
    /// distances.
    pub segments: Check<f64>,
    /// Is the mean of a number where it usually is at this time? Limits are deviations.
    pub level: Check<f64>,
    /// Has the mean of a number moved slowly, and stays? Limits are deviations of the EWMA.
    pub shift: Check<f64>,
    /// Do more rows than in the baseline have the keys of another row? Limits are increases of the share. It has no overrides.
    pub duplicates: Check<f64>,
    /// Are the same features missing together as in the baseline? Limits are distances of the patterns. It has no overrides.
    pub missing_patterns: Check<f64>,
    /// Are more values than in the baseline filled in? Limits are increases of the share.
    pub imputation: Check<f64>,
}

impl Checks {
    /// Whether nothing alarms, not even about some features.
    fn are_off(&self) -> bool {
        fn is_off<T>(check: &Check<T>) -> bool {
            let mut overrides = check.overrides.iter();
            !check.enabled && !overrides.any(|other| other.enabled == Some(true))
        }
        let mut measured = self.measured().into_iter();
        !self.schema.enabled && is_off(&self.freshness) && measured.all(|(_, check)| is_off(check))
    }

    /// The checks whose limits are numbers, which are all but those of the schema and of freshness, by the names of their fields.
    fn measured(&self) -> [(&'static str, &Check<f64>); 12] {
        let Checks {
            schema: _,
            freshness: _,
            drift,
            missing,
            quality,
            outliers,
            correlation,
            performance,
            segments,
            level,
            shift,
            duplicates,
            missing_patterns,
            imputation,
        } = self;
        [
            ("drift", &drift.check),
            ("missing", missing),
            ("quality", &quality.check),
            ("outliers", outliers),
            ("correlation", correlation),
            ("performance", performance),
            ("segments", segments),
            ("level", level),
            ("shift", shift),
            ("duplicates", duplicates),
            ("missingPatterns", missing_patterns),
            ("imputation", imputation),
        ]
    }

    /// What the overrides of each check are for, by the name of its field.
    fn overridden(&self) -> Vec<(&'static str, Vec<&Patterns>)> {
        fn of<T>(check: &Check<T>) -> Vec<&Patterns> {
            let overrides = check.overrides.iter();
            overrides.map(|other| &other.features).collect()
        }
        let freshness = ("freshness", of(&self.freshness));
        let measured = self.measured().map(|(name, check)| (name, of(check)));
        [freshness].into_iter().chain(measured).collect()
    }
}

/// The quality check: a check, and what is acceptable.
#[derive(Clone, Debug, PartialEq)]
pub struct QualityCheck {
    /// Settings.
    pub check: Check<f64>,
    /// How far beyond the baseline's smallest and largest value a number may lie, in units of their distance.
    pub tolerance: f64,
    /// What is acceptable of some features.
    pub acceptable: Vec<(Patterns, Acceptable)>,
}

/// The values of a feature that are acceptable.
#[derive(Clone, Debug, PartialEq)]
pub enum Acceptable {
    /// Numbers from `min` to `max`, both included.
    Range {
        /// The smallest, `None` for no end.
        min: Option<f64>,
        /// The largest, `None` for no end.
        max: Option<f64>,
    },
    /// These categories.
    Allowed(BTreeSet<String>),
}

impl QualityCheck {
    /// What is written down as acceptable of a feature: by the last of the overrides that match it and say so.
    pub fn acceptable_for(&self, feature: &str) -> Option<&Acceptable> {
        let mut matching = self.acceptable.iter().rev();
        let found = matching.find(|(features, _)| features.matches(feature));
        found.map(|(_, acceptable)| acceptable)
    }
}

/// The schema check has no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaCheck {
    /// Whether it alarms.
    pub enabled: bool,
}

/// The drift check: a check, and which statistic alarms.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftCheck {
    /// Settings, in the unit of the alarming statistic.
    pub check: Check<f64>,
    /// Which statistic alarms.
    pub alarm_on: AlarmOn,
}

impl DriftCheck {
    /// What holds for one feature.
    pub fn limits_for(&self, feature: &str) -> ResolvedCheck<f64> {
        self.check.limits_for(feature)
    }
}

/// Which statistic alarms, by the kind of the feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlarmOn {
    /// For numbers.
    pub numeric: NumericStatistic,
    /// For categories.
    pub categorical: CategoricalStatistic,
}

/// Settings of a check whose limits are of type `T`. A limit that is `None` is calibrated.
#[derive(Clone, Debug, PartialEq)]
pub struct Check<T> {
    /// Whether it alarms.
    pub enabled: bool,
    /// Limit of a warning.
    pub warning: Option<T>,
    /// Limit of a critical alarm.
    pub critical: Option<T>,
    /// Fewest rows that allow a verdict.
    pub min_rows: u64,
    /// How many times in a row the limit must be reached.
    pub consecutive: NonZeroU32,
    /// Other settings for some features.
    pub overrides: Vec<Override<T>>,
}

/// Other settings for some features; `None` leaves the check's.
#[derive(Clone, Debug, PartialEq)]
pub struct Override<T> {
    /// The features.
    pub features: Patterns,
    /// Whether the check alarms.
    pub enabled: Option<bool>,
    /// Limit of a warning.
    pub warning: Option<T>,
    /// Limit of a critical alarm.
    pub critical: Option<T>,
    /// Fewest rows that allow a verdict.
    pub min_rows: Option<u64>,
    /// How many times in a row the limit must be reached.
    pub consecutive: Option<NonZeroU32>,
}

/// What holds for one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedCheck<T> {
    /// Whether the check alarms.
    pub enabled: bool,
    /// Limit of a warning, `None` when it is calibrated.
    pub warning: Option<T>,
    /// Limit of a critical alarm, `None` when it is calibrated; never below a given `warning`.
    pub critical: Option<T>,
    /// Fewest rows that allow a verdict.
    pub min_rows: u64,
    /// How many times in a row the limit must be reached.
    pub consecutive: NonZeroU32,
}

impl<T: Clone + PartialOrd> Check<T> {
    /// What holds for one feature: of the overrides that match it, the last one that says something about a field.
    pub fn limits_for(&self, feature: &str) -> ResolvedCheck<T> {
        let mut resolved = ResolvedCheck {
            enabled: self.enabled,
            warning: self.warning.clone(),
            critical: self.critical.clone(),
            min_rows: self.min_rows,
            consecutive: self.consecutive,
        };
        for other in self
            .overrides
            .iter()
            .filter(|o| o.features.matches(feature))
        {
            resolved.enabled = other.enabled.unwrap_or(resolved.enabled);
            resolved.warning = other.warning.clone().or(resolved.warning);
            resolved.critical = other.critical.clone().or(resolved.critical);
            resolved.min_rows = other.min_rows.unwrap_or(resolved.min_rows);
            resolved.consecutive = other.consecutive.unwrap_or(resolved.consecutive);
        }
        // One of the two may come from an override and the other not, so the order is made to hold here.
        resolved.critical = at_least(resolved.critical, resolved.warning.as_ref());
        resolved
    }
}

/// The critical limit, raised to the warning limit when it is below.
fn at_least<T: Clone + PartialOrd>(critical: Option<T>, warning: Option<&T>) -> Option<T> {
    match (critical, warning) {
        (Some(critical), Some(warning)) if critical < *warning => Some(warning.clone()),
        (critical, _) => critical,
    }
}

/// A business rule. Whether its expression is SQL, and of what type, only the exporter knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name, one of its kind.
    pub name: String,
    /// The expression that must hold.
    pub expr: String,
    /// What it must hold of.
    pub over: Over,
    /// How bad it is when it does not.
    pub severity: Severity,
    /// Share of rows that may violate it; 0 for a rule over the window.
    pub tolerance: f64,
    /// How many keys of violating rows are logged for each window.
    pub sample_keys: usize,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A claim of the cluster, which is a folder for the exporter.
    VolumeClaim {
        /// Size as a Kubernetes quantity.
        size: String,
        /// Name of the storage class; `None` for that of the cluster.
        storage_class: Option<String>,
        /// Whether the claim stays when the monitor is deleted.
        retain: bool,
    },
    /// An object store.
    Url {
        /// `s3://…`, `gs://…` or `az://…`.
        url: String,
        /// Name of the Secret with the store's settings; `None` for what the environment offers.
        credentials: Option<String>,
    },
    /// Memory only.
    Ephemeral,
}

/// What shapes the exporter's pod.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Pod {
    /// Processor and memory; `None` for what the operator is configured with.
    pub resources: Option<Resources>,
    /// Labels of nodes.
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes.
    pub tolerations: Vec<Toleration>,
    /// Preferences and needs.
    pub affinity: Option<Affinity>,
    /// PriorityClass.
    pub priority_class: Option<String>,
    /// More labels.
    pub labels: BTreeMap<String, String>,
    /// More annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Makes a monitor of a resource, or says everything that is wrong with it.
///
/// # Errors
/// Every violation of the schema, of the CEL rules, and of what only code can know, sorted by path.
pub fn validate(resource: &FeatureMonitor) -> Result<Monitor, Violations> {
    let mut door = Door::default();
    let monitor = door.monitor(resource);
    let Door {
        mut violations,
        said,
    } = door;
    for finding in schema::check_resource(resource) {
        let path = &finding.violation.path;
        // A parser says more than a pattern: where both refuse a field, the parser's words stand. And a rule about a list does
        // not know which entry is wrong.
        let is_said = finding.by_rule && said.contains(path);
        if !is_said && !violations.iter().any(|known| known.path == *path) {
            violations.push(finding.violation);
        }
    }
    violations.sort_by(|a, b| a.path.cmp(&b.path));
    Violations::none(violations)?;
    // The door has no monitor only where it noted a violation or the schema has one, so this one never shows.
    monitor.ok_or_else(|| {
        Violations::one(
            "spec",
            "the spec is incomplete".to_owned(),
            "write all required fields".to_owned(),
        )
    })
}
