//! The files that a path had before: they have its name, and a number or date behind it.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::head::{Mark, Position};

/// Whether a name is that of a rotated file of another: `app.log.1`, `app.log-20261121`.
pub(super) fn is_rotated(name: &str, of: &str) -> bool {
    let suffix = name.strip_prefix(of).and_then(|it| it.strip_prefix(['.', '-', '_']));
    let is_counted = |it: char| it.is_ascii_digit() || matches!(it, '-' | '.' | '_' | 'T' | ':');
    suffix.is_some_and(|it| {
        it.starts_with(|it: char| it.is_ascii_digit()) && it.chars().all(is_counted)
    })
}

/// A rotated file.
struct Sibling {
    path: PathBuf,
    mark: Mark,
    /// Among those of one time, the higher number is mostly that of the older one.
    number: Reverse<u32>,
}

impl Sibling {
    fn of(path: PathBuf) -> io::Result<Self> {
        let mark = Mark::of(&fs::metadata(&path)?);
        let number = path.extension().and_then(OsStr::to_str).and_then(|it| it.parse().ok());
        Ok(Self { mark, number: Reverse(number.unwrap_or_default()), path })
    }
}

/// The rotated files of a path, those first that were written to last of all long ago.
fn siblings(path: &Path) -> io::Result<Vec<Sibling>> {
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
    found.sort_by_key(|it| (it.mark.changed, it.number));
    Ok(found)
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file that a position is in, under whatever name, or a copy of it.
pub(super) fn find(path: &Path, position: &Position) -> io::Result<Option<File>> {
    let siblings = siblings(path)?;
    let paths = siblings.iter().rev().map(|it| it.path.as_path());
    let mut others = Vec::new();
    for path in std::iter::once(path).chain(paths) {
        let Some(file) = open(path)? else { continue };
        if file.metadata()?.ino() == position.inode && position.is_of(&file)? {
            return Ok(Some(file));
        }
        others.push(file);
    }
    for file in others {
        if position.is_of(&file)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// The newest of the files that were rotated away.
pub(super) fn newest(path: &Path) -> io::Result<Mark> {
    Ok(siblings(path)?.last().map(|it| it.mark).unwrap_or_default())
}

/// What follows a file: the next one that was rotated away after it, or the one that has the path now.
pub(super) fn next_after(path: &Path, mark: Mark) -> io::Result<Option<File>> {
    let all = siblings(path)?;
    let own = all.iter().position(|it| it.mark == mark);
    // One that was deleted has its place by its time.
    let later = match own {
        Some(own) => all.get(own + 1),
        None => all.iter().find(|it| it.mark.changed > mark.changed),
    };
    open(later.map_or(path, |it| &it.path))
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
