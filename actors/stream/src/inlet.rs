//! What a stage is to do next, from what comes in by its edges and what its driver orders.
//!
//! An input whose barrier has arrived is parked until the others have delivered theirs: what it
//! has queued waits here, within its credit. Which barrier means what is decided by the
//! [`Aligner`]; this only carries.

use std::collections::{BTreeMap, VecDeque};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use weir_checkpoint::{Aligner, Epoch, EpochKind, Move};

use crate::Batch;
use crate::edge::{Broken, Message, Receiver};

/// What the driver of a pipeline says to its stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Announce(Epoch, EpochKind),
    Abandon(Epoch),
    /// A restart begins from here: what is before it may be acknowledged.
    Claimed(Epoch),
    /// All is published: go home.
    Over,
}

pub(crate) type Orders = mpsc::UnboundedReceiver<Order>;

/// What the stage does next.
#[derive(Debug)]
pub(crate) enum Arrival {
    Batch(Batch),
    /// All inputs have ended: put out what is held back, and send the end on.
    Finish,
    /// Send the barrier on unless the stage has finished, and take the snapshot.
    Snapshot(Epoch),
    /// This epoch can't be taken any more.
    Skip(Epoch),
    /// Nothing comes any more.
    Over,
}

pub(crate) struct Inlet {
    receiver: Receiver,
    aligner: Aligner<usize>,
    /// What parked inputs have sent meanwhile.
    parked: BTreeMap<usize, VecDeque<Message>>,
    /// What they had sent when they were let go: before anything that is received.
    returned: VecDeque<(usize, Message)>,
    due: VecDeque<Arrival>,
    /// `None`: nobody drives it, the stage is done with its inputs.
    orders: Option<Orders>,
    is_finished: bool,
    /// Those that send are gone: all is over, and the order is on its way, or the pipeline stops.
    is_cut: bool,
}

impl Inlet {
    /// Of a pipeline that ends with its inputs.
    pub(crate) fn undriven(receiver: Receiver) -> Self {
        Self::new(receiver, None)
    }

    /// Of a pipeline that takes snapshots until it is told that all is over.
    pub(crate) fn driven(receiver: Receiver, orders: Orders) -> Self {
        Self::new(receiver, Some(orders))
    }

    fn new(receiver: Receiver, orders: Option<Orders>) -> Self {
        let aligner = Aligner::new(0..receiver.inputs(), None);
        // Without inputs there is nothing to wait for.
        let is_finished = receiver.inputs() == 0;
        let due = is_finished.then_some(Arrival::Finish).into_iter().collect();
        let (parked, returned) = Default::default();
        let is_cut = false;
        Self { receiver, aligner, parked, returned, due, orders, is_finished, is_cut }
    }

    /// `stop` ends the waiting of a pipeline that is driven.
    pub(crate) async fn next(&mut self, stop: &CancellationToken) -> Result<Arrival, Broken> {
        loop {
            if let Some(arrival) = self.due.pop_front() {
                return Ok(arrival);
            }
            if let Some((input, message)) = self.returned.pop_front() {
                self.arrived(input, message);
                continue;
            }
            let Some(orders) = &mut self.orders else {
                if self.is_finished {
                    return Ok(Arrival::Over);
                }
                let (input, message) = self.receiver.receive().await?;
                self.arrived(input, message);
                continue;
            };
            tokio::select! {
                order = orders.recv() => self.ordered(order.ok_or(Broken)?),
                received = self.receiver.receive(), if !self.is_finished && !self.is_cut => {
                    match received {
                        Ok((input, message)) => self.arrived(input, message),
                        Err(Broken) => self.is_cut = true,
                    }
                }
                () = stop.cancelled() => return Err(Broken),
            }
        }
    }

    /// As `next`, from a thread that may block.
    pub(crate) fn next_blocking(&mut self, stop: &CancellationToken) -> Result<Arrival, Broken> {
        Handle::current().block_on(self.next(stop))
    }

    fn ordered(&mut self, order: Order) {
        match order {
            Order::Announce(epoch, _) => {
                let moves = self.aligner.announced(epoch);
                self.make(moves);
            }
            Order::Abandon(epoch) => {
                let moves = self.aligner.abandoned(epoch);
                self.make(moves);
            }
            Order::Claimed(_) => {}
            Order::Over => self.due.push_back(Arrival::Over),
        }
    }

    fn arrived(&mut self, input: usize, message: Message) {
        if let Some(waiting) = self.parked.get_mut(&input) {
            return waiting.push_back(message);
        }
        match message {
            Message::Batch(batch, _) => self.due.push_back(Arrival::Batch(batch)),
            Message::Barrier(epoch) => {
                let moves = self.aligner.barrier(input, epoch);
                self.make(moves);
            }
            Message::End => {
                let moves = self.aligner.ended(input);
                self.make(moves);
            }
        }
    }

