//! Which node runs which deployment, by which rule, and what became of it.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::deployments::storage::{Change, Overview};
use weir_domain::{NodeName, NodeStatus, UserClaim};
use weir_http_api::{
    ActivationView, AssignmentsView, ChangeView, DryRun, ListQuery, NodeAssignment, Page, Problem,
    RoleAssignments, TagRef,
};

use crate::Engine;
use crate::error::Error;
use crate::extract::{Body, Fields, Part};
use crate::guard::{Need, Trail, command, read};
use crate::idempotency::Once;
use crate::lists;
use crate::storages::{Storages, Stored};
use crate::stored::{self, Asked, Expected};

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<dyn Engine>: FromRef<S>,
{
    let activates = Need::Within(UserClaim::DeploymentActivate);
    OpenApiRouter::default()
        .routes(read(UserClaim::DeploymentRead, routes!(list)))
        .routes(command(activates, "assignment set-roles", routes!(set_roles)))
        .routes(command(activates, "assignment set", routes!(assign)))
        .routes(command(activates, "assignment remove", routes!(unassign)))
        .routes(read(UserClaim::DeploymentRead, routes!(activations)))
        .routes(read(UserClaim::DeploymentRead, routes!(activation)))
}

/// The rules: the default, those of roles and those of nodes.
#[utoipa::path(get, path = "/assignments", tag = "deployments", operation_id = "listAssignments",
    responses(
        (status = 200, description = "All rules", body = AssignmentsView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(Extension(storages): Stored) -> Result<Json<AssignmentsView>, Error> {
    let Overview { revision, default, roles, rules, .. } = storages.deployments.overview().await?;
    let nodes = rules.into_iter().map(|(node, tag)| NodeAssignment { node, tag }).collect();
    let roles = roles.into_iter().map(stored::role).collect();
    Ok(Json(AssignmentsView { revision, default, roles, nodes }))
}

/// Sets all role rules, in the order in which they are tried.
#[utoipa::path(put, path = "/assignments/roles", tag = "deployments", operation_id = "setRoleAssignments",
    params(DryRun, Expected, Once),
    request_body = RoleAssignments,
    responses(
        (status = 200, description = "What it changed", body = ChangeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn set_roles(
    asked: Asked,
    trail: Trail,
    Extension(storages): Stored,
    Fields(dry): Fields<DryRun>,
    Body(RoleAssignments { roles }): Body<RoleAssignments>,
) -> Result<Json<ChangeView>, Error> {
    trail.about("assignment", "roles");
    let rules = roles.into_iter().map(stored::role_rule).collect();
    asked.change(&storages, &trail, dry, Change::SetRoles(rules)).await
}

/// Gives a node a rule of its own, which comes before all others.
#[utoipa::path(put, path = "/assignments/nodes/{node}", tag = "deployments", operation_id = "assignNode",
    params(("node" = String, Path, description = "The node's name"), DryRun, Expected, Once),
    request_body = TagRef,
    responses(
        (status = 200, description = "What it changed", body = ChangeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn assign(
    asked: Asked,
    trail: Trail,
    State(engine): State<Arc<dyn Engine>>,
    Extension(storages): Stored,
    Part(node): Part<NodeName>,
    Fields(dry): Fields<DryRun>,
    Body(TagRef { tag }): Body<TagRef>,
) -> Result<Json<ChangeView>, Error> {
    trail.about("assignment", &node);
    meet(&storages, &*engine, &node).await?;
    asked.change(&storages, &trail, dry, Change::Assign { node, tag }).await
}

/// Takes a node's own rule away.
#[utoipa::path(delete, path = "/assignments/nodes/{node}", tag = "deployments", operation_id = "unassignNode",
    params(("node" = String, Path, description = "The node's name"), DryRun, Expected, Once),
    responses(
        (status = 200, description = "What it changed", body = ChangeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn unassign(
    asked: Asked,
    trail: Trail,
    Extension(storages): Stored,
    Part(node): Part<NodeName>,
    Fields(dry): Fields<DryRun>,
) -> Result<Json<ChangeView>, Error> {
    trail.about("assignment", &node);
    asked.change(&storages, &trail, dry, Change::Unassign { node }).await
}

/// What each node should run, what it runs, and why.
#[utoipa::path(get, path = "/activations", tag = "deployments", operation_id = "listActivations",
    params(ListQuery),
    responses(
        (status = 200, description = "By node, those that are down too", body = Page<ActivationView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn activations(
    Extension(storages): Stored,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<ActivationView>>, Error> {
    let nodes = storages.deployments.overview().await?.nodes;
    let views = nodes.into_iter().map(|(node, state)| stored::activation(node, state));
    lists::page(views, query).map(Json)
}

/// What a node should run, what it runs, and why.
#[utoipa::path(get, path = "/activations/{node}", tag = "deployments", operation_id = "showActivation",
    params(("node" = String, Path, description = "The node's name")),
    responses(
        (status = 200, description = "The node", body = ActivationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn activation(
    State(engine): State<Arc<dyn Engine>>,
    Extension(storages): Stored,
    Part(node): Part<NodeName>,
) -> Result<Json<ActivationView>, Error> {
    meet(&storages, &*engine, &node).await?;
    let mut nodes = storages.deployments.overview().await?.nodes;
    match nodes.remove(&node) {
        Some(state) => Ok(Json(stored::activation(node, state))),
        None => Err(Error::not_found("node", &node, nodes.keys().map(NodeName::as_str))),
    }
}

/// A member of the cluster is known, also before it has asked what it should run.
async fn meet(storages: &Storages, engine: &dyn Engine, node: &NodeName) -> Result<(), Error> {
    let is_meant = |it: &&weir_domain::Node| it.name == *node && it.status == NodeStatus::Up;
    let nodes = engine.nodes().await?;
    let Some(member) = nodes.iter().find(is_meant) else { return Ok(()) };
    let roles = member.roles.iter().cloned().collect();
    storages.deployments.target(node.clone(), roles, storages.now()).await?;
    Ok(())
}
