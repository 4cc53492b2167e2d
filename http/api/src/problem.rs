//! Refusals as RFC 9457 problems, and the stable codes of those that HTTP itself makes.
//!
//! A client switches on `code` and never on a text. A problem that comes from below (a lost
//! store, a full disk) keeps the code that it got there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::Code;

use crate::{AssetConflict, schema};

/// Why a request was refused, after RFC 9457 (`application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Names the kind of problem: `urn:weir:problem:<kind>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words; the same for every problem of its kind.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The id of the request, as in the header `x-request-id` and in the server's log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instance: String,
    #[schema(value_type = schema::Code)]
    pub code: Code,
    /// The parts of the request that are wrong, where the request has parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemPart>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The texts of an asset that was changed meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Box<AssetConflict>>,
}

/// One wrong part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemPart {
    /// Where: `query/limit`, `path/name`, or a JSON pointer into the body.
    pub pointer: String,
    pub detail: String,
}

impl Problem {
    /// A problem of the given kind with the kind's own code.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:weir:problem:{}", kind.word()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            instance: String::new(),
            code: kind.code(),
            errors: Vec::new(),
            hint: None,
            conflict: None,
        }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn with_part(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(ProblemPart { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Whether this problem is of the given kind, whatever its code.
    pub fn is(&self, kind: ProblemKind) -> bool {
        self.kind.strip_prefix("urn:weir:problem:") == Some(kind.word())
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident $number:literal $status:literal $word:literal $title:literal,)*) => {
        /// Every kind of problem that the REST API makes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemKind { $($(#[doc = $doc])* $name,)* }

        impl ProblemKind {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn code(self) -> Code {
                Code(match self { $(Self::$name => $number),* })
            }

            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// The last part of the problem's `type`.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// What it means, for the reference.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii()),* }
            }
        }
    };
}

kinds! {
    /// The path, query or body can't be read, or holds a value that is not allowed.
    InvalidRequest 7001 400 "invalid-request" "the request is not valid",
    /// No resource is served under this path.
    UnknownPath 7002 404 "unknown-path" "there is no such path",
    /// The path is right; the thing that it names does not exist.
    NotFound 7003 404 "not-found" "there is no such thing",
    /// The path is right; it does not take this method. The header `allow` lists those it takes.
    MethodNotAllowed 7004 405 "method-not-allowed" "the method is not allowed here",
    /// The body is longer than the server takes.
    BodyTooLarge 7005 413 "body-too-large" "the body is too large",
    /// The body is of a type that the path does not take.
    UnsupportedMediaType 7006 415 "unsupported-media-type" "the media type is not supported",
    /// The answer was not ready within the server's time limit. Try again later.
    TimedOut 7007 503 "timed-out" "the server took too long",
    /// What answers the request is not there: starting, stopping, or cut off from its store.
    Unavailable 7008 503 "unavailable" "the service is not available",
    /// A defect of Weir: the server's log has the request's id and the cause.
    Internal 7009 500 "internal" "the server failed",
    /// The configuration server can't reach the engine that it forwards to.
    EngineUnreachable 7010 502 "engine-unreachable" "the engine can't be reached",
    /// The engine answered with something that the configuration server can't pass on.
    EngineAnswerUnusable 7011 502 "engine-answer-unusable" "the engine's answer can't be used",
    /// The request was refused for a reason that has no kind of its own; the status says more.
    Refused 7012 400 "refused" "the request was refused",
    /// The request contradicts the state of what it names: it is over, or somebody else changed it first.
    Conflict 7013 409 "conflict" "the request contradicts the present state",
    /// It needs a log-in or a token, and there is none, or one that is not known any more. The header `authorization` carries it.
    Unauthorized 7014 401 "unauthorized" "the request is not authorised",
    /// The server takes no commands, or none from another machine: the engine has no token for them.
    ReadOnly 7015 403 "read-only" "the server is read-only",
    /// Who asks may not do this: the detail names the claim that is missing.
    Forbidden 7016 403 "forbidden" "the request is not allowed",
    /// What is to be changed has another revision than `if-match` says: read it again.
    Stale 7017 412 "stale" "it was changed meanwhile",
    /// Too many log-ins failed. The header `retry-after` says when to try again.
    TooManyAttempts 7018 429 "too-many-attempts" "too many attempts",
    /// The audit is not what was written: an entry was changed, taken out or put in.
    AuditBroken 7019 422 "audit-broken" "the audit is broken",
    /// What is to be changed must be named as it was read, in `if-match`, or as new, in `if-none-match: *`.
    Unconditional 7020 428 "unconditional" "the request must say what it is based on",
    /// One client asks for more than it may, or so much is done already that nothing more is begun. The header `retry-after` says when to try again.
    TooManyRequests 7030 429 "too-many-requests" "too many requests",
    /// The `idempotency-key` was sent with another request before: a key is for one request.
    KeyReused 7031 422 "key-reused" "the key belongs to another request",
    /// The path and the query are longer than the server takes.
    UriTooLong 7032 414 "uri-too-long" "the path is too long",
    /// The headers are too many, or too long in all.
    HeadTooLarge 7033 431 "head-too-large" "the headers are too large",
    /// The header `expect` asks for something else than `100-continue`.
    ExpectationFailed 7034 417 "expectation-failed" "what is expected is not done here",
    /// The system that a source reads from can't be reached, or gives no answer.
    SourceUnreachable 7035 502 "source-unreachable" "the source can't be reached",
    /// The system that a source reads from refuses it, or has nothing that can be shown.
    SourceRefused 7036 422 "source-refused" "the source can't be peeked at",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_are_unique_and_in_the_range_of_http() {
        for (at, one) in ProblemKind::ALL.iter().enumerate() {
            assert!((7_000..7_100).contains(&one.code().0), "{one:?}");
            assert!(!one.meaning().is_empty(), "{one:?}");
            for other in &ProblemKind::ALL[..at] {
                assert!(one.code() != other.code() && one.word() != other.word(), "{one:?}");
            }
        }
    }

    #[test]
    fn a_problem_is_written_as_rfc_9457_says() {
        let problem = Problem::new(ProblemKind::NotFound, "there is no workflow \"flihgts\"")
            .with_hint("did you mean \"flights\"?");
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({
                "type": "urn:weir:problem:not-found",
                "title": "there is no such thing",
                "status": 404,
                "detail": "there is no workflow \"flihgts\"",
                "code": "WEIR-07003",
                "hint": "did you mean \"flights\"?"
            })
        );
        assert!(problem.is(ProblemKind::NotFound) && !problem.is(ProblemKind::UnknownPath));
    }
}
