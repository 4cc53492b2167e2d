//! The package that this node should run: fetched, and looked at before anything is changed for it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use weir_controllers::deployments::{Runnable, RunnableWorkflow};
use weir_controllers::keys::{self, KeyStorage};
use weir_domain::{Digest, Fault, NodeName, WorkflowName};
use weir_secrets::Opened;
use weir_stream::{Registry, WorkflowSpec, verify};

use super::wanted::Wanted;
use super::{Parts, unanswered};

/// How long a source may take to say that it is there.
const REACH_WITHIN: Duration = Duration::from_secs(10);

/// What was found fit to run; nothing, before there is anything.
#[derive(Default)]
pub(super) struct Adopted {
    digest: Option<Digest>,
    workflows: Vec<Wanted>,
}

impl Adopted {
    /// Fetches a deployment. Refused where a part of it can't run here: kinds that are not known,
    /// configurations that can't be read, secrets that no key of this cluster opens.
    pub(super) async fn fetch(digest: Option<Digest>, parts: &Parts) -> Result<Self, Fault> {
        let Some(digest) = digest else { return Ok(Self::default()) };
        let runnable = Runnable::fetch(digest, parts.store.as_ref()).await?;
        let opened = opened(&runnable, &parts.keys).await?;
        let adopted = Self::of(digest, runnable, &opened);
        let specs: Vec<_> = adopted.workflows.iter().map(|it| it.spec.clone()).collect();
        let registry: Arc<Registry> = parts.services.registry.clone();
        let verified = parts.services.system.tasks().spawn_blocking("verify", move || {
            specs.iter().try_for_each(|it| verify(&it.plan, &it.secrets, &registry))
        });
        verified.join().await.map_err(|it| unanswered(&it))??;
        Ok(adopted)
    }

    /// Refused where the source of a workflow is not in reach of this node, and the schedule may
    /// place it here. Those that run are not asked: they go on either way.
    pub(super) async fn check_access(
        &self,
        running: &BTreeSet<Digest>,
        me: (NodeName, BTreeSet<String>),
        parts: &Parts,
    ) -> Result<(), Fault> {
        let is_new = |it: &&Wanted| !it.digest.is_some_and(|it| running.contains(&it));
        for wanted in self.workflows.iter().filter(is_new) {
            let reached = wanted.spec.check_access(&parts.services, REACH_WITHIN).await;
            if reached.is_err() && may_run(wanted.name(), &me, parts).await {
                return reached;
            }
        }
        Ok(())
    }

    /// Of its workflows.
    pub(super) fn digests(&self) -> BTreeSet<Digest> {
        self.workflows.iter().filter_map(|it| it.digest).collect()
    }

    fn of(digest: Digest, runnable: Runnable, opened: &Opened) -> Self {
        let Runnable { project, base_dir, workflows, .. } = runnable;
        let wanted = |it: RunnableWorkflow| {
            let RunnableWorkflow { digest, plan, secrets } = it;
            let (project, base_dir) = (project.clone(), base_dir.clone());
            let secrets = opened.only(&secrets);
            let spec = WorkflowSpec { project, plan: Arc::new(plan), base_dir, secrets };
            Wanted { spec, digest: Some(digest) }
        };
        Self { digest: Some(digest), workflows: workflows.into_iter().map(wanted).collect() }
    }

    pub(super) fn digest(&self) -> Option<Digest> {
        self.digest
    }

    pub(super) fn workflows(&self) -> impl Iterator<Item = &Wanted> {
        self.workflows.iter()
    }
}

/// Whether this node may be told to run it. While nobody says, it may.
async fn may_run(
    workflow: &WorkflowName,
    (node, roles): &(NodeName, BTreeSet<String>),
    parts: &Parts,
) -> bool {
    let known = parts.scheduler.workflow(workflow.clone()).await.ok().flatten();
    known.is_none_or(|it| it.may_run_on(node, roles))
}

/// Opens its secrets, all or none. From here on their values are in the memory of this engine, as
/// long as a workflow that uses them can run.
async fn opened(runnable: &Runnable, keys: &KeyStorage) -> Result<Opened, Fault> {
    if runnable.secrets.is_empty() {
        return Ok(Opened::default());
    }
    let known = keys.list().await.map_err(|it| unanswered(&it))?;
    let known: BTreeSet<_> = known.pairs.iter().map(|it| it.fingerprint).collect();
    runnable.check_keys(&known)?;
    let sealed = runnable.secrets.values().cloned().collect();
    let values = keys.open(sealed).await.map_err(|failure| match failure {
        keys::Failure::Fault(fault) => fault,
        other => unanswered(&other),
    })?;
    Ok(runnable.secrets.keys().cloned().zip(values).collect())
}
