//! One group of resources: who holds which, and who waits. Pure.
//!
//! A freed resource goes to whoever waits longest and takes it; so a resource is free only while
//! nobody waits for it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use weir_domain::{Millis, ReservationId, ResourceName, Timestamp};

use super::{Ended, Event, Waiter};

/// Who waited while nobody answered has so long to ask again.
const RESUME_WITHIN_MS: i64 = 30_000;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    /// In the order in which they were declared.
    pub(super) resources: Vec<Resource>,
    /// Who came first stands first.
    pub(super) waiting: VecDeque<Waiter>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Resource {
    pub(super) name: ResourceName,
    pub(super) holding: Option<Holding>,
    /// It is not there any more: gone as soon as nobody holds it.
    pub(super) is_retired: bool,
}

/// Somebody's right to a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holding {
    pub reservation: ReservationId,
    /// `node-name#incarnation`.
    pub owner: String,
    pub since: Timestamp,
    /// How long it holds after each renewal. `None`: until it is given back.
    pub lease: Option<Millis>,
    pub renewed_at: Timestamp,
}

impl Holding {
    /// When it ends unless it is renewed.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let lease = i64::try_from(self.lease?.0).unwrap_or(i64::MAX);
        Some(Timestamp(self.renewed_at.0.saturating_add(lease)))
    }

    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|it| it <= now)
    }
}

impl Resource {
    fn is_free(&self) -> bool {
        self.holding.is_none() && !self.is_retired
    }
}

impl Group {
    pub(super) fn holdings(&self) -> impl Iterator<Item = (&ResourceName, &Holding)> {
        self.resources.iter().filter_map(|it| Some((&it.name, it.holding.as_ref()?)))
    }

    pub(super) fn held_by(&self, reservation: ReservationId) -> Option<&ResourceName> {
        self.holdings().find(|it| it.1.reservation == reservation).map(|it| it.0)
    }

    /// How many stand before it.
    pub(super) fn place_of(&self, reservation: ReservationId) -> Option<usize> {
        self.waiting.iter().position(|it| it.reservation == reservation)
    }

    pub(super) fn has(&self, name: &ResourceName) -> bool {
        self.resources.iter().any(|it| it.name == *name && !it.is_retired)
    }

    /// The first free one that is wanted.
    pub(super) fn free(&self, wanted: Option<&ResourceName>) -> Option<&ResourceName> {
        let is_wanted = |it: &&Resource| wanted.is_none_or(|wanted| it.name == *wanted);
        self.resources.iter().filter(|it| it.is_free()).find(is_wanted).map(|it| &it.name)
    }

    /// The waiter that is served now, and with what.
    pub(super) fn next_served(&self) -> Option<(&Waiter, &ResourceName)> {
        let served = |it| Some((it, self.free(Waiter::wanted(it))?));
        self.waiting.iter().find_map(served)
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Declared { resources, .. } => self.declare(resources),
            Event::Reserved { resource, holding, .. } => self.hold(resource, holding.clone()),
            Event::Queued { waiter, .. } => {
                match self.waiting.iter_mut().find(|it| it.reservation == waiter.reservation) {
                    Some(known) => known.until = waiter.until,
                    None => self.waiting.push_back(waiter.clone()),
                }
            }
            Event::Left { reservation, .. } => {
                self.waiting.retain(|it| it.reservation != *reservation);
            }
            Event::Freed { reservation, .. } => self.free_of(*reservation),
            Event::Renewed { reservations, at } => {
                let renewed = self.held_mut().filter(|it| reservations.contains(&it.reservation));
                renewed.for_each(|it| it.renewed_at = it.renewed_at.max(*at));
            }
            Event::Resumed { at } => {
                self.held_mut().for_each(|it| it.renewed_at = it.renewed_at.max(*at));
                let patience = Timestamp(at.0.saturating_add(RESUME_WITHIN_MS));
                self.waiting.iter_mut().for_each(|it| it.until = it.until.max(patience));
            }
        }
    }

    fn held_mut(&mut self) -> impl Iterator<Item = &mut Holding> {
        self.resources.iter_mut().filter_map(|it| it.holding.as_mut())
    }

    fn declare(&mut self, names: &[ResourceName]) {
        for it in &mut self.resources {
            it.is_retired = !names.contains(&it.name);
        }
        self.resources.retain(|it| !it.is_retired || it.holding.is_some());
        for name in names {
            if !self.resources.iter().any(|it| it.name == *name) {
                let name = name.clone();
                self.resources.push(Resource { name, holding: None, is_retired: false });
            }
        }
    }

    fn hold(&mut self, name: &ResourceName, holding: Holding) {
        self.waiting.retain(|it| it.reservation != holding.reservation);
        let resource = self.resources.iter_mut().find(|it| it.name == *name);
        let resource = resource.expect("Q1: what is reserved is declared");
        assert!(resource.holding.is_none(), "Q1: {name} is reserved twice");
        resource.holding = Some(holding);
    }

    fn free_of(&mut self, reservation: ReservationId) {
        for it in &mut self.resources {
            it.holding.take_if(|it| it.reservation == reservation);
        }
        self.resources.retain(|it| !it.is_retired || it.holding.is_some());
    }

    /// Who no longer holds, or no longer waits, for that reason.
    pub(super) fn ended(
        &self,
        is_meant: impl Fn(&ResourceName, &Holding) -> bool,
    ) -> Vec<ReservationId> {
        self.holdings().filter(|it| is_meant(it.0, it.1)).map(|it| it.1.reservation).collect()
    }
}

impl Ended {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::OwnerGone => "owner gone",
        }
    }
}
