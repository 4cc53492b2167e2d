//! The rule of one lease on one node: what to do next, given the time, the members, the lease's
//! row, and what became of what was done before. Pure: a simulation drives it as a keeper does.
//!
//! ```text
//! Standby ─ acquire/force ─▶ Acquiring ─ granted ─▶ Recovering ─ started ─▶ Active ◀─▶ Suspended
//!    ▲                           │                      │                     │            │
//!    └────────── denied ─────────┴───────── lost ───────┴─────────────────────┴────────────┤
//!    └───────── released ─────────────────── HandingOver ◀───── moved or leaving ──────────┘
//! ```
//!
//! Times are lengths of this node's uptime. A report about a lease of an earlier epoch is ignored.

mod compete;
mod hold;
#[cfg(test)]
mod tests;

use std::time::Duration;

use weir_domain::{Fault, Incarnation, NodeUid};
use weir_persistence_api::Fence;
use weir_runtime::code::JOURNAL_GAP;

use super::facts::{Facts, Fate};
use super::table::Row;

use hold::Held;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    pub ttl: Duration,
    pub renew_every: Duration,
    pub margin: Duration,
    /// How soon a statement that failed or was denied is tried again.
    pub retry: Duration,
    /// How much longer each further candidate waits before it competes.
    pub rank_step: Duration,
    /// How long the candidates must have been the same before a singleton is moved.
    pub settled_after: Duration,
    pub hand_over_within: Duration,
    /// The longest wait before a start that failed is tried again.
    pub start_retry_max: Duration,
    /// Starts that may fail before another node is given the chance.
    pub starts_max: u32,
    /// How long a node that gave up lets the others go first.
    pub yield_for: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(6),
            renew_every: Duration::from_secs(2),
            margin: Duration::from_millis(1_500),
            retry: Duration::from_millis(300),
            rank_step: Duration::from_millis(500),
            settled_after: Duration::from_secs(5),
            hand_over_within: Duration::from_secs(10),
            start_retry_max: Duration::from_secs(10),
            starts_max: 3,
            yield_for: Duration::from_secs(60),
        }
    }
}

/// Where the singleton stands on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is somebody else's, or nobody's yet.
    Standby,
    Acquiring,
    /// The lease is here, the instance does not run yet.
    Recovering {
        epoch: u64,
    },
    Active {
        epoch: u64,
    },
    /// Whether the lease is still here is not known.
    Suspended {
        epoch: u64,
    },
    HandingOver {
        epoch: u64,
        to: Option<NodeUid>,
    },
    /// This node leaves and takes no lease any more.
    Stopped,
}

impl State {
    /// The epoch of the lease that is here.
    pub fn epoch(&self) -> Option<u64> {
        match *self {
            Self::Standby | Self::Acquiring | Self::Stopped => None,
            Self::Recovering { epoch }
            | Self::Active { epoch }
            | Self::Suspended { epoch }
            | Self::HandingOver { epoch, .. } => Some(epoch),
        }
    }
}

/// What can be seen at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    pub facts: &'a Facts,
    /// The lease's row as it was last read. `None`: there never was one.
    pub row: Option<&'a Row>,
    /// The first good read of the store after its last failure. `None`: it can't be read now.
    pub good_since: Option<Duration>,
    /// Where the singleton should be.
    pub preferred: Option<NodeUid>,
}

/// How a lease is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It is free or expired.
    Acquire,
    /// Its holder is known not to need it any more.
    Force,
}

/// What is to be done now. What becomes of it comes back as a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Reported as `Granted`, `Denied` or `NotAcquired`.
    Acquire,
    /// The same, from the owner and epoch that were seen.
    Force {
        owner: String,
        epoch: u64,
    },
    /// Reported as `Renewed`, `Lost` or `NotRenewed`.
    Renew(Fence),
    /// Reported as `Started` or `NotStarted`, and later perhaps `Ended`.
    Start(Fence),
    Suspend,
    Resume,
    /// Ends the instance at once: it is the writer no more.
    Abandon,
    /// Lets the instance finish and ends it; reported as `Finished`.
    Finish {
        fence: Fence,
        within: Duration,
    },
    /// Reported as `Released` or `NotReleased`.
    Release(Fence),
    /// Tells the others that the lease is here now.
    AnnounceTaken {
        epoch: u64,
    },
    /// Tells the others that the lease is free, and who should have it.
    AnnounceReleased {
        epoch: u64,
        to: Option<NodeUid>,
    },
}

