//! Stream history on SQLite.

use async_trait::async_trait;
use futures::FutureExt;
use sqlx::{SqliteConnection, query, query_as};
use weir_domain::{LogLine, Stream, StreamId, StreamState};
use weir_persistence_api::{
    Error, Fence, LogBound, Result, Retention, StreamFilter, StreamStore, StreamsOfItem, log_rule,
};

use super::error::Outcome;
use super::{SqliteStore, check_fence, statement};
use crate::row::{self, LogColumns};

async fn save(
    connection: &mut SqliteConnection,
    stream: &Stream,
    lines: &[LogLine],
) -> Outcome<()> {
    let id = stream.id.to_string();
    let body = serde_json::to_string(stream)
        .map_err(|e| Error::Rejected(format!("the stream {id} can't be written as JSON: {e}")))?;
    query(statement::STREAM_SAVE)
        .bind(&id)
        .bind(stream.workflow.as_str())
        .bind(stream.state.as_str())
        .bind(i64::from(stream.state.is_closed()))
        .bind(body)
        .execute(&mut *connection)
        .await?;
    let Some((from, to)) = log_rule::span(lines) else { return Ok(()) };
    let known: Vec<LogColumns> = query_as(statement::STREAM_LOG_BETWEEN)
        .bind(&id)
        .bind(from.0)
        .bind(to.0)
        .fetch_all(&mut *connection)
        .await?;
    let known: Result<Vec<_>> = known.into_iter().map(row::log_line).collect();
    for line in log_rule::new_lines(&known?, lines) {
        query(statement::STREAM_LOG_ADD)
            .bind(&id)
            .bind(line.at.0)
            .bind(row::severity_text(line.severity))
            .bind(i64::from(line.code.0))
            .bind(&line.text)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// One step of it. Whether there may be more, and how many lines were left out.
async fn trim(
    connection: &mut SqliteConnection,
    id: &str,
    bound: LogBound,
) -> Outcome<(bool, u64)> {
    let newest: Vec<(i64, i64)> = query_as(statement::STREAM_LOG_NEWEST)
        .bind(id)
        .bind(i64::from(bound.lines) + 1)
        .fetch_all(&mut *connection)
        .await?;
    let lengths = newest.into_iter().map(|(place, length)| (place, length.cast_unsigned()));
    let Some(cut) = log_rule::cut(lengths, bound) else { return Ok((false, 0)) };
    let oldest: Vec<(i64, i64, String)> = query_as(statement::STREAM_LOG_OLDEST)
        .bind(id)
        .bind(cut)
        .bind(i64::from(log_rule::LEFT_OUT_AT_ONCE))
        .fetch_all(&mut *connection)
        .await?;
    let Some((code, text, last, now)) = row::left_out(&oldest)? else { return Ok((false, 0)) };
    query(statement::STREAM_LOG_REPLACE)
        .bind(i64::from(code.0))
        .bind(text)
        .bind(last)
        .execute(&mut *connection)
        .await?;
    query(statement::STREAM_LOG_DELETE).bind(id).bind(last).execute(&mut *connection).await?;
    Ok((oldest.len() == log_rule::LEFT_OUT_AT_ONCE as usize, now))
}

#[async_trait]
impl StreamStore for SqliteStore {
    async fn stream_save(&self, fence: &Fence, changes: Vec<(Stream, Vec<LogLine>)>) -> Result<()> {
        let fence = fence.clone();
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    for (stream, lines) in &changes {
                        save(connection, stream, lines).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    async fn stream_load(&self, id: StreamId) -> Result<Option<Stream>> {
        let look =
            query_as(statement::STREAM_LOAD).bind(id.to_string()).fetch_optional(&self.readers);
        self.read(look).await?.map(row::stream).transpose()
    }

    async fn stream_list(&self, filter: StreamFilter) -> Result<Vec<Stream>> {
        let look = query_as(statement::STREAM_LIST)
            .bind(filter.workflow.as_ref().map(|it| it.as_str().to_owned()))
            .bind(filter.state.map(StreamState::as_str))
            .bind(filter.before.map(|it| it.to_string()))
            .bind(i64::from(filter.limit))
            .fetch_all(&self.readers);
        self.read(look).await?.into_iter().map(row::stream).collect()
    }

    async fn stream_of_item(&self, of: StreamsOfItem) -> Result<Vec<Stream>> {
        let look = query_as(statement::STREAM_OF_ITEM)
            .bind(of.workflow.as_str().to_owned())
            .bind(of.item)
            .bind(of.before.map(|it| it.to_string()))
            .bind(i64::from(of.limit))
            .fetch_all(&self.readers);
        self.read(look).await?.into_iter().map(row::stream).collect()
    }

    async fn stream_log(&self, id: StreamId) -> Result<Vec<LogLine>> {
        let look = query_as(statement::STREAM_LOG).bind(id.to_string()).fetch_all(&self.readers);
        self.read(look).await?.into_iter().map(row::log_line).collect()
    }

    async fn stream_log_trim(&self, fence: &Fence, id: StreamId, bound: LogBound) -> Result<u64> {
        let mut all = 0;
        loop {
            let fence = fence.clone();
            let step = self.writer.write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    trim(connection, &id.to_string(), bound).await
                }
                .boxed()
            });
            let (has_more, now) = step.await?;
            all += now;
            if !has_more {
                return Ok(all);
            }
        }
    }

    async fn stream_prune(&self, fence: &Fence, retention: Retention) -> Result<u64> {
        let fence = fence.clone();
        let first = retention.first.map(|it| it.to_string()).unwrap_or_default();
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    let deletion =
                        query(statement::STREAM_PRUNE).bind(i64::from(retention.keep)).bind(first);
                    Ok(deletion.execute(connection).await?.rows_affected())
                }
                .boxed()
            })
            .await
    }
}