    fn make(&mut self, moves: Vec<Move<usize>>) {
        for it in moves {
            match it {
                Move::Park(input) => drop(self.parked.insert(input, VecDeque::new())),
                Move::Unpark(input) => {
                    let waiting = self.parked.remove(&input).unwrap_or_default();
                    self.returned.extend(waiting.into_iter().map(|it| (input, it)));
                }
                Move::Finish => {
                    self.is_finished = true;
                    self.due.push_back(Arrival::Finish);
                }
                Move::Snapshot(epoch) => self.due.push_back(Arrival::Snapshot(epoch)),
                Move::Skip(epoch) => self.due.push_back(Arrival::Skip(epoch)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt as _;

    use super::*;
    use crate::edge::tests::batch;
    use crate::edge::{Entry, Sender};

    fn pair() -> (Sender, Sender, mpsc::UnboundedSender<Order>, Inlet) {
        let mut entry = Entry::new(1 << 20);
        let (one, two) = (entry.sender(Arc::default()), entry.sender(Arc::default()));
        let (say, orders) = mpsc::unbounded_channel();
        (one, two, say, Inlet::driven(entry.receiver(), orders))
    }

    /// Batches by their rows, epochs by their numbers.
    async fn next(inlet: &mut Inlet) -> String {
        match inlet.next(&CancellationToken::new()).await.expect("open") {
            Arrival::Batch(it) => format!("{} rows", it.rows()),
            Arrival::Finish => "finish".to_owned(),
            Arrival::Snapshot(it) => format!("snapshot {it}"),
            Arrival::Skip(it) => format!("skip {it}"),
            Arrival::Over => "over".to_owned(),
        }
    }

    #[tokio::test]
    async fn what_comes_behind_a_barrier_waits_for_the_other_inputs() {
        let (one, two, say, mut inlet) = pair();
        one.barrier(Epoch::new(1, 1)).unwrap();
        one.send(batch(11)).await.unwrap();
        one.barrier(Epoch::new(1, 2)).unwrap();
        one.send(batch(12)).await.unwrap();
        two.send(batch(2)).await.unwrap();
        two.barrier(Epoch::new(1, 1)).unwrap();
        two.barrier(Epoch::new(1, 2)).unwrap();
        let expected = ["2 rows", "snapshot 1.1", "11 rows", "snapshot 1.2", "12 rows"];
        for it in expected {
            assert_eq!(next(&mut inlet).await, it);
        }
        say.send(Order::Over).unwrap();
        assert_eq!(next(&mut inlet).await, "over");
    }

    #[tokio::test]
    async fn after_all_inputs_have_ended_snapshots_are_taken_as_they_are_announced() {
        let (one, two, say, mut inlet) = pair();
        one.end().unwrap();
        two.barrier(Epoch::new(1, 1)).unwrap();
        two.end().unwrap();
        assert_eq!(next(&mut inlet).await, "snapshot 1.1");
        assert_eq!(next(&mut inlet).await, "finish");
        say.send(Order::Announce(Epoch::new(1, 2), EpochKind::Periodic)).unwrap();
        assert_eq!(next(&mut inlet).await, "snapshot 1.2");
        drop(say);
        assert_eq!(inlet.next(&CancellationToken::new()).await.err(), Some(Broken));
    }

    #[tokio::test]
    async fn who_hears_that_all_is_over_after_the_others_have_gone_ends_well() {
        let (one, two, say, mut inlet) = pair();
        drop((one, two));
        let stop = CancellationToken::new();
        assert!(inlet.next(&stop).now_or_never().is_none());
        say.send(Order::Over).unwrap();
        assert_eq!(next(&mut inlet).await, "over");
        let (one, two, _say, mut inlet) = pair();
        drop((one, two));
        stop.cancel();
        assert_eq!(inlet.next(&stop).await.err(), Some(Broken));
    }

    #[tokio::test]
    async fn what_is_abandoned_parks_nobody() {
        let (one, _two, say, mut inlet) = pair();
        one.barrier(Epoch::new(1, 1)).unwrap();
        one.send(batch(3)).await.unwrap();
        say.send(Order::Abandon(Epoch::new(1, 1))).unwrap();
        assert_eq!(next(&mut inlet).await, "3 rows");
    }

    #[tokio::test]
    async fn nobody_drives_a_stream_over_an_item() {
        let mut entry = Entry::new(1 << 20);
        let (one, two) = (entry.sender(Arc::default()), entry.sender(Arc::default()));
        let mut inlet = Inlet::undriven(entry.receiver());
        one.end().unwrap();
        two.send(batch(1)).await.unwrap();
        two.end().unwrap();
        for it in ["1 rows", "finish", "over"] {
            assert_eq!(next(&mut inlet).await, it);
        }
        let mut unfed = Inlet::undriven(Entry::new(1).receiver());
        assert_eq!(next(&mut unfed).await, "finish");
    }
}
