//! What belongs to a project: all files below its directory but hidden ones, and those of directories that
//! it excludes as data. Links are met as links, and not followed.

use std::fs::{self, DirEntry, FileType};
use std::io;
use std::ops::ControlFlow::{self, Continue};
use std::path::{Path, PathBuf};

/// Deeper is a loop that a mount made.
pub(crate) const DEPTH_MAX: usize = 64;

/// What a walk meets.
pub(crate) enum Met<'a> {
    /// A directory, before it is read.
    Directory(&'a Path),
    /// What is none, with its path below the root. Of a name that is no UTF-8 the path is lossy.
    File(&'a str, &'a DirEntry, FileType),
    /// What can't be read.
    Unread(PathBuf, io::Error),
    TooDeep,
}

/// Tells all that there is, in whatever order, until it is told to break off.
pub(crate) fn walk<B>(
    root: &Path,
    exclude: &[String],
    meet: &mut impl FnMut(Met<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    below(root, "", exclude, DEPTH_MAX, meet)
}

fn below<B>(
    root: &Path,
    parent: &str,
    exclude: &[String],
    depth: usize,
    meet: &mut impl FnMut(Met<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let directory = root.join(parent);
    meet(Met::Directory(&directory))?;
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) => return meet(Met::Unread(directory, error)),
    };
    for entry in entries {
        let found = entry.and_then(|it| Ok((it.file_type()?, it)));
        let (kind, entry) = match found {
            Ok(found) => found,
            Err(error) => {
                meet(Met::Unread(directory.clone(), error))?;
                continue;
            }
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = if parent.is_empty() { name } else { format!("{parent}/{name}") };
        if !kind.is_dir() {
            meet(Met::File(&path, &entry, kind))?;
        } else if !exclude.contains(&path) {
            match depth {
                0 => meet(Met::TooDeep)?,
                depth => below(root, &path, exclude, depth - 1, meet)?,
            }
        }
    }
    Continue(())
}
