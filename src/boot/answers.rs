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
//! - Each is kept for a day. So many are kept of one user, of all, and so many bytes of answers of one user and of all: the
//!   oldest go first, but none that is carried out.
//! - What can't be read holds its key all the same, until it is a day old: another version may have written it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weir_domain::{Clock, CommandId, Fault, Timestamp};
use weir_http_server::{AnswerStore, Claim, Claimed, KeptAnswer, Scope, Taken};
use weir_persistence_api::{BlobKey, BlobStore, Error};

const ORDER: &str = "idempotency/order";
const CLAIMS: &str = "idempotency/claims";
const ANSWERS: &str = "idempotency/answers";

const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// One without an answer is not pushed out by others before.
const CARRIED_OUT_WITHIN: Duration = Duration::from_secs(15 * 60);
/// After so many claims it is looked what is to go.
const TIDIED_EVERY: u64 = 32;
/// So many go at a time: more than come between.
const TIDIED_MAX: usize = 256;

#[derive(Debug, Clone, Copy)]
struct Room {
    keys: usize,
    keys_of_user: usize,
    answer_bytes: u64,
    answer_bytes_of_user: u64,
}

const ROOM: Room = Room {
    keys: 10_000,
    keys_of_user: 2_000,
    answer_bytes: 64 << 20,
    answer_bytes_of_user: 8 << 20,
};

pub(crate) struct Answers {
    blobs: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
    room: Room,
    claims: AtomicU64,
    is_tidying: AtomicBool,
}

/// An answer, and whose it is: another claim of the key has none of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    claim: CommandId,
    answer: KeptAnswer,
}

impl Answers {
    pub(crate) fn new(blobs: Arc<dyn BlobStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            blobs,
            clock,
            room: ROOM,
            claims: AtomicU64::new(0),
            is_tidying: AtomicBool::new(false),
        }
    }

    async fn claimed(&self, scope: &Scope, claim: &Claim) -> Result<Taken, Error> {
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
                return Ok(Taken::Mine);
            }
            let known = match self.read::<Claim>(&key).await? {
                Read::Is(known) => known,
                // Gone meanwhile: it is free.
                Read::Nothing => continue,
                Read::Unreadable => {
                    self.misplaced(is_placed, &order).await?;
                    return Ok(Taken::Unreadable);
                }
            };
            if known.id == claim.id {
                return Ok(Taken::Mine);
            }
            if claim.at.since(known.at) >= KEPT_FOR {
                self.forget(&scope.key, Some(known.id)).await?;
                continue;
            }
            self.misplaced(is_placed, &order).await?;
            let answer = match self.read::<Answered>(&at(ANSWERS, &scope.key)).await? {
                Read::Is(it) => Some(it).filter(|it| it.claim == known.id).map(|it| it.answer),
                Read::Nothing => None,
                Read::Unreadable => return Ok(Taken::Unreadable),
            };
            return Ok(Taken::Already(Box::new(Claimed { claim: known, answer })));
        }
    }

    /// The key is somebody else's: a place that was made for this claim is none.
    async fn misplaced(&self, is_placed: bool, order: &BlobKey) -> Result<(), Error> {
        if is_placed { self.blobs.blob_delete(order).await } else { Ok(()) }
    }

    /// What can't be read is of another version of the program, or damaged. It stays, until its time is over.
    async fn read<T: DeserializeOwned>(&self, key: &BlobKey) -> Result<Read<T>, Error> {
        let Some(content) = self.blobs.blob_get(key).await? else { return Ok(Read::Nothing) };
        Ok(serde_json::from_slice(&content).map_or_else(
            |error| {
                tracing::warn!(code = "WEIR-00173", %key, %error, "what is kept of a command can't be read, and holds its key for a day");
                Read::Unreadable
            },
            Read::Is,
        ))
    }

    /// The answer first: a claim without one is no lie. Another claim of the key stays.
    async fn forget(&self, key: &str, id: Option<CommandId>) -> Result<(), Error> {
        let claim = at(CLAIMS, key);
        let is_another = match id {
            Some(id) => match self.read::<Claim>(&claim).await? {
                Read::Is(it) => it.id != id,
                Read::Nothing => false,
                Read::Unreadable => true,
            },
            None => false,
        };
        if is_another {
            return Ok(());
        }
        self.blobs.blob_delete(&at(ANSWERS, key)).await?;
        self.blobs.blob_delete(&claim).await
    }

    /// Makes room for some.
    async fn tidied(&self) -> Result<(), Error> {
        let listed = self.blobs.blob_list(&fixed(ORDER)).await?;
        let entries: Vec<_> = listed.iter().filter_map(|it| Entry::of(&it.key)).collect();
        let answers = self.blobs.blob_list(&fixed(ANSWERS)).await?.into_iter();
        let answers: BTreeMap<String, u64> = answers
            .filter_map(|it| Some((it.key.under(&fixed(ANSWERS))?.to_owned(), it.bytes)))
            .collect();
        let surplus = surplus(&entries, &answers, self.room, self.clock.now());
        // The oldest come last.
        for entry in surplus.iter().rev().take(TIDIED_MAX) {
            match self.read::<Claim>(&at(CLAIMS, &entry.key)).await? {
                // The key was released, and claimed again since.
                Read::Is(claim) if claim.at != entry.at => {}
                Read::Is(claim) => self.forget(&entry.key, Some(claim.id)).await?,
                Read::Nothing | Read::Unreadable => self.forget(&entry.key, None).await?,
            }
            self.blobs.blob_delete(&entry.place()).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl AnswerStore for Answers {
    async fn claim(&self, scope: &Scope, claim: &Claim) -> Result<Taken, Fault> {
        self.claimed(scope, claim).await.map_err(|it| fault(&it))
    }

    /// Now and then, and one at a time.
    async fn tidy(&self) {
        let is_due = self.claims.fetch_add(1, Ordering::Relaxed).is_multiple_of(TIDIED_EVERY);
        if !is_due || self.is_tidying.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.tidied().await {
            tracing::warn!(code = "WEIR-00174", %error, "old answers to commands are kept for longer");
        }
        self.is_tidying.store(false, Ordering::Relaxed);
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

/// What is kept under a key.
enum Read<T> {
    Is(T),
    Nothing,
    Unreadable,
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
    let mut of_user: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let (mut keys, mut bytes) = (0, 0);
    // The newest are counted first, so that what is beyond is what is oldest.
    let gone = entries.iter().rev().filter(|it| {
        let own = of_user.entry(&it.user).or_default();
        let size = match known.insert(&it.key) {
            true => answers.get(&it.key).copied().unwrap_or_default(),
            false => 0,
        };
        own.0 += 1;
        own.1 += size;
        let is_too_much = own.0 > room.keys_of_user || own.1 > room.answer_bytes_of_user;
        // What one user has too much of takes no room from others.
        if !is_too_much {
            keys += 1;
            bytes += size;
        }
        let is_beyond = is_too_much || keys > room.keys || bytes > room.answer_bytes;
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
