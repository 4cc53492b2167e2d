//! Commands of a configuration server's own that are sent again under the same `idempotency-key`.
//!
//! An engine's controllers remember commands themselves (`idempotency`). What changes projects is kept in files, and
//! so what remembers is a layer: it is put between the guard and the handlers of those routes.
//!
//! - I1: the key is claimed in the store before its request is carried out, so that of all who send it one does it.
//! - I2: a key is its sender's and its route's: nobody's key hides a command of somebody else.
//! - I3: what was sent is kept as a slow hash alone, since a body may be confidential. What its sender saw before, as
//!   `if-match`, makes no other request of it: that differs when the same command is sent again.
//! - I4: a refusal (4xx, 503) changed nothing, and the key is free again; whatever else was answered to a command is
//!   answered again, also that it was done in part, or that nobody knows (500). What a server was doing when it ended is
//!   not done again by itself. What can't be read of an earlier one is not taken for nothing.
//! - I5: what was claimed and never begun holds nothing: who claims is no longer its sender, who may go, and a claim of
//!   this life that is not under way is taken back.

mod begun;
mod kept;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, FromRequestParts as _, MatchedPath, Request};
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::IntoParams as _;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{HttpMethod, OpenApi, RefOr};
use weir_domain::{Code, Fault};
use weir_http_api::{Problem, ProblemKind};
use weir_runtime::{System, Trace};
use weir_secrets::{PasswordHash, Secret};

use crate::error::Error;
use crate::guard::{Caller, Rule, Trail, operations};
use crate::idempotency::{Key, Once};
use crate::{openapi, problems};

use begun::{Begun, Standing};
pub use kept::{AnswerStore, Claim, Claimed, KeptAnswer, KeptInMemory, Scope, Taken};

/// Says that an answer is the one to an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// A longer answer is not kept: that it was given is.
const ANSWER_BYTES_MAX: u64 = 256 << 10;
/// No command takes longer; what another server has claimed for longer, it does no more.
const CARRIED_OUT_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Hashes that are made at once.
const HASHING_MAX: usize = 2;
/// Headers of an answer that belong to it.
const OF_AN_ANSWER: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

const STILL_RUNNING: Code = Code(7_040);
const INTERRUPTED: Code = Code(7_041);
const TOO_LONG: Code = Code(7_043);
const UNREADABLE: Code = Code(7_044);
/// So often a key is claimed again whose claim came to nothing.
const CLAIMS_MAX: usize = 3;

/// What was answered to commands that named a key. Cheap to clone; clones are one.
#[derive(Clone)]
pub struct Repeats {
    system: System,
    store: Arc<dyn AnswerStore>,
    hashing: Arc<Semaphore>,
    begun: Begun,
}

impl Repeats {
    pub fn new(system: System, store: Arc<dyn AnswerStore>) -> Self {
        Self {
            system,
            store,
            hashing: Arc::new(Semaphore::new(HASHING_MAX)),
            begun: Begun::default(),
        }
    }

    /// For servers that are to know nothing after their end.
    pub fn in_memory(system: System) -> Self {
        Self::new(system, Arc::new(KeptInMemory::default()))
    }

    /// Carries the command out, or answers what it was answered before.
    pub(crate) async fn once(&self, rule: Rule, request: Request, next: Next) -> Response {
        match self.answered(rule, request, next).await {
            Ok(response) => response,
            Err(error) => error.into_response(),
        }
    }

    async fn answered(&self, rule: Rule, request: Request, next: Next) -> Result<Response, Error> {
        let (mut parts, body) = request.into_parts();
        let key = Key::from_request_parts(&mut parts, &()).await?;
        let Some(key) = key.text() else {
            return Ok(next.run(Request::from_parts(parts, body)).await);
        };
        let caller = Caller::from_request_parts(&mut parts, &()).await?;
        let scope = scope(&parts, &caller, key);
        let body = whole(&parts, body).await?;
        let sent = sent(&parts, &body);
        let claim = Claim {
            id: self.system.ids().command(),
            by: caller.by(),
            at: self.system.now(),
            server: self.system.node().clone(),
            life: self.system.uid(),
            sent: self.hashed(sent.clone()).await?,
        };
        let trail = parts.extensions.get::<Trail>().cloned().unwrap_or_default();
        let this = self.clone();
        let request = Request::from_parts(parts, Body::from(body));
        // It comes to its end, and what came of it is kept, whether or not its sender waits: also from the claim on.
        let task = self.system.tasks().spawn(
            "http/once",
            Trace::within(Trace::current(), async move {
                if let Some(taken) = this.claimed(&scope, &claim).await? {
                    let again = this.again(taken, sent).await;
                    if again.is_ok() {
                        trail.unrecorded();
                    }
                    return again;
                }
                let worked = AssertUnwindSafe(next.run(request)).catch_unwind().await;
                let response = worked.unwrap_or_else(problems::after_panic);
                let (response, answer) = answer(response).await;
                // What changed nothing is done again as well.
                let is_kept = rule.is_command() && !trail.is_dry();
                this.keep(&scope, &claim, answer.filter(|_| is_kept)).await;
                Ok(response)
            }),
        );
        // The server ends, and the claim says so to who asks after its next start.
        task.join().await.unwrap_or_else(|_| Err(Error::Panicked))
    }

