//! `/livez` and `/readyz`, in plain text for probes and people.
//!
//! Alive means that the process answers; ready means that it can do its work now. What somebody should look at all
//! the same is said beside it, and makes nobody send elsewhere what would be done here.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ports::Checks;
use crate::problems::AsItIs;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadyQuery {
    /// List every check, also those that pass. Needs no value.
    #[param(required = false)]
    verbose: Option<String>,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/livez", tag = "health", operation_id = "livez",
    responses((status = 200, description = "It answers", body = String)))]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// The answer to a readiness probe: 200, or 503 with what is wrong.
pub(crate) fn readiness((checks, warnings): (&Checks, &[String]), query: &ReadyQuery) -> Response {
    let is_ready = checks.iter().all(|(_, check)| check.is_ok());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let text = if is_ready && query.verbose.is_none() { "ok\n".into() } else { listed(checks) };
    let warned: String = warnings.iter().map(|it| format!("[!] {it}\n")).collect();
    let mut response = (status, text + &warned).into_response();
    response.extensions_mut().insert(AsItIs);
    response
}

fn listed(checks: &Checks) -> String {
    let line = |(name, check): &(&str, Result<(), String>)| match check {
        Ok(()) => format!("[+] {name}: ok\n"),
        Err(why) => format!("[-] {name}: {why}\n"),
    };
    let failed = checks.iter().filter(|(_, check)| check.is_err()).count();
    let summary = match failed {
        0 => "ready\n".to_owned(),
        1 => "not ready: 1 check fails\n".to_owned(),
        n => format!("not ready: {n} checks fail\n"),
    };
    checks.iter().map(line).collect::<String>() + &summary
}
