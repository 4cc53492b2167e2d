//! Branches: which there are, and which one the project is on.

use git2::{BranchType, ErrorCode};
use serde::Serialize;

use crate::repository::lossy;
use crate::{Error, Repository, Result, VersionId};

/// Longest name of a branch, in bytes.
const LENGTH_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Branch {
    pub side: BranchSide,
    /// With the remote's name before it, if it is one of a remote.
    pub name: String,
    pub head: VersionId,
    pub is_current: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum BranchSide {
    Here,
    /// As a remote had it when it was asked last.
    Remote,
}

impl Repository {
    pub fn branches(&self) -> Result<Vec<Branch>> {
        let mut branches = Vec::new();
        for found in self.git.branches(None)? {
            let (branch, side) = found?;
            let side = match side {
                BranchType::Local => BranchSide::Here,
                BranchType::Remote => BranchSide::Remote,
            };
            // The remote's own choice of a branch is no branch.
            let Ok(head) = branch.get().peel_to_commit() else { continue };
            if branch.get().symbolic_target_bytes().is_some() {
                continue;
            }
            let name = lossy(branch.name_bytes()?);
            let head = VersionId(head.id());
            branches.push(Branch { side, name, head, is_current: branch.is_head() });
        }
        branches.sort();
        Ok(branches)
    }

    /// A new branch, at a version or where the project is. The project stays where it is.
    pub fn branch_create(&self, name: &str, at: Option<VersionId>) -> Result<()> {
        check_name(name)?;
        self.require_room(name, None)?;
        let at = at.map_or_else(|| self.head(), |it| Ok(Some(it)))?;
        let at = at.ok_or(Error::NothingToCommit)?;
        let created = self.git.branch(name, &self.commit_of(at)?, false);
        created.map(|_| ()).map_err(|error| exists(error, name))
    }

    /// Goes to another branch. Uncommitted changes come along, unless they would be overwritten.
    pub fn switch(&self, name: &str) -> Result<()> {
        self.require_idle()?;
        self.require_unlocked()?;
        let branch = self.find(name)?;
        let target = branch.get().peel_to_commit()?.tree()?;
        self.check_out(self.head_tree()?.as_ref(), &target)?;
        Ok(self.git.set_head(&format!("refs/heads/{name}"))?)
    }

    /// Deletes a branch. Without force only if the branch that the project is on has all of it.
    pub fn branch_delete(&self, name: &str, force: Force) -> Result<()> {
        let mut branch = self.find(name)?;
        if branch.is_head() {
            return Err(Error::CurrentBranch(name.to_owned()));
        }
        let tip = branch.get().peel_to_commit()?.id();
        if force == Force::No && !self.has(tip)? {
            let into = self.branch()?.unwrap_or_else(|| "the current version".to_owned());
            return Err(Error::NotMerged { name: name.to_owned(), into });
        }
        Ok(branch.delete()?)
    }

    pub fn branch_rename(&self, name: &str, to: &str) -> Result<()> {
        check_name(to)?;
        let mut branch = self.find(name)?;
        self.require_room(to, Some(name))?;
        let renamed = branch.rename(to, false);
        renamed.map(|_| ()).map_err(|error| exists(error, to))
    }

    /// A branch is a file of Git's: none can lie below another one, nor be a directory of others.
    fn require_room(&self, name: &str, except: Option<&str>) -> Result<()> {
        let lies_below =
            |it: &str, of: &str| it.strip_prefix(of).is_some_and(|rest| rest.starts_with('/'));
        let branches = self.branches()?.into_iter().filter(|it| it.side == BranchSide::Here);
        let mut others = branches.map(|it| it.name).filter(|it| Some(it.as_str()) != except);
        match others.find(|it| lies_below(it, name) || lies_below(name, it)) {
            Some(other) => Err(Error::BranchExists(other)),
            None => Ok(()),
        }
    }

    fn find(&self, name: &str) -> Result<git2::Branch<'_>> {
        self.git.find_branch(name, BranchType::Local).map_err(|error| match error.code() {
            ErrorCode::NotFound | ErrorCode::InvalidSpec => Error::NoBranch(name.to_owned()),
            _ => error.into(),
        })
    }

    /// Whether the branch that the project is on has a version.
    pub(crate) fn has(&self, tip: git2::Oid) -> Result<bool> {
        let Some(head) = self.head()? else { return Ok(false) };
        Ok(head.0 == tip || self.git.graph_descendant_of(head.0, tip)?)
    }
}

/// Whether versions may be lost that no other branch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    No,
    Yes,
}

fn exists(error: git2::Error, name: &str) -> Error {
    match error.code() {
        ErrorCode::Exists => Error::BranchExists(name.to_owned()),
        _ => error.into(),
    }
}

/// Refuses what Git refuses, and what it takes for something else: `@` is where one is, and `refs/…` a whole path.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let refuse = |reason| Err(Error::Invalid { what: "the name", value: name.to_owned(), reason });
    if name.len() > LENGTH_MAX {
        return refuse("the name of a branch has at most 200 bytes");
    }
    if name == "HEAD" || name == "@" || name.starts_with("refs/") || name.starts_with('-') {
        return refuse("git takes it for something else than a branch");
    }
    if !git2::Branch::name_is_valid(name).unwrap_or(false) {
        return refuse(
            "the name of a branch has no space, no `..`, `@{` or any of ~^:?*[\\, and no part of it begins with a dot \
             or ends with one, with a slash or with .lock",
        );
    }
    Ok(())
}
