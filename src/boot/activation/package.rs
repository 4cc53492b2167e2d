//! The package that this node should run: fetched, and looked at before anything is changed for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use weir_controllers::deployments::Runnable;
use weir_domain::{Digest, Fault};
use weir_stream::{Registry, WorkflowSpec, verify};

use super::wanted::Wanted;
use super::{Parts, unanswered};

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
        if !runnable.secrets.is_empty() {
            let known = parts.keys.list().await.map_err(|it| unanswered(&it))?;
            let known: BTreeSet<_> = known.pairs.iter().map(|it| it.fingerprint).collect();
            runnable.check_keys(&known)?;
        }
        let adopted = Self::of(digest, runnable);
        let plans: Vec<_> = adopted.workflows.iter().map(|it| it.spec.plan.clone()).collect();
        let registry: Arc<Registry> = parts.services.registry.clone();
        let verified = parts.services.system.tasks().spawn_blocking("verify", move || {
            plans.iter().try_for_each(|it| verify(it, &registry))
        });
        verified.join().await.map_err(|it| unanswered(&it))??;
        Ok(adopted)
    }

    fn of(digest: Digest, runnable: Runnable) -> Self {
        let Runnable { project, base_dir, workflows, .. } = runnable;
        let wanted = |(digest, plan)| {
            let (project, base_dir) = (project.clone(), base_dir.clone());
            let spec = WorkflowSpec { project, plan: Arc::new(plan), base_dir };
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
