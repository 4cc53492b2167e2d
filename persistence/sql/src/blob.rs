//! Blobs as rows, on all back ends: which rows a blob consists of, and what their columns mean.
//!
//! ```text
//! jobs/1/state              size 900, content           a small blob is one row
//! jobs/1/table              size 3000000, no content    the head of a large one, and its pieces:
//! jobs/1/table~8f12ab03-3000000~00000
//! jobs/1/table~8f12ab03-3000000~00001
//! ```
//!
//! Invariants:
//! - A statement writes one row, and the head comes last: a blob is there whole or not at all, and
//!   the primary key of its head alone decides who creates it.
//! - Pieces are named by the content that they are of, so that two who write different content under
//!   one key meet only at its head. `~` is in no key of a blob, and comes after all that is.
//! - Pieces that nobody finished are listed as a blob that nobody can read, so that whoever collects
//!   garbage finds them; deleting a blob deletes its pieces.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use weir_persistence_api::{BlobEntry, BlobKey, Error, Result, check_blob};

use crate::checksum;
use crate::row::{corrupt, number};

/// Larger content is stored in pieces of this size: far below what servers take in a statement, a
/// dump of it included, which writes some bytes as two.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// What the key of a piece has behind that of its blob, at most.
const PIECE_KEY_BYTES: usize = 32;
/// Longest key in a database.
const KEY_BYTES_MAX: usize = 640;

/// How often a blob is read that somebody else replaces meanwhile.
const READS_MAX: usize = 8;

/// Content, checksum, size.
pub(crate) type BlobColumns = (Vec<u8>, i64, i64);

/// Key, size.
pub(crate) type EntryColumns = (String, i64);

/// A row that is to be written.
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) size: i64,
    pub(crate) checksum: i64,
    pub(crate) content: Bytes,
}

/// Where the row's key is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing is written.
    Leave,
    Replace,
}

/// The rows of a back end.
#[async_trait]
pub(crate) trait Rows: Sync {
    /// Whether the row was written.
    async fn write(&self, taken: Taken, row: Row) -> Result<bool>;
    async fn row(&self, key: &str) -> Result<Option<BlobColumns>>;
    /// From the first key on, up to and without the second, in order.
    async fn list(&self, range: [String; 2]) -> Result<Vec<EntryColumns>>;
    /// Deletes the row of that key, and those of the range.
    async fn delete(&self, key: &str, range: [String; 2]) -> Result<()>;
}

pub(crate) async fn create(rows: &impl Rows, key: &BlobKey, content: Bytes) -> Result<bool> {
    check(key, &content)?;
    let head = head(key, &content);
    if content.len() <= PIECE_BYTES {
        return rows.write(Taken::Leave, head).await;
    }
    let mine = Pieces::of(key, &head);
    mine.write(rows, &content).await?;
    if rows.write(Taken::Leave, head).await? {
        return Ok(true);
    }
    let winner = rows.row(key.as_str()).await?;
    if winner.is_none_or(|it| Pieces { key, checksum: it.1, size: it.2 } != mine) {
        rows.delete(&mine.key(0), mine.range()).await?;
    }
    Ok(false)
}

pub(crate) async fn put(rows: &impl Rows, key: &BlobKey, content: Bytes) -> Result<()> {
    check(key, &content)?;
    let head = head(key, &content);
    if content.len() <= PIECE_BYTES {
        // Pieces of what it replaces go with the blob.
        return rows.write(Taken::Replace, head).await.map(drop);
    }
    let mine = Pieces::of(key, &head);
    let before = rows.row(key.as_str()).await?;
    mine.write(rows, &content).await?;
    rows.write(Taken::Replace, head).await?;
    // Others may be writing theirs: only what was replaced is nobody's.
    let before = before.map(|(_, checksum, size)| Pieces { key, checksum, size });
    match before.filter(|it| *it != mine) {
        Some(before) => rows.delete(&before.key(0), before.range()).await,
        None => Ok(()),
    }
}

pub(crate) async fn get(rows: &impl Rows, key: &BlobKey) -> Result<Option<Bytes>> {
    for _ in 0..READS_MAX {
        let Some((content, checksum, size)) = rows.row(key.as_str()).await? else {
            return Ok(None);
        };
        if size == length(&content) {
            return whole(key.as_str(), content.into(), checksum).map(Some);
        }
        if let Some(content) = (Pieces { key, checksum, size }).read(rows).await? {
            return Ok(Some(content));
        }
    }
    Err(corrupt(format!("blob {key}"), "a piece of it is missing: restore it from a backup"))
}

pub(crate) async fn list(rows: &impl Rows, parent: &BlobKey) -> Result<Vec<BlobEntry>> {
    let mut unfinished: BTreeMap<String, i64> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for (key, size) in rows.list(below(parent)).await? {
        match key.split_once('~') {
            None => drop(found.insert(key, size)),
            Some((key, _)) => *unfinished.entry(key.to_owned()).or_default() += size,
        }
    }
    for (key, size) in unfinished {
        found.entry(key).or_insert(size);
    }
    found.into_iter().map(entry).collect()
}

pub(crate) async fn delete(rows: &impl Rows, key: &BlobKey) -> Result<()> {
    rows.delete(key.as_str(), pieces(key)).await
}

/// The pieces of one content of a blob.
#[derive(PartialEq, Eq)]
struct Pieces<'a> {
    key: &'a BlobKey,
    /// Of the head.
    checksum: i64,
    size: i64,
}

impl<'a> Pieces<'a> {
    fn of(key: &'a BlobKey, head: &Row) -> Self {
        Self { key, checksum: head.checksum, size: head.size }
    }

