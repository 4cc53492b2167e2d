//! What is damaged below its records, and what the system refuses.

use std::fs::File;
use std::io::{self, Write};

use weir_domain::FaultKind;
use weir_formats::{Compression, ReadOptions, create, open};

use crate::support::{config, read, read_with, write_compressed};

const CSV: &str = r#"{"type": "csv"}"#;

fn compressed(compression: Compression) -> Vec<u8> {
    let rows: String = (0..5000).map(|it| format!("{it},{}\n", it * 7919 % 1009)).collect();
    let read = read(CSV, format!("a,b\n{rows}").as_bytes());
    let columns = |name: &str| -> arrow::array::ArrayRef {
        let values = read.rows.iter().map(|(_, row)| row[name].as_i64().unwrap());
        std::sync::Arc::new(arrow::array::Int64Array::from_iter_values(values))
    };
    let batch = arrow::array::RecordBatch::try_new(
        read.schema.clone().unwrap(),
        vec![columns("a"), columns("b")],
    );
    write_compressed(&config(CSV), &[batch.unwrap()], compression)
}

#[test]
fn compressed_data_that_is_cut_off_is_a_fault() {
    for (compression, name) in
        [(Compression::Gzip, "gzip"), (Compression::Zstd, "zstd"), (Compression::Lz4, "LZ4")]
    {
        let whole = compressed(compression);
        assert_eq!(read(CSV, &whole).rows.len(), 5000);
        for keep in [5, whole.len() / 2, whole.len() - 1] {
            let fault = read(CSV, &whole[..keep]).fault;
            let fault = fault.unwrap_or_else(|| panic!("{keep} bytes of {name} are taken"));
            assert_eq!(fault.kind, FaultKind::Data, "{keep} bytes of {name}");
            let start = format!("the {name} data is damaged or cut off near byte {keep} of");
            assert!(fault.message.starts_with(&start), "{}", fault.message);
        }
        let mut torn = whole.clone();
        let middle = torn.len() / 2;
        torn[middle..middle + 20].fill(0xaa);
        assert_eq!(read(CSV, &torn).fault.unwrap().kind, FaultKind::Data);
    }
}

#[test]
fn several_compressed_parts_are_one_input() {
    let part = |text: &str, compression| {
        let mut bytes = Vec::new();
        match compression {
            Compression::Gzip => {
                let level = flate2::Compression::fast();
                let mut encoder = flate2::write::GzEncoder::new(&mut bytes, level);
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap();
            }
            Compression::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(&mut bytes);
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap();
            }
            Compression::Snappy => {
                let mut encoder = snap::write::FrameEncoder::new(&mut bytes);
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.flush().unwrap();
            }
            _ => bytes = zstd::encode_all(text.as_bytes(), 1).unwrap(),
        }
        bytes
    };
    for compression in [Compression::Gzip, Compression::Zstd, Compression::Lz4, Compression::Snappy]
    {
        let parts = [part("a,b\n1", compression), part("0,2\n3", compression)];
        let bytes = [parts.concat(), part(",4\n", compression)].concat();
        let outcome = read(CSV, &bytes);
        assert_eq!(outcome.text(), [r#"1 {"a":10,"b":2}"#, r#"2 {"a":3,"b":4}"#]);
    }
}

#[test]
fn a_compression_that_is_named_is_expected() {
    let options = ReadOptions::default();
    let open = |bytes: &[u8], compression| {
        open(&config(CSV), crate::support::file_of(bytes), compression, &options)
    };
    let fault = open(b"a,b\n1,2\n", Compression::Gzip).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Data);
    assert!(open(b"", Compression::Gzip).unwrap().read().unwrap().is_none());
    assert!(open(&compressed(Compression::Gzip), Compression::Gzip).is_ok());
}

#[test]
fn a_directory_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = File::open(directory.path()).unwrap();
    let fault = open(&config(CSV), file, Compression::Auto, &ReadOptions::default());
    assert_eq!(fault.err().unwrap().kind, FaultKind::Transient);
}

#[test]
fn text_of_sixteen_bits_is_refused() {
    let fault = read(CSV, b"\xff\xfea\0,\0b\0").fault.unwrap();
    assert_eq!(fault.message, "the file is UTF-16 text");
}

#[test]
fn any_garbage_is_read_to_its_end_or_refused() {
    let mut random = crate::random::Random::new(7);
    for round in 0..100 {
        let length = random.below(3000);
        let alphabet = b"{}[]\",:\\\n\r \t0123e.-aAtrue\xff\xe2\x82#";
        let garbage: Vec<u8> =
            (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
        let options = ReadOptions {
            block_bytes: 1 + random.below(200),
            batch_rows: 1 + random.below(20),
            max_record_bytes: 1 + random.below(300),
            ..ReadOptions::default()
        };
        for format in [
            CSV,
            r##"{"type": "csv", "header": false, "comment": "#", "escape": "\\"}"##,
            r#"{"type": "json"}"#,
            r#"{"type": "json", "layout": "array"}"#,
            r#"{"type": "parquet"}"#,
            r#"{"type": "arrow"}"#,
            r#"{"type": "avro"}"#,
            r#"{"type": "raw", "framing": "varint", "content": "bytes"}"#,
            r#"{"type": "raw", "framing": "uint16Le"}"#,
            r#"{"type": "fixedWidth", "framing": "none", "encoding": "latin1",
                "columns": [{"name": "a", "type": "int", "width": 3}]}"#,
        ] {
            let outcome = read_with(&config(format), &garbage, &options);
            let known = outcome.rows.iter().map(|it| it.0);
            let mut positions: Vec<_> =
                known.chain(outcome.bad.iter().map(|it| it.position)).collect();
            positions.sort_unstable();
            let expected: Vec<_> = (1..=positions.len() as u64).collect();
            assert_eq!(positions, expected, "round {round}, {format}");
        }
    }
}

/// A disk that is full after some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 < bytes.len() {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_may_heal() {
    let values: Vec<_> = (0..200_000_i64).collect();
    let column = std::sync::Arc::new(arrow::array::Int64Array::from(values));
    let batch = arrow::array::RecordBatch::try_from_iter([("a", column as _)]).unwrap();
    for (format, compression) in [
        (CSV, Compression::None),
        (CSV, Compression::Gzip),
        (CSV, Compression::Lz4),
        (CSV, Compression::Snappy),
        (r#"{"type": "avro"}"#, Compression::None),
        (r#"{"type": "arrow"}"#, Compression::None),
        (r#"{"type": "json"}"#, Compression::Zstd),
        (r#"{"type": "json", "layout": "array"}"#, Compression::None),
        (r#"{"type": "parquet"}"#, Compression::None),
    ] {
        for room in [0, 1000, 100_000] {
            let out = Box::new(Full(room));
            let writer = create(&config(format), batch.schema(), out, compression);
            let written = writer.and_then(|mut writer| {
                writer.write(&batch)?;
                writer.finish()
            });
            let Err(fault) = written else { continue };
            assert_eq!(fault.kind, FaultKind::Transient, "{format}: {fault}");
            assert!(fault.hint.is_some());
        }
    }
}
