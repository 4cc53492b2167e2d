//! The files that a path had before: they have its name, and a number or date behind it.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::head::Position;

/// Whether a name is that of a rotated file of another: `app.log.1`, `app.log-20261121`.
pub(super) fn is_rotated(name: &str, of: &str) -> bool {
    let suffix = name.strip_prefix(of).and_then(|it| it.strip_prefix(['.', '-', '_']));
    let is_counted = |it: char| it.is_ascii_digit() || matches!(it, '-' | '.' | '_' | 'T' | ':');
    suffix.is_some_and(|it| {
        it.starts_with(|it: char| it.is_ascii_digit()) && it.chars().all(is_counted)
    })
}

/// A rotated file, or the path's own.
pub(super) struct Sibling {
    path: PathBuf,
    inode: u64,
    /// When it was last written to: seconds and nanoseconds.
    changed: (i64, i64),
    /// Among those of one time, the higher number is mostly that of the older one.
    number: Reverse<u32>,
}

impl Sibling {
    fn of(path: PathBuf) -> io::Result<Self> {
        let metadata = fs::metadata(&path)?;
        let changed = (metadata.mtime(), metadata.mtime_nsec());
        let number = path.extension().and_then(OsStr::to_str).and_then(|it| it.parse().ok());
        let number = Reverse(number.unwrap_or_default());
        Ok(Self { path, inode: metadata.ino(), changed, number })
    }
}

/// The rotated files of a path, those first that were written to last of all long ago.
pub(super) fn siblings(path: &Path) -> io::Result<Vec<Sibling>> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str))
    else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let is_one = entry.file_name().to_str().is_some_and(|it| is_rotated(it, name));
        if is_one && entry.file_type().is_ok_and(|it| it.is_file()) {
            // One that is gone by now is none.
            found.extend(Sibling::of(entry.path()).ok());
        }
    }
    found.sort_by_key(|it| (it.changed, it.number));
    Ok(found)
}

/// The file of a position, under whatever name, or a copy of it.
pub(super) fn find(path: &Path, position: &Position) -> io::Result<Option<File>> {
    let open = |path: &Path| match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let (siblings, own) = (siblings(path)?, open(path)?);
    let mut others = Vec::new();
    for it in own
        .into_iter()
        .map(Ok)
        .chain(siblings.iter().rev().filter_map(|it| open(&it.path).transpose()))
    {
        let file = it?;
        if file.metadata()?.ino() == position.inode && position.is_of(&file)? {
            return Ok(Some(file));
        }
        others.push(file);
    }
    if !position.has_head() {
        return Ok(None);
    }
    for file in others {
        if position.is_of(&file)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// What follows a file that was read to its end: the next one that was rotated away after it, or the one
/// that has the path now.
pub(super) fn successor(path: &Path, file: &File) -> io::Result<Option<File>> {
    let metadata = file.metadata()?;
    let (inode, changed) = (metadata.ino(), (metadata.mtime(), metadata.mtime_nsec()));
    let all = siblings(path)?;
    let own = all.iter().position(|it| it.inode == inode);
    // One that was deleted has its place by its time.
    let later = match own {
        Some(own) => all.get(own + 1),
        None => all.iter().find(|it| it.changed > changed),
    };
    let next = later.map_or(path, |it| &it.path);
    match File::open(next) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_are_known_by_their_names() {
        for name in
            ["app.log.1", "app.log-20261121", "app.log.2026-11-21", "app.log_2026-11-21T10:00"]
        {
            assert!(is_rotated(name, "app.log"), "{name}");
        }
        for name in
            ["app.log", "app.log.gz", "app.log.1.gz", "app.logs", "app.log.old", "app2.log.1"]
        {
            assert!(!is_rotated(name, "app.log"), "{name}");
        }
    }
}
