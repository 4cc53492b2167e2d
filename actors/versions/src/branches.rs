//! Branches: which there are, and which one the project is on.

use git2::{BranchType, ErrorCode};
use serde::Serialize;

use crate::repository::lossy;
use crate::{Error, Repository, Result, VersionId};

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
        let renamed = branch.rename(to, false);
        renamed.map(|_| ()).map_err(|error| exists(error, to))
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

pub(crate) fn check_name(name: &str) -> Result<()> {
    let is_valid = git2::Branch::name_is_valid(name).unwrap_or(false);
    if is_valid && !name.starts_with('-') && name != "HEAD" && name.len() <= 200 {
        return Ok(());
    }
    let reason = "no branch can be called that";
    Err(Error::Invalid { what: "the name", value: name.to_owned(), reason })
}
