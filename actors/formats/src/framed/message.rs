//! Messages: records that a broker delivers one by one, with frames of its own.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use weir_domain::Fault;
use weir_records::{BadRecord, beginning};

use super::{Decode, Encode};
use crate::isolate::Verdict;
use crate::reader::too_long;
use crate::{Chunk, FormatConfig, ReadOptions, avro, fault, fixed_width, json, protobuf, raw};

/// Decodes messages, each of which is one record.
pub struct MessageDecoder {
    decode: Box<dyn Decode>,
    options: ReadOptions,
}

/// Encodes records, each as one message.
pub struct MessageEncoder {
    encode: Box<dyn Encode>,
    records: Vec<u8>,
    ends: Vec<usize>,
}

impl MessageDecoder {
    pub(crate) fn new(decode: Box<dyn Decode>, options: ReadOptions) -> Self {
        Self { decode, options }
    }

    /// Of every chunk's records.
    pub fn schema(&self) -> SchemaRef {
        self.decode.schema()
    }

    /// Decodes messages of which the first has the position `first`. Bad ones are set apart.
    pub fn decode(&mut self, messages: &[&[u8]], first: u64) -> Result<Chunk, Fault> {
        let longest = self.options.max_record_bytes;
        self.decode.prepare(messages)?;
        if messages.iter().all(|it| it.len() <= longest)
            && let Ok(batch) = self.decode.decode(messages)
        {
            return Ok(Chunk::good(batch, first));
        }
        let (batch, verdict) = judge(self.decode.as_mut(), messages, longest)?;
        Ok(Chunk::judged(batch, first, verdict, |at, reason| {
            let (raw, raw_cut) = beginning(messages[at], self.options.raw_limit);
            let position = first + at as u64;
            BadRecord { position, line: None, offset: None, raw, raw_cut, reason }
        }))
    }
}

impl MessageEncoder {
    pub(crate) fn new(encode: Box<dyn Encode>) -> Self {
        Self { encode, records: Vec::new(), ends: Vec::new() }
    }

    /// The message of each record, in order.
    pub fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<Bytes>, Fault> {
        self.records.clear();
        self.ends.clear();
        let encoded = self.encode.encode(batch, &mut self.records, &mut self.ends);
        encoded.map_err(|it| fault::records_unwritable(&it.text(0)))?;
        let whole = Bytes::copy_from_slice(&self.records);
        let starts = std::iter::once(&0).chain(&self.ends);
        Ok(starts.zip(&self.ends).map(|(start, end)| whole.slice(*start..*end)).collect())
    }
}

/// What decodes messages of a format, each of which is one record of a known schema.
pub fn message_decoder(
    config: &FormatConfig,
    options: &ReadOptions,
) -> Result<MessageDecoder, Fault> {
    let declared = config.declared_schema().map_err(|it| fault::format_invalid(&it))?;
    let options = options.bounded();
    let decode = match config {
        FormatConfig::Json(it) => {
            json::decode(declared, it.scalars_as_text, options.max_record_bytes)?
        }
        FormatConfig::FixedWidth(it) => fixed_width::decode(it)?,
        FormatConfig::Raw(it) => raw::decode(it),
        FormatConfig::Avro(it) => avro::decode(it)?,
        FormatConfig::Protobuf(it) => protobuf::decode(it)?,
        FormatConfig::Csv(_) | FormatConfig::Parquet(_) | FormatConfig::Arrow(_) => {
            return Err(no_messages(config));
        }
    };
    Ok(MessageDecoder::new(decode, options))
}

/// What encodes records of a schema as messages of a format.
pub fn message_encoder(config: &FormatConfig, schema: &SchemaRef) -> Result<MessageEncoder, Fault> {
    config.declared_schema().map_err(|it| fault::format_invalid(&it))?;
    let encode = match config {
        FormatConfig::Json(_) => json::encode(schema)?,
        FormatConfig::FixedWidth(it) => fixed_width::encode(it, schema)?,
        FormatConfig::Raw(it) => raw::encode(it, schema)?,
        FormatConfig::Avro(it) => avro::encode(it, schema)?,
        FormatConfig::Protobuf(it) => protobuf::encode(it, schema)?,
        FormatConfig::Csv(_) | FormatConfig::Parquet(_) | FormatConfig::Arrow(_) => {
            return Err(no_messages(config));
        }
    };
    Ok(MessageEncoder::new(encode))
}

fn no_messages(config: &FormatConfig) -> Fault {
    let cause = format!("the format {} has no single records", config.extension());
    fault::combination(
        &cause,
        "use a format whose records stand on their own, as JSON, raw or Avro",
    )
}

/// Judges records of which some may be too long to be looked at.
pub(crate) fn judge(
    decode: &mut dyn Decode,
    records: &[&[u8]],
    record_bytes_max: usize,
) -> Result<(RecordBatch, Verdict), Fault> {
    let is_long = |at: &usize| records[*at].len() > record_bytes_max;
    let short: Vec<usize> = (0..records.len()).filter(|it| !is_long(it)).collect();
    let long = (0..records.len()).filter(is_long).map(|at| (at, too_long(record_bytes_max)));
    let kept: Vec<_> = short.iter().map(|at| records[*at]).collect();
    let (batch, verdict) = decode.judge(&kept)?;
    let good = verdict.good.into_iter().map(|it| short[it]).collect();
    let mut bad: Vec<_> = verdict.bad.into_iter().map(|(at, it)| (short[at], it)).collect();
    bad.extend(long);
    bad.sort_by_key(|it| it.0);
    Ok((batch, Verdict { good, bad }))
}
