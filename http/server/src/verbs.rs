//! Paths that end with a verb, as `projects/{project}:validate`, told apart from those that name a thing: the
//! router takes both for one, and would list the methods of both where one is refused.

use axum::extract::{MatchedPath, Request};
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::error::Error;

/// What both are for the router.
pub(crate) const SHARED: &str = "/api/v1/projects/{project}";
/// What a project takes; a verb is posted.
const OF_A_THING: HeaderValue = HeaderValue::from_static("GET,HEAD,PATCH,DELETE");
const OF_A_VERB: HeaderValue = HeaderValue::from_static("POST");

pub(crate) async fn told_apart(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    if route.is_none_or(|it| it.as_str() != SHARED) {
        return next.run(request).await;
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let last = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let has_verb = last.contains(':') || last.contains("%3a");
    let mut response = match has_verb == (method == Method::POST) {
        true => next.run(request).await,
        false => {
            Error::Status { status: StatusCode::METHOD_NOT_ALLOWED, method, path }.into_response()
        }
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = if has_verb { OF_A_VERB } else { OF_A_THING };
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
