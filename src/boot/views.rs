//! The engine as its REST API sees it.

mod access;
mod cluster;
mod deployments;
mod items;
mod letters;
mod savepoints;

use std::collections::BTreeMap;
use std::fmt::Display;

use async_trait::async_trait;
use weir_cluster::{Details, ProxyError, View};
use weir_domain::{
    CommandId, Fault, Letter, LetterChoice, LetterCounts, LetterId, LogLine, Member, Node,
    NodeStatus, ReplayStanding, Replays, SavepointName, SniffWish, SourceName, Stream, StreamId,
    StreamOrder, SweepId, Workflow, WorkflowName,
};
use weir_http_api::{
    ItemView, RenewalView, SavepointView, SniffResult, SourceView, SweepView, WorkflowDetail,
};
use weir_http_server::{
    Checks, ItemFilter, ItemPlace, ItemStreams, LettersAsked, Records, Refusal, RenewalRequest,
    StreamFilter, SweepRequest, Unreached,
};

use super::engine::Engine;
pub(super) use access::Asked;

/// A controller gave no answer.
fn unavailable(error: &impl Display) -> Fault {
    Fault::transient(40, error.to_string())
}

/// As `unavailable`, with the time after which it is worth asking again.
fn refused(error: &ProxyError) -> Refusal {
    let fault = unavailable(error);
    match error {
        ProxyError::Unavailable { retry_after, .. } => {
            Refusal::Later { fault, after: retry_after.duration() }
        }
        ProxyError::Unsettled { .. }
        | ProxyError::Busy { .. }
        | ProxyError::Timeout { .. }
        | ProxyError::Refused { .. } => fault.into(),
    }
}

#[async_trait]
impl weir_http_server::Engine for Engine {
    async fn nodes(&self) -> Result<Vec<Node>, Fault> {
        let cluster = &self.membership.cluster;
        let (view, details) = (cluster.view().borrow().clone(), cluster.details());
        let present = view.members.iter().filter(|it| it.status < NodeStatus::Down);
        let mut nodes: Vec<_> =
            present.map(|it| node(it, details.get(&it.node.uid), &view)).collect();
        nodes.sort_by(|a, b| (&a.name, a.uid).cmp(&(&b.name, b.uid)));
        Ok(nodes)
    }

    async fn workflows(&self) -> Result<Vec<Workflow>, Fault> {
        Ok(self.activation.workflows())
    }

    async fn workflow(&self, name: &WorkflowName) -> Result<Option<Workflow>, Fault> {
        Ok(self.activation.workflow(name))
    }

    async fn workflows_everywhere(
        &self,
        only: Option<&WorkflowName>,
    ) -> Result<Vec<WorkflowDetail>, Fault> {
        Ok(self.gathering.gather(only).await)
    }

    async fn streams(&self, filter: StreamFilter) -> Result<Vec<Stream>, Fault> {
        let StreamFilter { workflow, state, before, limit } = filter;
        let filter = weir_persistence_api::StreamFilter { workflow, state, before, limit };
        self.monitor.list(filter).await.map_err(|it| unavailable(&it))
    }

    async fn item_streams(&self, of: ItemStreams) -> Result<Vec<Stream>, Fault> {
        let ItemStreams { workflow, item, before, limit } = of;
        let of = weir_persistence_api::StreamsOfItem { workflow, item, before, limit };
        self.monitor.of_item(of).await.map_err(|it| unavailable(&it))
    }

    async fn stream(&self, id: StreamId) -> Result<Option<Stream>, Fault> {
        self.monitor.load(id).await.map_err(|it| unavailable(&it))
    }

    async fn stream_log(&self, id: StreamId) -> Result<Option<Vec<LogLine>>, Fault> {
        match self.stream(id).await? {
            Some(_) => self.monitor.log(id).await.map(Some).map_err(|it| unavailable(&it)),
            None => Ok(None),
        }
    }

    async fn streams_order(
        &self,
        order: StreamOrder,
        streams: Vec<Stream>,
    ) -> Result<(Vec<StreamId>, Vec<Unreached>), Fault> {
        let mut by_node: BTreeMap<String, Vec<StreamId>> = BTreeMap::new();
        for it in streams {
            by_node.entry(it.node).or_default().push(it.id);
        }
        Ok(self.steering.order(order, by_node).await)
    }

    async fn has_checkpoints(&self, workflow: &WorkflowName) -> Result<bool, Fault> {
        self.jobs(workflow)?.is_known().await
    }

    async fn savepoints(&self, workflow: &WorkflowName) -> Result<Vec<SavepointView>, Fault> {
        self.saved_all(workflow).await
    }

    async fn savepoint(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
    ) -> Result<Option<SavepointView>, Fault> {
        self.saved_one(workflow, name).await
    }

    async fn savepoint_take(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
        id: Option<CommandId>,
        by: String,
    ) -> Result<SavepointView, Refusal> {
        self.save(workflow, name, id, by).await
    }

    async fn savepoint_delete(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
    ) -> Result<(), Refusal> {
        self.unsave(workflow, name).await
    }

