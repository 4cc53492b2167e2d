//! Resources: finite things that are held exclusively, such as the partitions of a topic.
//!
//! A group of them is declared by whoever knows them. A free one is reserved for an owner, under a
//! lease that is renewed or until it is given back; when none is free the caller waits its turn or is
//! told that the group is depleted. An owner that is gone holds nothing any more.
//!
//! Invariants:
//! - Q1: a resource is held by at most one reservation.
//! - Q2: nobody waits for a resource that is free; who came first is served first.
//! - Q3: a reservation that ended does not come back by being renewed.
//! - Q4: a holder that counts its lease from before it asked for it is never wrong about holding it.
//!
//! Nothing here knows time or who is gone: the service says so in commands.

mod decide;
mod group;
mod handle;
mod holding;
mod protocol;
mod service;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use weir_domain::{GroupName, Millis, ReservationId, ResourceName, Timestamp};
use weir_runtime::{Decision, EventSourced, Form};

use group::Group;

pub use group::Holding;
pub use handle::{Failure, ResourceCoordinator};
pub use holding::{Held, HoldFailure};
pub use protocol::{GroupRow, Request, Reservation, Reserve, ResourceRow, Response, WaiterRow};
pub use service::{Owners, ResourceService, ResourceSingleton};

/// The name of its lease and its persistence id.
pub const LEASE: &str = "resource-coordinator";
/// Resources of all groups: what is to be remembered must stay small.
const RESOURCES_MAX: usize = 100_000;
/// Those that wait for resources of one group.
const WAITING_MAX: usize = 10_000;

#[derive(Debug, Clone)]
pub enum Command {
    /// Says which resources a group has. One that is held stays until it is free.
    Declare {
        group: GroupName,
        resources: Vec<ResourceName>,
    },
    Reserve {
        ask: Reserve,
        at: Timestamp,
    },
    /// Renews leases of reservations that still hold.
    Renew {
        reservations: Vec<ReservationId>,
        at: Timestamp,
    },
    /// Gives back what it holds, or leaves the queue.
    Release {
        reservation: ReservationId,
        at: Timestamp,
    },
    /// Takes resources from their holders; without names, all of the group.
    Revoke {
        group: GroupName,
        resources: Option<Vec<ResourceName>>,
        at: Timestamp,
    },
    /// Ends what was not renewed in time, and the patience of those who wait.
    Expire {
        at: Timestamp,
    },
    /// Ends what those held who are gone.
    Bury {
        owners: Vec<String>,
        at: Timestamp,
    },
    /// Whoever could not renew while nobody answered gets its whole lease again.
    Resume {
        at: Timestamp,
    },
}

/// Facts, in the past tense. Add variants; never change the meaning of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Declared {
        group: GroupName,
        resources: Vec<ResourceName>,
    },
    Reserved {
        group: GroupName,
        resource: ResourceName,
        holding: Holding,
    },
    Queued {
        group: GroupName,
        waiter: Waiter,
    },
    /// It waits no longer, and got nothing.
    Left {
        group: GroupName,
        reservation: ReservationId,
    },
    Freed {
        group: GroupName,
        reservation: ReservationId,
        why: Ended,
    },
    Renewed {
        reservations: Vec<ReservationId>,
        at: Timestamp,
    },
    Resumed {
        at: Timestamp,
    },
}

/// Why somebody holds a resource no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    Released,
    Revoked,
    Expired,
    OwnerGone,
}

/// Somebody who waits for a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiter {
    pub reservation: ReservationId,
    pub owner: String,
    /// `None`: any of the group.
    pub wanted: Option<ResourceName>,
    pub lease: Option<Millis>,
    pub since: Timestamp,
    /// Asks again before that, or waits no longer.
    pub until: Timestamp,
}

impl Waiter {
    fn wanted(&self) -> Option<&ResourceName> {
        self.wanted.as_ref()
    }
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error("there is no group of resources {0:?}: list the groups to see which there are")]
    UnknownGroup(String),
    #[error("the group {group} has no resource {resource:?}: list it to see which it has")]
    UnknownResource { group: GroupName, resource: String },
    #[error(
        "the group {group} is depleted: all {resources} resources are held; wait for one, or revoke one"
    )]
    Depleted { group: GroupName, resources: usize },
    #[error(
        "the resource {resource} of the group {group} is held by {owner}: wait for it, or revoke it"
    )]
    Held { group: GroupName, resource: ResourceName, owner: String },
    #[error("{count} resources are too many: all groups together may have {RESOURCES_MAX}")]
    TooMany { count: usize },
    #[error("{WAITING_MAX} wait for the group {0} already: ask again later")]
    Crowded(GroupName),
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Resources {
    groups: BTreeMap<GroupName, Group>,
}

impl EventSourced for Resources {
    type Command = Command;
    type Event = Event;
    type Effect = Infallible;
    type Rejection = Rejection;

    const EVENT_FORM: Form = Form::new("resources.event", 1);
    const STATE_FORM: Form = Form::new("resources.state", 1);

    fn decide(&self, command: Command) -> Decision<Self> {
        match command {
            Command::Declare { group, resources } => self.declare(&group, resources),
            Command::Reserve { ask, at } => self.reserve(ask, at),
            Command::Renew { reservations, at } => Ok(self.renew(&reservations, at)),
            Command::Release { reservation, at } => Ok(self.release(reservation, at)),
            Command::Revoke { group, resources, at } => {
                self.revoke(&group, resources.as_deref(), at)
            }
            Command::Expire { at } => Ok(self.expire(at)),
            Command::Bury { owners, at } => Ok(self.bury(&owners, at)),
            Command::Resume { at } => Ok(self.resume(at)),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Declared { group, .. }
            | Event::Reserved { group, .. }
            | Event::Queued { group, .. }
            | Event::Left { group, .. }
            | Event::Freed { group, .. } => {
                let changed = self.groups.entry(group.clone()).or_default();
                changed.apply(event);
                if changed.resources.is_empty() && changed.waiting.is_empty() {
                    self.groups.remove(group);
                }
            }
            Event::Renewed { .. } | Event::Resumed { .. } => {
                self.groups.values_mut().for_each(|it| it.apply(event));
            }
        }
    }

    fn outstanding(&self) -> Vec<Infallible> {
        vec![]
    }
}
