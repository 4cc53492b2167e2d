//! An entry of the outbox: records as a stream of Arrow IPC.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use weir_domain::Fault;

use super::codes;

pub(super) fn write(records: &RecordBatch) -> Result<Vec<u8>, Fault> {
    let mut content = Vec::new();
    let write = |content: &mut Vec<u8>| -> Result<(), ArrowError> {
        let mut writer = StreamWriter::try_new(content, &records.schema())?;
        writer.write(records)?;
        writer.finish()
    };
    write(&mut content).map_err(|error| {
        Fault::config(codes::ENTRY, format!("records can't be put into the outbox: {error}"))
    })?;
    Ok(content)
}

pub(super) fn read(content: &Bytes) -> Result<Vec<RecordBatch>, Fault> {
    let reader = StreamReader::try_new(content.as_ref(), None);
    reader.and_then(Iterator::collect).map_err(|error| {
        let message = format!("records in the outbox can't be read: {error}");
        Fault::config(codes::ENTRY, message)
            .with_hint("run the version of weir that wrote them, or a newer one")
    })
}
