//! What becomes of resources: one method for each command.

use std::collections::BTreeSet;

use weir_domain::{GroupName, ReservationId, ResourceName, Timestamp};
use weir_runtime::Decision;

use super::group::Group;
use super::{
    Ended, Event, Holding, RESOURCES_MAX, Rejection, Reserve, Resources, WAITING_MAX, Waiter,
};

impl Resources {
    pub(super) fn declare(
        &self,
        group: &GroupName,
        mut resources: Vec<ResourceName>,
    ) -> Decision<Self> {
        let mut seen = BTreeSet::new();
        resources.retain(|it| seen.insert(it.clone()));
        let of_others = self.groups.iter().filter(|it| it.0 != group);
        let count = of_others.map(|it| it.1.resources.len()).sum::<usize>() + resources.len();
        if count > RESOURCES_MAX {
            return Err(Rejection::TooMany { count });
        }
        let known = self.groups.get(group);
        let is_known = |known: &Group| {
            let names = known.resources.iter().filter(|it| !it.is_retired).map(|it| &it.name);
            names.eq(&resources)
        };
        if known.is_some_and(is_known) || known.is_none() && resources.is_empty() {
            return Ok(vec![]);
        }
        let declared = Event::Declared { group: group.clone(), resources };
        Ok(Changing::of(self, group).with([declared]).served(None))
    }

    pub(super) fn reserve(&self, ask: Reserve, at: Timestamp) -> Decision<Self> {
        let Reserve { group: name, reservation, owner, wanted, lease, wait_until } = ask;
        let unknown = || Rejection::UnknownGroup(name.to_string());
        let group = self.groups.get(&name).ok_or_else(unknown)?;
        if group.held_by(reservation).is_some() {
            return Ok(vec![]);
        }
        if let Some(wanted) = wanted.as_ref().filter(|it| !group.has(it)) {
            let (group, resource) = (name.clone(), wanted.to_string());
            return Err(Rejection::UnknownResource { group, resource });
        }
        if let Some(resource) = group.free(wanted.as_ref()).cloned() {
            let holding = Holding { reservation, owner, since: at, lease, renewed_at: at };
            return Ok(vec![Event::Reserved { group: name, resource, holding }]);
        }
        let Some(until) = wait_until else { return Err(refusal(&name, group, wanted)) };
        if group.place_of(reservation).is_none() && group.waiting.len() >= WAITING_MAX {
            return Err(Rejection::Crowded(name));
        }
        let waiter = Waiter { reservation, owner, wanted, lease, since: at, until };
        Ok(vec![Event::Queued { group: name, waiter }])
    }

    pub(super) fn renew(&self, reservations: &[ReservationId], at: Timestamp) -> Vec<Event> {
        let holdings = self.groups.values().flat_map(Group::holdings);
        let is_due = |it: &Holding| it.lease.is_some() && reservations.contains(&it.reservation);
        let due = holdings.filter(|it| is_due(it.1)).map(|it| it.1.reservation);
        let reservations: Vec<_> = due.collect();
        match reservations.is_empty() {
            true => vec![],
            false => vec![Event::Renewed { reservations, at }],
        }
    }

    pub(super) fn release(&self, reservation: ReservationId, at: Timestamp) -> Vec<Event> {
        let holds = self.groups.iter().find(|it| it.1.held_by(reservation).is_some());
        if let Some((name, _)) = holds {
            let freed = Event::Freed { group: name.clone(), reservation, why: Ended::Released };
            return Changing::of(self, name).with([freed]).served(Some(at));
        }
        let waits = self.groups.iter().find(|it| it.1.place_of(reservation).is_some());
        let left = |name: &GroupName| Event::Left { group: name.clone(), reservation };
        waits.map(|it| left(it.0)).into_iter().collect()
    }

