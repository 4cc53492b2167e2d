//! Every refusal of the servers, and the one place where each becomes a problem with its code.

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use weir_domain::{Fault, FaultKind, did_you_mean};
use weir_http_api::{Problem, ProblemKind};
use weir_http_client as client;

use crate::Refusal;

#[derive(Debug)]
pub(crate) enum Error {
    /// A part of the request can't be used.
    Invalid {
        pointer: String,
        reason: String,
    },
    UnknownPath {
        path: String,
    },
    /// The same, on the management server.
    UnknownManagementPath {
        path: String,
    },
    /// The thing that the path names does not exist. `near` is a name that does.
    NotFound {
        what: &'static str,
        name: String,
        near: Option<String>,
    },
    /// A command that contradicts what is.
    Conflict {
        detail: String,
        hint: Option<String>,
    },
    /// A command to a server that takes none.
    ReadOnly {
        path: String,
    },
    /// A command without the token that it needs.
    Unauthorized {
        reason: &'static str,
    },
    /// What was asked could not answer.
    Fault(Fault),
    /// The engine that a request was forwarded to gave no answer.
    Forward {
        path: String,
        cause: client::Error,
    },
    /// A handler panicked. The cause is in the log and stays there.
    Panicked,
    /// axum or a layer refused with nothing but a status.
    Status {
        status: StatusCode,
        method: Method,
        path: String,
    },
}

impl Error {
    /// A thing that does not exist, with the nearest of those that do.
    pub(crate) fn not_found<'a>(
        what: &'static str,
        name: &(impl ToString + ?Sized),
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let name = name.to_string();
        let near = did_you_mean(&name, known).map(str::to_owned);
        Self::NotFound { what, name, near }
    }

    pub(crate) fn problem(self) -> Problem {
        match self {
            Self::Invalid { pointer, reason } => Problem::new(
                ProblemKind::InvalidRequest,
                format!("{pointer} is not valid: {reason}"),
            )
            .with_part(pointer, reason),
            Self::UnknownPath { path } => {
                Problem::new(ProblemKind::UnknownPath, format!("nothing is served under {path}"))
                    .with_hint("/api/v1/openapi.json lists every path of this server")
            }
            Self::UnknownManagementPath { path } => {
                Problem::new(ProblemKind::UnknownPath, format!("nothing is served under {path}"))
                    .with_hint("/openapi.json lists every path of this server")
            }
            Self::Conflict { detail, hint } => {
                Problem { hint, ..Problem::new(ProblemKind::Conflict, detail) }
            }
            Self::ReadOnly { path } => {
                let detail = format!("{path} changes the cluster, and this server only reads");
                Problem::new(ProblemKind::ReadOnly, detail).with_hint(
                    "set weir.management.read-only to false and weir.management.token, or ask an \
                     engine where they are set",
                )
            }
            Self::Unauthorized { reason } => Problem::new(ProblemKind::Unauthorized, reason)
                .with_hint(
                    "send `authorization: Bearer …` with the engine's weir.management.token",
                ),
            Self::NotFound { what, name, near } => {
                let problem =
                    Problem::new(ProblemKind::NotFound, format!("there is no {what} {name:?}"));
                Problem { hint: near.map(|it| format!("did you mean {it:?}?")), ..problem }
            }
            Self::Fault(fault) => of_fault(fault),
            Self::Forward { path, cause } => of_forward(path, cause),
            Self::Panicked => {
                Problem::new(ProblemKind::Internal, "a defect of weir ended this request")
                    .with_hint("look for the request's id in the server's log, and report it")
            }
            Self::Status { status, method, path } => of_status(status, &method, &path),
        }
    }
}

fn of_fault(fault: Fault) -> Problem {
    let kind = match fault.kind {
        FaultKind::Transient | FaultKind::Stopped => ProblemKind::Unavailable,
        FaultKind::Data | FaultKind::Config => ProblemKind::Internal,
    };
    let problem = Problem::new(kind, fault.message);
    Problem { code: fault.code, hint: fault.hint, ..problem }
}

fn of_forward(path: String, cause: client::Error) -> Problem {
    match cause {
        client::Error::Unreachable { url, cause } => {
            let detail = format!("the engine at {url} does not answer: {cause}");
            Problem::new(ProblemKind::EngineUnreachable, detail).with_hint(
                "start the engine with `weir reactive-engine`, or correct weir.config-server.engines",
            )
        }
        client::Error::Decode { url, cause } => {
            let detail = format!("the answer of the engine at {url} can't be passed on: {cause}");
            Problem::new(ProblemKind::EngineAnswerUnusable, detail)
        }
        client::Error::Address { .. } => Error::UnknownPath { path }.problem(),
        client::Error::Problem(problem) => *problem,
    }
}

fn of_status(status: StatusCode, method: &Method, path: &str) -> Problem {
    let (kind, detail) = match status {
        StatusCode::NOT_FOUND => return Error::UnknownPath { path: path.into() }.problem(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let detail = format!("{path} does not take {method}");
            return Problem::new(ProblemKind::MethodNotAllowed, detail)
                .with_hint("the header `allow` of this answer lists the methods that it takes");
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            (ProblemKind::BodyTooLarge, format!("the body sent to {path} is longer than allowed"))
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (ProblemKind::UnsupportedMediaType, format!("{path} does not take this content type"))
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            (ProblemKind::TimedOut, format!("{path} was not answered within the time limit"))
        }
        it if it.is_server_error() => (ProblemKind::Internal, format!("{path} failed with {it}")),
        it => (ProblemKind::Refused, format!("{path} was refused with {it}")),
    };
    Problem { status: status.as_u16(), ..Problem::new(kind, detail) }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Conflict { detail, hint } => Self::Conflict { detail, hint },
            Refusal::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// The problem travels beside an empty body; `problems` writes it when the request's id is known.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let status = StatusCode::from_u16(problem.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(problem);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_keeps_its_code_and_hint() {
        let fault =
            Fault::transient(5_012, "the journal is not reachable").with_hint("look at the disk");
        let problem = Error::from(fault).problem();
        assert_eq!(problem.status, 503);
        assert_eq!(problem.code.to_string(), "WEIR-05012");
        assert_eq!(problem.detail, "the journal is not reachable");
        assert_eq!(problem.hint.as_deref(), Some("look at the disk"));
    }

    #[test]
    fn a_slip_in_a_name_is_answered_with_the_name() {
        let problem = Error::not_found("workflow", "flihgts", ["flights", "weather"]).problem();
        assert_eq!(problem.detail, "there is no workflow \"flihgts\"");
        assert_eq!(problem.hint.as_deref(), Some("did you mean \"flights\"?"));
    }
}
