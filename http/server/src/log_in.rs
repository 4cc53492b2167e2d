//! Logging in and out, and what users do about themselves.

use std::collections::BTreeMap;

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::Sender;
use weir_controllers::users::{self, Failure, Identity, Rejection};
use weir_domain::{Claims, Extent, TokenId, UserClaim};
use weir_http_api::{
    ListQuery, LogIn, LoggedIn, Me, Page, PasswordChange, Problem, SetUp, TokenCreate,
    TokenCreated, TokenView, Via,
};

use crate::error::Error;
use crate::extract::{Body, Confidential, Fields, Part};
use crate::failures::of_log_in;
use crate::guard::{Attempted, Caller, Need, Trail, command, open, read, tried};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::origin::Client;
use crate::storages::Known;
use crate::users::{concealed, profile, secret};

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let own = UserClaim::ProfileWrite;
    OpenApiRouter::default()
        .routes(tried("user set-up", routes!(set_up)))
        .routes(tried("user log-in", routes!(log_in)))
        .routes(command(Need::LogIn, "user log-out", routes!(log_out)))
        .routes(open(routes!(me)))
        .routes(command(Need::LogIn, "user password", routes!(change_password)))
        .routes(read(own, routes!(tokens)))
        .routes(command(own, "token create", routes!(create_token)))
        .routes(command(own, "token revoke", routes!(revoke_token)))
}

