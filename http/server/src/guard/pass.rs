//! Lets a request pass to its handler or not, and records commands.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use serde_json::Value;
use weir_controllers::audit::masked;
use weir_domain::{AuditAction, AuditOutcome, Bytes, CommandId, UserClaim};
use weir_http_api::Problem;
use weir_runtime::Trace;

use super::rule::{Need, Rule};
use super::trail::{Attempted, Noted};
use super::{Caller, Guard, Own, Trail, Watch};
use crate::error::Error;
use crate::extract::AskedPath;
use crate::layers::{BodyBound, ChosenId, request_id};
use crate::origin::Origin;
use crate::problems;
use crate::repeats::Repeats;

/// What was done is answered after it was recorded, and no later than this.
const RECORD_WITHIN: Duration = Duration::from_secs(10);
/// An entry tells of the value before and after up to this length, written as JSON.
const VALUE_BYTES_MAX: usize = 8 << 10;
/// What everybody may send.
const TRIED_BYTES_MAX: usize = 64 << 10;
/// Characters of what an entry is about and of why it was refused.
const TEXT_MAX: usize = 1_000;

pub(super) async fn pass(rule: Rule, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let guard = parts.extensions.get::<Guard>().cloned().unwrap_or_else(Guard::closed);
    let own = parts.extensions.get::<Own>().copied();
    if own == Some(Own::Reads) && !rule.is_command() {
        // Nobody asks: what depends on who does is what anybody would see.
        parts.extensions.insert(Caller::Anonymous);
        return next.run(Request::from_parts(parts, body)).await;
    }
    let Ok(AskedPath(path)) = AskedPath::from_request_parts(&mut parts, &()).await;
    let (origin, request) = (Origin::of(&parts), chosen_request(&parts));
    let (caller, admitted) = guard.admit(rule, &mut parts).await;
    let trail = Trail::default();
    if let Err(denied) = admitted {
        let refused = guard.refuse(denied, rule, &origin, &path).into_response();
        // Who is nobody could fill the audit with refusals: those are counted in the log.
        let (Some(action), true) = (rule.action, caller != Caller::Anonymous) else {
            return refused;
        };
        let done = Done { action, rule, caller, trail, path, origin, request };
        return guard.carried_out(done, async { refused }).await;
    }
    parts.extensions.insert(caller.clone());
    if let Some(reach) = caller.reach(rule) {
        parts.extensions.insert(reach);
    }
    parts.extensions.insert(trail.clone());
    let Some(action) = rule.action else {
        let watch = Watch::new(&guard, rule, &caller, &parts);
        match (own, rule.need) {
            // Its handler decides by what it is about.
            (Some(Own::Asks), Need::LogIn) => {
                let answer = next.run(Request::from_parts(parts, body)).await;
                let is_shown = answer.status().is_success();
                return if is_shown { Extension(watch).into_response() } else { answer };
            }
            (Some(Own::Asks), _) => return Extension(watch).into_response(),
            (Some(Own::Reads) | None, _) => {}
        }
        parts.extensions.insert(watch);
        return once(rule, Request::from_parts(parts, body), next).await;
    };
    let body = match rule.need {
        // Whoever it is: it is read within the time of a request, and is short.
        Need::Nothing => match axum::body::to_bytes(body, TRIED_BYTES_MAX).await {
            Ok(bytes) => Body::from(bytes),
            Err(_) => {
                let bound = BodyBound { max: Bytes(TRIED_BYTES_MAX as u64), key: None };
                return Error::TooLong { path, bound }.into_response();
            }
        },
        _ => body,
    };
    let done = Done { action, rule, caller, trail, path, origin, request };
    guard.carried_out(done, once(rule, Request::from_parts(parts, body), next)).await
}

/// Where the routes are remembered by a layer, what was sent before under the same key is not carried out again.
async fn once(rule: Rule, request: Request, next: Next) -> Response {
    match request.extensions().get::<Repeats>().cloned() {
        Some(repeats) if request.method() != Method::GET => repeats.once(rule, request, next).await,
        _ => next.run(request).await,
    }
}

/// The request's id, unless its sender chose it: the audit takes each id once, so that one that is
/// used again would hide what was done with it.
fn chosen_request(parts: &Parts) -> Option<CommandId> {
    let is_chosen = parts.extensions.get::<ChosenId>().is_some();
    request_id(&parts.headers).filter(|_| !is_chosen)?.parse().ok()
}

