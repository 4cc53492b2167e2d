//! How fast files are read, and JSON is written, against a bare loop over what does the decoding: the same bytes, the same
//! columns, without positions, bad records or bounds. What counts is the time that the core worked for
//! it (Linux says so), whoever else uses the machine. Both count the records that they found.
//!
//! `cargo run --release -p weir-formats --example formats`

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::Schema;
use base64::Engine as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};
use weir_formats::{Compression, FormatConfig, ReadOptions, create, open};

const ROWS: usize = 8_192;
const BATCHES: usize = 60;
/// Records in a batch of a bare loop, as in ours.
const BATCH_ROWS: usize = 2_048;
const ROUNDS: usize = 5;

type Bare = fn(File, &Schema) -> usize;

fn main() {
    let fields = json!([{"name": "id", "type": "int64"}, {"name": "text", "type": "string"},
        {"name": "number", "type": "float64"}, {"name": "flag", "type": "boolean"}]);
    let columns = json!([{"name": "id", "type": "int64", "width": 8},
        {"name": "text", "type": "string", "width": 16},
        {"name": "number", "type": "float64", "width": 12},
        {"name": "flag", "type": "boolean", "width": 5}]);
    let rows: [(&str, Value, Bare); 8] = [
        ("csv", json!({"type": "csv", "schema": fields}), csv),
        ("json", json!({"type": "json", "schema": fields}), lines_of_json),
        ("fixedWidth", json!({"type": "fixedWidth", "columns": columns}), fixed_width),
        ("raw", json!({"type": "raw", "field": "text"}), raw),
        ("protobuf", protobuf_format(), protobuf),
        ("avro", json!({"type": "avro", "codec": "none"}), avro),
        ("arrow", json!({"type": "arrow"}), arrow_ipc),
        ("parquet", json!({"type": "parquet", "compression": "none"}), parquet_file),
    ];
    println!("{:<12} {:>9} {:>12} {:>12} {:>6}", "reads", "MB", "M rows/s", "bare", "ratio");
    for (name, format, bare) in rows {
        let format: FormatConfig = serde_json::from_value(format).expect("a sound format");
        let (file, schema) = written(&format);
        let bytes = file.metadata().expect("it is there").len();
        let again = || {
            let mut file = file.try_clone().expect("a handle");
            file.rewind().expect("a regular file");
            file
        };
        let ours = best(|| ours(&format, again()));
        let bare = best(|| bare(again(), &schema));
        let rate = |seconds: f64| (ROWS * BATCHES) as f64 / seconds / 1e6;
        let (megabytes, ratio) = (bytes as f64 / 1e6, bare / ours);
        println!(
            "{name:<12} {megabytes:>9.1} {:>12.2} {:>12.2} {ratio:>6.2}",
            rate(ours),
            rate(bare)
        );
    }
    println!("{:<12} {:>9} {:>12} {:>12} {:>6}", "writes", "", "M rows/s", "bare", "ratio");
    writes();
}

/// The same for writing lines of JSON to where nothing is kept, against Arrow's writer.
fn writes() {
    let format: FormatConfig =
        serde_json::from_value(json!({"type": "json"})).expect("it is sound");
    let batch = batch();
    let ours = best(|| {
        let out = Box::new(std::io::sink());
        let writer = create(&format, batch.schema(), out, Compression::None);
        let mut writer = writer.expect("it fits");
        (0..BATCHES).for_each(|_| writer.write(&batch).expect("it is written"));
        writer.finish().expect("it is written");
        ROWS * BATCHES
    });
    let bare = best(|| {
        let mut writer = arrow::json::LineDelimitedWriter::new(std::io::sink());
        (0..BATCHES).for_each(|_| writer.write(&batch).expect("it is written"));
        writer.finish().expect("it is written");
        ROWS * BATCHES
    });
    let rate = |seconds: f64| (ROWS * BATCHES) as f64 / seconds / 1e6;
    let (name, ratio) = ("json", bare / ours);
    println!("{name:<12} {:>9} {:>12.2} {:>12.2} {ratio:>6.2}", "", rate(ours), rate(bare));
}

/// The seconds of the fastest round; each must find all records.
fn best(read: impl Fn() -> usize) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let began = worked_seconds();
        assert_eq!(read(), ROWS * BATCHES);
        worked_seconds() - began
    });
    rounds.fold(f64::MAX, f64::min)
}

/// How long a core worked for this thread so far.
fn worked_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
    let nanos = told.split_whitespace().next().and_then(|it| it.parse::<f64>().ok());
    nanos.expect("its first number") / 1e9
}

fn batch() -> RecordBatch {
    let rows = 0..ROWS as i64;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(rows.clone()))),
        (
            "text",
            Arc::new(StringArray::from_iter_values(rows.clone().map(|it| format!("text {it}")))),
        ),
        (
            "number",
            Arc::new(Float64Array::from_iter_values(rows.clone().map(|it| it as f64 / 8.0))),
        ),
        ("flag", Arc::new(BooleanArray::from_iter(rows.map(|it| Some(it % 3 == 0))))),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

fn written(format: &FormatConfig) -> (File, Schema) {
    let mut file = tempfile::tempfile().expect("a place for files");
    let (batch, out) = (batch(), file.try_clone().expect("a handle"));
    let schema = batch.schema();
    let mut writer =
        create(format, schema.clone(), Box::new(out), Compression::None).expect("it fits");
    for _ in 0..BATCHES {
        writer.write(&batch).expect("it is written");
    }
    writer.finish().expect("it is written");
    file.flush().expect("it is written");
    (file, schema.as_ref().clone())
}

