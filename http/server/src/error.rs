//! Every refusal of the servers, and the one place where each becomes a problem with its code.

use std::time::Duration;

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use weir_domain::{ClusterName, Code, Fault, FaultKind, Finding, UserClaim, did_you_mean};
use weir_http_api::{AssetConflict, Problem, ProblemKind, ProblemPart};
use weir_http_client as client;

use crate::layers::BodyBound;
use crate::problems::OfStatus;
use crate::{ProjectRefusal, Refusal};

/// How soon it is worth asking again where too much is being done: a password is checked in less.
const BUSY_FOR: Duration = Duration::from_secs(1);

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
    /// The same, where metrics are.
    UnknownMetricsPath {
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
        /// Whether it would take it from its own machine.
        from_here: bool,
    },
    /// A request without the log-in or the token that it needs.
    Unauthorized {
        reason: String,
        /// Whether it would need none on the server's machine.
        from_here: bool,
        /// Whether users are known here.
        has_users: bool,
    },
    /// What was given to log in, or to set the cluster up, is refused.
    NotLetIn {
        detail: String,
        hint: String,
    },
    /// Who asks is known, and may not do this.
    Forbidden {
        claim: UserClaim,
    },
    /// Who asks may do this elsewhere.
    OutOfReach {
        detail: String,
    },
    /// A cluster does not take this server's word for its user.
    NotVouched {
        detail: String,
    },
    /// Who asks may do nothing before the password was changed.
    MustChange,
    /// It was changed since the caller read it.
    Stale {
        detail: String,
    },
    /// The same, of an asset, with the texts that there are of it.
    Overtaken {
        detail: String,
        conflict: Box<AssetConflict>,
    },
    /// It does not say what it is based on.
    Unconditional,
    /// What was sent is no asset.
    NoAsset {
        detail: String,
        findings: Vec<Finding>,
    },
    /// An asset that is longer than assets may be.
    TooLarge {
        detail: String,
    },
    /// Too many log-ins failed.
    TooManyAttempts {
        detail: String,
        after: Option<Duration>,
    },
    /// One client asks for more than it may.
    TooMany {
        detail: String,
        after: Duration,
    },
    /// So much is being done that nothing more is begun.
    Busy {
        detail: String,
    },
    /// What is shown on the server's own machine alone.
    Hidden {
        path: String,
    },
    /// A key, a passphrase or a sealed value that can't be used; the fault says which and why.
    Unfit(Fault),
    /// What has a code of its own, and says what to do.
    Told {
        kind: ProblemKind,
        code: Code,
        detail: String,
        hint: String,
    },
    /// The audit is not what was written.
    Broken {
        detail: String,
    },
    /// What was asked could not answer.
    Fault(Fault),
    /// What the system said that a source reads from.
    Source(Fault),
    /// What was asked can't answer now, and says when it may.
    Later {
        fault: Fault,
        after: Duration,
    },
    /// The engine that a request was forwarded to gave no answer.
    Forward {
        path: String,
        cause: client::Error,
    },
    /// The same, for a command that may have been carried out.
    CommandLost {
        cause: client::Error,
    },
    /// A handler panicked. The cause is in the log and stays there.
    Panicked,
    /// A route changes what belongs to projects, and is not declared so that its guard says of which.
    NoReach,
    /// A body that is longer than a server takes.
    TooLong {
        path: String,
        bound: BodyBound,
    },
    /// axum or a layer refused with nothing but a status.
    Status {
        status: StatusCode,
        method: Method,
        path: String,
    },
}

