//! Parquet: columns in pages, with their own schema and compression.

mod read;
mod write;

use weir_domain::Fault;

use crate::{Compression, fault};

pub(crate) use read::open;
pub(crate) use write::create;

/// Parquet is read from its end; nothing can be around it.
pub(crate) fn check_compression(compression: Compression) -> Result<(), Fault> {
    match compression {
        Compression::Auto | Compression::None => Ok(()),
        Compression::Gzip | Compression::Zstd | Compression::Lz4 | Compression::Snappy => {
            Err(fault::combination(
                "a Parquet file can't be compressed as a whole",
                "remove `compression`, and set that of the format",
            ))
        }
    }
}
