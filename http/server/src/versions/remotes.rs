//! Remotes of projects, and what goes over networks: operations, since a remote takes as long as it takes.
//!
//! Credentials come in here and never go out; they are read by an extractor that repeats nothing of a body.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{ProjectName, UserClaim};
use weir_http_api::{
    AddressedCredentials, ListQuery, OperationView, Page, Problem, ProjectClone, RemoteAdd,
    RemotePull, RemotePush, RemoteView,
};

use super::{Asked, VersionRefusal, Versions};
use crate::error::Error;
use crate::extract::{Body, Confidential, Fields, Nothing, Part, Two};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::operations::{Begin, Ended, Operations, written};

pub(super) fn routes() -> OpenApiRouter<Asked> {
    let write = |action, routes| command(UserClaim::ProjectWrite, action, routes);
    OpenApiRouter::default()
        .routes(read(UserClaim::ProjectRead, routes!(list)))
        .routes(write("remote add", routes!(add)))
        .routes(write("remote remove", routes!(remove)))
        .routes(write("remote set-credentials", routes!(set_credentials)))
        .routes(write("remote forget-credentials", routes!(forget_credentials)))
}

/// What goes over networks.
pub(crate) fn exchanges() -> OpenApiRouter<Exchanging> {
    let write = |action, routes| command(UserClaim::ProjectWrite, action, routes);
    OpenApiRouter::default()
        .routes(write("remote fetch", routes!(fetch)))
        .routes(write("remote pull", routes!(pull)))
        .routes(write("remote push", routes!(push)))
        .routes(write("project clone", routes!(clone)))
}

/// What a step over a network needs.
#[derive(Clone)]
pub(crate) struct Exchanging {
    pub(crate) versions: Arc<dyn Versions>,
    pub(crate) operations: Operations,
}

