//! The names that a manifest writes, against the columns that its source has.
//!
//! A pull says of a column that is not there what it can (see [`columns`](crate::columns)); this is for whoever wants to know
//! before, and for overrides, which a pull never misses.

use std::fmt;

use arrow::datatypes::{DataType, Schema};
use arrow::row::{RowConverter, SortField};
use crds::valid::{Monitor, Patterns, TargetKind};
use datafusion_common::utils::datafusion_strsim::levenshtein;
use stats::Kind;

use crate::columns::{is_flag, is_time, natural_kind, type_name};

/// A name in a manifest that does not fit the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Path of the field.
    pub path: String,
    /// What was found.
    pub found: String,
    /// What to write.
    pub write: String,
}

/// A name or glob that no column has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// Path of the entry.
    pub path: String,
    /// What is written there.
    pub text: String,
    /// Whether it is a name, and no glob.
    pub is_name: bool,
    /// The column that is most like it, where one is; nothing for a glob.
    pub near: Option<String>,
}

impl Unmatched {
    /// What was found.
    pub fn found(&self) -> String {
        match self.is_name {
            true => format!("no column is called {}", self.text),
            false => format!("no column matches {}", self.text),
        }
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.found())?;
        match &self.near {
            Some(near) => write!(f, " ({near}, if that is meant)"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with the names in `spec.data`, and with the types of the columns that they are of. Names in overrides
/// are [`overrides`], those in rules [`rules::check`](crate::rules::check).
pub fn misfits(monitor: &Monitor, columns: &Schema) -> Vec<Misfit> {
    let data = &monitor.data;
    let mut found = Vec::new();
    let mut look = |path: String, column: &str, fits: &dyn Fn(&DataType) -> Option<Unfit>| {
        let misfit = match columns.column_with_name(column) {
            None => Some(absent(path, column, columns)),
            Some((_, field)) => fits(field.data_type()).map(|unfit| Misfit {
                path,
                found: format!(
                    "{column} has the type {}, {}",
                    type_name(field.data_type()),
                    unfit.found
                ),
                write: unfit.write.to_owned(),
            }),
        };
        found.extend(misfit);
    };
    for (i, key) in data.entity_keys.iter().enumerate() {
        look(format!("spec.data.entityKeys[{i}]"), key, &key_unfit);
    }
    if let Some(column) = &data.event_time {
        look("spec.data.eventTime".to_owned(), column, &time_unfit);
    }
    if let Some(window) = &data.window {
        let path = "spec.data.window.column".to_owned();
        look(path, &window.column, &time_unfit);
    }
    if let Some(target) = &data.target {
        let path = "spec.data.target.column".to_owned();
        look(path, &target.column, &|data_type| match target.kind {
            Some(TargetKind::Number) => number_unfit(data_type),
            Some(TargetKind::Class) | None => value_unfit(data_type),
        });
    }
    for (i, segments) in data.segments.iter().enumerate() {
        let path = format!("spec.data.segments[{i}].column");
        look(path, &segments.column, &value_unfit);
    }
    let included = data.features.included();
    let literals: Vec<&str> = included.literals().collect();
    for (i, name) in included.texts().iter().enumerate() {
        if literals.contains(&name.as_str()) {
            let path = format!("spec.data.features.include[{i}]");
            look(path, name, &value_unfit);
        }
    }
    for (path, flag) in data.features.flag_fields() {
        look(path, flag, &flag_unfit);
    }
    found
}

/// The globs of `include`, and the names and globs of `exclude`, that no column has: what they are for may come one day.
pub fn selections(monitor: &Monitor, columns: &[&str]) -> Vec<Unmatched> {
    let features = &monitor.data.features;
    let included = unmatched("spec.data.features.include", features.included(), columns);
    let included = included.filter(|unmatched| !unmatched.is_name);
    let excluded = unmatched("spec.data.features.exclude", features.excluded(), columns);
    included.chain(excluded).collect()
}

/// The names and globs of overrides that no column has, so that the override changes nothing by them. `columns` are all columns
/// of the source.
pub fn overrides(monitor: &Monitor, columns: &[&str]) -> Vec<Unmatched> {
    let overridden = monitor.overridden().into_iter();
    overridden
        .flat_map(|(path, names)| unmatched(&path, names, columns).collect::<Vec<_>>())
        .collect()
}

fn unmatched<'a>(
    path: &'a str,
    names: &'a Patterns,
    columns: &'a [&'a str],
) -> impl Iterator<Item = Unmatched> + 'a {
    let literals: Vec<&str> = names.literals().collect();
    let each = names.texts().iter().zip(names.each()).enumerate();
    each.filter_map(move |(i, (text, is_match))| {
        if columns.iter().any(|column| is_match(column)) {
            return None;
        }
        let is_name = literals.contains(&text.as_str());
        let near = nearest(text, columns.iter().copied()).filter(|_| is_name);
        Some(Unmatched {
            path: format!("{path}[{i}]"),
            text: text.clone(),
            is_name,
            near: near.map(str::to_owned),
        })
    })
}

