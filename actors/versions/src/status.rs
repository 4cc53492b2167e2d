//! What differs between the working directory and the version that the project is at.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{Status as GitStatus, StatusOptions};
use serde::Serialize;

use crate::repository::lossy;
use crate::{Error, Repository, Result, VersionId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// None on a version by itself.
    pub branch: Option<String>,
    /// None before the first version.
    pub head: Option<VersionId>,
    /// A merge was begun, by another program, and is not committed.
    pub is_merging: bool,
    pub files: Vec<ChangedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedFile {
    pub path: String,
    pub change: FileChange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FileChange {
    Added,
    Changed,
    Deleted,
    /// Both sides of a merge that is in progress changed it.
    Conflicted,
}

impl Repository {
    pub fn status(&self) -> Result<Status> {
        let files = self.changes()?.into_iter().filter_map(|(path, change)| {
            let path = self.inside(&path)?.to_owned();
            Some(ChangedFile { path, change })
        });
        Ok(Status {
            branch: self.branch()?,
            head: self.head()?,
            is_merging: self.git.state() == git2::RepositoryState::Merge,
            files: files.collect(),
        })
    }

    /// What changed in the project, by the repository's paths, in order.
    pub(crate) fn changes(&self) -> Result<Vec<(String, FileChange)>> {
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .exclude_submodules(true)
            .disable_pathspec_match(true)
            .include_unreadable(true);
        if let Some(spec) = self.spec() {
            options.pathspec(spec);
        }
        let statuses = self.git.statuses(Some(&mut options))?;
        let mut changes = Vec::new();
        for entry in statuses.iter() {
            if let Some(change) = change(entry.status()) {
                changes.push((lossy(entry.path_bytes()), change));
            }
        }
        changes.sort();
        changes.dedup();
        Ok(changes)
    }

    /// Puts the files back as they are in the version that the project is at; what was added goes.
    pub fn discard(&self, paths: &[String]) -> Result<()> {
        self.require_unlocked()?;
        let changes = self.changes()?;
        let mut restored = git2::build::CheckoutBuilder::new();
        restored.force().disable_pathspec_match(true);
        let (mut has_restored, mut added) = (false, Vec::new());
        for path in paths {
            let whole = self.whole(path)?;
            match changes.iter().find(|it| it.0 == whole).map(|it| it.1) {
                None => return Err(Error::Unchanged { path: path.clone() }),
                Some(FileChange::Conflicted) => {
                    return Err(Error::Unmerged { paths: vec![path.clone()] });
                }
                Some(FileChange::Added) => added.push(whole),
                Some(FileChange::Changed | FileChange::Deleted) => {
                    self.require_plain_way(&whole)?;
                    restored.path(whole.as_str());
                    has_restored = true;
                }
            }
        }
        if has_restored {
            self.git.checkout_head(Some(&mut restored))?;
        }
        self.remove_added(&added)
    }

    /// Removes files that no version has.
    pub(crate) fn remove_added(&self, paths: &[String]) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        let mut index = self.git.index()?;
        index.read(true)?;
        for path in paths {
            let full = self.require_plain_way(path)?;
            match fs::remove_file(&full) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::Io { path: full, source: error });
                }
                _ => {}
            }
            if index.get_path(Path::new(path), 0).is_some() {
                index.remove_path(Path::new(path))?;
            }
        }
        Ok(index.write()?)
    }

    /// The file of a path of the repository. No directory on the way to it may be a link.
    pub(crate) fn require_plain_way(&self, path: &str) -> Result<PathBuf> {
        let mut way = self.work.clone();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            way.push(part);
            let is_last = parts.peek().is_none();
            if !is_last && way.symlink_metadata().is_ok_and(|it| it.is_symlink()) {
                let reason = "a directory on the way to it is a link";
                return Err(Error::UnsafePath { path: path.to_owned(), reason });
            }
        }
        Ok(way)
    }
}

fn change(status: GitStatus) -> Option<FileChange> {
    let any = |of: GitStatus| status.intersects(of);
    if any(GitStatus::CONFLICTED) {
        Some(FileChange::Conflicted)
    } else if any(GitStatus::WT_DELETED) && any(GitStatus::INDEX_NEW) {
        None
    } else if any(GitStatus::WT_DELETED) || any(GitStatus::INDEX_DELETED) && !any(GitStatus::WT_NEW)
    {
        Some(FileChange::Deleted)
    } else if any(GitStatus::INDEX_DELETED) {
        Some(FileChange::Changed)
    } else if any(GitStatus::WT_NEW | GitStatus::INDEX_NEW) {
        Some(FileChange::Added)
    } else if any(GitStatus::WT_MODIFIED
        | GitStatus::WT_TYPECHANGE
        | GitStatus::WT_RENAMED
        | GitStatus::WT_UNREADABLE
        | GitStatus::INDEX_MODIFIED
        | GitStatus::INDEX_TYPECHANGE
        | GitStatus::INDEX_RENAMED)
    {
        Some(FileChange::Changed)
    } else {
        None
    }
}
