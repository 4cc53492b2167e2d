//! Gates: the bound that ractor's mailboxes lack. A message travels in an envelope that has a place
//! in its actor's gate, and gives it back when it is opened.
//!
//! Invariants:
//! - No more messages than the limit are inside. Of those that come at the same moment for the last
//!   place, all may be refused.
//! - An envelope that is dropped unopened was never handled: it counts as a dead letter. So a
//!   message that waits in the mailbox of a stopping actor can't vanish unseen (R2).
//! - Who waits for room is let in before those who come later, in the order of coming.
//!
//! All that envelopes share is one value: sealing a message is one count up and one reference.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore};

use crate::DeadLetters;

/// The bound of one actor's mailbox, in messages.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

/// In this order: what every message changes lies beside the count of references.
#[repr(C)]
struct Shared {
    inside: AtomicUsize,
    /// Who stands before the gate. As long as anybody does, nobody else is let in.
    outside: AtomicUsize,
    limit: usize,
    actor: Arc<str>,
    dead_letters: DeadLetters,
    /// Whoever stands first waits for room, the others for this turn.
    turn: Semaphore,
    room: Notify,
}

/// The gate let nothing in; here is the message back.
#[derive(Debug)]
pub struct Full<M>(pub M);

impl Gate {
    pub fn new(actor: Arc<str>, limit: usize, dead_letters: DeadLetters) -> Self {
        Self(Arc::new(Shared {
            inside: AtomicUsize::new(0),
            outside: AtomicUsize::new(0),
            limit: limit.max(1),
            actor,
            dead_letters,
            turn: Semaphore::new(1),
            room: Notify::new(),
        }))
    }

    pub fn actor(&self) -> &Arc<str> {
        &self.0.actor
    }

    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// Messages that are in the mailbox now.
    pub fn waiting(&self) -> usize {
        // Those who are being turned away are counted for a moment.
        self.0.inside.load(Ordering::Relaxed).min(self.0.limit)
    }

    /// Lets a message in at once or not at all.
    pub fn seal<M>(&self, message: M) -> Result<Envelope<M>, Full<M>> {
        if self.0.outside.load(Ordering::Relaxed) == 0 && self.0.try_enter() {
            Ok(self.envelope(message))
        } else {
            Err(Full(message))
        }
    }

    /// Lets a message in as soon as there is room. Waiters are served in order.
    pub async fn seal_when_free<M>(&self, message: M) -> Envelope<M> {
        let _standing = Standing::before(&self.0);
        let _turn = self.0.turn.acquire().await.expect("a gate never closes its semaphore");
        while !self.0.enter() {
            self.0.room.notified().await;
        }
        self.envelope(message)
    }

    fn envelope<M>(&self, message: M) -> Envelope<M> {
        Envelope { message: Some(message), gate: self.0.clone() }
    }
}

impl Shared {
    /// Takes a place at once or not at all. It counts first and looks then: where many send and one
    /// receives, that is half the work of looking first. Where no place was free, the count is given
    /// back like a place, since it may have kept somebody outside who looked meanwhile.
    fn try_enter(&self) -> bool {
        let is_in = self.inside.fetch_add(1, Ordering::SeqCst) < self.limit;
        if !is_in {
            self.leave();
        }
        is_in
    }

    /// Takes a place, for somebody who stands outside. Nothing is counted where none is free: a
    /// count that is given back would wake those outside, themselves too, again and again.
    fn enter(&self) -> bool {
        let more = |inside| (inside < self.limit).then_some(inside + 1);
        self.inside.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// Gives a place back. Either this sees who stands outside, or they see the place: both count
    /// first and look then.
    fn leave(&self) {
        self.inside.fetch_sub(1, Ordering::SeqCst);
        if self.outside.load(Ordering::SeqCst) > 0 {
            // It is kept if nobody waits for it yet.
            self.room.notify_one();
        }
    }
}

/// Somebody before the gate, until let in or gone.
struct Standing<'a>(&'a Shared);

impl<'a> Standing<'a> {
    fn before(shared: &'a Shared) -> Self {
        shared.outside.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.outside.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({}, {} of {})", self.actor(), self.waiting(), self.limit())
    }
}

/// A message on its way through a gate: the `Msg` of a bounded actor.
pub struct Envelope<M> {
    message: Option<M>,
    gate: Arc<Shared>,
}

impl<M: Send + 'static> ractor::Message for Envelope<M> {}

impl<M> Envelope<M> {
    /// Takes the message out, which makes room for the next one.
    pub fn open(mut self) -> M {
        self.message.take().expect("only opening takes the message, and it takes the envelope too")
    }
}

