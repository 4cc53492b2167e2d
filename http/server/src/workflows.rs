//! Workflows of the engine.

mod resting;

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use weir_domain::WorkflowName;
use weir_http_api::{Page, Problem, WorkflowDetail, WorkflowSummary, WorkflowsQuery};

use crate::Engine;
use crate::error::Error;
use crate::extract::{Fields, Part};
use crate::scheduler::standings;
use crate::storages::Storages;

/// The workflows that run, with their counts.
#[utoipa::path(get, path = "/workflows", tag = "workflows", operation_id = "listWorkflows",
    params(WorkflowsQuery),
    responses(
        (status = 200, description = "All workflows, by name", body = Page<WorkflowSummary>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(engine): State<Arc<dyn Engine>>,
    storages: Option<Extension<Storages>>,
    Fields(query): Fields<WorkflowsQuery>,
) -> Result<Json<Page<WorkflowSummary>>, Error> {
    let mut page: Page<WorkflowSummary> = match query.everywhere {
        true => {
            let all = engine.workflows_everywhere(None).await?;
            Page::whole(all.into_iter().map(|it| it.summary).collect::<Vec<_>>())
        }
        false => Page::whole(engine.workflows().await?),
    };
    let mut standings = standings(storages.as_deref()).await;
    if query.everywhere
        && let Some(storages) = &storages
    {
        let had = page.items.iter().map(|it| it.name.clone()).collect();
        let missing = resting::missing(&standings, &had);
        let resting = resting::named(storages, &missing).await?;
        page.items.extend(resting.into_iter().map(Into::into));
        page.items.sort_by(|a: &WorkflowSummary, b| a.name.cmp(&b.name));
    }
    page.items.iter_mut().for_each(|it| it.schedule = standings.remove(&it.name));
    Ok(Json(page))
}

/// One workflow with its stages, edges and counts by stage.
#[utoipa::path(get, path = "/workflows/{name}", tag = "workflows", operation_id = "showWorkflow",
    params(("name" = String, Path, description = "The workflow's name"), WorkflowsQuery),
    responses(
        (status = 200, description = "The workflow", body = WorkflowDetail),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(engine): State<Arc<dyn Engine>>,
    storages: Option<Extension<Storages>>,
    Part(name): Part<WorkflowName>,
    Fields(query): Fields<WorkflowsQuery>,
) -> Result<Json<WorkflowDetail>, Error> {
    let found = match query.everywhere {
        true => match (engine.workflows_everywhere(Some(&name)).await?.pop(), &storages) {
            (None, Some(storages)) => resting::one(storages, &name).await?.map(Into::into),
            (found, _) => found,
        },
        false => engine.workflow(&name).await?.map(WorkflowDetail::from),
    };
    match found {
        Some(mut detail) => {
            detail.summary.schedule = standings(storages.as_deref()).await.remove(&name);
            Ok(Json(detail))
        }
        None => {
            let known = engine.workflows().await?;
            Err(Error::not_found("workflow", &name, known.iter().map(|it| it.name.as_str())))
        }
    }
}
