//! How large a package may be.

use weir_domain::Bytes;

use crate::{Error, Result};

/// A file that claims more is refused before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub manifest_bytes_max: Bytes,
    pub object_bytes_max: Bytes,
    pub objects_max: usize,
    /// All objects together.
    pub package_bytes_max: Bytes,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_bytes_max: Bytes(16 << 20),
            object_bytes_max: Bytes(64 << 20),
            objects_max: 10_000,
            package_bytes_max: Bytes(4 << 30),
        }
    }
}

/// Refuses what is larger than the limit.
pub(crate) fn check(what: impl FnOnce() -> String, size: Bytes, limit: Bytes) -> Result<()> {
    match size <= limit {
        true => Ok(()),
        false => Err(Error::TooLarge { what: what(), size, limit }),
    }
}
