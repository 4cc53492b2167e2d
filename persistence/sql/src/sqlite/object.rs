//! Objects on SQLite.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use weir_domain::Digest;
use weir_persistence_api::{Fence, ObjectStore, ObjectTotals, Result, check_object};

use super::error::Outcome;
use super::{SqliteStore, check_fence, statement};
use crate::object::{self, AT_ONCE, SWEPT_AT_ONCE};
use crate::row::{corrupt, number};

/// Deletes those that are still old.
async fn delete(
    connection: &mut SqliteConnection,
    digests: &[Digest],
    latest: i64,
) -> Outcome<ObjectTotals> {
    let mut deleted = ObjectTotals::default();
    for digest in digests.iter().map(Digest::to_string) {
        let look = query_scalar(statement::OBJECT_SIZE).bind(&digest);
        let size: Option<i64> = look.fetch_optional(&mut *connection).await?;
        let deletion = query(statement::OBJECT_DELETE).bind(&digest).bind(latest);
        if deletion.execute(&mut *connection).await?.rows_affected() == 1 {
            let chunks = query(statement::OBJECT_CHUNKS_DELETE).bind(&digest);
            chunks.execute(&mut *connection).await?;
            deleted.objects += 1;
            deleted.bytes += size.unwrap_or_default().unsigned_abs();
        }
    }
    Ok(deleted)
}

/// A JSON array of digests.
fn list(digests: &[Digest]) -> String {
    let texts: Vec<_> = digests.iter().map(|it| format!("\"{it}\"")).collect();
    format!("[{}]", texts.join(","))
}

impl SqliteStore {
    async fn size(&self, digest: Digest) -> Result<Option<i64>> {
        let look = query_scalar(statement::OBJECT_SIZE)
            .bind(digest.to_string())
            .fetch_optional(&self.readers);
        self.read(look).await
    }

    async fn put_chunk(&self, digest: Digest, number: i64, chunk: Bytes) -> Result<()> {
        let now = self.now();
        self.writer
            .write(move |connection| {
                async move {
                    query(statement::OBJECT_CHUNK_PUT)
                        .bind(digest.to_string())
                        .bind(number)
                        .bind(i64::try_from(chunk.len()).unwrap_or(i64::MAX))
                        .bind(now.0)
                        .bind(&chunk[..])
                        .execute(connection)
                        .await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Runs a statement that takes a text and the time.
    async fn mark(&self, statement: &'static str, text: String) -> Result<()> {
        let now = self.now();
        self.writer
            .write(move |connection| {
                async move {
                    query(statement).bind(text).bind(now.0).execute(connection).await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// The next objects that are old, after that one.
    async fn old(&self, latest: i64, after: &str) -> Result<Vec<Digest>> {
        let look = query_scalar(statement::OBJECT_OLD)
            .bind(latest)
            .bind(after)
            .bind(i64::try_from(AT_ONCE).unwrap_or(i64::MAX))
            .fetch_all(&self.readers);
        let rows: Vec<String> = self.read(look).await?;
        rows.iter().map(|it| digest(it)).collect()
    }
}

fn digest(stored: &str) -> Result<Digest> {
    stored.parse().map_err(|_| corrupt("an object".to_owned(), "its key is no digest"))
}

#[async_trait]
impl ObjectStore for SqliteStore {
    async fn object_put(&self, digest: Digest, content: Bytes) -> Result<bool> {
        check_object(digest, &content)?;
        self.mark(statement::OBJECT_TOUCH, digest.to_string()).await?;
        if self.size(digest).await?.is_some() {
            return Ok(false);
        }
        for (number, chunk) in object::chunks(&content) {
            self.put_chunk(digest, number, content.slice_ref(chunk)).await?;
        }
        let (now, size) = (self.now(), i64::try_from(content.len()).unwrap_or(i64::MAX));
        let work = self.writer.write(move |connection| {
            async move {
                let insertion =
                    query(statement::OBJECT_PUT).bind(digest.to_string()).bind(size).bind(now.0);
                Ok(insertion.execute(connection).await?.rows_affected())
            }
            .boxed()
        });
        if work.await? == 1 {
            return Ok(true);
        }
        match self.size(digest).await? {
            // Somebody else put it at the same time.
            Some(_) => Ok(false),
            None => Err(object::swept(digest)),
        }
    }

    async fn object_get(&self, digest: Digest) -> Result<Option<Bytes>> {
        let Some(size) = self.size(digest).await? else { return Ok(None) };
        let mut content = BytesMut::new();
        for number in 0..object::chunk_count(digest, size)? {
            let look = query_scalar(statement::OBJECT_CHUNK)
                .bind(digest.to_string())
                .bind(number)
                .fetch_optional(&self.readers);
            let chunk: Option<Vec<u8>> = self.read(look).await?;
            match chunk {
                Some(chunk) => content.extend_from_slice(&chunk),
                // It was swept while it was read.
                None if self.size(digest).await?.is_none() => return Ok(None),
                None => return Err(corrupt(object::named(digest), "a piece of it is missing")),
            }
        }
        object::check(digest, &content)?;
        Ok(Some(content.freeze()))
    }

    async fn object_missing(&self, digests: &BTreeSet<Digest>) -> Result<BTreeSet<Digest>> {
        let mut missing = digests.clone();
        for batch in object::batches(digests) {
            let list = list(&batch);
            // First young, then looked at: what is seen here is not swept soon.
            self.mark(statement::OBJECT_TOUCH_ALL, list.clone()).await?;
            let look = query_scalar(statement::OBJECT_PRESENT).bind(list).fetch_all(&self.readers);
            let present: Vec<String> = self.read(look).await?;
            for stored in present {
                missing.remove(&digest(&stored)?);
            }
        }
        Ok(missing)
    }

    async fn object_totals(&self) -> Result<ObjectTotals> {
        let look = query_as(statement::OBJECT_TOTALS).fetch_one(&self.readers);
        let (objects, bytes): (i64, i64) = self.read(look).await?;
        let what = || "the number of objects".to_owned();
        Ok(ObjectTotals { objects: number(objects, what)?, bytes: number(bytes, what)? })
    }

    async fn object_sweep(
        &self,
        fence: &Fence,
        keep: &BTreeSet<Digest>,
        older_than: Duration,
    ) -> Result<ObjectTotals> {
        let age = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
        let latest = self.now().0.saturating_sub(age);
        let (mut swept, mut after) = (ObjectTotals::default(), String::new());
        // Also where nothing is old: it is the fence that says whether this may sweep at all.
        let owner = fence.clone();
        let strays = self.writer.write(move |connection| {
            async move {
                check_fence(connection, &owner).await?;
                query(statement::OBJECT_STRAYS_DELETE).bind(latest).execute(connection).await?;
                Ok(())
            }
            .boxed()
        });
        strays.await?;
        loop {
            let old = self.old(latest, &after).await?;
            let Some(last) = old.last() else { return Ok(swept) };
            after = last.to_string();
            let unneeded: Vec<_> = old.into_iter().filter(|it| !keep.contains(it)).collect();
            for some in unneeded.chunks(SWEPT_AT_ONCE) {
                let (some, fence) = (some.to_vec(), fence.clone());
                let work = self.writer.write(move |connection| {
                    async move {
                        check_fence(connection, &fence).await?;
                        delete(connection, &some, latest).await
                    }
                    .boxed()
                });
                let deleted = work.await?;
                swept.objects += deleted.objects;
                swept.bytes += deleted.bytes;
            }
        }
    }
}
