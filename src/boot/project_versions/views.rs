//! Versions as they are shown.

use std::collections::BTreeMap;

use serde_json::Value;
use weir_domain::ProjectName;
use weir_http_api::{
    AssetDiffView, BranchView, ChangedFileView, FetchedBranch, FileChangeKind, FileDiffView,
    HunkLine, HunkLineKind, HunkView, MergeConflict, MergeOutcome, MergeView, ProjectVersion,
    ProjectVersionDetail, RemoteView, VersionAuthor, VersionDiff, VersionFileView, VersionStatus,
};
use weir_http_server::{HistoryFound, edit_view};
use weir_versions::{
    AssetDiff, Branch, BranchSide, ChangedFile, Conflict, Diff, DiffSide, Fetched, FileChange,
    FileDiff, FileEdit, FileEntry, Foreseen, HistoryEntry, Hunk, LineKind, Merged, Outlook, Page,
    Remote, Status, Text, Version,
};

/// None: the project has no versions.
pub(super) fn status(project: ProjectName, status: Option<Status>) -> VersionStatus {
    let Some(Status { branch, head, is_merging, files }) = status else {
        let (branch, head, files) = Default::default();
        return VersionStatus {
            project,
            is_versioned: false,
            branch,
            head,
            is_merging: false,
            files,
        };
    };
    VersionStatus {
        project,
        is_versioned: true,
        branch,
        head: head.map(|it| it.to_string()),
        is_merging,
        files: files.into_iter().map(changed).collect(),
    }
}

pub(super) fn changed(ChangedFile { path, change }: ChangedFile) -> ChangedFileView {
    let change = match change {
        FileChange::Added => FileChangeKind::Added,
        FileChange::Changed => FileChangeKind::Changed,
        FileChange::Deleted => FileChangeKind::Deleted,
        FileChange::Conflicted => FileChangeKind::Conflicted,
    };
    ChangedFileView { path, change }
}

pub(super) fn version(it: Version, path: Option<String>) -> ProjectVersion {
    let Version { id, parents, author, at, message } = it;
    ProjectVersion {
        id: id.to_string(),
        parents: parents.iter().map(ToString::to_string).collect(),
        author: VersionAuthor { name: author.name, email: author.email },
        at,
        message,
        path,
    }
}

pub(super) fn history(Page { entries, next }: Page) -> HistoryFound {
    let shown = |HistoryEntry { version: it, path }| version(it, path);
    HistoryFound {
        versions: entries.into_iter().map(shown).collect(),
        next: next.map(|it| it.to_string()),
    }
}

pub(super) fn detail(it: Version, files: Vec<FileEntry>) -> ProjectVersionDetail {
    let file = |FileEntry { path, bytes }| VersionFileView { path, bytes: bytes.0 };
    ProjectVersionDetail {
        version: version(it, None),
        files: files.into_iter().map(file).collect(),
    }
}

pub(super) fn diff((from, to): (DiffSide, DiffSide), diff: Diff) -> VersionDiff {
    let shown = |it| match it {
        DiffSide::Version(id) => Some(id.to_string()),
        DiffSide::Nothing | DiffSide::Working => None,
    };
    VersionDiff {
        from: shown(from),
        to: shown(to),
        files: diff.files.into_iter().map(file).collect(),
        left_out: diff.left_out as u64,
    }
}

fn file(FileDiff { path, change, asset, text }: FileDiff) -> FileDiffView {
    let (change, from) = match change {
        FileEdit::Added => (FileChangeKind::Added, None),
        FileEdit::Deleted => (FileChangeKind::Deleted, None),
        FileEdit::Changed => (FileChangeKind::Changed, None),
        FileEdit::Moved { from } => (FileChangeKind::Moved, Some(from)),
    };
    let asset = asset.map(|AssetDiff { kind, name, former_name, edits }| AssetDiffView {
        kind,
        name,
        former_name,
        edits: edits.into_iter().map(edit_view).collect(),
    });
    let (is_shown, hunks, is_cut) = match text {
        Text::Hunks { hunks, is_cut } => (true, hunks, is_cut),
        Text::NotShown => (false, Vec::new(), false),
    };
    let hunks = hunks.into_iter().map(hunk).collect();
    FileDiffView { path, change, from, asset, is_shown, hunks, is_cut }
}

