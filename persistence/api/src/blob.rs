//! Blobs: content under a key of its own, as object stores, directories and databases keep it.
//!
//! Every back end keeps these promises, and checkpoints stand on them:
//! - B1: of all who create one key, exactly one does, whatever the others see (`blob_create`).
//! - B2: a blob is there whole or not at all, also after a crash; what was acknowledged stays.
//! - B3: a list is complete, or an error: what was acknowledged before it began is in it.
//!
//! Unlike an [`ObjectStore`](crate::ObjectStore), which knows content by its digest, it knows
//! nothing of what it keeps, and no lease fences it: creation is the only arbiter.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Largest blob, in bytes: what one request of every object store takes, and memory can hold. A
/// database takes less and refuses the rest.
pub const BLOB_BYTES_MAX: usize = 1 << 30;

/// Longest key: with a prefix before it, it fits every object store (1,024 bytes).
const KEY_LENGTH_MAX: usize = 640;
/// Longest segment of a key: one name in a directory.
const SEGMENT_LENGTH_MAX: usize = 200;

/// Where a blob is: segments of ASCII letters, digits, `-`, `_` and `.`, with `/` between them. A
/// segment begins with a letter, a digit or `_`, so that hidden files are nobody's blobs. What stands
/// above a blob is none itself: in a directory it is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BlobKey(String);

/// Why a text can't be the key of a blob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} can't be the key of a blob: {reason}; use segments of letters, digits, '-', '_' and \
     '.' with '/' between them"
)]
pub struct InvalidBlobKey {
    text: String,
    reason: &'static str,
}

impl BlobKey {
    pub fn new(text: impl Into<String>) -> std::result::Result<Self, InvalidBlobKey> {
        let text = text.into();
        match fault(&text) {
            None => Ok(Self(text)),
            Some(reason) => {
                Err(InvalidBlobKey { text: text.chars().take(KEY_LENGTH_MAX).collect(), reason })
            }
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of what is below this one under that name.
    pub fn below(&self, name: impl fmt::Display) -> std::result::Result<Self, InvalidBlobKey> {
        Self::new(format!("{self}/{name}"))
    }

    /// What of this key is below the other: `Some("b/c")` of `a/b/c` below `a`.
    pub fn under(&self, parent: &BlobKey) -> Option<&str> {
        self.0.strip_prefix(parent.as_str())?.strip_prefix('/')
    }
}

fn fault(text: &str) -> Option<&'static str> {
    if text.len() > KEY_LENGTH_MAX {
        return Some("it is too long");
    }
    text.split('/').find_map(|segment| {
        let first = segment.bytes().next();
        let is_known = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
        match first {
            None => Some("a segment is empty"),
            Some(b'-' | b'.') => Some("a segment begins with '-' or '.'"),
            _ if segment.len() > SEGMENT_LENGTH_MAX => Some("a segment is too long"),
            _ if !segment.bytes().all(is_known) => Some("it holds another character"),
            _ => None,
        }
    })
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for BlobKey {
    type Err = InvalidBlobKey;

    fn from_str(text: &str) -> std::result::Result<Self, InvalidBlobKey> {
        Self::new(text)
    }
}

impl Borrow<str> for BlobKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for BlobKey {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobEntry {
    pub key: BlobKey,
    pub bytes: u64,
}

/// Every call may be repeated. A write whose answer is `Error::Unknown` has happened or not:
/// whoever created reads back and compares.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Stores the blob if there is none under that key; returns whether it did.
    async fn blob_create(&self, key: &BlobKey, content: Bytes) -> Result<bool>;

    /// Stores the blob, in place of one that is there.
    async fn blob_put(&self, key: &BlobKey, content: Bytes) -> Result<()>;

    async fn blob_get(&self, key: &BlobKey) -> Result<Option<Bytes>>;

    /// All that is below a key, `parent/…`, ordered by key.
    async fn blob_list(&self, parent: &BlobKey) -> Result<Vec<BlobEntry>>;

    /// Deletes the blob, if it is there.
    async fn blob_delete(&self, key: &BlobKey) -> Result<()>;
}

/// Refuses what no store takes. For those who write one.
pub fn check_blob(key: &BlobKey, content: &[u8]) -> Result<()> {
    if content.len() <= BLOB_BYTES_MAX {
        return Ok(());
    }
    let bytes = content.len();
    Err(Error::Rejected(format!(
        "blob {key} has {bytes} bytes: at most {BLOB_BYTES_MAX} can be stored under one key"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths_without_surprises() {
        for good in ["a", "a/b", "_internal/0001.0002/stage-1", "A.b_c-d/9"] {
            assert_eq!(BlobKey::new(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(SEGMENT_LENGTH_MAX + 1);
        let bad =
            ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".hidden", "a/-b", "a b", "ä", &long];
        for bad in bad {
            assert!(BlobKey::new(bad).is_err(), "{bad:?}");
        }
        assert!(BlobKey::new(["a"; KEY_LENGTH_MAX].join("/")).is_err());
    }

    #[test]
    fn a_key_is_below_another_only_by_whole_segments() {
        let key = |it: &str| BlobKey::new(it).unwrap();
        assert_eq!(key("a/b/c").under(&key("a")), Some("b/c"));
        assert_eq!(key("ab/c").under(&key("a")), None);
        assert_eq!(key("a").under(&key("a")), None);
        assert_eq!(key("a").below("b"), Ok(key("a/b")));
        assert!(key("a").below("../b").is_err());
    }
}
