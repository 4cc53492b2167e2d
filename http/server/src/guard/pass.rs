//! Lets a request pass to its handler or not, and records commands.

use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use weir_controllers::audit::masked;
use weir_domain::{AuditAction, AuditOutcome, CommandId, UserClaim};
use weir_http_api::Problem;

use super::rule::{Need, Rule};
use super::trail::Noted;
use super::{Caller, Guard, Trail};
use crate::extract::AskedPath;
use crate::layers::{ChosenId, request_id};
use crate::origin::Origin;

/// What was done is answered after it was recorded, and no later than this.
const RECORD_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn pass(rule: Rule, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let guard = parts.extensions.get::<Guard>().cloned().unwrap_or_else(Guard::closed);
    let Ok(AskedPath(path)) = AskedPath::from_request_parts(&mut parts, &()).await;
    let (origin, request) = (Origin::of(&parts), chosen_request(&parts));
    let (caller, admitted) = guard.admit(rule, &mut parts).await;
    let trail = Trail::default();
    let response = match admitted {
        Ok(()) => {
            parts.extensions.insert(caller.clone());
            parts.extensions.insert(trail.clone());
            next.run(Request::from_parts(parts, body)).await
        }
        Err(denied) => {
            let refused = guard.refuse(denied, rule, &origin, &path).into_response();
            // Who is nobody could fill the audit with refusals: those are counted in the log.
            if caller == Caller::Anonymous {
                return refused;
            }
            refused
        }
    };
    if let Some(action) = rule.action {
        let (noted, outcome) = (trail.noted(), outcome(&response));
        guard.record(Done { action, rule, caller, noted, outcome, path, origin, request }).await;
        guard.forget_after(rule);
    }
    response
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
    noted: Noted,
    outcome: AuditOutcome,
    path: String,
    origin: Origin,
    request: Option<CommandId>,
}

impl Guard {
    async fn record(&self, done: Done) {
        let Some(access) = self.access.as_ref().filter(|_| !done.noted.is_dry) else { return };
        let Done { action, rule, caller, noted, outcome, path, origin, request } = done;
        let claim = match rule.need {
            Need::Claim(claim) => Some(claim),
            Need::Nothing | Need::LogIn => None,
        };
        let Noted { object, before, after, .. } = noted;
        let action = AuditAction {
            at: access.now(),
            user: caller.name(),
            claim,
            action: action.to_owned(),
            object: if object.is_empty() { path } else { object },
            before: before.map(masked),
            after: after.map(masked),
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

fn outcome(response: &Response) -> AuditOutcome {
    let status = response.status();
    let detail = response.extensions().get::<Problem>().map(|it| it.detail.clone());
    let detail = detail.unwrap_or_else(|| status.to_string());
    match status {
        it if it.is_success() => AuditOutcome::Done,
        it if it.is_client_error() => AuditOutcome::Refused(detail),
        _ => AuditOutcome::Unknown(detail),
    }
}
