//! Appends as rows: of the journal, and of the tags that readers find events by.

use std::collections::BTreeMap;

use weir_persistence_api::Append;

use super::dialect::{Dialect, EventRow};
use crate::checksum;
use crate::row::bound;

/// The rows of all appends, by lease: all writers lock leases in the same order. The first row
/// under a fence stands for the others: if it is refused, so is the statement.
pub(super) fn rows<'a>(appends: &[&'a Append]) -> Vec<EventRow<'a>> {
    let mut appends: Vec<&Append> = appends.to_vec();
    let key = |it: &'a Append| (&it.fence.lease, &it.fence.owner, it.fence.epoch);
    appends.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut rows = Vec::with_capacity(appends.iter().map(|it| it.events.len()).sum());
    let mut last = None;
    for append in appends {
        let Append { id, fence, after, events } = append;
        let mut lease = (last != Some(fence)).then_some(fence.lease.0.as_str());
        last = Some(fence);
        for (sequence, event) in (after + 1..).zip(events) {
            let content = (&event.manifest, &event.payload[..]);
            rows.push(EventRow {
                id: &id.0,
                sequence: bound(sequence),
                lease: lease.take(),
                writer: &fence.owner,
                epoch: bound(fence.epoch),
                manifest: &event.manifest.name,
                form: event.manifest.version.into(),
                payload: &event.payload,
                checksum: checksum::of_event(id, sequence, content, event.command).into(),
                command: event.command.map(|it| it.to_string()),
            });
        }
    }
    rows
}

/// The events of each tag: id and sequence, in the order of their places.
pub(super) type Tags<'a> = BTreeMap<&'a str, Vec<(&'a str, i64)>>;

pub(super) fn tags<'a>(appends: &[&'a Append]) -> Tags<'a> {
    let mut tags = Tags::new();
    for Append { id, after, events, .. } in appends {
        for (sequence, event) in (after + 1..).zip(events) {
            for tag in &event.tags {
                let of_tag = tags.entry(&tag.0).or_default();
                let place = (id.0.as_str(), bound(sequence));
                if of_tag.last() != Some(&place) {
                    of_tag.push(place);
                }
            }
        }
    }
    tags
}

/// Gives the events their places on the read side. Tags are locked in their order.
pub(super) async fn tag<D: Dialect>(
    connection: &mut D::Connection,
    tags: &Tags<'_>,
) -> sqlx::Result<()> {
    for (&tag, events) in tags {
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let values = [tag.into(), count.into()];
        let last = D::number(connection, D::STATEMENTS.event_tag_advance, &values).await?;
        let last = last.ok_or(sqlx::Error::RowNotFound)?;
        for (place, &(id, sequence)) in (last - count + 1..).zip(events) {
            let values = [tag.into(), place.into(), id.into(), sequence.into()];
            D::execute(connection, D::STATEMENTS.event_tag, &values).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use weir_persistence_api::{Fence, LeaseName, Manifest, NewEvent, PersistenceId, Tag};

    use super::*;

    fn append(id: &str, lease: &str, events: usize) -> Append {
        let event = NewEvent {
            manifest: Manifest { name: "n".into(), version: 1 },
            payload: Bytes::new(),
            tags: vec![Tag("t".into()), Tag("t".into())],
            command: None,
        };
        let fence = Fence { lease: LeaseName(lease.into()), owner: "o".into(), epoch: 1 };
        Append { id: PersistenceId(id.into()), fence, after: 4, events: vec![event; events] }
    }

    #[test]
    fn every_fence_is_read_once_and_in_the_order_of_leases() {
        let appends = [append("a", "y", 2), append("b", "x", 1), append("c", "y", 1)];
        let rows = rows(&appends.each_ref());
        let short: Vec<_> = rows.iter().map(|it| (it.id, it.sequence, it.lease)).collect();
        let expected = [("b", 5, Some("x")), ("a", 5, Some("y")), ("a", 6, None), ("c", 5, None)];
        assert_eq!(short, expected);
    }

    #[test]
    fn an_event_has_each_tag_once() {
        let appends = [append("a", "y", 2), append("b", "x", 1)];
        let tags = tags(&appends.each_ref());
        assert_eq!(tags["t"], [("a", 5), ("a", 6), ("b", 5)]);
    }
}
