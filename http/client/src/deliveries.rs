//! Builds of projects on a configuration server, their tests, and deploys.

use reqwest::{Method, RequestBuilder};
use weir_domain::CommandId;
use weir_http_api::{BuildRequest, BuildView, DeployRequest, OperationView, Page, TestsRequest};

use crate::{Client, Error};

impl Client {
    pub async fn builds(&self, project: &str) -> Result<Page<BuildView>, Error> {
        self.get(&["projects", project, "builds"]).await
    }

    pub async fn build(&self, project: &str, id: CommandId) -> Result<BuildView, Error> {
        self.get(&["projects", project, "builds", &id.to_string()]).await
    }

    /// The package, one signed file.
    pub async fn build_package(&self, project: &str, id: CommandId) -> Result<Vec<u8>, Error> {
        let url = self.url(&["projects", project, "builds", &id.to_string(), "package"]);
        let response = self.sent(self.authorized(self.http.get(url))).await?;
        match response.status().is_success() {
            true => self.body(response).await,
            false => Err(self.refused(response).await),
        }
    }

    pub async fn build_delete(&self, project: &str, id: CommandId) -> Result<BuildView, Error> {
        let path = ["projects", project, "builds", &id.to_string()];
        self.decoded(self.command(Method::DELETE, &path)).await
    }

    pub async fn build_create(
        &self,
        project: &str,
        request: &BuildRequest,
    ) -> Result<OperationView, Error> {
        self.decoded(self.below_project(project, "builds").json(request)).await
    }

    pub async fn project_deploy(
        &self,
        project: &str,
        request: &DeployRequest,
    ) -> Result<OperationView, Error> {
        self.decoded(self.below_project(project, "deploys").json(request)).await
    }

    pub async fn project_test(
        &self,
        project: &str,
        request: &TestsRequest,
    ) -> Result<OperationView, Error> {
        self.decoded(self.below_project(project, "tests").json(request)).await
    }

    fn below_project(&self, project: &str, what: &str) -> RequestBuilder {
        self.command(Method::POST, &["projects", project, what])
    }
}
