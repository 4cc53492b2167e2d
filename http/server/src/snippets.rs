//! Snippets of a project: put into its workflows, and made of their stages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{ProjectName, UserClaim};
use weir_http_api::{AssetView, Problem, SnippetCut, SnippetInsert, SnippetInserted};

use crate::Projects;
use crate::assets::{Known, Read};
use crate::error::Error;
use crate::extract::{Body, Two};
use crate::guard::{Trail, command};

pub(crate) fn routes() -> OpenApiRouter<Arc<dyn Projects>> {
    OpenApiRouter::default()
        .routes(command(UserClaim::ProjectWrite, "snippet insert", routes!(insert)))
        .routes(command(UserClaim::ProjectWrite, "snippet create", routes!(cut)))
}

/// Puts the stages of a snippet into a workflow that was read, under names that are free there. What the snippet
/// leaves open is fed as it is asked for; what is still open is among the findings.
#[utoipa::path(post, path = "/projects/{project}/assets/{asset}/insert", tag = "projects", operation_id = "insertSnippet",
    params(("project" = String, Path, description = "The project's name"), ("asset" = String, Path, description = "The workflow's path, as one segment"), Read),
    request_body = SnippetInsert,
    responses(
        (status = 200, description = "The workflow, and what its new stages are called", body = SnippetInserted),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn insert(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    Two(project, asset): Two<ProjectName, String>,
    Known(read): Known,
    Body(request): Body<SnippetInsert>,
) -> Result<Json<SnippetInserted>, Error> {
    trail.about("asset", format!("{project}/{asset}")).before(&request).dry(request.dry_run);
    let inserted = projects.snippet_insert(project, asset, request, read).await?;
    trail.after(&inserted.workflow.asset);
    Ok(Json(inserted))
}

/// Makes a snippet of stages of a workflow that was read, which stays as it is.
#[utoipa::path(post, path = "/projects/{project}/assets/{asset}/snippet", tag = "projects", operation_id = "createSnippet",
    params(("project" = String, Path, description = "The project's name"), ("asset" = String, Path, description = "The workflow's path, as one segment"), Read),
    request_body = SnippetCut,
    responses(
        (status = 200, description = "The snippet", body = AssetView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn cut(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    Two(project, asset): Two<ProjectName, String>,
    Known(read): Known,
    Body(request): Body<SnippetCut>,
) -> Result<Json<AssetView>, Error> {
    trail.about("asset", format!("{project}/{asset}")).before(&request).dry(request.dry_run);
    let made = projects.snippet_cut(project, asset, request, read).await?;
    trail.after(&made.asset);
    Ok(Json(made))
}
