//! The desk at which the list of members is read and changed: one thing at a time, each with a
//! deadline, so that a slow store never holds up the watch over the members.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use weir_domain::{Incarnation, NodeUid};
use weir_persistence_api::{LeaseStore, MemberChanges, MemberStore, Members};
use weir_runtime::System;

/// How long the store may take for one statement.
const WITHIN: Duration = Duration::from_secs(2);

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    Read(Members),
    /// With those who hold leases that have not expired.
    ReadAll(Members, BTreeSet<NodeUid>),
    /// Written; the list has this version now.
    Saved(u64),
    /// Somebody else was first.
    Late,
    NotRead(String),
    NotSaved(String),
}

pub(super) struct Desk {
    system: System,
    store: Arc<dyn MemberStore>,
    leases: Option<Arc<dyn LeaseStore>>,
    sender: mpsc::Sender<Outcome>,
    is_busy: bool,
    /// What was read is no longer what there is.
    is_stale: bool,
}

impl Desk {
    pub(super) fn new(
        system: System,
        store: Arc<dyn MemberStore>,
        leases: Option<Arc<dyn LeaseStore>>,
    ) -> (Self, mpsc::Receiver<Outcome>) {
        let (sender, outcomes) = mpsc::channel(1);
        (Self { system, store, leases, sender, is_busy: false, is_stale: true }, outcomes)
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
        let read = async move { store.member_list().await.map(Outcome::Read) };
        self.begin("cluster/look", Outcome::NotRead, read);
    }

    /// Reads the list together with the leases. Where there are none nobody holds one.
    pub(super) fn read_all(&mut self) {
        self.is_stale = false;
        let (store, leases) = (self.store.clone(), self.leases.clone());
        let read = async move {
            let members = store.member_list().await?;
            let rows = match leases {
                Some(leases) => leases.lease_list().await?,
                None => Vec::new(),
            };
            let held = rows.iter().filter(|it| !it.left.is_zero());
            let holders = held.filter_map(|it| it.owner.parse::<Incarnation>().ok());
            Ok(Outcome::ReadAll(members, holders.map(|it| it.uid).collect()))
        };
        self.begin("cluster/look", Outcome::NotRead, read);
    }

    pub(super) fn save(&mut self, seen: u64, changes: MemberChanges) {
        self.is_stale = true;
        let store = self.store.clone();
        let save = async move {
            let saved = store.member_save(seen, changes).await?;
            Ok(saved.map_or(Outcome::Late, Outcome::Saved))
        };
        self.begin("cluster/change", Outcome::NotSaved, save);
    }

    /// The next look waits for its time.
    pub(super) fn rest(&mut self) {
        self.is_stale = false;
    }

    /// To be called with each outcome.
    pub(super) fn done(&mut self) {
        self.is_busy = false;
    }

    fn begin<F>(&mut self, name: &'static str, failed: fn(String) -> Outcome, work: F)
    where
        F: Future<Output = weir_persistence_api::Result<Outcome>> + Send + 'static,
    {
        self.is_busy = true;
        let sender = self.sender.clone();
        self.system.tasks().spawn(name, async move {
            let outcome = match tokio::time::timeout(WITHIN, work).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => failed(error.to_string()),
                Err(_) => failed(format!("no answer within {WITHIN:?}")),
            };
            // Nobody takes it when membership has ended.
            let _ = sender.send(outcome).await;
        });
    }
}
