//! The alignment of barriers in one stage, with any number of inputs.
//!
//! A stage takes its snapshot of an epoch when all that came before the epoch's barrier has been
//! processed, on every input, and nothing that came after. So an input whose barrier has arrived is
//! parked until the others have delivered theirs. The end of an input counts as the barrier of all
//! later epochs. A stage without inputs is a source: its snapshot is due as soon as the epoch is
//! announced. A stage whose inputs have all ended is as free.
//!
//! Invariants:
//! - A1: snapshots are taken in the order of the epochs, each at most once.
//! - A2: a snapshot holds all of each input before the barrier, or the end, and nothing behind it.
//! - A3: an input is parked only while an epoch that it has reached is neither taken nor skipped.
//! - A4: what is announced is taken by every stage of every graph, if all barriers arrive.
//!
//! Epochs may overtake each other's fate: many can be under way, and a barrier of one that was
//! abandoned may arrive at some inputs and not at others. A later barrier on one input proves that
//! the earlier epoch is skipped there; the stage then gives it up, and says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::epoch::Epoch;

/// What the stage does next, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move<C> {
    /// Read nothing more from this input for now.
    Park(C),
    /// Read on.
    Unpark(C),
    /// All inputs have ended: put out what is held back, and send the end on.
    Finish,
    /// Take the snapshot of this epoch. Unless the stage has finished, its barrier goes on to all
    /// outputs first of all.
    Snapshot(Epoch),
    /// This epoch can't be taken any more by this stage: report that it failed.
    Skip(Epoch),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Flowing,
    Parked(Epoch),
    Ended,
}

/// The inputs of one stage, and which epochs they have reached. `C` names an input.
#[derive(Debug, Clone)]
pub struct Aligner<C> {
    inputs: BTreeMap<C, Input>,
    /// Announced, or seen as a barrier, and not yet taken or given up.
    pending: BTreeSet<Epoch>,
    /// Abandoned before all their barriers have arrived.
    abandoned: BTreeSet<Epoch>,
    /// The newest that was taken or skipped. Nothing up to it is taken any more.
    passed: Option<Epoch>,
    is_finished: bool,
}

impl<C: Copy + Ord> Aligner<C> {
    /// A source has no inputs. After a restart, `passed` is the epoch that was restored.
    pub fn new(inputs: impl IntoIterator<Item = C>, passed: Option<Epoch>) -> Self {
        let inputs: BTreeMap<_, _> = inputs.into_iter().map(|it| (it, Input::Flowing)).collect();
        // A source finishes by itself: there is no input whose end would tell.
        let is_finished = inputs.is_empty();
        let (pending, abandoned) = (BTreeSet::new(), BTreeSet::new());
        Self { inputs, pending, abandoned, passed, is_finished }
    }

    /// The coordinator wants this epoch.
    pub fn announced(&mut self, epoch: Epoch) -> Vec<Move<C>> {
        if !self.is_wanted(epoch) {
            return Vec::new();
        }
        if self.is_behind(epoch) {
            return self.pass(epoch, Move::Skip(epoch));
        }
        self.pending.insert(epoch);
        self.settle()
    }

    /// The barrier of an epoch has arrived on an input, behind all data before it.
    pub fn barrier(&mut self, input: C, epoch: Epoch) -> Vec<Move<C>> {
        if !self.is_wanted(epoch) || self.inputs.get(&input) != Some(&Input::Flowing) {
            return Vec::new();
        }
        let mut moves = self.skip_before(epoch);
        if self.is_behind(epoch) {
            moves.extend(self.pass(epoch, Move::Skip(epoch)));
            return moves;
        }
        self.pending.insert(epoch);
        self.inputs.insert(input, Input::Parked(epoch));
        moves.push(Move::Park(input));
        moves.extend(self.settle());
        moves
    }

    /// An input has delivered all it ever will.
    pub fn ended(&mut self, input: C) -> Vec<Move<C>> {
        match self.inputs.get_mut(&input) {
            Some(state @ Input::Flowing) => *state = Input::Ended,
            // A parked input is not read, so it can't end; another than these is nobody's.
            Some(Input::Parked(_) | Input::Ended) | None => return Vec::new(),
        }
        self.settle()
    }

    /// The coordinator wants this epoch no more.
    pub fn abandoned(&mut self, epoch: Epoch) -> Vec<Move<C>> {
        if self.passed.is_some_and(|it| epoch <= it) {
            return Vec::new();
        }
        self.abandoned.insert(epoch);
        self.pending.remove(&epoch);
        let mut moves = self.unpark(epoch);
        moves.extend(self.settle());
        moves
    }

    /// The epochs that wait for inputs, and for which: what to show when one is overdue.
    pub fn waiting(&self) -> impl Iterator<Item = (Epoch, Vec<C>)> {
        self.pending.iter().map(|epoch| {
            let behind = self.inputs.iter().filter(|it| !has_reached(*it.1, *epoch));
            (*epoch, behind.map(|it| *it.0).collect())
        })
    }

    fn is_wanted(&self, epoch: Epoch) -> bool {
        self.passed.is_none_or(|it| epoch > it) && !self.abandoned.contains(&epoch)
    }

    /// Whether an input is already at a later barrier, so that its data before this one is mixed
    /// with data behind it.
    fn is_behind(&self, epoch: Epoch) -> bool {
        self.inputs.values().any(|it| matches!(it, Input::Parked(at) if *at > epoch))
    }

    /// Takes all that every input has reached.
    fn settle(&mut self) -> Vec<Move<C>> {
        let mut moves = Vec::new();
        if !self.is_finished && self.inputs.values().all(|it| *it == Input::Ended) {
            self.is_finished = true;
            moves.push(Move::Finish);
        }
        while let Some(epoch) = self.pending.first().copied() {
            if !self.inputs.values().all(|it| has_reached(*it, epoch)) {
                break;
            }
            moves.extend(self.pass(epoch, Move::Snapshot(epoch)));
        }
        moves
    }

    /// An input is at this epoch's barrier: what it passed without a barrier is skipped by it.
    fn skip_before(&mut self, epoch: Epoch) -> Vec<Move<C>> {
        let mut moves = Vec::new();
        while let Some(earlier) = self.pending.first().copied().filter(|it| *it < epoch) {
            moves.extend(self.pass(earlier, Move::Skip(earlier)));
        }
        moves
    }

    fn pass(&mut self, epoch: Epoch, how: Move<C>) -> Vec<Move<C>> {
        self.pending.remove(&epoch);
        self.passed = self.passed.max(Some(epoch));
        self.abandoned.retain(|it| *it > epoch);
        let mut moves = vec![how];
        moves.extend(self.unpark(epoch));
        moves
    }

    fn unpark(&mut self, epoch: Epoch) -> Vec<Move<C>> {
        let parked = self.inputs.iter_mut().filter(|it| *it.1 == Input::Parked(epoch));
        let unpark = parked.map(|(id, state)| {
            *state = Input::Flowing;
            Move::Unpark(*id)
        });
        unpark.collect()
    }
}

/// Whether an input has delivered all that belongs to the epoch, and nothing behind it.
fn has_reached(input: Input, epoch: Epoch) -> bool {
    match input {
        Input::Flowing => false,
        Input::Parked(at) => at == epoch,
        Input::Ended => true,
    }
}

#[cfg(test)]
mod tests;
