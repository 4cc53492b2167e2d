//! Ends a stream whose bad records are too many, as its workflow says.
//!
//! A rate is looked at over a window of the last records, or of the last time, in steps of a tenth of it.
//! Before a window of records is full, and at the end of an item, it is of all that there was.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use weir_domain::plan::{ErrorLimit, Window};
use weir_domain::{Fault, StageId};
use weir_runtime::Stopwatch;

/// Bad records are too many.
const TRIPPED: u32 = 3198;
/// A window moves in so many steps.
const STEPS: u64 = 10;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Step {
    since: Duration,
    seen: u64,
    bad: u64,
}

#[derive(Debug)]
struct Counting {
    limit: ErrorLimit,
    seen: u64,
    bad: u64,
    steps: VecDeque<Step>,
}

impl Counting {
    fn new(limit: ErrorLimit) -> Self {
        Self { limit, seen: 0, bad: 0, steps: VecDeque::new() }
    }

    fn count(&mut self, seen: u64, bad: u64, now: Duration) {
        (self.seen, self.bad) = (self.seen + seen, self.bad + bad);
        let is_full = |it: &Step| match self.limit.window {
            Window::Records(n) => it.seen >= (n / STEPS).max(1),
            Window::Time(length) => now.saturating_sub(it.since) >= length.duration() / 10,
        };
        // Bad records come after the records that they are of: they belong to the same step.
        match self.steps.back_mut().filter(|it| seen == 0 || !is_full(it)) {
            Some(step) => (step.seen, step.bad) = (step.seen + seen, step.bad + bad),
            None => self.steps.push_back(Step { since: now, seen, bad }),
        }
        while self.is_past(now) {
            self.steps.pop_front();
        }
    }

    /// Whether the window is full without its oldest step.
    fn is_past(&self, now: Duration) -> bool {
        let Some(oldest) = self.steps.front() else { return false };
        match self.limit.window {
            Window::Records(n) => self.within().0 - oldest.seen >= n,
            Window::Time(length) => {
                let next = self.steps.get(1).map(|it| it.since);
                next.is_some_and(|it| now.saturating_sub(it) >= length.duration())
            }
        }
    }

    /// What is in the window: all, and bad.
    fn within(&self) -> (u64, u64) {
        self.steps.iter().fold((0, 0), |(seen, bad), it| (seen + it.seen, bad + it.bad))
    }

    /// Why it is too much. `is_over`: nothing follows that could make it less.
    fn tripped(&self, is_over: bool) -> Option<String> {
        let Self { limit: ErrorLimit { max, rate, window }, bad, .. } = self;
        if let Some(max) = max.filter(|it| *bad > *it) {
            return Some(format!("{bad} bad records are more than {max}"));
        }
        let (seen, bad) = self.within();
        let is_enough = match window {
            Window::Records(n) => seen >= *n || is_over,
            // A few records say nothing of a rate.
            Window::Time(_) => seen >= FEW || is_over,
        };
        let rate = rate.filter(|it| is_enough && it.is_exceeded(bad, seen))?;
        Some(format!("{bad} of the last {seen} records are bad, more than {rate}"))
    }
}

/// Records within a window of time before its rate is looked at.
const FEW: u64 = 100;

/// Counts for one limit; clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Breaker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Whose records are counted; `None`: those of all stages.
    stage: Option<StageId>,
    counting: Mutex<Counting>,
    watch: Stopwatch,
}

impl Breaker {
    pub(crate) fn new(limit: ErrorLimit, stage: Option<StageId>) -> Self {
        let (counting, watch) = (Mutex::new(Counting::new(limit)), Stopwatch::start());
        Self(Arc::new(Inner { stage, counting, watch }))
    }

    /// Whether it is about one stage, and not about all.
    pub(crate) fn is_of_stage(&self) -> bool {
        self.0.stage.is_some()
    }

    /// So many records came.
    pub(crate) fn came(&self, records: usize) {
        self.with(|it, now| it.count(records as u64, 0, now));
    }

