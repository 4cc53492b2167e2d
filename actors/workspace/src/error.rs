//! Why something is not done.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weir_domain::{Digest, Finding};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no {what} {name:?}")]
    NotFound {
        what: &'static str,
        name: String,
        /// What there is instead.
        known: Vec<String>,
    },
    #[error("{given:?} can't be used: {reason}")]
    Invalid {
        /// What of the request it is.
        what: &'static str,
        given: String,
        reason: String,
    },
    /// What was sent is no asset.
    #[error("{path} would be no asset: {}", first(.findings))]
    NoAsset { path: String, findings: Vec<Finding> },
    /// An asset can't be put together with those that it extends.
    #[error("{path} can't be made whole{}", placed(.findings))]
    NotWhole { path: String, findings: Vec<Finding> },
    #[error("{detail}")]
    Conflict { detail: String, hint: String },
    /// It is not what the caller has read.
    #[error("{} was changed meanwhile", .0.path)]
    Stale(Box<Conflict>),
    #[error("{what} has {bytes} bytes, and may have {max}")]
    TooLarge { what: String, bytes: u64, max: u64 },
    /// A file of the project can't be read, or leads out of it.
    #[error("{}", .0.cause)]
    Unreadable(Finding),
    /// Something was changed before it went wrong, and stays changed.
    #[error("{done}, but {cause}")]
    Partly { done: String, cause: Box<Error> },
    #[error("{} can't be {action}", .path.display())]
    Io {
        path: PathBuf,
        /// In the participle, as `read`.
        action: &'static str,
        #[source]
        source: io::Error,
    },
}

/// Three texts of one asset: what the caller read, what is there, and what the caller wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    pub path: String,
    /// `None`: there was none, or it is not known any more.
    pub base: Option<String>,
    /// `None`: it was deleted.
    pub theirs: Option<(Digest, String)>,
    /// `None`: it is to be deleted.
    pub yours: Option<String>,
    /// Both changes in one text, where no field was changed by both in different ways, and no comment is lost.
    pub merged: Option<String>,
    /// The fields that were, where the three can be compared.
    pub fields: Vec<FieldConflict>,
}

/// A field that both changed, each in another way. What is `None` is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldConflict {
    /// As `spec.stages[read].source`: entries of lists by their names.
    pub path: String,
    pub base: Option<Value>,
    pub theirs: Option<Value>,
    pub yours: Option<Value>,
}

impl From<weir_merge::FieldConflict> for FieldConflict {
    fn from(it: weir_merge::FieldConflict) -> Self {
        Self { path: it.path.to_string(), base: it.base, theirs: it.ours, yours: it.theirs }
    }
}

impl Error {
    pub(crate) fn invalid(
        what: &'static str,
        given: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::Invalid { what, given: given.into(), reason: reason.into() }
    }

    pub(crate) fn conflict(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Conflict { detail: detail.into(), hint: hint.into() }
    }

    /// An error that came after something was done, which the caller has to know.
    pub(crate) fn after(done: impl Into<String>) -> impl FnOnce(Self) -> Self {
        let done = done.into();
        move |cause| match cause {
            Self::Partly { done: more, cause } => {
                Self::Partly { done: format!("{done}, {more}"), cause }
            }
            cause => Self::Partly { done, cause: Box::new(cause) },
        }
    }

    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}

fn placed(findings: &[Finding]) -> String {
    findings.first().map_or_else(String::new, |it| format!(": {}: {}", it.place, it.cause))
}

fn first(findings: &[Finding]) -> String {
    findings.first().map_or_else(String::new, |it| it.cause.clone())
}
