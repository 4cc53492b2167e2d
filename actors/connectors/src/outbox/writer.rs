//! Fills an outbox.

use bytes::Bytes;
use weir_domain::{Fault, StageId};
use weir_persistence_api::BlobKey;
use weir_stream::{STAGED_BYTES_MAX, Staging, StreamContext};

use super::{DAMAGED, Outbox, part};

/// Largest entry: one that is alone in its part.
pub(crate) const ENTRY_BYTES_MAX: usize = STAGED_BYTES_MAX - 4;

pub(crate) struct OutboxWriter {
    staging: Staging,
    parent: BlobKey,
    buffer: Vec<u8>,
    parts: u32,
    entries: u64,
    bytes: u64,
}

impl OutboxWriter {
    pub(crate) fn open(
        staging: &Staging,
        stream: &StreamContext,
        stage: &StageId,
    ) -> Result<Self, Fault> {
        let parent = Staging::of_segment(stream, stage)?;
        let staging = staging.clone();
        Ok(Self { staging, parent, buffer: Vec::new(), parts: 0, entries: 0, bytes: 0 })
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
        Ok(())
    }

    /// Everything is durable then. `None`: there is nothing to send.
    pub(crate) fn finish(mut self) -> Result<Option<Outbox>, Fault> {
        self.flush()?;
        let Self { parent, parts, entries, .. } = self;
        Ok((entries > 0).then_some(Outbox { parent, parts, entries }))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}
