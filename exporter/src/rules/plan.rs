//! An expression over the columns of a source: types checked and fitted, constants computed, aggregates taken out.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use crds::valid::Over;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, DFSchema, DataFusionError, ScalarValue, SchemaError, plan_err};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::expr::{Between, InList, ScalarFunction};
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::simplify::SimplifyContext;
use datafusion_expr::{Case, Expr, ExprSchemable, Operator, cast};
use datafusion_optimizer::simplify_expressions::ExprSimplifier;
use datafusion_physical_expr::aggregate::{AggregateFunctionExpr, LoweredAggregateBuilder};
use datafusion_physical_expr::expressions::{BinaryExpr, Literal, NegativeExpr};
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion_sql::sqlparser::ast::{self, Spanned, Visit, Visitor};

use super::expression::{Expression, position};
use super::functions::{PREVIOUS, functions};
use super::outcome::is_remembered;
use super::{Fault, RuleError};
use crate::columns::plain_type;
use crate::names::{advice, nearest};

/// Most centroids of `approx_percentile_cont`, its third argument: its memory grows with them.
const CENTROIDS: i64 = 1000;

/// What is evaluated of a rule.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Whether it holds, for each row.
    Rows(Arc<dyn PhysicalExpr>),
    /// Its aggregates, and whether it holds of them.
    Window(Arc<WindowPlan>),
}

/// A rule over a window: each aggregate once, and an expression over their values in the window and in the one before.
#[derive(Debug)]
pub struct WindowPlan {
    pub(super) aggregates: Vec<Aggregate>,
    /// Over [`schema`](Self::schema).
    pub(super) holds: Arc<dyn PhysicalExpr>,
    /// The values of the aggregates, then those in the window before.
    pub(super) schema: SchemaRef,
}

/// An aggregate of a rule.
#[derive(Debug)]
pub(super) struct Aggregate {
    /// What it computes, as the rule says it: with its casts, and the same whenever it is planned.
    pub(super) text: String,
    pub(super) function: Arc<AggregateFunctionExpr>,
    /// What it is over.
    pub(super) arguments: Vec<Arc<dyn PhysicalExpr>>,
    /// Which rows it is over.
    pub(super) filter: Option<Arc<dyn PhysicalExpr>>,
    /// Whether its value in the window before is asked for.
    pub(super) looked_back: bool,
}

/// Plans an expression over these columns.
///
/// # Errors
/// What does not fit, and where: a column that is not there, or a type.
pub fn plan(expression: &Expression, columns: &Schema) -> Result<Plan, RuleError> {
    let columns = DFSchema::try_from(columns.clone()).map_err(|error| unfit(&error, None))?;
    let logical = logical(expression.ast(), &columns)
        .and_then(|logical| {
            // Typed once more after it was fitted, which may change it.
            let data_type = logical.get_type(&columns)?;
            Ok((logical, data_type))
        })
        .map_err(|error| place(expression.ast(), &columns, error))?;
    let (logical, data_type) = logical;
    if data_type != DataType::Boolean {
        return Err(RuleError::new(
            Fault::Type,
            position(expression.ast().span()),
            format!("the expression has the type {data_type}"),
            "write one that is true or false, such as a comparison",
        ));
    }
    match expression.over() {
        Over::Rows => physical(&logical, &columns)
            .map(Plan::Rows)
            .map_err(|error| unfit(&error, None)),
        Over::Window => window(expression, &columns).map(|plan| Plan::Window(Arc::new(plan))),
    }
}

type Planned<T> = Result<T, DataFusionError>;

/// The expression with all names resolved, types fitted and constants computed.
fn logical(expr: &ast::Expr, columns: &DFSchema) -> Planned<Expr> {
    fitted(named(expr, columns)?, columns)
}

/// The expression with all names resolved.
fn named(expr: &ast::Expr, columns: &DFSchema) -> Planned<Expr> {
    // Names of columns are exact, as everywhere in a manifest.
    let options = ParserOptions::new().with_enable_ident_normalization(false);
    let planner = SqlToRel::new_with_options(functions(), options);
    planner.sql_to_expr(expr.clone(), columns, &mut PlannerContext::new())
}

