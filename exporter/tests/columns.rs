//! Every Arrow type that a server may send, as the statistics see it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::*;
use exporter::columns::{FeatureColumn, Layout, Reader, Times, split};
use stats::{Column, FeatureProfile, Kind, Summary};

fn data(extra: &str) -> crds::valid::Data {
    let manifest = format!(
        "apiVersion: featuremonitor.io/v1alpha1\n\
         kind: FeatureMonitor\n\
         metadata: {{name: test}}\n\
         spec:\n\
         \x20 owner: {{team: test}}\n\
         \x20 source: {{flight: {{uri: 'grpc://localhost:1', query: {{path: [x]}}}}}}\n\
         \x20 data:\n\
         \x20   entityKeys: [key]\n\
         \x20   {extra}\n\
         \x20 schedule: {{every: 1h}}\n\
         \x20 baseline: {{previous: {{}}}}\n"
    );
    match crds::manifest::load(&manifest) {
        Ok(loaded) => loaded.monitor.data,
        Err(error) => panic!("{error}"),
    }
}

/// One column through layout, reader and profile; nothing where its type is not watched.
fn read(column: ArrayRef, data: &crds::valid::Data) -> Option<(String, Summary)> {
    let schema = Arc::new(Schema::new(vec![Field::new(
        "x",
        column.data_type().clone(),
        true,
    )]));
    let batch = RecordBatch::try_new(schema.clone(), vec![column]).unwrap();
    let layout = Layout::new(&schema, data);
    let feature = layout.features.first()?;
    let mut profile = FeatureProfile::new(feature.kind, None);
    let mut reader = Reader::default();
    reader
        .read(feature, &batch, |column| profile.update(column))
        .unwrap()
        .unwrap();
    Some((feature.data_type.clone(), profile.close()))
}

/// Mean and nulls of a column that is a number.
fn check_number(column: impl Array + 'static, data_type: &str, mean: f64, nulls: u64) {
    let (found, summary) = read(Arc::new(column), &data("")).unwrap();
    assert_eq!(found, data_type);
    assert_eq!(summary.nulls, nulls, "{data_type}");
    let moments = summary.moments.unwrap();
    assert!(
        (moments.mean - mean).abs() <= 1e-9 * mean.abs().max(1.0),
        "{data_type}: {}",
        moments.mean
    );
}

/// The most frequent names of a column that is a category.
fn check_names(column: impl Array + 'static, data_type: &str, top: &[(&str, u64)], nulls: u64) {
    let (found, summary) = read(Arc::new(column), &data("")).unwrap();
    assert_eq!(found, data_type);
    assert_eq!(summary.nulls, nulls, "{data_type}");
    let top: Vec<(String, u64)> = top.iter().map(|(n, c)| (n.to_string(), *c)).collect();
    assert_eq!(summary.top, top, "{data_type}");
}

#[test]
fn numbers_of_every_width() {
    check_number(
        Int8Array::from(vec![Some(1), None, Some(3)]),
        "int8",
        2.0,
        1,
    );
    check_number(UInt64Array::from(vec![1, 3]), "uint64", 2.0, 0);
    check_number(
        Int64Array::from(vec![Some(-4), None, Some(8)]).slice(1, 2),
        "int64",
        8.0,
        1,
    );
    check_number(
        Float64Array::from(vec![Some(1.5), None, Some(2.5)]),
        "float64",
        2.0,
        1,
    );
    check_number(Float32Array::from(vec![0.5, 1.5]), "float32", 1.0, 0);
    let half = cast(&Float32Array::from(vec![0.5, 1.5]), &DataType::Float16).unwrap();
    check_number(half, "float16", 1.0, 0);
    let decimal = |to| cast(&Float64Array::from(vec![1.25, 2.75]), &to).unwrap();
    check_number(decimal(DataType::Decimal32(5, 2)), "decimal(5, 2)", 2.0, 0);
    check_number(decimal(DataType::Decimal64(9, 2)), "decimal(9, 2)", 2.0, 0);
    check_number(
        decimal(DataType::Decimal128(10, 2)),
        "decimal(10, 2)",
        2.0,
        0,
    );
    check_number(
        decimal(DataType::Decimal256(50, 3)),
        "decimal(50, 3)",
        2.0,
        0,
    );
}

#[test]
fn times_are_seconds_since_the_epoch() {
    check_number(
        TimestampNanosecondArray::from(vec![1_500_000_000]).with_timezone("Europe/Berlin"),
        "timestamp with time zone",
        1.5,
        0,
    );
    check_number(TimestampSecondArray::from(vec![7]), "timestamp", 7.0, 0);
    check_number(Date32Array::from(vec![1]), "date", 86_400.0, 0);
    check_number(
        DurationMillisecondArray::from(vec![250]),
        "duration",
        0.25,
        0,
    );
    check_number(Time32SecondArray::from(vec![60]), "time", 60.0, 0);
}

