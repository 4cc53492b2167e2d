//! Item history: which source items are claimed, committing, done or failed.
//!
//! This is the commit point of a stream over files: `item_commit` is the one conditional write
//! after which its outcome is decided, whatever is killed. What remains then is to publish, which
//! is idempotent and done again from the stored settlement if need be.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::{
    ClaimId, Fingerprint, Item, ItemStatus, Reprocess, SourceName, StreamId, Timestamp,
};

use crate::{Fence, Result};

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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRow {
    pub source: SourceName,
    pub item: String,
    pub fingerprint: Fingerprint,
    pub status: ItemStatus,
    pub stream: StreamId,
    pub owner: String,
    pub claimed_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemFilter {
    pub source: Option<SourceName>,
    pub status: Option<ItemStatus>,
    /// Go on after this (source, item): rows come in that order.
    pub after: Option<(SourceName, String)>,
    pub limit: u32,
}

#[async_trait]
pub trait ItemStore: Send + Sync + 'static {
    /// Claims the first candidate that nobody holds and whose history allows it:
    /// `Released` or unknown: yes. `Done` or `Failed`: by `reprocess`; *when changed* compares
    /// size and time of change with those at the last claim, nothing else of the fingerprint.
    /// A candidate whose name is too long to be stored is passed over.
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

    async fn item_list(&self, filter: ItemFilter) -> Result<Vec<ItemRow>>;

    /// Forgets `Done`, `Failed` and `Released` items, so that they are processed again when
    /// found; held ones stay. No names: all of the source. Returns how many were forgotten.
    async fn item_reset(
        &self,
        fence: &Fence,
        source: &SourceName,
        names: Option<Vec<String>>,
    ) -> Result<u64>;
}