fn absent(path: String, column: &str, columns: &Schema) -> Misfit {
    let names = columns.fields().iter().map(|field| field.name().as_str());
    Misfit {
        path,
        found: format!("the source has no column {column}"),
        write: advice(nearest(column, names)),
    }
}

/// The name that is most like another one, if one is. Of three letters one may be another, of more two or a quarter: `foo` is no
/// `cos`.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |known: &str| levenshtein(&name.to_lowercase(), &known.to_lowercase());
    let most = match name.chars().count() {
        ..=3 => 1,
        letters => 2.max(letters / 4),
    };
    let near = names.map(|known| (distance(known), known)).min();
    near.filter(|(distance, _)| *distance <= most)
        .map(|(_, known)| known)
}

/// What to write in place of a name that no column has.
pub fn advice(near: Option<&str>) -> String {
    match near {
        Some(near) => format!("write {near}, if that is meant"),
        None => "write a column that the source has, by its exact name".to_owned(),
    }
}

/// Why a column is of no use for what it is named for.
struct Unfit {
    found: &'static str,
    write: &'static str,
}

fn time_unfit(data_type: &DataType) -> Option<Unfit> {
    (!is_time(data_type)).then_some(Unfit {
        found: "which is no time",
        write: "write a column of timestamps or dates",
    })
}

fn key_unfit(data_type: &DataType) -> Option<Unfit> {
    (!RowConverter::supports_fields(&[SortField::new(data_type.clone())])).then_some(Unfit {
        found: "whose values have no order",
        write: "write a column of numbers, texts or times",
    })
}

fn value_unfit(data_type: &DataType) -> Option<Unfit> {
    natural_kind(data_type).is_none().then_some(Unfit {
        found: "which is not watched",
        write: "write a column of numbers, texts or times",
    })
}

fn number_unfit(data_type: &DataType) -> Option<Unfit> {
    (natural_kind(data_type) != Some(Kind::Numeric)).then_some(Unfit {
        found: "which is no number",
        write: "write a column of numbers, or kind: Class",
    })
}

