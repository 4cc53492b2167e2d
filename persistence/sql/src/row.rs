//! What the columns mean: from rows as tuples, in the order of the statements, to values.
//!
//! Shared by all dialects. A row that can't be what we wrote is `Error::Corrupt` and is named;
//! nothing here guesses.

use bytes::Bytes;
use weir_domain::{
    Code, Fingerprint, Item, ItemStatus, LogLine, Severity, SourceName, Stream, Timestamp,
};
use weir_persistence_api::item_rule::Past;
use weir_persistence_api::{
    Claim, Error, ItemRow, LeaseName, LeaseRow, Manifest, PersistenceId, Result, Snapshot,
    StoredEvent, TaggedEvent, Unfinished,
};

use crate::checksum;

/// Ordering, id, sequence, epoch, time, manifest, version, payload, checksum.
pub(crate) type EventColumns = (i64, String, i64, i64, i64, String, i64, Vec<u8>, i64);

/// Sequence, manifest, version, payload, checksum.
pub(crate) type SnapshotColumns = (i64, String, i64, Vec<u8>, i64);

/// Name, owner, epoch, expiry.
pub(crate) type LeaseColumns = (String, String, i64, i64);

/// Name, status, time of settlement, size, time of change.
pub(crate) type PastColumns = (String, String, Option<i64>, i64, i64);

/// Source, name, size, time of change, device, inode, status, stream, owner, times of claim and
/// settlement.
pub(crate) type ItemColumns =
    (String, String, i64, i64, i64, i64, String, String, String, i64, Option<i64>);

/// Claim, source, name, size, time of change, device, inode, stream, owner, status, settlement.
pub(crate) type UnfinishedColumns =
    (String, String, String, i64, i64, i64, i64, String, String, String, Vec<u8>);

/// Time, severity, code, text.
pub(crate) type LogColumns = (i64, Option<String>, i64, String);

pub(crate) fn tagged_event(columns: EventColumns) -> Result<TaggedEvent> {
    let (ordering, id, sequence, epoch, written_at, name, version, payload, sum) = columns;
    let what = || format!("event {sequence} of {id}");
    let stored = StoredEvent {
        id: PersistenceId(id.clone()),
        sequence: number(sequence, what)?,
        writer_epoch: number(epoch, what)?,
        written_at: Timestamp(written_at),
        manifest: Manifest { name, version: number(version, what)? },
        payload: Bytes::from(payload),
    };
    let expected = checksum::of(&stored.id, stored.sequence, &stored.manifest, &stored.payload);
    check_sum(expected, sum, what)?;
    Ok(TaggedEvent { offset: number(ordering, what)?, event: stored })
}

/// Refuses a page of the journal that has a hole, also one at its end.
pub(crate) fn check_contiguous(
    id: &PersistenceId,
    after: u64,
    (highest, deleted_to): (u64, u64),
    (page, limit): (&[StoredEvent], u32),
) -> Result<()> {
    let mut expected = after.max(deleted_to).saturating_add(1);
    for event in page {
        if event.sequence != expected {
            return Err(missing(id, expected));
        }
        expected += 1;
    }
    if page.len() < limit as usize && expected <= highest {
        return Err(missing(id, expected));
    }
    Ok(())
}

fn missing(id: &PersistenceId, sequence: u64) -> Error {
    corrupt(
        format!("event {sequence} of {id}"),
        "it was written and nobody deleted it, but its row is missing",
    )
}

pub(crate) fn snapshot(id: &PersistenceId, columns: SnapshotColumns) -> Result<Snapshot> {
    let (sequence, name, version, payload, sum) = columns;
    let what = || format!("the snapshot of {id} at sequence {sequence}");
    let snapshot = Snapshot {
        sequence: number(sequence, what)?,
        manifest: Manifest { name, version: number(version, what)? },
        payload: Bytes::from(payload),
    };
    let expected = checksum::of(id, snapshot.sequence, &snapshot.manifest, &snapshot.payload);
    check_sum(expected, sum, what)?;
    Ok(snapshot)
}

fn check_sum(expected: u32, stored: i64, what: impl FnOnce() -> String) -> Result<()> {
    if i64::from(expected) == stored {
        return Ok(());
    }
    Err(corrupt(what(), "its content does not match its checksum"))
}

pub(crate) fn lease(columns: LeaseColumns, now: Timestamp) -> Result<LeaseRow> {
    let (name, owner, epoch, expires_at) = columns;
    let epoch = number(epoch, || format!("the lease {name}"))?;
    let left = Timestamp(expires_at).since(now);
    Ok(LeaseRow { name: LeaseName(name), owner, epoch, left })
}

pub(crate) fn past(columns: PastColumns) -> Result<(String, Past)> {
    let (name, state, settled_at, size, modified_ns) = columns;
    let status = status(&state, || format!("the item {name}"))?;
    let is_settled = settled_at.is_some();
    Ok((name, Past { status, is_settled, size: size.cast_unsigned(), modified_ns }))
}

