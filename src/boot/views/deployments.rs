//! Deployments as operators see and change them.

use std::sync::Arc;

use async_trait::async_trait;
use weir_controllers::deployments::{Deployment, Failure};
use weir_domain::{Fault, ProjectName};
use weir_http_api::{DeploymentRequest, DeploymentView};
use weir_http_server::{Deployments, Refusal};

use crate::boot::engine::Engine;

#[async_trait]
impl Deployments for Engine {
    async fn list(&self) -> Result<Vec<DeploymentView>, Fault> {
        let current = self.deployments.current(None).await.map_err(|it| super::unavailable(&it))?;
        Ok(current.into_iter().flat_map(|it| it.deployments).map(|it| view(&it)).collect())
    }

    async fn deploy(
        &self,
        project: ProjectName,
        request: DeploymentRequest,
    ) -> Result<DeploymentView, Refusal> {
        let DeploymentRequest { digest, base_dir, plans } = request;
        let base_dir = base_dir.into();
        let deployment = Deployment { project, digest, base_dir, plans, at: self.system.now() };
        let deployed = view(&Arc::new(deployment.clone()));
        self.deployments.deploy(deployment).await.map_err(refusal)?;
        Ok(deployed)
    }

    async fn withdraw(&self, project: ProjectName) -> Result<(), Refusal> {
        self.deployments.withdraw(project, self.system.now()).await.map_err(refusal)
    }
}

fn view(it: &Arc<Deployment>) -> DeploymentView {
    let mut workflows: Vec<_> = it.plans.iter().map(|it| it.workflow.clone()).collect();
    workflows.sort();
    DeploymentView {
        project: it.project.clone(),
        digest: it.digest.clone(),
        base_dir: it.base_dir.display().to_string(),
        workflows,
        deployed_at: it.at,
    }
}

fn refusal(failure: Failure) -> Refusal {
    match failure {
        Failure::Rejected(rejection) => {
            Refusal::Conflict { detail: rejection.to_string(), hint: None }
        }
        Failure::Refused(cause) => Refusal::Conflict { detail: cause, hint: None },
        Failure::Proxy(error) => super::unavailable(&error).into(),
    }
}