struct Done {
    action: &'static str,
    rule: Rule,
    caller: Caller,
    trail: Trail,
    path: String,
    origin: Origin,
    request: Option<CommandId>,
}

impl Guard {
    /// Does the work and records it, in a task of its own: neither a sender that hangs up nor the
    /// time limit of its request comes between.
    async fn carried_out(
        self,
        done: Done,
        work: impl Future<Output = Response> + Send + 'static,
    ) -> Response {
        let Some(access) = self.access.clone() else { return work.await };
        let guard = self;
        let task = access.tasks().spawn(
            "http/command",
            Trace::within(Trace::current(), async move {
                let worked = AssertUnwindSafe(work).catch_unwind().await;
                let response = worked.unwrap_or_else(problems::after_panic);
                guard.conclude(done, outcome(&response)).await;
                response
            }),
        );
        task.join().await.unwrap_or_else(|_| Error::Panicked.into_response())
    }

    async fn conclude(&self, done: Done, outcome: AuditOutcome) {
        let rule = done.rule;
        match (rule.need, outcome) {
            (Need::Nothing, AuditOutcome::Refused(why) | AuditOutcome::Unknown(why)) => {
                self.attempted(done, &why);
            }
            (_, outcome) => self.record(done, outcome).await,
        }
        self.forget_after(rule);
    }

    /// What everybody may try, and somebody did in vain. The answer does not wait for the entry:
    /// there is one for users and set-ups only, and how long it takes would tell who is one.
    fn attempted(&self, done: Done, why: &str) {
        self.tell_refused(&done.origin, &done.path, why);
        let Noted { attempted, reason, .. } = done.trail.noted();
        let why = reason.as_deref().unwrap_or(why);
        let Some((access, attempted)) = self.access.as_ref().zip(attempted) else { return };
        let Some(more) = self.attempts.pass(&attempted) else { return };
        let whose = match attempted {
            Attempted::LogIn(_) => "of this user",
            Attempted::SetUp => "of a set-up",
        };
        let outcome = AuditOutcome::Refused(match more {
            0 => why.to_owned(),
            more => format!("{why}; {more} more since the last entry {whose}"),
        });
        let guard = self.clone();
        access.tasks().spawn("http/attempt", async move { guard.record(done, outcome).await });
    }

    async fn record(&self, done: Done, outcome: AuditOutcome) {
        let Done { action, rule, caller, trail, path, origin, request } = done;
        let noted = trail.noted();
        let Some(access) = self.access.as_ref().filter(|_| !noted.is_dry) else { return };
        let Noted { object, before, after, .. } = noted;
        let action = AuditAction {
            at: access.now(),
            user: caller.name(),
            claim: rule.need.claim(),
            action: action.to_owned(),
            object: cut(if object.is_empty() { path } else { object }),
            before: before.map(masked).map(bounded),
            after: after.map(masked).map(bounded),
            outcome,
            from: origin.to_string(),
            request: request.unwrap_or_else(|| access.request()),
        };
        let told = serde_json::to_string(&action).unwrap_or_default();
        let recorded = tokio::time::timeout(RECORD_WITHIN, access.record(action)).await;
        let failure = match recorded {
            Ok(Ok(())) => return,
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "the audit did not answer in time".to_owned(),
        };
        tracing::error!(
            code = "WEIR-07130",
            action = told,
            "what was done is not in the audit: {failure}"
        );
    }

    fn forget_after(&self, rule: Rule) {
        if let Need::LogIn | Need::Claim(UserClaim::UserWrite | UserClaim::ProfileWrite) = rule.need
        {
            self.known.forget();
        }
    }
}

/// What somebody sends must not fill the audit.
fn bounded(value: Value) -> Value {
    match value.to_string().len() {
        ..=VALUE_BYTES_MAX => value,
        bytes => serde_json::json!({ "leftOut": format!("{bytes} bytes") }),
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn outcome(response: &Response) -> AuditOutcome {
    let status = response.status();
    let detail = response.extensions().get::<Problem>().map(|it| it.detail.clone());
    let detail = detail.unwrap_or_else(|| status.to_string());
    match status {
        it if it.is_success() => AuditOutcome::Done,
        it if it.is_client_error() => AuditOutcome::Refused(cut(detail)),
        _ => AuditOutcome::Unknown(cut(detail)),
    }
}
