//! One topic, read once for all who follow it.
//!
//! - T1: whoever follows awaits the same reading. Nobody reads while nobody waits, and what was read is gone with the
//!   last follower.
//! - T2: what was read is told in the same bytes to all. A follower that is some changes behind gets them one by one
//!   while they are kept; one that is further behind gets all of it anew.
//! - T3: the changes that are kept are never more than [`CHANGES_MAX`], nor longer than a new beginning would be.
//! - T4: nobody is told for news what was read so long ago that nobody can have waited since: a follower that takes
//!   nothing keeps a topic, and does not read it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::body::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use serde_json::Value;
use tokio::sync::watch;
use weir_domain::Timestamp;
use weir_http_api::{LiveChange, LiveEvent, LiveTopic, Problem};
use weir_runtime::Stopwatch;

use super::shown::Shown;
use super::{EVERY, READ_WITHIN, REST, REST_MAX};

const CHANGES_MAX: usize = 16;
/// While somebody waits, it is read more often than this.
const FRESH: Duration = REST_MAX.saturating_add(READ_WITHIN).saturating_add(EVERY);

/// One reading: what it found, and when that was.
pub(super) type Found = (Result<Value, Box<Problem>>, Timestamp);
pub(super) type Reading = BoxFuture<'static, Found>;

/// The topics that somebody follows.
pub(super) struct Topics {
    all: Mutex<BTreeMap<LiveTopic, Weak<Topic>>>,
    every: Duration,
    fresh: Duration,
}

impl Default for Topics {
    fn default() -> Self {
        Self { all: Mutex::default(), every: EVERY, fresh: FRESH }
    }
}

impl Topics {
    pub(super) fn follow(&self, topic: &LiveTopic) -> Arc<Topic> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(topic).and_then(Weak::upgrade) {
            return known;
        }
        all.retain(|_, it| it.strong_count() > 0);
        let fresh = Arc::new(Topic {
            shown: Arc::new(Mutex::new(Shown::new(topic))),
            name: topic.to_string(),
            turn: Mutex::default(),
            every: self.every,
            fresh: self.fresh,
        });
        all.insert(topic.clone(), Arc::downgrade(&fresh));
        fresh
    }
}

pub(super) struct Topic {
    name: String,
    /// What was read last, in the form that differences are made from. Only the reading has it.
    shown: Arc<Mutex<Shown>>,
    turn: Mutex<Turn>,
    /// A reading begins no sooner than so long after the one before.
    every: Duration,
    /// How long what was read is news.
    fresh: Duration,
}

#[derive(Default)]
struct Turn {
    now: Option<Arc<Picture>>,
    coming: Option<Coming>,
}

type Coming = Shared<BoxFuture<'static, Arc<Picture>>>;

/// A topic as it is after a change.
pub(super) struct Picture {
    /// Counts changes from 1.
    number: u64,
    topic: String,
    read: Result<Value, Box<Problem>>,
    digest: Option<u64>,
    /// When it was last read and found so.
    seen: watch::Sender<Seen>,
    /// All of it, as it was told last, and of when that was.
    whole: Mutex<Option<(Timestamp, Told)>>,
    /// The last ones, of which the newest led here.
    changes: VecDeque<Told>,
    took: Duration,
}

struct Seen {
    at: Timestamp,
    since: Stopwatch,
}

impl Seen {
    fn now(at: Timestamp) -> Self {
        Self { at, since: Stopwatch::start() }
    }
}

/// An event in the form in which it is sent, without its id.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) name: &'static str,
    pub(super) data: Bytes,
}

impl Told {
    pub(super) fn new(topic: &str, at: Timestamp, change: LiveChange) -> Self {
        let name = change.name();
        let event = LiveEvent { topic: topic.to_owned(), at, change };
        let data = serde_json::to_vec(&event).expect("an event is plain values, which are JSON");
        Self { name, data: data.into() }
    }
}

/// What a follower has of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Has {
    Nothing,
    /// What it said that it has when it came, by its digest.
    Said(u64),
    /// All up to this change.
    Up(u64),
}

impl Topic {
    /// A picture that a follower does not have. `read` begins a reading.
    pub(super) async fn newer(
        &self,
        has: Has,
        read: impl Fn() -> Reading + Send + 'static + Clone,
    ) -> Arc<Picture> {
        loop {
            let (coming, old) = {
                let mut turn = self.turn();
                let now = turn.now.clone().filter(|it| it.is_new_to(has));
                if let Some(now) = now.as_ref().filter(|it| it.age() <= self.fresh) {
                    return now.clone();
                }
                let before = turn.now.clone();
                let fresh = || self.coming(before, read.clone());
                (turn.coming.get_or_insert_with(fresh).clone(), now.map(|it| it.seen.subscribe()))
            };
            let seen_again = async {
                match old {
                    // It is there as long as the picture is.
                    Some(mut old) => _ = old.changed().await,
                    None => std::future::pending().await,
                }
            };
            let picture = tokio::select! {
                picture = coming => picture,
                () = seen_again => continue,
            };
            let mut turn = self.turn();
            if turn.now.as_ref().is_none_or(|it| it.number < picture.number) {
                turn.now = Some(picture);
                turn.coming = None;
            }
        }
    }

