//! What may become of an item: the decisions that every item store takes, as pure functions.
//!
//! A store reads the row, asks here, and writes in the same transaction. It adds nothing of its
//! own, so that all back ends agree to the letter.
//!
//! Invariants:
//! - R1: an item is free only when no claim on it owes anything: a failed one whose settlement
//!   is still owed is held like an acquired one.
//! - R2: what was decided stays decided; deciding the same again changes nothing.

use weir_domain::{Digest, Fingerprint, ItemStatus, Reprocess, SourceName};

use crate::{Adoption, ClaimRequest, Error, ItemChange, ItemRow, Result, Settlement, Unfinished};

/// Longest name of an item, in bytes: with its source it is a key, which no server takes longer.
pub const NAME_BYTES_MAX: usize = 2_000;

/// Whether an item's name can be stored everywhere. One that can't is never claimed.
pub fn is_storable(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
}

/// What is stored of an item that was claimed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    pub status: ItemStatus,
    /// Whether the claim has ended: nothing is owed any more.
    pub is_settled: bool,
    /// Size and time of change at the last claim.
    pub size: u64,
    pub modified_ns: i64,
    /// Whether an operator gave it clearance.
    pub is_cleared: bool,
}

impl From<&ItemRow> for Past {
    fn from(row: &ItemRow) -> Self {
        Self {
            status: row.status,
            is_settled: row.settled_at.is_some(),
            size: row.fingerprint.size,
            modified_ns: row.fingerprint.modified_ns,
            is_cleared: row.cleared_at.is_some(),
        }
    }
}

impl Past {
    fn is_changed(&self, found: &Fingerprint) -> bool {
        (self.size, self.modified_ns) != (found.size, found.modified_ns)
    }
}

/// What becomes of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may be claimed.
    Claim,
    /// It has to wait for clearance from now on.
    Ask,
    /// It is not for the taking.
    No,
}

/// What a decision asks of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Write,
    /// The row says so already.
    Keep,
}

/// What becomes of an item with this past, as it was found now. What was cleared and failed is not
/// asked for again while it is the same; what waits is free once its source asks for no clearance.
pub fn admit(past: Option<&Past>, found: &Fingerprint, request: &ClaimRequest) -> Admission {
    let asked = || if request.clearance { Admission::Ask } else { Admission::Claim };
    let Some(past) = past else { return asked() };
    match past.status {
        ItemStatus::Acquired | ItemStatus::Committing | ItemStatus::Denied => Admission::No,
        ItemStatus::Waiting if request.clearance => Admission::No,
        ItemStatus::Released | ItemStatus::Pending | ItemStatus::Waiting => Admission::Claim,
        ItemStatus::Done | ItemStatus::Failed if !past.is_settled => Admission::No,
        ItemStatus::Done | ItemStatus::Failed if !is_due(past, found, request.reprocess) => {
            Admission::No
        }
        ItemStatus::Failed if past.is_cleared && !past.is_changed(found) => Admission::Claim,
        ItemStatus::Done | ItemStatus::Failed => asked(),
    }
}

fn is_due(past: &Past, found: &Fingerprint, reprocess: Reprocess) -> bool {
    match reprocess {
        Reprocess::Never => false,
        Reprocess::Always => true,
        Reprocess::WhenChanged => past.is_changed(found),
    }
}

/// What stands for the claim of an item that was never claimed: no claim has such an id.
pub fn unclaimed(source: &SourceName, name: &str) -> String {
    let key = format!("{}\0{name}", source.as_str());
    format!("{:.36}", Digest::of(key.as_bytes()))
}

/// Whether an item in this state is changed by a sweep.
pub fn is_swept(status: ItemStatus, is_settled: bool, change: ItemChange) -> bool {
    match change {
        ItemChange::Forget => is_settled,
        ItemChange::Clear | ItemChange::Deny => status == ItemStatus::Waiting,
    }
}