/// The expression with types fitted and constants computed.
fn fitted(expr: Expr, columns: &DFSchema) -> Planned<Expr> {
    let expr = expr.transform_up(|part| {
        comparable(&part, columns)?;
        Ok(quotient(part, columns))
    })?;
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(columns.clone()))
        .build();
    let simplifier = ExprSimplifier::new(context);
    let fitted = simplifier.coerce(expr.data, columns)?;
    simplifier.simplify(folded(fitted)?)
}

/// Refuses to compare a text with a number: that casts the text, and fails on the first that is no number. A text that the
/// rule itself spells out is a constant, and is cast here.
fn comparable(part: &Expr, columns: &DFSchema) -> Planned<()> {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    let pairs: Vec<(&Expr, &Expr)> = match part {
        Expr::BinaryExpr(binary)
            if matches!(
                binary.op,
                Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom
            ) =>
        {
            vec![(&binary.left, &binary.right)]
        }
        Expr::Between(Between {
            expr, low, high, ..
        }) => vec![(expr, low), (expr, high)],
        Expr::InList(InList { expr, list, .. }) => {
            list.iter().map(|item| (expr.as_ref(), item)).collect()
        }
        Expr::Case(Case {
            expr: Some(expr),
            when_then_expr,
            ..
        }) => when_then_expr
            .iter()
            .map(|(when, _)| (expr.as_ref(), when.as_ref()))
            .collect(),
        _ => Vec::new(),
    };
    for (left, right) in pairs {
        // What has no type is refused by who fits them.
        let (Ok(one), Ok(other)) = (left.get_type(columns), right.get_type(columns)) else {
            continue;
        };
        let casts = |text: &Expr, of: &DataType, number: &DataType| {
            is_text(of) && plain_type(number).is_numeric() && !matches!(text, Expr::Literal(..))
        };
        if casts(left, &one, &other) || casts(right, &other, &one) {
            return plan_err!("a text is compared with a number ({one} with {other})");
        }
    }
    Ok(())
}

fn is_text(data_type: &DataType) -> bool {
    match plain_type(data_type) {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(&values),
        _ => false,
    }
}

/// A division of two whole numbers as one that keeps what is behind the point.
fn quotient(part: Expr, columns: &DFSchema) -> Transformed<Expr> {
    let whole = |side: &Expr| {
        let data_type = side.get_type(columns);
        data_type.is_ok_and(|data_type| plain_type(&data_type).is_integer())
    };
    match part {
        Expr::BinaryExpr(binary)
            if binary.op == Operator::Divide && whole(&binary.left) && whole(&binary.right) =>
        {
            let sides = [*binary.left, *binary.right];
            let sides = sides.map(|side| cast(side, DataType::Float64));
            let call = ScalarFunction::new_udf(functions().quotient(), sides.into());
            Transformed::yes(Expr::ScalarFunction(call))
        }
        other => Transformed::no(other),
    }
}

/// The expression with parts that are the same for every row computed, with the arithmetic of [`checked`]: the simplifier's
/// goes on from the other end.
fn folded(expr: Expr) -> Planned<Expr> {
    let folded = expr.transform_up(|part| {
        if !constant(&part)? {
            return Ok(Transformed::no(part));
        }
        match value(&part) {
            Ok(value) => Ok(Transformed::yes(Expr::Literal(value, None))),
            Err(error) if is_arithmetic(&error) => Err(error),
            // The simplifier says it, or the evaluation.
            Err(_) => Ok(Transformed::no(part)),
        }
    })?;
    Ok(folded.data)
}

