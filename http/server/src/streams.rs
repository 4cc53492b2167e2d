//! Streams of the engine: what runs and what ran.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_domain::StreamId;
use weir_http_api::{Cursor, Page, Problem, StreamDetail, StreamLog, StreamSummary, StreamsQuery};

use crate::error::Error;
use crate::extract::{Fields, Part};
use crate::{Engine, StreamFilter, paging};

/// Streams, newest first.
#[utoipa::path(get, path = "/streams", tag = "streams", operation_id = "listStreams",
    params(StreamsQuery),
    responses(
        (status = 200, description = "One page of streams", body = Page<StreamSummary>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(engine): State<Arc<dyn Engine>>,
    Fields(query): Fields<StreamsQuery>,
) -> Result<Json<Page<StreamSummary>>, Error> {
    let limit = paging::limit(query.limit)?;
    let streams = engine.streams(filter(query, limit)?).await?;
    Ok(Json(paging::page(streams, limit, |it| Cursor::after_stream(it.id))))
}

/// One stream with its counts by stage and what it published.
#[utoipa::path(get, path = "/streams/{id}", tag = "streams", operation_id = "showStream",
    params(("id" = String, Path, format = "uuid", description = "The stream's id")),
    responses(
        (status = 200, description = "The stream", body = StreamDetail),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(engine): State<Arc<dyn Engine>>,
    Part(id): Part<StreamId>,
) -> Result<Json<StreamDetail>, Error> {
    let stream = engine.stream(id).await?;
    stream.map(|it| Json(it.into())).ok_or_else(|| Error::not_found("stream", &id, []))
}

/// The log of one stream, oldest line first.
#[utoipa::path(get, path = "/streams/{id}/log", tag = "streams", operation_id = "showStreamLog",
    params(("id" = String, Path, format = "uuid", description = "The stream's id")),
    responses(
        (status = 200, description = "The log", body = StreamLog),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn log(
    State(engine): State<Arc<dyn Engine>>,
    Part(id): Part<StreamId>,
) -> Result<Json<StreamLog>, Error> {
    let lines = engine.stream_log(id).await?.ok_or_else(|| Error::not_found("stream", &id, []))?;
    Ok(Json(StreamLog { id, lines: lines.into_iter().map(Into::into).collect() }))
}

/// Asks for one more than the page holds, which tells whether another page follows.
fn filter(query: StreamsQuery, limit: u32) -> Result<StreamFilter, Error> {
    let before = query.cursor.map(Cursor::stream).transpose().map_err(paging::wrong_cursor)?;
    Ok(StreamFilter { workflow: query.workflow, state: query.state, before, limit: limit + 1 })
}
