//! The configuration server: projects, the operators' page, and the engine's API passed on.
//!
//! It moves no payload data and works without an engine: only what concerns running workflows needs
//! one.

use std::sync::Arc;

use axum::extract::State;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, get, post};
use axum::{Extension, Router};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::UserClaim;
use weir_http_api::{DeployedView, Fetched, LimitsView, Pulled, Pushed};

use crate::extract::Fields;
use crate::guard::{Need, Rule, command, is_for_everybody, open, read};
use crate::health::{self, ReadyQuery};
use crate::layers::{self, BodyBound, Limits};
use crate::live::{self, Views, joined::Joined};
use crate::version::{self, ServerName};
use crate::{
    Deliveries, Fleet, Guard, Health, Operations, Projects, Repeats, Samples, Versions, archives,
    assets, clusters, deliveries, drafts, engine, forward, logs, openapi, operations, overview,
    projects, quota, repeats, samples, shelf, snippets, stored, ui, verbs, versions,
};

const NAME: &str = "config-server";
/// What paths begin with that name their cluster.
const OF_CLUSTER: &str = "/api/v1/clusters/{cluster}";
/// It reads a project's files, and changes nothing.
const VALIDATE: Rule = Rule { need: Need::Claim(UserClaim::ProjectRead), action: None };

/// What a configuration server serves by itself.
#[derive(Clone)]
pub struct Design {
    pub projects: Arc<dyn Projects>,
    pub deliveries: Arc<dyn Deliveries>,
    pub samples: Arc<dyn Samples>,
    pub operations: Operations,
    pub versions: Arc<dyn Versions>,
    pub repeats: Repeats,
}

/// All routes of a configuration server, for those whom the guard lets in; what runs is asked of an
/// engine. `People::beside` adds what those about users ask.
pub fn router(design: Design, fleet: impl Into<Fleet>, guard: Guard, limits: Limits) -> Router {
    let fleet = fleet.into();
    let (delivered, _) = in_v1(deliveries::routes()).split_for_parts();
    let delivered = delivered.with_state(design.clone());
    let Design { projects, operations, versions: of_projects, samples, repeats, .. } = design;
    let exchanging =
        versions::Exchanging { versions: of_projects.clone(), operations: operations.clone() };
    let (of_versions, _) = in_v1(versions::routes()).split_for_parts();
    let (exchanges, _) = in_v1(versions::exchanges()).split_for_parts();
    let (routes, _) = described().split_for_parts();
    let (begun, _) = in_v1(operations::routes()).split_for_parts();
    let begun = begun.with_state(operations::Shown::of(operations.clone(), projects.clone()));
    let live = Joined::of(views(begun.clone(), operations), fleet.clone());
    let (remembering, _) = in_v1(by_controllers()).split_for_parts();
    let routes = routes
        .route(verbs::SHARED, VALIDATE.layer(post(projects::act)))
        .with_state(projects.clone())
        .merge(delivered)
        .merge(begun)
        .merge(of_versions.with_state(of_projects))
        .merge(exchanges.with_state(exchanging))
        .layer(Extension(repeats.clone()))
        .merge(remembering)
        .merge(forwarded().merge(tailed()).with_state(fleet.clone()))
        .merge(followed().with_state(live))
        .merge(overview::document(overview::DOCUMENT, &document()))
        .merge(ui::page());
    let long = |routes: OpenApiRouter<_>, projects: Arc<dyn Projects>, max| {
        let (routes, _) = in_v1(routes).split_for_parts();
        let routes = routes.with_state(projects).layer(Extension(repeats.clone()));
        layers::bounded_by(routes, limits, max)
    };
    let (of_samples, _) = in_v1(samples::routes()).split_for_parts();
    let of_samples = of_samples.with_state(samples).layer(Extension(repeats.clone()));
    let of_samples = layers::bounded_by(of_samples, limits, samples::BODY_BYTES_MAX);
    let routes = layers::bounded(routes, limits)
        .merge(long(texts(), projects.clone(), assets::BODY_BYTES_MAX))
        .merge(long(imports(), projects, archives::BODY_BYTES_MAX))
        .merge(of_samples);
    let routes = quota::around(routes.layer(from_fn(verbs::told_apart)), limits);
    let routes =
        routes.layer(Extension(fleet)).layer(Extension(guard)).layer(Extension(ServerName(NAME)));
    let routes = routes.layer(Extension(takes(limits)));
    let routes = routes.layer(Extension(logs::Tails::default()));
    layers::outside(routes, NAME)
}

