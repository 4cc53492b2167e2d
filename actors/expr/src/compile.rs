//! Text to physical expression, step by step. Each step has its own errors; this file only puts
//! them in order and bridges to the library.

use std::sync::Arc;
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion_common::{DFSchema, DataFusionError};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::simplify::SimplifyContext;
use datafusion_expr::{ColumnarValue, Expr, ExprSchemable, Operator};
use datafusion_optimizer::simplify_expressions::ExprSimplifier;
use datafusion_physical_expr::expressions::{BinaryExpr, Column};
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};

use crate::functions::FUNCTIONS;
use crate::message::plain_message;
use crate::resolve::{NOW, resolve};
use crate::{ExprError, check, parse};

/// Longest text that is looked at, in bytes.
const TEXT_MAX: usize = 64 << 10;

pub(crate) struct Compiled {
    pub(crate) physical: Arc<dyn PhysicalExpr>,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    pub(crate) columns: Vec<String>,
    /// The field that the expression is, if it is nothing but one.
    pub(crate) plain_column: Option<String>,
    /// How many columns the schema had, if the time of evaluation is a further one.
    pub(crate) now_column: Option<usize>,
}

/// The library recurses with large frames. A chain of operators that is evaluated in a part of a
/// worker's stack needs several times as much while it is planned.
const STACK_BYTES: usize = 64 << 20;

/// Runs [`steps`] on a stack of its own. A panic of the library becomes an error there, too.
pub(crate) fn compile(text: &str, schema: &SchemaRef) -> Result<Compiled, ExprError> {
    on_own_stack(text, || steps(text, schema))
}

/// Syntax and functions, while the fields are not known yet.
pub(crate) fn check_syntax(text: &str) -> Result<(), ExprError> {
    on_own_stack(text, || {
        let mut syntax = parse::parse(text)?;
        resolve(&mut syntax, None).map(|_| ())
    })
}

fn on_own_stack<T: Send>(
    text: &str,
    work: impl FnOnce() -> Result<T, ExprError> + Send,
) -> Result<T, ExprError> {
    if text.len() > TEXT_MAX {
        let message = format!("the expression has {} bytes, more than {TEXT_MAX}", text.len());
        return Err(ExprError::other(message).with_fix("split it over several fields"));
    }
    let broken = |why: &str| ExprError::other(format!("the expression can't be compiled: {why}"));
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("expr-compile".into()).stack_size(STACK_BYTES);
        let compiling = builder.spawn_scoped(scope, work);
        let compiling = compiling.map_err(|it| broken(&format!("no thread for it ({it})")))?;
        compiling.join().unwrap_or_else(|_| Err(broken("it breaks the planner")))
    })
}

fn steps(text: &str, schema: &SchemaRef) -> Result<Compiled, ExprError> {
    let mut syntax = parse::parse(text)?;
    let names = resolve(&mut syntax, Some(schema))?;
    let schema = if names.uses_now { with_now(schema) } else { Arc::clone(schema) };
    let schema = Arc::new(DFSchema::try_from(schema).map_err(|it| library(&it))?);

    let options = ParserOptions::new()
        .with_enable_ident_normalization(false)
        .with_map_string_types_to_utf8view(false)
        .with_collect_spans(true);
    let planner = SqlToRel::new_with_options(&*FUNCTIONS, options);
    let mut context = PlannerContext::new();
    let planned = planner.sql_to_expr(syntax, &schema, &mut context).map_err(|it| library(&it))?;
    check::check(&planned, &schema, &names)?;

    let context = SimplifyContext::builder()
        .with_schema(Arc::clone(&schema))
        .with_config_options(Arc::clone(&FUNCTIONS.options))
        .build();
    let simplifier = ExprSimplifier::new(context);
    let planned = planned.unalias_nested().data;
    let coerced = simplifier.coerce(planned, &schema).map_err(|it| library(&it))?;
    let folded = fold_checked(coerced)?;
    let simple = simplifier.simplify(folded).map_err(|it| library(&it))?;
    let physical = physical(&simple, &schema).map_err(|it| library(&it))?;

    let data_type = physical.data_type(schema.as_arrow()).map_err(|it| library(&it))?;
    if data_type == DataType::Null {
        return Err(ExprError::of_type("the expression is always null and has no type")
            .with_fix("give it one, for instance CAST(NULL AS STRING)"));
    }
    Ok(Compiled {
        nullable: physical.nullable(schema.as_arrow()).unwrap_or(true),
        plain_column: physical.downcast_ref::<Column>().map(|it| it.name().to_owned()),
        physical,
        data_type,
        columns: names.columns,
        now_column: names.uses_now.then(|| schema.fields().len() - 1),
    })
}

pub(crate) fn now_type() -> DataType {
    check::TIMESTAMP
}

/// The schema that physical expressions are bound to when they ask for the time.
pub(crate) fn with_now(schema: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(NOW, now_type(), false)));
    Arc::new(Schema::new(fields))
}

fn physical(expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let mut props = ExecutionProps::new();
    props.config_options = Some(Arc::<ConfigOptions>::clone(&FUNCTIONS.options));
    let expr = create_physical_expr(expr, schema, &props, &PhysicalPlanningContext::default())?;
    // The library's arithmetic wraps around unless it is told not to.
    expr.transform_up(|it| {
        Ok(match it.downcast_ref::<BinaryExpr>() {
            Some(binary) if is_arithmetic(*binary.op()) => {
                Transformed::yes(Arc::new(binary.clone().with_fail_on_overflow(true)) as _)
            }
            _ => Transformed::no(it),
        })
    })
    .data()
}

/// Computes what consists of constants alone, before the simplifier does it with wrapping. What
/// fails here would fail for every record, so it is refused before the first one.
fn fold_checked(expr: Expr) -> Result<Expr, ExprError> {
    let folded = expr.transform_up(|it| {
        let is_constant = match &it {
            Expr::BinaryExpr(binary) if is_arithmetic(binary.op) => {
                is_literal(&binary.left) && is_literal(&binary.right)
            }
            Expr::Cast(cast) => is_literal(&cast.expr),
            _ => false,
        };
        if is_constant { constant(&it).map(Transformed::yes) } else { Ok(Transformed::no(it)) }
    });
    folded.data().map_err(|it| library(&it))
}

fn is_arithmetic(op: Operator) -> bool {
    matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply)
}

fn is_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(..))
}

fn constant(expr: &Expr) -> Result<Expr, DataFusionError> {
    let schema = DFSchema::empty();
    let batch = RecordBatch::new_empty(Arc::new(Schema::empty()));
    let data_type = expr.get_type(&schema)?;
    match physical(expr, &schema)?.evaluate(&batch)? {
        ColumnarValue::Scalar(value) => Ok(Expr::Literal(value.cast_to(&data_type)?, None)),
        ColumnarValue::Array(_) => Ok(expr.clone()),
    }
}

fn library(error: &DataFusionError) -> ExprError {
    let message = plain_message(error);
    match error.find_root() {
        DataFusionError::NotImplemented(_) => ExprError::other(message),
        DataFusionError::SQL(..) => ExprError::syntax(message),
        _ => ExprError::of_type(message),
    }
}
