//! Links as a whole: on the network in memory, on real sockets, between real processes.

mod links;
mod messages;
mod processes;
mod sockets;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast::Receiver;
use weir_domain::{ClusterName, Incarnation, NodeName};
use weir_runtime::{IdSource, PhaseTimeouts, System, SystemClock, SystemSettings};

use crate::*;

pub(crate) const WITHIN: Duration = Duration::from_secs(60);
pub(crate) const NOTE: Manifest = Manifest::new("note", 1);

pub(crate) fn cluster() -> ClusterName {
    "weir".parse().unwrap()
}

/// A system whose incarnation is later than those that were made before it.
pub(crate) fn system(name: &str) -> System {
    let clock = Arc::new(SystemClock);
    System::new(SystemSettings {
        node: NodeName::new(name).unwrap(),
        ids: IdSource::new(clock.clone()),
        clock,
        shutdown: PhaseTimeouts::default(),
    })
}

pub(crate) async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let until = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(WITHIN, until).await;
    assert!(waited.is_ok(), "waited in vain: {what}");
}

/// The next event that is looked for; those before it are passed over.
pub(crate) async fn event<T>(
    events: &mut Receiver<LinkEvent>,
    what: &str,
    look: impl Fn(&LinkEvent) -> Option<T>,
) -> T {
    let wait = async {
        loop {
            let event = events.recv().await.expect("the links publish and the test keeps up");
            if let Some(found) = look(&event) {
                return found;
            }
        }
    };
    let waited = tokio::time::timeout(WITHIN, wait).await;
    waited.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

pub(crate) async fn up(events: &mut Receiver<LinkEvent>) -> Incarnation {
    event(events, "a link is up", |it| match it {
        LinkEvent::Up { peer } => Some(peer.clone()),
        _ => None,
    })
    .await
}

pub(crate) async fn down(events: &mut Receiver<LinkEvent>) -> Cause {
    event(events, "a link is down", |it| match it {
        LinkEvent::Down { cause, .. } => Some(cause.clone()),
        _ => None,
    })
    .await
}

pub(crate) async fn gone(events: &mut Receiver<LinkEvent>) -> (Incarnation, Evidence) {
    event(events, "a process is gone", |it| match it {
        LinkEvent::Gone { node, evidence } => Some((node.clone(), *evidence)),
        _ => None,
    })
    .await
}

pub(crate) async fn refusal(events: &mut Receiver<LinkEvent>) -> Refusal {
    event(events, "a refusal", |it| match it {
        LinkEvent::Refused { refusal, .. } => Some(refusal.clone()),
        _ => None,
    })
    .await
}

/// Writes down the payloads that come, and answers an ask with its payload.
#[derive(Default)]
pub(crate) struct Notes(pub Mutex<Vec<Vec<u8>>>);

impl Notes {
    pub(crate) fn served(remote: &Remote) -> Arc<Self> {
        let notes = Arc::new(Self::default());
        remote.serve("notes", notes.clone());
        notes
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The numbers that the payloads begin with.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let number = |it: &Vec<u8>| u64::from_be_bytes(*it.first_chunk().unwrap());
        self.0.lock().unwrap().iter().map(number).collect()
    }
}

#[async_trait]
impl Handler for Notes {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        self.0.lock().unwrap().push(message.payload.to_vec());
        Ok(message.is_ask.then(|| Outgoing::raw(NOTE, message.payload)))
    }
}

pub(crate) fn note(number: u64) -> Outgoing {
    Outgoing::raw(NOTE, number.to_be_bytes().to_vec())
}
