//! The management server of an engine: the cluster as that engine sees it.

use reqwest::RequestBuilder;
use weir_domain::{NodeName, ProjectName};
use weir_http_api::{
    Concealed, DeploymentPreview, DeploymentRequest, DeploymentView, DryRun, LeaseMove, LeaseView,
    MemberView, MembersView, Page,
};

use crate::events::Events;
use crate::{Authority, Client, Error};

/// A client of one management server. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Management {
    client: Client,
}

impl Management {
    /// A client of the server at `base`, as `http://127.0.0.1:8558`.
    pub fn new(base: &str) -> Result<Self, Error> {
        Self::trusting(base, &Authority::default())
    }

    /// The same, of one whose certificate this authority signed.
    pub fn trusting(base: &str, authority: &Authority) -> Result<Self, Error> {
        Ok(Self { client: Client::below_root(base, &[], authority)? })
    }

    /// Shows this with every request: the token of that server, or a token or session of a user.
    /// Commands need one; questions may.
    #[must_use]
    pub fn with_token(self, token: Option<Concealed>) -> Self {
        Self { client: self.client.with_token(token) }
    }

    /// What deploys is called by this: sent again, it is carried out once.
    #[must_use]
    pub fn with_idempotency_key(self, key: Option<String>) -> Self {
        Self { client: self.client.with_idempotency_key(key) }
    }

    /// Whether this address is its own.
    pub fn is_at(&self, server: &str) -> bool {
        self.client.is_at(server)
    }

    /// Whether it is on the same host as a server.
    pub fn is_beside(&self, server: &str) -> bool {
        self.client.is_beside(server)
    }

    /// The server's address, without a slash at its end.
    pub fn base(&self) -> &str {
        self.client.base()
    }

    /// For questions about the cluster, which servers of the REST API answer, too.
    pub fn as_client(&self) -> &Client {
        &self.client
    }

    pub async fn members(&self) -> Result<MembersView, Error> {
        self.client.members().await
    }

    pub async fn leases(&self) -> Result<Page<LeaseView>, Error> {
        self.client.leases().await
    }

    /// Lets a member leave; it is done when the member is removed.
    pub async fn leave(&self, node: &str) -> Result<MemberView, Error> {
        let request = self.command(&["cluster", "members", node, "leave"]);
        self.client.decoded(request).await
    }

    /// Takes a member for lost.
    pub async fn down(&self, node: &str) -> Result<MemberView, Error> {
        let request = self.command(&["cluster", "members", node, "down"]);
        self.client.decoded(request).await
    }

    /// Wants a lease on a node; `None`: wherever the cluster puts it.
    pub async fn lease_move(
        &self,
        lease: &str,
        node: Option<NodeName>,
    ) -> Result<LeaseView, Error> {
        let request = self.command(&["cluster", "leases", lease, "move"]);
        self.client.decoded(request.json(&LeaseMove { node })).await
    }

    /// What happens from now on; the first event is the whole state.
    pub async fn events(&self) -> Result<Events, Error> {
        Events::of(&self.client, &["cluster", "domain-events"]).await
    }

    pub async fn deployments(&self) -> Result<Page<DeploymentView>, Error> {
        self.client.get(&["deployments"]).await
    }

    /// Makes this the content of the project that all engines run.
    pub async fn deploy(
        &self,
        project: &ProjectName,
        deployment: &DeploymentRequest,
    ) -> Result<DeploymentView, Error> {
        let url = self.client.url(&["deployments", project.as_str()]);
        let request = self.client.named(self.client.authorized(self.client.http.put(url)));
        self.client.decoded(request.json(deployment)).await
    }

    /// What deploying that would do.
    pub async fn preview_deploy(
        &self,
        project: &ProjectName,
        deployment: &DeploymentRequest,
    ) -> Result<DeploymentPreview, Error> {
        let request = self.command(&["deployments", project.as_str(), "preview"]);
        self.client.decoded(request.json(deployment)).await
    }

    /// Runs nothing of the project any more.
    pub async fn withdraw(
        &self,
        project: &ProjectName,
        dry_run: &DryRun,
    ) -> Result<DeploymentView, Error> {
        let url = self.client.url(&["deployments", project.as_str()]);
        let request = self.client.authorized(self.client.http.delete(url));
        self.client.decoded(request.query(dry_run)).await
    }

    fn command(&self, path: &[&str]) -> RequestBuilder {
        self.client.authorized(self.client.http.post(self.client.url(path)))
    }
}
