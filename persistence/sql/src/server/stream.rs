//! Stream history on a server.

use async_trait::async_trait;
use futures::FutureExt;
use weir_domain::{LogLine, Stream, StreamId, StreamState};
use weir_persistence_api::{Error, Fence, Result, StreamFilter, StreamStore};

use super::ServerStore;
use super::dialect::{Dialect, Value};
use super::error::Outcome;
use crate::row::{self, LogColumns};

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
        for line in lines {
            // Not every server's text holds a null character: its picture stands for it.
            let text = line.text.replace('\0', "\u{2400}");
            let values = [
                (&id).into(),
                line.at.0.into(),
                row::severity_text(line.severity).into(),
                i64::from(line.code.0).into(),
                (&text).into(),
            ];
            D::execute(connection, D::STATEMENTS.stream_log_add, &values).await?;
        }
    }
    Ok(())
}

async fn prune<D: Dialect>(connection: &mut D::Connection, keep: &u32) -> Outcome<u64> {
    let values = [i64::from(*keep).into()];
    Ok(D::execute(connection, D::STATEMENTS.stream_prune, &values).await?)
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

    async fn stream_log(&self, id: StreamId) -> Result<Vec<LogLine>> {
        let id = id.to_string();
        let rows: Vec<LogColumns> = self.rows(D::STATEMENTS.stream_log, &[(&id).into()]).await?;
        rows.into_iter().map(row::log_line).collect()
    }

    async fn stream_prune(&self, fence: &Fence, keep: u32) -> Result<u64> {
        let work = self.sessions.transaction(Some(fence), &keep, |connection, keep| {
            prune::<D>(connection, keep).boxed()
        });
        work.await
    }
}
