//! Item history in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::{
    ClaimId, InstanceId, Item, ItemStatus, SourceName, StreamId, SweepId, Timestamp,
};

use super::MemoryStore;
use crate::item_rule::{self, Admission, Past, Step};
use crate::{
    Adoption, Claim, ClaimRequest, Error, Fence, ItemChange, ItemHistory, ItemPath, ItemRow,
    ItemStore, Result, Settlement, Sweep, Unfinished,
};

type Key = (SourceName, String);

#[derive(Default)]
pub(super) struct Items {
    rows: BTreeMap<Key, Row>,
    /// By the id of the claim, or what stands for it.
    by_claim: BTreeMap<String, Key>,
    sweeps: BTreeMap<SweepId, Sweep>,
}

struct Row {
    source: SourceName,
    item: Item,
    /// `None`: it was never claimed.
    claim: Option<(ClaimId, StreamId)>,
    instance: Option<InstanceId>,
    owner: String,
    status: ItemStatus,
    claimed_at: Timestamp,
    settled_at: Option<Timestamp>,
    cleared_at: Option<Timestamp>,
    settlement: Bytes,
}

impl Row {
    fn past(&self) -> Past {
        Past {
            status: self.status,
            is_settled: self.settled_at.is_some(),
            size: self.item.fingerprint.size,
            modified_ns: self.item.fingerprint.modified_ns,
            is_cleared: self.cleared_at.is_some(),
        }
    }

    fn key(&self) -> Key {
        (self.source.clone(), self.item.name.clone())
    }

    fn claim_text(&self) -> String {
        match self.claim {
            Some((id, _)) => id.to_string(),
            None => item_rule::unclaimed(&self.source, &self.item.name),
        }
    }

    fn listed(&self) -> ItemRow {
        ItemRow {
            source: self.source.clone(),
            item: self.item.name.clone(),
            fingerprint: self.item.fingerprint.clone(),
            status: self.status,
            stream: self.claim.map(|it| it.1),
            instance: self.instance,
            owner: self.owner.clone(),
            claimed_at: self.claimed_at,
            settled_at: self.settled_at,
            cleared_at: self.cleared_at,
            claim: self.claim_text(),
        }
    }

    /// `None`: nothing was ever claimed.
    fn claimed(&self) -> Option<Claim> {
        let (id, stream) = self.claim?;
        Some(Claim { id, source: self.source.clone(), item: self.item.clone(), stream })
    }

    fn unfinished(&self) -> Option<Unfinished> {
        Some(Unfinished {
            claim: self.claimed()?,
            owner: self.owner.clone(),
            status: self.status,
            settlement: self.settlement.clone(),
        })
    }
}

impl Items {
    fn claimed(&mut self, claim: ClaimId) -> Result<&mut Row> {
        let key = self.by_claim.get(&claim.to_string()).ok_or(Error::ClaimLost)?;
        self.rows.get_mut(key).ok_or(Error::ClaimLost)
    }

    fn claim(&mut self, request: ClaimRequest) -> Result<Option<Claim>> {
        if let Ok(row) = self.claimed(request.claim) {
            return item_rule::claim_again(row.status).map(|()| row.claimed());
        }
        let Some(item) = self.admitted(&request) else { return Ok(None) };
        let key = (request.source.clone(), item.name.clone());
        let row = Row {
            source: request.source,
            item,
            claim: Some((request.claim, request.stream)),
            instance: request.instance,
            owner: request.owner,
            status: ItemStatus::Acquired,
            claimed_at: request.now,
            settled_at: None,
            cleared_at: self.rows.get(&key).and_then(|it| it.cleared_at),
            settlement: request.settlement,
        };
        let claim = row.claimed();
        self.put(row);
        Ok(claim)
    }

    /// The first candidate that may be claimed. Those before it wait for clearance if they have to.
    fn admitted(&mut self, request: &ClaimRequest) -> Option<Item> {
        for item in request.candidates.iter().filter(|it| item_rule::is_storable(&it.name)) {
            let past = self.rows.get(&(request.source.clone(), item.name.clone())).map(Row::past);
            match item_rule::admit(past.as_ref(), &item.fingerprint, request) {
                Admission::Claim => return Some(item.clone()),
                Admission::No => {}
                Admission::Ask => self.put(Row {
                    source: request.source.clone(),
                    item: item.clone(),
                    claim: None,
                    instance: None,
                    owner: String::new(),
                    status: ItemStatus::Waiting,
                    claimed_at: request.now,
                    settled_at: Some(request.now),
                    cleared_at: None,
                    settlement: Bytes::new(),
                }),
            }
        }
        None
    }

    fn put(&mut self, row: Row) {
        let (key, claim) = (row.key(), row.claim_text());
        if let Some(earlier) = self.rows.insert(key.clone(), row) {
            self.by_claim.remove(&earlier.claim_text());
        }
        self.by_claim.insert(claim, key);
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
        if item_rule::adopt(&adoption, &row.unfinished()?)? == Step::Write {
            let (_, stream) = row.claim?;
            row.claim = Some((adoption.new_claim, stream));
            row.owner = adoption.owner;
            let key = row.key();
            self.by_claim.remove(&adoption.claim.to_string());
            self.by_claim.insert(adoption.new_claim.to_string(), key);
        }
        self.claimed(adoption.new_claim).ok()?.unfinished()
    }

