//! Why keys, users and the audit gave no good answer, as refusals.

use weir_cluster::ProxyError;
use weir_controllers::{audit, keys, users};
use weir_domain::{Fault, Timestamp};

use crate::error::Error;

impl From<ProxyError> for Error {
    fn from(error: ProxyError) -> Self {
        let fault = Fault::transient(7131, error.to_string());
        match error {
            ProxyError::Unavailable { retry_after, .. } => {
                Self::Later { fault, after: retry_after.duration() }
            }
            ProxyError::Refused { cause, .. } => Self::Conflict { detail: cause, hint: None },
            ProxyError::Unsettled { .. } | ProxyError::Busy { .. } | ProxyError::Timeout { .. } => {
                Self::Fault(fault)
            }
        }
    }
}

impl From<users::Failure> for Error {
    fn from(failure: users::Failure) -> Self {
        match failure {
            users::Failure::Rejected(it) => it.into(),
            users::Failure::Fault(it) => Self::Unfit(it),
            users::Failure::Refused(detail) => Self::Conflict { detail, hint: None },
            users::Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<users::Rejection> for Error {
    fn from(rejection: users::Rejection) -> Self {
        use users::Rejection;
        let detail = rejection.to_string();
        match rejection {
            Rejection::UnknownUser(it) => Self::not_found("user", &it, []),
            Rejection::UnknownToken(it) => Self::not_found("token", &it, []),
            Rejection::UnknownSession(it) => Self::not_found("session", &it, []),
            Rejection::Changed { .. } => Self::Stale { detail },
            Rejection::WrongSetUpSecret
            | Rejection::BadCredentials { .. }
            | Rejection::Disabled(_)
            | Rejection::NotAuthenticated
            | Rejection::NeedsSession => {
                Self::Unauthorized { reason: detail, from_here: false, has_users: true }
            }
            Rejection::Busy => Self::Busy { detail },
            Rejection::TooLong(_) => Self::Invalid { pointer: "body".into(), reason: detail },
            Rejection::TryLater(_) => Self::TooManyAttempts { detail, after: None },
            Rejection::BadPassword(_) => {
                Self::Invalid { pointer: "/password".into(), reason: detail }
            }
            Rejection::BadExpiry { .. } => {
                Self::Invalid { pointer: "/expiresAt".into(), reason: detail }
            }
            Rejection::UnknownRole(_)
            | Rejection::NameTaken { .. }
            | Rejection::LastAdministrator(_)
            | Rejection::BuiltIn(_)
            | Rejection::TooMany { .. }
            | Rejection::IsSetUp
            | Rejection::IdTaken(_) => Self::Conflict { detail, hint: None },
        }
    }
}

/// As `From`, for who gave a password: one that must wait is told how long.
pub(crate) fn of_log_in(failure: users::Failure, now: Timestamp) -> Error {
    let until = match &failure {
        users::Failure::Rejected(users::Rejection::TryLater(until)) => Some(*until),
        _ => None,
    };
    match (Error::from(failure), until) {
        (Error::TooManyAttempts { detail, .. }, Some(until)) => {
            Error::TooManyAttempts { detail, after: Some(until.since(now)) }
        }
        (error, _) => error,
    }
}

impl From<keys::Failure> for Error {
    fn from(failure: keys::Failure) -> Self {
        use keys::{Failure, Rejection};
        let detail = failure.to_string();
        match failure {
            Failure::Rejected(Rejection::Busy) => Self::Busy { detail },
            Failure::Rejected(Rejection::TooLong(_)) => {
                Self::Invalid { pointer: "body".into(), reason: detail }
            }
            Failure::Rejected(Rejection::Unknown(it)) => Self::not_found("key", &it, []),
            Failure::Rejected(Rejection::UnknownAlias(it)) => Self::not_found("alias", &it, []),
            Failure::Rejected(Rejection::Changed { .. } | Rejection::CurrentChanged(_)) => {
                Self::Stale { detail }
            }
            Failure::Rejected(
                Rejection::AliasTaken(_)
                | Rejection::Known { .. }
                | Rejection::IsCurrent(_)
                | Rejection::InUse { .. }
                | Rejection::NotAll,
            )
            | Failure::Refused(_) => Self::Conflict { detail, hint: None },
            Failure::NotTrusted(it) => {
                Self::Invalid { pointer: "body".into(), reason: it.to_string() }
            }
            Failure::Fault(it) => Self::Unfit(it),
            Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<audit::Failure> for Error {
    fn from(failure: audit::Failure) -> Self {
        use audit::Failure;
        match failure {
            Failure::Store(it) => Self::Fault(Fault::transient(7132, it.to_string())),
            Failure::Broken(it) => Self::Broken { detail: it.to_string() },
            Failure::Refused(detail) => Self::Conflict { detail, hint: None },
            Failure::Proxy(it) => it.into(),
        }
    }
}
