//! Tokens and sessions of all users.

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::users;
use weir_domain::{SessionId, TokenId, UserClaim};
use weir_http_api::{ListQuery, Page, Problem, SessionView, TokenView};

use crate::error::Error;
use crate::extract::{Fields, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::storages::Known;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .routes(read(UserClaim::UserRead, routes!(tokens)))
        .routes(command(UserClaim::UserWrite, "token revoke", routes!(revoke)))
        .routes(read(UserClaim::UserRead, routes!(sessions)))
        .routes(command(UserClaim::UserWrite, "session end", routes!(end)))
}

/// Tokens of all users, oldest first.
#[utoipa::path(get, path = "/tokens", tag = "users", operation_id = "listTokens",
    params(ListQuery),
    responses(
        (status = 200, description = "All of them", body = Page<TokenView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn tokens(
    Extension(storages): Known,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<TokenView>>, Error> {
    lists::page(storages.users.tokens().await?.into_iter().map(token), query).map(Json)
}

/// Revokes anybody's token.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "users", operation_id = "revokeToken",
    params(("id" = String, Path, format = "uuid", description = "The token's id"), Once),
    responses(
        (status = 200, description = "It allows nothing any more"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn revoke(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Part(id): Part<TokenId>,
) -> Result<(), Error> {
    trail.about("token", id);
    let sender = once.sender(&storages.system, &caller, "token revoke", &id);
    Ok(storages.users.revoke_token(id, sender).await?)
}

/// Sessions that have not ended, oldest first. The one that asks is marked.
#[utoipa::path(get, path = "/sessions", tag = "users", operation_id = "listSessions",
    params(ListQuery),
    responses(
        (status = 200, description = "All of them", body = Page<SessionView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn sessions(
    caller: Caller,
    Extension(storages): Known,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<SessionView>>, Error> {
    let all = storages.users.sessions().await?.into_iter();
    lists::page(
        all.map(|it| SessionView {
            current: caller.session() == Some(it.id),
            id: it.id,
            user: it.user,
            from: it.from,
            opened_at: it.opened_at,
            expires_at: it.expires_at,
        }),
        query,
    )
    .map(Json)
}

/// Ends anybody's session.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "users", operation_id = "endSession",
    params(("id" = String, Path, format = "uuid", description = "The session's id"), Once),
    responses(
        (status = 200, description = "It has ended"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn end(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Part(id): Part<SessionId>,
) -> Result<(), Error> {
    trail.about("session", id);
    let sender = once.sender(&storages.system, &caller, "session end", &id);
    Ok(storages.users.end_session(id, sender).await?)
}

pub(crate) fn token(it: users::TokenView) -> TokenView {
    TokenView {
        id: it.id,
        user: it.user,
        description: it.description,
        claims: it.claims,
        scope: it.scope,
        expires_at: it.expires_at,
        created_at: it.created.at,
        used_at: it.used_at,
    }
}