/// Whether a part is computed of constants alone.
fn constant(part: &Expr) -> Planned<bool> {
    if matches!(part, Expr::AggregateFunction(_)) {
        return Ok(false);
    }
    let (mut any, mut all) = (false, true);
    part.apply_children(|child| {
        any = true;
        all &= matches!(child, Expr::Literal(..));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(any && all)
}

/// What a part without columns is.
fn value(part: &Expr) -> Planned<ScalarValue> {
    let rows = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &rows)?;
    let value = physical(part, &DFSchema::empty())?.evaluate(&row)?;
    ScalarValue::try_from_array(&value.into_array(1)?, 0)
}

/// Whether an error of a constant is one for every row.
fn is_arithmetic(error: &DataFusionError) -> bool {
    use ArrowError::{ArithmeticOverflow, CastError, DivideByZero, ParseError};
    match error {
        DataFusionError::ArrowError(error, _) => matches!(
            error.as_ref(),
            ArithmeticOverflow(_) | CastError(_) | DivideByZero | ParseError(_)
        ),
        DataFusionError::Diagnostic(_, source) | DataFusionError::Context(_, source) => {
            is_arithmetic(source)
        }
        _ => false,
    }
}

fn physical(expr: &Expr, columns: &DFSchema) -> Planned<Arc<dyn PhysicalExpr>> {
    let (props, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
    checked(
        create_physical_expr(expr, columns, &props, &planning)?,
        columns.as_arrow(),
    )
}

fn window(expression: &Expression, columns: &DFSchema) -> Result<WindowPlan, RuleError> {
    let unfit = |error| unfit(&error, Some(columns));
    let calls = expression.aggregates().iter();
    let calls: Vec<(Expr, &ast::Expr)> = calls
        .map(|call| Ok((named(call, columns)?, call)))
        .collect::<Planned<_>>()
        .map_err(unfit)?;
    // Taken out before anything is simplified, so that each is known by what the rule says.
    let mut lifted = Lifted::default();
    let holds = named(expression.ast(), columns)
        .and_then(|whole| lifted.lift(whole, Side::Now))
        .map_err(unfit)?;
    let mut aggregates = Vec::new();
    for (expr, looked_back) in lifted.aggregates {
        let call = calls.iter().find(|(known, _)| *known == expr);
        let call = call.map(|(_, call)| *call);
        let text = call.map_or_else(|| expr.to_string(), ToString::to_string);
        let made = aggregate(expr, columns, text, looked_back);
        aggregates.push(made.map_err(|error| RuleError {
            position: call.and_then(|call| position(call.span())),
            ..error
        })?);
    }
    let of = |side: Side| {
        let values = aggregates.iter().enumerate();
        values.map(move |(i, aggregate)| {
            let data_type = aggregate.function.field().data_type().clone();
            Field::new(side.name(i), data_type, true)
        })
    };
    let schema = Arc::new(Schema::new(
        of(Side::Now).chain(of(Side::Before)).collect::<Vec<_>>(),
    ));
    let holds = DFSchema::try_from(schema.as_ref().clone())
        .and_then(|values| physical(&fitted(holds, &values)?, &values))
        .map_err(unfit)?;
    Ok(WindowPlan {
        aggregates,
        holds,
        schema,
    })
}

/// An aggregate that can be computed, and remembered where `previous` asks for it.
fn aggregate(
    expr: Expr,
    columns: &DFSchema,
    text: String,
    looked_back: bool,
) -> Result<Aggregate, RuleError> {
    let unfit = |error| unfit(&error, Some(columns));
    let refuse = |fault, found: String, write: &str| RuleError::new(fault, None, found, write);
    let expr = fitted(expr, columns).map_err(unfit)?;
    if let Expr::AggregateFunction(call) = &expr
        && let [_, _, centroids] = call.params.args.as_slice()
        && !bounded(centroids)
    {
        let found = format!(
            "{} has a third argument that is no number from 1 to {CENTROIDS}",
            call.func.name()
        );
        return Err(refuse(Fault::Aggregate, found, "write 100, or none"));
    }
    let (props, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
    let lowered =
        LoweredAggregateBuilder::new(&expr, columns, columns.as_arrow(), &props, &planning);
    let lowered = lowered.build().map_err(unfit)?;
    let function = lowered.aggregate;
    // Some types and arguments are refused here alone.
    if let Err(error) = function.create_accumulator() {
        let write = match function.fun().name() {
            "approx_distinct" => "write approx_distinct(cast(x as text))",
            _ => "write arguments that the aggregate can be computed of",
        };
        return Err(RuleError {
            write: write.to_owned(),
            ..unfit(error)
        });
    }
    let field = function.field();
    let data_type = field.data_type();
    if looked_back && !is_remembered(data_type) {
        return Err(refuse(
            Fault::Type,
            format!("{PREVIOUS} of an aggregate of the type {data_type}, which is not remembered"),
            "write an aggregate that is a number, a text, a time or a boolean",
        ));
    }
    let checked = |part| checked(part, columns.as_arrow());
    Ok(Aggregate {
        text,
        arguments: (function.expressions().into_iter())
            .map(checked)
            .collect::<Planned<_>>()
            .map_err(unfit)?,
        function,
        filter: lowered.filter.map(checked).transpose().map_err(unfit)?,
        looked_back,
    })
}

/// Whether a number of centroids is one that needs little memory.
fn bounded(centroids: &Expr) -> bool {
    let Expr::Literal(value, _) = centroids else {
        return false;
    };
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(Some(centroids))) => (1..=CENTROIDS).contains(&centroids),
        _ => false,
    }
}

/// The expression with arithmetic that fails beyond a type's range, where DataFusion's own goes on from the other end. The
/// negative of a number is zero minus it, so that it can fail too, and is no −0.0.
fn checked(expr: Arc<dyn PhysicalExpr>, columns: &Schema) -> Planned<Arc<dyn PhysicalExpr>> {
    let checked = expr.transform_up(|part| {
        let binary = match part.downcast_ref::<NegativeExpr>() {
            Some(negative) => {
                let data_type = negative.arg().data_type(columns)?;
                (data_type.is_integer() || data_type.is_floating())
                    .then(|| ScalarValue::new_zero(&data_type))
                    .transpose()?
                    .map(|zero| {
                        let zero = Arc::new(Literal::new(zero));
                        BinaryExpr::new(zero, Operator::Minus, negative.arg().clone())
                    })
            }
            None => part.downcast_ref::<BinaryExpr>().cloned(),
        };
        Ok(match binary {
            Some(binary) => {
                let binary: Arc<dyn PhysicalExpr> = Arc::new(binary.with_fail_on_overflow(true));
                Transformed::yes(binary)
            }
            None => Transformed::no(part),
        })
    })?;
    Ok(checked.data)
}

/// Whose value an aggregate's is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Now,
    Before,
}

