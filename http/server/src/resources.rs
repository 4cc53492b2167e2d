//! Resources: who holds which, for those who reserve them and those who revoke them.

use std::time::Duration;

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::resources::{self, GroupRow, Reservation, Reserve, ResourceRow, WaiterRow};
use weir_domain::{ReservationId, UserClaim};
use weir_http_api::{
    ListQuery, Page, Problem, ReservationView, Reservations, ResourceGroupView, ResourceReserve,
    ResourceView, ResourceWaiterView, ResourcesDeclare, ResourcesRevoke, ResourcesRevoked,
};

use crate::error::Error;
use crate::extract::{Body, Fields};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::storages::Stored;

/// How long who waits keeps its place without asking again.
const PLACE_KEPT: Duration = Duration::from_secs(30);

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let manage = UserClaim::AccessManage;
    OpenApiRouter::default()
        .routes(read(UserClaim::AccessRead, routes!(list)))
        .routes(command(manage, "resource declare", routes!(declare)))
        .routes(command(manage, "resource reserve", routes!(reserve)))
        // What goes on as it was is not recorded.
        .routes(read(manage, routes!(renew)))
        .routes(command(manage, "resource release", routes!(release)))
        .routes(command(manage, "resource revoke", routes!(revoke)))
}

/// Groups of resources, with who holds what.
#[utoipa::path(get, path = "/resources", tag = "resources", operation_id = "listResources",
    params(ListQuery),
    responses(
        (status = 200, description = "All groups, by name", body = Page<ResourceGroupView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    Extension(storages): Stored,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<ResourceGroupView>>, Error> {
    lists::page(storages.resources.groups().await?.into_iter().map(view), query).map(Json)
}

/// Says which resources a group has; none: there is no such group any more.
#[utoipa::path(post, path = "/resources:declare", tag = "resources", operation_id = "declareResources",
    params(Once),
    request_body = ResourcesDeclare,
    responses(
        (status = 200, description = "What was declared", body = ResourcesDeclare),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn declare(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Body(it): Body<ResourcesDeclare>,
) -> Result<Json<ResourcesDeclare>, Error> {
    trail.about("group", &it.group).after(&it);
    let command = once.command(&storages.system, &caller, "resource declare", &it);
    storages.resources.declare(command, it.group.clone(), it.resources.clone()).await?;
    Ok(Json(it))
}

/// Asks for a free resource, and waits a few seconds for its turn if it may wait.
#[utoipa::path(post, path = "/resources:reserve", tag = "resources", operation_id = "reserveResource",
    params(Once),
    request_body = ResourceReserve,
    responses(
        (status = 200, description = "What it holds, or that it waits", body = ReservationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn reserve(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Body(it): Body<ResourceReserve>,
) -> Result<Json<ReservationView>, Error> {
    trail.about("group", &it.group).before(&it);
    let system = &storages.system;
    // Sent again with its key, it asks for the same one.
    let named = it.reservation.or_else(|| {
        once.chosen(&caller, "resource reserve", &it).map(|command| ReservationId(command.0))
    });
    let reservation = named.unwrap_or_else(|| system.ids().reservation());
    let ask = Reserve {
        group: it.group,
        reservation,
        owner: system.owner().to_owned(),
        wanted: it.resource,
        lease: it.lease,
        wait_until: it.wait.then(|| system.now().plus(PLACE_KEPT)),
    };
    let (resource, waiting) = match storages.resources.reserve(ask).await? {
        Reservation::Held(resource) => (Some(resource), None),
        Reservation::Waiting(before) => (None, Some(before)),
        Reservation::Ended => {
            let detail = format!("the reservation {reservation} has ended");
            return Err(Error::Conflict { detail, hint: Some("ask for a new one".to_owned()) });
        }
    };
    let view = ReservationView { reservation, resource, waiting };
    trail.after(&view);
    Ok(Json(view))
}

/// Renews leases.
#[utoipa::path(post, path = "/resources:renew", tag = "resources", operation_id = "renewReservations",
    request_body = Reservations,
    responses(
        (status = 200, description = "Those that still hold", body = Reservations),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn renew(
    Extension(storages): Stored,
    Body(it): Body<Reservations>,
) -> Result<Json<Reservations>, Error> {
    let reservations = storages.resources.renew(it.reservations).await?;
    Ok(Json(Reservations { reservations }))
}

/// Gives back what reservations hold, and leaves the queue. Harmless if they ended.
#[utoipa::path(post, path = "/resources:release", tag = "resources", operation_id = "releaseReservations",
    request_body = Reservations,
    responses(
        (status = 200, description = "Those that have ended", body = Reservations),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn release(
    trail: Trail,
    Extension(storages): Stored,
    Body(it): Body<Reservations>,
) -> Result<Json<Reservations>, Error> {
    trail.before(&it);
    for reservation in &it.reservations {
        storages.resources.release(*reservation).await?;
    }
    Ok(Json(it))
}

/// Takes resources from their holders: selected ones, or all of a group. Who waits is served. Sent
/// again with its key, it takes nothing from those who got them since.
#[utoipa::path(post, path = "/resources:revoke", tag = "resources", operation_id = "revokeResources",
    params(Once),
    request_body = ResourcesRevoke,
    responses(
        (status = 200, description = "How many", body = ResourcesRevoked),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn revoke(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Body(it): Body<ResourcesRevoke>,
) -> Result<Json<ResourcesRevoked>, Error> {
    let command = once.command(&storages.system, &caller, "resource revoke", &it);
    let ResourcesRevoke { group, resources, dry_run } = it;
    trail.about("group", &group).before(&resources).dry(dry_run);
    let count = match dry_run {
        false => storages.resources.revoke(command, group.clone(), resources).await?,
        true => {
            let groups = storages.resources.groups().await?;
            let found = groups.into_iter().find(|it| it.group == group);
            let unknown = || resources::Rejection::UnknownGroup(group.to_string());
            let found = found.ok_or_else(unknown).map_err(resources::Failure::from)?;
            let is_named =
                |it: &&ResourceRow| resources.as_ref().is_none_or(|names| names.contains(&it.name));
            let held = found.resources.iter().filter(is_named).filter(|it| it.holding.is_some());
            held.count() as u64
        }
    };
    let result = ResourcesRevoked { group, count, dry_run };
    trail.after(&result);
    Ok(Json(result))
}

fn view(row: GroupRow) -> ResourceGroupView {
    let resource = |ResourceRow { name, holding, is_retired }: ResourceRow| ResourceView {
        name,
        reservation: holding.as_ref().map(|it| it.reservation),
        since: holding.as_ref().map(|it| it.since),
        lease: holding.as_ref().and_then(|it| it.lease),
        expires_at: holding.as_ref().and_then(|it| it.expires_at()),
        owner: holding.map(|it| it.owner),
        retired: is_retired,
    };
    let waiter = |WaiterRow { owner, wanted, since }| ResourceWaiterView { owner, wanted, since };
    ResourceGroupView {
        group: row.group,
        resources: row.resources.into_iter().map(resource).collect(),
        waiting: row.waiting.into_iter().map(waiter).collect(),
    }
}
