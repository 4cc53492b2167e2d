//! Asks that wait for their answers on one link.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::dedup::Outcome;

#[derive(Debug)]
pub(crate) struct Asks {
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    next: u64,
    /// `None` once the link has ended.
    waiting: Option<HashMap<u64, oneshot::Sender<Outcome>>>,
}

impl Default for Asks {
    fn default() -> Self {
        Self { open: Mutex::new(Open { next: 1, waiting: Some(HashMap::new()) }) }
    }
}

impl Asks {
    /// Opens an ask, unless the link has ended.
    pub(crate) fn open(&self) -> Option<OpenAsk<'_>> {
        let (sender, receiver) = oneshot::channel();
        let mut open = self.lock();
        let corr = open.next;
        open.waiting.as_mut()?.insert(corr, sender);
        open.next += 1;
        Some(OpenAsk { asks: self, corr, receiver })
    }

    /// An answer to an ask that was given up is dropped.
    pub(crate) fn answer(&self, corr: u64, outcome: Outcome) {
        let sender = self.lock().waiting.as_mut().and_then(|it| it.remove(&corr));
        if let Some(sender) = sender {
            let _ = sender.send(outcome);
        }
    }

    /// No answer will come any more.
    pub(crate) fn fail(&self) {
        self.lock().waiting = None;
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An ask, given up when it is dropped.
pub(crate) struct OpenAsk<'a> {
    asks: &'a Asks,
    pub corr: u64,
    receiver: oneshot::Receiver<Outcome>,
}

impl OpenAsk<'_> {
    /// `None`: the link ended first.
    pub(crate) async fn answer(mut self) -> Option<Outcome> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for OpenAsk<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.asks.lock().waiting.as_mut() {
            waiting.remove(&self.corr);
        }
    }
}
