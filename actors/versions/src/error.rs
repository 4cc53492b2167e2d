//! Why something was refused: what, where, why, and what to do.
//!
//! Invariant: no credential is ever in here, nor anything that a remote sent but for one cleaned line.

use std::path::PathBuf;
use std::time::Duration;

use weir_domain::{Bytes, Code};

use crate::VersionId;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the repository of {} is not used: {reason}", root.display())]
    Unsafe { root: PathBuf, reason: String },
    #[error("{} has no versions: it is no Git repository, nor a part of one", .0.display())]
    NotVersioned(PathBuf),
    #[error("{} has a repository already", .0.display())]
    Exists(PathBuf),
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    #[error("there is no version {0}")]
    NoVersion(String),
    #[error("version {version:.12} has no file {path:?}")]
    NoFile { version: VersionId, path: String },
    #[error("{path:?} is refused: {reason}")]
    UnsafePath { path: String, reason: &'static str },
    #[error("{what} has {size} and may have at most {limit}")]
    TooLarge { what: String, size: Bytes, limit: Bytes },
    #[error("the version has more than {limit} {what}")]
    TooMany { what: &'static str, limit: usize },

    #[error("the message is empty")]
    EmptyMessage,
    #[error("{what} {value:?} is refused: {reason}")]
    Invalid { what: &'static str, value: String, reason: &'static str },
    #[error("nothing has changed since the last version")]
    NothingToCommit,
    #[error("{path:?} has no changes")]
    Unchanged { path: String },
    #[error("the project is at version {0:.12}, on no branch")]
    DetachedHead(VersionId),
    #[error("{what} is in progress")]
    InProgress { what: &'static str },
    #[error("a merge is in progress, and {} in conflict", listed(paths))]
    Unmerged { paths: Vec<String> },
    #[error("the branch moved meanwhile: it is at {}, and not at {}", shown(*found), shown(*expected))]
    HeadMoved { expected: Option<VersionId>, found: Option<VersionId> },
    #[error("another program is changing the repository: {} is there", .0.display())]
    Locked(PathBuf),

    #[error("there is no branch {0:?}")]
    NoBranch(String),
    #[error("there is a branch {0:?} already")]
    BranchExists(String),
    #[error("the branch {0:?} is the one that the project is on")]
    CurrentBranch(String),
    #[error("the branch {name:?} has versions that {into} has not")]
    NotMerged { name: String, into: String },
    #[error("changes would be lost: {}", listed(.0))]
    WouldOverwrite(Vec<String>),
    #[error("it would change files outside of the project: {}", listed(.0))]
    Outside(Vec<String>),
    #[error("project.yaml would call the project {0}")]
    OtherName(String),
    #[error("without project.yaml there is no project")]
    NoProject,
    #[error("{ours:?} and {theirs:?} have no version in common")]
    Unrelated { ours: String, theirs: String },
    #[error("no conflict is at {0}")]
    NoConflict(String),
    #[error("no merge is in progress")]
    NoMerge,

    #[error("there is no remote {0:?}")]
    NoRemote(String),
    #[error("there is a remote {0:?} already")]
    RemoteExists(String),
    #[error("the address {address:?} is refused: {reason}")]
    Address { address: String, reason: &'static str },
    #[error("{remote} is not gone to: {host} is not allowed")]
    Host { remote: String, host: String },
    #[error("{remote} was not reached: {reason}")]
    Unreachable { remote: String, reason: String },
    #[error("{remote} said nothing for {} s", silence.as_secs_f32())]
    Silent { remote: String, silence: Duration },
    #[error("{remote} was not done after {} s", deadline.as_secs_f32())]
    Deadline { remote: String, deadline: Duration },
    #[error("it was cancelled")]
    Cancelled,
    #[error("{remote} refused the credentials (HTTP {status})")]
    Credentials { remote: String, status: u16 },
    #[error("{remote} wants credentials (HTTP {status}), and none were given")]
    Anonymous { remote: String, status: u16 },
    #[error("the credentials were given for {meant}, and it leads to {remote} now")]
    OtherAddress { remote: String, meant: String },
    #[error("{remote} has no such repository (HTTP {status})")]
    NoRepository { remote: String, status: u16 },
    #[error("{remote} leads to another address: {to}")]
    Redirected { remote: String, to: String },
    #[error("{remote} answered with HTTP {status}")]
    Answer { remote: String, status: u16 },
    #[error("{remote} answers, and not as Git does: {reason}")]
    NoGit { remote: String, reason: String },
    #[error("the remote {remote} has versions of {branch:?} that are not here")]
    NotFastForward { remote: String, branch: String },
    #[error("{remote} refused the branch {branch:?}: {reason}")]
    PushRefused { remote: String, branch: String, reason: String },
    #[error(
        "it is not known whether {remote} has {branch:?} now, for the answer is missing: {cause}"
    )]
    PushUnknown { remote: String, branch: String, cause: Box<Error> },
    #[error("{remote} has no branch {branch:?}")]
    NoRemoteBranch { remote: String, branch: String },

    #[error("the repository can't be read or written: {0}")]
    Git(String),
    #[error("{} can't be read or written", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

fn shown(id: Option<VersionId>) -> String {
    id.map_or_else(|| "no version".to_owned(), |it| format!("{it:.12}"))
}

fn listed(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = paths.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if paths.len() > SHOWN {
        text.push_str(&format!(" and {} more", paths.len() - SHOWN));
    }
    text
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub fn code(&self) -> Code {
        match self {
            Self::Unsafe { .. } => Code(13_001),
            Self::Exists(_) | Self::NotEmpty(_) => Code(13_002),
            Self::NoVersion(_) | Self::NoFile { .. } => Code(13_003),
            Self::UnsafePath { .. } => Code(13_004),
            Self::TooLarge { .. } | Self::TooMany { .. } => Code(13_005),
            Self::Git(_) => Code(13_006),
            Self::Io { .. } => Code(13_007),
            Self::EmptyMessage | Self::Invalid { .. } => Code(13_011),
            Self::NothingToCommit | Self::Unchanged { .. } => Code(13_012),
            Self::DetachedHead(_) => Code(13_013),
            Self::InProgress { .. } | Self::Unmerged { .. } => Code(13_014),
            Self::HeadMoved { .. } => Code(13_015),
            Self::Locked(_) => Code(13_016),
            Self::NoBranch(_) => Code(13_021),
            Self::BranchExists(_) => Code(13_022),
            Self::CurrentBranch(_) => Code(13_023),
            Self::NotMerged { .. } => Code(13_024),
            Self::WouldOverwrite(_) => Code(13_025),
            Self::Outside(_) => Code(13_026),
            Self::Unrelated { .. } => Code(13_027),
            Self::NoConflict(_) | Self::NoMerge => Code(13_028),
            Self::NoRemote(_) => Code(13_031),
            Self::RemoteExists(_) => Code(13_032),
            Self::Address { .. } => Code(13_033),
            Self::Unreachable { .. } => Code(13_034),
            Self::Silent { .. } | Self::Deadline { .. } => Code(13_035),
            Self::Cancelled => Code(13_036),
            Self::Credentials { .. } | Self::Anonymous { .. } => Code(13_037),
            Self::NoRepository { .. } | Self::NoRemoteBranch { .. } => Code(13_038),
            Self::Redirected { .. } | Self::Answer { .. } => Code(13_039),
            Self::NotFastForward { .. } => Code(13_040),
            Self::PushRefused { .. } => Code(13_041),
            Self::NotVersioned(_) => Code(13_042),
            Self::OtherAddress { .. } => Code(13_043),
            Self::OtherName(_) | Self::NoProject => Code(13_044),
            Self::PushUnknown { .. } => Code(13_045),
            Self::NoGit { .. } => Code(13_046),
            Self::Host { .. } => Code(13_047),
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unsafe { .. } => {
                "look at .git/config, and take out what leads elsewhere; or clone the project anew"
            }
            Self::NotVersioned(_) => {
                "begin with them (`weir project init`, or POST …/versions:init), or go on without"
            }
            Self::OtherAddress { .. } => {
                "if that address is meant, give the credentials of this remote again"
            }
            Self::Exists(_) => "open it: it has versions already",
            Self::NotEmpty(_) => "name a directory that is empty or not there yet",
            Self::NoVersion(_) => {
                "name a branch, a tag, or a version of the history by the first 7 characters of its id or more"
            }
            Self::NoFile { .. } => "look at the files of the version, or of an earlier one",
            Self::UnsafePath { .. } => {
                "a path begins at the project's directory and has no `..`; if a version holds it, take it out with git"
            }
            Self::TooLarge { .. } | Self::TooMany { .. } => {
                "keep data out of the project: name it in .gitignore, or keep it elsewhere"
            }
            Self::EmptyMessage => "say in a few words what the version is about",
            Self::Invalid { .. } => "choose another one",
            Self::NothingToCommit => "change something first",
            Self::Unchanged { .. } => "name what has changed: the status shows it",
            Self::DetachedHead(_) => "switch to a branch, or create one here, and try again",
            Self::InProgress { .. } => "finish it or abort it with git, and try again",
            Self::Unmerged { .. } => {
                "resolve the conflicts with git, or abort the merge, and try again"
            }
            Self::HeadMoved { .. } => "look at what was committed meanwhile, and try again",
            Self::Locked(_) => "wait until it is done; if no such program runs, remove that file",
            Self::NoBranch(_) => "choose one of the branches that there are",
            Self::BranchExists(_) => "choose another name, or delete that branch first",
            Self::CurrentBranch(_) => "switch to another branch first",
            Self::NotMerged { .. } => "merge it first, or delete it by force: they would be lost",
            Self::WouldOverwrite(_) => "commit or discard these changes first",
            Self::Outside(_) => {
                "the project is one directory of a larger repository: do this there, with git"
            }
            Self::OtherName(_) => "keep the name, and rename the project",
            Self::NoProject => "delete the project, or remove it",
            Self::Unrelated { .. } => "merge a branch that came from the same project",
            Self::NoConflict(_) => "ask for the conflicts again: they may have changed",
            Self::NoMerge => "there is nothing to abort",
            Self::NoRemote(_) => "choose one of the remotes that there are, or add it",
            Self::RemoteExists(_) => "choose another name, or remove that remote first",
            Self::Address { .. } => "write it as https://host/path, and give credentials apart",
            Self::Host { .. } => {
                "let who runs the server add it to weir.config-server.remotes.hosts"
            }
            Self::Unreachable { .. } => {
                "check the address, the network and the certificate of the remote"
            }
            Self::Silent { .. } | Self::Deadline { .. } => {
                "try again later, or with a longer deadline; nothing was changed"
            }
            Self::Cancelled => "nothing was changed: start it again when it is wanted",
            Self::Credentials { .. } => {
                "check user and password or token, and that it may read and write there"
            }
            Self::Anonymous { .. } => {
                "give the remote a user and a password or token: `weir project remote credentials`"
            }
            Self::NoRepository { .. } => {
                "check the address; many servers say this too when credentials are missing"
            }
            Self::Redirected { .. } => "use that address if you trust it",
            Self::Answer { .. } => "look at the log of the remote, or try again later",
            Self::NotFastForward { .. } => "pull first, which merges them, and push again",
            Self::PushRefused { .. } => "look at the rules of the remote, or push another branch",
            Self::PushUnknown { .. } => "fetch tells it: push again if the remote has it not",
            Self::NoRemoteBranch { .. } => "choose one of its branches, or push yours first",
            Self::NoGit { .. } => {
                "is it the address of a repository, as `git clone` takes it, and not that of a page about it, or of a \
                 page to log in at? `git ls-remote ADDRESS` asks it the same"
            }
            Self::Git(said) if said.contains("corrupted loose reference") => {
                "a crash or another program left that file in .git empty or damaged: put back what it had, as \
                 `ref: refs/heads/main` in HEAD (`git symbolic-ref HEAD refs/heads/main`)"
            }
            Self::Git(_) | Self::Io { .. } => "look at the cause, and try again",
        }
    }
}

impl From<git2::Error> for Error {
    fn from(error: git2::Error) -> Self {
        Self::Git(error.message().to_owned())
    }
}