    /// Reads until something has changed.
    fn coming(
        &self,
        before: Option<Arc<Picture>>,
        read: impl Fn() -> Reading + Send + 'static,
    ) -> Coming {
        let (shown, name, every) = (self.shown.clone(), self.name.clone(), self.every);
        let reading = async move {
            let mut took = before.as_ref().map(|it| it.took);
            loop {
                if let Some(took) = took {
                    let rested = before.as_ref().map_or(Duration::ZERO, |it| it.age());
                    let rest = (took * REST).clamp(every, REST_MAX).saturating_sub(rested);
                    tokio::time::sleep(rest).await;
                }
                let watch = Stopwatch::start();
                let (found, at) = read().await;
                if let Some(before) = &before {
                    before.seen.send_replace(Seen::now(at));
                }
                let passed = watch.elapsed();
                took = Some(passed);
                let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(change) = shown.next(&found) {
                    let told = Told::new(&name, at, change);
                    let picture = Picture::after(before.as_deref(), told, (name, at, found));
                    return Arc::new(Picture { digest: shown.digest(), took: passed, ..picture });
                }
            }
        };
        reading.boxed().shared()
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Picture {
    fn after(
        before: Option<&Self>,
        told: Told,
        (topic, at, read): (String, Timestamp, Result<Value, Box<Problem>>),
    ) -> Self {
        let mut changes = before.map(|it| it.changes.clone()).unwrap_or_default();
        // What replaces all of it makes what came before worthless.
        let bound = match told.name {
            "rows" => before.map_or(0, Self::length),
            _ => 0,
        };
        changes.push_back(told);
        let length = |all: &VecDeque<Told>| all.iter().map(|it| it.data.len()).sum::<usize>();
        while changes.len() > CHANGES_MAX || changes.len() > 1 && length(&changes) > bound {
            changes.pop_front();
        }
        let (seen, whole) = (watch::Sender::new(Seen::now(at)), Mutex::default());
        let number = before.map_or(0, |it| it.number) + 1;
        Self { number, topic, read, digest: None, seen, whole, changes, took: Duration::ZERO }
    }

    fn is_new_to(&self, has: Has) -> bool {
        !matches!(has, Has::Up(number) if number >= self.number)
    }

    /// How long a new beginning is.
    fn length(&self) -> usize {
        self.whole().data.len()
    }

    fn seen(&self) -> Timestamp {
        self.seen.borrow().at
    }

    fn age(&self) -> Duration {
        self.seen.borrow().since.elapsed()
    }

    /// With the time of the last reading: whoever comes takes it for the server's.
    fn whole(&self) -> Told {
        let mut told = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.seen();
        if let Some((_, told)) = told.as_ref().filter(|it| it.0 == at) {
            return told.clone();
        }
        let change = match &self.read {
            Ok(value) => LiveChange::Whole { value: value.clone() },
            Err(problem) => LiveChange::Refused { problem: problem.clone() },
        };
        let fresh = Told::new(&self.topic, at, change);
        *told = Some((at, fresh.clone()));
        fresh
    }

    /// What a follower is told, oldest first, and what it has then.
    pub(super) fn told(&self, has: Has) -> (Vec<Told>, Has) {
        let now = Has::Up(self.number);
        let told = match has {
            Has::Said(digest) if self.digest == Some(digest) => {
                vec![Told::new(&self.topic, self.seen(), LiveChange::Same)]
            }
            Has::Nothing | Has::Said(_) => vec![self.whole()],
            Has::Up(number) => {
                let behind = usize::try_from(self.number - number).unwrap_or(usize::MAX);
                match self.changes.len().checked_sub(behind) {
                    Some(known) => self.changes.iter().skip(known).cloned().collect(),
                    None => vec![self.whole()],
                }
            }
        };
        (told, now)
    }

    /// What a follower has that has it; none where it can't be read.
    pub(super) fn digest(&self) -> Option<u64> {
        self.digest
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use serde_json::json;

    use super::*;

    fn list(total: usize) -> Value {
        let rows: Vec<_> = (0..total).map(|it| json!({ "name": format!("n-{it}") })).collect();
        json!({ "items": rows })
    }

    /// Finds a list that is one row longer each time.
    fn growing() -> impl Fn() -> Reading + Clone + Send + 'static {
        let total = Arc::new(Mutex::new(0));
        move || {
            let mut total = total.lock().unwrap();
            *total += 1;
            let value = list(*total);
            async move { (Ok(value), Timestamp(0)) }.boxed()
        }
    }

    fn hurried() -> Topics {
        Topics { every: Duration::ZERO, ..Topics::default() }
    }

    fn names(told: &[Told]) -> Vec<&'static str> {
        told.iter().map(|it| it.name).collect()
    }

    #[tokio::test]
    async fn all_who_follow_get_the_same_bytes_of_one_reading() {
        let (topics, read) = (hurried(), growing());
        let topic = topics.follow(&LiveTopic::Workflows);
        let followers = (0..3).map(|_| topic.newer(Has::Nothing, read.clone()));
        let pictures = futures::future::join_all(followers).await;
        let told: Vec<_> = pictures.iter().map(|it| it.told(Has::Nothing)).collect();
        for (told, has) in &told {
            assert_eq!((names(told), *has), (vec!["whole"], Has::Up(1)));
            assert_eq!(told[0].data.as_ptr(), pictures[0].whole().data.as_ptr());
        }
        let again = topic.newer(Has::Up(1), read).await.told(Has::Up(1));
        assert_eq!((names(&again.0), again.1), (vec!["rows"], Has::Up(2)));
        assert!(Arc::ptr_eq(&topic, &topics.follow(&LiveTopic::Workflows)));
        drop(topic);
        assert!(topics.all.lock().unwrap()[&LiveTopic::Workflows].upgrade().is_none());
    }

    #[tokio::test]
    async fn who_is_a_little_behind_gets_each_change_and_who_is_far_behind_all_of_it_anew() {
        let (topics, read) = (hurried(), growing());
        let topic = topics.follow(&LiveTopic::Workflows);
        let mut has = Has::Nothing;
        let mut picture = topic.newer(has, read.clone()).await;
        for _ in 0..40 {
            has = picture.told(has).1;
            picture = topic.newer(has, read.clone()).await;
        }
        let after = |number| names(&picture.told(Has::Up(number)).0);
        assert_eq!(after(40), vec!["rows"]);
        assert_eq!(after(38), vec!["rows"; 3]);
        assert_eq!(after(2), vec!["whole"]);
        assert!(picture.changes.len() <= CHANGES_MAX);
        let length: usize = picture.changes.iter().map(|it| it.data.len()).sum();
        assert!(length <= picture.length(), "{length}");
    }

    #[tokio::test]
    async fn a_newcomer_is_told_the_time_of_the_last_reading_and_not_of_the_last_change() {
        let topics = hurried();
        let topic = topics.follow(&LiveTopic::Workflows);
        let at = Arc::new(AtomicI64::new(0));
        let read = {
            let at = at.clone();
            move || {
                let at = at.fetch_add(1, Ordering::AcqRel) + 1;
                // It changes with the first reading and with the ninth.
                let value = list(usize::from(at >= 9));
                async move { (Ok(value), Timestamp(at)) }.boxed()
            }
        };
        let picture = topic.newer(Has::Nothing, read.clone()).await;
        let time = |picture: &Picture| {
            let event: Value = serde_json::from_slice(&picture.whole().data).unwrap();
            event["at"].as_str().unwrap().to_owned()
        };
        assert_eq!(time(&picture), Timestamp(1).to_string());
        topic.newer(Has::Up(1), read).await;
        assert!(time(&picture) > Timestamp(7).to_string(), "it was found so until then");
    }

    #[tokio::test]
    async fn a_newcomer_is_told_nothing_that_was_read_long_ago() {
        for is_changing in [true, false] {
            let fresh = Duration::from_millis(20);
            let topics = Topics { every: Duration::ZERO, fresh, ..Topics::default() };
            let readings = Arc::new(AtomicI64::new(0));
            let read = move || {
                let number = readings.fetch_add(1, Ordering::AcqRel) + 1;
                let rows = usize::from(is_changing && number > 1);
                async move { (Ok(list(rows)), Timestamp(number)) }.boxed()
            };
            // It is told of the first reading, takes nothing of what it is told, and keeps the topic.
            let stuck = topics.follow(&LiveTopic::Workflows);
            let first = stuck.newer(Has::Nothing, read.clone()).await;
            while first.age() <= fresh {
                tokio::task::yield_now().await;
            }
            let topic = topics.follow(&LiveTopic::Workflows);
            let picture = topic.newer(Has::Nothing, read).await;
            assert!(picture.seen() > Timestamp(1), "it is read again");
            assert_eq!(picture.number, if is_changing { 2 } else { 1 });
        }
    }

    #[tokio::test]
    async fn who_comes_back_is_told_that_it_has_what_is() {
        let (topics, read) = (hurried(), growing());
        let topic = topics.follow(&LiveTopic::Workflows);
        let picture = topic.newer(Has::Nothing, read.clone()).await;
        let digest = picture.digest().expect("it was read");
        assert_eq!(names(&picture.told(Has::Said(digest)).0), vec!["same"]);
        assert_eq!(names(&picture.told(Has::Said(digest + 1)).0), vec!["whole"]);
    }
}
