//! What becomes of a job that failed: it is begun again, later and later, and in the end not at all.
//!
//! What the world outside has done (a broker that is away, a full disk) is tried again for ever: it
//! mends itself, or somebody mends it who need not know of us. What comes from the job itself (its
//! data, its configuration, a panic) has a budget.

use std::time::Duration;

use weir_domain::{Fault, FaultKind};
use weir_runtime::{RestartPolicy, Restarts, Verdict};

use crate::life::SOURCE_PANICKED;
use crate::pipeline::{ACTOR_FAILED, STAGE_PANICKED};

/// The failures of one job at one instance.
#[derive(Debug)]
pub(super) struct Failures {
    policy: RestartPolicy,
    restarts: Restarts,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// It may be begun again after that.
    After(Duration),
    /// Not before a person has looked at this.
    GivenUp(Fault),
}

impl Failures {
    pub(super) fn new(policy: RestartPolicy) -> Self {
        Self { policy, restarts: Restarts::new(policy) }
    }

    /// The job failed at `now` (since any fixed moment) after it had run for `ran`.
    pub(super) fn failed(
        &mut self,
        job: &str,
        fault: &Fault,
        (now, ran): (Duration, Duration),
        chance: f64,
    ) -> Next {
        if !counts(fault) {
            return Next::After(self.restarts.waits(ran, chance));
        }
        match self.restarts.failed(now, ran, chance) {
            Verdict::Restart { after, .. } => Next::After(after),
            Verdict::GiveUp => Next::GivenUp(self.given_up(job, fault)),
        }
    }

    fn given_up(&self, job: &str, fault: &Fault) -> Fault {
        let (times, window) = (self.policy.budget.max + 1, self.policy.budget.window.as_secs());
        let cause = &fault.message;
        let message = format!(
            "{job} failed {times} times within {window} s, and is not begun again: {cause}"
        );
        let hint = fault.hint.as_ref().map(|it| format!("{it}; ")).unwrap_or_default();
        let hint = format!(
            "{hint}once that is mended, let it begin anew: set its target to 0 and back (weir \
             scheduler set), or deploy a new version"
        );
        Fault { message, hint: Some(hint), ..fault.clone() }
    }
}

/// Whether it comes from the job itself.
fn counts(fault: &Fault) -> bool {
    match fault.kind {
        FaultKind::Data | FaultKind::Config => true,
        FaultKind::Transient => {
            [STAGE_PANICKED, ACTOR_FAILED, SOURCE_PANICKED].contains(&fault.code.0)
        }
        FaultKind::Stopped => false,
    }
}

#[cfg(test)]
mod tests {
    use weir_runtime::{Backoff, RestartBudget};

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn failures() -> Failures {
        Failures::new(RestartPolicy {
            backoff: Backoff { min: seconds(1), max: seconds(4), jitter: 0.0 },
            budget: RestartBudget { max: 2, window: seconds(60) },
            ..RestartPolicy::default()
        })
    }

    #[test]
    fn what_comes_from_the_job_is_tried_so_often_and_then_told_with_its_cause() {
        let panicked = Fault::transient(STAGE_PANICKED, "stage a panicked");
        for fault in [Fault::data(1, "bad"), Fault::config(2, "wrong"), panicked] {
            let mut failures = failures();
            let mut next = |at| failures.failed("lane-1", &fault, (seconds(at), seconds(0)), 0.0);
            assert_eq!([next(0), next(1)], [1, 2].map(|it| Next::After(seconds(it))));
            let Next::GivenUp(told) = next(3) else { panic!("the budget is spent") };
            assert_eq!((told.kind, told.code), (fault.kind, fault.code));
            assert!(told.message.starts_with("lane-1 failed 3 times within 60 s"), "{told}");
            assert!(told.message.ends_with(&fault.message), "{told}");
        }
    }

    #[test]
    fn what_the_world_does_is_tried_for_ever() {
        let mut failures = failures();
        for fault in [Fault::transient(1, "the broker is away"), Fault::stopped("deposed")] {
            for at in 0..50 {
                let next = failures.failed("lane-1", &fault, (seconds(at), seconds(0)), 0.0);
                assert!(matches!(next, Next::After(_)), "{next:?}");
            }
        }
        let next =
            failures.failed("lane-1", &Fault::data(1, "bad"), (seconds(50), seconds(0)), 0.0);
        assert_eq!(next, Next::After(seconds(4)), "its budget is whole");
    }
}
