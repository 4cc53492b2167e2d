//! Objects on a server.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use weir_domain::Digest;
use weir_persistence_api::{Fence, ObjectStore, ObjectTotals, Result, check_object};

use super::ServerStore;
use super::dialect::{Dialect, Value};
use super::error::Outcome;
use crate::object::{self, AT_ONCE, SWEPT_AT_ONCE};
use crate::row::{corrupt, number};

/// A digest as a parameter.
fn key(digest: &Digest) -> Value<'_> {
    digest.as_bytes()[..].into()
}

fn digest(stored: &[u8]) -> Result<Digest> {
    let bytes = stored.try_into();
    let bytes = bytes.map_err(|_| corrupt("an object".to_owned(), "its key is no digest"))?;
    Ok(Digest::from_bytes(bytes))
}

fn age(older_than: Duration) -> i64 {
    // A bound that no difference with the time of day goes beyond.
    i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

/// Deletes those that are still old; returns which.
async fn delete<D: Dialect>(
    connection: &mut D::Connection,
    (digests, age): &(&[Digest], i64),
) -> Outcome<ObjectTotals> {
    let s = D::STATEMENTS;
    let mut deleted = ObjectTotals::default();
    for digest in *digests {
        let size: Vec<(i64,)> = D::rows(connection, s.object_size, &[key(digest)]).await?;
        let Some((size,)) = size.first() else { continue };
        if D::execute(connection, s.object_delete, &[key(digest), (*age).into()]).await? == 1 {
            D::execute(connection, s.object_chunks_delete, &[key(digest)]).await?;
            deleted.objects += 1;
            deleted.bytes += size.unsigned_abs();
        }
    }
    Ok(deleted)
}

async fn delete_strays<D: Dialect>(connection: &mut D::Connection, age: &i64) -> Outcome<()> {
    D::execute(connection, D::STATEMENTS.object_strays_delete, &[(*age).into()]).await?;
    Ok(())
}

impl<D: Dialect> ServerStore<D> {
    async fn size(&self, digest: Digest) -> Result<Option<i64>> {
        let rows: Vec<(i64,)> = self.rows(D::STATEMENTS.object_size, &[key(&digest)]).await?;
        Ok(rows.first().map(|it| it.0))
    }

    /// The next objects that are old, after that one.
    async fn old(&self, age: i64, after: &[u8]) -> Result<Vec<Digest>> {
        let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
        let values = [age.into(), after.into(), limit.into()];
        let rows: Vec<(Vec<u8>,)> = self.rows(D::STATEMENTS.object_old, &values).await?;
        rows.into_iter().map(|it| digest(&it.0)).collect()
    }
}

#[async_trait]
impl<D: Dialect> ObjectStore for ServerStore<D> {
    async fn object_put(&self, digest: Digest, content: Bytes) -> Result<bool> {
        check_object(digest, &content)?;
        let s = D::STATEMENTS;
        self.sessions.execute(s.object_touch, &[key(&digest)]).await?;
        if self.size(digest).await?.is_some() {
            return Ok(false);
        }
        for (number, chunk) in object::chunks(&content) {
            let size = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
            let values = [key(&digest), number.into(), size.into(), chunk.into()];
            self.sessions.execute(s.object_chunk_put, &values).await?;
        }
        let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
        let values = [key(&digest), size.into(), key(&digest), size.into()];
        if self.sessions.execute(s.object_put, &values).await? == 1 {
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
            let values = [key(&digest), number.into()];
            let rows: Vec<(Vec<u8>,)> = self.rows(D::STATEMENTS.object_chunk, &values).await?;
            match rows.first() {
                Some((chunk,)) => content.extend_from_slice(chunk),
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
            let names: Vec<&[u8]> = batch.iter().map(|it| &it.as_bytes()[..]).collect();
            let values = [Value::Names(&names)];
            // First young, then looked at: what is seen here is not swept soon.
            self.sessions.execute(D::STATEMENTS.object_touch_all, &values).await?;
            let present: Vec<(Vec<u8>,)> = self.rows(D::STATEMENTS.object_present, &values).await?;
            for (stored,) in present {
                missing.remove(&digest(&stored)?);
            }
        }
        Ok(missing)
    }

    async fn object_totals(&self) -> Result<ObjectTotals> {
        let rows: Vec<(i64, i64)> = self.rows(D::STATEMENTS.object_totals, &[]).await?;
        let (objects, bytes) = rows.first().copied().unwrap_or_default();
        let what = || "the number of objects".to_owned();
        Ok(ObjectTotals { objects: number(objects, what)?, bytes: number(bytes, what)? })
    }

    async fn object_sweep(
        &self,
        fence: &Fence,
        keep: &BTreeSet<Digest>,
        older_than: Duration,
    ) -> Result<ObjectTotals> {
        let age = age(older_than);
        let (mut swept, mut after) = (ObjectTotals::default(), Vec::new());
        // Also where nothing is old: it is the fence that says whether this may sweep at all.
        let work = self.sessions.transaction(Some(fence), &age, |connection, age| {
            delete_strays::<D>(connection, age).boxed()
        });
        work.await?;
        loop {
            let old = self.old(age, &after).await?;
            let Some(last) = old.last() else { return Ok(swept) };
            after = last.as_bytes().to_vec();
            let unneeded: Vec<_> = old.into_iter().filter(|it| !keep.contains(it)).collect();
            for some in unneeded.chunks(SWEPT_AT_ONCE) {
                let input = (some, age);
                let work = self.sessions.transaction(Some(fence), &input, |connection, input| {
                    delete::<D>(connection, input).boxed()
                });
                let deleted = work.await?;
                swept.objects += deleted.objects;
                swept.bytes += deleted.bytes;
            }
        }
    }
}
