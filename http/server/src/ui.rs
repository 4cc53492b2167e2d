//! The web UI: its files, and its index for every other path that a browser is led to.
//!
//! - Files whose names change with their content are kept by browsers for ever; the index is asked for
//!   each time, and is answered by its tag where it did not change.
//! - Where the UI was not built, the plain page of `overview.rs` is there, which says how to.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use weir_http_ui::{FILES, File, INDEX};

use crate::error::Error;
use crate::overview;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Everything but the API. Paths that nothing is served under are views of the UI, if a browser asks.
pub(crate) fn page() -> Router {
    let Some(index) = FILES.iter().find(|it| it.path == INDEX) else {
        return overview::page().fallback(overview::unknown_path);
    };
    let routes = FILES.iter().fold(Router::new(), |routes, file| {
        routes.route(file.path, get(async move |headers: HeaderMap| answer(file, &headers)))
    });
    routes
        .route("/", get(async move |headers: HeaderMap| answer(index, &headers)))
        .fallback(async move |request: Request| view(index, &request))
}

fn view(index: &'static File, request: &Request) -> Response {
    let path = request.uri().path();
    let is_view = !["/api/", "/assets/"].iter().any(|it| path.starts_with(it));
    let accept = request.headers().get(ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    match is_view && request.method() == Method::GET && accept.contains("text/html") {
        true => answer(index, request.headers()),
        false => Error::UnknownPath { path: path.to_owned() }.into_response(),
    }
}

fn answer(file: &'static File, asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let cached = if file.is_named_by_content() { FOR_EVER } else { ASK_AGAIN };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, cached);
    headers.insert(ETAG, HeaderValue::from_static(file.tag));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(content_type) = file.content_type() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if listed(asked, &IF_NONE_MATCH).any(|it| it == file.tag || it == "*") {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let takes = |coding: &str| listed(asked, &ACCEPT_ENCODING).any(|it| it == coding);
    let pressed = [("br", file.brotli), ("gzip", file.gzip)];
    let pressed =
        pressed.into_iter().find_map(|(name, it)| it.filter(|_| takes(name)).map(|it| (name, it)));
    let content = match pressed {
        Some((name, content)) => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
            content
        }
        None => file.plain,
    };
    *response.body_mut() = Body::from(Bytes::from_static(content));
    response
}

/// What a header lists, without what stands behind a semicolon; not what is refused there.
fn listed<'a>(
    headers: &'a HeaderMap,
    name: &axum::http::HeaderName,
) -> impl Iterator<Item = &'a str> {
    let all = headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    all.split(',').filter_map(|it| {
        let (value, weight) = it.split_once(';').unwrap_or((it, ""));
        let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        (!is_refused).then(|| value.trim().trim_start_matches("W/"))
    })
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    static SCRIPT: File = File {
        path: "/assets/a-1.js",
        tag: "\"1\"",
        plain: b"plain",
        brotli: Some(b"brotli"),
        gzip: Some(b"gzip"),
    };
    static START: File =
        File { path: INDEX, tag: "\"2\"", plain: b"<html>", brotli: None, gzip: None };

    fn asked(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let named = headers.iter().map(|(name, value)| {
            (axum::http::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        named.collect()
    }

    async fn body(response: Response) -> Bytes {
        to_bytes(response.into_body(), 1_000).await.unwrap()
    }

    #[tokio::test]
    async fn the_smallest_form_that_a_browser_takes_is_sent() {
        for (takes, expected) in [
            ("gzip, deflate, br, zstd", "brotli"),
            ("gzip;q=1.0, br;q=0", "gzip"),
            ("identity", "plain"),
            ("", "plain"),
        ] {
            let response = answer(&SCRIPT, &asked(&[("accept-encoding", takes)]));
            let coding = response.headers().get(CONTENT_ENCODING).cloned();
            assert_eq!(coding.is_none(), expected == "plain", "{takes}");
            assert_eq!(body(response).await, expected, "{takes}");
        }
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        let fresh = answer(&START, &asked(&[("if-none-match", "\"1\", W/\"2\"")]));
        assert_eq!(fresh.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(body(fresh).await, "");
        let stale = answer(&START, &asked(&[("if-none-match", "\"1\"")]));
        assert_eq!((stale.status(), &stale.headers()[CACHE_CONTROL]), (StatusCode::OK, &ASK_AGAIN));
        assert_eq!(answer(&SCRIPT, &asked(&[])).headers()[CACHE_CONTROL], FOR_EVER);
    }

    #[tokio::test]
    async fn a_browser_is_led_to_a_view_and_a_program_is_told_that_there_is_nothing() {
        let at = |path: &str, accept: &'static str| {
            let request = Request::get(path).header(ACCEPT, accept);
            view(&START, &request.body(Body::empty()).unwrap()).status()
        };
        assert_eq!(at("/workflows/flights", "text/html,*/*"), 200);
        assert_eq!(at("/workflows/flights", "application/json"), 404);
        assert_eq!(at("/api/v1/x", "text/html"), 404);
        assert_eq!(at("/assets/gone.js", "text/html"), 404);
    }
}
