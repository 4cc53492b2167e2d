//! What objects have in common on all back ends: the pieces they are stored in, and their proof.
//!
//! Pieces are written one by one, so that neither a statement nor a transaction grows with the
//! object; the object's own row comes last and is written only if all pieces are there. So a put
//! that ends halfway leaves nothing but pieces that nobody sees, and the same put again is harmless.

use std::collections::BTreeSet;

use weir_domain::Digest;
use weir_persistence_api::{Error, Result};

use crate::row::{corrupt, number};

/// Bytes of a piece: far below what servers take in a statement.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// Objects that are looked for together, and swept in one transaction.
pub(crate) const AT_ONCE: usize = 256;
pub(crate) const SWEPT_AT_ONCE: usize = 16;

/// The pieces with their numbers. An empty object has none.
pub(crate) fn chunks(content: &[u8]) -> impl Iterator<Item = (i64, &[u8])> {
    (0..).zip(content.chunks(CHUNK_BYTES))
}

/// How many pieces an object of that size has.
pub(crate) fn chunk_count(digest: Digest, size: i64) -> Result<i64> {
    let size: u64 = number(size, || named(digest))?;
    let count = size.div_ceil(CHUNK_BYTES as u64);
    i64::try_from(count).map_err(|_| corrupt(named(digest), "its size can't be right"))
}

pub(crate) fn named(digest: Digest) -> String {
    format!("object {digest:.12}")
}

pub(crate) fn check(digest: Digest, content: &[u8]) -> Result<()> {
    match Digest::of(content) {
        found if found == digest => Ok(()),
        found => Err(corrupt(named(digest), &format!("it has the digest {found:.12}"))),
    }
}

/// Pieces were missing when the row was to be written: they were swept, since it took so long.
pub(crate) fn swept(digest: Digest) -> Error {
    Error::Unavailable(format!("{} was swept while it was put: put it again", named(digest)))
}

/// In lists of a length that statements take.
pub(crate) fn batches(digests: &BTreeSet<Digest>) -> Vec<Vec<Digest>> {
    let all: Vec<_> = digests.iter().copied().collect();
    all.chunks(AT_ONCE).map(<[Digest]>::to_vec).collect()
}
