//! Branches of projects, and merges of them. A merge answers with its conflicts, and has changed nothing
//! then; who decided them sends it again.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{ProjectName, UserClaim};
use weir_http_api::{
    BranchCreate, BranchDelete, BranchRename, BranchView, DryRun, ListQuery, MergeRequest,
    MergeView, Page, Problem, VersionStatus,
};

use super::{Asked, BranchEnd, Seen, SeenHeaders, tagged};
use crate::error::Error;
use crate::extract::{Body, Fields, Nothing, Part, Two};
use crate::guard::{Caller, Trail, command, read};
use crate::lists;
use axum::response::Response;

pub(super) fn routes() -> OpenApiRouter<Asked> {
    let write = |action, routes| command(UserClaim::ProjectWrite, action, routes);
    OpenApiRouter::default()
        .routes(read(UserClaim::ProjectRead, routes!(list)))
        .routes(write("branch create", routes!(create)))
        .routes(write("branch rename", routes!(rename)))
        .routes(write("branch delete", routes!(delete)))
        .routes(write("branch switch", routes!(switch)))
        .routes(write("version merge", routes!(merge)))
        .routes(write("version abort-merge", routes!(abort)))
}

/// The branches of the project, and those of its remotes as they were seen last.
#[utoipa::path(get, path = "/projects/{project}/branches", tag = "versions", operation_id = "listBranches",
    params(("project" = String, Path, description = "The project's name"), ListQuery),
    responses(
        (status = 200, description = "All branches", body = Page<BranchView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn list(
    State(versions): State<Asked>,
    Part(project): Part<ProjectName>,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<BranchView>>, Error> {
    lists::page(versions.branches(project).await?, query).map(Json)
}

/// Makes a branch. The project stays where it is.
#[utoipa::path(post, path = "/projects/{project}/branches", tag = "versions", operation_id = "createBranch",
    params(("project" = String, Path, description = "The project's name")),
    request_body = BranchCreate,
    responses(
        (status = 200, description = "The branch", body = BranchView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn create(
    State(versions): State<Asked>,
    trail: Trail,
    Part(project): Part<ProjectName>,
    Body(new): Body<BranchCreate>,
) -> Result<Json<BranchView>, Error> {
    trail.about("branch", format!("{project}/{}", new.name));
    let made = versions.branch_create(project, new).await?;
    trail.after(&made);
    Ok(Json(made))
}

/// Gives a branch another name.
#[utoipa::path(patch, path = "/projects/{project}/branches/{branch}", tag = "versions", operation_id = "renameBranch",
    params(("project" = String, Path, description = "The project's name"), ("branch" = String, Path, description = "The branch, as one segment")),
    request_body = BranchRename,
    responses(
        (status = 200, description = "The branch", body = BranchView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn rename(
    State(versions): State<Asked>,
    trail: Trail,
    Two(project, branch): Two<ProjectName, String>,
    Body(BranchRename { name }): Body<BranchRename>,
) -> Result<Json<BranchView>, Error> {
    trail.about("branch", format!("{project}/{branch}"));
    let renamed = versions.branch_rename(project, branch, name).await?;
    trail.after(&renamed);
    Ok(Json(renamed))
}

/// Deletes a branch that the project's branch has all of; by force any other but that one.
#[utoipa::path(delete, path = "/projects/{project}/branches/{branch}", tag = "versions", operation_id = "deleteBranch",
    params(("project" = String, Path, description = "The project's name"), ("branch" = String, Path, description = "The branch, as one segment"), BranchDelete, SeenHeaders),
    responses(
        (status = 200, description = "The branch as it was", body = BranchView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn delete(
    State(versions): State<Asked>,
    trail: Trail,
    Two(project, branch): Two<ProjectName, String>,
    Fields(BranchDelete { force }): Fields<BranchDelete>,
    seen: Result<Seen, Error>,
) -> Result<Json<BranchView>, Error> {
    trail.about("branch", format!("{project}/{branch}"));
    let how = match force {
        true => BranchEnd::At(seen?.0.ok_or(Error::Unconditional)?),
        false => BranchEnd::IfMerged,
    };
    let gone = versions.branch_delete(project, branch, how).await?;
    trail.before(&gone);
    Ok(Json(gone))
}

/// Goes to another branch. Changes that are not committed come along, or it is refused.
#[utoipa::path(post, path = "/projects/{project}/branches/{branch}/switch", tag = "versions", operation_id = "switchBranch",
    params(("project" = String, Path, description = "The project's name"), ("branch" = String, Path, description = "The branch, as one segment")),
    responses(
        (status = 200, description = "The status", body = VersionStatus),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn switch(
    State(versions): State<Asked>,
    trail: Trail,
    Two(project, branch): Two<ProjectName, String>,
    Nothing: Nothing,
) -> Result<Response, Error> {
    trail.about("branch", format!("{project}/{branch}"));
    Ok(tagged(versions.branch_switch(project, branch).await?))
}

/// Merges a branch into the one that the project is on: assets by field, other texts by lines. With conflicts nothing is
/// changed; they are to be decided, each with the two versions that they are of.
#[utoipa::path(post, path = "/projects/{project}/versions:merge", tag = "versions", operation_id = "mergeBranch",
    params(("project" = String, Path, description = "The project's name"), DryRun),
    request_body = MergeRequest,
    responses(
        (status = 200, description = "What it came to", body = MergeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn merge(
    State(versions): State<Asked>,
    caller: Caller,
    trail: Trail,
    Part(project): Part<ProjectName>,
    Fields(DryRun { dry_run }): Fields<DryRun>,
    Body(request): Body<MergeRequest>,
) -> Result<Json<MergeView>, Error> {
    trail.about("branch", format!("{project}/{}", request.branch)).dry(dry_run);
    let merged = match dry_run {
        true => versions.merge_foreseen(project, request, caller.by()).await?,
        false => versions.merge(project, request, caller.by()).await?,
    };
    trail.after(&merged);
    Ok(Json(merged))
}

/// Undoes a merge that another program has begun in the project's files.
#[utoipa::path(post, path = "/projects/{project}/versions:abort-merge", tag = "versions", operation_id = "abortMerge",
    params(("project" = String, Path, description = "The project's name")),
    responses(
        (status = 200, description = "The status", body = VersionStatus),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn abort(
    State(versions): State<Asked>,
    trail: Trail,
    Part(project): Part<ProjectName>,
    Nothing: Nothing,
) -> Result<Response, Error> {
    trail.about("project", &project);
    Ok(tagged(versions.merge_abort(project).await?))
}