fn hunk(Hunk { header, lines }: Hunk) -> HunkView {
    let line = |it: weir_versions::Line| HunkLine {
        kind: match it.kind {
            LineKind::Same => HunkLineKind::Same,
            LineKind::Removed => HunkLineKind::Removed,
            LineKind::Added => HunkLineKind::Added,
        },
        before: it.before,
        after: it.after,
        text: it.text,
    };
    HunkView { header, lines: lines.into_iter().map(line).collect() }
}

pub(super) fn branch(Branch { side, name, head, is_current }: Branch) -> BranchView {
    BranchView { name, head: head.to_string(), is_current, is_remote: side == BranchSide::Remote }
}

pub(super) fn merged(it: Merged) -> MergeView {
    match it {
        Merged::Nothing => outcome(MergeOutcome::Nothing),
        Merged::FastForward(id) => {
            MergeView { version: Some(id.to_string()), ..outcome(MergeOutcome::FastForward) }
        }
        Merged::Version(id) => {
            MergeView { version: Some(id.to_string()), ..outcome(MergeOutcome::Merged) }
        }
        Merged::Conflicts { ours, theirs, conflicts } => MergeView {
            ours: Some(ours.to_string()),
            theirs: Some(theirs.to_string()),
            conflicts: conflicts.into_iter().map(conflict).collect(),
            ..outcome(MergeOutcome::Conflicts)
        },
    }
}

pub(super) fn foreseen(Foreseen { ours, theirs, outcome: foreseen }: Foreseen) -> MergeView {
    let (kind, conflicts) = match foreseen {
        Outlook::Nothing => (MergeOutcome::Nothing, Vec::new()),
        Outlook::FastForward => (MergeOutcome::FastForward, Vec::new()),
        Outlook::Version => (MergeOutcome::Merged, Vec::new()),
        Outlook::Conflicts(conflicts) => (MergeOutcome::Conflicts, conflicts),
    };
    MergeView {
        ours: ours.map(|it| it.to_string()),
        theirs: Some(theirs.to_string()),
        conflicts: conflicts.into_iter().map(conflict).collect(),
        ..outcome(kind)
    }
}

fn outcome(outcome: MergeOutcome) -> MergeView {
    MergeView { outcome, version: None, ours: None, theirs: None, conflicts: Vec::new() }
}

fn conflict(it: Conflict) -> MergeConflict {
    match it {
        Conflict::Field { asset, conflict } => MergeConflict {
            path: asset,
            field: Some(conflict.path.to_string()),
            reason: None,
            base: conflict.base,
            ours: conflict.ours,
            theirs: conflict.theirs,
        },
        Conflict::File(it) => MergeConflict {
            path: it.path,
            field: None,
            reason: Some(it.reason.to_owned()),
            base: it.base.map(Value::String),
            ours: it.ours.map(Value::String),
            theirs: it.theirs.map(Value::String),
        },
    }
}

pub(super) fn remote(
    Remote { name, address }: Remote,
    users: &BTreeMap<String, Option<String>>,
) -> RemoteView {
    let known = users.get(&name);
    RemoteView { has_credentials: known.is_some(), user: known.cloned().flatten(), name, address }
}

pub(super) fn fetched(Fetched { branch, before, after }: Fetched) -> FetchedBranch {
    let shown = |it: Option<weir_versions::VersionId>| it.map(|it| it.to_string());
    FetchedBranch { branch, before: shown(before), after: shown(after) }
}
