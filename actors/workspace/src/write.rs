//! Assets are written and deleted: on the text that the caller has read, and on no other (W2).

use std::path::{Path, PathBuf};

use weir_domain::Digest;
use weir_merge::{Merged, merge_edits};
use weir_project::{AssetKind, Frame, PROJECT_FILE, Survey, Surveyed};

use crate::asset_path;
use crate::assets::{Asset, find, look, named, usages};
use crate::disk::{self, Staged};
use crate::error::{Conflict, Error, Result};

use crate::projects::Workspace;

/// A longer text is no asset.
const BYTES_MAX: usize = 4 << 20;

/// What a change is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Based {
    /// There is nothing yet.
    New,
    /// The text of this digest.
    On(Digest),
}

impl Workspace {
    /// Writes an asset. Who writes what is there already has nothing to do.
    pub fn write(&self, project: &str, path: &str, text: &str, based: Based) -> Result<Asset> {
        asset_path::check(path)?;
        if text.len() > BYTES_MAX {
            let (what, bytes) = (path.to_owned(), text.len() as u64);
            return Err(Error::TooLarge { what, bytes, max: BYTES_MAX as u64 });
        }
        let _turn = self.turn();
        let root = self.project(project)?.dir;
        let survey = look(&root)?;
        let before = survey.files.iter().find(|it| it.path == path);
        if let Some(before) = before {
            readable(before)?;
            if before.text == text {
                return Ok(weir_project::survey_text(path, text).into());
            }
        }
        self.unchanged(path, before, based, Some(text))?;
        if before.is_none() {
            is_free(&survey, path)?;
        }
        let written = weir_project::survey_text(path, text);
        fits(&survey, before, &written)?;
        let expected = before.map(|it| it.text.as_str());
        replace(vec![Change::new(&root, path, expected, text)?])?;
        self.seen.keep(Digest::of(text.as_bytes()), text);
        Ok(written.into())
    }

    /// Deletes an asset that nobody uses.
    pub fn delete_asset(&self, project: &str, path: &str, based: Digest) -> Result<Asset> {
        asset_path::check(path)?;
        let _turn = self.turn();
        let root = self.project(project)?.dir;
        let survey = look(&root)?;
        let file = find(&survey, path)?;
        readable(file)?;
        self.unchanged(path, Some(file), Based::On(based), None)?;
        if path == PROJECT_FILE {
            let detail = format!("without {PROJECT_FILE} there is no project");
            return Err(Error::conflict(detail, "delete the project, or remove it"));
        }
        let entry = disk::entry(&root, path)?;
        let hint = "use something else there first, or rename it: they go along";
        refuse_used(&survey, file, |it| is_left_without(&root, it, &entry), hint)?;
        remove(&entry, path, &file.text)?;
        let Surveyed { path, text, frame, findings, .. } = file;
        let (path, text, frame) = (path.clone(), text.clone(), frame.clone());
        let digest = Some(based);
        Ok(Asset { path, text, digest, frame, findings: findings.clone() })
    }

    /// Refuses what is based on another text than there is, with all three of them.
    pub(crate) fn unchanged(
        &self,
        path: &str,
        there: Option<&Surveyed>,
        based: Based,
        yours: Option<&str>,
    ) -> Result<()> {
        let theirs = there.map(|it| (Digest::of(it.text.as_bytes()), it.text.clone()));
        let base = match (based, &theirs) {
            (Based::New, None) => return Ok(()),
            (Based::On(read), Some((now, _))) if read == *now => return Ok(()),
            (Based::New, Some(_)) => None,
            (Based::On(read), _) => self.seen.text(read),
        };
        if let Some((digest, text)) = &theirs {
            self.seen.keep(*digest, text);
        }
        let merged = match (&base, &theirs, yours) {
            (Some(base), Some((_, theirs)), Some(yours)) => merge_edits(base, theirs, yours),
            _ => Merged::NoFields,
        };
        let (merged, fields) = match merged {
            Merged::Text(text) => (Some(text), Vec::new()),
            Merged::Conflicts(fields) => (None, fields.into_iter().map(Into::into).collect()),
            Merged::NoFields | Merged::Stray(_) => (None, Vec::new()),
        };
        let (path, yours) = (path.to_owned(), yours.map(str::to_owned));
        Err(Error::Stale(Box::new(Conflict { path, base, theirs, yours, merged, fields })))
    }
}

