//! The journal in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use weir_domain::Timestamp;

use super::MemoryStore;
use crate::{Append, Error, Fence, Journal, PersistenceId, Result, StoredEvent, Tag, TaggedEvent};

#[derive(Default)]
pub(super) struct Journals {
    logs: BTreeMap<PersistenceId, Log>,
    /// Where the event with that tag and offset stands.
    tags: BTreeMap<(Tag, u64), (PersistenceId, u64)>,
    last_offset: u64,
}

#[derive(Default)]
struct Log {
    /// Also counts what was deleted.
    highest: u64,
    events: BTreeMap<u64, StoredEvent>,
}

impl Journals {
    pub(super) fn highest(&self, id: &PersistenceId) -> u64 {
        self.logs.get(id).map_or(0, |it| it.highest)
    }

    fn append(&mut self, append: Append, written_at: Timestamp) -> Result<u64> {
        let Append { id, fence, after, events } = append;
        let actual = self.highest(&id);
        if actual != after {
            return Err(Error::Conflict { id, expected: after, actual });
        }
        let log = self.logs.entry(id.clone()).or_default();
        for event in events {
            log.highest += 1;
            self.last_offset += 1;
            let sequence = log.highest;
            for tag in event.tags {
                self.tags.insert((tag, self.last_offset), (id.clone(), sequence));
            }
            let stored = StoredEvent {
                id: id.clone(),
                sequence,
                writer_epoch: fence.epoch,
                written_at,
                manifest: event.manifest,
                payload: event.payload,
                command: event.command,
            };
            log.events.insert(sequence, stored);
        }
        Ok(log.highest)
    }

    fn delete_to(&mut self, id: &PersistenceId, sequence: u64) {
        if let Some(log) = self.logs.get_mut(id) {
            log.events.retain(|number, _| *number > sequence);
        }
        self.tags.retain(|_, (of, number)| of != id || *number > sequence);
    }

    /// Forgets the events after that one, as a replica that is behind never had them.
    pub(super) fn lose_after(&mut self, id: &PersistenceId, sequence: u64) {
        if let Some(log) = self.logs.get_mut(id) {
            log.highest = log.highest.min(sequence);
            log.events.retain(|number, _| *number <= sequence);
        }
        self.tags.retain(|_, (of, number)| of != id || *number <= sequence);
    }

    fn tagged(&self, tag: &Tag, after: u64) -> impl Iterator<Item = TaggedEvent> {
        let from = Bound::Excluded((tag.clone(), after));
        let to = Bound::Included((tag.clone(), u64::MAX));
        self.tags.range((from, to)).filter_map(|((_, offset), (id, sequence))| {
            let event = self.logs.get(id)?.events.get(sequence)?;
            Some(TaggedEvent { offset: *offset, event: event.clone() })
        })
    }
}

#[async_trait]
impl Journal for MemoryStore {
    async fn append(&self, append: Append) -> Result<u64> {
        let now = self.clock.now();
        self.write(|state| {
            state.leases.check(&append.fence)?;
            state.journals.append(append, now)
        })
        .await
    }

    async fn replay(&self, id: &PersistenceId, after: u64, limit: u32) -> Result<Vec<StoredEvent>> {
        self.read(|state| {
            let Some(log) = state.journals.logs.get(id) else { return Ok(Vec::new()) };
            let later = log.events.range((Bound::Excluded(after), Bound::Unbounded));
            let checked = |(sequence, event): (&u64, &StoredEvent)| {
                self.faults.check_event(id, *sequence)?;
                Ok(event.clone())
            };
            later.take(limit as usize).map(checked).collect()
        })
        .await
    }

    async fn highest(&self, id: &PersistenceId) -> Result<u64> {
        self.read(|state| Ok(state.journals.highest(id))).await
    }

    async fn delete_to(&self, id: &PersistenceId, fence: &Fence, sequence: u64) -> Result<()> {
        self.write(|state| {
            state.leases.check(fence)?;
            state.journals.delete_to(id, sequence);
            Ok(())
        })
        .await
    }

    async fn tagged(&self, tag: &Tag, after_offset: u64, limit: u32) -> Result<Vec<TaggedEvent>> {
        self.read(|state| {
            let checked = |it: TaggedEvent| {
                self.faults.check_event(&it.event.id, it.event.sequence)?;
                Ok(it)
            };
            let found = state.journals.tagged(tag, after_offset);
            found.take(limit as usize).map(checked).collect()
        })
        .await
    }
}
