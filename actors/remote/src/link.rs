//! One live link: what is sent on it, what is asked over it, and its end.
//!
//! A link is made once a carrier's connection is agreed upon, and ends once, for one cause. It
//! does not reconnect; a new link to the same peer is another one. Nothing here waits, but `ask`.
//!
//! Sending takes no task of its own: who tells also sends, unless a frame is on its way to the
//! operating system already. Then messages gather, and share the next frame, which is sent as soon
//! as the last one is written. So a single message leaves at once, and a flood travels in batches.

mod asks;
mod inbox;
mod outbox;
mod receive;

pub(crate) use receive::nothing;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use weir_domain::{Incarnation, Timestamp};
use weir_runtime::Stopwatch;

use crate::dedup::Outcome;
use crate::deliver::Tellers;
use crate::error::{AskError, SendError};
use crate::event::Cause;
use crate::hello::{Hello, LinkId};
use crate::hub::Hub;
use crate::link::asks::Asks;
use crate::link::inbox::{Debt, Inbox};
use crate::link::outbox::Outbox;
use crate::transport::{Carrier, Certificate};
use crate::wire::{self, Answer, Answered, Blob, Item};
use crate::{Incoming, Lane, MessageSettings, Outgoing, Refused, code};

/// What an envelope may add to its payload.
const ENVELOPE_MAX: usize = 64 << 10;
/// Asks that run for one peer may hold so much; then its credit waits.
const ASKS_BYTES: usize = 16 << 20;

pub(crate) struct Link {
    pub number: u64,
    pub peer: Hello,
    pub is_dialler: bool,
    pub certificate: Option<Certificate>,
    pub since: Timestamp,
    me: Weak<Link>,
    hub: Weak<Hub>,
    settings: MessageSettings,
    watch: Stopwatch,
    carrier: OnceLock<Box<dyn Carrier>>,
    sending: Mutex<Sending>,
    drained: Notify,
    inbox: Mutex<Inbox>,
    debt: Mutex<Debt>,
    /// Bytes of tells that wait to be handled, per lane, and of asks that run.
    waiting: [AtomicUsize; 2],
    running: AtomicUsize,
    asks: Asks,
    pub(crate) tellers: Tellers,
    /// When something came last, and how long a word took there and back, since the start.
    heard: AtomicU64,
    rtt: AtomicU64,
    cause: OnceLock<Cause>,
    ended: CancellationToken,
}

struct Sending {
    outbox: Outbox,
    /// A frame is on its way to the operating system.
    is_writing: bool,
}

/// What a link is made of.
pub(crate) struct Agreed {
    pub number: u64,
    pub id: LinkId,
    pub peer: Hello,
    pub is_dialler: bool,
    pub certificate: Option<Certificate>,
    pub since: Timestamp,
}

impl Link {
    pub(crate) fn new(agreed: Agreed, hub: &Arc<Hub>) -> Arc<Self> {
        let settings = hub.settings.message;
        let wire = MessageSettings { size_max: settings.size_max + ENVELOPE_MAX, ..settings };
        let Agreed { number, id, peer, is_dialler, certificate, since } = agreed;
        Arc::new_cyclic(|me| Self {
            number,
            peer,
            is_dialler,
            certificate,
            since,
            me: me.clone(),
            hub: Arc::downgrade(hub),
            settings,
            watch: Stopwatch::start(),
            carrier: OnceLock::new(),
            sending: Mutex::new(Sending { outbox: Outbox::new(id, &wire), is_writing: false }),
            drained: Notify::new(),
            inbox: Mutex::new(Inbox::new(wire.size_max)),
            debt: Mutex::default(),
            waiting: Default::default(),
            running: AtomicUsize::new(0),
            asks: Asks::default(),
            tellers: Tellers::default(),
            heard: AtomicU64::new(0),
            rtt: AtomicU64::new(0),
            cause: OnceLock::new(),
            ended: CancellationToken::new(),
        })
    }

    /// From here on frames can be sent.
    pub(crate) fn attach(&self, carrier: Box<dyn Carrier>) {
        let carrier = self.carrier.get_or_init(|| carrier);
        if self.cause.get().is_some() {
            carrier.close();
        }
        self.pump();
    }

    pub(crate) fn node(&self) -> &Incarnation {
        &self.peer.node
    }

    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    pub(crate) fn cause(&self) -> Option<&Cause> {
        self.cause.get()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.cause.get().is_some()
    }

    pub(crate) fn tell(&self, path: &str, message: &Outgoing, lane: Lane) -> Result<(), SendError> {
        self.check_size(message)?;
        let deadline_ms = message.deadline.map(millis);
        let bytes = wire::encode_message(path, None, deadline_ms, message);
        let expires = message.deadline.map(|it| self.watch.elapsed() + it);
        self.offer(lane, bytes, expires)
    }

    pub(crate) async fn ask(
        &self,
        path: &str,
        request: &Outgoing,
        within: Duration,
    ) -> Result<Incoming, AskError> {
        self.check_size(request)?;
        let open = self.asks.open().ok_or(AskError::NoLink)?;
        let bytes = wire::encode_message(path, Some(open.corr), Some(millis(within)), request);
        self.offer(Lane::Data, bytes, Some(self.watch.elapsed() + within))?;
        match tokio::time::timeout(within, open.answer()).await {
            Ok(Some(Outcome::Done { manifest, payload })) => Ok(Incoming {
                manifest,
                payload,
                command: request.command,
                trace: None,
                is_ask: false,
                deadline: None,
                arrived: Stopwatch::start(),
            }),
            Ok(Some(Outcome::Unhandled)) => {
                Err(AskError::Unhandled { manifest: request.manifest.clone() })
            }
            Ok(Some(Outcome::Refused(refused))) => Err(AskError::Refused(refused)),
            Ok(None) => Err(AskError::LinkLost),
            Err(_) => Err(AskError::Timeout(within)),
        }
    }

