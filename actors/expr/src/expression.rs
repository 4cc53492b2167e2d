//! A compiled expression and its evaluation: one value per record, or a reason per record.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, TimestampNanosecondArray, new_null_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use weir_domain::Timestamp;

use crate::compile::{Compiled, check_syntax, compile, with_now};
use crate::message::plain_message;
use crate::types::plain;
use crate::{EvalError, ExprError};

/// An expression bound to a schema. Batches that it is given have that schema; columns appended
/// behind do no harm.
pub struct Expression {
    text: String,
    compiled: Compiled,
    data_type: DataType,
}

/// One record that an expression has no value for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub row: usize,
    pub reason: String,
}

/// The values of all records that have one. Where a record failed, the value is null.
#[derive(Debug)]
pub struct Isolated {
    /// As long as the batch.
    pub values: ArrayRef,
    /// In order of rows, each row at most once.
    pub failures: Vec<Failure>,
}

impl Expression {
    /// Parses one SQL expression and binds it to the schema.
    pub fn compile(text: &str, schema: &SchemaRef) -> Result<Self, ExprError> {
        let compiled = compile(text, schema)?;
        let data_type = plain(&compiled.data_type);
        Ok(Self { text: text.to_owned(), compiled, data_type })
    }

    /// All that can be said of an expression before its fields are known.
    pub fn check_syntax(text: &str) -> Result<(), ExprError> {
        check_syntax(text)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Whether a record without failure may have a null value.
    pub fn nullable(&self) -> bool {
        self.compiled.nullable
    }

    /// The top-level fields that it refers to, in order of first use.
    pub fn columns(&self) -> Vec<String> {
        self.compiled.columns.clone()
    }

    /// The field's name, if the expression is one field and nothing else.
    pub fn plain_column(&self) -> Option<&str> {
        self.compiled.plain_column.as_deref()
    }

    /// One value per row. `now()` is the time given, in every row and place of the expression.
    pub fn evaluate(&self, batch: &RecordBatch, now: Timestamp) -> Result<ArrayRef, EvalError> {
        match self.compiled.now_column {
            None => self.values(batch),
            Some(at) => self.values(&batch_with_now(batch, at, now)?),
        }
    }

    /// As [`Self::evaluate`], but records that fail do not take the others with them.
    ///
    /// The batch is evaluated as a whole first; only if that fails it is halved until the bad
    /// records stand alone. A batch of good records costs nothing extra.
    pub fn evaluate_isolating(&self, batch: &RecordBatch, now: Timestamp) -> Isolated {
        let whole = match self.compiled.now_column {
            None => Ok(batch.clone()),
            Some(at) => batch_with_now(batch, at, now),
        };
        let mut parts = Vec::new();
        let mut failures = Vec::new();
        let rows = batch.num_rows();
        match whole {
            Ok(batch) => self.halve(&batch, 0, &mut parts, &mut failures),
            Err(error) => self.fail_all(0, rows, &error, &mut parts, &mut failures),
        }
        let joined = match parts.as_slice() {
            [] => Ok(new_null_array(&self.data_type, 0)),
            [only] => Ok(Arc::clone(only)),
            many => concat(&many.iter().map(|it| &**it).collect::<Vec<_>>()),
        };
        let values = joined.unwrap_or_else(|error| {
            // Offsets of one array ran over: the values exist, but not in one batch.
            failures.clear();
            parts.clear();
            let error = EvalError::new(error.to_string().to_lowercase());
            self.fail_all(0, rows, &error, &mut parts, &mut failures);
            new_null_array(&self.data_type, rows)
        });
        Isolated { values, failures }
    }

    fn halve(
        &self,
        batch: &RecordBatch,
        offset: usize,
        parts: &mut Vec<ArrayRef>,
        failures: &mut Vec<Failure>,
    ) {
        let rows = batch.num_rows();
        match self.values(batch) {
            Ok(values) => parts.push(values),
            Err(error) if rows <= 1 => self.fail_all(offset, rows, &error, parts, failures),
            Err(_) => {
                let middle = rows / 2;
                self.halve(&batch.slice(0, middle), offset, parts, failures);
                self.halve(&batch.slice(middle, rows - middle), offset + middle, parts, failures);
            }
        }
    }

    fn fail_all(
        &self,
        offset: usize,
        rows: usize,
        error: &EvalError,
        parts: &mut Vec<ArrayRef>,
        failures: &mut Vec<Failure>,
    ) {
        parts.push(new_null_array(&self.data_type, rows));
        let failed = offset..offset + rows;
        failures.extend(failed.map(|row| Failure { row, reason: error.message.clone() }));
    }

    fn values(&self, batch: &RecordBatch) -> Result<ArrayRef, EvalError> {
        // A kernel that panics on a strange value fails that record, as an error would.
        let caught = catch_unwind(AssertUnwindSafe(|| self.compiled.physical.evaluate(batch)));
        let value = match caught {
            Ok(value) => value.map_err(|it| EvalError::new(plain_message(&it)))?,
            Err(_) => return Err(EvalError::new("the expression can't be computed")),
        };
        let array =
            value.into_array(batch.num_rows()).map_err(|it| EvalError::new(plain_message(&it)))?;
        if *array.data_type() == self.data_type {
            return Ok(array);
        }
        cast(&array, &self.data_type).map_err(|it| EvalError::new(it.to_string().to_lowercase()))
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expression")
            .field("text", &self.text)
            .field("data_type", &self.data_type)
            .finish_non_exhaustive()
    }
}

/// The batch as the physical expression was bound: the time stands at `at`, nothing behind it.
fn batch_with_now(
    batch: &RecordBatch,
    at: usize,
    now: Timestamp,
) -> Result<RecordBatch, EvalError> {
    let message = |it: ArrowError| EvalError::new(it.to_string().to_lowercase());
    let nanos = now.0.checked_mul(1_000_000).ok_or_else(|| {
        EvalError::new(format!("the time {now} has no representation in nanoseconds"))
    })?;
    let batch = batch.project(&(0..at).collect::<Vec<_>>()).map_err(message)?;
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(TimestampNanosecondArray::from_value(nanos, batch.num_rows())));
    RecordBatch::try_new(with_now(batch.schema_ref()), columns).map_err(message)
}