impl Side {
    fn name(self, place: usize) -> String {
        match self {
            Side::Now => format!("now {place}"),
            Side::Before => format!("before {place}"),
        }
    }
}

/// The aggregates of an expression, each once, and whether `previous` asks for it.
#[derive(Default)]
struct Lifted {
    aggregates: Vec<(Expr, bool)>,
}

impl Lifted {
    /// The expression with the aggregates' values in their place.
    fn lift(&mut self, expr: Expr, side: Side) -> Planned<Expr> {
        let lifted = expr.transform_down(|part| match part {
            Expr::ScalarFunction(mut call) if call.func.name() == PREVIOUS => {
                let argument = call.args.pop().unwrap_or_default();
                let lifted = self.lift(argument, Side::Before)?;
                Ok(Transformed::new(lifted, true, TreeNodeRecursion::Jump))
            }
            Expr::AggregateFunction(_) => {
                let known = self.aggregates.iter().position(|(known, _)| *known == part);
                let place = known.unwrap_or_else(|| {
                    self.aggregates.push((part, false));
                    self.aggregates.len() - 1
                });
                if let Some((_, looked_back)) = self.aggregates.get_mut(place) {
                    *looked_back |= side == Side::Before;
                }
                let value = Expr::Column(Column::new_unqualified(side.name(place)));
                Ok(Transformed::new(value, true, TreeNodeRecursion::Jump))
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(lifted.data)
    }
}

/// The innermost part that cannot be planned by itself, and why; the whole expression's error where each part can.
fn place(expr: &ast::Expr, columns: &DFSchema, error: DataFusionError) -> RuleError {
    struct Parts<'a>(&'a DFSchema);
    impl Visitor for Parts<'_> {
        type Break = RuleError;

        fn post_visit_expr(&mut self, part: &ast::Expr) -> ControlFlow<RuleError> {
            let typed = logical(part, self.0).and_then(|part| part.get_type(self.0));
            match typed {
                Ok(_) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(RuleError {
                    position: position(part.span()),
                    ..unsupported(part, &error).unwrap_or_else(|| unfit(&error, Some(self.0)))
                }),
            }
        }
    }
    match expr.visit(&mut Parts(columns)) {
        ControlFlow::Break(found) => found,
        ControlFlow::Continue(()) => unfit(&error, Some(columns)),
    }
}

/// The error of a part that DataFusion could plan and this program gives it no means for: its own words are of its code.
fn unsupported(part: &ast::Expr, error: &DataFusionError) -> Option<RuleError> {
    const OURS: [&str; 2] = ["not supported by ExprPlanner", "Unsupported ast node"];
    match error {
        DataFusionError::Diagnostic(_, source) | DataFusionError::Context(_, source) => {
            unsupported(part, source)
        }
        DataFusionError::NotImplemented(message) => {
            OURS.iter()
                .any(|ours| message.contains(ours))
                .then(|| match part {
                    ast::Expr::CompoundFieldAccess { .. } => RuleError::new(
                        Fault::Type,
                        None,
                        format!("{part} is an element of a list, which a rule does not read"),
                        "write a column of numbers, texts, times or booleans",
                    ),
                    _ => RuleError::new(
                        Fault::Type,
                        None,
                        format!("{part} is nothing that a rule can compute"),
                        "write one of the operators and functions that the documentation of rules names",
                    ),
                })
        }
        _ => None,
    }
}

/// The regular expression that an error of its parser shows, and what is wrong with it.
fn pattern(message: &str) -> Option<String> {
    let (_, shown) = message.split_once("regex parse error:")?;
    let cause = shown
        .lines()
        .find_map(|line| line.strip_prefix("error: "))?;
    // A pattern of several lines is shown with their numbers, between rules.
    let pattern = shown.lines().nth(1).unwrap_or_default().trim();
    Some(match pattern.starts_with("~~~") {
        true => format!("the pattern is no regular expression: {cause}"),
        false => format!("the pattern {pattern} is no regular expression: {cause}"),
    })
}

/// An error of planning in our words. It speaks of names and types, never of values of rows.
fn unfit(error: &DataFusionError, columns: Option<&DFSchema>) -> RuleError {
    match error {
        DataFusionError::Diagnostic(_, source) | DataFusionError::Context(_, source) => {
            unfit(source, columns)
        }
        DataFusionError::Collection(errors) if !errors.is_empty() => unfit(&errors[0], columns),
        DataFusionError::SchemaError(source, _) => match source.as_ref() {
            SchemaError::FieldNotFound { field, .. } => {
                let names = columns.iter().flat_map(|columns| columns.fields().iter());
                let near = nearest(&field.name, names.map(|field| field.name().as_str()));
                let found = format!("the source has no column {}", field.name);
                RuleError::new(Fault::Column, None, found, &advice(near))
            }
            other => RuleError::new(
                Fault::Column,
                None,
                other.to_string(),
                "write a column that the source has once",
            ),
        },
        DataFusionError::ArrowError(source, _)
            if matches!(source.as_ref(), ArrowError::ArithmeticOverflow(_)) =>
        {
            RuleError::new(
                Fault::Type,
                None,
                "its constants give a number beyond their type",
                "write one of them with a point, such as 86400.0, or smaller ones",
            )
        }
        DataFusionError::ArrowError(source, _)
            if matches!(source.as_ref(), ArrowError::DivideByZero) =>
        {
            RuleError::new(
                Fault::Type,
                None,
                "its constants give a division by zero",
                "write another divisor",
            )
        }
        other => {
            let message = other.message();
            if let Some(found) = pattern(&message) {
                let write = "write one, with \\ before a character that stands for itself";
                return RuleError::new(Fault::Type, None, found, write);
            }
            let first = message.lines().next().unwrap_or_default().trim();
            RuleError::new(
                Fault::Type,
                None,
                first,
                "write operands and arguments whose types fit, or cast them: cast(x as double)",
            )
        }
    }
}
