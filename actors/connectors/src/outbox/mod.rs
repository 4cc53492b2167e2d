//! The outbox of a sink: what it is to send over a network, kept until it was sent.
//!
//! ```text
//! write ─► entries ─► blobs of the staging area ─ prepare ─► Send ─ publish ─► deliver ─► blobs removed
//!                                                            Discard ───────────────────► blobs removed
//! ```
//!
//! A sink whose other side can't keep what nobody may see yet writes here. What to send where is an
//! action, which is stored and run again after a crash; the other side tells by the outbox's identity
//! what it has already, where it can.
//!
//! Invariants:
//! - O1: entries are delivered in the order in which they were written.
//! - O2: blobs are removed only after all of them were delivered, or where nobody may see them. Whoever
//!   finds one missing was overtaken by another who delivered all.

mod delivery;
mod writer;

pub(crate) use delivery::{Deliver, Delivery, Outgoing, discarding};
pub(crate) use writer::{ENTRY_BYTES_MAX, OutboxWriter};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::Fault;
use weir_persistence_api::BlobKey;
use weir_stream::Staging;

/// What is there is not what was written.
const DAMAGED: u32 = 4300;

/// Where the entries of one attempt, or one segment, are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outbox {
    parent: BlobKey,
    parts: u32,
    pub(crate) entries: u64,
}

impl Outbox {
    /// The same for all who deliver it, and of no other outbox.
    pub(crate) fn id(&self) -> &str {
        self.parent.as_str()
    }

    /// The entries of one part after the other. `None` of a part: it was delivered by another.
    pub(crate) fn parts<'a>(
        &'a self,
        staging: &'a Staging,
    ) -> impl Iterator<Item = Result<Option<Vec<Bytes>>, Fault>> + 'a {
        (0..self.parts).map(|it| {
            let found = staging.get(&part(&self.parent, it)?)?;
            found.map(|content| split(&content)).transpose()
        })
    }
}

fn part(parent: &BlobKey, number: u32) -> Result<BlobKey, Fault> {
    let key = parent.below(format!("{number:06}"));
    key.map_err(|error| Fault::config(DAMAGED, error.to_string()))
}

/// Each entry has its length before it, in four bytes.
fn split(content: &Bytes) -> Result<Vec<Bytes>, Fault> {
    let (mut entries, mut rest) = (Vec::new(), content.clone());
    while !rest.is_empty() {
        let length = rest.first_chunk().map(|it| u32::from_le_bytes(*it) as usize);
        let end = length.and_then(|it| it.checked_add(4)).filter(|it| *it <= rest.len());
        let end = end.ok_or_else(|| Fault::config(DAMAGED, "what is to be sent is damaged"))?;
        entries.push(rest.slice(4..end));
        rest = rest.slice(end..);
    }
    Ok(entries)
}
