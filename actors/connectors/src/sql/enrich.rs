//! The operator `enrich`: adds fields of the row that a database has for a record.
//!
//! A batch costs at most one query, however many records it has. The database's faults are the stream's,
//! which is tried again; a record without a row, or with several, is the record's.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use weir_domain::{Fault, PortName};
use weir_stream::{
    Batch, BuildContext, BuiltOperator, Checked, ConfigError, Operator, OperatorKind, Outputs,
    SecretUse, decode_config,
};

use super::codes;
use super::config::misplaced_secrets;
use super::enrich_config::{EnrichConfig, Missing};
use super::lookup::{self, Found, Key, Lookup, ROWS_SPARE};
use super::query::From;
use super::rows;
use super::session::Sessions;

pub(super) const NAME: &str = "enrich";

pub(super) struct Enrich {
    pub(super) sessions: Sessions,
}

impl OperatorKind for Enrich {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> schemars::Schema {
        schemars::schema_for!(EnrichConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<EnrichConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, given: &Value, input: Option<&SchemaRef>) -> Checked {
        let Ok(config) = decode_config::<EnrichConfig>(given) else { return Checked::default() };
        let mut findings = config.findings(input);
        findings.extend(misplaced_secrets(given));
        let output = input.and_then(|it| config.output(it));
        let outputs = vec![(PortName::out(), output)];
        Checked { outputs, findings, ..Checked::default() }
    }

    fn blocks(&self) -> bool {
        true
    }

    fn looks_up(&self, config: &Value) -> Option<String> {
        let config = decode_config::<EnrichConfig>(config).ok()?;
        let from = config.table.map_or_else(|| "rows".to_owned(), |it| format!("table {it}"));
        Some(format!("{from} of a database"))
    }

    fn check_access(&self, config: &Value, cx: &BuildContext) -> Result<(), Fault> {
        let config: EnrichConfig = cx.config(config, codes::CONFIG)?;
        self.lookup(&config, cx)?.describe()
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let unfit =
            |why: String| Fault::config(codes::CONFIG, format!("stage {}: {why}", cx.stage));
        let config = decode_config::<EnrichConfig>(config).map_err(|it| unfit(it.to_string()))?;
        if let Some(it) = config.findings(Some(input)).first() {
            return Err(unfit(it.cause.clone()));
        }
        let output = config.output(input).ok_or_else(|| unfit("take can't be read".into()))?;
        let lookup = self.lookup(&config, cx)?;
        let fields = config.on.values().cloned().collect();
        let operator = Enriching {
            lookup,
            fields,
            width: input.fields().len(),
            output: output.clone(),
            missing: config.missing(),
            stage: cx.stage.to_string(),
        };
        Ok(BuiltOperator { operator: Box::new(operator), outputs: vec![(PortName::out(), output)] })
    }
}

impl Enrich {
    fn lookup(&self, config: &EnrichConfig, cx: &BuildContext) -> Result<Lookup, Fault> {
        let base = std::path::absolute(&cx.base_dir).unwrap_or_else(|_| cx.base_dir.clone());
        let address = Arc::new(config.connection.address(&base)?);
        let from = From::new(config.table.as_deref(), config.query.as_deref())?;
        let on = config.on.keys().cloned().collect();
        let take = config.take.iter().map(|it| it.name.clone()).collect();
        let cache = config.cache.clone();
        Ok(Lookup::new(address, self.sessions.clone(), from, (on, take), cache))
    }
}

pub(super) struct Enriching {
    pub(super) lookup: Lookup,
    /// Of the records, in the order of the columns that they equal.
    fields: Vec<String>,
    /// How many fields the records have before.
    width: usize,
    output: SchemaRef,
    missing: Missing,
    stage: String,
}

impl Enriching {
    /// The key of each record. One with a null in it has none.
    fn keys(&self, records: &RecordBatch) -> Result<Vec<Option<Key>>, Fault> {
        let texts = |field: &String| {
            let column = records.column_by_name(field).ok_or_else(|| {
                Fault::config(codes::CONFIG, format!("the records have no field {field}"))
            })?;
            cast(column, &DataType::Utf8).map_err(|it| broken(&it))
        };
        let columns = self.fields.iter().map(texts).collect::<Result<Vec<ArrayRef>, _>>()?;
        let key = |row: usize| {
            let value = |it: &ArrayRef| {
                let it = arrow::array::AsArray::as_string::<i32>(it);
                it.is_valid(row).then(|| it.value(row).to_owned())
            };
            columns.iter().map(value).collect::<Option<Key>>()
        };
        Ok((0..records.num_rows()).map(key).collect())
    }
}

fn broken(error: &ArrowError) -> Fault {
    Fault::config(codes::ANSWER, format!("records can't be enriched: {error}"))
}

impl Operator for Enriching {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        let keys = self.keys(&batch.records)?;
        let found = self.lookup.find(keys.iter().flatten().cloned().collect());
        let found = found.map_err(|fault| {
            let message = format!("stage {}: {}", self.stage, fault.message);
            Fault { message, ..fault }
        })?;
        let of =
            |key: &Option<Key>| key.as_ref().and_then(|it| found.get(it)).unwrap_or(&Found::None);
        let each: Vec<&Found> = keys.iter().map(of).collect();
        let answer = lookup::answer(each.iter().copied());
        let mut bad = BTreeMap::new();
        let mut dropped = BTreeMap::new();
        for (row, it) in each.iter().enumerate() {
            match (it, self.missing) {
                (Found::Several(count), _) if *count > ROWS_SPARE => {
                    bad.insert(row, format!("more than {ROWS_SPARE} rows have its key"));
                }
                (Found::Several(count), _) => {
                    bad.insert(row, format!("{count} rows have its key"));
                }
                (Found::None, Missing::DeadLetter) => {
                    bad.insert(row, "no row has its key".to_owned());
                }
                (Found::None, Missing::Drop) => {
                    dropped.insert(row, ());
                }
                (Found::None, Missing::Null) | (Found::Row(_), _) => {}
            }
        }
        let mut columns = batch.records.columns().to_vec();
        let added = self.output.fields().iter().skip(self.width);
        for (at, field) in added.enumerate() {
            let wanted = (field.name().as_str(), field.data_type());
            let column = rows::column(&answer, at, wanted, &mut bad)?;
            let is_gone = |row: &usize| bad.contains_key(row) || dropped.contains_key(row);
            let nulls: Vec<_> = (0..column.len()).filter(|it| column.is_null(*it)).collect();
            if !field.is_nullable() {
                for row in nulls.into_iter().filter(|it| !is_gone(it)).collect::<Vec<_>>() {
                    bad.insert(row, format!("the column {} is null", field.name()));
                }
            }
            columns.push(column);
        }
        for (row, why) in &bad {
            out.refuse(&batch, *row, format!("stage {}: {why}", self.stage));
        }
        out.drop_rows(dropped.len());
        let is_kept = |row: usize| !bad.contains_key(&row) && !dropped.contains_key(&row);
        let mask: BooleanArray = (0..batch.rows()).map(|it| Some(is_kept(it))).collect();
        let kept = columns.iter().map(|it| arrow::compute::filter(it, &mask));
        let kept = kept.collect::<Result<Vec<_>, _>>().map_err(|it| broken(&it))?;
        let positions = batch.positions.filter(&mask).map_err(|it| broken(&it))?;
        let records = RecordBatch::try_new(self.output.clone(), kept).map_err(|it| broken(&it))?;
        out.emit(0, Batch::new(records, positions));
        Ok(())
    }
}
