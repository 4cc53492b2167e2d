//! What a configuration server answered to commands that named a key: blobs of its store, which servers share that
//! share the store.
//!
//! ```text
//! idempotency/order/001763...-USER-KEY     when the key was claimed; empty
//! idempotency/claims/KEY                   who carries it out, and what was sent, as a hash
//! idempotency/answers/KEY                  what it was answered
//! ```
//!
//! - The claim decides, since of all who create a blob one does; its place in the order is made before, and an answer
//!   goes before its claim, so that whatever a crash leaves is found and means nothing.
//! - Each is kept for a day. So many are kept of one user, of all, and so many bytes of answers: the oldest go first, but
//!   none that is carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weir_domain::{Clock, CommandId, Fault, Timestamp};
use weir_http_server::{AnswerStore, Claim, Claimed, KeptAnswer, Scope};
use weir_persistence_api::{BlobKey, BlobStore, Error};

const ORDER: &str = "idempotency/order";
const CLAIMS: &str = "idempotency/claims";
const ANSWERS: &str = "idempotency/answers";

const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// One without an answer is not pushed out by others before.
const CARRIED_OUT_WITHIN: Duration = Duration::from_secs(15 * 60);
/// After so many claims it is looked what is to go.
const TIDIED_EVERY: u64 = 32;

#[derive(Debug, Clone, Copy)]
struct Room {
    keys: usize,
    keys_of_user: usize,
    answer_bytes: u64,
}

const ROOM: Room = Room { keys: 10_000, keys_of_user: 2_000, answer_bytes: 64 << 20 };

pub(crate) struct Answers {
    blobs: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
    room: Room,
    claims: AtomicU64,
}

/// An answer, and whose it is: another claim of the key has none of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answered {
    claim: CommandId,
    answer: KeptAnswer,
}

impl Answers {
    pub(crate) fn new(blobs: Arc<dyn BlobStore>, clock: Arc<dyn Clock>) -> Self {
        Self { blobs, clock, room: ROOM, claims: AtomicU64::new(0) }
    }

    /// `Some`: somebody has it.
    async fn claimed(&self, scope: &Scope, claim: &Claim) -> Result<Option<Claimed>, Error> {
        let (key, order) = (at(CLAIMS, &scope.key), ordered(scope, claim.at));
        // Of one moment there may be another one's.
        let is_placed = self.blobs.blob_create(&order, Bytes::new()).await?;
        loop {
            let is_mine = match self.blobs.blob_create(&key, written(claim)).await {
                // It was written or not: what is there tells.
                Err(Error::Unknown(_)) => false,
                created => created?,
            };
            if is_mine {
                return Ok(None);
            }
            // Gone meanwhile: it is free.
            let Some(known) = self.read::<Claim>(&key).await? else { continue };
            if known.id == claim.id {
                return Ok(None);
            }
            if claim.at.since(known.at) >= KEPT_FOR {
                self.forget(&scope.key, Some(known.id)).await?;
                continue;
            }
            if is_placed {
                self.blobs.blob_delete(&order).await?;
            }
            let answered = self.read::<Answered>(&at(ANSWERS, &scope.key)).await?;
            let answer = answered.filter(|it| it.claim == known.id).map(|it| it.answer);
            return Ok(Some(Claimed { claim: known, answer }));
        }
    }

    /// What can't be read is of a program that is newer, or damaged: it is not there.
    async fn read<T: DeserializeOwned>(&self, key: &BlobKey) -> Result<Option<T>, Error> {
        let Some(content) = self.blobs.blob_get(key).await? else { return Ok(None) };
        match serde_json::from_slice(&content) {
            Ok(read) => Ok(Some(read)),
            Err(error) => {
                tracing::warn!(code = "WEIR-00173", %key, %error, "what is kept of a command can't be read, and is deleted");
                self.blobs.blob_delete(key).await?;
                Ok(None)
            }
        }
    }

    /// The answer first: a claim without one is no lie. Another claim of the key stays.
    async fn forget(&self, key: &str, id: Option<CommandId>) -> Result<(), Error> {
        let claim = at(CLAIMS, key);
        let is_another = match id {
            Some(id) => self.read::<Claim>(&claim).await?.is_some_and(|it| it.id != id),
            None => false,
        };
        if is_another {
            return Ok(());
        }
        self.blobs.blob_delete(&at(ANSWERS, key)).await?;
        self.blobs.blob_delete(&claim).await
    }