fn ours(format: &FormatConfig, file: File) -> usize {
    let mut reader =
        open(format, file, Compression::None, &ReadOptions::default()).expect("it opens");
    let mut rows = 0;
    while let Some(chunk) = reader.read().expect("it is sound") {
        assert!(chunk.bad.is_empty());
        rows += chunk.records.num_rows();
    }
    rows
}

fn count<E: std::fmt::Debug>(batches: impl Iterator<Item = Result<RecordBatch, E>>) -> usize {
    batches.map(|it| it.expect("it is sound").num_rows()).sum()
}

fn csv(file: File, schema: &Schema) -> usize {
    let builder = arrow::csv::ReaderBuilder::new(Arc::new(schema.clone())).with_header(true);
    count(builder.with_batch_size(BATCH_ROWS).build(file).expect("it opens"))
}

fn lines_of_json(file: File, schema: &Schema) -> usize {
    let builder = arrow::json::ReaderBuilder::new(Arc::new(schema.clone()));
    count(builder.with_batch_size(BATCH_ROWS).build(BufReader::new(file)).expect("it opens"))
}

fn fixed_width(file: File, schema: &Schema) -> usize {
    const PLACES: [(usize, usize); 4] = [(0, 8), (8, 24), (24, 36), (36, 41)];
    let (mut reader, mut line, mut rows) = (BufReader::new(file), String::new(), 0);
    loop {
        let mut cells: Vec<_> = PLACES.iter().map(|_| StringBuilder::new()).collect();
        for _ in 0..BATCH_ROWS {
            line.clear();
            if reader.read_line(&mut line).expect("it is sound") == 0 {
                break;
            }
            for ((start, end), cell) in PLACES.iter().zip(&mut cells) {
                cell.append_value(line[*start..*end].trim());
            }
        }
        let columns = cells.iter_mut().zip(schema.fields());
        let columns = columns.map(|(it, field)| cast(&it.finish(), field.data_type()));
        let columns: Vec<_> = columns.map(|it| it.expect("it is sound")).collect();
        if columns[0].is_empty() {
            return rows;
        }
        rows += columns[0].len();
    }
}

fn raw(file: File, _: &Schema) -> usize {
    let (mut reader, mut line, mut rows) = (BufReader::new(file), String::new(), 0);
    loop {
        let mut column = StringBuilder::new();
        for _ in 0..BATCH_ROWS {
            line.clear();
            if reader.read_line(&mut line).expect("it is sound") == 0 {
                break;
            }
            column.append_value(line.trim_end_matches('\n'));
        }
        match column.finish().len() {
            0 => return rows,
            more => rows += more,
        }
    }
}

fn avro(file: File, _: &Schema) -> usize {
    let builder = arrow_avro::reader::ReaderBuilder::new().with_batch_size(BATCH_ROWS);
    count(builder.build(BufReader::new(file)).expect("it opens"))
}

fn arrow_ipc(file: File, _: &Schema) -> usize {
    count(arrow::ipc::reader::FileReader::try_new_buffered(file, None).expect("it opens"))
}

fn parquet_file(file: File, _: &Schema) -> usize {
    let builder = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
    let builder = builder.expect("it opens").with_batch_size(BATCH_ROWS);
    count(builder.build().expect("it opens"))
}

const MESSAGE: &str = "bench.Row";

fn protobuf_format() -> Value {
    let descriptors = base64::engine::general_purpose::STANDARD.encode(descriptors());
    json!({"type": "protobuf", "descriptors": descriptors, "message": MESSAGE})
}

/// A file with one message of four optional fields, as the compiler would describe it.
fn descriptors() -> Vec<u8> {
    let sized = |tag: u8, bytes: &[u8]| [&[tag, bytes.len() as u8][..], bytes].concat();
    let field = |name: &str, number: u8, kind: u8| {
        let rest = [0x18, number, 0x20, 1, 0x28, kind];
        sized(0x12, &[&sized(0x0a, name.as_bytes())[..], &rest].concat())
    };
    let fields =
        [field("id", 1, 3), field("text", 2, 9), field("number", 3, 1), field("flag", 4, 8)];
    let message = sized(0x22, &[sized(0x0a, b"Row"), fields.concat()].concat());
    let file = [sized(0x0a, b"row.proto"), sized(0x12, b"bench"), message].concat();
    sized(0x0a, &file)
}

/// Rows as objects, of which no column is made: there is no decoder of others that makes columns.
fn protobuf(file: File, _: &Schema) -> usize {
    let pool = DescriptorPool::decode(&descriptors()[..]).expect("they are sound");
    let message = pool.get_message_by_name(MESSAGE).expect("it is there");
    let (mut bytes, mut at, mut rows) = (Vec::new(), 0, 0);
    BufReader::new(file).read_to_end(&mut bytes).expect("it is sound");
    while at < bytes.len() {
        // No record has more than 127 bytes.
        let (start, end) = (at + 1, at + 1 + usize::from(bytes[at]));
        DynamicMessage::decode(message.clone(), &bytes[start..end]).expect("it is sound");
        (at, rows) = (end, rows + 1);
    }
    rows
}