    /// Claims the key; or what it is claimed by. What was claimed in this life and is not under way was never begun: its
    /// claim was made, and nobody heard of it.
    async fn claimed(&self, scope: &Scope, claim: &Claim) -> Result<Option<Taken>, Error> {
        let _under_way = self.begun.claims(claim.id);
        let mut orphan = None;
        for _ in 0..CLAIMS_MAX {
            let taken = self.store.claim(scope, claim).await?;
            self.tidy();
            let known = match &taken {
                Taken::Mine => {
                    self.begun.begins(claim.id);
                    return Ok(None);
                }
                Taken::Already(it)
                    if it.answer.is_none()
                        && it.claim.life == self.system.uid()
                        && self.begun.standing(it.claim.id) == Standing::Unknown =>
                {
                    it.claim.clone()
                }
                Taken::Already(_) | Taken::Unreadable => return Ok(Some(taken)),
            };
            // Its answer may have been kept since it was looked at: then the second look sees it.
            if orphan == Some(known.id) {
                self.store.release(scope, &known).await?;
            }
            orphan = Some(known.id);
        }
        Ok(Some(self.store.claim(scope, claim).await?))
    }

    fn tidy(&self) {
        let store = self.store.clone();
        self.system.tasks().spawn("http/once/tidy", async move { store.tidy().await });
    }

    /// What is answered to who sends a key again.
    async fn again(&self, taken: Taken, sent: Secret) -> Result<Response, Error> {
        let Claimed { claim, answer } = match taken {
            Taken::Already(claimed) => *claimed,
            Taken::Mine | Taken::Unreadable => return Err(unreadable()),
        };
        let hash = claim.sent.clone();
        let _turn = self.turn().await;
        let task = self.system.tasks().spawn_blocking("http/once", move || hash.is_of(&sent));
        if !task.join().await.map_err(|it| Fault::transient(7_042, it.to_string()))? {
            return Err(reused());
        }
        match answer {
            Some(answer) => answer.response(&claim),
            None if self.is_carried_out(&claim) => Err(running(&claim)),
            None => Err(interrupted(&claim)),
        }
    }

    /// Whether somebody may still be at it.
    fn is_carried_out(&self, claim: &Claim) -> bool {
        let is_mine = claim.server == *self.system.node();
        let is_of_now =
            claim.life == self.system.uid() && self.begun.standing(claim.id) != Standing::Unkept;
        let is_young = self.system.now().since(claim.at) < CARRIED_OUT_WITHIN;
        is_young && (!is_mine || is_of_now)
    }

    /// A hash takes 19 MiB and its time: however many keys are sent at once, few are made.
    async fn turn(&self) -> OwnedSemaphorePermit {
        let turn = self.hashing.clone().acquire_owned().await;
        turn.expect("nobody closes it")
    }

    async fn hashed(&self, sent: Secret) -> Result<PasswordHash, Fault> {
        let _turn = self.turn().await;
        let task = self.system.tasks().spawn_blocking("http/once", move || PasswordHash::of(&sent));
        task.join().await.map_err(|it| Fault::transient(7_042, it.to_string()))
    }

    async fn keep(&self, scope: &Scope, claim: &Claim, answer: Option<KeptAnswer>) {
        let done = match answer {
            Some(answer) => self.store.answer(scope, claim, answer).await,
            None => self.store.release(scope, claim).await,
        };
        self.begun.ends(claim.id, done.is_ok());
        if let Err(fault) = done {
            let (code, id) = (fault.code, claim.id);
            tracing::error!(%code, %id, "what was answered to a command with a key is not kept: {fault}");
        }
    }
}

/// For the documents: whatever is declared there and is no question takes a key.
pub(crate) fn document(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            if method != HttpMethod::Get && !takes_key(operation) {
                let parameters = Once::into_params(|| Some(ParameterIn::Header));
                operation
                    .parameters
                    .get_or_insert_default()
                    .extend(parameters.into_iter().map(RefOr::T));
            }
            if takes_key(operation) {
                openapi::with_reused_keys(operation);
            }
        }
    }
}

fn takes_key(operation: &Operation) -> bool {
    operation.parameters.iter().flatten().any(|it| match it {
        RefOr::T(it) => it.name == "idempotency-key",
        RefOr::Ref(_) => false,
    })
}

