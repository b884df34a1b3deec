//! The only place where Arrow meets the statistics: which columns are features, and how a column of
//! a batch becomes a [`stats::Column`].
//!
//! Every type that has an order and a distance becomes `f64` (times as seconds since the epoch,
//! durations in seconds; integers beyond 2⁵³ lose their last digits); strings, booleans and binary
//! become categories counted on dictionary codes. Nested types are skipped with a reason.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{cast, filter, filter_record_batch};
use arrow::datatypes::{
    ArrowDictionaryKeyType, DataType, Float64Type, Int32Type, Schema, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::downcast_dictionary_array;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use crds::valid::TargetKind;
use stats::{Categories, Column, Kind, Validity};

/// What the columns of a stream are to us.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The names of all columns, in the stream's order.
    pub names: Vec<String>,
    /// The features, in the stream's order.
    pub features: Vec<FeatureColumn>,
    /// Selected columns that cannot be watched, with the reason.
    pub skipped: Vec<Skipped>,
    /// Index of `data.window.column`.
    pub window: Option<usize>,
    /// Index of `data.eventTime`.
    pub event_time: Option<usize>,
    /// `data.target`; nothing where none is named or it cannot be read.
    pub target: Option<FeatureColumn>,
    /// Those of `data.segments` that are no features.
    pub segments: Vec<FeatureColumn>,
    /// Reads `data.entityKeys`; nothing where none are named or one cannot be read.
    pub keys: Option<KeyReader>,
    /// Configured columns that the stream lacks or that have an unusable type, in words.
    pub problems: Vec<ColumnProblem>,
}

/// One column that is a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureColumn {
    /// The column's name.
    pub name: String,
    /// Its index in the stream's schema.
    pub index: usize,
    /// How it is compared.
    pub kind: Kind,
    /// Its type in words that do not depend on the encoding: `string` for every way to send strings.
    pub data_type: String,
    /// How it is told which of its values were filled in.
    pub imputed: ImputedFlag,
}

/// The column that says which values of a feature were filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImputedFlag {
    /// The manifest names none.
    None,
    /// The manifest names one that the stream does not have, or that is no flag.
    Unusable,
    /// Its index in the stream's schema.
    At(usize),
}

/// A selected column that cannot be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub data_type: String,
}

/// A column that the manifest names and that cannot be used as it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnProblem {
    /// The stream has no such column.
    #[error("{field} names the column {column:?}, which the stream does not have")]
    Absent {
        /// Path of the field in the manifest.
        field: &'static str,
        /// The column it names.
        column: String,
    },
    /// The column is there, with a type that tells no time.
    #[error(
        "{field} names the column {column:?}, whose type {data_type} is not a timestamp or a date"
    )]
    NotATime {
        /// Path of the field in the manifest.
        field: &'static str,
        /// The column it names.
        column: String,
        /// The type found.
        data_type: String,
    },
    /// The column is there, with a type that is neither a number nor a name.
    #[error("{field} names the column {column:?}, whose type {data_type} is not watched")]
    NotAValue {
        /// Path of the field in the manifest.
        field: &'static str,
        /// The column it names.
        column: String,
        /// The type found.
        data_type: String,
    },
    /// The column is there, with a type that is neither true nor false, nor a number.
    #[error(
        "spec.data.features.overrides names the column {column:?} as imputedFlag, whose type {data_type} is neither a boolean nor a number"
    )]
    NotAFlag {
        /// The column it names.
        column: String,
        /// The type found.
        data_type: String,
    },
}

/// The flags of what was filled in that can be read, with their places in the schema.
fn flags<'a>(
    schema: &Schema,
    features: &'a crds::valid::FeatureSelection,
    problems: &mut Vec<ColumnProblem>,
) -> HashMap<&'a str, usize> {
    let mut found = HashMap::new();
    for flag in features.flags() {
        match schema.column_with_name(flag) {
            None => problems.push(ColumnProblem::Absent {
                field: "spec.data.features.overrides[].imputedFlag",
                column: flag.to_owned(),
            }),
            Some((_, field)) if !is_flag(field.data_type()) => {
                problems.push(ColumnProblem::NotAFlag {
                    column: flag.to_owned(),
                    data_type: type_name(field.data_type()),
                });
            }
            Some((index, _)) => {
                found.insert(flag, index);
            }
        }
    }
    found
}