fn flag_unfit(data_type: &DataType) -> Option<Unfit> {
    (!is_flag(data_type)).then_some(Unfit {
        found: "which is neither a boolean nor a number",
        write: "write the column that says which values were filled in",
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, TimeUnit};

    use super::*;

    const MANIFEST: &str = "
apiVersion: featuremonitor.io/v1alpha1
kind: FeatureMonitor
metadata: {name: test}
spec:
  owner: {team: test}
  source: {flight: {uri: 'grpc://localhost:1', query: {path: [x]}}}
  data:
    entityKeys: [household_id]
    eventTime: last_event_ts
    window: {column: snapshot_ts, length: 7d}
    target: {column: segment, kind: Class}
    segments: [{column: household_size}]
    features:
      include: [age, 'monetary_*']
      overrides:
        - {names: [age], sensitive: true}
        - {names: ['monetary_*'], imputedFlag: was_imputed}
  schedule: {every: 1h}
  baseline: {previous: {}}
";

    fn schema() -> Schema {
        let time = DataType::Timestamp(TimeUnit::Microsecond, None);
        let texts = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
        let columns = [
            ("household_id", DataType::Int64),
            ("last_event_ts", time.clone()),
            ("snapshot_ts", time),
            ("segment", DataType::Utf8),
            ("household_size", DataType::Int64),
            ("age", DataType::Utf8),
            ("monetary_28d", DataType::Float64),
            ("was_imputed", DataType::Boolean),
            ("basket", texts),
        ];
        let fields = columns.map(|(name, data_type)| Field::new(name, data_type, true));
        Schema::new(fields.to_vec())
    }

    fn monitor(edits: &[(&str, &str)]) -> Monitor {
        let mut text = MANIFEST.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let loaded = crds::manifest::load(&text);
        loaded.unwrap_or_else(|error| panic!("{error}")).monitor
    }

    fn names(schema: &Schema) -> Vec<&str> {
        let fields = schema.fields().iter();
        fields.map(|field| field.name().as_str()).collect()
    }

    #[test]
    fn names_that_the_source_has_fit() {
        let (monitor, schema) = (monitor(&[]), schema());
        assert_eq!(misfits(&monitor, &schema), []);
        assert_eq!(overrides(&monitor, &names(&schema)), []);
        assert_eq!(selections(&monitor, &names(&schema)), []);
    }

    #[test]
    fn each_name_that_does_not_fit_is_found_at_its_place() {
        let schema = schema();
        let check = |from: &str, to: &str, path: &str, found: &str, write: &str| {
            let expected = Misfit {
                path: path.to_owned(),
                found: found.to_owned(),
                write: write.to_owned(),
            };
            assert_eq!(misfits(&monitor(&[(from, to)]), &schema), [expected]);
        };
        let no = "write a column that the source has, by its exact name";
        check(
            "column: segment, kind",
            "column: segmnt, kind",
            "spec.data.target.column",
            "the source has no column segmnt",
            "write segment, if that is meant",
        );
        check(
            "entityKeys: [household_id]",
            "entityKeys: [household_id, customer]",
            "spec.data.entityKeys[1]",
            "the source has no column customer",
            no,
        );
        check(
            "entityKeys: [household_id]",
            "entityKeys: [householdid]",
            "spec.data.entityKeys[0]",
            "the source has no column householdid",
            "write household_id, if that is meant",
        );
        check(
            "column: snapshot_ts",
            "column: snapshot",
            "spec.data.window.column",
            "the source has no column snapshot",
            no,
        );
        check(
            "column: snapshot_ts",
            "column: was_imputed2",
            "spec.data.window.column",
            "the source has no column was_imputed2",
            "write was_imputed, if that is meant",
        );
        check(
            "eventTime: last_event_ts",
            "eventTime: basket",
            "spec.data.eventTime",
            "basket has the type list, which is no time",
            "write a column of timestamps or dates",
        );
        check(
            "column: household_size",
            "column: householdsize",
            "spec.data.segments[0].column",
            "the source has no column householdsize",
            "write household_size, if that is meant",
        );
        check(
            "column: household_size",
            "column: basket",
            "spec.data.segments[0].column",
            "basket has the type list, which is not watched",
            "write a column of numbers, texts or times",
        );
        check(
            "kind: Class",
            "kind: Number",
            "spec.data.target.column",
            "segment has the type string, which is no number",
            "write a column of numbers, or kind: Class",
        );
        check(
            "include: [age, ",
            "include: [age, nonsense, ",
            "spec.data.features.include[1]",
            "the source has no column nonsense",
            no,
        );
        check(
            "imputedFlag: was_imputed",
            "imputedFlag: was_imptued",
            "spec.data.features.overrides[1].imputedFlag",
            "the source has no column was_imptued",
            "write was_imputed, if that is meant",
        );
        check(
            "imputedFlag: was_imputed",
            "imputedFlag: basket",
            "spec.data.features.overrides[1].imputedFlag",
            "basket has the type list, which is neither a boolean nor a number",
            "write the column that says which values were filled in",
        );
    }

    #[test]
    fn overrides_that_change_nothing_are_found() {
        let schema = schema();
        let drift = "  schedule: {every: 1h}
  checks:
    drift:
      overrides: [{features: [monetary_28, 'x_*'], consecutive: 2}]
";
        let edits = [
            ("names: [age]", "names: [agee]"),
            ("include: [age, 'monetary_*']", "exclude: [tenure, basket]"),
            ("  schedule: {every: 1h}\n", drift),
        ];
        let monitor = monitor(&edits);
        let said =
            |all: Vec<Unmatched>| -> Vec<String> { all.iter().map(ToString::to_string).collect() };
        assert_eq!(
            said(overrides(&monitor, &names(&schema))),
            [
                "spec.data.features.overrides[0].names[0]: no column is called agee (age, if that is meant)",
                "spec.checks.drift.overrides[0].features[0]: no column is called monetary_28 (monetary_28d, if that is meant)",
                "spec.checks.drift.overrides[0].features[1]: no column matches x_*",
            ]
        );
        assert_eq!(
            said(selections(&monitor, &names(&schema))),
            ["spec.data.features.exclude[0]: no column is called tenure"]
        );
    }
}
