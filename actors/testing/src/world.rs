//! What is outside of a pipeline: what comes in, what was published, what time it is, and where the
//! run is cut off.
//!
//! One world lives through all lives of a run: an engine that follows one that was cut off finds
//! what that one left. Records are numbered from 1 in the order in which they come in, over all items
//! and all live sources; `killAt` counts them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use tokio::sync::Notify;
use weir_domain::{Clock, Fault, StageId, Timestamp};
use weir_project::Row;
use weir_stream::Read;

use crate::seen::Witness;

/// An item of a source of items, in the order in which they come.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) at: Timestamp,
    pub(crate) feed: crate::input::Feed,
}

/// What a live source has.
#[derive(Debug, Clone)]
pub(crate) struct LiveInput {
    pub(crate) schema: SchemaRef,
    pub(crate) reads: Vec<Read>,
}

/// What a sink has got.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Output {
    pub(crate) records: Vec<Row>,
    /// In the sink's format, if it has one.
    pub(crate) text: Vec<u8>,
}

/// Where a live source is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stand {
    /// The next record that it has; `None`: it has no more.
    pub(crate) next: Option<u64>,
    /// Behind what it has given.
    pub(crate) at: u64,
    /// From where a restart begins.
    pub(crate) kept: u64,
}

/// What all lives of a run share.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) items: Vec<Item>,
    /// Items whose end is decided, and how many records each had.
    pub(crate) settled: BTreeMap<String, u64>,
    /// Of live sources: what they have, with numbers as positions.
    pub(crate) live: BTreeMap<StageId, LiveInput>,
    /// From which record on it is what time.
    pub(crate) times: BTreeMap<u64, Timestamp>,
    pub(crate) stands: BTreeMap<StageId, Stand>,
    pub(crate) staged: BTreeMap<String, Output>,
    pub(crate) published: BTreeMap<StageId, Output>,
    /// How streams have ended for good, by item or lane.
    pub(crate) ended: BTreeMap<String, Option<Fault>>,
    /// The workflow can't go on at all.
    pub(crate) failed: Option<Fault>,
    kills: VecDeque<u64>,
    /// Where live sources wait for a checkpoint.
    marks: VecDeque<u64>,
    is_cut: bool,
    /// From a mark to the cut behind it nothing more is kept: what a restart knows is not left to
    /// chance.
    is_held: bool,
    life: u32,
    /// How many records came in, of those that came.
    pub(crate) came: u64,
    /// Looks on in a test run; then sinks keep nothing else.
    pub(crate) witness: Option<Arc<Witness>>,
}

/// What is outside, as one life of a run sees it.
#[derive(Clone)]
pub(crate) struct World {
    shared: Arc<Shared>,
    life: u32,
}

struct Shared {
    state: Mutex<State>,
    woken: Condvar,
    changed: Notify,
    now: Arc<AtomicI64>,
}

/// The case's time.
struct CaseClock(Arc<AtomicI64>);