/// Whose key it is, and of which route.
fn scope(parts: &Parts, caller: &Caller, key: &str) -> Scope {
    let route = parts.extensions.get::<MatchedPath>();
    let route = route.map_or(parts.uri.path(), MatchedPath::as_str);
    let user = caller.by();
    let method = parts.method.as_str();
    let hash = |texts: &[&str]| {
        let mut hash = Sha256::new();
        texts.iter().for_each(|it| add(&mut hash, it.as_bytes()));
        hash.finalize().iter().take(16).map(|it| format!("{it:02x}")).collect::<String>()
    };
    Scope { user: hash(&[user.as_str()]), key: hash(&[user.as_str(), method, route, key]) }
}

/// All that is asked for.
fn sent(parts: &Parts, body: &Bytes) -> Secret {
    let mut hash = Sha256::new();
    let path = parts.uri.path_and_query().map_or(parts.uri.path(), |it| it.as_str());
    add(&mut hash, path.as_bytes());
    add(&mut hash, body);
    Secret::from(hash.finalize().iter().map(|it| format!("{it:02x}")).collect::<String>())
}

fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part);
}

async fn whole(parts: &Parts, body: Body) -> Result<Bytes, Error> {
    let read = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    read.map_err(|it| Error::Status {
        status: it.status(),
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
    })
}

/// The same answer, with what is kept of it: nothing of a refusal.
async fn answer(response: Response) -> (Response, Option<KeptAnswer>) {
    let status = response.status();
    if status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    let is_short =
        hyper::body::Body::size_hint(&body).exact().is_some_and(|it| it <= ANSWER_BYTES_MAX);
    let mut answer = KeptAnswer {
        status: status.as_u16(),
        headers: of_an_answer(&parts.headers),
        problem: parts.extensions.get::<Problem>().cloned(),
        body: None,
    };
    if !is_short {
        return (Response::from_parts(parts, body), Some(answer));
    }
    match axum::body::to_bytes(body, ANSWER_BYTES_MAX as usize).await {
        Ok(bytes) => {
            answer.body = String::from_utf8(bytes.to_vec()).ok();
            (Response::from_parts(parts, Body::from(bytes)), Some(answer))
        }
        // It was at hand as a whole, and so it can be read.
        Err(_) => (Error::Panicked.into_response(), Some(answer)),
    }
}

fn of_an_answer(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = OF_AN_ANSWER.iter().filter_map(|name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    kept.collect()
}

impl KeptAnswer {
    fn response(self, claim: &Claim) -> Result<Response, Error> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let Some(body) = self.body else { return Err(too_long(claim, status)) };
        let mut response = (status, Body::from(body)).into_response();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) =
                (name.parse::<HeaderName>(), value.parse::<HeaderValue>())
            {
                response.headers_mut().insert(name, value);
            }
        }
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        if let Some(problem) = self.problem {
            response.extensions_mut().insert(problem);
        }
        Ok(response)
    }
}

fn reused() -> Error {
    let kind = ProblemKind::KeyReused;
    Error::Told {
        kind,
        code: kind.code(),
        detail: "the key was sent with another request before".to_owned(),
        hint: "send what is new under a key of its own; a key is remembered for a day".to_owned(),
    }
}

fn running(claim: &Claim) -> Error {
    Error::Told {
        kind: ProblemKind::Conflict,
        code: STILL_RUNNING,
        detail: format!(
            "the request with this key is still carried out: the server {} has it since {}",
            claim.server, claim.at
        ),
        hint: "send it again in a while, with the same key, for its answer".to_owned(),
    }
}

fn interrupted(claim: &Claim) -> Error {
    Error::Told {
        kind: ProblemKind::Conflict,
        code: INTERRUPTED,
        detail: format!(
            "the server {} ended while it carried out the request with this key, at {}: what of it is done is not known",
            claim.server, claim.at
        ),
        hint: "look at what it was to change, and send it under another key".to_owned(),
    }
}

fn unreadable() -> Error {
    Error::Told {
        kind: ProblemKind::Conflict,
        code: UNREADABLE,
        detail: "a request with this key was sent before, and what is kept of it can't be read: another version of the \
                 server wrote it, or it is damaged"
            .to_owned(),
        hint: "look at what it was to change; if that is not done, send it under another key".to_owned(),
    }
}

fn too_long(claim: &Claim, status: StatusCode) -> Error {
    Error::Told {
        kind: ProblemKind::Conflict,
        code: TOO_LONG,
        detail: format!(
            "the request with this key was carried out at {}, with the status {}: its answer was too long to be kept",
            claim.at,
            status.as_u16()
        ),
        hint: "it is not carried out again: read what it changed".to_owned(),
    }
}

#[cfg(test)]
mod tests;
