//! How two baselines differ.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use stats::{FrozenFeature, NotComputed, ReferenceDistance, Statistic, limits};

use super::definition;
use super::list::{Entry, Held, line};
use crate::baseline::Baseline;
use crate::table::{number, percent, right, table};

/// What `baselines diff` says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    namespace: String,
    name: String,
    from: Entry,
    to: Entry,
    definition: Vec<Change<String>>,
    added: Vec<String>,
    removed: Vec<String>,
    features: Vec<Feature>,
}

/// What a field, a type or a number was and is.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Change<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    from: T,
    to: T,
}

/// A feature that both have.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Feature {
    name: String,
    /// Its type, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_type: Option<Change<String>>,
    #[serde(flatten)]
    distance: Distance,
    missing_share: Change<Option<f64>>,
    /// Of numbers; nothing where values are not to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    median: Option<Change<f64>>,
}

/// How far the two are apart, or why that is not known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Distance {
    #[serde(rename_all = "camelCase")]
    Known {
        statistic: Statistic,
        value: f64,
        error: f64,
        /// The value in units of the least change that is worth a warning.
        times_floor: Option<f64>,
    },
    #[serde(rename_all = "camelCase")]
    NotComputed { not_computed: String },
}

impl Diff {
    pub fn new(held: &Held<'_>, from: &Baseline, to: &Baseline) -> Self {
        let (all_before, all_after) = (from.clone().of_all_phases(), to.clone().of_all_phases());
        let before: BTreeMap<&str, &FrozenFeature> = by_name(&all_before);
        let after: BTreeMap<&str, &FrozenFeature> = by_name(&all_after);
        let only = |these: &BTreeMap<&str, _>, those: &BTreeMap<&str, _>| {
            let names = these.keys().filter(|name| !those.contains_key(*name));
            names.map(|name| (*name).to_owned()).collect()
        };
        let sensitive = |name: &str| held.monitor.data.features.sensitive(name);
        let mut features: Vec<Feature> = before
            .iter()
            .filter_map(|(name, a)| Some(Feature::new(a, after.get(name)?, sensitive(name))))
            .collect();
        features.sort_by(|a, b| b.rank().total_cmp(&a.rank()));
        Self {
            namespace: held.monitor.namespace.clone(),
            name: held.monitor.name.clone(),
            from: held.entry(from),
            to: held.entry(to),
            definition: changed(&definition(from), &definition(to)),
            added: only(&after, &before),
            removed: only(&before, &after),
            features,
        }
    }
}

fn by_name(baseline: &Baseline) -> BTreeMap<&str, &FrozenFeature> {
    let features = baseline.features.iter();
    features
        .map(|feature| (feature.name.as_str(), feature))
        .collect()
}

/// The fields that are not the same.
fn changed(from: &[(&'static str, String)], to: &[(&'static str, String)]) -> Vec<Change<String>> {
    let value = |fields: &[(&str, String)], field: &str| {
        let found = fields.iter().find(|(name, _)| *name == field);
        found.map_or_else(|| "none".to_owned(), |(_, value)| value.clone())
    };
    let mut names: Vec<&'static str> = Vec::new();
    for (name, _) in from.iter().chain(to) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let changes = names.into_iter().map(|field| Change {
        field: Some(field),
        from: value(from, field),
        to: value(to, field),
    });
    changes.filter(|change| change.from != change.to).collect()
}

impl Feature {
    fn new(from: &FrozenFeature, to: &FrozenFeature, sensitive: bool) -> Self {
        let other_type = from.data_type != to.data_type;
        let medians = from.reference.quantiles.zip(to.reference.quantiles);
        let medians = medians.filter(|_| !sensitive && from.kind == to.kind);
        Self {
            name: to.name.clone(),
            data_type: other_type.then(|| Change {
                field: None,
                from: from.data_type.clone(),
                to: to.data_type.clone(),
            }),
            distance: ReferenceDistance::between(from, to).into(),
            missing_share: Change {
                field: None,
                from: from.reference.missing_share(),
                to: to.reference.missing_share(),
            },
            median: medians.map(|(a, b)| Change {
                field: None,
                from: a.median(),
                to: b.median(),
            }),
        }
    }

