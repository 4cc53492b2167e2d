//! Deployment Storage as a singleton: where it lives, and the way to it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_cluster::{Instance, Proxy, ProxyError, RequestContext, Service, Singleton, Unavailable};
use weir_domain::{Fault, ProjectName, Timestamp};
use weir_persistence_api::{Fence, PersistenceId, Store};
use weir_runtime::{AskError, EffectHandler, HostRef, HostSettings, HostSpec, System};

use super::{Command, Deployment, Deployments, LEASE, Rejection};
use crate::instance::Host;

/// How long a controller may take to recover before it is begun anew.
const RECOVER_WITHIN: Duration = Duration::from_secs(60);
const ASK_WITHIN: Duration = Duration::from_secs(15);

/// What it is asked. Names of fields and variants travel between engines of two versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    Deploy(Arc<Deployment>),
    Withdraw {
        project: ProjectName,
        at: Timestamp,
    },
    /// What is deployed, unless that is what the caller knows.
    Current {
        known: Option<String>,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Done,
    Unchanged,
    Current(Current),
    Rejected(Rejection),
    /// Asking again gives the same answer.
    Refused(String),
}

/// All that should run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Current {
    /// Differs when anything differs.
    pub digest: String,
    pub deployments: Vec<Arc<Deployment>>,
}

impl Current {
    pub(super) fn of(state: &Deployments) -> Self {
        let deployments: Vec<_> = state.current().cloned().collect();
        let each = deployments
            .iter()
            .map(|it| format!("{}@{}@{}", it.project, it.digest, it.base_dir.display()));
        Self { digest: each.collect::<Vec<_>>().join("\n"), deployments }
    }
}

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

/// The way to Deployment Storage, wherever it lives. Cheap to clone.
#[derive(Clone)]
pub struct DeploymentStorage(Arc<Proxy<DeploymentService>>);

impl DeploymentStorage {
    pub fn new(proxy: Proxy<DeploymentService>) -> Self {
        Self(Arc::new(proxy))
    }

    /// Makes this content the current one of its project.
    pub async fn deploy(&self, deployment: Deployment) -> Result<(), Failure> {
        self.change(Request::Deploy(Arc::new(deployment))).await
    }

    /// Runs nothing of the project any more.
    pub async fn withdraw(&self, project: ProjectName, at: Timestamp) -> Result<(), Failure> {
        self.change(Request::Withdraw { project, at }).await
    }

    /// All that should run; `None`: it is what the caller knows.
    pub async fn current(&self, known: Option<String>) -> Result<Option<Current>, Failure> {
        match self.0.ask(Request::Current { known }, ASK_WITHIN).await? {
            Response::Current(it) => Ok(Some(it)),
            Response::Unchanged => Ok(None),
            other => Err(odd(other)),
        }
    }

    async fn change(&self, request: Request) -> Result<(), Failure> {
        match self.0.ask(request, ASK_WITHIN).await? {
            Response::Done => Ok(()),
            other => Err(odd(other)),
        }
    }
}

fn odd(response: Response) -> Failure {
    match response {
        Response::Rejected(rejection) => rejection.into(),
        Response::Refused(cause) => Failure::Refused(cause),
        // An engine of another version may answer what this one does not expect.
        other => Failure::Refused(format!("an answer to another question: {other:?}")),
    }
}

/// Makes the storage wherever its lease is held.
pub struct DeploymentSingleton {
    pub system: System,
    pub store: Arc<dyn Store>,
    /// Tells engines that something changed.
    pub effects: Arc<dyn EffectHandler<Deployments>>,
    pub settings: HostSettings,
}

#[async_trait]
impl Singleton for DeploymentSingleton {
    type Service = DeploymentService;

    async fn start(&self, fence: Fence) -> Result<Instance<DeploymentService>, Fault> {
        let spec = HostSpec {
            id: PersistenceId(LEASE.to_owned()),
            fence,
            store: self.store.clone(),
            effects: self.effects.clone(),
            settings: self.settings.clone(),
        };
        let host = HostRef::start(&self.system, spec).await?;
        host.ready(RECOVER_WITHIN).await?;
        Ok(Instance::new(Arc::new(DeploymentService(host.clone())), Arc::new(Host(host))))
    }
}

/// Answers requests from the event-sourced host.
pub struct DeploymentService(HostRef<Deployments>);

#[async_trait]
impl Service for DeploymentService {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(
        &self,
        request: Request,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        let command = match request {
            Request::Deploy(deployment) => Command::Deploy(deployment),
            Request::Withdraw { project, at } => Command::Withdraw { project, at },
            Request::Current { known } => return self.current(known, context).await,
        };
        match self.0.ask_as(context.command, command, context.within).await {
            Ok(_) => Ok(Response::Done),
            Err(error) => refused(error),
        }
    }
}

impl DeploymentService {
    async fn current(
        &self,
        known: Option<String>,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        match self.0.query(context.within, Current::of).await {
            Ok(current) if known.as_ref() == Some(&current.digest) => Ok(Response::Unchanged),
            Ok(current) => Ok(Response::Current(current)),
            Err(error) => refused(error),
        }
    }
}

fn refused(error: AskError<Rejection>) -> Result<Response, Unavailable> {
    match error {
        AskError::Rejected(rejection) => Ok(Response::Rejected(rejection)),
        AskError::Refused { cause, .. } => Ok(Response::Refused(cause)),
        AskError::Unavailable { cause, retry_after, .. } => Err(Unavailable { cause, retry_after }),
        other @ (AskError::Busy { .. } | AskError::Timeout { .. } | AskError::Stopped { .. }) => {
            Err(Unavailable::new(other.to_string()))
        }
    }
}
