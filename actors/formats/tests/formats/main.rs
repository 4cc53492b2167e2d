//! Files through the whole crate: what goes in, what comes out, and what is set apart.
#![allow(clippy::unwrap_used)]

mod arrow_ipc;
mod avro;
mod csv;
mod damage;
mod fixed_width;
mod inferred;
mod json;
mod parquet;
mod properties;
mod protobuf;
mod random;
mod raw;
mod registry;
mod round_trip;
mod support;
