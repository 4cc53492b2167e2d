//! Telling open streams what to do: one by its id, or all that a filter leaves.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{NodeName, Stream, StreamId, StreamOrder, StreamState, UserClaim, WorkflowName};
use weir_http_api::{Problem, StreamNotTold, StreamSelection, StreamsTold};

use crate::error::Error;
use crate::extract::Body;
use crate::guard::{Trail, command};
use crate::ports::Unreached;
use crate::scheduler::scheduled;
use crate::storages::Storages;
use crate::{Engine, StreamFilter};

/// Streams that are told with one request: more than a cluster has threads for.
const SELECTED_MAX: usize = 10_000;
/// Streams that are looked at with one question.
const PAGE: u32 = 500;
const OPEN: [StreamState; 3] = [StreamState::Open, StreamState::Paused, StreamState::Retrying];

type Shared = State<Arc<dyn Engine>>;
type Told = Result<Json<StreamsTold>, Error>;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<dyn Engine>: FromRef<S>,
{
    let (pauses, ends) = (UserClaim::StreamPause, UserClaim::StreamControl);
    OpenApiRouter::default()
        .routes(command(pauses, "stream pause", routes!(pause)))
        .routes(command(pauses, "stream resume", routes!(resume)))
        .routes(command(ends, "stream shutdown", routes!(shutdown)))
        .routes(command(ends, "stream abort", routes!(abort)))
        .routes(command(ends, "stream terminate", routes!(terminate)))
}

