//! One file in three versions.

use git2::{MergeFileInput, MergeFileOptions};

use weir_merge::{self as fields, Choices, FieldConflict};

/// Larger texts are not merged: they are data.
const MERGED_BYTES_MAX: usize = 4 << 20;

/// A file that can't be merged by fields or lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileConflict {
    pub path: String,
    pub reason: &'static str,
    /// What it holds on each side; none: it is not there, or is no text.
    pub base: Option<String>,
    pub ours: Option<String>,
    pub theirs: Option<String>,
}

/// What is to become of such a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChoice {
    Ours,
    Theirs,
    Text(String),
}

pub(crate) fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

pub(super) enum Merged {
    Bytes(Vec<u8>),
    Fields(Vec<FieldConflict>),
    /// A choice for a field that is in no conflict.
    Stray(String),
    /// Why not.
    Conflict(&'static str),
}

/// Merges what both sides changed, or added.
pub(super) fn merge(
    path: &str,
    base: Option<&[u8]>,
    ours: &[u8],
    theirs: &[u8],
    choices: &Choices,
) -> Merged {
    let sides = [base.unwrap_or_default(), ours, theirs];
    if sides.iter().any(|it| it.len() > MERGED_BYTES_MAX) {
        return Merged::Conflict("it is too large to be merged");
    }
    let texts = sides.map(|it| std::str::from_utf8(it).ok().filter(|it| !it.contains('\0')));
    let [Some(base_text), Some(ours_text), Some(theirs_text)] = texts else {
        return Merged::Conflict("it is no text, and both changed it");
    };
    if is_yaml(path) {
        match fields::merge(base.map(|_| base_text), ours_text, theirs_text, choices) {
            fields::Merged::Text(text) => return Merged::Bytes(text.into_bytes()),
            fields::Merged::Conflicts(conflicts) => return Merged::Fields(conflicts),
            fields::Merged::Stray(field) => return Merged::Stray(field),
            fields::Merged::NoFields => {}
        }
    }
    let Some(base) = base else {
        return Merged::Conflict("both added it, with different contents");
    };
    lines(base, ours, theirs)
}

fn lines(base: &[u8], ours: &[u8], theirs: &[u8]) -> Merged {
    let (mut old, mut mine, mut yours) =
        (MergeFileInput::new(), MergeFileInput::new(), MergeFileInput::new());
    old.content(base);
    mine.content(ours);
    yours.content(theirs);
    let mut options = MergeFileOptions::new();
    match git2::merge_file(&old, &mine, &yours, Some(&mut options)) {
        Ok(merged) if merged.is_automergeable() => Merged::Bytes(merged.content().to_vec()),
        Ok(_) => Merged::Conflict("both changed the same lines"),
        Err(_) => Merged::Conflict("it can't be merged by lines"),
    }
}