pub(crate) fn item(columns: ItemColumns) -> Result<ItemRow> {
    let (source, name, size, modified_ns, device, inode, state, stream, owner, claimed, settled) =
        columns;
    let what = || format!("the item {name} of {source}");
    Ok(ItemRow {
        fingerprint: fingerprint(size, modified_ns, device, inode),
        status: status(&state, what)?,
        stream: parsed(&stream, what)?,
        source: SourceName::stored(source.clone()),
        item: name.clone(),
        owner,
        claimed_at: Timestamp(claimed),
        settled_at: settled.map(Timestamp),
    })
}

pub(crate) fn unfinished(columns: UnfinishedColumns) -> Result<Unfinished> {
    let (claim, source, name, size, modified_ns, device, inode, stream, owner, state, settlement) =
        columns;
    let what = || format!("the item {name} of {source}");
    let claim = Claim {
        id: parsed(&claim, what)?,
        stream: parsed(&stream, what)?,
        source: SourceName::stored(source.clone()),
        item: Item {
            name: name.clone(),
            fingerprint: fingerprint(size, modified_ns, device, inode),
        },
    };
    let status = status(&state, what)?;
    Ok(Unfinished { claim, owner, status, settlement: Bytes::from(settlement) })
}

/// SQL has no unsigned numbers of 64 bits: they are stored bit by bit and only ever compared.
fn fingerprint(size: i64, modified_ns: i64, device: i64, inode: i64) -> Fingerprint {
    Fingerprint {
        size: size.cast_unsigned(),
        modified_ns,
        device: device.cast_unsigned(),
        inode: inode.cast_unsigned(),
    }
}

pub(crate) fn status(text: &str, what: impl FnOnce() -> String) -> Result<ItemStatus> {
    ItemStatus::stored(text)
        .ok_or_else(|| corrupt(what(), &format!("{text:?} is no status of an item")))
}

pub(crate) fn stream((id, body): (String, String)) -> Result<Stream> {
    serde_json::from_str(&body).map_err(|e| corrupt(format!("the stream {id}"), &e.to_string()))
}

pub(crate) fn severity_text(severity: Option<Severity>) -> Option<&'static str> {
    severity.map(|it| match it {
        Severity::Error => "error",
        Severity::Warning => "warning",
    })
}

pub(crate) fn log_line(columns: LogColumns) -> Result<LogLine> {
    let (at, severity, code, text) = columns;
    let what = || "a line of a stream's log".to_owned();
    let severity = match severity.as_deref() {
        None => None,
        Some("error") => Some(Severity::Error),
        Some("warning") => Some(Severity::Warning),
        Some(other) => return Err(corrupt(what(), &format!("{other:?} is no severity"))),
    };
    Ok(LogLine { at: Timestamp(at), severity, code: Code(number(code, what)?), text })
}

fn parsed<T>(text: &str, what: impl FnOnce() -> String) -> Result<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|e: T::Err| corrupt(what(), &format!("{text:?} is no id: {e}")))
}

/// A number that we wrote as unsigned.
pub(crate) fn number<T: TryFrom<i64>>(stored: i64, what: impl FnOnce() -> String) -> Result<T> {
    T::try_from(stored).map_err(|_| corrupt(what(), &format!("{stored} can't stand there")))
}

/// A number as a bound of a search: what is too large for SQL is larger than all that is stored.
pub(crate) fn bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn corrupt(what: String, reason: &str) -> Error {
    Error::Corrupt { what, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(sequences: &[u64]) -> Vec<StoredEvent> {
        let event = |&sequence| StoredEvent {
            id: PersistenceId("p".into()),
            sequence,
            writer_epoch: 1,
            written_at: Timestamp(1),
            manifest: Manifest { name: "n".into(), version: 1 },
            payload: Bytes::new(),
        };
        sequences.iter().map(event).collect()
    }

    #[test]
    fn a_hole_is_found_wherever_it_is() {
        let id = PersistenceId("p".into());
        let check = |after, head, sequences: &[u64]| {
            let answer = check_contiguous(&id, after, head, (&page(sequences), 3));
            answer.err().map(|it| match it {
                Error::Corrupt { what, .. } => what,
                other => panic!("{other}"),
            })
        };
        assert_eq!(check(0, (0, 0), &[]), None);
        assert_eq!(check(0, (5, 0), &[1, 2, 3]), None);
        assert_eq!(check(3, (5, 0), &[4, 5]), None);
        assert_eq!(check(0, (5, 3), &[4, 5]), None);
        assert_eq!(check(0, (5, 5), &[]), None);
        assert_eq!(check(u64::MAX, (5, 0), &[]), None);
        assert_eq!(check(0, (5, 0), &[2, 3, 4]).as_deref(), Some("event 1 of p"));
        assert_eq!(check(0, (5, 0), &[1, 3, 4]).as_deref(), Some("event 2 of p"));
        assert_eq!(check(3, (5, 0), &[4]).as_deref(), Some("event 5 of p"));
        assert_eq!(check(0, (5, 3), &[]).as_deref(), Some("event 4 of p"));
    }
}
