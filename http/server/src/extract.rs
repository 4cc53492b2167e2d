//! Extractors whose refusals are problems. axum's own would answer with plain text.

mod shape;

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, Uri};
use serde::de::DeserializeOwned;
use weir_domain::Misread;

use crate::error::Error;
use crate::etag;

/// The only variable part of the path, read as a domain value.
pub(crate) struct Part<T>(pub(crate) T);

impl<S: Sync + Send, T> FromRequestParts<S> for Part<T>
where
    T: FromStr<Err: Display>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Invalid { pointer: "path".into(), reason };
        let text = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = text.map_err(|it| invalid(it.body_text()))?;
        text.parse().map(Self).map_err(|it: T::Err| invalid(format!("{text:?}: {it}")))
    }
}

/// Two variable parts of the path, in their order.
pub(crate) struct Two<A, B>(pub(crate) A, pub(crate) B);

impl<S, A, B> FromRequestParts<S> for Two<A, B>
where
    S: Sync + Send,
    A: FromStr<Err: Display>,
    B: FromStr<Err: Display>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Invalid { pointer: "path".into(), reason };
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((a, b)) = texts.map_err(|it| invalid(it.body_text()))?;
        let a = a.parse().map_err(|it: A::Err| invalid(format!("{a:?}: {it}")))?;
        let b = b.parse().map_err(|it: B::Err| invalid(format!("{b:?}: {it}")))?;
        Ok(Self(a, b))
    }
}

/// The query. Unknown fields are refused where its type says so.
pub(crate) struct Fields<T>(pub(crate) T);

impl<S: Sync + Send, T: DeserializeOwned> FromRequestParts<S> for Fields<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|Query(it)| Self(it)).map_err(|it| invalid_query(&it.body_text()))
    }
}

/// The text is `Failed to deserialize query string: limit: invalid digit found in string`.
fn invalid_query(text: &str) -> Error {
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let (pointer, reason) = match text.split_once(": ") {
        Some((field, reason)) if is_place(field) => (format!("query/{field}"), reason),
        _ => ("query".to_owned(), text),
    };
    Error::Invalid { pointer, reason: Misread::of(reason).line() }
}

/// The revision that the caller saw: `if-match: 3`. Without it any will do.
pub(crate) struct IfMatch(pub(crate) Option<u64>);

impl<S: Sync + Send> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(text) = etag::given(&parts.headers)? else { return Ok(Self(None)) };
        let revision = text.parse::<u64>().ok();
        // No revision is ever as large as that, and many clients can't write such numbers.
        let revision = revision.filter(|it| i64::try_from(*it).is_ok());
        revision.map(|it| Self(Some(it))).ok_or_else(|| Error::Invalid {
            pointer: "header/if-match".into(),
            reason: format!("{text:?} is no revision"),
        })
    }
}

/// A command in JSON. Unknown fields are refused where its type says so.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Sync + Send, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let said = |Unread { pointer, cause }| Error::Invalid { pointer, reason: cause.line() };
        read(request, state).await?.map(Self).map_err(said)
    }
}

/// A body that may hold a secret: a refusal says where and what is expected, and nothing of what came.
pub(crate) struct Confidential<T>(pub(crate) T);

impl<S: Sync + Send, T: DeserializeOwned> FromRequest<S> for Confidential<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        read(request, state).await?.map(Self).map_err(Unread::discreet)
    }
}

/// A body of a command that takes none, as most clients send it: nothing, or an object without keys.
pub(crate) struct Nothing;

impl<S: Sync + Send> FromRequest<S> for Nothing {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let path = asked_path(request.extensions(), request.uri());
        let method = request.method().clone();
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|it| Error::Status { status: it.status(), method, path })?;
        match bytes.trim_ascii() {
            b"" | b"{}" => Ok(Self),
            _ => {
                let reason = "this command takes no body: leave it out".to_owned();
                Err(Error::Invalid { pointer: "body".into(), reason })
            }
        }
    }
}

/// Where a body can't be read, and why.
struct Unread {
    pointer: String,
    cause: Misread,
}

impl Unread {
    /// The text is `Failed to … : names[0]: invalid type: …` where a path into the body is known.
    fn of(text: &str) -> Self {
        let text = text.split_once(": ").map_or(text, |it| it.1);
        let (pointer, message) = match text.split_once(": ") {
            Some((place, message)) if is_place(place) => (pointer(place), message),
            _ => ("body".to_owned(), text),
        };
        Self { pointer, cause: Misread::of(message) }
    }

