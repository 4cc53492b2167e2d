//! Boundary: cuts what flows into groups of records that follow each other, and numbers them.
//!
//! What a group is decided by is each record and the ones before it, in their order: however records
//! are cut into batches and wherever a stream goes on from, the groups are those of one run. Only
//! `within` looks at the clock. The group that is open, and its number, are part of checkpoints. It cuts
//! no transaction: what is committed together is decided by items and by checkpoints alone, so that a
//! group may be published in several steps. Each lane of a live workflow counts its own groups, and so
//! does each stream over an item.

mod config;
mod size;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema as Fields, SchemaRef};
use arrow::error::ArrowError;
use schemars::{Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::{Clock, Fault, Finding, Place, PortName, TableName, Timestamp};
use weir_expr::{Expression, Predicate};
use weir_stream::state::{MapTable, StateTable, TableKind, TableSpec, Weigh};
use weir_stream::{
    Batch, BuildContext, BuiltOperator, Checked, ConfigError, Operator, OperatorKind, Outputs,
    SecretUse, decode_config,
};

pub use config::BoundaryConfig;

use crate::expression::{Failed, finding};
use crate::groups::Groups;
use crate::keys::{Keys, Wrong, version, wrong_fields};

/// The kind `boundary`.
pub struct BoundaryKind;

/// Of the rows of the table.
const VERSION: u32 = 1;

fn open() -> TableName {
    TableName::new("open").expect("a valid name")
}

/// Rules and names may change: the group that is open goes on.
fn version_of(config: &BoundaryConfig) -> u32 {
    version(VERSION, &(&config.key, &config.on_change))
}

impl OperatorKind for BoundaryKind {
    fn name(&self) -> &'static str {
        "boundary"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(BoundaryConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<BoundaryConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::InLiterals
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let mut checked = Checked { outputs: vec![(PortName::out(), None)], ..Checked::default() };
        let Ok(config) = decode_config::<BoundaryConfig>(config) else { return checked };
        for (path, cause, fix) in wrong(&config, input) {
            let finding = Finding::error(2148, Place::default(), path, cause);
            checked.findings.push(finding.with_fix(fix));
        }
        if let Some(text) = &config.when {
            let compiled = match input {
                Some(input) => Predicate::compile(&text.0, input).map(drop),
                None => Expression::check_syntax(&text.0),
            };
            checked.findings.extend(compiled.err().map(|it| finding("when", &it)));
        }
        if checked.findings.is_empty() {
            checked.outputs = vec![(PortName::out(), input.map(|it| output(&config, it)))];
        }
        checked
    }

    fn tables(&self, config: &Value) -> BTreeMap<TableName, TableSpec> {
        let Ok(config) = decode_config::<BoundaryConfig>(config) else { return BTreeMap::new() };
        let spec = TableSpec { kind: TableKind::Map, version: version_of(&config) };
        BTreeMap::from([(open(), spec)])
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let unfit = |why: String| Fault::config(3158, format!("stage {}: {why}", cx.stage));
        let config: BoundaryConfig = decode_config(config).map_err(|it| unfit(it.to_string()))?;
        if let Some((path, cause, fix)) = wrong(&config, Some(input)).into_iter().next() {
            return Err(unfit(format!("{path}: {cause}")).with_hint(fix));
        }
        let when = config.when.as_ref().map(|it| Predicate::compile(&it.0, input)).transpose();
        let when = when.map_err(|it| unfit(format!("when: {}", it.message)))?;
        let keys = |names| Keys::of(names, input).map_err(|it| unfit(it.to_string()));
        let output = output(&config, input);
        let operator = Boundary {
            keys: keys(&config.key)?,
            rules: Rules {
                records: config.records.unwrap_or(u64::MAX),
                bytes: config.bytes,
                within: config.within.map(|it| i64::try_from(it.0).unwrap_or(i64::MAX)),
                when,
                on_change: keys(&config.on_change)?,
            },
            output: Arc::clone(&output),
            clock: cx.clock.clone(),
            open: MapTable::new(version_of(&config)),
            groups: Groups::default(),
        };
        let outputs = vec![(PortName::out(), output)];
        Ok(BuiltOperator { operator: Box::new(operator), outputs })
    }
}

fn output(config: &BoundaryConfig, input: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<_> = input.fields().iter().cloned().collect();
    for name in [&config.number, &config.place] {
        fields.push(Arc::new(Field::new(name, DataType::Int64, false)));
    }
    Arc::new(Fields::new_with_metadata(fields, input.metadata().clone()))
}

/// What is wrong but for the condition.
fn wrong(config: &BoundaryConfig, input: Option<&SchemaRef>) -> Vec<Wrong> {
    let mut wrong = wrong_fields("key", &config.key, input);
    wrong.extend(wrong_fields("onChange", &config.on_change, input));
    let mut say = |path: &str, cause: String, fix: &str| {
        wrong.push((path.to_owned(), cause, fix.to_owned()));
    };
    if !config.has_rule() {
        let fix = "write at least one of records, bytes, within, when and onChange";
        say("", "nothing ends a group".into(), fix);
    }
    let nothing = [
        ("records", config.records == Some(0), "write at least 1"),
        ("bytes", config.bytes == Some(0), "write at least 1"),
        ("within", config.within.is_some_and(|it| it.0 == 0), "write for instance 1h"),
    ];
    for (path, _, fix) in nothing.into_iter().filter(|it| it.1) {
        say(path, "every record would be a group".into(), fix);
    }
    for (path, name) in [("number", &config.number), ("place", &config.place)] {
        if name.is_empty() {
            say(path, "a field needs a name".into(), "choose another name");
        } else if input.is_some_and(|it| it.column_with_name(name).is_some()) {
            let fix = "choose another name";
            say(path, format!("there is a field {name} already"), fix);
        }
    }
    if config.number == config.place {
        let cause = format!("the number of the group is put into {} as well", config.place);
        say("place", cause, "choose another name");
    }
    let sizes = input
        .filter(|_| config.bytes.is_some())
        .map(|it| size::of_rows(&RecordBatch::new_empty(Arc::clone(it))));
    if let Some(Err(ArrowError::NotYetImplemented(cause))) = sizes {
        say("bytes", cause, "cut by records, or drop the field in a mapping before");
    }
    wrong
}

/// The group that is open, of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Open {
    /// 0: there was none yet.
    number: i64,
    records: u64,
    bytes: u64,
    /// When its first record came, in milliseconds since 1970.
    since: i64,
    /// The hash of the fields that are not to change, in the last record.
    last: u128,
}

