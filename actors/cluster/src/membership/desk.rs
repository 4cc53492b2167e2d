//! The desk at which the list of members is read and changed: one thing at a time, each with a
//! deadline, so that a slow store never holds up the watch over the members.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use weir_persistence_api::{MemberChanges, MemberStore, Members};
use weir_runtime::System;

/// How long the store may take for one statement.
const WITHIN: Duration = Duration::from_secs(2);

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    Read(Members),
    /// Written; the list has this version now.
    Saved(u64),
    /// Somebody else was first.
    Late,
    Failed(String),
}

pub(super) struct Desk {
    system: System,
    store: Arc<dyn MemberStore>,
    sender: mpsc::Sender<Outcome>,
    is_busy: bool,
    /// What was read is no longer what there is.
    is_stale: bool,
}

impl Desk {
    pub(super) fn new(
        system: System,
        store: Arc<dyn MemberStore>,
    ) -> (Self, mpsc::Receiver<Outcome>) {
        let (sender, outcomes) = mpsc::channel(1);
        (Self { system, store, sender, is_busy: false, is_stale: true }, outcomes)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Whether the list has to be read again before anything can be changed.
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale
    }

    pub(super) fn hint(&mut self) {
        self.is_stale = true;
    }

    pub(super) fn read(&mut self) {
        self.is_stale = false;
        let store = self.store.clone();
        self.begin("cluster/look", async move { store.member_list().await.map(Outcome::Read) });
    }

    pub(super) fn save(&mut self, seen: u64, changes: MemberChanges) {
        self.is_stale = true;
        let store = self.store.clone();
        self.begin("cluster/change", async move {
            let saved = store.member_save(seen, changes).await?;
            Ok(saved.map_or(Outcome::Late, Outcome::Saved))
        });
    }

    /// What comes next waits for its time.
    pub(super) fn failed(&mut self) {
        self.is_stale = false;
    }

    /// To be called with each outcome.
    pub(super) fn done(&mut self) {
        self.is_busy = false;
    }

    fn begin<F>(&mut self, name: &'static str, work: F)
    where
        F: Future<Output = weir_persistence_api::Result<Outcome>> + Send + 'static,
    {
        self.is_busy = true;
        let sender = self.sender.clone();
        self.system.tasks().spawn(name, async move {
            let outcome = match tokio::time::timeout(WITHIN, work).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => Outcome::Failed(error.to_string()),
                Err(_) => Outcome::Failed(format!("no answer within {WITHIN:?}")),
            };
            // Nobody takes it when membership has ended.
            let _ = sender.send(outcome).await;
        });
    }
}
