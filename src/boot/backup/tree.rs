//! Copies of directories, which may change meanwhile.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// What such names end with is half done, or half gone.
const PASSING: [&str; 3] = [".weir-new", ".weir-arrival", ".weir-deleted"];

/// How often what Git has is listed anew where it packed it meanwhile.
const LISTED_MAX: u32 = 10;

/// Copies all files and links below a directory, and tells how many. What goes meanwhile is left out. What Git
/// has under its hashes is listed and copied when all else is: what that refers to is there then.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<usize> {
    let mut listed = Listed::default();
    below(from, Path::new(""), &mut listed)?;
    fs::create_dir_all(to)?;
    let mut count = copy_all(from, to, &listed.found)?.0;
    for objects in listed.objects {
        count += copy_objects(&from.join(&objects), &to.join(&objects))?;
    }
    sync(to)?;
    Ok(count)
}

/// Objects never change, but are packed, and then gone from where they were.
fn copy_objects(from: &Path, to: &Path) -> io::Result<usize> {
    let mut count = 0;
    for _ in 0..LISTED_MAX {
        let mut listed = Listed::default();
        below(from, Path::new(""), &mut listed)?;
        fs::create_dir_all(to)?;
        listed.found.retain(|it| from.join(it).is_dir() || !to.join(it).exists());
        let (copied, is_all_there) = copy_all(from, to, &listed.found)?;
        count += copied;
        if is_all_there {
            return Ok(count);
        }
    }
    Err(io::Error::other("git packs its objects again and again: try again later"))
}

#[derive(Default)]
struct Listed {
    found: Vec<PathBuf>,
    /// Directories of Git's objects, which are looked at later.
    objects: Vec<PathBuf>,
}

/// How many were copied, and whether none of the list was gone.
fn copy_all(from: &Path, to: &Path, found: &[PathBuf]) -> io::Result<(usize, bool)> {
    let (mut count, mut is_all_there) = (0, true);
    for path in found {
        match copy_entry(&from.join(path), &to.join(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => is_all_there = false,
            copied => count += usize::from(copied?),
        }
    }
    Ok((count, is_all_there))
}

fn below(root: &Path, dir: &Path, listed: &mut Listed) -> io::Result<()> {
    for entry in fs::read_dir(root.join(dir))? {
        let entry = entry?;
        let name = entry.file_name();
        let shown = name.to_string_lossy();
        if dir.as_os_str().is_empty() && PASSING.iter().any(|it| shown.ends_with(it)) {
            continue;
        }
        let path = dir.join(&name);
        let is_dir = entry.file_type()?.is_dir();
        if is_dir && name == "objects" && dir.file_name().is_some_and(|it| it == ".git") {
            listed.objects.push(path);
            continue;
        }
        listed.found.push(path.clone());
        if is_dir {
            match below(root, &path, listed) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                done => done?,
            }
        }
    }
    Ok(())
}

/// All directories are on the disk when this returns; files were when they were written.
fn sync(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.path())?;
        }
    }
    File::open(dir)?.sync_all()
}

/// Whether it was something to be counted.
fn copy_entry(from: &Path, to: &Path) -> io::Result<bool> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_dir() {
        fs::create_dir_all(to)?;
        return Ok(false);
    }
    if kind.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
        return Ok(true);
    }
    // Nothing else holds what could be kept.
    if kind.is_file() {
        copy_file(from, to)?;
    }
    Ok(kind.is_file())
}

/// Copies a file to where none is, with who may read it. It is on the disk when this returns.
pub(super) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    // Refuses what is there; what is half done when it fails is in a directory that nobody uses yet.
    File::create_new(to)?;
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

/// The same, as a whole or not at all: where it is, all of it is.
pub(super) fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    let part = to.with_extension("part");
    let _ = fs::remove_file(&part);
    copy_file(from, &part)?;
    fs::rename(&part, to)?;
    to.parent().map_or(Ok(()), |it| File::open(it)?.sync_all())
}
