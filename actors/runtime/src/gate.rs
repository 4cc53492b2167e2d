//! Gates: the bound that ractor's mailboxes lack. A message travels in an envelope that holds a
//! permit of its actor's gate, and gives it back when it is opened.
//!
//! An envelope that is dropped unopened was never handled: it counts as a dead letter. So a
//! message that waits in the mailbox of a stopping actor can't vanish unseen (R2).

use std::fmt;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::DeadLetters;

/// The bound of one actor's mailbox, in messages.
#[derive(Clone)]
pub struct Gate {
    actor: Arc<str>,
    limit: usize,
    permits: Arc<Semaphore>,
    dead_letters: DeadLetters,
}

/// The gate let nothing in; here is the message back.
#[derive(Debug)]
pub struct Full<M>(pub M);

impl Gate {
    pub fn new(actor: Arc<str>, limit: usize, dead_letters: DeadLetters) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Self { actor, limit, permits: Arc::new(Semaphore::new(limit)), dead_letters }
    }

    pub fn actor(&self) -> &Arc<str> {
        &self.actor
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Messages that are in the mailbox now.
    pub fn waiting(&self) -> usize {
        self.limit - self.permits.available_permits().min(self.limit)
    }

    /// Lets a message in at once or not at all.
    pub fn seal<M>(&self, message: M) -> Result<Envelope<M>, Full<M>> {
        match self.permits.clone().try_acquire_owned() {
            Ok(permit) => Ok(self.envelope(message, permit)),
            Err(_) => Err(Full(message)),
        }
    }

    /// Lets a message in as soon as there is room. Waiters are served in order.
    pub async fn seal_when_free<M>(&self, message: M) -> Envelope<M> {
        let permit = self.permits.clone().acquire_owned().await;
        self.envelope(message, permit.expect("a gate never closes its semaphore"))
    }

    fn envelope<M>(&self, message: M, permit: OwnedSemaphorePermit) -> Envelope<M> {
        let (actor, dead_letters) = (self.actor.clone(), self.dead_letters.clone());
        Envelope { message: Some(message), actor, dead_letters, _permit: permit }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({}, {} of {})", self.actor, self.waiting(), self.limit)
    }
}

/// A message on its way through a gate: the `Msg` of a bounded actor.
pub struct Envelope<M> {
    message: Option<M>,
    actor: Arc<str>,
    dead_letters: DeadLetters,
    _permit: OwnedSemaphorePermit,
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
        if self.message.is_some() {
            self.dead_letters.count(&self.actor);
        }
    }
}

impl<M> fmt::Debug for Envelope<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope(to {})", self.actor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
