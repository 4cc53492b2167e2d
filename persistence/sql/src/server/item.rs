//! Item history on a server. What may become of an item is decided by `item_rule`; here its row is
//! read under a lock and written, in one transaction.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use weir_domain::{ClaimId, Item, ItemStatus, SourceName, Timestamp};
use weir_persistence_api::item_rule::{self, Step};
use weir_persistence_api::{
    Adoption, Claim, ClaimRequest, Error, Fence, ItemFilter, ItemRow, ItemStore, Result,
    Settlement, Unfinished,
};

use super::ServerStore;
use super::dialect::{Class, Dialect, Value};
use super::error::{self, Failure, Outcome};
use crate::row::{self, ItemColumns, SeenColumns, UnfinishedColumns};
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
    match D::execute(connection, statement, &values).await {
        Ok(0) => return Err(Failure::Overtaken),
        Ok(_) => {}
        Err(e) if error::class::<D>(&e) == Some(Class::Duplicate) => {
            return Err(Failure::Overtaken);
        }
        Err(e) => return Err(e.into()),
    }
    let (source, item) = (request.source.clone(), item.clone());
    Ok(Claim { id: request.claim, source, item, stream: request.stream })
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
        let mut known = known?;
        let is_free = |it: &&Item| {
            let past = known.get(&it.name).map(|(past, _)| past);
            item_rule::may_claim(past, &it.fingerprint, request.reprocess)
        };
        if let Some(item) = candidates.iter().find(is_free) {
            let seen = known.remove(&item.name).map(|(_, claim)| claim);
            return Ok(Some(Free { item, seen }));
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

async fn reset<D: Dialect>(
    connection: &mut D::Connection,
    (source, names): &(&SourceName, Option<Vec<String>>),
) -> Outcome<u64> {
    let s = D::STATEMENTS;
    let Some(names) = names else {
        return Ok(D::execute(connection, s.item_reset, &[source.as_str().into()]).await?);
    };
    let mut forgotten = 0;
    for names in names.chunks(CANDIDATES_AT_ONCE) {
        let names: Vec<_> = names.iter().map(String::as_bytes).collect();
        let values = [source.as_str().into(), Value::Names(&names)];
        forgotten += D::execute(connection, s.item_reset_names, &values).await?;
    }
    Ok(forgotten)
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

    async fn item_list(&self, filter: ItemFilter) -> Result<Vec<ItemRow>> {
        let s = D::STATEMENTS;
        let (status, limit) = (filter.status.map(ItemStatus::as_str), i64::from(filter.limit));
        let end = [status.into(), status.into(), limit.into()];
        let after = filter.after.as_ref().map(|(source, name)| (source.as_str(), name.as_bytes()));
        let (statement, start): (_, Vec<Value<'_>>) = match (&filter.source, after) {
            (None, after) => {
                let (source, name) = after.unwrap_or_default();
                (s.item_list, vec![source.into(), source.into(), name.into()])
            }
            (Some(of), Some((source, _))) if source > of.as_str() => return Ok(Vec::new()),
            (Some(of), Some((source, name))) if source == of.as_str() => {
                (s.item_list_of_source, vec![source.into(), name.into()])
            }
            (Some(of), _) => (s.item_list_all_of_source, vec![of.as_str().into()]),
        };
        let values = [&start[..], &end[..]].concat();
        let rows: Vec<ItemColumns<Name>> = self.rows(statement, &values).await?;
        rows.into_iter().map(row::item).collect()
    }

    async fn item_reset(
        &self,
        fence: &Fence,
        source: &SourceName,
        names: Option<Vec<String>>,
    ) -> Result<u64> {
        let input = (source, names);
        let work = self.sessions.transaction(Some(fence), &input, |connection, input| {
            reset::<D>(connection, input).boxed()
        });
        work.await
    }
}
