//! Messages become columns: each names the schema that it was written with, and all are brought to one.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use weir_domain::Fault;

use super::config::AvroConfig;
use super::registry::Registry;
use super::rows::{Rows, arrow_schema};
use super::schema;
use super::shape::Miss;
use crate::fault;
use crate::framed::Decode;
use crate::isolate::Refusal;

/// A zero and the number of the schema, the highest byte first.
const PREFIX_BYTES: usize = 5;

/// What decodes messages. Asks the registry if no schema is configured.
pub(crate) fn decode(config: &AvroConfig) -> Result<Box<dyn Decode>, Fault> {
    let registry = config.registry.as_ref().map(Registry::new).transpose()?;
    let wanted = match (&config.schema, &registry) {
        (Some(wanted), _) => schema::text(wanted),
        (None, Some(registry)) => registry.latest()?,
        (None, None) => {
            let cause = "messages of Avro don't hold their schema";
            let fix = "set the format's `schema`, or its `registry` with a `subject`";
            return Err(fault::combination(cause, fix));
        }
    };
    let Some(registry) = registry else {
        let rows = Rows::new(wanted, None).map_err(|it| fault::schema_unreadable(&it))?;
        return Ok(Box::new(Bare { rows }));
    };
    let schema = arrow_schema(&wanted).map_err(|it| fault::schema_unreadable(&it))?;
    Ok(Box::new(Named { registry, wanted, schema, written: HashMap::new() }))
}

/// Messages of one schema, with nothing before them.
struct Bare {
    rows: Rows,
}

impl Decode for Bare {
    fn schema(&self) -> SchemaRef {
        self.rows.schema.clone()
    }

    fn decode(&mut self, records: &[&[u8]]) -> Result<RecordBatch, Refusal> {
        measure(&self.rows, records)?;
        self.rows.decode(records)
    }
}

/// Messages that name their schema.
struct Named {
    registry: Registry,
    wanted: String,
    schema: SchemaRef,
    /// By the numbers of their schemas, or why what has that number can't be read.
    written: HashMap<u32, Result<Rows, String>>,
}

impl Decode for Named {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Fetches the schemas that are not known yet.
    fn prepare(&mut self, records: &[&[u8]]) -> Result<(), Fault> {
        for record in records {
            let Some(number) = number(record).filter(|it| !self.written.contains_key(it)) else {
                continue;
            };
            let rows = self.registry.schema(number)?;
            let rows = rows.and_then(|written| {
                let rows = Rows::new(written, Some(self.wanted.clone()));
                rows.map_err(|it| format!("its schema {number} does not fit: {it}"))
            });
            self.written.insert(number, rows);
        }
        Ok(())
    }

    fn decode(&mut self, records: &[&[u8]]) -> Result<RecordBatch, Refusal> {
        let mut batches = Vec::new();
        let mut start = 0;
        while start < records.len() {
            let named = number(records[start]);
            let run = records[start..].iter().take_while(|it| number(it) == named);
            let bodies: Vec<_> = run.map(|it| it.get(PREFIX_BYTES..).unwrap_or_default()).collect();
            let rows = self.rows(named).map_err(|it| Refusal::At(start, it))?;
            measure(rows, &bodies).map_err(|it| it.behind(start))?;
            batches.push(rows.decode(&bodies).map_err(|it| it.behind(start))?);
            start += bodies.len();
        }
        match &batches[..] {
            [batch] => Ok(batch.clone()),
            _ => {
                concat_batches(&self.schema, &batches).map_err(|it| Refusal::Within(it.to_string()))
            }
        }
    }
}

impl Named {
    fn rows(&mut self, number: Option<u32>) -> Result<&mut Rows, String> {
        let number = number.ok_or("it does not begin with a zero and the number of a schema")?;
        let known = self.written.get_mut(&number);
        match known.ok_or_else(|| format!("its schema {number} is not known"))? {
            Ok(rows) => Ok(rows),
            Err(cause) => Err(cause.clone()),
        }
    }
}

/// The number of a message's schema.
fn number(record: &[u8]) -> Option<u32> {
    let (zero, rest) = record.split_first()?;
    rest.first_chunk().filter(|_| *zero == 0).map(|it| u32::from_be_bytes(*it))
}

/// Whether each is one record, from its beginning to its end.
fn measure(rows: &Rows, records: &[&[u8]]) -> Result<(), Refusal> {
    for (at, record) in records.iter().enumerate() {
        let cause = match rows.shape.end(record, 0) {
            Ok(end) if end == record.len() => continue,
            Ok(end) => format!("{} bytes are left behind the record", record.len() - end),
            Err(Miss::Cut) => "it ends within the record".to_owned(),
            Err(Miss::Wrong(cause)) => cause,
        };
        return Err(Refusal::At(at, cause));
    }
    Ok(())
}
