//! Assets that projects take from one another.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{ProjectName, UserClaim};
use weir_http_api::{AssetCopy, AssetTake, AssetTaken, ListQuery, Page, Problem};

use crate::Projects;
use crate::error::Error;
use crate::extract::{Body, Fields, Part, Two};
use crate::guard::{Caller, Trail, command, read};
use crate::lists;

pub(crate) fn routes() -> OpenApiRouter<Arc<dyn Projects>> {
    OpenApiRouter::default()
        .routes(command(UserClaim::ProjectWrite, "asset take", routes!(take)))
        .routes(read(UserClaim::ProjectRead, routes!(copies)))
}

/// Takes an asset of another project, which the sender must be allowed to see, with all that it refers to. What is there already under the same kinds and
/// names must be the same, unless it is to be replaced; otherwise nothing is taken.
#[utoipa::path(post, path = "/projects/{project}/takes", tag = "projects", operation_id = "takeAsset",
    params(("project" = String, Path, description = "The name of the project that gets it")),
    request_body = AssetTake,
    responses(
        (status = 200, description = "What was taken", body = AssetTaken),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn take(
    State(projects): State<Arc<dyn Projects>>,
    (caller, trail): (Caller, Trail),
    Part(project): Part<ProjectName>,
    Body(request): Body<AssetTake>,
) -> Result<Json<AssetTaken>, Error> {
    trail.about("project", &project).before(&request);
    if !caller.may(UserClaim::ProjectRead, Some(&request.from)) {
        // Who may not see it is not told that it is there.
        return Err(Error::not_found("project", &request.from, []));
    }
    let taken = projects.asset_take(project, request).await?;
    trail.after(&taken);
    Ok(Json(taken))
}

/// Where other projects, of those that the sender may see, have an asset of the same kind and name, and whether
/// it is the same.
#[utoipa::path(get, path = "/projects/{project}/assets/{asset}/copies", tag = "projects", operation_id = "listAssetCopies",
    params(("project" = String, Path, description = "The project's name"), ("asset" = String, Path, description = "The asset's path, as one segment"), ListQuery),
    responses(
        (status = 200, description = "Every copy", body = Page<AssetCopy>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn copies(
    State(projects): State<Arc<dyn Projects>>,
    caller: Caller,
    Two(project, asset): Two<ProjectName, String>,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<AssetCopy>>, Error> {
    let mut copies = projects.asset_copies(project, asset).await?;
    copies.retain(|it| caller.may(UserClaim::ProjectRead, Some(&it.project)));
    lists::page(copies, query).map(Json)
}
