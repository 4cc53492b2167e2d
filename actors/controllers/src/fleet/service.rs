//! The fleet as a singleton. Names of fields and variants of requests travel between servers of two
//! versions.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_cluster::{Instance, RequestContext, Service, Singleton, Unavailable};
use weir_domain::{ClusterId, ClusterName, Fault, UserName};
use weir_persistence_api::{Fence, PersistenceId, Store};
use weir_runtime::{HostRef, HostSettings, HostSpec, NoEffects, System};

use super::{About, Clusters, Command, Entry, LEASE, Rejection};
use crate::Author;
use crate::answer::{Refusal, answered};
use crate::instance;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    List,
    Add {
        name: ClusterName,
        about: About,
        by: UserName,
    },
    Set {
        name: ClusterName,
        about: About,
        expected: Option<u64>,
        by: UserName,
    },
    Remove {
        name: ClusterName,
        expected: Option<u64>,
        by: UserName,
    },
    Meet {
        name: ClusterName,
        id: ClusterId,
    },
    /// Whether the command was carried out before.
    Recall,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Entries(Vec<Entry>),
    Recalled(bool),
    Done,
    Rejected(Rejection),
    Refused(String),
}

/// Makes the list wherever its lease is held.
pub struct FleetSingleton {
    pub system: System,
    pub store: Arc<dyn Store>,
    pub settings: HostSettings,
}

#[async_trait]
impl Singleton for FleetSingleton {
    type Service = FleetService;

    async fn start(&self, fence: Fence) -> Result<Instance<FleetService>, Fault> {
        let spec = HostSpec {
            id: PersistenceId(LEASE.to_owned()),
            fence,
            store: self.store.clone(),
            effects: Arc::new(NoEffects),
            settings: self.settings.clone(),
        };
        let (host, starting) = instance::recovered(&self.system, spec).await?;
        let service = FleetService { host, system: self.system.clone() };
        Ok(Instance::new(Arc::new(service), starting.keep()))
    }
}

/// Answers requests from the event-sourced host.
pub struct FleetService {
    host: HostRef<Clusters>,
    system: System,
}

type Stop = crate::answer::Stop<Response>;

#[async_trait]
impl Service for FleetService {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(
        &self,
        request: Request,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        answered(self.answer(request, context).await)
    }
}

impl FleetService {
    async fn answer(&self, request: Request, context: RequestContext) -> Result<Response, Stop> {
        let (host, within, at) = (&self.host, context.within, self.system.now());
        let author = |user| Author { user, at };
        let command = match request {
            Request::List => {
                return Ok(Response::Entries(host.query(within, Clusters::entries).await?));
            }
            Request::Recall => {
                return Ok(Response::Recalled(host.recalls(context.command, within).await?));
            }
            Request::Add { name, about, by } => Command::Add { name, about, author: author(by) },
            Request::Set { name, about, expected, by } => {
                Command::Set { name, about, expected, author: author(by) }
            }
            Request::Remove { name, expected, by } => {
                Command::Remove { name, expected, author: author(by) }
            }
            Request::Meet { name, id } => Command::Meet { name, id, at },
        };
        host.ask_as(context.command, command, within).await?;
        Ok(Response::Done)
    }
}

impl From<Refusal<Rejection>> for Response {
    fn from(refusal: Refusal<Rejection>) -> Self {
        match refusal {
            Refusal::Rejected(it) => Self::Rejected(it),
            Refusal::Refused(it) => Self::Refused(it),
        }
    }
}

impl From<Refusal<std::convert::Infallible>> for Response {
    fn from(refusal: Refusal<std::convert::Infallible>) -> Self {
        match refusal {
            Refusal::Rejected(it) => match it {},
            Refusal::Refused(it) => Self::Refused(it),
        }
    }
}
