//! CSV: records of cells, with quotes as RFC 4180 has them.

mod columns;
mod dialect;
mod read;
mod split;
mod write;

pub(crate) use read::open;
pub(crate) use write::create;
