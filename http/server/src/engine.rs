//! The engine's REST API: cluster, nodes, workflows, streams and items, as this engine knows them.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::{Extension, Router};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Fields;
use crate::health::{self, ReadyQuery};
use crate::layers::{self, Limits};
use crate::version::{self, ServerName};
use crate::{
    Cluster, Engine, Writes, cluster, items, nodes, openapi, overview, streams, workflows,
};

const NAME: &str = "reactive-engine";

/// What the handlers ask.
#[derive(Clone)]
pub(crate) struct Asked {
    engine: Arc<dyn Engine>,
    cluster: Arc<dyn Cluster>,
}

impl FromRef<Asked> for Arc<dyn Engine> {
    fn from_ref(asked: &Asked) -> Self {
        asked.engine.clone()
    }
}

impl FromRef<Asked> for Arc<dyn Cluster> {
    fn from_ref(asked: &Asked) -> Self {
        asked.cluster.clone()
    }
}

/// All routes of an engine that takes commands from its own machine, and as `writes` says.
pub fn router(
    engine: Arc<dyn Engine>,
    cluster: Arc<dyn Cluster>,
    writes: Writes,
    limits: Limits,
) -> Router {
    let (routes, _) = described().split_for_parts();
    let routes = routes
        .with_state(Asked { engine, cluster })
        .merge(overview::document(overview::DOCUMENT, &document()))
        .fallback(overview::unknown_path)
        .layer(Extension(writes.or_from_here()))
        .layer(Extension(ServerName(NAME)));
    layers::around(routes, NAME, limits)
}

/// The OpenAPI document of the engine.
pub fn document() -> OpenApi {
    openapi::with_token(described().into_openapi(), openapi::TOKEN_ELSEWHERE)
}

fn described() -> OpenApiRouter<Asked> {
    let about = "What runs on an engine of a Weir cluster, and what ran. Commands are taken from the \
                 engine's machine, from elsewhere with its token.";
    OpenApiRouter::with_openapi(openapi::document("Weir engine", about))
        .routes(routes!(health::livez))
        .routes(routes!(readyz))
        .nest("/api/v1", passed_on().routes(routes!(version::show)))
        .nest("/api/v1/cluster", OpenApiRouter::default().routes(routes!(cluster::events::follow)))
}

/// What the configuration server passes on.
pub(crate) fn passed_on() -> OpenApiRouter<Asked> {
    OpenApiRouter::default()
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::show))
        .routes(routes!(workflows::list))
        .routes(routes!(workflows::show))
        .routes(routes!(streams::list))
        .routes(routes!(streams::show))
        .routes(routes!(streams::log))
        .routes(routes!(items::list))
        .routes(routes!(items::reset))
        .nest("/cluster", cluster::reads())
}

/// Whether the engine can do its work.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readyz", params(ReadyQuery),
    responses(
        (status = 200, description = "It is ready", body = String),
        (status = 503, description = "It is not, with what is wrong", body = String),
    ))]
async fn readyz(
    State(engine): State<Arc<dyn Engine>>,
    Fields(query): Fields<ReadyQuery>,
) -> Response {
    health::readiness(&engine.readiness().await, &query)
}
