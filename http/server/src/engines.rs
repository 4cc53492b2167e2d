//! The engines of one cluster, of which any can answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use weir_http_client::Client;

/// Engines in the order in which they are asked. Cheap to clone; clones share what they learned.
#[derive(Debug, Clone)]
pub struct Engines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    first: Client,
    others: Vec<Client>,
    /// The one that answered last.
    preferred: AtomicUsize,
}

impl Engines {
    pub fn new(first: Client, others: Vec<Client>) -> Self {
        Self(Arc::new(Inner { first, others, preferred: AtomicUsize::new(0) }))
    }

    /// The one that answered last. A command goes to it alone: whether one that got no answer was
    /// carried out is not known.
    pub(crate) fn preferred(&self) -> &Client {
        self.at(self.0.preferred.load(Ordering::Relaxed))
    }

    /// All of them with their numbers, the one that answered last first.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = (usize, &Client)> {
        let (start, count) = (self.0.preferred.load(Ordering::Relaxed), self.0.others.len() + 1);
        (0..count).map(move |it| (start + it) % count).map(|it| (it, self.at(it)))
    }

    /// Remembers that this one answered.
    pub(crate) fn answered(&self, number: usize) {
        self.0.preferred.store(number, Ordering::Relaxed);
    }

    fn at(&self, index: usize) -> &Client {
        match index.checked_sub(1) {
            None => &self.0.first,
            Some(index) => self.0.others.get(index).unwrap_or(&self.0.first),
        }
    }
}

impl From<Client> for Engines {
    fn from(only: Client) -> Self {
        Self::new(only, Vec::new())
    }
}
