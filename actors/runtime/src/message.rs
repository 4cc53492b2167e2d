//! Asking and telling: a bounded reference to an actor, and every way in which it may fail.
//!
//! An ask has a deadline, always. A tell never waits unless it is asked to. Both are refused at
//! once when the mailbox is full, and both name the actor when they fail.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use ractor::{ActorCell, ActorRef, ActorStatus};
use tokio::sync::oneshot;
use weir_domain::Millis;

use crate::Supervised;
use crate::gate::{Envelope, Gate};

/// Why there is no answer. `R` is the rejection of the one who was asked, if it has any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError<R = Infallible> {
    /// The answer is no.
    #[error("{0}")]
    Rejected(R),
    #[error("{actor} has {waiting} commands waiting and takes no more: try again later")]
    Busy { actor: Arc<str>, waiting: usize },
    #[error(
        "{actor} did not answer within {after}: it may still do what was asked, so look before you ask again"
    )]
    Timeout { actor: Arc<str>, after: Millis },
    /// It stopped before it answered.
    #[error("{actor} is not running: {cause}")]
    Stopped { actor: Arc<str>, cause: String },
    /// Nothing was done. Worth asking again after the given time.
    #[error("{actor} can't write now: {cause}; try again in {retry_after}")]
    Unavailable { actor: Arc<str>, cause: String, retry_after: Millis },
    /// Nothing was done, and asking again gives the same answer.
    #[error("{actor} can't do this: {cause}")]
    Refused { actor: Arc<str>, cause: String },
}

impl AskError<Infallible> {
    /// The same failure, for a caller who may also be rejected.
    pub fn widen<R>(self) -> AskError<R> {
        match self {
            Self::Rejected(never) => match never {},
            Self::Busy { actor, waiting } => AskError::Busy { actor, waiting },
            Self::Timeout { actor, after } => AskError::Timeout { actor, after },
            Self::Stopped { actor, cause } => AskError::Stopped { actor, cause },
            Self::Unavailable { actor, cause, retry_after } => {
                AskError::Unavailable { actor, cause, retry_after }
            }
            Self::Refused { actor, cause } => AskError::Refused { actor, cause },
        }
    }
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    #[error("{actor} has {waiting} messages waiting and takes no more")]
    Busy { actor: Arc<str>, waiting: usize },
    /// Counted as a dead letter.
    #[error("{actor} is not running")]
    Stopped { actor: Arc<str> },
}

/// Where the answer to an ask goes. Dropping it tells the asker that there will be none.
pub struct Reply<R>(oneshot::Sender<R>);

impl<R> Reply<R> {
    pub fn send(self, answer: R) {
        // An error only says that the asker's deadline has passed.
        let _ = self.0.send(answer);
    }

    /// Whether anybody still waits for it.
    pub fn is_wanted(&self) -> bool {
        !self.0.is_closed()
    }
}

impl<R> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

type Deliver<M> = dyn Fn(Envelope<M>) -> Result<(), ()> + Send + Sync;
type Ended = dyn Fn() -> BoxFuture<'static, ()> + Send + Sync;

/// A bounded reference to an actor that understands `M`.
pub struct Ref<M> {
    gate: Gate,
    deliver: Arc<Deliver<M>>,
    ended: Arc<Ended>,
}

impl<M: Send + 'static> Ref<M> {
    /// For an actor whose `Msg` is `Envelope<M>`, or an enum with a variant for it.
    pub fn new<T>(gate: Gate, actor: ActorRef<T>) -> Self
    where
        T: ractor::Message + From<Envelope<M>>,
    {
        let cell = actor.get_cell();
        let deliver = move |it: Envelope<M>| actor.send_message(T::from(it)).map_err(drop);
        let ended = move || -> BoxFuture<'static, ()> { Box::pin(ended(cell.clone())) };
        Self { gate, deliver: Arc::new(deliver), ended: Arc::new(ended) }
    }

    /// For a supervised actor: a message goes to the incarnation that runs. While none does, it is
    /// refused as by a stopped actor.
    pub fn supervised<T>(gate: Gate, child: Supervised<T>) -> Self
    where
        T: ractor::Message + From<Envelope<M>>,
    {
        let watched = child.clone();
        let ended = move || -> BoxFuture<'static, ()> {
            let watched = watched.clone();
            Box::pin(async move { drop(watched.ended().await) })
        };
        let deliver = move |it: Envelope<M>| match child.current() {
            Some(actor) => actor.send_message(T::from(it)).map_err(drop),
            None => Err(()),
        };
        Self { gate, deliver: Arc::new(deliver), ended: Arc::new(ended) }
    }

    pub fn actor(&self) -> &Arc<str> {
        self.gate.actor()
    }

    /// Messages that are in the mailbox now.
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    /// Waits until the actor has ended; a supervised one, until it is not started again either.
    pub async fn ended(&self) {
        (self.ended)().await;
    }

    /// Hands a message over at once or not at all.
    pub fn tell(&self, message: M) -> Result<(), TellError> {
        let sealed = self.gate.seal(message).map_err(|_| self.busy())?;
        self.hand_over(sealed)
    }

    /// Hands a message over, waiting no longer than `deadline` for room in the mailbox.
    pub async fn tell_within(&self, deadline: Duration, message: M) -> Result<(), TellError> {
        let sealed = tokio::time::timeout(deadline, self.gate.seal_when_free(message)).await;
        self.hand_over(sealed.map_err(|_| self.busy())?)
    }

    /// Asks and waits for the answer.
    pub async fn ask<R: Send>(
        &self,
        deadline: Duration,
        question: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, AskError> {
        let (reply, answer) = oneshot::channel();
        match self.tell(question(Reply(reply))) {
            Ok(()) => {}
            Err(TellError::Busy { actor, waiting }) => {
                return Err(AskError::Busy { actor, waiting });
            }
            Err(TellError::Stopped { .. }) => return Err(stopped(self.actor())),
        }
        await_answer(self.actor(), deadline, answer).await
    }

    fn hand_over(&self, sealed: Envelope<M>) -> Result<(), TellError> {
        (self.deliver)(sealed).map_err(|()| TellError::Stopped { actor: self.actor().clone() })
    }

    fn busy(&self) -> TellError {
        TellError::Busy { actor: self.actor().clone(), waiting: self.gate.waiting() }
    }
}

impl<M> Clone for Ref<M> {
    fn clone(&self) -> Self {
        let (deliver, ended) = (self.deliver.clone(), self.ended.clone());
        Self { gate: self.gate.clone(), deliver, ended }
    }
}

impl<M> fmt::Debug for Ref<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref({})", self.gate.actor())
    }
}

async fn ended(actor: ActorCell) {
    // Without a limit it can't fail, except for an actor that has ended.
    if actor.get_status() != ActorStatus::Stopped {
        let _ = actor.wait(None).await;
    }
}

/// Waits for an answer, no longer than the deadline.
pub(crate) async fn await_answer<A, R>(
    actor: &Arc<str>,
    deadline: Duration,
    answer: oneshot::Receiver<A>,
) -> Result<A, AskError<R>> {
    match tokio::time::timeout(deadline, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(stopped(actor)),
        Err(_) => Err(AskError::Timeout { actor: actor.clone(), after: millis(deadline) }),
    }
}

pub(crate) fn stopped<R>(actor: &Arc<str>) -> AskError<R> {
    let cause = "it stopped before it answered; whether it did what was asked is not known".into();
    AskError::Stopped { actor: actor.clone(), cause }
}

pub(crate) fn millis(length: Duration) -> Millis {
    Millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
