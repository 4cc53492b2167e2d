//! What was committed, by whom, and what each version holds.

use std::path::Path;

use git2::{Commit, DiffFindOptions, DiffOptions, ObjectType, Oid, Sort};
use serde::Serialize;
use weir_domain::{Bytes, Timestamp};

use crate::repository::lossy;
use crate::{Error, Repository, Result, VersionId, guard};

/// Versions that are looked at for one page. A longer search goes on with the next page.
const SEARCHED_MAX: usize = 20_000;
/// Versions of one page, however many are asked for.
const PAGE_MAX: usize = 1_000;
/// Larger files are not shown.
const SHOWN_BYTES_MAX: usize = 10 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    pub id: VersionId,
    pub parents: Vec<VersionId>,
    pub author: Author,
    pub at: Timestamp,
    pub message: String,
}

/// Who made a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    pub name: String,
    pub email: String,
}

/// A part of a history, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub entries: Vec<HistoryEntry>,
    /// What [`HistoryQuery::after`] is to be for the next page; none: this is the last one.
    pub next: Option<VersionId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    pub version: Version,
    /// Where the asset was in this version, if the history is that of one.
    pub path: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Where to begin; none: where the project is.
    pub from: Option<VersionId>,
    /// One asset, as it is called in the version that the history begins with; renames are followed.
    pub asset: Option<String>,
    /// The last version that was looked at.
    pub after: Option<VersionId>,
    /// Entries of one page: at least one, at most 1,000.
    pub limit: usize,
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    pub path: String,
    pub bytes: Bytes,
}

impl Repository {
    /// Versions that changed the project, or one asset of it.
    pub fn history(&self, query: &HistoryQuery) -> Result<Page> {
        let mut page = Page { entries: Vec::new(), next: None };
        let Some(start) = query.from.map_or_else(|| self.head(), |it| Ok(Some(it)))? else {
            return Ok(page);
        };
        self.commit_of(start)?;
        let mut walk = self.git.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
        walk.push(start.0)?;
        let mut path = query.asset.as_deref().map(|it| self.whole(it)).transpose()?;
        let mut is_behind = query.after.is_none();
        let (mut searched, limit) = (0, query.limit.clamp(1, PAGE_MAX));
        for id in walk {
            let commit = self.git.find_commit(id?)?;
            if is_behind {
                searched += 1;
            }
            let found = self.touched(&commit, path.as_deref())?;
            if let Some(Touched { before }) = found {
                if is_behind {
                    let shown = path.as_deref().and_then(|it| self.inside(it)).map(str::to_owned);
                    page.entries.push(HistoryEntry { version: version(&commit), path: shown });
                }
                if let (Some(path), Some(before)) = (&mut path, before) {
                    *path = before;
                }
            }
            is_behind |= query.after == Some(VersionId(commit.id()));
            if page.entries.len() >= limit || searched >= SEARCHED_MAX {
                page.next = Some(VersionId(commit.id()));
                break;
            }
        }
        if query.after.is_some() && !is_behind {
            return Err(Error::NoVersion(query.after.map(|it| it.to_string()).unwrap_or_default()));
        }
        Ok(page)
    }

    /// One version.
    pub fn version(&self, id: VersionId) -> Result<Version> {
        Ok(version(&self.commit_of(id)?))
    }

    /// The files of a version, in order.
    pub fn files(&self, id: VersionId) -> Result<Vec<FileEntry>> {
        let tree = self.commit_of(id)?.tree()?;
        let Some(tree) = self.project_tree(&tree)? else { return Ok(Vec::new()) };
        let odb = self.git.odb()?;
        let mut files = Vec::new();
        guard::entries(&self.git, &tree, &mut |dir, entry| {
            if entry.kind() == Some(ObjectType::Blob) {
                let path = format!("{dir}{}", lossy(entry.name_bytes()));
                let (bytes, _) = odb.read_header(entry.id())?;
                files.push(FileEntry { path, bytes: Bytes(bytes as u64) });
            }
            Ok(())
        })?;
        Ok(files)
    }

