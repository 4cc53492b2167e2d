//! Appending: one write with a definite end, as far as the store allows one.
//!
//! A write that timed out may still arrive. It is therefore looked for, and if it is not there it
//! is written again with the same sequence numbers: whichever of the two comes first, the other is
//! a conflict, and so the events are there once.

use std::sync::Arc;
use std::time::Duration;

use weir_domain::Fault;
use weir_persistence_api::{Append, Error, Store, StoredEvent};

use super::recovery::{damaged, shorter, within};
use crate::message::millis;
use crate::{Fatal, code};

/// What became of a write.
#[derive(Debug)]
pub(super) enum Written {
    /// It is durable.
    Durable,
    /// The store refuses the content; nothing was written.
    Refused(String),
    /// The store is away; nothing was written.
    Unavailable(String),
    /// It may be there or not, and the store can't be asked now.
    Unknown(String),
    /// This is not the writer any more, or not at the place where it thought it was.
    Lost(Lost),
}

#[derive(Debug)]
pub(super) enum Lost {
    Fenced(Fault),
    Conflict(Fault),
    Damaged(Fault),
}

impl Lost {
    pub(super) fn fault(&self) -> &Fault {
        match self {
            Self::Fenced(fault) | Self::Conflict(fault) | Self::Damaged(fault) => fault,
        }
    }

    /// A conflict is cured by recovering anew; the others are not.
    pub(super) fn into_error(self) -> ractor::ActorProcessingErr {
        match self {
            Self::Conflict(fault) => Box::new(fault),
            Self::Fenced(fault) | Self::Damaged(fault) => Box::new(Fatal(fault)),
        }
    }
}

pub(super) struct Writer<'a> {
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) append_within: Duration,
    pub(super) read_within: Duration,
}

impl Writer<'_> {
    pub(super) async fn write(&self, append: &Append) -> Written {
        match self.append(append).await {
            Err(Error::Unknown(_)) => self.settle(append).await,
            known => self.verdict(append, known),
        }
    }

    /// Finds out what became of a write whose outcome is not known, and repeats it if it is not
    /// there.
    pub(super) async fn settle(&self, append: &Append) -> Written {
        match self.look(append).await {
            Ok(Found::Ours) => return Written::Durable,
            Ok(Found::Nothing) => {}
            Ok(Found::Others) => return conflict(append, None),
            Ok(Found::Later(epoch)) => return deposed(append, epoch),
            Err(error) => return unknown(&error),
        }
        let again = self.append(append).await;
        match again {
            Err(error) if error.is_transient() => Written::Unknown(error.to_string()),
            // Perhaps it was the first attempt that came in between.
            conflicted @ Err(Error::Conflict { .. }) => match self.look(append).await {
                Ok(Found::Ours) => Written::Durable,
                Ok(Found::Later(epoch)) => deposed(append, epoch),
                Ok(Found::Nothing | Found::Others) => self.verdict(append, conflicted),
                Err(error) => unknown(&error),
            },
            known => self.verdict(append, known),
        }
    }

    async fn append(&self, append: &Append) -> Result<u64, Error> {
        let limit = self.append_within;
        match tokio::time::timeout(limit, self.store.append(append.clone())).await {
            Ok(result) => result,
            Err(_) => Err(Error::Unknown(format!("it did not answer within {}", millis(limit)))),
        }
    }

    async fn look(&self, append: &Append) -> Result<Found, Error> {
        let limit = u32::try_from(append.events.len()).unwrap_or(u32::MAX);
        let there = self.store.replay(&append.id, append.after, limit);
        let there = within(self.read_within, there).await?;
        Ok(match there.len() {
            0 => Found::Nothing,
            _ if is_ours(append, &there) => Found::Ours,
            _ => {
                let latest = there.iter().map(|it| it.writer_epoch).max();
                latest.filter(|it| *it > append.fence.epoch).map_or(Found::Others, Found::Later)
            }
        })
    }

    fn verdict(&self, append: &Append, result: Result<u64, Error>) -> Written {
        match result {
            Ok(highest) if highest == append.after + append.events.len() as u64 => Written::Durable,
            Ok(_) => conflict(append, None),
            Err(Error::Conflict { actual, .. }) => conflict(append, Some(actual)),
            Err(error @ Error::Fenced { .. }) => fenced(error.to_string()),
            Err(Error::Unavailable(cause)) => Written::Unavailable(cause),
            Err(Error::Unknown(cause)) => Written::Unknown(cause),
            Err(error @ Error::Corrupt { .. }) => {
                Written::Lost(Lost::Damaged(damaged(error.to_string())))
            }
            Err(error @ (Error::Rejected(_) | Error::ClaimLost)) => {
                Written::Refused(error.to_string())
            }
        }
    }
}

