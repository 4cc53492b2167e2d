//! Logging in at a provider: a browser is led there, comes back to the log-in page with a code, and the page
//! gives that for a session. What binds the two is in a cookie that no script reads; no address of ours ever
//! holds what a session is shown by.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{AppendHeaders, IntoResponse};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_cluster::ProxyError;
use weir_controllers::users::{Failure, Identity, Rejection};
use weir_http_api::{LoggedIn, Problem, ProviderBegun, ProviderFinish, WaysToLogIn};
use weir_secrets::Secret;

use crate::error::Error;
use crate::extract::{Confidential, Nothing};
use crate::failures::of_log_in;
use crate::guard::{Trail, open, tried};
use crate::origin::{Client, Encrypted};
use crate::storages::Known;
use crate::users::{concealed, secret};

const NAME: &str = "weir-log-in";
/// Where it is sent to, and nowhere else.
const PATH: &str = "/api/v1/log-in/provider";
/// As long as User Storage waits for the browser.
const SECONDS: u32 = 600;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .routes(open(routes!(ways)))
        .routes(tried("user log-in", routes!(begin)))
        .routes(tried("user log-in", routes!(finish)))
}

/// How people may log in here, and whether somebody was set up who could: nothing else is told to who is nobody.
#[utoipa::path(get, path = "/log-in", tag = "log-in", operation_id = "showWaysToLogIn",
    responses(
        (status = 200, description = "All ways", body = WaysToLogIn),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn ways(Extension(people): Known) -> Result<Json<WaysToLogIn>, Error> {
    let (provider, is_set_up) = futures::join!(people.users.provider(), people.users.is_set_up());
    let (provider, administrator) = match is_set_up {
        // Its host is of a version that does not know the question: who can set it up finds the way without it.
        Err(Failure::Proxy(ProxyError::Refused { .. })) => (provider?, true),
        is_set_up => (provider?, is_set_up?),
    };
    Ok(Json(WaysToLogIn { password: true, administrator, provider }))
}

/// Begins a log-in at the provider: a cookie binds it to the browser, which is to be led to `location`. It comes
/// back to the log-in page with `state` and `code`, or with `error`, within ten minutes.
#[utoipa::path(post, path = "/log-in/provider", tag = "log-in", operation_id = "beginLogInAtProvider",
    responses(
        (status = 200, description = "Where the browser is to be led to", body = ProviderBegun),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn begin(
    Client(from): Client,
    encrypted: Option<Extension<Encrypted>>,
    trail: Trail,
    Extension(people): Known,
    Nothing: Nothing,
) -> Result<impl IntoResponse, Error> {
    trail.unrecorded();
    let (location, kept, is_secure) = people.users.begin_at_provider(from).await?;
    let kept = kept.expose_text().unwrap_or_default();
    let secure = secure(is_secure || encrypted.is_some());
    let cookie =
        format!("{NAME}={kept}; Path={PATH}; Max-Age={SECONDS}; HttpOnly; SameSite=Lax{secure}");
    let header = AppendHeaders([(SET_COOKIE, sensitive(&cookie))]);
    Ok((header, Json(ProviderBegun { location })))
}

/// Begins a session for who comes back from the provider, in the browser that was led there, once.
#[utoipa::path(post, path = "/log-in/provider/finish", tag = "log-in", operation_id = "finishLogInAtProvider",
    request_body = ProviderFinish,
    responses(
        (status = 200, description = "What to show from now on", body = LoggedIn),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn finish(
    Client(from): Client,
    encrypted: Option<Extension<Encrypted>>,
    trail: Trail,
    Kept(kept): Kept,
    Extension(people): Known,
    Confidential(request): Confidential<ProviderFinish>,
) -> Result<impl IntoResponse, Error> {
    trail.about("user", "?");
    let kept = kept.ok_or_else(|| Error::from(Rejection::LogInExpired))?;
    let ProviderFinish { state, code, error } = request;
    let code = code.as_ref().map(secret);
    let code = code.as_ref().ok_or_else(|| word(&error.unwrap_or_default()));
    let state = state.expose().to_owned();
    let begun = people.users.finish_at_provider((state, &kept), code, from).await;
    let (token, identity) = begun.map_err(|it| {
        if let Failure::Rejected(Rejection::NotAdmitted { reason }) = &it {
            trail.because(reason);
        }
        of_log_in(it, people.now())
    })?;
    let Identity { user, expires_at, must_change, .. } = identity;
    trail.about("user", &user);
    let secure = secure(encrypted.is_some());
    let cookie = format!("{NAME}=; Path={PATH}; Max-Age=0; HttpOnly; SameSite=Lax{secure}");
    let header = AppendHeaders([(SET_COOKIE, sensitive(&cookie))]);
    Ok((header, Json(LoggedIn { user, token: concealed(&token), expires_at, must_change })))
}

/// What a browser shows over TLS alone.
fn secure(is_secure: bool) -> &'static str {
    if is_secure { "; Secure" } else { "" }
}

fn sensitive(cookie: &str) -> HeaderValue {
    let mut value = HeaderValue::try_from(cookie).expect("what is in it is plain text");
    value.set_sensitive(true);
    value
}

/// What a provider calls its refusal: a word of the standard, and nothing that a page wrote there.
fn word(text: &str) -> String {
    text.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '_').take(40).collect()
}

/// What the browser keeps that was led to the provider.
pub(crate) struct Kept(Option<Secret>);

impl<S: Send + Sync> FromRequestParts<S> for Kept {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(kept(&parts.headers).map(|it| Secret::from(it.to_owned()))))
    }
}

fn kept(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|it| it.to_str().ok());
    let mut each = all.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    each.find(|it| it.0 == NAME).map(|it| it.1).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_cookies_only_ours_is_looked_at() {
        let mut headers = HeaderMap::new();
        assert_eq!(kept(&headers), None);
        headers.append(COOKIE, HeaderValue::from_static("theirs=1; xweir-log-in=2"));
        assert_eq!(kept(&headers), None);
        headers.append(COOKIE, HeaderValue::from_static("a=b; weir-log-in=kept"));
        assert_eq!(kept(&headers), Some("kept"));
    }

    #[test]
    fn what_a_page_calls_an_error_is_a_word() {
        assert_eq!(word("access_denied\n<b>"), "access_deniedb");
    }
}