pub(crate) fn is_flag(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean => true,
        DataType::Dictionary(_, values) => is_flag(values),
        DataType::RunEndEncoded(_, values) => is_flag(values.data_type()),
        other => other.is_numeric() && !is_time(other),
    }
}

/// Which rows of a batch a flag sets; a null sets none, and of numbers 0.
pub struct Flags(BooleanArray);

impl Flags {
    /// Reads a flag.
    pub fn new(column: &ArrayRef) -> Result<Self, ArrowError> {
        let column = plain(column)?;
        let column = match column.data_type() {
            DataType::Dictionary(_, values) => cast(&column, values)?,
            _ => column,
        };
        let set = match column.data_type() {
            DataType::Boolean => column,
            _ => cast(&cast(&column, &DataType::Float64)?, &DataType::Boolean)?,
        };
        Ok(Self(set.as_boolean().clone()))
    }

    /// Whether a row is set.
    pub fn is_set(&self, row: usize) -> bool {
        row < self.0.len() && self.0.is_valid(row) && self.0.value(row)
    }
}

impl Layout {
    /// The columns that are profiled: features, then the target, then what divides the rows.
    pub fn columns(&self) -> impl Iterator<Item = &FeatureColumn> {
        self.features.iter().chain(self.beside())
    }

    /// Those of them that are no features.
    pub fn beside(&self) -> impl Iterator<Item = &FeatureColumn> {
        self.target.iter().chain(&self.segments)
    }

    /// Reads a stream's schema the way `spec.data` asks for. The source has already refused
    /// duplicate names.
    pub fn new(schema: &Schema, data: &crds::valid::Data) -> Self {
        let mut problems = Vec::new();
        let mut time = |field, column: &str| match schema.column_with_name(column) {
            None => {
                problems.push(ColumnProblem::Absent {
                    field,
                    column: column.to_owned(),
                });
                None
            }
            Some((_, found)) if !is_time(found.data_type()) => {
                problems.push(ColumnProblem::NotATime {
                    field,
                    column: column.to_owned(),
                    data_type: type_name(found.data_type()),
                });
                None
            }
            Some((index, _)) => Some(index),
        };
        let window = data
            .window
            .as_ref()
            .and_then(|w| time("spec.data.window.column", &w.column));
        let event_time = data
            .event_time
            .as_ref()
            .and_then(|column| time("spec.data.eventTime", column));
        let flags = flags(schema, &data.features, &mut problems);
        let keys = KeyReader::new(schema, &data.entity_keys);
        for key in &data.entity_keys {
            if schema.column_with_name(key).is_none() {
                problems.push(ColumnProblem::Absent {
                    field: "spec.data.entityKeys",
                    column: key.clone(),
                });
            }
        }
        // A column that the manifest gives a part, of the kind that it is to have, or is by nature.
        let mut beside = |field, column: &str, forced: Option<Kind>| {
            let Some((index, found)) = schema.column_with_name(column) else {
                problems.push(ColumnProblem::Absent {
                    field,
                    column: column.to_owned(),
                });
                return None;
            };
            let data_type = type_name(found.data_type());
            let Some(natural) = natural_kind(found.data_type()) else {
                problems.push(ColumnProblem::NotAValue {
                    field,
                    column: column.to_owned(),
                    data_type,
                });
                return None;
            };
            Some(FeatureColumn {
                name: column.to_owned(),
                index,
                kind: forced.unwrap_or(natural),
                imputed: ImputedFlag::None,
                data_type,
            })
        };
        let target = data.target.as_ref().and_then(|target| {
            let forced = target.kind.map(target_kind);
            beside("spec.data.target.column", &target.column, forced)
        });
        let segments = data.segments.iter().filter_map(|segments| {
            let field = "spec.data.segments[].column";
            beside(field, &segments.column, Some(Kind::Categorical))
        });
        let segments: Vec<FeatureColumn> = segments
            .filter(|column| !data.features.selects(&column.name))
            .collect();
        let (mut features, mut skipped) = (Vec::new(), Vec::new());
        for (index, field) in schema.fields().iter().enumerate() {
            let name = field.name();
            if !data.features.selects(name) {
                continue;
            }
            let data_type = type_name(field.data_type());
            match data
                .features
                .forced_kind(name)
                .map(kind)
                .or_else(|| natural_kind(field.data_type()))
            {
                Some(kind) if natural_kind(field.data_type()).is_some() => {
                    features.push(FeatureColumn {
                        imputed: match data.features.imputed_flag(name) {
                            None => ImputedFlag::None,
                            Some(flag) => flags
                                .get(flag)
                                .map_or(ImputedFlag::Unusable, |index| ImputedFlag::At(*index)),
                        },
                        name: name.clone(),
                        index,
                        kind,
                        data_type,
                    });
                }
                _ => skipped.push(Skipped {
                    name: name.clone(),
                    data_type,
                }),
            }
        }
        let names = schema.fields().iter().map(|field| field.name().clone());
        Self {
            names: names.collect(),
            features,
            skipped,
            window,
            event_time,
            target,
            segments,
            keys,
            problems,
        }
    }
}

