//! What may become of an item: the decisions that every item store takes, as pure functions.
//!
//! A store reads the row, asks here, and writes in the same transaction. It adds nothing of its
//! own, so that all back ends agree to the letter.
//!
//! Invariants:
//! - R1: an item is free only when no claim on it owes anything: a failed one whose settlement
//!   is still owed is held like an acquired one.
//! - R2: what was decided stays decided; deciding the same again changes nothing.

use weir_domain::{Fingerprint, ItemStatus, Reprocess};

use crate::{Adoption, Error, Result, Settlement, Unfinished};

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
}

/// What a decision asks of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Write,
    /// The row says so already.
    Keep,
}

/// Whether an item with this past may be claimed as it was found now.
pub fn may_claim(past: Option<&Past>, found: &Fingerprint, reprocess: Reprocess) -> bool {
    let Some(past) = past else { return true };
    match past.status {
        ItemStatus::Acquired | ItemStatus::Committing => false,
        ItemStatus::Released => true,
        ItemStatus::Done | ItemStatus::Failed if !past.is_settled => false,
        ItemStatus::Done | ItemStatus::Failed => match reprocess {
            Reprocess::Never => false,
            Reprocess::Always => true,
            Reprocess::WhenChanged => {
                (past.size, past.modified_ns) != (found.size, found.modified_ns)
            }
        },
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
        ItemStatus::Failed | ItemStatus::Released => Err(Error::ClaimLost),
    }
}

pub fn fail(status: ItemStatus) -> Result<Step> {
    match status {
        ItemStatus::Acquired => Ok(Step::Write),
        ItemStatus::Failed => Ok(Step::Keep),
        ItemStatus::Committing | ItemStatus::Done | ItemStatus::Released => Err(Error::ClaimLost),
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

    const ALL: [ItemStatus; 5] = [
        ItemStatus::Acquired,
        ItemStatus::Committing,
        ItemStatus::Done,
        ItemStatus::Failed,
        ItemStatus::Released,
    ];

    /// The answers for acquired, committing, done, failed, released: `w`rite, `k`eep, `-` refused.
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
        assert_eq!(answers(commit), "wkk--");
        assert_eq!(answers(fail), "w--k-");
        let settled = |status| !matches!(status, ItemStatus::Acquired | ItemStatus::Committing);
        let settle_as = |to| answers(|status| settle(status, settled(status), to));
        assert_eq!(settle_as(Settlement::Done), "-wk--");
        assert_eq!(settle_as(Settlement::Failed), "w--k-");
        assert_eq!(settle_as(Settlement::Released), "w---k");
        assert_eq!(settle(ItemStatus::Failed, false, Settlement::Failed), Ok(Step::Write));
    }

    #[test]
    fn what_owes_something_is_not_free() {
        let found = Fingerprint::default();
        let past = |status, is_settled| Past { status, is_settled, size: 0, modified_ns: 0 };
        for (status, is_settled) in [
            (ItemStatus::Acquired, false),
            (ItemStatus::Committing, false),
            (ItemStatus::Failed, false),
        ] {
            assert!(!may_claim(Some(&past(status, is_settled)), &found, Reprocess::Always));
        }
        let released = past(ItemStatus::Released, true);
        assert!(may_claim(Some(&released), &found, Reprocess::Never));
        assert!(may_claim(None, &found, Reprocess::Never));
    }

    #[test]
    fn changed_means_size_or_time_and_nothing_else() {
        let past = Past { status: ItemStatus::Done, is_settled: true, size: 5, modified_ns: 7 };
        let found = |size, modified_ns, inode| Fingerprint { size, modified_ns, device: 0, inode };
        let changed = |it| may_claim(Some(&past), &it, Reprocess::WhenChanged);
        assert!(!changed(found(5, 7, 99)));
        assert!(changed(found(6, 7, 0)));
        assert!(changed(found(5, 8, 0)));
    }
}
