//! Roles: sets of claims with a scope.

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::users::Role;
use weir_domain::{RoleName, UserClaim};
use weir_http_api::{ListQuery, Page, Problem, RoleChange, RoleCreate, RoleView};

use crate::error::Error;
use crate::extract::{Body, Fields, IfMatch, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::storages::{Known, People};
use crate::users::since_deleted;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let write = UserClaim::UserWrite;
    OpenApiRouter::default()
        .routes(read(UserClaim::UserRead, routes!(list)))
        .routes(command(write, "role create", routes!(create)))
        .routes(read(UserClaim::UserRead, routes!(show)))
        .routes(command(write, "role set", routes!(change)))
        .routes(command(write, "role delete", routes!(delete)))
}

/// All roles: the built-in ones, then others by name.
#[utoipa::path(get, path = "/roles", tag = "users", operation_id = "listRoles",
    params(ListQuery),
    responses(
        (status = 200, description = "All of them", body = Page<RoleView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    Extension(storages): Known,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<RoleView>>, Error> {
    lists::page(storages.users.roles().await?.into_iter().map(view), query).map(Json)
}

/// One role.
#[utoipa::path(get, path = "/roles/{name}", tag = "users", operation_id = "showRole",
    params(("name" = String, Path, description = "The role's name")),
    responses(
        (status = 200, description = "The role", body = RoleView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    Extension(storages): Known,
    Part(name): Part<RoleName>,
) -> Result<Json<RoleView>, Error> {
    find(&storages, &name).await.map(Json)
}

/// Makes a role of one's own.
#[utoipa::path(post, path = "/roles", tag = "users", operation_id = "createRole",
    params(Once),
    request_body = RoleCreate,
    responses(
        (status = 200, description = "The role", body = RoleView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Body(request): Body<RoleCreate>,
) -> Result<Json<RoleView>, Error> {
    let sender = once.sender(&storages.system, &caller, "role create", &request);
    let RoleCreate { name, description, claims, scope } = request;
    trail.about("role", &name);
    let role = Role { name: name.clone(), description, claims, scope, revision: 0 };
    storages.users.create_role(role, sender).await?;
    let made = find(&storages, &name).await.map_err(|it| since_deleted(it, "role", &name))?;
    trail.after(&made);
    Ok(Json(made))
}

/// Changes a role, for all who have it, at once.
#[utoipa::path(put, path = "/roles/{name}", tag = "users", operation_id = "changeRole",
    params(("name" = String, Path, description = "The role's name"), ("if-match" = Option<u64>, Header, description = "The revision that was read: another one is refused"), Once),
    request_body = RoleChange,
    responses(
        (status = 200, description = "The role", body = RoleView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Part(name): Part<RoleName>,
    IfMatch(expected): IfMatch,
    Body(request): Body<RoleChange>,
) -> Result<Json<RoleView>, Error> {
    trail.about("role", &name).before(&find(&storages, &name).await?);
    let sender = once.sender(&storages.system, &caller, "role set", &(&name, &request));
    let RoleChange { description, claims, scope } = request;
    let role = Role { name: name.clone(), description, claims, scope, revision: 0 };
    storages.users.change_role(role, expected, sender).await?;
    let changed = find(&storages, &name).await?;
    trail.after(&changed);
    Ok(Json(changed))
}

/// Deletes a role, and takes it from all who have it.
#[utoipa::path(delete, path = "/roles/{name}", tag = "users", operation_id = "deleteRole",
    params(("name" = String, Path, description = "The role's name"), ("if-match" = Option<u64>, Header, description = "The revision that was read: another one is refused"), Once),
    responses(
        (status = 200, description = "What is deleted; null: the same command deleted it before", body = Option<RoleView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Known,
    Part(name): Part<RoleName>,
    IfMatch(expected): IfMatch,
) -> Result<Json<Option<RoleView>>, Error> {
    let sender = once.sender(&storages.system, &caller, "role delete", &name);
    trail.about("role", &name);
    // Asked first: by now there may be another one of that name, which is not what was deleted.
    if storages.users.recalls(sender.command).await? {
        return Ok(Json(None));
    }
    let deleted = find(&storages, &name).await?;
    trail.before(&deleted);
    storages.users.delete_role(name, expected, sender).await?;
    Ok(Json(Some(deleted)))
}

async fn find(storages: &People, name: &RoleName) -> Result<RoleView, Error> {
    let roles = storages.users.roles().await?;
    let known = || roles.iter().map(|it| it.name.as_str());
    let found = roles.iter().find(|it| it.name == *name).cloned();
    found.map(view).ok_or_else(|| Error::not_found("role", name, known()))
}

fn view(it: Role) -> RoleView {
    let Role { name, description, claims, scope, revision } = it;
    RoleView { name, description, claims, scope, revision }
}
