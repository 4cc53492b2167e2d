//! The one who writes: an actor that appends one entry after the other, and remembers the end of
//! the chain.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use serde::Deserialize;
use weir_domain::{AuditAction, AuditEntry, AuditHash, AuditHead, CommandId};
use weir_persistence_api::{
    Append, Error, Fence, Manifest, NewEvent, PersistenceId, Store, StoredEvent,
};
use weir_runtime::{Envelope, Reply, System};

use super::chain::{line, next, sealed};
use super::{LEASE, SEAL};

/// Requests that are known to be recorded: one that is sent again comes soon.
const REMEMBERED: u32 = 1_000;
/// The name and version of the form of entries.
const FORM: (&str, u32) = ("audit.entry", 1);

/// What it is asked, with the place for its answer.
#[derive(Debug)]
pub(super) enum Ask {
    Record(Box<AuditAction>, CommandId, Reply<Result<AuditHead, Error>>),
    /// Drops entries up to this one, after it recorded that.
    Seal(u64, Box<AuditAction>, CommandId, Reply<Result<AuditHead, Error>>),
}

#[derive(Clone)]
pub(super) struct Recorder {
    pub(super) system: System,
    pub(super) store: Arc<dyn Store>,
    pub(super) fence: Fence,
}

/// The end of the chain as it was last seen.
#[derive(Default)]
pub(super) struct Tail {
    head: Option<AuditHead>,
    recorded: VecDeque<(CommandId, AuditHead)>,
}

pub(super) fn journal() -> PersistenceId {
    PersistenceId(LEASE.to_owned())
}

impl Recorder {
    /// Reads the end of the chain, unless it is known.
    async fn head(&self, tail: &mut Tail) -> Result<AuditHead, Error> {
        if let Some(head) = tail.head {
            return Ok(head);
        }
        let highest = self.store.highest(&journal()).await?;
        let after = highest.saturating_sub(REMEMBERED.into());
        let events = self.store.replay(&journal(), after, REMEMBERED).await?;
        let mut head = AuditHead::EMPTY;
        tail.recorded.clear();
        for event in &events {
            let entry = linked(event)?;
            head = AuditHead { sequence: entry.sequence, hash: entry.hash };
            tail.recorded.extend(event.command.map(|it| (it, head)));
        }
        if head.sequence != highest {
            let reason = format!("it ends with {} and should with {highest}", head.sequence);
            return Err(Error::Corrupt { what: "the audit".into(), reason });
        }
        tail.head = Some(head);
        Ok(head)
    }

    async fn record(
        &self,
        tail: &mut Tail,
        action: AuditAction,
        command: CommandId,
    ) -> Result<AuditHead, Error> {
        let head = self.head(tail).await?;
        if let Some((_, known)) = tail.recorded.iter().find(|it| it.0 == command) {
            return Ok(*known);
        }
        let entry = next(head, action);
        let appended = self.append(&entry, command).await;
        // After an error nobody knows where the chain ends: it is read before the next entry.
        tail.head = None;
        appended?;
        let head = AuditHead { sequence: entry.sequence, hash: entry.hash };
        tail.head = Some(head);
        tail.recorded.push_back((command, head));
        if tail.recorded.len() > REMEMBERED as usize {
            tail.recorded.pop_front();
        }
        Ok(head)
    }

    async fn append(&self, entry: &AuditEntry, command: CommandId) -> Result<u64, Error> {
        let event = NewEvent {
            manifest: Manifest { name: FORM.0.into(), version: FORM.1 },
            payload: Bytes::from(line(entry)),
            tags: vec![],
            command: Some(command),
        };
        let after = entry.sequence - 1;
        let (id, fence) = (journal(), self.fence.clone());
        self.store.append(Append { id, fence, after, events: vec![event] }).await
    }

    async fn seal(
        &self,
        tail: &mut Tail,
        through: u64,
        mut action: AuditAction,
        command: CommandId,
    ) -> Result<AuditHead, Error> {
        let last = self.head(tail).await?.sequence;
        let is_repeated = tail.recorded.iter().any(|it| it.0 == command);
        if !is_repeated {
            if through == 0 || through > last {
                return Err(Error::Rejected(format!(
                    "entries up to {through} can't be dropped: there are entries up to {last}"
                )));
            }
            let found = self.store.replay(&journal(), through - 1, 1).await?;
            let entry = found.first().map(linked).transpose()?;
            let Some(entry) = entry.filter(|it| it.sequence == through) else {
                return Err(Error::Rejected(format!("entries up to {through} are gone already")));
            };
            let gone = AuditHead { sequence: entry.sequence, hash: entry.hash };
            SEAL.clone_into(&mut action.action);
            action.after = Some(sealed(gone));
        }
        let head = self.record(tail, action, command).await?;
        self.drop_to(through);
        Ok(head)
    }

    /// Aside: it may take long, and others have something to record meanwhile. What is left of it
    /// when it fails goes with the next seal.
    fn drop_to(&self, through: u64) {
        let Self { system: _, store, fence } = self.clone();
        self.system.tasks().spawn("audit/drop", async move {
            if let Err(error) = store.delete_to(&journal(), &fence, through).await {
                tracing::warn!(code = "WEIR-06146", %error, through, "sealed entries are not all deleted");
            }
        });
    }
}

/// What of an entry the chain is made of. An entry of a newer version is continued from, too.
#[derive(Deserialize)]
struct AuditLink {
    sequence: u64,
    hash: AuditHash,
}

fn linked(event: &StoredEvent) -> Result<AuditLink, Error> {
    serde_json::from_slice(&event.payload).map_err(|error| Error::Corrupt {
        what: format!("entry {} of the audit", event.sequence),
        reason: error.to_string(),
    })
}

impl Actor for Recorder {
    type Msg = Envelope<Ask>;
    type State = Tail;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<Tail, ActorProcessingErr> {
        Ok(Tail::default())
    }

    /// One after the other: each entry needs the hash of the one before. Nobody waits for it but
    /// those who want to record something themselves.
    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        tail: &mut Tail,
    ) -> Result<(), ActorProcessingErr> {
        match message.open() {
            Ask::Record(action, command, reply) => {
                reply.send(self.record(tail, *action, command).await);
            }
            Ask::Seal(through, action, command, reply) => {
                reply.send(self.seal(tail, through, *action, command).await);
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        _: SupervisionEvent,
        _: &mut Tail,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
