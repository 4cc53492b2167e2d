//! The engines of one cluster, of which any can answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use weir_http_client::Client;

/// An engine that works answers in milliseconds, a frozen one never.
const TURN: Duration = Duration::from_secs(5);

/// Engines in the order in which they are asked. Cheap to clone; clones share what they learned.
#[derive(Debug, Clone)]
pub struct Engines {
    inner: Arc<Inner>,
    turn: Duration,
}

#[derive(Debug)]
struct Inner {
    first: Client,
    others: Vec<Client>,
    /// The one that is asked first: it answered last.
    preferred: AtomicUsize,
}

impl Engines {
    pub fn new(first: Client, others: Vec<Client>) -> Self {
        let inner = Arc::new(Inner { first, others, preferred: AtomicUsize::new(0) });
        Self { inner, turn: TURN }
    }

    /// How long an engine may be silent before the next one is asked, instead of 5 s.
    #[must_use]
    pub fn with_turn(self, turn: Duration) -> Self {
        Self { turn, ..self }
    }

    pub(crate) fn turn(&self) -> Duration {
        self.turn
    }

    /// All of them with their numbers, the one that answered last first.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = (usize, &Client)> {
        let (start, count) = (self.inner.preferred.load(Ordering::Relaxed), self.count());
        (0..count).map(move |it| (start + it) % count).map(|it| (it, self.at(it)))
    }

    /// The one that answered last.
    pub(crate) fn preferred(&self) -> &Client {
        self.at(self.inner.preferred.load(Ordering::Relaxed))
    }

    /// Remembers that this one answered.
    pub(crate) fn answered(&self, number: usize) {
        self.inner.preferred.store(number, Ordering::Relaxed);
    }

    /// Remembers that this one gave no answer: the next one is asked first from now on.
    pub(crate) fn kept_silent(&self, number: usize) {
        self.answered((number + 1) % self.count());
    }

    /// In the order in which they were named.
    pub(crate) fn urls(&self) -> Vec<String> {
        (0..self.count()).map(|it| self.at(it).base().to_owned()).collect()
    }

    pub(crate) fn has_others(&self) -> bool {
        !self.inner.others.is_empty()
    }

    fn count(&self) -> usize {
        self.inner.others.len() + 1
    }

    fn at(&self, index: usize) -> &Client {
        match index.checked_sub(1) {
            None => &self.inner.first,
            Some(index) => self.inner.others.get(index).unwrap_or(&self.inner.first),
        }
    }
}

impl From<Client> for Engines {
    fn from(only: Client) -> Self {
        Self::new(only, Vec::new())
    }
}