/// Turns the entity keys of batches into bytes: equal bytes for equal keys.
#[derive(Clone)]
pub struct KeyReader {
    columns: Vec<(String, usize)>,
    converter: Arc<RowConverter>,
}

impl KeyReader {
    /// A reader of these columns; nothing when there are none, one is not there, or has a type without an order.
    fn new(schema: &Schema, keys: &[String]) -> Option<Self> {
        let found = keys.iter().map(|key| {
            let (index, field) = schema.column_with_name(key)?;
            Some((
                (key.clone(), index),
                SortField::new(field.data_type().clone()),
            ))
        });
        let (columns, fields): (Vec<_>, Vec<_>) = found.collect::<Option<_>>()?;
        let converter = RowConverter::new(fields)
            .ok()
            .filter(|_| !columns.is_empty())?;
        Some(Self {
            columns,
            converter: Arc::new(converter),
        })
    }

    /// Gives the key of each row of a batch to `insert`, nothing where a part of it is null.
    pub fn read(
        &self,
        batch: &RecordBatch,
        mut insert: impl FnMut(Option<&[u8]>),
    ) -> Result<(), ArrowError> {
        let columns = self
            .columns
            .iter()
            .map(|(_, index)| batch.column(*index).clone());
        let columns: Vec<ArrayRef> = columns.collect();
        let nulls = columns.iter().fold(None, |nulls, column| {
            NullBuffer::union(nulls.as_ref(), column.logical_nulls().as_ref())
        });
        let rows = self.converter.convert_columns(&columns)?;
        for (place, row) in rows.iter().enumerate() {
            let whole = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(place));
            insert(whole.then(|| row.as_ref()));
        }
        Ok(())
    }

    /// The names of the columns.
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }
}

impl std::fmt::Debug for KeyReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyReader")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// The kind that the manifest forces, in the words of the statistics.
pub(crate) fn kind(forced: crds::valid::Kind) -> Kind {
    match forced {
        crds::valid::Kind::Numeric => Kind::Numeric,
        crds::valid::Kind::Categorical => Kind::Categorical,
    }
}

/// The kind that the manifest says a target has, in the words of the statistics.
pub(crate) fn target_kind(kind: TargetKind) -> Kind {
    match kind {
        TargetKind::Class => Kind::Categorical,
        TargetKind::Number => Kind::Numeric,
    }
}

pub(crate) fn is_time(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
    )
}

/// How a type is compared by nature; nothing for a type we cannot watch.
pub(crate) fn natural_kind(data_type: &DataType) -> Option<Kind> {
    use DataType::*;
    match data_type {
        Null | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float16
        | Float32 | Float64 | Timestamp(..) | Date32 | Date64 | Time32(_) | Time64(_)
        | Duration(_) | Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) => {
            Some(Kind::Numeric)
        }
        Boolean | Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView
        | FixedSizeBinary(_) => Some(Kind::Categorical),
        Dictionary(_, values) => natural_kind(values),
        RunEndEncoded(_, values) => natural_kind(values.data_type()),
        _ => None,
    }
}

