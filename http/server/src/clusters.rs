//! The list of clusters of a configuration server, and changing it.

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::fleet::{self, About};
use weir_domain::{ClusterName, UserClaim};
use weir_http_api::{FleetAdd, FleetClusterView, FleetSet, IssuerView, ListQuery, Page, Problem};

use crate::error::Error;
use crate::extract::{Body, Fields, IfMatch, Part};
use crate::fleet::Fleet;
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::storages::Known;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let (see, manage) = (UserClaim::ClusterRead, UserClaim::ClusterManage);
    OpenApiRouter::default()
        .routes(read(see, routes!(list)))
        .routes(read(see, routes!(issuer)))
        .routes(command(manage, "cluster add", routes!(add)))
        .routes(read(see, routes!(show)))
        .routes(command(manage, "cluster set", routes!(set)))
        .routes(command(manage, "cluster remove", routes!(remove)))
        // It changes nothing but what is known of it.
        .routes(read(manage, routes!(probe)))
}

/// All clusters, the default one first, with how each was found last.
#[utoipa::path(get, path = "/clusters", tag = "clusters", operation_id = "listClusters",
    params(ListQuery),
    responses(
        (status = 200, description = "All of them", body = Page<FleetClusterView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    Extension(fleet): Extension<Fleet>,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<FleetClusterView>>, Error> {
    fleet.refresh().await?;
    lists::page(fleet.all().iter().map(|it| it.view()), query).map(Json)
}

/// With what this server vouches for its users: what clusters must trust so that its users are let in there.
#[utoipa::path(get, path = "/clusters:issuer", tag = "clusters", operation_id = "showIssuer",
    responses(
        (status = 200, description = "The public key, and where to put it", body = IssuerView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn issuer(Extension(fleet): Extension<Fleet>) -> Result<Json<IssuerView>, Error> {
    let issuer = fleet.issuer().ok_or_else(|| Error::not_found("issuer", "issuer", []))?;
    let (name, key) = (issuer.name.clone(), issuer.key.public().to_string());
    let setting = format!("{{ name = \"{name}\", key = \"{key}\" }}");
    let signer = issuer.packages.public();
    if let Err(fault) = &signer {
        tracing::warn!(code = %fault.code, %fault, "the key of packages can't be read");
    }
    Ok(Json(IssuerView { name, key, setting, signer: signer.ok() }))
}

/// One cluster.
#[utoipa::path(get, path = "/clusters/{cluster}", tag = "clusters", operation_id = "showCluster",
    params(("cluster" = String, Path, description = "The cluster's name")),
    responses(
        (status = 200, description = "The cluster", body = FleetClusterView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    Extension(fleet): Extension<Fleet>,
    Part(name): Part<ClusterName>,
) -> Result<Json<FleetClusterView>, Error> {
    Ok(Json(fleet.find(&name).await?.view()))
}

/// Adds a cluster to the list. It need not answer now.
#[utoipa::path(post, path = "/clusters", tag = "clusters", operation_id = "addCluster",
    params(Once),
    request_body = FleetAdd,
    responses(
        (status = 200, description = "The cluster", body = FleetClusterView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(fleet): Extension<Fleet>,
    Extension(people): Known,
    Body(request): Body<FleetAdd>,
) -> Result<Json<FleetClusterView>, Error> {
    trail.about("cluster", &request.name).after(&request);
    is_free(&fleet, &request.name)?;
    let sender = once.sender(&people.system, &caller, "cluster add", &request);
    let FleetAdd { name, urls, note, id } = request;
    let list = listed(&fleet)?;
    if let Some(id) = id {
        fleet.refresh().await?;
        fleet.is_nobody_else(&name, id)?;
    }
    list.add(name.clone(), About { urls, note }, sender).await?;
    // Before anybody is asked there: who answers is known, and believed if it is this one.
    if let Some(id) = id {
        list.meet(name.clone(), id).await?;
    }
    looked_at(&fleet, &name, &people).await
}

/// Changes where a cluster is reached, and what is said of it.
#[utoipa::path(put, path = "/clusters/{cluster}", tag = "clusters", operation_id = "setCluster",
    params(("cluster" = String, Path, description = "The cluster's name"), ("if-match" = Option<u64>, Header, description = "The revision that was read: another one is refused"), Once),
    request_body = FleetSet,
    responses(
        (status = 200, description = "The cluster", body = FleetClusterView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn set(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(fleet): Extension<Fleet>,
    Extension(people): Known,
    Part(name): Part<ClusterName>,
    IfMatch(expected): IfMatch,
    Body(request): Body<FleetSet>,
) -> Result<Json<FleetClusterView>, Error> {
    trail.about("cluster", &name).before(&fleet.find(&name).await?.view().urls).after(&request);
    is_free(&fleet, &name)?;
    let sender = once.sender(&people.system, &caller, "cluster set", &(&name, &request));
    let FleetSet { urls, note } = request;
    listed(&fleet)?.set(name.clone(), About { urls, note }, expected, sender).await?;
    looked_at(&fleet, &name, &people).await
}

/// Removes a cluster from the list. What it runs goes on.
#[utoipa::path(delete, path = "/clusters/{cluster}", tag = "clusters", operation_id = "removeCluster",
    params(("cluster" = String, Path, description = "The cluster's name"), ("if-match" = Option<u64>, Header, description = "The revision that was read: another one is refused"), Once),
    responses(
        (status = 200, description = "What was removed; null: the same command removed it before", body = Option<FleetClusterView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(fleet): Extension<Fleet>,
    Extension(people): Known,
    Part(name): Part<ClusterName>,
    IfMatch(expected): IfMatch,
) -> Result<Json<Option<FleetClusterView>>, Error> {
    trail.about("cluster", &name);
    is_free(&fleet, &name)?;
    let list = listed(&fleet)?;
    let sender = once.sender(&people.system, &caller, "cluster remove", &name);
    if list.recalls(sender.command).await? {
        return Ok(Json(None));
    }
    let removed = fleet.find(&name).await?.view();
    trail.before(&removed.urls);
    list.remove(name, expected, sender).await?;
    fleet.refresh().await?;
    Ok(Json(Some(removed)))
}

/// Looks at a cluster now.
#[utoipa::path(post, path = "/clusters/{cluster}/probe", tag = "clusters", operation_id = "probeCluster",
    params(("cluster" = String, Path, description = "The cluster's name")),
    responses(
        (status = 200, description = "How it was found", body = FleetClusterView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn probe(
    Extension(fleet): Extension<Fleet>,
    Extension(people): Known,
    Part(name): Part<ClusterName>,
) -> Result<Json<FleetClusterView>, Error> {
    looked_at(&fleet, &name, &people).await
}

async fn looked_at(
    fleet: &Fleet,
    name: &ClusterName,
    people: &crate::People,
) -> Result<Json<FleetClusterView>, Error> {
    fleet.refresh().await?;
    let cluster = fleet.find(name).await?;
    fleet.look(&cluster, &people.system).await;
    Ok(Json(cluster.view()))
}

fn listed(fleet: &Fleet) -> Result<&fleet::Fleet, Error> {
    fleet.list().ok_or_else(|| Error::Conflict {
        detail: "this server keeps no list of clusters".to_owned(),
        hint: None,
    })
}

/// That of the configuration is changed there.
fn is_free(fleet: &Fleet, name: &ClusterName) -> Result<(), Error> {
    let configured = fleet.default_cluster();
    match configured.name.as_str().eq_ignore_ascii_case(name.as_str()) {
        false => Ok(()),
        true => Err(Error::Conflict {
            detail: format!(
                "the cluster {} is named by the server's configuration",
                configured.name
            ),
            hint: Some("change weir.config-server.engines, and start the server anew".to_owned()),
        }),
    }
}
