//! What the columns mean: from rows as tuples, in the order of the statements, to values.
//!
//! Shared by all dialects. A row that can't be what we wrote is `Error::Corrupt` and is named;
//! nothing here guesses.

use bytes::Bytes;
use weir_domain::{
    Code, Fingerprint, InstanceId, Item, ItemStatus, LogLine, Member, NodeName, Severity,
    SourceName, Stream, Timestamp,
};
use weir_persistence_api::item_rule::Past;
use weir_persistence_api::{
    Claim, ClusterIdentity, Error, ItemRow, LeaseName, LeaseRow, Manifest, Members, PersistenceId,
    Result, Snapshot, StoredEvent, Sweep, TaggedEvent, Unfinished, log_rule,
};

use crate::{checksum, said};

/// Offset, id, sequence, epoch, time, manifest, version, payload, checksum, command.
pub(crate) type EventColumns =
    (i64, String, i64, i64, i64, String, i64, Vec<u8>, i64, Option<String>);

/// Sequence, manifest, version, payload, checksum.
pub(crate) type SnapshotColumns = (i64, String, i64, Vec<u8>, i64);

/// Name, owner, epoch, expiry, pin.
pub(crate) type LeaseColumns = (String, String, i64, i64, Option<String>);

/// The version of the list, and uid and body of a member.
pub(crate) type MemberColumns = (i64, Option<String>, Option<String>);

/// Name, status, time of settlement, size, time of change, time of clearance.
pub(crate) type PastColumns<N = String> = (N, String, Option<i64>, i64, i64, Option<i64>);

/// The last claim, and then as above.
pub(crate) type SeenColumns<N = String> = (String, N, String, Option<i64>, i64, i64, Option<i64>);

/// Source, name, size, time of change, device, inode, status, stream, owner, times of claim and
/// settlement, instance, time of clearance, claim.
pub(crate) type ItemColumns<N = String> = (
    String,
    N,
    i64,
    i64,
    i64,
    i64,
    String,
    String,
    String,
    i64,
    Option<i64>,
    i64,
    Option<i64>,
    String,
);

/// Claim, source, name, size, time of change, device, inode, stream, owner, status, settlement.
pub(crate) type UnfinishedColumns<N = String> =
    (String, String, N, i64, i64, i64, i64, String, String, String, Vec<u8>);

/// Time, severity, code, text.
pub(crate) type LogColumns = (i64, Option<String>, i64, String);

/// A week: so long is a sweep known under its id.
const SWEEPS_KEPT_MS: i64 = 7 * 24 * 3_600 * 1_000;

/// An item's name as a dialect stores it: as text, or as bytes where its text can't hold every
/// name.
pub(crate) trait StoredName {
    fn text(self) -> Result<String>;
}

impl StoredName for String {
    fn text(self) -> Result<String> {
        Ok(self)
    }
}

impl StoredName for Vec<u8> {
    fn text(self) -> Result<String> {
        let damaged = |e: std::string::FromUtf8Error| {
            let shown = String::from_utf8_lossy(e.as_bytes()).into_owned();
            corrupt(format!("the name {shown:?} of an item"), "it is not UTF-8")
        };
        String::from_utf8(self).map_err(damaged)
    }
}

pub(crate) fn tagged_event(columns: EventColumns) -> Result<TaggedEvent> {
    let (offset, id, sequence, epoch, written_at, name, version, payload, sum, command) = columns;
    let what = || format!("event {sequence} of {id}");
    let stored = StoredEvent {
        id: PersistenceId(id.clone()),
        sequence: number(sequence, what)?,
        writer_epoch: number(epoch, what)?,
        written_at: Timestamp(written_at),
        manifest: Manifest { name, version: number(version, what)? },
        payload: Bytes::from(payload),
        command: command.map(|it| parsed(&it, what)).transpose()?,
    };
    let content = (&stored.manifest, &stored.payload[..]);
    let expected = checksum::of_event(&stored.id, stored.sequence, content, stored.command);
    check_sum(expected, sum, what)?;
    Ok(TaggedEvent { offset: number(offset, what)?, event: stored })
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
    let (name, owner, epoch, expires_at, pinned) = columns;
    let what = || format!("the lease {name}");
    let epoch = number(epoch, what)?;
    let pinned = pinned.and_then(|it| pin(&name, &it));
    let left = Timestamp(expires_at).since(now);
    Ok(LeaseRow { name: LeaseName(name), owner, epoch, left, pinned })
}

/// Where a lease is wanted. Somebody who wrote nonsense there by hand must not take the list of all
/// leases from those who watch it.
fn pin(lease: &str, stored: &str) -> Option<NodeName> {
    let parsed = stored.parse();
    if let Err(error) = &parsed
        && said::is_new(&format!("pin of {lease}: {stored}"))
    {
        tracing::warn!(
            code = %Code(5003), lease, %error,
            "the lease is pinned to {stored:?}, which is no name of a node: the pin is ignored: \
             pin the lease again, or take the pin away"
        );
    }
    parsed.ok()
}

pub(crate) fn identity((id, name): (String, String)) -> Result<ClusterIdentity> {
    let what = || "the identity of the cluster".to_owned();
    Ok(ClusterIdentity { id: parsed(&id, what)?, name: parsed(&name, what)? })
}

