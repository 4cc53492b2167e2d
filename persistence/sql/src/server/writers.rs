//! The writers that are idle, and the loan of one.
//!
//! Invariant: a writer comes back from every loan. If its work was cut short, by a caller that
//! went away, its connection is closed first.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::ServerSettings;
use super::appends::Appends;
use super::dialect::Dialect;
use super::known::Known;
use super::pace::Pace;
use super::session::Era;

pub(super) struct Writers<D: Dialect> {
    idle: Mutex<Vec<Appends<D>>>,
    size: usize,
    returned: Notify,
    pace: Arc<Pace>,
}

impl<D: Dialect> Writers<D> {
    pub(super) fn new(settings: &Arc<ServerSettings>, era: &Arc<Era>) -> Self {
        let (known, pace) = (Arc::new(Known::default()), Arc::new(Pace::new()));
        let writer = |_| {
            let shared = (Arc::clone(&known), Arc::clone(&pace));
            Appends::new(Arc::clone(settings), shared, Arc::clone(era))
        };
        let idle: Vec<_> = (0..settings.writers()).map(writer).collect();
        Self { size: idle.len(), idle: Mutex::new(idle), returned: Notify::new(), pace }
    }

    /// How long their commits take.
    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(super) fn take_if_all_idle(self: &Arc<Self>) -> Option<Loan<D>> {
        let mut idle = self.lock();
        if idle.len() < self.size {
            return None;
        }
        let appends = idle.pop();
        drop(idle);
        Some(Loan { appends: Some(appends?), home: Arc::clone(self) })
    }

    /// Whether one of them is at work, and no other.
    pub(super) fn is_alone_at_work(&self) -> bool {
        self.lock().len() + 1 == self.size
    }

    /// Ends when one comes back, from now on.
    pub(super) fn returned(&self) -> Notified<'_> {
        self.returned.notified()
    }

    pub(super) async fn take(self: &Arc<Self>) -> Loan<D> {
        loop {
            let returned = self.returned.notified();
            let (appends, others) = {
                let mut idle = self.lock();
                (idle.pop(), idle.len())
            };
            // Two that came back at once wake only one of those who wait.
            if others > 0 {
                self.returned.notify_one();
            }
            if appends.is_some() {
                return Loan { appends, home: Arc::clone(self) };
            }
            returned.await;
        }
    }

    /// Waits for all writers, and ends them.
    pub(super) async fn close(self: &Arc<Self>) {
        let mut ended = Vec::new();
        for _ in 0..self.size {
            let mut writer = self.take().await;
            writer.close().await;
            ended.push(writer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Appends<D>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A writer that is at work.
pub(super) struct Loan<D: Dialect> {
    /// `None` only while it is dropped.
    appends: Option<Appends<D>>,
    home: Arc<Writers<D>>,
}

impl<D: Dialect> Deref for Loan<D> {
    type Target = Appends<D>;

    fn deref(&self) -> &Appends<D> {
        self.appends.as_ref().expect("a loan has its writer")
    }
}

impl<D: Dialect> DerefMut for Loan<D> {
    fn deref_mut(&mut self) -> &mut Appends<D> {
        self.appends.as_mut().expect("a loan has its writer")
    }
}

impl<D: Dialect> Drop for Loan<D> {
    fn drop(&mut self) {
        if let Some(mut appends) = self.appends.take() {
            appends.close_if_cut_short();
            self.home.lock().push(appends);
            self.home.returned.notify_one();
        }
    }
}
