//! What the coordinator of resources is asked, and answers. Names of fields and variants travel
//! between engines of two versions.

use serde::{Deserialize, Serialize};
use weir_domain::{GroupName, Millis, ReservationId, ResourceName, Timestamp};

use super::{Holding, Rejection, Resources};

/// Asks for a free resource of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reserve {
    pub group: GroupName,
    /// The reservation's id, should one be granted. Asked again with it, it is the same one.
    pub reservation: ReservationId,
    /// `node-name#incarnation` of the engine that will hold it.
    pub owner: String,
    /// `None`: any of the group.
    pub wanted: Option<ResourceName>,
    /// How long it holds after each renewal. `None`: until it is given back.
    pub lease: Option<Millis>,
    /// Waits when none is free, and asks again before that. `None`: does not wait.
    pub wait_until: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    Groups,
    Declare {
        group: GroupName,
        resources: Vec<ResourceName>,
    },
    Reserve(Reserve),
    /// Renews, and answers which of them still hold.
    Renew(Vec<ReservationId>),
    Release(ReservationId),
    Revoke {
        group: GroupName,
        resources: Option<Vec<ResourceName>>,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Groups(Vec<GroupRow>),
    Reservation(Reservation),
    Renewed(Vec<ReservationId>),
    /// How many resources were taken from their holders.
    Revoked(u64),
    Done,
    Rejected(Rejection),
    Refused(String),
}

/// What became of an ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reservation {
    Held(ResourceName),
    /// So many are served before.
    Waiting(u64),
    /// It ended meanwhile.
    Ended,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRow {
    pub group: GroupName,
    pub resources: Vec<ResourceRow>,
    pub waiting: Vec<WaiterRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceRow {
    pub name: ResourceName,
    pub holding: Option<Holding>,
    /// It is gone as soon as it is free.
    pub is_retired: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaiterRow {
    pub owner: String,
    pub wanted: Option<ResourceName>,
    pub since: Timestamp,
}

impl Resources {
    pub(super) fn rows(&self) -> Vec<GroupRow> {
        let rows = self.groups.iter().map(|(name, group)| GroupRow {
            group: name.clone(),
            resources: group.resources.iter().cloned().map(ResourceRow::from).collect(),
            waiting: group.waiting.iter().map(WaiterRow::from).collect(),
        });
        rows.collect()
    }

    pub(super) fn reservation(&self, group: &GroupName, id: ReservationId) -> Reservation {
        let Some(group) = self.groups.get(group) else { return Reservation::Ended };
        match (group.held_by(id), group.place_of(id)) {
            (Some(resource), _) => Reservation::Held(resource.clone()),
            (None, Some(place)) => Reservation::Waiting(place as u64),
            (None, None) => Reservation::Ended,
        }
    }

    /// Who holds resources of the group: of these names, or all.
    pub(super) fn holders(
        &self,
        group: &GroupName,
        names: Option<&[ResourceName]>,
    ) -> Vec<ReservationId> {
        let is_named = |it: &ResourceName| names.is_none_or(|names| names.contains(it));
        let group = self.groups.get(group);
        group.map(|it| it.ended(|name, _| is_named(name))).unwrap_or_default()
    }

    /// Those of them that hold something.
    pub(super) fn holding(&self, of: &[ReservationId]) -> Vec<ReservationId> {
        let holdings = self.groups.values().flat_map(|it| it.holdings().map(|it| it.1.reservation));
        holdings.filter(|it| of.contains(it)).collect()
    }

    pub(super) fn is_anything_over(&self, now: Timestamp) -> bool {
        self.groups.values().any(|it| {
            it.holdings().any(|it| it.1.is_expired(now))
                || it.waiting.iter().any(|it| it.until <= now)
        })
    }

    /// Everybody who holds or waits, once.
    pub(super) fn owners(&self) -> std::collections::BTreeSet<String> {
        let all = self.groups.values().flat_map(|it| {
            let holders = it.holdings().map(|it| &it.1.owner);
            holders.chain(it.waiting.iter().map(|it| &it.owner))
        });
        all.cloned().collect()
    }
}

impl From<super::group::Resource> for ResourceRow {
    fn from(it: super::group::Resource) -> Self {
        Self { name: it.name, holding: it.holding, is_retired: it.is_retired }
    }
}

impl From<&super::Waiter> for WaiterRow {
    fn from(it: &super::Waiter) -> Self {
        Self { owner: it.owner.clone(), wanted: it.wanted.clone(), since: it.since }
    }
}
