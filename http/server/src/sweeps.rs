//! Sweeps over the items of a source: resetting them, and giving or denying them clearance.
//!
//! Each has an idempotency key: asked for again with it, it is the same sweep. One that takes longer
//! than a request goes on by itself, and says at its address how far it came.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{SourceName, SweepId, UserClaim};
use weir_http_api::{ItemsClear, ItemsReset, Problem, SweepAction, SweepView};

use crate::engine::Asked;
use crate::error::Error;
use crate::extract::{Body, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::items::refuse_unknown;
use crate::{Engine, ItemFilter, SweepRequest};

/// How the audit calls it.
pub(crate) const RESET: &str = "item reset";
/// Names of one sweep.
const NAMES_MAX: usize = 1_000;

pub(crate) fn routes() -> OpenApiRouter<Asked> {
    let manage = UserClaim::AccessManage;
    OpenApiRouter::default()
        .routes(command(manage, RESET, routes!(reset)))
        .routes(command(manage, "item clear", routes!(clear)))
        .routes(read(UserClaim::AccessRead, routes!(show)))
}

/// Forgets items that were processed, so that they are processed again when they are found. What
/// a stream holds stays. From another machine than the server's it needs a token.
#[utoipa::path(post, path = "/items:reset", tag = "items", operation_id = "resetItems",
    params(Once),
    request_body = ItemsReset,
    responses(
        (status = 200, description = "How many are forgotten so far", body = SweepView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn reset(
    caller: Caller,
    trail: Trail,
    State(engine): State<Arc<dyn Engine>>,
    key: Key,
    Body(it): Body<ItemsReset>,
) -> Result<Json<SweepView>, Error> {
    trail.before(&it);
    let id = key.chosen(&caller, RESET, &it).map(|it| SweepId(it.0));
    let filter = ItemFilter {
        source: None,
        status: it.status,
        names: it.names,
        pattern: it.pattern,
        since: it.since,
        until: it.until,
    };
    let asked = Swept { id, action: SweepAction::Reset, dry_run: it.dry_run, source: it.source };
    sweep(&*engine, &caller, &trail, asked.of(filter)).await
}

/// Gives items that wait for clearance their clearance, or denies it. From another machine than the
/// server's it needs a token.
#[utoipa::path(post, path = "/items:clear", tag = "items", operation_id = "clearItems",
    params(Once),
    request_body = ItemsClear,
    responses(
        (status = 200, description = "How many are cleared or denied so far", body = SweepView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn clear(
    caller: Caller,
    trail: Trail,
    State(engine): State<Arc<dyn Engine>>,
    key: Key,
    Body(it): Body<ItemsClear>,
) -> Result<Json<SweepView>, Error> {
    trail.before(&it);
    let id = key.chosen(&caller, "item clear", &it).map(|it| SweepId(it.0));
    let filter = ItemFilter {
        source: None,
        status: None,
        names: it.names,
        pattern: it.pattern,
        since: it.since,
        until: it.until,
    };
    let action = if it.deny { SweepAction::Deny } else { SweepAction::Clear };
    let asked = Swept { id, action, dry_run: it.dry_run, source: it.source };
    sweep(&*engine, &caller, &trail, asked.of(filter)).await
}

/// How far a sweep came. It is known for a week.
#[utoipa::path(get, path = "/sweeps/{id}", tag = "items", operation_id = "showSweep",
    params(("id" = String, Path, description = "The sweep's id")),
    responses(
        (status = 200, description = "The sweep", body = SweepView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(engine): State<Arc<dyn Engine>>,
    Part(id): Part<SweepId>,
) -> Result<Json<SweepView>, Error> {
    let found = engine.sweep(id).await?;
    let missing = || Error::NotFound { what: "sweep", name: id.to_string(), near: None };
    found.map(Json).ok_or_else(missing)
}

/// What every sweep is asked for with.
struct Swept {
    id: Option<SweepId>,
    action: SweepAction,
    dry_run: bool,
    source: SourceName,
}

impl Swept {
    fn of(self, filter: ItemFilter) -> SweepRequest {
        let Self { id, action, dry_run, source } = self;
        SweepRequest { id, action, dry_run, source, filter, by: String::new() }
    }
}

async fn sweep(
    engine: &dyn Engine,
    caller: &Caller,
    trail: &Trail,
    request: SweepRequest,
) -> Result<Json<SweepView>, Error> {
    trail.about("source", &request.source).dry(request.dry_run);
    let named = request.filter.names.as_ref().map_or(0, Vec::len);
    if named > NAMES_MAX {
        let reason = format!("{named} names are too many: send at most {NAMES_MAX} at a time");
        return Err(Error::Invalid { pointer: "/names".into(), reason });
    }
    refuse_unknown(engine, &request.source).await?;
    let by = caller.by().to_string();
    let view = engine.sweep_begin(SweepRequest { by, ..request }).await?;
    trail.after(&view);
    Ok(Json(view))
}
