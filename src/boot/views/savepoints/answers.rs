//! Checkpoints and orders as the REST API shows them.

use weir_domain::{StageId, TableName, WorkflowName};
use weir_http_api::{
    CheckpointStageView, CheckpointTableView, CheckpointView, RenewalFrom, RenewalLaneView,
    RenewalView,
};
use weir_stream::jobs::{OrderBegin, Renewal, SavedLane, SavedStage, SavedTable};

/// Of all tables; `None` where one was not counted.
pub(super) fn entries(lanes: &[&SavedLane]) -> Option<u64> {
    let tables = lanes.iter().flat_map(|it| it.stages.values()).flat_map(|it| it.tables.values());
    tables.map(|it| it.entries).sum()
}

pub(super) fn checkpoint(lane: &SavedLane) -> CheckpointView {
    let says = |it: &SavedStage| it.splits.is_some() || !it.tables.is_empty();
    let stages = lane.stages.iter().filter(|it| says(it.1));
    let table = |(name, it): (&TableName, &SavedTable)| CheckpointTableView {
        table: name.clone(),
        kind: it.spec.to_string(),
        bytes: it.bytes,
        entries: it.entries,
    };
    let stage = |(id, it): (&StageId, &SavedStage)| CheckpointStageView {
        stage: id.clone(),
        splits: it.splits.clone().unwrap_or_default(),
        is_ended: it.is_ended,
        tables: it.tables.iter().map(table).collect(),
    };
    CheckpointView {
        epoch: lane.epoch.to_string(),
        taken_at: lane.taken_at,
        bytes: lane.bytes(),
        stages: stages.map(stage).collect(),
    }
}

pub(super) fn view_of(
    workflow: &WorkflowName,
    renewal: &Renewal,
    working: Vec<String>,
    dry_run: bool,
) -> RenewalView {
    let (from, savepoint) = match &renewal.begin {
        OrderBegin::Newest => (RenewalFrom::Newest, None),
        OrderBegin::Nothing => (RenewalFrom::Nothing, None),
        OrderBegin::Savepoint { name, .. } => (RenewalFrom::Savepoint, Some(name.clone())),
    };
    let lanes = renewal.lanes.iter().map(|it| RenewalLaneView {
        lane: it.lane.clone(),
        stands: it.stands.as_ref().map(checkpoint),
        begins: it.begins.as_ref().map(checkpoint),
    });
    let dropped = renewal.dropped.iter().map(|(stage, table)| match table {
        Some(table) => format!("{stage}/{table}"),
        None => stage.to_string(),
    });
    RenewalView {
        workflow: workflow.clone(),
        order: renewal.number,
        from,
        savepoint,
        lanes: lanes.collect(),
        working,
        fresh: renewal.fresh.iter().map(ToString::to_string).collect(),
        dropped: dropped.collect(),
        misfits: renewal.misfits.clone(),
        is_fit_checked: renewal.is_plan_known,
        dry_run,
    }
}