    fn discreet(self) -> Error {
        let Self { pointer, cause } = self;
        // The key itself may be what was not to be there.
        let is_key = matches!(cause, Misread::UnknownKey { .. });
        let pointer = if is_key { "body".to_owned() } else { pointer };
        Error::Invalid { pointer, reason: cause.discreet() }
    }
}

async fn read<S: Sync + Send, T: DeserializeOwned>(
    request: Request,
    state: &S,
) -> Result<Result<T, Unread>, Error> {
    let path = asked_path(request.extensions(), request.uri());
    let method = request.method().clone();
    let refused = |status| Error::Status { status, method: method.clone(), path: path.clone() };
    let (parts, body) = request.into_parts();
    let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await;
    let bytes = bytes.map_err(|it| refused(it.status()))?;
    let request = Request::from_parts(parts, bytes.clone().into());
    match Json::<T>::from_request(request, state).await {
        Ok(Json(command)) => {
            let value = serde_json::from_slice(&bytes).unwrap_or_default();
            match shape::list_for_object::<T>(&value) {
                None => Ok(Ok(command)),
                Some(why) => Ok(Err(Unread::of(&format!("Failed: {why}")))),
            }
        }
        Err(JsonRejection::JsonDataError(it)) => Ok(Err(Unread::of(&it.body_text()))),
        Err(JsonRejection::JsonSyntaxError(it)) => Ok(Err(Unread::of(&it.body_text()))),
        Err(other) => Err(refused(other.status())),
    }
}

/// Whether it is a way into a value, as `workflows.flights.nodes[0]`, and no words.
fn is_place(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_alphanumeric() || "[]._-".contains(it))
}

/// `names[0]` as a JSON pointer: `/names/0`.
fn pointer(place: &str) -> String {
    format!("/{}", place.replace('[', "/").replace(']', "").replace('.', "/"))
}

/// The path of the request, for refusals.
pub(crate) struct AskedPath(pub(crate) String);

impl<S: Sync + Send> FromRequestParts<S> for AskedPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(asked_path(&parts.extensions, &parts.uri)))
    }
}

/// As the client wrote it: routers take away what they matched.
fn asked_path(extensions: &Extensions, uri: &Uri) -> String {
    let original = extensions.get::<OriginalUri>();
    original.map_or(uri, |it| &it.0).path().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_where_in_the_body_it_is() {
        let said = |text| {
            let Unread { pointer, cause } = Unread::of(text);
            (pointer, cause.line())
        };
        assert_eq!(
            said(
                "Failed to deserialize the JSON body: workflows.w-1.nodes[0]: missing field `max`"
            ),
            (
                "/workflows/w-1/nodes/0".to_owned(),
                "the required key \"max\" is missing: add \"max\" here".to_owned()
            )
        );
        assert_eq!(
            said(
                "Failed to parse the request body as JSON: EOF while parsing a value at line 1 column 2"
            ),
            (
                "body".to_owned(),
                "it is no JSON at line 1, column 2: it ends before it is complete: mend it there"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_refusal_of_a_confidential_body_repeats_nothing_of_it() {
        let check = |text: &str, expected: (&str, &str)| {
            let Error::Invalid { pointer, reason } = Unread::of(text).discreet() else {
                panic!("it is refused as a part")
            };
            assert_eq!((pointer.as_str(), reason.as_str()), expected);
        };
        check(
            "Failed: invalid type: string \"hunter2, expected b\", expected struct LogIn at line 1 column 9",
            ("body", "this is not what belongs here: expected a mapping"),
        );
        check(
            "Failed: hunter2: unknown field `hunter2`, expected `name` or `password` at line 1 column 9",
            ("body", "a key does not belong here: use one of name, password"),
        );
        check("Failed: name: hunter2 is no name", ("/name", "this is not what belongs here"));
        check(
            "Failed: missing field `name` at line 1 column 2",
            ("body", "the required key \"name\" is missing: add \"name\" here"),
        );
    }

    #[tokio::test]
    async fn a_command_that_takes_no_body_refuses_one() {
        let takes = async |body: &'static str| {
            Nothing::from_request(Request::new(body.into()), &()).await.is_ok()
        };
        assert!(takes("").await && takes("{}").await && takes(" {}\n").await);
        assert!(!takes(r#"{"force": true}"#).await && !takes("x").await);
    }
}
