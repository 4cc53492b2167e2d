//! Savepoints of live workflows, and beginning anew.

use reqwest::Method;
use weir_http_api::{
    Page, RenewalView, SavepointTake, SavepointView, WorkflowReset, WorkflowRestore,
};

use crate::{Client, Error};

impl Client {
    pub async fn savepoints(&self, workflow: &str) -> Result<Page<SavepointView>, Error> {
        self.get(&["workflows", workflow, "savepoints"]).await
    }

    pub async fn savepoint(&self, workflow: &str, name: &str) -> Result<SavepointView, Error> {
        self.get(&["workflows", workflow, "savepoints", name]).await
    }

    /// Has a savepoint taken. It may be taken later than the answer comes.
    pub async fn savepoint_take(
        &self,
        workflow: &str,
        request: &SavepointTake,
    ) -> Result<SavepointView, Error> {
        let path = ["workflows", workflow, "savepoints"];
        self.decoded(self.command(Method::POST, &path).json(request)).await
    }

    /// Deletes it, and returns what it was; `None`: it was deleted when the command was sent before.
    pub async fn savepoint_delete(
        &self,
        workflow: &str,
        name: &str,
    ) -> Result<Option<SavepointView>, Error> {
        let path = ["workflows", workflow, "savepoints", name];
        self.decoded(self.command(Method::DELETE, &path)).await
    }

    /// Lets the next run of a workflow begin from a savepoint.
    pub async fn workflow_restore(
        &self,
        workflow: &str,
        request: &WorkflowRestore,
    ) -> Result<RenewalView, Error> {
        let path = ["workflows", workflow, "restore"];
        self.decoded(self.command(Method::POST, &path).json(request)).await
    }

    /// Lets the next run of a workflow begin as if it had never run.
    pub async fn workflow_reset(
        &self,
        workflow: &str,
        request: &WorkflowReset,
    ) -> Result<RenewalView, Error> {
        let path = ["workflows", workflow, "reset"];
        self.decoded(self.command(Method::POST, &path).json(request)).await
    }
}
