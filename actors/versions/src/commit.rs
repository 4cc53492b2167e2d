//! Making a version of what is in the working directory.
//!
//! Invariants:
//! - V1: a version is added to the one that its author looked at, or not at all.
//! - V2: a version holds what it names and, of everything else, what the one before held; what another
//!   program has staged is neither taken nor lost.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use git2::{ErrorCode, FileMode, RepositoryState, Signature, Time, Tree};
use weir_domain::Timestamp;

use crate::status::FileChange;
use crate::{Author, Error, Repository, Result, VersionId, guard};

const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// What is to become a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub message: String,
    pub author: Author,
    pub at: Timestamp,
    pub paths: Paths,
    /// Where its author believes the branch to be; the status says so.
    pub expected: Option<VersionId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paths {
    All,
    These(Vec<String>),
}

impl Repository {
    pub fn commit(&self, commit: &Commit) -> Result<VersionId> {
        let message = message(&commit.message)?;
        let author = signature(&commit.author, commit.at)?;
        self.branch_reference()?;
        self.require_unlocked()?;
        let changes = self.changes()?;
        let merged = self.merged_meanwhile(&changes)?;
        let head = self.head()?;
        if head != commit.expected {
            return Err(Error::HeadMoved { expected: commit.expected, found: head });
        }
        let taken = match (&commit.paths, merged.is_empty()) {
            (Paths::All, _) => changes,
            (Paths::These(_), false) => return Err(Error::InProgress { what: "a merge" }),
            (Paths::These(paths), true) => self.chosen(&changes, paths)?,
        };
        if taken.is_empty() && merged.is_empty() {
            return Err(Error::NothingToCommit);
        }
        let before = self.head_tree()?;
        let tree = self.tree_with(before.as_ref(), &taken)?;
        if merged.is_empty() && before.is_some_and(|it| it.id() == tree.id()) {
            return Err(Error::NothingToCommit);
        }
        let mut parents: Vec<_> = head.into_iter().collect();
        parents.extend(merged.iter().copied());
        let id = self.add_version(&author, &message, &tree, &parents)?;
        // The version stands: to say that it was refused, because the index could not follow or a merge
        // could not be ended, would be wrong, and nothing of it is lost: the next one ends it.
        let _ = self.stage(&taken);
        if self.git.state() == RepositoryState::Merge {
            let _ = self.git.cleanup_state();
        }
        Ok(id)
    }

    /// The other sides of a merge that another program has begun and that has no conflicts left.
    fn merged_meanwhile(&self, changes: &[(String, FileChange)]) -> Result<Vec<VersionId>> {
        let conflicts = changes.iter().filter(|it| it.1 == FileChange::Conflicted);
        let paths: Vec<_> = conflicts.map(|it| it.0.clone()).collect();
        let index = self.git.index()?;
        if !paths.is_empty() || index.has_conflicts() {
            return Err(Error::Unmerged { paths });
        }
        if self.git.state() != RepositoryState::Merge {
            self.require_idle()?;
            return Ok(Vec::new());
        }
        if !self.prefix.is_empty() {
            return Err(Error::InProgress { what: "a merge" });
        }
        let file = self.git.path().join("MERGE_HEAD");
        let text = fs::read_to_string(&file).map_err(Error::io(file))?;
        let sides = text.lines().map(str::parse).collect::<Result<Vec<VersionId>>>()?;
        // A version that is here already is one whose merge was committed, and could not be ended.
        let mut missing = Vec::new();
        for side in sides {
            if !self.has(side.0)? {
                missing.push(side);
            }
        }
        Ok(missing)
    }

    fn chosen(
        &self,
        changes: &[(String, FileChange)],
        paths: &[String],
    ) -> Result<Vec<(String, FileChange)>> {
        let mut chosen = Vec::new();
        for path in paths {
            let whole = self.whole(path)?;
            let found = changes.iter().find(|it| it.0 == whole);
            chosen.push(found.ok_or_else(|| Error::Unchanged { path: path.clone() })?.clone());
        }
        chosen.sort();
        chosen.dedup();
        Ok(chosen)
    }

