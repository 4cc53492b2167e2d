//! Going from one version to another in the working directory.
//!
//! Invariants:
//! - C1: nothing that is in no version is overwritten or removed; what would be is named.
//! - C2: a project that is a part of a repository changes nothing outside of itself.
//! - C3: nothing unsafe is written (see `guard`), and nothing is run: no hook, no filter.

use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{ErrorCode, Oid, Tree};

use crate::repository::lossy;
use crate::{Error, Repository, Result, guard};

/// A file that differs between two versions.
struct Moved {
    path: String,
    /// What it is to be; none: it goes.
    id: Option<Oid>,
    was_there: bool,
    /// The working directory has it so already.
    is_done: bool,
}

impl Repository {
    /// What is to be written; refused if something is in the way.
    fn require_free_way(&self, from: Option<&Tree<'_>>, to: &Tree<'_>) -> Result<Vec<Moved>> {
        guard::tree(&self.git, to, from, &self.prefix)?;
        let mut moved = self.moved(from, to)?;
        let outside: Vec<_> = moved
            .iter()
            .filter(|it| self.inside(&it.path).is_none())
            .map(|it| it.path.clone())
            .collect();
        if !outside.is_empty() {
            return Err(Error::Outside(outside));
        }
        let changes = self.changes()?;
        let mut lost = Vec::new();
        for file in &mut moved {
            let full = self.require_plain_way(&file.path)?;
            let is_changed = changes.iter().any(|it| it.0 == file.path);
            let is_ignored =
                !file.was_there && full.symlink_metadata().is_ok_and(|it| !it.is_dir());
            let is_blocked = changes.iter().any(|it| file.path.starts_with(&format!("{}/", it.0)));
            let is_in_the_way = is_changed || is_ignored || is_blocked;
            file.is_done = is_in_the_way && self.is_already(&full, file.id);
            if is_in_the_way && !file.is_done {
                lost.push(self.inside(&file.path).unwrap_or(&file.path).to_owned());
            }
        }
        if !lost.is_empty() {
            return Err(Error::WouldOverwrite(lost));
        }
        Ok(moved)
    }

    /// Writes what differs.
    pub(crate) fn check_out(&self, from: Option<&Tree<'_>>, to: &Tree<'_>) -> Result<()> {
        let (done, moved): (Vec<_>, Vec<_>) =
            self.require_free_way(from, to)?.into_iter().partition(|it| it.is_done);
        if !moved.is_empty() {
            self.write(to, &moved)?;
        }
        if done.is_empty() {
            return Ok(());
        }
        let mut index = self.git.index()?;
        for file in &done {
            let path = Path::new(&file.path);
            match file.id {
                Some(_) => index.add_path(path)?,
                None => index.remove_path(path)?,
            }
        }
        Ok(index.write()?)
    }

    fn write(&self, to: &Tree<'_>, files: &[Moved]) -> Result<()> {
        let mut options = CheckoutBuilder::new();
        options.safe().recreate_missing(true).overwrite_ignored(false).disable_pathspec_match(true);
        for file in files {
            options.path(file.path.as_str());
        }
        let written = self.git.checkout_tree(to.as_object(), Some(&mut options));
        written.map_err(|error| match error.code() {
            ErrorCode::Conflict => Error::WouldOverwrite(vec![error.message().to_owned()]),
            ErrorCode::Locked => Error::Locked(self.git.path().join("index.lock")),
            _ => error.into(),
        })
    }

    /// Undoes [`Repository::check_out`] where nobody has changed anything since.
    pub(crate) fn put_back(&self, from: &Tree<'_>, to: &Tree<'_>) -> Result<()> {
        let mut options = CheckoutBuilder::new();
        options.force().disable_pathspec_match(true);
        let (kept, gone): (Vec<_>, Vec<_>) =
            self.moved(Some(from), to)?.into_iter().partition(|it| it.id.is_some());
        for file in &kept {
            options.path(file.path.as_str());
        }
        if !kept.is_empty() {
            self.git.checkout_tree(to.as_object(), Some(&mut options))?;
        }
        let added: Vec<_> = gone.into_iter().map(|it| it.path).collect();
        self.remove_added(&added)
    }

    fn moved(&self, from: Option<&Tree<'_>>, to: &Tree<'_>) -> Result<Vec<Moved>> {
        let diff = self.git.diff_tree_to_tree(from, Some(to), None)?;
        let moved = diff.deltas().map(|delta| {
            let (old, new) = (delta.old_file(), delta.new_file());
            let path = new.path_bytes().or(old.path_bytes()).unwrap_or_default();
            let id = (!new.id().is_zero()).then(|| new.id());
            Moved { path: lossy(path), id, was_there: !old.id().is_zero(), is_done: false }
        });
        Ok(moved.collect())
    }

    /// Whether the file holds already what it is to hold.
    fn is_already(&self, full: &Path, id: Option<Oid>) -> bool {
        let Some(id) = id else { return full.symlink_metadata().is_err() };
        let is_file = full.symlink_metadata().is_ok_and(|it| it.is_file());
        is_file && Oid::hash_file(git2::ObjectType::Blob, full).is_ok_and(|it| it == id)
    }
}