/// Makes the first administrator, with the secret that the engine wrote to its data directory.
#[utoipa::path(post, path = "/set-up", tag = "log-in", operation_id = "setUp",
    request_body = SetUp,
    responses(
        (status = 200, description = "It is there, and may log in"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn set_up(
    trail: Trail,
    Extension(storages): Known,
    Confidential(request): Confidential<SetUp>,
) -> Result<(), Error> {
    trail.about("user", &request.name);
    let about = (request.name, profile(request.profile));
    let (code, password) = (secret(&request.secret), secret(&request.password));
    let done = storages.users.set_up(&code, about, &password).await;
    // What else is refused comes from whoever has the secret.
    // Where somebody is set up already, there is no secret to try.
    if let Err(Failure::Rejected(Rejection::WrongSetUpSecret)) = &done {
        trail.attempted(Attempted::SetUp);
    }
    Ok(done?)
}

/// Begins a session. It ends after 12 hours, or when its user logs out. Who shows a session or token that is
/// good is not kept out by a flood of log-ins.
#[utoipa::path(post, path = "/log-in", tag = "log-in", operation_id = "logIn",
    request_body = LogIn,
    responses(
        (status = 200, description = "What to show from now on", body = LoggedIn),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn log_in(
    Client(from): Client,
    caller: Caller,
    trail: Trail,
    Extension(storages): Known,
    Confidential(request): Confidential<LogIn>,
) -> Result<Json<LoggedIn>, Error> {
    trail.about("user", &request.name);
    let name = request.name.clone();
    let from = (from, caller.identity().is_ok());
    let begun = storages.users.log_in(request.name, &secret(&request.password), from).await;
    let (token, identity) = begun.map_err(|it| {
        match &it {
            Failure::Rejected(Rejection::BadCredentials { is_user: true }) => {
                trail.attempted(Attempted::LogIn(name));
            }
            // The password was right.
            Failure::Rejected(Rejection::NotAdmitted { reason }) => {
                trail.because(reason).attempted(Attempted::LogIn(name));
            }
            _ => {}
        }
        of_log_in(it, storages.now())
    })?;
    let Identity { user, expires_at, must_change, .. } = identity;
    // Whoever it is: a directory knows people by more names than one.
    trail.about("user", &user);
    Ok(Json(LoggedIn { user, token: concealed(&token), expires_at, must_change }))
}

/// Ends the session that is shown.
#[utoipa::path(post, path = "/log-out", tag = "log-in", operation_id = "logOut",
    responses(
        (status = 200, description = "It has ended"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn log_out(
    caller: Caller,
    trail: Trail,
    Extension(storages): Known,
) -> Result<(), Error> {
    let Some(session) = caller.session() else {
        let detail = "what is shown is no session, and can't end".to_owned();
        let hint = Some("a token ends with `weir token revoke`".to_owned());
        return Err(Error::Conflict { detail, hint });
    };
    trail.about("session", session);
    let sender = Sender { user: caller.by(), command: storages.system.ids().command() };
    Ok(storages.users.end_session(session, sender).await?)
}

/// Who the server takes one for, and what one may do.
#[utoipa::path(get, path = "/me", tag = "log-in", operation_id = "showMe",
    responses(
        (status = 200, description = "Oneself", body = Me),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn me(caller: Caller) -> Json<Me> {
    let via = match &caller {
        Caller::Anonymous => Via::Nothing,
        Caller::Local(_) => Via::Machine,
        Caller::Operator => Via::ManagementToken,
        Caller::User(it) => match it.via {
            users::Via::Session(_) => Via::Session,
            users::Via::Token(_) => Via::Token,
            users::Via::Voucher => Via::Voucher,
        },
    };
    let nobody = Me {
        user: None,
        via,
        grants: Claims::new(),
        at_clusters: BTreeMap::new(),
        expires_at: None,
        must_change: false,
    };
    Json(match caller {
        Caller::Anonymous => nobody,
        Caller::Local(here) => Me { grants: all(|it| here.may(it)), ..nobody },
        Caller::Operator => Me { grants: all(|_| true), ..nobody },
        Caller::User(it) => {
            let Identity { user, grants, expires_at, must_change, .. } = *it;
            let at_clusters = grants.at_clusters().clone();
            let grants = grants.everywhere().clone();
            Me {
                user: Some(user),
                grants,
                at_clusters,
                expires_at: Some(expires_at),
                must_change,
                ..nobody
            }
        }
    })
}

fn all(may: impl Fn(UserClaim) -> bool) -> Claims {
    UserClaim::ALL.iter().filter(|it| may(**it)).map(|it| (*it, Extent::Everything)).collect()
}

/// Changes one's own password. All one's other sessions end. Whoever logged in may, and no token: it
/// could guess the password.
#[utoipa::path(post, path = "/me/password", tag = "log-in", operation_id = "changePassword",
    params(Once),
    request_body = PasswordChange,
    responses(
        (status = 200, description = "It is changed"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change_password(
    Client(from): Client,
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Confidential(request): Confidential<PasswordChange>,
) -> Result<(), Error> {
    let name = caller.identity()?.user.clone();
    trail.about("user", &name);
    let session = caller.session().ok_or_else(|| Error::from(Rejection::NeedsSession))?;
    if request.current == request.new {
        return Err(Error::Invalid {
            pointer: "/new".into(),
            reason: "it is the present password: choose another one".into(),
        });
    }
    let (current, new) = (secret(&request.current), secret(&request.new));
    let kept = (Some(session), from);
    let command = once.command(&storages.system, &caller, "password change", &name);
    let changed = storages.users.change_password(name, (&current, &new), kept, command).await;
    changed.map_err(|it| of_log_in(it, storages.now()))
}

/// One's own tokens.
#[utoipa::path(get, path = "/me/tokens", tag = "log-in", operation_id = "listMyTokens",
    params(ListQuery),
    responses(
        (status = 200, description = "All of them, oldest first", body = Page<TokenView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn tokens(
    caller: Caller,
    Extension(storages): Known,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<TokenView>>, Error> {
    let me = &caller.identity()?.user;
    let all = storages.users.tokens().await?;
    let mine = all.into_iter().filter(|it| it.user == *me).map(crate::sessions::token);
    lists::page(mine, query).map(Json)
}

/// Makes a token that allows what it names, where its user may do that. It is shown this once.
#[utoipa::path(post, path = "/me/tokens", tag = "log-in", operation_id = "createToken",
    params(Once),
    request_body = TokenCreate,
    responses(
        (status = 200, description = "The token", body = TokenCreated),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn create_token(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Body(request): Body<TokenCreate>,
) -> Result<Json<TokenCreated>, Error> {
    trail.after(&request);
    let TokenCreate { description, claims, scope, expires_at } = request;
    // When it expires is reckoned anew by who sends it again.
    let sent = (&description, &claims, &scope);
    let command = once.command(&storages.system, &caller, "token create", &sent);
    let identity = caller.identity()?;
    let grants = (claims, scope);
    let made = storages.users.create_token(identity, description, grants, expires_at, command);
    let (id, token) = made.await?;
    trail.about("token", id);
    Ok(Json(TokenCreated { id, token: concealed(&token) }))
}

/// Revokes one of one's own tokens.
#[utoipa::path(delete, path = "/me/tokens/{id}", tag = "log-in", operation_id = "revokeMyToken",
    params(("id" = String, Path, format = "uuid", description = "The token's id"), Once),
    responses(
        (status = 200, description = "It allows nothing any more"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn revoke_token(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Part(id): Part<TokenId>,
) -> Result<(), Error> {
    trail.about("token", id);
    let me = &caller.identity()?.user;
    let sender = once.sender(&storages.system, &caller, "own token revoke", &id);
    let all = storages.users.tokens().await?;
    match all.iter().any(|it| it.id == id && it.user == *me) {
        true => Ok(storages.users.revoke_token(id, sender).await?),
        false if storages.users.recalls(sender.command).await? => Ok(()),
        false => Err(Error::not_found("token", &id, [])),
    }
}