    fn missing_change(&self) -> Option<f64> {
        Some(self.missing_share.to? - self.missing_share.from?)
    }

    /// Another type is larger than any number, and what nothing is known of is no change.
    fn rank(&self) -> f64 {
        match self.data_type {
            Some(_) => f64::INFINITY,
            None => self.size().unwrap_or(0.0),
        }
    }

    /// How large the change is: the largest of its parts in units of the least one that is worth a warning.
    fn size(&self) -> Option<f64> {
        let distance = match &self.distance {
            Distance::Known { times_floor, .. } => *times_floor,
            Distance::NotComputed { .. } => None,
        };
        let missing = self.missing_change().and_then(|change| {
            let floors = limits::floors(Statistic::MissingShare)?;
            Some(change.abs() / floors.warning)
        });
        distance.into_iter().chain(missing).reduce(f64::max)
    }
}

impl From<Result<ReferenceDistance, NotComputed>> for Distance {
    fn from(found: Result<ReferenceDistance, NotComputed>) -> Self {
        match found {
            Ok(distance) => {
                let floors = limits::floors(distance.statistic);
                Self::Known {
                    statistic: distance.statistic,
                    value: distance.value,
                    error: distance.error,
                    times_floor: floors.map(|floors| distance.value / floors.warning),
                }
            }
            Err(reason) => Self::NotComputed {
                not_computed: match reason {
                    NotComputed::KindChanged { baseline, window } => {
                        format!("it was {baseline} and is {window}")
                    }
                    NotComputed::OtherBins => "it was not counted".to_owned(),
                    reason => reason.to_string(),
                },
            },
        }
    }
}

/// For people.
pub fn tables(diff: &Diff) -> String {
    let mut text = format!(
        "{}/{}\nfrom  {}\nto    {}\n",
        diff.namespace,
        diff.name,
        line(&diff.from),
        line(&diff.to)
    );
    // Writing to a String cannot fail.
    if !diff.definition.is_empty() {
        let mut fields = table(["made of", "from", "to"]);
        for change in &diff.definition {
            fields.add_row([change.field.unwrap_or_default(), &change.from, &change.to]);
        }
        let _ = writeln!(text, "\n{fields}");
    }
    for (what, names) in [
        ("only in the second", &diff.added),
        ("only in the first", &diff.removed),
    ] {
        if !names.is_empty() {
            let _ = writeln!(text, "\n{what}: {}", names.join(", "));
        }
    }
    let mut features = table([
        "feature",
        "statistic",
        "distance",
        "missing",
        "change",
        "of a warning",
        "p50 from",
        "to",
        "",
    ]);
    right(&mut features, 2..=7);
    for feature in &diff.features {
        features.add_row(row(feature));
    }
    let _ = write!(
        text,
        "\n{features}\n\nThe largest change first: the distance or the change of the missing share, whichever is the larger in units of the \
         least one that is\nworth a warning (the effect floor)."
    );
    text
}

fn row(feature: &Feature) -> Vec<String> {
    let (statistic, value, why) = match &feature.distance {
        Distance::Known {
            statistic,
            value,
            error,
            ..
        } => (
            statistic.to_string(),
            match *error > 0.0 {
                true => format!("{} (+ {})", number(*value), number(*error)),
                false => number(*value),
            },
            None,
        ),
        Distance::NotComputed { not_computed } => {
            (String::new(), String::new(), Some(not_computed.clone()))
        }
    };
    let other = feature.data_type.as_ref();
    let other = other.map(|change| format!("type {} is {} now", change.from, change.to));
    let notes: Vec<String> = other.into_iter().chain(why).collect();
    let median = |pick: fn(&Change<f64>) -> f64| {
        let median = feature.median.as_ref();
        median.map_or_else(String::new, |median| number(pick(median)))
    };
    vec![
        feature.name.clone(),
        statistic,
        value,
        feature.missing_share.to.map_or_else(String::new, percent),
        feature
            .missing_change()
            .map_or_else(String::new, |change| format!("{:+.1} pp", 100.0 * change)),
        feature
            .size()
            .map_or_else(String::new, |times| format!("{times:.1}×")),
        median(|median| median.from),
        median(|median| median.to),
        notes.join("; "),
    ]
}
