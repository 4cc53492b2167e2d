//! Builds of projects, their tests, and deploys: operations, and the packages that a configuration server
//! keeps.
//!
//! A cluster decides itself what it takes, and of whom: a deploy is asked for in its sender's name.

use async_trait::async_trait;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{CommandId, ProjectName, UserClaim, UserName};
use weir_http_api::{
    BuildRequest, BuildView, DeployRequest, DeployedView, ListQuery, OperationView, PACKAGE, Page,
    Problem, TestsRequest,
};

use crate::ProjectRefusal;
use crate::config_server::Design;
use crate::error::Error;
use crate::extract::{Body, Fields, Part, Two};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::on_behalf::{OnBehalf, Sender};
use crate::operations::{Begin, Ended, Progress, written};

/// Builds packages and brings them to clusters. What takes long is told how far it is.
#[async_trait]
pub trait Deliveries: Send + Sync + 'static {
    /// The steps of a deploy; the first one is the build.
    fn steps(&self) -> Vec<&'static str>;
    /// Those that are kept, the newest first.
    async fn builds(&self, project: ProjectName) -> Result<Vec<BuildView>, ProjectRefusal>;
    async fn build(&self, project: ProjectName, id: CommandId)
    -> Result<BuildView, ProjectRefusal>;
    /// The package file.
    async fn package(&self, project: ProjectName, id: CommandId)
    -> Result<Vec<u8>, ProjectRefusal>;
    /// Returns what it was.
    async fn build_delete(
        &self,
        project: ProjectName,
        id: CommandId,
    ) -> Result<BuildView, ProjectRefusal>;
    async fn build_create(
        &self,
        project: ProjectName,
        request: BuildRequest,
        (by, sender): (UserName, OnBehalf),
        progress: Progress,
    ) -> Result<BuildView, Ended>;
    async fn deploy(
        &self,
        project: ProjectName,
        request: DeployRequest,
        (by, sender): (UserName, OnBehalf),
        progress: Progress,
    ) -> Result<DeployedView, Ended>;
    /// Runs the cases of the project's tests whose names contain the text; a value as `weir test` writes it.
    async fn test(
        &self,
        project: ProjectName,
        filter: String,
        progress: Progress,
    ) -> Result<Value, Ended>;
}

pub(crate) fn routes() -> OpenApiRouter<Design> {
    use UserClaim::{DeploymentWrite, ProjectRead, ProjectWrite};
    OpenApiRouter::default()
        .routes(read(ProjectRead, routes!(builds)))
        .routes(read(ProjectRead, routes!(build)))
        .routes(read(ProjectRead, routes!(package)))
        .routes(command(DeploymentWrite, "build create", routes!(build_create)))
        .routes(command(DeploymentWrite, "build delete", routes!(build_delete)))
        .routes(command(DeploymentWrite, "project deploy", routes!(deploy)))
        .routes(command(ProjectWrite, "project test", routes!(test)))
}

