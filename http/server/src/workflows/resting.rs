//! Workflows that shall run and that no engine has now: those of nodes that went away. They are shown with what is
//! deployed, so that nobody takes them for undeployed.

use std::collections::{BTreeMap, BTreeSet};

use weir_controllers::deployments::storage::Row;
use weir_domain::plan::Plan;
use weir_domain::{Counts, ProjectName, Timestamp, Workflow, WorkflowName, WorkflowState};
use weir_http_api::ScheduleStanding;

use crate::error::Error;
use crate::storages::Storages;

/// Of those that the schedule wants, by name: which are not among the ones that engines have.
pub(super) fn missing<'s>(
    standings: &'s BTreeMap<WorkflowName, ScheduleStanding>,
    had: &BTreeSet<WorkflowName>,
) -> Vec<&'s WorkflowName> {
    let wanted = standings.iter().filter(|(_, it)| it.target > 0).map(|(name, _)| name);
    wanted.filter(|it| !had.contains(*it)).collect()
}

/// Without their plans.
pub(super) async fn named(
    storages: &Storages,
    names: &[&WorkflowName],
) -> Result<Vec<Workflow>, Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let rows = storages.deployments.overview().await?.deployments;
    let found = names.iter().filter_map(|name| {
        let row = rows.iter().find(|it| runs(it, name))?;
        Some(resting(
            row.deployment.project.clone(),
            empty((*name).clone()),
            row.deployment.built_at,
        ))
    });
    Ok(found.collect())
}

/// With its plan; `None`: nothing that is used has it.
pub(super) async fn one(
    storages: &Storages,
    name: &WorkflowName,
) -> Result<Option<Workflow>, Error> {
    let rows = storages.deployments.overview().await?.deployments;
    let Some(row) = rows.iter().find(|it| runs(it, name)) else { return Ok(None) };
    let plan = storages.packages.plan(row.deployment.digest, name).await?;
    let (project, built_at) = (row.deployment.project.clone(), row.deployment.built_at);
    Ok(plan.map(|it| resting(project, it, built_at)))
}

fn runs(row: &Row, name: &WorkflowName) -> bool {
    (row.is_default || !row.uses.is_empty()) && row.deployment.workflows.contains_key(name)
}

fn empty(workflow: WorkflowName) -> Plan {
    Plan {
        workflow,
        instances: 0,
        stages: Vec::new(),
        edges: Vec::new(),
        retry: Default::default(),
        dead_letters: None,
        error_limit: None,
    }
}

fn resting(project: ProjectName, plan: Plan, started_at: Timestamp) -> Workflow {
    Workflow {
        name: plan.workflow.clone(),
        project,
        state: WorkflowState::Stopped,
        instances: 0,
        reports: Vec::new(),
        open_streams: 0,
        paused_streams: 0,
        committed: 0,
        committed_with_warnings: 0,
        rolled_back: 0,
        counts: Counts::default(),
        stages: BTreeMap::new(),
        times: BTreeMap::new(),
        started_at,
        last_stream_at: None,
        fault: None,
        plan,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_and_nobody_has_is_missing() {
        let name = |it: &str| WorkflowName::new(it).unwrap();
        let wanted = |target| ScheduleStanding { target, ..ScheduleStanding::default() };
        let standings = BTreeMap::from([
            (name("a"), wanted(1)),
            (name("b"), wanted(2)),
            (name("c"), wanted(0)),
        ]);
        assert_eq!(missing(&standings, &BTreeSet::from([name("a")])), [&name("b")]);
        assert!(missing(&standings, &BTreeSet::from([name("a"), name("b")])).is_empty());
    }
}