/// What it takes at most. Packages go on to an engine: one that is longer is sent there.
fn takes(limits: Limits) -> LimitsView {
    let bytes = |own| BodyBound::of(limits, own).max.0;
    LimitsView {
        body_bytes: bytes(0),
        upload_bytes: bytes(0),
        import_bytes: Some(bytes(archives::BODY_BYTES_MAX)),
        sample_bytes: Some(bytes(samples::BODY_BYTES_MAX)),
    }
}

/// The same routes, with what readiness depends on beside the projects.
pub fn depending_on(router: Router, health: Arc<dyn Health>) -> Router {
    router.layer(Extension(health))
}

/// The OpenAPI document of the configuration server, with what it passes on.
pub fn document() -> OpenApi {
    let acts = OpenApi::default().nest("/api/v1", Acts::openapi());
    let engine = OpenApi::default().nest("/api/v1", passed_on().into_openapi());
    let long = texts().merge(imports()).into_openapi();
    let texts = OpenApi::default().nest("/api/v1", long);
    let document = described().into_openapi().merge_from(texts).merge_from(acts);
    let document = document.merge_from(in_v1(operations::routes()).into_openapi());
    let document = document.merge_from(in_v1(deliveries::routes()).into_openapi());
    let document = document.merge_from(in_v1(samples::routes()).into_openapi());
    let document = document.merge_from(in_v1(versions::routes()).into_openapi());
    let mut document = document.merge_from(in_v1(versions::exchanges()).into_openapi());
    repeats::document(&mut document);
    let document = document.merge_from(in_v1(by_controllers::<()>()).into_openapi());
    let mut engine = engine.merge_from(engine::followed().into_openapi());
    openapi::passed_on(&mut engine);
    let document = document.merge_from(engine);
    openapi::completed(document, openapi::TOKEN_ELSEWHERE)
}

fn in_v1<S: Clone + Send + Sync + 'static>(routes: OpenApiRouter<S>) -> OpenApiRouter<S> {
    OpenApiRouter::default().nest("/api/v1", routes)
}

/// What takes the text of assets.
fn texts() -> OpenApiRouter<Arc<dyn Projects>> {
    let routes = routes!(assets::write);
    OpenApiRouter::default()
        .routes(command(UserClaim::ProjectWrite, "asset write", routes))
        .routes(read(UserClaim::ProjectRead, routes!(drafts::judge)))
}

/// What takes an archive.
fn imports() -> OpenApiRouter<Arc<dyn Projects>> {
    let routes = routes!(archives::import);
    OpenApiRouter::default().routes(command(UserClaim::ProjectWrite, "project import", routes))
}

fn described() -> OpenApiRouter<Arc<dyn Projects>> {
    let about = "Projects of a Weir installation, who may change them, and what runs on its engines, \
                 which decide who may do what there: each operation names the claim that it needs. What is \
                 asked of engines is asked of the default cluster; of another one with \
                 `/api/v1/clusters/{cluster}` in place of `/api/v1`.";
    let v1 = OpenApiRouter::default()
        .routes(read(Need::Within(UserClaim::ProjectRead), routes!(projects::list)))
        .routes(read(UserClaim::ProjectRead, routes!(projects::show)))
        .routes(command(UserClaim::ProjectWrite, "project create", routes!(projects::create)))
        .routes(command(UserClaim::ProjectWrite, "project open", routes!(projects::open)))
        .routes(command(UserClaim::ProjectWrite, "project rename", routes!(projects::rename)))
        .routes(command(UserClaim::ProjectWrite, "project remove", routes!(projects::remove)))
        .routes(read(UserClaim::ProjectRead, routes!(archives::export)))
        .routes(read(UserClaim::ProjectRead, routes!(assets::list)))
        .routes(read(UserClaim::ProjectRead, routes!(assets::show)))
        .routes(read(UserClaim::ProjectRead, routes!(assets::usages)))
        .routes(read(UserClaim::ProjectRead, routes!(assets::effective)))
        .routes(command(UserClaim::ProjectWrite, "asset delete", routes!(assets::delete)))
        .routes(command(UserClaim::ProjectWrite, "asset rename", routes!(assets::rename)))
        .merge(shelf::routes())
        .merge(snippets::routes())
        .merge(logs::of_this_server())
        .routes(open(routes!(version::show)));
    OpenApiRouter::with_openapi(openapi::document("Weir configuration server", about))
        .routes(open(routes!(health::livez)))
        .routes(open(routes!(readyz)))
        .nest("/api/v1", v1)
}

