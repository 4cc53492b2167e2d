//! The journal on SQLite.

use async_trait::async_trait;
use futures::FutureExt;
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use weir_domain::Timestamp;
use weir_persistence_api::{
    Append, Error, Fence, Journal, NewEvent, PersistenceId, Result, StoredEvent, Tag, TaggedEvent,
};

use super::error::{Failure, Outcome};
use super::writer::started;
use super::{SqliteStore, check_fence, statement};
use crate::checksum;
use crate::row::{self, EventColumns, bound};

/// How far a journal goes: the highest number ever written, and the highest that was deleted.
pub(super) async fn head(
    connection: &mut SqliteConnection,
    id: &PersistenceId,
) -> Outcome<(u64, u64)> {
    let found = query_as(statement::EVENT_HEAD).bind(&id.0).fetch_optional(connection).await?;
    let (highest, deleted_to): (i64, i64) = found.unwrap_or_default();
    let what = || format!("the journal of {id}");
    Ok((row::number(highest, what)?, row::number(deleted_to, what)?))
}

async fn append(
    connection: &mut SqliteConnection,
    append: &Append,
    now: Timestamp,
) -> Outcome<u64> {
    let Append { id, fence, after, events } = append;
    check_fence(connection, fence).await?;
    let (actual, _) = head(connection, id).await?;
    if actual != *after {
        return Err(Error::Conflict { id: id.clone(), expected: *after, actual }.into());
    }
    if events.is_empty() {
        return Ok(actual);
    }
    let mut sequence = actual;
    for event in events {
        sequence += 1;
        insert(connection, append, sequence, event, now).await?;
    }
    let advance = query(statement::EVENT_ADVANCE).bind(&id.0).bind(bound(sequence));
    advance.execute(connection).await?;
    Ok(sequence)
}

async fn insert(
    connection: &mut SqliteConnection,
    Append { id, fence, .. }: &Append,
    sequence: u64,
    event: &NewEvent,
    now: Timestamp,
) -> Outcome<()> {
    let content = (&event.manifest, &event.payload[..]);
    let sum = checksum::of_event(id, sequence, content, event.command);
    let inserted = query_scalar(statement::EVENT_INSERT)
        .bind(&id.0)
        .bind(bound(sequence))
        .bind(&fence.owner)
        .bind(bound(fence.epoch))
        .bind(now.0)
        .bind(&event.manifest.name)
        .bind(i64::from(event.manifest.version))
        .bind(&event.payload[..])
        .bind(i64::from(sum))
        .bind(event.command.map(|it| it.to_string()))
        .fetch_one(&mut *connection)
        .await;
    let ordering: i64 = inserted.map_err(|e| taken(e, id, sequence))?;
    for Tag(tag) in &event.tags {
        let tagging = query(statement::EVENT_TAG).bind(tag).bind(ordering);
        tagging.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The head of a journal is written with its events: a row beyond it was put there by hand.
fn taken(error: sqlx::Error, id: &PersistenceId, sequence: u64) -> Failure {
    let is_taken = error.as_database_error().is_some_and(|it| it.is_unique_violation());
    if !is_taken {
        return error.into();
    }
    let what = format!("the journal of {id}");
    row::corrupt(what, &format!("event {sequence} is there, but its head ends before it")).into()
}

fn events(columns: Vec<EventColumns>) -> Result<Vec<TaggedEvent>> {
    columns.into_iter().map(row::tagged_event).collect()
}

#[async_trait]
impl Journal for SqliteStore {
    async fn append(&self, request: Append) -> Result<u64> {
        let started = started();
        let now = self.now();
        let highest = self
            .writer
            .write(move |connection| async move { append(connection, &request, now).await }.boxed())
            .await?;
        metrics::histogram!("weir_store_append_seconds").record(started.elapsed());
        Ok(highest)
    }

    async fn replay(&self, id: &PersistenceId, after: u64, limit: u32) -> Result<Vec<StoredEvent>> {
        let look = async {
            // One transaction: head and rows are of the same moment.
            let mut transaction = self.readers.begin().await?;
            let head = head(&mut transaction, id).await?;
            let rows = query_as(statement::EVENT_REPLAY)
                .bind(&id.0)
                .bind(bound(after))
                .bind(i64::from(limit))
                .fetch_all(&mut *transaction)
                .await?;
            Ok::<_, Failure>((head, rows))
        };
        let (head, rows) = self.read(look).await?;
        let page: Vec<_> = events(rows)?.into_iter().map(|it| it.event).collect();
        row::check_contiguous(id, after, head, (&page, limit))?;
        Ok(page)
    }

    async fn highest(&self, id: &PersistenceId) -> Result<u64> {
        let look = async {
            let mut connection = self.readers.acquire().await?;
            head(&mut connection, id).await
        };
        self.read(look).await.map(|(highest, _)| highest)
    }

    async fn delete_to(&self, id: &PersistenceId, fence: &Fence, sequence: u64) -> Result<()> {
        let (id, fence) = (id.clone(), fence.clone());
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    for statement in [statement::EVENT_DELETE, statement::EVENT_DELETED_TO] {
                        let deletion = query(statement).bind(&id.0).bind(bound(sequence));
                        deletion.execute(&mut *connection).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    async fn tagged(&self, tag: &Tag, after_offset: u64, limit: u32) -> Result<Vec<TaggedEvent>> {
        let look = query_as(statement::EVENT_TAGGED)
            .bind(&tag.0)
            .bind(bound(after_offset))
            .bind(i64::from(limit))
            .fetch_all(&self.readers);
        events(self.read(look).await?)
    }
}
