//! Three versions of all files become one.
//!
//! Each file of the base is followed to where each side has it now, so that a file may be moved by one
//! side and changed by the other. What is in conflict is gathered; nothing is decided here.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Delta, DiffFindOptions, ObjectType, Oid, Tree};

use super::files::{self, FileChoice, FileConflict};
use super::{Conflict, Resolutions};
use crate::repository::lossy;
use crate::{Error, Result, guard};

pub(super) enum Outcome {
    Tree(Oid),
    Conflicts(Vec<Conflict>),
}

/// Content and mode.
type Entry = (Oid, i32);

/// All entries of a version that are no directories, by path.
type Entries = BTreeMap<String, Entry>;

/// A file as one side has it now.
#[derive(Debug, Clone, PartialEq)]
struct Now {
    path: String,
    entry: Entry,
}

pub(super) fn merge(
    git: &git2::Repository,
    prefix: &str,
    [base, ours, theirs]: [&Tree<'_>; 3],
    resolutions: &Resolutions,
) -> Result<Outcome> {
    let mut merge = Merge {
        git,
        prefix,
        resolutions,
        used: BTreeSet::new(),
        merged: BTreeMap::new(),
        conflicts: Vec::new(),
    };
    // All are unfolded before two of them are compared: none of them is more than can be held.
    let (olds, ours_now, theirs_now) =
        (entries(git, base)?, entries(git, ours)?, entries(git, theirs)?);
    let mut mine = Side::of(git, base, ours, ours_now)?;
    let mut yours = Side::of(git, base, theirs, theirs_now)?;
    for (path, old) in &olds {
        let (ours, theirs) = (mine.take(path), yours.take(path));
        merge.followed(path, *old, ours, theirs)?;
    }
    let paths: BTreeSet<_> = mine.entries.keys().chain(yours.entries.keys()).cloned().collect();
    for path in paths {
        let now = |it: Option<Entry>| it.map(|entry| Now { path: path.clone(), entry });
        let (ours, theirs) = (now(mine.entries.remove(&path)), now(yours.entries.remove(&path)));
        merge.added(&path, ours, theirs)?;
    }
    merge.finish()
}

fn entries(git: &git2::Repository, tree: &Tree<'_>) -> Result<Entries> {
    let mut entries = Entries::new();
    guard::entries(git, tree, &mut |dir, entry| {
        if entry.kind() != Some(ObjectType::Tree) {
            let path = format!("{dir}{}", lossy(entry.name_bytes()));
            entries.insert(path, (entry.id(), entry.filemode()));
        }
        Ok(())
    })?;
    Ok(entries)
}

struct Side {
    /// What no file of the base became.
    entries: Entries,
    /// Where files of the base went.
    moves: BTreeMap<String, String>,
}

impl Side {
    fn of(
        git: &git2::Repository,
        base: &Tree<'_>,
        side: &Tree<'_>,
        entries: Entries,
    ) -> Result<Self> {
        let mut diff = git.diff_tree_to_tree(Some(base), Some(side), None)?;
        diff.find_similar(Some(DiffFindOptions::new().renames(true)))?;
        let mut moves = BTreeMap::new();
        for delta in diff.deltas().filter(|it| it.status() == Delta::Renamed) {
            let name = |it: git2::DiffFile<'_>| it.path_bytes().map(lossy).unwrap_or_default();
            moves.insert(name(delta.old_file()), name(delta.new_file()));
        }
        Ok(Self { entries, moves })
    }

    fn take(&mut self, path: &str) -> Option<Now> {
        let path = self.moves.get(path).map_or(path, String::as_str);
        let entry = self.entries.remove(path)?;
        Some(Now { path: path.to_owned(), entry })
    }
}

/// Which side has its file at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Ours,
    Theirs,
}

struct Merge<'m> {
    git: &'m git2::Repository,
    prefix: &'m str,
    resolutions: &'m Resolutions,
    /// Files whose resolutions were asked for.
    used: BTreeSet<String>,
    merged: BTreeMap<String, (Entry, Owner)>,
    conflicts: Vec<Conflict>,
}

