//! Stored deployments: the tree of them, what differs between two, and which one is the default.

mod asked;
mod diff;
mod upload;
mod views;

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::deployments::storage::{Change, Overview, Row};
use weir_controllers::deployments::{Failure, Rejection};
use weir_domain::{DeploymentTag, UserClaim};
use weir_http_api::{
    Activate, ChangeView, DeploymentsView, DiffQuery, DiffView, DryRun, Problem, StoredView,
    Withdrawal, WithdrawalView,
};
use weir_package::AssignmentSettings;

use crate::error::Error;
use crate::extract::{Body, Fields, Part};
use crate::guard::{Need, Trail, command, read};
use crate::idempotency::Once;
use crate::storages::{Storages, Stored};

pub(crate) use asked::{Asked, Expected};
pub use diff::edit_view;
pub use views::applied;
pub(crate) use views::{activation, canary, recent, role, role_rule};

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let write = Need::Within(UserClaim::DeploymentWrite);
    let activates = Need::Within(UserClaim::DeploymentActivate);
    OpenApiRouter::default()
        .routes(read(UserClaim::DeploymentRead, routes!(list)))
        .routes(read(UserClaim::DeploymentRead, routes!(show)))
        .routes(read(UserClaim::DeploymentRead, routes!(compare)))
        .routes(command(write, "deployment delete", routes!(delete)))
        .routes(command(activates, "deployment activate", routes!(activate)))
        .routes(command(activates, "deployment rollback", routes!(roll_back)))
        .routes(command(write, "deployment withdraw", routes!(withdraw)))
}

/// What takes longer and is longer than other requests.
pub(crate) fn uploads<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let write = Need::Within(UserClaim::DeploymentWrite);
    let upload = command(write, "deployment upload", routes!(upload::upload));
    OpenApiRouter::default().routes(upload)
}

