//! Avro: container files, and single records as messages.
//!
//! Blocks, codecs and the ends of records are found here, within bounds; what a record holds is decoded
//! into columns by arrow-avro, which is only given records that end where their schema says. So a bad
//! record is set apart and the rest of its block goes on. Where no end is found, the file fails: nothing
//! in a block says where the next record begins.
//!
//! Not read: bzip2 and xz codecs, schemas that contain themselves, and unions of several types that no
//! schema of the reader reduces to one.

mod codec;
mod config;
mod container;
mod decode;
mod encode;
mod read;
mod registry;
mod rows;
mod schema;
mod shape;
mod write;

pub use config::{AvroCodec, AvroConfig, Password, RegistryConfig};
pub(crate) use decode::decode;
pub(crate) use encode::encode;
pub(crate) use read::open;
pub(crate) use write::create;
