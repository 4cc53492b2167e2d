//! The sink: looks at the table when it begins to write, and puts what fits into an outbox.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use weir_domain::Fault;
use weir_stream::{
    Action, BadRecord, Batch, BuildContext, Prepared, Sink, SinkWriter, StreamContext, beginning,
};

use super::commits::Commits;
use super::config::OutputConfig;
use super::connection::Address;
use super::deliver::{Target, Writer};
use super::session::Sessions;
use super::table::{Table, TableSpec, name};
use super::{NAME, catalog, codes, create, entry};
use crate::outbox::{ENTRY_BYTES_MAX, OutboxWriter, Outgoing, discarding};

pub(super) struct SqlSink {
    cx: BuildContext,
    address: Arc<Address>,
    target: Target,
    create_table: bool,
    sessions: Sessions,
    /// As it was found last, and for which records.
    table: Option<(SchemaRef, Table)>,
}

impl SqlSink {
    pub(super) fn new(
        config: &OutputConfig,
        cx: &BuildContext,
        sessions: Sessions,
    ) -> Result<Self, Fault> {
        let base = std::path::absolute(&cx.base_dir).unwrap_or_else(|_| cx.base_dir.clone());
        let address = Arc::new(config.connection.address(&base)?);
        let spec = TableSpec::new(config)?;
        let target = Target { base, commits: name(&config.commits)?, spec };
        let (cx, create_table) = (cx.clone(), config.create_table);
        Ok(Self { cx, address, target, create_table, sessions, table: None })
    }

    /// The table, looked up once: what it can't take any more is found out when it is written.
    fn table(&mut self, schema: &SchemaRef) -> Result<Table, Fault> {
        if let Some((known, table)) = &self.table
            && known == schema
        {
            return Ok(table.clone());
        }
        let Target { spec, commits, .. } = &self.target;
        let may_create = self.create_table;
        let table = self.sessions.with(&self.address, may_create, |session| {
            if may_create {
                create::table(session, spec, schema)?;
            }
            let table = Table::open(session, spec, schema)?;
            Commits { table: commits }.ensure(session)?;
            Ok(table)
        });
        let table = table.map_err(|it| at_stage(&self.cx, it))?;
        self.table = Some((schema.clone(), table.clone()));
        Ok(table)
    }
}

fn at_stage(cx: &BuildContext, fault: Fault) -> Fault {
    let message = format!("stage {}: {}", cx.stage, fault.message);
    Fault { message, ..fault }
}

impl Sink for SqlSink {
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        // An empty item has no fields, and writes nothing.
        let table = match schema.fields().is_empty() {
            true => None,
            false => Some(self.table(&schema)?),
        };
        Ok(Box::new(TableWriter {
            table,
            outbox: OutboxWriter::open(&self.cx.staging, stream, &self.cx.stage)?,
            stream: stream.clone(),
            cx: self.cx.clone(),
            target: self.target.clone(),
        }))
    }

    fn target(&self) -> Option<String> {
        Some(format!("table {} of {}", self.target.spec.table, self.address))
    }

    /// Looks the table up, and changes nothing: a table that is made when records come may be missing.
    fn check_access(&self, schema: Option<&SchemaRef>) -> Result<(), Fault> {
        let spec = &self.target.spec;
        if self.create_table && self.address.is_missing_file() {
            return Ok(());
        }
        self.sessions.with(&self.address, false, |session| {
            if self.create_table && !catalog::is_there(session, &spec.table)? {
                return Ok(());
            }
            match schema {
                Some(schema) => Table::open(session, spec, schema).map(drop),
                None => catalog::columns(session, &spec.table).map(drop),
            }
        })
    }

    fn discard(&self, stream: &StreamContext) -> Vec<Action> {
        discarding(NAME, stream, &self.cx.stage)
    }
}

struct TableWriter {
    table: Option<Table>,
    outbox: OutboxWriter,
    stream: StreamContext,
    cx: BuildContext,
    target: Target,
}

impl TableWriter {
    /// Puts records into the outbox, in as many pieces as they need.
    fn put(&mut self, batch: &Batch, bad: &mut Vec<BadRecord>) -> Result<(), Fault> {
        let rows = batch.rows();
        if rows == 0 {
            return Ok(());
        }
        let content = entry::write(&batch.records)?;
        if content.len() <= ENTRY_BYTES_MAX {
            return self.outbox.push(&content);
        }
        if rows == 1 {
            bad.push(self.bad(batch, 0, &format!("{} bytes are too many", content.len())));
            return Ok(());
        }
        self.put(&batch.slice(0, rows / 2), bad)?;
        self.put(&batch.slice(rows / 2, rows - rows / 2), bad)
    }

    fn bad(&self, batch: &Batch, row: usize, reason: &str) -> BadRecord {
        let (raw, raw_cut) = beginning(&as_json(&batch.records, row), self.cx.limits.raw_bytes_max);
        let reason = format!("stage {}: {reason}", self.cx.stage);
        let position = batch.positions.at(row);
        BadRecord { position, line: None, offset: None, raw, raw_cut, reason }
    }

    /// With the fields alone that are written.
    fn needed(&self, batch: &Batch) -> Result<Batch, Fault> {
        let schema = batch.records.schema();
        let fields = self.target.spec.mapping(&schema);
        let columns: Vec<_> = fields.iter().filter_map(|it| schema.index_of(&it.0).ok()).collect();
        let records = batch.records.project(&columns).map_err(|it| broken(&it))?;
        Ok(batch.with_records(records))
    }
}

fn broken(error: &arrow::error::ArrowError) -> Fault {
    Fault::config(codes::ENTRY, format!("records can't be taken apart: {error}"))
}

/// What is left of a record that can't be written.
fn as_json(records: &RecordBatch, row: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer = arrow::json::LineDelimitedWriter::new(&mut text);
    let written = writer.write(&records.slice(row, 1)).and_then(|()| writer.finish());
    drop(writer);
    match written {
        Ok(()) => text.trim_ascii_end().to_vec(),
        Err(_) => Vec::new(),
    }
}

impl SinkWriter for TableWriter {
    fn write(&mut self, batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        let Some(table) = &self.table else { return Ok(Vec::new()) };
        let (_, misfits) = table.values(&batch.records)?;
        let reasons = misfits.iter().map(|(row, why)| self.bad(batch, *row, why));
        let mut bad: Vec<_> = reasons.collect();
        let needed = self.needed(batch)?;
        let good = match misfits.is_empty() {
            true => needed,
            false => {
                let mask = (0..batch.rows()).map(|it| !misfits.contains_key(&it));
                needed.filter(&mask.collect::<Vec<_>>().into()).map_err(|it| broken(&it))?
            }
        };
        self.put(&good, &mut bad)?;
        bad.sort_by_key(|it| it.position);
        Ok(bad)
    }

    fn prepare(self: Box<Self>) -> Result<Prepared, Fault> {
        let bytes = self.outbox.bytes();
        let Self { outbox, stream, cx, target, .. } = *self;
        let send = |outbox| Outgoing::<Writer>::sending(&cx, &stream, outbox, target.clone());
        Ok(Prepared { actions: outbox.finish()?.into_iter().map(send).collect(), bytes })
    }

    fn bytes_written(&self) -> u64 {
        self.outbox.bytes()
    }
}
