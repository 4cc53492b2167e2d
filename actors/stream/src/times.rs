//! How the time of a workflow's stages is spent on this engine: at work, or waiting for those behind.
//!
//! Of all pipelines together, since the engine started: what it is now is the difference of two readings. A
//! stage that is neither at work nor held up waits for what comes in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weir_domain::{StageId, StageTime};
use weir_runtime::Stopwatch;

/// Times of all stages of a workflow.
#[derive(Debug, Default)]
pub(crate) struct Times(Mutex<BTreeMap<StageId, Arc<OfStage>>>);

/// Of one stage, in all pipelines that have it.
#[derive(Debug)]
pub(crate) struct OfStage {
    /// What all moments are measured from.
    begin: Stopwatch,
    spans: Mutex<[Span; 3]>,
}

/// What a span of time is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spent {
    /// There is a pipeline that has the stage.
    Open,
    /// It reads, computes or writes.
    Busy,
    /// It has something that those behind it don't take yet.
    Blocked,
}

/// The sum of spans, some of which go on.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    going_on: i64,
    /// The ends of all that have ended, without the beginnings of all.
    micros: i64,
}

/// Time is spent so as long as this lives.
#[derive(Debug)]
pub(crate) struct Spending {
    stage: Arc<OfStage>,
    what: Spent,
}

impl Times {
    pub(crate) fn of(&self, stage: &StageId) -> Arc<OfStage> {
        self.all().entry(stage.clone()).or_default().clone()
    }

    pub(crate) fn read(&self) -> BTreeMap<StageId, StageTime> {
        self.all().iter().map(|(id, it)| (id.clone(), it.read())).collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<StageId, Arc<OfStage>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for OfStage {
    fn default() -> Self {
        Self { begin: Stopwatch::start(), spans: Mutex::default() }
    }
}

impl OfStage {
    pub(crate) fn spend(self: &Arc<Self>, what: Spent) -> Spending {
        self.change(what, |it, now| {
            it.going_on += 1;
            it.micros -= now;
        });
        Spending { stage: self.clone(), what }
    }

    fn read(&self) -> StageTime {
        let spans = self.spans();
        let now = micros(self.begin.elapsed());
        let [open_ms, busy_ms, blocked_ms] = spans.map(|it| {
            let micros = it.micros + it.going_on * now;
            u64::try_from(micros / 1_000).unwrap_or_default()
        });
        StageTime { open_ms, busy_ms, blocked_ms }
    }

    fn change(&self, what: Spent, change: impl FnOnce(&mut Span, i64)) {
        let mut spans = self.spans();
        change(&mut spans[what as usize], micros(self.begin.elapsed()));
    }

    fn spans(&self) -> MutexGuard<'_, [Span; 3]> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Spending {
    fn drop(&mut self) {
        self.stage.change(self.what, |it, now| {
            it.going_on -= 1;
            it.micros += now;
        });
    }
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn spans_are_summed_also_those_that_go_on() {
        let times = Times::default();
        let id = StageId::new("write").unwrap();
        let stage = times.of(&id);
        let read = || {
            let it = times.read()[&id];
            (it.open_ms, it.busy_ms, it.blocked_ms)
        };
        let pass = |ms| tokio::time::advance(Duration::from_millis(ms));
        let (one, other) = (stage.spend(Spent::Open), stage.spend(Spent::Open));
        pass(100).await;
        let busy = stage.spend(Spent::Busy);
        pass(50).await;
        assert_eq!(read(), (300, 50, 0), "two pipelines, one of which works");
        drop((busy, other));
        let blocked = stage.spend(Spent::Blocked);
        pass(30).await;
        drop((blocked, one));
        pass(1_000).await;
        assert_eq!(read(), (330, 50, 30));
    }
}
