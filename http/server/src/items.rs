//! Sources and their items: what was handed out, and what became of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_domain::plan::Role;
use weir_domain::{SourceName, Timestamp, did_you_mean};
use weir_http_api::{Cursor, ItemView, ItemsQuery, Page, Problem, SourceView, SourcesQuery};

use crate::error::Error;
use crate::extract::Fields;
use crate::{Engine, ItemFilter, paging};

/// Items that were handed out, by source and name, or the newest first.
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
    let after = query.cursor.map(Cursor::item).transpose().map_err(paging::wrong_cursor)?;
    let source = query.source.clone();
    let filter = ItemFilter {
        source: query.source,
        status: query.status,
        names: None,
        pattern: query.pattern,
        since: query.since,
        until: query.until,
    };
    let (items, next) = engine.items(filter, after, limit).await?;
    if let (true, None, Some(source)) = (items.is_empty(), &next, &source) {
        refuse_unknown(&*engine, source).await?;
    }
    let next_cursor = next.map(|(source, at, name)| Cursor::after_item(source, at, name));
    Ok(Json(Page { items, next_cursor }))
}

/// Sources that anything is remembered of, by name, with how many items they have in each state.
#[utoipa::path(get, path = "/sources", tag = "items", operation_id = "listSources",
    params(SourcesQuery),
    responses(
        (status = 200, description = "One page of sources", body = Page<SourceView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn sources(
    State(engine): State<Arc<dyn Engine>>,
    Fields(query): Fields<SourcesQuery>,
) -> Result<Json<Page<SourceView>>, Error> {
    let limit = paging::limit(query.limit)?;
    let after = query.cursor.map(Cursor::item).transpose().map_err(paging::wrong_cursor)?;
    let sources = engine.sources(after.map(|it| it.0), limit + 1).await?;
    let cursor =
        |it: &SourceView| Cursor::after_item(it.source.clone(), Timestamp(0), String::new());
    Ok(Json(paging::page(sources, limit, cursor)))
}

/// A source is known while a workflow reads it, and after that while something is remembered of it.
pub(crate) async fn refuse_unknown(engine: &dyn Engine, source: &SourceName) -> Result<(), Error> {
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
    let any = ItemFilter { source: Some(source.clone()), ..ItemFilter::default() };
    Ok(!engine.items(any, None, 1).await?.0.is_empty())
}

/// Who names the workflow alone means its source.
fn near(source: &SourceName, known: &[SourceName]) -> Option<String> {
    let is_of = |it: &&SourceName| it.as_str().split('/').next() == Some(source.as_str());
    let of_workflow = known.iter().find(is_of).map(SourceName::as_str);
    let similar = || did_you_mean(source.as_str(), known.iter().map(SourceName::as_str));
    of_workflow.or_else(similar).map(str::to_owned)
}
