//! Peeks at the sources of workflows: the one thing of design time that asks other systems.
//!
//! Nothing is changed by it, here or there, so nothing is recorded of it. What it lets people see is theirs to see
//! elsewhere too, and so it asks for the same claims: to test services; to see payload data, if records are read;
//! to change the project, if it is not to be taken as it is; and to deploy it, if its secrets are opened.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{ProjectName, UserClaim, WorkflowName};
use weir_http_api::{PeekRequest, PeekView, Problem};

use crate::Samples;
use crate::error::Error;
use crate::extract::{Body, Two};
use crate::guard::{Caller, read};
use crate::samples::within;

pub(crate) fn routes() -> OpenApiRouter<Arc<dyn Samples>> {
    OpenApiRouter::default().routes(read(UserClaim::ServiceTest, routes!(peek)))
}

/// Looks at the first records that a source of a workflow has, and finds their format: an asset's text, which is not
/// written anywhere. Nothing is claimed, committed or acknowledged: the workflow reads all of it as if nobody had
/// looked. It is asked from this server, with the connection and the secrets of the source.
#[utoipa::path(post, path = "/projects/{project}/workflows/{workflow}/peeks", tag = "projects", operation_id = "peekSource",
    params(("project" = String, Path, description = "The project's name"), ("workflow" = String, Path, description = "The workflow's name")),
    request_body = PeekRequest,
    responses(
        (status = 200, description = "What was seen", body = PeekView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn peek(
    State(samples): State<Arc<dyn Samples>>,
    caller: Caller,
    Two(project, workflow): Two<ProjectName, WorkflowName>,
    Body(request): Body<PeekRequest>,
) -> Result<Json<PeekView>, Error> {
    let may = |claim| caller.may(claim, Some(&project));
    let needs = [
        (request.records > 0, UserClaim::StreamSniff),
        (!request.drafts.is_empty(), UserClaim::ProjectWrite),
    ];
    if let Some((_, claim)) = needs.into_iter().find(|(is_needed, it)| *is_needed && !may(*it)) {
        return Err(Error::Forbidden { claim });
    }
    if request.records > 0 {
        within("/records", request.records.into(), PeekRequest::RECORDS_MAX.into())?;
    }
    if request.show > 0 {
        within("/show", request.show.into(), PeekRequest::SHOW_MAX.into())?;
    }
    within("/withinMs", request.within_ms, PeekRequest::WITHIN_MS_MAX)?;
    let opens_secrets = may(UserClaim::DeploymentWrite);
    let about = (project.clone(), workflow);
    Ok(Json(samples.peek(about, (caller.by(), opens_secrets), request).await?))
}
