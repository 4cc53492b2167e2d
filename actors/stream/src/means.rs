//! What the actions of a workflow are run with: its stages as they are deployed now, and its secrets.
//!
//! An action may wait for long: its database was moved, its server refuses what is sent. What a person
//! mends then is the configuration of the stage, and so that counts, and not what was stored with the
//! action. Where the engine runs no such stage any more, the stored connection is all there is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;
use weir_domain::plan::Plan;
use weir_domain::{Fault, WorkflowName};
use weir_secrets::Opened;

use crate::clear::ClearConnection;
use crate::connector::Action;

/// Of one version of a workflow.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Means {
    /// As it was deployed. None: the engine has no such workflow.
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) secrets: Opened,
}

impl Means {
    /// The configuration of the stage that the action is of, if it still is of that connector.
    pub(crate) fn config(&self, action: &Action) -> Option<&Value> {
        let (kind, config) = self.plan.as_ref()?.config(action.stage.as_ref()?)?;
        (kind == action.connector).then_some(config)
    }

    /// How the other side of an action is reached, with the values of secrets.
    pub(crate) fn connection(&self, action: &Action) -> Result<ClearConnection, Fault> {
        let deployed = self.config(action).and_then(|it| it.get("connection"));
        ClearConnection::of(deployed.unwrap_or(&action.connection), &self.secrets)
    }
}

/// The versions of workflows that this engine runs, which their debts are paid with.
#[derive(Debug, Clone, Default)]
pub struct Running {
    versions: Arc<Mutex<BTreeMap<WorkflowName, Vec<Means>>>>,
    /// How many were begun so far.
    begun: watch::Sender<u64>,
}

/// A version is known as long as this is.
pub(crate) struct Known {
    running: Running,
    workflow: WorkflowName,
    pub(crate) means: Means,
}

impl Running {
    pub(crate) fn hold(&self, plan: &Arc<Plan>, secrets: &Opened) -> Known {
        let means = Means { plan: Some(plan.clone()), secrets: secrets.clone() };
        let workflow = plan.workflow.clone();
        self.lock().entry(workflow.clone()).or_default().push(means.clone());
        self.begun.send_modify(|it| *it += 1);
        Known { running: self.clone(), workflow, means }
    }

    /// Changes whenever a version begins: what could not be paid before may be paid with it.
    pub fn begun(&self) -> watch::Receiver<u64> {
        self.begun.subscribe()
    }

    /// Those of the version that was begun last. Nothing: the engine has no such workflow.
    pub(crate) fn of(&self, workflow: &WorkflowName) -> Means {
        self.lock().get(workflow).and_then(|it| it.last()).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<WorkflowName, Vec<Means>>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        let mut all = self.running.lock();
        let Some(versions) = all.get_mut(&self.workflow) else { return };
        if let Some(at) = versions.iter().position(|it| *it == self.means) {
            versions.remove(at);
        }
        if versions.is_empty() {
            all.remove(&self.workflow);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_domain::StageId;

    use super::*;

    fn plan(url: &str, kind: &str) -> Arc<Plan> {
        let plan = json!({
            "workflow": "orders", "instances": 1, "edges": [],
            "stages": [{ "id": "send", "role": "sink", "kind": kind,
                "config": { "connection": { "url": url }, "onRefused": "drop" } }],
        });
        Arc::new(serde_json::from_value(plan).unwrap())
    }

    fn action(stage: Option<&str>) -> Action {
        let stage = stage.map(|it| StageId::new(it).unwrap());
        let connection = json!({ "url": "http://stored" });
        Action { connection, stage, ..Action::new("http", Value::Null) }
    }

    fn url(means: &Means, action: &Action) -> Value {
        means.connection(action).unwrap()["url"].clone()
    }

    #[test]
    fn an_action_is_run_with_what_is_deployed_now_where_its_stage_still_is() {
        let running = Running::default();
        let workflow = WorkflowName::new("orders").unwrap();
        assert_eq!(url(&running.of(&workflow), &action(Some("send"))), "http://stored");

        let first = running.hold(&plan("http://first", "http"), &Opened::default());
        let second = running.hold(&plan("http://second", "http"), &Opened::default());
        let means = running.of(&workflow);
        assert_eq!(url(&means, &action(Some("send"))), "http://second");
        assert_eq!(means.config(&action(Some("send"))).unwrap()["onRefused"], "drop");
        assert_eq!(url(&means, &action(Some("other"))), "http://stored");
        assert_eq!(url(&means, &action(None)), "http://stored");

        drop(second);
        assert_eq!(url(&running.of(&workflow), &action(Some("send"))), "http://first");
        drop(first);
        assert_eq!(running.of(&workflow), Means::default());
    }

    #[test]
    fn a_stage_that_is_of_another_connector_now_says_nothing() {
        let running = Running::default();
        let _held = running.hold(&plan("tcp://first", "nats"), &Opened::default());
        let means = running.of(&WorkflowName::new("orders").unwrap());
        assert_eq!(url(&means, &action(Some("send"))), "http://stored");
        assert_eq!(means.config(&action(Some("send"))), None);
    }
}
