//! Canaries: a deployment on a few nodes for a while, before it becomes the default.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::deployments::storage::{CanaryPlan, Change, Overview};
use weir_domain::{Millis, NodeStatus, UserClaim};
use weir_http_api::{CanaryStart, CanaryStatus, ChangeView, DryRun, Problem};

use crate::Engine;
use crate::error::Error;
use crate::extract::{Body, Fields};
use crate::guard::{Need, Trail, command, read};
use crate::idempotency::Once;
use crate::storages::Stored;
use crate::stored::{self, Asked, Expected};

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<dyn Engine>: FromRef<S>,
{
    let activates = Need::Within(UserClaim::DeploymentActivate);
    OpenApiRouter::default()
        .routes(read(UserClaim::DeploymentRead, routes!(show)))
        .routes(command(activates, "canary start", routes!(start)))
        .routes(command(activates, "canary promote", routes!(promote)))
        .routes(command(activates, "canary end", routes!(end)))
}

/// The canary that runs, with what its nodes do.
#[utoipa::path(get, path = "/canary", tag = "deployments", operation_id = "showCanary",
    responses(
        (status = 200, description = "The canary, if one runs", body = CanaryStatus),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(Extension(storages): Stored) -> Result<Json<CanaryStatus>, Error> {
    let Overview { revision, canary, canary_counts, nodes, recent, .. } =
        storages.deployments.overview().await?;
    let (records, errors) = canary_counts.map(|it| (it.records, it.errors)).unzip();
    let canary = canary.map(stored::canary);
    let takes_part = |it: &weir_domain::NodeName| {
        canary.as_ref().is_some_and(|canary| canary.nodes.contains(it))
    };
    let activations = nodes.into_iter().filter(|it| takes_part(&it.0));
    let activations = activations.map(|(node, it)| stored::activation(node, it)).collect();
    let recent = recent.into_iter().filter(|it| it.what.contains("canary"));
    let recent = recent.map(stored::recent).collect();
    Ok(Json(CanaryStatus { revision, canary, records, errors, activations, recent }))
}

/// Starts a deployment on some of the nodes that run the default. It becomes the default when it did
/// well for long enough, and ends when it does not.
#[utoipa::path(post, path = "/canary", tag = "deployments", operation_id = "startCanary",
    params(DryRun, Expected, Once),
    request_body = CanaryStart,
    responses(
        (status = 200, description = "What it changed", body = ChangeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn start(
    asked: Asked,
    trail: Trail,
    State(engine): State<Arc<dyn Engine>>,
    Extension(storages): Stored,
    Fields(dry): Fields<DryRun>,
    Body(request): Body<CanaryStart>,
) -> Result<Json<ChangeView>, Error> {
    trail.about("deployment", &request.tag);
    let nodes = engine.nodes().await?.into_iter();
    let up = nodes.filter(|it| it.status == NodeStatus::Up && !it.unreachable);
    let plan = CanaryPlan {
        tag: request.tag,
        nodes: request.nodes,
        candidates: up.map(|it| it.name).collect(),
        bake: Millis(request.bake_ms),
        errors_per_million_max: request.errors_per_million_max,
        records_min: request.records_min,
    };
    asked.change(&storages, &trail, dry, Change::StartCanary(plan)).await
}

/// Makes the canary's deployment the default before its time.
#[utoipa::path(post, path = "/canary:promote", tag = "deployments", operation_id = "promoteCanary",
    params(DryRun, Expected, Once),
    responses(
        (status = 200, description = "What it changed", body = ChangeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn promote(
    asked: Asked,
    trail: Trail,
    Extension(storages): Stored,
    Fields(dry): Fields<DryRun>,
) -> Result<Json<ChangeView>, Error> {
    trail.about("canary", "current");
    asked.change(&storages, &trail, dry, Change::PromoteCanary).await
}

/// Ends the canary: its nodes go back to the default.
#[utoipa::path(post, path = "/canary:end", tag = "deployments", operation_id = "endCanary",
    params(DryRun, Expected, Once),
    responses(
        (status = 200, description = "What it changed", body = ChangeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn end(
    asked: Asked,
    trail: Trail,
    Extension(storages): Stored,
    Fields(dry): Fields<DryRun>,
) -> Result<Json<ChangeView>, Error> {
    trail.about("canary", "current");
    asked.change(&storages, &trail, dry, Change::EndCanary).await
}
