//! Test runs that run nothing.

use async_trait::async_trait;
use weir_domain::{Fault, ProjectName, UserClaim, UserName, WorkflowName};
use weir_http_api::{
    InferRequest, InferredView, PeekRequest, PeekView, TestRunEnding, TestRunRequest, TestRunView,
};
use weir_http_server::{ProjectRefusal, Samples};

pub(crate) struct FakeSamples;

#[async_trait]
impl Samples for FakeSamples {
    async fn test_run(
        &self,
        (project, workflow): (ProjectName, WorkflowName),
        _: UserName,
        _: TestRunRequest,
    ) -> Result<TestRunView, ProjectRefusal> {
        Ok(TestRunView {
            project,
            workflow,
            ending: TestRunEnding::Committed,
            faults: vec![],
            findings: vec![],
            stages: vec![],
            edges: vec![],
        })
    }

    async fn peek(
        &self,
        (_, workflow): (ProjectName, WorkflowName),
        (_, opens_secrets): (UserName, bool),
        _: PeekRequest,
    ) -> Result<PeekView, ProjectRefusal> {
        let fault = match (opens_secrets, workflow.as_str()) {
            (false, _) => {
                return Err(ProjectRefusal::Forbidden { claim: UserClaim::DeploymentWrite });
            }
            (true, "away") => Fault::transient(1, "it is away"),
            (true, _) => Fault::config(2, "it has nothing"),
        };
        Err(ProjectRefusal::Source(fault))
    }

    async fn infer(
        &self,
        _: ProjectName,
        _: UserName,
        request: InferRequest,
    ) -> Result<InferredView, ProjectRefusal> {
        Ok(InferredView {
            path: format!("formats/{}.yaml", request.name),
            text: String::new(),
            fields: vec![],
            records: 1,
            bad: 0,
            reasons: vec![],
        })
    }
}
