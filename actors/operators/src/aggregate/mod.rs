//! Aggregate: running values for each key, appended to the records that bring it.
//!
//! A record that a value can't take (a sum becomes too large) is refused, and changes none of the
//! values. Everything else is taken in the order in which it comes, so that however records are cut
//! into batches and wherever a stream goes on from, the values are those of one run. What is
//! remembered is part of checkpoints. Each lane of a live workflow has values of its own, and so has
//! each stream over an item.

mod cell;
mod config;
mod fold;
mod memory;
mod plan;
mod scalar;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use schemars::{Schema, schema_for};
use serde_json::Value;
use weir_domain::{Clock, Fault, Finding, Place, PortName, TableName, Timestamp};
use weir_stream::state::{StateTable, TableKind, TableSpec};
use weir_stream::{
    Batch, BuildContext, BuiltOperator, Checked, ConfigError, Operator, OperatorKind, Outputs,
    SecretUse, decode_config,
};

use cell::{Cell, Foreign, Running};
pub use config::{AggregateConfig, Emit, Make, ValueConfig};
use fold::Fold;
use memory::Memory;
use plan::{AggregatePlan, plan, wrong};

use crate::groups::{Groups, NONE};
use crate::keys::{Keys, version};
use crate::remembered_types::RememberedTypes;

/// The kind `aggregate`.
pub struct AggregateKind;

/// Of the rows of the tables.
const VERSION: u32 = 1;

/// Names, time and what is emitted may change.
fn version_of(config: &AggregateConfig) -> u32 {
    let values = config.values.iter().map(|it| (it.make, it.field.as_deref()));
    version(VERSION, &(&config.key, values.collect::<Vec<_>>()))
}

fn running() -> TableName {
    TableName::new("running").expect("a valid name")
}

/// Of the value at this place.
fn distinct(at: usize) -> TableName {
    TableName::new(format!("distinct-{at}")).expect("a valid name")
}

impl OperatorKind for AggregateKind {
    fn name(&self) -> &'static str {
        "aggregate"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(AggregateConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<AggregateConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let mut checked = Checked { outputs: vec![(PortName::out(), None)], ..Checked::default() };
        let Ok(config) = decode_config::<AggregateConfig>(config) else { return checked };
        for (path, cause, fix) in wrong(&config, input) {
            let finding = Finding::error(2147, Place::default(), path, cause);
            checked.findings.push(finding.with_fix(fix));
        }
        let planned = input.and_then(|it| plan(&config, it, version_of(&config)).ok());
        checked.outputs = vec![(PortName::out(), planned.map(|it| it.output))];
        checked
    }

    fn tables(&self, config: &Value) -> BTreeMap<TableName, TableSpec> {
        let Ok(config) = decode_config::<AggregateConfig>(config) else { return BTreeMap::new() };
        let spec = |kind| TableSpec { kind, version: version_of(&config) };
        let values = config.values.iter().enumerate();
        let distinct = values
            .filter(|it| it.1.make == Make::CountDistinct)
            .map(|(at, _)| (distinct(at), spec(TableKind::MultiMap)));
        let types = RememberedTypes::spec(version_of(&config));
        distinct.chain([(running(), spec(TableKind::Map)), types]).collect()
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let unfit = |why: String| Fault::config(3155, format!("stage {}: {why}", cx.stage));
        let config: AggregateConfig = decode_config(config).map_err(|it| unfit(it.to_string()))?;
        let version = version_of(&config);
        let AggregatePlan { keys, folds, output } = plan(&config, input, version).map_err(unfit)?;
        let ttl = config.ttl.map(|it| i64::try_from(it.0).unwrap_or(i64::MAX));
        let fields = config.values.iter().filter_map(|it| it.field.as_deref());
        let fields = config.key.iter().map(String::as_str).chain(fields);
        let types = RememberedTypes::of(fields, input, version);
        let operator = Aggregate {
            keys,
            types,
            names: config.values.into_iter().map(|it| it.name).collect(),
            folds,
            emit: config.emit,
            output: Arc::clone(&output),
            clock: cx.clock.clone(),
            memory: Memory::new(version, ttl),
            groups: Groups::default(),
        };
        let outputs = vec![(PortName::out(), output)];
        Ok(BuiltOperator { operator: Box::new(operator), outputs })
    }
}

struct Aggregate {
    keys: Keys,
    types: RememberedTypes,
    /// Of the values.
    names: Vec<String>,
    folds: Vec<Box<dyn Fold>>,
    emit: Emit,
    output: SchemaRef,
    clock: Arc<dyn Clock>,
    memory: Memory,
    groups: Groups,
}

