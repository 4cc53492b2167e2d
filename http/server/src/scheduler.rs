//! The schedule: what is wanted, what a change would do, why things stand where they do, and
//! changing them.

mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::scheduler::{Change, Command, Failure, Overview, Rejection};
use weir_domain::schedule::{Reach, Scope};
use weir_domain::{NodeName, Timestamp, UserClaim, WorkflowName};
use weir_http_api::{
    DrainView, DryRun, Problem, Rebalance, RebalancePlan, ScheduleApply, ScheduleChange,
    SchedulePlan, SchedulePreview, ScheduleStanding, ScheduleView, ScheduledWorkflowDetail,
};

use crate::error::Error;
use crate::extract::{Body, Fields, IfMatch, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::storages::{Storages, Stored};

/// Who shows workflows or nodes does not wait longer for what the scheduler says of them.
const STANDINGS_WITHIN: Duration = Duration::from_millis(500);
/// So many workflows are named in the audit's object.
const NAMED_MAX: usize = 5;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let (see, write) = (UserClaim::ScheduleRead, UserClaim::ScheduleWrite);
    let manage = UserClaim::ClusterManage;
    OpenApiRouter::default()
        .routes(read(see, routes!(show)))
        .routes(read(see, routes!(workflow)))
        .routes(command(write, "scheduler set", routes!(set)))
        .routes(read(see, routes!(preview)))
        .routes(command(write, "scheduler apply", routes!(apply)))
        .routes(read(see, routes!(moves)))
        .routes(command(write, "scheduler rebalance", routes!(rebalance)))
        .routes(command(manage, "node drain", routes!(drain)))
        .routes(command(manage, "node undrain", routes!(undrain)))
}

