//! What a configuration server makes of samples.

use reqwest::Method;
use weir_http_api::{
    InferRequest, InferredView, PeekRequest, PeekView, TestRunRequest, TestRunView,
};

use crate::{Client, Error};

impl Client {
    pub async fn test_run(
        &self,
        project: &str,
        workflow: &str,
        request: &TestRunRequest,
    ) -> Result<TestRunView, Error> {
        let path = ["projects", project, "workflows", workflow, "test-runs"];
        self.decoded(self.command(Method::POST, &path).json(request)).await
    }

    pub async fn format_infer(
        &self,
        project: &str,
        request: &InferRequest,
    ) -> Result<InferredView, Error> {
        let path = ["projects", project, "formats", "infer"];
        self.decoded(self.command(Method::POST, &path).json(request)).await
    }

    pub async fn peek(
        &self,
        project: &str,
        workflow: &str,
        request: &PeekRequest,
    ) -> Result<PeekView, Error> {
        let path = ["projects", project, "workflows", workflow, "peeks"];
        self.decoded(self.command(Method::POST, &path).json(request)).await
    }
}
