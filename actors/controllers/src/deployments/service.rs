//! Deployment Storage as a singleton: where it lives, and the way to it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_cluster::{
    Instance, Proxy, ProxyError, RequestContext, Service, Singleton, Unavailable, View,
};
use weir_domain::{CommandId, Fault, ProjectName, Timestamp};
use weir_persistence_api::{Fence, PersistenceId, Store};
use weir_runtime::{AskError, EffectHandler, HostRef, HostSettings, HostSpec, System};

use super::effects::Effects;
use super::tally::CanaryTally;
use super::watch;
use super::{
    Administration, Answer, Command, Deployment, Deployments, LEASE, ProjectImpact, Rejection,
    administration,
};
use crate::answer::{Refusal, refusal};
use crate::instance;

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
    /// What deploying would do.
    Preview(Arc<Deployment>),
    /// Of the storage of deployments. Boxed: it is much larger than the others.
    Administer(Box<Administration>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Done,
    Unchanged,
    Current(Current),
    Preview(ProjectImpact),
    Answer(Answer),
    Rejected(Rejection),
    /// Asking again gives the same answer.
    Refused(String),
}

impl From<Refusal<Rejection>> for Response {
    fn from(refusal: Refusal<Rejection>) -> Self {
        match refusal {
            Refusal::Rejected(it) => Self::Rejected(it),
            Refusal::Refused(it) => Self::Refused(it),
        }
    }
}

/// All that should run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Current {
    /// Differs when anything differs.
    pub digest: String,
    pub deployments: Vec<Arc<Deployment>>,
    /// The epoch of the one who answered; 0 from an engine of a version that does not say. An
    /// answer of an earlier epoch than one that was seen is of somebody who was deposed.
    #[serde(default)]
    pub epoch: u64,
}

impl Current {
    pub(super) fn of(state: &Deployments, epoch: u64) -> Self {
        let deployments: Vec<_> = state.current().cloned().collect();
        let each = deployments
            .iter()
            .map(|it| format!("{}@{}@{}", it.project, it.digest, it.base_dir.display()));
        Self { digest: each.collect::<Vec<_>>().join("\n"), deployments, epoch }
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
pub struct DeploymentStorage(Proxy<DeploymentService>);

impl DeploymentStorage {
    pub fn new(proxy: Proxy<DeploymentService>) -> Self {
        Self(proxy)
    }

    /// Makes this content the current one of its project. What is asked for again with the same
    /// command is done once.
    pub async fn deploy_as(
        &self,
        command: CommandId,
        deployment: Deployment,
    ) -> Result<(), Failure> {
        done(self.0.ask_as(command, Request::Deploy(Arc::new(deployment)), ASK_WITHIN).await?)
    }

    /// What deploying would do. Refused as that would be.
    pub async fn preview_deploy(&self, deployment: Deployment) -> Result<ProjectImpact, Failure> {
        match self.0.ask(Request::Preview(Arc::new(deployment)), ASK_WITHIN).await? {
            Response::Preview(it) => Ok(it),
            other => Err(other.odd()),
        }
    }

    /// Runs nothing of the project any more.
    pub async fn withdraw(&self, project: ProjectName, at: Timestamp) -> Result<(), Failure> {
        done(self.0.ask(Request::Withdraw { project, at }, ASK_WITHIN).await?)
    }

    /// The same for a caller who may have asked before, with that command id.
    pub async fn withdraw_as(
        &self,
        command: CommandId,
        project: ProjectName,
        at: Timestamp,
    ) -> Result<(), Failure> {
        done(self.0.ask_as(command, Request::Withdraw { project, at }, ASK_WITHIN).await?)
    }

    /// All that should run; `None`: it is what the caller knows.
    pub async fn current(&self, known: Option<String>) -> Result<Option<Current>, Failure> {
        match self.0.ask(Request::Current { known }, ASK_WITHIN).await? {
            Response::Current(it) => Ok(Some(it)),
            Response::Unchanged => Ok(None),
            other => Err(other.odd()),
        }
    }

    pub(super) async fn administer(&self, asked: Administration) -> Result<Response, Failure> {
        Ok(self.0.ask(Request::Administer(Box::new(asked)), ASK_WITHIN).await?)
    }

    /// The same for a caller who may have asked before, with that command id.
    pub(super) async fn administer_as(
        &self,
        command: CommandId,
        asked: Administration,
    ) -> Result<Response, Failure> {
        let request = Request::Administer(Box::new(asked));
        Ok(self.0.ask_as(command, request, ASK_WITHIN).await?)
    }
}

fn done(response: Response) -> Result<(), Failure> {
    match response {
        Response::Done => Ok(()),
        other => Err(other.odd()),
    }
}

impl Response {
    /// Why this is not what was asked for.
    pub(super) fn odd(self) -> Failure {
        match self {
            Self::Rejected(rejection) => rejection.into(),
            Self::Refused(cause) => Failure::Refused(cause),
            // An engine of another version may answer what this one does not expect.
            other => Failure::Refused(format!("an answer to another question: {other:?}")),
        }
    }
}

/// Makes the storage wherever its lease is held.
pub struct DeploymentSingleton {
    pub system: System,
    pub store: Arc<dyn Store>,
    /// Tells engines that something changed.
    pub effects: Arc<dyn EffectHandler<Deployments>>,
    pub settings: HostSettings,
    /// The members, as this node sees them.
    pub view: tokio::sync::watch::Receiver<Arc<View>>,
}

#[async_trait]
impl Singleton for DeploymentSingleton {
    type Service = DeploymentService;

    async fn start(&self, fence: Fence) -> Result<Instance<DeploymentService>, Fault> {
        let spec = HostSpec {
            id: PersistenceId(LEASE.to_owned()),
            fence,
            store: self.store.clone(),
            effects: Arc::new(Effects {
                system: self.system.clone(),
                store: self.store.clone(),
                announce: self.effects.clone(),
            }),
            settings: self.settings.clone(),
        };
        let (host, starting) = instance::recovered(&self.system, spec).await?;
        watch::spawn(&self.system, host.clone(), self.view.clone());
        let (store, tally) = (self.store.clone(), CanaryTally::default());
        let service = DeploymentService { host, store, tally };
        Ok(Instance::new(Arc::new(service), starting.keep()))
    }
}

/// Answers requests from the event-sourced host.
pub struct DeploymentService {
    host: HostRef<Deployments>,
    /// Where the objects of deployments are.
    store: Arc<dyn Store>,
    tally: CanaryTally,
}

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
            Request::Preview(deployment) => return self.preview(deployment, context).await,
            Request::Administer(asked) => {
                return administration::serve(
                    (&self.host, &self.store, &self.tally),
                    *asked,
                    context,
                )
                .await;
            }
        };
        match self.host.ask_as(context.command, command, context.within).await {
            Ok(_) => Ok(Response::Done),
            Err(error) => refused(error),
        }
    }
}

