//! Item history: which source items are claimed, committing, done or failed.
//!
//! This is the commit point of a stream over files: `item_commit` is the one conditional write
//! after which its outcome is decided, whatever is killed. What remains then is to publish, which
//! is idempotent and done again from the stored settlement if need be.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::{
    ClaimId, Fingerprint, InstanceId, Item, ItemStatus, Millis, NamePattern, Reprocess, SourceName,
    StreamId, SweepId, Timestamp,
};

use crate::{Fence, Result, Sweep};

/// What an owner asks for: the first of the candidates that may be processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRequest {
    pub source: SourceName,
    /// In the order wanted.
    pub candidates: Vec<Item>,
    pub reprocess: Reprocess,
    /// The new claim's id, should one be granted.
    pub claim: ClaimId,
    pub stream: StreamId,
    /// `node-name#incarnation` of the engine that will hold the claim.
    pub owner: String,
    pub now: Timestamp,
    /// What has to be undone if this claim ends without a commit (temporary files …). Opaque.
    pub settlement: Bytes,
    /// Whether an item that is new has to wait until an operator gives it clearance.
    #[serde(default)]
    pub clearance: bool,
    /// The instance of its workflow that asks.
    #[serde(default)]
    pub instance: Option<InstanceId>,
    /// How long its source waits before it lists again. An engine of an earlier version does not say.
    #[serde(default)]
    pub interval: Option<Millis>,
    /// Whether its source lists more than these candidates: how many of those it may claim nobody knows yet.
    #[serde(default)]
    pub lists_more: bool,
}

/// An exclusive claim on one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub id: ClaimId,
    pub source: SourceName,
    pub item: Item,
    pub stream: StreamId,
}

/// How a claim ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// After a commit: everything is published, nothing is left to do.
    Done,
    /// Rolled back for good.
    Failed,
    /// Given back: it may be claimed again at once.
    Released,
}

/// A claim whose work is not finished: its owner died, or has not come to it yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    pub claim: Claim,
    pub owner: String,
    /// `Acquired`, `Committing`, or `Failed` with its settlement still owed.
    pub status: ItemStatus,
    /// For `Acquired` what must be undone; for the others what must be done.
    pub settlement: Bytes,
}

/// The change of an unfinished claim's owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    pub claim: ClaimId,
    /// The owner that is gone.
    pub from: String,
    /// The new id of the claim, and its new owner.
    pub new_claim: ClaimId,
    pub owner: String,
}

/// What is remembered of an item: its last claim, or what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRow {
    pub source: SourceName,
    pub item: String,
    pub fingerprint: Fingerprint,
    pub status: ItemStatus,
    /// `None`: it was never claimed.
    pub stream: Option<StreamId>,
    pub instance: Option<InstanceId>,
    /// Empty: it was never claimed.
    pub owner: String,
    /// When it was claimed last; when it was seen first where it never was.
    pub claimed_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    /// When an operator gave it clearance.
    pub cleared_at: Option<Timestamp>,
    /// What tells this state of the row from a later one: the id of its claim, or what stands for it.
    pub claim: String,
}

impl ItemRow {
    pub fn place(&self) -> ItemPlace {
        let (source, item) = (self.source.clone(), self.item.clone());
        ItemPlace { source, claimed_at: self.claimed_at, item }
    }
}

/// Where a list of items goes on: after this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemPlace {
    pub source: SourceName,
    pub claimed_at: Timestamp,
    pub item: String,
}

/// Which items are meant. All that is said must hold; nothing said means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemFilter {
    pub source: Option<SourceName>,
    pub status: Option<ItemStatus>,
    /// Only these.
    pub names: Option<Vec<String>>,
    pub pattern: Option<NamePattern>,
    /// Claimed, or seen first, not before.
    pub since: Option<Timestamp>,
    /// Claimed, or seen first, before.
    pub until: Option<Timestamp>,
}

/// How the rows of a source are walked: each way has an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemPath {
    /// By name, from this one on.
    ByName { from: String },
    Newest {
        status: Option<ItemStatus>,
        since: Timestamp,
        /// Not later, and of those of this time only what comes before the name.
        until: (Timestamp, Option<String>),
    },
}

impl ItemPath {
    /// Whether the walk comes by the row.
    pub fn has(&self, row: &ItemRow) -> bool {
        match self {
            Self::ByName { from } => row.item >= *from,
            Self::Newest { status, since, until: (until, before) } => {
                let is_before = before.as_ref().is_none_or(|it| row.item < *it);
                status.is_none_or(|it| it == row.status)
                    && row.claimed_at >= *since
                    && (row.claimed_at < *until || row.claimed_at == *until && is_before)
            }
        }
    }