#[test]
fn names_in_every_encoding_are_strings() {
    let names = vec![Some("b"), Some("a"), None, Some("a")];
    let top = [("a", 2), ("b", 1)];
    check_names(StringArray::from(names.clone()), "string", &top, 1);
    check_names(LargeStringArray::from(names.clone()), "string", &top, 1);
    check_names(StringViewArray::from(names.clone()), "string", &top, 1);
    let dictionary: DictionaryArray<UInt8Type> = names.into_iter().collect();
    check_names(dictionary, "string", &top, 1);
    let null_name = DictionaryArray::<Int32Type>::new(
        Int32Array::from(vec![0, 1, 1]),
        Arc::new(StringArray::from(vec![Some("a"), None])),
    );
    check_names(null_name, "string", &[("a", 1)], 2);
    check_names(
        BooleanArray::from(vec![Some(true), Some(false), Some(true), None]),
        "bool",
        &[("true", 2), ("false", 1)],
        1,
    );
    check_names(
        BinaryArray::from(vec![&b"\xff\x00"[..], b"\x01"]),
        "binary",
        &[("01", 1), ("ff00", 1)],
        0,
    );
}

/// A null among a dictionary's names is a null row for all that reads which rows are null, and not only for what reads names.
#[test]
fn a_null_among_names_is_a_null_row() {
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]));
    let codes = vec![Some(0), Some(1), None, Some(2), Some(1)];
    let column = DictionaryArray::<Int32Type>::new(Int32Array::from(codes), names);
    let check = |column: ArrayRef, expected: &[bool]| {
        let field = Field::new("x", column.data_type().clone(), true);
        let schema = Arc::new(Schema::new(vec![field]));
        let batch = RecordBatch::try_new(schema.clone(), vec![column]).unwrap();
        let layout = Layout::new(&schema, &data(""));
        let valid = Reader::default().read(&layout.features[0], &batch, |column| {
            let rows = 0..column.len();
            let valid = rows.map(|row| column.validity().is_valid(row));
            valid.collect::<Vec<bool>>()
        });
        assert_eq!(valid.unwrap(), expected);
    };
    check(Arc::new(column.slice(1, 4)), &[false, false, true, false]);
    check_names(column.clone(), "string", &[("a", 1), ("c", 1)], 3);
    check(Arc::new(column), &[true, false, false, true, false]);
}

#[test]
fn encodings_are_undone() {
    let numbers: DictionaryArray<Int32Type> = DictionaryArray::new(
        Int32Array::from(vec![Some(0), Some(1), None, Some(1)]),
        Arc::new(Float64Array::from(vec![1.0, 4.0])),
    );
    check_number(numbers, "float64", 3.0, 1);
    let runs = RunArray::<Int32Type>::try_new(
        &Int32Array::from(vec![3, 4]),
        &Float64Array::from(vec![Some(2.0), None]),
    )
    .unwrap();
    check_number(runs, "float64", 2.0, 1);
    let names = RunArray::<Int32Type>::try_new(
        &Int32Array::from(vec![3, 4]),
        &StringArray::from(vec!["a", "b"]),
    )
    .unwrap();
    check_names(names, "string", &[("a", 3), ("b", 1)], 0);
}

#[test]
fn a_column_of_nulls_has_no_values() {
    let (_, summary) = read(Arc::new(NullArray::new(3)), &data("")).unwrap();
    assert_eq!((summary.rows, summary.nulls), (3, 3));
    assert_eq!(summary.moments, None);
}

#[test]
fn nested_types_are_skipped_with_their_type() {
    let list = ListArray::new(
        Arc::new(Field::new_list_field(DataType::Int32, true)),
        OffsetBuffer::new(vec![0, 1].into()),
        Arc::new(Int32Array::from(vec![1])),
        None,
    );
    let schema = Schema::new(vec![Field::new("x", list.data_type().clone(), true)]);
    let layout = Layout::new(&schema, &data(""));
    assert!(layout.features.is_empty());
    assert_eq!(layout.skipped[0].data_type, "list");
}

#[test]
fn the_manifest_can_force_a_kind() {
    let categorical = data("features: {overrides: [{names: [x], type: Categorical}]}");
    let (found, summary) = read(Arc::new(Int32Array::from(vec![7, 7, 8])), &categorical).unwrap();
    assert_eq!(found, "int32");
    assert_eq!(summary.top, [("7".to_owned(), 2), ("8".to_owned(), 1)]);
    let numeric = data("features: {overrides: [{names: [x], type: Numeric}]}");
    let (_, summary) = read(
        Arc::new(StringArray::from(vec!["1.5", "2.5", "many"])),
        &numeric,
    )
    .unwrap();
    assert_eq!(summary.nulls, 1);
    assert_eq!(summary.moments.unwrap().mean, 2.0);
}

