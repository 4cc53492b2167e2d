//! The way to the fleet, wherever it lives.

use std::sync::Arc;
use std::time::Duration;

use weir_cluster::{Proxy, ProxyError};
use weir_domain::{ClusterId, ClusterName, CommandId};

use super::{About, Entry, FleetService, Rejection, Request, Response};
use crate::Sender;

const ASK_WITHIN: Duration = Duration::from_secs(15);

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

type Answer<T> = Result<T, Failure>;

/// Cheap to clone.
#[derive(Clone)]
pub struct Fleet(Arc<Proxy<FleetService>>);

fn odd<T>(response: Response) -> Answer<T> {
    Err(match response {
        Response::Rejected(it) => it.into(),
        Response::Refused(it) => Failure::Refused(it),
        // A server of another version may answer what this one does not expect.
        other => Failure::Refused(format!("an answer to another question: {other:?}")),
    })
}

impl Fleet {
    pub fn new(proxy: Proxy<FleetService>) -> Self {
        Self(Arc::new(proxy))
    }

    /// All clusters, by name.
    pub async fn list(&self) -> Answer<Vec<Entry>> {
        match self.0.ask(Request::List, ASK_WITHIN).await? {
            Response::Entries(it) => Ok(it),
            other => odd(other),
        }
    }

    pub async fn add(&self, name: ClusterName, about: About, sender: Sender) -> Answer<()> {
        let Sender { user: by, command } = sender;
        self.done(command, Request::Add { name, about, by }).await
    }

    pub async fn set(
        &self,
        name: ClusterName,
        about: About,
        expected: Option<u64>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        self.done(command, Request::Set { name, about, expected, by }).await
    }

    pub async fn remove(
        &self,
        name: ClusterName,
        expected: Option<u64>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        self.done(command, Request::Remove { name, expected, by }).await
    }

    /// Writes down who answers at its addresses, once and for all.
    pub async fn meet(&self, name: ClusterName, id: ClusterId) -> Answer<()> {
        self.done(self.0.command(), Request::Meet { name, id }).await
    }

    /// Whether the sender's command was carried out before.
    pub async fn recalls(&self, command: CommandId) -> Answer<bool> {
        match self.0.ask_as(command, Request::Recall, ASK_WITHIN).await? {
            Response::Recalled(it) => Ok(it),
            other => odd(other),
        }
    }

    async fn done(&self, command: CommandId, request: Request) -> Answer<()> {
        match self.0.ask_as(command, request, ASK_WITHIN).await? {
            Response::Done => Ok(()),
            other => odd(other),
        }
    }
}
