//! What blobs have in common on all back ends: their largest size, the range of keys below one, and
//! what their columns mean.
//!
//! A blob is one row, written by one statement: it is there whole or not at all, and the primary
//! key alone decides who creates it. So it can't be larger than a statement.

use bytes::Bytes;
use weir_persistence_api::{BLOB_BYTES_MAX, BlobEntry, BlobKey, Error, Result};

use crate::checksum;
use crate::row::{corrupt, number};

/// Largest blob in a database. A dump writes some bytes as two, and such a statement, too, is one
/// that MariaDB takes as it is installed (16 MiB).
pub(crate) const BYTES_MAX: usize = 7 << 20;
const _: () = assert!(BYTES_MAX <= BLOB_BYTES_MAX);

/// Content, checksum.
pub(crate) type BlobColumns = (Vec<u8>, i64);

/// Key, size.
pub(crate) type EntryColumns = (String, i64);

/// Refuses what is too large for a database.
pub(crate) fn check(key: &BlobKey, content: &[u8]) -> Result<()> {
    if content.len() <= BYTES_MAX {
        return Ok(());
    }
    let bytes = content.len();
    Err(Error::Rejected(format!(
        "blob {key} has {bytes} bytes: at most {BYTES_MAX} can be stored under one key of a \
         database: keep blobs in a directory or an object store, or make it smaller"
    )))
}

pub(crate) fn size(content: &[u8]) -> i64 {
    i64::try_from(content.len()).unwrap_or(i64::MAX)
}

pub(crate) fn sum(key: &BlobKey, content: &[u8]) -> i64 {
    i64::from(checksum::of_blob(key, content))
}

/// The range of keys that are below one: from the first on, up to and without the second. `0` comes
/// after `/`, and nothing between them.
pub(crate) fn below(parent: &BlobKey) -> [String; 2] {
    [format!("{parent}/"), format!("{parent}0")]
}

pub(crate) fn content(key: &BlobKey, (content, stored): BlobColumns) -> Result<Bytes> {
    if sum(key, &content) == stored {
        return Ok(content.into());
    }
    Err(corrupt(format!("blob {key}"), "its checksum is another one: restore it from a backup"))
}

pub(crate) fn entry((key, size): EntryColumns) -> Result<BlobEntry> {
    let key = BlobKey::new(key);
    let key = key.map_err(|e| corrupt("a blob".to_owned(), &e.to_string()))?;
    let bytes = number(size, || format!("the size of blob {key}"))?;
    Ok(BlobEntry { key, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> BlobKey {
        BlobKey::new(text).unwrap()
    }

    #[test]
    fn the_range_below_a_key_has_all_that_is_below_and_nothing_else() {
        let [from, to] = below(&key("a/b"));
        let others = ["a/b", "a/b-1", "a/b.x", "a/b0", "a/bc/1", "a/B/1", "a/c", "b"];
        for it in ["a/b/0", "a/b/Z_.-", "a/b/zz/y", "a/b/_"].map(key) {
            assert!(it.under(&key("a/b")).is_some() && *from <= *it.as_str());
            assert!(it.as_str() < to.as_str(), "{it}");
        }
        for it in others.map(key) {
            let is_within = from.as_str() <= it.as_str() && it.as_str() < to.as_str();
            assert!(!is_within, "{it}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_with_what_to_do() {
        let key = key("jobs/1/state");
        assert_eq!(check(&key, &vec![0; BYTES_MAX]), Ok(()));
        let refused = check(&key, &vec![0; BYTES_MAX + 1]).unwrap_err().to_string();
        for part in ["jobs/1/state", "7340033 bytes", "at most 7340032", "object store"] {
            assert!(refused.contains(part), "{part:?} is not in: {refused}");
        }
    }

    #[test]
    fn a_row_that_can_not_be_is_damaged_and_named() {
        let whole = (b"content".to_vec(), sum(&key("a"), b"content"));
        assert_eq!(content(&key("a"), whole.clone()), Ok("content".into()));
        for (key, columns) in
            [(key("b"), whole.clone()), (key("a"), (b"Content".to_vec(), whole.1))]
        {
            let Err(Error::Corrupt { what, .. }) = content(&key, columns) else { panic!("{key}") };
            assert_eq!(what, format!("blob {key}"));
        }
        for columns in [("a//b".to_owned(), 1), ("a".to_owned(), -1)] {
            assert!(matches!(entry(columns), Err(Error::Corrupt { .. })));
        }
    }
}
