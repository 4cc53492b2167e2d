//! Extractors whose refusals are problems. axum's own would answer with plain text.

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Path, Query, Request};
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use axum::http::{Extensions, Uri};
use serde::de::DeserializeOwned;

use crate::error::Error;

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
        Some((field, reason)) if !field.contains(' ') => (format!("query/{field}"), reason),
        _ => ("query".to_owned(), text),
    };
    Error::Invalid { pointer, reason: reason.to_owned() }
}

/// The revision that the caller saw: `if-match: 3`. Without it any will do.
pub(crate) struct IfMatch(pub(crate) Option<u64>);

impl<S: Sync + Send> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(given) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let text = given.to_str().unwrap_or_default().trim();
        let revision = text.trim_matches('"').parse();
        revision.map(|it| Self(Some(it))).map_err(|_| Error::Invalid {
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
        let path = asked_path(request.extensions(), request.uri());
        let method = request.method().clone();
        match Json::<T>::from_request(request, state).await {
            Ok(Json(command)) => Ok(Self(command)),
            Err(JsonRejection::JsonDataError(it)) => Err(invalid_body(&it.body_text())),
            Err(JsonRejection::JsonSyntaxError(it)) => Err(invalid_body(&it.body_text())),
            Err(other) => Err(Error::Status { status: other.status(), method, path }),
        }
    }
}

/// A body that may hold a secret: a refusal says where and what is expected, and nothing of what came.
pub(crate) struct Confidential<T>(pub(crate) T);

impl<S: Sync + Send, T: DeserializeOwned> FromRequest<S> for Confidential<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        match Body::from_request(request, state).await {
            Ok(Body(it)) => Ok(Self(it)),
            Err(Error::Invalid { pointer, reason }) => Err(discreet(pointer, &reason)),
            Err(other) => Err(other),
        }
    }
}

/// Serde says `invalid type: string "…", expected …`, and `unknown field `…`, expected …`: what came
/// stands before what is expected.
fn discreet(pointer: String, reason: &str) -> Error {
    if ["missing field", "EOF while", "must be text"].iter().any(|it| reason.starts_with(it)) {
        return Error::Invalid { pointer, reason: reason.to_owned() };
    }
    let pointer = if reason.starts_with("unknown field") { "body".to_owned() } else { pointer };
    let reason = match reason.rsplit_once(", expected ") {
        Some((_, expected)) => format!("this is not what belongs here: expected {expected}"),
        None => "this is not what belongs here".to_owned(),
    };
    Error::Invalid { pointer, reason }
}

/// The text is `Failed to … : names[0]: invalid type: …` where a path into the body is known.
fn invalid_body(text: &str) -> Error {
    let text = text.split_once(": ").map_or(text, |it| it.1);
    let (pointer, reason) = match text.split_once(": ") {
        Some((place, reason)) if is_place(place) => (pointer(place), reason),
        _ => ("body".to_owned(), text),
    };
    Error::Invalid { pointer, reason: reason.to_owned() }
}

fn is_place(text: &str) -> bool {
    text.chars().all(|it| it.is_ascii_alphanumeric() || "[].".contains(it))
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
    fn a_refusal_of_a_confidential_body_repeats_nothing_of_it() {
        let check = |pointer: &str, reason: &str, expected: (&str, &str)| {
            let Error::Invalid { pointer, reason } = discreet(pointer.into(), reason) else {
                panic!("it is refused as a part")
            };
            assert_eq!((pointer.as_str(), reason.as_str()), expected);
        };
        check(
            "body",
            "invalid type: string \"hunter2, expected b\", expected struct LogIn at line 1 column 9",
            ("body", "this is not what belongs here: expected struct LogIn at line 1 column 9"),
        );
        check(
            "/hunter2",
            "unknown field `hunter2`, expected `name` or `password`",
            ("body", "this is not what belongs here: expected `name` or `password`"),
        );
        check("/name", "hunter2 is no name", ("/name", "this is not what belongs here"));
        check("body", "missing field `name`", ("body", "missing field `name`"));
    }
}
