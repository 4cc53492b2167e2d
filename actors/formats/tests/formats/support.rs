//! One way to read bytes as a file, and one to see what came of it.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde_json::Value;
use weir_domain::Fault;
use weir_formats::{Compression, FormatConfig, ReadOptions, create, open};

/// What came of a file.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Good records with their positions.
    pub(crate) rows: Vec<(u64, Value)>,
    /// The same as the JSON writer writes them.
    pub(crate) lines: Vec<String>,
    pub(crate) bad: Vec<Bad>,
    pub(crate) schema: Option<SchemaRef>,
    pub(crate) fault: Option<Fault>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Bad {
    pub(crate) position: u64,
    /// 0 where there are no lines.
    pub(crate) line: u64,
    pub(crate) offset: u64,
    pub(crate) raw: Vec<u8>,
    pub(crate) reason: String,
}

impl Outcome {
    /// The good records, each as JSON with its position.
    pub(crate) fn text(&self) -> Vec<String> {
        assert_eq!(self.fault, None);
        let rows = self.rows.iter().zip(&self.lines);
        rows.map(|((at, _), line)| format!("{at} {line}")).collect()
    }

    /// The bad records as `position line offset raw: reason`.
    pub(crate) fn bad_text(&self) -> Vec<String> {
        let text = |it: &Bad| {
            let raw = String::from_utf8_lossy(&it.raw);
            format!("{} {} {} {raw}: {}", it.position, it.line, it.offset, it.reason)
        };
        self.bad.iter().map(text).collect()
    }
}

pub(crate) fn config(json: &str) -> FormatConfig {
    serde_json::from_str(json).unwrap()
}

pub(crate) fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// Reads bytes with the default options.
pub(crate) fn read(format: &str, bytes: &[u8]) -> Outcome {
    read_with(&config(format), bytes, &ReadOptions::default())
}

pub(crate) fn read_with(format: &FormatConfig, bytes: &[u8], options: &ReadOptions) -> Outcome {
    let mut outcome = Outcome::default();
    let mut reader = match open(format, file_of(bytes), Compression::Auto, options) {
        Ok(reader) => reader,
        Err(fault) => return Outcome { fault: Some(fault), ..outcome },
    };
    outcome.schema = Some(reader.schema());
    loop {
        let chunk = match reader.read() {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(fault) => {
                outcome.fault = Some(fault);
                return outcome;
            }
        };
        assert_eq!(chunk.records.schema(), reader.schema());
        assert!(chunk.records.num_rows() <= options.batch_rows);
        assert!(chunk.records.num_rows() > 0 || !chunk.bad.is_empty(), "an empty chunk");
        for (row, line) in lines(&chunk.records).into_iter().enumerate() {
            let value = serde_json::from_str(&line).unwrap();
            outcome.rows.push((chunk.positions.at(row), value));
            outcome.lines.push(line);
        }
        outcome.bad.extend(chunk.bad.into_iter().map(|it| Bad {
            position: it.position,
            line: it.line.unwrap_or(0),
            offset: it.offset.unwrap(),
            raw: it.raw.to_vec(),
            reason: it.reason,
        }));
    }
    outcome
}

/// A batch's records as JSON; nulls are left out.
pub(crate) fn values(batch: &RecordBatch) -> Vec<Value> {
    lines(batch).iter().map(|it| serde_json::from_str(it).unwrap()).collect()
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let bytes = write(&config(r#"{"type": "json"}"#), std::slice::from_ref(batch));
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

pub(crate) fn write(format: &FormatConfig, batches: &[RecordBatch]) -> Vec<u8> {
    write_compressed(format, batches, Compression::None)
}

pub(crate) fn write_compressed(
    format: &FormatConfig,
    batches: &[RecordBatch],
    compression: Compression,
) -> Vec<u8> {
    let out = Shared::default();
    let schema = batches[0].schema();
    let mut writer = create(format, schema, Box::new(out.clone()), compression).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    out.bytes()
}

/// An output that can be looked at from outside.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