fn fenced(cause: String) -> Written {
    let fault = Fault::new(weir_domain::FaultKind::Stopped, code::FENCED.0, cause);
    Written::Lost(Lost::Fenced(fault.with_hint("another engine is the writer now; ask there")))
}

/// A later epoch has written: as if the store had refused this one.
fn deposed(append: &Append, epoch: u64) -> Written {
    let (id, own) = (&append.id, append.fence.epoch);
    fenced(format!("epoch {own} writes {id} no more: epoch {epoch} has written to it"))
}

/// The journal is not where the writer thought it was. `actual` is where it ends, if that is known.
fn conflict(append: &Append, actual: Option<u64>) -> Written {
    let (id, after) = (&append.id, append.after);
    if let Some(actual) = actual.filter(|it| *it < after) {
        return Written::Lost(Lost::Damaged(shorter(id, actual, after)));
    }
    let cause = format!("somebody else wrote to {id} after event {after}");
    Written::Lost(Lost::Conflict(Fault::transient(code::CONFLICT.0, cause)))
}

fn unknown(error: &Error) -> Written {
    match error.is_transient() {
        true => Written::Unknown(error.to_string()),
        false => Written::Lost(Lost::Damaged(damaged(error.to_string()))),
    }
}

enum Found {
    Nothing,
    Ours,
    Others,
    /// Others', among them of this later epoch.
    Later(u64),
}

fn is_ours(append: &Append, there: &[StoredEvent]) -> bool {
    there.len() == append.events.len()
        && there.iter().zip(&append.events).all(|(there, ours)| {
            there.writer_epoch == append.fence.epoch
                && there.manifest == ours.manifest
                && there.payload == ours.payload
                && there.command == ours.command
        })
}

#[cfg(test)]
mod tests {
    use weir_persistence_api::{
        Acquired, Fence, LeaseName, LeaseStore as _, Manifest, MemoryStore, NewEvent, PersistenceId,
    };

    use super::*;
    use crate::SystemClock;

    fn granted(acquired: Acquired) -> Fence {
        match acquired {
            Acquired::Granted(fence) => fence,
            held @ Acquired::Held { .. } => panic!("{held:?}"),
        }
    }

    #[tokio::test]
    async fn a_writer_that_slept_while_a_later_one_wrote_is_deposed_and_in_no_conflict() {
        let store = MemoryStore::new(Arc::new(SystemClock));
        let (name, ttl) = (LeaseName("c".into()), Duration::from_secs(60));
        let first = granted(store.lease_acquire(&name, "a", ttl).await.unwrap());
        let epoch = first.epoch;
        let second = granted(store.lease_force(&name, "b", ttl, ("a", epoch)).await.unwrap());
        let append = |fence: &Fence, payload: &'static str| Append {
            id: PersistenceId("c".into()),
            fence: fence.clone(),
            after: 0,
            events: vec![NewEvent {
                manifest: Manifest { name: "event".into(), version: 1 },
                payload: payload.into(),
                tags: Vec::new(),
                command: None,
            }],
        };
        let store: Arc<dyn Store> = Arc::new(store);
        store.append(append(&second, "later")).await.unwrap();
        let (append_within, read_within) = (ttl, ttl);
        let writer = Writer { store: &store, append_within, read_within };
        let found = writer.settle(&append(&first, "earlier")).await;
        assert!(matches!(found, Written::Lost(Lost::Fenced(_))), "{found:?}");
    }
}
