//! What is in one baseline.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use stats::{Bins, FrozenFeature, Kind, PROBABILITIES};

use super::definition;
use super::list::{Entry, Held, line};
use crate::baseline::Baseline;
use crate::table::{number, percent, right, table};

/// Most categories that are listed.
const TOP: usize = 10;

/// What `baselines show` says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Show {
    namespace: String,
    name: String,
    #[serde(flatten)]
    entry: Entry,
    definition: Vec<Field>,
    spans: Vec<Window>,
    reference: Vec<Feature>,
}

/// A field of the manifest.
#[derive(Serialize)]
struct Field {
    field: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Window {
    start: Timestamp,
    end: Timestamp,
    rows: u64,
}

/// A feature of all windows together; a sensitive one without values.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Feature {
    name: String,
    kind: Kind,
    data_type: String,
    sensitive: bool,
    bins: usize,
    rows: u64,
    missing_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantiles: Option<Vec<Quantile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    categories: Option<Vec<Category>>,
}

#[derive(Serialize)]
struct Quantile {
    probability: f64,
    value: f64,
}

#[derive(Serialize)]
struct Category {
    name: String,
    count: u64,
}

impl Show {
    pub fn new(held: &Held<'_>, baseline: &Baseline) -> Self {
        let fields = definition(baseline).into_iter();
        let whole = baseline.clone().of_all_phases();
        let windows = whole.spans.iter().zip(&whole.rows);
        let features = whole.features.iter();
        let sensitive = |name: &str| held.monitor.data.features.sensitive(name);
        Self {
            namespace: held.monitor.namespace.clone(),
            name: held.monitor.name.clone(),
            entry: held.entry(baseline),
            definition: fields
                .map(|(field, value)| Field { field, value })
                .collect(),
            spans: windows
                .map(|(span, rows)| Window {
                    start: span.start,
                    end: span.end,
                    rows: *rows,
                })
                .collect(),
            reference: features
                .map(|f| Feature::new(f, sensitive(&f.name)))
                .collect(),
        }
    }
}

impl Feature {
    fn new(feature: &FrozenFeature, sensitive: bool) -> Self {
        let reference = &feature.reference;
        let quantiles = reference.quantiles.filter(|_| !sensitive).map(|quantiles| {
            let pairs = PROBABILITIES.into_iter().zip(quantiles.values);
            pairs
                .map(|(probability, value)| Quantile { probability, value })
                .collect()
        });
        let top = (feature.kind == Kind::Categorical && !sensitive).then(|| {
            let top = reference.top.iter().take(TOP);
            top.map(|(name, count)| Category {
                name: name.clone(),
                count: *count,
            })
            .collect()
        });
        Self {
            name: feature.name.clone(),
            kind: feature.kind,
            data_type: feature.data_type.clone(),
            sensitive,
            bins: match &*feature.bins {
                Bins::Numeric(bins) => bins.len(),
                Bins::Categorical(bins) => bins.len(),
            },
            rows: reference.rows,
            missing_share: reference.missing_share(),
            quantiles,
            categories: top,
        }
    }

    /// A quantile by its place in [`PROBABILITIES`].
    fn quantile(&self, place: usize) -> String {
        let quantile = self.quantiles.as_ref().and_then(|all| all.get(place));
        quantile.map_or_else(String::new, |quantile| number(quantile.value))
    }

    fn most_frequent(&self) -> String {
        if self.sensitive {
            return "(sensitive)".to_owned();
        }
        let some = self.categories.iter().flatten().take(3);
        let some: Vec<String> = some
            .map(|of| format!("{} ({})", of.name, of.count))
            .collect();
        some.join(", ")
    }
}

/// For people.
pub fn tables(show: &Show) -> String {
    let mut text = format!(
        "{}/{}\n{}\n\n",
        show.namespace,
        show.name,
        line(&show.entry)
    );
    let mut fields = table(["made of", ""]);
    for field in &show.definition {
        fields.add_row([field.field, field.value.as_str()]);
    }
    let mut windows = table(["window from", "to", "rows"]);
    right(&mut windows, [2]);
    for window in &show.spans {
        windows.add_row([
            window.start.to_string(),
            window.end.to_string(),
            window.rows.to_string(),
        ]);
    }
    let mut features = table([
        "feature",
        "kind",
        "type",
        "bins",
        "rows",
        "missing",
        "p05",
        "p50",
        "p95",
        "most frequent",
    ]);
    right(&mut features, 3..=8);
    for feature in &show.reference {
        features.add_row([
            feature.name.clone(),
            feature.kind.to_string(),
            feature.data_type.clone(),
            feature.bins.to_string(),
            feature.rows.to_string(),
            feature.missing_share.map_or_else(String::new, percent),
            feature.quantile(1),
            feature.quantile(3),
            feature.quantile(5),
            feature.most_frequent(),
        ]);
    }
    // Writing to a String cannot fail.
    let _ = write!(text, "{fields}\n\n{windows}\n\n{features}");
    text
}
