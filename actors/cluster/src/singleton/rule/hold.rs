//! With the lease: renewing it, living within it, and giving it away.

use std::time::Duration;

use weir_domain::{Fault, Incarnation, NodeUid};
use weir_persistence_api::Fence;

use super::{Action, Fate, Phase, Rule, Sight, Timing, is_loss};

/// A lease that is here.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) fence: Fence,
    /// The instance may act until then.
    pub(super) deadline: Duration,
    renew_at: Duration,
    is_renewing: bool,
    /// When to start the instance (again). `None`: it is being started, or runs.
    start_at: Option<Duration>,
    starts_failed: u32,
    /// Why it does not run, since it last failed.
    failure: Option<Failure>,
    is_suspended: bool,
    /// When it began to be active, or came here.
    active_since: Duration,
    release: Release,
}

#[derive(Debug)]
struct Failure {
    text: String,
    /// It would do harm elsewhere: see [`is_loss`].
    is_loss: bool,
}

/// How far the giving back is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Release {
    NotYet,
    At(Duration),
    UnderWay,
}

impl Held {
    pub(super) fn new(fence: Fence, asked_at: Duration, timing: &Timing) -> Self {
        Self {
            fence,
            deadline: deadline(asked_at, timing),
            renew_at: asked_at + timing.renew_every,
            is_renewing: false,
            start_at: None,
            starts_failed: 0,
            failure: None,
            is_suspended: false,
            active_since: asked_at,
            release: Release::NotYet,
        }
    }

    fn is_over(&self, now: Duration) -> bool {
        now >= self.deadline
    }

    pub(super) fn waits_for_journal(&self) -> bool {
        self.failure.as_ref().is_some_and(|it| it.is_loss)
    }

    pub(super) fn why_not_started(&self) -> Option<&str> {
        self.failure.as_ref().map(|it| it.text.as_str())
    }
}

fn deadline(asked_at: Duration, timing: &Timing) -> Duration {
    asked_at + timing.ttl.saturating_sub(timing.margin)
}

impl Rule {
    pub(super) fn keep(&mut self, now: Duration, sight: &Sight<'_>) -> Vec<Action> {
        if self.is_taken_away(sight) {
            return self.lost(now);
        }
        let mut actions = self.live_within(now);
        match self.phase {
            Phase::Recovering | Phase::Active | Phase::Suspended => {
                actions.extend(self.stay_or_go(now, sight));
            }
            Phase::HandingOver { until, .. } => actions.extend(self.give_back(now, until)),
            Phase::Standby | Phase::Acquiring | Phase::Stopped => {}
        }
        actions
    }

    /// An instance that does not start, or may not act, keeps the lease from nobody either; but one
    /// whose journal lost what was acknowledged here would go on elsewhere as if that had never been.
    fn stay_or_go(&mut self, now: Duration, sight: &Sight<'_>) -> Vec<Action> {
        if self.waits_for_journal() {
            return self.start_again(now).into_iter().collect();
        }
        if let Some(to) = self.better_place(now, sight) {
            return self.hand_over(now, Some(to));
        }
        if self.phase != Phase::Recovering {
            return Vec::new();
        }
        if self.gives_up(sight) {
            self.yields_until = now + self.timing.yield_for;
            return self.hand_over(now, None);
        }
        self.start_again(now).into_iter().collect()
    }

    /// Whether it has failed to start so often that another node should try.
    fn gives_up(&self, sight: &Sight<'_>) -> bool {
        let failed = self.held.as_ref().map_or(0, |it| it.starts_failed);
        let mut others = sight.facts.candidates.iter().filter(|it| it.uid != self.me.uid);
        let is_there = |it: &Incarnation| sight.facts.fate(it.uid) == Fate::Present;
        failed >= self.timing.starts_max && sight.good_since.is_some() && others.any(is_there)
    }

    /// Whether a row that is newer than the grant names somebody else, as after a change by hand.
    fn is_taken_away(&self, sight: &Sight<'_>) -> bool {
        let (Some(held), Some(row)) = (&self.held, sight.row) else { return false };
        if held.release == Release::UnderWay {
            return false;
        }
        let is_newer = row.read_at > self.changed_at && row.epoch >= held.fence.epoch;
        is_newer && (row.epoch != held.fence.epoch || row.owner != self.owner)
    }

