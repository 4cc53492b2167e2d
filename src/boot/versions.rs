//! Which versions of a workflow engines are to run now, as Deployment Storage says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use weir_controllers::deployments::{DeploymentStorage, Runnable};
use weir_domain::{Digest, WorkflowName};
use weir_persistence_sql::Database;
use weir_stream::{AccessError, Versions, version_of};

use super::activation::Followed;

/// The versions of a deployment's workflows.
type Content = BTreeMap<WorkflowName, Digest>;

/// Asks the storage anew each time: what this engine knows of it may be old.
pub(crate) struct VersionPort {
    store: Arc<dyn Database>,
    followed: Followed,
    /// Set before anything runs.
    deployments: OnceLock<DeploymentStorage>,
    /// What is to run now, by its content's digest, which never means another one.
    contents: Mutex<BTreeMap<Digest, Content>>,
}

impl VersionPort {
    pub(crate) fn new(store: Arc<dyn Database>, followed: Followed) -> Self {
        let (deployments, contents) = Default::default();
        Self { store, followed, deployments, contents }
    }

    pub(crate) fn ask(&self, deployments: DeploymentStorage) {
        // A second call changes nothing: there is one storage in a cluster.
        let _ = self.deployments.set(deployments);
    }

    async fn versions(&self, workflow: &WorkflowName) -> Result<Vec<Digest>, String> {
        let Some(storage) = self.deployments.get() else { return Err("it begins".to_owned()) };
        let current = storage.current(None).await.map_err(|it| it.to_string())?;
        let aims = storage.aims().await.map_err(|it| it.to_string())?;
        for epoch in current.iter().map(|it| it.epoch).chain([aims.epoch]) {
            self.followed.admit(epoch).map_err(|it| it.to_string())?;
        }
        let directories = current.iter().flat_map(|it| &it.deployments).flat_map(|it| &it.plans);
        let of_directories = directories.filter(|it| it.workflow == *workflow).map(version_of);
        let mut versions: Vec<_> = of_directories.collect();
        for digest in &aims.digests {
            let version = self.content(*digest).await?.remove(workflow);
            versions.extend(version.filter(|it| !versions.contains(it)));
        }
        let wanted: BTreeSet<_> = aims.digests.into_iter().collect();
        self.contents().retain(|digest, _| wanted.contains(digest));
        Ok(versions)
    }

    async fn content(&self, digest: Digest) -> Result<Content, String> {
        if let Some(known) = self.contents().get(&digest) {
            return Ok(known.clone());
        }
        let runnable = Runnable::fetch(digest, self.store.as_ref()).await;
        let workflows = runnable.map_err(|it| it.to_string())?.workflows.into_iter();
        let content: Content =
            workflows.map(|it| (it.plan.workflow.clone(), version_of(&it.plan))).collect();
        self.contents().insert(digest, content.clone());
        Ok(content)
    }

    fn contents(&self) -> MutexGuard<'_, BTreeMap<Digest, Content>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Versions for VersionPort {
    async fn wanted(&self, workflow: &WorkflowName) -> Result<Vec<Digest>, AccessError> {
        self.versions(workflow).await.map_err(AccessError::Unavailable)
    }
}