/// Whether a claim that is asked for again under its own id still stands: it was granted, and the
/// answer was lost on its way.
pub fn claim_again(status: ItemStatus) -> Result<()> {
    if status == ItemStatus::Acquired { Ok(()) } else { Err(Error::ClaimLost) }
}

pub fn commit(status: ItemStatus) -> Result<Step> {
    match status {
        ItemStatus::Acquired => Ok(Step::Write),
        ItemStatus::Committing | ItemStatus::Done => Ok(Step::Keep),
        ItemStatus::Failed
        | ItemStatus::Released
        | ItemStatus::Waiting
        | ItemStatus::Pending
        | ItemStatus::Denied => Err(Error::ClaimLost),
    }
}

pub fn fail(status: ItemStatus) -> Result<Step> {
    match status {
        ItemStatus::Acquired => Ok(Step::Write),
        ItemStatus::Failed => Ok(Step::Keep),
        ItemStatus::Committing
        | ItemStatus::Done
        | ItemStatus::Released
        | ItemStatus::Waiting
        | ItemStatus::Pending
        | ItemStatus::Denied => Err(Error::ClaimLost),
    }
}

pub fn settle(status: ItemStatus, is_settled: bool, settlement: Settlement) -> Result<Step> {
    use ItemStatus::{Acquired, Committing, Failed};
    if is_settled && status == settled_as(settlement) {
        return Ok(Step::Keep);
    }
    match (settlement, status) {
        (Settlement::Done, Committing)
        | (Settlement::Failed, Acquired)
        | (Settlement::Released, Acquired) => Ok(Step::Write),
        (Settlement::Failed, Failed) => Ok(Step::Write),
        (Settlement::Done | Settlement::Failed | Settlement::Released, _) => Err(Error::ClaimLost),
    }
}

/// Whether an unfinished claim, found by its old id or by its new one, goes to the new owner.
/// `None`: it is not for the taking.
pub fn adopt(adoption: &Adoption, held: &Unfinished) -> Option<Step> {
    let is_done = held.claim.id == adoption.new_claim && held.owner == adoption.owner;
    let is_due = held.claim.id == adoption.claim && held.owner == adoption.from;
    match (is_done, is_due) {
        (true, _) => Some(Step::Keep),
        (false, true) => Some(Step::Write),
        (false, false) => None,
    }
}