/// What became of an action. `asked_at` is when the statement was sent: the lease holds from then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    Granted {
        fence: Fence,
        asked_at: Duration,
    },
    /// Somebody else has it.
    Denied,
    NotAcquired {
        cause: String,
    },
    Renewed {
        epoch: u64,
        asked_at: Duration,
    },
    NotRenewed {
        epoch: u64,
        cause: String,
    },
    /// The store says that the lease is not this node's any more.
    Lost {
        epoch: u64,
    },
    Started {
        epoch: u64,
    },
    NotStarted {
        epoch: u64,
        fault: Fault,
    },
    Ended {
        epoch: u64,
        fault: Fault,
    },
    Finished {
        epoch: u64,
    },
    Released {
        epoch: u64,
    },
    NotReleased {
        epoch: u64,
        cause: String,
    },
    /// This node leaves: everything is handed over, nothing is taken.
    Leave,
}

/// Whether a lease may be taken from a holder before it expires. The fence makes that safe at any
/// time; this only keeps two sides of a divided cluster from taking it from each other in turn.
pub fn may_force(facts: &Facts, holder: &Incarnation) -> bool {
    match facts.fate(holder.uid) {
        Fate::Gone | Fate::Removed => true,
        // A tie is for the resolver to break.
        Fate::Unreachable => facts.survives,
        Fate::Present | Fate::Unknown => false,
    }
}

/// Whether the journal lacks what was acknowledged. Only the node that wrote it knows: another one
/// would go on without it, and overwrite it where it still is.
pub(super) fn is_loss(fault: &Fault) -> bool {
    fault.code == JOURNAL_GAP
}

/// The rule of one lease.
#[derive(Debug)]
pub struct Rule {
    me: Incarnation,
    /// As it stands in the lease's row.
    owner: String,
    timing: Timing,
    phase: Phase,
    held: Option<Held>,
    /// Rows that were read before are older than what this node did itself.
    changed_at: Duration,
    /// No attempt to take it before.
    retry_at: Duration,
    /// Since when the lease could be taken, in which way, and at which epoch.
    open: Option<((Way, u64), Duration)>,
    /// When the attempt that is under way was begun.
    asked_at: Duration,
    /// All others go first until then: it could not be started here.
    yields_until: Duration,
    is_leaving: bool,
    candidates: Vec<Incarnation>,
    settled_since: Duration,
    trouble: Option<String>,
    due: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Standby,
    Acquiring,
    Recovering,
    Active,
    Suspended,
    HandingOver { to: Option<NodeUid>, until: Duration },
    Stopped,
}

impl Rule {
    pub fn new(me: Incarnation, timing: Timing) -> Self {
        Self {
            owner: me.to_string(),
            me,
            timing,
            phase: Phase::Standby,
            held: None,
            changed_at: Duration::ZERO,
            retry_at: Duration::ZERO,
            open: None,
            asked_at: Duration::ZERO,
            yields_until: Duration::ZERO,
            is_leaving: false,
            candidates: Vec::new(),
            settled_since: Duration::ZERO,
            trouble: None,
            due: None,
        }
    }

    pub fn state(&self) -> State {
        let epoch = self.held.as_ref().map_or(0, |it| it.fence.epoch);
        match self.phase {
            Phase::Standby => State::Standby,
            Phase::Acquiring => State::Acquiring,
            Phase::Recovering => State::Recovering { epoch },
            Phase::Active => State::Active { epoch },
            Phase::Suspended => State::Suspended { epoch },
            Phase::HandingOver { to, .. } => State::HandingOver { epoch, to },
            Phase::Stopped => State::Stopped,
        }
    }

