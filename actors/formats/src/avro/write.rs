//! Writing container files. The same records make the same bytes.

use std::io::Write as _;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use twox_hash::XxHash3_128;
use weir_domain::Fault;

use super::config::{AvroCodec, AvroConfig};
use super::container::{CODEC_KEY, MAGIC, MARK_BYTES, SCHEMA_KEY};
use super::encode::Records;
use crate::framing::put_varint;
use crate::output::Output;
use crate::{Writer, fault};

/// Large enough for a compressor, small enough for those who read blocks at random.
const BLOCK_BYTES: usize = 64 * 1024;

pub(crate) fn create(
    config: &AvroConfig,
    schema: &SchemaRef,
    output: Output,
) -> Result<Box<dyn Writer>, Fault> {
    if config.registry.is_some() {
        let cause = "a file of Avro has its schema in it, and no registry";
        return Err(fault::combination(cause, "remove the format's `registry`"));
    }
    let records = Records::new(config, schema)?;
    let (codec, block) = (config.codec, Pending::default());
    Ok(Box::new(AvroWriter { records, codec, output, mark: None, block, written: 0 }))
}

struct AvroWriter {
    records: Records,
    codec: AvroCodec,
    output: Output,
    /// Stands behind every block. Known once the header is written.
    mark: Option<[u8; MARK_BYTES]>,
    block: Pending,
    /// Records taken so far.
    written: u64,
}

/// The block that is being filled.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    count: usize,
}

impl Writer for AvroWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        let encoded = self.records.put(batch, &[], &mut bytes, &mut ends);
        encoded.map_err(|it| self.output.fault(&it.text(self.written)))?;
        let mut start = 0;
        for end in ends {
            self.block.bytes.extend_from_slice(&bytes[start..end]);
            self.block.count += 1;
            start = end;
            if self.block.bytes.len() >= BLOCK_BYTES {
                self.flush()?;
            }
        }
        self.written += batch.num_rows() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), Fault> {
        self.flush()?;
        // A file without records has a header all the same.
        self.mark()?;
        self.output.finish()
    }

    fn bytes_written(&self) -> u64 {
        self.output.meter().bytes() + self.block.bytes.len() as u64
    }

    fn bytes_buffered(&self) -> usize {
        self.block.bytes.len()
    }

    fn flush(&mut self) -> Result<(), Fault> {
        if self.block.count == 0 {
            return Ok(());
        }
        let mark = self.mark()?;
        let Pending { bytes, count } = std::mem::take(&mut self.block);
        let compressed = self.codec.compress(&bytes).map_err(|it| self.output.fault(&it))?;
        let mut block = Vec::with_capacity(compressed.len() + 2 * MARK_BYTES);
        put_long(count, &mut block);
        put_long(compressed.len(), &mut block);
        block.extend_from_slice(&compressed);
        block.extend_from_slice(&mark);
        self.put(&block)
    }
}

impl AvroWriter {
    /// The mark, once it and the header are written.
    fn mark(&mut self) -> Result<[u8; MARK_BYTES], Fault> {
        if let Some(mark) = self.mark {
            return Ok(mark);
        }
        // It must not be found within records by chance, nor by intent of who writes them.
        let told = [self.records.text.as_bytes(), &self.block.bytes].concat();
        let mark = XxHash3_128::oneshot(&told).to_be_bytes();
        let mut header = MAGIC.to_vec();
        put_long(2, &mut header);
        for (key, value) in
            [(SCHEMA_KEY, self.records.text.as_str()), (CODEC_KEY, self.codec.name())]
        {
            for text in [key, value] {
                put_long(text.len(), &mut header);
                header.extend_from_slice(text.as_bytes());
            }
        }
        put_long(0, &mut header);
        header.extend_from_slice(&mark);
        self.put(&header)?;
        self.mark = Some(mark);
        Ok(mark)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.output.write_all(bytes).map_err(|it| self.output.fault(&it.to_string()))
    }
}

fn put_long(value: usize, out: &mut Vec<u8>) {
    put_varint((value as u64) << 1, out);
}