/// The status of an item whose claim ended so.
pub fn settled_as(settlement: Settlement) -> ItemStatus {
    match settlement {
        Settlement::Done => ItemStatus::Done,
        Settlement::Failed => ItemStatus::Failed,
        Settlement::Released => ItemStatus::Released,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ItemStatus; 8] = [
        ItemStatus::Acquired,
        ItemStatus::Committing,
        ItemStatus::Done,
        ItemStatus::Failed,
        ItemStatus::Released,
        ItemStatus::Waiting,
        ItemStatus::Pending,
        ItemStatus::Denied,
    ];

    /// The answers for all of them: `w`rite, `k`eep, `-` refused.
    fn answers(decide: impl Fn(ItemStatus) -> Result<Step>) -> String {
        let letter = |answer| match answer {
            Ok(Step::Write) => 'w',
            Ok(Step::Keep) => 'k',
            Err(_) => '-',
        };
        ALL.map(|status| letter(decide(status))).iter().collect()
    }

    #[test]
    fn every_transition_is_written_kept_or_refused() {
        assert_eq!(answers(commit), "wkk-----");
        assert_eq!(answers(fail), "w--k----");
        let settled = |status| !matches!(status, ItemStatus::Acquired | ItemStatus::Committing);
        let settle_as = |to| answers(|status| settle(status, settled(status), to));
        assert_eq!(settle_as(Settlement::Done), "-wk-----");
        assert_eq!(settle_as(Settlement::Failed), "w--k----");
        assert_eq!(settle_as(Settlement::Released), "w---k---");
        assert_eq!(settle(ItemStatus::Failed, false, Settlement::Failed), Ok(Step::Write));
    }

    fn request(reprocess: Reprocess, clearance: bool) -> ClaimRequest {
        let id = "00000000000000000000000000000001";
        ClaimRequest {
            source: SourceName::stored("w/in"),
            candidates: vec![],
            reprocess,
            claim: id.parse().unwrap(),
            stream: id.parse().unwrap(),
            owner: "a".into(),
            now: weir_domain::Timestamp(1),
            settlement: Default::default(),
            clearance,
            instance: None,
            interval: None,
            lists_more: false,
        }
    }

    fn past(status: ItemStatus, is_settled: bool) -> Past {
        Past { status, is_settled, size: 5, modified_ns: 7, is_cleared: false }
    }

    fn found(size: u64, modified_ns: i64, inode: u64) -> Fingerprint {
        Fingerprint { size, modified_ns, device: 0, inode }
    }

    #[test]
    fn what_owes_something_is_not_free() {
        let always = request(Reprocess::Always, false);
        for status in [ItemStatus::Acquired, ItemStatus::Committing, ItemStatus::Failed] {
            assert_eq!(admit(Some(&past(status, false)), &found(5, 7, 0), &always), Admission::No);
        }
        let never = request(Reprocess::Never, false);
        let released = past(ItemStatus::Released, true);
        assert_eq!(admit(Some(&released), &found(5, 7, 0), &never), Admission::Claim);
        assert_eq!(admit(None, &found(5, 7, 0), &never), Admission::Claim);
    }

    #[test]
    fn changed_means_size_or_time_and_nothing_else() {
        let when_changed = request(Reprocess::WhenChanged, false);
        let past = past(ItemStatus::Done, true);
        let changed = |it| admit(Some(&past), &it, &when_changed) == Admission::Claim;
        assert!(!changed(found(5, 7, 99)));
        assert!(changed(found(6, 7, 0)));
        assert!(changed(found(5, 8, 0)));
    }

    #[test]
    fn clearance_is_asked_for_what_is_new_and_not_twice_after_a_rollback() {
        let asks = |reprocess| request(reprocess, true);
        let (same, other) = (found(5, 7, 0), found(6, 7, 0));
        let always = asks(Reprocess::Always);
        assert_eq!(admit(None, &same, &always), Admission::Ask);
        let in_state = |status| past(status, true);
        for (status, expected) in [
            (ItemStatus::Waiting, Admission::No),
            (ItemStatus::Denied, Admission::No),
            (ItemStatus::Pending, Admission::Claim),
            (ItemStatus::Released, Admission::Claim),
            (ItemStatus::Done, Admission::Ask),
            (ItemStatus::Failed, Admission::Ask),
        ] {
            assert_eq!(admit(Some(&in_state(status)), &same, &always), expected, "{status}");
        }
        let cleared = Past { is_cleared: true, ..in_state(ItemStatus::Failed) };
        assert_eq!(admit(Some(&cleared), &same, &always), Admission::Claim);
        assert_eq!(admit(Some(&cleared), &other, &always), Admission::Ask, "it is another one");
        let never = asks(Reprocess::Never);
        assert_eq!(admit(Some(&cleared), &other, &never), Admission::No);
        let waiting = in_state(ItemStatus::Waiting);
        let switched_off = request(Reprocess::Never, false);
        assert_eq!(admit(Some(&waiting), &same, &switched_off), Admission::Claim);
        let denied = in_state(ItemStatus::Denied);
        assert_eq!(admit(Some(&denied), &same, &switched_off), Admission::No, "until it is reset");
    }

    #[test]
    fn what_stands_for_a_claim_is_none() {
        let source = SourceName::stored("w/in");
        let stands = unclaimed(&source, "a");
        assert_eq!(stands.len(), 36);
        assert!(stands.parse::<weir_domain::ClaimId>().is_err());
        assert_ne!(stands, unclaimed(&source, "b"));
    }
}
