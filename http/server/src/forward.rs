//! Passing questions and commands about what runs on to an engine, answers as they come.
//!
//! A question goes to one engine after the other until one answers as a whole. A command goes to the
//! next one only while it has reached none: whether one that got no answer was carried out is not known.
//!
//! The cluster that a path names gets what stands behind its name; a path that names none is the default
//! cluster's. What a user of this server shows stays here: the engine gets a voucher for it.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::extract::State;
use axum::http::header::{
    AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, IF_MATCH, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use futures::{FutureExt as _, StreamExt as _};
use weir_domain::{Grants, Millis};
use weir_http_client::{self as client, Client, Forwarded, Unanswered};

use crate::Guard;
use crate::error::Error;
use crate::fleet::{Fleet, Known};
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::layers::REQUEST_ID;
use crate::listen::Closing;
use crate::live::LAST_EVENT_ID;
use crate::origin::{FORWARDED_FOR, Origin};
use crate::problems::AsItIs;
use crate::voucher::{LIFE, LIFE_MAX};

/// What of a command's headers an engine sees beside those of every request.
const OF_A_COMMAND: [HeaderName; 3] = [CONTENT_TYPE, IF_MATCH, IDEMPOTENCY_KEY];
/// What the types of an engine's answers begin with.
const ANSWERS: [&str; 5] = [
    "application/json",
    "application/problem+json",
    "application/jsonl",
    "application/vnd.weir.",
    "text/event-stream",
];
/// What a path begins with that names its cluster.
const NAMED: &str = "/api/v1/clusters/";

/// A command may have to wait for a controller that moves: so many turns of a question.
const TURNS_OF_A_COMMAND: u32 = 3;

pub(crate) async fn to_engine(State(fleet): State<Fleet>, parts: Parts) -> Result<Response, Error> {
    let way = Way::of(&fleet, &parts, &[], LIFE).await?;
    let (engines, path, headers) = (&way.cluster.engines, way.path.as_str(), &way.headers);
    let uri = &parts.uri;
    let mut turns = engines.in_turn().peekable();
    let mut silent = None;
    while let Some((number, engine)) = turns.next() {
        // The last one may take as long as the request may.
        let within = turns.peek().map(|_| engines.turn());
        match engine.forward(path, headers.clone(), within).await {
            Err(Unanswered {
                error:
                    cause @ (client::Error::Unreachable { .. }
                    | client::Error::Distrusted { .. }
                    | client::Error::Interrupted { .. }),
                ..
            }) => silent = silent.or(Some(cause)),
            answer => {
                engines.answered(number);
                return way.answered(passed_on(engine, uri, answer.map_err(|it| it.error)));
            }
        }
    }
    let cause = silent.expect("there is at least one engine, and none answered");
    Err(Error::Forward { path: uri.path().to_owned(), cause })
}

/// As [`to_engine`], for an answer that has no end of its own: it ends with this server, too.
pub(crate) async fn follow_engine(
    State(fleet): State<Fleet>,
    parts: Parts,
) -> Result<Response, Error> {
    let way = Way::of(&fleet, &parts, &[LAST_EVENT_ID], LIFE_MAX).await?;
    let (engines, path, headers) = (&way.cluster.engines, way.path.as_str(), &way.headers);
    let mut silent = None;
    for (number, engine) in engines.in_turn() {
        match engine.follow(path, headers.clone(), engines.turn()).await {
            Err(
                cause @ (client::Error::Unreachable { .. }
                | client::Error::Distrusted { .. }
                | client::Error::Interrupted { .. }),
            ) => silent = silent.or(Some(cause)),
            Err(cause) => return Err(Error::Forward { path: parts.uri.path().into(), cause }),
            Ok((head, rest)) => {
                engines.answered(number);
                let mut response = way.answered(passed_on(engine, &parts.uri, Ok(head)))?;
                let closing = parts.extensions.get::<Closing>().cloned();
                let vouched = way.vouched.clone();
                let closed = async move {
                    let closing = async {
                        match closing {
                            Some(closing) => closing.closed().await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        () = closing => {}
                        () = is_other_now(&parts, vouched.as_ref()) => {}
                    }
                };
                let pieces = Body::new(rest).into_data_stream().take_until(closed.boxed());
                *response.body_mut() = Body::from_stream(pieces);
                return Ok(response);
            }
        }
    }
    let cause = silent.expect("there is at least one engine, and none answered");
    Err(Error::Forward { path: parts.uri.path().to_owned(), cause })
}

/// Returns when the log-in here is not good any more, or opens something else than when it was vouched for: the engine
/// was shown once what it opens, and believes it for minutes. Who may see more or less then asks again.
async fn is_other_now(parts: &Parts, vouched: Option<&Grants>) {
    match (parts.extensions.get::<Guard>(), vouched) {
        (Some(guard), Some(before)) => {
            guard.own_user_is_gone(&parts.headers, |it| it.grants == *before).await;
        }
        _ => std::future::pending().await,
    }
}

pub(crate) async fn command_to_engine(
    State(fleet): State<Fleet>,
    _: PassedOn,
    parts: Parts,
    body: Bytes,
) -> Result<Response, Error> {
    let way = Way::of(&fleet, &parts, &OF_A_COMMAND, LIFE).await?;
    commanded(&way, &parts, body).await
}

/// For what everybody may try, wherever they are.
pub(crate) async fn attempt_to_engine(
    State(fleet): State<Fleet>,
    parts: Parts,
    body: Bytes,
) -> Result<Response, Error> {
    let way = Way::of_attempt(&fleet, &parts).await?;
    commanded(&way, &parts, body).await
}

async fn commanded(way: &Way, parts: &Parts, body: Bytes) -> Result<Response, Error> {
    let (engines, path, headers) = (&way.cluster.engines, way.path.as_str(), &way.headers);
    let within = engines.has_others().then(|| engines.turn() * TURNS_OF_A_COMMAND);
    let mut unreached = None;
    for (number, engine) in engines.in_turn() {
        match engine
            .forward_command(parts.method.clone(), path, headers.clone(), body.clone(), within)
            .await
        {
            Err(Unanswered { has_arrived: false, error }) => unreached = unreached.or(Some(error)),
            Err(Unanswered { has_arrived: true, error: cause }) => {
                engines.kept_silent(number);
                return Err(Error::CommandLost { cause });
            }
            Ok(answer) => {
                engines.answered(number);
                return way.answered(passed_on(engine, &parts.uri, Ok(answer)));
            }
        }
    }
    let cause = unreached.expect("there is at least one engine, and none was reached");
    Err(Error::Forward { path: parts.uri.path().to_owned(), cause })
}

/// The proof that a command may be passed on to a server that checks who sends it: who is not on
/// this machine must show something.
pub(crate) struct PassedOn;

impl<S: Send + Sync> FromRequestParts<S> for PassedOn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        match Origin::of(parts).is_here() || parts.headers.contains_key(AUTHORIZATION) {
            true => Ok(Self),
            false => Err(Error::Unauthorized {
                reason: "the command needs a token, and shows none".to_owned(),
                from_here: true,
                has_users: false,
            }),
        }
    }
}

