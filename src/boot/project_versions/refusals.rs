//! Why something is not done with versions, as an answer: the code and the hint stay what they are.

use weir_domain::Fault;
use weir_http_api::ProblemKind;
use weir_http_server::{ProjectRefusal, VersionRefusal};
use weir_versions::Error;

pub(super) fn invalid(pointer: &str, reason: impl Into<String>) -> VersionRefusal {
    ProjectRefusal::Invalid { pointer: pointer.to_owned(), reason: reason.into() }.into()
}

/// Something was done before it went wrong: nobody may take it for undone.
pub(super) fn after(done: String) -> impl FnOnce(VersionRefusal) -> VersionRefusal {
    move |refusal| match refusal {
        VersionRefusal::Project(ProjectRefusal::Fault(fault)) => {
            let message = format!("{done}, but {}", fault.message);
            ProjectRefusal::Fault(Fault { message, ..fault }).into()
        }
        other => other,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(in crate::boot) fn refusal(error: Error) -> VersionRefusal {
    if matches!(error, Error::Cancelled) {
        return VersionRefusal::Cancelled;
    }
    let cause = match &error {
        Error::Io { source, .. } => format!(": {source}"),
        _ => String::new(),
    };
    VersionRefusal::Told {
        kind: kind(&error),
        code: error.code(),
        detail: format!("{error}{cause}"),
        hint: error.hint().to_owned(),
    }
}

/// The same where who asks has to look again first.
pub(super) fn stale(error: Error) -> VersionRefusal {
    match refusal(error) {
        VersionRefusal::Told { code, detail, hint, .. } => {
            VersionRefusal::Told { kind: ProblemKind::Stale, code, detail, hint }
        }
        other => other,
    }
}

fn kind(error: &Error) -> ProblemKind {
    match error {
        Error::NoVersion(_)
        | Error::NoFile { .. }
        | Error::NoBranch(_)
        | Error::NoRemote(_)
        | Error::NoRepository { .. }
        | Error::NoRemoteBranch { .. } => ProblemKind::NotFound,
        Error::UnsafePath { .. }
        | Error::EmptyMessage
        | Error::Invalid { .. }
        | Error::NoConflict(_)
        | Error::Address { .. }
        | Error::Host { .. } => ProblemKind::InvalidRequest,
        Error::TooLarge { .. } | Error::TooMany { .. } => ProblemKind::BodyTooLarge,
        Error::HeadMoved { .. } => ProblemKind::Stale,
        Error::NotVersioned(_)
        | Error::Unsafe { .. }
        | Error::Exists(_)
        | Error::NotEmpty(_)
        | Error::NothingToCommit
        | Error::Unchanged { .. }
        | Error::DetachedHead(_)
        | Error::InProgress { .. }
        | Error::Unmerged { .. }
        | Error::Locked(_)
        | Error::BranchExists(_)
        | Error::CurrentBranch(_)
        | Error::NotMerged { .. }
        | Error::WouldOverwrite(_)
        | Error::Outside(_)
        | Error::OtherName(_)
        | Error::NoProject
        | Error::Unrelated { .. }
        | Error::NoMerge
        | Error::RemoteExists(_)
        | Error::Cancelled
        | Error::Credentials { .. }
        | Error::Anonymous { .. }
        | Error::OtherAddress { .. }
        | Error::NotFastForward { .. }
        | Error::PushRefused { .. } => ProblemKind::Conflict,
        Error::Silent { .. } | Error::Deadline { .. } => ProblemKind::TimedOut,
        Error::Unreachable { .. }
        | Error::NoGit { .. }
        | Error::PushUnknown { .. }
        | Error::Redirected { .. }
        | Error::Answer { .. }
        | Error::Git(_)
        | Error::Io { .. } => ProblemKind::Unavailable,
    }
}
