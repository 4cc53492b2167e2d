//! Answers that somebody takes: HTTP/2 asks for no more of a body than its client lets it send, and a client that
//! lets it send nothing may be alive otherwise, and answer every ping.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use weir_runtime::Stopwatch;

/// Who takes as much within the bound is not cut off: it is a frame of HTTP/2.
const PIECE: usize = 16 << 10;

/// The answers of a connection of which something is there that was not asked for yet.
#[derive(Default)]
pub(super) struct Owed {
    since: Mutex<BTreeMap<u64, Stopwatch>>,
    begun: AtomicU64,
}

impl Owed {
    /// How long the one that waits longest has waited.
    pub(super) fn longest(&self) -> Option<Duration> {
        self.since().values().map(Stopwatch::elapsed).max()
    }

    fn since(&self) -> MutexGuard<'_, BTreeMap<u64, Stopwatch>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same body in pieces; what is ready and is not asked for is owed.
pub(super) fn paced(body: Body, owed: Arc<Owed>) -> Body {
    let number = owed.begun.fetch_add(1, Ordering::Relaxed);
    let paced = Paced { body, rest: Bytes::new(), owed, number };
    // Of an empty one nobody asks.
    if !paced.is_end_stream() {
        paced.wait();
    }
    Body::new(paced)
}

struct Paced {
    body: Body,
    /// Of a frame of which a piece was given.
    rest: Bytes,
    owed: Arc<Owed>,
    number: u64,
}

impl Paced {
    fn wait(&self) {
        self.owed.since().insert(self.number, Stopwatch::start());
    }

    fn go_on(&self) {
        self.owed.since().remove(&self.number);
    }

    /// The next piece; it is for the client to ask for what follows.
    fn piece(&mut self, mut data: Bytes) -> Frame<Bytes> {
        self.rest = data.split_off(data.len().min(PIECE));
        self.wait();
        Frame::data(data)
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.go_on();
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.go_on();
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(self.piece(rest))));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        polled.map(|it| {
            it.map(|frame| match frame?.into_data() {
                Ok(data) => Ok(self.piece(data)),
                Err(trailers) => Ok(trailers),
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
