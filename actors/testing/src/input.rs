//! What comes in, made ready: bytes in the source's format, or records.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::Path;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use rustix::fs::{MemfdFlags, memfd_create};
use serde::de::DeserializeOwned;
use serde_json::Value;
use weir_domain::plan::Stage;
use weir_domain::{Fault, Finding};
use weir_formats::{Compression, FormatConfig, ReadOptions, Reader};
use weir_project::{Given, Piece};
use weir_stream::{Batch, Positions, Read, RecordReader};

use crate::rows;

/// A format that finds out itself what JSON lines hold.
const JSON_LINES: &str = r#"{ "type": "json", "layout": "lines" }"#;

/// What one piece of input holds.
#[derive(Debug, Clone)]
pub(crate) enum Feed {
    Bytes { format: FormatConfig, compression: Compression, bytes: Vec<u8> },
    Records(RecordBatch),
}

/// What a stage's configuration says under a key, if it is of the type that is asked for.
pub(crate) fn setting<T: DeserializeOwned>(config: &Value, key: &str) -> Option<T> {
    serde_json::from_value(config.get(key)?.clone()).ok()
}

/// A piece as the stage reads it. `source`: the stage, if it is a source. `schema`: of what comes in,
/// where it is known.
pub(crate) fn feed(
    piece: &Piece,
    source: Option<&Stage>,
    schema: Option<&SchemaRef>,
    dir: &Path,
) -> Result<Feed, Finding> {
    let refuse = |cause: String, fix: String| {
        Finding::error(2270, piece.place.clone(), "", cause).with_fix(fix)
    };
    let bytes = match (&piece.given, schema) {
        (Given::Rows(rows), Some(schema)) => {
            let batch = rows::batch(rows, schema).map_err(|unfit| {
                refuse(format!("row {}: {}", unfit.row + 1, unfit.cause), unfit.fix)
            })?;
            return Ok(Feed::Records(batch));
        }
        (Given::Rows(rows), None) => {
            let format = serde_json::from_str(JSON_LINES).expect("a format");
            return Ok(Feed::Bytes {
                format,
                compression: Compression::None,
                bytes: rows::lines(rows),
            });
        }
        (Given::Text(text), _) => text.clone().into_bytes(),
        (Given::Bytes(bytes), _) => bytes.clone(),
        (Given::File(path), _) => fs::read(dir.join(path)).map_err(|error| {
            refuse(format!("{path} can't be read: {error}"), "check that it is there".to_owned())
        })?,
    };
    let format = source.and_then(|it| setting(&it.config, "format")).ok_or_else(|| {
        let cause = "what it comes into has no format that a text could be in".to_owned();
        refuse(cause, "write rows".to_owned())
    })?;
    let compression = source.and_then(|it| setting(&it.config, "compression"));
    let is_text = matches!(piece.given, Given::Text(_));
    let compression = compression.filter(|_| !is_text).unwrap_or(match is_text {
        true => Compression::None,
        false => Compression::Auto,
    });
    Ok(Feed::Bytes { format, compression, bytes })
}

/// Reads a feed as its source would.
pub(crate) fn open(feed: &Feed, options: &ReadOptions) -> Result<Box<dyn RecordReader>, Fault> {
    match feed {
        Feed::Records(records) => {
            let (records, rows) = (records.clone(), options.batch_rows.max(1));
            Ok(Box::new(Records { records, rows, at: 0 }))
        }
        Feed::Bytes { format, compression, bytes } => {
            let file = in_memory(bytes)?;
            let reader = weir_formats::open(format, file, *compression, options)?;
            Ok(Box::new(Bytes { reader }))
        }
    }
}

/// A file that is nowhere: formats read files, and one of them from its end.
fn in_memory(bytes: &[u8]) -> Result<File, Fault> {
    let made = memfd_create("input", MemfdFlags::CLOEXEC).map_err(std::io::Error::from);
    let written = made.and_then(|it| {
        let mut file = File::from(it);
        file.write_all(bytes)?;
        file.rewind()?;
        Ok(file)
    });
    written.map_err(|error| Fault::config(2271, format!("no memory for a file: {error}")))
}

struct Bytes {
    reader: Box<dyn Reader>,
}

impl RecordReader for Bytes {
    fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    fn read(&mut self) -> Result<Option<Read>, Fault> {
        let Some(chunk) = self.reader.read()? else { return Ok(None) };
        let batch = Batch::new(chunk.records, chunk.positions);
        Ok(Some(Read { batch, bad: chunk.bad, bytes: 0 }))
    }
}

struct Records {
    records: RecordBatch,
    rows: usize,
    at: usize,
}

impl RecordReader for Records {
    fn schema(&self) -> SchemaRef {
        self.records.schema()
    }

    fn read(&mut self) -> Result<Option<Read>, Fault> {
        let rows = self.rows.min(self.records.num_rows() - self.at);
        if rows == 0 {
            return Ok(None);
        }
        let positions = Positions::Range { first: self.at as u64 + 1 };
        let batch = Batch::new(self.records.slice(self.at, rows), positions);
        self.at += rows;
        Ok(Some(Read { batch, bad: Vec::new(), bytes: 0 }))
    }
}

/// The position of the last record, good or bad.
pub(crate) fn last(read: &Read) -> u64 {
    let good = read.batch.rows().checked_sub(1).map(|it| read.batch.positions.at(it));
    let bad = read.bad.last().map(|it| it.position);
    good.max(bad).unwrap_or(0)
}

/// The position of the first record, good or bad.
pub(crate) fn first(read: &Read) -> Option<u64> {
    let good = (read.batch.rows() > 0).then(|| read.batch.positions.at(0));
    let bad = read.bad.first().map(|it| it.position);
    good.into_iter().chain(bad).min()
}

/// The records from a position to another one.
pub(crate) fn between(read: &Read, from: u64, to: u64) -> Read {
    let fits = |it: u64| (from..=to).contains(&it);
    let mask: BooleanArray =
        (0..read.batch.rows()).map(|it| Some(fits(read.batch.positions.at(it)))).collect();
    let batch = read.batch.filter(&mask).expect("a mask of as many rows");
    let bad = read.bad.iter().filter(|it| fits(it.position)).cloned().collect();
    Read { batch, bad, bytes: 0 }
}

/// The same records further on.
pub(crate) fn moved(read: &Read, by: u64) -> Read {
    let rows = 0..read.batch.rows();
    let positions: Vec<u64> = rows.map(|it| read.batch.positions.at(it) + by).collect();
    let batch = Batch::new(read.batch.records.clone(), Positions::List(positions.into()));
    let bad = read.bad.iter().cloned().map(|mut it| {
        it.position += by;
        it
    });
    Read { batch, bad: bad.collect(), bytes: 0 }
}
