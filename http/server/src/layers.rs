//! What surrounds every handler of every server, outermost first: request id, headers, span, trace,
//! measure, problems, panics, time limit, body limit.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, map_request};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use tokio::time::{Instant, timeout};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use weir_domain::Bytes;
use weir_http_api::Problem;
use weir_runtime::Trace;

use crate::error::Error;
use crate::logs;
use crate::origin::Encrypted;
use crate::problems::{self, AsItIs, OfStatus};

/// Bounds of a server, from the process's configuration.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A request that is not answered by then is refused.
    pub request_timeout: Duration,
    /// A longer body is refused.
    pub body_bytes_max: usize,
    /// What one address may ask for; 0: any number.
    pub requests_per_second: u32,
    /// Streams of events that one address may have open.
    pub streams_per_client: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            body_bytes_max: 1 << 20,
            requests_per_second: 200,
            streams_per_client: 64,
        }
    }
}

pub(crate) fn around(router: Router, server: &'static str, limits: Limits) -> Router {
    outside(bounded(router, limits), server)
}

/// How long a body may be, and which key says so: none of those that have a bound of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyBound {
    pub(crate) max: Bytes,
    pub(crate) key: Option<&'static str>,
}

impl BodyBound {
    /// What the configuration says.
    const KEY: &'static str = "weir.rest-server.max-body";

    /// Never less than `own`, whatever the configuration says.
    pub(crate) fn of(limits: Limits, own: usize) -> Self {
        let bytes = |it: usize| Bytes(it as u64);
        match limits.body_bytes_max {
            max if max >= own => Self { max: bytes(max), key: Some(Self::KEY) },
            _ => Self { max: bytes(own), key: None },
        }
    }
}

/// Requests that are short, and answered in time.
pub(crate) fn bounded(router: Router, limits: Limits) -> Router {
    bounded_by(router, limits, 0)
}

/// The same, for bodies that may be so long in any case.
pub(crate) fn bounded_by(router: Router, limits: Limits, own: usize) -> Router {
    let bound = BodyBound::of(limits, own);
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits.request_timeout);
    router
        // There is one limit, and it is that of the configuration.
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(bound.max.as_usize()))
        .layer(from_fn(move |request, next| without_long_body(bound, request, next)))
        .layer(timeout)
}

/// What is still taken of a body that is refused: who sends it reads the refusal when it has sent it, and
/// nothing at all if the connection ends before.
pub(crate) const DRAINED_MAX: usize = 64 << 20;
/// A sender that is not done by then does not read why.
const DRAINED_WITHIN: Duration = Duration::from_secs(10);

/// Refuses a body that says itself that it is too long, and says of one that turns out to be how long it may be.
async fn without_long_body(bound: BodyBound, request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    let path = request.uri().path().to_owned();
    if length.is_none_or(|it| it <= bound.max.0) {
        let response = next.run(request).await;
        return match is_unsaid(&response) {
            true => Error::TooLong { path, bound }.into_response(),
            false => response,
        };
    }
    // What comes of it is not looked at.
    let _ = timeout(DRAINED_WITHIN, drained(request.into_body())).await;
    Error::TooLong { path, bound }.into_response()
}

/// Whether a body was refused in the middle, by what reads bodies and knows no bound.
fn is_unsaid(response: &Response) -> bool {
    let extensions = response.extensions();
    let is_said = extensions.get::<AsItIs>().is_some() || extensions.get::<Problem>().is_some();
    response.status() == StatusCode::PAYLOAD_TOO_LARGE
        && (!is_said || extensions.get::<OfStatus>().is_some())
}

async fn drained(body: Body) {
    let mut body = body.into_data_stream();
    let mut length = 0;
    while length <= DRAINED_MAX
        && let Some(Ok(piece)) = body.next().await
    {
        length += piece.len();
    }
}

/// All but the bounds.
pub(crate) fn outside(router: Router, server: &'static str) -> Router {
    router
        .layer(CatchPanicLayer::custom(problems::after_panic))
        .layer(from_fn(problems::written))
        .layer(from_fn(move |request, next| measured(server, request, next)))
        .layer(from_fn(traced))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_failure(()))
        .layer(from_fn(with_security_headers))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(map_request(without_unfit_id))
        .layer(map_request(logs::shown_in_protocol))
}

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Says that the client chose the request's id: it may have chosen it before.
#[derive(Clone)]
pub(crate) struct ChosenId;

pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(REQUEST_ID).and_then(|it| it.to_str().ok())
}

/// A client's own id is kept if it can stand in a log line; else it gets a new one.
async fn without_unfit_id(mut request: Request) -> Request {
    let is_fit = |id: &str| {
        let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
        (1..=64).contains(&id.len()) && id.bytes().all(plain)
    };
    if request_id(request.headers()).is_some_and(is_fit) {
        request.extensions_mut().insert(ChosenId);
    } else {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}

/// What a request does is done for the trace that the client names, or one that begins with it.
async fn traced(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let named = headers.get(TRACEPARENT).and_then(|it| it.to_str().ok()?.parse().ok());
    let begun = || request_id(headers)?.parse().ok().map(Trace::begun_by);
    Trace::within(named.or_else(begun), next.run(request)).await
}

fn span(request: &Request) -> tracing::Span {
    let id = request_id(request.headers()).unwrap_or_default();
    let (method, path) = (request.method(), request.uri().path());
    tracing::debug_span!("request", %method, path, id)
}

#[expect(clippy::disallowed_methods, reason = "measures how long an answer took, decides nothing")]
async fn measured(server: &'static str, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    // Unknown paths are counted together: their texts come from outside and have no bound.
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().as_str().to_owned();
    let start = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("weir_http_requests_total",
        "server" => server, "route" => route.clone(), "method" => method, "status" => status)
    .increment(1);
    metrics::histogram!("weir_http_request_seconds", "server" => server, "route" => route)
        .record(start.elapsed().as_secs_f64());
    response
}

/// What a page may do.
const OF_PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Whatever an answer of the API says that it is, it is no page.
const OF_THE_API: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

const SECURITY: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Browsers speak to the host in clear text no more, on whatever port, for half a year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=15552000");

async fn with_security_headers(request: Request, next: Next) -> Response {
    let is_encrypted = request.extensions().get::<Encrypted>().is_some();
    let policy = match request.uri().path().starts_with("/api/") {
        true => OF_THE_API,
        false => OF_PAGES,
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    // State is live: what was read a second ago is not what is true now.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
