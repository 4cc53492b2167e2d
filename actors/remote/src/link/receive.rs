//! What a link does with what comes. Nothing here waits: handlers run in tasks of their own.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use weir_runtime::Stopwatch;

use crate::dedup::Outcome;
use crate::deliver::Arrival;
use crate::event::Cause;
use crate::link::inbox::Pieced;
use crate::link::{ASKS_BYTES, Link, micros};
use crate::transport::{Broken, Receiver};
use crate::wire::{self, Answer, Answered, Envelope, Fare, Garbled, Item, Piece};
use crate::{Incoming, Lane, Manifest, code};

/// A payload that is a smaller part of its frame is copied out, so that it does not hold the frame.
const SHARE_MIN: usize = 2;

impl Receiver for Link {
    fn heard(&self) {
        self.heard.store(micros(self.watch.elapsed()), Ordering::Relaxed);
    }

    fn frame(&self, frame: Bytes) {
        self.heard();
        metrics::counter!("weir_remote_frames_total", "direction" => "in").increment(1);
        metrics::counter!("weir_remote_bytes_total", "direction" => "in")
            .increment(frame.len() as u64);
        match self.items(&frame) {
            Ok(()) => self.settle(),
            Err(garbled) => {
                tracing::warn!(code = %code::GARBLED, peer = %self.node(), %garbled, "a peer sent what can't be read: the link is closed");
                self.end(Cause::Garbled(garbled.to_string()));
            }
        }
    }

    fn written(&self) {
        let mut sending = self.sending();
        sending.is_writing = false;
        self.send(&mut sending);
        let is_drained = sending.outbox.len() == 0;
        drop(sending);
        if is_drained {
            self.drained.notify_waiters();
        }
    }

    fn broken(&self, why: Broken) {
        self.end(match why {
            Broken::Closed => Cause::Closed,
            Broken::Lost(reason) => Cause::Lost(reason),
        });
    }
}