/// All stored deployments.
#[utoipa::path(get, path = "/deployments", tag = "deployments", operation_id = "listDeployments",
    responses(
        (status = 200, description = "All of them", body = DeploymentsView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(Extension(storages): Stored) -> Result<Json<DeploymentsView>, Error> {
    let overview = storages.deployments.overview().await?;
    let applied = storages.deployments.current(None).await?;
    let applied = applied.into_iter().flat_map(|it| it.deployments);
    Ok(Json(views::all(overview, applied.map(|it| views::applied(&it)).collect())))
}

/// One stored deployment.
#[utoipa::path(get, path = "/deployments/{tag}", tag = "deployments", operation_id = "showDeployment",
    params(("tag" = String, Path, description = "The deployment's tag")),
    responses(
        (status = 200, description = "The deployment", body = StoredView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    Extension(storages): Stored,
    Part(tag): Part<DeploymentTag>,
) -> Result<Json<StoredView>, Error> {
    find(&storages.deployments.overview().await?, &tag).map(|it| Json(views::stored(it)))
}

/// What differs between two deployments, down to fields. `DeploymentRoot` is the empty one.
#[utoipa::path(get, path = "/deployments:diff", tag = "deployments", operation_id = "diffDeployments",
    params(DiffQuery),
    responses(
        (status = 200, description = "The difference", body = DiffView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn compare(
    Extension(storages): Stored,
    Fields(query): Fields<DiffQuery>,
) -> Result<Json<DiffView>, Error> {
    let overview = storages.deployments.overview().await?;
    let digest = |tag: &DeploymentTag| match tag.as_str() {
        weir_controllers::deployments::storage::ROOT => Ok(None),
        _ => find(&overview, tag).map(|it| Some(it.deployment.digest)),
    };
    let (before, after) = (digest(&query.from)?, digest(&query.to)?);
    let difference = storages.packages.difference(before, after).await?;
    Ok(Json(diff::view(query, difference)))
}

/// Deletes a deployment that nothing runs and nothing assigns. What is based on it hangs under its
/// own base afterwards.
#[utoipa::path(delete, path = "/deployments/{tag}", tag = "deployments", operation_id = "deleteDeployment",
    params(("tag" = String, Path, description = "The deployment's tag"), DryRun, asked::Expected, Once),
    responses(
        (status = 200, description = "What it changed", body = ChangeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(
    asked: Asked,
    trail: Trail,
    Extension(storages): Stored,
    Part(tag): Part<DeploymentTag>,
    Fields(dry): Fields<DryRun>,
) -> Result<Json<ChangeView>, Error> {
    trail.about("deployment", &tag);
    asked.change(&storages, &trail, dry, Change::Delete { tag }).await
}

/// Makes a deployment the default: what all nodes run that no rule fits. `DeploymentRoot` stops
/// everything there. Done when it is written down; the nodes follow at once.
#[utoipa::path(post, path = "/deployments:activate", tag = "deployments", operation_id = "activateDeployment",
    params(DryRun, asked::Expected, Once),
    request_body = Activate,
    responses(
        (status = 200, description = "What it changed", body = ChangeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn activate(
    asked: Asked,
    trail: Trail,
    Extension(storages): Stored,
    Fields(dry): Fields<DryRun>,
    Body(Activate { tag, assignments }): Body<Activate>,
) -> Result<Json<ChangeView>, Error> {
    trail.about("deployment", &tag);
    let change = match assignments {
        true => Change::SetAssignments(brought(&storages, tag).await?),
        false => Change::SetDefault { tag },
    };
    asked.change(&storages, &trail, dry, change).await
}

/// The rules that a deployment's package brings; where they name no default, it is the default.
async fn brought(storages: &Storages, tag: DeploymentTag) -> Result<AssignmentSettings, Error> {
    let overview = storages.deployments.overview().await?;
    let digest = find(&overview, &tag)?.deployment.digest;
    let settings = storages.packages.assignments(digest).await?.ok_or_else(|| Error::Conflict {
        detail: format!("the package of {tag} says nothing of assignments"),
        hint: Some("write spec.assignments in project.yaml, or set rules one by one".to_owned()),
    })?;
    Ok(AssignmentSettings { default: settings.default.or(Some(tag)), ..settings })
}

/// Ends the canary, if one runs; otherwise makes the default before this one the default again.
#[utoipa::path(post, path = "/deployments:rollback", tag = "deployments", operation_id = "rollBackDeployment",
    params(DryRun, asked::Expected, Once),
    responses(
        (status = 200, description = "What it changed", body = ChangeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn roll_back(
    asked: Asked,
    trail: Trail,
    Extension(storages): Stored,
    Fields(dry): Fields<DryRun>,
) -> Result<Json<ChangeView>, Error> {
    let default = storages.deployments.overview().await?.default;
    trail.about("deployment", default);
    asked.change(&storages, &trail, dry, Change::Rollback).await
}

/// Runs nothing any more of a project that was deployed from a directory: its workflows may then come with a
/// package.
#[utoipa::path(post, path = "/deployments:withdraw", tag = "deployments", operation_id = "withdrawDeployment",
    params(DryRun, asked::Expected, Once),
    request_body = Withdrawal,
    responses(
        (status = 200, description = "What runs no more", body = WithdrawalView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn withdraw(
    asked: Asked,
    trail: Trail,
    Extension(storages): Stored,
    Fields(DryRun { dry_run }): Fields<DryRun>,
    Body(Withdrawal { project }): Body<Withdrawal>,
) -> Result<Json<WithdrawalView>, Error> {
    trail.about("deployment", &project).dry(dry_run);
    asked.check(&storages, &project).await?;
    let applied = storages.deployments.current(None).await?;
    let applied = applied.map(|it| it.deployments).unwrap_or_default();
    let found = applied.iter().find(|it| it.project == project).map(|it| views::applied(it));
    if let Some(deployment) = &found {
        trail.before(deployment);
    }
    let done = if dry_run {
        found
            .as_ref()
            .map(drop)
            .ok_or_else(|| Failure::Rejected(Rejection::Unknown(project.clone())))
    } else {
        // One that was carried out before finds nothing here, and is not refused there.
        let command = asked.named(&storages, "deployment withdraw", &project);
        storages.deployments.withdraw_as(command, project.clone(), storages.now()).await
    };
    match done {
        Err(Failure::Rejected(Rejection::Unknown(_))) => {
            let known = applied.iter().map(|it| it.project.as_str());
            return Err(Error::not_found("deployment", &project, known));
        }
        done => done?,
    }
    let workflows = found.map(|it| it.workflows).unwrap_or_default();
    Ok(Json(WithdrawalView { dry_run, project, workflows }))
}

fn find<'o>(overview: &'o Overview, tag: &DeploymentTag) -> Result<&'o Row, Error> {
    let rows = &overview.deployments;
    let found = rows.iter().find(|it| it.deployment.tag == *tag);
    found.ok_or_else(|| {
        Error::not_found("deployment", tag, rows.iter().map(|it| it.deployment.tag.as_str()))
    })
}
