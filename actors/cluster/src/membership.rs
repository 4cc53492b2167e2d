//! Membership: who belongs to the cluster, and what each may do to whose status. The rules are
//! pure; the keeper carries them.
//!
//! The store arbitrates: a change is made to the list at the version that it was decided by, or
//! not at all. So these rules may run on several nodes at once, and on old pictures.
//!
//! Invariants:
//! - M1: a status only moves on: Joining, Up, Leaving, Exiting, Removed; and from each of the
//!   first four to Down, from there to Removed. Nobody comes back: a restarted node is a new member.
//! - M2: of one name at most one member is present.
//! - M3: while a settled member is in doubt nobody goes up, so that both sides of a partition
//!   count the same members.

mod acquaintance;
mod core;
mod desk;
mod draft;
pub mod explain;
mod join;
mod journalist;
pub(crate) mod keeper;
mod last_words;
pub(crate) mod rule;
pub(crate) mod surroundings;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

pub use self::core::{Core, Order, Stop, Turn};
pub use draft::Draft;
pub use join::{Join, join};
pub use rule::{Own, Situation, in_doubt, lead, leader, own};
use rule::{heirs, line, succeed};

/// What the rules of membership depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How many nodes must be there before any goes up.
    pub members_min: usize,
    /// There is no way to other nodes: whoever else is in the list is not there.
    pub alone: bool,
    /// How long those who were removed are remembered, so that a late one is recognised.
    pub prune_after: Duration,
}
