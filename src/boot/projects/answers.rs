//! What the workspace says, in the words of the API: assets, conflicts, and why something is refused.

use std::io::ErrorKind;

use weir_domain::Fault;
use weir_http_api::{AssetConflict, AssetField, AssetSummary, AssetTheirs, AssetUsage, AssetView};
use weir_http_server::ProjectRefusal;
use weir_project::Spelling;
use weir_workspace::{Asset, Conflict, Error, FieldConflict, Usage};

pub(super) fn view(asset: Asset) -> AssetView {
    let Asset { path, text, digest, frame, findings } = asset;
    let findings = findings.into_iter().map(Into::into).collect();
    let (kind, name, description) = match frame {
        Some(it) => (Some(it.kind.to_string()), Some(it.name), it.description),
        None => (None, None, None),
    };
    let name = name.filter(|it| !it.is_empty());
    let asset = AssetSummary { path, kind, name, description, etag: digest, findings };
    AssetView { asset, text }
}

pub(super) fn usage(it: Usage) -> AssetUsage {
    let Usage { path, by, reference } = it;
    AssetUsage {
        path,
        kind: by.kind.to_string(),
        name: by.name,
        at: reference.path,
        line: reference.place.line,
        column: reference.place.column,
        by: match reference.written {
            Spelling::Macro(text) => Some(text),
            Spelling::Value | Spelling::Key => None,
        },
    }
}

fn conflict(it: Conflict) -> AssetConflict {
    let Conflict { path, base, theirs, yours, merged, fields } = it;
    let theirs = theirs.map(|(etag, text)| AssetTheirs { etag, text });
    let field =
        |FieldConflict { path, base, theirs, yours }| AssetField { path, base, theirs, yours };
    let fields = fields.into_iter().map(field).collect();
    AssetConflict { path, base, theirs, yours, merged, fields }
}

pub(in crate::boot) fn refusal(error: Error) -> ProjectRefusal {
    let detail = error.to_string();
    match error {
        Error::NotFound { what, name, known } => ProjectRefusal::NotFound { what, name, known },
        Error::Invalid { what, given, reason } => {
            let reason = format!("{given:?}: {reason}");
            ProjectRefusal::Invalid { pointer: pointer(what), reason }
        }
        Error::NoAsset { findings, .. } => ProjectRefusal::NoAsset { detail, findings },
        Error::NotWhole { findings, .. } => {
            let fix = findings.first().map(|it| it.fix.clone());
            let hint = fix.unwrap_or_else(|| "validate the project, and mend the asset".to_owned());
            ProjectRefusal::Conflict { detail, hint }
        }
        Error::Conflict { hint, .. } => ProjectRefusal::Conflict { detail, hint },
        Error::Stale(it) => ProjectRefusal::Stale { detail, conflict: Box::new(conflict(*it)) },
        Error::TooLarge { .. } => ProjectRefusal::TooLarge { detail },
        Error::Unreadable(it) => {
            let hint = it.fix.clone();
            ProjectRefusal::Conflict { detail: format!("{}: {}", it.place, it.cause), hint }
        }
        Error::Partly { cause, .. } => partly(detail, *cause),
        // It is what was asked for that the disk can't have, whoever asks again.
        Error::Io { source, .. } if is_of_request(source.kind()) => {
            let hint = "nothing was changed: choose another path";
            ProjectRefusal::Conflict {
                detail: format!("{detail}: {source}"),
                hint: hint.to_owned(),
            }
        }
        Error::Io { source, .. } => {
            let fault = Fault::transient(97, format!("{detail}: {source}"));
            let hint = "nothing was changed: look at the disk and at who may write there";
            ProjectRefusal::Fault(fault.with_hint(hint))
        }
    }
}

/// Names that are too long for the disk, and files where directories would have to be, or the other way round.
fn is_of_request(kind: ErrorKind) -> bool {
    use ErrorKind::{InvalidFilename, IsADirectory, NotADirectory};
    matches!(kind, InvalidFilename | IsADirectory | NotADirectory)
}

/// Something was done before it went wrong: nobody may take it for undone, nor do it again by the same key.
fn partly(detail: String, cause: Error) -> ProjectRefusal {
    let (detail, hint) = match cause {
        Error::Io { source, .. } => (
            format!("{detail}: {source}"),
            "look at what is there now, at the disk and at who may write there".to_owned(),
        ),
        Error::Conflict { hint, .. } => (detail, hint),
        _ => (detail, "look at what is there now, and go on from that".to_owned()),
    };
    ProjectRefusal::Fault(Fault::data(97, detail).with_hint(hint))
}

/// Where in a request that is which can't be used.
fn pointer(what: &str) -> String {
    match what {
        "confirm" => "query/deleteFilesOf".to_owned(),
        "archive" => "body".to_owned(),
        "name" | "directory" | "snippet" | "stages" | "after" | "before" | "prefix" => {
            format!("/{what}")
        }
        what => what.to_owned(),
    }
}

/// Where only a fault can be told.
pub(super) fn fault(refusal: ProjectRefusal) -> Fault {
    match refusal {
        ProjectRefusal::Fault(fault) => fault,
        ProjectRefusal::Conflict { detail, hint } => Fault::transient(98, detail).with_hint(hint),
        other => Fault::transient(99, format!("{other:?}")),
    }
}
