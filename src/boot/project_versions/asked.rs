//! What people ask for, as it is done with versions: checked, and with an author.

use weir_domain::{Timestamp, UserName};
use weir_http_api::{Committed, MergeDecision, MergeRequest, MergeTake, RemoteCredentials};
use weir_versions::{
    Author, Choice, Commit, Error, FileChoice, Merge, Paths, Repository, Resolutions, VersionId,
};

use super::refusals::invalid;
use super::{Done, views};

/// Of people who gave no address: nobody has one there.
const NOWHERE: &str = "weir.invalid";

/// Who does something, as Git wants to know it.
pub(super) fn author(by: &UserName, email: Option<String>) -> Author {
    let name = by.as_str().to_owned();
    let email = email.unwrap_or_else(|| format!("{name}@{NOWHERE}"));
    Author { name, email }
}

pub(super) fn merge_of(request: MergeRequest, by: &UserName, at: Timestamp) -> Done<Merge> {
    let MergeRequest { branch, message, email, decisions } = request;
    let resolutions = match decisions {
        None => Resolutions::default(),
        Some(it) => {
            let id = |at: &str, text: &str| {
                text.parse::<VersionId>().map_err(|it| invalid(at, it.to_string()))
            };
            let versions =
                Some((id("/decisions/ours", &it.ours)?, id("/decisions/theirs", &it.theirs)?));
            resolutions(Resolutions { versions, ..Resolutions::default() }, it.conflicts)?
        }
    };
    let author = author(by, email);
    Ok(Merge { branch, author, at, message, resolutions })
}

fn resolutions(mut all: Resolutions, decisions: Vec<MergeDecision>) -> Done<Resolutions> {
    for (number, decision) in decisions.into_iter().enumerate() {
        let MergeDecision { path, field, take, value } = decision;
        let is_new = match field {
            Some(field) => {
                let choice = match take {
                    MergeTake::Ours => Choice::Ours,
                    MergeTake::Theirs => Choice::Theirs,
                    MergeTake::Value => Choice::Value(value),
                };
                all.fields.insert((path, field), choice).is_none()
            }
            None => {
                let choice = match (take, value) {
                    (MergeTake::Ours, _) => FileChoice::Ours,
                    (MergeTake::Theirs, _) => FileChoice::Theirs,
                    (MergeTake::Value, serde_json::Value::String(text)) => FileChoice::Text(text),
                    (MergeTake::Value, _) => {
                        let at = format!("/decisions/conflicts/{number}/value");
                        return Err(invalid(&at, "the value of a file is its text"));
                    }
                };
                all.files.insert(path, choice).is_none()
            }
        };
        if !is_new {
            let at = format!("/decisions/conflicts/{number}");
            return Err(invalid(&at, "this conflict is decided twice"));
        }
    }
    Ok(all)
}

/// What a server can be shown: a header's text, of which a user has no colon.
pub(super) fn checked(given: RemoteCredentials) -> Done<RemoteCredentials> {
    let is_plain = |it: &str| !it.is_empty() && !it.chars().any(char::is_control);
    if !is_plain(given.secret.expose()) {
        let reason = "it is empty, or has a line break or the like";
        return Err(invalid("/secret", reason));
    }
    if given.user.as_deref().is_some_and(|it| !is_plain(it) || it.contains(':')) {
        return Err(invalid("/user", "it is empty, or has a colon, a line break or the like"));
    }
    Ok(given)
}

/// What a commit would take, as far as that can be told without making it.
pub(super) fn foreseen(repository: &Repository, commit: &Commit) -> Result<Committed, Error> {
    let status = repository.status()?;
    if status.head != commit.expected {
        return Err(Error::HeadMoved { expected: commit.expected, found: status.head });
    }
    let mut files = status.files;
    if let Paths::These(paths) = &commit.paths {
        if let Some(path) = paths.iter().find(|it| !files.iter().any(|file| file.path == **it)) {
            return Err(Error::Unchanged { path: path.clone() });
        }
        files.retain(|it| paths.contains(&it.path));
    }
    if files.is_empty() && !status.is_merging {
        return Err(Error::NothingToCommit);
    }
    Ok(Committed { version: None, files: files.into_iter().map(views::changed).collect() })
}
