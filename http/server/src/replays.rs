//! Replays of dead letters that have not ended: seeing them, and ending one.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{UserClaim, WorkflowName};
use weir_http_api::{ListQuery, OpenReplayView, Page, Problem, ReplayCancel};

use crate::Engine;
use crate::error::Error;
use crate::extract::{Body, Fields, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::savepoints::refuse_unknown;
use crate::storages::Storages;

type Shared = State<Arc<dyn Engine>>;
type Stored = Option<Extension<Storages>>;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<dyn Engine>: FromRef<S>,
{
    OpenApiRouter::default().routes(read(UserClaim::StreamRead, routes!(list))).routes(command(
        UserClaim::StreamControl,
        "dead-letter cancel",
        routes!(cancel),
    ))
}

/// The replays of a workflow that are to run or under way, the oldest first, with what each waits for.
#[utoipa::path(get, path = "/workflows/{name}/replays", tag = "workflows", operation_id = "listReplays",
    params(("name" = String, Path, description = "The workflow's name"), ListQuery),
    responses(
        (status = 200, description = "All of them", body = Page<OpenReplayView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<OpenReplayView>>, Error> {
    let replays = engine.replays(&workflow).await?;
    if replays.is_empty() {
        refuse_unknown(&*engine, storages.as_deref(), &workflow).await?;
    }
    lists::page(replays, query).map(Json)
}

/// Ends a replay, whether or not something runs it: its letters wait again, and can be replayed or
/// discarded. Refused once its commit is decided. The answer is what it was; nothing, if it had ended when
/// the command was sent before.
#[utoipa::path(post, path = "/workflows/{name}/replays:cancel", tag = "workflows", operation_id = "cancelReplay",
    params(("name" = String, Path, description = "The workflow's name"), Once),
    request_body = ReplayCancel,
    responses(
        (status = 200, description = "What it was", body = Option<OpenReplayView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn cancel(
    (caller, trail, key): (Caller, Trail, Key),
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Body(request): Body<ReplayCancel>,
) -> Result<Json<Option<OpenReplayView>>, Error> {
    let item = request.replay;
    trail.about("replay", format!("{workflow}/{item}"));
    let open = engine.replays(&workflow).await?;
    let Some(known) = open.iter().find(|it| it.replay.item == item).cloned() else {
        if key.is_given() {
            return Ok(Json(None));
        }
        if open.is_empty() {
            refuse_unknown(&*engine, storages.as_deref(), &workflow).await?;
        }
        let near = weir_domain::did_you_mean(&item, open.iter().map(|it| it.replay.item.as_str()));
        let near = near.map(str::to_owned);
        return Err(Error::NotFound { what: "open replay", name: item, near });
    };
    let known = OpenReplayView::from(known);
    trail.before(&known);
    engine.replay_cancel(&workflow, &item, caller.by().to_string()).await?;
    Ok(Json(Some(known)))
}