/// Whether it is for the client's sake, and not because something can't be done now.
pub(crate) fn is_refusal(error: Error) -> bool {
    (400..500).contains(&error.problem().status)
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

    /// A cluster refused what this server says of its user.
    pub(crate) fn unbelieved(cluster: &ClusterName) -> Self {
        let detail = format!(
            "the cluster {cluster} does not take this server's word for its users, or not now"
        );
        Self::NotVouched { detail }
    }

    /// In whole seconds, as HTTP has it: never before the time that the cause names.
    fn retry_after(&self) -> Option<u64> {
        let after = match self {
            Self::Later { after, .. } | Self::TooMany { after, .. } => *after,
            Self::Busy { .. } => BUSY_FOR,
            Self::TooManyAttempts { after, .. } => (*after)?,
            _ => return None,
        };
        Some(after.as_millis().div_ceil(1_000).max(1) as u64)
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
            Self::UnknownMetricsPath { path } => {
                Problem::new(ProblemKind::UnknownPath, format!("nothing is served under {path}"))
                    .with_hint("/metrics has the metrics, and /livez says whether the process lives")
            }
            Self::Conflict { detail, hint } => {
                Problem { hint, ..Problem::new(ProblemKind::Conflict, detail) }
            }
            Self::ReadOnly { path, from_here } => read_only(&path, from_here),
            Self::Unauthorized { reason, from_here, has_users } => {
                let shown = match has_users {
                    true => {
                        "log in with `weir login`, or send `authorization: Bearer …` with a token \
                         of a user or the engine's weir.management.token"
                    }
                    false => {
                        "send `authorization: Bearer …` with the engine's weir.management.token"
                    }
                };
                let or = if from_here { ", or send it from the server's own machine" } else { "" };
                Problem::new(ProblemKind::Unauthorized, reason).with_hint(format!("{shown}{or}"))
            }
            Self::NotLetIn { detail, hint } => {
                Problem::new(ProblemKind::Unauthorized, detail).with_hint(hint)
            }
            Self::Forbidden { claim } => {
                let detail = format!("the claim {claim} is missing: {}", claim.describe());
                Problem::new(ProblemKind::Forbidden, detail)
                    .with_hint("ask an administrator for a role that has it; `weir whoami` shows what you may do")
            }
            Self::OutOfReach { detail } => Problem::new(ProblemKind::Forbidden, detail)
                .with_hint("ask an administrator for a role that has it there; `weir whoami` shows what you may do where"),
            Self::NotVouched { detail } => Problem::new(ProblemKind::Forbidden, detail)
                .with_hint("`weir fleet list` shows what is wrong with the cluster; its own users log in there"),
            Self::MustChange => {
                let detail = "the password was set by somebody else and must be changed first";
                Problem::new(ProblemKind::Forbidden, detail).with_hint("weir user password")
            }
            Self::Unfit(Fault { code, message, hint, .. }) => {
                Problem { code, hint, ..Problem::new(ProblemKind::InvalidRequest, message) }
            }
            Self::Told { kind, code, detail, hint } => {
                Problem { code, ..Problem::new(kind, detail) }.with_hint(hint)
            }
            Self::Broken { detail } => Problem::new(ProblemKind::AuditBroken, detail)
                .with_hint("keep the database as it is, and compare with the last export"),
            Self::Stale { detail } => Problem::new(ProblemKind::Stale, detail)
                .with_hint("read it again, and send `if-match` with the revision that it has now"),
            Self::Overtaken { detail, conflict } => {
                let hint = match conflict.merged {
                    Some(_) => "send `conflict.merged` with the etag of `conflict.theirs`, if you agree",
                    None => "decide by `conflict`, and send the result with the etag of `conflict.theirs`",
                };
                let problem = Problem::new(ProblemKind::Stale, detail).with_hint(hint);
                Problem { conflict: Some(conflict), ..problem }
            }
            Self::Unconditional => {
                let detail = "the request does not say what it was made of";
                Problem::new(ProblemKind::Unconditional, detail).with_hint(
                    "send `if-match` with the etag that was read, or `if-none-match: *` for what is new",
                )
            }
            Self::NoAsset { detail, findings } => {
                let errors = findings.iter().map(|it| ProblemPart {
                    pointer: "/text".into(),
                    detail: it.to_string(),
                });
                let errors = errors.collect();
                Problem { errors, ..Problem::new(ProblemKind::InvalidRequest, detail) }
                    .with_hint("mend the text: each part says where and what to do")
            }
            Self::TooLarge { detail } => Problem::new(ProblemKind::BodyTooLarge, detail)
                .with_hint("split it, or keep data out of assets"),
            Self::TooManyAttempts { detail, .. } => {
                Problem::new(ProblemKind::TooManyAttempts, detail)
                    .with_hint("wait; an administrator can set another password meanwhile")
            }
            Self::Busy { detail } | Self::TooMany { detail, .. } => {
                Problem::new(ProblemKind::TooManyRequests, detail)
                    .with_hint("ask again; the header `retry-after` says when")
            }
            Self::Hidden { path } => {
                let detail = format!("{path} is shown on this server's own machine alone");
                Problem::new(ProblemKind::Unauthorized, detail).with_hint(
                    "ask from that machine, or set weir.rest-server.anonymous-reads to true",
                )
            }
            Self::NotFound { what, name, near } => {
                let problem =
                    Problem::new(ProblemKind::NotFound, format!("there is no {what} {name:?}"));
                let hint = near.map(|it| format!("did you mean {it:?}?"));
                let listed = match what {
                    "project" => Some("`weir project list` shows those that you may see"),
                    "cluster" => Some("`weir fleet list` shows those that this server knows"),
                    "deployment" => Some("`weir deployment list` shows what is stored"),
                    _ => None,
                };
                let hint = hint.or_else(|| listed.map(str::to_owned));
                Problem { hint, ..problem }
            }
            Self::Source(fault) => of_source(fault),
            Self::Fault(fault) | Self::Later { fault, .. } => of_fault(fault),
            Self::Forward { path, cause } => of_forward(path, cause),
            Self::CommandLost { cause } => {
                let problem = of_forward(String::new(), cause);
                Problem {
                    detail: format!("{}; it may have carried out the command", problem.detail),
                    ..problem
                }
                .with_hint("look at what the command changes before you send it again")
            }
            Self::Panicked => {
                Problem::new(ProblemKind::Internal, "a defect of weir ended this request")
                    .with_hint("look for the request's id in the server's log, and report it")
            }
            Self::NoReach => {
                let detail = "the route does not say of which projects its caller may change something";
                Problem::new(ProblemKind::Internal, detail)
                    .with_hint("nothing was changed: it is a defect of weir, report it")
            }
            Self::TooLong { path, bound } => too_long(&path, bound),
            Self::Status { status, method, path } => of_status(status, &method, &path),
        }
    }
}

