//! Files that are replaced as a whole (W1), inside of one directory (W3).

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A new content of a file that is complete on the disk, and does not have the file's name yet. Without
/// that it vanishes.
#[derive(Debug)]
pub(crate) struct Staged {
    temporary: PathBuf,
    target: PathBuf,
    is_published: bool,
}

impl Staged {
    /// Writes the content beside the file. A disk that is full is noticed here.
    pub(crate) fn new(target: &Path, content: &[u8]) -> Result<Self> {
        let directory = directory(target);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // Hidden files are no assets; one that a crash left is written over.
        let temporary = directory.join(format!(".{name}.weir-new"));
        let staged = Self { temporary, target: target.to_owned(), is_published: false };
        staged.fill(content).map_err(Error::io(target, "written"))?;
        Ok(staged)
    }

    fn fill(&self, content: &[u8]) -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        // A link that somebody put there is not followed.
        match fs::remove_file(&self.temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = options.write(true).create_new(true).open(&self.temporary)?;
        if let Ok(before) = fs::metadata(&self.target) {
            file.set_permissions(before.permissions())?;
        }
        file.write_all(content)?;
        file.sync_all()
    }

    /// Gives it the file's name.
    pub(crate) fn publish(mut self) -> Result<()> {
        let failed = |it| Error::io(&self.target, "written")(it);
        fs::rename(&self.temporary, &self.target).map_err(failed)?;
        self.is_published = true;
        let done = || format!("{} has its new content", self.target.display());
        sync(directory(&self.target)).map_err(|it| Error::after(done())(it))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_published {
            // What is left is hidden, and written over by the next one.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

pub(crate) fn write(target: &Path, content: &[u8]) -> Result<()> {
    Staged::new(target, content)?.publish()
}

pub(crate) fn remove(target: &Path) -> Result<()> {
    fs::remove_file(target).map_err(Error::io(target, "deleted"))?;
    let done = || format!("{} is deleted", target.display());
    sync(directory(target)).map_err(|it| Error::after(done())(it))
}

pub(crate) fn sync(directory: &Path) -> Result<()> {
    let synced = File::open(directory).and_then(|it| it.sync_all());
    synced.map_err(Error::io(directory, "synchronised with the disk"))
}

/// Writes a file of a directory that nobody else knows yet; [`sync_all`] makes it last.
pub(crate) fn fill(root: &Path, path: &str, content: &[u8]) -> Result<()> {
    let target = root.join(path);
    let above = directory(&target);
    fs::create_dir_all(above).map_err(Error::io(above, "made"))?;
    fs::write(&target, content).map_err(Error::io(&target, "written"))
}

/// Puts what was written to a directory's file system on the disk: thousands of files at once, and not one by one.
pub(crate) fn sync_all(directory: &Path) -> Result<()> {
    let synced = File::open(directory).and_then(|it| Ok(rustix::fs::syncfs(it)?));
    synced.map_err(Error::io(directory, "synchronised with the disk"))
}

/// Where a file of the project is, or is to be: links that lead out are refused, and directories that
/// are missing are made.
pub(crate) fn place(root: &Path, path: &str) -> Result<PathBuf> {
    let full = root.join(path);
    if let Ok(target) = full.canonicalize() {
        return inside(root, target);
    }
    if full.symlink_metadata().is_ok() {
        let reason = "it is a link that leads nowhere";
        return Err(Error::invalid("path", path, reason));
    }
    // Each directory is judged before the next one is made below it.
    let (mut at, name) = (root.to_owned(), full.file_name().unwrap_or_default().to_owned());
    let below = Path::new(path).parent().unwrap_or(Path::new(""));
    for part in below.components() {
        let next = at.join(part);
        match fs::create_dir(&next) {
            Ok(()) => sync(&at)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io(&next, "made")(error)),
        }
        at = inside(root, next.canonicalize().map_err(Error::io(&next, "opened"))?)?;
    }
    Ok(at.join(name))
}

/// What has that name in the project: a link itself, and not what it leads to.
pub(crate) fn entry(root: &Path, path: &str) -> Result<PathBuf> {
    let full = root.join(path);
    let above = directory(&full);
    let above = inside(root, above.canonicalize().map_err(Error::io(above, "opened"))?)?;
    Ok(above.join(full.file_name().unwrap_or_default()))
}

fn inside(root: &Path, target: PathBuf) -> Result<PathBuf> {
    match target.starts_with(root) {
        true => Ok(target),
        false => {
            let given = target.display().to_string();
            Err(Error::invalid("path", given, "a link leads out of the project there"))
        }
    }
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