    fn prefix(&self) -> String {
        format!("{}~{:08x}-{}~", self.key, self.checksum, self.size)
    }

    fn key(&self, number: usize) -> String {
        format!("{}{number:05}", self.prefix())
    }

    fn range(&self) -> [String; 2] {
        let prefix = self.prefix();
        [prefix.clone(), format!("{prefix}~")]
    }

    async fn write(&self, rows: &impl Rows, content: &Bytes) -> Result<()> {
        for (number, from) in (0..content.len()).step_by(PIECE_BYTES).enumerate() {
            let to = content.len().min(from + PIECE_BYTES);
            let (key, content) = (self.key(number), content.slice(from..to));
            let (size, checksum) = (length(&content), sum(&key, &content));
            rows.write(Taken::Replace, Row { key, size, checksum, content }).await?;
        }
        Ok(())
    }

    /// `None`: a piece is missing.
    async fn read(&self, rows: &impl Rows) -> Result<Option<Bytes>> {
        let size: u64 = number(self.size, || format!("the size of blob {}", self.key))?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut content = BytesMut::new();
        for number in 0..size.div_ceil(PIECE_BYTES) {
            let key = self.key(number);
            let Some((piece, checksum, _)) = rows.row(&key).await? else { return Ok(None) };
            content.extend_from_slice(&whole(&key, piece.into(), checksum)?);
        }
        whole(self.key.as_str(), content.freeze(), self.checksum).map(Some)
    }
}

/// The row that makes the content visible.
fn head(key: &BlobKey, content: &Bytes) -> Row {
    let (size, checksum) = (length(content), sum(key.as_str(), content));
    let content = if content.len() <= PIECE_BYTES { content.clone() } else { Bytes::new() };
    Row { key: key.to_string(), size, checksum, content }
}

/// Refuses what no database takes.
fn check(key: &BlobKey, content: &[u8]) -> Result<()> {
    check_blob(key, content)?;
    let is_long = key.as_str().len() > KEY_BYTES_MAX - PIECE_KEY_BYTES;
    if content.len() <= PIECE_BYTES || !is_long {
        return Ok(());
    }
    let bytes = content.len();
    Err(Error::Rejected(format!(
        "blob {key} has {bytes} bytes: in a database, one of more than {PIECE_BYTES} needs a \
         shorter key"
    )))
}

fn length(content: &[u8]) -> i64 {
    i64::try_from(content.len()).unwrap_or(i64::MAX)
}

pub(crate) fn sum(key: &str, content: &[u8]) -> i64 {
    i64::from(checksum::of_blob(key, content))
}

/// The range of keys that are below one: from the first on, up to and without the second. `0` comes
/// after `/`, and nothing between them.
fn below(parent: &BlobKey) -> [String; 2] {
    [format!("{parent}/"), format!("{parent}0")]
}

/// The range of all pieces of a blob, of whatever content.
fn pieces(key: &BlobKey) -> [String; 2] {
    [format!("{key}~"), format!("{key}~~")]
}

fn whole(key: &str, content: Bytes, checksum: i64) -> Result<Bytes> {
    if sum(key, &content) == checksum {
        return Ok(content);
    }
    Err(corrupt(format!("blob {key}"), "its checksum is another one: restore it from a backup"))
}

fn entry((key, size): EntryColumns) -> Result<BlobEntry> {
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
    fn the_range_of_pieces_has_all_of_a_blob_and_none_of_another() {
        let (one, other) = (key("a/b"), key("a/bc"));
        let of = |key, checksum, size| Pieces { key, checksum, size };
        let [from, to] = pieces(&one);
        let is_within = |it: &str| from.as_str() <= it && it < to.as_str();
        for it in [of(&one, 0, 2 << 20), of(&one, i64::from(u32::MAX), 1 << 30)] {
            let [first, end] = it.range();
            for number in [0, 99_999] {
                let key = it.key(number);
                assert!(is_within(&key) && first <= key && key < end, "{key}");
                assert!(key.len() <= one.as_str().len() + PIECE_KEY_BYTES, "{key}");
            }
        }
        assert!(!is_within(&of(&other, 0, 2 << 20).key(0)));
        assert!(!is_within("a/b") && !is_within("a/b/c") && !is_within("a/bc"));
    }

    #[test]
    fn a_large_blob_needs_a_key_that_has_room_for_its_pieces() {
        let long = key(&["abcdefg"; 80].join("/"));
        assert_eq!(check(&long, &vec![0; PIECE_BYTES]), Ok(()));
        let refused = check(&long, &vec![0; PIECE_BYTES + 1]).unwrap_err().to_string();
        assert!(refused.contains("1048577 bytes") && refused.contains("shorter key"), "{refused}");
        assert_eq!(check(&key("a"), &vec![0; PIECE_BYTES + 1]), Ok(()));
    }

    #[test]
    fn a_row_that_can_not_be_is_damaged_and_named() {
        let checksum = sum("a", b"content");
        assert_eq!(whole("a", "content".into(), checksum), Ok("content".into()));
        for (key, content) in [("b", "content"), ("a", "Content")] {
            let damaged = whole(key, content.into(), checksum);
            let Err(Error::Corrupt { what, .. }) = damaged else { panic!("{key}") };
            assert_eq!(what, format!("blob {key}"));
        }
        for columns in [("a//b".to_owned(), 1), ("a".to_owned(), -1)] {
            assert!(matches!(entry(columns), Err(Error::Corrupt { .. })));
        }
    }
}
