//! Savepoints of live workflows: taking, seeing and deleting them, and beginning anew from one, or
//! from nothing.
//!
//! Each command has an idempotency key: sent again with it, it is the same savepoint and the same
//! order.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{SavepointName, UserClaim, WorkflowName};
use weir_http_api::{
    ListQuery, Page, Problem, RenewalView, SavepointTake, SavepointView, WorkflowReset,
    WorkflowRestore,
};

use crate::error::Error;
use crate::extract::{Body, Fields, Part, Two};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::scheduler::scheduled;
use crate::storages::Storages;
use crate::{Begin, Engine, RenewalRequest, StreamFilter};

type Shared = State<Arc<dyn Engine>>;
type Stored = Option<Extension<Storages>>;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<dyn Engine>: FromRef<S>,
{
    let (see, control) = (UserClaim::WorkflowRead, UserClaim::WorkflowControl);
    OpenApiRouter::default()
        .routes(read(see, routes!(list)))
        .routes(read(see, routes!(show)))
        .routes(command(control, "savepoint take", routes!(take)))
        .routes(command(control, "savepoint delete", routes!(delete)))
        .routes(command(control, "workflow restore", routes!(restore)))
        .routes(command(control, "workflow reset", routes!(reset)))
}

/// The savepoints of a workflow, by name.
#[utoipa::path(get, path = "/workflows/{name}/savepoints", tag = "workflows", operation_id = "listSavepoints",
    params(("name" = String, Path, description = "The workflow's name"), ListQuery),
    responses(
        (status = 200, description = "All savepoints", body = Page<SavepointView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<SavepointView>>, Error> {
    let savepoints = engine.savepoints(&workflow).await?;
    if savepoints.is_empty() {
        refuse_unknown(&*engine, storages.as_deref(), &workflow).await?;
    }
    lists::page(savepoints, query).map(Json)
}

/// One savepoint, with what each lane and stage has in it.
#[utoipa::path(get, path = "/workflows/{name}/savepoints/{savepoint}", tag = "workflows", operation_id = "showSavepoint",
    params(("name" = String, Path, description = "The workflow's name"), ("savepoint" = String, Path, description = "The savepoint's name")),
    responses(
        (status = 200, description = "The savepoint", body = SavepointView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(engine): Shared,
    storages: Stored,
    Two(workflow, name): Two<WorkflowName, SavepointName>,
) -> Result<Json<SavepointView>, Error> {
    match engine.savepoint(&workflow, &name).await? {
        Some(savepoint) => Ok(Json(savepoint)),
        None => Err(not_found(&*engine, storages.as_deref(), &workflow, &name).await?),
    }
}

/// Has a savepoint taken of all lanes of a workflow, on all engines that run them. The answer comes
/// when it is durable, or after a while: its address says then how far it came.
#[utoipa::path(post, path = "/workflows/{name}/savepoints", tag = "workflows", operation_id = "takeSavepoint",
    params(("name" = String, Path, description = "The workflow's name"), Once),
    request_body = SavepointTake,
    responses(
        (status = 200, description = "The savepoint, as far as it came", body = SavepointView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn take(
    (caller, trail, key): (Caller, Trail, Key),
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Body(request): Body<SavepointTake>,
) -> Result<Json<SavepointView>, Error> {
    trail.about("savepoint", format!("{workflow}/{}", request.name));
    refuse_unknown(&*engine, storages.as_deref(), &workflow).await?;
    let id = key.chosen(&caller, "savepoint take", &(&workflow, &request));
    let by = caller.by().to_string();
    let taken = engine.savepoint_take(&workflow, &request.name, id, by).await?;
    trail.after(&taken);
    Ok(Json(taken))
}

/// Deletes a savepoint. What it alone kept goes with the next checkpoints of the workflow. The answer
/// is what it was; nothing, if it was deleted when the command was sent before.
#[utoipa::path(delete, path = "/workflows/{name}/savepoints/{savepoint}", tag = "workflows", operation_id = "deleteSavepoint",
    params(("name" = String, Path, description = "The workflow's name"), ("savepoint" = String, Path, description = "The savepoint's name"), Once),
    responses(
        (status = 200, description = "What it was", body = Option<SavepointView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(
    (trail, key): (Trail, Key),
    State(engine): Shared,
    storages: Stored,
    Two(workflow, name): Two<WorkflowName, SavepointName>,
) -> Result<Json<Option<SavepointView>>, Error> {
    trail.about("savepoint", format!("{workflow}/{name}"));
    let known = engine.savepoint(&workflow, &name).await?;
    match known {
        None if key.is_given() => Ok(Json(None)),
        None => Err(not_found(&*engine, storages.as_deref(), &workflow, &name).await?),
        Some(known) => {
            trail.before(&known);
            engine.savepoint_delete(&workflow, &name).await?;
            Ok(Json(Some(known)))
        }
    }
}

/// Lets the next run of a workflow begin from a savepoint, whatever version of it is deployed then.
/// What was published since stays published. Refused while a lane is worked on.
#[utoipa::path(post, path = "/workflows/{name}/restore", tag = "workflows", operation_id = "restoreWorkflow",
    params(("name" = String, Path, description = "The workflow's name"), Once),
    request_body = WorkflowRestore,
    responses(
        (status = 200, description = "What was ordered, or would be", body = RenewalView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn restore(
    (caller, trail, key): (Caller, Trail, Key),
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Body(request): Body<WorkflowRestore>,
) -> Result<Json<RenewalView>, Error> {
    let begin = match (request.savepoint.clone(), request.newest) {
        (Some(name), false) => Begin::Savepoint(name),
        (None, true) => Begin::Newest,
        (Some(_), true) | (None, false) => {
            let reason = "name a savepoint, or say \"newest\": true, and not both";
            return Err(Error::Invalid { pointer: "body".into(), reason: reason.into() });
        }
    };
    let id = key.chosen(&caller, "workflow restore", &(&workflow, &request));
    let (drops_leftovers, dry_run) = (request.allow_dropped, request.dry_run);
    let asked = RenewalRequest {
        workflow,
        begin,
        drops_leftovers,
        dry_run,
        id,
        by: caller.by().to_string(),
    };
    renew(&*engine, storages.as_deref(), &trail, asked).await
}

/// Lets the next run of a workflow begin as if it had never run: with all that its sources have, with
/// nothing remembered, and in as many lanes as its file says then. Savepoints stay. Refused while a
/// lane is worked on.
#[utoipa::path(post, path = "/workflows/{name}/reset", tag = "workflows", operation_id = "resetWorkflow",
    params(("name" = String, Path, description = "The workflow's name"), Once),
    request_body = WorkflowReset,
    responses(
        (status = 200, description = "What goes, or would", body = RenewalView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn reset(
    (caller, trail, key): (Caller, Trail, Key),
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Body(request): Body<WorkflowReset>,
) -> Result<Json<RenewalView>, Error> {
    let id = key.chosen(&caller, "workflow reset", &(&workflow, &request));
    let by = caller.by().to_string();
    let (begin, dry_run) = (Begin::Nothing, request.dry_run);
    let asked = RenewalRequest { workflow, begin, drops_leftovers: false, dry_run, id, by };
    renew(&*engine, storages.as_deref(), &trail, asked).await
}

async fn renew(
    engine: &dyn Engine,
    storages: Option<&Storages>,
    trail: &Trail,
    asked: RenewalRequest,
) -> Result<Json<RenewalView>, Error> {
    trail.about("workflow", &asked.workflow).dry(asked.dry_run);
    refuse_unknown(engine, storages, &asked.workflow).await?;
    if let Begin::Savepoint(name) = &asked.begin
        && engine.savepoint(&asked.workflow, name).await?.is_none()
    {
        return Err(not_found(engine, storages, &asked.workflow, name).await?);
    }
    let renewal = engine.workflow_renew(asked).await?;
    trail.after(&renewal);
    Ok(Json(renewal))
}

async fn not_found(
    engine: &dyn Engine,
    storages: Option<&Storages>,
    workflow: &WorkflowName,
    name: &SavepointName,
) -> Result<Error, Error> {
    refuse_unknown(engine, storages, workflow).await?;
    let there = engine.savepoints(workflow).await?;
    Ok(Error::not_found("savepoint", name, there.iter().map(|it| it.name.as_str())))
}

/// A workflow is known while it is deployed anywhere, and after that while something is stored of it.
pub(crate) async fn refuse_unknown(
    engine: &dyn Engine,
    storages: Option<&Storages>,
    name: &WorkflowName,
) -> Result<(), Error> {
    let past = StreamFilter { workflow: Some(name.clone()), state: None, before: None, limit: 1 };
    if engine.workflow(name).await?.is_some()
        || engine.has_checkpoints(name).await?
        || !engine.streams(past).await?.is_empty()
    {
        return Ok(());
    }
    let scheduled = match storages {
        None => BTreeSet::new(),
        // It may know the workflow: then it has no savepoints, which is true all the same.
        Some(storages) => match scheduled(storages).await {
            None => return Ok(()),
            Some(scheduled) => scheduled,
        },
    };
    if scheduled.contains(name) {
        return Ok(());
    }
    let running = engine.workflows().await?;
    let known = running.iter().map(|it| &it.name).chain(&scheduled);
    Err(Error::not_found("workflow", name, known.map(WorkflowName::as_str)))
}
