//! Parquet: what is read back, how memory is bounded, and what is refused.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use parquet::file::reader::{FileReader, SerializedFileReader};
use weir_domain::FaultKind;
use weir_formats::{Compression, ReadOptions, create, open};

use crate::support::{Shared, config, file_of, read, read_with, write};

const PARQUET: &str = r#"{"type": "parquet"}"#;

fn batch(rows: i64) -> RecordBatch {
    let numbers = Arc::new(Int64Array::from_iter_values(0..rows));
    let texts = Arc::new(StringArray::from_iter_values((0..rows).map(|it| format!("text {it}"))));
    RecordBatch::try_from_iter([("n", numbers as _), ("s", texts as _)]).unwrap()
}

#[test]
fn records_keep_their_positions() {
    let bytes = write(&config(PARQUET), &[batch(5000)]);
    let outcome = read(PARQUET, &bytes);
    let positions: Vec<_> = outcome.rows.iter().map(|it| it.0).collect();
    assert_eq!(positions, (1..=5000).collect::<Vec<_>>());
    assert_eq!(outcome.rows[4999].1["s"], "text 4999");
}

#[test]
fn row_groups_are_bounded_by_rows() {
    let format = r#"{"type": "parquet", "rowGroupRows": 1000, "compression": "snappy"}"#;
    let bytes = write(&config(format), &[batch(700), batch(700), batch(1600)]);
    let file = SerializedFileReader::new(file_of(&bytes)).unwrap();
    let groups = file.metadata().row_groups();
    assert_eq!(groups.iter().map(|it| it.num_rows()).collect::<Vec<_>>(), [1000, 1000, 1000]);
    assert!(groups[0].column(0).statistics().is_some());
}

#[test]
fn a_row_group_can_be_ended_early_to_free_its_memory() {
    let out = Shared::default();
    let schema = batch(0).schema();
    let mut writer =
        create(&config(PARQUET), schema, Box::new(out.clone()), Compression::None).unwrap();
    assert_eq!(writer.bytes_buffered(), 0);
    writer.write(&batch(700)).unwrap();
    assert!(writer.bytes_buffered() > 700);
    writer.flush().unwrap();
    assert_eq!(writer.bytes_buffered(), 0);
    writer.flush().unwrap();
    writer.write(&batch(300)).unwrap();
    writer.finish().unwrap();
    let file = SerializedFileReader::new(file_of(&out.bytes())).unwrap();
    let groups = file.metadata().row_groups();
    assert_eq!(groups.iter().map(|it| it.num_rows()).collect::<Vec<_>>(), [700, 300]);
}

#[test]
fn long_records_make_short_chunks() {
    let texts = (0..100).map(|it| format!("{it}{}", "x".repeat(1000)));
    let column = Arc::new(StringArray::from_iter_values(texts));
    let batch = RecordBatch::try_from_iter([("s", column as _)]).unwrap();
    let bytes = write(&config(PARQUET), &[batch]);
    let options = ReadOptions { batch_bytes: 20_000, ..ReadOptions::default() };
    let mut reader = open(&config(PARQUET), file_of(&bytes), Compression::Auto, &options).unwrap();
    let first = reader.read().unwrap().unwrap();
    assert!(first.records.num_rows() <= 20, "{}", first.records.num_rows());
    assert!(reader.bytes_read() > 0 && reader.bytes_read() <= bytes.len() as u64);
}

#[test]
fn what_is_damaged_is_refused_and_nothing_panics_through() {
    let whole = write(&config(PARQUET), &[batch(3000)]);
    for bytes in [&b""[..], b"PAR1", b"a,b\n1,2\n3,4\n", &whole[..whole.len() - 1]] {
        let fault = read(PARQUET, bytes).fault.unwrap();
        assert_eq!(fault.kind, FaultKind::Data, "{fault}");
        assert!(fault.message.starts_with("the file can't be read as Parquet: "), "{fault}");
    }
    let mut random = crate::random::Random::new(11);
    for _ in 0..200 {
        let mut torn = whole.clone();
        for _ in 0..1 + random.below(4) {
            let at = random.below(torn.len());
            torn[at] = random.below(256) as u8;
        }
        let outcome = read_with(&config(PARQUET), &torn, &ReadOptions::default());
        assert!(outcome.fault.is_none_or(|it| it.kind == FaultKind::Data));
    }
}

#[test]
fn nothing_can_be_compressed_around_it() {
    let options = ReadOptions::default();
    for compression in [Compression::Gzip, Compression::Zstd] {
        let fault = open(&config(PARQUET), file_of(b""), compression, &options).err().unwrap();
        assert_eq!(fault.kind, FaultKind::Config);
        let out = Box::new(Vec::new());
        let fault = create(&config(PARQUET), batch(1).schema(), out, compression).err().unwrap();
        assert_eq!(fault.kind, FaultKind::Config);
    }
}