impl<M> Drop for Envelope<M> {
    fn drop(&mut self) {
        self.gate.leave();
        if self.message.is_some() {
            self.gate.dead_letters.count(&self.gate.actor);
        }
    }
}

impl<M> fmt::Debug for Envelope<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope(to {})", self.gate.actor)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::watch::Receiver;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(60);

    #[test]
    fn a_gate_lets_in_no_more_than_its_limit_and_counts_what_is_dropped() {
        let dead_letters = DeadLetters::default();
        let gate = Gate::new("stage".into(), 2, dead_letters.clone());
        let one = gate.seal(1).unwrap();
        let two = gate.seal(2).unwrap();
        assert_eq!(gate.seal(3).unwrap_err().0, 3);

        assert_eq!(one.open(), 1);
        assert_eq!((gate.waiting(), dead_letters.of("stage")), (1, 0));
        drop(two);
        assert_eq!((gate.waiting(), dead_letters.of("stage")), (0, 1));
    }

    #[test]
    fn who_is_turned_away_takes_no_place() {
        let gate = Gate::new("stage".into(), 1, DeadLetters::default());
        let inside = gate.seal(0).unwrap();
        for n in 1..9 {
            assert_eq!(gate.seal(n).unwrap_err().0, n);
        }
        inside.open();
        gate.seal(9).unwrap().open();
        assert_eq!(gate.waiting(), 0);
    }

    #[test]
    fn of_many_who_come_at_once_no_more_are_inside_than_the_limit() {
        let gate = Gate::new("stage".into(), 3, DeadLetters::default());
        let most = AtomicUsize::new(0);
        let inside = AtomicUsize::new(0);
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for n in 0..20_000 {
                        let Ok(envelope) = gate.seal(n) else { continue };
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        envelope.open();
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 3, "{most:?} were inside");
        assert_eq!(gate.waiting(), 0);
    }

    #[test]
    fn who_waits_for_room_gets_it_though_others_are_turned_away_all_the_time() {
        let gate = Gate::new("stage".into(), 1, DeadLetters::default());
        let (ended, ends) = std::sync::mpsc::channel();
        let over = tokio::sync::watch::Sender::new(false);
        std::thread::scope(|threads| {
            for sender in 0..4 {
                let (gate, over, ended) = (&gate, over.subscribe(), ended.clone());
                threads.spawn(move || {
                    match sender % 2 {
                        0 => knock(gate, &over),
                        _ => futures::executor::block_on(queue_up(gate, over)),
                    }
                    ended.send(())
                });
            }
            let all_ended = (0..4).all(|_| ends.recv_timeout(WITHIN).is_ok());
            // Nobody outlives a failure.
            over.send_replace(true);
            assert!(all_ended, "nobody waits for ever");
        });
        assert_eq!(gate.waiting(), 0);
    }

    fn knock(gate: &Gate, over: &Receiver<bool>) {
        for n in 0..2_000 {
            if *over.borrow() {
                return;
            }
            drop(gate.seal(n).map(Envelope::open));
        }
    }

    async fn queue_up(gate: &Gate, mut over: Receiver<bool>) {
        for n in 0..2_000 {
            tokio::select! {
                biased;
                envelope = gate.seal_when_free(n) => drop(envelope.open()),
                _ = over.wait_for(|it| *it) => return,
            }
        }
    }

    async fn admitted<M>(waiting: impl Future<Output = Envelope<M>>) -> Envelope<M> {
        let admitted = tokio::time::timeout(WITHIN, waiting).await;
        admitted.expect("whoever is next is let in")
    }

    #[tokio::test]
    async fn who_waits_for_room_is_let_in_first_and_in_order() {
        let gate = Gate::new("stage".into(), 1, DeadLetters::default());
        let inside = gate.seal(0).unwrap();
        let mut first = Box::pin(gate.seal_when_free(1));
        let mut second = Box::pin(gate.seal_when_free(2));
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());

        inside.open();
        assert!(gate.seal(3).is_err(), "others stand before the gate");
        assert!(futures::poll!(&mut second).is_pending(), "it came second");
        let one = admitted(first).await;
        one.open();
        admitted(second).await.open();
        gate.seal(4).unwrap().open();
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_the_place_to_the_next() {
        let gate = Gate::new("stage".into(), 1, DeadLetters::default());
        let inside = gate.seal(0).unwrap();
        let mut first = Box::pin(gate.seal_when_free(1));
        let mut second = Box::pin(gate.seal_when_free(2));
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());

        inside.open();
        drop(first);
        admitted(second).await.open();
        assert_eq!(gate.waiting(), 0);
        gate.seal(3).unwrap().open();
    }
}
