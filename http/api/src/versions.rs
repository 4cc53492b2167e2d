//! Versions of a project: what changed, what was committed, and how two of them differ.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{ProjectName, Timestamp};

use crate::{Cursor, EditView, schema};

/// Where a project stands, and what changed since its newest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionStatus {
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    /// Whether it is a Git repository, or a part of one. All else is empty if it is not.
    pub is_versioned: bool,
    /// Absent on a version by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The newest version of the branch; absent before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// A merge was begun by another program, and is not committed.
    pub is_merging: bool,
    /// By path.
    pub files: Vec<ChangedFileView>,
}

/// A file that differs from the newest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChangedFile)]
pub struct ChangedFileView {
    pub path: String,
    pub change: FileChangeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum FileChangeKind {
    Added,
    Changed,
    Deleted,
    /// Both sides of a merge that is in progress changed it.
    Conflicted,
    /// It was called otherwise.
    Moved,
}

/// What Git calls a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectVersion {
    pub id: String,
    /// More than one where branches were merged.
    pub parents: Vec<String>,
    pub author: VersionAuthor,
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    pub message: String,
    /// Where the asset was in this version, in the history of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// As Git has it: whoever made the version elsewhere wrote what they liked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionAuthor {
    pub name: String,
    pub email: String,
}

/// A version with its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectVersionDetail {
    pub version: ProjectVersion,
    /// By path.
    pub files: Vec<VersionFileView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VersionFile)]
pub struct VersionFileView {
    pub path: String,
    pub bytes: u64,
}

/// What a file held in a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionFileText {
    pub path: String,
    pub text: String,
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionFileQuery {
    pub path: String,
}

/// Which versions to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionsQuery {
    /// Only versions that changed this file, through its former names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// Where to begin: a version or a branch. Without it: where the project is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Most items of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

/// What to compare. Versions are named by their ids, the beginnings of them, or branches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionDiffQuery {
    /// The older side; without it the version that the project is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The newer side; without it the files as they are now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// One file alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// How two versions differ, or a version and the files as they are now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionDiff {
    /// Absent: what was there before the first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Absent: the files as they are now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// By path.
    pub files: Vec<FileDiffView>,
    /// Files that differ too, and are not listed.
    pub left_out: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FileDiff)]
pub struct FileDiffView {
    /// Where it is, or was if it is gone.
    pub path: String,
    pub change: FileChangeKind,
    /// Where it was, if it was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it says otherwise, where both sides are assets that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetDiffView>,
    /// Whether its text is shown: it may be none, or too long.
    pub is_shown: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hunks: Vec<HunkView>,
    /// There are more lines than are shown.
    #[serde(default)]
    pub is_cut: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AssetDiff)]
pub struct AssetDiffView {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it was called, if that was something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_name: Option<String>,
    pub edits: Vec<EditView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Hunk)]
pub struct HunkView {
    /// As `@@ -1,3 +1,4 @@`.
    pub header: String,
    pub lines: Vec<HunkLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HunkLine {
    pub kind: HunkLineKind,
    /// Counted from 1; absent where the line is not on that side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum HunkLineKind {
    Same,
    Removed,
    Added,
}

/// What is to become a version. Its author is who sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommitRequest {
    pub message: String,
    /// The author's address, as Git wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Only these files; without it all that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
}

/// What was committed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Committed {
    /// Absent of a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ProjectVersion>,
    /// What it takes.
    pub files: Vec<ChangedFileView>,
}

/// Files that become what they are in the newest version. What was added goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiscardRequest {
    #[schema(min_items = 1)]
    pub paths: Vec<String>,
}