    async fn workflow_renew(&self, request: RenewalRequest) -> Result<RenewalView, Refusal> {
        self.renew(request).await
    }

    async fn letters(
        &self,
        workflow: &WorkflowName,
        choice: LetterChoice,
        before: Option<LetterId>,
        limit: u32,
        records: Records,
    ) -> Result<(Vec<Letter>, Option<LetterId>), Fault> {
        self.kept_letters(workflow, &choice, (before.as_ref(), limit), records).await
    }

    async fn letter_counts(&self, workflow: &WorkflowName) -> Result<LetterCounts, Fault> {
        self.count_letters(workflow).await
    }

    async fn letters_replay(&self, asked: LettersAsked) -> Result<Replays, Fault> {
        self.replay_letters(asked).await
    }

    async fn letters_discard(&self, asked: LettersAsked) -> Result<Replays, Fault> {
        self.discard_letters(asked).await
    }

    async fn replays(&self, workflow: &WorkflowName) -> Result<Vec<ReplayStanding>, Fault> {
        self.open_replays(workflow).await
    }

    async fn replay_cancel(
        &self,
        workflow: &WorkflowName,
        item: &str,
        by: String,
    ) -> Result<(), Refusal> {
        self.cancel_replay(workflow, (item, &by)).await
    }

    async fn sniff(&self, wish: SniffWish) -> Result<SniffResult, Fault> {
        Ok(self.sniffing.sniff(&wish).await)
    }

    async fn items(
        &self,
        filter: ItemFilter,
        after: Option<ItemPlace>,
        limit: u32,
    ) -> Result<(Vec<ItemView>, Option<ItemPlace>), Fault> {
        items::list(&self.access, filter, after, limit).await.map_err(|it| unavailable(&it))
    }

    async fn sources(
        &self,
        after: Option<SourceName>,
        limit: u32,
    ) -> Result<Vec<SourceView>, Fault> {
        items::sources(&self.access, after, limit).await.map_err(|it| unavailable(&it))
    }

    async fn sweep_begin(&self, request: SweepRequest) -> Result<SweepView, Refusal> {
        let id = request.id.unwrap_or_else(|| self.system.ids().sweep());
        items::sweep(&self.access, id, request, self.system.now()).await
    }

    async fn sweep(&self, id: SweepId) -> Result<Option<SweepView>, Fault> {
        let found = self.access.find_sweep(id).await.map_err(|it| unavailable(&it))?;
        Ok(found.map(items::sweep_view))
    }

    async fn readiness(&self) -> Checks {
        self.checks().await
    }

    fn warnings(&self) -> Vec<String> {
        self.certificates.warnings(self.system.now())
    }
}

#[async_trait]
impl weir_http_server::Health for Engine {
    async fn checks(&self) -> Checks {
        Engine::checks(self).await
    }

    fn warnings(&self) -> Vec<String> {
        self.certificates.warnings(self.system.now())
    }
}

impl Engine {
    /// What must be fine for this engine to do its work.
    pub(super) async fn checks(&self) -> Checks {
        let view = self.membership.cluster.view().borrow().clone();
        let member = match view.own().map(|it| it.status) {
            Some(NodeStatus::Up) => Ok(()),
            Some(status) => Err(format!("this node is {status}: see weir cluster explain")),
            None => Err("this node is no member yet: see weir cluster explain".to_owned()),
        };
        let store = self.store.health().await.map_err(|it| it.to_string());
        let monitor = self.monitor.flush().await.map_err(|it| it.to_string());
        let is_stopping = self.system.shutdown().stopping().is_stopping();
        let stopping = if is_stopping { Err("the engine is stopping".to_owned()) } else { Ok(()) };
        vec![
            ("store", store),
            ("member", member),
            ("controllers", self.membership.singletons.health()),
            ("stream monitor", monitor),
            ("engine", stopping),
        ]
    }
}

/// A member with what it says of itself; one that is silent is known by the list alone.
fn node(member: &Member, details: Option<&Details>, view: &View) -> Node {
    let silent = Details::default();
    let said = details.unwrap_or(&silent);
    Node {
        name: member.node.name.clone(),
        uid: member.node.uid,
        address: member.address.to_string(),
        rest: member.rest.clone(),
        status: member.status,
        unreachable: view.reach.unreachable.contains(&member.node.uid),
        roles: member.roles.iter().cloned().collect(),
        version: member.version.clone(),
        started_at: if details.is_some() { said.started_at } else { member.joined_at },
        uptime_ms: said.uptime_s * 1_000,
        os: said.os.clone(),
        architecture: said.architecture.clone(),
        processors: said.processors,
        memory_bytes: said.memory_bytes,
        tasks: said.tasks,
        links: said.links,
        certificate_expires_at: said.certificate_expires,
        leases: said.leases.clone(),
        workflow_instances: said.workflow_instances,
        open_streams: said.open_streams,
    }
}

/// Resident memory of this process; 0 where the system does not say.
pub(super) fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
