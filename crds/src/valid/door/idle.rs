//! What is asked for and would never come: checks that have nothing to judge, and overrides for what they are not about.
//!
//! Every check is on by default, so that only what somebody wrote down is refused, and nothing that is switched off.

use super::{Door, windows_left};
use crate::checks::{Checks, QualityOverride};
use crate::patterns;
use crate::valid::{
    Baseline, BaselineKind, Data, FeatureSelection, Kind, MIN_PERFORMANCE_WINDOWS,
    MIN_SHIFT_WINDOWS, Window,
};
use crate::violation::quote;

/// The checks of what features say together.
const TOGETHER: [&str; 4] = ["correlation", "missingPatterns", "performance", "segments"];

/// What somebody wrote about a check.
struct Written<'a> {
    name: &'static str,
    enabled: Option<bool>,
    limits: bool,
    overrides: Vec<Other<'a>>,
}

/// What somebody wrote about a check of some features.
struct Other<'a> {
    features: &'a [String],
    enabled: Option<bool>,
    /// The kind of features that it is about; `None` for both.
    kind: Option<Kind>,
}

/// What was found, and what to write.
type Refusal = (String, String);

/// What somebody wrote about a check: the types differ, and the fields have the same names.
macro_rules! written {
    ($name:literal, $check:expr) => {
        written!($name, $check, other => None)
    };
    ($name:literal, $check:expr, $other:ident => $kind:expr) => {
        $check.as_ref().map(|check| Written {
            name: $name,
            enabled: check.enabled,
            limits: check.warning.is_some() || check.critical.is_some(),
            overrides: check
                .overrides
                .iter()
                .flatten()
                .map(|$other| Other {
                    features: &$other.features,
                    enabled: $other.enabled,
                    kind: $kind,
                })
                .collect(),
        })
    };
}

impl Door {
    /// Refuses the checks and overrides that somebody asks for, and that can never give a verdict.
    pub(super) fn idle(
        &mut self,
        given: &Checks,
        data: Option<&Data>,
        baseline: Option<&Baseline>,
    ) {
        for check in written(given) {
            if check.is_asked_for() {
                let path = format!("spec.checks.{}", check.name);
                let column = data.and_then(|data| check.without_column(data));
                let windows = baseline.and_then(|baseline| check.without_windows(baseline, data));
                for (found, write) in column.into_iter().chain(windows) {
                    self.refuse(&path, found, write);
                }
            }
            if let Some(data) = data {
                self.idle_overrides(&check, &data.features);
            }
        }
    }

    /// Refuses columns that divide the rows where nothing would be told of the parts. Where the check of them is asked for, that
    /// is refused instead.
    pub(super) fn idle_segments(
        &mut self,
        given: Option<&Checks>,
        data: &Data,
        baseline: &Baseline,
    ) {
        let checks = given.map(written).unwrap_or_default();
        let mut checks = checks.iter().filter(|check| check.is_asked_for());
        let seasonal = matches!(baseline.kind, BaselineKind::Seasonal(_));
        if !seasonal || data.segments.is_empty() || checks.any(|check| check.name == "segments") {
            return;
        }
        let columns = data.segments.iter().map(|given| quote(&given.column));
        let columns: Vec<String> = columns.collect();
        let verb = if columns.len() == 1 {
            "divides"
        } else {
            "divide"
        };
        let found = format!(
            "{} {verb} the rows, and a seasonal baseline keeps each feature by itself, so that nothing is told of the parts",
            columns.join(" and ")
        );
        let write = "write another baseline, or remove segments";
        self.refuse("spec.data.segments", found, write);
    }

    fn idle_overrides(&mut self, check: &Written<'_>, features: &FeatureSelection) {
        for (i, other) in check.overrides.iter().enumerate() {
            if other.enabled.or(check.enabled) == Some(false) {
                continue;
            }
            for (j, name) in other.features.iter().enumerate() {
                if let Some((found, write)) = check.beside(other, name, features) {
                    let path = format!("spec.checks.{}.overrides[{i}].features[{j}]", check.name);
                    self.refuse(&path, found, write);
                }
            }
        }
    }
}

