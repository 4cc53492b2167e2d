//! Stream history on a server.

use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use weir_domain::{LogLine, Stream, StreamId, StreamState};
use weir_persistence_api::{
    Error, Fence, LogBound, Result, Retention, StreamFilter, StreamStore, StreamsOfItem, log_rule,
};

use super::dialect::{Dialect, Value};
use super::error::Outcome;
use super::{ServerStore, now};
use crate::row::{self, LogColumns};

/// How long one transaction goes on deleting streams, and how many lines of a log one statement
/// deletes: both end well before their deadline, after which all of it would be undone.
const FORGETTING: Duration = Duration::from_millis(100);
const LINES_AT_ONCE: u64 = 1_000;

type Changes = Vec<(Stream, Vec<LogLine>)>;

async fn save<D: Dialect>(connection: &mut D::Connection, changes: &Changes) -> Outcome<()> {
    for (stream, lines) in changes {
        let id = stream.id.to_string();
        let body = serde_json::to_string(stream).map_err(|e| {
            Error::Rejected(format!("the stream {id} can't be written as JSON: {e}"))
        })?;
        let values = [
            (&id).into(),
            stream.workflow.as_str().into(),
            stream.state.as_str().into(),
            i64::from(stream.state.is_closed()).into(),
            (&body).into(),
        ];
        D::execute(connection, D::STATEMENTS.stream_save, &values).await?;
        add_lines::<D>(connection, &id, lines).await?;
    }
    Ok(())
}

/// Adds what the log lacks. The stream's row is locked by now: nobody else adds to its log.
async fn add_lines<D: Dialect>(
    connection: &mut D::Connection,
    id: &str,
    lines: &[LogLine],
) -> Outcome<()> {
    let lines: Vec<LogLine> = lines.iter().map(stored).collect();
    let Some((from, to)) = log_rule::span(&lines) else { return Ok(()) };
    let values = [id.into(), from.0.into(), to.0.into()];
    let known: Vec<LogColumns> =
        D::rows(connection, D::STATEMENTS.stream_log_between, &values).await?;
    let known: Result<Vec<_>> = known.into_iter().map(row::log_line).collect();
    for line in log_rule::new_lines(&known?, &lines) {
        let values = [
            id.into(),
            line.at.0.into(),
            row::severity_text(line.severity).into(),
            i64::from(line.code.0).into(),
            (&line.text).into(),
        ];
        D::execute(connection, D::STATEMENTS.stream_log_add, &values).await?;
    }
    Ok(())
}

/// Not every server's text holds a null character: its picture stands for it.
fn stored(line: &LogLine) -> LogLine {
    LogLine { text: line.text.replace('\0', "\u{2400}"), ..line.clone() }
}

/// One step of it. Whether there may be more, and how many lines were left out.
async fn trim<D: Dialect>(
    connection: &mut D::Connection,
    id: &str,
    bound: LogBound,
) -> Outcome<(bool, u64)> {
    let values = [id.into(), (i64::from(bound.lines) + 1).into()];
    let newest: Vec<(i64, i64)> =
        D::rows(connection, D::STATEMENTS.stream_log_newest, &values).await?;
    let lengths = newest.into_iter().map(|(place, length)| (place, length.cast_unsigned()));
    let Some(cut) = log_rule::cut(lengths, bound) else { return Ok((false, 0)) };
    let values = [id.into(), cut.into(), i64::from(log_rule::LEFT_OUT_AT_ONCE).into()];
    let oldest: Vec<(i64, i64, String)> =
        D::rows(connection, D::STATEMENTS.stream_log_oldest, &values).await?;
    let Some((code, text, last, now)) = row::left_out(&oldest)? else { return Ok((false, 0)) };
    let values = [i64::from(code.0).into(), (&text).into(), last.into()];
    D::execute(connection, D::STATEMENTS.stream_log_replace, &values).await?;
    D::execute(connection, D::STATEMENTS.stream_log_delete, &[id.into(), last.into()]).await?;
    Ok((oldest.len() == log_rule::LEFT_OUT_AT_ONCE as usize, now))
}