    /// Makes room, now and then.
    async fn tidy(&self) -> Result<(), Error> {
        if !self.claims.fetch_add(1, Ordering::Relaxed).is_multiple_of(TIDIED_EVERY) {
            return Ok(());
        }
        let listed = self.blobs.blob_list(&fixed(ORDER)).await?;
        let entries: Vec<_> = listed.iter().filter_map(|it| Entry::of(&it.key)).collect();
        let answers = self.blobs.blob_list(&fixed(ANSWERS)).await?.into_iter();
        let answers: BTreeMap<String, u64> = answers
            .filter_map(|it| Some((it.key.under(&fixed(ANSWERS))?.to_owned(), it.bytes)))
            .collect();
        for entry in surplus(&entries, &answers, self.room, self.clock.now()) {
            let claim = self.read::<Claim>(&at(CLAIMS, &entry.key)).await?;
            // The key was released, and claimed again since.
            if claim.is_none_or(|it| it.at == entry.at) {
                self.forget(&entry.key, None).await?;
            }
            self.blobs.blob_delete(&entry.place()).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl AnswerStore for Answers {
    async fn claim(&self, scope: &Scope, claim: &Claim) -> Result<Option<Claimed>, Fault> {
        let claimed = self.claimed(scope, claim).await.map_err(|it| fault(&it))?;
        if let Err(error) = self.tidy().await {
            tracing::warn!(code = "WEIR-00174", %error, "old answers to commands are kept for longer");
        }
        Ok(claimed)
    }

    async fn answer(&self, scope: &Scope, claim: &Claim, answer: KeptAnswer) -> Result<(), Fault> {
        let answered = Answered { claim: claim.id, answer };
        let put = self.blobs.blob_put(&at(ANSWERS, &scope.key), written(&answered)).await;
        put.map_err(|it| fault(&it))
    }

    async fn release(&self, scope: &Scope, claim: &Claim) -> Result<(), Fault> {
        let released = async {
            self.forget(&scope.key, Some(claim.id)).await?;
            self.blobs.blob_delete(&ordered(scope, claim.at)).await
        };
        released.await.map_err(|it| fault(&it))
    }
}

/// A key's place in time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    at: Timestamp,
    user: String,
    key: String,
}

impl Entry {
    fn of(key: &BlobKey) -> Option<Self> {
        let mut parts = key.under(&fixed(ORDER))?.splitn(3, '-');
        let at = Timestamp(parts.next()?.parse().ok()?);
        Some(Self { at, user: parts.next()?.to_owned(), key: parts.next()?.to_owned() })
    }

    fn place(&self) -> BlobKey {
        let Self { at: time, user, key } = self;
        at(ORDER, &format!("{:015}-{user}-{key}", time.0))
    }
}

/// What is to go, of all entries in their order.
fn surplus(
    entries: &[Entry],
    answers: &BTreeMap<String, u64>,
    room: Room,
    now: Timestamp,
) -> Vec<Entry> {
    let is_carried_out =
        |it: &&Entry| !answers.contains_key(&it.key) && now.since(it.at) < CARRIED_OUT_WITHIN;
    let mut of_user: BTreeMap<&str, usize> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let (mut keys, mut bytes) = (0, 0);
    // The newest are counted first, so that what is beyond is what is oldest.
    let gone = entries.iter().rev().filter(|it| {
        let own = of_user.entry(&it.user).or_default();
        *own += 1;
        keys += 1;
        if known.insert(&it.key) {
            bytes += answers.get(&it.key).copied().unwrap_or_default();
        }
        let is_beyond = *own > room.keys_of_user || keys > room.keys || bytes > room.answer_bytes;
        now.since(it.at) >= KEPT_FOR || is_beyond && !is_carried_out(it)
    });
    gone.cloned().collect()
}

fn ordered(scope: &Scope, at: Timestamp) -> BlobKey {
    Entry { at, user: scope.user.clone(), key: scope.key.clone() }.place()
}

fn fixed(place: &str) -> BlobKey {
    BlobKey::new(place).expect("it is a key")
}

fn at(place: &str, name: &str) -> BlobKey {
    fixed(place).below(name).expect("digits and letters are part of a key")
}

fn written(it: &impl Serialize) -> Bytes {
    serde_json::to_vec(it).expect("plain values are JSON").into()
}

fn fault(error: &Error) -> Fault {
    let message = format!("whether the command was sent before can't be told: {error}");
    Fault::transient(172, message)
        .with_hint("send it again with the same key: it is carried out once")
}

#[cfg(test)]
mod tests;
