//! Which records go into which request: the same whenever they are sent.

use bytes::Bytes;
use weir_domain::Fault;

use super::deliver::Target;
use crate::messages::Message;

/// Records that go together.
pub(super) struct Batch {
    /// Of the first record in its outbox, from 0.
    pub(super) number: u64,
    pub(super) bodies: Vec<Bytes>,
    /// Of the only record, where there is but one.
    pub(super) headers: Vec<(String, Bytes)>,
}

/// Cuts the entries of a part. A request has records of one part only.
pub(super) fn cut(target: &Target, entries: &[Bytes], first: u64) -> Result<Vec<Batch>, Fault> {
    let (mut batches, mut bytes) = (Vec::<Batch>::new(), 0);
    for (number, entry) in (first..).zip(entries) {
        let Message { body, headers, .. } = Message::from_bytes(entry)?;
        // Between two records is one byte, around all of them two.
        let length = body.len() + 1;
        let has_room = |it: &&mut Batch| {
            it.bodies.len() < target.records_max() && bytes + length + 2 <= target.max_body
        };
        match batches.last_mut().filter(has_room) {
            Some(batch) => {
                bytes += length;
                batch.bodies.push(body);
            }
            None => {
                bytes = length;
                batches.push(Batch { number, bodies: vec![body], headers });
            }
        }
    }
    Ok(batches)
}
