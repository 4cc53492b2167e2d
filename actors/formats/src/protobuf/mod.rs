//! Protobuf: messages of a type that is known from its descriptors.
//!
//! The wire format is decoded straight into columns and written straight from them; what is taken from
//! prost-reflect is what the descriptors mean. Fields that a descriptor doesn't know are left out, as
//! protobuf has it. Groups are not read.

mod config;
mod decode;
mod encode;
mod items;
mod kind;
mod plan;
mod values;
mod wire;

pub use config::ProtobufConfig;
pub(crate) use decode::decode;
pub(crate) use encode::encode;
