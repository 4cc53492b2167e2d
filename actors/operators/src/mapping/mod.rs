//! Mapping: computed, renamed, dropped and nested fields, in one stage.
//!
//! A record for which an expression has no value (a text that is no number) is refused; the other
//! records of its batch go on. It does not change the number or order of records otherwise.

mod config;
mod plan;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use schemars::{Schema, schema_for};
use serde_json::Value;
use weir_domain::{Clock, Fault, Finding, Place, PortName, Timestamp};
use weir_expr::Expression;
use weir_stream::{
    Batch, BuildContext, BuiltOperator, Checked, ConfigError, Operator, OperatorKind, Outputs,
    SecretUse, decode_config,
};

pub use config::{MappingConfig, Mode};
use plan::{MappingPlan, Set, Step, apply, plan, wrong};
use table::{Table, Wrong};

use crate::expression::{Failed, finding};
use crate::path::FieldPath;

/// The kind `mapping`.
pub struct MappingKind;

impl OperatorKind for MappingKind {
    fn name(&self) -> &'static str {
        "mapping"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(MappingConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<MappingConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::InLiterals
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let Ok(config) = decode_config::<MappingConfig>(config) else { return Checked::default() };
        let mut findings = own_findings(&config);
        let schema = match input {
            None => {
                findings.extend(syntax_findings(&config));
                None
            }
            Some(input) => match plan(&config, input) {
                Ok(plan) => Some(plan.output),
                Err(found) => {
                    findings.extend(found);
                    None
                }
            },
        };
        Checked { outputs: vec![(PortName::out(), schema)], findings, ..Checked::default() }
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let unfit = |it: String| Fault::config(3150, format!("stage {}: {it}", cx.stage));
        let config: MappingConfig = decode_config(config).map_err(|it| unfit(it.to_string()))?;
        let plan = plan(&config, input).map_err(|found| {
            let first =
                found.first().map_or_else(String::new, |it| format!("{}: {}", it.path, it.cause));
            let fault = unfit(first);
            match found.first() {
                Some(it) if !it.fix.is_empty() => fault.with_hint(it.fix.clone()),
                _ => fault,
            }
        })?;
        let outputs = vec![(PortName::out(), Arc::clone(&plan.output))];
        let operator = MappingOperator { plan, clock: Arc::clone(&cx.clock) };
        Ok(BuiltOperator { operator: Box::new(operator), outputs })
    }
}

/// What is wrong whatever the schema is.
fn own_findings(config: &MappingConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.mode == Mode::Extend && !config.keep.is_empty() {
        let cause = "keep has no meaning with mode: extend, which keeps all fields";
        findings.push(wrong(2138, "keep", cause).with_fix("set mode: select, or remove keep"));
    }
    let empty = config.rename.is_empty() && config.set.is_empty() && config.drop.is_empty();
    if empty && config.mode == Mode::Extend && config.keep.is_empty() {
        let finding = Finding::warning(2139, Place::default(), "", "the mapping changes nothing");
        findings.push(finding.with_fix("add set, rename or drop, or remove the stage"));
    }
    findings
}

/// What can be said of a mapping while nobody knows the fields that reach it.
fn syntax_findings(config: &MappingConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in config.set.iter() {
        let key = format!("set.{name}");
        if let Err(cause) = FieldPath::parse(name) {
            findings.push(wrong(2135, &key, cause));
        }
        if let Err(error) = Expression::check_syntax(&text.0) {
            findings.push(finding(&key, &error));
        }
    }
    findings
}

struct MappingOperator {
    plan: MappingPlan,
    clock: Arc<dyn Clock>,
}

impl Operator for MappingOperator {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        let mut failed = Failed::default();
        let mapped = self.map(&batch, &mut failed).map_err(|it| unplanned(&it))?;
        let mapped = batch.with_records(mapped);
        if failed.is_empty() {
            out.emit(0, mapped);
            return Ok(());
        }
        for (row, reason) in failed.iter() {
            out.refuse(&batch, row, reason);
        }
        let good: BooleanArray = (0..batch.rows()).map(|row| Some(!failed.has(row))).collect();
        out.emit(0, mapped.filter(&good).map_err(|it| unplanned(&it.into()))?);
        Ok(())
    }
}

impl MappingOperator {
    fn map(&self, batch: &Batch, failed: &mut Failed) -> Result<RecordBatch, Wrong> {
        let now = self.clock.now();
        let mut table = Table::of(&batch.records);
        for step in &self.plan.steps {
            match step {
                Step::Set(set) => compute(set, &mut table, batch.rows(), now, failed)?,
                it => apply(it, &mut table)?,
            }
        }
        Ok(records(&self.plan.output, table.into_arrays(), batch.rows())?)
    }
}

fn compute(
    set: &Set,
    table: &mut Table,
    rows: usize,
    now: Timestamp,
    failed: &mut Failed,
) -> Result<(), Wrong> {
    let input = records(&set.input, table.arrays().to_vec(), rows)?;
    let computed = set.expression.evaluate_isolating(&input, now);
    for failure in computed.failures {
        failed.add(failure, &set.target.to_string());
    }
    table.set(set.target.parts(), &set.field, computed.values)
}

fn records(
    schema: &SchemaRef,
    columns: Vec<arrow::array::ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

/// A batch that is not of the schema that the mapping was built for.
fn unplanned(error: &Wrong) -> Fault {
    Fault::data(3151, format!("a batch does not fit the mapping's input: {error}"))
}
