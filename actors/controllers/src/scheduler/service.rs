//! The Scheduler Master as a singleton: where it lives, and the way to it.
//!
//! What nodes report lives here, beside the journal: it is lost when the singleton moves, and every
//! node reports again.

mod gathering;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_cluster::{
    Instance, Proxy, ProxyError, RequestContext, Service, Singleton, Unavailable, View,
};
use weir_domain::schedule::{
    Assigned, InstanceState, Landscape, Move, NodeReport, NodeVerdict, Outcome, Placement,
    Settings, Warning,
};
use weir_domain::{CommandId, Fault, NodeName, WorkflowName};
use weir_persistence_api::{Fence, PersistenceId, Store};
use weir_runtime::{EffectHandler, HostRef, HostSettings, HostSpec, System};

use gathering::Gathering;

use super::{Command, Envelope, LEASE, Registration, Rejection, Schedule, order, placement};
use crate::answer::{Refusal, refusal};
use crate::instance;

const ASK_WITHIN: Duration = Duration::from_secs(15);

/// What it is asked. Names of fields and variants travel between engines of two versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    Command(Box<Command>),
    /// What would become of a command.
    Preview(Box<Command>),
    /// What a rebalance would do.
    Moves,
    Show,
    ShowWorkflow(WorkflowName),
    /// From a node's agent, again and again; answered with its order if it follows another one.
    Report(Box<NodeReport>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Done,
    Preview {
        /// Of the assignments that it was made for.
        revision: u64,
        placement: Box<Placement>,
    },
    Moves {
        revision: u64,
        moves: Vec<Move>,
    },
    Overview(Box<Overview>),
    Workflow(Option<Box<WorkflowView>>),
    Order(Option<Box<Envelope>>),
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

/// How many instances of a workflow are in each state.
pub type States = BTreeMap<WorkflowName, BTreeMap<InstanceState, u32>>;

/// The schedule, without its single instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Of the assignments.
    pub revision: u64,
    /// With their revisions, for changes that must not overwrite others.
    pub settings: BTreeMap<WorkflowName, (Settings, u64)>,
    pub landscape: Landscape,
    /// Nodes that an operator drains, members now or not.
    pub drained: BTreeSet<NodeName>,
    /// Counts, shortfalls and warnings. It neither starts nor stops anything.
    pub placement: Placement,
    /// How many instances of each workflow stand where, as their nodes last said.
    pub states: States,
}

/// One workflow, with all that is known of its instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowView {
    pub settings: Settings,
    pub revision: u64,
    /// Counts and shortfall; `None` for one that nobody has asked for.
    pub outcome: Option<Outcome>,
    pub warnings: Vec<Warning>,
    /// Where each instance is, and why there.
    pub assigned: Assigned,
    pub nodes: Vec<NodeVerdict>,
    /// What nodes last said of these instances, also of those that are being stopped.
    pub reports: Vec<NodeReport>,
}