impl Weigh for Open {}

struct Rules {
    records: u64,
    bytes: Option<u64>,
    within: Option<i64>,
    when: Option<Predicate>,
    on_change: Keys,
}

/// What the rules look at in a batch, record by record.
struct Seen {
    now: i64,
    begins: Option<BooleanArray>,
    values: Vec<u128>,
    sizes: Option<Vec<u64>>,
}

impl Rules {
    fn look(&self, batch: &Batch, now: Timestamp, failed: &mut Failed) -> Result<Seen, Fault> {
        let begins = self.when.as_ref().map(|it| {
            let found = it.matches_isolating(&batch.records, now);
            found.failures.into_iter().for_each(|it| failed.add(it, "when"));
            found.matches
        });
        let sizes = self.bytes.map(|_| size::of_rows(&batch.records));
        let sizes = sizes.transpose().map_err(|it| unfit(&it))?;
        let values = self.on_change.hashes(&batch.records)?;
        Ok(Seen { now: now.0, begins, values, sizes })
    }

    /// Puts a record into the group that is open, or into a new one.
    fn put(&self, open: &mut Open, seen: &Seen, row: usize) {
        let is_over = open.number == 0
            || open.records >= self.records
            || self.bytes.is_some_and(|it| open.bytes >= it)
            // A clock that was set back makes nothing older.
            || self.within.is_some_and(|it| seen.now.saturating_sub(open.since) >= it)
            || open.last != seen.values[row]
            || seen.begins.as_ref().is_some_and(|it| it.value(row));
        if is_over {
            let number = open.number + 1;
            *open = Open { number, since: seen.now, ..Open::default() };
        }
        open.records += 1;
        open.bytes = open.bytes.saturating_add(seen.sizes.as_ref().map_or(0, |it| it[row]));
        open.last = seen.values[row];
    }
}

struct Boundary {
    keys: Keys,
    rules: Rules,
    output: SchemaRef,
    clock: Arc<dyn Clock>,
    open: MapTable<u128, Open>,
    groups: Groups,
}

impl Operator for Boundary {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        let mut failed = Failed::default();
        let seen = self.rules.look(&batch, self.clock.now(), &mut failed)?;
        self.groups.fill(&self.keys.hashes(&batch.records)?);
        let keys = self.groups.keys.iter();
        let mut open: Vec<_> =
            keys.map(|it| self.open.get(it).copied().unwrap_or_default()).collect();
        let (mut numbers, mut places) = (Vec::new(), Vec::new());
        for (row, group) in self.groups.of_row.iter().enumerate() {
            if failed.has(row) {
                continue;
            }
            let open = &mut open[*group as usize];
            self.rules.put(open, &seen, row);
            numbers.push(open.number);
            places.push(open.records as i64);
        }
        for (key, open) in self.groups.keys.iter().zip(open).filter(|it| it.1.number > 0) {
            self.open.put(*key, open);
        }
        let cut = self.cut(batch, (numbers, places), &failed, out).map_err(|it| unfit(&it))?;
        out.emit(0, cut);
        Ok(())
    }

    fn tables(&mut self) -> Vec<(TableName, &mut dyn StateTable)> {
        vec![(open(), &mut self.open)]
    }
}

impl Boundary {
    /// The records that did not fail, with their groups and places.
    fn cut(
        &self,
        batch: Batch,
        (numbers, places): (Vec<i64>, Vec<i64>),
        failed: &Failed,
        out: &mut Outputs,
    ) -> Result<Batch, ArrowError> {
        for (row, reason) in failed.iter() {
            out.refuse(&batch, row, reason);
        }
        let good = || (0..batch.rows()).map(|row| Some(!failed.has(row))).collect();
        let batch = if failed.is_empty() { batch } else { batch.filter(&good())? };
        let mut columns = batch.records.columns().to_vec();
        columns.push(Arc::new(Int64Array::from(numbers)));
        columns.push(Arc::new(Int64Array::from(places)));
        Ok(batch.with_records(RecordBatch::try_new(Arc::clone(&self.output), columns)?))
    }
}

/// A batch that is not of the fields that the boundary was built for.
fn unfit(error: &ArrowError) -> Fault {
    Fault::data(3159, format!("a batch can't be cut into groups: {error}"))
}
