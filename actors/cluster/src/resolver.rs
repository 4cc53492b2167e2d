//! The split-brain resolver: which part of a divided cluster goes on. Pure.
//!
//! Invariants, for any two sides of a partition that decide by the same list of members:
//! - B1: at most one side goes on, whatever strategy; a side that goes on says so by writing the
//!   other's end into the store, where the version of the list lets only one of two writers win.
//! - B2: a member that has ended beyond doubt is no side: it counts for nobody.
//! - B4: a member that only seems gone, since its host refuses connections, may be alive behind a
//!   firewall that answers so, and count the same way. So a side that needs its absence to go on
//!   waits until the side that does not has had the time to say that it goes on.
//! - B3: the same picture leads every node of a side to the same decision.
//!
//! Where both sides may go on (a tie, `lease-majority`), the decision is a *contest*: the list of
//! members is the lease, and whoever first writes the others down has it.

mod broken;
mod decide;
mod stability;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weir_domain::{ClusterAddress, Member, NodeStatus, NodeUid};

use crate::reach::{Reach, is_present};

pub use decide::{decide, survives};
pub use stability::{Stability, Step, Timing};

/// How a divided cluster is resolved. A role, where one is named, narrows who counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// The side with more members.
    KeepMajority { role: Option<String>, tie: Tie },
    /// The side with at least so many members.
    StaticQuorum { size: u32, role: Option<String> },
    /// The side with the oldest member, unless that is alone and shall not decide for all.
    KeepOldest { down_if_alone: bool, role: Option<String> },
    /// The side that gets the lease; the smaller one tries later.
    LeaseMajority { minority_delay: Duration, role: Option<String> },
    /// No side.
    DownAll,
}

impl Strategy {
    fn role(&self) -> Option<&str> {
        match self {
            Self::KeepMajority { role, .. }
            | Self::StaticQuorum { role, .. }
            | Self::KeepOldest { role, .. }
            | Self::LeaseMajority { role, .. } => role.as_deref(),
            Self::DownAll => None,
        }
    }
}

/// What decides between two sides of the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// Whoever gets the lease: one side goes on, either one.
    Lease,
    /// The side with the lowest address: if that is the one that failed, none goes on.
    LowestAddress,
}

/// The members as one node sees them: those that have gone up. One that is still joining is no
/// part of the cluster that could be divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub me: NodeUid,
    pub nodes: BTreeMap<NodeUid, Node>,
    /// Pairs that can't reach each other though both can be reached from here.
    pub broken: BTreeSet<(NodeUid, NodeUid)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub status: NodeStatus,
    pub up_number: u64,
    pub address: ClusterAddress,
    pub roles: BTreeSet<String>,
    pub standing: Standing,
}

/// Where a node is, seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On this side, or not yet known to be elsewhere.
    Here,
    Unreachable,
    /// Its process seems to have ended.
    SeemsGone,
    /// Its process has ended.
    Gone,
}

impl Picture {
    pub fn new(me: NodeUid, members: &[Member], reach: &Reach) -> Self {
        let counts = |it: &&Member| is_present(it.status) && it.status != NodeStatus::Joining;
        let nodes = members.iter().filter(counts).map(|it| {
            let standing = match it.node.uid {
                uid if reach.has_ended(uid) => Standing::Gone,
                uid if reach.is_gone(uid) => Standing::SeemsGone,
                uid if reach.unreachable.contains(&uid) => Standing::Unreachable,
                _ => Standing::Here,
            };
            let node = Node {
                status: it.status,
                up_number: it.up_number,
                address: it.address.clone(),
                roles: it.roles.clone(),
                standing,
            };
            (it.node.uid, node)
        });
        let nodes: BTreeMap<NodeUid, Node> = nodes.collect();
        let is_known =
            |(a, b): &&(NodeUid, NodeUid)| nodes.contains_key(a) && nodes.contains_key(b);
        let broken = reach.broken.iter().filter(is_known).copied().collect();
        Self { me, nodes, broken }
    }

    fn standing(&self, standing: Standing) -> BTreeSet<NodeUid> {
        let there = self.nodes.iter().filter(|(_, it)| it.standing == standing);
        there.map(|(&uid, _)| uid).collect()
    }

    /// Everyone that has to be decided about. Who is gone has decided that himself.
    fn trouble(&self) -> (BTreeSet<NodeUid>, &BTreeSet<(NodeUid, NodeUid)>) {
        (self.standing(Standing::Unreachable), &self.broken)
    }

    pub fn is_whole(&self) -> bool {
        let (unreachable, broken) = self.trouble();
        unreachable.is_empty() && broken.is_empty()
    }

    /// Those who went down without a word.
    fn lost(&self) -> BTreeSet<NodeUid> {
        &self.standing(Standing::SeemsGone) | &self.standing(Standing::Gone)
    }

    /// Those whose end is not beyond doubt.
    pub fn seeming_gone(&self) -> impl Iterator<Item = NodeUid> {
        let doubtful = self.nodes.iter().filter(|(_, it)| it.standing == Standing::SeemsGone);
        doubtful.map(|(&uid, _)| uid)
    }

    /// The same with those that seem gone counted as if they were: as silent ones, or as ended.
    fn taken_as(&self, standing: Standing) -> Self {
        let mut picture = self.clone();
        let doubtful = picture.nodes.values_mut().filter(|it| it.standing == Standing::SeemsGone);
        doubtful.for_each(|it| it.standing = standing);
        picture
    }
}

/// What is to be done. All nodes of a side come to the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is wrong.
    Nothing,
    /// These go down; who is among them itself stops at once.
    Down {
        nodes: BTreeSet<NodeUid>,
        why: String,
    },
    /// Nobody goes on: whoever decides it first enters it for all, or the others would decide
    /// anew each time that one of them goes.
    DownAll {
        nodes: BTreeSet<NodeUid>,
        why: String,
    },
    Contest(Contest),
}

/// Who first writes `win` into the store stays; whoever can't has to take `lose` for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// How long this side waits before it tries.
    pub after: Duration,
    pub win: BTreeSet<NodeUid>,
    pub lose: BTreeSet<NodeUid>,
    pub why: String,
}
