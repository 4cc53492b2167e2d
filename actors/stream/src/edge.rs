//! An edge: a queue of batches between stages, bounded in bytes.
//!
//! The sender takes credit for a batch before it queues it and waits while there is none; the
//! credit returns when the receiver takes the batch. A batch larger than the whole credit takes
//! all of it. The end of the stream travels in the queue, behind the data, and costs nothing.
//!
//! Several senders may feed one receiver: the stream has ended when each of them said so. When a
//! side is dropped before that, the other side learns of it at its next call: a pipeline dies as one.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::Batch;

/// The other side of the edge is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stage on the other side of the edge is gone")]
pub(crate) struct Broken;

enum Message {
    Batch(
        Batch,
        #[expect(dead_code, reason = "held until the batch is taken")] OwnedSemaphorePermit,
    ),
    End,
}

/// One of the senders of an edge.
#[derive(Clone)]
pub(crate) struct Sender {
    queue: mpsc::UnboundedSender<Message>,
    credit: Arc<Semaphore>,
    credit_bytes: u32,
}

pub(crate) struct Receiver {
    queue: mpsc::UnboundedReceiver<Message>,
    credit: Arc<Semaphore>,
    senders_open: usize,
}

/// An edge with the given credit, for a number of senders made by cloning the returned one.
pub(crate) fn edge(credit_bytes: usize, senders: usize) -> (Sender, Receiver) {
    let credit_bytes =
        u32::try_from(credit_bytes.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
    let (sender, receiver) = mpsc::unbounded_channel();
    let credit = Arc::new(Semaphore::new(credit_bytes as usize));
    let receiver = Receiver { queue: receiver, credit: credit.clone(), senders_open: senders };
    (Sender { queue: sender, credit, credit_bytes }, receiver)
}

impl Sender {
    pub(crate) async fn send(&self, batch: Batch) -> Result<(), Broken> {
        let size = u32::try_from(batch.size_bytes()).unwrap_or(u32::MAX).min(self.credit_bytes);
        let permit = self.credit.clone().acquire_many_owned(size).await.map_err(|_| Broken)?;
        self.queue.send(Message::Batch(batch, permit)).map_err(|_| Broken)
    }

    /// As `send`, from a thread that may block.
    pub(crate) fn send_blocking(&self, batch: Batch) -> Result<(), Broken> {
        Handle::current().block_on(self.send(batch))
    }

    /// Says that this sender has no more. Call it once, last.
    pub(crate) fn end(&self) -> Result<(), Broken> {
        self.queue.send(Message::End).map_err(|_| Broken)
    }
}

impl Receiver {
    /// The next batch, or `None` when all senders have ended.
    pub(crate) async fn receive(&mut self) -> Result<Option<Batch>, Broken> {
        loop {
            if self.senders_open == 0 {
                return Ok(None);
            }
            match self.queue.recv().await {
                Some(Message::Batch(batch, _)) => return Ok(Some(batch)),
                Some(Message::End) => self.senders_open -= 1,
                None => return Err(Broken),
            }
        }
    }

    /// As `receive`, from a thread that may block.
    pub(crate) fn receive_blocking(&mut self) -> Result<Option<Batch>, Broken> {
        Handle::current().block_on(self.receive())
    }
}

impl Drop for Receiver {
    /// Wakes senders that wait for credit which will never come.
    fn drop(&mut self) {
        self.credit.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch};
    use futures::FutureExt as _;

    use super::*;
    use crate::Positions;

    fn batch(rows: usize) -> Batch {
        let column = Arc::new(Int64Array::from(vec![7; rows]));
        let records = RecordBatch::try_from_iter([("n", column as _)]).expect("one column");
        Batch::new(records, Positions::Range { first: 1 })
    }

    #[tokio::test]
    async fn a_sender_waits_for_credit_and_goes_on_when_it_returns() {
        let (sender, mut receiver) = edge(1_000, 1);
        sender.send(batch(100)).await.expect("800 of 1000 bytes");
        let mut waiting = Box::pin(sender.send(batch(100)));
        assert!(waiting.as_mut().now_or_never().is_none(), "only 200 bytes of credit are left");
        receiver.receive().await.expect("open").expect("a batch");
        waiting.await.expect("the credit is back");
    }

    #[tokio::test]
    async fn a_batch_larger_than_the_credit_passes_alone() {
        let (sender, mut receiver) = edge(100, 1);
        sender.send(batch(10_000)).await.expect("takes all the credit there is");
        assert!(sender.send(batch(1)).now_or_never().is_none());
        assert_eq!(receiver.receive().await.expect("open").map(|it| it.rows()), Some(10_000));
    }

    #[tokio::test]
    async fn the_stream_ends_when_every_sender_has_ended() {
        let (first, mut receiver) = edge(1_000, 2);
        let second = first.clone();
        first.end().expect("open");
        second.send(batch(1)).await.expect("open");
        second.end().expect("open");
        assert!(receiver.receive().await.expect("open").is_some());
        assert!(receiver.receive().await.expect("open").is_none());
    }

    #[tokio::test]
    async fn a_dropped_side_breaks_the_edge() {
        let (sender, mut receiver) = edge(1_000, 1);
        drop(sender);
        assert_eq!(receiver.receive().await.err(), Some(Broken));
        let (sender, receiver) = edge(10, 1);
        sender.send(batch(100)).await.expect("open");
        let waiting = sender.send(batch(1));
        drop(receiver);
        assert_eq!(waiting.await, Err(Broken));
    }
}
