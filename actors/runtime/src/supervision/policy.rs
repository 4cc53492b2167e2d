//! Restarts as a function of the failures so far. No clock, no randomness: both arrive as values.

use std::collections::VecDeque;
use std::time::Duration;

/// How long to wait before trying again: doubling from `min` to `max`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    pub min: Duration,
    pub max: Duration,
    /// The share of the wait, in `0.0..=1.0`, that chance may add to it.
    pub jitter: f64,
}

impl Backoff {
    /// The wait before the given attempt (1 is the first), where `chance` is in `0.0..1.0`.
    pub fn delay(&self, attempt: u32, chance: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(30);
        let doubled = self.min.saturating_mul(1 << doublings).min(self.max.max(self.min));
        doubled.mul_f64(1.0 + self.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0))
    }
}

/// At most `max` restarts within any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartBudget {
    pub max: u32,
    pub window: Duration,
}

/// What a supervisor does when its child may not be started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// Shows the failure and waits for a person.
    Stay,
    /// Fails itself, so that its own supervisor decides.
    Escalate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RestartPolicy {
    pub backoff: Backoff,
    pub budget: RestartBudget,
    /// A child that ran this long is sound again: its next failure counts as the first.
    pub reset_after: Duration,
    /// How long a child may take to start.
    pub start_within: Duration,
    pub exhausted: Exhausted,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            backoff: Backoff {
                min: Duration::from_millis(200),
                max: Duration::from_secs(30),
                jitter: 0.2,
            },
            budget: RestartBudget { max: 10, window: Duration::from_secs(300) },
            reset_after: Duration::from_secs(60),
            start_within: Duration::from_secs(60),
            exhausted: Exhausted::Stay,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after the wait; this is the n-th attempt since it last was sound.
    Restart { attempt: u32, after: Duration },
    /// The budget is spent.
    GiveUp,
}

/// The restarts of one child.
#[derive(Debug, Clone)]
pub struct Restarts {
    policy: RestartPolicy,
    attempt: u32,
    /// When the child was started again, oldest first; none older than the window.
    recent: VecDeque<Duration>,
}

impl Restarts {
    pub fn new(policy: RestartPolicy) -> Self {
        Self { policy, attempt: 0, recent: VecDeque::new() }
    }

    /// The child failed at `now` (since any fixed moment) after it had run for `ran`.
    pub fn failed(&mut self, now: Duration, ran: Duration, chance: f64) -> Verdict {
        let RestartBudget { max, window } = self.policy.budget;
        while self.recent.front().is_some_and(|at| now.saturating_sub(*at) >= window) {
            self.recent.pop_front();
        }
        if self.recent.len() >= max as usize {
            return Verdict::GiveUp;
        }
        let after = self.waits(ran, chance);
        self.recent.push_back(now);
        Verdict::Restart { attempt: self.attempt, after }
    }

    /// The wait after something outside failed that the child needs: tried for ever, at no cost to the
    /// budget.
    pub fn waits(&mut self, ran: Duration, chance: f64) -> Duration {
        if ran >= self.policy.reset_after {
            self.attempt = 0;
        }
        self.attempt = self.attempt.saturating_add(1);
        self.policy.backoff.delay(self.attempt, chance)
    }

    /// Forgets all failures: a person has looked.
    pub fn forgive(&mut self) {
        self.attempt = 0;
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn policy(max: u32) -> RestartPolicy {
        RestartPolicy {
            backoff: Backoff { min: seconds(1), max: seconds(5), jitter: 0.0 },
            budget: RestartBudget { max, window: seconds(60) },
            reset_after: seconds(30),
            ..RestartPolicy::default()
        }
    }

    #[test]
    fn the_wait_doubles_to_its_bound_and_chance_adds_its_share() {
        let plain = Backoff { min: seconds(1), max: seconds(5), jitter: 0.0 };
        let waits: Vec<_> = (1..=5).map(|n| plain.delay(n, 0.9).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        let spread = Backoff { jitter: 0.5, ..plain };
        assert_eq!(spread.delay(1, 1.0), Duration::from_millis(1_500));
        assert_eq!(spread.delay(u32::MAX, 0.0), seconds(5));
    }

    #[test]
    fn a_child_that_ran_long_enough_begins_anew() {
        let mut restarts = Restarts::new(policy(10));
        let verdict = |attempt, after| Verdict::Restart { attempt, after: seconds(after) };
        assert_eq!(restarts.failed(seconds(0), seconds(0), 0.0), verdict(1, 1));
        assert_eq!(restarts.failed(seconds(1), seconds(0), 0.0), verdict(2, 2));
        assert_eq!(restarts.failed(seconds(40), seconds(37), 0.0), verdict(1, 1));
    }

    #[test]
    fn the_budget_counts_restarts_within_its_window_only() {
        let mut restarts = Restarts::new(policy(2));
        let mut failed = |at| restarts.failed(seconds(at), seconds(0), 0.0) == Verdict::GiveUp;
        assert_eq!([failed(0), failed(10), failed(59), failed(60)], [false, false, true, false]);
    }

    #[test]
    fn what_fails_outside_is_waited_for_longer_and_longer_and_costs_nothing() {
        let mut restarts = Restarts::new(policy(1));
        let waits: Vec<_> = (0..4).map(|_| restarts.waits(seconds(0), 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5]);
        assert_eq!(restarts.waits(seconds(30), 0.0), seconds(1), "it was sound meanwhile");
        assert_ne!(restarts.failed(seconds(0), seconds(0), 0.0), Verdict::GiveUp);
    }

    #[test]
    fn forgiving_gives_the_budget_back() {
        let mut restarts = Restarts::new(policy(0));
        assert_eq!(restarts.failed(seconds(0), seconds(0), 0.0), Verdict::GiveUp);
        let mut restarts = Restarts::new(policy(1));
        restarts.failed(seconds(0), seconds(0), 0.0);
        restarts.forgive();
        let verdict = Verdict::Restart { attempt: 1, after: seconds(1) };
        assert_eq!(restarts.failed(seconds(0), seconds(0), 0.0), verdict);
    }
}
