//! Going from one version to another in the working directory.
//!
//! Invariants:
//! - C1: nothing that is in no version is overwritten or removed; what would be is named.
//! - C2: a project that is a part of a repository changes nothing outside of itself.
//! - C3: nothing unsafe is written (see `guard`), and nothing is run: no hook, no filter.
//! - C4: a project whose name is known keeps it (see `called`).

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{CheckoutNotificationType, DiffOptions, ErrorCode, ObjectType, Oid, Tree};

use crate::merge::index_entry;
use crate::repository::lossy;
use crate::{Error, Repository, Result, guard};

/// Files that are named of a directory that is in the way.
const NAMED_MAX: usize = 1_000;

/// Content and mode.
type Entry = (Oid, i32);

/// A file that differs between two versions.
pub(crate) struct Moved {
    path: String,
    /// None: it comes.
    before: Option<Entry>,
    /// None: it goes.
    after: Option<Entry>,
    /// The working directory has it so already: it is not ours.
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
        let changes: BTreeSet<_> = self.changes()?.into_iter().map(|it| it.0).collect();
        let going = moved.iter().filter(|it| it.after.is_none());
        let going: BTreeSet<_> = going.map(|it| it.path.clone()).collect();
        let mut lost = Vec::new();
        for file in &mut moved {
            // Below a file or link that goes, and that nobody has changed, nothing is in the way.
            let is_cleared = |at: &str| going.contains(at) && !changes.contains(at);
            if file.path.match_indices('/').any(|(at, _)| is_cleared(&file.path[..at])) {
                continue;
            }
            let full = self.require_plain_way(&file.path)?;
            let is_unknown =
                file.before.is_none() && full.symlink_metadata().is_ok_and(|it| !it.is_dir());
            let is_in_the_way = is_unknown || changes.contains(&file.path);
            file.is_done = is_in_the_way && is_already(&full, file.after);
            if is_in_the_way && !file.is_done {
                lost.push(file.path.clone());
            } else if file.after.is_some_and(|it| it.1 != guard::SUBMODULE) {
                // What goes as well is judged by itself.
                lost.extend(
                    self.in_the_way(&file.path)?.into_iter().filter(|it| !going.contains(it)),
                );
            }
        }
        self.require_none_lost(lost)?;
        Ok(moved)
    }

    /// Refuses if files of the repository would be lost.
    pub(crate) fn require_none_lost(&self, mut lost: Vec<String>) -> Result<()> {
        if lost.is_empty() {
            return Ok(());
        }
        lost.sort();
        lost.dedup();
        let shown = lost.iter().map(|it| self.inside(it).unwrap_or(it).to_owned());
        Err(Error::WouldOverwrite(shown.collect()))
    }

    /// The files that would have to go for another one to be at this path, beside the one that is
    /// there: those below it, or one where a directory would have to be.
    pub(crate) fn in_the_way(&self, path: &str) -> Result<Vec<String>> {
        for (at, _) in path.match_indices('/') {
            match self.work.join(&path[..at]).symlink_metadata() {
                Ok(it) if it.is_dir() => {}
                Ok(_) => return Ok(vec![path[..at].to_owned()]),
                Err(_) => return Ok(Vec::new()),
            }
        }
        let mut found = Vec::new();
        let mut left = vec![path.to_owned()];
        while let Some(path) = left.pop() {
            let full = self.work.join(&path);
            if !full.symlink_metadata().is_ok_and(|it| it.is_dir()) {
                continue;
            }
            for entry in fs::read_dir(&full).map_err(Error::io(&full))? {
                let entry = entry.map_err(Error::io(&full))?;
                let below = format!("{path}/{}", lossy(entry.file_name().as_bytes()));
                if entry.file_type().is_ok_and(|it| it.is_dir()) {
                    left.push(below);
                } else {
                    found.push(below);
                }
                if found.len() == NAMED_MAX {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// Writes what differs, and tells it.
    pub(crate) fn check_out(&self, from: Option<&Tree<'_>>, to: &Tree<'_>) -> Result<Vec<Moved>> {
        let moved = self.require_free_way(from, to)?;
        let project_file = self.project_file();
        if let Some(it) = moved.iter().find(|it| it.path == project_file && !it.is_done) {
            self.require_name(it.after)?;
        }
        if moved.iter().any(|it| !it.is_done) {
            self.write(to, moved.iter().filter(|it| !it.is_done))?;
        }
        if moved.iter().all(|it| !it.is_done) {
            return Ok(moved);
        }
        let mut index = self.git.index()?;
        for file in moved.iter().filter(|it| it.is_done) {
            let path = Path::new(&file.path);
            match file.after {
                Some(_) => index.add_path(path)?,
                None => index.remove_path(path)?,
            }
        }
        index.write()?;
        Ok(moved)
    }

    fn write<'f>(&self, to: &Tree<'_>, files: impl Iterator<Item = &'f Moved>) -> Result<()> {
        let mut in_the_way = Vec::new();
        let mut options = CheckoutBuilder::new();
        options.safe().recreate_missing(true).overwrite_ignored(false).disable_pathspec_match(true);
        for file in files {
            options.path(file.path.as_str());
        }
        options.notify_on(CheckoutNotificationType::CONFLICT).notify(|_, path, _, _, _| {
            in_the_way.extend(path.map(|it| lossy(it.as_os_str().as_bytes())));
            true
        });
        let written = self.git.checkout_tree(to.as_object(), Some(&mut options));
        drop(options);
        written.or_else(|error| match error.code() {
            ErrorCode::Conflict => {
                self.require_none_lost(in_the_way)?;
                Err(error.into())
            }
            ErrorCode::Locked => Err(Error::Locked(self.git.path().join("index.lock"))),
            _ => Err(error.into()),
        })
    }

    /// Undoes [`Repository::check_out`]: only what it wrote itself, and where nobody has changed
    /// anything since.
    pub(crate) fn put_back(&self, moved: &[Moved], to: &Tree<'_>) -> Result<()> {
        let is_ours = |it: &&Moved| {
            let full = self.require_plain_way(&it.path);
            !it.is_done && full.is_ok_and(|full| is_already(&full, it.after))
        };
        let ours: Vec<_> = moved.iter().filter(is_ours).collect();
        let came = ours.iter().filter(|it| it.before.is_none());
        self.remove_added(&came.map(|it| it.path.clone()).collect::<Vec<_>>())?;
        let mut restored = Vec::new();
        for file in ours.iter().filter(|it| it.before.is_some()) {
            if self.in_the_way(&file.path)?.is_empty() {
                restored.push(file.path.clone());
            }
        }
        self.restore(&restored, to)?;
        let mut index = self.git.index()?;
        index.read(true)?;
        for file in moved.iter().filter(|it| it.is_done) {
            match file.before {
                Some((id, mode)) => index.add(&index_entry(&file.path, id, mode))?,
                None => index.remove_path(Path::new(&file.path))?,
            }
        }
        Ok(index.write()?)
    }

    /// Makes files what they are in a version, whatever they were; it has all of them.
    pub(crate) fn restore(&self, paths: &[String], to: &Tree<'_>) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        let mut options = CheckoutBuilder::new();
        options.force().disable_pathspec_match(true);
        for path in paths {
            options.path(path.as_str());
        }
        self.git.checkout_tree(to.as_object(), Some(&mut options))?;
        // A file that was right already is left out of the index, even if that has it otherwise.
        let mut index = self.git.index()?;
        index.read(true)?;
        for path in paths {
            let entry = to.get_path(Path::new(path))?;
            let is_right = |it: git2::IndexEntry| it.id == entry.id();
            if !index.get_path(Path::new(path), 0).is_some_and(is_right) {
                index.add(&index_entry(path, entry.id(), entry.filemode()))?;
            }
        }
        Ok(index.write()?)
    }

    fn moved(&self, from: Option<&Tree<'_>>, to: &Tree<'_>) -> Result<Vec<Moved>> {
        let mut options = DiffOptions::new();
        // A file that becomes a link is one file that differs, and not two.
        options.include_typechange(true);
        let diff = self.git.diff_tree_to_tree(from, Some(to), Some(&mut options))?;
        let moved = diff.deltas().map(|delta| {
            let (old, new) = (delta.old_file(), delta.new_file());
            let path = new.path_bytes().or(old.path_bytes()).unwrap_or_default();
            let entry = |it: git2::DiffFile<'_>| {
                (!it.id().is_zero()).then(|| (it.id(), i32::from(it.mode())))
            };
            Moved { path: lossy(path), before: entry(old), after: entry(new), is_done: false }
        });
        Ok(moved.collect())
    }
}

/// Whether the file holds already what it is to hold, or is gone if it is to go.
fn is_already(full: &Path, entry: Option<Entry>) -> bool {
    let about = full.symlink_metadata();
    let Some((id, mode)) = entry else { return !about.is_ok_and(|it| !it.is_dir()) };
    let hash = match about {
        Ok(it) if it.is_symlink() && mode == guard::LINK => fs::read_link(full)
            .ok()
            .and_then(|it| Oid::hash_object(ObjectType::Blob, it.as_os_str().as_bytes()).ok()),
        Ok(it) if it.is_file() && mode != guard::LINK => {
            Oid::hash_file(ObjectType::Blob, full).ok()
        }
        _ => None,
    };
    hash == Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository whose newest version has other files than the first.
    fn repository(dir: &Path) -> (Repository, Oid, Oid) {
        let repository = Repository::init(dir).unwrap();
        let tree = |files: &[(&str, &str)]| {
            let mut update = git2::build::TreeUpdateBuilder::new();
            for (path, text) in files {
                let id = repository.git.blob(text.as_bytes()).unwrap();
                update.upsert(*path, id, git2::FileMode::Blob);
            }
            let empty = repository.git.treebuilder(None).unwrap().write().unwrap();
            let empty = repository.git.find_tree(empty).unwrap();
            update.create_updated(&repository.git, &empty).unwrap()
        };
        let one =
            tree(&[("changed", "1"), ("edited", "1"), ("gone", "1"), ("taken", "1"), ("x", "1")]);
        let other = tree(&[
            ("changed", "2"),
            ("edited", "2"),
            ("new", "2"),
            ("new-edited", "2"),
            ("x/y", "2"),
        ]);
        (repository, one, other)
    }

    #[test]
    fn what_was_changed_since_is_not_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let (repository, one, other) = repository(dir.path());
        let (one, other) =
            (repository.git.find_tree(one).unwrap(), repository.git.find_tree(other).unwrap());
        repository.check_out(None, &one).unwrap();
        let author = git2::Signature::now("Ada", "ada@example.org").unwrap();
        repository.git.commit(Some("HEAD"), &author, &author, "one", &one, &[]).unwrap();
        let moved = repository.check_out(Some(&one), &other).unwrap();
        let path = |it: &str| repository.work.join(it);
        fs::write(path("edited"), "mine").unwrap();
        fs::write(path("new-edited"), "mine").unwrap();
        fs::create_dir(path("taken")).unwrap();
        fs::write(path("taken/mine"), "mine").unwrap();
        repository.put_back(&moved, &one).unwrap();
        let read = |it: &str| fs::read_to_string(path(it)).ok();
        let is = |it: &str| Some(it.to_owned());
        assert_eq!((read("changed"), read("gone"), read("x")), (is("1"), is("1"), is("1")));
        assert_eq!(read("new"), None);
        for kept in ["edited", "new-edited", "taken/mine"] {
            assert_eq!(read(kept), is("mine"), "{kept}");
        }
    }
}
