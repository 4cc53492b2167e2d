//! Extractors whose refusals are problems. axum's own would answer with plain text.

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
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

/// The path of the request, for refusals.
pub(crate) struct AskedPath(pub(crate) String);

impl<S: Sync + Send> FromRequestParts<S> for AskedPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let original = parts.extensions.get::<axum::extract::OriginalUri>();
        Ok(Self(original.map_or(&parts.uri, |it| &it.0).path().to_owned()))
    }
}
