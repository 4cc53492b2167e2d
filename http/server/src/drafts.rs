//! Texts of a project's assets that nobody has written yet: an editor has them judged as they are typed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_domain::ProjectName;
use weir_http_api::{Problem, ProjectDrafts, Validation};

use crate::Projects;
use crate::error::Error;
use crate::extract::{Body, Part};

/// Every finding of the project as it would be with these texts. Changes nothing.
#[utoipa::path(post, path = "/projects/{project}/findings", tag = "projects", operation_id = "judgeDrafts",
    params(("project" = String, Path, description = "The project's name")),
    request_body = ProjectDrafts,
    responses(
        (status = 200, description = "What would be found", body = Validation),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn judge(
    State(projects): State<Arc<dyn Projects>>,
    Part(project): Part<ProjectName>,
    Body(ProjectDrafts { drafts }): Body<ProjectDrafts>,
) -> Result<Json<Validation>, Error> {
    let drafts = drafts.into_iter().map(|it| (it.path, it.text)).collect();
    Ok(Json(projects.judge(project, drafts).await?.into()))
}