    /// In the order of the walk.
    pub fn sort(&self, rows: &mut [ItemRow]) {
        match self {
            Self::ByName { .. } => rows.sort_by(|a, b| a.item.cmp(&b.item)),
            Self::Newest { .. } => {
                rows.sort_by(|a, b| (b.claimed_at, &b.item).cmp(&(a.claimed_at, &a.item)));
            }
        }
    }
}

/// What a step of a sweep does to items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemChange {
    /// Forgotten, unless a claim holds it.
    Forget,
    /// Given clearance, if it waits for it.
    Clear,
    /// Denied clearance, if it waits for it.
    Deny,
}

/// What is remembered of items, to be read.
#[async_trait]
pub trait ItemHistory: Send + Sync {
    /// Rows of one source along a path, at most so many. The walk is cheap wherever it begins.
    async fn item_scan(
        &self,
        source: &SourceName,
        path: ItemPath,
        limit: u32,
    ) -> Result<Vec<ItemRow>>;

    /// The rows of these names, in no order.
    async fn item_named(&self, source: &SourceName, names: Vec<String>) -> Result<Vec<ItemRow>>;

    /// The first source after this one, by name, that anything is remembered of.
    async fn item_source_after(&self, after: Option<&SourceName>) -> Result<Option<SourceName>>;

    /// How many items of the source have the status; stops counting at `max`.
    async fn item_count(&self, source: &SourceName, status: ItemStatus, max: u32) -> Result<u64>;

    /// Whether there may be items of that status that can't be counted, as nobody has looked at them yet.
    async fn item_uncounted(&self, _source: &SourceName, _status: ItemStatus) -> Result<bool> {
        Ok(false)
    }
}

#[async_trait]
pub trait ItemStore: ItemHistory + 'static {
    /// Claims the first candidate that nobody holds and whose history allows it:
    /// `Released` or unknown: yes. `Done` or `Failed`: by `reprocess`; *when changed* compares
    /// size and time of change with those at the last claim, nothing else of the fingerprint.
    /// A candidate whose name is too long to be stored is passed over. Where clearance is asked
    /// for, an item that would be free waits for it first, as `item_rule::admit` says.
    /// Asked again with the id of a claim that was granted and is undecided, it answers that
    /// claim; with the id of one that was decided, `Error::ClaimLost`.
    async fn item_claim(&self, fence: &Fence, request: ClaimRequest) -> Result<Option<Claim>>;

    /// Decides the outcome: from `Acquired` to `Committing`, with what must be done now.
    /// `Error::ClaimLost` if the claim is not held any more: then nothing may be published.
    /// Deciding again what was decided is `Ok`.
    async fn item_commit(&self, fence: &Fence, claim: ClaimId, settlement: Bytes) -> Result<()>;

    /// Decides the opposite: from `Acquired` to `Failed`, with what must be done now (the file
    /// moved away). The row stays unfinished until `item_settle`.
    async fn item_fail(&self, fence: &Fence, claim: ClaimId, settlement: Bytes) -> Result<()>;

    /// Ends a claim. `Done` only from `Committing`, `Failed` only from `Acquired` or `Failed`,
    /// `Released` only from `Acquired`; ending it again the same way is `Ok`, anything else is
    /// `Error::ClaimLost`.
    async fn item_settle(
        &self,
        fence: &Fence,
        claim: ClaimId,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<()>;

    /// Claims that are not finished, of all owners, oldest first.
    async fn item_unfinished(&self) -> Result<Vec<Unfinished>>;

    /// Takes over an unfinished claim from an owner that is gone: it gets the new id and the new
    /// owner, and keeps its status and settlement. Whoever still has the old id has lost it
    /// (`Error::ClaimLost` from then on). `None`: the claim is not `from`'s any more, or is
    /// finished. Taken over again with the same new id, it answers the same.
    async fn item_adopt(&self, fence: &Fence, adoption: Adoption) -> Result<Option<Unfinished>>;

    /// Remembers a new sweep. If its id is known, that one is answered, and nothing changes.
    async fn sweep_begin(&self, fence: &Fence, sweep: Sweep) -> Result<Sweep>;

    /// Writes how far a sweep came, with what it does to the items whose claims these are, in one
    /// transaction. An item that was claimed since, or is held, stays as it is and is counted as
    /// kept. `Error::Rejected` if the stored sweep is not the one before this.
    async fn sweep_step(
        &self,
        fence: &Fence,
        sweep: Sweep,
        change: Option<(ItemChange, Vec<String>)>,
    ) -> Result<Sweep>;

    async fn sweep_load(&self, id: SweepId) -> Result<Option<Sweep>>;

    /// Those that have not ended, oldest first.
    async fn sweep_open(&self) -> Result<Vec<Sweep>>;
}