/// Refuses a file that can't be read, and so can't be compared with anything.
pub(crate) fn readable(file: &Surveyed) -> Result<()> {
    match (&file.frame, file.findings.first()) {
        (None, Some(finding)) if file.text.is_empty() && finding.code.0 != EMPTY => {
            Err(Error::Unreadable(finding.clone()))
        }
        _ => Ok(()),
    }
}

/// The file is empty, or something else than an asset.
const EMPTY: u32 = 2204;

/// Refuses a path that is taken but for its case, and one that would not be searched.
pub(crate) fn is_free(survey: &Survey, path: &str) -> Result<()> {
    asset_path::check_new(path)?;
    if let Some(it) = survey.files.iter().find(|it| it.path.eq_ignore_ascii_case(path)) {
        let detail = format!("there is already {}", it.path);
        return Err(Error::conflict(detail, "choose a path that differs by more than its case"));
    }
    let is_below =
        |it: &&String| path.strip_prefix(it.as_str()).is_some_and(|it| it.starts_with('/'));
    if let Some(it) = survey.exclude.iter().find(is_below) {
        let reason = format!("the project excludes {it}: no assets are looked for there");
        return Err(Error::invalid("path", path, reason));
    }
    Ok(())
}

/// Refuses a text that is no asset, or one that is not this one (W4, W5).
fn fits(survey: &Survey, before: Option<&Surveyed>, after: &Surveyed) -> Result<()> {
    let errors: Vec<_> = after.findings.iter().filter(|it| it.is_error()).cloned().collect();
    let path = after.path.clone();
    let Some(frame) = after.frame.as_ref().filter(|_| errors.is_empty()) else {
        return Err(Error::NoAsset { path, findings: errors });
    };
    let is_project = path == PROJECT_FILE;
    if (frame.kind == AssetKind::Project) != is_project {
        let detail = format!("{PROJECT_FILE}, and no other file, is the asset of kind Project");
        return Err(Error::conflict(detail, "keep the kind of the asset, or choose another path"));
    }
    let former = before.and_then(|it| it.frame.as_ref());
    if former.is_some_and(|it| it.kind == frame.kind && it.name == frame.name) {
        return Ok(());
    }
    if is_project {
        let detail = format!("{PROJECT_FILE} would call the project {}", frame.name);
        return Err(Error::conflict(detail, "keep the name, and rename the project"));
    }
    if let Some(file) = before {
        let hint = "keep the kind and the name, or rename it: its users go along";
        refuse_used(survey, file, |_| true, hint)?;
    }
    is_unique(survey, frame, &path)
}

/// Refuses a name that another asset of the kind has, by case or not.
pub(crate) fn is_unique(survey: &Survey, frame: &Frame, path: &str) -> Result<()> {
    let others = survey.files.iter().filter(|it| it.path != path);
    let mut others = others.filter_map(|it| Some((&it.path, it.frame.as_ref()?)));
    let is_taken = |it: &(&String, &Frame)| {
        it.1.kind == frame.kind && it.1.name.eq_ignore_ascii_case(&frame.name)
    };
    match others.find(is_taken) {
        None => Ok(()),
        Some((path, it)) => {
            let detail =
                format!("{} {} is already there, in {path}", it.kind.with_article(), it.name);
            Err(Error::conflict(detail, "choose a name that differs by more than its case"))
        }
    }
}

/// Refuses what would leave a name without an asset. Of two assets of one name either may go, if the other one
/// is left then.
fn refuse_used(
    survey: &Survey,
    file: &Surveyed,
    is_left: impl Fn(&str) -> bool,
    hint: &str,
) -> Result<()> {
    let Some(frame) = &file.frame else { return Ok(()) };
    let frames = survey.files.iter().filter_map(|it| Some((&it.path, it.frame.as_ref()?)));
    let mut twins = frames.filter(|it| it.1.kind == frame.kind && it.1.name == frame.name);
    let mut users = usages(survey, frame);
    // What it says of itself goes with it.
    users.retain(|it| it.path != file.path);
    if users.is_empty() || twins.any(|it| *it.0 != file.path && is_left(it.0)) {
        return Ok(());
    }
    let detail = format!("the {} {} is used by {}", frame.kind, frame.name, named(&users));
    Err(Error::conflict(detail, hint))
}

