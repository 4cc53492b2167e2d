//! Without the lease: when to try to take it.

use std::time::Duration;

use weir_domain::{Incarnation, NodeUid};
use weir_persistence_api::Fence;

use super::hold::Held;
use super::{Action, Fate, Phase, Rule, Sight, Way, may_force};

/// A chance to take the lease.
struct Chance {
    way: Way,
    epoch: u64,
    /// Whoever has it; it does not compete.
    holder: Option<NodeUid>,
    /// How many others go first.
    rank: u32,
}

impl Rule {
    pub(super) fn compete(&mut self, now: Duration, sight: &Sight<'_>) -> Vec<Action> {
        if self.is_leaving {
            self.phase = Phase::Stopped;
            return Vec::new();
        }
        if self.is_well_elsewhere(now, sight) {
            self.trouble = None;
        }
        let Some(chance) = self.chance(now, sight) else {
            self.open = None;
            return Vec::new();
        };
        let key = (chance.way, chance.epoch);
        let since = match self.open {
            Some((open, since)) if open == key => since,
            Some(_) | None => now,
        };
        self.open = Some((key, since));
        let turn = (since + self.timing.rank_step * chance.rank).max(self.retry_at);
        if now < turn {
            self.wake(turn);
            return Vec::new();
        }
        self.phase = Phase::Acquiring;
        self.asked_at = now;
        self.open = None;
        vec![match (chance.way, sight.row) {
            (Way::Force, Some(row)) => Action::Force { owner: row.owner.clone(), epoch: row.epoch },
            (Way::Force | Way::Acquire, _) => Action::Acquire,
        }]
    }

    /// An attempt whose outcome never comes must not keep this node from trying again. What is
    /// granted later is given back.
    pub(super) fn await_grant(&mut self, now: Duration) -> Vec<Action> {
        let until = self.asked_at + self.timing.ttl;
        if now < until {
            self.wake(until);
            return Vec::new();
        }
        self.denied(now, Some("what became of the attempt to take the lease is not known".into()))
    }

    /// Whether somebody else has got it since this node tried last: what was in the way then is nobody's trouble now.
    fn is_well_elsewhere(&self, now: Duration, sight: &Sight<'_>) -> bool {
        sight.row.is_some_and(|it| {
            let is_theirs = !it.is_free() && it.owner != self.owner;
            let is_gone = it.holder().is_some_and(|it| may_force(sight.facts, &it));
            is_theirs && !is_gone && it.read_at >= self.changed_at && now < it.expires_at
        })
    }

    fn chance(&mut self, now: Duration, sight: &Sight<'_>) -> Option<Chance> {
        if !sight.facts.is_candidate(self.me.uid) {
            return None;
        }
        let good_since = sight.good_since?;
        let acquire = |epoch, holder| Chance { way: Way::Acquire, epoch, holder, rank: 0 };
        let chance = match sight.row {
            None => acquire(0, None),
            Some(row) if row.read_at < self.changed_at => return None,
            Some(row) if row.is_free() => acquire(row.epoch, None),
            // An answer was lost, or the instance of this very lease was given up.
            Some(row) if row.owner == self.owner => return Some(acquire(row.epoch, None)),
            Some(row) => {
                let holder = row.holder();
                let is_theirs = holder.as_ref().is_some_and(|it| may_force(sight.facts, it));
                let way = if is_theirs { Way::Force } else { Way::Acquire };
                let not_before = match way {
                    Way::Force => Duration::ZERO,
                    Way::Acquire => {
                        self.expired(sight, holder.as_ref(), row.expires_at, good_since)
                    }
                };
                if now < not_before {
                    self.wake(not_before);
                    return None;
                }
                Chance { way, epoch: row.epoch, holder: holder.map(|it| it.uid), rank: 0 }
            }
        };
        let rank = self.rank(now, sight, chance.holder);
        Some(Chance { rank, ..chance })
    }

    /// When a lease that was not renewed may be competed for. After an outage of the store its
    /// holder, if it may still be there, has one renewal's time to come back to it.
    fn expired(
        &self,
        sight: &Sight<'_>,
        holder: Option<&Incarnation>,
        expires_at: Duration,
        good_since: Duration,
    ) -> Duration {
        match holder.map(|it| sight.facts.fate(it.uid)) {
            Some(Fate::Present | Fate::Unreachable) => {
                expires_at.max(good_since + self.timing.renew_every)
            }
            Some(Fate::Gone | Fate::Removed | Fate::Unknown) | None => expires_at,
        }
    }

    /// The place in the order in which the candidates try: where it should be first, then by age,
    /// and last where it could not be started.
    fn rank(&self, now: Duration, sight: &Sight<'_>, holder: Option<NodeUid>) -> u32 {
        if now < self.yields_until {
            return u32::try_from(sight.facts.candidates.len()).unwrap_or(u32::MAX);
        }
        let preferred = sight.preferred.filter(|it| Some(*it) != holder);
        if preferred == Some(self.me.uid) {
            return 0;
        }
        let others = sight.facts.candidates.iter().map(|it| it.uid);
        let before = others
            .filter(|it| Some(*it) != holder && Some(*it) != preferred)
            .take_while(|it| *it != self.me.uid)
            .count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(u32::from(preferred.is_some()))
    }

    pub(super) fn granted(
        &mut self,
        now: Duration,
        fence: Fence,
        asked_at: Duration,
    ) -> Vec<Action> {
        if self.phase != Phase::Acquiring {
            return vec![Action::Release(fence)];
        }
        self.changed_at = now;
        self.trouble = None;
        let epoch = fence.epoch;
        self.held = Some(Held::new(fence.clone(), asked_at, &self.timing));
        if self.is_leaving {
            return self.hand_over(now, None);
        }
        self.phase = Phase::Recovering;
        vec![Action::AnnounceTaken { epoch }, Action::Start(fence)]
    }

    pub(super) fn denied(&mut self, now: Duration, cause: Option<String>) -> Vec<Action> {
        if self.phase == Phase::Acquiring {
            self.trouble = cause;
            self.without(now);
            self.retry_at = now + self.timing.retry;
            self.wake(self.retry_at);
        }
        Vec::new()
    }
}
