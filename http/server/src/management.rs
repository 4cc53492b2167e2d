//! The management server of an engine: health and the cluster, for probes and operators.
//!
//! It works while the rest of the engine waits for the cluster or for its database. Commands need a
//! token or a session, also from this machine, and are refused unless they are allowed.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Router};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::extract::{AskedPath, Fields};
use crate::guard::open;
use crate::health::{self, ReadyQuery};
use crate::layers::{self, Limits};
use crate::{Cluster, Deployments, Guard, cluster, deployments, openapi, overview, quota};

const NAME: &str = "management";

/// All routes of the management server.
pub fn router(
    cluster: Arc<dyn Cluster>,
    deployments: Arc<dyn Deployments>,
    guard: Guard,
    limits: Limits,
) -> Router {
    let (routes, _) = described().split_for_parts();
    let routes = routes
        .with_state(cluster)
        .merge(overview::document("/openapi.json", &document()))
        .fallback(unknown_path);
    let routes =
        quota::around(routes, limits).layer(Extension(deployments)).layer(Extension(guard));
    layers::around(routes, NAME, limits)
}

/// The OpenAPI document of the management server.
pub fn document() -> OpenApi {
    let about = "The engine's weir.management.token. Reading needs none";
    openapi::completed(described().into_openapi(), about)
}

fn described() -> OpenApiRouter<Arc<dyn Cluster>> {
    let about = "Health of an engine, the cluster as it sees it, and what the cluster runs. Commands need a token, and are \
                 refused unless the engine allows them.";
    let of_cluster = cluster::reads().merge(cluster::commands()).merge(cluster::happenings());
    OpenApiRouter::with_openapi(openapi::document("Weir management", about))
        .routes(open(routes!(alive)))
        .routes(open(routes!(ready)))
        .nest("/cluster", of_cluster)
        .merge(deployments::routes())
}

/// Whether the process answers.
#[utoipa::path(get, path = "/alive", tag = "health", operation_id = "alive",
    responses((status = 200, description = "It answers", body = String)))]
async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the engine can do its work: it is a member that is up, and its store answers.
#[utoipa::path(get, path = "/ready", tag = "health", operation_id = "ready", params(ReadyQuery),
    responses(
        (status = 200, description = "It is ready", body = String),
        (status = 503, description = "It is not, with what is wrong", body = String),
    ))]
async fn ready(
    State(cluster): State<Arc<dyn Cluster>>,
    Fields(query): Fields<ReadyQuery>,
) -> Response {
    health::readiness((&cluster.readiness().await, &cluster.warnings()), &query)
}

async fn unknown_path(AskedPath(path): AskedPath) -> Error {
    Error::UnknownManagementPath { path }
}
