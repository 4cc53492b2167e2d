//! Work that takes much memory and time on purpose: hashes of passwords, keys from passphrases.
//!
//! Invariants:
//! - Q1: no more of it runs at once than there are turns. A turn belongs to the work, not to who
//!   waits for it: a client that hangs up frees nothing before the work is done.
//! - Q2: no more wait for a turn than there are places; who comes then is refused at once.
//! - Q3: no party has more of a line than its share, so that one alone can't fill it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use weir_cluster::Unavailable;
use weir_runtime::System;

use crate::answer::Stop;

/// One line of those who wait, and so many turns.
pub(crate) struct Line {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    parties: Arc<Mutex<BTreeMap<String, usize>>>,
}

/// Clones are one turn, which is over with the last of them.
#[derive(Clone)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, never read")] Arc<Held>);

struct Held {
    _permits: [OwnedSemaphorePermit; 2],
    _share: Option<Share>,
}

/// A place of a party, until it is dropped.
struct Share {
    parties: Arc<Mutex<BTreeMap<String, usize>>>,
    party: String,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut parties = self.parties.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = parties.get_mut(&self.party) {
            *places -= 1;
            if *places == 0 {
                parties.remove(&self.party);
            }
        }
    }
}

/// The line is full, or did not move in time. Nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

impl Line {
    pub(crate) fn new(turns: usize, waiting_max: usize) -> Self {
        let places = Arc::new(Semaphore::new(turns + waiting_max));
        Self { turns: Arc::new(Semaphore::new(turns)), places, parties: Arc::default() }
    }

    pub(crate) async fn turn(&self, within: Duration) -> Result<Turn, Busy> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Busy)?;
        self.wait((place, None), within).await
    }

    /// The same for a party that has no more than so many places.
    pub(crate) async fn turn_of(
        &self,
        party: String,
        share_max: usize,
        within: Duration,
    ) -> Result<Turn, Busy> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Busy)?;
        let share = self.share(party, share_max)?;
        self.wait((place, Some(share)), within).await
    }

    async fn wait(
        &self,
        (place, share): (OwnedSemaphorePermit, Option<Share>),
        within: Duration,
    ) -> Result<Turn, Busy> {
        let turn = tokio::time::timeout(within, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Busy)?.map_err(|_| Busy)?;
        Ok(Turn(Arc::new(Held { _permits: [place, turn], _share: share })))
    }

    /// Parties are known while they have a place, so that there are never more than places.
    fn share(&self, party: String, share_max: usize) -> Result<Share, Busy> {
        let mut parties = self.parties.lock().unwrap_or_else(PoisonError::into_inner);
        let places = parties.entry(party.clone()).or_default();
        if *places >= share_max {
            return Err(Busy);
        }
        *places += 1;
        Ok(Share { parties: self.parties.clone(), party })
    }
}

impl Turn {
    /// Does the work where nobody waits behind it.
    pub(crate) async fn spend<T: Send + 'static, A>(
        &self,
        system: &System,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Stop<A>> {
        let turn = self.clone();
        let task = system.tasks().spawn_blocking(name, move || {
            let done = work();
            drop(turn);
            done
        });
        task.join().await.map_err(|it| Stop::Unavailable(Unavailable::new(it.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::FutureExt as _;
    use weir_runtime::SystemClock;

    use super::*;
    use crate::testing;

    const DAY: Duration = Duration::from_secs(24 * 3_600);

    #[tokio::test]
    async fn who_gives_up_gives_no_turn_back_before_the_work_is_done() {
        let (system, line) = (testing::system(Arc::new(SystemClock)), Line::new(1, 1));
        let (go, waits) = mpsc::channel::<()>();
        let turn = line.turn(DAY).await.unwrap();
        let mut work = Box::pin(turn.spend::<_, ()>(&system, "test", move || waits.recv()));
        assert!(work.as_mut().now_or_never().is_none());
        drop(work);
        drop(turn);
        let mut next = Box::pin(line.turn(DAY));
        assert!(next.as_mut().now_or_never().is_none(), "the work goes on");
        assert_eq!(line.turn(DAY).await.err(), Some(Busy), "one may wait");
        go.send(()).unwrap();
        next.await.unwrap();
    }

    #[tokio::test]
    async fn no_party_has_more_of_a_line_than_its_share() {
        let line = Line::new(1, 3);
        let first = line.turn_of("a".into(), 2, DAY).await.unwrap();
        let mut second = Box::pin(line.turn_of("a".into(), 2, DAY));
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(line.turn_of("a".into(), 2, DAY).await.err(), Some(Busy));
        let mut other = Box::pin(line.turn_of("b".into(), 2, DAY));
        assert!(other.as_mut().now_or_never().is_none(), "b waits in its turn");
        drop(first);
        drop(second.await.unwrap());
        drop(other.await.unwrap());
        assert!(line.parties.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_refused() {
        let line = Line::new(1, 1);
        let turn = line.turn(DAY).await.unwrap();
        assert_eq!(line.turn(DAY).await.err(), Some(Busy));
        drop(turn);
        line.turn(DAY).await.unwrap();
    }
}
