//! An expression that is a condition. Null is not a match: what is unknown is not true.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::prep_null_mask_filter;
use arrow::datatypes::{DataType, SchemaRef};
use weir_domain::Timestamp;

use crate::{EvalError, ExprError, Expression, Failure};
use weir_records::type_name;

#[derive(Debug)]
pub struct Predicate(Expression);

/// Which records match. A record that failed does not match and is listed.
#[derive(Debug)]
pub struct IsolatedMatches {
    /// As long as the batch, without nulls.
    pub matches: BooleanArray,
    pub failures: Vec<Failure>,
}

impl Predicate {
    pub fn compile(text: &str, schema: &SchemaRef) -> Result<Self, ExprError> {
        let expression = Expression::compile(text, schema)?;
        if *expression.data_type() == DataType::Boolean {
            return Ok(Self(expression));
        }
        let found = type_name(expression.data_type());
        let error = ExprError::of_type(format!("a condition must be boolean, this is {found}"));
        Err(error.with_fix("compare it with something, for instance … = 'x' or … > 0"))
    }

    pub fn expression(&self) -> &Expression {
        &self.0
    }

    /// True where the condition holds; never null. `now()` is the time given.
    pub fn matches(&self, batch: &RecordBatch, now: Timestamp) -> Result<BooleanArray, EvalError> {
        Ok(without_nulls(self.0.evaluate(batch, now)?.as_boolean()))
    }

    /// As [`Self::matches`], but records that fail do not take the others with them.
    pub fn matches_isolating(&self, batch: &RecordBatch, now: Timestamp) -> IsolatedMatches {
        let isolated = self.0.evaluate_isolating(batch, now);
        IsolatedMatches {
            matches: without_nulls(isolated.values.as_boolean()),
            failures: isolated.failures,
        }
    }
}

fn without_nulls(array: &BooleanArray) -> BooleanArray {
    if array.null_count() == 0 { array.clone() } else { prep_null_mask_filter(array) }
}
