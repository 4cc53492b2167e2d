//! Why User Storage refuses something: an answer, which says what to do.

use serde::{Deserialize, Serialize};
use weir_domain::{Fault, RoleName, SessionId, Timestamp, TokenId, UserName};

use crate::TooLong;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error("there is no user {0}")]
    UnknownUser(UserName),
    #[error("there is no role {0}: create it first, or use admin, monitoring or user")]
    UnknownRole(RoleName),
    #[error("there is no token {0}: it may have been revoked")]
    UnknownToken(TokenId),
    #[error("there is no session {0}: it may have ended")]
    UnknownSession(SessionId),
    #[error("there is a {what} {name} already: choose another name")]
    NameTaken { what: String, name: String },
    #[error("{0} is how a user of another server is called: leave out the @ and what follows")]
    NameOfServer(UserName),
    #[error(
        "{what} was changed since it was read: it has revision {actual}, not {expected}; read it again"
    )]
    Changed { what: String, expected: u64, actual: u64 },
    #[error("{0} is the last administrator that can log in: make another one first")]
    LastAdministrator(UserName),
    #[error("the role {0} is built in and can't be changed: create one of your own")]
    BuiltIn(RoleName),
    #[error("the cluster is set up already: log in as an administrator")]
    IsSetUp,
    #[error("this is not the set-up secret: use the last one that the engine wrote")]
    WrongSetUpSecret,
    /// Says neither which of the two is wrong nor whether the user is known: `is_user` is for the
    /// audit, and never shown.
    #[error("the user or the password is wrong")]
    BadCredentials { is_user: bool },
    #[error("the user {0} is disabled: ask an administrator")]
    Disabled(UserName),
    #[error("more passwords are being checked than can be: try again in a second")]
    Busy,
    #[error("too many log-ins failed: try again after {0}")]
    TryLater(Timestamp),
    #[error("the token or session is not known, has expired or was revoked: log in again")]
    NotAuthenticated,
    #[error("the password {0}")]
    BadPassword(String),
    #[error("there is a token or session with the id {0} already")]
    IdTaken(uuid::Uuid),
    #[error(
        "the token {0} was made when this was sent before, and its text is told once: revoke it, and \
         send the command under another key"
    )]
    MadeBefore(TokenId),
    #[error(
        "the password that this command set when it was carried out before was another one, or was changed \
         since: send it under another key to set this one"
    )]
    SetAnother,
    #[error("only a user who logged in, with a password of their own, can do that")]
    NeedsSession,
    #[error("a token must expire within {days} days, and after now")]
    BadExpiry { days: u64 },
    #[error("there are {max} {what} already, which is the most: remove those that nobody needs")]
    TooMany { what: String, max: usize },
    #[error("the password of {0} is kept elsewhere, and is changed there")]
    KeptElsewhere(UserName),
    /// What is said of it is general: `reason` is for the log and the audit, and never shown.
    #[error("it is you, and nothing here is open to you")]
    NotAdmitted { reason: String },
    /// A directory or a provider that can't be asked; the log says why.
    #[error("{0}")]
    Silent(Fault),
    #[error("nobody can log in that way: no provider is set up")]
    NoProvider,
    #[error("the log-in was not begun in this browser, has been finished, or took too long")]
    LogInExpired,
    /// Why is in the log.
    #[error("what the provider says is not to be believed")]
    NotProven,
    #[error(transparent)]
    TooLong(#[from] TooLong),
}
