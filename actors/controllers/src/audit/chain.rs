//! The chain: how an entry is hashed, and what is wrong with one that was changed.

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use weir_domain::{AuditAction, AuditEntry, AuditHash, AuditHead, KeyFingerprint};

/// The action that allows a prefix to be dropped.
pub const SEAL: &str = "audit seal";

/// The form of entries. Raise it with every field that is added, and leave the field out of what is
/// hashed of older forms: a reader that does not know it would take the entry for changed.
const FORM: u32 = 1;

/// Makes the next entry.
pub(super) fn next(head: AuditHead, action: AuditAction) -> AuditEntry {
    let (sequence, previous) = (head.sequence + 1, head.hash);
    let hash = hash(FORM, sequence, previous, &action);
    AuditEntry { form: FORM, sequence, previous, action, hash }
}

/// One line of JSON, as it is stored and exported.
pub fn line(entry: &AuditEntry) -> String {
    serde_json::to_string(entry).expect("an entry has text keys only")
}

/// All of an entry but its hash, in the form that is hashed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Hashed<'a> {
    form: u32,
    sequence: u64,
    previous: AuditHash,
    #[serde(flatten)]
    action: &'a AuditAction,
}

fn hash(form: u32, sequence: u64, previous: AuditHash, action: &AuditAction) -> AuditHash {
    let text = serde_json::to_vec(&Hashed { form, sequence, previous, action });
    let digest = Sha256::digest(text.expect("an entry has text keys only"));
    AuditHash(KeyFingerprint(digest.into()))
}

/// What a seal records: the last number and hash of the prefix that may go.
pub(super) fn sealed(head: AuditHead) -> Value {
    json!({ "sequence": head.sequence, "hash": head.hash })
}

/// Whether an entry is a seal for all that is gone. Entries go in pieces, and who deletes them may
/// be interrupted: then less is gone than may be, and the rest is in the chain.
fn allows(entry: &AuditEntry, gone: AuditHead) -> bool {
    let through = entry.action.after.as_ref().and_then(|it| it["sequence"].as_u64());
    entry.action.action == SEAL
        && match through {
            Some(through) if through > gone.sequence => through < entry.sequence,
            _ => entry.action.after == Some(sealed(gone)),
        }
}

/// The first entry that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("entry {0} was changed: its hash is not the one of its content")]
    Changed(u64),
    #[error("entry {0} does not follow the one before it: entries were changed or replaced")]
    Unchained(u64),
    #[error("entry {expected} is missing: {found} comes next")]
    Missing { expected: u64, found: u64 },
    #[error("entries up to {0} are gone, and no seal allows that")]
    Unsealed(u64),
    #[error("entry {0} was written by a newer version: verify with that version")]
    Newer(u64),
    #[error("line {line} is no entry: {reason}")]
    Unreadable { line: u64, reason: String },
}

/// Checks entries one by one, in order, however many there are.
#[derive(Debug, Default)]
pub struct Verifier {
    head: Option<AuditHead>,
    /// What the first entry says of a prefix that is gone, until a seal confirms it.
    unconfirmed: Option<AuditHead>,
}

impl Verifier {
    pub fn push(&mut self, entry: &AuditEntry) -> Result<(), Broken> {
        let sequence = entry.sequence;
        let before = AuditHead { sequence: sequence.saturating_sub(1), hash: entry.previous };
        match self.head {
            Some(head) if sequence != head.sequence + 1 => {
                return Err(Broken::Missing { expected: head.sequence + 1, found: sequence });
            }
            Some(head) if before != head => return Err(Broken::Unchained(sequence)),
            None if sequence == 1 && before != AuditHead::EMPTY => {
                return Err(Broken::Unchained(sequence));
            }
            None if sequence != 1 => self.unconfirmed = Some(before),
            _ => {}
        }
        if entry.form > FORM {
            return Err(Broken::Newer(sequence));
        }
        if hash(entry.form, sequence, entry.previous, &entry.action) != entry.hash {
            return Err(Broken::Changed(sequence));
        }
        self.unconfirmed = self.unconfirmed.filter(|it| !allows(entry, *it));
        self.head = Some(AuditHead { sequence, hash: entry.hash });
        Ok(())
    }

    /// Reads and checks what was exported; gives the end of the chain so far.
    pub fn push_line(&mut self, line: &str) -> Result<AuditHead, Broken> {
        let at = self.head.map_or(1, |it| it.sequence + 1);
        let entry = serde_json::from_str(line)
            .map_err(|error| Broken::Unreadable { line: at, reason: error.to_string() })?;
        self.push(&entry)?;
        Ok(self.head.unwrap_or(AuditHead::EMPTY))
    }

    /// The end of the chain, if all of it is what was written.
    pub fn finish(self) -> Result<AuditHead, Broken> {
        match self.unconfirmed {
            Some(gone) => Err(Broken::Unsealed(gone.sequence)),
            None => Ok(self.head.unwrap_or(AuditHead::EMPTY)),
        }
    }
}