    pub(super) fn revoke(
        &self,
        name: &GroupName,
        resources: Option<&[ResourceName]>,
        at: Timestamp,
    ) -> Decision<Self> {
        let unknown = || Rejection::UnknownGroup(name.to_string());
        let group = self.groups.get(name).ok_or_else(unknown)?;
        let is_there = |it: &&ResourceName| group.resources.iter().any(|known| known.name == **it);
        if let Some(missing) = resources.unwrap_or_default().iter().find(|it| !is_there(it)) {
            let (group, resource) = (name.clone(), missing.to_string());
            return Err(Rejection::UnknownResource { group, resource });
        }
        let is_named = |it: &ResourceName| resources.is_none_or(|all| all.contains(it));
        let ended = group.ended(|resource, _| is_named(resource));
        Ok(Changing::of(self, name).freed(ended, Ended::Revoked).served(Some(at)))
    }

    pub(super) fn expire(&self, at: Timestamp) -> Vec<Event> {
        self.end(at, Ended::Expired, |it| it.is_expired(at), |it| it.until <= at)
    }

    pub(super) fn bury(&self, owners: &[String], at: Timestamp) -> Vec<Event> {
        let is_gone = |owner: &String| owners.contains(owner);
        self.end(at, Ended::OwnerGone, |it| is_gone(&it.owner), |it| is_gone(&it.owner))
    }

    pub(super) fn resume(&self, at: Timestamp) -> Vec<Event> {
        let mut holdings = self.groups.values().flat_map(Group::holdings);
        match holdings.any(|it| it.1.lease.is_some()) {
            true => vec![Event::Resumed { at }],
            false => vec![],
        }
    }

    fn end(
        &self,
        at: Timestamp,
        why: Ended,
        is_over: impl Fn(&Holding) -> bool,
        is_leaving: impl Fn(&Waiter) -> bool,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for (name, group) in &self.groups {
            let leaving = group.waiting.iter().filter(|it| is_leaving(it));
            let left =
                |it: &Waiter| Event::Left { group: name.clone(), reservation: it.reservation };
            let left: Vec<_> = leaving.map(left).collect();
            let ended = group.ended(|_, holding| is_over(holding));
            if left.is_empty() && ended.is_empty() {
                continue;
            }
            let changing = Changing::of(self, name).with(left).freed(ended, why);
            events.extend(changing.served(Some(at)));
        }
        events
    }
}

fn refusal(name: &GroupName, group: &Group, wanted: Option<ResourceName>) -> Rejection {
    let holder = |wanted: &ResourceName| {
        let mut holdings = group.holdings();
        holdings.find(|it| it.0 == wanted).map(|it| it.1.owner.clone())
    };
    match wanted.and_then(|it| Some((holder(&it)?, it))) {
        Some((owner, resource)) => Rejection::Held { group: name.clone(), resource, owner },
        None => Rejection::Depleted { group: name.clone(), resources: group.resources.len() },
    }
}

/// A group while a command changes it: each event is decided on what those before it lead to.
struct Changing {
    name: GroupName,
    group: Group,
    events: Vec<Event>,
}

impl Changing {
    fn of(resources: &Resources, name: &GroupName) -> Self {
        let group = resources.groups.get(name).cloned().unwrap_or_default();
        Self { name: name.clone(), group, events: Vec::new() }
    }

    fn with(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        for event in events {
            self.group.apply(&event);
            self.events.push(event);
        }
        self
    }

    fn freed(self, reservations: Vec<ReservationId>, why: Ended) -> Self {
        let group = self.name.clone();
        let freed = |reservation| Event::Freed { group: group.clone(), reservation, why };
        self.with(reservations.into_iter().map(freed).collect::<Vec<_>>())
    }

    /// Serves those who wait with what became free. Without a time, from when they began to wait.
    fn served(mut self, at: Option<Timestamp>) -> Vec<Event> {
        while let Some((waiter, resource)) = self.group.next_served() {
            let at = at.unwrap_or(waiter.since);
            let holding = Holding {
                reservation: waiter.reservation,
                owner: waiter.owner.clone(),
                since: at,
                lease: waiter.lease,
                renewed_at: at,
            };
            let (group, resource) = (self.name.clone(), resource.clone());
            self = self.with([Event::Reserved { group, resource, holding }]);
        }
        self.events
    }
}
