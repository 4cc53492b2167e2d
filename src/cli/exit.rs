//! What the shell learns of a failure: the one place where what went wrong becomes an exit code.
//!
//! - The numbers are documented and never change their meaning.
//! - The same fault exits alike, whichever command met it and whether a server or the command line
//!   found it.
//! - What the command line refuses by itself is a [`Reason`], and each has one code.

use std::io::ErrorKind;
use std::process::ExitCode;

use weir_domain::{Code, FaultKind};
use weir_http_api::{Problem, ProblemKind};
use weir_http_client as client;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    NotAllowed = 4,
    Conflict = 5,
    Invalid = 6,
    TimedOut = 7,
    Unreachable = 8,
    Cancelled = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What the command line refuses by itself, or waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// What was written on the command line or typed can't be meant.
    Usage,
    /// What was named is not there: a profile, a key, a rule.
    Unknown,
    /// A file, or standard input, can't be read.
    Unread(ErrorKind),
    /// A file, or standard output, can't be written.
    Unwritten(ErrorKind),
    /// What a file holds is not what belongs there.
    Unusable,
    /// It contradicts what is there.
    Contradiction,
    /// The audit is not what was written.
    AuditBroken,
    /// The machine refuses what every process may have.
    Machine,
    /// A stream was not closed in time.
    StreamOpen,
    /// Items that were named were left as they are.
    ItemsLeft,
    /// A member was not removed, or a lease did not move, in time.
    ClusterLate,
    /// Nodes did not run in time what they should.
    NodesLate,
    /// A node could not activate what it should run.
    NodeFailed,
    /// Streams that were named were not told.
    StreamsLeft,
    /// The engine ended a stream of events.
    EventsOver,
    /// A savepoint was not taken in time.
    SavepointOpen,
    /// A run ended before it took a savepoint.
    SavepointLost,
    /// Somebody asked for the end of what was waited for.
    Cancelled,
}

impl Reason {
    pub(crate) fn code(self) -> Code {
        match self {
            Self::StreamOpen => Code(7_301),
            Self::ItemsLeft => Code(7_302),
            Self::ClusterLate => Code(7_303),
            Self::NodesLate => Code(7_304),
            Self::StreamsLeft => Code(7_306),
            Self::EventsOver => Code(7_307),
            Self::NodeFailed => Code(7_308),
            Self::Usage => Code(7_310),
            Self::Unknown => Code(7_311),
            Self::Unread(_) => Code(7_312),
            Self::Unwritten(_) => Code(7_313),
            Self::Unusable => Code(7_314),
            Self::Contradiction => Code(7_315),
            Self::Machine => Code(7_316),
            Self::SavepointOpen => Code(7_317),
            Self::SavepointLost => Code(7_318),
            Self::Cancelled => Code(7_319),
            Self::AuditBroken => ProblemKind::AuditBroken.code(),
        }
    }

    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Usage => Exit::Usage,
            Self::Unknown | Self::ItemsLeft => Exit::NotFound,
            Self::Unread(kind) | Self::Unwritten(kind) => of_file(kind),
            Self::Unusable | Self::AuditBroken => Exit::Invalid,
            Self::Contradiction | Self::StreamsLeft => Exit::Conflict,
            Self::Machine | Self::NodeFailed | Self::SavepointLost => Exit::Failed,
            Self::StreamOpen | Self::ClusterLate | Self::NodesLate | Self::SavepointOpen => {
                Exit::TimedOut
            }
            Self::EventsOver => Exit::Unreachable,
            Self::Cancelled => Exit::Cancelled,
        }
    }
}

/// What a file refused.
pub(crate) fn of_file(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::NotFound => Exit::NotFound,
        ErrorKind::PermissionDenied => Exit::NotAllowed,
        ErrorKind::AlreadyExists => Exit::Conflict,
        ErrorKind::InvalidData | ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
            Exit::Invalid
        }
        _ => Exit::Failed,
    }
}

/// A fault that a command met on this machine: what a person must change first is not valid.
pub(crate) fn of_fault(kind: FaultKind) -> Exit {
    match kind {
        FaultKind::Data | FaultKind::Config => Exit::Invalid,
        FaultKind::Transient | FaultKind::Stopped => Exit::Failed,
    }
}

/// A call that has no result.
pub(crate) fn of_client(error: &client::Error) -> Exit {
    match error {
        client::Error::Address { .. } | client::Error::Unsendable { .. } => Exit::Usage,
        client::Error::Unreachable { .. }
        | client::Error::Interrupted { .. }
        | client::Error::Distrusted { .. } => Exit::Unreachable,
        client::Error::Decode { .. } => Exit::Failed,
        client::Error::Problem(problem) => of_problem(problem),
    }
}

/// What a server refused.
fn of_problem(problem: &Problem) -> Exit {
    match problem.status {
        _ if problem.is(ProblemKind::EngineUnreachable) => Exit::Unreachable,
        _ if problem.is(ProblemKind::TimedOut) => Exit::TimedOut,
        401 | 403 => Exit::NotAllowed,
        404 => Exit::NotFound,
        409 | 412 => Exit::Conflict,
        400 | 413..=415 | 417 | 422 | 431 => Exit::Invalid,
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_of_a_server_exits_as_its_kind_says() {
        for kind in ProblemKind::ALL {
            let wanted = match kind {
                ProblemKind::InvalidRequest
                | ProblemKind::Refused
                | ProblemKind::BodyTooLarge
                | ProblemKind::UnsupportedMediaType
                | ProblemKind::AuditBroken
                | ProblemKind::KeyReused
                | ProblemKind::UriTooLong
                | ProblemKind::HeadTooLarge
                | ProblemKind::ExpectationFailed
                | ProblemKind::SourceRefused => Exit::Invalid,
                ProblemKind::UnknownPath | ProblemKind::NotFound => Exit::NotFound,
                ProblemKind::Unauthorized | ProblemKind::ReadOnly | ProblemKind::Forbidden => {
                    Exit::NotAllowed
                }
                ProblemKind::Conflict | ProblemKind::Stale => Exit::Conflict,
                ProblemKind::TimedOut => Exit::TimedOut,
                ProblemKind::EngineUnreachable => Exit::Unreachable,
                ProblemKind::MethodNotAllowed
                | ProblemKind::Unavailable
                | ProblemKind::Internal
                | ProblemKind::EngineAnswerUnusable
                | ProblemKind::SourceUnreachable
                | ProblemKind::Unconditional
                | ProblemKind::TooManyAttempts
                | ProblemKind::TooManyRequests => Exit::Failed,
            };
            assert_eq!(of_problem(&Problem::new(*kind, "")), wanted, "{kind:?}");
        }
    }

    #[test]
    fn a_file_is_missing_closed_or_there_already_for_every_command_alike() {
        let exits = |kind| [Reason::Unread(kind).exit(), Reason::Unwritten(kind).exit()];
        assert_eq!(exits(ErrorKind::NotFound), [Exit::NotFound; 2]);
        assert_eq!(exits(ErrorKind::PermissionDenied), [Exit::NotAllowed; 2]);
        assert_eq!(exits(ErrorKind::AlreadyExists), [Exit::Conflict; 2]);
        assert_eq!(exits(ErrorKind::StorageFull), [Exit::Failed; 2]);
    }
}
