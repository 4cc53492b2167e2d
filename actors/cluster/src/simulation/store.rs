//! The store: what the real ones promise, on virtual time, and what goes wrong on the way to it.

use weir_domain::{Member, NodeStatus};
use weir_persistence_api::{MemberChanges, Members};

use crate::reach::is_present;

/// In milliseconds of virtual time.
pub(super) type Millis = u64;

#[derive(Debug, Clone)]
pub(super) enum Call {
    Members,
    Save { seen: u64, changes: MemberChanges },
    Leases,
    Acquire { lease: usize, ttl: Millis },
    Force { lease: usize, ttl: Millis, owner: String, epoch: u64 },
    Renew { lease: usize, ttl: Millis, epoch: u64 },
    Release { lease: usize, epoch: u64 },
}

#[derive(Debug, Clone)]
pub(super) enum Answer {
    Members(Members),
    Saved(Option<u64>),
    Leases(Vec<Lease>),
    Granted { epoch: u64 },
    Denied,
    Renewed(bool),
    Released,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) owner: String,
    pub(super) epoch: u64,
    pub(super) expires_at: Millis,
    /// The last epoch that was taken from a holder that had not given it back.
    pub(super) forced: u64,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) members: Members,
    pub(super) leases: Vec<Lease>,
}

impl Store {
    pub(super) fn new(leases: usize) -> Self {
        Self { members: Members::default(), leases: vec![Lease::default(); leases] }
    }

    /// Carries out a call. An error is a broken promise of the rules, not of the store.
    pub(super) fn call(&mut self, now: Millis, owner: &str, call: Call) -> Result<Answer, String> {
        Ok(match call {
            Call::Members => Answer::Members(self.members.clone()),
            Call::Save { seen, changes } => Answer::Saved(self.save(seen, &changes)?),
            Call::Leases => Answer::Leases(self.leases.clone()),
            Call::Acquire { lease, ttl } => {
                let row = &self.leases[lease];
                let is_open = row.owner.is_empty() || row.expires_at < now || row.owner == owner;
                self.grant(is_open, lease, owner, now + ttl, false)
            }
            Call::Force { lease, ttl, owner: from, epoch } => {
                let row = &self.leases[lease];
                let is_same = row.owner == from && row.epoch == epoch;
                self.grant(is_same, lease, owner, now + ttl, true)
            }
            Call::Renew { lease, ttl, epoch } => {
                let row = &mut self.leases[lease];
                let is_ours = row.owner == owner && row.epoch == epoch;
                if is_ours {
                    row.expires_at = now + ttl;
                }
                Answer::Renewed(is_ours)
            }
            Call::Release { lease, epoch } => {
                let row = &mut self.leases[lease];
                if row.owner == owner && row.epoch == epoch {
                    row.owner.clear();
                    row.expires_at = 0;
                }
                Answer::Released
            }
        })
    }

    fn grant(
        &mut self,
        may: bool,
        lease: usize,
        owner: &str,
        until: Millis,
        force: bool,
    ) -> Answer {
        let row = &mut self.leases[lease];
        if !may {
            return Answer::Denied;
        }
        let epoch = row.epoch + 1;
        let forced = if force { epoch } else { row.forced };
        *row = Lease { owner: owner.to_owned(), epoch, expires_at: until, forced };
        Answer::Granted { epoch }
    }

    fn save(&mut self, seen: u64, changes: &MemberChanges) -> Result<Option<u64>, String> {
        if seen != self.members.version {
            return Ok(None);
        }
        for new in &changes.save {
            let old = self.members.members.iter().find(|it| it.node.uid == new.node.uid);
            check_step(old, new)?;
        }
        crate::membership::tests::apply(&mut self.members, changes);
        self.check_names()?;
        Ok(Some(self.members.version))
    }

    /// M2: of one name one member is present.
    fn check_names(&self) -> Result<(), String> {
        let present = self.members.members.iter().filter(|it| is_present(it.status));
        let mut names: Vec<_> = present.map(|it| it.node.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|it| it[0] == it[1]) {
            Some(twice) => Err(format!("M2: {} is there twice", twice[0])),
            None => Ok(()),
        }
    }
}

/// M1: a status only moves on.
fn check_step(old: Option<&Member>, new: &Member) -> Result<(), String> {
    let from = old.map(|it| it.status);
    let is_fine = match from {
        None => new.status == NodeStatus::Joining,
        Some(from) => from < new.status,
    };
    is_fine.then_some(()).ok_or_else(|| format!("M1: {} from {from:?} to {}", new.node, new.status))
}