pub(crate) fn members(rows: Vec<MemberColumns>) -> Result<Members> {
    let what = || "the list of members".to_owned();
    let version = rows.first().map_or(Ok(0), |it| number(it.0, what))?;
    let members = rows.into_iter().filter_map(|(_, uid, body)| Some((uid?, body?)));
    let members: Result<_> = members.map(member).collect();
    Ok(Members { version, members: members? })
}

fn member((uid, body): (String, String)) -> Result<Member> {
    serde_json::from_str(&body).map_err(|e| corrupt(format!("the member {uid}"), &e.to_string()))
}

pub(crate) fn member_body(member: &Member) -> Result<String> {
    serde_json::to_string(member)
        .map_err(|e| Error::Rejected(format!("{} can't be written as JSON: {e}", member.node)))
}

pub(crate) fn past<N: StoredName>(columns: PastColumns<N>) -> Result<(String, Past)> {
    let (name, state, settled_at, size, modified_ns, cleared_at) = columns;
    let name = name.text()?;
    let status = status(&state, || format!("the item {name}"))?;
    let past = Past {
        status,
        is_settled: settled_at.is_some(),
        size: size.cast_unsigned(),
        modified_ns,
        is_cleared: cleared_at.is_some(),
    };
    Ok((name, past))
}

/// An item's name, its past, and the claim that it comes from.
pub(crate) fn seen<N: StoredName>(columns: SeenColumns<N>) -> Result<(String, (Past, String))> {
    let (claim, name, state, settled_at, size, modified_ns, cleared_at) = columns;
    let (name, past) = past((name, state, settled_at, size, modified_ns, cleared_at))?;
    Ok((name, (past, claim)))
}

pub(crate) fn item<N: StoredName>(columns: ItemColumns<N>) -> Result<ItemRow> {
    #[rustfmt::skip]
    let (
        source, name, size, modified_ns, device, inode, state, stream, owner, claimed, settled,
        instance, cleared, claim,
    ) = columns;
    let name = name.text()?;
    let what = || format!("the item {name} of {source}");
    let stream = Some(stream).filter(|it| !it.is_empty());
    let instance: u64 = number(instance, what)?;
    Ok(ItemRow {
        fingerprint: fingerprint(size, modified_ns, device, inode),
        status: status(&state, what)?,
        stream: stream.map(|it| parsed(&it, what)).transpose()?,
        instance: Some(InstanceId(instance)).filter(|it| it.0 > 0),
        source: SourceName::stored(source.clone()),
        item: name.clone(),
        owner,
        claimed_at: Timestamp(claimed),
        settled_at: settled.map(Timestamp),
        cleared_at: cleared.map(Timestamp),
        claim,
    })
}

pub(crate) fn sweep((id, body): (String, String)) -> Result<Sweep> {
    serde_json::from_str(&body).map_err(|e| corrupt(format!("the sweep {id}"), &e.to_string()))
}

pub(crate) fn sweep_body(sweep: &Sweep) -> Result<String> {
    let id = sweep.id;
    serde_json::to_string(sweep)
        .map_err(|e| Error::Rejected(format!("the sweep {id} can't be written as JSON: {e}")))
}

/// What becomes of the items of a step, in the sweep's counts.
pub(crate) fn count_swept(sweep: &mut Sweep, wanted: usize, changed: u64) {
    sweep.changed += changed;
    sweep.kept += (wanted as u64).saturating_sub(changed);
}

/// Sweeps that ended before are forgotten when another one begins.
pub(crate) fn forgotten_before(sweep: &Sweep) -> i64 {
    sweep.begun_at.0.saturating_sub(SWEEPS_KEPT_MS)
}

/// The latest time of a walk; the time of which only names before the name are meant; that name.
pub(crate) fn latest((until, before): (Timestamp, Option<String>)) -> (i64, i64, String) {
    match before {
        Some(name) => (until.0, until.0, name),
        None => (until.0, until.0.saturating_add(1), String::new()),
    }
}

/// A step was not taken: another one was before.
pub(crate) fn swept_elsewhere(sweep: &Sweep) -> Error {
    Error::Rejected(format!("the sweep {} went on elsewhere", sweep.id))
}

pub(crate) fn unfinished<N: StoredName>(columns: UnfinishedColumns<N>) -> Result<Unfinished> {
    let (claim, source, name, size, modified_ns, device, inode, stream, owner, state, settlement) =
        columns;
    let name = name.text()?;
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

/// What stands for these lines of a stream's log, each with its place, code and beginning, and at
/// whose place: the last one's. With how many are left out; `None`: there is nothing to leave out.
pub(crate) fn left_out(oldest: &[(i64, i64, String)]) -> Result<Option<(Code, String, i64, u64)>> {
    let what = || "a line of a stream's log".to_owned();
    let mut lines = Vec::with_capacity(oldest.len());
    for (_, code, text) in oldest {
        lines.push((Code(number(*code, what)?), text.as_str()));
    }
    let (code, text, now) = log_rule::left_out(lines);
    let last = oldest.last().filter(|_| now > 0);
    Ok(last.map(|(place, ..)| (code, text, *place, now)))
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
            command: None,
        };
        sequences.iter().map(event).collect()
    }

    #[test]
    fn a_pin_that_is_no_name_is_ignored() {
        let pinned = |to: &str| {
            let columns = ("l".to_owned(), "a".to_owned(), 1, 5, Some(to.to_owned()));
            lease(columns, Timestamp(1)).unwrap().pinned
        };
        assert_eq!(pinned("node-1"), "node-1".parse().ok());
        assert_eq!(pinned("no name of a node"), None);
        assert_eq!(pinned(""), None);
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
