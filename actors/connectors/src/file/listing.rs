//! What is in an input directory: regular files with names that are text, and nothing hidden.
//!
//! Symbolic links are never followed: one that leads out of the directory would bring in what
//! was not given, one that leads to a file beside it would bring it in twice.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use weir_domain::{Code, Fault, Item};

use super::{codes, disk};
use crate::whole::Pattern;

/// Walks one input directory.
#[derive(Debug)]
pub(super) struct Listing {
    directory: PathBuf,
    is_recursive: bool,
    /// Directories that are left out: where finished files go.
    excluded: Vec<PathBuf>,
    /// Entries that were warned of, as long as they are there.
    warned: BTreeSet<PathBuf>,
}

impl Listing {
    pub(super) fn new(directory: PathBuf, is_recursive: bool, excluded: Vec<PathBuf>) -> Self {
        Self { directory, is_recursive, excluded, warned: BTreeSet::new() }
    }

    /// All files that are meant, in no order.
    pub(super) fn files(&mut self, pattern: &Pattern) -> Result<Vec<Item>, Fault> {
        let mut walk = Walk {
            pattern,
            files: Vec::new(),
            pending: vec![(self.directory.clone(), String::new())],
            refused: Vec::new(),
            excluded: self.excluded_ids(),
        };
        while let Some((directory, prefix)) = walk.pending.pop() {
            let is_root = prefix.is_empty();
            match self.read_directory(&directory, &prefix, &mut walk) {
                // A directory below may go while we look; the input directory may not.
                Err(error) if error.kind() == ErrorKind::NotFound && !is_root => {}
                Err(error) => return Err(self.fault(&directory, &error)),
                Ok(()) => {}
            }
        }
        for (path, why) in &walk.refused {
            if !self.warned.contains(path) {
                tracing::warn!(
                    code = %Code(codes::INPUT_SKIPPED), path = %path.display(), "skipped: {why}"
                );
            }
        }
        self.warned = walk.refused.into_iter().map(|it| it.0).collect();
        Ok(walk.files)
    }

    /// Whether the directory is there and may be read.
    pub(super) fn check_access(&self) -> Result<(), Fault> {
        let opened = fs::read_dir(&self.directory);
        opened.map(drop).map_err(|error| self.fault(&self.directory, &error))
    }

    fn excluded_ids(&self) -> Vec<(u64, u64)> {
        let found = self.excluded.iter().filter_map(|it| fs::metadata(it).ok());
        found.map(|it| (it.dev(), it.ino())).collect()
    }

    fn read_directory(
        &self,
        directory: &Path,
        prefix: &str,
        walk: &mut Walk<'_>,
    ) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            match self.look_at(&entry, prefix, walk) {
                // Moved or deleted since the directory was read.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }

    fn look_at(&self, entry: &DirEntry, prefix: &str, walk: &mut Walk<'_>) -> io::Result<()> {
        let name = match entry.file_name().into_string() {
            Ok(name) if name.starts_with('.') => return Ok(()),
            Ok(name) => format!("{prefix}{name}"),
            Err(_) => {
                walk.refused.push((entry.path(), "its name is not UTF-8"));
                return Ok(());
            }
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if self.is_recursive && !walk.is_excluded(entry)? {
                walk.pending.push((entry.path(), format!("{name}/")));
            }
            return Ok(());
        }
        // What is not meant is not worth a look at the disk.
        if !walk.pattern.matches(&name) {
            return Ok(());
        }
        if kind.is_symlink() {
            walk.refused.push((entry.path(), "it is a symbolic link"));
        } else if kind.is_file() {
            let fingerprint = disk::fingerprint(&entry.metadata()?);
            walk.files.push(Item { name, fingerprint });
        }
        Ok(())
    }

    fn fault(&self, directory: &Path, error: &io::Error) -> Fault {
        if error.kind() == ErrorKind::NotFound {
            let message = format!("the input directory {} does not exist", directory.display());
            return Fault::transient(codes::INPUT_DIRECTORY, message)
                .with_hint("create it, or set directory to the one where the files arrive");
        }
        disk::fault(codes::INPUT_DIRECTORY, "can't list the input directory", directory, error)
    }
}

#[derive(Debug)]
struct Walk<'a> {
    pattern: &'a Pattern,
    files: Vec<Item>,
    /// Directories to read, with the prefix of what is in them.
    pending: Vec<(PathBuf, String)>,
    refused: Vec<(PathBuf, &'static str)>,
    /// Device and inode: the same directory may have several paths.
    excluded: Vec<(u64, u64)>,
}

impl Walk<'_> {
    fn is_excluded(&self, entry: &DirEntry) -> io::Result<bool> {
        if self.excluded.is_empty() {
            return Ok(false);
        }
        let metadata = entry.metadata()?;
        Ok(self.excluded.contains(&(metadata.dev(), metadata.ino())))
    }
}
