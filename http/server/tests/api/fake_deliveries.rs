//! Deliveries that build nothing, and say so.

use async_trait::async_trait;
use serde_json::{Value, json};
use weir_domain::{CommandId, Digest, ProjectName, UserName};
use weir_http_api::{BuildRequest, BuildView, DeployRequest, DeployedView, ObjectCountView};
use weir_http_server::{Deliveries, Ended, OnBehalf, Progress, ProjectRefusal};

use crate::fixture::NOW;

pub(crate) struct FakeDeliveries;

fn unknown(id: CommandId) -> ProjectRefusal {
    ProjectRefusal::NotFound { what: "build", name: id.to_string(), known: vec![] }
}

#[async_trait]
impl Deliveries for FakeDeliveries {
    fn steps(&self) -> Vec<&'static str> {
        vec!["build", "send"]
    }

    async fn builds(&self, _: ProjectName) -> Result<Vec<BuildView>, ProjectRefusal> {
        Ok(vec![])
    }

    async fn build(&self, _: ProjectName, id: CommandId) -> Result<BuildView, ProjectRefusal> {
        Err(unknown(id))
    }

    async fn package(&self, _: ProjectName, id: CommandId) -> Result<Vec<u8>, ProjectRefusal> {
        Err(unknown(id))
    }

    async fn build_delete(
        &self,
        _: ProjectName,
        id: CommandId,
    ) -> Result<BuildView, ProjectRefusal> {
        Err(unknown(id))
    }

    async fn build_create(
        &self,
        project: ProjectName,
        request: BuildRequest,
        (by, _): (UserName, OnBehalf),
        progress: Progress,
    ) -> Result<BuildView, Ended> {
        progress.step("build");
        Ok(BuildView {
            id: progress.id(),
            project,
            tag: request.tag.unwrap_or_default().parse().unwrap(),
            description: request.description,
            by,
            at: NOW,
            commit: request.commit,
            environments: request.environments,
            for_plan: false,
            digest: Digest::of(b"x"),
            signer: String::new(),
            workflows: request.workflows,
            secrets: vec![],
            size: ObjectCountView::default(),
            warnings: vec![],
        })
    }

    /// Waits for its end.
    async fn deploy(
        &self,
        _: ProjectName,
        _: DeployRequest,
        _: (UserName, OnBehalf),
        progress: Progress,
    ) -> Result<DeployedView, Ended> {
        progress.step("build");
        progress.message("it waits");
        progress.cancelled().cancelled().await;
        Err(Ended::Cancelled)
    }

    async fn test(&self, _: ProjectName, filter: String, _: Progress) -> Result<Value, Ended> {
        Ok(json!({ "filter": filter }))
    }
}