/// Whether a file is there without an entry: a link that leads to it is not.
fn is_left_without(root: &Path, path: &str, entry: &Path) -> bool {
    root.join(path).canonicalize().is_ok_and(|it| it != entry)
}

/// A file that is to have another content.
pub(crate) struct Change<'t> {
    target: PathBuf,
    shown: String,
    /// What the change was made of; `None`: there was nothing.
    before: Option<&'t str>,
    staged: Staged,
}

impl<'t> Change<'t> {
    pub(crate) fn new(
        root: &Path,
        path: &str,
        before: Option<&'t str>,
        after: &str,
    ) -> Result<Self> {
        let target = disk::place(root, path)?;
        let staged = Staged::new(&target, after.as_bytes())?;
        Ok(Self { target, shown: path.to_owned(), before, staged })
    }

    fn check(&self) -> Result<()> {
        is_still(&self.target, &self.shown, self.before)
    }

    fn publish(self) -> Result<()> {
        self.check()?;
        self.staged.publish()
    }
}

/// Makes all changes in their order, if no file was changed while they were prepared.
pub(crate) fn replace(changes: Vec<Change<'_>>) -> Result<()> {
    changes.iter().try_for_each(Change::check)?;
    publish(changes)
}

/// Each file is looked at once more just before it is replaced: what is told of a change that came meanwhile is
/// what was done until then.
fn publish(changes: Vec<Change<'_>>) -> Result<()> {
    let mut done: Vec<String> = Vec::new();
    for change in changes {
        let shown = change.shown.clone();
        change.publish().map_err(|it| match done.is_empty() {
            true => it,
            false => Error::after(format!("already written: {}", done.join(", ")))(it),
        })?;
        done.push(shown);
    }
    Ok(())
}

/// Takes an entry of a directory away that leads to what was read.
pub(crate) fn remove(entry: &Path, shown: &str, before: &str) -> Result<()> {
    is_still(entry, shown, Some(before))?;
    disk::remove(entry)
}

fn is_still(file: &Path, shown: &str, before: Option<&str>) -> Result<()> {
    let now = std::fs::read(file).ok();
    if now.as_deref() == before.map(str::as_bytes) {
        return Ok(());
    }
    let detail = format!("{shown} was changed at this moment");
    Err(Error::conflict(detail, "look at what it is now, and do it again"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_an_editor_saves_at_the_last_moment_is_not_written_over_and_not_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let at = |path: &str| root.join(path);
        for path in ["a.yaml", "b.yaml"] {
            fs::write(at(path), "old").unwrap();
        }
        let changes = || {
            let change = |it: &str, before| Change::new(&root, it, before, "new").unwrap();
            vec![change("a.yaml", Some("old")), change("b.yaml", Some("old"))]
        };
        let prepared = changes();
        fs::write(at("b.yaml"), "theirs").unwrap();
        let refused = replace(prepared).unwrap_err();
        assert_eq!(refused.to_string(), "b.yaml was changed at this moment");
        assert_eq!(fs::read_to_string(at("a.yaml")).unwrap(), "old");
        // One that comes between two of them.
        let partly = publish(changes()).unwrap_err();
        let told = "already written: a.yaml, but b.yaml was changed at this moment";
        assert_eq!(partly.to_string(), told);
        let made = Change::new(&root, "c.yaml", None, "new").unwrap();
        fs::write(at("c.yaml"), "theirs").unwrap();
        assert!(made.publish().is_err());
        assert!(remove(&at("b.yaml"), "b.yaml", "old").is_err());
        for (path, text) in [("a.yaml", "new"), ("b.yaml", "theirs"), ("c.yaml", "theirs")] {
            assert_eq!(fs::read_to_string(at(path)).unwrap(), text, "{path}");
        }
        assert_eq!(fs::read_dir(&root).unwrap().count(), 3);
        remove(&at("b.yaml"), "b.yaml", "theirs").unwrap();
    }
}
