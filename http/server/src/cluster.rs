//! The cluster: the same resources on the management server and in the engine's REST API. What ends a member
//! is served by the management server alone; where a controller lives is changed by both.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{Incarnation, NodeName, NodeStatus, UserClaim};
use weir_http_api::{
    ExplainQuery, ExplanationView, LeaseMove, LeaseView, LinkView, ListQuery, MemberRef,
    MemberView, MembersView, Page, Problem,
};

use crate::Cluster;
use crate::error::Error;
use crate::extract::{Body, Fields, Part};
use crate::guard::{Trail, command, read};
use crate::lists;

pub(crate) mod events;

type Shared = State<Arc<dyn Cluster>>;

/// What is read as one answer, below `/cluster`.
pub(crate) fn reads<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<dyn Cluster>: axum::extract::FromRef<S>,
{
    OpenApiRouter::default()
        .routes(read(UserClaim::ClusterRead, routes!(members)))
        .routes(read(UserClaim::ClusterRead, routes!(member)))
        .routes(read(UserClaim::ClusterRead, routes!(leases)))
        .routes(read(UserClaim::ClusterRead, routes!(links)))
        .routes(read(UserClaim::ClusterRead, routes!(explain)))
}

/// What happens in it.
pub(crate) fn happenings<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<dyn Cluster>: axum::extract::FromRef<S>,
{
    OpenApiRouter::default().routes(read(UserClaim::ClusterRead, routes!(events::follow)))
}

/// What changes the cluster.
pub(crate) fn commands() -> OpenApiRouter<Arc<dyn Cluster>> {
    OpenApiRouter::default()
        .routes(command(UserClaim::ClusterManage, "node leave", routes!(leave)))
        .routes(command(UserClaim::ClusterManage, "node down", routes!(down)))
        .merge(moves())
}

/// Where controllers live, below `/cluster`.
pub(crate) fn moves<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<dyn Cluster>: axum::extract::FromRef<S>,
{
    let routes = routes!(lease_move);
    OpenApiRouter::default().routes(command(UserClaim::ClusterManage, "lease move", routes))
}