/// What controllers answer, which remember themselves what was sent to them under a key.
fn by_controllers<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    engine::people().merge(clusters::routes())
}

/// Operations whose paths the router can't spell, and what operations result in.
#[derive(utoipa::OpenApi)]
#[openapi(paths(projects::act), components(schemas(DeployedView, Pulled, Pushed, Fetched)))]
struct Acts;

/// What goes on until whoever reads it has enough.
fn followed() -> Router<Joined> {
    let live = get(live::joined::follow);
    Router::new().route("/api/v1/live", live.clone()).route(&format!("{OF_CLUSTER}/live"), live)
}

/// The same, of what is logged.
fn tailed() -> Router<Fleet> {
    let tail = get(logs::bridge::follow_engine);
    Router::new()
        .route("/api/v1/logs/tail", tail.clone())
        .route(&format!("{OF_CLUSTER}/logs/tail"), tail)
}

/// The paths of topics that are this server's own.
fn views(operations: Router, clock: Operations) -> Views {
    let (clusters, _) = in_v1(clusters::routes()).split_for_parts();
    Views::of(operations.merge(clusters), Arc::new(move || clock.now()))
}

/// All that an engine declares as passed on, as it is declared there: of the default cluster, and of one that
/// the path names. What both servers have is the other one's where the path names it.
fn forwarded() -> Router<Fleet> {
    let of_default = passed_on();
    let of_named = passed_on().merge(engine::people()).routes(open(routes!(version::show)));
    let router = [("/api/v1", of_default), (OF_CLUSTER, of_named)].into_iter();
    router.fold(Router::new(), |router, (root, routes)| {
        let declared = routes.into_openapi().paths.paths.into_iter();
        declared.fold(router, |router, (path, item)| {
            router.route(&format!("{root}{path}"), ways(&item))
        })
    })
}

fn passed_on() -> OpenApiRouter<engine::Asked> {
    engine::passed_on().merge(stored::uploads())
}

fn ways(item: &PathItem) -> MethodRouter<Fleet> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let questions = get.iter().fold(MethodRouter::new(), |it, _| it.get(forward::to_engine));
    let commands = [
        (MethodFilter::PUT, put),
        (MethodFilter::POST, post),
        (MethodFilter::DELETE, delete),
        (MethodFilter::PATCH, patch),
    ];
    let commands = commands.into_iter().filter_map(|(method, it)| Some((method, it.as_ref()?)));
    commands.fold(questions, |ways, (method, operation)| match is_for_everybody(operation) {
        true => ways.on(method, forward::attempt_to_engine),
        false => ways.on(method, forward::command_to_engine),
    })
}

/// Whether the server can do its work.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readyz", params(ReadyQuery),
    responses(
        (status = 200, description = "It is ready", body = String),
        (status = 503, description = "It is not, with what is wrong", body = String),
    ))]
async fn readyz(
    State(projects): State<Arc<dyn Projects>>,
    health: Option<Extension<Arc<dyn Health>>>,
    Fields(query): Fields<ReadyQuery>,
) -> Response {
    let (mut checks, mut warnings) = (projects.readiness().await, Vec::new());
    if let Some(Extension(health)) = health {
        checks.extend(health.checks().await);
        warnings = health.warnings();
    }
    health::readiness((&checks, &warnings), &query)
}
