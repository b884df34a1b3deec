//! The functions that a rule may call: DataFusion's scalar functions that give the same answer for the same input, its
//! aggregates whose memory is bounded, and `previous`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::compute::try_binary;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, TableReference, internal_err, plan_err};
use datafusion_expr::planner::{ContextProvider, ExprPlanner};
use datafusion_expr::{
    AggregateUDF, ColumnarValue, HigherOrderUDF, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, TableSource, Volatility, WindowUDF,
};
use datafusion_functions::utils::make_scalar_function;

use crate::names::nearest;

/// The function that gives an aggregate's value in the window before.
pub const PREVIOUS: &str = "previous";

/// Aggregates that need the same memory however many rows there are. `median`, `percentile_cont`, `array_agg` and
/// `string_agg` keep every value; `first_value` and its like depend on the order of rows, which no source promises.
const BOUNDED: [&str; 17] = [
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "max",
    "min",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
];

/// What a name is to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A function of values of one row.
    Scalar,
    /// A function whose answer depends on when or how often it is asked.
    Unstable,
    /// A function of all rows, with bounded memory.
    Aggregate,
    /// A function of all rows that a rule may not have.
    Unbounded,
    /// The value in the window before.
    Previous,
    /// None that there is.
    Unknown,
}

/// All of them.
pub struct Functions {
    scalars: HashMap<String, Arc<ScalarUDF>>,
    aggregates: HashMap<String, Arc<AggregateUDF>>,
    quotient: Arc<ScalarUDF>,
    planners: Vec<Arc<dyn ExprPlanner>>,
    options: ConfigOptions,
}

/// All of them, made once.
pub fn functions() -> &'static Functions {
    static FUNCTIONS: LazyLock<Functions> = LazyLock::new(Functions::new);
    &FUNCTIONS
}

impl Functions {
    fn new() -> Self {
        let previous = Arc::new(ScalarUDF::from(Previous::new()));
        let scalars = datafusion_functions::all_default_functions();
        let scalars = scalars.into_iter().chain([previous]).flat_map(|function| {
            let names = function.aliases().to_vec();
            let names = names.into_iter().chain([function.name().to_owned()]);
            names
                .map(|name| (name, function.clone()))
                .collect::<Vec<_>>()
        });
        let aggregates = datafusion_functions_aggregate::all_default_aggregate_functions();
        let aggregates = aggregates.into_iter().flat_map(|function| {
            let names = function.aliases().to_vec();
            let names = names.into_iter().chain([function.name().to_owned()]);
            names
                .map(|name| (name, function.clone()))
                .collect::<Vec<_>>()
        });
        Self {
            scalars: scalars.collect(),
            aggregates: aggregates.collect(),
            quotient: Arc::new(ScalarUDF::from(Quotient::new())),
            planners: vec![
                Arc::new(datafusion_functions::core::planner::CoreFunctionPlanner::default()),
                Arc::new(datafusion_functions::datetime::planner::DatetimeFunctionPlanner),
                Arc::new(datafusion_functions::unicode::planner::UnicodeFunctionPlanner),
                Arc::new(datafusion_functions_aggregate::planner::AggregateFunctionPlanner),
            ],
            options: ConfigOptions::new(),
        }
    }

    /// What a lower-case name is.
    pub fn role(&self, name: &str) -> Role {
        if name == PREVIOUS {
            return Role::Previous;
        }
        if let Some(function) = self.aggregates.get(name) {
            return match BOUNDED.contains(&function.name()) {
                true => Role::Aggregate,
                false => Role::Unbounded,
            };
        }
        match self.scalars.get(name) {
            Some(function) if function.signature().volatility == Volatility::Immutable => {
                Role::Scalar
            }
            Some(_) => Role::Unstable,
            None => Role::Unknown,
        }
    }

    /// The division of two whole numbers, both as doubles. It has no name by which a rule can call it.
    pub fn quotient(&self) -> Arc<ScalarUDF> {
        self.quotient.clone()
    }

    /// A name that is nearly this one.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let scalars = self.scalars.keys().map(String::as_str);
        let names = scalars
            .chain(BOUNDED)
            .filter(|known| self.may_be_called(known));
        nearest(name, names)
    }

    fn may_be_called(&self, name: &str) -> bool {
        matches!(
            self.role(name),
            Role::Scalar | Role::Aggregate | Role::Previous
        )
    }
}

impl ContextProvider for Functions {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        plan_err!("there is no table {name}: a rule has the rows of one window")
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scalars.get(name).cloned()
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.aggregates.get(name).cloned()
    }

    fn get_window_meta(&self, _: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        self.scalars.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.aggregates.keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// `previous(x)` has the type of `x`. It is never called: planning puts the values of the window before in its place.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Previous {
    signature: Signature,
}

impl Previous {
    fn new() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Previous {
    fn name(&self) -> &str {
        PREVIOUS
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [argument] => Ok(argument.clone()),
            _ => plan_err!("{PREVIOUS} has one argument"),
        }
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{PREVIOUS} is no function of a row")
    }
}

/// `a / b` of whole numbers that were cast to doubles: what is behind the point is kept, and a division by zero is an error, as
/// it is of whole numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Quotient {
    signature: Signature,
}

impl Quotient {
    fn new() -> Self {
        let numbers = vec![DataType::Float64, DataType::Float64];
        Self {
            signature: Signature::exact(numbers, Volatility::Immutable),
        }
    }

    fn divide(sides: &[ArrayRef]) -> Result<ArrayRef> {
        let [numerators, divisors] = sides else {
            return plan_err!("a quotient has two sides");
        };
        let sides = (
            numerators.as_primitive::<Float64Type>(),
            divisors.as_primitive::<Float64Type>(),
        );
        let quotients: Float64Array = try_binary(sides.0, sides.1, |numerator, divisor| {
            if divisor == 0.0 {
                return Err(ArrowError::DivideByZero);
            }
            Ok(numerator / divisor)
        })?;
        Ok(Arc::new(quotients))
    }
}

impl ScalarUDFImpl for Quotient {
    fn name(&self) -> &str {
        "quotient of whole numbers"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        make_scalar_function(Self::divide, Vec::new())(&arguments.args)
    }
}
