//! Operations: what takes longer than a request may. A route that begins one answers 202 with the place
//! where it is seen; here they are listed, followed and cancelled.
//!
//! Who began an operation sees and cancels it; so does who may read, or change, the project that it is
//! about. Others are not told that it exists.

mod kept;
mod listed;
mod progress;
mod registry;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{Extensions, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse as _, Response, Sse};
use axum::{Extension, Json};
use futures::stream::{StreamExt as _, iter, unfold};
use futures::{FutureExt as _, Stream};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{CommandId, UserClaim};
use weir_http_api::{
    Cursor, OperationState, OperationView, OperationsFollow, OperationsQuery, Page, Problem,
};

use crate::error::Error;
use crate::extract::{Fields, Part};
use crate::guard::{Caller, Need, Own, Trail, Watch, command, read};
use crate::listen::Closing;
use crate::paging;
use crate::{ProjectRefusal, Projects};

pub use kept::{InMemory, OperationStore};
pub use progress::{Ended, Progress};
pub use registry::{Begin, Most, Operations};

/// Progress is told at most this often.
const EVERY: Duration = Duration::from_millis(100);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
const FOLLOWERS_MAX: usize = 256;

/// The operations, and who follows them.
#[derive(Clone)]
pub(crate) struct Shown {
    operations: Operations,
    projects: Arc<dyn Projects>,
    followers: Arc<Semaphore>,
}

impl Shown {
    pub(crate) fn of(operations: Operations, projects: Arc<dyn Projects>) -> Self {
        Self { operations, projects, followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)) }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Shown> {
    OpenApiRouter::default()
        .routes(read(Need::LogIn, routes!(list)))
        .routes(read(Need::LogIn, routes!(show)))
        .routes(read(Need::LogIn, routes!(follow)))
        .routes(command(Need::LogIn, "operation cancel", routes!(cancel)))
}

impl Operations {
    /// Begins it, and answers that it has begun and where it is.
    pub(crate) async fn accept<W, F>(&self, begin: Begin, work: W) -> Result<Response, Error>
    where
        W: FnOnce(Progress) -> F + Send + 'static,
        F: Future<Output = Result<Value, Ended>> + Send + 'static,
    {
        let operation = self.begin(begin, work).await?;
        let place = HeaderValue::from_str(&format!("/api/v1/operations/{}", operation.id));
        let mut response = (StatusCode::ACCEPTED, Json(operation)).into_response();
        response.headers_mut().extend(place.ok().map(|it| (LOCATION, it)));
        Ok(response)
    }
}

/// What an operation came to.
pub(crate) fn written(result: impl Serialize) -> Result<Value, Ended> {
    Ok(serde_json::to_value(result).expect("a view is plain values, which are JSON"))
}