/// Deletes some of the streams, the first ones; returns how many. It ends soon, and there is
/// progress each time.
pub(super) async fn forget_some<D: Dialect>(
    connection: &mut D::Connection,
    outdated: &[String],
) -> Outcome<Forgotten> {
    let until = now() + FORGETTING;
    let (mut streams, mut deleted) = (0, 0);
    for id in outdated {
        let values = [id.into(), LINES_AT_ONCE.cast_signed().into()];
        if D::execute(connection, D::STATEMENTS.stream_log_forget, &values).await? == LINES_AT_ONCE
        {
            break;
        }
        deleted += D::execute(connection, D::STATEMENTS.stream_forget, &[id.into()]).await?;
        streams += 1;
        if now() >= until {
            break;
        }
    }
    Ok(Forgotten { streams, deleted })
}

/// How far a transaction came, and how many streams it deleted: one may have gone before.
pub(super) struct Forgotten {
    pub(super) streams: usize,
    pub(super) deleted: u64,
}

#[async_trait]
impl<D: Dialect> StreamStore for ServerStore<D> {
    async fn stream_save(&self, fence: &Fence, changes: Changes) -> Result<()> {
        let work = self.sessions.transaction(Some(fence), &changes, |connection, changes| {
            save::<D>(connection, changes).boxed()
        });
        work.await
    }

    async fn stream_load(&self, id: StreamId) -> Result<Option<Stream>> {
        let id = id.to_string();
        let mut rows = self.rows(D::STATEMENTS.stream_load, &[(&id).into()]).await?;
        rows.pop().map(row::stream).transpose()
    }

    async fn stream_list(&self, filter: StreamFilter) -> Result<Vec<Stream>> {
        let before = filter.before.map(|it| it.to_string());
        let workflow: Value<'_> = filter.workflow.as_ref().map(|it| it.as_str()).into();
        let state: Value<'_> = filter.state.map(StreamState::as_str).into();
        let before: Value<'_> = before.as_deref().into();
        let limit = i64::from(filter.limit).into();
        let values = [workflow, workflow, state, state, before, before, limit];
        let rows: Vec<(String, String)> = self.rows(D::STATEMENTS.stream_list, &values).await?;
        rows.into_iter().map(row::stream).collect()
    }

    async fn stream_of_item(&self, of: StreamsOfItem) -> Result<Vec<Stream>> {
        let before = of.before.map(|it| it.to_string());
        let before: Value<'_> = before.as_deref().into();
        // As it stands in the body.
        let item = serde_json::Value::from(of.item).to_string();
        let item: Value<'_> = item.as_str().into();
        let limit = i64::from(of.limit).into();
        let values = [of.workflow.as_str().into(), item, item, before, before, limit];
        let rows: Vec<(String, String)> = self.rows(D::STATEMENTS.stream_of_item, &values).await?;
        rows.into_iter().map(row::stream).collect()
    }

    async fn stream_log(&self, id: StreamId) -> Result<Vec<LogLine>> {
        let id = id.to_string();
        let rows: Vec<LogColumns> = self.rows(D::STATEMENTS.stream_log, &[(&id).into()]).await?;
        rows.into_iter().map(row::log_line).collect()
    }

    async fn stream_log_trim(&self, fence: &Fence, id: StreamId, bound: LogBound) -> Result<u64> {
        let asked = (id.to_string(), bound);
        let mut all = 0;
        loop {
            let step = self.sessions.transaction(Some(fence), &asked, |connection, (id, bound)| {
                trim::<D>(connection, id, *bound).boxed()
            });
            let (has_more, now) = step.await?;
            all += now;
            if !has_more {
                return Ok(all);
            }
        }
    }

    async fn stream_prune(&self, fence: &Fence, retention: Retention) -> Result<u64> {
        let first = retention.first.map(|it| it.to_string()).unwrap_or_default();
        let values = [i64::from(retention.keep).into(), (&first).into()];
        let rows: Vec<(String,)> = self.rows(D::STATEMENTS.stream_outdated, &values).await?;
        let outdated: Vec<String> = rows.into_iter().map(|it| it.0).collect();
        let (mut done, mut deleted) = (0, 0);
        loop {
            let rest = &outdated[done..];
            let work = self.sessions.transaction(Some(fence), &rest, |connection, rest| {
                forget_some::<D>(connection, rest).boxed()
            });
            let forgotten = work.await?;
            done += forgotten.streams;
            deleted += forgotten.deleted;
            if done >= outdated.len() {
                return Ok(deleted);
            }
        }
    }
}