fn read_only(path: &str, from_here: bool) -> Problem {
    let (detail, hint) = match from_here {
        true => (
            format!(
                "{path} changes the cluster, and is taken from this server's own machine alone"
            ),
            "send it from that machine, or set weir.management.read-only to false and \
             weir.management.token on the engine, and show the token",
        ),
        false => (
            format!("{path} changes the cluster, and this server only reads"),
            "start it with weir.management.read-only = false and weir.management.token set (weir dev: \
             -Dweir.management.read-only=false -Dweir.management.token=TOKEN), and show the token; or \
             ask an engine where they are set",
        ),
    };
    Problem::new(ProblemKind::ReadOnly, detail).with_hint(hint)
}

fn of_fault(fault: Fault) -> Problem {
    let kind = match fault.kind {
        FaultKind::Transient | FaultKind::Stopped => ProblemKind::Unavailable,
        FaultKind::Data | FaultKind::Config => ProblemKind::Internal,
    };
    let look = "`weir cluster explain` and the engine's /readyz?verbose say what it waits for";
    let hint = fault.hint.or_else(|| (kind == ProblemKind::Unavailable).then(|| look.to_owned()));
    Problem { code: fault.code, hint, ..Problem::new(kind, fault.message) }
}

fn of_source(fault: Fault) -> Problem {
    let kind = match fault.kind {
        FaultKind::Transient | FaultKind::Stopped => ProblemKind::SourceUnreachable,
        FaultKind::Data | FaultKind::Config => ProblemKind::SourceRefused,
    };
    Problem { code: fault.code, hint: fault.hint, ..Problem::new(kind, fault.message) }
}

fn of_forward(path: String, cause: client::Error) -> Problem {
    match cause {
        client::Error::Unreachable { url, cause } => {
            let detail = format!(
                "the engine at {url} does not answer, nor does any other of its cluster: {cause}"
            );
            Problem::new(ProblemKind::EngineUnreachable, detail).with_hint(
                "start an engine with `weir reactive-engine`, or say where the cluster is now: in the fleet (`weir fleet set`), or in weir.config-server.engines if that names it",
            )
        }
        client::Error::Distrusted { url, cause } => Problem::new(
            ProblemKind::EngineUnreachable,
            format!("the engine at {url} is not believed: {cause}"),
        )
        .with_hint(
            "set weir.config-server.ca to the authority that signed the certificates of engines",
        ),
        client::Error::Interrupted { url, cause, .. } => {
            let detail = format!("no answer came from the engine at {url}: {cause}");
            Problem::new(ProblemKind::EngineUnreachable, detail)
                .with_hint("look whether that engine still runs, and ask again")
        }
        client::Error::Unsendable { cause } => Problem::new(
            ProblemKind::InvalidRequest,
            format!("the request can't be passed on to the engine: {cause}"),
        ),
        client::Error::Decode { url, cause } => {
            let detail = format!("the answer of the engine at {url} can't be passed on: {cause}");
            Problem::new(ProblemKind::EngineAnswerUnusable, detail)
        }
        client::Error::Address { .. } => Error::UnknownPath { path }.problem(),
        client::Error::Problem(problem) => *problem,
    }
}

