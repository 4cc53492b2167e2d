//! Records of files that could not be read, read again one by one: each stands alone, below the header
//! of its file if that had one, so that a bad one takes none of the others along.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Seek as _, Write as _};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use rustix::fs::{MemfdFlags, memfd_create};
use weir_domain::Fault;
use weir_formats::{
    Chunk, Compression, FormatConfig, JsonConfig, JsonLayout, MessageDecoder, ReadOptions,
    message_decoder,
};
use weir_stream::{BadRecord, Batch, Positions, RawLetter, Read, RecordReader};

use super::codes;

/// Letters that are read at once.
const ROWS: usize = 256;

pub(super) fn reader(
    format: &FormatConfig,
    options: ReadOptions,
    letters: Vec<RawLetter>,
) -> Result<Box<dyn RecordReader>, Fault> {
    let way = match format {
        FormatConfig::Csv(_) => Way::File(format.clone(), options),
        FormatConfig::Json(it) => {
            let lines = JsonConfig { layout: JsonLayout::Lines, ..it.clone() };
            Way::File(FormatConfig::Json(lines), options)
        }
        FormatConfig::Parquet(_) | FormatConfig::Arrow(_) => return Err(whole(format)),
        FormatConfig::FixedWidth(_)
        | FormatConfig::Raw(_)
        | FormatConfig::Avro(_)
        | FormatConfig::Protobuf(_) => Way::Messages(message_decoder(format, &options)?),
    };
    let schema = match (&way, format.declared_schema()) {
        (Way::Messages(it), _) => it.schema(),
        (_, Ok(Some(schema))) => schema,
        // Of a few bad records nobody can tell what fields all of them have.
        (_, Ok(None) | Err(_)) => return Err(undeclared(format)),
    };
    Ok(Box::new(Rereader { way, schema, letters: letters.into(), next: 1 }))
}

enum Way {
    File(FormatConfig, ReadOptions),
    Messages(MessageDecoder),
}

struct Rereader {
    way: Way,
    schema: SchemaRef,
    letters: VecDeque<RawLetter>,
    /// Position of the next letter.
    next: u64,
}

impl Way {
    fn read(&mut self, letter: &RawLetter) -> Result<Chunk, Fault> {
        match self {
            Self::Messages(decoder) => decoder.decode(&[&letter.raw], 1),
            Self::File(format, options) => {
                let file = file(letter).map_err(|it| {
                    Fault::transient(codes::INPUT_FILE, format!("no memory for a letter: {it}"))
                })?;
                let mut reader = weir_formats::open(format, file, Compression::None, options)?;
                let chunk = reader.read()?;
                Ok(chunk.unwrap_or_else(|| empty(reader.schema())))
            }
        }
    }
}

impl RecordReader for Rereader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn read(&mut self) -> Result<Option<Read>, Fault> {
        let (mut rows, mut positions, mut bad, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
        while positions.len() + bad.len() < ROWS
            && let Some(letter) = self.letters.pop_front()
        {
            let position = self.next;
            (self.next, bytes) = (self.next + 1, bytes + letter.raw.len() as u64);
            let refused = |reason: String| {
                let (line, offset, raw) = (None, None, letter.raw.clone());
                BadRecord { position, line, offset, raw, raw_cut: false, reason }
            };
            match self.way.read(&letter) {
                Ok(Chunk { records, bad, .. }) if records.num_rows() == 1 && bad.is_empty() => {
                    rows.push(records);
                    positions.push(position);
                }
                Ok(chunk) => {
                    let why = chunk.bad.into_iter().next().map(|it| it.reason);
                    bad.push(refused(why.unwrap_or_else(|| "it is no single record".into())));
                }
                Err(fault) if fault.kind == weir_domain::FaultKind::Transient => return Err(fault),
                Err(fault) => bad.push(refused(fault.message)),
            }
        }
        if positions.is_empty() && bad.is_empty() {
            return Ok(None);
        }
        let records = concat_batches(&self.schema, &rows).map_err(|it| {
            Fault::config(codes::CONFIG, format!("the letters make no records: {it}"))
        })?;
        let batch = Batch::new(records, Positions::List(positions.into()));
        Ok(Some(Read { batch, bad, bytes }))
    }
}

fn empty(schema: SchemaRef) -> Chunk {
    let positions = Positions::Range { first: 1 };
    Chunk { records: RecordBatch::new_empty(schema), positions, bad: Vec::new() }
}

/// What the letter was part of, with nothing in it but the letter.
fn file(letter: &RawLetter) -> std::io::Result<File> {
    let mut file = File::from(memfd_create("letter", MemfdFlags::CLOEXEC)?);
    if let Some(header) = &letter.header {
        writeln!(file, "{header}")?;
    }
    file.write_all(&letter.raw)?;
    file.write_all(b"\n")?;
    file.rewind()?;
    Ok(file)
}

fn whole(format: &FormatConfig) -> Fault {
    let message = format!("a record of {} can't be read without its file", format.extension());
    Fault::config(codes::CONFIG, message).with_hint("mend the file and let it be processed again")
}

fn undeclared(format: &FormatConfig) -> Fault {
    let message = format!("the fields of the format {} are not declared", format.extension());
    Fault::config(codes::CONFIG, message)
        .with_hint("name the fields of the format in its schema, and deploy the workflow")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(
        format: serde_json::Value,
        letters: &[(Option<&str>, &str)],
    ) -> (Vec<u64>, Vec<String>) {
        let format: FormatConfig = serde_json::from_value(format).unwrap();
        let letter = |it: &(Option<&str>, &str)| RawLetter {
            header: it.0.map(str::to_owned),
            raw: it.1.to_owned().into(),
        };
        let letters = letters.iter().map(letter).collect();
        let mut reader = reader(&format, ReadOptions::default(), letters).unwrap();
        let read = reader.read().unwrap().unwrap();
        assert!(reader.read().unwrap().is_none());
        let good = (0..read.batch.rows()).map(|row| read.batch.positions.at(row)).collect();
        let bad = read.bad.into_iter().map(|it| format!("{}: {}", it.position, it.reason));
        (good, bad.collect())
    }

    #[test]
    fn each_letter_stands_alone_below_its_own_header() {
        let fields = json!([{ "name": "id", "type": "int64" }, { "name": "n", "type": "string" }]);
        let csv = json!({ "type": "csv", "schema": fields });
        let letters = [
            (Some("id,n"), "1,a"),
            (Some("id,n"), "2,\"open"),
            (Some("n,id"), "c,3"),
            (Some("id,n"), "x,d"),
        ];
        let (good, bad) = read(csv, &letters);
        assert_eq!((good, bad.len()), (vec![1, 3], 2), "{bad:?}");
        assert!(bad[0].starts_with("2: ") && bad[1].starts_with("4: "), "{bad:?}");
        let json_lines = json!({ "type": "json", "schema": fields });
        let (good, bad) = read(json_lines, &[(None, r#"{"id":1}"#), (None, r#"{"id":"#)]);
        assert_eq!((good, bad.len()), (vec![1], 1), "{bad:?}");
    }

    #[test]
    fn what_means_nothing_without_its_file_is_refused() {
        for format in [json!({ "type": "parquet" }), json!({ "type": "csv" })] {
            let format: FormatConfig = serde_json::from_value(format).unwrap();
            assert!(reader(&format, ReadOptions::default(), Vec::new()).is_err());
        }
    }
}
