//! Projects of the configuration server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_domain::{ProjectName, UserClaim};
use weir_http_api::{
    ListQuery, Page, Problem, ProjectCreate, ProjectOpen, ProjectRemove, ProjectRename,
    ProjectSummary, Validation,
};

use crate::Projects;
use crate::error::Error;
use crate::extract::{AskedPath, Body, Fields, Part};
use crate::guard::{Caller, Trail};
use crate::lists;

/// The projects of this server.
#[utoipa::path(get, path = "/projects", tag = "projects", operation_id = "listProjects",
    params(ListQuery),
    responses(
        (status = 200, description = "All projects that the caller may read, by name", body = Page<ProjectSummary>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(projects): State<Arc<dyn Projects>>,
    caller: Caller,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<ProjectSummary>>, Error> {
    let mut all = projects.projects().await?;
    all.retain(|it| caller.may(UserClaim::ProjectRead, Some(&it.name)));
    lists::page(all, query).map(Json)
}

/// One project.
#[utoipa::path(get, path = "/projects/{project}", tag = "projects", operation_id = "getProject",
    params(("project" = String, Path, description = "The project's name")),
    responses(
        (status = 200, description = "The project", body = ProjectSummary),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(projects): State<Arc<dyn Projects>>,
    Part(project): Part<ProjectName>,
) -> Result<Json<ProjectSummary>, Error> {
    Ok(Json(projects.project(project).await?))
}

/// Makes an empty project, which is valid, in a directory of the server's own.
#[utoipa::path(post, path = "/projects", tag = "projects", operation_id = "createProject",
    request_body = ProjectCreate,
    responses(
        (status = 200, description = "The project", body = ProjectSummary),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    Body(request): Body<ProjectCreate>,
) -> Result<Json<ProjectSummary>, Error> {
    let made = projects.project_create(request).await?;
    trail.about("project", &made.name).after(&made);
    Ok(Json(made))
}

/// Takes in a directory of the server's machine that is a project. One that is known already is shown.
#[utoipa::path(post, path = "/projects:open", tag = "projects", operation_id = "openProject",
    request_body = ProjectOpen,
    responses(
        (status = 200, description = "The project", body = ProjectSummary),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn open(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    Body(ProjectOpen { directory }): Body<ProjectOpen>,
) -> Result<Json<ProjectSummary>, Error> {
    let opened = projects.project_open(directory).await?;
    trail.about("project", &opened.name).after(&opened);
    Ok(Json(opened))
}

/// Gives a project another name. What engines run of it goes on under the former one.
#[utoipa::path(patch, path = "/projects/{project}", tag = "projects", operation_id = "renameProject",
    params(("project" = String, Path, description = "The project's name")),
    request_body = ProjectRename,
    responses(
        (status = 200, description = "The project", body = ProjectSummary),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn rename(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    caller: Caller,
    Part(project): Part<ProjectName>,
    Body(ProjectRename { name }): Body<ProjectRename>,
) -> Result<Json<ProjectSummary>, Error> {
    trail.about("project", &project);
    // Others may have rights to what is called so, and nobody takes a project out of where they may write.
    let claim = UserClaim::ProjectWrite;
    if ProjectName::new(&name).is_ok_and(|it| !caller.may(claim, Some(&it))) {
        return Err(Error::Forbidden { claim });
    }
    let renamed = projects.project_rename(project, name).await?;
    trail.after(&renamed);
    Ok(Json(renamed))
}

/// Forgets a project, whose files stay; or deletes it with all its files, where its name is given once more.
#[utoipa::path(delete, path = "/projects/{project}", tag = "projects", operation_id = "removeProject",
    params(("project" = String, Path, description = "The project's name"), ProjectRemove),
    responses(
        (status = 200, description = "The project as it was", body = ProjectSummary),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    Part(project): Part<ProjectName>,
    Fields(ProjectRemove { delete_files_of }): Fields<ProjectRemove>,
) -> Result<Json<ProjectSummary>, Error> {
    trail.about("project", &project);
    let gone = projects.project_remove(project, delete_files_of).await?;
    trail.before(&gone);
    Ok(Json(gone))
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