impl Link {
    fn items(&self, frame: &Bytes) -> Result<(), Garbled> {
        let (number, items) = wire::open_frame(frame)?;
        self.inbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner).frame(number)?;
        for item in items {
            let (fare, item) = item?;
            if let Fare::Lane(lane) = fare {
                self.debt().owe(lane, item.len());
            }
            self.item(fare, item, frame)?;
        }
        Ok(())
    }

    /// `whole` is what the item is a part of.
    fn item(&self, fare: Fare, item: &[u8], whole: &Bytes) -> Result<(), Garbled> {
        match wire::decode(item) {
            Ok(Item::Message(envelope)) => {
                let lane = match fare {
                    Fare::Free => Lane::Control,
                    Fare::Lane(lane) => lane,
                };
                self.message(lane, &envelope, item.len(), whole);
            }
            Ok(Item::Answer(answer)) => self.answered(answer, whole),
            Ok(Item::Piece(piece)) => return self.piece(fare, &piece),
            Ok(Item::Credit { lane, bytes }) => {
                let mut sending = self.sending();
                sending.outbox.grant(lane, bytes);
                self.send(&mut sending);
            }
            Ok(Item::Ping { micros }) => {
                let mut sending = self.sending();
                sending.outbox.free(&Item::Pong { micros });
                self.send(&mut sending);
            }
            Ok(Item::Pong { micros }) => self.pong(micros),
            Ok(Item::Goodbye { reason }) => self.end(Cause::Goodbye(reason)),
            // The peer may be of a newer version.
            Err(error) => {
                metrics::counter!("weir_remote_unhandled_total").increment(1);
                tracing::warn!(code = %code::UNREADABLE, peer = %self.node(), version = self.peer.version, %error, "an item of a frame can't be read and is left out");
            }
        }
        Ok(())
    }

    fn piece(&self, fare: Fare, piece: &Piece<'_>) -> Result<(), Garbled> {
        let pieced = self
            .inbox
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .piece(fare, piece)?;
        match pieced {
            Pieced::More => Ok(()),
            Pieced::Whole(bytes) => {
                let whole = Bytes::from(bytes);
                match wire::decode(&whole) {
                    Ok(Item::Piece(_)) => Err(Garbled::Pieces),
                    _ => self.item(fare, &whole, &whole),
                }
            }
            Pieced::TooLarge(bytes) => {
                metrics::counter!("weir_remote_unhandled_total").increment(1);
                tracing::warn!(code = %code::TOO_LARGE, peer = %self.node(), bytes, max = self.settings.size_max, "a message is larger than this node accepts and is left out: weir.cluster.message.max-size must be the same on all nodes");
                Ok(())
            }
        }
    }

    fn message(&self, lane: Lane, envelope: &Envelope<'_>, bytes: usize, whole: &Bytes) {
        let (Some(hub), Some(link)) = (self.hub.upgrade(), self.me.upgrade()) else { return };
        let message = Incoming {
            manifest: envelope.manifest.clone(),
            payload: part(envelope.payload.0, whole),
            command: envelope.command,
            // One that can't be read is of a later version, and nothing depends on it.
            trace: envelope.trace.as_deref().and_then(|it| it.parse().ok()),
            is_ask: envelope.corr.is_some(),
            deadline: envelope.deadline_ms.map(Duration::from_millis),
            arrived: Stopwatch::start(),
        };
        match envelope.corr {
            Some(_) => self.running.fetch_add(bytes, Ordering::AcqRel),
            None => self.waiting(lane).fetch_add(bytes, Ordering::AcqRel),
        };
        hub.deliver(&link, Arrival { to: &envelope.to, corr: envelope.corr, lane, bytes }, message);
    }

    /// A tell is about to be handled, or was dropped: it waits no more.
    pub(crate) fn taken(&self, lane: Lane, bytes: usize) {
        let before = self.waiting(lane).fetch_sub(bytes, Ordering::AcqRel);
        if before >= self.settings.window && before - bytes < self.settings.window {
            self.settle();
        }
    }

    fn answered(&self, answer: Answer<'_>, whole: &Bytes) {
        let outcome = match answer.outcome {
            Answered::Done { manifest, payload } => {
                Outcome::Done { manifest, payload: part(payload.0, whole) }
            }
            Answered::Unhandled { .. } => Outcome::Unhandled,
            Answered::Refused(refused) => Outcome::Refused(refused),
        };
        self.asks.answer(answer.corr, outcome);
    }

    fn pong(&self, sent: u64) {
        let rtt = micros(self.watch.elapsed()).saturating_sub(sent).max(1);
        self.rtt.store(rtt, Ordering::Relaxed);
        let seconds = Duration::from_micros(rtt).as_secs_f64();
        let peer = self.node().name.to_string();
        metrics::gauge!("weir_remote_rtt_seconds", "peer" => peer).set(seconds);
    }

    /// Gives credit back, where what it was for does not pile up here.
    pub(crate) fn settle(&self) {
        let window = self.settings.window;
        let asks_wait = self.running.load(Ordering::Acquire) >= ASKS_BYTES;
        for lane in [Lane::Control, Lane::Data] {
            let piles_up = self.waiting(lane).load(Ordering::Acquire) >= window
                || (lane == Lane::Data && asks_wait);
            if piles_up {
                continue;
            }
            let owed = self.debt().settle(lane, window);
            if let Some(bytes) = owed {
                let mut sending = self.sending();
                sending.outbox.free(&Item::Credit { lane, bytes });
                self.send(&mut sending);
            }
        }
    }

    fn waiting(&self, lane: Lane) -> &std::sync::atomic::AtomicUsize {
        match lane {
            Lane::Control => &self.waiting[0],
            Lane::Data => &self.waiting[1],
        }
    }

    fn debt(&self) -> std::sync::MutexGuard<'_, crate::link::inbox::Debt> {
        self.debt.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn part(payload: &[u8], whole: &Bytes) -> Bytes {
    if payload.len().saturating_mul(SHARE_MIN) < whole.len() {
        Bytes::copy_from_slice(payload)
    } else {
        whole.slice_ref(payload)
    }
}

/// The manifest of an answer that says nothing.
pub(crate) fn nothing() -> Outcome {
    Outcome::Done { manifest: Manifest::nothing(), payload: Bytes::new() }
}
