//! The journal on a server.

use async_trait::async_trait;
use futures::FutureExt;
use weir_persistence_api::{
    Append, Fence, Journal, PersistenceId, Result, StoredEvent, Tag, TaggedEvent,
};

use super::dialect::Dialect;
use super::error::Outcome;
use super::{ServerStore, check_key, now};
use crate::row::{self, EventColumns, bound};

/// Events that are deleted at a time: a server takes long over many, and a statement that takes it
/// too long is undone. What one transaction deleted stays deleted, whatever becomes of the next.
const DELETED_AT_ONCE: u64 = 500;

async fn delete<D: Dialect>(
    connection: &mut D::Connection,
    (id, sequence): &(&PersistenceId, u64),
) -> Outcome<()> {
    let values = [(&id.0).into(), bound(*sequence).into()];
    let s = D::STATEMENTS;
    for statement in [s.event_delete_tags, s.event_delete, s.event_deleted] {
        D::execute(connection, statement, &values).await?;
    }
    Ok(())
}

/// How far a journal goes, as a transaction sees it.
pub(super) async fn highest<D: Dialect>(
    connection: &mut D::Connection,
    id: &PersistenceId,
) -> Outcome<u64> {
    let values = [(&id.0).into(), (&id.0).into()];
    let rows = D::rows(connection, D::STATEMENTS.event_highest, &values).await?;
    Ok(highest_of(id, &rows)?)
}

fn highest_of(id: &PersistenceId, rows: &[(i64,)]) -> Result<u64> {
    let highest = rows.first().map_or(0, |it| it.0);
    row::number(highest, || format!("the journal of {id}"))
}

#[async_trait]
impl<D: Dialect> Journal for ServerStore<D> {
    async fn append(&self, request: Append) -> Result<u64> {
        let started = now();
        let highest = self.writer.append(request).await?;
        metrics::histogram!("weir_store_append_seconds").record(started.elapsed());
        Ok(highest)
    }

    async fn replay(&self, id: &PersistenceId, after: u64, limit: u32) -> Result<Vec<StoredEvent>> {
        let key = &id.0;
        let values = [key.into(), key.into(), bound(after).into(), i64::from(limit).into()];
        let rows: Vec<EventColumns> = self.rows(D::STATEMENTS.event_replay, &values).await?;
        let deleted_to = rows.first().map_or(0, |it| it.0.unsigned_abs());
        let page: Result<Vec<_>> =
            rows.into_iter().map(|it| row::tagged_event(it).map(|it| it.event)).collect();
        let page = page?;
        let last = page.last().map_or(0, |it| it.sequence);
        row::check_contiguous(id, after, (last, deleted_to), (&page, limit))?;
        Ok(page)
    }

    async fn highest(&self, id: &PersistenceId) -> Result<u64> {
        let values = [(&id.0).into(), (&id.0).into()];
        let rows: Vec<(i64,)> = self.rows(D::STATEMENTS.event_highest, &values).await?;
        highest_of(id, &rows)
    }

    async fn delete_to(&self, id: &PersistenceId, fence: &Fence, sequence: u64) -> Result<()> {
        check_key("persistence id", &id.0)?;
        let to = sequence.min(self.highest(id).await?);
        loop {
            let values = [(&id.0).into()];
            let rows: Vec<(Option<i64>,)> = self.rows(D::STATEMENTS.event_first, &values).await?;
            let first = rows.first().and_then(|it| it.0).map_or(to, i64::unsigned_abs);
            let up_to = to.min(first.saturating_add(DELETED_AT_ONCE - 1));
            let input = (id, up_to);
            let work = self.sessions.transaction(Some(fence), &input, |connection, input| {
                delete::<D>(connection, input).boxed()
            });
            work.await?;
            if up_to >= to {
                return Ok(());
            }
        }
    }

    async fn tagged(&self, tag: &Tag, after_offset: u64, limit: u32) -> Result<Vec<TaggedEvent>> {
        let values = [(&tag.0).into(), bound(after_offset).into(), i64::from(limit).into()];
        let rows: Vec<EventColumns> = self.rows(D::STATEMENTS.event_tagged, &values).await?;
        rows.into_iter().map(row::tagged_event).collect()
    }
}
