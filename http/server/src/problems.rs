//! The one place where a refusal gets its body: handlers, axum and the layers only say what it is.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use weir_http_api::Problem;

use crate::error::Error;
use crate::layers::request_id;

pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Marks a refusal whose body is not a problem on purpose: a failed readiness check, or the
/// answer of another server that is passed on.
#[derive(Clone)]
pub(crate) struct AsItIs;

/// Marks a refusal of which nothing is known but its status: whoever knows more says it.
#[derive(Clone)]
pub(crate) struct OfStatus;

/// Turns every refusal into a problem that carries the request's id, and logs the server's faults.
pub(crate) async fn written(request: Request, next: Next) -> Response {
    let id = request_id(request.headers()).unwrap_or_default().to_owned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    let Some(problem) = problem_of(&mut response, method, path) else { return response };
    let problem = Problem { instance: id, ..problem };
    log(&problem);
    with_body(response, &problem)
}

fn problem_of(response: &mut Response, method: Method, path: String) -> Option<Problem> {
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>();
    if problem.is_some() || !(status.is_client_error() || status.is_server_error()) {
        return problem;
    }
    if response.extensions().get::<AsItIs>().is_some() {
        return None;
    }
    Some(Error::Status { status, method, path }.problem())
}

/// Keeps the headers of the refusal.
fn with_body(refusal: Response, problem: &Problem) -> Response {
    let (mut parts, _) = refusal.into_parts();
    let (json, body) = Json(problem).into_response().into_parts();
    parts.headers.extend(json.headers);
    parts.headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, body)
}

fn log(problem: &Problem) {
    let Problem { status, detail, instance, code, .. } = problem;
    if *status >= 500 {
        tracing::error!(%code, status, request = instance, "{detail}");
    } else {
        tracing::debug!(%code, status, request = instance, "{detail}");
    }
}

/// The answer to a request whose handler panicked.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
pub(crate) fn after_panic(panic: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(code = "WEIR-07114", panic = text, "a handler panicked");
    Error::Panicked.into_response()
}
