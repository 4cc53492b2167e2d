//! Arrow IPC: what is read back, what other implementations wrote, and what is refused.

use std::sync::Arc;

use arrow::array::{
    DictionaryArray, Int32Array, Int64Array, MapArray, MapBuilder, NullArray, RecordBatch,
    StringArray, StringBuilder, UInt64Builder,
};
use arrow::datatypes::Int32Type;
use weir_domain::FaultKind;
use weir_formats::{Compression, ReadOptions, open};

use crate::random::Random;
use crate::support::{config, file_of, read, read_with, write};

const FILE: &str = r#"{"type": "arrow"}"#;
const STREAM: &str = r#"{"type": "arrow", "layout": "stream"}"#;
const SMALL: &str = r#"{"type": "arrow", "compression": "lz4"}"#;

fn batch(rows: i64) -> RecordBatch {
    let numbers = Arc::new(Int64Array::from_iter_values(0..rows));
    let texts = Arc::new(StringArray::from_iter_values((0..rows).map(|it| format!("text {it}"))));
    RecordBatch::try_from_iter([("n", numbers as _), ("s", texts as _)]).unwrap()
}

fn map() -> MapArray {
    let mut map = MapBuilder::new(None, StringBuilder::new(), UInt64Builder::new());
    map.keys().append_value("k");
    map.values().append_value(u64::MAX);
    map.append(true).unwrap();
    map.append(false).unwrap();
    map.finish()
}

#[test]
fn records_keep_their_positions_across_messages() {
    for format in [FILE, STREAM, SMALL] {
        let bytes = write(&config(format), &[batch(3000), batch(0), batch(2000)]);
        for block_bytes in [7, 1 << 16] {
            let options = ReadOptions { batch_rows: 700, block_bytes, ..ReadOptions::default() };
            let outcome = read_with(&config(format), &bytes, &options);
            assert_eq!(outcome.fault, None);
            let positions: Vec<_> = outcome.rows.iter().map(|it| it.0).collect();
            assert_eq!(positions, (1..=5000).collect::<Vec<_>>());
            assert_eq!(outcome.rows[4999].1["s"], "text 1999");
        }
    }
}

#[test]
fn columns_come_back_as_they_were() {
    let texts: DictionaryArray<Int32Type> = ["x", "y"].into_iter().collect();
    let batch = RecordBatch::try_from_iter([
        ("d", Arc::new(texts) as _),
        ("m", Arc::new(map()) as _),
        ("n", Arc::new(NullArray::new(2)) as _),
        ("i", Arc::new(Int32Array::from(vec![Some(1), None])) as _),
    ]);
    let batch = batch.unwrap();
    for format in [FILE, STREAM, SMALL] {
        let bytes = write(&config(format), std::slice::from_ref(&batch));
        let options = ReadOptions::default();
        let mut reader =
            open(&config(format), file_of(&bytes), Compression::Auto, &options).unwrap();
        assert_eq!(reader.read().unwrap().unwrap().records, batch);
        assert!(reader.read().unwrap().is_none());
    }
}

#[test]
fn files_of_another_implementation_are_read() {
    let golden: [&[u8]; 6] = [
        include_bytes!("../golden/rows-plain.arrow"),
        include_bytes!("../golden/rows-lz4.arrow"),
        include_bytes!("../golden/rows-zstd.arrow"),
        include_bytes!("../golden/rows-plain.arrows"),
        include_bytes!("../golden/rows-lz4.arrows"),
        include_bytes!("../golden/rows-zstd.arrows"),
    ];
    let long = "y".repeat(500);
    for bytes in golden {
        let outcome = read(FILE, bytes);
        let expected = [
            format!(
                r#"4 {{"id":1,"text":"a","tags":["x"],"at":"1970-01-01T00:00:00Z","who":{{"name":"n"}},"long":"{long}"}}"#
            ),
            format!(
                r#"5 {{"text":"ü","tags":[],"at":"1970-01-01T00:00:00.000001Z","long":"{long}"}}"#
            ),
            format!(
                r#"6 {{"id":3,"at":"1969-12-31T23:59:59.999999Z","who":{{}},"long":"{long}"}}"#
            ),
        ];
        assert_eq!(outcome.text()[3..], expected);
    }
}

