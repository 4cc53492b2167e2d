//! Item history in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::{ClaimId, Item, ItemStatus, SourceName, Timestamp};

use super::MemoryStore;
use crate::item_rule::{self, Past, Step};
use crate::{
    Adoption, Claim, ClaimRequest, Error, Fence, ItemFilter, ItemRow, ItemStore, Result,
    Settlement, Unfinished,
};

#[derive(Default)]
pub(super) struct Items {
    rows: BTreeMap<(SourceName, String), Row>,
    by_claim: BTreeMap<ClaimId, (SourceName, String)>,
}

struct Row {
    claim: Claim,
    owner: String,
    status: ItemStatus,
    claimed_at: Timestamp,
    settled_at: Option<Timestamp>,
    settlement: Bytes,
}

impl Row {
    fn past(&self) -> Past {
        Past {
            status: self.status,
            is_settled: self.settled_at.is_some(),
            size: self.claim.item.fingerprint.size,
            modified_ns: self.claim.item.fingerprint.modified_ns,
        }
    }

    fn listed(&self) -> ItemRow {
        ItemRow {
            source: self.claim.source.clone(),
            item: self.claim.item.name.clone(),
            fingerprint: self.claim.item.fingerprint.clone(),
            status: self.status,
            stream: self.claim.stream,
            owner: self.owner.clone(),
            claimed_at: self.claimed_at,
            settled_at: self.settled_at,
        }
    }

    fn unfinished(&self) -> Unfinished {
        Unfinished {
            claim: self.claim.clone(),
            owner: self.owner.clone(),
            status: self.status,
            settlement: self.settlement.clone(),
        }
    }
}

impl Items {
    fn claimed(&mut self, claim: ClaimId) -> Result<&mut Row> {
        let key = self.by_claim.get(&claim).ok_or(Error::ClaimLost)?;
        self.rows.get_mut(key).ok_or(Error::ClaimLost)
    }

    fn claim(&mut self, request: ClaimRequest) -> Result<Option<Claim>> {
        if let Ok(row) = self.claimed(request.claim) {
            return item_rule::claim_again(row.status).map(|()| Some(row.claim.clone()));
        }
        let is_free = |item: &Item| {
            let row = self.rows.get(&(request.source.clone(), item.name.clone()));
            let past = row.map(Row::past);
            item_rule::is_storable(&item.name)
                && item_rule::may_claim(past.as_ref(), &item.fingerprint, request.reprocess)
        };
        let Some(item) = request.candidates.iter().find(|it| is_free(it)).cloned() else {
            return Ok(None);
        };
        let key = (request.source.clone(), item.name.clone());
        let claim =
            Claim { id: request.claim, source: request.source, item, stream: request.stream };
        let row = Row {
            claim: claim.clone(),
            owner: request.owner,
            status: ItemStatus::Acquired,
            claimed_at: request.now,
            settled_at: None,
            settlement: request.settlement,
        };
        self.by_claim.insert(claim.id, key.clone());
        if let Some(earlier) = self.rows.insert(key, row) {
            self.by_claim.remove(&earlier.claim.id);
        }
        Ok(Some(claim))
    }

    fn decide(
        &mut self,
        claim: ClaimId,
        rule: fn(ItemStatus) -> Result<Step>,
        status: ItemStatus,
        settlement: Bytes,
    ) -> Result<()> {
        let row = self.claimed(claim)?;
        if rule(row.status)? == Step::Write {
            row.status = status;
            row.settlement = settlement;
        }
        Ok(())
    }

    fn settle(&mut self, claim: ClaimId, settlement: Settlement, now: Timestamp) -> Result<()> {
        let row = self.claimed(claim)?;
        if item_rule::settle(row.status, row.settled_at.is_some(), settlement)? == Step::Write {
            row.status = item_rule::settled_as(settlement);
            row.settled_at = Some(now);
            row.settlement = Bytes::new();
        }
        Ok(())
    }

