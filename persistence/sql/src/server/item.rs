//! Item history on a server. What may become of an item is decided by `item_rule`; here its row is
//! read under a lock and written, in one transaction.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use weir_domain::{ClaimId, Item, ItemStatus, SourceName, SweepId, Timestamp};
use weir_persistence_api::item_rule::{self, Admission, Step};
use weir_persistence_api::{
    Adoption, Claim, ClaimRequest, Error, Fence, ItemChange, ItemHistory, ItemPath, ItemRow,
    ItemStore, Result, Settlement, Sweep, Unfinished,
};

use super::ServerStore;
use super::dialect::{Class, Dialect, Value};
use super::error::{self, Failure, Outcome};
use crate::row::{self, ItemColumns, SeenColumns, UnfinishedColumns, bound};
use crate::said;

/// Candidates whose history is read at a time. Most often one of the first is free.
const CANDIDATES_AT_ONCE: usize = 256;

type Name = Vec<u8>;

/// The status of the claim's item, and whether the claim has ended.
async fn state<D: Dialect>(
    connection: &mut D::Connection,
    claim: ClaimId,
) -> Outcome<(ItemStatus, bool)> {
    let claim = claim.to_string();
    let rows: Vec<(String, Option<i64>)> =
        D::rows(connection, D::STATEMENTS.item_state, &[(&claim).into()]).await?;
    let (status, settled_at) = rows.into_iter().next().ok_or(Error::ClaimLost)?;
    let status = row::status(&status, || format!("the item of claim {claim}"))?;
    Ok((status, settled_at.is_some()))
}

async fn unfinished<D: Dialect>(
    connection: &mut D::Connection,
    statement: &'static str,
    claim: ClaimId,
) -> Outcome<Option<Unfinished>> {
    let claim = claim.to_string();
    let mut rows: Vec<UnfinishedColumns<Name>> =
        D::rows(connection, statement, &[(&claim).into()]).await?;
    Ok(rows.pop().map(row::unfinished).transpose()?)
}

async fn claim<D: Dialect>(
    connection: &mut D::Connection,
    request: &ClaimRequest,
) -> Outcome<Option<Claim>> {
    let s = D::STATEMENTS;
    if let Some(known) = unfinished::<D>(connection, s.item_by_claim, request.claim).await? {
        item_rule::claim_again(known.status)?;
        return Ok(Some(known.claim));
    }
    match first_free::<D>(connection, request).await? {
        Some(free) => take::<D>(connection, request, free).await.map(Some),
        None => Ok(None),
    }
}

/// A candidate that may be claimed, as long as its row is the one that was seen.
pub(super) struct Free<'r> {
    item: &'r Item,
    /// The last claim on it; `None`: it has no row.
    seen: Option<String>,
}

/// Claims what was seen to be free. Calls under one fence may run side by side, and nothing was
/// locked so far: the row must still be the one that was seen.
pub(super) async fn take<D: Dialect>(
    connection: &mut D::Connection,
    request: &ClaimRequest,
    Free { item, seen }: Free<'_>,
) -> Outcome<Claim> {
    let (id, stream) = (request.claim.to_string(), request.stream.to_string());
    let fingerprint = &item.fingerprint;
    let mut values = vec![
        (&id).into(),
        (&stream).into(),
        (&request.owner).into(),
        fingerprint.size.cast_signed().into(),
        fingerprint.modified_ns.into(),
        fingerprint.device.cast_signed().into(),
        fingerprint.inode.cast_signed().into(),
        request.now.0.into(),
        request.settlement[..].into(),
        bound(request.instance.map_or(0, |it| it.0)).into(),
        request.source.as_str().into(),
        item.name.as_bytes().into(),
    ];
    let statement = match &seen {
        None => D::STATEMENTS.item_claim,
        Some(seen) => {
            values.push(seen.into());
            D::STATEMENTS.item_claim_again
        }
    };
    write_seen::<D>(connection, statement, &values).await?;
    let (source, item) = (request.source.clone(), item.clone());
    Ok(Claim { id: request.claim, source, item, stream: request.stream })
}