    /// Whether the singleton may run on no node before its journal is whole again.
    pub(super) fn waits_for_journal(&self) -> bool {
        self.held.as_ref().is_some_and(Held::waits_for_journal)
    }

    /// What last went wrong and has not been mended.
    pub fn trouble(&self) -> Option<&str> {
        let fails = self.held.as_ref().and_then(Held::why_not_started);
        fails.or(self.trouble.as_deref())
    }

    /// Until when the instance may act, while the lease is here.
    pub fn deadline(&self) -> Option<Duration> {
        self.held.as_ref().map(|it| it.deadline)
    }

    /// When to look again, if nothing happens before.
    pub fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Looks at everything and says what is to be done.
    pub fn see(&mut self, now: Duration, sight: &Sight<'_>) -> Vec<Action> {
        self.due = None;
        if self.candidates != sight.facts.candidates {
            self.candidates.clone_from(&sight.facts.candidates);
            self.settled_since = now;
        }
        match self.phase {
            Phase::Standby => self.compete(now, sight),
            Phase::Acquiring => self.await_grant(now),
            Phase::Stopped => Vec::new(),
            Phase::Recovering | Phase::Active | Phase::Suspended | Phase::HandingOver { .. } => {
                self.keep(now, sight)
            }
        }
    }

    /// Takes note of what became of an action and says what follows from it at once.
    pub fn hear(&mut self, now: Duration, report: Report) -> Vec<Action> {
        match report {
            Report::Granted { fence, asked_at } => self.granted(now, fence, asked_at),
            Report::Denied => self.denied(now, None),
            Report::NotAcquired { cause } => self.denied(now, Some(cause)),
            Report::Renewed { epoch, asked_at } if self.holds(epoch) => self.renewed(now, asked_at),
            Report::NotRenewed { epoch, cause } if self.holds(epoch) => {
                self.not_renewed(now, cause)
            }
            Report::Lost { epoch } if self.holds(epoch) => self.not_ours(now),
            Report::Started { epoch } if self.holds(epoch) => self.started(now),
            Report::NotStarted { epoch, fault } if self.holds(epoch) => {
                self.not_started(now, &fault)
            }
            Report::Ended { epoch, fault } if self.holds(epoch) => self.ended(now, &fault),
            Report::Finished { epoch } if self.holds(epoch) => self.finished(),
            Report::Released { epoch } if self.holds(epoch) => self.released(now),
            Report::NotReleased { epoch, cause } if self.holds(epoch) => {
                self.not_released(now, cause)
            }
            Report::Leave => self.leave(now),
            Report::Renewed { .. }
            | Report::NotRenewed { .. }
            | Report::Lost { .. }
            | Report::Started { .. }
            | Report::NotStarted { .. }
            | Report::Ended { .. }
            | Report::Finished { .. }
            | Report::Released { .. }
            | Report::NotReleased { .. } => Vec::new(),
        }
    }

    fn holds(&self, epoch: u64) -> bool {
        self.held.as_ref().is_some_and(|it| it.fence.epoch == epoch)
    }

    fn leave(&mut self, now: Duration) -> Vec<Action> {
        self.is_leaving = true;
        match self.phase {
            Phase::Standby => {
                self.phase = Phase::Stopped;
                Vec::new()
            }
            // What is granted will be given back.
            Phase::Acquiring | Phase::HandingOver { .. } | Phase::Stopped => Vec::new(),
            Phase::Recovering | Phase::Active | Phase::Suspended => self.hand_over(now, None),
        }
    }

    /// Without the lease again.
    fn without(&mut self, now: Duration) {
        self.held = None;
        self.open = None;
        self.changed_at = now;
        self.phase = if self.is_leaving { Phase::Stopped } else { Phase::Standby };
    }

    fn wake(&mut self, at: Duration) {
        self.due = Some(self.due.map_or(at, |it| it.min(at)));
    }
}
