//! An expression over the columns of a source: types checked and fitted, constants computed, aggregates taken out.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use crds::valid::Over;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, DFSchema, DataFusionError, SchemaError};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::simplify::SimplifyContext;
use datafusion_expr::{Expr, ExprSchemable};
use datafusion_optimizer::simplify_expressions::ExprSimplifier;
use datafusion_physical_expr::aggregate::{AggregateFunctionExpr, LoweredAggregateBuilder};
use datafusion_physical_expr::expressions::BinaryExpr;
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion_sql::sqlparser::ast::{self, Spanned, Visit, Visitor};

use super::expression::{Expression, position};
use super::functions::{PREVIOUS, functions, nearest};
use super::{Fault, RuleError};

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
    /// What it computes, in words that are the same whenever it is planned.
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
    let physical = match expression.over() {
        Over::Rows => create_physical_expr(
            &logical,
            &columns,
            &ExecutionProps::new(),
            &PhysicalPlanningContext::default(),
        )
        .and_then(checked)
        .map(Plan::Rows),
        Over::Window => window(logical, &columns).map(|plan| Plan::Window(Arc::new(plan))),
    };
    physical.map_err(|error| unfit(&error, None))
}

type Planned<T> = Result<T, DataFusionError>;

/// The expression with all names resolved, types fitted and constants computed.
fn logical(expr: &ast::Expr, columns: &DFSchema) -> Planned<Expr> {
    // Names of columns are exact, as everywhere in a manifest.
    let options = ParserOptions::new().with_enable_ident_normalization(false);
    let planner = SqlToRel::new_with_options(functions(), options);
    let expr = planner.sql_to_expr(expr.clone(), columns, &mut PlannerContext::new())?;
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(columns.clone()))
        .build();
    let simplifier = ExprSimplifier::new(context);
    let fitted = simplifier.coerce(expr, columns)?;
    simplifier.simplify(fitted)
}

fn window(logical: Expr, columns: &DFSchema) -> Planned<WindowPlan> {
    let mut lifted = Lifted::default();
    let holds = lifted.lift(logical, Side::Now)?;
    let (props, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
    let mut aggregates = Vec::new();
    let mut fields = Vec::new();
    for (expr, looked_back) in &lifted.aggregates {
        let lowered =
            LoweredAggregateBuilder::new(expr, columns, columns.as_arrow(), &props, &planning)
                .build()?;
        fields.push(lowered.aggregate.field().data_type().clone());
        aggregates.push(Aggregate {
            text: expr.schema_name().to_string(),
            arguments: (lowered.aggregate.expressions().into_iter())
                .map(checked)
                .collect::<Planned<_>>()?,
            function: lowered.aggregate,
            filter: lowered.filter.map(checked).transpose()?,
            looked_back: *looked_back,
        });
    }
    let of = |side: Side| {
        let fields = fields.iter().enumerate();
        fields.map(move |(i, data_type)| Field::new(side.name(i), data_type.clone(), true))
    };
    let schema = Arc::new(Schema::new(
        of(Side::Now).chain(of(Side::Before)).collect::<Vec<_>>(),
    ));
    let values = DFSchema::try_from(schema.as_ref().clone())?;
    Ok(WindowPlan {
        aggregates,
        holds: checked(create_physical_expr(&holds, &values, &props, &planning)?)?,
        schema,
    })
}

/// The expression with arithmetic that fails beyond a type's range, where DataFusion's own goes on from the other end.
fn checked(expr: Arc<dyn PhysicalExpr>) -> Planned<Arc<dyn PhysicalExpr>> {
    let checked = expr.transform_up(|part| {
        let binary = part.downcast_ref::<BinaryExpr>().cloned();
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
                    ..unfit(&error, Some(self.0))
                }),
            }
        }
    }
    match expr.visit(&mut Parts(columns)) {
        ControlFlow::Break(found) => found,
        ControlFlow::Continue(()) => unfit(&error, Some(columns)),
    }
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
                let write = match near {
                    Some(near) => format!("write {near}, if that is meant"),
                    None => "write a column that the source has, by its exact name".to_owned(),
                };
                let found = format!("the source has no column {}", field.name);
                RuleError::new(Fault::Column, None, found, &write)
            }
            other => RuleError::new(
                Fault::Column,
                None,
                other.to_string(),
                "write a column that the source has once",
            ),
        },
        other => {
            let message = other.message();
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
