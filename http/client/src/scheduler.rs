//! The schedule, and draining nodes.

use reqwest::Method;
use weir_http_api::{
    DrainView, DryRun, Rebalance, RebalancePlan, ScheduleApply, ScheduleChange, SchedulePlan,
    SchedulePreview, ScheduleView, ScheduledWorkflowDetail,
};

use crate::access::if_match;
use crate::{Client, Error};

impl Client {
    pub async fn schedule(&self) -> Result<ScheduleView, Error> {
        self.get(&["scheduler"]).await
    }

    pub async fn scheduled_workflow(&self, name: &str) -> Result<ScheduledWorkflowDetail, Error> {
        self.get(&["scheduler", "workflows", name]).await
    }

    /// `revision`: the one that the caller saw; another one is refused.
    pub async fn schedule_set(
        &self,
        workflow: &str,
        change: &ScheduleChange,
        revision: Option<u64>,
    ) -> Result<ScheduledWorkflowDetail, Error> {
        let path = ["scheduler", "workflows", workflow];
        let request = self.command(Method::PATCH, &path).json(change);
        self.decoded(if_match(request, revision)).await
    }

    /// What changes would do. Nothing is changed.
    pub async fn schedule_preview(&self, draft: &SchedulePreview) -> Result<SchedulePlan, Error> {
        self.decoded(self.command(Method::POST, &["scheduler:preview"]).json(draft)).await
    }

    /// All changes or none.
    pub async fn schedule_apply(&self, changes: &ScheduleApply) -> Result<ScheduleView, Error> {
        self.decoded(self.command(Method::POST, &["scheduler:apply"]).json(changes)).await
    }

    pub async fn rebalance_plan(&self) -> Result<RebalancePlan, Error> {
        self.get(&["scheduler", "rebalance"]).await
    }

    /// By the plan of that revision, and no other.
    pub async fn rebalance(&self, revision: u64) -> Result<ScheduleView, Error> {
        let request = self.command(Method::POST, &["scheduler", "rebalance"]);
        self.decoded(request.json(&Rebalance { revision })).await
    }

    pub async fn node_drain(&self, node: &str) -> Result<DrainView, Error> {
        self.post(&["nodes", node, "drain"]).await
    }

    /// What draining it would do, or undraining it. Nothing is changed.
    pub async fn node_drain_plan(&self, node: &str, is_undone: bool) -> Result<DrainView, Error> {
        let verb = if is_undone { "undrain" } else { "drain" };
        let request = self.command(Method::POST, &["nodes", node, verb]);
        self.decoded(request.query(&DryRun { dry_run: true })).await
    }

    pub async fn node_undrain(&self, node: &str) -> Result<DrainView, Error> {
        self.post(&["nodes", node, "undrain"]).await
    }
}
