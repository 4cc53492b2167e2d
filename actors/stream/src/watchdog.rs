//! Stages that hang: those in a call of a connector or an operator that does not come back.
//!
//! Whoever waits for a neighbour, for credit or for a barrier is in no such call: its neighbour is. Whoever
//! waits for what comes back by itself says what that is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use weir_domain::{Fault, StageId, Timestamp};

use crate::Counters;

/// After how long it is told, at the latest: many calls may take a while.
const TOLD_AFTER: Duration = Duration::from_secs(30);
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Watchdog {
    stages: BTreeMap<StageId, Arc<Counters>>,
    /// How long a call may take.
    within: Duration,
    /// What was told last, so that it is told in the same words as long as it goes on.
    told: Option<(StageId, &'static str, Timestamp)>,
}

impl Watchdog {
    pub(crate) fn new(stages: BTreeMap<StageId, Arc<Counters>>, within: Duration) -> Self {
        Self { stages, within, told: None }
    }

    /// The call that goes on for longest.
    fn longest(&self) -> Option<(&StageId, &'static str, Duration)> {
        let calls = self.stages.iter().filter_map(|(id, it)| it.in_call().map(|of| (id, of)));
        calls.map(|(id, (what, length))| (id, what, length)).max_by_key(|it| it.2)
    }

    /// What a stage waits for, which it knows: it does not hang.
    pub(crate) fn awaited(&self) -> Option<Fault> {
        self.stages.values().find_map(|it| it.awaited())
    }

    /// What hangs for so long that somebody should know, and whether that is news.
    pub(crate) fn told(&mut self, now: Timestamp) -> Option<(Fault, bool)> {
        let after = TOLD_AFTER.min(self.within / 2);
        let found = self.longest().filter(|it| it.2 >= after);
        let found = found.map(|(id, what, length)| (id.clone(), what, earlier(now, length)));
        let is_same = match (&self.told, &found) {
            (Some(told), Some(found)) => (&told.0, told.1) == (&found.0, found.1),
            _ => false,
        };
        if !is_same {
            self.told = found;
        }
        let (id, what, since) = self.told.as_ref()?;
        Some((told(format!("stage {id} is {what} since {since}, without an end")), !is_same))
    }

    /// Resolves when a stage hangs for too long.
    pub(crate) async fn hangs(&self) -> Fault {
        loop {
            let longest = self.longest();
            if let Some((id, what, length)) = longest.filter(|it| it.2 >= self.within) {
                return hangs(id, what, length);
            }
            let left = self.within.saturating_sub(longest.map(|it| it.2).unwrap_or_default());
            tokio::time::sleep(left.clamp(Duration::from_millis(1), LOOK_EVERY)).await;
        }
    }
}

const HINT: &str = "look at what it waits for: a server, a lock, a mount that hangs; how long it may \
                    take is supervision.progress-timeout";

/// A stage is in a call for too long.
pub(crate) fn hangs(stage: &StageId, what: &str, length: Duration) -> Fault {
    told(format!("stage {stage} was {what} for {} s, without an end", length.as_secs()))
}

fn told(message: String) -> Fault {
    Fault::transient(3197, message).with_hint(HINT)
}

fn earlier(now: Timestamp, length: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_stage_is_named_that_is_in_a_call_for_longest() {
        let id = |it: &str| StageId::new(it).unwrap();
        let (idle, busy) = (Arc::new(Counters::default()), Arc::new(Counters::default()));
        let stages = BTreeMap::from([(id("idle"), idle.clone()), (id("busy"), busy.clone())]);
        let mut watchdog = Watchdog::new(stages, Duration::from_millis(4));
        drop(idle.calling("reading"));
        assert_eq!(watchdog.told(Timestamp(0)), None);
        let call = busy.calling("writing");
        let fault = watchdog.hangs().await;
        assert!(fault.message.starts_with("stage busy was writing for"), "{fault}");
        let (told, is_news) = watchdog.told(Timestamp(86_400_000)).unwrap();
        assert!(told.message.starts_with("stage busy is writing since 1970-01-01T23"), "{told}");
        assert!(is_news);
        assert_eq!(watchdog.told(Timestamp(99_000_000)), Some((told, false)), "in the same words");
        drop(call);
        assert_eq!(watchdog.told(Timestamp(0)), None);
    }
}