impl Merge<'_> {
    /// A file that the base has.
    fn followed(
        &mut self,
        path: &str,
        old: Entry,
        ours: Option<Now>,
        theirs: Option<Now>,
    ) -> Result<()> {
        let is_kept = |it: &Now| it.entry == old && it.path == path;
        match (ours, theirs) {
            (None, None) => Ok(()),
            (None, Some(it)) | (Some(it), None) if is_kept(&it) => Ok(()),
            (Some(ours), Some(theirs)) => {
                let target = if ours.path == path { &theirs.path } else { &ours.path };
                if theirs.path != path && theirs.path != *target {
                    let reason = "both moved it, to different places";
                    return self.conflict(path, reason, Some(old), Some(&ours), Some(&theirs));
                }
                let owner = if theirs.path == path { Owner::Ours } else { Owner::Theirs };
                let target = target.clone();
                self.content(&target, owner, Some(old), &ours, &theirs)
            }
            (ours, theirs) => {
                let reason = "one side deleted it, the other changed it";
                let at = ours.as_ref().or(theirs.as_ref()).map_or(path, |it| &it.path).to_owned();
                self.conflict(&at, reason, Some(old), ours.as_ref(), theirs.as_ref())
            }
        }
    }

    /// A file that the base has not.
    fn added(&mut self, path: &str, ours: Option<Now>, theirs: Option<Now>) -> Result<()> {
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => self.content(path, Owner::Ours, None, &ours, &theirs),
            (Some(it), None) => self.put(path, it.entry, Owner::Ours),
            (None, Some(it)) => self.put(path, it.entry, Owner::Theirs),
            (None, None) => Ok(()),
        }
    }

    /// `owner` is the side that has the file at this path, if only one has.
    fn content(
        &mut self,
        path: &str,
        owner: Owner,
        old: Option<Entry>,
        ours: &Now,
        theirs: &Now,
    ) -> Result<()> {
        let (mine, yours) = (ours.entry, theirs.entry);
        if mine == yours || old == Some(yours) {
            return self.put(path, mine, owner);
        }
        if old == Some(mine) {
            return self.put(path, yours, owner);
        }
        let is_file = |it: i32| matches!(it, 0o100_644 | 0o100_755 | 0o100_664);
        if !is_file(mine.1) || !is_file(yours.1) || old.is_some_and(|it| !is_file(it.1)) {
            let reason = "it is a link or a repository of its own, and both changed it";
            return self.conflict(path, reason, old, Some(ours), Some(theirs));
        }
        // What is executable for one side alone is what that side made of it.
        let mode = if old.is_some_and(|it| it.1 == mine.1) { yours.1 } else { mine.1 };
        let bytes = |it: Oid| Ok::<_, Error>(self.git.find_blob(it)?.content().to_vec());
        let base = old.map(|it| bytes(it.0)).transpose()?;
        let choices = self.resolutions.fields.iter();
        let shown = self.shown(path);
        let choices = choices.filter(|it| it.0.0 == shown).map(|it| (it.0.1.clone(), it.1.clone()));
        let choices = choices.collect();
        let merged =
            files::merge(path, base.as_deref(), &bytes(mine.0)?, &bytes(yours.0)?, &choices);
        match merged {
            files::Merged::Bytes(merged) => {
                let id = self.git.blob(&merged)?;
                self.put(path, (id, mode), owner)
            }
            files::Merged::Fields(conflicts) if self.choice(path).is_none() => {
                let conflict = |conflict| Conflict::Field { asset: shown.clone(), conflict };
                self.conflicts.extend(conflicts.into_iter().map(conflict));
                Ok(())
            }
            files::Merged::Fields(_) => self.conflict(path, "", old, Some(ours), Some(theirs)),
            files::Merged::Stray(field) => Err(Error::NoConflict(format!("{shown}: {field}"))),
            files::Merged::Conflict(reason) => {
                self.conflict(path, reason, old, Some(ours), Some(theirs))
            }
        }
    }

    /// Does what was decided, or notes that it is to be.
    fn conflict(
        &mut self,
        path: &str,
        reason: &'static str,
        base: Option<Entry>,
        ours: Option<&Now>,
        theirs: Option<&Now>,
    ) -> Result<()> {
        match self.choice(path) {
            Some(FileChoice::Ours) => {
                ours.map_or(Ok(()), |it| self.put(&it.path, it.entry, Owner::Ours))
            }
            Some(FileChoice::Theirs) => {
                theirs.map_or(Ok(()), |it| self.put(&it.path, it.entry, Owner::Theirs))
            }
            Some(FileChoice::Text(text)) => {
                let mode = ours.or(theirs).map_or(0o100_644, |it| it.entry.1);
                let owner = if ours.is_some() { Owner::Ours } else { Owner::Theirs };
                let id = self.git.blob(text.as_bytes())?;
                self.put(path, (id, mode), owner)
            }
            None => {
                let text = |it: Option<Entry>| {
                    let blob = self.git.find_blob(it?.0).ok()?;
                    String::from_utf8(blob.content().to_vec()).ok()
                };
                self.conflicts.push(Conflict::File(FileConflict {
                    path: self.shown(path),
                    reason,
                    base: text(base),
                    ours: text(ours.map(|it| it.entry)),
                    theirs: text(theirs.map(|it| it.entry)),
                }));
                Ok(())
            }
        }
    }

    fn choice(&mut self, path: &str) -> Option<FileChoice> {
        let path = self.shown(path);
        let choice = self.resolutions.files.get(&path).cloned();
        if choice.is_some() {
            self.used.insert(path);
        }
        choice
    }

    fn shown(&self, path: &str) -> String {
        path.strip_prefix(self.prefix).unwrap_or(path).to_owned()
    }

    fn put(&mut self, path: &str, entry: Entry, owner: Owner) -> Result<()> {
        match self.merged.insert(path.to_owned(), (entry, owner)) {
            Some((other, others)) if other != entry => {
                let now = |entry| Now { path: path.to_owned(), entry };
                // Two files of one side can't be at one place.
                let (ours, theirs) = match others {
                    Owner::Ours => (now(other), now(entry)),
                    Owner::Theirs => (now(entry), now(other)),
                };
                self.merged.remove(path);
                let reason = "two different files would be here";
                self.conflict_of_two(path, reason, &ours, &theirs)
            }
            _ => Ok(()),
        }
    }

    fn conflict_of_two(
        &mut self,
        path: &str,
        reason: &'static str,
        ours: &Now,
        theirs: &Now,
    ) -> Result<()> {
        match self.choice(path) {
            Some(FileChoice::Ours) => {
                self.merged.insert(path.to_owned(), (ours.entry, Owner::Ours))
            }
            Some(FileChoice::Theirs) => {
                self.merged.insert(path.to_owned(), (theirs.entry, Owner::Theirs))
            }
            _ => return self.conflict(path, reason, None, Some(ours), Some(theirs)),
        };
        Ok(())
    }

    fn finish(self) -> Result<Outcome> {
        if !self.conflicts.is_empty() {
            return Ok(Outcome::Conflicts(self.conflicts));
        }
        if let Some(stray) = self.resolutions.files.keys().find(|it| !self.used.contains(*it)) {
            return Err(Error::NoConflict(stray.clone()));
        }
        // An index would let go of the file without a word.
        if let Some(path) = self.merged.keys().find(|it| self.is_below_a_file(it)) {
            let reason = "a directory of it is a file on the other side: rename one of the two";
            return Err(Error::UnsafePath { path: self.shown(path), reason });
        }
        let mut index = git2::Index::new()?;
        for (path, ((id, mode), _)) in &self.merged {
            index.add(&index_entry(path, *id, *mode))?;
        }
        let tree = index.write_tree_to(self.git)?;
        Ok(Outcome::Tree(tree))
    }

    fn is_below_a_file(&self, path: &str) -> bool {
        path.match_indices('/').any(|(at, _)| self.merged.contains_key(&path[..at]))
    }
}

/// As an index has it that has not looked at the file.
pub(crate) fn index_entry(path: &str, id: Oid, mode: i32) -> git2::IndexEntry {
    let time = git2::IndexTime::new(0, 0);
    git2::IndexEntry {
        ctime: time,
        mtime: time,
        dev: 0,
        ino: 0,
        mode: mode.unsigned_abs(),
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
