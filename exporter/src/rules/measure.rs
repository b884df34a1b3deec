//! Rules over the batches of a pull: counts and aggregates of each window, in memory that does not grow with the rows.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, RecordBatch,
    RecordBatchOptions, new_empty_array,
};
use arrow::compute::{concat, filter_record_batch};
use arrow::datatypes::{DataType, Field, Float16Type, Float32Type, Float64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion_common::{DataFusionError, ScalarValue};
use datafusion_expr::Accumulator;
use datafusion_physical_expr::PhysicalExpr;

use super::plan::{Plan, WindowPlan, plan};
use super::{Fault, Rule, RuleError};
use crate::columns::{plain, plain_type};

/// Longest text of a key in the log, in characters.
const KEY_CHARACTERS: usize = 200;

/// What one window says about one rule.
#[derive(Clone, Debug)]
pub enum Measure {
    /// A rule over rows.
    Rows(RowCounts),
    /// A rule over the window: its aggregates' values, in the order of the plan's.
    Window(Arc<WindowPlan>, Vec<ScalarValue>),
    /// Nothing is known of the columns: the stream had no field, and no row.
    NoColumns,
    /// It could not be measured.
    Broken(RuleError),
}

/// Rows by what a rule says of them, and a few keys of those that violate it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows for which it is true.
    pub holds: u64,
    /// Rows for which it is false.
    pub violations: u64,
    /// Rows for which it is neither, since something in it is null.
    pub unknown: u64,
    /// Keys of the first violating rows, for the log alone.
    pub keys: Vec<String>,
}

/// Some rules of a monitor over the batches of one pull.
pub struct Measuring {
    rules: Vec<Measured>,
    /// The columns that the rules and their keys read, by their place in the stream.
    columns: Vec<usize>,
    /// Those columns, each in a form that expressions read.
    schema: SchemaRef,
    /// Places of the entity keys in `schema`, with their names.
    keys: Vec<(String, usize)>,
}

/// One rule, with what it has of each slot.
struct Measured {
    /// Its place among the monitor's rules.
    place: usize,
    state: State,
}

enum State {
    Rows {
        holds: Arc<dyn PhysicalExpr>,
        keys: usize,
        slots: Vec<Result<RowCounts, RuleError>>,
    },
    Window {
        plan: Arc<WindowPlan>,
        slots: Vec<Result<Vec<Box<dyn Accumulator>>, RuleError>>,
    },
    /// The same in all slots.
    Fixed(Measure, usize),
}