/// Writes a row as it was seen, or none.
async fn write_seen<D: Dialect>(
    connection: &mut D::Connection,
    statement: &'static str,
    values: &[Value<'_>],
) -> Outcome<()> {
    match D::execute(connection, statement, values).await {
        Ok(0) => Err(Failure::Overtaken),
        Ok(_) => Ok(()),
        Err(e) if error::class::<D>(&e) == Some(Class::Duplicate) => Err(Failure::Overtaken),
        Err(e) => Err(e.into()),
    }
}

/// The item waits for clearance from now on.
async fn wait<D: Dialect>(
    connection: &mut D::Connection,
    request: &ClaimRequest,
    Free { item, seen }: Free<'_>,
) -> Outcome<()> {
    let claim = item_rule::unclaimed(&request.source, &item.name);
    let fingerprint = &item.fingerprint;
    let mut values = vec![
        (&claim).into(),
        fingerprint.size.cast_signed().into(),
        fingerprint.modified_ns.into(),
        fingerprint.device.cast_signed().into(),
        fingerprint.inode.cast_signed().into(),
        request.now.0.into(),
        request.now.0.into(),
        request.source.as_str().into(),
        item.name.as_bytes().into(),
    ];
    let statement = match &seen {
        None => D::STATEMENTS.item_wait,
        Some(seen) => {
            values.push(seen.into());
            D::STATEMENTS.item_wait_again
        }
    };
    write_seen::<D>(connection, statement, &values).await
}

pub(super) async fn first_free<'r, D: Dialect>(
    connection: &mut D::Connection,
    request: &'r ClaimRequest,
) -> Outcome<Option<Free<'r>>> {
    for candidates in request.candidates.chunks(CANDIDATES_AT_ONCE) {
        let names: Vec<_> = candidates.iter().map(|it| it.name.as_bytes()).collect();
        let values = [request.source.as_str().into(), Value::Names(&names)];
        let rows: Vec<SeenColumns<Name>> =
            D::rows(connection, D::STATEMENTS.item_past, &values).await?;
        let known: Result<HashMap<_, _>> = rows.into_iter().map(row::seen).collect();
        let known = known?;
        for item in candidates {
            let past = known.get(&item.name).map(|(past, _)| past);
            let admission = item_rule::admit(past, &item.fingerprint, request);
            let seen = || known.get(&item.name).map(|(_, claim)| claim.clone());
            match admission {
                Admission::Claim => return Ok(Some(Free { item, seen: seen() })),
                Admission::Ask => {
                    wait::<D>(connection, request, Free { item, seen: seen() }).await?;
                }
                Admission::No => {}
            }
        }
    }
    Ok(None)
}

/// How a claim's outcome is decided: by the rule, to that status, with that settlement.
struct Verdict {
    claim: ClaimId,
    rule: fn(ItemStatus) -> Result<Step>,
    status: ItemStatus,
    settlement: Bytes,
}

async fn decide<D: Dialect>(connection: &mut D::Connection, verdict: &Verdict) -> Outcome<()> {
    let (status, _) = state::<D>(connection, verdict.claim).await?;
    if (verdict.rule)(status)? == Step::Write {
        let claim = verdict.claim.to_string();
        let values =
            [verdict.status.as_str().into(), verdict.settlement[..].into(), (&claim).into()];
        D::execute(connection, D::STATEMENTS.item_decide, &values).await?;
    }
    Ok(())
}

async fn settle<D: Dialect>(
    connection: &mut D::Connection,
    &(claim, settlement, now): &(ClaimId, Settlement, Timestamp),
) -> Outcome<()> {
    let (status, is_settled) = state::<D>(connection, claim).await?;
    if item_rule::settle(status, is_settled, settlement)? == Step::Write {
        let claim = claim.to_string();
        let status = item_rule::settled_as(settlement).as_str();
        let values = [status.into(), now.0.into(), (&claim).into()];
        D::execute(connection, D::STATEMENTS.item_settle, &values).await?;
    }
    Ok(())
}

async fn adopt<D: Dialect>(
    connection: &mut D::Connection,
    adoption: &Adoption,
) -> Outcome<Option<Unfinished>> {
    let s = D::STATEMENTS;
    let held = match unfinished::<D>(connection, s.item_held, adoption.new_claim).await? {
        Some(held) => Some(held),
        None => unfinished::<D>(connection, s.item_held, adoption.claim).await?,
    };
    let Some(mut held) = held else { return Ok(None) };
    match item_rule::adopt(adoption, &held) {
        None => return Ok(None),
        Some(Step::Keep) => {}
        Some(Step::Write) => {
            let (new, old) = (adoption.new_claim.to_string(), adoption.claim.to_string());
            let values = [(&new).into(), (&adoption.owner).into(), (&old).into()];
            D::execute(connection, s.item_adopt, &values).await?;
            held.claim.id = adoption.new_claim;
            held.owner.clone_from(&adoption.owner);
        }
    }
    Ok(Some(held))
}

impl<D: Dialect> ServerStore<D> {
    async fn decide(&self, fence: &Fence, verdict: Verdict) -> Result<()> {
        let work = self.sessions.transaction(Some(fence), &verdict, |connection, verdict| {
            decide::<D>(connection, verdict).boxed()
        });
        work.await
    }
}

