//! Deployments: what the cluster runs. On the management server, since changing it needs a token.

use std::sync::Arc;

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{ProjectName, UserClaim};
use weir_http_api::{DeploymentPreview, DeploymentRequest, DeploymentView, DryRun, Page, Problem};

use crate::error::Error;
use crate::extract::{Body, Fields, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::{Cluster, Deployments};

type Shared = Extension<Arc<dyn Deployments>>;

pub(crate) fn routes() -> OpenApiRouter<Arc<dyn Cluster>> {
    OpenApiRouter::default()
        .routes(read(UserClaim::DeploymentRead, routes!(list)))
        .routes(command(UserClaim::DeploymentWrite, "deployment apply", routes!(deploy)))
        .routes(read(UserClaim::DeploymentRead, routes!(preview)))
        .routes(command(UserClaim::DeploymentWrite, "deployment withdraw", routes!(withdraw)))
}

/// What the cluster is to run.
#[utoipa::path(get, path = "/deployments", tag = "deployments", operation_id = "listDeployments",
    responses(
        (status = 200, description = "All deployments, by project", body = Page<DeploymentView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    Extension(deployments): Shared,
) -> Result<Json<Page<DeploymentView>>, Error> {
    Ok(Json(Page::whole(deployments.list().await?)))
}

/// Makes this the content of the project that all engines run. What is deployed already changes
/// nothing. Done when it is written down; the engines follow at once.
#[utoipa::path(put, path = "/deployments/{project}", tag = "deployments", operation_id = "deploy",
    params(("project" = String, Path, description = "The project's name"), Once),
    request_body = DeploymentRequest,
    responses(
        (status = 200, description = "The deployment", body = DeploymentView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn deploy(
    trail: Trail,
    caller: Caller,
    key: Key,
    Extension(deployments): Shared,
    Part(project): Part<ProjectName>,
    Body(request): Body<DeploymentRequest>,
) -> Result<Json<DeploymentView>, Error> {
    trail.about("deployment", &project);
    let named = key.chosen(&caller, "deployment apply", &(&project, &request));
    let deployed = deployments.deploy(project, request, named).await?;
    trail.after(&deployed);
    let (project, digest) = (&deployed.project, &deployed.digest);
    tracing::info!(code = "WEIR-07123", %project, digest, "deployed by management");
    Ok(Json(deployed))
}

/// What deploying this would start, restart and stop, on every node. It is refused as deploying would be,
/// and changes nothing.
#[utoipa::path(post, path = "/deployments/{project}/preview", tag = "deployments", operation_id = "previewDeploy",
    params(("project" = String, Path, description = "The project's name")),
    request_body = DeploymentRequest,
    responses(
        (status = 200, description = "What would happen", body = DeploymentPreview),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn preview(
    Extension(deployments): Shared,
    Part(project): Part<ProjectName>,
    Body(request): Body<DeploymentRequest>,
) -> Result<Json<DeploymentPreview>, Error> {
    Ok(Json(deployments.preview(project, request).await?))
}

/// Runs nothing of the project any more.
#[utoipa::path(delete, path = "/deployments/{project}", tag = "deployments", operation_id = "withdraw",
    params(("project" = String, Path, description = "The project's name"), DryRun),
    responses(
        (status = 200, description = "What was deployed", body = DeploymentView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn withdraw(
    trail: Trail,
    Extension(deployments): Shared,
    Part(project): Part<ProjectName>,
    Fields(DryRun { dry_run }): Fields<DryRun>,
) -> Result<Json<DeploymentView>, Error> {
    trail.about("deployment", &project).dry(dry_run);
    let known = deployments.list().await?;
    let Some(deployed) = known.iter().find(|it| it.project == project).cloned() else {
        let known = known.iter().map(|it| it.project.as_str());
        return Err(Error::not_found("deployment", &project, known));
    };
    trail.before(&deployed);
    if dry_run {
        return Ok(Json(deployed));
    }
    deployments.withdraw(project).await?;
    tracing::info!(code = "WEIR-07124", project = %deployed.project, "withdrawn by management");
    Ok(Json(deployed))
}