#[test]
fn a_dictionary_shared_by_batches_is_read_once_and_a_new_one_again() {
    let values: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let other: ArrayRef = Arc::new(StringArray::from(vec!["c", "a"]));
    let schema = Arc::new(Schema::new(vec![Field::new_dictionary(
        "x",
        DataType::Int32,
        DataType::Utf8,
        true,
    )]));
    let layout = Layout::new(&schema, &data(""));
    let feature = &layout.features[0];
    let mut reader = Reader::default();
    let mut profile = FeatureProfile::new(feature.kind, None);
    let mut generations = Vec::new();
    for (codes, values) in [
        (vec![0, 0], &values),
        (vec![1, 0], &values),
        (vec![0, 1], &other),
    ] {
        let column = DictionaryArray::<Int32Type>::new(Int32Array::from(codes), Arc::clone(values));
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(column)]).unwrap();
        reader
            .read(feature, &batch, |column| {
                if let Column::Categorical { categories, .. } = column {
                    generations.push(categories.generation);
                }
                profile.update(column)
            })
            .unwrap()
            .unwrap();
    }
    assert_eq!(generations, [1, 1, 2]);
    let top = profile.close().top;
    assert_eq!(
        top,
        [("a".into(), 4), ("b".into(), 1), ("c".into(), 1)],
        "{top:?}"
    );
}

#[test]
fn rows_are_sorted_into_slots() {
    let micros = TimestampMicrosecondArray::from(vec![Some(5), Some(15), None, Some(25), Some(7)]);
    let column: ArrayRef = Arc::new(micros);
    let batch = RecordBatch::try_from_iter([("t", column)]).unwrap();
    let times = Times::new(batch.column(0)).unwrap();
    let events: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter((1..6).map(Some)));
    let events = Times::new(&events).unwrap();
    let slot_of: fn(i64) -> Option<usize> = |t| match t {
        0..10 => Some(0),
        10..20 => Some(1),
        _ => None,
    };
    let sort = |events, unbroken, slot_of: fn(i64) -> Option<usize>| {
        let sorted = split(batch.clone(), events, &times, slot_of, unbroken);
        let (parts, outside) = sorted.unwrap();
        let parts = parts.into_iter().map(|part| {
            let events = part.events.as_ref();
            let events = events.map(|events| events.iter().flatten().collect::<Vec<i64>>());
            (part.slot, part.batch.num_rows(), events)
        });
        (parts.collect::<Vec<_>>(), outside)
    };
    let mixed = |events: [Option<Vec<i64>>; 2]| {
        let [first, second] = events;
        (vec![(0, 2, first), (1, 1, second)], 2)
    };
    let with_events = sort(Some(events.clone()), true, slot_of);
    assert_eq!(with_events, mixed([Some(vec![1, 5]), Some(vec![2])]));
    assert_eq!(sort(None, true, slot_of), mixed([None, None]));
    let all = sort(Some(events), false, |_| Some(3));
    assert_eq!(all, (vec![(3, 4, Some(vec![1, 2, 4, 5]))], 1));
    assert_eq!(times.newest(), Some(25));
}

#[test]
fn times_after_a_limit_are_none() {
    let read = |values: Vec<Option<i64>>| {
        let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(values));
        Times::new(&column).unwrap()
    };
    let (times, after) = read(vec![Some(5), Some(15), None, Some(25), Some(16)]).until(15);
    let left: Vec<Option<i64>> = times.iter().collect();
    assert_eq!(left, [Some(5), Some(15), None, None, None]);
    assert_eq!((times.newest(), times.count(), after), (Some(15), 2, 2));
    // Without any there is nothing to take out, and of all nothing stays.
    let (times, after) = read(vec![Some(5), None]).until(15);
    assert_eq!((times.newest(), times.count(), after), (Some(5), 1, 0));
    let (times, after) = read(vec![Some(16), Some(i64::MAX)]).until(15);
    assert_eq!((times.newest(), times.count(), after), (None, 0, 2));
}

/// What divides the rows is one of categories, whether it is a feature or not.
#[test]
fn a_column_that_divides_is_read_as_categories() {
    let fields = [
        ("key", DataType::Int64),
        ("store", DataType::Int32),
        ("region", DataType::Utf8),
        ("spend", DataType::Float64),
        ("lists", DataType::new_list(DataType::Int8, true)),
    ];
    let fields = fields.map(|(name, kind)| Field::new(name, kind, true));
    let schema = Schema::new(fields.to_vec());
    let names = |columns: &[FeatureColumn]| {
        let named = columns.iter().map(|c| (c.name.clone(), c.kind));
        named.collect::<Vec<_>>()
    };
    let divided = "segments: [{column: store}, {column: region}, {column: lists}, {column: gone}]";
    let data = data(&format!("{divided}\n    features: {{exclude: [region]}}"));
    let layout = Layout::new(&schema, &data);
    let store = ("store".to_owned(), Kind::Categorical);
    assert_eq!(
        names(&layout.features),
        [store, ("spend".to_owned(), Kind::Numeric)]
    );
    assert_eq!(
        names(&layout.segments),
        [("region".to_owned(), Kind::Categorical)]
    );
    assert_eq!(layout.columns().count(), 3);
    let problems: Vec<String> = layout.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "spec.data.segments[].column names the column \"lists\", whose type list is not watched",
            "spec.data.segments[].column names the column \"gone\", which the stream does not have",
        ]
    );
}