    fn adopt(&mut self, adoption: Adoption) -> Option<Unfinished> {
        let id = [adoption.new_claim, adoption.claim].into_iter().find(|it| self.is_held(*it))?;
        let row = self.claimed(id).ok()?;
        if item_rule::adopt(&adoption, &row.unfinished())? == Step::Write {
            row.claim.id = adoption.new_claim;
            row.owner = adoption.owner;
            let key = (row.claim.source.clone(), row.claim.item.name.clone());
            self.by_claim.remove(&adoption.claim);
            self.by_claim.insert(adoption.new_claim, key);
        }
        self.claimed(adoption.new_claim).ok().map(|it| it.unfinished())
    }

    fn is_held(&mut self, claim: ClaimId) -> bool {
        self.claimed(claim).is_ok_and(|it| it.settled_at.is_none())
    }

    fn list(&self, filter: &ItemFilter) -> Vec<ItemRow> {
        let from = filter.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let matches = |it: &&Row| {
            filter.source.as_ref().is_none_or(|source| *source == it.claim.source)
                && filter.status.is_none_or(|status| status == it.status)
        };
        let later = self.rows.range((from, Bound::Unbounded)).map(|(_, it)| it);
        later.filter(matches).take(filter.limit as usize).map(Row::listed).collect()
    }

    fn reset(&mut self, source: &SourceName, names: Option<&BTreeSet<String>>) -> u64 {
        let before = self.rows.len();
        self.rows.retain(|(of, name), row| {
            let is_meant = of == source && names.is_none_or(|it| it.contains(name));
            !is_meant || row.settled_at.is_none()
        });
        self.by_claim.retain(|_, key| self.rows.contains_key(key));
        (before - self.rows.len()) as u64
    }
}

#[async_trait]
impl ItemStore for MemoryStore {
    async fn item_claim(&self, fence: &Fence, request: ClaimRequest) -> Result<Option<Claim>> {
        self.write(|state| {
            state.leases.check(fence)?;
            state.items.claim(request)
        })
        .await
    }

    async fn item_commit(&self, fence: &Fence, claim: ClaimId, settlement: Bytes) -> Result<()> {
        self.write(|state| {
            state.leases.check(fence)?;
            state.items.decide(claim, item_rule::commit, ItemStatus::Committing, settlement)
        })
        .await
    }

    async fn item_fail(&self, fence: &Fence, claim: ClaimId, settlement: Bytes) -> Result<()> {
        self.write(|state| {
            state.leases.check(fence)?;
            state.items.decide(claim, item_rule::fail, ItemStatus::Failed, settlement)
        })
        .await
    }

    async fn item_settle(
        &self,
        fence: &Fence,
        claim: ClaimId,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<()> {
        self.write(|state| {
            state.leases.check(fence)?;
            state.items.settle(claim, settlement, now)
        })
        .await
    }

    async fn item_unfinished(&self) -> Result<Vec<Unfinished>> {
        self.read(|state| {
            let open = state.items.rows.values().filter(|it| it.settled_at.is_none());
            let mut open: Vec<_> = open.collect();
            open.sort_by_key(|it| (it.claimed_at, it.claim.id));
            Ok(open.into_iter().map(Row::unfinished).collect())
        })
        .await
    }

    async fn item_adopt(&self, fence: &Fence, adoption: Adoption) -> Result<Option<Unfinished>> {
        self.write(|state| {
            state.leases.check(fence)?;
            Ok(state.items.adopt(adoption))
        })
        .await
    }

    async fn item_list(&self, filter: ItemFilter) -> Result<Vec<ItemRow>> {
        self.read(|state| Ok(state.items.list(&filter))).await
    }

    async fn item_reset(
        &self,
        fence: &Fence,
        source: &SourceName,
        names: Option<Vec<String>>,
    ) -> Result<u64> {
        let names = names.map(BTreeSet::from_iter);
        self.write(|state| {
            state.leases.check(fence)?;
            Ok(state.items.reset(source, names.as_ref()))
        })
        .await
    }
}
