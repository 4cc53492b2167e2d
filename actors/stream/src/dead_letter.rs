//! Dead letters as records: what was wrong, with which record of which item, and the record.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanBuilder, RecordBatch, StringBuilder, UInt64Builder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base64::Engine as _;
use weir_records::beginning;

use crate::stage::Guard;
use crate::{BadRecord, Batch, Positions};

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
        text("header"),
        number("attempt"),
    ]))
});

/// The columns of every dead letter. `raw` is the record as text; where it is no UTF-8,
/// `rawBase64` has its bytes instead. `rawCut` is true where that is only the beginning. `header` is
/// what stands before the records of the item and says what they mean. `attempt` is there from the
/// second time on that the record fails: it was replayed.
pub fn dead_letter_schema() -> SchemaRef {
    SCHEMA.clone()
}

/// Bad records of a stage as a batch for the dead-letter sink.
pub(crate) fn batch(guard: &Guard, header: Option<&str>, bad: &[BadRecord]) -> Batch {
    let Guard { stream, secrets, raw_bytes_max, origins, .. } = guard;
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
    let (mut item, mut headers, mut attempt) =
        (StringBuilder::new(), StringBuilder::new(), UInt64Builder::new());
    for record in bad {
        let origin = origins.of(record.position);
        item.append_value(secrets.masked(origin.map_or(&stream.item, |it| &it.item)));
        headers.append_option(origin.map_or(header, |it| it.header.as_deref()));
        attempt.append_option(origin.map(|it| u64::from(it.attempt) + 1));
        let (kept, is_cut) = beginning(&record.raw, *raw_bytes_max);
        cut.append_option((is_cut || record.raw_cut).then_some(true));
        position.append_value(origin.map_or(record.position, |it| it.position));
        line.append_option(origin.map_or(record.line, |it| it.line));
        offset.append_option(origin.map_or(record.offset, |it| it.offset));
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
        repeat(origins.stage(&guard.stage).as_str()),
        repeat(&stream.stream.to_string()),
        Arc::new(item.finish()),
        Arc::new(position.finish()),
        Arc::new(line.finish()),
        Arc::new(offset.finish()),
        Arc::new(reason.finish()),
        Arc::new(raw.finish()),
        Arc::new(encoded.finish()),
        Arc::new(cut.finish()),
        Arc::new(headers.finish()),
        Arc::new(attempt.finish()),
    ];
    let records = RecordBatch::try_new(dead_letter_schema(), columns);
    let records = records.expect("the columns are built after the schema");
    let positions = bad.iter().map(|it| it.position).collect::<Vec<_>>();
    Batch::new(records, Positions::List(positions.into()))
}