    /// Renews the lease in time, and suspends the instance where that did not succeed.
    fn live_within(&mut self, now: Duration) -> Vec<Action> {
        let Some(held) = &mut self.held else { return Vec::new() };
        let mut actions = Vec::new();
        let (deadline, renew_at) = (held.deadline, held.renew_at);
        if held.is_over(now) && !held.is_suspended {
            held.is_suspended = true;
            match self.phase {
                Phase::Active => {
                    self.phase = Phase::Suspended;
                    actions.push(Action::Suspend);
                }
                Phase::HandingOver { .. } => actions.push(Action::Suspend),
                // There is no instance yet; it will find itself suspended.
                Phase::Recovering | Phase::Suspended => {}
                Phase::Standby | Phase::Acquiring | Phase::Stopped => {}
            }
        }
        let is_due = now >= renew_at && !held.is_renewing && held.release != Release::UnderWay;
        if is_due {
            held.is_renewing = true;
            actions.push(Action::Renew(held.fence.clone()));
        } else if !held.is_renewing {
            self.wake(renew_at);
        }
        if now < deadline {
            self.wake(deadline);
        }
        actions
    }

    fn start_again(&mut self, now: Duration) -> Option<Action> {
        let held = self.held.as_mut()?;
        let at = held.start_at?;
        if now < at {
            self.wake(at);
            return None;
        }
        held.start_at = None;
        Some(Action::Start(held.fence.clone()))
    }

    /// Where the singleton should rather be. A node that may not have it gives it away at once;
    /// otherwise nothing moves before everything has been quiet for a while.
    fn better_place(&mut self, now: Duration, sight: &Sight<'_>) -> Option<NodeUid> {
        let preferred = sight.preferred.filter(|it| *it != self.me.uid)?;
        let can_take = sight.facts.fate(preferred) == Fate::Present && sight.good_since.is_some();
        if !can_take {
            return None;
        }
        if sight.facts.is_candidate(self.me.uid) {
            let active_since = self.held.as_ref().map_or(now, |it| it.active_since);
            let quiet_at = self.settled_since.max(active_since) + self.timing.settled_after;
            if now < quiet_at {
                self.wake(quiet_at);
                return None;
            }
        }
        Some(preferred)
    }

    pub(super) fn hand_over(&mut self, now: Duration, to: Option<NodeUid>) -> Vec<Action> {
        let within = self.timing.hand_over_within;
        self.phase = Phase::HandingOver { to, until: now + within };
        let fence = self.held.as_ref().map(|it| it.fence.clone());
        fence.into_iter().map(|fence| Action::Finish { fence, within }).collect()
    }

    pub(super) fn finished(&mut self) -> Vec<Action> {
        match (&mut self.held, self.phase) {
            (Some(held), Phase::HandingOver { .. }) => {
                held.release = Release::UnderWay;
                vec![Action::Release(held.fence.clone())]
            }
            _ => Vec::new(),
        }
    }

    fn give_back(&mut self, now: Duration, until: Duration) -> Option<Action> {
        let held = self.held.as_mut()?;
        match held.release {
            // The store does not take it: it expires.
            Release::At(_) if now >= until => {
                self.without(now);
                None
            }
            Release::At(at) if now >= at => {
                held.release = Release::UnderWay;
                Some(Action::Release(held.fence.clone()))
            }
            Release::At(at) => {
                self.wake(at);
                None
            }
            Release::NotYet | Release::UnderWay => None,
        }
    }

    pub(super) fn released(&mut self, now: Duration) -> Vec<Action> {
        let epoch = self.held.as_ref().map_or(0, |it| it.fence.epoch);
        let to = match self.phase {
            Phase::HandingOver { to, .. } => to,
            _ => None,
        };
        self.trouble = None;
        self.without(now);
        // Whoever should have it gets the time to take it.
        self.retry_at = now + self.timing.rank_step;
        vec![Action::AnnounceReleased { epoch, to }]
    }