/// The packages of a project that this server keeps, the newest first. So many are kept; the oldest go.
#[utoipa::path(get, path = "/projects/{project}/builds", tag = "builds", operation_id = "listBuilds",
    params(("project" = String, Path, description = "The project's name"), ListQuery),
    responses(
        (status = 200, description = "All builds", body = Page<BuildView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn builds(
    State(design): State<Design>,
    Part(project): Part<ProjectName>,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<BuildView>>, Error> {
    lists::page(design.deliveries.builds(project).await?, query).map(Json)
}

/// One build.
#[utoipa::path(get, path = "/projects/{project}/builds/{build}", tag = "builds", operation_id = "getBuild",
    params(("project" = String, Path, description = "The project's name"), ("build" = String, Path, description = "The build's id")),
    responses(
        (status = 200, description = "The build", body = BuildView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn build(
    State(design): State<Design>,
    Two(project, id): Two<ProjectName, CommandId>,
) -> Result<Json<BuildView>, Error> {
    Ok(Json(design.deliveries.build(project, id).await?))
}

/// The package, one signed file, as `weir deployment upload` takes it.
#[utoipa::path(get, path = "/projects/{project}/builds/{build}/package", tag = "builds", operation_id = "getBuildPackage",
    params(("project" = String, Path, description = "The project's name"), ("build" = String, Path, description = "The build's id")),
    responses(
        (status = 200, description = "The package", body = inline(weir_http_api::schema::Binary), content_type = "application/vnd.weir.package"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn package(
    State(design): State<Design>,
    Two(project, id): Two<ProjectName, CommandId>,
) -> Result<Response, Error> {
    let build = design.deliveries.build(project.clone(), id).await?;
    let named = format!("attachment; filename=\"{}.weir\"", build.tag);
    let mut response = design.deliveries.package(project, id).await?.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PACKAGE));
    // A tag has no character that means anything here.
    headers.extend(HeaderValue::from_str(&named).ok().map(|it| (CONTENT_DISPOSITION, it)));
    Ok(response)
}

/// Builds a package of a project as it is now, and keeps it. Its errors are those of `:validate`. What came
/// of it is the operation's result: a build.
#[utoipa::path(post, path = "/projects/{project}/builds", tag = "builds", operation_id = "createBuild",
    params(("project" = String, Path, description = "The project's name"), Once),
    request_body = BuildRequest,
    responses(
        (status = 202, description = "It has begun", body = OperationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn build_create(
    State(design): State<Design>,
    Part(project): Part<ProjectName>,
    Sender(sender): Sender,
    key: Key,
    caller: Caller,
    trail: Trail,
    Body(request): Body<BuildRequest>,
) -> Result<Response, Error> {
    trail.about("project", &project).after(&request);
    design.projects.project(project.clone()).await?;
    check(&request, "")?;
    let id = key.chosen(&caller, "build create", &(&project, &request));
    let begin = Begin::of(("build", &["build"]), Some(&project), &caller, id);
    let by = caller.by();
    let deliveries = design.deliveries.clone();
    let work = |progress| async move {
        written(deliveries.build_create(project, request, (by, sender), progress).await?)
    };
    design.operations.accept(begin, work).await
}

/// `at` is where it stands in the request.
fn check(build: &BuildRequest, at: &str) -> Result<(), Error> {
    match (&build.version, &build.commit) {
        (Some(_), Some(_)) => Err(Error::Invalid {
            pointer: format!("{at}/commit"),
            reason: "the version says what it was checked out from: leave out `commit`".into(),
        }),
        _ => Ok(()),
    }
}

/// Deletes a package that is kept. What a cluster has stored of it stays there.
#[utoipa::path(delete, path = "/projects/{project}/builds/{build}", tag = "builds", operation_id = "deleteBuild",
    params(("project" = String, Path, description = "The project's name"), ("build" = String, Path, description = "The build's id")),
    responses(
        (status = 200, description = "The build as it was", body = BuildView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn build_delete(
    State(design): State<Design>,
    trail: Trail,
    Two(project, id): Two<ProjectName, CommandId>,
) -> Result<Json<BuildView>, Error> {
    trail.about("build", format!("{project}/{id}"));
    let gone = design.deliveries.build_delete(project, id).await?;
    trail.before(&gone);
    Ok(Json(gone))
}

/// Brings a project to a cluster: builds a package, or takes one that is kept; asks which objects the
/// cluster lacks, says what would start and stop, sends those objects, makes it the default if that is
/// wanted, and waits until the nodes run it. The cluster judges the sender, for whom this
/// server vouches.
#[utoipa::path(post, path = "/projects/{project}/deploys", tag = "builds", operation_id = "deployProject",
    params(("project" = String, Path, description = "The project's name"), Once),
    request_body = DeployRequest,
    responses(
        (status = 202, description = "It has begun; its result is a `Deployed`", body = OperationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn deploy(
    State(design): State<Design>,
    Part(project): Part<ProjectName>,
    Sender(sender): Sender,
    key: Key,
    caller: Caller,
    trail: Trail,
    Body(request): Body<DeployRequest>,
) -> Result<Response, Error> {
    trail.about("project", &project).after(&request).dry(request.dry_run);
    design.projects.project(project.clone()).await?;
    if request.package.is_some() && request.build.is_some() {
        return Err(Error::Invalid {
            pointer: "/build".into(),
            reason: "a package that is kept is not built: leave out `build` or `package`".into(),
        });
    }
    request.build.iter().try_for_each(|it| check(it, "/build"))?;
    let id = key.chosen(&caller, "project deploy", &(&project, &request));
    let by = caller.by();
    let begin = Begin::of(("deploy", &design.deliveries.steps()), Some(&project), &caller, id);
    let deliveries = design.deliveries.clone();
    let work = |progress| async move {
        written(deliveries.deploy(project, request, (by, sender), progress).await?)
    };
    design.operations.accept(begin, work).await
}

/// Runs the cases of a project's tests, without any cluster. The operation succeeds if they could be
/// run: its result tells by case what differs.
#[utoipa::path(post, path = "/projects/{project}/tests", tag = "builds", operation_id = "testProject",
    params(("project" = String, Path, description = "The project's name"), Once),
    request_body = TestsRequest,
    responses(
        (status = 202, description = "It has begun", body = OperationView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn test(
    State(design): State<Design>,
    Part(project): Part<ProjectName>,
    key: Key,
    caller: Caller,
    trail: Trail,
    Body(request): Body<TestsRequest>,
) -> Result<Response, Error> {
    trail.about("project", &project).after(&request);
    design.projects.project(project.clone()).await?;
    let id = key.chosen(&caller, "project test", &(&project, &request));
    let begin = Begin::of(("test", &["compile", "test"]), Some(&project), &caller, id);
    let deliveries = design.deliveries.clone();
    let work = |progress| async move { deliveries.test(project, request.filter, progress).await };
    design.operations.accept(begin, work).await
}