/// The members, as this node sees them.
#[utoipa::path(get, path = "/members", tag = "cluster", operation_id = "listMembers",
    responses(
        (status = 200, description = "All members, by name", body = MembersView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn members(State(cluster): Shared) -> Result<Json<MembersView>, Error> {
    Ok(Json(cluster.members().await?))
}

/// One member, by its name or by its uid.
#[utoipa::path(get, path = "/members/{node}", tag = "cluster", operation_id = "showMember",
    params(("node" = String, Path, description = "The member's name or uid")),
    responses(
        (status = 200, description = "The member", body = MemberView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn member(
    State(cluster): Shared,
    Part(wanted): Part<MemberRef>,
) -> Result<Json<MemberView>, Error> {
    find(&*cluster, &wanted).await.map(Json)
}

/// The leases: who does what there is one of in the cluster.
#[utoipa::path(get, path = "/leases", tag = "cluster", operation_id = "listLeases",
    params(ListQuery),
    responses(
        (status = 200, description = "All leases, by name", body = Page<LeaseView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn leases(
    State(cluster): Shared,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<LeaseView>>, Error> {
    lists::page(cluster.leases().await?, query).map(Json)
}

/// The links of this node to others.
#[utoipa::path(get, path = "/links", tag = "cluster", operation_id = "listLinks",
    params(ListQuery),
    responses(
        (status = 200, description = "All links, by address", body = Page<LinkView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn links(
    State(cluster): Shared,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<LinkView>>, Error> {
    lists::page(cluster.links().await?, query).map(Json)
}

/// Why a node is up, or why it is not.
#[utoipa::path(get, path = "/explain", tag = "cluster", operation_id = "explain",
    params(ExplainQuery),
    responses(
        (status = 200, description = "Where it stands and what is in its way", body = ExplanationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn explain(
    State(cluster): Shared,
    Fields(query): Fields<ExplainQuery>,
) -> Result<Json<ExplanationView>, Error> {
    match cluster.explain(query.node.as_ref()).await? {
        Some(explanation) => Ok(Json(explanation)),
        None => Err(unknown_node(&*cluster, query.node.as_ref()).await),
    }
}

/// Lets a member leave in good order: its streams finish, its controllers are handed over. Done
/// when it is removed. Harmless if it leaves already.
#[utoipa::path(post, path = "/members/{node}/leave", tag = "cluster", operation_id = "leaveMember",
    params(("node" = String, Path, description = "The member's name or uid")),
    responses(
        (status = 200, description = "The member, which is about to leave", body = MemberView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn leave(
    trail: Trail,
    State(cluster): Shared,
    Part(wanted): Part<MemberRef>,
) -> Result<Json<MemberView>, Error> {
    let member = find(&*cluster, &wanted).await?;
    trail.about("node", &member.name).before(&member);
    match member.status {
        NodeStatus::Joining | NodeStatus::Up => {
            cluster.member_leave(&life(&member)).await?;
            tracing::info!(code = "WEIR-07120", member = %life(&member), "told to leave by management");
        }
        NodeStatus::Leaving | NodeStatus::Exiting => {}
        NodeStatus::Down | NodeStatus::Removed => return Err(over(&member)),
    }
    find(&*cluster, &MemberRef::Uid(member.uid)).await.map(Json)
}

/// Takes a member for lost: others take over what it does, and it must stop if it still runs. For
/// one that is gone or can't be reached; one that works is asked to leave.
#[utoipa::path(post, path = "/members/{node}/down", tag = "cluster", operation_id = "downMember",
    params(("node" = String, Path, description = "The member's name or uid")),
    responses(
        (status = 200, description = "The member, which is down", body = MemberView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn down(
    trail: Trail,
    State(cluster): Shared,
    Part(wanted): Part<MemberRef>,
) -> Result<Json<MemberView>, Error> {
    let member = find(&*cluster, &wanted).await?;
    trail.about("node", &member.name).before(&member);
    match member.status {
        NodeStatus::Removed => return Err(over(&member)),
        NodeStatus::Down => {}
        NodeStatus::Joining | NodeStatus::Up | NodeStatus::Leaving | NodeStatus::Exiting => {
            cluster.member_down(&life(&member)).await?;
            tracing::warn!(code = "WEIR-07121", member = %life(&member), "downed by management");
        }
    }
    find(&*cluster, &MemberRef::Uid(member.uid)).await.map(Json)
}

/// Moves what a lease stands for to a node, which is its place from then on; null ends that. Done
/// when the lease has its new owner.
#[utoipa::path(post, path = "/leases/{name}/move", tag = "cluster", operation_id = "moveLease",
    params(("name" = String, Path, description = "The lease's name")),
    request_body = LeaseMove,
    responses(
        (status = 200, description = "The lease, which is about to move", body = LeaseView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn lease_move(
    trail: Trail,
    State(cluster): Shared,
    Path(name): Path<String>,
    Body(LeaseMove { node }): Body<LeaseMove>,
) -> Result<Json<LeaseView>, Error> {
    trail.about("lease", &name).before(&find_lease(&*cluster, &name).await?);
    if let Some(node) = &node {
        refuse_place(&find(&*cluster, &MemberRef::Name(node.clone())).await?)?;
    }
    cluster.lease_move(&name, node.as_ref()).await?;
    trail.after(&LeaseMove { node: node.clone() });
    let to = node.as_ref().map_or("wherever it fits", NodeName::as_str);
    tracing::info!(code = "WEIR-07122", lease = name, to, "moved by management");
    // This engine reads what was written a moment later.
    let lease = find_lease(&*cluster, &name).await?;
    Ok(Json(LeaseView { pinned: node, ..lease }))
}

async fn find(cluster: &dyn Cluster, wanted: &MemberRef) -> Result<MemberView, Error> {
    let members = cluster.members().await?;
    let known = || members.members.iter().map(|it| it.name.as_str());
    let found = members.find(wanted).cloned();
    found.ok_or_else(|| Error::not_found("member", wanted, known()))
}

async fn find_lease(cluster: &dyn Cluster, name: &str) -> Result<LeaseView, Error> {
    let leases = cluster.leases().await?;
    let found = leases.iter().find(|it| it.name == name).cloned();
    found.ok_or_else(|| Error::not_found("lease", name, leases.iter().map(|it| it.name.as_str())))
}

async fn unknown_node(cluster: &dyn Cluster, node: Option<&NodeName>) -> Error {
    match cluster.members().await {
        Ok(MembersView { members, node: asked, .. }) => {
            let name = node.unwrap_or(&asked.name);
            Error::not_found("node", name, members.iter().map(|it| it.name.as_str()))
        }
        Err(fault) => fault.into(),
    }
}

fn life(member: &MemberView) -> Incarnation {
    Incarnation { name: member.name.clone(), uid: member.uid }
}

fn over(member: &MemberView) -> Error {
    let MemberView { name, status, reason, .. } = member;
    Error::Conflict {
        detail: format!("{name} is {status} already: {reason}"),
        hint: Some("a node that is started again is a new member".into()),
    }
}

/// A lease that waits for a node that can't have it would have no owner for as long.
fn refuse_place(member: &MemberView) -> Result<(), Error> {
    let MemberView { name, status, unreachable, .. } = member;
    let detail = match (status, unreachable) {
        (NodeStatus::Up, false) => return Ok(()),
        (NodeStatus::Up, true) => format!("{name} can't be reached"),
        (status, _) => format!("{name} is {status}, not up"),
    };
    let hint = format!("`weir cluster explain {name}` says more; or name another node");
    Err(Error::Conflict { detail, hint: Some(hint) })
}
