//! Appends that wait for a writer. A writer that is free takes all that wait, up to a bound: the
//! busier the server, the larger the groups.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, SemaphorePermit, oneshot};
use tokio::time::Instant;
use weir_persistence_api::{Append, Result};

/// Most events, and bytes of their payloads, that share a statement. A larger append goes alone.
const EVENTS_MAX: usize = 512;
const BYTES_MAX: usize = 1 << 20;

/// Turns of the executor without news after which those who were answered are waited for no more.
const QUIET_MAX: u32 = 4;

pub(super) struct Waiting {
    pub(super) append: Append,
    pub(super) reply: oneshot::Sender<Result<u64>>,
    /// Set by whoever comes first: the writer that begins it, or the caller that gives up.
    pub(super) begun: Arc<AtomicBool>,
    pub(super) since: Instant,
}

pub(super) struct Queue {
    state: Mutex<State>,
    news: Notify,
    room: Semaphore,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new(size: usize) -> Self {
        Self { state: Mutex::default(), news: Notify::new(), room: Semaphore::new(size.max(1)) }
    }

    /// Waits for room in the queue. `None`: it is closed.
    pub(super) async fn room(&self) -> Option<SemaphorePermit<'_>> {
        self.room.acquire().await.ok()
    }

    pub(super) fn push(&self, waiting: Waiting) {
        self.lock().waiting.push_back(waiting);
        self.news.notify_one();
    }

    /// Whether nothing waits, and what comes may be done.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.waiting.is_empty() && !state.is_closed
    }

    /// Waits until something waits; `false` when the queue is closed and empty.
    pub(super) async fn wait(&self) -> bool {
        loop {
            let news = self.news.notified();
            {
                let state = self.lock();
                if !state.waiting.is_empty() {
                    return true;
                }
                if state.is_closed {
                    return false;
                }
            }
            news.await;
        }
    }

    /// Since when the append that came first waits. `None`: none does.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.lock().waiting.front().map(|it| it.since)
    }

    /// Waits while more comes: those who were just answered often append again, and what they
    /// append goes together. It takes a few turns of the executor where they don't, and no time
    /// where nobody else has work.
    pub(super) async fn settle(&self, answered: usize) {
        let (mut seen, mut quiet) = (0, 0);
        loop {
            let waiting = self.lock().waiting.len();
            quiet = if waiting > seen { 0 } else { quiet + 1 };
            let patience = if waiting < answered { QUIET_MAX } else { 1 };
            if quiet >= patience || waiting >= EVENTS_MAX {
                return;
            }
            seen = waiting;
            tokio::task::yield_now().await;
        }
    }

    /// The next group. No two appends of a group are to the same journal: the second waits for
    /// what becomes of the first.
    pub(super) fn take(&self) -> Vec<Waiting> {
        let mut state = self.lock();
        let group = next_group(&mut state.waiting);
        if !state.waiting.is_empty() {
            self.news.notify_one();
        }
        group
    }

    pub(super) fn close(&self) {
        self.room.close();
        self.lock().is_closed = true;
        self.news.notify_waiters();
        self.news.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next_group(waiting: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut group: Vec<Waiting> = Vec::new();
    let mut ids = HashSet::new();
    let mut later = VecDeque::new();
    let (mut events, mut bytes) = (0, 0);
    while let Some(next) = waiting.pop_front() {
        let size: usize = next.append.events.iter().map(|it| it.payload.len()).sum();
        let is_full = events + next.append.events.len() > EVENTS_MAX || bytes + size > BYTES_MAX;
        if !group.is_empty() && is_full {
            waiting.push_front(next);
            break;
        }
        if ids.contains(&next.append.id) {
            later.push_back(next);
            continue;
        }
        if next.begun.swap(true, Ordering::AcqRel) {
            continue;
        }
        events += next.append.events.len();
        bytes += size;
        ids.insert(next.append.id.clone());
        group.push(next);
    }
    while let Some(it) = later.pop_back() {
        waiting.push_front(it);
    }
    group
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::Bytes;
    use weir_persistence_api::{Fence, LeaseName, Manifest, NewEvent, PersistenceId};

    use super::*;

    pub(in super::super) fn waiting(id: &str, after: u64, bytes: usize) -> Waiting {
        let fence = Fence { lease: LeaseName("l".into()), owner: "o".into(), epoch: 1 };
        let event = NewEvent {
            manifest: Manifest { name: "n".into(), version: 1 },
            payload: Bytes::from(vec![0; bytes]),
            tags: vec![],
            command: None,
        };
        let append = Append { id: PersistenceId(id.into()), fence, after, events: vec![event] };
        Waiting {
            append,
            reply: oneshot::channel().0,
            begun: Arc::default(),
            since: super::super::now(),
        }
    }

    fn groups(queue: impl IntoIterator<Item = Waiting>) -> Vec<Vec<String>> {
        let mut queue: VecDeque<_> = queue.into_iter().collect();
        let mut groups = Vec::new();
        while !queue.is_empty() {
            let group = next_group(&mut queue);
            let name = |it: Waiting| format!("{}{}", it.append.id, it.append.after);
            groups.push(group.into_iter().map(name).collect());
        }
        groups
    }

    #[test]
    fn a_journal_is_once_in_a_group_and_keeps_its_order() {
        let queue = [("a", 0), ("a", 1), ("b", 0), ("a", 2)].map(|(id, at)| waiting(id, at, 1));
        assert_eq!(groups(queue), [vec!["a0", "b0"], vec!["a1"], vec!["a2"]]);
    }

    #[test]
    fn what_is_too_large_goes_alone() {
        let queue = [("a", 1), ("b", BYTES_MAX + 1), ("c", 1), ("d", 1)];
        let queue = queue.map(|(id, bytes)| waiting(id, 0, bytes));
        assert_eq!(groups(queue), [vec!["a0"], vec!["b0"], vec!["c0", "d0"]]);
    }

    #[test]
    fn what_its_caller_gave_up_is_never_begun() {
        let given_up = waiting("a", 0, 1);
        given_up.begun.store(true, Ordering::Release);
        assert_eq!(groups([given_up, waiting("b", 0, 1)]), [vec!["b0"]]);
    }

    #[tokio::test]
    async fn who_was_answered_and_comes_back_soon_goes_with_the_others() {
        let queue = Queue::new(9);
        let late = async {
            for id in ["a", "b", "c"] {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                queue.push(waiting(id, 0, 1));
            }
        };
        // Looked at as soon as it is settled, not when the last one has come.
        let settled = async {
            queue.settle(3).await;
            queue.take().len()
        };
        let (taken, ()) = tokio::join!(settled, late);
        assert_eq!(taken, 3);
        // Nobody comes: it ends all the same.
        queue.settle(3).await;
        assert_eq!(queue.oldest(), None);
    }
}