/// The remotes of the project.
#[utoipa::path(get, path = "/projects/{project}/remotes", tag = "versions", operation_id = "listRemotes",
    params(("project" = String, Path, description = "The project's name"), ListQuery),
    responses(
        (status = 200, description = "All remotes", body = Page<RemoteView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn list(
    State(versions): State<Asked>,
    Part(project): Part<ProjectName>,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<RemoteView>>, Error> {
    lists::page(versions.remotes(project).await?, query).map(Json)
}

/// Adds a remote. Nothing is asked of it.
#[utoipa::path(post, path = "/projects/{project}/remotes", tag = "versions", operation_id = "addRemote",
    params(("project" = String, Path, description = "The project's name")),
    request_body = RemoteAdd,
    responses(
        (status = 200, description = "The remote", body = RemoteView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn add(
    State(versions): State<Asked>,
    trail: Trail,
    Part(project): Part<ProjectName>,
    Confidential(new): Confidential<RemoteAdd>,
) -> Result<Json<RemoteView>, Error> {
    trail.about("remote", format!("{project}/{}", new.name));
    let added = versions.remote_add(project, new).await?;
    trail.after(&added);
    Ok(Json(added))
}

/// Forgets a remote, what is known of its branches, and its credentials.
#[utoipa::path(delete, path = "/projects/{project}/remotes/{remote}", tag = "versions", operation_id = "removeRemote",
    params(("project" = String, Path, description = "The project's name"), ("remote" = String, Path, description = "The remote's name")),
    responses(
        (status = 200, description = "The remote as it was", body = RemoteView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn remove(
    State(versions): State<Asked>,
    trail: Trail,
    Two(project, remote): Two<ProjectName, String>,
) -> Result<Json<RemoteView>, Error> {
    trail.about("remote", format!("{project}/{remote}"));
    let gone = versions.remote_remove(project, remote).await?;
    trail.before(&gone);
    Ok(Json(gone))
}

/// Gives the remote other credentials. They are for the address that is told with them: if the remote leads elsewhere by
/// now, nothing is kept (412).
#[utoipa::path(put, path = "/projects/{project}/remotes/{remote}/credentials", tag = "versions", operation_id = "setRemoteCredentials",
    params(("project" = String, Path, description = "The project's name"), ("remote" = String, Path, description = "The remote's name")),
    request_body = AddressedCredentials,
    responses(
        (status = 200, description = "The remote", body = RemoteView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn set_credentials(
    State(versions): State<Asked>,
    trail: Trail,
    Two(project, remote): Two<ProjectName, String>,
    Confidential(credentials): Confidential<AddressedCredentials>,
) -> Result<Json<RemoteView>, Error> {
    trail.about("remote", format!("{project}/{remote}"));
    let set = versions.remote_credentials(project, remote, Some(credentials)).await?;
    trail.after(&set);
    Ok(Json(set))
}

/// Forgets the credentials of a remote.
#[utoipa::path(delete, path = "/projects/{project}/remotes/{remote}/credentials", tag = "versions", operation_id = "forgetRemoteCredentials",
    params(("project" = String, Path, description = "The project's name"), ("remote" = String, Path, description = "The remote's name")),
    responses(
        (status = 200, description = "The remote", body = RemoteView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn forget_credentials(
    State(versions): State<Asked>,
    trail: Trail,
    Two(project, remote): Two<ProjectName, String>,
) -> Result<Json<RemoteView>, Error> {
    trail.about("remote", format!("{project}/{remote}"));
    let left = versions.remote_credentials(project, remote, None).await?;
    trail.after(&left);
    Ok(Json(left))
}

/// Learns where the branches of a remote are. The result is what moved.
#[utoipa::path(post, path = "/projects/{project}/remotes/{remote}/fetch", tag = "versions", operation_id = "fetchRemote",
    params(("project" = String, Path, description = "The project's name"), ("remote" = String, Path, description = "The remote's name"), Once),
    responses(
        (status = 202, description = "It has begun: the operation `fetch`", body = OperationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn fetch(
    State(exchanging): State<Exchanging>,
    caller: Caller,
    trail: Trail,
    key: Key,
    Two(project, remote): Two<ProjectName, String>,
    Nothing: Nothing,
) -> Result<Response, Error> {
    trail.about("remote", format!("{project}/{remote}"));
    let Exchanging { versions, operations } = exchanging;
    let id = key.chosen(&caller, "remote fetch", &(&project, &remote));
    let begin = Begin::of(("fetch", &["fetch"]), Some(&project), &caller, id);
    let work = async move |progress| result(versions.fetch(project, remote, progress).await);
    operations.accept(begin, work).await
}

/// Fetches, and merges a branch of the remote into the one that the project is on. The result tells conflicts; they are
/// decided by merging `remote/branch`.
#[utoipa::path(post, path = "/projects/{project}/remotes/{remote}/pull", tag = "versions", operation_id = "pullRemote",
    params(("project" = String, Path, description = "The project's name"), ("remote" = String, Path, description = "The remote's name"), Once),
    request_body = RemotePull,
    responses(
        (status = 202, description = "It has begun: the operation `pull`", body = OperationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn pull(
    State(exchanging): State<Exchanging>,
    caller: Caller,
    trail: Trail,
    key: Key,
    Two(project, remote): Two<ProjectName, String>,
    Body(request): Body<RemotePull>,
) -> Result<Response, Error> {
    trail.about("remote", format!("{project}/{remote}"));
    let Exchanging { versions, operations } = exchanging;
    let id = key.chosen(&caller, "remote pull", &(&project, &remote, &request));
    let begin = Begin::of(("pull", &["fetch", "merge"]), Some(&project), &caller, id);
    let by = caller.by();
    let work =
        async move |progress| result(versions.pull(project, remote, request, by, progress).await);
    operations.accept(begin, work).await
}

/// Sends a branch to the remote's branch of the same name. What the remote has and the project has not is never overwritten.
#[utoipa::path(post, path = "/projects/{project}/remotes/{remote}/push", tag = "versions", operation_id = "pushRemote",
    params(("project" = String, Path, description = "The project's name"), ("remote" = String, Path, description = "The remote's name"), Once),
    request_body = RemotePush,
    responses(
        (status = 202, description = "It has begun: the operation `push`", body = OperationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn push(
    State(exchanging): State<Exchanging>,
    caller: Caller,
    trail: Trail,
    key: Key,
    Two(project, remote): Two<ProjectName, String>,
    Body(request): Body<RemotePush>,
) -> Result<Response, Error> {
    trail.about("remote", format!("{project}/{remote}"));
    let Exchanging { versions, operations } = exchanging;
    let id = key.chosen(&caller, "remote push", &(&project, &remote, &request));
    let begin = Begin::of(("push", &["push"]), Some(&project), &caller, id);
    let work =
        async move |progress| result(versions.push(project, remote, request, progress).await);
    operations.accept(begin, work).await
}

/// Makes a project of what a remote has, in a directory of the server's own: all of it, or nothing.
#[utoipa::path(post, path = "/projects:clone", tag = "versions", operation_id = "cloneProject",
    params(Once),
    request_body = ProjectClone,
    responses(
        (status = 202, description = "It has begun: the operation `clone`", body = OperationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn clone(
    State(exchanging): State<Exchanging>,
    caller: Caller,
    trail: Trail,
    key: Key,
    Confidential(request): Confidential<ProjectClone>,
) -> Result<Response, Error> {
    trail.about("project", "new");
    let Exchanging { versions, operations } = exchanging;
    let id = key.chosen(&caller, "project clone", &request.address);
    let begin = Begin::of(("clone", &["clone", "open"]), None, &caller, id);
    let work = async move |progress| result(versions.clone_project(request, progress).await);
    operations.accept(begin, work).await
}

fn result(done: Result<impl Serialize, VersionRefusal>) -> Result<Value, Ended> {
    written(done?)
}
