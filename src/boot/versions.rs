//! Which version of a workflow this node is to run now, as Deployment Storage says.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use weir_cluster::Cluster;
use weir_controllers::deployments::{DeploymentStorage, Runnable};
use weir_domain::plan::Plan;
use weir_domain::{Digest, WorkflowName};
use weir_persistence_sql::Database;
use weir_runtime::System;
use weir_stream::{AccessError, Versions, version_of};

use super::membership::me;

/// Asks the storage anew each time: what this engine knows of it may be old.
pub(crate) struct VersionPort {
    system: System,
    cluster: Cluster,
    store: Arc<dyn Database>,
    /// Set before anything runs.
    deployments: OnceLock<DeploymentStorage>,
}

impl VersionPort {
    pub(crate) fn new(system: System, cluster: Cluster, store: Arc<dyn Database>) -> Self {
        Self { system, cluster, store, deployments: OnceLock::new() }
    }

    pub(crate) fn ask(&self, deployments: DeploymentStorage) {
        // A second call changes nothing: there is one storage in a cluster.
        let _ = self.deployments.set(deployments);
    }

    async fn plan(&self, workflow: &WorkflowName) -> Result<Option<Plan>, String> {
        let Some(storage) = self.deployments.get() else { return Err("it begins".to_owned()) };
        let current = storage.current(None).await.map_err(|it| it.to_string())?;
        let mut directories =
            current.iter().flat_map(|it| &it.deployments).flat_map(|it| &it.plans);
        if let Some(plan) = directories.find(|it| it.workflow == *workflow) {
            return Ok(Some(plan.clone()));
        }
        let ((me, roles), now) = (me(&self.cluster), self.system.now());
        let target = storage.target(me, roles, now).await.map_err(|it| it.to_string())?;
        let Some(digest) = target.wanted.digest else { return Ok(None) };
        let runnable = Runnable::fetch(digest, self.store.as_ref()).await;
        let workflows = runnable.map_err(|it| it.to_string())?.workflows.into_iter();
        Ok(workflows.map(|it| it.plan).find(|it| it.workflow == *workflow))
    }
}

#[async_trait]
impl Versions for VersionPort {
    async fn wanted(&self, workflow: &WorkflowName) -> Result<Option<Digest>, AccessError> {
        let plan = self.plan(workflow).await.map_err(AccessError::Unavailable)?;
        Ok(plan.as_ref().map(version_of))
    }
}