    fn tree_with(
        &self,
        before: Option<&Tree<'_>>,
        taken: &[(String, FileChange)],
    ) -> Result<Tree<'_>> {
        let empty = self.git.treebuilder(None)?.write()?;
        let empty = self.git.find_tree(empty)?;
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, change) in taken {
            guard::path(path)?;
            match change {
                FileChange::Deleted => update.remove(path.as_str()),
                _ => {
                    let (id, mode) = self.blob_of(path)?;
                    update.upsert(path.as_str(), id, mode)
                }
            };
        }
        let id = update.create_updated(&self.git, before.unwrap_or(&empty))?;
        let tree = self.git.find_tree(id)?;
        guard::tree(&self.git, &tree, before, &self.prefix)?;
        Ok(tree)
    }

    fn blob_of(&self, path: &str) -> Result<(git2::Oid, FileMode)> {
        let full = self.require_plain_way(path)?;
        let about = full.symlink_metadata().map_err(Error::io(&full))?;
        if about.is_symlink() {
            let target = fs::read_link(&full).map_err(Error::io(&full))?;
            return Ok((self.git.blob(target.as_os_str().as_bytes())?, FileMode::Link));
        }
        if !about.is_file() {
            let (path, reason) = (path.to_owned(), "it is neither a file nor a link");
            return Err(Error::UnsafePath { path, reason });
        }
        // Before the repository has a copy of it.
        guard::size(path, about.len())?;
        let is_executable = about.permissions().mode() & 0o100 != 0;
        let mode = if is_executable { FileMode::BlobExecutable } else { FileMode::Blob };
        Ok((self.git.blob_path(&full)?, mode))
    }

    /// Adds a version to the branch, if the branch still is at the first of `parents`.
    pub(crate) fn add_version(
        &self,
        author: &Signature<'_>,
        message: &str,
        tree: &Tree<'_>,
        parents: &[VersionId],
    ) -> Result<VersionId> {
        let branch = self.branch_reference()?;
        let commits = parents.iter().map(|it| self.commit_of(*it)).collect::<Result<Vec<_>>>()?;
        let commits: Vec<_> = commits.iter().collect();
        let id = self.git.commit(None, author, author, message, tree, &commits)?;
        let reason = format!("commit: {}", message.lines().next().unwrap_or_default());
        self.move_branch(&branch, parents.first().copied(), VersionId(id), &reason)?;
        Ok(VersionId(id))
    }

    /// Moves a branch, if it still is where it is believed to be.
    pub(crate) fn move_branch(
        &self,
        branch: &str,
        from: Option<VersionId>,
        to: VersionId,
        reason: &str,
    ) -> Result<()> {
        let moved = match from {
            Some(from) => self.git.reference_matching(branch, to.0, true, from.0, reason),
            None => self.git.reference(branch, to.0, false, reason),
        };
        match moved {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.code() {
                ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound => {
                    Error::HeadMoved { expected: from, found: self.head()? }
                }
                ErrorCode::Locked => Error::Locked(self.git.path().join(format!("{branch}.lock"))),
                _ => error.into(),
            }),
        }
    }

    /// Tells the index what a version has taken.
    fn stage(&self, taken: &[(String, FileChange)]) -> Result<()> {
        let mut index = self.git.index()?;
        index.read(true)?;
        for (path, change) in taken {
            let path = Path::new(path);
            match change {
                FileChange::Deleted => index.remove_path(path)?,
                _ => index.add_path(path)?,
            }
        }
        Ok(index.write()?)
    }
}

pub(crate) fn message(message: &str) -> Result<String> {
    let text = message.trim().replace('\r', "");
    if text.is_empty() {
        return Err(Error::EmptyMessage);
    }
    if text.len() > MESSAGE_BYTES_MAX || text.contains('\0') {
        let value = text.chars().take(40).collect();
        let reason = "it is too long or no text";
        return Err(Error::Invalid { what: "the message", value, reason });
    }
    Ok(text + "\n")
}

pub(crate) fn signature(author: &Author, at: Timestamp) -> Result<Signature<'static>> {
    let refuse = |what, value: &str| {
        let reason = "it is empty, or has a line break or one of < >";
        Error::Invalid { what, value: value.to_owned(), reason }
    };
    let is_bad = |it: &str| it.trim().is_empty() || it.contains(['<', '>', '\n', '\0']);
    if is_bad(&author.name) {
        return Err(refuse("the author's name", &author.name));
    }
    if is_bad(&author.email) {
        return Err(refuse("the author's address", &author.email));
    }
    let time = Time::new(at.0.div_euclid(1_000), 0);
    Signature::new(&author.name, &author.email, &time)
        .map_err(|_| refuse("the author's name", &author.name))
}
