//! The functions that expressions can call: every scalar and higher-order function of the library
//! that means something for one record, found by lowercase name.
//!
//! The registry is built once per process, so that compiling stays cheap.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, TableReference, plan_err};
use datafusion_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use datafusion_functions::core::planner::CoreFunctionPlanner;
use datafusion_functions::datetime::planner::DatetimeFunctionPlanner;
use datafusion_functions::unicode::planner::UnicodeFunctionPlanner;
use datafusion_functions_nested::planner::{FieldAccessPlanner, NestedFunctionPlanner};
use datafusion_sql::sqlparser::ast::DataType as SqlType;

use crate::types;

/// Functions of the library that speak of files, versions or the memory layout of its engine.
const HIDDEN: [&str; 8] = [
    "arrow_field",
    "arrow_metadata",
    "file_row_index",
    "input_file_name",
    "union_extract",
    "union_tag",
    "version",
    "with_metadata",
];

/// Names that are functions over many records. They are known so that they can be refused well.
const AGGREGATES: [&str; 22] = [
    "approx_distinct",
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "first_value",
    "grouping",
    "lag",
    "last_value",
    "lead",
    "max",
    "mean",
    "median",
    "min",
    "rank",
    "row_number",
    "stddev",
    "string_agg",
    "sum",
    "var",
];

pub(crate) static FUNCTIONS: LazyLock<Functions> = LazyLock::new(Functions::new);

#[derive(Debug)]
pub(crate) struct Functions {
    scalar: BTreeMap<String, Arc<ScalarUDF>>,
    higher_order: BTreeMap<String, Arc<HigherOrderUDF>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
    types: Arc<dyn TypePlanner>,
    pub(crate) options: Arc<ConfigOptions>,
}

impl Functions {
    fn new() -> Self {
        let mut scalar = BTreeMap::new();
        let all = datafusion_functions::all_default_functions().into_iter();
        for udf in all.chain(datafusion_functions_nested::all_default_nested_functions()) {
            for name in udf.aliases() {
                scalar.insert(name.to_lowercase(), Arc::clone(&udf));
            }
            scalar.insert(udf.name().to_lowercase(), udf);
        }
        for name in HIDDEN {
            scalar.remove(name);
        }
        let mut higher_order = BTreeMap::new();
        for udf in datafusion_functions_nested::all_default_higher_order_functions() {
            for name in udf.aliases() {
                higher_order.insert(name.to_lowercase(), Arc::clone(&udf));
            }
            higher_order.insert(udf.name().to_lowercase(), udf);
        }
        Self {
            scalar,
            higher_order,
            planners: vec![
                Arc::new(CoreFunctionPlanner::default()),
                Arc::new(NestedFunctionPlanner),
                Arc::new(FieldAccessPlanner),
                Arc::new(DatetimeFunctionPlanner),
                Arc::new(UnicodeFunctionPlanner),
            ],
            types: Arc::new(Types),
            options: Arc::new(ConfigOptions::default()),
        }
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        // `make_map` has no function of its own: the planner writes it as `map`.
        self.scalar.contains_key(name) || self.higher_order.contains_key(name) || name == "make_map"
    }

    pub(crate) fn is_aggregate(name: &str) -> bool {
        AGGREGATES.contains(&name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.scalar.keys().chain(self.higher_order.keys()).map(String::as_str)
    }
}

impl ContextProvider for Functions {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        plan_err!("there are no tables in an expression, so there is no {name}")
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::clone(&self.types))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scalar.get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.higher_order.get(name).cloned()
    }

    fn get_aggregate_meta(&self, _name: &str) -> Option<Arc<AggregateUDF>> {
        None
    }

    fn get_window_meta(&self, _name: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        self.scalar.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.higher_order.keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Lets `CAST` take the type names of this product.
#[derive(Debug)]
struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        Ok(types::named(sql_type).map(|it| Arc::new(Field::new("cast", it, true))))
    }
}
