//! Dead letters as records: what was wrong, with which record of which item, and the record.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanBuilder, RecordBatch, StringBuilder, UInt64Builder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base64::Engine as _;
use weir_domain::StageId;
use weir_records::beginning;
use weir_secrets::Opened;

use crate::{BadRecord, Batch, Positions, StreamContext};

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str| Field::new(name, DataType::UInt64, true);
    Arc::new(Schema::new(vec![
        text("workflow"),
        text("stage"),
        text("stream"),
        text("item"),
        number("position"),
        number("line"),
        number("offset"),
        text("reason"),
        text("raw"),
        text("rawBase64"),
        Field::new("rawCut", DataType::Boolean, true),
    ]))
});

/// The columns of every dead letter. `raw` is the record as text; where it is no UTF-8,
/// `rawBase64` has its bytes instead. `rawCut` is true where that is only the beginning.
pub fn dead_letter_schema() -> SchemaRef {
    SCHEMA.clone()
}

/// Bad records of a stage as a batch for the dead-letter sink.
pub(crate) fn batch(
    stream: &StreamContext,
    stage: &StageId,
    bad: &[BadRecord],
    secrets: &Opened,
    raw_bytes_max: usize,
) -> Batch {
    let repeat = |text: &str| -> ArrayRef {
        let mut column = StringBuilder::new();
        bad.iter().for_each(|_| column.append_value(text));
        Arc::new(column.finish())
    };
    let (mut position, mut line, mut offset) =
        (UInt64Builder::new(), UInt64Builder::new(), UInt64Builder::new());
    let (mut reason, mut raw, mut encoded) =
        (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
    let mut cut = BooleanBuilder::new();
    for record in bad {
        let (kept, is_cut) = beginning(&record.raw, raw_bytes_max);
        cut.append_option((is_cut || record.raw_cut).then_some(true));
        position.append_value(record.position);
        line.append_option(record.line);
        offset.append_option(record.offset);
        reason.append_value(secrets.masked(&record.reason));
        match std::str::from_utf8(&kept) {
            Ok(text) => {
                raw.append_value(text);
                encoded.append_null();
            }
            Err(_) => {
                raw.append_null();
                let engine = base64::engine::general_purpose::STANDARD;
                encoded.append_value(engine.encode(&kept));
            }
        }
    }
    let columns: Vec<ArrayRef> = vec![
        repeat(stream.workflow.as_str()),
        repeat(stage.as_str()),
        repeat(&stream.stream.to_string()),
        repeat(&stream.item),
        Arc::new(position.finish()),
        Arc::new(line.finish()),
        Arc::new(offset.finish()),
        Arc::new(reason.finish()),
        Arc::new(raw.finish()),
        Arc::new(encoded.finish()),
        Arc::new(cut.finish()),
    ];
    let records = RecordBatch::try_new(dead_letter_schema(), columns);
    let records = records.expect("the columns are built after the schema");
    let positions = bad.iter().map(|it| it.position).collect::<Vec<_>>();
    Batch::new(records, Positions::List(positions.into()))
}