impl Measuring {
    /// Plans those rules of a monitor that `mine` says, over the columns of a stream.
    pub fn new(
        rules: &[Rule],
        mine: impl Fn(usize) -> bool,
        stream: &Schema,
        keys: &[String],
        slots: usize,
    ) -> Self {
        let mine = rules.iter().enumerate().filter(|(place, _)| mine(*place));
        let mine: Vec<(usize, &Rule)> = mine.collect();
        let read = mine.iter().flat_map(|(_, rule)| match &rule.expression {
            Ok(expression) => expression.columns(),
            Err(_) => &[],
        });
        let logged = mine.iter().any(|(_, rule)| rule.keys > 0);
        let logged = keys.iter().filter(|_| logged);
        let mut columns: Vec<usize> = read
            .chain(logged.clone())
            .filter_map(|name| stream.index_of(name).ok())
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let fields = columns.iter().map(|index| {
            let field = stream.field(*index);
            Field::new(field.name(), plain_type(field.data_type()), true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let keys = logged.filter_map(|name| Some((name.clone(), schema.index_of(name).ok()?)));
        Self {
            keys: keys.collect(),
            rules: mine
                .into_iter()
                .map(|(place, rule)| Measured {
                    place,
                    state: State::new(rule, stream, &schema, slots),
                })
                .collect(),
            columns,
            schema,
        }
    }

    /// Takes in rows of one slot.
    ///
    /// # Errors
    /// Where a column is not what the stream's schema says. That a rule cannot be computed breaks the rule and is no error.
    pub fn update(&mut self, slot: usize, batch: &RecordBatch) -> Result<(), ArrowError> {
        if self.rules.is_empty() {
            return Ok(());
        }
        let columns = self.columns.iter();
        let columns = columns.map(|index| plain(batch.column(*index)).map(with_one_zero));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &rows)?;
        for rule in &mut self.rules {
            rule.state.update(slot, &batch, &self.keys);
        }
        Ok(())
    }

    /// What was found, `[rule][slot]`, each rule with its place among the monitor's.
    pub fn finish(self) -> Vec<(usize, Vec<Measure>)> {
        let rules = self.rules.into_iter();
        rules
            .map(|rule| (rule.place, rule.state.finish()))
            .collect()
    }
}

impl State {
    fn new(rule: &Rule, stream: &Schema, schema: &Schema, slots: usize) -> Self {
        let expression = match &rule.expression {
            Ok(expression) => expression,
            Err(error) => return Self::Fixed(Measure::Broken(error.clone()), slots),
        };
        // Against all columns, so that an error can name one that is nearly right.
        let nearly = |error: RuleError| match error.fault {
            Fault::Column => plan(expression, stream).err().unwrap_or(error),
            _ => error,
        };
        match plan(expression, schema).map_err(nearly) {
            Ok(Plan::Rows(holds)) => Self::Rows {
                holds,
                keys: rule.keys,
                slots: vec![Ok(RowCounts::default()); slots],
            },
            Ok(Plan::Window(plan)) => Self::Window {
                slots: (0..slots).map(|_| accumulators(&plan)).collect(),
                plan,
            },
            // What some servers say of a result without rows.
            Err(_) if stream.fields().is_empty() => Self::Fixed(Measure::NoColumns, slots),
            Err(error) => Self::Fixed(Measure::Broken(error), slots),
        }
    }

    fn update(&mut self, slot: usize, batch: &RecordBatch, keys: &[(String, usize)]) {
        match self {
            State::Rows {
                holds,
                keys: wanted,
                slots,
            } => {
                let counts = &mut slots[slot];
                if let Ok(counted) = counts
                    && let Err(error) = count(holds.as_ref(), batch, counted, (*wanted, keys))
                {
                    *counts = Err(incomputable(&error));
                }
            }
            State::Window { plan, slots } => {
                let values = &mut slots[slot];
                if let Ok(accumulators) = values
                    && let Err(error) = accumulate(plan, accumulators, batch)
                {
                    *values = Err(incomputable(&error));
                }
            }
            State::Fixed(..) => {}
        }
    }

    fn finish(self) -> Vec<Measure> {
        match self {
            State::Rows { slots, .. } => slots
                .into_iter()
                .map(|counts| counts.map_or_else(Measure::Broken, Measure::Rows))
                .collect(),
            State::Window { plan, slots } => {
                let values = |mut accumulators: Vec<Box<dyn Accumulator>>| {
                    let values = accumulators.iter_mut().map(|one| one.evaluate());
                    let values: Result<Vec<ScalarValue>, _> = values.collect();
                    values.map_err(|error| incomputable(&error))
                };
                let slots = slots.into_iter().map(|slot| slot.and_then(values));
                slots
                    .map(|values| match values {
                        Ok(values) => Measure::Window(plan.clone(), values),
                        Err(error) => Measure::Broken(error),
                    })
                    .collect()
            }
            State::Fixed(measure, slots) => vec![measure; slots],
        }
    }
}

fn accumulators(plan: &WindowPlan) -> Result<Vec<Box<dyn Accumulator>>, RuleError> {
    let made = plan.aggregates.iter();
    made.map(|aggregate| aggregate.function.create_accumulator())
        .collect::<Result<_, _>>()
        .map_err(|error| incomputable(&error))
}

/// The column with 0.0 in place of −0.0, which Arrow's kernels take for another and lesser number.
fn with_one_zero(column: ArrayRef) -> ArrayRef {
    fn replaced<T>(column: ArrayRef) -> ArrayRef
    where
        T: ArrowPrimitiveType<Native: PartialOrd + Into<f64>>,
    {
        let values: &PrimitiveArray<T> = column.as_primitive();
        let negative = |value: T::Native| {
            let value: f64 = value.into();
            value == 0.0 && value.is_sign_negative()
        };
        // Nearly always none is there, and the column stays as it is.
        let any = values.values().iter();
        if !any.fold(false, |any, value| any | negative(*value)) {
            return column;
        }
        let zero = T::Native::default();
        Arc::new(values.unary::<_, T>(|value| if negative(value) { zero } else { value }))
    }
    match column.data_type() {
        DataType::Float16 => replaced::<Float16Type>(column),
        DataType::Float32 => replaced::<Float32Type>(column),
        DataType::Float64 => replaced::<Float64Type>(column),
        _ => column,
    }
}

/// An expression's value for each row of a batch.
///
/// `and`, `or` and `case` guard a row (`i = 0 or 10 / i > 1`), and of a batch only where they decide all of it. So a batch that
/// fails is halved until what fails is one row by itself, however rows are batched.
fn values(expr: &dyn PhysicalExpr, batch: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
    let rows = batch.num_rows();
    let whole = expr
        .evaluate(batch)
        .and_then(|values| values.into_array(rows));
    match whole {
        Err(_) if rows == 0 => Ok(new_empty_array(&expr.data_type(&batch.schema())?)),
        Err(_) if rows > 1 => {
            let half = rows / 2;
            let first = values(expr, &batch.slice(0, half))?;
            let second = values(expr, &batch.slice(half, rows - half))?;
            Ok(concat(&[first.as_ref(), second.as_ref()])?)
        }
        whole => whole,
    }
}

fn booleans(expr: &dyn PhysicalExpr, batch: &RecordBatch) -> Result<BooleanArray, DataFusionError> {
    let values = values(expr, batch)?;
    let values = values.as_boolean_opt().cloned();
    values.ok_or_else(|| DataFusionError::Internal("a rule that is not boolean".to_owned()))
}

fn count(
    holds: &dyn PhysicalExpr,
    batch: &RecordBatch,
    counts: &mut RowCounts,
    (wanted, keys): (usize, &[(String, usize)]),
) -> Result<(), DataFusionError> {
    let values = booleans(holds, batch)?;
    let holding = values.true_count();
    let unknown = values.null_count();
    let violations = values.len() - holding - unknown;
    counts.holds += holding as u64;
    counts.unknown += unknown as u64;
    counts.violations += violations as u64;
    let missing = wanted.saturating_sub(counts.keys.len());
    if violations > 0 && missing > 0 && !keys.is_empty() {
        let violating =
            (0..values.len()).filter(|row| values.is_valid(*row) && !values.value(*row));
        for row in violating.take(missing) {
            counts.keys.push(key(batch, keys, row)?);
        }
    }
    Ok(())
}

/// The key of a row as people read it: `household_id=7`.
fn key(batch: &RecordBatch, keys: &[(String, usize)], row: usize) -> Result<String, ArrowError> {
    let parts = keys.iter().map(|(name, column)| {
        let options = FormatOptions::new().with_null("null");
        let values = ArrayFormatter::try_new(batch.column(*column), &options)?;
        let value = values.value(row).try_to_string()?;
        let value: String = value.chars().take(KEY_CHARACTERS).collect();
        Ok(format!("{name}={value}"))
    });
    let parts: Vec<String> = parts.collect::<Result<_, ArrowError>>()?;
    Ok(parts.join(", "))
}

fn accumulate(
    plan: &WindowPlan,
    accumulators: &mut [Box<dyn Accumulator>],
    batch: &RecordBatch,
) -> Result<(), DataFusionError> {
    for (aggregate, accumulator) in plan.aggregates.iter().zip(accumulators) {
        let filtered = match &aggregate.filter {
            Some(filter) => &filter_record_batch(batch, &booleans(filter.as_ref(), batch)?)?,
            None => batch,
        };
        let arguments = aggregate.arguments.iter();
        let arguments = arguments.map(|argument| values(argument.as_ref(), filtered));
        let arguments: Vec<ArrayRef> = arguments.collect::<Result<_, _>>()?;
        accumulator.update_batch(&arguments)?;
    }
    Ok(())
}

/// Why an expression could not be computed, without the value that stood in the way: that may be nobody's business.
pub(super) fn incomputable(error: &DataFusionError) -> RuleError {
    let found = match error {
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::DivideByZero => "a division by zero",
            ArrowError::ArithmeticOverflow(_) => "a number beyond its type",
            ArrowError::CastError(_) | ArrowError::ParseError(_) => {
                "a value that cannot be cast to the type that the expression asks for"
            }
            _ => "a value that the expression cannot be computed of",
        },
        DataFusionError::Diagnostic(_, source) | DataFusionError::Context(_, source) => {
            return incomputable(source);
        }
        DataFusionError::Shared(source) => return incomputable(source),
        _ => "a value that the expression cannot be computed of",
    };
    RuleError::new(
        Fault::Evaluation,
        None,
        found,
        "write nullif(x, 0) under a division, try_cast(x as …) for a cast: both give null, which is unknown",
    )
}
