//! Two branches become one.
//!
//! A merge is worked out in memory: what each side changed since the version that both have. Assets
//! are merged by field, other texts by lines. Where both sides changed the same thing, it answers with
//! the conflicts and has touched nothing; who has decided them asks again, with the decisions.
//!
//! Invariants:
//! - M1: until the merged version is complete, no file, branch or state of the repository changes.
//! - M2: decisions hold for the two versions that they were made for: if one moved, they are refused.

mod files;
mod trees;

use std::collections::BTreeMap;

use git2::{Commit, ErrorCode, Oid, RepositoryState, Status};
use weir_domain::Timestamp;
use weir_merge::{Choice, FieldConflict};

use crate::commit::{message, signature};
use crate::{Author, Error, Repository, Result, VersionId, guard};

pub(crate) use files::is_yaml;
pub use files::{FileChoice, FileConflict};
use trees::Outcome;
pub(crate) use trees::index_entry;

/// What is to be merged into the branch that the project is on.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// A branch, here or of a remote (`origin/main`).
    pub branch: String,
    pub author: Author,
    pub at: Timestamp,
    /// None: one that says what was merged.
    pub message: Option<String>,
    pub resolutions: Resolutions,
}

/// What was decided about conflicts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resolutions {
    /// The two versions that it was decided for, as [`Merged::Conflicts`] told them. None: there are
    /// no decisions.
    pub versions: Option<(VersionId, VersionId)>,
    /// By the asset's path and the field's, as [`crate::FieldPath`] is written.
    pub fields: BTreeMap<(String, String), Choice>,
    /// Files that can't be merged by fields, by path.
    pub files: BTreeMap<String, FileChoice>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Conflict {
    Field { asset: String, conflict: FieldConflict },
    File(FileConflict),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Merged {
    /// The branch has all of it already.
    Nothing,
    /// The branch had nothing of its own: it is now where the other one is.
    FastForward(VersionId),
    Version(VersionId),
    /// Nothing was changed. Ask again with a resolution for each.
    Conflicts {
        ours: VersionId,
        theirs: VersionId,
        conflicts: Vec<Conflict>,
    },
}

/// What a merge would come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreseen {
    /// Where the project is; none before the first version.
    pub ours: Option<VersionId>,
    pub theirs: VersionId,
    pub outcome: Outlook,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outlook {
    Nothing,
    FastForward,
    Version,
    Conflicts(Vec<Conflict>),
}

/// What was worked out, before anything is written.
enum Planned<'r> {
    Nothing,
    FastForward,
    Tree { tree: git2::Tree<'r>, ours: Commit<'r> },
    Conflicts { ours: VersionId, conflicts: Vec<Conflict> },
}

impl Repository {
    pub fn merge(&self, merge: &Merge) -> Result<Merged> {
        self.merge_reference(merge, &self.reference_of(&merge.branch)?)
    }

    /// What [`Repository::merge`] would do. Changes nothing.
    pub fn merge_foreseen(&self, merge: &Merge) -> Result<Foreseen> {
        self.require_idle()?;
        self.branch_reference()?;
        let reference = self.reference_of(&merge.branch)?;
        let theirs = self.git.find_reference(&reference)?.peel_to_commit()?;
        let ours = self.head()?;
        let outcome = match self.merge_planned(merge, ours, &theirs)? {
            Planned::Nothing => Outlook::Nothing,
            Planned::FastForward => Outlook::FastForward,
            Planned::Tree { .. } => Outlook::Version,
            Planned::Conflicts { conflicts, .. } => Outlook::Conflicts(conflicts),
        };
        Ok(Foreseen { ours, theirs: VersionId(theirs.id()), outcome })
    }