/// A type's name as people and baselines know it, the same for every encoding of the same values.
pub fn type_name(data_type: &DataType) -> String {
    use DataType::*;
    match data_type {
        Utf8 | LargeUtf8 | Utf8View => "string".into(),
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => "binary".into(),
        Boolean => "bool".into(),
        Float16 => "float16".into(),
        Float32 => "float32".into(),
        Float64 => "float64".into(),
        Timestamp(_, Some(_)) => "timestamp with time zone".into(),
        Timestamp(_, None) => "timestamp".into(),
        Date32 | Date64 => "date".into(),
        Time32(_) | Time64(_) => "time".into(),
        Duration(_) => "duration".into(),
        Decimal32(p, s) | Decimal64(p, s) | Decimal128(p, s) | Decimal256(p, s) => {
            format!("decimal({p}, {s})")
        }
        Dictionary(_, values) => type_name(values),
        RunEndEncoded(_, values) => type_name(values.data_type()),
        List(_) | LargeList(_) | ListView(_) | LargeListView(_) | FixedSizeList(..) => {
            "list".into()
        }
        Struct(_) => "struct".into(),
        Map(..) => "map".into(),
        Union(..) => "union".into(),
        Interval(_) => "interval".into(),
        other => other.to_string().to_lowercase(),
    }
}

/// Times of a column in microseconds since the epoch, with its validity. Cheap where the column is
/// already in microseconds.
#[derive(Clone)]
pub struct Times(arrow::array::TimestampMicrosecondArray);

impl Times {
    /// Reads a timestamp or date column.
    pub fn new(column: &ArrayRef) -> Result<Self, ArrowError> {
        let micros = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
        Ok(Self(
            micros.as_primitive::<TimestampMicrosecondType>().clone(),
        ))
    }

    /// The time of each row; nothing where it is null.
    pub fn iter(&self) -> impl Iterator<Item = Option<i64>> + '_ {
        self.0.iter()
    }

    /// The time of one row; nothing where it is null, or not there.
    pub fn get(&self, row: usize) -> Option<i64> {
        (row < self.0.len() && self.0.is_valid(row)).then(|| self.0.value(row))
    }

    /// How many rows have one.
    pub fn count(&self) -> u64 {
        (self.0.len() - self.0.null_count()) as u64
    }

    /// Those up to `limit`, in microseconds since the epoch; and how many are after it, whose rows are as those without a time.
    pub fn until(self, limit: i64) -> (Self, u64) {
        if self.newest().is_none_or(|newest| newest <= limit) {
            return (self, 0);
        }
        let before = self.count();
        let values = self.0.values();
        let kept = BooleanBuffer::collect_bool(values.len(), |row| {
            values.get(row).is_some_and(|time| *time <= limit)
        });
        let nulls = NullBuffer::union(self.0.nulls(), Some(&NullBuffer::new(kept)));
        let kept = Self(arrow::array::TimestampMicrosecondArray::new(
            values.clone(),
            nulls,
        ));
        let after = before - kept.count();
        (kept, after)
    }

    /// Those of some rows.
    fn filter(&self, rows: &BooleanArray) -> Result<Self, ArrowError> {
        let kept = filter(&self.0, rows)?;
        Ok(Self(
            kept.as_primitive::<TimestampMicrosecondType>().clone(),
        ))
    }

    /// The newest time of all rows.
    pub fn newest(&self) -> Option<i64> {
        arrow::compute::max(&self.0)
    }

    /// The oldest time of all rows.
    pub fn oldest(&self) -> Option<i64> {
        arrow::compute::min(&self.0)
    }

    /// The newest time among the rows in which `column` is not null.
    pub fn newest_where_valid(&self, column: &dyn Array) -> Option<i64> {
        match column.logical_nulls() {
            None => self.newest(),
            Some(valid) => {
                let both = NullBuffer::union(Some(&valid), self.0.nulls());
                let rows =
                    arrow::array::TimestampMicrosecondArray::new(self.0.values().clone(), both);
                arrow::compute::max(&rows)
            }
        }
    }
}

/// Turns the batches of one feature into columns for its profile. It remembers the last dictionary,
/// so that a dictionary shared by many batches is read once.
#[derive(Default)]
pub struct Reader {
    dictionary: Option<Dictionary>,
    generation: u64,
}

struct Dictionary {
    /// The array as it came, kept alive so that its address tells it from a later one.
    source: ArrayRef,
    names: StringArray,
}

