//! Items of the engine's sources: what was processed, and forgetting it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_domain::plan::Role;
use weir_domain::{SourceName, did_you_mean};
use weir_http_api::{Cursor, ItemView, ItemsQuery, ItemsReset, ItemsResetResult, Page, Problem};

use crate::error::Error;
use crate::extract::{Body, Fields};
use crate::guard::Trail;
use crate::{Engine, ItemFilter, paging};

/// Items that were claimed, by source and name.
#[utoipa::path(get, path = "/items", tag = "items", operation_id = "listItems",
    params(ItemsQuery),
    responses(
        (status = 200, description = "One page of items", body = Page<ItemView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(engine): State<Arc<dyn Engine>>,
    Fields(query): Fields<ItemsQuery>,
) -> Result<Json<Page<ItemView>>, Error> {
    let limit = paging::limit(query.limit)?;
    let source = query.source.clone();
    let items = engine.items(filter(query, limit)?).await?;
    if let (true, Some(source)) = (items.is_empty(), &source) {
        refuse_unknown(&*engine, source).await?;
    }
    let cursor = |it: &ItemView| Cursor::after_item(it.source.clone(), it.name.clone());
    Ok(Json(paging::page(items, limit, cursor)))
}

/// Forgets items that were processed, so that they are processed again when they are found. What
/// a stream holds stays. From another machine than the server's it needs a token.
#[utoipa::path(post, path = "/items:reset", tag = "items", operation_id = "resetItems",
    request_body = ItemsReset,
    responses(
        (status = 200, description = "How many are forgotten", body = ItemsResetResult),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn reset(
    trail: Trail,
    State(engine): State<Arc<dyn Engine>>,
    Body(command): Body<ItemsReset>,
) -> Result<Json<ItemsResetResult>, Error> {
    trail.about("source", &command.source).before(&command).dry(command.dry_run);
    let ItemsReset { source, names, dry_run } = command;
    refuse_unknown(&*engine, &source).await?;
    let count = engine.items_reset(source.clone(), names, dry_run).await?;
    let result = ItemsResetResult { source, count, dry_run };
    trail.after(&result);
    Ok(Json(result))
}

/// Asks for one more than the page holds, which tells whether another page follows.
fn filter(query: ItemsQuery, limit: u32) -> Result<ItemFilter, Error> {
    let after = query.cursor.map(Cursor::item).transpose().map_err(paging::wrong_cursor)?;
    Ok(ItemFilter { source: query.source, status: query.status, after, limit: limit + 1 })
}

/// A source is known while a workflow reads it, and after that while something is remembered of it.
async fn refuse_unknown(engine: &dyn Engine, source: &SourceName) -> Result<(), Error> {
    let workflows = engine.workflows().await?;
    let sources = workflows.iter().flat_map(|it| {
        let stages = it.plan.of_role(Role::Source);
        stages.map(|stage| SourceName::of(&it.name, &stage.id)).collect::<Vec<_>>()
    });
    let known: Vec<_> = sources.collect();
    if known.contains(source) || is_remembered(engine, source).await? {
        return Ok(());
    }
    Err(Error::NotFound { what: "source", name: source.to_string(), near: near(source, &known) })
}

async fn is_remembered(engine: &dyn Engine, source: &SourceName) -> Result<bool, Error> {
    let any = ItemFilter { source: Some(source.clone()), status: None, after: None, limit: 1 };
    Ok(!engine.items(any).await?.is_empty())
}

/// Who names the workflow alone means its source.
fn near(source: &SourceName, known: &[SourceName]) -> Option<String> {
    let is_of = |it: &&SourceName| it.as_str().split('/').next() == Some(source.as_str());
    let of_workflow = known.iter().find(is_of).map(SourceName::as_str);
    let similar = || did_you_mean(source.as_str(), known.iter().map(SourceName::as_str));
    of_workflow.or_else(similar).map(str::to_owned)
}
