//! The clusters that a configuration server knows.

use reqwest::Method;
use weir_http_api::{FleetAdd, FleetClusterView, FleetSet, IssuerView, Page};

use crate::{Client, Error};

impl Client {
    pub async fn fleet(&self) -> Result<Page<FleetClusterView>, Error> {
        self.get(&["clusters"]).await
    }

    pub async fn fleet_cluster(&self, name: &str) -> Result<FleetClusterView, Error> {
        self.get(&["clusters", name]).await
    }

    pub async fn fleet_add(&self, request: &FleetAdd) -> Result<FleetClusterView, Error> {
        self.decoded(self.command(Method::POST, &["clusters"]).json(request)).await
    }

    pub async fn fleet_set(
        &self,
        name: &str,
        request: &FleetSet,
        revision: Option<u64>,
    ) -> Result<FleetClusterView, Error> {
        let command = self.command(Method::PUT, &["clusters", name]).json(request);
        self.decoded(expecting(command, revision)).await
    }

    /// `None`: the same command removed it before.
    pub async fn fleet_remove(&self, name: &str) -> Result<Option<FleetClusterView>, Error> {
        self.decoded(self.command(Method::DELETE, &["clusters", name])).await
    }

    pub async fn fleet_probe(&self, name: &str) -> Result<FleetClusterView, Error> {
        self.post(&["clusters", name, "probe"]).await
    }

    /// With what the server vouches for its users.
    pub async fn issuer(&self) -> Result<IssuerView, Error> {
        self.get(&["clusters:issuer"]).await
    }
}

fn expecting(command: reqwest::RequestBuilder, revision: Option<u64>) -> reqwest::RequestBuilder {
    match revision {
        Some(revision) => command.header("if-match", revision),
        None => command,
    }
}
