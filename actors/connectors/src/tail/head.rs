//! How a file is known again: by its inode, and by its beginning.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

/// Bytes of a file's beginning that are looked at. Fewer while less of it was read.
const HEAD_BYTES: u64 = 1_024;

/// Where one is in which file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Position {
    pub(super) inode: u64,
    /// Behind the last line that was read.
    pub(super) offset: u64,
    /// Lines of the path that were read, of all of its files.
    pub(super) lines: u64,
    /// What is behind the offset belongs to a line that is left out.
    #[serde(default)]
    pub(super) is_within: bool,
    head: Head,
    /// The last file that something was read of: what follows it is not read yet.
    pub(super) after: Mark,
}

/// A file as it was when it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Mark {
    pub(super) inode: u64,
    /// When it was last written to: seconds and nanoseconds.
    pub(super) changed: (i64, i64),
}

impl Mark {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { inode: metadata.ino(), changed: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

/// The beginning of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    bytes: u64,
    hash: String,
}

impl Head {
    /// `None`: the file is shorter.
    fn of(file: &File, bytes: u64) -> io::Result<Option<Self>> {
        let mut head = vec![0; usize::try_from(bytes).unwrap_or_default()];
        match file.read_exact_at(&mut head, 0) {
            Ok(()) => {
                let hash = format!("{:032x}", XxHash3_128::oneshot(&head));
                Ok(Some(Self { bytes, hash }))
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Position {
    /// The beginning of a file that follows another one, behind so many lines of its path.
    pub(super) fn beginning(file: &File, after: Mark, lines: u64) -> io::Result<Self> {
        let inode = file.metadata()?.ino();
        Ok(Self { inode, lines, after, ..Self::default() })
    }

    /// The end of a file, or of the line that is being written there.
    pub(super) fn end(file: &File, after: Mark) -> io::Result<Self> {
        let (mut last, length) = ([0], file.metadata()?.len());
        let is_within = match length.checked_sub(1) {
            None => false,
            Some(at) => file.read_at(&mut last, at)? == 1 && last != *b"\n",
        };
        let mut position = Self { offset: length, is_within, ..Self::beginning(file, after, 0)? };
        if length > 0 {
            position.remember(file)?;
        }
        Ok(position)
    }

    /// Whether the file is the one of this position, and has what was read.
    pub(super) fn is_of(&self, file: &File) -> io::Result<bool> {
        if file.metadata()?.len() < self.offset {
            return Ok(false);
        }
        let head = Head::of(file, self.head.bytes)?;
        Ok(self.head.bytes == 0 || head.is_some_and(|it| it == self.head))
    }

    /// Whether a file can be told from others by what was read of it.
    pub(super) fn has_head(&self) -> bool {
        self.head.bytes > 0
    }

    /// Moves on, and knows as much of the beginning as was read.
    pub(super) fn remember(&mut self, file: &File) -> io::Result<()> {
        self.after = Mark::of(&file.metadata()?);
        let wanted = self.offset.min(HEAD_BYTES);
        if wanted > self.head.bytes
            && let Some(head) = Head::of(file, wanted)?
        {
            self.head = head;
        }
        Ok(())
    }
}