    pub(super) fn not_released(&mut self, now: Duration, cause: String) -> Vec<Action> {
        self.trouble = Some(cause);
        let at = now + self.timing.retry;
        if let Some(held) = &mut self.held {
            held.release = Release::At(at);
        }
        self.wake(at);
        Vec::new()
    }

    pub(super) fn renewed(&mut self, now: Duration, asked_at: Duration) -> Vec<Action> {
        let timing = self.timing;
        let Some(held) = &mut self.held else { return Vec::new() };
        held.is_renewing = false;
        held.deadline = held.deadline.max(deadline(asked_at, &timing));
        held.renew_at = asked_at + timing.renew_every;
        let renew_at = held.renew_at;
        let mut actions = Vec::new();
        if held.is_suspended && !held.is_over(now) {
            held.is_suspended = false;
            match self.phase {
                Phase::Suspended => {
                    self.phase = Phase::Active;
                    actions.push(Action::Resume);
                }
                Phase::HandingOver { .. } => actions.push(Action::Resume),
                Phase::Recovering
                | Phase::Active
                | Phase::Standby
                | Phase::Acquiring
                | Phase::Stopped => {}
            }
        }
        self.trouble = None;
        self.wake(renew_at);
        actions
    }

    pub(super) fn not_renewed(&mut self, now: Duration, cause: String) -> Vec<Action> {
        let at = now + self.timing.retry;
        if let Some(held) = &mut self.held {
            held.is_renewing = false;
            held.renew_at = at;
        }
        self.trouble = Some(cause);
        self.wake(at);
        Vec::new()
    }

    /// A renewal found that the lease is not here.
    pub(super) fn not_ours(&mut self, now: Duration) -> Vec<Action> {
        match &self.held {
            // It was overtaken by the giving back, whose own report is on its way.
            Some(held) if held.release == Release::UnderWay => Vec::new(),
            _ => self.lost(now),
        }
    }

    fn lost(&mut self, now: Duration) -> Vec<Action> {
        self.without(now);
        self.trouble = None;
        vec![Action::Abandon]
    }

    pub(super) fn started(&mut self, now: Duration) -> Vec<Action> {
        let Some(held) = self.held.as_mut().filter(|_| self.phase == Phase::Recovering) else {
            return Vec::new();
        };
        held.starts_failed = 0;
        held.failure = None;
        held.active_since = now;
        held.is_suspended = held.is_over(now);
        self.trouble = None;
        if held.is_suspended {
            self.phase = Phase::Suspended;
            return vec![Action::Suspend];
        }
        self.phase = Phase::Active;
        Vec::new()
    }

    pub(super) fn not_started(&mut self, now: Duration, fault: &Fault) -> Vec<Action> {
        if self.phase == Phase::Recovering {
            self.start_later(now, fault);
        }
        Vec::new()
    }

    pub(super) fn ended(&mut self, now: Duration, fault: &Fault) -> Vec<Action> {
        match self.phase {
            Phase::Recovering | Phase::Active | Phase::Suspended => {
                self.phase = Phase::Recovering;
                self.start_later(now, fault);
                // It may have ended because it is the writer no more: the store knows.
                if let Some(held) = &mut self.held {
                    held.renew_at = now;
                }
                self.wake(now);
                vec![Action::Abandon]
            }
            Phase::HandingOver { .. } | Phase::Standby | Phase::Acquiring | Phase::Stopped => {
                Vec::new()
            }
        }
    }

    fn start_later(&mut self, now: Duration, fault: &Fault) {
        let Some(held) = &mut self.held else { return };
        let doubled = self.timing.retry * 2_u32.saturating_pow(held.starts_failed.min(16));
        let longest = self.timing.start_retry_max;
        let was_loss = held.waits_for_journal();
        // It stays one whatever else goes wrong meanwhile, until the instance runs.
        let is_loss = was_loss || is_loss(fault);
        let hint = fault.hint.iter().map(|it| format!("; {it}"));
        let text = hint.fold(fault.to_string(), |text, hint| text + &hint);
        held.failure = Some(Failure { text, is_loss });
        held.starts_failed += u32::from(!is_loss);
        let at = now + if was_loss { longest } else { doubled.min(longest) };
        held.start_at = Some(at);
        self.wake(at);
    }
}
