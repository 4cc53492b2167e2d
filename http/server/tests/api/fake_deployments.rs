//! Deployments in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use weir_domain::{CommandId, Fault, ProjectName};
use weir_http_api::{DeploymentPreview, DeploymentRequest, DeploymentView};
use weir_http_server::{Deployments, Refusal};

use crate::fixture::NOW;

#[derive(Default)]
pub(crate) struct FakeDeployments(Mutex<BTreeMap<ProjectName, DeploymentView>>);

#[async_trait::async_trait]
impl Deployments for FakeDeployments {
    async fn list(&self) -> Result<Vec<DeploymentView>, Fault> {
        Ok(self.0.lock().unwrap().values().cloned().collect())
    }

    async fn deploy(
        &self,
        project: ProjectName,
        request: DeploymentRequest,
        _: Option<CommandId>,
    ) -> Result<DeploymentView, Refusal> {
        let DeploymentRequest { digest, base_dir, plans } = request;
        if plans.is_empty() {
            let detail = format!("project {project} has no workflow");
            return Err(Refusal::Conflict { detail, hint: None });
        }
        let workflows = plans.into_iter().map(|it| it.workflow).collect();
        let view = DeploymentView {
            project: project.clone(),
            digest,
            base_dir,
            workflows,
            deployed_at: NOW,
        };
        self.0.lock().unwrap().insert(project, view.clone());
        Ok(view)
    }

    async fn preview(
        &self,
        project: ProjectName,
        request: DeploymentRequest,
    ) -> Result<DeploymentPreview, Refusal> {
        let starts = request.plans.into_iter().map(|it| it.workflow).collect();
        let none = Vec::new;
        let (restarts, stops, stays) = (none(), none(), none());
        Ok(DeploymentPreview { project, digest: request.digest, starts, restarts, stops, stays })
    }

    async fn withdraw(&self, project: ProjectName) -> Result<(), Refusal> {
        self.0.lock().unwrap().remove(&project);
        Ok(())
    }
}