#[async_trait]
impl<D: Dialect> ItemHistory for ServerStore<D> {
    async fn item_scan(
        &self,
        source: &SourceName,
        path: ItemPath,
        limit: u32,
    ) -> Result<Vec<ItemRow>> {
        let s = D::STATEMENTS;
        let limit = i64::from(limit).into();
        let rows: Vec<ItemColumns<Name>> = match path {
            ItemPath::ByName { from } => {
                let values = [source.as_str().into(), from.as_bytes().into(), limit];
                self.rows(s.item_by_name, &values).await?
            }
            ItemPath::Newest { status, since, until } => {
                let (latest, below, name) = row::latest(until);
                let mut values: Vec<Value<'_>> = vec![
                    source.as_str().into(),
                    since.0.into(),
                    latest.into(),
                    below.into(),
                    name.as_bytes().into(),
                ];
                values.extend(status.map(|it| Value::from(it.as_str())));
                values.push(limit);
                let of_status = status.is_some();
                let newest = if of_status { s.item_newest_of_status } else { s.item_newest };
                self.rows(newest, &values).await?
            }
        };
        rows.into_iter().map(row::item).collect()
    }

    async fn item_named(&self, source: &SourceName, names: Vec<String>) -> Result<Vec<ItemRow>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = names.iter().map(String::as_bytes).collect();
        let values = [source.as_str().into(), Value::Names(&names)];
        let rows: Vec<ItemColumns<Name>> = self.rows(D::STATEMENTS.item_named, &values).await?;
        rows.into_iter().map(row::item).collect()
    }

    async fn item_source_after(&self, after: Option<&SourceName>) -> Result<Option<SourceName>> {
        let s = D::STATEMENTS;
        let mut rows: Vec<(Option<String>,)> = match after {
            None => self.rows(s.item_first_source, &[]).await?,
            Some(after) => self.rows(s.item_source_after, &[after.as_str().into()]).await?,
        };
        Ok(rows.pop().and_then(|it| it.0).map(SourceName::stored))
    }

    async fn item_count(&self, source: &SourceName, status: ItemStatus, max: u32) -> Result<u64> {
        let values = [source.as_str().into(), status.as_str().into(), i64::from(max).into()];
        let rows: Vec<(i64,)> = self.rows(D::STATEMENTS.item_count, &values).await?;
        let count = rows.first().map_or(0, |it| it.0);
        row::number(count, || format!("the number of items of {source}"))
    }
}

#[async_trait]
impl<D: Dialect> ItemStore for ServerStore<D> {
    async fn item_claim(&self, fence: &Fence, mut request: ClaimRequest) -> Result<Option<Claim>> {
        said::skip_too_long(&mut request);
        let work = self.sessions.transaction(Some(fence), &request, |connection, request| {
            claim::<D>(connection, request).boxed()
        });
        work.await
    }

    async fn item_commit(&self, fence: &Fence, claim: ClaimId, settlement: Bytes) -> Result<()> {
        let (rule, status) = (item_rule::commit, ItemStatus::Committing);
        self.decide(fence, Verdict { claim, rule, status, settlement }).await
    }

    async fn item_fail(&self, fence: &Fence, claim: ClaimId, settlement: Bytes) -> Result<()> {
        let (rule, status) = (item_rule::fail, ItemStatus::Failed);
        self.decide(fence, Verdict { claim, rule, status, settlement }).await
    }

    async fn item_settle(
        &self,
        fence: &Fence,
        claim: ClaimId,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<()> {
        let input = (claim, settlement, now);
        let work = self.sessions.transaction(Some(fence), &input, |connection, input| {
            settle::<D>(connection, input).boxed()
        });
        work.await
    }

    async fn item_unfinished(&self) -> Result<Vec<Unfinished>> {
        let rows: Vec<UnfinishedColumns<Name>> =
            self.rows(D::STATEMENTS.item_unfinished, &[]).await?;
        rows.into_iter().map(row::unfinished).collect()
    }

    async fn item_adopt(&self, fence: &Fence, adoption: Adoption) -> Result<Option<Unfinished>> {
        let work = self.sessions.transaction(Some(fence), &adoption, |connection, adoption| {
            adopt::<D>(connection, adoption).boxed()
        });
        work.await
    }

    async fn sweep_begin(&self, fence: &Fence, sweep: Sweep) -> Result<Sweep> {
        self.begin_sweep(fence, &sweep).await
    }

    async fn sweep_step(
        &self,
        fence: &Fence,
        sweep: Sweep,
        change: Option<(ItemChange, Vec<String>)>,
    ) -> Result<Sweep> {
        self.step_sweep(fence, &(sweep, change)).await
    }

    async fn sweep_load(&self, id: SweepId) -> Result<Option<Sweep>> {
        let id = id.to_string();
        let mut rows = self.rows(D::STATEMENTS.sweep_load, &[(&id).into()]).await?;
        rows.pop().map(row::sweep).transpose()
    }

    async fn sweep_open(&self) -> Result<Vec<Sweep>> {
        let rows: Vec<(String, String)> = self.rows(D::STATEMENTS.sweep_open, &[]).await?;
        rows.into_iter().map(row::sweep).collect()
    }
}