#[test]
fn long_records_make_short_chunks() {
    let texts = (0..100).map(|it| format!("{it}{}", "x".repeat(1000)));
    let column = Arc::new(StringArray::from_iter_values(texts));
    let batch = RecordBatch::try_from_iter([("s", column as _)]).unwrap();
    let bytes = write(&config(FILE), &[batch]);
    let options = ReadOptions { batch_bytes: 20_000, ..ReadOptions::default() };
    let mut reader = open(&config(FILE), file_of(&bytes), Compression::Auto, &options).unwrap();
    let first = reader.read().unwrap().unwrap();
    assert!(first.records.num_rows() <= 20, "{}", first.records.num_rows());
    assert!(reader.bytes_read() > 0 && reader.bytes_read() <= bytes.len() as u64);
}

#[test]
fn what_is_cut_off_is_told_with_its_place() {
    let whole = write(&config(FILE), &[batch(100), batch(100)]);
    for keep in (0..whole.len()).step_by(29) {
        let outcome = read_with(&config(FILE), &whole[..keep], &ReadOptions::default());
        let fault = outcome.fault.unwrap_or_else(|| panic!("{keep} bytes are taken as a file"));
        assert_eq!(fault.kind, FaultKind::Data, "{fault}");
        assert!(fault.message.starts_with("the file can't be read as Arrow IPC: "), "{fault}");
    }
    let fault = read(FILE, &whole[..whole.len() - 1]).fault.unwrap();
    assert!(fault.message.contains("its footer is cut off (byte "), "{fault}");
    assert!(fault.message.ends_with("after record 200)"), "{fault}");
    let stream = write(&config(STREAM), &[batch(100)]);
    let fault = read(STREAM, &[&stream[..], b"x"].concat()).fault.unwrap();
    assert!(fault.message.contains("something follows behind its end"), "{fault}");
    let fault = read(STREAM, &stream[..stream.len() - 20]).fault.unwrap();
    assert!(fault.message.contains("it ends within a message"), "{fault}");
}

#[test]
fn what_is_damaged_is_refused_and_nothing_panics_through() {
    for format in [FILE, STREAM, SMALL] {
        let batch = RecordBatch::try_from_iter([("m", Arc::new(map()) as _)]).unwrap();
        for whole in [
            write(&config(format), &[crate::arrow_ipc::batch(300)]),
            write(&config(format), &[batch]),
        ] {
            let mut random = Random::new(13);
            for _ in 0..300 {
                let mut torn = whole.clone();
                for _ in 0..1 + random.below(4) {
                    let at = random.below(torn.len());
                    torn[at] = random.below(256) as u8;
                }
                let outcome = open(
                    &config(format),
                    file_of(&torn),
                    Compression::None,
                    &ReadOptions::default(),
                );
                let Ok(mut reader) = outcome else { continue };
                for _ in 0..1000 {
                    match reader.read() {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(fault) => {
                            assert_eq!(fault.kind, FaultKind::Data);
                            break;
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn sizes_that_can_not_be_are_not_believed() {
    let huge_metadata = [&b"\xff\xff\xff\xff\xff\xff\xff\x7f"[..], &[0; 64]].concat();
    let fault = read(STREAM, &huge_metadata).fault.unwrap();
    assert!(fault.message.contains("is said to have 2147483647 bytes"), "{fault}");
    // The size that a compressed buffer states stands before it.
    let column = Arc::new(Int64Array::from(vec![7; 512]));
    let batch = RecordBatch::try_from_iter([("n", column as _)]).unwrap();
    let mut whole = write(&config(SMALL), &[batch]);
    let stated = 4096_u64.to_le_bytes();
    let at = whole.windows(8).position(|it| it == stated && it.len() == 8).unwrap();
    let at = whole[at + 1..].windows(8).position(|it| it == stated).map_or(at, |it| at + 1 + it);
    whole[at..at + 8].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    let fault = read(SMALL, &whole).fault.unwrap();
    assert!(fault.message.contains("bytes, and 536870912 are the most"), "{fault}");
}
