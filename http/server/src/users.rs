//! The cluster's users.

use std::collections::BTreeSet;
use std::fmt::Display;

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::users::{self, Profile};
use weir_domain::{UserClaim, UserName};
use weir_http_api::{
    Concealed, ListQuery, Page, PasswordSet, Problem, ProfileView, UserChange, UserCreate,
    UserOrigin, UserView,
};
use weir_secrets::Secret;

use crate::error::Error;
use crate::extract::{Body, Confidential, Fields, IfMatch, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::storages::{Known, People};

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let write = UserClaim::UserWrite;
    OpenApiRouter::default()
        .routes(read(UserClaim::UserRead, routes!(list)))
        .routes(command(write, "user create", routes!(create)))
        .routes(read(UserClaim::UserRead, routes!(show)))
        .routes(command(write, "user set", routes!(change)))
        .routes(command(write, "user delete", routes!(delete)))
        .routes(command(write, "user password", routes!(set_password)))
        .routes(command(write, "session end", routes!(end_sessions)))
}

/// All users, by name.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "listUsers",
    params(ListQuery),
    responses(
        (status = 200, description = "All of them", body = Page<UserView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    Extension(storages): Known,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<UserView>>, Error> {
    lists::page(storages.users.users().await?.into_iter().map(view), query).map(Json)
}

/// One user.
#[utoipa::path(get, path = "/users/{name}", tag = "users", operation_id = "showUser",
    params(("name" = String, Path, description = "The user's name")),
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    Extension(storages): Known,
    Part(name): Part<UserName>,
) -> Result<Json<UserView>, Error> {
    find(&storages, &name).await.map(Json)
}

/// Makes a user, whose password must be changed at the first log-in.
#[utoipa::path(post, path = "/users", tag = "users", operation_id = "createUser",
    params(Once),
    request_body = UserCreate,
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Confidential(request): Confidential<UserCreate>,
) -> Result<Json<UserView>, Error> {
    let UserCreate { name, password, roles, profile: about } = request;
    trail.about("user", &name);
    let sent = (&name, &about, &roles);
    let sender = once.sender(&storages.system, &caller, "user create", &sent);
    let user = (name.clone(), profile(about));
    storages.users.create_user(user, roles, &secret(&password), sender).await?;
    let made = find(&storages, &name).await.map_err(|it| since_deleted(it, "user", &name))?;
    trail.after(&made);
    Ok(Json(made))
}

/// Changes what is given of a user. One who is disabled is logged out at once.
#[utoipa::path(patch, path = "/users/{name}", tag = "users", operation_id = "changeUser",
    params(("name" = String, Path, description = "The user's name"), ("if-match" = Option<u64>, Header, description = "The revision that was read: another one is refused"), Once),
    request_body = UserChange,
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Part(name): Part<UserName>,
    IfMatch(expected): IfMatch,
    Body(request): Body<UserChange>,
) -> Result<Json<UserView>, Error> {
    trail.about("user", &name).before(&find(&storages, &name).await?);
    let sender = once.sender(&storages.system, &caller, "user set", &(&name, &request));
    let change = users::UserChange {
        is_enabled: request.enabled,
        profile: request.profile.map(profile),
        roles: request.roles,
    };
    storages.users.change_user(name.clone(), change, expected, sender).await?;
    let changed = find(&storages, &name).await?;
    trail.after(&changed);
    Ok(Json(changed))
}

/// Deletes a user with all tokens and sessions.
#[utoipa::path(delete, path = "/users/{name}", tag = "users", operation_id = "deleteUser",
    params(("name" = String, Path, description = "The user's name"), ("if-match" = Option<u64>, Header, description = "The revision that was read: another one is refused"), Once),
    responses(
        (status = 200, description = "Who is deleted; null: the same command deleted the user before", body = Option<UserView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Part(name): Part<UserName>,
    IfMatch(expected): IfMatch,
) -> Result<Json<Option<UserView>>, Error> {
    let sender = once.sender(&storages.system, &caller, "user delete", &name);
    trail.about("user", &name);
    // Asked first: by now there may be another one of that name, which is not what was deleted.
    if storages.users.recalls(sender.command).await? {
        return Ok(Json(None));
    }
    let deleted = find(&storages, &name).await?;
    trail.before(&deleted);
    storages.users.delete_user(name, expected, sender).await?;
    Ok(Json(Some(deleted)))
}

/// Sets somebody's password, which must be changed at the next log-in. All sessions of the user end,
/// and the tokens are revoked.
#[utoipa::path(put, path = "/users/{name}/password", tag = "users", operation_id = "setPassword",
    params(("name" = String, Path, description = "The user's name"), Once),
    request_body = PasswordSet,
    responses(
        (status = 200, description = "It is set"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn set_password(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Part(name): Part<UserName>,
    Confidential(request): Confidential<PasswordSet>,
) -> Result<(), Error> {
    trail.about("user", &name);
    let sender = once.sender(&storages.system, &caller, "user password", &name);
    Ok(storages.users.set_password(name, &secret(&request.password), sender).await?)
}

/// Ends all sessions of a user.
#[utoipa::path(delete, path = "/users/{name}/sessions", tag = "users", operation_id = "endSessionsOf",
    params(("name" = String, Path, description = "The user's name"), Once),
    responses(
        (status = 200, description = "They have ended"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn end_sessions(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Part(name): Part<UserName>,
) -> Result<(), Error> {
    trail.about("user", &name);
    let sender = once.sender(&storages.system, &caller, "sessions end", &name);
    Ok(storages.users.end_sessions_of(name, sender).await?)
}

/// What was made by a command that is sent again, and is not there any more.
pub(crate) fn since_deleted(missing: Error, what: &str, name: &impl Display) -> Error {
    match missing {
        Error::NotFound { .. } => {
            let detail = format!("the {what} {name} was made by this command, and deleted since");
            Error::Conflict { detail, hint: None }
        }
        other => other,
    }
}

async fn find(storages: &People, name: &UserName) -> Result<UserView, Error> {
    let users = storages.users.users().await?;
    let known = || users.iter().map(|it| it.name.as_str());
    let found = users.iter().find(|it| it.name == *name).cloned();
    found.map(view).ok_or_else(|| Error::not_found("user", name, known()))
}

fn view(it: users::UserView) -> UserView {
    let (origin, group_roles) = match it.external {
        None => (UserOrigin::Local, BTreeSet::new()),
        Some(it) => (
            match it.origin {
                users::Origin::Ldap => UserOrigin::Ldap,
                users::Origin::Oidc => UserOrigin::Oidc,
            },
            it.roles,
        ),
    };
    let Profile { first_name, last_name, email, description } = it.profile;
    UserView {
        name: it.name,
        enabled: it.is_enabled,
        profile: ProfileView { first_name, last_name, email, description },
        roles: it.roles,
        must_change: it.must_change,
        password_at: it.password_at,
        created_at: it.created.at,
        created_by: it.created.user,
        revision: it.revision,
        logged_in_at: it.logged_in_at,
        failures: it.failures.count,
        origin,
        group_roles,
    }
}

pub(crate) fn profile(it: ProfileView) -> Profile {
    let ProfileView { first_name, last_name, email, description } = it;
    Profile { first_name, last_name, email, description }
}

/// What came in a body, as what is wiped and never shown.
pub(crate) fn secret(it: &Concealed) -> Secret {
    Secret::from(it.expose().to_owned())
}

/// What goes out in a body.
pub(crate) fn concealed(it: &Secret) -> Concealed {
    Concealed::new(it.expose_text().unwrap_or_default())
}