/// All workflows and nodes as the scheduler sees them.
#[utoipa::path(get, path = "/scheduler", tag = "scheduler", operation_id = "showSchedule",
    responses(
        (status = 200, description = "The schedule", body = ScheduleView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(Extension(storages): Stored) -> Result<Json<ScheduleView>, Error> {
    Ok(Json(views::schedule(storages.scheduler.show().await?)))
}

/// One workflow: where each instance is and why there, and what each node is to the next one.
#[utoipa::path(get, path = "/scheduler/workflows/{workflow}", tag = "scheduler", operation_id = "showScheduledWorkflow",
    params(("workflow" = String, Path, description = "The workflow's name")),
    responses(
        (status = 200, description = "The workflow", body = ScheduledWorkflowDetail),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn workflow(
    Extension(storages): Stored,
    Part(name): Part<WorkflowName>,
) -> Result<Json<ScheduledWorkflowDetail>, Error> {
    find(&storages, &name).await.map(Json)
}

/// Changes what is wanted of one workflow. What is absent stays.
#[utoipa::path(patch, path = "/scheduler/workflows/{workflow}", tag = "scheduler", operation_id = "changeScheduledWorkflow",
    params(("workflow" = String, Path, description = "The workflow's name"), ("if-match" = Option<u64>, Header, description = "The revision that was read: another one is refused"), Once),
    request_body = ScheduleChange,
    responses(
        (status = 200, description = "The workflow", body = ScheduledWorkflowDetail),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn set(
    (caller, trail, key): (Caller, Trail, Key),
    Extension(storages): Stored,
    Part(name): Part<WorkflowName>,
    IfMatch(expected): IfMatch,
    Body(change): Body<ScheduleChange>,
) -> Result<Json<ScheduledWorkflowDetail>, Error> {
    let known = find(&storages, &name).await?;
    trail.about("schedule", &name).before(&known.workflow.settings);
    let wanted = ScheduleChange { revision: None, ..change.clone() };
    let id = key.command(&storages.system, &caller, "scheduler set", &(&name, &wanted));
    let change = ScheduleChange { revision: expected.or(change.revision), ..change };
    let steps = steps(&name, &change, storages.now());
    carry_out(&storages, id, together(steps, None, storages.now())).await?;
    let changed = find(&storages, &name).await?;
    trail.after(&changed.workflow.settings);
    Ok(Json(changed))
}

/// What changes would do: what starts, what stops, what would be missing, and why. Nothing is
/// changed.
#[utoipa::path(post, path = "/scheduler:preview", tag = "scheduler", operation_id = "previewSchedule",
    request_body = SchedulePreview,
    responses(
        (status = 200, description = "The plan", body = SchedulePlan),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn preview(
    Extension(storages): Stored,
    Body(draft): Body<SchedulePreview>,
) -> Result<Json<SchedulePlan>, Error> {
    let at = storages.now();
    let drain = draft.drain.iter().map(|it| Command::Drain { node: it.clone(), at });
    let undrain = draft.undrain.iter().map(|it| Command::Undrain { node: it.clone(), at });
    let steps = all_steps(&draft.workflows, at).into_iter().chain(drain).chain(undrain).collect();
    match storages.scheduler.preview(together(steps, None, at)).await {
        Ok((revision, placement)) => Ok(Json(views::plan(revision, placement))),
        Err(failure) => Err(refused(&storages, failure).await),
    }
}

/// Changes several workflows together, or nothing at all.
#[utoipa::path(post, path = "/scheduler:apply", tag = "scheduler", operation_id = "applySchedule",
    params(Once),
    request_body = ScheduleApply,
    responses(
        (status = 200, description = "The schedule", body = ScheduleView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn apply(
    (caller, trail, key): (Caller, Trail, Key),
    Extension(storages): Stored,
    Body(request): Body<ScheduleApply>,
) -> Result<Json<ScheduleView>, Error> {
    let known = views::schedule(storages.scheduler.show().await?);
    let settings = |it: &ScheduleView| {
        let named = it.workflows.iter().filter(|it| request.workflows.contains_key(&it.workflow));
        named.map(|it| (it.workflow.clone(), it.settings.clone())).collect::<BTreeMap<_, _>>()
    };
    trail.about("schedule", named(&request)).before(&settings(&known));
    let id = key.command(&storages.system, &caller, "scheduler apply", &request);
    let steps = all_steps(&request.workflows, storages.now());
    carry_out(&storages, id, together(steps, request.revision, storages.now())).await?;
    let changed = views::schedule(storages.scheduler.show().await?);
    trail.after(&settings(&changed));
    Ok(Json(changed))
}

/// The moves that would even out the loads, and the revision that they hold for.
#[utoipa::path(get, path = "/scheduler/rebalance", tag = "scheduler", operation_id = "planRebalance",
    responses(
        (status = 200, description = "The plan", body = RebalancePlan),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn moves(Extension(storages): Stored) -> Result<Json<RebalancePlan>, Error> {
    let (revision, moves) = storages.scheduler.moves().await?;
    Ok(Json(views::rebalance(revision, moves)))
}

/// Evens out the loads, by the plan that the caller saw.
#[utoipa::path(post, path = "/scheduler/rebalance", tag = "scheduler", operation_id = "rebalance",
    params(Once),
    request_body = Rebalance,
    responses(
        (status = 200, description = "The schedule", body = ScheduleView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn rebalance(
    (caller, trail, key): (Caller, Trail, Key),
    Extension(storages): Stored,
    Body(request): Body<Rebalance>,
) -> Result<Json<ScheduleView>, Error> {
    trail.about("schedule", "all").after(&request);
    let id = key.command(&storages.system, &caller, "scheduler rebalance", &request);
    let command = Command::Rebalance { expected: Some(request.revision), at: storages.now() };
    carry_out(&storages, id, command).await?;
    Ok(Json(views::schedule(storages.scheduler.show().await?)))
}

/// Empties a node until it is undrained: what it runs starts elsewhere, as far as limits allow.
#[utoipa::path(post, path = "/nodes/{name}/drain", tag = "nodes", operation_id = "drainNode",
    params(("name" = String, Path, description = "The node's name"), DryRun, Once),
    responses(
        (status = 200, description = "The node", body = DrainView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn drain(
    (caller, trail, key): (Caller, Trail, Key),
    Extension(storages): Stored,
    Part(node): Part<NodeName>,
    Fields(DryRun { dry_run }): Fields<DryRun>,
) -> Result<Json<DrainView>, Error> {
    let id = key.command(&storages.system, &caller, "node drain", &node);
    let command = Command::Drain { node: node.clone(), at: storages.now() };
    if dry_run {
        return planned(&storages, &trail, node, command).await;
    }
    set_drained(&storages, &trail, node, (id, command)).await
}

/// Lets a drained node be given instances again. Nothing that works is moved to it.
#[utoipa::path(post, path = "/nodes/{name}/undrain", tag = "nodes", operation_id = "undrainNode",
    params(("name" = String, Path, description = "The node's name"), DryRun, Once),
    responses(
        (status = 200, description = "The node", body = DrainView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn undrain(
    (caller, trail, key): (Caller, Trail, Key),
    Extension(storages): Stored,
    Part(node): Part<NodeName>,
    Fields(DryRun { dry_run }): Fields<DryRun>,
) -> Result<Json<DrainView>, Error> {
    let id = key.command(&storages.system, &caller, "node undrain", &node);
    let command = Command::Undrain { node: node.clone(), at: storages.now() };
    if dry_run {
        return planned(&storages, &trail, node, command).await;
    }
    set_drained(&storages, &trail, node, (id, command)).await
}

/// What a command would do that drains a node or takes that back, by the scheduler's own planning.
async fn planned(
    storages: &Storages,
    trail: &Trail,
    node: NodeName,
    command: Command,
) -> Result<Json<DrainView>, Error> {
    trail.about("node", &node).dry(true);
    let drained = matches!(command, Command::Drain { .. });
    match storages.scheduler.preview(together(vec![command], None, storages.now())).await {
        Ok(plan) => {
            let known = views::drain(&node, &storages.scheduler.show().await?);
            let reach = known.reach.map(|it| match (drained, it) {
                (true, Reach::Up) => Reach::Draining,
                (false, Reach::Draining) => Reach::Up,
                (_, it) => it,
            });
            Ok(Json(views::drain_plan(&node, (drained, reach), plan)))
        }
        Err(failure) => Err(refused(storages, failure).await),
    }
}

async fn set_drained(
    storages: &Storages,
    trail: &Trail,
    node: NodeName,
    (id, command): (weir_domain::CommandId, Command),
) -> Result<Json<DrainView>, Error> {
    trail.about("node", &node);
    let known = views::drain(&node, &storages.scheduler.show().await?);
    trail.before(&known);
    carry_out(storages, id, command).await?;
    let changed = views::drain(&node, &storages.scheduler.show().await?);
    trail.after(&changed);
    Ok(Json(changed))
}

/// How the cluster stands with each workflow, as far as the scheduler can say at once.
pub(crate) async fn standings(
    storages: Option<&Storages>,
) -> BTreeMap<WorkflowName, ScheduleStanding> {
    let overview = soon(storages).await;
    overview.map_or_else(BTreeMap::new, |it| views::standings(it.placement.workflows))
}

/// The workflows that the scheduler knows; `None` where it does not answer in time.
pub(crate) async fn scheduled(storages: &Storages) -> Option<BTreeSet<WorkflowName>> {
    let overview = soon(Some(storages)).await?;
    Some(views::standings(overview.placement.workflows).into_keys().collect())
}

/// The nodes that are drained; `None` where the scheduler does not answer in time.
pub(crate) async fn drained(storages: Option<&Storages>) -> Option<BTreeSet<NodeName>> {
    soon(storages).await.map(|it| it.drained)
}

/// For who shows workflows or nodes, and does so also while the scheduler moves.
async fn soon(storages: Option<&Storages>) -> Option<Overview> {
    let answer = tokio::time::timeout(STANDINGS_WITHIN, storages?.scheduler.show());
    answer.await.ok()?.ok()
}

async fn find(storages: &Storages, name: &WorkflowName) -> Result<ScheduledWorkflowDetail, Error> {
    match storages.scheduler.workflow(name.clone()).await? {
        Some(view) => Ok(views::workflow(name, view)),
        None => Err(refused(storages, Rejection::UnknownWorkflow(name.clone()).into()).await),
    }
}

async fn carry_out(
    storages: &Storages,
    id: weir_domain::CommandId,
    command: Command,
) -> Result<(), Error> {
    match storages.scheduler.carry_out(id, command).await {
        Ok(()) => Ok(()),
        Err(failure) => Err(refused(storages, failure).await),
    }
}

/// A refusal, with the name that was meant where one is not known.
async fn refused(storages: &Storages, failure: Failure) -> Error {
    let unknown = match &failure {
        Failure::Rejected(Rejection::UnknownWorkflow(it)) => ("workflow", it.to_string()),
        Failure::Rejected(Rejection::UnknownNode(it)) => ("node", it.to_string()),
        Failure::Rejected(_) | Failure::Refused(_) | Failure::Proxy(_) => return failure.into(),
    };
    // The first answer stands, whatever became of the scheduler since.
    let Ok(known) = storages.scheduler.show().await else { return failure.into() };
    let known = views::schedule(known);
    let workflows = known.workflows.iter().map(|it| it.workflow.as_str());
    let nodes = known.nodes.iter().map(|it| it.name.as_str());
    let names: Vec<&str> = if unknown.0 == "node" { nodes.collect() } else { workflows.collect() };
    Error::not_found(unknown.0, &unknown.1, names)
}

fn together(steps: Vec<Command>, expected: Option<u64>, at: Timestamp) -> Command {
    Command::Together { steps, expected, at }
}

fn all_steps(workflows: &BTreeMap<WorkflowName, ScheduleChange>, at: Timestamp) -> Vec<Command> {
    workflows.iter().flat_map(|(name, change)| steps(name, change, at)).collect()
}

/// One workflow's changes, in their order: its revision is checked before the first.
fn steps(workflow: &WorkflowName, it: &ScheduleChange, at: Timestamp) -> Vec<Command> {
    let target = it.target.map(|it| Change::Target(it.target()));
    let weight = it.weight.map(Change::Weight);
    let default = it.default.map(|it| Change::Limit(Scope::Default, it));
    let nodes = it.nodes.iter().map(|(node, it)| Change::Limit(Scope::Node(node.clone()), *it));
    let roles = it.roles.iter().map(|(role, it)| Change::Limit(Scope::Role(role.clone()), *it));
    let changes = target.into_iter().chain(weight).chain(default).chain(nodes).chain(roles);
    let first = it.revision;
    let step = |(n, change): (usize, Change)| {
        let expected = first.filter(|_| n == 0);
        Command::Change { workflow: workflow.clone(), change, expected, at }
    };
    changes.enumerate().map(step).collect()
}

fn named(request: &ScheduleApply) -> String {
    let names: Vec<&str> = request.workflows.keys().map(WorkflowName::as_str).collect();
    match names.len() {
        0..=NAMED_MAX => names.join(","),
        count => format!("{count} workflows"),
    }
}
