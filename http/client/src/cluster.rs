//! The cluster as one of its engines sees it: of its management server, and of servers of the REST API.

use weir_http_api::{
    ExplainQuery, ExplanationView, LeaseView, LinkView, MemberView, MembersView, Page,
};

use crate::{Client, Error};

impl Client {
    pub async fn members(&self) -> Result<MembersView, Error> {
        self.get(&["cluster", "members"]).await
    }

    /// One member by its name or uid.
    pub async fn member(&self, node: &str) -> Result<MemberView, Error> {
        self.get(&["cluster", "members", node]).await
    }

    pub async fn leases(&self) -> Result<Page<LeaseView>, Error> {
        self.get(&["cluster", "leases"]).await
    }

    pub async fn links(&self) -> Result<Page<LinkView>, Error> {
        self.get(&["cluster", "links"]).await
    }

    /// Why a node is up or not; the asked one where none is named.
    pub async fn explain(&self, query: &ExplainQuery) -> Result<ExplanationView, Error> {
        self.get_with(&["cluster", "explain"], query).await
    }
}
