//! Looking at live records of a workflow.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_domain::plan::Edge;
use weir_domain::{Millis, PortName, SniffSide, SniffWish, StageId, Workflow, WorkflowName};
use weir_http_api::{Problem, SniffRequest, SniffResult};

use crate::Engine;
use crate::error::Error;
use crate::extract::{Body, Part};
use crate::guard::Trail;

/// Longer than any condition that a person writes.
const CONDITION_BYTES_MAX: usize = 4_096;

/// Captures some of the records that pass a stage now, on all engines, until there are as many as
/// asked for or the time is over. It never makes a stream wait: what comes too fast is dropped, and
/// counted. Secrets are masked.
#[utoipa::path(post, path = "/workflows/{name}/sniff", tag = "workflows", operation_id = "sniffWorkflow",
    params(("name" = String, Path, description = "The workflow's name")),
    request_body = SniffRequest,
    responses(
        (status = 200, description = "What was captured", body = SniffResult),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn sniff(
    trail: Trail,
    State(engine): State<Arc<dyn Engine>>,
    Part(name): Part<WorkflowName>,
    Body(request): Body<SniffRequest>,
) -> Result<Json<SniffResult>, Error> {
    trail.about("workflow", &name).before(&request);
    let Some(workflow) = engine.workflow(&name).await? else {
        let known = engine.workflows().await?;
        return Err(Error::not_found("workflow", &name, known.iter().map(|it| it.name.as_str())));
    };
    let wish = wish(&workflow, request)?;
    Ok(Json(engine.sniff(wish).await?))
}

fn wish(workflow: &Workflow, request: SniffRequest) -> Result<SniffWish, Error> {
    let SniffRequest { stage, side, port, to, stream, filter, condition, records, within_ms } =
        request;
    if workflow.plan.stage(&stage).is_none() {
        let known = workflow.plan.stages.iter().map(|it| it.id.as_str());
        return Err(Error::not_found("stage", &stage, known));
    }
    let ports = ports(workflow, &stage, port, to)?;
    if !ports.is_empty() && side == SniffSide::In {
        let reason = "records have a port as they leave a stage: write \"side\": \"out\"".into();
        return Err(Error::Invalid { pointer: "/side".into(), reason });
    }
    if condition.as_ref().is_some_and(|it| it.len() > CONDITION_BYTES_MAX) {
        let reason = format!("it is longer than {CONDITION_BYTES_MAX} bytes");
        return Err(Error::Invalid { pointer: "/condition".into(), reason });
    }
    let (records_max, within_max) = (SniffRequest::RECORDS_MAX, SniffRequest::WITHIN_MS_MAX);
    check("/records", u64::from(records), u64::from(records_max))?;
    check("/withinMs", within_ms, within_max)?;
    let (workflow, within) = (workflow.name.clone(), Millis(within_ms));
    Ok(SniffWish { workflow, stage, side, ports, stream, filter, condition, records, within })
}

/// The ports that are meant; none: whichever.
fn ports(
    workflow: &Workflow,
    stage: &StageId,
    port: Option<PortName>,
    to: Option<StageId>,
) -> Result<BTreeSet<PortName>, Error> {
    let edges = || workflow.plan.edges.iter().filter(|it| it.from == *stage);
    if let Some(port) = &port
        && edges().all(|it| it.port != *port)
    {
        return Err(Error::not_found("port", port, edges().map(|it| it.port.as_str())));
    }
    let Some(to) = to else { return Ok(port.into_iter().collect()) };
    let fits = |it: &&Edge| it.to == to && port.as_ref().is_none_or(|port| it.port == *port);
    let found: BTreeSet<_> = edges().filter(fits).map(|it| it.port.clone()).collect();
    match found.is_empty() {
        true => Err(Error::not_found("next stage", &to, edges().map(|it| it.to.as_str()))),
        false => Ok(found),
    }
}

fn check(pointer: &str, given: u64, max: u64) -> Result<(), Error> {
    match (1..=max).contains(&given) {
        true => Ok(()),
        false => {
            let reason = format!("{given} is not between 1 and {max}");
            Err(Error::Invalid { pointer: pointer.into(), reason })
        }
    }
}
