//! Formats: bytes to record batches and back, with bad records set apart.
//!
//! [`open`] reads one file in chunks, [`create`] writes batches to one output. Both block: their
//! callers own the thread. The Arrow readers and writers do the work; what is added is where a
//! record begins and ends, which records are bad, and bounds on memory.
//!
//! What always holds:
//! - A good record is delivered once, in the order of the file; a bad one becomes a [`BadRecord`].
//! - Positions count every record of the file, good or bad, from 1.
//! - Memory is bounded by a batch and the longest record allowed, whatever the file holds.
//! - Damage below the records (cut compression, a corrupt Parquet footer) is a fault.
//!
//! Paths are not known here: whoever opened the file adds the path to a fault.

mod arrow_ipc;
mod avro;
mod compression;
mod config;
mod content;
mod csv;
mod encoding;
mod fault;
mod field;
mod fixed_width;
mod framed;
mod framing;
mod guard;
mod inferred;
mod input;
mod isolate;
mod json;
mod number;
mod output;
mod parquet;
mod protobuf;
mod raw;
mod reader;
mod type_name;
mod writer;

pub use arrow_ipc::{ArrowCompression, ArrowConfig, ArrowLayout};
pub use avro::{AvroCodec, AvroConfig, Password, RegistryConfig};
pub use compression::Compression;
pub use config::{
    CsvChar, CsvConfig, FormatConfig, JsonConfig, JsonLayout, LineEnding, NullText,
    ParquetCompression, ParquetConfig,
};
pub use content::{Content, Ranges};
pub use encoding::Encoding;
pub use field::{ConfigError, FieldConfig, ItemConfig, declared};
pub use fixed_width::{Align, FixedWidthColumn, FixedWidthConfig, PadChar, Trim};
pub use framed::{MessageDecoder, MessageEncoder, message_decoder, message_encoder};
pub use framing::Framing;
pub use inferred::{Inferred, InferredField, described_as, infer};
pub use protobuf::ProtobufConfig;
pub use raw::{RawConfig, RawContent};
pub use reader::{Chunk, ReadOptions, Reader, open};
pub use type_name::{TypeError, parse_type};
pub use weir_records::{BadRecord, Positions};
pub use writer::{Writer, create};