impl Reader {
    /// Gives the column of `feature` in `batch` to `update`.
    pub fn read<T>(
        &mut self,
        feature: &FeatureColumn,
        batch: &RecordBatch,
        update: impl FnOnce(&Column<'_>) -> T,
    ) -> Result<T, ArrowError> {
        let column = plain(batch.column(feature.index))?;
        match feature.kind {
            Kind::Numeric => {
                let values = floats(&column)?;
                Ok(update(&Column::Numeric {
                    values: values.values(),
                    validity: validity(values.nulls(), values.len())?,
                }))
            }
            Kind::Categorical => {
                let (codes, source) = codes(&column)?;
                let stale = self
                    .dictionary
                    .as_ref()
                    .is_none_or(|last| !Arc::ptr_eq(&last.source, &source));
                if stale {
                    self.generation += 1;
                    self.dictionary = Some(Dictionary {
                        names: names(&source)?,
                        source,
                    });
                }
                let names = self.dictionary.as_ref().map(|d| &d.names);
                // A row is null by its code, and by the name that the code stands for.
                let nulls = match names.is_some_and(|names| names.null_count() > 0) {
                    true => column.logical_nulls(),
                    false => codes.nulls().cloned(),
                };
                let name = |code: usize| {
                    names
                        .filter(|n| code < n.len() && n.is_valid(code))
                        .map(|n| n.value(code))
                };
                Ok(update(&Column::Categorical {
                    codes: codes.values(),
                    validity: validity(nulls.as_ref(), codes.len())?,
                    categories: Categories {
                        generation: self.generation,
                        len: names.map_or(0, Array::len),
                        name: &name,
                    },
                }))
            }
        }
    }
}

/// Which rows of a feature are null, without its values: nothing where none is.
pub fn nulls(
    feature: &FeatureColumn,
    batch: &RecordBatch,
) -> Result<Option<NullBuffer>, ArrowError> {
    let column = batch.column(feature.index);
    let read_as_number = feature.kind == Kind::Numeric
        && natural_kind(column.data_type()) == Some(Kind::Categorical);
    if read_as_number {
        // What is no number is null.
        return Ok(floats(&plain(column)?)?.nulls().cloned());
    }
    Ok(column.logical_nulls())
}

pub(crate) fn validity(nulls: Option<&NullBuffer>, len: usize) -> Result<Validity<'_>, ArrowError> {
    match nulls {
        None => Ok(Validity::all(len)),
        Some(nulls) => Validity::bitmap(nulls.validity(), nulls.offset(), len)
            .map_err(|error| ArrowError::InvalidArgumentError(error.to_string())),
    }
}

/// The type of a column after [`plain`].
pub(crate) fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type()),
        DataType::Dictionary(_, values) if natural_kind(values) == Some(Kind::Numeric) => {
            values.as_ref().clone()
        }
        other => other.clone(),
    }
}

/// Undoes run-end encoding, and dictionaries whose values are not names.
pub(crate) fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::RunEndEncoded(_, values) => plain(&cast(column, values.data_type())?),
        DataType::Dictionary(_, values) if natural_kind(values) == Some(Kind::Numeric) => {
            cast(column, values)
        }
        _ => Ok(column.clone()),
    }
}

/// The column as `f64`: times in seconds since the epoch, durations in seconds, text parsed (what
/// is not a number is null).
fn floats(column: &ArrayRef) -> Result<Float64Array, ArrowError> {
    use DataType::*;
    const MICROS: f64 = 1e6;
    let scaled = |to: DataType| -> Result<Float64Array, ArrowError> {
        let whole = cast(&cast(column, &to)?, &Int64)?;
        let whole: &Int64Array = whole.as_primitive();
        Ok(whole.unary(|micros| micros as f64 / MICROS))
    };
    match column.data_type() {
        Float64 => Ok(column.as_primitive::<Float64Type>().clone()),
        Null => Ok(Float64Array::new_null(column.len())),
        Timestamp(..) | Date32 | Date64 => scaled(Timestamp(TimeUnit::Microsecond, None)),
        Time32(_) | Time64(_) => scaled(Time64(TimeUnit::Microsecond)),
        Duration(_) => scaled(Duration(TimeUnit::Microsecond)),
        Dictionary(_, values) => floats(&cast(column, values)?),
        Boolean | Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => {
            floats(&cast(&text(column)?, &Float64)?)
        }
        _ => Ok(cast(column, &Float64)?
            .as_primitive::<Float64Type>()
            .clone()),
    }
}

