//! Versions of the projects of a configuration server: what changed, what was committed, and how two of
//! them differ. Who commits says which version was seen as the newest one.

mod branches;
mod port;
mod remotes;

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderValue;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{ProjectName, UserClaim};
use weir_http_api::{
    CommitRequest, Committed, Cursor, DiscardRequest, DryRun, Page, Problem, ProjectVersion,
    ProjectVersionDetail, VersionDiff, VersionDiffQuery, VersionFileQuery, VersionFileText,
    VersionStatus, VersionsQuery,
};

use crate::error::Error;
use crate::etag;
use crate::extract::{Body, Fields, Nothing, Part, Two};
use crate::guard::{Caller, Trail, command, read};
use crate::operations::Ended;
use crate::paging;

pub use port::{BranchEnd, CommitAsked, HistoryAsked, HistoryFound, VersionRefusal, Versions};
pub(crate) use remotes::{Exchanging, exchanges};

type Asked = Arc<dyn Versions>;

/// All but what takes longer than a request may.
pub(crate) fn routes() -> OpenApiRouter<Asked> {
    let write = |action, routes| command(UserClaim::ProjectWrite, action, routes);
    let own = OpenApiRouter::default()
        .routes(read(UserClaim::ProjectRead, routes!(status)))
        .routes(write("version init", routes!(init)))
        .routes(read(UserClaim::ProjectRead, routes!(history)))
        .routes(read(UserClaim::ProjectRead, routes!(show)))
        .routes(read(UserClaim::ProjectRead, routes!(file)))
        .routes(read(UserClaim::ProjectRead, routes!(diff)))
        .routes(write("version commit", routes!(commit)))
        .routes(write("version discard", routes!(discard)));
    own.merge(branches::routes()).merge(remotes::routes())
}

/// The version that the caller saw as the newest one; none: there was none yet.
struct Seen(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Seen {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let of_none = parts.headers.get(IF_NONE_MATCH);
        let of_none = of_none.map(|it| it.to_str().unwrap_or("?").trim());
        match (etag::given(&parts.headers)?, of_none) {
            (None, Some("*")) => Ok(Self(None)),
            (Some(version), None) => Ok(Self(Some(version))),
            (None, None) => Err(Error::Unconditional),
            (Some(_), Some(_)) | (None, Some(_)) => Err(Error::Invalid {
                pointer: "header/if-none-match".into(),
                reason: "send `if-match` with the newest version, or `if-none-match: *`".into(),
            }),
        }
    }
}

/// For the documents.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by hand, since what is wrong with it is said exactly")]
struct SeenHeaders {
    /// The newest version of the branch as it was seen, which the status has as its etag.
    #[param(rename = "if-match", value_type = Option<String>)]
    if_match: Option<String>,
    /// `*`: there is no version yet.
    #[param(rename = "if-none-match", value_type = Option<String>)]
    if_none_match: Option<String>,
}

