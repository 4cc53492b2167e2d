//! The engine's REST API: cluster, nodes, workflows, streams and items, as this engine knows them.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::{Extension, Router};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::UserClaim;
use weir_http_api::LimitsView;

use crate::extract::Fields;
use crate::guard::{command, open, read};
use crate::health::{self, ReadyQuery};
use crate::layers::{self, BodyBound, Limits};
use crate::live::Views;
use crate::version::{self, ServerName};
use crate::{
    Cluster, Engine, Guard, alarms, assignments, audit, canary, cluster, item_history, items, keys,
    letters, live, log_in, logs, nodes, openapi, overview, provider, quota, replays, resources,
    roles, savepoints, scheduler, sessions, sniff, steering, stored, streams, sweeps, trust, users,
    workflows,
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

/// All routes of an engine, for those whom the guard lets in. `Storages::beside` adds what those about
/// keys, users, the audit and the schedule ask.
pub fn router(
    engine: Arc<dyn Engine>,
    cluster: Arc<dyn Cluster>,
    guard: Guard,
    limits: Limits,
) -> Router {
    let asked = passed_on().merge(people());
    let views = OpenApiRouter::default().nest("/api/v1", asked).split_for_parts().0;
    let asked = Asked { engine, cluster: cluster.clone() };
    let now = Arc::new(move || cluster.now());
    let views = Views::of(views.with_state(asked.clone()), now);
    let live = followed().split_for_parts().0.with_state(views);
    let routes = described().split_for_parts().0.with_state(asked.clone()).merge(live);
    let uploads = uploads().split_for_parts().0.with_state(asked);
    let routes = layers::bounded(routes, limits)
        // They have bounds of their own.
        .merge(uploads)
        .merge(overview::document(overview::DOCUMENT, &document()))
        .fallback(overview::unknown_path);
    let routes =
        quota::around(routes, limits).layer(Extension(guard)).layer(Extension(ServerName(NAME)));
    layers::outside(routes.layer(Extension(takes(limits))), NAME)
}

/// What it takes at most.
fn takes(limits: Limits) -> LimitsView {
    LimitsView {
        body_bytes: BodyBound::of(limits, 0).max.0,
        upload_bytes: weir_package::Limits::default().package_bytes_max.0,
        import_bytes: None,
        sample_bytes: None,
    }
}

/// The OpenAPI document of the engine.
pub fn document() -> OpenApi {
    let document = described().merge(uploads()).into_openapi();
    let document = document.merge_from(followed().into_openapi());
    openapi::completed(document, openapi::TOKEN_ELSEWHERE)
}

fn described() -> OpenApiRouter<Asked> {
    let about = "What runs on an engine of a Weir cluster, and what ran; its keys, users and audit. Each \
                 operation names the claim that it needs.";
    OpenApiRouter::with_openapi(openapi::document("Weir engine", about))
        .routes(open(routes!(health::livez)))
        .routes(open(routes!(readyz)))
        .nest("/api/v1", passed_on().merge(people()).routes(open(routes!(version::show))))
        .nest("/api/v1/cluster", cluster::happenings())
}

/// What is longer, and takes longer, than other requests.
fn uploads() -> OpenApiRouter<Asked> {
    OpenApiRouter::default().nest("/api/v1", stored::uploads())
}

/// What goes on until whoever reads it has enough.
pub(crate) fn followed() -> OpenApiRouter<Views> {
    OpenApiRouter::default().nest("/api/v1", live::routes().merge(logs::followed()))
}

/// Who may do what, and what they did: of each server that has users.
pub(crate) fn people<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .merge(log_in::routes())
        .merge(provider::routes())
        .merge(users::routes())
        .merge(roles::routes())
        .merge(sessions::routes())
        .merge(audit::routes())
}

/// What the configuration server passes on.
pub(crate) fn passed_on() -> OpenApiRouter<Asked> {
    OpenApiRouter::default()
        .routes(read(UserClaim::ClusterRead, routes!(nodes::list)))
        .routes(read(UserClaim::ClusterRead, routes!(nodes::show)))
        .routes(read(UserClaim::WorkflowRead, routes!(workflows::list)))
        .routes(read(UserClaim::WorkflowRead, routes!(workflows::show)))
        .routes(command(UserClaim::StreamSniff, "stream sniff", routes!(sniff::sniff)))
        .routes(read(UserClaim::StreamRead, routes!(streams::list)))
        .routes(read(UserClaim::StreamRead, routes!(streams::show)))
        .routes(read(UserClaim::StreamRead, routes!(streams::log)))
        .routes(read(UserClaim::AccessRead, routes!(items::list)))
        .routes(read(UserClaim::AccessRead, routes!(items::sources)))
        .routes(read(UserClaim::AccessRead, routes!(item_history::history)))
        .merge(sweeps::routes())
        .nest("/cluster", cluster::reads().merge(cluster::moves()))
        .merge(scheduler::routes())
        .merge(steering::routes())
        .merge(savepoints::routes())
        .merge(letters::routes())
        .merge(replays::routes())
        .merge(stored::routes())
        .merge(assignments::routes())
        .merge(canary::routes())
        .merge(keys::routes())
        .merge(trust::routes())
        .merge(resources::routes())
        .merge(alarms::routes())
        .merge(logs::routes())
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
    health::readiness((&engine.readiness().await, &engine.warnings()), &query)
}
