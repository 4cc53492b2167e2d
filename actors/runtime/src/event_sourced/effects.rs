//! Which effects run, which rest after an attempt, and which may begin. Bookkeeping only: whoever
//! holds this starts what `begin` names and reports what became of it.
//!
//! An effect is known by its value. Effects that the state no longer owes are forgotten, unless
//! they run; so the list is never longer than what runs plus what is owed.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::Backoff;

pub(super) struct Effects<E> {
    entries: Vec<Entry<E>>,
    at_once: usize,
}

struct Entry<E> {
    effect: Arc<E>,
    failures: u32,
    phase: Phase,
}

enum Phase {
    Running(Option<AbortHandle>),
    Resting { until: Duration },
}

impl<E: PartialEq> Effects<E> {
    pub(super) fn new(at_once: usize) -> Self {
        Self { entries: Vec::new(), at_once: at_once.max(1) }
    }

    /// The effects to be started now, given all that is owed.
    pub(super) fn begin(&mut self, owed: Vec<E>, now: Duration) -> Vec<Arc<E>> {
        self.entries.retain(|it| it.is_running() || owed.contains(&it.effect));
        let mut room = self.at_once.saturating_sub(self.running());
        let mut begun = Vec::new();
        for effect in owed {
            if room == 0 {
                break;
            }
            if let Some(effect) = self.begin_one(effect, now) {
                begun.push(effect);
                room -= 1;
            }
        }
        begun
    }

    fn begin_one(&mut self, effect: E, now: Duration) -> Option<Arc<E>> {
        match self.entries.iter_mut().find(|it| *it.effect == effect) {
            Some(entry) if entry.may_begin(now) => {
                entry.phase = Phase::Running(None);
                Some(entry.effect.clone())
            }
            Some(_) => None,
            None => {
                let effect = Arc::new(effect);
                let phase = Phase::Running(None);
                self.entries.push(Entry { effect: effect.clone(), failures: 0, phase });
                Some(effect)
            }
        }
    }

    /// Remembers how to cancel a running effect.
    pub(super) fn started(&mut self, effect: &Arc<E>, cancel: AbortHandle) {
        if let Some(entry) = self.entry(effect) {
            entry.phase = Phase::Running(Some(cancel));
        }
    }

    /// It is done. If the state still owes it, it runs again after the rest.
    pub(super) fn succeeded(&mut self, effect: &Arc<E>, now: Duration, rest: Duration) {
        if let Some(entry) = self.entry(effect) {
            entry.failures = 0;
            entry.phase = Phase::Resting { until: now + rest };
        }
    }

    /// It failed; the number of failures in a row is returned.
    pub(super) fn failed(
        &mut self,
        effect: &Arc<E>,
        now: Duration,
        (retry, chance): (&Backoff, f64),
    ) -> u32 {
        let Some(entry) = self.entry(effect) else {
            return 0;
        };
        entry.failures = entry.failures.saturating_add(1);
        entry.phase = Phase::Resting { until: now + retry.delay(entry.failures, chance) };
        entry.failures
    }

    /// It did not run to its end, and is no worse for it.
    pub(super) fn cancelled(&mut self, effect: &Arc<E>) {
        self.entries.retain(|it| !Arc::ptr_eq(&it.effect, effect));
    }

    /// When the first resting effect may run again.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let resting = self.entries.iter().filter_map(|it| match it.phase {
            Phase::Running(_) => None,
            Phase::Resting { until } => Some(until),
        });
        resting.min()
    }

    fn entry(&mut self, effect: &Arc<E>) -> Option<&mut Entry<E>> {
        self.entries.iter_mut().find(|it| Arc::ptr_eq(&it.effect, effect))
    }

    fn running(&self) -> usize {
        self.entries.iter().filter(|it| it.is_running()).count()
    }
}

impl<E> Entry<E> {
    fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    fn may_begin(&self, now: Duration) -> bool {
        matches!(self.phase, Phase::Resting { until } if until <= now)
    }
}

impl<E> Drop for Effects<E> {
    /// The next incarnation begins them anew; the old ones must not run beside them.
    fn drop(&mut self) {
        for entry in &self.entries {
            if let Phase::Running(Some(cancel)) = &entry.phase {
                cancel.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Backoff =
        Backoff { min: Duration::from_secs(1), max: Duration::from_secs(4), jitter: 0.0 };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn values(begun: &[Arc<u32>]) -> Vec<u32> {
        begun.iter().map(|it| **it).collect()
    }

    #[test]
    fn one_effect_runs_once_at_a_time_and_no_more_than_the_limit_do() {
        let mut effects = Effects::new(2);
        let begun = effects.begin(vec![1, 2, 3], at(0));
        assert_eq!(values(&begun), [1, 2]);
        assert!(effects.begin(vec![1, 2, 3], at(0)).is_empty());
        effects.succeeded(&begun[0], at(0), at(30));
        assert_eq!(values(&effects.begin(vec![2, 3], at(0))), [3]);
    }

    #[test]
    fn a_failure_is_tried_again_later_and_later() {
        let mut effects = Effects::new(8);
        let effect = effects.begin(vec![1], at(0)).remove(0);
        assert_eq!(effects.failed(&effect, at(0), (&RETRY, 0.0)), 1);
        assert!(effects.begin(vec![1], Duration::from_millis(999)).is_empty());
        assert_eq!(values(&effects.begin(vec![1], at(1))), [1]);
        assert_eq!(effects.failed(&effect, at(1), (&RETRY, 0.0)), 2);
        assert_eq!(effects.next_due(), Some(at(3)));
    }

    #[test]
    fn what_is_owed_again_after_it_was_settled_begins_at_once() {
        let mut effects = Effects::new(8);
        let effect = effects.begin(vec![1], at(0)).remove(0);
        effects.succeeded(&effect, at(0), at(30));
        assert!(effects.begin(vec![1], at(1)).is_empty(), "still owed: it rests first");
        assert!(effects.begin(vec![], at(2)).is_empty());
        assert_eq!(values(&effects.begin(vec![1], at(3))), [1]);
    }
}