    /// So many of those that came are bad.
    pub(crate) fn are_bad(&self, records: usize) -> Result<(), Fault> {
        self.with(|it, now| {
            it.count(0, records as u64, now);
            self.verdict(it.tripped(false))
        })
    }

    /// Nothing follows.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        self.with(|it, _| self.verdict(it.tripped(true)))
    }

    fn verdict(&self, tripped: Option<String>) -> Result<(), Fault> {
        let Some(why) = tripped else { return Ok(()) };
        let (of, hint) = match &self.0.stage {
            Some(stage) => (format!("stage {stage}"), format!("errorLimit of stage {stage}")),
            None => ("all stages".to_owned(), "errorLimit of the workflow".to_owned()),
        };
        let hint = format!("look at what the bad records have in common; {hint} is what ends it");
        Err(Fault::data(TRIPPED, format!("{of}: {why}")).with_hint(hint))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Counting, Duration) -> T) -> T {
        let mut counting = self.0.counting.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut counting, self.0.watch.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn counting(limit: &Value) -> Counting {
        Counting::new(serde_json::from_value(limit.clone()).unwrap())
    }

    /// After how many of these records it trips, each `true` a bad one, a millisecond apart.
    fn trips(limit: &Value, records: impl IntoIterator<Item = bool>) -> Option<usize> {
        let mut it = counting(limit);
        records.into_iter().enumerate().find_map(|(at, is_bad)| {
            it.count(1, u64::from(is_bad), Duration::from_millis(at as u64));
            it.tripped(false).map(|_| at + 1)
        })
    }

    #[test]
    fn a_count_ends_it_with_the_first_record_beyond() {
        let every_third = || (1..1_000).map(|it| it % 3 == 0);
        assert_eq!(trips(&json!({ "max": 100 }), every_third()), Some(303));
        assert_eq!(trips(&json!({ "max": 333 }), every_third()), None);
    }

    #[test]
    fn bad_records_that_come_after_their_batch_are_counted_with_it() {
        let of = |bad: u64| {
            let mut it = counting(&json!({ "rate": "5%", "window": "1000 records" }));
            (0..50).find_map(|batch| {
                let now = Duration::from_millis(batch);
                it.count(2_048, 0, now);
                it.count(0, bad, now);
                it.tripped(false)
            })
        };
        assert_eq!(of(61), None, "3 %");
        assert!(of(123).is_some(), "6 %");
    }

    #[test]
    fn a_rate_is_of_the_window_and_not_of_what_is_long_past() {
        let limit = || json!({ "rate": "10%", "window": "100 records" });
        assert_eq!(trips(&limit(), (0..10_000).map(|it| it % 10 == 9)), None);
        let late = (0..10_000).map(|it| it >= 5_000 && it % 2 == 0);
        let tripped = trips(&limit(), late).unwrap();
        assert!((5_010..5_040).contains(&tripped), "{tripped}");
        // Not before there is a whole window.
        assert_eq!(trips(&limit(), (0..99).map(|_| true)), None);
        assert_eq!(trips(&limit(), (0..200).map(|_| true)), Some(100));
        let by_time = json!({ "rate": "10%", "window": "200ms" });
        assert_eq!(trips(&by_time, (0..5_000).map(|it| it % 11 == 0)), None);
        let late = (0..5_000).map(|it| it >= 2_000 && it % 2 == 0);
        let tripped = trips(&by_time, late).unwrap();
        assert!((2_010..2_090).contains(&tripped), "{tripped}");
    }

    #[test]
    fn at_the_end_what_there_was_is_enough() {
        let mut it = counting(&json!({ "rate": "10%" }));
        it.count(10, 2, Duration::ZERO);
        assert_eq!(it.tripped(false), None);
        let why = "2 of the last 10 records are bad, more than 10%";
        assert_eq!(it.tripped(true).as_deref(), Some(why));
    }
}
