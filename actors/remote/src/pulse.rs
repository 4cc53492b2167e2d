//! Heartbeats of all links: one task says a word on each, and ends those that are silent.
//!
//! While a peer is heard anyhow, it is asked for a sign of life only now and then, to measure the
//! way. Both sides do so, and a question is answered: so neither is silent for the other.
//!
//! A tick that comes late says that this process was asleep or starved, and nothing about its
//! peers: their silence is counted anew.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use weir_runtime::Stopwatch;

use crate::event::Cause;
use crate::hub::Hub;

/// How many beats there are between two measurements of the way.
const MEASURED_EVERY: u32 = 4;

impl Hub {
    pub(crate) fn beat_all(self: &Arc<Self>) {
        let hub = self.clone();
        self.system.tasks().spawn("peer heartbeats", async move {
            let every = hub.settings.heartbeat_every;
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut last = Stopwatch::start();
            let mut number = 0_u32;
            while hub.stopping.run_until_cancelled(ticks.tick()).await.is_some() {
                let was_asleep = is_late(last.elapsed(), every, hub.settings.heartbeat_deadline);
                last = Stopwatch::start();
                hub.beat(was_asleep, number.is_multiple_of(MEASURED_EVERY));
                number = number.wrapping_add(1);
            }
        });
    }

    fn beat(&self, was_asleep: bool, measures: bool) {
        let every = self.settings.heartbeat_every;
        for link in self.all() {
            if was_asleep {
                link.excuse();
            }
            let silence = link.silence();
            if silence > self.settings.heartbeat_deadline {
                link.end(Cause::Silent(silence));
            } else if measures || silence >= every || link.rtt().is_none() {
                link.beat();
            }
        }
        self.refresh();
    }
}

/// Half of the deadline is missing in which the peer could have been heard.
fn is_late(length: Duration, every: Duration, deadline: Duration) -> bool {
    length > every + deadline / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_late_when_the_process_slept_through_half_a_deadline() {
        let of = |millis| {
            is_late(
                Duration::from_millis(millis),
                Duration::from_millis(500),
                Duration::from_secs(3),
            )
        };
        assert_eq!([500, 1_900, 2_001, 30_000].map(of), [false, false, true, true]);
    }
}
