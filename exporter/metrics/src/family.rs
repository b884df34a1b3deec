//! What a metric family is: the row type of the table.

/// One family with `N` labels besides those of its scope, so that a sample with too few or too many
/// label values does not compile.
#[derive(Debug)]
pub struct Family<const N: usize>(pub(crate) Definition);

impl<const N: usize> Family<N> {
    /// The family's row of the table.
    pub const fn definition(&self) -> &Definition {
        &self.0
    }
}

/// A row of the table.
#[derive(Debug)]
pub struct Definition {
    /// The name under which the samples appear, with `_total` of a counter and `_info` of an info.
    pub name: &'static str,
    /// The metric type.
    pub kind: Kind,
    /// What one unit of the value is.
    pub unit: Unit,
    /// Which labels every sample carries before those of the family.
    pub scope: Scope,
    /// The family's labels, in the order in which they are written.
    pub labels: &'static [Label],
    /// How to use it: one sentence and one query.
    pub usage: Usage,
    pub(crate) help: &'static str,
    pub(crate) position: usize,
}

impl Definition {
    /// The HELP text: what the value says, in a sentence or two.
    pub fn help(&self) -> &'static str {
        self.help.trim()
    }

    /// The name that OpenMetrics gives to the family: without the suffix that its type adds to a sample.
    pub fn open_metrics_name(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }
}

/// The metric type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A count that only grows while the process lives.
    Counter,
    /// Metadata in labels; the value is always 1.
    Info,
    /// Observations counted in buckets.
    Histogram,
}

impl Kind {
    /// The word that the classic text format has for the type; it knows no info.
    pub const fn classic(self) -> &'static str {
        match self {
            Kind::Gauge | Kind::Info => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
        }
    }

    /// The word that OpenMetrics has for the type.
    pub const fn open_metrics(self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Info => "info",
            Kind::Histogram => "histogram",
        }
    }
}

/// What one unit of a family's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 0 for no, 1 for yes.
    Flag,
    /// A number of things: rows, windows, bytes are told by the name.
    Count,
    /// A share from 0 to 1.
    Ratio,
    /// A duration, or seconds since the Unix epoch where the name says timestamp.
    Seconds,
    /// Bytes.
    Bytes,
    /// The unit of the feature's own values.
    Feature,
    /// A number without a unit: a distance, a score, a probability.
    Plain,
    /// The unit of the check's value: a distance for drift, a share for missing, seconds for freshness.
    Check,
}

impl Unit {
    /// The unit as OpenMetrics declares it, which must end the family's name.
    pub const fn open_metrics(self) -> Option<&'static str> {
        match self {
            Unit::Ratio => Some("ratio"),
            Unit::Seconds => Some("seconds"),
            Unit::Bytes => Some("bytes"),
            Unit::Flag | Unit::Count | Unit::Feature | Unit::Plain | Unit::Check => None,
        }
    }

    /// The unit in words.
    pub const fn words(self) -> &'static str {
        match self {
            Unit::Flag => "0 or 1",
            Unit::Count => "count",
            Unit::Ratio => "ratio 0–1",
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
            Unit::Feature => "the feature's own",
            Unit::Plain => "none",
            Unit::Check => "the check's own",
        }
    }
}

/// Which labels every sample of a family carries before the family's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `namespace` and `monitor`.
    Monitor,
    /// None: the value is about the program, whatever it monitors.
    Program,
}

impl Scope {
    /// The labels of the scope.
    pub const fn labels(self) -> &'static [Label] {
        match self {
            Scope::Monitor => &[Label::Namespace, Label::Monitor],
            Scope::Program => &[],
        }
    }
}

/// One sentence on what to do with a family, and a query that does it.
#[derive(Debug)]
pub struct Usage {
    /// The sentence.
    pub sentence: &'static str,
    /// A PromQL expression.
    pub query: &'static str,
}

macro_rules! labels {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal),+ $(,)?) => {
        /// Every label name there is. Their values are bounded: by the spec, by the baseline, or by an enum.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Label { $($(#[doc = $doc])+ $variant),+ }

        impl Label {
            /// All of them.
            pub const ALL: &'static [Label] = &[$(Label::$variant),+];

            /// The name as Prometheus sees it.
            pub const fn name(self) -> &'static str {
                match self { $(Label::$variant => $name),+ }
            }

            /// What its values are.
            pub const fn meaning(self) -> &'static str {
                match self { $(Label::$variant => concat!($($doc),+)),+ }
            }
        }
    };
}

labels! {
    /// Namespace of the FeatureMonitor.
    Namespace = "namespace",
    /// Name of the FeatureMonitor.
    Monitor = "monitor",
    /// Name of the feature's column. Without it, a check's sample is about the monitor as a whole.
    Feature = "feature",
    /// The other feature of a pair.
    Partner = "partner",
    /// The check: `drift`, `missing`, `quality`, `outliers`, `correlation`, `performance`, `level`, `shift`, `duplicates`,
    /// `missing_patterns`, `imputation`, `segments`, `freshness`, `schema`, `rules`.
    Check = "check",
    /// A segment: a column and its value, such as `region=north`; `__null__` for rows without a value, `__other__` for all values that
    /// are not told apart. A value that is itself one of these is in quotes.
    Segment = "segment",
    /// A column whose values divide the rows into segments.
    Column = "column",
    /// A part of a change: `mix`, because segments weigh more or less, or `within` them.
    Component = "component",
    /// Name of a business rule.
    Rule = "rule",
    /// `warning` or `critical`.
    Severity = "severity",
    /// A bin of the baseline: its number and edges, or its category (in quotes where that is itself `__other__` or another of
    /// the names for several). A sensitive feature has the number only.
    Bin = "bin",
    /// Why: a word from a closed set.
    Reason = "reason",
    /// The part of the limit's recipe that holds.
    Part = "part",
    /// The statistic: the one that the check judges, the measure of a pair, or of what a feature tells.
    Statistic = "statistic",
    /// How an evaluation ended: `success` or `failure`.
    Outcome = "outcome",
    /// What sort of thing it is.
    Kind = "kind",
    /// What is done to an object: `create`, `patch` or `delete`.
    Verb = "verb",
    /// Class of an answer of the API server, such as `2xx`, `429`, or `none` when there was none.
    Code = "code",
    /// In which state something is: a word from a closed set. The sample of the state that holds is 1, the others are 0.
    State = "state",
    /// A condition of a FeatureMonitor's status, such as `Ready`.
    Condition = "condition",
    /// The column's Arrow type.
    DataType = "data_type",
    /// The owning team.
    Team = "team",
    /// How to reach the owner.
    Contact = "contact",
    /// `true` where values and categories must not be shown.
    Sensitive = "sensitive",
    /// What the exporter wants to say about the feature.
    Note = "note",
    /// A version.
    Version = "version",
    /// A revision: of the baseline as the spec gives it, or of the source code.
    Revision = "revision",
    /// SHA-256 of the baseline's content.
    Digest = "digest",
    /// SHA-256 of the configuration's content.
    Hash = "hash",
}