/// Lets open streams read nothing more until they are resumed. They keep their items.
#[utoipa::path(post, path = "/streams:pause", tag = "streams", operation_id = "pauseStreams",
    request_body = StreamSelection,
    responses(
        (status = 200, description = "Which were told", body = StreamsTold),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn pause(
    trail: Trail,
    State(engine): Shared,
    storages: Option<Extension<Storages>>,
    Body(selection): Body<StreamSelection>,
) -> Told {
    tell((&*engine, storages.as_deref()), &trail, StreamOrder::Pause, selection).await
}

/// Lets paused streams go on.
#[utoipa::path(post, path = "/streams:resume", tag = "streams", operation_id = "resumeStreams",
    request_body = StreamSelection,
    responses(
        (status = 200, description = "Which were told", body = StreamsTold),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn resume(
    trail: Trail,
    State(engine): Shared,
    storages: Option<Extension<Storages>>,
    Body(selection): Body<StreamSelection>,
) -> Told {
    tell((&*engine, storages.as_deref()), &trail, StreamOrder::Resume, selection).await
}

/// Lets open streams finish their attempt, and begin no other one if it fails.
#[utoipa::path(post, path = "/streams:shutdown", tag = "streams", operation_id = "shutDownStreams",
    request_body = StreamSelection,
    responses(
        (status = 200, description = "Which were told", body = StreamsTold),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn shutdown(
    trail: Trail,
    State(engine): Shared,
    storages: Option<Extension<Storages>>,
    Body(selection): Body<StreamSelection>,
) -> Told {
    tell((&*engine, storages.as_deref()), &trail, StreamOrder::Shutdown, selection).await
}

/// Rolls open streams back, once their stages have stopped. Their items have failed.
#[utoipa::path(post, path = "/streams:abort", tag = "streams", operation_id = "abortStreams",
    request_body = StreamSelection,
    responses(
        (status = 200, description = "Which were told", body = StreamsTold),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn abort(
    trail: Trail,
    State(engine): Shared,
    storages: Option<Extension<Storages>>,
    Body(selection): Body<StreamSelection>,
) -> Told {
    tell((&*engine, storages.as_deref()), &trail, StreamOrder::Abort, selection).await
}

/// Rolls open streams back at once, also where a stage hangs. Their items have failed.
#[utoipa::path(post, path = "/streams:terminate", tag = "streams", operation_id = "terminateStreams",
    request_body = StreamSelection,
    responses(
        (status = 200, description = "Which were told", body = StreamsTold),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn terminate(
    trail: Trail,
    State(engine): Shared,
    storages: Option<Extension<Storages>>,
    Body(selection): Body<StreamSelection>,
) -> Told {
    tell((&*engine, storages.as_deref()), &trail, StreamOrder::Terminate, selection).await
}

/// Who knows what runs: this engine, and what the whole cluster has.
type Known<'a> = (&'a dyn Engine, Option<&'a Storages>);

async fn tell(
    known: Known<'_>,
    trail: &Trail,
    order: StreamOrder,
    selection: StreamSelection,
) -> Told {
    trail.about("stream", about(&selection)).before(&selection).dry(selection.dry_run);
    let dry_run = selection.dry_run;
    let (streams, mut not_told) = selected(known, selection).await?;
    let ids: BTreeSet<StreamId> = streams.iter().map(|it| it.id).collect();
    if dry_run {
        return Ok(Json(StreamsTold { told: ids.into_iter().collect(), not_told, dry_run }));
    }
    let (told, unreached) = known.0.streams_order(order, streams).await?;
    not_told.extend(unreached.into_iter().map(|Unreached { id, why }| StreamNotTold { id, why }));
    let ended = ids.into_iter().filter(|it| !told.contains(it));
    let ended: Vec<_> = ended.filter(|it| not_told.iter().all(|of| of.id != *it)).collect();
    not_told.extend(ended.into_iter().map(over));
    let told = StreamsTold { told, not_told, dry_run };
    trail.after(&told);
    Ok(Json(told))
}

fn over(id: StreamId) -> StreamNotTold {
    StreamNotTold { id, why: "it is not open any more".to_owned() }
}

/// What the audit calls it.
fn about(selection: &StreamSelection) -> String {
    match (selection.ids.as_slice(), &selection.workflow) {
        ([id], _) => id.to_string(),
        ([], Some(workflow)) => format!("of {workflow}"),
        ([], None) => "filtered".to_owned(),
        (ids, _) => format!("{} streams", ids.len()),
    }
}

async fn selected(
    known: Known<'_>,
    selection: StreamSelection,
) -> Result<(Vec<Stream>, Vec<StreamNotTold>), Error> {
    let StreamSelection { ids, workflow, node, state, .. } = &selection;
    let has_filter = workflow.is_some() || node.is_some() || state.is_some();
    match (ids.is_empty(), has_filter) {
        (true, false) => {
            let reason = "it names no stream, and no filter: write, say, {\"workflow\": \"…\"}";
            Err(Error::Invalid { pointer: "body".into(), reason: reason.into() })
        }
        (false, true) => {
            let reason = "streams that are named need no filter: leave one of them out";
            Err(Error::Invalid { pointer: "/ids".into(), reason: reason.into() })
        }
        (false, false) => named(known.0, ids).await,
        (true, true) => filtered(known, &selection).await.map(|it| (it, Vec::new())),
    }
}

async fn named(
    engine: &dyn Engine,
    ids: &[StreamId],
) -> Result<(Vec<Stream>, Vec<StreamNotTold>), Error> {
    if ids.len() > SELECTED_MAX {
        return Err(too_many("/ids"));
    }
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for id in ids {
        match engine.stream(*id).await? {
            Some(stream) if stream.state.is_closed() => closed.push(over(*id)),
            Some(stream) => open.push(stream),
            None => return Err(Error::not_found("stream", id, [])),
        }
    }
    Ok((open, closed))
}

async fn filtered(
    known @ (engine, _): Known<'_>,
    selection: &StreamSelection,
) -> Result<Vec<Stream>, Error> {
    let states = match selection.state {
        None => OPEN.to_vec(),
        Some(state) if OPEN.contains(&state) => vec![state],
        Some(state) => {
            let reason = format!("a stream that is {state} is over: name open, paused or retrying");
            return Err(Error::Invalid { pointer: "/state".into(), reason });
        }
    };
    let mut found = Vec::new();
    for state in states {
        let mut filter = StreamFilter {
            workflow: selection.workflow.clone(),
            state: Some(state),
            before: None,
            limit: PAGE,
        };
        loop {
            let page = engine.streams(filter.clone()).await?;
            filter.before = page.last().map(|it| it.id);
            let is_last = page.len() < PAGE as usize;
            let node = selection.node.as_ref();
            found
                .extend(page.into_iter().filter(|it| node.is_none_or(|of| it.node == of.as_str())));
            if found.len() > SELECTED_MAX {
                return Err(too_many("body"));
            }
            if is_last {
                break;
            }
        }
    }
    if found.is_empty() {
        if let Some(name) = &selection.workflow {
            refuse_unknown_workflow(known, name).await?;
        }
        if let Some(name) = &selection.node {
            refuse_unknown_node(engine, name).await?;
        }
    }
    Ok(found)
}

/// No streams of a workflow that nobody knows is more likely a slip than an answer. One that runs on
/// other engines alone, or ran once, is known.
async fn refuse_unknown_workflow(
    (engine, storages): Known<'_>,
    name: &WorkflowName,
) -> Result<(), Error> {
    let (workflow, state, before) = (Some(name.clone()), None, None);
    let past = StreamFilter { workflow, state, before, limit: 1 };
    if engine.workflow(name).await?.is_some() || !engine.streams(past).await?.is_empty() {
        return Ok(());
    }
    let scheduled = match storages {
        None => BTreeSet::new(),
        // It may know the workflow: that nothing of it is open is true all the same.
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

/// As with workflows. A node that has gone has no open streams either, once others know it.
async fn refuse_unknown_node(engine: &dyn Engine, name: &NodeName) -> Result<(), Error> {
    let known = engine.nodes().await?;
    match known.iter().any(|it| it.name == *name) {
        true => Ok(()),
        false => Err(Error::not_found("node", name, known.iter().map(|it| it.name.as_str()))),
    }
}

fn too_many(pointer: &str) -> Error {
    let reason = format!("more than {SELECTED_MAX} streams: narrow the filter");
    Error::Invalid { pointer: pointer.into(), reason }
}
