//! What sources list and nobody has claimed yet: *pending* items.
//!
//! A claim offers what its source lists next; the last offer of each source is remembered here. Which of
//! its items are pending is asked of the history when somebody looks: so a claim costs nothing more, and
//! nothing is written of what may be gone a moment later. After a move the next claims tell it anew.
//!
//! An instance that ends takes its offer back. One that can't say so any more, since its node is gone,
//! is not believed for long: an offer counts for a few intervals of its source, and as long as the
//! stream lives that came of it, since its instance looks for nothing else meanwhile.
//!
//! Bounded: [`SOURCES_MAX`] sources, and of each what one claim offers, up to [`NAMES_BYTES_MAX`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::{ItemStatus, SourceName, Timestamp};
use weir_persistence_api::item_rule::{self, Admission, Past};
use weir_persistence_api::{ClaimRequest, ItemHistory, ItemPath, ItemRow, ItemStore, Result};
use weir_runtime::Stopwatch;

/// The one that was offered from longest ago is forgotten for a new one.
const SOURCES_MAX: usize = 1_000;
/// Of the names of one offer.
const NAMES_BYTES_MAX: usize = 64 << 10;
/// For how many intervals of its source an offer counts, and how long at least: a list takes its time,
/// and so does a claim.
const INTERVALS: u32 = 3;
const COUNTS_MIN: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Offered(Mutex<BTreeMap<SourceName, Arc<Offer>>>);

/// The last offer of a source.
struct Offer {
    request: ClaimRequest,
    /// When each item was first offered without a break.
    since: BTreeMap<String, Timestamp>,
    /// How old it is.
    age: Stopwatch,
}

impl Offered {
    /// Takes the place of what the source offered before. Who offers nothing takes its own offer back,
    /// and nobody else's.
    pub(super) fn note(&self, request: &ClaimRequest) {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if request.candidates.is_empty() {
            if sources.get(&request.source).is_some_and(|it| it.is_of(request)) {
                sources.remove(&request.source);
            }
            return;
        }
        let before = sources.remove(&request.source);
        if sources.len() >= SOURCES_MAX {
            let oldest = sources.iter().min_by_key(|it| it.1.request.now).map(|it| it.0.clone());
            oldest.and_then(|it| sources.remove(&it));
        }
        let offer = Offer::new(request, before.as_deref());
        sources.insert(request.source.clone(), Arc::new(offer));
    }

    fn of(&self, source: &SourceName) -> Option<Arc<Offer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(source).cloned()
    }

    fn source_after(&self, after: Option<&SourceName>) -> Option<SourceName> {
        let sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sources.keys().find(|it| after.is_none_or(|after| *it > after)).cloned()
    }
}

impl Offer {
    fn new(request: &ClaimRequest, before: Option<&Self>) -> Self {
        let mut length = 0;
        let mut fits = |name: &str| {
            length += name.len();
            length <= NAMES_BYTES_MAX
        };
        let candidates = request.candidates.iter().filter(|it| item_rule::is_storable(&it.name));
        let candidates: Vec<_> = candidates.take_while(|it| fits(&it.name)).cloned().collect();
        let since = candidates.iter().map(|it| {
            let known = before.and_then(|before| before.since.get(&it.name));
            (it.name.clone(), known.copied().unwrap_or(request.now))
        });
        let since = since.collect();
        let settlement = Bytes::new();
        let lists_more = request.lists_more || candidates.len() < request.candidates.len();
        let request = ClaimRequest { candidates, settlement, lists_more, ..request.clone() };
        Self { request, since, age: Stopwatch::start() }
    }

    fn is_of(&self, request: &ClaimRequest) -> bool {
        (&self.request.owner, self.request.instance) == (&request.owner, request.instance)
    }

    /// Whether its instance still means it, given what is remembered of these items.
    fn counts(&self, known: &[ItemRow]) -> bool {
        let interval = self.request.interval.map_or(Duration::ZERO, |it| it.duration());
        if self.age.elapsed() <= interval.saturating_mul(INTERVALS).max(COUNTS_MIN) {
            return true;
        }
        let claim = self.request.claim.to_string();
        known.iter().any(|it| {
            let is_open = matches!(it.status, ItemStatus::Acquired | ItemStatus::Committing);
            it.claim == claim && is_open
        })
    }

    fn names(&self) -> Vec<String> {
        self.request.candidates.iter().map(|it| it.name.clone()).collect()
    }

