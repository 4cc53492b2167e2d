//! What may stand in a version that is written to disk.
//!
//! A version can come from anywhere. Before one is checked out, all names and links of it that are
//! not here already are looked at: nothing may leave the project, reach into `.git` on any file
//! system, or fall together with something else where case does not count.

use std::collections::BTreeSet;

use git2::{ObjectType, Oid, Tree, TreeEntry};
use weir_domain::Bytes;

use crate::repository::lossy;
use crate::{Error, Result};

const ENTRIES_MAX: usize = 100_000;
const DEPTH_MAX: usize = 64;
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Of all files of a version that is written out: one content may stand under many names.
pub(crate) const WHOLE_BYTES_MAX: u64 = 1 << 30;
pub(crate) const LINK: i32 = 0o120_000;
pub(crate) const SUBMODULE: i32 = 0o160_000;

/// A path that somebody names: relative, without steps up, and none of Git's own.
pub(crate) fn path(path: &str) -> Result<()> {
    let refuse = |reason| Err(Error::UnsafePath { path: path.to_owned(), reason });
    if path.is_empty() || path.starts_with('/') || path.ends_with('/') {
        return refuse("it is no path of a file in the project");
    }
    match path.split('/').find_map(name_reason) {
        Some(reason) => refuse(reason),
        None => Ok(()),
    }
}

fn name_reason(name: &str) -> Option<&'static str> {
    if name.is_empty() || name == "." || name == ".." {
        return Some("it has a step that is no name");
    }
    if name.contains('\\') || name.chars().any(char::is_control) {
        return Some("it has a character that no file of a project may have");
    }
    is_like_git(name).then_some("it means the repository itself")
}

/// `.git` as file systems take it that ignore case, trailing dots and blanks, streams, invisible
/// characters, or that shorten names.
fn is_like_git(name: &str) -> bool {
    let is_visible = |it: &char| !matches!(it, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let name: String = name.chars().filter(is_visible).flat_map(char::to_lowercase).collect();
    let name = name.split(':').next().unwrap_or_default().trim_end_matches([' ', '.']);
    name == ".git" || name == "git~1"
}

/// Checks what `tree` has and `known` has not. `root` is the project's place in the repository.
pub(crate) fn tree(
    git: &git2::Repository,
    tree: &Tree<'_>,
    known: Option<&Tree<'_>>,
    root: &str,
) -> Result<()> {
    Walk { git, root, entries: Count::default() }.tree("", tree, known, 0)
}

/// All entries of a version with the directory that they are in, which ends with `/`, in order. A
/// small version can unfold to more than a machine holds: there is an end to it.
pub(crate) fn entries(
    git: &git2::Repository,
    tree: &Tree<'_>,
    each: &mut dyn FnMut(&str, &TreeEntry<'_>) -> Result<()>,
) -> Result<()> {
    unfold(git, tree, &mut Count::default(), "", each)
}

fn unfold(
    git: &git2::Repository,
    tree: &Tree<'_>,
    count: &mut Count,
    at: &str,
    each: &mut dyn FnMut(&str, &TreeEntry<'_>) -> Result<()>,
) -> Result<()> {
    depth(at.matches('/').count())?;
    for entry in tree {
        count.one()?;
        each(at, &entry)?;
        if entry.kind() == Some(ObjectType::Tree) {
            let below = git.find_tree(entry.id())?;
            unfold(git, &below, count, &format!("{at}{}/", lossy(entry.name_bytes())), each)?;
        }
    }
    Ok(())
}

/// Refuses two versions between which more differs than can be compared.
pub(crate) fn difference(
    git: &git2::Repository,
    one: Option<&Tree<'_>>,
    other: Option<&Tree<'_>>,
) -> Result<()> {
    compare(git, one, other, &mut Count::default(), 0)
}

fn compare(
    git: &git2::Repository,
    one: Option<&Tree<'_>>,
    other: Option<&Tree<'_>>,
    count: &mut Count,
    level: usize,
) -> Result<()> {
    depth(level)?;
    let is_tree = |it: &TreeEntry<'_>| it.kind() == Some(ObjectType::Tree);
    let below = |it: Option<TreeEntry<'_>>| {
        it.filter(|it| is_tree(it)).map(|it| git.find_tree(it.id())).transpose()
    };
    for entry in one.into_iter().flat_map(Tree::iter) {
        let counterpart = other.and_then(|it| it.get_name_bytes(entry.name_bytes()));
        if counterpart.as_ref().is_some_and(|it| it.id() == entry.id()) {
            continue;
        }
        count.one()?;
        let (before, after) = (below(Some(entry))?, below(counterpart)?);
        if before.is_some() || after.is_some() {
            compare(git, before.as_ref(), after.as_ref(), count, level + 1)?;
        }
    }
    for entry in other.into_iter().flat_map(Tree::iter) {
        if one.is_none_or(|it| it.get_name_bytes(entry.name_bytes()).is_none()) {
            count.one()?;
            if let Some(after) = below(Some(entry))? {
                compare(git, None, Some(&after), count, level + 1)?;
            }
        }
    }
    Ok(())
}

#[derive(Default)]
struct Count(usize);

impl Count {
    fn one(&mut self) -> Result<()> {
        self.0 += 1;
        if self.0 <= ENTRIES_MAX {
            return Ok(());
        }
        Err(Error::TooMany { what: "files", limit: ENTRIES_MAX })
    }
}

fn depth(depth: usize) -> Result<()> {
    if depth <= DEPTH_MAX {
        return Ok(());
    }
    Err(Error::TooMany { what: "directories within each other", limit: DEPTH_MAX })
}

struct Walk<'g> {
    git: &'g git2::Repository,
    root: &'g str,
    entries: Count,
}

impl Walk<'_> {
    fn tree(
        &mut self,
        at: &str,
        tree: &Tree<'_>,
        known: Option<&Tree<'_>>,
        depth: usize,
    ) -> Result<()> {
        if known.is_some_and(|it| it.id() == tree.id()) {
            return Ok(());
        }
        self::depth(depth)?;
        let mut names = BTreeSet::new();
        for entry in tree {
            self.entries.one()?;
            let shown = format!("{at}{}", lossy(entry.name_bytes()));
            let refuse = |reason| Err(Error::UnsafePath { path: shown.clone(), reason });
            let Ok(name) = entry.name() else { return refuse("its name is not UTF-8") };
            if let Some(reason) = name_reason(name) {
                return refuse(reason);
            }
            if !names.insert(name.to_lowercase()) {
                return refuse("another name there differs in upper and lower case alone");
            }
            let before = known.and_then(|it| it.get_name(name));
            // The same content may be a file there and a link here.
            let is_known =
                |it: &TreeEntry<'_>| it.id() == entry.id() && it.filemode() == entry.filemode();
            if before.as_ref().is_some_and(is_known) {
                continue;
            }
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let below = self.git.find_tree(entry.id())?;
                    let before = before.and_then(|it| self.git.find_tree(it.id()).ok());
                    self.tree(&format!("{shown}/"), &below, before.as_ref(), depth + 1)?;
                }
                Some(ObjectType::Blob) => self.blob(&shown, entry.id(), entry.filemode())?,
                // A submodule stays an empty directory: it is never followed.
                _ => {}
            }
        }
        Ok(())
    }

    fn blob(&self, path: &str, id: Oid, mode: i32) -> Result<()> {
        let (bytes, _) = self.git.odb()?.read_header(id)?;
        size(path, bytes as u64)?;
        if mode != LINK {
            return Ok(());
        }
        let target = self.git.find_blob(id)?;
        let stays = std::str::from_utf8(target.content())
            .is_ok_and(|target| link_stays(path.strip_prefix(self.root).unwrap_or(path), target));
        if stays {
            return Ok(());
        }
        Err(Error::UnsafePath {
            path: path.to_owned(),
            reason: "the link leads out of the project",
        })
    }
}

