//! A version as plain files somewhere else, without touching the project.
//!
//! Invariants:
//! - E1: the files follow from the version alone: nothing of the working directory, of an index or of a
//!   configuration of Git is looked at, and nothing is translated.
//! - E2: all of it is there, or none: what was begun is taken away again.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

use git2::{ObjectType, Tree};
use weir_domain::Bytes;

use crate::repository::lossy;
use crate::{Error, Repository, Result, VersionId, guard};

/// As Git writes that a file may be run.
const EXECUTABLE: i32 = 0o100_755;

impl Repository {
    /// Writes the project as it was in a version into a directory that is empty or not there yet. It is
    /// refused if a name or a link of the version is unsafe, and tells what the version is.
    pub fn export(&self, id: VersionId, to: &Path) -> Result<crate::Version> {
        let whole = self.commit_of(id)?.tree()?;
        let version = self.version(id)?;
        let is_there = to.symlink_metadata().is_ok();
        if is_there && !fs::read_dir(to).is_ok_and(|mut it| it.next().is_none()) {
            return Err(Error::NotEmpty(to.to_owned()));
        }
        let tree = self.project_tree(&whole)?;
        if let Some(tree) = &tree {
            // The project is the root of what is written: a link out of it is one, wherever it lay.
            guard::tree(&self.git, tree, None, "")?;
        }
        fs::create_dir_all(to).map_err(Error::io(to))?;
        let written = tree.map_or(Ok(()), |it| self.write_out(&it, to));
        if let Err(error) = written {
            // What can't be removed is in a directory that its caller named, and hears of.
            let _ = fs::remove_dir_all(to);
            if is_there {
                let _ = fs::create_dir(to);
            }
            return Err(error);
        }
        Ok(version)
    }

    fn write_out(&self, tree: &Tree<'_>, to: &Path) -> Result<()> {
        let (mut links, mut bytes) = (Vec::new(), 0);
        guard::entries(&self.git, tree, &mut |dir, entry| {
            let full = to.join(format!("{dir}{}", lossy(entry.name_bytes())));
            match entry.kind() {
                // Submodules stay empty directories.
                Some(ObjectType::Tree | ObjectType::Commit) => {
                    fs::create_dir(&full).map_err(Error::io(&full))
                }
                Some(ObjectType::Blob) if entry.filemode() == guard::LINK => {
                    let target = self.git.find_blob(entry.id())?;
                    links.push((lossy(target.content()), full));
                    Ok(())
                }
                Some(ObjectType::Blob) => {
                    let mode = if entry.filemode() == EXECUTABLE { 0o755 } else { 0o644 };
                    let blob = self.git.find_blob(entry.id())?;
                    bytes += blob.size() as u64;
                    if bytes > guard::WHOLE_BYTES_MAX {
                        return Err(Error::TooLarge {
                            what: "the version".to_owned(),
                            size: Bytes(bytes),
                            limit: Bytes(guard::WHOLE_BYTES_MAX),
                        });
                    }
                    let mut options = OpenOptions::new();
                    let file = options.write(true).create_new(true).mode(mode).open(&full);
                    let written = file.and_then(|mut it| it.write_all(blob.content()));
                    written.map_err(Error::io(&full))
                }
                _ => Ok(()),
            }
        })?;
        // Last, so that nothing is written through one.
        links.into_iter().try_for_each(|(target, at)| symlink(target, &at).map_err(Error::io(&at)))
    }
}