/// Where a request goes, and what is sent with it.
pub(crate) struct Way {
    pub(crate) cluster: Arc<Known>,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// What the user may do here for whom this server's word is all that is shown.
    vouched: Option<Grants>,
}

impl Way {
    /// Who tries something is whoever the attempt says: a log-in of this server stays here, and whether it is
    /// good decides nothing. What is refused there is what was tried, as a password.
    async fn of_attempt(fleet: &Fleet, parts: &Parts) -> Result<Self, Error> {
        let (cluster, path) = place(fleet, parts).await?;
        let mut headers = of_request(parts, &OF_A_COMMAND);
        if let Some(guard) = parts.extensions.get::<Guard>()
            && !matches!(guard.own_user(&parts.headers).await, Ok(None))
        {
            headers.remove(AUTHORIZATION);
        }
        Ok(Self { cluster, path, headers, vouched: None })
    }

    pub(crate) async fn of(
        fleet: &Fleet,
        parts: &Parts,
        more: &[HeaderName],
        life: Millis,
    ) -> Result<Self, Error> {
        let (cluster, path) = place(fleet, parts).await?;
        let mut headers = of_request(parts, more);
        let mut vouched = None;
        if let Some(guard) = parts.extensions.get::<Guard>()
            && let Some((identity, now)) = guard.own_user(&parts.headers).await?
            && let Some(voucher) = fleet.voucher(&cluster, &identity, (now, life)).await?
        {
            let shown = HeaderValue::try_from(format!("Bearer {voucher}"));
            headers.insert(AUTHORIZATION, shown.expect("a voucher is plain text"));
            vouched = Some(identity.grants);
        }
        Ok(Self { cluster, path, headers, vouched })
    }