impl Clock for CaseClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl World {
    pub(crate) fn new(mut state: State, begin: Timestamp, kills: &[u64]) -> Self {
        state.kills = kills.iter().copied().collect();
        // Half way to each cut, so that a restart both knows something and reads something again.
        let before = [0].into_iter().chain(kills.iter().copied());
        let halves = before.zip(kills).map(|(a, b)| a + (b - a) / 2);
        state.marks = halves.collect();
        let (woken, changed) = (Condvar::new(), Notify::new());
        let now = Arc::new(AtomicI64::new(begin.0));
        Self { shared: Arc::new(Shared { state: Mutex::new(state), woken, changed, now }), life: 0 }
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.lock())
    }

    /// As `with`, and tells whoever runs the case that there may be something new.
    pub(crate) fn tell<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let done = self.with(work);
        self.shared.changed.notify_one();
        done
    }

    pub(crate) async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(CaseClock(self.shared.now.clone()))
    }

    pub(crate) fn witness(&self) -> Option<Arc<Witness>> {
        self.with(|it| it.witness.clone())
    }

    /// The time never goes back.
    pub(crate) fn advance_to(&self, at: Timestamp) {
        self.shared.now.fetch_max(at.0, Ordering::SeqCst);
    }

    /// What time it was when a record of a live source came.
    pub(crate) fn time_of(&self, record: u64) -> Option<Timestamp> {
        self.with(|it| it.times.range(..=record).next_back().map(|it| *it.1))
    }

    pub(crate) fn time_of_item(&self, name: &str) -> Option<Timestamp> {
        self.with(|it| it.items.iter().find(|it| it.name == name).map(|it| it.at))
    }

    /// The next record after which the run is cut off.
    pub(crate) fn next_cut(&self) -> Option<u64> {
        self.with(|it| it.kills.front().copied())
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.with(|it| it.is_cut)
    }

    /// Whether checkpoints wait until this life is over; `None`: it is.
    pub(crate) fn is_held(&self) -> Option<bool> {
        self.with(|it| (it.life == self.life).then_some(it.is_held))
    }

    /// Cuts the run off here: whoever reads waits until that has happened.
    pub(crate) fn cut(&self) -> Fault {
        self.tell(|it| it.is_cut = true);
        let mut state = self.lock();
        while state.life == self.life {
            state = self.shared.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Fault::stopped("the run was cut off")
    }

    /// Lets go of those that wait: this life is over, and there may be no other one.
    pub(crate) fn let_go(&self) {
        self.tell(|it| it.life = u32::MAX);
        self.shared.woken.notify_all();
    }

    /// Lets go of those that wait, and begins the next life.
    pub(crate) fn next_life(&mut self) {
        self.life += 1;
        let life = self.life;
        self.with(|it| {
            it.life = life;
            it.is_held = false;
            it.stands.clear();
            if std::mem::take(&mut it.is_cut) {
                let at = it.kills.pop_front().unwrap_or(0);
                it.marks.retain(|mark| *mark >= at);
            }
        });
        self.shared.woken.notify_all();
    }

    /// How many cuts are still to come.
    pub(crate) fn cuts_left(&self) -> usize {
        self.with(|it| it.kills.len())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a live source may do now.
#[derive(Debug, PartialEq)]
pub(crate) enum Turn {
    /// Give records up to this one.
    Give(u64),
    /// It is another one's turn, or a checkpoint is waited for.
    Wait,
    Cut,
    End,
}

impl State {
    /// How many records came in before the item.
    pub(crate) fn before_item(&self) -> u64 {
        self.settled.values().sum()
    }

    /// Whose turn it is: records come in in the order of their numbers, whichever source they are of.
    pub(crate) fn turn(&mut self, stage: &StageId) -> Turn {
        let next = self.stands.values().filter_map(|it| it.next).min();
        let is_behind = |limit: u64| next.is_none_or(|it| it > limit);
        // One behind the next cut is for the life after that.
        let cut = self.kills.front().copied();
        if let Some(mark) = self.marks.front().copied()
            && cut.is_some_and(|it| mark < it)
            && is_behind(mark)
        {
            if self.stands.values().any(|it| it.kept < it.at) {
                return Turn::Wait;
            }
            self.marks.pop_front();
            self.is_held = true;
        }
        if cut.is_some_and(is_behind) {
            return Turn::Cut;
        }
        let own = self.stands.get(stage).and_then(|it| it.next);
        match own {
            None => Turn::End,
            Some(_) if own != next => Turn::Wait,
            Some(_) => {
                let others = self.stands.iter().filter(|it| it.0 != stage);
                let other = others.filter_map(|it| it.1.next).min().map(|it| it - 1);
                let limits = [other, self.marks.front().copied(), cut];
                Turn::Give(limits.into_iter().flatten().min().unwrap_or(u64::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str) -> StageId {
        StageId::new(name).unwrap()
    }

    fn world(kills: &[u64], stands: &[(&str, Option<u64>, u64)]) -> World {
        let world = World::new(State::default(), Timestamp(0), kills);
        for (name, next, at) in stands {
            let stand = Stand { next: *next, at: *at, kept: 0 };
            world.with(|it| it.stands.insert(stage(name), stand));
        }
        world
    }

    #[test]
    fn sources_take_turns_in_the_order_of_the_records() {
        let world = world(&[], &[("a", Some(1), 0), ("b", Some(3), 0), ("c", None, 0)]);
        let turn = |name| world.with(|it| it.turn(&stage(name)));
        assert_eq!((turn("a"), turn("b"), turn("c")), (Turn::Give(2), Turn::Wait, Turn::End));
    }

    #[test]
    fn before_a_cut_there_is_a_checkpoint_half_way() {
        let world = world(&[4], &[("a", Some(1), 0)]);
        let turn = || world.with(|it| it.turn(&stage("a")));
        let stands = |next, at, kept| {
            let stand = Stand { next: Some(next), at, kept };
            world.with(|it| it.stands.insert(stage("a"), stand));
        };
        assert_eq!(turn(), Turn::Give(2));
        stands(3, 2, 0);
        assert_eq!(turn(), Turn::Wait);
        stands(3, 2, 2);
        assert_eq!(turn(), Turn::Give(4));
        stands(5, 4, 2);
        assert_eq!(turn(), Turn::Cut);
    }

    #[test]
    fn a_checkpoint_for_the_life_after_a_cut_is_not_waited_for_before_it() {
        let world = world(&[1, 2], &[("a", Some(2), 1)]);
        assert_eq!(world.with(|it| it.turn(&stage("a"))), Turn::Wait, "the one at 0");
        world.with(|it| it.stands.insert(stage("a"), Stand { next: Some(1), at: 0, kept: 0 }));
        assert_eq!(world.with(|it| it.turn(&stage("a"))), Turn::Give(1));
        world.with(|it| it.stands.insert(stage("a"), Stand { next: Some(2), at: 1, kept: 0 }));
        assert_eq!(world.with(|it| it.turn(&stage("a"))), Turn::Cut);
    }
}
