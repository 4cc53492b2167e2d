//! Fills an outbox.

use std::mem;

use bytes::Bytes;
use weir_domain::{Fault, StageId};
use weir_persistence_api::BlobKey;
use weir_stream::{STAGED_BYTES_MAX, Staging, StreamContext};

use super::{DAMAGED, Outbox, part};

/// Largest entry: one that is alone in its part.
pub(crate) const ENTRY_BYTES_MAX: usize = STAGED_BYTES_MAX - 4;

pub(crate) struct OutboxWriter {
    staging: Staging,
    /// Of the outbox that is being filled.
    parent: BlobKey,
    buffer: Vec<u8>,
    parts: u32,
    entries: u64,
    bytes: u64,
    cut: Option<Cut>,
    /// Those that are full.
    full: Vec<Outbox>,
}

/// Where one outbox after the other is, each of about so many bytes.
struct Cut {
    bytes_max: u64,
    parent: BlobKey,
    /// Bytes of all that are full.
    full: u64,
}

impl OutboxWriter {
    pub(crate) fn open(
        staging: &Staging,
        stream: &StreamContext,
        stage: &StageId,
    ) -> Result<Self, Fault> {
        let parent = Staging::of_segment(stream, stage)?;
        let staging = staging.clone();
        let (buffer, full) = (Vec::new(), Vec::new());
        Ok(Self { staging, parent, buffer, parts: 0, entries: 0, bytes: 0, cut: None, full })
    }

    /// As many outboxes as there are times so many bytes, for another side that takes no more at once:
    /// they are sent one after the other.
    pub(crate) fn cut_after(self, bytes_max: u64) -> Result<Self, Fault> {
        let cut = Cut { bytes_max, parent: self.parent, full: 0 };
        let parent = cut.at(0)?;
        Ok(Self { parent, cut: Some(cut), ..self })
    }

    /// Adds an entry of at most [`ENTRY_BYTES_MAX`].
    pub(crate) fn push(&mut self, entry: &[u8]) -> Result<(), Fault> {
        if entry.len() > ENTRY_BYTES_MAX {
            let message = format!("{} bytes can't be sent as one piece", entry.len());
            return Err(Fault::data(DAMAGED, message));
        }
        if self.buffer.len() + 4 + entry.len() > STAGED_BYTES_MAX {
            self.flush()?;
        }
        self.buffer.extend_from_slice(&(entry.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(entry);
        self.entries += 1;
        self.bytes += entry.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Fault> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let content = Bytes::from(std::mem::take(&mut self.buffer));
        self.staging.put(&part(&self.parent, self.parts)?, content)?;
        self.parts += 1;
        match &mut self.cut {
            Some(cut) if self.bytes - cut.full >= cut.bytes_max => {
                cut.full = self.bytes;
                let next = cut.at(self.full.len() + 1)?;
                self.close(next);
            }
            _ => {}
        }
        Ok(())
    }

    /// Goes on with the next outbox.
    fn close(&mut self, next: BlobKey) {
        let (parent, parts) = (mem::replace(&mut self.parent, next), mem::take(&mut self.parts));
        let entries = mem::take(&mut self.entries);
        if entries > 0 {
            self.full.push(Outbox { parent, parts, entries });
        }
    }

    /// Everything is durable then. None: there is nothing to send.
    pub(crate) fn finish(mut self) -> Result<Vec<Outbox>, Fault> {
        self.flush()?;
        let next = self.parent.clone();
        self.close(next);
        Ok(self.full)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Cut {
    fn at(&self, number: usize) -> Result<BlobKey, Fault> {
        part(&self.parent, u32::try_from(number).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use weir_domain::{InstanceId, StreamId, Timestamp, WorkflowName};
    use weir_persistence_api::MemoryBlobs;

    use super::*;

    fn stream() -> StreamContext {
        StreamContext {
            workflow: WorkflowName::new("orders").unwrap(),
            instance: InstanceId(1),
            stream: StreamId::first_at(Timestamp(0)),
            item: "a.csv".into(),
            segment: None,
            opened_at: Timestamp(0),
        }
    }

    fn read(outbox: &Outbox, staging: &Staging) -> Vec<Bytes> {
        outbox.parts(staging).flat_map(|it| it.unwrap().unwrap()).collect()
    }

    /// Staged blobs are kept by a store that is waited for.
    fn on_a_thread_that_may_block(work: impl FnOnce() + Send + 'static) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(runtime.spawn_blocking(work)).unwrap();
    }

    #[test]
    fn what_is_too_much_for_one_is_in_several_that_are_removed_one_after_the_other() {
        on_a_thread_that_may_block(|| {
            let staging = Staging::new(Arc::new(MemoryBlobs::default()));
            let stage = StageId::new("send").unwrap();
            let entry = |n: u8| vec![n; STAGED_BYTES_MAX / 3];
            let opened = OutboxWriter::open(&staging, &stream(), &stage).unwrap();
            let mut writer = opened.cut_after(STAGED_BYTES_MAX as u64).unwrap();
            (0..10).for_each(|it| writer.push(&entry(it)).unwrap());
            let all = writer.finish().unwrap();
            assert!(all.len() > 1, "{all:?}");
            assert_eq!(all.iter().map(|it| it.entries).sum::<u64>(), 10);
            let mut next = 0;
            for outbox in &all {
                for found in read(outbox, &staging) {
                    assert_eq!(found, entry(next));
                    next += 1;
                }
                staging.discard(&outbox.parent).unwrap();
                assert!(outbox.parts(&staging).all(|it| it.unwrap().is_none()));
            }
            assert_eq!(next, 10);
        });
    }

    #[test]
    fn nothing_makes_no_outbox() {
        on_a_thread_that_may_block(|| {
            let staging = Staging::new(Arc::new(MemoryBlobs::default()));
            let stage = StageId::new("send").unwrap();
            let open = || OutboxWriter::open(&staging, &stream(), &stage).unwrap();
            assert_eq!(open().finish().unwrap(), []);
            assert_eq!(open().cut_after(1).unwrap().finish().unwrap(), []);
        });
    }
}