    /// What a file held in a version.
    pub fn file(&self, id: VersionId, path: &str) -> Result<Vec<u8>> {
        let tree = self.commit_of(id)?.tree()?;
        let missing = || Error::NoFile { version: id, path: path.to_owned() };
        let entry = tree.get_path(Path::new(&self.whole(path)?)).map_err(|_| missing())?;
        if entry.kind() != Some(ObjectType::Blob) {
            return Err(missing());
        }
        let (size, _) = self.git.odb()?.read_header(entry.id())?;
        if size > SHOWN_BYTES_MAX {
            let bytes = |it: usize| Bytes(it as u64);
            let (size, limit) = (bytes(size), bytes(SHOWN_BYTES_MAX));
            return Err(Error::TooLarge { what: path.to_owned(), size, limit });
        }
        Ok(self.git.find_blob(entry.id())?.content().to_vec())
    }

    /// The project's part of a tree.
    pub(crate) fn project_tree<'t>(
        &'t self,
        tree: &git2::Tree<'t>,
    ) -> Result<Option<git2::Tree<'t>>> {
        let Some(spec) = self.spec() else { return Ok(Some(tree.clone())) };
        let Ok(entry) = tree.get_path(Path::new(spec)) else { return Ok(None) };
        Ok(self.git.find_tree(entry.id()).ok())
    }

    /// Whether a version differs from all that it follows, in what is looked at.
    fn touched(&self, commit: &Commit<'_>, path: Option<&str>) -> Result<Option<Touched>> {
        let watched = path.or(self.spec());
        let Some(watched) = watched else { return Ok(Some(Touched { before: None })) };
        let here = entry(commit, watched)?;
        let mut parents = Vec::new();
        for parent in commit.parents() {
            parents.push(entry(&parent, watched)?);
        }
        if parents.contains(&here) || (parents.is_empty() && here.is_none()) {
            return Ok(None);
        }
        let is_new = here.is_some() && parents.iter().all(Option::is_none);
        let before = match (is_new, path, commit.parent(0).ok()) {
            (true, Some(path), Some(parent)) => self.former_name(commit, &parent, path)?,
            _ => None,
        };
        Ok(Some(Touched { before }))
    }

    fn former_name(
        &self,
        commit: &Commit<'_>,
        parent: &Commit<'_>,
        path: &str,
    ) -> Result<Option<String>> {
        let (old, new) = (parent.tree()?, commit.tree()?);
        match guard::difference(&self.git, Some(&old), Some(&new)) {
            // Too much to be searched for a name: the history is told without what was before it.
            Err(Error::TooMany { .. }) => return Ok(None),
            other => other?,
        }
        let mut options = DiffOptions::new();
        let mut diff = self.git.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
        diff.find_similar(Some(DiffFindOptions::new().renames(true)))?;
        let is_it = |it: &git2::DiffDelta<'_>| {
            it.status() == git2::Delta::Renamed
                && it.new_file().path_bytes() == Some(path.as_bytes())
        };
        let found = diff.deltas().find(is_it);
        Ok(found.and_then(|it| it.old_file().path_bytes().map(lossy)))
    }
}

/// A version that changed what is looked at.
struct Touched {
    /// Where the asset was before, if it was renamed.
    before: Option<String>,
}

fn entry(commit: &Commit<'_>, path: &str) -> Result<Option<(Oid, i32)>> {
    let tree = commit.tree()?;
    let found = tree.get_path(Path::new(path)).ok();
    Ok(found.map(|it| (it.id(), it.filemode())))
}

fn version(commit: &Commit<'_>) -> Version {
    let author = commit.author();
    Version {
        id: VersionId(commit.id()),
        parents: commit.parent_ids().map(VersionId).collect(),
        author: Author { name: lossy(author.name_bytes()), email: lossy(author.email_bytes()) },
        at: Timestamp(author.when().seconds().saturating_mul(1_000)),
        message: lossy(commit.message_bytes()).trim_end().to_owned(),
    }
}
