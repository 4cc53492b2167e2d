//! Item history on SQLite. What may become of an item is decided by `item_rule`; here its row is
//! read and written, in one transaction.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use weir_domain::{ClaimId, Item, ItemStatus, SourceName, SweepId, Timestamp};
use weir_persistence_api::item_rule::{self, Admission, Past, Step};
use weir_persistence_api::{
    Adoption, Claim, ClaimRequest, Error, Fence, ItemChange, ItemHistory, ItemPath, ItemRow,
    ItemStore, Result, Settlement, Sweep, Unfinished,
};

use super::error::Outcome;
use super::{SqliteStore, check_fence, statement};
use crate::row::{self, PastColumns, bound};
use crate::said;

/// Candidates whose history is read at a time. Most often one of the first is free.
const CANDIDATES_AT_ONCE: usize = 256;

/// The status of the claim's item, and whether the claim has ended.
async fn state(connection: &mut SqliteConnection, claim: ClaimId) -> Outcome<(ItemStatus, bool)> {
    let found = query_as::<_, (String, Option<i64>)>(statement::ITEM_STATE)
        .bind(claim.to_string())
        .fetch_optional(connection)
        .await?;
    let (status, settled_at) = found.ok_or(Error::ClaimLost)?;
    let status = row::status(&status, || format!("the item of claim {claim}"))?;
    Ok((status, settled_at.is_some()))
}

async fn claim(connection: &mut SqliteConnection, request: ClaimRequest) -> Outcome<Option<Claim>> {
    let known = query_as(statement::ITEM_BY_CLAIM)
        .bind(request.claim.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(columns) = known {
        let known = row::unfinished::<String>(columns)?;
        item_rule::claim_again(known.status)?;
        return Ok(Some(known.claim));
    }
    let Some(item) = first_free(connection, &request).await? else { return Ok(None) };
    let item = item.clone();
    let fingerprint = &item.fingerprint;
    let claimed = query(statement::ITEM_CLAIM)
        .bind(request.source.as_str())
        .bind(&item.name)
        .bind(request.claim.to_string())
        .bind(request.stream.to_string())
        .bind(&request.owner)
        .bind(fingerprint.size.cast_signed())
        .bind(fingerprint.modified_ns)
        .bind(fingerprint.device.cast_signed())
        .bind(fingerprint.inode.cast_signed())
        .bind(request.now.0)
        .bind(&request.settlement[..])
        .bind(bound(request.instance.map_or(0, |it| it.0)))
        .execute(connection)
        .await?;
    if claimed.rows_affected() != 1 {
        let why = format!("the item {:?} is held, but was not found by its name", item.name);
        return Err(Error::Rejected(why).into());
    }
    let ClaimRequest { claim: id, source, stream, .. } = request;
    Ok(Some(Claim { id, source, item, stream }))
}

async fn first_free<'r>(
    connection: &mut SqliteConnection,
    request: &'r ClaimRequest,
) -> Outcome<Option<&'r Item>> {
    for candidates in request.candidates.chunks(CANDIDATES_AT_ONCE) {
        let names: Vec<_> = candidates.iter().map(|it| it.name.as_str()).collect();
        let known: Vec<PastColumns> = query_as(statement::ITEM_PAST)
            .bind(request.source.as_str())
            .bind(json(&names))
            .fetch_all(&mut *connection)
            .await?;
        let known: Result<HashMap<String, Past>> = known.into_iter().map(row::past).collect();
        let known = known?;
        for item in candidates {
            match item_rule::admit(known.get(&item.name), &item.fingerprint, request) {
                Admission::Claim => return Ok(Some(item)),
                Admission::Ask => wait(connection, request, item).await?,
                Admission::No => {}
            }
        }
    }
    Ok(None)
}

