//! The engine as its REST API sees it.

mod items;

use std::fmt::Display;

use async_trait::async_trait;
use weir_domain::{
    Fault, LogLine, Node, NodeStatus, SourceName, Stream, StreamId, Workflow, WorkflowName,
    WorkflowState,
};
use weir_http_api::ItemView;
use weir_http_server::{Checks, ItemFilter, StreamFilter};
use weir_runtime::HostStatus;

use super::engine::Engine;

/// A controller gave no answer.
fn unavailable(error: &impl Display) -> Fault {
    Fault::transient(40, error.to_string()).with_hint("look at the log of the engine")
}

#[async_trait]
impl weir_http_server::Engine for Engine {
    async fn nodes(&self) -> Result<Vec<Node>, Fault> {
        let workflows = self.activation.workflows();
        let views: Vec<_> = workflows.iter().map(weir_stream::RunningWorkflow::view).collect();
        let is_stopping = self.system.shutdown().stopping().is_stopping();
        Ok(vec![Node {
            name: self.system.node().clone(),
            uid: self.system.uid(),
            address: self.address.clone(),
            status: if is_stopping { NodeStatus::Leaving } else { NodeStatus::Up },
            roles: self.roles.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.system.started_at(),
            os: std::env::consts::OS.to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            processors: std::thread::available_parallelism()
                .map_or(1, |it| u32::try_from(it.get()).unwrap_or(u32::MAX)),
            memory_bytes: resident_bytes(),
            workflow_instances: views
                .iter()
                .filter(|it| is_active(it.state))
                .map(|it| it.instances)
                .sum(),
            open_streams: views.iter().map(|it| it.open_streams).sum(),
        }])
    }

    async fn workflows(&self) -> Result<Vec<Workflow>, Fault> {
        Ok(self.activation.workflows().iter().map(weir_stream::RunningWorkflow::view).collect())
    }

    async fn workflow(&self, name: &WorkflowName) -> Result<Option<Workflow>, Fault> {
        Ok(self.activation.workflow(name).map(|it| it.view()))
    }

    async fn streams(&self, filter: StreamFilter) -> Result<Vec<Stream>, Fault> {
        let StreamFilter { workflow, state, before, limit } = filter;
        let filter = weir_persistence_api::StreamFilter { workflow, state, before, limit };
        self.monitor.list(filter).await.map_err(|it| unavailable(&it))
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

    async fn items(&self, filter: ItemFilter) -> Result<Vec<ItemView>, Fault> {
        items::list(&self.access, filter).await.map_err(|it| unavailable(&it))
    }

    async fn items_reset(
        &self,
        source: SourceName,
        names: Option<Vec<String>>,
        dry_run: bool,
    ) -> Result<u64, Fault> {
        let counted = match dry_run {
            true => items::count_free(&self.access, source, names).await,
            false => self.access.reset(source, names).await,
        };
        counted.map_err(|it| unavailable(&it))
    }

    async fn readiness(&self) -> Checks {
        let deployments = match self.deployments.status() {
            HostStatus::Running { .. } => Ok(()),
            other => Err(format!("{other:?}")),
        };
        let streams = self.monitor.flush().await.map_err(|it| it.to_string());
        let is_stopping = self.system.shutdown().stopping().is_stopping();
        let stopping = if is_stopping { Err("the engine is stopping".to_owned()) } else { Ok(()) };
        vec![
            ("store", self.store_health()),
            ("deployments", deployments),
            ("stream monitor", streams),
            ("engine", stopping),
        ]
    }
}

fn is_active(state: WorkflowState) -> bool {
    match state {
        WorkflowState::Waiting
        | WorkflowState::Processing
        | WorkflowState::Restarting
        | WorkflowState::Stopping => true,
        WorkflowState::Failed | WorkflowState::Stopped => false,
    }
}

/// Resident memory of this process; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
