//! Projects of the configuration server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_domain::ProjectName;
use weir_http_api::{Page, Problem, ProjectSummary, Validation};

use crate::Projects;
use crate::error::Error;
use crate::extract::{AskedPath, Part};

/// The projects of this server.
#[utoipa::path(get, path = "/projects", tag = "projects", operation_id = "listProjects",
    responses(
        (status = 200, description = "All projects, by name", body = Page<ProjectSummary>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(projects): State<Arc<dyn Projects>>,
) -> Result<Json<Page<ProjectSummary>>, Error> {
    Ok(Json(Page::whole(projects.projects().await?)))
}

/// Reads the project's files and reports every finding. Changes nothing.
///
/// The router can't match a verb behind a variable, so it passes the whole segment.
#[utoipa::path(post, path = "/projects/{name}:validate", tag = "projects",
    operation_id = "validateProject",
    description = "Reads the project's files and reports every finding. Changes nothing.",
    params(("name" = String, Path, description = "The project's name")),
    security((), ("token" = ["deployment:read"])),
    responses(
        (status = 200, description = "What was found", body = Validation),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn act(
    State(projects): State<Arc<dyn Projects>>,
    AskedPath(path): AskedPath,
    Part(segment): Part<String>,
) -> Result<Json<Validation>, Error> {
    let Some((name, "validate")) = segment.rsplit_once(':') else {
        return Err(Error::UnknownPath { path });
    };
    let name = name.parse::<ProjectName>().map_err(|reason| Error::Invalid {
        pointer: "path".into(),
        reason: format!("{name:?}: {reason}"),
    })?;
    validation(&*projects, &name).await.map(Json)
}

async fn validation(projects: &dyn Projects, name: &ProjectName) -> Result<Validation, Error> {
    if let Some(findings) = projects.validate(name).await? {
        return Ok(findings.into());
    }
    let known = projects.projects().await?;
    Err(Error::not_found("project", name, known.iter().map(|it| it.name.as_str())))
}