    fn is_held(&mut self, claim: ClaimId) -> bool {
        self.claimed(claim).is_ok_and(|it| it.settled_at.is_none())
    }

    fn of_source(&self, source: &SourceName) -> impl Iterator<Item = &Row> {
        let from = (source.clone(), String::new());
        self.rows.range(from..).take_while(|it| it.0.0 == *source).map(|it| it.1)
    }

    fn scan(&self, source: &SourceName, path: &ItemPath, limit: u32) -> Vec<ItemRow> {
        let rows = self.of_source(source).map(Row::listed);
        let mut rows: Vec<_> = rows.filter(|it| path.has(it)).collect();
        path.sort(&mut rows);
        rows.truncate(limit as usize);
        rows
    }

    fn named(&self, source: &SourceName, names: &[String]) -> Vec<ItemRow> {
        let names: BTreeSet<_> = names.iter().collect();
        let found = names.into_iter().filter_map(|it| self.rows.get(&(source.clone(), it.clone())));
        found.map(Row::listed).collect()
    }

    fn source_after(&self, after: Option<&SourceName>) -> Option<SourceName> {
        let sources = self.rows.keys().map(|it| &it.0);
        sources.filter(|it| after.is_none_or(|after| *it > after)).min().cloned()
    }

    fn count(&self, source: &SourceName, status: ItemStatus, max: u32) -> u64 {
        let meant = self.of_source(source).filter(|it| it.status == status);
        meant.take(max as usize).count() as u64
    }

    fn step(
        &mut self,
        mut sweep: Sweep,
        change: Option<(ItemChange, Vec<String>)>,
    ) -> Result<Sweep> {
        let known = self.sweeps.get(&sweep.id).map(|it| it.revision);
        if known.is_none_or(|it| it + 1 != sweep.revision) {
            return Err(Error::Rejected(format!("the sweep {} went on elsewhere", sweep.id)));
        }
        if let Some((change, claims)) = change {
            let wanted = claims.len() as u64;
            let done = claims.iter().filter(|it| self.change(it, change, &sweep)).count() as u64;
            sweep.changed += done;
            sweep.kept += wanted - done;
        }
        self.sweeps.insert(sweep.id, sweep.clone());
        Ok(sweep)
    }

    fn change(&mut self, claim: &str, change: ItemChange, sweep: &Sweep) -> bool {
        let Some(key) = self.by_claim.get(claim).cloned() else { return false };
        let Some(row) = self.rows.get_mut(&key) else { return false };
        if !item_rule::is_swept(row.status, row.settled_at.is_some(), change) {
            return false;
        }
        match change {
            ItemChange::Forget => {
                self.rows.remove(&key);
                self.by_claim.remove(claim);
            }
            ItemChange::Clear => {
                row.status = ItemStatus::Pending;
                row.cleared_at = Some(sweep.begun_at);
            }
            ItemChange::Deny => {
                row.status = ItemStatus::Denied;
                row.settled_at = Some(sweep.begun_at);
            }
        }
        true
    }
}

#[async_trait]
impl ItemHistory for MemoryStore {
    async fn item_scan(
        &self,
        source: &SourceName,
        path: ItemPath,
        limit: u32,
    ) -> Result<Vec<ItemRow>> {
        self.read(|state| Ok(state.items.scan(source, &path, limit))).await
    }

    async fn item_named(&self, source: &SourceName, names: Vec<String>) -> Result<Vec<ItemRow>> {
        self.read(|state| Ok(state.items.named(source, &names))).await
    }

    async fn item_source_after(&self, after: Option<&SourceName>) -> Result<Option<SourceName>> {
        self.read(|state| Ok(state.items.source_after(after))).await
    }

    async fn item_count(&self, source: &SourceName, status: ItemStatus, max: u32) -> Result<u64> {
        self.read(|state| Ok(state.items.count(source, status, max))).await
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
            open.sort_by_key(|it| (it.claimed_at, it.claim));
            Ok(open.into_iter().filter_map(Row::unfinished).collect())
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

    async fn sweep_begin(&self, fence: &Fence, sweep: Sweep) -> Result<Sweep> {
        self.write(|state| {
            state.leases.check(fence)?;
            Ok(state.items.sweeps.entry(sweep.id).or_insert(sweep).clone())
        })
        .await
    }

    async fn sweep_step(
        &self,
        fence: &Fence,
        sweep: Sweep,
        change: Option<(ItemChange, Vec<String>)>,
    ) -> Result<Sweep> {
        self.write(|state| {
            state.leases.check(fence)?;
            state.items.step(sweep, change)
        })
        .await
    }

    async fn sweep_load(&self, id: SweepId) -> Result<Option<Sweep>> {
        self.read(|state| Ok(state.items.sweeps.get(&id).cloned())).await
    }

    async fn sweep_open(&self) -> Result<Vec<Sweep>> {
        self.read(|state| {
            let open = state.items.sweeps.values().filter(|it| it.is_open()).cloned();
            let mut open: Vec<_> = open.collect();
            open.sort_by_key(|it| (it.begun_at, it.id));
            Ok(open)
        })
        .await
    }
}