/// The item waits for clearance from now on.
async fn wait(
    connection: &mut SqliteConnection,
    request: &ClaimRequest,
    item: &Item,
) -> Outcome<()> {
    let fingerprint = &item.fingerprint;
    query(statement::ITEM_WAIT)
        .bind(item_rule::unclaimed(&request.source, &item.name))
        .bind(fingerprint.size.cast_signed())
        .bind(fingerprint.modified_ns)
        .bind(fingerprint.device.cast_signed())
        .bind(fingerprint.inode.cast_signed())
        .bind(request.now.0)
        .bind(request.now.0)
        .bind(request.source.as_str())
        .bind(&item.name)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn json(names: &[impl AsRef<str>]) -> String {
    serde_json::Value::from_iter(names.iter().map(AsRef::as_ref)).to_string()
}

async fn settle(
    connection: &mut SqliteConnection,
    claim: ClaimId,
    settlement: Settlement,
    now: Timestamp,
) -> Outcome<()> {
    let (status, is_settled) = state(connection, claim).await?;
    if item_rule::settle(status, is_settled, settlement)? == Step::Write {
        query(statement::ITEM_SETTLE)
            .bind(claim.to_string())
            .bind(item_rule::settled_as(settlement).as_str())
            .bind(now.0)
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn adopt(
    connection: &mut SqliteConnection,
    adoption: Adoption,
) -> Outcome<Option<Unfinished>> {
    let held = match held(connection, adoption.new_claim).await? {
        Some(held) => Some(held),
        None => held(connection, adoption.claim).await?,
    };
    let Some(mut held) = held else { return Ok(None) };
    match item_rule::adopt(&adoption, &held) {
        None => return Ok(None),
        Some(Step::Keep) => {}
        Some(Step::Write) => {
            query(statement::ITEM_ADOPT)
                .bind(adoption.claim.to_string())
                .bind(adoption.new_claim.to_string())
                .bind(&adoption.owner)
                .execute(connection)
                .await?;
            held.claim.id = adoption.new_claim;
            held.owner = adoption.owner;
        }
    }
    Ok(Some(held))
}

async fn held(connection: &mut SqliteConnection, claim: ClaimId) -> Outcome<Option<Unfinished>> {
    let found = query_as(statement::ITEM_HELD).bind(claim.to_string());
    let found = found.fetch_optional(connection).await?;
    Ok(found.map(row::unfinished::<String>).transpose()?)
}

impl SqliteStore {
    /// Decides the outcome of a claim, by the rule, in its own transaction.
    async fn decide(
        &self,
        fence: &Fence,
        claim: ClaimId,
        rule: fn(ItemStatus) -> Result<Step>,
        (outcome, settlement): (ItemStatus, Bytes),
    ) -> Result<()> {
        let fence = fence.clone();
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    let (status, _) = state(connection, claim).await?;
                    if rule(status)? == Step::Write {
                        query(statement::ITEM_DECIDE)
                            .bind(claim.to_string())
                            .bind(outcome.as_str())
                            .bind(&settlement[..])
                            .execute(connection)
                            .await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}

#[async_trait]
impl ItemHistory for SqliteStore {
    async fn item_scan(
        &self,
        source: &SourceName,
        path: ItemPath,
        limit: u32,
    ) -> Result<Vec<ItemRow>> {
        let (source, limit) = (source.as_str().to_owned(), i64::from(limit));
        let scan = match path {
            ItemPath::ByName { from } => {
                query_as(statement::ITEM_BY_NAME).bind(source).bind(from).bind(limit)
            }
            ItemPath::Newest { status, since, until } => {
                let scan = match status {
                    None => query_as(statement::ITEM_NEWEST),
                    Some(_) => query_as(statement::ITEM_NEWEST_OF_STATUS),
                };
                let (latest, below, name) = row::latest(until);
                let scan = scan.bind(source).bind(since.0).bind(latest).bind(below).bind(name);
                match status {
                    None => scan.bind(limit),
                    Some(status) => scan.bind(status.as_str()).bind(limit),
                }
            }
        };
        let found = self.read(scan.fetch_all(&self.readers)).await?;
        found.into_iter().map(row::item::<String>).collect()
    }

    async fn item_named(&self, source: &SourceName, names: Vec<String>) -> Result<Vec<ItemRow>> {
        let look = query_as(statement::ITEM_NAMED).bind(source.as_str()).bind(json(&names));
        let found = self.read(look.fetch_all(&self.readers)).await?;
        found.into_iter().map(row::item::<String>).collect()
    }

    async fn item_source_after(&self, after: Option<&SourceName>) -> Result<Option<SourceName>> {
        let look = match after {
            None => query_scalar(statement::ITEM_FIRST_SOURCE),
            Some(after) => query_scalar(statement::ITEM_SOURCE_AFTER).bind(after.as_str()),
        };
        let found: Option<String> = self.read(look.fetch_one(&self.readers)).await?;
        Ok(found.map(SourceName::stored))
    }

    async fn item_count(&self, source: &SourceName, status: ItemStatus, max: u32) -> Result<u64> {
        let count = query_scalar(statement::ITEM_COUNT)
            .bind(source.as_str())
            .bind(status.as_str())
            .bind(i64::from(max));
        let count: i64 = self.read(count.fetch_one(&self.readers)).await?;
        row::number(count, || format!("the number of items of {source}"))
    }
}

#[async_trait]
impl ItemStore for SqliteStore {
    async fn item_claim(&self, fence: &Fence, mut request: ClaimRequest) -> Result<Option<Claim>> {
        said::skip_too_long(&mut request);
        let fence = fence.clone();
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    claim(connection, request).await
                }
                .boxed()
            })
            .await
    }

    async fn item_commit(&self, fence: &Fence, claim: ClaimId, settlement: Bytes) -> Result<()> {
        let outcome = (ItemStatus::Committing, settlement);
        self.decide(fence, claim, item_rule::commit, outcome).await
    }

    async fn item_fail(&self, fence: &Fence, claim: ClaimId, settlement: Bytes) -> Result<()> {
        let outcome = (ItemStatus::Failed, settlement);
        self.decide(fence, claim, item_rule::fail, outcome).await
    }

    async fn item_settle(
        &self,
        fence: &Fence,
        claim: ClaimId,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<()> {
        let fence = fence.clone();
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    settle(connection, claim, settlement, now).await
                }
                .boxed()
            })
            .await
    }

    async fn item_unfinished(&self) -> Result<Vec<Unfinished>> {
        let look = query_as(statement::ITEM_UNFINISHED).fetch_all(&self.readers);
        self.read(look).await?.into_iter().map(row::unfinished::<String>).collect()
    }

    async fn item_adopt(&self, fence: &Fence, adoption: Adoption) -> Result<Option<Unfinished>> {
        let fence = fence.clone();
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    adopt(connection, adoption).await
                }
                .boxed()
            })
            .await
    }

    async fn sweep_begin(&self, fence: &Fence, sweep: Sweep) -> Result<Sweep> {
        self.begin_sweep(fence, sweep).await
    }

    async fn sweep_step(
        &self,
        fence: &Fence,
        sweep: Sweep,
        change: Option<(ItemChange, Vec<String>)>,
    ) -> Result<Sweep> {
        self.step_sweep(fence, sweep, change).await
    }

    async fn sweep_load(&self, id: SweepId) -> Result<Option<Sweep>> {
        let look = query_as(statement::SWEEP_LOAD).bind(id.to_string());
        self.read(look.fetch_optional(&self.readers)).await?.map(row::sweep).transpose()
    }

    async fn sweep_open(&self) -> Result<Vec<Sweep>> {
        let look = query_as(statement::SWEEP_OPEN).fetch_all(&self.readers);
        self.read(look).await?.into_iter().map(row::sweep).collect()
    }
}
