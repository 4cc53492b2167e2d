//! An edge: what one stage sends to another, in order, bounded in bytes.
//!
//! The sender takes credit for a batch before it queues it and waits while there is none; the
//! credit returns when the receiver takes the batch. A batch larger than the whole credit takes
//! all of it. Barriers and the end travel in the queue, behind the data, and cost nothing.
//!
//! Each sender has credit of its own, so that one whose data is not wanted now keeps no other from
//! sending. When a side is dropped before the end, the other side learns of it at its next call: a
//! pipeline dies as one.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc};
use weir_checkpoint::Epoch;

use crate::Batch;
use crate::times::{OfStage, Spent};

/// The other side of the edge is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stage on the other side of the edge is gone")]
pub(crate) struct Broken;

pub(crate) enum Message {
    Batch(
        Batch,
        #[expect(dead_code, reason = "held until the batch is taken")] OwnedSemaphorePermit,
    ),
    /// All before it belongs to this epoch, and nothing behind it.
    Barrier(Epoch),
    End,
}

pub(crate) struct Sender {
    queue: mpsc::UnboundedSender<(usize, Message)>,
    input: usize,
    credit: Arc<Semaphore>,
    credit_bytes: u32,
    /// Whose waiting for credit is counted.
    time: Arc<OfStage>,
}

/// The end of edges at one stage, while they are being made.
pub(crate) struct Entry {
    credit_bytes: u32,
    queue: mpsc::UnboundedSender<(usize, Message)>,
    receiver: Receiver,
}

/// What comes in by all edges of a stage, each numbered in the order in which it was made.
pub(crate) struct Receiver {
    queue: mpsc::UnboundedReceiver<(usize, Message)>,
    credits: Vec<Arc<Semaphore>>,
}

impl Entry {
    /// Each sender has the given credit.
    pub(crate) fn new(credit_bytes: usize) -> Self {
        let credit_bytes = credit_bytes.clamp(1, Semaphore::MAX_PERMITS);
        let credit_bytes = u32::try_from(credit_bytes).unwrap_or(u32::MAX);
        let (sender, queue) = mpsc::unbounded_channel();
        Self { credit_bytes, queue: sender, receiver: Receiver { queue, credits: Vec::new() } }
    }

    /// One edge more, by which a stage sends.
    pub(crate) fn sender(&mut self, time: Arc<OfStage>) -> Sender {
        let credit = Arc::new(Semaphore::new(self.credit_bytes as usize));
        let input = self.receiver.credits.len();
        self.receiver.credits.push(credit.clone());
        let (queue, credit_bytes) = (self.queue.clone(), self.credit_bytes);
        Sender { queue, input, credit, credit_bytes, time }
    }

    /// All edges are made.
    pub(crate) fn receiver(self) -> Receiver {
        self.receiver
    }
}

impl Sender {
    pub(crate) async fn send(&self, batch: Batch) -> Result<(), Broken> {
        let size = u32::try_from(batch.size_bytes()).unwrap_or(u32::MAX).min(self.credit_bytes);
        let permit = match self.credit.clone().try_acquire_many_owned(size) {
            Err(TryAcquireError::NoPermits) => {
                let _blocked = self.time.spend(Spent::Blocked);
                self.credit.clone().acquire_many_owned(size).await.map_err(|_| Broken)?
            }
            tried => tried.map_err(|_| Broken)?,
        };
        self.say(Message::Batch(batch, permit))
    }

    /// As `send`, from a thread that may block.
    pub(crate) fn send_blocking(&self, batch: Batch) -> Result<(), Broken> {
        Handle::current().block_on(self.send(batch))
    }

    pub(crate) fn barrier(&self, epoch: Epoch) -> Result<(), Broken> {
        self.say(Message::Barrier(epoch))
    }

    /// Says that this sender has no more. Call it once, last.
    pub(crate) fn end(&self) -> Result<(), Broken> {
        self.say(Message::End)
    }

    fn say(&self, message: Message) -> Result<(), Broken> {
        self.queue.send((self.input, message)).map_err(|_| Broken)
    }
}

impl Receiver {
    pub(crate) fn inputs(&self) -> usize {
        self.credits.len()
    }

    /// What comes next, and by which edge.
    pub(crate) async fn receive(&mut self) -> Result<(usize, Message), Broken> {
        self.queue.recv().await.ok_or(Broken)
    }
}

impl Drop for Receiver {
    /// Wakes senders that wait for credit which will never come.
    fn drop(&mut self) {
        self.credits.iter().for_each(|it| it.close());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch};
    use futures::FutureExt as _;

    use super::*;
    use crate::Positions;

    pub(crate) fn batch(rows: usize) -> Batch {
        let column = Arc::new(Int64Array::from(vec![7; rows]));
        let records = RecordBatch::try_from_iter([("n", column as _)]).expect("one column");
        Batch::new(records, Positions::Range { first: 1 })
    }

    fn edge(credit_bytes: usize) -> (Sender, Receiver) {
        let mut entry = Entry::new(credit_bytes);
        (entry.sender(Arc::default()), entry.receiver())
    }

    async fn rows(receiver: &mut Receiver) -> (usize, usize) {
        match receiver.receive().await {
            Ok((input, Message::Batch(batch, _))) => (input, batch.rows()),
            _ => panic!("a batch is next"),
        }
    }

    #[tokio::test]
    async fn a_sender_waits_for_credit_and_goes_on_when_it_returns() {
        let (sender, mut receiver) = edge(1_000);
        sender.send(batch(100)).await.expect("800 of 1000 bytes");
        let mut waiting = Box::pin(sender.send(batch(100)));
        assert!(waiting.as_mut().now_or_never().is_none(), "only 200 bytes of credit are left");
        rows(&mut receiver).await;
        waiting.await.expect("the credit is back");
    }

    #[tokio::test]
    async fn a_batch_larger_than_the_credit_passes_alone() {
        let (sender, mut receiver) = edge(100);
        sender.send(batch(10_000)).await.expect("takes all the credit there is");
        assert!(sender.send(batch(1)).now_or_never().is_none());
        assert_eq!(rows(&mut receiver).await, (0, 10_000));
    }

    #[tokio::test]
    async fn what_one_sender_has_queued_takes_no_credit_from_another() {
        let mut entry = Entry::new(100);
        let (first, second) = (entry.sender(Arc::default()), entry.sender(Arc::default()));
        let mut receiver = entry.receiver();
        first.send(batch(100)).await.expect("all the credit of the first");
        second.send(batch(2)).now_or_never().expect("its own").expect("open");
        assert_eq!([rows(&mut receiver).await, rows(&mut receiver).await], [(0, 100), (1, 2)]);
    }

    #[tokio::test]
    async fn a_dropped_side_breaks_the_edge() {
        let (sender, mut receiver) = edge(1_000);
        drop(sender);
        assert_eq!(receiver.receive().await.err(), Some(Broken));
        let (sender, receiver) = edge(10);
        sender.send(batch(100)).await.expect("open");
        let waiting = sender.send(batch(1));
        drop(receiver);
        assert_eq!(waiting.await, Err(Broken));
    }
}