    /// What the next claims will be granted, given what is remembered of these items.
    fn pending(&self, known: Vec<ItemRow>) -> Pending {
        if !self.counts(&known) {
            return Pending::default();
        }
        let known: BTreeMap<_, _> = known.into_iter().map(|it| (it.item.clone(), it)).collect();
        let mut pending = Pending { has_more: self.request.lists_more, ..Pending::default() };
        for item in &self.request.candidates {
            let row = known.get(&item.name);
            let past = row.map(Past::from);
            let admission = item_rule::admit(past.as_ref(), &item.fingerprint, &self.request);
            if admission != Admission::Claim {
                continue;
            }
            if let Some(status) = row.map(|it| it.status) {
                *pending.hidden.entry(status.as_str()).or_default() += 1;
            }
            let source = self.request.source.clone();
            pending.rows.insert(
                item.name.clone(),
                ItemRow {
                    claim: item_rule::unclaimed(&source, &item.name),
                    source,
                    item: item.name.clone(),
                    fingerprint: item.fingerprint.clone(),
                    status: ItemStatus::Pending,
                    stream: None,
                    instance: None,
                    owner: String::new(),
                    claimed_at: self.since.get(&item.name).copied().unwrap_or(self.request.now),
                    settled_at: None,
                    cleared_at: row.and_then(|it| it.cleared_at),
                },
            );
        }
        pending
    }
}

/// Of one source, by name.
#[derive(Default)]
struct Pending {
    rows: BTreeMap<String, ItemRow>,
    /// How many rows of the history they stand for, by status.
    hidden: BTreeMap<&'static str, u64>,
    /// Its source lists more than it offered.
    has_more: bool,
}

/// The history, with pending items in the place of what was before.
pub(super) struct WithOffered<'a> {
    store: &'a dyn ItemStore,
    offered: &'a Offered,
    /// Looked up once for each source.
    pending: Mutex<BTreeMap<SourceName, Arc<Pending>>>,
}

impl<'a> WithOffered<'a> {
    pub(super) fn new(store: &'a dyn ItemStore, offered: &'a Offered) -> Self {
        Self { store, offered, pending: Mutex::default() }
    }

    async fn pending(&self, source: &SourceName) -> Result<Arc<Pending>> {
        let looked_up = || self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = looked_up().get(source) {
            return Ok(known.clone());
        }
        let pending = match self.offered.of(source) {
            Some(offer) => offer.pending(self.store.item_named(source, offer.names()).await?),
            None => Pending::default(),
        };
        let pending = Arc::new(pending);
        looked_up().insert(source.clone(), pending.clone());
        Ok(pending)
    }
}

#[async_trait]
impl ItemHistory for WithOffered<'_> {
    async fn item_scan(
        &self,
        source: &SourceName,
        path: ItemPath,
        limit: u32,
    ) -> Result<Vec<ItemRow>> {
        let pending = self.pending(source).await?;
        // As many rows of the history may stand aside.
        let more = u32::try_from(pending.rows.len()).unwrap_or(u32::MAX);
        let mut rows =
            self.store.item_scan(source, path.clone(), limit.saturating_add(more)).await?;
        rows.retain(|it| !pending.rows.contains_key(&it.item));
        rows.extend(pending.rows.values().filter(|it| path.has(it)).cloned());
        path.sort(&mut rows);
        rows.truncate(limit as usize);
        Ok(rows)
    }

    async fn item_named(&self, source: &SourceName, names: Vec<String>) -> Result<Vec<ItemRow>> {
        let pending = self.pending(source).await?;
        let asked: BTreeSet<_> = names.iter().cloned().collect();
        let mut rows = self.store.item_named(source, names).await?;
        rows.retain(|it| !pending.rows.contains_key(&it.item));
        rows.extend(asked.iter().filter_map(|it| pending.rows.get(it)).cloned());
        Ok(rows)
    }

    async fn item_source_after(&self, after: Option<&SourceName>) -> Result<Option<SourceName>> {
        let remembered = self.store.item_source_after(after).await?;
        let mut offering = self.offered.source_after(after);
        while let Some(it) = offering {
            if remembered.as_ref().is_some_and(|remembered| *remembered <= it) {
                break;
            }
            if !self.pending(&it).await?.rows.is_empty() {
                return Ok(Some(it));
            }
            offering = self.offered.source_after(Some(&it));
        }
        Ok(remembered)
    }

    async fn item_count(&self, source: &SourceName, status: ItemStatus, max: u32) -> Result<u64> {
        let pending = self.pending(source).await?;
        let hidden = pending.hidden.get(status.as_str()).copied().unwrap_or(0);
        let shown = match status {
            ItemStatus::Pending => pending.rows.len() as u64,
            _ => 0,
        };
        let more = u32::try_from(hidden).unwrap_or(u32::MAX);
        let counted = self.store.item_count(source, status, max.saturating_add(more)).await?;
        Ok((counted.saturating_sub(hidden) + shown).min(max.into()))
    }

    async fn item_uncounted(&self, source: &SourceName, status: ItemStatus) -> Result<bool> {
        Ok(status == ItemStatus::Pending && self.pending(source).await?.has_more)
    }
}
