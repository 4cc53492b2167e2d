//! Passing questions and commands about what runs on to the engine, answers as they come.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use weir_http_client::{self as client, Client, Forwarded};

use crate::Engines;
use crate::error::Error;
use crate::layers::request_id;
use crate::problems::AsItIs;

pub(crate) async fn to_engine(
    State(engines): State<Engines>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Error> {
    let (path, id) = (path_and_query(&uri), request_id(&headers));
    let mut silent = None;
    for (number, engine) in engines.in_turn() {
        match engine.forward(path, id).await {
            Err(cause @ client::Error::Unreachable { .. }) => silent = silent.or(Some(cause)),
            answer => {
                engines.answered(number);
                return passed_on(engine, &uri, answer);
            }
        }
    }
    let cause = silent.expect("there is at least one engine, and none answered");
    Err(Error::Forward { path: uri.path().to_owned(), cause })
}

pub(crate) async fn command_to_engine(
    State(engines): State<Engines>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Error> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let (path, id) = (path_and_query(&uri), request_id(&headers));
    let engine = engines.preferred();
    let answer = engine.forward_command(path, id, content_type, body.into()).await;
    passed_on(engine, &uri, answer)
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or(uri.path(), |it| it.as_str())
}

fn passed_on(
    engine: &Client,
    uri: &Uri,
    answer: Result<Forwarded, client::Error>,
) -> Result<Response, Error> {
    let refuse = |cause| Error::Forward { path: uri.path().to_owned(), cause };
    let unusable =
        |cause: &str| client::Error::Decode { url: engine.base().into(), cause: cause.into() };
    response(answer.map_err(refuse)?).map_err(|cause| refuse(unusable(cause)))
}

fn response(answer: Forwarded) -> Result<Response, &'static str> {
    let status = StatusCode::from_u16(answer.status).map_err(|_| "its status is not valid")?;
    if status.is_redirection() || status.is_informational() {
        return Err("it leads elsewhere");
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status;
    if let Some(value) = answer.content_type.and_then(|it| HeaderValue::try_from(it).ok()) {
        response.headers_mut().insert(CONTENT_TYPE, value);
        response.extensions_mut().insert(AsItIs);
    }
    Ok(response)
}