impl Written<'_> {
    /// Whether the check, or an override of it, is not off.
    fn is_asked_for(&self) -> bool {
        let mut overrides = self.overrides.iter();
        self.enabled != Some(false) || overrides.any(|other| other.enabled == Some(true))
    }

    /// What was found of it.
    fn words(&self) -> String {
        let found = match self.limits {
            true => "has limits",
            false => "is asked for",
        };
        format!("{} {found}", self.name)
    }

    /// A column that it needs and that the manifest does not name.
    fn without_column(&self, data: &Data) -> Option<Refusal> {
        let (field, is_named) = match self.name {
            // Of limits without an event time the schema says it.
            "freshness" => ("data.eventTime", data.event_time.is_some() || self.limits),
            "performance" => ("data.target", data.target.is_some()),
            "segments" => ("data.segments", !data.segments.is_empty()),
            _ => return None,
        };
        (!is_named).then(|| {
            (
                format!("{}, and {field}, which it needs, is missing", self.words()),
                format!("add {field}, or remove {}", self.name),
            )
        })
    }

    /// A baseline that does not have the windows it needs.
    fn without_windows(&self, baseline: &Baseline, data: Option<&Data>) -> Option<Refusal> {
        let window = data.and_then(|data| data.window.as_ref());
        let seasonal = matches!(baseline.kind, BaselineKind::Seasonal(_));
        let (why, write) = match self.name {
            name if seasonal && TOGETHER.contains(&name) => (
                "a seasonal baseline keeps each feature by itself".to_owned(),
                "write another baseline",
            ),
            "level" if !seasonal => (
                "only a seasonal baseline says what is usual at a time".to_owned(),
                "write baseline.seasonal",
            ),
            "performance" => too_few(MIN_PERFORMANCE_WINDOWS, baseline, window)
                .or_else(|| too_late(baseline, data?))?,
            "shift" => too_few(MIN_SHIFT_WINDOWS, baseline, window)?,
            _ => return None,
        };
        let found = format!("{}, and {why}", self.words());
        Some((found, format!("{write}, or remove {}", self.name)))
    }

    /// What is wrong with an override for a name: that it is no feature, or one that the override is not about.
    fn beside(
        &self,
        other: &Other<'_>,
        name: &str,
        features: &FeatureSelection,
    ) -> Option<Refusal> {
        if !patterns::is_literal(name) {
            return None;
        }
        if !features.selects(name) {
            let found = format!(
                "{} is no feature (a key, the event time, the window column, the target, a flag, or left out by data.features)",
                quote(name)
            );
            return Some((found, "remove it, or name a feature".to_owned()));
        }
        let flagged = self.name == "imputation" && features.imputed_flag(name).is_some();
        let (kind, forced) = (other.kind?, features.forced_kind(name)?);
        (kind != forced && !flagged).then(|| {
            let (kind, forced) = (words(kind), words(forced));
            (
                format!(
                    "{} is a feature of {forced}, and the override is about {kind}",
                    quote(name)
                ),
                format!("remove it, or name a feature of {kind}"),
            )
        })
    }
}

/// The checks that somebody wrote down and that can lack something.
fn written(given: &Checks) -> Vec<Written<'_>> {
    let patterns = given.missing_patterns.as_ref().map(|check| Written {
        name: "missingPatterns",
        enabled: check.enabled,
        limits: check.warning.is_some() || check.critical.is_some(),
        overrides: Vec::new(),
    });
    let all = [
        written!("freshness", given.freshness),
        written!("drift", given.drift),
        written!("missing", given.missing),
        written!("quality", given.quality, other => acceptable(other)),
        written!("outliers", given.outliers, other => Some(Kind::Numeric)),
        written!("correlation", given.correlation),
        written!("performance", given.performance),
        written!("segments", given.segments),
        written!("level", given.level, other => Some(Kind::Numeric)),
        written!("shift", given.shift, other => Some(Kind::Numeric)),
        written!("imputation", given.imputation, other => Some(Kind::Numeric)),
        patterns,
    ];
    all.into_iter().flatten().collect()
}

/// The kind of features whose acceptable values an override names.
fn acceptable(other: &QualityOverride) -> Option<Kind> {
    let range = other.range.as_ref().map(|_| Kind::Numeric);
    let allowed = other.allowed.as_ref().map(|_| Kind::Categorical);
    range.or(allowed)
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Numeric => "numbers",
        Kind::Categorical => "categories",
    }
}

/// What to say of a baseline with fewer windows than are needed, however long it goes along.
fn too_few(
    need: u32,
    baseline: &Baseline,
    window: Option<&Window>,
) -> Option<(String, &'static str)> {
    let most = match &baseline.kind {
        BaselineKind::Pinned { from, to } => windows_left(*from, *to, window?, &baseline.excluded),
        BaselineKind::Rolling { windows } => windows.get(),
        BaselineKind::Previous => 1,
        BaselineKind::Seasonal(season) => season.most_windows(),
    };
    let why = format!("it needs {need} windows of a baseline that has at most {most}");
    (most < need).then_some((why, "write a baseline of more windows"))
}

/// What to say of a target that is known only when most windows have left the baseline.
fn too_late(baseline: &Baseline, data: &Data) -> Option<(String, &'static str)> {
    let BaselineKind::Rolling { windows } = &baseline.kind else {
        return None;
    };
    let (length, delay) = (data.window.as_ref()?.length, data.target.as_ref()?.delay);
    let unknown = delay.as_millis().div_ceil(length.as_millis().max(1));
    let known = u128::from(windows.get()).saturating_sub(unknown);
    (known < u128::from(MIN_PERFORMANCE_WINDOWS)).then(|| {
        let why = format!(
            "it needs {MIN_PERFORMANCE_WINDOWS} windows of the baseline whose target is known, and has {known} of {windows}"
        );
        (why, "write a baseline of more windows or a shorter data.target.delay")
    })
}
