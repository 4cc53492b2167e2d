//! What a configuration server makes of samples: test runs of workflows, and formats.
//!
//! Nothing is changed by it, on this machine or elsewhere, so nothing is recorded of it either; but it runs
//! what a project's authors wrote, and so who may change projects may ask for it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{ProjectName, UserClaim, UserName, WorkflowName};
use weir_http_api::{
    InferRequest, InferredView, PeekRequest, PeekView, Problem, TestRunRequest, TestRunView,
};

use crate::ProjectRefusal;
use crate::error::Error;
use crate::extract::{Body, Part, Two};
use crate::guard::{Caller, read};
use crate::peeks;

/// A body holds samples in base64, and the texts of drafts.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;

/// Works on samples, which it keeps nowhere.
#[async_trait]
pub trait Samples: Send + Sync + 'static {
    async fn test_run(
        &self,
        about: (ProjectName, WorkflowName),
        by: UserName,
        request: TestRunRequest,
    ) -> Result<TestRunView, ProjectRefusal>;
    /// The format of a sample, as an asset of the project that nobody has written yet.
    async fn infer(
        &self,
        project: ProjectName,
        by: UserName,
        request: InferRequest,
    ) -> Result<InferredView, ProjectRefusal>;
    /// What a source has. `opens_secrets`: whoever asks may have those of the project used.
    async fn peek(
        &self,
        about: (ProjectName, WorkflowName),
        (by, opens_secrets): (UserName, bool),
        request: PeekRequest,
    ) -> Result<PeekView, ProjectRefusal>;
}

pub(crate) fn routes() -> OpenApiRouter<Arc<dyn Samples>> {
    OpenApiRouter::default()
        .routes(read(UserClaim::ProjectWrite, routes!(test_run)))
        .routes(read(UserClaim::ProjectWrite, routes!(infer)))
        .merge(peeks::routes())
}

/// Runs a workflow on samples, which take the place of what its sources would read. Nothing is written,
/// no server is asked, and no secret is opened. Shows the records before and after each stage.
#[utoipa::path(post, path = "/projects/{project}/workflows/{workflow}/test-runs", tag = "projects", operation_id = "testRunWorkflow",
    params(("project" = String, Path, description = "The project's name"), ("workflow" = String, Path, description = "The workflow's name")),
    request_body = TestRunRequest,
    responses(
        (status = 200, description = "What came of it; also where the project or a sample has errors", body = TestRunView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn test_run(
    State(samples): State<Arc<dyn Samples>>,
    caller: Caller,
    Two(project, workflow): Two<ProjectName, WorkflowName>,
    Body(request): Body<TestRunRequest>,
) -> Result<Json<TestRunView>, Error> {
    within("/records", request.records.into(), TestRunRequest::RECORDS_MAX.into())?;
    within("/withinMs", request.within_ms, TestRunRequest::WITHIN_MS_MAX)?;
    Ok(Json(samples.test_run((project, workflow), caller.by(), request).await?))
}

/// Finds the format of a sample, with a schema: an asset's text, which is not written anywhere.
#[utoipa::path(post, path = "/projects/{project}/formats/infer", tag = "projects", operation_id = "inferFormat",
    params(("project" = String, Path, description = "The project's name")),
    request_body = InferRequest,
    responses(
        (status = 200, description = "The format, and how it reads the sample", body = InferredView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn infer(
    State(samples): State<Arc<dyn Samples>>,
    caller: Caller,
    Part(project): Part<ProjectName>,
    Body(request): Body<InferRequest>,
) -> Result<Json<InferredView>, Error> {
    within("/records", request.records.into(), InferRequest::RECORDS_MAX.into())?;
    Ok(Json(samples.infer(project, caller.by(), request).await?))
}

pub(crate) fn within(pointer: &str, given: u64, max: u64) -> Result<(), Error> {
    match (1..=max).contains(&given) {
        true => Ok(()),
        false => {
            let reason = format!("{given} is not between 1 and {max}");
            Err(Error::Invalid { pointer: pointer.into(), reason })
        }
    }
}