/// What was begun and takes longer than a request, the newest first. What is over is kept for a while.
#[utoipa::path(get, path = "/operations", tag = "operations", operation_id = "listOperations",
    params(OperationsQuery),
    responses(
        (status = 200, description = "One page", body = Page<OperationView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn list(
    State(shown): State<Shown>,
    caller: Caller,
    Fields(query): Fields<OperationsQuery>,
) -> Result<Json<Page<OperationView>>, Error> {
    let OperationsQuery { kind, state, project, limit, cursor } = query;
    let limit = paging::limit(limit)?;
    let before = cursor.map(Cursor::entry).transpose().map_err(paging::wrong_cursor)?;
    let is_wanted = |it: &OperationView| {
        kind.as_ref().is_none_or(|kind| it.kind == *kind)
            && state.is_none_or(|state| it.state == state)
            && (project.is_none() || it.project == project)
            && is_seen(it, &caller)
    };
    // One more tells whether another page follows.
    let found = shown.operations.list(before, limit as usize + 1, is_wanted);
    Ok(Json(paging::page(found, limit, |it| Cursor::before_entry(it.number))))
}

/// One operation, as far as it has come.
#[utoipa::path(get, path = "/operations/{operation}", tag = "operations", operation_id = "getOperation",
    params(("operation" = String, Path, description = "The operation's id")),
    responses(
        (status = 200, description = "The operation", body = OperationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn show(
    State(shown): State<Shown>,
    caller: Caller,
    own: Option<Extension<Own>>,
    Part(id): Part<CommandId>,
) -> Result<Json<OperationView>, Error> {
    if let Some(Extension(Own::Reads)) = own {
        // For those to whom it was shown before.
        let operation = shown.operations.get(id);
        return operation.map(Json).ok_or_else(|| Error::not_found("operation", &id, []));
    }
    found(&shown.operations, id, &caller).map(Json)
}

/// Asks an operation to end where nothing is left half done. What its steps had done before stays done.
/// One that is over stays as it is: 409.
#[utoipa::path(post, path = "/operations/{operation}/cancel", tag = "operations", operation_id = "cancelOperation",
    params(("operation" = String, Path, description = "The operation's id")),
    responses(
        (status = 200, description = "The operation, which ends soon", body = OperationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn cancel(
    State(shown): State<Shown>,
    caller: Caller,
    trail: Trail,
    Part(id): Part<CommandId>,
) -> Result<Json<OperationView>, Error> {
    trail.about("operation", id);
    let operation = found(&shown.operations, id, &caller)?;
    let claim = UserClaim::ProjectWrite;
    if operation.by != caller.by() && !caller.may(claim, operation.project.as_ref()) {
        return Err(Error::Forbidden { claim });
    }
    if operation.state.is_final() {
        let detail = format!("the operation {id} is over: it {}", ending(operation.state));
        let hint = Some("nothing is left to cancel; its steps say what was done".to_owned());
        return Err(Error::Conflict { detail, hint });
    }
    let asked = shown.operations.cancel(id).unwrap_or(operation);
    Ok(Json(asked))
}

/// Follows operations: each event is one as it is then. All that are shown come first, or the one that
/// is asked for, with which the events end.
#[utoipa::path(get, path = "/operations:follow", tag = "operations", operation_id = "followOperations",
    params(OperationsFollow),
    responses(
        (status = 200, description = "Events named `operation`", body = OperationView,
            content_type = "text/event-stream"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn follow(
    State(shown): State<Shown>,
    caller: Caller,
    extensions: Extensions,
    Fields(query): Fields<OperationsFollow>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    if let Some(id) = query.id {
        found(&shown.operations, id, &caller)?;
    }
    if let Some(project) = &query.project {
        let is_read = caller.may(UserClaim::ProjectRead, Some(project));
        // Who may not read it is told what is said of one that is not there.
        let known = if is_read {
            shown.projects.project(project.clone()).await.map(drop)
        } else {
            Err(ProjectRefusal::NotFound {
                what: "project",
                name: project.to_string(),
                known: vec![],
            })
        };
        known?;
    }
    let place = shown.followers.clone().try_acquire_owned().map_err(|_| Error::Busy {
        detail: format!("{FOLLOWERS_MAX} already follow the operations of this server"),
    })?;
    let closing = extensions.get::<Closing>().cloned();
    let watch = extensions.get::<Watch>().cloned();
    let ended = async move {
        let closed = async {
            match closing {
                Some(closing) => closing.closed().await,
                None => std::future::pending().await,
            }
        };
        let barred = async {
            match watch {
                Some(watch) => watch.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { () = closed => (), () = barred => () }
    };
    let revisions = shown.operations.revisions();
    let operations = shown.operations;
    let following = Following {
        operations,
        query,
        caller,
        revisions,
        seen: None,
        is_over: false,
        _place: place,
    };
    let events = unfold(following, next).flat_map(iter).take_until(ended.boxed());
    let answer = Sse::new(events.map(Ok));
    Ok(answer.keep_alive(KeepAlive::new().interval(HEARTBEAT_EVERY).text("alive")))
}

fn ending(state: OperationState) -> &'static str {
    match state {
        OperationState::Running => "runs",
        OperationState::Succeeded => "has succeeded",
        OperationState::Failed => "has failed",
        OperationState::Cancelled => "was cancelled",
        OperationState::Interrupted => "was interrupted",
    }
}

struct Following {
    operations: Operations,
    query: OperationsFollow,
    caller: Caller,
    revisions: watch::Receiver<u64>,
    /// The revision that was told last.
    seen: Option<u64>,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

async fn next(mut it: Following) -> Option<(VecDeque<Event>, Following)> {
    if it.is_over {
        return None;
    }
    if it.seen.is_some() {
        it.revisions.changed().await.ok()?;
        tokio::time::sleep(EVERY).await;
    }
    // What changes from here on is told the next time.
    it.revisions.mark_unchanged();
    let (changed, seen) = match it.seen {
        Some(seen) => it.operations.changed(seen),
        None => it.operations.all(),
    };
    it.seen = Some(seen);
    let told: Vec<_> = changed.into_iter().filter(|one| it.is_told(one)).collect();
    it.is_over = it.query.id.is_some() && told.iter().any(|it| it.state.is_final());
    let events = told.iter().map(|it| {
        let event = Event::default().event("operation");
        event.json_data(it).expect("an operation is plain values, which are JSON")
    });
    Some((events.collect(), it))
}

impl Following {
    fn is_told(&self, operation: &OperationView) -> bool {
        self.query.id.is_none_or(|id| operation.id == id)
            && (self.query.project.is_none() || operation.project == self.query.project)
            && is_seen(operation, &self.caller)
    }
}

fn is_seen(operation: &OperationView, caller: &Caller) -> bool {
    operation.by == caller.by() || caller.may(UserClaim::ProjectRead, operation.project.as_ref())
}

/// One that may not be seen is not there.
fn found(operations: &Operations, id: CommandId, caller: &Caller) -> Result<OperationView, Error> {
    let operation = operations.get(id).filter(|it| is_seen(it, caller));
    operation.ok_or_else(|| Error::not_found("operation", &id, []))
}
