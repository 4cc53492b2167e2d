//! Copies of directories, which may change meanwhile.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// What such names end with is half done, or half gone.
const PASSING: [&str; 3] = [".weir-new", ".weir-arrival", ".weir-deleted"];

/// Copies all files and links below a directory, and tells how many. What goes meanwhile is left out. What Git
/// has under its hashes comes last: all that was there before refers to what is there then.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<usize> {
    let mut found = Vec::new();
    below(from, Path::new(""), &mut found)?;
    let is_object = |it: &Path| {
        let mut parts = it.iter().skip_while(|it| *it != ".git");
        parts.nth(1).is_some_and(|it| it == "objects")
    };
    found.sort_by_key(|it| is_object(it));
    let mut count = 0;
    fs::create_dir_all(to)?;
    for path in found {
        let copied = copy_entry(&from.join(&path), &to.join(&path));
        match copied {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            copied => count += usize::from(copied?),
        }
    }
    File::open(to)?.sync_all()?;
    Ok(count)
}

fn below(root: &Path, dir: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(dir))? {
        let entry = entry?;
        let name = entry.file_name();
        let shown = name.to_string_lossy();
        if dir.as_os_str().is_empty() && PASSING.iter().any(|it| shown.ends_with(it)) {
            continue;
        }
        let path = dir.join(&name);
        let is_dir = entry.file_type()?.is_dir();
        found.push(path.clone());
        if is_dir {
            match below(root, &path, found) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                listed => listed?,
            }
        }
    }
    Ok(())
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

/// Copies a file as a whole, with who may read it. It is on the disk when this returns.
pub(super) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    fs::copy(from, &part)?;
    File::open(&part)?.sync_all()?;
    fs::rename(&part, to)
}
