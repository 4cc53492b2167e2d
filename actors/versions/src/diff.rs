//! What differs between two versions, or a version and the working directory: by lines, and of assets
//! by fields.

use std::path::Path;

use git2::{Delta, DiffDelta, DiffFindOptions, DiffOptions, Patch};
use serde::Serialize;
use weir_package::Edit;

use crate::repository::lossy;
use crate::{Repository, Result, VersionId, guard};

/// Larger files are compared, but not shown.
const SHOWN_BYTES_MAX: i64 = 4 << 20;
/// Lines of one file; the rest is left out, and that is said.
const LINES_MAX: usize = 10_000;
/// Files of one difference; the others are counted.
const FILES_MAX: usize = 2_000;
/// What the files of one difference hold on both sides. Those behind are named, and not shown.
const SHOWN_ALL_MAX: u64 = 32 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffSide {
    /// What was there before the first version.
    Nothing,
    Version(VersionId),
    /// The working directory; it can only be the newer side.
    Working,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    /// In the order of their paths.
    pub files: Vec<FileDiff>,
    /// Files that differ too, and are not listed.
    pub left_out: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileDiff {
    /// Where it is, or was if it is gone.
    pub path: String,
    pub change: FileEdit,
    /// What it says otherwise, if both sides are assets that can be read.
    pub asset: Option<AssetDiff>,
    pub text: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FileEdit {
    Added,
    Deleted,
    Changed,
    Moved { from: String },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetDiff {
    /// Such as `Workflow`.
    pub kind: Option<String>,
    pub name: Option<String>,
    /// What it was called before, if it was called otherwise.
    pub former_name: Option<String>,
    pub edits: Vec<Edit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Text {
    Hunks {
        hunks: Vec<Hunk>,
        /// There are more lines than are shown.
        is_cut: bool,
    },
    /// No text, or too much of it.
    NotShown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hunk {
    /// As `@@ -1,3 +1,4 @@`.
    pub header: String,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub kind: LineKind,
    /// From 1; none where the line is not on that side.
    pub before: Option<u32>,
    pub after: Option<u32>,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LineKind {
    Same,
    Removed,
    Added,
}

impl FileDiff {
    /// As programs for patches read it, without the names of the files.
    pub fn unified(&self) -> String {
        let Text::Hunks { hunks, .. } = &self.text else { return String::new() };
        let mut text = String::new();
        for hunk in hunks {
            text.push_str(&hunk.header);
            text.push('\n');
            for line in &hunk.lines {
                text.push(match line.kind {
                    LineKind::Same => ' ',
                    LineKind::Removed => '-',
                    LineKind::Added => '+',
                });
                text.push_str(&line.text);
                text.push('\n');
            }
        }
        text
    }
}

impl Repository {
    /// The difference of the whole project, or of one file of it.
    pub fn diff(&self, before: DiffSide, after: DiffSide, path: Option<&str>) -> Result<Diff> {
        let whole = path.map(|it| self.whole(it)).transpose()?;
        let mut options = DiffOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .show_untracked_content(true)
            .ignore_submodules(true)
            .disable_pathspec_match(true)
            .max_size(SHOWN_BYTES_MAX);
        if let Some(spec) = self.spec() {
            options.pathspec(spec);
        }
        let old = self.side(before)?;
        let mut diff = match after {
            DiffSide::Working => {
                guard::difference(&self.git, self.part(old.as_ref())?.as_ref(), None)?;
                self.git.diff_tree_to_workdir_with_index(old.as_ref(), Some(&mut options))?
            }
            _ => {
                let new = self.side(after)?;
                let (one, other) = (self.part(old.as_ref())?, self.part(new.as_ref())?);
                guard::difference(&self.git, one.as_ref(), other.as_ref())?;
                self.git.diff_tree_to_tree(old.as_ref(), new.as_ref(), Some(&mut options))?
            }
        };
        diff.find_similar(Some(DiffFindOptions::new().renames(true).for_untracked(true)))?;
        let (mut files, mut left_out, mut shown) = (Vec::new(), 0, 0);
        for (number, delta) in diff.deltas().enumerate() {
            let name = |it: Option<&[u8]>| it.map(lossy);
            let (old, new) =
                (name(delta.old_file().path_bytes()), name(delta.new_file().path_bytes()));
            let is_wanted = |it: &Option<String>| whole.is_none() || *it == whole;
            if !is_wanted(&old) && !is_wanted(&new) {
                continue;
            }
            let Some((path, change)) = self.file_edit(&delta) else { continue };
            if files.len() == FILES_MAX {
                left_out += 1;
                continue;
            }
            if shown >= SHOWN_ALL_MAX {
                files.push(FileDiff { path, change, asset: None, text: Text::NotShown });
                continue;
            }
            let asset = self.asset_diff(&delta)?;
            let patch = Patch::from_diff(&diff, number)?;
            // Known now that the file was looked at.
            shown += diff
                .get_delta(number)
                .map_or(0, |it| [it.old_file().size(), it.new_file().size()].iter().sum());
            let text = match &patch {
                Some(patch) if !patch.delta().flags().is_binary() => text(patch)?,
                _ => Text::NotShown,
            };
            files.push(FileDiff { path, change, asset, text });
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Diff { files, left_out })
    }

    fn side(&self, side: DiffSide) -> Result<Option<git2::Tree<'_>>> {
        match side {
            DiffSide::Version(id) => Ok(Some(self.commit_of(id)?.tree()?)),
            DiffSide::Nothing | DiffSide::Working => Ok(None),
        }
    }

    /// The project's part of one side.
    fn part<'t>(&'t self, tree: Option<&git2::Tree<'t>>) -> Result<Option<git2::Tree<'t>>> {
        tree.map_or(Ok(None), |it| self.project_tree(it))
    }

    /// None for what does not differ, or is outside of the project.
    fn file_edit(&self, delta: &DiffDelta<'_>) -> Option<(String, FileEdit)> {
        let name =
            |it: Option<&[u8]>| it.map(lossy).and_then(|it| Some(self.inside(&it)?.to_owned()));
        let old = name(delta.old_file().path_bytes());
        let new = name(delta.new_file().path_bytes());
        let (path, change) = match delta.status() {
            Delta::Added | Delta::Untracked => (new, FileEdit::Added),
            Delta::Deleted => (old, FileEdit::Deleted),
            Delta::Renamed => (new, FileEdit::Moved { from: old.unwrap_or_default() }),
            Delta::Unmodified | Delta::Ignored | Delta::Unreadable => (None, FileEdit::Changed),
            _ => (new, FileEdit::Changed),
        };
        Some((path?, change))
    }

    fn asset_diff(&self, delta: &DiffDelta<'_>) -> Result<Option<AssetDiff>> {
        let (old, new) = (delta.old_file(), delta.new_file());
        let is_asset = |it: &git2::DiffFile<'_>| {
            it.path_bytes().is_none_or(|it| crate::merge::is_yaml(&lossy(it)))
        };
        if !is_asset(&old) || !is_asset(&new) || delta.status() == Delta::Unreadable {
            return Ok(None);
        }
        let read = |it: &git2::DiffFile<'_>| -> Result<Option<serde_json::Value>> {
            let Some(text) = self.content(it)? else { return Ok(None) };
            Ok(weir_conf::yaml::parse("", &text).ok().map(|it| it.to_json()))
        };
        let before = if old.exists() { read(&old)? } else { None };
        let after =
            if new.exists() || delta.status() == Delta::Untracked { read(&new)? } else { None };
        let text = |it: &Option<serde_json::Value>, path: &str| {
            it.as_ref().and_then(|it| it.pointer(path)?.as_str().map(str::to_owned))
        };
        let is_there = |it: &git2::DiffFile<'_>, value: &Option<serde_json::Value>| {
            !it.exists() || value.is_some()
        };
        if before.is_none() && after.is_none()
            || !is_there(&old, &before)
            || !is_there(&new, &after)
        {
            return Ok(None);
        }
        let (was, name) = (text(&before, "/metadata/name"), text(&after, "/metadata/name"));
        let edits = match (&before, &after) {
            (Some(before), Some(after)) => Edit::between(before, after),
            _ => Vec::new(),
        };
        Ok(Some(AssetDiff {
            kind: text(&after, "/kind").or_else(|| text(&before, "/kind")),
            name: name.clone().or_else(|| was.clone()),
            former_name: was.filter(|it| name.as_ref().is_some_and(|name| name != it)),
            edits,
        }))
    }

    /// None for what is no text or too large.
    fn content(&self, file: &git2::DiffFile<'_>) -> Result<Option<String>> {
        if let Ok(blob) = self.git.find_blob(file.id()) {
            let is_shown = i64::try_from(blob.size()).is_ok_and(|it| it <= SHOWN_BYTES_MAX);
            return Ok(is_shown.then(|| String::from_utf8(blob.content().to_vec()).ok()).flatten());
        }
        let Some(path) = file.path() else { return Ok(None) };
        let full = self.work.join(Path::new(path));
        let is_file = full.symlink_metadata().is_ok_and(|it| {
            it.is_file() && i64::try_from(it.len()).is_ok_and(|it| it <= SHOWN_BYTES_MAX)
        });
        Ok(if is_file { std::fs::read_to_string(full).ok() } else { None })
    }
}

fn text(patch: &Patch<'_>) -> Result<Text> {
    let (mut hunks, mut lines, mut is_cut) = (Vec::new(), 0, false);
    'hunks: for number in 0..patch.num_hunks() {
        let (hunk, count) = patch.hunk(number)?;
        let header = lossy(hunk.header()).trim_end().to_owned();
        let mut shown = Hunk { header, lines: Vec::new() };
        for at in 0..count {
            if lines == LINES_MAX {
                is_cut = true;
                hunks.push(shown);
                break 'hunks;
            }
            lines += 1;
            let line = patch.line_in_hunk(number, at)?;
            let kind = match line.origin() {
                '+' => LineKind::Added,
                '-' => LineKind::Removed,
                ' ' => LineKind::Same,
                // That the last line has no line break.
                _ => continue,
            };
            let text = lossy(line.content()).trim_end_matches('\n').to_owned();
            let (before, after) = (line.old_lineno(), line.new_lineno());
            shown.lines.push(Line { kind, before, after, text });
        }
        hunks.push(shown);
    }
    Ok(Text::Hunks { hunks, is_cut })
}
