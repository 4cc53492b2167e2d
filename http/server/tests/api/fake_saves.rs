//! Savepoints of a workflow, kept in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use weir_domain::{CommandId, SavepointName, WorkflowName};
use weir_http_api::{
    CheckpointView, RenewalFrom, RenewalLaneView, RenewalView, SavepointLaneView, SavepointState,
    SavepointView,
};
use weir_http_server::{Begin, Refusal, RenewalRequest};

use crate::fixture::NOW;

/// By the id of the command that wanted each. `weather` is worked on.
#[derive(Default)]
pub(crate) struct Saves {
    savepoints: Mutex<BTreeMap<SavepointName, (Option<CommandId>, SavepointView)>>,
    orders: Mutex<Vec<Option<CommandId>>>,
}

impl Saves {
    pub(crate) fn all(&self, workflow: &WorkflowName) -> Vec<SavepointView> {
        let all = self.savepoints.lock().unwrap();
        all.values().map(|it| it.1.clone()).filter(|it| it.workflow == *workflow).collect()
    }

    pub(crate) fn take(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
        id: Option<CommandId>,
        by: String,
    ) -> Result<SavepointView, Refusal> {
        let mut all = self.savepoints.lock().unwrap();
        if let Some((of, there)) = all.get(name) {
            return match id.is_some() && *of == id {
                true => Ok(there.clone()),
                false => Err(conflict("it is there already")),
            };
        }
        let checkpoint =
            CheckpointView { epoch: "3.17".into(), taken_at: NOW, bytes: 2_048, stages: vec![] };
        let lane = SavepointLaneView {
            lane: "lane-1".into(),
            state: SavepointState::Whole,
            checkpoint: Some(checkpoint),
        };
        let view = SavepointView {
            name: name.clone(),
            workflow: workflow.clone(),
            state: SavepointState::Whole,
            wanted_at: Some(NOW),
            by: Some(by),
            bytes: 2_048,
            entries: None,
            lanes: vec![lane],
            fault: None,
        };
        all.insert(name.clone(), (id, view.clone()));
        Ok(view)
    }

    pub(crate) fn delete(&self, name: &SavepointName) {
        self.savepoints.lock().unwrap().remove(name);
    }

    pub(crate) fn renew(&self, request: RenewalRequest) -> Result<RenewalView, Refusal> {
        let RenewalRequest { workflow, begin, dry_run, id, .. } = request;
        let working = workflow.as_str() == "weather";
        if working && !dry_run {
            return Err(conflict("workflow weather runs: lane-1 is worked on"));
        }
        let (from, savepoint) = match begin {
            Begin::Newest => (RenewalFrom::Newest, None),
            Begin::Nothing => (RenewalFrom::Nothing, None),
            Begin::Savepoint(name) => (RenewalFrom::Savepoint, Some(name)),
        };
        let mut orders = self.orders.lock().unwrap();
        let known = orders.iter().position(|it| id.is_some() && *it == id);
        let at = known.unwrap_or(orders.len());
        if known.is_none() && !dry_run {
            orders.push(id);
        }
        Ok(RenewalView {
            workflow,
            order: u32::try_from(at).unwrap() + 1,
            from,
            savepoint,
            lanes: vec![RenewalLaneView { lane: "lane-1".into(), stands: None, begins: None }],
            working: if working { vec!["lane-1".into()] } else { vec![] },
            fresh: vec![],
            dropped: vec![],
            misfits: vec![],
            is_fit_checked: true,
            dry_run,
        })
    }
}

fn conflict(detail: &str) -> Refusal {
    Refusal::Conflict { detail: detail.into(), hint: None }
}