/// Where the project stands, and what changed since. The header `etag` is the newest version.
#[utoipa::path(get, path = "/projects/{project}/status", tag = "versions", operation_id = "getVersionStatus",
    params(("project" = String, Path, description = "The project's name")),
    responses(
        (status = 200, description = "The status", body = VersionStatus),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn status(
    State(versions): State<Asked>,
    Part(project): Part<ProjectName>,
) -> Result<Response, Error> {
    Ok(tagged(versions.status(project).await?))
}

/// Gives a project versions: makes it a Git repository with a branch `main` and no version yet.
#[utoipa::path(post, path = "/projects/{project}/versions:init", tag = "versions", operation_id = "initVersions",
    params(("project" = String, Path, description = "The project's name")),
    responses(
        (status = 200, description = "The status", body = VersionStatus),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn init(
    State(versions): State<Asked>,
    trail: Trail,
    Part(project): Part<ProjectName>,
    Nothing: Nothing,
) -> Result<Response, Error> {
    trail.about("project", &project);
    Ok(tagged(versions.init(project).await?))
}

/// Versions that changed the project, or one file of it, newest first.
#[utoipa::path(get, path = "/projects/{project}/versions", tag = "versions", operation_id = "listVersions",
    params(("project" = String, Path, description = "The project's name"), VersionsQuery),
    responses(
        (status = 200, description = "One page", body = Page<ProjectVersion>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn history(
    State(versions): State<Asked>,
    Part(project): Part<ProjectName>,
    Fields(query): Fields<VersionsQuery>,
) -> Result<Json<Page<ProjectVersion>>, Error> {
    let VersionsQuery { asset, from, limit, cursor } = query;
    let after = cursor.map(Cursor::version).transpose().map_err(paging::wrong_cursor)?;
    let asked = HistoryAsked { asset, from, after, limit: paging::limit(limit)? };
    let HistoryFound { versions, next } = versions.history(project, asked).await?;
    Ok(Json(Page { items: versions, next_cursor: next.map(Cursor::after_version) }))
}

/// One version, with its files.
#[utoipa::path(get, path = "/projects/{project}/versions/{version}", tag = "versions", operation_id = "getVersion",
    params(("project" = String, Path, description = "The project's name"), ("version" = String, Path, description = "Its id, the beginning of it, or a branch")),
    responses(
        (status = 200, description = "The version", body = ProjectVersionDetail),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn show(
    State(versions): State<Asked>,
    Two(project, version): Two<ProjectName, String>,
) -> Result<Json<ProjectVersionDetail>, Error> {
    Ok(Json(versions.version(project, version).await?))
}

/// What a file held in a version.
#[utoipa::path(get, path = "/projects/{project}/versions/{version}/file", tag = "versions", operation_id = "getVersionFile",
    params(("project" = String, Path, description = "The project's name"), ("version" = String, Path, description = "Its id, the beginning of it, or a branch"), VersionFileQuery),
    responses(
        (status = 200, description = "The text", body = VersionFileText),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn file(
    State(versions): State<Asked>,
    Two(project, version): Two<ProjectName, String>,
    Fields(VersionFileQuery { path }): Fields<VersionFileQuery>,
) -> Result<Json<VersionFileText>, Error> {
    Ok(Json(versions.file(project, version, path).await?))
}

/// How two versions differ, or a version and the files as they are now: by lines, and of assets by fields.
#[utoipa::path(get, path = "/projects/{project}/versions:diff", tag = "versions", operation_id = "diffVersions",
    params(("project" = String, Path, description = "The project's name"), VersionDiffQuery),
    responses(
        (status = 200, description = "The difference", body = VersionDiff),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn diff(
    State(versions): State<Asked>,
    Part(project): Part<ProjectName>,
    Fields(query): Fields<VersionDiffQuery>,
) -> Result<Json<VersionDiff>, Error> {
    Ok(Json(versions.diff(project, query).await?))
}

/// Makes a version of what changed. Its author is who sends it. Where the branch moved meanwhile nothing is done (412).
#[utoipa::path(post, path = "/projects/{project}/versions", tag = "versions", operation_id = "commitVersion",
    params(("project" = String, Path, description = "The project's name"), SeenHeaders, DryRun),
    request_body = CommitRequest,
    responses(
        (status = 200, description = "The version", body = Committed),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn commit(
    State(versions): State<Asked>,
    caller: Caller,
    trail: Trail,
    Part(project): Part<ProjectName>,
    Seen(expected): Seen,
    Fields(DryRun { dry_run: is_dry }): Fields<DryRun>,
    Body(request): Body<CommitRequest>,
) -> Result<Json<Committed>, Error> {
    trail.about("project", &project).dry(is_dry);
    let asked = CommitAsked { request, by: caller.by(), expected, is_dry };
    let committed = versions.commit(project, asked).await?;
    trail.after(&committed);
    Ok(Json(committed))
}

/// Puts files back as they are in the newest version; what was added goes. Nothing brings it back.
#[utoipa::path(post, path = "/projects/{project}/versions:discard", tag = "versions", operation_id = "discardChanges",
    params(("project" = String, Path, description = "The project's name")),
    request_body = DiscardRequest,
    responses(
        (status = 200, description = "The status", body = VersionStatus),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn discard(
    State(versions): State<Asked>,
    trail: Trail,
    Part(project): Part<ProjectName>,
    Body(request): Body<DiscardRequest>,
) -> Result<Response, Error> {
    trail.about("project", &project).before(&request);
    Ok(tagged(versions.discard(project, request.paths).await?))
}

/// With what changes are based on.
fn tagged(status: VersionStatus) -> Response {
    let etag = status.head.as_ref().map(|it| format!("\"{it}\""));
    let mut response = Json(status).into_response();
    let etag = etag.and_then(|it| HeaderValue::from_str(&it).ok());
    response.headers_mut().extend(etag.map(|it| (ETAG, it)));
    response
}

impl From<VersionRefusal> for Error {
    fn from(refusal: VersionRefusal) -> Self {
        match refusal {
            VersionRefusal::Project(it) => it.into(),
            VersionRefusal::Told { kind, code, detail, hint } => {
                Self::Told { kind, code, detail, hint }
            }
            VersionRefusal::Cancelled => {
                let hint = Some("begin it again".to_owned());
                Self::Conflict { detail: "it was cancelled".to_owned(), hint }
            }
        }
    }
}

impl From<VersionRefusal> for Ended {
    fn from(refusal: VersionRefusal) -> Self {
        match refusal {
            VersionRefusal::Cancelled => Self::Cancelled,
            other => Error::from(other).into(),
        }
    }
}
