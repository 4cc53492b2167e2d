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
            Err(error) => return unknown(&error),
        }
        let again = self.append(append).await;
        match again {
            Err(error) if error.is_transient() => Written::Unknown(error.to_string()),
            // Perhaps it was the first attempt that came in between.
            conflicted @ Err(Error::Conflict { .. }) => match self.look(append).await {
                Ok(Found::Ours) => Written::Durable,
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
            _ => Found::Others,
        })
    }

    fn verdict(&self, append: &Append, result: Result<u64, Error>) -> Written {
        match result {
            Ok(highest) if highest == append.after + append.events.len() as u64 => Written::Durable,
            Ok(_) => conflict(append, None),
            Err(Error::Conflict { actual, .. }) => conflict(append, Some(actual)),
            Err(error @ Error::Fenced { .. }) => {
                let fault =
                    Fault::new(weir_domain::FaultKind::Stopped, code::FENCED.0, error.to_string());
                Written::Lost(Lost::Fenced(
                    fault.with_hint("another engine is the writer now; ask there"),
                ))
            }
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