impl DeploymentService {
    async fn preview(
        &self,
        deployment: Arc<Deployment>,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        let preview = move |it: &Deployments| it.preview_deploy(&deployment);
        match self.host.query(context.within, preview).await {
            Ok(Ok(impact)) => Ok(Response::Preview(impact)),
            Ok(Err(rejection)) => Ok(Response::Rejected(rejection)),
            Err(error) => refused(error),
        }
    }

    async fn current(
        &self,
        known: Option<String>,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        match self.host.query(context.within, move |it| Current::of(it, context.epoch)).await {
            Ok(current) if known.as_ref() == Some(&current.digest) => Ok(Response::Unchanged),
            Ok(current) => Ok(Response::Current(current)),
            Err(error) => refused(error),
        }
    }
}

pub(super) fn refused(error: AskError<Rejection>) -> Result<Response, Unavailable> {
    refusal(error).map(Response::from)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use weir_domain::NodeName;
    use weir_persistence_api::{Acquired, LeaseName, LeaseStore, MemoryStore};

    use super::super::storage::{Author, Change, NewDeployment, Reach, Report};
    use super::super::{Effect, plans, testing};
    use super::*;
    use crate::instance::RECOVER_WITHIN;

    /// Counts what engines are told.
    #[derive(Default)]
    struct Told(AtomicU32);

    #[async_trait]
    impl EffectHandler<Deployments> for Told {
        async fn run(&self, _: &Effect, _: &Fence) -> Result<Option<Command>, Fault> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(None)
        }
    }

    struct Lab {
        singleton: DeploymentSingleton,
        store: MemoryStore,
        fence: Fence,
        told: Arc<Told>,
    }

    async fn lab() -> Lab {
        let clock: Arc<dyn weir_domain::Clock> = Arc::new(weir_runtime::SystemClock);
        let store = MemoryStore::new(clock.clone());
        let system = crate::testing::system(clock);
        let lease = LeaseName(LEASE.to_owned());
        let granted = store.lease_acquire(&lease, system.owner(), RECOVER_WITHIN).await;
        let Ok(Acquired::Granted(fence)) = granted else { panic!("{granted:?}") };
        let told = Arc::new(Told::default());
        let (effects, settings) = (told.clone(), HostSettings::default());
        let view = View::empty(system.incarnation());
        let (_, view) = tokio::sync::watch::channel(Arc::new(view));
        let singleton =
            DeploymentSingleton { system, store: Arc::new(store.clone()), effects, settings, view };
        Lab { singleton, store, fence, told }
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_fails_or_is_given_up_leaves_nothing_that_works() {
        let lab = lab().await;
        lab.store.faults().unavailable();
        let started = lab.singleton.start(lab.fence.clone()).await;
        assert!(started.is_err(), "the store was away for too long");
        let given_up = tokio::time::timeout(ASK_WITHIN, lab.singleton.start(lab.fence.clone()));
        assert!(given_up.await.is_err());
        lab.store.faults().heal();
        tokio::time::sleep(RECOVER_WITHIN * 2).await;
        assert_eq!(lab.told.0.load(Ordering::SeqCst), 0);

        let _started = lab.singleton.start(lab.fence.clone()).await.expect("the store is back");
        tokio::time::sleep(RECOVER_WITHIN).await;
        assert!(lab.told.0.load(Ordering::SeqCst) > 0);
    }

    fn context(command: u64) -> RequestContext {
        let command = format!("{command:032x}").parse().expect("32 hexadecimal digits are an id");
        RequestContext { command, within: ASK_WITHIN, epoch: 7 }
    }

    /// What a node's agent and an administrator do, from the package to the running plan.
    #[tokio::test(start_paused = true)]
    async fn a_package_is_stored_made_the_default_fetched_and_reported() {
        let lab = lab().await;
        let service = lab.singleton.start(lab.fence.clone()).await.expect("started").service;
        let ask = async |command, asked| {
            service.serve(Request::Administer(Box::new(asked)), context(command)).await
        };
        let author = || Author {
            name: "ada".into(),
            at: Timestamp(5),
            expected: None,
            reach: Reach::Everything,
        };
        let change = |change| Administration::Change { author: author(), change };
        let mut uploaded = testing::deployment("flights-1");
        let store = |it: &NewDeployment| change(Change::Store(Box::new(it.clone())));

        let early = ask(1, store(&uploaded)).await;
        let Ok(Response::Rejected(Rejection::Storage(refused))) = early else {
            panic!("{early:?}")
        };
        assert!(refused.to_string().contains("objects of the deployment are not stored"));

        let file = testing::file("flights-1");
        let mut reader = testing::reader(&file);
        let sent = testing::upload(&mut reader, &lab.store).await.expect("uploaded");
        assert_eq!(sent.deployment, uploaded);
        let revision = |it| match it {
            Ok(Response::Answer(Answer::Revision(it))) => it,
            other => panic!("{other:?}"),
        };
        assert_eq!(revision(ask(2, store(&uploaded)).await), 1);
        // A caller that timed out asks again, and is not told that the tag is taken.
        assert_eq!(revision(ask(2, store(&uploaded)).await), 1);
        let tag = uploaded.tag.clone();
        assert_eq!(revision(ask(3, change(Change::SetDefault { tag })).await), 2);

        let node = NodeName::new("node-1").unwrap();
        let at = Timestamp(6);
        let asked = Administration::Target { node: node.clone(), roles: Default::default(), at };
        let target = match ask(4, asked).await {
            Ok(Response::Answer(Answer::Target(it))) => it,
            other => panic!("{other:?}"),
        };
        assert_eq!((target.epoch, target.revision), (7, 2));
        let (content, plans) = plans(target.wanted.digest.unwrap(), &lab.store).await.unwrap();
        assert_eq!(content.workflow_digests(), uploaded.workflows);
        assert_eq!(plans, [testing::plan()]);

        let report = Report::Running { tag: target.wanted.tag };
        let asked = Administration::Report { node: node.clone(), report, at };
        assert!(matches!(ask(5, asked).await, Ok(Response::Done)));
        let overview = match ask(6, Administration::Overview).await {
            Ok(Response::Answer(Answer::Overview(it))) => it,
            other => panic!("{other:?}"),
        };
        assert!(overview.nodes[&node].0.is_settled());
        uploaded.objects.clear();
        assert_eq!(overview.deployments[0].deployment, uploaded);
    }
}
