//! Projects of a configuration server as archives.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use weir_domain::ProjectName;
use weir_http_api::{Problem, ProblemKind, ProjectImport, ProjectSummary, ZIP, schema};

use crate::Projects;
use crate::error::Error;
use crate::extract::{AskedPath, Fields, Part};
use crate::guard::Trail;

/// An archive that is longer holds data.
pub(crate) const BODY_BYTES_MAX: usize = 64 << 20;

/// The project as a ZIP archive, without hidden files and excluded directories. Equal files make equal archives.
#[utoipa::path(get, path = "/projects/{project}/archive", tag = "projects", operation_id = "exportProject",
    params(("project" = String, Path, description = "The project's name")),
    responses(
        (status = 200, description = "The archive", body = inline(schema::Binary), content_type = "application/zip"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn export(
    State(projects): State<Arc<dyn Projects>>,
    Part(project): Part<ProjectName>,
) -> Result<Response, Error> {
    let named = format!("attachment; filename=\"{project}.zip\"");
    let mut response = projects.project_export(project).await?.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(ZIP));
    // The name of a project has no character that means anything here.
    headers.extend(HeaderValue::from_str(&named).ok().map(|it| (CONTENT_DISPOSITION, it)));
    Ok(response)
}

/// Makes a project of a ZIP archive: all of it, or nothing.
#[utoipa::path(post, path = "/projects:import", tag = "projects", operation_id = "importProject",
    params(ProjectImport),
    request_body(description = "The archive, 64 MiB at most, of 10,000 files and 64 MiB at most",
        content(
            (inline(schema::Binary) = "application/octet-stream"),
            (inline(schema::Binary) = "application/zip")
        )),
    responses(
        (status = 200, description = "The project", body = ProjectSummary),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn import(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    Fields(ProjectImport { name }): Fields<ProjectImport>,
    body: Archive,
) -> Result<Json<ProjectSummary>, Error> {
    let made = projects.project_import(body.0.into(), name).await?;
    trail.about("project", &made.name).after(&made);
    Ok(Json(made))
}

/// Of any file, as clients send it that don't know what it is.
const BYTES: &str = "application/octet-stream";

/// A body that says that it is an archive, or a file.
pub(crate) struct Archive(Bytes);

impl<S: Send + Sync> FromRequest<S> for Archive {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let method = request.method().clone();
        let (mut parts, body) = request.into_parts();
        let Ok(AskedPath(path)) = AskedPath::from_request_parts(&mut parts, state).await;
        let request = Request::from_parts(parts, body);
        // A page of somebody else may send a body of another type without being asked.
        let content_type = request.headers().get(CONTENT_TYPE);
        if content_type.is_none_or(|it| it != ZIP && it != BYTES) {
            return Err(Error::Told {
                kind: ProblemKind::UnsupportedMediaType,
                code: ProblemKind::UnsupportedMediaType.code(),
                detail: format!("{path} does not take this content type"),
                hint: format!("send a ZIP archive with the header `content-type: {ZIP}`"),
            });
        }
        let bytes = Bytes::from_request(request, state).await;
        bytes.map(Self).map_err(|it| Error::Status { status: it.status(), method, path })
    }
}