fn too_long(path: &str, BodyBound { max, key }: BodyBound) -> Problem {
    let detail = format!("the body sent to {path} is longer than {max}");
    match key {
        Some(key) => Problem::new(ProblemKind::BodyTooLarge, format!("{detail} ({key})"))
            .with_hint(format!(
                "send less at a time, or set {key} of the server that says so higher"
            )),
        None => Problem::new(ProblemKind::BodyTooLarge, detail)
            .with_hint("send less at a time: no setting makes that more"),
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
            let detail = format!("the body sent to {path} is longer than allowed");
            return Problem::new(ProblemKind::BodyTooLarge, detail)
                .with_hint("send less at a time");
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            let detail = format!("{path} does not take this content type");
            return Problem::new(ProblemKind::UnsupportedMediaType, detail)
                .with_hint("send JSON with the header `content-type: application/json`");
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
            Refusal::Later { fault, after } => Self::Later { fault, after },
        }
    }
}

impl From<ProjectRefusal> for Error {
    fn from(refusal: ProjectRefusal) -> Self {
        match refusal {
            ProjectRefusal::NotFound { what, name, known } => {
                Self::not_found(what, &name, known.iter().map(String::as_str))
            }
            ProjectRefusal::Invalid { pointer, reason } => Self::Invalid { pointer, reason },
            ProjectRefusal::NoAsset { detail, findings } => Self::NoAsset { detail, findings },
            ProjectRefusal::TooLarge { detail } => Self::TooLarge { detail },
            ProjectRefusal::Conflict { detail, hint } => {
                Self::Conflict { detail, hint: Some(hint) }
            }
            ProjectRefusal::Busy { detail } => Self::Busy { detail },
            ProjectRefusal::Stale { detail, conflict } => Self::Overtaken { detail, conflict },
            ProjectRefusal::Forbidden { claim } => Self::Forbidden { claim },
            ProjectRefusal::Source(fault) => Self::Source(fault),
            ProjectRefusal::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// The problem travels beside an empty body; `problems` writes it when the request's id is known.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after();
        let is_of_status = matches!(self, Self::Status { .. });
        let problem = self.problem();
        let status = StatusCode::from_u16(problem.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(problem);
        if is_of_status {
            response.extensions_mut().insert(OfStatus);
        }
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
    fn whoever_waits_for_something_is_told_when_and_where_to_look() {
        for (ms, seconds) in [(0, "1"), (1_000, "1"), (1_001, "2"), (10_000, "10")] {
            let fault = Fault::transient(6_001, "the controller moves");
            let after = Duration::from_millis(ms);
            let answer = Error::from(Refusal::Later { fault, after }).into_response();
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()[RETRY_AFTER]),
                (503, &HeaderValue::from_static(seconds))
            );
            let problem = answer.extensions().get::<Problem>().unwrap();
            assert!(problem.hint.as_deref().unwrap().contains("/readyz?verbose"), "{problem:?}");
        }
        let never = Error::from(Fault::transient(6_001, "who knows")).into_response();
        assert!(!never.headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn who_names_what_is_not_there_is_told_where_to_look() {
        for (what, hint) in [
            ("project", "weir project list"),
            ("cluster", "weir fleet list"),
            ("deployment", "weir deployment list"),
        ] {
            let problem = Error::not_found(what, &"nowhere", ["east"]).problem();
            assert!(problem.hint.as_deref().unwrap().contains(hint), "{problem:?}");
        }
    }

    #[test]
    fn a_slip_in_a_name_is_answered_with_the_name() {
        let problem = Error::not_found("workflow", "flihgts", ["flights", "weather"]).problem();
        assert_eq!(problem.detail, "there is no workflow \"flihgts\"");
        assert_eq!(problem.hint.as_deref(), Some("did you mean \"flights\"?"));
    }
}
