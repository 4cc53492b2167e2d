//! What differs between the working directory and the version that the project is at.

use std::collections::{BTreeMap, BTreeSet};
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
        let statuses = self.statuses()?.into_iter();
        let mut changes: Vec<_> =
            statuses.filter_map(|(path, it)| Some((path, change(it)?))).collect();
        changes.sort();
        changes.dedup();
        Ok(changes)
    }

    /// As Git sees them.
    pub(crate) fn statuses(&self) -> Result<Vec<(String, GitStatus)>> {
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
        Ok(statuses.iter().map(|it| (lossy(it.path_bytes()), it.status())).collect())
    }

    /// Puts the files back as they are in the version that the project is at; what was added goes.
    /// Refused if other files would go as well.
    pub fn discard(&self, paths: &[String]) -> Result<()> {
        self.require_unlocked()?;
        let changes: BTreeMap<_, _> = self.changes()?.into_iter().collect();
        let named = paths.iter().map(|it| self.whole(it)).collect::<Result<BTreeSet<_>>>()?;
        let (mut restored, mut added, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for whole in &named {
            let path = || self.inside(whole).unwrap_or(whole).to_owned();
            match changes.get(whole) {
                None => return Err(Error::Unchanged { path: path() }),
                Some(FileChange::Conflicted) => {
                    return Err(Error::Unmerged { paths: vec![path()] });
                }
                Some(FileChange::Added) => {
                    self.require_plain_way(whole)?;
                    added.push(whole.clone());
                }
                Some(FileChange::Changed | FileChange::Deleted) => {
                    self.require_plain_way(whole)?;
                    restored.push(whole.clone());
                    let others = self.in_the_way(whole)?.into_iter();
                    lost.extend(others.filter(|it| !named.contains(it)));
                }
            }
        }
        self.require_none_lost(lost)?;
        if named.contains(&self.project_file()) {
            self.require_name_in(self.head_tree()?.as_ref())?;
        }
        self.remove_added(&added)?;
        match self.head_tree()? {
            Some(head) => self.restore(&restored, &head),
            None => Ok(()),
        }
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
            if full.symlink_metadata().is_ok_and(|it| !it.is_dir()) {
                match fs::remove_file(&full) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::Io { path: full, source: error });
                    }
                    _ => {}
                }
            }
            // With all sides of it, if it is in conflict; nothing happens if it is not there.
            index.remove_path(Path::new(path))?;
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
