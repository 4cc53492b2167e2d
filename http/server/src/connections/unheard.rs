//! Requests that no handler hears of: what HTTP itself does not allow, and what of it hyper answers by itself, with a
//! status alone. Each gets a problem that says what is wrong.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST};
use axum::http::{HeaderMap, Request, Response, StatusCode, Version};
use weir_http_api::{Problem, ProblemKind};

/// What all headers of a request over HTTP/2 may have, as the protocol counts them. What is beyond by far is refused
/// before it is whole, without a word.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// So far a request over HTTP/2 is read, to be refused with a word.
pub(super) const HEAD_BYTES_READ: u32 = 64 << 10;
/// What the protocol counts for each header, beside its name and value.
const HEADER_BYTES: usize = 32;

/// Why a request goes no further.
pub(super) fn refused<B>(request: &Request<B>) -> Option<Problem> {
    let headers = request.headers();
    match request.version() {
        Version::HTTP_11 => hosts(headers).or_else(|| expected(headers)),
        Version::HTTP_2 => too_large(headers).or_else(|| expected(headers)),
        _ => None,
    }
}

fn hosts(headers: &HeaderMap) -> Option<Problem> {
    let detail = match headers.get_all(HOST).iter().count() {
        1 => return None,
        0 => "the request has no header host, which HTTP/1.1 needs",
        _ => "the request has more than one header host",
    };
    let problem = Problem::new(ProblemKind::InvalidRequest, detail);
    Some(problem.with_part("header/host", detail).with_hint(
        "send one header host, with the name and port of this server, or speak HTTP/1.0",
    ))
}

fn expected(headers: &HeaderMap) -> Option<Problem> {
    let is_known = |it: &[u8]| it.eq_ignore_ascii_case(b"100-continue");
    headers.get_all(EXPECT).iter().find(|it| !is_known(it.as_bytes()))?;
    let detail = "the header expect asks for what this server does not do";
    let problem = Problem::new(ProblemKind::ExpectationFailed, detail);
    Some(problem.with_hint("leave the header expect out: 100-continue is all that it may say"))
}

fn too_large(headers: &HeaderMap) -> Option<Problem> {
    let sizes =
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_BYTES);
    (sizes.sum::<usize>() > HEAD_BYTES_MAX)
        .then(|| of_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE))
}

/// What a status means that was answered to a head that could not be read.
fn of_status(status: StatusCode) -> Problem {
    match status {
        StatusCode::URI_TOO_LONG => Problem::new(
            ProblemKind::UriTooLong,
            "the path and the query of the request are longer than 65534 bytes",
        )
        .with_hint("ask for less at a time: shorter filters, or fewer names in one request"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Problem::new(
            ProblemKind::HeadTooLarge,
            "the headers of the request are too many or too long",
        )
        .with_hint(
            "send at most 100 headers of 16 KiB in all: large cookies are often what is too long",
        ),
        _ => Problem::new(
            ProblemKind::InvalidRequest,
            "what was sent is no request of HTTP/1.1: its first line, or a header, can't be read",
        )
        .with_hint(
            "does what sent it speak TLS, or something else than HTTP? This port takes http://, and a request begins as GET /path HTTP/1.1",
        ),
    }
}

pub(super) fn answer(problem: &Problem) -> Response<Body> {
    let mut response = Response::new(Body::from(text(problem)));
    *response.status_mut() = status(problem);
    response.headers_mut().insert(CONTENT_TYPE, crate::problems::PROBLEM_JSON);
    response
}

/// The whole answer in place of one that hyper gave, if that is one.
pub(super) fn in_place_of(written: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(written).ok()?;
    let (line, headers) = head.strip_suffix("\r\n\r\n")?.split_once("\r\n")?;
    let status = line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse::<StatusCode>().ok()?;
    let known = [CONNECTION.as_str(), CONTENT_LENGTH.as_str(), "date"];
    let mut is_empty = false;
    for header in headers.split("\r\n") {
        let (name, value) = header.split_once(": ")?;
        if !known.contains(&name) {
            return None;
        }
        is_empty |= name == CONTENT_LENGTH.as_str() && value == "0";
    }
    if !status.is_client_error() || !is_empty {
        return None;
    }
    let text = text(&of_status(status));
    let length = format!("content-length: {}", text.len());
    let headers = headers.replace("content-length: 0", &length);
    Some(
        format!("{line}\r\n{headers}\r\ncontent-type: application/problem+json\r\n\r\n{text}")
            .into(),
    )
}

fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST)
}

fn text(problem: &Problem) -> String {
    serde_json::to_string(problem).expect("a problem is plain values, which are JSON")
}