    /// Whether this server's word is all that is shown for the user.
    pub(crate) fn is_vouched(&self) -> bool {
        self.vouched.is_some()
    }

    /// A cluster that does not believe this server says nothing about the user's log-in here, which is good:
    /// it is told apart.
    pub(crate) fn answered(&self, answer: Result<Response, Error>) -> Result<Response, Error> {
        match answer {
            Ok(refused) if self.is_vouched() && refused.status() == StatusCode::UNAUTHORIZED => {
                Err(Error::unbelieved(&self.cluster.name))
            }
            answer => answer,
        }
    }
}

/// The cluster that the path names, and the path there.
pub(crate) async fn place(fleet: &Fleet, parts: &Parts) -> Result<(Arc<Known>, String), Error> {
    let path = path_and_query(&parts.uri);
    let Some((name, rest)) = path.strip_prefix(NAMED).and_then(|it| it.split_once('/')) else {
        return Ok((fleet.default_cluster(), path.to_owned()));
    };
    let name = name.parse().map_err(|it| Error::Invalid {
        pointer: "path".to_owned(),
        reason: format!("{name:?}: {it}"),
    })?;
    Ok((fleet.find(&name).await?, format!("/api/v1/{rest}")))
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or(uri.path(), |it| it.as_str())
}

fn taken(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let known = names.iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    known.collect()
}

/// The engine sees this server as its peer: it is told who is behind it, unless it is this machine, and
/// believes that if this server is one of its trusted proxies.
fn of_request(parts: &Parts, more: &[HeaderName]) -> HeaderMap {
    let mut headers = taken(&parts.headers, &[&[REQUEST_ID, AUTHORIZATION], more].concat());
    let origin = Origin::of(parts);
    if !origin.is_here() {
        headers.insert(FORWARDED_FOR, origin.forwarded_for());
    }
    headers
}

pub(crate) fn passed_on(
    engine: &Client,
    uri: &Uri,
    answer: Result<Forwarded, client::Error>,
) -> Result<Response, Error> {
    let refuse = |cause| Error::Forward { path: uri.path().to_owned(), cause };
    let unusable =
        |cause: &str| client::Error::Decode { url: engine.base().into(), cause: cause.into() };
    response(answer.map_err(refuse)?).map_err(|cause| refuse(unusable(cause)))
}

/// A browser takes what an engine answers for a part of this server: nothing of it is a page or a script, and
/// nothing asks for a password in this server's name.
fn harmless(mut headers: HeaderMap) -> HeaderMap {
    let is = |value: &HeaderValue, begin: &[&str]| {
        let text = value.to_str().unwrap_or_default();
        begin.iter().any(|it| text.get(..it.len()).is_some_and(|is| is.eq_ignore_ascii_case(it)))
    };
    // One value may hold several ways.
    if headers.remove(WWW_AUTHENTICATE).is_some_and(|it| is(&it, &["Bearer"])) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if headers.get(CONTENT_TYPE).is_some_and(|it| !is(it, &ANSWERS)) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    headers
}

fn response(answer: Forwarded) -> Result<Response, &'static str> {
    let status = StatusCode::from_u16(answer.status).map_err(|_| "its status is not valid")?;
    if status.is_redirection() || status.is_informational() {
        return Err("it leads elsewhere");
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status;
    *response.headers_mut() = harmless(answer.headers);
    if response.headers().contains_key(CONTENT_TYPE) {
        response.extensions_mut().insert(AsItIs);
    }
    Ok(response)
}