    /// Undoes a merge that another program has begun: files that it touched are as in the version
    /// that the project is at. Refused if that would lose what was written since.
    pub fn merge_abort(&self) -> Result<()> {
        if self.git.state() != RepositoryState::Merge {
            self.require_idle()?;
            return Err(Error::NoMerge);
        }
        if !self.prefix.is_empty() {
            return Err(Error::InProgress { what: "a merge of the whole repository" });
        }
        self.require_unlocked()?;
        let head = self.head_tree()?.ok_or(Error::NoMerge)?;
        let paths = self.merged_paths(&head)?;
        if paths.contains(&self.project_file()) {
            // The project may be known by the name that the merge has brought.
            self.require_name_in(Some(&head))?;
        }
        self.require_none_lost(self.written_since(&paths)?)?;
        let is_known = |it: &String| head.get_path(std::path::Path::new(it)).is_ok();
        let (touched, added): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_known);
        self.remove_added(&added)?;
        self.restore(&touched, &head)?;
        Ok(self.git.cleanup_state()?)
    }

    /// What would be lost if these files went back: what neither the version nor the merge wrote.
    /// Files in conflict are the merge's own.
    fn written_since(&self, paths: &[String]) -> Result<Vec<String>> {
        let statuses: BTreeMap<_, _> = self.statuses()?.into_iter().collect();
        let mut lost = Vec::new();
        for path in paths {
            let full = self.require_plain_way(path)?;
            let is_file = full.symlink_metadata().is_ok_and(|it| !it.is_dir());
            let status = statuses.get(path).copied().unwrap_or(Status::CURRENT);
            let is_written = status.intersects(
                Status::WT_MODIFIED | Status::WT_NEW | Status::WT_TYPECHANGE | Status::WT_RENAMED,
            ) || status.contains(Status::INDEX_DELETED);
            if is_file && is_written && !status.contains(Status::CONFLICTED) {
                lost.push(path.clone());
            }
            let others = self.in_the_way(path)?.into_iter();
            lost.extend(others.filter(|it| paths.binary_search(it).is_err()));
        }
        Ok(lost)
    }

    /// What the index has otherwise than the version, in order.
    fn merged_paths(&self, head: &git2::Tree<'_>) -> Result<Vec<String>> {
        let mut index = self.git.index()?;
        index.read(true)?;
        let diff = self.git.diff_tree_to_index(Some(head), Some(&index), None)?;
        let bytes = |it: &git2::DiffDelta<'_>| {
            it.new_file().path_bytes().or(it.old_file().path_bytes()).map(crate::repository::lossy)
        };
        let mut paths: Vec<_> = diff.deltas().filter_map(|it| bytes(&it)).collect();
        for conflict in index.conflicts()? {
            let conflict = conflict?;
            let sides = [conflict.our, conflict.their, conflict.ancestor];
            paths.extend(sides.iter().flatten().map(|it| crate::repository::lossy(&it.path)));
        }
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    fn reference_of(&self, branch: &str) -> Result<String> {
        for name in [format!("refs/heads/{branch}"), format!("refs/remotes/{branch}")] {
            match self.git.find_reference(&name) {
                Ok(_) => return Ok(name),
                Err(error)
                    if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::NoBranch(branch.to_owned()))
    }

    pub(crate) fn merge_reference(&self, merge: &Merge, reference: &str) -> Result<Merged> {
        self.require_idle()?;
        self.require_unlocked()?;
        let author = signature(&merge.author, merge.at)?;
        let branch = self.branch_reference()?;
        let theirs = self.git.find_reference(reference)?.peel_to_commit()?;
        let head = self.head()?;
        let (tree, ours) = match self.merge_planned(merge, head, &theirs)? {
            Planned::Nothing => return Ok(Merged::Nothing),
            Planned::FastForward => return self.fast_forward(&branch, head, &theirs),
            Planned::Tree { tree, ours } => (tree, ours),
            Planned::Conflicts { ours, conflicts } => {
                let theirs = VersionId(theirs.id());
                return Ok(Merged::Conflicts { ours, theirs, conflicts });
            }
        };
        let written = self.branch()?.unwrap_or_default();
        let text = merge.message.clone();
        let text = text.unwrap_or_else(|| format!("Merge {} into {written}", merge.branch));
        let text = message(&text)?;
        let id = self.git.commit(None, &author, &author, &text, &tree, &[&ours, &theirs])?;
        let reason = format!("merge {}", merge.branch);
        self.advance(&branch, head, VersionId(id), &reason)?;
        Ok(Merged::Version(VersionId(id)))
    }

    /// Works a merge out in memory (M1).
    fn merge_planned(
        &self,
        merge: &Merge,
        head: Option<VersionId>,
        theirs: &Commit<'_>,
    ) -> Result<Planned<'_>> {
        let Some(head) = head else { return Ok(Planned::FastForward) };
        let ours = self.commit_of(head)?;
        let versions = (head, VersionId(theirs.id()));
        if merge.resolutions.versions.is_some_and(|it| it != versions) {
            let expected = merge.resolutions.versions.map(|it| it.0);
            return Err(Error::HeadMoved { expected, found: Some(head) });
        }
        let base = self.base(&ours, theirs, merge)?;
        if base == theirs.id() {
            return Ok(Planned::Nothing);
        }
        if base == ours.id() {
            return Ok(Planned::FastForward);
        }
        let base = self.git.find_commit(base)?.tree()?;
        let outcome = trees::merge(
            &self.git,
            &self.prefix,
            [&base, &ours.tree()?, &theirs.tree()?],
            &merge.resolutions,
        )?;
        match outcome {
            Outcome::Tree(tree) => {
                let tree = self.git.find_tree(tree)?;
                guard::tree(&self.git, &tree, Some(&ours.tree()?), &self.prefix)?;
                Ok(Planned::Tree { tree, ours })
            }
            Outcome::Conflicts(conflicts) => Ok(Planned::Conflicts { ours: head, conflicts }),
        }
    }

    fn base(&self, ours: &Commit<'_>, theirs: &Commit<'_>, merge: &Merge) -> Result<Oid> {
        self.git.merge_base(ours.id(), theirs.id()).map_err(|error| match error.code() {
            ErrorCode::NotFound => Error::Unrelated {
                ours: self.branch().ok().flatten().unwrap_or_default(),
                theirs: merge.branch.clone(),
            },
            _ => error.into(),
        })
    }

    fn fast_forward(
        &self,
        branch: &str,
        head: Option<VersionId>,
        to: &Commit<'_>,
    ) -> Result<Merged> {
        let to = VersionId(to.id());
        self.advance(branch, head, to, "merge: fast-forward")?;
        Ok(Merged::FastForward(to))
    }

    /// Files first, the branch last: what dies in between has changed files, and lost none.
    fn advance(
        &self,
        branch: &str,
        from: Option<VersionId>,
        to: VersionId,
        reason: &str,
    ) -> Result<()> {
        let before = from.map(|it| Ok::<_, Error>(self.commit_of(it)?.tree()?)).transpose()?;
        let after = self.commit_of(to)?.tree()?;
        let written = self.check_out(before.as_ref(), &after)?;
        let moved = self.move_branch(branch, from, to, reason);
        if moved.is_err()
            && let Some(before) = &before
        {
            // Somebody was faster: back to where the files came from, if they are still ours.
            self.put_back(&written, before)?;
        }
        moved
    }
}