impl Operator for Aggregate {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        self.types.check()?;
        let Timestamp(now) = self.clock.now();
        for key in self.memory.forget(now) {
            self.folds.iter_mut().for_each(|it| it.forget(key));
        }
        self.groups.fill(&self.keys.hashes(&batch.records)?);
        self.load(now)?;
        self.folds.iter_mut().try_for_each(|it| it.enter(&batch.records))?;
        let taken = self.take(&batch, out);
        let emitted = self.emitted(batch, taken, out).map_err(|it| unfit(&it))?;
        self.store(now);
        out.emit(0, emitted);
        Ok(())
    }

    fn tables(&mut self) -> Vec<(TableName, &mut dyn StateTable)> {
        let folds = self.folds.iter_mut().enumerate();
        let mut tables: Vec<_> =
            folds.filter_map(|(at, it)| Some((distinct(at), it.table()?))).collect();
        tables.push((running(), &mut self.memory.keys));
        tables.push(self.types.table());
        tables
    }
}

impl Aggregate {
    /// Gives the folds what is remembered of the batch's keys.
    fn load(&mut self, now: i64) -> Result<(), Fault> {
        for key in &self.groups.keys {
            let running = self.memory.get(*key, now);
            for (at, fold) in self.folds.iter_mut().enumerate() {
                let cell = running.map(|it| it.cells.get(at).ok_or(Foreign)).transpose();
                cell.and_then(|cell| fold.load(*key, cell)).map_err(|it| {
                    let message = format!("the value {} can't go on: {it}", self.names[at]);
                    let hint = "give the field the type that it had; a workflow of another name begins anew";
                    Fault::config(3156, message).with_hint(hint)
                })?;
            }
        }
        Ok(())
    }

    /// Takes the records, and refuses those that some value can't take. Which were taken; nothing, if all.
    fn take(&mut self, batch: &Batch, out: &mut Outputs) -> Option<BooleanArray> {
        let write_each = self.emit == Emit::Each;
        let Groups { of_row, last, .. } = &mut self.groups;
        if self.folds.iter().all(|it| it.fits()) {
            self.folds.iter_mut().for_each(|it| it.run(of_row, write_each));
            of_row.iter().enumerate().for_each(|(row, it)| last[*it as usize] = row as u32);
            return None;
        }
        let mut taken = Vec::with_capacity(batch.rows());
        for (row, group) in of_row.iter().map(|it| *it as usize).enumerate() {
            let refusals = self.folds.iter().zip(&self.names);
            let refusal = refusals.filter_map(|(it, name)| Some((name, it.refusal(group, row)?)));
            if let Some((name, reason)) = { refusal }.next() {
                out.refuse(batch, row, format!("{name}: {reason}"));
                taken.push(false);
                continue;
            }
            for fold in &mut self.folds {
                fold.step(group, row);
                if write_each {
                    fold.write(group);
                }
            }
            last[group] = row as u32;
            taken.push(true);
        }
        Some(taken.into())
    }

    /// The records that leave, with the values.
    fn emitted(
        &mut self,
        batch: Batch,
        taken: Option<BooleanArray>,
        out: &mut Outputs,
    ) -> Result<Batch, ArrowError> {
        let emitted = match (self.emit, taken) {
            (Emit::Each, None) => batch,
            (Emit::Each, Some(taken)) => batch.filter(&taken)?,
            (Emit::Changed, taken) => {
                let rows = self.groups.last_rows();
                for fold in &mut self.folds {
                    rows.iter().for_each(|it| fold.write(it.1));
                }
                let all = taken.map_or(batch.rows(), |it| it.true_count());
                out.drop_rows(all - rows.len());
                batch.take(&rows.iter().map(|it| it.0).collect::<UInt32Array>())?
            }
        };
        let mut columns = emitted.records.columns().to_vec();
        for fold in &mut self.folds {
            columns.push(fold.leave()?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(emitted.rows()));
        let schema = Arc::clone(&self.output);
        let records = RecordBatch::try_new_with_options(schema, columns, &options)?;
        Ok(emitted.with_records(records))
    }

    /// Remembers what the batch has changed.
    fn store(&mut self, now: i64) {
        let Self { groups, folds, memory, .. } = self;
        for (group, key) in groups.keys.iter().enumerate() {
            if groups.last[group] == NONE {
                continue;
            }
            let fresh = || {
                let cells = folds.iter().map(|it| it.fresh()).collect::<Vec<Cell>>();
                Running { seen: now, cells }
            };
            memory.update(*key, now, fresh, |it| {
                let cells = it.cells.iter_mut().zip(folds.iter());
                cells.for_each(|(cell, fold)| fold.store(group, cell));
            });
        }
        folds.iter_mut().for_each(|it| it.clear());
    }
}

/// A batch whose columns are not those that the values were planned for.
fn unfit(error: &ArrowError) -> Fault {
    Fault::data(3157, format!("a value can't be made of a batch: {error}"))
}
