//! The calls, one for each operation of the API.

use reqwest::Method;
use weir_domain::{StreamId, StreamOrder};
use weir_http_api::{
    NodeView, Page, SniffRequest, SniffResult, StreamDetail, StreamLog, StreamSelection,
    StreamSummary, StreamsQuery, StreamsTold, VersionView, WorkflowDetail, WorkflowSummary,
};

use crate::{Client, Error};

impl Client {
    pub async fn nodes(&self) -> Result<Page<NodeView>, Error> {
        self.get(&["nodes"]).await
    }

    pub async fn node(&self, name: &str) -> Result<NodeView, Error> {
        self.get(&["nodes", name]).await
    }

    pub async fn workflows(&self) -> Result<Page<WorkflowSummary>, Error> {
        self.get(&["workflows"]).await
    }

    pub async fn workflow(&self, name: &str) -> Result<WorkflowDetail, Error> {
        self.get(&["workflows", name]).await
    }

    /// One page of streams, newest first.
    pub async fn streams(&self, query: &StreamsQuery) -> Result<Page<StreamSummary>, Error> {
        self.get_with(&["streams"], query).await
    }

    pub async fn stream(&self, id: StreamId) -> Result<StreamDetail, Error> {
        self.get(&["streams", &id.to_string()]).await
    }

    pub async fn stream_log(&self, id: StreamId) -> Result<StreamLog, Error> {
        self.get(&["streams", &id.to_string(), "log"]).await
    }

    /// Tells open streams what to do.
    pub async fn streams_order(
        &self,
        order: StreamOrder,
        selection: &StreamSelection,
    ) -> Result<StreamsTold, Error> {
        let path = format!("streams:{order}");
        self.decoded(self.command(Method::POST, &[&path]).json(selection)).await
    }

    /// Looks at live records of a workflow.
    pub async fn sniff(
        &self,
        workflow: &str,
        request: &SniffRequest,
    ) -> Result<SniffResult, Error> {
        let path = ["workflows", workflow, "sniff"];
        self.decoded(self.command(Method::POST, &path).json(request)).await
    }

    pub async fn version(&self) -> Result<VersionView, Error> {
        self.get(&["version"]).await
    }
}
