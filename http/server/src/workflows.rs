//! Workflows of the engine.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_domain::WorkflowName;
use weir_http_api::{Page, Problem, WorkflowDetail, WorkflowSummary};

use crate::Engine;
use crate::error::Error;
use crate::extract::Part;

/// The workflows that run, with their counts.
#[utoipa::path(get, path = "/workflows", tag = "workflows", operation_id = "listWorkflows",
    responses(
        (status = 200, description = "All workflows, by name", body = Page<WorkflowSummary>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(engine): State<Arc<dyn Engine>>,
) -> Result<Json<Page<WorkflowSummary>>, Error> {
    Ok(Json(Page::whole(engine.workflows().await?)))
}

/// One workflow with its stages, edges and counts by stage.
#[utoipa::path(get, path = "/workflows/{name}", tag = "workflows", operation_id = "showWorkflow",
    params(("name" = String, Path, description = "The workflow's name")),
    responses(
        (status = 200, description = "The workflow", body = WorkflowDetail),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(engine): State<Arc<dyn Engine>>,
    Part(name): Part<WorkflowName>,
) -> Result<Json<WorkflowDetail>, Error> {
    match engine.workflow(&name).await? {
        Some(workflow) => Ok(Json(workflow.into())),
        None => {
            let known = engine.workflows().await?;
            Err(Error::not_found("workflow", &name, known.iter().map(|it| it.name.as_str())))
        }
    }
}
