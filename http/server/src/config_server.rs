//! The configuration server: projects, the operators' page, and the engine's API passed on.
//!
//! It moves no payload data and works without an engine: only what concerns running workflows needs
//! one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::UserClaim;

use crate::extract::Fields;
use crate::guard::{Need, Rule, open, read};
use crate::health::{self, ReadyQuery};
use crate::layers::{self, Limits};
use crate::version::{self, ServerName};
use crate::{Engines, Guard, Here, Projects, engine, forward, openapi, overview, projects, stored};

const NAME: &str = "config-server";
/// What is read and changed through an engine, below which the engine knows its ways.
const MANAGED: [&str; 16] = [
    "activations",
    "assignments",
    "audit",
    "canary",
    "certificates",
    "deployments",
    "keys",
    "known-hosts",
    "me",
    "nodes",
    "roles",
    "scheduler",
    "sessions",
    "tokens",
    "users",
    "workflows",
];
/// Commands to an engine that are about no single thing.
const ACTIONS: [&str; 24] = [
    "audit:seal",
    "canary:end",
    "canary:promote",
    "deployments:activate",
    "deployments:rollback",
    "items:clear",
    "items:reset",
    "keys:import",
    "keys:rewrap",
    "keys:rotate",
    "log-out",
    "resources:declare",
    "resources:release",
    "resources:renew",
    "resources:reserve",
    "resources:revoke",
    "scheduler:apply",
    "scheduler:preview",
    "secrets:seal",
    "streams:abort",
    "streams:pause",
    "streams:resume",
    "streams:shutdown",
    "streams:terminate",
];
/// It reads a project's files, and changes nothing.
const VALIDATE: Rule = Rule { need: Need::Claim(UserClaim::DeploymentRead), action: None };

/// Who sees the projects of a configuration server. It knows no users: those of the engines are let
/// in by the engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownTo {
    Everybody,
    /// Whoever is on its own machine.
    Here,
}

/// All routes of a configuration server that passes questions about what runs on to an engine.
pub fn router(
    projects: Arc<dyn Projects>,
    engines: impl Into<Engines>,
    shown_to: ShownTo,
    limits: Limits,
) -> Router {
    let guard = Guard::closed().or_from_here(Here::Everything);
    let guard = match shown_to {
        ShownTo::Everybody => guard,
        ShownTo::Here => guard.without_anonymous(),
    };
    let (routes, _) = described().split_for_parts();
    let routes = routes
        .route("/api/v1/projects/{action}", VALIDATE.layer(post(projects::act)))
        .with_state(projects)
        .merge(forwarded().with_state(engines.into()))
        .merge(overview::document(overview::DOCUMENT, &document()))
        .merge(overview::page())
        .fallback(overview::unknown_path)
        .layer(Extension(guard))
        .layer(Extension(ServerName(NAME)));
    layers::around(routes, NAME, limits)
}

/// The OpenAPI document of the configuration server, with what it passes on.
pub fn document() -> OpenApi {
    let acts = OpenApi::default().nest("/api/v1", Acts::openapi());
    let engine = engine::passed_on().merge(stored::uploads()).into_openapi();
    let engine = OpenApi::default().nest("/api/v1", engine);
    let document = described().into_openapi().merge_from(acts).merge_from(engine);
    openapi::with_token(document, openapi::TOKEN_ELSEWHERE)
}

fn described() -> OpenApiRouter<Arc<dyn Projects>> {
    let about = "Projects of a Weir installation, and what runs on its engines, which decide who may do \
                 what: each operation names the claim that it needs.";
    let v1 = OpenApiRouter::default()
        .routes(read(UserClaim::DeploymentRead, routes!(projects::list)))
        .routes(open(routes!(version::show)));
    OpenApiRouter::with_openapi(openapi::document("Weir configuration server", about))
        .routes(open(routes!(health::livez)))
        .routes(open(routes!(readyz)))
        .nest("/api/v1", v1)
}

/// Operations whose paths the router can't spell.
#[derive(utoipa::OpenApi)]
#[openapi(paths(projects::act))]
struct Acts;

fn forwarded() -> Router<Engines> {
    let others = Router::new()
        .route("/api/v1/deployments:diff", get(forward::to_engine))
        // Only an answer that ends can be passed on.
        .route("/api/v1/cluster/domain-events", any(overview::unknown_path));
    let attempts = ["log-in", "set-up"].into_iter().fold(others, |router, noun| {
        router.route(&format!("/api/v1/{noun}"), post(forward::attempt_to_engine))
    });
    let others = ACTIONS.into_iter().fold(attempts, |router, action| {
        router.route(&format!("/api/v1/{action}"), post(forward::command_to_engine))
    });
    let others = MANAGED.into_iter().fold(others, |router, noun| {
        let both = || get(forward::to_engine).fallback(forward::command_to_engine);
        router
            .route(&format!("/api/v1/{noun}"), both())
            .route(&format!("/api/v1/{noun}/{{*rest}}"), both())
    });
    ["cluster", "streams", "items", "resources", "sources", "sweeps"].into_iter().fold(
        others,
        |router, noun| {
            router
                .route(&format!("/api/v1/{noun}"), get(forward::to_engine))
                .route(&format!("/api/v1/{noun}/{{*rest}}"), get(forward::to_engine))
        },
    )
}

/// Whether the server can do its work.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readyz", params(ReadyQuery),
    responses(
        (status = 200, description = "It is ready", body = String),
        (status = 503, description = "It is not, with what is wrong", body = String),
    ))]
async fn readyz(
    State(projects): State<Arc<dyn Projects>>,
    Fields(query): Fields<ReadyQuery>,
) -> Response {
    health::readiness(&projects.readiness().await, &query)
}