/// Codes into a dictionary, and the dictionary.
fn codes(column: &ArrayRef) -> Result<(Int32Array, ArrayRef), ArrowError> {
    if !matches!(column.data_type(), DataType::Dictionary(..)) {
        let encoded = cast(
            &text(column)?,
            &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        )?;
        return codes(&encoded);
    }
    let dictionary: &dyn Array = column.as_ref();
    downcast_dictionary_array!(
        dictionary => keys_and_values(dictionary),
        other => Err(ArrowError::CastError(format!("no dictionary: {other}")))
    )
}

fn keys_and_values<K: ArrowDictionaryKeyType>(
    dictionary: &DictionaryArray<K>,
) -> Result<(Int32Array, ArrayRef), ArrowError> {
    let keys: ArrayRef = Arc::new(dictionary.keys().clone());
    let keys = if *keys.data_type() == DataType::Int32 {
        keys
    } else {
        cast(&keys, &DataType::Int32)?
    };
    Ok((
        keys.as_primitive::<Int32Type>().clone(),
        dictionary.values().clone(),
    ))
}

fn names(values: &ArrayRef) -> Result<StringArray, ArrowError> {
    Ok(text(values)?.as_string::<i32>().clone())
}

/// Values as text; binary as hexadecimal, since it need not be text.
fn text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    use DataType::*;
    match column.data_type() {
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => {
            let binary = cast(column, &LargeBinary)?;
            let hex: StringArray = binary
                .as_binary::<i64>()
                .iter()
                .map(|bytes| bytes.map(hexadecimal))
                .collect();
            Ok(Arc::new(hex))
        }
        _ => cast(column, &Utf8),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The rows of a batch that belong to one slot.
pub struct SlotRows {
    /// Which slot.
    pub slot: usize,
    /// The rows.
    pub batch: RecordBatch,
    /// Their event times; nothing where the stream has none.
    pub events: Option<Times>,
}

/// The rows of a batch, with their `events`, that belong to each wanted slot by the times of `windows`: the whole batch where
/// all its rows do, a filtered copy where they are mixed. Rows without a slot are left out; their count is returned.
///
/// Where each slot is `unbroken`, covers one unbroken span of time: where the oldest and the newest row share a slot,
/// all rows do, and no row is looked at.
pub fn split(
    batch: RecordBatch,
    events: Option<Times>,
    windows: &Times,
    slot_of: impl Fn(i64) -> Option<usize>,
    unbroken: bool,
) -> Result<(Vec<SlotRows>, u64), ArrowError> {
    let whole = |slot| SlotRows {
        slot,
        batch: batch.clone(),
        events: events.clone(),
    };
    if unbroken
        && let (Some(oldest), Some(newest)) = (windows.oldest(), windows.newest())
        && windows.0.null_count() == 0
        && let (Some(first), Some(last)) = (slot_of(oldest), slot_of(newest))
        && first == last
    {
        return Ok((vec![whole(first)], 0));
    }
    let slots: Vec<Option<usize>> = windows.iter().map(|time| time.and_then(&slot_of)).collect();
    let outside = slots.iter().filter(|slot| slot.is_none()).count() as u64;
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for slot in slots.iter().flatten() {
        *counts.entry(*slot).or_default() += 1;
    }
    let mut wanted: Vec<usize> = counts.keys().copied().collect();
    wanted.sort_unstable();
    let parts = wanted
        .into_iter()
        .map(|slot| {
            if counts[&slot] == batch.num_rows() {
                return Ok(whole(slot));
            }
            let mask: BooleanArray = slots
                .iter()
                .map(|found| Some(*found == Some(slot)))
                .collect();
            let events = events.as_ref().map(|events| events.filter(&mask));
            Ok(SlotRows {
                slot,
                batch: filter_record_batch(&batch, &mask)?,
                events: events.transpose()?,
            })
        })
        .collect::<Result<_, ArrowError>>()?;
    Ok((parts, outside))
}
