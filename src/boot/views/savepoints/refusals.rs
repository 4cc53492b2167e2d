//! Why a savepoint is not taken, and nothing is ordered: with what to do.

use std::collections::BTreeMap;

use weir_domain::{SavepointName, Stream, StreamState, WorkflowName};
use weir_http_api::{SavepointState, SavepointView};
use weir_http_server::{Begin, Refusal};
use weir_stream::jobs::{Refused, Renewal};

pub(super) fn refuse_working(workflow: &WorkflowName, working: &[String]) -> Result<(), Refusal> {
    if working.is_empty() {
        return Ok(());
    }
    Err(Refusal::Conflict {
        detail: format!("workflow {workflow} runs: somebody works on {}", working.join(", ")),
        hint: Some(format!(
            "stop it first: weir scheduler set {workflow} --target 0; and let it run again with \
             --target unset"
        )),
    })
}

pub(super) fn refuse_unfit(
    workflow: &WorkflowName,
    begin: &Begin,
    renewal: &Renewal,
) -> Result<(), Refusal> {
    if renewal.misfits.is_empty() {
        return Ok(());
    }
    let from = match begin {
        Begin::Savepoint(name) => name.to_string(),
        Begin::Newest | Begin::Nothing => "--newest".to_owned(),
    };
    let hint = format!("give it up: weir workflow restore {workflow} {from} --allow-dropped");
    let detail = format!("it does not fit the workflow: {}", renewal.misfits.join("; "));
    Err(Refusal::Conflict { detail, hint: renewal.are_leftovers.then_some(hint) })
}

/// All lanes must be worked on, but for those that have ended, and none be paused.
pub(super) fn refuse_resting(
    workflow: &WorkflowName,
    lanes: &[String],
    (streams, ended): (&BTreeMap<String, Stream>, &[String]),
) -> Result<(), Refusal> {
    let is_missing = |it: &&String| !streams.contains_key(*it) && !ended.contains(it);
    let missing: Vec<_> = lanes.iter().filter(is_missing).collect();
    if let Some(lane) = missing.first() {
        let detail = format!(
            "{} of the {} lanes of workflow {workflow} are not worked on now, as {lane}",
            missing.len(),
            lanes.len()
        );
        let hint = Some(format!("`weir workflow show {workflow}` says what it waits for"));
        return Err(Refusal::Conflict { detail, hint });
    }
    let state = |it: &String| streams.get(it).map(|it| it.state);
    let is_paused = |it: &&String| state(it) == Some(StreamState::Paused);
    if let Some(lane) = lanes.iter().find(is_paused) {
        let detail =
            format!("{lane} of workflow {workflow} is paused: what is paused is not saved");
        let hint = Some(format!("weir stream resume --workflow {workflow}"));
        return Err(Refusal::Conflict { detail, hint });
    }
    Ok(())
}

pub(super) fn taken(workflow: &WorkflowName, there: &SavepointView) -> Refusal {
    let (name, is) = (
        &there.name,
        match there.state {
            SavepointState::Whole => "is there already",
            SavepointState::Taking => "is being taken already",
            SavepointState::Failed => "was begun, and is not whole",
        },
    );
    Refusal::Conflict {
        detail: format!("savepoint {name} of workflow {workflow} {is}"),
        hint: Some(format!(
            "choose another name, or delete it: weir workflow savepoint delete {workflow} {name}"
        )),
    }
}

pub(super) fn gone(name: &SavepointName) -> Refusal {
    let (detail, hint) = (format!("savepoint {name} was deleted just now"), None);
    Refusal::Conflict { detail, hint }
}

pub(super) fn refusal(workflow: &WorkflowName, refused: Refused) -> Refusal {
    let detail = refused.to_string();
    let hint = match refused {
        Refused::Fault(fault) => return fault.into(),
        Refused::NeverRan => format!("weir workflow show {workflow}"),
        Refused::NoSavepoint { .. } => format!("weir workflow savepoint list {workflow}"),
        Refused::NotWhole { .. } => {
            format!("take another: weir workflow savepoint take {workflow} NAME")
        }
        Refused::Awaited { .. } => {
            format!("let it run once, or begin elsewhere: weir workflow reset {workflow} --dry-run")
        }
    };
    Refusal::Conflict { detail, hint: Some(hint) }
}
