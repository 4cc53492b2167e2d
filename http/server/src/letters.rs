//! Dead letters of a workflow: seeing them, replaying them, and discarding them.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{LetterChoice, Replays, UserClaim, WorkflowName};
use weir_http_api::{
    Cursor, LetterCountsView, LetterView, LettersChosen, LettersQuery, Page, Problem, ReplaysView,
};

use crate::error::Error;
use crate::extract::{Body, Fields, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::savepoints::refuse_unknown;
use crate::storages::Storages;
use crate::{Engine, LettersAsked, Records, paging};

type Shared = State<Arc<dyn Engine>>;
type Stored = Option<Extension<Storages>>;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<dyn Engine>: FromRef<S>,
{
    // Letters are payload data, as are the records that pass a stage.
    let (see, control) = (UserClaim::StreamSniff, UserClaim::StreamControl);
    OpenApiRouter::default()
        .routes(read(see, routes!(list)))
        .routes(read(see, routes!(counts)))
        .routes(command(UserClaim::StreamReveal, "dead-letter reveal", routes!(reveal)))
        .routes(command(control, "dead-letter replay", routes!(replay)))
        .routes(command(control, "dead-letter discard", routes!(discard)))
}

/// The dead letters of a workflow that are kept, on whatever engine their streams ran, the newest first.
#[utoipa::path(get, path = "/workflows/{name}/dead-letters", tag = "workflows", operation_id = "listDeadLetters",
    params(("name" = String, Path, description = "The workflow's name"), LettersQuery),
    responses(
        (status = 200, description = "One page of letters", body = Page<LetterView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Fields(query): Fields<LettersQuery>,
) -> Result<Json<Page<LetterView>>, Error> {
    page((&*engine, storages.as_deref()), &workflow, query, Records::Masked).await
}

/// How many dead letters of a workflow are kept, by stage and reason: all of them, not those of a page.
#[utoipa::path(get, path = "/workflows/{name}/dead-letters:counts", tag = "workflows", operation_id = "countDeadLetters",
    params(("name" = String, Path, description = "The workflow's name")),
    responses(
        (status = 200, description = "The counts", body = LetterCountsView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn counts(
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
) -> Result<Json<LetterCountsView>, Error> {
    let counts = engine.letter_counts(&workflow).await?;
    if counts.total == 0 {
        refuse_unknown(&*engine, storages.as_deref(), &workflow).await?;
    }
    Ok(Json(counts.into()))
}

/// The same, with the records as they are kept: also the values of secrets that stand in some. Looking is
/// recorded.
#[utoipa::path(post, path = "/workflows/{name}/dead-letters:reveal", tag = "workflows", operation_id = "revealDeadLetters",
    params(("name" = String, Path, description = "The workflow's name"), LettersQuery),
    responses(
        (status = 200, description = "One page of letters", body = Page<LetterView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn reveal(
    trail: Trail,
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Fields(query): Fields<LettersQuery>,
) -> Result<Json<Page<LetterView>>, Error> {
    trail.about("workflow", &workflow).before(&query);
    page((&*engine, storages.as_deref()), &workflow, query, Records::Whole).await
}

async fn page(
    (engine, storages): (&dyn Engine, Option<&Storages>),
    workflow: &WorkflowName,
    query: LettersQuery,
    records: Records,
) -> Result<Json<Page<LetterView>>, Error> {
    let limit = paging::limit(query.limit)?;
    let LettersQuery { id, stage, stream, reason, since, until, state, limit: _, cursor } = query;
    let before = cursor.map(Cursor::letter).transpose().map_err(paging::wrong_cursor)?;
    let ids = id.into_iter().collect();
    let choice = LetterChoice { ids, stage, stream, reason, since, until, state };
    let (letters, next) = engine.letters(workflow, choice, before, limit, records).await?;
    if letters.is_empty() && next.is_none() {
        refuse_unknown(engine, storages, workflow).await?;
    }
    let items = letters.into_iter().map(LetterView::from).collect();
    Ok(Json(Page { items, next_cursor: next.map(Cursor::after_letter) }))
}

/// Puts letters that wait through the workflow as it is deployed now: from the stage that they failed
/// at, or from the source if they could not be read. Each is replayed once; what fails again is a new
/// letter. The letters of a stage are one stream, which an instance of the workflow begins soon.
#[utoipa::path(post, path = "/workflows/{name}/dead-letters:replay", tag = "workflows", operation_id = "replayDeadLetters",
    params(("name" = String, Path, description = "The workflow's name"), Once),
    request_body = LettersChosen,
    responses(
        (status = 200, description = "What is replayed, or would be", body = ReplaysView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn replay(
    (caller, trail, key): (Caller, Trail, Key),
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Body(request): Body<LettersChosen>,
) -> Result<Json<ReplaysView>, Error> {
    let command = key.chosen(&caller, "dead-letter replay", &(&workflow, &request));
    let asked = asked(&caller, workflow, request, command)?;
    refuse_unknown(&*engine, storages.as_deref(), &asked.workflow).await?;
    let dry_run = begin(&trail, &asked);
    Ok(told(&trail, engine.letters_replay(asked).await?, dry_run))
}

/// Says of letters that wait that nothing is to become of them. They stay in their files.
#[utoipa::path(post, path = "/workflows/{name}/dead-letters:discard", tag = "workflows", operation_id = "discardDeadLetters",
    params(("name" = String, Path, description = "The workflow's name"), Once),
    request_body = LettersChosen,
    responses(
        (status = 200, description = "What is discarded, or would be", body = ReplaysView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn discard(
    (caller, trail, key): (Caller, Trail, Key),
    State(engine): Shared,
    storages: Stored,
    Part(workflow): Part<WorkflowName>,
    Body(request): Body<LettersChosen>,
) -> Result<Json<ReplaysView>, Error> {
    let command = key.chosen(&caller, "dead-letter discard", &(&workflow, &request));
    let asked = asked(&caller, workflow, request, command)?;
    // Also of a workflow that is not deployed any more.
    let any = LetterChoice::default();
    let (there, next) = engine.letters(&asked.workflow, any, None, 1, Records::Masked).await?;
    if there.is_empty() && next.is_none() {
        refuse_unknown(&*engine, storages.as_deref(), &asked.workflow).await?;
    }
    let dry_run = begin(&trail, &asked);
    Ok(told(&trail, engine.letters_discard(asked).await?, dry_run))
}

/// Says what the command is about; whether it only looks.
fn begin(trail: &Trail, asked: &LettersAsked) -> bool {
    trail.about("workflow", &asked.workflow).dry(asked.dry_run);
    asked.dry_run
}

/// What became of the letters, in the answer and in the audit.
fn told(trail: &Trail, replays: Replays, dry_run: bool) -> Json<ReplaysView> {
    let view = ReplaysView::of(replays, dry_run);
    trail.after(&view);
    Json(view)
}

fn asked(
    caller: &Caller,
    workflow: WorkflowName,
    request: LettersChosen,
    command: Option<weir_domain::CommandId>,
) -> Result<LettersAsked, Error> {
    let (named, max) = (request.ids.len(), LettersChosen::IDS_MAX);
    if named > max {
        let reason = format!("{named} letters are named, and at most {max} may be");
        return Err(Error::Invalid { pointer: "/ids".into(), reason });
    }
    let (dry_run, by) = (request.dry_run, caller.by().to_string());
    Ok(LettersAsked { workflow, choice: request.into(), dry_run, command, by })
}