/// How large a file of a version may be.
pub(crate) fn size(path: &str, bytes: u64) -> Result<()> {
    if bytes <= FILE_BYTES_MAX {
        return Ok(());
    }
    let (size, limit) = (Bytes(bytes), Bytes(FILE_BYTES_MAX));
    Err(Error::TooLarge { what: path.to_owned(), size, limit })
}

/// Steps up are taken at the beginning alone: behind a name they could begin in what another link
/// leads to.
pub(crate) fn link_stays(path: &str, target: &str) -> bool {
    let ups = target.split('/').take_while(|it| *it == "..").count();
    let mut rest = target.split('/').skip(ups);
    let depth = path.split('/').count() - 1;
    !target.is_empty()
        && !target.starts_with('/')
        && ups <= depth
        && rest.all(|it| !it.is_empty() && name_reason(it).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_the_repository_are_refused() {
        for name in [
            ".git",
            ".GIT",
            ".Git",
            "git~1",
            ".git.",
            ".git ",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "..",
            ".",
            "",
            "a\\b",
            "a\u{7}",
        ] {
            assert!(name_reason(name).is_some(), "{name:?}");
        }
        for name in [".gitignore", ".gitattributes", "git", "a..b", "...", "ä.yaml", "x.git"] {
            assert!(name_reason(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn a_link_stays_in_the_project_or_is_refused() {
        for (path, target) in [("a", "b"), ("d/a", "../b"), ("d/e/a", "../../b/c"), ("d/a", "..")] {
            assert!(link_stays(path, target), "{path} {target}");
        }
        for (path, target) in [
            ("a", ".."),
            ("a", "../b"),
            ("d/a", "../../b"),
            ("a", "/etc/passwd"),
            ("a", ""),
            ("d/a", "b/../../../etc"),
            ("a", ".git/config"),
            ("a", "b//c"),
        ] {
            assert!(!link_stays(path, target), "{path} {target}");
        }
    }
}
