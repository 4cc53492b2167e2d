//! What is served besides the API: its document, a plain page, and the answer to the rest.
//!
//! The page is three embedded files, for where the UI was not built (`ui.rs`). Its script reads the same
//! API as every other client.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::OpenApi;

use crate::error::Error;
use crate::extract::AskedPath;

/// Where the REST API's document is.
pub(crate) const DOCUMENT: &str = "/api/v1/openapi.json";

/// An OpenAPI document under its path, written once.
pub(crate) fn document(path: &str, document: &OpenApi) -> Router {
    let text = document.to_json().expect("an OpenAPI document is JSON");
    file(path, "application/json", text)
}

/// The page that shows nodes, workflows and the newest streams: where the UI was not built.
pub(crate) fn page() -> Router {
    let text = str::to_owned;
    file("/", "text/html; charset=utf-8", text(include_str!("../assets/index.html")))
        .merge(file("/assets/weir.css", "text/css", text(include_str!("../assets/weir.css"))))
        .merge(file("/assets/weir.js", "text/javascript", text(include_str!("../assets/weir.js"))))
}

fn file(path: &str, content_type: &'static str, text: String) -> Router {
    let text = axum::body::Bytes::from(text);
    Router::new().route(path, get(async move || ([(CONTENT_TYPE, content_type)], text.clone())))
}

pub(crate) async fn unknown_path(AskedPath(path): AskedPath) -> Error {
    Error::UnknownPath { path }
}