    /// Answers an ask of the peer that took so many bytes here.
    pub(crate) fn answer(&self, corr: u64, request: &Incoming, bytes: usize, outcome: &Outcome) {
        let max = self.settings.size_max;
        let outcome = match outcome {
            Outcome::Done { payload, .. } if payload.len() > max => {
                let reason = format!(
                    "the answer has {} bytes, and weir.cluster.message.max-size is {max}",
                    payload.len()
                );
                Answered::Refused(Refused::because(code::TOO_LARGE, reason))
            }
            Outcome::Done { manifest, payload } => {
                Answered::Done { manifest: manifest.clone(), payload: Blob(payload) }
            }
            Outcome::Unhandled => Answered::Unhandled { manifest: request.manifest.clone() },
            Outcome::Refused(refused) => Answered::Refused(refused.clone()),
        };
        let item = wire::encode(&Item::Answer(Answer { corr, outcome }));
        let taken = self.sending().outbox.answer(item);
        if taken.is_err() {
            metrics::counter!("weir_remote_busy_total").increment(1);
        }
        self.pump();
        let before = self.running.fetch_sub(bytes, Ordering::AcqRel);
        if before >= ASKS_BYTES {
            self.settle();
        }
    }

    /// A word that shows that this node is alive, and asks whether the peer is.
    pub(crate) fn beat(&self) {
        let micros = micros(self.watch.elapsed());
        self.sending().outbox.free(&Item::Ping { micros });
        self.pump();
    }

    /// How long nothing has come from the peer.
    pub(crate) fn silence(&self) -> Duration {
        let heard = Duration::from_micros(self.heard.load(Ordering::Relaxed));
        self.watch.elapsed().saturating_sub(heard)
    }

    /// Counts the silence anew: this process itself was asleep.
    pub(crate) fn excuse(&self) {
        self.heard.store(micros(self.watch.elapsed()), Ordering::Relaxed);
    }

    pub(crate) fn rtt(&self) -> Option<Duration> {
        let micros = self.rtt.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.sending().outbox.bytes()
    }

    /// Sends what waits, tells the peer that this node leaves, and gives it time to hear both.
    pub(crate) async fn leave(&self, reason: &str, within: Duration) {
        let _ = tokio::time::timeout(within / 2, self.drained()).await;
        self.sending().outbox.free(&Item::Goodbye { reason: reason.to_owned() });
        self.pump();
        // The peer closes the connection when it has heard.
        let _ = tokio::time::timeout(within / 2, self.ended.cancelled()).await;
        self.end(Cause::Disconnected(reason.to_owned()));
    }

    async fn drained(&self) {
        loop {
            // What is drained after the look must not be missed.
            let mut drained = std::pin::pin!(self.drained.notified());
            drained.as_mut().enable();
            if self.sending().outbox.len() == 0 || self.has_ended() {
                return;
            }
            drained.await;
        }
    }

    /// Ends the link. Only the first cause counts.
    pub(crate) fn end(&self, cause: Cause) {
        if self.cause.set(cause).is_err() {
            return;
        }
        let Some(cause) = self.cause.get() else { return };
        if let Some(carrier) = self.carrier.get() {
            carrier.close();
        }
        self.asks.fail();
        // Tells that came are still handled; none comes any more.
        self.tellers.close();
        let dropped = {
            let mut sending = self.sending();
            let dropped = sending.outbox.len();
            sending.outbox.clear();
            dropped
        };
        self.ended.cancel();
        self.drained.notify_waiters();
        if let (Some(hub), Some(me)) = (self.hub.upgrade(), self.me.upgrade()) {
            hub.dropped(self.node(), dropped);
            hub.link_ended(&me, cause);
        }
    }

    fn check_size(&self, message: &Outgoing) -> Result<(), SendError> {
        let (bytes, max) = (message.payload.len(), self.settings.size_max);
        if bytes > max { Err(SendError::TooLarge { bytes, max }) } else { Ok(()) }
    }

    fn offer(
        &self,
        lane: Lane,
        bytes: Vec<u8>,
        expires: Option<Duration>,
    ) -> Result<(), SendError> {
        let mut sending = self.sending();
        if self.has_ended() {
            return Err(SendError::NoLink);
        }
        sending.outbox.offer(lane, bytes, expires)?;
        self.send(&mut sending);
        Ok(())
    }

    fn pump(&self) {
        self.send(&mut self.sending());
    }

    /// Sends the next frame, unless one is being written. Frames leave in the order in which they
    /// are made, since both happen under the lock.
    fn send(&self, sending: &mut Sending) {
        let Some(carrier) = self.carrier.get() else { return };
        if sending.is_writing || self.has_ended() {
            return;
        }
        let next = sending.outbox.next(self.watch.elapsed());
        if next.expired > 0 {
            metrics::counter!("weir_remote_late_total").increment(next.expired as u64);
        }
        let Some(frame) = next.frame else { return };
        metrics::counter!("weir_remote_frames_total", "direction" => "out").increment(1);
        metrics::counter!("weir_remote_bytes_total", "direction" => "out")
            .increment(frame.len() as u64);
        // Where it fails, the carrier tells the link why.
        sending.is_writing = carrier.send(frame).is_ok();
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