impl WorkflowView {
    /// Whether target and limits let a node with these roles have any instance.
    pub fn may_run_on(&self, node: &NodeName, roles: &BTreeSet<String>) -> bool {
        self.settings.target != Some(0) && placement::most(&self.settings, node, roles) > 0
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

/// The way to the Scheduler Master, wherever it lives. Cheap to clone.
#[derive(Clone)]
pub struct Scheduler(Proxy<SchedulerService>);

impl Scheduler {
    pub fn new(proxy: Proxy<SchedulerService>) -> Self {
        Self(proxy)
    }

    /// Has a command carried out once, however often it is sent with the same id.
    pub async fn carry_out(&self, id: CommandId, command: Command) -> Result<(), Failure> {
        let request = Request::Command(Box::new(command));
        match self.0.ask_as(id, request, ASK_WITHIN).await? {
            Response::Done => Ok(()),
            other => Err(odd(other)),
        }
    }

    /// What would become of a command: what starts, stops, and is missing then. With the revision
    /// of the assignments that it holds for.
    pub async fn preview(&self, command: Command) -> Result<(u64, Placement), Failure> {
        match self.ask(Request::Preview(Box::new(command))).await? {
            Response::Preview { revision, placement } => Ok((revision, *placement)),
            other => Err(odd(other)),
        }
    }

    /// The moves of a rebalance, and the revision of the assignments that they hold for.
    pub async fn moves(&self) -> Result<(u64, Vec<Move>), Failure> {
        match self.ask(Request::Moves).await? {
            Response::Moves { revision, moves } => Ok((revision, moves)),
            other => Err(odd(other)),
        }
    }

    pub async fn show(&self) -> Result<Overview, Failure> {
        match self.ask(Request::Show).await? {
            Response::Overview(it) => Ok(*it),
            other => Err(odd(other)),
        }
    }

    /// `None` for a workflow that has no settings, no instances and no node.
    pub async fn workflow(&self, name: WorkflowName) -> Result<Option<WorkflowView>, Failure> {
        match self.ask(Request::ShowWorkflow(name)).await? {
            Response::Workflow(it) => Ok(it.map(|it| *it)),
            other => Err(odd(other)),
        }
    }

    /// What this node has deployed; refused while it is no member.
    pub async fn register(&self, registration: Registration) -> Result<(), Failure> {
        match self.ask(Request::Command(Box::new(Command::Register(registration)))).await? {
            Response::Done => Ok(()),
            other => Err(odd(other)),
        }
    }

    /// Where this node's instances stand. Answered with another order to follow, if there is one.
    pub async fn report(&self, report: NodeReport) -> Result<Option<Envelope>, Failure> {
        match self.ask(Request::Report(Box::new(report))).await? {
            Response::Order(it) => Ok(it.map(|it| *it)),
            other => Err(odd(other)),
        }
    }

    async fn ask(&self, request: Request) -> Result<Response, ProxyError> {
        self.0.ask(request, ASK_WITHIN).await
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

/// Makes the scheduler wherever its lease is held.
pub struct SchedulerSingleton {
    pub system: System,
    pub store: Arc<dyn Store>,
    /// Brings orders to the nodes.
    pub effects: Arc<dyn EffectHandler<Schedule>>,
    pub settings: HostSettings,
    /// The members, as this node sees them.
    pub view: tokio::sync::watch::Receiver<Arc<View>>,
}

#[async_trait]
impl Singleton for SchedulerSingleton {
    type Service = SchedulerService;

    async fn start(&self, fence: Fence) -> Result<Instance<SchedulerService>, Fault> {
        let spec = HostSpec {
            id: PersistenceId(LEASE.to_owned()),
            fence,
            store: self.store.clone(),
            effects: self.effects.clone(),
            settings: self.settings.clone(),
        };
        let (host, starting) = instance::recovered(&self.system, spec).await?;
        watch::spawn(&self.system, host.clone(), self.view.clone());
        let (reports, gathering) = (Mutex::default(), Gathering::default());
        let service = SchedulerService { host, reports, gathering };
        Ok(Instance::new(Arc::new(service), starting.keep()))
    }
}

/// Answers requests from the event-sourced host, and with what nodes have reported.
pub struct SchedulerService {
    host: HostRef<Schedule>,
    reports: Mutex<BTreeMap<NodeName, NodeReport>>,
    gathering: Gathering,
}

#[async_trait]
impl Service for SchedulerService {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(
        &self,
        request: Request,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        match request {
            Request::Command(command) => {
                if let Command::Register(registration) = &*command {
                    let registration = registration.clone();
                    if !self.gathering.join(registration, &self.host, context.within).await {
                        return Ok(Response::Done);
                    }
                }
                let carried_out = self.host.ask_as(context.command, *command, context.within);
                carried_out.await.map(|_| Response::Done).or_else(unanswered)
            }
            Request::Preview(command) => {
                let preview = move |it: &Schedule| match it.preview(*command) {
                    Ok(placement) => {
                        let (revision, placement) = (it.revision(), Box::new(placement));
                        Response::Preview { revision, placement }
                    }
                    Err(rejection) => Response::Rejected(rejection),
                };
                self.read(context, preview).await
            }
            Request::Moves => {
                let moves = |it: &Schedule| {
                    let (revision, moves) = it.moves();
                    Response::Moves { revision, moves }
                };
                self.read(context, moves).await
            }
            Request::Show => {
                let states = self.states();
                self.read(context, |it| Response::Overview(Box::new(overview(it, states)))).await
            }
            Request::ShowWorkflow(name) => self.workflow(name, context).await,
            Request::Report(report) => self.report(*report, context).await,
        }
    }
}

impl SchedulerService {
    async fn read(
        &self,
        context: RequestContext,
        read: impl FnOnce(&Schedule) -> Response + Send + 'static,
    ) -> Result<Response, Unavailable> {
        self.host.query(context.within, read).await.or_else(unanswered)
    }

    async fn workflow(
        &self,
        name: WorkflowName,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        let reports = self.reports_of(&name);
        let view = move |it: &Schedule| {
            let nodes = it.explain(&name);
            let nodes = nodes.or_else(|| it.is_deployed(&name).then(Vec::new));
            Response::Workflow(
                nodes.map(|nodes| Box::new(workflow_view(it, &name, nodes, reports))),
            )
        };
        self.read(context, view).await
    }

    fn states(&self) -> States {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let mut states = States::new();
        for it in reports.values().flat_map(|it| &it.instances) {
            *states.entry(it.workflow.clone()).or_default().entry(it.state).or_default() += 1;
        }
        states
    }

    /// What nodes say of a workflow's instances, and of nothing else.
    fn reports_of(&self, workflow: &WorkflowName) -> Vec<NodeReport> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = reports.values().map(|it| NodeReport {
            node: it.node.clone(),
            revision: it.revision,
            instances: it.instances.iter().filter(|it| it.workflow == *workflow).cloned().collect(),
            at: it.at,
        });
        reports.filter(|it| !it.instances.is_empty()).collect()
    }

    async fn report(
        &self,
        report: NodeReport,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        let (node, followed) = (report.node.clone(), report.revision);
        let order = move |it: &Schedule| (order::order(it, &node), it.members());
        let (order, members) = match self.host.query(context.within, order).await {
            Ok(it) => it,
            Err(error) => return unanswered(error),
        };
        self.keep(report, order.is_some(), &members);
        let epoch = context.epoch;
        let other = order.filter(|it| it.revision != followed);
        Ok(Response::Order(other.map(|order| Box::new(Envelope { epoch, order }))))
    }

    /// Keeps what a member reports, and forgets those that are none any more.
    fn keep(&self, report: NodeReport, is_member: bool, members: &BTreeSet<NodeName>) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.retain(|it, _| members.contains(it));
        if is_member {
            reports.insert(report.node.name.clone(), report);
        }
    }
}

fn overview(schedule: &Schedule, states: States) -> Overview {
    let settings = schedule.workflows().map(|it| (it.clone(), schedule.settings(it)));
    Overview {
        revision: schedule.revision(),
        states,
        settings: settings.collect(),
        landscape: schedule.landscape().into_owned(),
        drained: schedule.drained().clone(),
        placement: schedule.placement(),
    }
}

fn workflow_view(
    schedule: &Schedule,
    name: &WorkflowName,
    nodes: Vec<NodeVerdict>,
    reports: Vec<NodeReport>,
) -> WorkflowView {
    let (settings, revision) = schedule.settings(name);
    let mut placement = schedule.placement();
    let outcome = placement.workflows.remove(name);
    let warnings = placement.warnings.into_iter().filter(|it| it.workflow() == name).collect();
    let assigned = schedule.assignments().workflows.get(name).cloned().unwrap_or_default();
    WorkflowView { settings, revision, outcome, warnings, assigned, nodes, reports }
}

fn unanswered(error: weir_runtime::AskError<Rejection>) -> Result<Response, Unavailable> {
    refusal(error).map(Response::from)
}

#[cfg(test)]
mod tests;
